"""Writing: a neutral profile with every field it has, in the names of one version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.wire._values import write_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.profiles.full import (
        FullPeriod,
        FullProfile,
        FullSchedule,
        LimitAtSoc,
        ReportedSchedule,
        ScheduleUpdate,
    )
    from ocpp_schedule.wire._fields import Field, FieldTables


def write_full(profile: FullProfile, tables: FieldTables, where: str = "profile") -> dict[str, Any]:
    """Return the ChargingProfile of the wire.

    Raises:
        InputError: the version cannot carry a field or value that is set, or wants one that is not.
    """
    return write_record(profile, tables.profile, tables, where)


def write_record(
    record: FullProfile | FullSchedule | FullPeriod | LimitAtSoc | ReportedSchedule | ScheduleUpdate,
    table: Mapping[str, Field],
    tables: FieldTables,
    where: str,
) -> dict[str, Any]:
    """Return any record of these tables; as ``write_full``."""
    names = record._fields if isinstance(record, tuple) else record.__dataclass_fields__
    for name in names:
        if name not in table and getattr(record, name) is not None:
            raise _refusal(where, f"{name} is set, OCPP {tables.version} cannot carry it; leave it out.")
    written: dict[str, Any] = {}
    for name, field in table.items():
        value = getattr(record, name)
        if value is not None:
            written[field.wire] = _value(name, field, value, tables, f"{where}.{name}")
        elif field.required:
            raise _refusal(where, f"{name} is missing, OCPP {tables.version} wants it; give it a value.")
    return written


def _value(name: str, field: Field, value: Any, tables: FieldTables, where: str) -> Any:
    if field.form == "number":
        return write_number(value)
    if field.form == "time":
        return value.text
    if field.form == "choice":
        names = tables.choices[name]
        if value not in names:
            raise _refusal(where, f"OCPP {tables.version} has no {value!r}; it has {', '.join(names)}.")
        return names[value]
    if field.form == "record":
        return write_record(value, tables.limit_at_soc, tables, where)
    if field.form in {"one", "list"}:
        return _records(name, field, value, tables, where)
    wanted = {"integer": int, "text": str}.get(field.form)
    if wanted is not None and type(value) is not wanted:
        raise _refusal(where, f"{value!r} has the wrong type for OCPP {tables.version}, which wants {field.form}.")
    return value


def _records(name: str, field: Field, value: tuple[Any, ...], tables: FieldTables, where: str) -> Any:
    table = tables.period if name == "periods" else tables.schedule
    made = [write_record(part, table, tables, f"{where}[{index}]") for index, part in enumerate(value)]
    if field.form == "list":
        return made
    if len(made) != 1:
        raise _refusal(where, f"{len(made)} schedules; OCPP {tables.version} carries exactly one.")
    return made[0]


def _refusal(where: str, what: str) -> InputError:
    return InputError("OCPP profile", [InputProblem(where, what)])
