"""One step of a set-point: every row of the table of convention 5, and the idle floor of convention 4."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.scenes import car, compiled, outlet, scene, yard

from ocpp_schedule import Capabilities, Station
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.problem.effects import Effect, effect, takes_amperes
from ocpp_schedule.units import Supply

V230 = Supply.from_nominal(230, 400)  # 207 to 253 V
V120 = Supply.from_nominal(120, 208)  # 108 to 132 V


def on_lines(found: Effect) -> Effect:
    """Return an effect without its total."""
    return replace(found, load_units=found.load_units[:3])


L1, L12, L123, L231 = ("L1",), ("L1", "L2"), ("L1", "L2", "L3"), ("L2", "L3", "L1")
ONE, TWO, THREE = 48_310, 24_155, 16_104  # 10 W / 207 V shared by 1, 2, 3 lines, rounded up


@pytest.mark.parametrize(
    ("lines", "phases", "expected"),
    [
        pytest.param(L1, 1, Effect((100_000, 0, 0), 230, 60, 160), id="one line"),
        pytest.param(("L3",), 1, Effect((0, 0, 100_000), 230, 60, 160), id="one line, wired to L3"),
        pytest.param(L1, 3, Effect((100_000, 0, 0), 230, 60, 160), id="three-phase car on one line"),
        pytest.param(L1, None, Effect((100_000, 0, 0), 230, 60, 160), id="unknown car on one line"),
        pytest.param(L123, 1, Effect((100_000, 0, 0), 230, 60, 160), id="one-phase car on three lines"),
        pytest.param(L123, 2, Effect((100_000, 100_000, 0), 460, 60, 160), id="two-phase car on three lines"),
        pytest.param(L123, 3, Effect((100_000, 100_000, 100_000), 690, 60, 160), id="three-phase car"),
        pytest.param(L123, None, Effect((100_000, 100_000, 100_000), 230, 60, 160), id="unknown: all lines, one phase"),
        pytest.param(L231, 1, Effect((0, 100_000, 0), 230, 60, 160), id="wired L2 L3 L1: one phase on L2"),
        pytest.param(L231, 2, Effect((0, 100_000, 100_000), 460, 60, 160), id="wired L2 L3 L1: two on L2 L3"),
        pytest.param(L12, 3, Effect((100_000, 100_000, 0), 460, 60, 160), id="three-phase car on two lines"),
    ],
)
def test_station_that_takes_amperes(lines: Any, phases: int | None, expected: Effect) -> None:
    connector = outlet("A", lines=lines)
    assert on_lines(effect(connector, V230, amperes=True, phases=phases, min_a=6.0, max_a=16.0)) == expected


@pytest.mark.parametrize(
    ("lines", "phases", "expected"),
    [
        pytest.param(L123, 1, Effect((ONE, 0, 0), 100, 152, 368), id="one phase"),
        pytest.param(L123, 2, Effect((TWO, TWO, 0), 100, 304, 736), id="two phases"),
        pytest.param(L123, 3, Effect((THREE, THREE, THREE), 100, 456, 1104), id="three phases"),
        pytest.param(L231, 1, Effect((0, ONE, 0), 100, 152, 368), id="wired L2 L3 L1: one phase on L2"),
        pytest.param(L1, 3, Effect((ONE, 0, 0), 100, 152, 368), id="three-phase car on one line"),
        pytest.param(L1, None, Effect((ONE, 0, 0), 100, 152, 368), id="unknown on one line"),
        pytest.param(L12, None, Effect((ONE, TWO, 0), 50, 304, 736), id="unknown on two lines: whole, half"),
        pytest.param(L123, None, Effect((ONE, TWO, THREE), 33, 456, 1104), id="unknown on three lines"),
        pytest.param(L231, None, Effect((THREE, ONE, TWO), 33, 456, 1104), id="unknown, wired L2 L3 L1"),
    ],
)
def test_station_that_takes_only_watts(lines: Any, phases: int | None, expected: Effect) -> None:
    connector = outlet("A", lines=lines, step_w=10)
    assert on_lines(effect(connector, V230, amperes=False, phases=phases, min_a=6.0, max_a=16.0)) == expected


@pytest.mark.parametrize(
    ("amperes", "fields", "supply", "low", "high", "expected"),
    [
        pytest.param(
            True, {"step_a": 0.5}, V230, 6.0, 16.0, Effect((500_000,) * 3, 3 * 1150, 12, 32), id="steps of 0.5 A"
        ),
        pytest.param(
            True, {"step_a": 0.5}, V230, 6.1, 16.4, Effect((500_000,) * 3, 3450, 13, 32), id="6.1 up, 16.4 A down"
        ),
        pytest.param(True, {"step_a": 1.0}, V230, 6.5, 16.9, Effect((1_000_000,) * 3, 6900, 7, 16), id="steps of 1 A"),
        pytest.param(True, {}, V120, 6.0, 16.0, Effect((100_000,) * 3, 360, 60, 160), id="A at 120 V"),
        pytest.param(False, {"step_w": 10}, V120, 6.0, 16.0, Effect((30_865,) * 3, 100, 238, 576), id="W at 120 V"),
        pytest.param(
            False, {"step_w": 100}, V230, 6.0, 16.0, Effect((161_031,) * 3, 1000, 46, 110), id="steps of 100 W"
        ),
        pytest.param(True, {}, V230, 0.0, 16.0, Effect((100_000,) * 3, 690, 0, 160), id="no minimum"),
        pytest.param(True, {}, V230, 6.0, 0.0, Effect((100_000,) * 3, 690, 0, 0), id="0 A connector"),
        pytest.param(True, {}, V230, 0.0, 0.05, Effect((100_000,) * 3, 690, 0, 0), id="less than one step"),
        pytest.param(True, {"step_a": 4.0}, V230, 6.0, 7.0, Effect((4_000_000,) * 3, 27_600, 0, 0), id="no step fits"),
        pytest.param(False, {}, V230, 6.0, 6.0, Effect((THREE,) * 3, 100, 0, 0), id="W: the voltage band leaves none"),
        pytest.param(True, {}, V230, 6.0, 6.0, Effect((100_000,) * 3, 690, 60, 60), id="A: exactly the minimum"),
    ],
)
def test_steps_limits_and_supplies(
    amperes: bool, fields: dict[str, Any], supply: Supply, low: float, high: float, expected: Effect
) -> None:
    connector = outlet("A", lines=L123, **fields)
    assert on_lines(effect(connector, supply, amperes=amperes, phases=3, min_a=low, max_a=high)) == expected


@pytest.mark.parametrize(
    ("units", "amperes"),
    [
        pytest.param(("A",), True, id="A"),
        pytest.param(("W",), False, id="W"),
        pytest.param(("W", "A"), True, id="both: A, which needs no voltage"),
    ],
)
def test_unit_of_a_station(units: tuple[str, ...], amperes: bool) -> None:
    assert takes_amperes(units) is amperes


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        pytest.param({}, (60, 320), id="the connector alone"),
        pytest.param({"min_current_a": 8.0}, (80, 320), id="the car wants more to start"),
        pytest.param({"min_current_a": 5.0}, (60, 320), id="the connector wants more to start"),
        pytest.param({"max_current_a": 10.0}, (60, 100), id="the car takes less"),
        pytest.param({"max_current_a": 63.0}, (60, 320), id="the connector gives less"),
    ],
)
def test_connector_and_car_narrow_each_other(session: dict[str, Any], expected: tuple[int, int]) -> None:
    problem = compiled(scene(yard(outlet("A")), [car("a", "A", 0, 4, 1000, phases=1, **session)]))
    assert (problem.min_steps[0], problem.max_steps[0]) == expected


W_ONLY = Capabilities(rate_units=("W",))


@pytest.mark.parametrize(
    ("floor_a", "capabilities", "fields", "steps", "floor_units"),
    [
        pytest.param(0, Capabilities(), {}, 0, (0, 0, 0), id="none asked for"),
        pytest.param(6, Capabilities(), {}, 60, (6_000_000, 0, 0), id="the minimum"),
        pytest.param(8, Capabilities(), {"lines": L123}, 80, (8_000_000,) * 3, id="every line of the connector"),
        pytest.param(40, Capabilities(), {}, 320, (32_000_000, 0, 0), id="capped at the connector"),
        pytest.param(6.3, Capabilities(), {"step_a": 0.5}, 12, (6_000_000, 0, 0), id="rounded down to the step"),
        pytest.param(6, Capabilities(), {"step_a": 4.0}, 2, (8_000_000, 0, 0), id="below the minimum in steps: raised"),
        pytest.param(4, Capabilities(), {"min_current_a": 0}, 40, (4_000_000, 0, 0), id="no minimum"),
        pytest.param(6, Capabilities(), {"max_current_a": 0}, 0, (0, 0, 0), id="a connector that gives nothing"),
        pytest.param(
            6,
            Capabilities(),
            {"step_a": 4.0, "max_current_a": 7},
            0,
            (0, 0, 0),
            id="maximum below minimum in steps: no floor",
        ),
        pytest.param(6, W_ONLY, {}, 152, (152 * ONE, 0, 0), id="W: 138 steps asked, 152 is the least"),
        pytest.param(
            6, W_ONLY, {"lines": L231}, 456, (456 * THREE, 456 * ONE, 456 * TWO), id="W, three lines: an unknown car"
        ),
        pytest.param(8, W_ONLY, {"lines": L123}, 552, (552 * ONE, 552 * TWO, 552 * THREE), id="W: 8 A x 690 V"),
        pytest.param(6, W_ONLY, {"max_current_a": 6}, 0, (0, 0, 0), id="W: the voltage band leaves nothing"),
    ],
)
def test_idle_floor(
    floor_a: float, capabilities: Capabilities, fields: dict[str, Any], steps: int, floor_units: tuple[int, int, int]
) -> None:
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=capabilities)
    problem = compiled(scene(yard(outlet("A", **fields), stations=[station], idle_floor_a=floor_a), []))
    assert problem.idle_floor_steps.tolist() == [steps]
    assert tuple(problem.floor_units[0].tolist()) == floor_units


@pytest.mark.parametrize(
    ("lines", "phases", "steps"),
    [
        pytest.param(L123, 3, (80, 160), id="three"),
        pytest.param(L123, 2, (60, 200), id="two"),
        pytest.param(L123, 1, (60, 320), id="one"),
        pytest.param(L1, 3, (60, 320), id="three-phase-car-on-one-line"),
        pytest.param(L123, None, (80, 160), id="unknown-on-three-lines"),
        pytest.param(L12, None, (60, 200), id="unknown-on-two-lines"),
    ],
)
def test_currents_by_the_number_of_phases(lines: Any, phases: int | None, steps: tuple[int, int]) -> None:
    """A car of 6 to 32 A on one phase, 20 A on two, and 8 to 16 A on three."""
    more = {"min_current_a": (6, 6, 8), "max_current_a": (32, 20, 16)}
    site = yard(outlet("A", lines=lines), limit_a=100.0)
    scenario = scene(site, [car("a", "A", 0, 4, 99_000, phases=phases, **more)])
    problem = compiled(scenario)
    assert (int(problem.min_steps[0]), int(problem.max_steps[0])) == steps
    cars = scene_of(**scenario.inputs()).cars
    assert (int(cars.minimum[0]), int(cars.maximum[0])) == steps
