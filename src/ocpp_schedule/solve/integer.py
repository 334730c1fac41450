"""The integer plan around the optimum of the linear program: round, repair, and pay for guarded edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.solve.relaxation import enlarge
from ocpp_schedule.solve.repair import better, polish, rounded_plan
from ocpp_schedule.solve.restricted import restricted_plan, whole_plan
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.solve.values import gross_units

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

GUARD_ROUNDS: Final = 6
"""Re-solves with raised demands; measured on mixed phases, one or two mostly suffice."""
STALE_ROUNDS: Final = 2
"""Rounds without gain after which what is missing is taken for unavoidable."""
RESTRICTED_ARCS: Final = 4_000
"""Set-points up to which a restricted integer program takes seconds, not minutes."""
GOOD_GAP: Final = 5e-3
"""Share of the gross energy cost that minimum currents may cost before an integer program is worth its time."""


def integer_plan(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, solver: Solver) -> Candidate | None:
    """Return the best integer plan around the optimum of the linear program.

    The cheap way first: round down or refit, then pay for guarded edges. Where energy is still missing, or
    minimum currents cost more than ``GOOD_GAP``, restricted integer programs start from the first plan.
    """
    first = rounded_plan(problem, relaxation, relaxed, solver)
    if first is None:
        return None
    best = _pay_for_edges(problem, relaxation, relaxed, first, solver)
    if relaxation.arc_session.size > RESTRICTED_ARCS or _good(problem, relaxed, best):
        return best
    found: Candidate | None = first
    if problem.min_steps.max(initial=0) > 1:
        found = restricted_plan(problem, relaxation, relaxed, first, solver)
        if found is not None:
            best = better(best, _keep_pattern(problem, relaxation, relaxed, found, solver)) or best
    if sum(best.served) > _tolerance(problem, relaxed):
        grown = enlarge(relaxation, _raised(problem, np.zeros(problem.sessions, dtype=np.int64), best))
        best = better(best, whole_plan(problem, grown, best, solver)) or best
    return best


def _pay_for_edges(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, first: Candidate, solver: Solver
) -> Candidate:
    """Solve again with the demands raised by what guarded edges took, until nothing is missing for their sake."""
    best = latest = first
    extra = np.zeros(problem.sessions, dtype=np.int64)
    stale = 0
    for _ in range(GUARD_ROUNDS):
        if stale == STALE_ROUNDS or _nothing_lost(problem, relaxed, best):
            break
        extra = _raised(problem, extra, latest)
        grown = enlarge(relaxation, extra)
        again = solve_stages(problem, grown, solver)
        found = rounded_plan(problem, grown, again, solver) if again else None
        if found is None:
            break
        latest = found
        if latest.rank >= best.rank:
            stale += 1
        best = better(best, latest) or best
    return best


def _keep_pattern(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, first: Candidate, solver: Solver
) -> Candidate:
    """As ``_pay_for_edges``, with every set-point on or off as in ``first``: its pattern was dear to find."""
    best = latest = first
    extra = np.zeros(problem.sessions, dtype=np.int64)
    for _ in range(GUARD_ROUNDS):
        if _nothing_lost(problem, relaxed, best):
            break
        extra = _raised(problem, extra, latest)
        found = polish(problem, enlarge(relaxation, extra), latest, solver)
        if found is None:
            break
        latest = found
        if latest.rank >= best.rank:
            break
        best = latest
    return best


def _tolerance(problem: Problem, relaxed: Relaxed) -> float:
    return relaxed.bounds.missing(problem) + 1


def _nothing_lost(problem: Problem, relaxed: Relaxed, plan: Candidate) -> bool:
    """Tell whether the plan gives what the linear program gives, or misses it for other reasons than guards."""
    guarded = bool(plan.late.any() or plan.early.any())
    return not guarded or sum(plan.served) <= _tolerance(problem, relaxed)


def _good(problem: Problem, relaxed: Relaxed, plan: Candidate) -> bool:
    """Tell whether nothing is missing that need not be, and the cost is near its bound."""
    if sum(plan.served) > _tolerance(problem, relaxed):
        return False
    main = problem.wish_stages
    bound = relaxed.bounds.values[main] if main < len(problem.stages) else None
    if problem.min_steps.max(initial=0) <= 1 or bound is None:
        return True
    return plan.rank[main] - bound <= GOOD_GAP * gross_units(problem, plan.setpoints, problem.stages[main])


def _raised(problem: Problem, extra: Ints, plan: Candidate) -> Ints:
    """Return (S,) energy by which demands are raised: what guarded edges took, and what is missing [0.1 J]."""
    full = (plan.setpoints @ problem.seconds) * problem.power_dw
    for session in problem.tapers:
        full[session] = sum(drawn_units(problem, session, plan.setpoints[session], None, None))
    raised: Ints = np.maximum(extra, full - plan.energy_units.sum(axis=1))
    if plan.late.any() or plan.early.any():
        np.add.at(raised, problem.demand_session, plan.missing_units)
    return raised
