"""What smart-charging messages carry: profiles, schedules, composite schedules, updates of dynamic profiles."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.profiles.full import FullProfile, FullSchedule, ReportedSchedule, ScheduleUpdate
from ocpp_schedule.wire import v16, v21, v201
from ocpp_schedule.wire._fields import Field
from ocpp_schedule.wire._read import read_record
from ocpp_schedule.wire._write import write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ocpp_schedule.wire._fields import FieldTables
    from ocpp_schedule.wire._read import WireProblem

Part = FullProfile | FullSchedule | ReportedSchedule | ScheduleUpdate
TABLES: Final[Mapping[str, FieldTables]] = MappingProxyType(
    {"1.6": v16.FIELDS, "2.0.1": v201.FIELDS, "2.1": v21.FIELDS}
)
REPORTED: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "evse": Field("evseId", "integer", required=True),
        "duration_s": Field("duration", "integer", required=True),
        "start": Field("scheduleStart", "time", required=True),
        "unit": Field("chargingRateUnit", "choice", required=True),
        "periods": Field("chargingSchedulePeriod", "list", required=True),
        "custom_data": Field("customData", "json"),
    }
)
"""CompositeScheduleType of 2.x; in 1.6 a plain schedule stands in its place."""
UPDATE: Final[Mapping[str, Field]] = MappingProxyType(
    {name: v21.FIELDS.period[name] for name in ScheduleUpdate._fields}
)
"""ChargingScheduleUpdateType of 2.1: quantities of a period, under the same names."""
MADE: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {"profile": FullProfile, "schedule": FullSchedule, "composite": ReportedSchedule, "update": ScheduleUpdate}
)


def table_of(kind: str, version: str) -> Mapping[str, Field]:
    """Return the fields of a kind of part (``MADE``) in a version that has it."""
    tables = TABLES[version]
    found: dict[str, Mapping[str, Field]] = {"profile": tables.profile, "schedule": tables.schedule}
    if version != "1.6":
        found["composite"] = REPORTED
    if version == "2.1":
        found["update"] = UPDATE
    return found[kind]


def read_part(
    kind: str, version: str, wire: object, where: str = "message", *, strict: bool = True
) -> Part | tuple[WireProblem, ...]:
    """Return a part of a message in neutral form, or all that is wrong with its form; nothing in it raises.

    Args:
        kind: ``"profile"``, ``"schedule"``, ``"composite"`` (2.x) or ``"update"`` (2.1).
        version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"``.
        wire: what ``json.loads`` made of it.
        where: its place, for the problems.
        strict: an unknown field is a problem; otherwise it is passed over.

    >>> read_part("update", "2.1", {"limit": 6.1}).limit
    Decimal('6.1')
    """
    found: Part | tuple[WireProblem, ...] = read_record(
        wire, TABLES[version], table_of(kind, version), MADE[kind], where, strict=strict
    )
    return found


def write_part(kind: str, version: str, part: Part, where: str = "message") -> dict[str, Any]:
    """Return a part as it stands on the wire; what ``read_part`` read is written as it was.

    Raises:
        InputError: the version cannot carry a field or value that is set, or wants one that is not.
    """
    return write_record(part, table_of(kind, version), TABLES[version], where)
