"""Plans to JSON and back: the same bytes, nothing tampered with, and one kind of error for whatever is no archive."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, outlet, planned, priced, scene, worked_plan, yard

from ocpp_schedule import Forecast, InputError, LimitSeries, Load, Plan, PlanRejectedError, Scenario
from ocpp_schedule.testing.strategies import scenarios


def guarded_plan() -> Plan:
    """Return a plan with late raises: 25 A pass from ``a`` to ``b``; with milestone, load and limit series."""
    cars = [
        car("a", "A", 0, 2, 9000, phases=1, milestones=[{"by": START + HOUR, "energy_wh": 4600}]),
        car("b", "B", 2, 4, 9000, phases=1),
    ]
    site = yard(outlet("A"), outlet("B"), loads=[Load(id="hall", circuit="main")])
    series = {
        "forecasts": (Forecast(id="hall", start=START, step_s=7200, expected_a=(1.0, (2.0, 2.0, 3.0))),),
        "limits": (LimitSeries(circuit="main", start=START, step_s=3600, limit_a=(24.0,)),),
    }
    return planned(scene(site, cars, priced(0.4, 0.1, 0.2, 0.5), **series))


PLANS = {"worked": worked_plan(), "guarded": guarded_plan(), "empty": planned(scene(yard(), []))}
TEXTS = {name: plan.to_json() for name, plan in PLANS.items()}


def changed(name: str, **solution: Any) -> str:
    data = json.loads(TEXTS[name])
    data["solution"] |= solution
    return json.dumps(data)


@pytest.mark.parametrize("name", PLANS)
def test_round_trip_gives_the_same_bytes(name: str) -> None:
    again = Plan.from_json(TEXTS[name])
    assert again.to_json() == TEXTS[name]
    plan = PLANS[name]
    assert (again.status, again.mark, again.cost, again.bound) == (plan.status, plan.mark, plan.cost, plan.bound)
    assert again.setpoints.tolist() == plan.setpoints.tolist()
    assert again.solution.late_raise.tolist() == plan.solution.late_raise.tolist()
    assert again.solution.early_lowering.tolist() == plan.solution.early_lowering.tolist()
    assert again.summary() == plan.summary()
    assert again.to_ocpp() == plan.to_ocpp()
    assert again.scenario == plan.scenario


def test_the_guarded_plan_is_guarded() -> None:
    assert json.loads(TEXTS["guarded"])["solution"]["late_raise"] == {"b": [2]}


@settings(max_examples=30)
@given(scenario=scenarios())
def test_every_plan_survives_the_round_trip(scenario: Scenario) -> None:
    text = planned(scenario).to_json()
    assert Plan.from_json(text).to_json() == text


def test_arrays_of_a_plan_that_was_read_are_read_only() -> None:
    solution = Plan.from_json(TEXTS["worked"]).solution
    for array in (solution.setpoints, solution.late_raise, solution.energy_units, solution.end_floor_steps):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


WORKED = json.loads(TEXTS["worked"])["solution"]


def stages(at: int, **change: Any) -> list[dict[str, Any]]:
    found = copy.deepcopy(WORKED["stages"])
    found[at] |= change
    return list(found)


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        pytest.param(
            "worked", {"setpoints": WORKED["setpoints"] | {"a": [0, 161, 80, 0]}}, "maximum", id="above the maximum"
        ),
        pytest.param(
            "worked", {"setpoints": WORKED["setpoints"] | {"a": [0, 59, 80, 0]}}, "minimum", id="below the minimum"
        ),
        pytest.param("worked", {"setpoints": WORKED["setpoints"] | {"b": [0, 91, 70, 0]}}, "row", id="above the fuse"),
        pytest.param(
            "worked", {"setpoints": WORKED["setpoints"] | {"b": [60, 90, 70, 0]}}, "window", id="before arrival"
        ),
        pytest.param(
            "worked", {"setpoints": WORKED["setpoints"] | {"a": [0, 160, 79, 0]}}, "claimed_energy", id="less"
        ),
        pytest.param("worked", {"energy_units": WORKED["energy_units"] | {"a": 0}}, "claimed_energy", id="energy"),
        pytest.param("worked", {"cost_units": 1, "stages": stages(2, value=1)}, "claimed_cost", id="cost"),
        pytest.param("worked", {"stages": stages(1, value=7)}, "claimed_stage", id="a shortfall that is none"),
        pytest.param("worked", {"stages": stages(2, value=7)}, "claimed_stage", id="another cost of its stage"),
        pytest.param("worked", {"idle_floor_steps": {"A": 0, "B": 60}}, "idle_floor", id="idle floor"),
        pytest.param("worked", {"end_floor_steps": {"A": 60, "B": 160}}, "end_floor", id="end floor"),
        pytest.param("worked", {"late_raise": {"a": [2]}}, "edge", id="a guard where nothing rises"),
        pytest.param("guarded", {"late_raise": {}}, "edge", id="a guard taken away"),
    ],
)
def test_what_was_tampered_with_is_rejected(name: str, change: dict[str, Any], rule: str) -> None:
    with pytest.raises(PlanRejectedError) as caught:
        Plan.from_json(changed(name, **change))
    assert any(text.startswith(f"{rule}: ") for text in caught.value.violations), caught.value.violations


def test_a_changed_scenario_rejects_the_plan() -> None:
    data = json.loads(TEXTS["worked"])
    data["scenario"]["site"]["circuits"][0]["limit_a"] = 24.9
    with pytest.raises(PlanRejectedError, match="row: circuit 'main' L1, slot 1"):
        Plan.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"setpoints": {"a": [0, 160, 80, 0]}}, "setpoints names", id="a session is missing"),
        pytest.param(
            {"setpoints": WORKED["setpoints"] | {"c": [0, 0, 0, 0]}}, "setpoints names", id="a session too many"
        ),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, 160, 80]}}, "no list of 4", id="a slot is missing"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": "0160"}}, "no list of 4", id="text for a row"),
        pytest.param(
            {"setpoints": WORKED["setpoints"] | {"a": [0, 160.7, 80, 0]}}, "160.7 is no whole", id="a fraction"
        ),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, "160", 80, 0]}}, "'160' is no whole", id="a text"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, True, 80, 0]}}, "True is no whole", id="a boolean"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, None, 80, 0]}}, "None is no whole", id="nothing"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, -1, 80, 0]}}, "from -1 to", id="negative"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, 2**41, 80, 0]}}, "to 2199023255552", id="huge"),
        pytest.param({"setpoints": WORKED["setpoints"] | {"a": [0, 2**80, 80, 0]}}, "OverflowError", id="beyond int64"),
        pytest.param({"setpoints": []}, "setpoints names", id="a list for a mapping"),
        pytest.param({"late_raise": {"a": [-1]}}, "slot -1", id="a slot from the end"),
        pytest.param({"late_raise": {"a": [4]}}, "IndexError", id="a slot after the grid"),
        pytest.param({"late_raise": {"a": [1.0]}}, "1.0 is no whole", id="a slot with a fraction"),
        pytest.param({"late_raise": {"z": [1]}}, "KeyError", id="a guard of an unknown session"),
        pytest.param({"early_lowering": []}, "AttributeError", id="guards that are no mapping"),
        pytest.param({"idle_floor_steps": {"A": 60}}, "idle_floor_steps names", id="a floor is missing"),
        pytest.param(
            {"certificates": {"cost": WORKED["certificates"]["cost"] | {"denominator": 0}}},
            "denominator 0",
            id="no denominator",
        ),
        pytest.param({"energy_units": {"a": 1.5, "b": 2}}, "1.5 is no whole", id="energy with a fraction"),
        pytest.param({"cost_units": "45540000000000"}, "no whole", id="cost as text"),
        pytest.param({"stages": []}, "the stages are not must_have", id="no stages"),
        pytest.param({"stages": stages(0, name="other")}, "the stages are not must_have", id="an unknown stage"),
        pytest.param({"stages": stages(2, value=7.5)}, "7.5 is no whole", id="a cost with a fraction"),
        pytest.param({"stages": stages(2, bound="1")}, "'1' is no bound", id="a bound as text"),
        pytest.param({"stages": stages(2, bound=float("nan"))}, "nan is no bound", id="NaN for a bound"),
        pytest.param({"stages": stages(2, bound=True)}, "True is no bound", id="a boolean for a bound"),
        pytest.param(
            {"stages": stages(0, mark="certified")}, "'certified' is no mark", id="a mark that we do not give"
        ),
        pytest.param({"stages": stages(0, mark=[])}, "is no mark", id="a list for a mark"),
        pytest.param({"method": 7}, "7 is no text", id="a number for a method"),
    ],
)
def test_a_solution_of_another_form(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan.from_json(changed("worked", **change))
    assert "solution: does not belong to the scenario beside it" in str(caught.value)
    assert message in str(caught.value)


def test_a_shortfall_that_is_hidden_is_refused() -> None:
    """What the set-points miss must stand in the stages."""
    plan = planned(scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 1, 5000, phases=1)]))
    data = json.loads(plan.to_json())
    assert data["solution"]["stages"][1]["value"] == 1320 * 36_000
    data["solution"]["stages"][1]["value"] = 0
    with pytest.raises(PlanRejectedError, match="claimed_stage: plan 'wanted'"):
        Plan.from_json(json.dumps(data))


def without(*path: str) -> str:
    data = json.loads(TEXTS["worked"])
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return json.dumps(data)


def replaced(key: str, value: Any) -> str:
    return json.dumps(json.loads(TEXTS["worked"]) | {key: value})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is no plan that to_json wrote", id="nothing"),
        pytest.param("not json", "is no plan that to_json wrote", id="no JSON"),
        pytest.param(TEXTS["worked"][:-1], "is no plan that to_json wrote", id="cut off"),
        pytest.param("[]", "is no plan that to_json wrote", id="a list"),
        pytest.param("null", "is no plan that to_json wrote", id="null"),
        pytest.param("{}", "is no plan that to_json wrote", id="an empty mapping"),
        pytest.param("[" * 100_000, "is no plan that to_json wrote", id="deeper than the stack"),
        pytest.param("9" * 10_000, "is no plan that to_json wrote", id="a number without end"),
        pytest.param(without("scenario"), "is no plan that to_json wrote", id="no scenario"),
        pytest.param(without("solution"), "is no plan that to_json wrote", id="no solution"),
        pytest.param(without("scenario", "site", "id"), "is no plan that to_json wrote", id="a field of the site"),
        pytest.param(without("solution", "setpoints"), "KeyError('setpoints')", id="no set-points"),
        pytest.param(replaced("solution", 7), "is no plan that to_json wrote", id="a number for the solution"),
        pytest.param(replaced("format_version", 2), "format_version: 2 is not known; there is 1.", id="a later format"),
    ],
)
def test_what_is_no_archive(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan.from_json(text)
    assert str(caught.value).startswith("1 problem in plan archive\n")
    assert message in str(caught.value)


def test_broken_references_are_named() -> None:
    data = json.loads(TEXTS["worked"])
    data["scenario"]["sessions"][1]["connector"] = "BB"
    with pytest.raises(InputError, match=r"sessions\[1\] \(b\): connector 'BB' does not exist"):
        Plan.from_json(json.dumps(data))


# Fuzz: whatever is changed, the answer is a plan that the referee accepts, or one of our two errors.

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 400),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["A", "B", "a", "b", "main", "2026-01-15T02:00:00Z", "2199-12-31T23:59:59Z", "Europe/Paris"]),
    st.lists(st.integers(-1, 200), max_size=5),
    st.dictionaries(st.sampled_from(["a", "A", "id", "x"]), st.integers(-1, 200), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything within the value."""
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    data = json.loads(TEXTS[draw(st.sampled_from(["worked", "guarded"]))])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(data)[1:]))
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        action = draw(st.sampled_from(["replace", "replace", "delete", "add", "repeat"]))
        if action == "delete":
            del parent[path[-1]]
        elif action == "add" and isinstance(parent, dict):
            parent[draw(st.text(max_size=4))] = draw(JUNK)
        elif action == "repeat" and isinstance(parent, list):
            parent.append(parent[path[-1]])
        else:
            parent[path[-1]] = draw(JUNK)
        if len(places(data)) == 1:
            break
    return json.dumps(data)


@settings(max_examples=400)
@given(mutated())
def test_mutated_archives(text: str) -> None:
    try:
        plan = Plan.from_json(text)
    except (InputError, PlanRejectedError):
        return
    assert plan.verify().ok
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()
    assert plan.summary()


@settings(max_examples=100)
@given(cut=st.integers(0, 3000), junk=st.text(max_size=5))
def test_spliced_text(cut: int, junk: str) -> None:
    text = TEXTS["worked"]
    with suppress(InputError, PlanRejectedError):
        assert Plan.from_json(text[:cut] + junk + text[cut + len(junk) :]).verify().ok
