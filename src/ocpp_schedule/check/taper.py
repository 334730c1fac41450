"""What cars with a taper draw, followed second by second through slots and guards (convention 21)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from ocpp_schedule.check.direct import delivered
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, exact

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.energy import Given
    from ocpp_schedule.check.guards import Guards
    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.session import Session

Points = list[tuple[int, int]]
"""Energy got [0.1 J] and highest power there [0.1 W], in the order of the energy."""


def tapers_of(cars: Cars, outlets: Outlets) -> dict[int, Points]:
    """Return by car with a taper its points, rounded down."""
    found = {}
    for at, car in enumerate(cars.models):
        if car.taper:
            lines = len(outlets.models[int(cars.outlet[at])].lines)
            used = 1 if car.phases is None else min(car.phases, lines)
            found[at] = _points(car, used * outlets.supplies[int(cars.outlet[at])].voltage_v)
    return found


def _points(car: Session, volts: int) -> Points:
    points = []
    for point in car.taper:
        if point.soc_percent is not None and car.soc_percent is not None and car.battery_wh is not None:
            got = (exact(point.soc_percent) - exact(car.soc_percent)) / 100 * exact(car.battery_wh)
        else:
            got = exact(point.energy_wh or 0.0)
        points.append((floor(got * ENERGY_UNITS_PER_WH), floor(exact(point.max_current_a) * volts * 10)))
    return points


def power_at(points: Points, got: int) -> Fraction:
    """Return the highest power of a car that has got so much [0.1 W].

    >>> power_at([(0, 10), (1000, 0)], 250), power_at([(0, 10), (1000, 0)], 2000)
    (Fraction(15, 2), Fraction(0, 1))
    """
    before = [point for point in points if point[0] <= got]
    after = [point for point in points if point[0] > got]
    if not before:
        return Fraction(points[0][1])
    if not after:
        return Fraction(points[-1][1])
    (low, high_dw), (high, low_dw) = before[-1], after[0]
    return Fraction(high_dw) + Fraction(low_dw - high_dw, high - low) * (got - low)


def drawn(points: Points, got: int, permitted: int, seconds: int) -> int:
    """Return the most energy that neither the permission [0.1 J] nor the power at the end forbids, by halving."""
    least, most = 0, permitted
    while least < most:
        middle = (least + most + 1) // 2
        if middle <= seconds * power_at(points, got + middle):
            least = middle
        else:
            most = middle - 1
    return least


def most_of(points: Points, power: int, caps: list[int], seconds: list[int]) -> list[int]:
    """Return the energy before each edge of a car that always may draw all it can [0.1 J]."""
    sums = [0]
    for steps, length in zip(caps, seconds, strict=True):
        sums.append(sums[-1] + drawn(points, sums[-1], steps * power * length, length))
    return sums


def with_draws(given: Given, scene: Scene, guards: tuple[Guards, Guards], setpoints: npt.NDArray[Any]) -> Given:
    """Return what is given, with tapered cars at what they draw.

    In a slot under way nothing is counted, and tapers go on from its end; ``setpoints`` say what is held in it.
    """
    by_car, by_slot, into_cars = list(given.by_car), list(given.by_slot), list(given.into_cars)
    found = {}
    for at, points in scene.tapers.items():
        row = _row(scene, at, points, setpoints[at], guards)
        permitted = given.of_car(at).tolist()
        for sums, full, taken in (
            (into_cars, permitted, row),
            (by_slot, delivered(scene.cars, at, permitted), delivered(scene.cars, at, row)),
        ):
            for slot, (most, energy) in enumerate(zip(full, taken, strict=True)):
                sums[slot] += energy - most
        by_car[at] = sum(row)
        found[at] = row
    return replace(given, by_car=by_car, by_slot=by_slot, into_cars=into_cars, drawn=found)


def _row(
    scene: Scene, at: int, points: Points, setpoints: npt.NDArray[Any], guards: tuple[Guards, Guards]
) -> list[int]:
    """Return what a car draws in each slot: at an edge with a guard the neighbour's set-point holds for its length."""
    cars, power = scene.cars, int(scene.cars.power[at])
    late, early = ({int(t) for s, t in zip(one.session, one.slot, strict=True) if s == at} for one in guards)
    first, last = int(cars.first[at]), int(cars.last[at])
    idle = int(scene.outlets.idle_steps[cars.outlet[at]])
    row, got = [0] * scene.grid.slots, 0
    for slot in range(max(first, int(scene.held is not None)), last):
        parts = [(int(setpoints[slot]), int(scene.seconds[slot]) - scene.guard_s * ((slot in late) + (slot in early)))]
        if slot in late:
            parts.insert(0, (int(setpoints[slot - 1]) if slot > first else idle, scene.guard_s))
        if slot in early:
            parts.append((int(setpoints[slot + 1]) if slot + 1 < last else idle, scene.guard_s))
        for steps, seconds in parts:
            energy = drawn(points, got, max(steps, 0) * power * seconds, seconds)
            row[slot] += energy
            got += energy
    return row
