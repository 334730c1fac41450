"""Rules that hold in every integer plan, so that the linear program need not find out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.scenes import START, car, compiled, outlet, planned, scene, yard

from ocpp_schedule import Forecast, Load, Scenario
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.testing.strategies import scenarios


def home(base_a: tuple[float, ...], **site: object) -> Scenario:
    """One car behind a 25 A fuse, with a base load per hour."""
    return scene(
        yard(outlet("A"), loads=[Load(id="house", circuit="main")], **site),
        [car("a", "A", 0, 4, 20_000, phases=1)],
        forecasts=[Forecast(id="house", start=START, step_s=3600, expected_a=base_a)],
    )


@pytest.mark.parametrize(
    ("base_a", "caps"),
    [
        pytest.param((20.0, 20.0, 0.0, 0.0), [0, 0, 250, 250], id="5 A left is less than 6 A"),
        pytest.param((19.0, 18.9, 20.0, 25.0), [60, 61, 0, 0], id="6 A left is enough"),
        pytest.param((25.1, 0.0, 0.0, 0.0), [0, 250, 250, 250], id="alarm"),
    ],
)
def test_headroom_below_the_minimum_is_no_headroom(base_a: tuple[float, ...], caps: list[int]) -> None:
    assert tighten(compiled(home(base_a))).cap_steps.tolist() == [caps]


def test_idle_floors_of_others_are_reserved_and_the_own_one_is_not() -> None:
    site = yard(outlet("A"), outlet("B"), idle_floor_a=6)
    problem = tighten(compiled(scene(site, [car("a", "A", 0, 4, 20_000, phases=1)])))
    assert problem.cap_steps.tolist() == [[190] * 4]


def test_bound_of_a_crowded_home_is_the_truth() -> None:
    """Without the rule the program believes in 5 A for two hours, and promises energy that no plan can give."""
    plan = planned(home((20.0, 20.0, 12.5, 12.5), edge_guard_s=0))
    assert plan.energy_gap == 0.0
    assert plan.energy_wh == {"a": 2 * 12.5 * 230}


@given(scenario=scenarios())
def test_plans_keep_within_the_tightened_caps(scenario: Scenario) -> None:
    problem = compiled(scenario)
    caps = tighten(problem).cap_steps
    assert (caps <= problem.cap_steps).all()
    for exact_arcs in (0, 40):
        assert (solve(problem, exact_arcs=exact_arcs).setpoints <= caps).all()


def test_nothing_to_tighten_keeps_the_problem() -> None:
    problem = compiled(scene(yard(outlet("A"), limit_a=63), [car("a", "A", 0, 4, 2_000)]))
    assert tighten(problem) is problem
    assert np.all(problem.cap_steps == 320)
