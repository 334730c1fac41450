"""Exact proofs that energy must be missing: weights of demands against prices of rows, in whole numbers.

For any weights and prices, what the weighted demands ask less what the rows can pass and what the cars can take
beside them is a lower bound on what they miss together (a min-cut, with weights where cars use lines differently).
Where the weights come from does not matter to the proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem

SCALE: Final = 720_720 * 100_000
"""Weights are whole multiples of 1 / SCALE: thirds, quarters and the like, times volts per 0.1 A, are exact."""

PRUNED: Final = 40
"""Cars on one row from which, without a solver, the superfluous ones are picked one by one."""

Exact = Any
"""Arrays of Python integers: products of weights, steps and seconds leave int64."""
Row = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Proof:
    """Sessions that cannot all have what they want, and the rows that stand in the way.

    Attributes:
        members: sessions, in order.
        demands: the demand of each.
        rows: (node, line) of each row that counts, in order; empty where the cars themselves limit it.
        slots: (T,) bool, the slots in which a row counts.
        least_units: what the members miss together at least [0.1 J]; above 0.
    """

    members: tuple[int, ...]
    demands: tuple[int, ...]
    rows: tuple[Row, ...]
    slots: Bools
    least_units: int


def steps_covered(problem: Problem) -> Ints:
    """Return (S,) steps up to which a car's current is covered by its idle floor on every line, rounded up."""
    floor = problem.floor_units[problem.session_connector]
    per_step = problem.load_units
    covered = np.where(per_step > 0, -(-floor // np.maximum(per_step, 1)), 0)
    highest: Ints = covered.max(axis=1, initial=0)
    return highest


class Scale:
    """Weighs demands against rows of one problem, whose set-points are held to what rows leave them alone."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._covered = np.minimum(problem.cap_steps, steps_covered(problem)[:, None]).astype(object)
        self._above = problem.cap_steps.astype(object) - self._covered
        self._energy = (problem.power_dw[:, None] * problem.seconds).astype(object)
        self.below = problem.connector_nodes[:, problem.session_connector]

    def proofs(self, weight: Floats, row: Floats) -> list[Proof]:
        """Return what weights and prices prove, each group of sessions that share rows by itself.

        Args:
            weight: (D,) of the demands; those of a session sum to at most 1.
            row: (N, K, T) energy that one uA for one second is worth [0.1 J per uA and s].
        """
        demand, whole = self._chosen(weight)
        members = np.flatnonzero(whole > 0)
        prices = np.rint(row * SCALE).astype(np.int64)
        parts = self._parts(members, whole[members], demand[members], prices)
        members = members[parts > 0]
        counted = prices > 0
        found = []
        for group in self._groups(members, demand, counted):
            rows = sorted({place for member in group for place in self._rows_of(member, demand[member], counted)})
            proof = self._tidied(group, whole, demand, rows, prices)
            if proof is not None:
                found.append(proof)
        return found

    def one_row(self, members: Ints, weight: Ints, demand: Ints, row: Row) -> tuple[int, Bools]:
        """Return what the members miss at least for the sake of one row [1 / SCALE of 0.1 J], and its slots.

        The best price of every slot is one at which a member is as well off with current as without.
        """
        problem = self.problem
        node, line = row
        gain = self._gains(members, weight, demand)
        per_step = problem.load_units[members, line][:, None]
        draws = (self.below[node, members] & (problem.load_units[members, line] > 0))[:, None]
        best = np.sum(gain * (self._covered + self._above)[members], axis=0)
        price_of = np.zeros(problem.slots, dtype=object)
        power = problem.power_dw[members].astype(object) * weight.astype(object)
        offers = sorted({-(-int(p) // int(u)) for p, u in zip(power, per_step[:, 0], strict=True) if u})
        for price in offers:
            pressure = price * (per_step.astype(object) * problem.seconds.astype(object))
            left = np.where(draws, np.maximum(gain - pressure, 0), gain)
            cost = np.sum(gain * self._covered[members] + left * self._above[members], axis=0)
            cost = cost + price * (problem.free_units[node, line].astype(object) * problem.seconds.astype(object))
            better = cost < best
            best, price_of = np.where(better, cost, best), np.where(better, price, price_of)
        asked = self._asked(weight, demand)
        return int(asked - best.sum()), (price_of > 0).astype(np.bool_)

    def by_row(self, row: Row, demand: Ints, taken: set[int]) -> Proof | None:
        """Return what one row proves about the cars below it that are not taken; None where it proves nothing.

        Cars that could have all they want beside the others, or are short by themselves by as much as they add, are
        left out one after the other.
        """
        node, line = row
        draws = self.below[node] & (self.problem.load_units[:, line] > 0)
        members = np.array([m for m in np.flatnonzero(draws).tolist() if m not in taken], dtype=np.int64)
        least, slots = self._full_weight(members, demand, row)
        while 1 < members.size <= PRUNED:
            alone = [self.by_itself(m, int(demand[m])) for m in members.tolist()]
            rests = [np.delete(members, at) for at in range(members.size)]
            proven = [
                self._full_weight(rest, demand, row)[0] + (own.least_units * SCALE if own else 0)
                for rest, own in zip(rests, alone, strict=True)
            ]
            at = int(np.argmax(proven))
            fewer, where = self._full_weight(rests[at], demand, row)
            if proven[at] < least or fewer <= 0:
                break
            members, least, slots = rests[at], fewer, where
        if least <= 0 or not slots.any():
            return None
        return Proof(tuple(members.tolist()), tuple(demand[members].tolist()), (row,), slots, -(-least // SCALE))

    def _full_weight(self, members: Ints, demand: Ints, row: Row) -> tuple[int, Bools]:
        return self.one_row(members, np.full(members.size, SCALE), demand[members], row)

    def by_itself(self, session: int, demand: int) -> Proof | None:
        """Return that a car cannot take what it wants even where it is alone; None where it can."""
        problem = self.problem
        end = int(problem.demand_end[demand])
        most = int((problem.cap_steps[session, :end] * problem.power_dw[session] * problem.seconds[:end]).sum())
        least = int(problem.demand_wish_units[demand]) - most
        if least <= 0:
            return None
        return Proof((session,), (demand,), (), np.zeros(problem.slots, dtype=np.bool_), least)

    def _chosen(self, weight: Floats) -> tuple[Ints, Ints]:
        """Return (S,) the weightiest demand of each session, and the weight of all its demands [1 / SCALE]."""
        problem = self.problem
        of = problem.demand_session
        order = np.lexsort((np.arange(of.size), np.round(weight, 9), of))
        last = np.searchsorted(of[order], np.arange(problem.sessions), side="right") - 1
        total = np.bincount(of, weight, problem.sessions)
        return order[last], np.rint(np.clip(total, 0.0, 1.0) * SCALE).astype(np.int64)

    def _asked(self, weight: Ints, demand: Ints) -> int:
        wishes = self.problem.demand_wish_units[demand].tolist()
        return sum(w * wish for w, wish in zip(weight.tolist(), wishes, strict=True))

    def _gains(self, members: Ints, weight: Ints, demand: Ints) -> Exact:
        """Return (m, T) what a step is worth: its energy times the weight, in the slots that count."""
        counts = np.arange(self.problem.slots) < self.problem.demand_end[demand][:, None]
        return self._energy[members] * weight.astype(object)[:, None] * counts

    def _parts(self, members: Ints, weight: Ints, demand: Ints, prices: Ints) -> npt.NDArray[Any]:
        """Return (m,) what each member asks less what it could take at these prices [1 / SCALE of 0.1 J]."""
        problem = self.problem
        gain = self._gains(members, weight, demand)
        pressure = np.zeros(gain.shape, dtype=object)
        for node, line in zip(*(axis.tolist() for axis in np.nonzero(prices.any(axis=2))), strict=True):
            current = np.where(self.below[node, members], problem.load_units[members, line], 0).astype(object)
            pressure = pressure + current[:, None] * (
                prices[node, line].astype(object) * problem.seconds.astype(object)
            )
        taken = gain * self._covered[members] + np.maximum(gain - pressure, 0) * self._above[members]
        asked = weight.astype(object) * problem.demand_wish_units[demand].astype(object)
        parts: npt.NDArray[Any] = asked - taken.sum(axis=1) if members.size else np.zeros(0, dtype=object)
        return parts

    def _rows_of(self, member: int, demand: int, counted: Bools) -> list[Row]:
        """Return the rows with a price that the member draws on in a slot that counts for it."""
        problem = self.problem
        open_ = problem.cap_steps[member] > 0
        open_[int(problem.demand_end[demand]) :] = False
        hit = (counted & open_).any(axis=2) & self.below[:, member][:, None] & (problem.load_units[member] > 0)
        return [(int(node), int(line)) for node, line in zip(*np.nonzero(hit), strict=True)]

    def _groups(self, members: Ints, demand: Ints, counted: Bools) -> list[list[int]]:
        """Return the members in groups that share a priced row and slot."""
        problem = self.problem
        leader: dict[int, int] = {int(member): int(member) for member in members}

        def first(member: int) -> int:
            while leader[member] != member:
                leader[member] = leader[leader[member]]
                member = leader[member]
            return member

        held: dict[tuple[int, int, int], int] = {}
        for member in leader:
            end = int(problem.demand_end[demand[member]])
            for node, line in self._rows_of(member, int(demand[member]), counted):
                for slot in np.flatnonzero(counted[node, line, :end] & (problem.cap_steps[member, :end] > 0)).tolist():
                    a, b = first(held.setdefault((node, line, slot), member)), first(member)
                    leader[max(a, b)] = min(a, b)
        groups: dict[int, list[int]] = {}
        for member in leader:
            groups.setdefault(first(member), []).append(member)
        return [groups[key] for key in sorted(groups)]

    def _tidied(self, group: list[int], whole: Ints, demand: Ints, rows: list[Row], prices: Ints) -> Proof | None:
        """Return the proof of a group, by one row where one proves as much; None where nothing is proven."""
        members = np.array(group, dtype=np.int64)
        weight, wanted = whole[members], demand[members]
        own = np.zeros_like(prices)
        for node, line in rows:
            own[node, line] = prices[node, line]
        counts = np.arange(self.problem.slots) < self.problem.demand_end[wanted][:, None]
        own *= ((self.problem.cap_steps[members] > 0) & counts).any(axis=0)
        least = int(self._parts(members, weight, wanted, own).sum()) - self._paid(own)
        slots: Bools = np.asarray((own > 0).any(axis=(0, 1)))
        bare = int(self._parts(members, weight, wanted, np.zeros_like(own)).sum())
        if bare + SCALE > least:
            least, slots, rows = bare, np.zeros_like(slots), []
        for row in rows:
            alone, where = self.one_row(members, weight, wanted, row)
            if alone + SCALE > least:  # as good, but for what rounding takes
                least, slots, rows = alone, where, [row]
                break
        units = -(-least // SCALE)
        if units <= 0:
            return None
        return Proof(tuple(group), tuple(wanted.tolist()), tuple(rows), slots, units)

    def _paid(self, prices: Ints) -> int:
        """Return what all rows are paid for what they can pass."""
        problem = self.problem
        at = np.nonzero(prices)
        passed = problem.free_units[at].astype(object) * problem.seconds[at[2]].astype(object)
        return int((prices[at].astype(object) * passed).sum()) if at[0].size else 0
