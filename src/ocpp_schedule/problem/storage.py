"""Stationary batteries in integers (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.limits import watts_per_line
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PRICE_UNITS_PER_CURRENCY, exact, floor_div, round_up

if TYPE_CHECKING:
    from ocpp_schedule.model.devices import Storage
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.rows import Nodes


@dataclass(frozen=True, slots=True)
class Battery:
    """One battery. What it stores is counted in 0.1 J times ``scale``, so that every step makes a whole number of it.

    Attributes:
        id: of the battery.
        step_dw: power of a step at its connection [0.1 W].
        most_charge, most_discharge: [steps].
        gain, drain: what a step of charging stores, and one of discharging takes, per second [scaled].
        scale: product of the efficiencies' denominators that makes them whole.
        low, high, start, end: bounds of what is stored, what is at the start, least at the end [scaled].
        wear: price of energy it gives [1e-6 currency/kWh].
        nodes: (N,) bool, nodes that its charging loads.
        load_units: (K,) what a step of charging puts on each channel [uA, mVA].
    """

    id: str
    step_dw: int
    most_charge: int
    most_discharge: int
    gain: int
    drain: int
    scale: int
    low: int
    high: int
    start: int
    end: int
    wear: int
    nodes: Bools
    load_units: Ints

    def stored(self, steps: Ints, seconds: Ints) -> list[int]:
        """Return what is stored after each slot [scaled], in whole numbers of any size."""
        found, now = [], self.start
        for step, length in zip(steps.tolist(), seconds.tolist(), strict=True):
            now += step * length * (self.gain if step > 0 else self.drain)
            found.append(now)
        return found

    def holds(self, steps: Ints, seconds: Ints) -> bool:
        """Tell whether steps stay within the bounds, and end with enough."""
        stored = self.stored(steps, seconds)
        return all(self.low <= now <= self.high for now in stored) and stored[-1] >= self.end


def compile_storages(site: Site, nodes: Nodes) -> tuple[Battery, ...]:
    """Return the batteries, sorted by id."""
    return tuple(_battery(site, nodes, storage) for storage in sorted(site.storages, key=lambda storage: storage.id))


def _battery(site: Site, nodes: Nodes, storage: Storage) -> Battery:
    charge, discharge = exact(storage.charge_efficiency), exact(storage.discharge_efficiency)
    scale = charge.denominator * discharge.numerator
    step_dw = 10 * storage.step_w
    capacity = exact(storage.capacity_wh) * ENERGY_UNITS_PER_WH * scale / 100
    start = int(capacity * exact(storage.soc_percent) // 1)
    end = storage.soc_percent if storage.end_soc_percent is None else storage.end_soc_percent
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    above, name = set(), storage.circuit
    while name:
        above.add(f"circuit {name}")
        name = parents[name] or ""
    loads = watts_per_line([float(storage.step_w)], storage.lines, nodes.supply.low_voltage_v, up=True)
    return Battery(
        id=storage.id,
        step_dw=step_dw,
        most_charge=floor_div(storage.max_charge_w, storage.step_w),
        most_discharge=floor_div(storage.max_discharge_w, storage.step_w),
        gain=step_dw * charge.numerator * discharge.numerator,
        drain=step_dw * charge.denominator * discharge.denominator,
        scale=scale,
        low=min(-int(-capacity * exact(storage.min_soc_percent) // 1), start),
        high=int(capacity * 100 // 1),
        start=start,
        end=min(-int(-capacity * exact(end) // 1), start),
        wear=round_up(storage.wear_per_kwh, PRICE_UNITS_PER_CURRENCY),
        nodes=np.array([one in above for one in nodes.names], dtype=np.bool_),
        load_units=loads[: nodes.limit_units.shape[1], 0],
    )


def charging_units(batteries: tuple[Battery, ...], steps: Ints, shape: tuple[int, ...]) -> Ints:
    """Return (N, K, T) what the charging of (B, T) steps books on every node."""
    booked = np.zeros(shape, dtype=np.int64)
    for battery, row in zip(batteries, steps, strict=True):
        booked[battery.nodes] += battery.load_units[:, None] * np.maximum(row, 0)
    return booked
