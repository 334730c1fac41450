"""The referee at the meter: planted violations, the bill, metering intervals by the clock."""
# ruff: noqa: E501 - a row of the tables stands in one piece

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from ocpp_schedule import (
    Circuit,
    Connector,
    Forecast,
    Generator,
    Load,
    PeakCharge,
    PeakWindow,
    Plan,
    Session,
    Site,
    Station,
    Tariff,
    TimeGrid,
    schedule,
)
from ocpp_schedule.check.peaks import peak_periods
from ocpp_schedule.check.referee import review
from ocpp_schedule.problem.registers import registers_of

START = datetime(2026, 1, 15, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
METER_KINDS = ("surplus", "curtailment", "export", "storage", "discharge", "soc", "upwards")
"""Kinds of violations that are planted here, in ``test_check_storage`` and in ``test_check_v2g``."""


def plan(**changes: Any) -> Plan:
    """One car that waits for surplus and one that does not, 4 quarters, 4.6 kW of sun in the last two."""
    fields: dict[str, Any] = {
        "roof": Generator(id="roof", circuit="main", curtailable=True),
        "tariff": Tariff(energy=0.30, export=0.05, peaks=(PeakCharge(id="network", per_kw=2.0),)),
        "limit": 1150.0,
        "expected_w": (0.0, 0.0, 4600.0, 4600.0),
        "firm_w": None,
    } | changes
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=40, export_limit_w=fields["limit"])],
        stations=[Station(id="S", circuit="main", ocpp_version="1.6")],
        connectors=[
            Connector(id="A", station="S", lines=("L1",), max_current_a=16),
            Connector(id="B", station="S", evse_id=2, lines=("L2",), max_current_a=16),
        ],
        loads=[Load(id="hall", circuit="main")],
        generators=[fields["roof"]],
        edge_guard_s=0,
    )
    cars = [
        Session(id="a", connector="A", arrival=START, departure=START + 4 * QUARTER, energy_wh=575, phases=1,
                source="surplus"),
        Session(id="b", connector="B", arrival=START, departure=START + 4 * QUARTER, energy_wh=575, phases=1),
    ]  # fmt: skip
    forecasts = [
        Forecast(id="hall", start=START, step_s=900, expected_w=(460.0,) * 4),
        Forecast(id="roof", start=START, step_s=900, expected_w=fields["expected_w"], firm_w=fields["firm_w"]),
    ]
    return schedule(site, cars, fields["tariff"], TimeGrid.regular(START, QUARTER, 4), forecasts=forecasts)


def kinds(one: Plan, **lies: Any) -> list[str]:
    scenario = one.scenario
    report = review(
        scenario.site, scenario.sessions, scenario.tariff, scenario.grid,
        forecasts=scenario.forecasts, solution=replace(one.solution, **lies),
    )  # fmt: skip
    return [violation.kind for violation in report.violations]


def test_an_honest_plan_has_no_violation() -> None:
    one = plan()
    assert kinds(one) == []
    assert one.status == "complete"
    # 575 + 575 Wh of cars and 230 Wh of the hall, of 2,300 Wh: nothing is imported in the sun, 1,150 W go out.
    assert one.import_w.tolist() == [460.0, 460.0, 0.0, 0.0]
    assert one.export_w.max() <= 1150.0
    assert one.curtailed_w.sum() > 0


def test_surplus_drawn_at_night_is_found() -> None:
    one = plan()
    setpoints = one.setpoints.copy()
    setpoints[0] = [100, 0, 0, 0]
    assert "surplus" in kinds(one, setpoints=setpoints)


@pytest.mark.parametrize("dw", [-1, 46_001])
def test_curtailment_of_what_is_not_there_is_found(dw: int) -> None:
    one = plan()
    assert one.solution.curtailed_dw is not None
    curtailed = one.solution.curtailed_dw.copy()
    curtailed[0, 3] = dw
    assert "curtailment" in kinds(one, curtailed_dw=curtailed)


def test_the_firm_part_is_not_curtailed() -> None:
    one = plan(firm_w=(0.0, 0.0, 4600.0, 4600.0))
    assert one.curtailed_w.sum() == 0
    assert "circuit main: expected generation exceeds the export limit of 1,150 W by up to 2,990 W" in one.notices[0]


def test_export_above_the_limit_is_found() -> None:
    one = plan()
    assert one.solution.curtailed_dw is not None
    assert "export" in kinds(one, curtailed_dw=np.zeros_like(one.solution.curtailed_dw))


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"cost_parts": {"energy": 0, "export": 0, "peaks": -1, "wear": 0}}, id="peak understated"),
        pytest.param({"cost_parts": {}}, id="parts left out"),
    ],
)
def test_wrong_parts_of_the_cost_are_found(lie: dict[str, Any]) -> None:
    assert kinds(plan(), **lie) == ["claimed_cost"]


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"generator_ids": ("moon",)}, id="other generator"),
        pytest.param({"curtailed_dw": np.zeros((2, 4), dtype=np.int64)}, id="two rows"),
    ],
)
def test_curtailment_of_another_shape_is_found(lie: dict[str, Any]) -> None:
    assert kinds(plan(), **lie) == ["shape"]


def test_published_demand_rate() -> None:
    """Pacific Gas & Electric A-10, summer 2019: 19.99 USD per kW of the highest 15 minutes (notes of acnportal)."""
    tariff = Tariff(currency="USD", energy=0.0, peaks=(PeakCharge(id="demand", per_kw=19.99),))
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=63)],
        stations=[Station(id="S", circuit="main", ocpp_version="1.6")],
        connectors=[Connector(id="A", station="S", max_current_a=32)],
    )
    car = Session(id="a", connector="A", arrival=START, departure=START + QUARTER, energy_wh=5520, phases=3)
    one = schedule(site, [car], tariff, TimeGrid.regular(START, QUARTER, 1))
    assert one.cost == pytest.approx(22.08 * 19.99, abs=1e-9)
    assert one.cost_parts == {"energy": 0.0, "export": 0.0, "peaks": one.cost, "wear": 0.0}


def both(peak: PeakCharge, zone: str, grid: TimeGrid) -> list[tuple[str, int, list[tuple[list[int], int, int]]]]:
    """Return the periods of a peak as the referee sees them, after comparing with those of the problem."""
    tariff = Tariff(energy=0.2, peaks=(peak,))
    seen = [(one.name, one.floor_dw, list(one.intervals.values())) for one in peak_periods(tariff, zone, grid)]
    edges = np.array(grid.edges_s, dtype=np.int64) + grid.start_s
    own = [
        (
            one.period,
            one.floor_dw,
            [
                (np.flatnonzero(one.interval == k).tolist(), length, before)
                for k, (length, before) in enumerate(zip(one.seconds.tolist(), one.open_units.tolist(), strict=True))
            ],
        )
        for one in registers_of(tariff, zone, edges)
    ]
    assert own == seen
    return seen


@pytest.mark.parametrize(
    ("day", "hours", "slots_in_window"),
    [
        pytest.param(date(2026, 3, 28), 24, range(64, 84), id="the day before"),
        pytest.param(date(2026, 3, 29), 23, range(60, 80), id="23 hours"),
        pytest.param(date(2026, 10, 25), 25, range(68, 88), id="25 hours"),
    ],
)
def test_windows_are_in_local_time_on_days_of_any_length(day: date, hours: int, slots_in_window: range) -> None:
    grid = TimeGrid.local_day(day, "Europe/Amsterdam")
    assert grid.slots == 4 * hours
    peak = PeakCharge(id="evening", per_kw=1.0, windows=(PeakWindow(start=time(16), end=time(21)),))
    [(_, _, intervals)] = both(peak, "Europe/Amsterdam", grid)
    assert [slots for slots, _, _ in intervals] == [[slot] for slot in slots_in_window]


@pytest.mark.parametrize(
    ("window", "counted"),
    [
        pytest.param(PeakWindow(start=time(22), end=time(6), weekdays=(4,)), [22, 23, 24, 25, 26, 27, 28, 29], id="over midnight"),
        pytest.param(PeakWindow(end=time(0), weekdays=(5,)), list(range(24, 48)), id="a whole Friday"),
        pytest.param(PeakWindow(start=time(22), weekdays=(4,)), [22, 23], id="to the end of the day"),
        pytest.param(PeakWindow(months=(2,)), [], id="another month"),
    ],
)  # fmt: skip
def test_windows_of_days(window: PeakWindow, counted: list[int]) -> None:
    """15 January 2026 is a Thursday, day 4."""
    grid = TimeGrid.regular(START, timedelta(hours=1), 48)
    found = both(PeakCharge(id="p", per_kw=1.0, interval_s=3600, windows=(window,)), "UTC", grid)
    assert [slots[0] for _, _, intervals in found for slots, _, _ in intervals] == counted


def test_each_month_has_its_own_maximum() -> None:
    start = datetime(2026, 1, 31, 22, tzinfo=UTC)
    grid = TimeGrid.regular(start, timedelta(hours=1), 4)
    found = both(PeakCharge(id="p", per_kw=1.0, interval_s=3600, peak_so_far_w=5000.05), "Europe/Amsterdam", grid)
    assert [(name, floor, len(intervals)) for name, floor, intervals in found] == [
        ("2026-01", 50_001, 1),
        ("2026-02", 0, 3),
    ]
    [(name, floor, _)] = both(PeakCharge(id="p", per_kw=1.0, period="grid", peak_so_far_w=1), "Europe/Amsterdam", grid)
    assert (name, floor) == ("grid", 10)


def test_an_interval_under_way_counts_with_what_it_has_metered() -> None:
    grid = TimeGrid.regular(START + timedelta(minutes=5), timedelta(minutes=5), 4)
    [(_, _, intervals)] = both(PeakCharge(id="p", per_kw=1.0, open_interval_wh=100), "UTC", grid)
    assert intervals == [([0, 1], 900, 3_600_000), ([2, 3], 600, 0)]


def test_intervals_follow_the_clock_of_the_zone() -> None:
    """Kathmandu is 5:45 ahead of UTC: full hours there are quarter past the hours of UTC."""
    grid = TimeGrid.regular(START + QUARTER, QUARTER, 8)
    [(_, _, intervals)] = both(PeakCharge(id="p", per_kw=1.0, interval_s=3600), "Asia/Kathmandu", grid)
    assert [slots for slots, _, _ in intervals] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_intervals_of_five_minutes() -> None:
    grid = TimeGrid.regular(START, timedelta(minutes=5), 3)
    [(_, _, intervals)] = both(PeakCharge(id="p", per_kw=1.0, interval_s=300), "UTC", grid)
    assert intervals == [([slot], 300, 0) for slot in range(3)]


def test_a_slot_of_several_intervals_is_one() -> None:
    grid = TimeGrid.regular(START, timedelta(hours=1), 2)
    window = PeakWindow(start=time(0, 45), end=time(1))
    [(_, _, intervals)] = both(PeakCharge(id="p", per_kw=1.0, windows=(window,)), "UTC", grid)
    assert intervals == [([0], 3600, 0)]
