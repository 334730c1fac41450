"""What the referee takes for known of sessions that did not say (convention 21)."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, cast

from ocpp_schedule.units import exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.session import KnownSession, Session


def filled(sessions: Sequence[Session], defaults: SessionDefaults | None, start: datetime) -> tuple[KnownSession, ...]:
    """Return the sessions, each with departure and energy; ``start`` is that of the grid."""
    if defaults is None:
        return cast("tuple[KnownSession, ...]", tuple(sessions))
    arrivals: dict[str, list[datetime]] = {}
    for session in sessions:
        arrivals.setdefault(session.connector, []).append(session.arrival)
    for times in arrivals.values():
        times.sort()
    return tuple(
        cast("KnownSession", session)
        if session.departure is not None and session.energy_wh is not None
        else _filled(session, defaults, arrivals[session.connector], start)
        for session in sessions
    )


def _filled(session: Session, defaults: SessionDefaults, arrivals: list[datetime], start: datetime) -> KnownSession:
    goals = session.milestones
    leaves = session.departure
    if leaves is None:
        earliest = [session.arrival + timedelta(seconds=defaults.stay_s), *(goal.by for goal in goals)]
        if session.transaction_id is not None:
            earliest.append(start + timedelta(seconds=defaults.overdue_s))
        leaves = min([max(earliest), *(arrival for arrival in arrivals if arrival > session.arrival)])
    energy = session.energy_wh
    if energy is None:
        least = [goal.energy_wh for goal in goals]
        if session.soc_percent is None or session.battery_wh is None:
            energy = max([defaults.energy_wh, *least])
        else:
            percent = max(Fraction(0), exact(defaults.target_percent) - exact(session.soc_percent))
            into_battery = percent * exact(session.battery_wh) / 100
            energy = max([float(ceil(into_battery / exact(defaults.efficiency))), *least])
    return cast("KnownSession", session.model_copy(update={"departure": leaves, "energy_wh": energy}))
