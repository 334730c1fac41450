"""Sessions that did not say when they leave or how much they want, with what is assumed (convention 21)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.session import KnownSession, Session


def known_sessions(
    sessions: Sequence[Session], defaults: SessionDefaults | None, grid_start: datetime
) -> tuple[list[KnownSession], tuple[str, ...]]:
    """Return the sessions with departure and energy, in the order given, and a notice for what was assumed.

    Args:
        sessions: as the caller gave them.
        defaults: what to assume; None only where every session is known.
        grid_start: start of the grid.
    """
    if defaults is None or all(one.departure is not None and one.energy_wh is not None for one in sessions):
        return cast("list[KnownSession]", list(sessions)), ()
    known = []
    notices = []
    for session in sessions:
        assumed: dict[str, object] = {}
        said = []
        if session.departure is None:
            assumed["departure"], why = _departure(session, sessions, defaults, grid_start)
            said.append(f"departure {short_utc(cast('datetime', assumed['departure']))} ({why})")
        if session.energy_wh is None:
            assumed["energy_wh"], why = _energy_wh(session, defaults)
            said.append(f"energy {assumed['energy_wh']:,.0f} Wh ({why})")
        known.append(cast("KnownSession", session.model_copy(update=assumed) if assumed else session))
        if said:
            notices.append(f"session {session.id}: assumed {' and '.join(said)}")
    return known, tuple(notices)


def _departure(
    session: Session, sessions: Sequence[Session], defaults: SessionDefaults, grid_start: datetime
) -> tuple[datetime, str]:
    leaves, why = session.arrival + timedelta(seconds=defaults.stay_s), f"a stay of {defaults.stay_s} s"
    overdue = grid_start + timedelta(seconds=defaults.overdue_s)
    if session.transaction_id is not None and leaves < overdue:
        leaves, why = overdue, f"still charging, so {defaults.overdue_s} s from the start of the grid"
    if session.milestones and leaves < (last := max(goal.by for goal in session.milestones)):
        leaves, why = last, "its last milestone"
    following = [
        other.arrival
        for other in sessions
        if other.connector == session.connector and session.arrival < other.arrival < leaves
    ]
    if following:
        leaves, why = min(following), "the next car of its connector"
    return leaves, why


def _energy_wh(session: Session, defaults: SessionDefaults) -> tuple[float, str]:
    energy, why = defaults.energy_wh, "the default"
    if session.battery_wh is not None and session.soc_percent is not None:
        rise = max(exact(defaults.target_percent) - exact(session.soc_percent), exact(0))
        needed = exact(session.battery_wh) * rise / 100 / exact(defaults.efficiency)
        energy, why = float(-(-needed // 1)), f"from {session.soc_percent:g} to {defaults.target_percent:g} %"
    goals = [goal.energy_wh for goal in session.milestones if goal.energy_wh > energy]
    return (max(goals), "its largest milestone") if goals else (energy, why)
