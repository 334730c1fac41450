"""Ceilings and the shapes of stacks on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from tests.profiles.test_shapes import COMING, NO_DEFAULT, RUNNING, stacks

from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.errors import InputError
from ocpp_schedule.model.carriers import LimitCarrier

KEY = LimitCarrier(key="Max{evse}", component="Limiter", scope="connector")


def test_a_ceiling_is_a_configuration_key_in_1_6() -> None:
    found = to_ocpp(stacks(RUNNING, connectors="AB", purposes=NO_DEFAULT, limit_carrier=KEY))
    assert [(one["action"], one["wave"], one["lowers"]) for one in found] == [
        ("ChangeConfiguration", 0, False),
        ("ChangeConfiguration", 0, True),
        ("SetChargingProfile", 1, False),
    ]
    assert [one["payload"] for one in found[:2]] == [{"key": "Max1", "value": "16"}, {"key": "Max2", "value": "6"}]


@pytest.mark.parametrize(
    ("carrier", "component"),
    [
        pytest.param(KEY, {"name": "Limiter", "evse": {"id": 1}}, id="of-an-evse"),
        pytest.param(LimitCarrier(key="Max", component="Limiter"), {"name": "Limiter"}, id="of-the-station"),
    ],
)
def test_a_ceiling_is_a_variable_in_2_x(carrier: LimitCarrier, component: dict[str, Any]) -> None:
    [found] = to_ocpp(stacks(purposes=NO_DEFAULT, limit_carrier=carrier), version="2.1")
    assert (found["action"], found["version"]) == ("SetVariables", "2.1")
    [written] = found["payload"]["setVariableData"]
    assert written == {"attributeValue": "6", "component": component, "variable": {"name": carrier.key_of(1)}}


def test_a_variable_needs_a_component() -> None:
    found = stacks(purposes=NO_DEFAULT, limit_carrier=LimitCarrier(key="Max"))
    with pytest.raises(
        InputError, match=r"station .CP1.: limit_carrier .Max. has no component, OCPP 2\.0\.1 needs one"
    ):
        to_ocpp(found, version="2.0.1")


def test_a_default_profile_goes_with_the_floors() -> None:
    [coming] = to_ocpp(stacks(COMING, max_profiles=1))
    [idle] = to_ocpp(stacks(max_profiles=1))
    assert [(one["wave"], one["lowers"]) for one in (coming, idle)] == [(0, False), (0, True)]


def test_a_relative_floor_has_no_start_on_the_wire() -> None:
    [message] = to_ocpp(stacks(kinds=("relative",)))
    schedule = message["payload"]["csChargingProfiles"]["chargingSchedule"]
    assert schedule == {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "numberPhases": 3}],
    }


def test_what_holds_for_the_station_goes_to_evse_0() -> None:
    cap, *floors = to_ocpp(stacks(station={"max_current_a": 40.0}, connectors="AB", max_profiles=7))
    assert cap["payload"]["connectorId"] == 0
    assert cap["payload"]["csChargingProfiles"]["chargingProfilePurpose"] == "ChargePointMaxProfile"
    assert [one["payload"]["connectorId"] for one in floors] == [1, 2]
    [shared] = to_ocpp(stacks(connectors="AB", max_profiles=1), version="2.0.1")
    assert (shared["payload"]["evseId"], shared["wave"], shared["lowers"]) == (0, 0, True)
