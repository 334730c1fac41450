"""What batteries and cars really give beside set-points: never more than is there, nor than a limit on export allows.

What they are planned to do rests on a linear optimum. Whole set-points differ from it, so every plan is held to what
its set-points leave: cars charge less where they would be too full, and whatever discharges does less of it where too
little is stored, where the wish of the car would suffer, or where the meter would see more export than allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.delivered import delivered_units

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.problem.meter import ExportRow, Meter
    from ocpp_schedule.problem.v2g import CarBattery


def actual(problem: Problem, meter: Meter, energy: Ints) -> Meter:
    """Return the meter with what batteries and cars do beside (S, T) energies of charging [0.1 J]."""
    if not meter.discharge_steps.any() and not _exports_too_much(problem, meter, energy):
        return meter
    steps, given = _forward(problem, meter, energy)
    for at, car in enumerate(meter.cars):
        if given[at].any():
            _leave_for_wishes(problem, car, energy[car.session], given[at])
    return meter.working(steps, problem.seconds, given)


def counted(problem: Problem, meter: Meter, energy: Ints) -> Ints:
    """Return (S, T) energies that count for wishes: for cars that can give energy back, what is more in the battery.

    Args:
        problem: what is planned.
        meter: as ``actual`` gives it.
        energy: (S, T) given by chargers [0.1 J].
    """
    if not meter.cars:
        return energy
    found = energy.copy()
    given = meter.discharge_steps * problem.seconds
    for car, out in zip(meter.cars, given.tolist(), strict=True):
        stored = car.stored(energy[car.session].tolist(), [units * car.step_dw for units in out])
        sums = np.array([(now - car.start) // car.scale for now in stored], dtype=np.int64)
        found[car.session] = np.diff(sums, prepend=0)
    return found


def _spare(problem: Problem, row: ExportRow, meter: Meter, delivered: Ints) -> Ints:
    """Return (T,) what may still flow out through a limit on export, all curtailed that can be [0.1 J]."""
    charged = delivered[row.connectors[problem.session_connector]].sum(axis=0)
    cut = meter.curtailable_dw[row.generators].sum(axis=0) * problem.seconds
    spare: Ints = row.base_units + charged + cut - row.least_units
    return spare


def _exports_too_much(problem: Problem, meter: Meter, energy: Ints) -> bool:
    """Tell whether batteries give more than a limit on export leaves to them."""
    if not (meter.storage_steps < 0).any():
        return False
    delivered = delivered_units(problem, energy)
    return any(bool((_spare(problem, row, meter, delivered) < 0).any()) for row in meter.exports)


def _forward(problem: Problem, meter: Meter, energy: Ints) -> tuple[Ints, Ints]:
    """Return (B, T) and (V, T) steps, slot by slot held to what is stored and to the limits on export."""
    seconds, steps = problem.seconds, meter.storage_steps.copy()
    given = meter.discharge_steps.reshape(-1, problem.slots).copy()
    idle = meter.working(np.zeros_like(steps), seconds, np.zeros_like(given))
    delivered = delivered_units(problem, energy)
    spare = [_spare(problem, row, idle, delivered).tolist() for row in idle.exports]
    in_battery, in_car = [one.start for one in meter.batteries], [one.start for one in meter.cars]
    for slot, length in enumerate(seconds.tolist()):
        for at, battery in enumerate(meter.batteries):
            if steps[at, slot] > 0:
                steps[at, slot] = min(int(steps[at, slot]), (battery.high - in_battery[at]) // (battery.gain * length))
        for at, car in enumerate(meter.cars):
            if given[at, slot]:
                there = (in_car[at] - car.reserve) // (car.drawn * car.step_dw * length)
                charges = bool(energy[car.session, slot])
                given[at, slot] = 0 if charges else max(min(int(given[at, slot]), there), 0)
        for row, room in zip(meter.exports, spare, strict=True):
            _hold(row, meter, steps[:, slot], given[:, slot], room[slot] // length)
        for at, battery in enumerate(meter.batteries):
            step = int(steps[at, slot])
            in_battery[at] += step * length * (battery.gain if step > 0 else battery.drain)
        for at, car in enumerate(meter.cars):
            out = int(given[at, slot]) * length * car.step_dw
            in_car[at] += int(energy[car.session, slot]) * car.kept - out * car.drawn
    return steps, given


def _hold(row: ExportRow, meter: Meter, steps: Ints, given: Ints, room_dw: int) -> None:
    """Lower what cars, then batteries give in one slot until it fits, in place."""
    cars = [(at, meter.cars[at].step_dw) for at in np.flatnonzero(row.cars).tolist()]
    batteries = [(at, meter.batteries[at].step_dw) for at in np.flatnonzero(row.batteries).tolist()]
    over = sum(int(given[at]) * dw for at, dw in cars) - sum(int(steps[at]) * dw for at, dw in batteries) - room_dw
    for at, step_dw in cars:
        less = min(max(-(-over // step_dw), 0), int(given[at]))
        given[at] -= less
        over -= less * step_dw
    for at, step_dw in batteries:
        less = min(max(-(-over // step_dw), 0), max(-int(steps[at]), 0))
        steps[at] += less
        over -= less * step_dw


def _leave_for_wishes(problem: Problem, car: CarBattery, energy: Ints, given: Ints) -> None:
    """Lower what a car gives, the last first, where a wish would miss it and the battery has room, in place."""
    mine = np.flatnonzero((problem.demand_session == car.session) & problem.chased)
    seconds = problem.seconds.tolist()
    stored = car.stored(energy.tolist(), (given * problem.seconds * car.step_dw).tolist())
    for demand in mine[np.argsort(problem.demand_end[mine], kind="stable")].tolist():
        end = int(problem.demand_end[demand])
        short = int(problem.demand_wish_units[demand]) * car.scale + car.start - (stored[end - 1] if end else car.start)
        room = min((car.high - now for now in stored[end:]), default=car.high)
        for slot in range(end - 1, car.first - 1, -1):
            room = min(room, car.high - stored[slot])
            if short <= 0 or room <= 0:
                break
            unit = seconds[slot] * car.step_dw * car.drawn
            less = min(int(given[slot]), -(-short // unit), room // unit)
            if less:
                given[slot] -= less
                stored[slot:] = [now + less * unit for now in stored[slot:]]
                short, room = short - less * unit, room - less * unit
