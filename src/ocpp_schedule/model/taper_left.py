"""A taper from the middle on: what a car will take that has got some of its energy."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ocpp_schedule.model.session import TaperPoint
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MICROAMPERES_PER_AMPERE, exact

if TYPE_CHECKING:
    from fractions import Fraction

    from ocpp_schedule.model.session import Session

UNITS_PER_MWH = ENERGY_UNITS_PER_WH // 1000


def taper_left(session: Session, had: int) -> tuple[TaperPoint, ...]:
    """Return the taper of a session counted from the energy that it has got, by energy whatever it was by.

    Energies are rounded down to mWh and the current at the first point to uA, so that the car is never expected to
    take more than before.

    Args:
        session: with a taper.
        had: got since arrival [0.1 J].

    >>> from datetime import UTC, datetime
    >>> from ocpp_schedule.model.session import Session
    >>> curve = (TaperPoint(energy_wh=1000, max_current_a=16), TaperPoint(energy_wh=3000, max_current_a=6))
    >>> van = Session(id="van", connector="A", arrival=datetime(2026, 1, 15, tzinfo=UTC), taper=curve)
    >>> [(point.energy_wh, point.max_current_a) for point in taper_left(van, 2000 * 36_000)]
    [(0.0, 11.0), (1000.0, 6.0)]
    """
    points = [(_units(session, point) - had, exact(point.max_current_a)) for point in session.taper]
    left = [(energy, current) for energy, current in points if energy > 0]
    begun = [current for energy, current in points if energy <= 0]
    for (low, high_a), (high, low_a) in pairwise(points):
        if low <= 0 < high:
            begun.append(high_a + (low_a - high_a) * -low / (high - low))
    if begun:
        left.insert(0, (exact(0), begun[-1]))
    found: dict[int, TaperPoint] = {}
    for energy, current in left:
        milliwatt_hours = int(energy // UNITS_PER_MWH)
        amperes = int(current * MICROAMPERES_PER_AMPERE // 1) / MICROAMPERES_PER_AMPERE
        found[milliwatt_hours] = TaperPoint(energy_wh=milliwatt_hours / 1000, max_current_a=amperes)
    return tuple(found.values())


def _units(session: Session, point: TaperPoint) -> Fraction:
    """Return the energy of a point since arrival [0.1 J]."""
    if point.energy_wh is not None:
        return exact(point.energy_wh) * ENERGY_UNITS_PER_WH
    rise = exact(point.soc_percent or 0.0) - exact(session.soc_percent or 0.0)
    return rise / 100 * exact(session.battery_wh or 0.0) * ENERGY_UNITS_PER_WH
