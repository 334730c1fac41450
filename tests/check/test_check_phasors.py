"""The referee's magnitudes against every subset in 60 digits, and planted violations."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phasor_scenes import between, cos_sin, farthest, matrix, site_of, stay, to_neutral
from tests.scenes import compiled, planned, refereed, scene

from ocpp_schedule.check.phasors import COSINE_SCALE, Surd, bundle_of, cosine
from ocpp_schedule.solve.ladder import solve

ROOT3 = Decimal(3).sqrt()
TURNS = st.integers(-12, 12).map(lambda k: Fraction(30 * k))
ANGLES = st.one_of(TURNS, st.integers(-36_000, 36_000).map(lambda k: Fraction(k, 100)))
WEIGHTS = st.sampled_from([Fraction(1), Fraction(1, 4), Fraction(1, 2), Fraction(3, 10)])


def decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


@settings(deadline=None, max_examples=150)
@given(
    terms=st.lists(st.tuples(WEIGHTS, ANGLES, st.integers(0, 400)), min_size=1, max_size=6),
    off=st.integers(-2, 2),
)
def test_exceeds_equals_every_subset_in_60_digits(terms: list[tuple[Fraction, Fraction, int]], off: int) -> None:
    bundle = bundle_of([(k, Surd(weight), angle) for k, (weight, angle, _) in enumerate(terms)], len(terms))
    currents = np.array([[current] for _, _, current in terms], dtype=np.int64)
    best = farthest([(decimal(weight) * current, decimal(angle)) for weight, angle, current in terms])
    limit = max(round(best) + off, 0)
    # 60 digits leave no doubt unless the sum is the limit itself.
    expected = best > limit if abs(best - limit) > Decimal("1e-40") else False
    assert bundle.exceeds(currents, np.array([limit]))[0] == expected
    assert bundle.whole_up(currents[:, 0]) == ceil(best - Decimal("1e-15"))


@pytest.mark.parametrize(
    ("terms", "limit", "over"),
    [
        pytest.param([(30, 50), (-30, 30)], 70, False, id="3-5-7 triangle: exactly the limit"),
        pytest.param([(30, 50), (-30, 31)], 70, True, id="one more exceeds it"),
        pytest.param([(0, 40), (180, 70)], 70, False, id="opposing currents do not add"),
        pytest.param([(0, 40), (180, 70)], 69, True, id="nor do they cancel: one may stop"),
        pytest.param([(0, 30), (90, 40)], 50, False, id="right angle"),
        pytest.param([(0, 10), (120, 10), (240, 10)], 10, False, id="balanced: two of three at 120 degrees make one"),
        pytest.param([(0, 10), (60, 10), (120, 10)], 19, True, id="three within 120 degrees make two"),
        pytest.param([(0, 10), (60, 10), (120, 10)], 20, False, id="exactly two"),
        pytest.param([], -1, False, id="nothing on a row without headroom"),
        pytest.param([(0, 1)], -1, True, id="anything is too much without headroom"),
    ],
)
def test_by_hand(terms: list[tuple[int, int]], limit: int, over: bool) -> None:
    rows = [(k, Surd(Fraction(1)), Fraction(angle)) for k, (angle, _) in enumerate(terms)] or [
        (0, Surd(Fraction(1)), Fraction(0))
    ]
    bundle = bundle_of(rows, max(len(terms), 1))
    currents = np.array([[current] for _, current in terms] or [[0]], dtype=np.int64)
    assert bundle.exceeds(currents, np.array([limit]))[0] == over


def test_a_root_is_told_from_the_whole_number_beside_it() -> None:
    """1e9 at 0 degrees and 1e9 at 30 are 1e9 sqrt(2 + sqrt(3)): between two whole numbers that a double cannot tell."""
    bundle = bundle_of([(0, Surd(Fraction(1)), Fraction(0)), (1, Surd(Fraction(1)), Fraction(30))], 2)
    currents = np.array([[10**15], [10**15]], dtype=np.int64)
    below = int(Decimal(10**15) * (2 + ROOT3).sqrt() // 1)
    assert bundle.exceeds(currents, np.array([below]))[0]
    assert not bundle.exceeds(currents, np.array([below + 1]))[0]


@settings(deadline=None, max_examples=200)
@given(angle=st.integers(-72_000, 72_000).map(lambda k: Fraction(k, 100)))
def test_cosines_are_enclosed_from_above(angle: Fraction) -> None:
    found = cosine(angle)
    value = decimal(found.a) + decimal(found.b) * ROOT3
    true = cos_sin(decimal(angle))[0]
    assert Decimal("-1e-27") <= value - true <= Decimal(2) / COSINE_SCALE + Decimal("1e-27")


def two_cars_on_one_line(limit_a: float = 40.0):  # noqa: ANN201 - a scenario
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(limit_a, 100.0, 100.0))
    return scene(site, [stay("A", 1, 208 * 30.0), stay("B", 1, 208 * 30.0)])


def test_line_to_line_loads_meet_at_60_degrees() -> None:
    """208Y/120: 40 A on L1 carry 23.1 A from L1 to L2 and 23 from L3 to L1, 46.1 in all; adding up would leave 40."""
    scenario = two_cars_on_one_line()
    problem = compiled(scenario)
    solution = solve(problem)
    assert solution.energy_units.sum() / 3_600_0 == pytest.approx(208 * 46.1, abs=208 * 0.15)
    first = np.sort(solution.setpoints[:, 0] + 0)
    assert first @ first + first[0] * first[1] <= 400 * 400
    assert refereed(scenario, solution).ok
    assert 40 / sqrt(3) * 2 == pytest.approx(46.188, abs=1e-3)


@pytest.mark.parametrize("extra", [pytest.param(1, id="one step"), pytest.param(50, id="five ampere")])
def test_a_planted_overload_is_caught(extra: int) -> None:
    scenario = two_cars_on_one_line()
    solution = solve(compiled(scenario))
    setpoints = solution.setpoints.copy()
    setpoints[0, 0] += extra
    report = refereed(scenario, replace(solution, setpoints=setpoints))
    rows = [one for one in report.violations if one.kind == "row"]
    assert [(one.noun, one.subject, one.line, one.slot) for one in rows] == [("circuit", "main", "L1", 0)]
    assert rows[0].allowed == 40_000_000
    assert isinstance(rows[0].seen, int)
    assert rows[0].seen > 40_000_000


def test_a_planted_overload_of_a_subset_is_caught() -> None:
    """Two opposing currents of 30 A cancel to nothing; the constraint of 20 A must see each of them alone."""
    site = site_of(
        between("A", "12"),
        between("B", "23"),
        line_constraints=[matrix("bus", 20.0, ("A", 1.0, 30.0), ("B", -1.0, 30.0))],
    )
    scenario = scene(site, [stay("A", 1, 5000), stay("B", 1, 5000)])
    plan = planned(scenario)
    assert plan.setpoints.max() == 200
    setpoints = plan.setpoints.copy()
    setpoints[:, 0] = 300
    report = refereed(scenario, replace(plan.solution, setpoints=setpoints))
    bus = [one for one in report.violations if one.subject == "bus"]
    assert [(one.kind, one.noun, one.line, one.seen, one.allowed) for one in bus] == [
        ("row", "line_constraint", None, 30_000_000, 20_000_000)
    ]
    assert str(bus[0]).startswith("row: line_constraint 'bus', slot 0")


def test_a_planted_overload_at_an_edge_is_caught() -> None:
    """One car's rise is paid for by the other's fall; without a guard both stand at their higher value at once."""
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(32.0, 100.0, 100.0), edge_guard_s=60)
    scenario = scene(site, [stay("A", 2, 208 * 32.0), stay("B", 2, 208 * 32.0)])
    solution = solve(compiled(scenario))
    setpoints = np.zeros_like(solution.setpoints)
    setpoints[0, 0] = setpoints[1, 1] = 320
    off = np.zeros_like(solution.late_raise)
    report = refereed(scenario, replace(solution, setpoints=setpoints, late_raise=off, early_lowering=off))
    assert {(one.kind, one.line, one.slot) for one in report.violations if one.unit == "uA"} == {("edge", "L1", 1)}
    late = off.copy()
    late[1, 1] = True
    report = refereed(scenario, replace(solution, setpoints=setpoints, late_raise=late, early_lowering=off))
    assert not [one for one in report.violations if one.unit == "uA"]


def test_end_floors_of_conductors_are_judged() -> None:
    site = site_of(
        between("A", "12", min_current_a=6.0), between("B", "31", min_current_a=6.0), limit_a=(10.0, 100.0, 100.0)
    )
    scenario = scene(site, [stay("A", 1, 100)])
    plan = planned(scenario)
    assert plan.solution.end_floor_steps.tolist() == [0, 0]  # 6 and 6 at 60 degrees are 10.39
    wider = scene(
        site.model_copy(update={"circuits": site_of(limit_a=(10.4, 100.0, 100.0)).circuits}), [stay("A", 1, 100)]
    )
    assert planned(wider).solution.end_floor_steps.tolist() == [60, 60]
    report = refereed(scenario, replace(plan.solution, end_floor_steps=np.array([60, 60])))
    assert [one.subject for one in report.violations if one.unit == "uA"] == ["main"]


def test_idle_floors_on_every_connector_count() -> None:
    """6 A are reserved on the idle connector too: 40 A on L1 leave 36.7 A to the other at 60 degrees."""
    site = site_of(
        between("A", "12", min_current_a=6.0),
        between("B", "31", min_current_a=6.0, max_current_a=40.0),
        limit_a=(40.0, 100.0, 100.0),
        idle_floor_a=6.0,
    )
    scenario = scene(site, [stay("B", 1, 208 * 40.0)])
    plan = planned(scenario)
    assert plan.setpoints[0, 0] == 366  # 36.6^2 + 36.6 x 6 + 36 = 1595.2; 36.7 would give 1603.1
    setpoints = plan.setpoints.copy()
    setpoints[0, 0] += 1
    assert {one.kind for one in refereed(scenario, replace(plan.solution, setpoints=setpoints)).violations} >= {"row"}


def test_a_conductor_in_alarm() -> None:
    site = site_of(
        between("A", "12", min_current_a=6.0),
        between("B", "31", min_current_a=6.0),
        limit_a=(10.0, 100.0, 100.0),
        idle_floor_a=6.0,
    )
    scenario = scene(site, [stay("A", 1, 3000)])
    plan = planned(scenario)
    assert plan.status == "alarm"
    assert not plan.setpoints.any()
    [alarm] = plan.alarms
    assert str(alarm) == (
        "alarm: circuit 'main' L1, 2026-01-15T00:00Z to 2026-01-15T04:00Z: 0 A of base load and 10.392305 A of idle "
        "floors exceed the limit of 10 A"
    )
    setpoints = plan.setpoints.copy()
    setpoints[0, 0] = 60
    report = refereed(scenario, replace(plan.solution, setpoints=setpoints))
    assert "alarm_draw" in {one.kind for one in report.violations}


def test_neutral_and_line_to_line_loads_share_a_line() -> None:
    """20 A to neutral and 20 A to L2 meet at 30 degrees on L1: 38.6 A; on L2 there is only the second."""
    site = site_of(to_neutral("A", "L1"), between("B", "12"), limit_a=(38.7, 20.0, 1.0))
    scenario = scene(site, [stay("A", 1, 120 * 20.0), stay("B", 1, 208 * 20.0)])
    plan = planned(scenario)
    assert plan.setpoints[:, 0].tolist() == [200, 200]
    use = {one.line: one.booked_units for one in plan.verify().row_use}
    assert use == {"L1": 38_637_034, "L2": 20_000_000}
    tight = scene(site_of(to_neutral("A", "L1"), between("B", "12"), limit_a=(38.6, 20.0, 1.0)), scenario.sessions)
    assert planned(tight).setpoints[:, 0].sum() == 399


def test_it_supply_by_hand() -> None:
    """230 V between lines, no neutral: 16 A between L1 and L2 for an hour are 3,680 Wh."""
    site = site_of(between("A", "12"), between("B", "23"), supply="230IT", limit_a=25.0)
    plan = planned(scene(site, [stay("A", 1, 3680), stay("B", 1, 230 * 12.0)]))
    assert plan.energy_wh == {"car-A": 3680.0, "car-B": 2760.0}
    use = {one.line: one.booked_units for one in plan.verify().row_use}
    assert use == {"L1": 16_000_000, "L2": 24_331_051, "L3": 12_000_000}


def test_split_phase_currents_add_up() -> None:
    """240/120: the voltages to neutral oppose each other, so that 16 A between the lines and 10 A to L1 are 26 A."""
    site = site_of(to_neutral("A", "L1"), between("B", "12"), supply="240/120", limit_a=25.0)
    plan = planned(scene(site, [stay("A", 1, 120 * 10.0), stay("B", 1, 240 * 16.0)]))
    assert plan.setpoints[:, 0].sum() == 250
    assert plan.problem.phasors is None
