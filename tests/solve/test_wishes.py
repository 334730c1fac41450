"""Highest prices and availability, against exhaustive search and by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, outlet, planned, priced, scene, yard

from ocpp_schedule import Milestone, Outage, Scenario

WH = 36_000


def tiny(draw: Any) -> tuple[Scenario, list[list[bool]]]:
    """Return two cars on one fuse with 8 A steps, and by car which slots are open and cheap enough."""
    prices = [draw(st.sampled_from([0.1, 0.2, 0.3])) for _ in range(3)]
    highest = [draw(st.sampled_from([None, 0.1, 0.15, 0.2])) for _ in range(2)]
    outages = [draw(st.booleans()) for _ in range(3)]
    cars, allowed = [], []
    for k in range(2):
        wish = float(draw(st.sampled_from([1840, 3680, 5520, 9000])))
        goal = draw(st.sampled_from([0.0, 1000.0, 1840.0]))
        milestones = (Milestone(by=START + 2 * HOUR, energy_wh=goal, hard=draw(st.booleans())),) if goal else ()
        cars.append(car(f"s{k}", f"C{k}", 0, 3, wish, phases=1, max_price_per_kwh=highest[k], milestones=milestones))
        allowed.append(
            [
                (highest[k] is None or p <= highest[k]) and not (k == 0 and out)
                for p, out in zip(prices, outages, strict=True)
            ]
        )
    site = yard(
        *(outlet(f"C{k}", step_a=8.0, max_current_a=16.0) for k in range(2)),
        limit_a=draw(st.sampled_from([16.0, 24.0, 32.0])),
        edge_guard_s=0,
    )
    rules = [Outage(connector="C0", start=START + t * HOUR, end=START + (t + 1) * HOUR) for t in range(3) if outages[t]]
    return scene(site, cars, priced(*prices, 0.0), grid=_three(), availability=rules), allowed


def _three() -> Any:
    return {"start": START, "step_s": 3600, "slots": 3}


def best(scenario: Scenario, allowed: list[list[bool]]) -> tuple[int, int, int]:
    """Return must-have, wanted and cost of the best plan; in Wh and in price x Wh."""
    prices = [round(p * 1000) for p in scenario.tariff.energy.per_kwh][:3]
    limit = scenario.site.circuits[0].limit_a
    options = []
    for k, session in enumerate(scenario.sessions):
        open_ = [
            not any(
                r.connector == session.connector and r.start <= START + t * HOUR < r.end for r in scenario.availability
            )
            for t in range(3)
        ]
        found = []
        for steps in product(*[(0, 1, 2) if ok else (0,) for ok in allowed[k]]):
            wh = [1840 * step for step in steps]
            wishes = [(session.energy_wh, 3, False), *((m.energy_wh, 2, m.hard) for m in session.milestones)]
            if sum(wh) >= session.energy_wh + 1840:
                continue
            missed = [0.0, 0.0]
            for want, end, hard in wishes:
                anyhow = sum(3680 for t in range(end) if open_[t])
                affordable = sum(3680 for t in range(end) if allowed[k][t])
                left = want - (min(want, anyhow) - min(want, affordable))
                missed[not hard] += max(0.0, left - sum(wh[:end]))
            found.append((steps, missed[0], missed[1], sum(w * p for w, p in zip(wh, prices, strict=True))))
        options.append(found)
    return min(
        (one[1] + two[1], one[2] + two[2], one[3] + two[3])
        for one in options[0]
        for two in options[1]
        if all(8 * (a + b) <= limit for a, b in zip(one[0], two[0], strict=True))
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_plan_equals_exhaustive_search(data: st.DataObject) -> None:
    scenario, allowed = tiny(data.draw)
    plan = planned(scenario)
    must, want, cost = best(scenario, allowed)
    values = [stage.value for stage in plan.solution.stages]
    assert values == [must * WH, want * WH, cost * WH * 1000]


def test_a_wish_that_only_dear_slots_could_give_is_not_missing() -> None:
    cars = [car("a", "A", 0, 4, 9200, phases=1, max_current_a=10, max_price_per_kwh=0.2)]
    plan = planned(scene(yard(outlet("A")), cars, priced(0.1, 0.3, 0.2, 0.21)))
    assert plan.setpoints.tolist() == [[100, 0, 100, 0]]
    assert plan.status == "complete"
    assert plan.report.unaffordable_units == {"a": 4600 * WH}
    assert plan.report.wanted_units == {"a": 4600 * WH}
    assert plan.notices == (
        "session a: 4,600 Wh of its wish can only be had above its highest price of 0.2 per kWh and are left out",
    )


def test_what_a_limit_takes_in_affordable_slots_is_missing() -> None:
    cars = [car("a", "A", 0, 4, 9200, phases=1, max_current_a=10, max_price_per_kwh=0.2)]
    plan = planned(scene(yard(outlet("A"), limit_a=8.0), cars, priced(0.1, 0.3, 0.2, 0.21)))
    assert plan.setpoints.tolist() == [[80, 0, 80, 0]]
    assert plan.report.unaffordable_units == {"a": 4600 * WH}
    assert plan.report.missing_units == {"a": 2 * 2 * 230 * WH}


@pytest.mark.parametrize(("highest", "on"), [(0.15, [100, 100]), (0.1499999, [100, 0]), (-0.1, [0, 0])])
def test_the_mean_price_of_a_slot_counts_exactly(highest: float, on: list[int]) -> None:
    """Half-hour prices on slots of an hour: 0.1 and 0.2 make 0.15."""
    cars = [car("a", "A", 0, 2, 4600, phases=1, max_current_a=10, max_price_per_kwh=highest)]
    tariff = priced(0.1, 0.1, 0.1, 0.2, step_s=1800)
    plan = planned(scene(yard(outlet("A")), cars, tariff, grid={"start": START, "step_s": 3600, "slots": 2}))
    assert plan.setpoints.tolist() == [on]


def test_the_certificate_knows_what_is_closed_and_too_dear() -> None:
    site = yard(*(outlet(f"C{k}", min_current_a=0.0) for k in range(6)), limit_a=60.0, edge_guard_s=0)
    cars = [
        car(f"s{k}", f"C{k}", 0, 12, 15_000 + 100 * k, phases=1, max_price_per_kwh=0.25 if k % 2 else None)
        for k in range(6)
    ]
    rules = [Outage(connector="C0", start=START + 2 * HOUR, end=START + 5 * HOUR)]
    prices = priced(*(0.1 + 0.02 * (5 * t % 12) for t in range(12)))
    plan = planned(scene(site, cars, prices, grid={"start": START, "step_s": 3600, "slots": 12}, availability=rules))
    assert plan.status == "complete"
    assert plan.mark == "certified"
    assert plan.cost_gap is not None
    assert plan.cost_gap < 1e-4
