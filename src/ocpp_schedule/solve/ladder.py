"""The ladder of methods: the cheapest exact one that fits, and a safe plan whatever happens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ocpp_schedule.solution import Certificate
from ocpp_schedule.solve.again import as_good, continued
from ocpp_schedule.solve.at_meter import aimed, at_work, decide
from ocpp_schedule.solve.cuts import Conductors, CuttingSolver, settled, without_tangents
from ocpp_schedule.solve.deadline import OutOfTime
from ocpp_schedule.solve.exact import exact_plan
from ocpp_schedule.solve.exact_loads import exact_loads
from ocpp_schedule.solve.exact_metered import exact_metered
from ocpp_schedule.solve.exchange import with_meter
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.few_periods import in_few_periods
from ocpp_schedule.solve.flow import best_flow
from ocpp_schedule.solve.insertion import SWEPT_SESSIONS, descend, let_in
from ocpp_schedule.solve.integer import integer_plan
from ocpp_schedule.solve.labels import certificate_of_flow
from ocpp_schedule.solve.load_rows import with_aims, with_loads, within_contract
from ocpp_schedule.solve.prices import certificates_of
from ocpp_schedule.solve.program import Solver
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.repair import allowed_steps, settle, told
from ocpp_schedule.solve.result import Candidate, evaluate, to_solution
from ocpp_schedule.solve.stages import (
    NOTHING_SHORT,
    Bounds,
    Relaxed,
    bounds_given,
    only_missing,
    solve_stages,
    with_budgets,
)
from ocpp_schedule.solve.starts import fewer_starts
from ocpp_schedule.solve.tapering import tapered, with_taper_rows
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.solve.together import Together
from ocpp_schedule.solve.values import LOADED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.solve.deadline import Deadline
    from ocpp_schedule.solve.exchange import Exchange
    from ocpp_schedule.solve.relaxation import Relaxation

EXACT_ARCS: Final = 40
"""Set-points up to which the integer program is solved outright; above, rounding is within 0.1 % and far faster."""

CONDUCTOR_ARCS: Final = 12
"""The same where currents are sums of phasors: it then takes several integer programs, slow ones with fine steps."""
CURVED_SHARE: Final = 1e-3
"""Share of the wishes that may be missed on conductors that are short anyway before single cars are let in: tangents
promise up to that much too much, and letting cars in gained nothing on real days."""

Method = Literal["flow", "exact", "linear"]
METHODS: Final[tuple[Method, ...]] = ("flow", "exact", "linear")
"""The rungs above the safe packing, which is always there."""


def solve(
    problem: Problem,
    *,
    solver: Solver | None = None,
    exact_arcs: int = EXACT_ARCS,
    methods: Collection[Method] = METHODS,
    previous: Ints | None = None,
    deadline: Deadline | None = None,
) -> Solution:
    """Return the best plan found, with the bounds that stand beside it.

    Args:
        problem: compiled arrays.
        solver: counts and remembers the programs solved; a new one by default.
        exact_arcs: up to this many set-points the integer program is solved outright (0: never).
        methods: the rungs of the ladder that may be used; without any the packing is the plan.
        previous: (S, T) steps of the plan before, which is gone on with where that loses next to nothing; -1
            throughout for sessions that it did not have.
        deadline: when the best plan so far is taken; None: as long as it takes, and the same plan on every run.

    The plan always fits: where no solver returns anything the least-laxity packing is the plan, and the
    marks of the stages say so.
    """
    solver = solver or Solver()
    problem = tighten(problem)
    if deadline is None:
        return _climbed(problem, solver, exact_arcs, methods, previous)
    deadline.offer(problem, least_laxity(within_contract(problem)), "fallback")
    solver.deadline = deadline
    try:
        deadline.left()
        if previous is not None:
            deadline.offer(problem, continued(problem, None, None, previous), "continued")
        return _climbed(problem, solver, exact_arcs, methods, previous)
    except OutOfTime:
        return _in_hand(deadline, solver)


def _in_hand(deadline: Deadline, solver: Solver) -> Solution:
    """Return the best plan so far, of which no bound is known."""
    best = deadline.best
    assert best is not None  # noqa: S101 - the packing was offered first, for the type checker
    return to_solution(
        best.problem,
        best.plan,
        None,
        method=best.method,
        mark="fallback" if best.method == "fallback" else "heuristic",
        termination=f"the deadline, in program {solver.calls}",
        stats={"programs": solver.calls},
    )


def _climbed(
    problem: Problem, solver: Solver, exact_arcs: int, methods: Collection[Method], previous: Ints | None
) -> Solution:
    """Return the plan of the first rung that fits."""
    arcs = int(np.count_nonzero(problem.cap_steps))
    if not arcs and not (problem.meter and (problem.meter.batteries or problem.meter.cars)):
        idle = evaluate(problem, np.zeros((problem.sessions, problem.slots), dtype=np.int64))
        bounds = Bounds(tuple(float(value) for value in idle.rank))
        return to_solution(
            problem,
            idle,
            bounds,
            method="idle",
            mark="bounded",
            termination="nothing to decide",
            stats={},
            certificates={stage.name: Certificate({}, {}) for stage in problem.stages},
        )
    exact_arcs = exact_arcs if "exact" in methods else 0
    if problem.phasors is not None:
        exact_arcs = min(exact_arcs, CONDUCTOR_ARCS)
    # Small problems also get few starts, which is no flow; nor is going on with a plan.
    found = _flow(problem) if "flow" in methods and arcs > exact_arcs and previous is None else None
    if found is not None:
        return found
    if "linear" not in methods:
        return _packed(problem, "no other method was allowed", {})
    return _linear(problem, solver, exact_arcs, previous)


def _flow(problem: Problem) -> Solution | None:
    """Return the optimal flow, where the problem is one; its values are their own bounds."""
    # How many periods a plan takes is seen when it is there.
    flow = None if problem.meter is not None else best_flow(_of_any_length(problem))
    if flow is None:
        return None
    plan = evaluate(problem, flow.setpoints)
    if plan.late.any() or plan.early.any() or not told(problem, plan):
        return None
    proof = certificate_of_flow(problem, flow)
    return to_solution(
        problem,
        plan,
        Bounds(tuple(float(value) for value in plan.rank)),
        method="flow",
        mark="bounded",
        termination="min-cost flow: OPTIMAL",
        stats={"limits": int(flow.load.shape[0]), "programs": flow.runs},
        certificates={} if proof is None else {problem.stages[-1].name: proof},
    )


def _packed(problem: Problem, termination: str, stats: dict[str, int | float]) -> Solution:
    safe = least_laxity(within_contract(problem))
    return to_solution(problem, safe, None, method="fallback", mark="fallback", termination=termination, stats=stats)


def _linear(problem: Problem, solver: Solver, exact_arcs: int, previous: Ints | None) -> Solution:
    whole, exchange = with_meter(problem, with_taper_rows(problem, relax(problem)))
    whole, places = with_loads(problem, whole)
    solver = _cutting(problem, whole, solver)
    relaxation, relaxed = whole, solve_stages(problem, whole, solver)
    if relaxed is None:
        return _packed(problem, "no linear solver returned a plan", _stats(relaxation, solver))
    whole, relaxed = settled(solver, whole, relaxed)
    relaxation = whole
    problem = with_budgets(problem, relaxed.bounds)
    opened, proof, together = problem, relaxed, None
    if exchange is not None:
        problem, relaxation, relaxed, proof, together = _aimed(problem, relaxation, relaxed, exchange, solver)
    problem = with_aims(problem, relaxation, relaxed, places)
    kept = None if previous is None else continued(problem, relaxation, relaxed, previous)
    before = problem
    solver.offer(problem, kept, "continued")
    if kept is not None and as_good(problem, relaxed.bounds.values, kept):
        method, plan = "continued", kept
    else:
        plain_arcs = 0 if exchange or places else exact_arcs
        method, plan = _best_plan(problem, relaxation, relaxed, solver, plain_arcs)
        if method != "exact":
            plan = fewer_starts(problem, relaxation, relaxed, plan, solver)
        if (exchange or places) and relaxation.arc_session.size <= exact_arcs and not problem.tapers:
            found = _outright(opened, whole, exchange, solver)
            better = found is not None and found[1].order <= evaluate(found[0], plan.setpoints).order
            if found is not None and better and told(*found):
                method, (problem, plan) = "exact", found
        if not places:
            method, problem, plan = _improved(together, method, problem, plan, solver)
        if kept is not None and as_good(problem, plan.rank, kept):
            method, problem, plan = "continued", before, kept
    solver.offer(problem, plan, method)
    bounds, priced = _bounds_at(problem, whole, relaxed, plan, solver)
    if priced is relaxed:
        priced = proof
    return to_solution(
        problem,
        plan,
        bounds,
        method=method,
        mark="bounded",
        termination=relaxed.termination,
        stats=_stats(relaxation, solver),
        certificates=certificates_of(problem, relaxation, priced, exchange, places),
    )


def _cutting(problem: Problem, relaxation: Relaxation, solver: Solver) -> Solver:
    """Return the solver, or one that adds tangents of conductors where there are any."""
    if problem.phasors is None:
        return solver
    conductors = Conductors(problem, problem.phasors, relaxation)
    enough = _serving(problem, relaxation)
    return CuttingSolver(conductors=conductors, inner=solver, deadline=solver.deadline, enough=enough)


def _serving(problem: Problem, relaxation: Relaxation) -> Callable[[Floats], bool] | None:
    """Return what tells whether whole steps at a program's values miss nothing; None where that is not all that counts.

    Only for plain set-points, which rounding down leaves as they are.
    """
    plain = problem.min_steps.max(initial=0) <= 1 and problem.runs is None and not problem.tapers
    if problem.wish_stages < len(problem.stages) or not plain:
        return None

    def serves(values: Floats) -> bool:
        if (values[relaxation.columns["short"]] > NOTHING_SHORT).any():
            return False
        steps = allowed_steps(problem, relaxation.setpoints(values, (problem.sessions, problem.slots)))
        plan = settle(problem, steps)
        return plan is not None and not any(plan.served)

    return serves


def _improved(
    together: Together | None, method: str, problem: Problem, plan: Candidate, solver: Solver
) -> tuple[str, Problem, Candidate]:
    """Return the plan, or a better one in which cars, batteries and what cars give are planned together."""
    if together is None:
        return method, problem, plan
    solver.offer(problem, plan, method)
    found = together.improved(problem, plan)
    return (method, problem, plan) if found[1] is plan else ("linear", *found)


def _outright(
    problem: Problem, relaxation: Relaxation, exchange: Exchange | None, solver: Solver
) -> tuple[Problem, Candidate] | None:
    """Return the best plan of a small problem with columns beside those of set-points; None where it says too much.

    At the meter no stage may leave a budget, look at loads or starts, or count what is missed.
    """
    if exchange is None:
        return exact_loads(problem, relaxation, solver)
    plain = not any(
        stage.allow_abs or stage.allow_ppm or stage.lost.any() or stage.kind in {*LOADED, "starts"}
        for stage in problem.stages
    )
    return exact_metered(problem, relaxation, exchange, solver) if plain else None


def _aimed(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, exchange: Exchange, solver: Solver
) -> tuple[Problem, Relaxation, Relaxed, Relaxed, Together | None]:
    """Return problem and program with directions and batteries decided and peaks to aim for, and what proves most.

    And, where batteries or cars give, what plans them together with the cars. What is decided bounds nothing, so the
    bounds stay those of the open program.
    """
    bounds, proof = relaxed.bounds, relaxed
    decided = decide(problem, relaxation, exchange, relaxed, solver)
    if decided is not relaxation:
        again = solve_stages(problem, decided, solver)
        if again is not None:
            relaxation, relaxed = decided, replace(again, bounds=bounds)
            proof = relaxed
    together = None
    if exchange.storage is not None or exchange.cars is not None:
        together = Together(problem, relaxation, relaxed, exchange, solver)
    problem, held = at_work(problem, relaxation, exchange, relaxed)
    if held is not relaxation:
        again = solve_stages(problem, held, solver)
        if again is not None:
            relaxed = replace(again, bounds=bounds)
        relaxation = held
    return aimed(problem, relaxation, exchange, relaxed), relaxation, relaxed, proof, together


def _best_plan(
    problem: Problem,
    relaxation: Relaxation,
    relaxed: Relaxed,
    solver: Solver,
    exact_arcs: int,
) -> tuple[str, Candidate]:
    method, plan = _best_open_plan(_of_any_length(problem), relaxation, relaxed, solver, exact_arcs)
    if told(problem, plan):
        return method, plan
    few = in_few_periods(problem, relaxation, relaxed, plan, solver, exact_arcs)
    return ("fallback", least_laxity(problem)) if few is None else _with_room(problem, relaxed, *few)


def _of_any_length(problem: Problem) -> Problem:
    """Return the problem without limits on periods."""
    return problem if problem.pieces is None else replace(problem, pieces=None)


def _best_open_plan(
    problem: Problem,
    relaxation: Relaxation,
    relaxed: Relaxed,
    solver: Solver,
    exact_arcs: int,
) -> tuple[str, Candidate]:
    """Return the best plan, however many periods it takes."""
    plan = integer_plan(problem, relaxation, relaxed, solver)
    method = "linear"
    if relaxation.arc_session.size <= exact_arcs and not problem.tapers:
        exact = exact_plan(problem, without_tangents(relaxation), solver)
        if exact is not None and (plan is None or exact.order <= plan.order or _budgeted(problem, exact, plan)):
            method, plan = "exact", exact
    if plan is None:
        return "fallback", least_laxity(problem)
    method, plan = _with_room(problem, relaxed, method, plan)
    apart = tapered(problem) if problem.runs is None else problem.runs.flagged | tapered(problem)
    if apart.any() and method == "linear" and problem.sessions <= SWEPT_SESSIONS:
        # Planned at the prices of a program that does not know them well, they may do better among the others.
        plan = descend(problem, plan, np.flatnonzero(apart))
    return method, plan


def _with_room(problem: Problem, relaxed: Relaxed, method: str, plan: Candidate) -> tuple[str, Candidate]:
    """Return method and plan, or ones in which room is made for energy that need not be missing."""
    unavoidable = relaxed.bounds.missing(problem) + 1
    if problem.phasors is not None and unavoidable > 1:
        unavoidable += CURVED_SHARE * float(problem.energy_units.sum())
    if sum(plan.served) > unavoidable:
        plan = let_in(problem, plan)
    if sum(plan.served) > unavoidable:
        # The packing gives most where guarded edges or minimum currents are in the way, at any price.
        safe = least_laxity(problem)
        if safe.served < plan.served:
            return "fallback", descend(problem, safe) if problem.sessions <= SWEPT_SESSIONS else safe
    return method, plan


def _budgeted(problem: Problem, exact: Candidate, plan: Candidate) -> bool:
    """Tell whether a stage of the exact plan may be worse for a later one: its budget counts from the best integer."""
    return any(stage.enough is not None for stage in problem.stages) and exact.served <= plan.served


def _bounds_at(
    problem: Problem, relaxation: Relaxation, relaxed: Relaxed, plan: Candidate, solver: Solver
) -> tuple[Bounds, Relaxed]:
    """Return the bounds on what the referee counts, and the program behind that of the cost."""
    if not any(plan.rank[: problem.wish_stages]) and len(problem.stages) <= problem.wish_stages + 1:
        return relaxed.bounds, relaxed
    if isinstance(solver, CuttingSolver):
        if only_missing(problem):
            return relaxed.bounds, relaxed
        solver.rounds = solver.part_rounds = 0  # the tangents found for the plan serve its bounds as well
    given = bounds_given(problem, relaxation, solver, plan)
    if given is None:
        return Bounds((0.0,) * problem.wish_stages + (None,) * (len(problem.stages) - problem.wish_stages)), relaxed
    return given.bounds, given


def _stats(relaxation: Relaxation, solver: Solver) -> dict[str, int | float]:
    return {
        "variables": int(relaxation.program.cost.size),
        "rows": int(relaxation.program.row_high.size),
        "non_zeros": int(relaxation.program.matrix.nnz),
        "programs": solver.calls,
    }
