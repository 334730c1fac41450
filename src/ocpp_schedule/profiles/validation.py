"""Rules for a profile as a whole: where it may go, beside what, and of which kind (semantics by requirement id)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from ocpp_schedule.model._raw import quoted
from ocpp_schedule.profiles.context import CONSTRAINT, Violation, overlapping, replaced
from ocpp_schedule.profiles.schedule_rules import schedule_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.profiles.context import Context
    from ocpp_schedule.profiles.full import FullProfile

EXTERNAL: Final = "charging_station_external_constraints"
MAXIMUM: Final = "charging_station_max_profile"
ADDITIONAL: Final = {"priority_charging": "PriorityCharging", "local_generation": "LocalGeneration"}
MOST_SCHEDULES: Final = 3
LONGEST_SIGNATURE: Final = 256
LONGEST_TRANSACTION: Final = 36


def violations(profile: FullProfile, context: Context) -> Iterator[Violation]:
    """Yield every rule that the profile breaks, the one that a station names first in front."""
    return chain(
        _station(context),
        _place(profile, context),
        _carrier(profile, context),
        _purpose(profile, context),
        _transaction(profile, context),
        _identity(profile, context),
        _level(profile, context),
        _kind(profile, context),
        _life(profile, context),
        _neighbours(profile, context),
        schedule_violations(profile, context),
        _room(profile, context),
    )


def _station(context: Context) -> Iterator[Violation]:
    features = context.listed("SupportedFeatureProfiles")
    missing = features is not None and "SmartCharging" not in features
    if missing or context.lacks("SmartCharging", "Enabled", "Available"):
        rule = "1.6 errata 3.39" if context.version == "1.6" else "K01.FR.29"
        yield Violation(rule, "NotSupported", "This station does no smart charging; send no profiles.", "CALLERROR")
    wait_s = context.number("retry_after_s")
    if context.version == "2.1" and wait_s is not None and wait_s > 0:
        remedy = f"The station takes no further profile for {wait_s} s, to spare its memory; send it then."
        yield Violation("K01.FR.56", "RateLimitExceeded", remedy)


def _place(profile: FullProfile, context: Context) -> Iterator[Violation]:
    count = context.number("num_evses")
    evse = context.connector
    if evse < 0:
        rule = "1.6 errata 3.39" if context.version == "1.6" else "K01.FR.28"
        yield Violation(rule, "InvalidValue", f"{evse} is no connector; give 0 or more.")
    elif count is not None and evse > count:
        remedy = f"The station has {count}, not {evse}; correct the number."
        if context.version != "1.6":
            yield Violation("K01.FR.28", "InvalidValue", remedy)
        elif context.dialect == "libocpp":
            yield Violation("1.6 errata 3.39", "InvalidValue", remedy)
        else:
            yield Violation("1.6 errata 3.39", CONSTRAINT, remedy, "CALLERROR")
    if profile.purpose == MAXIMUM and evse > 0:
        remedy = "A maximum of the station goes to EVSE 0; install it there."
        if context.version == "1.6" and context.dialect != "libocpp":
            yield Violation("1.6 3.13.1", CONSTRAINT, remedy, "CALLERROR")
        else:
            yield Violation("1.6 3.13.1" if context.version == "1.6" else "K04.FR.03", "InvalidValue", remedy)
    if profile.purpose == "tx_profile" and evse == 0:
        rule = "1.6 3.13.1" if context.version == "1.6" else "K01.FR.16"
        yield Violation(rule, "InvalidValue", "A TxProfile belongs to one EVSE; give its number.")


def _carrier(profile: FullProfile, context: Context) -> Iterator[Violation]:
    if not context.in_start:
        return
    rule = "1.6 5.16.2" if context.version == "1.6" else "K05.FR.02"
    if profile.purpose != "tx_profile":
        yield Violation(rule, "InvalidProfile", "A request to start carries a TxProfile only; send this one by itself.")
    if profile.transaction_id is not None:
        yield Violation(rule, "InvalidProfile", "No transaction has an id before it starts; leave transactionId out.")


def _purpose(profile: FullProfile, context: Context) -> Iterator[Violation]:
    if profile.purpose == EXTERNAL:
        yield Violation("K01.FR.22", "InvalidValue", "External constraints come from the station; use another purpose.")
    supported = context.listed("SupportedAdditionalPurposes")
    name = ADDITIONAL.get(profile.purpose)
    if name is not None and supported is not None and name not in supported:
        yield Violation(
            "K01.FR.120", "UnsupportedPurpose", f"The station does not support {name}; use another purpose."
        )


def _transaction(profile: FullProfile, context: Context) -> Iterator[Violation]:
    number = profile.transaction_id
    old = context.version == "1.6"
    if profile.purpose != "tx_profile":
        if number is not None and context.dialect == "standard":
            rule = "1.6 3.13.1" if old else "schema ChargingProfileType.transactionId"
            yield Violation(rule, "InvalidProfile", "Only a TxProfile has a transactionId; leave it out.")
        return
    if isinstance(number, str) and len(number) > LONGEST_TRANSACTION:
        what = f"A transactionId has at most {LONGEST_TRANSACTION} characters; use that of the transaction."
        yield Violation("schema ChargingProfileType.transactionId", CONSTRAINT, what, "CALLERROR")
    if context.in_start:
        return
    if not old and context.lacks("EVChargingNeedsReported"):
        what = "The car has not told its needs yet; send the profile after NotifyEVChargingNeeds."
        yield Violation("K15.FR.17", "InvalidMessageSeq", what)
    if number is None and not old:
        yield Violation("K01.FR.03", "MissingParam", "A TxProfile names its transaction; give transactionId.")
    if context.connector not in context.transactions:
        rule = "1.6 3.13.1" if old else "K01.FR.09"
        yield Violation(rule, "TxNotFound", "No transaction runs there; send it after the transaction has started.")
        return
    running = context.transactions[context.connector]
    if None not in {number, running} and number != running:
        rule = "1.6 3.13.1" if old else "K01.FR.33"
        what = f"Transaction {quoted(running)} runs there, not {quoted(number)}; use its id."
        yield Violation(rule, "TxNotFound", what)


def _identity(profile: FullProfile, context: Context) -> Iterator[Violation]:
    lowest = context.number("MaxExternalConstraintsId")
    if context.version == "2.1" and lowest is not None and profile.id <= lowest:
        yield Violation("K01.FR.81", "InvalidProfileId", f"Ids up to {lowest} belong to the station; use a higher one.")
    if context.version != "1.6" and any(
        old.id == profile.id and old.purpose == EXTERNAL for _, old in context.installed
    ):
        remedy = f"Id {profile.id} is that of an external constraint; use another."
        yield Violation("K01.FR.05", "DuplicateProfile", remedy)


def _level(profile: FullProfile, context: Context) -> Iterator[Violation]:
    highest = context.number("ChargeProfileMaxStackLevel", "ProfileStackLevel")
    if profile.stack_level >= 0 and (highest is None or profile.stack_level <= highest):
        return
    allowed = "at least 0" if highest is None else f"0 to {highest}"
    remedy = f"Level {profile.stack_level} does not exist there; use {allowed}."
    if context.version == "1.6" and context.dialect != "libocpp":
        yield Violation("1.6 9.4.1", CONSTRAINT, remedy, "CALLERROR")
    else:
        rule = "1.6 9.4.1" if context.version == "1.6" else "ProfileStackLevel"
        yield Violation(rule, "InvalidStackLevel", remedy)


def _kind(profile: FullProfile, context: Context) -> Iterator[Violation]:
    old = context.version == "1.6"
    if profile.kind == "recurring" and profile.recurrency is None:
        rule = "1.6 errata 3.56" if old else "schema ChargingProfileType.recurrencyKind"
        yield Violation(rule, "InvalidProfile", "A recurring profile needs recurrencyKind; give Daily or Weekly.")
    if profile.kind == "relative" and profile.purpose == MAXIMUM:
        yield Violation("K01.FR.38", "InvalidValue", "A maximum of the station is not Relative; make it Absolute.")
    if profile.kind == "dynamic":
        if context.lacks("SupportsDynamicProfiles"):
            yield Violation("K01.FR.121", "UnsupportedKind", "The station has no dynamic profiles; use another kind.")
        if len(profile.schedules) != 1 or [p.start_s for s in profile.schedules for p in s.periods] != [0]:
            what = "A dynamic profile has one schedule with one period at 0; give just that."
            yield Violation("K28.FR.01", "InvalidSchedule", what)
    elif profile.dyn_update_interval_s is not None or profile.dyn_update_time is not None:
        what = "Only a dynamic profile is updated; leave dynUpdateInterval and dynUpdateTime out."
        yield Violation("K01.FR.122", "InvalidProfile", what)


def _life(profile: FullProfile, context: Context) -> Iterator[Violation]:
    start, end = profile.valid_from, profile.valid_to
    if start is not None and end is not None and end.utc_s <= start.utc_s:
        what = "validTo is not after validFrom, so it is never valid; correct one of them."
        yield Violation("schema ChargingProfileType.validTo", "InvalidProfile", what)
    now = context.number("now_s")
    if end is not None and now is not None and end.utc_s <= now:
        yield Violation("K01.FR.37", "InvalidProfile", "validTo has passed; give a later one, or none.")
    if profile.max_offline_s is not None and context.lacks("SupportsMaxOfflineDuration"):
        what = "The station does not support maxOfflineDuration; leave it out."
        yield Violation("SupportsFeature[MaxOfflineDuration]", "InvalidProfile", what)
    if profile.max_offline_s is not None and profile.max_offline_s < 0:
        what = "maxOfflineDuration is negative; give seconds, 0 or more."
        yield Violation("schema ChargingProfileType.maxOfflineDuration", "InvalidProfile", what)
    signature = profile.price_schedule_signature
    if signature is not None and len(signature) > LONGEST_SIGNATURE:
        what = f"priceScheduleSignature has at most {LONGEST_SIGNATURE} characters; shorten it."
        yield Violation("schema ChargingProfileType.priceScheduleSignature", CONSTRAINT, what, "CALLERROR")


def _neighbours(profile: FullProfile, context: Context) -> Iterator[Violation]:
    if context.version == "1.6":
        return
    for evse, old in context.others(profile):
        if old.purpose != profile.purpose or old.stack_level != profile.stack_level:
            continue
        if profile.purpose == "tx_profile":
            if old.transaction_id == profile.transaction_id and profile.transaction_id is not None:
                remedy = f"Profile {old.id} has level {old.stack_level}; use its id, or another level."
                yield Violation("K01.FR.39", "InvalidStackLevel", remedy)
        elif profile.purpose == "tx_default_profile" and 0 in {evse, context.connector} and evse != context.connector:
            rule = "K01.FR.52" if context.connector == 0 else "K01.FR.53"
            remedy = f"Profile {old.id} on EVSE {evse} has level {old.stack_level}; use another level."
            yield Violation(rule, "DuplicateProfile", remedy)
        elif evse == context.connector and overlapping(profile, old):
            remedy = f"Profile {old.id} is there at level {old.stack_level}; use its id, another level or another time."
            yield Violation("K01.FR.06", "DuplicateProfile", remedy)


def _room(profile: FullProfile, context: Context) -> Iterator[Violation]:
    most = context.number("MaxChargingProfilesInstalled", "ChargingProfilesEntries")
    if most is None:
        return
    if context.dialect == "libocpp":
        kept = len(context.installed)
    elif context.dialect == "microocpp":
        kept = sum(old.id != profile.id for _, old in context.installed)
    else:
        kept = len(context.installed) - len(replaced(profile, context))
    if kept >= most:
        rule = "1.6 9.4.5" if context.version == "1.6" else "Entries[ChargingProfiles]"
        yield Violation(rule, "OutOfStorage", f"The station holds {most} profiles at most; clear one, or use its id.")
