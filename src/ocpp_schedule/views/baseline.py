"""What would happen without control: every car at its maximum from arrival until it has its energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.delivered import delivered_units
from ocpp_schedule.solve.edges import cost_units
from ocpp_schedule.solve.metering import metered
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MICROAMPERES_PER_AMPERE, TOTAL, money_to_currency

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem

DECIWATTS_PER_WATT = 10


@dataclass(frozen=True, slots=True)
class Baseline:
    """Uncontrolled charging of every wish in the same windows, limits ignored.

    Attributes:
        cost: energy cost [currency of the tariff].
        peak_w: highest mean charging power of a slot [W].
        peak_a: highest current on a line of the grid connection, charging only [A].
        energy_wh: energy it gives [Wh].
    """

    cost: float
    peak_w: float
    peak_a: float
    energy_wh: float


def uncontrolled(problem: Problem) -> Baseline:
    """Return cost and peaks of uncontrolled charging."""
    slots = np.arange(problem.slots)
    inside = (slots >= problem.first_slot[:, None]) & (slots < problem.end_slot[:, None])
    most = inside * problem.max_steps[:, None] * problem.power_dw[:, None] * problem.seconds
    wish = np.zeros(problem.sessions, dtype=np.int64)
    np.maximum.at(wish, problem.demand_session, problem.demand_wish_units)
    reached = np.minimum(np.cumsum(most, axis=1), wish[:, None])
    energy = np.diff(reached, axis=1, prepend=0)
    per_slot = delivered_units(problem, energy).sum(axis=0)
    at_full = (energy > 0) * problem.max_steps[:, None]
    currents = at_full.T @ problem.load_units[:, :TOTAL]
    return Baseline(
        cost=money_to_currency(
            cost_units(problem, energy) if problem.meter is None else metered(problem, problem.meter, energy).cost_units
        ),
        peak_w=float((per_slot / problem.seconds).max(initial=0.0) / DECIWATTS_PER_WATT),
        peak_a=float(currents.max(initial=0) / MICROAMPERES_PER_AMPERE),
        energy_wh=float(energy.sum() / ENERGY_UNITS_PER_WH),
    )
