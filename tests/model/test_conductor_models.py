"""Connectors between two lines and line constraints: what is refused, and what is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.phasor_scenes import between, matrix, site_of, stay, to_neutral
from tests.scenes import planned, scene

from ocpp_schedule import Capabilities, Circuit, Connector, Generator, Plan, Scenario, Station
from ocpp_schedule.profiles.layers import cap_tenths


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"lines": ("L1",)}, "connection='delta' lies between two lines, lines names 1; name the two.", id="one"
        ),
        pytest.param({"lines": ("L1", "L2", "L3")}, "lines names 3; name the two.", id="three"),
        pytest.param({}, "lines names 3; name the two.", id="default"),
    ],
)
def test_a_load_between_lines_names_two(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Connector(id="A", station="S", connection="delta", max_current_a=16, **fields)
    assert message in str(error.value)


def test_a_term_names_a_connector_of_the_site() -> None:
    with pytest.raises(ValidationError) as error:
        site_of(between("A", "12"), line_constraints=[matrix("bus", 10.0, ("A", 1.0, 0.0), ("B", 1.0, 0.0))])
    assert "line_constraints[0] (bus): terms[1].connector 'B' does not exist; the site has 'A'." in str(error.value)


def test_ids_of_constraints_differ() -> None:
    one = matrix("bus", 10.0, ("A", 1.0, 0.0))
    with pytest.raises(ValidationError) as error:
        site_of(between("A", "12"), line_constraints=[one, one])
    assert "id 'bus' is already used" in str(error.value)


def test_without_a_neutral_loads_lie_between_lines() -> None:
    with pytest.raises(ValidationError) as error:
        site_of(to_neutral("A", "L1"), supply="230IT")
    assert "Write connection='delta' and the two lines it lies between" in str(error.value)
    assert site_of(between("A", "12"), supply="230IT").connectors[0].connection == "delta"


def test_generators_beside_loads_between_lines_are_refused() -> None:
    with pytest.raises(ValidationError) as error:
        site_of(between("A", "12"), generators=[Generator(id="roof", circuit="main")])
    assert "generators[0] (roof): stands at a site with loads between lines" in str(error.value)
    assert site_of(
        between("A", "12"), supply="240/120", generators=[Generator(id="roof", circuit="main", lines=("L1",))]
    )


def test_limits_on_unbalance_beside_loads_between_lines_are_refused() -> None:
    main = Circuit(id="main", supply="208Y/120", limit_a=100, unbalance_limit_a=20)
    with pytest.raises(ValidationError) as error:
        site_of(between("A", "12"), circuits=[main])
    assert "circuits[0] (main): has unbalance_limit_a at a site with loads between lines" in str(error.value)
    assert site_of(to_neutral("A", "L1"), circuits=[main])


def test_stations_that_are_never_told_0_are_refused_beside_conductors() -> None:
    station = Station(id="SA", circuit="main", ocpp_version="1.6", capabilities=Capabilities(pause="min_current"))
    with pytest.raises(ValidationError) as error:
        site_of(between("A", "12"), stations=[station])
    assert "stations[0] (SA): must never be told 0" in str(error.value)
    assert site_of(to_neutral("A", "L1", min_current_a=6.0), stations=[station])


def test_a_station_cap_in_watts_counts_the_voltage_between_lines() -> None:
    """20 A on two lines of 208 V are 4,160 W between them; on three lines they may be 7,200 W."""
    station = Station(
        id="SA",
        circuit="main",
        ocpp_version="1.6",
        max_current_a=20.0,
        capabilities=Capabilities(rate_units=("W",)),
    )
    for lines, watts in (("12", 4160), ("123", 7200)):
        outlets = [between("A", lines[:2])]
        if len(lines) == 3:
            outlets.append(between("B", "23", evse_id=2).model_copy(update={"station": "SA"}))
        site = site_of(*outlets, stations=[station])
        assert cap_tenths(site, site.stations[0], site.connectors) == 10 * watts


def test_scenario_and_plan_come_back_from_json() -> None:
    site = site_of(between("A", "12"), between("B", "31"), line_constraints=[matrix("bus", 30.0, ("A", 1.0, 30.0))])
    scenario = scene(site, [stay("A", 1, 9000), stay("B", 1, 9000)])
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario
    plan = planned(scenario)
    again = Plan.from_json(plan.to_json())
    assert again.solution.certificates == plan.solution.certificates
    assert again.to_json() == plan.to_json()


def test_between_lines_a_car_uses_one_phase_on_the_wire() -> None:
    plan = planned(scene(site_of(between("A", "12")), [stay("A", 1, 3000)]))
    message = plan.to_ocpp()[-1]
    periods = message["payload"]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert {period["numberPhases"] for period in periods} == {1}


@pytest.mark.parametrize("phases", [None, 1, 2, 3])
def test_a_station_in_watts_draws_at_the_voltage_between_lines(phases: int | None) -> None:
    """10 W at the lowest 187 V are 53,476 uA, on both lines; 32 A are 6,656 W."""
    site = site_of(between("A", "12"), limit_a=32.0)
    stations = [site.stations[0].model_copy(update={"capabilities": Capabilities(rate_units=("W",))})]
    site = site.model_copy(update={"stations": tuple(stations)})
    plan = planned(scene(site, [stay("A", 4, 20000, phases=phases)]))
    problem = plan.problem
    assert problem.load_units[0, :3].tolist() == [53_476, 53_476, 0]
    assert (problem.power_dw[0], problem.max_steps[0]) == (100, 665)
    assert plan.setpoints.max() == 598  # 32 A / 53,476 uA


def test_idle_floor_in_watts_between_lines() -> None:
    """6 A at 208 V are 1,248 W, but the minimum at the highest 229 V is 1,374 W: 138 steps."""
    site = site_of(between("A", "12", min_current_a=6.0), limit_a=32.0, idle_floor_a=6.0)
    stations = [site.stations[0].model_copy(update={"capabilities": Capabilities(rate_units=("W",))})]
    plan = planned(scene(site.model_copy(update={"stations": tuple(stations)}), []))
    assert plan.solution.idle_floor_steps.tolist() == [138]
