"""What a connector may give when: opening hours, reservations, outages, derates (convention 21)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _availability_checks as checks
from ocpp_schedule.model._base import Amperes, Id, Model, raise_references
from ocpp_schedule.timegrid import WholeSecond

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of ``date.weekday()``."""
ClockTime = Annotated[str, StringConstraints(strict=True, pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
"""What the clock on the wall shows, ``HH:MM``; 24:00 is the end of the day."""


def _iso_date(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and checks.ISO_DATE.fullmatch(value)):
        return value
    raise ValueError(f"{value!r:.60} is no date; write it like 2026-12-25")


CalendarDate = Annotated[date, BeforeValidator(_iso_date)]


class _Restriction(Model):
    """What all kinds share: they hold for one connector, all of a station, or, with neither, the whole site."""

    connector: Id | None = None
    station: Id | None = None
    note: str = Field(default="", max_length=200, description="why, for messages")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.restriction_texts(self))
        return self


class DailyHours(Model):
    """Hours on some days of the week, by the clock on the wall; ``closes`` not after ``opens`` is the next morning.

    >>> DailyHours(days=("mon", "tue"), opens="08:00", closes="18:00").closes
    '18:00'
    """

    days: tuple[Weekday, ...] = Field(default=WEEK, min_length=1, max_length=7)
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.hours_texts(self))
        return self


class OpeningHours(_Restriction):
    """Outside these hours no car gets anything; by the clock of the site's time zone, so a change of it does no harm.

    >>> hours = OpeningHours(station="CP1", hours=[DailyHours(opens="07:00", closes="19:00")], closed_on=["2026-12-25"])
    >>> hours.closed_on[0].isoformat()
    '2026-12-25'
    """

    kind: Literal["opening_hours"] = "opening_hours"
    hours: tuple[DailyHours, ...] = Field(min_length=1, max_length=100)
    closed_on: tuple[CalendarDate, ...] = Field(default=(), max_length=3660, description="closed the whole day")


class _Spell(_Restriction):
    """A restriction from ``start`` to ``end``."""

    start: WholeSecond
    end: WholeSecond


class Reservation(_Spell):
    """Kept for one session, or, without one, for somebody who is not in the plan.

    >>> from datetime import datetime, UTC
    >>> Reservation(connector="A", start=datetime(2026, 1, 15, 8, tzinfo=UTC),
    ...             end=datetime(2026, 1, 15, 9, tzinfo=UTC), session="guest").kind
    'reservation'
    """

    kind: Literal["reservation"] = "reservation"
    session: Id | None = Field(default=None, description="the session it is kept for")


class Outage(_Spell):
    """Nothing can be given: maintenance, firmware, a fault.

    >>> from datetime import datetime, UTC
    >>> Outage(start=datetime(2026, 1, 15, 8, tzinfo=UTC), end=datetime(2026, 1, 15, 9, tzinfo=UTC)).station is None
    True
    """

    kind: Literal["outage"] = "outage"


class Derate(_Spell):
    """Every connector it holds for gives at most this much per line [A].

    >>> from datetime import datetime, UTC
    >>> Derate(station="CP1", start=datetime(2026, 1, 15, 8, tzinfo=UTC),
    ...        end=datetime(2026, 1, 15, 9, tzinfo=UTC), max_current_a=10).max_current_a
    10.0
    """

    kind: Literal["derate"] = "derate"
    max_current_a: Amperes


Availability = Annotated[OpeningHours | Reservation | Outage | Derate, Field(discriminator="kind")]
KINDS: tuple[type[OpeningHours | Reservation | Outage | Derate], ...] = (OpeningHours, Reservation, Outage, Derate)
