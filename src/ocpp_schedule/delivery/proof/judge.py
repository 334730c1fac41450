"""The rows under every variant: loads of all chargers against what each row allows at each instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ocpp_schedule.check.limits import UNLIMITED
from ocpp_schedule.delivery.proof.loads import NOBODY, widest
from ocpp_schedule.units import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocpp_schedule.check.limits import Limits
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.delivery.proof.loads import Sampler
    from ocpp_schedule.delivery.proof.report import VariantName
    from ocpp_schedule.delivery.proof.wires import Wires
    from ocpp_schedule.profiles.periods import Bools, Ints


BLOCK: Final = 6_000_000
"""Numbers held at once: a year of slots on hundreds of connectors would otherwise take gigabytes."""


class Clocks(NamedTuple):
    """How far a charger's clock may be off, and how long a limit takes to act, by connector [s].

    Attributes:
        ahead: it may do so much early what its profiles say.
        behind: it may do so much late what its profiles say.
    """

    ahead: Ints
    behind: Ints


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the rows allow over time.

    Attributes:
        layout: the rows.
        limits: what they allow in each slot.
        floor_units: (rows, channels) idle floors, allowed in any case: an alarm nothing could lower (convention 4).
        edges_s: (slots + 1,) edges since 1970.
        guard_s: so long after the grid a row allows what it did in the last slot (convention 13).
        held_units: (rows, channels) what is drawn in a slot under way, which cannot be undone; None: there is none.
        wires: conductors, which stand behind the rows as further ones, on channel 0.
    """

    layout: Layout
    limits: Limits
    floor_units: Ints
    edges_s: Ints
    guard_s: int
    held_units: Ints | None
    wires: Wires

    @property
    def from_s(self) -> int:
        """When the rows are judged from: the start of the grid, or the end of a slot under way."""
        return int(self.edges_s[0 if self.held_units is None else 1])

    def at(self, times_s: Ints) -> Ints:
        """Return (rows, channels, times) what the rows allow [uA, mVA]."""
        slots = len(self.edges_s) - 1
        slot = np.clip(np.searchsorted(self.edges_s, times_s, side="right") - 1, 0, slots - 1)
        low = int(slot.min())
        room = self.limits.headroom_in(low, int(slot.max()) + 1)[:, :, slot - low]
        after = times_s >= self.edges_s[-1] + self.guard_s
        if after.any():
            room[:, :, after] = self.limits.tightest()[:, :, None]
        near = times_s < self.edges_s[1] + self.guard_s
        if self.held_units is not None:
            room[:, :, near] = np.maximum(room[:, :, near], self.held_units[:, :, None])
        room = np.maximum(room, self.floor_units[:, :, None])
        return self.with_wires(room, self.wires.room(slot, after, near), UNLIMITED)

    def seen(self, loads: Ints, room: Ints) -> Ints:
        """Return (rows, channels, times) what connectors put on the rows."""
        rows = self.layout.sums(loads[self.layout.order])
        return self.with_wires(rows, self.wires.seen(loads, room[len(rows) :, 0]), 0)

    def with_wires(self, rows: Ints, wires: Ints, elsewhere: int) -> Ints:
        """Return rows with the conductors behind them."""
        if not self.wires.conductors:
            return rows
        more = np.full((len(wires), *rows.shape[1:]), elsewhere, dtype=np.int64)
        more[:, 0] = wires
        return np.concatenate((rows, more))

    def below(self, row: int, channel: int, loads: Ints) -> tuple[Ints, Ints]:
        """Return the connectors below a row, and (connectors, times) what they put on it."""
        rows = len(self.layout.subjects)
        if row >= rows:
            return self.wires.drawn(row - rows, loads)
        own = self.layout.order[self.layout.holds(row, np.arange(self.layout.order.size))]
        return own, loads[own, channel]

    def named(self, row: int, channel: int) -> tuple[str, str, str]:
        """Return what a row is, its id, and the line."""
        rows = len(self.layout.subjects)
        if row < rows:
            return self.layout.nouns[row], self.layout.subjects[row], CHANNELS[channel]
        one = self.wires.conductors[row - rows]
        return one.noun, one.subject, "all" if one.line is None else CHANNELS[one.line]


class Cell(NamedTuple):
    """A place at which a row is exceeded: row, channel, instant since 1970, load and allowance [uA, mVA]."""

    row: int
    channel: int
    at_s: int
    seen: int
    allowed: int


@dataclass(slots=True)
class Result:
    """What was found.

    Attributes:
        share: by variant, the largest part of an allowance in use.
        failed: variants in which a row is exceeded.
        breaches: by row, channel and variant, the first place at which the chargers exceed it as they are told.
        guilty: by variant, connectors that then draw more than they are told where a row is exceeded.
        moving: connectors that draw something in a breach.
    """

    share: dict[VariantName, float] = field(default_factory=dict)
    failed: set[VariantName] = field(default_factory=set)
    breaches: dict[tuple[int, int, VariantName], Cell] = field(default_factory=dict)
    guilty: dict[VariantName, set[int]] = field(default_factory=dict)
    moving: dict[VariantName, set[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit on all connectors of a station together, outside profiles.

    Attributes:
        connectors: which.
        units: (channels,) what they draw at most [uA, mVA].
        lost: variants in which it is gone.
    """

    connectors: Ints
    units: Ints
    lost: frozenset[VariantName]


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that judging the rows needs.

    Attributes:
        sampler: loads of the curves.
        allowed: what the rows allow.
        clocks: of the chargers.
        places_s: sorted instants of charger time between which no curve changes.
        told: (C,) curve of each connector with all its profiles.
        untold: (C,) the same without TxProfiles.
        running: (sessions,) whether the session's transaction runs.
        variants: by name, (C,) arrays of curves; a charger may be on any of them.
        bounds: of whole stations.
    """

    sampler: Sampler
    allowed: Allowed
    clocks: Clocks
    places_s: Ints
    told: Ints
    untold: Ints
    running: Bools
    variants: Mapping[VariantName, tuple[Ints, ...]]
    bounds: tuple[Bound, ...]

    def run(self, only: Iterable[VariantName] | None = None) -> Result:
        """Judge every row at every instant in every variant, or in some."""
        result = Result()
        names = list(self.variants if only is None else only)
        times = self._times()
        curves, channels = len(self.sampler.connector), self.allowed.floor_units.shape[1]
        size = max(1, BLOCK // (max(curves, 1) * channels))
        for first in range(0, len(times), size):
            self._block(times[first : first + size], names, result)
        return result

    def _times(self) -> Ints:
        """Return the instants of true time between which no load and no allowance changes."""
        places, allowed = self.places_s, self.allowed
        found = [allowed.edges_s, np.array([allowed.edges_s[-1] + allowed.guard_s])]
        if allowed.held_units is not None:
            found.append(np.array([allowed.edges_s[1] + allowed.guard_s]))
        found.append(places)
        found += [places - ahead for ahead in np.unique(self.clocks.ahead).tolist()]
        found += [places + behind for behind in np.unique(self.clocks.behind).tolist()]
        every = np.unique(np.concatenate(found))
        return every[every >= allowed.from_s]

    def _block(self, times: Ints, names: list[VariantName], result: Result) -> None:
        room = self.allowed.at(times)
        exact, told, wide = self._loads(times)
        self._as_told(times, exact, told, room, result)
        worst = told.copy()
        drawn: dict[VariantName, Ints] = {}
        for name in names:
            own = self.bounded(name, np.maximum.reduce([wide[curves] for curves in self.variants[name]]))
            self._look(name, own, room, result)
            np.maximum(worst, own, out=worst)
            drawn[name] = own
        over = self._look("any of these", worst, room, result)
        if over.any():
            self._blame(over, told, drawn, result)

    def _loads(self, times: Ints) -> tuple[Ints, Ints, Ints]:
        """Return (C, channels, times) loads as told with exact clocks and with clocks off, and those of all curves."""
        connector, places = self.sampler.connector, self.places_s
        ahead, behind = self.clocks
        low = np.searchsorted(places, times[0] - behind.max(initial=0), side="right") - 1
        high = np.searchsorted(places, times[-1] + ahead.max(initial=0), side="right")
        here = places[low:high]
        loads = self.sampler.loads(here)
        as_told = self._told(here, loads)
        exact = as_told[:, :, np.searchsorted(here, times, side="right") - 1]
        wide = np.empty((*loads.shape[:2], len(times)), dtype=np.int64)
        told = np.empty((*as_told.shape[:2], len(times)), dtype=np.int64)
        for early, late in set(zip(ahead.tolist(), behind.tolist(), strict=True)):
            first = np.searchsorted(here, times - late, side="right") - 1
            last = np.searchsorted(here, times + early, side="right") - 1
            mine = (ahead == early) & (behind == late)
            wide[mine[connector]] = widest(loads[mine[connector]], first, last)
            told[mine] = widest(as_told[mine], first, last)
        return self.bounded("as planned", exact), self.bounded("clocks off", told), wide

    def _told(self, times: Ints, loads: Ints) -> Ints:
        """Return (C, channels, times) loads with all profiles; a coming session finds the TxProfile before it gone."""
        car = self.sampler.owners.at(times)
        if not self.running.size:
            return loads[self.told]
        coming = (car != NOBODY) & ~self.running[np.maximum(car, 0)]
        return np.where(coming[:, None, :], loads[self.untold], loads[self.told])

    def bounded(self, name: VariantName, loads: Ints) -> Ints:
        """Return loads under the bounds of whole stations; what a station draws stands at its first connector."""
        for bound in self.bounds:
            if name not in bound.lost:
                total = np.minimum(loads[bound.connectors].sum(axis=0), bound.units[:, None])
                loads[bound.connectors] = 0
                loads[bound.connectors[0]] = total
        return loads

    def _look(self, name: VariantName, loads: Ints, room: Ints, result: Result) -> Bools:
        """Note how far the rows are used; return (rows, channels, times) where they are exceeded."""
        seen = self.allowed.seen(loads, room)
        over = seen > room
        limited = room < UNLIMITED // 2
        share = np.where(limited & (seen > 0), seen / np.maximum(room, 1), 0.0)
        share[over & (room <= 0)] = np.inf
        result.share[name] = max(result.share.get(name, 0.0), float(share.max(initial=0.0)))
        if over.any():
            result.failed.add(name)
        return over

    def _as_told(self, times: Ints, exact: Ints, told: Ints, room: Ints, result: Result) -> None:
        """Judge what the profiles say themselves, with exact clocks, with clocks off, and after the grid."""
        self._breached("as planned", times, exact, np.zeros_like(exact), room, result)
        self._breached("clocks off", times, told, exact, room, result)
        end = times >= self.allowed.edges_s[-1]
        if end.any():
            self._look("after the end", told[:, :, end], room[:, :, end], result)

    def _breached(self, name: VariantName, times: Ints, loads: Ints, before: Ints, room: Ints, result: Result) -> None:
        """Note where the chargers exceed a row as they are told, and which of them draw more than ``before``."""
        over = self._look(name, loads, room, result)
        if not over.any():
            return
        seen = self.allowed.seen(loads, room)
        for row, channel in np.argwhere(over.any(axis=2)).tolist():
            here = over[row, channel]
            at = int(here.argmax())
            cell = Cell(row, channel, int(times[at]), int(seen[row, channel, at]), int(room[row, channel, at]))
            result.breaches.setdefault((row, channel, name), cell)
            below, drawn = self.allowed.below(row, channel, loads)
            drawn = drawn[:, here]
            more = drawn > self.allowed.below(row, channel, before)[1][:, here]
            who = more if more.any() else drawn > 0
            result.moving.setdefault(name, set()).update(below[who.any(axis=1)].tolist())

    def _blame(self, over: Bools, told: Ints, drawn: Mapping[VariantName, Ints], result: Result) -> None:
        """Name the connectors that draw more than they are told where a row is exceeded."""
        for row, channel in np.argwhere(over.any(axis=2)).tolist():
            here = over[row, channel]
            below, limit = self.allowed.below(row, channel, told)
            for name, loads in drawn.items():
                more = (self.allowed.below(row, channel, loads)[1] > limit)[:, here].any(axis=1)
                if more.any():
                    result.guilty.setdefault(name, set()).update(below[more].tolist())
