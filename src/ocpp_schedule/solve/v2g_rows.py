"""Cars that can give energy back in the linear program: steps of discharging, what is stored, rows upwards.

Charging and discharging at once is excluded up to full power together, as for batteries; ``solve.at_meter`` decides
where that is not enough. What is given counts against the car's own wishes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.relaxation import ROW_SCALE

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.meter import Meter
    from ocpp_schedule.problem.v2g import CarBattery
    from ocpp_schedule.solve.relaxation import Relaxation

BLOCK: Final = "v2g"
NOISE: Final = 1e-6
"""Share of a step; below it a flow is the solver's tolerance."""


@dataclass(frozen=True, slots=True)
class CarColumns:
    """Places of the columns and rows of cars that can give energy back. V cars, T slots.

    Attributes:
        charge, discharge, stored: (V, T) columns; steps, steps, and what is stored in ``unit``; -1: none.
        unit: (V,) what a step of charging stores in a slot of mean length [scaled].
        balance: (V, T) rows that hold what is stored to what flows; -1: none.
    """

    charge: Ints
    discharge: Ints
    stored: Ints
    unit: Floats
    balance: Ints

    def pairs(self) -> tuple[Ints, Ints]:
        """Return the columns of charging and discharging where both may be used, pair by pair."""
        both = (self.charge >= 0) & (self.discharge >= 0)
        return self.charge[both], self.discharge[both]


def with_cars(problem: Problem, relaxation: Relaxation) -> tuple[Relaxation, CarColumns | None]:
    """Return the relaxation with the block of the cars behind it, and its places; as it is without such cars."""
    meter = problem.meter
    if meter is None or not meter.cars:
        return relaxation, None
    return _Builder(problem, meter, relaxation).built()


class _Builder:
    """Collects columns and rows as entries."""

    def __init__(self, problem: Problem, meter: Meter, relaxation: Relaxation) -> None:
        self.problem, self.meter, self.relaxation = problem, meter, relaxation
        self.width = relaxation.program.cost.size
        shape = (len(meter.cars), problem.slots)
        self.charge, self.discharge, self.stored, self.balance = (np.full(shape, -1, dtype=np.int64) for _ in range(4))
        row = {car.session: at for at, car in enumerate(meter.cars)}
        mine = np.flatnonzero(np.isin(relaxation.arc_session, list(row)))
        at = [row[session] for session in relaxation.arc_session[mine].tolist()]
        self.charge[at, relaxation.arc_slot[mine]] = mine
        self.entries: list[tuple[int, int, float]] = []
        self.row_low: list[float] = []
        self.row_high: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.wear: list[float] = []

    def built(self) -> tuple[Relaxation, CarColumns]:
        """Return the extended relaxation and the places in it."""
        seconds = self.problem.seconds.astype(float)
        unit = np.array([float(car.kept * car.step_dw) * seconds.mean() for car in self.meter.cars])
        for at, car in enumerate(self.meter.cars):
            self._car(at, car, seconds, float(unit[at]))
        self._turns()
        self._up_rows()
        size = self.width + len(self.low)
        row, column, value = np.array(self.entries).reshape(-1, 3).T
        block = Block(
            BLOCK,
            np.array(self.low),
            np.array(self.high),
            csr_array((value, (row.astype(np.int64), column.astype(np.int64))), shape=(len(self.row_low), size)),
            np.array(self.row_low),
            np.array(self.row_high),
            goals={"cost": np.array(self.wear)},
        )
        columns = CarColumns(self.charge, self.discharge, self.stored, unit, self.balance)
        return self._with_needs(extended(self.relaxation, block), columns), columns

    def _column(self, low: float, high: float, wear: float = 0.0) -> int:
        self.low.append(low)
        self.high.append(high)
        self.wear.append(wear)
        return self.width + len(self.low) - 1

    def _row(self, low: float, high: float, entries: list[tuple[int, float]]) -> int:
        row = len(self.row_low)
        self.entries += [(row, column, value) for column, value in entries]
        self.row_low.append(low)
        self.row_high.append(high)
        return row

    def _car(self, at: int, car: CarBattery, seconds: Floats, unit: float) -> None:
        for slot in range(car.first, car.end):
            stored = self.stored[at, slot] = self._column(car.low / unit, car.high / unit)
            entries = [(int(stored), 1.0)]
            power = car.step_dw * float(seconds[slot])
            if self.charge[at, slot] >= 0:
                entries.append((int(self.charge[at, slot]), -power * car.kept / unit))
            if car.most_steps[slot]:
                given = self.discharge[at, slot] = self._column(0.0, float(car.most_steps[slot]), car.wear * power)
                entries.append((int(given), power * car.drawn / unit))
            before = car.start / unit if slot == car.first else 0.0
            if slot > car.first:
                entries.append((int(self.stored[at, slot - 1]), -1.0))
            self.balance[at, slot] = self._row(before, before, entries)

    def _turns(self) -> None:
        high = self.relaxation.program.high
        for at, slot in zip(*np.nonzero((self.charge >= 0) & (self.discharge >= 0)), strict=True):
            charge, discharge = int(self.charge[at, slot]), int(self.discharge[at, slot])
            most = float(self.meter.cars[at].most_steps[slot])
            self._row(-np.inf, 1.0, [(charge, 1.0 / float(high[charge])), (discharge, 1.0 / most)])

    def _up_rows(self) -> None:
        most = np.array([car.most_steps for car in self.meter.cars])
        for row in self.meter.up_rows:
            for slot in np.flatnonzero(row.load @ most > row.room).tolist():
                cars = np.flatnonzero((row.load > 0) & (self.discharge[:, slot] >= 0)).tolist()
                entries = [(int(self.discharge[at, slot]), float(row.load[at]) / ROW_SCALE) for at in cars]
                self._row(-np.inf, float(row.room[slot]) / ROW_SCALE, entries)

    def _with_needs(self, relaxation: Relaxation, columns: CarColumns) -> Relaxation:
        """Return the relaxation in which the needs of these cars speak of what is in the battery."""
        program, need = relaxation.program, relaxation.rows["need"]
        matrix = program.matrix.tolil()
        arcs = relaxation.arc_session.size
        for at, car in enumerate(self.meter.cars):
            kept, drawn = car.kept / car.scale, car.drawn / car.scale
            for demand in np.flatnonzero(self.problem.demand_session == car.session).tolist():
                row = need.start + demand
                own = np.array(matrix.rows[row])
                data = np.array(matrix.data[row])
                data[own < arcs] *= kept
                end = int(self.problem.demand_end[demand])
                given = columns.discharge[at, :end]
                slots = np.flatnonzero(given >= 0)
                factor = car.step_dw * self.problem.seconds[slots] / relaxation.short_units[demand] * drawn
                matrix.rows[row] = [*own.tolist(), *given[slots].tolist()]
                matrix.data[row] = [*data.tolist(), *(-factor).tolist()]
        return replace(relaxation, program=replace(program, matrix=csr_array(matrix.tocsr())))


def rounded_discharge(problem: Problem, columns: CarColumns, values: Floats) -> Ints:
    """Return (V, T) whole steps that follow the discharging of the linear optimum within reserves and rows upwards."""
    assert problem.meter is not None  # noqa: S101 - the caller has looked, for the type checker
    meter, seconds = problem.meter, problem.seconds
    steps = np.zeros(columns.discharge.shape, dtype=np.int64)
    for at, car in enumerate(meter.cars):
        open_ = columns.discharge[at] >= 0
        flow = np.where(open_, values[columns.discharge[at]], 0.0)
        into = np.where(columns.charge[at] >= 0, values[columns.charge[at]], 0.0)
        now, wanted, done = float(car.start), 0.0, 0
        for slot in range(car.first, car.end):
            unit = float(car.step_dw * seconds[slot])
            now += max(into[slot], 0.0) * unit * car.kept
            wanted += float(flow[slot]) * unit
            if flow[slot] <= NOISE or into[slot] > flow[slot]:
                continue
            most = min(float(car.most_steps[slot]), (now - car.reserve) / (unit * car.drawn) + NOISE)
            step = max(min(int(np.floor((wanted - done) / unit + 0.5)), int(np.floor(max(most, 0.0)))), 0)
            steps[at, slot] = step
            done += step * int(unit)
            now -= step * unit * car.drawn
    return fitting(problem, meter, steps)


def fitting(problem: Problem, meter: Meter, steps: Ints) -> Ints:
    """Return the steps lowered, car by car, until every row upwards holds in its slots and, with a guard, at edges."""
    steps = steps.copy()
    for row in meter.up_rows:
        room = row.room.copy()
        if problem.edge_guard_s:
            # At an edge the larger of both slots counts against the smaller room.
            room[1:] = np.minimum(room[1:], row.room[:-1])
            room[:-1] = np.minimum(room[:-1], row.room[1:])
        held = np.zeros(steps.shape[0], dtype=np.int64)
        for slot in range(steps.shape[1]):
            alone = int(room[slot])
            left = alone - int((row.load * held).sum())
            for at in np.flatnonzero(row.load).tolist():
                load, before = int(row.load[at]), int(held[at])
                # Up to what it gave before a car takes nothing of the edge; in the slot itself it takes all of it.
                fits = min(int(steps[at, slot]), alone // load, before + max(left, 0) // load)
                steps[at, slot] = fits
                alone -= fits * load
                left -= max(fits - before, 0) * load
            held = steps[:, slot] if problem.edge_guard_s else held
    return steps
