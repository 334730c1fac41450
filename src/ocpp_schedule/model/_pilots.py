"""Checks of ``Connector.allowed_currents_a``, the only currents a charger can be told, on models or raw data alike."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, number, place, quoted, read, text
from ocpp_schedule.units import MIN_PILOT_CURRENT_A, is_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def allowed_a(connector: object) -> list[float]:
    """Return the allowed currents where all of them can be read; empty where none are given."""
    values = items(connector, "allowed_currents_a")
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in values):
        return []
    try:
        found = [float(one) for one in values]
    except OverflowError:
        return []
    return found if all(math.isfinite(one) and one >= 0 for one in found) else []


def pilot_texts(connector: object) -> Iterator[str]:
    """Yield what is inconsistent in the currents that a connector can be told."""
    step = number(connector, "step_a")
    if step is not None and step > 0 and not is_multiple(step, 0.1):
        yield f"step_a={step:g} is no multiple of 0.1 A, the finest that OCPP carries; give 0.1, 0.5, 1 ..."
    values = allowed_a(connector)
    if not values:
        return
    if values[0] != 0 or len(values) == 1 or any(b <= a for a, b in pairwise(values)):
        yield f"allowed_currents_a={_listed(values)} must begin with 0 and rise; write for example 0, 8, 16, 24, 32."
        return
    odd = [one for one in values if not is_multiple(one, 0.1)]
    if odd:
        yield f"allowed_currents_a has {_listed(odd)}, no multiple of 0.1 A, the finest that OCPP carries; round down."
    low = number(connector, "min_current_a")
    low = MIN_PILOT_CURRENT_A if read(connector, "min_current_a") is None else low
    high = number(connector, "max_current_a")
    if low is not None and values[1] < low:
        yield (
            f"allowed_currents_a has {values[1]:g}, which is below min_current_a={low:g}; "
            "lower the minimum, or leave the value out."
        )
    elif high is not None and 0 < high < values[1]:
        yield (
            f"allowed_currents_a has nothing between 0 and max_current_a={high:g}: raise the maximum, add a current, "
            "or set max_current_a=0 for a connector that gives nothing."
        )


def never_charges_texts(connector: object, low: float, high: float) -> Iterator[str]:
    """Yield what is wrong where no allowed current lies between ``low`` and ``high``."""
    values = allowed_a(connector)
    if len(values) > 1 and not any(low <= one <= high for one in values[1:]):
        yield (
            f"none of the connector's allowed_currents_a={_listed(values)} lies between {low:g} and {high:g} A: the "
            "car could never charge. Correct its limits, or name another connector."
        )


def watt_problems(stations: list[Item], connectors: list[Item]) -> Iterator[InputProblem]:
    """Yield one problem for every connector with allowed currents on a station that takes watts only."""
    only_w = set()
    for _, station in stations:
        units = items(read(station, "capabilities"), "rate_units")
        if units and "A" not in units:
            only_w.add(text(station, "id"))
    for where, connector in connectors:
        station = text(connector, "station")
        if station in only_w and allowed_a(connector):
            yield InputProblem(
                place(where, connector),
                f"allowed_currents_a are amperes, but station {quoted(station)} takes only W; leave them out.",
            )


def _listed(values: Sequence[float]) -> str:
    shown = ", ".join(f"{one:g}" for one in values[:12])
    return f"({shown}{', ...' if len(values) > 12 else ''})"  # noqa: PLR2004 - more do not help the reader
