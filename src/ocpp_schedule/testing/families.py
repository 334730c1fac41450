"""Seeded families that minimum currents make hard, besides ``generator.mixed_scenario``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, hstack

from ocpp_schedule.model.series import PriceSeries
from ocpp_schedule.problem.compile import compile_problem
from ocpp_schedule.solve.program import run_program
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.testing.generator import DAY_S, START, mixed_scenario

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.site import Site

LOW_PER_KWH: Final = 0.10
HIGH_PER_KWH: Final = 0.18
"""The high price holds from a third to five sixths of the day."""
MARGIN: Final = 1.02
"""Limits over the tightest with which all wishes are met."""
PROBE: Final = 0.01
"""Limits are searched for from this share of the usual ones on, so that every row binds."""


def two_level_scenario(
    sessions: int, slots: int, seed: int, *, min_current_a: float = 6.0, edge_guard_s: int = 0
) -> Scenario:
    """Return a day of ``mixed_scenario`` with two prices and limits of 1.02 times the tightest.

    Many plans cost the same, and which of them keep the minimum current is all that matters.

    Args:
        sessions: number of cars.
        slots: number of slots in the 24 hours; must divide 86,400.
        seed: of the generator; the same seed gives the same scenario.
        min_current_a: of every connector [A].
        edge_guard_s: of the site [s].

    >>> scenario = two_level_scenario(3, 24, seed=1)
    >>> sorted(set(scenario.tariff.energy.per_kwh))
    [0.1, 0.18]
    """
    base = mixed_scenario(sessions, slots, seed, min_current_a=min_current_a, edge_guard_s=edge_guard_s)
    slot = np.arange(slots)
    high = (slot >= slots // 3) & (slot < slots * 5 // 6)
    per_kwh = tuple(np.where(high, HIGH_PER_KWH, LOW_PER_KWH).tolist())
    prices = PriceSeries(start=START, step_s=DAY_S // slots, per_kwh=per_kwh)
    day = base.model_copy(update={"tariff": base.tariff.model_copy(update={"energy": prices})})
    return day.model_copy(update={"site": _limited(base.site, MARGIN * tightest_share(day))})


def tightest_share(scenario: Scenario) -> float:
    """Return the share of the limits of ``scenario`` with which a linear program still serves everybody.

    Minimum currents are left out of it.
    """
    probe = _limited(scenario.site, PROBE)
    problem = compile_problem(probe, scenario.sessions, scenario.tariff, scenario.grid)
    relaxation = relax(problem)
    program, capacity = relaxation.program, relaxation.rows["capacity"]
    share = np.zeros((program.row_high.size, 1))
    share[capacity, 0] = -program.row_high[capacity]
    row_high, high = program.row_high.copy(), program.high.copy()
    row_high[capacity], high[relaxation.columns["short"]] = 0.0, 0.0
    outcome = run_program(
        replace(
            program,
            cost=np.append(np.zeros_like(program.cost), 1.0),
            low=np.append(program.low, 0.0),
            high=np.append(high, np.inf),
            matrix=csr_array(hstack([program.matrix, csr_array(share)])),
            row_high=row_high,
        ),
        "glop",
    )
    return PROBE * outcome.objective


def _limited(site: Site, share: float) -> Site:
    """Return the site with its limits at a share, rounded down to 0.1 A."""
    (main,) = site.circuits
    amperes = main.limit_a if isinstance(main.limit_a, tuple) else (main.limit_a or 0.0,) * 3
    limit_a = tuple(float(np.floor(10 * share * one) / 10) for one in amperes)
    return site.model_copy(update={"circuits": (main.model_copy(update={"limit_a": limit_a}),)})
