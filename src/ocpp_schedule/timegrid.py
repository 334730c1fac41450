"""The time grid: half-open slots in whole seconds UTC (convention 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_SLOT_S: Final = 7 * 86_400
"""A week: longer slots are a unit error, and sums of price times seconds stay within 64 bits."""
MAX_SLOTS: Final = 110_000
"""A year of 5-minute slots (105,408 in a leap year) fits; more is a mistake in the step."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond these a date is a unit error (milliseconds for seconds), and OCPP's clocks do not reach."""


def _to_utc(value: datetime) -> datetime:
    if not EARLIEST <= value < LATEST:
        msg = f"{value.isoformat()} is outside 1970 to 2200; were milliseconds given for seconds?"
        raise ValueError(msg)
    return value.astimezone(UTC)


def _no_number(value: object) -> object:
    digits = value.strip(" +-").replace(".", "", 1) if isinstance(value, str) else ""
    if isinstance(value, int | float) or digits.isdigit():
        # whether it counts seconds or milliseconds would be a guess
        msg = f"{value} is a number, no time; write ISO 8601 with zone, like 2026-01-15T07:30:00+01:00"
        raise ValueError(msg)
    return value


UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_to_utc)]
"""An instant: a naive datetime is refused, every zone is converted to UTC; numbers are no instants."""


def _to_whole_second(value: datetime) -> datetime:
    if value.microsecond:
        msg = f"{value.isoformat()} has a fraction of a second; give whole seconds"
        raise ValueError(msg)
    return value


WholeSecond = Annotated[UtcDatetime, AfterValidator(_to_whole_second)]


def iso_utc(value: datetime) -> str:
    """Return the instant as OCPP writes it: UTC, whole seconds, ``Z``.

    >>> iso_utc(datetime(2026, 1, 15, tzinfo=UTC))
    '2026-01-15T00:00:00Z'
    """
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short_utc(value: datetime) -> str:
    """Return the instant for a message: minutes unless it has seconds.

    >>> short_utc(datetime(2026, 1, 14, 22, tzinfo=UTC))
    '2026-01-14T22:00Z'
    """
    text = iso_utc(value)
    return text[:16] + "Z" if text.endswith(":00Z") else text


def metering_start_s(second: int, zone: ZoneInfo, interval_s: int) -> int:
    """Return the start of the metering interval that holds a second since 1970, aligned to the clock in ``zone``.

    >>> metering_start_s(1_768_435_200 + 700, ZoneInfo("Asia/Kathmandu"), 3600) - 1_768_435_200
    -2700
    """
    offset = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() or timedelta()
    return second - (second + offset // timedelta(seconds=1)) % interval_s


class TimeGrid(BaseModel):
    """Slots ``[edge k, edge k+1)`` of the plan; uneven lengths are allowed.

    Attributes:
        start: first edge, a whole second.
        edges_s: the other edges (and the first, 0) as seconds after ``start``, strictly increasing.

    Invariants: at least one slot, at most ``MAX_SLOTS``.

    >>> grid = TimeGrid.regular(datetime(2026, 1, 15, tzinfo=UTC), timedelta(hours=1), 4)
    >>> grid.slots, grid.end.isoformat()
    (4, '2026-01-15T04:00:00+00:00')
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    start: WholeSecond
    edges_s: tuple[Annotated[int, Field(strict=True)], ...] = Field(min_length=2, max_length=MAX_SLOTS + 1)

    @model_validator(mode="before")
    @classmethod
    def _from_steps(cls, data: Any) -> Any:
        """Take ``{"start", "step_s", "slots"}``, the form of a regular grid in files."""
        if not isinstance(data, dict) or "edges_s" in data or not {"step_s", "slots"} & data.keys():
            return data
        data = dict(data)
        step_s, slots = data.pop("step_s", None), data.pop("slots", None)
        if isinstance(step_s, bool) or not isinstance(step_s, int) or step_s < 1:
            raise ValueError(f"step_s={step_s!r}; give the slot length as a whole number of seconds, at least 1")
        if isinstance(slots, bool) or not isinstance(slots, int) or not 1 <= slots <= MAX_SLOTS:
            raise ValueError(f"slots={slots!r}; give a whole number from 1 to {MAX_SLOTS}")
        data["edges_s"] = tuple(range(0, step_s * slots + 1, step_s))
        return data

    @model_validator(mode="after")
    def _edges_increase(self) -> Self:
        if self.edges_s[0] != 0:
            raise ValueError(f"edges_s starts at {self.edges_s[0]}; the first edge is 0, at `start`")
        for before, after in pairwise(self.edges_s):
            if after <= before:
                raise ValueError(f"edges_s goes from {before} to {after}; edges must increase strictly")
            if after - before > MAX_SLOT_S:
                raise ValueError(
                    f"a slot of {after - before} s is longer than a week; was a step given in milliseconds?"
                )
        if self.start + timedelta(seconds=self.edges_s[-1]) >= LATEST:
            raise ValueError("the grid ends after the year 2200; was a step given in milliseconds?")
        return self

    @classmethod
    def regular(cls, start: datetime, step: timedelta, slots: int) -> Self:
        """Return ``slots`` equal slots of ``step`` from ``start`` on.

        Raises:
            pydantic.ValidationError: the start is naive, the step is no whole number of seconds above 0.
        """
        step_s = step // timedelta(seconds=1)
        if step_s < 1 or step % timedelta(seconds=1):
            return cls.model_validate({"start": start, "step_s": step.total_seconds(), "slots": slots})
        return cls.model_validate({"start": start, "step_s": step_s, "slots": slots})

    @classmethod
    def local_day(cls, day: date, time_zone: str, step: timedelta = timedelta(minutes=15)) -> Self:
        """Return the slots of one civil day in an IANA zone: 92, 96 or 100 quarters.

        Raises:
            ZoneInfoNotFoundError: the zone is unknown.

        >>> TimeGrid.local_day(date(2026, 3, 29), "Europe/Amsterdam").slots
        92
        >>> TimeGrid.local_day(date(2026, 10, 25), "Europe/Amsterdam").slots
        100
        """
        zone = ZoneInfo(time_zone)
        start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        after = day + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)
        return cls.regular(start, step, -(-(end - start) // step))

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.edges_s) - 1

    @property
    def end(self) -> datetime:
        """End of the last slot (exclusive)."""
        return self.start + timedelta(seconds=self.edges_s[-1])

    @property
    def start_s(self) -> int:
        """Start as whole seconds since 1970-01-01T00:00:00Z."""
        return int((self.start - EARLIEST) // timedelta(seconds=1))

    @property
    def shortest_s(self) -> int:
        """Length of the shortest slot [s]."""
        return min(after - before for before, after in pairwise(self.edges_s))

    def edge(self, index: int) -> datetime:
        """Return the instant of edge ``index`` (0 to ``slots``)."""
        return self.start + timedelta(seconds=self.edges_s[index])
