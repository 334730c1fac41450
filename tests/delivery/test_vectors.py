"""Other projects' conformance cases, each in its dialect."""

from __future__ import annotations

from typing import Any

import pytest
from tests.vectors import cases

from ocpp_schedule import composite_schedule, validate

FIELDS = {
    "limit": "limit",
    "phases": "phases",
    "limit_L2": "limit_l2",
    "limit_L3": "limit_l3",
    "setpoint": "setpoint",
    "setpoint_L2": "setpoint_l2",
    "setpoint_L3": "setpoint_l3",
    "dischargeLimit": "discharge_limit",
    "dischargeLimit_L2": "discharge_limit_l2",
    "dischargeLimit_L3": "discharge_limit_l3",
}


def compared(case: dict[str, Any], dialect: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what was found and what is expected, in the fields that the case asserts, equal neighbours merged."""
    request = case["request"]
    asserted = {name for entry in case["expected"] for name in entry} - {"start"}
    found: list[dict[str, Any]] = []
    for period in composite_schedule(
        case["profiles"],
        version=case["ocpp_version"],
        evse=request["connector"],
        start=request["start"],
        duration_s=request["duration"],
        unit=request["unit"],
        station=case["station"],
        dialect=dialect,
    ):
        values = {name: getattr(period, FIELDS[name]) for name in sorted(asserted)}
        if not found or values != {name: found[-1][name] for name in values}:
            found.append({"start": period.start_s, **values})
    expected = [
        {"start": entry["start"], **{name: entry.get(name) for name in sorted(asserted)}} for entry in case["expected"]
    ]
    for have, want, entry in zip(found, expected, case["expected"], strict=False):
        if "phases" in asserted and "phases" not in entry:
            have["phases"] = want["phases"] = None
        near = case.get("limit_tolerance", 0)
        if near and None not in {have["limit"], want["limit"]}:
            assert have["limit"] == pytest.approx(want["limit"], abs=near)
            have["limit"] = want["limit"]
    return found, expected


@pytest.mark.parametrize("case", cases("composite_cases.json"))
def test_composite(case: dict[str, Any]) -> None:
    found, expected = compared(case, case["dialect"])
    assert found == expected


CUT = {"lo16-rate-A"}
"""Cases with unrounded quotients: the standard's reading cuts them to one decimal."""


@pytest.mark.parametrize("case", cases("composite_cases.json"))
def test_the_standard_reads_them_alike(case: dict[str, Any]) -> None:
    """Nothing in these cases touches a difference between peers, but for the decimals of a quotient."""
    if case["id"] in CUT:
        case = {**case, "limit_tolerance": 0.1}
    found, expected = compared(case, "standard")
    assert found == expected


@pytest.mark.parametrize("case", cases("validation_cases.json"))
def test_validation(case: dict[str, Any]) -> None:
    expected = case["expected"]
    found = validate(
        case["profile"],
        version=case["ocpp_version"],
        connector=case["connector"],
        context=case["context"],
        dialect=case["dialect"],
    )
    assert found.status == expected["status"]
    if "reasonCode" in expected:
        assert found.reason_code == expected["reasonCode"]
    if found.status == "Accepted":
        assert found[1:4] == (None, None, None)
    else:
        assert found.remedy
        assert case.get("requirement") is None or (found.requirement or "")[:9] == case["requirement"][:9]
    if "installed_count_after" in case["context"]:
        kept = len(case["context"]["installed"]) - len(found.replaces)
        assert kept + 1 == case["context"]["installed_count_after"]
