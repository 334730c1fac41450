"""Conductors whose currents are sums of phasors, as further rows of the proof (convention 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.check.conductors import Conductor
    from ocpp_schedule.profiles.periods import Ints


@dataclass(frozen=True, slots=True)
class Wires:
    """Conductors with what idle floors, and what is held in a slot under way, put on them.

    Attributes:
        conductors: which.
        floors: (conductors,) current of the idle floors, allowed in any case [uA].
        held: (conductors,) current in a slot under way [uA]; None: there is none.
    """

    conductors: tuple[Conductor, ...]
    floors: Ints
    held: Ints | None

    def room(self, slot: Ints, after: Ints, near: Ints) -> Ints:
        """Return (conductors, times) what they allow [uA].

        Args:
            slot: (times,) slot of the grid.
            after: (times,) bool, after the grid and its guard.
            near: (times,) bool, at the end of a slot under way.
        """
        found = np.array([np.where(after, one.least, one.headroom[slot]) for one in self.conductors], dtype=np.int64)
        found = found.reshape(len(self.conductors), len(slot))
        if self.held is not None:
            found = np.where(near, np.maximum(found, self.held[:, None]), found)
        return np.maximum(found, self.floors[:, None])

    def seen(self, loads: Ints, room: Ints) -> Ints:
        """Return (conductors, times) currents [uA]: above the room exactly where they can reach beyond it."""
        found = np.zeros_like(room)
        for at, one in enumerate(self.conductors):
            currents = one.of(loads)
            about = one.bundle.magnitude(currents).astype(np.int64)
            over = one.bundle.exceeds(currents, room[at])
            found[at] = np.where(over, np.maximum(about, room[at] + 1), np.minimum(about, room[at]))
        return found

    def drawn(self, at: int, loads: Ints) -> tuple[Ints, Ints]:
        """Return the connectors on one of them, and (connectors, times) their currents."""
        one = self.conductors[at]
        return one.members[0], one.of(loads)


def wires_of(conductors: tuple[Conductor, ...], idle_units: Ints, held_units: Ints | None) -> Wires:
    """Return the conductors; both loads are (connectors, channels) [uA, mVA]."""

    def currents(units: Ints) -> Ints:
        found = [one.bundle.whole_up(one.of(units[:, :, None])[:, 0]) for one in conductors]
        return np.array(found, dtype=np.int64)

    return Wires(conductors, currents(idle_units), None if held_units is None else currents(held_units))
