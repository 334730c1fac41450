"""What each car may have by availability and by its own highest price, and what it then wants (convention 21)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter, mul
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.check.availability import Masks
from ocpp_schedule.check.kept import kept_power
from ocpp_schedule.check.quantities import car_effect, energy_units_up, full_power, need_in_grid
from ocpp_schedule.check.report import MAX_LISTED_PER_KIND
from ocpp_schedule.check.taper import Points, most_of
from ocpp_schedule.units import PRICE_UNITS_PER_CURRENCY, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings, Kind
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class Own:
    """What limits single cars; a field that limits nothing is None.

    Attributes:
        cars: the sessions.
        grid: the slots.
        masks: availability.
        available: (sessions, slots) largest set-points by availability.
        dear: (sessions, slots) whether the slot costs more than the car would pay.
        tapers: by car with one, how its power falls.
    """

    cars: Cars
    grid: TimeGrid
    masks: Masks | None
    available: npt.NDArray[np.int64] | None
    dear: npt.NDArray[np.bool_] | None
    tapers: dict[int, Points]

    def cap(self, caps: npt.NDArray[np.int64], cars: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return (cars, slots) set-points of some cars, cut to what availability and price allow."""
        if self.available is not None:
            caps = np.minimum(caps, self.available[cars])
        return caps if self.dear is None else np.where(self.dear[cars], 0, caps)

    def wanted(self) -> npt.NDArray[np.int64]:
        """Return (sessions,) what each wants out of the grid [0.1 J]."""
        cars, found = self.cars, np.zeros(len(self.cars.ids), dtype=np.int64)
        for at in np.flatnonzero(~cars.outside).tolist():
            found[at], _ = self.need(at, cars.models[at].energy_wh, cars.wished[at], cars.models[at].departure)
        return found

    def left_out(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return by session with any what is left out of its wish for its price, and for its taper [0.1 J]."""
        cars = self.cars
        dear: dict[str, int] = {}
        beyond: dict[str, int] = {}
        for at in np.flatnonzero(~cars.outside).tolist():
            _, left = self.need(at, cars.models[at].energy_wh, cars.wished[at], cars.models[at].departure)
            for units, into in zip(left, (dear, beyond), strict=True):
                if units:
                    into[cars.ids[at]] = units
        return dear, beyond

    def need(self, at: int, energy_wh: float, units: int, by: datetime) -> tuple[int, tuple[int, int]]:
        """Return what a car needs by a time out of the grid, and what is left out of it for price and taper [0.1 J].

        Args:
            at: the car.
            energy_wh: what it wants by then [Wh].
            units: the same, rounded up [0.1 J].
            by: departure or milestone.
        """
        end, full = self.grid.end, full_power(self.cars, at)
        lost = self.masks.lost(at, end, by) if self.masks is not None and by > end else 0
        needed = need_in_grid(energy_wh, units, by, end, kept_power(self.cars.models[at], full), lost)
        points = self.tapers.get(at)
        if points is None and (self.dear is None or not self.dear[at].any()):
            return needed, (0, 0)
        first, last = int(self.cars.first[at]), int(self.cars.last[at])
        slots = [slot for slot in range(first, last) if self.grid.edge(slot + 1) <= by]
        seconds = [self.grid.edges_s[slot + 1] - self.grid.edges_s[slot] for slot in slots]
        power, highest = int(self.cars.power[at]), full // int(max(self.cars.power[at], 1))
        steps = [highest if self.available is None else int(self.available[at, slot]) for slot in slots]
        paid = [0 if self.dear is not None and self.dear[at, s] else n for s, n in zip(slots, steps, strict=True)]
        anyhow, affordable = (sum(map(mul, one, seconds)) * power for one in (steps, paid))
        takeable = affordable if points is None else most_of(points, power, paid, seconds)[-1]
        dear = min(needed, anyhow) - min(needed, affordable)
        # In the same order as they are looked at: what price leaves, then what the taper leaves of it.
        beyond = min(needed, affordable) - min(needed, takeable)
        return needed - dear - beyond, (dear, beyond)


def own_of(
    site: Site,
    availability: Sequence[Availability],
    cars: Cars,
    outlets: Outlets,
    grid: TimeGrid,
    price_s: list[int],
    tapers: dict[int, Points],
) -> Own | None:
    """Return what limits single cars, None where nothing does; ``price_s`` is price x seconds of every slot."""
    if not availability and not tapers and set(map(attrgetter("max_price_per_kwh"), cars.models)) <= {None}:
        return None
    masks = Masks(site, availability, cars, partial(_most, cars, outlets)) if availability else None
    dear = None
    if any(car.max_price_per_kwh is not None for car in cars.models):
        edges = grid.edges_s
        dear = np.zeros((len(cars.ids), grid.slots), dtype=np.bool_)
        for at, car in enumerate(cars.models):
            if car.max_price_per_kwh is not None:
                highest = exact(car.max_price_per_kwh) * PRICE_UNITS_PER_CURRENCY // 1
                dear[at] = [price_s[t] > highest * (edges[t + 1] - edges[t]) for t in range(grid.slots)]
    return Own(cars, grid, masks, None if masks is None else masks.caps(grid), dear, tapers)


def _most(cars: Cars, outlets: Outlets, at: int, most_a: float) -> int:
    found = car_effect(outlets, int(cars.outlet[at]), cars.models[at], most_a)
    return found.maximum if found.minimum <= found.maximum else 0


def needed(scene: Scene, at: int, energy_wh: float, by: datetime) -> int:
    """Return what a car needs by a milestone out of the grid [0.1 J]."""
    (units,) = energy_units_up([energy_wh])
    if scene.own is None:
        power = kept_power(scene.cars.models[at], full_power(scene.cars, at))
        return need_in_grid(energy_wh, units, by, scene.grid.end, power)
    return scene.own.need(at, energy_wh, units, by)[0]


def judge_own(own: Own, setpoints: npt.NDArray[np.int64], findings: Findings) -> None:
    """Report set-points above what availability leaves, and those in slots that the car does not pay for."""
    faults: list[tuple[Kind, npt.NDArray[np.bool_]]] = []
    if own.available is not None:
        faults.append(("availability", setpoints > own.available))
    if own.dear is not None:
        faults.append(("price", (setpoints > 0) & own.dear))
    for kind, wrong in faults:
        session, slot = np.nonzero(wrong)
        for s, t in zip(session[:MAX_LISTED_PER_KIND].tolist(), slot[:MAX_LISTED_PER_KIND].tolist(), strict=True):
            allowed = int(own.available[s, t]) if kind == "availability" and own.available is not None else 0
            findings.add(kind, "session", own.cars.ids[s], int(setpoints[s, t]), allowed, unit="steps", slot=t)
        findings.skip(max(0, session.size - MAX_LISTED_PER_KIND))
