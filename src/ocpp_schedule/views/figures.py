"""Set-points in the units that people and stations read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.taper import drawn_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from ocpp_schedule.problem.arrays import Floats, Ints, Problem

WATTS_PER_DECIWATT: Final = 0.1


def permissions(setpoints: Ints, steps: Sequence[Fraction]) -> Floats:
    """Return set-points times the step of their row.

    Args:
        setpoints: (S, T) integer steps.
        steps: (S,) what one step is [A per phase, or W in total].

    Returns:
        (S, T) [A per phase, or W in total], the floats nearest to the exact decimals.

    >>> from fractions import Fraction
    >>> permissions(np.array([[0, 163], [60, 0]]), [Fraction(1, 10), Fraction(10)]).tolist()
    [[0.0, 16.3], [600.0, 0.0]]
    """
    # One division per cell, so that 0.1 A steps print as the decimals they are.
    numerators = np.array([float(step.numerator) for step in steps]).reshape(-1, 1)
    denominators = np.array([float(step.denominator) for step in steps]).reshape(-1, 1)
    limits: Floats = setpoints * numerators / denominators
    return limits


def mean_power_w(problem: Problem, setpoints: Ints) -> Floats:
    """Return the expected power of (S, T) set-points [W], before losses at guarded edges."""
    power = np.asarray(setpoints * problem.power_dw[:, None] * WATTS_PER_DECIWATT, dtype=np.float64)
    for session in problem.tapers:
        drawn = np.array(drawn_units(problem, session, setpoints[session], None, None))
        power[session] = drawn / problem.seconds * WATTS_PER_DECIWATT
    return power


def peak_power_w(problem: Problem, power_w: Floats) -> float:
    """Return the highest power that the site delivers in a slot, for (S, T) powers into the cars [W]."""
    drawn = power_w * (problem.draw_dw / np.maximum(problem.power_dw, 1))[:, None]
    return float(drawn.sum(axis=0).max(initial=0.0))
