"""Checks of opening hours, reservations, outages and derates, on models or on raw data alike."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, instant, items, place, quoted, read, text
from ocpp_schedule.model._references import Names, ids
from ocpp_schedule.timegrid import short_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def restriction_texts(restriction: object) -> Iterator[str]:
    """Yield what is inconsistent within one restriction."""
    connector, station = text(restriction, "connector"), text(restriction, "station")
    if connector is not None and station is not None:
        yield f"names connector {quoted(connector)} and station {quoted(station)}; name one (neither: the whole site)."
    kind = read(restriction, "kind")
    if kind == "reservation" and read(restriction, "connector") is None:
        yield "a reservation needs a connector; name it."
    start, end = instant(restriction, "start"), instant(restriction, "end")
    if start is not None and end is not None and end <= start:
        yield f"end {short_utc(end)} is not after start {short_utc(start)}. Correct one of them."


def hours_texts(hours: object) -> Iterator[str]:
    """Yield what is inconsistent within the hours of a day."""
    opens, closes = text(hours, "opens"), text(hours, "closes")
    if opens == "24:00":
        yield "opens at 24:00; write 00:00, and the day that follows."
    elif opens is not None and opens == closes:
        yield f"opens and closes at {opens}; write 00:00 to 24:00 for the whole day, and leave out days without hours."
    days = [day for day in items(hours, "days") if isinstance(day, str)]
    repeated = [quoted(day) for day, count in Counter(days).items() if count > 1]
    if repeated:
        yield f"days names {', '.join(repeated)} more than once; name each day once."


def availability_problems(availability: Sequence[Item], site: object, sessions: list[Item]) -> Iterator[InputProblem]:
    """Yield restrictions of what does not exist, and reservations for a session elsewhere."""
    connectors = Names(ids(items(site, "connectors")))
    stations = Names(ids(items(site, "stations")))
    plugged = {name: text(session, "connector") for _, session in sessions if (name := text(session, "id")) is not None}
    for where, restriction in availability:
        at = place(where, restriction)
        for field, known in (("connector", connectors), ("station", stations)):
            name = text(restriction, field)
            if name is not None and name not in known:
                yield InputProblem(at, f"{field} {quoted(name)} does not exist; {known}.")
        if read(restriction, "kind") == "reservation":
            yield from (InputProblem(at, problem) for problem in _reservation_texts(restriction, plugged))


def _reservation_texts(reservation: object, plugged: dict[str, str | None]) -> Iterator[str]:
    name, connector = text(reservation, "session"), text(reservation, "connector")
    if name is None or connector is None:
        return
    if name not in plugged:
        yield (
            f"session {quoted(name)} is not among the sessions. Correct it, or leave it out: "
            "the time is then kept for somebody who is not in the plan."
        )
    elif plugged[name] is not None and plugged[name] != connector:
        yield f"session {quoted(name)} is on connector {quoted(plugged[name])}, not {quoted(connector)}. Correct one."
