"""Filling one session's window within the room that the others leave: 0 or at least the minimum, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.patterns import is_flagged, refill_runs, top_up_runs, trim_runs
from ocpp_schedule.solve.pieces import is_pieced, refill_pieces, top_up_pieces, trim_pieces
from ocpp_schedule.solve.pouring import fill, fill_levels
from ocpp_schedule.solve.tapering import refill_taper, top_up_taper

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats
    from ocpp_schedule.solve.working import WorkingPlan


def _chased(plan: WorkingPlan, session: int) -> list[tuple[int, int, bool]]:
    """Return (end within the window, energy [0.1 J], whether at any price) of a session's demands, earliest first."""
    problem = plan.problem
    first = int(problem.first_slot[session])
    low, high = np.searchsorted(problem.demand_session, [session, session + 1])
    return sorted(
        (int(problem.demand_end[demand]) - first, int(problem.demand_units[demand]), plan.chased[demand])
        for demand in range(int(low), int(high))
    )


def refill(plan: WorkingPlan, session: int, price: Floats) -> None:
    """Plan one session anew, cheapest slots first, in the room that the others leave.

    Args:
        plan: is changed.
        session: index.
        price: (W,) order of the window's slots, lowest first; below 0 where a step is worth more than it costs.
    """
    if is_pieced(plan.problem, session):
        refill_pieces(plan, session, price)
        return
    if is_flagged(plan.problem, session):
        refill_runs(plan, session, price)
        return
    if session in plan.problem.tapers:
        refill_taper(plan, session, price)
        return
    window = plan.window(session)
    room = plan.room(session)
    low = int(plan.problem.min_steps[session])
    room[room < low] = 0
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    levels = plan.problem.levels.get(session)
    setpoints = np.zeros_like(room)
    order = np.argsort(price, kind="stable")
    for end, units, at_any_price in _chased(plan, session):
        allowed = order[(order < end) & (at_any_price | (price[order] < 0))]
        missing = units - int((setpoints[:end] * energy[:end]).sum())
        if levels is None:
            fill(setpoints, room, energy, allowed, missing, low)
        else:
            fill_levels(setpoints, room, energy, allowed, missing, levels)
    plan.assign(session, setpoints)


def top_up(
    plan: WorkingPlan, session: int, price: Floats, missing_units: int, end: int, *, at_any_price: bool = True
) -> bool:
    """Add energy to a session where room is left: slots that are on first, then new ones.

    Args:
        plan: is changed.
        session: index.
        price: (W,) order of the slots, lowest first.
        missing_units: what to add [0.1 J].
        end: slots of the window before this one may be used.
        at_any_price: else only where the price is below 0.

    Returns:
        whether the plan changed.
    """
    if is_pieced(plan.problem, session):
        return at_any_price and top_up_pieces(plan, session, price, missing_units, end)
    if is_flagged(plan.problem, session):
        return at_any_price and top_up_runs(plan, session, price, missing_units, end)
    if session in plan.problem.tapers:
        return at_any_price and top_up_taper(plan, session, price, missing_units, end)
    window = plan.window(session)
    setpoints = plan.setpoints[session, window].copy()
    room = plan.room(session)
    low = int(plan.problem.min_steps[session])
    room[room < low] = 0
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    order = np.argsort(price, kind="stable")
    order = order[(order < end) & (at_any_price | (price[order] < 0))]
    levels = plan.problem.levels.get(session)
    if levels is not None:
        on_first = order[np.argsort(setpoints[order] == 0, kind="stable")]
        fill_levels(setpoints, room, energy, on_first, missing_units, levels)
        return plan.assign(session, setpoints)
    on = order[setpoints[order] > 0] if low > 1 else order
    missing_units = fill(setpoints, room, energy, on, missing_units, 0)
    if missing_units > 0 and low > 1:
        fill(setpoints, room, energy, order[setpoints[order] == 0], missing_units, low)
    return plan.assign(session, setpoints)


def trim(plan: WorkingPlan, session: int, price: Floats, surplus_units: int) -> bool:
    """Take energy away again, dearest slots first, where a set-point stays 0 or at least the minimum.

    Returns:
        whether the plan changed.
    """
    if is_pieced(plan.problem, session):
        return trim_pieces(plan, session, price, surplus_units)
    if is_flagged(plan.problem, session):
        return trim_runs(plan, session, price, surplus_units)
    if session in plan.problem.tapers:
        return False  # it is planned to draw what it wants and no more
    window = plan.window(session)
    setpoints = plan.setpoints[session, window].copy()
    low, levels = int(plan.problem.min_steps[session]), plan.problem.levels.get(session)
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    smallest = int(energy.min(initial=surplus_units + 1))
    for slot in np.argsort(-price, kind="stable").tolist():
        if surplus_units < smallest:
            break
        here, unit = int(setpoints[slot]), int(energy[slot])
        give = min(here, surplus_units // unit)
        if levels is not None:
            give = here - int(levels[np.searchsorted(levels, here - give)])
        elif give < here:
            give = min(give, max(here - low, 0))
        setpoints[slot] -= give
        surplus_units -= give * unit
    return plan.assign(session, setpoints)
