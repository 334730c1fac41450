"""Small scenarios against exhaustive search: the same missing energy and the same cost, to the unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from math import floor, inf

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import PriceSeries
from ocpp_schedule.model.session import Milestone, Session
from ocpp_schedule.model.site import Circuit, Connector, Group, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.plan import schedule
from ocpp_schedule.timegrid import TimeGrid

START = datetime(2026, 1, 15, tzinfo=UTC)
SLOT = timedelta(minutes=15)
UNITS_PER_WH = 36_000
LINES = ("L1", "L2", "L3")
STEP_VA = 8 * 230
TOTALS = st.sampled_from(
    [
        {},
        {},
        {"limit_va": 2.0 * STEP_VA},
        {"limit_w": 3.0 * STEP_VA},
        {"limit_w": 4.5 * STEP_VA, "limit_va": 5.0 * STEP_VA},
        {"continuous_load_factor": 1.25},
    ]
)
"""Limits beside those per line: of all lines together in whole steps and half ones, and a weight of charging."""


@st.composite
def tiny(draw: st.DrawFn, *, pilots: bool = False, across: bool = False) -> Scenario:
    """At most 3 sessions on 4 slots, 0, 1 or 2 steps of 8 A (0 or 2 where the minimum is 16 A).

    ``pilots``: with sets of currents; ``across``: with outlets that take turns, and limits across the tree.
    """
    slots = draw(st.integers(1, 4))
    sessions, connectors, stations = [], [], []
    panel = draw(st.booleans())
    for k in range(draw(st.integers(1, 3))):
        lines = draw(st.sampled_from([("L1",), ("L2",), ("L1", "L2", "L3"), ("L2", "L3", "L1")]))
        shares = across and k == 1 and draw(st.booleans())  # the station of the first, one of the two at a time
        if shares:
            stations[0] = stations[0].model_copy(update={"exclusive_groups": (("C0", "C1"),)})
        else:
            stations.append(Station(id=f"S{k}", circuit="panel" if panel and k < 2 else "main", ocpp_version="1.6"))
        low = draw(st.sampled_from([0.0, 6.0, 16.0]))
        allowed = (
            draw(st.sampled_from([None, None, (0, 8, 16), (0, 16, 24), (0, 8, 24)])) if pilots and low == 6 else None
        )
        connectors.append(
            Connector(
                id=f"C{k}",
                station="S0" if shares else f"S{k}",
                evse_id=2 if shares else 1,
                lines=lines,
                step_a=8.0,
                min_current_a=low,
                max_current_a=24.0 if allowed else draw(st.sampled_from([16.0, 8.0])) if low < 16 else 16.0,
                allowed_currents_a=allowed,
            )
        )
        arrival = draw(st.integers(0, slots - 1))
        departure = draw(st.integers(arrival + 1, slots))
        phases = draw(st.sampled_from([None, 1, 3]))
        energy = float(draw(st.sampled_from([0, 400, 460, 920, 1000, 1380, 2760, 4140])))
        milestones = ()
        if draw(st.booleans()):
            by = START + SLOT * draw(st.integers(arrival + 1, departure))
            wanted = float(int(energy * draw(st.sampled_from([0.5, 1.0]))))
            milestones = (Milestone(by=by, energy_wh=wanted, hard=draw(st.booleans())),)
        sessions.append(
            Session(
                id=f"s{k}",
                connector=f"C{k}",
                arrival=START + SLOT * arrival,
                departure=START + SLOT * departure,
                energy_wh=energy,
                phases=phases,
                milestones=milestones,
            )
        )
    amperes = st.sampled_from([8.0, 16.0, 24.0, 32.0, 40.0])
    limit = st.one_of(amperes, st.tuples(amperes, amperes, amperes))
    circuits = [Circuit(id="main", limit_a=draw(limit), **draw(TOTALS))]
    if panel:
        circuits.append(Circuit(id="panel", parent="main", limit_a=draw(limit), **draw(TOTALS)))
    prices = draw(st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31]), min_size=slots, max_size=slots))
    return Scenario(
        site=Site(
            id="site",
            circuits=circuits,
            stations=stations,
            connectors=connectors,
            groups=draw(groups([one.id for one in connectors], [one.id for one in stations])) if across else (),
            edge_guard_s=0,
        ),
        sessions=sessions,
        tariff=Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=prices)),
        grid=TimeGrid.regular(START, SLOT, slots),
    )


@st.composite
def groups(draw: st.DrawFn, connectors: list[str], stations: list[str]) -> tuple[Group, ...]:
    """Return no group, or one across the tree."""
    if draw(st.sampled_from([True, True, False])):
        return ()
    limit = draw(st.sampled_from([{"limit_a": 16.0}, {"limit_w": 2.0 * STEP_VA}, {"limit_va": 3.0 * STEP_VA}]))
    some = draw(st.sets(st.sampled_from(connectors)))
    circuits = draw(st.sampled_from([(), (), ("main",)]))
    of = stations[:1] if not some and not circuits else ()
    return (Group(id="tenant", connectors=sorted(some), circuits=circuits, stations=of, **limit),)


def limits_of(one: Circuit | Group) -> list[float]:
    """Return the limits of L1, L2, L3 [A] and of all together [VA], by what charging weighs."""
    per_line = one.limit_a if isinstance(one.limit_a, tuple) else (inf if one.limit_a is None else one.limit_a,) * 3
    total = min(inf if limit is None else limit for limit in (one.limit_va, one.limit_w))
    weight = one.continuous_load_factor if isinstance(one, Circuit) else 1.0
    return [limit / weight for limit in (*per_line, total)]


def inside(group: Group, connector: Connector, path: list[str]) -> bool:
    """Tell whether a connector below these circuits is in a group."""
    named = connector.id in group.connectors or connector.station in group.stations
    return named or any(name in group.circuits for name in path)


def best_by_exhaustion(scenario: Scenario) -> tuple[int, int, int]:
    """Return must-have shortfall, wish shortfall [0.1 J] and cost [1e-6 / kWh x 0.1 J] of the best plan there is."""
    slots = scenario.grid.slots
    prices = [round(price * 1_000_000) for price in scenario.tariff.energy.per_kwh]
    parents = {circuit.id: circuit.parent for circuit in scenario.site.circuits}
    nodes = [*scenario.site.circuits, *scenario.site.groups]
    exclusive = [group for station in scenario.site.stations for group in station.exclusive_groups]
    limits = np.array([limit for node in nodes for limit in limits_of(node)] + [1.0] * len(exclusive))
    options = []
    for session in scenario.sessions:
        connector = next(c for c in scenario.site.connectors if c.id == session.connector)
        station = next(s for s in scenario.site.stations if s.id == connector.station)
        path, circuit = [], station.circuit
        while circuit is not None:
            path.append(circuit)
            circuit = parents[circuit]
        used = len(connector.lines) if session.phases is None else min(session.phases, len(connector.lines))
        drawn = 1 if session.phases is None else used
        loads = np.array(
            [
                part * float(inside(node, connector, path) if isinstance(node, Group) else node.id in path)
                for node in nodes
                for part in (*(float(line in connector.lines[:used]) for line in LINES), used * 230.0)
            ]
        )
        first = (session.arrival - START) // SLOT
        last = (session.departure - START) // SLOT
        low = max(-(-connector.min_current_a // 8.0), 1)
        levels = [0, *(k for k in (1, 2) if low <= k <= connector.max_current_a // 8.0)]
        if connector.allowed_currents_a:
            levels = [int(current_a // 8) for current_a in connector.allowed_currents_a]
            low = levels[1]
        step_units = drawn * 230 * 80 * 900
        wish = floor(session.energy_wh * UNITS_PER_WH)
        found = []
        for steps in product(*[levels if first <= t < last else [0] for t in range(slots)]):
            units = [k * step_units for k in steps]
            if sum(units) > wish and sum(units) >= wish + low * step_units:
                continue
            must = wants = 0
            for milestone in session.milestones:
                by = (milestone.by - START) // SLOT
                short = max(0, floor(milestone.energy_wh * UNITS_PER_WH) - sum(units[:by]))
                must, wants = (must + short, wants) if milestone.hard else (must, wants + short)
            wants += max(0, wish - sum(units))
            cost = sum(u * p for u, p in zip(units, prices, strict=True))
            on = np.outer([connector.id in group for group in exclusive], np.array(steps) > 0)
            found.append((np.concatenate((np.outer(loads, np.array(steps) * 8.0), on)), (must, wants, cost)))
        options.append(found)
    best = None
    for choice in product(*options):
        value = tuple(sum(entry[1][k] for entry in choice) for k in range(3))
        if best is not None and value >= best:
            continue
        if (sum(entry[0] for entry in choice) <= limits[:, None] + 1e-9).all():
            best = value
    assert best is not None
    return best


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenario=st.one_of(tiny(pilots=True), tiny(pilots=True, across=True)))
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    values = tuple(stage.value for stage in plan.solution.stages)
    assert values == best_by_exhaustion(scenario)


@pytest.mark.parametrize("seed", range(3))
def test_exhaustion_can_find_fault(seed: int) -> None:
    """The oracle itself is strict: a plan made dearer by hand is not its optimum."""
    grid = TimeGrid.regular(START, SLOT, 2)
    prices = (0.1, 0.2 + seed / 10)
    scenario = Scenario(
        site=Site(
            id="site",
            circuits=[Circuit(id="main", limit_a=16)],
            stations=[Station(id="S0", circuit="main", ocpp_version="1.6")],
            connectors=[Connector(id="C0", station="S0", lines=("L1",), step_a=8.0, max_current_a=16)],
            edge_guard_s=0,
        ),
        sessions=[Session(id="s0", connector="C0", arrival=START, departure=START + 2 * SLOT, energy_wh=920, phases=1)],
        tariff=Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=prices)),
        grid=grid,
    )
    assert best_by_exhaustion(scenario) == (0, 0, 920 * UNITS_PER_WH * 100_000)
