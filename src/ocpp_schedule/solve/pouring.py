"""Pouring energy into slots in a given order: what filling and patterns share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem


def demands_of(problem: Problem, session: int) -> list[tuple[int, int]]:
    """Return (end within the window, energy [0.1 J]) of a session's demands, earliest first."""
    first = int(problem.first_slot[session])
    low, high = np.searchsorted(problem.demand_session, [session, session + 1])
    pairs = [
        (int(problem.demand_end[demand]) - first, int(problem.demand_units[demand]))
        for demand in range(int(low), int(high))
    ]
    return sorted(pairs)


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


def fill_levels(setpoints: Ints, room: Ints, energy: Ints, order: Ints, missing_units: int, levels: Ints) -> int:
    """As ``fill``, where only the set-points ``levels`` (0 first) are allowed, and ``room`` is one of them.

    A slot goes to the lowest level that covers what is missing, unless that is a smallest level or more too much.
    """
    for slot in order.tolist():
        if missing_units <= 0:
            break
        unit, before = int(energy[slot]), int(setpoints[slot])
        wanted = before - (-missing_units // unit)
        reach = levels[levels <= room[slot]]
        at = min(int(np.searchsorted(reach, wanted)), reach.size - 1)
        if (int(reach[at]) - before) * unit - missing_units >= int(levels[1]) * unit:
            at -= 1
        if int(reach[at]) > before:
            missing_units -= (int(reach[at]) - before) * unit
            setpoints[slot] = reach[at]
    return missing_units
