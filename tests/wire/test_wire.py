"""Each version's payload, field by field, and what a version refuses to carry."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps, loads
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_schedule.errors import InputError
from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule
from ocpp_schedule.wire import v16, v21, v201

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[..., dict[str, Any]]

START = datetime(2026, 1, 14, 23, 59, tzinfo=UTC)
SCHEDULE = ChargingSchedule(
    START, "A", (ChargingPeriod(0, 0, 1), ChargingPeriod(3660, 161, 1), ChargingPeriod(7260, 60))
)
RUNNING = ChargingProfile(103, "tx_profile", "absolute", 1, "1041", SCHEDULE)
FLOOR = ChargingProfile(101, "tx_default_profile", "absolute", 0, None, SCHEDULE)

WRITTEN = [
    {"startPeriod": 0, "limit": 0.0, "numberPhases": 1},
    {"startPeriod": 3660, "limit": 16.1, "numberPhases": 1},
    {"startPeriod": 7260, "limit": 6.0},
]
V2 = pytest.mark.parametrize("module", [pytest.param(v201, id="2.0.1"), pytest.param(v21, id="2.1")])
ALL = pytest.mark.parametrize(
    "write",
    [
        pytest.param(v16.set_charging_profile, id="1.6"),
        pytest.param(v201.set_charging_profile, id="2.0.1"),
        pytest.param(v21.set_charging_profile, id="2.1"),
    ],
)


def test_version_1_6() -> None:
    profile = dataclasses.replace(RUNNING, transaction_id=1041)
    assert v16.set_charging_profile(2, profile) == {
        "connectorId": 2,
        "csChargingProfiles": {
            "chargingProfileId": 103,
            "transactionId": 1041,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": "2026-01-14T23:59:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": WRITTEN,
            },
        },
    }


@V2
def test_version_2(module: Any) -> None:
    assert module.set_charging_profile(2, RUNNING) == {
        "evseId": 2,
        "chargingProfile": {
            "id": 103,
            "transactionId": "1041",
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [
                {
                    "id": 103,
                    "startSchedule": "2026-01-14T23:59:00Z",
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": WRITTEN,
                }
            ],
        },
    }


@ALL
def test_without_a_transaction_the_field_is_absent(write: Write) -> None:
    (profile,) = (value for value in write(1, FLOOR).values() if isinstance(value, dict))
    assert "transactionId" not in profile
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert profile["stackLevel"] == 0


@given(tenths=st.integers(0, 10**8))
def test_limits_are_written_exactly(tenths: int) -> None:
    schedule = ChargingSchedule(START, "W", (ChargingPeriod(0, tenths, 3),))
    payload = v16.set_charging_profile(1, dataclasses.replace(FLOOR, schedule=schedule))
    (period,) = loads(dumps(payload), parse_float=Decimal)["csChargingProfiles"]["chargingSchedule"][
        "chargingSchedulePeriod"
    ]
    assert period["limit"] * 10 == tenths
    assert period["limit"].as_tuple().exponent == -1


@pytest.mark.parametrize(
    ("write", "transaction", "seen"),
    [
        pytest.param(v16.set_charging_profile, "1041", "'1041' has the wrong type for OCPP 1.6", id="text-in-1.6"),
        pytest.param(v201.set_charging_profile, 1041, "1041 has the wrong type for OCPP 2.0.1", id="number-in-2.0.1"),
        pytest.param(v21.set_charging_profile, 1041, "1041 has the wrong type for OCPP 2.1", id="number-in-2.1"),
        pytest.param(v201.set_charging_profile, "x" * 37, "has 37 characters; at most 36 fit", id="long-in-2.0.1"),
    ],
)
def test_a_transaction_id_of_another_version_is_refused(write: Write, transaction: int | str, seen: str) -> None:
    with pytest.raises(InputError, match=seen) as caught:
        write(1, dataclasses.replace(RUNNING, transaction_id=transaction), where="session 'a' on connector 'A'")
    assert caught.value.problems[0].where == "session 'a' on connector 'A'"


@V2
def test_the_longest_transaction_id_passes(module: Any) -> None:
    payload = module.set_charging_profile(1, dataclasses.replace(RUNNING, transaction_id="x" * 36))
    assert payload["chargingProfile"]["transactionId"] == "x" * 36


@dataclass(frozen=True, slots=True)
class LaterPeriod(ChargingPeriod):
    later_tenths: int | None = None


@dataclass(frozen=True, slots=True)
class LaterSchedule(ChargingSchedule):
    later_s: int | None = None


@dataclass(frozen=True, slots=True)
class LaterProfile(ChargingProfile):
    later: str | None = None


def later(*, period: int | None = None, schedule: int | None = None, profile: str | None = None) -> LaterProfile:
    periods = (LaterPeriod(0, 60, 1), LaterPeriod(60, 70, 1, later_tenths=period))
    return LaterProfile(
        101, "tx_default_profile", "absolute", 0, None, LaterSchedule(START, "A", periods, schedule), profile
    )


@ALL
@pytest.mark.parametrize(
    ("profile", "seen"),
    [
        pytest.param(later(period=1), "LaterPeriod.later_tenths is set", id="period"),
        pytest.param(later(schedule=1), "LaterSchedule.later_s is set", id="schedule"),
        pytest.param(later(profile="x"), "LaterProfile.later is set", id="profile"),
    ],
)
def test_a_field_that_a_version_does_not_know_is_never_dropped(write: Write, profile: LaterProfile, seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        write(1, profile)


@ALL
def test_an_unknown_field_that_is_not_set_does_no_harm(write: Write) -> None:
    plain = tuple(ChargingPeriod(0, 60, 1) if k == 0 else ChargingPeriod(60, 70, 1) for k in range(2))
    assert write(1, later()) == write(1, dataclasses.replace(FLOOR, schedule=ChargingSchedule(START, "A", plain)))


@ALL
@pytest.mark.parametrize(
    ("field", "value", "seen"),
    [
        pytest.param("purpose", "priority", "has no purpose 'priority'; it has tx_default_profile", id="purpose"),
        pytest.param("kind", "sometimes", "has no kind 'sometimes'; it has absolute", id="kind"),
    ],
)
def test_an_unknown_value_is_refused(write: Write, field: str, value: str, seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        write(1, dataclasses.replace(FLOOR, **{field: value}))


@V2
def test_more_than_1024_periods_are_refused(module: Any) -> None:
    long = ChargingSchedule(START, "A", tuple(ChargingPeriod(k, 60 + k, 1) for k in range(1025)))
    with pytest.raises(InputError, match=r"1025 periods, OCPP 2\.[01.]+ allows 1024"):
        module.set_charging_profile(1, dataclasses.replace(FLOOR, schedule=long))
    fits = dataclasses.replace(long, periods=long.periods[:1024])
    assert module.set_charging_profile(1, dataclasses.replace(FLOOR, schedule=fits))
