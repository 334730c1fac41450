"""The bill at the meter as an exact fraction: import, export, peaks (convention 17)."""

from __future__ import annotations

import math
from operator import mul
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.registers import Register


def bill_parts(
    seconds: Ints,
    prices: tuple[Ints, Ints],
    registers: Sequence[Register],
    net_units: Ints,
    consumed_units: Ints,
) -> tuple[int, int, int, int]:
    """Return the numerators of import, export (what is earned counts negative) and peaks, and their denominator.

    Args:
        seconds: (T,) slot lengths.
        prices: (T,) of import and of export, price x seconds.
        registers: the peaks.
        net_units: (T,) energy through the meter, negative for export [0.1 J].
        consumed_units: (T,) base load and charging [0.1 J].
    """
    lengths = seconds.tolist()
    common = math.lcm(*set(lengths))
    factors = [common // length for length in lengths]
    taken, given = np.maximum(net_units, 0), np.maximum(-net_units, 0)
    energy = _paid(taken, prices[0], factors)
    export = -_paid(given, prices[1], factors)
    peaks = sum(
        register.per_dw * (register.highest_dw(taken if register.net else consumed_units) - register.floor_dw)
        for register in registers
    )
    return energy, export, peaks * common, common


def _paid(units: Ints, prices: Ints, factors: list[int]) -> int:
    """Return the sum of energy x price in whole numbers of any size."""
    return int(sum(map(mul, map(mul, units.tolist(), prices.tolist()), factors)))
