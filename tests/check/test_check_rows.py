"""Rows: wiring, unknown cars, W-only stations, panels, station caps, limit series, base load, end floors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.check.cases import HOUR, START, Case, hours, one_circuit, outlet, session

from ocpp_schedule.check.quantities import energy_units_up
from ocpp_schedule.check.report import RowUse
from ocpp_schedule.check.series import price_seconds
from ocpp_schedule.errors import InputError
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.series import Forecast, LimitSeries, PriceSeries
from ocpp_schedule.model.site import Circuit, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid
from ocpp_schedule.units import exact

L123 = ("L1", "L2", "L3")
L231 = ("L2", "L3", "L1")
W_ONLY = Capabilities(rate_units=("W",))


def booked(case: Case, subject: str = "main") -> dict[str, int]:
    report = case.review()
    return {use.line: use.booked_units for use in report.row_use if use.subject == subject}


def single(lines: tuple[str, ...], phases: int | None, steps: int, *, only_w: bool = False, **more: Any) -> Case:
    """Return one car on one connector in one slot."""
    connector = outlet("A", lines=lines, **{"step_w": 10} | more)
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=W_ONLY if only_w else Capabilities())
    site = one_circuit(connector, limit_a=100.0, stations=[station])
    end = 456 if only_w and len(lines) == 3 else 152 if only_w else 12 if "step_a" in more else 60
    car = session("a", "A", 0, 1, 1e6, phases=phases)
    return Case(site, (car,), hours(1), {"a": [steps]}, floors={"A": (0, end)})


# One step of 10 W: at 207 V 48309.2 uA on one line, 24154.6 on two, 16103.1 on three.
EFFECTS = [
    pytest.param(single(L123, 3, 100), {"L1": 10_000_000, "L2": 10_000_000, "L3": 10_000_000}, 69_000, id="three"),
    pytest.param(single(L231, 1, 100), {"L1": 0, "L2": 10_000_000, "L3": 0}, 23_000, id="one-rotated"),
    pytest.param(single(L231, 2, 100), {"L1": 0, "L2": 10_000_000, "L3": 10_000_000}, 46_000, id="two-rotated"),
    pytest.param(single(L123, None, 100), {"L1": 10_000_000, "L2": 10_000_000, "L3": 10_000_000}, 23_000, id="unknown"),
    pytest.param(single(("L3",), 3, 100), {"L3": 10_000_000}, 23_000, id="three-on-one-line"),
    pytest.param(single(L123, 3, 20, step_a=0.5), dict.fromkeys(L123, 10_000_000), 69_000, id="half-ampere-steps"),
    pytest.param(single(L123, 3, 690, only_w=True), dict.fromkeys(L123, 690 * 16_104), 69_000, id="w-three"),
    pytest.param(single(L231, 1, 230, only_w=True), {"L1": 0, "L2": 230 * 48_310, "L3": 0}, 23_000, id="w-one-rotated"),
    pytest.param(
        single(L231, None, 690, only_w=True),
        {"L2": 690 * 48_310, "L3": 690 * 24_155, "L1": 690 * 16_104},
        690 * 33,  # floor(100 / 3) tenths of a watt per step
        id="w-unknown-rotated",
    ),
    pytest.param(single(("L3",), None, 230, only_w=True), {"L3": 230 * 48_310}, 23_000, id="w-unknown-one-line"),
]


@pytest.mark.parametrize(("case", "lines", "power"), EFFECTS)
def test_effect_of_a_setpoint(case: Case, lines: dict[str, int], power: int) -> None:
    report = case.review()
    assert report.violations == ()
    assert {use.line: use.booked_units for use in report.row_use} == lines
    assert report.energy_units == {"a": power * 3600}


RANGES = [
    pytest.param(single(L123, 3, 0), 60, 320, id="ampere"),
    pytest.param(single(L123, 3, 0, min_current_a=6.01), 61, 320, id="minimum-rounded-up"),
    pytest.param(single(L123, 3, 0, max_current_a=15.99), 60, 159, id="maximum-rounded-down"),
    pytest.param(single(L123, 3, 0, step_a=2.5), 3, 12, id="coarse-steps"),
    pytest.param(single(L123, 3, 0, only_w=True), 456, 2208, id="w-three"),  # 6 x 3 x 253 = 4554 W; 32 x 690 W
    pytest.param(single(L123, 1, 0, only_w=True), 152, 736, id="w-one"),  # 1518 W; 7360 W
    pytest.param(single(L123, None, 0, only_w=True), 456, 2208, id="w-unknown"),
]


@pytest.mark.parametrize(("case", "low", "high"), RANGES)
def test_range_of_a_setpoint(case: Case, low: int, high: int) -> None:
    wrong = [
        kinds
        for steps in (low - 1, low, high, high + 1)
        for kinds in [{v.kind for v in case.review(setpoints=np.array([[steps]])).violations} & {"minimum", "maximum"}]
    ]
    assert wrong == [{"minimum"}, set(), set(), {"maximum"}]


def test_session_bounds_narrow_those_of_the_connector() -> None:
    car = session("a", "A", 0, 1, min_current_a=8.0, max_current_a=20.0)
    for steps, kinds in ((79, ["minimum"]), (80, []), (200, []), (201, ["maximum"])):
        case = Case(one_circuit(outlet("A")), (car,), hours(1), {"a": [steps]})
        assert [violation.kind for violation in case.review().violations] == kinds


def test_idle_floor_counts_on_every_line_beside_a_one_phase_car() -> None:
    site = one_circuit(outlet("A", lines=L123), outlet("B", lines=L231), limit_a=26.0, idle_floor_a=6.0)
    case = Case(
        site, (session("a", "A", 0, 1, phases=1),), hours(1), {"a": [200]}, floors=dict.fromkeys("AB", (60, 60))
    )
    assert booked(case) == {"L1": 26_000_000, "L2": 12_000_000, "L3": 12_000_000}
    assert case.review().ok


def test_idle_floor_of_a_w_station() -> None:
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=W_ONLY)
    site = one_circuit(outlet("A", lines=L123), limit_a=26.0, stations=[station], idle_floor_a=6.0)
    case = Case(site, (), hours(1), {}, floors={"A": (456, 456)})  # 6 x 690 W are 414; the minimum needs 253 V
    assert case.review().ok
    assert booked(case) == {"L1": 456 * 48_310, "L2": 456 * 24_155, "L3": 456 * 16_104}


def _panels(**more: Any) -> Site:
    """Main 40 A; panel P with station S (20 A cap, connectors A, B); panel Q with C."""
    return Site(
        id="s",
        circuits=[
            Circuit(id="P", parent="main", limit_a=32.0),
            Circuit(id="Q", parent="main", limit_a=(16.0, 25.0, 25.0)),
            Circuit(id="main", limit_a=40.0),
        ],
        stations=[
            Station(id="S", circuit="P", ocpp_version="1.6", max_current_a=20.0),
            Station(id="T", circuit="Q", ocpp_version="1.6"),
        ],
        connectors=[outlet("C", "T"), outlet("A", "S", evse_id=1), outlet("B", "S", evse_id=2)],
        edge_guard_s=0,
        **more,
    )


PANELS = [
    pytest.param([120, 80, 160], [], id="fits"),
    pytest.param([121, 80, 160], ["station 'S' L1, slot 0"], id="station-cap"),
    pytest.param([100, 80, 161], ["circuit 'Q' L1, slot 0"], id="panel-line"),
    pytest.param([120, 100, 200], ["circuit 'main' L1", "circuit 'Q' L1", "station 'S' L1"], id="all-three"),
]


@pytest.mark.parametrize(("steps", "over"), PANELS)
def test_tree_of_panels_and_a_capped_station(steps: list[int], over: list[str]) -> None:
    cars = tuple(session(name.lower(), name, 0, 1) for name in "ABC")
    report = Case(_panels(), cars, hours(1), {name: [value] for name, value in zip("abc", steps, strict=True)}).review()
    found = [str(violation) for violation in report.violations]
    assert len(found) == len(over)
    assert all(any(place in text for text in found) for place in over)


def test_row_use_names_rows_with_a_connector() -> None:
    cars = (session("a", "A", 0, 2), session("c", "C", 0, 2))
    report = Case(_panels(), cars, hours(2), {"a": [100, 120], "c": [80, 60]}).review()
    assert set(report.row_use) == {
        RowUse("circuit", "main", "L1", 0, 18_000_000, 40_000_000),
        RowUse("circuit", "P", "L1", 1, 12_000_000, 32_000_000),
        RowUse("circuit", "Q", "L1", 0, 8_000_000, 16_000_000),
        RowUse("station", "S", "L1", 1, 12_000_000, 20_000_000),
    }
    assert sorted(use.share for use in report.row_use) == [0.375, 0.45, 0.5, 0.6]


def test_share_of_a_row_without_headroom() -> None:
    assert RowUse("circuit", "main", "L1", 0, 1, 0).share == float("inf")
    assert RowUse("circuit", "main", "L1", 0, 0, 0).share == 0.0


def test_two_cars_in_turn_on_one_connector() -> None:
    cars = (session("b", "A", 0, 2), session("a", "A", 2, 4), session("c", "B", 0, 4))
    site = one_circuit(outlet("A"), outlet("B"), limit_a=20.0)
    case = Case(site, cars, hours(4), {"a": [0, 0, 0, 120], "b": [80, 80, 0, 0], "c": [120, 80, 80, 81]})
    assert [str(violation) for violation in case.review().violations] == [
        "row: circuit 'main' L1, slot 3 (2026-01-15T03:00Z): 20.1 A; allowed: at most 20 A",
        "edge: circuit 'main' L1, slot 3 (2026-01-15T03:00Z): 20.1 A; allowed: at most 20 A",
    ]


# Grid of four hours; the lowest value that touches a slot counts, outside the series the fuse of 25 A.
SERIES = [
    pytest.param(1.0, 3600, (10.0, 30.0), [25, 10, 25, 25], id="part-of-the-grid"),
    pytest.param(0.5, 3600, (10.0,), [10, 10, 25, 25], id="across-an-edge"),
    pytest.param(-1.0, 7200, (12.0, 10.0), [12, 10, 10, 25], id="coarser-and-before"),
    pytest.param(2.0, 1200, (20.0, 19.0, 18.0, 17.0), [25, 25, 18, 17], id="finer-and-ending-within"),
    pytest.param(3.0, 3600, ((10.0, 5.0, 5.0), 9.0), [25, 25, 25, 10], id="per-line-and-beyond"),
    pytest.param(9.0, 3600, (1.0,), [25, 25, 25, 25], id="after-the-grid"),
    pytest.param(-9.0, 3600, (1.0,), [25, 25, 25, 25], id="before-the-grid"),
    pytest.param(1.0, 3600, (10.0000009,), [25, 10, 25, 25], id="below-a-microampere"),
]


@pytest.mark.parametrize(("start", "step_s", "values", "allowed"), SERIES)
def test_limit_series(start: float, step_s: int, values: Any, allowed: list[int]) -> None:
    series = LimitSeries(circuit="main", start=START + start * HOUR, step_s=step_s, limit_a=values)
    site = one_circuit(outlet("A"), edge_guard_s=0)
    case = Case(site, (session("a", "A", 0, 4),), hours(4), {"a": [320] * 4}, limits=(series,))
    for floors in ({"A": (0, 60)}, {"A": (0, 0)}):
        case = Case(site, case.sessions, case.grid, case.steps, limits=case.limits, floors=floors)
        rows = [violation for violation in case.review().violations if violation.kind == "row"]
        assert [violation.allowed for violation in rows] == [limit * 1_000_000 for limit in allowed]


def test_the_lowest_of_several_series_counts() -> None:
    series = [
        LimitSeries(circuit="main", start=START, step_s=3600, limit_a=values)
        for values in ((9.0, 7.0), (8.0, 8.0, 8.0))
    ]
    site = one_circuit(outlet("A"), edge_guard_s=0)
    case = Case(site, (session("a", "A", 0, 4),), hours(4), {"a": [320] * 4}, limits=tuple(series))
    assert [v.allowed for v in case.review().violations if v.kind == "row"] == [
        8_000_000,
        7_000_000,
        8_000_000,
        25_000_000,
    ]


def _loaded(*forecasts: Forecast, limit_a: float = 25.0, steps: int = 320, lines: Any = L123) -> Case:
    site = one_circuit(outlet("A"), limit_a=limit_a, edge_guard_s=0, loads=[Load(id="x", circuit="main", lines=lines)])
    car = session("a", "A", 0, 2)
    return Case(site, (car,), hours(2), {"a": [steps] * 2}, forecasts=forecasts, floors={"A": (0, 0)})


BASE = [
    pytest.param({"step_s": 3600, "expected_a": (5.0, 6.0)}, [20_000_000, 19_000_000], id="expected"),
    pytest.param({"step_s": 3600, "expected_a": (5.0, 6.0), "high_a": (7.0, 8.0)}, [18_000_000, 17_000_000], id="high"),
    pytest.param({"step_s": 1800, "expected_a": (5.0, 9.0, 7.0, 6.0)}, [16_000_000, 18_000_000], id="finer"),
    pytest.param({"step_s": 7200, "expected_a": (5.0,)}, [20_000_000, 20_000_000], id="coarser"),
    pytest.param({"step_s": 3600, "expected_a": ((1.0, 2.0, 3.0), 6.0)}, [24_000_000, 19_000_000], id="per-line"),
    pytest.param({"step_s": 3600, "expected_a": (0.0000001, 5.0)}, [24_999_999, 20_000_000], id="below-a-microampere"),
]


@pytest.mark.parametrize(("fields", "allowed"), BASE)
def test_base_load_takes_headroom(fields: dict[str, Any], allowed: list[int]) -> None:
    report = _loaded(Forecast(id="x", start=START, **fields)).review()
    assert [violation.allowed for violation in report.violations if violation.kind == "row"] == allowed


def test_headroom_is_rounded_once() -> None:
    """25.0000005 A less 5.0000005 A are 20 A, not 19.999999 A."""
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(5.0000005, 5.0))
    report = _loaded(base, limit_a=25.0000005, steps=200).review()
    assert [violation.kind for violation in report.violations] == ["end_floor"]  # 6 A would have fitted
    assert report.row_use[0].headroom_units == 20_000_000


def test_load_counts_on_its_own_lines_only() -> None:
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(5.0, 6.0))
    report = _loaded(base, steps=250, lines=("L2",)).review()
    assert [violation.kind for violation in report.violations] == ["end_floor"]


def test_base_load_counts_on_every_circuit_above() -> None:
    site = _panels(loads=[Load(id="p", circuit="P"), Load(id="m", circuit="main")])
    base = [Forecast(id=name, start=START, step_s=3600, expected_a=(amps,)) for name, amps in (("p", 10.0), ("m", 5.0))]
    case = Case(site, (), hours(1), {}, forecasts=tuple(base))
    assert {use.subject: use.headroom_units for use in case.review().row_use} == {
        "main": 25_000_000,
        "P": 22_000_000,
        "Q": 16_000_000,
        "S": 20_000_000,
    }


def test_alarm_merges_slots_and_shows_the_worst() -> None:
    site = one_circuit(
        outlet("A"),
        outlet("B", lines=("L2",)),
        limit_a=25.0,
        idle_floor_a=6.0,
        loads=[Load(id="x", circuit="main", lines=("L1",))],
    )
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(0.0,) * 5, high_a=(19.0, 19.1, 30.0, 19.0, 19.1))
    cars = (session("a", "A", 0, 5), session("b", "B", 0, 5))
    floors = {"A": (60, 60), "B": (60, 60)}
    case = Case(site, cars, hours(5), {"b": [250] * 5}, forecasts=(base,), floors=floors)
    report = case.review()
    assert report.ok
    assert [str(alarm) for alarm in report.alarms] == [
        (
            "alarm: circuit 'main' L1, 2026-01-15T01:00Z to 2026-01-15T03:00Z: "
            "30 A of base load and 6 A of idle floors exceed the limit of 25 A"
        ),
        (
            "alarm: circuit 'main' L1, 2026-01-15T04:00Z to 2026-01-15T05:00Z: "
            "19.1 A of base load and 6 A of idle floors exceed the limit of 25 A"
        ),
    ]
    assert [(alarm.first_slot, alarm.end_slot) for alarm in report.alarms] == [(1, 3), (4, 5)]


def test_draw_below_the_idle_floor_is_no_less_a_draw_in_an_alarm() -> None:
    site = one_circuit(outlet("A", min_current_a=5.0), limit_a=5.9, idle_floor_a=6.0)
    case = Case(site, (session("a", "A", 0, 1),), hours(1), {"a": [55]}, floors={"A": (60, 60)})
    assert [violation.kind for violation in case.review().violations] == ["alarm_draw"]
    assert str(case.review().alarms[0]).endswith("0 A of base load and 6 A of idle floors exceed the limit of 5.9 A")


def test_alarm_without_floors_or_connectors() -> None:
    site = one_circuit(limit_a=0.0, loads=[Load(id="x", circuit="main", lines=("L3",))])
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(0.1,))
    report = Case(site, (), hours(1), {}, forecasts=(base,)).review()
    assert [str(alarm) for alarm in report.alarms] == [
        "alarm: circuit 'main' L3, 2026-01-15T00:00Z to 2026-01-15T01:00Z: 0.1 A of base load exceed the limit of 0 A"
    ]


# The end floor of A and B below panel P, and of C below panel Q.
END_FLOORS = [
    pytest.param({}, {}, {"A": (0, 60), "B": (0, 60), "C": (0, 60)}, id="all-fit"),
    pytest.param({"Q": (5.9,)}, {}, {"A": (0, 60), "B": (0, 60), "C": (0, 0)}, id="one-panel-too-small"),
    pytest.param({"main": (40.0, 17.9)}, {}, dict.fromkeys("ABC", (0, 0)), id="lowest-limit-of-the-grid"),
    pytest.param({"P": (32.0, 12.0)}, {"p": (0.0, 0.0)}, dict.fromkeys("ABC", (0, 60)), id="just-fits"),
    pytest.param(
        {"P": (32.0, 12.0)},
        {"p": (0.1, 0.0)},
        {"A": (0, 0), "B": (0, 0), "C": (0, 60)},
        id="highest-base-load-elsewhere",
    ),
]


@pytest.mark.parametrize(("limits", "base", "floors"), END_FLOORS)
def test_end_floor(limits: dict[str, Any], base: dict[str, Any], floors: dict[str, tuple[int, int]]) -> None:
    site = _panels(loads=[Load(id=name, circuit="P") for name in base])
    forecasts = [Forecast(id=name, start=START, step_s=3600, expected_a=values) for name, values in base.items()]
    series = [LimitSeries(circuit=name, start=START, step_s=3600, limit_a=values) for name, values in limits.items()]
    case = Case(site, (), hours(2), {}, limits=tuple(series), forecasts=tuple(forecasts), floors=floors)
    assert case.review().violations == ()
    assert case.review(end_floor_steps=1 + case.solution().end_floor_steps).violations


def test_end_floor_of_a_dead_connector_is_zero_and_the_idle_floor_is_its_least() -> None:
    site = one_circuit(outlet("A", max_current_a=0.0), outlet("B"), limit_a=11.0, idle_floor_a=10.0)
    assert Case(site, (), hours(1), {}, floors={"A": (0, 0), "B": (100, 100)}).review().ok


PRICES = [
    pytest.param(Tariff(energy=0.25), [250_000 * 600, 250_000 * 1200], id="flat"),
    pytest.param(Tariff(energy=-0.25), [-250_000 * 600, -250_000 * 1200], id="flat-negative"),
    pytest.param({"step_s": 600, "per_kwh": (0.1, 0.2, 0.3)}, [60_000_000, 300_000_000], id="fine"),
    pytest.param({"step_s": 1000, "per_kwh": (0.1, 0.2)}, [60_000_000, 40_000_000 + 160_000_000], id="across"),
    pytest.param({"step_s": 86_400, "per_kwh": (0.1, 0.2)}, [60_000_000, 120_000_000], id="coarse"),
]


@pytest.mark.parametrize(("tariff", "expected"), PRICES)
def test_price_seconds(tariff: Any, expected: list[int]) -> None:
    tariff = tariff if isinstance(tariff, Tariff) else Tariff(energy=PriceSeries(start=START, **tariff))
    grid = TimeGrid(start=START, edges_s=(0, 600, 1800))
    found = price_seconds(tariff, grid, np.array(grid.edges_s))
    assert found == expected
    assert {type(value) for value in found} == {int}


def test_price_seconds_beyond_int64_are_exact() -> None:
    grid = TimeGrid.model_construct(start=START, edges_s=(0, 17_280_000))  # 200 days, more than a grid takes
    tariff = Tariff(energy=PriceSeries(start=START, step_s=8_640_000, per_kwh=(1e6, 999_999.999999)))
    assert price_seconds(tariff, grid, np.array(grid.edges_s)) == [8_640_000 * (2 * 10**12 - 1)]


REFUSED = [
    pytest.param(
        {"tariff": Tariff(energy=PriceSeries(start=START, step_s=3600, per_kwh=(0.1,)))},
        "tariff.energy: goes from 2026-01-15T00:00Z to 2026-01-15T01:00Z, the grid from",
        id="prices-too-short",
    ),
    pytest.param(
        {"tariff": Tariff(energy=PriceSeries(start=START + HOUR, step_s=3600, per_kwh=(0.1, 0.1)))},
        "tariff.energy: goes from 2026-01-15T01:00Z",
        id="prices-too-late",
    ),
    pytest.param(
        {"tariff": Tariff(energy=0.1234567)}, "tariff.energy: 0.1234567 has more than six decimals", id="decimals"
    ),
    pytest.param({"forecasts": ()}, "site.loads (x): has no forecast; the forecasts are for nothing", id="no-forecast"),
    pytest.param(
        {"forecasts": (Forecast(id="x", start=START, step_s=3600, expected_a=(1.0,)),)},
        "forecasts (x): goes from",
        id="forecast-too-short",
    ),
]


@pytest.mark.parametrize(("fields", "text"), REFUSED)
def test_what_does_not_cover_the_grid_is_refused(fields: dict[str, Any], text: str) -> None:
    given = _loaded(Forecast(id="x", start=START, step_s=3600, expected_a=(5.0, 6.0)))
    case = Case(**{name: getattr(given, name) for name in ("site", "sessions", "grid", "steps", "forecasts")} | fields)
    with pytest.raises(InputError) as caught:
        case.review()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "wh", [0.0, 0.1, 12.5, 5520.0, 1234.567, 1e8, 1 / 3, 5e-7, 99_999_999.99999999, 2 / 36_000, 1e-9]
)
def test_energy_in_units_is_the_written_decimal_rounded_up(wh: float) -> None:
    product = exact(wh) * 36_000
    assert energy_units_up([wh]) == [-(-product.numerator // product.denominator)]
