"""Set-points held to what fits into the batteries of cars that can give energy back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.problem.pilots import lowered
from ocpp_schedule.solve.edges import guard_edges, slot_energy_units
from ocpp_schedule.solve.families import balanced
from ocpp_schedule.solve.flows import actual

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.problem.meter import Meter

ROUNDS: Final = 6
"""Charging less moves guards and exports, which may leave a car too full again; mostly once suffices."""


def guarded(problem: Problem, setpoints: Ints) -> tuple[Ints, Bools, Bools, Ints]:
    """Return set-points that no car is too full for, with late raises, early lowerings and (S, T) energies."""
    meter, rounds = problem.meter, 0
    while True:
        setpoints = balanced(problem, setpoints)
        late, early = guard_edges(problem, setpoints)
        energy = slot_energy_units(problem, setpoints, late, early)
        if meter is None or not meter.cars:
            return setpoints, late, early, energy
        less = _less(problem, actual(problem, meter, energy), setpoints, energy, for_good=rounds >= ROUNDS)
        if less is None:
            return setpoints, late, early, energy
        setpoints, rounds = less, rounds + 1


def _less(problem: Problem, meter: Meter, setpoints: Ints, energy: Ints, *, for_good: bool) -> Ints | None:
    """Return the set-points, lowered where a car would be too full; None where none is.

    With ``for_good`` such a car gets nothing more from then on, whatever happens to the others.
    """
    found: Ints | None = None
    for car, given in zip(meter.cars, meter.discharge_steps, strict=True):
        now, row = car.start, energy[car.session].tolist()
        for slot, out in enumerate((given * problem.seconds * car.step_dw).tolist()):
            now += row[slot] * car.kept - out * car.drawn
            if now <= car.high:
                continue
            found = setpoints.copy() if found is None else found
            if for_good:
                found[car.session, slot:] = 0
                break
            unit = car.step_dw * int(problem.seconds[slot])
            own = int(found[car.session, slot])
            left = max(own - -(-(now - car.high) // (unit * car.kept)), 0)
            found[car.session, slot] = left if left >= problem.min_steps[car.session] else 0
            now -= (own - int(found[car.session, slot])) * unit * car.kept
            now = min(now, car.high)
    return None if found is None else lowered(found, problem.levels)
