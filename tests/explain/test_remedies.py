"""The smallest remedies: each removes the shortfall when planned again, and a slightly smaller one does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from tests.scenes import HOUR, START, car, hours, outlet, planned, priced, scene, worked_site, worked_tariff, yard
from tests.solve.test_oracle import tiny

from ocpp_schedule import Circuit, LimitSeries, Plan, Scenario, Station, schedule
from ocpp_schedule.explain import answers, remedies
from ocpp_schedule.explain.changes import later, lowered, raised
from ocpp_schedule.explain.remedies import remedies_text

if TYPE_CHECKING:
    from ocpp_schedule.explain.remedies import Remedy
    from ocpp_schedule.explain.shortfalls import Shortfall


def worked_shortfall() -> Plan:
    cars = [car("a", "A", 1, 3, 5520, phases=1, transaction_id=1041), car("b", "B", 1, 3, 7360, phases=1)]
    return schedule(worked_site(), cars, worked_tariff(), hours(4))


def test_the_shortfall_that_is_worked_by_hand_to_the_letter() -> None:
    plan = worked_shortfall()
    assert (
        "Short: a, b: 1,380 Wh short (a, b share 01:00-03:00; 12,880 Wh wanted, circuit main L1 gives at most 11,500). "
        "Smallest remedies: main 28 A (3 A more) · a or b stays until 04:00 · 1,380 Wh less."
    ) in plan.summary().splitlines()
    found = plan.remedies(plan.shortfalls[0])
    assert [(one.kind, one.subject, one.amount, one.unit, one.new) for one in found] == [
        ("amperes", "circuit main", 3.0, "A", 28.0),
        ("later", "a", 60.0, "min", START + 4 * HOUR),
        ("later", "b", 60.0, "min", START + 4 * HOUR),
        ("less", "a, b", 1380.0, "Wh", None),
    ]
    assert all(one.verified and one.smallest for one in found)
    assert {(one.start, one.end) for one in found} == {(START + HOUR, START + 3 * HOUR)}
    assert plan.remedies(plan.shortfalls[0]) is found  # computed once


def told(scenario: Scenario) -> list[str]:
    plan = planned(scenario)
    return [remedies_text(plan.remedies(one)) for one in plan.shortfalls]


SHARED = [car("a", "A", 0, 1, 5000, phases=1), car("b", "B", 0, 1, 5000, phases=1)]


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        pytest.param(
            scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 1, 4600, phases=1)]),
            "Smallest remedies: connector A 20 A (4 A more) · a stays until 02:00 · 920 Wh less.",
            id="the connector",
        ),
        pytest.param(
            scene(yard(outlet("A")), [car("a", "A", 0, 1, 4600, phases=1, max_current_a=16)]),
            "Smallest remedies: a stays until 02:00 · 920 Wh less.",
            id="the car itself takes no more",
        ),
        pytest.param(
            scene(
                yard(outlet("A", max_current_a=16)),
                [car("a", "A", 0, 1, 4600, phases=1), car("b", "A", 1.5, 3, 1, phases=1)],
            ),
            "Smallest remedies: connector A 20 A (4 A more) · 920 Wh less.",
            id="the next car comes at half past one",
        ),
        pytest.param(
            scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 5, 4600, phases=1, milestones=[
                {"by": START + HOUR, "energy_wh": 4600}])]),
            "Smallest remedies: connector A 20 A (4 A more) · a stays until 02:00 · 920 Wh less.",
            id="a milestone moves",
        ),
        pytest.param(
            scene(
                yard(
                    outlet("A", station="CP"),
                    outlet("B", station="CP", evse_id=2),
                    stations=[Station(id="CP", circuit="main", ocpp_version="2.1", max_current_a=20)],
                    limit_a=63,
                ),
                SHARED,
            ),
            "Smallest remedies: station CP 43.6 A (23.6 A more) · 5,400 Wh less.",
            id="the station; in steps of 0.1 A each",
        ),
        pytest.param(
            scene(
                yard(outlet("A"), outlet("B"), limit_a=(25.0, 30.0, 30.0)),
                SHARED,
                limits=[LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(20.0,))],
            ),
            "Smallest remedies: main 23.6 A more 00:00-01:00 · 5,400 Wh less.",
            id="a limit series goes up with the fuse",
        ),
        pytest.param(
            scene(
                yard(
                    outlet("A"),
                    outlet("B"),
                    circuits=[Circuit(id="main", limit_a=25), Circuit(id="p", parent="main", limit_a=25)],
                    stations=[Station(id=f"CP-{k}", circuit="p", ocpp_version="1.6") for k in "AB"],
                ),
                SHARED,
            ),
            "Smallest remedies: a or b stays until 02:00 · 4,250 Wh less.",
            id="two equal limits: neither alone is enough",
        ),
        pytest.param(
            scene(yard(outlet("A"), limit_a=5.0), [car("a", "A", 0, 4, 1000, phases=1)]),
            "Smallest remedies: main 6 A (1 A more) · 1,000 Wh less.",
            id="less room than the minimum current",
        ),
        pytest.param(
            scene(yard(outlet("A"), outlet("B"), circuits=[Circuit(id="main", limit_w=4600)]), SHARED),
            "Smallest remedies: main 10,100 W (5,500 W more) · 5,400 Wh less.",
            id="a limit on the power of all lines, in notches of 100 W",
        ),
    ],
)  # fmt: skip
def test_remedies(scenario: Scenario, expected: str) -> None:
    [text] = told(scenario)
    assert text == expected


def test_whole_steps_ask_for_more_than_the_linear_program() -> None:
    """Guarded edges: 25 A for two hours are short by the minute that ``b`` waits, so the fuse must be larger."""
    cars = [car("a", "A", 0, 1, 5750, phases=1), car("b", "B", 1, 2, 5750, phases=1)]
    plan = planned(scene(yard(outlet("A"), outlet("B")), cars))
    [shortfall] = plan.shortfalls
    found = plan.remedies(shortfall)
    assert [one.kind for one in found] == ["later", "less"]  # no limit is named by a proof
    assert found[1].amount == pytest.approx(shortfall.missing_wh)
    assert not found[1].smallest


def test_a_large_site_is_told_what_needs_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = worked_shortfall()
    monkeypatch.setattr(remedies, "MOST_ARCS", 3)
    assert [one.kind for one in plan.remedies(plan.shortfalls[0])] == ["less"]
    monkeypatch.setattr(answers, "SUMMARY_ARCS", 3)
    assert "Smallest" not in plan.summary()


def test_without_a_solver_only_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = worked_shortfall()

    def absent(_: Any) -> Any:
        raise ModuleNotFoundError("ortools")

    monkeypatch.setattr(plan, "_solve_again", absent)
    assert [one.kind for one in plan.remedies(plan.shortfalls[0])] == ["less"]


def applied(plan: Plan, remedy: Remedy, shortfall: Shortfall, *, less: bool) -> Scenario | None:
    """Return the scenario with the remedy, or with one that is a little smaller; None where there is none smaller."""
    scenario = plan.scenario
    if remedy.kind == "amperes":
        noun, _, name = remedy.subject.partition(" ")
        amount = round(remedy.amount * 10) - less
        lines = [int(limit[-1]) - 1 for limit in shortfall.limits if limit.startswith(remedy.subject)] or [0]
        return raised(scenario, noun, name, lines, amount)
    if remedy.kind == "later":
        assert isinstance(remedy.new, datetime)
        session = plan.session_ids.index(remedy.subject)
        at = remedies.Workshop(scenario, plan.problem, plan.report, plan._compile, plan._solve_again)
        _, milestone = at._demand(shortfall, session)
        slot = timedelta(seconds=int(plan.problem.seconds[0]))
        until = remedy.new - slot if less else remedy.new
        return later(scenario, remedy.subject, until, milestone) if until > at._by(session, milestone) else None
    short = {name: plan.report.missing_units[name] / 36_000 for name in shortfall.sessions}
    if less or any(session.milestones for session in scenario.sessions):
        return None
    return lowered(scenario, short)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(scenario=tiny())
def test_a_remedy_is_enough_and_a_smaller_one_is_not(scenario: Scenario) -> None:
    plan = planned(scenario)
    assume(plan.shortfalls)
    for shortfall in plan.shortfalls:
        for remedy in plan.remedies(shortfall):
            assert remedy.verified
            cured = applied(plan, remedy, shortfall, less=False)
            if cured is not None:
                assert missed(cured, shortfall) == 0, remedy
            nearly = applied(plan, remedy, shortfall, less=True)
            if nearly is not None and remedy.smallest:
                assert missed(nearly, shortfall) > 0, remedy


def missed(scenario: Scenario, shortfall: Shortfall) -> int:
    report = planned(scenario).report
    names = set(shortfall.sessions)
    return sum(report.missing_units[name] for name in names) + sum(
        goal.missing_units for goal in report.milestones if goal.session in names
    )


def test_a_change_leaves_the_rest_as_it_was() -> None:
    plan = worked_shortfall()
    higher = raised(plan.scenario, "circuit", "main", [0], 30)
    assert higher.site.circuits[0].limit_a == 28.0
    assert plan.scenario.site.circuits[0].limit_a == 25.0
    per_line = scene(yard(outlet("A"), limit_a=(10.0, 20.0, 30.0)), [], priced(1, 2, 3, 4))
    assert raised(per_line, "circuit", "main", [1], 5).site.circuits[0].limit_a == (10.0, 20.5, 30.0)
