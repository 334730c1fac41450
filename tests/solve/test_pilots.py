"""Discrete pilots: only what the charger can be told, in the plan and on the wire."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from tests.scenes import START, car, compiled, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Forecast, Load, Scenario
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.filling import trim
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.pouring import fill_levels
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.solve.working import WorkingPlan
from ocpp_schedule.testing.strategies import scenarios

ROTARY = (0, 6, 10, 16)


def one_car(wh: float, *, pilots: tuple[float, ...] = ROTARY, **site: object) -> Scenario:
    """One car for four hours, prices falling."""
    return scene(
        yard(outlet("A", allowed_currents_a=pilots), edge_guard_s=0, **site),
        [car("a", "A", 0, 4, wh, phases=1)],
        priced(0.4, 0.3, 0.2, 0.1),
    )


@pytest.mark.parametrize(
    ("ampere_hours", "pilots", "steps"),
    [
        pytest.param(16, ROTARY, [0, 0, 0, 8], id="one level"),
        pytest.param(22, ROTARY, [0, 0, 3, 8], id="two levels"),
        pytest.param(14, ROTARY, [0, 0, 0, 8], id="at most 6 Ah too much"),
        pytest.param(36, ROTARY, [0, 5, 5, 8], id="10 + 10 + 16"),
        pytest.param(24, (0, 8, 16, 24, 32), [0, 0, 0, 3], id="Caltech"),
        pytest.param(20, (0, 6, 32), [3, 3, 3, 3], id="32 A would be 12 Ah too much"),
    ],
)
@pytest.mark.parametrize("exact_arcs", [0, 40])
def test_cheapest_allowed_currents(
    ampere_hours: float, pilots: tuple[float, ...], steps: list[int], exact_arcs: int
) -> None:
    scenario = one_car(ampere_hours * 230, pilots=pilots, limit_a=40)
    solution = solve(compiled(scenario), exact_arcs=exact_arcs)
    assert refereed(scenario, solution).ok
    if exact_arcs:
        assert solution.setpoints.tolist() == [steps]
    assert solution.stages[1].value == 0


def test_headroom_between_two_allowed_currents_is_the_lower() -> None:
    """12 A are left: the car gets 10 A, and the bound knows."""
    scenario = scene(
        yard(outlet("A", allowed_currents_a=ROTARY), loads=[Load(id="house", circuit="main")], edge_guard_s=0),
        [car("a", "A", 0, 4, 20_000, phases=1)],
        forecasts=[Forecast(id="house", start=START, step_s=3600, expected_a=(13.0, 13.0, 20.0, 0.0))],
    )
    assert tighten(compiled(scenario)).cap_steps.tolist() == [[5, 5, 0, 8]]
    plan = planned(scenario)
    assert plan.energy_gap == 0
    assert plan.limits.tolist() == [[10.0, 10.0, 0.0, 16.0]]


@pytest.mark.parametrize(
    ("floor_a", "steps"), [(6, [0]), (8, [1]), (20, [2])], ids=["below the lowest", "the lowest", "between two"]
)
def test_idle_floor_is_an_allowed_current(floor_a: float, steps: list[int]) -> None:
    site = yard(outlet("A", allowed_currents_a=(0, 8, 16, 24, 32)), idle_floor_a=floor_a)
    plan = planned(scene(site, [car("a", "A", 0, 4, 4_000, phases=1)]))
    assert plan.solution.idle_floor_steps.tolist() == steps
    assert plan.report.ok


@given(scenario=scenarios())
def test_every_limit_on_the_wire_is_allowed(scenario: Scenario) -> None:
    plan = planned(scenario)
    outlets = {connector.id: connector for connector in scenario.site.connectors}
    for stack in plan.stacks():
        allowed = outlets[stack.connector].allowed_currents_a
        if allowed is not None:
            tenths = {period.limit_tenths for layer in stack.layers for period in layer.profile.schedule.periods}
            assert tenths <= {round(10 * current_a) for current_a in allowed}


@given(scenario=scenarios())
def test_every_rung_keeps_to_the_allowed_currents(scenario: Scenario) -> None:
    problem = tighten(compiled(scenario))
    for setpoints in (
        solve(problem, exact_arcs=0).setpoints,
        solve(problem).setpoints,
        least_laxity(problem).setpoints,
    ):
        for session, levels in problem.levels.items():
            assert np.isin(setpoints[session], levels).all()


@pytest.mark.parametrize(
    ("missing", "room", "setpoints", "left"),
    [
        pytest.param(3, [8, 8], [3, 0], 0, id="exact"),
        pytest.param(4, [8, 8], [5, 0], -1, id="next level"),
        pytest.param(9, [8, 8], [8, 3], -2, id="two slots"),
        pytest.param(30, [5, 8], [5, 8], 17, id="not enough"),
    ],
)
def test_fill_goes_from_level_to_level(missing: int, room: list[int], setpoints: list[int], left: int) -> None:
    filled, unit = np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.int64)
    levels = np.array([0, 3, 5, 8])
    assert fill_levels(filled, np.array(room), unit, np.arange(2), missing, levels) == left
    assert filled.tolist() == setpoints


@pytest.mark.parametrize(("surplus", "after"), [(1, 8), (2, 8), (3, 5), (5, 3), (8, 0)])
def test_trim_goes_from_level_to_level(surplus: int, after: int) -> None:
    problem = compiled(one_car(4_000))
    unit = int(problem.power_dw[0]) * 3600
    plan = WorkingPlan(problem, np.array([[0, 0, 0, 8]]))
    assert trim(plan, 0, np.arange(4.0), surplus * unit) == (after != 8)
    assert plan.setpoints.tolist() == [[0, 0, 0, after]]


def test_planted_current_between_two_allowed_ones_is_found() -> None:
    scenario = one_car(6_000)
    solution = solve(compiled(scenario))
    wrong = solution.setpoints.copy()
    wrong[0, 3] = 4
    report = refereed(scenario, replace(solution, setpoints=wrong))
    assert "pilot" in {violation.kind for violation in report.violations}
