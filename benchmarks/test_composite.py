"""Composite schedules of three profiles with 96 periods each, over a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule import composite_schedule

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

SLOTS = 96
STATION = {"transactions": {1: {"id": "x", "start": None}}}


def stack(shift_s: int) -> list[dict[str, Any]]:
    """Return station maximum, external constraint and TxProfile, each shifted against the one before."""
    purposes = "ChargingStationMaxProfile", "ChargingStationExternalConstraints", "TxProfile"
    made = []
    for number, purpose in enumerate(purposes, start=1):
        periods = [
            {
                "startPeriod": 0 if k == 0 else 900 * k + shift_s * number,
                "limit": 6 + (k * 7 + number) % 200 / 10,
                "numberPhases": 3,
            }
            for k in range(SLOTS)
        ]
        schedule = {
            "id": number,
            "startSchedule": "2026-01-15T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": periods,
        }
        wire = {"id": number, "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute"}
        transaction = {"transactionId": "x"} if purpose == "TxProfile" else {}
        made.append(
            {"connector": 0 if number < 3 else 1, "profile": wire | transaction | {"chargingSchedule": [schedule]}}
        )
    return made


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("shift_s", "count"),
    [pytest.param(0, SLOTS, id="aligned"), pytest.param(60, 280, id="shifted")],
)
def test_composite_of_a_day(benchmark: BenchmarkFixture, shift_s: int, count: int) -> None:
    profiles = stack(shift_s)
    found = benchmark(
        composite_schedule,
        profiles,
        version="2.0.1",
        evse=1,
        start="2026-01-15T00:00:00Z",
        duration_s=86_400,
        unit="A",
        station=STATION,
    )
    assert len(found) == count
    assert found[0].limit == 6.1
