"""Loads and firm generation in W on hard rows: on lines, in totals, compiler and referee alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ocpp_schedule import Circuit, Connector, Forecast, Generator, Load, Session, Site, Station, Tariff, TimeGrid
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.problem.compile import compile_problem

START = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("circuit", "expected"),
    [
        # 621 W on one line at 207 V: 3 A; 1,518 W firm on two lines at 253 V: 3 A each.
        pytest.param({"limit_a": 25.0}, [[25e6 - 3e6 + 3e6], [25e6 + 3e6], [25e6]], id="lines"),
        pytest.param(
            {"limit_a": 25.0, "limit_w": 10_000.0},
            [[25e6], [28e6], [25e6], [10_000_000 - 621_000 + 1_518_000]],
            id="and total",
        ),
        pytest.param({"limit_a": 25.0, "continuous_load_factor": 1.25}, [[20e6], [22.4e6], [20e6]], id="weighed"),
    ],
)
def test_watts_become_currents_at_the_worse_voltage(circuit: dict[str, float], expected: list[list[float]]) -> None:
    site = Site(
        id="s",
        circuits=[Circuit(id="main", **circuit)],
        stations=[Station(id="S", circuit="main", ocpp_version="1.6")],
        connectors=[Connector(id="A", station="S", max_current_a=16)],
        loads=[Load(id="pump", circuit="main", lines=("L1",))],
        generators=[Generator(id="roof", circuit="main", lines=("L1", "L2"))],
    )
    car = Session(id="a", connector="A", arrival=START, departure=START + timedelta(hours=1), energy_wh=1000, phases=3)
    half = {"start": START, "step_s": 1800}
    forecasts = [
        Forecast(id="pump", **half, expected_w=(100.0, 200.0), high_w=(300.0, 621.0)),
        Forecast(id="roof", **half, expected_w=(2000.0, 2000.0), firm_w=(1518.0, 1518.0001)),
    ]
    grid = TimeGrid.regular(START, timedelta(hours=1), 1)
    problem = compile_problem(site, [car], Tariff(energy=0.2), grid, forecasts=forecasts)
    scene = scene_of(site, [car], Tariff(energy=0.2), grid, forecasts=forecasts)
    assert problem.headroom_units[0].tolist() == expected
    assert scene.limits.headroom_in(0, 1)[0].tolist() == expected
    assert problem.meter is not None
    assert problem.meter.load_units.tolist() == [150 * 36_000]
    assert problem.meter.generated_units.tolist() == [[2000 * 36_000]]
    # Nothing is certain after the grid: the end floor counts without generation.
    weight = circuit.get("continuous_load_factor", 1.0)
    without = np.array(expected).T[0] - np.array([3e6, 3e6, 0, 1_518_000][: len(expected)]) / weight
    assert scene.limits.tightest()[0].tolist() == without.tolist()


def test_amperes_that_are_no_whole_watts_are_rounded_once() -> None:
    """0.3333333 A on three lines: 229.999977 W, so 2,300 of 0.1 W."""
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=25)],
        loads=[Load(id="pump", circuit="main")],
        generators=[Generator(id="roof", circuit="main")],
    )
    forecasts = [
        Forecast(id="pump", start=START, step_s=3600, expected_a=(0.3333333,)),
        Forecast(id="roof", start=START, step_s=3600, expected_w=(0.1999999,)),
    ]
    grid = TimeGrid.regular(START, timedelta(hours=1), 1)
    problem = compile_problem(site, [], Tariff(energy=0.2), grid, forecasts=forecasts)
    scene = scene_of(site, [], Tariff(energy=0.2), grid, forecasts=forecasts)
    assert problem.meter is not None
    assert scene.background is not None
    assert problem.meter.load_units.tolist() == scene.background.load["pump"] == [2300 * 3600]
    assert problem.meter.generated_units.tolist() == [scene.background.generated["roof"]] == [[3600]]
