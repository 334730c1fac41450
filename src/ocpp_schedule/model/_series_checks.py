"""Checks of series, limits and forecasts against site and grid, on models or on raw data alike."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._forecast_checks import expected_field, kind_problems
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
ROUND_IT: Final = f"has more than {MAX_DECIMALS} decimals. Round it."


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
    """Yield where the tariff leaves the grid without a value, or is finer than it is counted."""
    for field, values, what in (
        ("energy", "per_kwh", "prices"),
        ("export", "per_kwh", "prices"),
        ("co2", "g_per_kwh", "values"),
    ):
        series = read(tariff, field)
        if grid is not None:
            yield from coverage_problems(f"{path}{field}", series, values, grid, what)
        if _too_fine(series):
            yield InputProblem(f"{path}{field}", f"{series!r} {ROUND_IT}")
        for index, value in enumerate(items(series, values)):
            if _too_fine(value):
                yield InputProblem(f"{path}{field}.{values}[{index}]", f"{value!r} {ROUND_IT}")


def value_problems(sessions: list[Item]) -> Iterator[InputProblem]:
    """Yield values of energy that are finer than money is counted."""
    for where, session in sessions:
        value = read(session, "value_per_kwh")
        if _too_fine(value):
            yield InputProblem(place(where, session), f"value_per_kwh={value!r} {ROUND_IT}")


def forecast_problems(forecasts: list[Item], site: object, grid: TimeGrid | None) -> Iterator[InputProblem]:
    """Yield loads without a forecast, forecasts without a load, gaps and unequal lengths."""
    yield from duplicate_problems(forecasts)
    known = [*ids(items(site, "loads")), *ids(items(site, "generators"))]
    loads = Names(known)
    noun = "load or generator" if items(site, "generators") else "load"
    given = {text(forecast, "id") for _, forecast in forecasts}
    for where, forecast in forecasts:
        at = place(where, forecast)
        name = text(forecast, "id")
        if name is not None and name not in loads:
            yield InputProblem(at, f"there is no {noun} {quoted(name)}; {loads}.")
        if grid is not None:
            yield from coverage_problems(at, forecast, expected_field(forecast), grid, "values")
    yield from kind_problems(forecasts, site)
    for kind in ("loads", "generators"):
        for index, one in enumerate(items(site, kind)):
            name = text(one, "id")
            if name is not None and name not in given:
                yield InputProblem(
                    place(f"site.{kind}[{index}]", one), "has no forecast; add one with this id (zeros are allowed)."
                )


def limit_problems(limits: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield limit series for circuits that do not exist, or in no unit or several."""
    circuits = Names(ids(items(site, "circuits")))
    fed = any(read(circuit, "transformer") is not None for circuit in items(site, "circuits"))
    for where, limit in limits:
        yield from (InputProblem(where, fault) for fault in limit_texts(limit))
        if fed and read(limit, "soft") is True:
            yield InputProblem(where, "is soft at a site with a transformer, which is not supported yet; make it hard.")
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
