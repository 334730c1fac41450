"""Rules for schedules and their periods (semantics by requirement id)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ocpp_schedule.profiles.context import CONSTRAINT, Violation, overlapping
from ocpp_schedule.profiles.mode_rules import mode_violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from ocpp_schedule.profiles.context import Context
    from ocpp_schedule.profiles.full import FullPeriod, FullProfile, FullSchedule

UNIT_OF_KEY: Final = {"Current": "A", "Power": "W"}
MOST_PERIODS_2X: Final = 1024
MOST_SCHEDULES: Final = 3
TRANSACTIONAL: Final = frozenset({"tx_profile", "tx_default_profile"})
MOST_PHASES: Final = 3


def schedule_violations(profile: FullProfile, context: Context) -> Iterator[Violation]:
    """Yield every rule that a schedule of the profile breaks."""
    count = len(profile.schedules)
    if not 1 <= count <= MOST_SCHEDULES:
        what = f"{count} schedules; give one, or up to three that a car has asked for."
        yield Violation("schema ChargingProfileType.chargingSchedule", "InvalidSchedule", what)
    if count > 1 and context.lacks("NotifyEVChargingNeeds"):
        what = "The car has not asked for several schedules; give one."
        yield Violation("K01.FR.34", "InvalidSchedule", what)
    for schedule in profile.schedules:
        yield from _start(profile, schedule, context)
        yield from _unit(schedule, context)
        yield from _periods(schedule, context)
        yield from _features(profile, schedule, context)
        for period in schedule.periods:
            yield from _phases(period, context)
            yield from _numbers(period, context)
            yield from mode_violations(profile, schedule, period, context)
        yield from _phase_conflict(profile, schedule, context)


def _start(profile: FullProfile, schedule: FullSchedule, context: Context) -> Iterator[Violation]:
    old = context.version == "1.6"
    if schedule.start is None and profile.kind in {"absolute", "recurring"}:
        allowed = old and context.values.get("AllowChargingProfileWithoutStartSchedule") is True
        if not allowed:
            what = f"A profile of kind {profile.kind} needs startSchedule; give it, a minute in the past."
            yield Violation("1.6 7.13" if old else "K01.FR.40", "InvalidSchedule", what)
    if schedule.start is not None and profile.kind == "relative":
        what = "A relative profile starts with its transaction; leave startSchedule out."
        yield Violation("1.6 7.13" if old else "K01.FR.41", "InvalidSchedule", what)
    if schedule.duration_s is not None and schedule.duration_s < 0:
        what = "duration is negative; give seconds, or leave it out."
        yield Violation("schema ChargingScheduleType.duration", "InvalidSchedule", what)
    if schedule.duration_s is not None and profile.purpose == "priority_charging":
        yield Violation("K01.FR.70", "InvalidSchedule", "Priority charging has no duration; leave it out.")


def _unit(schedule: FullSchedule, context: Context) -> Iterator[Violation]:
    allowed = context.listed("RateUnit", "ChargingScheduleAllowedChargingRateUnit")
    if allowed is None:
        return
    units = {UNIT_OF_KEY.get(name, name) for name in allowed}
    if schedule.unit not in units:
        rule = "1.6 9.4.2" if context.version == "1.6" else "K01.FR.26"
        what = f"The station takes {', '.join(sorted(units)) or 'no unit'}, not {schedule.unit}; convert the limits."
        yield Violation(rule, "UnsupportedRateUnit", what)


def _periods(schedule: FullSchedule, context: Context) -> Iterator[Violation]:
    old = context.version == "1.6"
    starts = [period.start_s for period in schedule.periods]
    if not starts:
        rule = "1.6 7.13" if old else "schema ChargingScheduleType.chargingSchedulePeriod"
        yield Violation(rule, "InvalidSchedule", "There is no period; give at least one.")
        return
    most = context.number("ChargingScheduleMaxPeriods", "PeriodsPerSchedule")
    allowed = [count for count in (most, None if old else MOST_PERIODS_2X) if count is not None]
    if allowed and len(starts) > min(allowed):
        rule = "1.6 9.4.3" if old else "PeriodsPerSchedule"
        what = f"{len(starts)} periods, {min(allowed)} fit; merge equal ones, or plan on a coarser grid."
        yield Violation(rule, "InvalidSchedule", what)
    if starts[0] != 0:
        rule = "1.6 5.16.4" if old else "K01.FR.31"
        yield Violation(rule, "InvalidSchedule", f"The first period starts at {starts[0]}; it starts at 0.")
    if any(after <= before for before, after in pairwise(starts)):
        rule = "1.6 7.14" if old else "K01.FR.35"
        yield Violation(rule, "InvalidSchedule", "Each period starts after the one before; sort them.")


def _features(profile: FullProfile, schedule: FullSchedule, context: Context) -> Iterator[Violation]:
    for value, name, rule in (
        (schedule.use_local_time, "UseLocalTime", "K01.FR.123"),
        (schedule.randomized_delay_s, "RandomizedDelay", "K01.FR.124"),
        (schedule.limit_at_soc, "LimitAtSoC", "K01.FR.125"),
    ):
        if value and context.lacks(f"Supports{name}"):
            field = name[0].lower() + name[1:]
            yield Violation(rule, "InvalidSchedule", f"The station does not support {field}; leave it out.")
    if schedule.randomized_delay_s and profile.purpose not in TRANSACTIONAL:
        what = "Only TxProfile and TxDefaultProfile are delayed; leave randomizedDelay out."
        yield Violation("K01.FR.95", "InvalidSchedule", what)
    if schedule.randomized_delay_s is not None and schedule.randomized_delay_s < 0:
        what = "randomizedDelay is negative; give seconds."
        yield Violation("schema ChargingScheduleType.randomizedDelay", "InvalidSchedule", what)
    soc = schedule.limit_at_soc
    if soc is not None and not 0 <= soc.soc_percent <= 100:  # noqa: PLR2004 - per cent
        what = f"A state of charge of {soc.soc_percent} % does not exist; give 0 to 100."
        yield Violation("schema LimitAtSoCType.soc", "InvalidSchedule", what)
    if schedule.absolute_price_schedule is not None and schedule.price_level_schedule is not None:
        what = "absolutePriceSchedule and priceLevelSchedule exclude each other; leave one out."
        yield Violation("schema ChargingScheduleType", "InvalidSchedule", what)


def _phases(period: FullPeriod, context: Context) -> Iterator[Violation]:
    if context.values.get("evse_current_type") == "DC":
        yield from _phases_of_dc(period, context)
        return
    count, old = period.phases, context.version == "1.6"
    if count is not None and not 1 <= count <= MOST_PHASES:
        what = f"numberPhases is {count}; give 1, 2 or 3, or leave it out."
        yield Violation("1.6 7.14" if old else "K01.FR.45", "InvalidSchedule", what)
    supply = context.number("SupplyPhases")
    if not old and count is not None and supply is not None and 0 < supply < count:
        what = f"The supply has {supply} phase(s), not {count}; lower numberPhases."
        yield Violation("K01.FR.45", "InvalidSchedule", what)
    used = period.phase_to_use
    if used is None:
        return
    if count != 1:
        what = "phaseToUse goes with numberPhases 1 only; set that, or leave phaseToUse out."
        yield Violation("K01.FR.19", "InvalidSchedule", what)
    if context.lacks("ACPhaseSwitchingSupported"):
        yield Violation("K01.FR.20", "InvalidSchedule", "The station cannot choose the phase; leave phaseToUse out.")
    if not 1 <= used <= MOST_PHASES:
        what = f"phaseToUse is {used}; give 1, 2 or 3."
        yield Violation("schema ChargingSchedulePeriodType.phaseToUse", "InvalidSchedule", what)


def _phases_of_dc(period: FullPeriod, context: Context) -> Iterator[Violation]:
    if period.phases is None and period.phase_to_use is None:
        return
    what = "A DC EVSE has no phases; leave numberPhases and phaseToUse out."
    if context.version == "2.1":
        if context.values.get("DCInputPhaseControl") is not True:
            yield Violation("K01.FR.44", "NoPhaseForDC", what)
    elif context.version == "2.0.1" and context.dialect == "libocpp":
        yield Violation("K01.FR.44", "InvalidSchedule", what)


def _numbers(period: FullPeriod, context: Context) -> Iterator[Violation]:
    limits = [value for value in (period.limit, period.limit_l2, period.limit_l3) if value is not None]
    if any(value < 0 for value in limits):
        yield Violation(
            "schema ChargingSchedulePeriodType.limit", "InvalidSchedule", "A limit is negative; give 0 or more."
        )
    lowest = (period.discharge_limit, period.discharge_limit_l2, period.discharge_limit_l3)
    if any(value is not None and value > 0 for value in lowest):
        what = "A dischargeLimit is above 0; discharging counts negative."
        yield Violation("schema ChargingSchedulePeriodType.dischargeLimit", "InvalidSchedule", what)
    if context.version != "2.1" and context.dialect == "standard" and any(map(_is_fine, limits)):
        what = "Limits have at most one decimal; round them down."
        if context.version == "1.6":
            yield Violation("schema csChargingProfiles.limit", CONSTRAINT, what, "CALLERROR")
        else:
            yield Violation("schema ChargingSchedulePeriodType.limit", "InvalidSchedule", what)


def _is_fine(value: Decimal) -> bool:
    """Tell whether a number has more than one decimal."""
    exponent = value.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent < -1


def _phase_conflict(profile: FullProfile, schedule: FullSchedule, context: Context) -> Iterator[Violation]:
    wanted = {period.phase_to_use for period in schedule.periods} - {None}
    if context.version != "2.1" or not wanted:
        return
    for evse, old in context.others(profile):
        others = {period.phase_to_use for one in old.schedules for period in one.periods} - {None}
        applies = evse == context.connector or 0 in {evse, context.connector}
        if applies and overlapping(profile, old) and len(wanted | others) > 1 and others:
            what = f"Profile {old.id} uses another phase of that EVSE; use the same."
            yield Violation("K01.FR.141", "PhaseConflict", what)
