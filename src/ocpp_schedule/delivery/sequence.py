"""An order in which the messages of all connectors are safe, with as few of them as possible (convention 25).

Each message is acknowledged before the next is sent: where no such order exists, none does. Which of them may go out
together is another matter (``waits``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocpp_schedule.delivery.chains import Chain, Effect, Ints, Step

    LoweredParts = Callable[[Chain], dict[int, Step]]

EXACT_CHAINS: Final = 5
"""Connectors with lowerings that wait up to which the fewest messages are searched; above, they are found greedily."""
BATCH: Final = 16
"""Of so many stuck connectors one at a time lets its lowerings go first."""


class Sent(NamedTuple):
    """A message in the order, and what it does to the booking of its connector."""

    chain: Chain
    step: Step
    effect: Effect


@dataclass(slots=True)
class Room:
    """What rows have left.

    Attributes:
        left: (R, H, J), below 0 where more is booked than allowed.
        rows: by connector, the rows above it.
    """

    left: Ints
    rows: list[Ints]

    def of(self, chain: Chain) -> Ints:
        """Return the rows above a connector."""
        return self.rows[chain.connector] if chain.connector >= 0 else np.zeros(0, dtype=np.int64)

    def fits(self, chain: Chain, effect: Effect) -> bool:
        """Tell whether there is room for what a message raises; what it does not raise needs none."""
        rows = self.of(chain)
        return not rows.size or not ((effect.need > 0) & (self.left[rows] < effect.need)).any()

    def take(self, chain: Chain, effect: Effect) -> None:
        """Book a message as acknowledged."""
        rows = self.of(chain)
        if rows.size:
            self.left[rows] += effect.release - effect.need

    def under(self, chains: Sequence[Chain]) -> Room:
        """Return a room of its own for some chains, with the rows above them only."""
        kept = np.unique(np.concatenate([self.of(chain) for chain in chains]))
        rows = [np.searchsorted(kept, own) for own in self.rows]
        return Room(self.left[kept], rows)

    def copy(self) -> Room:
        """Return a room that is booked by itself."""
        return Room(self.left.copy(), self.rows)


def in_order(chains: Sequence[Chain], room: Room, lowered: LoweredParts) -> list[Sent]:
    """Take steps off the chains, in a safe order, until only messages are left that do nothing but raise.

    Args:
        chains: what is to be done; afterwards what is left of it.
        room: what rows have left; afterwards what is left then.
        lowered: from a chain to the lowering parts of its messages that raise and lower, by place.
    """
    order = _lowerings(chains, room)
    waiting = [chain for chain in chains if chain.can_free]
    if 0 < len(waiting) <= EXACT_CHAINS:
        found = _fewest(waiting, room, lowered)
        if found is not None:
            return order + found
    order += _greedy(waiting, room)
    while stuck := [chain for chain in waiting if chain.can_free and (not chain.lowered or chain.splits())]:
        lack = _lack(stuck, room)
        stuck.sort(key=lambda chain: (chain.splits(), -_relief(chain, room, lack)))
        for chain in stuck[: max(1, len(stuck) // BATCH)]:
            chain.lower_first(lowered(chain))
        order += _greedy(waiting, room)
    return order


def _lowerings(chains: Sequence[Chain], room: Room) -> list[Sent]:
    """Take what raises nothing from the heads of the chains."""
    order = []
    for chain in chains:
        while chain.steps and not chain.effect.raises:
            order.append(taken(chain, room))
    return order


def _greedy(chains: Sequence[Chain], room: Room) -> list[Sent]:
    """Take what fits, over and over, what frees most first."""
    order: list[Sent] = []
    while True:
        before = len(order)
        order += _lowerings(chains, room)
        waiting = [chain for chain in chains if chain.can_free]
        waiting.sort(key=lambda chain: int(chain.effect.need.sum()) - int(chain.effect.release.sum()))
        for chain in waiting:
            if room.fits(chain, chain.effect):
                order.append(taken(chain, room))
        if len(order) == before:
            return order


def taken(chain: Chain, room: Room) -> Sent:
    """Take the first step off a chain as acknowledged."""
    effect = chain.effect
    room.take(chain, effect)
    return Sent(chain, chain.advance(), effect)


def _lack(stuck: Sequence[Chain], room: Room) -> Ints:
    """Return (R, H, J) what the first messages of the chains find missing."""
    lack = np.zeros_like(room.left)
    for chain in stuck:
        rows, need = room.of(chain), chain.effect.need
        if rows.size:
            lack[rows] = np.maximum(lack[rows], np.where(need > 0, need - room.left[rows], 0))
    return lack


def _relief(chain: Chain, room: Room, lack: Ints) -> int:
    """Return how much of what is missing a chain could leave."""
    rows = room.of(chain)
    return int(np.minimum(chain.falls, lack[rows]).sum()) if rows.size else 0


def _fewest(waiting: Sequence[Chain], room: Room, lowered: LoweredParts) -> list[Sent] | None:
    """Let as few messages as possible be preceded by their lowering part, so that an order exists; None: none does."""
    choices = [
        (sum(chain.splits() for chain in chosen), chosen)
        for count in range(len(waiting) + 1)
        for chosen in combinations(waiting, count)
    ]
    own = room.under(waiting)
    for _, chosen in sorted(choices, key=lambda choice: choice[0]):
        trial = [chain.copy() for chain in waiting]
        for chain, twin in zip(waiting, trial, strict=True):
            if chain in chosen:
                twin.lower_first(lowered(twin))
        order = _search(trial, own, set())
        if order is not None:
            for chain in chosen:
                chain.lower_first(lowered(chain))
            return [taken(waiting[at], room) for at in order]
    return None


def _search(chains: list[Chain], room: Room, seen: set[tuple[int, ...]]) -> list[int] | None:
    """Return the chains in the order in which their steps can be taken; None where there is none."""
    if not any(chain.can_free for chain in chains):
        return []
    state = tuple(len(chain.steps) for chain in chains)
    if state in seen:
        return None
    seen.add(state)
    for at, chain in enumerate(chains):
        if not (chain.can_free and room.fits(chain, chain.effect)):
            continue
        after, left = [one.copy() for one in chains], room.copy()
        taken(after[at], left)
        rest = _search(after, left, seen)
        if rest is not None:
            return [at, *rest]
    return None
