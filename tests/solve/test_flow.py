"""The flow class: optimal in every stage to the unit, proven to the unit, and left alone where it does not fit."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import FLAT, START, car, compiled, outlet, priced, refereed, scene, yard
from tests.solve.test_oracle import best_by_exhaustion

from ocpp_schedule import Circuit, Connector, PriceSeries, Scenario, Session, Site, Station, Tariff, TimeGrid
from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.model.session import Milestone
from ocpp_schedule.problem.arrays import Problem
from ocpp_schedule.solve import flow as flow_module
from ocpp_schedule.solve.commodity import recognise
from ocpp_schedule.solve.flow import best_flow, network_of, run_network
from ocpp_schedule.solve.labels import certificate_of_flow
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.testing.generator import tree_scenario

SLOT = timedelta(minutes=15)


def values(solution: Any) -> tuple[int, ...]:
    return tuple(stage.value for stage in solution.stages)


def by_flow(scenario: Scenario) -> Any:
    return solve(compiled(scenario), methods=("flow",), exact_arcs=0)


def bound(scenario: Scenario, certificate: Any, want_units: int = 0) -> int:
    return proven_cost_units(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        certificate=certificate,
        must_units=0,
        want_units=want_units,
    )


TIGHT = tree_scenario(60, 48, seed=5)
PROVEN = by_flow(TIGHT)


@st.composite
def trees(draw: st.DrawFn) -> Scenario:
    """At most 3 cars on 4 slots and 3 circuits; set-points of 0, 1 or 2 steps of 8 A on the same lines."""
    slots = draw(st.integers(1, 4))
    lines = draw(st.sampled_from([("L1",), ("L2", "L3", "L1")]))
    amperes = st.sampled_from([0.0, 8.0, 12.0, 16.0, 24.0, 32.0, 40.0])
    limit = st.one_of(amperes, st.tuples(amperes, amperes, amperes))
    circuits = [Circuit(id="main", limit_a=draw(limit)), Circuit(id="panel", parent="main", limit_a=draw(limit))]
    circuits.append(Circuit(id="row", parent=draw(st.sampled_from(["main", "panel"])), limit_a=draw(limit)))
    stations, connectors, cars = [], [], []
    for k in range(draw(st.integers(1, 3))):
        stations.append(
            Station(id=f"S{k}", circuit=draw(st.sampled_from(["main", "panel", "row"])), ocpp_version="1.6")
        )
        most = draw(st.sampled_from([8.0, 16.0]))
        connectors.append(
            Connector(id=f"C{k}", station=f"S{k}", lines=lines, step_a=8.0, min_current_a=0.0, max_current_a=most)
        )
        arrival = draw(st.integers(0, slots - 1))
        departure = draw(st.integers(arrival + 1, slots))
        energy = float(draw(st.sampled_from([0, 1, 400, 460, 920, 1000, 1380, 2760, 4140])))
        times = {"arrival": START + SLOT * arrival, "departure": START + SLOT * departure}
        cars.append(Session(id=f"s{k}", connector=f"C{k}", energy_wh=energy, phases=len(lines), **times))
    prices = draw(st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31]), min_size=slots, max_size=slots))
    return Scenario(
        site=Site(id="site", circuits=circuits, stations=stations, connectors=connectors, edge_guard_s=0),
        sessions=cars,
        tariff=Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=prices)),
        grid=TimeGrid.regular(START, SLOT, slots),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=trees())
def test_the_flow_is_the_best_plan_there_is_and_proves_it(scenario: Scenario) -> None:
    """Every stage equals exhaustive search; where all wishes are met the bound is the cost, to the unit."""
    solution = by_flow(scenario)
    assert solution.method in {"flow", "idle"}
    assert values(solution) == best_by_exhaustion(scenario)
    assert refereed(scenario, solution).ok
    assert [stage.bound for stage in solution.stages] == list(values(solution))
    if solution.method == "flow" and solution.certificates:
        assert bound(scenario, solution.certificates["cost"]) == solution.cost_units


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sessions=st.integers(5, 40),
    panels=st.integers(1, 4),
    share=st.sampled_from([0.05, 0.12, 0.2, 0.3]),
)
def test_the_flow_agrees_with_the_linear_program(seed: int, sessions: int, panels: int, share: float) -> None:
    scenario = tree_scenario(sessions, 24, seed, panels=panels, share=share)
    problem = compiled(scenario)
    flow, linear = by_flow(scenario), solve(problem, methods=("linear",))
    assert (flow.method, linear.method != "flow") == ("flow", True)
    assert refereed(scenario, flow).ok
    assert values(flow) <= values(linear)
    for stage, other in zip(flow.stages, linear.stages, strict=True):
        if stage.value != other.value:
            break
        assert other.bound is not None
        assert other.bound <= stage.value * (1 + 1e-6) + 100
    if flow.certificates:
        assert bound(scenario, flow.certificates["cost"]) == flow.cost_units


def test_a_missing_step_weighs_what_it_misses() -> None:
    """One step of 8 A is to be had; the wish rounded up to a step by more misses less without it."""
    site = yard(*(outlet(name, step_a=8.0, min_current_a=0.0) for name in "AB"), limit_a=8.0, edge_guard_s=0)
    cars = [car("a", "A", 0, 1, 1000, phases=1), car("b", "B", 0, 1, 1840, phases=1)]
    solution = by_flow(scene(site, cars, FLAT))
    assert (solution.method, values(solution)[1]) == ("flow", 1000 * 36_000)
    assert solution.setpoints[:, 0].tolist() == [0, 1]


def test_flat_prices_finish_early() -> None:
    site = yard(outlet("A", min_current_a=0.0), edge_guard_s=0)
    solution = by_flow(scene(site, [car("a", "A", 0, 4, 8_000, phases=1)], FLAT))
    assert solution.setpoints.tolist() == [[250, 98, 0, 0]]


def test_nothing_is_taken_for_nothing_but_money_is() -> None:
    """Energy above the wish is worth it at a negative price only, and only as far as convention 6 and 8 go."""
    site = yard(outlet("A", min_current_a=0.0), edge_guard_s=0)
    solution = by_flow(scene(site, [car("a", "A", 0, 8, 20_000, phases=1)], priced(0.0, -0.1, 0.0, -0.2)))
    assert solution.setpoints.tolist() == [[0, 250, 0, 250]]
    assert solution.method == "flow"


def test_slots_without_room_stay_empty() -> None:
    site = yard(outlet("A", min_current_a=0.0), outlet("B", min_current_a=0.0), limit_a=0.0, edge_guard_s=0)
    cars = [car("a", "A", 0, 4, 1000, phases=1), car("b", "B", 0, 4, 1000, phases=1)]
    assert by_flow(scene(site, cars)).method == "idle"


OUT_OF_CLASS: dict[str, Any] = {
    "mixed phases": {"sessions": [car("a", "A", 0, 4, 4000, phases=1), car("b", "B", 0, 4, 4000, phases=3)]},
    "a minimum current": {"outlet": {"min_current_a": 6.0}},
    "an idle floor": {"idle_floor_a": 1.0},
    "guarded edges": {"edge_guard_s": 60},
    "slots of two lengths": {"grid": TimeGrid(start=START, edges_s=[0, 3600, 7200, 9000, 14_400])},
    "a milestone": {
        "sessions": [
            car("a", "A", 0, 4, 4000, phases=1, milestones=[Milestone(by=START + 8 * SLOT, energy_wh=400)]),
            car("b", "B", 0, 4, 4000, phases=1),
        ]
    },
}


@pytest.mark.parametrize("case", [None, *OUT_OF_CLASS])
def test_other_problems_are_left_to_the_next_method(case: str | None) -> None:
    change = dict(OUT_OF_CLASS[case]) if case else {}
    connectors = [
        outlet(name, lines=("L1", "L2", "L3"), **{"min_current_a": 0.0} | change.get("outlet", {})) for name in "AB"
    ]
    fields = {name: change[name] for name in ("idle_floor_a", "edge_guard_s") if name in change}
    site = yard(*connectors, **{"edge_guard_s": 0, "limit_a": 30.0} | fields)
    cars = change.get("sessions", [car(name.lower(), name, 0, 4, 4000, phases=1) for name in "AB"])
    grid = {"grid": change["grid"]} if "grid" in change else {}
    scenario = scene(site, cars, FLAT, **grid)
    solution = solve(compiled(scenario), exact_arcs=0)
    assert solution.method == ("linear" if case else "flow")
    assert refereed(scenario, solution).ok


@dataclass(frozen=True, slots=True)
class Later(Problem):
    """A problem of a later version, with a field that nobody here has heard of."""

    batteries: tuple[str, ...] = ()


@pytest.mark.parametrize(("batteries", "known"), [((), True), (("B1",), False)])
def test_what_is_not_known_is_no_flow(batteries: tuple[str, ...], known: bool) -> None:
    problem = tighten(compiled(TIGHT))
    values = {field.name: getattr(problem, field.name) for field in fields(problem)}
    assert (recognise(Later(**values, batteries=batteries)) is not None) == known


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        pytest.param({}, True, id="as it is"),
        pytest.param({"allow_abs": 1}, False, id="a budget left"),
        pytest.param({"allow_ppm": 1}, False, id="a share left"),
        pytest.param({"rate": np.ones((60, 48), dtype=np.int64)}, False, id="rates by car"),
        pytest.param({"kind": "peak"}, False, id="another kind"),
    ],
)
def test_other_stages_are_no_flow(change: dict[str, Any], fits: bool) -> None:
    problem = tighten(compiled(TIGHT))
    stages = (*problem.stages[:-1], replace(problem.stages[-1], **change))
    assert (recognise(replace(problem, stages=stages)) is not None) == fits


def test_stages_in_another_order() -> None:
    """Cost first: nothing is charged. Two rates: the first decides, the second among equals of the first."""
    problem = tighten(compiled(TIGHT))
    *wishes, cost = problem.stages
    assert solve(replace(problem, stages=(cost, *wishes)), methods=("flow",)).setpoints.sum() == 0
    flat = replace(cost, name="flat", rate=np.ones_like(cost.rate))
    both = solve(replace(problem, stages=(*wishes, flat, cost)), methods=("flow",))
    assert (both.method, both.setpoints.tolist(), both.certificates) == ("flow", PROVEN.setpoints.tolist(), {})


def test_guards_that_no_edge_needs_are_no_hindrance() -> None:
    site = yard(outlet("A", min_current_a=0.0), outlet("B", min_current_a=0.0), limit_a=64.0)
    cars = [car("a", "A", 0, 4, 1000, phases=1), car("b", "B", 1, 4, 1000, phases=1)]
    scenario = scene(site, cars, priced(0.3, 0.1, 0.2, 0.1))
    solution = by_flow(scenario)
    assert (scenario.site.edge_guard_s, solution.method) == (60, "flow")
    assert refereed(scenario, solution).ok


def test_every_rung_can_be_switched_off() -> None:
    scenario = tree_scenario(12, 24, seed=3)
    problem = compiled(scenario)
    assert solve(problem).method == "flow"
    assert solve(problem, methods=("exact", "linear")).method == "linear"
    packed = solve(problem, methods=())
    assert (packed.method, packed.termination) == ("fallback", "no other method was allowed")
    assert refereed(scenario, packed).ok
    small = scene(yard(outlet("A", min_current_a=0.0), edge_guard_s=0), [car("a", "A", 0, 4, 1000, phases=1)], FLAT)
    assert solve(compiled(small)).method == "exact"
    assert solve(compiled(small), methods=("flow", "linear")).method == "flow"


def test_without_an_optimum_the_next_method_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = compiled(tree_scenario(12, 24, seed=3))
    monkeypatch.setattr(flow_module, "run_network", lambda _: None)
    assert solve(problem).method == "linear"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"supply": np.array([2, 0, 0, -1])}, id="supplies that do not add up"),
        pytest.param({"supply": np.array([10**7, 0, 0, -(10**7)])}, id="more than fits"),
        pytest.param({"cost": np.array([1 << 59, 1, 1, 1])}, id="costs beyond the range"),
    ],
)
def test_an_answer_that_is_not_optimal_is_never_read(change: dict[str, Any]) -> None:
    site = yard(outlet("A", min_current_a=0.0), edge_guard_s=0)
    problem = compiled(
        scene(site, [car("a", "A", 0, 2, 1000, phases=1)], FLAT, grid=TimeGrid.regular(START, 4 * SLOT, 2))
    )
    tree = recognise(problem)
    assert tree is not None
    network = network_of(problem, tree, weighed=False)
    assert run_network(network) is not None
    short = {name: value for name, value in change.items() if name != "cost"}
    if "cost" in change:
        short["cost"] = np.resize(change["cost"], network.cost.size)
    else:
        short["supply"] = np.array([change["supply"][0], *([0] * (network.supply.size - 2)), change["supply"][-1]])
    assert run_network(replace(network, **short)) is None


def test_the_prices_prove_the_cost_to_the_unit() -> None:
    assert (PROVEN.method, bound(TIGHT, PROVEN.certificates["cost"])) == ("flow", PROVEN.cost_units)
    assert len(PROVEN.certificates["cost"].row_prices) > 3


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_changed_prices_never_prove_more(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(PROVEN.certificates["cost"].row_prices)))
    row = list(PROVEN.certificates["cost"].row_prices[key])
    slot = data.draw(st.integers(0, len(row) - 1))
    row[slot] += data.draw(st.integers(-(10**9), 10**9))
    rows = PROVEN.certificates["cost"].row_prices | {key: tuple(row)}
    assert bound(TIGHT, replace(PROVEN.certificates["cost"], row_prices=rows)) <= PROVEN.cost_units
    other = replace(PROVEN.certificates["cost"], denominator=data.draw(st.integers(1, 20)))
    assert bound(TIGHT, other) <= PROVEN.cost_units


def test_prices_far_beyond_the_usual_stay_exact() -> None:
    """Only the order of the prices reaches the solver, so that their size is no matter."""
    problem = tighten(compiled(TIGHT))
    dear = replace(problem.stages[-1], rate=problem.stages[-1].rate * 10**9)
    same = best_flow(replace(problem, stages=(*problem.stages[:-1], dear)))
    first = best_flow(problem)
    assert first is not None
    assert same is not None
    assert same.setpoints.tolist() == first.setpoints.tolist()
    assert certificate_of_flow(problem, first) == PROVEN.certificates["cost"]
