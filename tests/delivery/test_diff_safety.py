"""Whatever of a diff is sent, acknowledged, late or lost: no row is exceeded. And no message too many."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_schedule import Circuit, Connector, Scenario, Session, Site, Station, Tariff, TimeGrid
from ocpp_schedule.delivery.diff import diff
from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.profiles.model import ProfileStack

START = datetime(2026, 1, 15, tzinfo=UTC)
MOST = 160
Plan = tuple[tuple[int, ...], ...]
"""By connector, by slot [0.1 A]."""


@dataclass(frozen=True)
class Case:
    """Outlets on one line; ``panels`` says which of two circuits below the main one each hangs on."""

    main: int
    panel: int
    panels: tuple[int, ...]
    floor: int
    old: Plan
    new: Plan
    unknown: frozenset[int] = frozenset()
    in_flight: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def slots(self) -> int:
        return len(self.new[0])

    @property
    def scenario(self) -> Scenario:
        names = [f"C{k}" for k in range(len(self.panels))]
        site = Site(
            id="s",
            circuits=[
                Circuit(id="main", limit_a=(self.main / 10, 0.0, 0.0)),
                *(Circuit(id=f"panel{k}", parent="main", limit_a=(self.panel / 10, 0.0, 0.0)) for k in (0, 1)),
            ],
            stations=[
                Station(id=f"S{n}", circuit=f"panel{k}", ocpp_version="1.6")
                for n, k in zip(names, self.panels, strict=True)
            ],
            connectors=[Connector(id=n, station=f"S{n}", lines=("L1",), max_current_a=MOST / 10) for n in names],
            idle_floor_a=self.floor / 10,
            edge_guard_s=0,
        )
        grid = TimeGrid.regular(START, timedelta(hours=1), self.slots)
        cars = [
            Session(
                id=f"car{k}",
                connector=n,
                arrival=START,
                departure=grid.end,
                energy_wh=1.0,
                transaction_id=k + 1,
                phases=1,
            )
            for k, n in enumerate(names)
        ]
        return Scenario(site=site, sessions=cars, tariff=Tariff(energy=0.2), grid=grid)

    def stacks(self, plan: Plan) -> tuple[ProfileStack, ...]:
        scenario = self.scenario
        setpoints = {f"car{k}": list(row) for k, row in enumerate(plan)}
        floors = {f"C{k}": (self.floor, self.floor) for k in range(len(plan))}
        solution = solution_by_hand(setpoints, floors, slots=self.slots)
        return build_stacks(scenario.site, scenario.sessions, scenario.grid, solution)

    def installed(self) -> dict[str, list[Any]]:
        held: dict[str, list[Any]] = {f"SC{k}": [] for k in range(len(self.panels)) if k not in self.unknown}
        for message in to_ocpp(self.stacks(self.old)):
            if message["station"] in held:
                held[message["station"]].append(message["payload"])
        for k, row in self.in_flight:
            plan = (*self.old[:k], row, *self.old[k + 1 :])
            for message in to_ocpp(self.stacks(plan)):
                if message["station"] == f"SC{k}" in held and "TxProfile" in str(message["payload"]):
                    held[f"SC{k}"].append(message["payload"] | {"state": "sent"})
        return held

    def rows(self) -> Iterator[tuple[int, list[int]]]:
        """Yield limit and members of every row."""
        everyone = list(range(len(self.panels)))
        yield self.main, everyone
        for panel in (0, 1):
            yield self.panel, [k for k in everyone if self.panels[k] == panel]


class Simulation:
    """What may be installed where: written without the library. A place is (connector, is it the session's)."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.held: dict[tuple[int, bool], list[tuple[int, ...] | None]] = {}
        for k in range(len(case.panels)):
            known = k not in case.unknown
            self.held[k, False] = [(case.floor,) * (case.slots + 1)] if known else [None]
            self.held[k, True] = [(*case.old[k], case.floor)] if known else []
        for k, row in case.in_flight:
            if k not in case.unknown:
                self.held[k, True].append((*row, case.floor))

    def booked(self, states: Mapping[str, str], messages: Sequence[OcppMessage]) -> list[list[int]]:
        """Return by connector and slot (and after the grid) the highest that may be there."""
        held = {place: list(contents) for place, contents in self.held.items()}
        for message in messages:
            state = states[message["id"]]
            place = place_of(message)
            if state == "sent":
                held[place] = [*held[place], content(message, self.case.slots)]
            elif state == "acked":
                held[place] = [content(message, self.case.slots)]
        found = []
        for k in range(len(self.case.panels)):
            contents = [*held[k, False], *held[k, True]]
            unbounded = None in held[k, False]
            found.append(
                [
                    MOST if unbounded else max(self.case.floor, *(c[slot] for c in contents if c is not None))
                    for slot in range(self.case.slots + 1)
                ]
            )
        return found


def place_of(message: OcppMessage) -> tuple[int, bool]:
    profile = message["payload"]["csChargingProfiles"]
    return int(message["station"][2:]), profile["chargingProfilePurpose"] == "TxProfile"


def content(message: OcppMessage, slots: int) -> tuple[int, ...]:
    schedule = message["payload"]["csChargingProfiles"]["chargingSchedule"]
    start = datetime.fromisoformat(schedule["startSchedule"])
    found = []
    for slot in range(slots + 1):
        at = (START + timedelta(hours=slot, minutes=30) - start).total_seconds()
        begun = [p["limit"] for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= at]
        found.append(round(10 * begun[-1]))
    return tuple(found)


def reachable(messages: Sequence[OcppMessage]) -> Iterator[dict[str, str]]:
    names = [message["id"] for message in messages]
    for states in itertools.product(("unsent", "sent", "acked"), repeat=len(names)):
        state = dict(zip(names, states, strict=True))
        if all(
            state[message["id"]] == "unsent" or all(state[before] == "acked" for before in message["after"])
            for message in messages
        ):
            yield state


def sums(case: Case, booked: list[list[int]]) -> list[list[int]]:
    return [[sum(booked[k][slot] for k in members) for slot in range(case.slots + 1)] for _, members in case.rows()]


def check_every_state(case: Case, messages: Sequence[OcppMessage]) -> int:
    """Check every state that losses and delays can lead to; return how many there are."""
    simulation = Simulation(case)
    none = dict.fromkeys((message["id"] for message in messages), "unsent")
    before = sums(case, simulation.booked(none, messages))
    count = 0
    for state in reachable(messages):
        now = sums(case, simulation.booked(state, messages))
        for (limit, _), were, are in zip(case.rows(), before, now, strict=True):
            for slot, (was, is_) in enumerate(zip(were, are, strict=True)):
                assert is_ <= max(limit, was), (state, limit, slot)
        count += 1
    return count


def fitted(case_rows: list[tuple[int, list[int]]], plan: list[list[int]], floor: int) -> Plan:
    """Lower a plan until it fits every row."""
    for slot in range(len(plan[0])):
        for limit, members in case_rows:
            for k in members:
                if sum(max(plan[m][slot], floor) for m in members) > limit:
                    plan[k][slot] = 0
    return tuple(map(tuple, plan))


@st.composite
def cases(draw: st.DrawFn, most: int = 4) -> Case:
    count = draw(st.integers(2, most))
    slots = draw(st.integers(1, 3))
    panels = tuple(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    floor = draw(st.sampled_from([0, 0, 60]))
    main = draw(st.integers(max(1, count * floor), count * MOST // 2 + 60))
    panel = draw(st.integers(max(1, count * floor), 2 * MOST))
    value = st.one_of(st.just(0), st.integers(60, MOST), st.just(MOST))
    draft = Case(main, panel, panels, floor, ((0,) * slots,) * count, ((0,) * slots,) * count)
    rows = list(draft.rows())
    plans = [fitted(rows, [[draw(value) for _ in range(slots)] for _ in range(count)], floor) for _ in range(2)]
    unknown = draw(st.frozensets(st.integers(0, count - 1), max_size=1))
    in_flight = draw(st.lists(st.integers(0, count - 1), max_size=1, unique=True))
    rows_in_flight = tuple((k, tuple(draw(value) for _ in range(slots))) for k in in_flight)
    return Case(main, panel, panels, floor, plans[0], plans[1], unknown, rows_in_flight)


@settings(max_examples=120, deadline=None)
@given(case=cases())
def test_no_state_that_losses_and_delays_lead_to_exceeds_a_row(case: Case) -> None:
    found = diff(case.installed(), case.stacks(case.new), case.scenario)
    assert found.withheld == ()
    assert found.findings == ()
    assert check_every_state(case, found.messages) >= 1
    done = dict.fromkeys((message["id"] for message in found.messages), "acked")
    wanted = [[max(x, case.floor) for x in (*row, case.floor)] for row in case.new]
    assert Simulation(case).booked(done, found.messages) == wanted


def test_the_check_sees_a_message_that_does_not_wait() -> None:
    case = Case(160, 320, (0, 0), 0, ((160,), (0,)), ((0,), (160,)))
    messages = diff(case.installed(), case.stacks(case.new), case.scenario).messages
    assert [(message["id"], message["after"]) for message in messages] == [("SC0/103", []), ("SC1/103", ["SC0/103"])]
    messages[1]["after"].clear()
    with pytest.raises(AssertionError, match="sent"):
        check_every_state(case, messages)


def fewest_messages(case: Case) -> int:
    """Return the least number of messages that bring the plans of running sessions from old to new, by search.

    One at a time, each acknowledged before the next; a charger may be told the new plan, or the lower of old and new.
    No other content helps: a higher one needs more room now, a lower one no less room later.
    """
    low = [[min(pair) for pair in zip(old, new, strict=True)] for old, new in zip(case.old, case.new, strict=True)]
    contents = [(case.old[k], tuple(low[k]), case.new[k]) for k in range(len(case.panels))]
    start, goal = (0,) * len(contents), (2,) * len(contents)
    start = tuple(2 if contents[k][0] == contents[k][2] else 0 for k in range(len(contents)))
    seen, front, count = {start}, [start], 0
    while goal not in seen:
        count += 1
        front = [after for state in front for after in steps_from(case, contents, state) if after not in seen]
        seen |= set(front)
    return count


def steps_from(
    case: Case, contents: Sequence[tuple[tuple[int, ...], ...]], state: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    for k, at in enumerate(state):
        for to in range(at + 1, 3):
            held = [{at, to} if m == k else {now} for m, now in enumerate(state)]
            load = [
                [max(case.floor, *(contents[m][c][slot] for c in choices)) for slot in range(case.slots)]
                for m, choices in enumerate(held)
            ]
            if all(
                sum(load[m][slot] for m in members) <= limit
                for limit, members in case.rows()
                for slot in range(case.slots)
            ):
                yield (*state[:k], to, *state[k + 1 :])


@settings(max_examples=80, deadline=None)
@given(case=cases())
def test_there_is_no_message_too_many(case: Case) -> None:
    known = Case(case.main, case.panel, case.panels, case.floor, case.old, case.new)
    found = diff(known.installed(), known.stacks(known.new), known.scenario)
    assert len(found.messages) == fewest_messages(known)
