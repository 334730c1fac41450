"""Limits across the tree: who is in a group, what it carries, what it holds (convention 14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.scenes import START, car, compiled, hours, outlet, planned, refereed, scene, yard

from ocpp_schedule import Circuit, Forecast, Group, Load, Station
from ocpp_schedule.check import rows

CIRCUITS = [
    Circuit(id="main", limit_a=100),
    *(Circuit(id=name, parent="main", limit_a=63) for name in ("west", "east")),
]
STATIONS = [
    Station(id=f"CP-{name}", circuit=circuit, ocpp_version="2.0.1")
    for name, circuit in (("A", "west"), ("B", "west"), ("C", "east"), ("D", "east"))
]


def site(*groups: Group, **more: Any) -> Any:
    """Return a site of four outlets on two panels."""
    fields: dict[str, Any] = {"circuits": CIRCUITS, "stations": STATIONS, "groups": groups, "edge_guard_s": 0}
    return yard(*map(outlet, "ABCD"), **fields | more)


@pytest.mark.parametrize(
    ("named", "members"),
    [
        pytest.param({"connectors": ["D", "A"]}, "AD", id="connectors"),
        pytest.param({"stations": ["CP-B", "CP-C"]}, "BC", id="stations"),
        pytest.param({"circuits": ["east"]}, "CD", id="a circuit"),
        pytest.param({"circuits": ["main"]}, "ABCD", id="the whole tree"),
        pytest.param({"circuits": ["west"], "connectors": ["A", "D"]}, "ABD", id="named twice, counted once"),
    ],
)
@pytest.mark.parametrize("small", [1 << 17, 0])
def test_members(named: Any, members: str, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler's matrix, and the referee's limit at work: every member at 10 A fits, 0.1 A more does not."""
    monkeypatch.setattr(rows, "SMALL_SUMS", small)  # both ways to add up
    group = Group(id="tenant", limit_a=10 * len(members), **named)
    cars = [car(name.lower(), name, 0, 1, 2300, phases=1) for name in "ABCD"]
    scenario = scene(site(group), cars, grid=hours(1))
    problem = compiled(scenario)
    assert problem.node_names[-1] == "group tenant"
    inside = zip(problem.connector_ids, problem.connector_nodes[-1].tolist(), strict=True)
    assert "".join(name for name, one in inside if one) == members
    solution = planned(scenario).solution
    assert solution.setpoints.tolist() == [[100]] * 4
    for row, name in enumerate("ABCD"):
        more = solution.setpoints.copy()
        more[row, 0] += 1
        faults = [v for v in refereed(scenario, replace(solution, setpoints=more)).violations if v.kind == "row"]
        assert [(v.noun, v.subject, v.line) for v in faults] == [("group", "tenant", "L1")] * (name in members)


def test_base_loads_of_named_circuits_count() -> None:
    group = Group(id="tenant", circuits=["west"], connectors=["C"], limit_a=20, limit_w=4000)
    loads = [
        Load(id="shop", circuit="west", lines=("L1",)),
        Load(id="yard", circuit="east"),
        Load(id="hall", circuit="main"),
    ]
    forecasts = [Forecast(id=load.id, start=START, step_s=3600 * 4, expected_a=(5,)) for load in loads]
    problem = compiled(scene(site(group, loads=loads), [car("a", "A", 0, 1, 100)], forecasts=forecasts))
    assert problem.headroom_units[-1, :, 0].tolist() == [15_000_000, 20_000_000, 20_000_000, 4_000_000 - 1_150_000]


def test_an_alarm_of_a_group_stops_its_members_only() -> None:
    group = Group(id="tenant", circuits=["west"], limit_a=4)
    scenario = scene(
        site(group, loads=[Load(id="shop", circuit="west")]),
        [car("a", "A", 0, 4, 2300, phases=1), car("c", "C", 0, 4, 2300, phases=1)],
        forecasts=[Forecast(id="shop", start=START, step_s=3600 * 4, expected_a=(5,))],
    )
    plan = planned(scenario)
    assert plan.alarms[0].noun == "group"
    assert plan.setpoints.sum(axis=1).tolist() == [0, 100]
    drawn = plan.setpoints.copy()
    drawn[0, 1] = 60
    kinds = {v.kind: v.subject for v in refereed(scenario, replace(plan.solution, setpoints=drawn)).violations}
    assert kinds["alarm_draw"] == "a"


def test_end_floors_fit_groups() -> None:
    plan = planned(scene(site(Group(id="tenant", connectors=["A", "D"], limit_a=11.9)), [car("a", "A", 0, 1, 100)]))
    assert plan.solution.end_floor_steps.tolist() == [0, 60, 60, 0]


def test_a_group_of_nothing_but_an_empty_circuit_holds_nobody() -> None:
    attic = Circuit(id="attic", parent="main", limit_a=16)
    plan = planned(
        scene(
            site(Group(id="tenant", circuits=["attic"], limit_a=0), circuits=[*CIRCUITS, attic]),
            [car("a", "A", 0, 1, 2300)],
        )
    )
    assert plan.status == "complete"
    assert plan.report.ok


def test_a_shortfall_names_the_group_and_what_would_end_it() -> None:
    tenant = Group(id="tenant", limit_a=10.0, stations=["CP-A"])
    plan = planned(scene(yard(outlet("A"), limit_a=32.0, groups=[tenant]), [car("a", "A", 0, 4, 11_040, phases=1)]))
    (short,) = plan.shortfalls
    assert short.limits == ("group tenant L1",)
    assert "group tenant" in plan.summary()
    found = {one.subject: one.new for one in plan.remedies(short)}
    assert found["group tenant"] == 12.0
