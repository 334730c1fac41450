"""Batteries: what the referee finds, what a plan makes of them, and back from the archive."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ocpp_schedule import (
    Circuit,
    Connector,
    Forecast,
    InputError,
    Load,
    Plan,
    PriceSeries,
    Session,
    Site,
    Station,
    Storage,
    Tariff,
    TimeGrid,
    schedule,
)
from ocpp_schedule.check.referee import review

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
CELLAR: dict[str, Any] = {
    "id": "cellar",
    "circuit": "main",
    "capacity_wh": 10_000,
    "max_charge_w": 4000,
    "max_discharge_w": 4000,
    "charge_efficiency": 0.9,
    "discharge_efficiency": 0.9,
    "soc_percent": 50,
}


def plan(sessions: tuple[Session, ...] = (), limit_a: float = 40, **changes: Any) -> Plan:
    """Four hours at 0.10, 0.40, 0.10 and 0.40 with 5 kW of base load."""
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=limit_a)],
        stations=[Station(id="S", circuit="main", ocpp_version="1.6")],
        connectors=[Connector(id="A", station="S", max_current_a=16)],
        loads=[Load(id="hall", circuit="main")],
        storages=[Storage(**CELLAR | changes)],
        edge_guard_s=0,
    )
    tariff = Tariff(energy=PriceSeries(start=START, step_s=3600, per_kwh=(0.1, 0.4, 0.1, 0.4)))
    hall = Forecast(id="hall", start=START, step_s=3600, expected_w=(5000.0,) * 4)
    return schedule(site, sessions, tariff, TimeGrid.regular(START, HOUR, 4), forecasts=[hall])


def kinds(one: Plan, **lies: Any) -> list[str]:
    scenario = one.scenario
    report = review(
        scenario.site, scenario.sessions, scenario.tariff, scenario.grid,
        forecasts=scenario.forecasts, solution=replace(one.solution, **lies),
    )  # fmt: skip
    return [violation.kind for violation in report.violations if not violation.kind.startswith("claimed")]


def test_a_battery_moves_energy_to_where_it_is_dear() -> None:
    """Twice 4 kWh in at 0.10 store 7.2 kWh; 4 + 2.48 kWh come out at 0.40: 0.8 - 2.592 = -1.792."""
    one = plan()
    assert one.storage_w.tolist() == [[4000.0, -4000.0, 4000.0, -2480.0]]
    assert one.cost == pytest.approx(-1.792)
    assert one.cost_parts == {"energy": one.cost, "export": 0.0, "peaks": 0.0, "wear": 0.0}
    assert one.import_w.tolist() == [9000.0, 1000.0, 9000.0, 2520.0]
    assert one.cost_gap == pytest.approx(0.0, abs=1e-6)


def test_wear_is_paid_for_what_comes_out() -> None:
    one = plan(wear_per_kwh=0.05)
    assert one.cost_parts["wear"] == pytest.approx(0.05 * 6.48)
    assert plan(wear_per_kwh=0.5).storage_w.tolist() == [[0.0] * 4]


def test_the_archive_keeps_what_batteries_do() -> None:
    one = plan()
    again = Plan.from_json(one.to_json())
    assert again.storage_w.tolist() == one.storage_w.tolist()
    assert again.to_json() == one.to_json()
    assert again.bound == one.bound


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        pytest.param([0, 0, 0, 0], [], id="idle"),
        pytest.param([401, 0, 0, 0], ["storage"], id="too much in"),
        pytest.param([0, -401, 0, 400], ["storage", "storage"], id="too much out, and too little at the end"),
        pytest.param([400, 400, 0, 0], ["storage", "storage", "storage"], id="more than it holds"),
        pytest.param([-400, -400, 400, 400], ["storage", "storage", "storage"], id="less than nothing"),
        pytest.param([-100, 0, 0, 0], ["storage"], id="less at the end than at the start"),
    ],
)
def test_steps_that_no_battery_can_do_are_found(steps: list[int], found: list[str]) -> None:
    assert kinds(plan(), storage_steps=np.array([steps], dtype=np.int64)) == found


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"storage_ids": ("attic",)}, id="another battery"),
        pytest.param({"storage_steps": np.zeros((1, 3), dtype=np.int64)}, id="a slot short"),
    ],
)
def test_steps_of_another_shape_are_found(lie: dict[str, Any]) -> None:
    assert kinds(plan(), **lie) == ["shape"]


def test_charging_counts_on_hard_rows_and_discharging_gives_no_room() -> None:
    """5 kW of base load are 8.06 A a line at 207 V, so 20 A leave 11.94 A to car and battery together."""
    car = Session(id="a", connector="A", arrival=START, departure=START + 4 * HOUR, energy_wh=20_000, phases=3)
    one = plan((car,), limit_a=20)
    assert one.status == "complete"
    per_line = one.limits[0] + np.maximum(one.storage_w[0], 0) / (3 * 207)
    assert (per_line <= 20 - 5000 / (3 * 207) + 1e-9).all()
    fuller = one.solution.storage_steps.copy() if one.solution.storage_steps is not None else np.zeros((1, 4), np.int64)
    fuller[0, int(np.argmax(one.limits[0]))] = 400
    assert "row" in kinds(one, storage_steps=fuller)


def test_charging_beyond_a_row_is_no_alarm() -> None:
    one = plan(limit_a=10)
    steps = np.array([[400, 0, 0, 0]], dtype=np.int64)
    assert "row" in kinds(one, storage_steps=steps)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"min_soc_percent": 60}, "soc_percent=50 is below min_soc_percent=60", id="below"),
        pytest.param({"end_soc_percent": 60}, "end_soc_percent=60 is above soc_percent=50", id="end above"),
        pytest.param({"min_soc_percent": 20, "end_soc_percent": 10}, "end_soc_percent=10 is below", id="end below"),
        pytest.param({"wear_per_kwh": 0.0000001}, "has more than 6 decimals", id="wear"),
    ],
)
def test_a_battery_at_odds_with_itself(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Storage(**CELLAR | changes)


def test_archived_steps_have_a_form() -> None:
    text = plan().to_json()
    with pytest.raises(InputError, match="storage_steps"):
        Plan.from_json(text.replace('"storage_steps":{"cellar":[400', '"storage_steps":{"cellar":[400,400'))
    with pytest.raises(InputError, match="beyond any device"):
        Plan.from_json(text.replace('"storage_steps":{"cellar":[400', '"storage_steps":{"cellar":[4000000000000'))
