"""The linear program of a ``Problem``: set-points as real numbers, wishes with shortfall variables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.program import Program

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem

ROW_SCALE_UA: Final = 1e5
"""Rows are written in 0.1 A, so that the usual coefficient is 1."""
TIE_SHARE: Final = 1e-4
"""Share of the mean price that breaks ties (early finish, then session id): at most 0.01 % of the cost."""
WANT_WEIGHT: Final = 100.0
"""A missing kWh weighs this many highest prices: more than any chain of displaced kWh can save."""
MUST_WEIGHT: Final = 100.0
"""A missing must-have weighs this many missing wishes."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A program with the places of its variables: arcs, booked excess over the idle floor, shortfalls.

    Attributes:
        program: the arrays; the objective is money scaled by ``cost_scale``, plus penalties for shortfalls.
        arc_session, arc_slot: (A,) the set-points that may be above 0.
        arc_cap: (A,) their upper bounds [steps].
        arc_cost: (A,) exact money units per step, as floats.
        cost_scale: objective units per money unit.
        short_at: column of the first shortfall variable; one per demand.
        demand_session: (D,) the session of each demand.
        short_units: (D,) energy of one unit of the shortfall variable [0.1 J].
        tie_units: most that the tie-breaking terms can add up to [objective units].
        capacity_rows: (K, 3) node, line and slot of the first K rows.
        booking_column: (A,) the variable that stands in the capacity rows for each arc.
    """

    program: Program
    arc_session: Ints
    arc_slot: Ints
    arc_cap: Ints
    arc_cost: Floats
    cost_scale: float
    short_at: int
    demand_session: Ints
    short_units: Floats
    tie_units: float
    capacity_rows: Ints
    booking_column: Ints

    def setpoints(self, values: Floats, shape: tuple[int, int]) -> Floats:
        """Return (S, T) set-points as real numbers."""
        result = np.zeros(shape)
        result[self.arc_session, self.arc_slot] = values[: self.arc_session.size]
        return result

    def shortfall_units(self, values: Floats) -> Floats:
        """Return (D,) missing energy [0.1 J]."""
        return values[self.short_at :] * self.short_units


def relax(problem: Problem) -> Relaxation:
    """Build the linear program; rows that cannot bind are left out."""
    session, slot = np.nonzero(problem.cap_steps > 0)
    cap = problem.cap_steps[session, slot]
    floor = problem.idle_floor_steps[problem.session_connector]
    excess = np.flatnonzero((floor[session] > 0) & (cap > floor[session]))
    arcs, extra, wishes = session.size, excess.size, problem.demand_session.size
    # A connector is booked with max(set-point, floor): what is above the floor has a variable of its own.
    column = np.arange(arcs)
    column[excess] = arcs + np.arange(extra)
    capacity, row_names, row_high = _capacity_rows(problem, session, slot, cap, column, floor)
    blocks = [capacity, _demand_rows(problem, slot, arcs + extra)]
    if extra:
        pairs = np.column_stack((excess, column[excess])).ravel()
        blocks.insert(1, _Rows(np.full(extra, 2), pairs, np.tile((1.0, -1.0), extra)))
    matrix = _stacked(blocks, arcs + extra + wishes)
    if extra:  # the variables of the excess come after all others, so that capacity rows hold them out of order
        matrix.sort_indices()

    short_units = _short_units(problem)
    need = problem.demand_units / short_units
    final = _final_demands(problem)
    most = np.full(wishes, np.inf)
    # What the last step may overshoot is within the program, so that its optimum bounds every integer plan.
    most[final] = problem.energy_most_units / short_units[final]
    arc_cost = problem.power_dw[session] * problem.price_seconds[slot].astype(float)
    scale, tie, tie_units, dearest = _prices(problem, session, slot, cap)
    penalty = np.where(problem.demand_hard, MUST_WEIGHT, 1.0) * WANT_WEIGHT * dearest * short_units
    own_floor = floor[session[excess]]
    program = Program(
        cost=np.concatenate((arc_cost * scale + tie, np.zeros(extra), penalty)),
        low=np.zeros(arcs + extra + wishes),
        high=np.concatenate((cap, cap[excess] - own_floor, need)),
        matrix=matrix,
        row_low=np.concatenate((np.full(row_high.size + extra, -np.inf), need)),
        row_high=np.concatenate((row_high, own_floor, np.maximum(most, need))),
    )
    return Relaxation(
        program,
        session,
        slot,
        cap,
        arc_cost,
        scale,
        arcs + extra,
        problem.demand_session,
        short_units,
        tie_units,
        row_names,
        column,
    )


def congestion_prices(relaxation: Relaxation, duals: Floats, shape: tuple[int, int]) -> Floats:
    """Return (S, T) scaled prices of a step: money, tie-breaks and what the tight rows make it worth."""
    rows = relaxation.capacity_rows.shape[0]
    pressure = relaxation.program.matrix[:rows].T @ duals[:rows]
    arcs = relaxation.arc_session.size
    prices = np.full(shape, np.inf)
    prices[relaxation.arc_session, relaxation.arc_slot] = (
        relaxation.program.cost[:arcs] - pressure[relaxation.booking_column]
    )
    return prices


def restrict(relaxation: Relaxation, low: Ints, high: Ints) -> Relaxation:
    """Return the same program with the set-points held between ``low`` and ``high`` (S, T)."""
    place = (relaxation.arc_session, relaxation.arc_slot)
    arcs = relaxation.arc_session.size
    program = relaxation.program
    new_low, new_high = program.low.copy(), program.high.copy()
    new_low[:arcs], new_high[:arcs] = low[place], high[place]
    return replace(relaxation, program=replace(program, low=new_low, high=new_high))


def enlarge(relaxation: Relaxation, extra_units: Ints) -> Relaxation:
    """Return the program with every demand of a session raised by (S,) ``extra_units`` [0.1 J], rounded up."""
    program = relaxation.program
    extra = np.ceil(extra_units[relaxation.demand_session] / relaxation.short_units)
    count = program.row_low.size - extra.size
    low, high, most = program.row_low.copy(), program.row_high.copy(), program.high.copy()
    low[count:] += extra
    high[count:] += extra
    most[relaxation.short_at :] += extra
    return replace(relaxation, program=replace(program, row_low=low, row_high=high, high=most))


@dataclass(frozen=True, slots=True)
class _Rows:
    """A block of sparse rows: how many entries each has, and the entries row after row."""

    lengths: Ints
    columns: Ints
    data: Floats


def _stacked(blocks: list[_Rows], width: int) -> csr_array:
    """Return the blocks one below the other; written as CSR at once, since sorting entries costs more than they do."""
    lengths = np.concatenate([block.lengths for block in blocks])
    ends = np.zeros(lengths.size + 1, dtype=np.int32)
    np.cumsum(lengths, out=ends[1:])
    columns = np.concatenate([block.columns for block in blocks]).astype(np.int32)
    return csr_array((np.concatenate([block.data for block in blocks]), columns, ends), shape=(lengths.size, width))


def _capacity_rows(
    problem: Problem, session: Ints, slot: Ints, cap: Ints, column: Ints, floor: Ints
) -> tuple[_Rows, Ints, Floats]:
    """Return the rows that can bind, their (K, 3) names and upper bounds [0.1 A].

    Args:
        problem: what is planned.
        session, slot, cap: (A,) the arcs.
        column: (A,) the variable that is booked for each arc.
        floor: (S,) idle floor of each session's connector [steps].
    """
    slots = problem.slots
    below = problem.connector_nodes[:, problem.session_connector]
    per_step = (below[:, None, :] * problem.line_ua.T.astype(np.float64)).reshape(-1, problem.sessions)
    free = problem.free_ua.reshape(-1, slots)
    binding = per_step @ np.maximum(problem.cap_steps - floor[:, None], 0) > free
    # Slot by slot, as the rows want them; a set-point within the floor's own booking loads no row.
    turn = np.argsort(slot, kind="stable")
    turn = turn[cap[turn] > floor[session[turn]]]
    session, slot, column = session[turn], slot[turn], column[turn]
    lengths, columns, data = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for row in np.flatnonzero(binding.any(axis=1)).tolist():
        coefficient = (per_step[row] / ROW_SCALE_UA)[session]
        entries = np.flatnonzero(binding[row][slot] & (coefficient > 0))
        lengths.append(np.bincount(slot[entries], minlength=slots)[binding[row]])
        columns.append(column[entries])
        data.append(coefficient[entries])
    row, slot = np.nonzero(binding)
    rows = _Rows(np.concatenate(lengths), np.concatenate(columns), np.concatenate(data))
    return rows, np.column_stack((row // 3, row % 3, slot)), free[binding] / ROW_SCALE_UA


def _final_demands(problem: Problem) -> Ints:
    """Return (S,) the index of each session's last demand, its wanted energy."""
    return np.searchsorted(problem.demand_session, np.arange(problem.sessions), side="right") - 1


def _short_units(problem: Problem) -> Floats:
    """Return (D,) energy of one step in the shortest slot: the unit of a demand's row [0.1 J]."""
    power = np.maximum(problem.power_dw[problem.demand_session], 1)
    units: Floats = (power * problem.seconds.min()).astype(np.float64)
    return units


def _demand_rows(problem: Problem, slot: Ints, short_at: int) -> _Rows:
    """Return the demand rows: the arcs of the session that come before the demand's end, and the shortfall."""
    before = np.zeros((problem.sessions, problem.slots + 1), dtype=np.int64)
    np.cumsum(problem.cap_steps > 0, axis=1, out=before[:, 1:])
    first = np.concatenate(([0], np.cumsum(before[:, -1])))
    lengths = before[problem.demand_session, problem.demand_end] + 1
    ends = np.cumsum(lengths)
    columns = np.arange(int(lengths.sum())) + np.repeat(first[problem.demand_session] - ends + lengths, lengths)
    shortfall = ends - 1
    columns[shortfall] = 0
    data = (problem.seconds / problem.seconds.min())[slot][columns]
    data[shortfall] = 1.0
    columns[shortfall] = short_at + np.arange(lengths.size)
    return _Rows(lengths, columns, data)


def _prices(problem: Problem, session: Ints, slot: Ints, cap: Ints) -> tuple[float, Floats, float, float]:
    """Return money scale, tie-breaking terms per arc, their largest sum, and the dearest scaled price per energy."""
    price = problem.price_seconds / problem.seconds
    level = float(np.abs(price).mean()) or 1.0
    power = float(problem.power_dw[session].mean()) if session.size else 1.0
    scale = 1.0 / (level * power * float(problem.seconds.mean()))
    # Early finish; of two sessions that could swap, the lower id goes first because its delay weighs more.
    rank = 1.0 + 0.5 * (problem.sessions - np.arange(problem.sessions)) / max(problem.sessions, 1)
    delay = (slot + 1) / problem.slots
    energy = problem.power_dw[session] * problem.seconds[slot].astype(float)
    tie = TIE_SHARE * level * scale * rank[session] * delay * energy / 1.5
    reach = np.minimum(np.bincount(session, cap * energy, problem.sessions), problem.energy_most_units)
    tie_units = float(TIE_SHARE * level * scale * reach.sum())
    dearest = float(np.abs(price).max() or 1.0) * scale
    return scale, tie, tie_units, dearest
