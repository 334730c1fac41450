"""Which conductors are in the way of a car: those that leave it not one step more (convention 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.phasors import LINES, PhasorUse

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem


def full_conductors(problem: Problem, setpoints: Ints, session: int) -> Bools:
    """Return (R, T) where a conductor leaves a session not one step more, or less than its minimum where it is 0.

    Conductors in alarm are not among them. Without conductors there are no rows.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        session: its index.
    """
    if problem.phasors is None:
        return np.zeros((0, problem.slots), dtype=np.bool_)
    own = setpoints[session]
    more = np.maximum(own + 1, max(int(problem.min_steps[session]), 1))
    return PhasorUse(problem, setpoints).exceeded_by(session, own, more)


def charging_on(problem: Problem, setpoints: Ints, conductor: int, slot: int) -> set[str]:
    """Return the sessions that charge on a conductor in a slot."""
    assert problem.phasors is not None  # noqa: S101 - there is a conductor, for the type checker
    mine = problem.phasors.entry_column[problem.phasors.entry_row == conductor] // LINES
    charging = np.isin(problem.session_connector, mine) & (setpoints[:, slot] > 0)
    return {problem.session_ids[at] for at in np.flatnonzero(charging).tolist()}


def alarmed_conductors(problem: Problem, session: int, window: slice) -> list[str]:
    """Return the conductors in alarm in a window that a session could draw on."""
    phasors = problem.phasors
    if phasors is None:
        return []
    place, line = np.divmod(phasors.entry_column, LINES)
    draws = (place == problem.session_connector[session]) & (problem.load_units[session, line] > 0)
    rows = np.intersect1d(phasors.entry_row[draws], np.flatnonzero(phasors.alarm[:, window].any(axis=1)))
    return [phasors.names[row] for row in rows.tolist()]
