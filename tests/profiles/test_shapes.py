"""Stacks of stations that do not take the full one: what each profile is, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.carriers import LimitCarrier
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand
from ocpp_schedule.timegrid import EARLIEST, TimeGrid

if TYPE_CHECKING:
    from ocpp_schedule.profiles.model import ProfileStack

START = datetime(2026, 1, 15, tzinfo=UTC)
GRID = TimeGrid.regular(START, timedelta(hours=1), 3)
RUNNING = {"id": "a", "connector": "A", "first": 0, "last": 1, "transaction_id": 7}
COMING = {"id": "b", "connector": "A", "first": 2, "last": 3}
SETPOINTS = {"a": [160, 0, 0], "b": [0, 0, 100]}
NO_SESSION = ("charging_station_max_profile", "tx_default_profile")
NO_DEFAULT = ("charging_station_max_profile", "tx_profile")
FLOOR = "idle_floor 101 tx_default_profile 0 1970: 0 60"
PLAN = "plan 102 tx_default_profile 1 -60: 0 60, 7260 100, 10860 70"
SESSION = "session 103 tx_profile 1 -60: 0 160, 3660 60, 10920 70"
BOTH = "0 160, 3660 60, 7260 100, 10860 70"


def session(id: str, connector: str, first: int, last: int, **more: Any) -> Session:  # noqa: A002 - as in the model
    at = {"arrival": START + timedelta(hours=first), "departure": START + timedelta(hours=last)}
    return Session(id=id, connector=connector, energy_wh=1.0, **at, **more)


def stacks(
    *given: dict[str, Any],
    station: dict[str, Any] | None = None,
    connectors: str = "A",
    guard_s: int = 60,
    ids: dict[tuple[str, str], int] | None = None,
    **known: Any,
) -> tuple[ProfileStack, ...]:
    box = {"id": "CP1", "circuit": "main", "ocpp_version": "1.6", "capabilities": Capabilities(**known)}
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=100.0)],
        stations=[Station(**box | (station or {}))],
        connectors=[
            Connector(id=name, station="CP1", evse_id=at, max_current_a=32.0) for at, name in enumerate(connectors, 1)
        ],
        edge_guard_s=guard_s,
    )
    sessions = [session(**one) for one in given]
    floors = dict.fromkeys(connectors, (60, 70))
    solution = solution_by_hand({one.id: SETPOINTS[one.id] for one in sessions}, floors, slots=3)
    return build_stacks(site, sessions, GRID, solution, ids=ids)


def told(stack: ProfileStack) -> list[str]:
    """Return each layer as name, id, purpose, level, start and periods."""
    lines = []
    for layer in stack.layers:
        profile = layer.profile
        start = profile.schedule.start
        since = "relative"
        if start is not None:
            since = "1970" if start == EARLIEST else str(round((start - START).total_seconds()))
        assert profile.kind == ("relative" if start is None else "absolute")
        periods = ", ".join(f"{period.start_s} {period.limit_tenths}" for period in profile.schedule.periods)
        lines.append(f"{layer.name} {profile.id} {profile.purpose} {profile.stack_level} {since}: {periods}")
    return lines


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({}, [FLOOR, PLAN, SESSION], id="full"),
        pytest.param(
            {"stack_levels": (5, 2)},
            [
                FLOOR.replace("profile 0", "profile 2"),
                PLAN.replace("profile 1", "profile 5"),
                SESSION.replace("profile 1", "profile 5"),
            ],
            id="levels",
        ),
        pytest.param({"max_profiles": 2}, [FLOOR, f"plan 102 tx_default_profile 1 -60: {BOTH}"], id="two"),
        pytest.param({"purposes": NO_SESSION}, [FLOOR, f"plan 102 tx_default_profile 1 -60: {BOTH}"], id="no-tx"),
        pytest.param({"max_profiles": 1}, [f"default 101 tx_default_profile 0 -60: {BOTH}"], id="one"),
        pytest.param(
            {"stack_levels": (0,)},
            [
                PLAN.replace("plan 102", "default 101").replace("profile 1", "profile 0"),
                SESSION.replace("profile 1", "profile 0"),
            ],
            id="one-level",
        ),
        pytest.param({"purposes": NO_DEFAULT}, [SESSION], id="no-default"),
        pytest.param({"kinds": ("relative",)}, ["idle_floor 101 tx_default_profile 0 relative: 0 60"], id="relative"),
        pytest.param({"kinds": ("recurring",)}, [], id="no-kind"),
    ],
)
def test_the_stack_of_one_connector(known: dict[str, Any], expected: list[str]) -> None:
    (stack,) = stacks(RUNNING, COMING, **known)
    assert told(stack) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({}, [FLOOR], id="full"),
        pytest.param({"max_profiles": 1}, ["default 101 tx_default_profile 0 1970: 0 60"], id="one"),
        pytest.param({"purposes": NO_DEFAULT}, [], id="no-default"),
    ],
)
def test_without_sessions_a_default_profile_is_a_floor(known: dict[str, Any], expected: list[str]) -> None:
    (stack,) = stacks(**known)
    assert told(stack) == expected


def test_the_station_s_own_profiles_come_first() -> None:
    whole, one, two = stacks(COMING, station={"max_current_a": 40.05}, connectors="AB", max_profiles=7)
    assert told(whole) == ["station_cap 4 charging_station_max_profile 0 1970: 0 400"]
    assert (whole.connector, whole.evse_id) == ("", 0)
    assert told(one) == [FLOOR, PLAN]
    assert told(two) == [FLOOR.replace("101", "201")]


def test_a_cap_in_watts_is_above_every_set_point() -> None:
    whole, _ = stacks(station={"max_current_a": 16.0}, max_profiles=4, rate_units=("W",))
    assert told(whole) == [f"station_cap 4 charging_station_max_profile 0 1970: 0 {3 * 230 * 16 * 10}"]


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_connectors_share_a_floor(kind: str) -> None:
    whole, *own = stacks(COMING, connectors="ABC", max_profiles=2, kinds=(kind,))
    since = "1970" if kind == "absolute" else "relative"
    assert told(whole) == [f"shared_floor 1 tx_default_profile 0 {since}: 0 60"]
    assert [told(stack) for stack in own] == [[], [], []]


def test_beside_a_shared_floor_the_first_connectors_get_their_running_sessions() -> None:
    _, one, *rest = stacks(RUNNING, connectors="ABC", max_profiles=2)
    assert told(one) == [SESSION]
    assert [told(stack) for stack in rest] == [[], []]


def test_ids_of_the_station_can_be_chosen() -> None:
    ids = {("CP1", "station_cap"): 90, ("A", "idle_floor"): 91}
    whole, own = stacks(station={"max_current_a": 40.0}, max_profiles=4, ids=ids)
    assert [whole.layers[0].profile.id, own.layers[0].profile.id] == [90, 91]
    with pytest.raises(InputError, match="station_cap of station 'CP1' and plan of connector 'A' both get"):
        stacks(station={"max_current_a": 40.0}, max_profiles=4, ids={("CP1", "station_cap"): 102})
    with pytest.raises(InputError, match="station 'CP9' does not exist"):
        stacks(ids={("CP9", "station_cap"): 90})


@pytest.mark.parametrize(
    ("guard_s", "known", "lead_s"),
    [
        pytest.param(60, {}, 60, id="default"),
        pytest.param(0, {}, 60, id="no-guard"),
        pytest.param(1201, {}, 601, id="half-the-guard"),
        pytest.param(60, {"clock_skew_s": 300}, 300, id="a-clock-that-is-off"),
    ],
)
def test_a_plan_starts_before_the_slowest_clock(guard_s: int, known: dict[str, Any], lead_s: int) -> None:
    (stack,) = stacks(COMING, guard_s=guard_s, **known)
    plan = stack.layers[1].profile.schedule
    assert plan.start == START - timedelta(seconds=lead_s)
    assert [period.start_s for period in plan.periods] == [0, 7200 + lead_s, 10800 + lead_s]


KEY = LimitCarrier(key="Max{evse}", component="Limiter", lowest=6, highest=32, scope="connector")
STATION_KEY = LimitCarrier(key="Max", per_unit=10, keeps_over_reboot=False)


@pytest.mark.parametrize(
    ("carrier", "sessions", "known", "expected"),
    [
        pytest.param(KEY, (), {}, [("floor", "Max1", 1, 6, True), ("floor", "Max2", 2, 6, True)], id="floors"),
        pytest.param(
            KEY, (RUNNING,), {}, [("floor", "Max1", 1, 16, False), ("floor", "Max2", 2, 6, True)], id="below-a-plan"
        ),
        pytest.param(STATION_KEY, (), {}, [("floor", "Max", 0, 120, True)], id="floors-of-all"),
        pytest.param(STATION_KEY, (RUNNING,), {}, [("floor", "Max", 0, 220, False)], id="of-all-below-a-plan"),
        pytest.param(
            STATION_KEY,
            (RUNNING,),
            {"purposes": ("tx_default_profile",)},
            [("cap", "Max", 0, 400, True)],
            id="cap-where-none-is-taken",
        ),
        pytest.param(STATION_KEY, (), {"purposes": NO_SESSION, "max_profiles": 9}, [], id="not-beside-a-cap"),
        pytest.param(KEY, (), {"purposes": NO_SESSION}, [], id="not-where-there-are-floors"),
    ],
)
def test_a_key_outside_profiles(
    carrier: LimitCarrier, sessions: tuple[Any, ...], known: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    known = {"purposes": NO_DEFAULT, "limit_carrier": carrier} | known
    found = stacks(*sessions, station={"max_current_a": 40.0}, connectors="AB", **known)
    ceilings = [one for stack in found for one in stack.ceilings]
    assert [(one.purpose, one.key, one.evse_id, one.value, one.fixed) for one in ceilings] == expected


def test_a_relative_profile_says_nothing_of_its_start() -> None:
    (stack,) = stacks(kinds=("relative",))
    assert stack.layers[0].profile.schedule.start is None


@pytest.mark.parametrize("sessions", [(), (RUNNING, COMING)], ids=["idle", "planned"])
def test_a_dc_outlet_is_told_watts_and_no_phases(sessions: tuple[Any, ...]) -> None:
    outlet = Connector(id="A", station="CP1", max_current_a=100, current_type="DC", max_power_w=50_000, efficiency=0.95)
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=100.0)],
        stations=[
            Station(id="CP1", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("A", "W")))
        ],
        connectors=[outlet],
    )
    given = [session(**one | ({"transaction_id": "x"} if "transaction_id" in one else {})) for one in sessions]
    solution = solution_by_hand({one.id: SETPOINTS[one.id] for one in given}, {"A": (0, 0)}, slots=3)
    (stack,) = build_stacks(site, given, GRID, solution)
    for layer in stack.layers:
        assert layer.profile.schedule.unit == "W"
        assert {period.phases for period in layer.profile.schedule.periods} == {None}
    assert len(stack.layers) == (3 if sessions else 1)
