"""Cars that can give energy back: their batteries in integers, the rows that hold what they give (convention 26)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.meter import compile_meter
from ocpp_schedule.problem.series import epoch_s, extreme_per_slot, micro
from ocpp_schedule.units import (
    ENERGY_UNITS_PER_WH,
    MICROAMPERES_PER_AMPERE,
    PRICE_UNITS_PER_CURRENCY,
    exact,
    floor_div,
    round_up,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.series import Forecast
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.model.v2g import V2g
    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.demands import Table
    from ocpp_schedule.problem.meter import Meter
    from ocpp_schedule.problem.own import OwnRules
    from ocpp_schedule.problem.rows import Nodes
    from ocpp_schedule.units import Supply

DECIWATTS_PER_WATT = 10


@dataclass(frozen=True, slots=True)
class CarBattery:
    """The battery of a car that can give energy back. Energy in it is counted in 0.1 J times ``scale``, exact.

    Attributes:
        session: index.
        step_dw: power of a step at the connector, charging and discharging [0.1 W].
        kept, drawn: what a unit charged stores, and what a unit given takes [scaled].
        scale: product of the efficiencies' denominators that makes both whole.
        low: least there ever is: the reserve, or less where the car comes with less [scaled].
        high: most there ever is: the most allowed, or what the wish and its last step make it [scaled].
        start, reserve: what is there at arrival, and what discharging leaves [scaled].
        wear: price of energy it gives [1e-6 currency/kWh].
        first, end: half-open range of usable slots.
        most_steps: (T,) what it may give [steps]; 0 outside the window.
    """

    session: int
    step_dw: int
    kept: int
    drawn: int
    scale: int
    low: int
    high: int
    start: int
    reserve: int
    wear: int
    first: int
    end: int
    most_steps: Ints

    def stored(self, charged: Sequence[int], given: Sequence[int]) -> list[int]:
        """Return what is stored after each slot, for energies charged and given [0.1 J]; Python integers."""
        found, now = [], self.start
        for taken, out in zip(charged, given, strict=True):
            now += taken * self.kept - out * self.drawn
            found.append(now)
        return found


@dataclass(frozen=True, slots=True)
class UpRow:
    """What cars may give together upwards through one place: a line, a total, or a limit on export.

    Attributes:
        name: e.g. ``circuit main L1``.
        load: (V,) what a step of each car puts there [uA, mVA or 0.1 W]; 0 for cars elsewhere.
        room: (T,) what fits.
    """

    name: str
    load: Ints
    room: Ints


def kept_dw(power_dw: int, v2g: V2g) -> int:
    """Return the power into the battery of a car that is charged with ``power_dw``, rounded down [0.1 W]."""
    return int(power_dw * exact(v2g.charge_efficiency) // 1)


def meter_with_cars(
    site: Site,
    table: Table,
    tariff: Tariff,
    forecasts: Sequence[Forecast],
    nodes: Nodes,
    edges: Ints,
    own: OwnRules | None,
    most_units: Ints,
) -> Meter | None:
    """Return what the meter sees, with the cars that can give energy back and the rows that hold what they give."""
    meter = compile_meter(site, table.sessions, tariff, forecasts, nodes, edges)
    cars = () if meter is None else car_batteries(site, table, own, most_units, edges.size - 1, nodes.supply)
    if meter is None or not cars:
        return meter
    return meter.with_cars(cars, up_rows(site, table, cars, nodes, forecasts, edges), table.connector)


def car_batteries(
    site: Site, table: Table, own: OwnRules | None, most_units: Ints, slots: int, supply: Supply
) -> tuple[CarBattery, ...]:
    """Return the batteries of the cars with ``v2g``, by session; ``most_units`` as ``energy_most`` of the demands."""
    connectors = {one.id: one for one in site.connectors}
    watts = {one.id for one in site.stations if "A" not in one.capabilities.rate_units}
    found = []
    for index, session in enumerate(table.sessions):
        if session.v2g is None:
            continue
        outlet = connectors[session.connector]
        most = _most_steps(session, session.v2g, outlet, amperes=outlet.station not in watts, supply=supply)
        slot = np.arange(slots)
        steps = np.where((slot >= table.first[index]) & (slot < table.end[index]), most, 0)
        if own is not None and index in own.spells:
            steps = _session_steps(table, own, index, steps)
        battery = _battery(session, session.v2g, index, table, steps)
        # Whole steps may not end at a full battery: the last one may overshoot it, as any wish.
        found.append(replace(battery, high=max(battery.high, battery.start + int(most_units[index]) * battery.scale)))
    return tuple(found)


def _session_steps(table: Table, own: OwnRules, index: int, steps: Ints) -> Ints:
    """Return (T,) what a car may give [steps], lowered where availability lowers what it may get."""
    lowered = own.caps[index] < table.max_steps[index]
    return np.where(lowered, np.minimum(steps, own.caps[index]), steps)


def _most_steps(session: KnownSession, v2g: V2g, outlet: Connector, *, amperes: bool, supply: Supply) -> int:
    """Return the most that a car may give [steps], rounded down."""
    if not outlet.max_discharge_current_a:
        return 0
    lines = min(session.phases or 1, len(outlet.lines))
    given = [outlet.max_discharge_current_a]
    given += [] if v2g.max_discharge_current_a is None else [v2g.max_discharge_current_a]
    if amperes:
        step_a = outlet.setpoint_step_a
        steps = [floor_div(one, step_a) for one in given]
        if v2g.max_discharge_w is not None:
            steps.append(int(exact(v2g.max_discharge_w) // (exact(step_a) * lines * supply.voltage_v)))
    else:
        steps = [floor_div(one, outlet.step_w, lines * supply.voltage_v) for one in given]
        if v2g.max_discharge_w is not None:
            steps.append(floor_div(v2g.max_discharge_w, outlet.step_w))
    return min(steps)


def _battery(session: KnownSession, v2g: V2g, index: int, table: Table, steps: Ints) -> CarBattery:
    charge, discharge = exact(v2g.charge_efficiency), exact(v2g.discharge_efficiency)
    scale = charge.denominator * discharge.numerator
    share = exact(session.battery_wh or 0.0) * ENERGY_UNITS_PER_WH * scale / 100
    start = int(share * exact(session.soc_percent or 0.0) // 1)
    reserve = -int(-share * exact(v2g.min_soc_percent) // 1)
    return CarBattery(
        session=index,
        step_dw=int(table.power_dw[index]),
        kept=charge.numerator * discharge.numerator,
        drawn=charge.denominator * discharge.denominator,
        scale=scale,
        low=min(reserve, start),
        high=max(int(share * exact(v2g.max_soc_percent) // 1), start),
        start=start,
        reserve=reserve,
        wear=round_up(v2g.wear_per_kwh, PRICE_UNITS_PER_CURRENCY),
        first=int(table.first[index]),
        end=int(table.end[index]),
        most_steps=steps,
    )


def up_rows(
    site: Site, table: Table, cars: Sequence[CarBattery], nodes: Nodes, forecasts: Sequence[Forecast], edges: Ints
) -> tuple[UpRow, ...]:
    """Return the rows that hold what cars give: limits as they are, and export limits at the lowest consumption.

    No charging, expected load or curtailment makes room; only what loads draw for certain does, on export limits.
    """
    if not cars:
        return ()
    at = np.array([car.session for car in cars], dtype=np.int64)
    below = nodes.connectors[:, table.connector[at]]
    found = []
    for node in np.flatnonzero(below.any(axis=1)).tolist():
        for channel in range(table.load_units.shape[1]):
            load = np.where(below[node], table.load_units[at, channel], 0)
            room = nodes.limit_units[node, channel]
            if _binds(load, cars, room):
                found.append(UpRow(f"{nodes.names[node]} {channel}", load, room))
    power = table.power_dw[at]
    for node, circuit in enumerate(site.circuits):
        if circuit.export_limit_w is not None and below[node].any():
            room = _export_room(site, circuit.id, circuit.export_limit_w, forecasts, edges)
            found.append(UpRow(f"circuit {circuit.id} export", np.where(below[node], power, 0), room))
    return tuple(found)


def _binds(load: Ints, cars: Sequence[CarBattery], room: Ints) -> bool:
    # At an edge between two slots the larger of both counts for each car, so no slot is looked at by itself.
    most = sum(one * int(car.most_steps.max(initial=0)) for one, car in zip(load.tolist(), cars, strict=True))
    return bool(most > int(room.min()))


def _export_room(site: Site, name: str, limit_w: float, forecasts: Sequence[Forecast], edges: Ints) -> Ints:
    """Return (T,) what cars may give below a circuit with a limit on export [0.1 W], at least 0."""
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    limit_dw = int(micro([limit_w])[0] * DECIWATTS_PER_WATT // MICROAMPERES_PER_AMPERE)
    room = np.full(edges.size - 1, limit_dw, dtype=np.int64)
    of = {forecast.id: forecast for forecast in forecasts}
    devices = [(one, True) for one in site.loads] + [(one, False) for one in site.generators]
    for device, draws in devices:
        above: str | None = device.circuit
        while above is not None and above != name:
            above = parents[above]
        forecast = of[device.id]
        values = forecast.firm_w if draws else forecast.expected_w
        if above is None or values is None:
            continue
        scaled = micro(values) * DECIWATTS_PER_WATT
        power = scaled // MICROAMPERES_PER_AMPERE if draws else -(-scaled // MICROAMPERES_PER_AMPERE)
        worst = extreme_per_slot(
            power.astype(np.int64).reshape(1, -1),
            epoch_s(forecast.start),
            forecast.step_s,
            edges,
            highest=not draws,
            outside=0,
        )[0]
        room += worst if draws else -worst
    return np.maximum(room, 0)
