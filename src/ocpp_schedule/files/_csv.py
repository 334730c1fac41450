"""The three kinds of CSV file beside a scenario: sessions, prices, forecasts. Columns are documented in the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.files._rows import Row, Table, numbers, read_table
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.model.scenario import MAX_SESSIONS
from ocpp_schedule.timegrid import MAX_SLOTS, short_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_REQUIRED: Final = ("id", "connector", "arrival", "departure", "energy_wh")
SESSION_ASSUMABLE: Final = ("departure", "energy_wh")
"""Columns that must be there with cells that may be empty; whether that is allowed, the session defaults say."""
SESSION_OPTIONAL: Final = (
    "min_current_a",
    "max_current_a",
    "phases",
    "transaction_id",
    "battery_wh",
    "soc_percent",
    "max_price_per_kwh",
)
PRICE_COLUMNS: Final = ("start", "per_kwh")
_SESSION_NUMBERS: Final = {
    "energy_wh": False,
    "min_current_a": False,
    "max_current_a": False,
    "phases": True,
    "battery_wh": False,
    "soc_percent": False,
    "max_price_per_kwh": False,
}
_LINES: Final = ("l1", "l2", "l3")


@dataclass(slots=True)
class SessionRows:
    """Sessions of a CSV file as plain data.

    Attributes:
        table: the file, with what is wrong so far.
        sessions: one object per row.
        lines: line number of each.
        unread: (index, field) of cells that are reported already.
    """

    table: Table
    sessions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: set[tuple[int, str]] = field(default_factory=set)


@dataclass(slots=True)
class SeriesRows:
    """A series of a CSV file as plain data.

    Attributes:
        table: the file, with what is wrong so far.
        series: ``start``, ``step_s`` and the values; None where the rows make no series.
        lines: line number of each value.
    """

    table: Table
    series: dict[str, Any] | None = None
    lines: list[int] = field(default_factory=list)


def read_sessions(text: str, name: str, versions: Mapping[str, str | None]) -> SessionRows:
    """Return the sessions of a CSV file.

    Args:
        text: the file's text.
        name: the file's name.
        versions: OCPP version by connector: CSV has no types, and a transaction id is an integer in 1.6 only.
    """
    result = SessionRows(read_table(text, name, SESSION_REQUIRED, SESSION_OPTIONAL, MAX_SESSIONS))
    for index, row in enumerate(result.table.rows):
        result.sessions.append(_session(result, index, row, versions))
        result.lines.append(row.line)
    return result


def _session(result: SessionRows, index: int, row: Row, versions: Mapping[str, str | None]) -> dict[str, Any]:
    table, cells, label = result.table, row.cells, row.cells.get("id", "")
    values: dict[str, Any] = {column: cells[column] for column in ("id", "connector") if column in cells}
    for column in ("arrival", "departure"):
        if column in cells:
            value = _to_instant(cells[column], column)
            values[column] = None if isinstance(value, str) else value
            if isinstance(value, str):
                table.report(row.line, value, label)
    values |= numbers(table, row, _SESSION_NUMBERS, label)
    unread = [column for column, value in values.items() if value is None]
    result.unread |= {(index, column) for column in unread}
    values |= {column: cells[column] for column in unread}  # wrong, and said so; but not missing
    for column in SESSION_REQUIRED:
        if column not in cells and column not in SESSION_ASSUMABLE:
            table.report(row.line, f"{column} is empty; every session needs one.", label)
            result.unread.add((index, column))
    if "transaction_id" in cells:
        values["transaction_id"] = _transaction(cells["transaction_id"], versions.get(cells.get("connector", "")))
    return values


def _transaction(cell: str, version: str | None) -> int | str:
    """Return the id as the OCPP version of its station types it."""
    if version == "1.6" and cell.isascii() and cell.isdigit() and len(cell) <= 10 and str(int(cell)) == cell:  # noqa: PLR2004 - 2**31 has ten digits
        return int(cell)
    return cell


def _to_instant(cell: str, column: str) -> datetime | str:
    """Return an aware instant, or what is wrong with it."""
    try:
        value = datetime.fromisoformat(cell)
    except ValueError:
        return f"{column} {quoted(cell)} is no time; write ISO 8601 with zone, like 2026-01-15T07:30:00+01:00."
    if value.tzinfo is None:
        return f"{column} {quoted(cell)} has no time zone; append Z for UTC, or an offset like +01:00."
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return f"{column} {quoted(cell)} is outside the years 1 to 9999; correct it."


def read_prices(text: str, name: str, step_s: int) -> SeriesRows:
    """Return the prices of a CSV file; every row must follow the one before by ``step_s`` seconds."""
    return _read_series(text, name, {"per_kwh": ("per_kwh",)}, step_s)


def read_forecast(text: str, name: str, step_s: int | None) -> SeriesRows:
    """Return the values of a forecast: ``expected_a`` and, if wanted, ``high_a``, each as one column or three.

    Or in W in total, one column each: ``expected_w`` and, if wanted, ``high_w`` or ``firm_w``.

    Args:
        text: the file's text.
        name: the file's name.
        step_s: length of an interval; None: the time between the first two rows.
    """
    header = text[: text.find("\n")] if "\n" in text else text
    if "expected_w" in header:
        watts = [name for name in ("expected_w", "high_w", "firm_w") if name in header]
        return _read_series(text, name, {one: (one,) for one in watts}, step_s)
    columns = {"expected_a": _columns("expected_a", header)}
    if "high_a" in header:
        columns["high_a"] = _columns("high_a", header)
    return _read_series(text, name, columns, step_s)


def _columns(field_name: str, header: str) -> tuple[str, ...]:
    return tuple(f"{field_name}_{line}" for line in _LINES) if f"{field_name}_l" in header else (field_name,)


def _read_series(text: str, name: str, fields: dict[str, tuple[str, ...]], step_s: int | None) -> SeriesRows:
    """Put a series together, if every row is readable and follows the one before."""
    columns = [column for group in fields.values() for column in group]
    table = read_table(text, name, ("start", *columns), (), MAX_SLOTS)
    result = SeriesRows(table)
    starts = [_start(table, row) for row in table.rows]
    values = [_values(table, row, columns) for row in table.rows]
    if not table.rows and not table.problems:
        table.report(1, "has a header and no row; every interval of the grid needs one.")
    if step_s is None:
        step_s = _first_step(starts)
        if step_s is None and not table.problems:
            table.report(table.rows[0].line, "the first two rows give no step; give step_s beside 'csv'.")
    if step_s is not None and not table.skipped:
        _check_steps(table, starts, timedelta(seconds=step_s))
    if not table.problems:
        lists = {field_name: [_per_line(value, group) for value in values] for field_name, group in fields.items()}
        result.series = {"start": starts[0], "step_s": step_s, **lists}
        result.lines = [row.line for row in table.rows]
    return result


def _values(table: Table, row: Row, columns: list[str]) -> dict[str, float | int | None]:
    label = row.cells.get("start", "")
    for column in columns:
        if column not in row.cells:
            table.report(row.line, f"{column} is empty; every interval needs one.", label)
    return numbers(table, row, dict.fromkeys(columns, False), label)


def _per_line(values: Mapping[str, float | int | None], columns: tuple[str, ...]) -> object:
    cells = [values[column] for column in columns]
    return cells[0] if len(cells) == 1 else cells


def _first_step(starts: list[datetime | None]) -> int | None:
    first, second = [*starts, None, None][:2]
    if first is None or second is None or second <= first or (second - first) % timedelta(seconds=1):
        return None
    return (second - first) // timedelta(seconds=1)


def _start(table: Table, row: Row) -> datetime | None:
    cell = row.cells.get("start")
    if cell is None:
        table.report(row.line, "start is empty; every interval needs one.")
        return None
    value = _to_instant(cell, "start")
    if isinstance(value, str):
        table.report(row.line, value)
        return None
    return value


def _check_steps(table: Table, starts: list[datetime | None], step: timedelta) -> None:
    for (before, after), (above, row) in zip(pairwise(starts), pairwise(table.rows), strict=True):
        if before is None or after is None or after - before == step:
            continue
        if after == before:
            what = f"is {short_utc(after)} again, as line {above.line}. Keep one of the two rows."
        elif after < before:
            what = f"goes back to {short_utc(after)} after {short_utc(before)}. Sort the rows by time."
        elif (after - before) % step:
            what = (
                f"is {short_utc(after)}, {(after - before).total_seconds():g} s after line {above.line}; "
                f"intervals are {step.total_seconds():g} s. Correct the time, or step_s."
            )
        else:
            missing = (after - before) // step - 1
            rows = f"{missing} row{'' if missing == 1 else 's'}"
            what = f"leaves a gap: {rows} missing from {short_utc(before + step)} to {short_utc(after)}. Add them."
        table.report(row.line, what, row.cells["start"])
