"""Keys outside profiles: what can be written, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ocpp_schedule import InputError
from ocpp_schedule.files import scenario_from_dict
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.carriers import LimitCarrier


@pytest.mark.parametrize(
    ("fields", "limit", "written"),
    [
        pytest.param({}, 16.9, 16, id="rounded-down"),
        pytest.param({"per_unit": 10}, 16.9, 169, id="tenths"),
        pytest.param({"per_unit": 10}, 16.3, 163, id="as-written-not-as-a-binary-fraction"),
        pytest.param({"highest": 10}, 16.0, 10, id="no-more-than-it-takes"),
        pytest.param({"lowest": 6}, 0.0, 6, id="no-less-than-it-takes"),
    ],
)
def test_what_is_written(fields: dict[str, Any], limit: float, written: int) -> None:
    assert LimitCarrier(key="Max", **fields).written(limit) == written


@pytest.mark.parametrize(
    ("capabilities", "seen"),
    [
        pytest.param({"limit_carrier": {"key": "M", "lowest": 7, "highest": 6}}, "lowest=7 is above", id="range"),
        pytest.param({"limit_carrier": {"key": "M{evse}"}}, "give scope 'connector'", id="evse-of-a-station-key"),
        pytest.param({"limit_carrier": {"key": "M", "unit": "W"}}, "in 'W', plans in A", id="unit"),
        pytest.param({"rate_units": ["W"], "limit_carrier": {"key": "M"}}, "in 'A', plans in W", id="default-unit"),
    ],
)
def test_what_contradicts_itself(capabilities: dict[str, Any], seen: str) -> None:
    with pytest.raises(ValidationError, match=seen):
        Capabilities.model_validate(capabilities)
    station = {"id": "CP1", "circuit": "main", "ocpp_version": "1.6", "capabilities": capabilities}
    site = {"id": "s", "circuits": [{"id": "main", "limit_a": 25}], "stations": [station]}
    grid = {"start": "2026-01-15T00:00:00Z", "step_s": 3600, "slots": 2}
    with pytest.raises(InputError, match=seen):
        scenario_from_dict({"format_version": 1, "site": site, "tariff": {"energy": 0.2}, "grid": grid})


def test_a_key_survives_corrections_of_other_values() -> None:
    known = Capabilities(limit_carrier=LimitCarrier(key="Max"))
    assert known.with_values({"max_periods": 6}).limit_carrier == LimitCarrier(key="Max")
