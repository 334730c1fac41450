"""Cars that can give energy back in the bound by weak duality: what is stored has a worth after every slot.

What a car takes lowers what it still needs, and is worth something for what it gives later; what it gives costs both.
Between its bounds what is stored may be anything, whatever the plan. In a slot a car takes or gives, never both. Rows
upwards are left out, which makes the bound no higher. Any prices give a valid bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.v2g import cars_that_give, most_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.meter_bound import MeterBound
    from ocpp_schedule.check.needs import Needs
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.check.v2g import Car
    from ocpp_schedule.solution import Certificate

    Exact = npt.NDArray[Any]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Givers:
    """Cars that can give energy back, priced; all prices in 1 / ``times`` money units per 0.1 J.

    Attributes:
        cars: the cars.
        worth: by car and slot, what a unit more in the battery after the slot is worth, needs included.
        constant: what bounds of what is stored, and the most that convention 6 allows, come to at least.
        times: denominator of the certificate.
    """

    cars: tuple[Car, ...]
    worth: list[list[int]]
    constant: Fraction
    times: int

    @property
    def rows(self) -> list[int]:
        """Rows of the sessions."""
        return [car.at for car in self.cars]

    def most_dw(self, slots: int) -> list[int]:
        """Return by slot the most that all of them can give [0.1 W]."""
        return [sum(car.power * int(car.most[slot]) for car in self.cars) for slot in range(slots)]

    def price(self, net: Exact, energy: Exact, slots: int) -> None:
        """Take off (cars, columns) prices of a step what it is worth in the battery, in place, rounded down."""
        for car, worth in zip(self.cars, self.worth, strict=True):
            per_unit = [value * car.kept for value in worth]
            for column in range(net.shape[1]):
                value = per_unit[column % slots] * int(energy[car.at, column])
                net[car.at, column] -= -int(-value // 1)

    def lower(self, least: list[int], net: Exact, amounts: Ints, prices: MeterBound, way: int, seconds: Ints) -> None:
        """Lower by slot what all cars cost at least by what giving saves beyond taking, in place.

        Args:
            least: of all cars by slot.
            net: (cars, columns) prices of a step.
            amounts: (cars, columns) most steps.
            prices: of the meter.
            way: 0 where the site imports, 1 where it exports.
            seconds: (slots,) length of the slots.
        """
        slots = len(least)
        for car, worth in zip(self.cars, self.worth, strict=True):
            taken = (np.minimum(net[car.at], 0) * amounts[car.at]).reshape(-1, slots).sum(axis=0)
            paid = prices.ways[way].money[car.at]
            for slot in np.flatnonzero(car.most).tolist():
                length = int(seconds[slot])
                earned = (int(paid[slot]) - prices.consumed[slot]) * self.times
                value = (car.wear * self.times + worth[slot] * car.drawn) * length - earned
                given = int(value * car.power * int(car.most[slot]) // 1)
                least[slot] += min(given - int(taken[slot]), 0)


def givers_of(scene: Scene, certificate: Certificate, needs: Needs) -> Givers:
    """Return the cars that can give energy back with the prices that the certificate names for them."""
    cars, times, slots = cars_that_give(scene), certificate.denominator, scene.grid.slots
    found, constant = [], Fraction(0)
    for car in cars:
        first, last = int(scene.cars.first[car.at]), int(scene.cars.last[car.at])
        name = scene.cars.ids[car.at]
        given = certificate.car_prices.get(name, ())
        stored = [price * times for price in given] if len(given) == slots else [0] * slots
        if last > first:
            constant -= stored[first] * car.start
            for slot in range(first, last):
                less = stored[slot] - (stored[slot + 1] if slot + 1 < last else 0)
                constant += min(less * car.low, less * car.high)
        cap = max(certificate.cap_prices.get(name, 0), 0)
        constant -= cap * most_of(scene, car.at)
        worth = [(stored[slot] if first <= slot < last else 0) - cap for slot in range(slots)]
        for at in np.flatnonzero(needs.car == car.at).tolist():
            for slot in range(int(needs.end[at])):
                worth[slot] += int(needs.price[at])
        found.append(worth)
    return Givers(cars, found, constant, times)
