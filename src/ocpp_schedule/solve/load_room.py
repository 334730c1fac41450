"""Room within the aims of stages that look at loads, while a plan is repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.aims import Aims
    from ocpp_schedule.problem.arrays import Ints


class LoadRoom:
    """What set-points put on the rows of the aims, kept in step with a plan under construction."""

    def __init__(self, aims: Aims, setpoints: Ints) -> None:
        self._aims = aims
        self._left = aims.most - aims.used(setpoints)

    def steps(self, session: int, window: slice, own: Ints, *, must: bool) -> Ints:
        """Return (W,) the largest set-points within the aims, those that it has, ``own``, taken off.

        Firm rows hold back no must-have.
        """
        load, floor = (part[:, session, None] for part in (self._aims.load, self._aims.floor))
        if must:
            load = np.where(self._aims.firm[:, None], 0, load)
        free = self._left[:, window] + np.maximum(own * load - floor, 0)
        fits = (np.maximum(free, 0) + floor) // np.maximum(load, 1)
        room: Ints = np.where(load > 0, fits, np.iinfo(np.int64).max).min(axis=0, initial=np.iinfo(np.int64).max)
        return room

    def assign(self, session: int, window: slice, before: Ints, after: Ints) -> None:
        """Count new set-points of a session."""
        load, floor = (part[:, session, None] for part in (self._aims.load, self._aims.floor))
        more = np.maximum(after * load - floor, 0) - np.maximum(before * load - floor, 0)
        self._left[:, window] -= more
