"""The one place that talks to OR-Tools: sparse arrays in, vectors out.

OR-Tools is imported when the first program is solved, not with the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ocpp_schedule.problem.arrays import Bools, Floats, Problem
    from ocpp_schedule.solve.deadline import Deadline
    from ocpp_schedule.solve.phasors import TangentDuals
    from ocpp_schedule.solve.result import Candidate

SolverName = Literal["glop", "highs", "scip", "scip_exact", "sat"]

PARAMETERS: Final[dict[SolverName, str]] = {
    # Ties are broken by price differences of 1e-6 and less, so the default dual tolerance of 1e-6 is too coarse.
    "glop": "dual_feasibility_tolerance: 1e-9 primal_feasibility_tolerance: 1e-9",
    # HiGHS writes a banner to C stdout unless told not to.
    "highs": "output_flag=false\nthreads=1",
    # SCIP's presolve in this wheel calls some feasible models infeasible, so it stays off; propagation doubles the
    # time of our programs and finds nothing. Node limits, not time limits: the same bytes on every run.
    "scip": (
        "presolving/maxrounds=0\npresolving/maxrestarts=0\npropagating/maxroundsroot=0\npropagating/maxrounds=0\n"
        "separating/maxroundsroot=1\nheuristics/feaspump/freq=-1\n"
        "limits/gap=1e-4\nlimits/stallnodes=20\nlimits/nodes=200\n"
    ),
    # For small programs: no gap, and nodes enough to close it where there are few steps. Where batteries have steps of
    # 10 W a gap of a millionth never closes: 20,000 nodes took 40 s for what 500 find within a hundredth of a cent.
    "scip_exact": "presolving/maxrounds=0\nlimits/gap=0\nlimits/nodes=500\n",
    # One worker and a deterministic limit: the same bytes on every run.
    "sat": "num_workers: 1 max_deterministic_time: 4.0 mip_max_bound: 1e9",
}


@dataclass(frozen=True, slots=True)
class Program:
    """``min cost @ x`` with ``row_low <= matrix @ x <= row_high`` and ``low <= x <= high``.

    Attributes:
        cost, low, high: (n,).
        matrix: (m, n) sparse rows.
        row_low, row_high: (m,).
        integer: (n,) which variables are whole numbers; None: none.
        hint: (n,) a feasible point to start from, NaN where it is not known; None: none.
        gap: what the objective of an integer program may miss its optimum by; None: the solver's usual share.
        nodes: how many nodes an integer program may take; None: the usual limit.
    """

    cost: Floats
    low: Floats
    high: Floats
    matrix: csr_array
    row_low: Floats
    row_high: Floats
    integer: Bools | None = None
    hint: Floats | None = None
    gap: float | None = None
    nodes: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a solver returned.

    Attributes:
        status: OR-Tools' own word; nothing is decided on it but whether there are values to look at.
        values: (n,) or None.
        objective: of ``values``; NaN without.
        optimal: the solver claims optimality.
        duals: (m,) row duals of a linear program; None for integer programs and for HiGHS, whose "dual values"
            through this interface are the rows' activities.
        cuts: duals of the tangents that were solved beside the program's own rows; None: there were none.
    """

    status: str
    values: Floats | None
    objective: float
    optimal: bool
    duals: Floats | None = None
    cuts: TangentDuals | None = None


@dataclass(slots=True)
class Solver:
    """Runs programs one after another, and remembers them if asked to.

    Attributes:
        deadline: looked at before and after each program; None: there is none.
        trace: every program solved with its solver's name, where ``keep`` is set (for benchmarks).
    """

    keep: bool = False
    deadline: Deadline | None = None
    calls: int = 0
    trace: list[tuple[Program, SolverName]] = field(default_factory=list)

    def run(self, program: Program, name: SolverName) -> Outcome:
        """Solve ``program`` with the named solver."""
        self.calls += 1
        if self.keep:
            self.trace.append((program, name))
        if self.deadline is None:
            return run_program(program, name)
        outcome = run_program(program, name, self.deadline.left())
        self.deadline.left()
        return outcome

    def offer(self, problem: Problem, plan: Candidate | None, method: str = "linear") -> None:
        """Keep a plan in hand for when the deadline strikes."""
        if self.deadline is not None:
            self.deadline.offer(problem, plan, method)


def run_program(program: Program, name: SolverName, limit_s: float | None = None) -> Outcome:
    """Hand a program to OR-Tools by sparse fill and read the answer back, after ``limit_s`` at the latest."""
    from ortools.linear_solver.python import model_builder_helper as helper  # noqa: PLC0415 - loaded on first use

    model: Any = helper.ModelBuilderHelper()  # its stubs name shapes that numpy's types cannot express
    model.fill_model_from_sparse_data(
        program.low, program.high, program.cost, program.row_low, program.row_high, program.matrix
    )
    if program.integer is not None:
        for index in np.flatnonzero(program.integer).tolist():
            model.set_var_integrality(index, True)
    if program.hint is not None:
        for index in np.flatnonzero(~np.isnan(program.hint)).tolist():
            model.add_hint(index, float(program.hint[index]))
    solver = helper.ModelSolverHelper(name.removesuffix("_exact"))
    solver.set_solver_specific_parameters(PARAMETERS[name] + _limits(program))
    if limit_s is not None:
        solver.set_time_limit_in_seconds(limit_s)
    solver.solve(model)
    status = solver.status()
    if not solver.has_solution():
        return Outcome(status.name, None, float("nan"), optimal=False)
    optimal = bool(status == helper.SolveStatus.OPTIMAL)
    values = np.asarray(solver.variable_values())
    duals = np.asarray(solver.dual_values()) if program.integer is None and name != "highs" else None
    return Outcome(status.name, values, solver.objective_value(), optimal, duals)


def _limits(program: Program) -> str:
    gap = "" if program.gap is None else f"limits/gap=0\nlimits/absgap={program.gap!r}\n"
    return gap if program.nodes is None else f"{gap}limits/nodes={program.nodes}\n"
