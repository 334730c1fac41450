"""A plan that needs more periods than stations take, made again with fewer (convention 24)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.exact import exact_plan
from ocpp_schedule.solve.insertion import SWEPT_SESSIONS
from ocpp_schedule.solve.piece_rows import alike_in_pieces, held_in_pieces
from ocpp_schedule.solve.pieces import mend_pieces, pieced_sessions, refill_better
from ocpp_schedule.solve.relaxation import congestion_prices, enlarge
from ocpp_schedule.solve.repair import better, rounded_plan, settle, slot_prices
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

ROUNDS: Final = 4
"""Of the linear program with pieces held and a sweep; each starts from the best plan so far."""


def in_few_periods(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver, exact_arcs: int
) -> tuple[str, Candidate] | None:
    """Return the method and the plan, or None where none was found.

    Args:
        problem: compiled arrays.
        relaxation: its linear program.
        relaxed: the optimum of that, which knows nothing of periods.
        plan: made without the limits on periods.
        solver: runs the programs.
        exact_arcs: up to this many set-points an integer program decides.
    """
    if relaxation.arc_session.size <= exact_arcs and not problem.tapers:
        exact = exact_plan(problem, relaxation, solver)
        if exact is not None:
            return "exact", exact
    prices = _prices(problem, relaxation, relaxed)
    working = WorkingPlan(problem, plan.setpoints)
    mend_pieces(working, prices)
    best = settle(problem, working.setpoints)
    for _ in range(ROUNDS):
        start = best
        if best is not None:
            best = better(best, _polished(problem, relaxation, best, solver)) or best
        if best is not None and problem.sessions <= SWEPT_SESSIONS:
            best = _swept(problem, best, solver)
        solver.offer(problem, best)
        if best is start:
            break
    return None if best is None else ("linear", best)


def _prices(problem: Problem, relaxation: Relaxation, relaxed: Relaxed) -> Floats:
    """Return (S, T) prices of energy with what tight rows make it worth."""
    if relaxed.duals is None:
        return slot_prices(problem)
    shape = (problem.sessions, problem.slots)
    per_step = congestion_prices(relaxation, relaxed.cost, relaxed.duals, shape)
    return per_step / (problem.seconds * np.maximum(problem.power_dw, 1)[:, None])


def _swept(problem: Problem, plan: Candidate, solver: Solver) -> Candidate:
    """Return the plan with limited sessions planned anew one after another, where that makes it better as a whole."""
    prices, best = slot_prices(problem), plan
    working = WorkingPlan(problem, best.setpoints)
    for session in pieced_sessions(problem).tolist():
        if solver.deadline is not None:
            solver.deadline.left()
        extra = int(_lost_units(problem, best)[session])
        if refill_better(working, session, prices[session, working.window(session)], extra):
            found = settle(problem, working.setpoints)
            best = better(best, found) or best
            working = WorkingPlan(problem, best.setpoints)
    return best


def _lost_units(problem: Problem, plan: Candidate) -> Ints:
    """Return (S,) what guarded edges take from a plan [0.1 J]."""
    full = (plan.setpoints @ problem.seconds) * problem.power_dw
    lost: Ints = np.maximum(full - plan.energy_units.sum(axis=1), 0)
    lost[list(problem.tapers)] = 0
    return lost


def _polished(problem: Problem, relaxation: Relaxation, plan: Candidate, solver: Solver) -> Candidate | None:
    """Return the best plan with the pieces of ``plan``: how high each is, the linear program says."""
    held = held_in_pieces(problem, relaxation, plan.setpoints)
    held = enlarge(held, _lost_units(problem, plan))
    relaxed = solve_stages(problem, held, solver)
    if relaxed is None:
        return None
    shape = (problem.sessions, problem.slots)
    alike = alike_in_pieces(problem, plan.setpoints, held.setpoints(relaxed.values, shape))
    values = relaxed.values.copy()
    values[: held.arc_session.size] = alike[held.arc_session, held.arc_slot]
    return rounded_plan(problem, held, replace(relaxed, values=values), solver)
