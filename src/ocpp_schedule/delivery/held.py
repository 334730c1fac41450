"""What stations are known to hold, however it was told: candidates, and findings instead of exceptions."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from ocpp_schedule.delivery.composite import READERS
from ocpp_schedule.delivery.timelines import full, timeline, unknown
from ocpp_schedule.profiles.full import FullProfile
from ocpp_schedule.profiles.model import ChargingProfile
from ocpp_schedule.wire._values import Unreadable, read_integer, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ocpp_schedule.delivery.timelines import Timeline
    from ocpp_schedule.model.capabilities import RateUnit

HeldState = Literal["held", "sent", "doubtful"]
STATES: Final = frozenset({"held", "sent", "doubtful"})
MAX_ITEMS: Final = 10_000
"""Profiles of one station that are looked at; no station holds more."""
MAX_FINDINGS: Final = 1_000


class HeldFinding(NamedTuple):
    """One thing that is odd about what a station is said to hold.

    Attributes:
        station: its id.
        where: the item.
        text: what was seen, and how it was taken.
    """

    station: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"station {self.station!r}, {self.where}: {self.text}"


class Candidate(NamedTuple):
    """One profile that may be installed.

    Attributes:
        evse: where; 0: the whole station; None: nobody can say.
        number: profile id; None: it cannot be read.
        state: ``held``: it is there, ``sent``: it may be there instead of what is held, ``doubtful``: it may be gone.
        profile: as it was read; None: it cannot be.
        series: what it allows over time.
    """

    evse: int | None
    number: int | None
    state: HeldState
    profile: FullProfile | None
    series: Timeline


class HeldReader:
    """Reads what is said of stations; keeps what was odd."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s
        self.findings: list[HeldFinding] = []

    def note(self, station: str, where: str, text: str) -> None:
        """Note one thing, up to a bound."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(HeldFinding(station, where, text))

    def candidates(self, station: str, items: object, version: str, unit: RateUnit) -> tuple[Candidate, ...]:
        """Return the profiles that a station may hold.

        Args:
            station: its id.
            items: a list of profiles with their places; docs/sending.md says in which forms. Nothing in it raises.
            version: OCPP version of wire dicts that do not say it by their form.
            unit: what counts for those that cannot be read.
        """
        if not isinstance(items, list | tuple):
            self.note(station, "installed", f"{shown(items)} is no list of profiles; nothing is known of it")
            return (Candidate(None, None, "held", None, unknown(unit)),)
        rest: list[Candidate] = []
        if len(items) > MAX_ITEMS:
            self.note(station, "installed", f"{len(items)} profiles; what is beyond {MAX_ITEMS} cannot be known")
            rest.append(Candidate(None, None, "held", None, unknown(unit)))
        found = [
            self._candidate(station, f"[{index}]", entry, version, unit)
            for index, item in enumerate(items[:MAX_ITEMS])
            for entry in _entries(item, version)
        ]
        return (*found, *rest)

    def _candidate(self, station: str, where: str, entry: _Entry, version: str, unit: RateUnit) -> Candidate:
        state = cast("HeldState", entry.state) if str(entry.state) in STATES else "doubtful"
        if type(entry.state) is not str or state != entry.state:
            self.note(station, where, f"state {shown(entry.state)} is not known; taken as doubtful")
        evse = entry.evse if type(entry.evse) is int and entry.evse >= 0 else None
        if evse is None:
            self.note(station, where, f"{shown(entry.evse)} is no EVSE; it counts for every one")
        if isinstance(entry.profile, ChargingProfile):
            profile: object = full(entry.profile)
        elif isinstance(entry.profile, FullProfile):
            profile = entry.profile
        else:
            reader = READERS.get(str(entry.version), READERS[version])
            profile = reader(entry.profile, where=where, strict=False)
        if isinstance(profile, FullProfile):
            return Candidate(evse, profile.id, state, profile, timeline(profile, self.now_s))
        problem = profile[0] if isinstance(profile, tuple) and profile else "cannot be read"
        self.note(station, where, f"{problem}"[:200] + "; it counts with all that the outlet can give")
        return Candidate(evse, _number(entry.profile), state, None, unknown(unit))


class _Entry(NamedTuple):
    evse: Any
    profile: Any
    version: Any
    state: Any


def _entries(item: object, version: str) -> Iterator[_Entry]:
    """Yield the profiles of one item: a message, its payload, a report, or a place with a profile."""
    if not isinstance(item, AnyMapping):
        yield _Entry(None, item, version, "held")
        return
    state = item.get("state", "held")
    spoken = item.get("version", version)
    payload = item.get("payload")
    body = payload if isinstance(payload, AnyMapping) else item
    if "csChargingProfiles" in body:
        yield _Entry(_whole(body.get("connectorId")), body["csChargingProfiles"], "1.6", state)
    elif "chargingProfile" in body:
        profiles = body["chargingProfile"]
        for profile in profiles if isinstance(profiles, list | tuple) else [profiles]:
            yield _Entry(_whole(body.get("evseId")), profile, spoken if spoken != "1.6" else "2.1", state)
    else:
        yield _Entry(_whole(body.get("connector")), body.get("profile"), spoken, state)


def _whole(raw: object) -> object:
    number = read_integer(raw)
    return raw if isinstance(number, Unreadable) else int(number)


def _number(raw: object) -> int | None:
    """Return the id of a profile that cannot be read otherwise."""
    if not isinstance(raw, AnyMapping):
        return None
    for name in ("chargingProfileId", "id"):
        number = read_integer(raw.get(name))
        if not isinstance(number, Unreadable):
            return int(number)
    return None


def read_all(
    installed: Mapping[str, object], stations: Iterable[tuple[str, str, RateUnit]], reader: HeldReader
) -> dict[str, tuple[Candidate, ...]]:
    """Return the candidates of every station of which something is known.

    Args:
        installed: by station id.
        stations: id, OCPP version and unit of those of the site.
        reader: takes what is odd.
    """
    known = {name: (version, unit) for name, version, unit in stations}
    for name in installed:
        if name not in known:
            reader.note(str(name), "installed", "the site has no such station; passed over")
    return {
        name: reader.candidates(name, installed[name], version, unit)
        for name, (version, unit) in known.items()
        if name in installed
    }
