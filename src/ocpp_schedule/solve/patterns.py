"""Sessions that may not pause at will: runs of slots that are on, chosen by dynamic programming (convention 21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.pouring import demands_of, fill

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.working import WorkingPlan

WORTHS: Final = 16
"""Values of energy that are tried; each gives one pattern, and the best after filling is taken."""
ANY: Final = -1
"""As ``max_pauses``: any number."""


def runs(on: Bools) -> list[tuple[int, int]]:
    """Return the half-open runs that are set.

    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(on, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def kept(problem: Problem, plan: Candidate) -> bool:
    """Tell whether every session keeps to its pauses and on-times."""
    return problem.runs is None or not broken(problem, plan.setpoints, plan.energy_units.sum(axis=1)).any()


def broken(problem: Problem, setpoints: Ints | Floats, energy_units: Ints | Floats | None = None) -> Bools:
    """Return (S,) sessions whose runs are too many or too short.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps, whole or not.
        energy_units: (S,) what they give [0.1 J]; by default what the set-points do.
    """
    found = np.zeros(problem.sessions, dtype=np.bool_)
    if problem.runs is None:
        return found
    for session in np.flatnonzero(problem.runs.flagged).tolist():
        window = slice(int(problem.first_slot[session]), int(problem.end_slot[session]))
        row = setpoints[session, window]
        if energy_units is None:
            given = float((row * problem.seconds[window]).sum()) * float(problem.power_dw[session])
        else:
            given = float(energy_units[session])
        full = given >= problem.runs.full_units[session]
        found[session] = not allowed_runs(problem, session, runs(row > 0), full=full)
    return found


def allowed_runs(problem: Problem, session: int, found: list[tuple[int, int]], *, full: bool) -> bool:
    """Tell whether the runs of a window are few and long enough; the last may be short in a full car."""
    rules = problem.runs
    assert rules is not None  # noqa: S101 - checked by the callers, for the type checker
    if rules.pauses[session] != ANY and len(found) > rules.pauses[session] + 1:
        return False
    if is_steady(problem, session):
        return found == [(0, int(problem.end_slot[session] - problem.first_slot[session]))]
    seconds = problem.seconds[int(problem.first_slot[session]) : int(problem.end_slot[session])]
    for at, (first, last) in enumerate(found):
        goes_on = rules.open_end[session] and last == seconds.size
        ends_full = full and at == len(found) - 1
        if not goes_on and not ends_full and seconds[first:last].sum() < rules.on_s[session]:
            return False
    return True


def least_steps(problem: Problem) -> Ints:
    """Return (S,) the smallest set-point that counts as on [steps]."""
    least = problem.min_steps.copy()
    if problem.runs is not None:
        least = np.where(problem.runs.flagged, np.maximum(least, 1), least)
    least[list(problem.tapers)] = 0  # there the program speaks of draws, which may be below any permission
    return least


def is_flagged(problem: Problem, session: int) -> bool:
    """Tell whether a session has rules for its pauses or on-times."""
    return problem.runs is not None and bool(problem.runs.flagged[session])


def is_steady(problem: Problem, session: int) -> bool:
    """Tell whether a session charges in every slot of its window, because its station is never told 0."""
    steady = None if problem.runs is None else problem.runs.steady
    return steady is not None and bool(steady[session])


def mend(plan: WorkingPlan, prices: Floats) -> None:
    """Plan every session anew whose runs are too many or too short; ``prices`` (S, T) order the slots."""
    for session in np.flatnonzero(broken(plan.problem, plan.setpoints)).tolist():
        refill_runs(plan, session, prices[session, plan.window(session)])


def refill_runs(plan: WorkingPlan, session: int, price: Floats) -> None:
    """Plan a session anew in allowed runs, in the room that the others leave: least missing, then cheapest.

    For a worth of energy, dynamic programming finds the runs in which worth less price is highest; of the runs for
    some worths those are taken that serve the wish best once they are filled.

    Args:
        plan: is changed.
        session: index.
        price: (W,) of the window's slots, infinite where there is none.
    """
    plan.assign(session, best_runs(plan, session, price))


def best_runs(plan: WorkingPlan, session: int, price: Floats, extra: int = 0, most_runs: int = ANY) -> Ints:
    """Return the set-points of the best runs.

    Args:
        plan: what the others leave.
        session: index.
        price: (W,) of the window's slots, infinite where there is none.
        extra: what guarded edges take [0.1 J].
        most_runs: further limit on their number.
    """
    problem = plan.problem
    room = plan.room(session)
    low = max(int(problem.min_steps[session]), 1)
    if is_steady(problem, session):
        room = np.maximum(room, low)  # the idle floor has it reserved; nothing else may hold it back
    else:
        room[(room < low) | ~np.isfinite(price)] = 0
    price = np.where(np.isfinite(price), price, 0.0)
    car = _Car(problem, session, room, low, price, extra, most_runs)
    best, best_rank = np.zeros_like(room), car.rank(np.zeros_like(room))
    seen: set[bytes] = set()
    for pattern in car.patterns():
        key = pattern.tobytes()
        if key in seen:
            continue
        seen.add(key)
        filled = car.filled(pattern)
        energy = float((filled * car.energy).sum())
        full = energy >= problem.runs.full_units[session] + extra if problem.runs else True
        if allowed_runs(problem, session, runs(filled > 0), full=full) and (rank := car.rank(filled)) < best_rank:
            best, best_rank = filled, rank
    return best


@dataclass(frozen=True, slots=True)
class _Car:
    """One session in the room that is left to it.

    Attributes:
        problem: compiled arrays.
        session: index.
        room: (W,) largest set-points, 0 where there is less than ``low``.
        low: smallest set-point that counts as on.
        price: (W,) finite.
        extra: what guarded edges take, so that more must be given [0.1 J].
        most_runs: further limit on their number; ``ANY``: none.
    """

    problem: Problem
    session: int
    room: Ints
    low: int
    price: Floats
    extra: int = 0
    most_runs: int = ANY

    @property
    def seconds(self) -> Ints:
        """(W,) slot lengths [s]."""
        return self.problem.seconds[int(self.problem.first_slot[self.session]) :][: self.room.size]

    @property
    def energy(self) -> Ints:
        """(W,) energy of a step [0.1 J]."""
        energy: Ints = self.seconds * self.problem.power_dw[self.session]
        return energy

    def rank(self, setpoints: Ints) -> tuple[int, int, float]:
        """Return must-haves missing, wishes missing, and the cost; lower is better."""
        problem, first = self.problem, int(self.problem.first_slot[self.session])
        given = np.concatenate(([0], np.cumsum(setpoints * self.energy)))
        missing = [0, 0]
        for demand in np.flatnonzero(problem.demand_session == self.session).tolist():
            end = max(int(problem.demand_end[demand]) - first, 0)
            short = int(problem.demand_wish_units[demand]) + self.extra - int(given[end])
            missing[0 if problem.demand_hard[demand] else 1] += max(short, 0)
        return missing[0], missing[1], float((self.price * setpoints * self.seconds).sum())

    def filled(self, on: Bools) -> Ints:
        """Return set-points in the slots that are on: the minimum in all, more in the cheapest; the end cut off."""
        setpoints = np.where(on, self.low, 0)
        most = int(self.problem.energy_most_units[self.session]) + self.extra
        while (
            setpoints.any()
            and not is_steady(self.problem, self.session)
            and int((setpoints * self.energy).sum()) > most
        ):
            setpoints[int(np.flatnonzero(setpoints)[-1])] = 0
        order = np.argsort(self.price, kind="stable")
        order = order[setpoints[order] > 0]
        for end, units in demands_of(self.problem, self.session):
            given = int((setpoints[:end] * self.energy[:end]).sum())
            fill(setpoints, self.room, self.energy, order[order < end], units + self.extra - given, 0)
        return setpoints

    def patterns(self) -> list[Bools]:
        """Return patterns of slots that are on, one for each worth of energy and each deadline."""
        open_ = self.room > 0
        if not open_.any():
            return []
        if is_steady(self.problem, self.session):
            return [open_]
        levels = np.unique(self.price[open_])
        if levels.size > WORTHS:
            levels = levels[np.linspace(0, levels.size - 1, WORTHS).round().astype(np.int64)]
        spread = float(levels[-1] - levels[0]) + 1e-9 * float(np.abs(levels).max()) + 1e-12
        worths = np.append(levels, levels[-1] + spread) + 1e-6 * spread
        found = []
        for end in dict.fromkeys([self.room.size, *(end for end, _ in demands_of(self.problem, self.session))]):
            early = np.where(np.arange(self.room.size) < end, 2 * spread, 0.0) if end < self.room.size else 0.0
            gain = worths[:, None] - (self.price - early)
            reward = np.where(gain > 0, self.room, self.low) * gain * self.seconds
            found += _best_patterns(reward, open_, self._shortest(), self._runs())
        return found

    def _runs(self) -> int:
        pauses = int(self.problem.runs.pauses[self.session]) if self.problem.runs else ANY
        given = [most for most, known in ((pauses + 1, pauses), (self.most_runs, self.most_runs)) if known != ANY]
        return min(given, default=ANY)

    def _shortest(self) -> Ints:
        """Return (W,) where a run that begins here may end at the earliest; the window's end where it is too short."""
        on_s = int(self.problem.runs.on_s[self.session]) if self.problem.runs else 0
        ends = np.cumsum(self.seconds)
        wanted = ends - self.seconds + max(on_s, 1)
        earliest: Ints = np.minimum(np.searchsorted(ends, wanted) + 1, self.room.size)
        return earliest


def _best_patterns(reward: Floats, open_: Bools, shortest: Ints, most_runs: int) -> list[Bools]:
    """Return for each of (L, W) rewards the slots of the best runs.

    Args:
        reward: of being on.
        open_: (W,) slots that may be on.
        shortest: (W,) where a run that begins here may end at the earliest.
        most_runs: ``ANY``, or how many runs there may be.
    """
    worths, width = reward.shape
    layers = 1 if most_runs == ANY else most_runs + 1
    sums = np.zeros((worths, width + 1))
    np.cumsum(np.where(open_, reward, 0.0), axis=1, out=sums[:, 1:])
    shut = np.concatenate(([0], np.cumsum(~open_)))
    # Best value before each slot, by the number of runs so far, with the slot before off or on.
    off = np.full((width + 1, layers, worths), -np.inf)
    on = np.full((width + 1, layers, worths), -np.inf)
    begun = np.full((width + 1, layers, worths), -1, dtype=np.int64)
    off[0, 0] = 0.0
    for slot in range(width):
        off[slot + 1] = np.maximum(off[slot], on[slot])
        if not open_[slot]:
            continue
        further = on[slot] + reward[:, slot]
        better = further > on[slot + 1]
        on[slot + 1] = np.where(better, further, on[slot + 1])
        begun[slot + 1][better] = -1
        end = int(shortest[slot])
        if shut[end] != shut[slot]:
            continue
        started = off[slot] + sums[:, end] - sums[:, slot]
        if most_runs != ANY:
            started = np.concatenate((np.full((1, worths), -np.inf), started[:-1]))
        better = started > on[end]
        on[end] = np.where(better, started, on[end])
        begun[end][better] = slot
    return [_traced(off[:, :, k], on[:, :, k], begun[:, :, k], counted=most_runs != ANY) for k in range(worths)]


def _traced(off: Floats, on: Floats, begun: Ints, *, counted: bool) -> Bools:
    """Return the slots of the best path through the values of one worth."""
    width = off.shape[0] - 1
    pattern = np.zeros(width, dtype=np.bool_)
    layer = int(np.maximum(off[width], on[width]).argmax())
    slot, is_on = width, bool(on[width, layer] > off[width, layer])
    while slot > 0:
        if not is_on:
            slot -= 1
            is_on = bool(on[slot, layer] > off[slot, layer])
            continue
        start = int(begun[slot, layer])
        if start < 0:
            slot -= 1
            pattern[slot] = True
            continue
        pattern[start:slot] = True
        slot, is_on = start, False
        layer -= counted
    return pattern


def trim_runs(plan: WorkingPlan, session: int, price: Floats, surplus_units: int) -> bool:
    """Take energy away without a new pause: down to the minimum, dearest first, then whole slots from the end.

    Returns:
        whether the plan changed.
    """
    window = plan.window(session)
    setpoints = plan.setpoints[session, window].copy()
    low = max(int(plan.problem.min_steps[session]), 1)
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    for slot in np.argsort(-price, kind="stable").tolist():
        give = min(max(int(setpoints[slot]) - low, 0), surplus_units // int(energy[slot]))
        setpoints[slot] -= give
        surplus_units -= give * int(energy[slot])
    last_first = [] if is_steady(plan.problem, session) else np.flatnonzero(setpoints)[::-1].tolist()
    for slot in last_first:
        if int(setpoints[slot] * energy[slot]) > surplus_units:
            break
        surplus_units -= int(setpoints[slot] * energy[slot])
        setpoints[slot] = 0
    return plan.assign(session, setpoints)


def top_up_runs(plan: WorkingPlan, session: int, price: Floats, missing_units: int, end: int) -> bool:
    """Add energy in the slots that are on; where that does not do, plan the session anew if that serves it better.

    Returns:
        whether the plan changed.
    """
    window = plan.window(session)
    before = plan.setpoints[session, window].copy()
    raised = before.copy()
    room = plan.room(session)
    energy = plan.problem.power_dw[session] * plan.problem.seconds[window]
    order = np.argsort(price, kind="stable")
    on = order[(order < end) & (raised[order] > 0)]
    left = fill(raised, room, energy, on, missing_units, 0)
    if left > 0:
        wish = min((units for until, units in demands_of(plan.problem, session) if until >= end), default=0)
        extra = max(int((before[:end] * energy[:end]).sum()) + missing_units - wish, 0)
        car = _Car(plan.problem, session, room, max(int(plan.problem.min_steps[session]), 1), price, extra)
        anew = best_runs(plan, session, price, extra)
        if car.rank(anew)[:2] < car.rank(raised)[:2]:
            raised = anew
    return plan.assign(session, raised)
