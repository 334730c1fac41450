"""The evaluator against one that goes instant by instant and shares no code with it."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ocpp_schemas import VERSIONS

from ocpp_schedule import composite_schedule
from ocpp_schedule.profiles.composite import CompositePeriod
from ocpp_schedule.testing.brute import BruteComposite
from ocpp_schedule.testing.stacks import START, StationCase, station_cases

EXAMPLES = int(os.environ.get("COMPOSITE_EXAMPLES", "300"))
"""``COMPOSITE_EXAMPLES=10000`` is the full run."""
SHORT_S = 600
NAMES = {"start_s": "", "phases": "phases", "limit": "limit"} | {
    f"{snake}{line.lower()}": f"{wire}{line}"
    for snake, wire in (
        ("limit", "limit"),
        ("discharge_limit", "dischargeLimit"),
        ("setpoint", "setpoint"),
        ("setpoint_reactive", "setpointReactive"),
    )
    for line in ("", "_L2", "_L3")
}


def evaluated(case: StationCase) -> tuple[CompositePeriod, ...]:
    return composite_schedule(
        case.profiles,
        version=case.version,
        evse=case.evse,
        start=case.start,
        duration_s=case.duration_s,
        unit=case.unit,
        station=case.station,
        dialect=case.dialect,
    )


def told(period: CompositePeriod) -> dict[str, Any]:
    return {wire: getattr(period, name) for name, wire in NAMES.items() if wire}


def instants(case: StationCase, found: tuple[CompositePeriod, ...]) -> list[int]:
    """Return every second of a short window; else every change a second either way, and where periods might start."""
    end = max(case.duration_s, 1)
    if end <= SHORT_S:
        return list(range(0, end, 1 if end < SHORT_S else 7)) if len(found) < 3 else list(range(end))
    near = {period.start_s + step for period in found for step in (-1, 0, 1)}
    near |= set(range(0, end, end // 40 + 1))
    for item in case.profiles:
        schedules = item["profile"]["chargingSchedule"]
        for schedule in schedules if isinstance(schedules, list) else [schedules]:
            near |= {period["startPeriod"] for period in schedule["chargingSchedulePeriod"]}
    return sorted(second for second in near if 0 <= second < end)


@VERSIONS
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_both_evaluators_agree(version: str, data: st.DataObject) -> None:
    case = data.draw(station_cases(version))
    found = evaluated(case)
    slow = BruteComposite(
        case.profiles,
        case.station,
        version=version,
        start=case.start,
        unit=case.unit,
        dialect=case.dialect,
    )
    assert found[0].start_s == 0
    assert all(told(before) != told(after) for before, after in pairwise(found))
    for second in instants(case, found):
        held = [period for period in found if period.start_s <= second][-1]
        assert told(held) == slow.at(case.evse, second), second


def test_they_can_disagree() -> None:
    case = StationCase("1.6", [], {"default_limit_A": 16}, 1, START, 60, "A", "standard")
    other = BruteComposite([], {"default_limit_A": 15}, version="1.6", start=START, unit="A")
    assert told(evaluated(case)[0]) != other.at(1, 0)


@pytest.mark.parametrize("field", CompositePeriod._fields)
def test_every_field_is_compared(field: str) -> None:
    assert field in NAMES
