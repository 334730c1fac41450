"""Opening hours, reservations, outages and derates as caps of set-points (convention 21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.model.availability import WEEK, Derate, OpeningHours, Reservation
from ocpp_schedule.problem.series import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from ocpp_schedule.model.availability import Availability, DailyHours
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.problem.arrays import Ints

DAY_S: Final = 86_400
LOOKAHEAD_S: Final = 7 * DAY_S
"""How far behind the grid availability is looked at; later a connector is taken for free (convention 21)."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a connector gives at most ``max_a``.

    Attributes:
        start_s, end_s: half-open, seconds since 1970.
        max_a: largest current per line [A]; 0: nothing.
        exempt: id of the session it does not hold for.
        name: for messages, e.g. ``station CP1 (outage)``.
    """

    start_s: int
    end_s: int
    max_a: float
    exempt: str | None
    name: str


def spells_by_connector(
    site: Site, availability: Sequence[Availability], start_s: int, end_s: int
) -> dict[str, list[Spell]]:
    """Return by connector id the spells that touch ``[start_s, end_s)``.

    Args:
        site: the topology, and the time zone of opening hours.
        availability: what holds when.
        start_s: start of the grid, seconds since 1970.
        end_s: end of the grid or of the last session, whichever is later.
    """
    found: dict[str, list[Spell]] = {}
    for restriction in availability:
        spells = list(_spells(restriction, site, start_s, end_s))
        for connector in site.connectors:
            if restriction.connector not in {None, connector.id} or restriction.station not in {
                None,
                connector.station,
            }:
                continue
            found.setdefault(connector.id, []).extend(spells)
    return {name: spells for name, spells in found.items() if spells}


def _spells(restriction: Availability, site: Site, start_s: int, end_s: int) -> Iterator[Spell]:
    if restriction.connector is not None:
        subject = f"connector {restriction.connector}"
    else:
        subject = f"site {site.id}" if restriction.station is None else f"station {restriction.station}"
    why = restriction.kind.replace("_", " ") + (f": {restriction.note}" if restriction.note else "")
    name = f"{subject} ({why})"
    if isinstance(restriction, OpeningHours):
        for first, last in _closed(restriction, ZoneInfo(site.time_zone), start_s, end_s):
            yield Spell(first, last, 0.0, None, name)
        return
    first, last = epoch_s(restriction.start), epoch_s(restriction.end)
    if first < end_s and last > start_s:
        max_a = restriction.max_current_a if isinstance(restriction, Derate) else 0.0
        yield Spell(first, last, max_a, restriction.session if isinstance(restriction, Reservation) else None, name)


def _closed(hours: OpeningHours, zone: ZoneInfo, start_s: int, end_s: int) -> list[tuple[int, int]]:
    """Return the runs of ``[start_s, end_s)`` in which the wall clock shows a time outside the hours.

    Between two instants of ``_marks`` neither the offset of the zone nor being open changes.
    """
    edges = _marks(hours, zone, start_s, end_s)
    runs: list[tuple[int, int]] = []
    for first, last in pairwise(edges):
        if is_open(hours, _wall(first, zone)):
            continue
        if runs and runs[-1][1] == first:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _wall(instant_s: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant_s, tz=zone)


def _offset_s(instant_s: int, zone: ZoneInfo) -> int:
    return (_wall(instant_s, zone).utcoffset() or timedelta()) // timedelta(seconds=1)


def _marks(hours: OpeningHours, zone: ZoneInfo, start_s: int, end_s: int) -> list[int]:
    """Return the edges of the span, the zone's changes within, and the instants at which something opens or closes."""
    changes = list(_changes(zone, start_s, end_s))
    offsets = {_offset_s(at, zone) for at in (start_s, *changes)}
    clocks = {0} | {_seconds(text) for one in hours.hours for text in (one.opens, one.closes)}
    marks = {start_s, end_s, *changes}
    for midnight in range(start_s - start_s % DAY_S - DAY_S, end_s + 2 * DAY_S, DAY_S):
        marks |= {midnight + clock - offset for clock in clocks for offset in offsets}
    return sorted(mark for mark in marks if start_s <= mark <= end_s)


def _changes(zone: ZoneInfo, start_s: int, end_s: int) -> Iterator[int]:
    """Yield the instants at which the zone's offset changes; there is at most one in a day."""
    for day in range(start_s, end_s, DAY_S):
        low, high = day, min(day + DAY_S, end_s)
        before = _offset_s(low, zone)
        if _offset_s(high, zone) == before:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset_s(middle, zone) == before else (low, middle)
        yield high


def _seconds(clock: str) -> int:
    return int(clock[:2]) * 3600 + int(clock[3:]) * 60


def is_open(hours: OpeningHours, wall: datetime) -> bool:
    """Tell whether the clock on the wall shows a time within the hours.

    >>> from datetime import UTC
    >>> from ocpp_schedule.model.availability import DailyHours
    >>> night = OpeningHours(hours=[DailyHours(days=["fri"], opens="22:00", closes="02:00")])
    >>> is_open(night, datetime(2026, 1, 17, 1, 59, tzinfo=UTC)), is_open(night, datetime(2026, 1, 17, 22, tzinfo=UTC))
    (True, False)
    """
    today = wall.date()
    if today in hours.closed_on:
        return False
    clock_s = wall.hour * 3600 + wall.minute * 60 + wall.second
    return any(_within(one, hours.closed_on, today, clock_s) for one in hours.hours)


def _within(one: DailyHours, closed_on: tuple[date, ...], today: date, clock_s: int) -> bool:
    opens, closes = _seconds(one.opens), _seconds(one.closes)
    if opens < closes:
        return WEEK[today.weekday()] in one.days and opens <= clock_s < closes
    if clock_s >= opens:
        return WEEK[today.weekday()] in one.days
    # The morning after; its evening must have opened.
    yesterday = today - timedelta(days=1)
    return clock_s < closes and WEEK[yesterday.weekday()] in one.days and yesterday not in closed_on


def touched_slots(spell: Spell, edges: Ints) -> slice:
    """Return the slots that a spell touches; a slot is only as free as its worst second."""
    first = int(np.searchsorted(edges, spell.start_s, side="right")) - 1
    return slice(max(first, 0), int(np.searchsorted(edges, spell.end_s, side="left")))


def seconds_lost(
    spells: Sequence[Spell], start_s: int, end_s: int, most: Callable[[float], int], full: int
) -> Iterator[tuple[int, int]]:
    """Yield (seconds, steps) by which a car gets less than ``full`` steps within ``[start_s, end_s)``, a week at most.

    Args:
        spells: those that hold for the car.
        start_s: seconds since 1970.
        end_s: the same.
        most: from a current per line [A] to the largest set-point [steps].
        full: the largest set-point otherwise.
    """
    end_s = min(end_s, start_s + LOOKAHEAD_S)
    if end_s <= start_s:  # a departure or milestone within the grid: nothing comes after it
        return
    inside = [spell for spell in spells if spell.start_s < end_s and spell.end_s > start_s]
    ends = [at for spell in inside for at in (spell.start_s, spell.end_s)]
    marks = sorted({start_s, end_s, *(at for at in ends if start_s < at < end_s)})
    for first, last in pairwise(marks):
        holding = [spell.max_a for spell in inside if spell.start_s <= first < spell.end_s]
        if holding:
            yield last - first, full - most(min(holding))
