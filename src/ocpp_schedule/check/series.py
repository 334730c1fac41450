"""Values over time on the slots of the grid, exact (convention 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.quantities import exact_dtype
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import MICROAMPERES_PER_AMPERE, PRICE_UNITS_PER_CURRENCY, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ocpp_schedule.model._base import RegularSeries
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.timegrid import TimeGrid

_SECOND: Final = timedelta(seconds=1)
PerLine = float | tuple[float, float, float]


def microamperes(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return currents in uA, exact: int64 where all are whole, else an object array of fractions.

    >>> microamperes(np.array([16.1, 0.000001])).tolist()
    [16100000, 1]
    >>> microamperes(np.array([0.0000005])).tolist()
    [Fraction(1, 2)]
    """
    return whole_units(values, MICROAMPERES_PER_AMPERE)


def whole_units(values: npt.NDArray[np.float64], units_per: int) -> npt.NDArray[Any]:
    """Return values times ``units_per``, exact: int64 where all are whole, else an object array of fractions."""
    scaled = np.rint(values * units_per)
    # Equal to k / 10**6 means written with at most six decimals: 10**5 A leave 11 digits, a float holds 15.
    if np.array_equal(scaled / units_per, values):
        return scaled.astype(np.int64)
    fractions = np.empty(values.size, dtype=object)
    fractions[:] = [exact(value) * units_per for value in values.ravel().tolist()]
    return fractions.reshape(values.shape)


def whole_down(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return exact values rounded down to int64."""
    return values if values.dtype == np.int64 else np.floor_divide(values, 1).astype(np.int64)


def per_line(values: Sequence[PerLine]) -> npt.NDArray[np.float64]:
    """Return (values, 3) currents for L1, L2, L3 [A]; one value counts for all three."""
    if all(isinstance(value, float) for value in values):
        return np.repeat(np.array(values, dtype=np.float64)[:, None], 3, axis=1)
    triples = [value if isinstance(value, tuple) else (value, value, value) for value in values]
    return np.array(triples, dtype=np.float64).reshape(-1, 3)


def _touched(
    series: RegularSeries, grid: TimeGrid, edges_s: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, per slot, the first interval that touches it and the one after the last (may lie outside the series)."""
    relative = edges_s + (grid.start - series.start) // _SECOND
    return relative[:-1] // series.step_s, -(-relative[1:] // series.step_s)


def extremes(
    series: RegularSeries,
    values: npt.NDArray[Any],
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    choose: np.ufunc,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return per slot the lowest or highest value of the intervals that touch it.

    Args:
        series: start and step.
        values: (intervals, channels), exact.
        grid: the slots.
        edges_s: its edges.
        choose: ``np.minimum`` or ``np.maximum``.

    Returns:
        (channels, slots) values, and (slots,) whether the series touches the slot; where it does not the value
        means nothing.
    """
    first, after = _touched(series, grid, edges_s)
    first, after = np.clip(first, 0, len(values)), np.clip(after, 0, len(values))
    touches = after > first
    if not touches.any():
        return np.zeros((values.shape[1], grid.slots), dtype=np.int64), touches
    low, high = int(first[0]), int(after[-1])
    currents = values[low:high]
    if np.all(after - first == 1):
        return currents[first - low].T, touches
    bounds = np.stack([first - low, after - low], axis=1).ravel()
    padded = np.concatenate([currents, currents[-1:]])  # reduceat takes no index beyond the end
    return choose.reduceat(padded, bounds, axis=0)[::2].T, touches


def covered_highest(
    name: str, series: RegularSeries, values: Sequence[PerLine], grid: TimeGrid, edges_s: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """Return (3, slots) the highest base load of every slot [uA], exact.

    Raises:
        InputError: the series does not cover the grid.
    """
    return covered(name, series, microamperes(per_line(values)), grid, edges_s)


def covered(
    name: str, series: RegularSeries, values: npt.NDArray[Any], grid: TimeGrid, edges_s: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """Return (channels, slots) the highest of (intervals, channels) values.

    Raises:
        InputError: the series does not cover the grid.
    """
    _require_cover(f"forecasts ({name})", series, len(values), grid)
    return extremes(series, values, grid, edges_s, np.maximum)[0]


def _require_cover(where: str, series: RegularSeries, count: int, grid: TimeGrid) -> None:
    end = series.start + count * timedelta(seconds=series.step_s)
    if series.start > grid.start or end < grid.end:
        what = (
            f"goes from {short_utc(series.start)} to {short_utc(end)}, the grid from {short_utc(grid.start)} "
            f"to {short_utc(grid.end)}. Add the missing values."
        )
        raise InputError("review()", [InputProblem(where, what)])


def price_seconds(tariff: Tariff, grid: TimeGrid, edges_s: npt.NDArray[np.int64]) -> list[int]:
    """Return, per slot, the sum of price times seconds [10^-6 currency per kWh, s], exact.

    Raises:
        InputError: the prices do not cover the grid, or one has more than six decimals.
    """
    energy = tariff.energy
    if isinstance(energy, float):
        return _flat("tariff.energy", energy, edges_s)
    return _integral("tariff.energy", energy, energy.per_kwh, grid, edges_s)


def emission_seconds(tariff: Tariff, grid: TimeGrid, edges_s: npt.NDArray[np.int64]) -> list[int]:
    """Return, per slot, the sum of emissions times seconds [10^-6 g per kWh, s], exact.

    Raises:
        InputError: there are none, they do not cover the grid, or one has more than six decimals.
    """
    co2 = tariff.co2
    if co2 is None:
        raise InputError("review()", [InputProblem("tariff.co2", "is missing; the stage 'co2' needs it.")])
    if isinstance(co2, float):
        return _flat("tariff.co2", co2, edges_s)
    return _integral("tariff.co2", co2, co2.g_per_kwh, grid, edges_s)


def value_units(per_kwh: float) -> int:
    """Return a value of energy [10^-6 currency per kWh].

    Raises:
        InputError: it has more than six decimals.
    """
    return int(_price_units("value_per_kwh", (per_kwh,))[0])


def _flat(where: str, value: float, edges_s: npt.NDArray[np.int64]) -> list[int]:
    (units,) = _price_units(where, (value,)).tolist()
    return [units * seconds for seconds in np.diff(edges_s).tolist()]


def _integral(
    where: str, series: RegularSeries, values: Sequence[float], grid: TimeGrid, edges_s: npt.NDArray[np.int64]
) -> list[int]:
    """Return, per slot, the sum of value times seconds of a series that covers the grid."""
    _require_cover(where, series, len(values), grid)
    relative = edges_s + (grid.start - series.start) // _SECOND
    interval, into = np.divmod(relative, series.step_s)
    low, high = int(interval[0]), int(interval[-1]) + 1
    units = _price_units(where, values[low:high])
    dtype = exact_dtype(int(np.abs(units).max()) * (int(edges_s[-1]) + 2 * series.step_s))
    whole = np.append(units, 0).astype(dtype)  # the last edge may start an interval beyond the series
    before = np.append(np.zeros(1, dtype=dtype), np.cumsum(whole)) * series.step_s
    return list(np.diff(before[interval - low] + whole[interval - low] * into.astype(dtype)).tolist())


def _price_units(where: str, per_kwh: Sequence[float]) -> npt.NDArray[np.int64]:
    given = np.array(per_kwh, dtype=np.float64)
    units = np.rint(given * PRICE_UNITS_PER_CURRENCY)
    # What a division leaves (0.12000000000000001) is not meant; a seventh decimal is.
    fine = np.flatnonzero(~np.isclose(units / PRICE_UNITS_PER_CURRENCY, given, rtol=1e-12, atol=1e-12))
    if fine.size:
        what = f"{per_kwh[int(fine[0])]!r} has more than six decimals. Round it."
        raise InputError("review()", [InputProblem(where, what)])
    return units.astype(np.int64)
