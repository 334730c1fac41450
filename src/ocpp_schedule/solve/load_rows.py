"""Columns and rows of stages that look at loads or shares: soft limits, highest load, levels, largest share missed.

Power is in units of a mean step, loads of rows in ``ROW_SCALE``, shares are numbers from 0 to 1 (convention 27).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.problem.aims import Aims
from ocpp_schedule.problem.loads import LEVELS, MICROJOULES
from ocpp_schedule.problem.stages import PARTS_PER_MILLION
from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.relaxation import ROW_SCALE, WANT_WEIGHT
from ocpp_schedule.solve.values import LOADED, soft_free

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.loads import SoftRows
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed

CONTRACT_WEIGHT: Final = 10.0
"""Energy above a soft limit weighs this many missing wishes in the first program, less than a must-have (100)."""
TOLERANCE: Final = 1e-3
"""Share of a unit; what a solver is off."""


@dataclass(frozen=True, slots=True)
class LoadPlaces:
    """Places of these rows in a relaxation, by the name of a stage.

    Attributes:
        power: (T,) rows of highest load or levels.
        power_unit: power of 1 in them [0.1 W].
        soft: (R, 3) row, soft row and slot.
        shares: (K, 2) row and demand.
    """

    power: dict[str, Ints] = field(default_factory=dict)
    power_unit: float = 1.0
    soft: dict[str, Ints] = field(default_factory=dict)
    shares: dict[str, Ints] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    """Columns and rows of one stage; columns count from 0."""

    high: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    row_low: Floats = field(default_factory=lambda: np.zeros(0))
    row_high: Floats = field(default_factory=lambda: np.zeros(0))
    goal: Floats = field(default_factory=lambda: np.zeros(0))


def with_loads(problem: Problem, relaxation: Relaxation) -> tuple[Relaxation, LoadPlaces | None]:
    """Return the relaxation with the columns and rows of such stages behind it; None where there is none."""
    if not any(stage.kind in LOADED for stage in problem.stages):
        return relaxation, None
    unit = float(problem.draw_dw[relaxation.arc_session].mean()) if relaxation.arc_session.size else 1.0
    places = LoadPlaces(power_unit=unit)
    for stage in problem.stages:
        if stage.kind in LOADED:
            relaxation = _with_stage(problem, relaxation, stage, places)
    return relaxation, places


def _with_stage(problem: Problem, relaxation: Relaxation, stage: StageSpec, places: LoadPlaces) -> Relaxation:
    at, row = relaxation.program.cost.size, relaxation.program.row_high.size
    if stage.kind == "contract":
        assert stage.soft is not None  # noqa: S101 - such a stage has rows, for the type checker
        part, names = _contract(problem, relaxation, stage.soft, at)
        places.soft[stage.name] = np.column_stack((row + np.arange(names.shape[0]), names))
    elif stage.kind == "fair":
        part, demands = _fair(problem, relaxation, stage, at)
        places.shares[stage.name] = np.column_stack((row + np.arange(demands.size), demands))
    else:
        part = (_peak if stage.kind == "peak" else _flat)(problem, relaxation, stage, at, places.power_unit)
        places.power[stage.name] = row + np.arange(problem.slots)
    high = np.concatenate(part.high)
    none = np.zeros(0, dtype=np.int64)
    entry_row, column, value = (
        np.concatenate(parts) for parts in zip((none, none, np.zeros(0)), *part.entries, strict=True)
    )
    matrix = csr_array((value, (entry_row, column)), shape=(part.row_low.size, at + high.size))
    block = Block(stage.name, np.zeros(high.size), high, matrix, part.row_low, part.row_high, {stage.name: part.goal})
    grown = extended(relaxation, block)
    if stage.kind != "contract" or relaxation.main is None:
        return grown
    cost = grown.program.cost.copy()
    dearest = relaxation.goals[relaxation.main].dearest
    cost[at:] += CONTRACT_WEIGHT * WANT_WEIGHT * dearest * part.goal
    return replace(grown, program=replace(grown.program, cost=cost))


def _contract(problem: Problem, relaxation: Relaxation, soft: SoftRows, at: int) -> tuple[_Part, Ints]:
    """Return one column per row and slot that can be exceeded, and their (R, 2) soft rows and slots."""
    session, slot, cap = relaxation.arc_session, relaxation.arc_slot, relaxation.arc_cap
    part, names, low_of, goal = _Part(), [], [], []
    count = 0
    free = soft_free(problem, soft)
    for number, (node, channel) in enumerate(zip(soft.node.tolist(), soft.channel.tolist(), strict=True)):
        load = problem.load_units[session, channel] * problem.connector_nodes[node, problem.session_connector[session]]
        column = relaxation.booking.column[:, channel]
        able = np.bincount(slot, load * cap, problem.slots) > free[number]
        tight = np.flatnonzero(able)
        place = np.full(problem.slots, -1, dtype=np.int64)
        place[tight] = count + np.arange(tight.size)
        arcs = np.flatnonzero((place[slot] >= 0) & (load > 0) & (column >= 0))
        part.entries.append((place[slot[arcs]], column[arcs], -load[arcs] / ROW_SCALE))
        own = count + np.arange(tight.size)
        part.entries.append((own, at + own, np.ones(tight.size)))
        low_of.append(-free[number, tight] / ROW_SCALE)
        goal.append(problem.seconds[tight] * int(soft.weight[number]) * (ROW_SCALE / MICROJOULES))
        names.append(np.column_stack((np.full(tight.size, number), tight)))
        count += tight.size
    part.high = [np.full(count, np.inf)]
    part.row_low = np.concatenate([*low_of, np.zeros(0)])
    part.row_high = np.full(count, np.inf)
    part.goal = np.concatenate([*goal, np.zeros(0)])
    return part, np.concatenate([*names, np.zeros((0, 2), dtype=np.int64)])


def _fair(problem: Problem, relaxation: Relaxation, stage: StageSpec, at: int) -> tuple[_Part, Ints]:
    """Return the column of the largest share missed, which is at least that of each wish."""
    demands = np.flatnonzero(stage.demands)
    rows = np.arange(demands.size)
    wish = problem.demand_wish_units[demands] / relaxation.short_units[demands]
    part = _Part()
    part.high = [np.array([np.inf])]  # of a need that is rounded up a little more than all may be missing
    part.entries = [
        (rows, np.full(rows.size, at), np.ones(rows.size)),
        (rows, relaxation.columns["short"].start + demands, -1.0 / wish),
    ]
    part.row_low, part.row_high = np.zeros(rows.size), np.full(rows.size, np.inf)
    part.goal = np.array([float(PARTS_PER_MILLION)])
    return part, demands


def _charging(problem: Problem, relaxation: Relaxation, unit: float) -> tuple[Ints, Ints, Floats]:
    """Return the entries of charging power in one row per slot, with a minus."""
    session, slot = relaxation.arc_session, relaxation.arc_slot
    return slot, np.arange(session.size), -problem.draw_dw[session] / unit


def _peak(problem: Problem, relaxation: Relaxation, stage: StageSpec, at: int, unit: float) -> _Part:
    """Return the column of the highest load, which is at least that of every slot."""
    slots, part = np.arange(problem.slots), _Part()
    part.high = [np.array([np.inf])]
    part.entries = [
        (slots, np.full(slots.size, at), np.ones(slots.size)),
        _charging(problem, relaxation, unit),
    ]
    part.row_low = stage.base / problem.seconds / unit
    part.row_high = np.full(slots.size, np.inf)
    part.goal = np.array([unit])
    return part


def _flat(problem: Problem, relaxation: Relaxation, stage: StageSpec, at: int, unit: float) -> _Part:
    """Return one column per slot and level, as much of the load as lies between two levels; the higher the dearer."""
    slots, part = np.arange(problem.slots), _Part()
    level = np.tile(np.arange(LEVELS + 1), problem.slots)
    slot = np.repeat(slots, LEVELS + 1)
    height = np.full(level.size, stage.level_dw / unit, dtype=np.float64)
    height[level == LEVELS] = np.inf
    part.high = [height]
    part.entries = [(slot, at + np.arange(level.size), np.ones(level.size)), _charging(problem, relaxation, unit)]
    part.row_low = (stage.base / problem.seconds / unit).astype(np.float64)
    part.row_high = np.full(slots.size, np.inf)
    part.goal = (level * problem.seconds[slot] * unit).astype(np.float64)
    return part


def with_aims(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, places: LoadPlaces | None) -> Problem:
    """Return the problem with the loads of the linear optimum, and the worth of its slots, as the aims of repairs."""
    if places is None:
        return problem
    setpoints = relaxation.setpoints(relaxed.values, (problem.sessions, problem.slots))
    problem = within_contract(problem, setpoints)
    kinds = {stage.kind: stage for stage in problem.stages}
    stage = kinds.get("flat") or kinds.get("peak")
    if stage is None:
        return problem
    power = problem.draw_dw @ setpoints
    reached = stage.base + np.rint(power * problem.seconds).astype(np.int64)
    if stage.kind == "peak":
        base: Floats = (stage.base / problem.seconds).astype(np.float64)
        power = np.full(problem.slots, (base + power).max(initial=0.0)) - base
    none = np.zeros((1, problem.sessions), dtype=np.int64)
    own = Aims(problem.draw_dw[None], none, np.ceil(power - TOLERANCE).astype(np.int64)[None], none[:, 0] > 0)
    # Repairs fill the lowest slots first.
    stages = tuple(replace(one, rate=reached) if one.kind in {"peak", "flat"} else one for one in problem.stages)
    return replace(problem, aims=own if problem.aims is None else problem.aims.beside(own), stages=stages)


def within_contract(problem: Problem, setpoints: Floats | None = None) -> Problem:
    """Return the problem with soft limits as aims: no wish goes beyond them, or beyond what (S, T) set-points do."""
    soft = next((stage.soft for stage in problem.stages if stage.soft is not None), None)
    if soft is None or not soft.node.size:
        return problem
    own = problem.session_connector
    load = problem.load_units[:, soft.channel].T * problem.connector_nodes[soft.node][:, own]
    floor = np.where(load > 0, problem.floor_units[own][:, soft.channel].T, 0)
    aims = Aims(load, floor, np.maximum(soft_free(problem, soft), 0), np.ones(soft.node.size, dtype=np.bool_))
    if setpoints is not None:
        used = np.ceil(aims.used(setpoints) - TOLERANCE).astype(np.int64)
        aims = replace(aims, most=np.maximum(aims.most, used))
    return replace(problem, aims=aims)
