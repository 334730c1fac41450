"""What a station does with all its profiles together (OCPP 1.6 3.13; 2.x K08): breakpoints, then a minimum."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.profiles.rates import Rate, as_float, combine, micro, plain, raised, rates_of, rules_for, summed
from ocpp_schedule.profiles.single_limits import Limit, Reported, least, single_limits
from ocpp_schedule.profiles.spans import OF_TRANSACTIONS, Seconds, Span, Timetable, Told, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.full import FullProfile, Installed
    from ocpp_schedule.profiles.model import Purpose
    from ocpp_schedule.profiles.rates import Lines
    from ocpp_schedule.profiles.station import Dialect, StationState

Segment = tuple[Seconds, Seconds, Told]
Changes = list[tuple[Seconds, int, Told | None]]
"""Instant, number of the track, what it says from then on."""
LINES: Final = 3


class Request(NamedTuple):
    """What is asked: EVSE (0: the whole station), start in seconds since 1970, duration, unit, whose reading."""

    evse: int
    start_s: int
    duration_s: int
    unit: RateUnit
    dialect: Dialect


class CompositePeriod(NamedTuple):
    """What holds from ``start_s`` until the next period starts.

    Attributes:
        start_s: seconds after the start of the request.
        limit: A per phase or W in total; of L1 where ``limit_l2``, ``limit_l3`` are there; None: no limit.
        phases: stated by the profiles; None: by none of them.
        limit_l2, limit_l3, discharge_limit, discharge_limit_l2, discharge_limit_l3, setpoint, setpoint_l2,
            setpoint_l3, setpoint_reactive, setpoint_reactive_l2, setpoint_reactive_l3: OCPP 2.1.
    """

    start_s: int
    limit: float | None
    phases: int | None = None
    limit_l2: float | None = None
    limit_l3: float | None = None
    discharge_limit: float | None = None
    discharge_limit_l2: float | None = None
    discharge_limit_l3: float | None = None
    setpoint: float | None = None
    setpoint_l2: float | None = None
    setpoint_l3: float | None = None
    setpoint_reactive: float | None = None
    setpoint_reactive_l2: float | None = None
    setpoint_reactive_l3: float | None = None


def evaluate(installed: Sequence[Installed], state: StationState, request: Request) -> tuple[CompositePeriod, ...]:
    """Return the composite schedule: equal neighbours merged, the first period at 0.

    A request of 0 s gives what is in force at its start.
    """
    if state.direct_current:
        installed = [one._replace(profile=_without_phases(one.profile)) for one in installed]
    return _Evaluation(installed, state, request).periods()


def _without_phases(profile: FullProfile) -> FullProfile:
    """Return a profile for an EVSE that has no phases (K01.FR.44)."""
    schedules = [
        replace(schedule, periods=tuple([period._replace(phases=None) for period in schedule.periods]))
        for schedule in profile.schedules
    ]
    return replace(profile, schedules=tuple(schedules))


_REST: Final = [repeat(None)] * (len(CompositePeriod._fields) - 3)


class _Evaluation:
    def __init__(self, installed: Sequence[Installed], state: StationState, request: Request) -> None:
        self.installed = installed
        self.state = state
        self.request = request
        self.rules = rules_for(request.unit, state.voltage_v, state.default_phases, request.dialect)
        self.window = request.start_s, request.start_s + max(request.duration_s, 1)
        written = state.default_limit_a if request.unit == "A" else state.default_limit_w
        self.default = Rate(request.unit, None, (None if written is None else micro(written) * self.rules.grain,))
        self.default_number = None if written is None else as_float(written)

    def periods(self) -> tuple[CompositePeriod, ...]:
        evse = self.request.evse
        if evse == 0:
            tracks, judge = self.of_station()
            return self.merged(_sweep(tracks, self.window), judge)
        orders = self.orders(evse)
        speaking = [profile for order in orders for profile in order]
        limits = single_limits(speaking, self.rules, become_3=self.state.phases_become_3)
        if limits is not None:
            told = [self.overlaid(order, evse, lambda profile, _: limits[id(profile)]) for order in orders]
            return self.merged_limits(told)
        return self.merged(
            _sweep([self.overlaid(order, evse, self.rates) for order in orders], self.window), self.of_evse
        )

    def merged_limits(self, tracks: Sequence[Sequence[Segment[Limit]]]) -> tuple[CompositePeriod, ...]:
        """Return the periods where all that is said are single limits."""
        rules, default = self.rules, (self.default_number, None)
        now: list[Limit | None] = [None] * len(tracks)
        before_s: Seconds = self.window[0]
        starts: list[int] = []
        found: list[Reported] = []
        for at, number, change in [*_changes(tracks, self.window), (self.window[1], 0, None)]:
            if at != before_s:
                together = least(now, rules, default)
                if not found or together != found[-1]:
                    found.append(together)
                    starts.append(int(before_s) - self.window[0])
                before_s = at
            now[number] = change
        limits, phases = zip(*found, strict=True)
        return tuple(map(tuple.__new__, repeat(CompositePeriod), zip(starts, limits, phases, *_REST, strict=False)))

    def merged(
        self,
        swept: Iterable[tuple[Seconds, tuple[Rate | None, ...]]],
        judge: Callable[[tuple[Rate | None, ...]], Rate],
    ) -> tuple[CompositePeriod, ...]:
        """Return the periods; each combination is judged once, equal neighbours are one."""
        known: dict[tuple[int, ...], tuple[float | int | None, ...]] = {}
        made: list[CompositePeriod] = []
        before: tuple[float | int | None, ...] | None = None
        start_s = self.window[0]
        for at, now in swept:
            key = tuple(map(id, now))
            values = known.get(key)
            if values is None:
                values = known[key] = self.values(judge(now))
            if values != before:
                made.append(tuple.__new__(CompositePeriod, (int(at) - start_s, *values)))
            before = values
        return tuple(made)

    def values(self, rate: Rate) -> tuple[float | int | None, ...]:
        """Return the fields of ``CompositePeriod`` after ``start_s``, in their order; libocpp does not round."""
        if rate.simple:
            return (plain(rate.limit[0], self.rules.grain, cut=False), rate.phases, *[None] * len(_REST))
        cut = rate.changed and self.request.dialect != "libocpp"
        limit, *rest = (
            _numbers(quantity, self.rules.grain, cut=cut)
            for quantity in (rate.limit, rate.discharge, rate.setpoint, rate.reactive)
        )
        return limit[0], rate.phases, *limit[1:], *(value for quantity in rest for value in quantity)

    def orders(self, evse: int) -> list[list[FullProfile]]:
        """Return who speaks for one EVSE: four tracks, in each the profile that counts first in front."""
        return [
            self.ranked("charging_station_max_profile", evse),
            self.ranked("charging_station_external_constraints", evse),
            self.of_transaction(evse),
            self.ranked("local_generation", evse),
        ]

    def of_evse(self, now: tuple[Rate | None, ...]) -> Rate:
        """Return what the four tracks of ``orders`` come to."""
        found = combine([rate for rate in now[:3] if rate is not None], self.rules) or self.default
        return found if now[3] is None else raised(found, now[3], self.rules)

    def of_station(self) -> tuple[list[list[Segment[Rate]]], Callable[[tuple[Rate | None, ...]], Rate]]:
        """Return the same for the whole station: the sum over its EVSEs, capped by the station's maximum."""
        own = [self.track("charging_station_max_profile", 0), self.track("local_generation", 0)]
        evses = range(1, self.state.num_evses + 1) if self.request.dialect != "microocpp" else ()
        for evse in evses:
            own += [
                self.track("charging_station_external_constraints", evse),
                self.overlaid(self.of_transaction(evse), evse, self.rates),
            ]

        def judge(now: tuple[Rate | None, ...]) -> Rate:
            parts = [
                combine([rate for rate in now[k : k + 2] if rate is not None], self.rules) or self.default
                for k in range(2, len(now), 2)
            ]
            held = [] if now[0] is None else [now[0]]
            if parts:
                held.append(summed(parts, self.rules))
            found = combine(held, self.rules) or self.default
            return found if now[1] is None else raised(found, now[1], self.rules)

        return own, judge

    def track(self, purpose: Purpose, evse: int) -> list[Segment[Rate]]:
        """Return what the profiles of one purpose say for an EVSE: at each instant the highest level that speaks."""
        return self.overlaid(self.ranked(purpose, evse), evse, self.rates)

    def of_transaction(self, evse: int) -> list[FullProfile]:
        """Return who speaks for the transaction: its own profile, in its gaps the default (1.6 3.13.1).

        An active PriorityCharging profile takes the place of both.
        """
        if not (self.state.assume_transactions or evse in self.state.transactions):
            return []
        order: list[FullProfile] = []
        if evse in self.state.priority_evses and self.request.dialect == "standard":
            order += self.ranked("priority_charging", evse)
        order += [profile for profile in self.ranked("tx_profile", evse) if self.is_of_transaction(profile, evse)]
        return [*order, *self.ranked("tx_default_profile", evse)]

    def is_of_transaction(self, profile: FullProfile, evse: int) -> bool:
        running = self.state.transactions.get(evse)
        return running is None or None in {running.id, profile.transaction_id} or running.id == profile.transaction_id

    def ranked(self, purpose: Purpose, evse: int) -> list[FullProfile]:
        """Return the profiles of a purpose that apply to an EVSE, the one that counts first.

        By level; at one level the EVSE's own before the station's, the later before the earlier. MicroOcpp takes
        the EVSE's own TxDefaultProfiles first at any level.
        """
        everywhere = purpose != "tx_profile"
        found = [
            (place, one)
            for place, one in enumerate(self.installed)
            if one.profile.purpose == purpose and (one.evse == evse or (everywhere and one.evse == 0))
        ]
        own_first = self.request.dialect == "microocpp" and purpose == "tx_default_profile"
        found.sort(
            key=lambda item: (
                own_first and item[1].evse != 0,
                item[1].profile.stack_level,
                item[1].evse != 0,
                item[0],
            ),
            reverse=True,
        )
        return [one.profile for _, one in found]

    def overlaid(
        self, profiles: Iterable[FullProfile], evse: int, read: Callable[[FullProfile, int], Sequence[Told]]
    ) -> list[Segment[Told]]:
        """Return what the first profile that speaks says, at each instant; gaps stay gaps."""
        free: list[tuple[Seconds, Seconds]] = [self.window]
        made: list[Segment[Told]] = []
        for profile in profiles:
            if not free:
                break
            covered = spans(profile, self.state, evse, self.window, self.request.dialect)
            if not covered:
                continue
            table = Timetable(profile, self.state)
            told = read(profile, evse)
            taken = _pieces(covered, free)
            for piece in taken:
                made += table.inside(piece, told)
            free = _without(free, taken)
        made.sort(key=itemgetter(0))
        return made

    def rates(self, profile: FullProfile, evse: int) -> list[Rate]:
        return rates_of(
            profile.schedules[0],
            self.rules,
            become_3=self.state.phases_become_3,
            soc_percent=self.state.soc_percent.get(evse) if profile.purpose in OF_TRANSACTIONS else None,
        )


def _pieces(covered: Sequence[Span], free: Sequence[tuple[Seconds, Seconds]]) -> list[Span]:
    """Return the parts of the spans that are still free; both in order of time, without overlaps."""
    made: list[Span] = []
    first = 0
    for low, high in free:
        while first < len(covered) and covered[first].end_s <= low:
            first += 1
        place = first
        while place < len(covered) and covered[place].start_s < high:
            span = covered[place]
            made.append(Span(max(low, span.start_s), min(high, span.end_s), span.anchor_s))
            place += 1
    return made


def _without(free: Sequence[tuple[Seconds, Seconds]], taken: Sequence[Span]) -> list[tuple[Seconds, Seconds]]:
    """Return the free parts without the pieces that were taken of them."""
    left: list[tuple[Seconds, Seconds]] = []
    place = 0
    for low, high in free:
        at = low
        while place < len(taken) and taken[place].start_s < high:
            if taken[place].start_s > at:
                left.append((at, taken[place].start_s))
            at = taken[place].end_s
            place += 1
        if at < high:
            left.append((at, high))
    return left


def _changes(tracks: Sequence[Sequence[Segment[Told]]], window: tuple[int, int]) -> Changes[Told]:
    """Return in order of time when a track begins to say something else."""
    changes: Changes[Told] = []
    for number, track in enumerate(tracks):
        end_before: Seconds = window[0]
        for start_s, end_s, told in track:
            if start_s > end_before:
                changes.append((end_before, number, None))
            changes.append((start_s, number, told))
            end_before = end_s
        if track and end_before < window[1]:
            changes.append((end_before, number, None))
    changes.sort(key=itemgetter(0))
    return changes


def _sweep(
    tracks: Sequence[Sequence[Segment[Told]]], window: tuple[int, int]
) -> list[tuple[Seconds, tuple[Told | None, ...]]]:
    """Return what every track says, from each instant at which one of them changes."""
    now: list[Told | None] = [None] * len(tracks)
    made: list[tuple[Seconds, tuple[Told | None, ...]]] = []
    before: Seconds = window[0]
    for at, number, change in _changes(tracks, window):
        if at != before:
            made.append((before, tuple(now)))
            before = at
        now[number] = change
    made.append((before, tuple(now)))
    return made


def _numbers(quantity: Lines, grain: int, *, cut: bool) -> tuple[float | None, ...]:
    found = tuple(plain(value, grain, cut=cut) for value in quantity)
    return found + (None,) * (LINES - len(found))
