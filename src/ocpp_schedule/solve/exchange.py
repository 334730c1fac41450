"""Exchange with the grid in the linear program: import and export, curtailment, peaks, surplus (convention 17).

Power is in units of a mean step, so that coefficients are near 1. ``N`` below is the power through the meter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.storage_rows import StorageColumns, with_storage
from ocpp_schedule.solve.v2g_rows import CarColumns, with_cars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.meter import ExportRow, Meter
    from ocpp_schedule.solve.relaxation import Relaxation

BLOCK: Final = "meter"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Places of the meter's columns and rows in a relaxation.

    A slot is *split* where the site may import or export and that makes a difference. Where export pays less than
    import the bill is convex there: one column, ``import >= N``. Where it pays more, the bill bends the other way:
    one column ``export``, below its chord and with ``N + export`` (the import) between 0 and the most there can be;
    ``decide`` then settles the direction.

    Attributes:
        unit_dw: power of 1 in these columns and rows [0.1 W].
        curtail: (E, 2) generator and slot of each curtailment column.
        convex: slots with an import column, in the order of the columns.
        bent: slots with an export column, in the order of the columns.
        curtail_at, import_at, export_at, peak_at: first column of each kind.
        split_row: first of the rows of ``convex``; those of ``bent`` follow, chords first.
        chord_row, way_row: first rows of ``bent``.
        peak_rows: (K, 2) register and interval of the peak rows, which come last.
        peak_row: first of them.
        linear_price: (T,) price x seconds that a step pays by itself.
        surplus_rows: (K, 2) row and slot of each surplus row.
        export_rows: (K, 3) row, limit on export and slot.
        storage: places of the batteries; None where there are none.
        cars: places of the cars that can give energy back; None where there are none.
        through: (E, 2) row and slot of each place where N stands in a row, and
        factor: (E,) its factor there; what charging pays beside the meter (surplus, limits on export) is none of it.
    """

    unit_dw: float
    curtail: Ints
    convex: Ints
    bent: Ints
    curtail_at: int
    import_at: int
    export_at: int
    peak_at: int
    split_row: int
    chord_row: int
    way_row: int
    peak_rows: Ints
    peak_row: int
    linear_price: Ints
    surplus_rows: Ints
    export_rows: Ints
    through: Ints
    factor: Floats
    storage: StorageColumns | None
    cars: CarColumns | None

    def bent_places(self, relaxation: Relaxation) -> tuple[slice, slice]:
        """Return the rows of the directions and the export columns of the bent slots."""
        row = relaxation.rows[BLOCK].start + self.way_row
        return slice(row, row + self.bent.size), slice(self.export_at, self.export_at + self.bent.size)


def with_meter(problem: Problem, relaxation: Relaxation) -> tuple[Relaxation, Exchange | None]:
    """Return the relaxation with the blocks of batteries and meter behind it, and the places of the latter."""
    if problem.meter is None:
        return relaxation, None
    relaxation, storage = with_storage(problem, relaxation)
    relaxation, cars = with_cars(problem, relaxation)
    return _Builder(problem, problem.meter, relaxation, storage, cars).built()


class _Builder:
    """Collects the rows of the meter's block as entries."""

    def __init__(
        self,
        problem: Problem,
        meter: Meter,
        relaxation: Relaxation,
        storage: StorageColumns | None,
        cars: CarColumns | None,
    ) -> None:
        self.storage, self.cars = storage, cars
        self.problem, self.meter, self.relaxation = problem, meter, relaxation
        self.width = relaxation.program.cost.size
        session, slot = relaxation.arc_session, relaxation.arc_slot
        power = problem.draw_dw[session].astype(float)
        self.unit_dw = float(power.mean()) if power.size else 1.0
        self.arc_power = power / self.unit_dw
        self.by_slot = [np.flatnonzero(slot == t) for t in range(problem.slots)]
        self.base = meter.base_units / problem.seconds / self.unit_dw
        charge, discharge = (
            np.array([most(one) * one.step_dw for one in meter.batteries]).sum() / self.unit_dw
            for most in (attrgetter("most_charge"), attrgetter("most_discharge"))
        )
        given = np.array([car.most_steps * car.step_dw for car in meter.cars]).reshape(-1, problem.slots)
        self.given = given / self.unit_dw
        self.bottom = self.base - discharge - self.given.sum(axis=0)
        self.load = meter.load_units / problem.seconds / self.unit_dw
        self.most = np.bincount(slot, self.arc_power * relaxation.arc_cap, problem.slots)
        self.stored_most = charge
        self.entries: list[tuple[int, int, float]] = []
        self.surplus_rows: list[tuple[int, int]] = []
        self.export_rows: list[tuple[int, int, int]] = []
        self.through: list[tuple[int, int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self._columns()

    def _columns(self) -> None:
        meter, at = self.meter, self.width
        metered = np.zeros(self.problem.slots, dtype=np.bool_)
        for register in meter.registers:
            if register.net:
                metered |= register.interval >= 0
        able = meter.curtailable_dw > 0
        pays = (np.minimum(meter.export_price, meter.import_price) < 0)[None] & able
        for row in meter.exports:
            pays |= (
                able & row.generators[:, None] & (row.least_units > row.base_units - self._discharge_units(row))[None]
            )
        self.curtail = np.column_stack(np.nonzero(pays))
        self.cut = np.zeros(self.problem.slots)
        np.add.at(self.cut, self.curtail[:, 1], meter.curtailable_dw[pays] / self.unit_dw)
        self.top = self.base + self.most + self.cut + self.stored_most
        below = self.bottom < 0
        out = below & (self.top <= 0)
        split = below & ~out & ((meter.import_price != meter.export_price) | metered)
        bent = split & (meter.export_price > meter.import_price)
        self.convex, self.bent = np.flatnonzero(split & ~bent), np.flatnonzero(bent)
        self.curtail_at = at
        self.import_at = at + self.curtail.shape[0]
        self.export_at = self.import_at + self.convex.size
        self.peak_at = self.export_at + self.bent.size
        self.end = self.peak_at + len(meter.registers)
        self.import_of = dict(zip(self.convex.tolist(), range(self.import_at, self.export_at), strict=True))
        self.export_of = dict(zip(self.bent.tolist(), range(self.export_at, self.peak_at), strict=True))
        self.linear = np.where(out | (split & ~bent), meter.export_price, meter.import_price)
        self.cut_of: dict[int, list[int]] = {}
        for number, slot in enumerate(self.curtail[:, 1].tolist()):
            self.cut_of.setdefault(slot, []).append(self.curtail_at + number)

    def _discharge_units(self, row: ExportRow) -> Floats:
        power = sum(
            one.most_discharge * one.step_dw
            for one, mine in zip(self.meter.batteries, row.batteries.tolist(), strict=True)
            if mine
        )
        most: Floats = (power + self.given[row.cars].sum(axis=0) * self.unit_dw) * self.problem.seconds
        return most

    def _row(
        self,
        entries: list[tuple[int, float]],
        low: float,
        high: float,
        *,
        through: list[tuple[int, float]] | None = None,
    ) -> None:
        row = len(self.low)
        self.entries += [(row, column, value) for column, value in entries]
        self.through += [(row, slot, factor) for slot, factor in through or ()]
        self.low.append(low)
        self.high.append(high)

    def _charging(self, slot: int, factor: float = 1.0) -> list[tuple[int, float]]:
        arcs = self.by_slot[slot]
        return list(zip(arcs.tolist(), (factor * self.arc_power[arcs]).tolist(), strict=True))

    def _controlled(self, slot: int, factor: float = 1.0) -> list[tuple[int, float]]:
        """Return the part of N that is decided: charging, curtailment and batteries."""
        return [
            *self._charging(slot, factor),
            *((column, factor) for column in self.cut_of.get(slot, [])),
            *self._batteries(slot, range(len(self.meter.batteries)), factor),
            *self._cars(slot, range(len(self.meter.cars)), factor),
        ]

    def _cars(self, slot: int, which: Iterable[int], factor: float = 1.0) -> list[tuple[int, float]]:
        """Return what cars give; what they take is charging like any other."""
        if self.cars is None:
            return []
        given = [(int(self.cars.discharge[at, slot]), self.meter.cars[at].step_dw / self.unit_dw) for at in which]
        return [(column, -factor * power) for column, power in given if column >= 0]

    def _batteries(self, slot: int, which: Iterable[int], factor: float = 1.0) -> list[tuple[int, float]]:
        if self.storage is None:
            return []
        found = []
        for at in which:
            power = factor * self.meter.batteries[at].step_dw / self.unit_dw
            found += [(int(self.storage.charge[at, slot]), power), (int(self.storage.discharge[at, slot]), -power)]
        return found

    def built(self) -> tuple[Relaxation, Exchange]:
        """Return the extended relaxation and the places in it."""
        split_row = len(self.low)
        for slot in self.convex.tolist():
            row = [(self.import_of[slot], 1.0), *self._controlled(slot, -1.0)]
            self._row(row, float(self.base[slot]), np.inf, through=[(slot, -1.0)])
        chord_row = len(self.low)
        for slot in self.bent.tolist():
            # export <= -bottom x (top - N) / (top - bottom), with N = base + what is decided
            base, bottom, top = float(self.base[slot]), float(self.bottom[slot]), float(self.top[slot])
            steep = -bottom / (top - bottom)
            row = [(self.export_of[slot], 1.0), *self._controlled(slot, steep)]
            self._row(row, -np.inf, steep * (top - base), through=[(slot, steep)])
        way_row = len(self.low)
        for slot in self.bent.tolist():
            base = float(self.base[slot])
            row = [(self.export_of[slot], 1.0), *self._controlled(slot)]
            self._row(row, -base, float(self.top[slot]) - base, through=[(slot, 1.0)])
        self._surplus_rows()
        self._export_rows()
        peak_row = len(self.low)
        peaks = self._peak_rows()
        exchange = Exchange(
            self.unit_dw, self.curtail, self.convex, self.bent, self.curtail_at, self.import_at, self.export_at,
            self.peak_at, split_row, chord_row, way_row, _table(peaks, 2), peak_row,
            self.linear, _table(self.surplus_rows, 2), _table(self.export_rows, 3),
            _table([entry[:2] for entry in self.through], 2), np.array([entry[2] for entry in self.through]),
            self.storage, self.cars,
        )  # fmt: skip
        return self._paid(extended(self.relaxation, self._block())), exchange

    def _paid(self, relaxation: Relaxation) -> Relaxation:
        """Return the relaxation in which the flows of batteries pay the price that a step of charging pays."""
        if self.storage is None and self.cars is None:
            return relaxation
        goal = relaxation.goals["cost"]
        more = np.zeros_like(goal.coefficients)
        if self.storage is not None:
            step_dw = np.array([one.step_dw for one in self.meter.batteries], dtype=float)[:, None]
            more[self.storage.charge] = step_dw * self.linear * goal.scale
            more[self.storage.discharge] = -step_dw * self.linear * goal.scale
        if self.cars is not None:
            there = self.cars.discharge >= 0
            step_dw = np.array([one.step_dw for one in self.meter.cars], dtype=float)[:, None]
            more[self.cars.discharge[there]] = (-step_dw * self.linear * goal.scale)[there]
        program = relaxation.program
        if relaxation.main == "cost":
            program = replace(program, cost=program.cost + more)
        goals = relaxation.goals | {"cost": replace(goal, coefficients=goal.coefficients + more)}
        return replace(relaxation, program=program, goals=goals)

    def _surplus_rows(self) -> None:
        meter, session = self.meter, self.relaxation.arc_session
        if not meter.surplus.any():
            return
        room = meter.surplus_units / self.problem.seconds / self.unit_dw
        for slot, arcs in enumerate(self.by_slot):
            own = arcs[meter.surplus[session[arcs]]]
            if own.size and float(self.arc_power[own] @ self.relaxation.arc_cap[own]) > room[slot]:
                entries = list(zip(own.tolist(), self.arc_power[own].tolist(), strict=True))
                self.surplus_rows.append((len(self.low), slot))
                self._row(entries, -np.inf, float(room[slot]))

    def _export_rows(self) -> None:
        for number, row in enumerate(self.meter.exports):
            below = row.connectors[self.problem.session_connector[self.relaxation.arc_session]]
            short = (row.least_units - row.base_units) / self.problem.seconds / self.unit_dw
            stored = np.flatnonzero(row.batteries).tolist()
            out = sum(self.meter.batteries[at].most_discharge * self.meter.batteries[at].step_dw for at in stored)
            given = np.flatnonzero(row.cars).tolist()
            for slot in np.flatnonzero(short > -out / self.unit_dw - self.given[given].sum(axis=0)).tolist():
                arcs = self.by_slot[slot][below[self.by_slot[slot]]]
                entries = list(zip(arcs.tolist(), self.arc_power[arcs].tolist(), strict=True))
                entries += [
                    (column, 1.0)
                    for column in self.cut_of.get(slot, [])
                    if row.generators[self.curtail[column - self.curtail_at, 0]]
                ]
                entries += self._batteries(slot, stored)
                entries += self._cars(slot, given)
                self.export_rows.append((len(self.low), number, slot))
                # What whole 0.1 W cannot reach is none of the program's business.
                self._row(entries, float(short[slot]) - 1e-9 * abs(float(short[slot])), np.inf)

    def _peak_rows(self) -> list[tuple[int, int]]:
        names = []
        for number, register in enumerate(self.meter.registers):
            floor = register.floor_dw / self.unit_dw
            for interval in range(register.seconds.size):
                entries: list[tuple[int, float]] = []
                length = float(register.seconds[interval])
                fixed = float(register.open_units[interval]) / length / self.unit_dw
                highest = fixed
                through = []
                for slot in np.flatnonzero(register.interval == interval).tolist():
                    share = float(self.problem.seconds[slot]) / length
                    part, constant, most = self._measured(register.net, slot)
                    entries += [(column, value * share) for column, value in part]
                    fixed += constant * share
                    highest += most * share
                    if register.net and slot not in self.import_of and part:
                        through.append((slot, -share))
                if highest > floor and entries:
                    peak = [(self.peak_at + number, 1.0)]
                    self._row(peak + [(column, -value) for column, value in entries], fixed, np.inf, through=through)
                    names.append((number, interval))
        return names

    def _measured(self, net: bool, slot: int) -> tuple[list[tuple[int, float]], float, float]:
        """Return what a register measures in a slot: columns, constant, and the most it can be."""
        if not net:
            return self._charging(slot), float(self.load[slot]), float(self.load[slot] + self.most[slot])
        top = max(float(self.top[slot]), 0.0)
        if self.bottom[slot] < 0 and top == 0:
            return [], 0.0, 0.0
        if slot in self.import_of:
            return [(self.import_of[slot], 1.0)], 0.0, top
        if slot in self.export_of:
            return [(self.export_of[slot], 1.0), *self._controlled(slot)], float(self.base[slot]), top
        return self._controlled(slot), float(self.base[slot]), top

    def _block(self) -> Block:
        meter, problem, more = self.meter, self.problem, self.end - self.width
        low, high = np.zeros(more), np.full(more, np.inf)
        generator, slot = self.curtail.T
        cut = slice(0, generator.size)
        taken = slice(cut.stop, cut.stop + self.convex.size)
        given = slice(taken.stop, taken.stop + self.bent.size)
        peak = slice(given.stop, more)
        high[cut] = meter.curtailable_dw[generator, slot] / self.unit_dw
        high[taken] = np.maximum(self.top, 0.0)[self.convex]
        high[given] = -self.bottom[self.bent]
        floors = np.array([one.floor_dw for one in meter.registers], dtype=float) / self.unit_dw
        idle = [one.highest_dw(self._idle(net=one.net)) / self.unit_dw for one in meter.registers]
        tallest = float((np.maximum(self.base, self.load) + self.most + self.cut).max(initial=0.0)) + self.stored_most
        low[peak] = floors if meter.batteries or meter.cars else np.maximum(floors, idle)
        high[peak] = np.maximum(floors, idle) + max(tallest, 0.0)
        money = np.zeros(more)
        spread = (meter.import_price - meter.export_price).astype(float)
        money[cut] = self.linear[slot] * self.unit_dw
        money[taken] = spread[self.convex] * self.unit_dw
        money[given] = spread[self.bent] * self.unit_dw
        money[peak] = [one.per_dw * self.unit_dw for one in meter.registers]
        constant = float((self.base * self.unit_dw) @ self.linear)
        constant -= sum(one.per_dw * one.floor_dw for one in meter.registers)
        constant -= sum(meter.idle[:3]) / meter.idle[3]
        arcs = problem.draw_dw[self.relaxation.arc_session] * self.linear[self.relaxation.arc_slot].astype(float)
        row, column = np.array([entry[:2] for entry in self.entries], dtype=np.int64).reshape(-1, 2).T
        value = np.array([entry[2] for entry in self.entries], dtype=np.float64)
        return Block(
            BLOCK, low, high,
            csr_array((value, (row, column)), shape=(len(self.low), self.end)),
            np.array(self.low), np.array(self.high),
            goals={"cost": money}, arcs={"cost": arcs}, offsets={"cost": constant},
        )  # fmt: skip

    def _idle(self, *, net: bool) -> Ints:
        return np.maximum(self.meter.base_units, 0) if net else self.meter.load_units


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Ints:
    return np.array(rows, dtype=np.int64).reshape(-1, width)
