"""The phases: what is run, and what its answer must be. A fast wrong answer is a failure."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from benchmarks.registry import SLOTS

from ocpp_schedule import schedule
from ocpp_schedule.check.referee import review
from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.problem.compile import compile_problem
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PLAN_LEAD_S, money_to_currency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.registry import Case, Phase

    from ocpp_schedule import Plan
    from ocpp_schedule.check.report import Report
    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.profiles.model import ProfileStack
    from ocpp_schedule.solution import Solution

NOMINAL_V: Final = 230
DAY_S: Final = 86_400
ROUNDED: Final = 1e-4
"""Relative: the pinned optimum has that many digits, and a missing Wh of ``worst_missing`` costs nothing."""


def run_compile(case: Case) -> Problem:
    scenario = case.scenario
    return compile_problem(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)


def judge_compile(case: Case, problem: Problem) -> None:
    assert (problem.sessions, problem.slots) == (case.size.sessions, SLOTS)
    assert int(problem.demand_wish_units.sum()) == case.size.energy_wh * ENERGY_UNITS_PER_WH


def run_solve(case: Case) -> Solution:
    return solve(case.plan.problem)


def judge_solve(case: Case, solution: Solution) -> None:
    scenario = case.scenario
    judge_check(case, review(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, solution=solution))


def run_check(case: Case) -> Report:
    return case.plan.verify()


def judge_check(case: Case, report: Report) -> None:
    size, spec = case.size, case.spec
    assert report.ok
    assert sum(report.wanted_units.values()) == size.energy_wh * ENERGY_UNITS_PER_WH
    missing = sum(report.missing_units.values())
    assert missing <= spec.worst_missing * size.energy_wh * ENERGY_UNITS_PER_WH
    cost = money_to_currency(report.cost_units)
    assert size.optimum * (1 - ROUNDED) <= cost <= size.optimum * (1 + spec.worst_gap)


def run_profiles(case: Case) -> tuple[ProfileStack, ...]:
    return case.plan.stacks()


def judge_profiles(case: Case, stacks: tuple[ProfileStack, ...]) -> None:
    assert [[layer.name for layer in stack.layers] for stack in stacks] == [["idle_floor", "plan"]] * case.size.sessions
    plans = [
        [
            (period.start_s, period.limit_tenths, period.phases or 0)
            for period in stack.layers[1].profile.schedule.periods
        ]
        for stack in stacks
    ]
    assert sum(_energy_units(periods) for periods in plans) == sum(case.plan.report.energy_units.values())


def run_serialise(case: Case) -> list[OcppMessage]:
    return to_ocpp(case.stacks)


def judge_serialise(case: Case, messages: list[OcppMessage]) -> None:
    cars = case.size.sessions
    assert [message["wave"] for message in messages] == [0] * cars + [1] * cars
    assert json.dumps(messages, allow_nan=False)
    total = 0
    for message in messages[cars:]:
        profile: dict[str, Any] = message["payload"]["csChargingProfiles"]
        periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
        total += _energy_units([(p["startPeriod"], _tenths(p["limit"]), p["numberPhases"]) for p in periods])
    assert total == sum(case.plan.report.energy_units.values())


def run_end_to_end(case: Case) -> Plan:
    scenario = case.scenario
    return schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)


def judge_end_to_end(case: Case, plan: Plan) -> None:
    judge_check(case, plan.report)
    assert plan.mark != "fallback"
    assert plan.cost_gap is not None
    assert plan.cost_gap <= case.spec.worst_gap


def _energy_units(periods: Sequence[tuple[int, int, int]]) -> int:
    """Return the energy of a day of (start, 0.1 A, phases) [0.1 J]; the layer starts ``PLAN_LEAD_S`` before the day."""
    end_s = PLAN_LEAD_S + DAY_S
    total = 0
    for (start_s, tenths, phases), (stop_s, _, _) in pairwise([*periods, (end_s, 0, 0)]):
        seconds = max(min(stop_s, end_s) - max(start_s, PLAN_LEAD_S), 0)
        total += tenths * phases * NOMINAL_V * seconds
    return total


def _tenths(limit: float) -> int:
    exact = Decimal(repr(limit)) * 10
    assert exact == int(exact), f"{limit!r} has more than one decimal"
    return int(exact)


RUN: Final[dict[Phase, Callable[[Case], Any]]] = {
    "compile": run_compile,
    "solve": run_solve,
    "check": run_check,
    "profiles": run_profiles,
    "serialise": run_serialise,
    "end_to_end": run_end_to_end,
}
JUDGE: Final[dict[Phase, Callable[[Case, Any], None]]] = {
    "compile": judge_compile,
    "solve": judge_solve,
    "check": judge_check,
    "profiles": judge_profiles,
    "serialise": judge_serialise,
    "end_to_end": judge_end_to_end,
}
