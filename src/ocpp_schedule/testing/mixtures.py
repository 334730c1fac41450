"""Hypothesis strategy for scenarios that mix all features at random (needs the ``testing`` extra).

Faults hide between features: a taper beside an outage, a battery below an export limit, a value beside a milestone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import ValidationError

from ocpp_schedule.model.availability import DailyHours, Derate, OpeningHours, Outage, Reservation
from ocpp_schedule.model.checks import scenario_problems
from ocpp_schedule.model.defaults import SessionDefaults
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.objective import Objective, ObjectiveStage
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import CarbonSeries, Forecast, PriceSeries
from ocpp_schedule.model.session import TaperPoint
from ocpp_schedule.model.tariff import PeakCharge
from ocpp_schedule.testing.strategies import scenarios

if TYPE_CHECKING:
    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.timegrid import TimeGrid

STEP_S = 900


@st.composite
def mixtures(draw: st.DrawFn, *, max_sessions: int = 4, max_slots: int = 6) -> Scenario:
    """Draw a scenario with any of the features that the models know, all of them accepted by the input checks."""
    plain = draw(scenarios(max_sessions=max_sessions, max_slots=max_slots))
    grid, changes = plain.grid, {}
    site, forecasts = draw(_devices(plain.site, grid))
    try:
        changes = {
            "site": type(plain.site).model_validate(site),
            "forecasts": (*plain.forecasts, *forecasts),
            "tariff": draw(_tariffs(plain.tariff, grid)),
            "sessions": tuple(draw(_wishes(car)) for car in plain.sessions),
            "availability": draw(_restrictions(plain)),
            "objective": draw(_objectives()),
            "session_defaults": draw(st.sampled_from([None, None, SessionDefaults(stay_s=2700, energy_wh=900.0)])),
        }
        mixed = Scenario(**plain.model_dump(exclude=set(changes)) | changes)
    except ValidationError:
        assume(condition=False)
        raise
    assume(not list(scenario_problems(mixed)))
    return mixed


@st.composite
def _devices(draw: st.DrawFn, site: Site, grid: TimeGrid) -> tuple[dict[str, Any], list[Forecast]]:
    """Return the site as raw data with generators, batteries and export limits, and what generators give."""
    data = site.model_dump()
    circuits = st.sampled_from([circuit.id for circuit in site.circuits])
    count = -(-grid.edges_s[-1] // STEP_S)
    forecasts = []
    if draw(st.sampled_from([False, False, True])):
        data["generators"] = (Generator(id="roof", circuit=draw(circuits), curtailable=draw(st.booleans())),)
        powers = st.lists(st.sampled_from([0.0, 500.0, 2000.0, 4000.5, 9000.0]), min_size=count, max_size=count)
        given = tuple(draw(powers))
        firm = draw(st.sampled_from([None, None, 0.3]))
        part = None if firm is None else tuple(power * firm for power in given)
        forecasts = [Forecast(id="roof", start=grid.start, step_s=STEP_S, expected_w=given, firm_w=part)]
    if draw(st.sampled_from([False, False, False, True])):
        data["storages"] = (draw(_storages(draw(circuits))),)
    if draw(st.sampled_from([False, False, True])):
        data["circuits"][0]["export_limit_w"] = draw(st.sampled_from([0.0, 1500.0]))
    return data, forecasts


@st.composite
def _storages(draw: st.DrawFn, circuit: str) -> Storage:
    return Storage(
        id="cellar",
        circuit=circuit,
        capacity_wh=draw(st.sampled_from([500.0, 4000.0])),
        max_charge_w=draw(st.sampled_from([0.0, 500.0, 2000.0])),
        max_discharge_w=draw(st.sampled_from([500.0, 2000.0])),
        charge_efficiency=draw(st.sampled_from([1.0, 0.9])),
        discharge_efficiency=draw(st.sampled_from([1.0, 0.95])),
        soc_percent=draw(st.sampled_from([0.0, 50.0, 90.0])),
        end_soc_percent=draw(st.sampled_from([None, 0.0])),
        step_w=draw(st.sampled_from([250, 500])),
        wear_per_kwh=draw(st.sampled_from([0.0, 0.05])),
    )


@st.composite
def _tariffs(draw: st.DrawFn, tariff: Tariff, grid: TimeGrid) -> Tariff:
    changes: dict[str, Any] = {}
    count = -(-grid.edges_s[-1] // STEP_S)
    if draw(st.sampled_from([False, True])):
        values = st.lists(st.sampled_from([-0.05, 0.0, 0.08, 0.3]), min_size=count, max_size=count)
        changes["export"] = PriceSeries(start=grid.start, step_s=STEP_S, per_kwh=tuple(draw(values)))
    if draw(st.sampled_from([False, False, True])):
        charge = PeakCharge(
            id="network",
            per_kw=draw(st.sampled_from([0.1, 2.0])),
            interval_s=draw(st.sampled_from([900, 1800])),
            measures=draw(st.sampled_from(["import", "consumption"])),
            peak_so_far_w=draw(st.sampled_from([0.0, 2000.0])),
        )
        changes["peaks"] = (charge,)
    if draw(st.sampled_from([True, True, False])):
        grams = st.lists(st.sampled_from([0.0, 120.0, 400.0]), min_size=count, max_size=count)
        changes["co2"] = CarbonSeries(start=grid.start, step_s=STEP_S, g_per_kwh=tuple(draw(grams)))
    return tariff.model_copy(update=changes)


@st.composite
def _wishes(draw: st.DrawFn, car: Session) -> Session:
    """Return a car with one or two features more, or as it is."""
    wish = car.energy_wh or 0.0
    curve = (TaperPoint(energy_wh=0.0, max_current_a=16.0), TaperPoint(energy_wh=wish / 2 + 1, max_current_a=6.0))
    features: list[dict[str, Any]] = [
        {"priority": 5},
        {"value_per_kwh": 0.15},
        {"taper": curve},
        {"max_pauses": 0},
        {"max_pauses": 1},
        {"min_on_s": 1800},
        {"max_price_per_kwh": 0.15},
        {"source": "surplus"},
        {"min_current_a": 8.0},
        {"max_current_a": (32.0, 16.0, 12.0)},
        {"departure": None, "milestones": ()},
        {"energy_wh": None},
    ]
    changes: dict[str, Any] = {}
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        changes |= draw(st.sampled_from(features))
    return type(car).model_validate(car.model_dump() | changes)


@st.composite
def _restrictions(draw: st.DrawFn, plain: Scenario) -> tuple[Availability, ...]:
    if draw(st.sampled_from([True, True, False])):
        return ()
    grid = plain.grid
    start = grid.start + timedelta(seconds=draw(st.integers(-300, grid.edges_s[-1])))
    spell: dict[str, Any] = {"start": start, "end": start + timedelta(seconds=draw(st.sampled_from([200, 900, 1800])))}
    place: dict[str, Any] = draw(
        st.sampled_from([{}, {"station": plain.site.stations[0].id}, {"connector": plain.site.connectors[0].id}])
    )
    whose = [None, *(session.id for session in plain.sessions)]
    kept = {"session": draw(st.sampled_from(whose))}
    kinds: tuple[Availability, ...] = (
        Outage(**spell, **place),
        Derate(**spell, **place, max_current_a=10.0),
        Reservation(**spell, **place, **kept),
        OpeningHours(**place, hours=(DailyHours(opens="00:20", closes="01:00"),)),
    )
    return (draw(st.sampled_from(kinds)),)


def _objectives() -> st.SearchStrategy[Objective]:
    budget = ObjectiveStage(kind="cost", allow_rel=0.05)
    return st.sampled_from(
        [
            Objective.cheapest(),
            Objective.cheapest(),
            Objective.fastest(),
            Objective.greenest(),
            Objective.profit(),
            Objective.of("must_have", "wanted", budget, "co2", "finish"),
            Objective.of("energy", "cost"),
        ]
    )
