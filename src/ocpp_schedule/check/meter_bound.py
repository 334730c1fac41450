"""The meter in the bound by weak duality: what any plan must at least pay for exchange and peaks (convention 17).

Energy through the meter is priced at a slope ``s`` per slot. Where it flows in, the bill and the peaks cost at least
``s`` if ``s`` is at most the import price plus what the peak prices add; where it flows out, if ``s`` is at least the
export price. A slot that may do either is bounded by the lower of both directions. Any prices give a valid bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.meter import DECIWATTS_PER_KW, DECIWATTS_PER_WATT, at_or_below
from ocpp_schedule.units import MONEY_UNITS_PER_CURRENCY, PRICE_UNITS_PER_CURRENCY, round_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.meter import Background
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.solution import Certificate


@dataclass(frozen=True, slots=True)
class Way:
    """One direction at the meter, with the prices that hold for it.

    Attributes:
        money: (cars, slots) price x seconds of charging.
        fixed: per slot, what base load and curtailment come to at least [money units].
        open: per slot, whether any plan can go this way.
    """

    money: npt.NDArray[Any]
    fixed: list[Fraction]
    open: list[bool]


@dataclass(frozen=True, slots=True)
class MeterBound:
    """Prices at the meter made valid.

    Attributes:
        ways: import, and export.
        constant: what does not depend on the plan [money units].
        consumed: per slot, what peaks of consumption add to the price of charging.
    """

    ways: tuple[Way, Way]
    constant: Fraction
    consumed: list[int]

    def total(self, charging: Sequence[Sequence[int]], times: int) -> Fraction:
        """Return the bound, given the least cost of charging per slot for either way [1 / times money units]."""
        found = self.constant * times
        for slot in range(len(self.ways[0].fixed)):
            found += min(
                way.fixed[slot] * times + least[slot]
                for way, least in zip(self.ways, charging, strict=True)
                if way.open[slot]
            )
        return found


def meter_bound(
    background: Background,
    cars: Cars,
    caps: npt.NDArray[np.int64],
    certificate: Certificate,
    pays: dict[str, list[int]],
    giving: Sequence[int] = (),
) -> MeterBound:
    """Return the prices of the certificate, held to what is valid, with what they prove about the rest.

    Args:
        background: what the meter sees beside charging.
        cars: the sessions.
        caps: (cars, slots) largest set-points of any plan.
        certificate: prices of any kind.
        pays: by battery, what a step of charging pays to hard rows in each slot [1 / denominator money units].
        giving: by slot, the most that cars can give [0.1 W]; empty: nothing.
    """
    seconds, slots = background.seconds, len(background.seconds)
    base = background.net()
    imported, consumed, constant = _peak_prices(background, certificate)
    surplus = _whole(certificate.surplus_prices, slots)
    rows, constant_rows = _export_prices(background, cars, certificate)
    constant += constant_rows
    rated = {name: [Fraction(one, certificate.denominator) for one in own] for name, own in pays.items()}
    values, constant_stored = _storage_prices(background, certificate)
    constant += constant_stored
    constant -= sum(
        Fraction(price * max(0, -net), length) for price, net, length in zip(surplus, base, seconds, strict=True)
    )
    constant -= sum(background.bill(base, _sum(background.load, slots)))
    given = list(certificate.meter_prices) if len(certificate.meter_prices) == slots else list(background.prices[0])
    inward = [min(s, price + more) for s, price, more in zip(given, background.prices[0], imported, strict=True)]
    outward = [max(s, price) for s, price in zip(given, background.prices[1], strict=True)]
    waits = np.array([car.source == "surplus" for car in cars.models], dtype=np.bool_)
    beside = np.zeros((len(cars.ids), slots), dtype=object)
    beside += np.array(consumed, dtype=object)
    beside[waits] += np.array(surplus, dtype=object)
    for _, below, prices in rows:
        beside[below] -= np.array(prices, dtype=object)
    most = (caps * cars.draw[:, None]).sum(axis=0)
    able = _sum(background.curtailable, slots)
    into = sum(battery.most_in * battery.step_dw for battery in background.batteries)
    out = sum(battery.most_out * battery.step_dw for battery in background.batteries)
    top = [
        net + (into + int(power)) * length + cut
        for net, power, length, cut in zip(base, most, seconds, able, strict=True)
    ]
    ways = tuple(
        Way(
            beside + np.array(prices, dtype=object),
            _fixed(background, base, prices, rows, values, rated),
            [reach >= 0 for reach in top]
            if prices is inward
            else [
                net < (out + more) * length
                for net, length, more in zip(base, seconds, giving or [0] * slots, strict=True)
            ],
        )
        for prices in (inward, outward)
    )
    return MeterBound((ways[0], ways[1]), constant, consumed)


def _sum(series: dict[str, list[int]], slots: int) -> list[int]:
    return [sum(one[slot] for one in series.values()) for slot in range(slots)]


def _whole(prices: Sequence[int], slots: int) -> list[int]:
    """Return prices that are not negative; zeros where they do not fit the slots."""
    return [max(0, price) for price in prices] if len(prices) == slots else [0] * slots


def _peak_prices(background: Background, certificate: Certificate) -> tuple[list[int], list[int], Fraction]:
    """Return per slot what peaks add to the price of import and of consumption, and what they come to at least.

    The prices of the intervals of one period are held to the price of its peak altogether.
    """
    slots = len(background.seconds)
    imported, consumed = [Fraction(0)] * slots, [Fraction(0)] * slots
    loads = _sum(background.load, slots)
    constant = Fraction(0)
    for period in background.periods:
        left = Fraction(period.price * MONEY_UNITS_PER_CURRENCY, PRICE_UNITS_PER_CURRENCY * DECIWATTS_PER_KW)
        prices = certificate.peak_prices.get((period.peak, period.name), ())
        for price, (inside, length, before) in zip(prices, period.intervals.values(), strict=False):
            own = min(Fraction(max(0, price)), left)
            left -= own
            constant += own * (Fraction(before, length) - period.floor_dw)
            for slot in inside:
                more = own * background.seconds[slot] / length
                if period.net:
                    imported[slot] += more
                else:
                    consumed[slot] += more
                    constant += own * loads[slot] / length
    return [int(price // 1) for price in imported], [int(price // 1) for price in consumed], constant


_Row = tuple[set[str], "npt.NDArray[np.bool_]", list[int]]


def _export_prices(background: Background, cars: Cars, certificate: Certificate) -> tuple[list[_Row], Fraction]:
    """Return the priced limits on export (generators and cars below, prices), and what they come to at least."""
    site = background.site
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    station = {one.id: one.circuit for one in site.stations}
    place = {one.id: station[one.station] for one in site.connectors}
    rows: list[_Row] = []
    constant = Fraction(0)
    for circuit in site.circuits:
        prices = _whole(certificate.export_prices.get(circuit.id, ()), len(background.seconds))
        if circuit.export_limit_w is None or not any(prices):
            continue
        named = [(one.id, one.circuit) for part in (site.loads, site.generators, site.storages) for one in part]
        devices = {name for name, where in named if at_or_below(where, circuit.id, parents)}
        sources = {name for name in devices if name not in background.load}
        below = np.array(
            [at_or_below(place[car.connector], circuit.id, parents) for car in cars.models], dtype=np.bool_
        )
        limit_dw = round_down(circuit.export_limit_w, DECIWATTS_PER_WATT)
        for slot, (net, length) in enumerate(zip(background.net(devices), background.seconds, strict=True)):
            able = sum(
                background.curtailable[name][slot] // length * length
                for name in sources
                if name in background.curtailable
            )
            least = -max(limit_dw * length, -(net + able))
            constant += Fraction(prices[slot] * (least - net), length)
        rows.append((sources, below, prices))
    return rows, constant


def _storage_prices(background: Background, certificate: Certificate) -> tuple[dict[str, list[int]], Fraction]:
    """Return by battery what stored energy is worth after each slot, and what its bounds come to at least.

    What is stored after a slot is between its bounds, whatever the plan; a slot's flow is priced with the worth.
    """
    slots = len(background.seconds)
    values: dict[str, list[int]] = {}
    constant = Fraction(0)
    for battery in background.batteries:
        given = certificate.storage_prices.get(battery.model.id, ())
        own = list(given) if len(given) == slots else [0] * slots
        values[battery.model.id] = own
        constant -= own[0] * battery.start
        for slot, (worth, following) in enumerate(zip(own, [*own[1:], 0], strict=True)):
            least = max(battery.low, battery.end) if slot == slots - 1 else battery.low
            constant += min((worth - following) * least, (worth - following) * battery.high)
    return values, constant


def _fixed(
    background: Background,
    base: list[int],
    prices: list[int],
    rows: list[_Row],
    values: dict[str, list[int]],
    pays: dict[str, list[Fraction]],
) -> list[Fraction]:
    """Return per slot what base load, curtailment and batteries come to at least; a battery never flows both ways."""
    found = []
    for slot, length in enumerate(background.seconds):
        total = Fraction(base[slot] * prices[slot], length)
        for name, able in background.curtailable.items():
            own = prices[slot] - sum(row[slot] for sources, _, row in rows if name in sources)
            total += Fraction(min(0, own) * able[slot], length)
        for battery in background.batteries:
            name = battery.model.id
            own = prices[slot] - sum(row[slot] for sources, _, row in rows if name in sources)
            worth = values[name][slot] * length
            fill = battery.most_in * (battery.step_dw * (own - worth * battery.kept) + pays[name][slot])
            give = battery.most_out * battery.step_dw * (battery.wear * length + worth * battery.drawn - own)
            total += min(Fraction(0), fill, give)
        found.append(total)
    return found
