"""Ratios against the bare solver and against pydantic, each measured within one run.

``python benchmarks/ratios.py`` prints the table; ``--help`` says what can be left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from ocpp_schedule import schedule
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.program import Solver, run_program
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLOTS: Final = 96
SEEDS: Final = (1, 2, 3, 4, 5)
GUARDS_S: Final = (0, 60)
ROUNDS: Final = {54: 25, 200: 15}
IMPORT_ROUNDS: Final = 15

SCHEDULE_TARGETS: Final = {54: 1.6, 200: 1.4}
"""``schedule()`` with models built, over the bare solve, by number of sessions."""
WIRE_TARGET: Final = 1.0
"""Stacks and wire dicts over the bare solve."""
BASELINE_IMPORT: Final = "from pydantic import BaseModel"
IMPORT_TARGETS: Final = {
    "import ocpp_schedule": 1.5,
    "from ocpp_schedule import Site, Session, Tariff, TimeGrid, schedule": 2.5,
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """One measured ratio.

    Attributes:
        name: what is compared with what.
        target: what it should be at most.
        value: the median of the rounds' ratios.
        noise: half the distance between their quartiles.
        base_ms: median time of the denominator [ms].
    """

    name: str
    target: float
    value: float
    noise: float
    base_ms: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Ratios of one scenario."""

    schedule: Ratio
    wire: Ratio


def time_scenario(sessions: int, guard_s: int, seed: int, *, rounds: int) -> Timings:
    """Measure one scenario: bare, ``schedule()`` and the wire dicts take turns, all warm."""
    scenario = mixed_scenario(sessions, SLOTS, seed, edge_guard_s=guard_s)
    models = (scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    plan = schedule(*models)
    solver = Solver(keep=True)
    repeated = solve(plan.problem, solver=solver)
    assert (repeated.setpoints == plan.setpoints).all(), "the bare solve is not the one that schedule() makes"

    def bare() -> None:
        for program, name in solver.trace:
            run_program(program, name)

    times = interleaved([bare, lambda: schedule(*models), plan.to_ocpp], rounds)
    assert len(plan.to_ocpp()) == 2 * sessions
    name = f"{sessions}x{SLOTS} guard {guard_s:2} s seed {seed}"
    return Timings(
        ratio_of(f"schedule() / bare, {name}", SCHEDULE_TARGETS[sessions], times[1], times[0]),
        ratio_of(f"stacks and wire dicts / bare, {name}", WIRE_TARGET, times[2], times[0]),
    )


def time_imports(*, rounds: int) -> list[Ratio]:
    """Measure imports in fresh interpreters, the time of an interpreter that does nothing taken off."""
    statements = ["pass", BASELINE_IMPORT, *IMPORT_TARGETS]
    runs = [_interpreter(statement) for statement in statements]
    for run in runs:
        run()  # writes the byte code, warms the disk cache
    start, base, *others = interleaved(runs, rounds)
    idle_s = median(start)
    base_s = [one - idle_s for one in base]
    return [
        # Interpreters scatter one by one, so that here the medians are divided, not the rounds.
        ratio_of(f"{statement} / {BASELINE_IMPORT}", target, [one - idle_s for one in own], base_s, paired=False)
        for (statement, target), own in zip(IMPORT_TARGETS.items(), others, strict=True)
    ]


def interleaved(runs: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Return the times of each run [s]; they take turns, so that a slow moment hits all of them."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, own in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            own.append(time.perf_counter() - start)
    return times


def _interpreter(statement: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603 - our own statements


def ratio_of(name: str, target: float, own_s: list[float], base_s: list[float], *, paired: bool = True) -> Ratio:
    """Return own over base: the median of the rounds, or of the times where they were not paired."""
    base = median(base_s)
    each = [a / b for a, b in zip(own_s, base_s, strict=True)] if paired else [a / base for a in own_s]
    low, _, high = quantiles(each, n=4)
    return Ratio(name, target, median(each), (high - low) / 2, base * 1000)


def summed_up(ratios: Sequence[Ratio], name: str) -> list[Ratio]:
    """Return the median and the worst of several seeds."""
    worst = max(ratios, key=lambda ratio: ratio.value)
    middle = Ratio(
        f"{name}, median of {len(ratios)} seeds",
        worst.target,
        median(ratio.value for ratio in ratios),
        median(ratio.noise for ratio in ratios),
        median(ratio.base_ms for ratio in ratios),
    )
    return [middle, Ratio(f"{name}, worst seed", worst.target, worst.value, worst.noise, worst.base_ms)]


def table(ratios: Sequence[Ratio]) -> str:
    """Return the ratios as text."""
    width = max(len(ratio.name) for ratio in ratios)
    lines = [f"{'ratio':{width}}  target  measured  noise   base ms"]
    lines += [
        f"{r.name:{width}}  {r.target:6.2f}  {r.value:8.2f}  {r.noise:5.2f}  {r.base_ms:8.1f}"
        f"  {'met' if r.value <= r.target else 'not met'}"
        for r in ratios
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print measured ratios and their targets.")
    parser.add_argument("--sessions", type=int, choices=sorted(ROUNDS), help="only this size")
    parser.add_argument("--seeds", action="store_true", help="print each seed as well")
    parser.add_argument("--no-imports", action="store_true", help="leave the import times out")
    wanted = parser.parse_args()
    found: list[Ratio] = []
    for sessions, rounds in ROUNDS.items():
        if wanted.sessions in (None, sessions):
            for guard_s in GUARDS_S:
                timings = [time_scenario(sessions, guard_s, seed, rounds=rounds) for seed in SEEDS]
                name = f"{sessions}x{SLOTS} guard {guard_s:2} s"
                plans, wires = [one.schedule for one in timings], [one.wire for one in timings]
                found += [*plans, *wires] if wanted.seeds else []
                found += summed_up(plans, f"schedule() / bare, {name}")
                found += summed_up(wires, f"stacks and wire dicts / bare, {name}")
    if not wanted.no_imports:
        found += time_imports(rounds=IMPORT_ROUNDS)
    print(table(found))
    print(
        "noise: half the distance between the quartiles of the rounds; run again on a quiet machine where it is large"
    )


if __name__ == "__main__":
    main()
