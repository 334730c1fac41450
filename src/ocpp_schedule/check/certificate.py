"""Weak duality: prices on rows and demands prove what no plan can cost less than, without a solver.

For any prices, paying for every row what it can pass and for every demand what it asks gives a lower bound
on the cost of every plan (Lagrange; DESIGN 5). Wrong prices give a weak bound, never a wrong one. Integers only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.quantities import (
    Cars,
    Outlets,
    cars_of,
    energy_units_up,
    exact_dtype,
    need_in_grid,
    outlets_of,
)
from ocpp_schedule.check.rows import Layout, Limits, lay_out, limits_of
from ocpp_schedule.check.series import price_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.solution import Certificate
    from ocpp_schedule.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class _Need:
    """Energy needed within the grid: of a car, before a slot, for a wish or a milestone.

    ``units`` are rounded up by ``spare`` to what whole steps reach.
    """

    car: int
    end: int
    units: int
    spare: int
    hard: bool
    price: int


def proven_cost_units(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    certificate: Certificate,
    must_units: int,
    want_units: int,
) -> int:
    """Return what no plan costs less than that misses at most this much energy [money units].

    Args:
        site: topology.
        sessions: the cars, in any order.
        tariff: what energy costs.
        grid: the slots.
        limits: limits over time on circuits.
        forecasts: base loads.
        certificate: prices; any prices give a valid bound, good ones a tight one.
        must_units: must-have energy that the plan in hand misses [0.1 J].
        want_units: wished energy that it misses [0.1 J].

    Variables are the energies given, as set-points without rounding: guard losses only take away, so every
    plan is one of them. Named rules that tighten: a set-point is 0 where its rows leave less than the minimum
    current beside the idle floors of the others; without guarded edges needs are rounded up to whole steps.
    """
    edges_s = np.array(grid.edges_s, dtype=np.int64)
    seconds = np.diff(edges_s)
    outlets = outlets_of(site)
    cars = cars_of(sessions, outlets, grid, edges_s)
    layout = lay_out(site, outlets)
    rows = _Rows(outlets, cars, layout, limits_of(site, layout, grid, edges_s, limits, forecasts), grid.slots)
    money = np.array(price_seconds(tariff, grid, edges_s), dtype=object)
    if (np.abs(money) < 1 << 62).all():
        money = money.astype(np.int64)
    caps = rows.caps()
    pressure, paid_rows = rows.pressure(certificate)
    needs = _needs(cars, grid, edges_s, certificate, whole_steps=site.edge_guard_s == 0)
    scale = int(max(np.abs(money).max(initial=0), 1)) * int(cars.power.max(initial=1))
    dearest = scale + int(pressure.max(initial=0))
    kind = exact_dtype(4 * dearest)
    energy = cars.power[:, None] * seconds
    slope = cars.power[:, None].astype(kind) * money.astype(kind)
    offers = _Offers(slope, pressure.astype(kind), energy, caps, rows.threshold())
    needs = _repriced(needs, offers)
    # With all prices known, the type in which no sum of a car's slots can overflow.
    charged = max((_charged(needs, certificate)).values(), default=0) * int(energy.max(initial=1))
    spread = 1 + int(seconds.max()) // int(seconds.min())
    kind = exact_dtype(4 * spread * (dearest + charged) * max(int(caps.max(initial=1)), 1) * grid.slots)
    offers = _Offers(slope.astype(kind), pressure.astype(kind), energy.astype(kind), caps, rows.threshold())
    for need in needs:
        offers.slope[need.car, : need.end] -= need.price * offers.energy[need.car, : need.end]
    capped = _capped(cars, offers, certificate, seconds)
    covered = np.minimum(caps, offers.threshold[:, None])
    least = np.minimum(offers.slope, 0) * covered + np.minimum(offers.slope + offers.pressure, 0) * (caps - covered)
    asked = sum(need.price * need.units for need in needs)
    forgiven = _forgiven(needs, must_units, want_units)
    taken: int = sum(least.sum(axis=1).tolist())
    return asked + taken - paid_rows - forgiven - capped


def _charged(needs: list[_Need], certificate: Certificate) -> dict[int, int]:
    """Return by car the sum of what its energy pays to needs, and the highest cap price besides."""
    cap = max(map(abs, certificate.cap_prices.values()), default=0)
    charged: dict[int, int] = {}
    for need in needs:
        charged[need.car] = charged.get(need.car, cap) + need.price
    return charged or {-1: cap}


def _needs(
    cars: Cars, grid: TimeGrid, edges_s: npt.NDArray[np.int64], certificate: Certificate, *, whole_steps: bool
) -> list[_Need]:
    """Return every need with its price; rounded up to what whole steps reach where no edge is guarded."""
    seconds = np.diff(edges_s)
    found = []
    for at, car in enumerate(cars.models):
        if car.arrival >= grid.end or car.departure <= grid.start:
            continue
        window = seconds[cars.first[at] : cars.last[at]]
        unit = int(cars.power[at]) * int(np.gcd.reduce(window)) if window.size and whole_steps else 1
        full = int(cars.power[at] * cars.maximum[at]) if cars.minimum[at] <= cars.maximum[at] else 0
        goals = [(goal.energy_wh, goal.by, goal.hard, k) for k, goal in enumerate(car.milestones)]
        for energy_wh, by, hard, index in [*goals, (car.energy_wh, car.departure, False, None)]:
            if by <= grid.start:
                continue
            price = max(certificate.demand_prices.get((car.id, index), 0), 0)
            (units,) = energy_units_up([energy_wh])
            units = need_in_grid(energy_wh, units, by, grid.end, full)
            by_s = int((by - grid.start).total_seconds() // 1)
            end = min(int(np.searchsorted(edges_s[1:], by_s, side="right")), int(cars.last[at]))
            spare = -units % unit if unit else 0
            found.append(_Need(at, end, units + spare, spare, hard, price))
    return found


@dataclass(frozen=True, slots=True)
class _Offers:
    """What energy costs each car in each slot, for given prices of the rows.

    Up to the idle floor a step pays no row, for the floor is booked anyway; above it pays ``pressure``.
    """

    slope: npt.NDArray[Any]
    pressure: npt.NDArray[Any]
    energy: npt.NDArray[Any]
    caps: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.int64]

    def price_at(self, car: int, end: int, units: int) -> int | None:
        """Return the price of the last of so much energy, cheapest first before slot ``end``; None beyond all of it."""
        open_ = np.flatnonzero(self.caps[car, :end])
        if not open_.size:
            return None
        unit, most = self.energy[car, open_], self.caps[car, open_]
        below = np.minimum(most, self.threshold[car])
        plain = self.slope[car, open_]
        dear = np.concatenate((plain // unit, (plain + self.pressure[car, open_]) // unit))
        order = np.argsort(dear.astype(np.float64), kind="stable")
        reach = np.cumsum(np.concatenate((below * unit, (most - below) * unit))[order])
        last = int(np.searchsorted(reach, units))
        return int(dear[order[last]]) if last < order.size else None


def _repriced(needs: list[_Need], offers: _Offers) -> list[_Need]:
    """Return the needs with the best price where a car has only one: that of the last energy it must take."""
    per_car = np.bincount([need.car for need in needs], minlength=offers.caps.shape[0])
    found = []
    for need in needs:
        best = offers.price_at(need.car, need.end, need.units) if per_car[need.car] == 1 else None
        found.append(need if best is None else replace(need, price=max(best, 0)))
    return found


def _capped(cars: Cars, offers: _Offers, certificate: Certificate, seconds: npt.NDArray[np.int64]) -> int:
    """Charge energy its cap price, in place; return what all caps together are worth (convention 6).

    Where the certificate names none it is what a car would earn on more than it may have: only where energy has
    a negative price.
    """
    worth = 0
    for at in np.flatnonzero((offers.slope < 0).any(axis=1)).tolist():
        longest = int(seconds[cars.first[at] : cars.last[at]].max(initial=0))
        over = max(int(cars.minimum[at]), 1) * int(cars.power[at]) * longest - 1
        most = cars.wished[at] + max(over, 0)
        given = certificate.cap_prices.get(cars.ids[at])
        price = -(offers.price_at(at, offers.caps.shape[1], most) or 0) if given is None else given
        if price > 0:
            offers.slope[at] += price * offers.energy[at]
            worth += price * most
    return worth


def _forgiven(needs: list[_Need], must_units: int, want_units: int) -> int:
    """Return the most that missing energy can save: the dearest needs first, up to what the plan in hand misses."""
    saved = 0
    for hard, missing in ((True, must_units), (False, want_units)):
        group = sorted((need for need in needs if need.hard == hard), key=lambda need: -need.price)
        # A need that was rounded up may be missed by the rounding besides.
        left = missing + (sum(need.spare for need in group) if missing else 0)
        for need in group:
            part = min(left, need.units)
            saved += part * need.price
            left -= part
    return saved


class _Rows:
    """What the rows leave to cars, in the order of ``Layout``; arrays of one line and all slots at a time."""

    def __init__(self, outlets: Outlets, cars: Cars, layout: Layout, limits: Limits, slots: int) -> None:
        self.outlets, self.cars, self.layout, self.limits, self.slots = outlets, cars, layout, limits, slots
        self.floor_ua = layout.sums(outlets.idle_ua[layout.order])
        self.own_ua = outlets.idle_ua[cars.outlet]
        names = zip(layout.nouns, layout.subjects, strict=True)
        self.names: dict[tuple[str, str], int] = {name: at for at, name in enumerate(names)}

    def _below(self, row: int, line: int) -> npt.NDArray[np.int64]:
        """Return the cars that can draw on a row."""
        outlets = self.layout.order[self.layout.low[row] : self.layout.high[row]]
        return np.flatnonzero(np.isin(self.cars.outlet, outlets) & (self.cars.line_ua[:, line] > 0))

    def _free(self, line: int) -> npt.NDArray[np.int64]:
        """Return (rows, slots) headroom beside the idle floors [uA]; negative in an alarm."""
        free: npt.NDArray[np.int64] = self.limits.headroom_of(line, 0, self.slots) - self.floor_ua[:, line, None]
        return free

    def caps(self) -> npt.NDArray[np.int64]:
        """Return (cars, slots) the largest set-points that any plan can have."""
        cars = self.cars
        slot = np.arange(self.slots)
        inside = (slot >= cars.first[:, None]) & (slot < cars.last[:, None])
        able = np.where(cars.minimum <= cars.maximum, cars.maximum, 0)
        caps: npt.NDArray[np.int64] = inside.astype(np.int64) * able[:, None]
        for line in range(3):
            free = self._free(line)
            for row in range(free.shape[0]):
                below = self._below(row, line)
                if below.size:
                    alone = (free[row] + self.own_ua[below, line][:, None]) // cars.line_ua[below, line][:, None]
                    alone[:, free[row] < 0] = 0
                    caps[below] = np.minimum(caps[below], alone)
        caps[caps < np.maximum(cars.minimum, 1)[:, None]] = 0
        return caps

    def threshold(self) -> npt.NDArray[np.int64]:
        """Return (cars,) steps up to which a car's current is covered by its idle floor on every line."""
        per_step = self.cars.line_ua
        steps = np.where(per_step > 0, -(-self.own_ua // np.maximum(per_step, 1)), 0)
        highest: npt.NDArray[np.int64] = steps.max(axis=1, initial=0)
        return highest

    def pressure(self, certificate: Certificate) -> tuple[npt.NDArray[Any], int]:
        """Return (cars, slots) what a step above the idle floor pays on its rows, and what all rows together get."""
        priced = [
            (at, line, [max(price, 0) for price in prices])
            for (noun, name, line), prices in certificate.row_prices.items()
            if (at := self.names.get((noun, name))) is not None and line in range(3) and len(prices) == self.slots
        ]
        highest = max((max(prices) for _, _, prices in priced), default=0)
        kind = exact_dtype(highest * int(self.cars.line_ua.max(initial=1)) * max(len(priced), 1))
        paid = np.zeros((len(self.cars.ids), self.slots), dtype=kind)
        passed = 0
        for at, line, prices in priced:
            below = self._below(at, line)
            paid[below] += np.array(prices, dtype=kind) * self.cars.line_ua[below, line].astype(kind)[:, None]
            room = np.maximum(self._free(line)[at], 0).tolist()
            passed += sum(price * left for price, left in zip(prices, room, strict=True))
        return paid, passed
