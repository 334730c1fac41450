"""Hypothesis strategies for whole stations with random profiles (needs the ``testing`` extra)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

START: Final = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
"""Half an hour before Central Europe's clocks change."""
DAY_S: Final = 86_400
PURPOSES: Final = {
    "1.6": ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"),
    "2.0.1": (
        "ChargingStationMaxProfile",
        "ChargingStationExternalConstraints",
        "TxDefaultProfile",
        "TxProfile",
    ),
    "2.1": (
        "ChargingStationMaxProfile",
        "ChargingStationExternalConstraints",
        "TxDefaultProfile",
        "TxProfile",
        "PriorityCharging",
        "LocalGeneration",
    ),
}
LIMITS: Final = (0, 6, 8.1, 16, 16.25, 32, 1380, 4140.5, 7360, 11000)


@dataclass(frozen=True, slots=True)
class StationCase:
    """A station, its profiles and a request, as ``composite_schedule`` takes them."""

    version: str
    profiles: list[dict[str, Any]]
    station: dict[str, Any]
    evse: int
    start: datetime
    duration_s: int
    unit: str
    dialect: str


@st.composite
def station_cases(draw: st.DrawFn, version: str) -> StationCase:
    """Draw a station of one OCPP version with up to five profiles of any purpose and kind."""
    evses = draw(st.integers(1, 2))
    count = draw(st.integers(0, 5))
    profiles = [draw(_installed(version, number, evses)) for number in range(1, count + 1)]
    duration_s = draw(st.sampled_from([0, 1, 300, 600, 7200, DAY_S, 3 * DAY_S]))
    return StationCase(
        version=version,
        profiles=profiles,
        station=draw(_stations(version, evses)),
        evse=draw(st.integers(0, evses)),
        start=START,
        duration_s=duration_s,
        unit=draw(st.sampled_from(["A", "W"])),
        dialect=draw(st.sampled_from(["standard", "standard", "libocpp", "microocpp"])),
    )


def _near(draw: st.DrawFn) -> str:
    """Return an instant about the request, a text as a station might write it."""
    seconds = draw(
        st.sampled_from([0, -60, 60, 300, 1800, 3600, -3600, -DAY_S, DAY_S, -10 * DAY_S, 20 * DAY_S, 12_345])
    )
    at = START + timedelta(seconds=seconds)
    return draw(
        st.sampled_from([at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.isoformat(), at.strftime("%Y-%m-%dT%H:%M:%S.250")])
    )


@st.composite
def _installed(draw: st.DrawFn, version: str, number: int, evses: int) -> dict[str, Any]:
    purpose = draw(st.sampled_from(PURPOSES[version]))
    kinds = ["Absolute", "Absolute", "Recurring", "Recurring", "Relative"] + (["Dynamic"] if version == "2.1" else [])
    kind = draw(st.sampled_from(kinds))
    connector = 0 if "Max" in purpose else draw(st.integers(0, evses))
    profile: dict[str, Any] = {
        "chargingProfileId" if version == "1.6" else "id": number,
        "stackLevel": draw(st.integers(0, 2)),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
    }
    if purpose == "TxProfile" and draw(st.booleans()):
        profile["transactionId"] = draw(st.sampled_from([1, 2] if version == "1.6" else ["x", "y"]))
    if kind == "Recurring":
        profile["recurrencyKind"] = draw(st.sampled_from(["Daily", "Daily", "Weekly"]))
    for field in ("validFrom", "validTo"):
        if draw(st.integers(0, 3)) == 0:
            profile[field] = _near(draw)
    if version == "2.1":
        profile |= _life(draw, kind)
    schedule = draw(_schedules(version, kind, number))
    profile["chargingSchedule"] = schedule if version == "1.6" else [schedule]
    return {"connector": connector, "profile": profile}


def _life(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        made["maxOfflineDuration"] = draw(st.sampled_from([0, 300, 1000]))
        made["invalidAfterOfflineDuration"] = draw(st.booleans())
    if kind == "Dynamic" and draw(st.booleans()):
        made["dynUpdateTime"] = _near(draw)
    return made


@st.composite
def _schedules(draw: st.DrawFn, version: str, kind: str, number: int) -> dict[str, Any]:
    count = 1 if kind == "Dynamic" else draw(st.integers(1, 4))
    gaps = draw(st.lists(st.sampled_from([1, 60, 300, 3600, 40_000]), min_size=count - 1, max_size=count - 1))
    starts = [sum(gaps[:index]) for index in range(count)]
    made: dict[str, Any] = {"chargingRateUnit": draw(st.sampled_from(["A", "W"]))}
    made["chargingSchedulePeriod"] = [{"startPeriod": start, **draw(_periods(version))} for start in starts]
    if kind in {"Absolute", "Recurring"}:
        made["startSchedule"] = _near(draw)
    if draw(st.integers(0, 2)) == 0:
        made["duration"] = draw(st.sampled_from([1, 300, 900, 7200, DAY_S, 2 * DAY_S]))
    if draw(st.integers(0, 3)) == 0:
        made["minChargingRate"] = draw(st.sampled_from([0, 6.5, 500]))
    if version != "1.6":
        made["id"] = number
    if version == "2.1":
        if draw(st.integers(0, 3)) == 0:
            made["useLocalTime"] = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            made["randomizedDelay"] = draw(st.sampled_from([0, 60, 4000]))
        if draw(st.integers(0, 4)) == 0:
            made["limitAtSoC"] = {"soc": 80, "limit": draw(st.sampled_from(LIMITS))}
    return made


@st.composite
def _periods(draw: st.DrawFn, version: str) -> dict[str, Any]:
    made: dict[str, Any] = {"limit": draw(st.sampled_from(LIMITS))}
    if draw(st.booleans()):
        made["numberPhases"] = draw(st.sampled_from([1, 2, 3, 3, 0, 7]))
    if version != "2.1" or draw(st.booleans()):
        return made
    if draw(st.integers(0, 5)) == 0:
        return {"operationMode": draw(st.sampled_from(["Idle", "LocalLoadBalancing"]))}
    values = {
        "limit": st.sampled_from(LIMITS),
        "dischargeLimit": st.sampled_from([-value for value in LIMITS]),
        "setpoint": st.sampled_from([sign * value for value in LIMITS for sign in (1, -1)]),
        "setpointReactive": st.sampled_from([sign * value for value in LIMITS for sign in (1, -1)]),
    }
    for quantity, value in values.items():
        if quantity == "limit" or draw(st.booleans()):
            made[quantity] = draw(value)
            if draw(st.integers(0, 2)) == 0:
                made |= {quantity + line: draw(value) for line in ("_L2", "_L3")}
    return made


@st.composite
def _stations(draw: st.DrawFn, version: str, evses: int) -> dict[str, Any]:
    numbers = [None, 1, 2] if version == "1.6" else [None, "x", "y"]
    transactions = {
        evse: {"id": draw(st.sampled_from(numbers)), "start": draw(st.sampled_from([None, "2026-03-29T00:10:00Z"]))}
        for evse in range(1, evses + 1)
        if draw(st.booleans())
    }
    made: dict[str, Any] = {
        "num_evses": evses,
        "supply_voltage": draw(st.sampled_from([230, 230, 120, 230.94])),
        "default_number_phases": draw(st.sampled_from([3, 3, 1])),
        "default_limit_A": draw(st.sampled_from([None, 48])),
        "default_limit_W": draw(st.sampled_from([None, 33120])),
        "transactions": transactions,
        "assume_transaction_on_every_evse": draw(st.booleans()),
    }
    if version == "2.1":
        made |= {
            "offline_for_s": draw(st.sampled_from([None, None, 0, 200, 2000])),
            "was_offline_for_s": draw(st.sampled_from([0, 300, 500])),
            "priority_charging": draw(st.sampled_from([[], [1], [1, 2]])),
            "soc_percent": draw(st.sampled_from([{}, {1: 80}, {1: 81, 2: 90.5}])),
            "time_zone": draw(st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York"])),
            "random_delays_s": {number: draw(st.sampled_from([[], [30], [900, 10, 3000]])) for number in (1, 2, 3)},
        }
    return made
