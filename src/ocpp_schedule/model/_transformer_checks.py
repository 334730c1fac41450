"""Checks of transformers and of supplies below them, on models or on raw data alike (convention 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, place, quoted, read, text
from ocpp_schedule.model._trees import tops_of
from ocpp_schedule.units import LINES, SUPPLIES

if TYPE_CHECKING:
    from collections.abc import Iterator


def supply_above(name: str, supplies: dict[str, str | None], parents: dict[str, str | None]) -> str:
    """Return the supply of a circuit: its own, or that of the one above."""
    seen: set[str] = set()
    current: str | None = name
    while current is not None and current not in seen:
        seen.add(current)
        own = supplies.get(current)
        if own is not None:
            return own
        current = parents.get(current)
    return "400Y/230"


def transformer_problems(named: list[tuple[str, str, object]]) -> Iterator[InputProblem]:
    """Yield transformers that have nothing above, or no three lines on both sides (convention 15)."""
    supplies = {name: text(circuit, "supply") for name, _, circuit in named}
    parents = {name: text(circuit, "parent") for name, _, circuit in named}
    known = {str(name): supply for name, supply in SUPPLIES.items()}
    for name, where, circuit in named:
        if read(circuit, "transformer") is None:
            continue
        parent = parents[name]
        if read(circuit, "parent") is None:
            yield InputProblem(
                place(where, circuit), "has a transformer, but no parent; name the circuit on its other side as parent."
            )
        elif parent in supplies:
            for side in (supply_above(name, supplies, parents), supply_above(parent, supplies, parents)):
                if side in known and known[side].lines != LINES:
                    yield InputProblem(
                        place(where, circuit), f"has a transformer at supply {quoted(side)}, which has not three lines."
                    )


def different_supplies(named: list[tuple[str, str, object]]) -> Iterator[InputProblem]:
    """Yield circuits with another supply than those above, without a transformer in between."""
    supplies = {name: text(circuit, "supply") for name, _, circuit in named}
    parents = {name: text(circuit, "parent") for name, _, circuit in named}
    # Below a transformer another supply begins.
    fed = {name for name, _, circuit in named if read(circuit, "transformer") is not None}
    tops, _ = tops_of({name: None if name in fed else parent for name, parent in parents.items()})
    for name, where, circuit in named:
        top, supply = tops.get(name), supplies[name]
        above = supply_above(top, supplies, parents) if top is not None else None
        if supply is not None and above is not None and name != top and supply != above:
            yield InputProblem(
                place(where, circuit),
                f"supply {quoted(supply)} differs from {quoted(above)} of {quoted(top)} above it; "
                "leave it out or make them equal.",
            )


def beside_problems(kinds: dict[str, list[Item]]) -> Iterator[InputProblem]:
    """Yield what does not go together with a transformer on the site: nothing is planned on a guess."""
    fed = [text(one, "id") for _, one in kinds["circuits"] if read(one, "transformer") is not None]
    if not fed:
        return
    unbalanced = [one for one in kinds["circuits"] if read(one[1], "unbalance_limit_a") is not None]
    for noun, found in (
        ("groups", kinds["groups"]),
        ("generators", kinds["generators"]),
        ("storages", kinds["storages"]),
        ("unbalance_limit_a", unbalanced),
    ):
        for where, thing in found:
            yield InputProblem(
                place(where, thing),
                f"{noun} and the transformer of circuit {quoted(fed[0])} on one site are not supported together yet; "
                "leave one of them out.",
            )
