"""From a solution to one stack of neutral profiles per connector (conventions 4, 13 and 23)."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem, InternalError
from ocpp_schedule.model.layering import site_layers
from ocpp_schedule.model.told import as_told
from ocpp_schedule.profiles.belongs import PlanRow, check_belongs, check_counts, check_guard, check_overlap
from ocpp_schedule.profiles.ids import profile_ids
from ocpp_schedule.profiles.layers import (
    DECIWATTS_PER_WATT,
    cap_tenths,
    ceilings_of,
    constant_layer,
    lines_told,
    plan_layer,
    unit_of,
)
from ocpp_schedule.profiles.model import ProfileStack
from ocpp_schedule.profiles.periods import LayerRows, SessionRows, layer_periods
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, PLAN_LEAD_S, round_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ocpp_schedule.model.layering import LayerName, Slot, StationLayers
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.profiles.model import Layer
    from ocpp_schedule.profiles.periods import Bools, Ints
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid

SECOND: Final = timedelta(seconds=1)


class _Scene(NamedTuple):
    """What every layer needs to know."""

    site: Site
    stations: Mapping[str, Station]
    layers: Mapping[str, StationLayers]
    numbers: Mapping[tuple[str, LayerName], int]
    floors: Mapping[str, tuple[int, int]]


def build_stacks(
    site: Site,
    sessions: Iterable[KnownSession],
    grid: TimeGrid,
    solution: Solution,
    *,
    ids: Mapping[tuple[str, str], int] | None = None,
) -> tuple[ProfileStack, ...]:
    """Return what every connector of the site is to hold.

    Which layers there are follows from what the station takes (``model.layering``). With room for all, the idle floor
    lies at the bottom; above it the plan for all coming sessions, where one of them has a slot in the grid; above
    that the plan of the session with a ``transaction_id``. Where a plan has no session it holds the idle floor, after
    the grid the end floor. Sessions that no layer of the station can carry are in none (``Proof`` names them).

    Args:
        site: the topology.
        sessions: those the solution was made for.
        grid: the slots of the solution.
        solution: set-points in steps, guarded edges and floors.
        ids: (connector id, layer name) to profile id; the rest gets ``100 * evse_id + 1, 2, 3``. Layers of the
            station go by its own id.

    Returns:
        One stack per connector, sorted by station and EVSE; before them one for the station as a whole, where it has
        a cap, a shared floor or a ceiling.

    Raises:
        InputError: site, sessions and solution do not belong together, ids clash, two sessions of a connector run
            or overlap, or a station takes fewer periods than the plan needs.
        InternalError: the solution contradicts itself.

    >>> from datetime import UTC, datetime
    >>> import numpy as np
    >>> from ocpp_schedule.model.site import Circuit, Connector, Site, Station
    >>> from ocpp_schedule.solution import Solution
    >>> from ocpp_schedule.timegrid import TimeGrid
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)], idle_floor_a=6)
    >>> grid = TimeGrid.regular(datetime(2026, 1, 15, tzinfo=UTC), timedelta(hours=1), 4)
    >>> none, floor = np.zeros((0, 4), dtype=np.int64), np.array([60])
    >>> nothing = Solution((), none, none > 0, none > 0, ("A",), floor, floor, none.sum(axis=1), 0)
    >>> [stack] = build_stacks(site, [], grid, nothing)
    >>> stack.layers[0].name, stack.layers[0].profile.schedule.periods
    ('idle_floor', (ChargingPeriod(start_s=0, limit_tenths=60, phases=3, setpoint_tenths=None),))
    """
    site = as_told(site)
    given = sorted(sessions, key=lambda session: session.id)
    first_slot, end_slot = _windows(given, grid)
    has_slot = end_slot > first_slot
    check_belongs(site, given, grid, solution, has_slot=has_slot)
    stations = {station.id: station for station in site.stations}
    connectors = sorted(site.connectors, key=attrgetter("station", "evse_id"))
    layers = site_layers(site)
    tenths = {connector.id: _step_tenths(connector, stations[connector.station]) for connector in connectors}
    scene = _Scene(site, stations, layers, profile_ids(connectors, ids, layers.values()), _floors(solution, tenths))
    rows = _rows(connectors, layers, given, has_slot)
    leads = [lead_s(site, stations[row.connector.station]) for row in rows]
    held = LayerRows(
        np.array([scene.floors[row.connector.id][0] for row in rows], dtype=np.int64),
        np.array([scene.floors[row.connector.id][1] for row in rows], dtype=np.int64),
        np.array([lines_told(stations[row.connector.station], row.connector) for row in rows], dtype=np.int64),
        np.array(leads, dtype=np.int64),
    )
    served = _session_rows(rows, given, (first_slot, end_slot), solution, (tenths, held.phases))
    check_guard(site.edge_guard_s, grid, served)
    periods = layer_periods(held, served, np.array(grid.edges_s, dtype=np.int64), site.edge_guard_s)
    check_counts(rows, periods, stations)
    made: dict[str, dict[LayerName, Layer]] = {connector.id: {} for connector in connectors}
    for row, own, before_s in zip(rows, periods, leads, strict=True):
        name, station = row.connector.id, stations[row.connector.station]
        number = scene.numbers[name, row.slot.name]
        made[name][row.slot.name] = plan_layer(row, own, number, unit_of(row.connector, station), grid, before_s)
    return tuple(_stacks(connectors, scene, made))


def lead_s(site: Site, station: Station) -> int:
    """Return how long before the grid a plan starts: a charger whose clock is late must find it begun.

    >>> from ocpp_schedule.model.site import Circuit, Site, Station
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)], edge_guard_s=1200)
    >>> lead_s(site, Station(id="CP1", circuit="main", ocpp_version="1.6"))
    600
    """
    return max(PLAN_LEAD_S, -(-site.edge_guard_s // 2), station.capabilities.clock_skew_s or 0)


def _stacks(
    connectors: Sequence[Connector], scene: _Scene, plans: Mapping[str, Mapping[LayerName, Layer]]
) -> Iterator[ProfileStack]:
    """Yield the stacks of every station: first that of the station, where it has one."""
    by_station: dict[str, list[Connector]] = {}
    for connector in connectors:
        by_station.setdefault(connector.station, []).append(connector)
    for name, own in by_station.items():
        station, layers = scene.stations[name], scene.layers[name]
        peaks = {one.id: _highest(plans[one.id]) for one in own} if layers.ceiling == "floor" else {}
        ceilings = ceilings_of(scene.site, station, own, layers, scene.floors, peaks)
        shared = tuple(_station_layers(station, own, scene))
        whole = tuple(one for one in ceilings if one.evse_id == 0)
        if shared or whole:
            yield ProfileStack(name, station.ocpp_version, "", 0, shared, whole)
        for connector in own:
            yield ProfileStack(
                name,
                station.ocpp_version,
                connector.id,
                connector.evse_id,
                tuple(_own_layers(connector, station, scene, plans[connector.id])),
                tuple(one for one in ceilings if one.evse_id == connector.evse_id),
            )


def _highest(plans: Mapping[LayerName, Layer]) -> int:
    periods = [period.limit_tenths for layer in plans.values() for period in layer.profile.schedule.periods]
    return max(periods, default=0)


def _station_layers(station: Station, own: Sequence[Connector], scene: _Scene) -> Iterator[Layer]:
    """Yield what lies on EVSE 0."""
    layers, unit = scene.layers[station.id], unit_of(own[0], station)
    phases = lines_told(station, *own)
    if layers.cap is not None:
        number = scene.numbers[station.id, "station_cap"]
        yield constant_layer(layers.cap, number, unit, cap_tenths(scene.site, station, own), phases)
    if layers.shared is not None:
        number = scene.numbers[station.id, "shared_floor"]
        yield constant_layer(layers.shared, number, unit, scene.floors[own[0].id][0], phases)


def _own_layers(
    connector: Connector, station: Station, scene: _Scene, plans: Mapping[LayerName, Layer]
) -> Iterator[Layer]:
    """Yield the layers of a connector from the bottom; one that carries no session is left out, or is a floor."""
    for slot in scene.layers[station.id].connectors[connector.id]:
        if slot.name in plans:
            yield plans[slot.name]
        elif slot.name in {"idle_floor", "default"}:
            number, tenths = scene.numbers[connector.id, slot.name], scene.floors[connector.id][0]
            yield constant_layer(slot, number, unit_of(connector, station), tenths, lines_told(station, connector))


def _windows(sessions: Sequence[KnownSession], grid: TimeGrid) -> tuple[Ints, Ints]:
    """Return the half-open slot ranges wholly inside the sessions (convention 2); empty where end <= first."""
    edges_s = np.array(grid.edges_s, dtype=np.int64)
    start_s = np.array([-((grid.start - session.arrival) // SECOND) for session in sessions], dtype=np.int64)
    end_s = np.array([(session.departure - grid.start) // SECOND for session in sessions], dtype=np.int64)
    return np.searchsorted(edges_s, start_s, side="left"), np.searchsorted(edges_s, end_s, side="right") - 1


def _rows(
    connectors: Sequence[Connector],
    layers: Mapping[str, StationLayers],
    sessions: Sequence[KnownSession],
    has_slot: Bools,
) -> list[PlanRow]:
    """Return the plan layers that are needed, per connector from the bottom."""
    coming: dict[str, list[KnownSession]] = {}
    running: dict[str, list[KnownSession]] = {}
    for session, used in zip(sessions, has_slot.tolist(), strict=True):
        if session.transaction_id is not None:
            running.setdefault(session.connector, []).append(session)
        elif used:
            coming.setdefault(session.connector, []).append(session)
    twice = [
        InputProblem(f"connector {name!r}", f"{', '.join(s.id for s in several)} all have a transaction; one can run.")
        for name, several in running.items()
        if len(several) > 1
    ]
    if twice:
        raise InputError("build_stacks", twice)
    found: list[PlanRow] = []
    for connector in connectors:
        own = layers[connector.station]
        carried: dict[Slot, list[KnownSession]] = {}
        for slot, several in (
            (own.coming(connector.id), coming.get(connector.id, [])),
            (own.running(connector.id), running.get(connector.id, [])),
        ):
            if slot is not None and several:
                carried.setdefault(slot, []).extend(several)
        found += [PlanRow(connector, slot, tuple(several)) for slot, several in carried.items()]
    return found


def _step_tenths(connector: Connector, station: Station) -> int:
    """Return one step in 0.1 A or 0.1 W; exact, because steps are multiples of 0.1 A and of 1 W."""
    if unit_of(connector, station) == "A":
        return _deciamperes(connector.setpoint_step_a)
    return connector.step_w * DECIWATTS_PER_WATT


@lru_cache(maxsize=64)
def _deciamperes(step_a: float) -> int:
    """Return a step in 0.1 A; a site has few different ones, and reading decimals is slow."""
    return round_down(step_a, DECIAMPERES_PER_AMPERE)


def _floors(solution: Solution, tenths: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return idle floor and end floor of every connector in tenths."""
    floors = zip(
        solution.connector_ids, solution.idle_floor_steps.tolist(), solution.end_floor_steps.tolist(), strict=True
    )
    found = {name: (idle * tenths[name], end * tenths[name]) for name, idle, end in floors if name in tenths}
    for name, (idle, end) in found.items():
        if not 0 <= idle <= end:
            raise InternalError(
                f"connector {name!r}: end floor {end} tenths, idle floor {idle}; want 0 <= idle <= end."
            )
    return found


def _session_rows(
    rows: Sequence[PlanRow],
    sessions: Sequence[KnownSession],
    windows: tuple[Ints, Ints],
    solution: Solution,
    units: tuple[Mapping[str, int], Ints],
) -> SessionRows:
    """Return the sessions with a slot that a layer carries; ``units`` are steps by connector, and lines by layer."""
    tenths, lines = units
    layer_of = {session.id: index for index, row in enumerate(rows) for session in row.sessions}
    carried = np.array([session.id in layer_of for session in sessions], dtype=np.bool_)
    active = np.flatnonzero((windows[1] > windows[0]) & carried)
    chosen = [sessions[index] for index in active.tolist()]
    row_of = {name: index for index, name in enumerate(solution.session_ids)}
    planned = np.array([row_of[session.id] for session in chosen], dtype=np.int64)
    steps = np.array([tenths[session.connector] for session in chosen], dtype=np.int64)
    served = SessionRows(
        ids=[session.id for session in chosen],
        layer=np.array([layer_of[session.id] for session in chosen], dtype=np.int64),
        first_slot=windows[0][active],
        end_slot=windows[1][active],
        tenths=solution.setpoints[planned] * steps[:, None],
        late_raise=solution.late_raise[planned],
        early_lowering=solution.early_lowering[planned],
        phases=np.array([_number_phases(s, int(lines[layer_of[s.id]])) for s in chosen], dtype=np.int64),
        given=_given(solution, chosen, steps),
    )
    check_overlap(rows, served)
    return served


def _given(solution: Solution, chosen: Sequence[KnownSession], steps: Ints) -> Ints | None:
    """Return (S, T) what the chosen sessions give back in tenths; None where nothing is."""
    if solution.discharge_steps is None or not solution.discharge_steps.any():
        return None
    row_of = {name: row for row, name in enumerate(solution.discharge_ids)}
    given = np.zeros((len(chosen), solution.setpoints.shape[1]), dtype=np.int64)
    for index, session in enumerate(chosen):
        if session.id in row_of:
            given[index] = solution.discharge_steps[row_of[session.id]] * steps[index]
    return given


def _number_phases(session: KnownSession, lines: int) -> int:
    """Return ``numberPhases`` for a car (convention 5); 0 where a connector has none."""
    return lines if session.phases is None else min(session.phases, lines)
