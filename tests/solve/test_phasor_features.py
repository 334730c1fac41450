"""Sites with phasors beside everything else: stages, minimum currents, groups, DC, planning again, explanations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import ValidationError
from tests.phasor_scenes import between, matrix, site_of, stay, to_neutral
from tests.scenes import START, planned, scene

from ocpp_schedule import (
    Capabilities,
    Connector,
    Group,
    Objective,
    PriceSeries,
    Scenario,
    Session,
    SessionState,
    Station,
    Tariff,
)
from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.errors import InputError
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.series import Forecast, LimitSeries
from ocpp_schedule.model.tariff import PeakCharge
from ocpp_schedule.pipeline import compiled, derived, reviewed, solved
from ocpp_schedule.plan import Plan, schedule
from ocpp_schedule.solve.cuts import BLOCK, Conductors, CuttingSolver, part_of, with_tangents, without_tangents
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.phasors import PhasorUse
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.stages import solve_stages
from ocpp_schedule.timegrid import TimeGrid

PAIRS = ("12", "23", "31")


def crowd(count: int = 12, slots: int = 12, **outlet: Any) -> Scenario:
    """Cars between all pairs of lines behind 60 A, each in for half of the time, hourly prices that jump."""
    site = site_of(
        *(between(f"C{k:02}", PAIRS[k % 3], **outlet) for k in range(count)),
        limit_a=48.0,
        line_constraints=[matrix("bus", 40.0, *((f"C{k:02}", 1.0, 30.0 * (k % 4)) for k in range(0, count, 2)))],
    )
    sessions = [
        stay(f"C{k:02}", slots / 4 / 2, 208.0 * 5 * (1 + k % 4), first=k % 3 * slots / 24) for k in range(count)
    ]
    prices = [(0.2, 0.35, 0.1, 0.3)[k * 4 // slots] for k in range(slots)]
    return scene(
        site,
        sessions,
        tariff=Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=prices)),
        grid=TimeGrid.regular(START, timedelta(minutes=15), slots),
    )


@pytest.mark.parametrize(
    "objective",
    [
        Objective.of("energy"),
        Objective.of("quick"),
        Objective.of("energy", "cost"),
        Objective.cheapest(),
        Objective.fastest(),
        Objective.profit(),
    ],
    ids=lambda objective: " ".join(stage.kind for stage in objective.sequence),
)
def test_every_stage_is_proven_with_tangents(objective: Objective) -> None:
    day = crowd(min_current_a=0.0)
    if objective.name == "profit":
        valued = tuple(one.model_copy(update={"value_per_kwh": 0.5}) for one in day.sessions)
        day = day.model_copy(update={"sessions": valued})
    day = day.model_copy(update={"objective": objective})
    solution = solve(compiled(day))
    plan = _planned(day)
    assert plan.mark == "certified"
    wanted = sum(plan.verify().wanted_units.values())
    for stage in plan.stages:
        assert stage.bound is not None
        assert stage.bound <= stage.value
        weight = wanted if stage.name in {"must_have", "wanted", "energy"} else abs(stage.value)
        assert stage.value - stage.bound <= 0.004 * weight
    assert any(one.tangent_prices for one in solution.certificates.values())
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def _planned(day: Scenario) -> Plan:
    return Plan(day, *solved(day))


@pytest.mark.parametrize(
    "outlet",
    [
        {"min_current_a": 6.0},
        {"min_current_a": 6.0, "allowed_currents_a": (0.0, 6.0, 8.0, 10.0, 16.0, 32.0)},
        {"min_current_a": 8.0, "step_a": 8.0},
    ],
    ids=["six amperes", "pilots", "coarse steps"],
)
def test_minimum_currents_in_small_integer_programs(outlet: dict[str, Any]) -> None:
    """The programs around a plan hold other columns than the linear one, and their share of the tangents."""
    day = crowd(**outlet)
    problem = compiled(day)
    solution = solve(problem)
    assert solution.method in {"linear", "fallback"}  # the packing may give most of coarse steps
    assert reviewed(derived(day), solution).ok
    free = solve(compiled(crowd(min_current_a=0.0)))
    step = float(problem.power_dw[0] * problem.seconds[0])
    assert solution.stages[1].value <= free.stages[1].value + 12 * 60 * step


def test_settled_tangents_are_rows_like_any_other() -> None:
    problem = compiled(crowd(min_current_a=0.0))
    assert problem.phasors is not None
    relaxation = relax(problem)
    solver = CuttingSolver(conductors=Conductors(problem, problem.phasors, relaxation))
    relaxed = solve_stages(problem, relaxation, solver)
    assert relaxed is not None
    assert relaxed.duals is not None
    grown, settled = solver.settle(relaxation, relaxed)
    rows = grown.program.row_high.size
    assert settled.duals is not None
    assert settled.duals.size == rows == relaxation.program.row_high.size + sum(t.high.size for t in solver.within)
    again = solve_stages(problem, grown, solver)
    assert again is not None
    for better, before in zip(again.bounds.values, relaxed.bounds.values, strict=True):
        assert before is not None
        assert better is not None
        assert before * (1 - 1e-6) <= better <= before * 1.03  # with what the rounds since have found
    bare = without_tangents(grown)
    assert BLOCK not in bare.rows
    assert (bare.program.matrix != relaxation.program.matrix).nnz == 0
    unknown = solver.settle(relaxation, replace(relaxed, cuts=None))[1]
    assert unknown.duals is None


def test_a_part_of_a_program_holds_the_rest() -> None:
    problem = compiled(crowd(min_current_a=0.0))
    assert problem.phasors is not None
    relaxation = relax(problem)
    conductors = Conductors(problem, problem.phasors, relaxation)
    solver = CuttingSolver(conductors=conductors)
    program = with_tangents(relaxation.program, [conductors.first()])
    values = solver.inner.run(program, "glop").values
    assert values is not None
    open_ = conductors.columns_at(np.array([2, 3]))
    part = part_of(program, open_, values)
    again = solver.inner.run(part, "glop")
    assert again.values is not None
    whole = values.copy()
    whole[open_] = again.values
    assert float(program.cost @ whole) == pytest.approx(float(program.cost @ values), rel=1e-6)
    assert (program.matrix @ whole <= program.row_high + 1e-5).all()


def test_a_group_over_loads_between_lines_is_a_sum_of_phasors() -> None:
    """20 A and 20 A at 60 degrees are 34.6 A: a group of 34.7 A lets both, one of 34.6 A does not."""
    cars = [stay("A", 1, 208 * 20.0), stay("B", 1, 208 * 20.0)]

    def site(limit_a: float) -> Any:
        group = Group(id="tenant", connectors=("A", "B"), limit_a=limit_a)
        return site_of(between("A", "12"), between("B", "31"), limit_a=200.0, groups=[group])

    assert planned(scene(site(34.7), cars)).setpoints[:, 0].sum() == 400
    tight = scene(site(34.6), cars)
    plan = planned(tight)
    assert plan.setpoints[:, 0].sum() == 399
    setpoints = plan.setpoints.copy()
    setpoints[:, 0] = 200
    found = reviewed(derived(tight), replace(plan.solution, setpoints=setpoints)).violations
    assert ("row", "group", "tenant", "L1") in {(one.kind, one.noun, one.subject, one.line) for one in found}


def test_a_dc_outlet_beside_loads_between_lines() -> None:
    """It draws alike on all lines, in phase with their voltages to neutral: 30 degrees from the other's current."""
    dc = Connector(
        id="D", station="SD", current_type="DC", max_power_w=20_000.0, efficiency=1.0, max_current_a=100.0, step_w=100
    )
    site = site_of(
        between("A", "12", min_current_a=0.0),
        dc,
        limit_a=50.0,
        stations=[
            Station(id="SA", circuit="main", ocpp_version="1.6"),
            Station(id="SD", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("A", "W"))),
        ],
    )
    plan = planned(scene(site, [stay("A", 1, 208 * 32.0), stay("D", 1, 20_000)]))
    use = {one.line: one.booked_units for one in plan.verify().row_use}
    assert use["L1"] <= 50_000_000
    assert use["L1"] > 49_500_000


def test_a_dc_outlet_does_not_lie_between_two_lines() -> None:
    with pytest.raises(ValidationError) as error:
        Connector(
            id="D",
            station="S",
            lines=("L1", "L2"),
            connection="delta",
            current_type="DC",
            max_power_w=1e4,
            efficiency=1.0,
            max_current_a=32,
        )
    assert "connection='delta' is for AC outlets" in str(error.value)


def test_planning_again_keeps_to_conductors() -> None:
    day = crowd(min_current_a=0.0)
    given = (day.site, day.sessions, day.tariff, day.grid)
    before = schedule(*given)
    now = START + timedelta(minutes=40)
    state = [SessionState(session=day.sessions[0].id, delivered_wh=100.0, measured_at=now)]
    for previous in (before, None):
        again = schedule(*given, now=now, state=state, previous=previous)
        assert again.verify().ok
        assert again.problem.phasors is not None


def test_what_chargers_hold_may_exceed_a_conductor_only_as_long_as_it_does() -> None:
    """30 and 30 A at 60 degrees on 40 A: what is held stands, and after it the rows hold."""
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(40.0, 100.0, 100.0), edge_guard_s=60)
    day = scene(site, [stay("A", 4, 208 * 60.0), stay("B", 4, 208 * 60.0)]).model_copy(
        update={"held": {"car-A": 300, "car-B": 300}}
    )
    solution = solve(compiled(day))
    assert solution.setpoints[:, 0].tolist() == [300, 300]
    report = reviewed(derived(day), solution)
    assert report.ok
    use = PhasorUse(compiled(day), solution.setpoints)
    assert use.over()[:, 0].any()
    assert not use.over()[:, 1:].any()


def test_the_meter_beside_conductors() -> None:
    """Peaks, sun and a battery with a site given as a matrix; loads are to neutral."""
    site = site_of(
        *(to_neutral(f"C{k}", f"L{k % 3 + 1}", min_current_a=0.0) for k in range(6)),
        limit_a=60.0,
        line_constraints=[matrix("bus", 45.0, *((f"C{k}", 1.0, -120.0 * (k % 3)) for k in range(6)))],
        generators=[Generator(id="roof", circuit="main")],
        storages=[
            Storage(
                id="cellar",
                circuit="main",
                capacity_wh=4000.0,
                max_charge_w=2000.0,
                max_discharge_w=2000.0,
                soc_percent=50.0,
            )
        ],
    )
    roof = Forecast(id="roof", start=START, step_s=3600, expected_w=(0.0, 4000.0, 2000.0, 0.0))
    day = scene(
        site,
        [stay(f"C{k}", 4, 120.0 * 40) for k in range(6)],
        tariff=Tariff(energy=0.3, export=0.05, peaks=(PeakCharge(id="net", per_kw=2.0),)),
    ).model_copy(update={"forecasts": (roof,)})
    solution = solve(compiled(day))
    assert reviewed(derived(day), solution).ok
    plan = _planned(day)
    assert plan.mark == "certified"
    last = plan.stages[-1]
    assert last.bound is not None
    assert last.value - last.bound <= 0.02 * last.value


def test_soft_limits_per_line_are_refused_beside_loads_between_lines() -> None:
    day = crowd(min_current_a=0.0)
    given = (day.site, day.sessions, day.tariff, day.grid)
    amperes = LimitSeries(circuit="main", start=START, step_s=900, limit_a=(30.0,) * 12, soft=True)
    with pytest.raises(InputError, match="is soft and per line, at a site with loads between lines"):
        schedule(*given, limits=[amperes])
    power = LimitSeries(circuit="main", start=START, step_s=900, limit_va=(9_000.0,) * 12, soft=True)
    plan = schedule(*given, limits=[power])
    assert plan.verify().ok


@pytest.mark.parametrize("objective", ["flattest", "fairest"])
def test_loads_and_shares_beside_conductors(objective: Literal["flattest", "fairest"]) -> None:
    day = crowd(min_current_a=0.0)
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, objective=Objective(name=objective))
    assert plan.verify().ok
    for stage in plan.stages:
        assert stage.bound is None or stage.bound <= stage.value


def test_a_deadline_beside_conductors() -> None:
    day = crowd(min_current_a=0.0)
    times = iter(range(1000))
    plan = schedule(day.site, day.sessions, day.tariff, day.grid, deadline_s=3.0, clock=lambda: float(next(times)))
    assert plan.verify().ok


def test_limits_are_named_in_explanations() -> None:
    site = site_of(
        between("A", "12"),
        between("B", "31"),
        limit_a=100.0,
        line_constraints=[matrix("bus", 15.0, ("A", 1.0, 0.0))],
    )
    plan = planned(scene(site, [stay("A", 2, 208 * 60.0), stay("B", 2, 208 * 40.0)]))
    assert "line_constraint bus is full" in str(plan.explain("car-A"))
    [shortfall] = plan.shortfalls
    assert (shortfall.sessions, shortfall.limits, shortfall.cause) == (
        ("car-A",),
        ("line_constraint bus",),
        "conductor",
    )
    assert not shortfall.proven
    assert "line_constraint bus is full" in str(shortfall)
    assert {one.kind for one in plan.remedies(shortfall)} == {"later", "less"}


def test_a_line_shared_by_loads_between_lines_is_named_and_raised() -> None:
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(40.0, 100.0, 100.0))
    plan = planned(scene(site, [stay("A", 2, 208 * 48.0), stay("B", 2, 208 * 48.0)]))
    assert "circuit main L1 is full, shared with car-B" in str(plan.explain("car-A"))
    first = plan.shortfalls[0]
    assert first.limits == ("circuit main L1",)
    [amperes] = [one for one in plan.remedies(first) if one.kind == "amperes"]
    assert 41.5 <= amperes.amount + 40 <= 45.0  # 24 A each are 41.6 A
    assert not amperes.smallest


def test_an_alarm_on_a_conductor_is_the_cause() -> None:
    site = site_of(
        between("A", "12", min_current_a=6.0),
        between("B", "31", min_current_a=6.0),
        limit_a=(10.0, 100.0, 100.0),
        idle_floor_a=6.0,
    )
    plan = planned(scene(site, [stay("A", 1, 3000)]))
    [shortfall] = plan.shortfalls
    assert (shortfall.cause, shortfall.limits) == ("alarm", ("circuit main L1",))


def test_shadow_prices_of_conductors() -> None:
    """Two equal currents at 60 degrees reach the limit: an ampere more is 2 / sqrt(3) A more together."""
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(40.0, 100.0, 100.0))
    plan = planned(scene(site, [stay("A", 2, 208 * 60.0), stay("B", 2, 208 * 60.0)]))
    vector = plan.binding.vector("circuit main L1")
    assert vector[:2, 0] == pytest.approx(0.208 * 2 / 3**0.5, rel=0.01)
    assert {one.limit for one in plan.binding.totals} == {"circuit main L1"}
    assert "circuit main L1" in str(plan.binding)


def test_prices_of_a_constraint_and_of_nothing_open() -> None:
    site = site_of(
        between("A", "12", min_current_a=6.0),
        limit_a=200.0,
        line_constraints=[matrix("bus", 10.0, ("A", 2.0, 0.0)), matrix("wide", 500.0, ("A", 1.0, 0.0))],
    )
    prices = PriceSeries(start=START, step_s=3600, per_kwh=(0.3, 0.1, 0.3, 0.3))
    plan = planned(
        scene(
            site_of(between("A", "12"), limit_a=200.0, line_constraints=site.line_constraints),
            [stay("A", 2, 208 * 8.0)],
            tariff=Tariff(energy=prices),
        )
    )
    found = {one.limit: one.more.money for one in plan.binding}
    assert found == {"line_constraint bus": pytest.approx(0.208 / 2 * 0.2)}
    shut = planned(scene(site, [stay("A", 2, 208 * 8.0)]))  # 5 A are left, which is below the minimum
    assert not shut.setpoints.any()
    assert not shut.binding.prices


def test_wrong_prices_of_tangents_prove_nothing_wrong() -> None:
    day = crowd(min_current_a=0.0)
    solution = solve(compiled(day))
    certificate = solution.certificates["cost"]
    values = {stage.name: stage.value for stage in solution.stages}
    doubled = replace(
        certificate, tangent_prices=tuple(one._replace(price=2 * one.price + 5) for one in certificate.tangent_prices)
    )
    for one in (certificate, doubled):
        bound = proven_cost_units(
            day.site,
            day.sessions,
            day.tariff,
            day.grid,
            certificate=one,
            must_units=values["must_have"],
            want_units=values["wanted"],
        )
        assert bound <= values["cost"]


def test_car_of_unknown_departure_is_a_session_like_any_other() -> None:
    site = site_of(between("A", "12"), limit_a=20.0)
    session = Session(id="a", connector="A", arrival=START, departure=START + timedelta(hours=2), energy_wh=208 * 40.0)
    plan = planned(scene(site, [session]))
    assert plan.setpoints.sum() == 400
