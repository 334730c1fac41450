"""What ``diff`` is given: whether it can be, and which profiles are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model.layering import site_layers
from ocpp_schedule.profiles.ids import profile_ids
from ocpp_schedule.timegrid import iso_utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.profiles.model import ProfileStack


def our_numbers(scenario: Scenario, ids: Mapping[tuple[str, str], int] | None) -> frozenset[int]:
    """Return the profile ids that are ours."""
    layers = site_layers(scenario.site).values()
    return frozenset(profile_ids(scenario.site.connectors, ids, layers).values())


def check_arguments(
    stacks: Sequence[ProfileStack], scenario: Scenario, now: datetime, dead_band_a: float, dead_band_w: float
) -> None:
    """Raise ``InputError`` with everything that is wrong with the arguments of ``diff``."""
    problems = []
    if now.tzinfo is None:
        problems.append(InputProblem("now", f"{now.isoformat()} has no zone; give an aware datetime."))
    elif now >= scenario.grid.end:
        problems.append(InputProblem("now", f"{iso_utc(now)} is after the grid; plan again."))
    for name, value in (("dead_band_a", dead_band_a), ("dead_band_w", dead_band_w)):
        if not 0 <= value < float("inf"):
            problems.append(InputProblem(name, f"{value} cannot be; give a number from 0."))
    if missing := sorted({one.id for one in scenario.site.connectors} - {stack.connector for stack in stacks}):
        what = f"has no stack for {', '.join(map(repr, missing))}; give those of all connectors."
        problems.append(InputProblem("desired", what))
    stations = {one.id for one in scenario.site.stations}
    problems += [
        InputProblem(f"desired ({stack.connector!r})", f"the site has no station {stack.station!r}.")
        for stack in stacks
        if stack.station not in stations
    ]
    if problems:
        raise InputError("diff", problems)
