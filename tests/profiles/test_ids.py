"""Profile ids are unique in a station, fixed, and can be given."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.model.site import Connector
from ocpp_schedule.profiles.ids import profile_ids


def connectors(*places: tuple[str, str, int]) -> list[Connector]:
    return [Connector(id=name, station=station, evse_id=evse, max_current_a=16.0) for name, station, evse in places]


def test_defaults_are_slots_by_evse() -> None:
    found = profile_ids(connectors(("A", "CP1", 1), ("B", "CP1", 2)))
    assert sorted(found.values()) == [101, 102, 103, 201, 202, 203]
    assert found["B", "session"] == 203


def test_two_stations_may_use_the_same_ids() -> None:
    found = profile_ids(connectors(("A", "CP1", 1), ("B", "CP2", 1)))
    assert found["A", "plan"] == found["B", "plan"] == 102


def test_an_override_counts() -> None:
    assert profile_ids(connectors(("A", "CP1", 1)), {("A", "plan"): 7})["A", "plan"] == 7


@pytest.mark.parametrize(
    ("overrides", "seen"),
    [
        pytest.param({("A", "plan"): 101}, "idle_floor of connector 'A' and plan of connector 'A'", id="own-default"),
        pytest.param({("A", "plan"): 202}, "plan of connector 'A' and plan of connector 'B'", id="other-connector"),
        pytest.param({("A", "plan"): 7, ("B", "plan"): 7}, "profile id 7", id="two-overrides"),
        pytest.param({("X", "plan"): 7}, "connector 'X' does not exist", id="unknown-connector"),
        pytest.param({("A", "top"): 7}, "layer 'top' does not exist; there are idle_floor", id="unknown-layer"),
        pytest.param({("A", "plan"): -1}, "-1 is no profile id", id="negative"),
        pytest.param({("A", "plan"): 2**31}, "2147483648 is no profile id", id="too-large"),
        pytest.param({("A", "plan"): True}, "True is no profile id", id="boolean"),
        pytest.param({("A", "plan"): "7"}, "'7' is no profile id", id="text"),
    ],
)
def test_a_wrong_override_is_refused(overrides: dict[tuple[str, str], Any], seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        profile_ids(connectors(("A", "CP1", 1), ("B", "CP1", 2)), overrides)
