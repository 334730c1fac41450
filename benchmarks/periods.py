"""Stations that take few periods: what 24, 10 and 6 of them cost on five real days with real prices.

``python -m benchmarks.periods`` prints the table. Sessions are those of Caltech and JPL, prices those of the
Netherlands, negative ones among them (``data/real_days.json`` names its origins); the days are laid on each other by
the clock on the wall. Cars charge on one phase with 6 to 32 A, the fuse carries ``LIMIT_SHARE`` of what all outlets
could draw, and a building beside them draws more at noon. Several cars come to one outlet one after the other and share
its profile, so that 10 periods are fewer than they seem.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocpp_schedule import (
    Capabilities,
    Circuit,
    Connector,
    Forecast,
    Load,
    Plan,
    PriceSeries,
    Scenario,
    Session,
    Site,
    Station,
    Tariff,
    TimeGrid,
    schedule,
)
from ocpp_schedule.units import LINES

DAYS: Final = Path(__file__).parent / "data" / "real_days.json"
PERIODS: Final = (24, 10, 6)
TARGETS: Final = {24: 0.01, 10: 0.01, 6: None}
"""Share of the gross energy cost that few periods may cost; None: only told."""
SLOT_S: Final = 900
SLOTS: Final = 96
LIMIT_SHARE: Final = 0.32
BUILDING_A: Final = 30.0
"""Highest base load per line at noon; half of it at night."""
START: Final = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Loss:
    """One day with a number of periods.

    Attributes:
        periods: most that a station takes; None: any number.
        most: the most of any profile of the plan.
        missing_wh: energy that wishes miss [Wh].
        cost: of the plan [EUR].
        loss: what it costs more than the plan with any number, over the gross cost of that.
        seconds: of the process, for the whole of ``schedule()``.
    """

    periods: int | None
    most: int
    missing_wh: float
    cost: float
    loss: float
    seconds: float


def days() -> list[dict[str, Any]]:
    """Return the real days: prices per hour, and sessions as station, minutes of arrival and departure, Wh."""
    found: list[dict[str, Any]] = json.loads(DAYS.read_text(encoding="utf-8"))["days"]
    return found


def scenario(day: dict[str, Any], periods: int | None, *, most: int | None = None) -> Scenario:
    """Return one day at stations that take so many periods; ``most``: only so many of its sessions."""
    rows = day["sessions"][:most]
    outlets = sorted({row[0] for row in rows})
    known = Capabilities(max_periods=periods)
    hour = np.arange(SLOTS) / SLOTS * 24
    base = np.round(BUILDING_A * (0.5 + 0.5 * np.clip(np.sin((hour - 6) / 12 * np.pi), 0, 1)), 1)
    site = Site(
        id="garage",
        circuits=(Circuit(id="main", limit_a=float(round(LIMIT_SHARE * 32 * len(outlets) / 3 + BUILDING_A))),),
        loads=(Load(id="building", circuit="main"),),
        stations=tuple(
            Station(id=f"CP-{name}", circuit="main", ocpp_version="1.6", capabilities=known) for name in outlets
        ),
        connectors=tuple(
            Connector(id=name, station=f"CP-{name}", lines=(LINES[k % 3],), max_current_a=32.0)
            for k, name in enumerate(outlets)
        ),
    )
    cars = tuple(
        Session(
            id=f"{k:03}",
            connector=name,
            arrival=START + timedelta(minutes=arrival),
            departure=START + timedelta(minutes=departure),
            energy_wh=float(wh),
            phases=1,
        )
        for k, (name, arrival, departure, wh) in enumerate(rows)
    )
    forecast = Forecast(id="building", start=START, step_s=SLOT_S, expected_a=tuple(base.tolist()))
    tariff = Tariff(energy=PriceSeries(start=START, step_s=3600, per_kwh=tuple(day["per_kwh"])))
    grid = TimeGrid.regular(START, timedelta(seconds=SLOT_S), SLOTS)
    return Scenario(site=site, sessions=cars, tariff=tariff, grid=grid, forecasts=(forecast,))


def planned(day: Scenario) -> tuple[Plan, float]:
    """Return the plan and how long it took [s]."""
    start = time.process_time()
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, forecasts=day.forecasts)
    return plan, time.process_time() - start


def losses(day: dict[str, Any], *, most: int | None = None) -> list[Loss]:
    """Return what each number of periods costs on one day, any number first."""
    free, seconds = planned(scenario(day, None, most=most))
    prices = np.repeat(day["per_kwh"], SLOTS // 24)
    gross = float((free.expected_w * np.abs(prices)).sum()) * SLOT_S / 3.6e6
    found = [Loss(None, _most(free), free.report.missing / 36_000, free.cost, 0.0, seconds)]
    for periods in PERIODS:
        plan, seconds = planned(scenario(day, periods, most=most))
        assert plan.report.ok
        loss = (plan.cost - free.cost) / gross
        found.append(Loss(periods, _most(plan), plan.report.missing / 36_000, plan.cost, loss, seconds))
    return found


def _most(plan: Plan) -> int:
    return max(len(layer.profile.schedule.periods) for stack in plan.stacks() for layer in stack.layers)


def row(found: Loss) -> str:
    """Return one line of the table."""
    taken = "any" if found.periods is None else str(found.periods)
    return (
        f"{taken:>8} {found.most:>8} {found.cost:>10.3f} {100 * found.loss:>9.3f} % {found.missing_wh:>10.1f} "
        f"{found.seconds:>8.2f}"
    )


def main() -> None:
    """Print the table."""
    print(f"{'periods':>8} {'used':>8} {'cost EUR':>10} {'loss':>11} {'missing Wh':>10} {'s':>8}")
    for day in days():
        print(f"{day['sessions_of']}, {len(day['sessions'])} sessions; {day['prices_of']}")
        for found in losses(day):
            print(row(found))


if __name__ == "__main__":
    main()
