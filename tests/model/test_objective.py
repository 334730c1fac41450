"""Objectives: presets, stages of one's own, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.scenes import START, car, outlet, scene, yard

from ocpp_schedule import CarbonSeries, InputError, Objective, ObjectiveStage, Tariff, schedule
from ocpp_schedule.files import scenario_from_dict
from ocpp_schedule.model.objective import PRESETS, STEADY_SHARE


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_constructors_and_names(name: Any) -> None:
    built = getattr(Objective, name)()
    assert built == Objective(name=name)
    assert tuple(stage.kind for stage in built.sequence) == PRESETS[name]
    left = {stage.kind: stage.allow_rel for stage in built.sequence if stage.allow_abs or stage.allow_rel}
    assert left == ({"cost": STEADY_SHARE} if name == "steady" else {})


def test_stages_of_ones_own() -> None:
    budget = ObjectiveStage(kind="cost", allow_abs=0.05)
    built = Objective.of("must_have", budget, "quick")
    assert built.name == "own"
    assert built.sequence == (ObjectiveStage(kind="must_have"), budget, ObjectiveStage(kind="quick"))
    assert Objective.model_validate(built.model_dump(mode="json")) == built


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"name": "own"}, "name 'own' has no stages", id="own without stages"),
        pytest.param({"stages": [{"kind": "cost"}]}, "stages are given beside the preset 'cheapest'", id="both"),
        pytest.param({"name": "own", "stages": []}, "at least 1", id="none at all"),
        pytest.param(
            {"name": "own", "stages": [{"kind": "cost"}, {"kind": "co2"}, {"kind": "cost"}]},
            "stage 'cost' stands there twice",
            id="twice",
        ),
        pytest.param({"name": "own", "stages": [{"kind": "speed"}]}, "Input should be 'must_have'", id="unknown kind"),
        pytest.param(
            {"name": "own", "stages": [{"kind": "cost", "allow_rel": 1.5}]}, "less than or equal to 1", id="share"
        ),
        pytest.param(
            {"name": "own", "stages": [{"kind": "cost", "allow_abs": -1.0}]}, "greater than or equal", id="sign"
        ),
        pytest.param({"name": "best"}, "Input should be", id="unknown preset"),
    ],
)
def test_what_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Objective.model_validate(fields)


GREEN = "objective: the stage 'co2' needs tariff.co2, g CO2 per kWh; give a series or a number."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"objective": {"name": "greenest"}}, GREEN, id="no emissions for the preset"),
        pytest.param({"objective": {"name": "own", "stages": [{"kind": "co2"}]}}, GREEN, id="nor for a stage"),
        pytest.param(
            {"tariff": {"energy": 0.2, "co2": {"start": "2026-01-15T01:00Z", "step_s": 3600, "g_per_kwh": [1.0] * 3}}},
            "tariff.co2: values start at 2026-01-15T01:00Z, the grid at 2026-01-15T00:00Z. Add the missing values.",
            id="emissions too late",
        ),
        pytest.param(
            {"tariff": {"energy": 0.2, "co2": 0.1234567}},
            "tariff.co2: 0.1234567 has more than 6 decimals. Round it.",
            id="emissions too fine",
        ),
        pytest.param(
            {
                "tariff": {
                    "energy": 0.2,
                    "co2": {"start": "2026-01-15T00:00Z", "step_s": 3600, "g_per_kwh": [1.0] * 3 + [0.1234567]},
                }
            },
            "tariff.co2.g_per_kwh[3]: 0.1234567 has more than 6 decimals. Round it.",
            id="one of them",
        ),
    ],
)
def test_a_scenario_without_what_its_stages_need(change: dict[str, Any], message: str) -> None:
    raw = scene(yard(outlet("A")), [car("a", "A", 0, 4, 1000)]).model_dump(mode="json") | change
    with pytest.raises(InputError) as caught:
        scenario_from_dict(raw)
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_a_value_finer_than_money_is_counted() -> None:
    one = scene(yard(outlet("A")), [car("a", "A", 0, 4, 1000, value_per_kwh=0.1234567)])
    with pytest.raises(InputError, match=r"sessions\[0\] \(a\): value_per_kwh=0.1234567 has more than 6 decimals"):
        schedule(one.site, one.sessions, one.tariff, one.grid)


def test_schedule_names_what_is_missing_for_a_stage() -> None:
    one = scene(yard(outlet("A")), [car("a", "A", 0, 4, 1000)])
    with pytest.raises(InputError, match=r"needs tariff\.co2"):
        schedule(one.site, one.sessions, one.tariff, one.grid, objective=Objective.greenest())
    green = CarbonSeries(start=START, step_s=3600, g_per_kwh=(400, 300, 50, 300))
    plan = schedule(one.site, one.sessions, Tariff(energy=0.25, co2=green), one.grid, objective=Objective.greenest())
    assert plan.setpoints[0, 2] > 0
    assert plan.setpoints[0, :2].sum() == 0
