"""Filling one session's window within the room that the others leave: 0 or at least the minimum, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints
    from ocpp_schedule.solve.working import WorkingPlan


def demands_of(plan: WorkingPlan, session: int) -> list[tuple[int, int]]:
    """Return (end within the window, energy [0.1 J]) of a session's demands, earliest first."""
    problem = plan.problem
    first = int(problem.first_slot[session])
    low, high = np.searchsorted(problem.demand_session, [session, session + 1])
    pairs = [
        (int(problem.demand_end[demand]) - first, int(problem.demand_units[demand]))
        for demand in range(int(low), int(high))
    ]
    return sorted(pairs)


def refill(plan: WorkingPlan, session: int, price: Floats) -> None:
    """Plan one session anew, cheapest slots first, in the room that the others leave.

    Args:
        plan: is changed.
        session: index.
        price: (W,) order of the window's slots, lowest first.
    """
    window = plan.window(session)
    room = plan.room(session)
    low = int(plan.problem.min_steps[session])
    room[room < low] = 0
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    setpoints = np.zeros_like(room)
    order = np.argsort(price, kind="stable")
    for end, units in demands_of(plan, session):
        allowed = order[order < end]
        fill(setpoints, room, energy, allowed, units - int((setpoints[:end] * energy[:end]).sum()), low)
    plan.assign(session, setpoints)


def top_up(plan: WorkingPlan, session: int, price: Floats, missing_units: int, end: int) -> bool:
    """Add energy to a session where room is left: slots that are on first, then new ones.

    Args:
        plan: is changed.
        session: index.
        price: (W,) order of the slots, lowest first.
        missing_units: what to add [0.1 J].
        end: slots of the window before this one may be used.

    Returns:
        whether the plan changed.
    """
    window = plan.window(session)
    setpoints = plan.setpoints[session, window].copy()
    room = plan.room(session)
    low = int(plan.problem.min_steps[session])
    room[room < low] = 0
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    order = np.argsort(price, kind="stable")
    order = order[order < end]
    on = order[setpoints[order] > 0] if low > 1 else order
    missing_units = fill(setpoints, room, energy, on, missing_units, 0)
    if missing_units > 0 and low > 1:
        fill(setpoints, room, energy, order[setpoints[order] == 0], missing_units, low)
    return plan.assign(session, setpoints)


def fill(setpoints: Ints, room: Ints, energy: Ints, order: Ints, missing_units: int, low: int) -> int:
    """Raise ``setpoints`` in the given order until ``missing_units`` are covered; return what is still missing.

    A slot that would stay below ``low`` is opened at ``low``; what that is too much is taken from the
    dearest slots filled before that stay at or above ``low``.
    """
    opened: list[int] = []
    spares = (room - setpoints)[order]
    for slot, spare in zip(order[spares > 0].tolist(), spares[spares > 0].tolist(), strict=True):
        if missing_units <= 0:
            break
        unit = int(energy[slot])
        take = min(spare, -(-missing_units // unit))
        if setpoints[slot] + take < low:
            take = low - int(setpoints[slot])
        setpoints[slot] += take
        missing_units -= take * unit
        opened.append(slot)
    if missing_units < 0 and low > 0:
        for slot in reversed(opened[:-1]):
            give = min(int(setpoints[slot]) - low, -missing_units // int(energy[slot]))
            if give > 0:
                setpoints[slot] -= give
                missing_units += give * int(energy[slot])
    return missing_units


def trim(plan: WorkingPlan, session: int, price: Floats, surplus_units: int) -> bool:
    """Take energy away again, dearest slots first, where a set-point stays 0 or at least the minimum.

    Returns:
        whether the plan changed.
    """
    window = plan.window(session)
    setpoints = plan.setpoints[session, window].copy()
    low = int(plan.problem.min_steps[session])
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    smallest = int(energy.min(initial=surplus_units + 1))
    for slot in np.argsort(-price, kind="stable").tolist():
        if surplus_units < smallest:
            break
        here, unit = int(setpoints[slot]), int(energy[slot])
        give = min(here, surplus_units // unit)
        if give < here:
            give = min(give, max(here - low, 0))
        setpoints[slot] -= give
        surplus_units -= give * unit
    return plan.assign(session, setpoints)
