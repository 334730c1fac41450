"""Whether a station would take a profile, as it stands on the wire, and what to do where not."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ocpp_schedule.delivery.composite import READERS
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.profiles.context import LARGEST_INTEGER, Context, Status, replaced
from ocpp_schedule.profiles.full import FullProfile, Installed
from ocpp_schedule.profiles.moment import moment, read_moment
from ocpp_schedule.profiles.station import DIALECTS, Dialect
from ocpp_schedule.profiles.validation import violations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ocpp_schedule.model.site import OcppVersion

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
CODES_201: Final[Mapping[str, str]] = MappingProxyType({"FormationViolation": "FormatViolation"})
"""OCPP-J of 2.x renamed this error code."""


class Verdict(NamedTuple):
    """What a station answers to a profile.

    Attributes:
        status: ``Accepted``, ``Rejected``, or ``CALLERROR`` where the station answers with an error message.
        reason_code: 2.x: of ``statusInfo``; with ``CALLERROR`` its error code; None in a 1.6 rejection, which has none.
        requirement: id of the requirement that is broken, or the place in standard or schema.
        remedy: what to do.
        replaces: which of ``context["installed"]`` the profile takes the place of, by index.
    """

    status: Status
    reason_code: str | None = None
    requirement: str | None = None
    remedy: str | None = None
    replaces: tuple[int, ...] = ()


def validate(
    profile: object,
    *,
    version: str,
    connector: int,
    context: Mapping[str, Any] = NOTHING,
    dialect: str = "standard",
) -> Verdict:
    """Return what a station answers to a profile; the first rule it breaks is named.

    Nothing that the profile or the context holds raises: what cannot be read is rejected, or passed over.

    Args:
        profile: the wire dict: 1.6 ``csChargingProfiles``, 2.x ``chargingProfile``.
        version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"``.
        connector: where it is to be installed; 0: the whole station.
        context: what the station has: ``transactions`` (EVSE to id), ``installed`` (``{"connector", "profile"}``
            items), ``num_evses``, ``inside``, and capability values under their own names (docs/profiles.md). What
            is absent forbids nothing.
        dialect: whose reading: ``"standard"``, ``"libocpp"`` or ``"microocpp"``.

    Raises:
        InputError: the version or the dialect is not known.

    >>> maximum = {"id": 1, "stackLevel": 0, "chargingProfilePurpose": "ChargingStationMaxProfile",
    ...            "chargingProfileKind": "Relative", "chargingSchedule": [{"id": 1, "chargingRateUnit": "A",
    ...            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}]}]}
    >>> found = validate(maximum, version="2.0.1", connector=0)
    >>> found.status, found.reason_code, found.requirement
    ('Rejected', 'InvalidValue', 'K01.FR.38')
    >>> found.remedy
    'A maximum of the station is not Relative; make it Absolute.'
    """
    return next(verdicts(profile, version=version, connector=connector, context=context, dialect=dialect))


def verdicts(
    profile: object,
    *,
    version: str,
    connector: int,
    context: Mapping[str, Any] = NOTHING,
    dialect: str = "standard",
) -> Iterator[Verdict]:
    """Yield a verdict for every rule that is broken, the first as ``validate`` returns it; else one ``Accepted``.

    Arguments and errors are those of ``validate``.
    """
    problems = [
        InputProblem(name, f"{quoted(value)} is not known; there are {', '.join(allowed)}.")
        for name, value, allowed in (("version", version, tuple(READERS)), ("dialect", dialect, DIALECTS))
        if value not in allowed
    ]
    if problems:
        raise InputError("validate", problems)
    return _verdicts(profile, version, connector, context, cast("Dialect", dialect))


def _verdicts(
    profile: object, version: str, connector: int, context: Mapping[str, Any], dialect: Dialect
) -> Iterator[Verdict]:
    found = READERS[version](profile)
    if not isinstance(found, FullProfile):
        for problem in found:
            code = problem.code if version == "1.6" else CODES_201.get(problem.code, problem.code)
            yield Verdict("CALLERROR", code, f"OCPP {version} schema", str(problem))
        return
    station = read_context(context, cast("OcppVersion", version), connector, dialect)
    accepted = True
    for broken in violations(found, station):
        accepted = False
        reason = None if version == "1.6" and broken.status == "Rejected" else broken.reason
        yield Verdict(broken.status, reason, broken.requirement, broken.remedy)
    if accepted:
        yield Verdict("Accepted", replaces=replaced(found, station))


def read_context(context: object, version: OcppVersion, connector: object, dialect: Dialect) -> Context:
    """Return what a mapping says of a station; what cannot be read is passed over."""
    values: dict[str, Any] = dict(context) if isinstance(context, dict | MappingProxyType) else {}
    transactions: dict[int, int | str | None] = {}
    given = values.get("transactions")
    for evse, number in given.items() if isinstance(given, dict) else ():
        if type(evse) is int or (type(evse) is str and evse.isdecimal() and len(evse) <= len("10000")):
            transactions[int(evse)] = number if type(number) in {int, str} else None
    now = values.get("now")
    if isinstance(now, datetime) and now.tzinfo is not None:
        values["now_s"] = moment(now).utc_s
    elif type(now) is str and (at := read_moment(now)) is not None:
        values["now_s"] = at.utc_s
    inside = values.get("inside")
    return Context(
        version,
        dialect,
        connector if type(connector) is int and abs(connector) <= LARGEST_INTEGER else -1,
        transactions,
        tuple(_installed(values.get("installed"), version)),
        values,
        inside if type(inside) is str else None,
    )


def _installed(items: object, version: str) -> Iterator[Installed]:
    for item in items if isinstance(items, list | tuple) else ():
        place = item.get("connector") if isinstance(item, dict) else None
        if type(place) is int:
            profile = READERS[version](item.get("profile"), strict=False)
            if isinstance(profile, FullProfile):
                yield Installed(place, profile)
