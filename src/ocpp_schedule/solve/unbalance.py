"""Differences between lines in plans: expected draws that have to balance (convention 14).

Other than with limits on loads, lowering a set-point can break such a limit: the lines that it was balanced against
are then too high. Plans are therefore shrunk again before they count (``families.Family.two_sided``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.pilots import lowered

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.problem.unbalance import Unbalance

NO_PART: int = 1 << 40
"""Room of a session that loads the lines of every pair alike."""
PREFERRED: int = 1 << 40
"""Above every set-point: sorts what can be lowered without switching off before what cannot."""


def present(problem: Problem) -> bool:
    """Tell whether the site limits differences between lines."""
    return problem.unbalance is not None


def unbalance_of(problem: Problem) -> Unbalance:
    """Return the limits of a site that has some."""
    assert problem.unbalance is not None  # noqa: S101 - families are asked only where they are present
    return problem.unbalance


class UnbalanceUse:
    """What charging differs by, circuit by circuit, pair by pair, slot by slot."""

    def __init__(self, problem: Problem, setpoints: Ints) -> None:
        self._limits = unbalance_of(problem)
        self._differs = self._limits.differences(setpoints)

    def room(self, session: int, window: slice, setpoints: Ints) -> Ints:
        """Return the largest set-points that keep every pair within its limits."""
        limits = self._limits
        room = np.full(setpoints.size, NO_PART, dtype=np.int64)
        for at in np.flatnonzero(limits.inside[:, session]).tolist():
            for pair, own in enumerate(limits.per_step[session].tolist()):
                others = self._differs[at, pair, window] - own * setpoints
                if own > 0:
                    room = np.minimum(room, (limits.high[at, pair, window] - others) // own)
                elif own < 0:
                    room = np.minimum(room, (others - limits.low[at, pair, window]) // -own)
        return np.maximum(room, 0)

    def change(self, session: int, window: slice, before: Ints, after: Ints) -> None:
        """Take in new set-points of a session for its window."""
        limits = self._limits
        more = limits.per_step[session][:, None] * (after - before)
        self._differs[limits.inside[:, session], :, window] += more

    def fits(self) -> bool:
        """Tell whether no pair differs by too much."""
        limits = self._limits
        return bool(((limits.low <= self._differs) & (self._differs <= limits.high)).all())


def shrunk(problem: Problem, setpoints: Ints) -> Ints:
    """Return set-points lowered on the lines that carry too much; the same array where none do."""
    limits = unbalance_of(problem)
    while True:
        differs = limits.differences(setpoints)
        excess = np.stack((differs - limits.high, limits.low - differs))
        places = np.argwhere((excess > 0).any(axis=3))
        if not places.size:
            return setpoints
        side, at, pair = places[0].tolist()
        slots = np.flatnonzero(excess[side, at, pair] > 0)
        own = limits.per_step[:, pair] * (-1 if side else 1)
        members = np.flatnonzero(limits.inside[at] & (own > 0))
        setpoints = _lower(problem, setpoints, members, slots, -(-excess[side, at, pair, slots] // own[members, None]))


def _lower(problem: Problem, setpoints: Ints, members: Ints, slots: Ints, need: Ints) -> Ints:
    """Return set-points with one session less in each of these slots, where that switches nobody off if it can be.

    A session whose pauses or on-times are limited gets nothing at all rather than a forbidden pause.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        members: (M,) sessions that may be lowered.
        slots: (L,) where one of them must be.
        need: (M, L) by how many steps, were it that one alone.
    """
    steps = setpoints[np.ix_(members, slots)]
    least = np.maximum(problem.min_steps[members, None], 1)
    spare = np.where(steps > 0, np.maximum(steps - least, 0), 0)
    bound = _bound(problem)[members, None]
    score = np.where(spare > 0, PREFERRED + spare, np.where(bound, -steps, PREFERRED - steps))
    chosen = np.where(steps > 0, score, -PREFERRED).argmax(axis=0)
    number = np.arange(slots.size)
    kept = np.where(spare > 0, np.maximum(steps - need, least), 0)[chosen, number]
    result = setpoints.copy()
    result[members[chosen], slots] = kept
    gone = members[chosen][(kept == 0) & bound[chosen, 0]]
    result[gone] = 0
    return lowered(result, problem.levels) if problem.levels else result


def _bound(problem: Problem) -> Bools:
    """Return (S,) which sessions may not pause as they like."""
    return np.zeros(problem.sessions, dtype=np.bool_) if problem.runs is None else problem.runs.flagged
