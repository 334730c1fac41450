"""From real numbers to a safe integer plan: rounding, minimum current, guard losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.pieces import expressible
from ocpp_schedule.problem.pilots import lowered
from ocpp_schedule.solve.edges import with_held
from ocpp_schedule.solve.filling import refill, top_up, trim
from ocpp_schedule.solve.meter_room import aimed_higher
from ocpp_schedule.solve.patterns import broken, kept, least_steps, mend
from ocpp_schedule.solve.pieces import mend_pieces
from ocpp_schedule.solve.relaxation import congestion_prices, restrict
from ocpp_schedule.solve.result import Candidate, evaluate
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.solve.tapering import mend_tapers, tapered
from ocpp_schedule.solve.values import worth_of
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed

ROUNDING: Final = 1e-5
"""A value this close below a whole step is that step: solver tolerance, far below the referee's notice."""
RAISED_STEPS: Final = (1, 2, 4, 8, 16, 32)
"""By how many steps of the largest car the aims for peaks are raised in turn, where whole steps need room."""
SETTLING_ROUNDS: Final = 8
"""Topping up moves guarded edges, which moves energy; it mostly settles in two or three rounds."""


def whole_steps(values: Floats) -> Ints:
    """Return the values rounded down to whole steps."""
    return np.floor(values + ROUNDING).astype(np.int64)


def allowed_steps(problem: Problem, values: Floats) -> Ints:
    """Return (S, T) values rounded down to whole steps that the chargers can be told."""
    return lowered(whole_steps(values), problem.levels)


def slot_prices(problem: Problem) -> Floats:
    """Return (S, T) price per energy in the first stage after the wishes, early finish breaking ties.

    For filling in order of price; what missing it would count is off, so below 0 energy is worth what it costs.
    """
    main = problem.stages[problem.wish_stages :][:1]
    rate = main[0].rate if main and main[0].rate.size else problem.price_seconds
    if problem.meter is not None and problem.meter.aim_price is not None:
        rate = problem.meter.aim_price
    per_second = rate / problem.seconds
    spread = float(np.abs(per_second).mean()) if per_second.size else 1.0
    order = per_second + 1e-6 * (spread or 1.0) * (np.arange(problem.slots) / problem.slots - 1.0)
    prices = np.repeat(order[None, :], problem.sessions, axis=0)
    if (problem.draw_dw != problem.power_dw).any() and (not main or main[0].delivered):
        prices = prices * (problem.draw_dw / np.maximum(problem.power_dw, 1))[:, None]
    worth = worth_of(problem)
    return prices - worth[:, None] if worth.any() else prices


def settle(problem: Problem, setpoints: Ints) -> Candidate | None:
    """Hand leftover steps back within the aims for peaks; where that misses energy, raise the aims no more than needed.

    Returns:
        the best plan in which no session got too much; None where there was none.
    """
    best = _settled(problem, setpoints)
    if best is None or not any(best.served) or not _has_aims(problem):
        return best
    free = _settled(aimed_higher(problem, None), setpoints)
    if free is None or free.served >= best.served:
        return best
    for steps in RAISED_STEPS:
        tried = _settled(aimed_higher(problem, steps), setpoints)
        best = better(best, tried)
        if tried is not None and tried.served <= free.served:
            break
    return better(best, free)


def _has_aims(problem: Problem) -> bool:
    return problem.aims is not None or (problem.meter is not None and bool(problem.meter.soft_dw))


def _settled(problem: Problem, setpoints: Ints) -> Candidate | None:
    """Hand leftover steps back where every row still fits, until wishes and guard losses agree.

    Each round counts what the guarded edges take, tops up sessions that miss energy and trims those that
    got a whole step too much.

    Returns:
        the best round in which no session got too much; None where there was none.
    """
    plan = WorkingPlan(problem, setpoints)
    best: Candidate | None = None
    prices = slot_prices(problem)
    mend_tapers(plan, prices)
    mend(plan, prices)
    mend_pieces(plan, prices)
    avoid, far = np.zeros_like(prices), 2 * float(np.abs(prices).max(initial=1.0)) + 1.0
    for _ in range(SETTLING_ROUNDS):
        current = evaluate(problem, plan.setpoints.copy())
        if (best is None or current.order < best.order) and _allowed(problem, current):
            best = current
        if not _adjust(plan, current, prices + avoid, prices - avoid):
            break
        # At a guarded edge a step is worth more or less than elsewhere, so that adding and taking away could
        # alternate for ever: such slots come last from the second round on, and those just changed after them.
        avoid = (_at_guarded_edges(current) + 2.0 * (plan.setpoints != current.setpoints)) * far
    return best


def _at_guarded_edges(current: Candidate) -> Floats:
    """Return (S, T) 1.0 in the slots on both sides of a guarded edge."""
    touched = current.late | current.early
    touched[:, :-1] |= current.late[:, 1:]
    touched[:, 1:] |= current.early[:, :-1]
    return touched.astype(np.float64)


def better(one: Candidate | None, other: Candidate | None) -> Candidate | None:
    """Return the plan that ranks first, stage by stage."""
    if one is None or other is None:
        return one or other
    return min((one, other), key=lambda candidate: candidate.order)


def _allowed(problem: Problem, candidate: Candidate) -> bool:
    """Tell whether no session gets too much (convention 6), a forbidden pause (21) or too many periods (24)."""
    within = bool((candidate.got_units <= problem.energy_most_units).all())
    return within and kept(problem, candidate) and told(problem, candidate)


def told(problem: Problem, plan: Candidate) -> bool:
    """Tell whether no station is sent more periods than it takes (convention 24)."""
    return expressible(problem, with_held(problem, plan.setpoints), plan.late, plan.early)


def _adjust(plan: WorkingPlan, current: Candidate, to_add: Floats, to_drop: Floats) -> bool:
    """Trim and top up every session that needs it; tell whether anything changed."""
    problem = plan.problem
    changed = False
    surplus = current.got_units - problem.energy_units
    step = np.maximum(problem.power_dw * problem.seconds.min(), 1)
    for session in np.flatnonzero(surplus >= step).tolist():
        window = plan.window(session)
        changed |= trim(plan, session, to_drop[session, window], int(surplus[session]))
    for demand in np.flatnonzero(current.missing_units).tolist():
        session = int(problem.demand_session[demand])
        window = plan.window(session)
        end = int(problem.demand_end[demand]) - window.start
        missing = int(current.missing_units[demand])
        plan.must = bool(problem.demand_hard[demand])
        changed |= top_up(plan, session, to_add[session, window], missing, end, at_any_price=plan.chased[demand])
    plan.must = False
    return changed


def refit_prices(problem: Problem, relaxation: Relaxation, relaxed: Relaxed) -> Floats:
    """Return (S, T) what a step costs with its congestion, where duals are known, less what missing it would count."""
    if relaxed.duals is None:
        return slot_prices(problem)
    prices = congestion_prices(relaxation, relaxed.cost, relaxed.duals, (problem.sessions, problem.slots))
    worth = worth_of(problem)
    if relaxation.main is not None and worth.any():
        step = problem.power_dw[:, None] * problem.seconds * relaxation.goals[relaxation.main].scale
        prices -= worth[:, None] * step
    return prices


def rounded_plan(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, solver: Solver) -> Candidate | None:
    """Return an integer plan near one optimum: rounded down, or refitted where minimum currents bind.

    Where pauses or on-times are limited, the runs of those sessions are chosen and held first.
    """
    if problem.runs is not None:
        relaxation, relaxed = with_runs(problem, relaxation, relaxed, solver)
    shape = (problem.sessions, problem.slots)
    values = relaxation.setpoints(relaxed.values, shape)
    low = problem.min_steps[:, None]
    between = low.max(initial=0) > 1 and bool(((values > ROUNDING) & (values < low - ROUNDING)).any())
    if not between and not problem.tapers:
        return settle(problem, allowed_steps(problem, values))
    prices = refit_prices(problem, relaxation, relaxed)
    return refit_minimum(problem, values, prices)


def with_runs(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, solver: Solver) -> tuple[Relaxation, Relaxed]:
    """Return the linear program and its optimum with allowed runs held for the sessions whose own are not.

    Their runs are chosen before all else, at congestion prices; the others then arrange themselves around them.
    """
    shape = (problem.sessions, problem.slots)
    values = relaxation.setpoints(relaxed.values, shape)
    values[values < ROUNDING] = 0.0
    chosen = np.flatnonzero(broken(problem, values))
    if not chosen.size:
        return relaxation, relaxed
    prices = refit_prices(problem, relaxation, relaxed)
    plan = WorkingPlan(problem, np.zeros(shape, dtype=np.int64))
    cap = np.maximum(problem.cap_steps.sum(axis=1), 1)
    fullness = values.sum(axis=1) / cap
    for session in chosen[np.argsort(-fullness[chosen], kind="stable")].tolist():
        refill(plan, session, prices[session, plan.window(session)])
    low, high = np.zeros(shape, dtype=np.int64), problem.cap_steps.copy()
    on = plan.setpoints[chosen] > 0
    low[chosen] = np.where(on, np.minimum(least_steps(problem)[chosen, None], problem.cap_steps[chosen]), 0)
    high[chosen] = np.where(on, problem.cap_steps[chosen], 0)
    held = restrict(relaxation, low, high)
    again = solve_stages(problem, held, solver)
    return (relaxation, relaxed) if again is None else (held, again)


def refit_minimum(problem: Problem, values: Floats, prices: Floats) -> Candidate | None:
    """Refill every session that holds a value between 0 and its minimum, fullest first, at congestion prices."""
    plan = WorkingPlan(problem, allowed_steps(problem, values))
    between = (values > ROUNDING) & (values < problem.min_steps[:, None] - ROUNDING)
    cap = np.maximum(problem.cap_steps.sum(axis=1), 1)
    fullness = values.sum(axis=1) / cap
    touched = np.flatnonzero(between.any(axis=1) | tapered(problem))
    for session in touched[np.argsort(-fullness[touched], kind="stable")].tolist():
        refill(plan, session, prices[session, plan.window(session)])
    return settle(problem, plan.setpoints)


def polish(problem: Problem, relaxation: Relaxation, plan: Candidate, solver: Solver) -> Candidate | None:
    """Solve the linear program again with every set-point on or off as in ``plan``."""
    on = plan.setpoints > 0
    low = np.where(on, np.minimum(least_steps(problem)[:, None], problem.cap_steps), 0)
    held = restrict(relaxation, low, np.where(on, problem.cap_steps, 0))
    relaxed = solve_stages(problem, held, solver)
    if relaxed is None:
        return plan
    return settle(problem, allowed_steps(problem, held.setpoints(relaxed.values, plan.setpoints.shape)))
