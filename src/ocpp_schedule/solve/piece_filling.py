"""How much of each piece a session takes: the set-points of given pieces, whole steps at a time (convention 24)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import TYPE_CHECKING, Self

import numpy as np

from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.solve.piecewise import Piece

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.working import WorkingPlan

Rank = tuple[int, int, int, float]
"""Rules broken, must-haves missing, wishes missing, cost; lower is better."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A demand of the session: energy before a slot of the window, whether a must-have, and whether at any price."""

    end: int
    units: int
    wish: int
    hard: bool
    chased: bool


@dataclass(frozen=True, slots=True)
class PieceCar:
    """One session in the room that is left to it.

    Attributes:
        problem: compiled arrays.
        session: index.
        first: slot of the grid at which the arrays below begin.
        room: (W,) largest set-points, 0 where there is less than the smallest.
        price: (W,) of energy, finite.
        seconds: (W,) length of the slots [s].
        goals: earliest first.
        energies: (W + 1,) energy of one step in all slots before each edge [0.1 J].
        paid: (W + 1,) the same, each slot's times its price.
        most: the most energy the session may have [0.1 J].
        extra: what guarded edges take, so that more must be given [0.1 J].
    """

    problem: Problem
    session: int
    first: int
    room: Ints
    price: Floats
    seconds: Ints
    goals: tuple[Goal, ...]
    energies: list[int]
    paid: list[float]
    most: int
    extra: int = 0

    @classmethod
    def of(cls, problem: Problem, session: int, room: Ints, price: Floats, extra: int = 0) -> Self:
        """Return the session; ``room`` and ``price`` end with its window."""
        first = int(problem.end_slot[session]) - room.size
        low, high = np.searchsorted(problem.demand_session, [session, session + 1])
        chased = problem.chased
        goals = sorted(
            (
                Goal(
                    end=max(int(problem.demand_end[at]) - first, 0),
                    units=int(problem.demand_units[at]) + extra,
                    wish=int(problem.demand_wish_units[at]) + extra,
                    hard=bool(problem.demand_hard[at]),
                    chased=bool(chased[at]),
                )
                for at in range(int(low), int(high))
            ),
            key=lambda goal: goal.end,
        )
        seconds = problem.seconds[first : first + room.size]
        energy = seconds * problem.power_dw[session]
        most = int(problem.energy_most_units[session]) + extra
        energies, paid = [0, *np.cumsum(energy).tolist()], [0.0, *np.cumsum(energy * price).tolist()]
        return cls(problem, session, first, room, price, seconds, tuple(goals), energies, paid, most, extra)

    @classmethod
    def in_hand(cls, plan: WorkingPlan, session: int, price: Floats) -> Self:
        """Return the session as it stands in a plan."""
        return cls.of(plan.problem, session, plan.room(session), np.where(np.isfinite(price), price, 0.0))

    def with_extra(self, extra: int) -> Self:
        """Return the session with goals raised by what guarded edges take."""
        return type(self).of(self.problem, self.session, self.room, self.price, extra)

    @property
    def energy(self) -> Ints:
        """(W,) energy of a step [0.1 J]."""
        energy: Ints = self.seconds * self.problem.power_dw[self.session]
        return energy

    @property
    def wanted(self) -> int:
        """What is wanted in all [0.1 J]."""
        return max((goal.units for goal in self.goals), default=0)

    @property
    def choosy(self) -> bool:
        """Whether some energy is taken only where it is worth its price."""
        return not all(goal.chased for goal in self.goals)

    @property
    def low(self) -> int:
        """Smallest set-point above 0."""
        return max(int(self.problem.min_steps[self.session]), 1)

    def gains(self, worths: Floats) -> Floats:
        """Return (P, W) what a step gains for each worth of energy; early slots more where there is a milestone."""
        spread = float(np.ptp(self.price)) + 1e-9
        slot = np.arange(self.room.size)
        early = sum(
            (2 * spread * (slot < goal.end) for goal in self.goals if goal.end < self.room.size), np.zeros(slot.size)
        )
        rows = worths[:, None] - self.price
        if np.any(early):
            rows = np.concatenate((rows, rows + early))
        gains: Floats = rows * self.seconds
        return gains

    def reach(self, pieces: list[Piece]) -> int:
        """Return what the pieces give at most [0.1 J]."""
        return sum(piece.high * self._units(piece, piece.end) for piece in pieces)

    def given(self, steps: Ints) -> int:
        """Return what set-points give [0.1 J]."""
        return int(self._by_slot(steps).sum())

    def _by_slot(self, steps: Ints) -> Ints:
        if self.session not in self.problem.tapers:
            energy: Ints = steps * self.energy
            return energy
        row = np.zeros(self.problem.slots, dtype=np.int64)
        row[self.first : self.first + steps.size] = steps
        drawn = drawn_units(self.problem, self.session, row, None, None)
        return np.array(drawn, dtype=np.int64)[self.first : self.first + steps.size]

    def rank(self, steps: Ints) -> Rank:
        """Return how set-points serve the session."""
        by_slot = self._by_slot(steps)
        sums = np.concatenate(([0], np.cumsum(by_slot)))
        missing = [0, 0]
        for goal in self.goals:
            if goal.chased:
                missing[0 if goal.hard else 1] += max(goal.wish - int(sums[goal.end]), 0)
        broken = int(int(sums[-1]) > self.most)
        return broken, missing[0], missing[1], float((self.price * by_slot).sum())

    def served(self, pieces: list[Piece]) -> tuple[list[int], Rank]:
        """Return a set-point for each piece and how they rank: the least that serves the goals, cheapest first."""
        mean = [self._mean(piece) for piece in pieces]
        order = sorted(range(len(pieces)), key=lambda at: (mean[at], at))
        value = [piece.low for piece in pieces]
        tables = [[self._units(piece, goal.end) for piece in pieces] for goal in self.goals]
        given = [sum(map(mul, value, units)) for units in tables]
        for number, goal in enumerate(self.goals):
            missing, units = goal.units - given[number], tables[number]
            for at in order:
                if missing <= 0:
                    break
                if units[at] and value[at] < pieces[at].high and (goal.chased or mean[at] < 0):
                    take = min(pieces[at].high - value[at], -(-missing // units[at]))
                    take = self._told(value[at], take, pieces[at].high)
                    value[at] += take
                    missing -= take * units[at]
                    given = [got + take * table[at] for got, table in zip(given, tables, strict=True)]
        self._lower(pieces, value, order, tables)
        return value, self._ranked(pieces, value, tables)

    def _ranked(self, pieces: list[Piece], value: list[int], tables: list[list[int]]) -> Rank:
        """Return how set-points of pieces rank."""
        if self.session in self.problem.tapers:
            return self.rank(self.steps(pieces, value))
        missing = [0, 0]
        for goal, units in zip(self.goals, tables, strict=True):
            if goal.chased:
                missing[0 if goal.hard else 1] += max(goal.wish - sum(map(mul, value, units)), 0)
        whole = sum(map(mul, value, (self._units(piece, self.room.size) for piece in pieces)))
        cost = sum(map(mul, value, (self.paid[p.end] - self.paid[p.first] for p in pieces)))
        return int(whole > self.most), missing[0], missing[1], cost

    def steps(self, pieces: list[Piece], value: list[int]) -> Ints:
        """Return (W,) the set-points of pieces."""
        steps = np.zeros_like(self.room)
        for piece, own in zip(pieces, value, strict=True):
            steps[piece.first : piece.end] = own
        return steps

    def _units(self, piece: Piece, end: int) -> int:
        """Return the energy of one step in the slots of a piece before ``end`` [0.1 J]."""
        return self.energies[min(piece.end, end)] - self.energies[min(piece.first, end)]

    def _mean(self, piece: Piece) -> float:
        """Return the mean price of energy in a piece."""
        return (self.paid[piece.end] - self.paid[piece.first]) / max(self._units(piece, piece.end), 1)

    def _lower(self, pieces: list[Piece], value: list[int], order: list[int], tables: list[list[int]]) -> None:
        """Take off again what no goal needs, the dearest pieces first; and what the session may not have."""
        chased = [(units, goal.units) for goal, units in zip(self.goals, tables, strict=True) if goal.chased]
        left = [sum(map(mul, value, units)) - wanted for units, wanted in chased]
        for at in reversed(order):
            spare = [max(own, 0) // units[at] for own, (units, _) in zip(left, chased, strict=True) if units[at]]
            give = min(min(spare, default=0), value[at] - pieces[at].low)
            if give > 0:
                give = value[at] - self._at_least(value[at] - give)
                value[at] -= give
                left = [own - give * units[at] for own, (units, _) in zip(left, chased, strict=True)]
        units = [self._units(piece, self.room.size) for piece in pieces]
        over = sum(map(mul, value, units)) - self.most
        for at in sorted(filter(units.__getitem__, order), key=units.__getitem__) if over > 0 else ():
            give = min(-(-max(over, 0) // units[at]), value[at] - pieces[at].low)
            if give > 0:
                give = value[at] - self._at_most(value[at] - give, pieces[at].low)
                value[at] -= give
                over -= give * units[at]

    def _told(self, value: int, take: int, high: int) -> int:
        """Return how many steps a set-point is raised by at least ``take`` where that is not too high."""
        levels = self.problem.levels.get(self.session)
        if levels is None or take <= 0:
            return max(take, 0)
        at = int(np.searchsorted(levels, value + take))
        return min(int(levels[at]), high) - value

    def _at_least(self, steps: int) -> int:
        """Return the smallest allowed set-point that is not below ``steps``."""
        levels = self.problem.levels.get(self.session)
        return steps if levels is None else int(levels[np.searchsorted(levels, steps)])

    def _at_most(self, steps: int, low: int) -> int:
        """Return the largest allowed set-point that is not above ``steps``, at least ``low``."""
        levels = self.problem.levels.get(self.session)
        return steps if levels is None else max(int(levels[np.searchsorted(levels, steps, side="right") - 1]), low)

    def trimmed(self, steps: Ints, surplus_units: int, *, whole: bool) -> Ints:
        """Return set-points with whole pieces lower, the dearest first, by at most ``surplus_units``.

        Args:
            steps: (W,) in hand.
            surplus_units: [0.1 J].
            whole: a piece may be left out altogether, too.
        """
        steps = steps.copy()
        order = sorted(pieces_of(steps), key=lambda piece: -self._mean(piece))
        for piece in order:
            unit = self._units(piece, piece.end)
            give = min(piece.high - self.low, surplus_units // unit)
            if give > 0:
                give = piece.high - self._at_least(piece.high - give)
                steps[piece.first : piece.end] -= give
                surplus_units -= give * unit
        for piece in order if whole else ():
            units = int(steps[piece.first]) * self._units(piece, piece.end)
            if units <= surplus_units:
                steps[piece.first : piece.end] = 0
                surplus_units -= units
        return steps

    def raised(self, steps: Ints, missing_units: int, end: int) -> tuple[Ints, int]:
        """Return set-points with whole pieces higher, the cheapest first, and what is still missing before ``end``."""
        steps = steps.copy()
        for piece in sorted(pieces_of(steps), key=self._mean):
            unit = self._units(piece, end)
            high = int(self.room[piece.first : piece.end].min())
            if missing_units <= 0 or not unit or high <= piece.high:
                continue
            take = self._told(piece.high, min(high - piece.high, -(-missing_units // unit)), high)
            steps[piece.first : piece.end] += take
            missing_units -= take * unit
        return steps, missing_units

    def extra_for(self, steps: Ints, missing_units: int, end: int) -> int:
        """Return by how much goals are raised so that what is missing for guarded edges is given too [0.1 J]."""
        wish = min((goal.units for goal in self.goals if goal.end >= end), default=0)
        return max(int(self._by_slot(steps)[:end].sum()) + missing_units - wish, 0)


def pieces_of(steps: Ints) -> list[Piece]:
    """Return the pieces with a set-point above 0.

    >>> pieces_of(np.array([0, 6, 6, 8, 0]))
    [Piece(first=1, end=3, low=6, high=6), Piece(first=3, end=4, low=8, high=8)]
    """
    cuts = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), steps.size]
    return [
        Piece(first, end, int(steps[first]), int(steps[first]))
        for first, end in pairwise(cuts)
        if end > first and steps[first] > 0
    ]
