"""Everything that smart-charging messages carry, in every official schema: read, written again, nothing lost."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ocpp
import pytest
from tests.ocpp_schemas import loaded
from tests.schema_examples import example
from tests.shards import chance

from ocpp_schedule import composite_schedule
from ocpp_schedule.errors import InputError
from ocpp_schedule.profiles.dynamic import updated
from ocpp_schedule.profiles.full import FullProfile, ScheduleUpdate
from ocpp_schedule.profiles.moment import Moment
from ocpp_schedule.wire.parts import MADE, Part, read_part, table_of, write_part

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
TYPES = {
    "ChargingProfileType": "profile",
    "ChargingScheduleType": "schedule",
    "CompositeScheduleType": "composite",
    "ChargingScheduleUpdateType": "update",
}
NAMES_16 = {"csChargingProfiles": "profile", "chargingProfile": "profile", "chargingSchedule": "schedule"}


def parts_of(version: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (kind, node) of every part that a schema carries."""
    schema = loaded(name)
    if version == "1.6":
        return [(NAMES_16[key], node) for key, node in schema.get("properties", {}).items() if key in NAMES_16]
    definitions = schema.get("definitions", {})
    return [(kind, definitions[key]) for key, kind in TYPES.items() if key in definitions]


def carriers() -> list[Any]:
    found = []
    for version, folder in FOLDERS.items():
        for path in sorted((Path(ocpp.__file__).parent / folder / "schemas").glob("*.json")):
            name = f"{folder}/schemas/{path.name}"
            for kind, node in parts_of(version, name):
                found.append(pytest.param(version, name, kind, node, id=f"{version}-{path.stem}-{kind}"))
    return found


CARRIERS = carriers()


def read(kind: str, version: str, wire: object) -> Part:
    found = read_part(kind, version, wire)
    assert not isinstance(found, tuple) or hasattr(found, "_fields"), found
    return found  # type: ignore[return-value] - problems are a plain tuple


def test_every_message_that_carries_one_is_here() -> None:
    assert {param.id for param in CARRIERS} >= {
        "1.6-RemoteStartTransaction-profile",
        "1.6-GetCompositeScheduleResponse-schedule",
        "2.0.1-ReportChargingProfilesRequest-profile",
        "2.0.1-NotifyChargingLimitRequest-schedule",
        "2.0.1-GetCompositeScheduleResponse-composite",
        "2.1-RequestStartTransactionRequest-profile",
        "2.1-NotifyEVChargingScheduleRequest-schedule",
        "2.1-UpdateDynamicScheduleRequest-update",
        "2.1-PullDynamicScheduleUpdateResponse-update",
    }
    assert len(CARRIERS) == 3 + 9 + 11


@pytest.mark.parametrize(("version", "name", "kind", "node"), CARRIERS)
def test_what_is_read_is_written_again(version: str, name: str, kind: str, node: dict[str, Any]) -> None:
    assert {field.wire for field in table_of(kind, version).values()} == set(node["properties"])
    luck = chance(name, 0)
    for _ in range(150):
        wire = example(loaded(name), node, luck)
        assert write_part(kind, version, read(kind, version, wire)) == wire
        text = json.dumps(wire)
        back = write_part(kind, version, read(kind, version, json.loads(text, parse_float=Decimal)))
        assert json.loads(json.dumps(back, default=float)) == json.loads(text)


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("wire", [None, [], {"x": 1}, {"limit": float("nan")}, {"chargingSchedulePeriod": 5}])
def test_what_cannot_be_read_is_named(kind: str, wire: object) -> None:
    found = read_part(kind, "2.1", wire, "here")
    assert isinstance(found, tuple)
    assert all(problem.where.startswith("here") for problem in found)  # type: ignore[union-attr]


def test_what_must_be_there_is_asked_for() -> None:
    whole = read("schedule", "2.1", {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0}]})
    with pytest.raises(InputError, match=r"limit is missing, OCPP 2\.0\.1 wants it"):
        write_part("schedule", "2.0.1", whole)


DYNAMIC = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "ChargingStationMaxProfile",
    "chargingProfileKind": "Dynamic",
    "dynUpdateTime": "2026-01-15T08:00:00Z",
    "chargingSchedule": [
        {
            "id": 1,
            "duration": 600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16, "numberPhases": 3}],
        }
    ],
}


def test_an_update_overwrites_what_it_names_and_renews_the_life() -> None:
    """K28.FR.06 to 09: what is named; K28.FR.13 to 15: 600 s from the update at 08:05 on, then the next profile."""
    profile = read("profile", "2.1", DYNAMIC)
    assert isinstance(profile, FullProfile)
    at = Moment("2026-01-15T08:05:00Z", 1_768_464_300, 1_768_464_300)
    new = updated(profile, ScheduleUpdate(limit=Decimal(10)), at)
    period = new.schedules[0].periods[0]
    assert (period.limit, period.phases, new.dyn_update_time) == (Decimal(10), 3, at)
    found = composite_schedule(
        [{"connector": 0, "profile": write_part("profile", "2.1", new)}],
        version="2.1",
        evse=1,
        start="2026-01-15T08:06:00Z",
        duration_s=3600,
        unit="A",
        station={"default_limit_A": 32},
    )
    assert [(one.start_s, one.limit) for one in found] == [(0, 10.0), (540, 32.0)]


def test_only_dynamic_profiles_are_updated() -> None:
    fixed = read("profile", "2.1", DYNAMIC | {"chargingProfileKind": "Relative"})
    assert isinstance(fixed, FullProfile)
    assert updated(fixed, ScheduleUpdate(limit=Decimal(10)), Moment("", 0, 0)) is fixed
