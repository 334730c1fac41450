"""Neutral profiles: what a schedule must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.profiles.model import ChargingPeriod, ChargingSchedule

START = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_sound_schedule_is_kept_as_given() -> None:
    periods = (ChargingPeriod(0, 0, None), ChargingPeriod(1, 160, 1))
    assert ChargingSchedule(START, "W", periods).periods == periods


@pytest.mark.parametrize(
    ("start", "periods", "seen"),
    [
        pytest.param(START, (), "there are none", id="no-period"),
        pytest.param(START, (ChargingPeriod(1, 0),), "starts at 1 s", id="late-first"),
        pytest.param(START, (ChargingPeriod(0, 0), ChargingPeriod(0, 1)), "the one before at 0", id="not-increasing"),
        pytest.param(START, (ChargingPeriod(0, -1),), "limit_tenths=-1", id="negative"),
        pytest.param(START, (ChargingPeriod(0, 1, 0),), "phases=0", id="no-phase"),
        pytest.param(START, (ChargingPeriod(0, 1, 4),), "phases=4", id="four-phases"),
        pytest.param(START.replace(tzinfo=None), (ChargingPeriod(0, 1),), "whole seconds UTC", id="naive"),
        pytest.param(START.replace(microsecond=1), (ChargingPeriod(0, 1),), "whole seconds UTC", id="fraction"),
        pytest.param(
            START.replace(tzinfo=timezone(timedelta(hours=1))), (ChargingPeriod(0, 1),), "UTC", id="other-zone"
        ),
    ],
)
def test_an_unsound_schedule_is_refused(start: datetime, periods: tuple[ChargingPeriod, ...], seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        ChargingSchedule(start, "A", periods)


def test_every_fault_is_named() -> None:
    with pytest.raises(InputError) as caught:
        ChargingSchedule(START, "A", (ChargingPeriod(5, -1), ChargingPeriod(3, 1, 9)))
    assert [problem.where for problem in caught.value.problems] == [
        "periods[0]",
        "periods[1]",
        "periods[0]",
        "periods[1]",
    ]
