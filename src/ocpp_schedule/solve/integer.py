"""The integer plan around the optimum of the linear program: round, repair, and pay for guarded edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.taper import drawn_units
from ocpp_schedule.solve.neighbourhood import coarse_steps
from ocpp_schedule.solve.relaxation import enlarge
from ocpp_schedule.solve.repair import better, polish, rounded_plan
from ocpp_schedule.solve.restricted import ROUGH, restricted_plan, served_plan, whole_plan
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
CERTAIN_ROUNDS: Final = 2
"""Rounds with minimum currents even where nothing is missing: what guards took is then bought where it is cheap, not
where the first plan has room (0.25 to 0.21 % of gap at 100 sessions)."""
STALE_ROUNDS: Final = 2
"""Rounds without gain after which what is missing is taken for unavoidable."""
RESTRICTED_ARCS: Final = 4_000
"""Set-points up to which a restricted integer program takes seconds, not minutes."""
GOOD_GAP: Final = 3e-5
"""Share of the gross energy cost that minimum currents may cost before an integer program is worth its time."""
FAR_GAP: Final = 3e-4
"""The same for more nodes; the best plans known of the seeded days cost at most that much."""


def integer_plan(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, solver: Solver) -> Candidate | None:
    """Return the best integer plan around the optimum of the linear program.

    Round down or refit; where minimum currents bind let a restricted integer program choose what is on, or where the
    site is too large for it the linear program with that pattern; then pay for guarded edges. What rounding leaves
    short is settled among whole steps.
    """
    first = rounded_plan(problem, relaxation, relaxed, solver)
    if first is None:
        return None
    solver.offer(problem, first)
    discrete = problem.min_steps.max(initial=0) > 1 or bool(coarse_steps(problem).any())
    if discrete and relaxation.arc_session.size and worse(problem, relaxed, first, GOOD_GAP):
        first = _chosen(problem, relaxation, relaxed, first, solver)
        solver.offer(problem, first)
    best = _pay_for_edges(problem, relaxation, relaxed, first, solver)
    # Coarse steps were whole in the restricted program already. What rounding costs on conductors comes from their
    # curved limits, which whole steps around the plan do not mend.
    small = relaxation.arc_session.size <= RESTRICTED_ARCS and not coarse_steps(problem).any()
    if small and problem.phasors is None and sum(best.served) > _tolerance(problem, relaxed):
        grown = enlarge(relaxation, _raised(problem, np.zeros(problem.sessions, dtype=np.int64), best))
        best = better(best, whole_plan(problem, grown, best, solver)) or best
    return best


def _chosen(problem: Problem, relaxation: Relaxation, relaxed: Relaxed, first: Candidate, solver: Solver) -> Candidate:
    """Return the plan with what is on chosen by integer programs around it.

    The root of the program mostly suffices; more nodes are worth their time only where the plan stays far off. Guarded
    edges are not in the program: there its plan has to compete with that of the linear program for the same pattern.
    """
    found = restricted_plan(problem, relaxation, relaxed, first, solver)
    best = better(first, found) or first
    if found is None or problem.edge_guard_s:
        best = better(best, polish(problem, relaxation, first, solver)) or best
    elif worse(problem, relaxed, best, FAR_GAP):
        best = better(best, restricted_plan(problem, relaxation, relaxed, best, solver, ROUGH)) or best
    # Behind conductors that are short anyway rivals hardly make room: 0.15 % of the energy in ten times the time.
    short_anyway = problem.phasors is not None and relaxed.bounds.missing(problem) > 0
    if sum(best.served) > _tolerance(problem, relaxed) and not (problem.edge_guard_s or short_anyway):
        best = served_plan(problem, relaxation, relaxed, best, solver)
    return best


def _pay_for_edges(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, first: Candidate, solver: Solver
) -> Candidate:
    """Solve again with the demands raised by what guarded edges took, until nothing is missing for their sake."""
    best = latest = first
    extra = np.zeros(problem.sessions, dtype=np.int64)
    stale = 0
    certain = CERTAIN_ROUNDS if problem.min_steps.max(initial=0) > 1 and (first.late.any() or first.early.any()) else 0
    for number in range(GUARD_ROUNDS):
        if number >= certain and (stale == STALE_ROUNDS or _nothing_lost(problem, relaxed, best)):
            break
        extra = _raised(problem, extra, latest)
        found = _again(problem, enlarge(relaxation, extra), latest, solver)
        if found is None:
            break
        latest = found
        if latest.order >= best.order:
            stale += 1
        best = better(best, latest) or best
        solver.offer(problem, best)
    return best


def _again(problem: Problem, grown: Relaxation, plan: Candidate, solver: Solver) -> Candidate | None:
    """Return a plan for raised demands from the linear program anew; with minimum currents also with its pattern."""
    again = solve_stages(problem, grown, solver)
    found = rounded_plan(problem, grown, again, solver) if again else None
    if problem.min_steps.max(initial=0) <= 1:
        return found
    if found is not None:
        found = better(found, polish(problem, grown, found, solver))
    return better(found, polish(problem, grown, plan, solver))


def _tolerance(problem: Problem, relaxed: Relaxed) -> float:
    return relaxed.bounds.missing(problem) + 1


def _nothing_lost(problem: Problem, relaxed: Relaxed, plan: Candidate) -> bool:
    """Tell whether the plan gives what the linear program gives, or misses it for other reasons than guards."""
    guarded = bool(plan.late.any() or plan.early.any())
    return not guarded or sum(plan.served) <= _tolerance(problem, relaxed)


def worse(problem: Problem, relaxed: Relaxed, plan: Candidate, share: float) -> bool:
    """Tell whether something is missing that need not be, or the cost is above its bound by a share of the gross."""
    if sum(plan.served) > _tolerance(problem, relaxed):
        return True
    main = problem.wish_stages
    bound = relaxed.bounds.values[main] if main < len(problem.stages) else None
    if bound is None:
        return False
    return plan.rank[main] - bound > share * gross_units(problem, plan.setpoints, problem.stages[main])


def _raised(problem: Problem, extra: Ints, plan: Candidate) -> Ints:
    """Return (S,) energy by which demands are raised: what guarded edges took, and what is missing [0.1 J]."""
    full = (plan.setpoints @ problem.seconds) * problem.power_dw
    for session in problem.tapers:
        full[session] = sum(drawn_units(problem, session, plan.setpoints[session], None, None))
    raised: Ints = np.maximum(extra, full - plan.energy_units.sum(axis=1))
    if plan.late.any() or plan.early.any():
        np.add.at(raised, problem.demand_session, plan.missing_units * problem.chased)
    return raised
