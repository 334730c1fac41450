"""From set-points on a grid to the fewest periods: run lengths with numpy, guarded edges included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ocpp_schedule.errors import InternalError
from ocpp_schedule.profiles.model import ChargingPeriod

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LayerRows:
    """What plan layers hold where no session is. L layers.

    Attributes:
        floor_tenths: (L,) idle floor.
        end_tenths: (L,) end floor.
        phases: (L,) number of lines of the connector; 0: ``numberPhases`` is left out.
        lead_s: (L,) how long before the grid the schedule starts [s].
    """

    floor_tenths: Ints
    end_tenths: Ints
    phases: Ints
    lead_s: Ints


@dataclass(frozen=True, slots=True)
class SessionRows:
    """Sessions with at least one slot, S of them, on T slots.

    Attributes:
        ids: S names, for messages.
        layer: (S,) index of the layer that serves the session.
        first_slot, end_slot: (S,) half-open range of its slots.
        tenths: (S, T) set-points [0.1 A or 0.1 W].
        late_raise, early_lowering: (S, T) guarded edges (convention 4).
        phases: (S,) ``numberPhases`` in its slots; 0: none.
        given: (S, T) what cars give back; the set-points are 0 there [0.1 A or 0.1 W]. None: nothing.
    """

    ids: Sequence[str]
    layer: Ints
    first_slot: Ints
    end_slot: Ints
    tenths: Ints
    late_raise: Bools
    early_lowering: Bools
    phases: Ints
    given: Ints | None = None

    @property
    def inside(self) -> Bools:
        """(S, T) slots of each session's window."""
        slot = np.arange(self.tenths.shape[1])
        return (slot >= self.first_slot[:, None]) & (slot < self.end_slot[:, None])


@dataclass(frozen=True, slots=True)
class _Events:
    """Values that start somewhere; parallel arrays."""

    row: Ints
    start_s: Ints
    tenths: Ints
    phases: Ints


def layer_periods(
    layers: LayerRows, sessions: SessionRows, edges_s: Ints, guard_s: int
) -> list[tuple[ChargingPeriod, ...]]:
    """Return the periods of every plan layer, equal neighbours merged (convention 13).

    Args:
        layers: what holds outside windows and at the end.
        sessions: the set-points; the windows of one layer do not overlap.
        edges_s: (T + 1,) edges after the grid's start [s].
        guard_s: how long after (before) the edge a late raise (an early lowering) is written [s]; shorter than
            half a slot. With 0 all switch at the edge.

    Returns:
        One tuple per layer: the first period at 0, later ones ``lead_s`` after the edge, the end floor last. Where it
        is above what is booked before, it starts the guard later: others may still be lowering.

    Raises:
        InternalError: the solution has a value outside a window, or a guarded edge that cannot be one.
    """
    inside = sessions.inside
    _refuse_impossible(sessions, inside)
    parts = [
        _at_edges(layers, sessions, inside, edges_s, guard_s),
        _end_floors(layers, sessions, inside, int(edges_s[-1]), guard_s),
    ]
    if guard_s:
        parts += [
            _before_late_raises(layers, sessions, edges_s),
            _after_early_lowerings(layers, sessions, edges_s, guard_s),
        ]
    return _run_lengths(parts, layers)


def _refuse_impossible(sessions: SessionRows, inside: Bools) -> None:
    """Raise where the solution contradicts its own description."""
    outside = ~inside
    first, last = np.zeros_like(inside), np.zeros_like(inside)
    first[:, :1], last[:, -1:] = sessions.late_raise[:, :1], sessions.early_lowering[:, -1:]
    faults = (
        ("has a set-point outside its window", outside & (sessions.tenths != 0)),
        ("has a negative set-point", sessions.tenths < 0),
        ("has a guarded edge outside its window", outside & (sessions.late_raise | sessions.early_lowering)),
        ("has a late raise, but nothing comes before it", first),
        ("has an early lowering, but nothing comes after it", last),
    )
    for text, where in faults:
        if where.any():
            row, slot = np.argwhere(where)[0].tolist()
            raise InternalError(f"session {sessions.ids[row]!r} {text} (slot {slot}); this is a fault of the solver.")


def _at_edges(layers: LayerRows, sessions: SessionRows, inside: Bools, edges_s: Ints, guard_s: int) -> _Events:
    """Return what starts at the slots: set-points in windows, the idle floor elsewhere, only where it changes."""
    shape = (len(layers.floor_tenths), len(edges_s) - 1)
    tenths = np.broadcast_to(layers.floor_tenths[:, None], shape).copy()
    phases = np.broadcast_to(layers.phases[:, None], shape).copy()
    late = np.zeros(shape, dtype=np.bool_)
    starts = np.ones(shape, dtype=np.bool_)
    session, slot = np.nonzero(inside)
    cell = sessions.layer[session], slot
    # From here on what is given back is negative; guards only ever lower charging, to 0 at most.
    tenths[cell] = sessions.tenths[inside] if sessions.given is None else (sessions.tenths - sessions.given)[inside]
    phases[cell] = sessions.phases[session]
    starts[:, 1:] = (tenths[:, 1:] != tenths[:, :-1]) | (phases[:, 1:] != phases[:, :-1])
    if guard_s:
        late[cell] = sessions.late_raise[inside]
        starts |= late
        session, slot = np.nonzero(sessions.early_lowering)
        starts[sessions.layer[session], slot + 1] = True
    row, slot = np.nonzero(starts)
    return _Events(row, edges_s[slot] + guard_s * late[row, slot], tenths[row, slot], phases[row, slot])


def _end_floors(layers: LayerRows, sessions: SessionRows, inside: Bools, end_s: int, guard_s: int) -> _Events:
    row = np.arange(len(layers.end_tenths))
    before = layers.floor_tenths.copy()
    last = np.flatnonzero(inside[:, -1])
    carrying = sessions.layer[last]
    before[carrying] = np.maximum(sessions.tenths[last, -1], before[carrying])  # up to the idle floor is booked anyway
    return _Events(row, end_s + guard_s * (layers.end_tenths > before), layers.end_tenths, layers.phases)


def _before_late_raises(layers: LayerRows, sessions: SessionRows, edges_s: Ints) -> _Events:
    """Return what holds from the edge until a late raise: the session's slot before, else the idle floor."""
    session, slot = np.nonzero(sessions.late_raise)
    return _guarded(layers, sessions, session, slot, slot - 1, edges_s[slot])


def _after_early_lowerings(layers: LayerRows, sessions: SessionRows, edges_s: Ints, guard_s: int) -> _Events:
    """Return what holds from an early lowering until the edge: the session's slot after, else the idle floor."""
    session, slot = np.nonzero(sessions.early_lowering)
    return _guarded(layers, sessions, session, slot, slot + 1, edges_s[slot + 1] - guard_s)


def _guarded(
    layers: LayerRows, sessions: SessionRows, session: Ints, slot: Ints, neighbour: Ints, start_s: Ints
) -> _Events:
    row = sessions.layer[session]
    own = (neighbour >= sessions.first_slot[session]) & (neighbour < sessions.end_slot[session])
    tenths = np.where(own, sessions.tenths[session, neighbour], layers.floor_tenths[row])
    phases = np.where(own, sessions.phases[session], layers.phases[row])
    above = tenths > sessions.tenths[session, slot]
    if above.any():
        first = int(np.argmax(above))
        name, at = sessions.ids[int(session[first])], int(slot[first])
        raise InternalError(
            f"session {name!r}: the guarded edge of slot {at} would hold {int(tenths[first])} tenths, above the "
            f"set-point {int(sessions.tenths[session[first], at])}; a guard only lowers. This is a fault of the solver."
        )
    return _Events(row, start_s, tenths, phases)


def _run_lengths(parts: list[_Events], layers: LayerRows) -> list[tuple[ChargingPeriod, ...]]:
    row = np.concatenate([part.row for part in parts])
    start_s = np.concatenate([part.start_s for part in parts])
    tenths = np.concatenate([part.tenths for part in parts])
    phases = np.concatenate([part.phases for part in parts])
    order = np.argsort(row * (int(start_s.max(initial=0)) + 1) + start_s, kind="stable")
    row, start_s, tenths, phases = row[order], start_s[order], tenths[order], phases[order]
    keep = np.ones(row.shape, dtype=np.bool_)
    # A pause is a pause on any number of phases: at limit 0 a change of phases alone starts no period.
    keep[1:] = (np.diff(row) != 0) | (np.diff(tenths) != 0) | ((np.diff(phases) != 0) & (tenths[1:] != 0))
    row, start_s, tenths, phases = row[keep], start_s[keep], tenths[keep], phases[keep]
    written_s = np.where(start_s > 0, start_s + layers.lead_s[row], 0)
    told = [count or None for count in phases.tolist()]  # 0: numberPhases is left out
    periods = tuple(map(ChargingPeriod, written_s.tolist(), np.maximum(tenths, 0).tolist(), told))
    if (tenths < 0).any():
        periods = tuple(
            replace(period, setpoint_tenths=value) if value < 0 else period
            for period, value in zip(periods, tenths.tolist(), strict=True)
        )
    bounds = np.searchsorted(row, np.arange(len(layers.lead_s) + 1)).tolist()
    return [periods[start:end] for start, end in pairwise(bounds)]
