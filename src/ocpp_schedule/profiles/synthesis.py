"""From a solution to one stack of neutral profiles per connector (conventions 4 and 13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem, InternalError
from ocpp_schedule.profiles.ids import profile_ids
from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule, Layer, ProfileStack
from ocpp_schedule.profiles.periods import LayerRows, SessionRows, layer_periods
from ocpp_schedule.timegrid import EARLIEST
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, PLAN_LEAD_S, round_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.profiles.model import LayerName, Purpose
    from ocpp_schedule.profiles.periods import Bools, Ints
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid

DECIWATTS_PER_WATT: Final = 10
MAX_PERIODS_2X: Final = 1024
"""OCPP 2.0.1 and 2.1, ChargingScheduleType: at most 1024 chargingSchedulePeriod."""
SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Row:
    """A plan layer that is to be made."""

    connector: Connector
    name: LayerName
    sessions: tuple[KnownSession, ...]


def build_stacks(
    site: Site,
    sessions: Iterable[KnownSession],
    grid: TimeGrid,
    solution: Solution,
    *,
    ids: Mapping[tuple[str, str], int] | None = None,
) -> tuple[ProfileStack, ...]:
    """Return what every connector of the site is to hold.

    The idle floor lies at the bottom of every stack; above it the plan for all coming sessions, where one of them
    has a slot in the grid; above that the plan of the session with a ``transaction_id``. Where a layer has no
    session it holds the idle floor, after the grid the end floor.

    Args:
        site: the topology.
        sessions: those the solution was made for.
        grid: the slots of the solution.
        solution: set-points in steps, guarded edges and floors.
        ids: (connector id, layer name) to profile id; the rest gets ``100 * evse_id + 1, 2, 3``.

    Returns:
        One stack per connector, sorted by station and EVSE.

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
    ('idle_floor', (ChargingPeriod(start_s=0, limit_tenths=60, phases=3),))
    """
    given = sorted(sessions, key=lambda session: session.id)
    first_slot, end_slot = _windows(given, grid)
    _check_belongs(site, given, grid, solution, has_slot=end_slot > first_slot)
    stations = {station.id: station for station in site.stations}
    connectors = sorted(site.connectors, key=lambda connector: (connector.station, connector.evse_id))
    numbers = profile_ids(connectors, ids)
    rows = _rows(connectors, given, end_slot > first_slot)
    tenths = {connector.id: _step_tenths(connector, stations[connector.station]) for connector in connectors}
    floors = _floors(solution, tenths)
    layers = LayerRows(
        np.array([floors[row.connector.id][0] for row in rows], dtype=np.int64),
        np.array([floors[row.connector.id][1] for row in rows], dtype=np.int64),
        np.array([len(row.connector.lines) for row in rows], dtype=np.int64),
    )
    served = _session_rows(rows, given, (first_slot, end_slot), solution, tenths)
    _check_guard(site.edge_guard_s, grid, served)
    periods = layer_periods(layers, served, np.array(grid.edges_s, dtype=np.int64), site.edge_guard_s)
    _check_counts(rows, periods, stations)
    made: dict[str, list[Layer]] = {connector.id: [] for connector in connectors}
    for connector in connectors:
        made[connector.id].append(_idle_floor(connector, stations, floors[connector.id][0], numbers))
    for row, own in zip(rows, periods, strict=True):
        made[row.connector.id].append(_plan_layer(row, own, grid, stations, numbers))
    return tuple(
        ProfileStack(
            connector.station,
            stations[connector.station].ocpp_version,
            connector.id,
            connector.evse_id,
            tuple(made[connector.id]),
        )
        for connector in connectors
    )


def _windows(sessions: Sequence[KnownSession], grid: TimeGrid) -> tuple[Ints, Ints]:
    """Return the half-open slot ranges wholly inside the sessions (convention 2); empty where end <= first."""
    edges_s = np.array(grid.edges_s, dtype=np.int64)
    start_s = np.array([-((grid.start - session.arrival) // SECOND) for session in sessions], dtype=np.int64)
    end_s = np.array([(session.departure - grid.start) // SECOND for session in sessions], dtype=np.int64)
    return np.searchsorted(edges_s, start_s, side="left"), np.searchsorted(edges_s, end_s, side="right") - 1


def _check_belongs(
    site: Site, sessions: Sequence[KnownSession], grid: TimeGrid, solution: Solution, *, has_slot: Bools
) -> None:
    """Raise where site, sessions, grid and solution are not those of one plan."""
    names = {session.id for session in sessions}
    planned = set(solution.session_ids)
    connectors = {connector.id for connector in site.connectors}
    problems = [
        InputProblem(f"session {session.id!r}", f"connector {session.connector!r} does not exist in the site.")
        for session in sessions
        if session.connector not in connectors
    ]
    if len(names) < len(sessions):
        problems.append(InputProblem("sessions", "two have the same id; give each its own."))
    needed = {session.id for session, used in zip(sessions, has_slot.tolist(), strict=True) if used}
    for what, ids in (
        ("the solution does not know {}", needed - planned),
        ("the solution has {}, which is not given", planned - names),
        ("the solution does not know the connector {}", connectors - set(solution.connector_ids)),
    ):
        named = [
            InputProblem("solution", f"{what.format(repr(name))}; pass what it was made for.") for name in sorted(ids)
        ]
        problems.extend(named)
    if solution.setpoints.shape != (len(solution.session_ids), grid.slots):
        what = f"has set-points of shape {solution.setpoints.shape}, the grid {grid.slots} slots; pass its own grid."
        problems.append(InputProblem("solution", what))
    if problems:
        raise InputError("build_stacks", problems)


def _rows(connectors: Sequence[Connector], sessions: Sequence[KnownSession], has_slot: Bools) -> list[_Row]:
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
    served: tuple[tuple[LayerName, dict[str, list[KnownSession]]], ...] = (("plan", coming), ("session", running))
    return [
        _Row(connector, name, tuple(layered[connector.id]))
        for connector in connectors
        for name, layered in served
        if connector.id in layered
    ]


def _takes_amperes(connector: Connector, station: Station) -> bool:
    return connector.current_type == "AC" and "A" in station.capabilities.rate_units


def _step_tenths(connector: Connector, station: Station) -> int:
    """Return one step in 0.1 A or 0.1 W; exact, because steps are multiples of 0.1 A and of 1 W."""
    if _takes_amperes(connector, station):
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
    rows: Sequence[_Row],
    sessions: Sequence[KnownSession],
    windows: tuple[Ints, Ints],
    solution: Solution,
    tenths: Mapping[str, int],
) -> SessionRows:
    """Return the sessions with a slot, each with its layer."""
    layer_of = {session.id: index for index, row in enumerate(rows) for session in row.sessions}
    line_count = {row.connector.id: len(row.connector.lines) for row in rows}
    active = np.flatnonzero(windows[1] > windows[0])
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
        phases=np.array([_number_phases(s, line_count[s.connector]) for s in chosen], dtype=np.int64),
    )
    _check_overlap(rows, served)
    return served


def _number_phases(session: KnownSession, lines: int) -> int:
    """Return ``numberPhases`` for a car (convention 5)."""
    return lines if session.phases is None else min(session.phases, lines)


def _check_overlap(rows: Sequence[_Row], served: SessionRows) -> None:
    """Raise where two sessions of one layer claim the same slot."""
    order = np.lexsort((served.first_slot, served.layer))
    layer, first, end = served.layer[order], served.first_slot[order], served.end_slot[order]
    clash = np.flatnonzero((layer[1:] == layer[:-1]) & (first[1:] < end[:-1]))
    if clash.size:
        problems = []
        for index in clash.tolist():
            one, other = served.ids[int(order[index])], served.ids[int(order[index + 1])]
            where = f"connector {rows[int(layer[index])].connector.id!r}"
            problems.append(InputProblem(where, f"sessions {one!r} and {other!r} overlap; correct the times."))
        raise InputError("build_stacks", problems)


def _check_guard(guard_s: int, grid: TimeGrid, served: SessionRows) -> None:
    """Raise where the guards of one slot could meet (convention 4)."""
    guarded = bool(served.late_raise.any() or served.early_lowering.any())
    if guarded and grid.shortest_s <= 2 * guard_s:
        what = f"{guard_s} s twice fills the shortest slot of {grid.shortest_s} s; lengthen slots or shorten the guard."
        raise InputError("build_stacks", [InputProblem("site.edge_guard_s", what)])


def _check_counts(
    rows: Sequence[_Row], periods: Sequence[tuple[ChargingPeriod, ...]], stations: Mapping[str, Station]
) -> None:
    """Raise where a plan has more periods than its station takes."""
    problems = []
    for row, own in zip(rows, periods, strict=True):
        station = stations[row.connector.station]
        known = station.capabilities.max_periods
        allowed = [known] if known is not None else []
        allowed += [] if station.ocpp_version == "1.6" else [MAX_PERIODS_2X]
        if allowed and len(own) > min(allowed):
            what = (
                f"the {row.name} layer needs {len(own)} periods, station {station.id!r} takes {min(allowed)}; "
                "plan on a coarser grid."
            )
            problems.append(InputProblem(f"connector {row.connector.id!r}", what))
    if problems:
        raise InputError("build_stacks", problems)


def _idle_floor(
    connector: Connector,
    stations: Mapping[str, Station],
    tenths: int,
    numbers: Mapping[tuple[str, LayerName], int],
) -> Layer:
    """Return the lowest layer: constant, from 1970 on, because a charger's clock may stand there."""
    schedule = _constant(_unit(connector, stations[connector.station]), tenths, len(connector.lines))
    number = numbers[connector.id, "idle_floor"]
    profile = ChargingProfile(number, "tx_default_profile", "absolute", 0, None, schedule)
    return Layer("idle_floor", (), profile)


@lru_cache(maxsize=256)
def _constant(unit: RateUnit, tenths: int, phases: int) -> ChargingSchedule:
    """Return a schedule that never changes; the connectors of a site share a few."""
    return ChargingSchedule(EARLIEST, unit, (ChargingPeriod(0, tenths, phases),))


def _plan_layer(
    row: _Row,
    periods: tuple[ChargingPeriod, ...],
    grid: TimeGrid,
    stations: Mapping[str, Station],
    numbers: Mapping[tuple[str, LayerName], int],
) -> Layer:
    purpose: Purpose = "tx_profile" if row.name == "session" else "tx_default_profile"
    schedule = ChargingSchedule(
        grid.start - timedelta(seconds=PLAN_LEAD_S), _unit(row.connector, stations[row.connector.station]), periods
    )
    transaction = row.sessions[0].transaction_id if row.name == "session" else None
    number = numbers[row.connector.id, row.name]
    profile = ChargingProfile(number, purpose, "absolute", 1, transaction, schedule)
    return Layer(row.name, tuple(session.id for session in row.sessions), profile)


def _unit(connector: Connector, station: Station) -> RateUnit:
    return "A" if _takes_amperes(connector, station) else "W"
