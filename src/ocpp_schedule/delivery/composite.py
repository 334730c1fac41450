"""The composite schedule of profiles as they stand on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.profiles.composite import CompositePeriod, Request, evaluate
from ocpp_schedule.profiles.full import FullProfile, Installed
from ocpp_schedule.profiles.moment import moment, read_moment
from ocpp_schedule.profiles.station import DIALECTS, Dialect, read_station
from ocpp_schedule.wire import v16, v21, v201

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.wire._read import WireProblem

READERS: Final[Mapping[str, Callable[..., FullProfile | tuple[WireProblem, ...]]]] = MappingProxyType(
    {"1.6": v16.read_profile, "2.0.1": v201.read_profile, "2.1": v21.read_profile}
)
LONGEST_S: Final = 366 * 86_400
"""A year: a recurrence has a run per day, and no station plans further."""


def composite_schedule(
    profiles: Iterable[Mapping[str, Any]],
    *,
    version: str,
    evse: int,
    start: datetime | str,
    duration_s: int,
    unit: str,
    station: Mapping[str, Any],
    dialect: str = "standard",
) -> tuple[CompositePeriod, ...]:
    """Return what a station does with all its profiles together.

    Args:
        profiles: ``{"connector", "profile"}`` items: where a profile is installed (0: the whole station), and the
            wire dict of OCPP ``version`` (1.6 ``csChargingProfiles``, 2.x ``chargingProfile``).
        version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"``.
        evse: EVSE (2.x) or connector (1.6); 0: the whole station.
        start: an aware datetime, or a text of the wire (without offset: UTC).
        duration_s: how far, at most a year; 0 gives what is in force at ``start``.
        unit: ``"A"`` or ``"W"``.
        station: what is known of it; docs/profiles.md names the keys. ``{}`` is one EVSE at 230 V, no transaction.
        dialect: whose reading: ``"standard"``, ``"libocpp"`` or ``"microocpp"``; docs/profiles.md says where they
            differ.

    Returns:
        Periods from 0 on, equal neighbours merged. Converted values are cut to one decimal; ``limit`` None says
        that nothing limits.

    Raises:
        InputError: an argument cannot be, or a profile cannot be read; every problem is named.

    >>> default = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
    ...            "chargingProfileKind": "Relative", "chargingSchedule": {"chargingRateUnit": "A",
    ...            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}, {"startPeriod": 1800, "limit": 16.5}]}}
    >>> found = composite_schedule([{"connector": 0, "profile": default}], version="1.6", evse=1,
    ...     start="2026-01-15T08:00:00Z", duration_s=3600, unit="W",
    ...     station={"transactions": {1: {"start": "2026-01-15T07:45:00Z"}}})
    >>> [(period.start_s, period.limit) for period in found]
    [(0, 4140.0), (900, 11385.0)]
    """
    problems = list(argument_problems(version, evse, duration_s, unit, dialect))
    if problems:
        raise InputError("composite schedule", problems)
    at_s = instant_s(start)
    state = read_station(station, cast("OcppVersion", version))
    if evse > state.num_evses:
        what = f"{evse}, but the station has {state.num_evses}; give one of them, or num_evses in station."
        raise InputError("composite schedule", [InputProblem("evse", what)])
    installed = read_installed(profiles, version)
    request = Request(evse, at_s, duration_s, cast("RateUnit", unit), cast("Dialect", dialect))
    return evaluate(installed, state, request)


def read_installed(profiles: Iterable[Mapping[str, Any]], version: str) -> list[Installed]:
    """Return profiles with their places.

    Raises:
        InputError: an item cannot be read; every problem of every item is named.
    """
    if not isinstance(profiles, Iterable):
        what = f'{quoted(profiles)} are no profiles; give a list of {{"connector", "profile"}} items.'
        raise InputError("composite schedule", [InputProblem("profiles", what)])
    read = READERS[version]
    problems: list[InputProblem] = []
    found: list[Installed] = []
    for index, item in enumerate(profiles):
        where = f"profiles[{index}]"
        connector = item.get("connector") if isinstance(item, dict) else None
        if type(connector) is not int or connector < 0 or "profile" not in item:
            problems.append(InputProblem(where, 'give {"connector": 0 or more, "profile": {...}}.'))
            continue
        profile = read(item["profile"], where=where, strict=False)
        if isinstance(profile, FullProfile):
            found.append(Installed(connector, profile))
        else:
            problems.extend(profile)
    if problems:
        raise InputError("composite schedule", problems)
    return found


def argument_problems(version: str, evse: int, duration_s: int, unit: str, dialect: str) -> Iterable[InputProblem]:
    """Yield what is wrong with the plain arguments of a question about a composite schedule."""
    for name, value, allowed in (
        ("version", version, tuple(READERS)),
        ("unit", unit, ("A", "W")),
        ("dialect", dialect, DIALECTS),
    ):
        if value not in allowed:
            yield InputProblem(name, f"{quoted(value)} is not known; there are {', '.join(allowed)}.")
    for name, number, most in (("evse", evse, 2**31), ("duration_s", duration_s, LONGEST_S)):
        if type(number) is not int or not 0 <= number <= most:
            yield InputProblem(name, f"{quoted(number)} cannot be; give a whole number from 0 to {most}.")


def instant_s(start: datetime | str) -> int:
    """Return seconds since 1970; raise ``InputError`` for what is no instant or has no zone."""
    if isinstance(start, str):
        found = read_moment(start)
        if found is None:
            what = f"{start[:40]!r} is no instant; write it like 2026-01-15T07:30:00Z."
            raise InputError("composite schedule", [InputProblem("start", what)])
        return found.utc_s
    if not isinstance(start, datetime):
        what = f"{quoted(start)} is no instant; give an aware datetime, or a text like 2026-01-15T07:30:00Z."
        raise InputError("composite schedule", [InputProblem("start", what)])
    if start.tzinfo is None:
        what = f"{start.isoformat()} has no zone; give an aware datetime."
        raise InputError("composite schedule", [InputProblem("start", what)])
    return moment(start).utc_s
