"""What each message has to wait for: as little as is safe in any order (convention 25).

A message that raises needs room in some cells of the rows above it. It gets it from what is free, and from what other
messages leave when they are acknowledged; every part of that is given away once. Where more is booked at the beginning
than is allowed, it also waits until that is made up for by parts that nobody is given. So whatever is sent early, late
or never, the booked sums fit: they are what was booked, less all that was left, plus what was given of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.delivery.chains import Ints
    from ocpp_schedule.delivery.sequence import Room, Sent

FEW: Final = 64
"""Messages of which the fewest are looked for; of more, those that leave most are taken."""


def waits(order: Sequence[Sent], room: Room) -> list[list[int]]:
    """Return for each message of an order the ones before it that must be acknowledged first.

    Args:
        order: safe when each is acknowledged before the next is sent.
        room: what rows had left before any of them.
    """
    # A connector that takes again what it left itself need not wait for others; where that leaves too little to make
    # up for what is booked beyond a limit, the first messages of the order do that.
    found = _Book(order, room, own_first=True).all()
    if found is None:
        found = _Book(order, room, own_first=False).all()
    return found or [[] for _ in order]


class _Supply:
    """What messages below one row leave to it.

    Attributes:
        sent: (S,) their places in the order.
        index: from place to row of ``free``.
        free: (S, H * J) what nobody has been given.
        kept: (S, H * J) set aside to make up for what is booked beyond the limit.
    """

    def __init__(self, sent: list[int], free: Ints) -> None:
        self.sent = np.array(sent, dtype=np.int64)
        self.index = {at: k for k, at in enumerate(sent)}
        self.free = free
        self.kept = np.zeros((1, 1), dtype=np.int64)
        self.sums: Ints | None = None
        self.ranked = np.zeros(0, dtype=np.int64)

    def keep(self, beyond: Ints) -> None:
        """Set aside what makes up for (H * J) what is booked beyond the limit, the earliest first."""
        before = np.cumsum(self.free, axis=0) - self.free
        self.kept = np.clip(beyond[None] - before, 0, self.free)
        self.free = self.free - self.kept

    def covering(self, beyond: Ints, cells: Ints, *, use_kept: bool) -> set[int] | None:
        """Return the messages that leave most, as many as make up for what is beyond the limit in some cells.

        The order is one for all who ask, so that many wait for the same.
        """
        if self.sums is None:
            free = self.free + self.kept if use_kept else self.free
            useful = np.minimum(free, beyond).sum(axis=1)
            self.ranked = np.argsort(-useful, kind="stable")
            self.sums = np.cumsum(free[self.ranked], axis=0)
        enough = self.sums[:, cells] >= beyond[cells]
        if not enough[-1].all():
            return None
        count = int(np.argmax(enough, axis=0).max()) + 1
        return set(self.sent[self.ranked[:count]].tolist())

    def take(self, ranked: Iterable[int], cells: Ints, short: Ints, used: set[int]) -> tuple[set[int], Ints]:
        """Take what is short in some cells from messages in the order given; return who gave, and what is missing.

        Whoever can be done without is, the last ones first, unless it is waited for anyway.
        """
        rows = [self.index[at] for at in ranked if at in self.index]
        if not rows:
            return set(), short
        offered = self.free[np.ix_(np.array(rows, dtype=np.int64), cells)]
        kept = _enough(offered, short, [int(self.sent[k]) in used for k in rows])
        gave, left = set(), short.copy()
        for k in kept:
            part = np.minimum(offered[k], left)
            if part.any():
                self.free[rows[k], cells] -= part
                left -= part
                gave.add(int(self.sent[rows[k]]))
        return gave, left


def _enough(offered: Ints, short: Ints, used: list[bool]) -> list[int]:
    """Return which offers together are enough: the first ones, less those that can be done without."""
    sums = np.cumsum(offered, axis=0)
    full = (sums >= short).all(axis=1)
    count = int(np.argmax(full)) + 1 if full.any() else len(offered)
    kept, total = list(range(count)), sums[count - 1]
    for k in reversed(range(count if count <= FEW else 0)):
        if not used[k] and (total - offered[k] >= np.minimum(short, sums[-1])).all():
            total = total - offered[k]
            kept.remove(k)
    return kept


class _Book:
    """Gives away what messages leave."""

    def __init__(self, order: Sequence[Sent], room: Room, *, own_first: bool) -> None:
        self.order, self.room, self.own_first = order, room, own_first
        self.frees = [one.effect.frees for one in order]
        left = room.left.reshape(len(room.left), -1)
        self.slack, self.beyond = np.maximum(left, 0), np.maximum(-left, 0)
        self.supplies = self._supplies()
        if not own_first:
            for row, supply in self.supplies.items():
                if self.beyond[row].any():
                    supply.keep(self.beyond[row])

    def _supplies(self) -> dict[int, _Supply]:
        below: dict[int, list[int]] = {}
        for place, one in enumerate(self.order):
            if self.frees[place]:
                for row in self.room.of(one.chain).tolist():
                    below.setdefault(row, []).append(place)
        needy = {row for one in self.order if one.effect.raises for row in self.room.of(one.chain).tolist()}
        return {
            row: _Supply(places, np.stack([self.order[at].effect.release.reshape(-1) for at in places]))
            for row, places in below.items()
            if row in needy
        }

    def all(self) -> list[list[int]] | None:
        """Return what each message waits for; None where what is booked beyond a limit cannot be made up for."""
        mates: dict[int, list[int]] = {}
        before: list[list[int]] = []
        for place, one in enumerate(self.order):
            own = mates.setdefault(id(one.chain), [])
            before.append(list(own))
            own.append(place)
        needed: list[set[int]] = []
        for place, one in enumerate(self.order):
            needed.append(self._given(place, before) | set(_first(one, before[place], self.order)))
        for place, one in enumerate(self.order):
            if one.effect.raises:
                made_up = self._made_up(place, self._whole(needed[place], before))
                if made_up is None:
                    return None
                needed[place] |= made_up
        return [sorted(self._whole(found, before)) for found in needed]

    def _whole(self, places: set[int], before: list[list[int]]) -> set[int]:
        """Return places with those before them on their connectors: only then what they leave is certain."""
        return places.union(*(before[at] for at in places if self.frees[at]))

    def _given(self, place: int, before: list[list[int]]) -> set[int]:
        """Give a raise what it needs; return from whom."""
        one = self.order[place]
        need = one.effect.need.reshape(-1)
        cells = np.flatnonzero(need)
        used: set[int] = set()
        missing: list[tuple[int, Ints]] = []
        for row in self.room.of(one.chain).tolist() if cells.size else ():
            short = need[cells]
            supply = self.supplies.get(row)
            if supply is not None and self.own_first:
                gave, short = supply.take(before[place], cells, short, used)
                used |= gave
            free = np.minimum(self.slack[row, cells], short)
            self.slack[row, cells] -= free
            if supply is not None and (short > free).any():
                missing.append((row, short - free))
        if not missing:
            return used
        worth: dict[int, int] = {}
        for row, short in missing:
            supply = self.supplies[row]
            count = int(np.searchsorted(supply.sent, place))
            gives = np.minimum(supply.free[:count, cells], short).sum(axis=1)
            for at, value in zip(supply.sent[:count].tolist(), gives.tolist(), strict=True):
                if value:
                    worth[at] = worth.get(at, 0) + value
        for row, short in missing:
            ranked = sorted(worth, key=lambda at: (at not in used, -worth[at], at))
            used |= self.supplies[row].take(ranked, cells, short, used)[0]
        return used

    def _made_up(self, place: int, used: set[int]) -> set[int] | None:
        """Return who besides makes up for what is booked beyond the limits where a message raises; None: nobody can."""
        one = self.order[place]
        cells = np.flatnonzero(one.effect.need)
        found: set[int] = set()
        for row in self.room.of(one.chain).tolist():
            short = self.beyond[row, cells]
            if not short.any():
                continue
            supply = self.supplies.get(row)
            more = (
                None if supply is None else self._cover(supply, place, self.beyond[row], cells[short > 0], used | found)
            )
            if more is None:
                return None
            found |= more
        return found

    def _cover(self, supply: _Supply, place: int, beyond: Ints, cells: Ints, used: set[int]) -> set[int] | None:
        short = beyond[cells]
        count = int(np.searchsorted(supply.sent, place))
        if count > FEW:
            shared = supply.covering(beyond, cells, use_kept=not self.own_first)
            if shared is not None and max(shared, default=-1) < place:
                return shared - used
        offered = supply.free[:count, cells]
        if not self.own_first:
            offered = offered + supply.kept[:count, cells]
        known = np.array([at in used for at in supply.sent[:count].tolist()], dtype=np.bool_)
        rest = short - offered[known].sum(axis=0)
        if (rest <= 0).all():
            return set()
        others = np.flatnonzero(~known)
        gives = np.minimum(offered[others], np.maximum(rest, 0))
        ranked = others[np.argsort(-gives.sum(axis=1), kind="stable")]
        if not ranked.size or (offered[ranked].sum(axis=0) < rest).any():
            return None
        kept = _enough(offered[ranked], rest, [False] * len(ranked))
        return {int(supply.sent[ranked[k]]) for k in kept}


def _first(one: Sent, mates: list[int], order: Sequence[Sent]) -> list[int]:
    """Return the messages of the same connector that come first in any case.

    Those that raise go one after the other; a message waits for its own lowering part and for the profile without
    which the outlet is unbounded; what is removed goes last.
    """
    if one.step.kind == "clear":
        return mates
    return [
        at
        for at in mates
        if order[at].step.place == one.step.place
        or (order[at].effect.raises and (one.effect.raises or one.effect.leans))
        or (order[at].step.bottom and one.effect.raises)
    ]
