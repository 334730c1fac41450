"""What a station holds after it got its messages: read back from the wire, judged as it would judge them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.delivery.composite import READERS
from ocpp_schedule.delivery.lint import ENVELOPE_BYTES
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.profiles.context import Context, replaced
from ocpp_schedule.profiles.full import FullPeriod, FullProfile, Installed
from ocpp_schedule.profiles.validation import violations
from ocpp_schedule.units import MICROAMPERES_PER_AMPERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.model.capabilities import Capabilities
    from ocpp_schedule.model.carriers import LimitCarrier
    from ocpp_schedule.model.site import Connector, Site, Station

PROVEN_PURPOSES: Final = frozenset({"charging_station_max_profile", "tx_default_profile", "tx_profile"})
REFUSED_MEND: Final = "send what it takes (docs/profiles.md)"


@dataclass(slots=True)
class Received:
    """What one station holds.

    Attributes:
        station: the station.
        evses: connector by EVSE number.
        profiles: what is installed, in the order in which it came.
        ceilings: limits outside profiles by EVSE [millionths of A or W]; 0: all together.
        faults: what it refuses, or what cannot be reckoned with: why, and what would mend it.
    """

    station: Station
    evses: dict[int, Connector]
    profiles: list[Installed] = field(default_factory=list)
    ceilings: dict[int, int] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def receive(
    site: Site, messages: Iterable[OcppMessage], running: Mapping[str, int | str | None]
) -> dict[str, Received]:
    """Return what each station holds once it got all messages.

    Args:
        site: the topology.
        messages: in the order in which they go out.
        running: transaction id by connector, where one runs.

    Raises:
        InputError: a message names a station that the site does not have.
    """
    found = {station.id: Received(station, {}) for station in site.stations}
    for connector in site.connectors:
        found[connector.station].evses[connector.evse_id] = connector
    contexts = {name: _values(one.station.capabilities, one.evses) for name, one in found.items()}
    unknown = []
    for index, message in enumerate(messages):
        held = found.get(message["station"])
        if held is None:
            what = f"station {message['station']!r} does not exist in the site; pass the messages of its own plan."
            unknown.append(InputProblem(f"messages[{index}]", what))
        elif message["action"] == "SetChargingProfile":
            _take_profile(held, message, contexts[message["station"]], running)
        else:
            _take_ceiling(held, message)
    if unknown:
        raise InputError("prove()", unknown)
    return found


def _values(known: Capabilities, evses: Mapping[int, Connector]) -> dict[str, Any]:
    """Return what a station is known to take, under the names that validation uses."""
    values = {
        "num_evses": max(evses, default=1),
        "ChargingScheduleMaxPeriods": known.max_periods,
        "MaxChargingProfilesInstalled": known.max_profiles,
        "RateUnit": ",".join(known.rate_units),
        "ChargingScheduleAllowedChargingRateUnit": ",".join(known.rate_units),
    }
    return {name: value for name, value in values.items() if value is not None}


def _take_profile(
    held: Received, message: OcppMessage, values: Mapping[str, Any], running: Mapping[str, int | str | None]
) -> None:
    payload, version = message["payload"], message["version"]
    evse = payload["connectorId"] if version == "1.6" else payload["evseId"]
    wire = payload["csChargingProfiles"] if version == "1.6" else payload["chargingProfile"]
    profile = READERS[version](wire, strict=False)
    if not isinstance(profile, FullProfile):
        held.faults.append((f"it cannot read a profile ({profile[0]})", REFUSED_MEND))
        return
    if evse in held.evses and held.evses[evse].current_type == "DC":
        values = {**values, "evse_current_type": "DC"}
    transactions = {at: running[one.id] for at, one in held.evses.items() if one.id in running}
    context = Context(version, "standard", evse, transactions, tuple(held.profiles), values, None)
    known = held.station.capabilities
    refusal = next(_too_long(payload, known), None) or next(_refusals(profile, context, known), None)
    if refusal is not None:
        held.faults.append((f"it refuses profile {profile.id} on EVSE {evse} ({refusal})", REFUSED_MEND))
        return
    unproven = next(_beyond(profile), None)
    if unproven is not None:
        held.faults.append((f"profile {profile.id} on EVSE {evse} {unproven}", "send a profile without it"))
    gone = set(replaced(profile, context))
    held.profiles = [one for at, one in enumerate(held.profiles) if at not in gone]
    held.profiles.append(Installed(evse, profile))


def _refusals(profile: FullProfile, context: Context, known: Capabilities) -> Iterator[str]:
    """Yield why a station would not take a profile."""
    for violation in violations(profile, context):
        yield f"{violation.requirement}: {violation.remedy.rstrip('.')}"
    if profile.purpose not in known.purposes:
        yield f"purpose {profile.purpose}, it takes {', '.join(known.purposes)}"
    if profile.kind not in known.kinds:
        yield f"kind {profile.kind}, it takes {', '.join(known.kinds)}"
    if known.stack_levels is not None and profile.stack_level not in known.stack_levels:
        yield f"level {profile.stack_level}, it takes {', '.join(map(str, known.stack_levels))}"


def _too_long(payload: Mapping[str, Any], known: Capabilities) -> Iterator[str]:
    if known.max_message_bytes is not None:
        size = len(json.dumps(payload, separators=(",", ":"))) + ENVELOPE_BYTES
        if size > known.max_message_bytes:
            yield f"{size} bytes, it reads {known.max_message_bytes}"


def _beyond(profile: FullProfile) -> Iterator[str]:
    """Yield what of a profile depends on more than a clock and a transaction."""
    schedule = profile.schedules[0]
    times = len(schedule.periods) > 1 or schedule.duration_s is not None
    for used, text in (
        (profile.purpose not in PROVEN_PURPOSES, f"has purpose {profile.purpose}"),
        (profile.kind in {"dynamic", "recurring"}, f"is {profile.kind}"),
        (profile.kind == "relative" and times, "is relative with times, and nobody knows from when they count"),
        (profile.max_offline_s is not None, "ends while the link is down"),
        (bool(schedule.randomized_delay_s), "starts its periods at random"),
        (schedule.use_local_time is True, "counts local time"),
        (schedule.limit_at_soc is not None, "depends on the car's state of charge"),
        (len(profile.schedules) > 1, "has several schedules, of which the car chooses"),
        (any(period[3:] != _REST for period in schedule.periods), "says more than one limit per period"),
    ):
        if used:
            yield text


_REST: Final = (None,) * (len(FullPeriod._fields) - 3)
"""What a period holds beside start, limit and phases."""


def _take_ceiling(held: Received, message: OcppMessage) -> None:
    carrier = held.station.capabilities.limit_carrier
    for key, value in _written(message):
        evse = next((at for at in (0, *held.evses) if carrier is not None and _is_key(carrier, at, key)), None)
        if carrier is None or evse is None:
            held.faults.append((f"nothing says what its key {key!r} does", "describe it as limit_carrier"))
        elif not value.isdecimal() or not carrier.lowest <= int(value) <= carrier.highest:
            told = f"it refuses {value!r} for its key {key!r}, which takes {carrier.lowest} to {carrier.highest}"
            held.faults.append((told, "write what it takes"))
        else:
            exact = Fraction(int(value) * MICROAMPERES_PER_AMPERE, carrier.per_unit)
            held.ceilings[evse] = -(-exact.numerator // exact.denominator)


def _is_key(carrier: LimitCarrier, evse: int, key: str | tuple[str, int]) -> bool:
    if (carrier.scope == "station") is not (evse == 0):
        return False
    return key == (carrier.key_of(evse) if isinstance(key, str) else (carrier.key_of(evse), evse))


def _written(message: OcppMessage) -> Iterator[tuple[str | tuple[str, int], str]]:
    """Yield what is written where: a key, or in 2.x a variable and its EVSE."""
    payload = message["payload"]
    if message["version"] == "1.6":
        yield payload["key"], payload["value"]
        return
    variables: Sequence[Mapping[str, Any]] = payload["setVariableData"]
    for one in variables:
        evse = one["component"].get("evse", {}).get("id", 0)
        yield (one["variable"]["name"], evse), one["attributeValue"]
