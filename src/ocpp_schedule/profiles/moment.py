"""Instants as they are written on the wire: the text is kept, so that writing it back loses nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.timegrid import EARLIEST, iso_utc

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SECONDS_PER_DAY: Final = 86_400
LONGEST: Final = 64
"""Characters; an instant with thirty decimals and an offset has 56."""
_WRITTEN: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:[.,]\d{1,30})?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
    re.ASCII,
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class Moment(NamedTuple):
    """An instant in whole seconds, and how it was written.

    Attributes:
        text: as on the wire.
        utc_s: whole seconds since 1970-01-01T00:00:00Z, rounded down; a text without offset is read as UTC.
        wall_s: the same of the clock face, the offset ignored: what ``useLocalTime`` asks for.
    """

    text: str
    utc_s: int
    wall_s: int


def read_moment(text: str) -> Moment | None:
    """Return the instant of an RFC 3339 text, with or without offset; None where it is no instant.

    >>> read_moment("1970-01-01T01:00:00.900+01:00")
    Moment(text='1970-01-01T01:00:00.900+01:00', utc_s=0, wall_s=3600)
    >>> read_moment("tomorrow")
    """
    return _read_moment(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=4096)  # the profiles of a fleet start at few different instants
def _read_moment(text: str) -> Moment | None:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    wall_s = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
    offset_s = 0
    if found[7] is not None:
        offset_s = (int(found[8]) * 3600 + int(found[9]) * 60) * (1 if found[7] == "+" else -1)
    return Moment(text, wall_s - offset_s, wall_s)


def moment(at: datetime) -> Moment:
    """Return an aware datetime as a moment, written in whole seconds UTC.

    >>> moment(datetime(2026, 1, 15, tzinfo=UTC)).text
    '2026-01-15T00:00:00Z'
    """
    seconds = (at - EARLIEST) // timedelta(seconds=1)
    return Moment(iso_utc(at), seconds, seconds)


def local_to_utc_s(wall_s: int, zone: ZoneInfo) -> int:
    """Return the instant at which a clock in ``zone`` shows ``wall_s``.

    Where a time is skipped, as many seconds after the change as it lies after the gap's start; where it
    comes twice, the first.

    >>> from zoneinfo import ZoneInfo
    >>> local_to_utc_s(7200, ZoneInfo("Europe/Amsterdam"))
    3600
    """
    try:
        shown = EARLIEST.replace(tzinfo=None) + timedelta(seconds=wall_s)
        return (shown.replace(tzinfo=zone).astimezone(UTC) - EARLIEST) // timedelta(seconds=1)
    except OverflowError:  # beyond the calendar's years no zone has rules
        return wall_s
