"""Blocks of further columns and rows behind those of set-points and wishes: peaks, exchange with the grid, storage."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.problem.arrays import Floats
    from ocpp_schedule.solve.relaxation import Relaxation


@dataclass(frozen=True, slots=True)
class Block:
    """Columns and rows of one name.

    Attributes:
        name: of the block, in ``Relaxation.columns`` and ``Relaxation.rows``.
        low, high: (k,) bounds of the new columns.
        matrix: (m, n + k) the new rows on all columns, the new ones last.
        row_low, row_high: (m,).
        goals: by the name of a stage, what its value grows by per unit of each new column, in the stage's unit.
        arcs: by the name of a stage, (A,) what it charges per step of each arc in place of what it did; for stages
            whose value the new columns carry.
        offsets: by the name of a stage, what its value has beside that of the columns.
    """

    name: str
    low: Floats
    high: Floats
    matrix: csr_array
    row_low: Floats
    row_high: Floats
    goals: Mapping[str, Floats] = field(default_factory=dict)
    arcs: Mapping[str, Floats] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)


def extended(relaxation: Relaxation, block: Block) -> Relaxation:
    """Return the relaxation with a block behind it; its goals are in the objective of their stages from then on."""
    program = relaxation.program
    width, height, more = program.cost.size, program.row_high.size, block.low.size
    goals, cost = {}, np.concatenate((program.cost, np.zeros(more)))
    for name, goal in relaxation.goals.items():
        added = np.asarray(block.goals.get(name, np.zeros(more))) * goal.scale
        coefficients = np.concatenate((goal.coefficients, added))
        if name in block.arcs:
            coefficients[relaxation.columns["arcs"]] = block.arcs[name] * goal.scale
        if name == relaxation.main:
            cost += coefficients - np.concatenate((goal.coefficients, np.zeros(more)))
        goals[name] = replace(goal, coefficients=coefficients, offset=goal.offset + block.offsets.get(name, 0.0))
    empty = csr_array((height, more))
    return replace(
        relaxation,
        program=replace(
            program,
            cost=cost,
            low=np.concatenate((program.low, block.low)),
            high=np.concatenate((program.high, block.high)),
            matrix=csr_array(vstack([hstack([program.matrix, empty]), block.matrix])),
            row_low=np.concatenate((program.row_low, block.row_low)),
            row_high=np.concatenate((program.row_high, block.row_high)),
        ),
        columns=relaxation.columns | {block.name: slice(width, width + more)},
        rows=relaxation.rows | {block.name: slice(height, height + block.row_high.size)},
        goals=goals,
        tie=np.concatenate((relaxation.tie, np.zeros(more))),
    )
