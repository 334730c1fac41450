"""Energy, cost and needs, derived from set-points and guards (conventions 1, 4, 6 and 8)."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.own import needed
from ocpp_schedule.check.report import MilestoneReview

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.guards import Guards
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.scene import Scene

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Given:
    """Energy given [0.1 J], guard losses taken off.

    Attributes:
        by_car: per session.
        by_slot: per slot, what the site delivers for it, losses of DC included.
        into_cars: per slot, what cars get.
        setpoints: (sessions, slots) steps.
        power: (sessions,) power of one step [0.1 W].
        seconds: (slots,) length of the slots.
        lost_car: session of each guard.
        lost_slot: slot of each guard.
        lost_units: what each guard costs [0.1 J].
        drawn: by session with a taper, its energy per slot.
    """

    by_car: list[int]
    by_slot: list[int]
    into_cars: list[int]
    setpoints: npt.NDArray[Any]
    power: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.int64]
    lost_car: npt.NDArray[np.int64]
    lost_slot: npt.NDArray[np.int64]
    lost_units: npt.NDArray[Any]
    drawn: dict[int, list[int]] = field(default_factory=dict)

    def of_car(self, session: int) -> npt.NDArray[Any]:
        """Return (slots,) energy of one session."""
        if session in self.drawn:
            return np.array(self.drawn[session], dtype=np.int64)
        units: npt.NDArray[Any] = self.setpoints[session] * (self.power[session] * self.seconds)
        mine = self.lost_car == session
        np.subtract.at(units, self.lost_slot[mine], self.lost_units[mine])
        return units


def energy_given(
    setpoints: npt.NDArray[Any],
    cars: Cars,
    seconds: npt.NDArray[np.int64],
    guard_s: int,
    guards: tuple[Guards, Guards],
) -> Given:
    """Return the energy of set-points that the cars draw in full, less what the guards cost.

    Args:
        setpoints: (sessions, slots) steps, 0 outside the windows.
        cars: the sessions.
        seconds: (slots,) length of the slots.
        guard_s: the guard.
        guards: late raises and early lowerings that are in order.
    """
    lost_car = np.concatenate([sort.session for sort in guards])
    lost_slot = np.concatenate([sort.slot for sort in guards])
    lost_steps = np.concatenate([sort.lost_steps for sort in guards])
    lost_units = lost_steps * (cars.power[lost_car] * guard_s)
    by_car = (setpoints @ seconds.astype(setpoints.dtype)) * cars.power
    by_slot = (cars.draw.astype(setpoints.dtype) @ setpoints) * seconds
    if lost_car.size:
        np.subtract.at(by_car, lost_car, lost_units)
        np.subtract.at(by_slot, lost_slot, lost_steps * (cars.draw[lost_car] * guard_s))
    into_cars = by_slot
    if (cars.draw != cars.power).any():
        into_cars = (cars.power.astype(setpoints.dtype) @ setpoints) * seconds
        np.subtract.at(into_cars, lost_slot, lost_units)
    return Given(
        by_car=by_car.tolist(),
        by_slot=by_slot.tolist(),
        into_cars=into_cars.tolist(),
        setpoints=setpoints,
        power=cars.power,
        seconds=seconds,
        lost_car=lost_car,
        lost_slot=lost_slot,
        lost_units=lost_units,
    )


def cost_of(units: list[int], price_s: list[int], seconds: npt.NDArray[np.int64]) -> int:
    """Return floor(sum of energy x mean price of the slot), the money of convention 1, rounded once."""
    lengths = seconds.tolist()
    if len(set(lengths)) == 1:
        return int(sum(map(operator.mul, units, price_s))) // int(lengths[0])
    by_length: dict[int, int] = {}
    for energy, price, length in zip(units, price_s, lengths, strict=True):
        if energy:
            by_length[length] = by_length.get(length, 0) + energy * price
    return int(sum((Fraction(total, length) for length, total in by_length.items()), Fraction(0)) // 1)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Needs within the grid [0.1 J]; the fields are those of ``Report``, sessions with nothing to say left out.

    ``valued`` are the sessions whose energy has a value: what they wish and do not get is no shortfall.
    """

    wanted: dict[str, int]
    must: dict[str, int]
    missing_must: dict[str, int]
    milestones: tuple[MilestoneReview, ...]
    unaffordable: dict[str, int]
    untakeable: dict[str, int]
    valued: frozenset[str]


def wishes_of(scene: Scene, given: Given) -> Wishes:
    """Derive what every session wants and must have within the grid (conventions 8 and 21)."""
    cars, start, edges_s = scene.cars, scene.grid.start, scene.edges_s
    must: dict[str, int] = {}
    missing: dict[str, int] = {}
    milestones = []
    for at in [at for at, car in enumerate(cars.models) if car.milestones]:
        if cars.outside[at]:
            continue
        car = cars.models[at]
        so_far = np.append(np.zeros(1, dtype=np.int64), np.cumsum(given.of_car(at)))
        for index, goal in enumerate(car.milestones):
            if goal.by <= start:  # what had to be done by then is nothing this plan can do
                continue
            units = needed(scene, at, goal.energy_wh, goal.by)
            by_s = (goal.by - start) // _SECOND
            done = int(so_far[np.searchsorted(edges_s[1:], by_s, side="right")])
            counted = goal.hard or car.value_per_kwh is None
            one = MilestoneReview(car.id, index, goal.hard, units, done, counted=counted)
            milestones.append(one)
            if goal.hard:
                must[car.id] = max(must.get(car.id, 0), units)
                missing[car.id] = max(missing.get(car.id, 0), one.missing_units)
    wanted = dict(zip(cars.ids, cars.wanted.tolist(), strict=True))
    dear, beyond = scene.own.left_out() if scene.own else ({}, {})
    valued = frozenset(car.id for car in cars.models if car.value_per_kwh is not None)
    return Wishes(wanted, must, missing, tuple(milestones), dear, beyond, valued)
