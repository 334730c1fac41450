"""Nodes, rows, headroom, alarms and end floors (conventions 4 and 13)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenes import HOUR, START, car, compiled, hours, outlet, scene, yard

from ocpp_schedule import Capabilities, Circuit, Forecast, LimitSeries, Load, Station

A = 1_000_000  # uA
QUARTER_S = 900


def limit(*amperes: Any, start_h: float = 0, step_s: int = 3600, circuit: str = "main") -> LimitSeries:
    return LimitSeries(circuit=circuit, start=START + start_h * HOUR, step_s=step_s, limit_a=amperes)


def forecast(*expected: Any, name: str = "hall", step_s: int = 3600, **more: Any) -> Forecast:
    return Forecast(id=name, start=START, step_s=step_s, expected_a=expected, **more)


def headroom_a(site: Any, line: int = 0, node: int = 0, **more: Any) -> list[float]:
    problem = compiled(scene(site, [], **more))
    return [value / A for value in problem.headroom_units[node, line].tolist()]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param([], [25, 25, 25, 25], id="none"),
        pytest.param([limit(20.0, 10.0, 30.0, 24.0)], [20, 10, 25, 24], id="as the grid; never above the circuit"),
        pytest.param([limit(20.0, 10.0)], [20, 10, 25, 25], id="covers the start"),
        pytest.param([limit(20.0, start_h=3)], [25, 25, 25, 20], id="covers the end"),
        pytest.param([limit(20.0, start_h=3.5)], [25, 25, 25, 20], id="goes on after the grid"),
        pytest.param([limit(20.0, start_h=-1)], [25, 25, 25, 25], id="ends where the grid starts"),
        pytest.param([limit(20.0, start_h=4)], [25, 25, 25, 25], id="starts where the grid ends"),
        pytest.param(
            [limit(20.0, 10.0, 22.0, start_h=0.5, step_s=QUARTER_S)], [10, 22, 25, 25], id="finer: lowest that touches"
        ),
        pytest.param([limit(12.0, 18.0, start_h=-1, step_s=7200)], [12, 18, 18, 25], id="coarser and shifted"),
        pytest.param([limit(20.0, start_h=0.9, step_s=720)], [20, 20, 25, 25], id="touches two slots"),
        pytest.param([limit(20.0), limit(22.0, 15.0)], [20, 15, 25, 25], id="two series: the lowest"),
        pytest.param([limit((5.0, 6.0, 7.0))], [5, 25, 25, 25], id="per line"),
        pytest.param([limit(0.0)], [0, 25, 25, 25], id="nothing allowed"),
    ],
)
def test_limit_series(limits: list[LimitSeries], expected: list[float]) -> None:
    assert headroom_a(yard(outlet("A")), limits=tuple(limits)) == expected


def test_limit_per_line() -> None:
    site = yard(outlet("A"), limit_a=(25.0, 16.1, 10.0))
    assert [headroom_a(site, line)[0] for line in range(3)] == [25.0, 16.1, 10.0]
    series = (limit((20.0, 20.0, 5.0)),)
    assert [headroom_a(site, line, limits=series)[0] for line in range(3)] == [20.0, 16.1, 5.0]


@pytest.mark.parametrize(
    ("given", "lines", "expected"),
    [
        pytest.param(forecast(1.0, 2.0, 3.0, 4.0), ("L1",), [24, 23, 22, 21], id="expected only"),
        pytest.param(
            forecast(1.0, 2.0, 3.0, 4.0, high_a=(5.0, 6.0, 7.0, 8.0)), ("L1",), [20, 19, 18, 17], id="high counts"
        ),
        pytest.param(
            forecast(*[0.0] * 4, high_a=((1.0, 9.0, 9.0), (2.0, 9.0, 9.0), 3.0, 4.0)),
            ("L1", "L2", "L3"),
            [24, 23, 22, 21],
            id="high per line",
        ),
        pytest.param(forecast(9.0, 9.0, 9.0, 9.0), ("L2", "L3"), [25, 25, 25, 25], id="on other lines"),
        pytest.param(forecast(1.0, 4.0, step_s=7200), ("L1",), [24, 24, 21, 21], id="coarser"),
        pytest.param(
            forecast(*[1.0, 2.0, 9.0, 4.0] * 4, step_s=QUARTER_S), ("L1",), [16, 16, 16, 16], id="finer: the highest"
        ),
        pytest.param(forecast(30.0, 1.0, 1.0, 1.0), ("L1",), [-5, 24, 24, 24], id="above the limit"),
    ],
)
def test_base_load(given: Forecast, lines: Any, expected: list[float]) -> None:
    site = yard(outlet("A"), loads=[Load(id="hall", circuit="main", lines=lines)])
    assert headroom_a(site, forecasts=(given,)) == expected


def tree(*connectors: Any, **more: Any) -> Any:
    """Return main 63 A with panels ``p1`` 25 A and ``p2`` 10 A; ``A`` and ``B`` on p1, ``C`` and ``D`` on p2."""
    circuits = [
        Circuit(id="main", limit_a=63),
        Circuit(id="p1", parent="main", limit_a=25),
        Circuit(id="p2", parent="main", limit_a=10),
    ]
    places = {"A": "p1", "B": "p1", "C": "p2", "D": "p2"}
    stations = [Station(id=f"CP-{k}", circuit=place, ocpp_version="1.6") for k, place in places.items()]
    outlets = connectors or [outlet(name) for name in "ABCD"]
    return yard(*outlets, **{"circuits": circuits, "stations": stations} | more)


def test_base_load_counts_at_its_circuit_and_above() -> None:
    site = tree(loads=[Load(id="hall", circuit="p1"), Load(id="yard", circuit="main")])
    series = (forecast(*[3.0] * 4), forecast(*[2.0] * 4, name="yard"))
    assert [headroom_a(site, node=node, forecasts=series)[0] for node in range(3)] == [58, 22, 10]


def test_rows_have_names_and_connectors() -> None:
    stations = [
        Station(id="CP-A", circuit="p1", ocpp_version="1.6"),
        Station(id="CP-B", circuit="main", ocpp_version="1.6", max_current_a=20),
    ]
    circuits = [Circuit(id="main", limit_a=63), Circuit(id="p1", parent="main", limit_a=25)]
    connectors = [outlet("B2", station="CP-B", evse_id=2), outlet("A"), outlet("B1", station="CP-B")]
    problem = compiled(scene(yard(*connectors, circuits=circuits, stations=stations), []))
    assert problem.connector_ids == ("A", "B1", "B2")
    assert problem.node_names == ("circuit main", "circuit p1", "station CP-B")
    assert problem.connector_nodes.tolist() == [[True, True, True], [True, False, False], [False, True, True]]
    assert problem.headroom_units[2].tolist() == [[20 * A] * 4] * 3
    assert problem.row_name(2, 1) == "station CP-B L2"


def test_free_room_is_above_the_idle_floors_and_never_negative() -> None:
    site = yard(outlet("A"), outlet("B"), limit_a=(25.0, 8.0, 8.0), idle_floor_a=6)
    problem = compiled(scene(site, [], limits=(limit(11.0),)))
    assert problem.free_units[0, 0].tolist() == [0, 13 * A, 13 * A, 13 * A]
    assert problem.free_units[0, 1].tolist() == [8 * A] * 4


# Alarms: two connectors with 6 A of idle floor on L1, base load on all lines.


def alarm_problem(*connectors: Any, base: tuple[float, ...], floor_a: float = 6, sessions: Any = ()) -> Any:
    site = yard(*connectors, idle_floor_a=floor_a, loads=[Load(id="hall", circuit="main")])
    return compiled(scene(site, sessions, forecasts=(forecast(*base),)))


@pytest.mark.parametrize(
    ("base", "floor_a", "alarm"),
    [
        pytest.param((13.0, 0.0, 0.0, 0.0), 6, [0, 0, 0, 0], id="floors just fit"),
        pytest.param((13.1, 0.0, 0.0, 0.0), 6, [1, 0, 0, 0], id="floors do not fit"),
        pytest.param((25.0, 25.1, 0.0, 30.0), 0, [0, 1, 0, 1], id="base load alone"),
    ],
)
def test_alarm(base: tuple[float, ...], floor_a: float, alarm: list[int]) -> None:
    problem = alarm_problem(outlet("A"), outlet("B"), base=base, floor_a=floor_a)
    assert problem.alarm[0, 0].astype(int).tolist() == alarm
    assert not problem.alarm[0, 1:].any(), "nothing that could be loaded is wired to L2 and L3"


def test_cars_that_could_draw_below_an_alarm_get_nothing_there() -> None:
    sessions = [car("a", "A", 0, 4, 9000, phases=1), car("b", "B", 0, 4, 9000, phases=1), car("c", "C", 0, 4, 9000)]
    connectors = [outlet("A"), outlet("B", lines=("L2",)), outlet("C", lines=("L2", "L1", "L3"))]
    site = yard(*connectors, loads=[Load(id="hall", circuit="main", lines=("L1",))])
    problem = compiled(scene(site, sessions, forecasts=(forecast(0.0, 26.0, 0.0, 26.0),)))
    assert problem.cap_steps.tolist() == [[320, 0, 320, 0], [320] * 4, [320, 0, 320, 0]]


def test_a_one_phase_car_is_not_hit_by_an_alarm_on_a_line_it_does_not_use() -> None:
    site = yard(outlet("A", lines=("L2", "L1")), loads=[Load(id="hall", circuit="main", lines=("L1",))])
    given = {"forecasts": (forecast(26.0, 0.0, 0.0, 0.0),)}
    one = compiled(scene(site, [car("a", "A", 0, 4, 9000, phases=1)], **given))
    two = compiled(scene(site, [car("a", "A", 0, 4, 9000, phases=2)], **given))
    assert one.alarm[0, 0].tolist() == [True, False, False, False]
    assert one.cap_steps.tolist() == [[320] * 4]
    assert two.cap_steps.tolist() == [[0, 320, 320, 320]]


def test_alarm_on_a_panel_leaves_the_others_alone() -> None:
    site = tree(loads=[Load(id="hall", circuit="p2")])
    sessions = [car("a", "A", 0, 4, 9000, phases=1), car("c", "C", 0, 4, 9000, phases=1)]
    problem = compiled(scene(site, sessions, forecasts=(forecast(11.0, 0.0, 0.0, 0.0),)))
    assert problem.alarm.any(axis=(1, 2)).tolist() == [False, False, True]
    assert problem.cap_steps.tolist() == [[320] * 4, [0, 320, 320, 320]]


# End floors: 6 A where the minima of all connectors below every row fit (convention 13).

SIX, W_SIX = 60, 456


@pytest.mark.parametrize(
    ("changes", "given", "expected"),
    [
        pytest.param({}, {}, [SIX, SIX, 0, 0], id="p2 of 10 A cannot carry 6 + 6"),
        pytest.param(
            {"loads": [Load(id="hall", circuit="main")]},
            {"forecasts": (forecast(40.0, 39.0, 0.0, 0.0),)},
            [0, 0, 0, 0],
            id="base load on main leaves 23 of 24 A once",
        ),
        pytest.param(
            {"loads": [Load(id="hall", circuit="main")]},
            {"forecasts": (forecast(39.0, 39.0, 0.0, 0.0),)},
            [SIX, SIX, 0, 0],
            id="base load on main leaves 24 A",
        ),
        pytest.param({}, {"limits": (limit(11.9, start_h=3, circuit="p1"),)}, [0, 0, 0, 0], id="lowest limit of p1"),
        pytest.param(
            {"loads": [Load(id="hall", circuit="p1")]},
            {"forecasts": (forecast(10.0, 0.0, 0.0, 0.0),), "limits": (limit(20.0, start_h=2, circuit="p1"),)},
            [0, 0, 0, 0],
            id="highest load and lowest limit at different times",
        ),
        pytest.param({"idle_floor_a": 6}, {}, [SIX] * 4, id="never below the idle floor"),
        pytest.param({"idle_floor_a": 8}, {}, [80] * 4, id="never below an idle floor above the minimum"),
    ],
)
def test_end_floor(changes: dict[str, Any], given: dict[str, Any], expected: list[int]) -> None:
    assert compiled(scene(tree(**changes), [], **given)).end_floor_steps.tolist() == expected


def test_end_floor_looks_at_each_line() -> None:
    connectors = [outlet("A"), outlet("B", lines=("L2",)), outlet("C", lines=("L3",)), outlet("D", lines=("L3", "L2"))]
    problem = compiled(scene(tree(*connectors), []))
    assert problem.end_floor_steps.tolist() == [SIX, SIX, 0, 0], "C and D share L3 of p2"


def test_end_floor_of_a_station_in_watts_is_the_minimum_of_an_unknown_car() -> None:
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("W",)))
    connector = outlet("A", lines=("L2", "L3", "L1"))  # 456 steps x 48,310 uA are 22.03 A on L2
    enough, short = (
        compiled(scene(yard(connector, stations=[station], limit_a=amperes), [])) for amperes in (22.1, 22.0)
    )
    assert (enough.end_floor_steps.tolist(), short.end_floor_steps.tolist()) == ([W_SIX], [0])


def test_end_floor_of_a_connector_that_gives_nothing() -> None:
    problem = compiled(scene(yard(outlet("A", max_current_a=0), outlet("B"), limit_a=6.0), [], grid=hours(1)))
    assert problem.end_floor_steps.tolist() == [0, SIX]
