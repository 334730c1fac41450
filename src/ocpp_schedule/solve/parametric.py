"""What the linear program is worth, stage by stage, as a limit moves: values for shadow prices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.cuts import BLOCK, Conductors, CuttingSolver, with_tangents
from ocpp_schedule.solve.load_rows import with_loads
from ocpp_schedule.solve.program import Solver
from ocpp_schedule.solve.relaxation import ROW_SCALE, relax, unrounded
from ocpp_schedule.solve.stages import NOTHING_SHORT, frozen, solve_stages
from ocpp_schedule.solve.tighten import tighten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.problem.phasors import PhasorRows
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.solve.cuts import Tangents
    from ocpp_schedule.solve.program import Outcome, Program
    from ocpp_schedule.solve.relaxation import Relaxation

Place = tuple[int, int, int]
"""Node, line and slot; conductors (convention 15) are numbered behind the nodes, with line 0."""
MONEY_STAGE: Final = "cost"
TANGENT_ROUNDS: Final = 6
"""Programs until the tangents leave over what topping up in whole steps would lose anyway."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Optimum of the linear program, ties left out.

    Attributes:
        missing_units: what all wishes and must-haves miss together [0.1 J].
        cost_units: the stage ``cost`` [money units]; 0 where the objective has none.
        slope: how the cost goes down per unit of the one limit that was moved [money units per uA or mVA], a
            subgradient; None where energy is missing, or another number of limits was moved.
    """

    missing_units: float
    cost_units: float
    slope: float | None = None


class Parametric:
    """Solves the linear program of a problem again with limits moved; remembers what it has solved.

    Conductors count with the tangents that the optimum needs, and no others: a limit of straight pieces.

    Set-points that rows shut because they leave less than the minimum current stay shut, and no other is rounded to
    what whole steps can use of a row, so that the worth is continuous and convex in a limit.
    """

    def __init__(self, problem: Problem, solver: Solver | None = None) -> None:
        self._problem = problem
        self._solver = solver or Solver()
        self._shut: Bools = (tighten(problem).cap_steps == 0) & (problem.cap_steps > 0)
        self._known: dict[tuple[tuple[Place, ...], int], Worth | None] = {}
        self._prices: dict[Place, float] = {}
        self._nodes = len(problem.node_names)
        self._tangents: list[Tangents] = [] if problem.phasors is None else self._needed(problem, problem.phasors)

    @property
    def calls(self) -> int:
        """Programs solved so far."""
        return self._solver.calls

    @property
    def arcs(self) -> int:
        """Open set-points."""
        return int(((self._problem.cap_steps > 0) & ~self._shut).sum())

    def binding(self) -> list[Place]:
        """Return the places whose limit has a price, the dearest first.

        A limit without a price in one optimal set of duals is worth nothing when it is raised.
        """
        self.worth((), 0)
        return sorted(self._prices, key=lambda place: (-round(self._prices[place], 9), place))

    def worth(self, places: Iterable[Place], more_ua: int) -> Worth | None:
        """Return the optimum with the limits at ``places`` moved by ``more_ua`` [uA]; None where GLOP gives none."""
        key = (tuple(places), more_ua)
        if key not in self._known:
            self._known[key] = self._solve(*key)
        return self._known[key]

    def _solve(self, places: tuple[Place, ...], more_ua: int) -> Worth | None:
        problem = self._moved(places, more_ua)
        if not problem.cap_steps.any():
            return Worth(float(_all_missing(problem)), 0.0)
        relaxation = unrounded(with_loads(problem, relax(problem))[0])
        if problem.phasors is not None:
            relaxation = self._with_tangents(problem, problem.phasors, relaxation)
        return self._served(relaxation, places) or self._staged(problem, relaxation, places)

    def _served(self, relaxation: Relaxation, places: tuple[Place, ...]) -> Worth | None:
        """Return the worth where nothing is missing, by one program with penalties above any price; None else."""
        if relaxation.main != MONEY_STAGE:
            return None
        outcome = self._solver.run(replace(relaxation.program, cost=relaxation.program.cost - relaxation.tie), "glop")
        if outcome.values is None or outcome.duals is None or not outcome.optimal:
            return None
        if (outcome.values[relaxation.columns["short"]] > NOTHING_SHORT).any():
            return None
        goal = relaxation.goals[MONEY_STAGE]
        if not places:
            self._note_prices(relaxation, outcome)
        slope = None
        if len(places) == 1:
            known, paid = self._paid(relaxation, outcome.duals)
            slope = float(paid[(known == np.array(places[0])).all(axis=1)].sum()) / ROW_SCALE / goal.scale
        return Worth(0.0, float(goal.coefficients @ outcome.values) / goal.scale, slope)

    def _staged(self, problem: Problem, relaxation: Relaxation, places: tuple[Place, ...]) -> Worth | None:
        """Return the worth stage by stage, those before frozen."""
        reached: list[tuple[StageSpec, float]] = []
        missing = cost = 0.0
        for stage in problem.stages:
            outcome = self._run(relaxation, stage, reached)
            if outcome is None or outcome.values is None:
                return None
            goal = relaxation.goals[stage.name]
            value = float(goal.coefficients @ outcome.values) / goal.scale
            if stage.kind == "missing":
                value = value if value * goal.scale > NOTHING_SHORT else 0.0
                missing += value
            elif stage.name == MONEY_STAGE:
                cost = value
            reached.append((stage, stage.budget(value)))
            if not places:
                self._note_prices(relaxation, outcome)
            if stage.name == MONEY_STAGE:
                break
        return Worth(missing, cost)

    def _run(self, relaxation: Relaxation, stage: StageSpec, reached: list[tuple[StageSpec, float]]) -> Outcome | None:
        goal = relaxation.goals[stage.name]
        program: Program = replace(relaxation.program, cost=goal.coefficients)
        outcome = self._solver.run(frozen(relaxation, reached, program)[0], "glop")
        return outcome if outcome.optimal and outcome.duals is not None else None

    def _note_prices(self, relaxation: Relaxation, outcome: Outcome) -> None:
        if outcome.duals is None:
            return
        places, paid = self._paid(relaxation, outcome.duals)
        for row in np.flatnonzero(paid > NOTHING_SHORT).tolist():
            node, line, slot = places[row].tolist()
            self._prices[node, line, slot] = max(self._prices.get((node, line, slot), 0.0), float(paid[row]))

    def _paid(self, relaxation: Relaxation, duals: Floats) -> tuple[Ints, Floats]:
        """Return (n, 3) places of rows and tangents, and what the objective falls by per row unit [0.1 A, 100 VA]."""
        places, paid = relaxation.capacity_rows, -duals[relaxation.rows["capacity"]]
        for one in self._tangents:
            own = np.column_stack((one.row + self._nodes, np.zeros_like(one.row), one.slot))
            places = np.concatenate((places, own))
        return places, np.concatenate((paid, -duals[relaxation.rows[BLOCK]])) if self._tangents else paid

    def _needed(self, problem: Problem, phasors: PhasorRows) -> list[Tangents]:
        """Return the tangents that the optimum needs, stage after stage."""
        relaxation = unrounded(with_loads(problem, relax(self._open(problem)))[0])
        if not relaxation.arc_session.size:
            return []
        solver = CuttingSolver(conductors=Conductors(problem, phasors, relaxation), inner=self._solver)
        solver.rounds, solver.part_rounds = TANGENT_ROUNDS, 0
        solve_stages(problem, relaxation, solver)
        return solver.pool

    def _with_tangents(self, problem: Problem, phasors: PhasorRows, relaxation: Relaxation) -> Relaxation:
        """Return the program with the tangents, at the limits that the problem has."""
        conductors = Conductors(problem, phasors, relaxation)
        height = relaxation.program.row_high.size
        moved = [conductors.at(one.row, one.slot, one.direction) for one in self._tangents]
        program = with_tangents(relaxation.program, moved)
        rows = relaxation.rows | {BLOCK: slice(height, program.row_high.size)}
        return replace(relaxation, program=program, rows=rows)

    def _open(self, problem: Problem) -> Problem:
        return replace(problem, cap_steps=np.where(self._shut, 0, problem.cap_steps))

    def _moved(self, places: tuple[Place, ...], more_ua: int) -> Problem:
        problem = self._problem
        headroom: Ints = problem.headroom_units.copy()
        phasors = problem.phasors
        if phasors is not None:
            phasors = replace(phasors, headroom_ua=phasors.headroom_ua.copy())
        for node, line, slot in places:
            if node < self._nodes:
                headroom[node, line, slot] += more_ua
            elif phasors is not None:
                phasors.headroom_ua[node - self._nodes, slot] += more_ua
        return replace(self._open(problem), headroom_units=headroom, phasors=phasors)


def _all_missing(problem: Problem) -> int:
    return int(sum(problem.demand_wish_units[s.demands].sum() for s in problem.stages if s.kind == "missing"))
