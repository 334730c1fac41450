"""From messages and models to the proof that every limit holds, whatever a charger loses (convention 23)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.check.report import Findings
from ocpp_schedule.check.storage import with_charging
from ocpp_schedule.delivery.proof.agreement import deviations
from ocpp_schedule.delivery.proof.curves import Curves, since_1970, window_of
from ocpp_schedule.delivery.proof.judge import Allowed, Bound, Clocks, Judge
from ocpp_schedule.delivery.proof.loads import Sampler, outlets_for, owners_of
from ocpp_schedule.delivery.proof.naming import proof_of
from ocpp_schedule.delivery.proof.received import receive
from ocpp_schedule.delivery.proof.states import State, parts_of, states_of
from ocpp_schedule.delivery.proof.wires import wires_of
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model.layering import site_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.delivery.proof.loads import Outlet
    from ocpp_schedule.delivery.proof.received import Received
    from ocpp_schedule.delivery.proof.report import Proof, VariantName
    from ocpp_schedule.model.layering import StationLayers
    from ocpp_schedule.model.site import Site, Station
    from ocpp_schedule.profiles.periods import Ints
    from ocpp_schedule.solution import Solution


LONGEST_SKEW_S = 86_400
"""A clock that is a day off is no clock; 1970 is a variant of its own."""


def prove(
    site: Site,
    scene: Scene,
    solution: Solution,
    messages: Iterable[OcppMessage],
    *,
    clock_skew_s: int | None = None,
) -> Proof:
    """Return what is proven of the stations once they got these messages.

    Args:
        site: the topology.
        scene: what the referee derives from the models (``check.scene.scene_of``).
        solution: the plan, accepted by the referee.
        messages: what is sent, in its order; nothing else is taken to be installed.
        clock_skew_s: how far every clock may be off; None: half of ``edge_guard_s``, less what a station needs to
            settle, or what it says itself.

    Raises:
        InputError: a message is for a station that is not there, or ``clock_skew_s`` cannot be.
    """
    if clock_skew_s is not None and not 0 <= clock_skew_s <= LONGEST_SKEW_S:
        what = f"{clock_skew_s!r} cannot be; give seconds from 0 to {LONGEST_SKEW_S}."
        raise InputError("prove()", [InputProblem("clock_skew_s", what)])
    bench = Bench(site, scene, solution, tuple(messages), clock_skew_s)
    judge = bench.judge
    return proof_of(bench, judge.run(), deviations(scene, solution, judge))


def skews_of(site: Site, station: Station, clock_skew_s: int | None = None) -> tuple[int, int]:
    """Return how far a charger may be ahead of and behind true time [s].

    Each has half of the guard, of which a limit takes ``settle_s`` to act, so that two of them are never further
    apart than the guard. A station that says how far its clock may be off is taken at its word.

    >>> from ocpp_schedule.model.capabilities import Capabilities
    >>> from ocpp_schedule.model.site import Circuit, Site, Station
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)])
    >>> slow = Station(id="CP1", circuit="main", ocpp_version="1.6", capabilities=Capabilities(settle_s=10))
    >>> skews_of(site, slow)
    (20, 30)
    """
    known = station.capabilities
    settle_s = known.settle_s or 0
    skew_s = max(0, site.edge_guard_s // 2 - settle_s) if known.clock_skew_s is None else known.clock_skew_s
    skew_s = max(skew_s, clock_skew_s or 0)
    return skew_s, skew_s + settle_s


@dataclass(frozen=True)
class Bench:
    """The steps of a proof, each made once.

    Attributes:
        site, scene, solution, messages, clock_skew_s: as ``prove`` got them.
    """

    site: Site
    scene: Scene
    solution: Solution
    messages: tuple[OcppMessage, ...]
    clock_skew_s: int | None = None

    @cached_property
    def layers(self) -> dict[str, StationLayers]:
        """What each station can be told."""
        return site_layers(self.site)

    @cached_property
    def received(self) -> dict[str, Received]:
        """What each station holds."""
        models = self.scene.cars.models
        running = {car.connector: car.transaction_id for car in models if car.transaction_id is not None}
        return receive(self.site, self.messages, running)

    @cached_property
    def clocks(self) -> Clocks:
        """How far each connector's clock may be off."""
        by_station = {one.id: skews_of(self.site, one, self.clock_skew_s) for one in self.site.stations}
        both = np.array([by_station[one.station] for one in self.scene.outlets.models], dtype=np.int64).reshape(-1, 2)
        return Clocks(both[:, 0], both[:, 1])

    @cached_property
    def judge(self) -> Judge:
        """Composite schedules of all chargers in all their states, and the rows."""
        scene = self.scene
        longest = int(self.clocks.behind.max(initial=0))
        curves = Curves(*window_of(self.received.values(), scene.grid, longest))
        told, untold, variants = self._curves(curves)
        start_s = since_1970(scene.grid)
        outlet, owners = outlets_for(scene, self.layers), owners_of(scene, start_s, max(longest, scene.guard_s))
        sampler = Sampler(curves.packed(), curves.connectors(), outlet, owners, scene.cars.load_units)
        running = [car.transaction_id is not None for car in scene.cars.models]
        marks = np.concatenate(
            (owners.edges_s, scene.edges_s + start_s - scene.guard_s, owners.edges_s + scene.guard_s)
        )
        places = np.union1d(curves.changes(), marks)
        return Judge(
            sampler=sampler,
            allowed=self._allowed(outlet),
            clocks=self.clocks,
            places_s=np.union1d(places[(places > curves.start_s) & (places < curves.end_s)], [curves.start_s]),
            told=told,
            untold=untold,
            running=np.array(running, dtype=np.bool_),
            variants=variants,
            bounds=tuple(self._bounds(outlet)),
        )

    def _curves(self, curves: Curves) -> tuple[Ints, Ints, dict[VariantName, tuple[Ints, ...]]]:
        """Evaluate every connector in every state; return the curves as told, without TxProfiles, and by variant."""
        told, untold = [], []
        found: dict[VariantName, list[tuple[int, ...]]] = {}
        for at, connector in enumerate(self.scene.outlets.models):
            held, evse = self.received[connector.station], connector.evse_id
            every, session, _ = parts_of(held, evse)
            told.append(curves.of(held, evse, State(every), at))
            untold.append(curves.of(held, evse, State(every - session), at))
            states = states_of(held, evse)
            for name in (*states, *found):
                own = found.setdefault(name, [(one,) for one in told[:-1]])
                if len(own) == at:
                    own.append(tuple(curves.of(held, evse, state, at) for state in states.get(name, (State(every),))))
        return (
            np.array(told, dtype=np.int64),
            np.array(untold, dtype=np.int64),
            {n: _columns(c) for n, c in found.items()},
        )

    def _allowed(self, outlet: Outlet) -> Allowed:
        scene, layout = self.scene, self.scene.layout
        idle = outlet.idle_steps[:, None] * outlet.unknown_units
        floor, limits = layout.sums(idle[layout.order]), scene.limits
        if scene.background is not None:
            limits = with_charging(self.site, layout, limits, self.solution, Findings(scene.grid), floor)
        held = None
        if scene.held is not None:
            here = (scene.cars.first == 0) & (scene.cars.last > 0)
            held = idle.copy()
            drawn = scene.held[here, None] * scene.cars.load_units[here]
            held[scene.cars.outlet[here]] = np.maximum(held[scene.cars.outlet[here]], drawn)
        return Allowed(
            layout,
            limits,
            floor,
            scene.edges_s + since_1970(scene.grid),
            scene.guard_s,
            None if held is None else layout.sums(held[layout.order]),
            wires_of(scene.conductors, idle, held),
        )

    def _bounds(self, outlet: Outlet) -> Iterator[Bound]:
        """Yield the limits outside profiles that hold for several connectors together.

        A group may count some connectors of a station without the others: then each counts with all it may draw.
        """
        places: dict[str, list[int]] = {}
        for at, connector in enumerate(self.scene.outlets.models):
            places.setdefault(connector.station, []).append(at)
        for name, own in places.items():
            held = self.received[name]
            carrier = held.station.capabilities.limit_carrier
            if 0 in held.ceilings and len(own) > 1 and carrier is not None and not self.site.groups:
                steps = -(-held.ceilings[0] // outlet.step_micro[own])[:, None]
                units = (steps * outlet.unknown_units[own]).max(axis=0)
                lost: tuple[VariantName, ...] = () if carrier.keeps_over_reboot else ("after a reboot", "clock at 1970")
                yield Bound(np.array(own, dtype=np.int64), units, frozenset(lost))


def _columns(curves: list[tuple[int, ...]]) -> tuple[Ints, ...]:
    """Return curves by connector as columns; a connector with fewer states repeats its first."""
    width = max((len(own) for own in curves), default=0)
    table = [(*own, *own[:1] * (width - len(own))) for own in curves]
    return tuple(np.array(table, dtype=np.int64).reshape(len(curves), width).T)
