"""The site of the worked example, and short ways to write scenes by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ocpp_schedule import (
    Circuit,
    Connector,
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
from ocpp_schedule.check.referee import review
from ocpp_schedule.problem.compile import compile_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIDNIGHT_S = 1_768_435_200
"""START in seconds since 1970."""
FLAT = Tariff(energy=0.25)


def hours(count: int) -> TimeGrid:
    return TimeGrid.regular(START, HOUR, count)


def worked_site(**changes: Any) -> Site:
    fields: dict[str, Any] = {
        "id": "worked",
        "circuits": [Circuit(id="main", limit_a=25)],
        "stations": [
            Station(id="CP1", circuit="main", ocpp_version="1.6"),
            Station(id="CP2", circuit="main", ocpp_version="2.0.1"),
        ],
        "connectors": [
            Connector(id="A", station="CP1", lines=("L1",), min_current_a=6, max_current_a=16),
            Connector(id="B", station="CP2", lines=("L1",), min_current_a=6, max_current_a=16),
        ],
        "idle_floor_a": 6,
    }
    return Site(**fields | changes)


def worked_sessions() -> list[Session]:
    return [
        car("a", "A", 0, 4, 5520, phases=1, transaction_id=1041),
        car("b", "B", 1, 3, 3680, phases=1),
    ]


def worked_tariff() -> Tariff:
    return Tariff(currency="EUR", energy=PriceSeries(start=START, step_s=3600, per_kwh=(0.40, 0.10, 0.20, 0.50)))


def worked_plan() -> Plan:
    return schedule(worked_site(), worked_sessions(), worked_tariff(), hours(4))


def car(name: str, connector: str, first: float, last: float, wh: float, **more: Any) -> Session:
    """Return a session whose times are hours from the start of the grid."""
    fields = {"id": name, "connector": connector, "arrival": START + first * HOUR, "departure": START + last * HOUR}
    return Session(**fields | {"energy_wh": wh} | more)


def outlet(name: str, **more: Any) -> Connector:
    """Return a connector on a station of its own: ``A`` on ``CP-A``, 6 to 32 A on L1."""
    return Connector(**{"id": name, "station": f"CP-{name}", "lines": ("L1",), "max_current_a": 32.0} | more)


def yard(*connectors: Connector, limit_a: Any = 25.0, **more: Any) -> Site:
    """Return a site with one circuit ``main`` and a station per connector."""
    names = sorted({connector.station for connector in connectors})
    fields: dict[str, Any] = {
        "id": "yard",
        "circuits": [Circuit(id="main", limit_a=limit_a)],
        "stations": [Station(id=name, circuit="main", ocpp_version="2.0.1") for name in names],
        "connectors": connectors,
    }
    return Site(**fields | more)


def priced(*per_kwh: float, step_s: int = 3600) -> Tariff:
    return Tariff(energy=PriceSeries(start=START, step_s=step_s, per_kwh=per_kwh))


def scene(site: Site, sessions: Sequence[Session], tariff: Tariff = FLAT, **more: Any) -> Scenario:
    """Return a scenario on four hours, unless a grid is given."""
    return Scenario(**{"site": site, "sessions": tuple(sessions), "tariff": tariff, "grid": hours(4)} | more)


def compiled(scenario: Scenario) -> Problem:
    return compile_problem(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        objective=scenario.objective,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        availability=scenario.availability,
        session_defaults=scenario.session_defaults,
    )


def planned(scenario: Scenario) -> Plan:
    return schedule(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        objective=scenario.objective,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        availability=scenario.availability,
        session_defaults=scenario.session_defaults,
    )


def refereed(scenario: Scenario, solution: Solution) -> Report:
    return review(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        availability=scenario.availability,
        session_defaults=scenario.session_defaults,
        solution=solution,
    )
