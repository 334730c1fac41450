"""Minimum currents: small integer programs around a plan, on seeded days and on sites small enough to know."""

from __future__ import annotations

import numpy as np
import pytest
from tests.scenes import START, car, compiled, hours, outlet, planned, priced, scene, yard

from ocpp_schedule import Forecast, Load
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.neighbourhood import coarse_steps, neighbourhood, shortfalls
from ocpp_schedule.solve.program import Solver, run_program
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.repair import settle, whole_steps
from ocpp_schedule.solve.restricted import restricted_plan, served_plan
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.testing.generator import mixed_scenario


@pytest.mark.parametrize("seed", range(1, 7))
def test_no_shortfall_where_the_linear_program_has_none(seed: int) -> None:
    """Unguarded days of 30 cars: everything served, at most 0.1 % above what no plan can be below."""
    scenario = mixed_scenario(30, 96, seed, min_current_a=6.0, edge_guard_s=0)
    plan = planned(scenario)
    assert plan.report.ok
    assert [stage.value for stage in plan.solution.stages[:2]] == [0, 0]
    assert plan.cost_gap is not None
    assert plan.cost_gap <= 1e-3
    again = planned(scenario)
    assert (again.setpoints == plan.setpoints).all()


def test_home_fuse_of_25_a_with_20_a_of_base_load_is_proven() -> None:
    """The linear program alone would promise 5 A all night: 13.8 kWh. Only what is above 6 A counts: 6.7 kWh."""
    base_a = (20.0,) * 8 + (10.5, 10.5)
    scenario = scene(
        yard(outlet("A"), loads=[Load(id="house", circuit="main")], edge_guard_s=0),
        [car("a", "A", 0, 10, 13_800, phases=1)],
        grid=hours(10),
        forecasts=[Forecast(id="house", start=START, step_s=3600, expected_a=base_a)],
    )
    plan = planned(scenario)
    assert plan.energy_wh == {"a": pytest.approx(2 * 14.5 * 230)}
    assert plan.energy_gap == 0.0


def test_neighbourhood_of_nothing_but_the_plan_is_the_plan() -> None:
    problem = compiled(mixed_scenario(12, 48, 1, min_current_a=6.0, edge_guard_s=0))
    relaxation = relax(problem)
    relaxed = solve_stages(problem, relaxation, Solver())
    assert relaxed is not None
    plan = evaluate(problem, solve(problem).setpoints.copy())
    nothing = np.zeros(relaxation.arc_session.size, dtype=np.bool_)
    near = neighbourhood(problem, relaxation, relaxed, plan, nothing, nothing)
    values = np.zeros(near.program.cost.size)
    assert (near.setpoints(relaxation, plan.setpoints, values) == plan.setpoints).all()


def test_everything_open_is_the_whole_program() -> None:
    """Two cars of at least 6 A on 8 A: never together, the cheap hours shared out; known by hand."""
    scenario = scene(
        yard(outlet("A"), outlet("B"), limit_a=8.0, edge_guard_s=0),
        [car("a", "A", 0, 4, 16 * 230, phases=1), car("b", "B", 0, 4, 12 * 230, phases=1)],
        priced(0.1, 0.2, 0.3, 0.4),
    )
    problem = compiled(scenario)
    relaxation = relax(problem)
    relaxed = solve_stages(problem, relaxation, Solver())
    assert relaxed is not None
    idle = evaluate(problem, np.zeros((2, 4), dtype=np.int64))
    assert shortfalls(problem, relaxation, idle).tolist() == [160.0, 120.0]
    every = np.ones(relaxation.arc_session.size, dtype=np.bool_)
    near = neighbourhood(problem, relaxation, relaxed, idle, every, every)
    outcome = run_program(near.program, "scip")
    assert outcome.values is not None
    found = settle(problem, whole_steps(near.setpoints(relaxation, idle.setpoints, outcome.values)))
    assert found is not None
    # Eight amperes for two hours, six for two hours: the first three hours carry 8, 8 and 6 A in the best order.
    assert found.rank[:2] == (0, 0)
    assert found.setpoints.sum(axis=0).tolist() == [80, 80, 60, 60]
    assert found.rank == evaluate(problem, solve(problem).setpoints.copy()).rank


def test_rivals_make_room_for_a_car_that_is_short() -> None:
    """A car that can only charge in the first hour, which another one has taken: both can be served."""
    scenario = scene(
        yard(outlet("A"), outlet("B"), limit_a=8.0, edge_guard_s=0),
        [car("a", "A", 0, 1, 6 * 230, phases=1), car("b", "B", 0, 4, 8 * 230, phases=1)],
        priced(0.1, 0.2, 0.3, 0.4),
    )
    problem = compiled(scenario)
    relaxation = relax(problem)
    relaxed = solve_stages(problem, relaxation, Solver())
    assert relaxed is not None
    greedy = evaluate(problem, np.array([[0, 0, 0, 0], [80, 0, 0, 0]]))
    served = served_plan(problem, relaxation, relaxed, greedy, Solver())
    assert served.setpoints.tolist() == [[60, 0, 0, 0], [0, 80, 0, 0]]
    full = restricted_plan(problem, relaxation, relaxed, greedy, Solver())
    assert full is not None
    assert full.rank == served.rank


def test_coarse_steps_are_whole_in_the_program() -> None:
    site = yard(outlet("A", step_a=8.0), outlet("B"), edge_guard_s=0)
    problem = compiled(scene(site, [car("a", "A", 0, 4, 4_000, phases=1), car("b", "B", 0, 4, 4_000, phases=1)]))
    assert coarse_steps(problem).tolist() == [True, False]
