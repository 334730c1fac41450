"""Checks of series, limits and forecasts against site and grid, on models or on raw data alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, instant, items, number, place, read, text
from ocpp_schedule.model._references import _known, duplicate_problems
from ocpp_schedule.timegrid import short_utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.timegrid import TimeGrid


def _span(series: Any, field: str) -> tuple[datetime, datetime] | None:
    start, step_s, values = instant(series, "start"), number(series, "step_s"), items(series, field)
    if start is None or step_s is None or step_s < 1 or not values:
        return None
    try:
        return start, start + timedelta(seconds=step_s * len(values))
    except OverflowError:
        return None


def coverage_problems(where: str, series: Any, field: str, grid: TimeGrid, what: str) -> Iterator[InputProblem]:
    """Yield a problem where a series that must cover the grid does not."""
    span = _span(series, field)
    if span is None:
        return
    start, end = span
    if start > grid.start:
        yield InputProblem(where, f"{what} start at {short_utc(start)}, the grid at {short_utc(grid.start)}. Add the missing values.")
    if end < grid.end:
        yield InputProblem(where, f"{what} end at {short_utc(end)}, the grid at {short_utc(grid.end)}. Add the missing values.")


def tariff_problems(tariff: Any, grid: TimeGrid, path: str) -> Iterator[InputProblem]:
    """Yield where the tariff leaves the grid without a price."""
    energy = read(tariff, "energy")
    yield from coverage_problems(f"{path}energy", energy, "per_kwh", grid, "prices")
    for index, price in enumerate(items(energy, "per_kwh")):
        if isinstance(price, float) and round(price, 6) != price and abs(price) <= 1e6:  # noqa: PLR2004 - six decimals
            yield InputProblem(f"{path}energy.per_kwh[{index}]", f"{price!r} has more than six decimals. Round it.")
    if isinstance(energy, float) and abs(energy) <= 1e6 and round(energy, 6) != energy:  # noqa: PLR2004 - six decimals
        yield InputProblem(f"{path}energy", f"{energy!r} has more than six decimals. Round it.")


def forecast_problems(forecasts: list[Item], site: Any, grid: TimeGrid | None) -> Iterator[InputProblem]:
    """Yield loads without a forecast, forecasts without a load, gaps and unequal lengths."""
    yield from duplicate_problems(forecasts)
    loads = [name for load in items(site, "loads") if (name := text(load, "id")) is not None]
    given = {text(forecast, "id") for _, forecast in forecasts}
    for where, forecast in forecasts:
        at = place(where, forecast)
        name = text(forecast, "id")
        if name is not None and name not in loads:
            yield InputProblem(at, f"there is no load {name!r}; {_known(loads)}.")
        expected, high = items(forecast, "expected_a"), items(forecast, "high_a")
        if high and expected and len(high) != len(expected):
            yield InputProblem(at, f"high_a has {len(high)} values, expected_a {len(expected)}; give as many.")
        if grid is not None:
            yield from coverage_problems(at, forecast, "expected_a", grid, "values")
    for index, name in enumerate(loads):
        if name not in given:
            yield InputProblem(f"site.loads[{index}] ({name})", "has no forecast; add one with this id (zeros are allowed).")


def limit_problems(limits: list[Item], site: Any) -> Iterator[InputProblem]:
    """Yield limit series for circuits that do not exist."""
    circuits = [name for circuit in items(site, "circuits") if (name := text(circuit, "id")) is not None]
    for where, limit in limits:
        name = text(limit, "circuit")
        if name is not None and name not in circuits:
            yield InputProblem(where, f"circuit {name!r} does not exist; {_known(circuits)}.")


def guard_problems(site: Any, grid: TimeGrid, path: str) -> Iterator[InputProblem]:
    """Yield where slots are too short for the edge guard (convention 4)."""
    guard_s = number(site, "edge_guard_s")
    guard_s = 60.0 if guard_s is None else guard_s
    if 0 < guard_s and grid.shortest_s <= 2 * guard_s:
        yield InputProblem(
            f"{path}edge_guard_s",
            f"{guard_s:g} s of guard on both sides do not fit a slot of {grid.shortest_s} s. "
            "Use longer slots, or a guard of less than half a slot (0: chargers switch at one instant).",
        )
