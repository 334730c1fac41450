"""All features at once: whatever is mixed, a plan keeps every promise, or the input error says what cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings

from ocpp_schedule import InputError, Plan, schedule
from ocpp_schedule.testing.mixtures import mixtures

if TYPE_CHECKING:
    from typing import Any

    from ocpp_schedule import Scenario

FIELDS = ("limits", "forecasts", "availability", "session_defaults", "objective")


def planned(scenario: Scenario, **changes: Any) -> Plan | None:
    """Return the plan, or None where something is refused."""
    given_ = {name: getattr(scenario, name) for name in FIELDS} | {"sessions": scenario.sessions} | changes
    sessions = given_.pop("sessions")
    try:
        return schedule(scenario.site, sessions, scenario.tariff, scenario.grid, **given_)
    except InputError:
        return None


@given(mixtures())
@settings(max_examples=150)
def test_a_plan_keeps_every_promise(scenario: Scenario) -> None:
    plan = planned(scenario)
    if plan is None:
        return
    assert not plan.verify().violations
    for stage in plan.solution.stages:
        assert stage.bound is None or stage.bound <= stage.value + 1e-6 * max(1.0, abs(stage.value)), stage
    for name, proven in plan._proven.items():
        assert proven <= next(stage.value for stage in plan.solution.stages if stage.name == name), name
    text = plan.to_json()
    assert Plan.from_json(text).to_json() == text
    assert plan.summary()
    for session in plan.session_ids:
        assert str(plan.explain(session))
    assert len(plan.to_frame()) == int((plan.problem.end_slot - plan.problem.first_slot).sum())


@given(mixtures())
@settings(max_examples=40)
def test_the_order_of_the_input_does_not_matter(scenario: Scenario) -> None:
    plan = planned(scenario)
    if plan is None:
        return
    turned = planned(
        scenario,
        sessions=tuple(reversed(scenario.sessions)),
        forecasts=tuple(reversed(scenario.forecasts)),
        limits=tuple(reversed(scenario.limits)),
    )
    assert turned is not None
    assert np.array_equal(turned.setpoints, plan.setpoints)
    assert json.loads(turned.to_json())["solution"] == json.loads(plan.to_json())["solution"]
