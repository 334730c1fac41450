"""Few starts end to end: blocks for a small share of the cost, counted by the referee (convention 27)."""

from __future__ import annotations

import json

import pytest
from tests.scenes import HOUR, START, car, hours, outlet, priced, yard

from ocpp_schedule import Forecast, Generator, Objective, ObjectiveStage, Plan, PlanRejectedError, schedule
from ocpp_schedule.model.objective import STEADY_SHARE
from ocpp_schedule.testing.generator import mixed_scenario

ONE = yard(outlet("A", max_current_a=16.0), limit_a=32.0)


def starts(plan: Plan) -> int:
    return plan.stages[[review.name for review in plan.stages].index("starts")].value


def test_a_block_is_not_torn_for_next_to_nothing() -> None:
    """Two of four hours, the third cheaper by a hundredth of a cent: apart it would cost less, together it stays."""
    tariff = priced(0.2, 0.2001, 0.2, 0.3)
    torn = schedule(ONE, [car("a", "A", 0, 4, 7_360, phases=1)], tariff, hours(4))
    whole = schedule(ONE, [car("a", "A", 0, 4, 7_360, phases=1)], tariff, hours(4), objective=Objective.steady())
    assert torn.setpoints.tolist() == [[160, 0, 160, 0]]
    assert whole.setpoints.tolist() in ([[160, 160, 0, 0]], [[0, 160, 160, 0]])
    assert torn.cost < whole.cost <= torn.cost * (1 + STEADY_SHARE)
    assert starts(whole) == 1
    assert whole.mark == "certified"


@pytest.mark.parametrize("guard_s", [pytest.param(0, id="no guard"), pytest.param(60, id="guard")])
def test_a_larger_site_gets_fewer_blocks_within_the_budget(guard_s: int) -> None:
    day = mixed_scenario(24, 48, 1, edge_guard_s=guard_s)
    cheap = Objective.of("must_have", "wanted", "cost", "starts")
    free = schedule(day.site, day.sessions, day.tariff, day.grid, objective=cheap)
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, objective=Objective.steady())
    assert plan.solution.method == "linear"
    assert starts(plan) < starts(free)
    assert plan.cost <= free.cost * (1 + 2 * STEADY_SHARE)
    assert plan.verify().ok
    assert plan.stages[-1].bound == len(day.sessions)
    assert plan.mark == "certified"
    assert Plan.from_json(plan.to_json()).stages == plan.stages


def test_a_wrong_number_is_caught() -> None:
    plan = schedule(ONE, [car("a", "A", 0, 4, 7_360, phases=1)], priced(0.2, 0.2, 0.2, 0.2), hours(4),
                    objective=Objective.steady())  # fmt: skip
    data = json.loads(plan.to_json())
    data["solution"]["stages"][-1]["value"] = 0
    with pytest.raises(PlanRejectedError, match="claimed_stage"):
        Plan.from_json(json.dumps(data))


def test_what_is_under_way_has_begun() -> None:
    day = {"site": ONE, "tariff": priced(0.2, 0.2, 0.2, 0.3), "grid": hours(4), "objective": Objective.steady()}
    first = schedule(sessions=[car("a", "A", 0, 4, 7_360, phases=1)], **day)
    assert first.setpoints.tolist() == [[160, 160, 0, 0]]
    again = schedule(sessions=[car("a", "A", 0, 4, 7_360, phases=1)], **day, previous=first, now=START + HOUR / 2)
    assert again.setpoints[0, 1] > 0
    assert starts(again) == 0
    assert again.verify().ok


def test_starts_may_come_first_and_at_the_meter() -> None:
    cars = [car("a", "A", 0, 4, 7_360, phases=1)]
    tariff = priced(0.2, 0.5, 0.1, 0.5)
    first = schedule(ONE, cars, tariff, hours(4), objective=Objective.of("must_have", "wanted", "starts", "cost"))
    assert starts(first) == 1
    alone = schedule(ONE, cars, tariff, hours(4), objective=Objective.of("starts"))
    assert starts(alone) == 0
    site = ONE.model_copy(update={"generators": (Generator(id="roof", circuit="main"),)})
    sun = Forecast(id="roof", start=START, step_s=3600, expected_w=(0, 3_000, 5_000, 1_000))
    metered = schedule(site, cars, tariff, hours(4), forecasts=[sun], objective=Objective.steady())
    assert metered.verify().ok
    assert starts(metered) == 1


def test_a_number_of_starts_may_be_left_to_later_stages() -> None:
    cars = [car("a", "A", 0, 4, 7_360, phases=1)]
    left = ObjectiveStage(kind="starts", allow_abs=1)
    plan = schedule(
        ONE, cars, priced(0.1, 0.5, 0.1, 0.5), hours(4), objective=Objective.of("must_have", "wanted", left, "cost")
    )
    assert plan.setpoints.tolist() == [[160, 0, 160, 0]]


def test_the_last_slot_is_under_way() -> None:
    day = {"site": ONE, "tariff": priced(0.2, 0.2), "grid": hours(2), "objective": Objective.steady()}
    first = schedule(sessions=[car("a", "A", 0, 2, 7_360, phases=1)], **day)
    again = schedule(sessions=[car("a", "A", 0, 2, 7_360, phases=1)], **day, previous=first, now=START + 1.5 * HOUR)
    assert again.setpoints.tolist() == [[160]]
    assert starts(again) == 0
