"""What a plan is worth in each stage: exact integers, one function per kind."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ocpp_schedule.problem.limits import UNLIMITED
from ocpp_schedule.problem.loads import LEVELS, MICROJOULES
from ocpp_schedule.problem.stages import PARTS_PER_MILLION
from ocpp_schedule.solve.delivered import delivered_units, weighed_dw
from ocpp_schedule.solve.metering import metered
from ocpp_schedule.solve.working import booked_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.problem.loads import SoftRows
    from ocpp_schedule.problem.stages import StageKind, StageSpec


def stage_values(problem: Problem, setpoints: Ints, energy: Ints, missing: Ints) -> tuple[int, ...]:
    """Return the value of every stage, less is better.

    Args:
        problem: what is planned.
        setpoints: (S, T) steps.
        energy: (S, T) energy given, guard losses taken off [0.1 J].
        missing: (D,) energy that each demand misses [0.1 J].
    """
    plan = Given(setpoints, energy, missing)
    return tuple(VALUE_OF[stage.kind](problem, stage, plan) for stage in problem.stages)


class Given(NamedTuple):
    """A plan as stages look at it: (S, T) steps, (S, T) energy given and (D,) energy missing [0.1 J]."""

    setpoints: Ints
    energy: Ints
    missing: Ints


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
    """Return what (S, T) set-points weigh in a stage: their energy, rates without their sign, or loads as they are."""
    if stage.kind in LOADED or stage.kind == "starts":
        energy = setpoints * problem.power_dw[:, None] * problem.seconds
        return float(VALUE_OF[stage.kind](problem, stage, Given(setpoints, energy, problem.demand_wish_units)))
    per_slot = (setpoints * weighed_dw(problem, stage)[:, None]).sum(axis=0)
    return float((per_slot * abs(stage.rate)).sum())


def worth_of(problem: Problem) -> Ints:
    """Return (S,) what missing a unit of wished energy counts in the first stage after the wishes."""
    worth = np.zeros(problem.sessions, dtype=np.int64)
    for stage in problem.stages[problem.wish_stages :][:1]:
        if stage.kind != "missing":
            np.maximum.at(worth, problem.demand_session, stage.lost)
    return worth


def soft_free(problem: Problem, soft: SoftRows) -> Ints:
    """Return (Q, T) what soft limits leave above the idle floors, below 0 where base load exceeds them [uA, mVA].

    In the slot under way, if there is one, nothing is counted.
    """
    floors = problem.connector_nodes.astype(np.int64) @ problem.floor_units
    free: Ints = soft.headroom_units - floors[soft.node, soft.channel][:, None]
    if problem.held_steps is not None:
        free[:, 0] = UNLIMITED
    return free


def _missing(_: Problem, stage: StageSpec, plan: Given) -> int:
    return int(plan.missing[stage.demands].sum())


def _rate(problem: Problem, stage: StageSpec, plan: Given) -> int:
    weighed = delivered_units(problem, plan.energy) if stage.delivered else plan.energy
    return weighted_units(weighed, stage.rate, problem.seconds) + _lost(stage, plan.missing)


def _lost(stage: StageSpec, missing: Ints) -> int:
    """Return what missing energy would have been worth."""
    return sum(map(operator.mul, missing.tolist(), stage.lost.tolist())) if stage.lost.any() else 0


def _bill(problem: Problem, stage: StageSpec, plan: Given) -> int:
    assert problem.meter is not None  # noqa: S101 - such a stage comes with a meter, for the type checker
    return metered(problem, problem.meter, plan.energy).cost_units + _lost(stage, plan.missing)


def _contract(problem: Problem, stage: StageSpec, plan: Given) -> int:
    """Return the energy that may be drawn above soft limits, rounded up once [0.1 J]."""
    assert stage.soft is not None  # noqa: S101 - such a stage has rows, for the type checker
    booked = booked_units(problem, plan.setpoints) - problem.floor_units[:, :, None]
    above = 0
    free = soft_free(problem, stage.soft)
    rows = zip(stage.soft.node.tolist(), stage.soft.channel.tolist(), stage.soft.weight.tolist(), strict=True)
    for number, (node, channel, weight) in enumerate(rows):
        over = np.maximum(booked[problem.connector_nodes[node], channel].sum(axis=0) - free[number], 0)
        above += weight * sum(map(operator.mul, over.tolist(), problem.seconds.tolist()))
    return -(-above // MICROJOULES)


def _fair(problem: Problem, stage: StageSpec, plan: Given) -> int:
    """Return the largest share of a wish that is missed, rounded up [1e-6]."""
    pairs = zip(plan.missing[stage.demands].tolist(), problem.demand_wish_units[stage.demands].tolist(), strict=True)
    return max((-(-missing * PARTS_PER_MILLION // wish) for missing, wish in pairs), default=0)


def _peak(problem: Problem, stage: StageSpec, plan: Given) -> int:
    """Return the highest expected load of a slot, rounded up [0.1 W]."""
    return int((-(-(stage.base + delivered_units(problem, plan.energy).sum(axis=0)) // problem.seconds)).max(initial=0))


def _flat(problem: Problem, stage: StageSpec, plan: Given) -> int:
    """Return the energy above each level, all together [0.1 J]."""
    load = stage.base + delivered_units(problem, plan.energy).sum(axis=0)
    height = stage.level_dw * problem.seconds
    whole = np.minimum(load // height, LEVELS)
    # Above the n levels that it reaches, the load counts n times less 1 + 2 + ... + n heights.
    return int((whole * load - whole * (whole + 1) // 2 * height).sum())


def starts_of(problem: Problem, setpoints: Ints) -> Ints:
    """Return (S,) how often each session begins to charge; what is under way already has begun."""
    on = setpoints > 0
    before = np.zeros_like(on)
    before[:, 1:] = on[:, :-1]
    if problem.held_steps is not None:
        before[:, 1:2] = problem.held_steps[:, None] > 0  # the slot under way may be the last one
        on[:, 0] = False
    starts: Ints = (on & ~before).sum(axis=1)
    return starts


def _starts(problem: Problem, _: StageSpec, plan: Given) -> int:
    return int(starts_of(problem, plan.setpoints).sum())


LOADED: Final = ("contract", "fair", "peak", "flat")
"""Kinds of stages that look at loads or shares; they bring columns of their own."""
VALUE_OF: Final[dict[StageKind, Callable[[Problem, StageSpec, Given], int]]] = {
    "missing": _missing,
    "rate": _rate,
    "bill": _bill,
    "contract": _contract,
    "fair": _fair,
    "peak": _peak,
    "flat": _flat,
    "starts": _starts,
}
