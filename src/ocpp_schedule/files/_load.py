"""Scenario file to scenario: every part is looked at, and everything that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.files import _csv
from ocpp_schedule.files._explain import field_problems
from ocpp_schedule.files._json import parse_json
from ocpp_schedule.files._places import CsvLines, Places, Tokens
from ocpp_schedule.files._text import Budget, read_text
from ocpp_schedule.model._base import REFERENCE_ERROR
from ocpp_schedule.model._raw import items, quoted, read, shown, text
from ocpp_schedule.model.checks import cross_problems, numbered, own_problems
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    import os


def load_scenario(path: str | os.PathLike[str]) -> Scenario:
    """Return the scenario of a JSON file and the CSV files beside it.

    The JSON holds the fields of ``Scenario``. In place of values it may name CSV files in its own folder or
    below: ``"sessions": {"csv": "sessions.csv"}``, ``"energy": {"csv": "prices.csv", "step_s": 3600}`` in the
    tariff, and ``{"id": "building", "csv": "building.csv"}`` among the forecasts (``step_s`` may be left out
    there: the time between the first two rows). Files are UTF-8, with or without byte order mark, separated
    by commas, with a decimal point; times are ISO 8601 with zone. Columns, in any order:

    * sessions: ``id, connector, arrival``, ``departure, energy_wh`` (empty only with ``session_defaults``), and
      where wanted ``min_current_a, max_current_a, phases, transaction_id, battery_wh, soc_percent,
      max_price_per_kwh`` (an empty cell: absent; a transaction id of digits is an integer where the connector's
      station speaks OCPP 1.6, else text),
    * prices: ``start, per_kwh``,
    * forecasts: ``start, expected_a`` (or ``expected_a_l1, expected_a_l2, expected_a_l3``), and where wanted
      ``high_a`` (or ``high_a_l1`` ...); or in W ``start, expected_w``, and where wanted ``high_w`` or ``firm_w``.

    Args:
        path: the JSON file, at most 50 MB.

    Raises:
        InputError: everything that is wrong with the content, each with its path or line.

    >>> from ocpp_schedule.files import example_path
    >>> evening = load_scenario(example_path("tight"))
    >>> len(evening.sessions), evening.site.circuits[0].limit_a, evening.tariff.energy.step_s
    (6, 25.0, 3600)
    """
    file = Path(path)
    budget = Budget()
    data, problems = parse_json(read_text(file, budget), file.name)
    return _Loading(data, file.name, file.parent, budget, problems).scenario()


def scenario_from_dict(
    raw: Mapping[str, Any], source: str = "scenario", folder: str | os.PathLike[str] | None = None
) -> Scenario:
    """Return the scenario of plain data, as ``json.load`` gives it.

    Args:
        raw: the fields of ``Scenario``; not changed.
        source: what to call it in messages.
        folder: where its CSV files are; None: it may name none.

    Raises:
        InputError: everything that is wrong, each with its path.

    >>> scenario_from_dict({"format_version": 1, "site": {}})
    Traceback (most recent call last):
    ocpp_schedule.errors.InputError: 4 problems in scenario
    site.id: is missing; add it.
    site.circuits: is missing; add it.
    tariff: is missing; add it.
    grid: is missing; add it.
    """
    if not isinstance(raw, Mapping):
        what = f"{quoted(raw)} is no scenario; give a mapping with site, tariff, grid ..."
        raise InputError(source, [InputProblem("", what)])
    return _Loading(dict(raw), source, None if folder is None else Path(folder), Budget(), []).scenario()


class _Loading:
    """One pass over one scenario: CSV files in, models built, problems collected."""

    def __init__(
        self, data: dict[str, Any], source: str, folder: Path | None, budget: Budget, problems: list[InputProblem]
    ) -> None:
        self._data = data
        self._source = source
        self._folder = folder
        self._budget = budget
        self._problems = problems
        self._places = Places(source)

    def scenario(self) -> Scenario:
        """Return the scenario, or raise with everything that is wrong."""
        self._take_sessions()
        self._take_prices()
        self._take_forecasts()
        scenario = None
        try:
            scenario = Scenario.model_validate(self._data)
        except ValidationError as error:
            self._problems += field_problems(error, self._data, self._places)
            self._check_raw()
            if not self._problems:  # the raw checks see less than the models: never lose what those say
                self._problems += self._reference_problems(error)
        if scenario is not None and not self._problems:
            self._check(scenario, scenario.grid)
        elif scenario is not None:
            self._check_raw()
        if scenario is None or self._problems:
            retold = [self._places.retold(problem) for problem in self._problems]
            raise InputError(self._source, self._places.in_order(retold))
        return scenario

    def _reference_problems(self, error: ValidationError) -> list[InputProblem]:
        details = [detail for detail in error.errors(include_url=False) if detail["type"] == REFERENCE_ERROR]
        return [InputProblem(self._places.where(detail["loc"], self._data)[0], detail["msg"]) for detail in details]

    def _check_raw(self) -> None:
        data = self._data
        try:
            grid = TimeGrid.model_validate(data.get("grid"))
        except ValidationError:
            grid = None
        sessions = self._places.session_items(items(data, "sessions"))
        availability = numbered("availability", items(data, "availability"))
        forecasts = [
            item
            for index, item in enumerate(numbered("forecasts", items(data, "forecasts")))
            if not self._places.is_unread(("forecasts", index))
        ]
        self._problems += own_problems(read(data, "site"), sessions, availability, forecasts, read(data, "tariff"))
        self._check(data, grid)

    def _check(self, data: object, grid: TimeGrid | None) -> None:
        sessions = self._places.session_items(items(data, "sessions"))
        limits, forecasts, availability = (
            numbered(name, items(data, name)) for name in ("limits", "forecasts", "availability")
        )
        names = ("site", "tariff", "session_defaults", "objective")
        site, tariff, defaults, objective = (read(data, name) for name in names)
        self._problems += cross_problems(
            site, sessions, tariff, grid, limits, forecasts, availability, defaults, objective
        )

    def _take_sessions(self) -> None:
        given = self._data.get("sessions")
        if not isinstance(given, Mapping):
            return
        self._data["sessions"] = []
        found = self._csv(given, ("sessions",), ("csv",))
        if found is None:
            return
        rows = _csv.read_sessions(*found, _versions(self._data.get("site")))
        self._problems += rows.table.problems
        self._data["sessions"] = rows.sessions
        self._places.sessions = CsvLines(rows.table.name, rows.lines)
        self._places.unread |= {("sessions", index, column) for index, column in rows.unread}

    def _take_prices(self) -> None:
        tariff = self._data.get("tariff")
        given = read(tariff, "energy")
        if not isinstance(tariff, Mapping) or not isinstance(given, Mapping) or "csv" not in given:
            return
        path: Tokens = ("tariff", "energy")
        step_s = self._step(given, path, needed=True)
        found = self._csv(given, path, ("csv", "step_s"))
        series: Any = 0.0  # whatever is wrong is said; a flat price asks no more questions
        if found is not None and step_s is not None:
            series = self._series(path, _csv.read_prices(*found, step_s)) or series
        self._data["tariff"] = {**tariff, "energy": series}

    def _take_forecasts(self) -> None:
        given = self._data.get("forecasts")
        if not isinstance(given, list | tuple):
            return
        forecasts = list(given)
        for index, forecast in enumerate(forecasts):
            if not isinstance(forecast, Mapping) or "csv" not in forecast:
                continue
            path: Tokens = ("forecasts", index)
            known = len(self._problems)
            step_s = self._step(forecast, path, needed=False)
            found = self._csv(forecast, path, ("id", "csv", "step_s"))
            series = None
            if found is not None and len(self._problems) == known:
                series = self._series(path, _csv.read_forecast(*found, step_s))
            forecasts[index] = {key: forecast[key] for key in ("id",) if key in forecast} | (series or {})
            if series is None:
                self._places.unread.add(path)
        self._data["forecasts"] = forecasts

    def _series(self, path: Tokens, rows: _csv.SeriesRows) -> dict[str, Any] | None:
        self._problems += rows.table.problems
        self._places.series[path] = CsvLines(rows.table.name, rows.lines)
        return rows.series

    def _step(self, given: Mapping[str, Any], path: Tokens, *, needed: bool) -> int | None:
        if "step_s" not in given and not needed:
            return None
        value = given.get("step_s")
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 31_622_400:  # noqa: PLR2004 - as RegularSeries.step_s
            return value
        what = f"{quoted(value)} is no step; give the seconds of one interval as a whole number, like 3600."
        self._report((*path, "step_s"), what if "step_s" in given else "is missing; give the seconds of one interval.")
        return None

    def _csv(self, given: Mapping[str, Any], path: Tokens, known: tuple[str, ...]) -> tuple[str, str] | None:
        """Return text and name of the CSV file that is named; None where that is wrong, and reported."""
        for key in given:
            if key not in known:
                self._report((*path, str(key)), f"unknown field; with 'csv' there can be {', '.join(known)}.")
        name = given.get("csv")
        if self._folder is None:
            self._report((*path, "csv"), "there is no folder to read it from; pass one, or give the values themselves.")
            return None
        file = _inside(self._folder, name)
        if file is None:
            self._report(
                (*path, "csv"), f"{quoted(name)} is no file in the scenario's folder; name one there or below."
            )
            return None
        try:
            content = read_text(file, self._budget)
        except InputError as error:
            self._problems += error.problems
            return None
        return content, shown(str(name))

    def _report(self, path: Tokens, what: str) -> None:
        self._problems.append(InputProblem(self._places.where(path, self._data)[0], what))


def _inside(folder: Path, name: object) -> Path | None:
    """Return the file, if its name does not lead out of the folder, by dots, root or link."""
    if not isinstance(name, str) or not name or not name.isprintable():
        return None
    try:
        root = folder.resolve()
        file = (root / name).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return file if file.is_relative_to(root) and file != root and not Path(name).is_absolute() else None


def _versions(site: object) -> dict[str, str | None]:
    """Return the OCPP version by connector, as far as it can be read."""
    by_station = {text(station, "id"): text(station, "ocpp_version") for station in items(site, "stations")}
    connectors = items(site, "connectors")
    return {name: by_station.get(text(c, "station")) for c in connectors if (name := text(c, "id")) is not None}
