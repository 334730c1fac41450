"""Why one car gets what it gets, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.scenes import HOUR, START, car, outlet, planned, priced, scene, worked_plan, yard

from ocpp_schedule import Forecast, InputError, Load, Scenario, Station
from ocpp_schedule.explain.session import runs
from ocpp_schedule.testing.strategies import scenarios


def test_the_worked_case() -> None:
    plan = worked_plan()
    assert str(plan.explain("b")) == (
        "b at B, 01:00-03:00: wants 3,680 Wh, gets 3,680 Wh for 0.529 EUR (0.1437 EUR/kWh).\n"
        "Charges 01:00-02:00 at 9 A, 02:00-03:00 at 7 A.\n"
        "Not more in 01:00-02:00 (0.1 EUR/kWh): circuit main L1 is full, shared with a."
    )
    a = plan.explain("a")
    assert a.lines[2] == "Not earlier: 00:00-01:00 costs 0.4 EUR/kWh or more; it pays 0.2 at most."
    assert (a.session, a.wanted_wh, a.given_wh, a.held, a.guard_wh) == ("a", 5520.0, 5520.0, (), 0.0)
    assert a.cost == pytest.approx(16 * 0.23 * 0.1 + 8 * 0.23 * 0.2)
    assert a.cost + plan.explain("b").cost == pytest.approx(plan.cost)


def told(scenario: Scenario, name: str = "a") -> list[str]:
    return list(planned(scenario).explain(name).lines)


def goal(hours: float, wh: float, **more: Any) -> dict[str, Any]:
    return {"by": START + hours * HOUR, "energy_wh": wh, **more}


ALONE = yard(outlet("A", max_current_a=16))
SHORT_OF_ALL = "Short: a: 100 Wh short (a has 00:00-00:00; 100 Wh wanted, the car and its connector can take at most 0)"
HALL = Load(id="hall", circuit="main")


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        pytest.param(
            scene(ALONE, [car("a", "A", 0, 4, 0, phases=1)]),
            ["a at A, 00:00-04:00: wants 0 Wh, gets 0 Wh.", "It does not charge."],
            id="wants nothing",
        ),
        pytest.param(
            scene(ALONE, [car("a", "A", 0.2, 0.8, 100, phases=1)]),
            [
                "a at A, no whole slot: wants 100 Wh, gets 0 Wh.",
                "It does not charge.",
                SHORT_OF_ALL,
            ],
            id="no whole slot",
        ),
        pytest.param(
            scene(
                ALONE,
                [car("a", "A", 0, 4, 4140, phases=1, milestones=[goal(1, 1380), goal(2, 2760, hard=False)])],
                priced(4, 3, 2, 1),
            ),
            [
                "a at A, 00:00-04:00: wants 4,140 Wh, gets 4,140 Wh for 11.040 EUR (2.667 EUR/kWh).",
                "Charges 00:00-02:00 at 6 A, 03:00-04:00 at 6 A.",
                "By 01:00 it must have 1,380 Wh: met.",
                "By 02:00 it should have 2,760 Wh: met.",
                "Not more in 01:00-02:00 (3 EUR/kWh): the milestone at 01:00 asks for the energy before.",
                "Not more in 02:00-04:00 (1 to 2 EUR/kWh): the milestone at 02:00 asks for the energy before.",
                "In 3 slots it is held at its minimum current.",
            ],
            id="milestones",
        ),
        pytest.param(
            scene(yard(outlet("A"), limit_a=(20.0, 20.0, 20.0), loads=[HALL]),
                  [car("a", "A", 0, 2, 2300, phases=1)], priced(1, 2, 3, 4),
                  forecasts=[Forecast(id="hall", start=START, step_s=3600, expected_a=(15.0, 0.0, 0.0, 0.0))]),
            [
                "a at A, 00:00-02:00: wants 2,300 Wh, gets 2,307 Wh for 4.614 EUR (2 EUR/kWh).",
                "Charges 01:00-02:00 at 10.2 A.",
                "Not more in 00:00-01:00 (1 EUR/kWh): circuit main L1 leaves less than its minimum current.",
            ],
            id="less than the minimum current is left",
        ),
        pytest.param(
            scene(yard(outlet("A"), limit_a=20.0, loads=[HALL]),
                  [car("a", "A", 0, 2, 2300, phases=1)], priced(1, 2, 3, 4),
                  forecasts=[Forecast(id="hall", start=START, step_s=3600, expected_a=(25.0, 0.0, 0.0, 0.0))]),
            [
                "a at A, 00:00-02:00: wants 2,300 Wh, gets 2,307 Wh for 4.614 EUR (2 EUR/kWh).",
                "Charges 01:00-02:00 at 10.2 A.",
                "Not more in 00:00-01:00 (1 EUR/kWh): nothing may be drawn there (alarm, or closed).",
            ],
            id="an alarm",
        ),
        pytest.param(
            scene(ALONE, [car("a", "A", 0, 1, 1000, phases=1)]),
            [
                "a at A, 00:00-01:00: wants 1,000 Wh, gets 1,380 Wh for 0.345 EUR (0.25 EUR/kWh).",
                "Charges 00:00-01:00 at 6 A.",
                "In 1 slot it is held at its minimum current.",
                "It gets 380 Wh more than it wants: the last step is a whole one.",
            ],
            id="minimum current and overshoot",
        ),
        pytest.param(
            scene(
                yard(outlet("A"), stations=[Station(id="CP-A", circuit="main", ocpp_version="2.0.1",
                                                    capabilities={"rate_units": ["W"]})]),
                [car("a", "A", 0, 1, 2300, phases=1)],
            ),
            [
                "a at A, 00:00-01:00: wants 2,300 Wh, gets 2,300 Wh for 0.575 EUR (0.25 EUR/kWh).",
                "Charges 00:00-01:00 at 2,300 W.",
            ],
            id="a station that takes W",
        ),
    ],
)  # fmt: skip
def test_sentences(scenario: Scenario, expected: list[str]) -> None:
    assert told(scenario)[: len(expected)] == expected


def test_a_missed_milestone_is_told() -> None:
    session = car("a", "A", 0, 2, 5000, phases=1, milestones=[goal(1, 4000)])
    assert "By 01:00 it must have 4,000 Wh: 320 Wh short." in told(scene(ALONE, [session]))


def test_guards_are_told() -> None:
    cars = [car("a", "A", 0, 1, 5750, phases=1), car("b", "B", 1, 2, 5750, phases=1)]
    lines = told(scene(yard(outlet("A"), outlet("B")), cars), "b")
    assert "At 1 guarded edge it loses 96 Wh." in lines
    assert lines[-1].startswith("Short: b: 96 Wh short")


def test_several_full_rows_are_full() -> None:
    site = yard(outlet("A", lines=("L1", "L2", "L3")), outlet("B", lines=("L1", "L2", "L3")), edge_guard_s=0)
    cars = [car(name, name.upper(), 0, 2, 12_000, phases=3) for name in "ab"]
    lines = told(scene(site, cars, priced(1, 2, 3, 4)), "b")
    what = "circuit main L1 and circuit main L2 and circuit main L3 are full, shared with a."
    assert any(line.endswith(what) for line in lines)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param("car-12", "did you mean 'car-2' or 'car-1'?", id="close"),
        pytest.param("zzz", "the plan has 'car-1', 'car-2'.", id="far"),
    ],
)
def test_an_unknown_session_is_told_with_close_matches(asked: str, answer: str) -> None:
    cars = [car("car-1", "A", 0, 1, 100, phases=1), car("car-2", "A", 1, 2, 100, phases=1)]
    plan = planned(scene(ALONE, cars))
    with pytest.raises(InputError) as caught:
        plan.explain(asked)
    assert f"session '{asked}': does not exist; " in str(caught.value)
    assert str(caught.value).endswith(answer)


def test_a_plan_without_sessions_says_so() -> None:
    with pytest.raises(InputError, match="the plan has no sessions"):
        planned(scene(ALONE, [])).explain("a")


def test_runs_of_nothing() -> None:
    assert runs(np.zeros(0, dtype=np.int64)) == []


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios())
def test_every_session_is_explained(scenario: Scenario) -> None:
    plan = planned(scenario)
    found = [plan.explain(name) for name in plan.session_ids]
    assert sum(one.given_wh for one in found) == pytest.approx(sum(plan.energy_wh.values()))
    assert sum(one.cost for one in found) == pytest.approx(plan.cost, abs=1e-9)
    for one in found:
        assert one.lines[0].startswith(f"{one.session} at ")
        short = any(one.session in shortfall.sessions for shortfall in plan.shortfalls)
        assert short == any(line.startswith("Short: ") for line in one.lines)
        for held in one.held:
            assert all(first < end for first, end in held.spans)
            assert one.session not in held.shares
