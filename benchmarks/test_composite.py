"""Composite schedules with a loose bound; ``python -m benchmarks.composite`` compares with the target."""

from __future__ import annotations

import pytest
from benchmarks.composite import KINDS, TARGET, Kind, time_composite
from benchmarks.ratios import table

LOOSE = 3.0
"""How many times the target a shared machine may show."""


@pytest.mark.smoke
@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in KINDS])
def test_composite_of_a_day(kind: Kind) -> None:
    ratio, ms = time_composite(kind, rounds=15)
    print(table([ratio]), f"{ms:.2f} ms")
    assert ratio.value <= LOOSE * TARGET
