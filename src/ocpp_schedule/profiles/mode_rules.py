"""Rules for operation modes, set-points and values per phase (2.1: table 95, K01.FR.111 to 147, Q08, Q10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.profiles.context import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.profiles.context import Context
    from ocpp_schedule.profiles.full import FullPeriod, FullProfile, FullSchedule

WIRE_NAMES: Final = {
    "idle": "Idle",
    "charging_only": "ChargingOnly",
    "central_setpoint": "CentralSetpoint",
    "external_setpoint": "ExternalSetpoint",
    "external_limits": "ExternalLimits",
    "central_frequency": "CentralFrequency",
    "local_frequency": "LocalFrequency",
    "local_load_balancing": "LocalLoadBalancing",
}
ALL: Final = frozenset(WIRE_NAMES)
MODES: Final[dict[str, frozenset[str]]] = {
    "tx_profile": ALL,
    "tx_default_profile": ALL,
    "charging_station_external_constraints": frozenset({"charging_only", "external_limits", "external_setpoint"}),
    "local_generation": frozenset({"charging_only", "external_limits"}),
    "charging_station_max_profile": frozenset({"charging_only"}),
    "priority_charging": frozenset({"charging_only"}),
}
"""Which modes a purpose may have (table 95, K01.FR.111 to 114)."""
TAKES: Final[dict[str, frozenset[str]]] = {
    "charging_only": frozenset({"limit"}),
    "central_setpoint": frozenset({"limit", "discharge_limit", "setpoint", "setpoint_reactive"}),
    "central_frequency": frozenset({"limit", "discharge_limit", "setpoint"}),
    "external_setpoint": frozenset({"limit", "discharge_limit"}),
}
"""Which quantities a mode may have; the other modes have none."""
NEEDS: Final = {"charging_only": "limit", "central_setpoint": "setpoint", "central_frequency": "setpoint"}
QUANTITIES: Final = {
    "limit": "limit",
    "discharge_limit": "dischargeLimit",
    "setpoint": "setpoint",
    "setpoint_reactive": "setpointReactive",
}
FEWEST_POINTS: Final = 2
MOST_POINTS: Final = 20


def mode_violations(
    profile: FullProfile, schedule: FullSchedule, period: FullPeriod, context: Context
) -> Iterator[Violation]:
    """Yield every rule of operation modes that a period breaks; only OCPP 2.1 has them."""
    if context.version != "2.1":
        return
    mode = period.operation_mode or "charging_only"
    yield from _allowed(profile, mode, context)
    yield from _local_frequency(schedule, period, mode)
    yield from _quantities(period, mode)
    yield from _lines(profile, period, context)
    yield from _curves(period)
    if period.evse_sleep and (mode != "idle" or context.lacks("SupportsEvseSleep")):
        what = "evseSleep goes with mode Idle, where the station supports it; leave it out."
        yield Violation("K01.FR.126", "InvalidSchedule", what)
    setpoints = [v for v in (period.setpoint, period.setpoint_l2, period.setpoint_l3) if v is not None]
    if context.dialect == "libocpp" and setpoints and min(setpoints) < 0 < max(setpoints):
        what = "This station wants set-points of one sign on all phases; make them so."
        yield Violation(None, "InvalidSchedule", what)


def _allowed(profile: FullProfile, mode: str, context: Context) -> Iterator[Violation]:
    name = WIRE_NAMES[mode]
    allowed = MODES[profile.purpose]
    if mode not in allowed:
        names = ", ".join(sorted(WIRE_NAMES[one] for one in allowed))
        what = f"This purpose does not go with mode {name}; use one of {names}."
        if context.dialect == "libocpp" and profile.purpose == "priority_charging":
            yield Violation("K01.FR.71", "InvalidSchedule", what)
        else:
            yield Violation("K01.FR.114", "InvalidOperationMode", what)
    supported = context.listed("SupportedOperationModes")
    if supported is not None and mode != "charging_only" and name not in supported:
        what = f"The station does not support mode {name}; use one of {', '.join(sorted(supported))}."
        yield Violation("K01.FR.115", "InvalidOperationMode", what)


def _local_frequency(schedule: FullSchedule, period: FullPeriod, mode: str) -> Iterator[Violation]:
    if mode != "local_frequency":
        return
    if schedule.unit != "W":
        yield Violation("Q08.FR.05", "UnsupportedRateUnit", "Mode LocalFrequency works in W; convert the schedule.")
    curve = period.v2x_freq_watt_curve
    if period.v2x_baseline is None or not isinstance(curve, list) or len(curve) < FEWEST_POINTS:
        what = "Mode LocalFrequency needs v2xBaseline and a v2xFreqWattCurve of at least two points; give both."
        yield Violation("Q08.FR.02", "NoFreqWattCurve", what)


def _quantities(period: FullPeriod, mode: str) -> Iterator[Violation]:
    name, takes, needed = WIRE_NAMES[mode], TAKES.get(mode, frozenset()), NEEDS.get(mode)
    for quantity, wire in QUANTITIES.items():
        given = any(getattr(period, quantity + line) is not None for line in ("", "_l2", "_l3"))
        if given and quantity not in takes:
            yield Violation("Q10", "InvalidSchedule", f"Mode {name} has no {wire}; leave it out, or name another mode.")
        if quantity == needed and getattr(period, quantity) is None:
            yield Violation("Q10", "InvalidSchedule", f"Mode {name} needs {wire}; give it.")


def _lines(profile: FullProfile, period: FullPeriod, context: Context) -> Iterator[Violation]:
    given = [
        quantity
        for quantity in QUANTITIES
        if any(getattr(period, quantity + line) is not None for line in ("_l2", "_l3"))
    ]
    if not given or context.dialect == "libocpp":
        return
    if profile.purpose != "tx_profile":
        what = "Only a TxProfile has values per phase; give one value."
        yield Violation("K01.FR.143", "PhaseConflict", what)
    if context.lacks("EvReportsPhases"):
        yield Violation("K01.FR.142", "PhaseConflict", "The car does not take values per phase; give one value.")
    if any(getattr(period, quantity) is None for quantity in given):
        yield Violation("K01.FR.145", "PhaseConflict", "Values for L2 and L3 go with one for L1; give all.")


def _curves(period: FullPeriod) -> Iterator[Violation]:
    for curve, name in (
        (period.v2x_freq_watt_curve, "v2xFreqWattCurve"),
        (period.v2x_signal_watt_curve, "v2xSignalWattCurve"),
    ):
        if isinstance(curve, list) and not 1 <= len(curve) <= MOST_POINTS:
            what = f"{name} has {len(curve)} points; give 1 to {MOST_POINTS}."
            yield Violation("schema ChargingSchedulePeriodType", "InvalidSchedule", what)
