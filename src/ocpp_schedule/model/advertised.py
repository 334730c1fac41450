"""What a station says of itself: 1.6 configuration keys and the 2.x device model, as capabilities.

What a station does not say counts as the least that the standards allow: one stack level, ten periods, 4 kB.
Stations answer with texts, wrong units and missing keys; nothing in an answer raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ocpp_schedule.model._raw import quoted
from ocpp_schedule.model.capabilities import Capabilities

UNKNOWN_LEVELS: Final = (0,)
UNKNOWN_PERIODS: Final = 10
UNKNOWN_BYTES: Final = 4096
"""Parsers of small stations read this much; MicroOcpp's takes 16 kB, and answers longer messages with an error."""
MAX_LEVELS: Final = 100
LARGEST: Final = 10_000
MAX_ENTRIES: Final = 10_000
MAX_TEXT: Final = 500
"""OCPP 1.6, KeyValue.value."""
UNITS_16: Final = {"current": "A", "power": "W", "a": "A", "w": "W"}
"""The standard says Current and Power; some stations say A and W."""
CONTROLLER: Final = "smartchargingctrlr"


class Advertised(NamedTuple):
    """What a station says.

    Attributes:
        capabilities: with evidence for each field: advertised, or assumed where the station says nothing.
        notices: what was odd in the answer, and how it was taken.
    """

    capabilities: Capabilities
    notices: tuple[str, ...]


def from_configuration(configuration: object) -> Advertised:
    """Return what an OCPP 1.6 station says in its GetConfiguration answer.

    Args:
        configuration: the payload, its ``configurationKey`` list, or a mapping of key to value.

    >>> keys = {"ChargeProfileMaxStackLevel": "8", "ChargingScheduleMaxPeriods": "24",
    ...         "ChargingScheduleAllowedChargingRateUnit": "Power", "MaxChargingProfilesInstalled": "10"}
    >>> found = from_configuration(keys).capabilities
    >>> found.rate_units, found.stack_levels, found.max_periods, found.max_profiles
    (('W',), (0, 1, 2, 3, 4, 5, 6, 7, 8), 24, 10)
    >>> from_configuration({}).capabilities.max_periods
    10
    """
    notices: list[str] = []
    given = _configuration(configuration, notices)
    values: dict[str, Any] = {}
    units = _units(given.get("ChargingScheduleAllowedChargingRateUnit"), UNITS_16, notices)
    if units:
        values["rate_units"] = units
    level = _whole(given, "ChargeProfileMaxStackLevel", 0, notices)
    if level is not None:
        values["stack_levels"] = tuple(range(min(level + 1, MAX_LEVELS)))
    periods = _whole(given, "ChargingScheduleMaxPeriods", 1, notices)
    if periods is not None:
        values["max_periods"] = periods
    installed = _whole(given, "MaxChargingProfilesInstalled", 1, notices)
    if installed is not None:
        values["max_profiles"] = installed
    switching = _flag(given.get("ConnectorSwitch3to1PhaseSupported"))
    if switching is not None:
        values["phase_switching"] = "number_phases" if switching else "none"
    profiles = given.get("SupportedFeatureProfiles")
    if isinstance(profiles, str) and "smartcharging" not in profiles.replace(" ", "").lower().split(","):
        notices.append(f"SupportedFeatureProfiles {quoted(profiles)} lacks SmartCharging; some stations have it anyway")
    return _with_defaults(values, notices)


def from_device_model(report: object) -> Advertised:
    """Return what an OCPP 2.0.1 or 2.1 station says in NotifyReport or GetVariables payloads.

    Args:
        report: one payload or a list of them, with ``reportData`` or ``getVariableResult``; or a mapping of variable
            name to value of the SmartChargingCtrlr.

    >>> found = from_device_model({"RateUnit": "A,W", "PeriodsPerSchedule": "1024", "ProfileStackLevel": "1"})
    >>> found.capabilities.rate_units, found.capabilities.max_periods, found.capabilities.stack_levels
    (('A', 'W'), 1024, (0, 1))
    """
    notices: list[str] = []
    given = _variables(report, notices)
    values: dict[str, Any] = {}
    units = _units(given.get("RateUnit"), {"a": "A", "w": "W"}, notices)
    if units:
        values["rate_units"] = units
    level = _whole(given, "ProfileStackLevel", 0, notices)
    if level is not None:
        values["stack_levels"] = tuple(range(min(level + 1, MAX_LEVELS)))
    periods = _whole(given, "PeriodsPerSchedule", 1, notices)
    if periods is not None:
        values["max_periods"] = periods
    installed = _whole(given, "ChargingProfiles.maxLimit", 1, notices)
    if installed is not None:
        values["max_profiles"] = installed
    switching = [_flag(given.get(name)) for name in ("Phases3to1", "ACPhaseSwitchingSupported")]
    if any(one is not None for one in switching):
        values["phase_switching"] = "number_phases" if any(switching) else "none"
    if _flag(given.get("Available")) is False or _flag(given.get("Enabled")) is False:
        notices.append("SmartChargingCtrlr is not available or not enabled; profiles may be refused")
    kinds = ["absolute", "relative", "recurring"]
    dynamic = [_flag(given.get(name)) for name in ("SupportsDynamicProfiles", "SupportsFeature.DynamicProfiles")]
    if any(dynamic):
        values["kinds"] = (*kinds, "dynamic")
    return _with_defaults(values, notices)


def _with_defaults(values: dict[str, Any], notices: list[str]) -> Advertised:
    """Return capabilities with what the station said, and the least for what it did not."""
    least = {"stack_levels": UNKNOWN_LEVELS, "max_periods": UNKNOWN_PERIODS, "max_message_bytes": UNKNOWN_BYTES}
    found = Capabilities().with_values(least, "assumed").with_values(values, "advertised")
    silent = [name for name in ("stack_levels", "max_periods") if name not in values]
    if silent:
        notices.append(f"the station does not say {' or '.join(silent)}; the least is assumed")
    return Advertised(found, tuple(notices))


def _configuration(configuration: object, notices: list[str]) -> dict[str, object]:
    if isinstance(configuration, Mapping):
        listed = configuration.get("configurationKey")
        if listed is None:
            return {key: value for key, value in list(configuration.items())[:MAX_ENTRIES] if isinstance(key, str)}
        configuration = listed
    found: dict[str, object] = {}
    for entry in _entries(configuration, notices):
        key = entry.get("key")
        if isinstance(key, str):
            found[key] = entry.get("value")
    return found


def _variables(report: object, notices: list[str]) -> dict[str, object]:
    """Return name (with instance or ``maxLimit`` after a dot) to value of the smart charging controller."""
    if isinstance(report, Mapping) and not {"reportData", "getVariableResult"} & set(report):
        return {key: value for key, value in list(report.items())[:MAX_ENTRIES] if isinstance(key, str)}
    payloads = [report] if isinstance(report, Mapping) else report
    found: dict[str, object] = {}
    for payload in _entries(payloads, notices):
        for name in ("reportData", "getVariableResult"):
            for entry in _entries(payload.get(name, ()), notices):
                _take_variable(entry, found)
    return found


def _take_variable(entry: Mapping[Any, Any], found: dict[str, object]) -> None:
    component, variable = entry.get("component"), entry.get("variable")
    if not isinstance(component, Mapping) or not isinstance(variable, Mapping):
        return
    name, instance = variable.get("name"), variable.get("instance")
    if _text(component.get("name")).lower() != CONTROLLER or not isinstance(name, str):
        return
    value = entry.get("attributeValue")
    attributes = entry.get("variableAttribute")
    if value is None and isinstance(attributes, Sequence) and attributes and isinstance(attributes[0], Mapping):
        value = attributes[0].get("value")
    characteristics = entry.get("variableCharacteristics")
    most = characteristics.get("maxLimit") if isinstance(characteristics, Mapping) else None
    if name == "Entries":
        found[f"{_text(instance)}.maxLimit"] = most
    else:
        found[f"{name}.{instance}" if isinstance(instance, str) else name] = value


def _entries(listed: object, notices: list[str]) -> list[Mapping[Any, Any]]:
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        notices.append(f"{quoted(listed)} is no list; it was passed over")
        return []
    entries = [entry for entry in listed[:MAX_ENTRIES] if isinstance(entry, Mapping)]
    if len(entries) < len(listed):
        notices.append(f"{len(listed) - len(entries)} entries are no objects, or too many; they were passed over")
    return entries


def _units(raw: object, names: Mapping[str, str], notices: list[str]) -> tuple[str, ...]:
    """Return the units named in a comma-separated list, A first; none where none is known."""
    if raw is None:
        return ()
    words = [word.strip().lower() for word in _text(raw).split(",")]
    found = {names[word] for word in words if word in names}
    odd = [word for word in words if word not in names]
    if odd:
        taken = ", ".join(sorted(found)) or "A is assumed"
        notices.append(f"rate unit {quoted(raw)} has a word that is no unit; taken: {taken}")
    return tuple(sorted(found))


def _whole(given: Mapping[str, object], key: str, least: int, notices: list[str]) -> int | None:
    """Return a whole number of at least ``least``, cut to what is sane; None where there is none."""
    raw = given.get(key)
    if raw is None:
        return None
    try:
        value = min(raw, LARGEST + 1) if type(raw) is int else int(float(_text(raw)))
    except (ValueError, OverflowError):
        notices.append(f"{key} {quoted(raw)} is no number; the least is assumed")
        return None
    if value < least:
        notices.append(f"{key} {quoted(raw)} is below {least}; the least is assumed")
        return None
    if value > LARGEST:
        notices.append(f"{key} {quoted(raw)} is beyond {LARGEST}; taken as {LARGEST}")
    return min(value, LARGEST)


def _flag(raw: object) -> bool | None:
    words = {"true": True, "false": False, "1": True, "0": False}
    return None if raw is None else words.get(_text(raw).strip().lower())


def _text(raw: object) -> str:
    """Return a short text of a plain value; nothing of others."""
    if isinstance(raw, str):
        return raw[:MAX_TEXT]
    return str(raw) if isinstance(raw, bool | float) else ""
