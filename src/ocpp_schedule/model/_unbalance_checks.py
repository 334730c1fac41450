"""Checks of limits on the difference between lines, on models or on raw data alike (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, place, quoted, read, text
from ocpp_schedule.units import LINES, SUPPLIES

if TYPE_CHECKING:
    from collections.abc import Iterator


def unbalance_problems(kinds: dict[str, list[Item]]) -> Iterator[InputProblem]:
    """Yield devices whose power is decided by the plan and not spread over all lines, below such a limit."""
    parents: dict[str, str | None] = {}
    limited: set[str] = set()
    supply = "400Y/230"
    for _, circuit in kinds["circuits"]:
        name = text(circuit, "id")
        if name is None or name in parents:
            continue
        parents[name] = text(circuit, "parent")
        if parents[name] is None:
            supply = text(circuit, "supply") or supply
        if read(circuit, "unbalance_limit_a") is not None:
            limited.add(name)
    if not limited:
        return
    every = next((set(one.lines) for known, one in SUPPLIES.items() if known == supply), set(LINES))
    decided = [*kinds["storages"], *(one for one in kinds["generators"] if read(one[1], "curtailable") is True)]
    for where, thing in decided:
        lines = {line for line in items(thing, "lines") if isinstance(line, str)} or set(LINES)
        seen: set[str] = set()
        above = text(thing, "circuit")
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        for name in sorted(limited & seen if not every <= lines else ()):
            yield InputProblem(
                place(where, thing),
                f"is on {', '.join(sorted(lines))} below circuit {quoted(name)}, whose unbalance_limit_a counts only "
                "what is expected before planning. Put it on all lines, or leave unbalance_limit_a out.",
            )
