"""Connectors as columns: what a step does there, for an unknown car, and what they hold while nobody answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from ocpp_schedule.problem import effects

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.effects import Effect
    from ocpp_schedule.problem.rows import Nodes
    from ocpp_schedule.units import Supply


@dataclass(frozen=True, slots=True)
class Outlets:
    """Connectors as columns, sorted by id.

    Attributes:
        index: place of each id.
        kind: by connector, the number of its kind: connectors of one kind do the same to every car.
        of_kind: one connector of each kind, whether it takes A, and its supply.
        channels: K.
        idle_floor, floor_units: as in ``Problem``.
        minimum, unknown_units: of an unknown car, as ``min_steps`` and ``load_units`` in ``Problem``.
        wired: (C, K) bool, the connector loads the channel.
    """

    index: dict[str, int]
    kind: list[int]
    of_kind: list[tuple[Connector, bool, Supply]]
    channels: int
    idle_floor: Ints
    floor_units: Ints
    minimum: Ints
    unknown_units: Ints
    wired: Bools

    def with_floors(self, idle: Ints) -> Self:
        """Return the same connectors with other idle floors."""
        if idle is self.idle_floor:
            return self
        return replace(self, idle_floor=idle, floor_units=self.unknown_units * idle[:, None])

    def kinds_of(self, places: Ints) -> list[tuple[Connector, bool, Supply]]:
        """Return for each of these columns a connector of its kind, whether that takes A, and its supply."""
        return [self.of_kind[self.kind[place]] for place in places.tolist()]


def numbered(keys: Iterable[Hashable]) -> list[int]:
    """Return for each key its number among the different ones, in the order in which they come."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(key, len(known)) for key in keys]


def columns_of(found: list[Effect], kind: list[int], channels: int) -> Ints:
    """Return (4 + K, n) minimum, maximum, power, draw and loads of one step for each of the kinds given."""
    rows = [
        (one.min_steps, one.max_steps, one.power_dw, one.power_dw + one.loss_dw, *one.load_units[:channels])
        for one in found
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 4 + channels)[kind].T


def compile_outlets(site: Site, connectors: list[Connector], nodes: Nodes) -> Outlets:
    """Return the connectors of a site, sorted by id, as columns."""
    channels = nodes.limit_units.shape[1]
    units = {station.id: station.capabilities.rate_units for station in site.stations}
    amperes = [effects.takes_amperes(units[one.station], one.current_type) for one in connectors]
    kind = numbered(
        (
            *(c.lines, c.connection, c.step_a, c.step_w, c.allowed_currents_a, c.min_current_a, c.max_current_a),
            *(c.max_power_w, c.efficiency, by_amperes, supply.between_v),
        )
        for c, by_amperes, supply in zip(connectors, amperes, nodes.supplies, strict=True)
    )
    of_kind = list(dict(zip(kind, zip(connectors, amperes, nodes.supplies, strict=True), strict=True)).values())
    unknown = [
        effects.effect(c, supply, amperes=by_amperes, phases=None, min_a=c.min_current_a, max_a=c.max_current_a)
        for c, by_amperes, supply in of_kind
    ]
    floors = [effects.idle_floor_steps(c, s, amperes=a, floor_a=site.idle_floor_a) for c, a, s in of_kind]
    lowest, highest, _, _, *load_units = columns_of(unknown, kind, channels)
    unknown_units = np.column_stack(load_units)
    idle_floor = np.array(floors, dtype=np.int64)[kind]
    # Voltage band and step rounding can push the floor below what the outlet can give; it then gives its minimum.
    idle_floor = np.where((idle_floor > 0) & (highest > 0), np.maximum(idle_floor, lowest), 0)
    return Outlets(
        index={connector.id: position for position, connector in enumerate(connectors)},
        kind=kind,
        of_kind=of_kind,
        channels=channels,
        idle_floor=idle_floor,
        floor_units=unknown_units * idle_floor[:, None],
        minimum=lowest,
        unknown_units=unknown_units,
        wired=unknown_units > 0,
    )
