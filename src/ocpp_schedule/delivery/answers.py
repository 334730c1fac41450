"""Reading what a station says about its composite schedule, however defective: findings instead of exceptions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocpp_schedule.profiles.composite import CompositePeriod
from ocpp_schedule.profiles.moment import read_moment
from ocpp_schedule.wire._values import Unreadable, read_integer, read_number, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PERIODS: Final = 10_000
"""OCPP 2.x allows 1024; what is beyond this is no schedule."""
MAX_FINDINGS: Final = 100
MAX_NUMBER_TEXT: Final = 40
MAX_PHASES: Final = 3
QUARTER_S: Final = 900
"""Zones differ from UTC by whole quarters of an hour."""
FARTHEST_ZONE_S: Final = 14 * 3600
NO_LIMIT: Final = -1
"""MicroOcpp writes -1 where nothing limits, for the phases too."""


class Finding(NamedTuple):
    """One thing that is odd about an answer.

    Attributes:
        code: a fixed word, e.g. ``local_time_tagged_z``.
        where: the field, as it stands in the answer.
        text: what was seen, and how it was taken.
    """

    code: str
    where: str
    text: str


class Answer(NamedTuple):
    """A composite schedule as it was understood.

    Attributes:
        status: the station's word; ``""`` where it gave none.
        start_s: its own start [s since 1970]; None where it names none that can be read.
        duration_s: how far it says it speaks; None where it does not say.
        unit: ``"A"``, ``"W"``, or None.
        periods: sorted, the first at 0 unless the answer starts later; limits in ``unit``, None: no limit.
    """

    status: str
    start_s: int | None
    duration_s: int | None
    unit: str | None
    periods: tuple[CompositePeriod, ...]


class Findings:
    """Collects what is odd, up to a bound."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, code: str, where: str, text: str) -> None:
        """Note one thing."""
        if len(self.found) < MAX_FINDINGS:
            self.found.append(Finding(code, where, text))


def read_answer(payload: object, version: str, asked_s: int, found: Findings) -> Answer:
    """Return what a GetCompositeSchedule answer says; nothing raises.

    Args:
        payload: of the answer, decoded from JSON.
        version: OCPP version.
        asked_s: how far was asked for; later periods are garbage.
        found: takes what is odd.
    """
    if type(payload) is not dict:
        found.add("unreadable", "answer", f"{shown(payload)} is no object")
        return Answer("", None, None, None, ())
    status = payload.get("status")
    if type(status) is not str or not status:
        found.add("no_status", "status", f"{shown(status)} is no status")
        status = ""
    name = "chargingSchedule" if version == "1.6" else "schedule"
    body = payload.get(name)
    if type(body) is not dict:
        if body is not None:
            found.add("unreadable", name, f"{shown(body)} is no object")
        return Answer(status[:MAX_NUMBER_TEXT], None, None, None, ())
    start_s = _start_s(payload, body, version, found)
    duration = _duration_s(body, name, found)
    unit = body.get("chargingRateUnit")
    if not isinstance(unit, str) or unit not in {"A", "W"}:
        found.add("no_unit", f"{name}.chargingRateUnit", f"{shown(unit)} is neither A nor W")
        unit = None
    until_s = asked_s if duration is None else min(asked_s, duration)
    periods = _periods(body.get("chargingSchedulePeriod"), f"{name}.chargingSchedulePeriod", until_s, found)
    return Answer(status[:MAX_NUMBER_TEXT], start_s, duration, unit, periods)


def _start_s(payload: dict[Any, Any], body: dict[Any, Any], version: str, found: Findings) -> int | None:
    """Return the start that counts: ``scheduleStart``; another ``startSchedule`` beside it is only noted."""
    place, key = (payload, "scheduleStart") if version == "1.6" else (body, "scheduleStart")
    start = _instant_s(place.get(key), key, found)
    inner = _instant_s(body.get("startSchedule"), "startSchedule", found)
    if start is None:
        return inner
    if inner is not None and abs(inner - start) > 1:
        text = f"startSchedule is {inner - start} s from scheduleStart; scheduleStart counts"
        found.add("two_starts", "startSchedule", text)
    return start


def _instant_s(raw: object, where: str, found: Findings) -> int | None:
    if raw is None:
        return None
    instant = read_moment(raw) if type(raw) is str else None
    if instant is None:
        found.add("no_instant", where, f"{shown(raw)} is no instant")
        return None
    return instant.utc_s


def _duration_s(body: dict[Any, Any], name: str, found: Findings) -> int | None:
    raw = body.get("duration")
    if raw is None:
        return None
    value = read_integer(raw)
    if isinstance(value, Unreadable) or value < 0:
        found.add("no_duration", f"{name}.duration", f"{shown(raw)} is no duration; what was asked for counts")
        return None
    return value


def _periods(raw: object, where: str, until_s: int, found: Findings) -> tuple[CompositePeriod, ...]:
    if type(raw) is not list:
        found.add("no_periods", where, f"{shown(raw)} is no array")
        return ()
    if not raw:
        found.add("no_periods", where, "the array is empty")
    if len(raw) > MAX_PERIODS:
        found.add("too_many_periods", where, f"{len(raw)} periods; the first {MAX_PERIODS} count")
    read = list(_read_periods(raw[:MAX_PERIODS], where, max(until_s, 1), found))
    in_order = sorted(read, key=lambda period: period.start_s)
    if [p.start_s for p in in_order] != [p.start_s for p in read]:
        found.add("unsorted", where, "the periods are not in order of time; they were sorted")
    kept: list[CompositePeriod] = []
    for period in in_order:
        if kept and kept[-1].start_s == period.start_s:
            found.add("twice", where, f"two periods start at {period.start_s} s; the later one counts")
            kept.pop()
        kept.append(period)
    if kept and kept[0].start_s > 0:
        found.add("late_start", where, f"the first period starts at {kept[0].start_s} s; nothing is said before")
    return tuple(kept)


def _read_periods(raw: list[Any], where: str, until_s: int, found: Findings) -> Iterator[CompositePeriod]:
    for index, entry in enumerate(raw):
        at = f"{where}[{index}]"
        if type(entry) is not dict:
            found.add("bad_period", at, f"{shown(entry)} is no object; it was passed over")
            continue
        start = _number(entry.get("startPeriod"), f"{at}.startPeriod", found)
        if start is None or start != int(start):
            found.add("bad_period", at, "has no whole startPeriod; it was passed over")
            continue
        if not 0 <= start < until_s:
            text = f"starts at {shown(entry.get('startPeriod'))} s, outside the schedule; it was passed over"
            found.add("outside", at, text)
            continue
        limit = _limit(entry, at, found)
        phases = read_integer(entry.get("numberPhases", NO_LIMIT))
        known = not isinstance(phases, Unreadable) and 1 <= phases <= MAX_PHASES
        if not known and phases != NO_LIMIT:
            found.add("bad_phases", f"{at}.numberPhases", f"{shown(entry['numberPhases'])} is no number of phases")
        yield CompositePeriod(int(start), limit, int(phases) if known and isinstance(phases, int) else None)


def _limit(entry: dict[Any, Any], at: str, found: Findings) -> float | None:
    """Return the limit; None where it says that nothing limits, or nothing that can be read."""
    value = _number(entry.get("limit"), f"{at}.limit", found)
    if value is None:
        found.add("no_limit", f"{at}.limit", "no limit that can be read; taken as: nothing limits")
        return None
    if value < 0:
        if value != NO_LIMIT:
            found.add("negative_limit", f"{at}.limit", f"{value} is negative; taken as: nothing limits")
        return None
    lines = [_number(entry[key], f"{at}.{key}", found) for key in ("limit_L2", "limit_L3") if key in entry]
    # Per-phase values: the highest is what a line can see, and it counts for all.
    return float(max([value, *(line for line in lines if line is not None)]))


def _number(raw: object, where: str, found: Findings) -> Decimal | None:
    """Return a finite number, also one that stands there as text."""
    if type(raw) is str and len(raw) <= MAX_NUMBER_TEXT:
        try:
            value = Decimal(raw)
        except ArithmeticError:
            return None
        found.add("number_as_text", where, f"{shown(raw)} is a text; its number counts")
        return value if value.is_finite() and abs(value.adjusted()) < MAX_NUMBER_TEXT else None
    read = read_number(raw)
    return None if isinstance(read, Unreadable) else read


def clock_finding(start_s: int | None, asked_at_s: int, tolerance_s: int, found: Findings) -> None:
    """Note a clock or a zone that is off; the schedule counts from the request whatever it says."""
    if start_s is None:
        return
    off = start_s - asked_at_s
    if abs(off) <= tolerance_s:
        return
    beside = (off + QUARTER_S // 2) % QUARTER_S - QUARTER_S // 2
    if abs(beside) <= tolerance_s and abs(off) <= FARTHEST_ZONE_S + tolerance_s:
        text = f"the start is {off} s from the request, a whole zone: local time as UTC; the request counts"
        found.add("local_time_tagged_z", "scheduleStart", text)
    else:
        found.add("clock_off", "scheduleStart", f"the start is {off} s from the request; the request counts")
