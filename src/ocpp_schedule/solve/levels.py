"""Discrete pilots in integer programs: one binary for each allowed set-point (convention 19)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.program import Program
    from ocpp_schedule.solve.relaxation import Relaxation


def with_levels(problem: Problem, relaxation: Relaxation, program: Program) -> Program:
    """Return ``program`` with the set-points of sessions that have gaps held to their allowed ones.

    Binaries follow the other variables: ``x = sum of level x binary``, at most one binary of a set-point is 1.
    """
    arcs = [at for at, session in enumerate(relaxation.arc_session.tolist()) if session in problem.levels]
    if not arcs:
        return program
    of_arc: list[int] = []
    level: list[int] = []
    for place, at in enumerate(arcs):
        table = problem.levels[int(relaxation.arc_session[at])]
        usable = table[(table > 0) & (table <= relaxation.arc_cap[at])].tolist()
        of_arc += [place] * len(usable)
        level += usable
    size, rows, count = program.cost.size, program.row_high.size, len(arcs)
    binary = size + np.arange(len(level))
    picked = np.array(of_arc, dtype=np.int64)
    tree = program.matrix.tocoo()
    blocks = (
        (tree.row, tree.col, tree.data),
        (rows + np.arange(count), np.array(arcs, dtype=np.int64), np.ones(count)),
        (rows + picked, binary, -np.array(level, dtype=np.float64)),
        (rows + count + picked, binary, np.ones(len(level))),
    )
    row, column, data = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    nothing, one = np.zeros(count), np.ones(count)
    more = np.zeros(len(level))
    return replace(
        program,
        cost=np.concatenate((program.cost, more)),
        low=np.concatenate((program.low, more)),
        high=np.concatenate((program.high, more + 1.0)),
        matrix=csr_array((data, (row, column)), shape=(rows + 2 * count, size + len(level))),
        row_low=np.concatenate((program.row_low, nothing, nothing)),
        row_high=np.concatenate((program.row_high, nothing, one)),
        integer=None if program.integer is None else np.concatenate((program.integer, more == 0)),
    )
