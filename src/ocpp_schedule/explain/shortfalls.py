"""Who misses energy, where, and which limit proves that it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.units import energy_to_wh

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from ocpp_schedule.problem.arrays import Ints, Problem

LISTED = 6
"""Session ids in one line; more are counted."""
TIGHT_UA = 600_000
"""Less room than a tenth of the smallest pilot current: the row is as good as full."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Energy that sessions miss together.

    Attributes:
        sessions: who shares the window and the limit.
        missing_wh: what they miss together [Wh].
        wanted_wh: what they want together [Wh].
        possible_wh: the most they can get, where ``proven`` [Wh].
        start, end: the window.
        limit: name of the row that is full (``circuit main L1``), or ``""`` where the session's own window limits it.
        proven: the numbers show by themselves that nothing better is possible.
        zone: for printing.
    """

    sessions: tuple[str, ...]
    missing_wh: float
    wanted_wh: float
    possible_wh: float | None
    start: datetime
    end: datetime
    limit: str
    proven: bool
    zone: tzinfo

    def __str__(self) -> str:
        names = ", ".join(self.sessions[:LISTED])
        if len(self.sessions) > LISTED:
            names += f" and {len(self.sessions) - LISTED} more"
        window = f"{self.start.astimezone(self.zone):%H:%M}-{self.end.astimezone(self.zone):%H:%M}"
        verb = "share" if len(self.sessions) > 1 else "has"
        wanted = f"{self.wanted_wh:,.0f} Wh wanted"
        if not self.proven:
            reason = f"{self.limit} is full there" if self.limit else "no single limit explains it"
        elif self.limit:
            reason = f"{self.limit} gives at most {self.possible_wh:,.0f}"
        else:
            reason = f"the car and its connector can take at most {self.possible_wh:,.0f}"
        return f"{names}: {self.missing_wh:,.0f} Wh short ({names} {verb} {window}; {wanted}, {reason})"


def missing_energy(problem: Problem, slot_energy_units: Ints) -> Ints:
    """Return what each demand misses [0.1 J], shape (D,).

    Args:
        problem: compiled arrays.
        slot_energy_units: (S, T) energy that each session gets in each slot, guard losses taken off [0.1 J].
    """
    given = np.cumsum(slot_energy_units, axis=1)
    padded = np.concatenate((np.zeros((given.shape[0], 1), dtype=np.int64), given), axis=1)
    got = padded[problem.demand_session, problem.demand_end]
    missing: Ints = np.maximum(problem.demand_wish_units - got, 0)
    return missing


def find_shortfalls(problem: Problem, setpoints: Ints, missing_units: Ints, time_zone: str) -> tuple[Shortfall, ...]:
    """Return the shortfalls of a plan, those that share a full row in one.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        missing_units: (D,) missing energy of each demand [0.1 J].
        time_zone: for printing.
    """
    missing = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(missing, problem.demand_session, missing_units)
    zone = ZoneInfo(time_zone)
    grouped: set[int] = set()
    found = []
    for session in np.flatnonzero(missing).tolist():
        if session in grouped:
            continue
        one, members = _explain(problem, setpoints, missing, session, zone)
        grouped.update(members)
        found.append(one)
    return tuple(found)


def _explain(
    problem: Problem, setpoints: Ints, missing: Ints, session: int, zone: tzinfo
) -> tuple[Shortfall, list[int]]:
    own = _own_window(problem, missing, session, zone)
    if own is not None:
        return own, [session]
    best: tuple[Shortfall, list[int]] | None = None
    for node, line in _rows_of(problem, session):
        candidate = _row_proof(problem, setpoints, missing, session, node, line, zone)
        if candidate is not None and (best is None or candidate[0].proven > best[0].proven):
            best = candidate
    if best is not None:
        return best
    first, end = int(problem.first_slot[session]), int(problem.end_slot[session])
    shortfall = Shortfall(
        sessions=(problem.session_ids[session],),
        missing_wh=energy_to_wh(int(missing[session])),
        wanted_wh=energy_to_wh(_wanted(problem, session)),
        possible_wh=None,
        start=problem.grid.edge(first),
        end=problem.grid.edge(end),
        limit="",
        proven=False,
        zone=zone,
    )
    return shortfall, [session]


def _wanted(problem: Problem, session: int) -> int:
    return int(problem.demand_wish_units[problem.demand_session == session].max())


def _most_units(problem: Problem, session: int) -> Ints:
    """Return (T,) the most a session can take in each slot by itself [0.1 J]."""
    most: Ints = problem.cap_steps[session] * problem.power_dw[session] * problem.seconds
    return most


def _own_window(problem: Problem, missing: Ints, session: int, zone: tzinfo) -> Shortfall | None:
    possible, wanted = int(_most_units(problem, session).sum()), _wanted(problem, session)
    if possible >= wanted:
        return None
    first, end = int(problem.first_slot[session]), int(problem.end_slot[session])
    return Shortfall(
        sessions=(problem.session_ids[session],),
        missing_wh=energy_to_wh(int(missing[session])),
        wanted_wh=energy_to_wh(wanted),
        possible_wh=energy_to_wh(possible),
        start=problem.grid.edge(first),
        end=problem.grid.edge(end),
        limit="",
        proven=True,
        zone=zone,
    )


def _rows_of(problem: Problem, session: int) -> list[tuple[int, int]]:
    nodes = np.flatnonzero(problem.connector_nodes[:, problem.session_connector[session]])
    return [(node, line) for node in nodes.tolist() for line in np.flatnonzero(problem.line_ua[session]).tolist()]


def _row_proof(
    problem: Problem, setpoints: Ints, missing: Ints, session: int, node: int, line: int, zone: tzinfo
) -> tuple[Shortfall, list[int]] | None:
    """Return the shortfall seen from one row, proven where demand exceeds what the row can pass.

    In the slots where the row is full, sessions that need more than they can take elsewhere cannot
    together get more than the row passes, each ampere turned into at most the best session's power.
    """
    below = problem.connector_nodes[node, problem.session_connector] & (problem.line_ua[:, line] > 0)
    free = problem.free_ua[node, line]
    floor = problem.floor_ua[problem.session_connector, line]
    booked = np.maximum(setpoints * problem.line_ua[:, line, None] - floor[:, None], 0)[below].sum(axis=0)
    slots = np.arange(problem.slots)
    inside = (slots >= problem.first_slot[session]) & (slots < problem.end_slot[session])
    full = inside & (free - booked < TIGHT_UA)
    if not full.any():
        return None
    members, elsewhere, wanted = [], 0, 0
    for other in np.flatnonzero(below).tolist():
        most = _most_units(problem, other)
        outside = int(most[~full].sum())
        wish = _wanted(problem, other)
        if wish > outside:
            members.append(other)
            elsewhere += outside
            wanted += wish
    if session not in members:
        return None
    power = np.array([problem.power_dw[m] / problem.line_ua[m, line] for m in members])
    reserved = sum(int(floor[m]) for m in members)
    passed = int(((free[full] + reserved) * problem.seconds[full]).sum() * power.max())
    possible = elsewhere + passed
    span = np.flatnonzero(full)
    shortfall = Shortfall(
        sessions=tuple(problem.session_ids[m] for m in members),
        missing_wh=energy_to_wh(int(missing[members].sum())),
        wanted_wh=energy_to_wh(wanted),
        possible_wh=energy_to_wh(possible),
        start=problem.grid.edge(int(span[0])),
        end=problem.grid.edge(int(span[-1]) + 1),
        limit=problem.row_name(node, line),
        proven=possible < wanted,
        zone=zone,
    )
    return shortfall, members
