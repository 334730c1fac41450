"""Nothing in a profile makes reading, validation or the composite schedule fail in an unforeseen way."""

from __future__ import annotations

import copy
import os
import random  # noqa: TID251 - tests may; the seed is drawn by hypothesis
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ocpp_schemas import VERSIONS, profiles

from ocpp_schedule import InputError, composite_schedule, validate
from ocpp_schedule.delivery.composite import READERS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
MUTANTS = 60
"""Of each example: 10,800 inputs by default; ``FUZZ_EXAMPLES=600`` makes it 108,000."""
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, -(10**30), 10**5000, 1e308, -1e-320, float("nan"), float("inf")),
    *("", "x", "Z" * 500, "2026-01-15T00:00:00Z", "9999-12-31T23:59:60-23:59", "0001-01-01T00:00:00+23:59"),
    *("A", "TxProfile", "Recurring", "Daily", "Dynamic", "Relative", "LocalFrequency", "PriorityCharging"),
    *([], {}, [[]], [{}], {"": {}}, Decimal("1e999999"), Decimal("sNaN"), b"bytes", {1, 2}, 1j, object()),
)
KEYS = ("duration", "validTo", "limit_L2", "numberPhases", "phaseToUse", "transactionId", "startSchedule", "x", 3, None)
CONTEXTS: tuple[dict[str, Any], ...] = (
    {},
    {"transactions": {1: "x"}, "num_evses": 1, "RateUnit": "Current", "ProfileStackLevel": 3, "PeriodsPerSchedule": 2},
    {"inside": "RemoteStartTransaction", "evse_current_type": "DC", "MaxChargingProfilesInstalled": 0, "now": "x"},
)
STATION = {
    "transactions": {1: {"start": "2026-01-15T00:00:00Z"}},
    "time_zone": "Europe/Amsterdam",
    "soc_percent": {1: 90},
    "offline_for_s": 5,
    "priority_charging": [1],
    "random_delays_s": {1: [5, 3]},
}


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON value."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    found = []
    for key in list(keys):
        found.append((node, key))
        found += places(node[key])
    return found


def mutated(wire: dict[str, Any], chance: random.Random) -> Any:
    made = copy.deepcopy(wire)
    for _ in range(chance.randint(1, 3)):
        spots = places(made)
        if not spots:
            return made
        container, key = chance.choice(spots)
        way = chance.randrange(5)
        if way == 0:
            del container[key]
        elif way == 1 and isinstance(container, dict):
            container[chance.choice(KEYS)] = copy.deepcopy(chance.choice(JUNK))
        elif way == 2 and isinstance(container, list):
            container.extend(copy.deepcopy(container) * chance.randint(1, 3))
        else:
            container[key] = copy.deepcopy(chance.choice(JUNK))
    return made


def judge(wire: Any, version: str) -> bool:
    """Put a profile through everything; tell whether it could be read."""
    for context in CONTEXTS:
        given_context = {**context, "installed": [{"connector": 0, "profile": wire}]}
        for dialect in ("standard", "libocpp", "microocpp"):
            found = validate(wire, version=version, connector=1, context=given_context, dialect=dialect)
            assert found.status in {"Accepted", "Rejected", "CALLERROR"}
    readable = not isinstance(READERS[version](wire, strict=False), tuple)
    for evse in (0, 1):
        assert is_evaluated(wire, version, evse) is readable
    return readable


def is_evaluated(wire: Any, version: str, evse: int) -> bool:
    try:
        found = composite_schedule(
            [{"connector": 1, "profile": wire}, {"connector": 0, "profile": wire}],
            version=version,
            evse=evse,
            start="2026-01-15T00:00:00Z",
            duration_s=86_400,
            unit="A",
            station=STATION,
        )
    except InputError:
        return False
    assert found[0].start_s == 0
    return True


@VERSIONS
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=EXAMPLES)
def test_mutated_profiles(version: str, data: st.DataObject, seed: int) -> None:
    wire = data.draw(profiles(version))
    assert judge(wire, version)
    chance = random.Random(seed)  # noqa: S311 - no secret; the seed makes it repeatable
    for _ in range(MUTANTS):
        judge(mutated(wire, chance), version)


def test_junk_as_a_whole() -> None:
    for version in READERS:
        for wire in JUNK:
            assert not judge(wire, version)
