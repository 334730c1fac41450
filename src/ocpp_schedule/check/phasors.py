"""Exact magnitudes of sums of phasors of which any may be left out (convention 15).

Numbers are ``a + b sqrt(3)`` with fractions ``a`` and ``b``: all that multiples of 30 degrees need. The cosine of any
other angle is replaced by a fraction just above it, so that magnitudes err upwards, by less than one part in 10**20.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

PI_LOW: Final = Fraction(31415926535897932384626433832795028841, 10**37)
"""The first 38 digits of pi; the next ones are 97169."""
ROOT3_LOW: Final = Fraction(17320508075688772935274463415058723669, 10**37)
ROOT3_HIGH: Final = ROOT3_LOW + Fraction(1, 10**37)
"""The first 38 digits of the root of 3; the next ones are 428."""
COSINE_SCALE: Final = 1 << 80
"""Cosines that are no root are rounded up to multiples of 2**-80; so every cosine is a whole number of them."""
SURE: Final = 1e-9
"""Share by which a double may miss a magnitude: a few hundred roundings of 2**-53."""


@dataclass(frozen=True, slots=True)
class Surd:
    """``a + b sqrt(3)``.

    >>> Surd(Fraction(0), Fraction(1)) * Surd(Fraction(0), Fraction(1))
    Surd(a=Fraction(3, 1), b=Fraction(0, 1))
    """

    a: Fraction
    b: Fraction = Fraction(0)

    def __add__(self, other: Surd) -> Surd:
        return Surd(self.a + other.a, self.b + other.b)

    def __mul__(self, other: Surd) -> Surd:
        return Surd(self.a * other.a + 3 * self.b * other.b, self.a * other.b + self.b * other.a)

    def __float__(self) -> float:
        return float(self.a) + float(self.b) * math.sqrt(3)


_COSINES: Final = {
    0: Surd(Fraction(1)),
    30: Surd(Fraction(0), Fraction(1, 2)),
    60: Surd(Fraction(1, 2)),
    90: Surd(Fraction(0)),
    120: Surd(Fraction(-1, 2)),
    150: Surd(Fraction(0), Fraction(-1, 2)),
    180: Surd(Fraction(-1)),
}


@lru_cache(maxsize=4096)
def cosine(angle_deg: Fraction) -> Surd:
    """Return the cosine of an angle, exact at multiples of 30 degrees, else from above.

    >>> float(cosine(Fraction(45))) - math.sqrt(0.5) < 1e-15, cosine(Fraction(-330)).b
    (True, Fraction(1, 2))
    """
    angle = angle_deg % 360
    angle = min(angle, 360 - angle)
    if angle in _COSINES:
        return _COSINES[int(angle)]
    # The cosine falls up to 180 degrees, so that a turn rounded down gives a cosine from above. The series alternates
    # and its terms shrink from the second on (pi^2 < 3 * 4): ending with a positive term it stays above.
    turn = angle * PI_LOW / 180
    turn = Fraction(math.floor(turn * (1 << 120)), 1 << 120)
    square, term, total = turn * turn, Fraction(1), Fraction(1)
    for k in range(1, 41):
        term = -term * square / ((2 * k - 1) * 2 * k)
        total += term
    return Surd(Fraction(math.ceil(total * COSINE_SCALE), COSINE_SCALE))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Currents in a few directions, any of which may be smaller.

    Attributes:
        angles: of the directions, in degrees from 0 to 360, sorted, all different.
        arcs: runs of directions within less than half a turn, as indices; the farthest sum is that of one of them.
        unit: (directions, currents) complex, what a current adds.
        scale: what weights are multiplied by to be whole.
        whole: (2, directions, currents) the parts ``a`` and ``b`` of the weights as whole numbers.
    """

    angles: tuple[Fraction, ...]
    arcs: tuple[tuple[int, ...], ...]
    unit: npt.NDArray[np.complex128]
    scale: int
    whole: npt.NDArray[Any]

    def magnitude(self, currents: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return (n,) the largest magnitude of (currents, n) currents, to double precision."""
        sums = self.unit @ currents.astype(np.float64)
        best = np.zeros(currents.shape[1])
        for arc in self.arcs:
            best = np.maximum(best, np.abs(sums[list(arc)].sum(axis=0)))
        return best

    def exceeds(self, currents: npt.NDArray[Any], limit: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return (n,) where (currents, n) whole currents can reach beyond (n,) whole limits, exactly."""
        close = np.maximum(limit, 0).astype(np.float64)
        seen = self.magnitude(currents)
        found: npt.NDArray[np.bool_] = seen > close * (1 + SURE)
        unsure = np.flatnonzero(~found & (seen >= close * (1 - SURE)) & (seen > 0))
        if unsure.size:
            found[unsure] = self._exceeds(currents[:, unsure].astype(object), limit[unsure].astype(object))
        found |= (limit < 0) & (seen > 0)
        return found

    def _exceeds(self, currents: npt.NDArray[Any], limit: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        result = np.zeros(limit.size, dtype=np.bool_)
        for a, b, scale in self._squares(currents):
            over = (limit * self.scale) ** 2 * scale - a  # b sqrt(3) > over ?
            root, square = 3 * b * b, over * over
            above = np.where(b >= 0, (over < 0) | (root > square), (over < 0) & (root < square))
            result |= above.astype(np.bool_)
        return result

    def _squares(self, currents: npt.NDArray[Any]) -> Iterator[tuple[Any, Any, int]]:
        """Yield for every arc the square of its sum: two arrays ``a`` and ``b`` and what both are multiplied by."""
        rational, root = (part @ currents for part in self.whole)
        for arc in self.arcs:
            a, b = np.zeros_like(rational[0]), np.zeros_like(rational[0])
            for one in arc:
                for other in arc:
                    turn = cosine(self.angles[one] - self.angles[other])
                    p, q = int(turn.a * COSINE_SCALE), int(turn.b * COSINE_SCALE)
                    plain = rational[one] * rational[other] + 3 * root[one] * root[other]
                    mixed = rational[one] * root[other] + root[one] * rational[other]
                    a, b = a + p * plain + 3 * q * mixed, b + p * mixed + q * plain
            yield a, b, COSINE_SCALE

    def whole_up(self, currents: npt.NDArray[Any]) -> int:
        """Return the largest magnitude of (currents,) whole currents, rounded up."""
        column = currents.astype(object)[:, None]
        if not currents.any():
            return 0
        guess = math.floor(float(self.magnitude(column)[0]) * (1 - SURE))
        step = max(guess >> 20, 1)
        low, high = guess, guess + step
        while self._exceeds(column, np.array([high], dtype=object))[0]:
            low, high = high, high + 2 * (high - low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._exceeds(column, np.array([middle], dtype=object))[0] else (low, middle)
        return low if not self._exceeds(column, np.array([low], dtype=object))[0] else high


def bundle_of(terms: Sequence[tuple[int, Surd, Fraction]], currents: int) -> Bundle:
    """Return the directions of terms: index of the current, weight (not negative), angle in degrees.

    The sum that reaches farthest in a direction is that of all currents which have a part along it: those within a
    quarter turn on both sides, and so a run of directions that spans less than half a turn.

    >>> bundle_of([(0, Surd(Fraction(1)), Fraction(30)), (1, Surd(Fraction(1)), Fraction(-30))], 2).arcs
    ((0,), (0, 1), (1,))
    """
    angles = tuple(sorted({angle % 360 for _, _, angle in terms}))
    place = {angle: at for at, angle in enumerate(angles)}
    weights = np.full((len(angles), currents), Surd(Fraction(0)), dtype=object)
    for current, weight, angle in terms:
        weights[place[angle % 360], current] += weight
    scale = math.lcm(*{part.denominator for _, weight, _ in terms for part in (weight.a, weight.b)})
    whole = np.zeros((2, *weights.shape), dtype=object)
    size = np.zeros(weights.shape)
    for at in {(place[angle % 360], current) for current, _, angle in terms}:
        whole[0][at], whole[1][at] = int(weights[at].a * scale), int(weights[at].b * scale)
        size[at] = float(weights[at])
    unit = np.array([cmath.rect(1.0, math.radians(float(angle))) for angle in angles], dtype=np.complex128)
    return Bundle(angles, _arcs(angles), unit[:, None] * size, scale, whole)


def _arcs(angles: Sequence[Fraction]) -> tuple[tuple[int, ...], ...]:
    count = len(angles)
    arcs = set()
    for first in range(count):
        for length in range(1, count + 1):
            last = (first + length - 1) % count
            if (angles[last] - angles[first]) % 360 >= 180:  # noqa: PLR2004 - half a turn
                break
            arcs.add(tuple(sorted((first + step) % count for step in range(length))))
    return tuple(sorted(arcs))
