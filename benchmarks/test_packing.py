"""The safe packing with loose bounds; ``python -m benchmarks.packing`` compares with the target."""

from __future__ import annotations

import pytest
from benchmarks.packing import ROUNDS, TARGET, time_packing
from benchmarks.ratios import table

LOOSE = 3.0
"""How many times the target a shared machine may show."""


@pytest.mark.parametrize("sessions", [pytest.param(54, marks=pytest.mark.smoke), 1000])
def test_the_packing_is_far_faster_than_the_linear_program(sessions: int) -> None:
    ratio = time_packing(sessions, 1, rounds=ROUNDS[sessions])
    print(table([ratio]))
    assert ratio.value <= LOOSE * TARGET
