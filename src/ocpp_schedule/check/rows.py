"""The rows: every channel of every circuit and capped station, and what hangs below it (conventions 4 and 14)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Outlets
    from ocpp_schedule.model.site import Site


SMALL_SUMS: Final = 1 << 17
"""Values up to which a running sum over all connectors is faster than one over the runs between the rows' edges."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The tree laid flat: what hangs below a circuit or station is one run of ``order``.

    Attributes:
        nouns: per row, ``circuit`` or ``station`` (each row stands for all its channels).
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
        if ordered.size <= SMALL_SUMS:
            running = np.zeros((ordered.shape[0] + 1, *ordered.shape[1:]), dtype=ordered.dtype)
            np.cumsum(ordered, axis=0, out=running[1:])
            return running[high] - running[low]
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
