"""Loads that repairs keep to where they can: the aims of stages that look at loads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Aims:
    """Rows that no set-point should go beyond, though it may. A rows, S sessions, T slots.

    Attributes:
        load: (A, S) what one step puts on each row, 0 for sessions elsewhere.
        floor: (A, S) what of it is booked anyway, by the idle floor.
        most: (A, T) what the set-points may put on it beyond the floors, all together.
        firm: (A,) bool, rows that no wish goes beyond, only must-haves; the others give way to wishes as well.
    """

    load: Ints
    floor: Ints
    most: Ints
    firm: Bools

    def used(self, setpoints: Floats | Ints) -> Floats:
        """Return (A, T) what (S, T) set-points put on the rows beyond the floors."""
        rows = zip(self.load, self.floor, strict=True)
        used = [np.maximum(setpoints * load[:, None] - floor[:, None], 0).sum(axis=0) for load, floor in rows]
        return np.array(used).reshape(self.most.shape)

    def raised(self, steps: int | None) -> Aims:
        """Return the aims with room for so many more steps of the smallest car; None: without those that give way."""
        if steps is None:
            return Aims(self.load[self.firm], self.floor[self.firm], self.most[self.firm], self.firm[self.firm])
        least = np.where(self.load > 0, self.load, np.iinfo(np.int64).max).min(axis=1)
        more = np.where(self.load.any(axis=1) & ~self.firm, steps * least, 0)
        return replace(self, most=self.most + more[:, None])

    def beside(self, other: Aims) -> Aims:
        """Return both together."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("load", "floor", "most", "firm"))
        return Aims(*(np.concatenate(pair) for pair in pairs))
