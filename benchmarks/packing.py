"""The safe packing against one solve of the linear program, fill included.

``python -m benchmarks.packing`` prints the table.
"""

from __future__ import annotations

from typing import Final

from benchmarks.ratios import SEEDS, SLOTS, Ratio, interleaved, ratio_of, summed_up, table

from ocpp_schedule.problem.compile import compile_problem
from ocpp_schedule.solve.fallback import least_laxity
from ocpp_schedule.solve.program import run_program
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.tighten import tighten
from ocpp_schedule.testing.generator import mixed_scenario

TARGET: Final = 1 / 3
"""The safe plan takes at most a third of the linear program's time."""
ROUNDS: Final = {54: 15, 1000: 3}
MINIMUM_A: Final = 6.0


def time_packing(sessions: int, seed: int, *, rounds: int) -> Ratio:
    """Measure one mixed-phase day with minimum currents: the packing against the faster of the linear solvers."""
    scenario = mixed_scenario(sessions, SLOTS, seed, min_current_a=MINIMUM_A, edge_guard_s=0)
    problem = tighten(compile_problem(scenario.site, scenario.sessions, scenario.tariff, scenario.grid))
    program = relax(problem).program
    safe = least_laxity(problem)
    assert safe.missing <= int(problem.demand_units.sum()) // 100, "the packing serves the wishes of these days"
    *linear, packing = interleaved(
        [
            lambda: run_program(program, "glop"),
            lambda: run_program(program, "highs"),
            lambda: least_laxity(problem),
        ],
        rounds,
    )
    faster = min(linear, key=sum)
    return ratio_of(f"packing / linear program, {sessions}x{SLOTS} seed {seed}", TARGET, packing, faster)


def main() -> None:
    """Print the table."""
    found: list[Ratio] = []
    for sessions, rounds in ROUNDS.items():
        each = [time_packing(sessions, seed, rounds=rounds) for seed in SEEDS]
        found += summed_up(each, f"packing / linear program, {sessions}x{SLOTS}")
    print(table(found))


if __name__ == "__main__":
    main()
