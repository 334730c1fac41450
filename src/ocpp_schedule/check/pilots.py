"""Discrete pilots: which set-points a charger can be told at all (convention 19)."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from functools import lru_cache
from itertools import count
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, round_down

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ocpp_schedule.check.effects import Effect
    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.model.site import Connector, Site


def pilot_step(connector: Connector) -> float:
    """Return one step of a connector that takes A [A]."""
    if connector.allowed_currents_a is None:
        return connector.step_a
    return gcd(*(_tenths(value_a) for value_a in connector.allowed_currents_a)) / DECIAMPERES_PER_AMPERE


def as_sent(site: Site) -> Site:
    """Return the site with connectors that take only what their station can be sent: multiples of ``limit_step_a``."""
    coarse = {
        station.id: Fraction(repr(station.capabilities.limit_step_a)) * DECIAMPERES_PER_AMPERE
        for station in site.stations
        if station.capabilities.limit_step_a > 1 / DECIAMPERES_PER_AMPERE
    }
    if not coarse:
        return site
    outlets = []
    for outlet in site.connectors:
        tenths = coarse.get(outlet.station)
        changed: dict[str, object] = {}
        if tenths is not None and outlet.allowed_currents_a is not None:
            sent = [one for one in outlet.allowed_currents_a if (_tenths(one) / tenths).denominator == 1]
            changed["allowed_currents_a"] = tuple(sent)
        elif tenths is not None:
            own = _tenths(outlet.step_a)
            both = next(k for k in count(own, own) if (k / tenths).denominator == 1)
            changed["step_a"] = both / DECIAMPERES_PER_AMPERE
        outlets.append(outlet.model_copy(update=changed))
    return site.model_copy(update={"connectors": tuple(outlets)})


def allowed_below(allowed_a: tuple[float, ...], step_a: float, highest: int) -> int:
    """Return the largest allowed set-point that is at most ``highest`` [steps]; 0 always is one.

    >>> allowed_below((0.0, 8.0, 16.0, 32.0), 8.0, 3)
    2
    """
    table = _table(allowed_a, step_a)
    return table[bisect_right(table, highest) - 1]


def held_to(plain: Effect, allowed_a: tuple[float, ...] | None, step_a: float) -> Effect:
    """Return the effect with its smallest and largest set-point among the allowed ones."""
    if allowed_a is None:
        return plain
    usable = [steps for steps in _table(allowed_a, step_a) if steps and plain.minimum <= steps <= plain.maximum]
    # As where the maximum comes out below the minimum: the only set-point is 0 (convention 5).
    return plain._replace(minimum=usable[0], maximum=usable[-1]) if usable else plain._replace(minimum=1, maximum=0)


def not_allowed(setpoints: npt.NDArray[np.int64], cars: Cars, outlets: Outlets) -> npt.NDArray[np.bool_]:
    """Return (sessions, slots) where a set-point is none that the charger can be told."""
    wrong = np.zeros(setpoints.shape, dtype=np.bool_)
    for car, table in _tables(np.arange(len(cars.ids)), cars, outlets):
        wrong[car] = ~np.isin(setpoints[car], table)
    return wrong


def allowed_at_most(
    caps: npt.NDArray[np.int64], block: npt.NDArray[np.int64], cars: Cars, outlets: Outlets
) -> npt.NDArray[np.int64]:
    """Return (block, slots) caps of some cars, in place lowered to what their chargers can be told."""
    for place, table in _tables(block, cars, outlets):
        caps[place] = table[np.searchsorted(table, np.maximum(caps[place], 0), side="right") - 1]
    return caps


def _tables(block: npt.NDArray[np.int64], cars: Cars, outlets: Outlets) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield the place in ``block`` and the allowed set-points of every car whose charger takes only those."""
    if outlets.discrete.any():
        outlet = cars.outlet[block]
        for place in np.flatnonzero(outlets.discrete[outlet]).tolist():
            at = int(outlet[place])
            allowed_a = outlets.models[at].allowed_currents_a or (0.0,)
            yield place, np.array(_table(allowed_a, outlets.steps[at]), dtype=np.int64)


def allowed_text(outlets: Outlets, at: int) -> str:
    """Return the set-points that a connector with allowed currents can be told, for a message."""
    *most, last = map(str, _table(outlets.models[at].allowed_currents_a or (0.0,), outlets.steps[at]))
    return f"{', '.join(most)} or {last} steps of {outlets.steps[at]:g} A"


@lru_cache(maxsize=1024)  # a site has few kinds of chargers
def _table(allowed_a: tuple[float, ...], step_a: float) -> tuple[int, ...]:
    step = _tenths(step_a)
    return tuple(_tenths(value_a) // step for value_a in allowed_a)


def _tenths(value_a: float) -> int:
    return round_down(value_a, DECIAMPERES_PER_AMPERE)
