"""Planning a running site again: 100x96, one arrival. How long, and how many other cars change.

``python -m benchmarks.replan`` prints the table.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np
from benchmarks.ratios import Ratio, interleaved, ratio_of

from ocpp_schedule import SessionState, schedule
from ocpp_schedule.pipeline import compiled
from ocpp_schedule.replanning import Before, carried_over
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from ocpp_schedule import Plan, Scenario, Session

SEEDS: Final = (1, 2, 3, 4, 5)
NOW_SLOT: Final = 40
HOUR_SLOTS: Final = 4
TIME_TARGET: Final = 1.5
"""``schedule(now=, state=, previous=)`` over the same solve from prepared arrays."""
CHANGED_TARGET: Final = 0.05
"""Share of the other cars' set-points in the next hour that change."""


@dataclass(frozen=True, slots=True)
class Again:
    """One re-plan.

    Attributes:
        time: the ratio.
        changed: share of the other cars' set-points in the next hour that changed.
        method: of the plan.
        gap: proven, of the new plan.
    """

    time: Ratio
    changed: float
    method: str
    gap: float | None


def running_site(sessions: int, seed: int, *, min_current_a: float = 0.0) -> tuple[Scenario, Plan, Session]:
    """Return a day without its last car, the plan for it, and that car as one that arrives now."""
    day = mixed_scenario(sessions, 96, seed, min_current_a=min_current_a, edge_guard_s=0)
    *others, last = day.sessions
    coming = last.model_copy(
        update={"arrival": day.grid.edge(NOW_SLOT), "departure": day.grid.edge(80), "energy_wh": 5000.0}
    )
    first = schedule(day.site, others, day.tariff, day.grid)
    return day.model_copy(update={"sessions": (*others, coming)}), first, coming


def measured(plan: Plan) -> list[SessionState]:
    """Return states in which every car drew what the plan gave it until now."""
    grid = plan.scenario.grid
    given = (plan.expected_w[:, :NOW_SLOT] * np.diff(grid.edges_s)[:NOW_SLOT]).sum(axis=1) / 3600
    return [
        SessionState(session=name, delivered_wh=round(float(wh), 6), measured_at=grid.edge(NOW_SLOT))
        for name, wh in zip(plan.session_ids, given, strict=True)
        if wh
    ]


def time_again(sessions: int, seed: int, *, rounds: int, min_current_a: float = 0.0) -> Again:
    """Measure one re-plan; assert that it serves the arrival, and what changes for the others."""
    day, first, coming = running_site(sessions, seed, min_current_a=min_current_a)
    states = measured(first)
    now = day.grid.edge(NOW_SLOT)

    def whole() -> Plan:
        return schedule(day.site, day.sessions, day.tariff, day.grid, now=now, state=states, previous=first)

    plan = whole()
    prepared = compiled(plan.scenario)
    previous = carried_over(prepared, Before(first.problem, first.setpoints))

    def bare() -> None:
        solve(prepared, previous=previous)

    times = interleaved((bare, whole), rounds)
    rows = [plan.session_ids.index(name) for name in first.session_ids]
    ours = plan.setpoints[rows, 1 : 1 + HOUR_SLOTS]
    changed = float((ours != first.setpoints[:, NOW_SLOT : NOW_SLOT + HOUR_SLOTS]).mean())
    assert plan.status == "complete"
    assert plan.energy_wh[coming.id] >= 5000
    return Again(
        ratio_of(f"re-plan / bare, seed {seed}", TIME_TARGET, times[1], times[0]),
        changed,
        plan.solution.method,
        plan.cost_gap,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    for low_a in (0.0, 6.0):
        found = [time_again(given.sessions, seed, rounds=given.rounds, min_current_a=low_a) for seed in SEEDS]
        print(f"minimum {low_a:g} A, {given.sessions}x96, one arrival at slot {NOW_SLOT}, seeds 1-5")
        print(
            f"  time / bare     median {median(one.time.value for one in found):.2f} worst "
            f"{max(one.time.value for one in found):.2f} (target {TIME_TARGET})"
        )
        print(
            f"  others changed  median {median(one.changed for one in found):.1%} worst "
            f"{max(one.changed for one in found):.1%} (target {CHANGED_TARGET:.0%})"
        )
        print(f"  methods {', '.join(one.method for one in found)}")
        print(f"  gaps {', '.join('-' if one.gap is None else f'{one.gap:.4%}' for one in found)}")


if __name__ == "__main__":
    main()
