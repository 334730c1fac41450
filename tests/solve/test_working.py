"""Plans under construction: what rows carry stays in step, and filling keeps its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenes import car, compiled, outlet, scene, yard

from ocpp_schedule import Capabilities, Circuit, Scenario, Station
from ocpp_schedule.solve.filling import refill, top_up, trim
from ocpp_schedule.solve.pouring import demands_of, fill
from ocpp_schedule.solve.working import WorkingPlan, booked_units, row_sums
from ocpp_schedule.testing.strategies import scenarios

CASES = settings(max_examples=60, deadline=None)


def empty_plan(problem: Any) -> WorkingPlan:
    return WorkingPlan(problem, np.zeros((problem.sessions, problem.slots), dtype=np.int64))


def random_plan(problem: Any, seed: int) -> WorkingPlan:
    """Return a plan that fits: each session in turn gets 0 or a set-point between its minimum and the room."""
    plan, draw = empty_plan(problem), np.random.default_rng(seed)
    for session in draw.permutation(problem.sessions).tolist():
        room, low = plan.room(session), max(int(problem.min_steps[session]), 1)
        on = (room >= low) & (draw.random(room.size) < 0.7)
        drawn = np.where(on, draw.integers(low, np.maximum(room, low) + 1), 0)
        levels = problem.levels.get(session)
        plan.assign(session, drawn if levels is None else levels[np.searchsorted(levels, drawn, side="right") - 1])
    return plan


def recomputed(plan: WorkingPlan) -> list[list[int]]:
    """Return what each row carries, summed connector by connector in plain Python."""
    problem, rows = plan.problem, []
    for node in range(len(problem.node_names)):
        for line in range(problem.channels):
            carried = [0] * problem.slots
            for connector in np.flatnonzero(problem.connector_nodes[node]).tolist():
                mine = np.flatnonzero(problem.session_connector == connector).tolist()
                for slot in range(problem.slots):
                    steps = max(
                        (int(plan.setpoints[s, slot]) * int(problem.load_units[s, line]) for s in mine), default=0
                    )
                    carried[slot] += max(steps, int(problem.floor_units[connector, line]))
            rows.append(carried)
    return rows


@CASES
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_used_stays_equal_to_a_fresh_sum(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    plan, draw = empty_plan(problem), np.random.default_rng(seed)
    for _ in range(2 * problem.sessions):
        session = int(draw.integers(problem.sessions))
        window = plan.window(session)
        plan.assign(session, draw.integers(0, problem.cap_steps[session, window] + 1))
    assert plan.used_units.tolist() == recomputed(plan)
    fresh = WorkingPlan(problem, plan.setpoints)  # lowers what no family of limits lets through
    if np.array_equal(fresh.setpoints, plan.setpoints):
        assert plan.used_units.tolist() == fresh.used_units.tolist()


@CASES
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_room_is_exactly_what_fits(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    plan = random_plan(problem, seed)
    assert plan.fits()
    for session in range(problem.sessions):
        room, before = plan.room(session), plan.setpoints[session, plan.window(session)].copy()
        assert (room <= problem.cap_steps[session, plan.window(session)]).all()
        plan.assign(session, room)
        assert plan.fits()
        for slot in np.flatnonzero(room < problem.cap_steps[session, plan.window(session)]).tolist():
            more = room.copy()
            more[slot] += 1
            plan.assign(session, more)
            assert not plan.fits()
        plan.assign(session, before)
    assert plan.used_units.tolist() == recomputed(plan)


def test_sums_beyond_double_precision_are_exact() -> None:
    problem = compiled(scene(yard(outlet("A"), outlet("B")), []))
    currents = np.array([[[2**53 + 1]] * 3, [[2**53 + 3]] * 3], dtype=np.int64)
    assert row_sums(problem, currents)[0, 0, 0] == 2**54 + 4
    small = np.array([[[7]] * 3, [[8]] * 3], dtype=np.int64)
    assert row_sums(problem, small).tolist() == [[[15]] * 3]


def test_a_site_without_connectors_carries_nothing() -> None:
    problem = compiled(scene(yard(), []))
    booked = booked_units(problem, np.zeros((0, 4), dtype=np.int64))
    assert row_sums(problem, booked).tolist() == [[[0] * 4] * 3]


def test_two_sessions_of_one_connector_share_its_booking() -> None:
    site = yard(outlet("A"), idle_floor_a=6)
    problem = compiled(scene(site, [car("a", "A", 0, 1, 1000, phases=1), car("b", "A", 2, 3, 1000, phases=1)]))
    booked = booked_units(problem, np.array([[100, 0, 0, 0], [0, 0, 70, 0]]))
    assert booked[0, 0].tolist() == [10_000_000, 6_000_000, 7_000_000, 6_000_000]
    assert booked[0, 1].tolist() == [0] * 4


def test_room_below_the_idle_floor_is_at_least_the_floor() -> None:
    """Booked anyway: with 5 A of room beside another's floor, a set-point up to the floor changes nothing."""
    site = yard(outlet("A"), outlet("B"), limit_a=13.0, idle_floor_a=6)
    problem = compiled(scene(site, [car("a", "A", 0, 4, 9000, phases=1), car("b", "B", 0, 4, 9000, phases=1)]))
    plan = empty_plan(problem)
    assert plan.room(0).tolist() == [70] * 4
    plan.assign(0, np.array([70, 60, 0, 0]))
    assert plan.room(1).tolist() == [60, 70, 70, 70]
    plan.assign(1, np.array([60, 70, 70, 70]))
    assert plan.fits()
    plan.assign(1, np.array([61, 70, 70, 70]))
    assert not plan.fits()


# Filling one session.


@pytest.mark.parametrize(
    ("before", "room", "missing", "low", "after", "left"),
    [
        pytest.param([0, 0, 0], [10, 10, 10], 0, 0, [0, 0, 0], 0, id="nothing wanted"),
        pytest.param([0, 0, 0], [10, 10, 10], 12, 0, [10, 2, 0], 0, id="in order"),
        pytest.param([0, 0, 0], [10, 0, 10], 12, 0, [10, 0, 2], 0, id="a full slot is passed over"),
        pytest.param([4, 12, 0], [10, 10, 10], 7, 0, [10, 12, 1], 0, id="what is there stays, even above the room"),
        pytest.param([0, 0, 0], [10, 10, 10], 40, 0, [10, 10, 10], 10, id="more than there is room"),
        pytest.param([0, 0, 0], [10, 10, 10], 3, 6, [6, 0, 0], -3, id="the first opens at the minimum: too much stays"),
        pytest.param(
            [0, 0, 0], [10, 10, 10], 12, 6, [6, 6, 0], 0, id="the second opens at the minimum: the first gives"
        ),
        pytest.param([0, 0, 0], [10, 10, 10], 11, 6, [6, 6, 0], -1, id="both at the minimum: one step too much"),
        pytest.param([0, 0, 0], [6, 6, 10], 13, 6, [6, 6, 6], -5, id="nobody can give"),
        pytest.param([8, 0, 0], [8, 6, 0], 3, 6, [8, 6, 0], -3, id="slots that were on before do not give"),
    ],
)
def test_fill(before: list[int], room: list[int], missing: int, low: int, after: list[int], left: int) -> None:
    steps = np.array(before)
    rest = fill(steps, np.array(room), np.ones(3, dtype=np.int64), np.arange(3), missing, low)
    assert (steps.tolist(), rest) == (after, left)


@st.composite
def fillings(draw: st.DrawFn) -> tuple[Any, Any, Any, Any, int, int]:
    size = draw(st.integers(1, 6))
    low = draw(st.sampled_from([0, 0, 1, 6, 12]))
    on_off = st.one_of(st.just(0), st.integers(low, 30))
    room = np.array(draw(st.lists(on_off, min_size=size, max_size=size)))
    share = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    before = np.where(share, room, 0)
    energy = np.array(draw(st.lists(st.integers(1, 50), min_size=size, max_size=size)))
    order = np.array(draw(st.permutations(range(size))))[: draw(st.integers(0, size))]
    return before, room, energy, order.astype(np.int64), draw(st.integers(-10, 4000)), low


@given(fillings())
def test_fill_keeps_room_minimum_and_account(case: Any) -> None:
    before, room, energy, order, missing, low = case
    after = before.copy()
    left = fill(after, room, energy, order, missing, low)
    assert left == missing - int(((after - before) * energy).sum()), "what was added is what is no longer missing"
    assert (after <= room).all()
    assert ((after == 0) | (after >= low)).all()
    assert (after == before)[np.setdiff1d(np.arange(after.size), order)].all()
    if left > 0:
        assert (after[order] == room[order]).all(), "energy stays missing only where every slot is full"
    if left < 0 < missing:
        assert -left < max(low, 1) * energy[order].max()
    if missing <= 0:
        assert (after == before).all()


def energies(plan: WorkingPlan) -> Any:
    problem = plan.problem
    return plan.setpoints * problem.power_dw[:, None] * problem.seconds


def keeps_the_laws(plan: WorkingPlan) -> None:
    problem = plan.problem
    assert plan.fits()
    assert (plan.setpoints <= problem.cap_steps).all()
    assert ((plan.setpoints == 0) | (plan.setpoints >= problem.min_steps[:, None])).all()
    assert plan.used_units.tolist() == recomputed(plan)


@CASES
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_refill_serves_the_demands_within_the_room(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    plan, draw = random_plan(problem, seed), np.random.default_rng(seed)
    for session in range(problem.sessions):
        window, low = plan.window(session), int(problem.min_steps[session])
        room = plan.room(session)
        room[room < low] = 0
        refill(plan, session, draw.random(window.stop - window.start))
        keeps_the_laws(plan)
        given_units = energies(plan)[session, window]
        possible = room * problem.power_dw[session] * problem.seconds[window]
        for end, units in demands_of(plan.problem, session):
            stop = max(end, 0)
            assert given_units[:stop].sum() >= min(units, possible[:stop].sum())
        assert given_units.sum() <= problem.energy_most_units[session]


@CASES
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1), missing=st.integers(0, 10**9))
def test_top_up_only_adds(scenario: Scenario, seed: int, missing: int) -> None:
    problem = compiled(scenario)
    plan, draw = random_plan(problem, seed), np.random.default_rng(seed)
    for session in range(problem.sessions):
        window, low = plan.window(session), int(problem.min_steps[session])
        width = window.stop - window.start
        end = int(draw.integers(0, width + 1))
        before, had = plan.setpoints.copy(), energies(plan)
        room = plan.room(session)
        top_up(plan, session, draw.random(width), missing, end)
        keeps_the_laws(plan)
        assert (plan.setpoints >= before).all()
        assert (np.delete(plan.setpoints, session, axis=0) == np.delete(before, session, axis=0)).all()
        assert (plan.setpoints[session, window][end:] == before[session, window][end:]).all()
        added = int((energies(plan) - had).sum())
        slot_s = int(problem.seconds[window].max(initial=0))
        assert added < missing + max(low, 1) * int(problem.power_dw[session]) * slot_s or added == 0
        if added < missing:
            full = plan.setpoints[session, window][:end] >= np.where(room < max(low, 1), 0, room)[:end]
            assert full.all(), "less than was missing only where no slot has room"


@CASES
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1), surplus=st.integers(0, 10**9))
def test_trim_only_takes_away_and_never_too_much(scenario: Scenario, seed: int, surplus: int) -> None:
    problem = compiled(scenario)
    plan, draw = random_plan(problem, seed), np.random.default_rng(seed)
    for session in range(problem.sessions):
        window = plan.window(session)
        before, had = plan.setpoints.copy(), energies(plan)
        trim(plan, session, draw.random(window.stop - window.start), surplus)
        keeps_the_laws(plan)
        assert (plan.setpoints <= before).all()
        assert int((had - energies(plan)).sum()) <= surplus


@pytest.mark.parametrize(
    ("steps", "surplus", "after"),
    [
        pytest.param([100, 100, 0, 0], 30, [100, 70, 0, 0], id="the dearest gives"),
        pytest.param([100, 100, 0, 0], 100, [100, 0, 0, 0], id="or goes off where all of it is too much"),
        pytest.param([100, 100, 0, 0], 50, [90, 60, 0, 0], id="down to the minimum, then the next"),
        pytest.param([60, 60, 0, 0], 59, [60, 60, 0, 0], id="nobody can give"),
        pytest.param([100, 100, 0, 0], 0, [100, 100, 0, 0], id="nothing to take"),
    ],
)
def test_trim(steps: list[int], surplus: int, after: list[int]) -> None:
    problem = compiled(scene(yard(outlet("A")), [car("a", "A", 0, 4, 99_999, phases=1)]))
    plan = WorkingPlan(problem, np.array([steps]))
    trim(plan, 0, np.arange(4.0), surplus * 230 * 3600)
    assert plan.setpoints.tolist() == [after]


@pytest.mark.parametrize(
    ("steps", "missing", "end", "after"),
    [
        pytest.param([0, 80, 0, 0], 10, 4, [0, 90, 0, 0], id="slots that are on come first"),
        pytest.param([0, 80, 0, 0], 200, 4, [70, 210, 0, 0], id="up to the room, then a new slot"),
        pytest.param([0, 80, 0, 0], 135, 4, [60, 210, 0, 0], id="a new slot opens at the minimum"),
        pytest.param([0, 80, 0, 0], 10, 1, [60, 80, 0, 0], id="only before the end"),
        pytest.param([210, 210, 210, 210], 10, 4, [210, 210, 210, 210], id="no room left"),
    ],
)
def test_top_up(steps: list[int], missing: int, end: int, after: list[int]) -> None:
    problem = compiled(scene(yard(outlet("A"), limit_a=21.0), [car("a", "A", 0, 4, 99_999, phases=1)]))
    plan = WorkingPlan(problem, np.array([steps]))
    top_up(plan, 0, np.arange(4.0), missing * 230 * 3600, end)
    assert plan.setpoints.tolist() == [after]


def test_room_counts_every_row_above_with_the_current_of_the_line() -> None:
    """A station in W on a panel: 10 W steps are 16,104 uA on each of three lines."""
    watts = Capabilities(rate_units=("W",))
    station = Station(id="CP-A", circuit="panel", ocpp_version="2.1", capabilities=watts, max_current_a=20)
    circuits = [Circuit(id="main", limit_a=(63, 63, 10)), Circuit(id="panel", parent="main", limit_a=16)]
    site = yard(outlet("A", lines=("L1", "L2", "L3")), circuits=circuits, stations=[station])
    plan = empty_plan(compiled(scene(site, [car("a", "A", 0, 4, 9000, phases=3)])))
    assert plan.room(0).tolist() == [10_000_000 // 16_104] * 4
    site = yard(outlet("A", lines=("L1", "L2")), circuits=circuits, stations=[station])
    plan = empty_plan(compiled(scene(site, [car("a", "A", 0, 4, 9000, phases=2)])))
    assert plan.room(0).tolist() == [16_000_000 // 24_155] * 4
