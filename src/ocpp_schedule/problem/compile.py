"""Models to a ``Problem``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem import effects
from ocpp_schedule.problem.arrays import Problem
from ocpp_schedule.problem.demands import Table, compile_demands
from ocpp_schedule.problem.rows import Nodes, compile_nodes
from ocpp_schedule.problem.series import price_seconds
from ocpp_schedule.timegrid import EARLIEST, short_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.effects import Effect
    from ocpp_schedule.timegrid import TimeGrid
    from ocpp_schedule.units import Supply


def compile_problem(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
) -> Problem:
    """Return the integer arrays of a scenario whose references have been checked.

    Args:
        site: the topology.
        sessions: in any order; rows are sorted by id.
        tariff: prices that cover the grid.
        grid: the slots.
        limits: on circuits of the site.
        forecasts: one for each load of the site.
    """
    edges = np.array(grid.edges_s, dtype=np.int64) + grid.start_s
    connectors = sorted(site.connectors, key=lambda connector: connector.id)
    ids = tuple(connector.id for connector in connectors)
    nodes = compile_nodes(site, ids, limits, forecasts, edges)
    outlets = _compile_outlets(site, connectors, nodes)
    table = _compile_sessions(sessions, outlets, edges)
    floors = nodes.connectors.astype(np.int64) @ outlets.floor_ua
    headroom = nodes.limit_ua - nodes.base_ua
    # A row that no connector below can load is nobody's business here; the referee still looks at it.
    loadable = (nodes.connectors.astype(np.int64) @ outlets.wired.astype(np.int64)) > 0
    alarm = (headroom < floors[:, :, None]) & loadable[:, :, None]
    demands = compile_demands(table, edges)
    return Problem(
        grid=grid,
        seconds=np.diff(edges),
        price_seconds=price_seconds(tariff.energy, edges),
        session_ids=table.ids,
        session_connector=table.connector,
        first_slot=table.first,
        end_slot=table.end,
        slot_owner=_owners(table, len(ids), edges.size - 1),
        min_steps=table.min_steps,
        max_steps=table.max_steps,
        power_dw=table.power_dw,
        line_ua=table.line_ua,
        cap_steps=_caps(table, nodes, alarm, edges.size - 1),
        energy_units=demands.energy,
        energy_cap_units=demands.cap,
        energy_most_units=demands.most,
        demand_session=demands.session,
        demand_end=demands.end,
        demand_units=demands.units,
        demand_wish_units=demands.wish,
        demand_hard=demands.hard,
        connector_ids=ids,
        idle_floor_steps=outlets.idle_floor,
        end_floor_steps=_end_floors(outlets, nodes),
        floor_ua=outlets.floor_ua,
        connector_nodes=nodes.connectors,
        node_names=nodes.names,
        headroom_ua=headroom,
        alarm=alarm,
        edge_guard_s=site.edge_guard_s,
        notices=table.notices,
    )


class _Effects:
    """Effects by value: a site has many outlets and few kinds of them, and exact arithmetic is slow."""

    def __init__(self, supply: Supply, floor_a: float) -> None:
        self.supply, self.floor_a = supply, floor_a
        self._known: dict[tuple[object, ...], Effect] = {}
        self._floors: dict[tuple[object, ...], int] = {}

    def of(
        self, outlet: Connector, *, amperes: bool, phases: int | None, low_a: float | None, high_a: float | None
    ) -> Effect:
        """Return the effects for a car with these phases and own limits [A]."""
        min_a = outlet.min_current_a if low_a is None else max(low_a, outlet.min_current_a)
        max_a = outlet.max_current_a if high_a is None else min(high_a, outlet.max_current_a)
        key = (outlet.lines, outlet.step_a, outlet.step_w, min_a, max_a, amperes, phases)
        found = self._known.get(key)
        if found is None:
            found = effects.effect(outlet, self.supply, amperes=amperes, phases=phases, min_a=min_a, max_a=max_a)
            self._known[key] = found
        return found

    def floor(self, outlet: Connector, *, amperes: bool) -> int:
        """Return the idle floor in steps."""
        if not self.floor_a:
            return 0
        key = (outlet.lines, outlet.step_a, outlet.step_w, outlet.max_current_a, amperes)
        found = self._floors.get(key)
        if found is None:
            found = effects.idle_floor_steps(outlet, self.supply, amperes=amperes, floor_a=self.floor_a)
            self._floors[key] = found
        return found


@dataclass(frozen=True, slots=True)
class _Outlets:
    connectors: list[Connector]
    index: dict[str, int]
    amperes: list[bool]
    effects: _Effects
    idle_floor: Ints
    floor_ua: Ints
    minimum: Ints
    unknown_ua: Ints
    wired: Bools


def _compile_outlets(site: Site, connectors: list[Connector], nodes: Nodes) -> _Outlets:
    units = {station.id: effects.takes_amperes(station.capabilities.rate_units) for station in site.stations}
    amperes = [units[connector.station] for connector in connectors]
    known = _Effects(nodes.supply, site.idle_floor_a)
    unknown = [
        known.of(connector, amperes=by_amperes, phases=None, low_a=None, high_a=None)
        for connector, by_amperes in zip(connectors, amperes, strict=True)
    ]
    floors = [known.floor(c, amperes=by_amperes) for c, by_amperes in zip(connectors, amperes, strict=True)]
    unknown_ua = np.array([one.line_ua for one in unknown], dtype=np.int64).reshape(len(connectors), 3)
    lowest = np.array([one.min_steps for one in unknown], dtype=np.int64)
    idle_floor = np.array(floors, dtype=np.int64)
    # Voltage band and step rounding can push the floor below what the outlet can give; it then gives its minimum.
    able = np.array([one.max_steps > 0 for one in unknown], dtype=np.bool_)
    idle_floor = np.where((idle_floor > 0) & able, np.maximum(idle_floor, lowest), 0)
    return _Outlets(
        connectors=connectors,
        index={connector.id: position for position, connector in enumerate(connectors)},
        amperes=amperes,
        effects=known,
        idle_floor=idle_floor,
        floor_ua=unknown_ua * idle_floor[:, None],
        minimum=lowest,
        unknown_ua=unknown_ua,
        wired=unknown_ua > 0,
    )


def _compile_sessions(sessions: Sequence[Session], outlets: _Outlets, edges: Ints) -> Table:
    ordered = sorted(sessions, key=lambda session: session.id)
    connector = np.array([outlets.index[session.connector] for session in ordered], dtype=np.int64)
    arrival = np.array([(session.arrival - EARLIEST).total_seconds() for session in ordered], dtype=np.float64)
    departure = np.array([(session.departure - EARLIEST).total_seconds() for session in ordered], dtype=np.float64)
    first = np.searchsorted(edges, np.ceil(arrival).astype(np.int64), side="left")
    end = np.searchsorted(edges, np.floor(departure).astype(np.int64), side="right") - 1
    outside = (departure <= edges[0]) | (arrival >= edges[-1])
    empty = end <= first
    first, end = np.where(empty, 0, first), np.where(empty, 0, end)
    found = []
    for session, position in zip(ordered, connector.tolist(), strict=True):
        one = outlets.effects.of(
            outlets.connectors[position],
            amperes=outlets.amperes[position],
            phases=session.phases,
            low_a=session.min_current_a,
            high_a=session.max_current_a,
        )
        found.append((one.min_steps, one.max_steps, one.power_dw, *one.line_ua))
    numbers = np.array(found, dtype=np.int64).reshape(len(ordered), 6)
    return Table(
        ids=tuple(session.id for session in ordered),
        sessions=ordered,
        connector=connector,
        departure_s=np.floor(departure).astype(np.int64),
        outside=outside,
        first=first.astype(np.int64),
        end=end.astype(np.int64),
        min_steps=numbers[:, 0].copy(),
        max_steps=numbers[:, 1].copy(),
        power_dw=numbers[:, 2].copy(),
        line_ua=numbers[:, 3:].copy(),
        notices=_notices(ordered, empty, outside),
    )


def _notices(ordered: list[Session], empty: Bools, outside: Bools) -> tuple[str, ...]:
    notices = []
    for index in np.flatnonzero(empty).tolist():
        session = ordered[index]
        window = f"{short_utc(session.arrival)} to {short_utc(session.departure)}"
        if outside[index]:
            notices.append(f"session {session.id} ({window}) is outside the grid and ignored")
        else:
            notices.append(f"session {session.id} ({window}) contains no whole slot; it gets nothing")
    return tuple(notices)


def _owners(table: Table, connectors: int, slots: int) -> Ints:
    owner = np.full((connectors, slots), -1, dtype=np.int64)
    slot = np.arange(slots)
    session, inside = np.nonzero((slot >= table.first[:, None]) & (slot < table.end[:, None]))
    owner[table.connector[session], inside] = session
    return owner


def _caps(table: Table, nodes: Nodes, alarm: Bools, slots: int) -> Ints:
    """Return (S, T) largest set-points: 0 outside the window and where the car could draw on a row in alarm."""
    slot = np.arange(slots)
    inside = (slot >= table.first[:, None]) & (slot < table.end[:, None])
    if alarm.any():
        below = nodes.connectors[:, table.connector]
        draws = table.line_ua > 0
        for node, line in {(int(n), int(k)) for n, k in zip(*np.nonzero(alarm.any(axis=2)), strict=True)}:
            hit = below[node] & draws[:, line]
            inside[np.ix_(hit, alarm[node, line])] = False
    return inside * table.max_steps[:, None]


def _end_floors(outlets: _Outlets, nodes: Nodes) -> Ints:
    """Return what each connector may get after the grid: its minimum where all minima fit, else 0 (convention 13)."""
    minimum_ua = outlets.unknown_ua * outlets.minimum[:, None]
    least = nodes.limit_ua.min(axis=2) - nodes.base_ua.max(axis=2)
    fits = nodes.connectors.astype(np.int64) @ minimum_ua <= least
    bad = ~fits
    blocked = (nodes.connectors[:, None, :] & bad[:, :, None] & outlets.wired.T[None, :, :]).any(axis=(0, 1))
    return np.maximum(np.where(blocked, 0, outlets.minimum), outlets.idle_floor)
