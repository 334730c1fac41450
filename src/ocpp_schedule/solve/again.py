"""Making a plan again: going on with the one before, where that loses next to nothing (convention 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.filling import refill
from ocpp_schedule.solve.relaxation import congestion_prices
from ocpp_schedule.solve.repair import settle, slot_prices
from ocpp_schedule.solve.values import gross_units
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

KEEP_SHARE: Final = 1e-3
"""Share of what a stage weighs in all (its gross cost) that going on with the plan before may lose."""
UNKNOWN: Final = -1
"""Set-points of a session that the plan before did not have."""


def continued(
    problem: Problem, relaxation: Relaxation | None, relaxed: Relaxed | None, previous: Ints
) -> Candidate | None:
    """Return the plan before, with the sessions that it did not have let in where the others leave room.

    Args:
        problem: what is planned now.
        relaxation: its linear program; None where it has not been solved.
        relaxed: the optimum of that, for the prices; None likewise.
        previous: (S, T) steps of the plan before; -1 throughout for sessions that it did not have.
    """
    low = problem.min_steps[:, None]
    wanted = np.clip(previous, 0, problem.cap_steps)
    wanted[wanted < low] = 0
    plan = WorkingPlan(problem, wanted)
    if not plan.fits():
        plan = _cut(problem, wanted)
    shape = (problem.sessions, problem.slots)
    prices = (
        slot_prices(problem)
        if relaxation is None or relaxed is None or relaxed.duals is None
        else congestion_prices(relaxation, relaxed.cost, relaxed.duals, shape)
    )
    for session in np.flatnonzero((previous == UNKNOWN).all(axis=1)).tolist():
        refill(plan, session, prices[session, plan.window(session)])
    return settle(problem, plan.setpoints)


def _cut(problem: Problem, wanted: Ints) -> WorkingPlan:
    """Return the set-points that still fit, session by session: a limit fell, or base load rose."""
    plan = WorkingPlan(problem, np.zeros_like(wanted))
    for session in np.flatnonzero(wanted.any(axis=1)).tolist():
        window = plan.window(session)
        fitting = np.minimum(wanted[session, window], plan.room(session))
        fitting[fitting < problem.min_steps[session]] = 0
        plan.assign(session, fitting)
    return plan


def as_good(problem: Problem, values: tuple[float | None, ...], kept: Candidate) -> bool:
    """Tell whether a plan comes so near to these stage values that going on with it is better than shuffling cars.

    Args:
        problem: what is planned.
        values: per stage, of another plan or a bound; None: nothing is known, and nothing is near.
        kept: the plan before, gone on with.
    """
    for stage, value, own in zip(problem.stages, values, kept.rank, strict=True):
        if value is None:
            return False
        room = 1.0 if stage.kind == "missing" else KEEP_SHARE * gross_units(problem, kept.setpoints, stage)
        if own > value + room:
            return False
        if own < value - room:
            return True
    return True
