"""Checks of the objective against what it needs, on models or on raw data alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, read, text

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN: Final = tuple(
    ["must_have", *contract, "wanted", "cost", *starts]
    for contract in ([], ["contract"])
    for starts in ([], ["starts"])
)
"""Own sequences that a bill at the meter goes with."""


def objective_problems(objective: object, tariff: object, site: object, limits: list[Item]) -> Iterator[InputProblem]:
    """Yield stages whose data are not there, and those that a bill at the meter or a soft limit does not go with."""
    name, kinds = text(objective, "name"), [text(stage, "kind") for stage in items(objective, "stages")]
    if (name == "greenest" or "co2" in kinds) and read(tariff, "co2") is None:
        yield InputProblem("objective", "the stage 'co2' needs tariff.co2, g CO2 per kWh; give a series or a number.")
    metered = bool(items(site, "generators") or items(site, "storages") or items(tariff, "peaks"))
    if metered and name not in {None, "cheapest", "steady"} and kinds not in PLAIN:
        yield InputProblem(
            "objective",
            "with generators, batteries or peak charges the stages are must_have, wanted, cost; "
            "name the preset 'cheapest' or 'steady', or leave those out.",
        )
    soft = [where for where, limit in limits if read(limit, "soft") is True]
    if soft and name == "own" and "contract" not in kinds:
        yield InputProblem("objective", f"has no stage 'contract', but {soft[0]} is soft. Name one, or let it be hard.")
    if soft and items(site, "storages"):
        yield InputProblem(soft[0], "is soft, and the site has a battery: that is not planned yet. Let it be hard.")
    between = any(read(connector, "connection") == "delta" for connector in items(site, "connectors"))
    for where, limit in limits:
        if between and read(limit, "soft") is True and read(limit, "limit_a") is not None:
            yield InputProblem(
                where,
                "is soft and per line, at a site with loads between lines, whose currents add up as phasors: not "
                "planned yet. Give limit_va or limit_w, or let it be hard.",
            )
