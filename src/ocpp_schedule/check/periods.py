"""How many periods the profiles of a plan have, written out as they would be sent (convention 24)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from ocpp_schedule.model.layering import site_layers
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, PLAN_LEAD_S, round_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from ocpp_schedule.check.guards import Guards
    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.layering import StationLayers
    from ocpp_schedule.model.site import Site, Station

SCHEMA_MOST: Final = 1024
"""OCPP 2.0.1 and 2.1, ChargingScheduleType: at most 1024 chargingSchedulePeriod."""
_SORT: Final = attrgetter("ocpp_version", "capabilities.max_periods", "capabilities.max_message_bytes")
ENVELOPE: Final = 80
"""What ``[2,"<id>","SetChargingProfile",...]`` adds to a payload [bytes]."""


class Held(NamedTuple):
    """What a layer holds from a second on: steps, and the number of phases; 0 steps have none."""

    start_s: int
    steps: int
    phases: int


@dataclass(frozen=True, slots=True)
class Told:
    """Stations that take few periods.

    Attributes:
        stations: by connector id, its station, where that takes fewer periods than the grid could ask for.
        layers: by station id, which profiles it gets.
    """

    stations: Mapping[str, Station]
    layers: Mapping[str, StationLayers]


def told_of(site: Site, slots: int) -> Told | None:
    """Return the stations that take few periods; None where all take what there can be.

    No layer has more than one period in every slot, one at every edge between two, and the end floor.
    """
    enough = 2 * slots + 2
    sorts = dict(zip(map(_SORT, site.stations), site.stations, strict=True))
    tight = {
        sort for sort, one in sorts.items() if one.capabilities.max_message_bytes is not None or _most(one) < enough
    }
    if not tight:
        return None
    few = {station.id: station for station in site.stations if _SORT(station) in tight}
    return Told({one.id: few[one.station] for one in site.connectors if one.station in few}, site_layers(site))


def _most(station: Station) -> float:
    """Return the periods that a station takes, its messages apart."""
    named = station.capabilities.max_periods
    schema = float("inf") if station.ocpp_version == "1.6" else SCHEMA_MOST
    return schema if named is None else min(named, schema)


def spread_s(told: Told | None, cars: Cars, edges_s: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (cars,) how long the last step of a car may be at a station with few periods: its window, else 0 [s]."""
    if told is None:
        return np.zeros(len(cars.ids), dtype=np.int64)
    few = np.array([name in told.stations for name in map(attrgetter("connector"), cars.models)], dtype=np.bool_)
    return np.where(few, edges_s[cars.last] - edges_s[cars.first], 0)


def judge_periods(
    scene: Scene,
    setpoints: npt.NDArray[Any],
    end_steps: npt.NDArray[np.int64],
    guards: tuple[Guards, Guards],
    findings: Findings,
) -> None:
    """Report every profile that has more periods than its station takes, or is too long a message.

    Args:
        scene: the models.
        setpoints: (cars, slots) steps, with what is held in a slot under way.
        end_steps: (connectors,) end floor.
        guards: late raises, early lowerings.
        findings: takes the violations.
    """
    if scene.told is None:
        return
    late, early = (set(zip(one.session.tolist(), one.slot.tolist(), strict=True)) for one in guards)
    for at, name, own in _profiles(scene, scene.told):
        outlet = scene.outlets.models[at]
        station = scene.told.stations[outlet.id]
        end = Held(scene.grid.edges_s[-1], int(end_steps[at]), len(outlet.lines))
        events = [*_events(scene, setpoints, at, own, (late, early)), end]
        periods = _merged(events, with_phases=station.capabilities.number_phases == "exact")
        most = _most(station)
        if len(periods) > most:
            findings.add(
                "periods", "connector", outlet.id, len(periods), int(most), detail=f"periods of its {name} layer"
            )
        bytes_ = station.capabilities.max_message_bytes
        if bytes_ is not None and (size := _size(scene, station, at, own, periods)) > bytes_:
            detail = f"bytes of the message of its {name} layer"
            findings.add("periods", "connector", outlet.id, size, bytes_, detail=detail)


def _profiles(scene: Scene, told: Told) -> Iterator[tuple[int, str, list[int]]]:
    """Yield connector, name and sessions of every profile of a station with few periods."""
    index = {name: at for at, name in enumerate(scene.outlets.ids)}
    found: dict[tuple[int, str], list[int]] = {}
    for car, model in enumerate(scene.cars.models):
        station = told.stations.get(model.connector)
        if station is None or scene.cars.last[car] <= scene.cars.first[car]:
            continue
        layers = told.layers[station.id]
        runs = model.transaction_id is not None
        slot = layers.running(model.connector) if runs else layers.coming(model.connector)
        if slot is not None:
            found.setdefault((index[model.connector], slot.name), []).append(car)
    for (at, name), own in found.items():
        yield at, name, own


def _events(
    scene: Scene,
    setpoints: npt.NDArray[Any],
    at: int,
    own: list[int],
    guarded: tuple[set[tuple[int, int]], set[tuple[int, int]]],
) -> Iterator[Held]:
    """Yield what a profile holds, from second to second, as often as anything could change."""
    cars, edges, lines = scene.cars, scene.grid.edges_s, len(scene.outlets.models[at].lines)
    floor = (int(scene.outlets.idle_steps[at]), lines)
    owner = {slot: car for car in own for slot in range(int(cars.first[car]), int(cars.last[car]))}
    late, early = guarded

    def held(slot: int, car: int | None) -> tuple[int, int]:
        if car is None or owner.get(slot) != car:
            return floor
        phases = cars.models[car].phases
        return int(setpoints[car, slot]), lines if phases is None else min(phases, lines)

    for slot in range(scene.grid.slots):
        car = owner.get(slot)
        if car is not None and (car, slot) in late:
            yield Held(edges[slot], *held(slot - 1, car))
            yield Held(edges[slot] + scene.guard_s, *held(slot, car))
        else:
            yield Held(edges[slot], *held(slot, car))
        if car is not None and (car, slot) in early:
            yield Held(edges[slot + 1] - scene.guard_s, *held(slot + 1, car))


def _merged(events: list[Held], *, with_phases: bool) -> list[Held]:
    """Return the events that change something; a pause is one on any number of phases."""
    kept: list[Held] = []
    for event in events:
        told = event if with_phases and event.steps else event._replace(phases=0)
        if not kept or (kept[-1].steps, kept[-1].phases) != (told.steps, told.phases):
            kept.append(told)
    return kept


def _size(scene: Scene, station: Station, at: int, own: list[int], periods: list[Held]) -> int:
    """Return the length of the message that sets a profile [bytes]."""
    outlets: Outlets = scene.outlets
    outlet = outlets.models[at]
    tenths = (
        10 * int(outlets.steps[at]) if outlets.only_w[at] else round_down(outlets.steps[at], DECIAMPERES_PER_AMPERE)
    )
    lead_s = max(PLAN_LEAD_S, -(-scene.guard_s // 2), station.capabilities.clock_skew_s or 0)
    written = [
        {
            "startPeriod": period.start_s + lead_s if period.start_s else 0,
            "limit": period.steps * tenths / 10,
            "numberPhases": period.phases or len(outlet.lines),
        }
        for period in periods
    ]
    number = 100 * outlet.evse_id + 3
    schedule = {
        "startSchedule": "2026-01-14T23:59:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": written,
    }
    running = [name for car in own if (name := scene.cars.models[car].transaction_id) is not None]
    profile: dict[str, Any] = {"transactionId": running[0]} if running else {}
    profile |= {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile" if running else "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
    }
    if station.ocpp_version == "1.6":
        profile |= {"chargingProfileId": number, "chargingSchedule": schedule}
        payload = {"connectorId": outlet.evse_id, "csChargingProfiles": profile}
    else:
        profile |= {"id": number, "chargingSchedule": [{"id": number} | schedule]}
        payload = {"evseId": outlet.evse_id, "chargingProfile": profile}
    return len(json.dumps(payload, separators=(",", ":"))) + ENVELOPE
