"""Stacks with full proof, small; ``python -m benchmarks.stacks`` compares a thousand connectors with the target."""

from __future__ import annotations

import pytest
from benchmarks.stacks import CONNECTORS, SLOTS, TARGET_S, timed

LOOSE = 3.0
"""How many times the target a shared machine may show."""


@pytest.mark.smoke
def test_a_small_fleet_is_proven_and_a_tenth_of_an_ampere_less_is_not() -> None:
    proof, parts = timed(20, 24)
    assert proof.holds, str(proof)
    shares = {one.name: one.share for one in proof.variants}
    assert shares["clocks off"] == shares["any of these"] == 1.0
    assert shares["as planned"] < 1.0
    assert shares["clock at 1970"] == 0.0
    assert parts["all"] < TARGET_S
    assert not timed(20, 24, spare_a=-0.1)[0].holds


def test_a_thousand_connectors_are_proven_in_time() -> None:
    proof, parts = timed(CONNECTORS, SLOTS)
    assert proof.holds, str(proof)
    assert parts["all"] < LOOSE * TARGET_S
