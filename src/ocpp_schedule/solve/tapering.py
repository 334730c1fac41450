"""Sessions whose power falls as they fill: planned by following what they draw, slot by slot (convention 21)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.pouring import demands_of

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.problem.taper import Curve
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.working import WorkingPlan


def tapered(problem: Problem) -> Bools:
    """Return (S,) the sessions with a taper."""
    found = np.zeros(problem.sessions, dtype=np.bool_)
    found[list(problem.tapers)] = True
    return found


def with_taper_rows(problem: Problem, relaxation: Relaxation) -> Relaxation:
    """Return the program with what tapered sessions can draw; set-points stand for draws there.

    With the power at the end of a slot each straight piece of the smallest concave curve above the taper is one row:
    ``energy of the slot <= seconds x (a - b x energy up to the slot's end)``. So the bound stands; where the taper is
    concave the rows are the taper.
    """
    if not problem.tapers:
        return relaxation
    rows: list[tuple[Ints, Floats, float]] = []
    for session, curve in sorted(problem.tapers.items()):
        arcs = np.flatnonzero(relaxation.arc_session == session)
        slots = relaxation.arc_slot[arcs]
        power = int(problem.power_dw[session])
        for level, fall in _pieces(curve, int(problem.energy_most_units[session])):
            for k in range(arcs.size):
                weight = fall * problem.seconds[slots[: k + 1]].astype(np.float64)
                weight[k] += 1.0
                rows.append((arcs[: k + 1], weight, level / power))
    width = relaxation.program.cost.size
    lengths = np.concatenate(([0], np.cumsum([columns.size for columns, _, _ in rows])))
    data = np.concatenate([weight for _, weight, _ in rows] or [np.zeros(0)])
    columns = np.concatenate([columns for columns, _, _ in rows] or [np.zeros(0, dtype=np.int64)])
    nothing = np.zeros(0)
    return extended(
        relaxation,
        Block(
            name="taper",
            low=nothing,
            high=nothing,
            matrix=csr_array((data, columns, lengths), shape=(len(rows), width)),
            row_low=np.full(len(rows), -np.inf),
            # A hair of slack, so that no rounding of floats cuts off what whole numbers allow.
            row_high=np.array([high for _, _, high in rows]) * (1 + 1e-9) + 1e-9,
        ),
    )


def _pieces(curve: Curve, most: int) -> list[tuple[float, float]]:
    """Return (level at 0 [0.1 W], fall [1 / s]) of the lines of the smallest concave curve above the taper."""
    inside = [(q, p) for q, p in zip(curve.energy_units, curve.power_dw, strict=True) if 0 < q < most]
    points = [
        (0, _power(curve, 0)),
        *((q, Fraction(p)) for q, p in inside),
        (max(most, 1), _power(curve, max(most, 1))),
    ]
    hull: list[tuple[int, Fraction]] = []
    for point in points:
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    found = [(float(hull[0][1]), 0.0)]
    for (low, high_dw), (high, low_dw) in pairwise(hull):
        fall = (high_dw - low_dw) / (high - low)
        if fall > 0:
            found.append((float(high_dw + fall * low), float(fall)))
    return found


def _above(one: tuple[int, Fraction], middle: tuple[int, Fraction], other: tuple[int, Fraction]) -> bool:
    """Tell whether the middle point lies on or below the line between the others."""
    return (middle[1] - one[1]) * (other[0] - one[0]) <= (other[1] - one[1]) * (middle[0] - one[0])


def _power(curve: Curve, got: int) -> Fraction:
    """Return the power at an energy [0.1 W]."""
    points = list(zip(curve.energy_units, curve.power_dw, strict=True))
    if got <= points[0][0]:
        return Fraction(points[0][1])
    for (low, high_dw), (high, low_dw) in pairwise(points):
        if got < high:
            return high_dw - Fraction((high_dw - low_dw) * (got - low), high - low)
    return Fraction(points[-1][1])


def mend_tapers(plan: WorkingPlan, prices: Floats) -> None:
    """Plan tapered sessions anew that hold a set-point between 0 and their minimum: a draw, not yet a permission."""
    problem = plan.problem
    for session in sorted(problem.tapers):
        row = plan.setpoints[session]
        if ((row > 0) & (row < problem.min_steps[session])).any():
            refill_taper(plan, session, prices[session, plan.window(session)])


def refill_taper(plan: WorkingPlan, session: int, price: Floats, extra: int = 0) -> None:
    """Plan a session anew: the cheapest slots that give what it wants, as it really draws.

    Args:
        plan: is changed.
        session: index.
        price: (W,) of the window's slots, infinite where there is none.
        extra: what guarded edges take, so that more must be given [0.1 J].
    """
    problem = plan.problem
    window = plan.window(session)
    room = plan.room(session)
    low = max(int(problem.min_steps[session]), 1)
    room[(room < low) | ~np.isfinite(price)] = 0
    order = np.argsort(price, kind="stable")
    order = order[room[order] > 0]
    chosen = np.zeros_like(room)
    for end, units in demands_of(problem, session):
        usable = order[order < end]
        chosen = _enough(problem, session, chosen, room, usable, (window.start + end, units + extra))
    plan.assign(session, _needed(problem, session, chosen, low))


def _enough(problem: Problem, session: int, chosen: Ints, room: Ints, order: Ints, demand: tuple[int, int]) -> Ints:
    """Return ``chosen`` with as few more slots, in the given order, as serve the demand; all where none serve it."""
    first = int(problem.first_slot[session])
    low = max(int(problem.min_steps[session]), 1)

    def given(steps: Ints) -> int:
        row = np.zeros(problem.slots, dtype=np.int64)
        row[first : first + steps.size] = steps
        return sum(drawn_units(problem, session, row, None, None)[: demand[0]])

    def opened(count: int) -> Ints:
        steps = chosen.copy()
        steps[order[:count]] = room[order[:count]]
        return steps

    few, many = 0, order.size
    while few < many:
        middle = (few + many) // 2
        few, many = (few, middle) if given(opened(middle)) >= demand[1] else (middle + 1, many)
    steps = opened(few)
    if few and given(steps) >= demand[1] and chosen[order[few - 1]] < room[order[few - 1]]:
        last = order[few - 1]
        least, most = max(low, int(chosen[last])), int(room[last])
        while least < most:
            steps[last] = (least + most) // 2
            least, most = (least, int(steps[last])) if given(steps) >= demand[1] else (int(steps[last]) + 1, most)
        steps[last] = least
    return steps


def _needed(problem: Problem, session: int, steps: Ints, low: int) -> Ints:
    """Return the smallest permissions with which the car draws the same."""
    first = int(problem.first_slot[session])
    row = np.zeros(problem.slots, dtype=np.int64)
    row[first : first + steps.size] = steps
    drawn = np.array(drawn_units(problem, session, row, None, None))[first : first + steps.size]
    unit = problem.seconds[first : first + steps.size] * problem.power_dw[session]
    least = -(-drawn // unit)
    return np.where((steps > 0) & (drawn > 0), np.clip(least, low, steps), 0)


def top_up_taper(plan: WorkingPlan, session: int, price: Floats, missing_units: int, end: int) -> bool:
    """Plan a session anew that misses energy, so that it gets as much more.

    Returns:
        whether the plan changed.
    """
    problem, window = plan.problem, plan.window(session)
    before = plan.setpoints[session, window].copy()
    row = plan.setpoints[session]
    given = sum(drawn_units(problem, session, row, None, None)[: window.start + end])
    wish = min((units for until, units in demands_of(problem, session) if until >= end), default=0)
    refill_taper(plan, session, price, max(given + missing_units - wish, 0))
    return bool((plan.setpoints[session, window] != before).any())
