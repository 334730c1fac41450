"""A deadline: whenever it strikes there is a verified plan, no worse than the packing; without one nothing changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenes import START, car, hours, outlet, priced, yard

from ocpp_schedule import Forecast, Generator, InputError, Objective, Plan, Scenario, Storage, schedule
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

STRIKES = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""Looks at the clock before it strikes: the first ones are those of the linear programs."""


class Clock:
    """Stands still for so many looks after the first, then jumps beyond every deadline."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.seen = 0

    def __call__(self) -> float:
        self.seen += 1
        return 0.0 if self.seen <= self.looks + 1 else 1e9


def tiny() -> dict[str, Any]:
    cars = [car("a", "A", 0, 4, 7_360, phases=1), car("b", "B", 1, 3, 3_680, phases=1)]
    site = yard(outlet("A", max_current_a=16.0), outlet("B", max_current_a=16.0), limit_a=20.0)
    return {"site": site, "sessions": cars, "tariff": priced(0.4, 0.1, 0.2, 0.3), "grid": hours(4)}


def tiny_of(objective: Objective) -> dict[str, Any]:
    return tiny() | {"objective": objective}


def metered() -> dict[str, Any]:
    given = tiny()
    roof = Generator(id="roof", circuit="main")
    store = Storage(
        id="store", circuit="main", capacity_wh=5_000, max_charge_w=2_000, max_discharge_w=2_000, soc_percent=50
    )
    sun = Forecast(id="roof", start=START, step_s=3600, expected_w=(0, 3_000, 5_000, 1_000))
    site = given["site"].model_copy(update={"generators": (roof,), "storages": (store,)})
    return given | {"site": site, "forecasts": (sun,)}


def larger(guard_s: int, **more: Any) -> dict[str, Any]:
    day: Scenario = mixed_scenario(12, 24, 3, edge_guard_s=guard_s, **more)
    return {"site": day.site, "sessions": day.sessions, "tariff": day.tariff, "grid": day.grid}


SCENES = [
    pytest.param(tiny, id="whole steps outright"),
    pytest.param(lambda: tiny_of(Objective.flattest()), id="flattest"),
    pytest.param(metered, id="roof and battery"),
    pytest.param(lambda: larger(0), id="linear"),
    pytest.param(lambda: larger(60) | {"objective": Objective.fairest()}, id="guarded edges, fairest"),
]


def ranks(plan: Plan) -> tuple[int, ...]:
    return tuple(stage.value for stage in plan.solution.stages)


@pytest.mark.parametrize("scene", SCENES)
def test_whenever_it_strikes_there_is_a_plan_no_worse_than_the_packing(scene: Callable[[], dict[str, Any]]) -> None:
    given = scene()
    free = schedule(**given)
    packed = tuple(stage.value for stage in solve(free.problem, methods=()).stages)
    methods = set()
    for looks in STRIKES:
        clock = Clock(looks)
        plan = schedule(**given, deadline_s=1, clock=clock)
        assert plan.verify().ok
        assert ranks(plan) <= packed
        methods.add(plan.solution.method)
        if clock.seen <= looks + 1:  # it never struck
            assert plan.to_json() == free.to_json()
            break
        assert plan.solution.termination.startswith("the deadline, in program ")
        assert plan.mark in {"heuristic", "fallback"}
        assert Plan.from_json(plan.to_json()).mark == plan.mark
    assert "fallback" in methods
    assert methods - {"fallback"}


def test_far_away_it_changes_nothing() -> None:
    given = larger(60)
    assert schedule(**given, deadline_s=1e6, clock=time.monotonic).to_json() == schedule(**given).to_json()


def test_it_holds_by_a_clock_that_goes_on() -> None:
    given = larger(60, min_current_a=6.0)
    began = time.monotonic()
    plan = schedule(**given, deadline_s=1e-6, clock=time.monotonic)
    assert time.monotonic() - began < 5.0
    assert plan.solution.method == "fallback"
    assert plan.report.ok


def test_a_plan_that_is_followed_is_in_hand_from_the_beginning() -> None:
    given = larger(0)
    first = schedule(**given)
    again = schedule(**given, previous=first, deadline_s=1, clock=Clock(1))
    assert again.solution.method == "continued"
    assert (again.setpoints == first.setpoints).mean() > 0.95


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param({"deadline_s": 1}, "clock: is missing", id="no clock"),
        pytest.param({"deadline_s": 0, "clock": time.monotonic}, "deadline_s: 0 is no positive number", id="none left"),
        pytest.param({"deadline_s": "2", "clock": time.monotonic}, "'2' is no positive number", id="text"),
        pytest.param({"deadline_s": float("nan"), "clock": time.monotonic}, "nan is no positive number", id="nan"),
        pytest.param({"deadline_s": -1}, "clock: is missing", id="both"),
    ],
)
def test_what_is_no_deadline_is_an_input_error(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        schedule(**tiny(), **given)


def test_a_clock_alone_is_no_deadline() -> None:
    clock = Clock(0)
    assert schedule(**tiny(), clock=clock).mark == "certified"
    assert clock.seen == 0
