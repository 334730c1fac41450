"""Composite schedules of three profiles with 96 periods each, over a day; no number comes twice.

``python -m benchmarks.composite`` prints the table.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from benchmarks.ratios import Ratio, interleaved, ratio_of, table

from ocpp_schedule import composite_schedule

if TYPE_CHECKING:
    from ocpp_schedule.profiles.composite import CompositePeriod

PERIODS: Final = 96
SLOT_S: Final = 900
DAY_S: Final = 86_400
PURPOSES: Final = ("ChargingStationMaxProfile", "ChargingStationExternalConstraints", "TxProfile")
STATION: Final = {"transactions": {1: {"id": "x", "start": None}}}
WATTS_PER_AMPERE: Final = 690
TARGET_MS: Final = 1.0
TARGET: Final = 6.0
"""Over ``json.loads`` of the three profiles: what a millisecond is on the machine on which it was first measured."""
ROUNDS: Final = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """What the three profiles are like: seconds between their breakpoints, whether two of them are in W."""

    name: str
    shift_s: int
    mixed: bool


KINDS: Final = (
    Kind("breakpoints alike", 0, mixed=False),
    Kind("breakpoints distinct", 60, mixed=False),
    Kind("breakpoints distinct, A and W", 60, mixed=True),
)


def stack(kind: Kind, draw: np.random.Generator) -> list[dict[str, Any]]:
    """Return station maximum, external constraint and TxProfile, each shifted against the one before."""
    made = []
    for number, purpose in enumerate(PURPOSES):
        in_watts = kind.mixed and number != 1
        tenths = draw.permutation(np.arange(60, 640) * (690 if in_watts else 1))[:PERIODS].tolist()
        periods = [
            {"startPeriod": 0 if k == 0 else SLOT_S * k + kind.shift_s * number, "limit": limit / 10, "numberPhases": 3}
            for k, limit in enumerate(tenths)
        ]
        schedule = {
            "id": number,
            "startSchedule": "2026-01-15T00:00:00Z",
            "chargingRateUnit": "W" if in_watts else "A",
            "chargingSchedulePeriod": periods,
        }
        profile = {"id": number, "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute"}
        transaction = {"transactionId": "x"} if purpose == "TxProfile" else {}
        made.append({"connector": number // 2, "profile": profile | transaction | {"chargingSchedule": [schedule]}})
    return made


def composite(profiles: list[dict[str, Any]]) -> tuple[CompositePeriod, ...]:
    return composite_schedule(
        profiles,
        version="2.0.1",
        evse=1,
        start="2026-01-15T00:00:00Z",
        duration_s=DAY_S,
        unit="A",
        station=STATION,
    )


def judge(profiles: list[dict[str, Any]], found: tuple[CompositePeriod, ...]) -> int:
    """Assert every minute of the answer; return how many periods it has."""
    schedules = [item["profile"]["chargingSchedule"][0] for item in profiles]
    for second in range(0, DAY_S, 60):
        limits = []
        for schedule in schedules:
            tenths = next(
                round(period["limit"] * 10)
                for period in reversed(schedule["chargingSchedulePeriod"])
                if period["startPeriod"] <= second
            )
            limits.append(tenths // WATTS_PER_AMPERE if schedule["chargingRateUnit"] == "W" else tenths)
        held = next(period for period in reversed(found) if period.start_s <= second)
        assert (round((held.limit or 0) * 10), held.phases) == (min(limits), 3)
    return len(found)


def time_composite(kind: Kind, *, rounds: int) -> tuple[Ratio, float]:
    """Measure one kind: the ratio to ``json.loads`` of the same profiles, and the median time [ms]."""
    draw = np.random.default_rng(1)
    stacks = [stack(kind, draw) for _ in range(rounds)]
    texts = [json.dumps(one) for one in stacks]
    assert judge(stacks[0], composite(stacks[0])) > PERIODS // 2
    assert judge(stacks[-1], composite(stacks[-1])) > PERIODS // 2
    left, others = iter(stacks), iter(texts)
    ours, loads = interleaved([lambda: composite(next(left)), lambda: json.loads(next(others))], rounds)
    return ratio_of(f"composite schedule / json.loads, {kind.name}", TARGET, ours, loads), median(ours) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    found = [time_composite(kind, rounds=given.rounds) for kind in KINDS]
    print(table([ratio for ratio, _ in found]))
    for kind, (_, ms) in zip(KINDS, found, strict=True):
        print(f"{kind.name}: {ms:.2f} ms (target {TARGET_MS:g})")


if __name__ == "__main__":
    main()
