"""Profiles of many chargers, every period another limit: building, writing, reading against plain ``json``.

``python -m benchmarks.wire`` prints the table.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from benchmarks.ratios import Ratio, interleaved, ratio_of, table

from ocpp_schedule.delivery.composite import READERS
from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.profiles.full import FullProfile
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.generator import START
from ocpp_schedule.testing.solutions import solution_by_hand
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.model import ProfileStack
    from ocpp_schedule.solution import Solution

SLOTS: Final = 96
CHARGERS: Final = 5000
ROUNDS: Final = 5
VERSIONS: Final[tuple[OcppVersion, ...]] = ("1.6", "2.0.1", "2.1")
WRITE_TARGET: Final = 4.0
"""Wire dicts over ``json.dumps`` of the same dicts."""
LOWEST, HIGHEST = 60, 320
"""Set-points [0.1 A]."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Chargers and a plan in which no two neighbouring slots are alike, nor any two chargers."""

    site: Site
    sessions: tuple[Session, ...]
    grid: TimeGrid
    solution: Solution


def fleet(chargers: int, version: OcppVersion, seed: int = 1) -> Fleet:
    draw = np.random.default_rng(seed)
    names = [f"CP{number:05}" for number in range(chargers)]
    grid = TimeGrid.regular(START, timedelta(minutes=15), SLOTS)
    site = Site(
        id="fleet",
        circuits=[Circuit(id="main", limit_a=min(32.0 * chargers, 100_000))],
        stations=[Station(id=name, circuit="main", ocpp_version=version) for name in names],
        connectors=[Connector(id=name, station=name, max_current_a=32) for name in names],
        idle_floor_a=0,
    )
    sessions = tuple(
        Session(id=name, connector=name, arrival=grid.start, departure=grid.end, phases=3, energy_wh=1.0)
        for name in names
    )
    half = (LOWEST + HIGHEST) // 2
    steps = draw.integers(LOWEST, half, (chargers, SLOTS))
    steps[:, 1::2] = draw.integers(half, HIGHEST, (chargers, SLOTS // 2))
    rows = dict(zip(names, steps.tolist(), strict=True))
    return Fleet(site, sessions, grid, solution_by_hand(rows, dict.fromkeys(names, (0, 0)), slots=SLOTS))


def built(given: Fleet) -> tuple[ProfileStack, ...]:
    return build_stacks(given.site, given.sessions, given.grid, given.solution)


def profile_of(message: OcppMessage) -> dict[str, Any]:
    name = "csChargingProfiles" if message["version"] == "1.6" else "chargingProfile"
    found: dict[str, Any] = message["payload"][name]
    return found


def judge(given: Fleet, messages: list[OcppMessage], read: list[Any]) -> None:
    """Assert that what was written, and read again, is the plan to the tenth of an ampere."""
    assert len(messages) == 2 * len(given.sessions)
    plans = messages[len(given.sessions) :]
    for message, row in zip(plans, given.solution.setpoints.tolist(), strict=True):
        schedule = profile_of(message)["chargingSchedule"]
        schedule = schedule if message["version"] == "1.6" else schedule[0]
        periods = schedule["chargingSchedulePeriod"]
        assert len({json.dumps(period) for period in periods}) == SLOTS + 1
        assert [period["limit"] for period in periods] == [*(tenths / 10 for tenths in row), 0.0]
    for profile, row in zip(read[len(given.sessions) :], given.solution.setpoints.tolist(), strict=True):
        assert isinstance(profile, FullProfile)
        limits = [period.limit for period in profile.schedules[0].periods]
        assert limits == [*(Decimal(tenths) / 10 for tenths in row), 0]


def time_wire(chargers: int, version: OcppVersion, *, rounds: int) -> list[Ratio]:
    """Measure one version: stacks to wire dicts, plan to wire dicts, and reading them, against ``json``."""
    given = fleet(chargers, version)
    stacks = built(given)
    messages = to_ocpp(stacks)
    wires = [profile_of(message) for message in messages]
    judge(given, messages, [READERS[version](wire) for wire in wires])
    text = json.dumps(messages)
    dumps, writes, builds, reads, loads = interleaved(
        [
            lambda: json.dumps(messages),
            lambda: to_ocpp(stacks),
            lambda: to_ocpp(built(given)),
            lambda: [READERS[version](wire) for wire in wires],
            lambda: json.loads(text),
        ],
        rounds,
    )
    size = f"{chargers}x{SLOTS}, OCPP {version}"
    return [
        ratio_of(f"wire dicts from stacks / json.dumps, {size}", WRITE_TARGET, writes, dumps),
        ratio_of(f"wire dicts from a plan / json.dumps, {size}", WRITE_TARGET, builds, dumps),
        ratio_of(f"profiles from wire dicts / json.loads, {size}", WRITE_TARGET, reads, loads),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chargers", type=int, default=CHARGERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    found = [ratio for version in VERSIONS for ratio in time_wire(given.chargers, version, rounds=given.rounds)]
    print(table(found))


if __name__ == "__main__":
    main()
