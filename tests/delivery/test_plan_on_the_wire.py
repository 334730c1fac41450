"""What a station does with the messages is what was planned, at every second that matters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.composite import limit_at
from ocpp_schedule.testing.solutions import solution_by_hand
from ocpp_schedule.timegrid import TimeGrid
from ocpp_schedule.units import LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.model.site import OcppVersion

START = datetime(2026, 1, 15, tzinfo=UTC)
VERSIONS: tuple[OcppVersion, ...] = ("1.6", "2.0.1", "2.1")
LEAD_S = 60
MIN_STEPS = 60
"""6 A in steps of 0.1 A, 600 W in steps of 10 W, 1500 W in steps of 25 W."""


@dataclass(frozen=True)
class Car:
    name: str
    first_s: float
    last_s: float
    steps: tuple[int, ...]
    phases: int | None = None
    running: bool = False
    late: frozenset[int] = frozenset()
    early: frozenset[int] = frozenset()

    def has(self, edges: tuple[int, ...], slot: int) -> bool:
        inside = 0 <= slot < len(edges) - 1
        return inside and self.first_s <= edges[slot] and edges[slot + 1] <= self.last_s


@dataclass(frozen=True)
class Case:
    """One connector; limits in steps."""

    cars: tuple[Car, ...]
    edges: tuple[int, ...] = (0, 3600, 7200, 10800, 14400)
    guard_s: int = 60
    idle: int = 60
    end: int = 70
    lines: int = 3
    unit: str = "A"
    step: float = 0.1
    version: OcppVersion = "1.6"

    @property
    def transaction(self) -> int | str | None:
        if not any(car.running for car in self.cars):
            return None
        return 1041 if self.version == "1.6" else "tx-1041"

    def messages(self) -> list[OcppMessage]:
        outlet: dict[str, Any] = {"step_a": self.step} if self.unit == "A" else {"step_w": int(self.step)}
        capabilities = Capabilities(rate_units=(self.unit,))  # type: ignore[arg-type]
        site = Site(
            id="s",
            circuits=(Circuit(id="main", limit_a=100.0),),
            stations=(Station(id="CP1", circuit="main", ocpp_version=self.version, capabilities=capabilities),),
            connectors=(Connector(id="A", station="CP1", lines=LINES[: self.lines], max_current_a=32.0, **outlet),),
            edge_guard_s=self.guard_s,
        )
        sessions = [
            Session(
                id=car.name,
                connector="A",
                arrival=START + timedelta(seconds=car.first_s),
                departure=START + timedelta(seconds=car.last_s),
                energy_wh=1.0,
                phases=car.phases,  # type: ignore[arg-type]
                transaction_id=self.transaction if car.running else None,
            )
            for car in self.cars
        ]
        solution = solution_by_hand(
            {car.name: car.steps for car in self.cars},
            {"A": (self.idle, self.end)},
            slots=len(self.edges) - 1,
            late_raise=[(car.name, slot) for car in self.cars for slot in car.late],
            early_lowering=[(car.name, slot) for car in self.cars for slot in car.early],
        )
        grid = TimeGrid(start=START, edges_s=self.edges)
        return to_ocpp(build_stacks(site, sessions, grid, solution))

    def planned(self, cars: Iterable[Car], second: float) -> tuple[int, int | None]:
        """Return steps and phases of a layer that serves ``cars``, straight from the conventions."""
        if second < -LEAD_S:
            return self.idle, self.lines
        if second >= self.edges[-1]:
            owner = next((car for car in cars if car.has(self.edges, len(self.edges) - 2)), None)
            before = (self.idle, self.lines) if owner is None else (owner.steps[-1], self.phases_of(owner))
            waits = second < self.edges[-1] + self.guard_s and self.end > max(before[0], self.idle)
            return before if waits else (self.end, self.lines)
        slot = max(k for k in range(len(self.edges) - 1) if self.edges[k] <= max(second, 0))
        owner = next((car for car in cars if car.has(self.edges, slot)), None)
        if owner is None:
            return self.idle, self.lines
        if slot in owner.late and second < self.edges[slot] + self.guard_s:
            slot -= 1
        elif slot in owner.early and second >= self.edges[slot + 1] - self.guard_s:
            slot += 1
        if not owner.has(self.edges, slot):
            return self.idle, self.lines
        return owner.steps[slot], self.phases_of(owner)

    def phases_of(self, car: Car) -> int:
        return min(car.phases or self.lines, self.lines)

    def seconds(self) -> list[float]:
        """Every edge, guard boundary and start of the plan, a second around each, and the middle of each slot."""
        marks = {-LEAD_S, 0, self.edges[-1] + 86_400}
        for edge in self.edges:
            marks |= {edge, edge - self.guard_s, edge + self.guard_s}
        middles = {(one + other) / 2 for one, other in pairwise(self.edges)}
        return sorted({mark + near for mark in marks for near in (-1, -0.5, 0, 1)} | middles)


def holds(case: Case, messages: Iterable[Any], second: float, transaction: int | str | None) -> tuple[int, int | None]:
    """Return what the station allows, in steps."""
    at = START + timedelta(seconds=second)
    found = limit_at(messages, station="CP1", evse_id=1, at=at, transaction_id=transaction)
    assert found is not None
    limit, unit, phases = found
    assert unit == case.unit
    steps = Decimal(repr(limit)) / Decimal(repr(case.step))
    assert steps == int(steps)
    return int(steps), phases


def same(one: tuple[int, int | None], other: tuple[int, int | None]) -> bool:
    """Compare; without current the number of phases means nothing."""
    return one == other or one[0] == other[0] == 0


def check(case: Case) -> None:
    messages = case.messages()
    running = [car for car in case.cars if car.running]
    coming = [car for car in case.cars if not car.running]
    slots = range(len(case.edges) - 1)
    comes = any(car.has(case.edges, slot) for car in coming for slot in slots)
    floors = [message for message in messages if message["wave"] == 0]
    without_session = [message for message in messages if "TxProfile" not in str(message)]
    without_plan = [message for message in messages if message["wave"] == 0 or "TxProfile" in str(message)]
    idle = case.idle, case.lines
    for second in case.seconds():
        arriving = case.planned(coming, second) if comes else idle
        charging = case.planned(running, second) if running else arriving
        assert same(holds(case, messages, second, case.transaction), charging), second
        assert same(holds(case, messages, second, None), arriving), second
        assert same(holds(case, without_session, second, case.transaction), arriving), second
        assert same(holds(case, without_plan, second, None), idle), second
        assert holds(case, floors, second, case.transaction) == idle, second
        if any(car.has(case.edges, slot) for car in running for slot in slots if _in(case, slot, second)):
            assert arriving == idle, "a lost session layer must show nothing but the idle floor"


def _in(case: Case, slot: int, second: float) -> bool:
    return case.edges[slot] <= second < case.edges[slot + 1]


def hour(value: float) -> int:
    return int(value * 3600)


THREE_APART = (
    Car("a", 0, hour(1), (160, 0, 0, 0), running=True, phases=1),
    Car("b", hour(1), hour(2), (0, 100, 0, 0)),
    Car("c", hour(3), hour(4), (0, 0, 0, 80), phases=2),
)
BACK_TO_BACK = (
    Car("a", -900.5, hour(2) + 0.5, (0, 320, 0, 0), running=True, late=frozenset({1})),
    Car("b", hour(2), hour(3), (0, 0, 100, 0), phases=1, late=frozenset({2}), early=frozenset({2})),
    Car("c", hour(3), hour(9), (0, 0, 0, 100), phases=1, late=frozenset({3})),
)
GUARDED = (Car("a", 0, hour(4), (60, 200, 320, 90), running=True, late=frozenset({1, 2}), early=frozenset({2})),)
UNEVEN = (
    Car("a", 0, 700, (60, 61, 0, 0), running=True, early=frozenset({1})),
    Car("b", 700, 7000, (0, 0, 320, 60), late=frozenset({2}), early=frozenset({2})),
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(THREE_APART), id="three-sessions"),
        pytest.param(Case(BACK_TO_BACK), id="back-to-back"),
        pytest.param(Case(BACK_TO_BACK, idle=0, end=0), id="back-to-back-floor-0"),
        pytest.param(Case(GUARDED), id="guarded-edges"),
        pytest.param(Case((replace(GUARDED[0], phases=1),)), id="guarded-edges-one-phase"),
        pytest.param(Case(GUARDED, guard_s=0), id="no-guard"),
        pytest.param(Case(UNEVEN, edges=(0, 121, 700, 900, 7000)), id="uneven-slots"),
        pytest.param(Case(THREE_APART, unit="W", step=10.0, end=600), id="watts"),
        pytest.param(Case(GUARDED, unit="W", step=25.0, lines=1), id="watts-one-line-guarded"),
        pytest.param(Case(THREE_APART, step=0.3, idle=0), id="steps-of-0.3A"),
        pytest.param(Case((Car("a", 50, 60, (0, 0, 0, 0), running=True),)), id="running-without-a-slot"),
        pytest.param(Case((Car("a", 50, 60, (0, 0, 0, 0)),)), id="coming-without-a-slot"),
        pytest.param(Case(()), id="no-session"),
    ],
)
def test_the_stations_do_what_was_planned(
    case: Case, version: OcppVersion, assert_sendable: Callable[[Iterable[Any], Decimal], None]
) -> None:
    spoken = replace(case, version=version)
    check(spoken)
    assert_sendable(spoken.messages(), MIN_STEPS * Decimal(repr(case.step)))


def test_a_wrong_plan_is_noticed() -> None:
    """The comparison above can fail: the same messages against another plan."""
    case = Case(GUARDED)
    other = replace(case, cars=(replace(GUARDED[0], late=frozenset({1})),))
    seconds = [s for s in case.seconds() if case.planned(GUARDED, s) != other.planned(other.cars, s)]
    assert seconds == [hour(2), hour(2) + 1, hour(2) + 59, hour(2) + 59.5]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    guard_s = draw(st.sampled_from((0, 1, 60)))
    lengths = draw(st.lists(st.integers(2 * guard_s + 1, 900), min_size=1, max_size=6))
    edges = (0, *(sum(lengths[: k + 1]) for k in range(len(lengths))))
    cuts = sorted(draw(st.lists(st.sampled_from(edges) | st.integers(-300, edges[-1] + 300), max_size=6, unique=True)))
    limits = st.just(0) | st.integers(MIN_STEPS, 320)
    idle = draw(limits)
    case = Case(
        (),
        edges,
        guard_s,
        idle,
        draw(st.integers(max(idle, MIN_STEPS), 320)) if idle else draw(limits),
        draw(st.integers(1, 3)),
        *draw(st.sampled_from((("A", 0.1), ("A", 0.7), ("W", 10.0)))),
        draw(st.sampled_from(VERSIONS)),
    )
    spans = list(pairwise(cuts))
    if draw(st.booleans()):
        spans = spans[::2]
    running = draw(st.none() | st.integers(0, len(spans)))
    cars = [draw(car(case, f"s{index}", span, limits, running=index == running)) for index, span in enumerate(spans)]
    return replace(case, cars=tuple(cars))


@st.composite
def car(
    draw: st.DrawFn, case: Case, name: str, span: tuple[int, int], limits: st.SearchStrategy[int], *, running: bool
) -> Car:
    empty = Car(name, *span, steps=(), phases=draw(st.sampled_from((None, 1, 2, 3))), running=running)
    slots = range(len(case.edges) - 1)
    steps = tuple(draw(limits) if empty.has(case.edges, slot) else 0 for slot in slots)

    def neighbour(slot: int) -> int:
        return steps[slot] if empty.has(case.edges, slot) else case.idle

    own = [slot for slot in slots if empty.has(case.edges, slot)]
    late = [slot for slot in own if slot > 0 and neighbour(slot - 1) <= steps[slot] and draw(st.booleans())]
    early = [slot for slot in own if slot < slots[-1] and neighbour(slot + 1) <= steps[slot] and draw(st.booleans())]
    return replace(empty, steps=steps, late=frozenset(late), early=frozenset(early))


@settings(deadline=None)
@given(case=cases())
def test_any_plan_is_what_the_stations_do(
    assert_sendable: Callable[[Iterable[Any], Decimal], None], case: Case
) -> None:
    check(case)
    assert_sendable(case.messages(), MIN_STEPS * Decimal(repr(case.step)))
