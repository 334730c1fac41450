"""Uncontrolled charging, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenes import START, car, compiled, outlet, priced, scene, yard

from ocpp_schedule import TimeGrid
from ocpp_schedule.views.baseline import Baseline, uncontrolled

SITE = yard(outlet("A", max_current_a=16), outlet("B", max_current_a=16), limit_a=10.0)
TARIFF = priced(0.40, 0.10, 0.20, 0.50)


def baseline(sessions: Any, **more: Any) -> Baseline:
    return uncontrolled(compiled(scene(more.pop("site", SITE), sessions, TARIFF, **more)))


@pytest.mark.parametrize(
    ("sessions", "cost", "peak_w", "peak_a", "energy_wh"),
    [
        pytest.param([], 0, 0, 0, 0, id="nobody"),
        pytest.param([car("a", "A", 0, 4, 3680, phases=1)], 1.472, 3680, 16, 3680, id="an hour"),
        pytest.param([car("a", "A", 0, 4, 5520, phases=1)], 1.472 + 0.184, 3680, 16, 5520, id="an hour and a half"),
        pytest.param([car("a", "A", 2, 4, 1840, phases=1)], 0.368, 1840, 16, 1840, id="from arrival on"),
        pytest.param([car("a", "A", 3, 4, 9999, phases=1)], 1.84, 3680, 16, 3680, id="until departure"),
        pytest.param([car("a", "A", 3.5, 4, 9999, phases=1)], 0, 0, 0, 0, id="no whole slot"),
        pytest.param(
            [car("a", "A", 0, 4, 3680, phases=1), car("b", "B", 0, 4, 3680, phases=1)],
            2.944,
            7360,
            32,
            7360,
            id="limits are ignored",
        ),
        pytest.param([car("a", "A", 0, 6, 9000, phases=1)], 0.40 * 1.64, 1640, 16, 1640, id="the rest after the grid"),
        pytest.param([car("a", "A", 0, 4, 3680, max_current_a=8, phases=1)], 0.92, 1840, 8, 3680, id="a slower car"),
    ],
)
def test_uncontrolled(sessions: Any, cost: float, peak_w: float, peak_a: float, energy_wh: float) -> None:
    found = baseline(sessions)
    assert (found.cost, found.peak_w, found.peak_a, found.energy_wh) == pytest.approx((cost, peak_w, peak_a, energy_wh))


def test_peak_current_is_that_of_the_fullest_line() -> None:
    site = yard(outlet("A", lines=("L2", "L3", "L1")), outlet("B", lines=("L2",)))
    cars = [car("a", "A", 0, 4, 99_999, phases=3), car("b", "B", 0, 4, 99_999, max_current_a=10, phases=1)]
    found = baseline(cars, site=site)
    assert found.peak_a == 42.0
    assert found.peak_w == (3 * 32 + 10) * 230


def test_uneven_slots() -> None:
    grid = TimeGrid(start=START, edges_s=(0, 900, 4500))
    found = baseline([car("a", "A", 0, 1.25, 1840, phases=1)], grid=grid)
    # A quarter at full power, then 920 Wh spread over the next hour (2700 s at 0.40, 900 s at 0.10).
    assert found.peak_w == 3680
    assert found.cost == pytest.approx(0.92 * 0.40 + 0.92 * 0.325)
