"""The best division of a window into few pieces of one set-point each, by dynamic programming (convention 24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints

NEVER = -np.inf


class Piece(NamedTuple):
    """Slots of a window that hold one set-point.

    Attributes:
        first, end: half-open range.
        low, high: what the set-point may be [steps]; equal where it is settled.
    """

    first: int
    end: int
    low: int
    high: int


class Side(NamedTuple):
    """What lies before or after a window.

    Attributes:
        match: the set-point with which the period goes on over the edge of the window; None: none does.
        cost: periods that any other one takes at this edge.
    """

    match: int | None
    cost: int


@dataclass(frozen=True, slots=True)
class Window:
    """The slots of a session.

    Attributes:
        room: (W,) largest set-points.
        low: smallest one above 0.
        on: (W,) which slots charge, where that is settled; None: it is not.
        left, right: what lies around.
        changes: most new periods from the left edge to the right one.
        levels: allowed set-points, 0 first; None: all.
        runs: most runs of slots that charge; None: any number.
    """

    room: Ints
    low: int
    on: Bools | None
    left: Side
    right: Side
    changes: int
    levels: Ints | None = None
    runs: int | None = None


def best_pieces(window: Window, gains: Floats) -> list[list[Piece]]:
    """Return for each of (P, W) gains per step the pieces that gain most, none where there are none.

    Slots in a row with the same room and the same gains are one: a cut between them gains nothing.
    """
    width = window.room.size
    cut = np.ones(width, dtype=np.bool_)
    cut[1:] = (np.diff(window.room) != 0) | (np.diff(gains / np.maximum(np.abs(gains).max(), 1e-300)) != 0).any(axis=0)
    if window.on is not None:
        cut[1:] |= window.on[1:] != window.on[:-1]
    return _divided(window, gains, np.append(np.flatnonzero(cut), width))


def _divided(window: Window, gains: Floats, starts: Ints) -> list[list[Piece]]:
    """As ``best_pieces``, with cuts at ``starts`` only; the last of them is the end of the window."""
    count = starts.size - 1
    sums = np.zeros((count + 1, gains.shape[0]))
    sums[1:] = np.cumsum(gains, axis=1)[:, starts[1:] - 1].T
    least = _lowest(window.room[starts[:-1]], window.levels)
    gain = sums[None, :, :] - sums[:, None, :]
    able, idle = _able(window, least, starts)
    high = least[:, :, None]
    charged = np.where(able[:, :, None], np.where(gain > 0, gain * high, gain * window.low), NEVER)
    resting = np.where(idle[:, :, None], np.zeros_like(gain), NEVER)
    kinds = _Kinds(
        np.stack((resting, charged)),
        np.stack(_matched(window.left.match, window, gain[0], able[0], idle[0], least[0])),
        np.stack(_matched(window.right.match, window, gain[:, -1], able[:, -1], idle[:, -1], least[:, -1])),
    )
    values, came = _values(kinds, window)
    return [_Path(window, starts, least, kinds.of(k), values[..., k], came[..., k]).pieces() for k in range(len(gains))]


class _Kinds(NamedTuple):
    """What pieces gain, first those at 0, then those that charge.

    Attributes:
        reward: (2, B + 1, B + 1, P) from a block to before another.
        first, last: (2, B + 1, P) that go on with what lies before and after the window.
    """

    reward: Floats
    first: Floats
    last: Floats

    def of(self, number: int) -> _Kinds:
        """Return the gains of one row."""
        return _Kinds(self.reward[..., number], self.first[..., number], self.last[..., number])


def _lowest(room: Ints, levels: Ints | None) -> Ints:
    """Return (B + 1, B + 1) the largest set-point of a piece from one block to another; 0 where there is none."""
    count = room.size
    least = np.zeros((count + 1, count + 1), dtype=np.int64)
    for block in range(count):
        least[block, block + 1 :] = np.minimum.accumulate(room[block:])
    return least if levels is None else levels[np.searchsorted(levels, least, side="right") - 1]


def _able(window: Window, least: Ints, starts: Ints) -> tuple[Bools, Bools]:
    """Return (B + 1, B + 1) whether a piece may charge, and whether it may be 0."""
    some = np.triu(np.ones(least.shape, dtype=np.bool_), 1)
    able, idle = some & (least >= window.low), some.copy()
    if window.on is not None:
        many = np.concatenate(([0], np.cumsum(window.on)))[starts]
        inside = many[None, :] - many[:, None]
        length = starts[None, :] - starts[:, None]
        able &= inside == length
        idle &= inside == 0
    return able, idle


def _matched(
    match: int | None, window: Window, gain: Floats, able: Bools, idle: Bools, least: Ints
) -> tuple[Floats, Floats]:
    """Return what pieces gain, at 0 and charging, that go on with what lies beyond the edge of the window."""
    never = np.full(gain.shape, NEVER)
    if match is None:
        return never, never
    if match == 0:
        return np.where(idle[:, None], np.zeros_like(gain), NEVER), never
    fits = able & (least >= match) & (match >= window.low)
    if window.levels is not None:
        fits &= bool(np.isin(match, window.levels))
    return never, np.where(fits[:, None], gain * match, NEVER)


def _values(kinds: _Kinds, window: Window) -> tuple[Floats, Ints]:
    """Return the most gained and where the last piece began.

    By changes so far, runs so far (one column where any number may be), whether the last piece charges, and its end.
    A beginning of -1 is that of a first piece which goes on with what lies before the window.
    """
    _, blocks, _, many = kinds.reward.shape
    counted = window.runs is not None
    columns = 1 if window.runs is None else window.runs + 1
    values = np.full((window.changes + 1, columns, 2, blocks, many), NEVER)
    came = np.zeros(values.shape, dtype=np.int64)
    for changes in range(window.changes + 1):
        for runs, on in ((runs, on) for runs in range(columns) for on in (0, 1)):
            here, origin = values[changes, runs, on], came[changes, runs, on]
            if runs == on * counted:
                if changes == 0:
                    here[:], origin[:] = kinds.first[on], -1
                if changes == window.left.cost:
                    _raise(here, origin, kinds.reward[on, 0], 0)
            if changes:
                before = _before(values[changes - 1], runs, on, counted=counted)
                further = before[:, None, :] + kinds.reward[on]
                best = further.argmax(axis=0)
                _raise(here, origin, np.take_along_axis(further, best[None], axis=0)[0], best)
    return values, came


def _before(values: Floats, runs: int, on: int, *, counted: bool) -> Floats:
    """Return the most gained before a piece: a run more begins where the last one was at 0."""
    fewer = runs - 1 if on and counted else runs
    before: Floats = values[runs, 1] if fewer < 0 else np.maximum(values[fewer, 0], values[runs, 1])
    return before


def _raise(here: Floats, origin: Ints, found: Floats, begin: Ints | int) -> None:
    better = found > here
    here[better] = found[better]
    origin[better] = np.broadcast_to(begin, found.shape)[better]


@dataclass(frozen=True, slots=True)
class _Path:
    """The tables of one gain, and the way back through them."""

    window: Window
    starts: Ints
    least: Ints
    kinds: _Kinds
    values: Floats
    came: Ints

    def pieces(self) -> list[Piece]:
        """Return the pieces of the best path; empty where none keeps to the number of changes."""
        window, end = self.window, self.starts.size - 1
        top = NEVER
        found: list[Piece] = []
        # The last piece is any one, or goes on with what lies after the window, or the only one goes on on both sides.
        for changes in range(window.changes - window.right.cost + 1):
            value = float(self.values[changes, :, :, end].max())
            if value > top:
                top, found = value, self._traced(changes, end, None)
        for on, changes in ((on, changes) for on in (0, 1) for changes in range(window.changes)):
            for runs in range(self.values.shape[1]):
                before = _before(self.values[changes], runs, on, counted=window.runs is not None)
                begin = int(np.argmax(before + self.kinds.last[on]))
                value = float(before[begin] + self.kinds.last[on, begin])
                if value > top:
                    top, found = value, [*self._traced(changes, begin, (runs, on)), self._matching(begin, end)]
        whole = self.kinds.last[:, 0].max()
        if window.left.match is not None and window.left.match == window.right.match and whole > top:
            return [self._matching(0, end)] if window.runs is None or window.runs or not window.left.match else found
        return found

    def _matching(self, begin: int, end: int) -> Piece:
        match = self.window.right.match or 0
        return Piece(int(self.starts[begin]), int(self.starts[end]), match, match)

    def _traced(self, changes: int, at: int, after: tuple[int, int] | None) -> list[Piece]:
        """Return the pieces up to a block; ``after`` are the runs and the kind of the piece that begins there."""
        counted = self.window.runs is not None
        if after is None:
            runs, on = divmod(int(self.values[changes, :, :, at].argmax()), 2)
        else:
            runs, on = self._previous(changes, at, *after, counted=counted)
        found: list[Piece] = []
        while True:
            start = int(self.came[changes, runs, on, at])
            if start < 0:
                match = self.window.left.match or 0
                found.append(Piece(0, int(self.starts[at]), match, match))
                break
            low, high = (self.window.low, int(self.least[start, at])) if on else (0, 0)
            found.append(Piece(int(self.starts[start]), int(self.starts[at]), low, high))
            if start == 0:
                break
            changes -= 1
            runs, on = self._previous(changes, start, runs, on, counted=counted)
            at = start
        return found[::-1]

    def _previous(self, changes: int, at: int, runs: int, on: int, *, counted: bool) -> tuple[int, int]:
        """Return runs and kind of the piece that ends at a block, before one that charges (``on``) or not."""
        fewer = runs - 1 if on and counted else runs
        idle = float(self.values[changes, fewer, 0, at]) if fewer >= 0 else NEVER
        return (fewer, 0) if idle >= float(self.values[changes, runs, 1, at]) else (runs, 1)
