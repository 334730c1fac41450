"""What is assumed of sessions that do not say, by the compiler and, on its own, by the referee."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, priced, scene, yard

from ocpp_schedule import Milestone, Plan, Session, SessionDefaults
from ocpp_schedule.check.claims import audit
from ocpp_schedule.check.known import filled
from ocpp_schedule.problem.known import known_sessions
from ocpp_schedule.views.archive import claims_of, read_archive, solution_from_dict

DEFAULTS = SessionDefaults(stay_s=7200, overdue_s=1800, energy_wh=5000, target_percent=80)


def unknown(first: float = 0, **more: Any) -> Session:
    fields = {"id": "a", "connector": "A", "arrival": START + first * HOUR}
    return Session(**fields | more)


CASES = [
    pytest.param(unknown(1), 3, 5000, id="stay-and-default"),
    pytest.param(unknown(1, departure=START + 9 * HOUR), 9, 5000, id="departure-known"),
    pytest.param(unknown(1, energy_wh=70.0), 3, 70, id="energy-known"),
    pytest.param(unknown(-5), -3, 5000, id="gone-before-the-grid"),
    pytest.param(unknown(-5, transaction_id="t"), 0.5, 5000, id="overdue"),
    pytest.param(unknown(-1, transaction_id="t"), 1, 5000, id="running"),
    pytest.param(unknown(2.5), 3.5, 5000, id="the-next-car"),
    pytest.param(unknown(0, milestones=(Milestone(by=START + 3 * HOUR, energy_wh=6000),)), 3, 6000, id="milestone"),
    pytest.param(unknown(0, battery_wh=60_000.0, soc_percent=50.0), 2, 18_000, id="battery"),
    pytest.param(unknown(0, battery_wh=1000.0, soc_percent=49.95), 2, 301, id="battery-in-whole-wh"),
    pytest.param(unknown(0, battery_wh=60_000.0, soc_percent=90.0), 2, 0, id="full-enough"),
    pytest.param(unknown(0, battery_wh=60_000.0), 2, 5000, id="state-of-charge-unknown"),
]


@pytest.mark.parametrize(("session", "leaves", "energy_wh"), CASES)
def test_what_is_assumed(session: Session, leaves: float, energy_wh: float) -> None:
    sessions = (session, car("z", "A", 3.5, 4, 1))
    known, notices = known_sessions(sessions, DEFAULTS, START)
    assert (known[0].departure, known[0].energy_wh) == (START + leaves * HOUR, energy_wh)
    assert len(notices) == 1
    assert filled(sessions, DEFAULTS, START) == tuple(known)


def test_losses_of_charging_come_on_top() -> None:
    (known,), _ = known_sessions(
        [unknown(battery_wh=50_000.0, soc_percent=60.0)], SessionDefaults(efficiency=0.9), START
    )
    assert known.energy_wh == 11_112  # 20 % of 50 kWh by 0.9, rounded up


def test_nothing_is_assumed_of_who_says_all() -> None:
    sessions = [car("a", "A", 0, 1, 1)]
    assert known_sessions(sessions, DEFAULTS, START) == (sessions, ())
    assert known_sessions(sessions, None, START)[0][0] is sessions[0]


@given(
    st.lists(
        st.builds(
            unknown,
            st.integers(-30, 30).map(lambda quarter: quarter / 4),
            id=st.uuids().map(str),
            connector=st.sampled_from(["A", "B"]),
            battery_wh=st.none() | st.floats(0, 200_000),
            soc_percent=st.none() | st.floats(0, 100),
            transaction_id=st.none() | st.just("t"),
        ),
        max_size=6,
    ),
    st.builds(
        SessionDefaults,
        stay_s=st.integers(1, 90_000),
        overdue_s=st.integers(1, 9000),
        energy_wh=st.floats(0, 90_000),
        target_percent=st.floats(0, 100),
        efficiency=st.floats(0.5, 1),
    ),
)
def test_referee_and_compiler_assume_the_same(sessions: list[Session], defaults: SessionDefaults) -> None:
    assert filled(sessions, defaults, START) == tuple(known_sessions(sessions, defaults, START)[0])


def test_the_plan_says_what_it_assumed_and_keeps_what_was_given() -> None:
    site = yard(outlet("A"))
    sessions = [unknown(1, phases=1)]
    scenario = scene(site, sessions, priced(0.4, 0.3, 0.1, 0.2), session_defaults=DEFAULTS)
    plan = planned(scenario)
    assert plan.notices == (
        "session a: assumed departure 2026-01-15T03:00Z (a stay of 7200 s) and energy 5,000 Wh (the default)",
    )
    assert plan.report.wanted_units == {"a": 5000 * 36_000}
    assert plan.status == "complete"
    again = Plan.from_json(plan.to_json())
    assert again.scenario == scenario
    assert again.scenario.sessions[0].departure is None
    assert again.to_json() == plan.to_json()
    assert plan.verify().ok
    assert len(plan.to_ocpp()) == 2


def test_a_car_assumed_gone_is_ignored_with_both_notices() -> None:
    problem = compiled(scene(yard(outlet("A")), [unknown(-9)], session_defaults=DEFAULTS, grid=hours(2)))
    assert [notice.split(" (")[0] for notice in problem.notices] == [
        "session a",
        "session a: assumed departure 2026-01-14T17:00Z",
    ]
    assert (START - 9 * HOUR + timedelta(seconds=7200)) < START


def test_an_archived_plan_with_assumptions_stands_without_a_solver() -> None:
    plan = planned(
        scene(yard(outlet("A")), [unknown(1, phases=1)], priced(0.4, 0.3, 0.1, 0.2), session_defaults=DEFAULTS)
    )
    text = plan.to_json()
    scenario, data = read_archive(text)
    found = audit(scenario, solution_from_dict(scenario, data), claims_of(text))
    assert found.ok
    assert found.mark == "certified"
