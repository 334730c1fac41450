"""Stationary batteries seen by the referee: steps, what is stored, charging on hard rows (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.check.limits import rows_above, spread
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PRICE_UNITS_PER_CURRENCY, SUPPLIES, exact, round_up

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.limits import Limits
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.model.devices import Storage
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.solution import Solution


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery in exact numbers.

    Attributes:
        model: the battery itself.
        step_dw: power of a step at its connection [0.1 W].
        most_in, most_out: [steps].
        kept, drawn: what is stored of a unit charged, and taken for a unit given.
        low, high, start, end: bounds of what is stored, and what it must be [0.1 J].
        wear: price of energy given [1e-6 currency/kWh].
    """

    model: Storage
    step_dw: int
    most_in: int
    most_out: int
    kept: Fraction
    drawn: Fraction
    low: Fraction
    high: Fraction
    start: Fraction
    end: Fraction
    wear: int


def batteries_of(site: Site) -> tuple[Battery, ...]:
    """Return the batteries, sorted by id."""
    found = []
    for one in sorted(site.storages, key=lambda storage: storage.id):
        capacity = exact(one.capacity_wh) * ENERGY_UNITS_PER_WH
        kept, drawn = exact(one.charge_efficiency), 1 / exact(one.discharge_efficiency)
        # Stored energy is counted in parts that make every step whole (convention 17): rounded to them, start down.
        part = Fraction(1, kept.denominator * drawn.denominator)
        start = capacity * exact(one.soc_percent) / 100 // part * part
        goal = one.soc_percent if one.end_soc_percent is None else one.end_soc_percent
        low, end = (-(-capacity * exact(percent) / 100 // part) * part for percent in (one.min_soc_percent, goal))
        found.append(
            Battery(
                model=one,
                step_dw=10 * one.step_w,
                most_in=int(exact(one.max_charge_w) // one.step_w),
                most_out=int(exact(one.max_discharge_w) // one.step_w),
                kept=kept,
                drawn=drawn,
                low=min(low, start),
                high=capacity // part * part,
                start=start,
                end=min(end, start),
                wear=round_up(one.wear_per_kwh, PRICE_UNITS_PER_CURRENCY),
            )
        )
    return tuple(found)


def judge_storages(
    batteries: tuple[Battery, ...], seconds: list[int], solution: Solution, findings: Findings
) -> tuple[dict[str, list[int]], int]:
    """Judge steps and stored energy; return what flows into each battery [0.1 J], and the wear [money units]."""
    flows: dict[str, list[int]] = {}
    wear = 0
    for row, battery in enumerate(batteries):
        name = battery.model.id
        steps = [0] * len(seconds) if solution.storage_steps is None else solution.storage_steps[row].tolist()
        flows[name] = [step * battery.step_dw * length for step, length in zip(steps, seconds, strict=True)]
        now = battery.start
        for slot, (step, flow) in enumerate(zip(steps, flows[name], strict=True)):
            if not -battery.most_out <= step <= battery.most_in:
                findings.add("storage", "storage", name, step, battery.most_in if step > 0 else -battery.most_out,
                             unit="steps", relation="at most" if step > 0 else "at least", slot=slot)  # fmt: skip
            now += flow * (battery.kept if flow > 0 else battery.drawn)
            least = max(battery.low, battery.end) if slot == len(seconds) - 1 else battery.low
            if now > battery.high:
                findings.add("storage", "storage", name, int(now), int(battery.high), unit="0.1 J", slot=slot)
            elif now < least:
                findings.add(
                    "storage", "storage", name, int(now), int(least), unit="0.1 J", relation="at least", slot=slot
                )
            wear += battery.wear * max(0, -flow)
    return flows, wear


def charging_units(site: Site, battery: Battery) -> list[int]:
    """Return what a step of charging puts on L1, L2, L3 [uA] and in total [mVA], at the lowest voltage, rounded up."""
    (root,) = (circuit for circuit in site.circuits if circuit.parent is None)
    volts = SUPPLIES[root.supply or "400Y/230"]
    return spread(float(battery.model.step_w), battery.model.lines, volts.low_voltage_v, up=True)


def with_charging(
    site: Site, layout: Layout, limits: Limits, solution: Solution, findings: Findings, floor: npt.NDArray[np.int64]
) -> Limits:
    """Return the limits less what charging of batteries books on every row; report where that alone is too much.

    Args:
        site: topology.
        layout: the rows.
        limits: what the rows allow.
        solution: with the steps.
        findings: takes what is wrong.
        floor: (rows, channels) idle floors of all connectors, which come before batteries.
    """
    if solution.storage_steps is None:
        return limits
    headroom = dict(limits.headroom)
    booked: dict[int, npt.NDArray[np.int64]] = {}
    slots = solution.storage_steps.shape[1]
    for steps, battery in zip(solution.storage_steps, batteries_of(site), strict=True):
        loads = charging_units(site, battery)
        own = np.array(loads, dtype=np.int64)[: limits.fixed.shape[1], None] * np.maximum(steps, 0)
        for row in rows_above(site, layout, battery.model.circuit):
            booked[row] = booked[row] + own if row in booked else own
    for row, own in booked.items():
        before = headroom.get(row, np.repeat(limits.fixed_headroom[row][:, None], slots, axis=1))
        room = np.maximum(before - floor[row][:, None], 0)
        for line, slot in zip(*(axis.tolist() for axis in np.nonzero(own > room)), strict=True):
            findings.add("row", layout.nouns[row], layout.subjects[row], int(own[line, slot]), int(room[line, slot]),
                         unit="uA" if line < 3 else "mVA", line=line, slot=slot, detail="charging of batteries")  # noqa: PLR2004 - three lines  # fmt: skip
        headroom[row] = before - own
    return replace(limits, headroom=headroom)
