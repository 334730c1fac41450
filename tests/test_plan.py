"""``schedule()`` and ``Plan``: what goes in, what is refused, what the figures mean."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.scenes import (
    FLAT,
    HOUR,
    START,
    car,
    hours,
    outlet,
    planned,
    priced,
    scene,
    worked_plan,
    worked_sessions,
    worked_site,
    worked_tariff,
    yard,
)

import ocpp_schedule
from ocpp_schedule import (
    Forecast,
    InputError,
    LimitSeries,
    Load,
    Objective,
    Plan,
    PlanRejectedError,
    Scenario,
    Session,
    TimeGrid,
    schedule,
)
from ocpp_schedule.solution import Stage
from ocpp_schedule.solve import ladder
from ocpp_schedule.testing.strategies import scenarios

# What goes in.


def test_sessions_may_come_from_an_iterator() -> None:
    plan = schedule(worked_site(), iter(worked_sessions()), worked_tariff(), hours(4))
    assert plan.session_ids == ("a", "b")
    assert plan.to_json() == worked_plan().to_json()


@pytest.mark.parametrize(
    ("given_", "texts"),
    [
        pytest.param(
            {"limits": None, "forecasts": 5},
            [
                "limits: is of type NoneType; give a list, which may be empty.",
                "forecasts: is of type int; give a list, which may be empty.",
            ],
            id="none and a number",
        ),
        pytest.param({"state": "s"}, ["state: is of type str; give a list, which may be empty."], id="text"),
    ],
)
def test_lists_are_lists(given_: dict[str, Any], texts: list[str]) -> None:
    with pytest.raises(InputError) as error:
        schedule(worked_site(), worked_sessions(), worked_tariff(), hours(4), **given_)
    assert [str(problem) for problem in error.value.problems] == texts


def test_no_state_is_no_state() -> None:
    plan = schedule(worked_site(), worked_sessions(), worked_tariff(), hours(4), state=None)
    assert plan.to_json() == worked_plan().to_json()


@pytest.mark.parametrize(
    ("limit_a", "energy_wh"),
    [
        pytest.param(218.39999999999998, 20_000.0, id="a limit a hair below a step"),
        pytest.param(25.0, 1e-9, id="next to no energy"),
    ],
)
def test_compiler_and_referee_read_the_same_decimals(limit_a: float, energy_wh: float) -> None:
    outlets = [outlet(f"C{k}", max_current_a=32) for k in range(8)]
    cars = [car(f"car{k}", f"C{k}", 0, 2, energy_wh, phases=1) for k in range(8)]
    plan = schedule(yard(*outlets, limit_a=limit_a), cars, FLAT, hours(2))
    assert plan.setpoints.sum(axis=0).max() <= limit_a * 10


def test_the_objective_is_the_cheapest_by_default() -> None:
    arguments: Any = (worked_site(), worked_sessions(), worked_tariff(), hours(4))
    plan = schedule(*arguments, objective=Objective.cheapest())
    assert plan.to_json() == schedule(*arguments).to_json()
    assert plan.scenario.objective == Objective.cheapest()


def test_limits_and_forecasts_are_used() -> None:
    site = yard(outlet("A"), loads=[Load(id="hall", circuit="main")])
    plan = schedule(
        site,
        [car("a", "A", 0, 4, 99_999, phases=1)],
        FLAT,
        hours(4),
        limits=[LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(20.0,))],
        forecasts=[Forecast(id="hall", start=START, step_s=14_400, expected_a=(3.0,))],
    )
    assert plan.setpoints.tolist() == [[170, 220, 220, 220]]


SHORT_TARIFF = "tariff.energy: prices end at 2026-01-15T01:00Z, the grid at 2026-01-15T04:00Z. Add the missing values."
SHORT_SLOT = (
    "site.edge_guard_s: 60 s of guard on both sides do not fit a slot of 120 s. "
    "Use longer slots, or a guard of less than half a slot (0: chargers switch at one instant)."
)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        pytest.param(
            {"sessions": [car("a", "Z", 0, 1, 1)]},
            ["sessions[0] (a): connector 'Z' does not exist; the site has 'A', 'B'."],
            id="connector",
        ),
        pytest.param(
            {"tariff": priced(0.1)},
            [SHORT_TARIFF],
            id="tariff shorter than the grid",
        ),
        pytest.param(
            {"limits": [LimitSeries(circuit="z", start=START, step_s=60, limit_a=(1.0,))]},
            ["limits[0]: circuit 'z' does not exist; the site has 'main'."],
            id="limit",
        ),
        pytest.param(
            {"forecasts": [Forecast(id="z", start=START, step_s=14_400, expected_a=(1.0,))]},
            ["forecasts[0] (z): there is no load 'z'; the site has none."],
            id="forecast",
        ),
        pytest.param(
            {"grid": TimeGrid(start=START, edges_s=(0, 120, 14_400))},
            [SHORT_SLOT],
            id="slots too short",
        ),
        pytest.param(
            {"sessions": [car("a", "A", 0, 2, 1), car("a", "Z", 0, 2, 1)], "tariff": priced(0.1)},
            [
                "sessions[1] (a): id 'a' is already used by sessions[0]; give each its own.",
                "sessions[1] (a): connector 'Z' does not exist; the site has 'A', 'B'.",
                SHORT_TARIFF,
            ],
            id="everything at once",
        ),
    ],
)
def test_what_schedule_refuses(changes: dict[str, Any], problems: list[str]) -> None:
    arguments = {"site": worked_site(), "sessions": worked_sessions(), "tariff": FLAT, "grid": hours(4)} | changes
    with pytest.raises(InputError) as caught:
        schedule(**arguments)
    assert caught.value.source == "schedule()"
    assert [str(problem) for problem in caught.value.problems] == problems


def test_a_plan_that_the_referee_faults_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ladder.solve

    def greedy(problem: Any, **more: Any) -> Any:
        solution = real(problem, **more)
        setpoints = solution.setpoints.copy()
        setpoints[1, 1] += 1
        return replace(solution, setpoints=setpoints)

    monkeypatch.setattr(ladder, "solve", greedy)
    with pytest.raises(PlanRejectedError) as caught:
        worked_plan()
    kinds = [violation.split(":")[0] for violation in caught.value.violations]
    assert kinds == ["row", "edge", "edge", "claimed_energy", "claimed_cost", "claimed_stage"]
    assert "row: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 25.1 A; allowed: at most 25 A" in str(caught.value)


# What comes out.


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        worked_plan().setpoints[0, 0] = 1


def test_figures_of_the_worked_example() -> None:
    plan = worked_plan()
    assert plan.expected_w.tolist() == [[0.0, 3680.0, 1840.0, 0.0], [0.0, 2070.0, 1610.0, 0.0]]
    assert plan.peak_w == 5750.0
    assert plan.alarms == plan.notices == ()
    assert plan.bound is not None
    assert 1.26 < plan.bound <= 1.265
    assert plan.mark == "certified"


def test_an_empty_plan() -> None:
    plan = planned(scene(yard(), []))
    assert (plan.status, plan.cost, plan.peak_w, plan.cost_gap, plan.energy_gap) == ("complete", 0.0, 0.0, 0.0, 0.0)
    assert plan.setpoints.shape == (0, 4)
    assert plan.limits.shape == plan.expected_w.shape == (0, 4)
    assert plan.energy_wh == {}
    assert plan.to_ocpp() == []
    assert plan.shortfalls == ()
    assert plan.verify().ok
    assert len(plan.to_frame()) == 0


LOADED = yard(outlet("A"), loads=[Load(id="hall", circuit="main", lines=("L1",))])


def hall(*amperes: float) -> dict[str, Any]:
    return {"forecasts": (Forecast(id="hall", start=START, step_s=3600, expected_a=amperes),)}


@pytest.mark.parametrize(
    ("scenario", "status"),
    [
        pytest.param(
            scene(LOADED, [car("a", "A", 0, 4, 1000, phases=1)], **hall(0, 0, 0, 0)), "complete", id="all met"
        ),
        pytest.param(scene(LOADED, [car("a", "A", 0, 1, 9000, phases=1)], **hall(0, 0, 0, 0)), "partial", id="wish"),
        pytest.param(
            scene(
                LOADED,
                [car("a", "A", 0, 4, 9000, phases=1, milestones=[{"by": START + HOUR, "energy_wh": 9000}])],
                **hall(0, 0, 0, 0),
            ),
            "partial",
            id="must-have",
        ),
        pytest.param(scene(LOADED, [car("a", "A", 1, 4, 1000, phases=1)], **hall(26, 0, 0, 0)), "alarm", id="alarm"),
        pytest.param(scene(LOADED, [car("a", "A", 0, 1, 1000, phases=1)], **hall(26, 0, 0, 0)), "alarm", id="both"),
        pytest.param(scene(LOADED, [], **hall(26, 0, 0, 0)), "alarm", id="alarm without sessions"),
    ],
)
def test_status(scenario: Scenario, status: str) -> None:
    plan = planned(scenario)
    assert plan.status == status
    assert bool(plan.alarms) == (status == "alarm")
    assert plan.verify().ok


def test_below_an_alarm_sessions_are_off() -> None:
    plan = planned(scene(LOADED, [car("a", "A", 0, 4, 99_999, phases=1)], **hall(0, 26, 0, 0)))
    assert plan.setpoints.tolist() == [[250, 0, 250, 250]]
    (alarm,) = plan.alarms
    assert (alarm.first_slot, alarm.end_slot, alarm.base_units, alarm.limit_units) == (1, 2, 26_000_000, 25_000_000)


def staged(plan: Plan, must: Any, want: Any, cost: Any) -> Plan:
    """Return the plan with these (value, bound) for its stages."""
    names: Any = ("must_have", "wanted", "cost")
    pairs = zip(names, (must, want, cost), strict=True)
    stages = tuple(Stage(name, value, bound, "bounded") for name, (value, bound) in pairs)
    bare = replace(plan.solution, stages=stages, certificates={})
    return Plan(plan.scenario, plan.problem, bare, plan.report)


WH = 36_000
EUR = 36_000_000 * 1_000_000


@pytest.mark.parametrize(
    ("must", "want", "expected"),
    [
        pytest.param((0, 0.0), (0, 0.0), 0.0, id="nothing missing"),
        pytest.param((0, 0.0), (500 * WH, 500.0 * WH), 0.0, id="unavoidable"),
        pytest.param((0, 0.0), (500 * WH, 400.0 * WH), 100.0, id="a wish that could be met"),
        pytest.param((30 * WH, 10.0 * WH), (500 * WH, 400.0 * WH), 120.0, id="must-have and wish"),
        pytest.param((30 * WH, 10.0 * WH), (500 * WH, 600.0 * WH), 20.0, id="one does not pay for the other"),
        pytest.param((0, 0.0), (500 * WH, None), None, id="no bound"),
        pytest.param((30 * WH, None), (0, 0.0), None, id="no bound on must-haves"),
        pytest.param((0, None), (0, 0.0), 0.0, id="nothing missing needs no bound"),
    ],
)
def test_energy_gap(must: Any, want: Any, expected: float | None) -> None:
    assert staged(worked_plan(), must, want, (0, 0.0)).energy_gap == expected


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        pytest.param(1.265 * EUR, 0.0, id="proven"),
        pytest.param(1.0 * EUR, 0.265 / 1.265, id="relative to the value of the energy"),
        pytest.param(1.3 * EUR, 0.0, id="never negative"),
        pytest.param(None, None, id="no bound"),
    ],
)
def test_cost_gap_and_bound(bound: float | None, expected: float | None) -> None:
    plan = worked_plan()
    plan = staged(plan, (0, 0.0), (0, 0.0), (plan.solution.cost_units, bound))
    assert plan.cost_gap == (None if expected is None else pytest.approx(expected, abs=1e-12))
    assert plan.bound == (None if bound is None else pytest.approx(bound / EUR))


def test_cost_gap_is_relative_to_prices_without_sign() -> None:
    """Costs may cancel to 0 where prices change sign; the value of the energy does not."""
    tariff = priced(-0.1, 0.1, 9.0, 9.0)
    plan = planned(scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 2, 7360, phases=1)], tariff))
    assert plan.cost == 0.0
    bounded = staged(plan, (0, 0.0), (0, 0.0), (0, -0.0736 * EUR))
    assert bounded.cost_gap == pytest.approx(0.1)  # of 3.68 kWh x 0.1 twice


def test_free_energy_has_no_gap() -> None:
    plan = planned(scene(yard(outlet("A")), [car("a", "A", 0, 4, 3680, phases=1)], priced(0.0, 0.0, 0.0, 0.0)))
    assert (plan.cost, plan.cost_gap) == (0.0, 0.0)


def test_energy_is_net_of_guard_losses_and_power_is_not() -> None:
    cars = [car("a", "A", 0, 2, 99_999, phases=1), car("b", "B", 2, 4, 99_999, phases=1)]
    plan = planned(scene(yard(outlet("A"), outlet("B")), cars))
    assert plan.solution.late_raise.tolist() == [[False] * 4, [False, False, True, False]]
    assert plan.energy_wh["a"] == 2 * 25 * 230
    assert plan.energy_wh["b"] == pytest.approx(2 * 25 * 230 - 25 * 230 / 60)
    assert plan.expected_w.sum() == 4 * 25 * 230
    assert plan.cost == pytest.approx((4 * 25 - 25 / 60) * 0.23 * 0.25)


@settings(max_examples=60)
@given(scenario=scenarios())
def test_figures_agree_with_the_referee(scenario: Scenario) -> None:
    plan = planned(scenario)
    report = plan.verify()
    assert replace(report, bounds={}) == plan.report
    assert report.ok
    assert plan.solution.cost_units == report.cost_units
    assert plan.solution.energy_units.tolist() == list(report.energy_units.values())
    must, want, cost = (stage.value for stage in plan.solution.stages)
    soft = sum(m.missing_units for m in report.milestones if not m.hard)
    assert must == sum(m.missing_units for m in report.milestones if m.hard)
    assert want == soft + sum(report.missing_units.values())
    assert cost == report.cost_units
    assert (plan.status == "complete") == (not report.alarms and must == want == 0)
    assert plan.limits.shape == plan.expected_w.shape == plan.setpoints.shape


@settings(max_examples=30)
@given(scenario=scenarios())
def test_the_frame_tells_the_same_as_the_plan(scenario: Scenario) -> None:
    plan = planned(scenario)
    frame = plan.to_frame()
    assert len(frame) == int((plan.problem.end_slot - plan.problem.first_slot).sum())
    assert frame["limit"].sum() == pytest.approx(plan.limits.sum())
    assert frame["expected_w"].sum() == pytest.approx(plan.expected_w.sum())
    lost = frame["energy_wh"].sum() - sum(plan.energy_wh.values())
    assert lost >= -1e-6
    if not (plan.solution.late_raise.any() or plan.solution.early_lowering.any()):
        assert lost == pytest.approx(0.0, abs=1e-6)


def test_to_ocpp_in_one_version_for_all() -> None:
    cars = [car("a", "A", 0, 4, 5520, phases=1), car("b", "B", 1, 3, 3680, phases=1)]
    plan = planned(scene(worked_site(), cars))
    assert {message["version"] for message in plan.to_ocpp()} == {"1.6", "2.0.1"}
    assert {message["version"] for message in plan.to_ocpp("2.1")} == {"2.1"}
    with pytest.raises(InputError, match=r"'1\.5' is not known"):
        plan.to_ocpp("1.5")
    with pytest.raises(InputError, match=r"transaction_id 1041 has the wrong type for OCPP 2\.1"):
        worked_plan().to_ocpp("2.1")


def test_ids_of_profiles_may_be_given() -> None:
    plan = worked_plan()
    ids = {("A", "session"): 77}
    written = [m["payload"]["csChargingProfiles"]["chargingProfileId"] for m in plan.to_ocpp(ids=ids)[::3]]
    assert written == [101, 77]
    assert len(plan.stacks(ids)) == 2


def test_sessions_may_share_a_connector() -> None:
    cars: list[Session] = [car("a", "A", 0, 2, 3680, phases=1), car("b", "A", 2, 4, 3680, phases=1)]
    plan = planned(scene(yard(outlet("A", max_current_a=16)), cars, priced(0.4, 0.1, 0.4, 0.1)))
    assert plan.setpoints.tolist() == [[0, 160, 0, 0], [0, 0, 0, 160]]


def test_what_schedule_takes() -> None:
    names = list(inspect.signature(schedule).parameters)
    known = ["site", "sessions", "tariff", "grid", "objective", "limits", "forecasts"]
    last = ["now", "state", "previous", "deadline_s", "clock"]
    assert names == [*known, "availability", "session_defaults", *last]


def test_everything_in_all_exists() -> None:
    for name in ocpp_schedule.__all__:
        assert getattr(ocpp_schedule, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = ocpp_schedule.nonsense
    assert set(ocpp_schedule.__all__) <= set(dir(ocpp_schedule))


def test_steps_are_whole() -> None:
    assert worked_plan().setpoints.dtype == np.int64


@pytest.mark.parametrize(
    ("wanted_wh", "over_wh"),
    [
        pytest.param(2300.0, {}, id="whole steps"),
        pytest.param(2310.0, {"a": 13.0}, id="the last step is a whole one"),
        pytest.param(100.0, {"a": 1280.0}, id="less than one slot at the minimum"),
    ],
)
def test_overshoot_is_told(wanted_wh: float, over_wh: dict[str, float]) -> None:
    """Convention 6: steps of 23 Wh, and no slot below 6 A."""
    plan = planned(scene(yard(outlet("A")), [car("a", "A", 0, 4, wanted_wh, phases=1)]))
    assert plan.overshoot_wh == over_wh
    assert ("Overshoot: at most" in plan.summary()) == bool(over_wh)
