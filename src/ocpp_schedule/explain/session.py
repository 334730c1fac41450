"""Why one car gets what it gets: when it charges, and which limits hold it back where energy is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.explain.beside import full_beside
from ocpp_schedule.explain.conductors import charging_on, full_conductors
from ocpp_schedule.solve.edges import cost_units
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.solve.working import WorkingPlan
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PRICE_UNITS_PER_CURRENCY, energy_to_wh, money_to_currency

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.solution import Solution

LISTED: Final = 6
"""Names in one sentence; more are counted."""
WH_PER_KWH: Final = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """Slots in which a car could charge for less than it pays elsewhere, and what keeps it from there.

    Attributes:
        spans: first slot and the slot after the last one, run by run.
        limits: rows that are full; empty where the reason is another.
        shares: other sessions that charge on those rows in those slots.
        reason: in words.
    """

    spans: tuple[tuple[int, int], ...]
    limits: tuple[str, ...]
    shares: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a session gets what it gets; ``str`` is the whole text.

    Attributes:
        session: its id.
        wanted_wh: what it wants from the grid of the plan [Wh].
        given_wh: what it gets, guard losses taken off [Wh].
        cost: of that energy [currency].
        price_per_kwh: mean price; None where it gets nothing.
        held: where it could charge for less, and what keeps it from there.
        guard_wh: lost at guarded edges [Wh].
        lines: the text, a sentence or two each.
    """

    session: str
    wanted_wh: float
    given_wh: float
    cost: float
    price_per_kwh: float | None
    held: tuple[Held, ...]
    guard_wh: float
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return the text."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Look:
    """A plan, seen from one session.

    Attributes:
        problem: compiled arrays.
        solution: the plan.
        row: index of the session.
        energy_units: (S, T) energy that counts for wishes, guard losses taken off [0.1 J].
        permissions: (T,) set-points in the unit that the station takes.
        unit: ``A`` or ``W``.
        currency: of the tariff.
        time_zone: IANA name, for times of day.
        shortfalls: texts of the shortfalls that the session has a part in.
        given_back: (T,) energy that the car gives back [0.1 J]; None: nothing.
    """

    problem: Problem
    solution: Solution
    row: int
    energy_units: Ints
    permissions: Floats
    unit: str
    currency: str
    time_zone: str
    shortfalls: tuple[str, ...]
    given_back: Ints | None = None

    @cached_property
    def conductors(self) -> Bools:
        """(R, T) where a conductor leaves the session not one step more."""
        return full_conductors(self.problem, self.solution.setpoints, self.row)

    @property
    def zone(self) -> tzinfo:
        """For printing."""
        return ZoneInfo(self.time_zone)

    @property
    def name(self) -> str:
        """Id of the session."""
        return self.problem.session_ids[self.row]

    @property
    def prices(self) -> Floats:
        """(T,) mean price of each slot [currency/kWh]."""
        prices: Floats = self.problem.price_seconds / self.problem.seconds / PRICE_UNITS_PER_CURRENCY
        return prices

    @property
    def steps(self) -> Ints:
        """(T,) set-points in steps."""
        steps: Ints = self.solution.setpoints[self.row]
        return steps

    def span(self, first: int, end: int) -> str:
        """Return a span of slots as times of day."""
        edge = self.problem.grid.edge
        return f"{edge(first).astimezone(self.zone):%H:%M}-{edge(end).astimezone(self.zone):%H:%M}"

    def spans(self, spans: Iterable[tuple[int, int]]) -> str:
        """Return spans of slots as times of day, in one phrase."""
        texts = [self.span(*span) for span in spans]
        more = f" and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
        return ", ".join(texts[:LISTED]) + more


def explain_session(look: Look) -> Explanation:
    """Return why a session gets what it gets."""
    problem, row = look.problem, look.row
    energy = look.energy_units[row]
    given, wish = int(energy.sum()), _wish(problem, row)
    taken, back = look.steps * problem.power_dw[row] * problem.seconds, look.given_back
    cost = money_to_currency(cost_units_of(problem, row, energy if back is None else taken - back))
    kwh = energy_to_wh(given) / WH_PER_KWH
    lost = energy_to_wh(int((taken - energy).sum())) if back is None else 0.0
    held = tuple(_held(look))
    price = cost / kwh if kwh and back is None else None
    lines = [_head(look, wish, given, cost, price), *_charging(look), *_giving(look)]
    lines += [*_milestones(look), *_not_earlier(look)]
    lines += [_held_text(look, one) for one in held]
    lines += _remarks(look, wish, given, lost)
    lines += [f"Short: {text}" for text in look.shortfalls]
    return Explanation(look.name, energy_to_wh(wish), energy_to_wh(given), cost, price, held, lost, tuple(lines))


def cost_units_of(problem: Problem, row: int, energy: Ints) -> int:
    """Return the cost of (T,) energies of one session, which stands in ``row`` [money units]."""
    alone = np.zeros((problem.sessions, problem.slots), dtype=np.int64)
    alone[row] = energy
    return cost_units(problem, alone)


def _wish(problem: Problem, row: int) -> int:
    wishes = problem.demand_wish_units[problem.demand_session == row]
    return int(wishes[-1]) if wishes.size else 0


def _head(look: Look, wish: int, given: int, cost: float, price: float | None) -> str:
    problem, row = look.problem, look.row
    first, end = int(problem.first_slot[row]), int(problem.end_slot[row])
    place = problem.connector_ids[int(problem.session_connector[row])]
    window = look.span(first, end) if end > first else "no whole slot"
    paid = f" for {cost:,.3f} {look.currency} ({price:,.4g} {look.currency}/kWh)" if price is not None else ""
    got = f"gets {energy_to_wh(given):,.0f} Wh{paid}"
    return f"{look.name} at {place}, {window}: wants {energy_to_wh(wish):,.0f} Wh, {got}."


def runs(values: Ints) -> list[tuple[int, int, int]]:
    """Return first slot, the slot after the last one, and the value of every run of equal values.

    >>> runs(np.array([0, 5, 5, 2]))
    [(0, 1, 0), (1, 3, 5), (3, 4, 2)]
    """
    if not values.size:
        return []
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1)).tolist()
    ends = [*starts[1:], int(values.size)]
    return [(first, end, int(values[first])) for first, end in zip(starts, ends, strict=True)]


def _charging(look: Look) -> list[str]:
    charged = [
        f"{look.span(first, end)} at {look.permissions[first]:,.10g} {look.unit}"
        for first, end, steps in runs(look.steps)
        if steps
    ]
    if not charged:
        return ["It does not charge."]
    more = f" and {len(charged) - LISTED} spans more" if len(charged) > LISTED else ""
    return [f"Charges {', '.join(charged[:LISTED])}{more}."]


def _giving(look: Look) -> list[str]:
    """Say how much the car gives back, and when."""
    if look.given_back is None:
        return []
    spans = look.spans((first, end) for first, end, gives in runs(np.minimum(look.given_back, 1)) if gives)
    return [f"Gives back {energy_to_wh(int(look.given_back.sum())):,.0f} Wh, {spans}."]


def _milestones(look: Look) -> list[str]:
    problem, told = look.problem, []
    given = np.concatenate(([0], np.cumsum(look.energy_units[look.row])))
    for demand in np.flatnonzero((problem.demand_session == look.row) & (problem.demand_milestone >= 0)).tolist():
        end, wish = int(problem.demand_end[demand]), int(problem.demand_wish_units[demand])
        by = problem.grid.edge(end).astimezone(look.zone)
        kind = "must have" if problem.demand_hard[demand] else "should have"
        state = "met" if given[end] >= wish else f"{energy_to_wh(wish - int(given[end])):,.0f} Wh short"
        told.append(f"By {by:%H:%M} it {kind} {energy_to_wh(wish):,.0f} Wh: {state}.")
    return told


def _not_earlier(look: Look) -> list[str]:
    """Say what the slots before the first charge would cost, if all of them are dearer than what is paid."""
    charging = np.flatnonzero(look.steps)
    first = int(look.problem.first_slot[look.row])
    if not charging.size or charging[0] == first:
        return []
    dearest, before = float(look.prices[charging].max()), look.prices[first : charging[0]]
    if before.min() <= dearest:
        return []
    span = look.span(first, int(charging[0]))
    return [
        f"Not earlier: {span} costs {before.min():,.4g} {look.currency}/kWh or more; it pays {dearest:,.4g} at most."
    ]


def _held(look: Look) -> list[Held]:
    """Return the slots in which energy costs less than the car pays at most, by what keeps it from there."""
    problem, row = look.problem, look.row
    window = slice(int(problem.first_slot[row]), int(problem.end_slot[row]))
    charging = look.steps > 0
    short = int(look.energy_units[row].sum()) < _wish(problem, row)
    if not charging.any() and not short:
        return []
    dearest = np.inf if short else float(look.prices[charging].max())
    plan = WorkingPlan(problem, look.solution.setpoints)
    room = np.zeros(problem.slots, dtype=np.int64)
    room[window] = plan.room(row)
    tight = tighten(problem).cap_steps[row]
    reasons: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[int]] = {}
    for slot in range(window.start, window.stop):
        if look.prices[slot] < dearest and look.steps[slot] < problem.max_steps[row]:
            key = _reason(look, plan, slot, int(room[slot]), int(tight[slot]))
            reasons.setdefault(key, []).append(slot)
    return [Held(tuple(_runs_of(slots)), limits, shares, reason) for (limits, shares, reason), slots in reasons.items()]


def _runs_of(slots: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for slot in slots:
        if found and found[-1][1] == slot:
            found[-1] = (found[-1][0], slot + 1)
        else:
            found.append((slot, slot + 1))
    return found


def _reason(
    look: Look, plan: WorkingPlan, slot: int, room: int, tight: int
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the rows that are full in a slot, who charges on them, and the reason in words."""
    problem, row = look.problem, look.row
    if not problem.cap_steps[row, slot]:
        return (), (), "nothing may be drawn there (alarm, or closed)"
    if room > look.steps[slot] and tight:
        if by := _milestone_before(look, slot):
            return (), (), f"the milestone at {by} asks for the energy before"
        return (), (), "there is room, but whole steps, minimum currents or a guarded edge made it not worth while"
    rows = _full_rows(plan, row, slot)
    limits = [problem.row_name(node, line) for node, line in rows]
    others: set[str] = set()
    for node, line in rows:
        on = problem.connector_nodes[node, problem.session_connector] & (problem.load_units[:, line] > 0)
        charging = on & (look.solution.setpoints[:, slot] > 0)
        others |= {problem.session_ids[other] for other in np.flatnonzero(charging).tolist()}
    for name, sharers in full_beside(problem, look.solution.setpoints, row, slot):
        limits.append(name)
        others |= sharers
    for conductor in np.flatnonzero(look.conductors[:, slot]).tolist():
        assert problem.phasors is not None  # noqa: S101 - there is a conductor, for the type checker
        limits.append(problem.phasors.names[conductor])
        others |= charging_on(problem, look.solution.setpoints, conductor, slot)
    shares = tuple(sorted(others - {look.name}))
    return tuple(limits), shares, "is full" if tight else "leaves less than its minimum current"


def _milestone_before(look: Look, slot: int) -> str:
    """Return the time of a milestone before the slot for which the car pays more; empty where there is none."""
    problem = look.problem
    goals = (problem.demand_session == look.row) & (problem.demand_milestone >= 0) & (problem.demand_end <= slot)
    for end in sorted(problem.demand_end[goals].tolist(), reverse=True):
        paid = look.prices[:end][look.steps[:end] > 0]
        if paid.size and paid.max() > look.prices[slot]:
            return f"{problem.grid.edge(end).astimezone(look.zone):%H:%M}"
    return ""


def _full_rows(plan: WorkingPlan, row: int, slot: int) -> list[tuple[int, int]]:
    """Return the rows that leave a car not one step more in a slot; those that leave least come first."""
    problem = plan.problem
    shape = problem.headroom_units.shape
    draws = problem.connector_nodes[:, problem.session_connector[row]][:, None] & (problem.load_units[row] > 0)
    used = plan.used_units.reshape(shape)[:, :, slot]
    floor = problem.floor_units[problem.session_connector[row]]
    own = np.maximum(int(plan.setpoints[row, slot]) * problem.load_units[row], floor)
    free = problem.headroom_units[:, :, slot] - used + own
    step = np.maximum((int(plan.setpoints[row, slot]) + 1) * problem.load_units[row], floor)
    low = max(int(problem.min_steps[row]), 1) * problem.load_units[row]
    need = np.where(plan.setpoints[row, slot] > 0, step, np.maximum(low, step))
    full = draws & (free < need)
    places = [(int(node), int(line)) for node, line in zip(*np.nonzero(full), strict=True)]
    return sorted(places, key=lambda place: (int(free[place]), place))


def _held_text(look: Look, held: Held) -> str:
    slots = [slot for first, end in held.spans for slot in range(first, end)]
    low, high = float(look.prices[slots].min()), float(look.prices[slots].max())
    price = f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"
    names = ", ".join(held.shares[:LISTED])
    if len(held.shares) > LISTED:
        names += f" and {len(held.shares) - LISTED} more"
    shared = f", shared with {names}" if names else ""
    what = f"{' and '.join(held.limits)} {held.reason}{shared}" if held.limits else held.reason
    if len(held.limits) > 1:
        what = what.replace(" is full", " are full").replace(" leaves less", " leave less")
    return f"Not more in {look.spans(held.spans)} ({price} {look.currency}/kWh): {what}."


def _remarks(look: Look, wish: int, given: int, lost: float) -> list[str]:
    problem, row = look.problem, look.row
    told = []
    at_least = int((look.steps == problem.min_steps[row]).sum()) if problem.min_steps[row] else 0
    if at_least:
        told.append(f"In {at_least} slot{'' if at_least == 1 else 's'} it is held at its minimum current.")
    if wish and given - wish >= ENERGY_UNITS_PER_WH:
        told.append(f"It gets {energy_to_wh(given - wish):,.0f} Wh more than it wants: the last step is a whole one.")
    guards = int(look.solution.late_raise[row].sum() + look.solution.early_lowering[row].sum())
    if guards:
        told.append(f"At {guards} guarded edge{'' if guards == 1 else 's'} it loses {lost:,.0f} Wh.")
    return told
