"""Room at the meter while a plan is repaired: surplus as a limit, peaks as an aim (convention 17)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.problem.meter import Meter


class MeterRoom:
    """What set-points take at the meter, kept in step with a plan under construction."""

    def __init__(self, problem: Problem, meter: Meter, setpoints: Ints) -> None:
        self._problem, self._meter = problem, meter
        power = setpoints * problem.draw_dw[:, None]
        self._charged = power.sum(axis=0) * problem.seconds
        self._from_surplus = power[meter.surplus].sum(axis=0) * problem.seconds

    def steps(self, session: int, window: slice, own: Ints) -> Ints:
        """Return (W,) the largest set-points within surplus and aims, those that it has, ``own``, taken off."""
        problem, meter = self._problem, self._meter
        unit = int(problem.draw_dw[session]) * problem.seconds
        mine = np.zeros_like(unit)
        mine[window] = own * unit[window]
        room = np.full(problem.slots, np.iinfo(np.int64).max)
        if meter.surplus[session]:
            room = meter.surplus_units - self._from_surplus + mine
        if meter.soft_dw is not None:
            charged = self._charged - mine
            for register, aim in zip(meter.registers, meter.soft_dw, strict=True):
                net = (meter.base_units if register.net else meter.load_units) + charged
                inside = register.interval >= 0
                at = register.interval[inside]
                left = aim * register.seconds - register.open_units
                np.subtract.at(left, at, np.maximum(net, 0)[inside])
                length = np.zeros_like(register.seconds)
                np.add.at(length, at, problem.seconds[inside])
                # Each slot gets its part by time, so that slots filled one by one cannot exceed the whole.
                share = np.maximum(left, 0)[at] * problem.seconds[inside] // length[at] + np.maximum(-net, 0)[inside]
                room[inside] = np.minimum(room[inside], share)
        result: Ints = np.maximum(room[window], 0) // np.maximum(unit[window], 1)
        return result

    def assign(self, session: int, window: slice, more: Ints) -> None:
        """Count (W,) more steps of a session."""
        energy = more * int(self._problem.draw_dw[session]) * self._problem.seconds[window]
        self._charged[window] += energy
        if self._meter.surplus[session]:
            self._from_surplus[window] += energy


def aimed_higher(problem: Problem, steps: int | None) -> Problem:
    """Return the problem with the aims raised by steps of a car; None: without aims."""
    meter = problem.meter
    if problem.aims is not None:
        problem = replace(problem, aims=problem.aims.raised(steps))
    if meter is None or meter.soft_dw is None:
        return problem
    more = None if steps is None else steps * int(problem.draw_dw.max(initial=0))
    soft = None if more is None else tuple(aim + more for aim in meter.soft_dw)
    return replace(problem, meter=replace(meter, soft_dw=soft))
