"""The flow class against the bare solver: 1000x288, 5000x96, 20000x96, one commodity on a three-level tree.

``python -m benchmarks.flow`` prints the table; ``--size`` and ``--seeds`` make it shorter.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np
from benchmarks.ratios import Ratio, interleaved, ratio_of, summed_up, table

from ocpp_schedule.check.certificate import bound_units
from ocpp_schedule.check.referee import judge
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.problem.compile import compile_problem
from ocpp_schedule.solve.commodity import recognise
from ocpp_schedule.solve.flow import network_of, run_network
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.testing.generator import tree_scenario

if TYPE_CHECKING:
    from ocpp_schedule import Scenario
    from ocpp_schedule.check.report import Report
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.solve.flow import Network

SIZES: Final = {"1000x288": (1000, 288), "5000x96": (5000, 96), "20000x96": (20000, 96)}
ROUNDS: Final = {"1000x288": 9, "5000x96": 7, "20000x96": 3}
SEEDS: Final = (1, 2, 3, 4, 5)
TARGET: Final = 1.3
"""From the compiled problem to the verified plan with certificate, over the bare flow solve."""
CHECK_TARGET: Final = 0.2
"""Referee and certificate check together, over the solve."""
PENALTY: Final = 100
"""An unserved step costs this many highest prices, where prices are the costs."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Ratios of one scenario, and the time of what comes before [ms]."""

    whole: Ratio
    priced: Ratio
    check: Ratio
    compile_ms: float


def proven(scenario: Scenario, solution: Solution) -> tuple[Report, int]:
    """Judge a solution and prove its bound, from the models."""
    scene = scene_of(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    assert solution.certificates
    return judge(scene, solution), bound_units(scene, solution.certificates["cost"], must_units=0, want_units=0)


def priced_network(problem: Problem, network: Network) -> Network:
    """Return the network with the prices themselves as costs, as it is usually written down."""
    price = problem.price_seconds // max(int(np.gcd.reduce(problem.price_seconds)), 1)
    cost = np.zeros_like(network.cost)
    cost[: network.slot.size] = price[network.slot]
    cost[network.unserved :] = PENALTY * int(np.abs(price).max())
    return replace(network, cost=cost)


def time_size(sessions: int, slots: int, seed: int, *, rounds: int) -> Timings:
    """Measure one scenario: bare solves, from the problem to the proof, and the check alone take turns."""
    scenario = tree_scenario(sessions, slots, seed)
    start = time.perf_counter()
    problem = compile_problem(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    compile_ms = (time.perf_counter() - start) * 1000
    tree = recognise(tighten(problem))
    assert tree is not None
    network = network_of(problem, tree, weighed=False)
    priced = priced_network(problem, network)
    solution = solve(problem)
    report, bound = proven(scenario, solution)
    assert (solution.method, report.ok, report.missing) == ("flow", True, 0)
    assert bound == report.cost_units == solution.cost_units, "the bound is not the cost"

    times = interleaved(
        [
            lambda: run_network(network),
            lambda: run_network(priced),
            lambda: proven(scenario, solve(problem)),
            lambda: solve(problem),
            lambda: proven(scenario, solution),
        ],
        rounds,
    )
    name = f"{sessions}x{slots} seed {seed}"
    return Timings(
        ratio_of(f"problem to proof / bare flow, {name}", TARGET, times[2], times[0]),
        ratio_of(f"problem to proof / bare flow with prices as costs, {name}", TARGET, times[2], times[1]),
        ratio_of(f"check / solve, {name}", CHECK_TARGET, times[4], times[3]),
        compile_ms,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the ratios of the flow class and their targets.")
    parser.add_argument("--size", choices=sorted(SIZES), help="only this size")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many seeds")
    wanted = parser.parse_args()
    found: list[Ratio] = []
    compiled = []
    for size, (sessions, slots) in SIZES.items():
        if wanted.size in (None, size):
            timings = [time_size(sessions, slots, seed, rounds=ROUNDS[size]) for seed in SEEDS[: wanted.seeds]]
            found += summed_up([one.whole for one in timings], f"problem to proof / bare flow, {size}")
            found += summed_up([one.priced for one in timings], f"the same / prices as costs, {size}")
            found += summed_up([one.check for one in timings], f"check / solve, {size}")
            compiled.append(f"{size} {median(one.compile_ms for one in timings):.0f} ms")
    print(table(found))
    print(f"compiling the problem, not in the ratios: {', '.join(compiled)}")


if __name__ == "__main__":
    main()
