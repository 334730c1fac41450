"""A plan as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.units import energy_to_wh, money_to_currency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.views.baseline import Baseline

SESSIONS_LISTED = 60
"""Rows of the session table; a frame or the archive holds the rest."""
SHARES = " .:-=+*#%@"
"""From nothing to the session's maximum, for the timeline."""
GIVES = "<"
"""Stands where a car gives energy back."""
TIMELINE_WIDTH = 48
COST_DECIMALS = 3
WH_PER_KWH = 1000
SAME_ENERGY = 0.01
"""Share by which energies may differ for their costs to be compared: a last step, a guarded edge."""


def summary(
    problem: Problem,
    solution: Solution,
    report: Report,
    *,
    status: str,
    currency: str,
    time_zone: str,
    baseline: Baseline,
    bound: float | None,
    peak_w: float,
    lines: Iterable[str],
) -> str:
    """Return the plan in words and one line per session.

    Args:
        problem: compiled arrays.
        solution: the plan.
        report: the referee's report on it.
        status: of the plan, with its mark.
        currency: ISO 4217.
        time_zone: IANA zone for times of day.
        baseline: uncontrolled charging, to compare with.
        bound: what no plan can cost less than [currency]; None where there is none.
        peak_w: highest mean charging power of the plan [W].
        lines: shortfalls, alarms and notices, one each.
    """
    zone = ZoneInfo(time_zone)
    grid = problem.grid
    wanted = energy_to_wh(sum(report.wanted_units.values())) / 1000
    given = energy_to_wh(sum(report.energy_units.values())) / 1000
    cost = money_to_currency(solution.cost_units)
    window = f"{grid.start.astimezone(zone):%Y-%m-%d %H:%M} to {grid.end.astimezone(zone):%Y-%m-%d %H:%M}"
    head = [
        f"Plan: {problem.sessions} sessions, {problem.slots} slots, {window} ({time_zone})",
        f"Status: {status}; method {solution.method}",
        f"Energy: {given:,.1f} kWh of {wanted:,.1f} kWh wanted",
        f"Cost: {cost:,.{COST_DECIMALS}f} {currency}{_gap(bound, currency)}",
        f"Uncontrolled: {baseline.cost:,.{COST_DECIMALS}f} {currency}{_saving(cost, given, baseline)}",
        f"Peak: {peak_w / 1000:,.1f} kW; uncontrolled {baseline.peak_w / 1000:,.1f} kW",
    ]
    fullest = max(report.row_use, key=lambda use: use.share, default=None)
    if fullest is not None:
        at = grid.edge(fullest.slot).astimezone(zone)
        name = " ".join(filter(None, (fullest.noun, fullest.subject, fullest.line)))
        head.append(
            f"Fullest: {name}, {fullest.booked_units / 1e6:,.1f} of "
            f"{fullest.headroom_units / 1e6:,.1f} {'kVA' if fullest.line == 'total' else 'A'} at {at:%H:%M}"
        )
    return "\n".join([*head, *lines, "", *_table(problem, solution, report)])


def _gap(bound: float | None, currency: str) -> str:
    if bound is None:
        return ", no bound"
    return f" (no plan can cost less than {bound:,.{COST_DECIMALS}f} {currency})"


def _saving(cost: float, given_kwh: float, baseline: Baseline) -> str:
    """Return what the plan saves, or where the energies differ, what the other cost is for."""
    energy_kwh = baseline.energy_wh / WH_PER_KWH
    if abs(energy_kwh - given_kwh) > SAME_ENERGY * energy_kwh:
        return f" for {energy_kwh:,.1f} kWh"
    if baseline.cost <= 0:
        return ""
    return f", {100 * (1 - cost / baseline.cost):.1f} % saved"


def _table(problem: Problem, solution: Solution, report: Report) -> list[str]:
    if not problem.sessions:
        return ["no sessions"]
    width = max(7, *(len(name) for name in problem.session_ids[:SESSIONS_LISTED]))
    place = max(9, *(len(name) for name in problem.connector_ids))
    rows = [f"{'session':<{width}}  {'connector':<{place}}  wanted kWh  given kWh  set-points over the grid"]
    shades = _timeline(problem, solution)
    for index, name in enumerate(problem.session_ids[:SESSIONS_LISTED]):
        connector = problem.connector_ids[problem.session_connector[index]]
        wanted = energy_to_wh(report.wanted_units[name]) / 1000
        given = energy_to_wh(report.energy_units[name]) / 1000
        rows.append(f"{name:<{width}}  {connector:<{place}}  {wanted:>10.2f}  {given:>9.2f}  |{shades[index]}|")
    if problem.sessions > SESSIONS_LISTED:
        rows.append(f"... and {problem.sessions - SESSIONS_LISTED} more")
    return rows


def _timeline(problem: Problem, solution: Solution) -> list[str]:
    """Return one string per session, a character per stretch of the grid: how full its set-points are."""
    columns = min(TIMELINE_WIDTH, problem.slots)
    stretch = np.arange(problem.slots) * columns // problem.slots
    share = solution.setpoints / np.maximum(problem.max_steps, 1)[:, None]
    totals = np.zeros((problem.sessions, columns))
    np.add.at(totals.T, stretch, share.T)
    mean = totals / np.bincount(stretch, minlength=columns)
    # What a charger holds in a slot under way may be above what the car can take.
    level = np.minimum(np.ceil(mean * (len(SHARES) - 1) - 1e-9).astype(int), len(SHARES) - 1)
    shades = ["".join(SHARES[k] for k in row) for row in level.tolist()]
    if solution.discharge_steps is None:
        return shades
    for name, row in zip(solution.discharge_ids, solution.discharge_steps, strict=True):
        gives = np.bincount(stretch, row > 0, columns) > 0
        at = solution.session_ids.index(name)
        shades[at] = "".join(GIVES if back else shade for shade, back in zip(shades[at], gives.tolist(), strict=True))
    return shades
