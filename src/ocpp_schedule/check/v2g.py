"""Cars that can give energy back, seen by the referee: what they give, what is stored, rows upwards (convention 26)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.limits import UNLIMITED
from ocpp_schedule.check.report import MAX_LISTED_PER_KIND
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PRICE_UNITS_PER_CURRENCY, exact, round_down, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.energy import Given
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.solution import Solution

    Ints = npt.NDArray[np.int64]

TENTHS = 10
"""Of a watt."""


@dataclass(frozen=True, slots=True)
class Car:
    """A car that can give energy back, in exact numbers.

    Attributes:
        at: row of the session.
        power: of a step [0.1 W].
        most: (slots,) what it may give [steps].
        kept, drawn: what is stored of a unit charged, and taken for a unit given.
        reserve, low, high, start: least that discharging leaves, least and most there ever is, and what there is at
            arrival [0.1 J].
        wear: price of energy given [1e-6 currency/kWh].
    """

    at: int
    power: int
    most: Ints
    kept: Fraction
    drawn: Fraction
    reserve: Fraction
    low: Fraction
    high: Fraction
    start: Fraction
    wear: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What cars give.

    Attributes:
        cars: those that can.
        steps: (cars, slots) steps.
        by_slot: energy of all [0.1 J].
        by_car: by row of the session, energy by slot [0.1 J].
        wear: what it wears them [money units].
    """

    cars: tuple[Car, ...]
    steps: Ints
    by_slot: list[int]
    by_car: dict[int, list[int]]
    wear: int


def can_give(sessions: Sequence[Session]) -> bool:
    """Tell whether any session may be discharged."""
    return any(session.v2g is not None for session in sessions)


def cars_that_give(scene: Scene) -> tuple[Car, ...]:
    """Return the cars with ``v2g``, in the order of their rows."""
    return tuple(_car(scene, at) for at, car in enumerate(scene.cars.models) if car.v2g is not None)


def site_of(scene: Scene) -> Site:
    """Return the topology; cars that give energy back are looked at behind a meter only."""
    assert scene.background is not None  # noqa: S101 - the caller has looked, for the type checker
    return scene.background.site


def _car(scene: Scene, at: int) -> Car:
    cars, model = scene.cars, scene.cars.models[at]
    v2g = model.v2g
    assert v2g is not None  # noqa: S101 - the caller has looked, for the type checker
    kept, drawn = exact(v2g.charge_efficiency), 1 / exact(v2g.discharge_efficiency)
    capacity = exact(model.battery_wh or 0.0) * ENERGY_UNITS_PER_WH
    # Stored energy is counted in parts that make every unit whole: rounded to them, start and most down, reserve up.
    part = Fraction(1, kept.denominator * drawn.denominator)
    start, high = (
        capacity * exact(percent) / 100 // part * part for percent in (model.soc_percent or 0.0, v2g.max_soc_percent)
    )
    reserve = -(-capacity * exact(v2g.min_soc_percent) / 100 // part) * part
    most = np.zeros(scene.grid.slots, dtype=np.int64)
    most[cars.first[at] : cars.last[at]] = _most(scene, at)
    if scene.own is not None and scene.own.available is not None:
        held = scene.own.available[at]
        most = np.where(held < cars.maximum[at], np.minimum(most, held), most)
    return Car(
        at=at,
        power=int(cars.power[at]),
        most=most,
        kept=kept,
        drawn=drawn,
        reserve=reserve,
        low=min(reserve, start),
        high=max(high, start + most_of(scene, at)),
        start=start,
        wear=round_up(v2g.wear_per_kwh, PRICE_UNITS_PER_CURRENCY),
    )


def most_of(scene: Scene, at: int) -> int:
    """Return the most energy that a car may end up with (convention 6) [0.1 J]."""
    cars = scene.cars
    longest = int(scene.seconds[cars.first[at] : cars.last[at]].max(initial=0))
    return cars.wished[at] + max(max(int(cars.minimum[at]), 1) * int(cars.power[at]) * longest - 1, 0)


def _most(scene: Scene, at: int) -> int:
    """Return the most that a car may give [steps], rounded down."""
    outlets, model = scene.outlets, scene.cars.models[at]
    number = int(scene.cars.outlet[at])
    outlet, step, v2g = outlets.models[number], exact(outlets.steps[number]), model.v2g
    assert v2g is not None  # noqa: S101 - the caller has looked, for the type checker
    if outlet.max_discharge_current_a is None:
        return 0
    current = exact(outlet.max_discharge_current_a)
    if v2g.max_discharge_current_a is not None:
        current = min(current, exact(v2g.max_discharge_current_a))
    volts = min(model.phases or 1, len(outlet.lines)) * outlets.supplies[number].voltage_v
    per_step = step if outlets.only_w[number] else step * volts
    most = current * volts // per_step
    return int(most if v2g.max_discharge_w is None else min(most, exact(v2g.max_discharge_w) // per_step))


def taken_from_cars(
    scene: Scene, setpoints: npt.NDArray[Any], given: Given, solution: Solution, findings: Findings
) -> tuple[Taken, Given]:
    """Judge what cars give; return it, and the energies that count for wishes.

    Args:
        scene: the models.
        setpoints: (sessions, slots) steps of charging.
        given: energy of charging.
        solution: with the steps of discharging.
        findings: takes what is wrong.
    """
    cars, slots = cars_that_give(scene), scene.grid.slots
    steps = np.zeros((len(cars), slots), dtype=np.int64)
    if solution.discharge_steps is not None:
        steps = solution.discharge_steps
    _judge_steps(scene, cars, steps, setpoints, findings)
    by_car: dict[int, list[int]] = {}
    counted, wear, seconds = {}, 0, scene.seconds.tolist()
    for car, row in zip(cars, steps.tolist(), strict=True):
        out = [step * car.power * length for step, length in zip(row, seconds, strict=True)]
        by_car[car.at] = out
        wear += car.wear * sum(out)
        counted[car.at] = _judge_stored(scene, car, given.of_car(car.at).tolist(), out, findings)
    _judge_rows(scene, cars, steps, findings)
    by_slot = [sum(column) for column in zip(*by_car.values(), strict=True)]
    totals = [sum(counted[at]) if at in counted else units for at, units in enumerate(given.by_car)]
    net = replace(given, by_car=totals, drawn=given.drawn | counted)
    return Taken(cars, steps, by_slot, by_car, wear), net


def _judge_steps(
    scene: Scene, cars: tuple[Car, ...], steps: Ints, setpoints: npt.NDArray[Any], findings: Findings
) -> None:
    """Report what a car may not give: more than it or its connector can, outside its time, or while it charges."""
    ids = scene.cars.ids
    listed = 0
    for car, row in zip(cars, steps, strict=True):
        charging = setpoints[car.at] != 0
        for slot in np.flatnonzero((row < 0) | (row > car.most) | ((row != 0) & charging)).tolist():
            listed += 1
            if listed <= MAX_LISTED_PER_KIND:
                most = 0 if charging[slot] else int(car.most[slot])
                relation: Any = "at most" if row[slot] > most else "at least"
                detail = "it charges in the same slot" if charging[slot] else ""
                findings.add("discharge", "session", ids[car.at], int(row[slot]), most if row[slot] > most else 0,
                             unit="steps", relation=relation, slot=slot, detail=detail)  # fmt: skip
    findings.skip(max(0, listed - MAX_LISTED_PER_KIND))


def _judge_stored(scene: Scene, car: Car, charged: list[int], out: list[int], findings: Findings) -> list[int]:
    """Judge what is stored after every slot; return what counts for wishes, by slot [0.1 J]."""
    now, before, counted = car.start, 0, []
    for slot, (units, less) in enumerate(zip(charged, out, strict=True)):
        now += units * car.kept - less * car.drawn
        name = scene.cars.ids[car.at]
        if now > car.high:
            findings.add("soc", "session", name, -int(-now // 1), int(car.high), unit="0.1 J", slot=slot)
        elif less and now < car.reserve:
            least = -int(-car.reserve // 1)
            findings.add("soc", "session", name, int(now // 1), least, unit="0.1 J", relation="at least", slot=slot)
        reached = int((now - car.start) // 1)
        counted.append(reached - before)
        before = reached
    return counted


def _judge_rows(scene: Scene, cars: tuple[Car, ...], steps: Ints, findings: Findings) -> None:
    """Judge every row upwards, in its slots and, with a guard, at the edges between them."""
    if not steps.any():
        return
    changing = np.maximum(steps[:, :-1], steps[:, 1:])
    for noun, name, line, loads, room in _rows_upwards(scene, cars):
        unit: Any = "0.1 W" if line is None else "mVA" if line == 3 else "uA"  # noqa: PLR2004 - behind three lines
        used = loads @ steps
        for slot in np.flatnonzero(used > room).tolist():
            findings.add("upwards", noun, name, int(used[slot]), int(room[slot]), unit=unit, line=line, slot=slot)
        if not scene.guard_s:
            continue
        used, least = loads @ changing, np.minimum(room[:-1], room[1:])
        for edge in np.flatnonzero(used > least).tolist():
            findings.add("upwards", noun, name, int(used[edge]), int(least[edge]), unit=unit, line=line, slot=edge + 1,
                         detail="at the edge before the slot")  # fmt: skip


_Row = tuple[Any, str, "int | None", "npt.NDArray[Any]", "npt.NDArray[Any]"]


def _rows_upwards(scene: Scene, cars: tuple[Car, ...]) -> Iterator[_Row]:
    """Yield noun, name, channel (None: limit on export), load of a step by car, and what fits by slot."""
    layout, limits, slots = scene.layout, scene.limits, scene.grid.slots
    at = [car.at for car in cars]
    own = (layout.order[:, None] == scene.cars.outlet[at]).astype(np.int64)
    inside = layout.sums(own) > 0
    for row, (noun, name) in enumerate(zip(layout.nouns, layout.subjects, strict=True)):
        below = inside[row]
        if not below.any():
            continue
        for line in range(scene.cars.load_units.shape[1]):
            room = np.array([limits.at(row, line, slot)[0] for slot in range(slots)], dtype=object)
            if (room < UNLIMITED // 2).any():
                yield noun, name, line, np.where(below, scene.cars.load_units[at, line], 0).astype(object), room
    site = site_of(scene)
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    station = {one.id: one.circuit for one in site.stations}
    for circuit in site.circuits:
        if circuit.export_limit_w is None:
            continue
        where = [station[scene.outlets.models[int(scene.cars.outlet[one])].station] for one in at]
        below = np.array([_inside(one, circuit.id, parents) for one in where])
        power = np.array([car.power for car in cars], dtype=object)
        yield "circuit", circuit.id, None, np.where(below, power, 0), _export_room(scene, circuit.id, parents)


def _inside(circuit: str, top: str, parents: dict[str, str | None]) -> bool:
    current: str | None = circuit
    while current is not None and current != top:
        current = parents[current]
    return current is not None


def _export_room(scene: Scene, name: str, parents: dict[str, str | None]) -> npt.NDArray[Any]:
    """Return what cars may give by slot [0.1 W]: the limit, what loads draw for certain, less generation."""
    site = site_of(scene)
    (limit_w,) = (circuit.export_limit_w for circuit in site.circuits if circuit.id == name)
    room = [round_down(limit_w or 0.0, TENTHS)] * scene.grid.slots
    of = {forecast.id: forecast for forecast in scene.forecasts}
    for load in site.loads:
        if of[load.id].firm_w is not None and _inside(load.circuit, name, parents):
            values = [round_down(watts, TENTHS) for watts in of[load.id].firm_w or ()]
            room = [one + min(part) for one, part in zip(room, _touching(scene, load.id, values), strict=True)]
    for generator in site.generators:
        if _inside(generator.circuit, name, parents):
            values = [round_up(watts, TENTHS) for watts in of[generator.id].expected_w or ()]
            room = [one - max(part) for one, part in zip(room, _touching(scene, generator.id, values), strict=True)]
    return np.array([max(one, 0) for one in room], dtype=object)


def _touching(scene: Scene, name: str, values: list[int]) -> Iterator[list[int]]:
    """Yield for each slot the values of the intervals that it touches."""
    (series,) = (forecast for forecast in scene.forecasts if forecast.id == name)
    ahead = scene.grid.start_s - int(series.start.timestamp())
    for first, end in zip(scene.grid.edges_s, scene.grid.edges_s[1:], strict=False):
        yield values[(first + ahead) // series.step_s : -(-(end + ahead) // series.step_s)]
