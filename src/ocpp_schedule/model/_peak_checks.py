"""Checks of peak charges against grid and time zone, on models or on raw data alike."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import items, number, place, quoted, read, text
from ocpp_schedule.timegrid import metering_start_s, short_utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.timegrid import TimeGrid

MAX_DECIMALS = 6
"""Decimals of a price per kW (convention 1)."""
INTERVALS = (300, 900, 1800, 3600)
USUAL_S = 900


def _seconds_of_day(value: object) -> int | None:
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, time):
        return None
    return value.hour * 3600 + value.minute * 60 + value.second + (1 if value.microsecond else 0)


def peak_texts(peak: object) -> Iterator[str]:
    """Yield what is inconsistent within one peak charge."""
    price = number(peak, "per_kw")
    if price is not None and not math.isclose(round(price, MAX_DECIMALS), price, rel_tol=1e-12, abs_tol=1e-12):
        yield f"per_kw={price!r} has more than {MAX_DECIMALS} decimals. Round it."
    interval_s = _interval_s(peak)
    for index, window in enumerate(items(peak, "windows")):
        for field in ("start", "end"):
            value = read(window, field)
            if isinstance(value, time) and value.tzinfo is not None:
                yield f"windows[{index}].{field} has a time zone; windows are in the site's. Leave it out."
                continue
            seconds = _seconds_of_day(value)
            if seconds is not None and interval_s and seconds % interval_s:
                yield (
                    f"windows[{index}].{field}={value} is no edge of a metering interval of {interval_s // 60} min. "
                    "Move it to one, or correct interval_s."
                )


def _interval_s(peak: object) -> int | None:
    value = read(peak, "interval_s")
    if value is None:
        return USUAL_S
    return value if isinstance(value, int) and value in INTERVALS else None


def peak_problems(tariff: object, grid: TimeGrid | None, site: object, path: str) -> Iterator[InputProblem]:
    """Yield repeated ids, and peaks whose metering intervals do not fit the slots."""
    seen: dict[str, str] = {}
    zone = _zone(site)
    for index, peak in enumerate(items(tariff, "peaks")):
        where = f"{path}peaks[{index}]"
        name = text(peak, "id")
        if name is not None and seen.setdefault(name, where) != where:
            yield InputProblem(
                place(where, peak), f"id {quoted(name)} is already used by {seen[name]}; give each its own."
            )
        interval_s = _interval_s(peak)
        if grid is not None and zone is not None and interval_s is not None:
            problem = _slots_text(grid, zone, interval_s) or _open_text(peak, grid, zone, interval_s)
            if problem:
                yield InputProblem(place(where, peak), problem)


def _zone(site: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(text(site, "time_zone") or "UTC")
    except (OSError, ValueError, KeyError):
        return None


def _slots_text(grid: TimeGrid, zone: ZoneInfo, interval_s: int) -> str | None:
    """Return what is wrong where a slot has parts of several metering intervals, or None."""
    start = grid.start_s
    edges = [start + edge for edge in grid.edges_s]
    for before, after in pairwise(edges):
        last = metering_start_s(after - 1, zone, interval_s)
        if last <= before:
            continue  # wholly inside one interval
        if any(metering_start_s(edge, zone, interval_s) != edge for edge in (before, after)):
            at = short_utc(datetime.fromtimestamp(before, UTC))
            return (
                f"the slot from {at} lies across the edge of a metering interval of {interval_s // 60} min. "
                f"Let slots start at full {interval_s // 60} min of the clock in {zone.key}, "
                f"with a length that divides {interval_s} s or is a multiple of it."
            )
    return None


def _open_text(peak: object, grid: TimeGrid, zone: ZoneInfo, interval_s: int) -> str | None:
    began = metering_start_s(grid.start_s, zone, interval_s)
    metered = number(peak, "open_interval_wh")
    if began == grid.start_s:
        if metered:
            return (
                f"open_interval_wh={metered:g}, but the grid starts with a metering interval; "
                "leave it out (what was metered before counts in peak_so_far_w)."
            )
        return None
    if metered is None and read(peak, "open_interval_wh") is None:
        passed = timedelta(seconds=grid.start_s - began)
        return (
            f"the grid starts {passed} into a metering interval of {interval_s // 60} min. "
            "Give open_interval_wh, what it has metered so far, or start the grid with an interval."
        )
    return None
