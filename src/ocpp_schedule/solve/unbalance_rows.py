"""Differences between lines as rows of the program, and their prices (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.blocks import Block
from ocpp_schedule.solve.blocks import extended as with_block
from ocpp_schedule.solve.unbalance import unbalance_of

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solution import RowName
    from ocpp_schedule.solve.relaxation import Relaxation

BLOCK = "unbalance"
UNIT_UA = 1e5
"""One unit of these rows, as of the others: 0.1 A."""


def extended(problem: Problem, relaxation: Relaxation) -> Relaxation:
    """Return the program with a row for each circuit, pair and slot that can differ by too much."""
    limits = unbalance_of(problem)
    session, slot = relaxation.arc_session, relaxation.arc_slot
    places = _places(problem)
    number = np.full(limits.high.shape, -1, dtype=np.int64)
    number[tuple(places.T)] = np.arange(len(places))
    rows, columns, data = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for at in range(len(limits.names)):
        for pair in range(len(limits.pairs)):
            own = limits.inside[at, session] * limits.per_step[session, pair]
            arc = np.flatnonzero((own != 0) & (number[at, pair, slot] >= 0))
            rows.append(number[at, pair, slot[arc]])
            columns.append(arc)
            data.append(own[arc] / UNIT_UA)
    entries = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
    block = Block(
        name=BLOCK,
        low=np.zeros(0),
        high=np.zeros(0),
        matrix=csr_array(entries, shape=(len(places), relaxation.program.cost.size)),
        row_low=limits.low[tuple(places.T)] / UNIT_UA,
        row_high=limits.high[tuple(places.T)] / UNIT_UA,
    )
    return with_block(relaxation, block)


def _places(problem: Problem) -> Ints:
    """Return (R, 3) circuit, pair and slot of the rows that can bind."""
    limits = unbalance_of(problem)
    over = [
        limits.inside.astype(np.int64) @ (problem.cap_steps * np.maximum(sign * own, 0)[:, None])
        for sign in (1, -1)
        for own in limits.per_step.T
    ]
    most = np.stack(over, axis=1)
    count = len(limits.pairs)
    return np.argwhere((most[:, :count] > limits.high) | (most[:, count:] > -limits.low))


def prices(problem: Problem, relaxation: Relaxation, duals: Floats) -> dict[RowName, Floats]:
    """Return what a uA of difference is worth, slot by slot: pair by pair, then the same the other way round.

    Args:
        problem: compiled arrays.
        relaxation: the program with the rows of ``extended``.
        duals: (m,) of its rows, in units of a stage.
    """
    limits = unbalance_of(problem)
    worth = np.zeros(limits.high.shape)
    worth[tuple(_places(problem).T)] = duals[relaxation.rows[BLOCK]] / UNIT_UA
    return {
        (BLOCK, name, way * len(limits.pairs) + pair): np.maximum((-1 if way == 0 else 1) * worth[at, pair], 0.0)
        for at, name in enumerate(limits.names)
        for way in (0, 1)
        for pair in range(len(limits.pairs))
    }
