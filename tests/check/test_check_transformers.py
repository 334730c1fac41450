"""Transformers: by hand, against textbook equations in complex numbers, and whole plans."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.phasor_scenes import PAIRS, between, stay, to_neutral
from tests.scenes import START, compiled, planned, refereed, scene

from ocpp_schedule import (
    Capabilities,
    Circuit,
    Connector,
    Forecast,
    Generator,
    Group,
    InputError,
    LimitSeries,
    Load,
    PeakCharge,
    Plan,
    PriceSeries,
    Scenario,
    Site,
    Station,
    Storage,
    Tariff,
    Transformer,
)
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.phasors import booked_lines

# Currents on A, B, C above by those on a, b, c below, times sqrt(3) and the ratio: each delta winding in its place.
TEXTBOOK = {
    "Dyn1": lambda a, b, c: (a - b, b - c, c - a),
    "Dyn5": lambda a, b, c: (c - a, a - b, b - c),
    "Dyn7": lambda a, b, c: (b - a, c - b, a - c),
    "Dyn11": lambda a, b, c: (a - c, b - a, c - b),
    "YNyn0": lambda a, b, c: (a * math.sqrt(3), b * math.sqrt(3), c * math.sqrt(3)),
}
CONNECTORS = (
    between("A", "12"),
    between("B", "23"),
    between("C", "31"),
    to_neutral("D", "L1"),
    to_neutral("E", "L2", "L3"),
)


def fed(*connectors: Connector, group: Any = "Dyn11", above_a: Any = 100.0, below_a: Any = 400.0, **more: Any) -> Site:
    """Return 480 V above, 208 V with all connectors below."""
    circuits = [
        Circuit(id="main", supply="480Y/277", limit_a=above_a),
        Circuit(
            id="panel", parent="main", supply="208Y/120", limit_a=below_a, transformer=Transformer(vector_group=group)
        ),
    ]
    stations = [Station(id=c.station, circuit="panel", ocpp_version="1.6") for c in connectors]
    return Site(id="fed", circuits=circuits, stations=stations, connectors=connectors, edge_guard_s=0, **more)


def test_one_load_between_two_lines_by_hand() -> None:
    """32 A from L1 to L2 at 208 V: 480/208 times root 3 is 3.997; the line above that both windings share has twice."""
    plan = planned(scene(fed(between("A", "12")), [stay("A", 1, 208 * 32.0)]))
    assert plan.energy_wh == {"car-A": 6656.0}
    use = {(one.subject, one.line): one.booked_units for one in plan.verify().row_use}
    assert use == {
        ("main", "L1"): 8_005_924,
        ("main", "L2"): 16_011_848,
        ("main", "L3"): 8_005_924,
        ("panel", "L1"): 32_000_000,
        ("panel", "L2"): 32_000_000,
    }
    assert 32 / (math.sqrt(3) * 480 / 208) == pytest.approx(8.005924, abs=2e-6)


def test_a_balanced_car_is_13_amperes_above_to_the_last_one() -> None:
    """30 A on three lines of 208 V are 13 A at 480 V, exactly: the roots cancel."""
    site = fed(to_neutral("A", "L1", "L2", "L3", max_current_a=40.0), above_a=13.0)
    plan = planned(scene(site, [stay("A", 1, 120 * 3 * 40.0, phases=3)]))
    assert plan.setpoints[0, 0] == 300
    report = plan.verify()
    assert {one.booked_units for one in report.row_use if one.subject == "main"} == {13_000_000}


def test_a_ratio_of_its_own() -> None:
    """Windings of 4 to 1, as some sites count: a ratio of 4 / sqrt(3) between lines gives a quarter and a half."""
    circuits = fed(between("A", "12")).circuits
    panel = circuits[1].model_copy(update={"transformer": Transformer(ratio=2.3094010767585)})
    site = fed(between("A", "12")).model_copy(update={"circuits": (circuits[0], panel)})
    plan = planned(scene(site, [stay("A", 1, 208 * 32.0)]))
    use = {(one.subject, one.line): one.booked_units for one in plan.verify().row_use}
    assert (use["main", "L1"], use["main", "L2"]) == (8_000_001, 16_000_001)


@settings(deadline=None, max_examples=100)
@given(
    group=st.sampled_from(sorted(TEXTBOOK)),
    steps=st.lists(st.integers(0, 320), min_size=5, max_size=5),
    drawn=st.lists(st.floats(0, 1), min_size=6, max_size=6),
)
def test_no_draw_reaches_beyond_what_compiler_and_referee_say(group: str, steps: list[int], drawn: list[float]) -> None:
    """Textbook currents of any part of the set-points stay within; of the worst part they reach what both say."""
    site = fed(*CONNECTORS, group=group)
    scenario = scene(site, [stay(c.id, 4, 1000.0, phases=None) for c in CONNECTORS])
    problem = compiled(scenario)
    assert problem.phasors is not None
    setpoints = np.array(steps)[:, None].repeat(4, axis=1)
    booked = booked_lines(problem, setpoints)
    squares = problem.phasors.worst(problem.phasors.sums(booked))[:, 0]
    solver = {
        name: math.sqrt(square / scale) * problem.phasors.unit_ua / weight
        for name, square, scale, weight in zip(
            problem.phasors.names, squares.tolist(), problem.phasors.form_scale, problem.phasors.scale, strict=True
        )
    }
    judge = scene_of(site, scenario.sessions, scenario.tariff, scenario.grid)
    found = {
        f"circuit {one.subject} L{(one.line or 0) + 1}": float(one.bundle.magnitude(one.of(booked))[0])
        for one in judge.conductors
    }
    assert found.keys() == solver.keys()
    for name, value in found.items():
        assert value == pytest.approx(solver[name], rel=1e-6, abs=1)
    reached = textbook(group, steps, drawn)
    corners = [textbook(group, steps, [float(k >> bit & 1) for bit in range(6)]) for k in range(64)]
    for line in range(3):
        name = f"circuit main L{line + 1}"
        assert reached[line] <= found[name] + 1
        assert max(corner[line] for corner in corners) == pytest.approx(found[name], rel=1e-6, abs=1)


def textbook(group: str, steps: list[int], drawn: list[float]) -> list[float]:
    """Return magnitudes above [uA] of parts of the six currents: A, B, C between lines, D on L1, E on L2 and on L3."""
    angle = {"L1": 0, "L2": -120, "L3": 120}
    currents = dict.fromkeys(angle, 0j)
    for pair, step, part in zip(("12", "23", "31"), steps[:3], drawn[:3], strict=True):
        first, second = PAIRS[pair]
        flow = cmath.rect(step * part * 1e5, math.radians(angle[first] + 30))
        currents[first] += flow
        currents[second] -= flow
    for line, step, part in zip(("L1", "L2", "L3"), (steps[3], steps[4], steps[4]), drawn[3:], strict=True):
        currents[line] += cmath.rect(step * part * 1e5, math.radians(angle[line]))
    above = TEXTBOOK[group](currents["L1"], currents["L2"], currents["L3"])
    return [abs(one) / (math.sqrt(3) * 480 / 208) for one in above]


@settings(deadline=None, max_examples=10)
@given(
    group=st.sampled_from(sorted(TEXTBOOK)),
    above=st.tuples(*[st.sampled_from([5.0, 12.0, 20.0, 40.0])] * 3),
    below=st.tuples(*[st.sampled_from([16.0, 40.0, 80.0])] * 3),
    base=st.sampled_from([0.0, 3.7]),
)
def test_plans_pass_the_referee(group: str, above: tuple[float, ...], below: tuple[float, ...], base: float) -> None:
    site = fed(
        *CONNECTORS,
        group=group,
        above_a=above,
        below_a=below,
        loads=[Load(id="house", circuit="panel", lines=("L1", "L2"))],
    )
    forecast = Forecast(id="house", start=START, step_s=4 * 3600, expected_a=[base])
    cars = [stay(c.id, 4, 9000.0 + 100 * k, phases=None) for k, c in enumerate(CONNECTORS)]
    scenario = scene(site, cars, forecasts=[forecast])
    solution = solve(compiled(scenario))
    assert refereed(scenario, solution).ok
    assert refereed(scenario, solve(compiled(scenario), exact_arcs=0)).ok


def test_base_load_below_counts_above() -> None:
    """10 A on L1 below are 2.501852 A on two lines above, whatever their phase; totals count them with 120 V."""
    site = fed(between("A", "23"), above_a=12.0, loads=[Load(id="house", circuit="panel", lines=("L1",))])
    circuits = (site.circuits[0].model_copy(update={"limit_va": 50_000.0}), site.circuits[1])
    forecast = Forecast(id="house", start=START, step_s=4 * 3600, expected_a=[10.0])
    scenario = scene(site.model_copy(update={"circuits": circuits}), [stay("A", 4, 1000.0)], forecasts=[forecast])
    plan = planned(scenario)
    use = {(one.subject, one.line): one.headroom_units for one in plan.verify().row_use}
    assert use["main", "L1"] == use["main", "L2"] == 9_498_148
    assert use["main", "L3"] == 12_000_000
    assert use["main", "total"] == 48_800_000


def test_two_transformers_one_above_the_other() -> None:
    """Through two delta windings the roots multiply to 3, and 60 degrees of turn: 30 A at 208 V are 13 A at 480 V."""
    circuits = [
        Circuit(id="grid", supply="480Y/277", limit_a=100.0),
        Circuit(id="main", parent="grid", supply="400Y/230", limit_a=100.0, transformer=Transformer()),
        Circuit(id="panel", parent="main", supply="208Y/120", limit_a=100.0, transformer=Transformer()),
    ]
    site = Site(
        id="two",
        circuits=circuits,
        stations=[Station(id="SA", circuit="panel", ocpp_version="1.6")],
        connectors=[to_neutral("A", "L1", "L2", "L3")],
        edge_guard_s=0,
    )
    plan = planned(scene(site, [stay("A", 1, 120 * 3 * 30.0, phases=3)]))
    use = {(one.subject, one.line): one.booked_units for one in plan.verify().row_use}
    assert use["main", "L2"] == 15_600_000
    # Each of its currents may stop by itself: of three currents through two deltas, two alone come to more than all.
    assert use["grid", "L1"] >= 13_000_000


@pytest.mark.parametrize(
    ("circuits", "message"),
    [
        pytest.param(
            [{"id": "main", "limit_a": 10.0, "transformer": Transformer()}],
            "has a transformer, but no parent; name the circuit on its other side as parent.",
            id="nothing above",
        ),
        pytest.param(
            [
                {"id": "main", "limit_a": 10.0},
                {"id": "panel", "parent": "main", "supply": "240/120", "limit_a": 10.0, "transformer": Transformer()},
            ],
            "has a transformer at supply '240/120', which has not three lines.",
            id="two lines",
        ),
        pytest.param(
            [
                {"id": "main", "limit_a": 10.0},
                {"id": "panel", "parent": "main", "supply": "208Y/120", "limit_a": 10.0, "transformer": Transformer()},
                {"id": "sub", "parent": "panel", "supply": "400Y/230", "limit_a": 10.0},
            ],
            "supply '400Y/230' differs from '208Y/120' of 'panel' above it",
            id="another supply further down",
        ),
    ],
)
def test_what_is_refused(circuits: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Site(id="s", circuits=[Circuit(**fields) for fields in circuits])
    assert message in str(error.value)


def behind() -> list[Circuit]:
    return [
        Circuit(id="main", supply="480Y/277", limit_a=100.0),
        Circuit(
            id="panel", parent="main", supply="208Y/120", limit_a=400.0, transformer=Transformer(vector_group="Dyn1")
        ),
    ]


@pytest.mark.parametrize(
    ("more", "noun"),
    [
        pytest.param({"groups": [Group(id="g", limit_a=9, circuits=["panel"])]}, "groups", id="a group"),
        pytest.param({"generators": [Generator(id="pv", circuit="panel")]}, "generators", id="a generator"),
        pytest.param(
            {
                "storages": [
                    Storage(id="b", circuit="main", capacity_wh=9, max_charge_w=9, max_discharge_w=9, soc_percent=50.0)
                ]
            },
            "storages",
            id="a battery",
        ),
        pytest.param({"circuits": None}, "unbalance_limit_a", id="a limit on differences"),
    ],
)
def test_what_does_not_go_together_yet(more: dict[str, Any], noun: str) -> None:
    circuits = behind()
    if "circuits" in more:
        circuits[0] = circuits[0].model_copy(update={"unbalance_limit_a": 9.0})
    fields = {"circuits": circuits} | {name: value for name, value in more.items() if value}
    with pytest.raises(ValidationError, match=f"{noun} and the transformer of circuit 'panel' on one site"):
        Site(id="s", **fields)


def test_soft_limits_are_refused() -> None:
    soft = LimitSeries(circuit="main", start=START, step_s=4 * 3600, limit_a=[20.0], soft=True)
    with pytest.raises(InputError, match="is soft at a site with a transformer"):
        planned(scene(fed(between("A", "12")), [stay("A", 1, 1000.0)], limits=[soft]))


def test_peaks_see_loads_at_their_own_voltage() -> None:
    """10 A at 120 V are 1.2 kW at the meter, above the transformer as below it."""
    site = fed(to_neutral("A", "L1"), loads=[Load(id="house", circuit="panel", lines=("L2",))])
    tariff = Tariff(energy=0.2, peaks=[PeakCharge(id="month", per_kw=1.0)])
    forecast = Forecast(id="house", start=START, step_s=4 * 3600, expected_a=[10.0])
    plan = planned(scene(site, [stay("A", 4, 1200.0)], tariff, forecasts=[forecast]))
    assert plan.verify().ok
    assert plan.problem.meter is not None
    assert plan.problem.meter.load_units.tolist() == [1200 * 3600 * 10] * 4


def test_a_dc_outlet_below_a_transformer() -> None:
    """18 kW into the car at 90 % are 20 kVA drawn: 61.8 A a line at the lowest voltage of 108 V, 26.7 A at 480 V."""
    dc = Connector(
        id="D", station="SD", current_type="DC", max_power_w=18_000.0, max_current_a=100.0, efficiency=0.9, step_w=1000
    )
    circuits = behind()
    circuits[0] = circuits[0].model_copy(update={"limit_a": 30.0})
    units = Capabilities(rate_units=("W",))
    stations = [Station(id="SD", circuit="panel", ocpp_version="2.1", capabilities=units)]
    site = Site(id="fed", circuits=circuits, stations=stations, connectors=[dc], edge_guard_s=0)
    plan = planned(scene(site, [stay("D", 1, 18_000.0)]))
    assert plan.energy_wh == {"car-D": 18_000.0}
    use = {(one.subject, one.line): one.booked_units for one in plan.verify().row_use}
    assert use["panel", "L1"] == 18 * 3_429_356
    assert use["main", "L1"] == pytest.approx(18 * 3_429_356 * 208 / 480, abs=3)


def test_the_archive_knows_the_transformer() -> None:
    plan = planned(scene(fed(between("A", "12")), [stay("A", 1, 208 * 32.0)]))
    again = Plan.from_json(plan.to_json())
    assert again.scenario.site.circuits[1].transformer == Transformer()
    assert again.setpoints.tolist() == plan.setpoints.tolist()
    assert "main" in "\n".join(plan.explain("car-A").lines) or plan.status == "complete"


@st.composite
def anything(draw: st.DrawFn) -> Scenario:
    """Return cars of every kind below a transformer: minimum currents, W only, DC, floors, guards, priorities."""
    connectors = [
        between("A", "12", min_current_a=draw(st.sampled_from([0.0, 8.0]))),
        to_neutral("B", "L2", min_current_a=6.0),
        to_neutral("C", "L1", "L2", "L3", min_current_a=6.0, step_w=100),
        Connector(id="D", station="SD", current_type="DC", max_power_w=9e3, max_current_a=40.0, efficiency=0.9),
    ]
    watts = Capabilities(rate_units=("W",))
    stations = [
        Station(
            id=one.station,
            circuit=draw(st.sampled_from(["panel", "panel", "main"])) if one.id in "BC" else "panel",
            ocpp_version="2.0.1",
            capabilities=watts if one.id in "CD" else Capabilities(),
        )
        for one in connectors
    ]
    circuits = [
        Circuit(id="main", supply="480Y/277", limit_a=draw(st.sampled_from([6.0, 12.0, 30.0]))),
        Circuit(
            id="panel",
            parent="main",
            supply="208Y/120",
            limit_a=draw(st.sampled_from([25.0, 60.0])),
            limit_va=draw(st.sampled_from([None, 9_000.0])),
            transformer=Transformer(vector_group=draw(st.sampled_from(sorted(TEXTBOOK)))),
        ),
    ]
    site = Site(
        id="any",
        circuits=circuits,
        stations=stations,
        connectors=connectors,
        edge_guard_s=draw(st.sampled_from([0, 60])),
        idle_floor_a=draw(st.sampled_from([0.0, 0.0, 8.0])),
    )
    cars = [
        stay(
            one.id,
            4,
            draw(st.sampled_from([2000.0, 9000.0])),
            phases=draw(st.sampled_from([None, 1, 3])),
            priority=draw(st.sampled_from([0, 2])),
        )
        for one in connectors
    ]
    prices = PriceSeries(start=START, step_s=3600, per_kwh=draw(st.permutations([0.1, 0.2, 0.3, 0.4])))
    return scene(site, cars, Tariff(energy=prices))


@settings(deadline=None, max_examples=20)
@given(scenario=anything())
def test_everything_below_a_transformer_stands_before_the_referee(scenario: Scenario) -> None:
    plan = planned(scenario)
    assert plan.verify().ok
    for review in plan.stages:
        assert review.bound is None or review.bound <= review.value + 1e-6 * max(abs(review.value), 1)
