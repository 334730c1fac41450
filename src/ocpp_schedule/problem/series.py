"""Series of equal intervals onto the slots of the grid (convention 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.model.series import CarbonSeries
from ocpp_schedule.timegrid import EARLIEST
from ocpp_schedule.units import MICROAMPERES_PER_AMPERE, PRICE_UNITS_PER_CURRENCY, exact, round_down, round_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ocpp_schedule.model.series import PriceSeries
    from ocpp_schedule.problem.arrays import Floats, Ints

SECOND: Final = timedelta(seconds=1)
WRITTEN_UNITS: Final = 1e-3
"""Only a product this close to a whole unit can lie on the other side of it; double precision errs by less for the
largest currents (1e11 uA) and energies (4e12 of 0.1 J) that the models allow."""


def epoch_s(instant: datetime) -> int:
    """Return whole seconds since 1970."""
    return (instant - EARLIEST) // SECOND


def price_seconds(energy: PriceSeries | CarbonSeries | float, edges: Ints) -> Ints:
    """Return price (or emissions) x seconds for each slot, exact.

    Args:
        energy: a series that covers the grid, or one number throughout.
        edges: (T + 1,) seconds since 1970.

    Returns:
        (T,) [1e-6 currency/kWh x s], or [1e-6 g/kWh x s].
    """
    if isinstance(energy, float | int):
        flat: Ints = np.diff(edges) * round(energy * PRICE_UNITS_PER_CURRENCY)
        return flat
    values = energy.g_per_kwh if isinstance(energy, CarbonSeries) else energy.per_kwh
    units = np.rint(np.array(values) * PRICE_UNITS_PER_CURRENCY).astype(np.int64)
    return integral(units, epoch_s(energy.start), energy.step_s, edges)


def integral(units: Ints, start_s: int, step_s: int, edges: Ints) -> Ints:
    """Return (T,) the sum over each slot of value x seconds, exact.

    Args:
        units: (K,) whole value of each interval; they cover the grid.
        start_s: start of the first interval, seconds since 1970.
        step_s: length of an interval [s].
        edges: (T + 1,) seconds since 1970.
    """
    before = np.concatenate(([0], np.cumsum(units) * step_s))
    whole, rest = np.divmod(edges - start_s, step_s)
    result: Ints = np.diff(before[whole] + rest * np.append(units, 0)[whole])
    return result


def micro(values: Sequence[float]) -> Any:
    """Return values in millionths, exact: whole numbers where they all are, else fractions (dtype object)."""
    given = np.array(values, dtype=np.float64)
    scaled = np.rint(given * MICROAMPERES_PER_AMPERE)
    # Equal to k / 10**6 means written with at most six decimals: 10**8 W leave 14 digits, a float holds 15.
    if np.array_equal(scaled / MICROAMPERES_PER_AMPERE, given):
        return scaled.astype(np.int64)
    result = np.empty(given.size, dtype=object)
    result[:] = [exact(value) * MICROAMPERES_PER_AMPERE for value in values]
    return result


def per_line_ua(values: Sequence[float | tuple[float, float, float]], *, up: bool) -> Ints:
    """Return currents [A] as (3, n) uA, rounded down (limits) or up (loads)."""
    if all(isinstance(value, float) for value in values):
        one = whole_units(np.array(values, dtype=np.float64), MICROAMPERES_PER_AMPERE, up=up)
        return np.repeat(one[None, :], 3, axis=0)
    amperes = np.array([value if isinstance(value, tuple) else (value,) * 3 for value in values], dtype=np.float64)
    return whole_units(amperes.T.ravel(), MICROAMPERES_PER_AMPERE, up=up).reshape(3, -1)


def whole_units(values: Floats, units_per: int, *, up: bool) -> Ints:
    """Return (n,) values times ``units_per``, a multiple of 1000, as integers: the decimals as written, rounded.

    >>> whole_units(np.array([0.1, 1e-9, 218.39999999999998]), 1_000_000, up=False).tolist()
    [100000, 0, 218399999]
    """
    product = values * units_per
    rounded: Ints = (np.ceil(product) if up else np.floor(product)).astype(np.int64)
    # A float that equals k / 1000 is written as that decimal (at most 15 digits); of the rest the text decides.
    close = np.flatnonzero(np.abs(product - np.rint(product)) < WRITTEN_UNITS)
    thousandths = np.rint(values[close] * 1000)
    written = thousandths / 1000 == values[close]
    rounded[close] = thousandths.astype(np.int64) * (units_per // 1000)
    for index in close[~written].tolist():
        value = float(values[index])
        rounded[index] = round_up(value, units_per) if up else round_down(value, units_per)
    return rounded


def extreme_per_slot(values: Ints, start_s: int, step_s: int, edges: Ints, *, highest: bool, outside: int) -> Ints:
    """Return the highest or lowest value that touches each slot.

    Args:
        values: (n, I) one row per channel, one column per interval.
        start_s: start of the first interval, seconds since 1970.
        step_s: length of an interval [s].
        edges: (T + 1,) seconds since 1970.
        highest: the highest (loads) or the lowest (limits).
        outside: the value where no interval touches the slot.

    Returns:
        (n, T).
    """
    count = values.shape[1]
    first = np.clip((edges[:-1] - start_s) // step_s, 0, count)
    last = np.clip(-(-(edges[1:] - start_s) // step_s), 0, count)
    padded = np.concatenate((values, np.full((values.shape[0], 1), outside)), axis=1)
    result = np.where(last > first, padded[:, np.minimum(first, count)], outside)
    pick = np.max if highest else np.min
    for slot in np.flatnonzero(last - first > 1):
        result[:, slot] = pick(values[:, first[slot] : last[slot]], axis=1)
    return result
