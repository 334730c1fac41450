"""``diff``: from what stations hold to what they are to hold, in the fewest messages that are safe (convention 25)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.delivery.arguments import check_arguments, our_numbers
from ocpp_schedule.delivery.cells import Cells, cells_of
from ocpp_schedule.delivery.chains import Chain, Step
from ocpp_schedule.delivery.dispatch import Dispatch
from ocpp_schedule.delivery.held import HeldFinding, HeldReader, read_all
from ocpp_schedule.delivery.messages import check_version
from ocpp_schedule.delivery.places import counted, judge_certainty, needless, places_of, small_raise
from ocpp_schedule.delivery.sequence import Room, Sent, in_order, taken
from ocpp_schedule.delivery.timelines import lower_of, shortened
from ocpp_schedule.delivery.waits import waits
from ocpp_schedule.delivery.writes import Refusal, Writes
from ocpp_schedule.timegrid import iso_utc
from ocpp_schedule.units import CHANNELS, DECIAMPERES_PER_AMPERE, LINES, MICROAMPERES_PER_AMPERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.chains import Place
    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.delivery.writes import Reason
    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.profiles.model import ProfileStack


class Withheld(NamedTuple):
    """A raise that is not sent.

    Attributes:
        id: of the message it would have been.
        station, connector, layer: what it is for.
        reason: ``room``: no order makes it safe; ``dead_band``: too small; ``writes``: the messages of the day are
            spent; ``interval``: the station was just written to.
        text: what stands in the way.
        until: from when on it may be tried again (UTC, as OCPP writes it); None: not known.
    """

    id: str
    station: str
    connector: str
    layer: str
    reason: Reason
    text: str
    until: str | None

    def __str__(self) -> str:
        return f"{self.layer} of connector {self.connector!r} (station {self.station!r}) is held back: {self.text}"


@dataclass(frozen=True, slots=True)
class Diff:
    """What is to be sent, and what is not.

    Attributes:
        messages: in an order in which they may be sent; ``after`` says which may overtake which.
        withheld: raises that are not sent, and why.
        unchanged: ids of messages that are not needed: what they would install is there.
        beyond_writes: by station, how many lowerings go beyond its ``writes_per_day``.
        findings: everything odd about what stations are said to hold, and how it was taken.
    """

    messages: tuple[OcppMessage, ...]
    withheld: tuple[Withheld, ...]
    unchanged: tuple[str, ...]
    beyond_writes: dict[str, int]
    findings: tuple[HeldFinding, ...]


def diff(
    installed: Mapping[str, object],
    desired: Iterable[ProfileStack],
    scenario: Scenario,
    *,
    now: datetime | None = None,
    version: str | None = None,
    ids: Mapping[tuple[str, str], int] | None = None,
    dead_band_a: float = 0.0,
    dead_band_w: float = 0.0,
    writes_used: Mapping[str, int] | None = None,
    last_write: Mapping[str, datetime] | None = None,
    scene: Scene | None = None,
) -> Diff:
    """Return the messages that bring stations from what they hold to what they are to hold.

    Whatever of them is sent, in any order that ``after`` allows, acknowledged, late or lost: in every slot, at every
    edge and after the grid each row holds for the highest that may be installed anywhere, or stays as far beyond its
    limit as it was (convention 25).

    Args:
        installed: by station id, the profiles it holds: wire payloads, reports, or ``{"connector", "profile"}`` items,
            each with a ``state``; docs/sending.md says more. Nothing in it raises. A station that is not named
            may do all that its outlets can give.
        desired: the stacks of all connectors of the site.
        scenario: what the stacks were planned for.
        now: the instant; None: the start of the grid.
        version: write all in this OCPP version; None: each station in its own.
        ids: as for the stacks: which profiles are ours.
        dead_band_a: what would only raise limits, each by less, is not sent [A per phase].
        dead_band_w: the same for stations that take W [W].
        writes_used: by station, messages it was sent today; of its ``writes_per_day`` the rest may raise.
        last_write: by station, when it was last sent one, for ``min_update_interval_s``.
        scene: what was derived from the scenario, where it is at hand.

    Raises:
        InputError: an argument cannot be, or a message cannot be written in its version.

    >>> from datetime import UTC, datetime, timedelta
    >>> from ocpp_schedule import Circuit, Connector, Session, Site, Station, Tariff, TimeGrid, schedule
    >>> start = datetime(2026, 1, 15, tzinfo=UTC)
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)])
    >>> car = Session(id="a", connector="A", arrival=start, departure=start + timedelta(hours=2), energy_wh=2300)
    >>> plan = schedule(site, [car], Tariff(energy=0.25), TimeGrid.regular(start, timedelta(hours=1), 2))
    >>> floor, coming = diff({}, plan.stacks(), plan.scenario).messages
    >>> (floor["id"], floor["after"]), (coming["id"], coming["after"])
    (('CP1/101', []), ('CP1/102', ['CP1/101']))
    >>> [message["id"] for message in diff({"CP1": [floor["payload"]]}, plan.stacks(), plan.scenario).messages]
    ['CP1/102']
    """
    check_version(version)
    at = scenario.grid.start if now is None else now
    stacks = sorted(desired, key=lambda stack: (stack.station, stack.evse_id))
    check_arguments(stacks, scenario, at, dead_band_a, dead_band_w)
    found = scene or scene_of(**scenario.inputs())
    writes = Writes({one.id: one for one in scenario.site.stations}, at, writes_used or {}, last_write or {})
    work = _Work(scenario, found, cells_of(found, at), version, writes)
    bands = dead_band_a, dead_band_w
    work.read(installed, stacks, our_numbers(scenario, ids), bands)
    return work.done()


class _Work:
    """One run of ``diff``."""

    def __init__(self, scenario: Scenario, scene: Scene, cells: Cells, version: str | None, writes: Writes) -> None:
        self.scenario, self.scene, self.cells = scenario, scene, cells
        self.version, self.writes = version, writes
        self.stations = {station.id: station for station in scenario.site.stations}
        self.priority = {session.id: session.priority for session in scenario.sessions}
        self.reader = HeldReader(cells.now_s)
        self.dispatch = Dispatch(scenario.grid, cells, version)
        self.chains: list[Chain] = []
        self.withheld: list[Withheld] = []
        self.unchanged: list[str] = []

    def unit(self, station: str) -> RateUnit:
        """Return the unit that a station takes."""
        return "A" if "A" in self.stations[station].capabilities.rate_units else "W"

    def read(
        self,
        installed: Mapping[str, object],
        stacks: Sequence[ProfileStack],
        ours: frozenset[int],
        bands: tuple[float, float],
    ) -> None:
        """Make the chains: what is there, what is wanted, what has to be done."""
        spoken = {name: self.version or station.ocpp_version for name, station in self.stations.items()}
        named = [(name, spoken[name], self.unit(name)) for name in self.stations]
        held = read_all(installed, named, self.reader)
        index = {name: at for at, name in enumerate(self.scene.outlets.ids)}
        places: list[list[Place]] = []
        whole: dict[str, list[Place]] = {}
        for stack in stacks:  # those of a station as a whole come before those of its connectors
            mine = ours | {layer.profile.id for layer in stack.layers}
            found = places_of(
                stack, held.get(stack.station, ()), whole.get(stack.station, ()), ours=mine,
                version=spoken[stack.station], reader=self.reader,
            )  # fmt: skip
            judge_certainty(found, self.cells.now_s)
            places.append(found)
            if not stack.connector:
                whole[stack.station] = found
            if stack.ceilings:
                self.reader.note(stack.station, "ceilings", "limits outside profiles are not compared; see to_ocpp()")
        self._load(stacks, places, index)
        for stack, found in zip(stacks, places, strict=True):
            self.chains.append(self._chain(stack, found, index.get(stack.connector, -1), bands))

    def _load(self, stacks: Sequence[ProfileStack], places: list[list[Place]], index: Mapping[str, int]) -> None:
        """Put what profiles load into their places."""
        shape = self.cells.allowed.shape[1:]
        jobs: list[tuple[Place, bool, int]] = []
        series = []
        for stack, found in zip(stacks, places, strict=True):
            unit, at = self.unit(stack.station), index.get(stack.connector, -1)
            for place in found:
                place.held_load = place.wanted_load = np.zeros(shape, dtype=np.int64)
                if at < 0:
                    continue
                for one in place.candidates if not place.same else ():
                    jobs.append((place, True, at))
                    purpose = None if one.profile is None else one.profile.purpose
                    series.append(counted(one.series, purpose, unit))
                if place.layer is not None and place.wanted is not None:
                    jobs.append((place, False, at))
                    series.append(counted(place.wanted, place.layer.profile.purpose, unit))
        values = self.cells.values(series)
        for held in (True, False):
            chosen = [k for k, job in enumerate(jobs) if job[1] is held]
            connector = np.array([jobs[k][2] for k in chosen], dtype=np.int64)
            loads = self.cells.loads(connector, values[chosen], held=held)
            for k, load in zip(chosen, loads, strict=True):
                place = jobs[k][0]
                if held:
                    place.held_load = np.maximum(place.held_load, load)
                else:
                    place.wanted_load = load
                    place.held_load = load if place.same else place.held_load

    def _chain(self, stack: ProfileStack, places: list[Place], connector: int, bands: tuple[float, float]) -> Chain:
        cells, shape = self.cells, self.cells.allowed.shape[1:]
        if connector < 0:
            idle = most = np.zeros(shape, dtype=np.int64)
        else:
            idle = np.broadcast_to(cells.idle[connector][:, None], shape)
            most = np.broadcast_to(np.maximum(cells.most[connector], cells.idle[connector])[:, None], shape)
        chain = Chain(stack, connector, places, idle, most)
        band = bands[0] if self.unit(stack.station) == "A" else bands[1]
        bottom = next((place for place in places if place.layer is not None), None)
        # What keeps one profile over a reboot may keep this one, which says nothing while its clock is at 1970.
        keeps_several = self.stations[stack.station].capabilities.keeps_over_reboot != "last"
        for number, place in enumerate(places):
            if place.layer is None:
                stays = keeps_several and needless(place, bottom, cells.now_s)
                if place.ours and not stays:
                    chain.steps.append(Step(number, "clear", np.zeros(shape, dtype=np.int64), certain=False))
            elif place.same:
                self.unchanged.append(f"{stack.station}/{place.number}")
            elif band and small_raise(place, band * DECIAMPERES_PER_AMPERE, cells.now_s):
                self._withhold(chain, place, Refusal("dead_band", f"it raises limits by less than {band:g} only"))
            else:
                chain.steps.append(Step(number, "set", place.wanted_load, place.wanted_certain))
        chain.arrange()
        if self.writes.is_bounded(stack.station):
            chain.raises_last()
        return chain

    def done(self) -> Diff:
        """Put the messages in order and return the diff."""
        room = self._room()
        whole = room.copy()
        order = in_order(self.chains, room, self._lowered)
        for one in order:
            self.writes.note(one.chain.stack.station)
        order += self._raises(room)
        messages = self.dispatch.messages(order, waits(order, whole))
        return Diff(
            messages=tuple(messages),
            withheld=tuple(self.withheld),
            unchanged=tuple(self.unchanged),
            beyond_writes=self.writes.beyond(),
            findings=tuple(self.reader.findings),
        )

    def _room(self) -> Room:
        cells = self.cells
        booked = np.zeros((cells.members.shape[1], *cells.allowed.shape[1:]), dtype=np.int64)
        for chain in self.chains:
            if chain.connector >= 0:
                booked[chain.connector] = chain.booked
        layout = self.scene.layout
        left = cells.allowed - layout.sums(booked[layout.order])
        if self.scene.held is not None:
            self._allow_held(left)
        return Room(left, [np.flatnonzero(column) for column in cells.members.T])

    def _allow_held(self, left: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
        """Leave room for what chargers hold in the slot under way: it is drawn already (convention 22)."""
        if self.cells.first:
            return
        layout, slots = self.scene.layout, self.cells.slots
        wanted = np.zeros((len(self.scene.outlets.ids), *left.shape[1:]), dtype=np.int64)
        now = wanted.copy()
        for chain in self.chains:
            if chain.connector >= 0:
                loads = [place.wanted_load for place in chain.places if place.layer is not None]
                wanted[chain.connector] = np.maximum.reduce([*loads, wanted[chain.connector]])
                now[chain.connector] = chain.booked
        rise = layout.sums((wanted - now)[layout.order])
        for cell in (0, slots)[: 2 if slots > 1 else 1]:
            left[:, :, cell] = np.maximum(left[:, :, cell], rise[:, :, cell])

    def _lowered(self, chain: Chain) -> dict[int, Step]:
        """Return by place the lowering part of messages that raise and lower."""
        cells = self.cells
        idle = self._idle_tenths(chain)
        most = self.stations[chain.stack.station].capabilities.max_periods
        found = {}
        for step in chain.mixed():
            place = chain.places[step.place]
            if place.wanted is None:
                continue
            from_s = max(cells.now_s, place.wanted.starts_s[0])
            low = lower_of(place.wanted, place.series, idle, from_s)
            periods = shortened(low.after(from_s), most)
            starts, tenths, phases = zip(*periods, strict=True)
            content = low._replace(starts_s=starts, tenths=tenths, phases=phases)
            load = cells.loads(np.array([chain.connector]), cells.values([content]), held=False)[0]
            certain = place.wanted_certain and from_s == cells.now_s
            found[step.place] = Step(step.place, "lower", np.minimum(load, chain.load_at(step.place)), certain, content)
        return found

    def _idle_tenths(self, chain: Chain) -> int:
        outlets = self.scene.outlets
        return int(outlets.idle_steps[chain.connector]) * round(outlets.steps[chain.connector] * DECIAMPERES_PER_AMPERE)

    def _raises(self, room: Room) -> list[Sent]:
        """Take what is left: messages that only raise, those of high priority first, then what gives most energy."""
        order: list[Sent] = []
        waiting = [chain for chain in self.chains if chain.steps]
        waiting.sort(key=lambda chain: (-self._priority(chain), -self._energy(chain)))
        for chain in waiting:
            while chain.steps:
                refusal = self._refusal(chain, room)
                if refusal is None:
                    order.append(taken(chain, room))
                    self.writes.note(chain.stack.station)
                else:
                    step = chain.skip()
                    self._withhold(chain, chain.places[step.place], refusal)
        return order

    def _refusal(self, chain: Chain, room: Room) -> Refusal | None:
        if not chain.effect.raises:
            return None
        if chain.steps[0].kind == "set" and not chain.steps[0].bottom:
            refusal = self.writes.refusal(chain.stack.station)
            if refusal is not None:
                return refusal
        if room.fits(chain, chain.effect):
            return None
        return self._no_room(chain, room)

    def _no_room(self, chain: Chain, room: Room) -> Refusal:
        rows, need = room.of(chain), chain.effect.need
        short = np.where(need > 0, need - room.left[rows], 0)
        at, channel, cell = np.unravel_index(int(short.argmax()), short.shape)
        row, missing = int(rows[at]), int(short[at, channel, cell])
        layout = self.scene.layout
        name = CHANNELS[int(channel)]
        amount = f"{missing / MICROAMPERES_PER_AMPERE:g} A" if channel < len(LINES) else f"{missing / 1000:g} VA"
        what = f"{layout.nouns[row]} {layout.subjects[row]!r} {name} lacks {amount} {self.dispatch.when(int(cell))}"
        return Refusal("room", f"{what}, whoever else is lowered")

    def _withhold(self, chain: Chain, place: Place, refusal: Refusal) -> None:
        stack, layer = chain.stack, place.layer
        until = None if refusal.until is None else iso_utc(refusal.until)
        name = "" if layer is None else layer.name
        self.withheld.append(
            Withheld(
                f"{stack.station}/{place.number}",
                stack.station,
                stack.connector,
                name,
                refusal.reason,
                refusal.text,
                until,
            )
        )

    def _priority(self, chain: Chain) -> int:
        layers = [chain.places[step.place].layer for step in chain.steps]
        served = [name for layer in layers if layer is not None for name in layer.session_ids]
        return max((self.priority.get(name, 0) for name in served), default=0)

    def _energy(self, chain: Chain) -> float:
        """Return the energy that the next message of a chain allows beyond what is booked [A s]."""
        slots = self.cells.slots
        if chain.connector < 0:
            return 0.0
        need = chain.effect.need[: len(LINES), :slots].sum(axis=0)
        return float((need * self.cells.seconds).sum()) / MICROAMPERES_PER_AMPERE
