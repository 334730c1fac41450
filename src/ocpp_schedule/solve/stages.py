"""The stages on the linear program, one after the other, each with its bound (DESIGN 5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, vstack

from ocpp_schedule.problem.stages import SERVES
from ocpp_schedule.solve.relaxation import unrounded

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.solve.phasors import TangentDuals
    from ocpp_schedule.solve.program import Program, Solver, SolverName
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate

LINEAR_SOLVERS: Final[tuple[SolverName, ...]] = ("glop", "highs")
"""GLOP first, HiGHS where it gives up: from 300 to 1,000 sessions both take as long, and only GLOP has duals."""
NOTHING_SHORT: Final = 1e-6
"""Share of one step and slot; a shortfall below it is the solver's tolerance."""
FREEZE_SHARE: Final = 1e-9
"""Share of a frozen value by which the row that freezes it is wider: sums of many products lose that much."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower bounds of the stages, each given the ones before.

    Attributes:
        values: one per stage, in its unit; None where the program gave none.
    """

    values: tuple[float | None, ...]

    def missing(self, problem: Problem) -> float:
        """Return the energy that plans need not give: what none can, as far as it is known, and budgets [0.1 J]."""
        known = zip(self.values, problem.stages[: problem.wish_stages], strict=False)
        return sum(max(value or 0.0, stage.enough or 0.0) for value, stage in known)


@dataclass(frozen=True, slots=True)
class Proof:
    """Duals of the program of one stage.

    Attributes:
        duals: of the relaxation's rows.
        frozen: by the name of a stage before, what a unit of its objective is worth [objective units].
        cuts: of tangents; None: there are none.
    """

    duals: Floats
    frozen: dict[str, float]
    cuts: TangentDuals | None = None


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Optimum of the linear program in the order of the stages.

    Attributes:
        values: of all variables.
        duals: of the rows in the last stage; None where the solver gave none.
        cost: (n,) objective of the last stage, with that of the frozen stages at the prices of their rows.
        bounds: of the stages.
        termination: what the solver said last.
        proofs: by the name of a stage, the duals of its program; stages without are missing.
        cuts: duals of tangents beside those of the rows; None: there are none.
    """

    values: Floats
    duals: Floats | None
    cost: Floats
    bounds: Bounds
    termination: str
    proofs: dict[str, Proof] = field(default_factory=dict)
    cuts: TangentDuals | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """What a solver returned for one program."""

    values: Floats
    duals: Floats | None
    objective: float
    termination: str
    cuts: TangentDuals | None = None


def solve_stages(problem: Problem, relaxation: Relaxation, solver: Solver) -> Relaxed | None:
    """Solve the stages; for wishes and the stage after them one program suffices where nothing is short.

    Penalties above any price make the first program serve wishes first. Where all are served nothing can
    be better; else each stage is solved by itself and frozen for the next.
    """
    if only_missing(problem) and problem.phasors is not None:
        relaxation = unrounded(relaxation)  # its bound then is that of the plan, which saves a program
    sequence = _Sequence(problem, relaxation, solver)
    if problem.wish_stages == len(problem.stages):  # nothing but wishes: no program serves several stages at once
        served = all(sequence.solve(stage) for stage in problem.stages)
        return sequence.relaxed() if served else None
    run = _run(relaxation.program, solver)
    if run is None:
        return None
    short = _short(relaxation, run.values)
    for stage in problem.stages[: problem.wish_stages]:
        if sequence.solved is None and _nothing_of(stage, relaxation, run.values, short):
            sequence.pass_by(stage)
        elif not sequence.solve(stage):
            return None
    if sequence.solved is None:
        sequence.take(run, next(iter(problem.stages[problem.wish_stages :]), None))
    for stage in problem.stages[len(sequence.bounds) :]:
        if not sequence.solve(stage):
            return None
    return sequence.relaxed()


def only_missing(problem: Problem) -> bool:
    """Tell whether missing energy of one kind is all that counts."""
    return len(problem.stages) == 1 and problem.wish_stages == 1


def bounds_given(problem: Problem, relaxation: Relaxation, solver: Solver, plan: Candidate) -> Relaxed | None:
    """Return the bounds that stand beside a plan, each stage given the plan's values before.

    Needs are taken unrounded, so that shortfalls are those that the referee counts.
    """
    sequence = _Sequence(problem, unrounded(relaxation), solver)
    for stage, value in zip(problem.stages, plan.rank, strict=True):
        if stage.kind in SERVES and value == 0:
            sequence.pass_by(stage)
        elif not sequence.solve(stage):
            return None
        sequence.reached[-1] = (stage, stage.budget(float(value)))
    bounds = [
        min(bound, float(value)) if stage.kind in SERVES and bound is not None else bound
        for stage, value, bound in zip(problem.stages, plan.rank, sequence.bounds, strict=True)
    ]
    found = sequence.relaxed()
    return None if found is None else replace(found, bounds=Bounds(tuple(bounds)))


def with_budgets(problem: Problem, bounds: Bounds) -> Problem:
    """Return the problem with what is good enough in each stage that leaves something to later ones."""
    if not any(stage.allow_abs or stage.allow_ppm for stage in problem.stages):
        return problem
    known = zip(problem.stages, bounds.values, strict=True)
    # The bounds come out of a solver: what they are too low by must not spoil a plan that uses its budget to the full.
    stages = (
        replace(stage, enough=stage.budget(bound) + FREEZE_SHARE * abs(bound) + 1)
        if (stage.allow_abs or stage.allow_ppm) and bound is not None
        else stage
        for stage, bound in known
    )
    return replace(problem, stages=tuple(stages))


class _Sequence:
    """Stages that are solved one after the other, those before frozen by a row each."""

    def __init__(self, problem: Problem, relaxation: Relaxation, solver: Solver) -> None:
        self._problem, self._relaxation, self._solver = problem, relaxation, solver
        self.reached: list[tuple[StageSpec, float]] = []
        self.bounds: list[float | None] = []
        self.solved: _Run | None = None
        self._proofs: dict[str, Proof] = {}
        self._cost = relaxation.program.cost

    def pass_by(self, stage: StageSpec) -> None:
        """Note a stage that is known to reach 0."""
        self.bounds.append(0.0)
        self.reached.append((stage, 0.0))

    def _leave(self, stage: StageSpec) -> None:
        """Note a stage that no linear program knows: it holds nothing for later ones."""
        self.bounds.append(None)
        self.reached.append((stage, 0.0))

    def take(self, run: _Run, stage: StageSpec | None) -> None:
        """Note the first program, in which nothing is short, as that of the stage after the wishes."""
        self.solved = run
        if stage is not None:
            if stage.kind == "starts":
                self._leave(stage)
                return
            if run.duals is not None:
                self._proofs[stage.name] = Proof(run.duals, {}, run.cuts)
            self._note(stage, run, run.objective - self._relaxation.tie_units)

    def solve(self, stage: StageSpec) -> bool:
        """Solve one stage with those before frozen; False where no solver returned anything."""
        if stage.kind == "starts":
            self._leave(stage)
            return True
        relaxation = self._relaxation
        goal = relaxation.goals[stage.name]
        last = len(self.bounds) == len(self._problem.stages) - 1
        tied = last and stage.kind not in SERVES
        cost = goal.coefficients + relaxation.tie if tied else goal.coefficients
        program, names = frozen(relaxation, self.reached, replace(relaxation.program, cost=cost))
        run = _run(program, self._solver)
        if run is None:
            return False
        self.solved, self._cost = run, cost
        if run.duals is not None:
            rows = relaxation.program.row_high.size
            prices = dict(zip(names, np.maximum(-run.duals[rows:], 0.0).tolist(), strict=True))
            self._proofs[stage.name] = Proof(run.duals[:rows], prices, run.cuts)
            for name, price in prices.items():
                self._cost = self._cost + price * relaxation.goals[name].coefficients
        self._note(stage, run, run.objective - tied * relaxation.tie_units)
        return True

    def _note(self, stage: StageSpec, run: _Run, objective: float) -> None:
        relaxation = self._relaxation
        goal = relaxation.goals[stage.name]
        if stage.kind == "missing":
            value = float(_short(relaxation, run.values)[stage.demands].sum())
            # Beside tangents the values are those of a plan that is a little worse than the program's optimum.
            self.bounds.append(value if run.cuts is None else min(value, run.objective / goal.scale))
        else:
            value = float(goal.coefficients @ run.values) / goal.scale + goal.offset
            bound = _bound(self._problem, relaxation, goal.scale, objective, run.duals)
            self.bounds.append(None if bound is None else bound + goal.offset)
        self.reached.append((stage, stage.budget(value)))

    def relaxed(self) -> Relaxed | None:
        """Return the last program's answer with the bounds of all stages; None where none was solved."""
        run = self.solved
        if run is None:
            return None
        bounds = Bounds(tuple(self.bounds))
        return Relaxed(run.values, run.duals, self._cost, bounds, run.termination, self._proofs, run.cuts)


def _bound(
    problem: Problem, relaxation: Relaxation, scale: float, objective: float, duals: Floats | None
) -> float | None:
    """Return what no plan can have a lower value than, in the stage's unit; None without the duals that it takes.

    What rounding the needs up to whole steps may cost comes off where edges are guarded: guard losses are no whole
    steps, so a plan may then give exactly the wish. It also comes off where energy is missed for its price, because
    what is missed counts from the wish. The optimum is convex in the needs, so lowering them saves at most their
    duals.
    """
    spare = relaxation.spare if problem.edge_guard_s else np.where(problem.chased, 0.0, relaxation.spare)
    if spare.any():
        if duals is None:
            return None
        objective -= float(np.maximum(duals[relaxation.rows["need"]], 0.0) @ spare)
    return objective / scale


def _run(program: Program, solver: Solver) -> _Run | None:
    """Run the usual solver, and the other one where it returns nothing or gives up."""
    for name in LINEAR_SOLVERS:
        outcome = solver.run(program, name)
        if outcome.values is not None and outcome.optimal:
            return _Run(outcome.values, outcome.duals, outcome.objective, f"{name}: {outcome.status}", outcome.cuts)
    return None


def _nothing_of(stage: StageSpec, relaxation: Relaxation, values: Floats, short: Floats) -> bool:
    """Tell whether a stage that comes first is at 0, which nothing can be better than."""
    if stage.kind == "contract":
        return float(relaxation.goals[stage.name].coefficients @ values) <= NOTHING_SHORT
    return not short[stage.demands].any()


def _short(relaxation: Relaxation, values: Floats) -> Floats:
    """Return (D,) missing energy with the solver's tolerance taken off."""
    short = values[relaxation.columns["short"]]
    return np.where(short > NOTHING_SHORT, short, 0.0) * relaxation.short_units


def frozen(
    relaxation: Relaxation, reached: list[tuple[StageSpec, float]], program: Program
) -> tuple[Program, list[str]]:
    """Return ``program`` with each stage held at most at its value, and the names of the stages of the new rows."""
    rows, highs, names = [], [], []
    for stage, value in reached:
        goal = relaxation.goals[stage.name]
        if goal.coefficients.any():
            rows.append(goal.coefficients)
            high = (value - goal.offset) * goal.scale
            highs.append(high + NOTHING_SHORT + FREEZE_SHARE * abs(high))
            names.append(stage.name)
    if not rows:
        return program, names
    grown = replace(
        program,
        matrix=csr_array(vstack([program.matrix, csr_array(np.array(rows))])),
        row_low=np.concatenate((program.row_low, np.full(len(rows), -np.inf))),
        row_high=np.concatenate((program.row_high, np.array(highs))),
    )
    return grown, names
