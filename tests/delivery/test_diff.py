"""The diff: what is not sent, what is removed, what is held back, what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_schedule import (
    Capabilities,
    Circuit,
    Connector,
    InputError,
    Plan,
    Session,
    Site,
    Station,
    Tariff,
    TimeGrid,
    diff,
    example_path,
    load_scenario,
    schedule,
)

if TYPE_CHECKING:
    from ocpp_schedule.delivery.diff import Diff

START = datetime(2026, 1, 15, tzinfo=UTC)
GRID = TimeGrid.regular(START, timedelta(hours=1), 2)


def two_cars(a_wh: float, b_wh: float, *, floor_a: float = 0.0, **capabilities: Any) -> Plan:
    site = Site(
        id="home",
        circuits=[Circuit(id="main", limit_a=(25.0, 0.0, 0.0))],
        stations=[
            Station(id=name, circuit="main", ocpp_version="1.6", capabilities=Capabilities(**capabilities))
            for name in ("CP1", "CP2")
        ],
        connectors=[
            Connector(id=name, station=station, lines=("L1",), max_current_a=16)
            for name, station in (("A", "CP1"), ("B", "CP2"))
        ],
        idle_floor_a=floor_a,
    )
    cars = [
        Session(id=name, connector=name.upper(), arrival=START, departure=GRID.end, energy_wh=wh, transaction_id=k)
        for k, (name, wh) in enumerate((("a", a_wh), ("b", b_wh)), start=1)
    ]
    return schedule(site, cars, Tariff(energy=0.2), GRID)


def held_of(plan: Plan) -> dict[str, list[Any]]:
    held: dict[str, list[Any]] = {}
    for message in plan.to_ocpp():
        held.setdefault(message["station"], []).append(message["payload"])
    return held


def sent(found: Diff) -> list[str]:
    return [message["id"] for message in found.messages]


SMALL, LARGE = two_cars(2070, 2070), two_cars(2070, 2093)


def test_what_is_there_is_not_sent_again() -> None:
    found = SMALL.diff(held_of(SMALL))
    assert found.messages == ()
    assert found.unchanged == ("CP1/101", "CP1/103", "CP2/101", "CP2/103")


def test_what_begins_alike_from_now_on_is_not_sent_again() -> None:
    held = held_of(SMALL)
    schedule_ = held["CP1"][1]["csChargingProfiles"]["chargingSchedule"]
    schedule_["chargingSchedulePeriod"][0]["limit"] = 6.0
    assert sent(SMALL.diff(held)) == ["CP1/103"]
    assert sent(SMALL.diff(held, now=START + timedelta(hours=1))) == []


def test_a_message_sent_without_an_answer_is_sent_again() -> None:
    held = held_of(SMALL)
    held["CP1"][1]["state"] = "sent"
    [message] = SMALL.diff(held).messages
    assert (message["id"], message["lowers"]) == ("CP1/103", True)


def test_what_is_no_longer_wanted_is_removed_by_its_id_after_all_else() -> None:
    plan = two_cars(2070, 2070)
    held = held_of(plan)
    stale = json.loads(json.dumps(held["CP1"][1]))
    stale["csChargingProfiles"] |= {"chargingProfileId": 102, "chargingProfilePurpose": "TxDefaultProfile"}
    del stale["csChargingProfiles"]["transactionId"]
    held["CP1"].append(stale)
    [message] = plan.diff(held).messages
    assert (message["action"], message["payload"], message["lowers"]) == ("ClearChargingProfile", {"id": 102}, True)
    assert plan.diff(held, version="1.6").messages[0]["payload"] == {"id": 102}


def test_an_unwanted_profile_that_does_what_lies_below_it_stays() -> None:
    held = held_of(SMALL)
    idle = json.loads(json.dumps(held["CP1"][0]))
    idle["csChargingProfiles"] |= {"chargingProfileId": 102, "stackLevel": 1}
    assert SMALL.diff(held | {"CP1": [*held["CP1"], idle]}).messages == ()


@pytest.mark.parametrize(("kept", "expected"), [("all", []), ("none", []), ("last", ["CP1/102/clear"])])
def test_an_unwanted_profile_goes_where_one_alone_may_outlive_a_reboot(kept: str, expected: list[str]) -> None:
    """Left alone with a clock at 1970 it would say nothing, and the outlet would give all it can."""
    plan = two_cars(2070, 2070, keeps_over_reboot=kept)
    held = held_of(plan)
    idle = json.loads(json.dumps(held["CP1"][0]))
    idle["csChargingProfiles"] |= {"chargingProfileId": 102, "stackLevel": 1}
    idle["csChargingProfiles"]["chargingSchedule"]["startSchedule"] = "2026-01-14T23:59:00Z"
    assert sent(plan.diff(held | {"CP1": [*held["CP1"], idle]})) == expected


def test_an_id_that_a_2x_station_has_at_the_place_is_taken_over() -> None:
    held = {name: [dict(item) for item in items] for name, items in held_of(SMALL).items()}
    for item in held["CP1"]:
        item["csChargingProfiles"] = dict(item["csChargingProfiles"])
    held["CP1"][0]["csChargingProfiles"]["chargingProfileId"] = 77
    assert "CP1/101" in sent(SMALL.diff(held))  # 1.6: the place decides, our id stays


def test_a_profile_of_somebody_else_counts_and_stays() -> None:
    held = held_of(SMALL)
    other = json.loads(json.dumps(held["CP1"][0]))
    other["csChargingProfiles"] |= {"chargingProfileId": 999, "stackLevel": 9}
    other["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 16.0
    held["CP1"].append(other)
    found = LARGE.diff(held)
    assert [one.reason for one in found.withheld] == ["room"]
    assert "circuit 'main' L1 lacks" in str(found.withheld[0])
    assert ["none of ours" in str(finding) for finding in found.findings] == [True]


def test_small_raises_are_not_sent_and_small_lowerings_are() -> None:
    up = LARGE.diff(held_of(SMALL), dead_band_a=0.5)
    assert (up.messages, [one.reason for one in up.withheld]) == ((), ["dead_band"])
    assert sent(LARGE.diff(held_of(SMALL), dead_band_a=0.05)) == ["CP2/103"]
    assert sent(SMALL.diff(held_of(LARGE), dead_band_a=0.5)) == ["CP2/103"]


def test_the_dead_band_of_stations_that_take_watts() -> None:
    plans = [two_cars(2070, wh, rate_units=("W",)) for wh in (2070, 2093)]
    raised = plans[1].limits.max() - plans[0].limits.max()
    assert raised > 0
    assert sent(plans[1].diff(held_of(plans[0]), dead_band_w=raised)) == ["CP2/103"]
    assert sent(plans[1].diff(held_of(plans[0]), dead_band_a=100.0)) == ["CP2/103"]
    found = plans[1].diff(held_of(plans[0]), dead_band_w=raised + 1)
    assert sent(found) == []
    assert [one.reason for one in found.withheld] == ["dead_band"]
    assert sent(plans[0].diff(held_of(plans[1]), dead_band_w=1000.0)) == ["CP2/103"]


def test_raises_wait_when_the_messages_of_the_day_are_spent_and_lowerings_do_not() -> None:
    plans = [two_cars(2070, wh, writes_per_day=2) for wh in (2070, 2300)]
    up = plans[1].diff(held_of(plans[0]), writes_used={"CP2": 2})
    assert (up.messages, up.withheld[0].reason, up.withheld[0].until) == ((), "writes", None)
    assert sent(plans[1].diff(held_of(plans[0]), writes_used={"CP2": 1})) == ["CP2/103"]
    down = plans[0].diff(held_of(plans[1]), writes_used={"CP2": 5})
    assert (sent(down), down.beyond_writes) == (["CP2/103"], {"CP2": 1})


def test_raises_wait_for_the_shortest_interval() -> None:
    plans = [two_cars(2070, wh, min_update_interval_s=600) for wh in (2070, 2300)]
    up = plans[1].diff(held_of(plans[0]), last_write={"CP2": START - timedelta(seconds=540)})
    assert (up.messages, up.withheld[0].reason, up.withheld[0].until) == ((), "interval", "2026-01-15T00:01:00Z")
    assert sent(plans[1].diff(held_of(plans[0]), last_write={"CP2": START - timedelta(seconds=600)})) == ["CP2/103"]


def test_expiry() -> None:
    [up] = LARGE.diff(held_of(SMALL)).messages
    [down] = SMALL.diff(held_of(LARGE)).messages
    assert (up["lowers"], up["expires_at"]) == (False, "2026-01-15T01:00:00Z")
    assert (down["lowers"], down["expires_at"]) == (True, "2026-01-15T02:00:00Z")


def test_nothing_known_is_the_worked_order() -> None:
    plan = two_cars(5520, 3680, floor_a=6.0)
    found = plan.diff({})
    assert [(m["id"], m["wave"], m["lowers"]) for m in found.messages] == [
        ("CP1/101", 0, True), ("CP2/101", 0, True), ("CP1/103", 1, False), ("CP2/103", 1, False),
    ]  # fmt: skip
    assert found.messages == tuple(plan.to_ocpp(installed={}))
    assert json.loads(json.dumps(found.messages)) == list(found.messages)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["connectorId", "csChargingProfiles", "evseId", "chargingProfile", "state", "payload", "id",
                         "connector", "profile", "chargingProfileId", "version"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(junk=ANYTHING)
def test_nothing_in_installed_raises_and_what_cannot_be_read_is_unbounded(junk: Any) -> None:
    held = held_of(SMALL)
    found = LARGE.diff(held | {"CP1": [*held["CP1"], junk]})
    if not isinstance(junk, dict):
        assert [one.reason for one in found.withheld] == ["room"]
        assert found.findings
    assert isinstance(LARGE.diff(held | {"CP1": junk}).messages, tuple)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"now": GRID.end}, "after the grid", id="over"),
        pytest.param({"now": datetime(2026, 1, 15)}, "no zone", id="naive"),  # noqa: DTZ001 - what is refused
        pytest.param({"dead_band_a": -1.0}, "cannot be", id="dead-band"),
        pytest.param({"writes_used": {"CP9": 1}}, "no such station", id="unknown-station"),
        pytest.param({"writes_used": {"CP1": -1}}, "no number of messages", id="negative-writes"),
        pytest.param({"last_write": {"CP9": START}}, "no such station", id="unknown-station-written"),
        pytest.param({"last_write": {"CP1": "now"}}, "aware datetime", id="no-instant"),
        pytest.param({"version": "1.5"}, "not known", id="version"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        SMALL.diff({}, **arguments)


def test_stacks_of_another_site_are_refused() -> None:
    stacks = SMALL.stacks()
    with pytest.raises(InputError, match="no stack for 'B'"):
        diff({}, stacks[:1], SMALL.scenario)
    with pytest.raises(InputError, match="no station 'X'"):
        diff({}, [*stacks, replace(stacks[0], station="X")], SMALL.scenario)
    with pytest.raises(TypeError, match="only with installed"):
        SMALL.to_ocpp(now=START)


@pytest.mark.parametrize("name", ["depot_night", "tight"])
def test_examples_with_guards_go_from_nothing_to_the_plan_and_stay(name: str) -> None:
    day = load_scenario(example_path(name))
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, limits=day.limits, forecasts=day.forecasts)
    first = plan.diff({})
    assert first.withheld == ()
    held: dict[str, list[Any]] = {}
    for message in first.messages:
        held.setdefault(message["station"], []).append(message)
    again = plan.diff(held)
    assert (again.messages, again.withheld, again.findings) == ((), (), ())
