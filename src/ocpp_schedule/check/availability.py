"""What availability leaves to each car, looked up minute by minute on the clock on the wall (convention 21)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.model.availability import Availability, OpeningHours
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.timegrid import TimeGrid

_MINUTE: Final = timedelta(minutes=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_LOOKAHEAD: Final = timedelta(days=7)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Masks:
    """The restrictions of a site, asked for spans of time.

    Args:
        site: whose time zone opening hours are in.
        availability: what holds when.
        cars: the sessions.
        most: from a session's index and a current per line [A] to its largest set-point [steps].
    """

    def __init__(
        self, site: Site, availability: Sequence[Availability], cars: Cars, most: Callable[[int, float], int]
    ) -> None:
        self._zone = ZoneInfo(site.time_zone)
        self._cars = cars
        self._most = most
        station = {connector.id: connector.station for connector in site.connectors}
        self._mine = [
            [rule for rule in availability if _concerns(rule, car.id, car.connector, station[car.connector])]
            for car in cars.models
        ]
        self._shut: dict[tuple[int, datetime], bool] = {}

    def caps(self, grid: TimeGrid) -> npt.NDArray[np.int64]:
        """Return (sessions, slots) largest set-points; the car's own maximum where nothing holds."""
        maximum = np.where(self._cars.minimum <= self._cars.maximum, self._cars.maximum, 0)
        caps = np.repeat(maximum[:, None], grid.slots, axis=1)
        for at, rules in enumerate(self._mine):
            for slot in range(int(self._cars.first[at]), int(self._cars.last[at]) if rules else 0):
                lowest = self._lowest(rules, grid.edge(slot), grid.edge(slot + 1))
                if lowest is not None:
                    caps[at, slot] = min(caps[at, slot], self._most(at, lowest))
        return caps

    def lost(self, at: int, start: datetime, end: datetime) -> int:
        """Return what a car cannot take between two instants [0.1 J x 10^6], its maximum being the measure.

        Availability more than a week after ``start`` is not looked at.
        """
        end = min(end, start + _LOOKAHEAD)
        rules = self._mine[at]
        if not rules or end <= start:
            return 0
        full = int(self._cars.maximum[at]) if self._cars.minimum[at] <= self._cars.maximum[at] else 0
        power = int(self._cars.power[at])
        cuts = {start, end}
        for rule in rules:
            if rule.kind == "opening_hours":
                minute = start.replace(second=0, microsecond=0) + _MINUTE
                while minute < end:
                    cuts.add(minute)
                    minute += _MINUTE
            else:
                cuts |= {edge for edge in (rule.start, rule.end) if start < edge < end}
        order = sorted(cuts)
        total = 0
        for first, last in pairwise(order):
            lowest = self._lowest(rules, first, last)
            if lowest is not None:
                total += (full - min(full, self._most(at, lowest))) * power * ((last - first) // _MICROSECOND)
        return total

    def _lowest(self, rules: list[Availability], start: datetime, end: datetime) -> float | None:
        """Return the lowest current that a span is allowed [A]; None where nothing holds."""
        found = []
        for rule in rules:
            if rule.kind == "opening_hours":
                if any(self._is_shut(rule, minute) for minute in _minutes(start, end)):
                    found.append(0.0)
            elif rule.start < end and rule.end > start:
                found.append(rule.max_current_a if rule.kind == "derate" else 0.0)
        return min(found, default=None)

    def _is_shut(self, rule: OpeningHours, minute: datetime) -> bool:
        key = (id(rule), minute)
        if key not in self._shut:
            self._shut[key] = not _open_at(rule, minute.astimezone(self._zone))
        return self._shut[key]


def _concerns(rule: Availability, session: str, connector: str, station: str) -> bool:
    if rule.kind == "reservation" and rule.session == session:
        return False
    if rule.connector is not None:
        return rule.connector == connector
    return rule.station is None or rule.station == station


def _minutes(start: datetime, end: datetime) -> list[datetime]:
    """Return the minutes that a span touches, by their beginnings; the wall clock changes with whole minutes."""
    first = start.replace(second=0, microsecond=0)
    count = -(-(end - first) // _MINUTE)
    return [first + k * _MINUTE for k in range(count)]


def _open_at(rule: OpeningHours, wall: datetime) -> bool:
    now, today = wall.strftime("%H:%M"), wall.date()
    before = today - timedelta(days=1)
    if today in rule.closed_on:
        return False
    for hours in rule.hours:
        overnight = hours.closes <= hours.opens
        starts_today = _DAYS[today.weekday()] in hours.days
        if starts_today and hours.opens <= now and (overnight or now < hours.closes):
            return True
        if overnight and now < hours.closes and _DAYS[before.weekday()] in hours.days and before not in rule.closed_on:
            return True
    return False
