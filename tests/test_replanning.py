"""Planning again while the day is under way: what is past stays, what was measured counts, cars are not shuffled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenes import FLAT, HOUR, START, car, hours, outlet, planned, priced, yard

from ocpp_schedule import LimitSeries, PeakCharge, Plan, Scenario, Storage, TaperPoint, Tariff, TimeGrid, schedule
from ocpp_schedule.errors import InputError
from ocpp_schedule.model.state import SessionState
from ocpp_schedule.model.taper_left import taper_left
from ocpp_schedule.pipeline import derived, reviewed
from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.replanning import Before, carried_over
from ocpp_schedule.testing.generator import mixed_scenario
from ocpp_schedule.testing.strategies import scenarios

QUARTER = timedelta(minutes=15)


def again(plan: Plan, now: datetime, *, sessions: Any = None, limits: Any = None, states: Any = ()) -> Plan:
    """Plan what is left of a plan's scenario."""
    day = plan.scenario
    return schedule(
        day.site,
        day.sessions if sessions is None else sessions,
        day.tariff,
        day.grid,
        limits=day.limits if limits is None else limits,
        forecasts=day.forecasts,
        availability=day.availability,
        now=now,
        state=states,
        previous=plan,
    )


def measured(plan: Plan, slots: int) -> list[SessionState]:
    """Return states in which every car has drawn what the plan gave it in the first slots."""
    now = plan.scenario.grid.edge(slots)
    given = (plan.expected_w[:, :slots] * np.diff(plan.scenario.grid.edges_s)[:slots]).sum(axis=1) / 3600
    return [
        SessionState(session=name, delivered_wh=round(float(wh), 6), measured_at=now)
        for name, wh in zip(plan.session_ids, given, strict=True)
        if wh
    ]


SITE = yard(outlet("A"), outlet("B"), limit_a=32, edge_guard_s=0)
CARS = (car("a", "A", 0, 4, 9200, phases=1), car("b", "B", 1, 4, 6900, phases=1))


def test_a_plan_that_goes_on_unchanged_is_the_same() -> None:
    first = schedule(SITE, CARS, priced(0.2, 0.1, 0.3, 0.25), hours(4))
    second = again(first, START + 2 * HOUR, states=measured(first, 2))
    assert second.scenario.grid.start == START + HOUR
    assert (second.setpoints == first.setpoints[:, 1:]).all()
    assert second.solution.method == "continued"
    assert second.status == "complete"


def test_energy_and_cost_count_from_the_first_slot_that_can_be_planned() -> None:
    first = schedule(SITE, CARS, priced(0.2, 0.1, 0.3, 0.25), hours(4))
    second = again(first, START + 2 * HOUR, states=measured(first, 2))
    rest = first.expected_w[:, 2:].sum(axis=1)
    assert list(second.energy_wh.values()) == pytest.approx(rest.tolist())
    assert second.cost == pytest.approx((first.expected_w[:, 2:].sum(axis=0) * [0.3, 0.25]).sum() / 1000)


def test_the_slot_under_way_holds_and_its_message_says_so() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    second = again(first, START + 30 * timedelta(minutes=1))
    assert (second.setpoints[:, 0] == first.setpoints[:, 0]).all()
    [layer] = [layer for stack in second.stacks() if stack.connector == "A" for layer in stack.layers[1:]]
    schedule_start, periods = layer.profile.schedule.start, layer.profile.schedule.periods
    assert (schedule_start, periods[0].limit_tenths) == (START - timedelta(minutes=1), 320)
    assert any("Wh delivered" in notice for notice in second.notices)


def test_a_state_outranks_the_plan_before() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    seen = SessionState(session="a", delivered_wh=500, measured_at=START + 0.25 * HOUR, setpoint_steps=100)
    second = again(first, START + 0.5 * HOUR, states=[seen])
    assert second.setpoints[0, 0] == 100
    # 9,200 Wh wanted, 500 measured, 45 minutes at 10 A and 230 V to come.
    assert second.report.wanted_units["a"] == (9200 - 500 - 1725) * 36_000


def test_a_state_without_a_plan_before() -> None:
    seen = SessionState(session="a", delivered_wh=500, measured_at=START + 0.5 * HOUR, setpoint_steps=100)
    plan = schedule(SITE, CARS, FLAT, hours(4), now=START + 0.5 * HOUR, state=[seen])
    assert plan.setpoints[:, 0].tolist() == [100, 0]
    assert plan.report.wanted_units["a"] == (9200 - 500 - 1150) * 36_000


def test_a_raise_waits_for_a_lowering_at_the_end_of_the_slot_under_way() -> None:
    site = yard(outlet("A"), outlet("B"), limit_a=32)
    cars = (car("a", "A", 0, 4, 23_000, phases=1), car("b", "B", 0, 4, 23_000, phases=1))
    held = [
        SessionState(session=name, delivered_wh=0, measured_at=START, setpoint_steps=steps)
        for name, steps in (("a", 320), ("b", 0))
    ]
    must = cars[1].model_copy(update={"departure": START + 2 * HOUR, "energy_wh": 7300.0})
    plan = schedule(site, (cars[0], must), FLAT, hours(4), now=START + 0.5 * HOUR, state=held)
    assert plan.setpoints[1, 1] > 0
    assert plan.solution.late_raise[1, 1]
    assert not plan.solution.early_lowering[:, 0].any()
    assert not plan.verify().violations


def test_what_is_drawn_already_cannot_be_undone() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    lower = LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(10, 10, 10, 10), source="grid operator")
    second = again(first, START + 0.5 * HOUR, limits=(lower,))
    assert second.setpoints[0, 0] == 320
    assert second.setpoints[:, 1:].sum(axis=0).max() <= 100
    assert not second.verify().violations


def test_an_arrival_does_not_shuffle_the_others() -> None:
    day = mixed_scenario(60, 96, 3, edge_guard_s=0)
    late = day.sessions[-1]
    now = day.grid.edge(40)
    coming = late.model_copy(update={"arrival": now, "departure": day.grid.edge(80), "energy_wh": 4000.0})
    others = day.sessions[:-1]
    first = schedule(day.site, others, day.tariff, day.grid)
    second = again(first, now, sessions=(*others, coming), states=measured(first, 40))
    rows = [second.session_ids.index(name) for name in first.session_ids]
    changed = second.setpoints[rows, 1:5] != first.setpoints[:, 40:44]
    assert second.energy_wh[coming.id] >= 4000
    assert changed.mean() <= 0.05
    assert not second.verify().violations


def test_the_plan_before_gives_way_where_it_would_lose() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    day = first.scenario
    turned = schedule(
        day.site, day.sessions, priced(0.4, 0.3, 0.2, 0.01), day.grid, now=START + 0.5 * HOUR, previous=first
    )
    assert turned.solution.method != "continued"
    assert turned.setpoints[:, 3].sum() > first.setpoints[:, 3].sum()


def test_a_plan_before_on_another_grid_counts_where_slots_lie_in_its_own() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    finer = TimeGrid.regular(START + HOUR, QUARTER, 12)
    second = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), finer, previous=first)
    carried = carried_over(second.problem, Before(first.problem, first.setpoints))
    assert carried.tolist() == np.repeat(first.setpoints[:, 1:], 4, axis=1).tolist()
    coarser = TimeGrid.regular(START, 2 * HOUR, 2)
    other = schedule(SITE, (CARS[0], car("c", "B", 0, 4, 2300, phases=1)), FLAT, coarser, previous=first)
    carried = carried_over(other.problem, Before(first.problem, first.setpoints))
    assert carried.tolist() == [[0, 0], [-1, -1]]  # no slot of two hours lies in one of an hour; c is new


def test_the_archive_holds_what_is_held() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    second = again(first, START + 1.5 * HOUR, states=measured(first, 1))
    read = Plan.from_json(second.to_json())
    assert read.to_json() == second.to_json()
    assert read.scenario.held == second.scenario.held != {}


def test_another_set_point_in_the_slot_under_way_is_found() -> None:
    first = schedule(SITE, CARS, priced(0.1, 0.2, 0.3, 0.4), hours(4))
    second = again(first, START + 1.5 * HOUR, states=measured(first, 1))
    lie = second.scenario.model_copy(update={"held": {"a": 60}})
    assert "held" in {violation.kind for violation in reviewed(derived(lie), second.solution).violations}


def test_stationary_batteries_are_refused_for_now() -> None:
    box = Storage(id="box", circuit="main", capacity_wh=5000, max_charge_w=2000, max_discharge_w=2000, soc_percent=50)
    site = yard(outlet("A"), storages=[box])
    with pytest.raises(InputError, match="'box'; give a grid that begins now"):
        schedule(site, (), FLAT, hours(4), now=START + HOUR)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"max_pauses": 0}, id="no pauses"),
        pytest.param({"min_on_s": 7200}, id="on-time"),
    ],
)
def test_sessions_under_way_whose_past_would_have_to_be_known_are_refused(more: dict[str, Any]) -> None:
    running = car("a", "A", 0, 4, 20_000, phases=1, **more)
    seen = SessionState(session="a", delivered_wh=1000, measured_at=START + 1.5 * HOUR, setpoint_steps=100)
    with pytest.raises(InputError, match="cannot be planned again within a grid yet"):
        schedule(SITE, (running,), FLAT, hours(4), now=START + 1.5 * HOUR, state=[seen])
    coming = running.model_copy(update={"arrival": START + 2 * HOUR})
    assert not schedule(SITE, (coming,), FLAT, hours(4), now=START + 1.5 * HOUR).verify().violations


BY_ENERGY = (TaperPoint(energy_wh=4000, max_current_a=32.0), TaperPoint(energy_wh=18_000, max_current_a=6.0))
BY_CHARGE = (TaperPoint(soc_percent=40.0, max_current_a=32.0), TaperPoint(soc_percent=75.0, max_current_a=6.0))


@pytest.mark.parametrize(
    "taper", [pytest.param(BY_ENERGY, id="by energy"), pytest.param(BY_CHARGE, id="by state of charge")]
)
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_a_taper_goes_on_where_the_car_stands(taper: tuple[TaperPoint, ...], slots: int) -> None:
    """A car that has drawn what the plan expected is expected to draw the rest as before."""
    van = car("a", "A", 0, 4, 40_000, phases=1, taper=taper, battery_wh=40_000.0, soc_percent=30.0)
    first = schedule(SITE, (van,), FLAT, hours(4))
    drawn = np.cumsum(drawn_units(first.problem, 0, first.setpoints[0], None, None)) / 36_000
    seen = SessionState(session="a", delivered_wh=float(drawn[slots - 1]), measured_at=START + slots * HOUR)
    second = again(first, START + (slots + 0.5) * HOUR, states=[seen])
    assert second.scenario.held == {"a": int(first.setpoints[0, slots])}
    left = second.energy_wh.get("a", 0.0)
    assert left == pytest.approx(drawn[-1] - drawn[slots], abs=0.5)  # mWh and uA that are rounded


def test_a_taper_is_over_once_the_car_is_full() -> None:
    van = car("a", "A", 0, 4, 40_000, phases=1, taper=BY_ENERGY)
    [point] = taper_left(van, 20_000 * 36_000)
    assert (point.energy_wh, point.max_current_a) == (0.0, 6.0)


def test_a_peak_charge_whose_interval_goes_on_is_refused() -> None:
    peak = PeakCharge(id="demand", per_kw=10.0, interval_s=3600)
    tariff = Tariff(energy=0.2, peaks=(peak,))
    grid = TimeGrid.regular(START, QUARTER, 16)
    with pytest.raises(InputError, match="metering interval"):
        schedule(SITE, CARS, tariff, grid, now=START + 1.5 * HOUR)


def test_a_charger_may_hold_more_than_the_car_can_take() -> None:
    seen = SessionState(session="a", delivered_wh=0, measured_at=START, setpoint_steps=321)
    plan = schedule(SITE, CARS, FLAT, hours(4), now=START + 0.5 * HOUR, state=[seen])
    assert "a" in plan.summary()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"state": [SessionState(session="a", delivered_wh=0, measured_at=START)]}, "now", id="no now"),
        pytest.param({"now": START + HOUR, "state": [{"session": "a"}]}, "give a SessionState", id="no state"),
        pytest.param({"now": START - HOUR}, "outside the grid", id="now before the grid"),
        pytest.param({"now": START.replace(tzinfo=None)}, "no instant with a zone", id="naive now"),
        pytest.param({"previous": "yesterday"}, "give the Plan", id="previous as text"),
        pytest.param({"now": "2026-01-15T02:00Z"}, "no instant with a zone", id="now as text"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        schedule(SITE, CARS, FLAT, hours(4), **more)


@given(scenario=scenarios(max_sessions=4, max_slots=6), data=st.data())
@settings(max_examples=60)
def test_the_referee_accepts_every_plan_made_again(scenario: Scenario, data: st.DataObject) -> None:
    first = planned(scenario)
    grid = scenario.grid
    now = grid.start + timedelta(seconds=data.draw(st.integers(0, grid.edges_s[-1] - 1)))
    states = [
        SessionState(
            session=session.id,
            delivered_wh=float(data.draw(st.integers(0, 5000))),
            measured_at=now - timedelta(seconds=data.draw(st.integers(0, 600))),
            setpoint_steps=data.draw(st.none() | st.integers(0, 320)),
        )
        for session in scenario.sessions
        if data.draw(st.booleans())
    ]
    second = again(first, now, states=states)
    assert not second.verify().violations
    if now > grid.start:
        assert second.scenario.held is not None
        held = [second.scenario.held.get(name, 0) for name in second.session_ids]
        assert second.setpoints[:, 0].tolist() == held


def test_what_is_left_is_planned_as_a_day_of_its_own() -> None:
    """With nothing held, what is left costs what the same wishes cost on a grid that begins then."""
    prices = (0.4, 0.1, 0.2, 0.5)
    idle = [SessionState(session=name, delivered_wh=0, measured_at=START, setpoint_steps=0) for name in "ab"]
    left = schedule(SITE, CARS, priced(*prices), hours(4), now=START + 2 * HOUR, state=idle)
    own = schedule(SITE, CARS, priced(*prices), TimeGrid.regular(START + 2 * HOUR, HOUR, 2))
    assert left.setpoints[:, 1:].tolist() == own.setpoints.tolist()
    assert left.solution.cost_units == own.solution.cost_units
