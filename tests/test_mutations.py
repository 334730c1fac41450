"""Every constraint builder, made wrong one at a time: the referee faults the plan, or the plan is still right.

Of the compiler the referee must catch every mistake, because nothing else would. Mistakes in the programs that are
solved are caught before: repairs look at the rows themselves. There the plan must be accepted and show that it is
worse, by a gap, a poorer mark or a later stage.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ocpp_schedule.model.availability import Derate, Outage
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.model.objective import Objective
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, LimitSeries, PriceSeries
from ocpp_schedule.model.session import Session, TaperPoint
from ocpp_schedule.model.site import (
    Cabinet,
    Circuit,
    Connector,
    Group,
    LineConstraint,
    LineTerm,
    Load,
    Site,
    Station,
    Transformer,
)
from ocpp_schedule.model.tariff import PeakCharge, Tariff
from ocpp_schedule.model.v2g import V2g
from ocpp_schedule.pipeline import compiled, derived, reviewed
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.repair import whole_steps
from ocpp_schedule.solve.result import evaluate
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 1, 15, tzinfo=UTC)
SLOTS = 6


def scenario(**changes: Any) -> Scenario:
    """Two cars on a fuse of 20 A beside a base load of 4 A; prices fall, so that both want the last slots."""
    outlet: dict[str, Any] = {"max_current_a": 16} | changes.pop("connector", {})
    site: dict[str, Any] = {
        "id": "yard",
        "circuits": (Circuit(id="main", limit_a=20),),
        "stations": (Station(id="S", circuit="main", ocpp_version="1.6"),),
        "connectors": tuple(
            Connector(id=name, station="S", evse_id=evse, **outlet) for evse, name in enumerate("AB", start=1)
        ),
        "loads": (Load(id="hall", circuit="main"),),
        "edge_guard_s": 60,
    } | changes.pop("site", {})
    car = {"phases": 3, "energy_wh": 6000.0} | changes.pop("car", {})
    sessions = tuple(
        Session(id=f"car {name}", connector=name, arrival=START, departure=START + timedelta(minutes=15 * SLOTS), **car)
        for name in "AB"
    )
    given: dict[str, Any] = {
        "site": Site(**site),
        "sessions": sessions,
        "tariff": Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=(0.4, 0.35, 0.3, 0.3, 0.1, 0.1))),
        "grid": TimeGrid.regular(START, timedelta(minutes=15), SLOTS),
        "forecasts": (Forecast(id="hall", start=START, step_s=900, expected_a=(2.0,) * SLOTS, high_a=(4.0,) * SLOTS),),
    }
    return Scenario(**given | changes)


def plain() -> Scenario:
    return scenario()


def with_floor() -> Scenario:
    return scenario(site={"idle_floor_a": 6.0})


def on_a_panel() -> Scenario:
    return scenario(
        site={
            "circuits": (Circuit(id="main", limit_a=40), Circuit(id="panel", parent="main", limit_a=20)),
            "stations": (Station(id="S", circuit="panel", ocpp_version="1.6"),),
        }
    )


def wide() -> Scenario:
    """Nothing limits the cars but their connectors."""
    return scenario(site={"circuits": (Circuit(id="main", limit_a=80),)})


def wide_in_watts() -> Scenario:
    station = Station(id="S", circuit="main", ocpp_version="1.6", capabilities=Capabilities(rate_units=("W",)))
    circuits = (Circuit(id="main", limit_a=80),)
    return scenario(site={"circuits": circuits, "stations": (station,)}, connector={"step_w": 100})


def weighed() -> Scenario:
    return scenario(site={"circuits": (Circuit(id="main", limit_a=20, continuous_load_factor=1.25),)})


def in_total() -> Scenario:
    return scenario(site={"circuits": (Circuit(id="main", limit_a=40, limit_va=14_000),)})


def lowered() -> Scenario:
    series = LimitSeries(circuit="main", start=START + timedelta(hours=1), step_s=900, limit_a=(12.0, 12.0))
    return scenario(limits=(series,))


def firm() -> Scenario:
    """The roof gives 3 A for certain."""
    return scenario(
        site={"generators": (Generator(id="roof", circuit="main"),)},
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_a=(4.0,) * SLOTS),
            Forecast(id="roof", start=START, step_s=900, expected_w=(2100.0,) * SLOTS, firm_w=(2100.0,) * SLOTS),
        ),
    )


def with_pilots() -> Scenario:
    """18 A are left, which both could share in steps of 2 A if their chargers took all of them."""
    circuits = (Circuit(id="main", limit_a=22),)
    return scenario(site={"circuits": circuits}, connector={"allowed_currents_a": (0.0, 6.0, 10.0, 16.0)})


def alarmed() -> Scenario:
    """In the last slots the base load alone is above the fuse; a car could draw the idle floor."""
    high = (4.0, 4.0, 4.0, 4.0, 22.0, 22.0)
    forecast = Forecast(id="hall", start=START, step_s=900, expected_a=(2.0,) * 6, high_a=high)
    return scenario(forecasts=(forecast,), site={"idle_floor_a": 6.0})


def late_arrival() -> Scenario:
    """The cheap slots are over when the cars come."""
    prices = PriceSeries(start=START, step_s=900, per_kwh=(0.1, 0.1, 0.3, 0.3, 0.3, 0.3))
    day = scenario(tariff=Tariff(energy=prices))
    cars = [car.model_copy(update={"arrival": START + timedelta(minutes=30)}) for car in day.sessions]
    return day.model_copy(update={"sessions": tuple(cars)})


def closed() -> Scenario:
    outage = Outage(start=START + timedelta(hours=1), end=START + timedelta(minutes=75))
    return scenario(availability=(outage,))


def capped_price() -> Scenario:
    return scenario(car={"max_price_per_kwh": 0.32, "energy_wh": 16_000.0})


def tapering() -> Scenario:
    curve = (TaperPoint(energy_wh=0.0, max_current_a=16), TaperPoint(energy_wh=5000.0, max_current_a=6))
    return scenario(car={"taper": curve})


def without_pause() -> Scenario:
    """Energy is cheap in the first and in the last slot."""
    tariff = Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=(0.1, 0.4, 0.4, 0.4, 0.4, 0.1)))
    day = scenario(tariff=tariff, car={"max_pauses": 0, "energy_wh": 5000.0})
    return day.model_copy(update={"sessions": day.sessions[:1]})


def few_periods() -> Scenario:
    """Three cheap slots apart from each other would do."""
    tariff = Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=(0.1, 0.4, 0.1, 0.4, 0.1, 0.4)))
    known = Capabilities(max_periods=4)
    stations = (Station(id="S", circuit="main", ocpp_version="1.6", capabilities=known),)
    day = scenario(tariff=tariff, car={"energy_wh": 7000.0}, site={"stations": stations})
    return day.model_copy(update={"sessions": day.sessions[:1]})


def long_runs() -> Scenario:
    """Two cheap slots apart from each other would do."""
    tariff = Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=(0.1, 0.4, 0.1, 0.4, 0.4, 0.4)))
    day = scenario(tariff=tariff, car={"min_on_s": 1800, "energy_wh": 5000.0})
    return day.model_copy(update={"sessions": day.sessions[:1]})


def roofed(**changes: Any) -> Scenario:
    """A roof that may be lowered gives more than the cars want and may be exported."""
    storages = changes.pop("storages", ())
    hall_w = changes.pop("hall_w", 500.0)
    prices = changes.pop("prices", (0.4, 0.35, 0.3, 0.3, 0.1, 0.1))
    return scenario(
        site={
            "circuits": (Circuit(id="main", limit_a=changes.pop("limit_a", 80), export_limit_w=2000.0),),
            "generators": (Generator(id="roof", circuit="main", curtailable=True),),
            "storages": storages,
        },
        tariff=Tariff(
            energy=PriceSeries(start=START, step_s=900, per_kwh=prices), export=0.05, peaks=changes.pop("peaks", ())
        ),
        forecasts=(
            Forecast(id="hall", start=START, step_s=900, expected_w=(hall_w,) * SLOTS),
            Forecast(id="roof", start=START, step_s=900, expected_w=(0.0, 0.0, 9000.0, 9000.0, 0.0, 0.0)),
        ),
        car={"energy_wh": 1000.0} | changes,
        connector={"step_a": 2.0},
    )


def surplus() -> Scenario:
    return roofed(source="surplus", energy_wh=6000.0)


def peaked() -> Scenario:
    return roofed(peaks=(PeakCharge(id="network", per_kw=1.0),), energy_wh=12_000.0)


def with_battery(**changes: Any) -> Scenario:
    """Energy is dear at the end: a battery that could take more than it can would do so."""
    given: dict[str, Any] = {
        "id": "cellar",
        "circuit": "main",
        "capacity_wh": 2000,
        "max_charge_w": 4000,
        "max_discharge_w": 4000,
        "charge_efficiency": 0.9,
        "discharge_efficiency": 0.9,
        "soc_percent": 80,
        "step_w": 400,
    }
    limit_a = changes.pop("limit_a", 80)
    storages = (Storage(**given | changes),)
    return roofed(
        limit_a=limit_a, storages=storages, prices=(0.1, 0.4, 0.4, 0.4, 0.4, 0.6), energy_wh=3000.0, hall_w=3000.0
    )


def weak_battery() -> Scenario:
    """It would charge with more than it can in the only cheap slot."""
    return with_battery(max_charge_w=400, soc_percent=10, min_soc_percent=0)


def paid_to_charge() -> Scenario:
    return scenario(tariff=Tariff(energy=-0.1))


def low_room() -> Scenario:
    """5 A are left of the fuse in half of the slots."""
    high = (15.0, 15.0, 15.0, 4.0, 4.0, 4.0)
    forecast = Forecast(id="hall", start=START, step_s=900, expected_a=(2.0,) * SLOTS, high_a=high)
    return scenario(forecasts=(forecast,), car={"energy_wh": 5000.0})


def swapping() -> Scenario:
    """One car leaves, the other takes its room."""
    day = scenario(car={"energy_wh": 4000.0}, tariff=Tariff(energy=0.2))
    first = day.sessions[0].model_copy(update={"departure": START + timedelta(minutes=30)})
    second = day.sessions[1].model_copy(update={"arrival": START + timedelta(minutes=15)})
    return day.model_copy(update={"sessions": (first, second)})


def beside_battery() -> Scenario:
    """Cars and battery all want the only cheap slot."""
    return with_battery(limit_a=20, soc_percent=0)


def one_commodity() -> Scenario:
    return scenario(connector={"min_current_a": 0.0}, site={"edge_guard_s": 0})


def short() -> Scenario:
    """The cars want more than there is room for."""
    return scenario(car={"energy_wh": 16_000.0})


def fastest() -> Scenario:
    return scenario(objective=Objective.fastest())


def held() -> Scenario:
    """The first slot is under way: charger A holds 10 A, B nothing."""
    return scenario(held={"car A": 100, "car B": 0})


def in_a_group() -> Scenario:
    """A tenant's 12 A within 80 A, of which its own hall takes up to 4 A."""
    tenant = Group(id="tenant", circuits=["shop"], limit_a=12)
    circuits = (Circuit(id="main", limit_a=80), Circuit(id="shop", parent="main", limit_a=80))
    station = Station(id="S", circuit="shop", ocpp_version="1.6")
    loads = (Load(id="hall", circuit="shop"),)
    return scenario(site={"circuits": circuits, "stations": (station,), "loads": loads, "groups": (tenant,)})


def taking_turns() -> Scenario:
    station = Station(id="S", circuit="main", ocpp_version="1.6", exclusive_groups=(("A", "B"),))
    circuits = (Circuit(id="main", limit_a=80),)
    return scenario(site={"circuits": circuits, "stations": (station,)}, car={"energy_wh": 5000.0})


def sharing_modules() -> Scenario:
    """Three modules of 4 kW for two outlets of 8 kW."""
    station = Station(id="S", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("W",)))
    direct = {"current_type": "DC", "max_power_w": 8000.0, "efficiency": 0.9, "max_current_a": 40, "step_w": 1000}
    site = {
        "circuits": (Circuit(id="main", limit_a=80),),
        "stations": (station,),
        "cabinets": (Cabinet(id="K", module_w=4000, modules=3, connectors=["A", "B"]),),
        "edge_guard_s": 0,
    }
    return scenario(site=site, connector=direct, car={"phases": None})


def sharing_a_fuse() -> Scenario:
    day = sharing_modules()
    circuits = (Circuit(id="main", limit_a=20),)
    return day.model_copy(update={"site": day.site.model_copy(update={"circuits": circuits, "cabinets": ()})})


def transformed() -> Scenario:
    """Below a transformer to 208 V; the line above holds both cars back."""
    circuits = (
        Circuit(id="main", supply="480Y/277", limit_a=8),
        Circuit(id="panel", parent="main", supply="208Y/120", limit_a=80, transformer=Transformer()),
    )
    station = Station(id="S", circuit="panel", ocpp_version="1.6")
    loads = (Load(id="hall", circuit="panel"),)
    return scenario(site={"circuits": circuits, "stations": (station,), "loads": loads})


def uneven() -> Scenario:
    """Both cars are on L1, where a lamp is, too; they may have 10 A more than is on the other lines."""
    circuits = (Circuit(id="main", limit_a=80, unbalance_limit_a=10),)
    loads = (Load(id="hall", circuit="main", lines=("L1",)),)
    return scenario(site={"circuits": circuits, "loads": loads}, car={"phases": 1, "energy_wh": 2000.0})


def matrix() -> Scenario:
    """Two loads between lines: 12 and 12 A at 60 degrees on a line of 20 A; a bus carries car A alone."""
    outlets = tuple(
        Connector(id=name, station="S", evse_id=evse, lines=lines, connection="delta", max_current_a=16)
        for evse, name, lines in ((1, "A", ("L1", "L2")), (2, "B", ("L3", "L1")))
    )
    bus = LineConstraint(id="bus", limit_a=8.0, terms=(LineTerm(connector="A", coefficient=1.0, angle_deg=30.0),))
    return scenario(site={"connectors": outlets, "line_constraints": (bus,)}, car={"phases": 1})


def matrix_swapping() -> Scenario:
    day = matrix()
    first = day.sessions[0].model_copy(update={"departure": START + timedelta(minutes=30)})
    second = day.sessions[1].model_copy(update={"arrival": START + timedelta(minutes=30)})
    return day.model_copy(update={"sessions": (first, second), "tariff": Tariff(energy=0.2)})


def giving(**changes: Any) -> Scenario:
    """Two cars that can give 16 A each, at once more than the fuse carries; energy is dear first."""
    v2g = V2g(charge_efficiency=0.9, discharge_efficiency=0.9, **changes.pop("v2g", {"min_soc_percent": 20}))
    car = {"v2g": v2g, "battery_wh": 20_000.0, "soc_percent": 50.0, "energy_wh": 0.0} | changes.pop("car", {})
    circuit = {"id": "main", "limit_a": 24} | changes.pop("circuit", {})
    site = {
        "stations": (Station(id="S", circuit="main", ocpp_version="2.1"),),
        "circuits": (Circuit(**circuit),),
    } | changes.pop("site", {})
    falling = PriceSeries(start=START, step_s=900, per_kwh=(0.4, 0.35, 0.3, 0.1, 0.1, 0.1))
    given: dict[str, Any] = {"tariff": Tariff(energy=falling, export=falling)} | changes
    return scenario(site=site, connector={"max_discharge_current_a": 16, "min_current_a": 0.0}, car=car, **given)


def losing() -> Scenario:
    return giving(car={"energy_wh": 2000.0})


def giving_little() -> Scenario:
    return giving(circuit={"limit_a": 80}, v2g={"max_discharge_w": 3000.0, "min_soc_percent": 45})


def nearly_full() -> Scenario:
    """Energy is dear at the end: who has room fills it first."""
    rising = PriceSeries(start=START, step_s=900, per_kwh=(0.1, 0.1, 0.3, 0.3, 0.5, 0.5))
    return giving(
        circuit={"limit_a": 80}, car={"soc_percent": 94.0}, v2g={}, tariff=Tariff(energy=rising, export=rising)
    )


def not_exporting() -> Scenario:
    """Nothing is certain to be drawn, so nothing may be given."""
    forecast = Forecast(id="hall", start=START, step_s=900, expected_w=(8000.0,) * SLOTS)
    return giving(circuit={"limit_a": 80, "export_limit_w": 0.0}, forecasts=(forecast,))


def giving_in_part() -> Scenario:
    """A derate holds for what cars give, too."""
    derate = Derate(start=START, end=START + timedelta(minutes=45), max_current_a=6.0)
    return giving(circuit={"limit_a": 80}, availability=(derate,))


def result(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a mutation that changes what a function returns."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **kwargs: Any) -> Any:
            return change(original(*args, **kwargs))

        return changed

    return mutate


def instead(value: Any) -> Callable[[Any], Any]:
    """Return a mutation that does nothing but return a value."""
    return lambda _original: lambda *_args, **_kwargs: value


def mutate(monkeypatch: pytest.MonkeyPatch, where: str, mutation: Callable[[Any], Any]) -> Counter[str]:
    """Put a changed function in the place of another wherever it has been imported; the counter counts its calls."""
    path, _, name = where.rpartition(".")
    module = sys.modules.get(f"ocpp_schedule.{path}")
    calls: Counter[str] = Counter()
    if module is None:  # a method
        path, _, owner = path.rpartition(".")
        target = getattr(sys.modules[f"ocpp_schedule.{path}"], owner)
        new = mutation(getattr(target, name))
        monkeypatch.setattr(target, name, _counted(new, calls, where))
        return calls
    original = getattr(module, name)
    new = _counted(mutation(original), calls, where)
    for known, each in list(sys.modules.items()):
        if known.startswith("ocpp_schedule.") and getattr(each, name, None) is original:
            monkeypatch.setattr(each, name, new)
    return calls


def _counted(function: Callable[..., Any], calls: Counter[str], where: str) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[where] += 1
        return function(*args, **kwargs)

    return counted


@dataclass(frozen=True)
class Case:
    """A builder, what is made wrong in it, where that shows, and the rules of which the referee must name one."""

    where: str
    mutation: Callable[[Any], Any]
    day: Callable[[], Scenario]
    kinds: frozenset[str]


def case(where: str, mutation: Callable[[Any], Any], day: Callable[[], Scenario], *kinds: str) -> Any:
    return pytest.param(Case(where, mutation, day, frozenset(kinds)), id=f"{where}-{'-'.join(kinds)}-{day.__name__}")


def _doubled_rates(found: Any) -> Any:
    stages, counted = found
    return tuple(stage if stage.rate is None else replace(stage, rate=2 * stage.rate) for stage in stages), counted


def _nodes_apart(found: Any) -> Any:
    """No connector hangs below the last circuit."""
    found = found.copy()
    found[-1] = False
    return found


COMPILER = [
    case("problem.limits.own_limits", result(lambda limits: limits + 1_000_000), plain, "row"),
    case("problem.limits.total_limit", instead(None), in_total, "row"),
    case("problem.limits.lower_by_series", instead(None), lowered, "row"),
    case("problem.limits.base_loads", result(np.zeros_like), plain, "row"),
    case("problem.limits.firm_generation", result(lambda firm: 2 * firm), firm, "row"),
    case("problem.rows.Nodes.headroom", lambda _: lambda _, limit, base: limit - base, weighed, "row"),
    case("problem.rows._below", result(_nodes_apart), on_a_panel, "row"),
    case("problem.groups.members_of", result(np.zeros_like), in_a_group, "row"),
    case("problem.groups.counted_in", lambda _: lambda _site, above, **_m: above, in_a_group, "row"),
    case("problem.pools.compile_pools", instead(None), taking_turns, "exclusive", "end_floor"),
    case("problem.pools.compile_pools", instead(None), sharing_modules, "cabinet"),
    case("problem.pools.compile_pools", result(lambda p: replace(p, count=p.count + 1)), sharing_modules, "cabinet"),
    case("problem.transformers._through", result(lambda turn: replace(turn, ratio=2 * turn.ratio)), transformed, "row"),
    case("problem.transformers.Turn.weight", result(lambda pair: (pair[0] / 2, pair[1])), transformed, "row"),
    case("problem.transformers.Turn.base", result(np.zeros_like), transformed, "row"),
    case("problem.unbalance.compile_unbalance", instead(None), uneven, "unbalance"),
    case("problem.unbalance.expected_units", instead((50_000, 0, 0)), uneven, "unbalance"),
    case("problem.unbalance._base_units", result(np.zeros_like), uneven, "unbalance"),
    case("problem.effects._dc_effect", result(lambda e: replace(e, load_units=(9,) * 4)), sharing_a_fuse, "row"),
    case("problem.effects._dc_effect", result(lambda e: replace(e, loss_dw=0)), sharing_modules, "claimed_cost"),
    case("problem.effects.current_range", result(lambda pair: (pair[0], 32.0)), wide, "maximum"),
    case("problem.effects.current_range", result(lambda pair: (0.0, pair[1])), lowered, "minimum"),
    case("problem.effects._effect", result(lambda e: replace(e, load_units=(90_000, 90_000, 90_000, 0))), plain, "row"),
    case("problem.effects._effect", result(lambda e: replace(e, power_dw=e.power_dw + 1)), plain, "claimed_cost"),
    case("problem.effects._effect", result(lambda e: replace(e, max_steps=e.max_steps + 5)), wide_in_watts, "maximum"),
    case("problem.effects.idle_floor_steps", instead(0), with_floor, "idle_floor"),
    case(
        "problem.effects.pilot_steps",
        lambda _: lambda _allowed, low, high: tuple(range(low, high + 1)),
        with_pilots,
        "pilot",
    ),
    case("problem.compile._caps", lambda old: lambda t, i, *a: old(t, np.ones_like(i), *a), late_arrival, "window"),
    case("problem.compile._windows", result(np.ones_like), late_arrival, "window"),
    case("problem.compile._alarms", result(np.zeros_like), alarmed, "alarm_draw"),
    case("problem.compile._end_floors", result(lambda floors: floors + 60), plain, "end_floor"),
    case("problem.compile._held", lambda _: lambda _held, ids: np.zeros(len(ids), dtype=np.int64), held, "held"),
    case("problem.availability.spells_by_connector", instead({}), closed, "availability"),
    case("problem.own.own_rules", instead(None), capped_price, "price"),
    case("problem.runs.run_rules", instead(None), without_pause, "pause"),
    case("problem.runs.run_rules", instead(None), long_runs, "on_time"),
    case("problem.pieces.compile_pieces", instead(None), few_periods, "periods"),
    case("problem.demands._energy_units", result(lambda units: units // 2), short, "claimed_stage"),
    case("problem.series.price_seconds", result(lambda prices: prices[::-1].copy()), plain, "claimed_cost"),
    case(
        "problem.taper.curve_of",
        result(lambda curve: replace(curve, power_dw=(110_400,) * 2)),
        tapering,
        "claimed_cost",
    ),
    case("problem.meter.load_energy", result(np.zeros_like), with_battery, "claimed_cost", "export"),
    case("problem.meter._export_rows", instead(()), roofed, "export"),
    case("problem.storage._battery", result(lambda b: replace(b, high=2 * b.high)), with_battery, "storage"),
    case("problem.storage._battery", result(lambda b: replace(b, end=0)), with_battery, "storage"),
    case("problem.storage._battery", result(lambda b: replace(b, most_charge=400)), weak_battery, "storage"),
    case("problem.registers.registers_of", instead(()), peaked, "claimed_cost"),
    case("problem.conductors.take_conductors", result(lambda found: (found[0], None)), matrix, "row"),
    case(
        "problem.conductors._on_line",
        result(lambda terms: [replace(t, angle=3 * t.angle) for t in terms]),
        matrix,
        "row",
    ),
    case("problem.conductors._given", result(lambda term: replace(term, weight=term.weight / 2)), matrix, "row"),
    case("problem.phasors._squares", result(lambda squares: squares * 4), matrix, "row"),
    case("problem.v2g.car_batteries", instead(()), losing, "claimed_energy"),
    case("problem.v2g._most_steps", result(lambda most: 2 * most), giving_little, "discharge"),
    case("problem.v2g._battery", result(lambda b: replace(b, reserve=0, low=0)), giving_little, "soc"),
    case("problem.v2g._battery", result(lambda b: replace(b, high=2 * b.high)), nearly_full, "soc"),
    case("problem.v2g._battery", result(lambda b: replace(b, drawn=b.kept)), giving_little, "claimed_energy", "soc"),
    case("problem.v2g._battery", result(lambda b: replace(b, wear=7)), giving_little, "claimed_cost"),
    case("problem.v2g.up_rows", instead(()), giving, "upwards"),
    case("problem.v2g._export_room", result(lambda room: room + 90_000), not_exporting, "upwards"),
    case("problem.v2g._session_steps", lambda _: lambda _t, _o, _i, steps: steps, giving_in_part, "discharge"),
    case("problem.stages.compile_stages", result(_doubled_rates), fastest, "claimed_stage"),
]


@pytest.mark.parametrize("one", COMPILER)
def test_the_referee_faults_a_plan_of_a_wrong_compiler(one: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    day = one.day()
    scene = derived(day)
    assert not reviewed(scene, solve(compiled(day))).violations
    calls = mutate(monkeypatch, one.where, one.mutation)
    found = {violation.kind for violation in reviewed(scene, solve(compiled(day))).violations}
    assert calls[one.where], "the builder was not called: the case tests nothing"
    assert found & one.kinds, f"the referee found {sorted(found)}"


def _capped_only(_original: Any) -> Any:
    return lambda plan, session: plan.problem.cap_steps[session, plan.window(session)].copy()


def _uncounted(_original: Any) -> Any:
    """Set-points are noted, what they book is not."""

    def assign(plan: Any, session: int, setpoints: Any) -> bool:
        plan.setpoints[session, plan.window(session)] = setpoints
        return True

    return assign


def _unheld(relaxation: Any) -> Any:
    """Rows of whole pieces hold nothing."""
    high = relaxation.program.row_high.copy()
    high[relaxation.rows["pools"]] = np.inf
    return replace(relaxation, program=replace(relaxation.program, row_high=high))


def _even(limits: Any) -> Any:
    return replace(limits, per_step=np.zeros_like(limits.per_step))


def _wider(network: Any) -> Any:
    return replace(network, capacity=network.capacity + 40)


SOLVER = [
    case("solve.relaxation._capacity_rows", result(lambda r: (r[0], r[1], r[2] + 40.0)), plain, "row"),
    case("solve.relaxation._capacity_rows", result(lambda r: (r[0], r[1], r[2] + 40.0)), with_floor, "row"),
    case("solve.family_rows.with_families", result(_unheld), sharing_modules, "cabinet"),
    case("solve.families.guarded", lambda _: lambda _problem, _setpoints, late, _early: late, taking_turns, "edge"),
    case("solve.exact.whole_demands", result(lambda w: replace(w, high=w.high * 2)), paid_to_charge, "energy"),
    case(
        "solve.exact._on_off_rows",
        result(lambda rows: (*rows[:2], np.where(rows[2] == -60.0, 0.0, rows[2]))),
        low_room,
        "minimum",
    ),
    case("solve.exact.least_steps", result(np.zeros_like), low_room, "minimum"),
    case("solve.levels.with_levels", lambda _: lambda _p, _r, program: program, with_pilots, "pilot"),
    case("solve.run_rows.with_run_rows", lambda _: lambda _p, _r, program, *_: program, without_pause, "pause"),
    case("solve.run_rows._add_on_times", instead(None), long_runs, "on_time"),
    case("solve.run_rows._add_run", instead(None), long_runs, "on_time"),
    case("solve.edges.guard_edges", result(lambda pair: (pair[0] & False, pair[1] & False)), swapping, "edge"),
    case("solve.edges.slot_energy_units", result(lambda energy: energy + 1), plain, "claimed_energy"),
    case("solve.edges.cost_units", result(lambda cost: cost + 1), plain, "claimed_cost"),
    case("solve.edges.with_held", lambda _: lambda _problem, setpoints: setpoints, held, "held"),
    case("solve.values.stage_values", result(lambda v: (*v[:-1], v[-1] - 1)), plain, "claimed_stage"),
    case("solve.metering.curtail", result(np.zeros_like), roofed, "export"),
    case("solve.exchange._Builder._surplus_rows", instead(None), surplus, "surplus"),
    case("solve.storage_rows._hard_rows", instead([]), beside_battery, "row"),
    case("solve.v2g_rows.fitting", lambda _: lambda _problem, _meter, steps: steps, giving, "upwards"),
    case("solve.v2g_rows.rounded_discharge", result(lambda steps: steps + 30), giving_little, "discharge"),
]


@pytest.mark.parametrize("one", SOLVER)
def test_the_referee_faults_a_plan_of_a_wrong_program(one: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs alone, without the repairs that would mend or refuse what they return."""
    monkeypatch.setattr("ocpp_schedule.solve.exact.settle", evaluate)
    monkeypatch.setattr("ocpp_schedule.solve.exact_metered.settle", evaluate)
    monkeypatch.setattr("ocpp_schedule.solve.exact.allowed_steps", lambda _problem, values: whole_steps(values))
    day = one.day()
    problem, scene = compiled(day), derived(day)
    assert not reviewed(scene, solve(problem)).violations
    calls = mutate(monkeypatch, one.where, one.mutation)
    found = {violation.kind for violation in reviewed(scene, solve(problem)).violations}
    assert calls[one.where], "the builder was not called: the case tests nothing"
    assert found & one.kinds, f"the referee found {sorted(found)}"


REPAIRS = [
    ((), case("solve.working.WorkingPlan.room_from_nothing", _capped_only, plain, "row")),
    ((), case("solve.working.WorkingPlan.room", _capped_only, with_floor, "row")),
    ((), case("solve.working.WorkingPlan.assign", _uncounted, plain, "row")),
    ((), case("solve.unbalance.unbalance_of", result(_even), uneven, "unbalance")),
    ((), case("solve.phasors.largest_steps", result(lambda steps: steps + 40), matrix, "row")),
    (("linear",), case("solve.phasors.ConductorEdges.over", result(np.zeros_like), matrix_swapping, "edge")),
    ((), case("solve.meter_room.MeterRoom.steps", lambda _: lambda *_: np.int64(1 << 40), surplus, "surplus")),
    ((), case("solve.meter_room.MeterRoom.assign", instead(None), surplus, "surplus")),
    (("flow",), case("solve.flow.network_of", result(_wider), one_commodity, "row")),
]


@pytest.mark.parametrize(("methods", "one"), [pytest.param(m, *p.values, id=p.id) for m, p in REPAIRS])
def test_the_referee_faults_a_plan_of_a_wrong_repair(
    methods: tuple[Any, ...], one: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that are handed out one by one, and flows, which nothing repairs."""
    day = one.day()
    problem, scene = compiled(day), derived(day)
    solution = solve(problem, methods=methods, exact_arcs=0)
    assert not reviewed(scene, solution).violations
    calls = mutate(monkeypatch, one.where, one.mutation)
    found = {violation.kind for violation in reviewed(scene, solve(problem, methods=methods, exact_arcs=0)).violations}
    assert calls[one.where], "the builder was not called: the case tests nothing"
    assert found & one.kinds, f"the referee found {sorted(found)}"
