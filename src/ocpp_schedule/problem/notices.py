"""What is left out of a plan without harm, and why (convention 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.timegrid import short_utc

if TYPE_CHECKING:
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.problem.arrays import Bools


def left_out(ordered: list[KnownSession], empty: Bools, outside: Bools) -> tuple[str, ...]:
    """Return notices of the sessions without a slot."""
    notices = []
    for index in np.flatnonzero(empty).tolist():
        session = ordered[index]
        window = f"{short_utc(session.arrival)} to {short_utc(session.departure)}"
        if outside[index]:
            notices.append(f"session {session.id} ({window}) is outside the grid and ignored")
        else:
            notices.append(f"session {session.id} ({window}) contains no whole slot; it gets nothing")
    return tuple(notices)


def passed_milestones(ordered: list[KnownSession], start_s: int) -> tuple[str, ...]:
    """Return notices of the milestones before the grid."""
    return tuple(
        f"session {session.id}: milestones[{index}] ({short_utc(milestone.by)}) is before the grid and ignored"
        for session in ordered
        for index, milestone in enumerate(session.milestones)
        if milestone.by.timestamp() <= start_s < session.departure.timestamp()
    )
