"""Line currents that are sums of phasors, as integers (convention 15).

The car on a connector may draw anything from 0 to its set-point, so the current on a conductor lies in a zonotope:
the sum of the segments from 0 to each current. Its farthest corner is a sum over the currents that lie within one
half-plane. There are few directions, so there are few such corners, and each is a quadratic form in the sums of the
currents by direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints

Complexes = npt.NDArray[np.complex128]
Wholes = npt.NDArray[Any]
"""int64, or Python integers where products could overflow."""
INT64_SAFE: Final = 1 << 61
FORM_BITS: Final = 40
"""Forms with irrational entries are written in multiples of 2**-40 at the finest, rounded up."""
COSINE_ERROR: Final = 1e-14
"""More than the error of a double cosine of an angle in degrees; added to it, so that forms err upwards."""
COARSE: Final = 1 << 20
"""Weights with a finer common denominator are rounded up to multiples of 2**-20."""
HALF_TURN: Final = 180
LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Term:
    """A current that adds to a row: ``weight * sqrt(root)`` times the booked current of a connector on a line.

    Attributes:
        row: index of the row.
        connector: index of the connector.
        line: whose booked current counts, 0 to 2.
        weight: not negative, exact.
        root: 1 or 3.
        angle: in degrees, exact.
    """

    row: int
    connector: int
    line: int
    weight: Fraction
    root: int
    angle: Fraction


@dataclass(frozen=True, slots=True)
class PhasorRows:
    """R rows with D directions and V corners at most; C connectors, T slots.

    Sums by direction are in ``unit_ua / scale``.

    Attributes:
        names: R names, e.g. ``line_constraint Primary A``.
        unit_ua: common divisor of all currents [uA].
        entry_row, entry_direction, entry_column: (G,) where the booked current of column ``3 connector + line`` counts.
        entry_weight: (G,) whole weights.
        scale: (R,) what the weights of a row are multiplied by to be whole.
        phase: (R, D) complex direction of each sum, 0 for none.
        form: (R, D, D) real parts of products of directions, times ``form_scale``, rounded up.
        form_scale: (R,).
        corners: (R, V, D) bool, which directions make each corner.
        headroom_ua: (R, T) what the row may carry [uA].
        limit: (R, T) the square of the headroom in the units of the forms, rounded down; -1 for a negative headroom.
        alarm: (R, T) the idle floors alone exceed the headroom.
    """

    names: tuple[str, ...]
    unit_ua: int
    entry_row: Ints
    entry_direction: Ints
    entry_column: Ints
    entry_weight: Ints
    scale: Ints
    phase: Complexes
    form: Wholes
    form_scale: Ints
    corners: Bools
    headroom_ua: Ints
    limit: Wholes
    alarm: Bools

    def sums(self, booked: Ints) -> Wholes:
        """Return (R, D, T') sums by direction of (C, 3, T') booked currents [uA]."""
        flat = booked.reshape(-1, booked.shape[-1]) // self.unit_ua
        kind = self.form.dtype
        total = np.zeros((self.corners.shape[0], self.corners.shape[2], flat.shape[1]), dtype=kind)
        if self.entry_row.size:
            place = self.entry_row * total.shape[1] + self.entry_direction
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            added = self.entry_weight[:, None].astype(kind) * flat[self.entry_column].astype(kind)
            total[self.entry_row[starts], self.entry_direction[starts]] = np.add.reduceat(added, starts, axis=0)
        return total

    def worst(self, sums: Wholes) -> Wholes:
        """Return (R, T') the square of the farthest corner, in the units of ``limit``, rounded up."""
        highest = np.zeros((sums.shape[0], sums.shape[2]), dtype=self.form.dtype)
        for corner in range(self.corners.shape[1]):
            held = sums * self.corners[:, corner, :, None]
            highest = np.maximum(highest, ((self.form @ held) * held).sum(axis=1))
        return highest


def directions_of(terms: Iterable[Term]) -> list[tuple[Fraction, int]]:
    """Return the different directions of the terms of a row: angle from 0 to 360, and root."""
    return sorted({(term.angle % (2 * HALF_TURN), term.root) for term in terms})


def corner_sets(directions: Sequence[tuple[Fraction, int]]) -> list[tuple[int, ...]]:
    """Return the sets of directions that can be the farthest corner: those within an open half-plane.

    A set is left out where a larger one never reaches less far, which is so where all its angles differ by at
    most 90 degrees.

    >>> corner_sets([(Fraction(30), 1), (Fraction(90), 1), (Fraction(150), 1)])
    [(0, 1), (0, 1, 2), (1, 2)]
    """
    quarter = HALF_TURN // 2
    angles = [angle for angle, _ in directions]
    turns = sorted({(angle + side) % (2 * HALF_TURN) for angle in angles for side in (quarter, -quarter)})
    found: set[tuple[int, ...]] = set()
    for low, high in zip(turns, [*turns[1:], turns[0] + 2 * HALF_TURN], strict=True):
        middle = (low + high) / 2
        found.add(tuple(at for at, angle in enumerate(angles) if _apart(angle, middle) < quarter))
    found.discard(())
    acute = {one: all(_apart(angles[a], angles[b]) <= quarter for a in one for b in one) for one in found}
    return sorted(one for one in found if not any(set(one) < set(other) and acute[other] for other in found))


def _apart(one: Fraction, other: Fraction) -> Fraction:
    """Return the angle between two directions, 0 to 180 degrees."""
    apart = (one - other) % (2 * HALF_TURN)
    return min(apart, 2 * HALF_TURN - apart)


_ROOT_OF: Final = {0: (2, 1), 30: (1, 3), 60: (1, 1), 90: (0, 1), 120: (-1, 1), 150: (-1, 3), 180: (-2, 1)}
"""Twice the cosine of multiples of 30 degrees: a factor, and the number whose square root it is multiplied by."""


def product_of(one: tuple[Fraction, int], other: tuple[Fraction, int]) -> Fraction | float:
    """Return the real part of the product of two directions: exact where it is rational, else an upper bound.

    >>> product_of((Fraction(0), 1), (Fraction(60), 1)), product_of((Fraction(0), 3), (Fraction(30), 1))
    (Fraction(1, 2), Fraction(3, 2))
    """
    apart = _apart(one[0], other[0])
    if apart in _ROOT_OF:
        factor, root = _ROOT_OF[int(apart)]
        inside = root * one[1] * other[1]
        whole = math.isqrt(inside)
        if factor == 0 or whole * whole == inside:
            return Fraction(factor * whole, 2)
    cosine = math.cos(math.radians(float(apart))) * math.sqrt(one[1] * other[1])
    return cosine + 3 * COSINE_ERROR


def compile_rows(
    names: Sequence[str], terms: Sequence[Term], headroom_ua: Ints, most_ua: Ints, floor_ua: Ints, currents_ua: Ints
) -> PhasorRows:
    """Return the rows as integers.

    Args:
        names: R names.
        terms: of all rows.
        headroom_ua: (R, T) [uA].
        most_ua: (C, 3) the most that a connector can be booked with [uA].
        floor_ua: (C, 3) the idle floor of each connector [uA].
        currents_ua: all currents that bookings are made of (steps and floors) [uA].
    """
    per_row: list[list[Term]] = [[] for _ in names]
    for term in terms:
        per_row[term.row].append(term)
    directions = [directions_of(own) for own in per_row]
    corners = [corner_sets(own) for own in directions]
    size = (len(names), max(map(len, directions), default=0), max(map(len, corners), default=0))
    unit_ua = int(np.gcd.reduce(currents_ua[currents_ua > 0].ravel(), initial=0)) or 1
    scale = [min(math.lcm(*(term.weight.denominator for term in own)), COARSE) for own in per_row]
    entries = _entries(per_row, directions, scale)
    reach = np.zeros(size[:2], dtype=object)
    np.add.at(reach, (entries[0], entries[1]), entries[3].astype(object) * (most_ua.ravel()[entries[2]] // unit_ua))
    mask = np.zeros((size[0], size[2], size[1]), dtype=np.bool_)
    phase = np.zeros(size[:2], dtype=np.complex128)
    products = np.zeros((size[0], size[1], size[1]), dtype=object)
    for row, own in enumerate(directions):
        for at, corner in enumerate(corners[row]):
            mask[row, at, list(corner)] = True
        for d, (angle, root) in enumerate(own):
            turn = math.radians(float(angle))
            phase[row, d] = math.sqrt(root) * complex(math.cos(turn), math.sin(turn))
            products[row, d, : len(own)] = [product_of((angle, root), other) for other in own]
    form, form_scale = _forms(products, [int(total) for total in reach.sum(axis=1)])
    limit = _squares(headroom_ua, [Fraction(factor, unit_ua) for factor in scale], form_scale)
    small = form.dtype == np.int64 and all(value < INT64_SAFE for value in limit.ravel().tolist())
    rows = PhasorRows(
        names=tuple(names),
        unit_ua=unit_ua,
        entry_row=entries[0],
        entry_direction=entries[1],
        entry_column=entries[2],
        entry_weight=entries[3],
        scale=np.array(scale, dtype=np.int64),
        phase=phase,
        form=form if small else form.astype(object),
        form_scale=np.array(form_scale, dtype=np.int64),
        corners=mask,
        headroom_ua=headroom_ua,
        limit=limit.astype(np.int64) if small else limit,
        alarm=np.zeros(headroom_ua.shape, dtype=np.bool_),
    )
    rows.alarm[:] = rows.worst(rows.sums(floor_ua[:, :, None])) > rows.limit
    return rows


def _entries(
    per_row: Sequence[Sequence[Term]], directions: Sequence[Sequence[tuple[Fraction, int]]], scale: Sequence[int]
) -> Ints:
    """Return (4, G) row, direction, column and whole weight of every term, sorted."""
    found = sorted(
        (
            row,
            directions[row].index((t.angle % (2 * HALF_TURN), t.root)),
            LINES * t.connector + t.line,
            math.ceil(t.weight * scale[row]),
        )
        for row, own in enumerate(per_row)
        for t in own
        if t.weight
    )
    return np.array(found, dtype=np.int64).reshape(-1, 4).T


def _forms(products: Wholes, reach: Sequence[int]) -> tuple[Wholes, list[int]]:
    """Return the (R, D, D) forms in whole numbers, and by what they are multiplied."""
    scales = []
    for row, most in enumerate(reach):
        entries = products[row].ravel().tolist()
        if all(isinstance(entry, int | Fraction) for entry in entries):
            scales.append(2)
            continue
        highest = math.ceil(max(map(abs, entries)))
        room = INT64_SAFE // max(highest * most * most, 1)
        scales.append(1 << max(min(room.bit_length() - 1, FORM_BITS), 20))
    form = np.array(
        [
            [[math.ceil(entry * scale) for entry in line] for line in own]
            for own, scale in zip(products, scales, strict=True)
        ],
        dtype=object,
    ).reshape(products.shape)
    safe = all(
        int(np.abs(own).max(initial=0)) * most * most < INT64_SAFE for own, most in zip(form, reach, strict=True)
    )
    return (form.astype(np.int64) if safe else form), scales


def _squares(headroom_ua: Ints, per_ua: Sequence[Fraction], form_scale: Sequence[int]) -> Wholes:
    """Return (R, T) squares of the headroom in the units of the forms, rounded down."""
    found = np.empty(headroom_ua.shape, dtype=object)
    for row, (unit, scale) in enumerate(zip(per_ua, form_scale, strict=True)):
        known = {
            value: math.floor(scale * (unit * value) ** 2) if value >= 0 else -1
            for value in set(headroom_ua[row].tolist())
        }
        found[row] = [known[value] for value in headroom_ua[row].tolist()]
    return found


def fan(angles: Iterable[float], step_deg: float) -> Floats:
    """Return directions at most ``step_deg`` apart, from each angle to the next where that is less than half a turn on.

    >>> fan([0.0, 60.0], 30.0).tolist()
    [0.0, 30.0, 60.0]
    """
    ordered = sorted(set(angles))
    found = []
    for at, angle in enumerate(ordered):
        gap = (ordered[(at + 1) % len(ordered)] - angle) % (2 * HALF_TURN)
        parts = math.ceil(gap / step_deg) if 0 < gap < HALF_TURN else 1
        found += [angle + gap * part / parts for part in range(parts)]
    return np.array(found)
