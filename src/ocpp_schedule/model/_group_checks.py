"""Checks of groups, exclusive outlets, DC outlets and cabinets, on models or on raw data alike (convention 14)."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.units import LINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Known(Protocol):
    """Ids that exist: can be asked, and prints itself for a message."""

    def __contains__(self, name: str) -> bool:
        """Tell whether the id exists."""
        ...


def group_problems(groups: list[Item], known: Mapping[str, Known]) -> Iterator[InputProblem]:
    """Yield members of groups that do not exist.

    Args:
        groups: with their places.
        known: by field (``circuits``, ``stations``, ``connectors``), the ids that exist; printed as they are.
    """
    for where, group in groups:
        for field, names in known.items():
            for index, name in enumerate(items(group, field)):
                if isinstance(name, str) and name not in names:
                    yield InputProblem(place(where, group), f"{field}[{index}] {quoted(name)} does not exist; {names}.")


def exclusive_problems(site: object, stations: list[Item], connectors: list[Item]) -> Iterator[InputProblem]:
    """Yield exclusive groups that name other stations' connectors or one twice, and floors that they cannot hold."""
    station_of = {name: text(one, "station") for _, one in connectors if (name := text(one, "id")) is not None}
    floor_a = number(site, "idle_floor_a") or 0.0
    for where, station in stations:
        groups: list[Any] = [
            list(group) for group in items(station, "exclusive_groups") if isinstance(group, list | tuple)
        ]
        for index, group in enumerate(groups):
            seen: set[str] = set()
            for name in (one for one in group if isinstance(one, str)):
                if station_of.get(name) != text(station, "id"):
                    yield InputProblem(
                        place(where, station),
                        f"exclusive_groups[{index}] names {quoted(name)}, which is no connector of this station.",
                    )
                if name in seen:
                    yield InputProblem(
                        place(where, station), f"exclusive_groups[{index}] names {quoted(name)} twice; name each once."
                    )
                seen.add(name)
        if groups and floor_a > 0:
            yield InputProblem(
                place(where, station),
                f"exclusive_groups cannot hold the site's idle_floor_a={floor_a:g}, which every outlet gets at once. "
                "Set the floor to 0.",
            )


def dc_problems(connectors: list[Item], stations: list[Item]) -> Iterator[InputProblem]:
    """Yield DC outlets of stations that take no W."""
    units = {text(one, "id"): items(read(one, "capabilities"), "rate_units") or ["A"] for _, one in stations}
    for where, connector in connectors:
        takes = units.get(text(connector, "station"))
        if text(connector, "current_type") == "DC" and takes is not None and "W" not in takes:
            yield InputProblem(
                place(where, connector),
                f"is DC, and its station {quoted(text(connector, 'station'))} takes no W. Add W to its rate_units.",
            )


def cabinet_problems(
    site: object, cabinets: list[Item], connectors: list[Item], voltage_v: int
) -> Iterator[InputProblem]:
    """Yield cabinets with outlets that are unknown, not DC or named twice, and with too few modules for idle floors.

    ``voltage_v`` is the nominal voltage to neutral.
    """
    known = {name: one for _, one in connectors if (name := text(one, "id")) is not None}
    owner: dict[str, str] = {}
    floor_a = number(site, "idle_floor_a") or 0.0
    for where, cabinet in cabinets:
        names = [name for name in items(cabinet, "connectors") if isinstance(name, str)]
        for name in names:
            fault = None
            if name not in known:
                fault = "does not exist"
            elif text(known[name], "current_type") != "DC":
                fault = "is not DC, and only DC outlets take modules"
            elif owner.setdefault(name, where) != where or names.count(name) > 1:
                fault = "is named twice; it takes modules of one cabinet"
            if fault:
                yield InputProblem(place(where, cabinet), f"connector {quoted(name)} {fault}.")
        module_w, modules = number(cabinet, "module_w"), number(cabinet, "modules")
        if floor_a > 0 and module_w and modules:
            floors = [_floor_w(known[name], floor_a, voltage_v) for name in names if name in known]
            needed = sum(ceil(watts / module_w) for watts in floors)
            if needed > modules:
                yield InputProblem(
                    place(where, cabinet),
                    f"has {modules:g} modules, the site's idle_floor_a={floor_a:g} takes {needed} at once. "
                    "Lower the floor, or set it to 0.",
                )


def _floor_w(connector: object, floor_a: float, voltage_v: int) -> float:
    """Return the power of the idle floor of a DC outlet [W]."""
    lines = len(items(connector, "lines") or LINES)
    most_a = min(floor_a, number(connector, "max_current_a") or 0.0)
    drawn_w = most_a * lines * voltage_v * (number(connector, "efficiency") or 1.0)
    return min(drawn_w, number(connector, "max_power_w") or 0.0)
