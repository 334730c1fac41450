"""Every plan of a tiny problem without guarded edges, one by one."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocpp_schedule.problem.arrays import Problem


def rows_of_steps(problem: Problem, session: int) -> list[tuple[int, ...]]:
    """Return all set-points that a session may have, as far as it alone is concerned."""
    low, high = max(int(problem.min_steps[session]), 1), problem.cap_steps[session].tolist()
    levels = [[0, *range(low, top + 1)] for top in high]
    unit = int(problem.power_dw[session])
    most = int(problem.energy_most_units[session])
    seconds = problem.seconds.tolist()
    return [
        steps for steps in product(*levels) if sum(k * unit * s for k, s in zip(steps, seconds, strict=True)) <= most
    ]


def plans(problem: Problem) -> Iterator[np.ndarray[Any, Any]]:
    """Yield every (S, T) plan that fits every row (rows in alarm count with their unavoidable sum)."""
    assert problem.edge_guard_s == 0
    below = problem.connector_nodes[:, problem.session_connector]
    floors = np.einsum("nc,ck->nk", problem.connector_nodes.astype(np.int64), problem.floor_units)
    room = np.maximum(problem.headroom_units - floors[:, :, None], 0)
    own_floor = problem.floor_units[problem.session_connector]
    options = []
    for session in range(problem.sessions):
        loads = []
        for steps in rows_of_steps(problem, session):
            above = np.maximum(np.outer(problem.load_units[session], steps) - own_floor[session][:, None], 0)
            loads.append((steps, below[:, session][:, None, None] * above[None]))
        options.append(loads)

    def grow(session: int, chosen: list[tuple[int, ...]], left: np.ndarray[Any, Any]) -> Iterator[Any]:
        if session == problem.sessions:
            yield np.array(chosen, dtype=np.int64).reshape(problem.sessions, problem.slots)
            return
        for steps, load in options[session]:
            rest = left - load
            if (rest >= 0).all():
                yield from grow(session + 1, [*chosen, steps], rest)

    yield from grow(0, [], room)


def least(problem: Problem, value: Callable[[np.ndarray[Any, Any]], Any]) -> Any:
    """Return the lowest value over all plans; ``value`` takes (S, T) energies [0.1 J]."""
    power = (problem.power_dw[:, None] * problem.seconds).astype(np.int64)
    return min(value(plan * power) for plan in plans(problem))


def missing(problem: Problem, energy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return (D,) what each demand misses [0.1 J]."""
    given = np.concatenate((np.zeros((problem.sessions, 1), dtype=np.int64), np.cumsum(energy, axis=1)), axis=1)
    got = given[problem.demand_session, problem.demand_end]
    return np.maximum(problem.demand_wish_units - got, 0)
