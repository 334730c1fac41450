"""Cars that give energy back: what the referee finds, what a plan makes of them, on the wire and in the archive."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ocpp_schedule import (
    Circuit,
    Connector,
    Forecast,
    InputError,
    Load,
    Plan,
    PriceSeries,
    Session,
    Site,
    Station,
    Tariff,
    TimeGrid,
    V2g,
    schedule,
)
from ocpp_schedule.check.referee import review
from ocpp_schedule.delivery.diff import diff
from ocpp_schedule.delivery.timelines import full
from ocpp_schedule.model.availability import Derate
from ocpp_schedule.model.devices import Generator
from ocpp_schedule.wire.v21 import read_profile

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEP_WH = 69
"""0.1 A on three lines for an hour."""


def plan(
    *,
    limit_a: float = 40,
    export_w: float | None = None,
    cars: int = 1,
    guard_s: int = 0,
    load: dict[str, Any] | None = None,
    sun_w: float = 0.0,
    availability: tuple[Derate, ...] = (),
    **changes: Any,
) -> Plan:
    """Four hours at 0.40, 0.10, 0.10 and 0.40, 6.9 kW of base load; cars with 10 of 20 kWh that give up to 16 A."""
    v2g = {"charge_efficiency": 0.8, "discharge_efficiency": 0.8, "min_soc_percent": 20} | changes.pop("v2g", {})
    car: dict[str, Any] = {
        "arrival": START, "departure": START + 4 * HOUR, "energy_wh": 0, "phases": 3,
        "battery_wh": 20_000, "soc_percent": 50, "v2g": V2g(**v2g),
    }  # fmt: skip
    names, outlet = "AB"[:cars], {"max_current_a": 16, "min_current_a": 0, "max_discharge_current_a": 16}
    panel = Circuit(id="panel", parent="main", limit_a=limit_a, export_limit_w=export_w)
    site = Site(
        id="s",
        circuits=[Circuit(id="main", limit_a=80), panel],
        stations=[Station(id=f"S{name}", circuit="panel", ocpp_version="2.1") for name in names],
        connectors=[Connector(id=name, station=f"S{name}", **outlet) for name in names],
        loads=[Load(id="hall", circuit="panel")],
        generators=[Generator(id="roof", circuit="panel")] if sun_w else [],
        edge_guard_s=guard_s,
    )  # fmt: skip
    prices = PriceSeries(start=START, step_s=3600, per_kwh=(0.4, 0.1, 0.1, 0.4))
    hall = Forecast(id="hall", start=START, step_s=3600, expected_w=(6900.0,) * 4, **load or {})
    roof = Forecast(id="roof", start=START, step_s=3600, expected_w=(sun_w,) * 4)
    sessions = tuple(Session(id=f"van {name}", connector=name, **car | changes) for name in names)
    return schedule(
        site, sessions, Tariff(energy=prices), TimeGrid.regular(START, HOUR, 4),
        forecasts=[hall, roof] if sun_w else [hall], availability=availability,
    )  # fmt: skip


def kinds(one: Plan, **lies: Any) -> list[str]:
    inputs = one.scenario.inputs() | {"solution": replace(one.solution, **lies)}
    return [violation.kind for violation in review(**inputs).violations if not violation.kind.startswith("claimed")]


def lie(one: Plan, given: list[list[int]], charged: list[list[int]] | None = None) -> list[str]:
    steps = np.zeros_like(one.setpoints) if charged is None else np.array(charged, dtype=np.int64)
    return kinds(one, discharge_steps=np.array(given, dtype=np.int64), setpoints=steps)


def test_a_car_gives_where_energy_is_dear_and_is_full_again() -> None:
    """6 kWh above the reserve give 4.8 kWh in the first hour: as much as the building draws beside, at 0.40."""
    one = plan()
    assert one.given_w[0, 0] == pytest.approx(4.8e3, abs=STEP_WH)
    assert one.energy_wh["van A"] >= 0
    assert one.status == "complete"
    assert one.mark == "certified"
    assert one.cost < 0
    assert one.cost_gap is not None
    assert one.cost_gap < 0.01
    assert not ((one.setpoints > 0) & (one.given_w > 0)).any()
    assert one.import_w.tolist() == pytest.approx(
        (6900 + one.expected_w.sum(axis=0) - one.given_w.sum(axis=0)).tolist()
    )


def test_wear_and_losses_keep_a_car_from_giving() -> None:
    assert not plan(v2g={"wear_per_kwh": 0.5}).given_w.any()
    one = plan(v2g={"wear_per_kwh": 0.01})
    assert one.cost_parts["wear"] == pytest.approx(0.01 * one.given_w.sum() / 1000)


def test_a_car_that_comes_with_less_than_its_reserve_gives_nothing_before() -> None:
    one = plan(soc_percent=10, energy_wh=2000)
    assert not one.given_w[:, 0].any()
    assert one.given_w[:, 3].any()


@pytest.mark.parametrize(
    ("given", "charged", "found"),
    [
        pytest.param([[0, 0, 0, 0]], None, [], id="nothing"),
        pytest.param([[60, 0, 0, 0]], [[0, 94, 0, 0]], [], id="fits"),
        pytest.param([[161, 0, 0, 0]], None, ["discharge", "soc"], id="too much at once"),
        pytest.param([[-1, 0, 0, 0]], None, ["discharge", "energy"], id="less than nothing"),
        pytest.param([[10, 0, 0, 0]], [[10, 0, 0, 0]], ["discharge"], id="both at once"),
        pytest.param([[60, 60, 0, 0]], None, ["soc"], id="below the reserve"),
        pytest.param([[0, 0, 0, 0]], [[160, 160, 0, 0]], ["soc", "soc", "soc", "energy"], id="above the most"),
    ],
)
def test_what_no_car_can_give_is_found(
    given: list[list[int]], charged: list[list[int]] | None, found: list[str]
) -> None:
    assert sorted(lie(plan(), given, charged)) == sorted(found)


def test_a_car_gives_in_its_own_time_only() -> None:
    one = plan(arrival=START + HOUR)
    assert lie(one, [[10, 0, 0, 0]]) == ["discharge"]


def test_availability_holds_for_giving_too() -> None:
    derate = Derate(station="SA", start=START, end=START + HOUR, max_current_a=6)
    one = plan(availability=(derate,))
    assert one.given_w[0, 0] == 60 * STEP_WH
    assert lie(one, [[61, 0, 0, 0]]) == ["discharge"]


def test_what_cars_give_fits_the_limits_by_itself() -> None:
    """20 A on the panel: the building draws 10 A of it, which makes no room for the way up."""
    one = plan(limit_a=20, cars=2)
    assert one.given_w[:, 0].sum() <= 200 * STEP_WH
    assert lie(one, [[60, 0, 0, 0], [60, 0, 0, 0]]) == []
    assert lie(plan(limit_a=11, cars=2), [[56, 0, 0, 0], [55, 0, 0, 0]]) == ["upwards"] * 3


def test_at_an_edge_the_larger_of_both_counts() -> None:
    one = plan(limit_a=11, cars=2, guard_s=60)
    assert lie(one, [[60, 0, 0, 0], [0, 60, 0, 0]]) == ["upwards"] * 3
    assert lie(plan(limit_a=11, cars=2), [[60, 0, 0, 0], [0, 60, 0, 0]]) == []


@pytest.mark.parametrize("guard_s", [0, 60])
@pytest.mark.parametrize("limit_a", [13, 16, 20, 25])
def test_plans_keep_to_the_rows_upwards(limit_a: float, guard_s: int) -> None:
    """Two cars on a panel that carries less than both can give: every plan is judged before it is returned."""
    one = plan(limit_a=limit_a, cars=2, guard_s=guard_s, soc_percent=70, load={"high_w": (6900.0,) * 4})
    given = one.solution.discharge_steps
    assert given is not None
    assert given.any()
    assert given.sum(axis=0).max() <= limit_a * 10
    if guard_s:
        assert np.maximum(given[:, 1:], given[:, :-1]).sum(axis=0).max() <= limit_a * 10


@pytest.mark.parametrize(
    ("changes", "most_w"),
    [
        pytest.param({}, 0, id="nothing is certain"),
        pytest.param({"load": {"firm_w": (2000.0,) * 4}}, 2000, id="some of the load is"),
        pytest.param({"load": {"firm_w": (2000.0,) * 4}, "sun_w": 1500.0}, 500, id="less generation"),
    ],
)
def test_a_limit_on_export_counts_the_lowest_consumption(changes: dict[str, Any], most_w: int) -> None:
    one = plan(export_w=0, **changes)
    steps = most_w // STEP_WH
    assert one.given_w[0, 0] == steps * STEP_WH
    assert lie(one, [[steps + 1, 0, 0, 0]]) == ["upwards"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"discharge_ids": ("another",)}, id="another car"),
        pytest.param({"discharge_steps": np.zeros((1, 3), dtype=np.int64)}, id="a slot short"),
    ],
)
def test_steps_of_another_shape_are_found(wrong: dict[str, Any]) -> None:
    assert kinds(plan(), **wrong) == ["shape"]


def test_a_car_without_v2g_gives_nothing() -> None:
    one = plan(v2g={}, phases=3)
    plain = one.scenario.sessions[0].model_copy(update={"v2g": None})
    inputs = one.scenario.inputs() | {"sessions": (plain,), "solution": one.solution}
    assert "shape" in [violation.kind for violation in review(**inputs).violations]


def test_a_changed_claim_is_found() -> None:
    one = plan()
    less = one.solution.discharge_steps
    assert less is not None
    inputs = one.scenario.inputs() | {"solution": replace(one.solution, discharge_steps=less - (less > 0))}
    found = {violation.kind for violation in review(**inputs).violations}
    assert {"claimed_energy", "claimed_cost", "claimed_stage"} <= found


def test_the_archive_keeps_what_cars_give() -> None:
    one = plan()
    again = Plan.from_json(one.to_json())
    assert again.given_w.tolist() == one.given_w.tolist()
    assert again.to_json() == one.to_json()
    assert again.bound == one.bound


def test_a_period_in_which_a_car_gives_is_a_set_point() -> None:
    one = plan(transaction_id="t1", guard_s=60)
    (message,) = (found for found in one.to_ocpp() if "transactionId" in str(found["payload"]))
    (schedule_,) = message["payload"]["chargingProfile"]["chargingSchedule"]
    first, *rest = schedule_["chargingSchedulePeriod"]
    amperes = one.solution.discharge_steps[0, 0] / 10
    assert first == {
        "startPeriod": 0, "limit": 0.0, "numberPhases": 3, "setpoint": -amperes, "dischargeLimit": -amperes,
        "operationMode": "CentralSetpoint",
    }  # fmt: skip
    charging = [period for period in rest if period["limit"] > 0]
    assert charging
    assert all("setpoint" not in period for period in charging)
    with pytest.raises(InputError, match=r"setpoint_tenths is set, OCPP 1\.6 cannot carry it"):
        plan().to_ocpp("1.6")


def test_what_is_given_back_is_sent_to_a_station_that_holds_the_same_limits() -> None:
    """A profile with set-points is never taken for one that has only their limits."""
    one = plan(transaction_id="t1")
    layer = one.stacks()[0].layers[-1]
    (message,) = (found for found in one.to_ocpp() if "transactionId" in str(found["payload"]))
    assert (
        full(layer.profile).schedules[0].periods
        == read_profile(message["payload"]["chargingProfile"]).schedules[0].periods
    )
    held = deepcopy(message["payload"])
    for period in held["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]:
        for name in ("setpoint", "dischargeLimit", "operationMode"):
            period.pop(name, None)
    found = diff({"SA": [held]}, one.stacks(), one.scenario)
    assert any("CentralSetpoint" in str(request["payload"]) for request in found.messages)


def test_text_frame_and_explanation_tell_what_is_given() -> None:
    one = plan()
    assert "Given back by cars: " in one.summary()
    assert "<" in one.summary().splitlines()[-1]
    assert "Gives back " in str(one.explain("van A"))
    assert one.to_frame()["given_w"].tolist() == one.given_w[0].tolist()


def test_planning_again_is_refused() -> None:
    one = plan()
    with pytest.raises(InputError, match="with v2g cannot be planned again within a grid yet: 'van A'"):
        schedule(
            one.scenario.site, one.scenario.sessions, one.scenario.tariff, one.scenario.grid,
            forecasts=one.scenario.forecasts, now=START + HOUR,
        )  # fmt: skip
