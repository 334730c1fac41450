"""Stages that look at loads or shares: their values, and what prices prove about them (convention 27)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.limits import UNLIMITED, soft_headroom
from ocpp_schedule.check.meter import base_loads
from ocpp_schedule.units import LINES, MILLI_PER_UNIT, SUPPLIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.bookings import Bookings
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.objective import Objective
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.solution import Certificate
    from ocpp_schedule.timegrid import TimeGrid

LEVELS: Final = 64
"""Levels in which ``flat`` counts."""
SHARES: Final = 1_000_000
"""Parts of a share."""
MICROJOULES: Final = 100_000
"""Of 0.1 J."""
KINDS: Final = ("contract", "fair", "peak", "flat")


@dataclass(frozen=True, slots=True)
class Soft:
    """A soft limit on one channel of a circuit.

    Attributes:
        circuit: id.
        row, channel: in the layout.
        headroom: (slots,) limit less highest base load [uA, mVA].
        microjoules: energy of one unit in a second, at the nominal voltage.
    """

    circuit: str
    row: int
    channel: int
    headroom: npt.NDArray[np.int64]
    microjoules: int


@dataclass(frozen=True, slots=True)
class Loads:
    """What such stages start from.

    Attributes:
        base: per slot, expected base load of the site [0.1 J].
        level_dw: height of a level [0.1 W].
        soft: the soft limits.
    """

    base: list[int]
    level_dw: int
    soft: tuple[Soft, ...]


def loads_of(
    site: Site,
    layout: Layout,
    cars: Cars,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    limits: Sequence[LimitSeries],
    forecasts: Sequence[Forecast],
    objective: Objective,
) -> Loads | None:
    """Return what stages of loads start from; None where the objective has none."""
    if not any(stage.kind in KINDS for stage in objective.sequence):
        return None
    seconds = np.diff(edges_s)
    base = base_loads(site, grid, forecasts)
    slot = np.arange(grid.slots)
    there = (slot >= cars.first[:, None]) & (slot < cars.last[:, None])
    able = np.where(cars.minimum <= cars.maximum, cars.maximum, 0) * cars.draw
    most = [
        -(-units // length) + power
        for units, length, power in zip(base, seconds.tolist(), (able @ there).tolist(), strict=True)
    ]
    level = max(-(-max(most, default=0) // LEVELS), 1)
    return Loads(base, level, _soft(site, layout, grid, edges_s, limits, forecasts))


def _soft(
    site: Site,
    layout: Layout,
    grid: TimeGrid,
    edges_s: npt.NDArray[np.int64],
    limits: Sequence[LimitSeries],
    forecasts: Sequence[Forecast],
) -> tuple[Soft, ...]:
    given = [limit for limit in limits if limit.soft]
    (root,) = (circuit for circuit in site.circuits if circuit.parent is None)
    voltage = SUPPLIES[root.supply or "400Y/230"].voltage_v
    return tuple(
        Soft(
            layout.subjects[row], row, channel, headroom[channel], MILLI_PER_UNIT if channel >= len(LINES) else voltage
        )
        for row, headroom in soft_headroom(site, layout, grid, edges_s, given, forecasts).items()
        for channel in range(headroom.shape[0])
        if (headroom[channel] < UNLIMITED).any()
    )


def excess_of(scene: Scene, bookings: Bookings) -> dict[str, int]:
    """Return by circuit the energy that may be drawn above its soft limits [1e-6 J]; slots under way count nothing."""
    found: dict[str, int] = {}
    if scene.loads is None or not scene.loads.soft:
        return found
    slots = scene.grid.slots
    current = bookings.currents(0, slots)
    booked = scene.layout.sums(current, bookings.inside)[:, bookings.alike] + bookings.still_units[:, :, None]
    first = int(scene.held is not None)
    for one in scene.loads.soft:
        over = [
            max(int(seen) - int(most), 0) * length
            for seen, most, length in zip(
                booked[one.row, one.channel].tolist(), one.headroom.tolist(), scene.seconds.tolist(), strict=True
            )
        ]
        found[one.circuit] = found.get(one.circuit, 0) + one.microjoules * sum(over[first:])
    return found


def load_value(kind: str, scene: Scene, by_slot: list[int], excess: Mapping[str, int]) -> int:
    """Return the value of a stage of loads: ``contract`` [0.1 J], ``peak`` [0.1 W] or ``flat`` [0.1 J]."""
    assert scene.loads is not None  # noqa: S101 - such a stage comes with loads, for the type checker
    if kind == "contract":
        return -(-sum(excess.values()) // MICROJOULES)
    total: list[int] = [base + units for base, units in zip(scene.loads.base, by_slot, strict=True)]
    lengths = scene.seconds.tolist()
    if kind == "peak":
        means: list[int] = [-(-units // length) for units, length in zip(total, lengths, strict=True)]
        return max(means)
    level = scene.loads.level_dw
    return sum(
        max(units - number * level * length, 0)
        for units, length in zip(total, lengths, strict=True)
        for number in range(1, LEVELS + 1)
    )


def fair_values(cars: Cars, left: list[int], valued: frozenset[str]) -> dict[int, int]:
    """Return by priority the largest share of a wish that is missed, rounded up [1e-6].

    Args:
        cars: the sessions.
        left: what the wish of each misses [0.1 J].
        valued: sessions whose energy has a value; they are left out.
    """
    found: dict[int, int] = {car.priority: 0 for car in cars.models}
    for car, missed, wanted in zip(cars.models, left, cars.wanted.tolist(), strict=True):
        if wanted and car.id not in valued:
            found[car.priority] = max(found[car.priority], -(-missed * SHARES // wanted))
    return found


@dataclass(slots=True)
class Paid:
    """What prices of stages of loads and shares add to a bound.

    Attributes:
        slot: (slots,) what energy pays in each slot: price x seconds.
        pressure: (cars, slots) what a step above the idle floor pays to soft limits.
        constant: what base load and limits come to.
        shares: by stage and car, what a missed unit of its wish counts.
    """

    slot: npt.NDArray[Any]
    pressure: npt.NDArray[Any] | None = None
    constant: int = 0
    shares: dict[str, dict[int, int]] = field(default_factory=dict)


def pay(
    paid: Paid, kind: str, name: str, price: int, scene: Scene, certificate: Certificate, able: Iterable[int]
) -> None:
    """Take in one stage at its price; prices that do not hold for it are held to what does.

    Args:
        paid: is added to.
        kind: of the stage.
        name: of the stage.
        price: of one of its units.
        scene: what is planned.
        certificate: prices of any kind.
        able: cars whose wishes the stage looks at (``fair``).
    """
    assert scene.loads is not None  # noqa: S101 - such a stage comes with loads, for the type checker
    slots = scene.grid.slots
    given = certificate.load_prices.get(name, ())
    own = [max(one, 0) for one in given] if len(given) == slots else [0] * slots
    if kind == "contract":
        _pay_soft(paid, price, scene, certificate)
    elif kind == "fair":
        paid.shares[name] = _shares(price, scene, certificate.share_prices.get(name, {}), able)
    elif kind == "peak":
        # Every slot's mean is at most the highest: as much as the prices of all slots together is the price of that.
        left = price
        for at, (one, length) in enumerate(zip(own, scene.seconds.tolist(), strict=True)):
            most = min(one, left // length)
            left -= most * length
            paid.slot[at] += most * length
            paid.constant += most * scene.loads.base[at]
    else:
        for at, (one, length) in enumerate(zip(own, scene.seconds.tolist(), strict=True)):
            slope = min(one, LEVELS * price)
            paid.slot[at] += slope * length
            paid.constant += slope * scene.loads.base[at] + _least_above(price, slope, scene.loads.level_dw * length)


def _least_above(price: int, slope: int, height: int) -> int:
    """Return the least of what levels count for a load, at their price, less the load at its slope.

    From level n on a load counts n times, so the least is where that outgrows the slope.
    """
    if not price:
        return 0
    level = -(-slope // price)
    return price * height * (level * (level - 1) // 2) - slope * level * height


def _shares(price: int, scene: Scene, given: Mapping[str, int], able: Iterable[int]) -> dict[int, int]:
    left, found = price * SHARES, {}
    for at in able:
        wanted = int(scene.cars.wanted[at])
        own = min(max(given.get(scene.cars.ids[at], 0), 0), left // wanted)
        left -= own * wanted
        if own:
            found[at] = own
    return found


def _pay_soft(paid: Paid, price: int, scene: Scene, certificate: Certificate) -> None:
    layout, cars = scene.layout, scene.cars
    assert scene.loads is not None  # noqa: S101 - such a stage comes with loads, for the type checker
    rank = np.empty(layout.order.size, dtype=np.int64)
    rank[layout.order] = np.arange(layout.order.size)
    place = rank[cars.outlet]
    floors = layout.sums(scene.outlets.idle_units[layout.order])
    first = int(scene.held is not None)
    for one in scene.loads.soft:
        given = certificate.soft_prices.get((one.circuit, one.channel), ())
        if len(given) != scene.grid.slots or not any(given):
            continue
        # A unit above the limit counts so much at most, and never less than nothing.
        most = [price * one.microjoules * length // MICROJOULES for length in scene.seconds.tolist()]
        own = [min(max(value, 0), top) for value, top in zip(given, most, strict=True)]
        own = [0 if at < first or one.headroom[at] >= UNLIMITED else value for at, value in enumerate(own)]
        below = layout.holds(one.row, place)
        load = np.where(below, cars.load_units[:, one.channel], 0).astype(object)
        more = load[:, None] * np.array(own, dtype=object)
        paid.pressure = more if paid.pressure is None else paid.pressure + more
        floor = int(floors[one.row, one.channel])
        paid.constant += sum(
            value * (floor - most_here) for value, most_here in zip(own, one.headroom.tolist(), strict=True) if value
        )
