"""Stacks from solutions written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ocpp_schedule.errors import InputError, InternalError
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand
from ocpp_schedule.timegrid import EARLIEST, TimeGrid

if TYPE_CHECKING:
    from ocpp_schedule.profiles.model import Layer, ProfileStack
    from ocpp_schedule.solution import Solution

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR_S = 3600
GRID = TimeGrid.regular(START, timedelta(hours=1), 4)
FLOORS = {"A": (60, 70)}


def site(
    *, connector: dict[str, Any] | None = None, station: dict[str, Any] | None = None, edge_guard_s: int = 60
) -> Site:
    outlet = {"id": "A", "station": "CP1", "max_current_a": 32.0} | (connector or {})
    box = {"id": "CP1", "circuit": "main", "ocpp_version": "1.6"} | (station or {})
    return Site(
        id="s",
        circuits=(Circuit(id="main", limit_a=100.0),),
        stations=(Station(**box),),
        connectors=(Connector(**outlet),),
        edge_guard_s=edge_guard_s,
    )


def session(name: str, first_s: float, last_s: float, **fields: object) -> Session:
    arrival, departure = START + timedelta(seconds=first_s), START + timedelta(seconds=last_s)
    given = {"id": name, "connector": "A", "arrival": arrival, "departure": departure, "energy_wh": 1.0}
    return Session.model_validate(given | fields)


def solve(
    setpoints: dict[str, list[int]],
    *,
    floors: dict[str, tuple[int, int]] = FLOORS,
    late_raise: tuple[tuple[str, int], ...] = (),
    early_lowering: tuple[tuple[str, int], ...] = (),
) -> Solution:
    return solution_by_hand(setpoints, floors, slots=4, late_raise=late_raise, early_lowering=early_lowering)


def layer(stack: ProfileStack, name: str) -> Layer:
    return next(one for one in stack.layers if one.name == name)


def periods(stack: ProfileStack, name: str) -> list[tuple[int, int, int | None]]:
    schedule = layer(stack, name).profile.schedule
    return [(period.start_s, period.limit_tenths, period.phases) for period in schedule.periods]


def at(hours: float, *, extra_s: int = 0) -> int:
    return int(hours * HOUR_S) + 60 + extra_s


END = at(4, extra_s=60)
"""When an end floor above what is booked before it starts: others may still be lowering."""


def test_every_connector_has_an_idle_floor_and_nothing_else_without_sessions() -> None:
    (stack,) = build_stacks(site(), [], GRID, solve({}))
    (floor,) = stack.layers
    assert (floor.name, floor.session_ids) == ("idle_floor", ())
    assert floor.profile.schedule.start == EARLIEST
    assert (floor.profile.purpose, floor.profile.stack_level, floor.profile.id) == ("tx_default_profile", 0, 101)
    assert periods(stack, "idle_floor") == [(0, 60, 3)]


def test_running_and_coming_sessions_get_a_layer_each() -> None:
    cars = [
        session("a", 0, HOUR_S, transaction_id=7),
        session("c", 3 * HOUR_S, 4 * HOUR_S, phases=1),
        session("b", HOUR_S, 2 * HOUR_S),
    ]
    plan = solve({"a": [160, 0, 0, 0], "b": [0, 100, 0, 0], "c": [0, 0, 0, 80]})
    (stack,) = build_stacks(site(), cars, GRID, plan)
    assert [(one.name, one.session_ids) for one in stack.layers] == [
        ("idle_floor", ()),
        ("plan", ("b", "c")),
        ("session", ("a",)),
    ]
    assert periods(stack, "session") == [(0, 160, 3), (at(1), 60, 3), (END, 70, 3)]
    assert periods(stack, "plan") == [
        (0, 60, 3), (at(1), 100, 3), (at(2), 60, 3), (at(3), 80, 1), (at(4), 70, 3),
    ]  # fmt: skip
    assert layer(stack, "session").profile.transaction_id == 7
    assert layer(stack, "plan").profile.transaction_id is None
    assert layer(stack, "plan").profile.schedule.start == START - timedelta(seconds=60)


def test_a_car_of_fewer_phases_splits_equal_limits_but_not_pauses() -> None:
    floors = {"A": (0, 0)}
    plan = solve({"a": [0, 0, 60, 0], "b": [0, 0, 0, 60]}, floors=floors)
    cars = [session("a", HOUR_S, 3 * HOUR_S, phases=1), session("b", 3 * HOUR_S, 4 * HOUR_S, phases=2)]
    (stack,) = build_stacks(site(), cars, GRID, plan)
    assert periods(stack, "plan") == [(0, 0, 3), (at(2), 60, 1), (at(3), 60, 2), (at(4), 0, 3)]


@pytest.mark.parametrize(
    ("lines", "phases", "written"),
    [
        pytest.param(("L1", "L2", "L3"), None, 3, id="unknown-on-three"),
        pytest.param(("L2",), None, 1, id="unknown-on-one"),
        pytest.param(("L1", "L2", "L3"), 1, 1, id="one-on-three"),
        pytest.param(("L1", "L2"), 3, 2, id="three-on-two"),
    ],
)
def test_number_of_phases(lines: tuple[str, ...], phases: int | None, written: int) -> None:
    cars = [session("a", HOUR_S, 2 * HOUR_S, phases=phases)]
    (stack,) = build_stacks(site(connector={"lines": lines}), cars, GRID, solve({"a": [0, 100, 0, 0]}))
    assert [phase for _, _, phase in periods(stack, "plan")] == [len(lines), written, len(lines), len(lines)]


@pytest.mark.parametrize(
    ("connector", "rate_units", "unit", "limits"),
    [
        pytest.param({}, ("A",), "A", [60, 160, 60, 70], id="tenths"),
        pytest.param({"step_a": 0.3}, ("W", "A"), "A", [180, 480, 180, 210], id="steps-of-0.3A"),
        pytest.param({"step_w": 25}, ("W",), "W", [15_000, 40_000, 15_000, 17_500], id="steps-of-25W"),
    ],
)
def test_steps_become_tenths(
    connector: dict[str, Any], rate_units: tuple[str, ...], unit: str, limits: list[int]
) -> None:
    place = site(connector=connector, station={"capabilities": Capabilities(rate_units=rate_units)})
    (stack,) = build_stacks(place, [session("a", HOUR_S, 2 * HOUR_S)], GRID, solve({"a": [0, 160, 0, 0]}))
    assert [limit for _, limit, _ in periods(stack, "plan")] == limits
    assert {one.profile.schedule.unit for one in stack.layers} == {unit}


@pytest.mark.parametrize(
    ("cars", "setpoints", "flags", "expected"),
    [
        pytest.param(
            [(0, 4)], [[0, 100, 160, 0]], {"late_raise": (("a", 2),)},
            [(0, 0, 3), (at(1), 100, 3), (at(2, extra_s=60), 160, 3), (at(3), 0, 3), (END, 70, 3)],
            id="late-raise",
        ),
        pytest.param(
            [(0, 4)], [[0, 160, 100, 0]], {"early_lowering": (("a", 1),)},
            [(0, 0, 3), (at(1), 160, 3), (at(2, extra_s=-60), 100, 3), (at(3), 0, 3), (END, 70, 3)],
            id="early-lowering",
        ),
        pytest.param(
            [(0, 4)], [[0, 160, 0, 0]], {"late_raise": (("a", 1),), "early_lowering": (("a", 1),)},
            [(0, 0, 3), (at(1, extra_s=60), 160, 3), (at(2, extra_s=-60), 0, 3), (END, 70, 3)],
            id="both-in-one-slot",
        ),
        pytest.param(
            [(1, 2)], [[0, 160, 0, 0]], {"late_raise": (("a", 1),), "early_lowering": (("a", 1),)},
            [(0, 60, 3), (at(1, extra_s=60), 160, 3), (at(2, extra_s=-60), 60, 3), (END, 70, 3)],
            id="idle-floor-at-the-ends-of-a-window",
        ),
        pytest.param(
            [(0, 2), (2, 4)], [[100, 100, 0, 0], [0, 0, 160, 160]], {"late_raise": (("b", 2),)},
            [(0, 100, 3), (at(2), 60, 3), (at(2, extra_s=60), 160, 3), (at(4), 70, 3)],
            id="idle-floor-between-two-cars",
        ),
        pytest.param(
            [(0, 2), (2, 4)], [[100, 100, 0, 0], [0, 0, 100, 100]], {"early_lowering": (("a", 1),)},
            [(0, 100, 3), (at(2, extra_s=-60), 60, 3), (at(2), 100, 3), (at(4), 70, 3)],
            id="same-limit-again-after-an-early-lowering",
        ),
        pytest.param(
            [(0, 2), (2, 4)], [[100, 100, 0, 0], [0, 0, 100, 100]], {"late_raise": (("b", 2),)},
            [(0, 100, 3), (at(2), 60, 3), (at(2, extra_s=60), 100, 3), (at(4), 70, 3)],
            id="same-limit-again-after-a-late-raise",
        ),
    ],
)  # fmt: skip
def test_guarded_edges(
    cars: list[tuple[int, int]], setpoints: list[list[int]], flags: dict[str, Any], expected: list[tuple[int, int, int]]
) -> None:
    names = "ab"[: len(cars)]
    given = [session(name, a * HOUR_S, b * HOUR_S) for name, (a, b) in zip(names, cars, strict=True)]
    (stack,) = build_stacks(site(), given, GRID, solve(dict(zip(names, setpoints, strict=True)), **flags))
    assert periods(stack, "plan") == expected


def test_without_a_guard_edges_are_where_they_are() -> None:
    plan = solve({"a": [0, 160, 0, 0]}, late_raise=(("a", 1),), early_lowering=(("a", 1),))
    (stack,) = build_stacks(site(edge_guard_s=0), [session("a", 0, 4 * HOUR_S)], GRID, plan)
    assert periods(stack, "plan") == [(0, 0, 3), (at(1), 160, 3), (at(2), 0, 3), (at(4), 70, 3)]


def test_a_window_is_the_slots_wholly_inside() -> None:
    cars = [session("a", 0.5, 3 * HOUR_S - 0.5)]
    with pytest.raises(InternalError, match="set-point outside its window"):
        build_stacks(site(), cars, GRID, solve({"a": [100, 100, 0, 0]}))
    (stack,) = build_stacks(site(), cars, GRID, solve({"a": [0, 100, 0, 0]}))
    assert periods(stack, "plan") == [(0, 60, 3), (at(1), 100, 3), (at(2), 60, 3), (END, 70, 3)]


def test_a_window_that_goes_on_after_the_grid_ends_in_the_end_floor() -> None:
    (stack,) = build_stacks(site(), [session("a", -900, 9 * HOUR_S)], GRID, solve({"a": [100, 100, 100, 100]}))
    assert periods(stack, "plan") == [(0, 100, 3), (at(4), 70, 3)]


def test_coming_sessions_without_a_slot_make_no_layer() -> None:
    cars = [session("a", 100, 3000), session("b", -7200, -3600), session("c", 4 * HOUR_S, 5 * HOUR_S)]
    (stack,) = build_stacks(site(), cars, GRID, solve({"a": [0, 0, 0, 0]}))
    assert [one.name for one in stack.layers] == ["idle_floor"]


def test_a_running_session_without_a_slot_holds_the_idle_floor() -> None:
    cars = [session("a", -7200, 3000, transaction_id=7)]
    (stack,) = build_stacks(site(), cars, GRID, solve({"a": [0, 0, 0, 0]}))
    assert periods(stack, "session") == [(0, 60, 3), (END, 70, 3)]


def test_stacks_are_sorted_by_station_and_evse() -> None:
    place = Site(
        id="s",
        circuits=(Circuit(id="main", limit_a=100.0),),
        stations=tuple(Station(id=name, circuit="main", ocpp_version="2.1") for name in ("Z", "B")),
        connectors=tuple(
            Connector(id=name, station=station, evse_id=evse, max_current_a=16.0)
            for name, station, evse in (("1", "Z", 2), ("2", "B", 1), ("3", "Z", 1))
        ),
    )
    plan = solve({}, floors={"1": (10, 10), "2": (20, 20), "3": (30, 30)})
    stacks = build_stacks(place, [], GRID, plan)
    assert [(stack.station, stack.evse_id, stack.connector) for stack in stacks] == [
        ("B", 1, "2"),
        ("Z", 1, "3"),
        ("Z", 2, "1"),
    ]
    assert [periods(stack, "idle_floor")[0][1] for stack in stacks] == [20, 30, 10]


def test_given_ids_are_used() -> None:
    (stack,) = build_stacks(site(), [], GRID, solve({}), ids={("A", "idle_floor"): 9})
    assert stack.layers[0].profile.id == 9


@pytest.mark.parametrize(
    ("version", "max_periods", "slots", "seen"),
    [
        pytest.param("1.6", 4, 4, "connector 'A': the plan layer needs 5 periods, station 'CP1' takes 4", id="station"),
        pytest.param("2.0.1", None, 1024, "needs 1025 periods, station 'CP1' takes 1024", id="2.0.1"),
        pytest.param("2.1", 2000, 1024, "needs 1025 periods, station 'CP1' takes 1024; plan on a coarser", id="2.1"),
    ],
)
def test_too_many_periods_are_refused(version: str, max_periods: int | None, slots: int, seen: str) -> None:
    place = site(station={"ocpp_version": version, "capabilities": Capabilities(max_periods=max_periods)})
    grid = TimeGrid.regular(START, timedelta(minutes=5), slots)
    plan = solution_by_hand({"a": [100 + k % 2 for k in range(slots)]}, FLOORS, slots=slots)
    with pytest.raises(InputError, match=seen):
        build_stacks(place, [session("a", 0, 300 * slots)], grid, plan)


def test_as_many_periods_as_allowed_pass() -> None:
    place = site(station={"capabilities": Capabilities(max_periods=5)})
    (stack,) = build_stacks(place, [session("a", 0, 4 * HOUR_S)], GRID, solve({"a": [100, 101, 102, 103]}))
    assert len(periods(stack, "plan")) == 5


def test_version_1_6_has_no_bound_of_its_own() -> None:
    grid = TimeGrid.regular(START, timedelta(minutes=5), 1100)
    plan = solution_by_hand({"a": [100 + k % 2 for k in range(1100)]}, FLOORS, slots=1100)
    (stack,) = build_stacks(site(), [session("a", 0, 300 * 1100)], grid, plan)
    assert len(periods(stack, "plan")) == 1101


A = session("a", 0, 4 * HOUR_S)
RISING = {"a": [0, 100, 160, 0]}


@pytest.mark.parametrize(
    ("cars", "plan", "seen"),
    [
        pytest.param([A], solve({}), "the solution does not know 'a'", id="session-not-planned"),
        pytest.param([], solve(RISING), "the solution has 'a', which is not given", id="session-not-given"),
        pytest.param([A, A], solve(RISING), "two have the same id", id="same-id"),
        pytest.param(
            [session("a", 0, 9, connector="X")], solve(RISING), "connector 'X' does not exist", id="connector"
        ),
        pytest.param([A], solve(RISING, floors={"B": (0, 0)}), "does not know the connector 'A'", id="floors"),
        pytest.param(
            [A], solution_by_hand({"a": [0] * 5}, FLOORS, slots=5), r"shape \(1, 5\), the grid 4 slots", id="grid"
        ),
        pytest.param(
            [session("a", 0, 9, transaction_id=1), session("b", 20, 30, transaction_id=2)],
            solve({}),
            "connector 'A': a, b all have a transaction",
            id="two-transactions",
        ),
        pytest.param(
            [A, session("b", HOUR_S, 2 * HOUR_S)],
            solve(RISING | {"b": [0, 60, 0, 0]}),
            "sessions 'a' and 'b' overlap",
            id="overlap",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(cars: list[Session], plan: Solution, seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        build_stacks(site(), cars, GRID, plan)


def test_guards_that_meet_are_refused() -> None:
    with pytest.raises(InputError, match="1800 s twice fills the shortest slot of 3600 s"):
        build_stacks(site(edge_guard_s=1800), [A], GRID, solve(RISING, late_raise=(("a", 2),)))
    build_stacks(site(edge_guard_s=1800), [A], GRID, solve(RISING))


@pytest.mark.parametrize(
    ("car", "plan", "seen"),
    [
        pytest.param(A, solve({"a": [160] * 4}, late_raise=(("a", 0),)), "late raise.*slot 0", id="late-raise-first"),
        pytest.param(
            A, solve({"a": [160] * 4}, early_lowering=(("a", 3),)), "early lowering.*slot 3", id="early-lowering-last"
        ),
        pytest.param(
            A,
            solve(RISING, late_raise=(("a", 3),)),
            "slot 3 would hold 160 tenths, above the set-point 0",
            id="late-fall",
        ),
        pytest.param(A, solve(RISING, early_lowering=(("a", 1),)), "slot 1 would hold 160 tenths", id="early-rise"),
        pytest.param(A, solve({"a": [0, -1, 0, 0]}), "negative set-point.*slot 1", id="negative"),
        pytest.param(session("a", 0, 2 * HOUR_S), solve(RISING), "set-point outside its window.*slot 2", id="outside"),
        pytest.param(
            session("a", 0, 2 * HOUR_S),
            solve({"a": [60, 60, 0, 0]}, late_raise=(("a", 2),)),
            "guarded edge outside its window",
            id="flag-outside",
        ),
        pytest.param(A, solve(RISING, floors={"A": (60, 0)}), "end floor 0 tenths, idle floor 60", id="end-below-idle"),
    ],
)
def test_a_solution_that_contradicts_itself_is_our_fault(car: Session, plan: Solution, seen: str) -> None:
    with pytest.raises(InternalError, match=seen):
        build_stacks(site(), [car], GRID, plan)


def test_the_solution_is_not_changed() -> None:
    plan = solve(RISING, late_raise=(("a", 2),))
    before = plan.setpoints.copy()
    build_stacks(site(), [A], GRID, plan)
    assert np.array_equal(plan.setpoints, before)
    assert build_stacks(site(), [A], GRID, plan) == build_stacks(site(), [A], GRID, plan)
