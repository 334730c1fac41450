"""Duals of the linear program as whole numbers: the certificate of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solution import Certificate
from ocpp_schedule.solve.relaxation import ROW_SCALE_UA

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed


def certificate_of(problem: Problem, relaxation: Relaxation, relaxed: Relaxed) -> Certificate | None:
    """Return the prices of rows and demands in money units, or None where the solver gave no duals.

    The duals stand for prices with the tie-breaking terms in them. For given prices of the rows the best price
    of a session's only demand is known: that of the dearest energy it must take, so the terms come out again.
    """
    if relaxed.duals is None:
        return None
    rows = relaxation.capacity_rows
    money = relaxed.duals / relaxation.cost_scale
    row_money = np.rint(np.maximum(-money[: rows.shape[0]] / ROW_SCALE_UA, 0.0)).astype(np.int64)
    prices = np.zeros((len(problem.node_names), 3, problem.slots), dtype=np.int64)
    prices[rows[:, 0], rows[:, 1], rows[:, 2]] = row_money
    count = relaxation.short_units.size
    first = relaxation.program.row_high.size - count
    demand_money = np.rint(np.maximum(money[first : first + count] / relaxation.short_units, 0.0)).astype(np.int64)
    cap_money = _reprice(problem, prices, demand_money)
    named = {}
    for node, line in zip(*np.nonzero(prices.any(axis=2)), strict=True):
        noun, _, name = problem.node_names[node].partition(" ")
        named[noun, name, int(line)] = tuple(prices[node, line].tolist())
    caps = {problem.session_ids[session]: price for session, price in cap_money.items()}
    return Certificate(named, _named_demands(problem, demand_money), caps)


def _reprice(problem: Problem, prices: Ints, demand_money: Ints) -> dict[int, int]:
    """Set the price of every session's only demand to that of the last energy it needs, cheapest first.

    Returns:
        by session, what it would earn on energy above what it may have, where prices are negative.
    """
    caps_money: dict[int, int] = {}
    flat = problem.connector_nodes.astype(np.int64).T @ prices.reshape(prices.shape[0], -1)
    per_line = flat.reshape(-1, 3, problem.slots)[problem.session_connector]
    pressure = (per_line * problem.line_ua[:, :, None]).sum(axis=1)
    cost = problem.power_dw[:, None] * problem.price_seconds
    energy = problem.power_dw[:, None] * problem.seconds
    counts = np.bincount(problem.demand_session, minlength=problem.sessions)
    floors = problem.idle_floor_steps[problem.session_connector]
    for demand in np.flatnonzero((counts[problem.demand_session] == 1) & (problem.demand_units > 0)).tolist():
        session = int(problem.demand_session[demand])
        open_ = np.flatnonzero(problem.cap_steps[session])
        unit, caps = energy[session, open_], problem.cap_steps[session, open_]
        # Up to the idle floor a step pays nothing on the rows, for the floor is booked anyway.
        below = np.minimum(caps, floors[session])
        plain = cost[session, open_]
        each: Floats = np.concatenate((plain / unit, (plain + pressure[session, open_]) / unit))
        order = np.argsort(each, kind="stable")
        reach = np.cumsum(np.concatenate((below * unit, (caps - below) * unit))[order])
        last = int(np.searchsorted(reach, problem.demand_units[demand]))
        if last < each.size:
            demand_money[demand] = max(int(np.floor(each[order[last]])), 0)
        full = int(np.searchsorted(reach, problem.energy_most_units[session]))
        if full < each.size and each[order[full]] < 0:
            caps_money[session] = -int(np.floor(each[order[full]]))
    return caps_money


def _named_demands(problem: Problem, demand_money: Ints) -> dict[tuple[str, int | None], int]:
    """Return the prices by session and milestone, as the referee names them."""
    named: dict[tuple[str, int | None], int] = {}
    for demand, (session, milestone) in enumerate(
        zip(problem.demand_session.tolist(), problem.demand_milestone.tolist(), strict=True)
    ):
        if demand_money[demand] > 0:
            named[problem.session_ids[session], None if milestone < 0 else milestone] = int(demand_money[demand])
    return named
