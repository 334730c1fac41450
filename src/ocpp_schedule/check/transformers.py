"""Supplies below transformers, and what currents below put on the lines above: winding by winding (convention 15)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from ocpp_schedule.check.phasors import Surd
from ocpp_schedule.units import LINES, SUPPLIES, Supply, exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.model.site import Circuit, Site

VOLTAGE_DEG: Final = (0, 240, 120)
"""Angle of the voltage of L1, L2 and L3 to neutral."""
ROOT3_THIRD: Final = Surd(Fraction(0), Fraction(1, 3))
"""1 / sqrt(3)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a current: on a line, that many times as large, at an angle to the voltage of L1."""

    line: int
    size: Surd
    angle: int


class Windings:
    """The circuits of a site with their supplies and transformers."""

    def __init__(self, site: Site) -> None:
        self._circuits = {circuit.id: circuit for circuit in site.circuits}
        self.any = any(circuit.transformer is not None for circuit in site.circuits)
        self.root = next(circuit.id for circuit in site.circuits if circuit.parent is None)

    def supply(self, circuit: str) -> Supply:
        """Return the supply of a circuit: its own, or that of the one above."""
        one = self._circuits[circuit]
        while one.supply is None and one.parent is not None:
            one = self._circuits[one.parent]
        return SUPPLIES[one.supply or "400Y/230"]

    def path(self, circuit: str) -> Iterator[Circuit]:
        """Yield a circuit and all above it."""
        name: str | None = circuit
        while name is not None:
            yield self._circuits[name]
            name = self._circuits[name].parent

    def up(self, circuit: Circuit, parts: list[Part]) -> list[Part]:
        """Return what parts on the lines of a circuit are on those of the one above it."""
        if circuit.transformer is None or circuit.parent is None:
            return parts
        group = circuit.transformer.vector_group
        ratio = circuit.transformer.ratio
        above, below = self.supply(circuit.parent), self.supply(circuit.id)
        times = Fraction(above.between_v, below.between_v) if ratio is None else exact(ratio)
        lag = 30 * int(group.lstrip("DYNyn"))
        smaller = Surd(1 / times)
        found = []
        for part in parts:
            # Seen from above, all that happens below lags by the clock number.
            voltage, angle = (VOLTAGE_DEG[part.line] - lag) % 360, (part.angle - lag) % 360
            if group.startswith("D"):
                size = part.size * smaller * ROOT3_THIRD
                enters, leaves = _between(voltage)
                found += [Part(enters, size, angle), Part(leaves, size, (angle + 180) % 360)]
            else:
                found.append(Part(VOLTAGE_DEG.index(voltage), part.size * smaller, angle))
        return _merged(found)


def _between(voltage_deg: int) -> tuple[int, int]:
    """Return the lines above between which a voltage of this angle lies: the winding of a line below is there.

    >>> _between(30), _between(330)
    ((0, 1), (0, 2))
    """
    # The voltage from a line to the next in turn is 30 degrees ahead of its own, to the one before 30 behind.
    sides = {(enters, (enters + turn) % 3): side for enters in range(len(LINES)) for turn, side in ((1, 30), (2, -30))}
    return next(pair for pair, side in sides.items() if (VOLTAGE_DEG[pair[0]] + side) % 360 == voltage_deg)


def _merged(parts: list[Part]) -> list[Part]:
    """Return the parts of one current with those on a line put together; they are in phase or opposed."""
    found: list[Part] = []
    for line in range(len(LINES)):
        own = [part for part in parts if part.line == line]
        if not own:
            continue
        total = Surd(Fraction(0))
        for part in own:
            total += part.size if part.angle == own[0].angle else Surd(-part.size.a, -part.size.b)
        if float(total) < 0:
            found.append(Part(line, Surd(-total.a, -total.b), (own[0].angle + 180) % 360))
        elif total != Surd(Fraction(0)):
            found.append(Part(line, total, own[0].angle))
    return found
