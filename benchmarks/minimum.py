"""0 or at least 6 A: certified cost gap, missing energy and time over the linear program, with their targets.

``python -m benchmarks.minimum`` prints the table. Reference: the first program of the solve, the linear relaxation
with everything in it (GLOP, the parameters of ``solve.program.PARAMETERS``), filled and solved anew; stages must-have,
wanted energy, cost; no idle floor, edges left to the serializer (``edge_guard_s=0``). Times are of the process, so that
what else runs on the machine counts little.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from ocpp_schedule import schedule
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.program import Solver, run_program
from ocpp_schedule.testing.families import two_level_scenario
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocpp_schedule import Scenario

SEEDS: Final = (1, 2, 3, 4, 5)
SLOTS: Final = 96


@dataclass(frozen=True, slots=True)
class Family:
    """Seeded days of one kind, and what they must reach.

    Attributes:
        name: of the family.
        make: returns the scenario of a seed.
        rounds: solves of which the fastest counts.
        median_gap, worst_gap: certified cost gap [%]; None: no target.
        median_times, worst_times: the whole solve over the linear program; None: no target.
    """

    name: str
    make: Callable[[int], Scenario]
    rounds: int
    median_gap: float | None
    worst_gap: float
    median_times: float | None
    worst_times: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One seed: missing energy [0.1 J], certified cost gap [%], solve over linear program, that program [ms]."""

    missing: int
    gap: float
    times: float
    linear_ms: float


def mixed(sessions: int) -> Callable[[int], Scenario]:
    """Return the maker of mixed-phase days with limits of 30 %."""
    return lambda seed: mixed_scenario(sessions, SLOTS, seed, min_current_a=6.0, edge_guard_s=0)


def two_level(sessions: int) -> Callable[[int], Scenario]:
    """Return the maker of two-level days with limits of 1.02 times the tightest."""
    return lambda seed: two_level_scenario(sessions, SLOTS, seed)


FAMILIES: Final = (
    Family("mixed 54x96", mixed(54), 3, 0.012, 0.05, 8.0, None),
    Family("mixed 100x96", mixed(100), 3, 0.012, 0.03, 8.0, None),
    Family("mixed 1000x96", mixed(1000), 1, None, 0.02, None, 3.0),
    Family("two-level 40x96", two_level(40), 2, None, 0.03, 25.0, None),
    Family("two-level 100x96", two_level(100), 2, None, 0.03, 25.0, None),
)


def measure(family: Family, seed: int) -> Measured:
    """Solve one seed and the linear program in it, by turns."""
    scenario = family.make(seed)
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    assert plan.report.ok
    whole, linear = [], []
    for _ in range(family.rounds):
        solver = Solver(keep=True)
        whole.append(_seconds(lambda solver=solver: solve(plan.problem, solver=solver)))  # type: ignore[misc]
        program, name = solver.trace[0]
        linear.append(_seconds(lambda program=program, name=name: run_program(program, name)))  # type: ignore[misc]
    gap = plan.cost_gap
    assert gap is not None, "no bound of the cost was proven"
    missing = sum(stage.value for stage in plan.solution.stages[:2])
    return Measured(missing, 100 * gap, min(whole) / min(linear), 1000 * min(linear))


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def row(family: Family, found: Sequence[Measured]) -> str:
    """Return one line: median and worst, each with its target."""
    gaps, times = [one.gap for one in found], [one.times for one in found]
    cells = (
        _cell(median(gaps), family.median_gap, ".4f"),
        _cell(max(gaps), family.worst_gap, ".4f"),
        _cell(median(times), family.median_times, ".1f"),
        _cell(max(times), family.worst_times, ".1f"),
        f"{sum(one.missing for one in found)}",
        f"{median(one.linear_ms for one in found):.1f}",
    )
    return f"{family.name:18} " + " ".join(f"{cell:>18}" for cell in cells)


def _cell(value: float, target: float | None, form: str) -> str:
    if target is None:
        return f"{value:{form}}"
    return f"{value:{form}} ({'<=' if value <= target else 'ABOVE'} {target:g})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print gaps and times with minimum currents, and their targets.")
    parser.add_argument("--only", help="part of a family's name")
    wanted = parser.parse_args().only or ""
    heads = ("gap % median", "gap % worst", "times LP median", "times LP worst", "missing 0.1 J", "LP ms")
    print(f"{'':18} " + " ".join(f"{head:>18}" for head in heads))
    for family in FAMILIES:
        if wanted in family.name:
            print(row(family, [measure(family, seed) for seed in SEEDS]), flush=True)


if __name__ == "__main__":
    main()
