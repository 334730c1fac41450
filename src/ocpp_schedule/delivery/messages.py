"""Stacks as messages, in waves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from ocpp_schedule.delivery.carriers import CeilingAction, ceiling_request
from ocpp_schedule.delivery.expiry import expires_at
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.wire import v16, v21, v201

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ocpp_schedule.model.layering import LayerName
    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.model import Layer, ProfileStack
    from ocpp_schedule.timegrid import TimeGrid

WRITERS: Final[dict[OcppVersion, Callable[..., dict[str, Any]]]] = {
    "1.6": v16.set_charging_profile,
    "2.0.1": v201.set_charging_profile,
    "2.1": v21.set_charging_profile,
}
WAVE_OF_LAYER: Final[dict[LayerName, int]] = {
    "station_cap": 0,
    "shared_floor": 0,
    "idle_floor": 0,
    "default": 0,
    "plan": 1,
    "session": 1,
}
"""A default profile goes with the floors: until it is there its charger may draw all it can."""
ORDER_OF_LAYER: Final[dict[LayerName, int]] = {name: order for order, name in enumerate(WAVE_OF_LAYER)}


class Request(TypedDict):
    """What goes to a station.

    Attributes:
        id: names the message in ``after``; unique among the messages it came with.
        station: id of the station.
        version: OCPP version of the payload.
        action: name of the request.
        payload: what goes on the wire.
    """

    id: str
    station: str
    version: OcppVersion
    action: Literal["SetChargingProfile", "ClearChargingProfile"] | CeilingAction
    payload: dict[str, Any]


class OcppMessage(Request):
    """A request and its place among the others; ``json.dumps`` takes it as it is (convention 25).

    Attributes:
        wave: it may be sent only after every message of the waves before is acknowledged and settled.
        after: the same said more finely: only these need be acknowledged and settled. ``"wave 0"`` stands for every
            message of wave 0.
        lowers: True where the message cannot raise what any charger may draw.
        expires_at: from this instant on (UTC, as OCPP writes it) it must not be sent any more; None: it may always.
    """

    wave: int
    after: list[str]
    lowers: bool
    expires_at: str | None


def to_ocpp(
    stacks: Iterable[ProfileStack], *, version: str | None = None, grid: TimeGrid | None = None
) -> list[OcppMessage]:
    """Return every layer and ceiling of every stack as a message.

    Wave 0 holds ceilings, the cap, floors, and default profiles: a charger about which nothing is known
    counts with its hardware maximum, and none of them is above that. Wave 1 holds the
    plans, first those for coming sessions, then those of running ones; what is installed is not known here, so none
    of them counts as lowering. Messages of wave n + 1 may be sent only after all of wave n is acknowledged and the
    chargers have settled.

    Args:
        stacks: what the connectors are to hold.
        version: write all in this OCPP version; None: each station in its own.
        grid: the slots of the plan, which say when a message is too late; None: nothing says so.

    Returns:
        Messages sorted by wave, layer, station and EVSE.

    Raises:
        InputError: the version is unknown, or cannot carry a profile (all such profiles are named).

    >>> to_ocpp([], version="1.5")
    Traceback (most recent call last):
    ocpp_schedule.errors.InputError: 1 problem in OCPP messages
    version: '1.5' is not known; there are 1.6, 2.0.1, 2.1.
    """
    check_version(version)
    stacks = list(stacks)
    pairs = [(stack, layer) for stack in stacks for layer in stack.layers]
    pairs.sort(key=_order)
    waves = sorted({WAVE_OF_LAYER[layer.name] for _, layer in pairs} | {0 for stack in stacks if stack.ceilings})
    problems: list[InputProblem] = []
    messages = list(_ceilings(stacks, version, problems))
    for stack, layer in pairs:
        wave = WAVE_OF_LAYER[layer.name]
        try:
            messages.append(
                {
                    **written(stack, layer, version),
                    "wave": wave,
                    "after": [f"wave {earlier}" for earlier in waves if earlier < wave][-1:],
                    "lowers": wave == 0 and not layer.session_ids,
                    "expires_at": None if grid is None else expires_at(layer, stack, grid),
                }
            )
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError("OCPP messages", problems)
    return messages


def check_version(version: str | None) -> None:
    """Raise ``InputError`` for a version that nobody speaks."""
    if version is not None and version not in WRITERS:
        what = f"{version!r} is not known; there are {', '.join(WRITERS)}."
        raise InputError("OCPP messages", [InputProblem("version", what)])


def _ceilings(
    stacks: Iterable[ProfileStack], version: str | None, problems: list[InputProblem]
) -> Iterator[OcppMessage]:
    """Yield what goes into keys outside profiles."""
    for stack in stacks:
        for ceiling in stack.ceilings:
            spoken: Any = version or stack.version
            try:
                action, payload = ceiling_request(stack.station, ceiling, spoken)
            except InputError as error:
                problems.extend(error.problems)
                continue
            yield {
                "id": f"{stack.station}/{ceiling.evse_id}/{ceiling.key}",
                "station": stack.station,
                "version": spoken,
                "action": action,
                "payload": payload,
                "wave": 0,
                "after": [],
                "lowers": ceiling.fixed,
                "expires_at": None,
            }


def _order(pair: tuple[ProfileStack, Layer]) -> tuple[int, int, str, int]:
    stack, layer = pair
    return WAVE_OF_LAYER[layer.name], ORDER_OF_LAYER[layer.name], stack.station, stack.evse_id


def written(stack: ProfileStack, layer: Layer, version: str | None) -> Request:
    """Return the request that installs a layer.

    Raises:
        InputError: the version cannot carry the profile.
    """
    spoken: Any = version or stack.version
    return {
        "id": f"{stack.station}/{layer.profile.id}",
        "station": stack.station,
        "version": spoken,
        "action": "SetChargingProfile",
        "payload": WRITERS[spoken](stack.evse_id, layer.profile, where=_where(stack, layer)),
    }


def _where(stack: ProfileStack, layer: Layer) -> str:
    served = f"session {layer.session_ids[0]!r} on " if layer.name == "session" else ""
    return f"{served}connector {stack.connector!r}"
