"""Prices prove bounds: right ones tight ones, wrong ones weak ones, never a wrong bound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import car, outlet, planned, scene, worked_plan, yard
from tests.scenes import priced as priced_at
from tests.solve.test_oracle import best_by_exhaustion, tiny

from ocpp_schedule import Plan
from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.solution import Certificate
from ocpp_schedule.testing.generator import mixed_scenario
from ocpp_schedule.testing.strategies import scenarios

if TYPE_CHECKING:
    from ocpp_schedule import Scenario

EUR = 36_000_000_000_000
"""Money units in one euro (convention 1)."""


def bound(scenario: Scenario, certificate: Certificate, must: int = 0, want: int = 0) -> int:
    return proven_cost_units(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        certificate=certificate,
        must_units=must,
        want_units=want,
    )


def test_worked_prices_prove_the_worked_optimum() -> None:
    """Energy at 0.20 for both cars, the fuse in slot 1 at 0.10: 1.840 - 0.575 = 1.265 = cost, gap 0."""
    plan = worked_plan()
    energy = 200_000  # 0.20 per kWh in 1e-6
    fuse = 100_000 * 230 * 3600 // 100_000  # 0.10 per kWh is that much per 0.1 A step and hour, by uA
    certificate = Certificate({("circuit", "main", 0): (0, fuse, 0, 0)}, {("a", None): energy, ("b", None): energy})
    # The idle floors are booked without a price, so in slot 1 only 13 of 25 A pay, and 12 A come at 0.10.
    assert bound(plan.scenario, certificate) == plan.solution.cost_units == 1.265 * EUR


def test_the_plan_brings_prices_that_prove_its_own_cost() -> None:
    plan = worked_plan()
    assert plan.solution.certificates
    proven = plan.verify().cost_bound_units
    assert proven is not None
    assert 0 <= plan.solution.cost_units - proven <= 5e-5 * plan.solution.cost_units
    assert plan.mark == "certified"


def test_negative_prices_are_capped_by_what_a_car_may_have() -> None:
    scenario = scene(yard(outlet("A")), [car("a", "A", 0, 4, 2300, phases=1)], priced_at(-0.1, -0.2, 0.3, 0.1))
    plan = planned(scenario)
    assert plan.mark == "certified"
    assert plan.bound == pytest.approx(plan.cost, abs=0.2 * 0.023)  # one step of an hour


@pytest.mark.parametrize(("sessions", "seed"), [(20, 1), (54, 2)])
def test_linear_plans_are_certified_within_a_hundredth_of_a_per_mille(sessions: int, seed: int) -> None:
    plan = planned(mixed_scenario(sessions, 96, seed, edge_guard_s=0))
    assert plan.mark == "certified"
    assert plan.cost_gap is not None
    assert plan.cost_gap <= 1e-5
    linear = plan.solution.stages[2].bound
    assert linear is not None
    assert plan.bound == pytest.approx(linear / EUR, rel=1e-4)


def test_prices_may_have_a_denominator() -> None:
    """A fuse of 24.95 A passes 249 steps of 0.1 A; 0.10 EUR/kWh is no whole price per uA."""
    site = yard(outlet("A", min_current_a=0.0), outlet("B", min_current_a=0.0), limit_a=24.95, edge_guard_s=0)
    cars = [car("a", "A", 0, 2, 5520, phases=1), car("b", "B", 0, 2, 1955, phases=1)]
    plan = planned(scene(site, cars, priced_at(0.10001, 0.20003, 0.5, 0.5)))
    fuse = (200_030 - 100_010) * 230 * 3600  # what a step in the first hour saves
    assert fuse % 100_000
    rounded = bound(plan.scenario, Certificate({("circuit", "main", 0): (fuse // 100_000, 0, 0, 0)}, {}))
    exact = bound(plan.scenario, Certificate({("circuit", "main", 0): (fuse, 0, 0, 0)}, {}, {}, 100_000))
    assert rounded < exact == plan.solution.cost_units


def priced(draw: st.DrawFn, scenario: Scenario) -> Certificate:
    """Draw any prices at all."""
    slots = scenario.grid.slots
    row = st.lists(st.integers(-(10**6), 10**8), min_size=slots, max_size=slots).map(tuple)
    rows = {("circuit", circuit.id, line): draw(row) for circuit in scenario.site.circuits for line in range(3)}
    demand = st.integers(-(10**5), 10**6)
    goals = [(s.id, k) for s in scenario.sessions for k in [None, *range(len(s.milestones))]]
    caps = {session.id: draw(demand) for session in scenario.sessions}
    return Certificate(rows, {goal: draw(demand) for goal in goals}, caps, draw(st.sampled_from([1, 7, 1000])))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), scenario=tiny(across=True))
def test_no_prices_prove_more_than_the_truth(data: st.DataObject, scenario: Scenario) -> None:
    certificate = data.draw(st.composite(priced)(scenario))
    must, want, cost = best_by_exhaustion(scenario)
    assert bound(scenario, certificate, must, want) <= cost


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), scenario=scenarios())
def test_no_prices_prove_more_than_a_plan_costs(data: st.DataObject, scenario: Scenario) -> None:
    """Trees, floors, guards, limits over time, base load: any plan is an upper bound."""
    plan = planned(scenario)
    must, want, _ = (stage.value for stage in plan.solution.stages)
    certificate = data.draw(st.composite(priced)(scenario))
    assert bound(scenario, certificate, must, want) <= plan.solution.cost_units
    if plan.solution.certificates:
        assert bound(scenario, plan.solution.certificates["cost"], must, want) <= plan.solution.cost_units


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param({}, id="no rows"),
        pytest.param({("circuit", "elsewhere", 0): (1, 1, 1, 1)}, id="unknown row"),
        pytest.param({("circuit", "main", 0): (1, 1)}, id="wrong length"),
        pytest.param({("circuit", "main", 7): (1, 1, 1, 1)}, id="no such line"),
        pytest.param({("circuit", "main", 0): (-5, -5, -5, -5)}, id="negative"),
        pytest.param({("circuit", "main", 0): (10**40, 0, 0, 0)}, id="absurd"),
    ],
)
def test_senseless_prices_prove_little_and_raise_nothing(rows: dict[Any, Any]) -> None:
    plan = worked_plan()
    demands = {("a", None): 200_000, ("nobody", None): 5, ("b", 3): 7}
    assert bound(plan.scenario, Certificate(rows, demands)) <= plan.solution.cost_units


def test_archive_keeps_the_prices() -> None:
    plan = worked_plan()
    again = Plan.from_json(plan.to_json())
    assert again.solution.certificates == plan.solution.certificates
    assert again.bound == plan.bound


def test_without_prices_there_is_no_proof() -> None:
    plan = worked_plan()
    bare = Plan(plan.scenario, plan.problem, replace(plan.solution, certificates={}), plan.report)
    assert bare.verify().cost_bound_units is None
    assert bare.mark == "bounded"
