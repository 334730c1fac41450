"""Nodes, rows and their headroom (convention 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.series import epoch_s, extreme_per_slot, per_line_ua
from ocpp_schedule.units import LINES, SUPPLIES, Supply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.problem.arrays import Bools, Ints

UNLIMITED_UA = 1 << 60
"""Above any sum of currents that the input allows (1e5 connectors of 1e5 A are 1e16 uA)."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Circuits and capped stations: who hangs below, what they carry.

    Attributes:
        names: N names.
        connectors: (N, C) bool.
        limit_ua: (N, 3, T).
        base_ua: (N, 3, T) highest base load at or below the node.
        supply: the supply of the site.
    """

    names: tuple[str, ...]
    connectors: Bools
    limit_ua: Ints
    base_ua: Ints
    supply: Supply


def site_supply(site: Site) -> Supply:
    """Return the supply of the grid connection; circuits below it have the same."""
    root = next(circuit for circuit in site.circuits if circuit.parent is None)
    return SUPPLIES[root.supply or "400Y/230"]


def compile_nodes(
    site: Site,
    outlets: Sequence[Connector],
    limits: Sequence[LimitSeries],
    forecasts: Sequence[Forecast],
    edges: Ints,
) -> Nodes:
    """Return the nodes with their limits and base loads per slot.

    Args:
        site: the topology, references checked.
        outlets: the connectors of the site in the order of the columns.
        limits: limit series, any part of the grid.
        forecasts: one per load, covering the grid.
        edges: (T + 1,) seconds since 1970.
    """
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    index = {circuit.id: position for position, circuit in enumerate(site.circuits)}
    capped = [station for station in site.stations if station.max_current_a is not None]
    slots = edges.size - 1
    size = len(index) + len(capped)
    above = {name: _path(name, parents, index) for name in index}
    connectors = _below(site, outlets, index, above, capped)

    own = [circuit.limit_a for circuit in site.circuits] + [station.max_current_a or 0.0 for station in capped]
    limit_ua = np.repeat(per_line_ua(own, up=False).T[:, :, None], slots, axis=2)
    for series in limits:
        values = per_line_ua(series.limit_a, up=False)
        lowest = extreme_per_slot(
            values, epoch_s(series.start), series.step_s, edges, highest=False, outside=UNLIMITED_UA
        )
        node = index[series.circuit]
        limit_ua[node] = np.minimum(limit_ua[node], lowest)

    base_ua = np.zeros((size, 3, slots), dtype=np.int64)
    forecast_of = {forecast.id: forecast for forecast in forecasts}
    for load in site.loads:
        forecast = forecast_of[load.id]
        values = per_line_ua(forecast.high_a or forecast.expected_a, up=True)
        highest = extreme_per_slot(values, epoch_s(forecast.start), forecast.step_s, edges, highest=True, outside=0)
        highest[[line not in load.lines for line in LINES]] = 0
        base_ua[above[load.circuit]] += highest
    names = (*(f"circuit {circuit.id}" for circuit in site.circuits), *(f"station {station.id}" for station in capped))
    return Nodes(names, connectors, limit_ua, base_ua, site_supply(site))


def _below(
    site: Site,
    outlets: Sequence[Connector],
    index: dict[str, int],
    above: dict[str, list[int]],
    capped: Sequence[Station],
) -> Bools:
    """Return (N, C) which connectors hang below each circuit, then below each capped station."""
    upward = np.zeros((len(index), len(index)), dtype=np.bool_)
    for name, path in above.items():
        upward[path, index[name]] = True
    circuit_of = {station.id: index[station.circuit] for station in site.stations}
    below: Bools = upward[:, np.array([circuit_of[outlet.station] for outlet in outlets], dtype=np.int64)]
    if not capped:
        return below
    own = {station.id: position for position, station in enumerate(capped)}
    station = np.array([own.get(outlet.station, -1) for outlet in outlets], dtype=np.int64)
    return np.concatenate((below, station == np.arange(len(capped))[:, None]))


def _path(name: str, parents: dict[str, str | None], index: dict[str, int]) -> list[int]:
    """Return the indices of a circuit and all above it."""
    path: list[int] = []
    current: str | None = name
    while current is not None:
        path.append(index[current])
        current = parents[current]
    return path
