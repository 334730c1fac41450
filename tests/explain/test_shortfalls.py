"""Who is short, by how much, and which limit proves it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.scenes import HOUR, START, car, compiled, outlet, planned, priced, scene, yard

from ocpp_schedule import Circuit, Forecast, Load, Scenario, Station
from ocpp_schedule.explain.shortfalls import find_shortfalls, missing_energy
from ocpp_schedule.testing.strategies import scenarios

HALF, ONE, TWO = START + HOUR / 2, START + HOUR, START + 2 * HOUR


def goal(hours: float, wh: float, **more: Any) -> dict[str, Any]:
    return {"by": START + hours * HOUR, "energy_wh": wh, **more}


def lines(scenario: Scenario) -> list[str]:
    return [str(shortfall) for shortfall in planned(scenario).shortfalls]


def one(wh: float, **more: Any) -> Scenario:
    """Return one car alone: 16 A on one line for the first hour give 3,680 Wh."""
    session = car("a", "A", 0, more.pop("until", 1), wh, phases=1, **more)
    return scene(yard(outlet("A", max_current_a=16)), [session])


CAN_TAKE = "the car and its connector can take at most"


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        pytest.param(one(3680), [], id="just enough"),
        pytest.param(
            one(5000),
            [f"a: 1,320 Wh short (a has 00:00-01:00; 5,000 Wh wanted, {CAN_TAKE} 3,680)"],
            id="own window too small",
        ),
        pytest.param(
            scene(yard(outlet("A", max_current_a=0)), [car("a", "A", 0, 4, 1000)]),
            [f"a: 1,000 Wh short (a has 00:00-04:00; 1,000 Wh wanted, {CAN_TAKE} 0)"],
            id="0 A connector",
        ),
        pytest.param(
            one(1000, arrival=START + HOUR / 4, departure=HALF),
            [f"a: 1,000 Wh short (a has 00:00-00:00; 1,000 Wh wanted, {CAN_TAKE} 0)"],
            id="no whole slot",
        ),
        pytest.param(
            one(5000, until=4, milestones=[goal(1, 5000)]),
            [f"a: 1,320 Wh short (a has 00:00-01:00; 5,000 Wh wanted, {CAN_TAKE} 3,680)"],
            id="a milestone: its own time and energy",
        ),
        pytest.param(
            one(9000, until=2, milestones=[goal(1, 4000)]),
            [f"a: 1,640 Wh short (a has 00:00-02:00; 9,000 Wh wanted, {CAN_TAKE} 7,360)"],
            id="milestone and wish: the one that misses more",
        ),
        pytest.param(
            one(9000, until=2, milestones=[goal(1, 5500, hard=False)]),
            [f"a: 1,820 Wh short (a has 00:00-01:00; 5,500 Wh wanted, {CAN_TAKE} 3,680)"],
            id="a soft milestone that misses more",
        ),
        pytest.param(
            one(10_000, until=6),
            [],
            id="the rest comes after the grid",
        ),
    ],
)
def test_a_car_alone(scenario: Scenario, expected: list[str]) -> None:
    assert lines(scenario) == expected


SHARED = [car("a", "A", 0, 1, 5000, phases=1), car("b", "B", 0, 1, 5000, phases=1)]


SHUT = (
    "a: 1,000 Wh short (a has 00:00-01:00; 1,000 Wh wanted, "
    "circuit main L1 leaves less than the minimum current; the rest of the time gives at most 0)"
)


@pytest.mark.parametrize(
    ("site", "sessions", "expected"),
    [
        pytest.param(
            yard(outlet("A"), outlet("B")),
            SHARED,
            ["a, b: 4,250 Wh short (a, b share 00:00-01:00; 10,000 Wh wanted, circuit main L1 gives at most 5,750)"],
            id="a shared row, proven",
        ),
        pytest.param(
            yard(outlet("A"), outlet("B", lines=("L2",)), limit_a=20.0),
            SHARED,
            [
                "a: 400 Wh short (a has 00:00-01:00; 5,000 Wh wanted, circuit main L1 gives at most 4,600)",
                "b: 400 Wh short (b has 00:00-01:00; 5,000 Wh wanted, circuit main L2 gives at most 4,600)",
            ],
            id="one row each",
        ),
        pytest.param(
            yard(outlet("A"), outlet("B"), edge_guard_s=0),
            [car("a", "A", 0, 1, 6000, phases=1), car("b", "B", 1, 2, 6000, phases=1)],
            [
                "a: 250 Wh short (a has 00:00-01:00; 6,000 Wh wanted, circuit main L1 gives at most 5,750)",
                "b: 250 Wh short (b has 01:00-02:00; 6,000 Wh wanted, circuit main L1 gives at most 5,750)",
            ],
            id="one row, one after the other",
        ),
        pytest.param(
            yard(
                outlet("A"),
                outlet("B"),
                circuits=[Circuit(id="main", limit_a=63), Circuit(id="p", parent="main", limit_a=25)],
                stations=[Station(id=f"CP-{k}", circuit="p", ocpp_version="1.6") for k in "AB"],
            ),
            SHARED,
            ["a, b: 4,250 Wh short (a, b share 00:00-01:00; 10,000 Wh wanted, circuit p L1 gives at most 5,750)"],
            id="the panel, not the main fuse",
        ),
        pytest.param(
            yard(
                outlet("A", station="CP"),
                outlet("B", station="CP", evse_id=2),
                stations=[Station(id="CP", circuit="main", ocpp_version="2.1", max_current_a=20)],
            ),
            SHARED,
            ["a, b: 5,400 Wh short (a, b share 00:00-01:00; 10,000 Wh wanted, station CP L1 gives at most 4,600)"],
            id="the station",
        ),
        pytest.param(
            yard(outlet("A", lines=("L1", "L2", "L3")), outlet("B"), limit_a=16.0),
            [car("a", "A", 0, 1, 6900, phases=3), car("b", "B", 0, 1, 2300, phases=1)],
            ["a, b: 920 Wh short (a, b share 00:00-01:00; 9,200 Wh wanted, circuit main L1 gives at most 8,280)"],
            id="three phases and one: an ampere is worth 690 W to a until it has its 10 A, then 230 W to b",
        ),
        pytest.param(
            yard(outlet("A"), limit_a=5.0),
            [car("a", "A", 0, 1, 1000, phases=1)],
            [
                SHUT,
            ],
            id="less room than the minimum current",
        ),
        pytest.param(
            yard(outlet("A"), outlet("B"), limit_a=16.0, idle_floor_a=6),
            [car("a", "A", 0, 1, 3000, phases=1)],
            ["a: 700 Wh short (a has 00:00-01:00; 3,000 Wh wanted, circuit main L1 gives at most 2,300)"],
            id="the idle floor of another",
        ),
    ],
)
def test_rows(site: Any, sessions: Any, expected: list[str]) -> None:
    assert lines(scene(site, sessions)) == expected


def test_an_alarm_is_named_and_its_remedy_is_a_higher_limit() -> None:
    """25 A of base load on a fuse of 20 A shut hour 0; 5 A more would end the alarm, 11 A more let the car in."""
    site = yard(outlet("A"), limit_a=20.0, loads=[Load(id="hall", circuit="main", lines=("L1",))])
    forecast = Forecast(id="hall", start=START, step_s=3600, expected_a=(25.0, 0.0, 0.0, 0.0))
    plan = planned(scene(site, [car("a", "A", 0, 1, 1380, phases=1)], forecasts=(forecast,)))
    (shortfall,) = plan.shortfalls
    assert (shortfall.cause, shortfall.limit, plan.status) == ("alarm", "circuit main L1", "alarm")
    assert "circuit main L1 is in alarm; the rest of the time gives at most 0" in str(shortfall)
    higher, later, _ = plan.remedies(shortfall)
    assert (str(higher), str(later)) == ("main 31 A (11 A more)", "a stays until 02:00")


def test_guard_losses_are_missing_too() -> None:
    """25 A pass from ``a`` to ``b``: ``b`` waits a minute, which takes 25 A x 230 V x 60 s."""
    cars = [car("a", "A", 0, 1, 6000, phases=1), car("b", "B", 1, 2, 6000, phases=1)]
    shortfalls = planned(scene(yard(outlet("A"), outlet("B")), cars)).shortfalls
    assert [s.missing_wh for s in shortfalls] == [250.0, pytest.approx(250 + 25 * 230 / 60)]


def test_a_shared_milestone_counts_only_the_slots_before_it() -> None:
    cars = [car(name, name.upper(), 0, 4, 4000, phases=1, milestones=[goal(1, 4000)]) for name in "ab"]
    assert lines(scene(yard(outlet("A"), outlet("B")), cars)) == [
        "a, b: 2,250 Wh short (a, b share 00:00-01:00; 8,000 Wh wanted, circuit main L1 gives at most 5,750)"
    ]


def test_what_members_can_take_elsewhere_counts_as_possible() -> None:
    """``a`` may also charge in hour 1, where nothing is full: 32 A x 1 h on top of the 25 A of hour 0."""
    forecast = Forecast(id="hall", start=START, step_s=3600, expected_a=(38.0, 0.0, 0.0, 0.0))
    hall = Load(id="hall", circuit="main", lines=("L1",))
    site = yard(outlet("A"), outlet("B"), limit_a=63.0, loads=[hall], edge_guard_s=0)
    cars = [car("a", "A", 0, 2, 12_000, phases=1), car("b", "B", 0, 1, 5000, phases=1)]
    (shortfall,) = planned(scene(site, cars, forecasts=(forecast,))).shortfalls
    assert shortfall.possible_wh == (25 + 32) * 230
    assert shortfall.missing_wh == 17_000 - 57 * 230
    assert (shortfall.start, shortfall.end) == (START, ONE)


def test_times_are_local_and_names_are_cut() -> None:
    connectors = [outlet(f"C{k}") for k in range(8)]
    cars = [car(f"car{k}", f"C{k}", 0, 1, 5000, phases=1) for k in range(8)]
    (text,) = lines(scene(yard(*connectors, time_zone="Europe/Amsterdam"), cars))
    names = "car0, car1, car2, car3, car4, car5 and 2 more"
    assert text.startswith(f"{names}: 34,250 Wh short ({names} share 01:00-02:00; 40,000 Wh wanted")


def test_a_complete_plan_has_none() -> None:
    assert lines(scene(yard(outlet("A")), [car("a", "A", 0, 4, 1000, phases=1)], priced(0.1, 0.2, 0.3, 0.4))) == []


def test_missing_energy_is_counted_up_to_each_demand() -> None:
    session = car("a", "A", 0, 4, 4000, phases=1, milestones=[goal(1, 1000), goal(2, 3000)])
    problem = compiled(scene(yard(outlet("A")), [session]))
    given_units = np.array([[500, 1000, 2000, 0]]) * 36_000
    assert missing_energy(problem, given_units).tolist() == [500 * 36_000, 1500 * 36_000, 500 * 36_000]


@settings(max_examples=60)
@given(scenario=scenarios())
def test_a_shortfall_for_everybody_who_is_short_and_for_nobody_else(scenario: Scenario) -> None:
    plan = planned(scenario)
    short = {
        name
        for name in plan.session_ids
        if plan.report.missing_units[name] or any(m.missing_units for m in plan.report.milestones if m.session == name)
    }
    named = {name for shortfall in plan.shortfalls for name in shortfall.sessions}
    assert short <= named
    assert bool(plan.shortfalls) == bool(short)
    total = sum(
        max((m.missing_units for m in plan.report.milestones if m.session == name), default=0) for name in short
    )
    total_wish = sum(plan.report.missing_units.values())
    listed = sum(shortfall.missing_wh for shortfall in plan.shortfalls) * 36_000
    assert max(total, total_wish) <= listed + 1
    assert listed <= total + total_wish + 1
    for shortfall in plan.shortfalls:
        assert shortfall.start <= shortfall.end
        assert shortfall.missing_wh > 0


@settings(max_examples=60)
@given(scenario=scenarios(max_sessions=4))
def test_a_proof_is_never_beaten(scenario: Scenario) -> None:
    """Whatever plan: with every slot given to the named sessions alone, they get no more than is called possible."""
    plan = planned(scenario)
    for shortfall in plan.shortfalls:
        if not shortfall.proven:
            continue
        assert shortfall.possible_wh is not None
        assert shortfall.possible_wh < shortfall.wanted_wh
        got = 0.0
        for name in shortfall.sessions:
            row = plan.session_ids.index(name)
            demands = np.flatnonzero(plan.problem.demand_session == row)
            worst = max(demands.tolist(), key=lambda d: plan.problem.demand_wish_units[d])
            got += min(plan.energy_wh[name], plan.problem.demand_wish_units[worst] / 36_000)
        if not any(s.milestones for s in scenario.sessions):
            assert got <= shortfall.possible_wh + 1e-6
            assert shortfall.missing_wh >= shortfall.wanted_wh - shortfall.possible_wh - 1e-6


def test_find_shortfalls_counts_nobody_twice() -> None:
    """``b`` shares one full line with ``a`` and another, later, with ``c``: its energy is missing once."""
    cars = [
        car("a", "A", 0, 1, 5000, phases=1),
        car("b", "B", 0, 2, 9000, phases=1),
        car("c", "C", 1, 2, 5000, phases=1),
    ]
    problem = compiled(scene(yard(outlet("A"), outlet("B"), outlet("C")), cars))
    setpoints = np.array([[125, 0, 0, 0], [125, 125, 0, 0], [0, 125, 0, 0]])
    energy = setpoints * problem.power_dw[:, None] * problem.seconds
    missing = missing_energy(problem, energy)
    found = find_shortfalls(problem, setpoints, energy, "UTC")
    assert sum(shortfall.missing_wh for shortfall in found) == sum(missing.tolist()) / 36_000
