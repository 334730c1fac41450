"""Reading: a wire dict as a neutral profile, or everything that is wrong with it; nothing raises."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.profiles.full import FullPeriod, FullProfile, FullSchedule, LimitAtSoc
from ocpp_schedule.wire._values import (
    LARGEST_INTEGER,
    Unreadable,
    read_boolean,
    read_decimals,
    read_integer,
    read_json,
    read_number,
    read_text,
    read_time,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ocpp_schedule.wire._fields import Field, FieldTables

MAX_PROBLEMS: Final = 50
"""More of them tell nothing new about a defective message."""
MAX_RECORDS: Final = 10_000
"""No schema allows more than 1024 periods; 1.6 names no bound."""
RECORDS: Final[dict[str, Callable[..., Any]]] = {
    "schedules": FullSchedule,
    "periods": FullPeriod,
    "limit_at_soc": LimitAtSoc,
}
SIMPLE: Final[dict[str, Callable[[object], Any]]] = {
    "integer": read_integer,
    "number": read_number,
    "text": read_text,
    "boolean": read_boolean,
    "time": read_time,
    "json": read_json,
}
_PLAIN: Final = ("start_s", "limit", "phases")
_REST: Final = [repeat(None)] * (len(FullPeriod._fields) - len(_PLAIN))


@dataclass(frozen=True, slots=True, order=True)
class WireProblem(InputProblem):
    """One thing that is wrong with a message.

    Attributes:
        code: the OCPP-J error with which a station answers such a message.
    """

    code: str = "FormationViolation"


class _Reader:
    """One reading: the tables, and what was found wrong so far."""

    def __init__(self, tables: FieldTables, *, strict: bool) -> None:
        self.tables = tables
        self.strict = strict
        self.problems: list[WireProblem] = []

    def complain(self, where: str, what: str, code: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(WireProblem(where, what, code))

    def record(self, raw: object, table: Mapping[str, Field], made: Callable[..., Any], where: str) -> Any:
        """Return a record with all that can be read of it; None where even what must be there cannot."""
        if type(raw) is not dict:
            return self.complain(where, f"{shown(raw)} is no object.", "TypeConstraintViolation")
        known = {field.wire for field in table.values()}
        for key in raw:
            if self.strict and key not in known:
                what = f"OCPP {self.tables.version} has no such field; leave it out."
                self.complain(f"{where}.{key if type(key) is str else shown(key)}"[:200], what, "FormationViolation")
        values: dict[str, Any] = {}
        for name, field in table.items():
            if field.wire in raw:
                values[name] = self.value(name, field, raw[field.wire], f"{where}.{field.wire}")
            elif field.required:
                self.complain(f"{where}.{field.wire}", "is missing; it must be there.", "OccurrenceConstraintViolation")
        if self.problems:
            return None
        return made(**values)

    def value(self, name: str, field: Field, raw: object, where: str) -> Any:
        if field.form == "choice":
            return self.choice(name, raw, where)
        if field.form == "record":
            return self.record(raw, self.tables.limit_at_soc, LimitAtSoc, where)
        if field.form == "one":
            return self.records(name, [raw], where, "")
        if field.form == "list":
            return self.records(name, raw, where)
        found = SIMPLE[field.form](raw)
        if isinstance(found, Unreadable):
            return self.complain(where, f"{found.what}.", found.code)
        return found

    def choice(self, name: str, raw: object, where: str) -> Any:
        names = self.tables.choices[name]
        if type(raw) is str:
            for neutral, wire in names.items():
                if wire == raw:
                    return neutral
        what = f"{shown(raw)} is none of {', '.join(names.values())}."
        return self.complain(where, what, "PropertyConstraintViolation")

    def records(self, name: str, raw: object, where: str, place: str = "[{}]") -> Any:
        if type(raw) is not list:
            return self.complain(where, f"{shown(raw)} is no array.", "TypeConstraintViolation")
        if len(raw) > MAX_RECORDS:
            what = f"{len(raw)} entries; at most {MAX_RECORDS} are read."
            return self.complain(where, what, "OccurrenceConstraintViolation")
        table = self.tables.period if name == "periods" else self.tables.schedule
        if name == "periods" and (plain := _plain_periods(raw, table)) is not None:
            return plain
        return tuple([self.record(entry, table, RECORDS[name], where + place.format(k)) for k, entry in enumerate(raw)])


def _plain_periods(raw: list[Any], table: Mapping[str, Field]) -> tuple[FullPeriod, ...] | None:
    """Return periods that hold only what most hold, column by column; None where the slow way must look."""
    start, limit, phases = (table[name].wire for name in _PLAIN)
    plain = {start, limit, phases}
    if not (set(map(type, raw)) <= {dict} and all(map(plain.issuperset, raw))):
        return None
    try:
        starts, limits = list(map(itemgetter(start), raw)), list(map(itemgetter(limit), raw))
    except KeyError:
        return None
    counts = [entry.get(phases) for entry in raw]
    used = [count for count in counts if count is not None]
    has_null = len(used) < len(raw) and any(entry.get(phases, 0) is None for entry in raw)
    if has_null or not (set(map(type, starts + used)) <= {int} and set(map(type, limits)) <= {int, float}):
        return None
    if raw and max(*starts, *used, -min(starts), -min(used, default=0)) > LARGEST_INTEGER:
        return None
    written = read_decimals(limits)
    if written is None:
        return None
    return tuple(map(tuple.__new__, repeat(FullPeriod), zip(starts, written, counts, *_REST, strict=False)))


def read_full(
    wire: object, tables: FieldTables, where: str = "profile", *, strict: bool = True
) -> FullProfile | tuple[WireProblem, ...]:
    """Return a ChargingProfile as it stands on the wire, or everything that is wrong with it.

    Only the form is judged: names, types, values of enumerations, sizes. Whether a station would take the profile
    is a matter of ``validation``. Without ``strict`` a field that the version does not know is passed over, as
    stations do; a profile so read does not hold all that was written.
    """
    found: FullProfile | tuple[WireProblem, ...] = read_record(
        wire, tables, tables.profile, FullProfile, where, strict=strict
    )
    return found


def read_record(
    wire: object,
    tables: FieldTables,
    table: Mapping[str, Field],
    made: Callable[..., Any],
    where: str,
    *,
    strict: bool,
) -> Any:
    """Return any record of these tables, or everything that is wrong with it; as ``read_full``."""
    reader = _Reader(tables, strict=strict)
    found = reader.record(wire, table, made, where)
    return tuple(reader.problems) if found is None else found
