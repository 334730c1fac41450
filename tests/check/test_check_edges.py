"""Edges: swaps that need a late raise, drops of a limit that need an early lowering, flags that do not belong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.check.cases import HOUR, START, Case, hours, one_circuit, outlet, session

from ocpp_schedule.check import bookings
from ocpp_schedule.model.series import Forecast, LimitSeries
from ocpp_schedule.model.site import Load
from ocpp_schedule.timegrid import TimeGrid


def found(case: Case) -> list[str]:
    return [str(violation) for violation in case.review().violations]


def swap(**more: Any) -> Case:
    """At 01:00 A goes from 16 A to 9 A, B from 9 A to 16 A, below 25 A."""
    site = one_circuit(outlet("A"), outlet("B"))
    cars = (session("a", "A", 0, 2), session("b", "B", 0, 2))
    return replace(Case(site, cars, hours(2), {"a": [160, 90], "b": [90, 160]}), **more)


def drop(**more: Any) -> Case:
    """At 01:00 the limit goes from 25 A to 10 A, and A from 20 A to 8 A."""
    limit = LimitSeries(circuit="main", start=START + HOUR, step_s=3600, limit_a=(10.0,))
    case = Case(one_circuit(outlet("A")), (session("a", "A", 0, 2),), hours(2), {"a": [200, 80]}, limits=(limit,))
    return replace(case, **more)


def turn(second: float = 1, **more: Any) -> Case:
    """On A one car follows another at 01:00: 10 A, then 16 A, while C goes from 15 A to 9 A."""
    site = one_circuit(outlet("A"), outlet("C"), idle_floor_a=6.0)
    cars = (session("a", "A", 0, 1), session("b", "A", second, 2), session("c", "C", 0, 2))
    floors = dict.fromkeys("AC", (60, 60))
    return replace(Case(site, cars, hours(2), {"a": [100, 0], "b": [0, 160], "c": [150, 90]}, floors=floors), **more)


GUARDED = [
    pytest.param(swap(), [32, 25], id="swap-without"),
    pytest.param(swap(late=(("b", 1),)), None, id="swap-late-raise"),
    pytest.param(swap(early=(("a", 0),)), None, id="swap-early-lowering"),
    pytest.param(swap(site=one_circuit(outlet("A"), outlet("B"), edge_guard_s=0)), None, id="swap-guard-off"),
    pytest.param(drop(), [20, 10], id="drop-without"),
    pytest.param(drop(early=(("a", 0),)), None, id="drop-early-lowering"),
    pytest.param(turn(), [31, 25], id="turn-without"),
    pytest.param(turn(late=(("b", 1),)), None, id="turn-late-raise"),
    pytest.param(turn(late=(("b", 1),), early=(("a", 0),)), None, id="turn-both"),
]


@pytest.mark.parametrize(("case", "over"), GUARDED)
def test_edge(case: Case, over: list[int] | None) -> None:
    expected = []
    if over:
        seen, allowed = over
        expected = [f"edge: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): {seen} A; allowed: at most {allowed} A"]
    assert found(case) == expected


LOSSES = [  # steps x s lost of a's 160 x 3600 + 90 x 3600 and b's 90 x 3600 + 160 x 3600
    pytest.param(swap(late=(("b", 1),)), {"a": 0, "b": 70 * 60}, id="late-raise"),
    pytest.param(swap(early=(("a", 0),)), {"a": 70 * 60, "b": 0}, id="early-lowering"),
    pytest.param(
        swap(site=one_circuit(outlet("A"), outlet("B"), edge_guard_s=90), late=(("b", 1),)),
        {"a": 0, "b": 70 * 90},
        id="longer-guard",
    ),
]


@pytest.mark.parametrize(("case", "lost"), LOSSES)
def test_guard_seconds_are_lost(case: Case, lost: dict[str, int]) -> None:
    report = case.review()
    assert report.energy_units == {name: 230 * (250 * 3600 - steps) for name, steps in lost.items()}
    assert report.cost_units == sum(report.energy_units.values()) * 250_000


def test_the_idle_floor_is_held_beside_the_window() -> None:
    report = turn(late=(("b", 1),), early=(("a", 0),)).review()
    assert report.energy_units["a"] == 230 * (100 * 3600 - 40 * 60)
    assert report.energy_units["b"] == 230 * (160 * 3600 - 100 * 60)


def test_late_raise_does_not_help_where_the_old_values_are_too_much() -> None:
    """The limit drops and A lowers: B's late raise leaves A's old 16 A above the new 10 A."""
    site = one_circuit(outlet("A"), outlet("B"))
    case = drop(
        site=site, sessions=(session("a", "A", 0, 2), session("b", "B", 0, 2)), steps={"a": [160, 0], "b": [0, 100]}
    )
    case = replace(case, floors=dict.fromkeys("AB", (0, 0)))
    assert found(replace(case, late=(("b", 1),))) == [
        "edge: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 16 A; allowed: at most 10 A"
    ]
    assert found(replace(case, late=(("b", 1),), early=(("a", 0),))) == []


def test_edge_beside_an_alarm_is_judged_against_the_floors() -> None:
    site = one_circuit(outlet("A"), idle_floor_a=6.0, loads=[Load(id="x", circuit="main")])
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(0.0, 30.0))
    case = Case(site, (session("a", "A", 0, 2),), hours(2), {"a": [60, 0]}, forecasts=(base,), floors={"A": (60, 60)})
    assert case.review().alarms
    assert found(case) == []
    assert found(replace(case, steps={"a": [61, 0]})) == [
        "edge: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 6.1 A; allowed: at most 6 A"
    ]
    assert found(replace(case, steps={"a": [61, 0]}, early=(("a", 0),))) == []


NO_EDGE = "only at an edge between two slots of the grid, inside the session"
NO_FIT = "only with a guard above 0 s, in slots longer than twice the guard"
SHORT = TimeGrid(start=START, edges_s=(0, 3600, 3720))
FLAGS = [
    pytest.param(
        swap(late=(("b", 1), ("a", 1))),
        "'a', slot 1 (2026-01-15T01:00Z): late_raise set where there is "
        "no raise: 90 steps, 160 steps beside it; allowed: only at a raise",
        id="late-at-a-lowering",
    ),
    pytest.param(
        swap(late=(("b", 1),), early=(("b", 0),)),
        "'b', slot 0 (2026-01-15T00:00Z): early_lowering set where "
        "there is no lowering: 90 steps, 160 steps beside it; allowed: only at a lowering",
        id="early-at-a-raise",
    ),
    pytest.param(
        swap(late=(("b", 1), ("b", 0))),
        f"'b', slot 0 (2026-01-15T00:00Z): late_raise set; allowed: {NO_EDGE}",
        id="late-at-the-start",
    ),
    pytest.param(
        swap(late=(("b", 1),), early=(("b", 1),)),
        f"'b', slot 1 (2026-01-15T01:00Z): early_lowering set; allowed: {NO_EDGE}",
        id="early-at-the-end",
    ),
    pytest.param(
        turn(late=(("b", 1), ("a", 1))),
        f"'a', slot 1 (2026-01-15T01:00Z): late_raise set; allowed: {NO_EDGE}",
        id="outside-the-window",
    ),
    pytest.param(
        turn(late=(("b", 1),), steps={"a": [100, 0], "b": [0, 60], "c": [150, 90]}),
        "'b', slot 1 (2026-01-15T01:00Z): late_raise set where there is no raise: 60 steps, 60 steps beside it; "
        "allowed: only at a raise",
        id="late-at-the-floor",
    ),
    pytest.param(
        swap(site=one_circuit(outlet("A"), outlet("B"), edge_guard_s=0), late=(("b", 1),)),
        f"'b', slot 1 (2026-01-15T01:00Z): late_raise set in a slot of 3600 s with a guard of 0 s; allowed: {NO_FIT}",
        id="guard-off",
    ),
    pytest.param(
        swap(
            grid=SHORT, early=(("a", 0),), late=(("b", 1),), sessions=(session("a", "A", 0, 2), session("b", "B", 0, 2))
        ),
        f"'b', slot 1 (2026-01-15T01:00Z): late_raise set in a slot of 120 s with a guard of 60 s; allowed: {NO_FIT}",
        id="slot-too-short",
    ),
]


@pytest.mark.parametrize(("case", "text"), FLAGS)
def test_flag_that_does_not_belong(case: Case, text: str) -> None:
    assert found(case) == [f"edge: session {text}"]


@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_blocks_of_slots_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {"a": [160, 90, 160, 90, 200, 0], "b": [90, 160, 90, 160, 60, 250]}
    site = one_circuit(outlet("A"), outlet("B"), loads=[Load(id="x", circuit="main")], limit_a=30.0)
    base = Forecast(id="x", start=START, step_s=3600, expected_a=(5.0, 5.0, 4.0, 31.0, 32.0, 5.0))
    cars = (session("a", "A", 0, 6), session("b", "B", 0, 6))
    case = Case(
        site, cars, hours(6), steps, forecasts=(base,), late=(("b", 1),), early=(("a", 2),), floors={"A": (0, 0)}
    )
    whole = case.review()
    assert {violation.kind for violation in whole.violations} > {"row", "edge", "alarm_draw"}
    monkeypatch.setattr(bookings, "BLOCK_SLOTS", block)
    cut = case.review()
    assert sorted(map(str, cut.violations)) == sorted(map(str, whole.violations))
    assert (cut.alarms, cut.row_use, cut.cost_units) == (whole.alarms, whole.row_use, whole.cost_units)
