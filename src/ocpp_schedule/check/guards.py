"""Late raises and early lowerings: which flags belong to an edge, and what they lose (convention 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings


@dataclass(frozen=True, slots=True)
class Guards:
    """Flags of one sort that are in order, as parallel arrays.

    Attributes:
        session: row of the set-points.
        slot: slot of the flagged set-point.
        lost_steps: how far the set-point stands above what is held instead, for the length of the guard.
    """

    session: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    lost_steps: npt.NDArray[Any]


def guards_of(
    sort: Literal["late_raise", "early_lowering"],
    flags: npt.NDArray[np.bool_],
    setpoints: npt.NDArray[Any],
    cars: Cars,
    outlets: Outlets,
    seconds: npt.NDArray[np.int64],
    guard_s: int,
    findings: Findings,
    *,
    first: int = 0,
) -> Guards:
    """Return the flags of one sort that belong to an edge, and report the others.

    A late raise stands before a rise, an early lowering before a fall. The neighbour is the set-point of the
    same session, or the idle floor outside its window; the grid's own start and end are no edges.

    Args:
        sort: which of the two.
        flags: (sessions, slots) bool.
        setpoints: (sessions, slots) steps, 0 outside the windows.
        cars: the sessions.
        outlets: the connectors.
        seconds: (slots,) length of the slots.
        guard_s: the guard.
        findings: takes the violations.
        first: slots before this one are under way: nothing in them can be guarded.
    """
    if not flags.any():
        return Guards(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    session, slot = np.nonzero(flags)
    last = setpoints.shape[1] - 1
    neighbour = slot - 1 if sort == "late_raise" else slot + 1
    in_window = (slot >= cars.first[session]) & (slot < cars.last[session])
    same_car = (neighbour >= cars.first[session]) & (neighbour < cars.last[session])
    held = np.where(same_car, setpoints[session, np.clip(neighbour, 0, last)], outlets.idle_steps[cars.outlet[session]])
    lost = setpoints[session, slot] - held
    has_edge = in_window & (slot >= first) & (neighbour >= 0) & (neighbour <= last)
    fits = (seconds[slot] > 2 * guard_s) & (guard_s > 0)
    good = has_edge & fits & (lost > 0)
    change = "no raise" if sort == "late_raise" else "no lowering"
    for at in np.flatnonzero(~good).tolist():
        s, t = int(session[at]), int(slot[at])
        if not has_edge[at]:
            seen, allowed = f"{sort} set", "only at an edge between two slots of the grid, inside the session"
        elif not fits[at]:
            seen = f"{sort} set in a slot of {seconds[t]} s with a guard of {guard_s} s"
            allowed = "only with a guard above 0 s, in slots longer than twice the guard"
        else:
            seen = f"{sort} set where there is {change}: {setpoints[s, t]} steps, {held[at]} steps beside it"
            allowed = f"only at a {change[3:]}"
        findings.add("edge", "session", cars.ids[s], seen, allowed, relation="", slot=t)
    return Guards(session[good], slot[good], lost[good])
