"""Stationary batteries in the linear program: steps of charging and discharging, what is stored, hard rows.

Charging and discharging at once would waste energy where energy costs less than nothing; the program excludes their
sum beyond full power only, ``solve.at_meter`` decides where that is not enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.relaxation import ROW_SCALE

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.storage import Battery
    from ocpp_schedule.solve.relaxation import Relaxation

BLOCK: Final = "storage"
NOISE: Final = 1e-6
"""Share of a step; below it what is stored is the solver's tolerance."""


@dataclass(frozen=True, slots=True)
class StorageColumns:
    """Places of the batteries' columns and rows. B batteries, T slots; columns battery by battery.

    Attributes:
        charge, discharge, stored: (B, T) columns; steps, steps, and what is stored in ``unit``.
        unit: (B,) what a step of charging stores in a slot of mean length [scaled].
        balance: (B, T) rows that hold what is stored to what flows.
        hard: (R, 4) row, node, channel and slot of the hard rows that batteries share.
    """

    charge: Ints
    discharge: Ints
    stored: Ints
    unit: Floats
    balance: Ints
    hard: Ints


def with_storage(problem: Problem, relaxation: Relaxation) -> tuple[Relaxation, StorageColumns | None]:
    """Return the relaxation with the batteries' block behind it, and its places; as it is without batteries."""
    if problem.meter is None or not problem.meter.batteries:
        return relaxation, None
    batteries, slots = problem.meter.batteries, problem.slots
    width, count = relaxation.program.cost.size, len(problem.meter.batteries)
    places = width + np.arange(3 * count * slots).reshape(count, 3, slots)
    seconds = problem.seconds.astype(float)
    unit = np.array([float(battery.gain) * seconds.mean() for battery in batteries])
    entries: list[tuple[int, int, float]] = []
    low, high = np.zeros((count, 3, slots)), np.zeros((count, 3, slots))
    row_low: list[float] = []
    row_high: list[float] = []
    wear = np.zeros((count, 3, slots))
    for at, battery in enumerate(batteries):
        charge, discharge, stored = places[at].tolist()
        high[at] = [[battery.most_charge] * slots, [battery.most_discharge] * slots, [battery.high / unit[at]] * slots]
        low[at, 2] = battery.low / unit[at]
        low[at, 2, -1] = max(low[at, 2, -1], battery.end / unit[at])
        wear[at, 1] = battery.wear * battery.step_dw * seconds
        for slot in range(slots):
            row = len(row_low)
            entries += [
                (row, stored[slot], 1.0),
                (row, charge[slot], -battery.gain * seconds[slot] / unit[at]),
                (row, discharge[slot], battery.drain * seconds[slot] / unit[at]),
            ]
            before = battery.start / unit[at] if slot == 0 else 0.0
            if slot:
                entries.append((row, stored[slot - 1], -1.0))
            row_low.append(before)
            row_high.append(before)
    balance = np.arange(count * slots).reshape(count, slots)
    for at, battery in enumerate(batteries):
        if battery.most_charge and battery.most_discharge:
            for slot in range(slots):
                row = len(row_low)
                entries += [
                    (row, int(places[at, 0, slot]), 1.0 / battery.most_charge),
                    (row, int(places[at, 1, slot]), 1.0 / battery.most_discharge),
                ]
                row_low.append(-np.inf)
                row_high.append(1.0)
    hard = _hard_rows(problem, relaxation, places, entries, row_low, row_high)
    row, column, value = np.array(entries).T
    block = Block(
        BLOCK, low.ravel(), high.ravel(),
        csr_array((value, (row.astype(np.int64), column.astype(np.int64))), shape=(len(row_low), width + low.size)),
        np.array(row_low), np.array(row_high), goals={"cost": wear.ravel()},
    )  # fmt: skip
    named = np.array(hard, dtype=np.int64).reshape(-1, 4)
    columns = StorageColumns(places[:, 0], places[:, 1], places[:, 2], unit, balance, named)
    return extended(relaxation, block), columns


def _hard_rows(
    problem: Problem,
    relaxation: Relaxation,
    places: Ints,
    entries: list[tuple[int, int, float]],
    row_low: list[float],
    row_high: list[float],
) -> list[tuple[int, int, int, int]]:
    """Add the rows that charging of batteries and cars can fill together; return what ``hard`` holds."""
    named = []
    assert problem.meter is not None  # noqa: S101 - the caller has looked, for the type checker
    batteries, session, slot = problem.meter.batteries, relaxation.arc_session, relaxation.arc_slot
    free = problem.free_units
    for node in np.flatnonzero(np.any([battery.nodes for battery in batteries], axis=0)).tolist():
        mine = [at for at, battery in enumerate(batteries) if battery.nodes[node]]
        below = problem.connector_nodes[node, problem.session_connector[session]]
        for channel in range(problem.channels):
            load = np.where(below, problem.load_units[session, channel], 0)
            most = np.bincount(slot, load * relaxation.arc_cap, problem.slots)
            more = sum(int(batteries[at].load_units[channel]) * batteries[at].most_charge for at in mine)
            booked = relaxation.booking.column[:, channel]
            for tight in np.flatnonzero(most + more > free[node, channel]).tolist():
                row = len(row_low)
                named.append((row, node, channel, tight))
                arcs = np.flatnonzero((slot == tight) & (load > 0) & (booked >= 0))
                entries += [(row, int(booked[arc]), float(load[arc]) / ROW_SCALE) for arc in arcs.tolist()]
                entries += [
                    (row, int(places[at, 0, tight]), float(batteries[at].load_units[channel]) / ROW_SCALE)
                    for at in mine
                    if batteries[at].load_units[channel]
                ]
                row_low.append(-np.inf)
                row_high.append(float(free[node, channel, tight]) / ROW_SCALE)
    return named


def _left_over(relaxation: Relaxation, columns: StorageColumns, values: Floats, battery: Battery) -> Ints:
    """Return (T,) steps of charging that the shared rows leave at the optimum."""
    program, place = relaxation.program, relaxation.rows[BLOCK]
    left = np.full(columns.charge.shape[1], float(battery.most_charge))
    row, node, channel, slot = columns.hard.T
    if not row.size:
        return left.astype(np.int64)
    spare = (program.row_high[place] - program.matrix[place] @ values)[row] * ROW_SCALE
    load = battery.load_units[channel].astype(float)
    counts = battery.nodes[node] & (load > 0)
    np.minimum.at(left, slot[counts], np.maximum(spare[counts], 0.0) / load[counts])
    return np.floor(left + NOISE).astype(np.int64)


def rounded_steps(problem: Problem, relaxation: Relaxation, columns: StorageColumns, values: Floats) -> Ints:
    """Return (B, T) whole steps, positive for charging, that follow what is stored at the linear optimum.

    Each slot takes the step that brings what is stored just above the optimum's, within every bound and what hard rows
    leave. Where the end still falls short discharging gives way, the last first.
    """
    assert problem.meter is not None  # noqa: S101 - the caller has looked, for the type checker
    free = problem.free_units.copy()
    steps = np.zeros((len(problem.meter.batteries), problem.slots), dtype=np.int64)
    for at, battery in enumerate(problem.meter.batteries):
        loads = np.flatnonzero(battery.load_units)
        room = free[battery.nodes][:, loads] // battery.load_units[loads][:, None]
        most = np.minimum(room.min(axis=(0, 1), initial=battery.most_charge), battery.most_charge)
        flows = values[columns.charge[at]] - values[columns.discharge[at]]
        wanted = values[columns.stored[at]] * columns.unit[at]
        # What a row does not leave over at the optimum is for the cars.
        ample = np.floor(np.maximum(flows, 0.0) + NOISE).astype(np.int64) + _left_over(
            relaxation, columns, values, battery
        )
        most = np.minimum(most, ample)
        now = battery.start
        for slot, length in enumerate(problem.seconds.tolist()):
            gain, drain = battery.gain * length, battery.drain * length
            gap = round(float(wanted[slot])) - now
            if flows[slot] > 0:
                step = min(max(ceil(gap / gain - NOISE), 0), int(most[slot]), (battery.high - now) // gain)
                now += step * gain
            else:
                wish = max(floor(-gap / drain + NOISE), 0)
                step = -min(wish, battery.most_discharge, (now - battery.low) // drain)
                now += step * drain
            steps[at, slot] = step
        while not battery.holds(steps[at], problem.seconds):
            # Less discharging leaves more everywhere after it; at the worst the battery stays idle.
            out = np.flatnonzero(steps[at] < 0)
            steps[at] = np.where(np.arange(problem.slots) == out[-1], steps[at] + 1, steps[at]) if out.size else 0
        free[battery.nodes] -= battery.load_units[:, None] * np.maximum(steps[at], 0)
    return steps
