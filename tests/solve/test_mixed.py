"""Everything at once: cabinets, turns, groups and DC with priorities, values, minimum currents and must-haves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import car, hours, planned, priced, yard

from ocpp_schedule import Capabilities, Connector, Objective, ObjectiveStage, Scenario, Station, Tariff, schedule
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.series import CarbonSeries, Forecast
from ocpp_schedule.model.tariff import PeakCharge
from ocpp_schedule.plan import Plan
from ocpp_schedule.testing.strategies import scenarios

OBJECTIVES = [
    Objective.cheapest(),
    Objective.fastest(),
    Objective.greenest(),
    Objective.profit(),
    Objective.of("energy", "co2", "cost"),
    Objective.of("must_have", "wanted", "finish"),
    Objective.of("must_have", ObjectiveStage(kind="wanted", allow_rel=0.1), "cost", "quick"),
]
SLOWLY = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def mixed(draw: st.DrawFn, *, metered: bool = False) -> Scenario:
    """Return a scenario of any kind with priorities, values, own ranges and pauses, and an objective."""
    scenario = draw(scenarios(max_sessions=5, max_slots=8))
    series = CarbonSeries(start=scenario.grid.start, step_s=86_400, g_per_kwh=(100.0,))
    direct = {one.id for one in scenario.site.connectors if one.current_type == "DC"}
    sessions = []
    for one in scenario.sessions:
        more: dict[str, Any] = {
            "priority": draw(st.sampled_from([0, 0, 3])),
            "value_per_kwh": draw(st.sampled_from([None, None, 0.2])),
            "max_pauses": draw(st.sampled_from([None, None, None, 1])),
        }
        if one.connector in direct and draw(st.booleans()):
            more["taper"] = ({"energy_wh": 0.0, "max_current_a": 30.0}, {"energy_wh": 9000.0, "max_current_a": 3.0})
        sessions.append(type(one).model_validate(one.model_dump() | more))
    changes: dict[str, Any] = {
        "sessions": tuple(sessions),
        "tariff": scenario.tariff.model_copy(update={"co2": series}),
        "objective": draw(st.sampled_from(OBJECTIVES)),
    }
    return scenario.model_copy(update=changes | (draw(_at_the_meter(scenario)) if metered else {}))


@st.composite
def _at_the_meter(draw: st.DrawFn, scenario: Scenario) -> dict[str, Any]:
    """Return a generator, now and then a battery, and a peak charge; the objective is one of money."""
    place, grid = scenario.site.circuits[0].id, scenario.grid
    sun = Forecast(id="pv", start=grid.start, step_s=86_400, expected_w=(draw(st.sampled_from([500.0, 9_000.0])),))
    battery = Storage(
        id="b", circuit=place, capacity_wh=2000.0, max_charge_w=2000.0, max_discharge_w=2000.0, soc_percent=40.0
    )
    site = scenario.site.model_copy(
        update={
            "generators": (Generator(id="pv", circuit=place),),
            "storages": (battery,) if draw(st.booleans()) else (),
        }
    )
    aligned = set(np.diff(grid.edges_s).tolist()) <= {900, 1800, 2700, 3600}
    peaks = (PeakCharge(id="month", per_kw=2.0),) if aligned and draw(st.booleans()) else ()
    tariff = Tariff(energy=scenario.tariff.energy, export=0.05, peaks=peaks)
    return {
        "site": site,
        "tariff": tariff,
        "forecasts": (*scenario.forecasts, sun),
        "objective": Objective.cheapest(),
    }


def judged(plan: Plan) -> None:
    """The referee derives everything again, from the plan and from its archive, and every bound holds."""
    report = plan.verify()
    assert not report.violations
    for review in plan.stages:
        assert review.bound is None or review.bound <= review.value + 1e-6 * max(abs(review.value), 1), review
    again = Plan.from_json(plan.to_json())
    assert np.array_equal(again.setpoints, plan.setpoints)
    if plan.session_ids:
        assert plan.explain(plan.session_ids[0]).lines


@settings(SLOWLY, max_examples=60)
@given(scenario=mixed())
def test_every_plan_stands_before_the_referee(scenario: Scenario) -> None:
    judged(planned(scenario))


@settings(SLOWLY, max_examples=25)
@given(scenario=mixed(metered=True))
def test_so_does_it_behind_a_meter(scenario: Scenario) -> None:
    judged(planned(scenario))


@settings(SLOWLY, max_examples=25)
@given(scenario=mixed(), part=st.integers(1, 99))
def test_and_when_it_is_planned_again(scenario: Scenario, part: int) -> None:
    cars = [one.model_copy(update={"taper": (), "max_pauses": None}) for one in scenario.sessions]
    scenario = scenario.model_copy(update={"sessions": tuple(cars)})
    first = planned(scenario)
    now = scenario.grid.start + timedelta(seconds=scenario.grid.edges_s[-1] * part // 100)
    second = schedule(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        objective=scenario.objective,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        previous=first,
        now=now,
    )
    assert not second.verify().violations


LOSSY = Connector(
    id="D",
    station="CP",
    current_type="DC",
    max_power_w=20_000.0,
    max_current_a=100.0,
    efficiency=0.5,
    step_w=1000,
)


def lossy(*per_kwh: float, **more: Any) -> Plan:
    """Return the plan of a car that wants 20 kWh at a DC outlet which wastes half of what it draws."""
    station = Station(id="CP", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("W",)))
    place = yard(LOSSY, limit_a=400, stations=[station])
    wanting = car("d", "D", 0, len(per_kwh), 20_000, value_per_kwh=more.pop("value", None))
    return schedule(place, [wanting], priced(*per_kwh), hours(len(per_kwh)), **more)


@pytest.mark.parametrize(
    ("price", "expected"),
    [pytest.param(0.14, 20_000, id="0.28 per kWh in the car"), pytest.param(0.16, 0, id="0.32 per kWh in the car")],
)
def test_a_value_is_that_of_energy_in_the_car(price: float, expected: float) -> None:
    assert lossy(price, price, value=0.3).energy_wh == {"d": expected}


def test_losses_do_not_make_anybody_wait() -> None:
    """Time weighs what cars get: energy that a car wants is never better missed because half of it is lost."""
    fast = lossy(0.2, 0.1, 0.1, 0.1, objective=Objective.of("quick", "cost"))
    assert fast.energy_wh == {"d": 20_000}
    assert fast.setpoints.tolist() == [[20, 0, 0, 0]]
    assert [stage.value for stage in fast.solution.stages] == [0, 40 * 200_000 * 36_000_000]
