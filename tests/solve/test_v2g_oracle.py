"""Cars that give energy back on tiny cases against exhaustive search: every stage equal, to the unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.model.devices import Generator
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, PriceSeries
from ocpp_schedule.model.session import Milestone, Session
from ocpp_schedule.model.site import Circuit, Connector, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.model.v2g import V2g
from ocpp_schedule.plan import schedule
from ocpp_schedule.solution import Certificate
from ocpp_schedule.timegrid import TimeGrid

START = datetime(2026, 1, 15, tzinfo=UTC)
SLOT = timedelta(minutes=15)
SLOTS = 4
STEP_W = 1840
"""8 A on one line at 230 V."""
STEP_WH = STEP_W // 4
WH = 36_000
MONEY_PER_KWH = 36_000_000 * 1_000_000
PRICES = (-0.30, -0.05, 0.0, 0.1, 0.25, 0.4)


@st.composite
def giving(draw: st.DrawFn) -> Scenario:
    """A car that can give and at times one that cannot, a fuse, load, sun and at times a limit on export."""

    def series(values: tuple[float, ...]) -> list[float]:
        return draw(st.lists(st.sampled_from(values), min_size=SLOTS, max_size=SLOTS))

    battery = draw(st.sampled_from([920.0, 1840.0, 4600.0]))
    soc = draw(st.sampled_from([10.0, 50.0, 90.0]))
    most_soc = draw(st.sampled_from([80.0, 100.0]))
    wish = draw(st.sampled_from([0.0, 200.0, 460.0, 900.0]))
    wish = min(wish, battery * max(most_soc - soc, 0.0) / 100)
    first, last = draw(st.sampled_from([(0, 4), (1, 4), (0, 3)]))
    soft = Milestone(by=START + 2 * SLOT, energy_wh=min(wish, 230.0), hard=draw(st.booleans()))
    car = Session(
        id="giver", connector="C0", phases=1, energy_wh=wish,
        arrival=START + first * SLOT, departure=START + last * SLOT,
        battery_wh=battery, soc_percent=soc, milestones=(soft,) if draw(st.booleans()) else (),
        v2g=V2g(
            charge_efficiency=draw(st.sampled_from([1.0, 0.8])),
            discharge_efficiency=draw(st.sampled_from([1.0, 0.8])),
            min_soc_percent=draw(st.sampled_from([0.0, 30.0])),
            max_soc_percent=most_soc,
            wear_per_kwh=draw(st.sampled_from([0.0, 0.02])),
            max_discharge_w=draw(st.sampled_from([None, 1900.0])),
        ),
    )  # fmt: skip
    plain = Session(
        id="plain", connector="C1", arrival=START, departure=START + SLOTS * SLOT,
        energy_wh=draw(st.sampled_from([460.0, 700.0, 1380.0])), phases=1,
    )  # fmt: skip
    low = draw(st.sampled_from([0.0, 16.0]))
    site = Site(
        id="site",
        circuits=[
            Circuit(
                id="main", limit_a=draw(st.sampled_from([(16.0, 40.0, 40.0), (32.0, 40.0, 40.0)])),
                export_limit_w=draw(st.sampled_from([None, 0.0, 1840.0])),
            )
        ],
        stations=[Station(id=f"S{k}", circuit="main", ocpp_version="2.1") for k in range(2)],
        connectors=[
            Connector(
                id=f"C{k}", station=f"S{k}", lines=("L1",), step_a=8.0, min_current_a=low, max_current_a=16.0,
                max_discharge_current_a=None if k else 16.0,
            )
            for k in range(2)
        ],
        loads=[Load(id="hall", circuit="main", lines=("L2",))],
        generators=[Generator(id="roof", circuit="main")],
        edge_guard_s=0,
    )  # fmt: skip
    load = series((0.0, 1840.0, 3680.0))
    firm = [min(watts, 1840.0) for watts in load] if draw(st.booleans()) else None
    return Scenario(
        site=site,
        sessions=(car, plain) if draw(st.booleans()) else (car,),
        tariff=Tariff(
            energy=PriceSeries(start=START, step_s=900, per_kwh=tuple(series(PRICES))),
            export=PriceSeries(start=START, step_s=900, per_kwh=tuple(series(PRICES))),
        ),
        grid=TimeGrid.regular(START, SLOT, SLOTS),
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_w=tuple(load), firm_w=firm and tuple(firm)),
            Forecast(id="roof", start=START, step_s=900, expected_w=tuple(series((0.0, 1840.0)))),
        ),
    )


def missed(car: Session, stored: list[Fraction]) -> tuple[int, int]:
    """Return what must-haves and wishes miss [0.1 J], for what is more in the battery after each slot [Wh]."""
    must = want = 0
    for goal in car.milestones:
        short = max(0, -int((stored[(goal.by - START) // SLOT - 1] - Fraction(goal.energy_wh)) * WH // 1))
        must, want = (must + short, want) if goal.hard else (must, want + short)
    return must, want + max(0, -int((stored[-1] - Fraction(car.energy_wh)) * WH // 1))


def ways(scenario: Scenario) -> list[tuple[list[int], tuple[int, int], Fraction]]:
    """Return every series of steps of the car that can give, what it misses and what it is worn [currency]."""
    car, low = scenario.sessions[0], int(max(scenario.site.connectors[0].min_current_a // 8, 1))
    v2g = car.v2g
    kept, drawn = Fraction(repr(v2g.charge_efficiency)), 1 / Fraction(repr(v2g.discharge_efficiency))
    capacity = Fraction(car.battery_wh)
    start = capacity * Fraction(car.soc_percent) / 100
    last_step = low * STEP_WH - Fraction(1, WH)
    high = max(capacity * Fraction(v2g.max_soc_percent) / 100, start + Fraction(car.energy_wh) + last_step)
    reserve = capacity * Fraction(v2g.min_soc_percent) / 100
    most = 2 if v2g.max_discharge_w is None else 1
    first, last = (car.arrival - START) // SLOT, (car.departure - START) // SLOT
    steps = [one for one in range(-most, 3) if one <= 0 or one >= low]
    found = []
    for series in product(*[steps if first <= t < last else [0] for t in range(SLOTS)]):
        now, stored, fits = start, [], True
        for step in series:
            now += step * STEP_WH * (kept if step > 0 else drawn)
            fits &= now <= high and (step >= 0 or now >= reserve)
            stored.append(now - start)
        if fits and stored[-1] < Fraction(car.energy_wh) + low * STEP_WH:
            worn = Fraction(repr(v2g.wear_per_kwh)) * sum(max(-step, 0) for step in series) * STEP_WH / 1000
            found.append((list(series), missed(car, stored), worn))
    return found


def plain_ways(scenario: Scenario) -> list[tuple[list[int], tuple[int, int]]]:
    """Return every series of steps of the other car, and what it misses."""
    if len(scenario.sessions) < 2:
        return [([0] * SLOTS, (0, 0))]
    car, low = scenario.sessions[1], int(max(scenario.site.connectors[1].min_current_a // 8, 1))
    found = []
    for series in product([0, *range(low, 3)], repeat=SLOTS):
        given = sum(series) * STEP_WH
        if given < car.energy_wh + low * STEP_WH:
            found.append((list(series), (0, max(0, int((Fraction(car.energy_wh) - given) * WH)))))
    return found


def best_by_exhaustion(scenario: Scenario) -> tuple[int, int, int]:
    """Return must-have and wish shortfall [0.1 J] and cost [money units] of the best plan there is."""
    load, roof = scenario.forecasts[0], scenario.forecasts[1].expected_w
    limit_w, fuse = scenario.site.circuits[0].export_limit_w, int(scenario.site.circuits[0].limit_a[0] // 8)
    base = [int(a - b) for a, b in zip(load.expected_w, roof, strict=True)]
    firm = [int(a - b) for a, b in zip(load.firm_w or (0.0,) * SLOTS, roof, strict=True)]

    def bill(net: list[int]) -> Fraction:
        prices = zip(net, scenario.tariff.energy.per_kwh, scenario.tariff.export.per_kwh, strict=True)
        return sum((Fraction(w, 4000) * Fraction(repr(i if w >= 0 else e)) for w, i, e in prices), Fraction(0))

    idle, best = bill(base), None
    others = plain_ways(scenario)
    for own, short, worn in ways(scenario):
        for other, also in others:
            missing = (short[0] + also[0], short[1] + also[1])
            if best is not None and missing > best[:2]:
                continue
            if any(max(a, 0) + b > fuse for a, b in zip(own, other, strict=True)):
                continue
            net = [base[t] + (own[t] + other[t]) * STEP_W for t in range(SLOTS)]
            if limit_w is not None:
                hard = any(-own[t] * STEP_W > max(limit_w + firm[t], 0) for t in range(SLOTS) if own[t] < 0)
                if hard or any(-net[t] > max(limit_w, -base[t]) for t in range(SLOTS)):
                    continue
            if any(-min(step, 0) > fuse for step in own):
                continue
            value = (*missing, int((bill(net) - idle + worn) * MONEY_PER_KWH // 1))
            best = value if best is None else min(best, value)
    assert best is not None
    return best


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(scenario=giving())
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, forecasts=scenario.forecasts)
    assert tuple(stage.value for stage in plan.solution.stages) == best_by_exhaustion(scenario)
    assert plan.bound is None or plan.bound <= plan.cost + 1e-9


PRICE = st.integers(-(10**9), 10**10)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(scenario=giving(), data=st.data())
def test_no_prices_prove_more_than_a_plan_costs(scenario: Scenario, data: st.DataObject) -> None:
    must, want, cost = best_by_exhaustion(scenario)
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, forecasts=scenario.forecasts)
    series = st.lists(PRICE, min_size=SLOTS, max_size=SLOTS).map(tuple)
    certificate = Certificate(
        {("circuit", "main", 0): data.draw(series)},
        {(car.id, None): data.draw(PRICE) for car in scenario.sessions},
        {"giver": data.draw(st.sampled_from([0, 10**8, -(10**8)]))},
        meter_prices=data.draw(st.one_of(st.just(()), series)),
        export_prices={"main": data.draw(series)},
        car_prices={"giver": data.draw(st.one_of(st.just(()), series))},
        denominator=data.draw(st.sampled_from([1, 7])),
    )
    inputs = (scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    for one in (certificate, plan.solution.certificates.get("cost")):
        if one is not None:
            proven = proven_cost_units(
                *inputs, forecasts=scenario.forecasts, certificate=one, must_units=must, want_units=want
            )
            assert proven <= cost


@pytest.mark.parametrize("price", [-0.3, 0.25])
def test_exhaustion_sees_what_giving_earns(price: float) -> None:
    """The oracle itself is strict: 920 Wh that are there could be sold, but the wish counts from arrival."""
    flat = PriceSeries(start=START, step_s=900, per_kwh=(price,) * SLOTS)
    site = Site(
        id="site",
        circuits=[Circuit(id="main", limit_a=(16, 40, 40))],
        stations=[Station(id="S0", circuit="main", ocpp_version="2.1")],
        connectors=[
            Connector(
                id="C0", station="S0", lines=("L1",), step_a=8.0, min_current_a=0, max_current_a=16,
                max_discharge_current_a=8.0,
            )
        ],
        edge_guard_s=0,
    )  # fmt: skip
    car = Session(
        id="giver", connector="C0", arrival=START, departure=START + 4 * SLOT, energy_wh=0, phases=1,
        battery_wh=920, soc_percent=100, v2g=V2g(max_discharge_w=1840),
    )  # fmt: skip
    zeros = (0.0,) * SLOTS
    scenario = Scenario(
        site=site, sessions=(car,), tariff=Tariff(energy=flat, export=flat), grid=TimeGrid.regular(START, SLOT, SLOTS),
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_w=zeros),
            Forecast(id="roof", start=START, step_s=900, expected_w=zeros),
        ),
    )  # fmt: skip
    # What is sold has to be bought again: the wish counts from arrival.
    assert best_by_exhaustion(scenario) == (0, 0, 0)
