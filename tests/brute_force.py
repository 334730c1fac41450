"""The evaluator against one that goes instant by instant and shares no code with it, on numbered random stations.

``python -m tests.brute_force`` takes 10,000 stations of each OCPP version; ``--version 2.1 --number 17`` one of them.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.shards import chance, named, report, run

from ocpp_schedule import composite_schedule
from ocpp_schedule.testing.brute import BruteComposite
from ocpp_schedule.testing.stacks import StationCase, station_case

if TYPE_CHECKING:
    from ocpp_schedule.profiles.composite import CompositePeriod

STATIONS = 10_000
VERSIONS = ("1.6", "2.0.1", "2.1")
SHORT_S = 600
NAMES = {"phases": "phases"} | {
    f"{snake}{line.lower()}": f"{wire}{line}"
    for snake, wire in (
        ("limit", "limit"),
        ("discharge_limit", "dischargeLimit"),
        ("setpoint", "setpoint"),
        ("setpoint_reactive", "setpointReactive"),
    )
    for line in ("", "_L2", "_L3")
}
"""Fields of a period by the names of the wire."""


def evaluated(case: StationCase) -> tuple[CompositePeriod, ...]:
    return composite_schedule(
        case.profiles,
        version=case.version,
        evse=case.evse,
        start=case.start,
        duration_s=case.duration_s,
        unit=case.unit,
        station=case.station,
        dialect=case.dialect,
    )


def told(period: CompositePeriod) -> dict[str, Any]:
    return {wire: getattr(period, name) for name, wire in NAMES.items()}


def instants(case: StationCase, found: tuple[CompositePeriod, ...]) -> list[int]:
    """Return every second of a short window; else every change a second either way, and where periods might start."""
    end = max(case.duration_s, 1)
    if end <= SHORT_S:
        return list(range(end))
    near = {period.start_s + step for period in found for step in (-1, 0, 1)}
    near |= set(range(0, end, end // 40 + 1))
    for item in case.profiles:
        schedules = item["profile"]["chargingSchedule"]
        for schedule in schedules if isinstance(schedules, list) else [schedules]:
            near |= {period["startPeriod"] for period in schedule["chargingSchedulePeriod"]}
    return sorted(second for second in near if 0 <= second < end)


def compare(case: StationCase) -> int:
    """Assert that both evaluators agree; return how many instants were compared."""
    found = evaluated(case)
    slow = BruteComposite(
        case.profiles,
        case.station,
        version=case.version,
        start=case.start,
        unit=case.unit,
        dialect=case.dialect,
    )
    starts = [period.start_s for period in found]
    each = [told(period) for period in found]
    assert starts[0] == 0, starts
    assert all(before != after for before, after in pairwise(each)), "equal neighbours"
    seconds = instants(case, found)
    for second in seconds:
        held, wanted = each[bisect_right(starts, second) - 1], slow.at(case.evse, second)
        assert held == wanted, f"second {second}: {held} instead of {wanted}"
    return len(seconds)


def station(version: str, number: int) -> StationCase:
    return station_case(version, chance(version, number).randint)


def compare_many(version: str, numbers: range) -> list[str]:
    """Compare numbered stations; return what went wrong."""
    failures = []
    for number in numbers:
        case = station(version, number)
        try:
            compare(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named with its station
            command = f"python -m tests.brute_force --version {version} --number {number}"
            failures.append(named(error, command, case))
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=STATIONS, help="of each version")
    parser.add_argument("--version", choices=VERSIONS)
    parser.add_argument("--number", type=int, help="this station alone")
    given = parser.parse_args()
    versions = [given.version] if given.version else VERSIONS
    if given.number is not None:
        for version in versions:
            compare(station(version, given.number))
        return
    sys.stdout.write("composite schedules against brute force: ")
    report(run(compare_many, versions, given.stations))


if __name__ == "__main__":
    main()
