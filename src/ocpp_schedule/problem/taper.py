"""Taper: the power that a car takes falls with the energy it has got (convention 21).

Within a stretch of time the power at its end counts, so what is expected is never more than the car takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ocpp_schedule.units import ENERGY_UNITS_PER_WH, exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocpp_schedule.model.session import Session
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem


@dataclass(frozen=True, slots=True)
class Curve:
    """Highest power by energy got since arrival: straight between points, level outside.

    Attributes:
        energy_units: of the points, rising [0.1 J].
        power_dw: at the points, never rising [0.1 W].
    """

    energy_units: tuple[int, ...]
    power_dw: tuple[int, ...]

    def drawn(self, got: int, most_dw: int, seconds: int) -> int:
        """Return the energy of a stretch of time with a permission of ``most_dw`` [0.1 J].

        It is the largest whole number that neither the permission nor the power at the end of the stretch forbids.

        >>> Curve((0, 1000), (10, 0)).drawn(0, 10, 10), Curve((0, 1000), (10, 0)).drawn(0, 10, 100)
        (90, 500)
        """
        points = list(zip(self.energy_units, self.power_dw, strict=True))
        energy = seconds * points[0][1]
        if got + energy >= points[0][0]:
            for (low, high_dw), (high, low_dw) in pairwise(points):
                width, fall = high - low, high_dw - low_dw
                # The largest e with e <= seconds x (power of this piece at got + e).
                energy = seconds * (high_dw * width - fall * (got - low)) // (width + seconds * fall)
                if got + energy < high:
                    break
            else:
                energy = seconds * points[-1][1]
        return max(min(energy, most_dw * seconds), 0)

    def series(self, stretches: Iterable[tuple[int, int]]) -> list[int]:
        """Return the energies of stretches of (permission [0.1 W], seconds), one after the other [0.1 J]."""
        got, found = 0, []
        for most_dw, seconds in stretches:
            energy = self.drawn(got, most_dw, seconds)
            found.append(energy)
            got += energy
        return found


def curve_of(session: Session, watts_per_ampere: int) -> Curve:
    """Return the curve of a session with a taper, its points rounded down to whole units.

    Args:
        session: of the car.
        watts_per_ampere: voltage times the phases that energy is counted for.
    """
    energies = []
    for point in session.taper:
        if point.energy_wh is not None:
            wh = exact(point.energy_wh)
        else:
            rise = exact(point.soc_percent or 0.0) - exact(session.soc_percent or 0.0)
            wh = rise * exact(session.battery_wh or 0.0) / 100
        energies.append(int(wh * ENERGY_UNITS_PER_WH // 1))
    powers = [int(exact(point.max_current_a) * watts_per_ampere * 10 // 1) for point in session.taper]
    return Curve(tuple(energies), tuple(powers))


def drawn_units(problem: Problem, session: int, setpoints: Ints, late: Bools | None, early: Bools | None) -> list[int]:
    """Return by slot what a tapered session is expected to draw [0.1 J]; in a slot under way nothing is counted.

    Args:
        problem: compiled arrays.
        session: index.
        setpoints: (T,) steps.
        late: (T,) late raises; None: none.
        early: (T,) early lowerings; None: none.
    """
    curve, power = problem.tapers[session], int(problem.power_dw[session])
    floor = int(problem.idle_floor_steps[problem.session_connector[session]])
    first, end = int(problem.first_slot[session]), int(problem.end_slot[session])
    found, got = [0] * problem.slots, 0
    for slot in range(max(first, int(problem.held_steps is not None)), end):
        steps, left = int(setpoints[slot]), int(problem.seconds[slot])
        stretches = []
        if late is not None and late[slot]:
            stretches.append((int(setpoints[slot - 1]) if slot > first else floor, problem.edge_guard_s))
        if early is not None and early[slot]:
            stretches.append((int(setpoints[slot + 1]) if slot + 1 < end else floor, problem.edge_guard_s))
        left -= sum(seconds for _, seconds in stretches)
        where = 1 if late is not None and late[slot] else 0
        stretches.insert(where, (steps, left))
        for permitted, seconds in stretches:
            energy = curve.drawn(got, permitted * power, seconds)
            found[slot] += energy
            got += energy
    return found
