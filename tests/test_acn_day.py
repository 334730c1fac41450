"""A real day at a real site: all the energy that phasors allow, in whole steps, and nothing exceeded."""

from __future__ import annotations

import pytest
from benchmarks.acn import run
from benchmarks.acn_days import DATA, DAYS, OBJECTIVES, Kind

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}")


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_day_behind_a_transformer_of_30_kw(kind: Kind) -> None:
    """The referee accepts the plan, for any subset of cars stopping; whole steps may overshoot each wish a little."""
    result = run(DAYS[0], kind, rounds=1)
    assert result.reached
    assert result.share <= 1.0002
