"""Plans one session at a time: short sessions let in before their rivals, a packing made cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.filling import refill
from ocpp_schedule.solve.pools import sharing
from ocpp_schedule.solve.repair import better, settle, slot_prices
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.result import Candidate

INSERTIONS: Final = 8
"""Sessions tried per round; who is still short after that shares a limit that has no more to give."""
ROUNDS: Final = 4
SWEEPS: Final = 3
SWEPT_SESSIONS: Final = 300
"""Sessions up to which sweeping the packing takes a second at most."""


def let_in(problem: Problem, plan: Candidate) -> Candidate:
    """Return the plan, or one that ranks before it because short sessions were planned first.

    What rounding and guarded edges leave short is little, and most of the plan is good: only the rivals of a
    short session, those that share a line and a slot with it, are planned anew.
    """
    prices = slot_prices(problem)
    best = plan
    for _ in range(ROUNDS):
        missing = np.zeros(problem.sessions, dtype=np.int64)
        np.add.at(missing, problem.demand_session, best.missing_units * problem.chased)
        short = np.argsort(-missing, kind="stable")[: min(np.count_nonzero(missing), INSERTIONS)]
        found = best
        for session in short.tolist():
            found = better(found, _first(problem, best, session, prices)) or found
        if found is best:
            break
        best = found
    return best


def descend(problem: Problem, plan: Candidate, sessions: Ints | None = None) -> Candidate:
    """Return the plan, made cheaper by planning one session after another anew, cheapest slots first.

    The packing that serves every wish ignores prices; this is what turns it into a plan. Guarded edges count,
    so a change is judged by the whole plan, and never accepted for more missing energy.

    Args:
        problem: compiled arrays.
        plan: to start from.
        sessions: those to plan anew; by default all.
    """
    prices = slot_prices(problem)
    best = plan
    everyone = np.flatnonzero(problem.end_slot > problem.first_slot).tolist() if sessions is None else sessions.tolist()
    for _ in range(SWEEPS):
        start = best
        for session in everyone:
            trial = WorkingPlan(problem, best.setpoints)
            refill(trial, session, prices[session, trial.window(session)])
            best = better(best, settle(problem, trial.setpoints)) or best
        if best is start:
            break
    return best


def _first(problem: Problem, plan: Candidate, session: int, prices: Floats) -> Candidate | None:
    trial = WorkingPlan(problem, plan.setpoints)
    window = trial.window(session)
    rivals = _rivals(trial, session)
    for rival in rivals:
        own = trial.window(rival)
        kept = trial.setpoints[rival, own].copy()
        kept[max(window.start - own.start, 0) : max(window.stop - own.start, 0)] = 0
        trial.assign(rival, kept)
    refill(trial, session, prices[session, window])
    for rival in rivals:
        refill(trial, rival, prices[rival, trial.window(rival)])
    if evaluate(problem, trial.setpoints.copy()).served > plan.served:
        return None
    return settle(problem, trial.setpoints)


def _rivals(plan: WorkingPlan, session: int) -> list[int]:
    """Return the sessions that share a channel and a slot with ``session``, the one with the least slack first."""
    problem = plan.problem
    first, end = int(problem.first_slot[session]), int(problem.end_slot[session])
    lines = ((problem.load_units > 0) & (problem.load_units[session] > 0)).any(axis=1)
    lines |= sharing(problem, session)
    active = lines & plan.setpoints[:, first:end].any(axis=1)
    shared = [other for other in np.flatnonzero(active).tolist() if other != session]
    most = (problem.cap_steps[shared] * problem.seconds).sum(axis=1) * problem.power_dw[shared]
    slack = 1.0 - problem.energy_units[shared] / np.maximum(most, 1)
    return [shared[k] for k in np.argsort(slack, kind="stable").tolist()]
