"""The flow class with loose bounds; ``python -m benchmarks.flow`` compares with the targets."""

from __future__ import annotations

import pytest
from benchmarks.flow import ROUNDS, SIZES, time_size
from benchmarks.ratios import table

LOOSE = 3.0
"""How many times the target a shared machine may show."""
SMOKE = (pytest.param(500, 96, 3, id="500x96", marks=pytest.mark.smoke),)
FULL = tuple(pytest.param(*SIZES[size], ROUNDS[size], id=size) for size in SIZES)


@pytest.mark.parametrize(("sessions", "slots", "rounds"), [*SMOKE, *FULL])
def test_from_problem_to_proof_against_the_bare_flow(sessions: int, slots: int, rounds: int) -> None:
    timings = time_size(sessions, slots, 1, rounds=rounds)
    print(table([timings.whole, timings.priced, timings.check]))
    assert timings.whole.value <= LOOSE * timings.whole.target
