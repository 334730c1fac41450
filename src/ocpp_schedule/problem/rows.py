"""Nodes, rows and their headroom (convention 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.groups import counted_in, members_of
from ocpp_schedule.problem.limits import (
    UNLIMITED,
    base_loads,
    channels_of,
    firm_generation,
    lower_by_series,
    own_limits,
    total_limit,
)
from ocpp_schedule.problem.transformers import supplies_of, turns_of
from ocpp_schedule.units import SUPPLIES, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.transformers import Turn
    from ocpp_schedule.units import Supply


@dataclass(frozen=True, slots=True)
class Nodes:
    """Circuits, capped stations and groups: who hangs below, what they carry.

    Attributes:
        names: N names.
        connectors: (N, C) bool.
        limit_units: (N, K, T).
        base_units: (N, K, T) highest base load at or below the node.
        firm_units: (N, K, T) lowest firm generation at or below the node.
        weights: by node, what charging weighs there, where that is not 1.
        supply: of the grid connection; of the whole site where there is no transformer.
        supplies: the supply of each connector.
        turns: by (node above, connector), what transformers in between make of currents, where there are any.
    """

    names: tuple[str, ...]
    connectors: Bools
    limit_units: Ints
    base_units: Ints
    firm_units: Ints
    weights: dict[int, Fraction]
    supply: Supply
    supplies: tuple[Supply, ...]
    turns: dict[tuple[int, int], Turn]

    def headroom(self, limit: Ints, base: Ints) -> Ints:
        """Return what (N, K, ...) limits leave to charging: less base load, by what charging weighs, rounded down."""
        room: Ints = limit - base
        for node, weight in self.weights.items():
            finite = limit[node] < UNLIMITED
            weighed = np.where(finite, room[node], 0) * weight.denominator // weight.numerator
            room[node] = np.where(finite, weighed, room[node])
        return room


def site_supply(site: Site) -> Supply:
    """Return the supply of the grid connection."""
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
    above = {name: _path(name, parents, index) for name in index}
    connectors = _below(site, outlets, index, above, capped)
    if site.groups:
        connectors = np.concatenate((connectors, members_of(site, outlets, connectors, index)))

    channels = channels_of(site, limits)
    by_circuit = supplies_of(site)
    turns = turns_of(site) if any(circuit.transformer is not None for circuit in site.circuits) else {}
    own = own_limits(
        [
            *(circuit.limit_a for circuit in site.circuits),
            *(station.max_current_a for station in capped),
            *(group.limit_a for group in site.groups),
        ],
        [*map(total_limit, site.circuits), *(None for _ in capped), *map(total_limit, site.groups)],
        channels,
    )
    limit_units = np.repeat(own[:, :, None], slots, axis=2)
    for series in limits:
        if not series.soft:  # what is soft is no row, but a stage
            lower_by_series(limit_units, series, index[series.circuit], edges)
    names = (
        *(f"circuit {circuit.id}" for circuit in site.circuits),
        *(f"station {station.id}" for station in capped),
        *(f"group {group.id}" for group in site.groups),
    )
    shape = (len(names), channels, slots)
    counted = counted_in(site, above, first_group=len(index) + len(capped)) if site.groups else above
    return Nodes(
        names=names,
        connectors=connectors,
        limit_units=limit_units,
        base_units=base_loads(site, forecasts, counted, edges, shape, by_circuit, turns),
        firm_units=firm_generation(site, forecasts, counted, edges, shape, site_supply(site)),
        weights={
            node: exact(circuit.continuous_load_factor)
            for node, circuit in enumerate(site.circuits)
            if circuit.continuous_load_factor != 1
        },
        supply=site_supply(site),
        supplies=_supplies(site, outlets, by_circuit) if turns else (site_supply(site),) * len(outlets),
        turns=_turned(site, outlets, index, turns) if turns else {},
    )


def _supplies(site: Site, outlets: Sequence[Connector], by_circuit: dict[str, Supply]) -> tuple[Supply, ...]:
    circuit_of = {station.id: station.circuit for station in site.stations}
    return tuple(by_circuit[circuit_of[outlet.station]] for outlet in outlets)


def _turned(
    site: Site, outlets: Sequence[Connector], index: dict[str, int], turns: dict[tuple[str, str], Turn]
) -> dict[tuple[int, int], Turn]:
    """Return by node and connector what transformers in between make of currents."""
    circuit_of = {station.id: station.circuit for station in site.stations}
    places = [circuit_of[outlet.station] for outlet in outlets]
    return {
        (node, at): turns[name, place]
        for at, place in enumerate(places)
        for name, node in index.items()
        if (name, place) in turns
    }


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
