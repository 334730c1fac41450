"""The evaluator against one that goes instant by instant and shares no code with it.

``python -m tests.brute_force`` takes 10,000 stations of each version, as CI does; here are fewer, and some that
hypothesis looks for.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import brute_force
from tests.brute_force import NAMES, compare, compare_many, evaluated, told
from tests.ocpp_schemas import VERSIONS

from ocpp_schedule.profiles.composite import CompositePeriod
from ocpp_schedule.testing.brute import BruteComposite
from ocpp_schedule.testing.stacks import START, StationCase, station_cases


@VERSIONS
def test_both_evaluators_agree(version: str) -> None:
    assert compare_many(version, range(300)) == []


@VERSIONS
@given(data=st.data())
@settings(max_examples=40)
def test_hypothesis_finds_no_difference(version: str, data: st.DataObject) -> None:
    assert compare(data.draw(station_cases(version))) >= 1


def test_they_can_disagree() -> None:
    case = StationCase("1.6", [], {"default_limit_A": 16}, 1, START, 60, "A", "standard")
    other = BruteComposite([], {"default_limit_A": 15}, version="1.6", start=START, unit="A")
    assert told(evaluated(case)[0]) != other.at(1, 0)


def test_a_difference_is_told_with_its_station(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brute_force.BruteComposite, "at", lambda *_: {})
    [failure, _] = compare_many("2.1", range(7, 9))
    assert "AssertionError: second 0: " in failure
    assert "again: python -m tests.brute_force --version 2.1 --number 7" in failure
    assert "input: StationCase(version='2.1'" in failure


@pytest.mark.parametrize("field", [field for field in CompositePeriod._fields if field != "start_s"])
def test_every_field_is_compared(field: str) -> None:
    assert field in NAMES
