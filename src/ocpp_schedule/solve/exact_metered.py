"""Small problems with a bill at the meter: whole set-points beside real power, solved stage by stage.

What flows through the meter is no whole number of anything, so the solver is SCIP without a gap rather than CP-SAT.
What it returns counts as found, not as proven: the bound beside it is that of the certificate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.at_meter import with_ways
from ocpp_schedule.solve.exact import integer_program, stage_costs, whole_demands, with_row
from ocpp_schedule.solve.exchange import BLOCK, Exchange
from ocpp_schedule.solve.repair import better, settle, whole_steps
from ocpp_schedule.solve.run_rows import with_run_rows

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate

SLACK: Final = 1e-7
"""By which the row that freezes a stage is wider: a hundredth of what the finest price makes of one step."""


def exact_metered(problem: Problem, relaxation: Relaxation, exchange: Exchange, solver: Solver) -> Candidate | None:
    """Return the best plan with whole set-points that SCIP finds, or None where it finds none.

    Args:
        problem: with its aims.
        relaxation: the program with the meter's block, directions open.
        exchange: places of the block.
        solver: runs it.
    """
    wishes = whole_demands(problem, relaxation)
    program = integer_program(problem, relaxation, wishes)
    width, arcs = relaxation.program.cost.size, relaxation.arc_session.size
    program = with_run_rows(problem, relaxation, program, width, width + arcs)
    place = relaxation.columns[BLOCK]
    assert program.integer is not None  # noqa: S101 - it is an integer program, for the type checker
    integer = program.integer.copy()
    integer[place] = False
    program = replace(program, integer=integer)
    if exchange.bent.size:
        program = with_ways(program, *exchange.bent_places(relaxation), np.arange(exchange.bent.size))
    size, found = program.cost.size, None
    for cost in stage_costs(problem, relaxation, wishes, integer.size):
        wide = np.concatenate((cost, np.zeros(size - cost.size)))
        if not wide.any():
            continue
        outcome = solver.run(replace(program, cost=wide), "scip_exact")
        if outcome.values is None:
            break
        values = outcome.values
        setpoints = np.zeros((problem.sessions, problem.slots))
        setpoints[relaxation.arc_session, relaxation.arc_slot] = np.rint(values[: relaxation.arc_session.size])
        found = better(settle(problem, whole_steps(setpoints)), found)
        reached = float(wide @ values)
        program = with_row(program, wide, reached + SLACK * max(1.0, abs(reached)))
    return found
