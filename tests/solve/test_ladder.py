"""The ladder: every rung gives a plan that the referee accepts, and the better rung ranks first."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.scenes import START, car, compiled, outlet, planned, priced, refereed, scene, worked_site, yard
from tests.solve.test_working import empty_plan

from ocpp_schedule import PriceSeries, Scenario, Session, Tariff, TimeGrid
from ocpp_schedule.solve import program
from ocpp_schedule.solve.exact import exact_plan
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.program import Outcome, Solver
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.result import to_solution
from ocpp_schedule.testing.generator import mixed_scenario
from ocpp_schedule.testing.strategies import scenarios

ROOT = Path(__file__).parents[2]
NOTHING = Outcome("ABNORMAL", None, float("nan"), optimal=False)


def rank(solution: Any) -> tuple[int, ...]:
    return tuple(stage.value for stage in solution.stages)


def as_solution(problem: Any, candidate: Any) -> Any:
    return to_solution(problem, candidate, None, method="fallback", mark="fallback", termination="", stats={})


def without_guard(scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"site": scenario.site.model_copy(update={"edge_guard_s": 0})})


# Laws on scenarios of every kind.


@settings(max_examples=60)
@given(scenario=scenarios())
def test_the_referee_accepts_every_rung(scenario: Scenario) -> None:
    problem = compiled(scenario)
    for solution in (solve(problem), solve(problem, exact_arcs=0), as_solution(problem, least_laxity(problem))):
        report = refereed(scenario, solution)
        assert report.violations == ()
        assert solution.cost_units == report.cost_units


@settings(max_examples=40)
@given(scenario=scenarios(max_sessions=4, max_slots=5))
def test_rounding_never_ranks_before_the_exact_plan(scenario: Scenario) -> None:
    scenario = without_guard(scenario)
    problem = compiled(scenario)
    assume(problem.cap_steps.any())
    exact = exact_plan(problem, relax(problem), Solver())
    assume(exact is not None)
    assert exact is not None
    assert rank(solve(problem, exact_arcs=0)) >= exact.rank
    assert least_laxity(problem).rank >= exact.rank


@settings(max_examples=60)
@given(scenario=scenarios())
def test_no_value_is_below_its_bound(scenario: Scenario) -> None:
    for arcs in (0, 40):
        for stage in solve(compiled(scenario), exact_arcs=arcs).stages:
            assert stage.bound is not None
            slack = 1e-6 * abs(stage.value) + (1e8 if stage.name == "cost" else 100)  # of the solver; 1e-7 EUR, 3 mWh
            assert stage.bound <= stage.value + slack, stage.name


@settings(max_examples=80)
@given(scenario=scenarios(max_sessions=1))
def test_least_laxity_misses_nothing_when_one_car_is_alone(scenario: Scenario) -> None:
    problem = compiled(without_guard(scenario))
    plan = empty_plan(problem)
    for session in range(problem.sessions):
        room, window = plan.room(session), plan.window(session)
        room[room < problem.min_steps[session]] = 0
        possible = np.zeros(problem.slots + 1, dtype=np.int64)
        most = np.zeros(problem.slots, dtype=np.int64)
        most[window] = room * problem.power_dw[session] * problem.seconds[window]
        possible[1:] = np.cumsum(most)
        unavoidable = np.maximum(problem.demand_wish_units - possible[problem.demand_end], 0)
        assert least_laxity(problem).missing_units.tolist() == unavoidable.tolist()


# Where solvers fail.


def stubborn(*names: str) -> Any:
    """Return a ``run_program`` in which the named solvers give nothing."""
    real = program.run_program

    def run(given_program: Any, name: Any) -> Outcome:
        return NOTHING if name in names else real(given_program, name)

    return run


def test_without_any_solver_the_packing_is_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = mixed_scenario(12, 24, seed=0, min_current_a=6.0)
    monkeypatch.setattr(program, "run_program", stubborn("glop", "highs", "sat"))
    plan = planned(scenario)
    assert (plan.solution.method, plan.mark) == ("fallback", "fallback")
    assert [stage.bound for stage in plan.solution.stages] == [None] * 3
    assert {stage.mark for stage in plan.solution.stages} == {"fallback"}
    assert plan.solution.termination == "no linear solver returned a plan"
    assert (plan.bound, plan.cost_gap, plan.energy_gap) == (None, None, 0.0)
    assert plan.verify().ok
    assert all(plan.energy_wh[session.id] >= session.energy_wh for session in scenario.sessions)
    assert "Status: complete (fallback); method fallback" in plan.summary()
    assert ", no bound" in plan.summary()


@settings(max_examples=30)
@given(scenario=scenarios())
def test_without_any_solver_every_scenario_has_a_plan(scenario: Scenario) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "run_program", stubborn("glop", "highs", "sat"))
        solution = solve(compiled(scenario))
    assert solution.method in {"fallback", "idle"}
    assert refereed(scenario, solution).ok


@settings(max_examples=30)
@given(scenario=scenarios(), allowed=st.integers(0, 4))
def test_solvers_may_stop_at_any_point(scenario: Scenario, allowed: int) -> None:
    """Stages, refits and bounds are programs of their own; whichever is the last to answer, there is a plan."""
    real, calls = program.run_program, [0]

    def run(given_program: Any, name: Any) -> Outcome:
        calls[0] += 1
        return real(given_program, name) if calls[0] <= allowed else NOTHING

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "run_program", run)
        solution = solve(compiled(scenario))
    assert refereed(scenario, solution).ok


@pytest.mark.parametrize(
    ("silent", "termination", "method"),
    [
        pytest.param((), "glop: OPTIMAL", "exact", id="all answer"),
        pytest.param(("glop",), "highs: OPTIMAL", "exact", id="HiGHS takes over"),
        pytest.param(("highs",), "glop: OPTIMAL", "exact", id="HiGHS is not needed"),
        pytest.param(("sat",), "glop: OPTIMAL", "linear", id="no integer solver"),
        pytest.param(("glop", "sat"), "highs: OPTIMAL", "linear", id="HiGHS alone"),
    ],
)
def test_the_next_solver_takes_over(
    silent: tuple[str, ...], termination: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "run_program", stubborn(*silent))
    cars = [car("a", "A", 0, 4, 5520, phases=1), car("b", "B", 1, 3, 3680, phases=1)]
    plan = planned(scene(worked_site(), cars, priced(0.40, 0.10, 0.20, 0.50)))
    assert (plan.solution.termination, plan.solution.method) == (termination, method)
    assert plan.cost == 1.265
    assert plan.status == "complete"


def test_a_solver_that_gives_up_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """GLOP may return values that it does not call optimal."""
    real = program.run_program

    def run(given_program: Any, name: Any) -> Outcome:
        outcome = real(given_program, name)
        if name != "glop" or outcome.values is None:
            return outcome
        return replace(outcome, values=np.zeros_like(outcome.values), optimal=False, status="IMPRECISE")

    monkeypatch.setattr(program, "run_program", run)
    scenario = mixed_scenario(10, 24, seed=5, edge_guard_s=0)
    plan = planned(scenario)
    assert plan.solution.termination == "highs: OPTIMAL"
    assert plan.status == "complete"
    assert plan.cost_gap is not None
    assert plan.cost_gap <= 0.001


def test_solver_counts_and_keeps_programs() -> None:
    solver = Solver(keep=True)
    solution = solve(compiled(mixed_scenario(3, 24, seed=1)), solver=solver)
    assert solver.calls == len(solver.trace) == solution.stats["programs"] >= 1
    first, name = solver.trace[0]
    assert name == "glop"
    assert solution.stats["variables"] == first.cost.size
    assert Solver().trace == []


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scene(yard(outlet("A")), []), id="no sessions"),
        pytest.param(scene(yard(outlet("A", max_current_a=0)), [car("a", "A", 0, 4, 1000)]), id="0 A connector"),
        pytest.param(scene(yard(outlet("A")), [car("a", "A", 5, 6, 1000)]), id="outside the grid"),
    ],
)
def test_nothing_to_decide(scenario: Scenario) -> None:
    plan = planned(scenario)
    assert (plan.solution.method, plan.solution.termination) == ("idle", "nothing to decide")
    assert plan.cost == 0.0
    assert plan.energy_gap == 0.0


def test_duals_of_highs_are_not_believed() -> None:
    """Through this interface they are the activities of the rows, whatever their name says."""
    linear = relax(compiled(mixed_scenario(20, 24, seed=2))).program
    assert program.run_program(linear, "highs").duals is None
    duals = program.run_program(linear, "glop").duals
    assert duals is not None
    assert duals.size == linear.row_high.size


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("guard_s", "most"),
    [
        pytest.param(0, 0.001, id="rounding alone"),
        # The bound knows nothing of guards: what they take is dearer energy elsewhere.
        pytest.param(60, 0.005, id="with guarded edges"),
    ],
)
def test_gap_without_minimum_current(seed: int, guard_s: int, most: float) -> None:
    plan = planned(mixed_scenario(20, 48, seed, edge_guard_s=guard_s))
    assert plan.solution.method == "linear"
    assert plan.status == "complete"
    assert plan.cost_gap is not None
    assert plan.cost_gap <= most


# Same input, same bytes (convention 10).


@settings(max_examples=15)
@given(scenario=scenarios(), data=st.data())
def test_order_of_sessions_does_not_matter(scenario: Scenario, data: st.DataObject) -> None:
    shuffled = scenario.model_copy(update={"sessions": tuple(data.draw(st.permutations(scenario.sessions)))})
    one, other = solve(compiled(scenario)), solve(compiled(shuffled))
    assert one.setpoints.tolist() == other.setpoints.tolist()
    assert (one.stages, one.cost_units, one.method) == (other.stages, other.cost_units, other.method)


SCRIPT = """
from ocpp_schedule.plan import schedule
from ocpp_schedule.testing.generator import mixed_scenario
for minimum in (0.0, 6.0):
    s = mixed_scenario(12, 48, seed=7, min_current_a=minimum)
    print(schedule(s.site, s.sessions, s.tariff, s.grid).to_json())
"""


def test_two_processes_with_different_hash_seeds_write_the_same_bytes() -> None:
    written = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(  # noqa: S603 - our own script in our own interpreter
            [sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, check=True
        )
        assert done.stdout.startswith(b'{"format_version"')
        assert done.stderr == b""
        written.add(done.stdout)
    assert len(written) == 1


# Grids.


@pytest.mark.parametrize(
    ("day", "slots", "wall_hours"),
    [
        pytest.param(date(2026, 3, 29), 92, 23, id="clocks go forward"),
        pytest.param(date(2026, 10, 25), 100, 25, id="clocks go back"),
        pytest.param(date(2026, 6, 1), 96, 24, id="an ordinary day"),
    ],
)
def test_days_on_which_clocks_change(day: date, slots: int, wall_hours: int) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    grid = TimeGrid.local_day(day, "Europe/Amsterdam")
    assert grid.slots == slots
    prices = [0.30] * wall_hours
    prices[2] = 0.10  # from two hours after midnight, whatever the clock says then
    tariff = Tariff(energy=PriceSeries(start=grid.start, step_s=3600, per_kwh=prices))
    night = Session(
        id="a",
        connector="A",
        arrival=datetime(day.year, day.month, day.day, 0, 30, tzinfo=zone),
        departure=datetime(day.year, day.month, day.day, 6, tzinfo=zone),
        energy_wh=3680,
        phases=1,
    )
    site = yard(outlet("A", max_current_a=16), time_zone="Europe/Amsterdam")
    plan = planned(scene(site, [night], tariff, grid=grid))
    assert plan.problem.first_slot[0] == 2
    assert plan.problem.end_slot[0] == 4 * 6 + slots - 96
    assert plan.setpoints[0].tolist() == [160 if 8 <= slot < 12 else 0 for slot in range(slots)]
    assert plan.cost == pytest.approx(0.368, abs=1e-12)
    assert plan.cost_gap is not None
    assert f"{day} 00:00 to {day + timedelta(days=1)} 00:00 (Europe/Amsterdam)" in plan.summary()


def test_uneven_slots() -> None:
    grid = TimeGrid(start=START, edges_s=(0, 900, 4500, 5400, 14_400))
    site = yard(outlet("A", max_current_a=16))
    plan = planned(scene(site, [car("a", "A", 0, 4, 3680, phases=1)], priced(0.2, 0.1, 0.3, 0.3), grid=grid))
    assert plan.energy_wh["a"] == 3680
    # Slot 2 costs 0.10 and takes 4 A·h in its quarter; slot 1 (2700 s of 0.20, 900 s of 0.10) takes the other 12.
    assert plan.setpoints.tolist() == [[0, 120, 160, 0]]
    assert plan.solution.cost_units == 36_000 * 230 * (12 * 175_000 + 4 * 100_000)


@pytest.mark.parametrize(
    ("arrival_h", "departure_h", "energy_wh"),
    [pytest.param(4000, 4024, 30_000, id="a day"), pytest.param(0, 8760, 300_000, id="all year")],
)
def test_a_year_of_quarters(arrival_h: int, departure_h: int, energy_wh: float) -> None:
    grid = TimeGrid.regular(datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=15), 35_040)
    per_kwh = tuple(np.round(0.1 + 0.05 * np.sin(np.arange(8760) / 4), 5).tolist())
    tariff = Tariff(energy=PriceSeries(start=grid.start, step_s=3600, per_kwh=per_kwh))
    stay = Session(
        id="a",
        connector="A",
        arrival=grid.start + timedelta(hours=arrival_h),
        departure=grid.start + timedelta(hours=departure_h),
        energy_wh=energy_wh,
        phases=1,
    )
    plan = planned(scene(yard(outlet("A")), [stay], tariff, grid=grid))
    assert plan.status == "complete"
    assert plan.cost_gap is not None
    assert plan.cost_gap <= 0.001
    assert len(plan.summary().splitlines()) < 15
    used = np.flatnonzero(plan.setpoints[0])
    assert used.size * 0.25 * 32 * 230 >= energy_wh


# Priorities and ties.


def test_must_haves_come_before_wishes_and_wishes_before_money() -> None:
    by = START + timedelta(hours=2)
    cars = [
        car("a", "A", 0, 2, 7360, phases=1),  # wishes 16 A for two hours
        car("b", "B", 0, 4, 7360, phases=1, milestones=[{"by": by, "energy_wh": 7360}]),
    ]
    plan = planned(scene(yard(outlet("A"), outlet("B"), limit_a=25.0), cars, priced(9.0, 9.0, 0.1, 0.1)))
    assert plan.solution.stages[0].value == 0
    assert plan.energy_wh["b"] >= 7360  # at the highest price, although the cheap hours would do for its wish
    assert 0.95 * 2 * 9 * 230 <= plan.energy_wh["a"] <= 2 * 9 * 230
    assert plan.status == "partial"


def test_of_two_equal_cars_the_lower_id_charges_first() -> None:
    cars = [car("b", "B", 0, 4, 3680, phases=1), car("a", "A", 0, 4, 3680, phases=1)]
    plan = planned(scene(yard(outlet("A", max_current_a=16), outlet("B", max_current_a=16), limit_a=16.0), cars))
    assert plan.setpoints[0].tolist() == [160, 0, 0, 0]
    assert np.flatnonzero(plan.setpoints[1]).tolist()[0] == 1


def test_equal_prices_are_used_early() -> None:
    plan = planned(scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 4, 7360, phases=1)]))
    assert plan.setpoints.tolist() == [[160, 160, 0, 0]]


def test_negative_prices_are_not_bought_beyond_what_may_overshoot() -> None:
    tariff = priced(-0.2, -0.1, 0.1, 0.1)
    plan = planned(scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 4, 3680, phases=1)], tariff))
    assert 3680 <= plan.energy_wh["a"] < 3680 + 6 * 230
    assert plan.setpoints[0, 0] >= 159
    assert plan.setpoints[0, 2:].tolist() == [0, 0]
    assert plan.cost < 0
