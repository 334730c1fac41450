"""The schemas that the ``ocpp`` package ships, and what they let through."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCHEMAS = {
    "1.6": "v16/schemas/SetChargingProfile.json",
    "2.0.1": "v201/schemas/SetChargingProfileRequest.json",
    "2.1": "v21/schemas/SetChargingProfileRequest.json",
}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def load_validators() -> dict[str, Any]:
    ocpp = pytest.importorskip("ocpp", reason="the OCPP schemas come with the 'ocpp' package")
    folder = Path(ocpp.__file__).parent
    validators = {}
    for version, path in SCHEMAS.items():
        # Decimal on both sides: 21.4 is no multiple of 0.1 in binary fractions.
        schema = json.loads((folder / path).read_text(encoding="utf-8-sig"), parse_float=Decimal)
        validators[version] = jsonschema.validators.validator_for(schema)(schema)
    return validators


def schedule_of(message: dict[str, Any]) -> dict[str, Any]:
    if message["version"] == "1.6":
        found: dict[str, Any] = message["payload"]["csChargingProfiles"]["chargingSchedule"]
        return found
    (only,) = message["payload"]["chargingProfile"]["chargingSchedule"]
    return dict(only)


def check_what_schemas_let_through(message: dict[str, Any], minimum: Decimal) -> None:
    """``minimum`` is the smallest limit above 0 that the connector can follow, in the unit of the schedule."""
    written = json.loads(json.dumps(message), parse_float=Decimal)
    schedule = schedule_of(written)
    assert INSTANT.fullmatch(schedule["startSchedule"])
    periods = schedule["chargingSchedulePeriod"]
    assert periods[0]["startPeriod"] == 0
    assert all(before["startPeriod"] < after["startPeriod"] for before, after in pairwise(periods))
    for period in periods:
        assert period["limit"].as_tuple().exponent == -1, "one decimal"
        assert period["limit"] == 0 or period["limit"] >= minimum
        assert period["numberPhases"] in {1, 2, 3}
    for before, after in pairwise(periods):
        assert (before["limit"], before["numberPhases"]) != (after["limit"], after["numberPhases"])


@pytest.fixture(scope="session")
def assert_sendable() -> Callable[[Iterable[Any], Decimal], None]:
    """Validate messages against the schemas, and against what the schemas let through."""
    validators = load_validators()

    def check(messages: Iterable[Any], minimum: Decimal) -> None:
        for message in messages:
            payload = json.loads(json.dumps(message["payload"]), parse_float=Decimal)
            validators[message["version"]].validate(payload)
            check_what_schemas_let_through(message, minimum)

    return check
