"""Every text of the checks across fields and objects, on raw data, with its place and its remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_schedule.model import _raw as raw
from ocpp_schedule.model import _references as references
from ocpp_schedule.model.checks import cross_problems, numbered, own_problems
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

GRID = TimeGrid.model_validate({"start": "2026-01-15T00:00Z", "step_s": 3600, "slots": 4})


def site(circuits: Sequence[dict[str, Any]] = ({"id": "main"},), **changes: object) -> dict[str, Any]:
    """Return a site; circuits without a limit have 25 A."""
    limits = ("limit_a", "limit_va", "limit_w")
    return {
        "id": "s",
        "circuits": [
            circuit if any(name in circuit for name in limits) else {**circuit, "limit_a": 25} for circuit in circuits
        ],
        "stations": [{"id": "CP1", "circuit": "main", "ocpp_version": "1.6"}],
        "connectors": [
            {"id": "A", "station": "CP1", "max_current_a": 16},
            {"id": "B", "station": "CP1", "evse_id": 2, "max_current_a": 16},
        ],
        **changes,
    }


def car(
    name: str = "a", connector: str = "A", start: str = "00:00", end: str = "04:00", **more: object
) -> dict[str, Any]:
    times = {"arrival": f"2026-01-15T{start}Z", "departure": f"2026-01-15T{end}Z"}
    return {"id": name, "connector": connector, **times, "energy_wh": 1000.0, **more}


def said(
    the_site: object = None,
    sessions: Sequence[object] = (),
    tariff: object = None,
    grid: TimeGrid | None = GRID,
    limits: Sequence[object] = (),
    forecasts: Sequence[object] = (),
    availability: Sequence[object] = (),
    session_defaults: object = None,
) -> list[str]:
    the_site = site() if the_site is None else the_site
    cars = numbered("sessions", list(sessions))
    rules = numbered("availability", list(availability))
    rest = (numbered("limits", list(limits)), numbered("forecasts", list(forecasts)), rules, session_defaults)
    problems = [
        *own_problems(the_site, cars, rules, rest[1], tariff),
        *cross_problems(the_site, cars, tariff or {"energy": 0.2}, grid, *rest),
    ]
    return [str(problem) for problem in problems]


def two(**changes: object) -> list[dict[str, Any]]:
    return [{"id": "main", "limit_a": 25}, {"id": "p", "parent": "main", "limit_a": 16, **changes}]


DC = {"id": "D", "station": "CP1", "max_current_a": 63, "current_type": "DC", "max_power_w": 5000, "efficiency": 0.9}
WATTS: dict[str, Any] = {
    "connectors": [DC],
    "stations": [{"id": "CP1", "circuit": "main", "ocpp_version": "2.1", "capabilities": {"rate_units": ["W"]}}],
}
SITES = [
    pytest.param(
        site(circuits=[{"id": "main"}, {"id": "main", "parent": "main"}]),
        "site.circuits[1] (main): id 'main' is already used by site.circuits[0]; give each its own.",
        id="duplicate-circuit",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1"}, {"id": "A", "station": "CP1", "evse_id": 2}]),
        "site.connectors[1] (A): id 'A' is already used by site.connectors[0]; give each its own.",
        id="duplicate-connector",
    ),
    pytest.param(
        site(time_zone="Europe/Amsterdm"),
        "site.time_zone: 'Europe/Amsterdm' is no IANA time zone; write for example 'Europe/Amsterdam'.",
        id="zone",
    ),
    pytest.param(
        site(time_zone="../../etc/passwd"),
        "site.time_zone: '../../etc/passwd' is no IANA time zone; write for example 'Europe/Amsterdam'.",
        id="zone-path",
    ),
    pytest.param(
        site(circuits=two(parent="mein")),
        "site.circuits[1] (p): parent 'mein' does not exist; the site has 'main', 'p'.",
        id="unknown-parent",
    ),
    pytest.param(
        site(circuits=[{"id": "main"}, {"id": "other"}]),
        "site.circuits[1]: 'main', 'other' have no parent; a site has one grid connection. "
        "Name a parent for the others.",
        id="two-roots",
    ),
    pytest.param(
        site(
            circuits=[
                {"id": "main"},
                {"id": "x", "parent": "y"},
                {"id": "y", "parent": "z"},
                {"id": "z", "parent": "x"},
            ]
        ),
        "site.circuits[1] (x): the circuits form a cycle: 'x' -> 'y' -> 'z' -> 'x'. "
        "One of them must hang on the grid connection.",
        id="cycle",
    ),
    pytest.param(
        site(circuits=[{"id": "main", "parent": "main"}]),
        "site.circuits[0] (main): the circuits form a cycle: 'main' -> 'main'. "
        "One of them must hang on the grid connection.",
        id="own-parent",
    ),
    pytest.param(
        site(circuits=two(supply="480Y/277")),
        "site.circuits[1] (p): supply '480Y/277' differs from '400Y/230' of 'main' above it; "
        "leave it out or make them equal.",
        id="supply",
    ),
    pytest.param(
        site(stations=[{"id": "CP1", "circuit": "panel"}]),
        "site.stations[0] (CP1): circuit 'panel' does not exist; the site has 'main'.",
        id="station-circuit",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP9"}]),
        "site.connectors[0] (A): station 'CP9' does not exist; the site has 'CP1'.",
        id="connector-station",
    ),
    pytest.param(
        site(stations=[], connectors=[{"id": "A", "station": "CP9"}]),
        "site.connectors[0] (A): station 'CP9' does not exist; the site has none.",
        id="no-stations",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1"}, {"id": "B", "station": "CP1"}]),
        "site.connectors[1] (B): evse_id 1 of station 'CP1' is already used by site.connectors[0]; give each its own.",
        id="evse-twice",
    ),
    pytest.param(
        site(idle_floor_a=3, connectors=[{"id": "A", "station": "CP1", "max_current_a": 16}]),
        "site.connectors[0] (A): min_current_a=6 is above the site's idle_floor_a=3; "
        "raise the floor to it, or set the floor to 0.",
        id="idle-floor-below-minimum",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 5}]),
        "site.connectors[0] (A): min_current_a=6 exceeds max_current_a=5: raise the maximum, lower the minimum, "
        "or set max_current_a=0 for a connector that gives nothing.",
        id="minimum-above-maximum",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "step_a": 0.25}]),
        "site.connectors[0] (A): step_a=0.25 is no multiple of 0.1 A, the finest that OCPP carries; "
        "give 0.1, 0.5, 1 ...",
        id="step",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [6, 16]}]),
        "site.connectors[0] (A): allowed_currents_a=(6, 16) must begin with 0 and rise; "
        "write for example 0, 8, 16, 24, 32.",
        id="pilots-without-zero",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [0, 16, 16]}]),
        "site.connectors[0] (A): allowed_currents_a=(0, 16, 16) must begin with 0 and rise; "
        "write for example 0, 8, 16, 24, 32.",
        id="pilots-twice",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [0, 6.25, 9]}]),
        "site.connectors[0] (A): allowed_currents_a has (6.25), no multiple of 0.1 A, the finest that OCPP carries; "
        "round down.",
        id="pilots-too-fine",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [0, 4, 9]}]),
        "site.connectors[0] (A): allowed_currents_a has 4, which is below min_current_a=6; "
        "lower the minimum, or leave the value out.",
        id="pilots-below-minimum",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 7, "allowed_currents_a": [0, 8, 16]}]),
        "site.connectors[0] (A): allowed_currents_a has nothing between 0 and max_current_a=7: raise the maximum, "
        "add a current, or set max_current_a=0 for a connector that gives nothing.",
        id="pilots-above-maximum",
    ),
    pytest.param(
        site(
            stations=[{"id": "CP1", "circuit": "main", "ocpp_version": "1.6", "capabilities": {"rate_units": ["W"]}}],
            connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [0, 8]}],
        ),
        "site.connectors[0] (A): allowed_currents_a are amperes, but station 'CP1' takes only W; leave them out.",
        id="pilots-in-watts",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "lines": ["L1", "L2", "L1"]}]),
        "site.connectors[0] (A): lines names 'L1' more than once; name each line once, in the order as wired.",
        id="line-twice",
    ),
    pytest.param(
        site(edge_guard_s=1800),
        "site.edge_guard_s: 1800 s of guard on both sides do not fit a slot of 3600 s. "
        "Use longer slots, or a guard of less than half a slot (0: chargers switch at one instant).",
        id="guard",
    ),
    pytest.param(
        site(loads=[{"id": "hall", "circuit": "main"}]),
        "site.loads[0] (hall): has no forecast; add one with this id (zeros are allowed).",
        id="no-forecast",
    ),
    pytest.param(
        {**site(), "circuits": [{"id": "main"}]},
        "site.circuits[0] (main): has no limit; give limit_a (per line), limit_va or limit_w (all lines together), "
        "or several of them.",
        id="no-limit",
    ),
    pytest.param(
        site(groups=[{"id": "g", "limit_a": 5, "stations": ["CP9"]}]),
        "site.groups[0] (g): stations[0] 'CP9' does not exist; the site has 'CP1'.",
        id="group-of-nobody-known",
    ),
    pytest.param(
        site(groups=[{"id": "g", "limit_a": 5}]),
        "site.groups[0] (g): names nobody; give circuits, stations or connectors.",
        id="group-of-nobody",
    ),
    pytest.param(
        site(groups=[{"id": "g", "connectors": ["A"]}]),
        "site.groups[0] (g): has no limit; give limit_a (per line), limit_va or limit_w (all lines together), "
        "or several of them.",
        id="group-without-limit",
    ),
    pytest.param(
        site(groups=[{"id": "g", "connectors": ["A"], "limit_a": 5}] * 2),
        "site.groups[1] (g): id 'g' is already used by site.groups[0]; give each its own.",
        id="duplicate-group",
    ),
    pytest.param(
        site(stations=[{"id": "CP1", "circuit": "main", "exclusive_groups": [["A", "C"]]}]),
        "site.stations[0] (CP1): exclusive_groups[0] names 'C', which is no connector of this station.",
        id="exclusive-elsewhere",
    ),
    pytest.param(
        site(stations=[{"id": "CP1", "circuit": "main", "exclusive_groups": [["A", "A"]]}]),
        "site.stations[0] (CP1): exclusive_groups[0] names 'A' twice; name each once.",
        id="exclusive-twice",
    ),
    pytest.param(
        site(idle_floor_a=6, stations=[{"id": "CP1", "circuit": "main", "exclusive_groups": [["A", "B"]]}]),
        "site.stations[0] (CP1): exclusive_groups cannot hold the site's idle_floor_a=6, which every outlet gets at "
        "once. Set the floor to 0.",
        id="exclusive-with-floor",
    ),
    pytest.param(
        site(connectors=[{**DC, "efficiency": None}], stations=WATTS["stations"]),
        "site.connectors[0] (D): is DC without efficiency; give what goes into the car at most, and its share of what "
        "is drawn.",
        id="dc-without-efficiency",
    ),
    pytest.param(
        site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "max_power_w": 5000, "efficiency": 0.9}]),
        "site.connectors[0] (A): max_power_w and efficiency belong to DC outlets; set current_type to DC, "
        "or leave them out.",
        id="ac-with-dc-fields",
    ),
    pytest.param(
        site(connectors=[DC]),
        "site.connectors[0] (D): is DC, and its station 'CP1' takes no W. Add W to its rate_units.",
        id="dc-without-watts",
    ),
    pytest.param(
        site(**WATTS, cabinets=[{"id": "K", "module_w": 1000, "modules": 2, "connectors": ["D", "X"]}]),
        "site.cabinets[0] (K): connector 'X' does not exist.",
        id="cabinet-of-nobody-known",
    ),
    pytest.param(
        site(cabinets=[{"id": "K", "module_w": 1000, "modules": 2, "connectors": ["A"]}]),
        "site.cabinets[0] (K): connector 'A' is not DC, and only DC outlets take modules.",
        id="cabinet-of-ac",
    ),
    pytest.param(
        site(**WATTS, cabinets=[{"id": name, "module_w": 1000, "modules": 2, "connectors": ["D"]} for name in "KL"]),
        "site.cabinets[1] (L): connector 'D' is named twice; it takes modules of one cabinet.",
        id="two-cabinets",
    ),
    pytest.param(
        site(**WATTS, idle_floor_a=10, cabinets=[{"id": "K", "module_w": 2000, "modules": 2, "connectors": ["D"]}]),
        "site.cabinets[0] (K): has 2 modules, the site's idle_floor_a=10 takes 3 at once. "
        "Lower the floor, or set it to 0.",
        id="cabinet-too-small-for-floors",
    ),
    pytest.param(
        site(circuits=[{"id": "main", "limit_w": 5000, "continuous_load_factor": 1.255}]),
        "site.circuits[0] (main): continuous_load_factor=1.255 has more than two decimals. Round it up.",
        id="weight-too-fine",
    ),
    pytest.param(
        site(
            circuits=[{"id": "main", "supply": "240/120"}],
            connectors=[{"id": "A", "station": "CP1", "max_current_a": 16, "lines": ["L3"]}],
        ),
        "site.connectors[0] (A): lines names 'L3', which supply '240/120' does not have; it has 'L1', 'L2'.",
        id="no-such-line",
    ),
    pytest.param(
        site(
            circuits=[{"id": "main", "supply": "230IT"}],
            connectors=[{"id": "A", "station": "CP1", "max_current_a": 16}],
        ),
        "site.connectors[0] (A): is connected to neutral, which supply '230IT' does not have. "
        "Write connection='delta' and the two lines it lies between, or name another supply.",
        id="no-neutral",
    ),
]


@pytest.mark.parametrize(("the_site", "text"), SITES)
def test_a_fault_of_the_site_is_the_only_one_reported(the_site: dict[str, Any], text: str) -> None:
    assert said(the_site) == [text]


SESSIONS = [
    pytest.param(
        [car(start="04:00", end="02:00")],
        [("sessions[0] (a): departure 2026-01-15T02:00Z is before arrival 2026-01-15T04:00Z. "
         "Swap them, or check the time zone.")],
        id="departure-before-arrival",
    ),
    pytest.param(
        [car(start="02:00", end="02:00")],
        [("sessions[0] (a): departure equals arrival (2026-01-15T02:00Z): a session needs time. "
         "Correct one of them, or leave it out.")],
        id="zero-length",
    ),
    pytest.param(
        [car(min_current_a=10, max_current_a=8)],
        ["sessions[0] (a): min_current_a=10 exceeds max_current_a=8: the car could never charge. Correct one of them."],
        id="own-minimum-above-own-maximum",
    ),
    pytest.param(
        [car(max_current_a=5)],
        [("sessions[0] (a): max_current_a=5 is below the minimum of 6 A: the car could never charge. "
         "Raise it, or leave the session out.")],
        id="maximum-below-the-connector's-minimum",
    ),
    pytest.param(
        [car(min_current_a=20)],
        [("sessions[0] (a): min_current_a=20 exceeds the connector's max_current_a=16: the car could never charge. "
         "Lower it, or name another connector.")],
        id="minimum-above-the-connector's-maximum",
    ),
    pytest.param(
        [car(milestones=[{"by": "2026-01-15T05:00Z", "energy_wh": 500.0}])],
        [("sessions[0] (a): milestones[0].by 2026-01-15T05:00Z is outside the session "
         "(2026-01-15T00:00Z to 2026-01-15T04:00Z). Move it inside.")],
        id="milestone-outside",
    ),
    pytest.param(
        [car(milestones=[{"by": "2026-01-15T02:00Z", "energy_wh": 5000.0}])],
        [("sessions[0] (a): milestones[0].energy_wh=5000 exceeds energy_wh=1000. "
         "Raise energy_wh, or lower the milestone.")],
        id="milestone-too-much",
    ),
    pytest.param(
        [car(milestones=[{"by": f"2026-01-15T0{hour}:00Z", "energy_wh": 1.0} for hour in (3, 2)])],
        [("sessions[0] (a): milestones[1].by 2026-01-15T02:00Z is before milestones[0].by 2026-01-15T03:00Z. "
         "List them in order of time.")],
        id="milestone-order",
    ),
    pytest.param(
        [car(), car("a", "B")],
        ["sessions[1] (a): id 'a' is already used by sessions[0]; give each its own."],
        id="duplicate-id",
    ),
    pytest.param(
        [car(connector="BB")],
        ["sessions[0] (a): connector 'BB' does not exist; the site has 'A', 'B'."],
        id="unknown-connector",
    ),
    pytest.param(
        [car(transaction_id="x1")],
        [("sessions[0] (a): transaction_id 'x1' has the wrong type for OCPP 1.6, which wants an integer. "
         "Give the id that the station uses.")],
        id="transaction-type",
    ),
    pytest.param(
        [car(end="01:00", transaction_id=1), car("b", start="01:00", transaction_id=2)],
        [("sessions[1] (b): connector 'A' is already in the transaction of sessions[0] (a); "
         "only one can run at a time. Take the transaction_id off the other.")],
        id="two-transactions",
    ),
    pytest.param(
        [car(), car("b", start="02:00")],
        [("sessions[1] (b): overlaps sessions[0] (a) on connector 'A': it arrives at 2026-01-15T02:00Z, "
         "the other leaves at 2026-01-15T04:00Z. Correct the times or the connector.")],
        id="overlap",
    ),
    pytest.param(
        [car(), car("b", start="01:00", end="02:00"), car("c", start="03:00")],
        [("sessions[1] (b): overlaps sessions[0] (a) on connector 'A': it arrives at 2026-01-15T01:00Z, "
         "the other leaves at 2026-01-15T04:00Z. Correct the times or the connector."),
         ("sessions[2] (c): overlaps sessions[0] (a) on connector 'A': it arrives at 2026-01-15T03:00Z, "
         "the other leaves at 2026-01-15T04:00Z. Correct the times or the connector.")],
        id="a-long-one-overlaps-two",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sessions", "texts"), SESSIONS)
def test_a_fault_of_sessions_is_told_with_its_remedy(sessions: list[dict[str, Any]], texts: list[str]) -> None:
    assert said(sessions=sessions) == texts


def test_sessions_that_touch_do_not_overlap() -> None:
    assert said(sessions=[car(end="02:00"), car("b", start="02:00")]) == []


def test_a_connector_that_gives_nothing_refuses_no_car() -> None:
    dead = site(connectors=[{"id": "A", "station": "CP1", "max_current_a": 0}])
    assert said(dead, [car(min_current_a=8, max_current_a=8)]) == []


@pytest.mark.parametrize(
    ("own", "texts"),
    [
        pytest.param({"max_current_a": 10}, [], id="fits"),
        pytest.param(
            {"min_current_a": 9, "max_current_a": 12},
            [
                (
                    "sessions[0] (a): none of the connector's allowed_currents_a=(0, 8, 16) lies between 9 and 12 A: "
                    "the car could never charge. Correct its limits, or name another connector."
                )
            ],
            id="between-two",
        ),
        pytest.param(
            {"max_current_a": 7},
            [
                (
                    "sessions[0] (a): none of the connector's allowed_currents_a=(0, 8, 16) lies between 6 and 7 A: "
                    "the car could never charge. Correct its limits, or name another connector."
                )
            ],
            id="below-the-lowest",
        ),
    ],
)
def test_a_car_must_fit_an_allowed_current(own: dict[str, float], texts: list[str]) -> None:
    outlets = [{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": [0, 8, 16]}]
    assert said(site(connectors=outlets), [car(**own)]) == texts


@pytest.mark.parametrize("values", [["8"], [True, 8], [0, float("nan")], [0, 10**400], [-1, 0], 8, None])
def test_unreadable_currents_are_left_to_their_field(values: object) -> None:
    outlets = [{"id": "A", "station": "CP1", "max_current_a": 16, "allowed_currents_a": values}]
    assert said(site(connectors=outlets), [car(max_current_a=8)]) == []


PRICES = {"start": "2026-01-15T00:00Z", "step_s": 3600}
LOADED = site(loads=[{"id": "hall", "circuit": "main"}])
HALL = {"id": "hall", **PRICES, "expected_a": [1.0] * 4}
SERIES = [
    pytest.param(
        {"tariff": {"energy": {**PRICES, "start": "2026-01-15T01:00Z", "per_kwh": [0.1] * 4}}},
        ["tariff.energy: prices start at 2026-01-15T01:00Z, the grid at 2026-01-15T00:00Z. Add the missing values."],
        id="prices-start-late",
    ),
    pytest.param(
        {"tariff": {"energy": {**PRICES, "per_kwh": [0.1] * 3}}},
        ["tariff.energy: prices end at 2026-01-15T03:00Z, the grid at 2026-01-15T04:00Z. Add the missing values."],
        id="prices-end-early",
    ),
    pytest.param(
        {"tariff": {"energy": {**PRICES, "per_kwh": [0.1, 0.1234567, 0.1, 0.1]}}},
        ["tariff.energy.per_kwh[1]: 0.1234567 has more than 6 decimals. Round it."],
        id="fine-price",
    ),
    pytest.param(
        {"tariff": {"energy": 0.1234567}},
        ["tariff.energy: 0.1234567 has more than 6 decimals. Round it."],
        id="fine-flat-price",
    ),
    pytest.param(
        {"forecasts": [{**HALL, "id": "hell"}]},
        ["forecasts[0] (hell): there is no load 'hell'; the site has none."],
        id="forecast-without-load",
    ),
    pytest.param(
        {"the_site": LOADED, "forecasts": [HALL, HALL]},
        ["forecasts[1] (hall): id 'hall' is already used by forecasts[0]; give each its own."],
        id="forecast-twice",
    ),
    pytest.param(
        {"the_site": LOADED, "forecasts": [{**HALL, "high_a": [2.0] * 3}]},
        ["forecasts[0] (hall): high_a has 3 values, expected_a 4; give as many."],
        id="high-shorter",
    ),
    pytest.param(
        {"the_site": LOADED, "forecasts": [{**HALL, "expected_a": [1.0]}]},
        [
            (
                "forecasts[0] (hall): values end at 2026-01-15T01:00Z, the grid at 2026-01-15T04:00Z. "
                "Add the missing values."
            )
        ],
        id="forecast-short",
    ),
    pytest.param(
        {"limits": [{"circuit": "mein", **PRICES, "limit_a": [1.0]}]},
        ["limits[0]: circuit 'mein' does not exist; the site has 'main'."],
        id="limit-circuit",
    ),
    pytest.param(
        {"limits": [{"circuit": "main", **PRICES}]},
        ["limits[0]: gives none; give exactly one of limit_a (per line), limit_va and limit_w (all lines together)."],
        id="limit-in-no-unit",
    ),
    pytest.param(
        {"limits": [{"circuit": "main", **PRICES, "limit_a": [1.0], "limit_w": [1.0]}]},
        [
            (
                "limits[0]: gives limit_a and limit_w; give exactly one of limit_a (per line), limit_va and limit_w "
                "(all lines together)."
            )
        ],
        id="limit-in-two-units",
    ),
    pytest.param(
        {"tariff": {"energy": {**PRICES, "step_s": 10**300, "per_kwh": [0.1]}}},
        [],
        id="a-step-beyond-time-is-a-field-error",
    ),
]


@pytest.mark.parametrize(("parts", "texts"), SERIES)
def test_a_fault_of_series_is_told_with_its_remedy(parts: dict[str, Any], texts: list[str]) -> None:
    assert said(**parts) == texts


def test_without_a_grid_only_its_own_checks_are_left_out() -> None:
    short = {"energy": {**PRICES, "per_kwh": [0.1]}}
    assert said(sessions=[car(connector="BB")], tariff=short, grid=None) == [
        "sessions[0] (a): connector 'BB' does not exist; the site has 'A', 'B'."
    ]


def test_known_names_are_listed_up_to_twelve() -> None:
    names = references.Names(f"C{number}" for number in range(20))
    assert str(names).endswith("'C10', 'C11' and 8 more")
    assert "C19" in names


def test_a_chain_of_ten_thousand_circuits_is_checked_in_one_pass() -> None:
    chain = [{"id": "0"}, *({"id": str(n), "parent": str(n - 1)} for n in range(9_999, 0, -1))]
    assert said(site(circuits=chain, stations=[], connectors=[])) == []


def test_a_long_cycle_is_shortened() -> None:
    ring = [{"id": "main"}, *({"id": str(n), "parent": str((n + 1) % 50)} for n in range(50))]
    [text] = said(site(circuits=ring, stations=[], connectors=[]))
    assert "'11' -> '...' -> '0'" in text


@given(st.permutations(range(6)))
def test_a_tree_has_no_cycle_in_any_order(order: list[int]) -> None:
    circuits = [{"id": str(n), **({"parent": str((n - 1) // 2)} if n else {})} for n in order]
    assert said(site(circuits=circuits, stations=[], connectors=[])) == []


PHASE_CURRENTS = [
    pytest.param({"min_current_a": [6, 6, 8], "max_current_a": [16, 16, 7]},
        [("sessions[0] (a): min_current_a=8 exceeds max_current_a=7 with 3 phases: the car could never charge. "
         "Correct one of them.")], id="crossing-on-three"),
    pytest.param({"min_current_a": [6, 6, 20], "phases": 3},
        [("sessions[0] (a): min_current_a=20 exceeds the connector's max_current_a=16: the car could never charge. "
         "Lower it, or name another connector.")], id="above-the-connector"),
    pytest.param({"min_current_a": [6, 6, 20], "phases": 1}, [], id="not-the-number-it-uses"),
    pytest.param({"max_current_a": [16, 16, 5], "phases": 3},
        [("sessions[0] (a): max_current_a=5 is below the minimum of 6 A: the car could never charge. "
         "Raise it, or leave the session out.")], id="below-the-minimum"),
    pytest.param({"max_current_a": [16, 16], "phases": 9}, [], id="left-to-the-fields"),
    pytest.param({"max_current_a": [16, 16, 16], "phases": 0}, [], id="no-phases"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "messages"), PHASE_CURRENTS)
def test_currents_by_phases_are_checked_for_the_phases_used(more: dict[str, Any], messages: list[str]) -> None:
    assert said(sessions=[car(**more)]) == messages


RULES = [
    pytest.param({"kind": "outage", "connector": "A", "station": "CP1"},
        "availability[0]: names connector 'A' and station 'CP1'; name one (neither: the whole site).", id="two-places"),
    pytest.param({"kind": "outage", "connector": "Q"},
        "availability[0]: connector 'Q' does not exist; the site has 'A', 'B'.", id="unknown-connector"),
    pytest.param({"kind": "derate", "station": "CP9"},
        "availability[0]: station 'CP9' does not exist; the site has 'CP1'.", id="unknown-station"),
    pytest.param({"kind": "outage", "start": "2026-01-15T02:00Z", "end": "2026-01-15T01:00Z"},
        "availability[0]: end 2026-01-15T01:00Z is not after start 2026-01-15T02:00Z. Correct one of them.",
        id="order"),
    pytest.param({"kind": "reservation"},
        "availability[0]: a reservation needs a connector; name it.", id="reservation-of-nothing"),
    pytest.param({"kind": "reservation", "connector": "A", "session": "b"},
        ("availability[0]: session 'b' is not among the sessions. Correct it, or leave it out: "
         "the time is then kept for somebody who is not in the plan."), id="unknown-session"),
    pytest.param({"kind": "reservation", "connector": "B", "session": "a"},
        "availability[0]: session 'a' is on connector 'A', not 'B'. Correct one.", id="session-elsewhere"),
    pytest.param({"kind": "opening_hours", "hours": [{"opens": "24:00", "closes": "08:00"}]},
        "availability[0].hours[0]: opens at 24:00; write 00:00, and the day that follows.", id="opens-at-24"),
    pytest.param({"kind": "opening_hours", "hours": [{"opens": "08:00", "closes": "08:00"}]},
        ("availability[0].hours[0]: opens and closes at 08:00; write 00:00 to 24:00 for the whole day, "
         "and leave out days without hours."), id="no-hours"),
    pytest.param({"kind": "opening_hours", "hours": [{"days": ["mon", "mon"], "opens": "08:00", "closes": "09:00"}]},
        "availability[0].hours[0]: days names 'mon' more than once; name each day once.", id="day-twice"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message"), RULES)
def test_a_fault_of_availability_is_told_with_its_remedy(rule: dict[str, Any], message: str) -> None:
    assert said(sessions=[car()], availability=[rule]) == [message]


def test_a_session_may_leave_out_what_the_defaults_assume() -> None:
    unknown = car(departure=None, energy_wh=None)
    assert said(sessions=[unknown], session_defaults={}) == []
    assert said(sessions=[unknown]) == [
        "sessions[0] (a): departure is missing; add it, or give session_defaults to assume one.",
        "sessions[0] (a): energy_wh is missing; add it, or give session_defaults to assume one.",
    ]


MEETS = (
    "sessions[1] (b): overlaps sessions[0] (a) on connector 'A': it arrives at 2026-01-15T02:00Z, "
    "the other is there and has no departure yet. Correct the times or the connector."
)
EARLY = "sessions[0] (a): milestones[0].by 2026-01-15T01:00Z is not after arrival 2026-01-15T02:00Z. Move it behind."
UNKNOWN_STAYS = [
    pytest.param({}, {"start": "02:00", "departure": None}, [], id="one-after-the-other"),
    pytest.param({"start": "02:00"}, {"start": "02:00"},
        [MEETS], id="at-once"),
    pytest.param({"milestones": [{"by": "2026-01-15T03:00Z", "energy_wh": 5.0}]}, {"start": "02:00"},
        [MEETS], id="before-a-milestone"),
    pytest.param({"start": "02:00", "milestones": [{"by": "2026-01-15T01:00Z", "energy_wh": 5.0}]}, {"start": "05:00"},
        [EARLY], id="milestone-before-arrival"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "messages"), UNKNOWN_STAYS)
def test_sessions_without_departure_must_not_meet(
    first: dict[str, Any], second: dict[str, Any], messages: list[str]
) -> None:
    cars = [car("a", **{"departure": None, **first}), car("b", **{"departure": None, **second})]
    assert said(sessions=cars, session_defaults={}) == messages


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=8))
def test_overlaps_are_reported_exactly_where_some_pair_overlaps(stays: list[tuple[int, int]]) -> None:
    zero = datetime(2026, 1, 15, tzinfo=UTC)
    cars = [
        {
            "id": str(number),
            "connector": "A",
            "arrival": zero + timedelta(hours=start),
            "departure": zero + timedelta(hours=start + length),
            "energy_wh": 1.0,
        }
        for number, (start, length) in enumerate(stays)
    ]
    spans = sorted((start, start + length) for start, length in stays)
    free = all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert (said(sessions=cars) == []) == free


@pytest.mark.parametrize(
    "value", [None, 7, "x", [], [1, None, "y"], {}, {"circuits": 5, "connectors": [3]}, float("nan")]
)
def test_any_garbage_is_left_to_the_fields(value: object) -> None:
    assert said(value if value is not None else {}, sessions=[value], forecasts=[value], limits=[value]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("x" * 100, "'" + "x" * 60 + "...'", id="long-text"),
        pytest.param("a\x1b[31m", r"'a\x1b[31m'", id="escape-sequence"),
        pytest.param({"a": 1}, "an object with 1 field", id="object"),
        pytest.param([1, 2, 3], "a list of 3", id="list"),
        pytest.param(10**5000, "a number of 5001 digits or so", id="huge"),
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="true"),
        pytest.param(-0.5, "-0.5", id="number"),
    ],
)
def test_values_are_quoted_short_and_printable(value: object, text: str) -> None:
    assert raw.quoted(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param("2026-01-15T00:00Z", datetime(2026, 1, 15, tzinfo=UTC), id="text"),
        pytest.param(datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC), id="instant"),
        pytest.param("2026-01-15T00:00", None, id="naive"),
        pytest.param("1900-01-01T00:00Z", None, id="too-early"),
        pytest.param("soon", None, id="words"),
        pytest.param(1_700_000_000, None, id="number"),
    ],
)
def test_instants_are_read_where_they_are_clear(value: object, read: datetime | None) -> None:
    assert raw.instant({"t": value}, "t") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(5, 5.0, id="whole"),
        pytest.param(True, None, id="bool"),
        pytest.param("5", None, id="text"),
        pytest.param(float("inf"), None, id="infinite"),
        pytest.param(10**400, None, id="beyond-float"),
    ],
)
def test_numbers_are_read_where_they_are_finite(value: object, read: float | None) -> None:
    assert raw.number({"n": value}, "n") == read
