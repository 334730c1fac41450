"""Messages: the worked example in every version, waves, order, refusals."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.errors import InputError
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.profiles.model import ChargingPeriod
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.model import ProfileStack

WORKED = Path(__file__).parents[3] / "shared" / "worked.md"
START = datetime(2026, 1, 15, tzinfo=UTC)
GRID = TimeGrid.regular(START, timedelta(hours=1), 4)
VERSIONS: tuple[OcppVersion, ...] = ("1.6", "2.0.1", "2.1")
EVERY_VERSION = pytest.mark.parametrize("version", VERSIONS)

PERIODS_A = [
    {"startPeriod": 0, "limit": 0.0, "numberPhases": 1},
    {"startPeriod": 3660, "limit": 16.0, "numberPhases": 1},
    {"startPeriod": 7260, "limit": 8.0, "numberPhases": 1},
    {"startPeriod": 10860, "limit": 0.0, "numberPhases": 1},
    {"startPeriod": 14460, "limit": 6.0, "numberPhases": 1},
]
PERIODS_B = [
    {"startPeriod": 0, "limit": 6.0, "numberPhases": 1},
    {"startPeriod": 3660, "limit": 9.0, "numberPhases": 1},
    {"startPeriod": 7260, "limit": 7.0, "numberPhases": 1},
    {"startPeriod": 10860, "limit": 6.0, "numberPhases": 1},
]


def hours(first: int, last: int) -> dict[str, datetime]:
    return {"arrival": START + timedelta(hours=first), "departure": START + timedelta(hours=last)}


def worked(versions: tuple[OcppVersion, OcppVersion], transaction: int | str) -> tuple[ProfileStack, ...]:
    """Return the stacks of the worked example, the two stations speaking ``versions``."""
    site = Site(
        id="worked",
        circuits=(Circuit(id="main", limit_a=(25.0, 0.0, 0.0)),),
        stations=tuple(Station(id=f"CP{k}", circuit="main", ocpp_version=v) for k, v in enumerate(versions, start=1)),
        connectors=(
            Connector(id="A", station="CP1", lines=("L1",), max_current_a=16.0),
            Connector(id="B", station="CP2", lines=("L1",), max_current_a=16.0),
        ),
        idle_floor_a=6.0,
    )
    sessions = (
        Session(id="a", connector="A", energy_wh=5520.0, transaction_id=transaction, **hours(0, 4)),
        Session(id="b", connector="B", energy_wh=3680.0, **hours(1, 3)),
    )
    setpoints = {"a": [0, 160, 80, 0], "b": [0, 90, 70, 0]}
    solution = solution_by_hand(setpoints, {"A": (60, 60), "B": (60, 60)}, slots=4)
    return build_stacks(site, sessions, GRID, solution)


def payload(version: str, number: int, level: int, periods: list[dict[str, Any]], **fields: object) -> dict[str, Any]:
    """Return a payload for connector 1, spelt out."""
    start = "2026-01-14T23:59:00Z" if level else "1970-01-01T00:00:00Z"
    schedule = {"startSchedule": start, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    profile = {"stackLevel": level, "chargingProfileKind": "Absolute", **fields}
    if version == "1.6":
        return {
            "connectorId": 1,
            "csChargingProfiles": profile | {"chargingProfileId": number, "chargingSchedule": schedule},
        }
    return {"evseId": 1, "chargingProfile": profile | {"id": number, "chargingSchedule": [{"id": number, **schedule}]}}


@EVERY_VERSION
def test_the_worked_example_in_every_version(version: OcppVersion) -> None:
    transaction: int | str = 1041 if version == "1.6" else "1041"
    messages = to_ocpp(worked((version, version), transaction))
    floor = payload(version, 101, 0, PERIODS_B[:1], chargingProfilePurpose="TxDefaultProfile")
    plan = payload(version, 102, 1, PERIODS_B, chargingProfilePurpose="TxDefaultProfile")
    running = payload(version, 103, 1, PERIODS_A, chargingProfilePurpose="TxProfile", transactionId=transaction)
    common = {"version": version, "action": "SetChargingProfile", "expires_at": None}
    first = {"wave": 0, "after": [], "lowers": True} | common
    second = {"wave": 1, "after": ["wave 0"], "lowers": False} | common
    assert messages == [
        {"id": "CP1/101", "station": "CP1", "payload": floor} | first,
        {"id": "CP2/101", "station": "CP2", "payload": floor} | first,
        {"id": "CP2/102", "station": "CP2", "payload": plan} | second,
        {"id": "CP1/103", "station": "CP1", "payload": running} | second,
    ]


@pytest.mark.parametrize(
    ("setpoints", "found"),
    [
        pytest.param([0, 160, 80, 0], "2026-01-15T02:00:00Z", id="the-first-slot-above-the-floor"),
        pytest.param([160, 160, 80, 0], "2026-01-15T01:00:00Z", id="the-slot-under-way"),
        pytest.param([60, 0, 0, 0], "2026-01-15T04:00:00Z", id="nowhere-above-the-floor"),
    ],
)
def test_a_plan_expires_with_the_first_slot_it_raises(setpoints: list[int], found: str) -> None:
    _, stack = worked(("1.6", "1.6"), 7)
    schedule = stack.layers[1].profile.schedule
    periods = tuple(ChargingPeriod(3600 * k + 60 * (k > 0), x, 1) for k, x in enumerate(setpoints))
    layer = replace(
        stack.layers[1], profile=replace(stack.layers[1].profile, schedule=replace(schedule, periods=periods))
    )
    messages = to_ocpp([replace(stack, layers=(stack.layers[0], layer))], grid=GRID)
    assert [message["expires_at"] for message in messages] == [None, found]


def test_a_wave_that_is_empty_is_not_waited_for() -> None:
    _, stack = worked(("1.6", "1.6"), 7)
    [alone] = to_ocpp([replace(stack, layers=stack.layers[1:])])
    assert (alone["wave"], alone["after"]) == (1, [])


def test_the_payloads_on_the_worked_page() -> None:
    if not WORKED.exists():
        pytest.skip("worked.md is not beside the project")
    printed = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", WORKED.read_text(encoding="utf-8"), re.DOTALL)
    ]
    payloads = [message["payload"] for message in to_ocpp(worked(("1.6", "2.0.1"), 1041))]
    assert len(printed) == 2
    assert [payloads[3], payloads[2]] == printed


@EVERY_VERSION
def test_the_worked_example_can_be_sent(version: OcppVersion, assert_sendable: Callable[[Any, Decimal], None]) -> None:
    assert_sendable(to_ocpp(worked((version, version), 1041 if version == "1.6" else "1041")), Decimal(6))


def test_each_station_speaks_its_own_version() -> None:
    messages = to_ocpp(worked(("1.6", "2.0.1"), 1041))
    assert [(message["station"], message["version"]) for message in messages] == [
        ("CP1", "1.6"), ("CP2", "2.0.1"), ("CP2", "2.0.1"), ("CP1", "1.6"),
    ]  # fmt: skip


@EVERY_VERSION
def test_all_can_be_written_in_one_version(version: OcppVersion) -> None:
    transaction: int | str = 1041 if version == "1.6" else "1041"
    own: OcppVersion = "1.6" if version == "1.6" else "2.1"
    messages = to_ocpp(worked((own, "2.0.1"), transaction), version=version)
    assert {message["version"] for message in messages} == {version}
    assert messages == to_ocpp(worked((version, version), transaction))


def test_order_does_not_depend_on_the_order_of_the_stacks() -> None:
    stacks = worked(("1.6", "2.0.1"), 1041)
    assert to_ocpp(reversed(stacks)) == to_ocpp(stacks)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(InputError, match=r"'2\.0' is not known; there are 1\.6, 2\.0\.1, 2\.1\."):
        to_ocpp(worked(("1.6", "2.0.1"), 1041), version="2.0")


def test_every_transaction_that_does_not_fit_is_named() -> None:
    stacks = worked(("1.6", "2.0.1"), 1041)
    with pytest.raises(InputError) as caught:
        to_ocpp((*stacks, *stacks[:1]), version="2.1")
    (problem,) = caught.value.problems
    assert problem.where == "session 'a' on connector 'A'"
    assert "1041 has the wrong type for OCPP 2.1" in problem.what
