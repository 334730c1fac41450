"""What the prices of tangents prove: the linear rows behind a conductor's limit, derived again (convention 15).

A tangent says that along a direction ``u`` the currents keep ``sum of I max(0, Re(conj(u) z)) <= |u| limit``. Only its
direction comes from the certificate; coefficients are rounded down and limits up, so that it cuts off no plan.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.phasors import COSINE_SCALE, ROOT3_HIGH, ROOT3_LOW, Surd, cosine
from ocpp_schedule.check.quantities import exact_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.conductors import Conductor
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.solution import TangentPrice

FINE: Final = 1 << 24
"""Coefficients are whole multiples of 2**-24."""
LONGEST: Final = 1 << 62
"""Directions are pairs of whole numbers below this."""


DIRECTION: Final = 1 << 20
"""Length of a direction for which a price is meant; any other counts in proportion."""


def tangent_pressure(
    scene: Scene, prices: Sequence[TangentPrice], first: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], int]:
    """Return what prices of tangents mean, both in their unit of money.

    Args:
        scene: what the models say.
        prices: of tangents; those of unknown conductors or slots, without a direction or not above 0 are left out.
        first: cars.

    Returns:
        (first, slots) what a step of these cars pays on tangents above the idle floor, rounded down, and what all
        tangents get for what they let pass, rounded up.
    """
    known = {(one.noun, one.subject, one.line): one for one in scene.conductors}
    ready: dict[tuple[str, str, int | None], _Ready] = {}
    slots = scene.grid.slots
    paid = np.zeros((first.size, slots), dtype=object)
    passed = 0
    for price in prices:
        name: Any = (price.noun, price.subject, price.line)
        length = price.along**2 + price.across**2
        if name not in known or price.price <= 0 or not 0 <= price.slot < slots or not 0 < length < LONGEST**2:
            continue
        if name not in ready:
            ready[name] = _Ready(known[name], scene, first)
        cells = ready[name]
        coefficients = cells.coefficients(price.along, price.across)
        headroom = max(int(known[name].headroom[price.slot]), 0)
        room = _root_up(length * FINE * FINE * headroom**2) - int(coefficients @ cells.idle)
        passed += price.price * max(room, 0)
        np.add.at(paid[:, price.slot], cells.car, cells.per_step * coefficients[cells.current] * price.price)
    # What was paid is per length 2**20 of a direction and multiple 2**-24 of a coefficient.
    paid //= FINE * DIRECTION
    return paid.astype(exact_dtype(int(paid.max(initial=0)))), -(-passed // (FINE * DIRECTION))


class _Ready:
    """A conductor with the cars that draw on it.

    Attributes:
        idle: (currents,) idle floors [uA].
        car, current: (cells,) which of the cars draws on which current.
        per_step: (cells,) with what a step [uA].
    """

    def __init__(self, conductor: Conductor, scene: Scene, first: npt.NDArray[np.int64]) -> None:
        bundle = conductor.bundle
        self._angles = bundle.angles
        # Weights rounded down to multiples of 2**-24.
        self._weights = np.zeros(bundle.whole[0].shape, dtype=object)
        for at in np.argwhere((bundle.whole[0] != 0) | (bundle.whole[1] != 0)).tolist():
            number = Surd(Fraction(int(bundle.whole[0][tuple(at)])), Fraction(int(bundle.whole[1][tuple(at)])))
            self._weights[tuple(at)] = max(math.floor(_below(number) * FINE / bundle.scale), 0)
        outlet, line = conductor.members
        self.idle = scene.outlets.idle_units[outlet, line].astype(object)
        found = scene.cars.load_units[first][:, line] * (scene.cars.outlet[first][:, None] == outlet)
        self.car, self.current = np.nonzero(found)
        self.per_step = found[self.car, self.current].astype(object)

    def coefficients(self, along: int, across: int) -> npt.NDArray[Any]:
        """Return (currents,) coefficients of a tangent, at least 0, rounded down to multiples of 2**-24."""
        toward = [
            max(math.floor((_low(cosine(angle), along) + _low(cosine(angle - 90), across)) * FINE), 0)
            for angle in self._angles
        ]
        found: npt.NDArray[Any] = np.array(toward, dtype=object) @ self._weights // FINE
        return found


def _below(number: Surd) -> Fraction:
    """Return a fraction just below ``a + b sqrt(3)``."""
    return number.a + number.b * (ROOT3_LOW if number.b >= 0 else ROOT3_HIGH)


def _low(turn: Surd, factor: int) -> Fraction:
    """Return a fraction not above ``factor`` times a cosine, which is known to one part in 2**80."""
    slack = Fraction(abs(factor), COSINE_SCALE // 4) if turn.b == 0 and turn.a.denominator > 2 else Fraction(0)  # noqa: PLR2004 - a root
    return _below(Surd(turn.a * factor, turn.b * factor)) - slack


def _root_up(square: int) -> int:
    root = math.isqrt(square)
    return root + (root * root < square)
