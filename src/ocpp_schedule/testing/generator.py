"""Seeded scenarios for benchmarks and tests: mixed phases, binding limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, PriceSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.model.v2g import V2g
from ocpp_schedule.timegrid import TimeGrid
from ocpp_schedule.units import LINES, Line

if TYPE_CHECKING:
    import numpy.typing as npt

START: Final = datetime(2026, 1, 15, tzinfo=UTC)
DAY_S: Final = 86_400
WIRINGS: Final[tuple[tuple[Line, ...], ...]] = (("L1",), ("L2",), ("L3",), LINES)
WIRING_SHARES: Final = (0.20, 0.15, 0.15, 0.50)
LIMIT_SHARE: Final = 0.30
"""Limit per line over the sum of the maxima on it: binding in cheap hours, with all wishes met."""


def mixed_scenario(
    sessions: int, slots: int, seed: int, *, min_current_a: float = 0.0, edge_guard_s: int = 60
) -> Scenario:
    """Return one day on one panel with one-phase and three-phase cars, one connector each.

    Arrivals are uniform in the first three quarters of the day, stays between an eighth and a half of
    it, needs between 20 and 70 % of what the window can take, the price swings twice a day with noise.

    Args:
        sessions: number of cars.
        slots: number of slots in the 24 hours; must divide 86,400.
        seed: of the generator; the same seed gives the same scenario.
        min_current_a: of every connector [A].
        edge_guard_s: of the site [s].

    >>> scenario = mixed_scenario(3, 96, seed=1)
    >>> len(scenario.sessions), scenario.grid.slots
    (3, 96)
    """
    draw = np.random.default_rng(seed)
    step_s = DAY_S // slots
    arrival = draw.integers(0, max(3 * slots // 4, 1), sessions)
    stay = draw.integers(max(slots // 8, 1), slots // 2 + 1, sessions)
    departure = np.minimum(arrival + stay, slots)
    wiring = draw.choice(len(WIRINGS), sessions, p=WIRING_SHARES)
    three_phase_a = draw.choice([16.0, 32.0], sessions)
    share = draw.uniform(0.2, 0.7, sessions)
    angle = np.arange(slots) * (4 * np.pi / slots)
    price = np.round((100 + 50 * np.sin(angle) + draw.uniform(-10, 10, slots)) / 1000, 5)

    connectors, cars, sums = [], [], dict.fromkeys(LINES, 0.0)
    for k in range(sessions):
        lines = WIRINGS[wiring[k]]
        max_a = float(three_phase_a[k]) if len(lines) > 1 else 32.0
        for line in lines:
            sums[line] += max_a
        connectors.append(
            Connector(id=f"C{k:05}", station=f"S{k:05}", lines=lines, min_current_a=min_current_a, max_current_a=max_a)
        )
        window_s = int(departure[k] - arrival[k]) * step_s
        energy_wh = float(np.round(share[k] * max_a * len(lines) * 230 * window_s / 3600, 0))
        cars.append(
            Session(
                id=f"car{k:05}",
                connector=f"C{k:05}",
                arrival=START + timedelta(seconds=int(arrival[k]) * step_s),
                departure=START + timedelta(seconds=int(departure[k]) * step_s),
                energy_wh=energy_wh,
                phases=len(lines),
            )
        )
    limit_a = tuple(float(np.ceil(LIMIT_SHARE * sums[line])) for line in LINES)
    site = Site(
        id=f"mixed-{sessions}x{slots}-{seed}",
        circuits=(Circuit(id="main", limit_a=limit_a),),
        stations=tuple(Station(id=f"S{k:05}", circuit="main", ocpp_version="1.6") for k in range(sessions)),
        connectors=tuple(connectors),
        edge_guard_s=edge_guard_s,
    )
    tariff = Tariff(energy=PriceSeries(start=START, step_s=step_s, per_kwh=tuple(price.tolist())))
    grid = TimeGrid.regular(START, timedelta(seconds=step_s), slots)
    return Scenario(site=site, sessions=tuple(cars), tariff=tariff, grid=grid)


PANELS: Final = 10
PANEL_SHARE: Final = 0.36
"""Limit of a panel over the sum of the maxima on it: some panels bind where the site does not, and the reverse."""


def tree_scenario(
    sessions: int, slots: int, seed: int, *, panels: int = PANELS, share: float = LIMIT_SHARE
) -> Scenario:
    """Return one day of three-phase cars on a three-level tree: site, panels, connectors. One commodity, no guard.

    Windows, needs and prices as in ``mixed_scenario``; a panel may carry ``PANEL_SHARE / LIMIT_SHARE`` times
    its part of the site.

    Args:
        sessions: number of cars, dealt to the panels in turn.
        slots: number of slots in the 24 hours; must divide 86,400.
        seed: of the generator; the same seed gives the same scenario.
        panels: number of panels.
        share: limit of the site over the sum of all maxima.

    >>> scenario = tree_scenario(30, 96, seed=1)
    >>> len(scenario.sessions), len(scenario.site.circuits)
    (30, 11)
    """
    draw = np.random.default_rng(seed)
    step_s = DAY_S // slots
    arrival = draw.integers(0, max(3 * slots // 4, 1), sessions)
    stay = draw.integers(max(slots // 8, 1), slots // 2 + 1, sessions)
    departure = np.minimum(arrival + stay, slots)
    max_a = draw.choice([8.0, 16.0], sessions)
    part = draw.uniform(0.2, 0.7, sessions)
    angle = np.arange(slots) * (4 * np.pi / slots)
    price = np.round((100 + 50 * np.sin(angle) + draw.uniform(-10, 10, slots)) / 1000, 5)
    energy_wh = np.round(part * max_a * 3 * 230 * (departure - arrival) * step_s / 3600)
    panel = np.arange(sessions) % panels
    sums = np.bincount(panel, max_a, panels)
    circuits = [Circuit(id="main", limit_a=float(np.ceil(share * sums.sum())))]
    circuits += [
        Circuit(id=f"panel{k:02}", parent="main", limit_a=float(np.ceil(PANEL_SHARE / LIMIT_SHARE * share * sums[k])))
        for k in range(panels)
    ]
    site = Site(
        id=f"tree-{sessions}x{slots}-{seed}",
        circuits=tuple(circuits),
        stations=tuple(
            Station(id=f"S{k:05}", circuit=f"panel{k % panels:02}", ocpp_version="1.6") for k in range(sessions)
        ),
        connectors=tuple(
            Connector(id=f"C{k:05}", station=f"S{k:05}", min_current_a=0.0, max_current_a=float(max_a[k]))
            for k in range(sessions)
        ),
        edge_guard_s=0,
    )
    cars = tuple(
        Session(
            id=f"car{k:05}",
            connector=f"C{k:05}",
            arrival=START + timedelta(seconds=int(arrival[k]) * step_s),
            departure=START + timedelta(seconds=int(departure[k]) * step_s),
            energy_wh=float(energy_wh[k]),
            phases=3,
        )
        for k in range(sessions)
    )
    tariff = Tariff(energy=PriceSeries(start=START, step_s=step_s, per_kwh=tuple(price.tolist())))
    return Scenario(
        site=site, sessions=cars, tariff=tariff, grid=TimeGrid.regular(START, timedelta(seconds=step_s), slots)
    )


V2G_EVERY: Final = 5
"""Of the V2G family every fifth car can give energy back."""


def v2g_scenario(
    sessions: int, slots: int, seed: int, *, min_current_a: float = 0.0, every: int = V2G_EVERY
) -> Scenario:
    """Return ``metered_scenario`` with cars that can give energy back, at up to 16 A per line.

    Args:
        sessions: number of cars.
        slots: number of slots in the 24 hours; must divide 86,400.
        seed: of the generator; the same seed gives the same scenario.
        min_current_a: of every connector [A].
        every: the first of so many cars can.

    >>> scenario = v2g_scenario(10, 96, seed=1)
    >>> [car.id for car in scenario.sessions if car.v2g]
    ['car00000', 'car00005']
    """
    plain = metered_scenario(sessions, slots, seed, min_current_a=min_current_a)
    draw = np.random.default_rng(seed + 200)
    v2g = V2g(charge_efficiency=0.94, discharge_efficiency=0.94, min_soc_percent=20, wear_per_kwh=0.01)
    cars = []
    for at, car in enumerate(plain.sessions):
        soc, battery = float(draw.integers(25, 50)), max(60_000.0, 2.5 * (car.energy_wh or 0.0))
        new = {"v2g": v2g, "soc_percent": soc, "battery_wh": battery}
        cars.append(car.model_copy(update=new) if at % every == 0 else car)
    site = plain.site.model_copy(
        update={
            "stations": tuple(one.model_copy(update={"ocpp_version": "2.1"}) for one in plain.site.stations),
            "connectors": tuple(
                one.model_copy(update={"max_discharge_current_a": 16.0}) for one in plain.site.connectors
            ),
        }
    )
    return plain.model_copy(update={"site": site, "sessions": tuple(cars)})


def metered_scenario(sessions: int, slots: int, seed: int, *, min_current_a: float = 0.0) -> Scenario:
    """Return ``mixed_scenario`` behind a meter: PV, a battery, base load, and midday hours at negative prices.

    Import costs the spot price and a levy of 0.08, export earns the spot price; nothing is guarded at edges.

    Args:
        sessions: number of cars.
        slots: number of slots in the 24 hours; must divide 86,400.
        seed: of the generator; the same seed gives the same scenario.
        min_current_a: of every connector [A].

    >>> scenario = metered_scenario(3, 96, seed=1)
    >>> min(scenario.tariff.export.per_kwh) < 0 < scenario.site.storages[0].capacity_wh
    True
    """
    plain = mixed_scenario(sessions, slots, seed, min_current_a=min_current_a, edge_guard_s=0)
    draw = np.random.default_rng(seed + 100)
    step_s, hour = DAY_S // slots, np.arange(slots) / slots * 24
    spot = 0.10 + 0.05 * np.sin(hour / 24 * 4 * np.pi) + draw.uniform(-0.01, 0.01, slots)
    midday = (hour >= 11) & (hour < 15)  # noqa: PLR2004 - the hours in which the sun is too much
    spot = np.where(midday, -0.12 + draw.uniform(-0.02, 0.02, slots), spot)
    sun_w = np.maximum(0, np.sin((hour - 6) / 12 * np.pi)) * sessions * 2000 * draw.uniform(0.7, 1, slots)

    def prices(values: npt.NDArray[np.float64]) -> PriceSeries:
        return PriceSeries(start=START, step_s=step_s, per_kwh=tuple(np.round(values, 5).tolist()))

    battery = Storage(
        id="cellar",
        circuit="main",
        capacity_wh=2000.0 * sessions,
        max_charge_w=1000.0 * sessions,
        max_discharge_w=1000.0 * sessions,
        charge_efficiency=0.95,
        discharge_efficiency=0.95,
        soc_percent=50.0,
        wear_per_kwh=0.01,
    )
    site = plain.site.model_copy(
        update={
            "generators": (Generator(id="roof", circuit="main", curtailable=True),),
            "loads": (Load(id="hall", circuit="main"),),
            "storages": (battery,),
        }
    )
    forecasts = (
        Forecast(id="hall", start=START, step_s=step_s, expected_w=(200.0 * sessions,) * slots),
        Forecast(id="roof", start=START, step_s=step_s, expected_w=tuple(np.round(sun_w).tolist())),
    )
    tariff = Tariff(energy=prices(spot + 0.08), export=prices(spot))
    return plain.model_copy(update={"site": site, "tariff": tariff, "forecasts": forecasts})
