"""Differences between lines: effects, exhaustive search, the referee, proofs (convention 14)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import START, car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import (
    Capabilities,
    Circuit,
    Forecast,
    Generator,
    Load,
    Objective,
    Scenario,
    Station,
    Storage,
)
from ocpp_schedule.check.duality import proven_units
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.solution import Certificate
from ocpp_schedule.solve.commodity import recognise
from ocpp_schedule.solve.unbalance import shrunk
from ocpp_schedule.solve.working import WorkingPlan

L123 = ("L1", "L2", "L3")
PAIRS = ((0, 1), (0, 2), (1, 2))
TWO_LINES = [Circuit(id="main", supply="240/120", limit_a=100.0, unbalance_limit_a=16.0)]


def site(*connectors: Any, differs_a: float | None = 16.0, limit_a: float = 63.0, **more: Any) -> Any:
    fields = {"circuits": [Circuit(id="main", limit_a=limit_a, unbalance_limit_a=differs_a)], "edge_guard_s": 0}
    return yard(*connectors, **fields | more)


def pair() -> Any:
    """Return two outlets on two lines that may differ by 16 A."""
    return site(on("L1", "A"), on("L2", "B"), circuits=TWO_LINES)


def on(line: str, name: str, **more: Any) -> Any:
    return outlet(name, lines=(line,), **more)


W_ONLY = Capabilities(rate_units=("W",))


@pytest.mark.parametrize(
    ("fields", "phases", "expected"),
    [
        pytest.param({"lines": L123}, 3, [100_000] * 3, id="three phases"),
        pytest.param({"lines": ("L2", "L3", "L1")}, 2, [0, 100_000, 100_000], id="two of three, as wired"),
        pytest.param({"lines": ("L2", "L3", "L1")}, None, [0, 100_000, 0], id="unknown: one phase, as for energy"),
        pytest.param({"lines": L123, "step_w": 100, "only_w": True}, 3, [144_927] * 3, id="W on three lines at 230 V"),
        pytest.param({"lines": L123, "step_w": 100, "only_w": True}, None, [144_927, 0, 0], id="W, unknown: a third"),
        pytest.param(
            {"lines": L123, "step_w": 100, "only_w": True, "current_type": "DC", "efficiency": 0.9, "max_power_w": 5e3},
            None,
            [161_030] * 3,
            id="DC: what is drawn, on all lines",
        ),
    ],
)
def test_expected_currents(fields: dict[str, Any], phases: int | None, expected: list[int]) -> None:
    given_ = dict(fields)
    units = W_ONLY if given_.pop("only_w", False) else Capabilities()
    one = outlet("A", **given_)
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=units)
    scenario = scene(site(one, stations=[station]), [car("a", "A", 0, 4, 1000, phases=phases)])
    limits = compiled(scenario).unbalance
    assert limits is not None
    assert limits.per_step.tolist() == [[expected[a] - expected[b] for a, b in PAIRS]]
    assert scene_of(**scenario.inputs()).balances.expected.tolist() == [expected]


def test_a_lone_car_is_held_to_the_limit() -> None:
    plan = planned(scene(site(on("L1", "A")), [car("a", "A", 0, 4, 99_000, phases=1)]))
    assert plan.setpoints.tolist() == [[160] * 4]
    assert plan.mark == "certified"
    assert any("not fail-safe" in notice for notice in plan.notices)


def test_cars_on_different_lines_charge_together() -> None:
    """16 A of difference, but 32 A each where all three charge at once."""
    cars = [car(name.lower(), name, 0, 1, 7360, phases=1) for name in "ABC"]
    place = site(on("L1", "A"), on("L2", "B"), on("L3", "C"))
    plan = planned(scene(place, cars, grid=hours(1)))
    assert plan.setpoints.tolist() == [[320]] * 3
    assert plan.mark == "certified"


def test_base_load_counts_as_the_mean_of_the_slot() -> None:
    """10 A on L1 for half an hour are 5 A; generation on L1 takes 2 A of them off again."""
    loads = Forecast(id="x", start=START, step_s=1800, expected_a=(10.0, 0.0))
    sun = Forecast(id="pv", start=START, step_s=3600, expected_w=(460.0,))
    place = site(
        on("L1", "A"),
        loads=[Load(id="x", circuit="main", lines=["L1"])],
        generators=[Generator(id="pv", circuit="main", lines=["L1"])],
    )
    cars = [car("a", "A", 0, 1, 99_000, phases=1)]
    plan = planned(scene(place, cars, grid=hours(1), forecasts=[loads, sun]))
    assert plan.setpoints.tolist() == [[130]]


def test_what_is_unbalanced_already_gets_no_worse() -> None:
    loads = Forecast(id="x", start=START, step_s=3600, expected_a=(20.0,))
    place = site(on("L1", "A"), on("L2", "B"), circuits=TWO_LINES, loads=[Load(id="x", circuit="main", lines=["L1"])])
    cars = [car("a", "A", 0, 1, 3000, phases=1), car("b", "B", 0, 1, 3000, phases=1)]
    plan = planned(scene(place, cars, grid=hours(1), forecasts=[loads]))
    assert plan.report.ok
    assert plan.setpoints[0, 0] <= plan.setpoints[1, 0]
    assert plan.energy_wh["b"] >= 3000
    assert any("base load alone differs between L1 and L2 by up to 4.0 A" in notice for notice in plan.notices)


def test_a_car_charges_in_the_dear_hour_to_balance_another() -> None:
    """B alone would charge in the cheap hour; as A must have its energy in the dear one, B balances it there."""
    goal = {"by": START + (hours(1).end - START), "energy_wh": 3840.0, "hard": True}
    cars = [car("a", "A", 0, 1, 3840, phases=1, milestones=[goal]), car("b", "B", 0, 2, 3840, phases=1)]
    plan = planned(scene(pair(), cars, priced(0.5, 0.1), grid=hours(2)))
    assert plan.energy_wh == {"a": 3840, "b": 3840}
    assert plan.setpoints.tolist() == [[320, 0], [160, 160]]


def test_two_lines_have_one_pair() -> None:
    limits = compiled(scene(site(on("L1", "A"), circuits=TWO_LINES), [car("a", "A", 0, 1, 9)])).unbalance
    assert limits is not None
    assert limits.pairs == ((0, 1),)


def test_no_flow() -> None:
    cars = [car(name.lower(), name, 0, 4, 9000, phases=1) for name in "AB"]
    outlets = [on("L1", name, min_current_a=0.0) for name in "AB"]
    assert recognise(compiled(scene(site(*outlets, differs_a=None), cars))) is not None
    assert recognise(compiled(scene(site(*outlets), cars))) is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([[320], [160]], [[320], [160]], id="balanced"),
        pytest.param([[320], [100]], [[260], [100]], id="lowered to the limit"),
        pytest.param([[100], [320]], [[100], [260]], id="the other way round"),
        pytest.param([[320], [0]], [[160], [0]], id="alone"),
    ],
)
def test_shrunk(steps: list[list[int]], expected: list[list[int]]) -> None:
    cars = [car("a", "A", 0, 1, 9000, phases=1), car("b", "B", 0, 1, 9000, phases=1)]
    problem = compiled(scene(pair(), cars, grid=hours(1)))
    assert shrunk(problem, np.array(steps)).tolist() == expected
    plan = WorkingPlan(problem, np.array(steps))
    assert plan.setpoints.tolist() == expected
    assert plan.fits()


def test_room_follows_the_others() -> None:
    cars = [car("a", "A", 0, 1, 9000, phases=1), car("b", "B", 0, 1, 9000, phases=1)]
    plan = WorkingPlan(compiled(scene(pair(), cars, grid=hours(1))), np.zeros((2, 1), int))
    assert (plan.room(0).tolist(), plan.room(1).tolist()) == ([160], [160])
    plan.assign(1, np.array([100]))
    assert (plan.room(0).tolist(), plan.room(1).tolist()) == ([260], [160])
    plan.assign(0, np.array([260]))
    plan.assign(1, np.array([0]))
    assert not plan.fits()


def test_a_car_that_must_not_pause_gets_nothing_rather_than_a_pause() -> None:
    cars = [car("a", "A", 0, 3, 9000, phases=1, max_pauses=0)]
    problem = compiled(scene(site(on("L1", "A"), differs_a=4.0), cars, grid=hours(3)))
    assert shrunk(problem, np.array([[0, 60, 0]])).tolist() == [[0, 0, 0]]


def test_the_referee_sees_a_difference() -> None:
    scenario = scene(
        pair(),
        [car("a", "A", 0, 1, 9000, phases=1), car("b", "B", 0, 1, 9000, phases=1)],
        grid=hours(1),
    )
    solution = planned(scenario).solution
    for steps, faults in (([[260], [100]], []), ([[261], [100]], [(16_100_000, 16_000_000)])):
        found = refereed(scenario, replace(solution, setpoints=np.array(steps))).violations
        assert [(v.seen, v.allowed) for v in found if v.kind == "unbalance"] == faults
    assert "L1 over L2" in str(next(v for v in found if v.kind == "unbalance"))


def test_the_explanation_names_the_lines() -> None:
    plan = planned(scene(pair(), [car("a", "A", 0, 2, 3840, phases=1)], priced(0.1, 0.3), grid=hours(2)))
    assert plan.setpoints.tolist() == [[160, 160]]
    assert "circuit main L1 over L2 is full" in "\n".join(plan.explain("a").lines)


@pytest.mark.parametrize(
    ("device", "refused"),
    [
        pytest.param({"storages": [{"lines": ("L1",)}]}, True, id="battery on one line"),
        pytest.param({"storages": [{"lines": L123}]}, False, id="battery on all"),
        pytest.param({"generators": [{"lines": ("L1",), "curtailable": True}]}, True, id="curtailed on one line"),
        pytest.param({"generators": [{"lines": ("L1",)}]}, False, id="as it comes on one line"),
    ],
)
def test_devices_that_the_plan_moves_are_balanced(device: dict[str, Any], *, refused: bool) -> None:
    built: dict[str, Any] = {}
    for field, (more,) in device.items():
        kind = Generator if field == "generators" else Storage
        store = {"capacity_wh": 1.0, "max_charge_w": 1.0, "max_discharge_w": 1.0, "soc_percent": 50.0}
        built[field] = [kind(id="x", circuit="main", **more | ({} if kind is Generator else store))]
    if not refused:
        assert site(on("L1", "A"), **built)
        return
    with pytest.raises(ValueError, match="unbalance_limit_a counts only what is expected before planning"):
        site(on("L1", "A"), **built)


def test_a_load_between_the_only_two_lines_is_balanced() -> None:
    between = outlet("A", lines=("L1", "L2"), connection="delta", max_current_a=20.0)
    plan = planned(scene(site(between, circuits=TWO_LINES), [car("a", "A", 0, 1, 9000)], grid=hours(1)))
    assert plan.setpoints.tolist() == [[200]]


@st.composite
def tiny(draw: st.DrawFn) -> Scenario:
    """Two or three cars in steps of 8 A on different lines, one or two slots, two circuits, both limited or one."""
    slots, names = draw(st.integers(1, 2)), "ABC"[: draw(st.integers(2, 3))]
    wirings = st.sampled_from([("L1",), ("L2",), ("L3",), ("L1", "L2"), ("L3", "L1"), L123])
    low = draw(st.sampled_from([0.0, 8.0, 16.0]))
    outlets = [outlet(name, lines=draw(wirings), step_a=8.0, min_current_a=low, max_current_a=24.0) for name in names]
    differs_a = draw(st.sampled_from([8.0, 16.0, 20.0]))
    circuits = [
        Circuit(id="main", limit_a=draw(st.sampled_from([24.0, 40.0, 63.0])), unbalance_limit_a=differs_a),
        Circuit(id="part", parent="main", limit_a=63.0, unbalance_limit_a=draw(st.sampled_from([None, 8.0]))),
    ]
    where = st.sampled_from(["main", "part"])
    stations = [Station(id=f"CP-{name}", circuit=draw(where), ocpp_version="2.0.1") for name in names]
    loads = [Load(id="x", circuit=draw(where), lines=draw(wirings))] if draw(st.booleans()) else []
    drawn = draw(st.tuples(*[st.sampled_from([0.0, 5.5, 21.0])] * (2 * slots)))
    series = [Forecast(id="x", start=START, step_s=1800, expected_a=drawn) for _ in loads]
    sessions = [
        car(
            name.lower(),
            name,
            0,
            draw(st.integers(1, slots)),
            draw(st.sampled_from([1840.0, 3680.0, 9000.0])),
            phases=draw(st.sampled_from([1, 2, 3, None])),
            priority=draw(st.sampled_from([0, 0, 1])),
        )
        for name in names
    ]
    prices = draw(st.lists(st.sampled_from([-0.1, 0.1, 0.2, 0.31]), min_size=slots, max_size=slots))
    place = site(*outlets, circuits=circuits, stations=stations, loads=loads)
    kind = draw(st.sampled_from([Objective.cheapest(), Objective.fastest(), Objective.of("energy", "cost")]))
    return scene(place, sessions, priced(*prices), grid=hours(slots), forecasts=series, objective=kind)


def used_lines(one: Any, place: Any, unknown: int) -> Any:
    return place.lines[: unknown if one.phases is None else one.phases]


def pairs_of(scenario: Scenario) -> list[tuple[Any, Any]]:
    places = {one.id: one for one in scenario.site.connectors}
    return [(one, places[one.connector]) for one in sorted(scenario.sessions, key=lambda one: one.id)]


def every_plan(scenario: Scenario) -> list[Any]:
    """Return all set-points that a literal reading of the rules allows, by session and slot."""
    slots = scenario.grid.slots
    options = []
    for one, place in pairs_of(scenario):
        step = len(used_lines(one, place, 1)) * 230 * 80 * 3600
        lowest = max(int(place.min_current_a // 8), 1)
        wish = round(one.energy_wh * 36_000)
        stay = (one.departure - START) // (hours(1).end - START)
        levels = [[0, *range(lowest, 4)] if t < stay else [0] for t in range(slots)]
        options.append([x for x in product(*levels) if sum(x) * step < max(wish + lowest * step, wish + 1)])
    known: dict[Any, bool] = {}

    def fits(steps: Any, t: int) -> bool:
        if (steps, t) not in known:
            known[steps, t] = all(carries(scenario, circuit, steps, t) for circuit in scenario.site.circuits)
        return known[steps, t]

    return [x for x in product(*options) if all(fits(tuple(own[t] for own in x), t) for t in range(slots))]


def carries(scenario: Scenario, circuit: Any, steps: Any, t: int) -> bool:
    where = {one.id: one.circuit for one in scenario.site.stations}
    worst, base, drawn = [0.0] * 3, [0.0] * 3, [0.0] * 3
    for load, series in zip(scenario.site.loads, scenario.forecasts, strict=True):
        halves: Any = (series.expected_a or ())[2 * t : 2 * t + 2]
        for k, line in enumerate(L123 if circuit.id in ("main", load.circuit) else ()):
            worst[k] += max(halves) * (line in load.lines)
            base[k] += sum(halves) / 2 * (line in load.lines)
    for (one, place), own in zip(pairs_of(scenario), steps, strict=True):
        for k, line in enumerate(L123 if circuit.id in ("main", where[place.station]) else ()):
            worst[k] += 8.0 * own * (line in used_lines(one, place, 3))
            drawn[k] += 8.0 * own * (line in used_lines(one, place, 1))
    differs_a = 1e9 if circuit.unbalance_limit_a is None else circuit.unbalance_limit_a
    return max(w for w in [0.0, *(w for k, w in enumerate(worst) if w > base[k])]) <= circuit.limit_a and all(
        drawn[a] - drawn[b] <= max(differs_a - base[a] + base[b], 0) + 1e-9 for a, b in product(range(3), repeat=2)
    )


def values(scenario: Scenario, x: Any) -> dict[str, int]:
    slots = range(scenario.grid.slots)
    cars = [one for one, _ in pairs_of(scenario)]
    units = [
        [k * len(used_lines(one, place, 1)) * 230 * 80 * 3600 for k in steps]
        for (one, place), steps in zip(pairs_of(scenario), x, strict=True)
    ]
    left = [max(0, round(one.energy_wh * 36_000) - sum(own)) for one, own in zip(cars, units, strict=True)]
    total = [sum(own[t] for own in units) for t in slots]
    prices = [round(one * 10**6) for one in scenario.tariff.energy.per_kwh]  # type: ignore[union-attr] - a series
    classes = sorted({one.priority for one in cars}, reverse=True)
    found = {"energy": sum(left), "cost": floor(sum(total[t] * prices[t] for t in slots))}
    found["quick"] = sum(total[t] * 3600 * t for t in slots) + 3600 * len(total) * sum(left)
    for level in classes:
        name = f" {level}" if len(classes) > 1 else ""
        found[f"must_have{name}"] = 0
        found[f"wanted{name}"] = sum(short for one, short in zip(cars, left, strict=True) if one.priority == level)
    return found


SLOWLY = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(SLOWLY, max_examples=40)
@given(scenario=tiny())
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = planned(scenario)
    left = [values(scenario, x) for x in every_plan(scenario)]
    for stage in plan.solution.stages:
        best = min(one[stage.name] for one in left)
        assert stage.value == best, stage
        left = [one for one in left if one[stage.name] == best]
    assert plan.mark == "certified"


@settings(SLOWLY, max_examples=40)
@given(data=st.data(), scenario=tiny())
def test_no_prices_prove_more_than_the_truth(data: st.DataObject, scenario: Scenario) -> None:
    """Any prices of differences, negative ones too, bound every plan that is as good before."""
    left = [values(scenario, x) for x in every_plan(scenario)]
    hand = data.draw(st.sampled_from(left))
    slots = scenario.grid.slots
    row = st.lists(st.integers(-(10**5), 10**7), min_size=slots, max_size=slots).map(tuple)
    judged = scene_of(**scenario.inputs())
    for stage in planned(scenario).solution.stages:
        certificate = Certificate(
            {("unbalance", name, key): data.draw(row) for name in ("main", "part") for key in range(6)}
            | {("circuit", "main", line): data.draw(row) for line in range(3)},
            {(one.id, None): data.draw(st.integers(0, 10**6)) for one in scenario.sessions},
        )
        assert proven_units(judged, stage.name, certificate, hand) <= min(one[stage.name] for one in left)
        left = [one for one in left if one[stage.name] <= hand[stage.name]]
