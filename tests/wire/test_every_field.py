"""Every field of every version, both ways: nothing is lost, and nothing raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ocpp_schemas import VERSIONS, profile_schema, profiles, resolved

from ocpp_schedule.errors import InputError
from ocpp_schedule.profiles.full import FullPeriod, FullProfile, FullSchedule
from ocpp_schedule.profiles.moment import moment, read_moment
from ocpp_schedule.wire import v16, v21, v201
from ocpp_schedule.wire._read import MAX_RECORDS, WireProblem

MODULES: dict[str, Any] = {"1.6": v16, "2.0.1": v201, "2.1": v21}


def read(version: str, wire: object) -> FullProfile:
    found = MODULES[version].read_profile(wire)
    assert isinstance(found, FullProfile), found
    return found


def problem(version: str, wire: object) -> WireProblem:
    found = MODULES[version].read_profile(wire)
    assert not isinstance(found, FullProfile)
    assert all(isinstance(one, WireProblem) for one in found)
    first: WireProblem = found[0]
    return first


@VERSIONS
@given(data=st.data())
@settings(max_examples=150)
def test_what_is_read_is_written_again(version: str, data: st.DataObject) -> None:
    wire = data.draw(profiles(version))
    assert MODULES[version].write_profile(read(version, wire)) == wire


@VERSIONS
@given(data=st.data())
@settings(max_examples=40)
def test_the_same_through_text_and_with_decimals(version: str, data: st.DataObject) -> None:
    text = json.dumps(data.draw(profiles(version)))
    back = MODULES[version].write_profile(read(version, json.loads(text, parse_float=Decimal)))
    assert json.loads(json.dumps(back, default=float)) == json.loads(text)


@VERSIONS
def test_the_tables_have_every_name_of_the_schemas(version: str) -> None:
    fields = MODULES[version].FIELDS
    profile = profile_schema(version)
    schedule = resolved(profile["properties"]["chargingSchedule"], version)
    schedule = resolved(schedule.get("items", schedule), version)
    period = resolved(schedule["properties"]["chargingSchedulePeriod"]["items"], version)
    for table, node in ((fields.profile, profile), (fields.schedule, schedule), (fields.period, period)):
        assert {field.wire for field in table.values()} == set(node["properties"])
        assert {field.wire for field in table.values() if field.required} == set(node["required"])
        for name, field in table.items():
            if field.form == "choice":
                choices = resolved(node["properties"][field.wire], version)["enum"]
                assert set(fields.choices[name].values()) == set(choices)


def test_the_neutral_records_have_no_field_that_no_version_has() -> None:
    for kind, made in (("profile", FullProfile), ("schedule", FullSchedule), ("period", FullPeriod)):
        names = set(getattr(made, "_fields", None) or made.__dataclass_fields__)
        assert names == {name for module in MODULES.values() for name in getattr(module.FIELDS, kind)}


PERIOD = {"startPeriod": 0, "limit": 6.1}
SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [SCHEDULE],
}


def with_period(**fields: Any) -> dict[str, Any]:
    return {**PROFILE, "chargingSchedule": [{**SCHEDULE, "chargingSchedulePeriod": [{**PERIOD, **fields}]}]}


def with_schedule(**fields: Any) -> dict[str, Any]:
    return {**PROFILE, "chargingSchedule": [{**SCHEDULE, **fields}]}


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("wire", "where", "seen", "code"),
    [
        pytest.param(None, "profile", "null is no object", "TypeConstraintViolation", id="null"),
        pytest.param([], "profile", "of type list is no object", "TypeConstraintViolation", id="array"),
        pytest.param({**PROFILE, "id": "x" * 99}, "profile.id", "xx…' is no whole number", "Type", id="text-as-id"),
        pytest.param({**PROFILE, "id": True}, "profile.id", "true is no whole number", "Type", id="true-as-id"),
        pytest.param({**PROFILE, "id": 1.5}, "profile.id", "1.5 is no whole number", "Type", id="fraction-as-id"),
        pytest.param({**PROFILE, "id": 2**63}, "profile.id", "beyond 64 bits", "Property", id="huge-id"),
        pytest.param({**PROFILE, "id": -(2**70)}, "profile.id", "beyond 64 bits", "Property", id="huge-negative-id"),
        pytest.param({**PROFILE, "later": 1}, "profile.later", "has no such field", "Formation", id="unknown"),
        pytest.param({**PROFILE, 7: 1}, "profile.7", "has no such field", "Formation", id="key-no-text"),
        pytest.param({"id": 1}, "profile.stackLevel", "is missing", "Occurrence", id="missing"),
        pytest.param({**PROFILE, "transactionId": 7}, "profile.transactionId", "no text", "Type", id="number-as-text"),
        pytest.param(
            {**PROFILE, "transactionId": "x" * 10_001}, "profile.transactionId", "10001 characters", "Prop", id="long"
        ),
        pytest.param(
            {**PROFILE, "chargingProfileKind": "absolute"},
            "profile.chargingProfileKind",
            "none of",
            "Prop",
            id="choice",
        ),
        pytest.param(
            {**PROFILE, "chargingProfileKind": []}, "profile.chargingProfileKind", "none of", "P", id="no-choice"
        ),
        pytest.param(
            {**PROFILE, "chargingSchedule": {}}, "profile.chargingSchedule", "no array", "Type", id="no-array"
        ),
        pytest.param({**PROFILE, "validTo": "soon"}, "profile.validTo", "'soon' is no instant", "Type", id="no-time"),
        pytest.param({**PROFILE, "validTo": "2026-02-30T00:00:00Z"}, "profile.validTo", "no instant", "T", id="no-day"),
        pytest.param({**PROFILE, "validTo": 5}, "profile.validTo", "5 is no instant", "Type", id="number-as-time"),
        pytest.param(
            {**PROFILE, "invalidAfterOfflineDuration": 1},
            "profile.invalidAfterOfflineDuration",
            "neither",
            "T",
            id="bool",
        ),
        pytest.param({**PROFILE, "customData": 1}, "profile.customData", "neither an object", "Type", id="json"),
        pytest.param({**PROFILE, "customData": {"a": {1}}}, "profile.customData", "no JSON value", "Type", id="set"),
        pytest.param({**PROFILE, "customData": {1: 1}}, "profile.customData", "are no texts", "Type", id="json-key"),
        pytest.param({**PROFILE, "customData": [float("nan")]}, "profile.customData", "no finite", "P", id="json-nan"),
        pytest.param({**PROFILE, "customData": nested(40)}, "profile.customData", "too deeply", "Prop", id="deep"),
        pytest.param({**PROFILE, "customData": [0] * 100_001}, "profile.customData", "too large", "Prop", id="large"),
        pytest.param(
            with_schedule(chargingSchedulePeriod=[PERIOD] * (MAX_RECORDS + 1)), "", "at most", "Occ", id="many"
        ),
        pytest.param(with_schedule(chargingSchedulePeriod=[1]), "", "1 is no object", "Type", id="period-no-object"),
        pytest.param(with_schedule(limitAtSoC=80), "", "80 is no object", "Type", id="soc-no-object"),
        pytest.param(with_period(limit=None), "", "null is no number", "Type", id="limit-null"),
        pytest.param(with_period(numberPhases=None), "", "null is no whole number", "Type", id="phases-null"),
        pytest.param(with_period(limit=True), "", "true is no number", "Type", id="limit-true"),
        pytest.param(with_period(limit="6"), "", "'6' is no number", "Type", id="limit-text"),
        pytest.param(with_period(limit=float("inf")), "", "inf is no finite number", "Prop", id="limit-infinite"),
        pytest.param(with_period(limit=Decimal("sNaN")), "", "is no number", "Type", id="limit-signalling"),
        pytest.param(with_period(limit=10**401), "", "more than 400 digits", "Prop", id="limit-huge"),
        pytest.param(with_period(limit=Decimal("1e-500")), "", "more than 400 digits", "Prop", id="limit-tiny"),
        pytest.param(with_period(startPeriod=2**64), "", "beyond 64 bits", "Prop", id="start-huge"),
    ],
)
def test_what_cannot_be_read_is_named(wire: Any, where: str, seen: str, code: str) -> None:
    found = problem("2.1", wire)
    assert found.where.startswith(where or "profile.chargingSchedule[0].")
    assert seen in found.what
    assert found.code.startswith(code)


def test_at_most_fifty_problems_are_listed() -> None:
    found = v21.read_profile({str(number): 1 for number in range(200)})
    assert isinstance(found, tuple)
    assert len(found) == 50


def test_unknown_fields_are_passed_over_where_that_is_asked_for() -> None:
    assert isinstance(v201.read_profile({**PROFILE, "later": 1}, strict=False), FullProfile)


@pytest.mark.parametrize(
    ("version", "change", "seen"),
    [
        pytest.param("1.6", {"max_offline_s": 5}, "max_offline_s is set, OCPP 1.6 cannot carry it", id="field"),
        pytest.param("2.0.1", {"kind": "dynamic"}, "OCPP 2.0.1 has no 'dynamic'", id="kind"),
        pytest.param("2.0.1", {"purpose": "local_generation"}, "has no 'local_generation'", id="purpose"),
        pytest.param("1.6", {"transaction_id": "7"}, "'7' has the wrong type for OCPP 1.6", id="transaction"),
        pytest.param("1.6", {"schedules": ()}, "0 schedules; OCPP 1.6 carries exactly one", id="no-schedule"),
    ],
)
def test_what_a_version_cannot_carry_is_refused(version: str, change: dict[str, Any], seen: str) -> None:
    plain = FullProfile(
        1, 0, "tx_default_profile", "relative", (FullSchedule("A", (FullPeriod(0, Decimal(6)),), id=1),)
    )
    values = {name: getattr(plain, name) for name in plain.__dataclass_fields__} | change
    if version == "1.6" and "schedules" not in change:
        values["schedules"] = (FullSchedule("A", (FullPeriod(0, Decimal(6)),)),)
    with pytest.raises(InputError, match=seen):
        MODULES[version].write_profile(FullProfile(**values))


def test_a_field_that_a_version_wants_must_be_there() -> None:
    without = FullProfile(1, 0, "tx_profile", "relative", (FullSchedule("A", (FullPeriod(0, Decimal(6)),)),))
    with pytest.raises(InputError, match=r"schedules\[0\]: id is missing, OCPP 2.1 wants it"):
        v21.write_profile(without)


@pytest.mark.parametrize(
    ("written", "back"),
    [
        pytest.param(Decimal("0.1"), 0.1, id="float"),
        pytest.param(Decimal("0.10000000000000000000001"), Decimal("0.10000000000000000000001"), id="finer"),
        pytest.param(Decimal(10**30 + 1), 10**30 + 1, id="whole"),
        pytest.param(Decimal("1e350"), 10**350, id="beyond-floats"),
    ],
)
def test_numbers_are_written_exactly(written: Decimal, back: object) -> None:
    wire = v21.write_profile(read("2.1", with_period(limit=written)))
    assert wire["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == back


def test_a_moment_of_a_datetime_reads_back() -> None:
    first = read_moment("2026-01-15T07:30:00Z")
    assert first is not None
    assert moment(datetime(2026, 1, 15, 7, 30, tzinfo=UTC)) == first
