"""The ledger's grid: what every connector may draw, slot by slot and at the edges, and what every row allows.

A cell is a slot, an edge between two slots, or all the time after the grid (convention 25). What a profile allows in a
slot is its highest limit there; at an edge the highest within the guard before and after it (convention 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ocpp_schedule.check.limits import UNLIMITED
from ocpp_schedule.timegrid import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.timelines import Timeline

Ints = npt.NDArray[np.int64]
PIECES: Final = 3
"""A slot is cut at the guards at its two ends."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The grid from now on. C connectors as in ``Outlets``, R rows, H channels, T slots, J = 2T cells.

    Attributes:
        first: slot under way at ``now``.
        now_s: since 1970.
        bounds_s: (3T + 1,) begin of each piece of each slot, then the end of the grid [s since 1970].
        units: (C, H, T) what one step of the car in that slot loads, an unknown one where none is known [uA, mVA].
        held_units: (C, H, T) the same of what was installed before, when another car may have been meant: W may then
            all go to one line.
        unknown: (C, H) the same of an unknown car.
        most: (C, H) what the outlet can give at most.
        idle: (C, H) its idle floor.
        step: (C,) one step [0.1 A or 0.1 W].
        allowed: (R, H, J) what rows allow: T slots, T - 1 edges, after the grid.
        members: (R, C) bool, who hangs below which row.
        seconds: (T,) length of what is left of each slot.
    """

    first: int
    now_s: int
    bounds_s: Ints
    units: Ints
    held_units: Ints
    unknown: Ints
    most: Ints
    idle: Ints
    step: Ints
    allowed: Ints
    members: npt.NDArray[np.bool_]
    seconds: Ints

    @property
    def slots(self) -> int:
        """Number of slots from now on."""
        return int(self.units.shape[2])

    def values(self, series: Sequence[Timeline]) -> Ints:
        """Return (series, 3T + 1) the highest limit in each piece and after the grid [0.1 A or 0.1 W].

        ``SILENT`` where nothing is said, an upper bound where a series is not exact.
        """
        found = np.empty((len(series), self.bounds_s.size), dtype=np.int64)
        bounds = self.bounds_s
        for row, one in enumerate(series):
            if len(one.starts_s) == 1 and one.starts_s[0] <= bounds[0]:
                found[row] = one.tenths[0]
                continue
            starts, tenths = np.array(one.starts_s, dtype=np.int64), np.array((-1, *one.tenths), dtype=np.int64)
            found[row] = tenths[np.searchsorted(starts, bounds, side="right")]
            piece = np.searchsorted(bounds, starts, side="right") - 1
            np.maximum.at(found[row], piece[piece >= 0], tenths[1:][piece >= 0])
        return found

    def loads(self, connector: Ints, values: Ints, *, held: bool) -> Ints:
        """Return (series, H, J) what so many tenths load, at most what the outlet can give [uA, mVA].

        Args:
            connector: (series,) whose they are.
            values: (series, 3T + 1) as ``values`` returns them.
            held: they were installed before.
        """
        slots = self.slots
        pieces = np.maximum(values[:, :-1], 0).reshape(len(values), slots, PIECES)
        most = self.most[connector][:, :, None]
        step = self.step[connector][:, None, None]

        def load(tenths: Ints, units: Ints) -> Ints:
            # Whole steps multiply exactly; a limit between two steps, or beyond the outlet, is not ours.
            capped = np.minimum(tenths[:, None], 2**31)
            found: Ints = np.minimum(-(-capped * units // step), most)
            return found

        units = (self.held_units if held else self.units)[connector]
        inside = load(pieces.max(axis=2), units)
        before = load(pieces[:, :-1, -1], units[:, :, :-1])
        after = load(pieces[:, 1:, 0], units[:, :, 1:])
        rest = load(np.maximum(values[:, -1:], 0), self.unknown[connector][:, :, None])
        return np.concatenate((inside, np.maximum(before, after), rest), axis=2)


def cells_of(scene: Scene, now: datetime) -> Cells:
    """Return the ledger's grid from ``now`` on; before the grid its first slot counts."""
    edges_s = scene.edges_s + (scene.grid.start - EARLIEST) // timedelta(seconds=1)
    now_s = -((EARLIEST - now) // timedelta(seconds=1))
    first = max(int(np.searchsorted(edges_s, now_s, side="right")) - 1, 0)
    guard_s, slots = scene.guard_s, scene.grid.slots - first
    start, end = edges_s[first:-1], edges_s[first + 1 :]
    # Without a guard the whole slot is its last piece: one that began at its end would belong to the next slot.
    bounds = np.stack((start, start + guard_s, end - guard_s if guard_s else start), axis=1).reshape(-1)
    if now_s < start[0]:
        bounds[0] = now_s
    bounds = np.maximum(np.append(bounds, edges_s[-1]), now_s)
    outlets, layout = scene.outlets, scene.layout
    count = len(outlets.ids)
    units = np.repeat(outlets.unknown_units[:, :, None], slots, axis=2)
    cars = scene.cars
    for car, outlet in enumerate(cars.outlet.tolist()):
        begin, stop = max(int(cars.first[car]) - first, 0), int(cars.last[car]) - first
        if stop > begin:
            units[outlet, :, begin:stop] = cars.load_units[car][:, None]
    watts = np.array(outlets.only_w, dtype=np.bool_)[:, None, None]
    whole = np.zeros((count, count), dtype=np.int8)
    whole[np.arange(count), layout.order] = 1
    tenths = [round(step * 10) for step in outlets.steps]
    return Cells(
        first=first,
        now_s=now_s,
        bounds_s=bounds,
        units=units,
        held_units=np.where(watts, np.maximum(units, outlets.unknown_units[:, :, None]), units)
        if watts.any()
        else units,
        unknown=outlets.unknown_units,
        most=outlets.maximum_steps[:, None] * outlets.unknown_units,
        idle=outlets.idle_units,
        step=np.array(tenths, dtype=np.int64),
        allowed=_allowed(scene, first),
        members=layout.sums(whole) > 0,
        seconds=end - np.maximum(start, now_s),
    )


def _allowed(scene: Scene, first: int) -> Ints:
    """Return what rows allow, as the referee judges them (convention 4): in alarm the sum of the idle floors."""
    layout = scene.layout
    floor = layout.sums(scene.outlets.idle_units[layout.order])[:, :, None]
    room = scene.limits.headroom_in(first, scene.grid.slots)
    edges = np.minimum(room[:, :, :-1], room[:, :, 1:]) if scene.guard_s else room[:, :, :-1] * 0 + UNLIMITED
    after = scene.limits.tightest()[:, :, None]
    allowed: Ints = np.maximum(np.concatenate((room, edges, after), axis=2), floor)
    return allowed
