"""From limits to loads: what every curve can draw on every channel, and the worst of it while clocks differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.delivery.proof.curves import FREE
from ocpp_schedule.profiles.layers import line_count
from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    LINES,
    MICROAMPERES_PER_AMPERE,
    MICROAMPERES_PER_DECIAMPERE,
    round_down,
    round_up,
)

if TYPE_CHECKING:
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.proof.curves import Packed
    from ocpp_schedule.model.layering import StationLayers
    from ocpp_schedule.profiles.periods import Ints


NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Outlet:
    """All connectors as arrays, in the order of the scene.

    Attributes:
        step_micro: (C,) one step [millionths of A or W].
        unknown_units: (C, channels) what one step of an unknown car loads [uA, mVA].
        least_steps: (C,) what it gives where it is told less; 0 where it obeys 0.
        idle_steps: (C,) idle floor.
        most_units: (C, channels) what it can draw at all [uA, mVA].
        lines: (C,) most phases of a car.
    """

    step_micro: Ints
    unknown_units: Ints
    least_steps: Ints
    idle_steps: Ints
    most_units: Ints
    lines: Ints


def outlets_for(scene: Scene, layers: dict[str, StationLayers]) -> Outlet:
    """Return the connectors of a scene as arrays."""
    own = scene.outlets
    obeys = np.array([layers[one.station].takes_zero for one in own.models], dtype=np.bool_)
    channels = own.unknown_units.shape[1]
    most = np.zeros((len(own.ids), channels), dtype=np.int64)
    step = np.zeros(len(own.ids), dtype=np.int64)
    for at, (one, only_w) in enumerate(zip(own.models, own.only_w, strict=True)):
        tenths = 0 if only_w else round_down(own.steps[at], DECIAMPERES_PER_AMPERE)
        step[at] = int(own.steps[at]) * MICROAMPERES_PER_AMPERE if only_w else tenths * MICROAMPERES_PER_DECIAMPERE
        current = round_up(one.max_current_a, MICROAMPERES_PER_AMPERE)
        for line in one.lines:
            most[at, LINES.index(line)] = current
        if channels > len(LINES):
            volts = own.supplies[at].voltage_v * len(one.lines)
            most[at, len(LINES)] = round_up(one.max_current_a, 1000 * volts)
    if any(own.only_w):  # what convention 5 books for all it takes in W may be more on one line
        most = np.maximum(most, own.maximum_steps[:, None] * own.unknown_units)
        direct = np.array([one.current_type == "DC" for one in own.models], dtype=np.bool_)
        most[direct] = ((own.maximum_steps + 1)[:, None] * own.unknown_units)[direct]  # steps may not divide its power
    return Outlet(
        step_micro=step,
        unknown_units=own.unknown_units,
        least_steps=np.where(obeys, 0, own.minimum_steps),
        idle_steps=own.idle_steps,
        most_units=most,
        lines=np.array([line_count(one) for one in own.models], dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose window each connector is in, over charger time.

    A car is taken to be there in its slots; that of the first and of the last slot of the grid a while longer.

    Attributes:
        car: (C, slots + 2) session of the while before the grid, of each slot, and of the while after the grid;
            ``NOBODY`` for none.
        phases: (sessions,) ``numberPhases`` in its slots.
        edges_s: (slots + 3,) when these stretches begin and end, since 1970.
    """

    car: Ints
    phases: Ints
    edges_s: Ints

    def at(self, times_s: Ints) -> Ints:
        """Return (C, times) the sessions."""
        place = np.searchsorted(self.edges_s, times_s, side="right") - 1
        inside = (place >= 0) & (place < self.car.shape[1])
        return np.where(inside, self.car[:, np.clip(place, 0, self.car.shape[1] - 1)], NOBODY)


def owners_of(scene: Scene, start_s: int, margin_s: int) -> Owners:
    """Return who is where, from the sessions of a scene; ``margin_s`` is the while before and after the grid."""
    cars, slots = scene.cars, scene.grid.slots
    found = np.full((len(scene.outlets.ids), slots + 2), NOBODY, dtype=np.int64)
    for at, (outlet, first, last) in enumerate(
        zip(cars.outlet.tolist(), cars.first.tolist(), cars.last.tolist(), strict=True)
    ):
        if last > first:
            found[outlet, first + (first > 0) : last + 1 + (last == slots)] = at
    lines = [line_count(scene.outlets.models[outlet]) for outlet in cars.outlet.tolist()]
    phases = [n if car.phases is None else min(car.phases, n) for car, n in zip(cars.models, lines, strict=True)]
    edges_s = np.concatenate(([-margin_s], scene.edges_s, [scene.edges_s[-1] + margin_s])) + start_s
    return Owners(found, np.array(phases, dtype=np.int64), edges_s)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Loads of curves at instants of charger time.

    Attributes:
        packed: the curves.
        connector: (curves,) whose they are, in the order of the scene.
        outlet: the connectors.
        owners: who is where.
        car_units: (sessions, channels) load of one step [uA, mVA].
    """

    packed: Packed
    connector: Ints
    outlet: Outlet
    owners: Owners
    car_units: Ints

    def loads(self, times_s: Ints, curves: Ints | None = None) -> Ints:
        """Return (curves, channels, times) what they can draw [uA, mVA].

        A limit counts on the lines of the car in whose window it is meant to be there, where the number of phases is
        that car's and the limit is more than the idle floor; else on every line, as an unknown car's.
        """
        which = np.arange(len(self.connector)) if curves is None else curves
        at = self.connector[which]
        micro, phases = self.packed.at(which, times_s)
        step = self.outlet.step_micro[at][:, None]
        steps = np.where(micro >= FREE, 0, -(-micro // step))
        steps = np.maximum(steps, self.outlet.least_steps[at][:, None])
        free = micro >= FREE
        car = self.owners.at(times_s)[at]
        loads = steps[:, None, :] * self.outlet.unknown_units[at][:, :, None]
        if self.car_units.size:
            someone = np.maximum(car, 0)
            meant = np.where(phases == 0, self.outlet.lines[at][:, None], phases) == self.owners.phases[someone]
            known = (car != NOBODY) & meant & (steps > self.outlet.idle_steps[at][:, None])
            row, time = np.nonzero(known)
            loads[row, :, time] = steps[row, time][:, None] * self.car_units[car[row, time]]
        most = self.outlet.most_units[at][:, :, None]
        return np.where(free[:, None, :], most, np.minimum(loads, most))


def widest(loads: Ints, low: Ints, high: Ints) -> Ints:
    """Return (curves, channels, intervals) the largest load from place ``low`` to ``high`` (inclusive) of each.

    Args:
        loads: (curves, channels, places).
        low: (intervals,) first place of each.
        high: (intervals,) last place of each.
    """
    found = loads[:, :, low]
    for extra in range(1, int((high - low).max(initial=0)) + 1):
        np.maximum(found, loads[:, :, np.minimum(low + extra, high)], out=found)
    return found
