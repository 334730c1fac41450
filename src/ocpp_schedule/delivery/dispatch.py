"""Messages from the steps of a diff: payloads, waves, what each waits for, and when it is too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.delivery.messages import written
from ocpp_schedule.errors import InputError, InputProblem, InternalError
from ocpp_schedule.profiles.model import ChargingPeriod
from ocpp_schedule.timegrid import EARLIEST, iso_utc, short_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.delivery.cells import Cells
    from ocpp_schedule.delivery.chains import Chain, Place, Step
    from ocpp_schedule.delivery.messages import OcppMessage, Request
    from ocpp_schedule.delivery.sequence import Sent
    from ocpp_schedule.profiles.model import ChargingProfile, Layer
    from ocpp_schedule.timegrid import TimeGrid

COMPACT: Final = 20
"""Messages of a wave from which on waiting for all of them is written as waiting for the wave."""


class Dispatch:
    """Writes messages in one version, or each station in its own."""

    def __init__(self, grid: TimeGrid, cells: Cells, version: str | None) -> None:
        self.grid, self.cells, self.version = grid, cells, version

    def messages(self, order: Sequence[Sent], after: Sequence[list[int]]) -> list[OcppMessage]:
        """Return the messages of an order, by wave.

        Args:
            order: what is to be sent.
            after: for each, the places in the order that it waits for.

        Raises:
            InputError: a version cannot carry a profile; all are named.
        """
        waves = _waves(order, after)
        requests: list[Request] = []
        problems: list[InputProblem] = []
        for one in order:
            try:
                requests.append(self._request(one.chain, one.step))
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError("OCPP messages", _distinct(problems))
        names = [request["id"] for request in requests]
        shown = _Names(names, waves)
        made: list[OcppMessage] = [
            {
                **request,
                "wave": waves[place],
                "after": shown.of(after[place]),
                "lowers": not order[place].effect.raises,
                "expires_at": self._expires_at(order[place]),
            }
            for place, request in enumerate(requests)
        ]
        ranked = sorted(range(len(made)), key=lambda place: (waves[place], not made[place]["lowers"], place))
        return [made[place] for place in ranked]

    def when(self, cell: int) -> str:
        """Return a cell in words."""
        slots, first = self.cells.slots, self.cells.first
        if cell < slots:
            return f"from {short_utc(self.grid.edge(first + cell))}"
        if cell < 2 * slots - 1:
            return f"at {short_utc(self.grid.edge(first + cell - slots + 1))}"
        return f"after {short_utc(self.grid.end)}"

    def _expires_at(self, one: Sent) -> str | None:
        layer = one.chain.places[one.step.place].layer
        if not one.effect.raises:
            keeps = layer is not None and not layer.session_ids and layer.name not in {"plan", "session"}
            return None if keeps and one.step.kind == "set" else iso_utc(self.grid.end)
        slots = np.flatnonzero(one.effect.need[:, : self.cells.slots].any(axis=0))
        return iso_utc(self.grid.edge(self.cells.first + int(slots[0]) + 1) if slots.size else self.grid.end)

    def _request(self, chain: Chain, step: Step) -> Request:
        place, stack = chain.places[step.place], chain.stack
        if step.kind == "clear":
            return self._clear(chain, place)
        if place.layer is None:
            raise InternalError(f"connector {stack.connector!r}: a message without content; this is a fault of ours.")
        layer = _numbered(place.layer, place.number)
        if step.kind == "lower":
            layer = _with_content(layer, step)
        request = written(stack, layer, self.version)
        if step.kind == "lower":
            request["id"] += "/lower"
        return request

    def _clear(self, chain: Chain, place: Place) -> Request:
        stack = chain.stack
        spoken: Any = self.version or stack.version
        return {
            "id": f"{stack.station}/{place.number}/clear",
            "station": stack.station,
            "version": spoken,
            "action": "ClearChargingProfile",
            "payload": {"id" if spoken == "1.6" else "chargingProfileId": place.number},
        }


def _numbered(layer: Layer, number: int) -> Layer:
    """Return a layer under the id that it has on the station."""
    return layer if layer.profile.id == number else replace(layer, profile=replace(layer.profile, id=number))


def _with_content(layer: Layer, step: Step) -> Layer:
    """Return a layer with the limits of a lowering part."""
    profile: ChargingProfile = layer.profile
    content = step.content
    if content is None:
        raise InternalError("a lowering part without content; this is a fault of ours.")
    begun = EARLIEST + timedelta(seconds=content.starts_s[0])
    start = min(profile.schedule.start or begun, begun)
    start_s = (start - EARLIEST) // timedelta(seconds=1)
    periods = tuple(
        ChargingPeriod(at - start_s if place else 0, tenths, phases)
        for place, (at, tenths, phases) in enumerate(zip(content.starts_s, content.tenths, content.phases, strict=True))
    )
    schedule = replace(profile.schedule, start=start, periods=periods)
    return replace(layer, profile=replace(profile, schedule=schedule))


def _waves(order: Sequence[Sent], after: Sequence[list[int]]) -> list[int]:
    """Return the wave of each message: after the last one it waits for; removals that nobody waits for at the end."""
    waves: list[int] = []
    for before in after:
        waves.append(1 + max((waves[at] for at in before), default=-1))
    awaited = {at for before in after for at in before}
    last = max(waves, default=0)
    return [
        last if order[place].step.kind == "clear" and place not in awaited else wave for place, wave in enumerate(waves)
    ]


def _distinct(problems: list[InputProblem]) -> list[InputProblem]:
    return list(dict.fromkeys(problems))


class _Names:
    """Writes what messages wait for; whole waves in two words."""

    def __init__(self, names: list[str], waves: list[int]) -> None:
        self.names, self.waves = names, np.array(waves, dtype=np.int64)
        self.sizes = np.bincount(self.waves) if waves else np.zeros(0, dtype=np.int64)
        self.known: dict[bytes, list[str]] = {}

    def of(self, places: list[int]) -> list[str]:
        """Return the ids of some messages."""
        if len(places) < COMPACT:
            return [self.names[at] for at in places]
        chosen = np.array(places, dtype=np.int64)
        key = chosen.tobytes()
        if key not in self.known:
            count = np.bincount(self.waves[chosen], minlength=self.sizes.size)
            whole = (count == self.sizes) & (count >= COMPACT)
            rest = chosen[~whole[self.waves[chosen]]].tolist()
            waves = [f"wave {wave}" for wave in np.flatnonzero(whole).tolist()]
            self.known[key] = waves + [self.names[at] for at in rest]
        return list(self.known[key])
