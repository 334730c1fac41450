"""Few starts: blocks put together where the stages before leave room for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.arrays import RunRules
from ocpp_schedule.solve.filling import refill
from ocpp_schedule.solve.repair import refit_prices, settle
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.values import starts_of
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

TRIES: Final = 300
"""Plans tried: 54 sessions take a second, and larger sites no longer than their linear programs."""
FEWEST: Final = 2
"""Numbers of pauses tried per session, from none on."""


def fewer_starts(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver
) -> Candidate:
    """Return the plan, or a better one in which sessions charge in fewer blocks; as it is where no stage counts them.

    One session after another, those with the most starts first, is planned anew with few pauses, as cars are that may
    not pause (convention 21), and kept so where the plan is the better one by its stages and their budgets.
    """
    if not any(stage.kind == "starts" for stage in problem.stages):
        return plan
    prices = refit_prices(problem, relaxation, relaxed)
    # Budgets count from the best plan that is known, which guarded edges keep above what the linear program promises.
    problem = replace(
        problem,
        stages=tuple(
            stage if stage.enough is None else replace(stage, enough=max(stage.enough, stage.budget(value)))
            for stage, value in zip(problem.stages, plan.rank, strict=True)
        ),
    )
    best, tries = evaluate(problem, plan.setpoints), 0
    starts = starts_of(problem, plan.setpoints)
    for session in np.argsort(-starts, kind="stable").tolist():
        for pauses in range(min(int(starts[session]) - 1, FEWEST)):
            if tries == TRIES:
                return best
            tries += 1
            limited = replace(problem, runs=_limited(problem, session, pauses))
            trial = WorkingPlan(limited, best.setpoints)
            refill(trial, session, prices[session, trial.window(session)])
            found = settle(limited, trial.setpoints)
            if found is not None and found.order < best.order:
                best = found
                solver.offer(problem, best)
                break
    return best


def _limited(problem: Problem, session: int, pauses: int) -> RunRules:
    """Return the rules for runs, with at most so many pauses of one session."""
    mine = np.arange(problem.sessions) == session
    if problem.runs is None:
        free = np.zeros(problem.sessions, dtype=np.int64)
        return RunRules(mine, np.where(mine, pauses, -1), free, mine & False, problem.energy_units)
    least = np.where(problem.runs.pauses < 0, pauses, np.minimum(problem.runs.pauses, pauses))
    return replace(problem.runs, flagged=problem.runs.flagged | mine, pauses=np.where(mine, least, problem.runs.pauses))
