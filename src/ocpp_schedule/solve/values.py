"""What a plan is worth in each stage: exact integers, one function per kind."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Final

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
        rate: (T,), or (S, T) where it differs between sessions: rate x seconds of the slot.
        seconds: (T,) lengths of the slots.
    """
    lengths = seconds.tolist()
    common = math.lcm(*set(lengths))
    if rate.ndim == 1:
        shares = [own * (common // length) for own, length in zip(rate.tolist(), lengths, strict=True)]
        return int(sum(map(operator.mul, energy.sum(axis=0).tolist(), shares))) // common
    total = 0
    for slot, length in enumerate(lengths):
        weighted = sum(map(operator.mul, energy[:, slot].tolist(), rate[:, slot].tolist()))
        total += weighted * (common // length)
    return int(total // common)


def gross_units(problem: Problem, setpoints: Ints, stage: StageSpec) -> float:
    """Return what the energy of (S, T) set-points is worth in a stage, rates without their sign."""
    power = setpoints * problem.power_dw[:, None]
    return float(((power if stage.rate.ndim > 1 else power.sum(axis=0)) * abs(stage.rate)).sum())


def _missing(_: Problem, stage: StageSpec, __: Ints, missing: Ints) -> int:
    return int(missing[stage.demands].sum())


def _rate(problem: Problem, stage: StageSpec, energy: Ints, _: Ints) -> int:
    return weighted_units(energy, stage.rate, problem.seconds)


def _bill(problem: Problem, _: StageSpec, energy: Ints, __: Ints) -> int:
    assert problem.meter is not None  # noqa: S101 - such a stage comes with a meter, for the type checker
    return metered(problem, problem.meter, energy).cost_units


VALUE_OF: Final[dict[StageKind, Callable[[Problem, StageSpec, Ints, Ints], int]]] = {
    "missing": _missing,
    "rate": _rate,
    "bill": _bill,
}
