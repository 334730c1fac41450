"""Least-laxity-first packing: a safe plan within milliseconds, without a solver.

Laxity is the time a session could still idle and be full in time. Smoothed variants of the rule are the
usual online policy (Chen, Kurniawan, Nakahira, Chen, Low 2021, arXiv 2102.08610).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.commodity import says_nothing_else
from ocpp_schedule.solve.filling import refill
from ocpp_schedule.solve.repair import settle, slot_prices
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.result import Candidate


def least_laxity(problem: Problem) -> Candidate:
    """Fill each session's window earliest first, the session with the least slack in time first."""
    plan = WorkingPlan(problem, np.zeros((problem.sessions, problem.slots), dtype=np.int64))
    wishes = np.bincount(problem.demand_session, minlength=problem.sessions)
    need = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(need, problem.demand_session, problem.demand_units)
    hard = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(hard, problem.demand_session, np.where(problem.demand_hard, problem.demand_units, 0))
    most = (problem.cap_steps @ problem.seconds) * problem.power_dw
    order = np.lexsort((np.arange(problem.sessions), 1.0 - need / np.maximum(most, 1), hard == 0))
    prices, at_any_price = slot_prices(problem), bool(problem.chased.all())
    single, units = ((wishes == 1) & says_nothing_else(problem) & at_any_price).tolist(), need.tolist()
    for session in order[most[order] > 0].tolist():
        if single[session]:
            _fill_early(plan, session, units[session])
        else:
            window = plan.window(session)
            early = np.arange(window.stop - window.start, dtype=np.float64)
            # What is worth its price comes first; by time alone what is not to be met at any price gets nothing.
            refill(plan, session, early if at_any_price else early - early.size * (prices[session, window] < 0))
    return settle(problem, plan.setpoints) or evaluate(problem, np.zeros_like(plan.setpoints))


def _fill_early(plan: WorkingPlan, session: int, units: int) -> None:
    """As ``refill`` with the earliest slots first, for a session with one demand that has nothing yet."""
    problem = plan.problem
    low = int(problem.min_steps[session])
    room = plan.room_from_nothing(session)
    if low > 1:
        room[room < low] = 0
    energy = problem.power_dw[session] * problem.seconds[plan.window(session)]
    reach = np.cumsum(room * energy)
    last = int(reach.searchsorted(units))
    if last < reach.size:
        unit = int(energy[last])
        take = -(-(units - int(reach[last]) + int(room[last]) * unit) // unit)
        room[last + 1 :] = 0
        room[last] = max(take, low) if take else 0
        if 0 < take < low:  # what that is too much comes off the slots before that stay at or above the minimum
            _give_back(room, energy, last, (low - take) * unit, low)
    plan.assign(session, room)


def _give_back(setpoints: Ints, energy: Ints, before: int, surplus_units: int, low: int) -> None:
    for slot in range(before - 1, -1, -1):
        give = min(int(setpoints[slot]) - low, surplus_units // int(energy[slot]))
        if give > 0:
            setpoints[slot] -= give
            surplus_units -= give * int(energy[slot])
