"""Whole pieces in plans, such as the turns of exclusive outlets (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.problem.pools import Pools

NOT_IN_ANY = 1 << 40
"""Room of a session that is in no pool."""


def present(problem: Problem) -> bool:
    """Tell whether the site has pools."""
    return problem.pools is not None


def pools_of(problem: Problem) -> Pools:
    """Return the pools of a site that has some."""
    assert problem.pools is not None  # noqa: S101 - families are asked only where they are present
    return problem.pools


def booked_steps(problem: Problem, setpoints: Ints) -> Ints:
    """Return (C, T) booked steps of each connector: set-point or idle floor."""
    booked = np.zeros((len(problem.connector_ids), problem.slots), dtype=np.int64)
    # Sessions of one connector never share a slot, so adding them up is choosing the one that is there.
    np.add.at(booked, problem.session_connector, setpoints)
    return np.maximum(booked, problem.idle_floor_steps[:, None])


def sharing(problem: Problem, session: int) -> Bools:
    """Return (S,) which sessions take pieces of a pool that this one takes of, too."""
    if problem.pools is None:
        return np.zeros(problem.sessions, dtype=np.bool_)
    inside = problem.pools.take[:, problem.session_connector] > 0
    return np.asarray(inside[inside[:, session]].any(axis=0))


class PoolUse:
    """Pieces in use, pool by pool and slot by slot."""

    def __init__(self, problem: Problem, setpoints: Ints) -> None:
        self._problem, self._pools = problem, pools_of(problem)
        booked = booked_steps(problem, setpoints)
        self._used = np.array([self._pools.pieces(p, booked).sum(axis=0) for p in range(self._pools.size.size)])

    def _own(self, pool: int, session: int, setpoints: Ints) -> Ints:
        """Return pieces that a session's connector takes with these set-points."""
        pools, connector = self._pools, int(self._problem.session_connector[session])
        booked = np.maximum(setpoints, self._problem.idle_floor_steps[connector])
        taken: Ints = -(-booked * pools.take[pool, connector] // pools.size[pool])
        return taken

    def _of(self, session: int) -> list[int]:
        return np.flatnonzero(self._pools.take[:, self._problem.session_connector[session]]).tolist()

    def room(self, session: int, window: slice, setpoints: Ints) -> Ints:
        """Return the largest set-points that the pieces left by others allow."""
        pools, connector = self._pools, int(self._problem.session_connector[session])
        room = np.full(setpoints.size, NOT_IN_ANY, dtype=np.int64)
        for pool in self._of(session):
            free = pools.count[pool] - self._used[pool, window] + self._own(pool, session, setpoints)
            room = np.minimum(room, np.maximum(free, 0) * pools.size[pool] // pools.take[pool, connector])
        return room

    def change(self, session: int, window: slice, before: Ints, after: Ints) -> None:
        """Take in new set-points of a session for its window."""
        for pool in self._of(session):
            self._used[pool, window] += self._own(pool, session, after) - self._own(pool, session, before)

    def fits(self) -> bool:
        """Tell whether no pool gives more pieces than it has."""
        return bool((self._used <= self._pools.count[:, None]).all())


def shrunk(problem: Problem, setpoints: Ints) -> Ints:
    """Return set-points with pieces handed back where a pool gives too many, the least filled piece first."""
    pools = pools_of(problem)
    for pool in range(pools.size.size):
        while True:
            taken = pools.pieces(pool, booked_steps(problem, setpoints))
            over = np.flatnonzero(taken.sum(axis=0) > pools.count[pool])
            if not over.size:
                break
            setpoints = _one_less(problem, setpoints, pool, over)
    return setpoints


def _one_less(problem: Problem, setpoints: Ints, pool: int, slots: Ints) -> Ints:
    """Return set-points with one piece less taken in each of these slots, where that costs least."""
    pools = pools_of(problem)
    own = pools.take[pool][problem.session_connector]
    members = np.flatnonzero(own > 0)
    take, steps = own[members, None], setpoints[np.ix_(members, slots)]
    lower = (-(-steps * take // pools.size[pool]) - 1) * pools.size[pool] // take
    floor = problem.idle_floor_steps[problem.session_connector[members], None]
    least = np.maximum(problem.min_steps[members, None], 1)
    lower = np.where(lower < np.maximum(least, floor), 0, lower)
    lost = np.where(steps > floor, (steps - lower) * problem.power_dw[members, None], np.iinfo(np.int64).max)
    chosen = lost.argmin(axis=0)
    result = setpoints.copy()
    result[members[chosen], slots] = lower[chosen, np.arange(slots.size)]
    return result


def late_raises(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> Bools:
    """Return (S, T) raises to be written late, so that no pool gives too much while set-points change.

    Before and after the edge the pieces fit, so they do while every connector that takes more waits.
    """
    pools, owner = pools_of(problem), problem.slot_owner
    found = np.zeros_like(late)
    booked = booked_steps(problem, setpoints)
    old, new = booked[:, :-1], booked[:, 1:]
    counted = np.where(_by_connector(problem, late)[:, 1:], np.minimum(old, new), np.maximum(old, new))
    counted = np.where(_by_connector(problem, early)[:, :-1], np.minimum(counted, new), counted)
    for pool in range(pools.size.size):
        over = pools.pieces(pool, counted).sum(axis=0) > pools.count[pool]
        connector, edge = np.nonzero((pools.take[pool] > 0)[:, None] & (new > old) & over)
        found[owner[connector, edge + 1], edge + 1] = True
    return found


def _by_connector(problem: Problem, flags: Bools) -> Bools:
    """Return (C, T) flags of sessions as those of their connectors."""
    result = np.zeros((len(problem.connector_ids), problem.slots), dtype=np.bool_)
    session, slot = np.nonzero(flags)
    result[problem.session_connector[session], slot] = True
    return result
