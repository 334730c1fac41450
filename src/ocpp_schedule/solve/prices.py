"""Duals of the linear programs as whole numbers: the certificates of a plan, one per stage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from ocpp_schedule.solution import Certificate, TangentPrice
from ocpp_schedule.solve.at_meter import meter_prices
from ocpp_schedule.solve.family_rows import family_prices
from ocpp_schedule.solve.load_prices import load_duals
from ocpp_schedule.solve.relaxation import ROW_SCALE
from ocpp_schedule.solve.storage_rows import BLOCK as STORAGE
from ocpp_schedule.solve.values import LOADED
from ocpp_schedule.units import LINES, Line

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.v2g import CarBattery
    from ocpp_schedule.solution import RowName
    from ocpp_schedule.solve.exchange import Exchange
    from ocpp_schedule.solve.load_rows import LoadPlaces
    from ocpp_schedule.solve.phasors import TangentDuals
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Proof, Relaxed

FINE: Final = 1 << 20
"""Size below which rounding a price to a whole number costs less than a millionth of it."""
FINEST: Final = 1 << 30
"""For missing energy, which is proven to the unit."""
LARGEST: Final = 1 << 60
"""No price is larger, so that all fit 64 bits; of prices this far apart the smallest are lost, as in the duals."""

DIRECTION: Final = 1 << 20
"""Directions of tangents are pairs of whole numbers of this length."""


def certificates_of(
    problem: Problem,
    relaxation: Relaxation,
    relaxed: Relaxed,
    exchange: Exchange | None = None,
    places: LoadPlaces | None = None,
) -> dict[str, Certificate]:
    """Return by the name of a stage its prices in whole numbers; stages whose program gave no duals are left out.

    The duals stand for prices with the tie-breaking terms in them; the referee takes them out again where it can.
    """
    kinds = {stage.name: stage.kind for stage in problem.stages}
    return {
        name: _bill(problem, relaxation, relaxed, name, proof, exchange)
        if exchange is not None and kinds[name] == "bill"
        else _certificate(problem, relaxation, name, proof, places)
        for name, proof in relaxed.proofs.items()
    }


def _bill(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, name: str, proof: Proof, exchange: Exchange
) -> Certificate:
    """Return the prices behind the bound of the bill, which is the last stage that is solved."""
    rows = relaxation.capacity_rows
    unit = relaxation.goals[name].scale
    money = proof.duals / unit
    row_money = np.rint(np.maximum(-money[relaxation.rows["capacity"]] / ROW_SCALE, 0.0)).astype(np.int64)
    prices = np.zeros((len(problem.node_names), problem.channels, problem.slots), dtype=np.int64)
    prices[rows[:, 0], rows[:, 1], rows[:, 2]] = row_money
    if exchange.storage is not None:
        # A row that batteries share stands twice in the program; either may hold its price.
        row, *place = exchange.storage.hard.T
        shared = money[relaxation.rows[STORAGE]][row] / ROW_SCALE
        np.add.at(prices, tuple(place), np.rint(np.maximum(-shared, 0.0)).astype(np.int64))
    needs = np.maximum(money[relaxation.rows["need"]] / relaxation.short_units, 0.0)
    at_meter = meter_prices(problem, relaxation, exchange, relaxed)
    caps = np.rint(np.maximum(-money[relaxation.rows["need"]] / relaxation.short_units, 0.0)).astype(np.int64)
    return Certificate(
        _named_rows(problem, prices) | _whole(family_prices(problem, relaxation, money), 1),
        _named_demands(problem, np.rint(needs).astype(np.int64)),
        # The others' best follow from all other prices.
        {problem.session_ids[car.session]: _cap_price(problem, car.session, caps) for car in _givers(problem)},
        tangent_prices=_named_tangents(problem, proof.cuts, unit),
        **at_meter,
    )


def _givers(problem: Problem) -> tuple[CarBattery, ...]:
    return () if problem.meter is None else problem.meter.cars


def _cap_price(problem: Problem, session: int, caps: Ints) -> int:
    """Return the price of getting no more than a wish allows; the wish is the last demand of its session."""
    return int(caps[np.flatnonzero(problem.demand_session == session)[-1]])


def _certificate(
    problem: Problem, relaxation: Relaxation, name: str, proof: Proof, places: LoadPlaces | None
) -> Certificate:
    rows, unit = relaxation.capacity_rows, relaxation.goals[name].scale
    held = {one: price * relaxation.goals[one].scale / unit for one, price in proof.frozen.items()}
    duals = proof.duals / unit
    pressure = np.maximum(-duals[relaxation.rows["capacity"]] / ROW_SCALE, 0.0)
    needs = np.maximum(duals[relaxation.rows["need"]] / relaxation.short_units, 0.0)
    shared = family_prices(problem, relaxation, duals)
    loads = None if places is None else load_duals(problem, places, duals)
    if loads is not None and loads.contract and loads.contract not in held and loads.contract != name:
        # At 0 any price holds it there: as much as what its rows pay.
        held[loads.contract] = loads.least_price(problem)
    known = [*held.values(), *(() if loads is None else loads.highest())]
    turned = np.zeros(0) if proof.cuts is None else -proof.cuts.duals / (unit * ROW_SCALE)
    each = (pressure, needs, turned, *shared.values())
    largest = max(*(float(one.max(initial=0.0)) for one in each), *known, 1.0)
    smallest = min((price for price in known if price > 0), default=None)
    scale = min(_scale(problem, name, smallest), 1 << int(math.log2(max(LARGEST / largest, 1.0))))
    prices = np.zeros((len(problem.node_names), problem.channels, problem.slots), dtype=np.int64)
    prices[rows[:, 0], rows[:, 1], rows[:, 2]] = np.rint(pressure * scale).astype(np.int64)
    return Certificate(
        _named_rows(problem, prices) | _whole(shared, scale),
        _named_demands(problem, np.rint(needs * scale).astype(np.int64)),
        denominator=scale,
        stage_prices={one: round(price * scale) for one, price in held.items() if round(price * scale)},
        **({} if loads is None else loads.whole(scale)),
        tangent_prices=_named_tangents(problem, proof.cuts, unit / scale),
    )


def _scale(problem: Problem, name: str, smallest: float | None) -> int:
    """Return what prices are multiplied by, so that rounding them loses next to nothing: a power of two.

    Args:
        problem: for the rates.
        name: of the stage.
        smallest: price of a stage before; None where none has any.
    """
    (stage,) = (one for one in problem.stages if one.name == name)
    usual = 1.0
    if stage.kind == "rate":
        usual = float(np.abs(stage.rate / problem.seconds).mean()) if stage.rate.size else 1.0
    least = max(usual, 1.0) if smallest is None else min(smallest, max(usual, 1.0))
    whole = stage.kind == "missing" or stage.kind in LOADED
    if not whole and least >= FINE / 16:
        return 1
    fine = 1 << max(round(math.log2(min(FINE / least, LARGEST))), 0)
    return max(fine, FINEST) if whole else fine


def _named_rows(problem: Problem, prices: Ints) -> dict[RowName, tuple[int, ...]]:
    """Return the (N, K, T) prices that are not all 0 by row, as the referee names them."""
    named = {}
    for node, channel in zip(*np.nonzero(prices.any(axis=2)), strict=True):
        noun, _, subject = problem.node_names[node].partition(" ")
        named[noun, subject, int(channel)] = tuple(prices[node, channel].tolist())
    return named


def _whole(prices: dict[RowName, Floats], scale: int) -> dict[RowName, tuple[int, ...]]:
    """Return prices as whole numbers; rows without any are left out."""
    whole = {name: np.rint(own * scale).astype(np.int64) for name, own in prices.items()}
    return {name: tuple(own.tolist()) for name, own in whole.items() if own.any()}


def _named_tangents(problem: Problem, cuts: TangentDuals | None, unit: float) -> tuple[TangentPrice, ...]:
    """Return the prices of tangents as the referee names them.

    Args:
        problem: the conductors.
        cuts: tangents with their duals; None: there are none.
        unit: what the duals are divided by for a whole price per uA.
    """
    if cuts is None or problem.phasors is None:
        return ()
    prices = np.rint(np.maximum(-cuts.duals / (unit * ROW_SCALE), 0.0)).astype(np.int64)
    found = []
    for at in np.flatnonzero(prices).tolist():
        noun, _, name = problem.phasors.names[cuts.row[at]].partition(" ")
        subject, line = (name, None) if noun == "line_constraint" else _line_of(name)
        along, across = (round(part * DIRECTION) for part in (cuts.direction[at].real, cuts.direction[at].imag))
        found.append(TangentPrice(noun, subject, line, int(cuts.slot[at]), along, across, int(prices[at])))
    return tuple(found)


def _line_of(name: str) -> tuple[str, int]:
    subject, _, line = name.rpartition(" ")
    return subject, LINES.index(cast("Line", line))


def _named_demands(problem: Problem, demand_prices: Ints) -> dict[tuple[str, int | None], int]:
    """Return the prices by session and milestone, as the referee names them."""
    named: dict[tuple[str, int | None], int] = {}
    for demand, (session, milestone) in enumerate(
        zip(problem.demand_session.tolist(), problem.demand_milestone.tolist(), strict=True)
    ):
        if demand_prices[demand] > 0:
            named[problem.session_ids[session], None if milestone < 0 else milestone] = int(demand_prices[demand])
    return named
