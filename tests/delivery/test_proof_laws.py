"""Laws of the proof: random sites with random capabilities, and the same claim second by second."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ocpp_schedule import Capabilities, Circuit, Connector, InputError, Scenario, Session, Site, Station, TimeGrid
from ocpp_schedule import schedule as planned
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.pipeline import checked, solved
from ocpp_schedule.plan import Plan
from ocpp_schedule.testing.losses import BruteLosses
from ocpp_schedule.testing.mixtures import mixtures
from ocpp_schedule.testing.strategies import START, scenarios

if TYPE_CHECKING:
    from ocpp_schedule.delivery.proof.report import Proof

PURPOSES = ("charging_station_max_profile", "tx_default_profile", "tx_profile")
GUARD_S = 8


def plan_of(scenario: Scenario) -> Plan:
    problem, solution, report, scene = solved(checked(scenario))
    return Plan(scenario, problem, solution, report, scene)


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios() | mixtures())
def test_an_accepted_plan_on_stations_that_take_everything_is_proven(scenario: Scenario) -> None:
    assume(all(station.capabilities.pause == "zero_limit" for station in scenario.site.stations))
    proof = plan_of(scenario).prove()
    assert proof.holds, str(proof)


@st.composite
def capabilities(draw: st.DrawFn, units: tuple[Any, ...] = ("A",)) -> Capabilities:
    return Capabilities(
        rate_units=units,
        max_profiles=draw(st.sampled_from([None, 1, 2, 3, 5, 8])),
        stack_levels=draw(st.sampled_from([None, (0,), (3,), (2, 7)])),
        purposes=draw(st.sampled_from([PURPOSES, PURPOSES[:2], PURPOSES[1:2], PURPOSES[::2], PURPOSES[:1]])),
        kinds=draw(st.sampled_from([("absolute",), ("relative", "absolute"), ("relative",), ("recurring",)])),
        keeps_over_reboot=draw(st.sampled_from(["all", "all", "last", "none"])),
        keeps_over_reconnect=draw(st.sampled_from(["all", "all", "none"])),
        resend_after_resume=draw(st.booleans()),
        pause=draw(st.sampled_from(["zero_limit", "zero_limit", "min_current"])),
        clock_skew_s=draw(st.sampled_from([None, None, 5, 400])),
        settle_s=draw(st.sampled_from([None, None, 0, 20])),
    )


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios(max_sessions=4), data=st.data())
def test_either_the_proof_holds_or_stations_are_named(scenario: Scenario, data: st.DataObject) -> None:
    stations = [
        one.model_copy(update={"capabilities": data.draw(capabilities(one.capabilities.rate_units))})
        for one in scenario.site.stations
    ]
    site = scenario.site.model_copy(update={"stations": tuple(stations)})
    try:
        proof = plan_of(scenario.model_copy(update={"site": site})).prove()
    except InputError:  # what is never told 0 cannot serve every wish
        assume(False)
        raise
    assert proof.holds is (not proof.breaches and not proof.not_guaranteed)
    assert [one.station for one in proof.stations] == sorted(one.id for one in site.stations)
    assert all(gap.why and gap.mend for one in proof.not_guaranteed for gap in one.gaps)
    failed = {one.name for one in proof.variants if not one.holds}
    if failed:
        assert proof.not_guaranteed
    if proof.holds:
        assert not failed


@st.composite
def small(draw: st.DrawFn) -> tuple[Site, list[Session], TimeGrid]:
    """Draw a site of a minute or two, so that every second can be looked at."""
    slots = draw(st.integers(1, 3))
    grid = TimeGrid.regular(START, timedelta(seconds=20), slots)
    stations, connectors, sessions = [], [], []
    for k in range(draw(st.integers(1, 2))):
        known = draw(capabilities()).with_values({"clock_skew_s": None, "settle_s": None})
        version: Any = draw(st.sampled_from(["1.6", "2.0.1", "2.1"]))
        stations.append(Station(id=f"S{k}", circuit="main", ocpp_version=version, capabilities=known))
        for evse in range(1, draw(st.integers(1, 2)) + 1):
            name = f"S{k}-{evse}"
            lines: Any = draw(st.sampled_from([("L1",), ("L2", "L1"), ("L1", "L2", "L3")]))
            connectors.append(Connector(id=name, station=f"S{k}", evse_id=evse, lines=lines, max_current_a=16.0))
            first, last = sorted(draw(st.tuples(st.integers(0, slots), st.integers(0, slots))))
            if first == last:
                continue
            runs = first == 0 and draw(st.booleans())
            sessions.append(
                Session(
                    id=f"car-{name}",
                    connector=name,
                    arrival=START + timedelta(seconds=20 * first),
                    departure=START + timedelta(seconds=20 * last),
                    energy_wh=draw(st.sampled_from([10.0, 30.0, 100.0])),
                    phases=draw(st.sampled_from([None, 1, 3])),
                    transaction_id=(7 if version == "1.6" else "tx") + (evse if version == "1.6" else str(evse))  # type: ignore[operator] # both of one type
                    if runs
                    else None,
                )
            )
    limit: Any = draw(st.sampled_from([16.0, 20.0, 25.0, (16.0, 32.0, 40.0), 64.0]))
    site = Site(
        id="small",
        circuits=[Circuit(id="main", limit_a=limit)],
        stations=stations,
        connectors=connectors,
        idle_floor_a=draw(st.sampled_from([0.0, 0.0, 6.0])),
        edge_guard_s=GUARD_S,
    )
    return site, sessions, grid


def of_rows(proof: Proof) -> set[str]:
    """Return the stations that are named for what they may draw, not for what they are not told."""
    return {one.station for one in proof.not_guaranteed if any(gap.variant != "as planned" for gap in one.gaps)}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=small())
def test_second_by_second_the_same(case: tuple[Site, list[Session], TimeGrid]) -> None:
    site, sessions, grid = case
    try:
        plan = planned(site, sessions, Tariff(energy=0.25), grid)
    except InputError:
        assume(False)
        raise
    proof = plan.prove()
    brute = BruteLosses(site, sessions, grid, plan.to_ocpp(), GUARD_S // 2)
    overloads = brute.overloads()
    failed = any(not one.holds for one in proof.variants)
    assert bool(overloads) is failed, (overloads, str(proof))
    assert bool(overloads) is bool(of_rows(proof) or proof.breaches)
    assert bool(brute.overloads(told=of_rows(proof))) is bool(proof.breaches)


def test_the_slow_way_notices_what_is_planted() -> None:
    """It can fail: a floor that is missing on a site that is full."""
    site = Site(
        id="small",
        circuits=[Circuit(id="main", limit_a=16.0)],
        stations=[
            Station(id="S0", circuit="main", ocpp_version="1.6"),
            Station(id="S1", circuit="main", ocpp_version="2.1"),
        ],
        connectors=[Connector(id=f"S{k}-1", station=f"S{k}", max_current_a=16.0) for k in range(2)],
        edge_guard_s=GUARD_S,
    )
    grid = TimeGrid.regular(START, timedelta(seconds=20), 2)
    plan = planned(site, [], Tariff(energy=0.25), grid)
    messages = plan.to_ocpp()
    assert BruteLosses(site, [], grid, messages, 4).overloads() == []
    # One charger without its floor may draw 16 A, which fits; both do not.
    assert BruteLosses(site, [], grid, messages[:1], 4).overloads() == []
    found = BruteLosses(site, [], grid, [], 4).overloads()
    assert [(one.subject, one.line, one.second, one.current) for one in found] == [
        ("main", line, 0, 32) for line in ("L1", "L2", "L3")
    ]
    with pytest.raises(KeyError):
        BruteLosses(site, [], grid, [{"station": "S0", "payload": {"key": "Max", "value": "6"}}], 4)
