"""What energy costs the cars slot by slot, for given prices of the rows; cars that pay alike share one table."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.needs import step_units
from ocpp_schedule.check.never_zero import due_units
from ocpp_schedule.check.periods import spread_s
from ocpp_schedule.check.pilots import allowed_at_most
from ocpp_schedule.check.quantities import exact_dtype
from ocpp_schedule.check.tangents import tangent_pressure
from ocpp_schedule.check.unbalance import Priced

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ocpp_schedule.check.pools import Shared
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.solution import Certificate

BLOCK_CARS: Final = 2048
"""Cars looked at together: their slots then stay in the cache."""


@dataclass(frozen=True, slots=True)
class Offers:
    """Prices of a step by group of cars, in units of ``scale / denominator`` money; what each car may take of it.

    A column is a slot. Where idle floors are booked anyway there are two per slot: up to the floor a step pays no
    row, above it it does.

    Attributes:
        scene: the cars.
        group: (cars,) the group of each.
        price: (groups, columns) of a step.
        order: (groups, columns) the columns, cheapest energy first.
        length: (columns,) length of the slots over ``second``.
        second: greatest common divisor of the slot lengths [s].
        alone: (groups, slots) steps that fit every row beside the idle floors of all others.
        covered: (cars,) steps up to which the idle floor covers the car's load on every channel.
        paid: what all rows together are paid [1 / denominator money].
        scale: common divisor of all prices, taken out.
    """

    scene: Scene
    group: npt.NDArray[np.int64]
    price: npt.NDArray[Any]
    order: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    second: int
    alone: npt.NDArray[np.int64]
    covered: npt.NDArray[np.int64]
    paid: int
    scale: int

    def amounts(self, block: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return (block, columns) the most steps of each column that any plan can have."""
        caps = _caps(self.scene, self.alone[self.group[block]], block)
        if self.price.shape[1] == self.scene.grid.slots:
            return caps
        below = np.minimum(caps, self.covered[block, None])
        return np.concatenate((below, caps - below), axis=1)


def _caps(scene: Scene, alone: npt.NDArray[np.int64], block: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (block, slots) the largest set-points that any plan can have, from the steps that fit their rows."""
    cars, slot = scene.cars, np.arange(scene.grid.slots)
    able = np.where(cars.minimum <= cars.maximum, cars.maximum, 0)[block, None]
    caps = allowed_at_most(np.minimum(able, alone), block, cars, scene.outlets)
    inside = (slot >= cars.first[block, None]) & (slot < cars.last[block, None])
    caps *= inside
    if scene.held is not None:
        caps[:, 0] = 0
    if scene.own is not None:
        caps = scene.own.cap(caps, block)
    least = np.maximum(cars.minimum[block, None], 1)
    if int(least.max(initial=1)) > 1:
        caps[caps < least] = 0
    if scene.due is not None:
        caps = np.maximum(caps, inside * scene.due[block, None])
    return caps


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rows leave to every car and charge it, at the prices of a certificate.

    Attributes:
        caps: (cars, slots) the largest set-points that any plan can have.
        covered: (cars,) steps up to which the idle floor covers the car's load on every channel.
        pressure: (cars, slots) what a step above that pays to rows.
        beside: (cars, slots) what any step pays to limits that are no rows, such as whole pieces.
        paid: what all rows and other limits together are paid.
    """

    caps: npt.NDArray[np.int64]
    covered: npt.NDArray[np.int64]
    pressure: npt.NDArray[Any]
    beside: npt.NDArray[Any]
    paid: int


def seen_of(scene: Scene, certificate: Certificate) -> Seen:
    """Return what the rows leave and charge, car by car."""
    rows = _Rows(scene, certificate)
    group, first = rows.groups()
    kind = exact_dtype(rows.highest() * int(scene.cars.load_units.max(initial=1)) * (rows.count() + 1))
    alone, pressure, paid = rows.seen_by(first, kind)
    beside = np.zeros((1, 1), dtype=kind)
    for worth, per_step in rows.charges(first, kind):
        beside = beside + per_step
        paid += worth
    caps = _caps(scene, alone[group], np.arange(group.size))
    return Seen(caps, _covered(scene), pressure[group], beside[group] if beside.size > 1 else beside, paid)


def offers_of(scene: Scene, certificate: Certificate, common: int) -> Offers:
    """Return the offers at the certificate's prices of the rows.

    Args:
        scene: what the models say.
        certificate: the prices.
        common: what the scale must divide besides the prices of steps (0: anything).
    """
    rows = _Rows(scene, certificate)
    group, first = rows.groups()
    power = scene.cars.draw[first]
    money, times = max(map(abs, scene.price_s), default=0), certificate.denominator
    highest = rows.highest()
    most = max(money * times * int(power.max(initial=1)), highest * int(scene.cars.load_units.max(initial=1)))
    kind = exact_dtype(most * (rows.count() + 1))
    slope = power.astype(kind)[:, None] * (np.array(scene.price_s, dtype=object) * times).astype(kind)
    alone, pressure, paid = rows.seen_by(first, kind)
    for worth, per_step in rows.charges(first, kind):
        slope += per_step
        paid += worth
    covered = _covered(scene)
    price = np.concatenate((slope, slope + pressure), axis=1) if covered.any() else slope + pressure
    scale = int(np.gcd.reduce(price, axis=None)) if price.size else 0
    scale = int(np.gcd(scale, common)) or 1
    second = int(np.gcd.reduce(scene.seconds))
    length = np.tile(scene.seconds // second, price.shape[1] // scene.seconds.size)
    order = np.argsort((price // scale).astype(np.float64) / length, axis=1, kind="stable")
    return Offers(scene, group, price // scale, order, length, second, alone, covered, paid, scale)


def most_units(scene: Scene, block: npt.NDArray[np.int64]) -> list[int]:
    """Return (block,) the most energy a car may have: its wish and less than a slot at its minimum (convention 6).

    At a station with few periods also less than one step in all its slots (convention 24).
    Where no edge is guarded that is a sum of whole steps.
    """
    cars, seconds = scene.cars, scene.seconds
    longest = np.full(block.size, int(seconds.max()))
    if int(seconds.min()) != int(seconds.max()):
        windows = zip(cars.first[block].tolist(), cars.last[block].tolist(), strict=True)
        longest = np.array([seconds[a:b].max(initial=0) for a, b in windows], dtype=np.int64)
    longest = np.where(cars.last[block] > cars.first[block], longest, 0)
    spread = np.maximum(np.maximum(cars.minimum[block], 1) * longest, spread_s(scene.told, cars, scene.edges_s)[block])
    over = spread * cars.power[block] - 1
    wished = np.maximum(cars.wished, due_units(scene.due, cars, scene.edges_s)).astype(np.int64)
    units = wished[block] + np.maximum(over, 0)
    if scene.guard_s == 0:
        units -= units % np.maximum(step_units(cars, seconds)[block], 1)
    most: list[int] = units.tolist()
    return most


def _covered(scene: Scene) -> npt.NDArray[np.int64]:
    per_step, own = scene.cars.load_units, scene.outlets.idle_units[scene.cars.outlet]
    steps = np.where(per_step > 0, -(-own // np.maximum(per_step, 1)), 0)
    highest: npt.NDArray[np.int64] = steps.max(axis=1, initial=0)
    return highest


def _groups(keys: list[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of each distinct combination of keys, and where each comes first."""
    size = keys[0].size
    varying = [key.tolist() for key in keys if size and int(key.min()) != int(key.max())]
    if not varying:
        return np.zeros(size, dtype=np.int64), np.zeros(min(size, 1), dtype=np.int64)
    every = list(zip(*varying, strict=True))
    first = dict(zip(reversed(every), range(size - 1, -1, -1), strict=True))
    numbers = {key: at for at, key in enumerate(first)}
    return np.array(list(map(numbers.__getitem__, every)), dtype=np.int64), np.array([*first.values()], dtype=np.int64)


class _Rows:
    """The rows that matter: those with a price, and those that can hold a car back even when all others are idle."""

    def __init__(self, scene: Scene, certificate: Certificate) -> None:
        layout, cars, slots = scene.layout, scene.cars, scene.grid.slots
        names: dict[tuple[str, str], int] = {
            name: at for at, name in enumerate(zip(layout.nouns, layout.subjects, strict=True))
        }
        lines = range(cars.load_units.shape[1])
        self.scene = scene
        self.beside = (_Shares(scene, certificate), Priced(scene.balances, certificate, slots))
        self.tangents = certificate.tangent_prices if scene.conductors else ()
        self.priced = {
            (names[noun, name], line): [max(price, 0) for price in prices]
            for (noun, name, line), prices in certificate.row_prices.items()
            if (noun, name) in names and line in lines and len(prices) == slots
        }
        floor = layout.sums(scene.outlets.idle_units[layout.order])
        self.free = scene.limits.headroom_in(0, slots) - floor[:, :, None]
        most = (cars.load_units * np.maximum(cars.maximum, 0)[:, None]).max(axis=0, initial=0)
        tight = zip(*(axis.tolist() for axis in np.nonzero(self.free.min(axis=2) < most)), strict=True)
        self.places = sorted({*tight, *self.priced})
        rank = np.empty(layout.order.size, dtype=np.int64)
        rank[layout.order] = np.arange(layout.order.size)
        self.rank = rank[cars.outlet]

    def groups(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the group of every car, and the first car of each: those that pay alike."""
        # Where tangents have prices, what a step pays depends on the connector.
        return _groups([*self.keys(), self.scene.cars.outlet] if self.tangents else self.keys())

    def keys(self) -> list[npt.NDArray[np.int64]]:
        """Return what tells cars apart: the rows above them, and what a step and the idle floor do."""
        scene, rows = self.scene, np.array(sorted({row for row, _ in self.places}), dtype=np.int64)
        runs = [run for row in rows.tolist() for run in range(*scene.layout.runs(row).indices(scene.layout.low.size))]
        edges = np.union1d(scene.layout.low[runs], scene.layout.high[runs])
        own = scene.outlets.idle_units[scene.cars.outlet]
        above = np.searchsorted(edges, self.rank, side="right").astype(np.int64)
        return [above, scene.cars.power, scene.cars.draw, *scene.cars.load_units.T, *own.T, *self.beside_keys()]

    def beside_keys(self) -> list[npt.NDArray[np.int64]]:
        """Return the same of limits that are no rows."""
        return [key for one in self.beside for key in one.kinds()]

    def highest(self) -> int:
        """Return the highest price of all."""
        return max([max(map(max, self.priced.values()), default=0), *(one.highest() for one in self.beside)])

    def count(self) -> int:
        """Return how many rows and other limits have a price."""
        return len(self.priced) + sum(len(one.priced) for one in self.beside)

    def charges(self, first: npt.NDArray[np.int64], kind: type[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield for each limit that is no row what it is paid altogether, and (groups, slots) what a step pays."""
        for one in self.beside:
            yield from one.charges(first, kind)

    def seen_by(
        self, first: npt.NDArray[np.int64], kind: type[Any]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], int]:
        """Return (groups, slots) steps that fit, (groups, slots) what a step pays, and what the rows get together.

        ``first`` is one car of each group. A row passes whole multiples of what all cars below it have in common.
        """
        scene, slots = self.scene, self.scene.grid.slots
        layout, per_step = scene.layout, scene.cars.load_units[first]
        own, rank = scene.outlets.idle_units[scene.cars.outlet[first]], self.rank[first]
        alone = np.full((first.size, slots), np.iinfo(np.int64).max)
        pressure = np.zeros((first.size, slots), dtype=kind)
        paid = 0
        # Batteries draw on rows, too, in steps of their own.
        shared = scene.background is not None and bool(scene.background.batteries)
        for row, line in self.places:
            below = layout.holds(row, rank) & (per_step[:, line] > 0)
            here = np.flatnonzero(below)
            if not here.size:
                if shared and (row, line) in self.priced:
                    room = np.maximum(self.free[row, line], 0)
                    paid += sum(price * left for price, left in zip(self.priced[row, line], room.tolist(), strict=True))
                continue
            free, step, floor = self.free[row, line], per_step[here, line], own[here, line]
            fits = (free + floor[:, None]) // step[:, None]
            fits[:, free < 0] = 0
            alone[here] = np.minimum(alone[here], fits)
            if (row, line) in self.priced:
                prices = self.priced[row, line]
                pressure[here] += np.array(prices, dtype=object).astype(kind) * step.astype(kind)[:, None]
                unit = 1 if shared or floor.any() else int(np.gcd.reduce(step))
                room = np.maximum(free, 0)
                room -= room % unit
                paid += sum(map(operator.mul, prices, room.tolist()))
        if self.tangents:
            more, passed = tangent_pressure(scene, self.tangents, first)
            pressure, paid = pressure + more, paid + passed
        return alone, pressure, paid


class _Shares:
    """Prices of whole pieces; a step pays the part of a piece that it takes at least."""

    def __init__(self, scene: Scene, certificate: Certificate) -> None:
        slots, self.cars = scene.grid.slots, scene.cars
        found = [(one, certificate.row_prices.get((one.kind, one.name, 0), ())) for one in scene.shared]
        self.priced = [(one, [max(price, 0) for price in prices]) for one, prices in found if len(prices) == slots]

    def _inside(self, one: Shared) -> npt.NDArray[np.bool_]:
        return np.isin(self.cars.outlet, one.members)

    def kinds(self) -> list[npt.NDArray[np.int64]]:
        """Return what tells cars apart: who takes of what, and how much one piece is to it."""
        keys = []
        for one, _ in self.priced:
            step, size = one.least_taken(self.cars.outlet, self.cars.maximum)
            keys += [np.where(self._inside(one), part, 0) for part in (step, size)]
        return keys

    def highest(self) -> int:
        """Return the highest price."""
        return max((max(prices) for _, prices in self.priced), default=0)

    def charges(self, first: npt.NDArray[np.int64], kind: type[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield for each pool what it is paid altogether, and (groups, slots) what a step pays.

        ``first`` is one car of each group.
        """
        for one, prices in self.priced:
            take, size = one.least_taken(self.cars.outlet[first], self.cars.maximum[first])
            inside = self._inside(one)[first]
            paid = np.array(prices, dtype=object) * take.astype(object)[:, None] // size.astype(object)[:, None]
            yield sum(prices) * one.pieces, (paid * inside[:, None]).astype(kind)
