"""Stations that take few periods: exhaustive search on tiny sites, laws on larger ones, cases by hand."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, priced, refereed, scene, yard

from ocpp_schedule import Capabilities, InputError, Station, TaperPoint, lint, schedule
from ocpp_schedule.model.state import SessionState
from ocpp_schedule.problem.pieces import expressible
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.piecewise import Piece, Side, Window, best_pieces
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.plan import Plan

WH = 36_000
STEP_WH = 1840
SLOTS = 5


def station(name: str, **known: Any) -> Station:
    return Station(id=f"CP-{name}", circuit="main", ocpp_version="1.6", capabilities=Capabilities(**known))


def tiny(draw: Any, *, lone: bool = False) -> Scenario:
    """Return one to three cars with 8 A steps on five slots, on one or two stations that take few periods."""
    low, floor = draw(st.sampled_from([0.0, 8.0, 8.0])), draw(st.sampled_from([0.0, 0.0, 8.0]))
    names = ["A"] if lone else ["A", "B"]
    cars = []
    for name in names:
        split = draw(st.sampled_from([None, None, 2, 3])) if not lone else None
        windows = [(draw(st.integers(0, 2)), draw(st.integers(3, 6)))] if split is None else [(0, split), (split, 5)]
        for first, last in windows:
            wh = float(draw(st.sampled_from([1000, 1840, 3680, 5520, 7360])))
            pauses = draw(st.sampled_from([None, None, 0]))
            cars.append(car(f"s{len(cars)}", name, first, last, wh, phases=1, max_pauses=pauses))
    lines = draw(st.sampled_from([("L1",), ("L1", "L2", "L3")]))
    site = yard(
        *(outlet(name, lines=lines, step_a=8.0, max_current_a=16.0, min_current_a=low) for name in names),
        stations=[station(name, max_periods=draw(st.integers(1, 6))) for name in names],
        limit_a=draw(st.sampled_from([16.0, 24.0, 32.0])),
        edge_guard_s=0,
        idle_floor_a=floor,
    )
    prices = [draw(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31])) for _ in range(SLOTS)]
    return scene(site, cars, priced(*prices), grid=hours(SLOTS))


def slots_of(session: Session) -> range:
    return range((session.arrival - START) // HOUR, min((session.departure - START) // HOUR, SLOTS))


def periods(scenario: Scenario, connector: str, chosen: dict[str, tuple[int, ...]]) -> int:
    """Return the periods of the plan of a connector, counted slot by slot: what changes, and pauses as one."""
    outlet_ = next(one for one in scenario.site.connectors if one.id == connector)
    floor = int(scenario.site.idle_floor_a // 8)
    held: list[tuple[int, int]] = [(floor, len(outlet_.lines))] * SLOTS
    for session in scenario.sessions:
        if session.connector == connector:
            for slot in slots_of(session):
                held[slot] = (chosen[session.id][slot], 1)
    held.append((max(int(outlet_.min_current_a // 8), floor), len(outlet_.lines)))
    text = [steps and (steps, phases) for steps, phases in held]
    return 1 + sum(one != other for one, other in pairwise(text))


def choices(scenario: Scenario, session: Session) -> Iterator[tuple[tuple[int, ...], float, float]]:
    """Yield the set-points of a session, what they miss [Wh] and what they cost."""
    prices = [round(price * 1000) for price in scenario.tariff.energy.per_kwh]
    low = max(int(scenario.site.connectors[0].min_current_a // 8), 1)
    own = slots_of(session)
    later = 3680 if session.departure > START + SLOTS * HOUR else 0
    for steps in product(*[[0, *range(low, 3)] if slot in own else [0] for slot in range(SLOTS)]):
        wh = [STEP_WH * step for step in steps]
        if sum(wh) > session.energy_wh and sum(wh) >= session.energy_wh + max(low, len(own)) * STEP_WH:
            continue
        runs = "".join("x" if step else "." for step in steps).split(".")
        if session.max_pauses is not None and len([run for run in runs if run]) - 1 > session.max_pauses:
            continue
        cost = sum(w * price for w, price in zip(wh, prices, strict=True))
        yield steps, max(0.0, session.energy_wh - later - sum(wh)), cost


def best(scenario: Scenario) -> tuple[float, float]:
    """Return missing energy [Wh] and cost [Wh x 1e-3 per kWh] of the best plan there is, connector by connector."""
    most = {one.id: one.capabilities.max_periods or 99 for one in scenario.site.stations}
    floor = int(scenario.site.idle_floor_a // 8)
    options = []
    for one in scenario.site.connectors:
        own = [session for session in scenario.sessions if session.connector == one.id]
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for chosen in product(*(choices(scenario, session) for session in own)):
            if periods(scenario, one.id, {s.id: c[0] for s, c in zip(own, chosen, strict=True)}) <= most[one.station]:
                load = tuple(max(floor, *(c[0][slot] for c in chosen)) for slot in range(SLOTS))
                value = sum(c[1] for c in chosen), sum(c[2] for c in chosen)
                found[load] = min(value, found.get(load, value))
        options.append(found)
    limit = scenario.site.circuits[0].limit_a
    return min(
        (sum(value[0] for _, value in pairs), sum(value[1] for _, value in pairs))
        for pairs in product(*(found.items() for found in options))
        if all(8 * sum(load[slot] for load, _ in pairs) <= limit for slot in range(SLOTS))
    )


def is_possible(scenario: Scenario) -> bool:
    """Tell whether plans in which nobody charges fit their stations."""
    most = {one.id: one.capabilities.max_periods or 99 for one in scenario.site.stations}
    idle = {session.id: (0,) * SLOTS for session in scenario.sessions}
    return all(periods(scenario, one.id, idle) <= most[one.station] for one in scenario.site.connectors)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_plan_equals_exhaustive_search(data: st.DataObject) -> None:
    scenario = tiny(data.draw)
    if not is_possible(scenario):
        with pytest.raises(InputError, match="and a plan in which nobody charges has"):
            planned(scenario)
        return
    plan = planned(scenario)
    missing, cost = best(scenario)
    assert plan.report.ok
    assert [stage.value for stage in plan.solution.stages] == [0, missing * WH, cost * WH * 1000]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_without_the_exact_program_a_lone_car_gets_all_that_can_be_given(data: st.DataObject) -> None:
    """Steps of half the maximum on five slots are far coarser than anything real: there costs may differ."""
    scenario = tiny(data.draw, lone=True)
    if not is_possible(scenario):
        return
    solution = solve(compiled(scenario), exact_arcs=0)
    assert refereed(scenario, solution).ok
    missing, cost = best(scenario)
    assert solution.stages[1].value == missing * WH
    assert solution.stages[2].value >= cost * WH * 1000 or missing


def most(plan: Plan) -> int:
    """Return the most periods of a layer of the plan."""
    return max(len(layer.profile.schedule.periods) for stack in plan.stacks() for layer in stack.layers)


def limited(scenario: Scenario, **known: Any) -> Scenario:
    stations = tuple(one.model_copy(update={"capabilities": Capabilities(**known)}) for one in scenario.site.stations)
    return scenario.model_copy(update={"site": scenario.site.model_copy(update={"stations": stations})})


@pytest.mark.parametrize("guard_s", [0, 60])
def test_a_day_in_few_periods(guard_s: int) -> None:
    """Prices that change every quarter of an hour ask for many periods: all wishes are met in 8, at 3 % of cost."""
    free = mixed_scenario(12, 96, 1, min_current_a=6.0, edge_guard_s=guard_s)
    loose, plan = planned(free), planned(limited(free, max_periods=8))
    assert most(loose) > 12
    assert most(plan) <= 8
    assert plan.status == "complete"
    assert loose.cost < plan.cost < 1.03 * loose.cost
    assert not lint(plan.stacks(), {one.id: Capabilities(max_periods=8) for one in free.site.stations})


def test_limits_that_never_bind_change_nothing() -> None:
    free = mixed_scenario(6, 24, 1)
    problem = compiled(limited(free, max_periods=50))
    assert problem.pieces is None
    loose = compiled(free)
    assert (problem.energy_most_units == loose.energy_most_units).all()
    assert compiled(limited(free, max_periods=49)).pieces is None  # as many as the windows could ask for
    assert (compiled(limited(free, max_periods=49)).energy_most_units > loose.energy_most_units).all()


def test_a_limit_that_binds_nowhere_keeps_the_flow() -> None:
    """The flow is tried first; only a plan with too many periods goes another way."""
    site = yard(*(outlet(f"C{k}", min_current_a=0.0) for k in range(4)), limit_a=40.0, edge_guard_s=0)
    cars = [car(f"s{k}", f"C{k}", 0, 12, 15_000, phases=1, max_current_a=16) for k in range(4)]
    tariff = priced(*(0.1 + 0.05 * (t % 2) for t in range(12)))
    day = scene(site, cars, tariff, grid={"start": START, "step_s": 3600, "slots": 12})
    assert planned(limited(day, max_periods=12)).solution.method == "flow"
    plan = planned(limited(day, max_periods=5))
    assert plan.solution.method == "linear"
    assert plan.status == "complete"
    assert most(plan) <= 5


def test_bytes_are_a_limit_too() -> None:
    free = mixed_scenario(6, 96, 2, min_current_a=6.0, edge_guard_s=0)
    known = Capabilities(max_message_bytes=800)
    assert lint(planned(free).stacks(), {one.id: known for one in free.site.stations})
    plan = planned(limited(free, max_message_bytes=800))
    assert not lint(plan.stacks(), {one.id: known for one in free.site.stations})
    assert plan.status == "complete"


def test_too_few_for_anything_is_an_input_error() -> None:
    site = yard(outlet("A"), stations=[station("A", max_periods=1)])
    with pytest.raises(InputError, match=r"connector 'A': station 'CP-A' takes 1 periods \(max_periods=1\)"):
        planned(scene(site, [car("a", "A", 1, 3, 3680)]))
    site = yard(outlet("A"), stations=[station("A", max_message_bytes=300)])
    with pytest.raises(InputError, match=r"takes 0 periods \(max_message_bytes=300\)"):
        planned(scene(site, [car("a", "A", 1, 3, 3680)]))


PEAKS = priced(0.1, 0.5, 0.1, 0.5, 0.1, 0.5)


@pytest.mark.parametrize(
    ("periods_", "steps"),
    [
        pytest.param(7, [160, 0, 160, 0, 160, 0], id="all that is wanted"),
        pytest.param(5, [160, 160, 160, 0, 160, 0], id="one dear hour for a period less"),
        pytest.param(3, [160, 160, 160, 160, 160, 0], id="in one block"),
    ],
)
def test_a_dear_hour_is_the_price_of_a_period(periods_: int, steps: list[int]) -> None:
    """Three cheap hours with dear ones between; the car may have more than it wants by a step of its whole window."""
    site = yard(outlet("A"), stations=[station("A", max_periods=periods_)], edge_guard_s=0)
    wh = 3680.0 * sum(step > 0 for step in steps)
    cars = [car("a", "A", 0, 6, wh, phases=1, max_current_a=16)]
    plan = planned(scene(site, cars, PEAKS, grid=hours(6)))
    assert plan.setpoints.tolist() == [steps]
    assert most(plan) <= periods_


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"max_pauses": 1}, id="pauses"),
        pytest.param({"min_on_s": 3600}, id="on-times"),
        pytest.param(
            {"taper": [TaperPoint(energy_wh=0.0, max_current_a=16), TaperPoint(energy_wh=9000.0, max_current_a=6)]},
            id="taper",
        ),
    ],
)
def test_rules_of_the_cars_hold_in_pieces(more: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    site = yard(
        *(outlet(f"C{k}") for k in range(5)),
        stations=[station(f"C{k}", max_periods=6) for k in range(5)],
        limit_a=60.0,
    )
    cars = [car(f"s{k}", f"C{k}", k, k + 8, 9000.0, phases=1, max_current_a=16, **more) for k in range(5)]
    tariff = priced(*np.round(0.1 + 0.2 * rng.random(26), 4).tolist(), step_s=1800)
    plan = planned(scene(site, cars, tariff, grid={"start": START, "step_s": 1800, "slots": 26}))
    assert most(plan) <= 6
    assert plan.status == "complete"


def test_a_few_levels_in_few_periods() -> None:
    site = yard(
        *(outlet(f"C{k}", allowed_currents_a=(0, 8, 16, 24, 32)) for k in range(4)),
        stations=[station(f"C{k}", max_periods=5) for k in range(4)],
        limit_a=50.0,
        edge_guard_s=0,
    )
    cars = [car(f"s{k}", f"C{k}", k, k + 12, 20_000.0, phases=1) for k in range(4)]
    tariff = priced(*(0.1 + 0.02 * (7 * t % 5) for t in range(72)), step_s=900)
    plan = planned(scene(site, cars, tariff, grid={"start": START, "step_s": 900, "slots": 72}))
    assert most(plan) <= 5
    assert plan.status == "complete"


def test_several_cars_of_a_connector_share_its_periods() -> None:
    """Three coming cars are in one profile; the running one has a profile of its own."""
    site = yard(outlet("A"), stations=[station("A", max_periods=9)], limit_a=32.0)
    cars = [car(f"s{k}", "A", 6 * k, 6 * k + 5, 9000.0, phases=1, max_current_a=16) for k in range(4)]
    cars[0] = cars[0].model_copy(update={"transaction_id": 7})
    tariff = priced(*(0.1 + 0.05 * (t % 3) for t in range(96)), step_s=900)
    free = scene(yard(outlet("A"), limit_a=32.0), cars, tariff, grid={"start": START, "step_s": 900, "slots": 96})
    assert most(planned(free.model_copy(update={"sessions": cars[1:]}))) > 20
    plan = planned(free.model_copy(update={"site": site}))
    assert most(plan) <= 9
    assert plan.status == "complete"


def test_what_is_held_counts() -> None:
    """Planned again in a slot under way the charger holds 10 A: a period more than the plan would have."""
    site = yard(outlet("A"), stations=[station("A", max_periods=4)], edge_guard_s=0)
    cars = [car("a", "A", 0, 8, 16_000.0, phases=1, max_current_a=16, transaction_id=3)]
    tariff = priced(0.5, 0.1, 0.5, 0.1, 0.5, 0.1, 0.5, 0.1)
    states = [SessionState(session="a", delivered_wh=0.0, measured_at=START + HOUR, setpoint_steps=100)]
    plan = schedule(site, cars, tariff, hours(8), now=START + 1.5 * HOUR, state=states)
    assert plan.setpoints[0, 0] == 100
    assert most(plan) <= 4
    assert plan.status == "complete"


# The dynamic program against every division of a small window.


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_pieces_are_the_best_there_are(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 5))
    room = np.array([data.draw(st.sampled_from([0, 2, 3])) for _ in range(width)])
    gains = np.array([[float(data.draw(st.integers(-4, 4))) for _ in range(width)]])
    left, right = (Side(data.draw(st.sampled_from([None, 0, 2, 9])), 1) for _ in range(2))
    left = data.draw(st.sampled_from([left, Side(None, 0)]))
    low, runs = data.draw(st.integers(1, 2)), data.draw(st.sampled_from([None, 0, 1, 2]))
    window = Window(room, low, None, left, right, data.draw(st.integers(0, 5)), None, runs)
    best_gain = -np.inf
    for steps in product(*(range(int(most_) + 1) for most_ in room)):
        if any(0 < step < low for step in steps):
            continue
        changes = sum(one != other for one, other in pairwise(steps))
        changes += left.cost * (steps[0] != left.match) + right.cost * (steps[-1] != right.match)
        blocks = [part for part in "".join("x" if step else "." for step in steps).split(".") if part]
        if changes <= window.changes and (runs is None or len(blocks) <= runs):
            best_gain = max(best_gain, float((gains[0] * steps).sum()))
    (found,) = best_pieces(window, gains)
    assert bool(found) == (best_gain > -np.inf)
    if found:
        assert [piece.first for piece in found] + [width] == [0] + [piece.end for piece in found]
        assert sum(_most_gain(piece, gains[0]) for piece in found) == best_gain


def _most_gain(piece: Piece, gains: Any) -> float:
    gain = float(gains[piece.first : piece.end].sum())
    return max(gain * piece.low, gain * piece.high)


def test_expressible_means_no_more_than_the_station_takes() -> None:
    site = yard(outlet("A"), stations=[station("A", max_periods=3)], edge_guard_s=0)
    problem = compiled(scene(site, [car("a", "A", 0, 4, 9000.0, phases=1)]))
    nothing = np.zeros((1, 4), dtype=np.bool_)
    assert expressible(problem, np.array([[100, 100, 0, 0]]), nothing, nothing)
    assert not expressible(problem, np.array([[100, 90, 80, 0]]), nothing, nothing)
