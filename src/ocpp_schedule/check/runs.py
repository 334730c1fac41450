"""Pauses and on-times, counted from the set-points and the models (convention 21)."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.check.never_zero import judge_kept_on

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.energy import Given, Wishes
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.site import Site

_RULES: Final = attrgetter("max_pauses", "min_on_s")
_SECOND: Final = timedelta(seconds=1)


def steady_connectors(site: Site) -> frozenset[str]:
    """Return the connectors whose station cannot stop charging and go on later."""
    steady = {
        station.id
        for station in site.stations
        if station.capabilities.pause != "zero_limit" or station.capabilities.resume == "none"
    }
    return frozenset(connector.id for connector in site.connectors if connector.station in steady)


def starts_of(scene: Scene, setpoints: npt.NDArray[Any]) -> list[int]:
    """Return how often each session begins to charge; (sessions, slots) with what is held in the slot under way."""
    cars, under_way = scene.cars, scene.held is not None
    found = []
    for at, row in enumerate(setpoints):
        begins = [first for first, _ in _runs(row, 0 if under_way else int(cars.first[at]), int(cars.last[at]))]
        found.append(sum(first > 0 for first in begins) if under_way else len(begins))
    return found


def least_starts(wanted: list[int], missing: int) -> int:
    """Return how many sessions at least must charge where so much may be missing in all.

    Those that do not miss all they want, so at most as many stay away as the smallest wishes together allow.

    >>> least_starts([5, 10, 0, 20], 0), least_starts([5, 10, 0, 20], 15)
    (3, 1)
    """
    away = list(accumulate(sorted(one for one in wanted if one)))
    return len(away) - sum(total <= missing for total in away)


def judge_runs(scene: Scene, setpoints: npt.NDArray[Any], given: Given, wishes: Wishes, findings: Findings) -> None:
    """Report sessions that pause too often, and times of charging that are too short.

    A run that ends with the grid may go on if the session does; the last run of a full session may be short.
    """
    cars, edges_s, slots = scene.cars, scene.grid.edges_s, scene.grid.slots
    judge_kept_on(setpoints, cars, scene.due, findings)
    if not scene.steady and set(map(_RULES, cars.models)) <= {(None, None)}:
        return
    for at, car in enumerate(cars.models):
        pauses = 0 if car.connector in scene.steady else car.max_pauses
        shortest_s = car.min_on_s or 0
        if pauses is None and not shortest_s:
            continue
        found = _runs(setpoints[at], int(cars.first[at]), int(cars.last[at]))
        if pauses is not None and len(found) - 1 > pauses:
            findings.add("pause", "session", car.id, len(found) - 1, pauses, detail="pauses", slot=found[pauses + 1][0])
        full = given.by_car[at] >= cars.wished[at] - wishes.unaffordable.get(car.id, 0) - wishes.untakeable.get(
            car.id, 0
        )
        goes_on = car.departure - scene.grid.end >= _SECOND
        for first, end in found:
            lasts_s = edges_s[end] - edges_s[first]
            excused = (end == slots and goes_on) or (full and end == found[-1][1])
            if lasts_s < shortest_s and not excused:
                findings.add(
                    "on_time", "session", car.id, f"{lasts_s} s", f"at least {shortest_s} s", relation="", slot=first
                )


def _runs(row: npt.NDArray[Any], first: int, last: int) -> list[tuple[int, int]]:
    """Return half-open runs of slots with a set-point above 0."""
    found: list[tuple[int, int]] = []
    for slot in range(first, last):
        if row[slot] <= 0:
            continue
        if found and found[-1][1] == slot:
            found[-1] = (found[-1][0], slot + 1)
        else:
            found.append((slot, slot + 1))
    return found
