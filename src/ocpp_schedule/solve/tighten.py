"""Set-points that no integer plan can have, ruled out before the linear program is built."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.pilots import lowered

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem


def tighten(problem: Problem) -> Problem:
    """Return the problem with each set-point held to what its rows leave it when every other car is idle.

    Where that is below the minimum current the set-point can only be 0, and between two allowed ones the lower.
    Without this rule the linear program spreads energy over slots in which no car can charge: a 25 A fuse with
    20 A of base load seems to give 5 A.
    """
    free = problem.free_units
    # Where every row leaves more than the largest car can draw there is nothing to look at.
    if free.min() >= int((problem.load_units * problem.max_steps[:, None]).max(initial=0)):
        return problem
    caps = np.minimum(problem.cap_steps, _alone_steps(problem, free))
    caps = lowered(caps, problem.levels)
    caps[caps < np.maximum(problem.min_steps, 1)[:, None]] = 0
    if np.array_equal(caps, problem.cap_steps):
        return problem
    return replace(problem, cap_steps=caps)


def _alone_steps(problem: Problem, free: Ints) -> Ints:
    """Return (S, T) steps that fit every row of a session beside the idle floors of all other connectors."""
    connector = problem.session_connector
    alone = np.full((problem.sessions, problem.slots), np.iinfo(np.int64).max, dtype=np.int64)
    for node in range(free.shape[0]):
        below = problem.connector_nodes[node, connector]
        for line in range(problem.channels):
            cars = np.flatnonzero(below & (problem.load_units[:, line] > 0))
            if not cars.size:
                continue
            own = problem.floor_units[connector[cars], line][:, None]
            steps = (free[node, line] + own) // problem.load_units[cars, line][:, None]
            alone[cars] = np.minimum(alone[cars], steps)
    return alone
