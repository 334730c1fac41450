"""The meter seen by the referee: net energy, export, peaks and the bill, from the models alone (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.direct import delivered
from ocpp_schedule.check.peaks import peak_periods
from ocpp_schedule.check.series import price_seconds
from ocpp_schedule.check.storage import batteries_of, judge_storages
from ocpp_schedule.check.transformers import Windings
from ocpp_schedule.units import (
    LINES,
    MONEY_UNITS_PER_CURRENCY,
    PRICE_UNITS_PER_CURRENCY,
    exact,
    round_down,
    round_up,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.energy import Given
    from ocpp_schedule.check.peaks import Period
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.report import Findings
    from ocpp_schedule.check.storage import Battery
    from ocpp_schedule.check.v2g import Taken
    from ocpp_schedule.model.series import Forecast
    from ocpp_schedule.model.site import Load, Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid

DECIWATTS_PER_WATT = 10
DECIWATTS_PER_KW = 10_000
Bill = tuple[Fraction, Fraction, Fraction]
"""Import, export and peaks in money units."""


def needs_meter(site: Site, tariff: Tariff) -> bool:
    """Tell whether the bill is more than the energy of charging times its price."""
    return bool(site.generators or tariff.peaks or site.storages)


@dataclass(frozen=True, slots=True)
class Background:
    """What the meter sees beside charging, exact, per slot.

    Attributes:
        site: topology.
        seconds: slot lengths.
        load: by load id, expected energy [0.1 J].
        generated: by generator id, expected energy [0.1 J].
        curtailable: by generator id, energy that may be taken off [0.1 J].
        batteries: sorted by id.
        prices: of import and of export, price x seconds.
        periods: the peaks by billing period.
    """

    site: Site
    seconds: list[int]
    load: dict[str, list[int]]
    generated: dict[str, list[int]]
    curtailable: dict[str, list[int]]
    batteries: tuple[Battery, ...]
    prices: tuple[list[int], list[int]]
    periods: tuple[Period, ...]

    def net(self, names: set[str] | None = None) -> list[int]:
        """Return expected loads less generation, of all or of those named [0.1 J]."""
        slots = len(self.seconds)
        loads = [units for name, units in self.load.items() if names is None or name in names]
        sources = [units for name, units in self.generated.items() if names is None or name in names]
        return [sum(one[t] for one in loads) - sum(one[t] for one in sources) for t in range(slots)]

    def bill(self, net: Sequence[int], consumed: Sequence[int]) -> Bill:
        """Return the exact bill for energies through the meter and consumed behind it [money units]."""
        energy = export = Fraction(0)
        for through, length, taken, given in zip(net, self.seconds, *self.prices, strict=True):
            if through >= 0:
                energy += Fraction(through * taken, length)
            else:
                export += Fraction(through * given, length)
        peaks = Fraction(0)
        for period in self.periods:
            measured = [max(0, units) for units in net] if period.net else consumed
            per_dw = Fraction(period.price * MONEY_UNITS_PER_CURRENCY, PRICE_UNITS_PER_CURRENCY * DECIWATTS_PER_KW)
            peaks += per_dw * (period.highest_dw(measured) - period.floor_dw)
        return energy, export, peaks


def background_of(
    site: Site, tariff: Tariff, grid: TimeGrid, edges_s: npt.NDArray[np.int64], forecasts: Sequence[Forecast]
) -> Background:
    """Derive what the meter sees beside charging."""
    of = {forecast.id: forecast for forecast in forecasts}
    seconds = np.diff(edges_s).tolist()
    generated, curtailable = {}, {}
    for generator in site.generators:
        series = of[generator.id]
        generated[generator.id] = _energy([round_down(w, 10) for w in series.expected_w or ()], series, grid)
        firm = _energy([round_up(w, 10) for w in series.firm_w or [0.0] * len(series.expected_w or ())], series, grid)
        able = generator.curtailable
        curtailable[generator.id] = [
            max(0, most - least) if able else 0 for most, least in zip(generated[generator.id], firm, strict=True)
        ]
    out = tariff.model_copy(update={"energy": tariff.export})
    return Background(
        site,
        seconds,
        _loads(site, of, grid),
        generated,
        curtailable,
        batteries_of(site),
        (price_seconds(tariff, grid, edges_s), price_seconds(out, grid, edges_s)),
        peak_periods(tariff, site.time_zone, grid),
    )


def base_loads(site: Site, grid: TimeGrid, forecasts: Sequence[Forecast]) -> list[int]:
    """Return per slot the expected energy of all loads [0.1 J]."""
    loads = _loads(site, {forecast.id: forecast for forecast in forecasts}, grid)
    return _sum_of(loads.values(), grid.slots)


def _sum_of(series: Iterable[list[int]], slots: int) -> list[int]:
    given = list(series)
    return [sum(one[slot] for one in given) for slot in range(slots)]


def _loads(site: Site, of: Mapping[str, Forecast], grid: TimeGrid) -> dict[str, list[int]]:
    """Return by load its expected energy per slot [0.1 J]."""
    windings = Windings(site)
    volts = {load.id: windings.supply(load.circuit).voltage_v for load in site.loads}
    return {load.id: _energy(_load_dw(load, of[load.id], volts[load.id]), of[load.id], grid) for load in site.loads}


def _load_dw(load: Load, series: Forecast, voltage: int) -> list[int]:
    """Return the expected power of each interval, rounded up to 0.1 W."""
    if series.expected_w is not None:
        return [round_up(w, DECIWATTS_PER_WATT) for w in series.expected_w]
    found: dict[Any, int] = {}
    for value in series.expected_a or ():
        if value not in found:
            per_line = value if isinstance(value, tuple) else (value,) * 3
            amperes = sum(
                (exact(a) for a, line in zip(per_line, LINES, strict=True) if line in load.lines), Fraction(0)
            )
            found[value] = -int(-amperes * voltage * DECIWATTS_PER_WATT // 1)
    return [found[value] for value in series.expected_a or ()]


def _energy(power_dw: Sequence[int], series: Forecast, grid: TimeGrid) -> list[int]:
    """Return the energy of each slot [0.1 J]: power over time, an interval's value holding throughout it."""
    step = series.step_s
    total = [0, *accumulate(power * step for power in power_dw)]
    ahead = grid.start_s - int(series.start.timestamp())

    def until(edge: int) -> int:
        whole, rest = divmod(edge + ahead, step)
        return total[whole] + (power_dw[whole] * rest if rest else 0)

    reached = [until(edge) for edge in grid.edges_s]
    return [after - before for before, after in pairwise(reached)]


def judge_meter(
    background: Background,
    cars: Cars,
    given: Given,
    solution: Solution,
    findings: Findings,
    taken: Taken | None = None,
) -> dict[str, int]:
    """Judge curtailment, export limits and sessions that wait for surplus; return the parts of the cost.

    Args:
        background: the meter beside charging.
        cars: the sessions.
        given: energy of charging.
        solution: with what is curtailed, and what batteries do.
        findings: takes what is wrong.
        taken: what cars give; None: nothing.

    Returns:
        ``energy``, ``export``, ``peaks``, ``wear`` and their ``total``: what the plan adds to the bill of a site in
        which nothing charges, no battery works and nothing is curtailed [money units], each rounded down by itself.
    """
    curtailed = _curtailed(background, solution, findings)
    stored, wear = judge_storages(background.batteries, background.seconds, solution, findings)
    _judge_surplus(background, cars, given, findings)
    _judge_exports(background, cars, given, curtailed | stored, findings, {} if taken is None else taken.by_car)
    idle = background.net()
    cut = [sum(column) for column in zip(*curtailed.values(), *stored.values(), strict=True)]
    loads = [sum(column) for column in zip(*background.load.values(), strict=True)] or [0] * len(idle)
    net = [a + b + c for a, b, c in zip(idle, given.by_slot, cut or [0] * len(idle), strict=True)]
    if taken is not None:
        net = [through - out for through, out in zip(net, taken.by_slot, strict=True)]
        wear += taken.wear
    used = [a + b for a, b in zip(loads, given.by_slot, strict=True)]
    with_plan, without = background.bill(net, used), background.bill(idle, loads)
    parts = [*(after - before for after, before in zip(with_plan, without, strict=True)), Fraction(wear)]
    names = ("energy", "export", "peaks", "wear", "total")
    return {name: int(value // 1) for name, value in zip(names, [*parts, sum(parts, Fraction(0))], strict=True)}


def _curtailed(background: Background, solution: Solution, findings: Findings) -> dict[str, list[int]]:
    """Return the energy taken off each generator [0.1 J], and report what is none of it."""
    taken = {}
    for row, (name, able) in enumerate(sorted(background.curtailable.items())):
        steps = [0] * len(able) if solution.curtailed_dw is None else solution.curtailed_dw[row].tolist()
        taken[name] = [power * length for power, length in zip(steps, background.seconds, strict=True)]
        for slot, (units, most) in enumerate(zip(taken[name], able, strict=True)):
            if not 0 <= units <= most:
                findings.add("curtailment", "generator", name, units, most, unit="0.1 J", slot=slot)
    return taken


def _judge_surplus(background: Background, cars: Cars, given: Given, findings: Findings) -> None:
    """Sessions that wait for surplus may together draw what is generated beyond the base load; as expected."""
    rows = [at for at, car in enumerate(cars.models) if car.source == "surplus"]
    if not rows:
        return
    power = given.setpoints[rows].T @ cars.draw[rows].astype(given.setpoints.dtype)
    for slot, (net, drawn) in enumerate(zip(background.net(), power.tolist(), strict=True)):
        if drawn * background.seconds[slot] > max(0, -net):
            findings.add(
                "surplus", "plan", "setpoints", drawn * background.seconds[slot], max(0, -net), unit="0.1 J", slot=slot
            )


def _judge_exports(
    background: Background,
    cars: Cars,
    given: Given,
    controlled: dict[str, list[int]],
    findings: Findings,
    taken: dict[int, list[int]],
) -> None:
    """Judge limits on export; ``controlled`` is what is taken off generators and goes into batteries [0.1 J].

    ``taken`` is what cars give, by their rows.
    """
    site = background.site
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    station = {one.id: one.circuit for one in site.stations}
    place = {one.id: station[one.station] for one in site.connectors}
    for circuit in site.circuits:
        if circuit.export_limit_w is None:
            continue
        named = [(one.id, one.circuit) for part in (site.loads, site.generators, site.storages) for one in part]
        devices = {name for name, where in named if at_or_below(where, circuit.id, parents)}
        sources = [name for name in controlled if name in devices]
        if not sources and not taken:
            continue
        below = [at for at, car in enumerate(cars.models) if at_or_below(place[car.connector], circuit.id, parents)]
        cars_draw = [delivered(cars, at, given.of_car(at).tolist()) for at in below]
        cars_draw += [[-out for out in taken[at]] for at in below if at in taken]
        drawn = [sum(parts) for parts in zip(*cars_draw, strict=True)] or [0] * len(background.seconds)
        net = background.net(devices)
        limit_dw = round_down(circuit.export_limit_w, DECIWATTS_PER_WATT)
        for slot, length in enumerate(background.seconds):
            able = sum(
                background.curtailable[name][slot] // length * length
                for name in sources
                if name in background.curtailable
            )
            allowed = max(limit_dw * length, -(net[slot] + able))
            out = -(net[slot] + drawn[slot] + sum(controlled[name][slot] for name in sources))
            if out > allowed:
                findings.add("export", "circuit", circuit.id, out, allowed, unit="0.1 J", slot=slot)


def at_or_below(circuit: str, top: str, parents: dict[str, str | None]) -> bool:
    """Tell whether a circuit is ``top`` or hangs somewhere below it."""
    current: str | None = circuit
    while current is not None and current != top:
        current = parents[current]
    return current is not None
