"""What the referee derives from the models, once for the review of a plan and for the proof of its bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.check.conductors import Conductor, conductors_of
from ocpp_schedule.check.known import filled
from ocpp_schedule.check.limits import Limits, channels_of, limits_of
from ocpp_schedule.check.loads import Loads, loads_of
from ocpp_schedule.check.meter import Background, background_of, needs_meter
from ocpp_schedule.check.never_zero import due_steps, kept_on
from ocpp_schedule.check.own import Own, own_of
from ocpp_schedule.check.periods import Told, told_of
from ocpp_schedule.check.pilots import as_sent
from ocpp_schedule.check.pools import Shared, shared_of
from ocpp_schedule.check.quantities import Cars, Outlets, cars_of, outlets_of
from ocpp_schedule.check.rows import Layout, lay_out
from ocpp_schedule.check.runs import steady_connectors
from ocpp_schedule.check.series import price_seconds
from ocpp_schedule.check.taper import Points, tapers_of
from ocpp_schedule.check.unbalance import Balances, balances_of
from ocpp_schedule.check.v2g import can_give
from ocpp_schedule.model.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class Scene:
    """The models in integers.

    Attributes:
        grid: the slots.
        guard_s: length of a guard [s].
        edges_s: (slots + 1,) edges after the start [s].
        seconds: (slots,) length of the slots [s].
        outlets: the connectors.
        cars: the sessions.
        layout: the rows.
        limits: what the rows allow.
        price_s: per slot, price times seconds [10^-6 currency per kWh, s].
        own: what limits single cars; None: nothing.
        tapers: by car with one, how its power falls.
        steady: connectors whose station cannot pause.
        background: what the meter sees beside charging; None where the cost is that of charging energy alone.
        held: (sessions,) steps that chargers hold in the first slot, which is under way; None: none is.
        tariff: for emissions.
        objective: the stages; where a limit is soft with that of the contract.
        shared: what connectors share in whole pieces.
        balances: where lines may differ by so much only.
        loads: what stages of loads and shares start from; None where there is none.
        told: stations that take few periods; None: there are none.
        due: (sessions,) steps that every slot must hold at least, where stations are never told 0; None: none are.
        conductors: those whose currents are sums of phasors.
        forecasts: of loads and generators.
        gives: some cars can give energy back.
    """

    grid: TimeGrid
    guard_s: int
    edges_s: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.int64]
    outlets: Outlets
    cars: Cars
    layout: Layout
    limits: Limits
    price_s: list[int]
    own: Own | None
    tapers: dict[int, Points]
    steady: frozenset[str]
    background: Background | None
    held: npt.NDArray[np.int64] | None
    tariff: Tariff
    objective: Objective
    shared: tuple[Shared, ...]
    balances: Balances
    loads: Loads | None = None
    told: Told | None = None
    due: npt.NDArray[np.int64] | None = None
    conductors: tuple[Conductor, ...] = ()
    forecasts: Sequence[Forecast] = ()
    gives: bool = False


def scene_of(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    availability: Sequence[Availability] = (),
    session_defaults: SessionDefaults | None = None,
    held: Mapping[str, int] | None = None,
    objective: Objective | None = None,
) -> Scene:
    """Derive everything that does not depend on a plan.

    Raises:
        InputError: prices or base loads do not cover the grid, or a load has no forecast.
    """
    site = as_sent(site)
    edges_s = np.array(grid.edges_s, dtype=np.int64)
    outlets = outlets_of(site, channels_of(site, limits))
    cars = cars_of(filled(sessions, session_defaults, grid.start), outlets, grid, edges_s)
    outlets = kept_on(site, outlets, cars)
    layout = lay_out(site, outlets)
    price_s = price_seconds(tariff, grid, edges_s)
    allowed = limits_of(site, layout, grid, edges_s, limits, forecasts)
    conductors, allowed = conductors_of(site, outlets, layout, allowed, grid.slots)
    tapers = tapers_of(cars, outlets)
    own = own_of(site, availability, cars, outlets, grid, price_s, tapers)
    cars = cars if own is None else replace(cars, wanted=own.wanted())
    objective = _with_contract(objective or Objective(), limits)
    gives = can_give(cars.models)
    return Scene(
        grid=grid,
        guard_s=site.edge_guard_s,
        edges_s=edges_s,
        seconds=np.diff(edges_s),
        outlets=outlets,
        cars=cars,
        layout=layout,
        limits=allowed,
        price_s=price_s,
        own=own,
        tapers=tapers,
        steady=steady_connectors(site),
        background=background_of(site, tariff, grid, edges_s, forecasts)
        if gives or needs_meter(site, tariff)
        else None,
        held=None if held is None else np.array([held.get(name, 0) for name in cars.ids], dtype=np.int64),
        tariff=tariff,
        objective=objective,
        shared=shared_of(site, outlets),
        balances=balances_of(site, layout, outlets, cars, grid, forecasts),
        loads=loads_of(site, layout, cars, grid, edges_s, limits, forecasts, objective),
        told=told_of(site, grid.slots),
        due=due_steps(site, cars),
        conductors=conductors,
        forecasts=forecasts,
        gives=gives,
    )


def _with_contract(objective: Objective, limits: Sequence[LimitSeries]) -> Objective:
    """Return the objective; where limits are soft a preset has a stage that counts what is above them."""
    soft = any(limit.soft for limit in limits)
    return Objective.of(*objective.stages_with(soft=True)) if soft else objective
