"""OCPP 1.6: the neutral profile as a SetChargingProfile payload, and every profile in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.wire._common import WireTables, encode_profile
from ocpp_schedule.wire._fields import RECURRENCIES, UNITS, Field, FieldTables
from ocpp_schedule.wire._read import WireProblem, read_full
from ocpp_schedule.wire._write import write_full

if TYPE_CHECKING:
    from ocpp_schedule.profiles.full import FullProfile
    from ocpp_schedule.profiles.model import ChargingProfile

PURPOSES: Final = {
    "tx_default_profile": "TxDefaultProfile",
    "tx_profile": "TxProfile",
    "charging_station_max_profile": "ChargePointMaxProfile",
}
KINDS: Final = {
    "absolute": "Absolute",
    "recurring": "Recurring",
    "relative": "Relative",
}
TABLES: Final = WireTables(
    version="1.6",
    profile={
        "id": "chargingProfileId",
        "transaction_id": "transactionId",
        "stack_level": "stackLevel",
        "purpose": "chargingProfilePurpose",
        "kind": "chargingProfileKind",
        "schedule": "chargingSchedule",
    },
    schedule={
        "start": "startSchedule",
        "unit": "chargingRateUnit",
        "periods": "chargingSchedulePeriod",
    },
    period={
        "start_s": "startPeriod",
        "limit_tenths": "limit",
        "phases": "numberPhases",
    },
    purposes=PURPOSES,
    kinds=KINDS,
    max_periods=None,
)
FIELDS: Final = FieldTables(
    version="1.6",
    profile={
        "id": Field("chargingProfileId", "integer", required=True),
        "transaction_id": Field("transactionId", "integer"),
        "stack_level": Field("stackLevel", "integer", required=True),
        "purpose": Field("chargingProfilePurpose", "choice", required=True),
        "kind": Field("chargingProfileKind", "choice", required=True),
        "recurrency": Field("recurrencyKind", "choice"),
        "valid_from": Field("validFrom", "time"),
        "valid_to": Field("validTo", "time"),
        "schedules": Field("chargingSchedule", "one", required=True),
    },
    schedule={
        "duration_s": Field("duration", "integer"),
        "start": Field("startSchedule", "time"),
        "unit": Field("chargingRateUnit", "choice", required=True),
        "periods": Field("chargingSchedulePeriod", "list", required=True),
        "min_charging_rate": Field("minChargingRate", "number"),
    },
    period={
        "start_s": Field("startPeriod", "integer", required=True),
        "limit": Field("limit", "number", required=True),
        "phases": Field("numberPhases", "integer"),
    },
    limit_at_soc={},
    choices={
        "purpose": PURPOSES,
        "kind": KINDS,
        "recurrency": RECURRENCIES,
        "unit": UNITS,
    },
)


def set_charging_profile(evse_id: int, profile: ChargingProfile, *, where: str = "profile") -> dict[str, Any]:
    """Return the payload of SetChargingProfile.

    Args:
        evse_id: number of the connector within the station.
        profile: what to install.
        where: session and connector, for messages.

    Raises:
        InputError: OCPP 1.6 cannot carry what the profile holds; its transaction id must be an integer.

    >>> from datetime import UTC, datetime
    >>> from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule
    >>> schedule = ChargingSchedule(datetime(1970, 1, 1, tzinfo=UTC), "A", (ChargingPeriod(0, 61, 1),))
    >>> floor = ChargingProfile(101, "tx_default_profile", "absolute", 0, None, schedule)
    >>> set_charging_profile(1, floor)["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    [{'startPeriod': 0, 'limit': 6.1, 'numberPhases': 1}]
    """
    return {"connectorId": evse_id, "csChargingProfiles": encode_profile(profile, TABLES, where)}


def read_profile(wire: object, *, where: str = "profile", strict: bool = True) -> FullProfile | tuple[WireProblem, ...]:
    """Return a ChargingProfile of OCPP 1.6 in neutral form, or all that is wrong with its form; never raises.

    Args:
        wire: what ``json.loads`` made of it, with floats or with ``parse_float=Decimal``.
        where: its place, for the problems.
        strict: an unknown field is a problem; otherwise it is passed over.

    >>> wire = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
    ...         "chargingProfileKind": "Relative", "chargingSchedule":
    ...         {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.1}]}}
    >>> read_profile(wire).schedules[0].periods[0].limit
    Decimal('6.1')
    >>> read_profile({**wire, "stackLevel": "high"})[0].where
    'profile.stackLevel'
    >>> write_profile(read_profile(wire)) == wire
    True
    """
    return read_full(wire, FIELDS, where, strict=strict)


def write_profile(profile: FullProfile, *, where: str = "profile") -> dict[str, Any]:
    """Return the ChargingProfile of OCPP 1.6; what ``read_profile`` read is written as it was.

    Raises:
        InputError: OCPP 1.6 cannot carry a field or value that is set, or wants one that is not.
    """
    return write_full(profile, FIELDS, where)
