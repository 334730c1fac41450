"""What a plan is worth in each stage: exact integers, one function per kind."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.delivered import delivered_units, weighed_dw
from ocpp_schedule.solve.metering import metered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.problem.stages import StageKind, StageSpec


def stage_values(problem: Problem, energy: Ints, missing: Ints) -> tuple[int, ...]:
    """Return the value of every stage, less is better.

    Args:
        problem: what is planned.
        energy: (S, T) energy given, guard losses taken off [0.1 J].
        missing: (D,) energy that each demand misses [0.1 J].
    """
    return tuple(VALUE_OF[stage.kind](problem, stage, energy, missing) for stage in problem.stages)


def weighted_units(energy: Ints, rate: Ints, seconds: Ints) -> int:
    """Return ``floor(sum(energy x rate / seconds))``, rounded once (convention 1).

    Args:
        energy: (S, T) [0.1 J].
        rate: (T,) rate x seconds of the slot.
        seconds: (T,) lengths of the slots.
    """
    lengths = seconds.tolist()
    common = math.lcm(*set(lengths))
    shares = [own * (common // length) for own, length in zip(rate.tolist(), lengths, strict=True)]
    return int(sum(map(operator.mul, energy.sum(axis=0).tolist(), shares))) // common


def gross_units(problem: Problem, setpoints: Ints, stage: StageSpec) -> float:
    """Return what the energy of (S, T) set-points is worth in a stage, rates without their sign."""
    per_slot = (setpoints * weighed_dw(problem, stage)[:, None]).sum(axis=0)
    return float((per_slot * abs(stage.rate)).sum())


def worth_of(problem: Problem) -> Ints:
    """Return (S,) what missing a unit of wished energy counts in the first stage after the wishes."""
    worth = np.zeros(problem.sessions, dtype=np.int64)
    for stage in problem.stages[problem.wish_stages :][:1]:
        if stage.kind != "missing":
            np.maximum.at(worth, problem.demand_session, stage.lost)
    return worth


def _missing(_: Problem, stage: StageSpec, __: Ints, missing: Ints) -> int:
    return int(missing[stage.demands].sum())


def _rate(problem: Problem, stage: StageSpec, energy: Ints, missing: Ints) -> int:
    weighed = delivered_units(problem, energy) if stage.delivered else energy
    return weighted_units(weighed, stage.rate, problem.seconds) + _lost(stage, missing)


def _lost(stage: StageSpec, missing: Ints) -> int:
    """Return what missing energy would have been worth."""
    return sum(map(operator.mul, missing.tolist(), stage.lost.tolist())) if stage.lost.any() else 0


def _bill(problem: Problem, stage: StageSpec, energy: Ints, missing: Ints) -> int:
    assert problem.meter is not None  # noqa: S101 - such a stage comes with a meter, for the type checker
    return metered(problem, problem.meter, energy).cost_units + _lost(stage, missing)


VALUE_OF: Final[dict[StageKind, Callable[[Problem, StageSpec, Ints, Ints], int]]] = {
    "missing": _missing,
    "rate": _rate,
    "bill": _bill,
}
