"""Profile ids: fixed slots per connector and layer, or ids that a CSMS has persisted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from ocpp_schedule.model.layering import LayerName, StationLayers
    from ocpp_schedule.model.site import Connector

SLOTS_PER_EVSE: Final = 100
"""Distance between two EVSEs: room for later layers (convention 13)."""
SLOT_OF_LAYER: Final[dict[LayerName, int]] = {"idle_floor": 1, "plan": 2, "session": 3}
SLOT_OF_STATION: Final[dict[LayerName, int]] = {"shared_floor": 1, "station_cap": 4}
"""On EVSE 0. A default profile has the id of the idle floor, whose purpose and level it has: one replaces the other."""
LARGEST_ID: Final = 2**31 - 1
"""OCPP integers fit 32 bits in the field, whatever the schema allows."""


def profile_ids(
    connectors: Iterable[Connector],
    overrides: Mapping[tuple[str, str], int] | None = None,
    stations: Iterable[StationLayers] = (),
) -> dict[tuple[str, LayerName], int]:
    """Return the id of every layer of every connector, also of layers that are not in use now.

    Args:
        connectors: all of a site.
        overrides: (connector id, layer name) to the id to use instead of the default
            ``100 * evse_id + 1, 2, 3``; (station id, layer name) for ``shared_floor`` and ``station_cap``, 1 and 4.
        stations: those with layers of their own count; the name ``default`` is added where it is in use.

    Raises:
        InputError: an override names no connector or layer, is no id, or two layers of one station get the same id.

    >>> from ocpp_schedule.model.site import Connector
    >>> profile_ids([Connector(id="A", station="CP1", evse_id=2, max_current_a=16)])
    {('A', 'idle_floor'): 201, ('A', 'plan'): 202, ('A', 'session'): 203}
    """
    known, overrides = list(connectors), overrides or {}
    layered = list(stations)
    problems = list(_override_problems({connector.id for connector in known}, {s.station for s in layered}, overrides))
    ids: dict[tuple[str, LayerName], int] = {}
    owners: dict[tuple[str, int], tuple[str, LayerName]] = {}
    for station, place, standard in _places(known, layered):
        number = overrides.get(place, standard)
        owner = owners.setdefault((station, number), place)
        if owner != place:
            pair = " and ".join(_named(one, station) for one in (owner, place))
            what = f"{pair} both get profile id {number}; ids are unique within a station."
            problems.append(InputProblem(f"station {station!r}", what))
        ids[place] = number
    if problems:
        raise InputError("profile ids", problems)
    return ids | {
        (name, "default"): ids[name, "idle_floor"]
        for one in layered
        for name, slots in one.connectors.items()
        if any(slot.name == "default" for slot in slots)
    }


def _places(
    connectors: Iterable[Connector], stations: Iterable[StationLayers]
) -> Iterator[tuple[str, tuple[str, LayerName], int]]:
    """Yield station, (owner, layer) and standard id of every layer that has one of its own."""
    for one in stations:
        for slot in (one.shared, one.cap):
            if slot is not None:
                yield one.station, (one.station, slot.name), SLOT_OF_STATION[slot.name]
    for connector in connectors:
        for layer, number in SLOT_OF_LAYER.items():
            yield connector.station, (connector.id, layer), SLOTS_PER_EVSE * connector.evse_id + number


def _named(place: tuple[str, LayerName], station: str) -> str:
    name, layer = place
    return f"{layer} of station {station!r}" if layer in SLOT_OF_STATION else f"{layer} of connector {name!r}"


def _override_problems(
    connectors: Container[str], stations: Container[str], overrides: Mapping[tuple[str, str], int]
) -> Iterable[InputProblem]:
    for (owner, layer), number in overrides.items():
        where = f"ids[{owner!r}, {layer!r}]"
        if layer in SLOT_OF_STATION:
            if owner not in stations:
                yield InputProblem(where, f"station {owner!r} does not exist in the site.")
        elif owner not in connectors:
            yield InputProblem(where, f"connector {owner!r} does not exist in the site.")
        if layer not in SLOT_OF_LAYER and layer not in SLOT_OF_STATION:
            listed = ", ".join((*SLOT_OF_LAYER, *SLOT_OF_STATION))
            yield InputProblem(where, f"layer {layer!r} does not exist; there are {listed}.")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST_ID:
            yield InputProblem(where, f"{number!r} is no profile id; give a whole number from 0 to {LARGEST_ID}.")
