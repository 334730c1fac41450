"""What every session wants within the grid: milestones and wishes in whole energy units (conventions 6 and 8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.series import epoch_s, whole_units
from ocpp_schedule.problem.v2g import kept_dw
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, exact, round_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.own import OwnRules
    from ocpp_schedule.problem.taper import Curve


@dataclass(frozen=True, slots=True)
class Table:
    """Sessions as columns, sorted by id.

    Attributes:
        ids, sessions: S of them.
        connector: (S,) index of the connector.
        departure_s: (S,) whole seconds since 1970, rounded down.
        outside: (S,) wholly outside the grid.
        first, end: (S,) half-open range of usable slots.
        min_steps, max_steps, power_dw, draw_dw, load_units: as in ``Problem``.
        notices: what was left out and why.
        levels: as in ``Problem``.
    """

    ids: tuple[str, ...]
    sessions: list[KnownSession]
    connector: Ints
    departure_s: Ints
    outside: Bools
    first: Ints
    end: Ints
    min_steps: Ints
    max_steps: Ints
    power_dw: Ints
    draw_dw: Ints
    load_units: Ints
    notices: tuple[str, ...]
    levels: dict[int, Ints]


@dataclass(frozen=True, slots=True)
class Demands:
    """Demands by session, the wish of each session last; and how much energy each may get.

    Attributes:
        session, end, units, wish, hard, milestone: (D,) as ``demand_*`` in ``Problem``.
        energy, most: (S,) as ``energy_*`` in ``Problem``.
        unaffordable, untakeable: (D,) as in ``Problem``.
    """

    session: Ints
    end: Ints
    units: Ints
    wish: Ints
    hard: Bools
    milestone: Ints
    energy: Ints
    most: Ints
    unaffordable: Ints
    untakeable: Ints


def compile_demands(
    table: Table,
    edges: Ints,
    own: OwnRules | None = None,
    tapers: Mapping[int, Curve] | None = None,
    in_pieces: Bools | None = None,
    steady: Bools | None = None,
) -> Demands:
    """Return the demands, rounded up to what whole steps can reach.

    Args:
        table: the sessions.
        edges: (T + 1,) seconds since 1970.
        own: what keeps single sessions from charging; None: nothing.
        tapers: by session with one; what it draws is no whole number of steps.
        in_pieces: (S,) sessions whose steps are as long as their window (convention 24); None: none are.
        steady: (S,) sessions that get at least their minimum in every slot, wanted or not; None: none do.
    """
    end_s = int(edges[-1])
    common_s, longest_s = _slot_lengths(table, edges)
    whole_s = 0 if in_pieces is None else np.where(in_pieces, edges[table.end] - edges[table.first], 0)
    unit = np.maximum(table.power_dw * common_s, 1)
    unit[list(tapers or ())] = 1
    energy = np.where(table.outside, 0, _energy_units(table.sessions))
    full_power = table.max_steps * table.power_dw
    for index, session in enumerate(table.sessions):
        if session.v2g is not None:  # what is in the battery counts, not what the charger gives (convention 26)
            unit[index], full_power[index] = 1, kept_dw(int(full_power[index]), session.v2g)
    # What the rest of the window can give after the grid need not come from it (convention 8).
    later = full_power * np.maximum(table.departure_s - end_s, 0)
    for index in own.spells if own else ():
        later[index] -= own.lost_after_grid(index, int(table.departure_s[index])) if own else 0
    wish = np.maximum(energy - later, 0)
    for index, session in enumerate(table.sessions):
        if session.departure.microsecond and not table.outside[index]:
            wish[index] = _with_fraction(
                session.energy_wh, session.departure, end_s, int(full_power[index]), own, index
            )
    number = np.arange(len(table.sessions))
    rows = np.column_stack((number, table.end, wish, np.zeros_like(number), np.full_like(number, -1)))
    milestones = _milestones(table, edges, full_power, own)
    if milestones:
        rows = np.concatenate((np.array(milestones, dtype=np.int64), rows))
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
    unaffordable = own.unaffordable(rows[:, 0], rows[:, 1], rows[:, 2]) if own else np.zeros_like(rows[:, 2])
    untakeable = own.untakeable(rows[:, 0], rows[:, 1], rows[:, 2]) if own else np.zeros_like(rows[:, 2])
    wanted = rows[:, 2] - unaffordable - untakeable
    return Demands(
        session=rows[:, 0].copy(),
        end=rows[:, 1].copy(),
        units=_reach(wanted, unit[rows[:, 0]]),
        wish=wanted,
        hard=rows[:, 3].astype(np.bool_),
        milestone=rows[:, 4].copy(),
        energy=energy,
        most=_forced(table, edges, energy, steady)
        + np.maximum(np.maximum(np.maximum(table.min_steps, 1) * longest_s, whole_s) * table.power_dw - 1, 0),
        unaffordable=unaffordable,
        untakeable=untakeable,
    )


def _forced(table: Table, edges: Ints, energy: Ints, steady: Bools | None) -> Ints:
    """Return (S,) what sessions want, or what their stations give them anyway if that is more [0.1 J]."""
    if steady is None:
        return energy
    least = table.min_steps * table.power_dw * (edges[table.end] - edges[table.first])
    return np.where(steady, np.maximum(energy, least), energy)


def _with_fraction(
    energy_wh: float, by: datetime, end_s: int, full_power: int, own: OwnRules | None, index: int
) -> int:
    """Return what must come out of the grid by an instant with a fraction of a second, exact, rounded up [0.1 J]."""
    until_s = epoch_s(by)
    needed = exact(energy_wh) * ENERGY_UNITS_PER_WH
    if until_s >= end_s:
        part = Fraction(by.microsecond, 10**6)
        needed -= full_power * (until_s - end_s + part)
        if own is not None:
            before, after = own.lost_after_grid(index, until_s), own.lost_after_grid(index, until_s + 1)
            needed += before + (after - before) * part  # availability changes at whole seconds
    return max(-int(-needed // 1), 0)


def _reach(units: Ints, step_units: Ints) -> Ints:
    reached: Ints = -(-units // step_units) * step_units
    return reached


def _energy_units(sessions: list[KnownSession]) -> Ints:
    """Return (S,) wished energies, the decimals as written, rounded up [0.1 J]."""
    wished = np.array([session.energy_wh for session in sessions], dtype=np.float64)
    return whole_units(wished, ENERGY_UNITS_PER_WH, up=True)


def _slot_lengths(table: Table, edges: Ints) -> tuple[Ints, Ints]:
    """Return (S,) greatest common divisor and maximum of the slot lengths of each window [s]; 0 without a slot."""
    seconds = np.diff(edges)
    some = table.end > table.first
    if (seconds == seconds[0]).all():
        lengths = np.where(some, seconds[0], 0)
        return lengths, lengths
    windows = [seconds[first:end] for first, end in zip(table.first.tolist(), table.end.tolist(), strict=True)]
    common = np.array([np.gcd.reduce(window) if window.size else 0 for window in windows], dtype=np.int64)
    longest = np.array([window.max(initial=0) for window in windows], dtype=np.int64)
    return common, longest


def _milestones(
    table: Table, edges: Ints, full_power: Ints, own: OwnRules | None
) -> list[tuple[int, int, int, int, int]]:
    """Return session, end slot, energy, hardness and index of each milestone that asks for energy within the grid."""
    found = []
    for index, session in enumerate(table.sessions):
        if table.outside[index]:
            continue
        for number, milestone in enumerate(session.milestones):
            by_s = epoch_s(milestone.by)
            if by_s <= int(edges[0]):
                continue
            later = int(full_power[index]) * max(by_s - int(edges[-1]), 0)
            later -= own.lost_after_grid(index, by_s) if own else 0
            wish = round_up(milestone.energy_wh, ENERGY_UNITS_PER_WH) - later
            if milestone.by.microsecond:
                power = int(full_power[index])
                wish = _with_fraction(milestone.energy_wh, milestone.by, int(edges[-1]), power, own, index)
            if wish > 0 or session.v2g is not None:  # which could have less than at arrival
                wish = max(wish, 0)
                stop = max(int(np.searchsorted(edges, by_s, side="right")) - 1, 0)
                found.append((index, min(stop, int(table.end[index])), wish, int(milestone.hard), number))
    return found
