"""What the versions share: how values are written. Names stand in each version's own table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._references import transaction_text
from ocpp_schedule.timegrid import iso_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule

    Record = ChargingProfile | ChargingSchedule | ChargingPeriod

TENTHS = "_tenths"
"""Neutral fields with this ending are integers in tenths; on the wire they are numbers with one decimal."""
SETPOINT = attrgetter("setpoint_tenths")
MAX_TRANSACTION_LENGTH = 36
"""OCPP 2.0.1 and 2.1, ChargingProfileType.transactionId."""


@dataclass(frozen=True, slots=True)
class WireTables:
    """The literal tables of one version, neutral name to wire name.

    Attributes:
        version: whose they are.
        profile, schedule, period: fields, in the order of the wire.
        purposes, kinds: values.
        max_periods: most periods the version's schema allows; None: no bound.
        giving: what else stands in a period in which a car gives energy back: wire names and values; those without
            a value repeat the set-point. Empty where the version has no such thing.
    """

    version: OcppVersion
    profile: Mapping[str, str]
    schedule: Mapping[str, str]
    period: Mapping[str, str]
    purposes: Mapping[str, str]
    kinds: Mapping[str, str]
    max_periods: int | None
    giving: Mapping[str, str | None] = field(default_factory=dict)


def encode_profile(profile: ChargingProfile, tables: WireTables, where: str) -> dict[str, Any]:
    """Return the profile with the version's names; the schedule as one object.

    Args:
        profile: what to write.
        tables: the version's names.
        where: session and connector, for messages.

    Raises:
        InputError: the version cannot carry a field or value that is set, or the transaction id has the wrong type.
    """
    _check_transaction(profile, tables, where)
    values = _known_values(profile, tables.profile, tables, where)
    for name, names in (("purpose", tables.purposes), ("kind", tables.kinds)):
        if values[name] not in names:
            raise _refusal(where, f"OCPP {tables.version} has no {name} {values[name]!r}; it has {', '.join(names)}.")
        values[name] = names[values[name]]
    values["schedule"] = _encode_schedule(profile.schedule, tables, where)
    return {tables.profile[name]: _plain(name, value) for name, value in values.items()}


def _encode_schedule(schedule: ChargingSchedule, tables: WireTables, where: str) -> dict[str, Any]:
    values = _known_values(schedule, tables.schedule, tables, where)
    count = len(schedule.periods)
    if tables.max_periods is not None and count > tables.max_periods:
        what = f"{count} periods, OCPP {tables.version} allows {tables.max_periods}; plan on a coarser grid."
        raise _refusal(where, what)
    values["periods"] = _encode_periods(schedule, tables, where)
    return {tables.schedule[name]: _plain(name, value) for name, value in values.items()}


def _encode_periods(schedule: ChargingSchedule, tables: WireTables, where: str) -> list[dict[str, Any]]:
    """Return the periods, field by field, because nearly all that is written is written here."""
    table = tables.period
    gives = any(map(SETPOINT, schedule.periods))
    if gives or not {*table, "setpoint_tenths"} >= schedule.periods[0].__dataclass_fields__.keys():
        for period in schedule.periods:
            _known_values(period, table, tables, where)
    if not gives:
        table = {name: wire for name, wire in table.items() if name != "setpoint_tenths"}
    columns: list[tuple[Any, ...]] = list(zip(*map(attrgetter(*table), schedule.periods), strict=True))
    for index, name in enumerate(table):
        if name.endswith(TENTHS):
            columns[index] = tuple([None if tenths is None else tenths / 10 for tenths in columns[index]])
    written = list(map(dict, map(zip, repeat(tuple(table.values())), zip(*columns, strict=True))))
    if any(None in column for column in columns):
        written = [{wire: value for wire, value in entry.items() if value is not None} for entry in written]
    if gives:
        wire = table["setpoint_tenths"]
        for entry in [entry for entry in written if wire in entry]:
            entry |= {name: entry[wire] if value is None else value for name, value in tables.giving.items()}
    return written


def _known_values(record: Record, table: Mapping[str, str], tables: WireTables, where: str) -> dict[str, Any]:
    """Return the fields that are set, in the order of the table; refuse those the table does not name."""
    for name in sorted(record.__dataclass_fields__.keys() - table.keys()):
        if getattr(record, name) is not None:
            what = f"{type(record).__name__}.{name} is set, OCPP {tables.version} cannot carry it; leave it out."
            raise _refusal(where, what)
    return {name: value for name in table if (value := getattr(record, name)) is not None}


def _plain(name: str, value: object) -> object:
    """Return a value as it stands on the wire; nested records are encoded already."""
    if isinstance(value, datetime):
        return _instant(value)
    if name.endswith(TENTHS) and isinstance(value, int):
        return value / 10
    return value


@lru_cache(maxsize=64)
def _instant(value: datetime) -> str:
    """Return the instant as text; a plan has few different ones, and formatting is slow."""
    return iso_utc(value)


def _check_transaction(profile: ChargingProfile, tables: WireTables, where: str) -> None:
    transaction = profile.transaction_id
    if transaction is None:
        return
    text = transaction_text(transaction, tables.version)
    if text is not None:
        raise _refusal(
            where, f"{text} Give the session the id of that version, or write it in the station's own version."
        )
    if isinstance(transaction, str) and len(transaction) > MAX_TRANSACTION_LENGTH:
        what = (
            f"transaction_id {transaction!r} has {len(transaction)} characters; at most {MAX_TRANSACTION_LENGTH} fit."
        )
        raise _refusal(where, what)


def _refusal(where: str, what: str) -> InputError:
    return InputError("OCPP messages", [InputProblem(where, what)])
