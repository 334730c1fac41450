"""The worked example passes; one planted fault of every kind is caught."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, get_args

import numpy as np
import pytest
from tests.check.cases import HOUR, START, Case, hours, one_circuit, outlet, session, worked
from tests.check.test_check_meter import METER_KINDS

from ocpp_schedule.check.report import MAX_LISTED_PER_KIND, Kind
from ocpp_schedule.model.availability import DailyHours, Derate, OpeningHours
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.series import Forecast, PriceSeries
from ocpp_schedule.model.session import Milestone, Session
from ocpp_schedule.model.site import Cabinet, Circuit, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.solution import Stage
from ocpp_schedule.timegrid import TimeGrid


def test_worked_example_passes() -> None:
    report = worked().review(
        energy_units=np.array([198_720_000, 132_480_000]), cost_units=45_540_000_000_000, honest=False
    )
    assert report.violations == ()
    assert report.ok
    assert report.alarms == ()
    assert report.cost_units == 45_540_000_000_000
    assert report.energy_units == {"a": 198_720_000, "b": 132_480_000}
    assert report.wanted_units == report.energy_units
    assert report.missing_units == {"a": 0, "b": 0}
    assert [(use.subject, use.line, use.slot, use.booked_units, use.headroom_units) for use in report.row_use] == [
        ("main", "L1", 1, 25_000_000, 25_000_000)
    ]


def test_numbers_are_python_integers() -> None:
    report = worked().review()
    numbers = [
        report.cost_units,
        *report.energy_units.values(),
        *report.wanted_units.values(),
        *report.must_units.values(),
    ]
    assert {type(number) for number in numbers} == {int}


def _alarm() -> Case:
    site = one_circuit(outlet("A"), loads=[Load(id="lift", circuit="main")])
    base = Forecast(id="lift", start=START, step_s=3600, expected_a=(0.0, 25.1))
    return Case(site, (session("a", "A", 0, 2),), hours(2), {"a": [0, 60]}, forecasts=(base,), floors={"A": (0, 0)})


def _changed(case: Case, **changes: Any) -> tuple[Case, dict[str, Any]]:
    return case, changes


def _steps(a: list[int], b: list[int]) -> tuple[Case, dict[str, Any]]:
    return replace(worked(), steps={"a": a, "b": b}), {}


# What is planted, and every violation that must be found for it, as printed.
def _sharing(*, direct: bool = False, **station: Any) -> Case:
    """Return two outlets of one station that are both on in the second hour, with or without a cabinet."""
    fields: dict[str, Any] = {"lines": ("L1", "L2", "L3")}
    if direct:
        fields |= {"current_type": "DC", "max_power_w": 5000.0, "efficiency": 0.9, "step_w": 100}
    outlets = [outlet(name, "CP", evse_id=k, **fields) for k, name in enumerate("AB", start=1)]
    units: Any = ("A", "W")
    stations = [
        Station(id="CP", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=units), **station)
    ]
    cabinets = [Cabinet(id="K", module_w=2000, modules=2, connectors=["A", "B"])] if direct else []
    floors = dict.fromkeys("AB", (0, 0))
    return Case(
        site=one_circuit(*outlets, limit_a=63, stations=stations, cabinets=cabinets, edge_guard_s=0),
        sessions=(session("a", "A", 0, 4), session("b", "B", 0, 4)),
        grid=hours(4),
        steps={"a": [0, 21 if direct else 60, 0, 0], "b": [0, 12 if direct else 60, 0, 0]},
        floors=floors,
    )


PLANTED = [
    pytest.param(
        "shape",
        _changed(worked(), session_ids=("b", "a")),
        ["shape: plan 'session_ids': 2 ids, first difference 'b'; allowed: exactly 2 ids, sorted, 'a' in that place"],
        id="shape-order",
    ),
    pytest.param(
        "shape",
        _changed(worked(), session_ids=("a",)),
        ["shape: plan 'session_ids': 1 ids; allowed: exactly 2 ids, sorted"],
        id="shape-missing-row",
    ),
    pytest.param(
        "shape",
        _changed(worked(), connector_ids=("A", "C")),
        ["shape: plan 'connector_ids': 2 ids, first difference 'C'; allowed: exactly 2 ids, sorted, 'B' in that place"],
        id="shape-connectors",
    ),
    pytest.param(
        "shape",
        _changed(worked(), setpoints=np.zeros((2, 3), dtype=np.int64)),
        ["shape: plan 'setpoints': int64 (2, 3); allowed: exactly int64 (2, 4)"],
        id="shape-slots",
    ),
    pytest.param(
        "shape",
        _changed(worked(), setpoints=np.zeros((2, 4))),
        ["shape: plan 'setpoints': float64 (2, 4); allowed: exactly int64 (2, 4)"],
        id="shape-floats",
    ),
    pytest.param(
        "shape",
        _changed(worked(), end_floor_steps=(60, 60)),
        ["shape: plan 'end_floor_steps': tuple; allowed: exactly int64 (2,)"],
        id="shape-tuple",
    ),
    pytest.param(
        "shape",
        _changed(worked(), cost_units=1.0),
        ["shape: plan 'cost_units': float; allowed: exactly int"],
        id="shape-cost",
    ),
    pytest.param(
        "window",
        _steps([0, 160, 80, 0], [60, 90, 0, 0]),
        ["window: session 'b', slot 0 (2026-01-15T00:00Z): 60 steps (its slots are 1 to 2); allowed: exactly 0 steps"],
        id="window",
    ),
    pytest.param(
        "window",
        (Case(one_circuit(outlet("A")), (session("a", "A", 0.1, 1.9),), hours(2), {"a": [60, 0]}), {}),
        ["window: session 'a', slot 0 (2026-01-15T00:00Z): 60 steps (it has no whole slot); allowed: exactly 0 steps"],
        id="window-no-slot",
    ),
    pytest.param(
        "maximum",
        _steps([0, 161, 0, 0], [0, 70, 70, 0]),
        ["maximum: session 'a', slot 1 (2026-01-15T01:00Z): 161 steps; allowed: at most 160 steps"],
        id="maximum",
    ),
    pytest.param(
        "minimum",
        _steps([0, 160, 59, 0], [0, 70, 70, 0]),
        ["minimum: session 'a', slot 2 (2026-01-15T02:00Z): 59 steps; allowed: 0 or at least 60 steps"],
        id="minimum",
    ),
    pytest.param(
        "minimum",
        _steps([0, 160, -1, 0], [0, 70, 70, 0]),
        ["minimum: session 'a', slot 2 (2026-01-15T02:00Z): -1 steps; allowed: 0 or at least 60 steps"],
        id="minimum-negative",
    ),
    pytest.param(
        "availability",
        (
            replace(
                worked(), availability=(Derate(station="CP-A", start=START, end=START + 2 * HOUR, max_current_a=10),)
            ),
            {},
        ),
        ["availability: session 'a', slot 1 (2026-01-15T01:00Z): 160 steps; allowed: at most 100 steps"],
        id="availability-derate",
    ),
    pytest.param(
        "availability",
        (
            replace(worked(), availability=(OpeningHours(hours=[DailyHours(opens="00:00", closes="02:59")]),)),
            {},
        ),
        [
            "availability: session 'a', slot 2 (2026-01-15T02:00Z): 80 steps; allowed: at most 0 steps",
            "availability: session 'b', slot 2 (2026-01-15T02:00Z): 70 steps; allowed: at most 0 steps",
        ],
        id="availability-closed-for-a-minute-of-the-slot",
    ),
    pytest.param(
        "price",
        (
            replace(
                worked(),
                sessions=(
                    session("b", "B", 1, 3, 3680.0, max_price_per_kwh=0.15),
                    session("a", "A", 0, 4, 5520.0, transaction_id="1041", max_price_per_kwh=0.20),
                ),
            ),
            {},
        ),
        ["price: session 'b', slot 2 (2026-01-15T02:00Z): 70 steps; allowed: at most 0 steps"],
        id="price",
    ),
    pytest.param(
        "pause",
        (
            replace(
                worked(),
                steps={"a": [60, 0, 60, 120], "b": [0, 160, 0, 0]},
                sessions=(worked().sessions[0], session("a", "A", 0, 4, 5520.0, max_pauses=0)),
            ),
            {},
        ),
        ["pause: session 'a', slot 2 (2026-01-15T02:00Z): 1 (pauses); allowed: at most 0"],
        id="pause",
    ),
    pytest.param(
        "pause",
        (
            replace(
                worked(),
                site=one_circuit(
                    outlet("A", max_current_a=16.0),
                    outlet("B", max_current_a=16.0),
                    idle_floor_a=6.0,
                    stations=[
                        Station(id="CP-A", circuit="main", ocpp_version="1.6", capabilities={"resume": "none"}),
                        Station(id="CP-B", circuit="main", ocpp_version="1.6"),
                    ],
                ),
                steps={"a": [60, 0, 60, 0], "b": [0, 160, 0, 0]},
                sessions=(worked().sessions[0], session("a", "A", 0, 4, 5520.0, max_pauses=3)),
            ),
            {},
        ),
        ["pause: session 'a', slot 2 (2026-01-15T02:00Z): 1 (pauses); allowed: at most 0"],
        id="pause-of-a-station-that-cannot-resume",
    ),
    pytest.param(
        "periods",
        (
            replace(
                worked(),
                site=one_circuit(
                    outlet("A", max_current_a=16.0),
                    outlet("B", max_current_a=16.0),
                    idle_floor_a=6.0,
                    stations=[
                        Station(id="CP-A", circuit="main", ocpp_version="1.6", capabilities={"max_periods": 4}),
                        Station(id="CP-B", circuit="main", ocpp_version="1.6"),
                    ],
                ),
            ),
            {},
        ),
        ["periods: connector 'A': 5 (periods of its session layer); allowed: at most 4"],
        id="periods",
    ),
    pytest.param(
        "on_time",
        (
            replace(
                worked(),
                steps={"a": [60, 0, 60, 60], "b": [0, 160, 0, 0]},
                sessions=(worked().sessions[0], session("a", "A", 0, 4, 5520.0, min_on_s=7200)),
            ),
            {},
        ),
        ["on_time: session 'a', slot 0 (2026-01-15T00:00Z): 3600 s; allowed: at least 7200 s"],
        id="on-time",
    ),
    pytest.param(
        "on_time",
        (
            replace(
                worked(),
                steps={"a": [0, 0, 0, 60], "b": [0, 160, 0, 0]},
                sessions=(worked().sessions[0], session("a", "A", 0, 4, 1380.1, min_on_s=7200)),
            ),
            {},
        ),
        ["on_time: session 'a', slot 3 (2026-01-15T03:00Z): 3600 s; allowed: at least 7200 s"],
        id="on-time-not-quite-full",
    ),
    pytest.param(  # 0, 6, 10 or 16 A are 0, 3, 5 or 8 steps of 2 A
        "pilot",
        (
            Case(
                one_circuit(outlet("A", allowed_currents_a=(0, 6, 10, 16))),
                (session("a", "A", 0, 4),),
                hours(4),
                {"a": [3, 4, 8, 9]},
                floors={"A": (0, 3)},
            ),
            {},
        ),
        [
            "maximum: session 'a', slot 3 (2026-01-15T03:00Z): 9 steps; allowed: at most 8 steps",
            "pilot: session 'a', slot 1 (2026-01-15T01:00Z): 4 steps; allowed: 0, 3, 5 or 8 steps of 2 A",
        ],
        id="pilot",
    ),
    pytest.param(  # 3680 Wh wanted, 6 A x 1 h x 230 V = 1380 Wh may be passed by less than that
        "energy",
        _steps([0, 0, 0, 0], [0, 160, 60, 0]),
        ["energy: session 'b': 182160000 x 0.1 J (5060 Wh); allowed: less than 182160000 x 0.1 J (5060 Wh)"],
        id="energy",
    ),
    pytest.param(
        "row",
        _steps([0, 160, 80, 0], [0, 91, 70, 0]),
        [
            "row: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 25.1 A; allowed: at most 25 A",
            "edge: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 25.1 A; allowed: at most 25 A",
            "edge: circuit 'main' L1, slot 2 (2026-01-15T02:00Z): 25.1 A; allowed: at most 25 A",
        ],
        id="row",
    ),
    pytest.param(
        "edge",
        _steps([0, 90, 150, 0], [0, 160, 0, 0]),
        ["edge: circuit 'main' L1, slot 2 (2026-01-15T02:00Z): 31 A; allowed: at most 25 A"],
        id="edge",
    ),
    pytest.param(
        "idle_floor",
        (replace(worked(), floors={"A": (60, 60), "B": (0, 60)}), {}),
        ["idle_floor: connector 'B': 0 steps; allowed: exactly 60 steps"],
        id="idle-floor",
    ),
    pytest.param(
        "end_floor",
        (replace(worked(), floors={"A": (60, 0), "B": (60, 60)}), {}),
        ["end_floor: connector 'A': 0 steps; allowed: exactly 60 steps"],
        id="end-floor",
    ),
    pytest.param(
        "end_floor",
        (replace(worked(), floors={"A": (60, 130), "B": (60, 130)}), {}),
        [
            "end_floor: connector 'A': 130 steps; allowed: exactly 60 steps",
            "end_floor: connector 'B': 130 steps; allowed: exactly 60 steps",
            "end_floor: circuit 'main' L1: 26 A (sum of the end floors); allowed: at most 25 A",
        ],
        id="end-floor-sum",
    ),
    pytest.param(
        "alarm_draw",
        (_alarm(), {}),
        [
            "row: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 6 A; allowed: at most 0 A",
            "edge: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 6 A; allowed: at most 0 A",
            (
                "alarm_draw: session 'a' L1, slot 1 (2026-01-15T01:00Z): 60 steps "
                "(below circuit 'main', which is in alarm); allowed: at most 0 steps"
            ),
        ],
        id="alarm-draw",
    ),
    pytest.param(
        "held",
        (replace(worked(), held={"a": 60}), {}),
        ["held: session 'a', slot 0 (2026-01-15T00:00Z): 0 steps; allowed: exactly 60 steps"],
        id="held",
    ),
    pytest.param(
        "exclusive",
        (_sharing(exclusive_groups=[("A", "B")]), {}),
        [
            (
                "exclusive: station 'CP', slot 1 (2026-01-15T01:00Z): 2 (outlets that are on, of 'A', 'B'); "
                "allowed: at most 1"
            ),
        ],
        id="exclusive",
    ),
    pytest.param(
        "unbalance",
        _changed(
            replace(
                worked(),
                site=one_circuit(
                    outlet("A", max_current_a=16.0),
                    outlet("B", max_current_a=16.0),
                    circuits=[Circuit(id="main", limit_a=25, unbalance_limit_a=24.95)],
                    idle_floor_a=6.0,
                ),
            )
        ),
        [
            (
                "unbalance: circuit 'main', slot 1 (2026-01-15T01:00Z): 25 A "
                f"(charging on L1 over {line}, as expected); allowed: at most 24.95 A"
            )
            for line in ("L2", "L3")
        ],
        id="unbalance",
    ),
    pytest.param(
        "cabinet",
        (_sharing(direct=True), {}),
        ["cabinet: cabinet 'K', slot 1 (2026-01-15T01:00Z): 3 (modules of 2000 W); allowed: at most 2"],
        id="cabinet",
    ),
]


@pytest.mark.parametrize(("kind", "planted", "found"), PLANTED)
def test_planted_fault_is_found(kind: str, planted: tuple[Case, dict[str, Any]], found: list[str]) -> None:
    case, changes = planted
    report = case.review(**changes, honest=kind != "shape")
    assert [str(violation) for violation in report.violations] == found
    assert not report.ok


COST = Stage("cost", 45_540_000_000_000, None, "heuristic")
CLAIMS = [
    pytest.param(
        {"energy_units": np.array([198_720_000, 132_480_001])},
        "claimed_energy: session 'b': 132480001 x 0.1 J (3680.000028 Wh); allowed: exactly 132480000 x 0.1 J (3680 Wh)",
        id="energy",
    ),
    pytest.param(
        {"cost_units": 45_539_999_999_999},
        "claimed_cost: plan 'cost_units': 45539999999999 money units (1.265); "
        "allowed: exactly 45540000000000 money units (1.265)",
        id="cost",
    ),
    pytest.param(
        {"stages": (Stage("must_have", 0, 0.0, "bounded"), Stage("wanted", 1, 0.0, "bounded"), COST)},
        "claimed_stage: plan 'wanted': 1 x 0.1 J (2.777777778e-05 Wh); allowed: exactly 0 x 0.1 J (0 Wh)",
        id="value of a stage",
    ),
    pytest.param(
        {"stages": (COST,)},
        "claimed_stage: plan 'stages': cost; allowed: exactly must_have, wanted, cost",
        id="stages left out",
    ),
]


@pytest.mark.parametrize(("lie", "found"), CLAIMS)
def test_wrong_claim_is_found(lie: dict[str, Any], found: str) -> None:
    truth = {"energy_units": np.array([198_720_000, 132_480_000]), "cost_units": 45_540_000_000_000}
    report = worked().review(honest=False, **(truth | lie))
    assert [str(violation) for violation in report.violations] == [found]


RUNS = [
    pytest.param(session("a", "A", 0, 4, 1380.0, min_on_s=7200), [0, 0, 0, 60], id="full"),
    pytest.param(session("a", "A", 0, 5, 9000.0, min_on_s=7200), [0, 0, 0, 60], id="goes-on-after-the-grid"),
    pytest.param(session("a", "A", 0, 4, 9000.0, min_on_s=7200, max_pauses=1), [60, 60, 0, 0], id="stops-for-good"),
    pytest.param(
        session("a", "A", 0, 4, 9000.0, min_on_s=3600, max_pauses=1), [60, 0, 60, 0], id="as-often-as-allowed"
    ),
]


@pytest.mark.parametrize(("car", "steps"), RUNS)
def test_allowed_runs_are_no_fault(car: Session, steps: list[int]) -> None:
    sessions = (worked().sessions[0], car)
    assert replace(worked(), sessions=sessions, steps={"a": steps, "b": [0, 160, 0, 0]}).review().ok


def test_every_kind_is_planted() -> None:
    planted = {param.values[0] for param in PLANTED} | {"claimed_energy", "claimed_cost", "claimed_stage"}
    planted |= set(METER_KINDS)
    assert planted == set(get_args(Kind))


def test_overshoot_below_one_slot_at_the_minimum_is_allowed() -> None:
    assert (
        replace(worked(), steps={"b": [0, 160, 0, 0]}, sessions=(session("b", "B", 1, 3, 2300.1), worked().sessions[1]))
        .review()
        .ok
    )


def test_overshoot_is_measured_by_the_slots_of_the_window() -> None:
    """6 A for 300 s are 115 Wh; the hour before belongs to nobody."""
    grid = TimeGrid(start=START, edges_s=(0, 3600, 3900))
    for wh, kinds in ((0.1, []), (0.0, ["energy"])):
        case = Case(one_circuit(outlet("A")), (session("a", "A", 1, 2, wh),), grid, {"a": [0, 60]})
        assert [violation.kind for violation in case.review().violations] == kinds


@pytest.mark.parametrize("sign", [1, -1])
def test_cost_over_equal_slots_is_rounded_down(sign: int) -> None:
    site = one_circuit(outlet("A"), outlet("B"), edge_guard_s=7)
    price = PriceSeries(start=START, step_s=1234, per_kwh=tuple(sign * p for p in (0.1, 0.2, 0.4, 0.3, 0.123457, 0.6)))
    cars = (session("a", "A", 0, 2), session("b", "B", 0, 2))
    steps = {"a": [160, 91], "b": [90, 157]}
    report = Case(site, cars, hours(2), steps, tariff=Tariff(energy=price), late=(("b", 1),)).review()
    first = 1234 * 100_000 + 1234 * 200_000 + 1132 * 400_000
    second = 102 * 400_000 + 1234 * 300_000 + 1234 * 123_457 + 1030 * 600_000
    money = sign * 230 * (250 * 3600 * first + (248 * 3600 - 67 * 7) * second)
    assert report.violations == ()
    assert money % 3600
    assert report.cost_units == money // 3600


def test_lists_are_cut_and_the_rest_is_counted() -> None:
    slots = MAX_LISTED_PER_KIND + 5
    case = Case(
        one_circuit(outlet("A"), limit_a=63.0), (session("a", "A", 0, slots, 1e8),), hours(slots), {"a": [321] * slots}
    )
    report = case.review()
    assert (len(report.violations), report.omitted) == (MAX_LISTED_PER_KIND, 5)
    case = replace(case, site=one_circuit(outlet("A"), limit_a=10.0, edge_guard_s=0), steps={"a": [320] * slots})
    report = case.review()
    assert (len(report.violations), report.omitted) == (MAX_LISTED_PER_KIND, 5)


def test_absurd_steps_do_not_overflow() -> None:
    case = replace(worked(), steps={"a": [0, 2**62, 0, 0], "b": [0, 2**63 - 1, -(2**63), 0]})
    report = case.review(honest=False)
    row = next(violation for violation in report.violations if violation.kind == "row")
    assert row.seen == (2**62 + 2**63 - 1) * 100_000
    assert report.energy_units == {"a": 2**62 * 230 * 3600, "b": -230 * 3600}
    floors = np.array([2**62, -(2**63)])
    kinds = [
        violation.kind for violation in worked().review(idle_floor_steps=floors, end_floor_steps=floors).violations
    ]
    assert kinds == ["idle_floor", "idle_floor", "end_floor", "end_floor"]


def test_empty_site_and_empty_sessions() -> None:
    bare = Site(id="bare", circuits=[Circuit(id="main", limit_a=25.0)])
    assert Case(bare, (), hours(2), {}).review() == Case(one_circuit(outlet("A")), (), hours(2), {}).review().__class__(
        ()
    )
    report = Case(one_circuit(outlet("A")), (), hours(1), {}).review()
    assert report.ok
    assert [(use.subject, use.booked_units) for use in report.row_use] == [("main", 0)]


# Convention 8: hours from the start of a two-hour grid; 10 A at 230 V is 82,800,000 units per hour.
NEEDS = [
    pytest.param(session("a", "A", 0, 2, 2300.0), 82_800_000, id="inside"),
    pytest.param(session("a", "A", 0, 2, 0.00001), 1, id="rounded-up"),
    pytest.param(session("a", "A", 1, 3, 8000.0), 288_000_000 - 264_960_000, id="rest-after-the-grid"),
    pytest.param(session("a", "A", 1, 3, 7000.0), 0, id="all-after-the-grid"),
    pytest.param(
        session("a", "A", 1, 2 + 1.5 / 3600, 100.0), 3_600_000 - 110_400, id="half-a-second-after"
    ),  # 32 A x 230 V x 1.5 s = 110,400 units
    pytest.param(session("a", "A", 1.5, 2.1, 2300.0), 82_800_000 - 26_496_000, id="no-whole-slot"),
    pytest.param(session("a", "A", 2, 3, 50_000.0), 0, id="after-the-grid"),
    pytest.param(session("a", "A", -3, 0, 50_000.0), 0, id="before-the-grid"),
    pytest.param(session("a", "A", -3, 1, 2300.0), 82_800_000, id="arrived-before"),
]


@pytest.mark.parametrize(("car", "wanted"), NEEDS)
def test_wanted_in_the_grid(car: Any, wanted: int) -> None:
    report = Case(one_circuit(outlet("A"), limit_a=32.0), (car,), hours(2), {}).review()
    assert report.ok
    assert report.wanted_units == report.missing_units == {"a": wanted}


def test_milestones() -> None:
    goals = (
        Milestone(by=START + 1.5 * HOUR, energy_wh=2300.0),
        Milestone(by=START + 2 * HOUR, energy_wh=4600.0, hard=False),
        Milestone(by=START + 3 * HOUR, energy_wh=9200.0),
    )
    car = session("a", "A", 0, 4, 9200.0, milestones=goals, phases=1)
    report = Case(one_circuit(outlet("A"), limit_a=32.0), (car,), hours(2), {"a": [80, 100]}).review()
    found = [(one.index, one.hard, one.needed_units, one.energy_units, one.missing_units) for one in report.milestones]
    assert found == [  # the third: 331,200,000 less 32 A for the hour after the grid
        (0, True, 82_800_000, 66_240_000, 16_560_000),
        (1, False, 165_600_000, 149_040_000, 16_560_000),
        (2, True, 66_240_000, 149_040_000, 0),
    ]
    assert report.must_units == {"a": 82_800_000}
    assert report.missing_must_units == {"a": 16_560_000}


def test_a_car_that_can_never_charge_gets_nothing_after_the_grid() -> None:
    dead = outlet("A", max_current_a=6.4, min_current_a=6.2, step_a=0.5)  # 13 steps at least, 12 at most
    report = Case(one_circuit(dead), (session("a", "A", 0, 3, 2300.0),), hours(2), {}, floors={"A": (0, 0)}).review()
    assert report.ok
    assert report.wanted_units == {"a": 82_800_000}


def test_cost_is_rounded_down_once_over_uneven_slots_and_guards() -> None:
    grid = TimeGrid(start=START, edges_s=(0, 700, 1001, 1700))
    site = one_circuit(outlet("A"), outlet("B"), limit_a=16.0, edge_guard_s=7)
    cars = (session("a", "A", 0, 1, phases=1), session("b", "B", 0, 1, phases=1))
    steps = {"a": [100, 60, 0], "b": [60, 100, 0]}
    tariff = Tariff(energy={"start": START, "step_s": 500, "per_kwh": (0.1, 0.2, -0.3, 0.4)})
    case = Case(site, cars, grid, steps, tariff=tariff, late=(("b", 1),))
    report = case.review()
    assert report.violations == ()
    # b: 60 x 700 + 100 x 301 - 40 x 7 steps x s, at 230 units per step and second
    assert report.energy_units == {"a": 230 * (70_000 + 18_060), "b": 230 * (42_000 + 30_100 - 280)}
    # price x s: 500 x 0.1 + 200 x 0.2 = 90; 300 x 0.2 + 1 x -0.3 = 59.7
    exact = 230 * (112_000 * 90_000_000 * 301 + 47_880 * 59_700_000 * 700)
    assert report.cost_units == exact // (700 * 301)
    assert exact % (700 * 301)


@pytest.mark.parametrize(("day", "quarters"), [("2026-03-29", 92), ("2026-10-25", 100)])
def test_daylight_saving_day(day: str, quarters: int) -> None:
    grid = TimeGrid.local_day(date.fromisoformat(day), "Europe/Amsterdam")
    car = session("a", "A", 0, 1, 1e6, phases=1)
    car = car.model_copy(update={"arrival": grid.start, "departure": grid.end})
    case = Case(one_circuit(outlet("A"), limit_a=32.0), (car,), grid, {"a": [100] * quarters})
    report = case.review()
    assert report.ok
    assert report.cost_units == 2300 * 250_000 * 900 * quarters * 10
    assert grid.end - grid.start == timedelta(minutes=15) * quarters


def test_stations_of_one_site_may_share_ids_with_circuits() -> None:
    site = Site(
        id="s",
        circuits=[Circuit(id="x", limit_a=25.0)],
        stations=[Station(id="x", circuit="x", ocpp_version="1.6", max_current_a=10.0)],
        connectors=[outlet("x", "x")],
    )
    report = Case(site, (session("x", "x", 0, 1),), hours(1), {"x": [101]}, floors={"x": (0, 60)}).review()
    assert [str(violation) for violation in report.violations] == [
        "row: station 'x' L1, slot 0 (2026-01-15T00:00Z): 10.1 A; allowed: at most 10 A"
    ]
