"""Models to a ``Problem``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.model.told import as_told
from ocpp_schedule.problem import effects, never_zero
from ocpp_schedule.problem.arrays import Problem
from ocpp_schedule.problem.availability import LOOKAHEAD_S, spells_by_connector
from ocpp_schedule.problem.conductors import outside_alarms, take_conductors
from ocpp_schedule.problem.demands import Table, compile_demands
from ocpp_schedule.problem.known import known_sessions
from ocpp_schedule.problem.loads import Beside
from ocpp_schedule.problem.meter import export_notices, surplus_caps
from ocpp_schedule.problem.notices import left_out, passed_milestones
from ocpp_schedule.problem.outlets import Outlets, columns_of, compile_outlets, numbered
from ocpp_schedule.problem.own import own_notices, own_rules
from ocpp_schedule.problem.pieces import compile_pieces, few_period_stations, in_pieces
from ocpp_schedule.problem.pilots import levels_of
from ocpp_schedule.problem.pools import compile_pools
from ocpp_schedule.problem.rows import Nodes, compile_nodes
from ocpp_schedule.problem.runs import run_rules
from ocpp_schedule.problem.series import price_seconds
from ocpp_schedule.problem.stages import compile_stages
from ocpp_schedule.problem.taper import curve_of
from ocpp_schedule.problem.unbalance import compile_unbalance
from ocpp_schedule.problem.v2g import meter_with_cars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.objective import Objective
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import KnownSession, Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.availability import Spell
    from ocpp_schedule.problem.conductors import Conductors
    from ocpp_schedule.problem.demands import Demands
    from ocpp_schedule.problem.effects import Effect
    from ocpp_schedule.problem.own import OwnRules
    from ocpp_schedule.problem.phasors import PhasorRows
    from ocpp_schedule.problem.pools import Pools
    from ocpp_schedule.problem.taper import Curve
    from ocpp_schedule.timegrid import TimeGrid


def compile_problem(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    availability: Sequence[Availability] = (),
    session_defaults: SessionDefaults | None = None,
    held: Mapping[str, int] | None = None,
    objective: Objective | None = None,
) -> Problem:
    """Return the integer arrays of a scenario whose references have been checked.

    Args:
        site: the topology.
        sessions: in any order; rows are sorted by id.
        tariff: prices that cover the grid.
        grid: the slots.
        limits: on circuits of the site.
        forecasts: one for each load of the site.
        availability: what connectors may give when.
        session_defaults: what to assume of sessions that do not say; None where all do.
        held: by session, the steps its charger holds in the first slot, which is under way; None: none is.
        objective: what to optimise for; None: ``cheapest``.
    """
    site = as_told(site)
    edges = np.array(grid.edges_s, dtype=np.int64) + grid.start_s
    connectors = sorted(site.connectors, key=lambda connector: connector.id)
    nodes, conductors = take_conductors(site, connectors, compile_nodes(site, connectors, limits, forecasts, edges))
    outlets = compile_outlets(site, connectors, nodes)
    known, assumed = known_sessions(sessions, session_defaults, grid.start)
    table = _compile_sessions(known, outlets, edges)
    kept = never_zero.kept_on(site, table, connectors)
    outlets = outlets.with_floors(never_zero.least_floors(outlets.idle_floor, outlets.minimum, table, kept))
    prices, tapers = price_seconds(tariff.energy, edges), _tapers(table, outlets)
    own = _own_rules(site, availability, table, outlets, edges, prices, tapers)
    headroom, alarm = _headroom(nodes, outlets)
    few = few_period_stations(site, edges.size - 1)
    demands = compile_demands(table, edges, own, tapers, in_pieces(few, table, connectors), kept.sessions)
    meter = meter_with_cars(site, table, tariff, forecasts, nodes, edges, own, demands.most)
    notices = table.notices + assumed + own_notices(table, demands) + export_notices(site, meter, grid) + kept.notices
    beside = Beside(site, limits, forecasts, connectors, nodes, table, edges)
    stages, counted = compile_stages(objective, tariff, demands, prices, beside, billed=bool(meter))
    inside = _windows(table, edges.size - 1)
    places = _of_outlets(outlets, nodes, compile_pools(site, connectors, outlets.idle_floor), conductors)
    phasors = conductors.rows(outlets.floor_units, table) if conductors else None
    open_ = _open(inside, held)
    caps = never_zero.raised_caps(_caps(table, open_, nodes, alarm, phasors), open_, table, kept)
    caps = never_zero.checked(surplus_caps(caps, meter, table, edges), open_, table, kept, own, grid)
    kinds = outlets.kinds_of(table.connector)
    unbalance = compile_unbalance(site, table.sessions, table.connector, kinds, nodes, forecasts, edges)
    return Problem(
        **_of_slots(grid, edges, prices),
        **_of_cars(table),
        slot_owner=_owners(table, inside, len(connectors)),
        cap_steps=caps,
        **_wanted(demands, counted),
        **places,
        headroom_units=headroom,
        alarm=alarm,
        unbalance=unbalance,
        edge_guard_s=site.edge_guard_s,
        notices=notices + (unbalance.notices if unbalance else ()),
        stages=stages,
        withheld=own.withheld if own else (),
        tapers=tapers,
        runs=run_rules(site, table, demands, int(edges[-1]), kept.sessions),
        meter=meter,
        held_steps=(under_way := _held(held, table.ids)),
        pieces=compile_pieces(site, few, table, connectors, *_floors(places), edges, under_way),
        phasors=phasors,
    )


def _open(inside: Bools, held: Mapping[str, int] | None) -> Bools:
    """Return (S, T) the windows without the slot under way, if one is."""
    return inside if held is None else inside & (np.arange(inside.shape[1]) > 0)


def _floors(places: Mapping[str, Any]) -> tuple[Ints, Ints]:
    return places["idle_floor_steps"], places["end_floor_steps"]


def _held(held: Mapping[str, int] | None, ids: tuple[str, ...]) -> Ints | None:
    return None if held is None else np.array([held.get(name, 0) for name in ids], dtype=np.int64)


def _of_slots(grid: TimeGrid, edges: Ints, prices: Ints) -> dict[str, Any]:
    """Return the fields of ``Problem`` that say what the slots are."""
    return {"grid": grid, "seconds": np.diff(edges), "price_seconds": prices}


def _of_cars(table: Table) -> dict[str, Any]:
    """Return the fields of ``Problem`` that say what the cars are and when they are there."""
    return {
        "session_ids": table.ids,
        "session_connector": table.connector,
        "first_slot": table.first,
        "end_slot": table.end,
        "min_steps": table.min_steps,
        "max_steps": table.max_steps,
        "power_dw": table.power_dw,
        "draw_dw": table.draw_dw,
        "load_units": table.load_units,
        "levels": table.levels,
    }


def _of_outlets(outlets: Outlets, nodes: Nodes, pools: Pools | None, conductors: Conductors | None) -> dict[str, Any]:
    """Return the fields of ``Problem`` that say what the connectors are and where they hang."""
    return {
        "pools": pools,
        "connector_ids": tuple(outlets.index),
        "idle_floor_steps": outlets.idle_floor,
        "end_floor_steps": _end_floors(outlets, nodes, pools, conductors),
        "floor_units": outlets.floor_units,
        "connector_nodes": nodes.connectors,
        "node_names": nodes.names,
    }


def _wanted(demands: Demands, counted: Bools) -> dict[str, Any]:
    """Return the fields of ``Problem`` that say what is wanted."""
    return {
        "energy_units": demands.energy,
        "energy_most_units": demands.most,
        "demand_session": demands.session,
        "demand_end": demands.end,
        "demand_units": demands.units,
        "demand_wish_units": demands.wish,
        "demand_hard": demands.hard,
        "demand_counted": counted,
        "demand_milestone": demands.milestone,
        "demand_unaffordable_units": demands.unaffordable,
        "demand_untakeable_units": demands.untakeable,
    }


def _own_rules(
    site: Site,
    availability: Sequence[Availability],
    table: Table,
    outlets: Outlets,
    edges: Ints,
    prices: Ints,
    tapers: dict[int, Curve],
) -> OwnRules | None:
    spells: dict[str, list[Spell]] = {}
    if availability:
        end_s = int(edges[-1])
        last_s = max(end_s, min(int(table.departure_s.max(initial=0)) + 1, end_s + LOOKAHEAD_S))
        spells = spells_by_connector(site, availability, int(edges[0]), last_s)
    return own_rules(table, edges, prices, spells, partial(_most_steps, table, outlets), tapers)


def _tapers(table: Table, outlets: Outlets) -> dict[int, Curve]:
    """Return the curves of the sessions that have one."""
    found = {}
    for index, session in enumerate(table.sessions):
        if session.taper:
            outlet, _, supply = outlets.of_kind[outlets.kind[int(table.connector[index])]]
            phases = 1 if session.phases is None else min(session.phases, len(outlet.lines))
            found[index] = curve_of(session, supply.voltage_v * phases)
    return found


def _most_steps(table: Table, outlets: Outlets, session: int, most_a: float) -> int:
    """Return the largest set-point of a session whose connector gives at most ``most_a`` [steps]."""
    car = table.sessions[session]
    outlet, amperes, supply = outlets.of_kind[outlets.kind[int(table.connector[session])]]
    min_a, max_a = effects.current_range(outlet, car)
    found = effects.effect(outlet, supply, amperes=amperes, phases=car.phases, min_a=min_a, max_a=min(max_a, most_a))
    return found.max_steps


def _compile_sessions(sessions: Sequence[KnownSession], outlets: Outlets, edges: Ints) -> Table:
    ordered = sorted(sessions, key=lambda session: session.id)
    places = [outlets.index[session.connector] for session in ordered]
    arrival = np.array([session.arrival.timestamp() for session in ordered], dtype=np.float64)
    departure = np.array([session.departure.timestamp() for session in ordered], dtype=np.float64)
    departure_s = np.floor(departure).astype(np.int64)
    first = np.searchsorted(edges, np.ceil(arrival).astype(np.int64), side="left")
    end = np.searchsorted(edges, departure_s, side="right") - 1
    outside = (departure <= edges[0]) | (arrival >= edges[-1])
    empty = end <= first
    found, kind = _car_effects(ordered, places, outlets)
    numbers = columns_of(found, kind, outlets.channels)
    return Table(
        ids=tuple(session.id for session in ordered),
        sessions=ordered,
        connector=np.array(places, dtype=np.int64),
        departure_s=departure_s,
        outside=outside,
        first=np.where(empty, 0, first),
        end=np.where(empty, 0, end),
        min_steps=numbers[0].copy(),
        max_steps=numbers[1].copy(),
        power_dw=numbers[2].copy(),
        draw_dw=numbers[3].copy(),
        load_units=numbers[4:].T.copy(),
        notices=left_out(ordered, empty, outside) + passed_milestones(ordered, int(edges[0])),
        levels=levels_of(found, kind),
    )


def _car_effects(ordered: list[KnownSession], places: list[int], outlets: Outlets) -> tuple[list[Effect], list[int]]:
    """Return the effects of one step for each kind of car on each kind of connector, and the kind of each session."""
    keys = [
        (outlets.kind[place], session.phases, session.min_current_a, session.max_current_a)
        for session, place in zip(ordered, places, strict=True)
    ]
    found = []
    for key, car in dict(zip(keys, ordered, strict=True)).items():
        outlet, amperes, supply = outlets.of_kind[key[0]]
        phases = car.phases
        min_a, max_a = effects.current_range(outlet, car)
        found.append(effects.effect(outlet, supply, amperes=amperes, phases=phases, min_a=min_a, max_a=max_a))
    return found, numbered(keys)


def _headroom(nodes: Nodes, outlets: Outlets) -> tuple[Ints, Bools]:
    """Return (N, K, T) what the rows leave beside base load, and where that is less than the idle floors."""
    headroom = nodes.headroom(nodes.limit_units, nodes.base_units - nodes.firm_units)
    return headroom, _alarms(nodes, outlets, headroom)


def _alarms(nodes: Nodes, outlets: Outlets, headroom: Ints) -> Bools:
    """Return (N, K, T) where base load and idle floors alone exceed a limit.

    A row that no connector below can load is nobody's business here; the referee still looks at it.
    """
    floors = nodes.connectors.astype(np.int64) @ outlets.floor_units
    loadable = (nodes.connectors.astype(np.int64) @ outlets.wired.astype(np.int64)) > 0
    alarm: Bools = (headroom < floors[:, :, None]) & loadable[:, :, None]
    return alarm


def _windows(table: Table, slots: int) -> Bools:
    """Return (S, T) which slots each session may use."""
    slot = np.arange(slots)
    inside: Bools = (slot >= table.first[:, None]) & (slot < table.end[:, None])
    return inside


def _owners(table: Table, inside: Bools, connectors: int) -> Ints:
    owner = np.full((connectors, inside.shape[1]), -1, dtype=np.int64)
    session, slot = np.nonzero(inside)
    owner[table.connector[session], slot] = session
    return owner


def _caps(table: Table, inside: Bools, nodes: Nodes, alarm: Bools, phasors: PhasorRows | None) -> Ints:
    """Return (S, T) largest set-points: 0 outside the window and where the car could draw on a row in alarm."""
    if alarm.any():
        inside = inside.copy()
        below = nodes.connectors[:, table.connector]
        draws = table.load_units > 0
        for node, line in {(int(n), int(k)) for n, k in zip(*np.nonzero(alarm.any(axis=2)), strict=True)}:
            hit = below[node] & draws[:, line]
            inside[np.ix_(hit, alarm[node, line])] = False
    return outside_alarms(inside, table, phasors) * table.max_steps[:, None]


def _end_floors(outlets: Outlets, nodes: Nodes, pools: Pools | None, conductors: Conductors | None) -> Ints:
    """Return what each connector may get after the grid: its minimum where all minima fit, else 0 (convention 13)."""
    minimum_units = outlets.unknown_units * outlets.minimum[:, None]
    least = nodes.headroom(nodes.limit_units.min(axis=2), nodes.base_units.max(axis=2))
    fits = nodes.connectors.astype(np.int64) @ minimum_units <= least
    bad = ~fits
    blocked = (nodes.connectors[:, None, :] & bad[:, :, None] & outlets.wired.T[None, :, :]).any(axis=(0, 1))
    if pools is not None:
        blocked |= pools.exclusive
    if conductors is not None:
        blocked |= conductors.exceeded_by(minimum_units)
    return np.maximum(np.where(blocked, 0, outlets.minimum), outlets.idle_floor)
