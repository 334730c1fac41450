"""What of a plan a charger cannot take, said before anything is sent."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.errors import InputError
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ocpp_schedule.model.capabilities import Capabilities
    from ocpp_schedule.profiles.model import ChargingProfile, Layer, ProfileStack

ENVELOPE_BYTES: Final = 80
"""OCPP-J wraps a payload in [2,"<id of at most 36>","SetChargingProfile",...]."""
PLANNED_PAUSE: Final = 0


class Misfit(NamedTuple):
    """Why a plan cannot be expressed on a charger.

    Attributes:
        station, connector: where; ``""`` for the station as a whole.
        layer: which profile of the stack; ``""`` for all together.
        capability: the field of ``Capabilities`` it breaks.
        evidence: how that is known: ``assumed``, ``advertised``, ``verified``, ``denied``, or ``given`` by the user.
        text: what was seen, and what would mend it.
    """

    station: str
    connector: str
    layer: str
    capability: str
    evidence: str
    text: str

    def __str__(self) -> str:
        where = f"connector {self.connector!r}, {self.layer} layer" if self.connector else f"station {self.station!r}"
        return f"this plan cannot be expressed on {where}: {self.text} ({self.capability}, {self.evidence})"


def lint(stacks: Sequence[ProfileStack], capabilities: Mapping[str, Capabilities]) -> tuple[Misfit, ...]:
    """Return everything in the stacks that a station does not take.

    Args:
        stacks: as ``Plan.stacks()`` returns them.
        capabilities: by station id, e.g. from ``known_capabilities``; stations not named are not judged.

    >>> lint((), {})
    ()
    """
    found: list[Misfit] = []
    by_station: dict[str, list[ProfileStack]] = defaultdict(list)
    for stack in stacks:
        if stack.station in capabilities:
            by_station[stack.station].append(stack)
    for station, own in by_station.items():
        known = capabilities[station]
        for stack in own:
            for layer in stack.layers:
                found += _layer_misfits(stack, layer, known)
        found += _station_misfits(station, own, known)
    return tuple(found)


def _layer_misfits(stack: ProfileStack, layer: Layer, known: Capabilities) -> Iterator[Misfit]:
    for capability, text in _texts(stack, layer, known):
        evidence = known.evidence.get(capability, "given")
        yield Misfit(stack.station, stack.connector, layer.name, capability, evidence, text)


def _texts(stack: ProfileStack, layer: Layer, known: Capabilities) -> Iterator[tuple[str, str]]:
    """Yield the capability that a profile breaks, and what to do."""
    profile = layer.profile
    schedule = profile.schedule
    if schedule.unit not in known.rate_units:
        yield "rate_units", f"limits are in {schedule.unit}, it takes {', '.join(known.rate_units)}; plan in that unit"
    if known.max_periods is not None and len(schedule.periods) > known.max_periods:
        what = f"{len(schedule.periods)} periods, it takes {known.max_periods}; plan on a coarser grid"
        yield "max_periods", what
    if known.stack_levels is not None and profile.stack_level not in known.stack_levels:
        levels = ", ".join(map(str, known.stack_levels))
        yield "stack_levels", f"stack level {profile.stack_level}, it takes {levels}; plan with fewer layers"
    if profile.purpose not in known.purposes:
        yield "purposes", f"purpose {profile.purpose}, it takes {', '.join(known.purposes)}"
    if profile.kind not in known.kinds:
        yield "kinds", f"kind {profile.kind}, it takes {', '.join(known.kinds)}"
    yield from _limit_texts(profile, known)
    if known.max_message_bytes is not None:
        size = _size(stack, layer)
        if size is not None and size > known.max_message_bytes:
            what = f"a message of {size} bytes, it reads {known.max_message_bytes}; plan with fewer periods"
            yield "max_message_bytes", what


def _limit_texts(profile: ChargingProfile, known: Capabilities) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with single limits, each kind once."""
    schedule = profile.schedule
    if schedule.unit == "A":
        step = exact(known.limit_step_a) * DECIAMPERES_PER_AMPERE
        odd = [period for period in schedule.periods if (period.limit_tenths / step).denominator != 1]
        if odd:
            value = odd[0].limit_tenths / DECIAMPERES_PER_AMPERE
            what = f"a limit of {value:g} A at {odd[0].start_s} s, it takes steps of {known.limit_step_a:g} A"
            yield "limit_step_a", f"{what}; set the connector's step_a to that"
    between = [period for period in schedule.periods[1:] if period.limit_tenths == PLANNED_PAUSE]
    if known.pause == "min_current" and profile.purpose == "tx_profile" and between:
        what = f"a limit of 0 at {between[0].start_s} s, and it must not be paused; plan the session without pauses"
        yield "pause", what
    phases = {period.phases for period in schedule.periods if period.limit_tenths}
    if known.number_phases == "omit" and len(phases) > 1:
        yield "number_phases", f"periods for {sorted(map(str, phases))} phases, and it ignores numberPhases"


def _size(stack: ProfileStack, layer: Layer) -> int | None:
    """Return the length of the message on the wire; None where it cannot be written (``to_ocpp`` says why)."""
    alone = type(stack)(stack.station, stack.version, stack.connector, stack.evse_id, (layer,))
    try:
        [message] = to_ocpp([alone])
    except InputError:
        return None
    return len(json.dumps(message["payload"], separators=(",", ":"))) + ENVELOPE_BYTES


def _station_misfits(station: str, stacks: Sequence[ProfileStack], known: Capabilities) -> Iterator[Misfit]:
    count = sum(len(stack.layers) for stack in stacks)
    if known.max_profiles is not None and count > known.max_profiles:
        layers = Counter(layer.name for stack in stacks for layer in stack.layers)
        named = ", ".join(f"{number} {name}" for name, number in sorted(layers.items()))
        text = f"{count} profiles ({named}), it holds {known.max_profiles}; plan with fewer layers"
        yield Misfit(station, "", "", "max_profiles", known.evidence.get("max_profiles", "given"), text)
