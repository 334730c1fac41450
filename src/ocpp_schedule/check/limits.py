"""What every row allows: its limits over time, less base load, by what charging weighs (conventions 4 and 14)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.phasors import ROOT3_HIGH, Surd
from ocpp_schedule.check.series import (
    covered,
    covered_highest,
    extremes,
    microamperes,
    per_line,
    whole_down,
    whole_units,
)
from ocpp_schedule.check.transformers import VOLTAGE_DEG, Part, Windings
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.units import LINES, MICROAMPERES_PER_AMPERE, MILLI_PER_UNIT, SUPPLIES, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.model._base import PerLineA
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Load, Site
    from ocpp_schedule.timegrid import TimeGrid
    from ocpp_schedule.units import Supply

UNLIMITED: Final = 2**60
"""Stands where a channel has no limit: above every sum that inputs allow."""


def channels_of(site: Site, limits: Iterable[LimitSeries]) -> int:
    """Return 4 where a limit on the total of all lines exists anywhere, else 3."""
    by_circuit = (value for circuit in site.circuits for value in (circuit.limit_va, circuit.limit_w))
    by_group = (value for group in site.groups for value in (group.limit_va, group.limit_w))
    by_series = (value for series in limits for value in (series.limit_va, series.limit_w))
    return 3 + any(value is not None for values in (by_circuit, by_group, by_series) for value in values)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limit and base load of every row, exact; most rows are the same in every slot.

    Attributes:
        fixed: (rows, channels) the device's own limit [uA, mVA], int64 or fractions; ``UNLIMITED`` for none.
        limit: by row with a limit series, (channels, slots) the lowest limit [uA, mVA].
        base: by row with loads at or below it, (channels, slots) the sum of their highest loads [uA, mVA].
        weight: by row where it is not 1, what charging weighs.
        headroom: by row with any of these or firm generation, (channels, slots) int64, what charging may take,
            rounded down.
        fixed_headroom: (rows, channels) int64, the same of all other rows.
    """

    fixed: npt.NDArray[Any]
    limit: dict[int, npt.NDArray[Any]]
    base: dict[int, npt.NDArray[Any]]
    weight: dict[int, Fraction]
    headroom: dict[int, npt.NDArray[np.int64]]
    fixed_headroom: npt.NDArray[np.int64]

    def headroom_in(self, first: int, end: int) -> npt.NDArray[np.int64]:
        """Return (rows, channels, end - first) headroom in slots ``first`` to ``end`` (exclusive) [uA, mVA]."""
        room = np.repeat(self.fixed_headroom[:, :, None], end - first, axis=2)
        for row, varying in self.headroom.items():
            room[row] = varying[:, first:end]
        return room

    def at(self, row: int, line: int, slot: int) -> tuple[int, int]:
        """Return limit (rounded down) and base load (rounded up) of a row in a slot [uA, mVA]."""
        limit = self.limit[row][line, slot] if row in self.limit else self.fixed[row, line]
        base = self.base[row][line, slot] if row in self.base else 0
        return int(limit // 1), -int(-base // 1)

    def weighed(self, row: int, units: int) -> int:
        """Return what so much charging counts for in a row, rounded up."""
        return -int(-units * self.weight.get(row, Fraction(1)) // 1)

    def tightest(self) -> npt.NDArray[np.int64]:
        """Return (rows, channels) what the lowest limit of the grid leaves beside the highest base load [uA, mVA]."""
        room = self.fixed_headroom.copy()
        for row in self.headroom:
            lowest = self.limit[row].min(axis=1) if row in self.limit else self.fixed[row]
            highest = self.base[row].max(axis=1) if row in self.base else np.zeros_like(lowest)
            room[row] = _headroom(lowest, highest, self.weight.get(row))
        return room


def _headroom(limit: npt.NDArray[Any], base: npt.NDArray[Any], weight: Fraction | None) -> npt.NDArray[np.int64]:
    """Return limit less base load, divided by the weight of charging, rounded down."""
    room = limit - base
    if weight is None:
        return whole_down(room)
    finite = limit < UNLIMITED
    weighed = np.where(finite, room, 0) * weight.denominator // weight.numerator
    return np.where(finite, weighed, UNLIMITED).astype(np.int64)


def limits_of(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    series: Sequence[LimitSeries],
    forecasts: Iterable[Forecast],
) -> Limits:
    """Return what every row allows.

    Raises:
        InputError: a load has no forecast, or one that does not cover the grid.
    """
    channels = channels_of(site, series)
    fixed = _fixed(site, layout, channels)
    limit: dict[int, npt.NDArray[Any]] = {}
    for one in (one for one in series if not one.soft):
        row = layout.circuit_row[one.circuit]
        lowest, touches = _lowest(one, grid, edges_s, channels)
        before = limit.get(row, fixed[row, :, None])
        limit[row] = np.where(touches, np.minimum(before, lowest), before)
    forecasts = tuple(forecasts)
    base = _base_loads(site, layout, grid, edges_s, forecasts, channels)
    firm = _firm(site, layout, grid, edges_s, forecasts, channels)
    weight = {
        layout.circuit_row[circuit.id]: exact(circuit.continuous_load_factor)
        for circuit in site.circuits
        if circuit.continuous_load_factor > 1
    }
    nothing = np.zeros((channels, grid.slots), dtype=np.int64)
    headroom = {
        row: _headroom(
            np.broadcast_to(limit.get(row, fixed[row, :, None]), nothing.shape),
            base.get(row, nothing) - firm.get(row, nothing),
            weight.get(row),
        )
        for row in limit.keys() | base.keys() | firm.keys()
    }
    fixed_headroom = whole_down(fixed)
    if weight:
        fixed_headroom = fixed_headroom.copy()
        for row, factor in weight.items():
            fixed_headroom[row] = _headroom(fixed[row], np.zeros_like(fixed[row]), factor)
    return Limits(fixed, limit, base, weight, headroom, fixed_headroom)


def soft_headroom(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    series: Sequence[LimitSeries],
    forecasts: Iterable[Forecast],
) -> dict[int, npt.NDArray[np.int64]]:
    """Return by row (channels, slots) what the lowest soft limit leaves; ``UNLIMITED`` where none speaks."""
    if not series:
        return {}
    channels, forecasts = channels_of(site, series), tuple(forecasts)
    nothing = np.zeros((channels, grid.slots), dtype=np.int64)
    limit: dict[int, npt.NDArray[Any]] = {}
    for one in series:
        row = layout.circuit_row[one.circuit]
        lowest, touches = _lowest(one, grid, edges_s, channels)
        before = limit.get(row, nothing + UNLIMITED)
        limit[row] = np.where(touches, np.minimum(before, lowest), before)
    base = _base_loads(site, layout, grid, edges_s, forecasts, channels)
    firm = _firm(site, layout, grid, edges_s, forecasts, channels)
    weight = {
        layout.circuit_row[one.id]: exact(one.continuous_load_factor)
        for one in site.circuits
        if one.continuous_load_factor > 1
    }
    found = {}
    for row, lowest in limit.items():
        room = _headroom(lowest, base.get(row, nothing) - firm.get(row, nothing), weight.get(row))
        found[row] = np.where(lowest >= UNLIMITED, UNLIMITED, room)
    return found


def _fixed(site: Site, layout: Layout, channels: int) -> npt.NDArray[Any]:
    """Return (rows, channels) the limits that hold throughout."""
    own: dict[tuple[str, str], PerLineA | None] = {("circuit", one.id): one.limit_a for one in site.circuits}
    own |= {("station", one.id): one.max_current_a for one in site.stations}
    own |= {("group", one.id): one.limit_a for one in site.groups}
    amperes = [own[key] for key in zip(layout.nouns, layout.subjects, strict=True)]
    lines = microamperes(per_line([0.0 if value is None else value for value in amperes]))
    lines[[at for at, value in enumerate(amperes) if value is None]] = UNLIMITED
    if channels == len(LINES):
        return lines
    totals = np.full(len(amperes), float(UNLIMITED // MILLI_PER_UNIT))
    limited = {("circuit", one.id): (one.limit_va, one.limit_w) for one in site.circuits}
    limited |= {("group", one.id): (one.limit_va, one.limit_w) for one in site.groups}
    for row, key in enumerate(zip(layout.nouns, layout.subjects, strict=True)):
        given = [value for value in limited.get(key, ()) if value is not None]
        if given:  # the power factor of charging is taken as 1
            totals[row] = min(given)
    power = whole_units(totals, MILLI_PER_UNIT)
    power[totals >= UNLIMITED // MILLI_PER_UNIT] = UNLIMITED
    return np.concatenate((lines, power[:, None]), axis=1)


def _lowest(
    series: LimitSeries, grid: TimeGrid, edges_s: npt.NDArray[np.int64], channels: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return (channels, slots) what a limit series allows, and (slots,) where it says anything."""
    found = np.full((channels, grid.slots), UNLIMITED, dtype=object)
    if series.limit_a is not None:
        values = microamperes(per_line(series.limit_a))
        rows = slice(0, 3)
    else:
        power = series.limit_va if series.limit_va is not None else series.limit_w
        values = whole_units(np.array(power, dtype=np.float64)[:, None], MILLI_PER_UNIT)
        rows = slice(3, 4)
    lowest, touches = extremes(series, values, grid, edges_s, np.minimum)
    found[rows] = lowest
    return (found.astype(np.int64) if lowest.dtype == np.int64 else found), touches


def _base_loads(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    forecasts: Iterable[Forecast],
    channels: int,
) -> dict[int, npt.NDArray[Any]]:
    """Return by row the highest base load; a current counts in totals with the nominal voltage to neutral."""
    given = {forecast.id: forecast for forecast in forecasts}
    windings = Windings(site)
    base: dict[int, npt.NDArray[Any]] = {}
    for load in site.loads:
        forecast = given.get(load.id)
        if forecast is None:
            what = f"has no forecast; the forecasts are for {', '.join(map(repr, given)) or 'nothing'}."
            raise InputError("review()", [InputProblem(f"site.loads ({load.id})", what)])
        values = forecast.expected_a if forecast.high_a is None else forecast.high_a
        if values is None:
            current = _watts(load, forecast, grid, edges_s, windings.supply(load.circuit), channels)
        else:
            current = covered_highest(load.id, forecast, values, grid, edges_s)
            present = np.array([line in load.lines for line in LINES])
            current = current * present.astype(np.int64)[:, None]
            if channels > len(LINES):
                power = current.sum(axis=0).astype(object) * Fraction(
                    windings.supply(load.circuit).voltage_v, MILLI_PER_UNIT
                )
                current = np.concatenate((current, power[None]))
        for row, own in _on_rows(site, layout, windings, load.circuit, current):
            base[row] = base[row] + own if row in base else own
    return base


def _on_rows(
    site: Site, layout: Layout, windings: Windings, circuit: str, current: npt.NDArray[Any]
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield the rows that a load of (channels, slots) on a circuit counts for, with what it is there."""
    if not windings.any:
        yield from ((row, current) for row in rows_above(site, layout, circuit))
        return
    lines, total = current[: len(LINES)], current[len(LINES) :]
    parts = [[Part(line, Surd(Fraction(1)), VOLTAGE_DEG[line])] for line in range(len(LINES))]
    for above in windings.path(circuit):
        yield layout.circuit_row[above.id], np.concatenate((_reached(lines, parts), total))
        parts = [windings.up(above, one) for one in parts]


def _reached(current: npt.NDArray[Any], parts: list[list[Part]]) -> npt.NDArray[Any]:
    """Return (3, slots) what currents of unknown phase come to on the lines of a circuit, at most; rounded up."""
    found = np.zeros(current.shape, dtype=object)
    for below, own in enumerate(parts):
        for part in own:
            most = part.size.a + part.size.b * ROOT3_HIGH
            found[part.line] = found[part.line] + most * current[below].astype(object)
    return -(-found // 1)


def _watts(
    load: Load, forecast: Forecast, grid: TimeGrid, edges_s: npt.NDArray[np.int64], volts: Supply, channels: int
) -> npt.NDArray[np.int64]:
    """Return (channels, slots) the highest load given in W: even on its lines at the lowest voltage, rounded up."""
    powers = forecast.expected_w if forecast.high_w is None else forecast.high_w
    values = [spread(power, load.lines, volts.low_voltage_v, up=True) for power in powers or ()]
    return covered(load.id, forecast, np.array(values, dtype=np.int64), grid, edges_s)[:channels]


def spread(power: float, lines: Sequence[str], voltage_v: int, *, up: bool) -> list[int]:
    """Return a power in W on L1, L2, L3 [uA] and in total [mVA], rounded up or down."""
    each = exact(power) * MICROAMPERES_PER_AMPERE / (len(lines) * voltage_v)
    total = exact(power) * MILLI_PER_UNIT
    whole = (-int(-each // 1), -int(-total // 1)) if up else (int(each // 1), int(total // 1))
    return [*(whole[0] if line in lines else 0 for line in LINES), whole[1]]


def _firm(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    forecasts: Iterable[Forecast],
    channels: int,
) -> dict[int, npt.NDArray[np.int64]]:
    """Return by row (channels, slots) what generation gives for certain, at the highest voltage, rounded down."""
    given = {forecast.id: forecast for forecast in forecasts}
    (root,) = (circuit for circuit in site.circuits if circuit.parent is None)
    volts = SUPPLIES[root.supply or "400Y/230"]
    firm: dict[int, npt.NDArray[np.int64]] = {}
    for source in site.generators:
        series = given[source.id]
        if series.firm_w is None:
            continue
        values = [spread(power, source.lines, volts.high_voltage_v, up=False) for power in series.firm_w]
        lowest, _ = extremes(series, np.array(values, dtype=np.int64), grid, edges_s, np.minimum)
        for row in rows_above(site, layout, source.circuit):
            firm[row] = firm[row] + lowest[:channels] if row in firm else lowest[:channels]
    return firm


def rows_above(site: Site, layout: Layout, circuit: str) -> Iterator[int]:
    """Yield the rows that a load on a circuit counts for: the circuits above it, and groups that name one of them."""
    parents = {one.id: one.parent for one in site.circuits}
    above: str | None = circuit
    groups: set[int] = set()
    while above is not None:
        yield layout.circuit_row[above]
        groups.update(layout.group_rows.get(above, ()))
        above = parents[above]
    yield from sorted(groups)
