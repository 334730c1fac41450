"""The rows: every line of every circuit and capped station, what hangs below it, and its headroom (convention 4)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ocpp_schedule.check.series import covered_highest, extremes, microamperes, per_line, whole_down
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.units import LINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Outlets
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class Layout:
    """The tree laid flat: what hangs below a circuit or station is one run of ``order``.

    Attributes:
        nouns: per row, ``circuit`` or ``station`` (each row stands for its three lines).
        subjects: per row, the id.
        low: (rows,) start of the run in ``order``.
        high: (rows,) end of the run (exclusive).
        order: (connectors,) indices of connectors.
        circuit_row: row of each circuit.
    """

    nouns: tuple[Literal["circuit", "station"], ...]
    subjects: tuple[str, ...]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    circuit_row: dict[str, int]

    def sums(self, ordered: npt.NDArray[Any], inside: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
        """Return per row the sum over the connectors below it.

        Args:
            ordered: (connectors, ...) in ``order``.
            inside: where only some connectors are given: (connectors + 1,) how many of them stand before each
                place of ``order``.
        """
        low, high = (self.low, self.high) if inside is None else (inside[self.low], inside[self.high])
        edges = np.union1d(low, high)
        total = np.zeros((edges.size, *ordered.shape[1:]), dtype=ordered.dtype)
        if edges.size > 1:
            np.cumsum(np.add.reduceat(ordered[: edges[-1]], edges[:-1], axis=0), axis=0, out=total[1:])
        return total[np.searchsorted(edges, high)] - total[np.searchsorted(edges, low)]


def lay_out(site: Site, outlets: Outlets) -> Layout:
    """Return the rows of ``site``, circuits and their capped stations, from the grid connection down."""
    below: dict[str | None, list[str]] = defaultdict(list)
    for circuit in site.circuits:
        below[circuit.parent].append(circuit.id)
    # Depth first, each circuit before those below it; its own connectors come before theirs.
    opened: dict[str, int] = {}
    after: dict[str, int] = {}
    stack = list(below[None])
    while stack:
        name = stack.pop()
        if name in opened:  # everything below it is laid out
            after[name] = len(opened)
            continue
        opened[name] = len(opened)
        stack.append(name)
        stack.extend(below[name])
    number = {station.id: at for at, station in enumerate(site.stations)}
    station = np.array([number[name] for name in map(attrgetter("station"), outlets.models)], dtype=np.int64)
    place = np.array([opened[name] for name in map(attrgetter("circuit"), site.stations)], dtype=np.int64)
    order = np.lexsort((station, place[station]))
    before = np.searchsorted(place[station][order], np.arange(len(opened) + 1))
    capped = defaultdict(list)
    for at, one in enumerate(site.stations):
        if one.max_current_a is not None:
            capped[int(place[at])].append(at)
    rows: list[tuple[Literal["circuit", "station"], str, int, int]] = []
    circuit_row: dict[str, int] = {}
    for name, at in opened.items():
        circuit_row[name] = len(rows)
        rows.append(("circuit", name, int(before[at]), int(before[after[name]])))
        rows += [
            ("station", site.stations[k].id, *_run(station, order, int(before[at]), int(before[at + 1]), k))
            for k in capped[at]
        ]
    nouns, subjects, low, high = zip(*rows, strict=True)
    return Layout(
        nouns=nouns,
        subjects=subjects,
        low=np.array(low, dtype=np.int64),
        high=np.array(high, dtype=np.int64),
        order=order,
        circuit_row=circuit_row,
    )


def _run(station: npt.NDArray[np.int64], order: npt.NDArray[np.int64], low: int, high: int, at: int) -> tuple[int, int]:
    """Return the run of one station's connectors within the run of its circuit, which is sorted by station."""
    first, last = np.searchsorted(station[order[low:high]], [at, at + 1]).tolist()
    return low + first, low + last


@dataclass(frozen=True, slots=True)
class Limits:
    """Limit and base load of every row, exact; most rows are the same in every slot.

    Attributes:
        fixed: (rows, 3) the device's own limit [uA], int64 or fractions.
        limit: by row with a limit series, (3, slots) the lowest limit [uA].
        base: by row with loads at or below it, (3, slots) the sum of their highest currents [uA].
        headroom: by row in ``limit`` or ``base``, (3, slots) int64, limit less base load, rounded down.
        fixed_headroom: (rows, 3) int64, ``fixed`` rounded down: the headroom of all other rows.
    """

    fixed: npt.NDArray[Any]
    limit: dict[int, npt.NDArray[Any]]
    base: dict[int, npt.NDArray[Any]]
    headroom: dict[int, npt.NDArray[np.int64]]
    fixed_headroom: npt.NDArray[np.int64]

    def headroom_in(self, first: int, end: int) -> npt.NDArray[np.int64]:
        """Return (rows, 3, end - first) headroom in slots ``first`` to ``end`` (exclusive) [uA]."""
        room = np.repeat(self.fixed_headroom[:, :, None], end - first, axis=2)
        for row, varying in self.headroom.items():
            room[row] = varying[:, first:end]
        return room

    def headroom_of(self, line: int, first: int, end: int) -> npt.NDArray[np.int64]:
        """Return (rows, end - first) headroom of one line, as ``headroom_in``."""
        return self.headroom_in(first, end)[:, line]

    def at(self, row: int, line: int, slot: int) -> tuple[int, int]:
        """Return limit (rounded down) and base load (rounded up) of a row in a slot [uA]."""
        limit = self.limit[row][line, slot] if row in self.limit else self.fixed[row, line]
        base = self.base[row][line, slot] if row in self.base else 0
        return int(limit // 1), -int(-base // 1)

    def tightest(self) -> npt.NDArray[np.int64]:
        """Return (rows, 3) lowest limit of the grid less highest base load of the grid [uA], rounded down."""
        room = self.fixed_headroom.copy()
        for row in self.headroom:
            lowest = self.limit[row].min(axis=1) if row in self.limit else self.fixed[row]
            highest = self.base[row].max(axis=1) if row in self.base else 0
            room[row] = whole_down(lowest - highest)
        return room


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
    own: dict[tuple[str, str], float | tuple[float, float, float]] = {
        ("circuit", circuit.id): circuit.limit_a for circuit in site.circuits
    }
    own |= {("station", s.id): s.max_current_a for s in site.stations if s.max_current_a is not None}
    fixed = microamperes(per_line([own[key] for key in zip(layout.nouns, layout.subjects, strict=True)]))
    limit: dict[int, npt.NDArray[Any]] = {}
    for one in series:
        row = layout.circuit_row[one.circuit]
        lowest, touches = extremes(one, one.limit_a, grid, edges_s, np.minimum)
        before = limit.get(row, fixed[row, :, None])
        limit[row] = np.where(touches, np.minimum(before, lowest), before)
    base = _base_loads(site, layout, grid, edges_s, forecasts)
    headroom = {
        row: whole_down(limit.get(row, fixed[row, :, None]) - base.get(row, np.zeros((3, grid.slots), dtype=np.int64)))
        for row in limit.keys() | base.keys()
    }
    return Limits(fixed, limit, base, headroom, whole_down(fixed))


def _base_loads(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    forecasts: Iterable[Forecast],
) -> dict[int, npt.NDArray[Any]]:
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    given = {forecast.id: forecast for forecast in forecasts}
    base: dict[int, npt.NDArray[Any]] = {}
    for load in site.loads:
        forecast = given.get(load.id)
        if forecast is None:
            what = f"has no forecast; the forecasts are for {', '.join(map(repr, given)) or 'nothing'}."
            raise InputError("review()", [InputProblem(f"site.loads ({load.id})", what)])
        values = forecast.expected_a if forecast.high_a is None else forecast.high_a
        current = covered_highest(load.id, forecast, values, grid, edges_s)
        present = np.array([line in load.lines for line in LINES])
        current = current * present.astype(np.int64)[:, None]
        circuit: str | None = load.circuit
        while circuit is not None:
            row = layout.circuit_row[circuit]
            base[row] = base[row] + current if row in base else current
            circuit = parents[circuit]
    return base
