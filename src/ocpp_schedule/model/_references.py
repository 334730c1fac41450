"""Checks across fields and objects of a site and its sessions, on models or on raw data alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._forecast_checks import shared_names
from ocpp_schedule.model._group_checks import cabinet_problems, dc_problems, exclusive_problems, group_problems
from ocpp_schedule.model._phase_currents import crossing_texts, own_range
from ocpp_schedule.model._pilots import never_charges_texts, pilot_texts, watt_problems
from ocpp_schedule.model._raw import Item, instant, items, number, place, quoted, read, text
from ocpp_schedule.model._supply_checks import (
    conductor_problems,
    current_type_texts,
    line_texts,
    site_voltage_v,
    supply_problems,
)
from ocpp_schedule.model._taper_checks import taper_texts
from ocpp_schedule.model._transformer_checks import beside_problems, different_supplies, transformer_problems
from ocpp_schedule.model._trees import tops_of
from ocpp_schedule.model._unbalance_checks import unbalance_problems
from ocpp_schedule.model.told import told_problems
from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import MIN_PILOT_CURRENT_A

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_NAMES = 12
"""Known names listed in a message; more do not help the reader."""


class Names:
    """The ids of one kind of object: quick to ask, and listed for a message once only."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._listed: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __str__(self) -> str:
        """Return what to print behind 'does not exist'."""
        if self._listed is None:
            listed = [quoted(name) for name, _ in zip(self._names, range(MAX_NAMES), strict=False)]
            more = f" and {len(self._names) - MAX_NAMES} more" if len(self._names) > MAX_NAMES else ""
            self._listed = f"the site has {', '.join(listed)}{more}" if listed else "the site has none"
        return self._listed


def ids(things: Iterable[Any]) -> list[str]:
    """Return the ids that can be read."""
    return [name for thing in things if (name := text(thing, "id")) is not None]


def duplicate_problems(pairs: list[Item]) -> Iterator[InputProblem]:
    """Yield one problem for every object whose id an earlier one has."""
    first: dict[str, str] = {}
    for where, thing in pairs:
        name = text(thing, "id")
        if name is None:
            continue
        if name in first:
            yield InputProblem(
                place(where, thing), f"id {quoted(name)} is already used by {first[name]}; give each its own."
            )
        first.setdefault(name, where)


def _lowest_a(connector: object) -> float | None:
    """Return the minimum current of a connector, its default where none is given, None where it is unreadable."""
    if read(connector, "min_current_a") is None:
        return MIN_PILOT_CURRENT_A
    return number(connector, "min_current_a")


def connector_texts(connector: object) -> Iterator[str]:
    """Yield what is inconsistent within one connector."""
    low, high = _lowest_a(connector), number(connector, "max_current_a")
    if low is not None and high is not None and 0 < high < low:
        yield (
            f"min_current_a={low:g} exceeds max_current_a={high:g}: raise the maximum, lower the minimum, "
            "or set max_current_a=0 for a connector that gives nothing."
        )
    yield from pilot_texts(connector)
    yield from current_type_texts(connector)
    yield from line_texts(connector)


def session_texts(session: object) -> Iterator[str]:
    """Yield what is inconsistent within one session."""
    arrival, departure = instant(session, "arrival"), instant(session, "departure")
    if arrival is not None and departure is not None and departure <= arrival:
        if departure == arrival:
            yield (
                f"departure equals arrival ({short_utc(arrival)}): a session needs time. "
                "Correct one of them, or leave it out."
            )
        else:
            yield (
                f"departure {short_utc(departure)} is before arrival {short_utc(arrival)}. "
                "Swap them, or check the time zone."
            )
    yield from crossing_texts(session)
    yield from taper_texts(session)
    yield from _milestone_texts(session)


def _milestone_texts(session: object) -> Iterator[str]:
    arrival, departure = instant(session, "arrival"), instant(session, "departure")
    energy_wh = number(session, "energy_wh")
    milestones = items(session, "milestones")
    for index, milestone in enumerate(milestones):
        by, wanted = instant(milestone, "by"), number(milestone, "energy_wh")
        in_order = arrival is not None and departure is not None and arrival < departure
        if by is not None and arrival and departure and in_order and not arrival < by <= departure:
            yield (
                f"milestones[{index}].by {short_utc(by)} is outside the session "
                f"({short_utc(arrival)} to {short_utc(departure)}). Move it inside."
            )
        if by is not None and arrival and read(session, "departure") is None and by <= arrival:
            yield f"milestones[{index}].by {short_utc(by)} is not after arrival {short_utc(arrival)}. Move it behind."
        if wanted is not None and energy_wh is not None and wanted > energy_wh:
            yield (
                f"milestones[{index}].energy_wh={wanted:g} exceeds energy_wh={energy_wh:g}. "
                "Raise energy_wh, or lower the milestone."
            )
    for index, (one, other) in enumerate(pairwise(milestones), start=1):
        before, after = instant(one, "by"), instant(other, "by")
        if before is not None and after is not None and after < before:
            yield (
                f"milestones[{index}].by {short_utc(after)} is before milestones[{index - 1}].by {short_utc(before)}. "
                "List them in order of time."
            )


_DEVICES = ("loads", "generators", "storages", "groups", "cabinets", "line_constraints")
_KINDS = ("circuits", "stations", "connectors", *_DEVICES)


def site_problems(site: object, path: str) -> Iterator[InputProblem]:
    """Yield every broken reference within a site; ``path`` is its place (``"site."``)."""
    kinds = {name: [(f"{path}{name}[{i}]", x) for i, x in enumerate(items(site, name))] for name in _KINDS}
    for pairs in kinds.values():
        yield from duplicate_problems(pairs)
    zone = text(site, "time_zone")
    if zone is not None and not _zone_exists(zone):
        yield InputProblem(
            f"{path}time_zone", f"{quoted(zone)} is no IANA time zone; write for example 'Europe/Amsterdam'."
        )
    yield from _tree_problems(kinds["circuits"])
    circuits = Names(ids(items(site, "circuits")))
    stations = Names(ids(items(site, "stations")))
    yield from _unknown(kinds["stations"], "circuit", circuits)
    yield from _unknown(kinds["loads"], "circuit", circuits)
    yield from _unknown(kinds["generators"], "circuit", circuits)
    yield from _unknown(kinds["storages"], "circuit", circuits)
    yield from _unknown(kinds["connectors"], "station", stations)
    yield from shared_names(kinds)
    yield from _connector_problems(site, kinds["connectors"])
    yield from supply_problems(kinds)
    yield from unbalance_problems(kinds)
    yield from beside_problems(kinds)
    yield from watt_problems(kinds["stations"], kinds["connectors"])
    yield from told_problems(kinds["stations"], kinds["connectors"])
    yield from exclusive_problems(site, kinds["stations"], kinds["connectors"])
    yield from dc_problems(kinds["connectors"], kinds["stations"])
    yield from cabinet_problems(site, kinds["cabinets"], kinds["connectors"], site_voltage_v(kinds["circuits"]))
    connectors = Names(ids(items(site, "connectors")))
    yield from conductor_problems(kinds, connectors)
    known = {"circuits": circuits, "stations": stations, "connectors": connectors}
    yield from group_problems(kinds["groups"], known)


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; bad paths raise the other two
        return False
    return True


def _unknown(pairs: list[Item], field: str, known: Names) -> Iterator[InputProblem]:
    for where, thing in pairs:
        name = text(thing, field)
        if name is not None and name not in known:
            yield InputProblem(place(where, thing), f"{field} {quoted(name)} does not exist; {known}.")


def _tree_problems(circuits: list[Item]) -> Iterator[InputProblem]:
    yield from _unknown(circuits, "parent", Names(ids(circuit for _, circuit in circuits)))
    first: dict[str, tuple[str, str, object]] = {}  # of two with one id; the second is reported for that
    for where, circuit in circuits:
        name = text(circuit, "id")
        if name is not None:
            first.setdefault(name, (name, where, circuit))
    named = list(first.values())
    parents = {name: text(circuit, "parent") for name, _, circuit in named}
    roots = [(name, where) for name, where, circuit in named if read(circuit, "parent") is None]
    if len(roots) > 1:
        listed = ", ".join(quoted(name) for name, _ in roots[:MAX_NAMES])
        yield InputProblem(
            roots[1][1], f"{listed} have no parent; a site has one grid connection. Name a parent for the others."
        )
    _, cycles = tops_of(parents)
    yield from transformer_problems(named)
    for cycle in cycles:
        where, circuit = next((where, circuit) for name, where, circuit in named if name == cycle[0])
        shown = [quoted(name) for name in [*cycle[:MAX_NAMES], *(["..."] if len(cycle) > MAX_NAMES else []), cycle[0]]]
        yield InputProblem(
            place(where, circuit),
            f"the circuits form a cycle: {' -> '.join(shown)}. One of them must hang on the grid connection.",
        )
    yield from different_supplies(named)


def _connector_problems(site: object, connectors: list[Item]) -> Iterator[InputProblem]:
    floor_a = number(site, "idle_floor_a") or 0.0
    seen: dict[tuple[str, int], str] = {}
    for where, connector in connectors:
        at = place(where, connector)
        station, evse = text(connector, "station"), read(connector, "evse_id")
        evse = 1 if evse is None else evse
        if station is not None and isinstance(evse, int):
            other = seen.setdefault((station, evse), where)
            if other != where:
                number_of = f"evse_id {quoted(evse)} of station {quoted(station)}"
                yield InputProblem(at, f"{number_of} is already used by {other}; give each its own.")
        low, high = _lowest_a(connector), number(connector, "max_current_a")
        if text(connector, "current_type") == "DC":
            continue
        if low is not None and high is not None and 0 < floor_a < low <= high:
            yield InputProblem(
                at,
                f"min_current_a={low:g} is above the site's idle_floor_a={floor_a:g}; "
                "raise the floor to it, or set the floor to 0.",
            )


def session_problems(sessions: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield every broken reference and conflict among sessions (their own fields apart)."""
    yield from duplicate_problems(sessions)
    connectors = {name: c for c in items(site, "connectors") if (name := text(c, "id")) is not None}
    known = Names(connectors)
    versions = {name: text(s, "ocpp_version") for s in items(site, "stations") if (name := text(s, "id")) is not None}
    by_connector: dict[str, list[Item]] = {}
    for where, session in sessions:
        name = text(session, "connector")
        if name is None:
            continue
        if name not in connectors:
            yield InputProblem(place(where, session), f"connector {quoted(name)} does not exist; {known}.")
            continue
        by_connector.setdefault(name, []).append((where, session))
        if (
            read(session, "min_current_a") is None
            and read(session, "max_current_a") is None
            and read(session, "transaction_id") is None
        ):
            continue
        yield from (
            InputProblem(place(where, session), problem) for problem in _fit_texts(session, connectors[name], versions)
        )
    for name, pairs in by_connector.items():
        if len(pairs) > 1:
            yield from _conflicts(name, pairs)
    yield from _transactions(by_connector, connectors)


def _transactions(by_connector: dict[str, list[Item]], connectors: dict[str, object]) -> Iterator[InputProblem]:
    """Yield transaction ids that a station would have on two connectors."""
    seen: dict[tuple[str | None, object], str] = {}
    for name, pairs in by_connector.items():
        station = text(connectors[name], "station")
        for where, session in pairs:
            transaction = read(session, "transaction_id")
            if not isinstance(transaction, int | str):
                continue
            at = place(where, session)
            if seen.setdefault((station, transaction), name) != name:
                other = seen[station, transaction]
                yield InputProblem(
                    at,
                    f"transaction_id {quoted(transaction)} of station {quoted(station or '')} already runs on "
                    f"{quoted(other)}; a transaction runs on one. Correct one of them.",
                )


def _fit_texts(session: object, connector: object, versions: dict[str, str | None]) -> Iterator[str]:
    own_low, own_high = own_range(session, connector)
    transaction = read(session, "transaction_id")
    low, high = _lowest_a(connector), number(connector, "max_current_a")
    if text(connector, "current_type") == "DC":
        for field in ("min_current_a", "max_current_a"):
            if read(session, field) is not None:
                yield f"{field} is about currents of the car, and its connector is DC. Leave it out."
        own_low = own_high = low = None
    least = max(low or 0.0, own_low or 0.0)
    consistent = own_low is None or own_high is None or own_low <= own_high
    if own_high is not None and own_high < least and high != 0 and consistent:
        yield (
            f"max_current_a={own_high:g} is below the minimum of {least:g} A: the car could never charge. "
            "Raise it, or leave the session out."
        )
    elif own_low is not None and high is not None and 0 < high < own_low:
        yield (
            f"min_current_a={own_low:g} exceeds the connector's max_current_a={high:g}: the car could never charge. "
            "Lower it, or name another connector."
        )
    elif high and consistent:
        yield from never_charges_texts(connector, least, high if own_high is None else min(high, own_high))
    version = versions.get(text(connector, "station") or "")
    if transaction is not None and version is not None:
        problem = transaction_text(transaction, version)
        if problem:
            yield problem


def transaction_text(transaction: object, version: str) -> str | None:
    """Return what is wrong with a transaction id for an OCPP version (1.6: integer; 2.x: text), or None.

    >>> transaction_text("ab", "1.6")
    "transaction_id 'ab' has the wrong type for OCPP 1.6, which wants an integer. Give the id that the station uses."
    >>> transaction_text("ab", "2.1")
    """
    wanted = int if version == "1.6" else str
    if isinstance(transaction, int | str) and not isinstance(transaction, bool) and not isinstance(transaction, wanted):
        kind = "an integer" if wanted is int else "a text of at most 36 characters"
        return (
            f"transaction_id {quoted(transaction)} has the wrong type for OCPP {version}, which wants {kind}. "
            "Give the id that the station uses."
        )
    return None


def _known_end(session: object, start: datetime) -> datetime | None:
    """Return until when a session is there for certain: without a departure, until its last milestone."""
    if read(session, "departure") is not None:
        return instant(session, "departure")
    goals = [by for goal in items(session, "milestones") if (by := instant(goal, "by")) is not None]
    return max([*goals, start + timedelta(microseconds=1)])


def missing_problems(sessions: list[Item]) -> Iterator[InputProblem]:
    """Yield what a session does not say; where there are ``SessionDefaults`` nothing is missing."""
    for where, session in sessions:
        for field in [name for name in ("departure", "energy_wh") if read(session, name) is None]:
            if text(session, "id") is not None:
                yield InputProblem(
                    place(where, session), f"{field} is missing; add it, or give session_defaults to assume one."
                )


def _conflicts(connector: str, pairs: list[Item]) -> Iterator[InputProblem]:
    running = [(where, session) for where, session in pairs if read(session, "transaction_id") is not None]
    for where, session in running[1:]:
        yield InputProblem(
            place(where, session),
            f"connector {quoted(connector)} is already in the transaction of {place(*running[0])}; "
            "only one can run at a time. Take the transaction_id off the other.",
        )
    timed = [
        (start, end, where, session)
        for where, session in pairs
        if (start := instant(session, "arrival")) is not None
        and (end := _known_end(session, start)) is not None
        and start < end
    ]
    timed.sort(key=lambda entry: entry[0])
    if not timed:
        return
    last = timed[0]
    for entry in timed[1:]:
        if entry[0] < last[1]:
            yield InputProblem(
                place(entry[2], entry[3]),
                f"overlaps {place(last[2], last[3])} on connector {quoted(connector)}: "
                f"it arrives at {short_utc(entry[0])}, the other {_leaves(last)}. "
                "Correct the times or the connector.",
            )
        if entry[1] > last[1]:
            last = entry


def _leaves(entry: tuple[datetime, datetime, str, object]) -> str:
    if read(entry[3], "departure") is None:
        return "is there and has no departure yet"
    return f"leaves at {short_utc(entry[1])}"
