"""Differences between the expected currents of lines: judged, and priced in proofs (convention 14)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.units import LINES, MICROAMPERES_PER_AMPERE, SUPPLIES, exact, round_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.model.devices import Generator
    from ocpp_schedule.model.series import Forecast
    from ocpp_schedule.model.site import Load, Site
    from ocpp_schedule.solution import Certificate
    from ocpp_schedule.timegrid import TimeGrid
    from ocpp_schedule.units import Supply


@dataclass(frozen=True, slots=True)
class Balance:
    """One circuit whose lines may differ by so much.

    Attributes:
        circuit: its id.
        inside: (cars,) bool, at or below it.
        allowed: by pair of lines, per slot what charging may put on the first more than on the second [uA].
    """

    circuit: str
    inside: npt.NDArray[np.bool_]
    allowed: dict[tuple[int, int], list[int]]


@dataclass(frozen=True, slots=True)
class Balances:
    """All such circuits of a site.

    Attributes:
        circuits: those with a limit.
        expected: (cars, lines) expected current of one step [uA].
    """

    circuits: tuple[Balance, ...]
    expected: npt.NDArray[np.int64]


def balances_of(
    site: Site, layout: Layout, outlets: Outlets, cars: Cars, grid: TimeGrid, forecasts: Sequence[Forecast]
) -> Balances:
    """Return the circuits with a limit, with what base load leaves of it."""
    if all(circuit.unbalance_limit_a is None for circuit in site.circuits):
        return Balances((), np.zeros((len(cars.ids), len(LINES)), dtype=np.int64))
    expected = np.array([_per_step(outlets, cars, at) for at in range(len(cars.ids))], dtype=np.int64)
    rank = np.empty(layout.order.size, dtype=np.int64)
    rank[layout.order] = np.arange(layout.order.size)
    found = []
    root = next(circuit for circuit in site.circuits if circuit.parent is None)
    supply = SUPPLIES[root.supply or "400Y/230"]
    for circuit in site.circuits:
        if circuit.unbalance_limit_a is None:
            continue
        inside = layout.holds(layout.circuit_row[circuit.id], rank[cars.outlet])
        limit = round_down(circuit.unbalance_limit_a, MICROAMPERES_PER_AMPERE)
        found.append(Balance(circuit.id, inside, _allowed(site, circuit.id, limit, supply, grid, forecasts)))
    return Balances(tuple(found), expected.reshape(-1, len(LINES)))


def _per_step(outlets: Outlets, cars: Cars, at: int) -> list[int]:
    """Return the expected current of one step of a car on each line [uA], rounded down."""
    outlet, phases = int(cars.outlet[at]), cars.models[at].phases
    model, voltage = outlets.models[outlet], outlets.supplies[outlet].voltage_v
    if model.connection == "delta":  # between the only two lines there are
        return [0, 0, 0]
    if model.current_type == "DC":
        power, share, used = exact(float(model.step_w)) / exact(model.efficiency or 1.0), len(model.lines), model.lines
    elif outlets.only_w[outlet]:
        power, share = exact(float(model.step_w)), len(model.lines if phases is None else model.lines[:phases])
        used = model.lines[:1] if phases is None else model.lines[:phases]
    else:
        power, share = exact(outlets.steps[outlet]) * voltage, 1
        used = model.lines[:1] if phases is None else model.lines[:phases]
    current = floor(power * MICROAMPERES_PER_AMPERE / (share * voltage))
    return [current if line in used else 0 for line in LINES]


def _allowed(
    site: Site, circuit: str, limit: int, supply: Supply, grid: TimeGrid, forecasts: Sequence[Forecast]
) -> dict[tuple[int, int], list[int]]:
    """Return what base load leaves to charging, the mean of each slot; nothing where it takes all by itself."""
    parents = {one.id: one.parent for one in site.circuits}
    series = {one.id: one for one in forecasts}
    base = [[Fraction(0)] * grid.slots for _ in LINES]
    for sign, things in ((1, site.loads), (-1, site.generators)):
        for thing in things:
            where: str | None = thing.circuit
            while where is not None and where != circuit:
                where = parents[where]
            if where == circuit:
                for line, means in zip(base, _means(thing, series[thing.id], supply, grid, sign), strict=True):
                    line[:] = [sum_ + sign * mean for sum_, mean in zip(line, means, strict=True)]
    pairs = permutations([LINES.index(line) for line in supply.lines], 2)
    return {
        (one, other): [max(0, floor(limit - a + b)) for a, b in zip(base[one], base[other], strict=True)]
        for one, other in pairs
    }


def _means(
    thing: Load | Generator, series: Forecast, supply: Supply, grid: TimeGrid, sign: int
) -> list[list[Fraction]]:
    """Return by line the expected current of each slot [uA]: of every interval in whole uA, up for loads."""
    whole: Any = ceil if sign > 0 else floor
    found = []
    for at, line in enumerate(LINES):
        if line not in thing.lines:
            found.append([Fraction(0)] * grid.slots)
            continue
        if series.expected_w is not None:
            share = len(thing.lines) * supply.voltage_v
            units = [whole(exact(power) * MICROAMPERES_PER_AMPERE / share) for power in series.expected_w]
        else:
            amperes = [value[at] if isinstance(value, tuple) else value for value in series.expected_a or ()]
            units = [whole(exact(value) * MICROAMPERES_PER_AMPERE) for value in amperes]
        found.append(_over_slots(units, series, grid))
    return found


def _over_slots(units: list[int], series: Forecast, grid: TimeGrid) -> list[Fraction]:
    """Return the mean of each slot, an interval's value holding throughout it."""
    ahead = grid.start_s - int(series.start.timestamp())
    found = []
    for first, end in zip(grid.edges_s[:-1], grid.edges_s[1:], strict=True):
        total, at = 0, first + ahead
        while at < end + ahead:
            until = min((at // series.step_s + 1) * series.step_s, end + ahead)
            total += units[at // series.step_s] * (until - at)
            at = until
        found.append(Fraction(total, end - first))
    return found


def judge_unbalance(balances: Balances, setpoints: npt.NDArray[Any], findings: Findings) -> None:
    """Judge every slot: set-points as expected draws. Not fail-safe: a car may draw less."""
    for one in balances.circuits:
        drawn = balances.expected[one.inside].T.astype(setpoints.dtype) @ setpoints[one.inside]
        for (first, second), allowed in one.allowed.items():
            seen = (drawn[first] - drawn[second]).tolist()
            for slot, (more, most) in enumerate(zip(seen, allowed, strict=True)):
                if more > most:
                    findings.add(
                        "unbalance",
                        "circuit",
                        one.circuit,
                        int(more),
                        most,
                        unit="uA",
                        detail=f"charging on {LINES[first]} over {LINES[second]}, as expected",
                        slot=slot,
                    )


class Priced:
    """Prices of differences: a step pays for the line that it loads, and is paid for the other."""

    def __init__(self, balances: Balances, certificate: Certificate, slots: int) -> None:
        self._expected = balances.expected
        self.priced: list[tuple[Balance, tuple[int, int], list[int]]] = []
        for one in balances.circuits:
            for pair, key in zip(one.allowed, _keys(one), strict=True):
                prices = certificate.row_prices.get(("unbalance", one.circuit, key), ())
                if len(prices) == slots:
                    self.priced.append((one, pair, [max(price, 0) for price in prices]))

    def _per_step(self, one: Balance, pair: tuple[int, int]) -> npt.NDArray[np.int64]:
        differs: npt.NDArray[np.int64] = self._expected[:, pair[0]] - self._expected[:, pair[1]]
        return differs * one.inside

    def kinds(self) -> list[npt.NDArray[np.int64]]:
        """Return what tells cars apart."""
        return [self._per_step(one, pair) for one, pair, _ in self.priced]

    def highest(self) -> int:
        """Return the highest price."""
        return max((max(prices) for _, _, prices in self.priced), default=0)

    def charges(self, first: npt.NDArray[np.int64], kind: type[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield for each limit what it is paid altogether, and (groups, slots) what a step pays.

        ``first`` is one car of each group.
        """
        for one, pair, prices in self.priced:
            paid = sum(price * most for price, most in zip(prices, one.allowed[pair], strict=True))
            own = self._per_step(one, pair)[first].astype(object)
            yield paid, (own[:, None] * np.array(prices, dtype=object)).astype(kind)


def _keys(one: Balance) -> list[int]:
    """Return the number of each pair in certificates: the pairs in the order of the lines, then the other way round."""
    forward = [pair for pair in one.allowed if pair[0] < pair[1]]
    return [forward.index((min(pair), max(pair))) + (0 if pair[0] < pair[1] else len(forward)) for pair in one.allowed]
