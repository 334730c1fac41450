"""Small problems with a bill at the meter: whole set-points beside real power, solved stage by stage.

What flows through the meter is no whole number of anything, so the solver is SCIP without a gap rather than CP-SAT.
What it returns counts as found, not as proven: the bound beside it is that of the certificate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.at_meter import turn_columns, with_turns, with_ways, working
from ocpp_schedule.solve.exact import BELOW, integer_program, stage_costs, whole_demands, with_row
from ocpp_schedule.solve.exchange import BLOCK, Exchange
from ocpp_schedule.solve.levels import with_levels
from ocpp_schedule.solve.repair import allowed_steps, settle
from ocpp_schedule.solve.run_rows import with_run_rows
from ocpp_schedule.solve.storage_rows import BLOCK as STORAGE
from ocpp_schedule.solve.v2g_rows import BLOCK as CARS
from ocpp_schedule.solve.v2g_rows import fitting

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
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
    program, columns = _whole(problem, whole, relaxation, exchange)
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


def _whole(problem: Problem, program: Program, relaxation: Relaxation, exchange: Exchange) -> tuple[Program, int]:
    """Return the program with real power, whole steps of batteries, binary directions; and its width before those."""
    assert program.integer is not None  # noqa: S101 - it is an integer program, for the type checker
    integer = program.integer.copy()
    for name in (BLOCK, STORAGE, CARS):
        integer[relaxation.columns.get(name, slice(0))] = False
    stored, cars = exchange.storage, exchange.cars
    if stored is not None:
        integer[stored.charge] = integer[stored.discharge] = True
    high = program.high.copy()
    if cars is not None:
        integer[cars.discharge[cars.discharge >= 0]] = True
        for car, stored_at in zip(problem.meter.cars if problem.meter else (), cars.stored, strict=True):
            if car.high == car.start + int(problem.energy_most_units[car.session]) * car.scale:
                high[stored_at[stored_at >= 0]] -= BELOW  # the wish and less than a whole slot
    program = replace(program, integer=integer, high=high)
    if exchange.bent.size:
        program = with_ways(program, *exchange.bent_places(relaxation), np.arange(exchange.bent.size))
    if stored is not None or cars is not None:
        charge, discharge = turn_columns(exchange)
        first = program.cost.size
        program = _with_reserves(with_turns(program, charge, discharge), problem, exchange, discharge, first)
    return program, integer.size


def _with_reserves(program: Program, problem: Problem, exchange: Exchange, discharge: Ints, first: int) -> Program:
    """Return the program in which cars that come with less than their reserve give only what is above it.

    Args:
        program: with its turns.
        problem: what is planned.
        exchange: places of the block.
        discharge: columns of the turns.
        first: their first binary variable; 1 means that nothing is given.
    """
    cars = exchange.cars
    if cars is None or problem.meter is None:
        return program
    turn = {column: first + number for number, column in enumerate(discharge.tolist())}
    for at, car in enumerate(problem.meter.cars):
        for slot in np.flatnonzero(cars.discharge[at] >= 0).tolist() if car.low < car.reserve else ():
            row = np.zeros(program.cost.size)
            row[cars.stored[at, slot]] = -1.0
            if int(cars.discharge[at, slot]) in turn:
                row[turn[int(cars.discharge[at, slot])]] = -(car.reserve - car.low) / cars.unit[at]
            program = with_row(program, row, -car.reserve / cars.unit[at])
    return program


def _plan(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, values: Floats
) -> tuple[Problem, Candidate] | None:
    """Return the settled plan of one answer; None where it settles to nothing, or its batteries break a bound."""
    stored, cars, meter = exchange.storage, exchange.cars, problem.meter
    if meter is not None and (stored is not None or cars is not None):
        steps, given = meter.storage_steps, meter.discharge_steps
        if stored is not None:
            steps = np.rint(values[stored.charge] - values[stored.discharge]).astype(np.int64)
        if cars is not None:
            given = np.where(cars.discharge >= 0, np.rint(values[cars.discharge]), 0).astype(np.int64)
            given = fitting(problem, meter, given)  # the program knows nothing of edges
        if not all(one.holds(row, problem.seconds) for one, row in zip(meter.batteries, steps, strict=True)):
            return None
        problem = working(problem, meter, steps, given)
    setpoints = np.zeros((problem.sessions, problem.slots))
    setpoints[relaxation.arc_session, relaxation.arc_slot] = np.rint(values[: relaxation.arc_session.size])
    plan = settle(problem, allowed_steps(problem, setpoints))
    return None if plan is None else (problem, plan)
