"""Prices that show why energy is missing: the duals of the least shortage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.program import Solver
from ocpp_schedule.solve.relaxation import ROW_SCALE, relax, unrounded

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.program import Program
    from ocpp_schedule.solve.relaxation import Relaxation


@dataclass(frozen=True, slots=True)
class ShortagePrices:
    """Duals of the least shortage, as floats; what they prove is for others to compute exactly.

    Attributes:
        weight: (D,) what a unit of each demand counts; the demands of a session sum to at most 1.
        row: (N, K, T) what one uA of the row for one second is worth [0.1 J per uA and s].
    """

    weight: Floats
    row: Floats


def shortage_prices(problem: Problem) -> ShortagePrices | None:
    """Return the duals of the least energy that all sessions together must miss; None where GLOP gives none.

    A session misses what its worst demand misses, so that a milestone within a wish does not count twice.

    Args:
        problem: compiled arrays; ``tighten`` has ruled out what no plan can have.
    """
    relaxation = unrounded(relax(problem))
    outcome = Solver().run(_least_shortage(relaxation), "glop")
    if outcome.duals is None or not outcome.optimal:
        return None
    names = relaxation.capacity_rows
    scale = float(relaxation.short_units.mean())
    paid = np.maximum(-outcome.duals[relaxation.rows["capacity"]], 0.0) * scale / ROW_SCALE
    prices = np.zeros(problem.headroom_units.shape)
    prices[names[:, 0], names[:, 1], names[:, 2]] = paid / problem.seconds[names[:, 2]]
    weight = np.maximum(outcome.duals[relaxation.rows["need"]], 0.0) * scale / relaxation.short_units
    return ShortagePrices(weight, prices)


def _least_shortage(relaxation: Relaxation) -> Program:
    """Return the program with one shortfall per session, that of its first demand, and nothing else to pay for."""
    program, short = relaxation.program, relaxation.columns["short"]
    first = _first_demands(relaxation.demand_session)
    moved = np.arange(program.cost.size)
    moved[short] = short.start + first
    matrix = csr_array(
        (program.matrix.data, moved[program.matrix.indices], program.matrix.indptr), program.matrix.shape
    )
    matrix.sort_indices()
    cost, high, row_high = np.zeros(program.cost.size), program.high.copy(), program.row_high.copy()
    units = relaxation.short_units
    cost[short] = np.where(first == np.arange(first.size), units / units.mean(), 0.0)
    high[short], row_high[relaxation.rows["need"]] = np.inf, np.inf
    return replace(program, cost=cost, high=high, matrix=matrix, row_high=row_high)


def _first_demands(session: Ints) -> Ints:
    """Return (D,) the first demand of the session of each demand."""
    first: Ints = np.searchsorted(session, session, side="left")
    return first
