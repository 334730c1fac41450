"""Soft limits, largest share missed, highest load, levels: against exhaustive search, and with prices of any kind."""

from __future__ import annotations

from itertools import product
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.solve.test_oracle import START, UNITS_PER_WH, limits_of
from tests.solve.test_stage_oracle import MOST_PLANS, SLOT, choices, coloured, values

from ocpp_schedule.check.duality import proven_units
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.check.stages import stages_of
from ocpp_schedule.model.objective import Objective, ObjectiveStage
from ocpp_schedule.model.series import Forecast, LimitSeries
from ocpp_schedule.model.site import Load
from ocpp_schedule.plan import Plan, schedule
from ocpp_schedule.solution import Certificate

if TYPE_CHECKING:
    from ocpp_schedule import Scenario

LEVELS = 64
UNITS = {"peak": 10, "fair": 10**6, "starts": 1}
OBJECTIVES = [
    pytest.param(Objective.flattest(), id="flattest"),
    pytest.param(Objective.fairest(), id="fairest"),
    pytest.param(Objective.cheapest(), id="cheapest, with a contract"),
    pytest.param(Objective.steady(), id="steady"),
    pytest.param(Objective.of("must_have", "contract", "wanted", "starts", "cost"), id="few starts before the cost"),
    pytest.param(Objective.of("contract", "peak"), id="contract and peak alone"),
    pytest.param(Objective.of("must_have", "contract", "wanted", "flat"), id="levels alone"),
    pytest.param(Objective.of("contract", "wanted", "fair", "cost"), id="fair after wanted"),
    pytest.param(
        Objective.of("must_have", "contract", "wanted", ObjectiveStage(kind="peak", allow_rel=0.2), "cost"),
        id="a budget of power",
    ),
    pytest.param(
        Objective.of("must_have", "contract", ObjectiveStage(kind="fair", allow_abs=0.25), "cost"),
        id="a budget of shares",
    ),
    pytest.param(
        Objective.of("must_have", ObjectiveStage(kind="contract", allow_abs=300), "wanted", "cost"),
        id="a budget of the contract",
    ),
]
SLOWLY = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def loaded(draw: st.DrawFn) -> Scenario:
    """Return a tiny scenario with a base load on L1 and soft limits on its circuits."""
    scenario = draw(coloured())
    slots = scenario.grid.slots
    amperes = draw(st.lists(st.sampled_from([0.0, 0.0, 3.5, 12.0]), min_size=slots, max_size=slots))
    limits = [
        LimitSeries(circuit=circuit.id, start=START, step_s=900, soft=True, **{field: (most,) * slots})
        for circuit in scenario.site.circuits
        for field, most in draw(
            st.sampled_from(
                [
                    [],
                    [("limit_a", 10.0)],
                    [("limit_a", 4.0)],
                    [("limit_w", 2000.0)],
                    [("limit_va", 3680.0), ("limit_a", 6.0)],
                ]
            )
        )
    ]
    main = next(circuit.id for circuit in scenario.site.circuits if circuit.parent is None)
    load = Load(id="base", circuit=main, lines=("L1",))
    base = Forecast(id="base", start=START, step_s=900, expected_a=tuple(amperes))
    site = scenario.site.model_copy(update={"loads": (load,)})
    return scenario.model_copy(update={"site": site, "limits": tuple(limits), "forecasts": (base,)})


Drawn = tuple[np.ndarray[Any, Any], list[list[int]]]
"""Currents by row (lines, total) and slot, and energies by session and slot."""


def base_of(scenario: Scenario) -> tuple[list[tuple[str, int]], np.ndarray[Any, Any]]:
    """Return the rows, and the base load of each by slot."""
    rows = [(circuit.id, line) for circuit in scenario.site.circuits for line in range(4)]
    amperes = np.array([float(a) for a in scenario.forecasts[0].expected_a or ()])
    main = scenario.site.loads[0].circuit
    factor = {0: 1.0, 3: 230.0}
    return rows, np.array([factor.get(line, 0.0) * (name == main) * amperes for name, line in rows])


def every_plan(scenario: Scenario) -> list[Drawn]:
    rows, base = base_of(scenario)
    weight = np.repeat([circuit.continuous_load_factor for circuit in scenario.site.circuits], 4)[:, None]
    most = np.array([limit for circuit in scenario.site.circuits for limit in limits_of(circuit)])[:, None]
    room = most - base / weight + 1e-9
    options = [choices(scenario, session, rows) for session in scenario.sessions]
    assume(np.prod([len(option) for option in options]) <= MOST_PLANS)
    found = []
    for choice in product(*options):
        drawn = sum(one[0] for one in choice)
        # Where base load alone is above a limit no car below it may draw.
        if ((drawn <= room) | (drawn == 0)).all():
            found.append((drawn, [one[1] for one in choice]))
    return found


def all_values(scenario: Scenario, objective: Objective, plan: Drawn) -> dict[str, int]:
    """Return the value of each stage in order."""
    drawn, units = plan
    rows, base = base_of(scenario)
    sequence = objective.stages_with(soft=bool(scenario.limits))
    plain = [stage for stage in sequence if stage.kind not in {"contract", "fair", "peak", "flat", "starts"}]
    found = values(scenario, Objective.of(*plain), units) if plain else {}
    total = [sum(own[t] for own in units) + round(float(base[3, t]) * 9000) for t in range(scenario.grid.slots)]
    found["starts"] = sum(t == 0 or not own[t - 1] for own in units for t, one in enumerate(own) if one)
    found["contract"] = ceil(round(above(scenario, drawn, rows, base), 3))
    found["peak"] = max(-(-one // 900) for one in total)
    height = level(scenario, total, units) * 900
    found["flat"] = sum(max(0, one - k * height) for one in total for k in range(1, LEVELS + 1))
    classes = sorted({car.priority for car in scenario.sessions}, reverse=True)
    for one in classes:
        shares = [0]
        for car, own in zip(scenario.sessions, units, strict=True):
            wish = floor(car.energy_wh * UNITS_PER_WH)
            if car.priority == one and wish and car.value_per_kwh is None:
                shares.append(-(-max(0, wish - sum(own)) * 10**6 // wish))
        found[f"fair {one}" if len(classes) > 1 else "fair"] = max(shares)
    return {name: found[name] for name in names(scenario, objective)}


def names(scenario: Scenario, objective: Objective) -> list[str]:
    """Return the stages by name: shares and wishes that follow each other by priority, the highest first."""
    kinds = [stage.kind for stage in objective.stages_with(soft=bool(scenario.limits))]
    classes = sorted({car.priority for car in scenario.sessions}, reverse=True)
    if len(classes) < 2:
        return list(kinds)
    text = " ".join(kinds)
    for pair in ("fair wanted", "wanted fair"):
        text = text.replace(pair, " ".join(f"{kind}+{one}" for one in classes for kind in pair.split()))
    for kind in ("must_have", "fair", "wanted"):
        text = " ".join(" ".join(f"{kind}+{one}" for one in classes) if word == kind else word for word in text.split())
    return [word.replace("+", " ") for word in text.split()]


def above(scenario: Scenario, drawn: Any, rows: list[tuple[str, int]], base: Any) -> float:
    """Return the energy above soft limits [0.1 J]."""
    weight = {circuit.id: circuit.continuous_load_factor for circuit in scenario.site.circuits}
    total = 0.0
    for row, (name, line) in enumerate(rows):
        for t in range(scenario.grid.slots):
            limits = [
                series.limit_a[t] if line < 3 else (series.limit_va or series.limit_w)[t]
                for series in scenario.limits
                if series.circuit == name and (series.limit_a is None) == (line == 3)
            ]
            if limits:
                room = (min(limits) - base[row, t]) / weight[name]
                room = floor(round(room * (1e3 if line == 3 else 1e6), 3)) / (1e3 if line == 3 else 1e6)
                total += max(0.0, drawn[row, t] - room) * (1 if line == 3 else 230) * 9000
    return total


def level(scenario: Scenario, total: list[int], units: list[list[int]]) -> int:
    """Return the height of a level [0.1 W]: a 64th of base load and all cars that are there at their most."""
    highest = []
    for t in range(scenario.grid.slots):
        power = -(-(total[t] - sum(own[t] for own in units)) // 900)
        for car in scenario.sessions:
            connector = next(c for c in scenario.site.connectors if c.id == car.connector)
            low = -(-connector.min_current_a // 8.0)
            most = connector.max_current_a // 8.0
            used = 1 if car.phases is None else min(car.phases, len(connector.lines))
            if car.arrival <= START + t * SLOT < car.departure and most >= low:
                power += int(most) * used * 230 * 80
        highest.append(power)
    return max(-(-max(highest) // LEVELS), 1)


def allowed(stage: ObjectiveStage, best: int) -> int:
    money = 10**6 * UNITS_PER_WH * 1000
    unit = {"cost": money}.get(stage.kind, UNITS.get(stage.kind, UNITS_PER_WH))
    return best + round(stage.allow_abs * unit) + floor(round(stage.allow_rel * abs(best), 3))


def planned_for(scenario: Scenario, objective: Objective) -> Plan:
    return schedule(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        objective=objective,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
@SLOWLY
@given(scenario=loaded())
def test_plan_equals_exhaustive_search(objective: Objective, scenario: Scenario) -> None:
    assume(objective.name != "own" or "contract" in [stage.kind for stage in objective.sequence])
    left = [all_values(scenario, objective, plan) for plan in every_plan(scenario)]
    plan = planned_for(scenario, objective)
    seen = {stage.name: stage.value for stage in plan.solution.stages}
    kinds = {stage.kind: stage for stage in objective.stages_with(soft=bool(scenario.limits))}
    assert list(seen) == list(left[0])
    assert seen in left
    for review in plan.stages:
        best = min(one[review.name] for one in left)
        within = allowed(kinds[review.name.partition(" ")[0]], best)
        assert review.mark == "certified", review
        assert review.bound is not None
        assert review.bound <= best
        assert best <= review.value <= within, (review, best, seen)
        left = [one for one in left if one[review.name] <= within]
    assert Plan.from_json(plan.to_json()).stages == plan.stages


@st.composite
def any_prices(draw: st.DrawFn, scenario: Scenario, stages: list[str]) -> Certificate:
    slots = scenario.grid.slots
    row = st.lists(st.integers(-(10**5), 10**7), min_size=slots, max_size=slots).map(tuple)
    price = st.integers(-(10**5), 10**6)
    goals = [(car.id, k) for car in scenario.sessions for k in [None, *range(len(car.milestones))]]
    circuits = [circuit.id for circuit in scenario.site.circuits]
    return Certificate(
        {("circuit", name, line): draw(row) for name in circuits for line in range(3)},
        {goal: draw(price) for goal in goals},
        denominator=draw(st.sampled_from([1, 2**10, 2**30])),
        stage_prices={name: draw(st.integers(-5, 10**9)) for name in stages if draw(st.booleans())},
        load_prices={name: draw(row) for name in ("peak", "flat")},
        share_prices={name: {car.id: draw(price) for car in scenario.sessions} for name in stages if "fair" in name},
        soft_prices={(name, line): draw(row) for name in circuits for line in range(4)},
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
@SLOWLY
@given(data=st.data(), scenario=loaded())
def test_no_prices_prove_more_than_the_truth(objective: Objective, data: st.DataObject, scenario: Scenario) -> None:
    left = [all_values(scenario, objective, plan) for plan in every_plan(scenario)]
    scene = scene_of(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        objective=objective,
    )
    sequence = stages_of(scene)
    assert [name for name, _ in sequence] == list(left[0])
    hand = data.draw(st.sampled_from(left))
    for name, stage in sequence:
        certificate = data.draw(any_prices(scenario, list(left[0])))
        truth = min(one[name] for one in left)
        if stage.kind != "starts":
            assert proven_units(scene, name, certificate, hand) <= truth
        left = [one for one in left if one[name] <= allowed(stage, hand[name])]
