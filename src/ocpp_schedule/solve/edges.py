"""Guarded edges: late raises and early lowerings (convention 4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.working import booked_ua, row_sums_ua

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem


def guard_edges(problem: Problem, setpoints: Ints) -> tuple[Bools, Bools]:
    """Return (S, T) late raises and early lowerings without which some row could be exceeded at an edge.

    First the connectors that fall where a limit itself falls do so early; where one's fall still pays
    for another's rise, those that rise do so late.
    """
    shape = setpoints.shape
    late, early = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    if problem.edge_guard_s == 0 or problem.slots < 2 or not setpoints.any():  # noqa: PLR2004 - an edge needs two slots
        return late, early
    booked = booked_ua(problem, setpoints)
    old, new = booked[:, :, :-1], booked[:, :, 1:]
    both = np.maximum(old, new)
    floors = row_sums_ua(problem, problem.floor_ua[:, :, None])
    limit = np.maximum(np.minimum(problem.headroom_ua[:, :, :-1], problem.headroom_ua[:, :, 1:]), floors)
    over = row_sums_ua(problem, both) > limit
    if not over.any():
        return late, early
    falling = over & (row_sums_ua(problem, old) > limit)
    owner = problem.slot_owner
    if falling.any():
        lowers = _touched(problem, falling, old > new)
        over = row_sums_ua(problem, np.where(lowers[:, None, :], new, both)) > limit
        connector, edge = np.nonzero(lowers)
        early[owner[connector, edge], edge] = True
    connector, edge = np.nonzero(_touched(problem, over, new > old))
    late[owner[connector, edge + 1], edge + 1] = True
    return late, early


def _touched(problem: Problem, rows: Bools, moves: Bools) -> Bools:
    """Return (C, T - 1) connectors that move on a line of one of the (N, 3, T - 1) rows above them."""
    nodes = problem.connector_nodes.T.astype(np.float32)
    hit = (nodes @ rows.reshape(rows.shape[0], -1).astype(np.float32)).reshape(moves.shape) > 0
    return np.asarray(np.any(hit & moves, axis=1), dtype=np.bool_)


def slot_energy_units(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> Ints:
    """Return (S, T) expected energy, guard losses taken off [0.1 J]."""
    seconds = setpoints * problem.seconds
    if late.any() or early.any():
        floor = problem.idle_floor_steps[problem.session_connector]
        session, slot = np.nonzero(late)
        before = np.where(slot > problem.first_slot[session], setpoints[session, slot - 1], floor[session])
        seconds[session, slot] -= problem.edge_guard_s * (setpoints[session, slot] - before)
        session, slot = np.nonzero(early)
        follows = slot + 1 < problem.end_slot[session]
        after = np.where(follows, setpoints[session, np.minimum(slot + 1, problem.slots - 1)], floor[session])
        seconds[session, slot] -= problem.edge_guard_s * (setpoints[session, slot] - after)
    return seconds * problem.power_dw[:, None]


def cost_units(problem: Problem, energy: Ints) -> int:
    """Return the exact cost of (S, T) energies in money units (convention 1)."""
    per_slot = energy.sum(axis=0).tolist()
    whole, rest = 0, 0
    seconds = problem.seconds.tolist()
    common = math.lcm(*set(seconds))
    for units, price, length in zip(per_slot, problem.price_seconds.tolist(), seconds, strict=True):
        quotient, remainder = divmod(units * price, length)
        whole += quotient
        rest += remainder * (common // length)
    return whole + rest // common
