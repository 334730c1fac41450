"""Whole stations with random profiles: from any source of numbers, or as a hypothesis strategy (``testing`` extra)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

Pick = Callable[[int, int], int]
"""Gives a whole number from the first to the second, both included."""
Choice = TypeVar("Choice")

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
    """Draw a station of one OCPP version with up to six profiles of any purpose and kind."""
    return station_case(version, lambda low, high: draw(st.integers(low, high)))


def station_case(version: str, pick: Pick) -> StationCase:
    """Return a station of one OCPP version with up to six profiles of any purpose and kind.

    Args:
        version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"``.
        pick: where chance comes from; the same picks give the same station.

    >>> case = station_case("1.6", lambda low, high: high)
    >>> len(case.profiles), case.unit, case.dialect
    (6, 'W', 'microocpp')
    """
    evses = pick(1, 2)
    count = pick(0, 6)
    profiles = [_installed(pick, version, number, evses) for number in range(1, count + 1)]
    return StationCase(
        version=version,
        profiles=profiles,
        station=_station(pick, version, evses),
        evse=pick(0, evses),
        start=START,
        duration_s=_one(pick, (pick(0, 600), 600, 7200, DAY_S, DAY_S, 3 * DAY_S)),
        unit=_one(pick, ("A", "W")),
        dialect=_one(pick, ("standard", "standard", "libocpp", "microocpp")),
    )


def _one(pick: Pick, options: Sequence[Choice]) -> Choice:
    return options[pick(0, len(options) - 1)]


def _is(pick: Pick, *, one_in: int = 2) -> bool:
    return pick(1, one_in) == 1


def _near(pick: Pick) -> str:
    """Return an instant about the request, a text as a station might write it."""
    seconds = _one(pick, (0, -30, 60, 301, -250, 1800, 5000, -3600, -10 * DAY_S, DAY_S, 20 * DAY_S, 40_345))
    at = START + timedelta(seconds=seconds)
    return _one(pick, (at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.isoformat(), at.strftime("%Y-%m-%dT%H:%M:%S.250")))


def _installed(pick: Pick, version: str, number: int, evses: int) -> dict[str, Any]:
    purpose = _one(pick, PURPOSES[version])
    kinds = ["Absolute", "Absolute", "Recurring", "Recurring", "Relative"] + (["Dynamic"] if version == "2.1" else [])
    kind = _one(pick, kinds)
    connector = 0 if "Max" in purpose else pick(0, evses)
    profile: dict[str, Any] = {
        "chargingProfileId" if version == "1.6" else "id": number,
        "stackLevel": pick(0, 2),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
    }
    if purpose == "TxProfile" and _is(pick):
        profile["transactionId"] = pick(1, 2) if version == "1.6" else _one(pick, ("x", "y"))
    if kind == "Recurring":
        profile["recurrencyKind"] = _one(pick, ("Daily", "Daily", "Weekly"))
    for field in ("validFrom", "validTo"):
        if _is(pick, one_in=6):
            profile[field] = _near(pick)
    if version == "2.1":
        profile |= _life(pick, kind)
    schedule = _schedule(pick, version, kind, number)
    profile["chargingSchedule"] = schedule if version == "1.6" else [schedule]
    return {"connector": connector, "profile": profile}


def _life(pick: Pick, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if _is(pick, one_in=4):
        made["maxOfflineDuration"] = _one(pick, (0, 300, 1000))
        made["invalidAfterOfflineDuration"] = _is(pick)
    if kind == "Dynamic" and _is(pick):
        made["dynUpdateTime"] = _near(pick)
    return made


def _schedule(pick: Pick, version: str, kind: str, number: int) -> dict[str, Any]:
    starts = [0]
    for _ in range(0 if kind == "Dynamic" else pick(0, 4)):
        starts.append(starts[-1] + _one(pick, (1, 60, 127, 300, 3600, 40_000)))
    made: dict[str, Any] = {"chargingRateUnit": _one(pick, ("A", "W"))}
    made["chargingSchedulePeriod"] = [{"startPeriod": start, **_period(pick, version)} for start in starts]
    if kind in {"Absolute", "Recurring"}:
        made["startSchedule"] = _near(pick)
    if _is(pick, one_in=3):
        made["duration"] = _one(pick, (1, 300, 900, 7200, DAY_S, 2 * DAY_S))
    if _is(pick, one_in=4):
        made["minChargingRate"] = _one(pick, (0, 6.5, 500))
    if version != "1.6":
        made["id"] = number
    if version == "2.1":
        if _is(pick, one_in=4):
            made["useLocalTime"] = _is(pick)
        if _is(pick, one_in=4):
            made["randomizedDelay"] = _one(pick, (0, 60, 4000))
        if _is(pick, one_in=5):
            made["limitAtSoC"] = {"soc": 80, "limit": _one(pick, LIMITS)}
    return made


def _period(pick: Pick, version: str) -> dict[str, Any]:
    made: dict[str, Any] = {"limit": _one(pick, LIMITS)}
    if _is(pick):
        made["numberPhases"] = _one(pick, (1, 2, 3, 3, 0, 7))
    if version != "2.1" or _is(pick):
        return made
    if _is(pick, one_in=6):
        return {"operationMode": _one(pick, ("Idle", "LocalLoadBalancing"))}
    for quantity, signs in (
        ("limit", (1,)),
        ("dischargeLimit", (-1,)),
        ("setpoint", (1, -1)),
        ("setpointReactive", (1, -1)),
    ):
        if quantity == "limit" or _is(pick):
            lines = ("", "_L2", "_L3") if _is(pick, one_in=3) else ("",)
            made |= {quantity + line: _one(pick, signs) * _one(pick, LIMITS) for line in lines}
    return made


def _station(pick: Pick, version: str, evses: int) -> dict[str, Any]:
    numbers = (None, 1, 2) if version == "1.6" else (None, "x", "y")
    transactions = {
        evse: {"id": _one(pick, numbers), "start": _one(pick, (None, "2026-03-29T00:10:00Z"))}
        for evse in range(1, evses + 1)
        if not _is(pick, one_in=3)
    }
    made: dict[str, Any] = {
        "num_evses": evses,
        "supply_voltage": _one(pick, (230, 230, 120, 230.94)),
        "default_number_phases": _one(pick, (3, 3, 1)),
        "evse_current_type": _one(pick, ("AC", "AC", "AC", "DC")),
        "default_limit_A": _one(pick, (None, 48)),
        "default_limit_W": _one(pick, (None, 33120)),
        "transactions": transactions,
        "assume_transaction_on_every_evse": _is(pick),
    }
    if version == "2.1":
        made |= {
            "offline_for_s": _one(pick, (None, None, 0, 200, 2000)),
            "was_offline_for_s": _one(pick, (0, 300, 500)),
            "priority_charging": _one(pick, ([], [1], [1, 2])),
            "soc_percent": _one(pick, ({}, {1: 80}, {1: 81, 2: 90.5})),
            "time_zone": _one(pick, ("UTC", "Europe/Amsterdam", "America/New_York")),
            "random_delays_s": {number: _one(pick, ([], [30], [900, 10, 3000])) for number in (1, 2, 3)},
        }
    return made
