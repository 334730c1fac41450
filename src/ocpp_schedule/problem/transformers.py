"""What transformers make of currents: the lines above in terms of the lines below (convention 15)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.units import SUPPLIES, Supply, exact

if TYPE_CHECKING:
    from ocpp_schedule.model.site import Circuit, Site
    from ocpp_schedule.problem.arrays import Ints

HOUR_DEG: Final = 30
"""A clock number counts hours of 30 degrees by which the voltages below lag those above (IEC 60076-1)."""
LINE_DEG: Final = (0, -120, 120)
"""Angle of the voltage to neutral of L1, L2 and L3."""
ROOT3_BITS: Final = 60

_Matrix = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
SAME: Final[_Matrix] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
DELTA_WYE: Final[dict[int, _Matrix]] = {
    # Each line to a delta winding carries the difference of two windings' currents.
    1: ((1, -1, 0), (0, 1, -1), (-1, 0, 1)),
    5: ((-1, 0, 1), (1, -1, 0), (0, 1, -1)),
    7: ((-1, 1, 0), (0, -1, 1), (1, 0, -1)),
    11: ((1, 0, -1), (-1, 1, 0), (0, -1, 1)),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """Currents on the lines of one circuit as currents on the lines of one above it.

    Attributes:
        matrix: (lines above, lines below) whole factors, to be divided by ``ratio`` and ``sqrt(3) ** roots``.
        roots: number of delta windings in between.
        ratio: voltage between lines above over that below.
        lead_deg: by which the voltages below are ahead of those above.
    """

    matrix: _Matrix
    roots: int
    ratio: Fraction
    lead_deg: int

    def weight(self, factor: int) -> tuple[Fraction, int]:
        """Return the size of a factor of the matrix as a fraction and the number whose root it is multiplied by."""
        return Fraction(abs(factor), 3 ** ((self.roots + 1) // 2)) / self.ratio, 3 if self.roots % 2 else 1

    def base(self, current_ua: Ints) -> Ints:
        """Return (3, T) what (3, T) currents of unknown phase can come to on the lines above, rounded up."""
        root = Fraction(-(-(1 << ROOT3_BITS) * 1_732_050_807_568_877_294 // 10**18), 1 << ROOT3_BITS)
        found = np.zeros_like(current_ua)
        for line, row in enumerate(self.matrix):
            total = np.zeros(current_ua.shape[1], dtype=object)
            for below, factor in enumerate(row):
                weight, inside = self.weight(factor)
                total += (weight * (root if inside > 1 else 1)) * current_ua[below].astype(object)
            found[line] = [-int(-value // 1) for value in total.tolist()]
        return found


IDENTITY: Final = Turn(SAME, 0, Fraction(1), 0)


def supplies_of(site: Site) -> dict[str, Supply]:
    """Return the supply of every circuit: its own, or that of the circuit above."""
    circuits = {circuit.id: circuit for circuit in site.circuits}
    found: dict[str, Supply] = {}
    for circuit in site.circuits:
        path: list[Circuit] = [circuit]
        while path[-1].supply is None and path[-1].parent is not None and path[-1].id not in found:
            path.append(circuits[path[-1].parent])
        known = found.get(path[-1].id) or SUPPLIES[path[-1].supply or "400Y/230"]
        found.update({one.id: known for one in path})
    return found


def turns_of(site: Site) -> dict[tuple[str, str], Turn]:
    """Return the turn from each circuit to every circuit above it that a transformer lies before: (above, below)."""
    circuits = {circuit.id: circuit for circuit in site.circuits}
    supplies = supplies_of(site)
    found: dict[tuple[str, str], Turn] = {}
    for below in site.circuits:
        turn, current = IDENTITY, below
        while current.parent is not None:
            above = circuits[current.parent]
            turn = _through(turn, current, supplies[above.id], supplies[current.id])
            if turn is not IDENTITY:
                found[above.id, below.id] = turn
            current = above
    return found


def _through(turn: Turn, circuit: Circuit, above: Supply, below: Supply) -> Turn:
    """Return a turn continued through the transformer of a circuit, if it has one."""
    transformer = circuit.transformer
    if transformer is None:
        return turn
    given = transformer.ratio
    ratio = Fraction(above.between_v, below.between_v) if given is None else exact(given)
    hours = int(transformer.vector_group[-2:].lstrip("yn"))
    own, roots = (DELTA_WYE[hours], 1) if transformer.vector_group.startswith("D") else (SAME, 0)
    product = np.array(own) @ np.array(turn.matrix)
    first, second, third = ((int(row[0]), int(row[1]), int(row[2])) for row in product.tolist())
    return Turn((first, second, third), turn.roots + roots, turn.ratio * ratio, turn.lead_deg - HOUR_DEG * hours)
