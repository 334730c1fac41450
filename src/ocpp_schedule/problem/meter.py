"""What the meter sees beside charging: expected base load, generation, export limits and peaks (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.bill import bill_parts
from ocpp_schedule.problem.registers import Register, registers_of
from ocpp_schedule.problem.series import epoch_s, integral, micro, price_seconds
from ocpp_schedule.problem.storage import Battery, compile_storages
from ocpp_schedule.problem.transformers import supplies_of
from ocpp_schedule.units import LINES, MICROAMPERES_PER_AMPERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.series import Forecast
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Load, Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.demands import Table
    from ocpp_schedule.problem.rows import Nodes
    from ocpp_schedule.problem.v2g import CarBattery, UpRow
    from ocpp_schedule.timegrid import TimeGrid

DECIWATTS_PER_WATT = 10


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A circuit with a limit on what it gives upwards, as expected.

    Attributes:
        name: id of the circuit.
        least_units: (T,) lowest energy that may flow down into it, negative for export [0.1 J]; where generation
            exceeds the limit whatever is curtailed, that unavoidable export.
        base_units: (T,) expected loads less generation at or below it [0.1 J].
        connectors, generators, batteries: (C,), (G,) and (B,) bool, at or below it.
        cars: (V,) bool, of the cars that can give energy back.
    """

    name: str
    least_units: Ints
    base_units: Ints
    connectors: Bools
    generators: Bools
    batteries: Bools
    cars: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Meter:
    """The grid connection beside charging. G generators, T slots.

    Attributes:
        load_units: (T,) expected base load [0.1 J].
        generated_units: (G, T) expected generation [0.1 J].
        base_units: (T,) base load less generation [0.1 J]; negative: surplus.
        import_price, export_price: (T,) price x seconds, summed over the slot [1e-6 currency/kWh x s].
        generator_ids: G names, sorted.
        curtailable_dw: (G, T) what may be taken off each generator, in whole 0.1 W throughout the slot.
        registers: the peaks that are charged.
        exports: the limits on export, the deepest circuits first.
        surplus: (S,) bool, sessions that draw from surplus only.
        surplus_units: (T,) what they may draw together [0.1 J].
        idle: numerators of import, export and peaks of the bill in which nothing charges, no battery works and nothing
            is curtailed, and their denominator [money units].
        batteries: B batteries, sorted by id.
        storage_steps: (B, T) what they do, positive for charging; already within ``base_units`` and ``exports``.
        soft_dw: by register, the mean power that repairs keep to where they can; None: any.
        aim_price: (T,) as the prices, what energy is worth to repairs; None: the import price.
        cars: V cars that can give energy back, by session.
        discharge_steps: (V, T) what they are planned to give, like ``storage_steps`` already within the rest.
        up_rows: what cars may give together.
    """

    load_units: Ints
    generated_units: Ints
    base_units: Ints
    import_price: Ints
    export_price: Ints
    generator_ids: tuple[str, ...]
    curtailable_dw: Ints
    registers: tuple[Register, ...]
    exports: tuple[ExportRow, ...]
    surplus: Bools
    surplus_units: Ints
    idle: tuple[int, int, int, int]
    batteries: tuple[Battery, ...]
    storage_steps: Ints
    soft_dw: tuple[int, ...] | None = None
    aim_price: Ints | None = None
    cars: tuple[CarBattery, ...] = ()
    discharge_steps: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    up_rows: tuple[UpRow, ...] = ()

    def working(self, steps: Ints, seconds: Ints, discharge: Ints | None = None) -> Meter:
        """Return the meter with other flows: (B, T) steps of batteries, positive for charging, and (V, T) of cars."""
        flows = (steps - self.storage_steps) * _column(self.batteries) * seconds
        base, cars = self.base_units + flows.sum(axis=0), None
        if discharge is not None and self.cars:
            cars = (self.discharge_steps - discharge) * _column(self.cars) * seconds
            base = base + cars.sum(axis=0)
        exports = []
        for row in self.exports:
            own = row.base_units + flows[row.batteries].sum(axis=0)
            exports.append(replace(row, base_units=own if cars is None else own + cars[row.cars].sum(axis=0)))
        given = self.discharge_steps if discharge is None else discharge
        return replace(self, base_units=base, exports=tuple(exports), storage_steps=steps, discharge_steps=given)

    def wear_units(self, seconds: Ints) -> int:
        """Return what the energy that batteries and cars give wears them [money units]."""
        given = -np.minimum(self.storage_steps, 0) @ seconds
        worn: int = sum(one.wear * one.step_dw * out for one, out in zip(self.batteries, given.tolist(), strict=True))
        if self.cars:
            taken = (self.discharge_steps @ seconds).tolist()
            worn += sum(one.wear * one.step_dw * out for one, out in zip(self.cars, taken, strict=True))
        return worn

    def with_cars(self, cars: tuple[CarBattery, ...], rows: tuple[UpRow, ...], connector: Ints) -> Meter:
        """Return the meter with cars that can give energy back; ``connector`` is that of each session."""
        at = connector[[car.session for car in cars]]
        return replace(
            self,
            cars=cars,
            up_rows=rows,
            exports=tuple(replace(row, cars=row.connectors[at]) for row in self.exports),
            discharge_steps=np.zeros((len(cars), self.base_units.size), dtype=np.int64),
        )


def _column(devices: Sequence[Battery] | Sequence[CarBattery]) -> Ints:
    return np.array([one.step_dw for one in devices], dtype=np.int64)[:, None]


def compile_meter(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    forecasts: Sequence[Forecast],
    nodes: Nodes,
    edges: Ints,
) -> Meter | None:
    """Return what the meter sees, or None where the bill is just the energy of charging times its price.

    Args:
        site: topology, references checked.
        sessions: in the order of the rows.
        tariff: prices that cover the grid.
        forecasts: one for each load and generator.
        nodes: who hangs below each circuit.
        edges: (T + 1,) seconds since 1970.
    """
    giving = any(session.v2g is not None for session in sessions)
    if not (site.generators or tariff.peaks or site.storages or giving):
        return None
    seconds = np.diff(edges)
    of = {forecast.id: forecast for forecast in forecasts}
    generators = sorted(site.generators, key=lambda generator: generator.id)
    slots = edges.size - 1
    supplies = supplies_of(site)
    loads = {load.id: load_energy(load, of[load.id], supplies[load.circuit].voltage_v, edges) for load in site.loads}
    generated = np.zeros((len(generators), slots), dtype=np.int64)
    curtailable = np.zeros((len(generators), slots), dtype=np.int64)
    for row, generator in enumerate(generators):
        generated[row] = watt_energy(of[generator.id].expected_w or (), of[generator.id], edges, up=False)
        if generator.curtailable:
            firm = watt_energy(of[generator.id].firm_w, of[generator.id], edges, up=True)
            curtailable[row] = np.maximum(generated[row] - firm, 0) // seconds
    load_units = sum(loads.values(), np.zeros(slots, dtype=np.int64))
    base = load_units - generated.sum(axis=0)
    registers = registers_of(tariff, site.time_zone, edges)
    prices = [price_seconds(one, edges) for one in (tariff.energy, tariff.export)]
    surplus = np.array([session.source == "surplus" for session in sessions], dtype=np.bool_)
    return Meter(
        load_units=load_units,
        generated_units=generated,
        base_units=base,
        import_price=prices[0],
        export_price=prices[1],
        generator_ids=tuple(generator.id for generator in generators),
        curtailable_dw=curtailable,
        registers=registers,
        exports=_export_rows(site, nodes, loads, generated, curtailable, seconds, giving=giving),
        surplus=surplus,
        surplus_units=np.maximum(-base, 0),
        idle=bill_parts(seconds, (prices[0], prices[1]), registers, base, load_units),
        batteries=compile_storages(site, nodes),
        storage_steps=np.zeros((len(site.storages), slots), dtype=np.int64),
    )


def load_energy(load: Load, forecast: Forecast, voltage_v: int, edges: Ints) -> Ints:
    """Return (T,) expected energy of a load [0.1 J]: amperes at the nominal voltage, each interval up to 0.1 W."""
    if forecast.expected_a is None:
        return watt_energy(forecast.expected_w, forecast, edges, up=True)
    own = [line in load.lines for line in LINES]
    per_line = [value if isinstance(value, tuple) else (value,) * 3 for value in forecast.expected_a]
    amperes = micro([line for value in per_line for line in value]).reshape(-1, 3)[:, own].sum(axis=1)
    power = -(-amperes * voltage_v * DECIWATTS_PER_WATT // MICROAMPERES_PER_AMPERE)
    return integral(power.astype(np.int64), epoch_s(forecast.start), forecast.step_s, edges)


def watt_energy(values: Sequence[float] | None, forecast: Forecast, edges: Ints, *, up: bool) -> Ints:
    """Return (T,) energy of a series in W [0.1 J], each interval rounded to 0.1 W; zeros without a series."""
    if values is None:
        return np.zeros(edges.size - 1, dtype=np.int64)
    scaled = micro(values) * DECIWATTS_PER_WATT
    power = -(-scaled // MICROAMPERES_PER_AMPERE) if up else scaled // MICROAMPERES_PER_AMPERE
    return integral(power.astype(np.int64), epoch_s(forecast.start), forecast.step_s, edges)


def _export_rows(
    site: Site,
    nodes: Nodes,
    loads: dict[str, Ints],
    generated: Ints,
    curtailable: Ints,
    seconds: Ints,
    *,
    giving: bool,
) -> tuple[ExportRow, ...]:
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    path: dict[str, list[str]] = {}
    for name in parents:
        above: str | None = name
        path[name] = []
        while above is not None:
            path[name].append(above)
            above = parents[above]
    generators = sorted(site.generators, key=lambda generator: generator.id)
    found = []
    for index, circuit in enumerate(site.circuits):
        below = np.array([circuit.id in path[generator.circuit] for generator in generators], dtype=np.bool_)
        stored = np.array(
            [circuit.id in path[one.circuit] for one in sorted(site.storages, key=lambda one: one.id)], dtype=np.bool_
        )
        if circuit.export_limit_w is None or not (below.any() or stored.any() or giving):
            continue
        base = sum((loads[load.id] for load in site.loads if circuit.id in path[load.circuit]), np.zeros_like(seconds))
        base = base - generated[below].sum(axis=0)
        unavoidable = -(base + curtailable[below].sum(axis=0) * seconds)
        limit = int(micro([circuit.export_limit_w])[0] * DECIWATTS_PER_WATT // MICROAMPERES_PER_AMPERE)
        least = -np.maximum(limit * seconds, unavoidable)
        found.append(
            (len(path[circuit.id]), ExportRow(circuit.id, least, base, nodes.connectors[index], below, stored))
        )
    return tuple(row for _, row in sorted(found, key=lambda pair: (-pair[0], pair[1].name)))


def surplus_caps(caps: Ints, meter: Meter | None, table: Table, edges: Ints) -> Ints:
    """Return (S, T) largest set-points, those of sessions that draw from surplus held to it, or to 0 below minimum."""
    if meter is None or not meter.surplus.any():
        return caps
    rows = np.flatnonzero(meter.surplus)
    step = np.maximum(table.draw_dw[rows, None] * np.diff(edges), 1)
    own = np.minimum(caps[rows], meter.surplus_units // step)
    held = caps.copy()
    held[rows] = np.where(own < table.min_steps[rows, None], 0, own)
    return held


def export_notices(site: Site, meter: Meter | None, grid: TimeGrid) -> tuple[str, ...]:
    """Return where expected generation exceeds an export limit although all that can be is curtailed."""
    if meter is None:
        return ()
    limit_w = {circuit.id: circuit.export_limit_w or 0.0 for circuit in site.circuits}
    seconds = np.diff(np.array(grid.edges_s))
    found = []
    for row in meter.exports:
        most = float((-row.least_units / seconds).max(initial=0.0)) / DECIWATTS_PER_WATT
        if most >= limit_w[row.name] + 1:
            found.append(
                f"circuit {row.name}: expected generation exceeds the export limit of {limit_w[row.name]:,.0f} W "
                f"by up to {most - limit_w[row.name]:,.0f} W, whatever is curtailed"
            )
    return tuple(found)
