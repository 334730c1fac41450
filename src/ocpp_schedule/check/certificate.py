"""Weak duality: prices on rows and demands prove what no plan can cost less than, without a solver.

For any prices, paying for every row what it can pass and for every demand what it asks gives a lower bound
on the cost of every plan (Lagrange; DESIGN 5). Wrong prices give a weak bound, never a wrong one. Integers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.metered import metered_bound_units
from ocpp_schedule.check.needs import Needs, forgiven_units, needs_of
from ocpp_schedule.check.offers import BLOCK_CARS, Offers, most_units, offers_of
from ocpp_schedule.check.quantities import exact_dtype
from ocpp_schedule.check.scene import Scene, scene_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.solution import Certificate
    from ocpp_schedule.timegrid import TimeGrid

    Ints = npt.NDArray[np.int64]


def proven_cost_units(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    availability: Sequence[Availability] = (),
    session_defaults: SessionDefaults | None = None,
    held: Mapping[str, int] | None = None,
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
        availability: what connectors may give when.
        session_defaults: what is assumed of sessions that do not say.
        held: by session, the steps its charger holds in the first slot, which is under way; None: none is.
        certificate: prices; any prices give a valid bound, good ones a tight one.
        must_units: must-have energy that the plan in hand misses [0.1 J].
        want_units: wished energy that it misses [0.1 J].

    Variables are the energies given, as set-points without rounding: guard losses only take away, so every
    plan is one of them. Named rules that tighten: a set-point is 0 where its rows leave less than the minimum
    current beside the idle floors of the others, and at most the largest allowed one that they leave; a row passes
    whole steps where all cars below it have the same step and no idle floor; without guarded edges needs are rounded
    up to whole steps.
    """
    scene = scene_of(
        site,
        sessions,
        tariff,
        grid,
        limits=limits,
        forecasts=forecasts,
        availability=availability,
        session_defaults=session_defaults,
        held=held,
    )
    return bound_units(scene, certificate, must_units=must_units, want_units=want_units)


def bound_units(scene: Scene, certificate: Certificate, *, must_units: int, want_units: int) -> int:
    """Return the bound of ``proven_cost_units``, from what was derived before."""
    if scene.background is not None:
        return metered_bound_units(scene, certificate, must_units=must_units, want_units=want_units)
    needs = needs_of(scene, certificate)
    offers = offers_of(scene, certificate, _common(certificate, needs))
    count = np.bincount(needs.car, minlength=len(scene.cars.ids))
    only = np.full(count.size, -1, dtype=np.int64)
    only[needs.car] = np.arange(needs.car.size)
    single = np.flatnonzero(count == 1)
    sums: dict[int, int] = {}
    # Prices of the needs per 0.1 J as (numerator, denominator), for what missing energy could save.
    rates = (needs.price.copy(), np.ones(needs.car.size, dtype=object))
    charged = [np.flatnonzero(count != 1)]
    for begin in range(0, single.size, BLOCK_CARS):
        block = single[begin : begin + BLOCK_CARS]
        served, price, length = _best_prices(offers, block, needs.units[only[block]], sums)
        charged.append(block[~served])
        if must_units or want_units:
            at = only[block[served]]
            rates[0][at] = np.maximum(price[served], 0) * offers.scale
            rates[1][at] = length[served] * _quantum(offers, block[served])
    worth = offers.scale * sum(total // divisor for divisor, total in sums.items())
    rest = np.concatenate(charged)
    for begin in range(0, rest.size, BLOCK_CARS):
        worth += offers.scale * _at_given_prices(offers, rest[begin : begin + BLOCK_CARS], needs, certificate)
    asked = np.isin(needs.car, rest)
    worth += sum((needs.price[asked] * needs.units[asked].astype(object)).tolist())
    return int((worth - offers.paid - forgiven_units(needs, rates, must_units, want_units)) // certificate.denominator)


def _common(certificate: Certificate, needs: Needs) -> int:
    """Return the greatest common divisor of the prices of needs and caps; 0 where there are none."""
    prices = [*needs.price.tolist(), *certificate.cap_prices.values()]
    return int(np.gcd.reduce(np.array(prices, dtype=object), initial=0)) if any(prices) else 0


def _quantum(offers: Offers, block: Ints) -> Ints:
    """Return (block,) energy of a step in the common unit of time [0.1 J]."""
    quantum: Ints = np.maximum(offers.scene.cars.power[block] * offers.second, 1)
    return quantum


def _best_prices(
    offers: Offers, block: Ints, units: Ints, sums: dict[int, int]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any], Ints]:
    """Add up what cars with one need are worth at the best price: that of the last energy they must take.

    Below 0 the price is that of the most a car may have instead (convention 6).

    Args:
        offers: the prices of steps.
        block: the cars.
        units: (block,) what they need [0.1 J].
        sums: takes the worth, by what it is to be divided by.

    Returns:
        whether a car can have what it needs at all (the others are left out), and its price per unit of time as a
        fraction: of ``scale / denominator`` money.
    """
    amounts, order = offers.amounts(block), offers.order[offers.group[block]]
    even = int(offers.length.max()) == 1
    reach = np.take_along_axis(amounts, order, axis=1)
    if not even:
        reach = reach * offers.length[order]
    np.cumsum(reach, axis=1, out=reach)
    quantum = _quantum(offers, block)
    served = reach[:, -1] >= -(-units // quantum)
    price, length = _price_at(offers, block, order, reach, -(-units // quantum))
    bought = units.astype(object)
    for at in np.flatnonzero(served & (price < 0)).tolist():
        (most,) = most_units(offers.scene, block[at : at + 1])
        bought[at], price[at] = most, 0
        if int(reach[at, -1]) * int(quantum[at]) > most:
            least = np.array([-(-most // int(quantum[at]))])
            found, length[at : at + 1] = _price_at(
                offers, block[at : at + 1], order[at : at + 1], reach[at : at + 1], least
            )
            price[at] = min(int(found[0]), 0)
    highest = int(np.abs(offers.price).max(initial=1)) * int(offers.length.max())
    kind = exact_dtype(4 * highest * max(int(reach[:, -1].max(initial=1)), 1))
    net = offers.price.astype(kind)[offers.group[block]]
    if even:
        net -= price.astype(kind)[:, None]
    else:
        net = net * length[:, None] - price.astype(kind)[:, None] * offers.length
    np.minimum(net, 0, out=net)
    taken = (net * amounts).sum(axis=1)
    value = price.astype(object) * bought + taken.astype(object) * quantum
    divisor = quantum * length
    for one in np.unique(divisor[served]).tolist():
        here = served & (divisor == one)
        sums[one] = sums.get(one, 0) + sum(value[here].tolist())
    return served, price, length


def _price_at(offers: Offers, block: Ints, order: Ints, reach: Ints, least: Ints) -> tuple[npt.NDArray[Any], Ints]:
    """Return the price of a step, and the length of the slot, with which the cheapest columns reach ``least``."""
    at = np.minimum((reach < least[:, None]).sum(axis=1), reach.shape[1] - 1)
    column = order[np.arange(block.size), at]
    return offers.price[offers.group[block], column], offers.length[column]


def _at_given_prices(offers: Offers, block: Ints, needs: Needs, certificate: Certificate) -> int:
    """Return what cars are worth that have several needs, or none that they can reach, at the prices given [scale]."""
    cars, seconds = offers.scene.cars, offers.scene.seconds
    amounts = offers.amounts(block).astype(object)
    place = np.full(len(cars.ids), -1, dtype=np.int64)
    place[block] = np.arange(block.size)
    pays = np.zeros((block.size, seconds.size + 1), dtype=object)
    for at in np.flatnonzero(place[needs.car] >= 0).tolist():
        pays[place[needs.car[at]], needs.end[at]] += needs.price[at]
    # What a slot's energy pays: every need whose end comes after it.
    pays = np.cumsum(pays[:, ::-1], axis=1)[:, ::-1][:, 1:]
    energy = cars.power[block, None].astype(object) * seconds
    columns = offers.price.shape[1] // seconds.size
    net = offers.price[offers.group[block]].astype(object) - np.tile(pays * energy // offers.scale, columns)
    energy = np.tile(energy, columns)
    worth = 0
    for at, most in enumerate(most_units(offers.scene, block)):
        wanted = net[at] < 0
        given = certificate.cap_prices.get(cars.ids[block[at]], 0)
        cap = -(-max(given, 0) // offers.scale)
        if given == 0 and int((amounts[at] * energy[at])[wanted].sum()) > most:
            cap = _cap_price(net[at], energy[at], amounts[at], most)
        worth += int((np.minimum(net[at] + cap * energy[at], 0) * amounts[at]).sum()) - cap * most
    return worth


def _cap_price(net: npt.NDArray[Any], energy: npt.NDArray[Any], amounts: npt.NDArray[Any], most: int) -> int:
    """Return what the last energy earns that a car may have, which wants more [scale per 0.1 J]."""
    open_ = np.flatnonzero(amounts > 0)
    earned = -(net[open_] // energy[open_])
    order = np.argsort(-earned.astype(np.float64), kind="stable")
    reach = np.cumsum((amounts * energy)[open_][order])
    last = int(np.searchsorted(reach, most))
    return max(int(earned[order[last]]), 0) if last < order.size else 0
