"""Small problems with stages of loads or shares: whole set-points beside real columns, solved stage by stage.

As ``exact_metered``: what SCIP returns counts as found, and the bound beside it is that of the certificate.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.exact import integer_program, stage_costs, whole_demands, with_row
from ocpp_schedule.solve.exact_metered import SLACK
from ocpp_schedule.solve.levels import with_levels
from ocpp_schedule.solve.repair import allowed_steps, settle
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.run_rows import with_run_rows
from ocpp_schedule.solve.values import LOADED

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate

TOLERANCE: Final = 1e-6
"""Share of a unit of a stage; what a solver is off."""


def exact_loads(problem: Problem, relaxation: Relaxation, solver: Solver) -> tuple[Problem, Candidate] | None:
    """Return the best plan with whole set-points that SCIP finds, and the problem with budgets from its values.

    Args:
        problem: without aims.
        relaxation: its program with the columns of such stages.
        solver: runs it.
    """
    wishes = whole_demands(problem, relaxation)
    width, arcs = relaxation.program.cost.size, relaxation.arc_session.size
    program = integer_program(problem, relaxation, wishes)
    program = with_levels(problem, relaxation, with_run_rows(problem, relaxation, program, width, width + arcs))
    assert program.integer is not None  # noqa: S101 - it is an integer program, for the type checker
    integer = program.integer.copy()
    for stage in problem.stages:
        if stage.kind in LOADED:
            integer[relaxation.columns[stage.name]] = False
    program = replace(program, integer=integer)
    found: tuple[Problem, Candidate] | None = None
    costs = stage_costs(problem, relaxation, wishes, program.cost.size)
    for at, (cost, allowed) in enumerate(costs):
        if not cost.any():
            continue
        outcome = solver.run(replace(program, cost=cost), "scip_exact")
        if outcome.values is None or not outcome.optimal:
            break
        setpoints = np.zeros((problem.sessions, problem.slots))
        setpoints[relaxation.arc_session, relaxation.arc_slot] = np.rint(outcome.values[:arcs])
        plan = settle(problem, allowed_steps(problem, setpoints))
        reached = float(cost @ outcome.values)
        if at < len(problem.stages):
            stage = problem.stages[at]
            if stage.kind in LOADED:
                # The value is a whole number, rounded up; later stages may use it to the full.
                scale = relaxation.goals[stage.name].scale
                reached = math.ceil(reached / scale - TOLERANCE) * scale
            if plan is not None:
                problem = _known(problem, at, plan.rank[at])
        if plan is not None and (found is None or _order(problem, plan) <= _order(problem, found[1])):
            found = problem, plan
        high = allowed(reached)
        program = with_row(program, cost, high + SLACK * max(1.0, abs(high)))
    return None if found is None else (problem, evaluate(problem, found[1].setpoints))


def _known(problem: Problem, at: int, value: int) -> Problem:
    """Return the problem in which the budget of a stage counts from a value that a whole plan has reached."""
    stage = problem.stages[at]
    if stage.enough is None:
        return problem
    enough = max(stage.enough, stage.budget(value))
    return replace(problem, stages=(*problem.stages[:at], replace(stage, enough=enough), *problem.stages[at + 1 :]))


def _order(problem: Problem, plan: Candidate) -> tuple[float, ...]:
    return evaluate(problem, plan.setpoints).order
