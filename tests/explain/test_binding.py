"""Shadow prices: those worked by hand, and finite differences of the best of all plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.explain.exhaustive import least, missing
from tests.scenes import HOUR, START, car, compiled, hours, outlet, planned, priced, scene, worked_plan, yard

from ocpp_schedule import Circuit, Connector, LimitSeries, Scenario, Session, Site, Station
from ocpp_schedule.explain import binding as module
from ocpp_schedule.explain.binding import Price, find_binding
from ocpp_schedule.solve.edges import cost_units
from ocpp_schedule.solve.parametric import Parametric
from ocpp_schedule.units import MONEY_UNITS_PER_CURRENCY

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem


def test_the_price_that_is_worked_by_hand() -> None:
    """One more ampere on ``main`` in slot 1 moves 1 A·h from 0.20 to 0.10: 0.023 EUR for the next 7 A, then 0."""
    found = worked_plan().binding
    [price] = found
    assert (price.limit, price.slot, price.start, price.end) == ("circuit main L1", 1, START + HOUR, START + 2 * HOUR)
    assert (price.more.kwh, price.more.money) == (0.0, pytest.approx(0.023))
    assert price.for_next_a == pytest.approx(7.0)
    assert price.then == Price(0.0, 0.0)
    assert price.less is not None
    assert price.less.money == pytest.approx(0.023)
    assert found.vector("circuit main L1").tolist() == [[0, 0], [0, pytest.approx(0.023)], [0, 0], [0, 0]]
    [total] = found.totals
    assert (total.limit, total.amount, total.unit, total.kwh) == ("circuit main", 10.0, "A", 0.0)
    assert total.money == pytest.approx(7 * 0.023)
    assert str(found) == (
        "circuit main L1 01:00-02:00: 1 A more saves 0.023 EUR for the next 7 A, then 0\n"
        "circuit main: 10 A more all the time saves 0.161 EUR"
    )


def test_energy_comes_before_money() -> None:
    cars = [car("a", "A", 1, 3, 5520, phases=1), car("b", "B", 1, 3, 7360, phases=1)]
    plan = planned(scene(yard(outlet("A", max_current_a=16), outlet("B", max_current_a=16)), cars, priced(4, 1, 2, 5)))
    first, second = plan.binding
    assert (first.more.kwh, second.more.kwh) == (pytest.approx(0.23), pytest.approx(0.23))
    assert (first.more.money, second.more.money) == (pytest.approx(-0.23), pytest.approx(-0.46))
    assert first.for_next_a == pytest.approx(6.0)
    assert first.then is not None  # all served; from there on the cheaper hour takes from the dearer one
    assert (first.then.kwh, first.then.money) == (0.0, pytest.approx(0.23))
    assert second.then == Price(0.0, 0.0)
    lines = str(plan.binding).splitlines()
    assert lines[0].startswith("circuit main L1 01:00-02:00: 1 A more +0.23 kWh and costs 0.23 EUR for the next 6 A")
    assert lines[-1].startswith("circuit main: 10 A more all the time +1.38 kWh and costs ")


def test_one_sided_prices_where_the_dual_is_degenerate() -> None:
    """25 A are just what the two cars can take in the cheap hour: an ampere more is worth nothing, one less is."""
    cars = [car("a", "A", 0, 2, 2875, phases=1), car("b", "B", 0, 2, 2875, phases=1)]
    plan = planned(scene(yard(outlet("A"), outlet("B"), edge_guard_s=0), cars, priced(1, 2, 3, 4)))
    for price in plan.binding:
        assert not price.more
        assert price.less is not None
        assert price.less.money == pytest.approx(0.23)
        assert "1 A more brings nothing, 1 A less takes 0.23 EUR" in str(plan.binding)


def test_a_limit_on_all_lines_together_is_priced_per_kva() -> None:
    cars = [car("a", "A", 0, 2, 4600, phases=1), car("b", "B", 0, 2, 4600, phases=1)]
    site = yard(outlet("A"), outlet("B"), circuits=[Circuit(id="main", limit_va=6900)], edge_guard_s=0)
    plan = planned(scene(site, cars, priced(1, 2, 3, 4)))
    [price] = plan.binding
    assert (price.limit, price.unit, price.slot) == ("circuit main total", "kVA", 0)
    assert (price.more.money, price.for_next_a) == (pytest.approx(1.0), pytest.approx(2.3))
    [total] = plan.binding.totals
    assert (total.amount, total.unit, total.money) == (10.0, "kVA", pytest.approx(2.3))
    assert str(plan.binding).startswith("circuit main total 00:00-01:00: 1 kVA more saves 1 EUR for the next 2.3 kVA,")


def test_nothing_binds() -> None:
    plan = planned(scene(yard(outlet("A"), limit_a=63), [car("a", "A", 0, 4, 1000, phases=1)]))
    assert (len(plan.binding), str(plan.binding)) == (0, "no limit binds")
    assert (len(planned(scene(yard(), [])).binding), plan.binding.totals) == (0, ())


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    cars = [car("a", "A", 1, 3, 5520, phases=1), car("b", "B", 1, 3, 7360, phases=1)]
    plan = planned(scene(yard(outlet("A"), outlet("B")), cars, priced(4, 1, 2, 5)))
    monkeypatch.setattr(module, "WORK", 1)
    assert len(find_binding(plan.problem, "EUR", "UTC")) == 1


@st.composite
def ampere_steps(draw: st.DrawFn) -> Scenario:
    """One line, steps of 1 A, no minimum, whole ampere-hours: a flow, whose optimum is whole."""
    slots, panel = draw(st.integers(1, 3)), draw(st.booleans())
    count = draw(st.integers(1, 3))
    connectors = [
        Connector(id=f"C{k}", station=f"S{k}", lines=("L1",), step_a=1.0, min_current_a=0, max_current_a=2)
        for k in range(count)
    ]
    circuits = [Circuit(id="main", limit_a=50)]
    if panel:
        circuits.append(Circuit(id="panel", parent="main", limit_a=float(draw(st.integers(1, 3)))))
    stations = [
        Station(id=f"S{k}", circuit="panel" if panel and k < 2 else "main", ocpp_version="1.6") for k in range(count)
    ]
    sessions = []
    for k in range(count):
        first = draw(st.integers(0, slots - 1))
        last = draw(st.integers(first + 1, slots))
        wish = 230.0 * draw(st.integers(1, 2 * (last - first) + 1))
        sessions.append(
            Session(
                id=f"s{k}",
                connector=f"C{k}",
                arrival=START + first * HOUR,
                departure=START + last * HOUR,
                energy_wh=wish,
                phases=1,
            )
        )
    series = tuple(float(draw(st.integers(1, 4))) for _ in range(slots))
    return Scenario(
        site=Site(id="s", circuits=circuits, stations=stations, connectors=connectors, edge_guard_s=0),
        sessions=sessions,
        tariff=priced(*(draw(st.sampled_from([0.1, 0.2, 0.3, 0.3])) for _ in range(slots))),
        grid=hours(slots),
        limits=[LimitSeries(circuit="main", start=START, step_s=3600, limit_a=series)],
    )


def optimum(problem: Problem) -> tuple[int, int]:
    """Return missing energy [0.1 J] and cost [money units] of the best of all plans."""
    found: tuple[int, int] = least(
        problem, lambda energy: (int(missing(problem, energy).sum()), cost_units(problem, energy))
    )
    return found


def moved(problem: Problem, limit: str, slot: int, amperes: int) -> Problem:
    values = Parametric(problem)
    places = [
        (node, line, slot)
        for node in range(len(problem.node_names))
        for line in range(3)
        if problem.row_name(node, line) == limit
    ]
    return values._moved(tuple(places), amperes * 1_000_000)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenario=ampere_steps())
def test_prices_are_finite_differences_of_the_best_of_all_plans(scenario: Scenario) -> None:
    problem = compiled(scenario)
    here = optimum(problem)
    named = {(one.limit, one.slot): one for one in find_binding(problem, "EUR", "UTC")}
    for node in range(len(problem.node_names)):
        for slot in range(problem.slots):
            limit = problem.row_name(node, 0)
            there = optimum(moved(problem, limit, slot, 1))
            kwh, money = (here[0] - there[0]) / 36e6, (here[1] - there[1]) / MONEY_UNITS_PER_CURRENCY
            price = named.get((limit, slot))
            if price is None:
                assert (kwh, money) == (0.0, 0.0)
                continue
            assert price.more.kwh == pytest.approx(kwh, abs=1e-7)
            assert price.more.money == pytest.approx(money, abs=1e-7)
            if price.for_next_a is not None and price.then is not None:
                reach = round(price.for_next_a)
                assert price.for_next_a == pytest.approx(reach, abs=1e-4)
                before, after = (optimum(moved(problem, limit, slot, a)) for a in (reach, reach + 1))
                assert price.then.kwh == pytest.approx((before[0] - after[0]) / 36e6, abs=1e-7)
                cost = (before[1] - after[1]) / MONEY_UNITS_PER_CURRENCY
                assert price.then.money == pytest.approx(cost, abs=1e-7)
                assert not np.isclose([price.then.kwh, price.then.money], [kwh, money], atol=1e-9).all()
