"""Connectors as their stations can be told set-points: in steps that both carry (convention 24)."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._pilots import allowed_a
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, exact, is_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.model.site import Connector, Site

FINEST_A: Final = 0.1
"""OCPP carries at most one decimal, so that a step of 0.1 A is no coarser than any other."""
_STEP: Final = attrgetter("capabilities.limit_step_a")


def as_told(site: Site) -> Site:
    """Return the site with the steps that its stations take, where those are coarser than the connectors'.

    >>> from ocpp_schedule.model.capabilities import Capabilities
    >>> from ocpp_schedule.model.site import Circuit, Connector, Site, Station
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6",
    ...                               capabilities=Capabilities(limit_step_a=1.0))],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)])
    >>> as_told(site).connectors[0].step_a
    1.0
    """
    if set(map(_STEP, site.stations)) <= {FINEST_A}:
        return site
    steps = {station.id: _STEP(station) for station in site.stations}
    return site.model_copy(
        update={"connectors": tuple(_as_told(connector, steps[connector.station]) for connector in site.connectors)}
    )


def _as_told(connector: Connector, limit_step_a: float) -> Connector:
    if limit_step_a <= FINEST_A:
        return connector
    if connector.allowed_currents_a is not None:
        allowed = tuple(one for one in connector.allowed_currents_a if is_multiple(one, limit_step_a))
        return connector.model_copy(update={"allowed_currents_a": allowed})
    return connector.model_copy(update={"step_a": common_step(connector.step_a, limit_step_a)})


def common_step(step_a: float, limit_step_a: float) -> float:
    """Return the smallest step that is a multiple of both [A].

    >>> common_step(0.1, 1.0), common_step(0.5, 0.2), common_step(0.1, 0.25)
    (1.0, 1.0, 0.5)
    """
    tenths = exact(step_a) * DECIAMPERES_PER_AMPERE
    times = (tenths / (exact(limit_step_a) * DECIAMPERES_PER_AMPERE)).denominator
    return float(tenths * times / DECIAMPERES_PER_AMPERE)


def told_problems(stations: list[Item], connectors: list[Item]) -> Iterator[InputProblem]:
    """Yield one problem for every connector whose station takes none of its currents above 0."""
    steps = {}
    for _, station in stations:
        known = read(station, "capabilities")
        units, step = items(known, "rate_units"), number(known, "limit_step_a")
        if step is not None and step > FINEST_A and (not units or "A" in units):
            steps[text(station, "id")] = step
    for where, connector in connectors if steps else ():
        name = text(connector, "station")
        step, own, high = steps.get(name), number(connector, "step_a"), number(connector, "max_current_a")
        if step is None or read(connector, "current_type") == "DC":
            continue
        allowed = allowed_a(connector)
        if allowed and not any(is_multiple(one, step) for one in allowed if one > 0):
            what = f"none of its allowed_currents_a is a multiple of limit_step_a={step:g}, the steps that station "
            yield InputProblem(place(where, connector), f"{what}{quoted(name)} takes. Add one, or correct the step.")
        elif not allowed and high and own != 0 and common_step(own or FINEST_A, step) > high:
            what = (
                f"station {quoted(name)} takes steps of {step:g} A, and max_current_a={high:g} is less than one that "
                "the connector takes, too: it could never charge. Correct limit_step_a, step_a or the maximum."
            )
            yield InputProblem(place(where, connector), what)
