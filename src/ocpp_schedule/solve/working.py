"""A plan under construction: integer set-points and what every row carries, kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem


def booked_ua(problem: Problem, setpoints: Ints) -> Ints:
    """Return (C, 3, T) what each connector is booked with on each line: set-point or idle floor [uA]."""
    currents = np.zeros((len(problem.connector_ids), 3, problem.slots), dtype=np.int64)
    own = setpoints[:, None, :] * problem.line_ua[:, :, None]
    if np.unique(problem.session_connector).size == problem.sessions:
        currents[problem.session_connector] = own
    else:
        # Sessions of one connector never share a slot, so adding them up is choosing the one that is there.
        np.add.at(currents, problem.session_connector, own)
    return np.maximum(currents, problem.floor_ua[:, :, None])


def row_sums_ua(problem: Problem, currents: Ints) -> Ints:
    """Return (N, 3, T') sums over the connectors below each node of (C, 3, T') currents."""
    nodes, connectors = problem.connector_nodes.shape
    if not connectors:
        return np.zeros((nodes, *currents.shape[1:]), dtype=np.int64)
    flat = currents.reshape(connectors, -1)
    if int(flat.max(initial=0)) * connectors < 1 << 53:
        # Exact in double precision, and the product then runs in BLAS.
        sums = np.rint(problem.connector_nodes.astype(np.float64) @ flat.astype(np.float64)).astype(np.int64)
    else:
        sums = problem.connector_nodes.astype(np.int64) @ flat
    return sums.reshape(nodes, *currents.shape[1:])


class WorkingPlan:
    """Set-points that always fit every row, changed one session at a time.

    Attributes:
        problem: what is planned.
        setpoints: (S, T) steps.
        used_ua: (3 N, T) booked current of each row.
    """

    def __init__(self, problem: Problem, setpoints: Ints) -> None:
        self.problem = problem
        self.setpoints = setpoints.copy()
        self.used_ua = row_sums_ua(problem, booked_ua(problem, setpoints)).reshape(-1, problem.slots)
        self._limit_ua = problem.headroom_ua.reshape(-1, problem.slots)
        loads = problem.connector_nodes.T[problem.session_connector][:, :, None] & (problem.line_ua > 0)[:, None, :]
        session, row = np.nonzero(loads.reshape(problem.sessions, 3 * len(problem.node_names)))
        line = row % 3
        self._row = row
        self._per_step = problem.line_ua[session, line][:, None]
        self._floor = problem.floor_ua[problem.session_connector[session], line][:, None]
        self._row_at = np.searchsorted(session, np.arange(problem.sessions + 1)).tolist()
        self._first, self._end = problem.first_slot.tolist(), problem.end_slot.tolist()

    def window(self, session: int) -> slice:
        """Return the usable slots of a session."""
        return slice(self._first[session], self._end[session])

    def rows(self, session: int) -> tuple[Ints, Ints, Ints]:
        """Return the rows a session loads, its current per step there, and the idle floor's current there [uA]."""
        part = slice(self._row_at[session], self._row_at[session + 1])
        return self._row[part], self._per_step[part], self._floor[part]

    def room(self, session: int) -> Ints:
        """Return the largest set-point that fits every row, slot by slot of the window, its own load taken off."""
        window = self.window(session)
        rows, per_step, floor = self.rows(session)
        cap = self.problem.cap_steps[session, window]
        if not rows.size:
            return cap.copy()
        own = np.maximum(self.setpoints[session, window] * per_step, floor)
        free = self._limit_ua[rows, window] - self.used_ua[rows, window] + own
        # Below the floor's own booking a set-point changes nothing, so the room is at least that.
        fits = np.maximum(free, floor) // per_step
        room: Ints = np.minimum(cap, fits.min(axis=0))
        return room

    def assign(self, session: int, setpoints: Ints) -> None:
        """Give a session new set-points for its window."""
        window = self.window(session)
        rows, per_step, floor = self.rows(session)
        if rows.size:
            before = np.maximum(self.setpoints[session, window] * per_step, floor)
            self.used_ua[rows, window] += np.maximum(setpoints * per_step, floor) - before
        self.setpoints[session, window] = setpoints

    def fits(self) -> bool:
        """Tell whether every row holds; rows in alarm count with their unavoidable idle floors."""
        problem = self.problem
        floors = row_sums_ua(problem, problem.floor_ua[:, :, None]).reshape(-1, 1)
        return bool((self.used_ua <= np.maximum(self._limit_ua, floors)).all())
