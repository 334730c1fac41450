"""Least-laxity-first packing: a safe plan within milliseconds, without a solver.

Laxity is the time a session could still idle and be full in time. Smoothed variants of the rule are the
usual online policy (Chen, Kurniawan, Nakahira, Chen, Low 2021, arXiv 2102.08610).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.filling import refill
from ocpp_schedule.solve.repair import settle
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.result import Candidate


def least_laxity(problem: Problem) -> Candidate:
    """Fill each session's window earliest first, the session with the least slack in time first."""
    plan = WorkingPlan(problem, np.zeros((problem.sessions, problem.slots), dtype=np.int64))
    most = problem.cap_steps * problem.power_dw[:, None] * problem.seconds
    need = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(need, problem.demand_session, problem.demand_units)
    hard = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(hard, problem.demand_session, np.where(problem.demand_hard, problem.demand_units, 0))
    laxity = 1.0 - need / np.maximum(most.sum(axis=1), 1)
    for session in np.lexsort((np.arange(problem.sessions), laxity, hard == 0)).tolist():
        window = plan.window(session)
        refill(plan, session, np.arange(window.stop - window.start, dtype=np.float64))
    nothing = np.zeros_like(plan.setpoints)
    return settle(problem, plan.setpoints) or evaluate(problem, nothing)
