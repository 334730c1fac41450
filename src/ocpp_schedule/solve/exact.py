"""Small problems as integer programs, solved outright stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.delivered import weighed_dw
from ocpp_schedule.solve.levels import with_levels
from ocpp_schedule.solve.patterns import least_steps
from ocpp_schedule.solve.piece_rows import with_piece_rows
from ocpp_schedule.solve.program import Program
from ocpp_schedule.solve.repair import allowed_steps, settle
from ocpp_schedule.solve.run_rows import with_run_rows
from ocpp_schedule.solve.values import LOADED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate

BELOW: Final = 1e-5
"""Share of a step by which real amounts are kept below a limit that they must not reach: ten times the tolerance."""


def exact_plan(problem: Problem, relaxation: Relaxation, solver: Solver) -> Candidate | None:
    """Return the optimal integer plan (guard losses apart), or None where the solver does not prove one.

    Stages: must-have, wanted energy, cost, few starts, then early finish and session id in one.
    """
    wishes = whole_demands(problem, relaxation)
    program = integer_program(problem, relaxation, wishes)
    width, arcs = relaxation.program.cost.size, relaxation.arc_session.size
    program = with_run_rows(problem, relaxation, program, width, width + arcs)
    program = with_piece_rows(problem, relaxation, with_levels(problem, relaxation, program))
    values: Floats | None = None
    for cost, allowed in stage_costs(problem, relaxation, wishes, program.cost.size):
        if not cost.any():
            continue
        outcome = solver.run(replace(program, cost=cost), "sat")
        if outcome.values is None or not outcome.optimal:
            return None
        values = np.rint(outcome.values)
        program = with_row(program, cost, float(np.floor(allowed(float(np.rint(cost @ values))))))
    if values is None:
        return None
    setpoints = np.zeros((problem.sessions, problem.slots))
    setpoints[relaxation.arc_session, relaxation.arc_slot] = values[: relaxation.arc_session.size]
    return settle(problem, allowed_steps(problem, setpoints))


@dataclass(frozen=True, slots=True)
class WholeDemands:
    """Demands in whole units of their own, so that the integer solver needs no fractions.

    Attributes:
        unit: (D,) [0.1 J], a common divisor of the wish and of every step that counts.
        low: (D,) the wish [unit].
        high: (D,) the wish plus what the last step may overshoot (convention 6); infinite for milestones.
    """

    unit: Ints
    low: Floats
    high: Floats


def whole_demands(problem: Problem, relaxation: Relaxation) -> WholeDemands:
    """Return the demands in units of which wishes and steps are whole numbers."""
    step = problem.power_dw[problem.demand_session] * int(np.gcd.reduce(problem.seconds))
    unit = np.maximum(np.gcd(problem.demand_wish_units, step), 1)
    low = (problem.demand_wish_units // unit).astype(float)
    most = problem.energy_most_units[problem.demand_session] // unit
    bounded = np.isfinite(relaxation.program.row_high[relaxation.rows["need"]])
    giving = _giving(problem)
    if giving.any():  # what is in a battery is no whole number of steps
        unit = np.where(giving, np.maximum(relaxation.short_units.astype(np.int64), 1), unit)
        low = np.where(giving, problem.demand_wish_units / unit, low)
        # Less than a whole slot at the minimum above the wish: by more than the solver's tolerance.
        most = np.where(giving, problem.energy_most_units[problem.demand_session] / unit - BELOW, most)
    return WholeDemands(unit, low, np.where(bounded, np.maximum(most, low), np.inf))


def _giving(problem: Problem) -> Bools:
    """Return (D,) the demands of cars that can give energy back."""
    cars = [] if problem.meter is None else [car.session for car in problem.meter.cars]
    return np.isin(problem.demand_session, cars)


def integer_program(problem: Problem, relaxation: Relaxation, wishes: WholeDemands) -> Program:
    """Return the relaxation in whole steps, with on-off and start variables behind the shortfalls.

    Whole steps need no needs rounded up: the wishes stand as they are.
    """
    base, arcs = relaxation.program, relaxation.arc_session.size
    size, rows = base.cost.size, base.row_high.size
    need, short = relaxation.rows["need"], relaxation.columns["short"]
    tree = base.matrix.tocoo()
    scaled, demand = tree.data.copy(), (tree.row >= need.start) & (tree.row < need.stop)
    scaled[demand] *= (relaxation.short_units / wishes.unit)[tree.row[demand] - need.start]
    of_short = (tree.col >= short.start) & (tree.col < short.stop)
    scaled[of_short & demand] = 1.0
    beside = of_short & ~demand  # shares of wishes
    scaled[beside] *= (wishes.unit / relaxation.short_units)[tree.col[beside] - short.start]
    row, column, data = _on_off_rows(problem, relaxation, size)
    row_low, row_high, high = base.row_low.copy(), base.row_high.copy(), base.high.copy()
    row_low[need], row_high[need] = wishes.low, wishes.high
    high[short] = wishes.low
    return Program(
        cost=np.zeros(size + 2 * arcs),
        low=np.concatenate((base.low, np.zeros(2 * arcs))),
        high=np.concatenate((high, np.ones(2 * arcs))),
        matrix=csr_array(
            (
                np.concatenate((scaled, data)),
                (np.concatenate((tree.row, rows + row)), np.concatenate((tree.col, column))),
            ),
            shape=(rows + 3 * arcs, size + 2 * arcs),
        ),
        row_low=np.concatenate((row_low, np.full(arcs, -np.inf), np.zeros(2 * arcs))),
        row_high=np.concatenate((row_high, np.zeros(arcs), np.full(2 * arcs, np.inf))),
        integer=_integer(problem, size + 2 * arcs, short),
    )


def _integer(problem: Problem, width: int, short: slice) -> Bools:
    integer = np.ones(width, dtype=np.bool_)
    integer[short] = ~_giving(problem)
    return integer


def _on_off_rows(problem: Problem, relaxation: Relaxation, size: int) -> tuple[Ints, Ints, Floats]:
    """Return entries of ``x <= cap on``, ``x >= low on`` and ``start >= on - on of the slot before``."""
    arcs = relaxation.arc_session.size
    number = np.arange(arcs)
    on, start = size + number, size + arcs + number
    cap = relaxation.arc_cap.astype(float)
    low = least_steps(problem)[relaxation.arc_session].astype(float)
    before = _arc_before(relaxation)
    later = np.flatnonzero(before >= 0)
    blocks = (
        (number, number, np.ones(arcs)),
        (number, on, -cap),
        (arcs + number, number, np.ones(arcs)),
        (arcs + number, on, -low),
        (2 * arcs + number, start, np.ones(arcs)),
        (2 * arcs + number, on, -np.ones(arcs)),
        (2 * arcs + later, on[before[later]], np.ones(later.size)),
    )
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return row, column, data


def _arc_before(relaxation: Relaxation) -> Ints:
    """Return (A,) the arc of the same session one slot earlier, or -1."""
    session, slot = relaxation.arc_session, relaxation.arc_slot
    before = np.full(session.size, -1, dtype=np.int64)
    follows = np.flatnonzero((session[1:] == session[:-1]) & (slot[1:] == slot[:-1] + 1)) + 1
    before[follows] = follows - 1
    return before


def stage_costs(
    problem: Problem, relaxation: Relaxation, wishes: WholeDemands, columns: int
) -> list[tuple[Floats, Callable[[float], float]]]:
    """Return the objective of each stage, then few starts and ties, in whole numbers; and what later stages may do."""
    arcs = relaxation.arc_session.size
    costs = []
    for stage in problem.stages:
        cost, unit = _whole_cost(problem, stage, relaxation, wishes, columns)
        costs.append((cost, partial(_allowed, stage, unit)))
    starts, ties = np.zeros(columns), np.zeros(columns)
    first_start = relaxation.program.cost.size + arcs
    starts[first_start : first_start + arcs] = 1.0
    # One slot later weighs more for a lower id, so that of two equal sessions the lower id charges first.
    ties[:arcs] = (2 * problem.sessions - relaxation.arc_session) * (relaxation.arc_slot + 1)
    return [*costs, (starts, float), (ties, float)]


def _allowed(stage: StageSpec, unit: float, value: float) -> float:
    """Return what later stages may make of a value of the whole objective."""
    return stage.budget(value * unit) / unit


def _whole_cost(
    problem: Problem, stage: StageSpec, relaxation: Relaxation, wishes: WholeDemands, columns: int
) -> tuple[Floats, float]:
    """Return the objective of a stage in whole numbers, and how many of the stage's units one of them is."""
    cost = np.zeros(columns)
    if stage.kind == "missing":
        unit = int(np.gcd.reduce(wishes.unit)) or 1
        cost[relaxation.columns["short"]] = np.where(stage.demands, wishes.unit // unit, 0)
        return cost, unit
    if stage.kind == "bill" or stage.kind in LOADED:
        goal = relaxation.goals[stage.name]
        cost[: goal.coefficients.size] = goal.coefficients
        return cost, 1.0 / goal.scale
    if stage.kind == "starts":
        first = relaxation.program.cost.size + relaxation.arc_session.size
        cost[first : first + relaxation.arc_session.size] = 1.0
        return cost, 1
    session, slot = relaxation.arc_session, relaxation.arc_slot
    price, lost = weighed_dw(problem, stage)[session] * stage.rate[slot], stage.lost * wishes.unit
    unit = int(np.gcd.reduce(np.concatenate((price, lost)))) or 1
    cost[relaxation.columns["arcs"]] = price // unit
    cost[relaxation.columns["short"]] = lost // unit
    return cost, unit


def with_row(program: Program, row: Floats, high: float) -> Program:
    """Return the program with ``row @ x <= high``."""
    tree = program.matrix.tocoo()
    at = np.flatnonzero(row)
    rows = program.row_high.size
    matrix = csr_array(
        (
            np.concatenate((tree.data, row[at])),
            (np.concatenate((tree.row, np.full(at.size, rows))), np.concatenate((tree.col, at))),
        ),
        shape=(rows + 1, program.cost.size),
    )
    return replace(
        program,
        matrix=matrix,
        row_low=np.append(program.row_low, -np.inf),
        row_high=np.append(program.row_high, high),
    )
