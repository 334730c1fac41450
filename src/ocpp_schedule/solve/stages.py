"""The stages on the linear program: must-have, wanted energy, money; each with its bound (DESIGN 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, vstack

from ocpp_schedule.solve.relaxation import unrounded

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Problem
    from ocpp_schedule.solve.program import Program, Solver, SolverName
    from ocpp_schedule.solve.relaxation import Relaxation

LINEAR_SOLVERS: Final[tuple[SolverName, ...]] = ("glop", "highs")
"""GLOP first, HiGHS where it gives up: from 300 to 1,000 sessions both take as long, and only GLOP has duals."""
NOTHING_SHORT: Final = 1e-6
"""Share of one step and slot; a shortfall below it is the solver's tolerance."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower bounds of the stages, each given the ones before.

    Attributes:
        must_units, want_units: missing energy [0.1 J].
        cost_units: money units; None where the program gave none.
    """

    must_units: float
    want_units: float
    cost_units: float | None


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Optimum of the linear program in the order of the stages.

    Attributes:
        values: of all variables.
        duals: of the rows in the last stage; None where the solver gave none.
        bounds: of the stages.
        termination: what the solver said last.
    """

    values: Floats
    duals: Floats | None
    bounds: Bounds
    termination: str


def solve_stages(problem: Problem, relaxation: Relaxation, solver: Solver) -> Relaxed | None:
    """Solve the stages; one program suffices where nothing is short.

    Penalties above any price make the first program serve wishes first. Where all are served nothing can
    be better; else each stage is solved by itself and frozen for the next.

    Returns:
        None where no linear solver returned values.
    """
    outcome = _run(relaxation.program, solver)
    if outcome is None:
        return None
    values, duals, objective, termination = outcome
    short = _short(relaxation, values)
    if not short.any():
        return Relaxed(values, duals, Bounds(0.0, 0.0, _cost_bound(problem, relaxation, objective, duals)), termination)
    must = want = 0.0
    if short[problem.demand_hard].any():
        found = _run(_shortfall_program(relaxation, problem.demand_hard), solver)
        if found is None:
            return None
        must = float(_short(relaxation, found[0])[problem.demand_hard].sum())
    wishes = ~problem.demand_hard
    found = _run(frozen(problem, relaxation, must, None, _shortfall_program(relaxation, wishes)), solver)
    if found is None:
        return None
    want = float(_short(relaxation, found[0])[wishes].sum())
    return solve_cost(problem, relaxation, solver, must, want)


def bounds_given(
    problem: Problem, relaxation: Relaxation, solver: Solver, must_units: float, want_units: float
) -> Relaxed | None:
    """Return the bounds that stand beside a plan which misses this much, each stage given the plan's before.

    Needs are taken unrounded, so that shortfalls are those that the referee counts.
    """
    raw = unrounded(relaxation)
    must = want = 0.0
    if must_units:
        found = _run(_shortfall_program(raw, problem.demand_hard), solver)
        if found is None:
            return None
        must = min(float(_short(raw, found[0])[problem.demand_hard].sum()), must_units)
    wishes = ~problem.demand_hard
    if want_units:
        found = _run(frozen(problem, raw, must_units, None, _shortfall_program(raw, wishes)), solver)
        if found is None:
            return None
        want = min(float(_short(raw, found[0])[wishes].sum()), want_units)
    cost = solve_cost(problem, raw, solver, must_units, want_units)
    return None if cost is None else replace(cost, bounds=Bounds(must, want, cost.bounds.cost_units))


def solve_cost(
    problem: Problem, relaxation: Relaxation, solver: Solver, must_units: float, want_units: float
) -> Relaxed | None:
    """Solve the money stage with the shortfalls of the stages before frozen."""
    program = relaxation.program
    cost = program.cost.copy()
    cost[relaxation.short_at :] = 0.0
    budget = frozen(problem, relaxation, must_units, want_units, replace(program, cost=cost))
    found = _run(budget, solver)
    if found is None:
        return None
    values, duals, objective, termination = found
    bound = _cost_bound(problem, relaxation, objective, duals)
    return Relaxed(values, duals, Bounds(must_units, want_units, bound), termination)


def _cost_bound(problem: Problem, relaxation: Relaxation, objective: float, duals: Floats | None) -> float | None:
    """Return what no plan can cost less than, in money units; None without the duals that it takes.

    The tie-breaking terms come off. So does what rounding the needs up to whole steps may cost where edges are
    guarded: guard losses are no whole steps, so a plan may then give exactly the wish. The optimum is convex in
    the needs, so lowering them saves at most their duals.
    """
    if problem.edge_guard_s:
        if duals is None:
            return None
        rows = relaxation.program.row_high.size
        needs = duals[rows - relaxation.spare.size : rows]
        objective -= float(np.maximum(needs, 0.0) @ relaxation.spare)
    return (objective - relaxation.tie_units) / relaxation.cost_scale


def _run(program: Program, solver: Solver) -> tuple[Floats, Floats | None, float, str] | None:
    """Run the usual solver, and the other one where it returns nothing or gives up."""
    for name in LINEAR_SOLVERS:
        outcome = solver.run(program, name)
        if outcome.values is not None and outcome.optimal:
            return outcome.values, outcome.duals, outcome.objective, f"{name}: {outcome.status}"
    return None


def _short(relaxation: Relaxation, values: Floats) -> Floats:
    """Return (D,) missing energy with the solver's tolerance taken off."""
    short = values[relaxation.short_at :]
    return np.where(short > NOTHING_SHORT, short, 0.0) * relaxation.short_units


def _shortfall_program(relaxation: Relaxation, which: Bools) -> Program:
    program = relaxation.program
    cost = np.zeros_like(program.cost)
    units = relaxation.short_units
    cost[relaxation.short_at :] = np.where(which, units / units.mean(), 0.0)
    return replace(program, cost=cost)


def frozen(
    problem: Problem, relaxation: Relaxation, must_units: float, want_units: float | None, program: Program
) -> Program:
    """Return ``program`` with the sums of the shortfalls held at most at these values."""
    units, scale = relaxation.short_units, float(relaxation.short_units.mean())
    wanted = [(problem.demand_hard, must_units), (~problem.demand_hard, want_units)]
    rows, highs = [], []
    for which, budget in wanted:
        if budget is None or not which.any():
            continue
        row = np.zeros(program.cost.size)
        row[relaxation.short_at :] = np.where(which, units / scale, 0.0)
        rows.append(row)
        highs.append(budget / scale + NOTHING_SHORT)
    if not rows:
        return program
    return replace(
        program,
        matrix=csr_array(vstack([program.matrix, csr_array(np.array(rows))])),
        row_low=np.concatenate((program.row_low, np.full(len(rows), -np.inf))),
        row_high=np.concatenate((program.row_high, np.array(highs))),
    )
