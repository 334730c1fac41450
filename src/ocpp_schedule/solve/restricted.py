"""Small integer programs around a plan in hand: which set-points are on, and where rounding costs energy.

Open are the set-points that the linear program leaves open: those between their bounds, those the plan in hand
decides otherwise, and in the slots of these those whose reduced cost is nearly 0. All others stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.neighbourhood import Neighbourhood, neighbourhood, shortfalls
from ocpp_schedule.solve.patterns import least_steps
from ocpp_schedule.solve.repair import ROUNDING, allowed_steps, better, settle
from ocpp_schedule.solve.tapering import tapered

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

REDUCED_COST_SHARE: Final = 1e-4
"""Share of the mean cost of a step below which a set-point is open; 2e-5 to 3e-3 gave the same plans (seeds 1 to 5)."""
OPEN_ARCS: Final = 2_000
"""Open set-points up to which the program takes about five times the linear program (300 sessions on 96 slots)."""
RIVAL_ARCS: Final = (600, 2_000)
"""Open set-points around sessions that miss energy: few first (they sufficed at 500 and 1,000 sessions), then more."""
RIVAL_ROUNDS: Final = 4

ROOT: Final = (1, 1.0)
"""Nodes of the program, and how many times its usual gap it may leave: at the root heuristics mostly find the plan."""
ROUGH: Final = (5, 3.0)
"""The same where the root did not: good enough is enough (two-level prices: 32, not 130 times the LP)."""
NEAR_STEPS: Final = 6
"""Steps around the plan in hand among which rounding is settled: 0.6 A at 0.1 A per step."""


def restricted_plan(
    problem: Problem,
    relaxation: Relaxation,
    relaxed: Relaxed,
    plan: Candidate,
    solver: Solver,
    effort: tuple[int, float] = ROOT,
) -> Candidate | None:
    """Return the plan that the integer program around ``plan`` leads to, or None where too much is open.

    Args:
        problem: what is planned.
        relaxation: its linear program.
        relaxed: the optimum of that.
        plan: in hand.
        solver: runs the program.
        effort: nodes that the program may take, and how many times its gap it may leave.
    """
    steps = chosen_setpoints(problem, relaxation, relaxed, plan, solver, effort)
    return None if steps is None else settle(problem, steps)


def chosen_setpoints(
    problem: Problem,
    relaxation: Relaxation,
    relaxed: Relaxed,
    plan: Candidate,
    solver: Solver,
    effort: tuple[int, float] = ROOT,
) -> Ints | None:
    """Return the set-points of the program that ``restricted_plan`` speaks of, rounded down, as they come."""
    if relaxed.duals is None:
        return None
    open_, switching = _open_arcs(problem, relaxation, relaxed, plan)
    if np.count_nonzero(open_) > OPEN_ARCS:
        return None
    near = neighbourhood(problem, relaxation, relaxed, plan, open_, switching)
    assert near.program.gap is not None  # noqa: S101 - for the type checker: a neighbourhood names its gap
    program = replace(near.program, nodes=effort[0], gap=effort[1] * near.program.gap)
    return _steps(problem, relaxation, plan, replace(near, program=program), solver)


def served_plan(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver
) -> Candidate:
    """Return the plan, or a better one in which rivals of sessions that miss energy made room for them."""
    if relaxed.duals is None:
        return plan
    # More than the first neighbourhood is worth its time only for energy that need not be missing at all.
    sizes = iter(RIVAL_ARCS if not relaxed.bounds.missing(problem) else RIVAL_ARCS[:1])
    size = next(sizes)
    for _ in range(RIVAL_ROUNDS):
        if not any(plan.served):
            break
        open_ = _rivals(problem, relaxation, relaxed, plan, size)
        near = neighbourhood(problem, relaxation, relaxed, plan, open_, open_ & _may_switch(problem, relaxation))
        found = better(plan, _solved(problem, relaxation, plan, near, solver)) or plan
        if found.served >= plan.served:
            size = next(sizes, 0)
            if not size:
                return found
        plan = found
    return plan


def _solved(
    problem: Problem, relaxation: Relaxation, plan: Candidate, near: Neighbourhood, solver: Solver
) -> Candidate | None:
    steps = _steps(problem, relaxation, plan, near, solver)
    return None if steps is None else settle(problem, steps)


def _steps(
    problem: Problem, relaxation: Relaxation, plan: Candidate, near: Neighbourhood, solver: Solver
) -> Ints | None:
    """Return the whole set-points of the program's answer; None where there is none."""
    if not near.arcs.size:
        return None
    outcome = solver.run(near.program, "scip")
    if outcome.values is None:
        return None
    return allowed_steps(problem, near.setpoints(relaxation, plan.setpoints, outcome.values))


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
    program = replace(base, low=low, high=high, integer=integer, hint=_hint(problem, relaxation, plan, planned))
    outcome = solver.run(program, "scip")
    if outcome.values is None:
        return None
    return settle(problem, allowed_steps(problem, relaxation.setpoints(outcome.values, plan.setpoints.shape)))


def _open_arcs(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate) -> tuple[Bools, Bools]:
    """Return (A,) which arcs are open, and which of them may go on or off."""
    planned = plan.setpoints[relaxation.arc_session, relaxation.arc_slot]
    values = relaxed.values[: relaxation.arc_session.size]
    minimum = np.minimum(problem.min_steps[relaxation.arc_session], relaxation.arc_cap)
    on = values > ROUNDING
    moved = np.abs(planned - values) > 1 - ROUNDING
    undecided = (on & (values < minimum - ROUNDING)) | (on != (planned > 0))
    there = np.zeros(problem.slots, dtype=np.bool_)
    there[relaxation.arc_slot[undecided | moved]] = True
    cheap = _nearly_free(relaxation, relaxed) & there[relaxation.arc_slot]
    open_ = cheap | moved | undecided | (on & (values < relaxation.arc_cap - ROUNDING))
    # Where power falls with what is in the car the program speaks of draws, and the plan of permissions.
    open_ &= ~tapered(problem)[relaxation.arc_session]
    return open_, open_ & (cheap | undecided) & (minimum > 1) & _may_switch(problem, relaxation)


def _may_switch(problem: Problem, relaxation: Relaxation) -> Bools:
    """Return (A,) arcs of sessions without limits on pauses and on-times, which the program does not know."""
    if problem.runs is None:
        return np.ones(relaxation.arc_session.size, dtype=np.bool_)
    free: Bools = ~problem.runs.flagged[relaxation.arc_session]
    return free


def _nearly_free(relaxation: Relaxation, relaxed: Relaxed) -> Bools:
    """Return (A,) where the reduced cost is nearly 0: what the linear program might as well have chosen."""
    assert relaxed.duals is not None  # noqa: S101 - checked by the caller, for the type checker
    program, arcs = relaxation.program, relaxation.arc_session.size
    cost = relaxed.cost - program.matrix.T @ relaxed.duals[: program.row_high.size]
    usual = float(np.abs(relaxed.cost[:arcs]).mean()) if arcs else 0.0
    cheap: Bools = np.abs(cost[:arcs]) <= REDUCED_COST_SHARE * usual
    return cheap


def _rivals(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, most: int) -> Bools:
    """Return (A,) arcs of sessions that miss energy, and ``most`` open ones of those that share lines and slots."""
    session, slot = relaxation.arc_session, relaxation.arc_slot
    short = np.zeros(problem.sessions, dtype=np.bool_)
    short[problem.demand_session[plan.missing_units > 0]] = True
    own = (short & ~tapered(problem))[session]
    lines = (problem.load_units[short] > 0).any(axis=0)
    shared = np.zeros(problem.slots, dtype=np.bool_)
    shared[slot[own]] = True
    shares = np.flatnonzero((problem.load_units[:, lines] > 0).sum(axis=1))
    open_ = _open_arcs(problem, relaxation, relaxed, plan)[0] & ~own & np.isin(session, shares)
    in_the_way = np.bincount(session[open_ & shared[slot]], minlength=problem.sessions)
    order = np.argsort(-in_the_way, kind="stable")
    order = order[in_the_way[order] > 0]
    total = np.cumsum(np.bincount(session[open_], minlength=problem.sessions)[order])
    chosen = np.zeros(problem.sessions, dtype=np.bool_)
    chosen[order[total <= most]] = True
    return own | (open_ & chosen[session])


def _hint(problem: Problem, relaxation: Relaxation, plan: Candidate, planned: Ints) -> Floats:
    """Return the plan in hand as a point of the program; NaN in columns of other blocks."""
    hint = np.full(relaxation.program.cost.size, np.nan)
    hint[relaxation.columns["arcs"]] = planned
    booking = relaxation.booking
    hint[relaxation.columns["excess"]] = np.maximum(planned[booking.arc] - booking.floor, 0)
    hint[relaxation.columns["short"]] = shortfalls(problem, relaxation, plan)
    return hint
