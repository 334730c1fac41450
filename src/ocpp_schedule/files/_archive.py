"""Reading a plan archive from a file, and judging it without a solver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ocpp_schedule.files._text import Budget, read_text

if TYPE_CHECKING:
    import os

    from ocpp_schedule.check.claims import Audit
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.solution import Solution

PLAN_FILE = "plan.json"


def audit_file(path: str | os.PathLike[str]) -> tuple[Scenario, Solution, Audit]:
    """Read a plan archive and derive everything that it claims again.

    Only models, referee and certificate are used: neither the compiler of problems nor a solver.

    Args:
        path: an archive (``Plan.to_json``), or a folder that ``write_output`` wrote.

    Raises:
        InputError: there is no such file, or it is no plan archive.
    """
    from ocpp_schedule.check.claims import audit  # noqa: PLC0415 - loads numpy
    from ocpp_schedule.views.archive import claims_of, read_archive, solution_from_dict  # noqa: PLC0415 - as above

    place = Path(path)
    text = read_text(place / PLAN_FILE if place.is_dir() else place, Budget())
    scenario, data = read_archive(text)
    solution = solution_from_dict(scenario, data)
    return scenario, solution, audit(scenario, solution, claims_of(text))
