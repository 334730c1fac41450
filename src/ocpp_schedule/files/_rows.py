"""CSV text to rows of plain data: header, separator, number of fields, and the numbers as they are written."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_COMMA_NUMBER: Final = re.compile(r"[+-]?(\d*,\d+|\d{1,3}(\.\d{3})+(,\d+)?)", re.ASCII)
_AMBIGUOUS: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the header.

    Attributes:
        line: its number in the file, the header being line 1.
        cells: text by column, without the empty ones.
    """

    line: int
    cells: dict[str, str]


@dataclass(slots=True)
class Table:
    """A CSV file as read.

    Attributes:
        name: the file, for messages.
        rows: the lines below the header that have as many fields as the header.
        skipped: a line is left out of ``rows``, and reported.
        problems: what is wrong so far.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    skipped: bool = False
    problems: list[InputProblem] = field(default_factory=list)

    def report(self, line: int, what: str, label: str = "") -> None:
        """Note a problem of a line; ``label`` (an id, a time) says which object it is."""
        self.problems.append(InputProblem(line_place(self.name, line, label), what))


def line_place(name: str, line: int, label: str = "") -> str:
    """Return the place of a line for messages.

    >>> line_place("sessions.csv", 3, "a")
    'sessions.csv line 3 (a)'
    """
    return f"{name} line {line} ({shown(label)})" if label else f"{name} line {line}"


def read_table(text: str, name: str, required: tuple[str, ...], optional: tuple[str, ...], max_rows: int) -> Table:
    """Return the rows of a CSV file with exactly known columns, in any order.

    Args:
        text: the file's text.
        name: the file's name.
        required: columns that must be there.
        optional: columns that may be there.
        max_rows: the most rows that are read.
    """
    table = Table(name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        problem = _header_problem([column.strip() for column in header], required, optional)
        if problem:
            table.report(1, problem)
            return table
        _read_rows(table, reader, [column.strip() for column in header], max_rows)
    except csv.Error as error:
        table.report(max(reader.line_num, 1), f"no valid CSV: {error}. Check the quotes.")
    return table


def _read_rows(table: Table, reader: Iterator[list[str]], header: list[str], max_rows: int) -> None:
    line = 1
    for values in reader:
        # a quoted text may span lines; the csv module counts physical ones
        line = int(getattr(reader, "line_num", line + 1))
        if not any(value.strip() for value in values):
            continue
        if len(table.rows) == max_rows:
            table.rows.clear()  # one problem is enough for the wrong file
            table.problems.clear()
            table.report(line, f"is beyond the {max_rows} rows that are read at most. Split the file.")
            return
        if len(values) != len(header):
            many = "a decimal comma (write 12.5) or a comma within a text (put it in quotes)"
            few = "fill in the missing values, or leave them empty between commas"
            hint = many if len(values) > len(header) else few
            what = f"has {len(values)} fields, the header has {len(header)}: {hint}."
            table.report(line, what, values[0].strip())
            table.skipped = True
            continue
        cells = {column: value.strip() for column, value in zip(header, values, strict=True) if value.strip()}
        table.rows.append(Row(line, cells))


def _header_problem(header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> str | None:
    expected = f"expected {', '.join(required)}" + (f"; optional {', '.join(optional)}" if optional else "")
    if not any(header):
        return f"has no header. First line: {expected}."
    if len(header) == 1:
        for separator, plural in _OTHER_SEPARATORS.items():
            if separator in header[0]:
                return f"is separated by {plural} ({quoted(header[0])}); save it with commas. Columns: {expected}."
    known = (*required, *optional)
    faults = [f"'{column}' is missing" for column in required if column not in header]
    for column in dict.fromkeys(header):
        if column not in known:
            close = get_close_matches(column.lower(), known, n=1)
            faults.append(f"{quoted(column)} is unknown" + (f" (did you mean '{close[0]}'?)" if close else ""))
        elif header.count(column) > 1:
            faults.append(f"'{column}' is there {header.count(column)} times")
    if not faults:
        return None
    seen = ", ".join(shown(column) or "(empty)" for column in header[:30])
    return f"wrong columns: {', '.join(faults[:12])}. Seen {seen}; {expected}."


def to_number(text: str, column: str, *, whole: bool = False) -> float | int | str:
    """Return the number of a cell, or (as text) what is wrong with it.

    >>> to_number("12.5", "energy_wh"), to_number("3", "phases", whole=True)
    (12.5, 3)
    >>> to_number("12,5", "energy_wh")
    "energy_wh '12,5' has a decimal comma; write 12.5."
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    if not whole and _NUMBER.fullmatch(text):
        return float(text)
    if _AMBIGUOUS.fullmatch(text) and not whole:
        return (
            f"{column} {quoted(text)} has a comma for decimals or for thousands; "
            f"write {text.replace(',', '.')} or {text.replace(',', '')}."
        )
    if _COMMA_NUMBER.fullmatch(text) and not whole:
        return f"{column} {quoted(text)} has a decimal comma; write {text.replace('.', '').replace(',', '.')}."
    kind = "a whole number" if whole else "a number with a decimal point, without unit or thousands separator"
    return f"{column} {quoted(text)} is no number; write {kind}."


def numbers(table: Table, row: Row, columns: Mapping[str, bool], label: str) -> dict[str, float | int | None]:
    """Return the numbers of a row; a cell that is none is reported and given as None.

    Args:
        table: takes the reports.
        row: the line.
        columns: column names, and whether the number must be whole.
        label: what the line is about, for messages.
    """
    result: dict[str, float | int | None] = {}
    for column, whole in columns.items():
        cell = row.cells.get(column)
        if cell is None:
            continue
        value = to_number(cell, column, whole=whole)
        if isinstance(value, str):
            table.report(row.line, value, label)
            result[column] = None
        else:
            result[column] = value
    return result
