"""Outlets of which one gives anything at a time: in the plan, at the edges, for the referee (convention 14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.scenes import car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Circuit, Station
from ocpp_schedule.problem.pools import WHOLE
from ocpp_schedule.solve.commodity import recognise
from ocpp_schedule.solve.edges import guard_edges
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.pools import shrunk
from ocpp_schedule.solve.working import WorkingPlan


def site(**more: Any) -> Any:
    """Return a station with outlets A, B and C, of which A and B exclude each other."""
    station = Station(id="CP", circuit="main", ocpp_version="2.0.1", exclusive_groups=[("A", "B")])
    outlets = [outlet(name, station="CP", evse_id=k, min_current_a=6.0) for k, name in enumerate("ABC", start=1)]
    return yard(*outlets, **{"circuits": [Circuit(id="main", limit_a=100)], "stations": [station]} | more)


def cars(hours_each: int = 4, wh: float = 7360.0) -> list[Any]:
    return [car(name.lower(), name, 0, hours_each, wh, phases=1) for name in "ABC"]


def test_compiled_as_a_pool_of_one_piece() -> None:
    pools = compiled(scene(site(), cars())).pools
    assert pools is not None
    assert (pools.nouns, pools.names) == (("exclusive",), ("CP 0",))
    assert pools.take.tolist() == [[1, 1, 0]]
    assert (pools.size.tolist(), pools.count.tolist()) == ([WHOLE], [1])


@pytest.mark.parametrize("slots", [2, 96])
def test_a_plan_takes_turns_and_serves_both(slots: int) -> None:
    """7,360 Wh are one hour at 32 A: in two hours A and B need one each; C may have any. Exact, and by rounding."""
    grid = hours(2) if slots == 2 else type(hours(1)).regular(hours(1).start, hours(1).end - hours(1).start, 96)
    plan = planned(scene(site(edge_guard_s=0), cars(slots), priced(*([0.1, 0.3] * (slots // 2))), grid=grid))
    on = plan.setpoints > 0
    assert not (on[0] & on[1]).any()
    assert plan.status == "complete"
    assert plan.mark == "certified"


def test_the_certificate_prices_the_turn() -> None:
    """The second car must take the dear hour: the turn in the cheap one is worth the difference."""
    plan = planned(scene(site(edge_guard_s=0), cars(2), priced(0.1, 0.3), grid=hours(2)))
    assert plan.cost == pytest.approx(7.36 * (0.1 + 0.3 + 0.1))
    certificate = plan.solution.certificates["cost"]
    assert certificate is not None
    assert ("exclusive", "CP 0", 0) in certificate.row_prices
    assert plan.bound == pytest.approx(plan.cost, rel=1e-3)


def test_turns_are_no_flow() -> None:
    """One commodity on a tree but for the outlets that take turns."""
    outlets = [outlet(name, station="CP", evse_id=k, min_current_a=0.0) for k, name in enumerate("ABC", start=1)]
    one_of_two = site(connectors=outlets, edge_guard_s=0)
    alone = one_of_two.stations[0].model_copy(update={"exclusive_groups": ()})
    for station, expected in ((one_of_two.stations[0], False), (alone, True)):
        there = site(connectors=outlets, edge_guard_s=0, stations=[station])
        assert (recognise(compiled(scene(there, cars(4)))) is not None) == expected


def test_a_hand_over_is_late() -> None:
    problem = compiled(scene(site(), cars(2), grid=hours(2)))
    late, early = guard_edges(problem, np.array([[320, 0], [0, 320], [160, 160]]))
    assert np.argwhere(late).tolist() == [[1, 1]]
    assert not early.any()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([[320, 0], [0, 60], [60, 0]], [[320, 0], [0, 60], [60, 0]], id="in turns"),
        pytest.param([[320, 60], [60, 60], [60, 60]], [[320, 0], [0, 60], [60, 60]], id="the smaller gives way"),
    ],
)
def test_shrunk(steps: list[list[int]], expected: list[list[int]]) -> None:
    problem = compiled(scene(site(), cars(2), grid=hours(2)))
    assert shrunk(problem, np.array(steps)).tolist() == expected
    plan = WorkingPlan(problem, np.array(steps))
    assert plan.setpoints.tolist() == expected
    assert plan.fits()


def test_room_and_change_follow_the_others() -> None:
    plan = WorkingPlan(compiled(scene(site(), cars(2), grid=hours(2))), np.zeros((3, 2), dtype=np.int64))
    plan.assign(0, np.array([60, 0]))
    assert plan.room(0).tolist() == [320, 320]
    assert plan.room(1).tolist() == [0, 320]
    assert plan.room(2).tolist() == [320, 320]
    plan.assign(0, np.array([0, 0]))
    assert plan.room(1).tolist() == [320, 320]


def test_the_fallback_takes_turns() -> None:
    plan = least_laxity(compiled(scene(site(), cars(3), grid=hours(3))))
    assert not ((plan.setpoints[0] > 0) & (plan.setpoints[1] > 0)).any()
    assert not sum(plan.served)


def test_the_referee_sees_two_at_once_and_a_missing_guard() -> None:
    scenario = scene(site(), cars(2), grid=hours(2))
    solution = planned(scenario).solution
    both = replace(solution, setpoints=np.array([[320, 0], [60, 320], [0, 0]]))
    faults = [str(v) for v in refereed(scenario, both).violations if v.kind == "exclusive"]
    assert len(faults) == 1
    assert faults[0].startswith(
        "exclusive: station 'CP', slot 0 (2026-01-15T00:00Z): 2 (outlets that are on, of 'A', 'B')"
    )
    at_once = replace(
        solution, setpoints=np.array([[320, 0], [0, 320], [0, 0]]), late_raise=np.zeros((3, 2), dtype=np.bool_)
    )
    edges = [v for v in refereed(scenario, at_once).violations if v.kind == "edge"]
    assert [(v.noun, v.subject, v.slot, v.seen, v.allowed) for v in edges] == [("station", "CP", 1, 2, 1)]


def test_end_floors_are_zero_for_both() -> None:
    plan = planned(scene(site(), cars()))
    assert plan.solution.end_floor_steps.tolist() == [0, 0, 60]
