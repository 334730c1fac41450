"""From the linear optimum to the meter: directions, aims for repairs, and prices for the certificate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ocpp_schedule.problem.storage import charging_units
from ocpp_schedule.solve.exchange import BLOCK, Exchange
from ocpp_schedule.solve.program import Program
from ocpp_schedule.solve.storage_rows import BLOCK as STORAGE
from ocpp_schedule.solve.storage_rows import rounded_steps
from ocpp_schedule.solve.v2g_rows import BLOCK as CARS
from ocpp_schedule.solve.v2g_rows import rounded_discharge

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.meter import Meter
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed

TOLERANCE: Final = 1e-6
"""Share of a mean step; below it a power is the solver's tolerance."""


def decide(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, relaxed: Relaxed, solver: Solver
) -> Relaxation:
    """Return the relaxation with a direction for every slot in which the linear program may go both ways.

    Those are slots in which export pays more than import, and all of a battery. Where the linear program respects
    the direction it stays; the others are decided by an integer program with a binary variable for each of them.
    Without any such slot the relaxation comes back as it is.
    """
    meter, turns = problem.meter, exchange.storage
    count = exchange.bent.size
    if meter is None or not (count or turns or exchange.cars):
        return relaxation
    program = relaxation.program
    ways, columns = exchange.bent_places(relaxation)
    given = relaxed.values[columns]
    # In these rows N + export stands without the constant part of N, which is the lower bound's opposite.
    taken = program.matrix[ways] @ relaxed.values - program.row_low[ways]
    out = given > taken
    open_ways = np.flatnonzero(np.minimum(given, taken) > TOLERANCE)
    charge, discharge = turn_columns(exchange)
    fills = relaxed.values[charge] > relaxed.values[discharge]
    open_turns = np.flatnonzero(np.minimum(relaxed.values[charge], relaxed.values[discharge]) > TOLERANCE)
    if not (count or open_turns.size):
        return relaxation
    if open_ways.size or open_turns.size:
        whole = with_ways(program, ways, columns, open_ways)
        whole = with_turns(whole, charge[open_turns], discharge[open_turns])
        outcome = solver.run(whole, "scip")
        if outcome.values is not None:
            decided = outcome.values[program.cost.size :] > 0.5  # noqa: PLR2004 - binary variables
            out[open_ways] = decided[: open_ways.size]
            fills = outcome.values[charge] > outcome.values[discharge]
    high, row_high = program.high.copy(), program.row_high.copy()
    high[columns] = np.where(out, high[columns], 0.0)
    row_high[ways] = np.where(out, program.row_low[ways], row_high[ways])
    # Elsewhere a battery stays free: what it does not do at the optimum must not lose its price.
    high[charge[open_turns[~fills[open_turns]]]] = 0.0
    high[discharge[open_turns[fills[open_turns]]]] = 0.0
    return replace(relaxation, program=replace(program, high=high, row_high=row_high))


def turn_columns(exchange: Exchange) -> tuple[Ints, Ints]:
    """Return the columns of charging and of discharging of batteries and cars, of which only one may be used."""
    pairs = [] if exchange.storage is None else [(exchange.storage.charge.ravel(), exchange.storage.discharge.ravel())]
    if exchange.cars is not None:
        pairs.append(exchange.cars.pairs())
    none = np.zeros(0, dtype=np.int64)
    charge, discharge = (np.concatenate((none, *(pair[side] for pair in pairs))) for side in range(2))
    return charge, discharge


def with_turns(program: Program, charge: Ints, discharge: Ints) -> Program:
    """Return the program with a binary variable for each pair of columns: 1 lets the first be used, 0 the second."""
    size, rows, count = program.cost.size, program.row_high.size, charge.size
    number = np.arange(count)
    most = program.high[discharge]
    blocks = (
        (number, charge, np.ones(count)),
        (number, size + number, -program.high[charge]),
        (count + number, discharge, np.ones(count)),
        (count + number, size + number, most),
    )
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    added = csr_array((data, (row, column)), shape=(2 * count, size + count))
    integer = np.ones(size + count, dtype=np.bool_)
    integer[:size] = False if program.integer is None else program.integer
    return replace(
        program,
        cost=np.concatenate((program.cost, np.zeros(count))),
        low=np.concatenate((program.low, np.zeros(count))),
        high=np.concatenate((program.high, np.ones(count))),
        matrix=csr_array(vstack([hstack([program.matrix, csr_array((rows, count))]), added])),
        row_low=np.concatenate((program.row_low, np.full(2 * count, -np.inf))),
        row_high=np.concatenate((program.row_high, np.zeros(count), most)),
        integer=integer,
    )


def at_work(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, relaxed: Relaxed
) -> tuple[Problem, Relaxation]:
    """Return problem and program with the batteries held at whole steps; as they are where there are none.

    From then on what a battery does is part of the base load, on hard rows and at the meter.
    """
    meter, columns, cars = problem.meter, exchange.storage, exchange.cars
    if meter is None or (columns is None and cars is None):
        return problem, relaxation
    program = relaxation.program
    low, high = program.low.copy(), program.high.copy()
    steps, given = meter.storage_steps, meter.discharge_steps
    if columns is not None:
        steps = rounded_steps(problem, relaxation, columns, relaxed.values)
        low[columns.charge] = high[columns.charge] = np.maximum(steps, 0)
        low[columns.discharge] = high[columns.discharge] = np.maximum(-steps, 0)
        # The steps respect what can be stored; the solver need not look at it again.
        low[columns.stored], high[columns.stored] = -np.inf, np.inf
    if cars is not None:
        given = rounded_discharge(problem, cars, relaxed.values)
        there = cars.discharge >= 0
        low[cars.discharge[there]] = high[cars.discharge[there]] = given[there]
        high[cars.charge[(given > 0) & (cars.charge >= 0)]] = 0.0
    held = replace(relaxation, program=replace(program, low=low, high=high))
    return working(problem, meter, steps, given), held


def working(problem: Problem, meter: Meter, steps: Ints, given: Ints) -> Problem:
    """Return the problem with batteries at (B, T) and cars that give energy back at (V, T) steps.

    Charging of batteries then counts as base load on hard rows, and all of it at the meter. Where a car gives it takes
    nothing, and its needs grow by what it gives.
    """
    booked = charging_units(meter.batteries, steps - meter.storage_steps, problem.headroom_units.shape)
    found = replace(
        problem,
        headroom_units=problem.headroom_units - booked,
        meter=meter.working(steps, problem.seconds, given),
    )
    if not given.any():
        return found
    caps, needs = problem.cap_steps.copy(), problem.demand_units.copy()
    for car, row in zip(meter.cars, given, strict=True):
        caps[car.session, row > 0] = 0
        mine = np.flatnonzero(problem.demand_session == car.session)
        taken = np.concatenate(([0], np.cumsum(row * problem.seconds * car.step_dw))).astype(object)
        asked = problem.demand_wish_units[mine].astype(object) * car.scale
        needs[mine] = -(-(asked + taken[problem.demand_end[mine]] * car.drawn) // car.kept)
    return replace(found, cap_steps=caps, demand_units=needs)


def with_ways(program: Program, ways: slice, columns: slice, open_: Ints) -> Program:
    """Return the program with a binary variable for each open slot: 1 is export, 0 import."""
    size, rows, count = program.cost.size, program.row_high.size, open_.size
    number = np.arange(count)
    span = program.row_high[ways][open_] - program.row_low[ways][open_]
    most = program.high[columns][open_]
    tree = program.matrix[ways.start + open_].tocoo()
    blocks = (
        (number, columns.start + open_, np.ones(count)),
        (number, size + number, -most),
        (count + tree.row, tree.col, tree.data),
        (count + number, size + number, span),
    )
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    added = csr_array((data, (row, column)), shape=(2 * count, size + count))
    wide = hstack([program.matrix, csr_array((rows, count))])
    integer = np.ones(size + count, dtype=np.bool_)
    integer[:size] = False if program.integer is None else program.integer
    return Program(
        cost=np.concatenate((program.cost, np.zeros(count))),
        low=np.concatenate((program.low, np.zeros(count))),
        high=np.concatenate((program.high, np.ones(count))),
        matrix=csr_array(vstack([wide, added])),
        row_low=np.concatenate((program.row_low, np.full(2 * count, -np.inf))),
        row_high=np.concatenate((program.row_high, np.zeros(count), program.row_high[ways][open_])),
        integer=integer,
    )


def aimed(problem: Problem, relaxation: Relaxation, exchange: Exchange, relaxed: Relaxed) -> Problem:
    """Return the problem with the peaks of the linear optimum and its prices as the aims of repairs."""
    meter = problem.meter
    if meter is None:
        return problem
    peaks = relaxed.values[exchange.peak_at : exchange.peak_at + len(meter.registers)] * exchange.unit_dw
    soft = tuple(
        max(one.floor_dw, int(np.ceil(peak - TOLERANCE))) for one, peak in zip(meter.registers, peaks, strict=True)
    )
    return replace(problem, meter=replace(meter, soft_dw=soft, aim_price=slopes(relaxation, exchange, relaxed)))


def slopes(relaxation: Relaxation, exchange: Exchange, relaxed: Relaxed) -> Ints:
    """Return (T,) what a unit more through the meter costs at the optimum, price x seconds as in ``Meter``."""
    price = exchange.linear_price.astype(float)
    if relaxed.duals is not None:
        place = relaxation.rows[BLOCK]
        duals = relaxed.duals[place] / relaxation.goals["cost"].scale / exchange.unit_dw
        np.subtract.at(price, exchange.through[:, 1], exchange.factor * duals[exchange.through[:, 0]])
    rounded: Ints = np.rint(price).astype(np.int64)
    return rounded


def meter_prices(problem: Problem, relaxation: Relaxation, exchange: Exchange, relaxed: Relaxed) -> dict[str, Any]:
    """Return the fields of the certificate that speak of the meter, in whole numbers."""
    meter = problem.meter
    if meter is None or relaxed.duals is None:
        return {}
    duals = relaxed.duals[relaxation.rows[BLOCK]] / relaxation.goals["cost"].scale / exchange.unit_dw
    peaks = [np.zeros(register.seconds.size) for register in meter.registers]
    for (register, interval), dual in zip(exchange.peak_rows.tolist(), duals[exchange.peak_row :], strict=False):
        peaks[register][interval] = max(dual, 0.0)
    surplus = np.zeros(problem.slots)
    surplus[exchange.surplus_rows[:, 1]] = np.maximum(-duals[exchange.surplus_rows[:, 0]], 0.0)
    export = np.zeros((len(meter.exports), problem.slots))
    export[exchange.export_rows[:, 1], exchange.export_rows[:, 2]] = np.maximum(duals[exchange.export_rows[:, 0]], 0.0)
    return {
        "meter_prices": tuple(slopes(relaxation, exchange, relaxed).tolist()),
        "peak_prices": {
            (one.peak, one.period): _whole(prices)
            for one, prices in zip(meter.registers, peaks, strict=True)
            if prices.any()
        },
        "storage_prices": _storage_prices(problem, relaxation, exchange, relaxed.duals),
        "car_prices": _car_prices(problem, relaxation, exchange, relaxed.duals),
        "surplus_prices": _whole(surplus) if surplus.any() else (),
        "export_prices": {
            row.name: _whole(prices) for row, prices in zip(meter.exports, export, strict=True) if prices.any()
        },
    }


def _storage_prices(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, duals: Floats
) -> dict[str, tuple[int, ...]]:
    """Return by battery what stored energy is worth after each slot [money units per 0.1 J]."""
    columns = exchange.storage
    if columns is None or problem.meter is None:
        return {}
    own = duals[relaxation.rows[STORAGE]][columns.balance] / relaxation.goals["cost"].scale / columns.unit[:, None]
    return {battery.id: _whole(-row * battery.scale) for battery, row in zip(problem.meter.batteries, own, strict=True)}


def _car_prices(
    problem: Problem, relaxation: Relaxation, exchange: Exchange, duals: Floats
) -> dict[str, tuple[int, ...]]:
    """Return by session what energy in its battery is worth after each slot [money units per 0.1 J]."""
    columns = exchange.cars
    if columns is None or problem.meter is None:
        return {}
    own = duals[relaxation.rows[CARS]] / relaxation.goals["cost"].scale
    rows = np.where(columns.balance >= 0, own[columns.balance], 0.0) / columns.unit[:, None]
    return {
        problem.session_ids[car.session]: _whole(-row * car.scale)
        for car, row in zip(problem.meter.cars, rows, strict=True)
    }


def _whole(prices: Floats) -> tuple[int, ...]:
    return tuple(np.rint(prices).astype(np.int64).tolist())
