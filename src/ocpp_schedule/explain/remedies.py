"""The smallest remedy of each kind for a shortfall, planned again before it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ocpp_schedule.explain.changes import (
    RAISED,
    VA_PER_NOTCH,
    departure_of,
    has_series,
    later,
    limit_of,
    minutes,
    raised,
    stays_at_most,
)
from ocpp_schedule.explain.shortfalls import missing_energy, proofs_of
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.explain.shortfalls import Shortfall
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.problem.arrays import Problem

RemedyKind = Literal["amperes", "power", "later", "less"]

MOST_ARCS: Final = 20_000
"""Open set-points up to which other scenarios are planned; above, the remedy that needs no plan is told alone."""
MOST_TRIALS: Final = 6
"""Plans for one remedy: the first trial is the linear program's answer, which is enough nearly always."""
TRIED_CARS: Final = 6
"""Cars of a shortfall whose departure is moved."""
UNITS_PER_NOTCH: Final = 100_000
"""uA in 0.1 A, mVA in 100 VA."""
TRIED_ROWS: Final = 4
"""Rows of a proof whose limit is raised."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change that removes a shortfall.

    Attributes:
        kind: ``amperes`` or ``power`` more on a limit, a ``later`` departure (or milestone), ``less`` energy.
        subject: what is changed: ``circuit main``, the session's id, or the sessions that share the smaller wish.
        amount: how much [``unit``].
        unit: ``A``, ``VA``, ``W``, ``min`` or ``Wh``.
        new: the limit that it comes to [``unit``], or until when the car stays; None for energy.
        start, end: when the higher limit is needed; of the other kinds the window of the shortfall.
        verified: planned again with nothing of the shortfall missing, or shown by the plan in hand (``less``).
        smallest: the next smaller one (0.1 A, one slot, 0.1 J) is proven not to be enough.
        zone: for printing.
    """

    kind: RemedyKind
    subject: str
    amount: float
    unit: str
    new: float | datetime | None
    start: datetime
    end: datetime
    verified: bool
    smallest: bool
    zone: tzinfo

    def __str__(self) -> str:
        """Return the remedy in a few words."""
        if self.kind == "less":
            return f"{self.amount:,.0f} Wh less"
        if isinstance(self.new, datetime):
            return f"{self.subject} stays until {self.new.astimezone(self.zone):%H:%M}"
        name = self.subject.partition(" ")[2] if self.subject.startswith("circuit ") else self.subject
        if self.new is None:
            span = f"{self.start.astimezone(self.zone):%H:%M}-{self.end.astimezone(self.zone):%H:%M}"
            return f"{name} {self.amount:,.10g} {self.unit} more {span}"
        return f"{name} {self.new:,.10g} {self.unit} ({self.amount:,.10g} {self.unit} more)"


def remedies_text(remedies: tuple[Remedy, ...]) -> str:
    """Return the remedies of one shortfall in a line; cars that may stay equally long are told together."""
    texts: dict[str, list[Remedy]] = {}
    for remedy in remedies:
        key = f"later {remedy.new}" if remedy.kind == "later" else str(remedy)
        texts.setdefault(key, []).append(remedy)
    told = []
    for same in texts.values():
        first = same[0]
        together = len(same) > 1 and first.kind == "later"
        names = " or ".join(one.subject for one in same)
        told.append(str(replace(first, subject=names)) if together else str(first))
    return f"Smallest remedies: {' · '.join(told)}." if told else ""


@dataclass(frozen=True)
class Workshop:
    """Looks for remedies of the shortfalls of one plan.

    Attributes:
        scenario: what was planned.
        problem: its compiled arrays.
        report: the referee's report on the plan.
        compile: scenario to compiled arrays.
        solve_again: scenario to the referee's report on its plan.
    """

    scenario: Scenario
    problem: Problem
    report: Report
    compile: Callable[[Scenario], Problem]
    solve_again: Callable[[Scenario], Report]

    def remedies(self, shortfall: Shortfall) -> tuple[Remedy, ...]:
        """Return the smallest remedy of each kind, limits first, then departures, then energy.

        Only changes of one thing are tried; where none of a kind is enough there is none of that kind.
        """
        if int((self.problem.cap_steps > 0).sum()) > MOST_ARCS:
            return (self._less(shortfall),)
        try:
            return (*self._amperes(shortfall), *self._stays(shortfall), self._less(shortfall))
        except ImportError:  # no solver is installed: what needs none
            return (self._less(shortfall),)

    def _stays(self, shortfall: Shortfall) -> list[Remedy]:
        """Return the shortest longer stays."""
        found = [one for name in shortfall.sessions[:TRIED_CARS] if (one := self._later(shortfall, name))]
        least = min((one.amount for one in found), default=0.0)
        return [one for one in found if one.amount == least]

    def _less(self, shortfall: Shortfall) -> Remedy:
        """Return what the cars would have to do without: the plan in hand gives all the rest."""
        return Remedy(
            kind="less",
            subject=", ".join(shortfall.sessions),
            amount=shortfall.missing_wh,
            unit="Wh",
            new=None,
            start=shortfall.start,
            end=shortfall.end,
            verified=True,
            smallest=shortfall.proven and shortfall.beyond_wh == 0,
            zone=shortfall.zone,
        )

    def _limits(self, shortfall: Shortfall) -> Iterator[tuple[str, str, int]]:
        """Yield noun, id and line of the limits that are named, or of the connector where the car is alone."""
        if shortfall.limits:
            nodes, lines = self.problem.headroom_units.shape[:2]
            places = {self.problem.row_name(node, line): (node, line) for node in range(nodes) for line in range(lines)}
            for limit in shortfall.limits[:TRIED_ROWS]:
                if limit not in places:  # what availability takes is nobody's ampere
                    continue
                node, line = places[limit]
                noun, _, name = self.problem.node_names[node].partition(" ")
                yield noun, name, line
        elif shortfall.cause == "own":
            own = next(session for session in self.scenario.sessions if session.id == shortfall.sessions[0])
            yield "connector", own.connector, 0

    def _amperes(self, shortfall: Shortfall) -> list[Remedy]:
        places: dict[tuple[str, str, bool], list[int]] = {}
        for noun, name, line in self._limits(shortfall):
            if noun in RAISED:
                places.setdefault((noun, name, line >= TOTAL), []).append(line)
        found = [self._higher(shortfall, noun, name, lines) for (noun, name, _), lines in places.items()]
        return [one for one in found if one]

    def _higher(self, shortfall: Shortfall, noun: str, name: str, lines: list[int]) -> Remedy | None:
        """Return the least rise of one limit that is enough, in 0.1 A or 100 VA."""
        now = limit_of(self.scenario, noun, name, lines[0])
        if now is None:
            return None
        limit, unit = now
        # On a line 1e6 units are an ampere, in total 1e6 are a kVA: a notch is a tenth of either.
        load = self.problem.load_units[:, min(lines[0], self.problem.channels - 1)]
        most = -(-int((self.problem.max_steps * load).sum()) // UNITS_PER_NOTCH)
        if noun == "connector":
            most = round(limit * DECIAMPERES_PER_AMPERE) * 9
        found = self._smallest(shortfall, lambda n: raised(self.scenario, noun, name, lines, n), max(most, 1))
        if found is None:
            return None
        amount = found[0] / DECIAMPERES_PER_AMPERE if unit == "A" else float(found[0] * VA_PER_NOTCH)
        return Remedy(
            kind="amperes" if unit == "A" else "power",
            subject=f"{noun} {name}",
            amount=amount,
            unit=unit,
            new=None if has_series(self.scenario, noun, name) else round(limit + amount, 6),
            start=shortfall.start,
            end=shortfall.end,
            verified=True,
            smallest=found[1],
            zone=shortfall.zone,
        )

    def _later(self, shortfall: Shortfall, name: str) -> Remedy | None:
        """Return the first slot edge until which a car would have to stay for all to be served."""
        problem, grid = self.problem, self.scenario.grid
        session = problem.session_ids.index(name)
        demand, milestone = self._demand(shortfall, session)
        by = self._by(session, milestone)
        latest = stays_at_most(self.scenario, name)
        edges = [
            edge for at in range(int(problem.demand_end[demand]) + 1, grid.slots + 1) if (edge := grid.edge(at)) > by
        ]
        edges = [edge for edge in edges if edge <= latest]
        if not edges:
            return None
        found = self._smallest(shortfall, lambda n: later(self.scenario, name, edges[n - 1], milestone), len(edges))
        if found is None:
            return None
        until = edges[found[0] - 1]
        return Remedy(
            kind="later",
            subject=name,
            amount=minutes(until - by),
            unit="min",
            new=until,
            start=shortfall.start,
            end=shortfall.end,
            verified=True,
            smallest=found[1],
            zone=shortfall.zone,
        )

    def _demand(self, shortfall: Shortfall, session: int) -> tuple[int, int | None]:
        """Return the demand of the session that the shortfall speaks of, and its milestone; None for the wish."""
        demands = np.flatnonzero(self.problem.demand_session == session)
        chosen = int(demands[-1])
        if shortfall.proof is not None and session in shortfall.proof.members:
            chosen = shortfall.proof.demands[shortfall.proof.members.index(session)]
        milestone = int(self.problem.demand_milestone[chosen])
        return chosen, None if milestone < 0 else milestone

    def _by(self, session: int, milestone: int | None) -> datetime:
        name = self.problem.session_ids[session]
        if milestone is None:
            return departure_of(self.scenario, name)
        return next(one for one in self.scenario.sessions if one.id == name).milestones[milestone].by

    def _smallest(self, shortfall: Shortfall, changed: Callable[[int], Scenario], most: int) -> tuple[int, bool] | None:
        """Return the smallest change that is enough when planned again, and whether less is proven not to be.

        First the smallest that the linear program does not refute; then, where whole steps, minimum currents or
        guarded edges ask for more, up in growing steps.
        """
        if self._refuted(shortfall, changed(most)):
            return None
        low, high = 0, most  # low is refuted (or nothing), high is not
        while high - low > 1:
            middle = (low + high) // 2
            if self._refuted(shortfall, changed(middle)):
                low = middle
            else:
                high = middle
        least, step = high, 1
        failed = None
        for _ in range(MOST_TRIALS):
            if self._served(shortfall, changed(high)):
                return (
                    self._tried_down(shortfall, changed, failed, high)
                    if failed
                    else (high, shortfall.proven and high == least)
                )
            if high >= most:
                return None
            failed, high = high, min(high + step, most)
            step *= 2
        return None

    def _tried_down(
        self, shortfall: Shortfall, changed: Callable[[int], Scenario], failed: int, high: int
    ) -> tuple[int, bool]:
        """Return the smallest change between one that failed and one that is enough."""
        while high - failed > 1:
            middle = (failed + high) // 2
            if self._served(shortfall, changed(middle)):
                high = middle
            else:
                failed = middle
        return high, False

    def _refuted(self, shortfall: Shortfall, scenario: Scenario) -> bool:
        """Tell whether it is proven that the cars of the shortfall miss energy in this scenario, too."""
        problem = self.compile(scenario)
        nothing = np.zeros((problem.sessions, problem.slots), dtype=np.int64)
        proofs = proofs_of(tighten(problem), missing_energy(problem, nothing))
        named = {problem.session_ids[member] for proof in proofs for member in proof.members}
        return not named.isdisjoint(shortfall.sessions)

    def _served(self, shortfall: Shortfall, scenario: Scenario) -> bool:
        """Tell whether a plan for this scenario gives the cars all they want, and others no less than before."""
        report = self.solve_again(scenario)
        members = set(shortfall.sessions)
        return _missing(report, members) == 0 and _missing(report, None) <= _missing(self.report, None)


def _missing(report: Report, names: set[str] | None) -> int:
    """Return what sessions miss, milestones and wishes [0.1 J]; None: all of them."""
    wishes = sum(units for name, units in report.missing_units.items() if names is None or name in names)
    goals = sum(goal.missing_units for goal in report.milestones if names is None or goal.session in names)
    return wishes + goals
