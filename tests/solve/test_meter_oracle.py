"""Generation, export, peaks and surplus on tiny cases against exhaustive search: the same cost, to the unit."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.solve.test_oracle import LINES, SLOT, START, UNITS_PER_WH, tiny

from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, PriceSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Load, Site, Station
from ocpp_schedule.model.tariff import PeakCharge, PeakWindow, Tariff
from ocpp_schedule.plan import schedule
from ocpp_schedule.solution import Certificate
from ocpp_schedule.timegrid import TimeGrid

WATTS = (0.0, 460.0, 1840.0, 3680.0, 5520.0, 9200.0)
MONEY_PER_KWH = 36_000_000 * 1_000_000


@st.composite
def metered(draw: st.DrawFn) -> Scenario:
    """A tiny scenario with base load, one generator, an export price, an export limit and up to two peaks."""
    plain = draw(tiny())
    slots = plain.grid.slots
    series = st.lists(st.sampled_from(WATTS), min_size=slots, max_size=slots)
    peaks = []
    if draw(st.booleans()):
        peaks.append(
            PeakCharge(
                id="network",
                per_kw=draw(st.sampled_from([0.01, 0.1, 2.0])),
                interval_s=draw(st.sampled_from([900, 1800])),
                measures=draw(st.sampled_from(["import", "consumption"])),
                peak_so_far_w=draw(st.sampled_from([0.0, 1840.0])),
                windows=draw(st.sampled_from([None, (PeakWindow(end="00:30"),)])),
            )
        )
    prices = list(plain.tariff.energy.per_kwh)
    if peaks:  # where paid import and a peak meet, what is curtailed is no matter of single slots
        prices = [abs(price) for price in prices]
    export = draw(st.lists(st.sampled_from([-0.05, 0.0, 0.08, 0.25]), min_size=slots, max_size=slots))
    roof = Generator(id="roof", circuit="main", curtailable=draw(st.booleans()))
    limit = draw(st.sampled_from([None, 0.0, 1840.0]))
    site = plain.site.model_copy(
        update={
            "generators": (roof,),
            "loads": (Load(id="hall", circuit="main"),),
            "circuits": tuple(
                circuit.model_copy(
                    update={
                        "limit_a": (circuit.limit_a or 40.0) if circuit.parent else 80.0,
                        "limit_va": None,
                        "limit_w": None,
                        "continuous_load_factor": 1.0,
                        "export_limit_w": None if circuit.parent else limit,
                    }
                )
                for circuit in plain.site.circuits
            ),
        }
    )
    some = draw(st.integers(0, 2))
    sessions = tuple(
        car.model_copy(update={"source": "surplus" if k < some and draw(st.booleans()) else "any"})
        for k, car in enumerate(plain.sessions[:2])
    )
    return Scenario(
        site=site,
        sessions=sessions,
        tariff=Tariff(
            energy=PriceSeries(start=START, step_s=900, per_kwh=tuple(prices)),
            export=PriceSeries(start=START, step_s=900, per_kwh=tuple(export)),
            peaks=tuple(peaks),
        ),
        grid=plain.grid,
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_w=tuple(draw(series)), high_w=(9200.0,) * slots),
            Forecast(id="roof", start=START, step_s=900, expected_w=tuple(draw(series))),
        ),
    )


def bill(scenario: Scenario, charged: list[int], cut: list[int]) -> Fraction:
    """Return import, export and peaks for powers of charging and curtailment in W, in currency."""
    tariff = scenario.tariff
    load, roof = (forecast.expected_w for forecast in scenario.forecasts)
    total = Fraction(0)
    net = [int(load[t] - roof[t]) + charged[t] + cut[t] for t in range(len(charged))]
    for t, watts in enumerate(net):
        price = tariff.energy.per_kwh[t] if watts >= 0 else tariff.export.per_kwh[t]
        total += Fraction(watts, 4000) * Fraction(repr(price))
    for peak in tariff.peaks:
        size = peak.interval_s // 900
        highest = Fraction(peak.peak_so_far_w)
        for begin in range(0, len(net), size):
            if peak.windows and begin * 900 >= 1800:
                continue
            if peak.measures == "import":
                part = [max(0, watts) for watts in net[begin : begin + size]]
            else:
                part = [int(load[t]) + charged[t] for t in range(begin, min(begin + size, len(net)))]
            # the meter shows whole 0.1 W, rounded up
            highest = max(highest, Fraction(-(-10 * sum(part) // len(part)), 10))
        total += (highest - Fraction(peak.peak_so_far_w)) / 1000 * Fraction(repr(peak.per_kw))
    return total


def cuts(scenario: Scenario, charged: list[int]) -> list[list[int]]:
    """Return per slot what may be curtailed with sense [W]: what the limit asks for, to no export, and all of it."""
    load, roof = (forecast.expected_w for forecast in scenario.forecasts)
    able = scenario.site.generators[0].curtailable
    limit = scenario.site.circuits[0].export_limit_w
    found = []
    for t, power in enumerate(charged):
        most = int(roof[t]) if able else 0
        out = int(roof[t] - load[t]) - power
        allowed = 10**9 if limit is None else max(int(limit), int(roof[t] - load[t]) - most)
        least = max(0, out - allowed)
        found.append(sorted({least, min(most, max(least, out)), most}))
    return found


def choices(scenario: Scenario) -> list[list[tuple[list[int], list[int], np.ndarray, tuple[int, int]]]]:
    """Return for each session every series of set-points: W, A by row, and what is missing."""
    slots, found = scenario.grid.slots, []
    parents = {circuit.id: circuit.parent for circuit in scenario.site.circuits}
    rows = [(circuit.id, line) for circuit in scenario.site.circuits for line in range(3)]
    for session in scenario.sessions:
        connector = next(c for c in scenario.site.connectors if c.id == session.connector)
        station = next(s for s in scenario.site.stations if s.id == connector.station)
        path, circuit = [], station.circuit
        while circuit is not None:
            path.append(circuit)
            circuit = parents[circuit]
        used = len(connector.lines) if session.phases is None else min(session.phases, len(connector.lines))
        drawn = 1 if session.phases is None else used
        loads = np.array([float(name in path and LINES[line] in connector.lines[:used]) for name, line in rows])
        first, last = (session.arrival - START) // SLOT, (session.departure - START) // SLOT
        low = int(max(-(-connector.min_current_a // 8.0), 1))
        levels = [0, *(k for k in (1, 2) if low <= k <= connector.max_current_a // 8.0)]
        if connector.allowed_currents_a:
            levels = [int(current_a // 8) for current_a in connector.allowed_currents_a]
            low = levels[1]
        step_units, wish = drawn * 230 * 80 * 900, int(session.energy_wh * UNITS_PER_WH)
        own = []
        for steps in product(*[levels if first <= t < last else [0] for t in range(slots)]):
            units = [k * step_units for k in steps]
            if sum(units) > wish and sum(units) >= wish + low * step_units:
                continue
            must = want = 0
            for goal in session.milestones:
                short = max(0, int(goal.energy_wh * UNITS_PER_WH) - sum(units[: (goal.by - START) // SLOT]))
                must, want = (must + short, want) if goal.hard else (must, want + short)
            want += max(0, wish - sum(units))
            own.append(([k * drawn * 1840 for k in steps], np.outer(loads, np.array(steps) * 8.0), (must, want)))
        found.append(own)
    return found


def best_by_exhaustion(scenario: Scenario) -> tuple[int, int, int]:
    """Return must-have and wish shortfall [0.1 J] and cost [money units] of the best plan there is."""
    slots = scenario.grid.slots
    load, roof = (forecast.expected_w for forecast in scenario.forecasts)
    base_a = 9200.0 / (3 * 207)
    limits = np.array(
        [
            (c.limit_a if isinstance(c.limit_a, tuple) else (c.limit_a,) * 3)[line]
            - (base_a if c.parent is None else 0)
            for c in scenario.site.circuits
            for line in range(3)
        ]
    )
    idle = bill(scenario, [0] * slots, [0] * slots)
    best = None
    for choice in product(*choices(scenario)):
        missing = tuple(sum(entry[2][k] for entry in choice) for k in range(2))
        if best is not None and missing > best[:2]:
            continue
        if (sum(entry[1] for entry in choice) > limits[:, None] + 1e-9).any():
            continue
        charged = [sum(entry[0][t] for entry in choice) for t in range(slots)]
        waiting = [
            sum(e[0][t] for e, s in zip(choice, scenario.sessions, strict=True) if s.source == "surplus")
            for t in range(slots)
        ]
        if any(waiting[t] > max(0, roof[t] - load[t]) for t in range(slots)):
            continue
        for cut in product(*cuts(scenario, charged)):
            money = (bill(scenario, charged, list(cut)) - idle) * MONEY_PER_KWH
            value = (*missing, int(money // 1))
            if best is None or value < best:
                best = value
    assert best is not None
    return best


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=metered())
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, forecasts=scenario.forecasts)
    values = tuple(stage.value for stage in plan.solution.stages)
    assert values == best_by_exhaustion(scenario)
    assert plan.bound is None or plan.bound <= plan.cost + 1e-9


@st.composite
def stored(draw: st.DrawFn) -> Scenario:
    """The same with a battery of one step of 1.84 kW, one car at most and nothing to curtail."""
    plain = draw(metered())
    battery = Storage(
        id="cellar",
        circuit="main",
        capacity_wh=draw(st.sampled_from([460.0, 920.0, 1840.0])),
        max_charge_w=1840.0,
        max_discharge_w=draw(st.sampled_from([1840.0, 3680.0])),
        charge_efficiency=draw(st.sampled_from([1.0, 0.8])),
        discharge_efficiency=draw(st.sampled_from([1.0, 0.8])),
        soc_percent=draw(st.sampled_from([0.0, 50.0, 100.0])),
        end_soc_percent=draw(st.sampled_from([0.0, None])),
        step_w=1840,
        wear_per_kwh=draw(st.sampled_from([0.0, 0.01])),
    )
    roof = plain.site.generators[0].model_copy(update={"curtailable": False})
    site = plain.site.model_copy(update={"generators": (roof,), "storages": (battery,)})
    return plain.model_copy(update={"site": site, "sessions": plain.sessions[:1]})


def battery_series(scenario: Scenario) -> list[list[int]]:
    """Return every series of steps that keeps within the battery and ends with enough."""
    battery = scenario.site.storages[0]
    kept, drawn = Fraction(repr(battery.charge_efficiency)), 1 / Fraction(repr(battery.discharge_efficiency))
    start = Fraction(battery.capacity_wh) * Fraction(battery.soc_percent) / 100
    end = start if battery.end_soc_percent is None else Fraction(0)
    found = []
    for steps in product(range(-int(battery.max_discharge_w // 1840), 2), repeat=scenario.grid.slots):
        now, fits = start, True
        for step in steps:
            now += step * 460 * (kept if step > 0 else drawn)
            fits &= 0 <= now <= battery.capacity_wh
        if fits and now >= end:
            found.append(list(steps))
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=stored())
def test_battery_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, forecasts=scenario.forecasts)
    slots = scenario.grid.slots
    load, roof = (forecast.expected_w for forecast in scenario.forecasts)
    limit = scenario.site.circuits[0].export_limit_w
    idle = bill(scenario, [0] * slots, [0] * slots)
    wear = Fraction(repr(scenario.site.storages[0].wear_per_kwh))
    best = None
    for entry in (
        (one for own in choices(scenario) for one in own) if scenario.sessions else [((0,) * slots, 0, (0, 0))]
    ):
        charged = list(entry[0])
        waits = bool(scenario.sessions) and scenario.sessions[0].source == "surplus"
        if waits and any(charged[t] > max(0, roof[t] - load[t]) for t in range(slots)):
            continue
        for steps in battery_series(scenario):
            flows = [step * 1840 for step in steps]
            out = [int(roof[t] - load[t]) - charged[t] - flows[t] for t in range(slots)]
            if limit is not None and any(out[t] > max(limit, roof[t] - load[t]) for t in range(slots)):
                continue
            worn = wear * sum(Fraction(max(0, -flow), 4000) for flow in flows)
            money = (bill(scenario, charged, flows) - idle + worn) * MONEY_PER_KWH
            value = (*entry[2], int(money // 1))
            best = value if best is None else min(best, value)
    assert tuple(stage.value for stage in plan.solution.stages) == best
    assert plan.bound is None or plan.bound <= plan.cost + 1e-9


PRICE = st.integers(-(10**9), 10**10)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=metered(), data=st.data())
def test_no_prices_prove_more_than_a_plan_costs(scenario: Scenario, data: st.DataObject) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid, forecasts=scenario.forecasts)
    slots = scenario.grid.slots
    series = st.lists(PRICE, min_size=slots, max_size=slots).map(tuple)
    certificate = Certificate(
        {("circuit", "main", line): data.draw(series) for line in data.draw(st.sets(st.integers(0, 2)))},
        {(car.id, None): data.draw(PRICE) for car in scenario.sessions},
        meter_prices=data.draw(st.one_of(st.just(()), series)),
        peak_prices={("network", "2026-01"): data.draw(series)},
        surplus_prices=data.draw(st.one_of(st.just(()), series)),
        export_prices={"main": data.draw(series)},
    )
    must, want, cost = (stage.value for stage in plan.solution.stages)
    inputs = (scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    for one in (certificate, plan.solution.certificates["cost"]):
        if one is not None:
            proven = proven_cost_units(
                *inputs, forecasts=scenario.forecasts, certificate=one, must_units=must, want_units=want
            )
            assert proven <= cost


@pytest.mark.parametrize("price", [0.5, 1.0])
def test_exhaustion_counts_the_peak(price: float) -> None:
    """The oracle itself is strict: a peak of 1.84 kW at ``price`` stands in its cost."""
    zeros = PriceSeries(start=START, step_s=900, per_kwh=(0.0, 0.0))
    scenario = Scenario(
        site=Site(
            id="site",
            circuits=[Circuit(id="main", limit_a=80)],
            stations=[Station(id="S0", circuit="main", ocpp_version="1.6")],
            connectors=[Connector(id="C0", station="S0", lines=("L1",), step_a=8.0, max_current_a=16)],
            loads=[Load(id="hall", circuit="main")],
            generators=[Generator(id="roof", circuit="main")],
            edge_guard_s=0,
        ),
        sessions=[Session(id="s0", connector="C0", arrival=START, departure=START + 2 * SLOT, energy_wh=920, phases=1)],
        tariff=Tariff(energy=zeros, export=zeros, peaks=(PeakCharge(id="p", per_kw=price),)),
        grid=TimeGrid.regular(START, SLOT, 2),
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_w=(0.0, 0.0)),
            Forecast(id="roof", start=START, step_s=900, expected_w=(0.0, 0.0)),
        ),
    )
    assert best_by_exhaustion(scenario) == (0, 0, int(Fraction(repr(price)) * Fraction(184, 100) * MONEY_PER_KWH))
