"""What one step does on a connector, and which slots, steps and energy each session may have (conventions 2, 5, 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from ocpp_schedule.check.effects import Effect, dc_effect, effect
from ocpp_schedule.check.kept import kept_power
from ocpp_schedule.check.pilots import allowed_below, held_to, pilot_step
from ocpp_schedule.check.transformers import Windings
from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    ENERGY_UNITS_PER_WH,
    Supply,
    exact,
    round_down,
    round_up,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from ocpp_schedule.model.session import KnownSession, Session
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.timegrid import TimeGrid

_Key = TypeVar("_Key")
_MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS: Final = 1_000_000
"""In a second."""
_WIRING: Final = attrgetter(
    "lines", "connection", "min_current_a", "max_current_a", "allowed_currents_a", "current_type"
)
_DIRECT: Final = attrgetter("max_power_w", "efficiency")
_CAR: Final = attrgetter("phases", "min_current_a", "max_current_a")
_INT64_SAFE: Final = 2**62
"""Sums that stay below cannot overflow int64; above it Python integers take over."""


@lru_cache(maxsize=4096)
def _idle_steps(
    floor_a: float, max_a: float, lines: int, step: float, voltage_v: int, maximum: int, *, only_w: bool
) -> int:
    """Return the idle floor of a connector, ``maximum`` being its highest set-point (convention 4)."""
    if only_w:
        return min(round_down(floor_a, lines * voltage_v) // int(step), maximum)
    return round_down(min(floor_a, max_a), DECIAMPERES_PER_AMPERE) // round_down(step, DECIAMPERES_PER_AMPERE)


def _givable(idle: int, unknown: Effect) -> int:
    """Return the idle floor as an outlet can give it: 0, or at least the minimum of an unknown car (convention 4)."""
    if idle == 0 or unknown.minimum > unknown.maximum:
        return 0
    return max(idle, unknown.minimum)


@dataclass(frozen=True, slots=True)
class Outlets:
    """The connectors, sorted by id.

    Attributes:
        ids: their ids.
        models: the connectors themselves.
        only_w: per connector, whether its station takes W only.
        steps: per connector, one step, A or W.
        supplies: per connector, its voltages.
        kind: per connector, the number of its kind; connectors of one kind do the same to every car.
        unknown_units: (connectors, channels) int64, what one step of an unknown car loads [uA, mVA].
        idle_steps: (connectors,) int64, the idle floor.
        minimum_steps: (connectors,) int64, minimum of an unknown car; 0 where the maximum is below it.
        maximum_steps: (connectors,) int64, its maximum.
        discrete: (connectors,) bool, takes allowed currents only (convention 19).
        exclusive: (connectors,) bool, in an exclusive group of its station.
    """

    ids: tuple[str, ...]
    models: tuple[Connector, ...]
    only_w: tuple[bool, ...]
    steps: tuple[float, ...]
    supplies: tuple[Supply, ...]
    kind: list[int]
    unknown_units: npt.NDArray[np.int64]
    idle_steps: npt.NDArray[np.int64]
    minimum_steps: npt.NDArray[np.int64]
    maximum_steps: npt.NDArray[np.int64]
    discrete: npt.NDArray[np.bool_]
    exclusive: npt.NDArray[np.bool_]

    @property
    def idle_units(self) -> npt.NDArray[np.int64]:
        """(connectors, channels) load of the idle floor [uA, mVA]."""
        return self.idle_steps[:, None] * self.unknown_units


def _supplies(site: Site, models: Sequence[Connector], windings: Windings) -> tuple[Supply, ...]:
    """Return the supply of each connector: another one behind a transformer."""
    if not windings.any:
        return (windings.supply(windings.root),) * len(models)
    circuit_of = {station.id: station.circuit for station in site.stations}
    return tuple(windings.supply(circuit_of[connector.station]) for connector in models)


def outlets_of(site: Site, channels: int) -> Outlets:
    """Return the connectors of ``site`` with their floors; ``channels``: the three lines, and with 4 the total."""
    windings = Windings(site)
    takes = map(attrgetter("id", "capabilities.rate_units"), site.stations)
    w_stations = {name for name, units in takes if "A" not in units}
    models = tuple(sorted(site.connectors, key=attrgetter("id")))
    discrete = np.array([one is not None for one in map(attrgetter("allowed_currents_a"), models)], dtype=np.bool_)
    step_a = pilot_step if discrete.any() else attrgetter("step_a")
    if w_stations or any(model.current_type == "DC" for model in models):
        only_w = tuple(one.station in w_stations or one.current_type == "DC" for one in models)
        steps = tuple(float(c.step_w) if w else step_a(c) for c, w in zip(models, only_w, strict=True))
    else:
        only_w, steps = (False,) * len(models), tuple(map(step_a, models))
    alone = {name for station in site.stations for group in station.exclusive_groups for name in group}
    floor_a, supplies = site.idle_floor_a, _supplies(site, models, windings)
    kind, kinds = _kinds(zip(map(_WIRING, models), map(_DIRECT, models), steps, only_w, supplies, strict=True))
    rows = []
    for (lines, connection, min_a, max_a, allowed_a, current_type), (most_w, efficiency), step, w, own in kinds:
        if current_type == "DC":
            e = dc_effect(lines, int(step), own, most_w, efficiency, max_a)
            idle = dc_effect(lines, int(step), own, most_w, efficiency, min(floor_a, max_a)).maximum
        else:
            between = connection == "delta"
            e = held_to(effect(lines, step, own, None, min_a, max_a, only_w=w, between=between), allowed_a, step)
            count, across = (1, own.between_v) if between else (len(lines), own.voltage_v)
            idle = _idle_steps(floor_a, max_a, count, step, across, e.maximum, only_w=w)
            idle = _givable(idle if allowed_a is None else allowed_below(allowed_a, step, idle), e)
        rows.append((idle, e.minimum if e.minimum <= e.maximum else 0, e.maximum, *e.load_units[:channels]))
    numbers = np.array(rows, dtype=np.int64).reshape(-1, 3 + channels)[kind]
    return Outlets(
        ids=tuple(map(attrgetter("id"), models)),
        models=models,
        only_w=only_w,
        steps=steps,
        supplies=supplies,
        kind=kind,
        unknown_units=numbers[:, 3:],
        idle_steps=numbers[:, 0],
        minimum_steps=numbers[:, 1],
        maximum_steps=numbers[:, 2],
        discrete=discrete,
        exclusive=np.array([model.id in alone for model in models], dtype=np.bool_),
    )


def _kinds(keys: Iterable[_Key]) -> tuple[list[int], list[_Key]]:
    """Return for each key the number of its kind, and the keys that differ: exact arithmetic is slow, kinds are few."""
    every = list(keys)
    numbers = {key: at for at, key in enumerate(dict.fromkeys(every))}
    return list(map(numbers.__getitem__, every)), list(numbers)


@dataclass(frozen=True, slots=True)
class Cars:
    """The sessions, sorted by id.

    Attributes:
        ids: their ids.
        models: the sessions themselves.
        outlet: (sessions,) index of the connector in ``Outlets``.
        load_units: (sessions, channels) int64, load of one step [uA, mVA].
        power: (sessions,) int64, power of one step into the car [0.1 W].
        draw: (sessions,) int64, what the site delivers for it, losses included [0.1 W].
        minimum: (sessions,) int64 [steps].
        maximum: (sessions,) int64 [steps].
        first: (sessions,) first slot wholly inside the session.
        last: (sessions,) the slot after the last one inside; equal to ``first`` where there is none.
        wished: per session, ``energy_wh`` [0.1 J], rounded up.
        outside: (sessions,) bool, wholly outside the grid.
        wanted: (sessions,) int64, what is wanted within the grid (convention 8) [0.1 J]; 0 outside.
    """

    ids: tuple[str, ...]
    models: tuple[KnownSession, ...]
    outlet: npt.NDArray[np.int64]
    load_units: npt.NDArray[np.int64]
    power: npt.NDArray[np.int64]
    draw: npt.NDArray[np.int64]
    minimum: npt.NDArray[np.int64]
    maximum: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    wished: list[int]
    outside: npt.NDArray[np.bool_]
    wanted: npt.NDArray[np.int64]


def cars_of(sessions: Sequence[KnownSession], outlets: Outlets, grid: TimeGrid, edges_s: npt.NDArray[np.int64]) -> Cars:
    """Return the sessions with their effects and windows; ``edges_s`` are the edges of ``grid``."""
    models = tuple(sorted(sessions, key=attrgetter("id")))
    index = {name: at for at, name in enumerate(outlets.ids)}
    outlet = [index[name] for name in map(attrgetter("connector"), models)]
    kind, kinds = _kinds(zip(map(outlets.kind.__getitem__, outlet), map(_CAR, models), strict=True))
    one_of = dict(zip(kind, zip(outlet, models, strict=True), strict=True))
    effects = [car_effect(outlets, *one_of[number]) for number in range(len(kinds))]
    start = grid.start
    arrival = np.array([(at - start) // _MICROSECOND for at in map(attrgetter("arrival"), models)], dtype=np.int64)
    departure = np.array([(at - start) // _MICROSECOND for at in map(attrgetter("departure"), models)], dtype=np.int64)
    first = np.searchsorted(edges_s[:-1], -(-arrival // _MICROSECONDS), side="left")
    last = np.searchsorted(edges_s[1:], departure // _MICROSECONDS, side="right")
    end = int(edges_s[-1]) * _MICROSECONDS
    outside = (arrival >= end) | (departure <= 0)
    channels = outlets.unknown_units.shape[1]
    rows = [(e.power, e.minimum, e.maximum, e.draw, *e.load_units[:channels]) for e in effects]
    numbers = np.array(rows, dtype=np.int64).reshape(-1, 4 + channels)[kind]
    wished = energy_units_up(list(map(attrgetter("energy_wh"), models)))
    wanted = np.where(outside, 0, np.array(wished, dtype=np.int64))
    full = np.where(numbers[:, 1] <= numbers[:, 2], numbers[:, 0] * numbers[:, 2], 0)
    for at in np.flatnonzero(~outside & (departure > end)).tolist():
        power = kept_power(models[at], int(full[at]))
        wanted[at] = need_in_grid(models[at].energy_wh, wished[at], models[at].departure, grid.end, power)
    return Cars(
        ids=tuple(map(attrgetter("id"), models)),
        models=models,
        outlet=np.array(outlet, dtype=np.int64),
        load_units=numbers[:, 4:],
        power=numbers[:, 0],
        draw=numbers[:, 3],
        minimum=numbers[:, 1],
        maximum=numbers[:, 2],
        first=first,
        last=np.maximum(last, first),
        wished=wished,
        outside=outside,
        wanted=wanted,
    )


def car_effect(outlets: Outlets, at: int, car: Session, most_a: float = inf) -> Effect:
    """Return what one step does for a car on a connector that gives at most ``most_a`` per line."""
    connector = outlets.models[at]
    used = (1, 2, 3)[: len(connector.lines)] if car.phases is None else (min(car.phases, len(connector.lines)),)
    lows, highs = [connector.min_current_a], [connector.max_current_a, most_a]
    for own, found in ((car.min_current_a, lows), (car.max_current_a, highs)):
        if isinstance(own, tuple):
            found.extend(own[count - 1] for count in used)
        elif own is not None:
            found.append(own)
    if connector.current_type == "DC":
        most_w, efficiency = connector.max_power_w or 0.0, connector.efficiency or 1.0
        return dc_effect(connector.lines, connector.step_w, outlets.supplies[at], most_w, efficiency, min(highs))
    plain = effect(
        connector.lines,
        outlets.steps[at],
        outlets.supplies[at],
        car.phases,
        max(lows),
        min(highs),
        only_w=outlets.only_w[at],
        between=connector.connection == "delta",
    )
    return held_to(plain, connector.allowed_currents_a, outlets.steps[at])


def full_power(cars: Cars, at: int) -> int:
    """Return the power of a car at its maximum set-point; 0 where it cannot charge [0.1 W]."""
    return int(cars.power[at] * cars.maximum[at]) if cars.minimum[at] <= cars.maximum[at] else 0


def energy_units_up(watt_hours: Sequence[float]) -> list[int]:
    """Return energies in 0.1 J, rounded up, on the written decimals.

    >>> energy_units_up([5520.0, 0.001, 0.00001])
    [198720000, 36, 1]
    """
    values = np.array(watt_hours, dtype=np.float64)
    # A float that equals k / 1000 is written as that decimal (at most 15 digits); of the others the product is
    # certain to a thousandth (10**8 Wh x 36,000 x 2**-51), so only those close to a whole number need their text.
    thousandths, product = np.rint(values * 1000), values * ENERGY_UNITS_PER_WH
    whole = thousandths / 1000 == values
    units = np.where(whole, thousandths * (ENERGY_UNITS_PER_WH // 1000), np.ceil(product)).astype(np.int64).tolist()
    for at in np.flatnonzero(~whole & (np.abs(product - np.rint(product)) < 0.01)).tolist():  # noqa: PLR2004 - ten times it
        units[at] = round_up(watt_hours[at], ENERGY_UNITS_PER_WH)
    return list(units)


def need_in_grid(energy_wh: float, units: int, by: datetime, grid_end: datetime, full_power: int, lost: int = 0) -> int:
    """Return what must come out of the grid so that the rest of the window can give the remainder (convention 8).

    Args:
        energy_wh: energy needed by ``by`` [Wh].
        units: the same, rounded up [0.1 J].
        by: departure or milestone.
        grid_end: end of the grid.
        full_power: power at the maximum set-point [0.1 W].
        lost: what availability takes of that after the grid [0.1 J x 10^6].
    """
    if by <= grid_end:
        return units
    rest = (by - grid_end) // _MICROSECOND
    if rest % _MICROSECONDS == 0 and lost == 0:
        return max(0, units - full_power * (rest // _MICROSECONDS))
    need = exact(energy_wh) * ENERGY_UNITS_PER_WH * _MICROSECONDS - full_power * rest + lost
    return max(0, -int(-need // _MICROSECONDS))


def exact_dtype(bound: int) -> type[Any]:
    """Return int64 where no sum can exceed ``bound`` and that is safe, else ``object`` (Python integers)."""
    return np.int64 if bound < _INT64_SAFE else object
