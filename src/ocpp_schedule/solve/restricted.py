"""Small integer programs around a plan in hand: which set-points are on, and where rounding costs energy.

Only set-points that the linear program leaves open get a binary variable: those between 0 and the minimum,
those the plan in hand decides otherwise, and those with a small reduced cost. The rest stays on or off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.patterns import least_steps
from ocpp_schedule.solve.program import Program
from ocpp_schedule.solve.repair import ROUNDING, allowed_steps, settle

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

REDUCED_COST_SHARE: Final = 0.02
"""Share of the mean cost of a step below which a set-point is open (0.02 to 0.5 gave the same plans)."""

NEAR_STEPS: Final = 6
"""Steps around the plan in hand among which rounding is settled: 0.6 A at 0.1 A per step."""


def restricted_plan(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver
) -> Candidate | None:
    """Return the plan of the integer program around ``plan``, or None where the solver returned none."""
    if relaxed.duals is None:
        return None
    program = _program(problem, relaxation, relaxed, plan)
    outcome = solver.run(program, "scip")
    if outcome.values is None:
        return None
    return settle(problem, allowed_steps(problem, relaxation.setpoints(outcome.values, plan.setpoints.shape)))


def whole_plan(problem: Problem, relaxation: Relaxation, plan: Candidate, solver: Solver) -> Candidate | None:
    """Return the plan with its set-points moved by a few whole steps, on and off as they are; None where none came.

    Mixed phases leave set-points between steps, and rounding them down can cost energy that only a shift among
    several sessions gets back.
    """
    base, arcs = relaxation.program, relaxation.arc_session.size
    planned = plan.setpoints[relaxation.arc_session, relaxation.arc_slot]
    minimum = least_steps(problem)[relaxation.arc_session]
    on = planned > 0 if minimum.max(initial=0) > 1 else np.ones(arcs, dtype=np.bool_)
    low, high = base.low.copy(), base.high.copy()
    low[:arcs] = np.where(on, np.maximum(planned - NEAR_STEPS, np.minimum(minimum, relaxation.arc_cap)), 0)
    high[:arcs] = np.where(on, np.minimum(planned + NEAR_STEPS, relaxation.arc_cap), 0)
    low[:arcs] = np.minimum(low[:arcs], high[:arcs])
    integer = np.zeros(base.cost.size, dtype=np.bool_)
    integer[:arcs] = on
    nothing_open = np.zeros(0, dtype=np.int64)
    program = replace(
        base, low=low, high=high, integer=integer, hint=_hint(problem, relaxation, plan, planned, nothing_open)
    )
    outcome = solver.run(program, "scip")
    if outcome.values is None:
        return None
    return settle(problem, allowed_steps(problem, relaxation.setpoints(outcome.values, plan.setpoints.shape)))


def _open_arcs(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, planned: Ints) -> Ints:
    arcs = relaxation.arc_session.size
    program = relaxation.program
    assert relaxed.duals is not None  # noqa: S101 - checked by the caller, for the type checker
    cost = relaxed.cost - program.matrix.T @ relaxed.duals[: program.row_high.size]
    values = relaxed.values[:arcs]
    low = least_steps(problem)[relaxation.arc_session]
    between = (values > ROUNDING) & (values < low - ROUNDING)
    decided_otherwise = (values > ROUNDING) != (planned > 0)
    cheap = np.abs(cost[:arcs]) <= REDUCED_COST_SHARE * np.abs(program.cost[:arcs]).mean()
    return np.flatnonzero(between | decided_otherwise | cheap)


def _program(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate) -> Program:
    base, arcs = relaxation.program, relaxation.arc_session.size
    planned = plan.setpoints[relaxation.arc_session, relaxation.arc_slot]
    open_ = _open_arcs(problem, relaxation, relaxed, planned)
    held = np.ones(arcs, dtype=np.bool_)
    held[open_] = False
    low_steps = np.minimum(least_steps(problem)[relaxation.arc_session], relaxation.arc_cap).astype(float)
    cap = relaxation.arc_cap.astype(float)
    low, high = base.low.copy(), base.high.copy()
    high[np.flatnonzero(held & (planned == 0))] = 0.0
    on = np.flatnonzero(held & (planned > 0))
    low[on] = low_steps[on]

    # x <= cap on;  x >= low on
    size, rows, count = base.cost.size, base.row_high.size, open_.size
    number = np.arange(count)
    tree = base.matrix.tocoo()
    blocks = (
        (tree.row, tree.col, tree.data),
        (rows + number, open_, np.ones(count)),
        (rows + number, size + number, -cap[open_]),
        (rows + count + number, open_, np.ones(count)),
        (rows + count + number, size + number, -low_steps[open_]),
    )
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    integer = np.zeros(size + count, dtype=np.bool_)
    integer[size:] = True
    return Program(
        cost=np.concatenate((base.cost, np.zeros(count))),
        low=np.concatenate((low, np.zeros(count))),
        high=np.concatenate((high, np.ones(count))),
        matrix=csr_array((data, (row, column)), shape=(rows + 2 * count, size + count)),
        row_low=np.concatenate((base.row_low, np.full(count, -np.inf), np.zeros(count))),
        row_high=np.concatenate((base.row_high, np.zeros(count), np.full(count, np.inf))),
        integer=integer,
        hint=_hint(problem, relaxation, plan, planned, open_),
    )


def _hint(problem: Problem, relaxation: Relaxation, plan: Candidate, planned: Ints, open_: Ints) -> Floats:
    """Return the plan in hand as a point of the program."""
    arcs, size = relaxation.arc_session.size, relaxation.program.cost.size
    hint = np.zeros(size + open_.size)
    hint[:arcs] = planned
    booking = relaxation.booking
    hint[relaxation.columns["excess"]] = np.maximum(planned[booking.arc] - booking.floor, 0)
    given = np.concatenate(
        (
            np.zeros((problem.sessions, 1), dtype=np.int64),
            np.cumsum(plan.setpoints * problem.power_dw[:, None] * problem.seconds, axis=1),
        ),
        axis=1,
    )[problem.demand_session, problem.demand_end]
    needs = relaxation.program.row_low[relaxation.rows["need"]]
    hint[relaxation.columns["short"]] = np.maximum(needs - given / relaxation.short_units, 0.0)
    hint[size:] = planned[open_] > 0
    return hint
