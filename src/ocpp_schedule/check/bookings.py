"""The booked current of every row, in the slots and at the edges between them (convention 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.limits import UNLIMITED
from ocpp_schedule.check.quantities import exact_dtype
from ocpp_schedule.check.report import Alarm, RowUse, unit_of
from ocpp_schedule.units import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ocpp_schedule.check.guards import Guards
    from ocpp_schedule.check.limits import Limits
    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings, Kind
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.timegrid import TimeGrid

BLOCK_SLOTS: Final = 1024
"""Slots judged at once: a year of slots on hundreds of connectors would otherwise take gigabytes."""


@dataclass(frozen=True, slots=True)
class Bookings:
    """Set-points gathered per connector, in the order of the layout.

    Connectors without a session hold their idle floor throughout; they only add a constant to each row.

    Attributes:
        setpoints: (present, slots) steps of the sessions that have a slot, those of one connector together.
        load_units: (present, channels) load of one step [uA, mVA].
        cars: (present,) row of each in the solution.
        places: (present,) place of their connectors in the layout.
        starts: (busy,) first row of each connector in ``setpoints``.
        busy_of: (sessions,) the connector's place among the busy ones; -1 for sessions without a slot.
        inside: (connectors + 1,) number of busy connectors before each place of the layout's order.
        idle_units: (busy, channels) load of the idle floor [uA, mVA].
        still_units: (rows, channels) idle floors of the connectors without a session, summed [uA, mVA].
        floor_units: (rows, channels) idle floors of all connectors, summed: the unavoidable load [uA, mVA].
        wired: (rows, channels) bool, whether a connector below the row loads the channel.
        distinct: one of each set of channels on which every connector is booked alike.
        alike: (channels,) for each channel, its place in ``distinct``.
    """

    setpoints: npt.NDArray[Any]
    load_units: npt.NDArray[np.int64]
    cars: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    busy_of: npt.NDArray[np.int64]
    inside: npt.NDArray[np.int64]
    idle_units: npt.NDArray[np.int64]
    still_units: npt.NDArray[np.int64]
    floor_units: npt.NDArray[np.int64]
    wired: npt.NDArray[np.bool_]
    distinct: list[int]
    alike: list[int]

    def currents(self, first: int, end: int) -> npt.NDArray[Any]:
        """Return (busy, distinct channels, end - first) booked load of every busy connector [uA, mVA].

        A set-point counts on the lines of its car, the idle floor on every line of the connector.
        """
        drawn = self.setpoints[:, None, first:end] * self.load_units[:, self.distinct, None]
        if self.starts.size < drawn.shape[0]:  # the windows of one connector's sessions do not overlap
            drawn = np.add.reduceat(drawn, self.starts, axis=0)
        np.maximum(drawn, self.idle_units[:, self.distinct, None], out=drawn)
        return drawn


def book(setpoints: npt.NDArray[Any], cars: Cars, outlets: Outlets, layout: Layout) -> Bookings:
    """Gather (sessions, slots) set-points, 0 outside the windows, per connector."""
    rank = np.empty(layout.order.size, dtype=np.int64)
    rank[layout.order] = np.arange(layout.order.size)
    present = np.flatnonzero(cars.last > cars.first)
    present = present[np.argsort(rank[cars.outlet[present]], kind="stable")]
    ranks = rank[cars.outlet[present]]
    begins = np.ones(ranks.size, dtype=np.bool_)
    begins[1:] = ranks[1:] != ranks[:-1]
    starts = np.flatnonzero(begins)
    places = ranks[starts]
    busy = np.zeros(layout.order.size + 1, dtype=np.int64)
    busy[places + 1] = 1
    inside = np.cumsum(busy)
    busy_of = np.full(len(cars.ids), -1, dtype=np.int64)
    busy_of[present] = np.cumsum(begins) - 1
    idle = outlets.idle_units[layout.order]
    floor_units = layout.sums(idle)
    idle_busy = idle[places]
    distinct, alike = _alike(cars.load_units[present], idle_busy)
    return Bookings(
        setpoints=setpoints[present],
        load_units=cars.load_units[present],
        cars=present,
        places=ranks,
        starts=starts,
        busy_of=busy_of,
        inside=inside,
        idle_units=idle_busy,
        still_units=floor_units - layout.sums(idle_busy, inside),
        floor_units=floor_units,
        wired=layout.sums((outlets.unknown_units > 0)[layout.order].astype(np.int64)) > 0,
        distinct=distinct,
        alike=alike,
    )


def _alike(*columns: npt.NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return one of each set of equal columns, and for each column its place among them."""
    distinct: list[int] = []
    alike = []
    for line in range(columns[0].shape[1]):
        same = [k for k, other in enumerate(distinct) if all((c[:, line] == c[:, other]).all() for c in columns)]
        alike.append(same[0] if same else len(distinct))
        distinct += [] if same else [line]
    return distinct, alike


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything that judging the rows needs, and where the findings go.

    The first ``held_slots`` slots (none or one) are under way: what is drawn there is not for the plan to decide.
    ``due`` are steps that a session must be given whatever happens (stations that are never told 0).
    """

    bookings: Bookings
    layout: Layout
    limits: Limits
    late: Guards
    early: Guards
    ids: tuple[str, ...]
    findings: Findings
    alarms: dict[tuple[int, int], npt.NDArray[np.bool_]]
    held_slots: int = 0
    due: npt.NDArray[np.int64] | None = None


def safe_setpoints(setpoints: npt.NDArray[np.int64], cars: Cars, seconds_total: int) -> npt.NDArray[Any]:
    """Return the set-points in a type in which no sum of currents, energies or powers can overflow."""
    if not setpoints.size:
        return setpoints
    largest = max(int(setpoints.max()), -int(setpoints.min()), 1)
    per_step = max(int(cars.load_units.sum()), int(cars.draw.sum()) * seconds_total)
    return setpoints.astype(exact_dtype(largest * per_step), copy=False)


def judge_rows(rows: Rows, slots: int, guard_s: int) -> tuple[RowUse, ...]:
    """Judge every row in every slot and, with a guard, at every edge.

    Returns:
        how far each row is used.
    """
    most = _Most(rows.bookings.floor_units.size)
    for first in range(0, slots, BLOCK_SLOTS):
        _judge_block(rows, first, min(first + BLOCK_SLOTS, slots), most, edges=guard_s > 0)
    return most.uses(rows)


class _Most:
    """Keeps, per line of a row, the slot with the highest share of headroom in use."""

    def __init__(self, size: int) -> None:
        self._share = np.full(size, -np.inf)
        self._slot = np.zeros(size, dtype=np.int64)
        self._booked = np.zeros(size, dtype=object)
        self._room = np.zeros(size, dtype=np.int64)

    def look(self, first: int, booked: npt.NDArray[Any], room: npt.NDArray[np.int64]) -> None:
        """Take in a block of slots that starts at ``first``: booked load and headroom, each (rows, channels, slots)."""
        booked, room = booked.reshape(self._share.size, -1), room.reshape(self._share.size, -1)
        share = np.where(
            room > 0, booked.astype(np.float64) / np.maximum(room, 1), np.where(booked > room, np.inf, 0.0)
        )
        at = share.argmax(axis=1)
        every = np.arange(at.size)
        more = share[every, at] > self._share
        kept, slot = every[more], at[more]
        self._share[kept] = share[kept, slot]
        self._slot[kept] = first + slot
        self._booked[kept] = booked[kept, slot]
        self._room[kept] = room[kept, slot]

    def uses(self, rows: Rows) -> tuple[RowUse, ...]:
        """Return the result for the channels that are limited and that a connector below the row loads."""
        layout, slot, room = rows.layout, self._slot.tolist(), self._room.tolist()
        channels = rows.bookings.wired.shape[1]
        return tuple(
            RowUse(
                layout.nouns[at // channels],
                layout.subjects[at // channels],
                CHANNELS[at % channels],
                slot[at],
                int(booked),
                room[at],
            )
            for at, booked in enumerate(self._booked.tolist())
            if rows.bookings.wired[at // channels, at % channels] and room[at] < UNLIMITED // 2
        )


def _judge_block(rows: Rows, first: int, end: int, most: _Most, *, edges: bool) -> None:
    bookings, layout = rows.bookings, rows.layout
    from_slot = max(first - 1, 0)  # the edge at the start of the block needs the slot before
    current = bookings.currents(from_slot, end)
    room = rows.limits.headroom_in(from_slot, end)
    still, floor = bookings.still_units[:, :, None], bookings.floor_units[:, :, None]
    booked = layout.sums(current, bookings.inside)[:, bookings.alike] + still
    own = max(first, rows.held_slots) - from_slot
    if own >= end - from_slot:
        return
    most.look(from_slot + own, booked[:, :, own:], room[:, :, own:])
    over = booked > np.maximum(room, floor)
    over[:, :, :own] = False
    for line, row, slot in _by_line(over):
        allowed_units = max(room[row, line, slot], bookings.floor_units[row, line])
        _report(rows, "row", row, line, from_slot + slot, booked[row, line, slot], allowed_units)
    in_alarm = (room < floor)[:, :, own:]
    if in_alarm.any():
        for line in range(in_alarm.shape[1]):
            _note_alarms(rows, line, from_slot + own, in_alarm[:, line])
    if edges and end - from_slot > 1:
        changing = layout.sums(at_edges(rows, from_slot, current), bookings.inside)[:, bookings.alike] + still
        allowed = np.maximum(np.minimum(room[:, :, :-1], room[:, :, 1:]), floor)
        if from_slot < rows.held_slots:  # what is drawn already cannot be undone: it only must not get more
            allowed[:, :, 0] = np.maximum(allowed[:, :, 0], booked[:, :, 0])
        for line, row, edge in _by_line(changing > allowed):
            slot = from_slot + 1 + edge
            _report(rows, "edge", row, line, slot, changing[row, line, edge], allowed[row, line, edge])


def _by_line(wrong: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """Yield line, row and slot of what is set in (rows, channels, slots), channel by channel."""
    line, row, slot = np.nonzero(wrong.swapaxes(0, 1))
    yield from zip(line.tolist(), row.tolist(), slot.tolist(), strict=True)


def _report(rows: Rows, kind: Kind, row: int, line: int, slot: int, seen: int, allowed: int) -> None:
    noun, subject = rows.layout.nouns[row], rows.layout.subjects[row]
    rows.findings.add(kind, noun, subject, int(seen), int(allowed), unit=unit_of(line), line=line, slot=slot)


def at_edges(rows: Rows, first: int, current: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return (busy, distinct channels, slots - 1) what every connector counts with at the edges inside a block."""
    old, new = current[:, :, :-1], current[:, :, 1:]
    counted: npt.NDArray[Any] = np.maximum(old, new)
    busy_of, edges = rows.bookings.busy_of, counted.shape[2]
    late, early = rows.late, rows.early
    # Both at one edge (two cars in turn): the connector stands at its idle floor in between, which is the lower still.
    for guards, edge, side in ((late, late.slot - 1 - first, old), (early, early.slot - first, new)):
        here = (edge >= 0) & (edge < edges)
        at = (busy_of[guards.session[here]], slice(None), edge[here])
        counted[at] = np.minimum(counted[at], side[at])
    return counted


def _note_alarms(rows: Rows, line: int, first: int, in_alarm: npt.NDArray[np.bool_]) -> None:
    """Remember the slots in alarm, and report the sessions that are not 0 below."""
    bookings, layout = rows.bookings, rows.layout
    slots = bookings.setpoints.shape[1]
    for row in np.flatnonzero(in_alarm.any(axis=1)).tolist():
        mask = rows.alarms.setdefault((row, line), np.zeros(slots, dtype=np.bool_))
        mask[first : first + in_alarm.shape[1]] |= in_alarm[row]
        below = np.flatnonzero(layout.holds(row, bookings.places) & (bookings.load_units[:, line] > 0))
        due: Any = 0 if rows.due is None else rows.due[bookings.cars[below], None]
        drawing = (bookings.setpoints[below, first : first + in_alarm.shape[1]] > due) & in_alarm[row]
        for at, slot in zip(*(axis.tolist() for axis in np.nonzero(drawing)), strict=True):
            rows.findings.add(
                "alarm_draw",
                "session",
                rows.ids[bookings.cars[below[at]]],
                int(bookings.setpoints[below[at], first + slot]),
                0,
                unit="steps",
                detail=f"below {layout.nouns[row]} {layout.subjects[row]!r}, which is in alarm",
                line=line,
                slot=first + slot,
            )


def alarms_of(rows: Rows, grid: TimeGrid) -> tuple[Alarm, ...]:
    """Return the remembered alarms, each run of slots as one, in the order of the rows."""
    return tuple(
        _alarm(rows, grid, row, line, first, end)
        for (row, line), mask in sorted(rows.alarms.items())
        for first, end in np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2).tolist()
    )


def _alarm(rows: Rows, grid: TimeGrid, row: int, line: int, first: int, end: int) -> Alarm:
    varying = rows.limits.headroom.get(row)
    worst = first if varying is None else first + int(varying[line, first:end].argmin())
    limit, base = rows.limits.at(row, line, worst)
    return Alarm(
        noun=rows.layout.nouns[row],
        subject=rows.layout.subjects[row],
        line=CHANNELS[line],
        first_slot=first,
        end_slot=end,
        start=grid.edge(first),
        end=grid.edge(end),
        base_units=base,
        floor_units=rows.limits.weighed(row, int(rows.bookings.floor_units[row, line])),
        limit_units=limit,
    )
