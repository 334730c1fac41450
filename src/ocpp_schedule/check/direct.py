"""What the site delivers for the energy that cars get: more, where outlets are DC (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.check.quantities import Cars


def delivered(cars: Cars, at: int, units: Sequence[int]) -> list[int]:
    """Return what the site delivers for energies into a car, rounded up; whole steps are whole units of it [0.1 J]."""
    power, draw = max(int(cars.power[at]), 1), int(cars.draw[at])
    return list(units) if draw == power else [-(-one * draw // power) for one in units]
