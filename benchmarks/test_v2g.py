"""Cars that give energy back, battery, PV, negative prices, 6 A: never both at once, and the gap below 0.1 %."""

from __future__ import annotations

import pytest

from ocpp_schedule import schedule
from ocpp_schedule.testing.generator import metered_scenario, v2g_scenario

WORST_GAP = 1e-3
"""Of the gross value of charging (0.02 to 0.05 % measured on seeds 1 to 5, with 6 A and without)."""


@pytest.mark.parametrize("min_current_a", [0.0, pytest.param(6.0, marks=pytest.mark.smoke)])
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_v2g_family_is_near_its_bound(seed: int, min_current_a: float) -> None:
    day = v2g_scenario(50, 96, seed, min_current_a=min_current_a)
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, forecasts=day.forecasts)
    assert (plan.status, plan.mark) == ("complete", "certified")
    assert plan.cost_gap is not None
    assert plan.cost_gap <= WORST_GAP
    assert plan.given_w.any()
    assert not ((plan.given_w > 0) & (plan.setpoints > 0)).any()
    assert not ((plan.import_w > 0) & (plan.export_w > 0)).any()


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_meter_family_with_minimum_currents_is_near_its_bound(seed: int) -> None:
    day = metered_scenario(50, 96, seed, min_current_a=6.0)
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, forecasts=day.forecasts)
    assert (plan.status, plan.mark) == ("complete", "certified")
    assert plan.cost_gap is not None
    assert plan.cost_gap <= WORST_GAP
