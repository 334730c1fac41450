"""Two real days at real sites against optima found with second-order cones (``benchmarks.acn_days``).

``python -m benchmarks.acn`` prints the table; without the data there is nothing to run.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from benchmarks.acn_days import (
    BILLED,
    DATA,
    DAYS,
    OBJECTIVES,
    SLOT_HOURS,
    SLOTS,
    WORTH_PER_KWH,
    Day,
    Kind,
    golden,
    hourly_prices,
    scenario_of,
    worth,
)
from scipy.sparse import csr_array, vstack

from ocpp_schedule.check.referee import review
from ocpp_schedule.pipeline import compiled
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.program import Program, run_program

if TYPE_CHECKING:
    from benchmarks.acn_days import Worth

    from ocpp_schedule import Scenario
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution

CHORDS: Final = 12
DECIWATTS_PER_KW: Final = 10_000
SHARES: Final[dict[Kind, float]] = {"EMAX": 0.999, "QC": 0.999, "CM1000": 0.999, "PM": 0.998}
"""Of the optimum with true phasors that a plan must reach; a bill may be as much above."""
PILOT_SHARES: Final[dict[Kind, float]] = {"EMAX": 0.993, "QC": 0.99}
"""The same with the set-points that real chargers take, of the optimum without."""
TIMES: Final = 8.0
"""How many times one linear program of the site with ``CHORDS`` chords a plan may take."""
ROUNDS: Final = 5


def chorded(problem: Problem, scenario: Scenario, kind: Kind) -> Program:
    """Return one linear program of the site: every constraint with a tangent each 30 degrees, wherever it can bind."""
    phasors = problem.phasors
    assert phasors is not None
    session, slot = np.nonzero(problem.cap_steps)
    arcs, caps = session.size, problem.cap_steps[session, slot]
    need = problem.energy_most_units / (problem.power_dw * problem.seconds[0])
    blocks = [csr_array((np.ones(arcs), (session, np.arange(arcs))), shape=(problem.sessions, arcs + 1))]
    highs = [need]
    for row, headroom in enumerate(phasors.headroom_ua[:, 0].tolist()):
        weight = np.zeros((phasors.phase.shape[1], len(problem.connector_ids)))
        mine = np.flatnonzero(phasors.entry_row == row)
        place = (phasors.entry_direction[mine], phasors.entry_column[mine] // 3)
        weight[place] = phasors.entry_weight[mine] / phasors.scale[row]
        for chord in range(CHORDS):
            u = np.exp(2j * np.pi * chord / CHORDS)
            along = np.maximum((np.conj(u) * phasors.phase[row]).real, 0.0) @ weight
            coefficient = along[problem.session_connector[session]] * problem.load_units[session].max(axis=1) / 1e6
            reach = np.bincount(slot, coefficient * caps, SLOTS)
            here = (coefficient > 1e-9) & (reach > headroom / 1e6)[slot]
            places, rows = np.unique(slot[here], return_inverse=True)
            entries = (coefficient[here], (rows, np.flatnonzero(here)))
            blocks.append(csr_array(entries, shape=(places.size, arcs + 1)))
            highs.append(np.full(places.size, headroom / 1e6))
    worth = {"EMAX": np.ones(arcs), "QC": (SLOTS - slot) / SLOTS}.get(kind, np.zeros(arcs))
    peak_cost = 0.0
    if kind in BILLED:
        # The last column is the highest power in steps; every slot stays below it.
        step_kw = float(problem.power_dw[0]) / DECIWATTS_PER_KW
        worth = (WORTH_PER_KWH[kind] - hourly_prices(scenario)[slot]) * SLOT_HOURS
        peak_cost = scenario.tariff.peaks[0].per_kw
        power = csr_array((np.ones(arcs), (slot, np.arange(arcs))), shape=(SLOTS, arcs + 1))
        highest = csr_array((-np.ones(SLOTS), (np.arange(SLOTS), np.full(SLOTS, arcs))), shape=(SLOTS, arcs + 1))
        blocks.append(csr_array(power + highest))
        highs.append(np.zeros(SLOTS))
        worth, peak_cost = worth * step_kw, peak_cost * step_kw
    high = np.concatenate(highs)
    return Program(
        np.append(-worth, peak_cost),
        np.zeros(arcs + 1),
        np.append(caps.astype(float), np.inf),
        csr_array(vstack(blocks)),
        np.full(high.size, -np.inf),
        high,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What came out for one day and objective.

    Attributes:
        day, kind: what was planned.
        pilots: with real chargers' set-points.
        plan, best: what the plan and the optimum come to.
        seconds: of the processor for the solve, the best of several.
        chords_s: for the linear program with chords.
        programs: how many were solved.
    """

    day: Day
    kind: Kind
    pilots: bool
    plan: Worth
    best: Worth
    seconds: float
    chords_s: float
    programs: int

    @property
    def share(self) -> float:
        """Of the optimum: weighted current for QC, else energy."""
        if self.kind == "QC":
            return self.plan.weighted_a / self.best.weighted_a
        return self.plan.energy_kwh / self.best.energy_kwh

    @property
    def bill_share(self) -> float:
        return self.plan.bill / self.best.bill if self.best.bill else 1.0

    @property
    def times(self) -> float:
        return self.seconds / self.chords_s

    @property
    def reached(self) -> bool:
        """Whether the plan is as good as it must be."""
        if self.pilots:
            return self.share >= PILOT_SHARES[self.kind]
        return self.share >= SHARES[self.kind] and self.bill_share <= 2 - SHARES[self.kind]

    def __str__(self) -> str:
        name = f"{self.kind} pilots" if self.pilots else self.kind
        bill = f"{self.bill_share:.5f}" if self.kind in BILLED else "       "
        return (
            f"{self.day!s:14} {name:11}  {self.share:.5f}  {bill}  {self.seconds * 1000:7.0f}  "
            f"{self.chords_s * 1000:6.0f}  {self.times:5.1f}  {self.programs:4}  {'' if self.reached else 'not '}met"
        )


def run(day: Day, kind: Kind, rounds: int = ROUNDS, *, pilots: bool = False) -> Result:
    """Plan a day, hold the plan against the referee, and time it against the program with chords."""
    scenario = scenario_of(day, kind, pilots=pilots)
    problem = compiled(scenario)
    program = chorded(problem, scenario, kind)
    own, bare = [], []
    for _ in range(rounds):
        start = time.process_time()
        solution = solve(problem)
        own.append(time.process_time() - start)
        start = time.process_time()
        run_program(program, "glop")
        bare.append(time.process_time() - start)
    judge(scenario, solution)
    step_a = problem.load_units.max(axis=1, initial=0) / 1e6
    return Result(
        day,
        kind,
        pilots,
        worth(scenario, step_a, solution.setpoints),
        golden(day, kind),
        min(own),
        min(bare),
        int(solution.stats["programs"]),
    )


def judge(scenario: Scenario, solution: Solution) -> None:
    """Let the referee see the plan."""
    report = review(**scenario.inputs(), solution=solution)
    assert report.ok, report.violations[:3]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Real days against optima with true phasors.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    if not DATA.is_dir():
        print(f"nothing to run: {DATA} is absent")
        return
    print("day            kind         share    bill          ms  12 ch.  times  programs")
    for day in DAYS:
        for kind in OBJECTIVES:
            print(run(day, kind, rounds))
        for kind in PILOT_SHARES:
            print(run(day, kind, 1, pilots=True))


if __name__ == "__main__":
    main()
