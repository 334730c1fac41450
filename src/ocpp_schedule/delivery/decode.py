"""``decode``: what a station reports, as a series, compared with what was wanted."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from ocpp_schedule.delivery.answers import Finding, Findings, clock_finding, read_answer
from ocpp_schedule.delivery.composite import READERS, argument_problems, instant_s
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.profiles.composite import CompositePeriod, Request, evaluate
from ocpp_schedule.profiles.full import FullProfile, Installed
from ocpp_schedule.profiles.station import read_station
from ocpp_schedule.wire._values import Unreadable, read_integer, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.station import StationState

Verdict = Literal["equal", "lower", "higher", "unknown", "refused", "unreadable"]
TOLERANCE_A: Final = 0.1
"""One step of the wire: float noise and a charger's own rounding stay below it."""
LARGEST_TOLERANCE_A: Final = 1000
TIME_TOLERANCE_S: Final = 5
"""Stations count from the moment they answer: periods were seen 1 to 3 s early, and durations as much shorter."""
CLOCK_TOLERANCE_S: Final = 60
MAX_REPORTS: Final = 10_000


class Deviation(NamedTuple):
    """Where what was found is not what was wanted.

    Attributes:
        start_s, end_s: half-open, from the start of the request.
        wanted, found: in the unit that was asked for; None: no limit.
    """

    start_s: int
    end_s: int
    wanted: float | None
    found: float | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a station's answer comes to.

    Attributes:
        verdict: ``equal``; ``higher`` somewhere (the dangerous one); else ``lower`` somewhere; ``unknown``: it says
            nothing that can be compared; ``refused``: it gives no schedule; ``unreadable``: it cannot be read at all.
        unit: of ``periods``; as asked for.
        periods: what the station says it will do, from the request on; None as a limit: nothing limits.
        covered_s: how much of the request it speaks of [s].
        deviations: from what was wanted, longer than the tolerance in time.
        findings: everything odd about the answer, and how it was taken.
        profiles: reported profiles that could be read, with their places.
    """

    verdict: Verdict
    unit: RateUnit
    periods: tuple[CompositePeriod, ...]
    covered_s: int
    deviations: tuple[Deviation, ...]
    findings: tuple[Finding, ...]
    profiles: tuple[Installed, ...] = ()

    def __str__(self) -> str:
        parts: list[str] = [self.verdict]
        if self.deviations:
            first = self.deviations[0]
            parts.append(
                f"from {first.start_s} s on {_shown(first.found, self.unit)} instead of "
                f"{_shown(first.wanted, self.unit)}"
            )
        parts += [f"{finding.code} ({finding.where}): {finding.text}" for finding in self.findings]
        return "; ".join(parts)


def decode(
    answer: object,
    *,
    version: str,
    evse: int,
    asked_at: datetime | str,
    duration_s: int,
    unit: str,
    station: Mapping[str, Any] | None = None,
    wanted: Sequence[CompositePeriod] | None = None,
    tolerance_a: float = TOLERANCE_A,
) -> Decoded:
    """Return what a station reports, compared with what was wanted. Nothing in ``answer`` raises.

    Args:
        answer: payload of a GetCompositeSchedule answer, or a list of ReportChargingProfiles payloads (2.x), whose
            profiles are then evaluated as by ``composite_schedule``.
        version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"``.
        evse: EVSE or connector that was asked about; 0: the whole station.
        asked_at: when the request was sent. The schedule counts from then: a station's own start is only compared
            with it, because clocks and zones are often wrong.
        duration_s: what was asked for [s].
        unit: ``"A"`` or ``"W"``, of the comparison; an answer in the other one is converted.
        station: as for ``composite_schedule`` (voltage, phases, transactions).
        wanted: periods as ``composite_schedule`` gives them, for the same request and unit; None: nothing is compared.
        tolerance_a: largest difference that counts as equal [A per phase].

    Raises:
        InputError: an argument other than ``answer`` cannot be.

    >>> wanted = [CompositePeriod(0, 16.0), CompositePeriod(600, 6.0)]
    >>> answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": "2026-01-15T10:00:01Z",
    ...     "chargingSchedule": {"duration": 3600, "chargingRateUnit": "A", "chargingSchedulePeriod": [
    ...     {"startPeriod": 0, "limit": 16}, {"startPeriod": 599, "limit": 8.000000001}]}}
    >>> found = decode(answer, version="1.6", evse=1, asked_at="2026-01-15T08:00:00Z", duration_s=3600, unit="A",
    ...     wanted=wanted)
    >>> found.verdict, found.deviations[0]
    ('higher', Deviation(start_s=600, end_s=3600, wanted=6.0, found=8.000000001))
    >>> found.findings[0].code
    'local_time_tagged_z'
    """
    problems = list(argument_problems(version, evse, duration_s, unit, "standard"))
    if type(tolerance_a) not in {int, float} or not 0 <= tolerance_a <= LARGEST_TOLERANCE_A:
        what = f"{quoted(tolerance_a)} cannot be; give a number from 0 to {LARGEST_TOLERANCE_A}."
        problems.append(InputProblem("tolerance_a", what))
    if problems:
        raise InputError("decode", problems)
    at_s = instant_s(asked_at)
    state = read_station(station or {}, cast("OcppVersion", version))
    found = Findings()
    request = Request(evse, at_s, duration_s, cast("RateUnit", unit), "standard")
    if type(answer) is list:
        return _reported(answer, version, state, request, wanted, tolerance_a, found)
    read = read_answer(answer, version, max(duration_s, 1), found)
    clock_finding(read.start_s, at_s, CLOCK_TOLERANCE_S, found)
    if read.unit is None or not read.periods:
        refused = read.status not in {"", "Accepted"}
        verdict: Verdict = "refused" if refused else "unreadable" if type(answer) is not dict else "unknown"
        return Decoded(verdict, request.unit, (), 0, (), tuple(found.found))
    covered = max(duration_s, 1) if read.duration_s is None else min(read.duration_s, max(duration_s, 1))
    if covered < duration_s - TIME_TOLERANCE_S:
        found.add("short", "duration", f"it speaks of {covered} of {duration_s} s")
    periods = tuple(_in_unit(period, read.unit, request.unit, state) for period in read.periods)
    if read.unit != request.unit:
        found.add("other_unit", "chargingRateUnit", f"it answers in {read.unit}, not {request.unit}; converted")
    return _judged(periods, covered, request, state, wanted, tolerance_a, found)


def _reported(
    reports: list[Any],
    version: str,
    state: StationState,
    request: Request,
    wanted: Sequence[CompositePeriod] | None,
    tolerance_a: float,
    found: Findings,
) -> Decoded:
    """Decode reported profiles: those that can be read are evaluated together."""
    installed = list(_installed(reports[:MAX_REPORTS], version, found))
    if len(reports) > MAX_REPORTS:
        found.add("too_many_reports", "reports", f"{len(reports)} reports; the first {MAX_REPORTS} count")
    unread = any(finding.code == "bad_profile" for finding in found.found)
    if unread and not installed:
        return Decoded("unreadable", request.unit, (), 0, (), tuple(found.found))
    if request.evse > state.num_evses:
        found.add("no_evse", "evse", f"{request.evse}, but the station has {state.num_evses}")
        return Decoded("unknown", request.unit, (), 0, (), tuple(found.found), tuple(installed))
    periods = evaluate(installed, state, request)
    judged = _judged(periods, max(request.duration_s, 1), request, state, wanted, tolerance_a, found)
    # What could not be read may allow more or less: the rest proves nothing.
    verdict: Verdict = "unknown" if unread else judged.verdict
    return Decoded(
        verdict, request.unit, periods, judged.covered_s, judged.deviations, tuple(found.found), tuple(installed)
    )


def _installed(reports: list[Any], version: str, found: Findings) -> Iterator[Installed]:
    for index, report in enumerate(reports):
        where = f"reports[{index}]"
        evse = read_integer(report.get("evseId")) if type(report) is dict else Unreadable("no object")
        profiles = report.get("chargingProfile") if type(report) is dict else None
        if isinstance(evse, Unreadable) or evse < 0 or type(profiles) is not list:
            found.add("bad_profile", where, f"{shown(report)} is no report of profiles; it was passed over")
            continue
        for place, raw in enumerate(profiles[:MAX_REPORTS]):
            profile = READERS[version](raw, where=f"{where}.chargingProfile[{place}]", strict=False)
            if isinstance(profile, FullProfile):
                yield Installed(evse, profile)
            else:
                found.add("bad_profile", f"{where}.chargingProfile[{place}]", f"{profile[0]}"[:200])


def _judged(
    periods: tuple[CompositePeriod, ...],
    covered_s: int,
    request: Request,
    state: StationState,
    wanted: Sequence[CompositePeriod] | None,
    tolerance_a: float,
    found: Findings,
) -> Decoded:
    if not wanted or not covered_s:
        return Decoded("unknown", request.unit, periods, covered_s, (), tuple(found.found))
    tolerance = tolerance_a if request.unit == "A" else tolerance_a * float(state.voltage_v) * state.default_phases
    deviations = tuple(_deviations(wanted, periods, covered_s, tolerance))
    higher = any(_exceeds(one.found, one.wanted) for one in deviations)
    verdict: Verdict = "higher" if higher else "lower" if deviations else "equal"
    silent_s = request.duration_s - covered_s + periods[0].start_s
    if verdict == "equal" and silent_s > TIME_TOLERANCE_S:
        verdict = "unknown"
    return Decoded(verdict, request.unit, periods, covered_s, deviations, tuple(found.found))


def _deviations(
    wanted: Sequence[CompositePeriod], found: Sequence[CompositePeriod], covered_s: int, tolerance: float
) -> Iterator[Deviation]:
    """Yield where the two series differ for longer than the tolerance in time."""
    edges = sorted({p.start_s for p in (*wanted, *found) if p.start_s < covered_s} | {covered_s})
    stretch: list[Deviation] = []
    for start, end in pairwise(edges):
        one, other = _at(wanted, start), _at(found, start)
        if one is None or other is None or _close(one.limit, other.limit, tolerance):
            yield from _long_enough(stretch)
            stretch = []
        elif stretch and (stretch[-1].wanted, stretch[-1].found) == (one.limit, other.limit):
            stretch[-1] = stretch[-1]._replace(end_s=end)
        else:
            stretch.append(Deviation(start, end, one.limit, other.limit))
    yield from _long_enough(stretch)


def _long_enough(stretch: list[Deviation]) -> list[Deviation]:
    """Return a stretch of deviations without a break between them; nothing where all of it is a matter of seconds.

    Seconds at its two ends, where one series changes a little before the other, are left out.
    """
    if not stretch or stretch[-1].end_s - stretch[0].start_s <= TIME_TOLERANCE_S:
        return []
    long = [place for place, run in enumerate(stretch) if run.end_s - run.start_s > TIME_TOLERANCE_S]
    return stretch[long[0] : long[-1] + 1] if long else stretch


def _at(series: Sequence[CompositePeriod], at_s: int) -> CompositePeriod | None:
    place = bisect_right(series, at_s, key=attrgetter("start_s"))
    return series[place - 1] if place else None


def _close(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance * (1 + 1e-9)


def _exceeds(found: float | None, wanted: float | None) -> bool:
    """Tell whether more is allowed than was wanted; no limit is more than any."""
    return wanted is not None and (found is None or found > wanted)


def _in_unit(period: CompositePeriod, given: str, asked: str, state: StationState) -> CompositePeriod:
    if given == asked or period.limit is None:
        return period
    phases = 1 if state.direct_current else period.phases or state.default_phases
    per_ampere = float(state.voltage_v) * phases
    limit = period.limit * per_ampere if asked == "W" else period.limit / per_ampere
    return period._replace(limit=limit)


def _shown(limit: float | None, unit: str) -> str:
    return "no limit" if limit is None else f"{limit:g} {unit}"
