"""Duals of the linear program as whole numbers: the certificate of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solution import Certificate
from ocpp_schedule.solve.at_meter import meter_prices
from ocpp_schedule.solve.relaxation import ROW_SCALE
from ocpp_schedule.solve.storage_rows import BLOCK as STORAGE

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.exchange import Exchange
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed


def certificate_of(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, exchange: Exchange | None = None
) -> Certificate | None:
    """Return the prices of rows and demands in money units, or None where the solver gave no duals.

    The duals stand for prices with the tie-breaking terms in them; the referee takes them out again where it can.
    """
    if relaxed.duals is None:
        return None
    rows = relaxation.capacity_rows
    money = relaxed.duals / relaxation.goals[problem.stages[-1].name].scale
    row_money = np.rint(np.maximum(-money[: rows.shape[0]] / ROW_SCALE, 0.0)).astype(np.int64)
    prices = np.zeros((len(problem.node_names), problem.channels, problem.slots), dtype=np.int64)
    prices[rows[:, 0], rows[:, 1], rows[:, 2]] = row_money
    if exchange is not None and exchange.storage is not None:
        # A row that batteries share stands twice in the program; either may hold its price.
        row, *place = exchange.storage.hard.T
        shared = money[relaxation.rows[STORAGE]][row] / ROW_SCALE
        np.add.at(prices, tuple(place), np.rint(np.maximum(-shared, 0.0)).astype(np.int64))
    needs = np.maximum(money[relaxation.rows["need"]] / relaxation.short_units, 0.0)
    demand_money = np.rint(needs).astype(np.int64)
    named = {}
    for node, channel in zip(*np.nonzero(prices.any(axis=2)), strict=True):
        noun, _, name = problem.node_names[node].partition(" ")
        named[noun, name, int(channel)] = tuple(prices[node, channel].tolist())
    at_meter = {} if exchange is None else meter_prices(problem, relaxation, exchange, relaxed)
    return Certificate(named, _named_demands(problem, demand_money), **at_meter)


def _named_demands(problem: Problem, demand_money: Ints) -> dict[tuple[str, int | None], int]:
    """Return the prices by session and milestone, as the referee names them."""
    named: dict[tuple[str, int | None], int] = {}
    for demand, (session, milestone) in enumerate(
        zip(problem.demand_session.tolist(), problem.demand_milestone.tolist(), strict=True)
    ):
        if demand_money[demand] > 0:
            named[problem.session_ids[session], None if milestone < 0 else milestone] = int(demand_money[demand])
    return named
