"""The whole way: what the messages say on the charger is what was planned and verified."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from tests.scenes import planned

from ocpp_schedule import example_path, load_scenario
from ocpp_schedule.testing.composite import limit_at
from ocpp_schedule.testing.strategies import scenarios

if TYPE_CHECKING:
    from ocpp_schedule import Plan, Scenario


def wire_and_plan(plan: Plan) -> int:
    """Compare the messages with the plan inside every slot of every session; return how many slots there were."""
    messages = plan.to_ocpp()
    site = plan.scenario.site
    evse = {connector.id: (connector.station, connector.evse_id) for connector in site.connectors}
    sessions = {session.id: session for session in plan.scenario.sessions}
    problem, guard = plan.problem, timedelta(seconds=site.edge_guard_s)
    compared = 0
    for row, name in enumerate(plan.session_ids):
        session = sessions[name]
        station, evse_id = evse[session.connector]
        for slot in range(int(problem.first_slot[row]), int(problem.end_slot[row])):
            start, end = plan.scenario.grid.edge(slot), plan.scenario.grid.edge(slot + 1)
            if plan.solution.late_raise[row, slot]:
                start += guard
            if plan.solution.early_lowering[row, slot]:
                end -= guard
            for at in (start, start + (end - start) / 2, end - timedelta(seconds=1)):
                found = limit_at(
                    messages, station=station, evse_id=evse_id, at=at, transaction_id=session.transaction_id
                )
                assert found is not None, (name, at)
                assert found[0] == plan.limits[row, slot], (name, slot, at, found)
            compared += 1
    return compared


@settings(max_examples=60)
@given(scenario=scenarios())
def test_messages_say_what_was_planned(scenario: Scenario) -> None:
    wire_and_plan(planned(scenario))


@pytest.mark.parametrize("name", ["workplace_day", "depot_night", "tight"])
def test_messages_of_the_examples_say_what_was_planned(name: str) -> None:
    plan = planned(load_scenario(example_path(name)))
    assert wire_and_plan(plan) > 50
    if plan.status == "complete":
        assert plan.cost <= plan.uncontrolled.cost


@settings(max_examples=60)
@given(scenario=scenarios())
def test_limits_are_never_between_zero_and_the_minimum(scenario: Scenario) -> None:
    plan = planned(scenario)
    lowest = {c.id: c.min_current_a for c in scenario.site.connectors}
    evse = {(c.station, c.evse_id): c.id for c in scenario.site.connectors}
    for message in plan.to_ocpp():
        payload = message["payload"]
        profile = payload.get("chargingProfile") or payload["csChargingProfiles"]
        schedules = profile["chargingSchedule"]
        schedule = schedules[0] if isinstance(schedules, list) else schedules
        number = payload.get("evseId") or payload["connectorId"]
        periods = schedule["chargingSchedulePeriod"]
        assert periods[0]["startPeriod"] == 0
        assert all(before["startPeriod"] < after["startPeriod"] for before, after in pairwise(periods))
        if schedule["chargingRateUnit"] == "A":
            least = lowest[evse[message["station"], number]]
            assert all(period["limit"] == 0 or period["limit"] >= least for period in periods)
