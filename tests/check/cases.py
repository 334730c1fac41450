"""Hand-made sites, and solutions with honest claims."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.referee import review
from ocpp_schedule.model.series import PriceSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.solution import Solution
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from ocpp_schedule.check.report import Report

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLAT = Tariff(energy=0.25)


@dataclasses.dataclass(frozen=True)
class Case:
    """What a review takes, with set-points and guards per session as plain lists."""

    site: Site
    sessions: tuple[Session, ...]
    grid: TimeGrid
    steps: dict[str, list[int]]
    tariff: Tariff = FLAT
    limits: tuple[Any, ...] = ()
    forecasts: tuple[Any, ...] = ()
    late: tuple[tuple[str, int], ...] = ()
    early: tuple[tuple[str, int], ...] = ()
    availability: tuple[Any, ...] = ()
    session_defaults: Any = None
    held: Any = None
    floors: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)  # idle, end; default 0, 60

    def solution(self) -> Solution:
        ids = tuple(sorted(session.id for session in self.sessions))
        connectors = tuple(sorted(connector.id for connector in self.site.connectors))
        rows = [self.steps.get(name, [0] * self.grid.slots) for name in ids]
        flags = [np.zeros((len(ids), self.grid.slots), dtype=np.bool_) for _ in range(2)]
        for array, marks in zip(flags, (self.late, self.early), strict=True):
            for name, slot in marks:
                array[ids.index(name), slot] = True
        floors = np.array([self.floors.get(name, (0, 60)) for name in connectors], dtype=np.int64).reshape(-1, 2)
        return Solution(
            session_ids=ids,
            setpoints=np.array(rows, dtype=np.int64).reshape(len(ids), self.grid.slots),
            late_raise=flags[0],
            early_lowering=flags[1],
            connector_ids=connectors,
            idle_floor_steps=floors[:, 0].copy(),
            end_floor_steps=floors[:, 1].copy(),
            energy_units=np.zeros(len(ids), dtype=np.int64),
            cost_units=0,
        )

    def review(self, *, honest: bool = True, **changes: Any) -> Report:
        """Judge; ``honest``: with the referee's own energy and cost as the claims."""
        solution = dataclasses.replace(self.solution(), **changes)
        arguments: Any = (self.site, self.sessions, self.tariff, self.grid)
        names = ("limits", "forecasts", "availability", "session_defaults", "held")
        series: Any = {name: getattr(self, name) for name in names}
        report = review(*arguments, **series, solution=solution)
        if not honest:
            return report
        energy = np.array(list(report.energy_units.values()), dtype=np.int64)
        solution = dataclasses.replace(solution, energy_units=energy, cost_units=report.cost_units)
        return review(*arguments, **series, solution=solution)


def hours(count: int) -> TimeGrid:
    return TimeGrid.regular(START, HOUR, count)


def session(name: str, connector: str, first: float, last: float, wh: float = 50_000.0, **more: Any) -> Session:
    """Return a session whose times are hours from the start of the grid."""
    return Session(
        id=name, connector=connector, arrival=START + first * HOUR, departure=START + last * HOUR, energy_wh=wh, **more
    )


def outlet(name: str, station: str | None = None, **more: Any) -> Connector:
    return Connector(**{"id": name, "station": station or f"CP-{name}", "lines": ("L1",), "max_current_a": 32.0} | more)


def one_circuit(*connectors: Connector, limit_a: Any = 25.0, **more: Any) -> Site:
    """Return a site with one circuit and a station per connector."""
    stations = [
        Station(id=name, circuit="main", ocpp_version="2.0.1") for name in sorted({c.station for c in connectors})
    ]
    fields: dict[str, Any] = {
        "id": "site",
        "circuits": [Circuit(id="main", limit_a=limit_a)],
        "stations": stations,
        "connectors": connectors,
    }
    return Site(**fields | more)


def worked() -> Case:
    """Two cars, one fuse, four prices: 1.265 EUR."""
    return Case(
        site=one_circuit(outlet("A", max_current_a=16.0), outlet("B", max_current_a=16.0), idle_floor_a=6.0),
        sessions=(session("b", "B", 1, 3, 3680.0), session("a", "A", 0, 4, 5520.0, transaction_id="1041")),
        grid=hours(4),
        tariff=Tariff(energy=PriceSeries(start=START, step_s=3600, per_kwh=(0.40, 0.10, 0.20, 0.50))),
        steps={"a": [0, 160, 80, 0], "b": [0, 90, 70, 0]},
        floors={"A": (60, 60), "B": (60, 60)},
    )
