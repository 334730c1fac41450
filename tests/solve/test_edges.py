"""Guarded edges: hand cases, and an independent slow check of what the flags leave (convention 4)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, compiled, outlet, priced, refereed, scene, yard
from tests.solve.test_working import random_plan

from ocpp_schedule import Forecast, LimitSeries, Load, Scenario, TimeGrid
from ocpp_schedule.solve.edges import cost_units, guard_edges, slot_energy_units
from ocpp_schedule.solve.result import evaluate, to_solution
from ocpp_schedule.solve.stages import Bounds
from ocpp_schedule.testing.strategies import scenarios

A_STEP = 230 * 3600  # one step of 0.1 A for an hour at 230 V [0.1 J]
GUARD = 230 * 60  # the same for the guard


def limits(*amperes: float) -> dict[str, Any]:
    return {"limits": (LimitSeries(circuit="main", start=START, step_s=3600, limit_a=amperes),)}


def marks(flags: Any) -> list[tuple[int, int]]:
    return [(int(row), int(slot)) for row, slot in zip(*np.nonzero(flags), strict=True)]


SWAP_A, SWAP_B = [160, 90, 90, 90], [90, 160, 160, 160]
ALL_DAY = {"a": ("A", 0, 4), "b": ("B", 0, 4)}


@pytest.mark.parametrize(
    ("sessions", "site", "series", "steps", "late", "early"),
    [
        pytest.param(ALL_DAY, {}, {}, [[90] * 4, [160] * 4], [], [], id="nothing moves"),
        pytest.param(ALL_DAY, {}, {}, [SWAP_A, [90, 90, 90, 90]], [], [], id="one falls"),
        pytest.param(ALL_DAY, {}, {}, [SWAP_A, SWAP_B], [(1, 1)], [], id="swap: the one that rises waits"),
        pytest.param(ALL_DAY, {"edge_guard_s": 0}, {}, [SWAP_A, SWAP_B], [], [], id="swap without guard"),
        pytest.param(ALL_DAY, {"limit_a": 32.0}, {}, [SWAP_A, SWAP_B], [], [], id="swap with room for both"),
        pytest.param(
            ALL_DAY, {"limit_a": 31.9}, {}, [SWAP_A, SWAP_B], [(1, 1)], [], id="swap with almost room for both"
        ),
        pytest.param(
            ALL_DAY,
            {},
            limits(25, 20, 20, 20),
            [[160, 110, 110, 110], [90] * 4],
            [],
            [(0, 0)],
            id="limit drop: fall early",
        ),
        pytest.param(
            ALL_DAY,
            {},
            limits(25, 20, 20, 20),
            [[160, 60, 60, 60], [90, 140, 140, 140]],
            [],
            [(0, 0)],
            id="limit drop and swap: the early fall makes room for the rise",
        ),
        pytest.param(
            ALL_DAY,
            {},
            limits(20, 25, 25, 25),
            [[110, 160, 160, 160], [90] * 4],
            [(0, 1)],
            [],
            id="limit rise: rise late",
        ),
        pytest.param(
            ALL_DAY, {}, limits(25, 20, 20, 20), [[90] * 4, [110] * 4], [], [], id="limit drop with enough room before"
        ),
        pytest.param(
            {"a": ("A", 0, 2), "b": ("B", 2, 4)},
            {"idle_floor_a": 6},
            {},
            [[190, 190, 0, 0], [0, 0, 190, 190]],
            [(1, 2)],
            [],
            id="a session ends, another starts: the idle floors are the neighbours",
        ),
        pytest.param(
            {"a": ("A", 0, 2), "b": ("B", 2, 4)},
            {"idle_floor_a": 6},
            {},
            [[120, 120, 0, 0], [0, 0, 130, 130]],
            [],
            [],
            id="they fit beside each other",
        ),
        pytest.param(
            {"a": ("A", 0, 1), "b": ("A", 1, 4), "c": ("B", 0, 4)},
            {},
            {},
            [[160, 0, 0, 0], [0, 90, 90, 90], [90, 160, 160, 160]],
            [(2, 1)],
            [],
            id="the connector that falls changes hands",
        ),
        pytest.param(
            {"a": ("A", 0, 1), "b": ("A", 1, 4), "c": ("B", 0, 4)},
            {},
            limits(25, 20, 20, 20),
            [[160, 0, 0, 0], [0, 110, 110, 110], [90] * 4],
            [],
            [(0, 0)],
            id="the session before falls early",
        ),
    ],
)
def test_guards(
    sessions: dict[str, Any], site: dict[str, Any], series: Any, steps: list[list[int]], late: Any, early: Any
) -> None:
    cars = [car(name, where, first, last, 99_999, phases=1) for name, (where, first, last) in sessions.items()]
    problem = compiled(scene(yard(outlet("A"), outlet("B"), **site), cars, **series))
    found = guard_edges(problem, np.array(steps, dtype=np.int64))
    assert (marks(found[0]), marks(found[1])) == (late, early)


def test_guards_on_one_line_leave_the_others_alone() -> None:
    cars = [car(name, name.upper(), 0, 4, 99_999, phases=1) for name in "abc"]
    site = yard(outlet("A"), outlet("B"), outlet("C", lines=("L2",)))
    problem = compiled(scene(site, cars))
    late, early = guard_edges(problem, np.array([SWAP_A, SWAP_B, [0, 200, 200, 200]]))
    assert (marks(late), marks(early)) == ([(1, 1)], [])


def test_late_and_early_at_one_edge_on_different_lines() -> None:
    cars = [car(name, name.upper(), 0, 4, 99_999, phases=1) for name in "abc"]
    site = yard(outlet("A"), outlet("B"), outlet("C", lines=("L2",)))
    drop = LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(25.0, (25.0, 10.0, 25.0)))
    problem = compiled(scene(site, cars, limits=(drop,)))
    late, early = guard_edges(problem, np.array([SWAP_A, SWAP_B, [200, 100, 100, 100]]))
    assert (marks(late), marks(early)) == ([(1, 1)], [(2, 0)])


def alarmed(steps: list[list[int]], base: tuple[float, ...]) -> tuple[Any, Any]:
    site = yard(outlet("A"), outlet("B"), idle_floor_a=6, loads=[Load(id="hall", circuit="main", lines=("L1",))])
    cars = [car("a", "A", 0, 4, 99_999, phases=1), car("b", "B", 0, 4, 99_999, phases=1)]
    series = (Forecast(id="hall", start=START, step_s=3600, expected_a=base),)
    problem = compiled(scene(site, cars, forecasts=series))
    return guard_edges(problem, np.array(steps))


@pytest.mark.parametrize(
    ("base", "steps", "late", "early"),
    [
        pytest.param((0, 20, 0, 0), [[0] * 4, [0] * 4], [], [], id="idle floors alone are nobody's fault"),
        pytest.param((0, 20, 0, 0), [[100, 0, 0, 0], [0] * 4], [], [(0, 0)], id="falls early into the alarm"),
        pytest.param((0, 20, 0, 0), [[0, 0, 100, 100], [0] * 4], [(0, 2)], [], id="rises late after the alarm"),
        pytest.param((0, 20, 0, 0), [[60, 0, 60, 60], [0] * 4], [], [], id="the floor itself may stay"),
        pytest.param(
            (0, 20, 20, 0), [[100, 0, 0, 100], [120, 0, 0, 120]], [(0, 3), (1, 3)], [(0, 0), (1, 0)], id="both"
        ),
    ],
)
def test_guards_beside_an_alarm(base: Any, steps: Any, late: Any, early: Any) -> None:
    found = alarmed(steps, tuple(float(x) for x in base))
    assert (marks(found[0]), marks(found[1])) == (late, early)


@pytest.mark.parametrize(
    ("steps", "late", "early", "expected"),
    [
        pytest.param([100, 100, 0, 0], [], [], [100 * A_STEP, 100 * A_STEP, 0, 0], id="no guard"),
        pytest.param(
            [60, 100, 0, 0], [1], [], [60 * A_STEP, 100 * A_STEP - 40 * GUARD, 0, 0], id="late: the rise is lost"
        ),
        pytest.param(
            [100, 60, 0, 0], [], [0], [100 * A_STEP - 40 * GUARD, 60 * A_STEP, 0, 0], id="early: the fall is lost"
        ),
        pytest.param(
            [100, 0, 0, 0], [0], [0], [100 * A_STEP - 140 * GUARD, 0, 0, 0], id="from the idle floor, and to 0"
        ),
        pytest.param([0, 0, 0, 100], [], [3], [0, 0, 0, 100 * A_STEP - 40 * GUARD], id="to the idle floor at the end"),
    ],
)
def test_energy_with_guards(steps: list[int], late: list[int], early: list[int], expected: list[int]) -> None:
    problem = compiled(scene(yard(outlet("A"), idle_floor_a=6), [car("a", "A", 0, 4, 99_999, phases=1)]))
    flags = [np.isin(np.arange(4), slots)[None, :] for slots in (late, early)]
    assert slot_energy_units(problem, np.array([steps]), *flags).tolist() == [expected]


@pytest.mark.parametrize(
    ("grid", "tariff", "energy", "expected"),
    [
        pytest.param(None, priced(0.4, 0.1, 0.2, 0.5), [0, 25, 15, 0], 25 * 100_000 + 15 * 200_000, id="equal slots"),
        pytest.param(None, priced(0.4, -0.1, 0.2, 0.5), [0, 25, 15, 0], 500_000, id="a negative price"),
        pytest.param(
            TimeGrid(start=START, edges_s=(0, 7, 17)),
            priced(0.000_001, 0.000_002, step_s=10),
            [1, 1],
            Fraction(7, 7) + Fraction(3 * 1 + 7 * 2, 10),
            id="uneven slots: rounded down once, at the end",
        ),
        pytest.param(
            TimeGrid(start=START, edges_s=(0, 7, 17)),
            priced(-0.000_001, -0.000_002, step_s=10),
            [1, 1],
            Fraction(-27, 10),
            id="rounded towards minus infinity",
        ),
    ],
)
def test_cost(grid: TimeGrid | None, tariff: Any, energy: list[int], expected: Any) -> None:
    more = {"grid": grid} if grid else {}
    problem = compiled(scene(yard(outlet("A"), edge_guard_s=0), [car("a", "A", 0, 4, 1)], tariff, **more))
    assert cost_units(problem, np.array([energy])) == expected // 1


@settings(max_examples=60)
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_cost_is_the_exact_sum_rounded_down(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    step_seconds = np.random.default_rng(seed).integers(0, 10**5, (problem.sessions, problem.slots))
    drawn = step_seconds * problem.draw_dw[:, None]  # of DC outlets, more than goes into the car
    exact = sum(
        (
            Fraction(int(drawn[:, slot].sum()) * int(problem.price_seconds[slot]), int(problem.seconds[slot]))
            for slot in range(problem.slots)
        ),
        Fraction(0),
    )
    assert cost_units(problem, step_seconds * problem.power_dw[:, None]) == exact // 1


def counted_ua(problem: Any, steps: Any, late: Any, early: Any, connector: int, line: int, edge: int) -> int:
    """Return what a connector counts with on a line at an edge, from the definition."""

    def booked(slot: int) -> tuple[int, int | None]:
        owner = [
            s
            for s in range(problem.sessions)
            if problem.session_connector[s] == connector and problem.first_slot[s] <= slot < problem.end_slot[s]
        ]
        own = int(steps[owner[0], slot] * problem.load_units[owner[0], line]) if owner else 0
        return max(own, int(problem.floor_units[connector, line])), owner[0] if owner else None

    (old, before), (new, after) = booked(edge - 1), booked(edge)
    if new > old and after is not None and late[after, edge]:
        return old
    if old > new and before is not None and early[before, edge - 1]:
        return new
    return max(old, new)


def bad_edges(problem: Any, steps: Any, late: Any, early: Any) -> list[tuple[int, int, int]]:
    found = []
    for node in range(len(problem.node_names)):
        below = np.flatnonzero(problem.connector_nodes[node]).tolist()
        for line in range(problem.channels):
            floors = sum(int(problem.floor_units[connector, line]) for connector in below)
            for edge in range(1, problem.slots):
                limit = int(problem.headroom_units[node, line, edge - 1 : edge + 1].min())
                total = sum(counted_ua(problem, steps, late, early, connector, line, edge) for connector in below)
                if total > max(limit, floors):
                    found.append((node, line, edge))
    return found


@settings(max_examples=100)
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_after_the_flags_every_edge_holds_and_none_is_needless(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    steps = random_plan(problem, seed).setpoints
    late, early = guard_edges(problem, steps)
    if problem.edge_guard_s == 0:
        assert not late.any()
        assert not early.any()
        return
    assert bad_edges(problem, steps, late, early) == []
    without = {edge for _, _, edge in bad_edges(problem, steps, np.zeros_like(late), np.zeros_like(early))}
    assert {int(slot) for slot in np.nonzero(late)[1]} <= without
    assert {int(slot) + 1 for slot in np.nonzero(early)[1]} <= without


@settings(max_examples=60)
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_the_referee_finds_no_fault_with_rows_and_edges_of_a_plan_that_fits(scenario: Scenario, seed: int) -> None:
    problem = compiled(scenario)
    candidate = evaluate(problem, random_plan(problem, seed).setpoints)
    solution = to_solution(problem, candidate, None, method="drawn", mark="heuristic", termination="", stats={})
    faults = [v for v in refereed(scenario, solution).violations if v.kind != "energy"]  # drawn without a wish
    assert faults == []


def test_candidate_counts_what_is_missing_by_stage() -> None:
    goals = [{"by": START + HOUR, "energy_wh": 4600}]
    cars = [car("a", "A", 0, 4, 9200, phases=1, milestones=goals), car("b", "B", 0, 4, 2300, phases=1)]
    problem = compiled(scene(yard(outlet("A"), outlet("B")), cars))
    candidate = evaluate(problem, np.array([[160, 160, 0, 0], [90, 0, 0, 0]]))
    assert candidate.missing_units.tolist() == [40 * A_STEP, 80 * A_STEP, 10 * A_STEP]
    assert candidate.rank == (40 * A_STEP, 90 * A_STEP, 410 * A_STEP * 250_000)


@pytest.mark.parametrize(("above", "kept"), [(-2.5, -2.5), (0.03125, 0.0), (1.5, 1.5), (None, None)])
def test_a_bound_less_than_a_unit_above_a_whole_value_is_rounding(above: float | None, kept: float | None) -> None:
    problem = compiled(scene(yard(outlet("A")), [car("a", "A", 0, 4, 2300)]))
    plan = evaluate(problem, np.zeros((1, 4), dtype=np.int64))
    bounds = Bounds(tuple(None if above is None else value + above for value in plan.rank))
    solution = to_solution(problem, plan, bounds, method="drawn", mark="bounded", termination="", stats={})
    assert [stage.bound for stage in solution.stages] == [
        None if kept is None else stage.value + kept for stage in solution.stages
    ]
