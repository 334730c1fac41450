"""Who misses energy, where, and which limit proves that it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.units import energy_to_wh

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from ocpp_schedule.problem.arrays import Bools, Ints, Problem

LISTED = 6
"""Session ids in one line; more are counted."""
TIGHT_UNITS = 600_000
"""Less room than 0.6 A, a tenth of the smallest pilot current, or 600 VA in total: the row is as good as full."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Energy that sessions miss together.

    Attributes:
        sessions: who shares the window and the limit.
        missing_wh: what they miss together [Wh].
        wanted_wh: what they want together [Wh].
        possible_wh: the most they can get, where ``proven`` [Wh].
        start, end: the window.
        limit: name of the row that is full (``circuit main L1``), or of what availability takes (``station CP1
            (outage)``), or ``""`` where the session's own window limits it.
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

    A session with milestones is explained by the demand that misses most, of equal ones by the earliest.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        missing_units: (D,) missing energy of each demand [0.1 J].
        time_zone: for printing.
    """
    view = _View(problem, setpoints, _worst_demands(problem, missing_units), missing_units, ZoneInfo(time_zone))
    explained: set[int] = set()
    found = []
    for session in range(problem.sessions):
        if session in explained or not view.missing(session):
            continue
        one, members = view.explain(session, explained)
        explained.update(members)
        found.append(one)
    return tuple(found)


def _worst_demands(problem: Problem, missing_units: Ints) -> Ints:
    """Return (S,) the demand of each session that misses most; its last, the wanted energy, where none misses any."""
    number = np.arange(problem.demand_session.size)
    # By session, then by what is missing, then the earliest; the wish alone counts where nothing is missing.
    later = np.where(missing_units > 0, -problem.demand_end, number)
    order = np.lexsort((later, missing_units, problem.demand_session))
    last = np.searchsorted(problem.demand_session[order], np.arange(problem.sessions), side="right") - 1
    worst: Ints = order[last]
    return worst


@dataclass(frozen=True, slots=True)
class _View:
    """What is looked at: a plan, and for each session the demand that explains it.

    Attributes:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        demand: (S,) index of the demand.
        missing_units: (D,) [0.1 J].
        zone: for printing.
    """

    problem: Problem
    setpoints: Ints
    demand: Ints
    missing_units: Ints
    zone: tzinfo

    def missing(self, session: int) -> int:
        """Return what the session misses [0.1 J]."""
        return int(self.missing_units[self.demand[session]])

    def wanted(self, session: int) -> int:
        """Return what the session wants [0.1 J]."""
        return int(self.problem.demand_wish_units[self.demand[session]])

    def most(self, session: int) -> Ints:
        """Return (T,) the most a session can take by itself in the slots that count for its demand [0.1 J]."""
        problem = self.problem
        most: Ints = problem.cap_steps[session] * problem.power_dw[session] * problem.seconds
        most[int(problem.demand_end[self.demand[session]]) :] = 0
        return most

    def explain(self, session: int, explained: set[int]) -> tuple[Shortfall, list[int]]:
        """Return the shortfall of a session, and everybody in it; the row that proves it comes first."""
        possible = int(self.most(session).sum())
        if possible < self.wanted(session):
            return self._alone(session, possible), [session]
        best: tuple[Shortfall, list[int]] | None = None
        for node, line in self._rows_of(session):
            candidate = self._row_proof(session, node, line, explained)
            if candidate is not None and (best is None or candidate[0].proven > best[0].proven):
                best = candidate
        return best or (self._alone(session, None), [session])

    def _alone(self, session: int, possible: int | None) -> Shortfall:
        problem = self.problem
        first = int(problem.first_slot[session])
        end = max(int(problem.demand_end[self.demand[session]]), first)
        return Shortfall(
            sessions=(problem.session_ids[session],),
            missing_wh=energy_to_wh(self.missing(session)),
            wanted_wh=energy_to_wh(self.wanted(session)),
            possible_wh=None if possible is None else energy_to_wh(possible),
            start=problem.grid.edge(first),
            end=problem.grid.edge(end),
            limit="" if possible is None else self._withheld(session, end),
            proven=possible is not None,
            zone=self.zone,
        )

    def _withheld(self, session: int, end: int) -> str:
        """Return the names of what availability takes from a session before slot ``end``; empty for nothing."""
        mine = [one.name for one in self.problem.withheld if one.session == session and one.first < end]
        return " and ".join(dict.fromkeys(mine))

    def _rows_of(self, session: int) -> list[tuple[int, int]]:
        problem = self.problem
        nodes = np.flatnonzero(problem.connector_nodes[:, problem.session_connector[session]])
        return [
            (node, line) for node in nodes.tolist() for line in np.flatnonzero(problem.load_units[session]).tolist()
        ]

    def _row_proof(self, session: int, node: int, line: int, explained: set[int]) -> tuple[Shortfall, list[int]] | None:
        """Return the shortfall seen from one row, proven where demand exceeds what the row can pass.

        In the slots where the row is full, sessions that need more than they can take elsewhere cannot
        together get more than the row passes, each unit turned into at most the best session's power.
        """
        problem = self.problem
        full = self._full(session, node, line)
        if not full.any():
            return None
        below = problem.connector_nodes[node, problem.session_connector] & (problem.load_units[:, line] > 0)
        members, elsewhere = [], 0
        for other in np.flatnonzero(below).tolist():
            outside = int(self.most(other)[~full].sum())
            if self.wanted(other) > outside:
                members.append(other)
                elsewhere += outside
        if session not in members:
            return None
        wanted = sum(self.wanted(member) for member in members)
        power = max(Fraction(int(problem.power_dw[m]), int(problem.load_units[m, line])) for m in members)
        reserved = sum(int(problem.floor_units[problem.session_connector[m], line]) for m in members)
        passed = ((problem.free_units[node, line, full] + reserved) * problem.seconds[full]).tolist()
        possible = elsewhere + int(sum(passed) * power)
        span = np.flatnonzero(full)
        shortfall = Shortfall(
            sessions=tuple(problem.session_ids[m] for m in members),
            missing_wh=energy_to_wh(sum(self.missing(m) for m in members if m not in explained)),
            wanted_wh=energy_to_wh(wanted),
            possible_wh=energy_to_wh(possible),
            start=problem.grid.edge(int(span[0])),
            end=problem.grid.edge(int(span[-1]) + 1),
            limit=problem.row_name(node, line),
            proven=possible < wanted,
            zone=self.zone,
        )
        return shortfall, members

    def _full(self, session: int, node: int, line: int) -> Bools:
        """Return (T,) the slots of the session's demand in which a row has next to no room left."""
        problem = self.problem
        below = problem.connector_nodes[node, problem.session_connector]
        floor = problem.floor_units[problem.session_connector, line]
        above = np.maximum(self.setpoints * problem.load_units[:, line, None] - floor[:, None], 0)
        slots = np.arange(problem.slots)
        counted = (slots >= problem.first_slot[session]) & (slots < problem.demand_end[self.demand[session]])
        full: Bools = counted & (problem.free_units[node, line] - above[below].sum(axis=0) < TIGHT_UNITS)
        return full
