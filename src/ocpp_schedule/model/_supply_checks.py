"""Checks of limits, supplies and lines, on models or on raw data alike (convention 14)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.model._transformer_checks import supply_above
from ocpp_schedule.units import LINES, SUPPLIES, Supply, is_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Known(Protocol):
        """Names that are known, and what to say of them."""

        def __contains__(self, name: str, /) -> bool: ...


BETWEEN_LINES = 2
"""Lines of a load that is not connected to neutral."""
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
    """Yield connectors and loads on lines that their supply does not have."""
    circuits = {name: one for _, one in kinds["circuits"] if (name := text(one, "id")) is not None}
    supplies = {name: text(one, "supply") for name, one in circuits.items()}
    parents = {name: text(one, "parent") for name, one in circuits.items()}
    root = next((name for name, one in circuits.items() if read(one, "parent") is None), "")
    circuit_of = {name: text(one, "circuit") for _, one in kinds["stations"] if (name := text(one, "id")) is not None}
    fed = any(read(one, "transformer") is not None for one in circuits.values())
    known = {str(name): supply for name, supply in SUPPLIES.items()}
    for kind in ("connectors", "loads", "generators", "storages"):
        for where, thing in kinds[kind]:
            place_of = text(thing, "circuit") if kind != "connectors" else circuit_of.get(text(thing, "station") or "")
            name = supply_above(place_of if fed and place_of in circuits else root, supplies, parents)
            if name in known:
                yield from _misplaced(kind, where, thing, name, known[name])


def _misplaced(kind: str, where: str, thing: object, name: str, supply: Supply) -> Iterator[InputProblem]:
    lines = [line for line in items(thing, "lines") if isinstance(line, str)] or list(LINES)
    absent = [quoted(line) for line in lines if line in LINES and line not in supply.lines]
    if absent:
        yield InputProblem(
            place(where, thing),
            f"lines names {', '.join(absent)}, which supply {quoted(name)} does not have; "
            f"it has {', '.join(map(quoted, supply.lines))}.",
        )
    neutral = text(thing, "current_type") != "DC" and read(thing, "connection") != "delta"
    if kind == "connectors" and not supply.neutral and neutral:
        yield InputProblem(
            place(where, thing),
            f"is connected to neutral, which supply {quoted(name)} does not have. "
            "Write connection='delta' and the two lines it lies between, or name another supply.",
        )


def line_texts(connector: object) -> Iterator[str]:
    """Yield what is wrong with the lines of a connector."""
    lines = [line for line in items(connector, "lines") if isinstance(line, str)]
    repeated = [quoted(line) for line, count in Counter(lines).items() if count > 1]
    if repeated:
        yield f"lines names {', '.join(repeated)} more than once; name each line once, in the order as wired."
    if read(connector, "connection") != "delta":
        return
    named = len(items(connector, "lines")) if read(connector, "lines") is not None else len(LINES)
    if named != BETWEEN_LINES:
        yield f"connection='delta' lies between two lines, lines names {named}; name the two."
    if text(connector, "current_type") == "DC":
        yield "connection='delta' is for AC outlets; a DC outlet draws on all its lines alike: leave it out."


def conductor_problems(kinds: dict[str, list[Item]], connectors: Known) -> Iterator[InputProblem]:
    """Yield what is wrong with line constraints and with what stands beside loads between lines (convention 15)."""
    yield from _device_problems(kinds)
    yield from _term_problems(kinds["line_constraints"], connectors)
    between = any(read(connector, "connection") == "delta" for _, connector in kinds["connectors"])
    for where, station in kinds["stations"] if between or kinds["line_constraints"] else ():
        if read(read(station, "capabilities"), "pause") == "min_current":
            yield InputProblem(
                place(where, station),
                "must never be told 0 (pause='min_current') at a site whose currents add up as phasors: that is not "
                "planned yet. Correct the capability, or give line_constraints and loads between lines as limits in A.",
            )


def _term_problems(constraints: list[Item], connectors: Known) -> Iterator[InputProblem]:
    """Yield the terms of line constraints that name no connector of the site."""
    for where, constraint in constraints:
        for index, term in enumerate(items(constraint, "terms")):
            name = text(term, "connector")
            if name is not None and name not in connectors:
                yield InputProblem(
                    place(where, constraint), f"terms[{index}].connector {quoted(name)} does not exist; {connectors}."
                )


def _device_problems(kinds: dict[str, list[Item]]) -> Iterator[InputProblem]:
    """Yield what stands beside loads between lines and is known for loads to neutral only."""
    root = next((text(one, "supply") for _, one in kinds["circuits"] if read(one, "parent") is None), None)
    supply = next((one for known, one in SUPPLIES.items() if known == (root or "400Y/230")), None)
    between = any(read(connector, "connection") == "delta" for _, connector in kinds["connectors"])
    if not between or supply is None or len(supply.lines) < len(LINES):
        return
    for where, circuit in kinds["circuits"]:
        if read(circuit, "unbalance_limit_a") is not None:
            yield InputProblem(
                place(where, circuit),
                "has unbalance_limit_a at a site with loads between lines, whose currents add up as phasors and not as "
                "numbers. Leave it out.",
            )
    for kind in ("generators", "storages"):
        for where, thing in kinds[kind]:
            yield InputProblem(
                place(where, thing),
                "stands at a site with loads between lines, whose currents add up as phasors; what it does to them is "
                "not known. Leave it out, or give it as a load at its highest current.",
            )
