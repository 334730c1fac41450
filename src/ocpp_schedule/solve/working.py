"""A plan under construction: integer set-points and what every row carries, kept in step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ocpp_schedule.solve.families import shrunk, uses_of
from ocpp_schedule.solve.load_room import LoadRoom
from ocpp_schedule.solve.meter_room import MeterRoom

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.families import Use

Values = npt.NDArray[Any]
"""Whole numbers, as floats where those are exact."""
EXACT_FLOATS: Final = 1 << 53
"""Whole numbers below are exact in double precision, and products of matrices then run in BLAS."""


def booked_units(problem: Problem, setpoints: Ints) -> Ints:
    """Return (C, K, T) what each connector is booked with on each channel: set-point or idle floor [uA, mVA]."""
    currents = np.zeros((len(problem.connector_ids), problem.channels, problem.slots), dtype=np.int64)
    own = setpoints[:, None, :] * problem.load_units[:, :, None]
    if _all_differ(problem.session_connector):
        currents[problem.session_connector] = own
    else:
        # Sessions of one connector never share a slot, so adding them up is choosing the one that is there.
        np.add.at(currents, problem.session_connector, own)
    return np.maximum(currents, problem.floor_units[:, :, None])


def row_sums(problem: Problem, currents: Ints) -> Ints:
    """Return (N, K, T') sums over the connectors below each node of (C, K, T') loads."""
    nodes, connectors = problem.connector_nodes.shape
    if not connectors:
        return np.zeros((nodes, *currents.shape[1:]), dtype=np.int64)
    flat = currents.reshape(connectors, -1)
    if int(flat.max(initial=0)) * connectors < EXACT_FLOATS:
        sums = np.rint(problem.connector_nodes.astype(np.float64) @ flat.astype(np.float64)).astype(np.int64)
    else:
        sums = problem.connector_nodes.astype(np.int64) @ flat
    return sums.reshape(nodes, *currents.shape[1:])


@dataclass(frozen=True, slots=True)
class Bookings:
    """Booked loads as products: ``loads @ values`` is what the rows carry, exact.

    A unit is a session where each has a connector of its own without an idle floor: one value then serves all
    channels. Else it is a connector, whose booked load on each channel is a value of its own.

    Attributes:
        loads: (K or 1, N, U) what a value of 1 puts on each channel of each node.
        values: (1 or K, U, T) set-points in steps, or booked loads [uA, mVA].
        connector: (U,) the connector of each unit.
    """

    loads: Values
    values: Values
    connector: Ints


def bookings(problem: Problem, setpoints: Ints) -> Bookings:
    """Return what the set-points and idle floors book."""
    connectors = len(problem.connector_ids)
    highest = int(setpoints.max(initial=0)) * int(problem.load_units.max(initial=0))
    highest = max(highest, int(problem.floor_units.max(initial=0)))
    kind = np.float64 if highest * connectors < EXACT_FLOATS else np.int64
    own = problem.session_connector
    if not problem.floor_units.any() and problem.phasors is None and _all_differ(own):
        loads = problem.connector_nodes[:, own] * problem.load_units.T[:, None, :]
        return Bookings(loads.astype(kind), setpoints[None].astype(kind), own)
    currents = booked_units(problem, setpoints).swapaxes(0, 1)
    return Bookings(problem.connector_nodes[None].astype(kind), currents.astype(kind), np.arange(connectors))


def _all_differ(connectors: Ints) -> bool:
    return len(set(connectors.tolist())) == connectors.size


def _sliced(rows: list[int]) -> list[int] | slice:
    """Return evenly spaced rows as a slice, which numpy reads and writes in place."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    spaced = slice(rows[0], rows[-1] + 1, step) if rows else slice(0)
    return spaced if rows == list(range(spaced.stop)[spaced]) else rows


class WorkingPlan:
    """Set-points that always fit every row and every family of limits, changed one session at a time.

    Attributes:
        problem: what is planned.
        setpoints: (S, T) steps.
        must: whether room is asked for a must-have, which soft limits do not hold back.
    """

    def __init__(self, problem: Problem, setpoints: Ints) -> None:
        self.problem = problem
        self.setpoints = shrunk(problem, setpoints).copy()
        self.must = False
        self._first, self._end = problem.first_slot.tolist(), problem.end_slot.tolist()
        self._meter = None if problem.meter is None else MeterRoom(problem, problem.meter, self.setpoints)
        self._loads_room = None if problem.aims is None else LoadRoom(problem.aims, self.setpoints)
        self._floors = bool(problem.floor_units.any())

    @cached_property  # a plan that nothing is missing from is never asked
    def used_units(self) -> Ints:
        """(K N, T) booked load of each row."""
        booked = bookings(self.problem, self.setpoints)
        sums = (booked.loads @ booked.values).swapaxes(0, 1)
        return sums.astype(np.int64).reshape(-1, self.problem.slots)

    @cached_property
    def chased(self) -> list[bool]:
        """By demand, whether it is to be met at any price; others only where a step is worth more than it costs."""
        wanted: list[bool] = self.problem.chased.tolist()
        return wanted

    @cached_property
    def _uses(self) -> list[Use]:
        """What the set-points use of limits that are no rows."""
        return uses_of(self.problem, self.setpoints)

    @cached_property
    def _limit_units(self) -> Ints:
        return self.problem.headroom_units.reshape(-1, self.problem.slots)

    @cached_property
    def _loads(self) -> list[tuple[list[int] | slice, Ints, Ints]]:
        """For each session the rows, its load per step there and the load of the idle floor there."""
        problem = self.problem
        loads = problem.connector_nodes.T[problem.session_connector][:, :, None] & (problem.load_units > 0)[:, None, :]
        session, row = np.nonzero(loads.reshape(problem.sessions, problem.channels * len(problem.node_names)))
        line = row % problem.channels
        per_step = problem.load_units[session, line][:, None]
        floor = problem.floor_units[problem.session_connector[session], line][:, None]
        begins, rows = np.searchsorted(session, np.arange(problem.sessions + 1)).tolist(), row.tolist()
        known: dict[tuple[int, ...], list[int] | slice] = {}
        found = []
        for begin, end in pairwise(begins):
            own = tuple(rows[begin:end])
            if own not in known:
                known[own] = _sliced(rows[begin:end])
            found.append((known[own], per_step[begin:end], floor[begin:end]))
        return found

    def rows(self, session: int) -> tuple[list[int] | slice, Ints, Ints]:
        """Return the rows a session loads, its load per step there, and the idle floor's load there [uA, mVA]."""
        return self._loads[session]

    def window(self, session: int) -> slice:
        """Return the usable slots of a session."""
        return slice(self._first[session], self._end[session])

    def room(self, session: int) -> Ints:
        """Return the largest set-point that fits every row, slot by slot of the window, its own load taken off."""
        window = self.window(session)
        rows, per_step, floor = self.rows(session)
        cap = self.problem.cap_steps[session, window]
        if self._meter is not None:
            cap = np.minimum(cap, self._meter.steps(session, window, self.setpoints[session, window]))
        for use in self._uses:
            cap = np.minimum(cap, use.room(session, window, self.setpoints[session, window]))
        if self._loads_room is not None:
            own = self.setpoints[session, window]
            cap = np.minimum(cap, self._loads_room.steps(session, window, own, must=self.must))
        if not per_step.size:
            return cap.copy()
        own = np.maximum(self.setpoints[session, window] * per_step, floor)
        free = self._limit_units[rows, window] - self.used_units[rows, window] + own
        # Below the floor's own booking a set-point changes nothing, so the room is at least that.
        fits = np.maximum(free, floor) // per_step
        room: Ints = np.minimum(cap, fits.min(axis=0))
        levels = self.problem.levels.get(session)
        return room if levels is None else levels[np.searchsorted(levels, room, side="right") - 1]

    def room_from_nothing(self, session: int) -> Ints:
        """As ``room``, in fewer steps, for a session that has nothing yet."""
        if self._floors or self._meter is not None or self._loads_room is not None or self._uses:
            return self.room(session)
        window = self.window(session)
        rows, per_step, _ = self._loads[session]
        cap = self.problem.cap_steps[session, window]
        if not per_step.size:
            return cap.copy()
        free = self._limit_units[rows, window] - self.used_units[rows, window]
        fits = (free // per_step).min(axis=0)
        np.minimum(fits, cap, out=fits)
        room: Ints = np.maximum(fits, 0, out=fits)
        return room

    def assign(self, session: int, setpoints: Ints) -> bool:
        """Give a session new set-points for its window; tell whether they differ from those it had."""
        window = self.window(session)
        before = self.setpoints[session, window]
        levels = self.problem.levels.get(session)
        if levels is not None:
            setpoints = levels[np.searchsorted(levels, setpoints, side="right") - 1]
        if (before == setpoints).all():
            return False
        rows, per_step, floor = self.rows(session)
        if per_step.size and not self._floors:
            self.used_units[rows, window] += (setpoints - before) * per_step
        elif per_step.size:
            more = np.maximum(setpoints * per_step, floor) - np.maximum(before * per_step, floor)
            self.used_units[rows, window] += more
        if self._meter is not None:
            self._meter.assign(session, window, setpoints - before)
        for use in self._uses:
            use.change(session, window, before, setpoints)
        if self._loads_room is not None:
            self._loads_room.assign(session, window, before, setpoints)
        before[:] = setpoints
        return True

    def fits(self) -> bool:
        """Tell whether every row and every family holds; rows in alarm count with their unavoidable idle floors."""
        problem = self.problem
        floors = row_sums(problem, problem.floor_units[:, :, None]).reshape(-1, 1)
        if not all(use.fits() for use in self._uses):
            return False
        return bool((self.used_units <= np.maximum(self._limit_units, floors)).all())
