"""Windows, demands, what a session may end up with, notices, and the form of the arrays (conventions 2, 6, 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, scene, worked_sessions, worked_site, yard

from ocpp_schedule import Milestone, Scenario, Session, TimeGrid
from ocpp_schedule.testing.strategies import scenarios

SECOND = timedelta(seconds=1)
WH = 36_000  # 0.1 J
STEP_HOUR = 230 * 3600  # one step of 0.1 A at 230 V for an hour [0.1 J]
MOST = 160 * STEP_HOUR  # 16 A for an hour


def demands(session: Session, grid: TimeGrid | None = None, **connector: Any) -> Any:
    site = yard(outlet("A", **{"max_current_a": 16} | connector), edge_guard_s=0)
    return compiled(scene(site, [session], grid=grid or hours(4)))


def at(offset_s: float) -> Any:
    return START + offset_s * SECOND


def stay(arrival_s: float, departure_s: float, wh: float = 1000, *goals: tuple[float, float, bool]) -> Session:
    """Return a one-phase session with times in seconds from the grid's start; goals are (by, Wh, hard)."""
    return Session(
        id="a",
        connector="A",
        arrival=at(arrival_s),
        departure=at(departure_s),
        energy_wh=wh,
        phases=1,
        milestones=[Milestone(by=at(by), energy_wh=energy, hard=hard) for by, energy, hard in goals],
    )


@pytest.mark.parametrize(
    ("arrival_s", "departure_s", "window"),
    [
        pytest.param(0, 14_400, (0, 4), id="the whole grid"),
        pytest.param(3600, 7200, (1, 2), id="exactly one slot"),
        pytest.param(3599, 7201, (1, 2), id="a second more on both sides"),
        pytest.param(3601, 10_799, (0, 0), id="a second less on both sides leaves no slot of two"),
        pytest.param(3601, 14_399, (2, 3), id="a second less on both sides"),
        pytest.param(3600.5, 10_800.5, (2, 3), id="half a second late"),
        pytest.param(3599.5, 7200.5, (1, 2), id="half a second early and late"),
        pytest.param(3600, 7199.999_999, (0, 0), id="a microsecond short"),
        pytest.param(-7200, 3600, (0, 1), id="arrived before the grid"),
        pytest.param(10_000, 99_999, (3, 4), id="leaves after the grid"),
        pytest.param(-9999, 99_999, (0, 4), id="longer than the grid on both sides"),
        pytest.param(-7200, 0, (0, 0), id="left as the grid starts"),
        pytest.param(-7200, -3600, (0, 0), id="left before"),
        pytest.param(14_400, 20_000, (0, 0), id="comes as the grid ends"),
        pytest.param(20_000, 30_000, (0, 0), id="comes later"),
        pytest.param(-0.5, 3600, (0, 1), id="arrived half a second before"),
    ],
)
def test_window_holds_the_slots_wholly_inside(arrival_s: float, departure_s: float, window: tuple[int, int]) -> None:
    problem = demands(stay(arrival_s, departure_s))
    assert (problem.first_slot[0], problem.end_slot[0]) == window
    inside = [160 if window[0] <= slot < window[1] else 0 for slot in range(4)]
    assert problem.cap_steps.tolist() == [inside]


def test_window_on_uneven_slots() -> None:
    problem = demands(stay(600, 3000), TimeGrid(start=START, edges_s=(0, 600, 1500, 3000, 3600)))
    assert (problem.first_slot[0], problem.end_slot[0]) == (1, 3)
    assert problem.seconds.tolist() == [600, 900, 1500, 600]


@pytest.mark.parametrize(
    ("session", "wish", "reachable"),
    [
        pytest.param(stay(0, 14_400, 1000), 1000 * WH, 44 * STEP_HOUR, id="43.5 steps and hours"),
        pytest.param(stay(0, 14_400, 23), 23 * WH, STEP_HOUR, id="exactly one step and hour"),
        pytest.param(stay(0, 14_400, 0), 0, 0, id="nothing"),
        pytest.param(stay(0, 14_400, 1000.000_01), 36_000_001, 44 * STEP_HOUR, id="needs round up"),
        pytest.param(stay(0, 14_400, 99_999), 99_999 * WH, 4348 * STEP_HOUR, id="more than the window can take stays"),
        pytest.param(stay(0, 21_600, 10_000), 10_000 * WH - 2 * MOST, 115 * STEP_HOUR, id="two more hours afterwards"),
        pytest.param(
            stay(0, 14_460, 10_000), 10_000 * WH - MOST // 60, 433 * STEP_HOUR, id="one more minute afterwards"
        ),
        pytest.param(
            stay(0, 14_400.9, 10_000),
            10_000 * WH - MOST // 4000,
            435 * STEP_HOUR,
            id="nine tenths of a second afterwards",
        ),
        pytest.param(stay(0, 21_600, 1000), 0, 0, id="can all wait until after the grid"),
        pytest.param(stay(-7200, 0, 1000), 0, 0, id="before the grid"),
        pytest.param(stay(14_400, 18_000, 1000), 0, 0, id="after the grid"),
        pytest.param(stay(900, 1800, 1000), 1000 * WH, 1000 * WH, id="no whole slot: a shortfall"),
    ],
)
def test_wanted_energy(session: Session, wish: int, reachable: int) -> None:
    problem = demands(session)
    assert problem.demand_wish_units.tolist() == [wish]
    assert problem.demand_units.tolist() == [reachable]
    assert problem.demand_session.tolist() == [0]
    assert problem.demand_end.tolist() == problem.end_slot.tolist()
    assert problem.demand_hard.tolist() == [False]


@pytest.mark.parametrize(
    ("goal", "end", "wish", "reachable"),
    [
        pytest.param((7200, 1000, True), 2, 1000 * WH, 44 * STEP_HOUR, id="at an edge"),
        pytest.param((5400, 1000, True), 1, 1000 * WH, 44 * STEP_HOUR, id="within a slot: what ended before"),
        pytest.param((7199.5, 1000, True), 1, 1000 * WH, 44 * STEP_HOUR, id="half a second before an edge"),
        pytest.param((900, 1000, False), 0, 1000 * WH, 44 * STEP_HOUR, id="before the first slot ends"),
        pytest.param((14_400, 1000, True), 4, 1000 * WH, 44 * STEP_HOUR, id="at the end of the grid"),
        pytest.param((18_000, 9000, True), 4, 9000 * WH - MOST, 232 * STEP_HOUR, id="an hour after the grid"),
        pytest.param((21_600, 1000, True), None, 0, 0, id="can wait until after the grid"),
        pytest.param((7200, 0, True), None, 0, 0, id="of nothing"),
    ],
)
def test_milestone(goal: tuple[float, float, bool], end: int | None, wish: int, reachable: int) -> None:
    problem = demands(stay(0, 21_600, 9000, goal))
    if end is None:
        assert problem.demand_session.size == 1
        return
    assert problem.demand_end[0] == end
    assert problem.demand_wish_units[0] == wish
    assert problem.demand_units[0] == reachable
    assert problem.demand_hard.tolist() == [goal[2], False]


@pytest.mark.parametrize(
    ("session", "ends"),
    [
        pytest.param(stay(-7200, 14_400, 9000, (-3600, 1000, True)), [4], id="milestone before the grid"),
        pytest.param(stay(-7200, -1800, 9000, (-3600, 1000, True)), [0], id="session before the grid: no milestone"),
        pytest.param(stay(0, 9000, 9000, (9000, 1000, True)), [2, 2], id="milestone in the slot of the departure"),
    ],
)
def test_milestone_and_window(session: Session, ends: list[int]) -> None:
    assert demands(session).demand_end.tolist() == ends


def test_demands_are_sorted_by_session_the_wish_last() -> None:
    goals = (Milestone(by=START + HOUR, energy_wh=500), Milestone(by=START + 2 * HOUR, energy_wh=800, hard=False))
    sessions = [car("b", "B", 0, 4, 1000, phases=1, milestones=goals), car("a", "A", 0, 4, 2000, phases=1)]
    problem = compiled(scene(yard(outlet("A"), outlet("B")), sessions))
    assert problem.session_ids == ("a", "b")
    assert problem.session_connector.tolist() == [0, 1]
    assert problem.demand_session.tolist() == [0, 1, 1, 1]
    assert problem.demand_wish_units.tolist() == [2000 * WH, 500 * WH, 800 * WH, 1000 * WH]
    assert problem.demand_hard.tolist() == [False, True, False, False]


UNEVEN = TimeGrid(start=START, edges_s=(0, 900, 2700, 3600))


@pytest.mark.parametrize(
    ("session", "units", "longest_s"),
    [
        pytest.param(stay(0, 3600), 174 * 230 * 900, 1800, id="900, 1800, 900: steps of 900 s"),
        pytest.param(stay(900, 2700), 87 * 230 * 1800, 1800, id="1800 alone: steps of 1800 s"),
        pytest.param(stay(2700, 3600), 174 * 230 * 900, 900, id="900 alone"),
    ],
)
def test_rounding_to_reachable_sums_with_uneven_slots(session: Session, units: int, longest_s: int) -> None:
    problem = demands(session, UNEVEN)
    assert problem.demand_units.tolist() == [units]
    assert problem.energy_most_units.tolist() == [1000 * WH + 60 * 230 * longest_s - 1]


@pytest.mark.parametrize(
    ("session", "connector", "energy", "most"),
    [
        pytest.param(stay(0, 14_400), {}, 1000 * WH, 1000 * WH + 60 * STEP_HOUR - 1, id="minimum 6 A"),
        pytest.param(stay(0, 14_400), {"min_current_a": 0}, 1000 * WH, 1000 * WH + STEP_HOUR - 1, id="one step"),
        pytest.param(
            stay(0, 21_600),
            {},
            1000 * WH,
            1000 * WH + 60 * STEP_HOUR - 1,
            id="all of it may come early",
        ),
        pytest.param(stay(-7200, 0), {}, 0, 0, id="outside the grid"),
        pytest.param(stay(900, 1800), {}, 1000 * WH, 0, id="no whole slot: nothing can be given"),
    ],
)
def test_what_a_session_may_end_up_with(session: Session, connector: dict[str, Any], energy: int, most: int) -> None:
    problem = demands(session, **connector)
    assert problem.energy_units.tolist() == [energy]
    if problem.end_slot[0]:
        assert problem.energy_most_units.tolist() == [most]
    else:
        assert not problem.cap_steps.any()


@pytest.mark.parametrize(
    ("session", "notice"),
    [
        pytest.param(
            stay(-7200, 0),
            "session a (2026-01-14T22:00Z to 2026-01-15T00:00Z) is outside the grid and ignored",
            id="before",
        ),
        pytest.param(
            stay(14_400, 18_030),
            "session a (2026-01-15T04:00Z to 2026-01-15T05:00:30Z) is outside the grid and ignored",
            id="after",
        ),
        pytest.param(
            stay(900, 1800),
            "session a (2026-01-15T00:15Z to 2026-01-15T00:30Z) contains no whole slot; it gets nothing",
            id="no whole slot",
        ),
        pytest.param(stay(0, 3600), None, id="one slot: nothing to say"),
    ],
)
def test_notices(session: Session, notice: str | None) -> None:
    assert demands(session).notices == (() if notice is None else (notice,))


def test_a_session_without_a_whole_slot_is_a_shortfall_and_one_outside_is_not() -> None:
    site = yard(outlet("A"))
    inside, outside = (planned(scene(site, [stay(*times)])) for times in ((900, 1800), (-7200, 0)))
    assert (inside.status, outside.status) == ("partial", "complete")


def test_a_connector_of_0_a_leaves_no_room() -> None:
    problem = demands(stay(0, 14_400), max_current_a=0)
    assert (problem.min_steps[0], problem.max_steps[0]) == (0, 0)
    assert not problem.cap_steps.any()
    assert problem.demand_wish_units.tolist() == [1000 * WH]


def test_empty_scenario() -> None:
    problem = compiled(scene(yard(), []))
    assert (problem.sessions, problem.slots) == (0, 4)
    assert problem.session_ids == problem.connector_ids == ()
    assert problem.cap_steps.shape == (0, 4)
    assert problem.load_units.shape == (0, 3)
    assert problem.connector_nodes.shape == (1, 0)
    assert not problem.alarm.any()


def arrays(problem: Any) -> dict[str, Any]:
    found = {name: getattr(problem, name) for name in type(problem).__slots__}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios())
def test_arrays_are_read_only_integers_of_the_stated_shape(scenario: Scenario) -> None:
    problem = compiled(scenario)
    s, t, c, n, d = (
        problem.sessions,
        problem.slots,
        len(problem.connector_ids),
        len(problem.node_names),
        problem.demand_session.size,
    )
    shapes = {
        "seconds": (t,),
        "price_seconds": (t,),
        "slot_owner": (c, t),
        "cap_steps": (s, t),
        "load_units": (s, problem.channels),
        "idle_floor_steps": (c,),
        "end_floor_steps": (c,),
        "floor_units": (c, problem.channels),
        "connector_nodes": (n, c),
        "headroom_units": (n, problem.channels, t),
        "alarm": (n, problem.channels, t),
    }
    booleans = {"demand_hard", "demand_counted", "connector_nodes", "alarm"}
    for name, array in arrays(problem).items():
        expected = shapes.get(name, (d,) if name.startswith("demand_") else (s,))
        assert array.shape == expected, name
        assert array.dtype == (np.bool_ if name in booleans else np.int64), name
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios())
def test_order_of_the_input_does_not_matter(scenario: Scenario) -> None:
    site = scenario.site
    turned = scenario.model_copy(
        update={
            "sessions": scenario.sessions[::-1],
            "site": site.model_copy(
                update={"connectors": site.connectors[::-1], "stations": site.stations, "loads": site.loads[::-1]}
            ),
        }
    )
    one, other = compiled(scenario), compiled(turned)
    for name, array in arrays(one).items():
        assert (array == getattr(other, name)).all(), name
    assert (one.session_ids, one.connector_ids, one.node_names) == (
        other.session_ids,
        other.connector_ids,
        other.node_names,
    )


def test_worked_example_as_arrays() -> None:
    problem = compiled(scene(worked_site(), worked_sessions()))
    assert problem.session_ids == ("a", "b")
    assert problem.connector_ids == ("A", "B")
    assert problem.first_slot.tolist() == [0, 1]
    assert problem.end_slot.tolist() == [4, 3]
    assert problem.power_dw.tolist() == [230, 230]
    assert problem.load_units.tolist() == [[100_000, 0, 0], [100_000, 0, 0]]
    assert problem.demand_units.tolist() == [240 * STEP_HOUR, 160 * STEP_HOUR]
    assert problem.headroom_units[0, 0].tolist() == [25_000_000] * 4
    assert problem.row_name(0, 0) == "circuit main L1"
    assert problem.edge_guard_s == 60
