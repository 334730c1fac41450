"""The linear program of a ``Problem``: set-points as real numbers, wishes with shortfall variables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.family_rows import with_families
from ocpp_schedule.solve.goals import Goal, stage_goals, unit_energy
from ocpp_schedule.solve.program import Program

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem

ROW_SCALE: Final = 1e5
"""Rows are written in 0.1 A and 100 VA, so that the usual coefficient is near 1."""
TIE_SHARE: Final = 1e-4
"""Share of the mean price that breaks ties (early finish, then session id): at most 0.01 % of the cost."""
WANT_WEIGHT: Final = 100.0
"""A missing kWh weighs this many highest prices: more than any chain of displaced kWh can save."""
MUST_WEIGHT: Final = 100.0
"""A missing must-have weighs this many missing wishes."""


@dataclass(frozen=True, slots=True)
class Booking:
    """How set-points load the rows: directly, or by what is above the idle floor, which is booked anyway.

    Attributes:
        column: (A, K) the variable in the capacity rows of each channel; -1 where the floor covers all of it.
        arc: (E,) the arc of each excess variable (they follow the A set-points).
        floor: (E,) steps that the floor covers: what is above is the excess. A W-only station reserves its floor
            as for an unknown car, which covers more of a known one, and not equally much on each channel.
    """

    column: Ints
    arc: Ints
    floor: Floats


def book(problem: Problem, session: Ints, cap: Ints) -> Booking:
    """Return the variables that stand for arcs in the capacity rows; channels with the same floor share one."""
    arcs = session.size
    column = np.repeat(np.arange(arcs)[:, None], problem.channels, axis=1)
    connector = problem.session_connector[session]
    with_floor = np.flatnonzero(problem.idle_floor_steps[connector] > 0)
    if not with_floor.size:
        return Booking(column, np.zeros(0, dtype=np.int64), np.zeros(0))
    column[with_floor] = -1
    per_step = problem.load_units[session[with_floor]]
    covered = problem.floor_units[connector[with_floor]] / np.maximum(per_step, 1)
    needed = (per_step > 0) & (cap[with_floor, None] > covered)
    arc: list[Ints] = []
    floor: list[Floats] = []
    count = arcs
    for channel in range(problem.channels):
        open_ = np.flatnonzero(needed[:, channel])
        column[with_floor[open_], channel] = count + np.arange(open_.size)
        for earlier in range(channel):
            same = needed[open_, earlier] & (covered[open_, earlier] == covered[open_, channel])
            column[with_floor[open_[same]], channel] = column[with_floor[open_[same]], earlier]
        own = open_[column[with_floor[open_], channel] >= count]
        column[with_floor[own], channel] = count + np.arange(own.size)
        arc.append(with_floor[own])
        floor.append(covered[own, channel])
        count += own.size
    return Booking(column, np.concatenate(arc), np.concatenate(floor))


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A program with the places of its columns and rows by name.

    Columns: ``arcs`` (set-points), ``excess`` (what is booked above the idle floor), ``short`` (shortfalls of the
    demands). Rows: ``capacity``, ``excess``, ``need``. ``blocks.extended`` adds others behind them.

    Attributes:
        program: the arrays; the objective is that of the first stage after the wishes, scaled, with penalties for
            shortfalls above any of its prices, and ties.
        columns, rows: place of each block.
        goals: objective of each stage, by its name.
        main: the first stage after the wishes, which the program's own objective holds; None where there is none.
        tie: (n,) tie-breaking terms: early finish, then session id.
        tie_units: most that they can add up to [objective units].
        arc_session, arc_slot: (A,) the set-points that may be above 0.
        arc_cap: (A,) their upper bounds [steps].
        demand_session: (D,) the session of each demand.
        spare: (D,) what the needs are rounded up by, in units of the shortfall variable.
        short_units: (D,) energy of one unit of the shortfall variable [0.1 J].
        capacity_rows: (R, 3) node, channel and slot of the capacity rows.
        booking: the variables that stand in the capacity rows.
    """

    program: Program
    columns: dict[str, slice]
    rows: dict[str, slice]
    goals: dict[str, Goal]
    main: str | None
    tie: Floats
    tie_units: float
    arc_session: Ints
    arc_slot: Ints
    arc_cap: Ints
    demand_session: Ints
    spare: Floats
    short_units: Floats
    capacity_rows: Ints
    booking: Booking

    def setpoints(self, values: Floats, shape: tuple[int, int]) -> Floats:
        """Return (S, T) set-points as real numbers."""
        result = np.zeros(shape)
        result[self.arc_session, self.arc_slot] = values[: self.arc_session.size]
        return result


def relax(problem: Problem) -> Relaxation:
    """Build the linear program; rows that cannot bind are left out."""
    session, slot = np.nonzero(problem.cap_steps > 0)
    cap = problem.cap_steps[session, slot]
    booking = book(problem, session, cap)
    arcs, extra, wishes = session.size, booking.arc.size, problem.demand_session.size
    width = arcs + extra + wishes
    capacity, row_names, row_high = _capacity_rows(problem, session, slot, booking.column)
    blocks = [capacity, _demand_rows(problem, slot, arcs + extra)]
    if extra:
        pairs = np.column_stack((booking.arc, arcs + np.arange(extra))).ravel()
        blocks.insert(1, _Rows(np.full(extra, 2), pairs, np.tile((1.0, -1.0), extra)))
    matrix = _stacked(blocks, width)
    if extra:  # the variables of the excess come after all others, so that capacity rows hold them out of order
        matrix.sort_indices()

    short_units = _short_units(problem)
    need = problem.demand_units / short_units
    final = _final_demands(problem)
    most = np.full(wishes, np.inf)
    # What the last step may overshoot is within the program, so that its optimum bounds every integer plan.
    most[final] = problem.energy_most_units / short_units[final]
    columns = _places(arcs=arcs, excess=extra, short=wishes)
    goals = stage_goals(problem, columns, session, slot, short_units)
    tie, tie_units = _ties(problem, session, slot, cap)
    main = next((stage.name for stage in problem.stages[problem.wish_stages :]), None)
    cost = np.zeros(width) if main is None else goals[main].coefficients.copy()
    cost[:arcs] += tie
    cost[columns["short"]] += _penalties(problem, short_units, goals[main].dearest if main else 0.0, session)
    program = Program(
        cost=cost,
        low=np.zeros(width),
        high=np.concatenate((cap, cap[booking.arc] - booking.floor, need)),
        matrix=matrix,
        row_low=np.concatenate((np.full(row_high.size + extra, -np.inf), need)),
        row_high=np.concatenate((row_high, booking.floor, np.maximum(most, need))),
    )
    relaxation = Relaxation(
        program=program,
        columns=columns,
        rows=_places(capacity=row_high.size, excess=extra, need=wishes),
        goals=goals,
        main=main,
        tie=np.concatenate((tie, np.zeros(extra + wishes))),
        tie_units=tie_units,
        arc_session=session,
        arc_slot=slot,
        arc_cap=cap,
        demand_session=problem.demand_session,
        spare=(problem.demand_units - problem.demand_wish_units) / short_units,
        short_units=short_units,
        capacity_rows=row_names,
        booking=booking,
    )
    return with_families(problem, relaxation)


def _penalties(problem: Problem, short_units: Floats, dearest: float, session: Ints) -> Floats:
    """Return (D,) what a missing unit costs in the first program: more than anything that it could save."""
    price = WANT_WEIGHT * (dearest or 1.0 / unit_energy(problem, session))
    penalties: Floats = problem.chased * np.where(problem.demand_hard, MUST_WEIGHT, 1.0) * price * short_units
    return penalties


def _places(**sizes: int) -> dict[str, slice]:
    """Return the place of each block, one behind the other."""
    found, at = {}, 0
    for name, size in sizes.items():
        found[name] = slice(at, at + size)
        at += size
    return found


def congestion_prices(relaxation: Relaxation, cost: Floats, duals: Floats, shape: tuple[int, int]) -> Floats:
    """Return (S, T) scaled prices of a step: what it costs, with tie-breaks, and what the tight rows make it worth.

    Args:
        relaxation: the program.
        cost: (n,) its objective, frozen stages included.
        duals: of its rows.
        shape: (S, T).
    """
    size = relaxation.program.cost.size
    pressure = np.zeros(size)
    for name, rows in relaxation.rows.items():
        if name not in {"need", "excess"}:
            pressure += relaxation.program.matrix[rows].T @ duals[rows]
    arcs, excess = relaxation.arc_session.size, relaxation.columns["excess"]
    prices = np.full(shape, np.inf)
    paid = cost[:arcs] - pressure[:arcs]
    np.subtract.at(paid, relaxation.booking.arc, pressure[excess])
    prices[relaxation.arc_session, relaxation.arc_slot] = paid
    return prices


def restrict(relaxation: Relaxation, low: Ints, high: Ints) -> Relaxation:
    """Return the same program with the set-points held between ``low`` and ``high`` (S, T)."""
    place = (relaxation.arc_session, relaxation.arc_slot)
    arcs = relaxation.arc_session.size
    program = relaxation.program
    new_low, new_high = program.low.copy(), program.high.copy()
    new_low[:arcs], new_high[:arcs] = low[place], high[place]
    return replace(relaxation, program=replace(program, low=new_low, high=new_high))


def unrounded(relaxation: Relaxation) -> Relaxation:
    """Return the same program with the needs as they are, so that shortfalls are those that the referee counts."""
    program = relaxation.program
    low, most = program.row_low.copy(), program.high.copy()
    low[relaxation.rows["need"]] -= relaxation.spare
    most[relaxation.columns["short"]] -= relaxation.spare
    return replace(relaxation, spare=np.zeros_like(relaxation.spare), program=replace(program, row_low=low, high=most))


def enlarge(relaxation: Relaxation, extra_units: Ints) -> Relaxation:
    """Return the program with every demand of a session raised by (S,) ``extra_units`` [0.1 J], rounded up."""
    program, need = relaxation.program, relaxation.rows["need"]
    extra = np.ceil(extra_units[relaxation.demand_session] / relaxation.short_units)
    low, high, most = program.row_low.copy(), program.row_high.copy(), program.high.copy()
    low[need] += extra
    high[need] += extra
    most[relaxation.columns["short"]] += extra
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


def _capacity_rows(problem: Problem, session: Ints, slot: Ints, column: Ints) -> tuple[_Rows, Ints, Floats]:
    """Return the rows that can bind, their (R, 3) names and upper bounds [0.1 A, 100 VA].

    The arcs come as ``session`` and ``slot``, with the (A, K) ``column`` of the variable booked on each channel.
    """
    slots, channels = problem.slots, problem.channels
    below = problem.connector_nodes[:, problem.session_connector]
    per_step = below[:, None, :] * problem.load_units.T.astype(np.float64)
    per_step = per_step.reshape(below.shape[0] * problem.channels, problem.sessions)
    free = problem.free_units.reshape(-1, slots)
    reserved = problem.floor_units[problem.session_connector].T[:, :, None]
    above = np.maximum(problem.cap_steps * problem.load_units.T[:, :, None] - reserved, 0).astype(np.float64)
    binding = (below.astype(np.float64) @ above).transpose(1, 0, 2).reshape(free.shape) > free
    # Slot by slot, as the rows want them.
    turn = np.argsort(slot, kind="stable")
    session, slot, column = session[turn], slot[turn], column[turn]
    lengths, columns, data = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for tight in np.flatnonzero(binding.any(axis=1)).tolist():
        coefficient = (per_step[tight] / ROW_SCALE)[session]
        booked = column[:, tight % channels]
        entries = np.flatnonzero(binding[tight][slot] & (coefficient > 0) & (booked >= 0))
        lengths.append(np.bincount(slot[entries], minlength=slots)[binding[tight]])
        columns.append(booked[entries])
        data.append(coefficient[entries])
    row, slot = np.nonzero(binding)
    rows = _Rows(np.concatenate(lengths), np.concatenate(columns), np.concatenate(data))
    return rows, np.column_stack((row // channels, row % channels, slot)), free[binding] / ROW_SCALE


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
    data = np.append((problem.seconds / problem.seconds.min())[slot], 1.0)[columns]
    data[shortfall] = 1.0
    columns[shortfall] = short_at + np.arange(lengths.size)
    return _Rows(lengths, columns, data)


def _ties(problem: Problem, session: Ints, slot: Ints, cap: Ints) -> tuple[Floats, float]:
    """Return tie-breaking terms per arc, and the most that they can add up to."""
    # Early finish; of two sessions that could swap, the lower id goes first because its delay weighs more.
    rank = 1.0 + 0.5 * (problem.sessions - np.arange(problem.sessions)) / max(problem.sessions, 1)
    delay = (slot + 1) / problem.slots
    energy = problem.power_dw[session] * problem.seconds[slot].astype(float)
    share = TIE_SHARE / unit_energy(problem, session)
    tie = share * rank[session] * delay * energy / 1.5
    reach = np.minimum(np.bincount(session, cap * energy, problem.sessions), problem.energy_most_units)
    return tie, float(share * reach.sum())
