"""Capabilities: evidence, what stations say of themselves, and records of known chargers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ocpp_schedule.model.advertised import from_configuration, from_device_model
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.chargers import ChargerRecord, known_capabilities


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"evidence": {"max_period": "advertised"}}, "'max_period', which is no capability", id="unknown"),
        pytest.param({"evidence": {"evidence": "denied"}}, "'evidence', which is no capability", id="of itself"),
        pytest.param({"stack_levels": (0, 0)}, "names a value twice", id="a level twice"),
        pytest.param({"rate_units": ()}, "at least 1 item", id="no unit"),
    ],
)
def test_inconsistent_capabilities_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Capabilities(**values)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param("assumed", "advertised", 24, id="advertised replaces assumed"),
        pytest.param("advertised", "verified", 24, id="verified replaces advertised"),
        pytest.param("verified", "advertised", 6, id="advertised does not replace verified"),
        pytest.param("denied", "advertised", 6, id="advertised does not replace denied"),
        pytest.param("verified", "denied", 24, id="the later of two that were seen"),
        pytest.param("verified", None, 24, id="the user replaces all"),
    ],
)
def test_the_stronger_evidence_counts(first: Any, second: Any, kept: int) -> None:
    found = Capabilities().with_values({"max_periods": 6}, first).with_values({"max_periods": 24}, second)
    assert found.max_periods == kept
    assert found.evidence.get("max_periods") == (second if kept == 24 else first)


@pytest.mark.parametrize(
    ("configuration", "expected", "notice"),
    [
        pytest.param({}, {"max_periods": 10, "stack_levels": (0,), "max_message_bytes": 4096}, "least", id="silent"),
        pytest.param({"ChargingScheduleMaxPeriods": "24"}, {"max_periods": 24}, "", id="periods"),
        pytest.param({"ChargingScheduleMaxPeriods": "many"}, {"max_periods": 10}, "no number", id="no number"),
        pytest.param({"ChargingScheduleMaxPeriods": "0"}, {"max_periods": 10}, "below 1", id="too low"),
        pytest.param({"ChargingScheduleMaxPeriods": 10**5000}, {"max_periods": 10_000}, "beyond", id="absurd"),
        pytest.param({"ChargeProfileMaxStackLevel": 2}, {"stack_levels": (0, 1, 2)}, "", id="levels"),
        pytest.param({"ChargeProfileMaxStackLevel": "1e9"}, {"stack_levels": tuple(range(100))}, "beyond", id="many"),
        pytest.param({"ChargingScheduleAllowedChargingRateUnit": "Power"}, {"rate_units": ("W",)}, "", id="power"),
        pytest.param({"ChargingScheduleAllowedChargingRateUnit": "W"}, {"rate_units": ("W",)}, "", id="W as unit"),
        pytest.param(
            {"ChargingScheduleAllowedChargingRateUnit": "Current, Power"}, {"rate_units": ("A", "W")}, "", id="both"
        ),
        pytest.param(
            {"ChargingScheduleAllowedChargingRateUnit": "Horses"}, {"rate_units": ("A",)}, "no unit", id="no unit"
        ),
        pytest.param({"MaxChargingProfilesInstalled": "10"}, {"max_profiles": 10}, "", id="installed"),
        pytest.param(
            {"ConnectorSwitch3to1PhaseSupported": "true"}, {"phase_switching": "number_phases"}, "", id="switches"
        ),
        pytest.param({"SupportedFeatureProfiles": "Core,Reservation"}, {}, "lacks SmartCharging", id="not supported"),
        pytest.param({"SupportedFeatureProfiles": "Core,SmartCharging"}, {}, "", id="supported"),
        pytest.param(
            {"configurationKey": [{"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": "6"}, 7]},
            {"max_periods": 6},
            "no objects",
            id="an answer as on the wire",
        ),
        pytest.param(7, {"max_periods": 10}, "no list", id="no answer at all"),
    ],
)
def test_configuration_keys(configuration: object, expected: dict[str, object], notice: str) -> None:
    found = from_configuration(configuration)
    assert {name: getattr(found.capabilities, name) for name in expected} == expected
    assert notice in " ".join(found.notices)


REPORT = {
    "requestId": 1,
    "reportData": [
        {
            "component": {"name": "SmartChargingCtrlr"},
            "variable": {"name": name, **({"instance": instance} if instance else {})},
            "variableAttribute": [{"value": value}],
            "variableCharacteristics": {"maxLimit": most},
        }
        for name, instance, value, most in [
            ("RateUnit", None, "W,A", None),
            ("PeriodsPerSchedule", None, "42", None),
            ("ProfileStackLevel", None, "3", None),
            ("Entries", "ChargingProfiles", "2", 20),
            ("Phases3to1", None, "false", None),
            ("SupportsFeature", "DynamicProfiles", "true", None),
        ]
    ],
}


def test_the_device_model_of_2x() -> None:
    found = from_device_model([REPORT, {"reportData": [{"component": 1}, {"component": {"name": "OCPPCommCtrlr"}}]}])
    known = found.capabilities
    assert (known.rate_units, known.max_periods, known.stack_levels) == (("A", "W"), 42, (0, 1, 2, 3))
    assert (known.max_profiles, known.phase_switching, known.kinds[-1]) == (20, "none", "dynamic")
    assert known.evidence["max_periods"] == "advertised"
    assert known.evidence["max_message_bytes"] == "assumed"


def test_get_variables_and_a_controller_that_is_off() -> None:
    variables = {
        "component": {"name": "smartchargingctrlr"},
        "variable": {"name": "Enabled"},
        "attributeValue": "false",
    }
    found = from_device_model({"getVariableResult": [variables]})
    assert any("not enabled" in notice for notice in found.notices)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "configurationKey",
                    "key",
                    "value",
                    "reportData",
                    "component",
                    "variable",
                    "name",
                    "instance",
                    "variableAttribute",
                    "variableCharacteristics",
                    "maxLimit",
                    "RateUnit",
                    "PeriodsPerSchedule",
                    "ChargeProfileMaxStackLevel",
                ]
            ),
            inner | st.sampled_from(["SmartChargingCtrlr", "RateUnit", "ChargingScheduleMaxPeriods", "Entries"]),
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(answer=JSON)
@settings(max_examples=300)
def test_nothing_a_station_says_raises(answer: object) -> None:
    for found in (from_configuration(answer), from_device_model(answer)):
        assert found.capabilities.max_periods is not None
        assert found.capabilities.stack_levels is not None


def record(**values: Any) -> ChargerRecord:
    return ChargerRecord(**({"vendor": "ABB", "advice": ("look",), "citations": ("somebody#1",)} | values))


@pytest.mark.parametrize(
    ("values", "station", "matches"),
    [
        pytest.param({}, {}, True, id="vendor alone"),
        pytest.param({"vendor": "abb"}, {}, True, id="without case"),
        pytest.param({"vendor": "AB"}, {}, False, id="not a part of the name"),
        pytest.param({"model": "Terra*"}, {}, True, id="pattern"),
        pytest.param({"model": "*Duo"}, {}, False, id="another model"),
        pytest.param({"versions": ("2.0.1",)}, {}, False, id="another protocol"),
        pytest.param({"firmware_from": "5.6"}, {"firmware": "V5.10"}, True, id="10 is after 6"),
        pytest.param({"firmware_before": "5.10"}, {"firmware": "5.10"}, False, id="the bound itself is outside"),
        pytest.param({"firmware_from": "5.10"}, {"firmware": "5.10"}, True, id="the bound itself is inside"),
        pytest.param({"firmware_from": "1"}, {"firmware": ""}, False, id="no firmware named"),
    ],
)
def test_records_match(values: dict[str, Any], station: dict[str, str], *, matches: bool) -> None:
    named = {"vendor": "ABB", "model": "Terra AC", "firmware": "5.8", "version": "1.6"} | station
    assert record(**values).matches(**named) is matches


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"values": {"max_period": 3}}, "values.max_period", id="unknown capability"),
        pytest.param({"values": {"max_periods": -3}}, "values.max_periods", id="impossible value"),
        pytest.param({"advice": ()}, "says nothing", id="empty"),
        pytest.param({"citations": ()}, "at least 1 item", id="without citation"),
    ],
)
def test_records_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        record(**values)


def test_later_records_win_and_advice_is_told_once() -> None:
    records = [record(values={"max_periods": 6}), record(values={"max_periods": 24}), record(vendor="*")]
    found, advice = known_capabilities(
        from_configuration({"ChargingScheduleMaxPeriods": "99"}).capabilities,
        records,
        vendor="ABB",
        model="x",
        firmware="1",
        version="1.6",
    )
    assert (found.max_periods, found.evidence["max_periods"], advice) == (24, "verified", ("look",))
