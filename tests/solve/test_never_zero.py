"""Stations that are never told 0: exhaustive search on tiny sites, reserved floors, alarms, what cannot be."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.check.cases import Case, one_circuit, session
from tests.check.cases import hours as case_hours
from tests.check.cases import outlet as case_outlet
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Capabilities, Forecast, InputError, Load, Outage, Station, lint
from ocpp_schedule.solve.ladder import solve

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario

WH = 36_000
STEP_WH = 1840
SLOTS = 4
KEPT = Capabilities(pause="min_current")


def kept(name: str, version: Any = "1.6", **known: Any) -> Station:
    return Station(
        id=f"CP-{name}", circuit="main", ocpp_version=version, capabilities=Capabilities(pause="min_current", **known)
    )


def tiny(draw: Any) -> Scenario:
    """Return two cars with 8 A steps on four slots, one or both at stations that are never told 0."""
    cars = []
    for name in "AB":
        first, last = draw(st.integers(0, 1)), draw(st.integers(3, 4))
        wh = float(draw(st.sampled_from([1000, 3680, 5520, 9200])))
        cars.append(car(f"s{name}", name, first, last, wh, phases=1, min_current_a=draw(st.sampled_from([None, 16.0]))))
    stations = [kept("A"), draw(st.sampled_from([kept("B"), Station(id="CP-B", circuit="main", ocpp_version="1.6")]))]
    site = yard(
        *(outlet(name, step_a=8.0, max_current_a=24.0, min_current_a=8.0) for name in "AB"),
        stations=stations,
        limit_a=draw(st.sampled_from([32.0, 40.0, 48.0])),
        edge_guard_s=0,
    )
    prices = [draw(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31])) for _ in range(SLOTS)]
    return scene(site, cars, priced(*prices))


def best(scenario: Scenario) -> tuple[float, float]:
    """Return missing energy [Wh] and cost [Wh x 1e-3 per kWh] of the best plan there is."""
    prices = [round(price * 1000) for price in scenario.tariff.energy.per_kwh]
    pauses = {one.id: one.capabilities.pause for one in scenario.site.stations}
    options, floors = [], []
    for one in scenario.sessions:
        never = pauses[f"CP-{one.connector}"] == "min_current"
        low = 1 if one.min_current_a is None else 2
        floors.append(low if never else 0)
        own = range((one.arrival - START) // HOUR, (one.departure - START) // HOUR)
        forced = low * STEP_WH * len(own) if never else 0
        found = []
        for steps in product(*[([] if never else [0]) + [*range(low, 4)] if t in own else [0] for t in range(SLOTS)]):
            wh = [STEP_WH * step for step in steps]
            if sum(wh) <= one.energy_wh or sum(wh) < max(one.energy_wh, forced) + low * STEP_WH:
                cost = sum(w * p for w, p in zip(wh, prices, strict=True))
                found.append((steps, max(0.0, one.energy_wh - sum(wh)), cost))
        options.append(found)
    limit = scenario.site.circuits[0].limit_a
    return min(
        (sum(one[1] for one in chosen), sum(one[2] for one in chosen))
        for chosen in product(*options)
        if all(8 * sum(max(c[0][t], f) for c, f in zip(chosen, floors, strict=True)) <= limit for t in range(SLOTS))
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_plan_equals_exhaustive_search(data: st.DataObject) -> None:
    scenario = tiny(data.draw)
    plan = planned(scenario)
    missing, cost = best(scenario)
    assert [stage.value for stage in plan.solution.stages] == [0, missing * WH, cost * WH * 1000]
    rough = solve(compiled(scenario), exact_arcs=0)
    assert refereed(scenario, rough).ok
    assert [stage.value for stage in rough.stages] >= [0, missing * WH, cost * WH * 1000]


def test_it_goes_on_at_the_minimum_when_the_wish_is_met() -> None:
    site = yard(outlet("A"), stations=[kept("A")], edge_guard_s=0)
    plan = planned(scene(site, [car("a", "A", 0, 4, 3680, phases=1, max_current_a=16)], priced(0.1, 0.5, 0.1, 0.9)))
    assert plan.setpoints.tolist() == [[60, 60, 60, 60]]
    assert plan.overshoot_wh == {"a": 4 * 1380 - 3680}
    assert plan.status == "complete"
    assert plan.problem.notices == (
        "never told 0, so their connectors keep at least their minimum, reserved in every slot: CP-A",
    )


def test_it_is_told_no_zero_anywhere() -> None:
    """Before, between, during and after two sessions, with a car that needs more than the connector's minimum."""
    site = yard(outlet("A"), outlet("B"), stations=[kept("A"), kept("B")], limit_a=40.0)
    cars = [
        car("a", "A", 1, 2, 3680, phases=1, min_current_a=8.0),
        car("b", "A", 3, 4, 3680, phases=1),
    ]
    plan = planned(scene(site, cars, grid=hours(6)))
    limits = {
        stack.connector: [period.limit_tenths for layer in stack.layers for period in layer.profile.schedule.periods]
        for stack in plan.stacks()
    }
    assert min(limits["A"]) == 80
    assert min(limits["B"]) == 60
    assert not lint(plan.stacks(), {"CP-A": KEPT, "CP-B": KEPT})


def test_base_load_that_leaves_too_little_is_an_alarm_and_the_minimum_stays() -> None:
    """22 of 25 A are taken: the car keeps its 6 A, which nothing can take from it; the other one gets nothing."""
    site = yard(
        outlet("A"),
        outlet("B"),
        stations=[kept("A"), Station(id="CP-B", circuit="main", ocpp_version="1.6")],
        loads=[Load(id="hall", circuit="main", lines=("L1",))],
        edge_guard_s=0,
    )
    forecast = Forecast(id="hall", start=START, step_s=3600, expected_a=(0.0, 22.0, 0.0, 0.0))
    cars = [car("a", "A", 0, 4, 9000, phases=1), car("b", "B", 0, 4, 9000, phases=1)]
    plan = planned(scene(site, cars, priced(0.3, 0.1, 0.3, 0.3), forecasts=[forecast]))
    assert plan.setpoints[:, 1].tolist() == [60, 0]
    assert plan.status == "alarm"
    assert str(plan.report.alarms[0]).endswith("22 A of base load and 6 A of idle floors exceed the limit of 25 A")


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        pytest.param(
            {"availability": [Outage(connector="A", start=START + HOUR, end=START + 2 * HOUR)]},
            r"never be told 0 \(pause='min_current'\), and from 2026-01-15T01:00Z on it must get nothing: .*outage",
            id="outage",
        ),
        pytest.param({"max_price_per_kwh": 0.2}, r"from 2026-01-15T02:00Z on .*: max_price_per_kwh=0.2", id="price"),
        pytest.param({"min_current_a": 31.95}, "it cannot charge there at all", id="cannot"),
    ],
)
def test_what_must_get_nothing_is_an_input_error(more: dict[str, Any], seen: str) -> None:
    rules = more.pop("availability", ())
    site = yard(outlet("A"), stations=[kept("A")], limit_a=40.0)
    step = {"step_a": 4.0} if "min_current_a" in more else {}
    site = yard(outlet("A", **({"max_current_a": 31.96} | step if step else {})), stations=[kept("A")], limit_a=40.0)
    cars = [car("a", "A", 0, 4, 9000, phases=1, **more)]
    with pytest.raises(InputError, match=f"session 'a': connector 'A' must {seen}" if "never" in seen else seen):
        planned(scene(site, cars, priced(0.1, 0.1, 0.3, 0.1), availability=rules))


def test_a_pause_at_such_a_station_is_found() -> None:
    case = Case(
        site=one_circuit(case_outlet("A"), stations=[kept("A")]),
        sessions=(session("a", "A", 0, 4, 9000.0),),
        grid=case_hours(4),
        steps={"a": [60, 0, 59, 60]},
        floors={"A": (60, 60)},
    )
    found = [one for one in case.review().violations if one.kind == "pause" and "never" in one.detail]
    assert [(one.slot, one.seen, one.allowed, one.relation) for one in found] == [
        (1, 0, 60, "at least"),
        (2, 59, 60, "at least"),
    ]


@pytest.mark.parametrize("known", [{}, {"max_periods": 4}, {"rate_units": ("W",)}], ids=["plain", "periods", "watts"])
def test_a_day_of_cars_that_are_never_told_0(known: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    names = [f"C{k}" for k in range(8)]
    site = yard(
        *(outlet(name, lines=("L1", "L2", "L3")) for name in names),
        stations=[kept(name, **known) for name in names],
        limit_a=250.0 if "rate_units" in known else 120.0,  # an unknown car may put all watts on one line
    )
    cars = [
        car(f"s{k}", name, int(rng.integers(0, 6)), int(rng.integers(10, 18)), 30_000.0, phases=(1, 3, None)[k % 3])
        for k, name in enumerate(names)
    ]
    tariff = priced(*np.round(0.1 + 0.2 * rng.random(72), 4).tolist(), step_s=900)
    plan = planned(scene(site, cars, tariff, grid={"start": START, "step_s": 900, "slots": 72}))
    assert plan.report.ok
    assert not plan.report.alarms
    assert not lint(plan.stacks(), {one.id: one.capabilities for one in site.stations})
    tenths = [
        period.limit_tenths
        for stack in plan.stacks()
        for layer in stack.layers
        for period in layer.profile.schedule.periods
    ]
    assert min(tenths) >= 60
