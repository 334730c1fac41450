"""Which profiles a station gets: the layers of each connector, by what it takes and how many it holds."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ocpp_schedule.model.capabilities import Capabilities, ProfileKind, ProfilePurpose
    from ocpp_schedule.model.site import Connector, Site, Station

LayerName = Literal["station_cap", "shared_floor", "idle_floor", "default", "plan", "session"]
"""What a profile is there for.

station_cap: what the station may draw in all; shared_floor: the idle floor of every connector, on EVSE 0; idle_floor:
what holds while nobody answers; default: plan and idle floor in one profile; plan: of the coming sessions; session: of
the running one.
"""
UNSAID_LEVELS: Final = (0, 1)
"""Of a station written by hand without ``stack_levels`` (docs/scenario.md); one that is asked and does not say gets
level 0 only (``model.advertised``)."""
FULL_STACK: Final = 3
"""Idle floor, plan and session."""
_CHARACTER: Final = attrgetter(
    *("min_current_a", "max_current_a", "step_a", "allowed_currents_a", "step_w"),
    *("current_type", "max_power_w", "efficiency"),
)


class Slot(NamedTuple):
    """One profile of a stack, whatever its content.

    Attributes:
        name: what it is there for.
        purpose, kind: as the station takes them.
        level: stack level.
    """

    name: LayerName
    purpose: ProfilePurpose
    kind: ProfileKind
    level: int


@dataclass(frozen=True, slots=True)
class StationLayers:
    """The profiles of one station.

    Attributes:
        station: its id.
        cap: the maximum of the station, on EVSE 0; None: not installed.
        shared: the idle floor of all connectors, on EVSE 0; None: each has its own.
        connectors: by connector id, its own profiles from the bottom; may be none.
        uncovered: connectors on which nothing of this holds while no transaction of the plan runs, by EVSE number.
        ceiling: what the ``limit_carrier`` of the station holds: the idle floors of ``uncovered`` connectors, or the
            cap; None: it is not used.
        takes_zero: whether a limit of 0 A is obeyed; else the least it gives is its minimum.
    """

    station: str
    cap: Slot | None
    shared: Slot | None
    connectors: Mapping[str, tuple[Slot, ...]]
    uncovered: tuple[str, ...]
    ceiling: Literal["floor", "cap"] | None
    takes_zero: bool

    def coming(self, connector: str) -> Slot | None:
        """Return the profile that carries the plan of the connector's coming sessions; None: nothing does."""
        return next((slot for slot in self.connectors[connector] if slot.name in {"default", "plan"}), None)

    def running(self, connector: str) -> Slot | None:
        """Return the profile that carries the plan of the connector's running session; None: nothing does."""
        own = [slot for slot in self.connectors[connector] if slot.name == "session"]
        return own[0] if own else self.coming(connector)


def site_layers(site: Site) -> dict[str, StationLayers]:
    """Return the layers of every station by its id."""
    by_station: dict[str, list[Connector]] = {station.id: [] for station in site.stations}
    for connector in site.connectors:
        by_station[connector.station].append(connector)
    return {station.id: station_layers(station, by_station[station.id]) for station in site.stations}


def station_layers(station: Station, connectors: Iterable[Connector]) -> StationLayers:
    """Return the layers of one station, the same for each of its connectors as far as they go.

    What is wanted, from the bottom: the idle floor, the plan of coming sessions, the plan of the running one. Where
    ``max_profiles`` divided by the connectors leaves two, the session's plan goes into the plan layer; where it
    leaves one, or the station has one stack level, plan and idle floor are one TxDefaultProfile. Where it leaves none,
    connectors that are alike share the idle floor on EVSE 0, and the first ones get session plans as far as they fit;
    others get one each, the first ones first. A station without kind ``absolute`` cannot be told times: it gets
    constant layers only. The cap of the station comes last, where ``max_current_a`` and ``max_profiles`` are given and
    a place is left. A ``limit_carrier`` of the station holds the idle floor of connectors without a default profile;
    where there are none and no cap is installed, one for the whole station holds ``max_current_a``.

    Args:
        station: what it takes.
        connectors: its own, in any order.

    >>> from ocpp_schedule.model.capabilities import Capabilities
    >>> from ocpp_schedule.model.site import Connector, Station
    >>> outlets = [Connector(id=name, station="CP1", evse_id=at, max_current_a=16) for at, name in ((1, "A"), (2, "B"))]
    >>> def names(**known):
    ...     station = Station(id="CP1", circuit="main", ocpp_version="1.6", capabilities=Capabilities(**known))
    ...     return [slot.name for slot in station_layers(station, outlets).connectors["A"]]
    >>> names(), names(max_profiles=5), names(max_profiles=3), names(stack_levels=(0,)), names(max_profiles=1)
    (['idle_floor', 'plan', 'session'], ['idle_floor', 'plan'], ['default'], ['default', 'session'], [])
    """
    known = station.capabilities
    outlets = sorted(connectors, key=attrgetter("evse_id"))
    room = known.max_profiles
    each = FULL_STACK if room is None or not outlets else room // len(outlets)
    shared = None
    if each == 0 and room is not None:
        shared, own = _scarce(known, outlets, room)
    else:
        own = {connector.id: _stack(known, each) for connector in outlets}
    used = sum(map(len, own.values())) + (shared is not None)
    wanted = station.max_current_a is not None and room is not None and used < room
    one_unit = len({connector.current_type for connector in outlets}) == 1
    takes_cap = one_unit and "charging_station_max_profile" in known.purposes and "absolute" in known.kinds
    cap = Slot("station_cap", "charging_station_max_profile", "absolute", _levels(known)[0])
    uncovered = tuple(c.id for c in outlets if shared is None and not _has_default(own[c.id]))
    wanted = wanted and takes_cap
    return StationLayers(
        station=station.id,
        cap=cap if wanted else None,
        shared=shared,
        connectors=own,
        uncovered=uncovered,
        ceiling=_ceiling(station, capped=wanted, bare=bool(uncovered)),
        takes_zero=known.pause == "zero_limit",
    )


def _ceiling(station: Station, *, capped: bool, bare: bool) -> Literal["floor", "cap"] | None:
    """Return what the station's key outside profiles is used for."""
    carrier = station.capabilities.limit_carrier
    if carrier is None:
        return None
    if bare:
        return "floor"
    return "cap" if carrier.scope == "station" and station.max_current_a is not None and not capped else None


def _levels(known: Capabilities) -> tuple[int, int]:
    """Return the level of the floor and that of the plans above it; the same where there is only one."""
    levels = sorted(UNSAID_LEVELS if known.stack_levels is None else known.stack_levels)
    return levels[0], levels[min(1, len(levels) - 1)]


def _has_default(slots: Sequence[Slot]) -> bool:
    return any(slot.purpose == "tx_default_profile" for slot in slots)


def _constant_kind(known: Capabilities) -> ProfileKind | None:
    """Return how a profile that never changes is written; None where the station takes neither way."""
    return next((kind for kind in ("absolute", "relative") if kind in known.kinds), None)


def _stack(known: Capabilities, most: int) -> tuple[Slot, ...]:
    """Return the stack of a connector that may have ``most`` profiles, at least one."""
    low, high = _levels(known)
    session = Slot("session", "tx_profile", "absolute", high)
    timed = "absolute" in known.kinds
    sessions = [session] if timed and "tx_profile" in known.purposes else []
    constant = _constant_kind(known)
    if "tx_default_profile" not in known.purposes or constant is None:
        return tuple(sessions)
    floor = Slot("idle_floor", "tx_default_profile", constant, low)
    if not timed:
        return (floor,)
    if low == high or most == 1:
        default = Slot("default", "tx_default_profile", "absolute", low)
        return (default, *sessions)[:most]
    return (floor, Slot("plan", "tx_default_profile", "absolute", high), *sessions)[:most]


def _scarce(
    known: Capabilities, outlets: Sequence[Connector], room: int
) -> tuple[Slot | None, dict[str, tuple[Slot, ...]]]:
    """Return the shared floor, if any, and the stacks of a station that holds fewer profiles than connectors."""
    own: dict[str, tuple[Slot, ...]] = {connector.id: () for connector in outlets}
    alike = len({(len(connector.lines), *_CHARACTER(connector)) for connector in outlets}) == 1
    constant = _constant_kind(known)
    if alike and constant is not None and "tx_default_profile" in known.purposes:
        low, high = _levels(known)
        if "absolute" in known.kinds and "tx_profile" in known.purposes:
            for connector in outlets[: room - 1]:
                own[connector.id] = (Slot("session", "tx_profile", "absolute", high),)
        return Slot("shared_floor", "tx_default_profile", constant, low), own
    for connector in outlets[:room]:
        own[connector.id] = _stack(known, 1)
    return None, own
