"""The bound by weak duality where the bill is one at the meter: cars slot by slot, for both directions (convention 17).

As ``check.certificate``, but what all cars take in a slot is needed slot by slot, because import and export have
different prices. Integers and fractions only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.limits import rows_above
from ocpp_schedule.check.meter_bound import meter_bound
from ocpp_schedule.check.needs import Needs, forgiven_units, needs_of
from ocpp_schedule.check.offers import offers_of
from ocpp_schedule.check.storage import charging_units
from ocpp_schedule.check.v2g_bound import givers_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.solution import Certificate

    Ints = npt.NDArray[np.int64]
    Exact = npt.NDArray[Any]


def metered_bound_units(scene: Scene, certificate: Certificate, *, must_units: int, want_units: int) -> int:
    """Return what no plan adds less than to the bill that misses at most this much energy [money units]."""
    assert scene.background is not None  # noqa: S101 - the caller has looked, for the type checker
    cars, slots, times = scene.cars, scene.grid.slots, certificate.denominator
    rows = offers_of(replace(scene, price_s=[0] * slots), certificate, 0)
    everyone = np.arange(len(cars.ids))
    amounts = _within_surplus(scene, rows.amounts(everyone))
    copies = amounts.shape[1] // slots
    caps = amounts.reshape(everyone.size, copies, slots).sum(axis=1)
    needs = needs_of(scene, certificate)
    givers = givers_of(scene, certificate, needs) if scene.gives else None
    given = [] if givers is None else givers.most_dw(slots)
    prices = meter_bound(scene.background, cars, caps, certificate, charging_pays(scene, certificate), given)
    power, draw = (each[:, None].astype(object) for each in (cars.power, cars.draw))
    inward, outward = (np.tile(draw * way.money * times, copies) for way in prices.ways)
    net = inward + rows.price[rows.group].astype(object) * rows.scale
    energy = np.tile(power * scene.seconds, copies)
    apart = set() if givers is None else set(givers.rows)
    needs = _repriced(needs, net, energy, amounts, slots, apart)
    for at in [at for at, car in enumerate(needs.car.tolist()) if car not in apart]:
        inside = np.tile(np.arange(slots) < needs.end[at], copies)
        net[needs.car[at], inside] -= needs.price[at] * energy[needs.car[at], inside]
    worth = sum((needs.price * needs.units.astype(object)).tolist()) - rows.paid
    if givers is not None:
        givers.price(net, energy, slots)
        worth += givers.constant
    worth -= _capped(scene, certificate, net, energy, amounts, apart)
    rates = (needs.price, np.ones(needs.car.size, dtype=object))
    worth -= forgiven_units(needs, rates, must_units, want_units)
    nets = (net, net + outward - inward)
    least = [_least(one, amounts, slots) for one in nets]
    if givers is not None:
        for way, (one, low) in enumerate(zip(nets, least, strict=True)):
            givers.lower(low, one, amounts, prices, way, scene.seconds)
    return int((worth + prices.total(least, times)) // times)


def charging_pays(scene: Scene, certificate: Certificate) -> dict[str, list[int]]:
    """Return by battery what a step of charging pays to hard rows in each slot [1 / denominator money units]."""
    background, layout, slots = scene.background, scene.layout, scene.grid.slots
    assert background is not None  # noqa: S101 - the caller has looked, for the type checker
    found = {}
    for battery in background.batteries:
        paid = [0] * slots
        above = {layout.subjects[row] for row in rows_above(background.site, layout, battery.model.circuit)}
        loads = charging_units(background.site, battery)
        for (noun, name, channel), prices in certificate.row_prices.items():
            known = noun == "circuit" and name in above and channel in range(scene.cars.load_units.shape[1])
            if known and len(prices) == slots:
                paid = [sum_ + max(price, 0) * loads[channel] for sum_, price in zip(paid, prices, strict=True)]
        found[battery.model.id] = paid
    return found


def _within_surplus(scene: Scene, amounts: Ints) -> Ints:
    """Return the (cars, columns) amounts, those of cars that wait for surplus held to it."""
    assert scene.background is not None  # noqa: S101 - the caller has looked, for the type checker
    waits = [at for at, car in enumerate(scene.cars.models) if car.source == "surplus"]
    if not waits:
        return amounts
    spare = np.array([max(0, -net) for net in scene.background.net()], dtype=np.int64)
    most = spare // np.maximum(scene.cars.draw[waits, None] * scene.seconds, 1)
    held = amounts.copy()
    held[waits] = np.minimum(held[waits], np.tile(most, amounts.shape[1] // scene.grid.slots))
    return held


def _least(net: Exact, amounts: Ints, slots: int) -> list[int]:
    """Return per slot what all cars together cost at least."""
    taken = np.minimum(net, 0) * amounts
    return [int(one) for one in taken.sum(axis=0).reshape(-1, slots).sum(axis=0).tolist()]


def _repriced(needs: Needs, net: Exact, energy: Exact, amounts: Ints, slots: int, apart: set[int]) -> Needs:
    """Return the needs with the best price where a car has only one: that of the last energy it must take.

    The needs of the cars in ``apart`` stay as they are.
    """
    count = np.bincount(needs.car, minlength=amounts.shape[0])
    price = needs.price.copy()
    for at in np.flatnonzero(count[needs.car] == 1).tolist():
        car = int(needs.car[at])
        if car in apart:
            continue
        inside = np.tile(np.arange(slots) < needs.end[at], amounts.shape[1] // slots)
        last = _price_of(net[car], energy[car], np.where(inside, amounts[car], 0), int(needs.units[at]))
        if last is not None:
            price[at] = max(last, 0)
    return replace(needs, price=price)


def _price_of(net: Exact, energy: Exact, amounts: Ints, units: int) -> int | None:
    """Return the price of the last of so much energy, cheapest first; None beyond all of it."""
    open_ = np.flatnonzero(amounts > 0)
    if not open_.size:
        return None
    dear = net[open_] // energy[open_]
    order = np.argsort(dear.astype(np.float64), kind="stable")
    reach = np.cumsum((amounts * energy)[open_][order])
    last = int(np.searchsorted(reach, units))
    return int(dear[order[last]]) if last < order.size else None


def _capped(scene: Scene, certificate: Certificate, net: Exact, energy: Exact, amounts: Ints, apart: set[int]) -> int:
    """Charge energy its cap price, in place; return what all caps together are worth (convention 6).

    The cars in ``apart`` have theirs already. Where the certificate names none it is what a car would earn on more than
    it may have.
    """
    cars, seconds, worth = scene.cars, scene.seconds, 0
    for at in [at for at in np.flatnonzero((net < 0).any(axis=1)).tolist() if at not in apart]:
        longest = int(seconds[cars.first[at] : cars.last[at]].max(initial=0))
        most = cars.wished[at] + max(max(int(cars.minimum[at]), 1) * int(cars.power[at]) * longest - 1, 0)
        given = certificate.cap_prices.get(cars.ids[at])
        price = -(_price_of(net[at], energy[at], amounts[at], most) or 0) if given is None else given
        if price > 0:
            net[at] += price * energy[at]
            worth += price * most
    return worth
