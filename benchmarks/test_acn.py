"""The real days with loose bounds on time; ``python -m benchmarks.acn`` compares them with the targets."""

from __future__ import annotations

import pytest
from benchmarks.acn import PILOT_SHARES, TIMES, run
from benchmarks.acn_days import DATA, DAYS, OBJECTIVES, Day, Kind

LOOSE = 4.0
"""How many times the target a shared machine may show."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}")

CASES = [
    pytest.param(day, kind, id=f"{day}-{kind}", marks=pytest.mark.smoke if day.cap_kw == 150 else ())
    for day in DAYS
    for kind in OBJECTIVES
]


@pytest.mark.parametrize(("day", "kind"), CASES)
def test_against_the_optimum_with_true_phasors(day: Day, kind: Kind) -> None:
    result = run(day, kind, rounds=1)
    print(result)
    assert result.reached
    assert result.times <= LOOSE * TIMES


@pytest.mark.parametrize("kind", PILOT_SHARES)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_with_the_pilots_of_real_chargers(day: Day, kind: Kind) -> None:
    result = run(day, kind, rounds=1, pilots=True)
    print(result)
    assert result.reached
