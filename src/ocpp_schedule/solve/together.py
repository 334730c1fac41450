"""Cars and batteries planned together: what batteries do follows the whole set-points, and these follow the batteries.

A linear program shares every kWh between cars and batteries, so neither can be rounded by itself: with a minimum
current a car takes more in one slot and less in another, and a battery that does what it did at the linear optimum
cannot make up for it. Here a small integer program chooses what is on with the batteries free; the linear program
with that pattern, again with the batteries free, is then rounded down, and asked for more by what rounding lost until
nothing is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.solve.at_meter import aimed, at_work
from ocpp_schedule.solve.integer import worse
from ocpp_schedule.solve.neighbourhood import coarse_steps
from ocpp_schedule.solve.patterns import kept, least_steps
from ocpp_schedule.solve.relaxation import enlarge, restrict
from ocpp_schedule.solve.repair import allowed_steps, settle, told
from ocpp_schedule.solve.restricted import chosen_setpoints
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.solve.working import WorkingPlan

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.exchange import Exchange
    from ocpp_schedule.solve.program import Solver
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.result import Candidate
    from ocpp_schedule.solve.stages import Relaxed

ENOUGH: Final = 5e-5
"""Share of the gross energy cost that a plan may be above its bound without a second look."""
PATTERNS: Final = 3
"""Patterns tried one after another, each around the best plan so far."""
ROUNDS: Final = 5
"""Rounds with raised demands for each pattern; two or three mostly suffice."""


@dataclass(frozen=True, slots=True)
class Together:
    """What cars and batteries are planned with.

    Attributes:
        problem: without aims, batteries idle.
        relaxation: its program, directions decided, batteries free.
        relaxed: the optimum of that.
        exchange: places of the meter.
        solver: runs the programs.
    """

    problem: Problem
    relaxation: Relaxation
    relaxed: Relaxed
    exchange: Exchange
    solver: Solver

    def improved(self, problem: Problem, plan: Candidate) -> tuple[Problem, Candidate]:
        """Return the plan, or a better one, with the problem that has what batteries do beside it."""
        if self._good(plan):
            return problem, plan
        best = self._better((problem, plan), self._rounded(plan.setpoints))
        if self.problem.min_steps.max(initial=0) <= 1 and not coarse_steps(self.problem).any():
            return best
        for _ in range(PATTERNS):
            if self._good(best[1]):
                break
            found = self._chosen(*best)
            if found is None:
                break
            before, best = best, self._better(best, self._rounded(found))
            if best is before:
                break
        return best

    def _good(self, plan: Candidate) -> bool:
        return not worse(self.problem, self.relaxed, plan, ENOUGH)

    def _better(
        self, one: tuple[Problem, Candidate], other: tuple[Problem, Candidate] | None
    ) -> tuple[Problem, Candidate]:
        return one if other is None or one[1].order <= other[1].order else other

    def _chosen(self, problem: Problem, plan: Candidate) -> Ints | None:
        """Return set-points chosen around a plan with the batteries free, and what cars give as in the plan."""
        relaxation, cars = self.relaxation, self.exchange.cars
        if cars is not None and problem.meter is not None:
            program = relaxation.program
            low, high = program.low.copy(), program.high.copy()
            there, given = cars.discharge >= 0, problem.meter.discharge_steps
            low[cars.discharge[there]] = high[cars.discharge[there]] = given[there]
            high[cars.charge[(given > 0) & (cars.charge >= 0)]] = 0.0
            relaxation = replace(relaxation, program=replace(program, low=low, high=high))
        relaxed = solve_stages(self.problem, relaxation, self.solver)
        if relaxed is None:
            return None
        return chosen_setpoints(self.problem, relaxation, relaxed, plan, self.solver)

    def _rounded(self, setpoints: Ints) -> tuple[Problem, Candidate] | None:
        """Return the best plan with what is on in given set-points, asked for more until nothing is missing."""
        relaxation = self._held(setpoints)
        extra = np.zeros(self.problem.sessions, dtype=np.int64)
        best: tuple[Problem, Candidate] | None = None
        for _ in range(ROUNDS):
            relaxed = solve_stages(self.problem, enlarge(relaxation, extra), self.solver)
            if relaxed is None:
                break
            problem, held = at_work(self.problem, relaxation, self.exchange, relaxed)
            problem = aimed(problem, held, self.exchange, relaxed)
            steps = allowed_steps(problem, relaxation.setpoints(relaxed.values, setpoints.shape))
            plain = evaluate(problem, steps)
            settled = settle(problem, steps)
            if settled is not None:
                best = (problem, settled) if best is None else self._better(best, (problem, settled))
            missing = np.zeros_like(extra)
            np.maximum.at(missing, problem.demand_session, plain.missing_units * problem.chased)
            within = kept(problem, plain) and bool((plain.got_units <= problem.energy_most_units).all())
            if within and told(problem, plain) and WorkingPlan(problem, plain.setpoints).fits():
                best = (problem, plain) if best is None else self._better(best, (problem, plain))
            if not missing.any():
                break
            extra += missing
        return best

    def _held(self, setpoints: Ints) -> Relaxation:
        """Return the program with every set-point on or off as given; cars give only where they are off."""
        problem, cars = self.problem, self.exchange.cars
        giving = np.zeros(problem.sessions, dtype=np.bool_)
        giving[[car.session for car in problem.meter.cars] if problem.meter else []] = True
        discrete = problem.min_steps > 1
        # Where nothing is between 0 and a minimum, and nothing is given back, any set-point may be on.
        on = (setpoints > 0) | ((problem.cap_steps > 0) & ~(giving | discrete)[:, None])
        low = np.where(on & discrete[:, None], np.minimum(least_steps(problem)[:, None], problem.cap_steps), 0)
        held = restrict(self.relaxation, low, np.where(on, problem.cap_steps, 0))
        if cars is None or problem.meter is None:
            return held
        high = held.program.high.copy()
        for at, car in enumerate(problem.meter.cars):
            shut = on[car.session] & (cars.discharge[at] >= 0)
            high[cars.discharge[at, shut]] = 0.0
        return replace(held, program=replace(held.program, high=high))
