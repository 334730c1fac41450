"""What keeps single sessions from charging besides the site's limits: availability, price (convention 21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.arrays import Withheld
from ocpp_schedule.problem.availability import seconds_lost, touched_slots
from ocpp_schedule.units import PRICE_UNITS_PER_CURRENCY, energy_to_wh, round_down

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.availability import Spell
    from ocpp_schedule.problem.demands import Demands, Table
    from ocpp_schedule.problem.taper import Curve


@dataclass(frozen=True, slots=True)
class OwnRules:
    """Caps that belong to single sessions.

    Attributes:
        caps: (S, T) largest set-points [steps]: window, availability, price.
        given: (S, T + 1) energy before each edge at the caps without the price [0.1 J].
        affordable: (S, T + 1) the same with the price.
        end_s: end of the grid, seconds since 1970.
        spells: by session with any, what holds for it.
        full: (S,) its largest set-point otherwise.
        power_dw: (S,) as in ``Problem``.
        most: from a session's index and a current per line [A] to the largest set-point [steps].
        takeable: (S, T + 1) as ``affordable``, of what tapered sessions draw then.
        withheld: what availability takes, for explanations.
    """

    caps: Ints
    given: Ints
    affordable: Ints
    end_s: int
    spells: dict[int, list[Spell]]
    full: Ints
    power_dw: Ints
    most: Callable[[int, float], int]
    takeable: Ints
    withheld: tuple[Withheld, ...]

    def lost_after_grid(self, session: int, until_s: int) -> int:
        """Return what availability takes from a session between the grid's end and ``until_s`` [0.1 J]."""
        full = int(self.full[session])
        lost = seconds_lost(
            self.spells.get(session, ()), self.end_s, until_s, lambda max_a: self.most(session, max_a), full
        )
        return sum(seconds * steps for seconds, steps in lost) * int(self.power_dw[session])

    def unaffordable(self, session: Ints, end: Ints, wish: Ints) -> Ints:
        """Return (D,) the part of each wish that only slots above the session's highest price could give [0.1 J]."""
        lost: Ints = np.minimum(wish, self.given[session, end]) - np.minimum(wish, self.affordable[session, end])
        return lost

    def untakeable(self, session: Ints, end: Ints, wish: Ints) -> Ints:
        """Return (D,) the part of each wish that the car's own taper forbids [0.1 J]."""
        lost: Ints = np.minimum(wish, self.affordable[session, end]) - np.minimum(wish, self.takeable[session, end])
        return lost


def own_rules(
    table: Table,
    edges: Ints,
    price_seconds: Ints,
    spells: Mapping[str, Sequence[Spell]],
    most: Callable[[int, float], int],
    tapers: Mapping[int, Curve],
) -> OwnRules | None:
    """Return the caps of single sessions, or None where there are none.

    Args:
        table: the sessions.
        edges: (T + 1,) seconds since 1970.
        price_seconds: (T,) as in ``Problem``.
        spells: by connector id.
        most: from a session's index and a current per line [A] to the largest set-point [steps].
        tapers: by session with one.
    """
    priced = [k for k, session in enumerate(table.sessions) if session.max_price_per_kwh is not None]
    if not spells and not priced and not tapers:
        return None
    slot, seconds = np.arange(edges.size - 1), np.diff(edges)
    inside = (slot >= table.first[:, None]) & (slot < table.end[:, None])
    caps = inside * table.max_steps[:, None]
    held: dict[int, list[Spell]] = {}
    withheld = []
    for index, session in enumerate(table.sessions):
        mine = [spell for spell in spells.get(session.connector, ()) if spell.exempt != session.id]
        if mine:
            held[index] = mine
        for spell in mine:
            part = touched_slots(spell, edges)
            steps = most(index, spell.max_a)
            if (caps[index, part] > steps).any():
                withheld.append(Withheld(index, part.start, part.stop, spell.name))
                caps[index, part] = np.minimum(caps[index, part], steps)
    given = _before(caps, table.power_dw, seconds)
    affordable = given
    if priced:
        for index in priced:
            highest = round_down(table.sessions[index].max_price_per_kwh or 0.0, PRICE_UNITS_PER_CURRENCY)
            caps[index, price_seconds > highest * seconds] = 0
        affordable = _before(caps, table.power_dw, seconds)
    takeable = affordable.copy() if tapers else affordable
    for index, curve in tapers.items():
        power = int(table.power_dw[index])
        stretches = zip((caps[index] * power).tolist(), seconds.tolist(), strict=True)
        takeable[index, 1:] = np.cumsum(curve.series(stretches))
    return OwnRules(
        caps, given, affordable, int(edges[-1]), held, table.max_steps, table.power_dw, most, takeable, tuple(withheld)
    )


def _before(caps: Ints, power_dw: Ints, seconds: Ints) -> Ints:
    sums = np.zeros((caps.shape[0], caps.shape[1] + 1), dtype=np.int64)
    np.cumsum(caps * power_dw[:, None] * seconds, axis=1, out=sums[:, 1:])
    return sums


def own_notices(table: Table, demands: Demands) -> tuple[str, ...]:
    """Return a notice for every wish of which a part is left out for its price."""
    left_out, beyond = demands.unaffordable[demands.milestone < 0], demands.untakeable[demands.milestone < 0]
    return tuple(
        f"session {table.ids[index]}: {energy_to_wh(int(beyond[index])):,.0f} Wh of its wish are more than the car "
        "takes in its time, as its taper says, and are left out"
        for index in np.flatnonzero(beyond).tolist()
    ) + tuple(
        f"session {table.ids[index]}: {energy_to_wh(int(left_out[index])):,.0f} Wh of its wish can only be had above "
        f"its highest price of {table.sessions[index].max_price_per_kwh:g} per kWh and are left out"
        for index in np.flatnonzero(left_out).tolist()
    )
