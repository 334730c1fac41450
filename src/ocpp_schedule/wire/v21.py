"""OCPP 2.1: the neutral profile as a SetChargingProfile payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.wire._common import WireTables, encode_profile

if TYPE_CHECKING:
    from ocpp_schedule.profiles.model import ChargingProfile

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
    },
    purposes={
        "tx_default_profile": "TxDefaultProfile",
        "tx_profile": "TxProfile",
    },
    kinds={
        "absolute": "Absolute",
    },
    max_periods=1024,
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
