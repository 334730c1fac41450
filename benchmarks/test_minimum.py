"""Minimum currents: the gaps are the same on every machine; the times have loose bounds."""

from __future__ import annotations

import pytest
from benchmarks.minimum import FAMILIES, Family, measure, mixed, row, two_level

LOOSE = 5.0
"""How many times the median's target one seed on a shared machine may take."""
SMOKE = (
    Family("mixed 30x96", mixed(30), 1, None, 0.05, 8.0, None),
    Family("two-level 20x96", two_level(20), 1, None, 0.05, 25.0, None),
)


@pytest.mark.parametrize(
    "family",
    [*(pytest.param(one, id=one.name, marks=pytest.mark.smoke) for one in SMOKE)]
    + [pytest.param(one, id=one.name) for one in FAMILIES],
)
def test_gap_and_time_of_a_seed(family: Family) -> None:
    found = measure(family, seed=1)
    print(row(family, [found]))
    assert found.missing == 0
    assert found.gap <= family.worst_gap
    assert found.times <= LOOSE * (family.median_times or family.worst_times or 1.0)
