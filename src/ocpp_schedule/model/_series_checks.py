"""Checks of series, limits and forecasts against site and grid, on models or on raw data alike."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, instant, items, number, place, quoted, read, text
from ocpp_schedule.model._references import Names, duplicate_problems, ids
from ocpp_schedule.model._supply_checks import limit_texts
from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import EDGE_GUARD_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.timegrid import TimeGrid

MAX_DECIMALS = 6
"""Decimals of a price per kWh (convention 1)."""


def _span(series: object, field: str) -> tuple[datetime, datetime] | None:
    start, step_s, values = instant(series, "start"), number(series, "step_s"), items(series, field)
    if start is None or step_s is None or step_s < 1 or not values:
        return None
    try:
        return start, start + timedelta(seconds=step_s * len(values))
    except OverflowError:
        return None


def coverage_problems(where: str, series: object, field: str, grid: TimeGrid, what: str) -> Iterator[InputProblem]:
    """Yield a problem where a series that must cover the grid does not."""
    span = _span(series, field)
    if span is None:
        return
    start, end = span
    if start > grid.start:
        yield InputProblem(
            where, f"{what} start at {short_utc(start)}, the grid at {short_utc(grid.start)}. Add the missing values."
        )
    if end < grid.end:
        yield InputProblem(
            where, f"{what} end at {short_utc(end)}, the grid at {short_utc(grid.end)}. Add the missing values."
        )


FLOAT_NOISE: Final = 1e-12
"""A few roundings of a double; a price in six decimals is far coarser."""


def _too_fine(price: object) -> bool:
    """Tell whether a price has more decimals than we take; what is no price at all is reported elsewhere."""
    if not isinstance(price, float) or not math.isfinite(price):
        return False
    # What a division leaves (0.12000000000000001) is not meant; a seventh decimal is.
    return not math.isclose(round(price, MAX_DECIMALS), price, rel_tol=FLOAT_NOISE, abs_tol=FLOAT_NOISE)


def tariff_problems(tariff: object, grid: TimeGrid | None, path: str) -> Iterator[InputProblem]:
    """Yield where the tariff leaves the grid without a price, or is finer than money is counted."""
    energy = read(tariff, "energy")
    if grid is not None:
        yield from coverage_problems(f"{path}energy", energy, "per_kwh", grid, "prices")
    remedy = f"has more than {MAX_DECIMALS} decimals. Round it."
    if _too_fine(energy):
        yield InputProblem(f"{path}energy", f"{energy!r} {remedy}")
    for index, price in enumerate(items(energy, "per_kwh")):
        if _too_fine(price):
            yield InputProblem(f"{path}energy.per_kwh[{index}]", f"{price!r} {remedy}")


def forecast_problems(forecasts: list[Item], site: object, grid: TimeGrid | None) -> Iterator[InputProblem]:
    """Yield loads without a forecast, forecasts without a load, gaps and unequal lengths."""
    yield from duplicate_problems(forecasts)
    loads = Names(ids(items(site, "loads")))
    given = {text(forecast, "id") for _, forecast in forecasts}
    for where, forecast in forecasts:
        at = place(where, forecast)
        name = text(forecast, "id")
        if name is not None and name not in loads:
            yield InputProblem(at, f"there is no load {quoted(name)}; {loads}.")
        expected, high = items(forecast, "expected_a"), items(forecast, "high_a")
        if high and expected and len(high) != len(expected):
            yield InputProblem(at, f"high_a has {len(high)} values, expected_a {len(expected)}; give as many.")
        yield from _high_problems(at, expected, high)
        if grid is not None:
            yield from coverage_problems(at, forecast, "expected_a", grid, "values")
    for index, load in enumerate(items(site, "loads")):
        name = text(load, "id")
        if name is not None and name not in given:
            yield InputProblem(
                place(f"site.loads[{index}]", load), "has no forecast; add one with this id (zeros are allowed)."
            )


def _high_problems(at: str, expected: list[Any], high: list[Any]) -> Iterator[InputProblem]:
    """Yield the first interval in which the highest load is below the expected one."""
    for index, (likely, highest) in enumerate(zip(expected, high, strict=False)):
        pairs = zip(_per_line(likely), _per_line(highest), strict=True)
        if any(top < usual for usual, top in pairs):
            yield InputProblem(
                at, f"high_a[{index}]={highest!r} is below expected_a[{index}]={likely!r}; it is the highest. Raise it."
            )
            return


def _per_line(value: Any) -> tuple[float, float, float]:
    """Return a value per line; zeros where it is none (its own error reports that)."""
    values = list(value) if isinstance(value, list | tuple) else [value] * 3
    numbers = [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else 0.0 for v in values]
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else (0.0, 0.0, 0.0)  # noqa: PLR2004 - three lines


def limit_problems(limits: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield limit series for circuits that do not exist, or in no unit or several."""
    circuits = Names(ids(items(site, "circuits")))
    for where, limit in limits:
        yield from (InputProblem(where, fault) for fault in limit_texts(limit))
        name = text(limit, "circuit")
        if name is not None and name not in circuits:
            yield InputProblem(where, f"circuit {quoted(name)} does not exist; {circuits}.")


def guard_problems(site: object, grid: TimeGrid, path: str) -> Iterator[InputProblem]:
    """Yield where slots are too short for the edge guard (convention 4)."""
    guard_s = EDGE_GUARD_S if read(site, "edge_guard_s") is None else number(site, "edge_guard_s")
    if guard_s is not None and guard_s > 0 and grid.shortest_s <= 2 * guard_s:
        yield InputProblem(
            f"{path}edge_guard_s",
            f"{guard_s:g} s of guard on both sides do not fit a slot of {grid.shortest_s} s. "
            "Use longer slots, or a guard of less than half a slot (0: chargers switch at one instant).",
        )
