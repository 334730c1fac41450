"""Taper: what a car draws as it fills, followed in two ways; plans that serve what it takes; no false shortfall."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import START, car, compiled, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Plan, TaperPoint
from ocpp_schedule.check.taper import drawn
from ocpp_schedule.problem.taper import Curve

WH = 36_000
CURVE = (TaperPoint(energy_wh=6000.0, max_current_a=32), TaperPoint(energy_wh=10_000.0, max_current_a=0))
QUARTERS = {"start": START, "step_s": 900, "slots": 16}


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    count = draw(st.integers(1, 4))
    energy = sorted(draw(st.sets(st.integers(-5000, 400_000), min_size=count, max_size=count)))
    power = sorted(draw(st.lists(st.integers(0, 500), min_size=count, max_size=count)), reverse=True)
    return Curve(tuple(energy), tuple(power))


@settings(max_examples=400, deadline=None)
@given(curves(), st.integers(0, 450_000), st.integers(0, 600), st.integers(1, 900))
def test_both_follow_a_taper_alike(curve: Curve, got: int, most_dw: int, seconds: int) -> None:
    points = list(zip(curve.energy_units, curve.power_dw, strict=True))
    assert curve.drawn(got, most_dw, seconds) == drawn(points, got, most_dw * seconds, seconds)


@settings(max_examples=200, deadline=None)
@given(curves(), st.integers(0, 400_000), st.integers(0, 5000), st.integers(0, 600), st.integers(1, 900))
def test_who_has_got_more_ends_with_more(curve: Curve, got: int, more: int, most_dw: int, seconds: int) -> None:
    """So full permission from the beginning gives the most there is, at every time: no wish is cut short in vain."""
    ahead = got + more + curve.drawn(got + more, most_dw, seconds)
    assert ahead >= got + curve.drawn(got, most_dw, seconds)


def test_it_is_near_the_true_curve_and_never_above() -> None:
    """From 7.36 kW straight down to 0 within 4 kWh the truth is an exponential; per quarter of an hour k = 0.46."""
    curve = Curve((0, 4000 * WH), (73_600, 0))
    followed = np.cumsum(curve.series([(73_600, 900)] * 12)) / WH
    rate = 73_600 / (4000 * WH) * 900
    truth = [4000 * (1 - math.exp(-rate * (k + 1))) for k in range(12)]
    assert all(followed <= truth)
    assert max((truth - followed) / 4000) < rate / 2 / math.e * 1.1
    fine = np.cumsum(curve.series([(73_600, 60)] * 180))[14::15] / WH
    assert max((truth - fine) / 4000) < 0.01


def one(**more: Any) -> Any:
    return scene(
        yard(outlet("A"), edge_guard_s=0, limit_a=40.0),
        [car("a", "A", 0, 4, 9000, **({"phases": 1, "taper": CURVE} | more))],
        priced(*[0.3, 0.2, 0.1, 0.15] * 4, step_s=900),
        grid=QUARTERS,
    )


def test_the_permission_may_be_more_than_the_draw() -> None:
    plan = planned(one())
    assert plan.status == "complete"
    assert plan.report.ok
    permitted = plan.setpoints[0] * 230 * 900 // 3600 // 10
    assert permitted.sum() > 9000  # the last slots hold the 6 A minimum while the car draws less
    assert 9000 <= plan.energy_wh["a"] < 9000 + 345
    assert plan.expected_w[0].max() <= 7360
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def test_what_the_car_cannot_take_is_not_missing() -> None:
    plan = planned(one(energy_wh=11_000.0))
    assert plan.status == "complete"
    left_out = plan.report.untakeable_units["a"]
    assert 1000 * WH < left_out < 1700 * WH  # above 10 kWh it takes nothing, and near it hardly anything
    assert plan.report.wanted_units["a"] + left_out == 11_000 * WH
    assert plan.notices[0].endswith(
        "of its wish are more than the car takes in its time, as its taper says, and are left out"
    )


def test_what_a_limit_takes_is_missing_all_the_same() -> None:
    scenario = one()
    tight = scenario.model_copy(update={"site": yard(outlet("A"), edge_guard_s=0, limit_a=8.0)})
    plan = planned(tight)
    assert plan.status == "partial"
    assert plan.report.missing_units["a"] == round((9000 - 4 * 8 * 230) * WH)


def test_by_state_of_charge_it_is_the_same_taper() -> None:
    """Of 40 kWh at 60 %: 6 kWh more are 75 %, 10 kWh are 85 %."""
    taper = (TaperPoint(soc_percent=75.0, max_current_a=32), TaperPoint(soc_percent=85.0, max_current_a=0))
    plan = planned(one(taper=taper, battery_wh=40_000.0, soc_percent=60.0))
    assert plan.setpoints.tolist() == planned(one()).setpoints.tolist()


def test_a_draw_that_is_claimed_without_the_taper_is_found() -> None:
    scenario = one()
    plan = planned(scenario)
    lie = (plan.setpoints @ plan.problem.seconds) * plan.problem.power_dw
    found = refereed(scenario, replace(plan.solution, energy_units=lie)).violations
    assert {violation.kind for violation in found} == {"claimed_energy"}


@pytest.mark.parametrize("guard_s", [0, 60])
@pytest.mark.parametrize("seed", range(3))
def test_a_fleet_with_tapers(seed: int, guard_s: int) -> None:
    """A dozen cars, every other with a taper, on a fuse that binds: complete, and near its bound."""
    rng = np.random.default_rng(seed)
    site = yard(*(outlet(f"C{k:02}") for k in range(12)), limit_a=110.0, edge_guard_s=guard_s)
    cars = []
    for k in range(12):
        wish = float(rng.integers(5000, 11_000))
        half = TaperPoint(energy_wh=wish * 0.7, max_current_a=32)
        taper = (half, TaperPoint(energy_wh=wish * 1.2, max_current_a=4)) if k % 2 else ()
        cars.append(car(f"s{k:02}", f"C{k:02}", 0, float(rng.integers(5, 9)), wish, phases=1, taper=taper))
    prices = priced(*np.round(0.1 + 0.2 * rng.random(10), 4).tolist())
    plan = planned(scene(site, cars, prices, grid={"start": START, "step_s": 900, "slots": 40}))
    assert plan.report.missing == 0
    assert plan.cost_gap is not None
    assert plan.cost_gap < 0.05
    assert plan.bound is not None
    assert plan.bound <= plan.cost


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    wish=st.integers(0, 12_000),
    knee=st.integers(0, 9000),
    width=st.integers(1, 6000),
    low=st.integers(0, 16),
    limit=st.sampled_from([7.0, 16.0, 40.0]),
    prices=st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.3]), min_size=16, max_size=16),
)
def test_no_false_shortfall(wish: int, knee: int, width: int, low: int, limit: float, prices: list[float]) -> None:
    """A lone car gets all that its taper, its window and the limit allow, to the unit; the bound stands."""
    points = (TaperPoint(energy_wh=knee, max_current_a=32), TaperPoint(energy_wh=knee + width, max_current_a=low))
    scenario = scene(
        yard(outlet("A"), edge_guard_s=0, limit_a=limit),
        [car("a", "A", 0, 4, float(wish), phases=1, taper=points)],
        priced(*prices, step_s=900),
        grid=QUARTERS,
    )
    plan = planned(scenario)
    problem = compiled(scenario)
    top = min(int(limit * 10), 320) * 230
    most = sum(problem.tapers[0].series([(top, 900)] * 16))
    wanted = plan.report.wanted_units["a"]
    assert plan.report.missing_units["a"] == max(0, wanted - most)
    if limit == 40.0:
        assert plan.status == "complete"
    if plan.bound is not None:
        assert plan.bound <= plan.cost + 1e-9


TEXTS = [
    pytest.param(
        {"taper": [{"max_current_a": 5}]}, "taper[0] has neither of energy_wh and soc_percent; give one of them."
    ),
    pytest.param({"taper": [{"energy_wh": 1, "soc_percent": 1, "max_current_a": 5}]}, "has both of"),
    pytest.param(
        {"taper": [{"soc_percent": 50, "max_current_a": 5}]}, "needs battery_wh and soc_percent of the session"
    ),
    pytest.param(
        {"taper": [{"energy_wh": 5, "max_current_a": 5}, {"soc_percent": 60, "max_current_a": 4}]}, "taper mixes"
    ),
    pytest.param(
        {"taper": [{"energy_wh": 5, "max_current_a": 5}, {"energy_wh": 5, "max_current_a": 4}]},
        "taper[1].energy_wh=5 is not above 5 of the point before; list them in order.",
    ),
    pytest.param(
        {"taper": [{"energy_wh": 5, "max_current_a": 5}, {"energy_wh": 6, "max_current_a": 6}]},
        "taper[1].max_current_a=6 is above 5 of the point before; a taper only falls.",
    ),
]


@pytest.mark.parametrize(("fields", "text"), TEXTS)
def test_a_taper_must_make_sense(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="taper") as caught:
        car("a", "A", 0, 4, 9000, **fields)
    assert text in str(caught.value)


def test_a_site_that_would_be_a_flow_is_none_with_a_taper() -> None:
    site = yard(*(outlet(f"C{k}", min_current_a=0.0) for k in range(4)), limit_a=40.0, edge_guard_s=0)
    cars = [car(f"s{k}", f"C{k}", 0, 12, 15_000, phases=1, max_current_a=16) for k in range(4)]
    cars[0] = cars[0].model_copy(update={"taper": CURVE[:1]})
    grid = {"start": START, "step_s": 3600, "slots": 12}
    plan = planned(scene(site, cars, priced(*(0.1 + 0.05 * (t % 2) for t in range(12))), grid=grid))
    assert (plan.solution.method, plan.status) == ("linear", "complete")
