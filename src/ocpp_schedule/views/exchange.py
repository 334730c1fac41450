"""Exchange at the meter as a plan expects it: import, export, curtailment [W], and the parts of the cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.meter import load_energy
from ocpp_schedule.problem.transformers import supplies_of
from ocpp_schedule.solve.edges import slot_energy_units
from ocpp_schedule.units import money_to_currency
from ocpp_schedule.views.figures import WATTS_PER_DECIWATT

if TYPE_CHECKING:
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solution import Solution

KILO: Final = 1000.0


@dataclass(frozen=True, slots=True)
class ExchangeW:
    """Mean power of each slot as expected, losses at guarded edges taken off [W].

    Attributes:
        import_w, export_w: (T,) through the meter.
        curtailed_w: (G, T) taken off each generator, rows by id.
        storage_w: (B, T) into each battery, negative for what it gives, rows by id.
        given_w: (S, T) what each car gives back, rows as the set-points.
    """

    import_w: Floats
    export_w: Floats
    curtailed_w: Floats
    storage_w: Floats
    given_w: Floats


def exchange_of(scenario: Scenario, problem: Problem, solution: Solution) -> ExchangeW:
    """Return what the plan is expected to do at the meter."""
    energy = slot_energy_units(problem, solution.setpoints, solution.late_raise, solution.early_lowering)
    meter = problem.meter
    if meter is None:
        edges = np.array(scenario.grid.edges_s, dtype=np.int64) + scenario.grid.start_s
        of = {forecast.id: forecast for forecast in scenario.forecasts}
        volts = {name: supply.voltage_v for name, supply in supplies_of(scenario.site).items()}
        loads = [load_energy(load, of[load.id], volts[load.circuit], edges) for load in scenario.site.loads]
        base = sum(loads, np.zeros(problem.slots, dtype=np.int64))
    else:
        base = meter.base_units
    cut = solution.curtailed_dw
    if cut is None:
        cut = np.zeros((len(scenario.site.generators), problem.slots), dtype=np.int64)
    stores = sorted(scenario.site.storages, key=lambda storage: storage.id)
    stored = np.zeros((len(stores), problem.slots))
    if solution.storage_steps is not None:
        stored = solution.storage_steps * np.array([float(one.step_w) for one in stores])[:, None]
    given = np.zeros((problem.sessions, problem.slots))
    if solution.discharge_steps is not None:
        rows = [solution.session_ids.index(name) for name in solution.discharge_ids]
        given[rows] = solution.discharge_steps * problem.power_dw[rows][:, None] * WATTS_PER_DECIWATT
    if meter is not None:
        # The problem as compiled knows nothing of what batteries do; the solution does.
        base = meter.base_units
    net = (base + energy.sum(axis=0)) / problem.seconds + cut.sum(axis=0) + stored.sum(axis=0) / WATTS_PER_DECIWATT
    watts = np.asarray(net * WATTS_PER_DECIWATT, dtype=np.float64) - given.sum(axis=0)
    taken = np.asarray(cut * WATTS_PER_DECIWATT, dtype=np.float64)
    return ExchangeW(np.maximum(watts, 0.0), np.maximum(-watts, 0.0), taken, stored, given)


def exchange_lines(scenario: Scenario, solution: Solution, exchange: ExchangeW) -> list[str]:
    """Return what a summary says about the meter; nothing where the cost is that of charging energy alone."""
    if not solution.cost_parts:
        return []
    currency = scenario.tariff.currency
    parts = ", ".join(
        f"{name} {money_to_currency(units):,.3f} {currency}" for name, units in solution.cost_parts.items() if units
    )
    lines = [f"Of the cost: {parts or 'nothing'} (what the plan adds to the bill of the site)"]
    most, out = exchange.import_w.max(initial=0.0) / KILO, exchange.export_w.max(initial=0.0) / KILO
    lines.append(f"Meter: import at most {most:,.1f} kW, export at most {out:,.1f} kW")
    back = float(exchange.given_w.sum(axis=0) @ np.diff(scenario.grid.edges_s)) / 3600 / KILO
    lines += [f"Given back by cars: {back:,.1f} kWh"] if back else []
    cut = float(exchange.curtailed_w.sum(axis=0) @ np.diff(scenario.grid.edges_s)) / 3600 / KILO
    return [*lines, f"Curtailed: {cut:,.1f} kWh"] if cut else lines
