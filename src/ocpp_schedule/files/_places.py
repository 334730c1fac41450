"""Where a value stands: a path in the scenario file, or a line of a CSV file beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.files._rows import line_place
from ocpp_schedule.model._raw import Item, items, place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

Tokens = tuple[int | str, ...]

_SECTIONS: Final = (
    "format_version",
    "title",
    "site",
    "sessions",
    "tariff",
    "grid",
    "limits",
    "forecasts",
    "objective",
    "availability",
    "session_defaults",
)
_KINDS: Final = ("id", "time_zone", "circuits", "stations", "connectors", "loads", "idle_floor_a", "edge_guard_s")
_HEAD: Final = re.compile(r"(\w+)(?:\.(\w+))?(?:\[(\d+)\])?", re.ASCII)
_SERIES_VALUE: Final = re.compile(r"(tariff\.energy)\.per_kwh\[(\d+)\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class CsvLines:
    """The lines of a CSV file that became the items of a list."""

    name: str
    lines: list[int]

    def at(self, index: int) -> str:
        """Return the place of item ``index``."""
        return line_place(self.name, self.lines[index])


@dataclass(slots=True)
class Places:
    """What came from CSV files, and what could not be read at all.

    Attributes:
        source: the scenario file.
        sessions: set where the sessions are a CSV file.
        series: CSV files by the path of the series they hold, e.g. ``("tariff", "energy")``.
        unread: paths whose problem is reported already; nothing more is said about what is at or below them.
    """

    source: str
    sessions: CsvLines | None = None
    series: dict[Tokens, CsvLines] = field(default_factory=dict)
    unread: set[Tokens] = field(default_factory=set)

    def is_unread(self, path: Tokens) -> bool:
        """Tell whether the value's problem is reported already."""
        return any(path[:length] in self.unread for length in range(1, len(path) + 1))

    def where(self, path: Tokens, data: Mapping[str, Any]) -> tuple[str, str]:
        """Return the place of a value, and its field where the place is a CSV line.

        Args:
            path: keys and indices from the top of the scenario.
            data: the scenario as plain data, to name objects by their ids.
        """
        if self.sessions and len(path) > 1 and path[0] == "sessions" and isinstance(path[1], int):
            row = items(data, "sessions")[path[1]]
            return place(self.sessions.at(path[1]), row), ".".join(map(str, path[2:]))
        lines = self.series.get(path[:2])
        if lines and len(path) > 3 and isinstance(index := path[3], int):  # noqa: PLR2004 - section, series, field, index
            return lines.at(index), str(path[2])
        return json_path(path, data), ""

    def session_items(self, sessions: Iterable[Any]) -> list[Item]:
        """Return the sessions with their places."""
        if self.sessions:
            return [(self.sessions.at(index), session) for index, session in enumerate(sessions)]
        return [(f"sessions[{index}]", session) for index, session in enumerate(sessions)]

    def retold(self, problem: InputProblem) -> InputProblem:
        """Return the problem with the CSV line instead of the path of a price that came from there."""
        prices = self.series.get(("tariff", "energy"))
        match = _SERIES_VALUE.fullmatch(problem.where)
        if prices is None or match is None:
            return problem
        return InputProblem(prices.at(int(match[2])), f"per_kwh {problem.what}")

    def in_order(self, problems: Iterable[InputProblem]) -> list[InputProblem]:
        """Return the problems in the order of the input, without repetition."""
        return sorted(dict.fromkeys(problems), key=self._rank)

    def _rank(self, problem: InputProblem) -> tuple[int, int, int]:
        for section, lines in self._csv_sections():
            if problem.where.startswith(f"{lines.name} line "):
                number = problem.where.removeprefix(f"{lines.name} line ").split(" ", 1)[0]
                return _SECTIONS.index(section), 0, int(number)
        match = _HEAD.match(problem.where)
        if match is None or match[1] not in _SECTIONS:
            return len(_SECTIONS), 0, 0
        kind = _KINDS.index(match[2]) if match[2] in _KINDS else 0
        return _SECTIONS.index(match[1]), kind, int(match[3] or 0)

    def _csv_sections(self) -> list[tuple[str, CsvLines]]:
        found = [(str(path[0]), lines) for path, lines in self.series.items()]
        return [("sessions", self.sessions), *found] if self.sessions else found


def json_path(path: Tokens, data: Mapping[str, Any]) -> str:
    """Return a path as text, each object of a list with its id.

    >>> json_path(("site", "connectors", 0, "max_current_a"), {"site": {"connectors": [{"id": "C3"}]}})
    'site.connectors[0] (C3).max_current_a'
    """
    text = ""
    value: Any = data
    for token in path:
        if isinstance(token, int):
            inside = isinstance(value, Sequence) and not isinstance(value, str) and token < len(value)
            value = value[token] if inside else None
            text += place(f"[{token}]", value)
        else:
            value = value.get(token) if isinstance(value, Mapping) else None
            text += f".{shown(token)}" if text else shown(token)
    return text
