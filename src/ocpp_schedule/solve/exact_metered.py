"""Small problems with a bill at the meter: whole set-points beside real power, solved stage by stage.

What flows through the meter is no whole number of anything, so the solver is SCIP without a gap rather than CP-SAT.
What it returns counts as found, not as proven: the bound beside it is that of the certificate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.at_meter import with_turns, with_ways, working
from ocpp_schedule.solve.exact import integer_program, stage_costs, whole_demands, with_row
from ocpp_schedule.solve.exchange import BLOCK, Exchange
from ocpp_schedule.solve.levels import with_levels
from ocpp_schedule.solve.repair import allowed_steps, settle
from ocpp_schedule.solve.run_rows import with_run_rows
from ocpp_schedule.solve.storage_rows import BLOCK as STORAGE

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solve.program import Program, Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate

SLACK: Final = 1e-7
"""By which the row that freezes a stage is wider: a hundredth of what the finest price makes of one step."""


def exact_metered(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, solver: Solver
) -> tuple[Problem, Candidate] | None:
    """Return the best plan with whole set-points that SCIP finds, and the problem with batteries as it has them.

    Args:
        problem: without aims, batteries idle.
        relaxation: its program with the meter's block, directions open.
        exchange: places of the block.
        solver: runs it.
    """
    wishes = whole_demands(problem, relaxation)
    whole = integer_program(problem, relaxation, wishes)
    width, arcs = relaxation.program.cost.size, relaxation.arc_session.size
    whole = with_levels(problem, relaxation, with_run_rows(problem, relaxation, whole, width, width + arcs))
    program, columns = _whole(whole, relaxation, exchange)
    found: tuple[Problem, Candidate] | None = None
    for cost, _ in stage_costs(problem, relaxation, wishes, columns):
        wide = np.concatenate((cost, np.zeros(program.cost.size - cost.size)))
        if not wide.any():
            continue
        outcome = solver.run(replace(program, cost=wide), "scip_exact")
        if outcome.values is None:
            break
        plan = _plan(problem, relaxation, exchange, outcome.values)
        if plan is not None and (found is None or plan[1].rank <= found[1].rank):
            found = plan
        reached = float(wide @ outcome.values)
        program = with_row(program, wide, reached + SLACK * max(1.0, abs(reached)))
    return found


def _whole(program: Program, relaxation: Relaxation, exchange: Exchange) -> tuple[Program, int]:
    """Return the program with real power, whole steps of batteries, binary directions; and its width before those."""
    assert program.integer is not None  # noqa: S101 - it is an integer program, for the type checker
    integer = program.integer.copy()
    for name in (BLOCK, STORAGE):
        integer[relaxation.columns.get(name, slice(0))] = False
    stored = exchange.storage
    if stored is not None:
        integer[stored.charge] = integer[stored.discharge] = True
    program = replace(program, integer=integer)
    if exchange.bent.size:
        program = with_ways(program, *exchange.bent_places(relaxation), np.arange(exchange.bent.size))
    if stored is not None:
        program = with_turns(program, stored.charge.ravel(), stored.discharge.ravel())
    return program, integer.size


def _plan(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, values: Floats
) -> tuple[Problem, Candidate] | None:
    """Return the settled plan of one answer; None where it settles to nothing, or its batteries break a bound."""
    stored, meter = exchange.storage, problem.meter
    if stored is not None and meter is not None:
        steps = np.rint(values[stored.charge] - values[stored.discharge]).astype(np.int64)
        if not all(one.holds(row, problem.seconds) for one, row in zip(meter.batteries, steps, strict=True)):
            return None
        problem = working(problem, meter, steps)
    setpoints = np.zeros((problem.sessions, problem.slots))
    setpoints[relaxation.arc_session, relaxation.arc_slot] = np.rint(values[: relaxation.arc_session.size])
    plan = settle(problem, allowed_steps(problem, setpoints))
    return None if plan is None else (problem, plan)
