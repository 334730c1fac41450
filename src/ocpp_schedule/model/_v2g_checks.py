"""Checks of cars that can give energy back, on models or on raw data alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.units import exact

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DECIMALS: Final = 6
"""Decimals of a price per kWh (convention 1)."""
OTHER_RULES: Final = ("taper", "max_pauses", "min_on_s", "max_price_per_kwh")
"""Rules that say when and how fast a car charges; with discharging between its charging they mean nothing certain."""
NEEDED: Final = {
    "battery_wh": "how much the battery holds",
    "soc_percent": "what is in it at arrival",
    "phases": "what it draws and gives on which line",
}
MANY_PERIODS: Final = 1024
"""What OCPP 2.x allows; plans in fewer pieces know nothing of discharging."""
VERSION: Final = "2.1"
"""The first version of OCPP that can tell a charger to discharge (CentralSetpoint, dischargeLimit)."""


def v2g_texts(v2g: object) -> Iterator[str]:
    """Yield what is inconsistent within ``V2g``."""
    least, most = (number(v2g, f"{name}_soc_percent") for name in ("min", "max"))
    if least is not None and (100.0 if most is None else most) < least:
        yield f"min_soc_percent={least:g} is above max_soc_percent={100 if most is None else most:g}; swap them."
    wear = number(v2g, "wear_per_kwh")
    if wear is not None and not math.isclose(round(wear, MAX_DECIMALS), wear, rel_tol=1e-12, abs_tol=1e-12):
        yield f"wear_per_kwh={wear!r} has more than {MAX_DECIMALS} decimals. Round it."


def session_v2g_texts(session: object) -> Iterator[str]:
    """Yield what a session with ``v2g`` lacks, and what does not go with it."""
    v2g = read(session, "v2g")
    if v2g is None:
        return
    for field, what in NEEDED.items():
        if read(session, field) is None:
            yield f"v2g needs {field} ({what}); add it, or leave v2g out."
    for field in OTHER_RULES:
        if read(session, field) not in (None, (), []):
            yield f"{field} does not go with v2g; leave one of them out."
    if text(session, "source") == "surplus":
        yield "source 'surplus' does not go with v2g; leave one of them out."
    battery, soc, wish = number(session, "battery_wh"), number(session, "soc_percent"), number(session, "energy_wh")
    most = number(v2g, "max_soc_percent")
    most = 100.0 if most is None else most
    if battery is not None and soc is not None and wish is not None:
        room = max(exact(battery) * (exact(most) - exact(soc)) / 100, exact(0.0))
        if exact(wish) > room:
            yield (
                f"energy_wh={wish:g} is more than the {float(room):g} Wh that the battery takes up to "
                f"max_soc_percent={most:g}; lower the wish, or correct the state of charge."
            )


def connector_v2g_problems(connectors: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield connectors that take energy back at stations that cannot be told to."""
    stations = {text(one, "id"): one for one in items(site, "stations")}
    turns = {
        name
        for one in stations.values()
        for group in items(one, "exclusive_groups")
        if isinstance(group, list | tuple)
        for name in group
        if isinstance(name, str)
    }
    phasors = bool(items(site, "line_constraints"))
    phasors = phasors or any(read(one, "transformer") is not None for one in items(site, "circuits"))
    phasors = phasors or any(text(one, "connection") == "delta" for one in items(site, "connectors"))
    balanced = any(read(circuit, "unbalance_limit_a") is not None for circuit in items(site, "circuits"))
    for where, connector in connectors:
        most = number(connector, "max_discharge_current_a")
        station = stations.get(text(connector, "station"))
        if not most or station is None:
            continue
        version = text(station, "ocpp_version")
        if version is not None and version != VERSION:
            yield InputProblem(
                place(where, connector),
                f"max_discharge_current_a={most:g} needs OCPP 2.1, but station {quoted(text(station, 'id'))} speaks "
                f"{version}: older versions have no message for it. Leave it out, or correct ocpp_version.",
            )
        periods = number(read(station, "capabilities"), "max_periods")
        for kind, is_one in (
            ("a DC outlet", text(connector, "current_type") == "DC"),
            ("an outlet that takes turns", text(connector, "id") in turns),
            ("a site with an unbalance_limit_a", balanced),
            ("a site with line_constraints, transformers or delta outlets", phasors),
            (f"a station that takes {periods or 0:g} periods", periods is not None and periods < MANY_PERIODS),
        ):
            if not is_one:
                continue
            yield InputProblem(
                place(where, connector), f"max_discharge_current_a={most:g} does not go with {kind} yet; leave it out."
            )
        able = read(station, "capabilities")
        pause, resume = text(able, "pause"), text(able, "resume")
        if (pause or "zero_limit") != "zero_limit" or resume == "none":
            yield InputProblem(
                place(where, connector),
                f"max_discharge_current_a={most:g} does not go with a station that cannot pause and go on; "
                "leave it out, or correct the capabilities.",
            )


def stage_v2g_problems(objective: object, limits: list[Item], sessions: list[Item]) -> Iterator[InputProblem]:
    """Yield stages and soft limits that do not go with cars that give energy back."""
    if all(read(session, "v2g") is None for _, session in sessions):
        return
    name, kinds = text(objective, "name"), [text(stage, "kind") for stage in items(objective, "stages")]
    if name not in {None, "cheapest"} and kinds != ["must_have", "wanted", "cost"]:
        yield InputProblem(
            "objective",
            "with cars that give energy back the stages are must_have, wanted, cost; name the preset 'cheapest', or "
            "leave those out.",
        )
    for where, limit in limits:
        if read(limit, "soft") is True:
            yield InputProblem(where, "a soft limit does not go with cars that give energy back yet; make it hard.")
