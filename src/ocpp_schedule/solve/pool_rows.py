"""Whole pieces as rows of the program, and their prices (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.blocks import Block
from ocpp_schedule.solve.blocks import extended as with_block
from ocpp_schedule.solve.pools import pools_of

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solution import RowName
    from ocpp_schedule.solve.relaxation import Relaxation


def extended(problem: Problem, relaxation: Relaxation) -> Relaxation:
    """Return the program with a column per set-point and pool: the pieces it takes, a real number at least its share.

    Rows: ``take x - size y <= 0`` for each, then ``sum of y <= count`` for each pool and slot. Where one piece is more
    than the set-point can use, it counts with what it can use; whole numbers in place of the real ones give the rule.
    """
    pools = pools_of(problem)
    session, slot, cap = relaxation.arc_session, relaxation.arc_slot, relaxation.arc_cap
    connector = problem.session_connector[session]
    pool, arc = np.nonzero(pools.take[:, connector])
    take = pools.take[pool, connector[arc]]
    size = np.minimum(pools.size[pool], cap[arc] * take)
    whole = np.gcd(take, size)
    floor = -(-problem.idle_floor_steps[connector[arc]] * take // pools.size[pool])
    most = -(-cap[arc] * take // pools.size[pool])
    width, number = relaxation.program.cost.size, np.arange(arc.size)
    total = arc.size + pool * problem.slots + slot[arc]
    rows = np.concatenate((number, number, total))
    columns = np.concatenate((arc, width + number, width + number))
    data = np.concatenate((take // whole, -(size // whole), np.ones(arc.size)))
    idle = -(-pools.take * problem.idle_floor_steps // pools.size[:, None])
    free = np.repeat(pools.count - idle.sum(axis=1), problem.slots).astype(float)
    np.add.at(free, pool * problem.slots + slot[arc], floor)  # a connector with a set-point brings its own
    height = arc.size + free.size
    block = Block(
        name="pools",
        low=floor.astype(float),
        high=np.maximum(most, floor).astype(float),
        matrix=csr_array((data, (rows, columns)), shape=(height, width + arc.size)),
        row_low=np.full(height, -np.inf),
        row_high=np.concatenate((np.zeros(arc.size), free)),
    )
    return with_block(relaxation, block)


def prices(problem: Problem, relaxation: Relaxation, duals: Floats) -> dict[RowName, Floats]:
    """Return what a piece of each pool is worth, slot by slot.

    Args:
        problem: compiled arrays.
        relaxation: the program with the rows of ``extended``.
        duals: (m,) of its rows, in units of a stage.
    """
    pools, place = pools_of(problem), relaxation.rows["pools"]
    size = pools.size.size * problem.slots
    worth = np.maximum(-duals[place.stop - size : place.stop], 0.0).reshape(-1, problem.slots)
    return {(noun, name, 0): own for noun, name, own in zip(pools.nouns, pools.names, worth, strict=True)}
