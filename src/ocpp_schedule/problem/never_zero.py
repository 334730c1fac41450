"""Stations that must never be told 0: what their connectors get at least (convention 24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.timegrid import short_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.demands import Table
    from ocpp_schedule.problem.own import OwnRules
    from ocpp_schedule.timegrid import TimeGrid

LISTED = 5
"""Stations named in a notice; more do not help the reader."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is never told 0.

    Attributes:
        connectors: (C,) bool; None: none is.
        sessions: (S,) bool, sessions that get at least their minimum in all their slots; None: there are none.
        notices: what is reserved for it.
    """

    connectors: Bools | None = None
    sessions: Bools | None = None
    notices: tuple[str, ...] = ()


def kept_on(site: Site, table: Table, connectors: Sequence[Connector]) -> Kept:
    """Return what must not be told 0; ``connectors`` are sorted by id."""
    named = sorted(station.id for station in site.stations if station.capabilities.pause == "min_current")
    if not named:
        return Kept()
    own = np.isin([connector.station for connector in connectors], named)
    sessions = own[table.connector] & (table.end > table.first)
    listed = ", ".join(named[:LISTED]) + (f" and {len(named) - LISTED} more" if len(named) > LISTED else "")
    notice = f"never told 0, so their connectors keep at least their minimum, reserved in every slot: {listed}"
    return Kept(own, sessions if sessions.any() else None, (notice,))


def least_floors(idle: Ints, minimum: Ints, table: Table, kept: Kept) -> Ints:
    """Return (C,) idle floors, where 0 is not told at least the minimum of an unknown car and of every known one.

    So much is reserved in every slot, and no row can take from a session there what it must be given.

    Args:
        idle: (C,) idle floors otherwise [steps].
        minimum: (C,) of an unknown car [steps].
        table: the sessions.
        kept: the connectors.
    """
    if kept.connectors is None:
        return idle
    least = minimum.copy()
    inside = table.end > table.first
    np.maximum.at(least, table.connector[inside], table.min_steps[inside])
    return np.where(kept.connectors, np.maximum(idle, least), idle)


def raised_caps(caps: Ints, inside: Bools, table: Table, kept: Kept) -> Ints:
    """Return (S, T) caps that leave kept sessions their minimum, below rows in alarm too: it is the idle floor's."""
    if kept.sessions is None:
        return caps
    return np.where(kept.sessions[:, None] & inside, np.maximum(caps, table.min_steps[:, None]), caps)


def checked(caps: Ints, inside: Bools, table: Table, kept: Kept, own: OwnRules | None, grid: TimeGrid) -> Ints:
    """Return the caps with those of single sessions, if no session must get nothing whose station is not told that.

    Args:
        caps: (S, T) largest set-points otherwise.
        inside: (S, T) slots that can be planned.
        table: the sessions.
        kept: those that get at least their minimum.
        own: availability and highest prices.
        grid: for the time.

    Raises:
        InputError: naming session, slot and what forbids charging.
    """
    caps = caps if own is None else np.minimum(own.caps, caps)
    if kept.sessions is None:
        return caps
    wrong = kept.sessions[:, None] & inside & ((caps < table.min_steps[:, None]) | (caps == 0))
    problems = []
    for session in np.flatnonzero(wrong.any(axis=1)).tolist():
        slot = int(np.argmax(wrong[session]))
        car = table.sessions[session]
        what = (
            f"connector {car.connector!r} must never be told 0 (pause='min_current'), and from "
            f"{short_utc(grid.edge(slot))} on it must get nothing: {_cause(table, session, slot, own)}. "
            "Lift that, let the session end before, or correct the capability."
        )
        problems.append(InputProblem(f"session {car.id!r}", what))
    if problems:
        raise InputError("schedule()", problems)
    return caps


def _cause(table: Table, session: int, slot: int, own: OwnRules | None) -> str:
    car = table.sessions[session]
    if not table.max_steps[session]:
        return "it cannot charge there at all"
    for one in own.withheld if own else ():
        if one.session == session and one.first <= slot < one.end:
            return one.name
    if own and int(own.caps[session, slot]) < int(table.min_steps[session]):
        return f"max_price_per_kwh={car.max_price_per_kwh:g}" if car.max_price_per_kwh is not None else "availability"
    return "it waits for surplus"
