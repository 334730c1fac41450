"""Degenerate and hostile cases on every rung of the ladder: a plan that holds, and nothing missing in vain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import START, car, compiled, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Circuit, Forecast, LimitSeries, Load, Tariff, TimeGrid
from ocpp_schedule.solve.ladder import METHODS, solve
from ocpp_schedule.testing.strategies import scenarios

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.solution import Solution

WH = 36_000


RUNGS = ["default", "flow", "linear", "packing"]


def solved(scenario: Scenario, rung: str) -> Solution:
    problem = compiled(scenario)
    methods = {"packing": (), "linear": ("linear",), "flow": ("flow", "linear")}.get(rung, METHODS)
    return solve(problem, methods=methods)


def fleet(count: int, **more: Any) -> list[Any]:
    return [outlet(f"C{k}", **more) for k in range(count)]


def cars(count: int, first: float = 0, last: float = 4, wh: float = 3000, **more: Any) -> list[Any]:
    return [car(f"s{k}", f"C{k}", first, last, wh, **({"phases": 1} | more)) for k in range(count)]


LINES = ("L1", "L2", "L3")
CASES = [
    pytest.param(scene(yard(*fleet(6), limit_a=60.0), cars(6), Tariff(energy=0.2)), 0, id="flat-prices"),
    pytest.param(scene(yard(*fleet(6), limit_a=60.0), cars(6), Tariff(energy=0.0)), 0, id="energy-for-nothing"),
    pytest.param(scene(yard(*fleet(6), limit_a=60.0), cars(6), priced(-0.1, -0.1, -0.2, -0.1)), 0, id="negative"),
    pytest.param(
        scene(yard(*fleet(12), limit_a=26.0), cars(12, wh=1990), priced(0.1, 0.2, 0.3, 0.4)),
        None,
        id="all-windows-equal",
    ),
    pytest.param(scene(yard(*fleet(3), limit_a=0.0), cars(3)), 3 * 3000, id="a-limit-of-zero"),
    pytest.param(scene(yard(*fleet(3, max_current_a=0.0), limit_a=40.0), cars(3)), 3 * 3000, id="outlets-of-zero"),
    pytest.param(scene(yard(*fleet(3), limit_a=40.0), cars(3, wh=0.0)), 0, id="wishes-of-zero"),
    pytest.param(
        scene(
            yard(*fleet(2), limit_a=40.0),
            cars(2, wh=9000),
            limits=(LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(40.0, 40.0, 12.0, 5.9)),),
        ),
        None,
        id="a-limit-that-drops-within-the-sessions",
    ),
    pytest.param(
        scene(
            yard(*fleet(2), limit_a=20.0, loads=[Load(id="hall", circuit="main")]),
            cars(2),
            forecasts=(Forecast(id="hall", start=START, step_s=3600, expected_a=(25.0, 1.0, 30.0, 20.0)),),
        ),
        None,
        id="base-load-above-the-limit",
    ),
    pytest.param(
        scene(yard(outlet("C0", max_current_a=16.0), limit_a=9.9, edge_guard_s=0), cars(1, wh=4 * 2300)),
        4 * 23,
        id="a-tenth-of-an-ampere-short",
    ),
    pytest.param(
        scene(yard(outlet("C0", max_current_a=16.0), limit_a=5.9), cars(1, wh=1000)),
        1000,
        id="a-tenth-below-the-minimum",
    ),
    pytest.param(
        scene(yard(*fleet(4, lines=LINES), limit_a=24.0), cars(4, wh=1380, phases=None)), 0, id="all-phases-unknown"
    ),
    pytest.param(
        scene(yard(*fleet(4, lines=LINES), limit_a=48.0, idle_floor_a=6.0), cars(4, wh=1380, phases=None)),
        0,
        id="all-phases-unknown-above-idle-floors",
    ),
]


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize(("scenario", "missing_wh"), CASES)
def test_every_rung_gives_a_plan_that_holds(scenario: Scenario, missing_wh: float | None, rung: str) -> None:
    solution = solved(scenario, rung)
    report = refereed(scenario, solution)
    assert report.violations == ()
    if missing_wh is not None:
        assert report.missing == missing_wh * WH
    assert (
        [stage.mark for stage in solution.stages] == ["fallback"] * 3 or rung != "packing" or solution.method == "idle"
    )


def test_the_largest_numbers_stay_exact() -> None:
    """100 kA, 100 MWh, prices of a million, slots of a week: sums beyond 64 bits are Python's business, not lost."""
    site = yard(*fleet(3, lines=LINES, max_current_a=100_000.0), limit_a=100_000.0)
    week = TimeGrid(start=START, edges_s=tuple(range(0, 4 * 604_800 + 1, 604_800)))
    cars_ = cars(3, last=4 * 168, wh=100_000_000.0, phases=3)
    tariff = priced(1_000_000.0, -1_000_000.0, 999_999.999999, 0.000001, step_s=604_800)
    plan = planned(scene(site, cars_, tariff, grid=week))
    assert plan.status == "complete"
    assert plan.verify().ok
    exact = sum(
        int(units) * price
        for units, price in zip(
            (plan.setpoints.astype(object) * plan.problem.power_dw.astype(object)[:, None] * 604_800).sum(axis=0),
            (10**12, -(10**12), 999_999_999_999, 1),
            strict=True,
        )
    )
    assert plan.solution.cost_units == exact


@pytest.mark.parametrize("rung", RUNGS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=scenarios(), data=st.data())
def test_rows_hold_whoever_stops(rung: str, scenario: Scenario, data: st.DataObject) -> None:
    """Any set-points may become less, to 0 or to anything between: no row of any slot is exceeded."""
    solution = solved(scenario, rung)
    kinds = {"row", "alarm_draw", "maximum", "window"}
    assert not refereed(scenario, solution).violations
    seed = data.draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    kept = rng.random(solution.setpoints.shape)
    for share in (np.where(kept < 0.5, 0.0, 1.0), kept, np.where(np.arange(kept.shape[0])[:, None] % 2, 0.0, 1.0)):
        less = np.floor(solution.setpoints * share).astype(np.int64)
        found = refereed(scenario, _with(solution, less)).violations
        assert [one for one in found if one.kind in kinds] == []


def _with(solution: Solution, setpoints: Any) -> Solution:
    off = np.zeros_like(solution.late_raise)
    return replace(solution, setpoints=setpoints, late_raise=off, early_lowering=off)


def test_a_panel_of_zero_below_a_wide_connection() -> None:
    site = yard(
        *fleet(2),
        circuits=[Circuit(id="main", limit_a=63), Circuit(id="none", parent="main", limit_a=0)],
        limit_a=63.0,
    )
    stations = [site.stations[0], site.stations[1].model_copy(update={"circuit": "none"})]
    plan = planned(scene(site.model_copy(update={"stations": tuple(stations)}), cars(2)))
    assert plan.report.missing_units == {"s0": 0, "s1": 3000 * WH}
