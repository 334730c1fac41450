"""The rows: every channel of every circuit, capped station and group, and who is in it (conventions 4 and 14)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Outlets
    from ocpp_schedule.model.site import Site


SMALL_SUMS: Final = 1 << 17
"""Values up to which a running sum over all connectors is faster than one over the runs between the rows' edges."""
RowNoun = Literal["circuit", "station", "group"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tree laid flat: what hangs below a circuit or station is one run of ``order``, a group is several.

    Attributes:
        nouns: per row, ``circuit``, ``station`` or ``group`` (each row stands for all its channels).
        subjects: per row, the id.
        low: (runs,) start of each run in ``order``; those of one row follow each other.
        high: (runs,) end of the run (exclusive).
        order: (connectors,) indices of connectors.
        circuit_row: row of each circuit.
        first_run: (rows,) the first run of each row; None where every row has one.
        group_rows: by circuit, rows of the groups that name it.
    """

    nouns: tuple[RowNoun, ...]
    subjects: tuple[str, ...]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    circuit_row: dict[str, int]
    first_run: npt.NDArray[np.int64] | None = None
    group_rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def sums(self, ordered: npt.NDArray[Any], inside: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
        """Return per row the sum over the connectors below it.

        Args:
            ordered: (connectors, ...) in ``order``.
            inside: where only some connectors are given: (connectors + 1,) how many of them stand before each
                place of ``order``.
        """
        low, high = (self.low, self.high) if inside is None else (inside[self.low], inside[self.high])
        if ordered.size <= SMALL_SUMS:
            running = np.zeros((ordered.shape[0] + 1, *ordered.shape[1:]), dtype=ordered.dtype)
            np.cumsum(ordered, axis=0, out=running[1:])
            by_run = running[high] - running[low]
        else:
            edges = np.union1d(low, high)
            total = np.zeros((edges.size, *ordered.shape[1:]), dtype=ordered.dtype)
            if edges.size > 1:
                np.cumsum(np.add.reduceat(ordered[: edges[-1]], edges[:-1], axis=0), axis=0, out=total[1:])
            by_run = total[np.searchsorted(edges, high)] - total[np.searchsorted(edges, low)]
        return by_run if self.first_run is None else np.add.reduceat(by_run, self.first_run, axis=0)

    def runs(self, row: int) -> slice:
        """Return which runs a row has."""
        if self.first_run is None:
            return slice(row, row + 1)
        after = self.first_run[row + 1] if row + 1 < self.first_run.size else self.low.size
        return slice(int(self.first_run[row]), int(after))

    def holds(self, row: int, places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which of the places of ``order`` are in a row."""
        found = np.zeros(places.shape, dtype=np.bool_)
        part = self.runs(row)
        for low, high in zip(self.low[part].tolist(), self.high[part].tolist(), strict=True):
            found |= (places >= low) & (places < high)
        return found


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
    rows: list[tuple[RowNoun, str, int, int]] = []
    circuit_row: dict[str, int] = {}
    for name, at in opened.items():
        circuit_row[name] = len(rows)
        rows.append(("circuit", name, int(before[at]), int(before[after[name]])))
        rows += [
            ("station", site.stations[k].id, *_run(station, order, int(before[at]), int(before[at + 1]), k))
            for k in capped[at]
        ]
    nouns, subjects, low, high = zip(*rows, strict=True)
    layout = Layout(
        nouns=nouns,
        subjects=subjects,
        low=np.array(low, dtype=np.int64),
        high=np.array(high, dtype=np.int64),
        order=order,
        circuit_row=circuit_row,
    )
    return with_groups(site, outlets, layout) if site.groups else layout


def with_groups(site: Site, outlets: Outlets, layout: Layout) -> Layout:
    """Return the layout with a row for each group; its members are as many runs as they need."""
    place = np.empty(layout.order.size, dtype=np.int64)
    place[layout.order] = np.arange(layout.order.size)
    group_noun: RowNoun = "group"
    low, high, first = layout.low.tolist(), layout.high.tolist(), list(range(layout.low.size))
    rows = {("station", name) for group in site.groups for name in group.stations}
    named: dict[tuple[str, str], set[int]] = {key: set() for key in rows}
    for at, connector in enumerate(outlets.models):
        if (key := ("station", connector.station)) in named:
            named[key].add(int(place[at]))
    index = {name: at for at, name in enumerate(outlets.ids)}
    group_rows: dict[str, tuple[int, ...]] = {}
    for number, group in enumerate(site.groups, start=len(layout.subjects)):
        members = {int(place[index[name]]) for name in group.connectors}
        members = members.union(*(named["station", name] for name in group.stations))
        for name in group.circuits:
            row = layout.circuit_row[name]
            members.update(range(int(layout.low[row]), int(layout.high[row])))
            group_rows[name] = (*group_rows.get(name, ()), number)
        inside = np.zeros(layout.order.size, dtype=np.bool_)
        inside[list(members)] = True
        runs = np.flatnonzero(np.diff(inside, prepend=False, append=False)).reshape(-1, 2).tolist() or [[0, 0]]
        first.append(len(low))
        low += [begin for begin, _ in runs]
        high += [end for _, end in runs]
    return replace(
        layout,
        nouns=(*layout.nouns, *[group_noun for _ in site.groups]),
        subjects=(*layout.subjects, *(group.id for group in site.groups)),
        low=np.array(low, dtype=np.int64),
        high=np.array(high, dtype=np.int64),
        first_run=np.array(first, dtype=np.int64),
        group_rows=group_rows,
    )


def _run(station: npt.NDArray[np.int64], order: npt.NDArray[np.int64], low: int, high: int, at: int) -> tuple[int, int]:
    """Return the run of one station's connectors within the run of its circuit, which is sorted by station."""
    first, last = np.searchsorted(station[order[low:high]], [at, at + 1]).tolist()
    return low + first, low + last
