"""What chargers may draw whatever they lose, the slow way: second by second, on wire dicts.

It shares no code with ``delivery.proof`` and ``profiles``; stations that take A only, without keys outside profiles.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocpp_schedule.testing.brute import BruteComposite

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.timegrid import TimeGrid

UNSET: Final = datetime(1970, 1, 1, tzinfo=UTC)
AGES_S: Final = (0, 3600, 86_400, 300 * 86_400)
"""Since when a clock may count from 1970 [s]."""
Item = dict[str, Any]
Currents = dict[str, Fraction]


class Overload(NamedTuple):
    """A line of a circuit or station that chargers may exceed: second after the start of the grid, and by what [A]."""

    second: int
    noun: str
    subject: str
    line: str
    current: Fraction
    limit: Fraction


class BruteLosses:
    """A site whose chargers may each be in any of their states at any time, whatever the others do.

    Args:
        site: circuits with limits in A; stations that take A.
        sessions: with departures; each car takes as many lines as it has phases.
        grid: the slots.
        messages: SetChargingProfile as ``to_ocpp`` makes them, in their order.
        skew_s: how far every clock may be off.
    """

    def __init__(
        self, site: Site, sessions: Sequence[Session], grid: TimeGrid, messages: Iterable[Any], skew_s: int
    ) -> None:
        self.site = site
        self.sessions = sessions
        self.grid = grid
        self.skew_s = skew_s
        self.seconds = range(-skew_s, grid.edges_s[-1] + 3 * site.edge_guard_s + 2 * skew_s + 2)
        self.stations = {station.id: station for station in site.stations}
        self.held: dict[str, list[Item]] = defaultdict(list)
        for message in messages:
            self._install(message)

    def _install(self, message: Any) -> None:
        payload = message["payload"]
        evse = payload.get("connectorId", payload.get("evseId"))
        profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
        name, own = _id(profile), self.held[message["station"]]
        place = evse, profile["chargingProfilePurpose"], profile["stackLevel"]
        own[:] = [one for one in own if _id(one["profile"]) != name and _place(one) != place]
        own.append({"connector": evse, "profile": profile})

    def overloads(self, told: Collection[str] = ()) -> list[Overload]:
        """Return the first second at which each line may be exceeded; stations in ``told`` lose nothing."""
        drawn = {one.id: self._worst(one, lossless=one.station in told) for one in self.site.connectors}
        found: dict[tuple[str, str, str], Overload] = {}
        for noun, subject, limits, below in self._rows():
            for line, limit in limits.items():
                floors = sum((self._idle(one) for one in below if line in one.lines), start=Fraction(0))
                for second in range(self.grid.edges_s[-1] + 2 * self.site.edge_guard_s + 1):
                    current = sum((drawn[one.id][second].get(line, Fraction(0)) for one in below), start=Fraction(0))
                    if current > max(limit, floors):
                        found[noun, subject, line] = Overload(second, noun, subject, line, current, limit)
                        break
        return sorted(found.values())

    def _rows(self) -> Iterator[tuple[str, str, dict[str, Fraction], list[Connector]]]:
        parents = {circuit.id: circuit.parent for circuit in self.site.circuits}
        for circuit in self.site.circuits:
            below = [one for one in self.site.connectors if circuit.id in _above(self.stations[one.station], parents)]
            given = circuit.limit_a if isinstance(circuit.limit_a, tuple) else (circuit.limit_a,) * 3
            limits = zip(("L1", "L2", "L3"), given, strict=True)
            yield "circuit", circuit.id, {line: _exact(most) for line, most in limits if most is not None}, below
        for station in self.site.stations:
            if station.max_current_a is not None:
                below = [one for one in self.site.connectors if one.station == station.id]
                yield "station", station.id, dict.fromkeys(("L1", "L2", "L3"), _exact(station.max_current_a)), below

    def _idle(self, connector: Connector) -> Fraction:
        """Return the idle floor, which an alarm allows; connectors of such sites obey it to the tenth."""
        floor = _exact(min(self.site.idle_floor_a, connector.max_current_a))
        return floor if floor >= _exact(connector.min_current_a) else Fraction(0)

    def _worst(self, connector: Connector, *, lossless: bool) -> list[Currents]:
        """Return by second the most that a connector may draw on each line, its clock anywhere within the skew."""
        by_second = [self._at(connector, second, lossless=lossless) for second in self.seconds]
        found: list[Currents] = []
        for second in range(self.grid.edges_s[-1] + 2 * self.site.edge_guard_s + 1):
            near = by_second[second : second + 2 * self.skew_s + 1]
            found.append({str(line): max(one.get(line, Fraction(0)) for one in near) for line in connector.lines})
        return found

    def _at(self, connector: Connector, second: int, *, lossless: bool) -> Currents:
        car = self._car(connector, second)
        found: dict[str, Fraction] = defaultdict(Fraction)
        for kept, clock in self._states(connector, car, lossless=lossless):
            for at in AGES_S if clock == UNSET else (second,):
                current, lines = self._draw(connector, kept, clock, at, car)
                for line in lines:
                    found[line] = max(found[line], current)
        return found

    def _car(self, connector: Connector, second: int) -> Session | None:
        """Return the session whose slot it is; those of first and last slot are there a guard longer."""
        edges = self.grid.edges_s
        if -self.site.edge_guard_s <= second < 0:
            second = 0
        if edges[-1] <= second < edges[-1] + self.site.edge_guard_s:
            second = edges[-1] - 1
        if not 0 <= second < edges[-1]:
            return None
        slot = max(k for k in range(len(edges) - 1) if edges[k] <= second)
        low, high = (self.grid.start + timedelta(seconds=edges[k]) for k in (slot, slot + 1))
        for car in self.sessions:
            if car.connector == connector.id and car.arrival <= low and car.departure and high <= car.departure:
                return car
        return None

    def _states(
        self, connector: Connector, car: Session | None, *, lossless: bool
    ) -> Iterator[tuple[list[Item], datetime]]:
        """Yield what may be left of the profiles, and where the clock counts from."""
        station = self.stations[connector.station]
        own = [one for one in self.held[station.id] if one["connector"] in {0, connector.evse_id}]
        session = [one for one in own if _place(one)[1] == "TxProfile"]
        defaults = sorted((one for one in own if _place(one)[1] == "TxDefaultProfile"), key=_level)
        coming = car is not None and car.transaction_id is None
        without = [one for one in own if one not in session]
        if lossless:
            yield without if coming else own, self.grid.start
            return
        for gone in product((False, True), repeat=2):
            lost = [*(session if gone[0] else ()), *(defaults[1:] if gone[1] else ())]
            yield [one for one in own if one not in lost], self.grid.start
        for kept in self._rebooted(station, own, session, without):
            yield kept, self.grid.start
            yield kept, UNSET
        if station.capabilities.keeps_over_reconnect == "none":
            yield [], self.grid.start
        if station.capabilities.resend_after_resume and any(_pauses(one) for one in own):
            yield [], self.grid.start

    def _rebooted(
        self, station: Station, own: list[Item], session: list[Item], without: list[Item]
    ) -> Iterator[list[Item]]:
        kept = station.capabilities.keeps_over_reboot
        if kept == "all":
            yield own
            yield without
        if kept == "last":
            yield from ([one] for one in own)
        if kept == "none" or (kept == "last" and (session or len(own) < len(self.held[station.id]) or not own)):
            yield []

    def _draw(
        self, connector: Connector, kept: list[Item], clock: datetime, second: int, car: Session | None
    ) -> tuple[Fraction, tuple[str, ...]]:
        """Return current per line, and the lines."""
        station = self.stations[connector.station]
        most = _exact(connector.max_current_a)
        state: Mapping[str, Any] = {
            "num_evses": max(one.evse_id for one in self.site.connectors if one.station == station.id),
            "transactions": {connector.evse_id: {"start": "1970-01-01T00:00:00Z"}},
        }
        brute = BruteComposite(kept, state, version=station.ocpp_version, start=clock, unit="A")
        found = brute.at(connector.evse_id, second)
        limit = most if found["limit"] is None else min(most, _exact(found["limit"]))
        if station.capabilities.pause != "zero_limit":
            limit = max(limit, _exact(connector.min_current_a))
        count = len(connector.lines)
        used = count if car is None or car.phases is None else min(car.phases, count)
        stated = found["phases"] or count
        meant = found["limit"] is not None and stated == used and limit > self._idle(connector)
        return limit, connector.lines[: used if meant else count]


def _id(profile: Mapping[str, Any]) -> int:
    return int(profile.get("chargingProfileId", profile.get("id", -1)))


def _place(item: Item) -> tuple[int, str, int]:
    return item["connector"], item["profile"]["chargingProfilePurpose"], item["profile"]["stackLevel"]


def _level(item: Item) -> tuple[int, int]:
    return item["profile"]["stackLevel"], item["connector"]


def _pauses(item: Item) -> bool:
    schedule = item["profile"]["chargingSchedule"]
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    return any(period["limit"] == 0 for period in schedule["chargingSchedulePeriod"])


def _above(station: Station, parents: Mapping[str, str | None]) -> list[str]:
    found = [station.circuit]
    while (parent := parents[found[-1]]) is not None:
        found.append(parent)
    return found


def _exact(value: float) -> Fraction:
    return Fraction(str(value))
