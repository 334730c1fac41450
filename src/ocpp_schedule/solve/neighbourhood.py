"""A small integer program around a plan in hand: few set-points open, all others as they are.

Only columns that can move and rows that they touch are in it, so that its size follows from what is open, not from
the site. A set-point that is 0 or at least its minimum is ``minimum x on + rest`` with one row ``rest <= span x on``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.flows import counted
from ocpp_schedule.solve.patterns import least_steps
from ocpp_schedule.solve.program import Program
from ocpp_schedule.units import LINES

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

COARSE_STEP_UA: Final = 1_000_000
"""From 1 A per step on set-points are whole numbers in the program: what rounding down loses is then worth it."""
TOLERANCE: Final = 1e-6
"""Share of a step; what is closer to 0 is 0."""
GAP_SHARE: Final = 3e-5
"""Share of the whole cost by which the program may miss its optimum."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The program and how to read it.

    Attributes:
        program: columns are the open arcs (what is above the minimum where they switch), those columns of the
            relaxation that are no arcs, and one binary for each arc that switches.
        arcs: (F,) index of each open arc.
        switch: (B,) places among the open arcs of those that switch.
        minimum: (F,) what being on gives [steps]; 0 where an arc does not switch.
    """

    program: Program
    arcs: Ints
    switch: Ints
    minimum: Floats

    def setpoints(self, relaxation: Relaxation, plan: Ints, values: Floats) -> Floats:
        """Return (S, T) set-points: those of ``plan`` with the open ones as in ``values``."""
        found = values[: self.arcs.size].copy()
        on = values[values.size - self.switch.size :] > 0.5  # noqa: PLR2004 - a binary, give or take the tolerance
        found[self.switch] = np.where(on, found[self.switch] + self.minimum[self.switch], 0.0)
        result = plan.astype(np.float64)
        result[relaxation.arc_session[self.arcs], relaxation.arc_slot[self.arcs]] = found
        return result


def neighbourhood(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, open_: Bools, switching: Bools
) -> Neighbourhood:
    """Return the program around ``plan``.

    Args:
        problem: what is planned.
        relaxation: the linear program, its needs as the plan shall meet them.
        relaxed: its optimum; the objective is that of its last stage.
        plan: where all other set-points stay, and what no shortfall exceeds.
        open_: (A,) arcs that may change.
        switching: (A,) those that may go on or off; the other open ones stay on or off as in the plan.
    """
    base, size = relaxation.program, relaxation.arc_session.size
    planned = plan.setpoints[relaxation.arc_session, relaxation.arc_slot]
    arcs = np.flatnonzero(open_)
    switch = np.flatnonzero(switching[arcs])
    cap = relaxation.arc_cap[arcs]
    lowest = np.minimum(least_steps(problem)[relaxation.arc_session[arcs]], cap)
    minimum = np.where(switching[arcs], lowest, 0)
    staying = ~switching[arcs] & (planned[arcs] > 0)
    span = np.where(switching[arcs] | staying, cap - minimum, 0)
    high = base.high.copy()
    high[relaxation.columns["short"]] = shortfalls(problem, relaxation, plan)
    others = size + np.flatnonzero(high[size:] > base.low[size:])
    columns = np.concatenate((arcs, others))
    fixed = base.low.copy()
    fixed[:size] = planned
    fixed[columns] = 0.0

    inside = base.matrix.tocsc()[:, columns].tocsr()
    rows = np.flatnonzero(np.diff(inside.indptr))
    taken = (base.matrix @ fixed)[rows]
    matrix = _with_switches(inside[rows], switch, minimum[switch], span[switch])
    integer = np.zeros(columns.size + switch.size, dtype=np.bool_)
    integer[columns.size :] = True
    integer[: arcs.size] = coarse_steps(problem)[relaxation.arc_session[arcs]]
    # Early finish keeps cars from swapping, which is dear where edges are guarded and nothing where they are not.
    cost = (relaxed.cost if problem.edge_guard_s else relaxed.cost - relaxation.tie)[columns]
    none, one = np.zeros(switch.size), np.ones(switch.size)
    program = Program(
        cost=np.concatenate((cost, cost[switch] * minimum[switch])),
        low=np.concatenate((np.where(staying, lowest, 0), base.low[others], none)),
        high=np.concatenate((span, high[others], one)),
        matrix=matrix,
        row_low=np.concatenate((base.row_low[rows] - taken, none - np.inf)),
        row_high=np.concatenate((base.row_high[rows] - taken, none)),
        integer=integer,
        hint=np.concatenate(
            (np.maximum(planned[arcs] - minimum, 0), np.full(others.size, np.nan), planned[arcs[switch]] > 0)
        ),
        gap=GAP_SHARE * abs(float(relaxed.cost @ relaxed.values)),
    )
    return Neighbourhood(program, arcs, switch, minimum.astype(np.float64))


def coarse_steps(problem: Problem) -> Bools:
    """Return (S,) whose set-points change in steps so large that rounding them down would cost much."""
    coarse: Bools = problem.load_units[:, : len(LINES)].max(axis=1, initial=0) >= COARSE_STEP_UA
    return coarse


def shortfalls(problem: Problem, relaxation: Relaxation, plan: Candidate) -> Floats:
    """Return (D,) what the plan misses of the program's needs, in units of the shortfall variables."""
    given = np.zeros((problem.sessions, problem.slots + 1), dtype=np.int64)
    np.cumsum(plan.setpoints * problem.power_dw[:, None] * problem.seconds, axis=1, out=given[:, 1:])
    needs = relaxation.program.row_low[relaxation.rows["need"]]
    missing = needs - given[problem.demand_session, problem.demand_end] / relaxation.short_units
    if problem.meter is not None and problem.meter.cars:
        net = np.zeros_like(given)
        np.cumsum(counted(problem, problem.meter, np.diff(given, axis=1)), axis=1, out=net[:, 1:])
        missing = needs - net[problem.demand_session, problem.demand_end] / relaxation.short_units
    return np.where(missing > TOLERANCE, missing, 0.0)


def _with_switches(inside: csr_array, switch: Ints, minimum: Ints, span: Ints) -> csr_array:
    """Return the rows with a binary for each switching column, and below them ``rest - span x on <= 0`` for each."""
    rows, columns = inside.shape
    tree, own = inside.tocoo(), inside.tocsc()[:, switch].tocoo()
    number = np.arange(switch.size)
    blocks = (
        (tree.row, tree.col, tree.data),
        (own.row, columns + own.col, own.data * minimum[own.col]),
        (rows + number, switch, np.ones(switch.size)),
        (rows + number, columns + number, -span.astype(np.float64)),
    )
    row, column, data = (np.concatenate([block[part] for block in blocks]) for part in range(3))
    return csr_array((data, (row, column)), shape=(rows + switch.size, columns + switch.size))
