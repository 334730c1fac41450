"""OCPP 1.6: the neutral profile as a SetChargingProfile payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.wire._common import WireTables, encode_profile

if TYPE_CHECKING:
    from ocpp_schedule.profiles.model import ChargingProfile

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
    purposes={
        "tx_default_profile": "TxDefaultProfile",
        "tx_profile": "TxProfile",
    },
    kinds={
        "absolute": "Absolute",
    },
    max_periods=None,
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
