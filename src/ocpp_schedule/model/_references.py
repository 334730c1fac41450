"""Checks across fields and objects of a site and its sessions, on models or on raw data alike."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, instant, items, number, place, read, text
from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import is_multiple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_NAMES = 12
"""Known names listed in a message; more do not help the reader."""


def _known(names: Iterable[str]) -> str:
    listed = list(dict.fromkeys(names))
    shown = ", ".join(repr(name) for name in listed[:MAX_NAMES])
    more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
    return f"the site has {shown}{more}" if listed else "the site has none"


def _ids(things: Iterable[Any]) -> list[str]:
    return [name for thing in things if (name := text(thing, "id")) is not None]


def duplicate_problems(pairs: list[Item], what: str = "id") -> Iterator[InputProblem]:
    """Yield one problem for every object whose id an earlier one has."""
    first: dict[str, str] = {}
    for where, thing in pairs:
        name = text(thing, "id")
        if name is None:
            continue
        if name in first:
            yield InputProblem(place(where, thing), f"{what} {name!r} is already used by {first[name]}; give each its own.")
        first.setdefault(name, where)


def connector_texts(connector: Any) -> Iterator[str]:
    """Yield what is inconsistent within one connector."""
    low, high = number(connector, "min_current_a"), number(connector, "max_current_a")
    low = 6.0 if low is None and read(connector, "min_current_a") is None else low
    if low is not None and high is not None and 0 < high < low:
        yield (
            f"min_current_a={low:g} exceeds max_current_a={high:g}: raise the maximum, lower the minimum, "
            "or set max_current_a=0 for a connector that gives nothing."
        )
    step = number(connector, "step_a")
    if step is not None and step > 0 and not is_multiple(step, 0.1):
        yield f"step_a={step:g} is no multiple of 0.1 A, the finest that OCPP carries; give 0.1, 0.5, 1 ..."
    lines = [line for line in items(connector, "lines") if isinstance(line, str)]
    repeated = [line for line, count in Counter(lines).items() if count > 1]
    if repeated:
        yield f"lines names {', '.join(repeated)} twice; name each line once, in the order as wired."


def session_texts(session: Any) -> Iterator[str]:
    """Yield what is inconsistent within one session."""
    arrival, departure = instant(session, "arrival"), instant(session, "departure")
    if arrival is not None and departure is not None and departure <= arrival:
        if departure == arrival:
            yield f"departure equals arrival ({short_utc(arrival)}): a session needs time. Correct one of them, or leave it out."
        else:
            yield (
                f"departure {short_utc(departure)} is before arrival {short_utc(arrival)}. "
                "Swap them, or check the time zone."
            )
    low, high = number(session, "min_current_a"), number(session, "max_current_a")
    if low is not None and high is not None and high < low:
        yield f"min_current_a={low:g} exceeds max_current_a={high:g}: the car could never charge. Correct one of them."
    yield from _milestone_texts(session)


def _milestone_texts(session: Any) -> Iterator[str]:
    arrival, departure = instant(session, "arrival"), instant(session, "departure")
    energy_wh = number(session, "energy_wh")
    milestones = items(session, "milestones")
    for index, milestone in enumerate(milestones):
        by, wanted = instant(milestone, "by"), number(milestone, "energy_wh")
        if by is not None and arrival is not None and departure is not None and not arrival < by <= departure:
            yield (
                f"milestones[{index}].by {short_utc(by)} is outside the session "
                f"({short_utc(arrival)} to {short_utc(departure)}). Move it inside."
            )
        if wanted is not None and energy_wh is not None and wanted > energy_wh:
            yield f"milestones[{index}].energy_wh={wanted:g} exceeds energy_wh={energy_wh:g}. Raise energy_wh, or lower the milestone."
    for index, (one, other) in enumerate(pairwise(milestones), start=1):
        before, after = instant(one, "by"), instant(other, "by")
        if before is not None and after is not None and after < before:
            yield f"milestones[{index}].by is before milestones[{index - 1}].by. List them in order of time."


def site_problems(site: Any, path: str) -> Iterator[InputProblem]:
    """Yield every broken reference within a site; ``path`` is its place (``"site."``)."""
    kinds = {name: [(f"{path}{name}[{i}]", x) for i, x in enumerate(items(site, name))] for name in _KINDS}
    for pairs in kinds.values():
        yield from duplicate_problems(pairs)
    zone = text(site, "time_zone")
    if zone is not None and not _zone_exists(zone):
        yield InputProblem(f"{path}time_zone", f"{zone!r} is no IANA time zone; write for example 'Europe/Amsterdam'.")
    yield from _tree_problems(kinds["circuits"])
    circuits = _ids(items(site, "circuits"))
    stations = _ids(items(site, "stations"))
    yield from _unknown(kinds["stations"], "circuit", circuits)
    yield from _unknown(kinds["loads"], "circuit", circuits)
    yield from _unknown(kinds["connectors"], "station", stations)
    yield from _connector_problems(site, kinds["connectors"])


_KINDS = ("circuits", "stations", "connectors", "loads")


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; bad paths raise the other two
        return False
    return True


def _unknown(pairs: list[Item], field: str, known: list[str]) -> Iterator[InputProblem]:
    names = set(known)
    for where, thing in pairs:
        name = text(thing, field)
        if name is not None and name not in names:
            yield InputProblem(place(where, thing), f"{field} {name!r} does not exist; {_known(known)}.")


def _tree_problems(circuits: list[Item]) -> Iterator[InputProblem]:
    yield from _unknown(circuits, "parent", _ids(circuit for _, circuit in circuits))
    parents = {name: text(circuit, "parent") for _, circuit in circuits if (name := text(circuit, "id")) is not None}
    supplies = {name: text(circuit, "supply") for _, circuit in circuits if (name := text(circuit, "id")) is not None}
    roots = [name for _, circuit in circuits if (name := text(circuit, "id")) is not None and read(circuit, "parent") is None]
    if len(roots) > 1:
        where = next(where for where, circuit in circuits if text(circuit, "id") == roots[1])
        yield InputProblem(
            where, f"{', '.join(map(repr, roots))} have no parent; a site has one grid connection. Name a parent for the others."
        )
    on_reported_cycle: set[str] = set()
    for where, circuit in circuits:
        name = text(circuit, "id")
        chain = _ancestors(name, parents)
        if chain and chain[-1] == name and name not in on_reported_cycle:
            on_reported_cycle.update(chain)
            cycle = " -> ".join([chain[-1], *chain])
            yield InputProblem(place(where, circuit), f"the circuits form a cycle: {cycle}. One must hang on the grid connection.")
        supply, top = text(circuit, "supply"), chain[-1] if chain else None
        expected = (supplies.get(top) or "400Y/230") if top is not None and top != name else None
        if supply is not None and expected is not None and supply != expected:
            yield InputProblem(
                place(where, circuit), f"supply {supply!r} differs from {expected!r} of {top!r} above it; leave it out or make them equal."
            )


def _ancestors(name: str | None, parents: dict[str, str | None]) -> list[str]:
    """Return the chain of parents, ending at the root or at ``name`` itself on a cycle."""
    chain: list[str] = []
    current = parents.get(name) if name is not None else None
    while current is not None and current in parents and current not in chain:
        chain.append(current)
        if current == name:
            break
        current = parents[current]
    return chain


def _connector_problems(site: Any, connectors: list[Item]) -> Iterator[InputProblem]:
    floor_a = number(site, "idle_floor_a") or 0.0
    seen: dict[tuple[str, int], str] = {}
    for where, connector in connectors:
        at = place(where, connector)
        station, evse = text(connector, "station"), read(connector, "evse_id")
        evse = 1 if evse is None else evse
        if station is not None and isinstance(evse, int):
            other = seen.setdefault((station, evse), where)
            if other != where:
                yield InputProblem(at, f"evse_id {evse} of station {station!r} is already used by {other}; give each its own.")
        low, high = number(connector, "min_current_a"), number(connector, "max_current_a")
        low = 6.0 if low is None else low
        if 0 < floor_a < low and high is not None and high >= low:
            yield InputProblem(
                at, f"min_current_a={low:g} is above the site's idle_floor_a={floor_a:g}; raise the floor to it, or set the floor to 0."
            )


def session_problems(sessions: list[Item], site: Any) -> Iterator[InputProblem]:
    """Yield every broken reference and conflict among sessions (their own fields apart)."""
    yield from duplicate_problems(sessions)
    connectors = {name: c for c in items(site, "connectors") if (name := text(c, "id")) is not None}
    versions = {name: text(s, "ocpp_version") for s in items(site, "stations") if (name := text(s, "id")) is not None}
    by_connector: dict[str, list[Item]] = {}
    for where, session in sessions:
        name = text(session, "connector")
        if name is None:
            continue
        if name not in connectors:
            yield InputProblem(place(where, session), f"connector {name!r} does not exist; {_known(connectors)}.")
            continue
        by_connector.setdefault(name, []).append((where, session))
        yield from _fit_problems(place(where, session), session, connectors[name], versions)
    for name, pairs in by_connector.items():
        yield from _conflicts(name, pairs)


def _fit_problems(at: str, session: Any, connector: Any, versions: dict[str, str | None]) -> Iterator[InputProblem]:
    low, high = number(connector, "min_current_a"), number(connector, "max_current_a")
    own_low, own_high = number(session, "min_current_a"), number(session, "max_current_a")
    low = max(6.0 if low is None else low, own_low or 0.0)
    if own_high is not None and own_high < low and high != 0:
        yield InputProblem(at, f"max_current_a={own_high:g} is below the minimum of {low:g} A: the car could never charge.")
    elif own_low is not None and high is not None and 0 < high < own_low:
        yield InputProblem(at, f"min_current_a={own_low:g} exceeds the connector's max_current_a={high:g}: the car could never charge.")
    transaction = read(session, "transaction_id")
    version = versions.get(text(connector, "station") or "")
    if transaction is not None and version is not None:
        problem = transaction_text(transaction, version)
        if problem:
            yield InputProblem(at, problem)


def transaction_text(transaction: Any, version: str) -> str | None:
    """Return what is wrong with a transaction id for an OCPP version (1.6: integer; 2.x: text), or None."""
    wanted = int if version == "1.6" else str
    if isinstance(transaction, int | str) and not isinstance(transaction, bool) and not isinstance(transaction, wanted):
        kind = "an integer" if wanted is int else "a text of at most 36 characters"
        return f"transaction_id {transaction!r} has the wrong type for OCPP {version}, which wants {kind}."
    return None


def _conflicts(connector: str, pairs: list[Item]) -> Iterator[InputProblem]:
    running = [(where, session) for where, session in pairs if read(session, "transaction_id") is not None]
    for where, session in running[1:]:
        yield InputProblem(
            place(where, session),
            f"connector {connector!r} is already in the transaction of {place(*running[0])}; only one can run at a time.",
        )
    timed = [
        (start, end, where, session)
        for where, session in pairs
        if (start := instant(session, "arrival")) is not None
        and (end := instant(session, "departure")) is not None
        and start < end
    ]
    timed.sort(key=lambda entry: entry[0])
    for (_, end, where, one), (start, _, other_where, other) in pairwise(timed):
        if start < end:
            yield InputProblem(
                place(other_where, other),
                f"overlaps {place(where, one)} on connector {connector!r}: it arrives at {short_utc(start)}, "
                f"the other leaves at {short_utc(end)}. Correct the times or the connector.",
            )
