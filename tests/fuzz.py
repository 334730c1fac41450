"""Mutated examples of the official schemas and mutated recorded frames: nothing in them raises unforeseen.

``python -m tests.fuzz`` takes 100,000 inputs; ``--name "profile 2.1" --number 17`` one of them. Hypothesis searches on
its own in tests/delivery/test_profile_fuzz.py.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.ocpp_schemas import answer_schema, document, profile_schema
from tests.pages import ROOT
from tests.schema_examples import example
from tests.shards import chance, named, report, run

from ocpp_schedule import (
    InputError,
    composite_schedule,
    decode,
    from_configuration,
    from_device_model,
    validate,
)
from ocpp_schedule.delivery.composite import READERS
from ocpp_schedule.wire import v16, v21, v201

if TYPE_CHECKING:
    import random  # noqa: TID251 - tests may
    from collections.abc import Iterator

INPUTS = 100_000
FRAMES = ROOT.parent / "shared" / "frames"
WRITERS: dict[str, Any] = {"1.6": v16.write_profile, "2.0.1": v201.write_profile, "2.1": v21.write_profile}
VERSIONS = tuple(WRITERS)
SOURCES = tuple(f"{source} {version}" for source in ("profile", "answer", "report", "frame") for version in VERSIONS)
SLOWEST_S = 20.0
"""Nothing that short may take that long, however busy the machine."""
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, -(10**30), 10**350, 10**5000, 1e308, -1e308, -1e-320),
    *(float("nan"), float("inf"), -0.0, 1006632455, 15.200000000000001),
    *("", "x", "Z" * 500, "2026-01-15T00:00:00Z", "9999-12-31T23:59:60-23:59", "0001-01-01T00:00:00+23:59"),
    *("2026-01-15 09:00:00", "16.0", "1e999999999", "NaN", "\ud800", "A", "W", "TxProfile", "Recurring", "Daily"),
    *("Dynamic", "Relative", "LocalFrequency", "PriorityCharging", "Accepted", "Rejected"),
    *([], {}, [[]], [{}], {"": {}}, Decimal("1e999999"), Decimal("sNaN"), b"bytes", {1, 2}, 1j, object()),
)
KEYS: tuple[Any, ...] = (
    *("duration", "validTo", "limit_L2", "numberPhases", "phaseToUse", "transactionId", "startSchedule", "setpoint"),
    *("operationMode", "randomizedDelay", "useLocalTime", "limitAtSoC", "dynUpdateTime", "maxOfflineDuration"),
    *("evseId", "scheduleStart", "status", "value", "x", 3, None),
)
CONTEXTS: tuple[dict[str, Any], ...] = (
    {},
    {"transactions": {1: "x"}, "num_evses": 1, "RateUnit": "Current", "ProfileStackLevel": 3, "PeriodsPerSchedule": 2},
    {"inside": "RemoteStartTransaction", "evse_current_type": "DC", "MaxChargingProfilesInstalled": 0, "now": "x"},
    {"SupportsDynamicProfiles": False, "SupportedOperationModes": ["Idle"], "MaxExternalConstraintsId": 0},
)
DIALECTS = ("standard", "libocpp", "microocpp")
STATION = {
    "num_evses": 2,
    "transactions": {1: {"start": "2026-01-15T00:00:00Z"}},
    "default_limit_A": 48,
    "time_zone": "Europe/Amsterdam",
    "soc_percent": {1: 90},
    "offline_for_s": 5,
    "priority_charging": [1],
    "random_delays_s": {1: [5, 3]},
}
STRANGE_CONTEXTS = 0.3
VERDICTS = {"equal", "lower", "higher", "unknown", "refused", "unreadable"}


@lru_cache
def frames(version: str) -> tuple[Any, ...]:
    """Return the recorded frames of a version; none where the folder is absent. 2.1 takes those of 2.0.1."""
    ending = "16" if version == "1.6" else "201"
    return tuple(
        json.loads(line)["raw"]
        for path in sorted(FRAMES.glob(f"*{ending}.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    )


def made(source: str, version: str, luck: random.Random) -> Any:
    """Return an example of the official schema, or a recorded frame."""
    if source == "frame" and frames(version):
        return luck.choice(frames(version))
    if source in {"answer", "frame"}:
        schema = answer_schema(version)
        return example(schema, schema, luck)
    profile = example(document(version), profile_schema(version), luck)
    if source == "report":
        return [{"evseId": luck.randint(0, 2), "chargingProfile": [profile]}]
    return profile


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON value."""
    found: list[tuple[Any, Any]] = []
    left = [node]
    while left:
        one = left.pop()
        keys = one.keys() if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in list(keys):
            found.append((one, key))
            left.append(one[key])
    return found


def mutated(wire: Any, luck: random.Random) -> Any:
    """Return a copy of a value with one to three changes anywhere in it."""
    new = copy.deepcopy(wire)
    for _ in range(luck.randint(1, 3)):
        spots = places(new)
        if not spots:
            return new
        container, key = luck.choice(spots)
        way = luck.randrange(6)
        if way == 0:
            del container[key]
        elif way == 1 and isinstance(container, dict):
            container[luck.choice(KEYS)] = copy.copy(luck.choice(JUNK))
        elif way == 2 and isinstance(container, list):
            container.extend(copy.deepcopy(container) * luck.randint(1, 3))
        elif way == 3:
            other, place = luck.choice(spots)
            container[key] = copy.deepcopy(other.get(place) if isinstance(other, dict) else other[:1])
        else:
            container[key] = copy.copy(luck.choice(JUNK))
    return new


def garbled(wire: Any, luck: random.Random) -> Any:
    """Return a value whose text lost or changed characters on the way; itself where that is no JSON any more."""
    text = list(json.dumps(wire))
    for _ in range(luck.randint(1, 3)):
        place = luck.randrange(len(text))
        text[place] = luck.choice(("", "0", "9", "-", "e5", '"', "}", "[", ".", "null", "NaN", "\\"))
    try:
        return json.loads("".join(text))
    except ValueError:
        return wire


def given(name: str, number: int) -> Any:
    """Return one input."""
    source, version = name.split()
    luck = chance(name, number)
    wire = made(source, version, luck)
    way = luck.randrange(10)
    if way == 0:
        return wire
    return garbled(wire, luck) if way == 1 else mutated(wire, luck)


def profiles_in(wire: Any) -> list[Any]:
    """Return what may be a profile in a payload or a frame."""
    found = [
        container[key]
        for container, key in places(wire)
        if key in {"csChargingProfiles", "chargingProfile"} and isinstance(container, dict)
    ]
    return [part for one in found for part in (one if isinstance(one, list) else [one])]


def check(name: str, number: int) -> Any:
    """Put one input through everything that reads it; return it."""
    source, version = name.split()
    wire = given(name, number)
    luck = chance(f"question {name}", number)
    start = time.perf_counter()
    if source == "profile":
        check_profile(wire, version, luck)
    else:
        check_answer(wire, version, luck)
        for profile in profiles_in(wire)[:2]:
            check_profile(profile, version, luck)
    if source == "frame":
        payload = wire[-1] if isinstance(wire, list) and wire else wire
        check_answer(payload, version, luck)
        for read in (from_configuration, from_device_model):
            assert read(payload).capabilities is not None
    took = time.perf_counter() - start
    assert took < SLOWEST_S, f"took {took:.1f} s"
    return wire


def check_profile(wire: Any, version: str, luck: random.Random) -> None:
    """Judge, evaluate and write a profile."""
    context = {**luck.choice(CONTEXTS), "installed": [{"connector": luck.randint(0, 1), "profile": wire}]}
    if luck.random() < STRANGE_CONTEXTS:
        context[luck.choice(list(context))] = copy.copy(luck.choice(JUNK))
    verdict = validate(
        wire, version=version, connector=luck.randint(0, 2), context=context, dialect=luck.choice(DIALECTS)
    )
    assert verdict.status in {"Accepted", "Rejected", "CALLERROR"}, verdict
    assert (verdict.status == "Accepted") is (verdict.remedy is None), verdict
    found = READERS[version](wire)
    if not isinstance(found, tuple):
        back = WRITERS[version](found)
        assert READERS[version](back) == found
        assert json.dumps(back, default=float)
    else:
        assert verdict.status == "CALLERROR", verdict
    readable = not isinstance(READERS[version](wire, strict=False), tuple)
    assert is_evaluated(wire, version, luck) is readable


def is_evaluated(wire: Any, version: str, luck: random.Random) -> bool:
    try:
        found = composite_schedule(
            [{"connector": 1, "profile": wire}, {"connector": 0, "profile": wire}],
            version=version,
            evse=luck.randint(0, 2),
            start="2026-01-15T00:00:00Z",
            duration_s=luck.choice((0, 600, 86_400, 7 * 86_400)),
            unit=luck.choice("AW"),
            station=STATION,
            dialect=luck.choice(DIALECTS),
        )
    except InputError:
        return False
    assert found[0].start_s == 0
    check_numbers(found)
    return True


def check_answer(wire: Any, version: str, luck: random.Random) -> None:
    """Decode an answer or reports."""
    unit = luck.choice("AW")
    wanted = composite_schedule(
        [], version=version, evse=1, start="2026-01-15T00:00:00Z", duration_s=3600, unit=unit, station=STATION
    )
    found = decode(
        wire,
        version=version,
        evse=luck.randint(0, 2),
        asked_at="2026-01-15T00:00:00Z",
        duration_s=luck.choice((0, 3600, 86_400)),
        unit=unit,
        station=STATION,
        wanted=wanted,
    )
    assert found.verdict in VERDICTS, found.verdict
    assert str(found)
    check_numbers(found.periods)


def check_numbers(periods: Iterator[Any] | tuple[Any, ...]) -> None:
    for period in periods:
        assert all(value is None or math.isfinite(value) for value in period), period


def check_many(name: str, numbers: range) -> list[str]:
    """Check numbered inputs; return what went wrong."""
    failures = []
    for number in numbers:
        try:
            check(name, number)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named with its input
            command = f'python -m tests.fuzz --name "{name}" --number {number}'
            failures.append(named(error, command, given(name, number)))
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of all sources together, at least")
    parser.add_argument("--name", choices=SOURCES)
    parser.add_argument("--number", type=int, help="this input alone")
    wanted = parser.parse_args()
    names = [wanted.name] if wanted.name else list(SOURCES)
    if wanted.number is not None:
        for name in names:
            check(name, wanted.number)
        return
    where = (
        f"{sum(map(len, map(frames, VERSIONS[:2])))} recorded frames" if frames("1.6") else "no recorded frames here"
    )
    sys.stdout.write(f"mutated examples of the official schemas, {where}: ")
    report(run(check_many, names, -(-wanted.inputs // len(names))))


if __name__ == "__main__":
    main()
