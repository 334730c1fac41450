"""Guarded edges: late raises and early lowerings (convention 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.solve.delivered import delivered_units
from ocpp_schedule.solve.families import guarded
from ocpp_schedule.solve.phasors import ConductorEdges
from ocpp_schedule.solve.values import weighted_units
from ocpp_schedule.solve.working import bookings, row_sums

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.solve.working import Values


def guard_edges(problem: Problem, setpoints: Ints) -> tuple[Bools, Bools]:
    """Return (S, T) late raises and early lowerings without which some row could be exceeded at an edge.

    First the connectors that fall where a limit itself falls do so early; where one's fall still pays
    for another's rise, those that rise do so late.
    """
    shape = setpoints.shape
    late, early = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    if problem.edge_guard_s == 0 or problem.slots < 2 or not (setpoints.any() or problem.held_steps is not None):  # noqa: PLR2004 - an edge needs two slots
        return late, early
    setpoints = with_held(problem, setpoints)
    _guard_rows(problem, setpoints, late, early)
    return guarded(problem, setpoints, late, early), early


def _guard_rows(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> None:
    """Set the flags that the rows of loads need."""
    booked = bookings(problem, setpoints)
    old, new = booked.values[:, :, :-1], booked.values[:, :, 1:]
    both = np.maximum(old, new)
    floors = row_sums(problem, problem.floor_units[:, :, None])
    limit = np.maximum(np.minimum(problem.headroom_units[:, :, :-1], problem.headroom_units[:, :, 1:]), floors)
    limit = limit.swapaxes(0, 1)
    if problem.held_steps is not None:
        # What chargers hold already cannot be undone: at its end it only must not get more.
        limit[:, :, 0] = np.maximum(limit[:, :, 0], (booked.loads @ old[:, :, :1])[:, :, 0])
    over = booked.loads @ both > limit
    conductors = None if problem.phasors is None else ConductorEdges(problem, problem.phasors, old)
    turned = None if conductors is None else conductors.over(both)
    if not over.any() and (turned is None or not turned.any()):
        return
    falling = over & (booked.loads @ old > limit)
    owner = problem.slot_owner
    lowers = _touched(booked.loads, falling, old > new)
    if conductors is not None and turned is not None and turned.any():
        lowers |= conductors.touched(turned & conductors.over(old), old > new)
    if lowers.any():
        both = np.where(lowers, new, both)
        over = booked.loads @ both > limit
        unit, edge = np.nonzero(lowers)
        early[owner[booked.connector[unit], edge], edge] = True
    raises = _touched(booked.loads, over, new > old)
    if conductors is not None:
        raises |= conductors.touched(conductors.over(both), new > old)
    unit, edge = np.nonzero(raises)
    late[owner[booked.connector[unit], edge + 1], edge + 1] = True


def with_held(problem: Problem, setpoints: Ints) -> Ints:
    """Return the set-points with what chargers hold in the slot under way, if there is one."""
    if problem.held_steps is None:
        return setpoints
    whole = setpoints.copy()
    whole[:, 0] = problem.held_steps
    return whole


def _touched(loads: Values, rows: Bools, moves: Bools) -> Bools:
    """Return (U, T - 1) units that move on a line of one of the (K, N, T - 1) rows they load."""
    touched = np.zeros(moves.shape[1:], dtype=np.bool_)
    edges = np.flatnonzero(rows.any(axis=(0, 1)))
    below = np.ascontiguousarray(loads.swapaxes(1, 2) > 0, dtype=np.float32)
    hit = below @ rows[:, :, edges].astype(np.float32) > 0
    touched[:, edges] = np.any(hit & moves[:, :, edges], axis=0)
    return touched


def slot_energy_units(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> Ints:
    """Return (S, T) expected energy, guard losses taken off [0.1 J]."""
    seconds = setpoints * problem.seconds
    setpoints = with_held(problem, setpoints)
    floor = problem.idle_floor_steps[problem.session_connector]
    if late.any():
        session, slot = np.nonzero(late)
        before = np.where(slot > problem.first_slot[session], setpoints[session, slot - 1], floor[session])
        seconds[session, slot] -= problem.edge_guard_s * (setpoints[session, slot] - before)
    if early.any():
        session, slot = np.nonzero(early)
        follows = slot + 1 < problem.end_slot[session]
        after = np.where(follows, setpoints[session, np.minimum(slot + 1, problem.slots - 1)], floor[session])
        seconds[session, slot] -= problem.edge_guard_s * (setpoints[session, slot] - after)
    energy: Ints = seconds * problem.power_dw[:, None]
    for index in problem.tapers:
        energy[index] = drawn_units(problem, index, setpoints[index], late[index], early[index])
    return energy


def cost_units(problem: Problem, energy: Ints) -> int:
    """Return the exact cost of (S, T) energies into the cars in money units (convention 1)."""
    return weighted_units(delivered_units(problem, energy), problem.price_seconds, problem.seconds)
