"""Nothing in a profile, an answer or a frame makes reading, validation, evaluation or decoding fail unforeseen.

``python -m tests.fuzz`` takes 100,000 inputs, as CI does; here are fewer, and some that hypothesis looks for.
"""

from __future__ import annotations

import random  # noqa: TID251 - tests may; the seed is drawn by hypothesis
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import fuzz
from tests.fuzz import JUNK, SOURCES, check_answer, check_many, check_profile, frames, garbled, mutated
from tests.ocpp_schemas import VERSIONS, profiles

from ocpp_schedule import InputError, composite_schedule, decode, validate
from ocpp_schedule.delivery.composite import READERS

MUTANTS = 15
"""Of each example that hypothesis draws."""
QUESTION: dict[str, Any] = {"evse": 1, "duration_s": 60, "unit": "A", "station": {}}


@pytest.mark.parametrize("name", SOURCES)
def test_numbered_inputs(name: str) -> None:
    assert check_many(name, range(120)) == []


@VERSIONS
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_mutants_of_what_hypothesis_draws(version: str, data: st.DataObject, seed: int) -> None:
    wire = data.draw(profiles(version))
    luck = random.Random(seed)  # noqa: S311 - no secret; the seed makes it repeatable
    assert fuzz.is_evaluated(wire, version, luck)
    for _ in range(MUTANTS):
        check_profile(mutated(wire, luck), version, luck)
        check_profile(garbled(wire, luck), version, luck)


@VERSIONS
def test_junk_as_a_whole(version: str) -> None:
    luck = random.Random(version)  # noqa: S311 - no secret
    for wire in JUNK:
        check_profile(wire, version, luck)
        check_answer(wire, version, luck)
        assert isinstance(READERS[version](wire), tuple)


def nested(depth: int, part: Any = None) -> Any:
    for _ in range(depth):
        part = {"a": [part]}
    return part


@VERSIONS
def test_what_is_nested_deeply(version: str) -> None:
    luck = random.Random(version)  # noqa: S311 - no secret
    deep = nested(100_000)
    for wire in (
        deep,
        {"chargingSchedule": deep},
        {"customData": deep},
        {"schedule": {"chargingSchedulePeriod": [deep]}},
    ):
        check_profile(wire, version, luck)
        check_answer(wire, version, luck)
    while deep is not None:  # so that taking it apart recurses nowhere
        deep = deep["a"].pop()


def test_many_profiles_over_a_year_take_their_time_but_no_more() -> None:
    """Gaps of one level are filled by the next; the work grows with their number, not with its square."""
    daily = {
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargingStationMaxProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
    }
    profiles = []
    for number in range(72):
        schedule = {
            "id": 1,
            "startSchedule": f"2026-01-01T{number % 24:02}:00:00Z",
            "duration": 60,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": number}],
        }
        profiles.append({"connector": 0, "profile": daily | {"id": number, "chargingSchedule": [schedule]}})
    question = QUESTION | {"duration_s": 365 * 86_400}
    found = composite_schedule(profiles, version="2.0.1", start="2026-01-01T00:00:00Z", **question)
    assert len(found) == 365 * 24 * 2
    assert {period.limit for period in found} == {None, *map(float, range(48, 72))}


def test_a_failure_is_told_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(fuzz, "validate", fail)
    [failure] = check_many("profile 2.0.1", range(4, 5))
    assert failure.startswith(
        'RuntimeError: planted\n  again: python -m tests.fuzz --name "profile 2.0.1" --number 4\n'
    )
    assert "chargingProfilePurpose" in failure


def test_the_recorded_frames_are_there() -> None:
    if not frames("1.6"):
        pytest.skip("no recorded frames here: they are read from ../shared/frames")
    assert len(frames("1.6")) + len(frames("2.0.1")) > 700


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"start": 10**5000}, "start: a number of 5001 digits or so is no instant", id="start-number"),
        pytest.param({"duration_s": 10**5000}, "duration_s: a number of 5001 digits", id="duration"),
        pytest.param({"unit": [10**5000]}, "unit: a list of 1 is not known", id="unit"),
        pytest.param({"profiles": 5}, "profiles: 5 are no profiles", id="profiles"),
        pytest.param({"profiles": None}, "profiles: null are no profiles", id="no-profiles"),
        pytest.param({"profiles": "ab"}, 'give {"connector"', id="profiles-text"),
        pytest.param({"station": []}, "station: a list of 0 is no description of a station", id="station"),
        pytest.param({"station": {"num_evses": 10**5000}}, "num_evses'\\]: a number of 5001", id="evses"),
        pytest.param({"station": {"supply_voltage": float("nan")}}, "supply_voltage'\\]: nan cannot be", id="nan"),
        pytest.param(
            {"station": {"transactions": {"1" * 5000: {}}}}, "transactions'\\]: an object with 1", id="evse-text"
        ),
        pytest.param({"station": {10**5000: 1}}, "station\\[a number of 5001", id="key"),
    ],
)
def test_arguments_that_cannot_be(change: dict[str, Any], problem: str) -> None:
    arguments: dict[str, Any] = {
        "profiles": [],
        "version": "2.1",
        "start": "2026-01-15T00:00:00Z",
        **QUESTION,
        **change,
    }
    with pytest.raises(InputError, match=problem):
        composite_schedule(arguments.pop("profiles"), **arguments)


@pytest.mark.parametrize(
    "tolerance",
    [
        pytest.param(value, id=name)
        for name, value in {
            "nan": float("nan"),
            "negative": -1,
            "inf": float("inf"),
            "text": "1",
            "huge": 10**5000,
        }.items()
    ],
)
def test_a_tolerance_that_cannot_be(tolerance: Any) -> None:
    with pytest.raises(InputError, match=r"tolerance_a: .* cannot be; give a number from 0 to 1000"):
        decode({}, version="2.1", asked_at="2026-01-15T00:00:00Z", tolerance_a=tolerance, **QUESTION)


def test_numbers_of_a_context_are_bounded() -> None:
    profile = {
        "id": 1,
        "stackLevel": 2,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "transactionId": "x",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}
        ],
    }
    context = {"ProfileStackLevel": -(10**5000), "num_evses": 10**5000, "transactions": {1: 10**5000}}
    assert validate(profile, version="2.1", connector=1, context=context).requirement == "K01.FR.33"
    assert validate(profile, version="2.1", connector=10**5000, context=context).requirement == "K01.FR.28"
