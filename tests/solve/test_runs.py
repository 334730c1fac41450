"""Pauses and on-times: exhaustive search on tiny sites, laws on larger ones, cases by hand."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, priced, scene, yard

from ocpp_schedule import Outage, Plan, Station
from ocpp_schedule.problem.arrays import RunRules
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.patterns import _best_patterns, runs

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.session import Session

WH = 36_000
STEP_WH = 1840


def tiny(draw: Any) -> Scenario:
    """Return one or two cars with 8 A steps on four slots, some of which must not pause or must stay on."""
    cars = []
    for k in range(draw(st.integers(1, 2))):
        first = draw(st.integers(0, 1))
        last = draw(st.sampled_from([3, 4, 5.0]))  # 5: goes on after the grid
        cars.append(
            car(
                f"s{k}",
                f"C{k}",
                first,
                last,
                float(draw(st.sampled_from([1000, 1840, 3680, 5520, 7360]))) + (3680 if last > 4 else 0),
                phases=1,
                max_pauses=draw(st.sampled_from([None, 0, 0, 1])),
                min_on_s=draw(st.sampled_from([None, 3600, 7200, 10_800])),
            )
        )
    site = yard(
        *(
            outlet(f"C{k}", step_a=8.0, max_current_a=16.0, min_current_a=draw(st.sampled_from([0.0, 8.0, 16.0])))
            for k in range(2)
        ),
        limit_a=draw(st.sampled_from([16.0, 24.0, 32.0])),
        edge_guard_s=0,
    )
    prices = [draw(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31])) for _ in range(4)]
    shut = draw(st.sampled_from([None, None, 1, 2]))
    rules = [] if shut is None else [Outage(connector="C0", start=START + shut * HOUR, end=START + (shut + 1) * HOUR)]
    return scene(site, cars, priced(*prices), availability=rules)


def is_kept(session: Session, steps: tuple[int, ...], *, full: bool) -> bool:
    """Tell whether the steps of four hours keep to the session's pauses and on-time, in the words of convention 21."""
    text = "".join("x" if step else "." for step in steps)
    parts = text.split(".")
    lengths = [len(part) for part in parts if part]
    if session.max_pauses is not None and len(lengths) - 1 > session.max_pauses:
        return False
    needed = (session.min_on_s or 0) / 3600
    excused_end = text.endswith("x") and session.departure > START + 4 * HOUR
    for at, length in enumerate(lengths):
        is_last = at == len(lengths) - 1
        if length < needed and not (is_last and (full or excused_end)):
            return False
    return True


def best(scenario: Scenario) -> tuple[float, int]:
    """Return missing energy [Wh] and cost [Wh x 1e-3 per kWh] of the best plan there is."""
    prices = [round(p * 1000) for p in scenario.tariff.energy.per_kwh]
    limit = scenario.site.circuits[0].limit_a
    options = []
    for session in scenario.sessions:
        connector = next(c for c in scenario.site.connectors if c.id == session.connector)
        low = max(int(connector.min_current_a // 8), 1)
        first = (session.arrival - START) // HOUR
        last = min((session.departure - START) // HOUR, 4)
        shut = [
            any(r.connector == session.connector and r.start <= START + t * HOUR < r.end for r in scenario.availability)
            for t in range(4)
        ]
        later = 3680 if session.departure > START + 4 * HOUR else 0
        found = []
        for steps in product(*[[0, *range(low, 3)] if first <= t < last and not shut[t] else [0] for t in range(4)]):
            wh = [STEP_WH * step for step in steps]
            if sum(wh) >= session.energy_wh + low * STEP_WH and sum(wh) > session.energy_wh:
                continue
            if not is_kept(session, steps, full=sum(wh) >= session.energy_wh):
                continue
            short = max(0.0, session.energy_wh - later - sum(wh))
            found.append((steps, short, sum(w * p for w, p in zip(wh, prices, strict=True))))
        options.append(found)
    return min(
        (sum(one[1] for one in chosen), sum(one[2] for one in chosen))
        for chosen in product(*options)
        if all(8 * sum(one[0][t] for one in chosen) <= limit for t in range(4))
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_plan_equals_exhaustive_search(data: st.DataObject) -> None:
    scenario = tiny(data.draw)
    plan = planned(scenario)
    missing, cost = best(scenario)
    assert plan.solution.method in {"exact", "idle"}
    assert [stage.value for stage in plan.solution.stages] == [0, missing * WH, cost * WH * 1000]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_without_the_exact_program_plans_are_kept_and_near(data: st.DataObject) -> None:
    """Planned one car after another the plan still passes the referee, and gives a lone car all that can be given."""
    scenario = tiny(data.draw)
    solution = solve(compiled(scenario), exact_arcs=0)
    plan = Plan.from_json(planned(scenario).to_json())
    assert plan.report.ok
    values = [stage.value for stage in solution.stages]
    missing, _ = best(scenario)
    assert values[1] >= missing * WH
    if len(scenario.sessions) == 1:
        assert values[1] == missing * WH


def steady(**more: Any) -> dict[str, Any]:
    return {"phases": 1, "max_current_a": 16, "max_pauses": 0} | more


def test_a_car_that_must_not_pause_charges_through_the_dear_hour() -> None:
    """Two cheap hours with a dear one between: at 6 A through it rather than with a pause."""
    site = yard(outlet("A"), edge_guard_s=0)
    prices = priced(0.1, 0.5, 0.1, 0.9)
    cars = [car("a", "A", 0, 4, 2 * 3680, phases=1, max_current_a=16)]
    assert planned(scene(site, cars, prices)).setpoints.tolist() == [[160, 0, 160, 0]]
    cars = [car("a", "A", 0, 4, 2 * 3680, **steady())]
    plan = planned(scene(site, cars, prices))
    assert plan.setpoints.tolist() == [[160, 60, 100, 0]]
    assert plan.status == "complete"


def test_it_may_stop_for_good_once_it_is_full() -> None:
    plan = planned(scene(yard(outlet("A")), [car("a", "A", 0, 4, 3680, **steady())], priced(0.1, 0.2, 0.3, 0.1)))
    assert (plan.setpoints > 0).tolist() == [[True, False, False, False]]


def test_a_station_that_cannot_pause_makes_its_cars_steady() -> None:
    stations = [Station(id="CP-A", circuit="main", ocpp_version="1.6", capabilities={"pause": "stop_transaction"})]
    site = yard(outlet("A"), stations=stations, edge_guard_s=0)
    plan = planned(scene(site, [car("a", "A", 0, 4, 2 * 3680, phases=1, max_current_a=16)], priced(0.1, 0.5, 0.1, 0.9)))
    assert plan.setpoints.tolist() == [[160, 60, 100, 0]]


def test_an_outage_in_the_window_leaves_one_side_of_it() -> None:
    rules = [Outage(connector="A", start=START + HOUR, end=START + 2 * HOUR)]
    cars = [car("a", "A", 0, 4, 4 * 3680, **steady())]
    plan = planned(scene(yard(outlet("A")), cars, priced(0.1, 0.1, 0.4, 0.4), availability=rules))
    assert plan.setpoints.tolist() == [[0, 0, 160, 160]]
    assert plan.status == "partial"


def test_a_short_wish_may_end_a_run_early() -> None:
    cars = [car("a", "A", 0, 4, 1000, phases=1, min_on_s=7200)]
    plan = planned(scene(yard(outlet("A")), cars, priced(0.1, 0.2, 0.3, 0.4)))
    assert plan.status == "complete"
    assert (plan.setpoints > 0).sum() == 1


def test_too_late_for_the_shortest_time_gets_nothing() -> None:
    cars = [car("a", "A", 3, 4, 9000, phases=1, min_on_s=7200)]
    plan = planned(scene(yard(outlet("A")), cars))
    assert not plan.setpoints.any()
    assert plan.report.missing_units == {"a": 9000 * WH}


@pytest.mark.parametrize("guard_s", [0, 60])
@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_steady_cars(seed: int, guard_s: int) -> None:
    """Forty cars on one fuse, half of them steady: the referee accepts the plan, and little is missing."""
    rng = np.random.default_rng(seed)
    site = yard(*(outlet(f"C{k:02}") for k in range(24)), limit_a=160.0, edge_guard_s=guard_s)
    cars = []
    for k in range(24):
        first = float(rng.integers(0, 12))
        stay = float(rng.integers(4, 12))
        rule = {"max_pauses": int(rng.integers(0, 2))} if k % 2 else {}
        rule |= {"min_on_s": 3600} if k % 3 == 0 else {}
        cars.append(
            car(f"s{k:02}", f"C{k:02}", first, first + stay, float(rng.integers(3000, 12_000)), phases=1, **rule)
        )
    prices = priced(*np.round(0.1 + 0.2 * rng.random(24), 4).tolist())
    grid = {"start": START, "step_s": 900, "slots": 96}
    plan = planned(scene(site, cars, prices, grid=grid))
    free = [one.model_copy(update={"max_pauses": None, "min_on_s": None}) for one in cars]
    loose = planned(scene(site, free, prices, grid=grid))
    assert plan.report.missing <= loose.report.missing + 200 * WH
    assert plan.cost >= (loose.bound or 0.0)
    assert plan.cost_gap is not None
    assert plan.cost_gap < 0.06


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=7),
    st.integers(1, 3),
    st.sampled_from([-1, 1, 2]),
)
def test_runs_are_the_best_there_are(slots: list[tuple[int, bool]], least: int, most_runs: int) -> None:
    reward = np.array([[float(value) for value, _ in slots]])
    open_ = np.array([is_open for _, is_open in slots])
    width = len(slots)
    shortest = np.array([min(slot + least, width) for slot in range(width)])
    (found,) = _best_patterns(reward, open_, shortest, most_runs)
    best_value = 0.0
    for on in product([False, True], repeat=width):
        parts = runs(np.array(on))
        whole = all(last - first >= least or last == width for first, last in parts)
        if whole and all(open_[np.array(on)]) and (most_runs < 0 or len(parts) <= most_runs):
            best_value = max(best_value, float(reward[0, np.array(on)].sum()))
    assert float(reward[0, found].sum()) == best_value
    assert all(open_[found])


def test_rules_are_compiled_only_where_there_are_any() -> None:
    site = yard(outlet("A"), outlet("B"))
    cars = [car("a", "A", 0, 4, 1000, phases=1), car("b", "B", 0, 5, 1000, phases=1)]
    assert compiled(scene(site, cars)).runs is None
    cars = [cars[0].model_copy(update={"min_on_s": 600}), cars[1].model_copy(update={"max_pauses": 2})]
    rules = compiled(scene(site, cars, grid=hours(4))).runs
    assert isinstance(rules, RunRules)
    assert rules.pauses.tolist() == [-1, 2]
    assert rules.on_s.tolist() == [600, 0]
    assert rules.open_end.tolist() == [False, True]


def test_a_site_that_would_be_a_flow_is_none_with_steady_cars() -> None:
    site = yard(*(outlet(f"C{k}", min_current_a=0.0) for k in range(4)), limit_a=40.0, edge_guard_s=0)
    cars = [car(f"s{k}", f"C{k}", 0, 12, 15_000, phases=1, max_current_a=16) for k in range(4)]
    prices = priced(*(0.1 + 0.05 * (t % 2) for t in range(12)))
    grid = {"start": START, "step_s": 3600, "slots": 12}
    assert planned(scene(site, cars, prices, grid=grid)).solution.method == "flow"
    cars[0] = cars[0].model_copy(update={"max_pauses": 0})
    plan = planned(scene(site, cars, prices, grid=grid))
    assert plan.solution.method == "linear"
    assert plan.status == "complete"
