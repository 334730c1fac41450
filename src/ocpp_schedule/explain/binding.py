"""What every limit is worth over time: shadow prices of the linear program, one-sided, with the range they hold for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.solve.parametric import Parametric
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MICROAMPERES_PER_AMPERE, MONEY_UNITS_PER_CURRENCY, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, tzinfo

    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solve.parametric import Place, Worth

WH_PER_KWH: Final = 1000
NUDGE_UA: Final = 10_000
"""0.01 A: a price is looked for this close to the limit, far above what a solver's tolerance makes of it."""
WORK: Final = 1_000_000
"""Open set-points times linear programs: about 350 programs of a site with 54 cars and 96 slots."""
MOST_STEPS: Final = 12
"""Tangents that are tried for the end of a range."""
SAME: Final = 1e-4
"""Relative difference below which two prices are one: programs are solved to 1e-9 of values far above the nudge."""
_NO_KWH: Final = 1e-6
"""A thousandth of a Wh is the solver's tolerance."""
_NO_SHARE: Final = 1e-8
"""So is this share of the cost."""
AGGREGATE_A: Final = 10
"""How many amperes (in total: kVA) more a whole limit is asked for."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one ampere is worth.

    Attributes:
        kwh: energy of wishes that it brings [kWh per A].
        money: what it saves [currency per A]; negative where the energy that it brings has to be paid for.
    """

    kwh: float
    money: float

    def __bool__(self) -> bool:
        return bool(self.kwh or self.money)


@dataclass(frozen=True, slots=True)
class LimitPrice:
    """The price of one limit in one slot.

    Attributes:
        limit: name of the row, e.g. ``circuit main L1``.
        slot: its index.
        start, end: of the slot.
        more: of the next ampere (of a limit on all lines together: kVA, and so throughout).
        for_next_a: for how many amperes ``more`` holds; None: without end, or not looked for.
        then: of those after them; None: not looked for.
        less: what an ampere less takes away (positive: it costs); None: not looked for.
        unit: ``A``, or ``kVA`` for a limit on all lines together.
    """

    limit: str
    slot: int
    start: datetime
    end: datetime
    more: Price
    for_next_a: float | None
    then: Price | None
    less: Price | None
    unit: str = "A"


@dataclass(frozen=True, slots=True)
class LimitWorth:
    """What so much more on a circuit or station is worth over the whole grid, on all its lines.

    Attributes:
        limit: e.g. ``circuit main``.
        amount: how much more [``unit``].
        unit: ``A`` on each line, or ``kVA`` in total.
        kwh: energy of wishes that it brings [kWh].
        money: what it saves [currency].
    """

    limit: str
    amount: float
    unit: str
    kwh: float
    money: float


@dataclass(frozen=True, slots=True)
class Binding:
    """The limits that bind, and what they are worth; iterates over ``prices``.

    Attributes:
        prices: by limit and slot; limits that are not named are worth nothing when raised.
        totals: by circuit and station, the most valuable first.
        slots: T.
        currency: of the prices.
        zone: for printing.
    """

    prices: tuple[LimitPrice, ...]
    totals: tuple[LimitWorth, ...]
    slots: int
    currency: str
    zone: tzinfo

    def __iter__(self) -> Iterator[LimitPrice]:
        return iter(self.prices)

    def __len__(self) -> int:
        return len(self.prices)

    def vector(self, limit: str) -> Floats:
        """Return (T, 2) what one ampere more on a limit brings in each slot [kWh] and saves [currency]."""
        found = np.zeros((self.slots, 2))
        for one in self.prices:
            if one.limit == limit:
                found[one.slot] = one.more.kwh, one.more.money
        return found

    def __str__(self) -> str:
        """Return a line for each limit and slot, then one for each limit as a whole."""
        lines = [self._line(one) for one in self.prices]
        lines += [
            f"{one.limit}: {one.amount:g} {one.unit} more all the time {self._gain(Price(one.kwh, one.money))}"
            for one in self.totals
        ]
        return "\n".join(lines) or "no limit binds"

    def _line(self, one: LimitPrice) -> str:
        span = f"{one.start.astimezone(self.zone):%H:%M}-{one.end.astimezone(self.zone):%H:%M}"
        if not one.more and one.less is not None:
            less = self._gain(one.less, bare=True)
            return f"{one.limit} {span}: 1 {one.unit} more brings nothing, 1 {one.unit} less takes {less}"
        text = f"{one.limit} {span}: 1 {one.unit} more {self._gain(one.more)}"
        if one.for_next_a is not None and one.then is not None:
            text += f" for the next {one.for_next_a:,.4g} {one.unit}, then {self._gain(one.then, bare=True)}"
        return text

    def _gain(self, price: Price, *, bare: bool = False) -> str:
        parts = [f"{price.kwh:+,.4g} kWh"] if price.kwh else []
        if price.money > 0:
            parts.append(f"{price.money:,.4g} {self.currency}" if bare else f"saves {price.money:,.4g} {self.currency}")
        elif price.money < 0:
            parts.append(f"costs {-price.money:,.4g} {self.currency}")
        return " and ".join(parts) or ("0" if bare else "brings nothing")


def find_binding(problem: Problem, currency: str, time_zone: str) -> Binding:
    """Return the shadow prices of the limits.

    Prices are those of the linear program of the plan, stage by stage: missing energy first, then money. They are
    found by solving it again with the limit moved, so that degenerate duals do no harm. The work is bounded
    (``WORK``): the limits with the highest duals come first, and those left over are not listed.

    Args:
        problem: compiled arrays.
        currency: of the tariff.
        time_zone: for printing.
    """
    zone = ZoneInfo(time_zone)
    if not problem.cap_steps.any():
        return Binding((), (), problem.slots, currency, zone)
    values = Parametric(problem)
    explorer = _Explorer(problem, values)
    found: list[LimitPrice | None] = []
    for place in values.binding():
        if found and values.calls * max(values.arcs, 1) > WORK:
            break
        found.append(explorer.price(place))
    prices = sorted((one for one in found if one), key=lambda one: (one.limit, one.slot))
    parts = sorted({(node, channel >= TOTAL) for node, channel, _ in values.binding()})
    totals = sorted(
        (explorer.total(node, total=total) for node, total in parts), key=lambda one: (-one.kwh, -one.money, one.limit)
    )
    return Binding(tuple(prices), tuple(totals), problem.slots, currency, zone)


class _Explorer:
    """Walks along the worth of one limit, which is convex and made of straight pieces."""

    def __init__(self, problem: Problem, values: Parametric) -> None:
        self._problem, self._values = problem, values

    def price(self, place: Place) -> LimitPrice | None:
        """Return the price of a limit in a slot; None where an ampere more is worth nothing, or GLOP gives up."""
        problem = self._problem
        here, near = self._at(place, 0), self._at(place, NUDGE_UA)
        below = self._at(place, -NUDGE_UA)
        if here is None or near is None:
            return None
        more = _price(here, near, NUDGE_UA)
        less = None if below is None else _price(below, here, NUDGE_UA)
        if not more and not less:
            return None
        reach = self._reach(place, here, more) if more else None
        then = None
        if reach is not None:
            end, after = self._at(place, reach), self._at(place, reach + NUDGE_UA)
            if end is not None and after is not None:
                more, then = _price(here, end, reach), _price(end, after, NUDGE_UA)
        node, line, slot = place
        return LimitPrice(
            limit=_name(problem, node, line),
            slot=slot,
            start=problem.grid.edge(slot),
            end=problem.grid.edge(slot + 1),
            more=more,
            for_next_a=None if reach is None else reach / MICROAMPERES_PER_AMPERE,
            then=then,
            less=less,
            unit="kVA" if line >= TOTAL else "A",
        )

    def total(self, node: int, *, total: bool) -> LimitWorth:
        """Return what a whole limit is worth, on all lines or in total, in all slots."""
        problem = self._problem
        channels = range(TOTAL, problem.channels) if total else range(TOTAL)
        name = _name(problem, node, None)
        if node >= len(problem.node_names):
            channels = range(1)
        places = tuple((node, channel, slot) for channel in channels for slot in range(problem.slots))
        here, there = self._values.worth((), 0), self._values.worth(places, AGGREGATE_A * MICROAMPERES_PER_AMPERE)
        gain = Price(0.0, 0.0) if here is None or there is None else _price(here, there, MICROAMPERES_PER_AMPERE)
        return LimitWorth(name, float(AGGREGATE_A), "kVA" if total else "A", gain.kwh, gain.money)

    def _at(self, place: Place, more_ua: int) -> Worth | None:
        return self._values.worth((place,) if more_ua else (), more_ua)

    def _reach(self, place: Place, here: Worth, more: Price) -> int | None:
        """Return how far the price holds, energy and money [uA]; None: without end, or not found."""
        problem = self._problem
        end = far = int((problem.max_steps[:, None] * problem.load_units).sum()) + 2 * NUDGE_UA
        for pick in (_kwh, _money):
            corner = self._corner(place, here, pick(more), pick, far)
            if corner is None:
                return None
            far = corner
        return far if far < end else None

    def _corner(self, place: Place, here: Worth, first: float, pick: Callable[[Price], float], far: int) -> int | None:
        """Return the first corner up to ``far``, or ``far`` where there is none; None where it was not found.

        From far away the tangent is followed down to where it meets the line of the price (Newton from the right):
        on a convex function of straight pieces that ends at the first corner.
        """
        for _ in range(MOST_STEPS):
            there = self._at(place, far)
            if there is None:
                return None
            mean = pick(_price(here, there, far))
            if np.isclose(mean, first, rtol=SAME, atol=0.0) or far <= NUDGE_UA:
                return far
            last = pick(self._tangent(place, there, far))
            if first == last:
                return None
            meets = round(far * (mean - last) / (first - last))
            if not 0 < meets < far:
                return None
            far = meets
        return None

    def _tangent(self, place: Place, there: Worth, ua: int) -> Price:
        """Return the price just below a point: its dual, or where energy is missing the difference to a nudge less."""
        if there.slope is not None:
            return Price(0.0, there.slope * MICROAMPERES_PER_AMPERE / MONEY_UNITS_PER_CURRENCY)
        before = self._at(place, ua - NUDGE_UA)
        return Price(0.0, 0.0) if before is None else _price(before, there, NUDGE_UA)


def _name(problem: Problem, node: int, line: int | None) -> str:
    """Return the name of a row, of a node without a line, or of a conductor."""
    if problem.phasors is not None and node >= len(problem.node_names):
        return problem.phasors.names[node - len(problem.node_names)]
    return problem.node_names[node] if line is None else problem.row_name(node, line)


def _kwh(price: Price) -> float:
    return price.kwh


def _money(price: Price) -> float:
    return price.money


def _price(before: Worth, after: Worth, ua: int) -> Price:
    """Return what an ampere brings and saves between two values that are ``ua`` apart."""
    amperes = ua / MICROAMPERES_PER_AMPERE
    kwh = (before.missing_units - after.missing_units) / ENERGY_UNITS_PER_WH / WH_PER_KWH / amperes
    money = (before.cost_units - after.cost_units) / MONEY_UNITS_PER_CURRENCY / amperes
    scale = max(abs(before.cost_units), abs(after.cost_units)) / MONEY_UNITS_PER_CURRENCY
    return Price(
        kwh if abs(kwh * amperes) > _NO_KWH else 0.0, money if abs(money * amperes) > scale * _NO_SHARE else 0.0
    )
