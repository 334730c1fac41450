"""Checks of limits, supplies and lines, on models or on raw data alike (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.units import LINES, SUPPLIES, Supply, is_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_FIELDS = ("limit_a", "limit_va", "limit_w")


def circuit_texts(circuit: object) -> Iterator[str]:
    """Yield what is inconsistent within one circuit."""
    if text(circuit, "id") is not None and all(read(circuit, field) is None for field in LIMIT_FIELDS):
        yield "has no limit; give limit_a (per line), limit_va or limit_w (all lines together), or several of them."
    factor = number(circuit, "continuous_load_factor")
    if factor is not None and factor >= 1 and not is_multiple(factor, 0.01):
        yield f"continuous_load_factor={factor:g} has more than two decimals. Round it up."


DC_FIELDS = ("max_power_w", "efficiency")


def current_type_texts(connector: object) -> Iterator[str]:
    """Yield where the fields of a connector do not belong to its current type."""
    kind = text(connector, "current_type")
    given = [field for field in DC_FIELDS if read(connector, field) is not None]
    if kind == "DC" and len(given) < len(DC_FIELDS):
        absent = " and ".join(field for field in DC_FIELDS if field not in given)
        yield f"is DC without {absent}; give what goes into the car at most, and its share of what is drawn."
    if kind == "DC" and read(connector, "allowed_currents_a") is not None:
        yield "is DC and takes W; leave allowed_currents_a out."
    if kind != "DC" and given:
        yield f"{' and '.join(given)} belong to DC outlets; set current_type to DC, or leave them out."


def group_texts(group: object) -> Iterator[str]:
    """Yield what is inconsistent within one group."""
    if text(group, "id") is None:
        return
    if all(read(group, field) is None for field in LIMIT_FIELDS):
        yield "has no limit; give limit_a (per line), limit_va or limit_w (all lines together), or several of them."
    if not any(items(group, field) for field in ("circuits", "stations", "connectors")):
        yield "names nobody; give circuits, stations or connectors."


def limit_texts(limit: object) -> Iterator[str]:
    """Yield what is inconsistent within one limit series."""
    given = [field for field in LIMIT_FIELDS if read(limit, field) is not None]
    if text(limit, "circuit") is not None and len(given) != 1:
        seen = " and ".join(given) or "none"
        yield f"gives {seen}; give exactly one of limit_a (per line), limit_va and limit_w (all lines together)."


def _site_supply(circuits: list[Item]) -> tuple[str, Supply | None]:
    """Return name and data of the supply at the grid connection; None where there is no such supply."""
    name = next((text(one, "supply") for _, one in circuits if read(one, "parent") is None), None) or "400Y/230"
    return name, next((one for known, one in SUPPLIES.items() if known == name), None)


def site_voltage_v(circuits: list[Item]) -> int:
    """Return the nominal voltage to neutral; 0 where the supply is unknown."""
    _, supply = _site_supply(circuits)
    return supply.voltage_v if supply else 0


def supply_problems(kinds: dict[str, list[Item]]) -> Iterator[InputProblem]:
    """Yield connectors and loads on lines that the site's supply does not have."""
    name = (
        next((text(one, "supply") for _, one in kinds["circuits"] if read(one, "parent") is None), None) or "400Y/230"
    )
    supply = next((one for known, one in SUPPLIES.items() if known == name), None)
    if supply is None:
        return
    for kind in ("connectors", "loads", "generators", "storages"):
        for where, thing in kinds[kind]:
            lines = [line for line in items(thing, "lines") if isinstance(line, str)] or list(LINES)
            absent = [quoted(line) for line in lines if line in LINES and line not in supply.lines]
            if absent:
                yield InputProblem(
                    place(where, thing),
                    f"lines names {', '.join(absent)}, which supply {quoted(name)} does not have; "
                    f"it has {', '.join(map(quoted, supply.lines))}.",
                )
            if kind == "connectors" and not supply.neutral and text(thing, "current_type") != "DC":
                yield InputProblem(
                    place(where, thing),
                    f"is connected to neutral, which supply {quoted(name)} does not have. Name another supply.",
                )
