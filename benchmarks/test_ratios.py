"""The ratios with loose bounds: CI machines are shared, so that only gross faults fail here.

``python benchmarks/ratios.py`` compares them with the targets.
"""

from __future__ import annotations

from statistics import median

import pytest
from benchmarks.ratios import GUARDS_S, IMPORT_TARGETS, SEEDS, Ratio, table, time_imports, time_scenario

LOOSE = 3.0
"""How many times the target a shared machine may show."""
SMOKE = (pytest.param(54, (1,), 5, id="54x96-one seed", marks=pytest.mark.smoke),)
FULL = (pytest.param(54, SEEDS, 15, id="54x96-all seeds"), pytest.param(200, SEEDS, 7, id="200x96-all seeds"))


def _sane(ratios: list[Ratio]) -> bool:
    print(table(ratios))
    return median(ratio.value for ratio in ratios) <= LOOSE * ratios[0].target


@pytest.mark.parametrize("guard_s", GUARDS_S)
@pytest.mark.parametrize(("sessions", "seeds", "rounds"), [*SMOKE, *FULL])
def test_plan_and_wire_against_the_bare_solve(sessions: int, seeds: tuple[int, ...], rounds: int, guard_s: int) -> None:
    timings = [time_scenario(sessions, guard_s, seed, rounds=rounds) for seed in seeds]
    assert _sane([one.schedule for one in timings])
    assert _sane([one.wire for one in timings])


@pytest.mark.parametrize("rounds", [pytest.param(3, marks=pytest.mark.smoke), 9])
def test_imports_against_pydantic(rounds: int) -> None:
    ratios = time_imports(rounds=rounds)
    assert len(ratios) == len(IMPORT_TARGETS)
    for ratio in ratios:
        assert _sane([ratio])
