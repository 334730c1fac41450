"""Rows about all lines together: what they hold, what loads them, what charging weighs (convention 14)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.scenes import START, car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Capabilities, Circuit, Forecast, LimitSeries, Load, Station
from ocpp_schedule.check.report import voltamperes
from ocpp_schedule.problem.limits import UNLIMITED

L123 = ("L1", "L2", "L3")


def site(connector: Any, *, watts: bool = False, **limits: Any) -> Any:
    """Return a site with one outlet below circuit ``main``."""
    units: Any = ("W",) if watts else ("A",)
    stations = [Station(id="CP-A", circuit="main", ocpp_version="2.0.1", capabilities=Capabilities(rate_units=units))]
    return yard(connector, circuits=[Circuit(id="main", **limits)], stations=stations, edge_guard_s=0)


@pytest.mark.parametrize(
    ("phases", "watts", "total_mva"),
    [
        pytest.param(1, False, 23_000, id="one phase: 0.1 A at 230 V"),
        pytest.param(2, False, 46_000, id="two phases"),
        pytest.param(3, False, 69_000, id="three phases"),
        pytest.param(None, False, 69_000, id="unknown: all lines"),
        pytest.param(1, True, 10_000, id="W station: the step itself"),
        pytest.param(None, True, 10_000, id="W station, unknown car: the step itself"),
    ],
)
def test_total_of_one_step(phases: int | None, watts: bool, total_mva: int) -> None:
    problem = compiled(
        scene(site(outlet("A", lines=L123), watts=watts, limit_va=5000), [car("a", "A", 0, 4, 1000, phases=phases)])
    )
    assert problem.channels == 4
    assert problem.load_units[0, 3] == total_mva
    assert problem.row_name(0, 3) == "circuit main total"


def test_without_a_limit_on_totals_there_is_no_such_channel() -> None:
    problem = compiled(scene(site(outlet("A"), limit_a=25), [car("a", "A", 0, 4, 1000)]))
    assert problem.channels == 3
    assert problem.headroom_units.shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("limits", "series", "lines_a", "total_va"),
    [
        pytest.param({"limit_va": 5000}, {}, None, 5000, id="VA alone"),
        pytest.param({"limit_va": 5000, "limit_w": 4000.5}, {}, None, 4000.5, id="the lower of VA and W"),
        pytest.param({"limit_a": 25, "limit_w": 4000}, {}, 25, 4000, id="lines and total"),
        pytest.param({"limit_a": 25}, {"limit_w": [3000, 2000]}, 25, 2000, id="a series in W, the lowest in the slot"),
        pytest.param({"limit_a": 25}, {"limit_va": [3000.0004]}, 25, 3000, id="a series in VA, rounded down"),
        pytest.param({"limit_w": 2500}, {"limit_w": [3000]}, None, 2500, id="a series above the circuit's own"),
        pytest.param({"limit_w": 5000}, {"limit_a": [10]}, 10, 5000, id="a series per line beside a total"),
        pytest.param({"limit_a": 25, "continuous_load_factor": 1.25}, {}, 20, None, id="weight: 25 A give 20 A"),
        pytest.param({"limit_w": 5000, "continuous_load_factor": 1.25}, {}, None, 4000, id="weight in totals"),
    ],
)
def test_headroom(limits: Any, series: Any, lines_a: float | None, total_va: float | None) -> None:
    more = [LimitSeries(circuit="main", start=START, step_s=1800, **series)] if series else []
    problem = compiled(scene(site(outlet("A"), **limits), [car("a", "A", 0, 4, 1000)], limits=more))
    first = problem.headroom_units[0, :, 0].tolist()
    assert first[:3] == [UNLIMITED if lines_a is None else lines_a * 10**6] * 3
    assert first[3:] == ([] if total_va is None else [total_va * 1000])


def test_base_load_counts_in_totals_and_is_not_weighed() -> None:
    scenario = scene(
        site(outlet("A"), limit_a=25, limit_va=10_000, continuous_load_factor=1.25).model_copy(
            update={"loads": (Load(id="hall", circuit="main", lines=("L1", "L2")),)}
        ),
        [car("a", "A", 0, 4, 1000)],
        forecasts=[Forecast(id="hall", start=START, step_s=14_400, expected_a=(5,), high_a=(10.00001,))],
    )
    problem = compiled(scenario)
    # 2 lines of 10.00001 A at 230 V are 4,600.0046 VA, of which the last is rounded up to 4,600.005 VA.
    assert problem.headroom_units[0, :, 0].tolist() == [11_999_992, 11_999_992, 20_000_000, 5_399_995 * 4 // 5]


def test_the_plan_keeps_the_total_and_the_referee_sees_a_step_more() -> None:
    both = yard(
        outlet("A"), outlet("B", lines=("L2",)), circuits=[Circuit(id="main", limit_a=32, limit_w=4600)], edge_guard_s=0
    )
    scenario = scene(both, [car("a", "A", 0, 1, 7000, phases=1), car("b", "B", 0, 1, 7000, phases=1)], grid=hours(1))
    plan = planned(scenario)
    assert plan.setpoints.sum() == 200  # 20 A at 230 V are 4,600 W
    assert plan.report.row_use[-1].line == "total"
    assert plan.report.row_use[-1].booked_units == 4_600_000
    assert "main total, 4.6 of 4.6 kVA" in plan.summary()
    assert plan.shortfalls[0].limit == "circuit main total"
    more = plan.setpoints.copy()
    more[0, 0] += 1
    [fault] = [v for v in refereed(scenario, _with(plan.solution, more)).violations if v.kind == "row"]
    assert str(fault).startswith(
        "row: circuit 'main' total, slot 0 (2026-01-15T00:00Z): 4623 VA; allowed: at most 4600"
    )


def _with(solution: Any, setpoints: Any) -> Any:
    return type(solution)(**{name: getattr(solution, name) for name in solution.__slots__} | {"setpoints": setpoints})


def test_the_certificate_prices_totals() -> None:
    """Two cars share 4,600 W; the first hour is cheap, so the total has a price there and proves the cost."""
    both = yard(
        outlet("A", min_current_a=0.0),
        outlet("B", lines=("L2",), min_current_a=0.0),
        circuits=[Circuit(id="main", limit_w=4600)],
        edge_guard_s=0,
    )
    cars = [car(name, outlet_id, 0, 2, 3450, phases=1) for name, outlet_id in (("a", "A"), ("b", "B"))]
    plan = planned(scene(both, cars, priced(0.1, 0.3), grid=hours(2)))
    assert plan.solution.certificates
    assert set(plan.solution.certificates["cost"].row_prices) == {("circuit", "main", 3)}
    assert plan.cost == pytest.approx(4.6 * 0.1 + 2.3 * 0.3)
    assert plan.bound == pytest.approx(plan.cost, rel=1e-4)


def test_end_floors_fit_totals() -> None:
    """6 A on three lines are 4,140 VA each: two do not fit 8 kVA, although the lines would carry them."""
    for limit, expected in ((8000, 0), (8280, 60)):
        two = yard(
            outlet("A", lines=L123), outlet("B", lines=L123), circuits=[Circuit(id="main", limit_a=63, limit_va=limit)]
        )
        scenario = scene(two, [car("a", "A", 0, 4, 1000)])
        assert planned(scenario).solution.end_floor_steps.tolist() == [expected] * 2


def test_base_load_above_the_total_is_an_alarm() -> None:
    scenario = scene(
        yard(
            outlet("A"),
            circuits=[Circuit(id="main", limit_a=63, limit_va=4000)],
            loads=[Load(id="hall", circuit="main")],
        ),
        [car("a", "A", 0, 4, 1000, phases=1)],
        forecasts=[Forecast(id="hall", start=START, step_s=7200, expected_a=(6, 2))],
    )
    plan = planned(scenario)
    assert plan.status == "alarm"
    [alarm] = plan.alarms
    assert str(alarm).endswith(
        "total, 2026-01-15T00:00Z to 2026-01-15T02:00Z: 4140 VA of base load exceed the limit of 4000 VA"
    )
    assert plan.setpoints[0, :2].tolist() == [0, 0]
    assert plan.setpoints[0, 2:].any()


def test_idle_floors_weigh_in_an_alarm() -> None:
    scenario = scene(
        yard(
            outlet("A"),
            circuits=[Circuit(id="main", limit_a=7, continuous_load_factor=1.25)],
            idle_floor_a=6,
        ),
        [car("a", "A", 0, 4, 1000, phases=1)],
    )
    [alarm] = planned(scenario).alarms
    assert str(alarm).endswith("0 A of base load and 7.5 A of idle floors exceed the limit of 7 A")


def test_voltamperes_are_exact_decimals() -> None:
    assert [voltamperes(value) for value in (0, 1, -1500, np.int64(11_040_000))] == [
        "0 VA",
        "0.001 VA",
        "-1.5 VA",
        "11040 VA",
    ]
