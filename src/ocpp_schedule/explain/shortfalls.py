"""Who misses energy, where, and what proves that it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.explain.conductors import alarmed_conductors, full_conductors
from ocpp_schedule.explain.proof import Proof, Scale
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.units import energy_to_wh

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from ocpp_schedule.problem.arrays import Ints, Problem

LISTED: Final = 6
"""Session ids in one line; more are counted."""
WORTH_TELLING_WH: Final = 1.0
"""What a plan misses beyond its proof is told from here on; less is the last step of somebody."""

NAMED_CONDUCTORS: Final = 2
"""Conductors that are named where nothing is proven; neighbours in a tree are mostly full together."""

Cause = Literal["limit", "own", "minimum", "alarm", "availability", "conductor", "guard", "unexplained"]
"""What stands in the way. limit: rows that several share; own: the car and its connector; minimum: a row leaves less
than the minimum current; alarm, availability: slots in which nothing may be drawn; conductor: sums of phasors that are
full, whatever another plan could do; guard: losses at guarded edges."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Energy that sessions miss together.

    Attributes:
        sessions: who shares the window and the limit.
        missing_wh: what they miss together [Wh].
        wanted_wh: what they want together [Wh].
        possible_wh: the most that any plan can give them together, where ``proven`` [Wh].
        start, end: the window.
        limit: names of the rows that count (``circuit main L1``), or of what availability takes (``station CP1
            (outage)``); ``""`` where there is none.
        proven: ``wanted_wh - possible_wh`` is missing in every plan; exact, whoever computes it.
        zone: for printing.
        cause: what stands in the way.
        limits: the names in ``limit`` one by one.
        guard_wh: what the sessions lose at guarded edges [Wh].
        proof: sessions, demands and rows by their indices; None where nothing is proven.
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
    cause: Cause = "limit"
    limits: tuple[str, ...] = ()
    guard_wh: float = 0.0
    proof: Proof | None = field(default=None, repr=False, compare=False)

    @property
    def beyond_wh(self) -> float:
        """What is missing beyond the proof: minimum currents, whole steps, guarded edges, must-haves of others [Wh]."""
        return self.missing_wh - (self.wanted_wh - (self.possible_wh or 0.0)) if self.proven else self.missing_wh

    def __str__(self) -> str:
        names = ", ".join(self.sessions[:LISTED])
        if len(self.sessions) > LISTED:
            names += f" and {len(self.sessions) - LISTED} more"
        window = f"{self.start.astimezone(self.zone):%H:%M}-{self.end.astimezone(self.zone):%H:%M}"
        verb = "share" if len(self.sessions) > 1 else "has"
        wanted = f"{self.wanted_wh:,.0f} Wh wanted"
        return f"{names}: {self.missing_wh:,.0f} Wh short ({names} {verb} {window}; {wanted}, {self._reason()})"

    def _reason(self) -> str:
        possible = f"at most {self.possible_wh:,.0f}" if self.possible_wh is not None else ""
        beyond = ""
        if self.proven and self.beyond_wh >= WORTH_TELLING_WH:
            beyond = f"; {self.beyond_wh:,.0f} Wh more {self._beyond()}"
        return {
            "limit": f"{self.limit} {'gives' if len(self.limits) < 2 else 'give'} {possible}",  # noqa: PLR2004 - one or more
            "own": f"the car and its connector can take {possible}",
            "minimum": f"{self.limit} leaves less than the minimum current; the rest of the time gives {possible}",
            "alarm": f"{self.limit} is in alarm; the rest of the time gives {possible}",
            "availability": f"{self.limit or 'what it may draw'} leaves {possible}",
            "conductor": f"{self.limit} {'is' if len(self.limits) < 2 else 'are'} full",  # noqa: PLR2004 - one or more
            "guard": "all of it lost at guarded edges",
            "unexplained": "no limit proves it",
        }[self.cause] + beyond

    def _beyond(self) -> str:
        if self.guard_wh + WORTH_TELLING_WH > self.beyond_wh:
            return "lost at guarded edges"
        return "through minimum currents, whole steps, guarded edges or must-haves"


def missing_energy(problem: Problem, slot_energy_units: Ints) -> Ints:
    """Return what each demand misses [0.1 J], shape (D,); 0 for wishes of energy with a value.

    Args:
        problem: compiled arrays.
        slot_energy_units: (S, T) energy that each session gets in each slot, guard losses taken off [0.1 J].
    """
    given = np.cumsum(slot_energy_units, axis=1)
    padded = np.concatenate((np.zeros((given.shape[0], 1), dtype=np.int64), given), axis=1)
    got = padded[problem.demand_session, problem.demand_end]
    missing: Ints = np.maximum(problem.demand_wish_units - got, 0) * problem.demand_counted
    return missing


def find_shortfalls(
    problem: Problem, setpoints: Ints, slot_energy_units: Ints, time_zone: str
) -> tuple[Shortfall, ...]:
    """Return the shortfalls of a plan; sessions that share the limits of a proof are in one.

    The least energy that must be missing comes from a linear program; what its prices prove is computed exactly.
    Where no solver is installed, single rows are tried. What nothing proves is said to be unexplained.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        slot_energy_units: (S, T) energy given, guard losses taken off [0.1 J].
        time_zone: for printing.
    """
    missing = missing_energy(problem, slot_energy_units)
    if not missing.any():
        return ()
    lost = setpoints * problem.power_dw[:, None] * problem.seconds - slot_energy_units
    if problem.meter is not None:  # what is given back, and what a battery does not keep, is no matter of guards
        lost[[car.session for car in problem.meter.cars]] = 0
    view = _View(problem, tighten(problem), setpoints, missing, lost.sum(axis=1), ZoneInfo(time_zone))
    found = [view.of_proof(proof) for proof in proofs_of(view.tight, missing)]
    explained = {session for one in found if one.proof for session in one.proof.members}
    short = np.unique(problem.demand_session[missing > 0])
    found += [view.unproven(session) for session in short.tolist() if session not in explained]
    return tuple(sorted(found, key=lambda one: one.sessions))


def proofs_of(tight: Problem, missing_units: Ints) -> list[Proof]:
    """Return the proofs that there are for what is missing.

    Args:
        tight: compiled arrays, tightened.
        missing_units: (D,) what each demand misses [0.1 J].
    """
    scale = Scale(tight)
    if not tight.cap_steps.any():
        return _single_rows(tight, scale, missing_units)
    try:
        from ocpp_schedule.solve.shortage import shortage_prices  # noqa: PLC0415 - OR-Tools, which may be absent

        prices = shortage_prices(tight)
    except ImportError:
        prices = None
    if prices is not None:
        return scale.proofs(prices.weight, prices.row)
    return _single_rows(tight, scale, missing_units)


def _single_rows(tight: Problem, scale: Scale, missing_units: Ints) -> list[Proof]:
    """Return proofs by one row each, without a solver: the row that proves most first, nobody in two."""
    demand = worst_demands(tight, missing_units)
    left = set(np.unique(tight.demand_session[missing_units > 0]).tolist())
    found: list[Proof] = []
    taken: set[int] = set()
    rows = [
        (node, line) for node in range(tight.headroom_units.shape[0]) for line in range(tight.headroom_units.shape[1])
    ]
    while left:
        proofs = [proof for row in rows if (proof := scale.by_row(row, demand, taken)) and left & set(proof.members)]
        proofs += [proof for session in sorted(left) if (proof := scale.by_itself(session, int(demand[session])))]
        if not proofs:
            break
        best = max(proofs, key=lambda proof: proof.least_units)
        found.append(best)
        taken |= set(best.members)
        left -= taken
    return found


def worst_demands(problem: Problem, missing_units: Ints) -> Ints:
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
    """What is looked at.

    Attributes:
        problem: compiled arrays.
        tight: the same, set-points held to what rows leave them alone.
        setpoints: (S, T) of the plan [steps].
        missing: (D,) [0.1 J].
        lost: (S,) what guarded edges take [0.1 J].
        zone: for printing.
    """

    problem: Problem
    tight: Problem
    setpoints: Ints
    missing: Ints
    lost: Ints
    zone: tzinfo

    def _most(self, session: int) -> int:
        """Return what the session misses of its worst demand [0.1 J]."""
        return int(self.missing[self.problem.demand_session == session].max(initial=0))

    def of_proof(self, proof: Proof) -> Shortfall:
        """Return a shortfall that is proven."""
        problem = self.problem
        wanted = sum(int(problem.demand_wish_units[demand]) for demand in proof.demands)
        limits = tuple(problem.row_name(node, line) for node, line in proof.rows)
        cause: Cause = "limit"
        if not proof.rows:
            cause, limits = self._own_cause(proof.members[0], proof.demands[0])
        first, end = self._span(proof)
        return Shortfall(
            sessions=tuple(problem.session_ids[member] for member in proof.members),
            missing_wh=energy_to_wh(sum(self._most(member) for member in proof.members)),
            wanted_wh=energy_to_wh(wanted),
            possible_wh=energy_to_wh(wanted - proof.least_units),
            start=problem.grid.edge(first),
            end=problem.grid.edge(end),
            limit=" and ".join(limits),
            proven=True,
            zone=self.zone,
            cause=cause,
            limits=limits,
            guard_wh=energy_to_wh(int(self.lost[list(proof.members)].sum())),
            proof=proof,
        )

    def _span(self, proof: Proof) -> tuple[int, int]:
        """Return first slot and the slot after the last one in which the limits count, or the window of the car."""
        problem = self.problem
        if proof.rows:
            counted = np.flatnonzero(proof.slots)
            return int(counted[0]), int(counted[-1]) + 1
        first = int(problem.first_slot[proof.members[0]])
        return first, max(int(problem.demand_end[proof.demands[0]]), first)

    def _own_cause(self, session: int, demand: int) -> tuple[Cause, tuple[str, ...]]:
        """Return why a car cannot take what it wants even where it is alone, and the rows that matter."""
        problem = self.problem
        first, end = int(problem.first_slot[session]), int(problem.demand_end[demand])
        window = slice(first, max(end, first))
        power = int(problem.power_dw[session]) * problem.seconds[window]
        wanted = int(problem.demand_wish_units[demand])
        if int((power * problem.max_steps[session]).sum()) < wanted:
            return "own", ()
        draws = problem.connector_nodes[:, problem.session_connector[session]][:, None] & (
            problem.load_units[session] > 0
        )
        if int((power * problem.cap_steps[session, window]).sum()) < wanted:
            alarmed = [
                problem.row_name(int(node), int(line))
                for node, line in zip(*np.nonzero(draws & problem.alarm[:, :, window].any(axis=2)), strict=True)
            ]
            alarmed += alarmed_conductors(problem, session, window)
            return ("alarm", tuple(alarmed[:1])) if alarmed else ("availability", self._withheld(session, end))
        return self._held(session, window, draws)

    def _withheld(self, session: int, end: int) -> tuple[str, ...]:
        """Return the names of what availability takes from a session before slot ``end``."""
        mine = [one.name for one in self.problem.withheld if one.session == session and one.first < end]
        return tuple(dict.fromkeys(mine))

    def _held(self, session: int, window: slice, draws: Ints) -> tuple[Cause, tuple[str, ...]]:
        """Return the row that holds a lone car back most, and whether the minimum current has a part in it."""
        problem, tight = self.problem, self.tight
        floor = problem.floor_units[problem.session_connector[session]][:, None]
        alone = (problem.free_units[:, :, window] + floor) // np.maximum(problem.load_units[session], 1)[:, None]
        alone[~draws] = problem.max_steps[session]
        row = int(np.argmin(np.minimum(alone, problem.max_steps[session]).sum(axis=2)))
        name = problem.row_name(*divmod(row, problem.headroom_units.shape[1]))
        shut = (tight.cap_steps[session, window] == 0) & (problem.cap_steps[session, window] > 0)
        return ("minimum" if (shut & (alone.min(axis=(0, 1)) > 0)).any() else "limit"), (name,)

    def _conductors(self, session: int, demand: int) -> tuple[str, ...]:
        """Return the conductors that leave a session no more in its window, the fullest first."""
        problem = self.problem
        if problem.phasors is None:
            return ()
        window = slice(int(problem.first_slot[session]), int(problem.demand_end[demand]))
        full = full_conductors(problem, self.setpoints, session)[:, window] & (problem.cap_steps[session, window] > 0)
        slots = full.sum(axis=1)
        order = np.argsort(-slots, kind="stable")[:NAMED_CONDUCTORS].tolist()
        return tuple(problem.phasors.names[row] for row in order if slots[row])

    def unproven(self, session: int) -> Shortfall:
        """Return what a session misses although no limit proves it."""
        problem = self.problem
        missing = self._most(session)
        demand = int(worst_demands(problem, self.missing)[session])
        first = int(problem.first_slot[session])
        guarded = int(self.lost[session]) >= missing
        full = () if guarded else self._conductors(session, demand)
        return Shortfall(
            sessions=(problem.session_ids[session],),
            missing_wh=energy_to_wh(missing),
            wanted_wh=energy_to_wh(int(problem.demand_wish_units[demand])),
            possible_wh=None,
            start=problem.grid.edge(first),
            end=problem.grid.edge(max(int(problem.demand_end[demand]), first)),
            limit=" and ".join(full),
            proven=False,
            zone=self.zone,
            cause="guard" if guarded else "conductor" if full else "unexplained",
            limits=full,
            guard_wh=energy_to_wh(int(self.lost[session])),
        )
