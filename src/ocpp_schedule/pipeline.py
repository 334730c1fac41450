"""From a scenario to a solution that the referee accepts: what ``schedule()`` and ``Plan.from_json`` run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ocpp_schedule.errors import InputError, InputProblem, PlanRejectedError
from ocpp_schedule.model.checks import scenario_problems, type_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution


def inputs_of(scenario: Scenario) -> dict[str, Any]:
    """Return what compiler and referee start from."""
    return scenario.inputs()


def listed(**given: Any) -> dict[str, tuple[Any, ...]]:
    """Return each argument as a tuple.

    Raises:
        InputError: some are no lists.

    >>> listed(limits=[1, 2])
    {'limits': (1, 2)}
    """
    problems = [
        InputProblem(name, f"is of type {type(value).__name__}; give a list, which may be empty.")
        for name, value in given.items()
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | dict)
    ]
    if problems:
        raise InputError("schedule()", problems)
    return {name: tuple(value) for name, value in given.items()}


def checked(scenario: Scenario) -> Scenario:
    """Return the scenario if nothing is wrong with it.

    Raises:
        InputError: everything that is wrong, at once.
    """
    problems = list(type_problems(scenario)) or list(scenario_problems(scenario))
    if problems:
        raise InputError("schedule()", problems)
    return scenario


def compiled(scenario: Scenario) -> Problem:
    """Return the integer arrays of a scenario."""
    from ocpp_schedule.problem.compile import compile_problem  # noqa: PLC0415 - the compiler loads with the first plan

    return compile_problem(**inputs_of(scenario))


class Time(NamedTuple):
    """When to stop: the caller's clock, and what it shows then."""

    clock: Callable[[], float]
    until: float


def time_of(deadline_s: float | None, clock: Callable[[], float] | None) -> Time | None:
    """Return when to stop, from seconds that count from now.

    Raises:
        InputError: the seconds are no positive number, or there is no clock to count them by.
    """
    if deadline_s is None:
        return None
    wrong = []
    if type(deadline_s) not in {int, float} or not 0 < deadline_s < math.inf:
        wrong.append(InputProblem("deadline_s", f"{deadline_s!r} is no positive number of seconds."))
    if not callable(clock):
        wrong.append(InputProblem("clock", "is missing; deadline_s is counted by it: give clock=time.monotonic."))
    if wrong or clock is None:
        raise InputError("schedule()", wrong)
    return Time(clock, clock() + deadline_s)


def solved(
    scenario: Scenario,
    *,
    notices: tuple[str, ...] = (),
    previous: Callable[[Problem], npt.NDArray[np.int64]] | None = None,
    time: Time | None = None,
) -> tuple[Problem, Solution, Report, Scene]:
    """Return the arrays of a scenario, the best solution found, the referee's report on it and what that rests on.

    Args:
        scenario: whole, or what is left of it.
        notices: told with the plan.
        previous: from the problem to the set-points of the plan before, as ``solve`` takes them.
        time: when the best plan so far is to be taken; None: as long as it takes.

    Raises:
        PlanRejectedError: the referee faults the solution.
    """
    from ocpp_schedule.solve.deadline import Deadline  # noqa: PLC0415 - as the ladder
    from ocpp_schedule.solve.ladder import solve  # noqa: PLC0415 - OR-Tools and scipy load with the first plan

    problem = compiled(scenario)
    if notices:
        problem = replace(problem, notices=problem.notices + notices)
    deadline = None if time is None else Deadline(time.clock, time.until)
    solution = solve(problem, previous=None if previous is None else previous(problem), deadline=deadline)
    scene = derived(scenario)
    return problem, solution, accepted(scene, solution), scene


def derived(scenario: Scenario) -> Scene:
    """Return what the referee derives from a scenario, whatever the plan."""
    from ocpp_schedule.check.scene import scene_of  # noqa: PLC0415 - loads numpy

    return scene_of(**inputs_of(scenario))


def reviewed(scene: Scene, solution: Solution) -> Report:
    """Return the referee's report."""
    from ocpp_schedule.check.referee import judge  # noqa: PLC0415 - loads numpy

    return judge(scene, solution)


def accepted(scene: Scene, solution: Solution) -> Report:
    """Return the referee's report if it faults nothing.

    Raises:
        PlanRejectedError: it faults something.
    """
    report = reviewed(scene, solution)
    if report.violations:
        raise PlanRejectedError([str(violation) for violation in report.violations])
    return report
