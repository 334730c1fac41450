"""Every kind of stage, every preset, priorities, values, budgets: against exhaustive search, to the unit."""

from __future__ import annotations

from itertools import product
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.solve.test_oracle import LINES, SLOT, START, UNITS_PER_WH, limits_of, tiny

from ocpp_schedule.check.duality import proven_units
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.check.stages import stages_of
from ocpp_schedule.model.objective import Objective, ObjectiveStage
from ocpp_schedule.model.series import CarbonSeries
from ocpp_schedule.plan import schedule
from ocpp_schedule.problem.compile import compile_problem
from ocpp_schedule.solution import Certificate
from ocpp_schedule.solve.ladder import solve

if TYPE_CHECKING:
    from ocpp_schedule import Plan, Scenario, Session

PRICE = 1_000_000
MOST_PLANS = 2500
OBJECTIVES = [
    pytest.param(Objective.cheapest(), id="cheapest"),
    pytest.param(Objective.fastest(), id="fastest"),
    pytest.param(Objective.greenest(), id="greenest"),
    pytest.param(Objective.profit(), id="profit"),
    pytest.param(Objective.of("energy"), id="energy alone"),
    pytest.param(Objective.of("quick"), id="quick alone"),
    pytest.param(Objective.of("energy", "co2", "cost"), id="energy, co2, cost"),
    pytest.param(Objective.of("must_have", "wanted", "finish"), id="finish"),
    pytest.param(Objective.of("cost", "wanted"), id="cost first"),
    pytest.param(
        Objective.of("must_have", "wanted", ObjectiveStage(kind="cost", allow_abs=0.02), "quick"),
        id="a budget of money",
    ),
    pytest.param(
        Objective.of("must_have", ObjectiveStage(kind="wanted", allow_rel=0.5), "cost"), id="a budget of wishes"
    ),
]


@st.composite
def coloured(draw: st.DrawFn) -> Scenario:
    """Return a tiny scenario with priorities, values and emissions."""
    scenario = draw(tiny())
    grams = draw(
        st.lists(st.sampled_from([0.0, 50.0, 410.5]), min_size=scenario.grid.slots, max_size=scenario.grid.slots)
    )
    tariff = scenario.tariff.model_copy(update={"co2": CarbonSeries(start=START, step_s=900, g_per_kwh=grams)})
    sessions = [
        car.model_copy(
            update={
                "priority": draw(st.sampled_from([0, 0, 3])),
                "value_per_kwh": draw(st.sampled_from([None, None, 0.15, 0.31])),
            }
        )
        for car in scenario.sessions
    ]
    return scenario.model_copy(update={"tariff": tariff, "sessions": tuple(sessions)})


def choices(scenario: Scenario, session: Session, rows: list[tuple[str, int]]) -> list[tuple[Any, list[int]]]:
    """Return what one session may draw: currents by row and slot, and energy by slot."""
    connector = next(c for c in scenario.site.connectors if c.id == session.connector)
    station = next(s for s in scenario.site.stations if s.id == connector.station)
    parents = {circuit.id: circuit.parent for circuit in scenario.site.circuits}
    path, circuit = [], station.circuit
    while circuit is not None:
        path.append(circuit)
        circuit = parents[circuit]
    used = len(connector.lines) if session.phases is None else min(session.phases, len(connector.lines))
    step = (1 if session.phases is None else used) * 230 * 80 * 900
    loads = np.array(
        [
            8.0 * (0.0 if name not in path else used * 230.0 if line == 3 else LINES[line] in connector.lines[:used])
            for name, line in rows
        ]
    )
    first, last = (session.arrival - START) // SLOT, (session.departure - START) // SLOT
    low = max(-(-connector.min_current_a // 8.0), 1)
    levels = [0, *(k for k in (1, 2) if low <= k <= connector.max_current_a // 8.0)]
    wish = floor(session.energy_wh * UNITS_PER_WH)
    found = []
    for steps in product(*[levels if first <= t < last else [0] for t in range(scenario.grid.slots)]):
        units = [k * step for k in steps]
        if not wish + low * step <= sum(units) > wish:
            found.append((np.outer(loads, steps), units))
    return found


def missing(session: Session, units: list[int], *, hard: bool) -> int:
    if not hard and session.value_per_kwh is not None:
        return 0
    short = 0 if hard else max(0, floor(session.energy_wh * UNITS_PER_WH) - sum(units))
    for goal in session.milestones:
        if goal.hard == hard:
            by = (goal.by - START) // SLOT
            short += max(0, floor(goal.energy_wh * UNITS_PER_WH) - sum(units[:by]))
    return short


def values(scenario: Scenario, objective: Objective, plan: list[list[int]]) -> dict[str, int]:
    """Return the value of each stage of the plan, from its energies by session and slot."""
    slots = range(scenario.grid.slots)
    cars = list(scenario.sessions)
    total = [sum(units[t] for units in plan) for t in slots]
    classes = sorted({car.priority for car in cars}, reverse=True)
    left = [max(0, floor(car.energy_wh * UNITS_PER_WH) - sum(units)) for car, units in zip(cars, plan, strict=True)]
    worth = sum(round((car.value_per_kwh or 0) * PRICE) * short for car, short in zip(cars, left, strict=True))
    cost = sum(total[t] * round(scenario.tariff.energy.per_kwh[t] * PRICE) for t in slots) + worth
    grid_s = 900 * scenario.grid.slots
    plain = {
        "energy": sum(left),
        "quick": sum(total[t] * 900 * t for t in slots) + grid_s * sum(left),
        "finish": sum(total[t] * 900 * (t + 1) for t in slots),
        "cost": cost,
        "profit": cost,
        "co2": sum(total[t] * round(scenario.tariff.co2.g_per_kwh[t] * PRICE) for t in slots),
    }
    found: dict[str, int] = {}
    for stage in objective.sequence:
        if stage.kind in plain:
            found[stage.kind] = plain[stage.kind]
            continue
        for one in classes:
            name = f"{stage.kind} {one}" if len(classes) > 1 else stage.kind
            pairs = [(car, units) for car, units in zip(cars, plan, strict=True) if car.priority == one]
            found[name] = sum(missing(car, units, hard=stage.kind == "must_have") for car, units in pairs)
    return found


def every_plan(scenario: Scenario) -> list[list[list[int]]]:
    """Return the energies of every plan that the limits allow."""
    rows = [(circuit.id, line) for circuit in scenario.site.circuits for line in range(4)]
    most = np.array([limit for circuit in scenario.site.circuits for limit in limits_of(circuit)])[:, None] + 1e-9
    options = [choices(scenario, session, rows) for session in scenario.sessions]
    assume(np.prod([len(option) for option in options]) <= MOST_PLANS)
    return [[one[1] for one in choice] for choice in product(*options) if (sum(one[0] for one in choice) <= most).all()]


def allowed(stage: ObjectiveStage, best: int) -> float:
    unit = {"cost": PRICE * UNITS_PER_WH * 1000, "wanted": UNITS_PER_WH}.get(stage.kind, 0)
    return best + round(stage.allow_abs * unit) + stage.allow_rel * abs(best)


def planned_for(scenario: Scenario, objective: Objective) -> Plan:
    return schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, objective=objective)


SLOWLY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("objective", OBJECTIVES)
@SLOWLY
@given(scenario=coloured())
def test_plan_equals_exhaustive_search(objective: Objective, scenario: Scenario) -> None:
    left = [values(scenario, objective, plan) for plan in every_plan(scenario)]
    plan = planned_for(scenario, objective)
    seen = {stage.name: stage.value for stage in plan.solution.stages}
    kinds = {stage.kind: stage for stage in objective.sequence}
    for name, value in seen.items():
        best = min(one[name] for one in left)
        within = allowed(kinds[name.partition(" ")[0]], best)
        assert best <= value <= within, (name, best, seen)
        left = [one for one in left if one[name] <= within]
    assert list(seen) == list(left[0])


@pytest.mark.parametrize("objective", OBJECTIVES)
@SLOWLY
@given(scenario=coloured())
def test_rounding_is_never_below_a_bound(objective: Objective, scenario: Scenario) -> None:
    """The bounds that the plan brings along, proven again by the referee, hold for the plan itself."""
    plan = planned_for(scenario, objective)
    for review in plan.stages:
        assert review.mark == "certified", review
        assert review.bound is not None
        assert review.bound <= review.value, review


@st.composite
def any_prices(draw: st.DrawFn, scenario: Scenario, names: list[str]) -> Certificate:
    slots = scenario.grid.slots
    row = st.lists(st.integers(-(10**6), 10**8), min_size=slots, max_size=slots).map(tuple)
    demand = st.integers(-(10**5), 10**6)
    goals = [(car.id, k) for car in scenario.sessions for k in [None, *range(len(car.milestones))]]
    return Certificate(
        {("circuit", circuit.id, line): draw(row) for circuit in scenario.site.circuits for line in range(3)},
        {goal: draw(demand) for goal in goals},
        {car.id: draw(demand) for car in scenario.sessions} if draw(st.booleans()) else {},
        denominator=draw(st.sampled_from([1, 2**10, 2**20])),
        stage_prices={name: draw(st.integers(-5, 10**6)) for name in names if draw(st.booleans())},
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
@SLOWLY
@given(data=st.data(), scenario=coloured())
def test_no_prices_prove_more_than_the_truth(objective: Objective, data: st.DataObject, scenario: Scenario) -> None:
    """For every stage: given any plan in hand, no plan as good before is below what any prices prove."""
    left = [values(scenario, objective, plan) for plan in every_plan(scenario)]
    scene = scene_of(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, objective=objective)
    sequence = stages_of(scene)
    hand = data.draw(st.sampled_from(left))
    for name, stage in sequence:
        certificate = data.draw(any_prices(scenario, [name for name, _ in sequence]))
        truth = min(one[name] for one in left)
        assert proven_units(scene, name, certificate, hand) <= truth
        left = [one for one in left if one[name] <= allowed(stage, hand[name])]


@st.composite
def one_commodity(draw: st.DrawFn) -> Scenario:
    """Return a tiny scenario of one-phase cars on L1 without milestones or minimum current: a flow."""
    scenario = draw(coloured())
    wired = [c.model_copy(update={"lines": ("L1",), "min_current_a": 0.0}) for c in scenario.site.connectors]
    circuits = [c.model_copy(update={"limit_va": None, "limit_w": None}) for c in scenario.site.circuits]
    site = scenario.site.model_copy(update={"connectors": tuple(wired), "circuits": tuple(circuits)})
    cars = [car.model_copy(update={"phases": 1, "milestones": ()}) for car in scenario.sessions]
    return scenario.model_copy(update={"site": site, "sessions": tuple(cars)})


@pytest.mark.parametrize("objective", OBJECTIVES[:9])  # budgets are no flows
@SLOWLY
@given(scenario=one_commodity())
def test_flows_are_as_good_as_any_plan(objective: Objective, scenario: Scenario) -> None:
    """Unserved energy that a stage of rates counts takes part in the flow, too."""
    problem = compile_problem(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, objective=objective)
    solution = solve(problem, exact_arcs=0)
    assume(solution.method == "flow")
    left = [values(scenario, objective, plan) for plan in every_plan(scenario)]
    for stage in solution.stages:
        best = min(one[stage.name] for one in left)
        assert stage.value == best, stage
        left = [one for one in left if one[stage.name] == best]
