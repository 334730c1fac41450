"""The ladder of methods: the cheapest exact one that fits, and a safe plan whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.exact import exact_plan
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.integer import integer_plan
from ocpp_schedule.solve.program import Solver
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.result import Candidate, evaluate, to_solution
from ocpp_schedule.solve.stages import Bounds, Relaxed, solve_cost, solve_stages
from ocpp_schedule.solve.tighten import tighten

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.solve.relaxation import Relaxation

EXACT_ARCS: Final = 40
"""Set-points up to which the integer program is solved outright; above, rounding is within 0.1 % and far faster."""

NEGLIGIBLE_SHORTFALL: Final = 1e-4
"""Share of the wanted energy for which the cheap plan is not given up for the packing, which ignores prices."""


def solve(problem: Problem, *, solver: Solver | None = None, exact_arcs: int = EXACT_ARCS) -> Solution:
    """Return the best plan found, with the bounds that stand beside it.

    Args:
        problem: compiled arrays.
        solver: counts and remembers the programs solved; a new one by default.
        exact_arcs: up to this many set-points the integer program is solved outright (0: never).

    The plan always fits: where no solver returns anything the least-laxity packing is the plan, and the
    marks of the stages say so.
    """
    solver = solver or Solver()
    problem = tighten(problem)
    if not problem.cap_steps.any():
        idle = evaluate(problem, np.zeros((problem.sessions, problem.slots), dtype=np.int64))
        bounds = Bounds(float(idle.must_units), float(idle.want_units), 0.0)
        return to_solution(
            problem, idle, bounds, method="idle", mark="bounded", termination="nothing to decide", stats={}
        )
    relaxation = relax(problem)
    relaxed = solve_stages(problem, relaxation, solver)
    if relaxed is None:
        safe = least_laxity(problem)
        return to_solution(
            problem,
            safe,
            None,
            method="fallback",
            mark="fallback",
            termination="no linear solver returned a plan",
            stats=_stats(relaxation, solver),
        )
    method, plan = _best_plan(problem, relaxation, relaxed, solver, exact_arcs)
    bounds = _bounds_at(problem, relaxation, relaxed, plan, solver)
    return to_solution(
        problem,
        plan,
        bounds,
        method=method,
        mark="bounded",
        termination=relaxed.termination,
        stats=_stats(relaxation, solver),
    )


def _best_plan(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, solver: Solver, exact_arcs: int
) -> tuple[str, Candidate]:
    plan = integer_plan(problem, relaxation, relaxed, solver)
    method = "linear"
    if relaxation.arc_session.size <= exact_arcs:
        exact = exact_plan(problem, relaxation, solver)
        if exact is not None and (plan is None or exact.rank <= plan.rank):
            method, plan = "exact", exact
    if plan is None:
        return "fallback", least_laxity(problem)
    negligible = int(problem.demand_units.sum() * NEGLIGIBLE_SHORTFALL)
    missing = plan.must_units + plan.want_units
    if missing > relaxed.bounds.must_units + relaxed.bounds.want_units + negligible:
        safe = least_laxity(problem)
        gives_more = safe.must_units + safe.want_units + negligible < missing
        if safe.must_units < plan.must_units or (safe.must_units == plan.must_units and gives_more):
            return "fallback", safe
    return method, plan


def _bounds_at(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver) -> Bounds:
    """Return the bounds on what the referee counts, the cost given the shortfalls of the plan in hand.

    The program's needs are rounded up to whole steps, so its shortfalls may exceed the true ones by what was
    rounded; and a plan that misses more energy than the program's optimum may cost less than it.
    """
    bounds = relaxed.bounds
    if not (plan.must_units or plan.want_units or bounds.must_units or bounds.want_units):
        return bounds
    spare = problem.demand_units - problem.demand_wish_units
    must_spare, want_spare = (float(spare[which].sum()) for which in (problem.demand_hard, ~problem.demand_hard))
    given = solve_cost(
        problem,
        relaxation,
        solver,
        max(plan.must_units + must_spare, bounds.must_units),
        max(plan.want_units + want_spare, bounds.want_units),
    )
    return Bounds(
        max(bounds.must_units - must_spare, 0.0),
        max(bounds.want_units - want_spare, 0.0),
        given.bounds.cost_units if given else None,
    )


def _stats(relaxation: Relaxation, solver: Solver) -> dict[str, int | float]:
    return {
        "variables": int(relaxation.program.cost.size),
        "rows": int(relaxation.program.row_high.size),
        "non_zeros": int(relaxation.program.matrix.nnz),
        "programs": solver.calls,
    }
