"""What the cars need within the grid, with the prices that a certificate names for it (conventions 6 and 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.own import needed

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.solution import Certificate


@dataclass(frozen=True, slots=True)
class Needs:
    """Energy needed: of a car, before a slot, for a wish or a milestone; the wishes first.

    Attributes:
        car: (needs,) the session.
        end: (needs,) slots before this one count.
        units: (needs,) energy, rounded up by ``spare`` to what whole steps reach [0.1 J].
        spare: (needs,) [0.1 J].
        hard: (needs,) bool, a must-have.
        wish: (needs,) bool, the wish of a session; else a milestone.
        price: (needs,) as the certificate names them, at least 0; Python integers.
    """

    car: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    spare: npt.NDArray[np.int64]
    hard: npt.NDArray[np.bool_]
    wish: npt.NDArray[np.bool_]
    price: npt.NDArray[Any]


def needs_of(scene: Scene, certificate: Certificate) -> Needs:
    """Return every need; rounded up to what whole steps reach where no edge is guarded."""
    cars, prices = scene.cars, certificate.demand_prices
    wishes = np.flatnonzero(~cars.outside)
    goals = _goals(scene)
    car = np.concatenate((wishes, np.array([goal[0] for goal in goals], dtype=np.int64)))
    units = np.concatenate((cars.wanted[wishes], np.array([goal[2] for goal in goals], dtype=np.int64)))
    ends = np.concatenate((cars.last[wishes], np.array([goal[1] for goal in goals], dtype=np.int64)))
    named: list[int] = [0] * wishes.size
    if prices:
        named = [prices.get((cars.ids[at], None), 0) for at in wishes.tolist()]
    named += [prices.get((cars.ids[goal[0]], goal[4]), 0) for goal in goals]
    step = step_units(cars, scene.seconds)[car] if scene.guard_s == 0 else np.ones_like(car)
    spare = np.where(step > 0, -units % np.maximum(step, 1), 0)
    hard = np.concatenate(
        (np.zeros(wishes.size, dtype=np.bool_), np.array([goal[3] for goal in goals], dtype=np.bool_))
    )
    price = np.array([max(one, 0) for one in named] if prices else named, dtype=object)
    wish = np.arange(car.size) < wishes.size
    return Needs(car, ends, units + spare, spare, hard, wish, price)


def step_units(cars: Cars, seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (cars,) what all sums of whole steps in the window are multiples of [0.1 J]; 0 without a slot."""
    some = cars.last > cars.first
    if (seconds == seconds[0]).all():
        common = np.where(some, seconds[0], 0)
    else:
        common = np.array(
            [
                np.gcd.reduce(seconds[a:b], initial=0)
                for a, b in zip(cars.first.tolist(), cars.last.tolist(), strict=True)
            ],
            dtype=np.int64,
        )
    units: npt.NDArray[np.int64] = cars.power * common
    # What tapers leave, and what gets into a battery, is no whole step.
    units[[at for at, car in enumerate(cars.models) if car.taper or car.v2g is not None]] = 1
    return units


def _goals(scene: Scene) -> list[tuple[int, int, int, bool, int]]:
    """Return car, end, energy, hardness and index of every milestone within the grid."""
    cars, grid, found = scene.cars, scene.grid, []
    for at in [at for at, car in enumerate(cars.models) if car.milestones]:
        if cars.outside[at]:
            continue
        for index, goal in enumerate(cars.models[at].milestones):
            if goal.by <= grid.start:
                continue
            units = needed(scene, at, goal.energy_wh, goal.by)
            by_s = int((goal.by - grid.start).total_seconds() // 1)
            end = min(int(np.searchsorted(scene.edges_s[1:], by_s, side="right")), int(cars.last[at]))
            found.append((at, end, units, goal.hard, index))
    return found


def forgiven_units(
    needs: Needs, rates: tuple[npt.NDArray[Any], npt.NDArray[Any]], must_units: int, want_units: int
) -> int:
    """Return the most that missing energy can save: the dearest needs first, up to what the plan in hand misses."""
    saved = 0
    for hard, missing in ((True, must_units), (False, want_units)):
        if not missing:
            continue
        group = np.flatnonzero(needs.hard == hard)
        # A need that was rounded up may be missed by the rounding besides.
        left = missing + int(needs.spare[group].sum())
        prices = [-(-int(rates[0][at]) // int(rates[1][at])) for at in group.tolist()]
        for price, units in sorted(zip(prices, needs.units[group].tolist(), strict=True), reverse=True):
            part = min(left, units)
            saved += part * price
            left -= part
    return saved
