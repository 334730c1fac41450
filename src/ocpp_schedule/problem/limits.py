"""What nodes may carry on each channel, and what base loads take of it (conventions 4 and 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.series import epoch_s, extreme_per_slot, micro, per_line_ua
from ocpp_schedule.units import LINES, MILLI_PER_UNIT, TOTAL, round_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ocpp_schedule.model._base import PerLineA
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Circuit, Group, Site
    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.transformers import Turn
    from ocpp_schedule.units import Supply

UNLIMITED: Final = 1 << 60
"""Above any sum that the input allows (1e5 connectors of 1e5 A on three lines at 277 V are 1e16 mVA)."""


def channels_of(site: Site, limits: Iterable[LimitSeries]) -> int:
    """Return K: the three lines, and the total where anything limits it."""
    totals = any(total_limit(one) is not None for one in site.circuits)
    totals = totals or any(total_limit(one) is not None for one in site.groups)
    return TOTAL + int(totals or any(series.limit_a is None for series in limits))


def own_limits(per_line_a: Sequence[PerLineA | None], totals: Sequence[float | None], channels: int) -> Ints:
    """Return (N, K) limits that hold throughout; ``UNLIMITED`` where there is none.

    Args:
        per_line_a: of each node [A].
        totals: of each node [VA or W].
        channels: K.
    """
    result = np.full((len(per_line_a), channels), UNLIMITED, dtype=np.int64)
    given = [node for node, limit in enumerate(per_line_a) if limit is not None]
    result[given, :TOTAL] = per_line_ua([limit for limit in per_line_a if limit is not None], up=False).T
    for node, total in enumerate(totals):
        if total is not None:
            result[node, TOTAL] = round_down(total, MILLI_PER_UNIT)
    return result


def total_limit(limited: Circuit | Group) -> float | None:
    """Return the lower of the limits in VA and in W; the power factor of charging is taken as 1."""
    given = [limit for limit in (limited.limit_va, limited.limit_w) if limit is not None]
    return min(given, default=None)


def lower_by_series(limit_units: Ints, series: LimitSeries, node: int, edges: Ints) -> None:
    """Lower (N, K, T) limits of a node, in place, to what a series says."""
    if series.limit_a is not None:
        part, values = slice(TOTAL), per_line_ua(series.limit_a, up=False)
    else:
        total = series.limit_va or series.limit_w or ()
        part, values = slice(TOTAL, None), np.array([[round_down(value, MILLI_PER_UNIT) for value in total]])
    lowest = extreme_per_slot(values, epoch_s(series.start), series.step_s, edges, highest=False, outside=UNLIMITED)
    limit_units[node, part] = np.minimum(limit_units[node, part], lowest)


def base_loads(
    site: Site,
    forecasts: Iterable[Forecast],
    above: dict[str, list[int]],
    edges: Ints,
    shape: tuple[int, int, int],
    supplies: Mapping[str, Supply],
    turns: Mapping[tuple[str, str], Turn],
) -> Ints:
    """Return (N, K, T) highest base load at or below each node.

    Args:
        site: its loads.
        forecasts: one per load.
        above: by circuit, the nodes that its loads count for.
        edges: (T + 1,) seconds since 1970.
        shape: N, K, T.
        supplies: of each circuit: currents count in totals at its voltage to neutral, W on lines at its lowest one.
        turns: what transformers make of currents, by circuit above and below.
    """
    base = np.zeros(shape, dtype=np.int64)
    volt_amperes = np.zeros((shape[0], shape[2]), dtype=np.int64)  # uVA, of loads given in A
    forecast_of = {forecast.id: forecast for forecast in forecasts}
    for load in site.loads:
        forecast, supply, nodes = forecast_of[load.id], supplies[load.circuit], above[load.circuit]
        watts = forecast.high_w or forecast.expected_w
        if watts:
            values = watts_per_line(watts, load.lines, supply.low_voltage_v, up=True)
        else:
            values = per_line_ua(forecast.high_a or forecast.expected_a or (), up=True)
            values[[line not in load.lines for line in LINES]] = 0
        highest = extreme_per_slot(values, epoch_s(forecast.start), forecast.step_s, edges, highest=True, outside=0)
        lines = highest[:TOTAL]
        if watts:
            base[nodes, TOTAL:] += highest[TOTAL : shape[1]]
        else:
            volt_amperes[nodes] += lines.sum(axis=0) * supply.voltage_v
        for node in nodes:
            turn = turns.get((site.circuits[node].id, load.circuit)) if turns else None
            base[node, :TOTAL] += lines if turn is None else turn.base(lines)
    if shape[1] > TOTAL:
        # Rounded up once, after the sum.
        base[:, TOTAL] += -(-volt_amperes // MILLI_PER_UNIT)
    return base


def firm_generation(
    site: Site,
    forecasts: Iterable[Forecast],
    above: dict[str, list[int]],
    edges: Ints,
    shape: tuple[int, int, int],
    supply: Supply,
) -> Ints:
    """Return (N, K, T) what generators at or below each node give for certain; W on lines at the highest voltage."""
    firm = np.zeros(shape, dtype=np.int64)
    forecast_of = {forecast.id: forecast for forecast in forecasts}
    for generator in site.generators:
        forecast = forecast_of[generator.id]
        if forecast.firm_w is None:
            continue
        values = watts_per_line(forecast.firm_w, generator.lines, supply.high_voltage_v, up=False)
        lowest = extreme_per_slot(values, epoch_s(forecast.start), forecast.step_s, edges, highest=False, outside=0)
        firm[above[generator.circuit]] += lowest[: shape[1]]
    return firm


def watts_per_line(values: Sequence[float], lines: Sequence[str], voltage_v: int, *, up: bool) -> Ints:
    """Return powers as (4, K) currents on L1, L2, L3 [uA] and totals [mVA], spread evenly over ``lines``."""
    share = len(lines) * voltage_v
    scaled = micro(values)
    each = -(-scaled // share) if up else scaled // share
    total = -(-scaled // MILLI_PER_UNIT) if up else scaled // MILLI_PER_UNIT
    rows = [each if line in lines else each * 0 for line in LINES]
    return np.array([*rows, total], dtype=np.int64)
