"""Small problems as integer programs, solved outright stage by stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.program import Program
from ocpp_schedule.solve.repair import settle, whole_steps

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate


def exact_plan(problem: Problem, relaxation: Relaxation, solver: Solver) -> Candidate | None:
    """Return the optimal integer plan (guard losses apart), or None where the solver does not prove one.

    Stages: must-have, wanted energy, cost, few starts, then early finish and session id in one.
    """
    program = _integer_program(problem, relaxation)
    arcs = relaxation.arc_session.size
    short = np.arange(relaxation.short_at, relaxation.short_at + problem.demand_session.size)
    values: Floats | None = None
    for cost in _stage_costs(problem, relaxation, program, short):
        if not cost.any():
            continue
        outcome = solver.run(replace(program, cost=cost), "sat")
        if outcome.values is None or not outcome.optimal:
            return None
        values = np.rint(outcome.values)
        program = _with_row(program, cost, float(cost @ values))
    if values is None:
        return None
    setpoints = np.zeros((problem.sessions, problem.slots))
    setpoints[relaxation.arc_session, relaxation.arc_slot] = values[:arcs]
    return settle(problem, whole_steps(setpoints))


def _integer_program(problem: Problem, relaxation: Relaxation) -> Program:
    """Return the relaxation with whole steps, on-off variables, start variables and room for the last step."""
    base = relaxation.program
    arcs, size = relaxation.arc_session.size, base.cost.size
    rows = base.row_high.size
    low = problem.min_steps[relaxation.arc_session].astype(float)
    cap = relaxation.arc_cap.astype(float)
    number = np.arange(arcs)
    on, start = size + number, size + arcs + number
    before = _arc_before(relaxation)
    has_before = before >= 0
    # x <= cap on;  x >= low on;  start >= on - on of the slot before
    data = np.concatenate(
        (np.ones(arcs), -cap, np.ones(arcs), -low, np.ones(arcs), -np.ones(arcs), -np.ones(has_before.sum()))
    )
    row = np.concatenate(
        (number, number, arcs + number, arcs + number, *[2 * arcs + number] * 2, 2 * arcs + number[has_before])
    )
    column = np.concatenate((number, on, number, on, start, on, size + before[has_before]))
    data[4 * arcs : 6 * arcs] = np.concatenate((np.ones(arcs), -np.ones(arcs)))
    data[6 * arcs :] = 1.0
    extra = csr_array((data, (row, column)), shape=(3 * arcs, size + 2 * arcs))
    matrix = csr_array(
        (
            np.concatenate((base.matrix.tocoo().data, extra.tocoo().data)),
            (
                np.concatenate((base.matrix.tocoo().row, rows + extra.tocoo().row)),
                np.concatenate((base.matrix.tocoo().col, extra.tocoo().col)),
            ),
        ),
        shape=(rows + 3 * arcs, size + 2 * arcs),
    )
    integer: Bools = np.ones(size + 2 * arcs, dtype=np.bool_)
    integer[relaxation.short_at : size] = False
    row_high = base.row_high.copy()
    final = np.isfinite(row_high) & (np.arange(rows) >= rows - problem.demand_session.size)
    row_high[final] += _overshoot(problem, relaxation)[final[rows - problem.demand_session.size :]]
    return Program(
        cost=np.zeros(size + 2 * arcs),
        low=np.concatenate((base.low, np.zeros(2 * arcs))),
        high=np.concatenate((base.high, np.ones(2 * arcs))),
        matrix=matrix,
        row_low=np.concatenate((base.row_low, np.full(arcs, -np.inf), np.zeros(2 * arcs))),
        row_high=np.concatenate((row_high, np.zeros(arcs), np.full(2 * arcs, np.inf))),
        integer=integer,
    )


def _overshoot(problem: Problem, relaxation: Relaxation) -> Floats:
    """Return (D,) what a session may get above its cap: less than one minimum slot above its wish (convention 6)."""
    spare = problem.energy_most_units - problem.energy_cap_units
    return np.maximum(spare[problem.demand_session], 0) / relaxation.short_units


def _arc_before(relaxation: Relaxation) -> Ints:
    """Return (A,) the arc of the same session one slot earlier, or -1."""
    session, slot = relaxation.arc_session, relaxation.arc_slot
    before = np.full(session.size, -1, dtype=np.int64)
    follows = np.flatnonzero((session[1:] == session[:-1]) & (slot[1:] == slot[:-1] + 1)) + 1
    before[follows] = follows - 1
    return before


def _stage_costs(problem: Problem, relaxation: Relaxation, program: Program, short: Ints) -> list[Floats]:
    """Return the objective of each stage, in whole numbers wherever the data are."""
    arcs, size = relaxation.arc_session.size, relaxation.program.cost.size
    costs = []
    for which in (problem.demand_hard, ~problem.demand_hard):
        cost = np.zeros(program.cost.size)
        units = relaxation.short_units
        cost[short] = np.where(which, units / units.min(), 0.0)
        costs.append(cost)
    money = np.zeros(program.cost.size)
    exact = problem.power_dw[relaxation.arc_session] * problem.price_seconds[relaxation.arc_slot]
    divisor = int(np.gcd.reduce(exact)) or 1
    money[:arcs] = exact // divisor
    starts = np.zeros(program.cost.size)
    starts[size + arcs :] = 1.0
    ties = np.zeros(program.cost.size)
    # One slot later weighs more for a lower id, so that of two equal sessions the lower id charges first.
    weight = 2 * problem.sessions - relaxation.arc_session
    ties[:arcs] = weight * (relaxation.arc_slot + 1)
    return [*costs, money, starts, ties]


def _with_row(program: Program, row: Floats, high: float) -> Program:
    """Return the program with ``row @ x <= high``."""
    coo = program.matrix.tocoo()
    at = np.flatnonzero(row)
    rows = program.row_high.size
    matrix = csr_array(
        (
            np.concatenate((coo.data, row[at])),
            (np.concatenate((coo.row, np.full(at.size, rows))), np.concatenate((coo.col, at))),
        ),
        shape=(rows + 1, program.cost.size),
    )
    return replace(
        program,
        matrix=matrix,
        row_low=np.append(program.row_low, -np.inf),
        row_high=np.append(program.row_high, high + 1e-6 * max(abs(high), 1.0)),
    )
