"""Opening hours, reservations, outages and derates: caps by the compiler, and the same by the referee on its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenes import FLAT, HOUR, START, car, compiled, hours, outlet, planned, priced, scene, yard

from ocpp_schedule import (
    DailyHours,
    Derate,
    Milestone,
    OpeningHours,
    Outage,
    Plan,
    Reservation,
    Session,
    Station,
    TimeGrid,
)
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.model.availability import WEEK
from ocpp_schedule.problem.availability import is_open

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario

DAY = DailyHours(opens="08:00", closes="18:00")


def at(hour: float) -> datetime:
    return START + hour * HOUR


def caps(*rules: Any, sessions: Any = None, **more: Any) -> list[list[int]]:
    """Return the caps of two cars with 32 A on connectors of their own, for four hours [A]."""
    site = more.pop("site", yard(outlet("A"), outlet("B"), limit_a=100.0))
    cars = sessions or [car("a", "A", 0, 4, 50_000, phases=1), car("b", "B", 0, 4, 50_000, phases=1)]
    scenario = scene(site, cars, availability=rules, **more)
    problem = compiled(scenario)
    assert problem.cap_steps.tolist() == referee_caps(scenario).tolist()
    return (problem.cap_steps // 10).tolist()


def referee_caps(scenario: Scenario) -> Any:
    """Return what the referee allows each car, the window too."""
    scene = scene_of(**scenario.inputs())
    cars, grid = scene.cars, scenario.grid
    slot = np.arange(grid.slots)
    inside = (slot >= cars.first[:, None]) & (slot < cars.last[:, None])
    caps = inside * cars.maximum[:, None]
    return caps if scene.own is None else scene.own.cap(caps, np.arange(len(cars.ids)))


FULL = [32, 32, 32, 32]
RULES = [
    pytest.param([Outage(connector="A", start=at(1), end=at(2))], [32, 0, 32, 32], FULL, id="outage-of-a-connector"),
    pytest.param([Outage(station="CP-B", start=at(1), end=at(2))], FULL, [32, 0, 32, 32], id="outage-of-a-station"),
    pytest.param([Outage(start=at(1), end=at(2))], [32, 0, 32, 32], [32, 0, 32, 32], id="outage-of-the-site"),
    pytest.param([Outage(connector="A", start=at(0.99), end=at(1.01))], [0, 0, 32, 32], FULL, id="touches-two-slots"),
    pytest.param([Outage(connector="A", start=at(-9), end=at(0))], FULL, FULL, id="over-before"),
    pytest.param([Outage(connector="A", start=at(4), end=at(9))], FULL, FULL, id="begins-after"),
    pytest.param([Derate(connector="A", start=at(0), end=at(2), max_current_a=10.55)], [10, 10, 32, 32], FULL,
        id="derate"),
    pytest.param([Derate(connector="A", start=at(0), end=at(2), max_current_a=5.9)], [0, 0, 32, 32], FULL,
        id="below-6-A"),
    pytest.param([Derate(start=at(0), end=at(2), max_current_a=9), Derate(start=at(1), end=at(3), max_current_a=12)],
        [9, 9, 12, 32], [9, 9, 12, 32], id="the-lowest-counts"),
    pytest.param([Reservation(connector="A", start=at(2), end=at(3))], [32, 32, 0, 32], FULL, id="kept-for-a-stranger"),
    pytest.param([Reservation(connector="A", start=at(2), end=at(3), session="a")], FULL, FULL, id="kept-for-the-car"),
    pytest.param([OpeningHours(connector="A", hours=[DailyHours(opens="01:00", closes="03:00")])],
        [0, 32, 32, 0], FULL, id="hours"),
    pytest.param([OpeningHours(connector="A", hours=[DailyHours(opens="01:00", closes="02:00"),
        DailyHours(opens="02:00", closes="02:59")])], [0, 32, 0, 0], FULL, id="a-minute-short"),
    pytest.param([OpeningHours(connector="A", hours=[DailyHours(days=["wed"], opens="22:00", closes="02:00")])],
        [32, 32, 0, 0], FULL, id="open-since-the-evening"),  # the 15th is a Thursday
    pytest.param([OpeningHours(connector="A", hours=[DailyHours(days=["thu"], opens="22:00", closes="02:00")])],
        [0, 0, 0, 0], FULL, id="opens-in-the-evening"),
    pytest.param([OpeningHours(connector="A", closed_on=["2026-01-14"],
        hours=[DailyHours(days=["wed"], opens="22:00", closes="02:00")])], [0, 0, 0, 0], FULL, id="evening-was-closed"),
    pytest.param([OpeningHours(connector="A", closed_on=[date(2026, 1, 15)],
        hours=[DailyHours(opens="00:00", closes="24:00")])], [0, 0, 0, 0], FULL, id="closed-day"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "first", "second"), RULES)
def test_what_is_left(rules: list[Any], first: list[int], second: list[int]) -> None:
    assert caps(*rules) == [first, second]


def test_a_derate_of_a_w_station_is_in_its_watts() -> None:
    site = yard(
        outlet("A"),
        stations=[Station(id="CP-A", circuit="main", ocpp_version="1.6", capabilities={"rate_units": ("W",)})],
    )
    rule = Derate(start=at(0), end=at(1), max_current_a=10)
    scenario = scene(site, [car("a", "A", 0, 4, 50_000, phases=1)], availability=(rule,))
    assert compiled(scenario).cap_steps.tolist() == [[230, 736, 736, 736]] == referee_caps(scenario).tolist()


ZONE = "Europe/Amsterdam"
CHANGES = [
    pytest.param(date(2026, 3, 29), "02:00", "03:00", [], id="the-hour-that-is-left-out"),
    pytest.param(date(2026, 3, 29), "01:00", "04:00", [0, 1], id="across-the-gap"),
    pytest.param(date(2026, 10, 25), "02:00", "03:00", [0, 1], id="the-hour-that-comes-twice"),
    pytest.param(date(2026, 10, 25), "01:00", "02:30", [-1], id="open-half-of-each"),
]


@pytest.mark.parametrize(("day", "opens", "closes", "slots"), CHANGES)
def test_hours_are_those_of_the_clock_on_the_wall(day: date, opens: str, closes: str, slots: list[int]) -> None:
    """Slots of an hour are counted from 00:00Z: 01:00 local in March, 02:00 (summer time) in October."""
    grid = TimeGrid.regular(datetime(day.year, day.month, day.day, tzinfo=UTC) - HOUR, HOUR, 6)
    site = yard(outlet("A"), time_zone=ZONE)
    stay = Session(id="a", connector="A", arrival=grid.start, departure=grid.end, energy_wh=1, phases=1)
    rule = OpeningHours(hours=[DailyHours(opens=opens, closes=closes)])
    scenario = scene(site, [stay], grid=grid, availability=(rule,))
    cap = compiled(scenario).cap_steps
    assert [slot - 1 for slot in np.flatnonzero(cap[0]).tolist()] == slots
    assert cap.tolist() == referee_caps(scenario).tolist()


clock = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
daily = st.tuples(st.sets(st.sampled_from(WEEK), min_size=1), clock, clock).filter(lambda one: one[1] != one[2])


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from([ZONE, "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    day=st.sampled_from([date(2026, 3, 7), date(2026, 3, 28), date(2026, 4, 4), date(2026, 10, 24), date(2026, 11, 1)]),
    hours_of=st.lists(daily, min_size=1, max_size=3),
    closed=st.sets(st.dates(date(2026, 3, 28), date(2026, 3, 30))),
    spell=st.tuples(st.integers(-40_000, 150_000), st.integers(1, 90_000), st.sampled_from([0.0, 5.0, 8.0, 40.0])),
    step_min=st.sampled_from([15, 60, 77]),
)
def test_referee_and_compiler_see_the_same_caps(
    zone: str,
    day: date,
    hours_of: list[tuple[set[Any], str, str]],
    closed: set[date],
    spell: tuple[int, int, float],
    step_min: int,
) -> None:
    start = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    grid = TimeGrid.regular(start, timedelta(minutes=step_min), 40)
    rules = (
        OpeningHours(
            hours=[DailyHours(days=sorted(days), opens=opens, closes=closes) for days, opens, closes in hours_of],
            closed_on=sorted(closed),
        ),
        Derate(
            connector="A",
            start=start + timedelta(seconds=spell[0]),
            end=start + timedelta(seconds=spell[0] + spell[1]),
            max_current_a=spell[2],
        ),
    )
    stay = Session(id="a", connector="A", arrival=start, departure=grid.end + 30 * HOUR, energy_wh=500_000, phases=1)
    scenario = scene(yard(outlet("A"), time_zone=zone), [stay], grid=grid, availability=rules)
    assert compiled(scenario).cap_steps.tolist() == referee_caps(scenario).tolist()
    assert planned(scenario).report.wanted_units["a"] == compiled(scenario).demand_wish_units[-1]


def test_noon_is_open_whatever_the_zone() -> None:
    assert is_open(OpeningHours(hours=[DAY]), datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Pacific/Auckland")))


def test_the_time_after_the_grid_counts_only_where_the_connector_gives() -> None:
    """7.36 kW after the grid for two hours; an outage takes one of them, so that much more must come from the grid."""
    stay = [car("a", "A", 0, 6, 20_000, phases=1, max_current_a=32)]
    site = yard(outlet("A"), limit_a=40.0)
    rules = [Outage(start=at(4.5), end=at(5.5))]
    assert planned(scene(site, stay)).report.wanted_units == {"a": (20_000 - 2 * 7360) * 36_000}
    assert planned(scene(site, stay, availability=rules)).report.wanted_units == {"a": (20_000 - 7360) * 36_000}


def test_availability_is_looked_at_for_a_week_after_the_grid() -> None:
    stay = [car("a", "A", 0, 4 + 24 * 30, 4_100_000, phases=1)]
    closed = [OpeningHours(hours=[DailyHours(days=["thu"], opens="00:00", closes="00:01")])]
    plan = planned(scene(yard(outlet("A"), limit_a=40.0), stay, availability=closed))
    minute_wh = 7360 / 60
    assert plan.report.wanted_units["a"] == round((4_100_000 - 7360 * 24 * 23 - minute_wh) * 36_000)


def test_a_shortfall_names_what_takes_the_energy() -> None:
    rules = [Outage(station="CP-A", start=at(1), end=at(3), note="firmware")]
    plan = planned(scene(yard(outlet("A")), [car("a", "A", 0, 4, 20_000, phases=1)], availability=rules))
    assert plan.status == "partial"
    (short,) = plan.shortfalls
    assert (short.limit, short.possible_wh) == ("station CP-A (outage: firmware)", 2 * 25 * 230)  # what main leaves
    assert short.proven


def test_a_milestone_in_an_outage_is_missed_and_named() -> None:
    goal = {"by": at(2), "energy_wh": 5000.0}
    rules = [Outage(start=at(0), end=at(2))]
    plan = planned(
        scene(yard(outlet("A")), [car("a", "A", 0, 4, 9000, phases=1, milestones=(goal,))], availability=rules)
    )
    assert plan.report.missing_must_units == {"a": 5000 * 36_000}
    assert plan.shortfalls[0].limit == "site yard (outage)"


def test_plans_around_closed_hours_and_survives_the_archive() -> None:
    rules = [OpeningHours(hours=[DailyHours(opens="02:00", closes="24:00")])]
    scenario = scene(
        yard(outlet("A")), [car("a", "A", 0, 4, 5000, phases=1)], priced(0.1, 0.1, 0.3, 0.2), availability=rules
    )
    plan = planned(scenario)
    assert plan.status == "complete"
    assert plan.setpoints[0, :2].tolist() == [0, 0]
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def test_the_idle_floor_stays_in_closed_hours() -> None:
    site = yard(outlet("A"), outlet("B"), idle_floor_a=6.0, limit_a=20.0)
    rules = [Outage(connector="B", start=at(0), end=at(4))]
    cars = [car("a", "A", 0, 4, 20_000, phases=1)]
    plan = planned(scene(site, cars, FLAT, availability=rules, grid=hours(4)))
    assert plan.setpoints.max() == 140  # 20 A less the 6 A that outlet B may still give


@settings(max_examples=60, deadline=None)
@given(
    fraction=st.integers(0, 999_999),
    late=st.integers(0, 7200),
    spell=st.tuples(st.integers(0, 7200), st.integers(1, 7200), st.sampled_from([0.0, 5.0, 8.0])) | st.none(),
    goal=st.integers(-3600, 7200),
)
def test_fractions_of_a_second_after_the_grid_count_exactly(
    fraction: int, late: int, spell: tuple[int, int, float] | None, goal: int
) -> None:
    """Departure and milestone at any microsecond: the referee and the compiler want the same to the unit."""
    leaves = at(4) + timedelta(seconds=late, microseconds=fraction)
    by = min(at(4) + timedelta(seconds=goal, microseconds=fraction // 7), leaves)
    stay = car("a", "A", 0, 4, 22_222.2, phases=1).model_copy(
        update={"departure": leaves, "milestones": (Milestone(by=by, energy_wh=15_000.1),)}
    )
    rules = []
    if spell is not None:
        start = at(4) + timedelta(seconds=spell[0])
        rules = [Derate(start=start, end=start + timedelta(seconds=spell[1]), max_current_a=spell[2])]
    scenario = scene(yard(outlet("A")), [stay], availability=rules)
    wanted = compiled(scenario).demand_wish_units.tolist()
    report = planned(scenario).report
    assert [goal.needed_units for goal in report.milestones if goal.needed_units] + [report.wanted_units["a"]] == wanted


def test_an_outage_that_goes_on_beyond_the_grid_takes_nothing_from_a_session_that_ends_before() -> None:
    short = car("a", "A", 0, 2, 1000, phases=1)
    plan = planned(
        scene(
            yard(outlet("A")),
            [short, car("b", "A", 2, 4, 500, phases=1)],
            availability=(Outage(start=at(1), end=at(6)),),
        )
    )
    assert plan.report.wanted_units["a"] == 1000 * 36_000
    assert plan.energy_wh["a"] >= 1000
