"""Profile ids: fixed slots per connector and layer, or ids that a CSMS has persisted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocpp_schedule.model.site import Connector
    from ocpp_schedule.profiles.model import LayerName

SLOTS_PER_EVSE: Final = 100
"""Distance between two EVSEs: room for later layers (convention 13)."""
SLOT_OF_LAYER: Final[dict[LayerName, int]] = {"idle_floor": 1, "plan": 2, "session": 3}
LARGEST_ID: Final = 2**31 - 1
"""OCPP integers fit 32 bits in the field, whatever the schema allows."""


def profile_ids(
    connectors: Iterable[Connector], overrides: Mapping[tuple[str, str], int] | None = None
) -> dict[tuple[str, LayerName], int]:
    """Return the id of every layer of every connector, also of layers that are not in use now.

    Args:
        connectors: all of a site.
        overrides: (connector id, layer name) to the id to use instead of the default
            ``100 * evse_id + 1, 2, 3``.

    Raises:
        InputError: an override names no connector or layer, is no id, or two layers of one station get the same id.

    >>> from ocpp_schedule.model.site import Connector
    >>> profile_ids([Connector(id="A", station="CP1", evse_id=2, max_current_a=16)])
    {('A', 'idle_floor'): 201, ('A', 'plan'): 202, ('A', 'session'): 203}
    """
    known = list(connectors)
    overrides = overrides or {}
    problems = list(_override_problems(known, overrides))
    ids: dict[tuple[str, LayerName], int] = {}
    owners: dict[tuple[str, int], tuple[str, LayerName]] = {}
    for connector in known:
        for layer, slot in SLOT_OF_LAYER.items():
            number = overrides.get((connector.id, layer), SLOTS_PER_EVSE * connector.evse_id + slot)
            place = connector.id, layer
            owner = owners.setdefault((connector.station, number), place)
            if owner != place:
                pair = " and ".join(f"{one} of connector {name!r}" for name, one in (owner, place))
                what = f"{pair} both get profile id {number}; ids are unique within a station."
                problems.append(InputProblem(f"station {connector.station!r}", what))
            ids[place] = number
    if problems:
        raise InputError("profile ids", problems)
    return ids


def _override_problems(connectors: list[Connector], overrides: Mapping[tuple[str, str], int]) -> Iterable[InputProblem]:
    names = {connector.id for connector in connectors}
    for (connector, layer), number in overrides.items():
        where = f"ids[{connector!r}, {layer!r}]"
        if connector not in names:
            yield InputProblem(where, f"connector {connector!r} does not exist in the site.")
        if layer not in SLOT_OF_LAYER:
            yield InputProblem(where, f"layer {layer!r} does not exist; there are {', '.join(SLOT_OF_LAYER)}.")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST_ID:
            yield InputProblem(where, f"{number!r} is no profile id; give a whole number from 0 to {LARGEST_ID}.")
