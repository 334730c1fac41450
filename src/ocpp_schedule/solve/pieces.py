"""Sessions whose station takes few periods: planned in pieces, one at a time, in the room that the others leave.

A piece is a series of slots with one set-point (convention 24). For a worth of energy dynamic programming finds the
pieces in which worth less price is highest (``solve/piecewise.py``); of the pieces for some worths those are taken
that serve the wish best once they are filled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ocpp_schedule.problem.pieces import PHASE_CODES, layer_codes, periods_of
from ocpp_schedule.solve.edges import with_held
from ocpp_schedule.solve.patterns import ANY, allowed_runs, best_runs, is_flagged, is_steady, runs
from ocpp_schedule.solve.piece_filling import PieceCar, Rank
from ocpp_schedule.solve.piecewise import Piece, Side, Window, best_pieces

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.working import WorkingPlan

WORTHS: Final = 10
"""Values of energy that are tried first."""
CLOSER: Final = 6
"""Values between the two of them around which the wish is just met."""
SHIFTS: Final = (1, -1, 2, -2, 4, -4)
"""By how many slots cuts are moved, at the end, where that serves better."""
PASSES: Final = 3
"""Over all cuts."""


def is_pieced(problem: Problem, session: int) -> bool:
    """Tell whether the station of a session takes few periods."""
    return problem.pieces is not None and int(problem.pieces.layer[session]) >= 0


def pieced_sessions(problem: Problem) -> Ints:
    """Return the sessions whose stations take few periods."""
    if problem.pieces is None:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(problem.pieces.layer >= 0)


def mend_pieces(plan: WorkingPlan, prices: Floats) -> None:
    """Plan the sessions of every layer with too many periods anew; ``prices`` (S, T) order the slots."""
    pieces = plan.problem.pieces
    if pieces is None:
        return
    nothing = np.zeros(plan.setpoints.shape, dtype=np.bool_)
    counts = periods_of(plan.problem, with_held(plan.problem, plan.setpoints), nothing, nothing)
    for layer in np.flatnonzero(counts > pieces.most).tolist():
        _refill_layer(plan, pieces.sessions[layer], prices)


def _refill_layer(plan: WorkingPlan, sessions: tuple[int, ...], prices: Floats) -> None:
    """Plan all sessions of a layer anew, its periods shared out so that they serve best."""
    before = {session: plan.setpoints[session, plan.window(session)].copy() for session in sessions}
    for session in sessions:
        plan.assign(session, np.zeros_like(before[session]))
    shares: dict[int, tuple[Rank, tuple[Ints, ...]]] = {0: ((0, 0, 0, 0.0), ())}
    for session in sessions:
        most = _around(plan, session).changes
        found: dict[int, tuple[Ints, Rank]] = {}
        for changes in range(most + 1):
            steps, rank = _planned(plan, session, prices[session, plan.window(session)], changes=changes)
            if changes == 0 or rank < found[max(found)][1]:
                found[changes] = (steps, rank)
        shares = _joined(shares, found, most)
    _, chosen = min(shares.values(), key=lambda share: share[0])
    for session, steps in zip(sessions, chosen, strict=True):
        plan.assign(session, steps)
    for session in sessions:  # now that its neighbours are known a period may go on from one to the other
        refill_better(plan, session, prices[session, plan.window(session)], 0)


def _joined(
    shares: dict[int, tuple[Rank, tuple[Ints, ...]]], found: dict[int, tuple[Ints, Rank]], most: int
) -> dict[int, tuple[Rank, tuple[Ints, ...]]]:
    """Return by periods used what serves best for one session more."""
    joined: dict[int, tuple[Rank, tuple[Ints, ...]]] = {}
    for used, (rank, steps) in shares.items():
        for changes, (own, own_rank) in found.items():
            total = used + changes
            sums = (
                rank[0] + own_rank[0],
                rank[1] + own_rank[1],
                rank[2] + own_rank[2],
                rank[3] + own_rank[3],
            )
            if total <= most and (total not in joined or sums < joined[total][0]):
                joined[total] = (sums, (*steps, own))
    return joined


def refill_pieces(plan: WorkingPlan, session: int, price: Floats, extra: int = 0) -> None:
    """Plan a session anew in as few pieces as its station takes, in the room that the others leave.

    Args:
        plan: is changed.
        session: index.
        price: (W,) order of the window's slots, infinite where there is none.
        extra: what guarded edges take, so that more must be given [0.1 J].
    """
    plan.assign(session, _planned(plan, session, price, extra)[0])


def refill_better(plan: WorkingPlan, session: int, price: Floats, extra: int) -> bool:
    """As ``refill_pieces``, only where that serves the session itself better than what it has; tell whether it did."""
    own = plan.setpoints[session, plan.window(session)]
    car = PieceCar.in_hand(plan, session, price).with_extra(extra)
    steps, rank = _planned(plan, session, price, extra)
    return rank < car.rank(own) and plan.assign(session, steps)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the layer of a session holds beside its slots, and how many new periods are left to it."""

    left: Side
    right: Side
    changes: int


def _around(plan: WorkingPlan, session: int) -> _Around:
    """Return what lies around a session; where a layer has several, each may use what the others leave."""
    problem, window = plan.problem, _open(plan, session)
    pieces = problem.pieces
    assert pieces is not None  # noqa: S101 - checked by the callers, for the type checker
    layer, phases = int(pieces.layer[session]), int(pieces.phases[session])
    codes = layer_codes(problem, with_held(problem, plan.setpoints))[layer]
    steps = codes[1:] != codes[:-1]
    elsewhere = int(steps[: max(window.start - 1, 0)].sum()) + int(steps[window.stop :].sum())
    changes = int(pieces.most[layer]) - 1 - elsewhere - at_seams(problem, layer)
    left = Side(_match(int(codes[window.start - 1]), phases), 1) if window.start else Side(None, 0)
    return _Around(left, Side(_match(int(codes[window.stop]), phases), 1), changes)


def _open(plan: WorkingPlan, session: int) -> slice:
    """Return the slots of a session that can be planned: all but the one under way."""
    window = plan.window(session)
    return slice(max(window.start, int(plan.problem.held_steps is not None)), window.stop)


def _match(code: int, phases: int) -> int | None:
    """Return the set-point that goes on with a period; None where the number of phases is another."""
    if code == 0:
        return 0
    return code // PHASE_CODES if code % PHASE_CODES == phases else None


def at_seams(problem: Problem, layer: int) -> int:
    """Return how many periods guards may add where one session of a layer follows another at once."""
    assert problem.pieces is not None  # noqa: S101 - checked by the callers, for the type checker
    own = problem.pieces.sessions[layer]
    if not problem.edge_guard_s or len(own) == 1:
        return 0
    ends = {int(problem.end_slot[session]) for session in own}
    return sum(int(problem.first_slot[session]) in ends for session in own)


def _planned(
    plan: WorkingPlan, session: int, price: Floats, extra: int = 0, changes: int | None = None
) -> tuple[Ints, Rank]:
    """Return the set-points of a window that serve the wish best, and how they rank; ``changes`` cuts the periods."""
    problem, window, open_ = plan.problem, plan.window(session), _open(plan, session)
    skipped = open_.start - window.start
    room = plan.room(session)
    low = max(int(problem.min_steps[session]), 1)
    room[(room < low) | ~np.isfinite(price)] = 0
    car = PieceCar.of(problem, session, room[skipped:], np.where(np.isfinite(price), price, 0.0)[skipped:], extra)
    around = _around(plan, session)
    most = around.changes if changes is None else min(changes, around.changes)
    levels, runs_ = problem.levels.get(session), None
    if is_flagged(problem, session) and problem.runs is not None and problem.runs.pauses[session] != ANY:
        runs_ = int(problem.runs.pauses[session]) + 1
    if is_steady(problem, session):
        car = replace(car, room=np.maximum(car.room, low))
        window_ = Window(car.room, low, np.ones(car.room.size, dtype=np.bool_), around.left, around.right, most, levels)
        steps, rank = _best(car, window_)
        return np.maximum(np.concatenate((np.zeros(skipped, dtype=np.int64), steps)), low), rank
    window_ = Window(car.room, low, None, around.left, around.right, most, levels, runs_)
    steps, rank = _best(car, window_)
    if is_flagged(problem, session) and problem.runs is not None and problem.runs.on_s[session]:
        on = best_runs(plan, session, price, extra, max(most + 1, 0) // 2)[skipped:] > 0
        steps, rank = min((steps, rank), _best(car, replace(window_, on=on)), key=itemgetter(1))
    return np.concatenate((np.zeros(skipped, dtype=np.int64), steps)), rank


def _best(car: PieceCar, window: Window) -> tuple[Ints, Rank]:
    """Return the best of the pieces for some worths of energy; nothing where there are none."""
    nothing = np.zeros_like(car.room)
    best = _Choice([], [], car.rank(nothing))
    if window.changes < 0 or not car.room.any():
        return nothing, best.rank
    worths = _worths(car)
    seen: set[tuple[Piece, ...]] = set()
    for again in (True, False):
        reached = []
        for worth, pieces in zip(worths, best_pieces(window, car.gains(worths)), strict=False):
            reached.append((worth, car.reach(pieces)))
            if pieces and tuple(pieces) not in seen:
                seen.add(tuple(pieces))
                best = min(best, _served(car, pieces), key=attrgetter("rank"))
        if again:
            worths = _closer(reached, car.wanted)
            if not worths.size:
                break
    if best.pieces:
        best = _shifted(car, window, best)
    return car.steps(best.pieces, best.value), best.rank


class _Choice(NamedTuple):
    """Pieces, the set-point of each, and how they rank."""

    pieces: list[Piece]
    value: list[int]
    rank: Rank


def _worths(car: PieceCar) -> Floats:
    """Return values of energy from the cheapest slot's price to above the dearest one's."""
    prices = np.unique(car.price[car.room > 0])
    if prices.size > WORTHS:
        prices = prices[np.linspace(0, prices.size - 1, WORTHS).round().astype(np.int64)]
    spread = float(prices[-1] - prices[0]) + 1e-9 * float(np.abs(prices).max()) + 1e-12
    own = [0.0] if car.choosy else []
    return np.concatenate((own, prices + 1e-6 * spread, [prices[-1] + spread, prices[-1] + 10 * spread]))


def _closer(reached: list[tuple[float, int]], wanted: int) -> Floats:
    """Return values between the highest worth whose pieces give too little and the lowest whose give enough."""
    below = max((worth for worth, units in reached if units < wanted), default=None)
    above = min((worth for worth, units in reached if units >= wanted), default=None)
    if below is None or above is None or below >= above:
        return np.zeros(0)
    return np.linspace(below, above, CLOSER + 2)[1:-1]


def _served(car: PieceCar, pieces: list[Piece]) -> _Choice:
    """Return pieces with their set-points; last of all where they break a rule."""
    value, rank = car.served(pieces)
    problem, session = car.problem, car.session
    if is_flagged(problem, session) and problem.runs is not None:
        steps = car.steps(pieces, value)
        full = car.given(steps) >= int(problem.runs.full_units[session]) + car.extra
        if not allowed_runs(problem, session, runs(steps > 0), full=full):
            rank = (1, *rank[1:])
    return _Choice(pieces, value, rank)


def _shifted(car: PieceCar, window: Window, best: _Choice) -> _Choice:
    """Return what serves better with cuts moved by a few slots."""
    # Where a pause lies beside the window it may begin within it as well.
    width = car.room.size
    before = [Piece(0, 0, 0, 0)] if window.left.match == 0 else []
    after = [Piece(width, width, 0, 0)] if window.right.match == 0 else []
    best = best._replace(
        pieces=[*before, *best.pieces, *after], value=[0] * len(before) + best.value + [0] * len(after)
    )
    for _ in range(PASSES):
        start = best
        for at in range(len(best.pieces) - 1):
            for shift in SHIFTS:
                moved = _moved(car, window, best.pieces, at, shift)
                if moved is not None:
                    best = min(best, _served(car, moved), key=attrgetter("rank"))
        if best is start:
            break
    return best


def _moved(car: PieceCar, window: Window, pieces: list[Piece], at: int, shift: int) -> list[Piece] | None:
    """Return the pieces with one cut moved, or None where that cannot be."""
    one, other = pieces[at], pieces[at + 1]
    cut = one.end + shift
    if not one.first + bool(one.high) <= cut <= other.end - bool(other.high):
        return None
    moved = list(pieces)
    for place, first, end in ((at, one.first, cut), (at + 1, cut, other.end)):
        old = pieces[place]
        if window.on is not None and (window.on[first:end] != (old.high > 0)).any():
            return None
        if old.high == 0:
            moved[place] = Piece(first, end, 0, 0)
            continue
        high = int(car.room[first:end].min())
        if window.levels is not None:
            high = int(window.levels[np.searchsorted(window.levels, high, side="right") - 1])
        if high < old.low:
            return None
        settled = old.low == old.high and old.low != window.low
        moved[place] = Piece(first, end, old.low, old.low if settled else high)
    return moved


def trim_pieces(plan: WorkingPlan, session: int, price: Floats, surplus_units: int) -> bool:
    """Take energy away without a new period: whole pieces lower, the dearest first.

    Returns:
        whether the plan changed.
    """
    car = PieceCar.in_hand(plan, session, price)
    own = plan.setpoints[session, plan.window(session)]
    return plan.assign(session, car.trimmed(own, surplus_units, whole=not is_flagged(plan.problem, session)))


def top_up_pieces(plan: WorkingPlan, session: int, price: Floats, missing_units: int, end: int) -> bool:
    """Raise whole pieces; where that does not do, plan the session anew if that serves it better.

    Returns:
        whether the plan changed.
    """
    before = plan.setpoints[session, plan.window(session)].copy()
    car = PieceCar.in_hand(plan, session, price)
    raised, left = car.raised(before, missing_units, end)
    if left > 0:
        extra = car.extra_for(before, missing_units, end)
        anew, rank = _planned(plan, session, price, extra)
        if rank[:3] < car.with_extra(extra).rank(raised)[:3]:
            raised = anew
    return plan.assign(session, raised)
