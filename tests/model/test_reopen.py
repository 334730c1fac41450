"""What is left of a scenario at an instant: slots, wishes, and what the chargers hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_schedule.errors import InputError
from ocpp_schedule.model.reopen import Opened, reopened
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.session import KnownSession, Milestone, Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.model.state import SessionState
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
PER_STEP = {"a": 230, "b": 230}


def day(*sessions: Session) -> Scenario:
    site = Site(
        id="home",
        circuits=[Circuit(id="main", limit_a=25)],
        stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
        connectors=[Connector(id=name, station="CP1", evse_id=k, max_current_a=16) for k, name in enumerate("AB", 1)],
    )
    return Scenario(site=site, sessions=sessions, tariff=Tariff(energy=0.2), grid=TimeGrid.regular(START, HOUR, 6))


def again(scenario: Scenario, *rest: Any) -> Opened:
    return reopened(scenario, cast("list[KnownSession]", list(scenario.sessions)), *rest)


def car(name: str = "a", first: float = 0, end: float = 6, energy_wh: float = 10_000, **more: Any) -> Session:
    window = {"arrival": START + first * HOUR, "departure": START + end * HOUR}
    return Session(id=name, connector=name.upper(), energy_wh=energy_wh, phases=1, **window, **more)


def state(name: str = "a", delivered_wh: float = 0, at_h: float = 2.5, steps: int | None = None) -> SessionState:
    return SessionState(session=name, delivered_wh=delivered_wh, measured_at=START + at_h * HOUR, setpoint_steps=steps)


@pytest.mark.parametrize(
    ("now_h", "first", "slots", "held"),
    [
        pytest.param(0, 0, 6, None, id="at the start nothing is past"),
        pytest.param(0.5, 0, 6, {"a": 100}, id="in the first slot"),
        pytest.param(1, 0, 6, {"a": 100}, id="at an edge the slot before still stands"),
        pytest.param(2.5, 2, 4, {"a": 100}, id="in the third slot"),
        pytest.param(5.9, 5, 1, {"a": 100}, id="in the last slot"),
    ],
)
def test_the_grid_goes_on_from_the_slot_under_way(now_h: float, first: int, slots: int, held: dict[str, int]) -> None:
    found = again(day(car()), START + now_h * HOUR, (), {"a": 100}, PER_STEP)
    assert (found.scenario.grid.start, found.scenario.grid.slots) == (START + first * HOUR, slots)
    assert found.scenario.grid.end == START + 6 * HOUR
    assert found.scenario.held == held


@pytest.mark.parametrize(
    ("session", "now_h", "states", "planned", "left_wh"),
    [
        pytest.param(car(), 0, [], {}, 10_000, id="nothing had"),
        pytest.param(car(), 2.5, [state(delivered_wh=4000)], {}, 6000, id="measured"),
        pytest.param(car(), 2.5, [state(delivered_wh=4000)], {"a": 100}, 4850, id="and half a slot at 10 A to come"),
        pytest.param(car(), 2.5, [state(delivered_wh=4000, at_h=2)], {"a": 100}, 3700, id="measured half an hour ago"),
        pytest.param(car(), 2.5, [state(delivered_wh=4000, steps=50)], {"a": 100}, 5425, id="the charger holds 5 A"),
        pytest.param(car(), 2.5, [], {"a": 100}, 8850, id="a plan alone"),
        pytest.param(car(), 2.5, [state(delivered_wh=12_000)], {}, 0, id="more than it wanted"),
        pytest.param(car(first=2.2), 2.5, [], {"a": 100}, 10_000, id="arrived within the slot"),
        pytest.param(car(end=2.7), 2.5, [], {"a": 100}, 10_000, id="leaves within the slot"),
        pytest.param(car(), 2.5, [state(delivered_wh=0.0004)], {}, 10_000, id="needs are rounded up"),
    ],
)
def test_what_is_left(
    session: Session, now_h: float, states: list[SessionState], planned: dict[str, int], left_wh: float
) -> None:
    found = again(day(session), START + now_h * HOUR, states, planned, PER_STEP)
    assert found.scenario.sessions[0].energy_wh == pytest.approx(left_wh)
    assert bool(found.notices) == (bool(states) or bool(found.scenario.held))


def test_milestones_count_from_arrival_too() -> None:
    goal = Milestone(by=START + 4 * HOUR, energy_wh=5000)
    found = again(day(car(milestones=(goal,))), START + 2.5 * HOUR, [state(delivered_wh=4000)], {}, PER_STEP)
    assert found.scenario.sessions[0].milestones[0].energy_wh == 1000
    assert found.notices == ("session a: 4,000 Wh delivered, 0 Wh until 2026-01-15T03:00Z; 6,000 Wh are left to plan",)


@pytest.mark.parametrize(
    ("now", "states", "message"),
    [
        pytest.param(START - HOUR, [], "outside the grid", id="before the grid"),
        pytest.param(START + 6 * HOUR, [], "outside the grid", id="after the grid"),
        pytest.param(START.replace(tzinfo=None), [], "has no zone", id="naive"),
        pytest.param(START + 3 * HOUR, [state("x")], "no session 'x'", id="unknown session"),
        pytest.param(START + 3 * HOUR, [state(), state()], "given twice", id="twice"),
        pytest.param(START + 2 * HOUR, [state()], "is after now", id="from the future"),
    ],
)
def test_what_cannot_be_is_refused(now: datetime, states: list[SessionState], message: str) -> None:
    with pytest.raises(InputError, match=message):
        again(day(car()), now, states, {}, PER_STEP)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(InputError) as raised:
        again(day(car()), START - HOUR, [state("x"), state("x")], {}, PER_STEP)
    assert len(raised.value.problems) == 6


@given(
    delivered=st.decimals(0, 20_000, places=3),
    now_s=st.integers(0, 6 * 3600 - 1),
    measured_s=st.integers(0, 6 * 3600),
    steps=st.integers(0, 160),
)
def test_a_need_is_never_made_smaller_than_it_is(delivered: Any, now_s: int, measured_s: int, steps: int) -> None:
    """The remainder, computed in another way: joules of the meter, and of the rest of the slot under way."""
    measured_s = min(measured_s, now_s)
    given = SessionState(
        session="a",
        delivered_wh=float(delivered),
        measured_at=START + timedelta(seconds=measured_s),
        setpoint_steps=steps,
    )
    found = again(day(car()), START + timedelta(seconds=now_s), [given], {}, PER_STEP)
    end_s = -(-now_s // 3600) * 3600
    drawn = 23 * steps * (end_s - measured_s) if now_s else 0
    joules = Fraction(10_000 * 3600) - Fraction(str(delivered)) * 3600 - drawn
    left = Fraction(str(found.scenario.sessions[0].energy_wh)) * 3600
    assert max(joules, 0) <= left < max(joules, 0) + 4
