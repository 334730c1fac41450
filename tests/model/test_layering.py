"""Which layers a station gets, by what it takes and how many profiles it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_schedule.model.capabilities import Capabilities, ProfileKind, ProfilePurpose
from ocpp_schedule.model.layering import Slot, StationLayers, site_layers, station_layers
from ocpp_schedule.model.site import Circuit, Connector, Site, Station

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_SESSION = ("charging_station_max_profile", "tx_default_profile")
NO_DEFAULT = ("charging_station_max_profile", "tx_profile")
FULL = ["idle_floor 0", "plan 1", "session 1"]


def outlets(count: int, **changes: dict[str, Any]) -> list[Connector]:
    """Return connectors A, B, C ...; ``changes`` by id."""
    plain: dict[str, Any] = {"station": "CP1", "max_current_a": 16}
    names = "ABCDEFGH"[:count]
    return [
        Connector(**plain | {"id": name, "evse_id": at} | changes.get(name, {})) for at, name in enumerate(names, 1)
    ]


def layers(connectors: Sequence[Connector], max_current_a: float | None = None, **known: Any) -> StationLayers:
    station = Station(
        id="CP1",
        circuit="main",
        ocpp_version="1.6",
        max_current_a=max_current_a,
        capabilities=Capabilities(**known),
    )
    return station_layers(station, connectors)


def told(slots: Sequence[Slot]) -> list[str]:
    return [f"{slot.name} {slot.level}" + (" relative" if slot.kind == "relative" else "") for slot in slots]


@pytest.mark.parametrize(
    ("known", "stack"),
    [
        pytest.param({}, FULL, id="nothing-said"),
        pytest.param({"max_profiles": 3}, FULL, id="three"),
        pytest.param({"max_profiles": 2}, ["idle_floor 0", "plan 1"], id="two-levels-two"),
        pytest.param({"max_profiles": 1}, ["default 0"], id="one"),
        pytest.param({"stack_levels": (0,)}, ["default 0", "session 0"], id="one-level"),
        pytest.param({"stack_levels": (0,), "max_profiles": 1}, ["default 0"], id="one-level-one"),
        pytest.param({"stack_levels": (7, 3, 5)}, ["idle_floor 3", "plan 5", "session 5"], id="lowest-two-levels"),
        pytest.param({"purposes": NO_SESSION}, ["idle_floor 0", "plan 1"], id="no-session-profile"),
        pytest.param({"purposes": NO_SESSION, "stack_levels": (0,)}, ["default 0"], id="no-session-one-level"),
        pytest.param({"purposes": NO_DEFAULT}, ["session 1"], id="no-default-profile"),
        pytest.param({"purposes": ("charging_station_max_profile",)}, [], id="no-profile-of-a-connector"),
        pytest.param({"kinds": ("relative", "absolute")}, FULL, id="absolute-comes-first"),
        pytest.param({"kinds": ("relative",)}, ["idle_floor 0 relative"], id="relative-only"),
        pytest.param({"kinds": ("recurring",)}, [], id="no-kind-of-ours"),
    ],
)
def test_the_stack_of_one_connector(known: dict[str, Any], stack: list[str]) -> None:
    found = layers(outlets(1), **known)
    assert told(found.connectors["A"]) == stack
    assert (found.shared, found.cap) == (None, None)
    defaults = [slot for slot in found.connectors["A"] if slot.purpose == "tx_default_profile"]
    assert found.uncovered == (() if defaults else ("A",))


@pytest.mark.parametrize(
    ("room", "stacks"),
    [
        pytest.param(9, {"A": FULL, "B": FULL, "C": FULL}, id="full"),
        pytest.param(8, {key: ["idle_floor 0", "plan 1"] for key in "ABC"}, id="alike-on-all"),
        pytest.param(5, {key: ["default 0"] for key in "ABC"}, id="one-each"),
        pytest.param(2, {"A": ["session 1"], "B": [], "C": []}, id="shared-floor-and-one-session"),
        pytest.param(1, {"A": [], "B": [], "C": []}, id="shared-floor"),
    ],
)
def test_room_is_the_station_s(room: int, stacks: dict[str, list[str]]) -> None:
    found = layers(outlets(3), max_profiles=room)
    assert {name: told(slots) for name, slots in found.connectors.items()} == stacks
    assert (found.shared is not None) is (room < 3)
    assert found.uncovered == ()


@pytest.mark.parametrize(
    ("changes", "known", "shared", "uncovered"),
    [
        pytest.param({}, {}, "shared_floor 0", (), id="alike"),
        pytest.param({}, {"kinds": ("relative",)}, "shared_floor 0 relative", (), id="relative"),
        pytest.param({"B": {"max_current_a": 32}}, {}, None, ("C",), id="another-maximum"),
        pytest.param({"B": {"lines": ("L1",)}}, {}, None, ("C",), id="another-number-of-lines"),
        pytest.param({"B": {"lines": ("L2", "L3", "L1")}}, {}, "shared_floor 0", (), id="rotated"),
        pytest.param({}, {"purposes": NO_DEFAULT}, None, ("A", "B", "C"), id="default-profile-not-taken"),
        pytest.param({}, {"kinds": ("recurring",)}, None, ("A", "B", "C"), id="kind-not-taken"),
    ],
)
def test_fewer_profiles_than_connectors(
    changes: dict[str, Any], known: dict[str, Any], shared: str | None, uncovered: tuple[str, ...]
) -> None:
    found = layers(outlets(3, **changes), max_profiles=2, **known)
    assert (told([found.shared]) if found.shared else None) == ([shared] if shared else None)
    assert found.uncovered == uncovered


@pytest.mark.parametrize(
    ("known", "capped"),
    [
        pytest.param({"max_profiles": 7}, True, id="room"),
        pytest.param({"max_profiles": 5, "stack_levels": (2, 3)}, True, id="room-beside-two-each"),
        pytest.param({"max_profiles": 6}, False, id="no-room"),
        pytest.param({}, False, id="room-not-known"),
        pytest.param({"max_profiles": 7, "purposes": ("tx_default_profile", "tx_profile")}, False, id="not-taken"),
        pytest.param({"max_profiles": 7, "kinds": ("relative",)}, False, id="never-relative"),
    ],
)
def test_the_cap_of_the_station_takes_a_place_that_is_left(known: dict[str, Any], capped: bool) -> None:
    found = layers(outlets(2), 32, **known)
    assert (found.cap is not None) is capped
    assert found.cap is None or (found.cap.kind, found.cap.level) == ("absolute", min(known.get("stack_levels", (0,))))
    assert layers(outlets(2), None, **known).cap is None


@pytest.mark.parametrize(
    ("known", "coming", "running"),
    [
        pytest.param({}, "plan", "session", id="full"),
        pytest.param({"max_profiles": 2}, "plan", "plan", id="two"),
        pytest.param({"max_profiles": 1}, "default", "default", id="one"),
        pytest.param({"stack_levels": (0,)}, "default", "session", id="one-level"),
        pytest.param({"purposes": NO_DEFAULT}, None, "session", id="no-default-profile"),
        pytest.param({"kinds": ("relative",)}, None, None, id="no-times"),
    ],
)
def test_what_carries_the_plans(known: dict[str, Any], coming: str | None, running: str | None) -> None:
    found = layers(outlets(1), **known)
    assert [slot and slot.name for slot in (found.coming("A"), found.running("A"))] == [coming, running]


@pytest.mark.parametrize(
    ("pause", "obeyed"), [("zero_limit", True), ("min_current", False), ("stop_transaction", False)]
)
def test_whether_0_is_obeyed(pause: str, obeyed: bool) -> None:
    assert layers(outlets(1), pause=pause).takes_zero is obeyed


def test_a_site_has_the_layers_of_every_station() -> None:
    one = Capabilities(max_profiles=1)
    site = Site(
        id="yard",
        circuits=[Circuit(id="main", limit_a=63)],
        stations=[
            Station(id="CP1", circuit="main", ocpp_version="1.6"),
            Station(id="CP2", circuit="main", ocpp_version="2.1", capabilities=one),
            Station(id="CP3", circuit="main", ocpp_version="2.1"),
        ],
        connectors=[*outlets(1), Connector(id="B", station="CP2", max_current_a=16)],
    )
    found = site_layers(site)
    assert list(found) == ["CP1", "CP2", "CP3"]
    assert [told(found["CP1"].connectors["A"]), told(found["CP2"].connectors["B"])] == [FULL, ["default 0"]]
    assert found["CP3"].connectors == {}


def subsets(kind: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(get_args(kind)), min_size=1, unique=True)


@given(
    count=st.integers(1, 5),
    room=st.none() | st.integers(1, 18),
    levels=st.none() | st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    purposes=subsets(ProfilePurpose),
    kinds=subsets(ProfileKind),
    cap_a=st.none() | st.just(40.0),
    odd=st.booleans(),
)
def test_the_layers_fit_what_the_station_takes(
    count: int,
    room: int | None,
    levels: list[int] | None,
    purposes: list[Any],
    kinds: list[Any],
    cap_a: float | None,
    odd: bool,
) -> None:
    known = {"max_profiles": room, "stack_levels": levels, "purposes": tuple(purposes), "kinds": tuple(kinds)}
    connectors = outlets(count, A={"max_current_a": 32 if odd else 16})
    found = layers(connectors, cap_a, **known)
    own = [slot for slots in found.connectors.values() for slot in slots]
    every = [*own, *filter(None, (found.cap, found.shared))]
    assert room is None or len(every) <= room
    assert {slot.purpose for slot in every} <= set(purposes)
    assert {slot.kind for slot in every} <= set(kinds)
    assert {slot.level for slot in every} <= set(levels or (0, 1))
    for slots in found.connectors.values():
        assert len({(slot.purpose, slot.level) for slot in slots}) == len(slots)
        if found.shared is not None:  # K01.FR.52: two defaults of one level, on EVSE 0 and on another, are refused
            assert all(slot.purpose != "tx_default_profile" for slot in slots)
    assert layers(connectors[::-1], cap_a, **known) == found
