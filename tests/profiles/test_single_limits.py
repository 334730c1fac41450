"""Single limits are put together as any rates are, only faster."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import evaluated
from tests.ocpp_schemas import VERSIONS

from ocpp_schedule import composite_schedule
from ocpp_schedule.profiles import composite
from ocpp_schedule.testing.stacks import station_cases

LARGEST = sys.float_info.max


@VERSIONS
@given(data=st.data())
@settings(max_examples=60)
def test_both_ways_find_the_same(version: str, data: st.DataObject) -> None:
    case = data.draw(station_cases(version))
    fast = evaluated(case)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(composite, "single_limits", lambda *_, **__: None)
        assert repr(evaluated(case)) == repr(fast)


def maximum(unit: str, *limits: float) -> list[dict[str, Any]]:
    periods = [{"startPeriod": 60 * k, "limit": limit} for k, limit in enumerate(limits)]
    return [
        {
            "connector": 0,
            "profile": {
                "chargingProfileId": 1,
                "stackLevel": 0,
                "chargingProfilePurpose": "ChargePointMaxProfile",
                "chargingProfileKind": "Absolute",
                "chargingSchedule": {
                    "startSchedule": "2026-01-15T00:00:00Z",
                    "chargingRateUnit": unit,
                    "chargingSchedulePeriod": periods,
                },
            },
        }
    ]


@pytest.mark.parametrize("way", ["fast", "general"])
@pytest.mark.parametrize(
    ("given_unit", "asked", "limits", "dialect", "found"),
    [
        pytest.param("A", "A", [16, -0.0, 6.25], "standard", [16.0, 0.0, 6.25], id="as-written"),
        pytest.param("W", "A", [11040, 4147, -4147], "standard", [16.0, 6.0, -6.0], id="cut-towards-0"),
        pytest.param("W", "A", [4147], "libocpp", [4147 / 690], id="quotient"),
        pytest.param("A", "W", [6.05], "standard", [4174.5], id="product"),
        pytest.param("A", "A", [10**350, -(10**350)], "standard", [LARGEST, -LARGEST], id="beyond-floats"),
        pytest.param("A", "W", [1e308, -1e308], "standard", [LARGEST, -LARGEST], id="product-beyond-floats"),
        pytest.param("A", "W", [1e308], "libocpp", [LARGEST], id="product-beyond-floats-not-cut"),
        pytest.param("A", "W", [5e-324], "standard", [0.0], id="tiny"),
    ],
)
def test_numbers(
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    given_unit: str,
    asked: str,
    limits: list[float],
    dialect: str,
    found: list[float],
) -> None:
    if way == "general":
        monkeypatch.setattr(composite, "single_limits", lambda *_, **__: None)
    periods = composite_schedule(
        maximum(given_unit, *limits),
        version="1.6",
        evse=1,
        start="2026-01-15T00:00:00Z",
        duration_s=60 * len(limits),
        unit=asked,
        station={},
        dialect=dialect,
    )
    assert [str(period.limit) for period in periods] == [str(limit) for limit in found]
