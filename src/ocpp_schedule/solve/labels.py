"""From an optimal flow to prices that prove it: what one more step is worth at each limit and slot.

A step more through a limit pushes out another, which goes where its car has room. Who can reach which slot is a
search in the residual network; searched backwards from the cheapest slots, each limit and slot gets the price of the
first that it reaches (``reference/optimisation.md`` A11). Sets of slots are bits of integers.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.solution import Certificate

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.solve.commodity import Tree
    from ocpp_schedule.solve.flow import Flow


BLOCK_SLOTS: Final = 96
BLOCK_CARS: Final = 28
"""OpenBLAS multiplies with one thread up to 2**18 products: 96 x 28 x 96."""


def certificate_of_flow(problem: Problem, flow: Flow) -> Certificate | None:
    """Return the prices of the limits that prove the last stage of a flow; the price of each need follows from them.

    None where steps are missing, or where the stages are not missing energy first and then one rate.
    """
    kinds = [stage.kind for stage in problem.stages]
    if flow.short.any() or kinds.count("rate") != 1 or kinds[-1] != "rate":
        return None
    tree, price = flow.tree, problem.stages[-1].rate
    worth = labels(flow, problem.cap_steps[tree.cars], price)
    above = np.concatenate((worth, price[None]))[tree.parent]
    saved = np.maximum(worth - above, 0)  # by one step more: rate x seconds, times the power of a step
    power = int(problem.power_dw[tree.cars[0]])
    common = int(np.gcd.reduce(saved, axis=None)) if saved.size else 0
    denominator = math.lcm(*(int(step) // math.gcd(int(step), common * power) for step in tree.step_units if step))
    named: dict[tuple[str, str, int], Any] = {}
    for limit, slot in zip(*(axis.tolist() for axis in np.nonzero(saved)), strict=True):
        noun, _, name = problem.node_names[tree.node[limit, slot]].partition(" ")
        line = int(tree.channel[limit, slot])
        row = named.setdefault((noun, name, line), [0] * problem.slots)
        row[slot] = int(saved[limit, slot]) * power * denominator // int(tree.step_units[line])
    return Certificate({key: tuple(row) for key, row in named.items()}, {}, {}, denominator)


def labels(flow: Flow, caps: Ints, price: Ints) -> Ints:
    """Return (L, T) what a step costs that is pushed through each limit and slot, in units of the slots' prices.

    Args:
        flow: an optimal flow.
        caps: (C, T) largest set-points of its cars.
        price: (T,) of a step in each slot.
    """
    tree = flow.tree
    limits, slots = tree.room.shape
    steps = flow.setpoints[tree.cars]
    search = _Search(tree, flow.load, steps < caps, steps > 0)
    worth = np.full((limits, slots), int(price.max(initial=0)), dtype=np.int64)
    found: list[tuple[int, int, int]] = []
    for level in np.unique(price).tolist():
        found += [(limit, level, reached) for limit, reached in search.reach(_bits(price == level)).items()]
    if found:
        size = -(-slots // 8)
        packed = np.frombuffer(b"".join(bits.to_bytes(size, "little") for *_, bits in found), dtype=np.uint8)
        row, slot = np.nonzero(np.unpackbits(packed.reshape(-1, size), axis=1, bitorder="little", count=slots))
        worth[np.array([one[0] for one in found])[row], slot] = np.array([one[1] for one in found])[row]
    return worth


class _Search:
    """The search backwards from ever dearer slots; what was reached once is never visited again."""

    def __init__(self, tree: Tree, load: Ints, open_: Bools, used: Bools) -> None:
        limits = tree.parent.size
        self._parent = tree.parent.tolist()
        self._children: list[list[int]] = [[] for _ in range(limits + 1)]
        for limit, parent in enumerate(self._parent):
            self._children[parent].append(limit)
        self._slack = [_bits(row) for row in load < tree.room]
        self._flows = [_bits(row) for row in load > 0]
        self._reached = [0] * limits
        ends = np.searchsorted(tree.entry, np.arange(limits + 1)).tolist()
        self._swaps = [_swaps(open_[begin:end], used[begin:end]) for begin, end in pairwise(ends)]

    def reach(self, start: int) -> dict[int, int]:
        """Return by limit the slots from which the slots ``start`` can be reached, and no cheaper ones."""
        found: dict[int, int] = {}
        fresh = {top: start & self._slack[top] for top in self._children[-1]}
        while fresh:
            changed = self._spread(fresh)
            for limit, bits in changed.items():
                found[limit] = found.get(limit, 0) | bits
            fresh = {limit: freed for limit, bits in changed.items() if (freed := self._through_cars(limit, bits))}
        return found

    def _spread(self, fresh: dict[int, int]) -> dict[int, int]:
        """Follow the tree from newly reached slots: down where there is slack, up where something flows."""
        changed: dict[int, int] = {}
        reached, slack, flows = self._reached, self._slack, self._flows
        stack = list(fresh.items())
        while stack:
            limit, bits = stack.pop()
            bits &= ~reached[limit]
            if not bits:
                continue
            reached[limit] |= bits
            changed[limit] = changed.get(limit, 0) | bits
            below = ((child, bits & slack[child] & ~reached[child]) for child in self._children[limit])
            stack.extend(pair for pair in below if pair[1])
            parent = self._parent[limit]
            if parent < len(reached) and (up := bits & flows[limit] & ~reached[parent]):
                stack.append((parent, up))
        return changed

    def _through_cars(self, limit: int, bits: int) -> int:
        """Return the slots in use by cars that could go to slots just reached."""
        freed, swaps = 0, self._swaps[limit]
        while bits:
            lowest = bits & -bits
            freed |= swaps[lowest.bit_length() - 1]
            bits ^= lowest
        return freed & ~self._reached[limit]


def _swaps(open_: Bools, used: Bools) -> list[int]:
    """Return for each slot the slots that some car uses which could as well go there.

    A product of matrices in blocks so small that BLAS does not start threads for them: on a busy machine those wait
    for each other longer than the product takes.
    """
    cars, slots = open_.shape
    chunks, blocks = -(-cars // BLOCK_CARS), -(-slots // BLOCK_SLOTS)
    sides = []
    for flags in (open_, used):
        padded = np.zeros((chunks * BLOCK_CARS, blocks * BLOCK_SLOTS), dtype=np.float32)
        padded[:cars, :slots] = flags
        sides.append(padded.reshape(chunks, BLOCK_CARS, blocks, BLOCK_SLOTS).transpose(2, 0, 1, 3))
    shared = np.zeros((blocks, BLOCK_SLOTS, blocks * BLOCK_SLOTS), dtype=np.bool_)
    for to in range(blocks):
        for origin in range(blocks):
            product = (sides[0][to].transpose(0, 2, 1) @ sides[1][origin]).sum(axis=0) > 0
            shared[to, :, origin * BLOCK_SLOTS : (origin + 1) * BLOCK_SLOTS] = product
    packed = np.packbits(shared.reshape(blocks * BLOCK_SLOTS, -1)[:slots], axis=1, bitorder="little")
    size, text = packed.shape[1], packed.tobytes()
    return [int.from_bytes(text[at : at + size], "little") for at in range(0, slots * size, size)]


def _bits(flags: Bools) -> int:
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
