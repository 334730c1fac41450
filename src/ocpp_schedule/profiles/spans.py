"""When a profile speaks: validity, kinds, recurrences, offline time, and the period that holds at each instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from ocpp_schedule.profiles.moment import SECONDS_PER_DAY, local_to_utc_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocpp_schedule.profiles.full import FullProfile, FullSchedule
    from ocpp_schedule.profiles.station import Dialect, StationState, Transaction

RECURRENCE_S: Final = {"daily": SECONDS_PER_DAY, "weekly": 7 * SECONDS_PER_DAY}
OF_TRANSACTIONS: Final = frozenset({"tx_profile", "tx_default_profile", "priority_charging"})
Told = TypeVar("Told")
"""What a period says, whatever stands for it."""
Seconds = float
"""Whole seconds since 1970, or an infinity."""


class Span(NamedTuple):
    """A stretch of time in which one run of a schedule holds: half-open, seconds since 1970.

    ``anchor_s`` is second 0 of that run; None where the first period holds all the time.
    """

    start_s: Seconds
    end_s: Seconds
    anchor_s: int | None


def spans(
    profile: FullProfile, state: StationState, evse: int, window: tuple[int, int], dialect: Dialect
) -> list[Span]:
    """Return when a profile has a period, clipped to the window, in order.

    ``validTo`` is exclusive (MicroOcpp: inclusive). A profile with ``maxOfflineDuration`` ends when the link has
    been down that long (0: at once), and is gone for good where ``invalidAfterOfflineDuration`` says so.
    """
    if not profile.schedules or not profile.schedules[0].periods:
        return []
    schedule = profile.schedules[0]
    low, high = _validity(profile, state, window, dialect)
    first_s = min(_starts(profile, schedule, state))
    made = []
    for anchor_s, end_s in _runs(profile, schedule, state, evse, (window[0], low, high)):
        start = low if anchor_s is None else max(low, anchor_s + first_s)
        end = min(high, end_s)
        if schedule.duration_s is not None and anchor_s is not None:
            end = min(end, anchor_s + schedule.duration_s)
        if start < end:
            made.append(Span(start, end, anchor_s))
    return made


def _validity(
    profile: FullProfile, state: StationState, window: tuple[int, int], dialect: Dialect
) -> tuple[Seconds, Seconds]:
    low, high = window
    if profile.valid_from is not None:
        low = max(low, profile.valid_from.utc_s)
    if profile.valid_to is not None:
        high = min(high, profile.valid_to.utc_s + (dialect == "microocpp"))
    most_s = profile.max_offline_s
    if most_s is not None:
        if state.offline_s is not None:
            high = min(high, window[0] + most_s - state.offline_s)
        if profile.invalid_after_offline and state.was_offline_s > most_s:
            high = low
    return low, high


def _runs(
    profile: FullProfile,
    schedule: FullSchedule,
    state: StationState,
    evse: int,
    times: tuple[int, Seconds, Seconds],
) -> Iterator[tuple[int | None, Seconds]]:
    """Yield anchor and end of each run that may touch ``[low, high)``; times are those of the request and these."""
    request_s, low, high = times
    if profile.kind == "relative":
        anchor_s = _relative_anchor(state.transactions.get(evse), request_s)
        yield anchor_s, inf
    elif profile.kind == "dynamic":
        yield from _dynamic_run(profile, schedule, request_s)
    elif schedule.start is None:  # stations that take this start it when it arrives
        yield request_s, inf
    elif profile.kind == "absolute" or profile.recurrency is None:
        wall = schedule.use_local_time and state.zone
        yield (local_to_utc_s(schedule.start.wall_s, wall) if wall else schedule.start.utc_s), inf
    else:
        yield from _recurrences(schedule, state, RECURRENCE_S[profile.recurrency], (low, high))


def _relative_anchor(transaction: Transaction | None, request_s: int) -> int:
    """Return second 0 of a relative schedule: the start of the transaction, where none is known the request."""
    if transaction is None or transaction.start_s is None:
        return request_s
    return transaction.start_s


def _dynamic_run(profile: FullProfile, schedule: FullSchedule, request_s: int) -> Iterator[tuple[int | None, Seconds]]:
    """Yield the one run of a dynamic profile: until its duration has passed since the last update (K28.FR.13)."""
    updated_s = request_s if profile.dyn_update_time is None else profile.dyn_update_time.utc_s
    yield None, inf if schedule.duration_s is None else updated_s + schedule.duration_s


def _recurrences(
    schedule: FullSchedule, state: StationState, every_s: int, times: tuple[Seconds, Seconds]
) -> Iterator[tuple[int, Seconds]]:
    """Yield the runs that touch the times, also before ``startSchedule``: a recurrence is an anchor in both ways."""
    if schedule.start is None:
        return
    low, high = times
    zone = state.zone if schedule.use_local_time else None
    base_s = schedule.start.utc_s if zone is None else schedule.start.wall_s
    slack = 0 if zone is None else 2  # a zone lies within a day of UTC
    first = int((low - base_s) // every_s) - slack
    last = int((high - base_s) // every_s) + slack
    for k in range(first, last + 1):
        start_s, end_s = base_s + k * every_s, base_s + (k + 1) * every_s
        if zone is not None:
            start_s, end_s = local_to_utc_s(start_s, zone), local_to_utc_s(end_s, zone)
        yield start_s, end_s


def _starts(profile: FullProfile, schedule: FullSchedule, state: StationState) -> list[int]:
    """Return when the periods start, with the delays that were drawn (K01.FR.97)."""
    starts = [period.start_s for period in schedule.periods]
    delays = state.random_delays_s.get(profile.id)
    if schedule.randomized_delay_s and delays:
        for index, delay_s in enumerate(delays[: len(starts) - 1], start=1):
            starts[index] += min(delay_s, schedule.randomized_delay_s)
    return starts


class Timetable:
    """The periods of one schedule by start: the last one that has started holds."""

    __slots__ = ("index", "starts")

    def __init__(self, profile: FullProfile, state: StationState) -> None:
        starts = _starts(profile, profile.schedules[0], state)
        kept: list[int] = []
        self.starts: list[int] = []
        if all(map(int.__lt__, starts, starts[1:])):
            self.starts, self.index = starts, list(range(len(starts)))
            return
        # A period whose delayed start is not before a later one's never runs.
        lowest = inf
        for place in range(len(starts) - 1, -1, -1):
            if starts[place] < lowest:
                kept.append(place)
                lowest = starts[place]
        self.index = kept[::-1]
        self.starts = [starts[place] for place in self.index]

    def inside(self, span: Span, told: Sequence[Told]) -> list[tuple[Seconds, Seconds, Told]]:
        """Return from when until when each period holds within a span, and what is told of it.

        Args:
            span: when.
            told: for each period of the schedule.
        """
        start_s, end_s, anchor_s = span
        if anchor_s is None:
            return [(start_s, end_s, told[0])]
        first = max(bisect_right(self.starts, start_s - anchor_s) - 1, 0)
        last = bisect_left(self.starts, end_s - anchor_s)
        later: list[Seconds] = [anchor_s + start for start in self.starts[first + 1 : last]]
        kept = [told[place] for place in self.index[first:last]]
        return list(zip([start_s, *later], [*later, end_s], kept, strict=True))
