"""Periods of a profile: the referee counts what would be sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.check.cases import Case, hours, one_circuit, outlet, session
from tests.scenes import compiled, planned, refereed

from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.site import Site, Station
from ocpp_schedule.problem.message_size import most_periods
from ocpp_schedule.problem.pieces import periods_of
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario


def site(version: Any = "1.6", *, lines: Any = ("L1",), **known: Any) -> Site:
    stations = [Station(id="CP-A", circuit="main", ocpp_version=version, capabilities=Capabilities(**known))]
    return one_circuit(outlet("A", lines=lines), stations=stations)


CASE = Case(
    site=site(max_periods=3),
    sessions=(session("a", "A", 0, 4),),
    grid=hours(4),
    steps={"a": [60, 70, 80, 0]},
)


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param(CASE, ["periods: connector 'A': 5 (periods of its plan layer); allowed: at most 3"], id="plan"),
        pytest.param(replace(CASE, steps={"a": [60, 60, 0, 0]}), [], id="as many as it takes"),
        pytest.param(
            replace(CASE, sessions=(session("a", "A", 0, 4, transaction_id=7),)),
            ["periods: connector 'A': 5 (periods of its session layer); allowed: at most 3"],
            id="session",
        ),
        pytest.param(
            replace(CASE, site=site(max_periods=3, max_profiles=1)),
            ["periods: connector 'A': 5 (periods of its default layer); allowed: at most 3"],
            id="one profile",
        ),
        pytest.param(
            replace(CASE, site=site(max_periods=3, max_profiles=1, purposes=("tx_profile",))), [], id="nothing is sent"
        ),
        pytest.param(
            replace(
                CASE,
                site=site(lines=("L1", "L2", "L3"), max_periods=3),
                steps={"a": [0, 60, 60, 60]},
                sessions=(session("a", "A", 0, 4, phases=1),),
            ),
            [],
            id="a pause has no phases",
        ),
        pytest.param(
            replace(
                CASE,
                site=site(lines=("L1", "L2", "L3"), max_periods=1),
                steps={"a": [60, 60, 60, 60]},
                sessions=(session("a", "A", 0, 4, phases=1),),
            ),
            ["periods: connector 'A': 2 (periods of its plan layer); allowed: at most 1"],
            id="other phases, another period",
        ),
        pytest.param(
            replace(
                CASE,
                site=site(lines=("L1", "L2", "L3"), max_periods=1, number_phases="omit"),
                steps={"a": [60, 60, 60, 60]},
                sessions=(session("a", "A", 0, 4, phases=1),),
            ),
            [],
            id="phases are not written",
        ),
        pytest.param(
            replace(CASE, site=site(max_message_bytes=560)),
            ["periods: connector 'A': 595 (bytes of the message of its plan layer); allowed: at most 560"],
            id="bytes",
        ),
        pytest.param(
            replace(CASE, site=site("2.1", max_message_bytes=500)),
            ["periods: connector 'A': 583 (bytes of the message of its plan layer); allowed: at most 500"],
            id="bytes of 2.1",
        ),
        pytest.param(
            replace(
                CASE,
                sessions=(session("a", "A", 0, 2), session("b", "A", 2, 4)),
                steps={"a": [0, 80], "b": [0, 0, 70, 0]},
            ),
            ["periods: connector 'A': 5 (periods of its plan layer); allowed: at most 3"],
            id="two sessions",
        ),
    ],
)
def test_planted(case: Case, found: list[str]) -> None:
    steps = {name: row + [0] * (4 - len(row)) for name, row in case.steps.items()}
    report = replace(case, steps=steps).review()
    assert [str(one) for one in report.violations if one.kind == "periods"] == found


def test_a_guard_between_two_sessions_is_a_period() -> None:
    """Between them the idle floor holds for a minute: 8 A, 0 A, 7 A."""
    case = replace(
        CASE,
        site=site(max_periods=3),
        sessions=(session("a", "A", 0, 2), session("b", "A", 2, 4)),
        steps={"a": [80, 80, 0, 0], "b": [0, 0, 70, 70]},
    )
    assert not [one for one in case.review().violations if one.kind == "periods"]
    late = replace(case, late=(("b", 2),)).review()
    assert [str(one) for one in late.violations if one.kind == "periods"] == [
        "periods: connector 'A': 4 (periods of its plan layer); allowed: at most 3"
    ]


@pytest.mark.parametrize("more", [pytest.param(0.0, id="floor 0"), pytest.param(6.0, id="floor 6 A")])
@pytest.mark.parametrize("seed", range(3))
def test_compiler_referee_and_profiles_count_alike(seed: int, more: float) -> None:
    free = mixed_scenario(15, 96, seed, min_current_a=6.0)
    spare = tuple(circuit.model_copy(update={"limit_a": (300.0,) * 3}) for circuit in free.site.circuits)
    if more:
        free = free.model_copy(update={"site": free.site.model_copy(update={"idle_floor_a": more, "circuits": spare})})
    plan = planned(free)
    sent = {
        stack.connector: len(layer.profile.schedule.periods)
        for stack in plan.stacks()
        for layer in stack.layers
        if layer.name == "plan"
    }
    tight = _limited(free, max_periods=7)
    solution = plan.solution
    problem = compiled(tight)
    assert problem.pieces is not None
    counts = periods_of(problem, solution.setpoints, solution.late_raise, solution.early_lowering)
    named = [problem.connector_ids[problem.session_connector[own[0]]] for own in problem.pieces.sessions]
    assert dict(zip(named, counts.tolist(), strict=True)).items() <= sent.items()
    found = {one.subject: one.seen for one in refereed(tight, solution).violations if one.kind == "periods"}
    assert found == {name: count for name, count in sent.items() if count > 7}


def _limited(scenario: Scenario, **known: Any) -> Scenario:
    stations = tuple(one.model_copy(update={"capabilities": Capabilities(**known)}) for one in scenario.site.stations)
    return scenario.model_copy(update={"site": scenario.site.model_copy(update={"stations": stations})})


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("running", [False, True])
def test_a_message_is_never_longer_than_was_thought(version: Any, running: bool) -> None:
    free = _limited(mixed_scenario(1, 96, 4), max_message_bytes=10_000)
    station = free.site.stations[0].model_copy(update={"ocpp_version": version})
    name: Any = None if not running else (2**31 - 1 if version == "1.6" else "\u00e9" * 36)
    [one] = free.sessions
    one = one.model_copy(update={"transaction_id": name, "departure": free.grid.end, "arrival": free.grid.start})
    day = free.model_copy(update={"site": free.site.model_copy(update={"stations": (station,)}), "sessions": (one,)})
    plan = planned(day)
    [message] = to_ocpp([replace(s, layers=s.layers[1:]) for s in plan.stacks()])
    [stack] = plan.stacks()
    count = len(stack.layers[1].profile.schedule.periods)
    size = len(json.dumps(message["payload"], separators=(",", ":"))) + 80
    grid_s = day.grid.edges_s[-1] + 60
    limit = day.site.connectors[0].max_current_a
    assert most_periods(version, size - 1, evse_id=1, transaction_id=name, last_s=grid_s, limit=limit) < count
    assert most_periods(version, size + 100, evse_id=1, transaction_id=name, last_s=grid_s, limit=limit) >= count
