"""OCPP 2.1: the neutral profile as a SetChargingProfile payload, and every profile in both directions."""

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
    "charging_station_max_profile": "ChargingStationMaxProfile",
    "charging_station_external_constraints": "ChargingStationExternalConstraints",
    "priority_charging": "PriorityCharging",
    "local_generation": "LocalGeneration",
}
KINDS: Final = {
    "absolute": "Absolute",
    "recurring": "Recurring",
    "relative": "Relative",
    "dynamic": "Dynamic",
}
OPERATION_MODES: Final = {
    "idle": "Idle",
    "charging_only": "ChargingOnly",
    "central_setpoint": "CentralSetpoint",
    "external_setpoint": "ExternalSetpoint",
    "external_limits": "ExternalLimits",
    "central_frequency": "CentralFrequency",
    "local_frequency": "LocalFrequency",
    "local_load_balancing": "LocalLoadBalancing",
}
TABLES: Final = WireTables(
    version="2.1",
    profile={
        "id": "id",
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
        "setpoint_tenths": "setpoint",
    },
    purposes=PURPOSES,
    kinds=KINDS,
    max_periods=1024,
    # Neither charging nor more discharging than planned, whatever else the station might take into account.
    giving={"dischargeLimit": None, "operationMode": "CentralSetpoint"},
)
FIELDS: Final = FieldTables(
    version="2.1",
    profile={
        "id": Field("id", "integer", required=True),
        "transaction_id": Field("transactionId", "text"),
        "stack_level": Field("stackLevel", "integer", required=True),
        "purpose": Field("chargingProfilePurpose", "choice", required=True),
        "kind": Field("chargingProfileKind", "choice", required=True),
        "recurrency": Field("recurrencyKind", "choice"),
        "valid_from": Field("validFrom", "time"),
        "valid_to": Field("validTo", "time"),
        "max_offline_s": Field("maxOfflineDuration", "integer"),
        "invalid_after_offline": Field("invalidAfterOfflineDuration", "boolean"),
        "dyn_update_interval_s": Field("dynUpdateInterval", "integer"),
        "dyn_update_time": Field("dynUpdateTime", "time"),
        "price_schedule_signature": Field("priceScheduleSignature", "text"),
        "schedules": Field("chargingSchedule", "list", required=True),
        "custom_data": Field("customData", "json"),
    },
    schedule={
        "id": Field("id", "integer", required=True),
        "start": Field("startSchedule", "time"),
        "duration_s": Field("duration", "integer"),
        "unit": Field("chargingRateUnit", "choice", required=True),
        "periods": Field("chargingSchedulePeriod", "list", required=True),
        "min_charging_rate": Field("minChargingRate", "number"),
        "power_tolerance": Field("powerTolerance", "number"),
        "signature_id": Field("signatureId", "integer"),
        "digest_value": Field("digestValue", "text"),
        "limit_at_soc": Field("limitAtSoC", "record"),
        "use_local_time": Field("useLocalTime", "boolean"),
        "randomized_delay_s": Field("randomizedDelay", "integer"),
        "sales_tariff": Field("salesTariff", "json"),
        "absolute_price_schedule": Field("absolutePriceSchedule", "json"),
        "price_level_schedule": Field("priceLevelSchedule", "json"),
        "custom_data": Field("customData", "json"),
    },
    period={
        "start_s": Field("startPeriod", "integer", required=True),
        "limit": Field("limit", "number"),
        "limit_l2": Field("limit_L2", "number"),
        "limit_l3": Field("limit_L3", "number"),
        "phases": Field("numberPhases", "integer"),
        "phase_to_use": Field("phaseToUse", "integer"),
        "discharge_limit": Field("dischargeLimit", "number"),
        "discharge_limit_l2": Field("dischargeLimit_L2", "number"),
        "discharge_limit_l3": Field("dischargeLimit_L3", "number"),
        "setpoint": Field("setpoint", "number"),
        "setpoint_l2": Field("setpoint_L2", "number"),
        "setpoint_l3": Field("setpoint_L3", "number"),
        "setpoint_reactive": Field("setpointReactive", "number"),
        "setpoint_reactive_l2": Field("setpointReactive_L2", "number"),
        "setpoint_reactive_l3": Field("setpointReactive_L3", "number"),
        "operation_mode": Field("operationMode", "choice"),
        "evse_sleep": Field("evseSleep", "boolean"),
        "preconditioning_request": Field("preconditioningRequest", "boolean"),
        "v2x_baseline": Field("v2xBaseline", "number"),
        "v2x_freq_watt_curve": Field("v2xFreqWattCurve", "json"),
        "v2x_signal_watt_curve": Field("v2xSignalWattCurve", "json"),
        "custom_data": Field("customData", "json"),
    },
    limit_at_soc={
        "soc_percent": Field("soc", "integer", required=True),
        "limit": Field("limit", "number", required=True),
        "custom_data": Field("customData", "json"),
    },
    choices={
        "purpose": PURPOSES,
        "kind": KINDS,
        "recurrency": RECURRENCIES,
        "unit": UNITS,
        "operation_mode": OPERATION_MODES,
    },
)


def set_charging_profile(evse_id: int, profile: ChargingProfile, *, where: str = "profile") -> dict[str, Any]:
    """Return the payload of SetChargingProfile, with a list of one schedule whose id is the profile's.

    Args:
        evse_id: number of the EVSE within the station.
        profile: what to install.
        where: session and connector, for messages.

    Raises:
        InputError: OCPP 2.1 cannot carry what the profile holds; its transaction id must be a text.

    >>> from datetime import UTC, datetime
    >>> from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule
    >>> schedule = ChargingSchedule(datetime(1970, 1, 1, tzinfo=UTC), "A", (ChargingPeriod(0, 61, 1),))
    >>> floor = ChargingProfile(101, "tx_default_profile", "absolute", 0, None, schedule)
    >>> set_charging_profile(1, floor)["chargingProfile"]["chargingSchedule"][0]["id"]
    101
    """
    wire = encode_profile(profile, TABLES, where)
    wire["chargingSchedule"] = [{"id": profile.id, **wire["chargingSchedule"]}]
    return {"evseId": evse_id, "chargingProfile": wire}


def read_profile(wire: object, *, where: str = "profile", strict: bool = True) -> FullProfile | tuple[WireProblem, ...]:
    """Return a ChargingProfile of OCPP 2.1 in neutral form, or all that is wrong with its form; never raises.

    Args:
        wire: what ``json.loads`` made of it, with floats or with ``parse_float=Decimal``.
        where: its place, for the problems.
        strict: an unknown field is a problem; otherwise it is passed over.

    >>> wire = {"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
    ...         "chargingProfileKind": "Relative", "chargingSchedule":
    ...         [{"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.1}]}]}
    >>> read_profile(wire).schedules[0].periods[0].limit
    Decimal('6.1')
    >>> read_profile({**wire, "stackLevel": "high"})[0].where
    'profile.stackLevel'
    >>> write_profile(read_profile(wire)) == wire
    True
    """
    return read_full(wire, FIELDS, where, strict=strict)


def write_profile(profile: FullProfile, *, where: str = "profile") -> dict[str, Any]:
    """Return the ChargingProfile of OCPP 2.1; what ``read_profile`` read is written as it was.

    Raises:
        InputError: OCPP 2.1 cannot carry a field or value that is set, or wants one that is not.
    """
    return write_full(profile, FIELDS, where)
