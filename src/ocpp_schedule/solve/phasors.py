"""Rooms and repairs on conductors whose currents are sums of phasors, exact in whole numbers (convention 15).

The farthest corner grows with every current, so rounding set-points down never exceeds a row that held before, although
the sum of all currents of a row with opposing directions can grow when one of them shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.pilots import lowered

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.problem.phasors import Complexes, PhasorRows, Wholes

LINES: Final = 3
SHRINKING_ROUNDS: Final = 30
"""Each round takes a slot within a step or so of its limit; what is left then is set to 0."""
NEAR: Final = 1e-6
"""Share of a step by which the root of a quadratic may err in double precision; whole numbers then decide."""
BIG_STEPS: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Draws:
    """What one session adds to the conductors it is on.

    Attributes:
        rows: (k,) the conductors.
        weight: (k, D, 3) whole weights of its lines in the sums by direction.
        per_step: (k, D) what one step adds to the sums.
        floor: (k, D) what the idle floor adds.
        per_step_units: (3,) current of a step on each line, in units of the rows.
        floor_units: (3,) current of the idle floor, likewise.
    """

    rows: Ints
    weight: Wholes
    per_step: Wholes
    floor: Wholes
    per_step_units: Ints
    floor_units: Ints

    def sums(self, setpoints: Ints) -> Wholes:
        """Return (k, D, T) what (T,) set-points add to the sums, at least the idle floor."""
        if not self.floor_units.any():
            plain: Wholes = self.per_step[:, :, None] * setpoints
            return plain
        booked = np.maximum(self.per_step_units[:, None] * setpoints, self.floor_units[:, None])
        summed: Wholes = self.weight @ booked
        return summed


def draws_of(problem: Problem, phasors: PhasorRows, session: int) -> Draws:
    """Return what a session adds to the conductors."""
    connector = int(problem.session_connector[session])
    mine = np.flatnonzero(phasors.entry_column // LINES == connector)
    rows, place = np.unique(phasors.entry_row[mine], return_inverse=True)
    weight = np.zeros((rows.size, phasors.corners.shape[2], LINES), dtype=phasors.form.dtype)
    np.add.at(
        weight, (place, phasors.entry_direction[mine], phasors.entry_column[mine] % LINES), phasors.entry_weight[mine]
    )
    step = problem.load_units[session, :LINES] // phasors.unit_ua
    floor = problem.floor_units[connector, :LINES] // phasors.unit_ua
    return Draws(rows, weight, weight @ step, weight @ floor, step, floor)


@dataclass(frozen=True, slots=True)
class TangentDuals:
    """Duals of M tangents in a program.

    Attributes:
        row, slot: (M,) conductor and slot.
        direction: (M,) complex, of length 1.
        duals: (M,) as of the program's own rows.
    """

    row: Ints
    slot: Ints
    direction: Complexes
    duals: Floats


def present(problem: Problem) -> bool:
    """Tell whether a problem has conductors whose currents are sums of phasors."""
    return problem.phasors is not None


class PhasorUse:
    """The sums of a plan under construction, kept in step with its set-points."""

    def __init__(self, problem: Problem, setpoints: Ints) -> None:
        """Take (S, T) set-points of a problem with conductors."""
        assert problem.phasors is not None  # noqa: S101 - asked before, for the type checker
        self._problem, self._phasors = problem, problem.phasors
        self._sums = self._phasors.sums(booked_lines(problem, setpoints))
        self._draws: dict[int, Draws] = {}

    def _of(self, session: int) -> Draws:
        found = self._draws.get(session)
        if found is None:
            found = self._draws[session] = draws_of(self._problem, self._phasors, session)
        return found

    def change(self, session: int, window: slice, before: Ints, after: Ints) -> None:
        """Take in new set-points of a session for its window."""
        draws = self._of(session)
        if draws.rows.size:
            self._sums[draws.rows, :, window] += draws.sums(after) - draws.sums(before)

    def room(self, session: int, window: slice, setpoints: Ints) -> Ints:
        """Return the largest set-points that fit, slot by slot, given what the others draw at most."""
        draws, phasors = self._of(session), self._phasors
        if not draws.rows.size or not draws.per_step.any():
            return np.full(setpoints.size, BIG_STEPS, dtype=np.int64)
        others = self._sums[draws.rows, :, window] - draws.sums(setpoints)
        fits = largest_steps(
            phasors.form[draws.rows],
            phasors.corners[draws.rows],
            others,
            draws.per_step,
            phasors.limit[draws.rows, window],
        )
        if draws.floor_units.any():
            # Up to the idle floor a step changes nothing; between the floors of different lines none is given.
            used = draws.per_step_units > 0
            covered = draws.floor_units[used] // draws.per_step_units[used]
            above = -(-draws.floor_units[used] // draws.per_step_units[used])
            fits = np.where(fits >= above.max(), fits, covered.min())
        return np.maximum(fits, 0)

    def exceeded_by(self, session: int, before: Ints, after: Ints) -> Bools:
        """Return (R, T) where a session on a row would exceed it with ``after`` in place of its (T,) set-points."""
        draws, phasors = self._of(session), self._phasors
        sums, mine = self._sums.copy(), np.zeros(phasors.limit.shape, dtype=np.bool_)
        sums[draws.rows] += draws.sums(after) - draws.sums(before)
        mine[draws.rows] = True
        over: Bools = np.asarray(phasors.worst(sums) > phasors.limit, dtype=np.bool_)
        return over & mine & ~phasors.alarm

    def fits(self) -> bool:
        """Tell whether every conductor holds."""
        return not self.over().any()

    def over(self) -> Bools:
        """Return (R, T) where a row is exceeded; rows in alarm are nobody's fault."""
        return (self._phasors.worst(self._sums) > self._phasors.limit) & ~self._phasors.alarm


def largest_steps(form: Wholes, corners: Bools, others: Wholes, per_step: Wholes, limit: Wholes) -> Ints:
    """Return (T,) the largest whole ``x`` for which every corner of every row stays within its limit.

    Args:
        form: (k, D, D) products of directions.
        corners: (k, V, D) bool.
        others: (k, D, T) sums of the other currents.
        per_step: (k, D) what a step adds.
        limit: (k, T) squares; -1 where nothing fits.

    Returns:
        -1 where not even 0 fits.

    A corner's square is ``a x^2 + b x + c``; its root is found in double precision, and whole numbers decide.
    """
    held = corners[:, :, :, None] * others[:, None]
    own = corners * per_step[:, None]
    turned = form[:, None] @ held
    c = (held * turned).sum(axis=2)
    b = 2 * (own[:, :, :, None] * turned).sum(axis=2)
    a = ((form[:, None] @ own[:, :, :, None])[:, :, :, 0] * own).sum(axis=2)[:, :, None]
    allowed = limit[:, None]
    mine: Bools = np.any(corners & np.asarray(per_step > 0)[:, None], axis=2)
    counts = np.broadcast_to(mine[:, :, None], c.shape)
    rest, slope, curve = (part.astype(np.float64) for part in (allowed - c, b, a))
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.maximum(slope * slope + 4.0 * curve * np.maximum(rest, 0.0), 0.0))
        # The form that does not subtract two nearly equal numbers.
        steps = np.where(slope > 0, 2.0 * rest / (slope + root), (root - slope) / (2.0 * curve))
    steps = np.where(np.isfinite(steps) & (rest >= 0), steps, -1.0)
    guess = np.where(counts, np.floor(np.minimum(steps + NEAR, BIG_STEPS)), BIG_STEPS).astype(np.int64)
    x: Ints = guess.min(axis=(0, 1))
    while True:
        wide = x.astype(form.dtype)
        fails = (((a * wide + b) * wide + c > allowed) & counts).any(axis=(0, 1)) & (x >= 0)
        if not fails.any():
            return x
        x = x - fails


class ConductorEdges:
    """What conductors allow at the edges between slots (convention 4)."""

    def __init__(self, problem: Problem, phasors: PhasorRows, old: Wholes) -> None:
        """Take (K, C, T - 1) booked loads before each edge."""
        floors = phasors.worst(phasors.sums(problem.floor_units[:, :LINES, None]))
        self._phasors = phasors
        self._limit = np.maximum(np.minimum(phasors.limit[:, :-1], phasors.limit[:, 1:]), floors)
        self._loads = np.zeros((LINES, len(phasors.names), len(problem.connector_ids)), dtype=np.bool_)
        self._loads[phasors.entry_column % LINES, phasors.entry_row, phasors.entry_column // LINES] = True
        if problem.held_steps is not None:
            # What chargers hold already cannot be undone: at its end it only must not get more.
            self._limit[:, :1] = np.maximum(self._limit[:, :1], self._worst(old[:, :, :1]))

    def over(self, counted: Wholes) -> Bools:
        """Return (R, T - 1) where (K, C, T - 1) booked loads exceed a conductor."""
        return np.asarray(self._worst(counted) > self._limit, dtype=np.bool_)

    def _worst(self, counted: Wholes) -> Wholes:
        booked = np.rint(counted[:LINES].swapaxes(0, 1)).astype(np.int64)
        return self._phasors.worst(self._phasors.sums(booked))

    def touched(self, over: Bools, moves: Bools) -> Bools:
        """Return (C, T - 1) connectors that move on a line with which they load one of the conductors given."""
        found: Bools = np.zeros(moves.shape[1:], dtype=np.bool_)
        for row, edge in np.argwhere(over).tolist():
            found[:, edge] |= (self._loads[:, row] & moves[:LINES, :, edge]).any(axis=0)
        return found


def shrunk(problem: Problem, setpoints: Ints) -> Ints:
    """Return the set-points, those on exceeded rows lowered in proportion and to whole steps until every row holds."""
    phasors = problem.phasors
    assert phasors is not None  # noqa: S101 - asked before, for the type checker
    result = setpoints.copy()
    own = problem.session_connector
    touches = np.zeros((len(problem.connector_ids), phasors.limit.shape[0]), dtype=np.bool_)
    touches[phasors.entry_column // LINES, phasors.entry_row] = True
    for attempt in range(SHRINKING_ROUNDS):
        squares = phasors.worst(phasors.sums(booked_lines(problem, result)))
        over = (squares > phasors.limit) & ~phasors.alarm
        if not over.any():
            return result
        row, slot = np.nonzero(over)
        worst = squares[row, slot].astype(np.float64)
        share = np.sqrt(np.maximum(phasors.limit[row, slot], 0).astype(np.float64) / worst)
        factor = np.ones((len(problem.connector_ids), problem.slots))
        for at in range(row.size):
            column = factor[:, slot[at]]
            column[touches[:, row[at]]] = np.minimum(column[touches[:, row[at]]], share[at])
        scaled = np.floor(result * factor[own] + NEAR).astype(np.int64)
        fewer = factor[own] < 1
        # A step fewer at least, so that rounding cannot stall.
        result = np.where(fewer, np.maximum(np.minimum(scaled, result - (attempt > 0)), 0), result)
        result[(result < problem.min_steps[:, None]) & fewer] = 0
        result = lowered(result, problem.levels)
    over = PhasorUse(problem, result).over()
    result[:, over.any(axis=0)] = 0
    return result


def booked_lines(problem: Problem, setpoints: Ints) -> Ints:
    """Return (C, 3, T) what each connector is booked with on each line [uA]."""
    currents = np.zeros((len(problem.connector_ids), LINES, setpoints.shape[1]), dtype=np.int64)
    np.add.at(currents, problem.session_connector, setpoints[:, None, :] * problem.load_units[:, :LINES, None])
    return np.maximum(currents, problem.floor_units[:, :LINES, None])
