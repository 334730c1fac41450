"""Duals of the rows of loads and shares, as the prices of a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.problem.loads import MICROJOULES
from ocpp_schedule.solve.relaxation import ROW_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solve.load_rows import LoadPlaces


@dataclass(frozen=True, slots=True)
class LoadDuals:
    """Prices as real numbers, in units of the stage that is bounded; as in ``solution.Certificate``.

    ``contract`` is the name of the stage of soft limits, if there is one.
    """

    loads: dict[str, Floats]
    shares: dict[str, dict[str, float]]
    soft: dict[tuple[str, int], Floats]
    contract: str | None

    def least_price(self, problem: Problem) -> float:
        """Return the price of the contract that all prices of its rows hold with, with some to spare."""
        (soft,) = (stage.soft for stage in problem.stages if stage.soft is not None)
        weight = dict(zip(soft.channel.tolist(), soft.weight.tolist(), strict=True))
        dearest = (
            float((prices / problem.seconds).max(initial=0.0)) * MICROJOULES / weight[channel]
            for (_, channel), prices in self.soft.items()
        )
        return 2.0 * max(dearest, default=0.0)

    def highest(self) -> Iterator[float]:
        """Yield the highest price of each kind, where there is any."""
        for prices in (*self.loads.values(), *self.soft.values()):
            yield float(prices.max(initial=0.0))
        for own in self.shares.values():
            yield max(own.values(), default=0.0)

    def whole(self, scale: int) -> dict[str, Any]:
        """Return the fields of the certificate, in whole numbers, ``scale`` of them to one unit."""
        shares = {
            name: {session: round(price * scale) for session, price in own.items() if round(price * scale)}
            for name, own in self.shares.items()
        }
        return {
            "load_prices": {name: _whole(prices * scale) for name, prices in self.loads.items() if prices.any()},
            "share_prices": {name: own for name, own in shares.items() if own},
            "soft_prices": {row: _whole(prices * scale) for row, prices in self.soft.items() if prices.any()},
        }


def load_duals(problem: Problem, places: LoadPlaces, duals: Floats) -> LoadDuals:
    """Return the prices of these rows.

    Args:
        problem: what is planned.
        places: of the rows.
        duals: of all rows, in units of the stage that is bounded.
    """
    paid = np.maximum(duals, 0.0)
    loads = {name: paid[rows] / places.power_unit / problem.seconds for name, rows in places.power.items()}
    shares = {}
    for name, table in places.shares.items():
        row, demand = table.T
        # A row holds the share that a wish misses: the price of a share, by the energy of the wish.
        price = paid[row] / problem.demand_wish_units[demand]
        session = problem.demand_session[demand].tolist()
        shares[name] = {problem.session_ids[at]: own for at, own in zip(session, price.tolist(), strict=True)}
    soft: dict[tuple[str, int], Floats] = {}
    rows = {stage.name: stage.soft for stage in problem.stages if stage.soft is not None}
    for name, table in places.soft.items():
        for row, number, slot in table.tolist():
            node, channel = int(rows[name].node[number]), int(rows[name].channel[number])
            circuit = problem.node_names[node].partition(" ")[2]
            soft.setdefault((circuit, channel), np.zeros(problem.slots))[slot] = paid[row] / ROW_SCALE
    return LoadDuals(loads, shares, soft, next(iter(rows), None))


def _whole(prices: Floats) -> tuple[int, ...]:
    return tuple(np.rint(prices).astype(np.int64).tolist())
