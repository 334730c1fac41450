"""Whatever stations take: a plan is made so that they can be told all of it, or an input error says why not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import car, planned, priced, scene, yard

from ocpp_schedule import Capabilities, Connector, InputError, SessionState, Station, lint, schedule

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario


@st.composite
def capabilities(draw: st.DrawFn) -> Capabilities:
    """Return what a station takes, every field that shapes a plan at random."""

    def some(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    return Capabilities(
        rate_units=some(("A",), ("W",), ("A", "W")),
        max_periods=some(None, 2, 3, 4, 6, 10),
        max_message_bytes=some(None, None, 500, 700, 4096),
        limit_step_a=some(0.1, 0.1, 0.5, 1.0, 0.25, 4.0),
        number_phases=some("exact", "omit"),
        pause=some("zero_limit", "min_current", "stop_transaction"),
        resume=some("profile", "remote_start", "none"),
        stack_levels=some(None, (0,), (0, 1), (3, 7)),
        max_profiles=some(None, 1, 2, 3, 5),
    )


@st.composite
def days(draw: st.DrawFn) -> Scenario:
    """Return two stations with one or two outlets and a few cars on eight quarters of an hour."""
    stations, outlets, cars = [], [], []
    for name in "AB":
        version = draw(st.sampled_from(["1.6", "2.0.1", "2.1"]))
        stations.append(Station(id=name, circuit="main", ocpp_version=version, capabilities=draw(capabilities())))
        for evse in range(1, draw(st.integers(2, 3))):
            allowed = draw(st.sampled_from([None, None, (0, 6, 8, 10.5, 16)]))
            takes_a = "A" in stations[-1].capabilities.rate_units
            outlets.append(
                Connector(
                    id=f"{name}{evse}",
                    station=name,
                    evse_id=evse,
                    lines=draw(st.sampled_from([("L1",), ("L1", "L2", "L3")])),
                    max_current_a=16.0,
                    step_a=draw(st.sampled_from([0.1, 0.5, 2.0])),
                    allowed_currents_a=allowed if takes_a else None,
                )
            )
            running = draw(st.booleans())
            for number, (first, last) in enumerate([(0.0, 1.0), (1.25, 2.0)][: draw(st.integers(0, 2))]):
                transaction: Any = (
                    (10 * evse if version == "1.6" else f"seven {evse}") if running and number == 0 else None
                )
                cars.append(
                    car(
                        f"{name}{evse}{number}",
                        f"{name}{evse}",
                        first,
                        last,
                        draw(st.sampled_from([800.0, 2500.0])),
                        phases=draw(st.sampled_from([None, 1, 3])),
                        transaction_id=transaction,
                    )
                )
    site = yard(
        *outlets,
        stations=stations,
        limit_a=draw(st.sampled_from([30.0, 64.0, 200.0])),
        idle_floor_a=draw(st.sampled_from([0.0, 0.0, 6.0])),
        edge_guard_s=draw(st.sampled_from([0, 60])),
    )
    prices = [draw(st.sampled_from([-0.1, 0.1, 0.2, 0.3])) for _ in range(8)]
    return scene(
        site, cars, priced(*prices, step_s=900), grid={"start": "2026-01-15T00:00Z", "step_s": 900, "slots": 8}
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days())
def test_a_plan_can_be_told_to_its_stations(day: Scenario) -> None:
    try:
        plan = planned(day)
    except InputError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert "a plan in which nobody charges has" in said
        return
    assert plan.report.ok
    assert lint(plan.stacks(), {one.id: one.capabilities for one in day.site.stations}) == ()


def test_what_is_held_takes_a_period_of_its_own() -> None:
    few = Station(id="A", circuit="main", ocpp_version="1.6", capabilities=Capabilities(max_periods=2))
    site = yard(Connector(id="A1", station="A", max_current_a=16), stations=[few], idle_floor_a=6.0)
    day = scene(site, [car("a", "A1", 0, 4, 0)])
    assert planned(day).setpoints.tolist() == [[0, 0, 0, 0]]
    now = day.grid.start + timedelta(hours=1.5)
    held = SessionState(session="a", delivered_wh=0.0, measured_at=now, setpoint_steps=100)
    with pytest.raises(InputError, match=r"takes 2 periods .* a plan in which nobody charges has 3 .*under way"):
        schedule(site, day.sessions, day.tariff, day.grid, now=now, state=[held])
    last = now + timedelta(hours=2)  # nothing follows but the end floor
    held = held.model_copy(update={"measured_at": last})
    assert schedule(site, day.sessions, day.tariff, day.grid, now=last, state=[held]).setpoints.tolist() == [[100]]


def test_outlets_of_which_one_gives_anything_cannot_all_keep_their_minimum() -> None:
    never = Capabilities(pause="min_current")
    station = Station(id="A", circuit="main", ocpp_version="1.6", capabilities=never, exclusive_groups=[["A1", "A2"]])
    outlets = [Connector(id=f"A{n}", station="A", evse_id=n, max_current_a=16) for n in (1, 2)]
    with pytest.raises(InputError, match=r"exclusive 'A 0': gives 1 at once, and 2 are kept .* Lower the floor, or"):
        planned(scene(yard(*outlets, stations=[station]), [car("a", "A1", 0, 4, 1000)]))
