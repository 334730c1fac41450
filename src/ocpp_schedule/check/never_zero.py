"""Stations that must never be told 0: what has to be given there whatever is wanted (convention 24)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.model.site import Site


def due_steps(site: Site, cars: Cars) -> npt.NDArray[np.int64] | None:
    """Return (cars,) what every slot of a session must hold at least; None where no station asks for anything."""
    names = _kept_on(site)
    if not names:
        return None
    due = [low if car.connector in names else 0 for car, low in zip(cars.models, cars.minimum.tolist(), strict=True)]
    return np.array(due, dtype=np.int64)


def kept_on(site: Site, outlets: Outlets, cars: Cars) -> Outlets:
    """Return the connectors, those that are never told 0 with an idle floor that no car of theirs asks more than."""
    names = _kept_on(site)
    if not names:
        return outlets
    idle = outlets.idle_steps.copy()
    for at, name in enumerate(outlets.ids):
        if name in names:
            idle[at] = max(idle[at], outlets.minimum_steps[at])
    for car, at in enumerate(cars.outlet.tolist()):
        if outlets.ids[at] in names and cars.last[car] > cars.first[car]:
            idle[at] = max(idle[at], cars.minimum[car])
    return replace(outlets, idle_steps=idle)


def _kept_on(site: Site) -> set[str]:
    stations = {station.id for station in site.stations if station.capabilities.pause == "min_current"}
    return {connector.id for connector in site.connectors if connector.station in stations} if stations else set()


def due_units(due: npt.NDArray[np.int64] | None, cars: Cars, edges_s: npt.NDArray[np.int64]) -> list[int]:
    """Return per car the energy that it must be given in its window [0.1 J]."""
    if due is None:
        return [0] * len(cars.ids)
    units: list[int] = (due * cars.power * (edges_s[cars.last] - edges_s[cars.first])).tolist()
    return units


def judge_kept_on(
    setpoints: npt.NDArray[Any], cars: Cars, due: npt.NDArray[np.int64] | None, findings: Findings
) -> None:
    """Report the slots in which a station would be told less than it may be."""
    if due is None:
        return
    for car in np.flatnonzero(due).tolist():
        for slot in range(int(cars.first[car]), int(cars.last[car])):
            if setpoints[car, slot] < due[car]:
                findings.add(
                    "pause",
                    "session",
                    cars.ids[car],
                    int(setpoints[car, slot]),
                    int(due[car]),
                    unit="steps",
                    relation="at least",
                    detail="its station is never told 0",
                    slot=slot,
                )
