"""DC outlets and the modules they share: effects, exhaustive search, edges, the referee (convention 14)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import START, car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import (
    Cabinet,
    Capabilities,
    Circuit,
    Connector,
    Forecast,
    Generator,
    PeakCharge,
    Scenario,
    Station,
    Tariff,
)
from ocpp_schedule.solve.pools import shrunk

L123 = ("L1", "L2", "L3")


def dc(name: str, *, power_w: float = 50_000.0, step_w: int = 1000, **more: Any) -> Connector:
    fields: dict[str, Any] = {"lines": L123, "max_current_a": 125.0, "current_type": "DC", "efficiency": 0.95}
    return outlet(name, max_power_w=power_w, step_w=step_w, **fields | more)


def site(*connectors: Connector, cabinet: tuple[int, int] | None = None, **more: Any) -> Any:
    """Return a site of DC outlets; ``cabinet``: power of a module [W] and how many there are."""
    stations = [
        Station(id=one.station, circuit="main", ocpp_version="2.0.1", capabilities=Capabilities(rate_units=("A", "W")))
        for one in connectors
    ]
    names = [one.id for one in connectors]
    cabinets = [Cabinet(id="K", module_w=cabinet[0], modules=cabinet[1], connectors=names)] if cabinet else []
    fields = {"circuits": [Circuit(id="main", limit_a=400)], "stations": stations, "edge_guard_s": 0}
    return yard(*connectors, **fields | {"cabinets": cabinets} | more)


def test_what_one_step_does() -> None:
    """1 kW into the car is 1,052.7 W drawn: 1.7 A on each of three lines at 207 V, rounded up."""
    problem = compiled(
        scene(site(dc("A"), circuits=[Circuit(id="main", limit_va=90_000)]), [car("a", "A", 0, 4, 1000)])
    )
    assert problem.load_units.tolist() == [[1_695_059] * 3 + [1_052_632]]
    assert (problem.power_dw.tolist(), problem.draw_dw.tolist()) == ([10_000], [10_527])
    assert (problem.min_steps.tolist(), problem.max_steps.tolist()) == ([0], [50])


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        pytest.param({}, 50, id="max_power_w"),
        pytest.param({"max_current_a": 50.0}, 32, id="50 A on three lines at 230 V, 95 % of 34,500 W"),
        pytest.param({"lines": ("L2",), "max_current_a": 50.0}, 10, id="one line"),
        pytest.param({"power_w": 999.0}, 0, id="less than a step"),
    ],
)
def test_highest_set_point(fields: dict[str, Any], most: int) -> None:
    assert compiled(scene(site(dc("A", **fields)), [car("a", "A", 0, 4, 1000)])).max_steps.tolist() == [most]


def test_energy_goes_into_the_car_and_money_to_the_meter() -> None:
    plan = planned(scene(site(dc("A")), [car("a", "A", 0, 1, 20_000)], priced(0.3, 0.5), grid=hours(2)))
    assert plan.energy_wh == {"a": 20_000}
    assert plan.cost == pytest.approx(20 * 1.0527 * 0.3)
    assert plan.bound == pytest.approx(plan.cost)
    assert plan.limits[0, 0] == 20_000
    units = {
        message["payload"]["chargingProfile"]["chargingSchedule"][0]["chargingRateUnit"] for message in plan.to_ocpp()
    }
    assert units == {"W"}


def test_money_of_a_tapered_car_follows_what_it_draws() -> None:
    """The referee's cost and the plan's are derived apart; a plan that comes back has them equal."""
    taper = [{"energy_wh": 0.0, "max_current_a": 70.0}, {"energy_wh": 20_000.0, "max_current_a": 5.0}]
    plan = planned(scene(site(dc("A")), [car("a", "A", 0, 4, 30_000, taper=taper)], priced(0.3, 0.5, 0.2, 0.4)))
    assert plan.report.ok
    assert sum(plan.energy_wh.values()) < 30_000
    assert plan.cost >= 0.2 * sum(plan.energy_wh.values()) / 1000 / 0.95


def test_the_meter_sees_what_is_delivered() -> None:
    """A peak charge and surplus beside DC: the referee's bill of delivered energy is the plan's."""
    pv = Generator(id="pv", circuit="main")
    sun = Forecast(id="pv", start=START, step_s=3600, expected_w=(0.0, 20_000.0, 20_000.0, 0.0))
    tariff = Tariff(energy=0.3, export=0.05, peaks=[PeakCharge(id="month", per_kw=2.0)])
    cars = [car("a", "A", 0, 4, 30_000), car("b", "B", 0, 4, 9_000, source="surplus")]
    plan = planned(scene(site(dc("A"), dc("B"), generators=[pv]), cars, tariff, forecasts=[sun]))
    assert plan.report.ok
    assert sum(plan.energy_wh.values()) > 30_000
    assert plan.bound is not None
    assert plan.bound <= plan.cost + 1e-9


def test_idle_floor_in_watts() -> None:
    """10 A on three lines at 230 V are 6,900 W, of which 95 % reach the car: 6 steps of 1 kW."""
    problem = compiled(scene(site(dc("A"), idle_floor_a=10.0), [car("a", "A", 0, 1, 20_000)]))
    assert problem.idle_floor_steps.tolist() == [6]
    assert planned(scene(site(dc("A"), idle_floor_a=10.0), [car("a", "A", 0, 1, 20_000)])).report.ok


@st.composite
def tiny(draw: st.DrawFn) -> Scenario:
    """Two or three cars on a cabinet of a few modules, one to three slots."""
    slots, cars = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    step_w = draw(st.sampled_from([2000, 3000]))
    outlets = [
        dc(name, step_w=step_w, power_w=3.0 * step_w, efficiency=draw(st.sampled_from([0.9, 1.0])))
        for name in "ABC"[:cars]
    ]
    cabinet = draw(st.sampled_from([(4000, 2), (4000, 3), (2500, 3), (6000, 1), (9000, 2)]))
    circuits = [Circuit(id="main", limit_a=draw(st.sampled_from([400.0, 20.0])))]
    sessions = [
        car(name.lower(), name, 0, draw(st.integers(1, slots)), float(draw(st.sampled_from([2000, 5000, 9000]))))
        for name in "ABC"[:cars]
    ]
    prices = draw(st.lists(st.sampled_from([-0.1, 0.1, 0.2, 0.31]), min_size=slots, max_size=slots))
    return scene(site(*outlets, cabinet=cabinet, circuits=circuits), sessions, priced(*prices), grid=hours(slots))


def best(scenario: Scenario) -> tuple[int, int, int]:
    """Return missing must-haves, missing energy and cost of the best plan, by trying all of them."""
    (cabinet,), (main,) = scenario.site.cabinets, scenario.site.circuits
    prices = [round(price * 10**6) for price in scenario.tariff.energy.per_kwh]  # type: ignore[union-attr] - a series
    options = []
    for one in scenario.sessions:
        connector = next(c for c in scenario.site.connectors if c.id == one.connector)
        drawn = Fraction(connector.step_w) / Fraction(repr(connector.efficiency))
        window = (one.departure - START) // (hours(1).end - START)
        found = []
        for steps in product(*[range(4) if t < window else [0] for t in range(scenario.grid.slots)]):
            given = sum(steps) * connector.step_w * 36_000
            wish = round(one.energy_wh * 36_000)
            if given - wish >= connector.step_w * 36_000:
                continue
            cost = sum(k * ceil(10 * drawn) * 3600 * price for k, price in zip(steps, prices, strict=True))
            modules = [ceil(Fraction(k * connector.step_w, cabinet.module_w)) for k in steps]
            amperes = [k * ceil(drawn * 10**6 / (3 * 207)) for k in steps]
            found.append((np.array([modules, amperes]), (0, max(0, wish - given), cost)))
        options.append(found)
    limits = np.array([[cabinet.modules], [main.limit_a * 10**6]])  # type: ignore[operator] - one value
    plans = (p for p in product(*options) if (sum(entry[0] for entry in p) <= limits).all())
    return min(tuple(sum(entry[1][k] for entry in plan) for k in range(3)) for plan in plans)  # type: ignore[return-value]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenario=tiny())
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = planned(scenario)
    truth = best(scenario)
    assert tuple(stage.value for stage in plan.solution.stages) == (truth[0], truth[1], floor(truth[2]))
    assert plan.bound is not None
    assert plan.bound <= plan.cost + 1e-9


def test_large_plans_keep_the_modules_and_have_a_bound() -> None:
    outlets = [dc(f"D{k}") for k in range(6)]
    cars = [car(f"c{k}", f"D{k}", k / 4, 4 + k / 4, 40_000) for k in range(6)]
    grid = type(hours(1)).regular(START, (hours(1).end - START) / 4, 24)
    prices = priced(*np.linspace(0.4, 0.1, 24).round(3).tolist(), step_s=900)
    plan = planned(scene(site(*outlets, cabinet=(25_000, 4), edge_guard_s=60), cars, prices, grid=grid))
    assert plan.report.ok
    assert any(noun == "cabinet" for noun, _, _ in plan.solution.certificates["cost"].row_prices)
    assert plan.energy_wh.keys() == {f"c{k}" for k in range(6)}
    assert plan.cost_gap is not None
    assert plan.cost_gap < 0.2


def test_shrinking_hands_back_the_least_filled_module() -> None:
    problem = compiled(
        scene(site(dc("A"), dc("B"), cabinet=(10_000, 3)), [car("a", "A", 0, 1, 9), car("b", "B", 0, 1, 9)])
    )
    steps = np.zeros((2, problem.slots), dtype=np.int64)
    steps[:, 0] = (21, 12)
    assert shrunk(problem, steps)[:, 0].tolist() == [20, 10]  # 3 modules and 2 are two too many: 1 kW and 2 kW go back


def test_the_referee_sees_a_module_too_many() -> None:
    scenario = scene(
        site(dc("A"), dc("B"), cabinet=(10_000, 3)), [car("a", "A", 0, 1, 9000), car("b", "B", 0, 1, 9000)]
    )
    solution = planned(scenario).solution
    steps = np.zeros_like(solution.setpoints)
    for first, faults in ((20, []), (21, [4])):
        steps[:, 0] = (first, 10)
        found = [
            v for v in refereed(scenario, replace(solution, setpoints=steps.copy())).violations if v.kind == "cabinet"
        ]
        assert [v.seen for v in found] == faults
    assert "cabinet 'K'" in str(found[0])


def test_the_referee_sees_modules_at_an_edge() -> None:
    scenario = scene(
        site(dc("A"), dc("B"), cabinet=(10_000, 3), edge_guard_s=60),
        [car("a", "A", 0, 2, 40_000), car("b", "B", 0, 2, 40_000)],
        grid=hours(2),
    )
    solution = planned(scenario).solution
    swap = np.array([[20, 10], [10, 20]])
    nobody = np.zeros((2, 2), dtype=np.bool_)
    found = refereed(scenario, replace(solution, setpoints=swap, late_raise=nobody, early_lowering=nobody)).violations
    assert [(v.subject, v.slot, v.seen) for v in found if v.kind == "edge"] == [("K", 1, 4)]
    late = np.array([[False, False], [False, True]])
    found = refereed(scenario, replace(solution, setpoints=swap, late_raise=late, early_lowering=nobody)).violations
    assert not [v for v in found if v.kind == "edge"]


def test_the_explanation_names_the_cabinet() -> None:
    """Both want the cheap hour; its modules are shared."""
    place = site(dc("A"), dc("B"), cabinet=(10_000, 3), circuits=[Circuit(id="main", limit_a=400)])
    cars = [car("a", "A", 0, 2, 30_000), car("b", "B", 0, 2, 20_000)]
    plan = planned(scene(place, cars, priced(0.1, 0.3), grid=hours(2)))
    told = [line for name in "ab" for line in plan.explain(name).lines if "cabinet" in line]
    assert told
    assert all("cabinet K is full, shared with" in line for line in told)


def test_the_explanation_names_the_turn() -> None:
    station = Station(id="CP", circuit="main", ocpp_version="2.0.1", exclusive_groups=(("A", "B"),))
    outlets = [outlet(name, station="CP", evse_id=k) for k, name in enumerate("AB", start=1)]
    place = yard(*outlets, limit_a=80.0, stations=[station], edge_guard_s=0)
    cars = [car(name.lower(), name, 0, 2, 7360, phases=1) for name in "AB"]
    plan = planned(scene(place, cars, priced(0.1, 0.3), grid=hours(2)))
    told = "\n".join((*plan.explain("a").lines, *plan.explain("b").lines))
    assert "station CP (one outlet at a time) is full, shared with" in told
