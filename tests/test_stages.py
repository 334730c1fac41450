"""Stages of a plan end to end: values judged, bounds proven, priorities, energy with a value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.scenes import START, car, hours, outlet, priced, yard

from ocpp_schedule import (
    CarbonSeries,
    Objective,
    ObjectiveStage,
    Plan,
    PlanRejectedError,
    Scenario,
    Tariff,
    schedule,
)
from ocpp_schedule.solution import Certificate
from ocpp_schedule.testing.generator import mixed_scenario

EVERY = Objective.of("must_have", "wanted", "energy", "quick", "cost", "co2", "finish")
TWO = yard(outlet("A", max_current_a=16), outlet("B", max_current_a=16), limit_a=16.0)
MONEY = priced(0.4, 0.1, 0.2, 0.3)


def green(tariff: Tariff, slots: int, step_s: int) -> Tariff:
    grams = tuple(float(100 + 37 * t % 250) for t in range(slots))
    return tariff.model_copy(update={"co2": CarbonSeries(start=START, step_s=step_s, g_per_kwh=grams)})


def day(seed: int, **more: Any) -> Scenario:
    """Return a day of 24 cars under tight limits, some with a priority, some with a value."""
    scenario = mixed_scenario(24, 48, seed, **more)
    cars = [
        one.model_copy(update={"priority": 5 * (k % 3 == 0), "value_per_kwh": 0.12 if k % 4 == 1 else None})
        for k, one in enumerate(scenario.sessions)
    ]
    co2 = CarbonSeries(
        start=scenario.grid.start, step_s=1800, g_per_kwh=tuple(float(100 + 37 * t % 250) for t in range(48))
    )
    tariff = scenario.tariff.model_copy(update={"co2": co2})
    return scenario.model_copy(update={"sessions": tuple(cars), "tariff": tariff})


def planned_for(scenario: Scenario, objective: Objective) -> Plan:
    return schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, objective=objective)


@pytest.mark.parametrize("guard_s", [pytest.param(0, id="no guard"), pytest.param(60, id="guard")])
@pytest.mark.parametrize(
    ("objective", "most"),
    [
        pytest.param(Objective.cheapest(), {"cost": 1e-3}, id="cheapest"),
        pytest.param(Objective.fastest(), {"quick": 1e-3}, id="fastest"),
        pytest.param(Objective.greenest(), {"co2": 1e-3}, id="greenest"),
        pytest.param(Objective.profit(), {"profit": 1e-3, "wanted 0": 5e-3}, id="profit"),
        pytest.param(Objective.of("energy"), {"energy": 1e-3}, id="energy"),
        pytest.param(Objective.of("quick"), {"quick": 1e-3}, id="quick"),
    ],
)
def test_every_stage_is_certified_and_close(objective: Objective, most: dict[str, float], guard_s: int) -> None:
    plan = planned_for(day(1, edge_guard_s=guard_s), objective)
    assert plan.mark == "certified"
    for review in plan.stages:
        assert review.bound is not None
        assert review.bound <= review.value
        if guard_s == 0 and review.name in most:
            assert review.value - review.bound <= most[review.name] * abs(review.value), review
    report = plan.verify()
    assert report.ok
    assert report.bounds == {review.name: review.bound for review in plan.stages}
    assert Plan.from_json(plan.to_json()).stages == plan.stages


def worked_with(objective: Objective) -> Plan:
    cars = [car("a", "A", 0, 4, 3680, phases=1), car("b", "B", 0, 4, 3680, phases=1, priority=1)]
    return schedule(TWO, cars, green(MONEY, 4, 3600), hours(4), objective=objective)


@pytest.mark.parametrize("at", range(9))
def test_a_changed_value_of_any_stage_is_refused(at: int) -> None:
    plan = worked_with(EVERY)
    data = json.loads(plan.to_json())
    assert len(data["solution"]["stages"]) == 9
    data["solution"]["stages"][at]["value"] += 1
    with pytest.raises(PlanRejectedError, match=f"claimed_stage: plan '{data['solution']['stages'][at]['name']}'"):
        Plan.from_json(json.dumps(data))


def test_another_objective_refuses_the_stages() -> None:
    data = json.loads(worked_with(Objective.fastest()).to_json())
    data["scenario"]["objective"] = {"name": "cheapest"}
    with pytest.raises(Exception, match="the stages are not must_have 1"):
        Plan.from_json(json.dumps(data))


def test_a_changed_price_never_proves_more() -> None:
    plan = worked_with(EVERY)
    for name, certificate in plan.solution.certificates.items():
        for factor in (0, 2, 1000):
            lie = replace(
                certificate,
                row_prices={row: tuple(factor * p for p in prices) for row, prices in certificate.row_prices.items()},
                stage_prices={one: factor * price for one, price in certificate.stage_prices.items()},
            )
            solution = replace(plan.solution, certificates=plan.solution.certificates | {name: lie})
            bound = Plan(plan.scenario, plan.problem, solution, plan.report).verify().bounds[name]
            assert bound <= next(stage.value for stage in solution.stages if stage.name == name)


def test_a_stage_without_prices_is_not_certified() -> None:
    plan = worked_with(Objective.cheapest())
    bare = Plan(plan.scenario, plan.problem, replace(plan.solution, certificates={}), plan.report)
    assert [review.mark for review in bare.stages] == ["certified"] * 4 + ["bounded"]
    nothing = replace(plan.solution, certificates={"cost": Certificate({}, {})})
    assert Plan(plan.scenario, plan.problem, nothing, plan.report).verify().bounds["cost"] <= plan.solution.cost_units


# Priorities.


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(0, 0, None, id="equal: shared somehow"),
        pytest.param(5, 0, (3680, 0), id="a first"),
        pytest.param(0, 1, (0, 3680), id="b first"),
        pytest.param(-1, 0, (0, 3680), id="a after the usual"),
    ],
)
def test_who_comes_first_gets_the_energy(first: int, second: int, expected: Any) -> None:
    cars = [
        car("a", "A", 0, 1, 3680, phases=1, priority=first),
        car("b", "B", 0, 1, 3680, phases=1, priority=second),
    ]
    plan = schedule(TWO, cars, MONEY, hours(4))
    got = (plan.energy_wh["a"], plan.energy_wh["b"])
    assert sum(got) == 3680
    if expected:
        assert got == expected
        assert plan.stages[-3].name.startswith("wanted")
    assert plan.status == "partial"
    assert plan.energy_gap == pytest.approx(0.0, abs=0.01)  # prices are rounded
    assert plan.mark == "certified"


def test_no_priority_takes_a_must_have() -> None:
    by = {"by": "2026-01-15T01:00:00Z", "energy_wh": 3680}
    cars = [
        car("a", "A", 0, 1, 3680, phases=1, priority=1000),
        car("b", "B", 0, 1, 3680, phases=1, priority=-1000, milestones=[by]),
    ]
    plan = schedule(TWO, cars, MONEY, hours(4))
    assert plan.energy_wh == {"a": 0, "b": 3680}
    assert [stage.name for stage in plan.stages] == [
        "must_have 1000",
        "must_have -1000",
        "wanted 1000",
        "wanted -1000",
        "cost",
    ]


# Energy with a value.


@pytest.mark.parametrize(
    ("value", "hours_on"),
    [
        pytest.param(None, [160, 160, 160, 160], id="wanted at any price"),
        pytest.param(0.05, [0, 0, 0, 0], id="worth nothing near a price"),
        pytest.param(0.25, [0, 160, 160, 0], id="worth two hours"),
        pytest.param(1.0, [160, 160, 160, 160], id="worth all of it"),
    ],
)
def test_energy_is_taken_where_it_is_worth_its_price(value: float | None, hours_on: list[int]) -> None:
    one = car("a", "A", 0, 4, 4 * 3680, phases=1, value_per_kwh=value)
    plan = schedule(TWO, [one], MONEY, hours(4))
    assert plan.setpoints[0].tolist() == hours_on
    assert plan.status == "complete"
    assert plan.shortfalls == ()
    left = 4 * 3680 - plan.energy_wh["a"]
    if value is not None:
        assert plan.stages[-1].value == plan.solution.cost_units + round(value * 1e6) * round(left * 36_000)
    assert plan.report.forgone_units == ({"a": round(left * 36_000)} if left else {})
    assert ("Not taken" in plan.summary()) == bool(left)
    assert plan.mark == "certified"


def test_a_must_have_is_taken_at_any_price() -> None:
    by = {"by": "2026-01-15T01:00:00Z", "energy_wh": 1840}
    one = car("a", "A", 0, 4, 3680, phases=1, value_per_kwh=0.15, milestones=[by])
    plan = schedule(TWO, [one], MONEY, hours(4))
    assert plan.energy_wh["a"] == 3680
    assert plan.setpoints[0].tolist() == [80, 80, 0, 0]
    assert (plan.status, plan.stages[-1].name) == ("complete", "cost")
    assert plan.stages[-1].value == plan.solution.cost_units


def test_soft_milestones_of_energy_with_a_value_are_no_shortfall() -> None:
    by = {"by": "2026-01-15T01:00:00Z", "energy_wh": 1840, "hard": False}
    one = car("a", "A", 0, 4, 3680, phases=1, value_per_kwh=0.15, milestones=[by])
    plan = schedule(TWO, [one], MONEY, hours(4))
    assert plan.setpoints[0].tolist() == [0, 160, 0, 0]
    assert (plan.status, plan.report.missing) == ("complete", 0)


# Presets and budgets.


def test_fastest_is_early_and_greenest_is_clean() -> None:
    one = car("a", "A", 0, 4, 3680, phases=1)
    grams = CarbonSeries(start=START, step_s=3600, g_per_kwh=(300, 300, 300, 20))
    tariff = MONEY.model_copy(update={"co2": grams})
    starts = {
        name: schedule(TWO, [one], tariff, hours(4), objective=Objective(name=name)).setpoints[0].tolist().index(160)
        for name in ("cheapest", "fastest", "greenest")
    }
    assert starts == {"cheapest": 1, "fastest": 0, "greenest": 3}


def test_profit_leaves_cars_without_a_value_what_costs_nothing() -> None:
    cars = [car("a", "A", 0, 4, 3680, phases=1), car("b", "B", 0, 4, 3680, phases=1, value_per_kwh=0.3)]
    plan = schedule(TWO, cars, priced(0.4, 0.1, 0.0, 0.3), hours(4), objective=Objective.profit())
    assert plan.energy_wh["a"] == 0
    assert plan.energy_wh["b"] == 3680
    free = schedule(TWO, cars[:1], priced(0.4, 0.1, 0.0, 0.3), hours(4), objective=Objective.profit())
    assert free.setpoints[0].tolist() == [0, 0, 160, 0]


@pytest.mark.parametrize(
    ("budget", "slot"),
    [
        pytest.param(0.0, 1, id="none: the cheapest hour"),
        pytest.param(0.3, 1, id="too little for any other"),
        pytest.param(1.2, 0, id="enough for the first"),
    ],
)
def test_a_budget_is_used_and_respected(budget: float, slot: int) -> None:
    money = ObjectiveStage(kind="cost", allow_abs=budget)
    plan = worked_with(Objective.of("must_have", "wanted", money, "quick"))
    cheapest = worked_with(Objective.cheapest())
    assert plan.cost - cheapest.cost <= budget + 1e-9
    if budget != 0.3:
        assert plan.setpoints[:, slot].max() > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_budgets_of_large_plans(seed: int) -> None:
    scenario = day(seed, edge_guard_s=0)
    plain = planned_for(scenario, Objective.of("must_have", "wanted", "cost", "quick"))
    loose = planned_for(
        scenario, Objective.of("must_have", "wanted", ObjectiveStage(kind="cost", allow_rel=0.01), "quick")
    )
    cost = {plan: next(stage.value for stage in plan.stages if stage.name == "cost") for plan in (plain, loose)}
    assert loose.stages[-1].value < plain.stages[-1].value
    assert cost[loose] <= cost[plain] + 0.011 * abs(cost[plain])
