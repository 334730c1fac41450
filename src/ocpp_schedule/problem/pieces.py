"""How many periods the plan layers of a connector may have, and how many they need (convention 24)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model.layering import site_layers
from ocpp_schedule.problem.effects import takes_amperes
from ocpp_schedule.problem.message_size import most_periods
from ocpp_schedule.units import PLAN_LEAD_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocpp_schedule.model.layering import LayerName
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.problem.demands import Table

MAX_PERIODS_2X: Final = 1024
"""OCPP 2.0.1 and 2.1, ChargingScheduleType: at most 1024 chargingSchedulePeriod."""
LIMITLESS: Final = 10_000
"""As ``Capabilities`` bounds the number of periods."""
_LIMITS: Final = attrgetter("ocpp_version", "capabilities.max_message_bytes", "capabilities.max_periods")
PHASE_CODES: Final = 4
"""A period is told apart by ``steps x 4 + phases``; one of 0 A is a pause whatever its phases, and has code 0."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Plan layers whose number of periods is limited. L layers.

    Attributes:
        most: (L,) most periods.
        floor, end: (L,) code of the idle floor and of the end floor.
        sessions: by layer, its sessions with slots.
        layer: (S,) the layer of each session; -1: it takes as many periods as there can be.
        phases: (S,) ``numberPhases`` in its slots.
    """

    most: Ints
    floor: Ints
    end: Ints
    sessions: tuple[tuple[int, ...], ...]
    layer: Ints
    phases: Ints


def code_of(steps: Ints, phases: Ints | int) -> Ints:
    """Return what tells periods apart.

    >>> code_of(np.array([0, 60]), 3).tolist()
    [0, 243]
    """
    return np.where(steps > 0, steps * PHASE_CODES + phases, 0)


def compile_pieces(
    site: Site,
    few: frozenset[str],
    table: Table,
    connectors: Sequence[Connector],
    idle: Ints,
    end: Ints,
    edges: Ints,
    held: Ints | None = None,
) -> Pieces | None:
    """Return the limits on periods, or None where no plan can exceed one.

    Args:
        site: its stations say what they take.
        few: those that take few periods.
        table: the sessions.
        connectors: sorted by id.
        idle: (C,) idle floor [steps].
        end: (C,) end floor [steps].
        edges: (T + 1,) of the grid [s].
        held: (S,) what chargers hold in the first slot, which is under way [steps]; None: it can be planned.

    Raises:
        InputError: a station takes fewer periods than a plan has in which nobody charges.
    """
    if not few:
        return None
    stations = {station.id: station for station in site.stations}
    # Where numberPhases is left out it tells nothing apart.
    silent = {name for name, one in stations.items() if one.capabilities.number_phases == "omit"}
    lines = np.array([0 if one.station in silent else len(one.lines) for one in connectors], dtype=np.int64)
    floors, ends = code_of(idle, lines), code_of(end, lines)
    found: list[tuple[int, int, tuple[int, ...]]] = []
    problems: list[InputProblem] = []
    for at, own in _layers(site, table, connectors, few):
        station = stations[connectors[at].station]
        running = next((name for one in own if (name := table.sessions[one].transaction_id) is not None), None)
        lead_s = max(PLAN_LEAD_S, site.edge_guard_s, station.capabilities.clock_skew_s or 0)
        most = _most(station, connectors[at], running, int(edges[-1] - edges[0]) + lead_s)
        windows = [(int(table.first[one]), int(table.end[one])) for one in own]
        rests = [(window, _rest(station, table, one, int(lines[at]))) for window, one in zip(windows, own, strict=True)]
        if held is not None and windows[0][0] == 0:
            rests = _under_way(rests, int(code_of(held[own[0]], _phases(table, own[0], int(lines[at])))))
        least = _least(int(floors[at]), int(ends[at]), rests, edges.size - 1)
        if least > most:
            problems.append(_too_few(station, connectors[at], least, most))
        elif most < min(1 + sum(last - first + 2 for first, last in windows), most_changes(edges.size - 1)):
            found.append((at, most, own))
    if problems:
        raise InputError("schedule()", problems)
    return _pieces(found, table, lines, floors, ends) if found else None


def most_changes(slots: int) -> int:
    """Return more periods than any layer can have: one in every slot, one at every edge between, and the end floor."""
    return 2 * slots + 2


def few_period_stations(site: Site, slots: int) -> frozenset[str]:
    """Return the stations that name a limit in bytes, or take fewer periods than a layer can have at most."""
    enough = most_changes(slots)
    kinds = set(map(_LIMITS, site.stations))
    few = {kind for kind in kinds if kind[1] is not None or _named(kind[0], kind[2]) < enough}
    return frozenset(station.id for station in site.stations if _LIMITS(station) in few) if few else frozenset()


def _named(version: str, max_periods: int | None) -> float:
    """Return the periods that a station takes, its messages apart."""
    schema = inf if version == "1.6" else MAX_PERIODS_2X
    return schema if max_periods is None else min(max_periods, schema)


def in_pieces(few: frozenset[str], table: Table, connectors: Sequence[Connector]) -> Bools | None:
    """Return (S,) sessions that may overshoot by a step of their whole window, because a piece is as long as it is."""
    if not few:
        return None
    of_connector = np.array([one.station in few for one in connectors], dtype=np.bool_)
    found: Bools = of_connector[table.connector]
    return found


def _pieces(
    found: list[tuple[int, int, tuple[int, ...]]], table: Table, lines: Ints, floors: Ints, ends: Ints
) -> Pieces:
    layer = np.full(len(table.ids), -1, dtype=np.int64)
    for number, (_, _, own) in enumerate(found):
        layer[list(own)] = number
    at = [connector for connector, _, _ in found]
    of_car = lines[table.connector].tolist()
    pairs = zip(table.sessions, of_car, strict=True)
    return Pieces(
        most=np.array([most for _, most, _ in found], dtype=np.int64),
        floor=floors[at],
        end=ends[at],
        sessions=tuple(own for _, _, own in found),
        layer=layer,
        phases=np.array([n if one.phases is None else min(one.phases, n) for one, n in pairs], dtype=np.int64),
    )


def _layers(
    site: Site, table: Table, connectors: Sequence[Connector], few: frozenset[str]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield connector and sessions of each layer that carries plans, in order of time."""
    found: dict[tuple[int, LayerName], list[int]] = {}
    layers = site_layers(site)
    active = np.flatnonzero(table.end > table.first)
    for session in active[np.argsort(table.first[active], kind="stable")].tolist():
        at, car = int(table.connector[session]), table.sessions[session]
        outlet = connectors[at]
        if outlet.station in few:
            own = layers[outlet.station]
            slot = own.coming(outlet.id) if car.transaction_id is None else own.running(outlet.id)
            if slot is not None:
                found.setdefault((at, slot.name), []).append(session)
    for (at, _), sessions in found.items():
        yield at, tuple(sessions)


def _most(station: Station, connector: Connector, transaction_id: int | str | None, last_s: int) -> int:
    """Return the most periods of a plan layer, the last of which starts ``last_s`` after the first."""
    known = station.capabilities
    allowed = [_named(station.ocpp_version, known.max_periods)]
    if known.max_message_bytes is not None:
        amperes = takes_amperes(known.rate_units, connector.current_type)
        volts = 500 * len(connector.lines)  # more than any line carries to neutral
        highest = connector.max_current_a if amperes else volts * connector.max_current_a
        fit = most_periods(
            station.ocpp_version,
            known.max_message_bytes,
            evse_id=connector.evse_id,
            transaction_id=transaction_id,
            last_s=last_s,
            limit=highest if connector.max_power_w is None else max(connector.max_power_w, highest),
        )
        allowed.append(fit)
    return int(min(*allowed, LIMITLESS))


def _rest(station: Station, table: Table, session: int, lines: int) -> int:
    """Return the code of a session that gets as little as can be."""
    least = int(table.min_steps[session]) if station.capabilities.pause == "min_current" else 0
    return least * PHASE_CODES + _phases(table, session, lines) if least else 0


def _phases(table: Table, session: int, lines: int) -> int:
    phases = table.sessions[session].phases
    return lines if phases is None else min(phases, lines)


def _under_way(windows: list[tuple[tuple[int, int], int]], code: int) -> list[tuple[tuple[int, int], int]]:
    """Return windows and codes, the first slot apart with what is held in it: it stands, whatever the plan."""
    ((_, until), rest), *others = windows
    coming = [((1, until), rest)] if until > 1 else []
    return [((0, 1), code), *coming, *others]


def _least(floor: int, end: int, windows: list[tuple[tuple[int, int], int]], slots: int) -> int:
    """Return how many periods there are where nobody charges more than must be, by windows and their codes."""
    held: list[int] = []
    last = 0
    for (first, until), rest in windows:
        held += [floor, rest] if first > last or not held else [rest]
        last = until
    if windows and windows[0][0][0] == 0:
        held = held[1:]
    held += [floor, end] if last < slots else [end]
    return 1 + sum(one != other for one, other in pairwise(held))


def _too_few(station: Station, connector: Connector, least: int, most: int) -> InputProblem:
    known = station.capabilities
    given = [f"max_periods={known.max_periods}"] if known.max_periods is not None else []
    given += [f"max_message_bytes={known.max_message_bytes}"] if known.max_message_bytes is not None else []
    what = (
        f"station {station.id!r} takes {max(most, 0)} periods ({', '.join(given)}), and a plan in which nobody charges "
        f"has {least} (idle floor, pauses, end floor, what is held in a slot under way). "
        "Correct the capability, or lower idle_floor_a."
    )
    return InputProblem(f"connector {connector.id!r}", what)


def layer_codes(problem: Problem, setpoints: Ints) -> Ints:
    """Return (L, T + 1) codes of what each limited layer holds slot by slot, and after the grid."""
    pieces = problem.pieces
    assert pieces is not None  # noqa: S101 - checked by the callers, for the type checker
    codes = np.repeat(pieces.floor[:, None], problem.slots + 1, axis=1)
    codes[:, -1] = pieces.end
    own = np.flatnonzero(pieces.layer >= 0)
    slot = np.arange(problem.slots)
    inside = (slot >= problem.first_slot[own, None]) & (slot < problem.end_slot[own, None])
    at, when = np.nonzero(inside)
    codes[pieces.layer[own[at]], when] = code_of(setpoints[own[at], when], pieces.phases[own[at]])
    return codes


def periods_of(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> Ints:
    """Return (L,) how many periods each limited layer has.

    A guard between two slots of a session only moves a period. At the ends of a window it holds the idle floor for a
    while, which is a period of its own where another session is next.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps, with what is held in a slot under way.
        late: (S, T) late raises.
        early: (S, T) early lowerings.
    """
    pieces = problem.pieces
    assert pieces is not None  # noqa: S101 - checked by the callers, for the type checker
    codes = layer_codes(problem, setpoints)
    counts: Ints = 1 + (codes[:, 1:] != codes[:, :-1]).sum(axis=1)
    if not (late.any() or early.any()):
        return counts
    guarded: set[tuple[int, int]] = set()
    for session in np.flatnonzero(pieces.layer >= 0).tolist():
        first, last = int(problem.first_slot[session]), int(problem.end_slot[session])
        layer = int(pieces.layer[session])
        if first and late[session, first]:
            guarded.add((layer, first))
        if last < problem.slots and early[session, last - 1]:
            guarded.add((layer, last))
    for layer, edge in guarded:
        before, after, floor = codes[layer, edge - 1], codes[layer, edge], pieces.floor[layer]
        counts[layer] += int(before != floor) + int(after != floor) - int(before != after)
    return counts


def expressible(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> bool:
    """Tell whether no plan layer has more periods than its station takes; ``setpoints`` as for ``periods_of``."""
    if problem.pieces is None:
        return True
    return bool((periods_of(problem, setpoints, late, early) <= problem.pieces.most).all())
