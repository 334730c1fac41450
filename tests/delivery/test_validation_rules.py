"""Every rule of validation, with the profile that breaks it and what a station says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_schedule import InputError, validate
from ocpp_schedule.delivery.validation import verdicts

TX = {"transactions": {1: "t"}}
TX16 = {"transactions": {1: 7}}


def profile(
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    *,
    schedule: Any = None,
    period: Any = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a profile of 2.x that every station takes, with changes; None takes a field away."""
    inner = {
        "id": 1,
        "startSchedule": "2026-01-15T00:00:00Z" if kind in {"Absolute", "Recurring"} else None,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [_without_none({"startPeriod": 0, "limit": 16} | (period or {}))],
    }
    wire = {
        "id": 5,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "transactionId": "t" if purpose == "TxProfile" else None,
        "chargingSchedule": [_without_none(inner | (schedule or {}))],
    }
    return _without_none(wire | fields)


def old(purpose: str = "TxDefaultProfile", kind: str = "Absolute", **changes: Any) -> dict[str, Any]:
    """Return the same in 1.6."""
    wire = profile(purpose, kind, **{"transactionId": 7 if purpose == "TxProfile" else None} | changes)
    wire["chargingProfileId"] = wire.pop("id")
    [wire["chargingSchedule"]] = wire["chargingSchedule"]
    wire["chargingSchedule"].pop("id", None)
    return wire


def _without_none(wire: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wire.items() if value is not None}


def told(wire: object, version: str, connector: int, context: Any, dialect: str = "standard") -> tuple[Any, ...]:
    found = validate(wire, version=version, connector=connector, context=context, dialect=dialect)
    assert (found.remedy is None) is (found.status == "Accepted")
    return found.status, found.reason_code, found.requirement


SET = {"operationMode": "CentralSetpoint", "setpoint": 5}
CURVE = [{"frequency": 50, "power": 0}, {"frequency": 51, "power": 1}]
PERIODS = [{"startPeriod": 0, "limit": 1}, {"startPeriod": 60, "limit": 2}]


@pytest.mark.parametrize(
    ("wire", "version", "connector", "context", "reason", "requirement"),
    [
        pytest.param(profile(), "2.1", 1, {"Enabled": False}, "!NotSupported", "K01.FR.29", id="disabled"),
        pytest.param(profile(), "2.1", 1, {"retry_after_s": 30}, "RateLimitExceeded", "K01.FR.56", id="too-often"),
        pytest.param(
            profile("TxProfile"),
            "2.0.1",
            1,
            TX | {"EVChargingNeedsReported": False},
            "InvalidMessageSeq",
            "K15.FR.17",
            id="before-the-needs",
        ),
        pytest.param(profile(), "2.1", -1, {}, "InvalidValue", "K01.FR.28", id="negative-evse"),
        pytest.param(profile(), "2.1", 3, {"num_evses": 2}, "InvalidValue", "K01.FR.28", id="no-such-evse"),
        pytest.param(
            profile("ChargingStationMaxProfile"), "2.1", 1, {}, "InvalidValue", "K04.FR.03", id="maximum-of-an-evse"
        ),
        pytest.param(profile("TxProfile"), "2.1", 0, TX, "InvalidValue", "K01.FR.16", id="tx-of-the-station"),
        pytest.param(
            profile(), "2.1", 1, {"inside": "RequestStartTransaction"}, "InvalidProfile", "K05.FR.02", id="in-start"
        ),
        pytest.param(
            profile("TxProfile"),
            "2.1",
            1,
            {"inside": "RequestStartTransactionRequest"},
            "InvalidProfile",
            "K05.FR.02",
            id="id-in-start",
        ),
        pytest.param(
            profile("ChargingStationExternalConstraints"), "2.1", 0, {}, "InvalidValue", "K01.FR.22", id="external"
        ),
        pytest.param(
            profile("PriorityCharging", "Relative"),
            "2.1",
            1,
            {"SupportedAdditionalPurposes": "LocalGeneration"},
            "UnsupportedPurpose",
            "K01.FR.120",
            id="purpose",
        ),
        pytest.param(
            profile(transactionId="t"),
            "2.1",
            1,
            TX,
            "InvalidProfile",
            "schema ChargingProfileType.transactionId",
            id="id",
        ),
        pytest.param(
            profile("TxProfile", transactionId="t" * 37),
            "2.1",
            1,
            TX,
            "!PropertyConstraintViolation",
            "schema ChargingProfileType.transactionId",
            id="long-id",
        ),
        pytest.param(profile("TxProfile", transactionId=None), "2.1", 1, TX, "MissingParam", "K01.FR.03", id="no-id"),
        pytest.param(profile("TxProfile"), "2.1", 1, {}, "TxNotFound", "K01.FR.09", id="no-transaction"),
        pytest.param(
            profile("TxProfile", transactionId="u"), "2.1", 1, TX, "TxNotFound", "K01.FR.33", id="other-transaction"
        ),
        pytest.param(
            profile(), "2.1", 1, {"MaxExternalConstraintsId": 5}, "InvalidProfileId", "K01.FR.81", id="id-of-external"
        ),
        pytest.param(
            profile(),
            "2.0.1",
            1,
            {"installed": [{"connector": 0, "profile": profile("ChargingStationExternalConstraints")}]},
            "DuplicateProfile",
            "K01.FR.05",
            id="id-is-external",
        ),
        pytest.param(
            profile(stackLevel=3),
            "2.1",
            1,
            {"ProfileStackLevel": 2},
            "InvalidStackLevel",
            "ProfileStackLevel",
            id="level",
        ),
        pytest.param(
            profile(stackLevel=-1), "2.1", 1, {}, "InvalidStackLevel", "ProfileStackLevel", id="level-below-0"
        ),
        pytest.param(
            profile(kind="Recurring"),
            "2.1",
            1,
            {},
            "InvalidProfile",
            "schema ChargingProfileType.recurrencyKind",
            id="recurring",
        ),
        pytest.param(
            profile("ChargingStationMaxProfile", "Relative"),
            "2.1",
            0,
            {},
            "InvalidValue",
            "K01.FR.38",
            id="relative-max",
        ),
        pytest.param(
            profile(kind="Dynamic"),
            "2.1",
            1,
            {"SupportsDynamicProfiles": False},
            "UnsupportedKind",
            "K01.FR.121",
            id="dynamic",
        ),
        pytest.param(
            profile(kind="Dynamic", schedule={"chargingSchedulePeriod": PERIODS}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "K28.FR.01",
            id="dynamic-periods",
        ),
        pytest.param(profile(dynUpdateInterval=5), "2.1", 1, {}, "InvalidProfile", "K01.FR.122", id="interval"),
        pytest.param(
            profile(dynUpdateTime="2026-01-15T00:00:00Z"),
            "2.1",
            1,
            {},
            "InvalidProfile",
            "K01.FR.122",
            id="update-time",
        ),
        pytest.param(
            profile(validFrom="2026-01-16T00:00:00Z", validTo="2026-01-16T00:00:00Z"),
            "2.1",
            1,
            {},
            "InvalidProfile",
            "schema ChargingProfileType.validTo",
            id="never-valid",
        ),
        pytest.param(
            profile(validTo="2026-01-16T00:00:00Z"),
            "2.1",
            1,
            {"now": "2026-01-16T00:00:00Z"},
            "InvalidProfile",
            "K01.FR.37",
            id="past",
        ),
        pytest.param(
            profile(validTo="2026-01-16T00:00:00Z"),
            "2.1",
            1,
            {"now": datetime(2026, 1, 17, tzinfo=UTC)},
            "InvalidProfile",
            "K01.FR.37",
            id="past-datetime",
        ),
        pytest.param(
            profile(maxOfflineDuration=5),
            "2.1",
            1,
            {"SupportsMaxOfflineDuration": False},
            "InvalidProfile",
            "SupportsFeature[MaxOfflineDuration]",
            id="offline",
        ),
        pytest.param(
            profile(maxOfflineDuration=-5),
            "2.1",
            1,
            {},
            "InvalidProfile",
            "schema ChargingProfileType.maxOfflineDuration",
            id="offline-negative",
        ),
        pytest.param(
            profile(priceScheduleSignature="x" * 257),
            "2.1",
            1,
            {},
            "!PropertyConstraintViolation",
            "schema ChargingProfileType.priceScheduleSignature",
            id="signature",
        ),
        pytest.param(
            profile("TxProfile"),
            "2.1",
            1,
            TX | {"installed": [{"connector": 1, "profile": profile("TxProfile", id=6)}]},
            "InvalidStackLevel",
            "K01.FR.39",
            id="tx-at-that-level",
        ),
        pytest.param(
            profile(),
            "2.1",
            0,
            {"installed": [{"connector": 1, "profile": profile(id=6)}]},
            "DuplicateProfile",
            "K01.FR.52",
            id="default-of-an-evse-at-that-level",
        ),
        pytest.param(
            profile(),
            "2.1",
            1,
            {"installed": [{"connector": 0, "profile": profile(id=6)}]},
            "DuplicateProfile",
            "K01.FR.53",
            id="default-of-the-station-at-that-level",
        ),
        pytest.param(
            profile(),
            "2.1",
            1,
            {"installed": [{"connector": 1, "profile": profile(id=6)}]},
            "DuplicateProfile",
            "K01.FR.06",
            id="same-place",
        ),
        pytest.param(
            profile(chargingSchedule=[]),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingProfileType.chargingSchedule",
            id="no-schedule",
        ),
        pytest.param(
            profile(chargingSchedule=profile()["chargingSchedule"] * 2),
            "2.1",
            1,
            {"NotifyEVChargingNeeds": False},
            "InvalidSchedule",
            "K01.FR.34",
            id="two-schedules",
        ),
        pytest.param(
            profile(schedule={"startSchedule": None}), "2.1", 1, {}, "InvalidSchedule", "K01.FR.40", id="no-start"
        ),
        pytest.param(
            profile(kind="Relative", schedule={"startSchedule": "2026-01-15T00:00:00Z"}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "K01.FR.41",
            id="relative-start",
        ),
        pytest.param(
            profile(schedule={"duration": -1}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingScheduleType.duration",
            id="duration",
        ),
        pytest.param(
            profile("PriorityCharging", "Relative", schedule={"duration": 9}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "K01.FR.70",
            id="priority-duration",
        ),
        pytest.param(profile(), "2.1", 1, {"RateUnit": ["W"]}, "UnsupportedRateUnit", "K01.FR.26", id="unit"),
        pytest.param(
            profile(schedule={"chargingSchedulePeriod": []}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingScheduleType.chargingSchedulePeriod",
            id="no-period",
        ),
        pytest.param(
            profile(schedule={"chargingSchedulePeriod": PERIODS}),
            "2.1",
            1,
            {"PeriodsPerSchedule": 1},
            "InvalidSchedule",
            "PeriodsPerSchedule",
            id="too-many-periods",
        ),
        pytest.param(
            profile(schedule={"chargingSchedulePeriod": [{"startPeriod": k, "limit": 1} for k in range(1025)]}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "PeriodsPerSchedule",
            id="more-than-1024",
        ),
        pytest.param(profile(period={"startPeriod": 5}), "2.1", 1, {}, "InvalidSchedule", "K01.FR.31", id="first-late"),
        pytest.param(
            profile(schedule={"chargingSchedulePeriod": PERIODS[:1] * 2}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "K01.FR.35",
            id="equal-starts",
        ),
        pytest.param(
            profile(schedule={"useLocalTime": True}),
            "2.1",
            1,
            {"SupportsUseLocalTime": False},
            "InvalidSchedule",
            "K01.FR.123",
            id="local-time",
        ),
        pytest.param(
            profile(schedule={"randomizedDelay": 5}),
            "2.1",
            1,
            {"SupportsRandomizedDelay": False},
            "InvalidSchedule",
            "K01.FR.124",
            id="delay",
        ),
        pytest.param(
            profile("ChargingStationMaxProfile", schedule={"randomizedDelay": 5}),
            "2.1",
            0,
            {},
            "InvalidSchedule",
            "K01.FR.95",
            id="delayed-maximum",
        ),
        pytest.param(
            profile(schedule={"randomizedDelay": -5}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingScheduleType.randomizedDelay",
            id="delay-negative",
        ),
        pytest.param(
            profile(schedule={"limitAtSoC": {"soc": 80, "limit": 6}}),
            "2.1",
            1,
            {"SupportsLimitAtSoC": False},
            "InvalidSchedule",
            "K01.FR.125",
            id="soc",
        ),
        pytest.param(
            profile(schedule={"limitAtSoC": {"soc": 101, "limit": 6}}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema LimitAtSoCType.soc",
            id="soc-beyond",
        ),
        pytest.param(
            profile(schedule={"absolutePriceSchedule": {}, "priceLevelSchedule": {}}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingScheduleType",
            id="two-price-schedules",
        ),
        pytest.param(
            profile(period={"numberPhases": 3}),
            "2.1",
            1,
            {"evse_current_type": "DC"},
            "NoPhaseForDC",
            "K01.FR.44",
            id="dc",
        ),
        pytest.param(profile(period={"numberPhases": 4}), "2.1", 1, {}, "InvalidSchedule", "K01.FR.45", id="4-phases"),
        pytest.param(
            profile(period={"numberPhases": 3}),
            "2.0.1",
            1,
            {"SupplyPhases": 1},
            "InvalidSchedule",
            "K01.FR.45",
            id="3-phases-of-1",
        ),
        pytest.param(profile(period={"phaseToUse": 1}), "2.1", 1, {}, "InvalidSchedule", "K01.FR.19", id="phase-of-3"),
        pytest.param(
            profile(period={"phaseToUse": 1, "numberPhases": 1}),
            "2.1",
            1,
            {"ACPhaseSwitchingSupported": False},
            "InvalidSchedule",
            "K01.FR.20",
            id="no-choice-of-phase",
        ),
        pytest.param(
            profile(period={"phaseToUse": 4, "numberPhases": 1}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingSchedulePeriodType.phaseToUse",
            id="phase-4",
        ),
        pytest.param(
            profile(period={"phaseToUse": 1, "numberPhases": 1}),
            "2.1",
            1,
            {
                "installed": [
                    {
                        "connector": 0,
                        "profile": profile(id=6, stackLevel=1, period={"phaseToUse": 2, "numberPhases": 1}),
                    }
                ]
            },
            "PhaseConflict",
            "K01.FR.141",
            id="another-phase",
        ),
        pytest.param(
            profile(period={"limit": -1}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingSchedulePeriodType.limit",
            id="negative",
        ),
        pytest.param(
            profile(period=SET | {"dischargeLimit": 1}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingSchedulePeriodType.dischargeLimit",
            id="positive-discharge",
        ),
        pytest.param(
            profile(period={"limit": 6.25}),
            "2.0.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingSchedulePeriodType.limit",
            id="two-decimals",
        ),
        pytest.param(
            profile("ChargingStationMaxProfile", period=SET),
            "2.1",
            0,
            {},
            "InvalidOperationMode",
            "K01.FR.114",
            id="mode",
        ),
        pytest.param(
            profile("LocalGeneration", period={"operationMode": "Idle", "limit": None}),
            "2.1",
            0,
            {},
            "InvalidOperationMode",
            "K01.FR.114",
            id="mode-of-generation",
        ),
        pytest.param(
            profile(period=SET),
            "2.1",
            1,
            {"SupportedOperationModes": ["Idle"]},
            "InvalidOperationMode",
            "K01.FR.115",
            id="mode-unsupported",
        ),
        pytest.param(
            profile(
                period={"operationMode": "LocalFrequency", "limit": None, "v2xBaseline": 0, "v2xFreqWattCurve": CURVE}
            ),
            "2.1",
            1,
            {},
            "UnsupportedRateUnit",
            "Q08.FR.05",
            id="frequency-in-A",
        ),
        pytest.param(
            profile(
                schedule={"chargingRateUnit": "W"},
                period={
                    "operationMode": "LocalFrequency",
                    "limit": None,
                    "v2xBaseline": 0,
                    "v2xFreqWattCurve": CURVE[:1],
                },
            ),
            "2.1",
            1,
            {},
            "NoFreqWattCurve",
            "Q08.FR.02",
            id="one-point",
        ),
        pytest.param(
            profile(period={"setpoint": 5}), "2.1", 1, {}, "InvalidSchedule", "Q10", id="set-point-without-mode"
        ),
        pytest.param(profile(period={"limit": None}), "2.1", 1, {}, "InvalidSchedule", "Q10", id="no-limit"),
        pytest.param(
            profile(period={"limit_L2": 5}), "2.1", 1, {}, "PhaseConflict", "K01.FR.143", id="lines-of-default"
        ),
        pytest.param(
            profile("TxProfile", period={"limit_L2": 5}),
            "2.1",
            1,
            TX | {"EvReportsPhases": False},
            "PhaseConflict",
            "K01.FR.142",
            id="car-without-lines",
        ),
        pytest.param(
            profile("TxProfile", period=SET | {"limit": None, "limit_L2": 5}),
            "2.1",
            1,
            TX,
            "PhaseConflict",
            "K01.FR.145",
            id="lines-without-L1",
        ),
        pytest.param(
            profile(period={"v2xSignalWattCurve": [{}] * 21}),
            "2.1",
            1,
            {},
            "InvalidSchedule",
            "schema ChargingSchedulePeriodType",
            id="21-points",
        ),
        pytest.param(profile(period={"evseSleep": True}), "2.1", 1, {}, "InvalidSchedule", "K01.FR.126", id="sleep"),
        pytest.param(
            profile(),
            "2.1",
            1,
            {"ChargingProfilesEntries": 1, "installed": [{"connector": 2, "profile": profile(id=6, stackLevel=1)}]},
            "OutOfStorage",
            "Entries[ChargingProfiles]",
            id="full",
        ),
    ],
)
def test_rule(
    wire: dict[str, Any], version: str, connector: int, context: dict[str, Any], reason: str, requirement: str
) -> None:
    status = "CALLERROR" if reason.startswith("!") else "Rejected"
    assert told(wire, version, connector, context) == (status, reason.removeprefix("!"), requirement)


@pytest.mark.parametrize(
    ("wire", "connector", "context", "dialect", "status", "reason"),
    [
        pytest.param(
            old(), 1, {"SupportedFeatureProfiles": "Core"}, "standard", "CALLERROR", "NotSupported", id="no-smart"
        ),
        pytest.param(
            old(), 3, {"num_evses": 2}, "standard", "CALLERROR", "PropertyConstraintViolation", id="no-connector"
        ),
        pytest.param(old(), 3, {"num_evses": 2}, "libocpp", "Rejected", None, id="no-connector-libocpp"),
        pytest.param(
            old("ChargePointMaxProfile"), 1, {}, "standard", "CALLERROR", "PropertyConstraintViolation", id="maximum"
        ),
        pytest.param(old("TxProfile"), 0, TX16, "standard", "Rejected", None, id="tx-of-the-station"),
        pytest.param(old(), 1, {"inside": "RemoteStartTransaction"}, "standard", "Rejected", None, id="in-start"),
        pytest.param(old("TxProfile"), 1, {"inside": "RemoteStartTransaction"}, "standard", "Rejected", None, id="id"),
        pytest.param(
            old("TxProfile", transactionId=None), 1, TX16, "standard", "Accepted", None, id="id-may-be-absent"
        ),
        pytest.param(
            old(stackLevel=9),
            1,
            {"ChargeProfileMaxStackLevel": 8},
            "standard",
            "CALLERROR",
            "PropertyConstraintViolation",
            id="level",
        ),
        pytest.param(
            old(period={"limit": 6.25}),
            1,
            {},
            "standard",
            "CALLERROR",
            "PropertyConstraintViolation",
            id="two-decimals",
        ),
        pytest.param(old(period={"limit": 6.25}), 1, {}, "libocpp", "Accepted", None, id="two-decimals-libocpp"),
        pytest.param(
            old(schedule={"startSchedule": None}),
            1,
            {"AllowChargingProfileWithoutStartSchedule": True},
            "standard",
            "Accepted",
            None,
            id="start-may-be-absent",
        ),
        pytest.param(old(period={"startPeriod": 1}), 1, {}, "standard", "Rejected", None, id="first-late"),
        pytest.param(
            old(schedule={"chargingRateUnit": "kW"}),
            1,
            {},
            "standard",
            "CALLERROR",
            "PropertyConstraintViolation",
            id="unit-of-no-kind",
        ),
        pytest.param(old() | {"id": 1}, 1, {}, "standard", "CALLERROR", "FormationViolation", id="unknown-field"),
        pytest.param(
            old(period={"numberPhases": 3}), 1, {"SupplyPhases": 1}, "standard", "Accepted", None, id="phases"
        ),
        pytest.param(
            old(period={"numberPhases": 3}), 1, {"evse_current_type": "DC"}, "standard", "Accepted", None, id="dc"
        ),
        pytest.param(
            old(),
            1,
            {"MaxChargingProfilesInstalled": 1, "installed": [{"connector": 1, "profile": old()}]},
            "standard",
            "Accepted",
            None,
            id="full-but-replaced",
        ),
        pytest.param(
            old(),
            1,
            {"MaxChargingProfilesInstalled": 1, "installed": [{"connector": 1, "profile": old()}]},
            "libocpp",
            "Rejected",
            None,
            id="full-libocpp",
        ),
        pytest.param(
            old(),
            1,
            {"MaxChargingProfilesInstalled": 1, "installed": [{"connector": 1, "profile": old(id=6)}]},
            "microocpp",
            "Rejected",
            None,
            id="full-other-id-microocpp",
        ),
    ],
)
def test_rule_of_1_6(
    wire: dict[str, Any], connector: int, context: dict[str, Any], dialect: str, status: str, reason: str | None
) -> None:
    assert told(wire, "1.6", connector, context, dialect)[:2] == (status, reason)


@pytest.mark.parametrize(
    ("wire", "connector", "context"),
    [
        pytest.param(profile(), 1, {}, id="plain"),
        pytest.param(profile(), 1, {"retry_after_s": 0, "EVChargingNeedsReported": False}, id="nothing-to-wait-for"),
        pytest.param(profile("TxProfile"), 1, TX, id="transaction"),
        pytest.param(profile("TxProfile"), 1, {"transactions": {"1": None}}, id="transaction-of-unknown-id"),
        pytest.param(profile(), 1, {"installed": [{"connector": 0, "profile": profile()}]}, id="same-id-elsewhere"),
        pytest.param(
            profile(validTo="2026-02-01T00:00:00Z"),
            1,
            {"installed": [{"connector": 1, "profile": profile(id=6, validFrom="2026-02-01T00:00:00Z")}]},
            id="disjoint-validity",
        ),
        pytest.param(
            profile(period={"numberPhases": 1}), 1, {"evse_current_type": "DC", "DCInputPhaseControl": True}, id="dc"
        ),
        pytest.param(
            profile(period=SET | {"limit": 9, "dischargeLimit": -3, "setpointReactive": 1}), 1, {}, id="set-point"
        ),
        pytest.param(profile(period={"operationMode": "Idle", "limit": None, "evseSleep": True}), 1, {}, id="asleep"),
        pytest.param(
            profile("TxProfile", period={"limit": 9, "limit_L2": 8, "limit_L3": 7}), 1, TX, id="values-per-phase"
        ),
        pytest.param(profile(period={"limit": 6.123456}), 1, {}, id="six-decimals-in-2.1"),
        pytest.param(profile(), 1, {"installed": "none", "transactions": [], "now": 5, "inside": 7}, id="odd-context"),
        pytest.param(profile(), 1, None, id="no-context"),
    ],
)
def test_what_a_station_takes(wire: dict[str, Any], connector: int, context: Any) -> None:
    assert told(wire, "2.1", connector, context) == ("Accepted", None, None)


def test_every_broken_rule_can_be_had() -> None:
    wire = profile("ChargingStationMaxProfile", "Relative", stackLevel=-1, period={"startPeriod": 3, "limit": -1})
    found = [one.requirement for one in verdicts(wire, version="2.1", connector=1)]
    assert found == [
        "K04.FR.03",
        "ProfileStackLevel",
        "K01.FR.38",
        "K01.FR.31",
        "schema ChargingSchedulePeriodType.limit",
    ]


def test_every_unreadable_place_can_be_had() -> None:
    found = list(verdicts({"id": "x", "stackLevel": "y"}, version="2.0.1", connector=1))
    assert {one.status for one in found} == {"CALLERROR"}
    assert [(one.remedy or "").split(":")[0] for one in found][:2] == ["profile.id", "profile.stackLevel"]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param({"version": "3"}, "version: '3' is not known; there are 1.6", id="version"),
        pytest.param({"dialect": "mine"}, "dialect: 'mine' is not known; there are standard", id="dialect"),
    ],
)
def test_an_unknown_version_or_dialect_is_refused(change: dict[str, str], seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        validate({}, **{"version": "2.1", "connector": 1, **change})  # type: ignore[arg-type]
