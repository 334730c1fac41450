"""Hypothesis strategies for small scenarios of every kind (needs the ``testing`` extra)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, LimitSeries, PriceSeries
from ocpp_schedule.model.session import Milestone, Session
from ocpp_schedule.model.site import Cabinet, Circuit, Connector, Group, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid

START: Final = datetime(2026, 1, 15, tzinfo=UTC)
SLOT_S: Final = 900

PILOTS: Final = ((0.0, 8.0, 16.0, 24.0, 32.0), (0.0, 6.0, 10.0, 16.0), (0.0, *map(float, range(6, 33))))
"""Currents that real chargers can be told: both kinds of the Caltech site, and a rotary switch."""
WIRINGS: Final = (("L1",), ("L2",), ("L3",), ("L1", "L2"), ("L1", "L2", "L3"), ("L2", "L3", "L1"), ("L3", "L1", "L2"))


@st.composite
def scenarios(draw: st.DrawFn, *, max_sessions: int = 6, max_slots: int = 12) -> Scenario:
    """Draw a scenario with a tree of circuits, mixed stations, base load, limits over time and milestones."""
    grid = draw(_grids(max_slots))
    circuits = draw(_circuits())
    connectors, stations = draw(_outlets([circuit.id for circuit in circuits]))
    loads = tuple(
        Load(id=f"load{k}", circuit=draw(st.sampled_from(circuits)).id, lines=draw(st.sampled_from(WIRINGS)))
        for k in range(draw(st.sampled_from([0, 0, 0, 1, 2])))
    )
    floor_a = draw(st.sampled_from([0.0, 0.0, 0.0, 0.0, 6.0, 8.0]))
    if floor_a == 0:
        stations = tuple(draw(_exclusive(station, connectors)) for station in stations)
    site = Site(
        id="site",
        circuits=circuits,
        stations=stations,
        connectors=connectors,
        loads=loads,
        cabinets=draw(_cabinets(connectors)),
        groups=draw(_groups(circuits, stations, connectors)),
        idle_floor_a=floor_a,
        edge_guard_s=draw(st.sampled_from([0, 60, 60, 30])),
    )
    forecasts = tuple(draw(_forecasts(load.id, grid)) for load in loads)
    series = draw(st.sampled_from([0, 0, 0, 0, 1, 2]))
    limits = tuple(draw(_limits(draw(st.sampled_from(circuits)).id, grid)) for _ in range(series))
    sessions = draw(_sessions(connectors, stations, grid, max_sessions))
    return Scenario(
        site=site, sessions=sessions, tariff=draw(_tariffs(grid)), grid=grid, limits=limits, forecasts=forecasts
    )


@st.composite
def _grids(draw: st.DrawFn, max_slots: int) -> TimeGrid:
    slots = draw(st.integers(1, max_slots))
    if draw(st.booleans()):
        return TimeGrid.regular(START, timedelta(seconds=SLOT_S), slots)
    lengths = draw(st.lists(st.sampled_from([300, 450, 900, 1800]), min_size=slots, max_size=slots))
    edges = [0]
    for length in lengths:
        edges.append(edges[-1] + length)
    return TimeGrid(start=START, edges_s=tuple(edges))


@st.composite
def _circuits(draw: st.DrawFn) -> tuple[Circuit, ...]:
    amperes = st.sampled_from([25.0, 40.0, 16.3, 63.0, 30.0, 35.0, 50.0, 20.0, 45.0, 55.0, 80.0, 32.0, 10.0, 0.0])
    limit = st.one_of(amperes, st.tuples(amperes, amperes, amperes))
    supply = draw(st.sampled_from([None, "400Y/230", "208Y/120"]))
    uneven = st.sampled_from([*[None] * 9, 10.0, 20.0])
    circuits = [Circuit(id="main", supply=supply, limit_a=draw(limit), unbalance_limit_a=draw(uneven), **_totals(draw))]
    for k in range(draw(st.integers(0, 2))):
        parent = draw(st.sampled_from(circuits)).id
        own: dict[str, Any] = {"limit_a": draw(limit), "unbalance_limit_a": draw(uneven)} | _totals(draw)
        circuits.append(Circuit(id=f"panel{k}", parent=parent, **own))
    return tuple(circuits)


def _direct(draw: st.DrawFn, units: tuple[str, ...]) -> dict[str, Any]:
    """Return, now and then, what makes an outlet of a station that takes W a DC outlet."""
    if "W" not in units or draw(st.sampled_from([True, True, False])):
        return {}
    return {
        "current_type": "DC",
        "max_power_w": draw(st.sampled_from([5_000.0, 20_000.0])),
        "efficiency": draw(st.sampled_from([0.95, 1.0, 0.9])),
    }


@st.composite
def _cabinets(draw: st.DrawFn, connectors: tuple[Connector, ...]) -> tuple[Cabinet, ...]:
    """Return, now and then, a cabinet for all DC outlets, large enough for their idle floors."""
    direct = [one for one in connectors if one.current_type == "DC"]
    if not direct or draw(st.booleans()):
        return ()
    module_w = draw(st.sampled_from([2_500, 6_000]))
    # No idle floor here is above 8 A on three lines.
    modules = sum(-(-6_000 // module_w) for _ in direct)
    return (Cabinet(id="cabinet", module_w=module_w, modules=modules, connectors=[one.id for one in direct]),)


@st.composite
def _exclusive(draw: st.DrawFn, station: Station, connectors: tuple[Connector, ...]) -> Station:
    """Return the station, now and then with outlets of which one gives anything at a time."""
    own = tuple(connector.id for connector in connectors if connector.station == station.id)
    if len(own) < 2 or draw(st.sampled_from([True, True, False])):  # noqa: PLR2004 - it takes two
        return station
    return station.model_copy(update={"exclusive_groups": (own,)})


@st.composite
def _groups(draw: st.DrawFn, *kinds: tuple[Any, ...]) -> tuple[Group, ...]:
    """Return, now and then, a limit on circuits, stations and connectors across the tree."""
    if draw(st.sampled_from([True, True, True, False])):
        return ()
    circuits, stations, connectors = (
        tuple(sorted({one.id for one in draw(st.lists(st.sampled_from(things), max_size=2))})) for things in kinds
    )
    if not (circuits or stations or connectors):
        stations = (kinds[1][0].id,)
    limit: Any = draw(
        st.sampled_from([{"limit_a": 20.0}, {"limit_va": 7_360.0}, {"limit_w": 3_700.5, "limit_a": 32.0}])
    )
    return (Group(id="tenant", circuits=circuits, stations=stations, connectors=connectors, **limit),)


def _totals(draw: st.DrawFn) -> dict[str, Any]:
    """Return, now and then, limits on all lines together and a weight of charging."""
    power = st.sampled_from([11_040.0, 22_000.0, 7_360.0, 3_700.5])
    found: dict[str, Any] = {}
    kind = draw(st.sampled_from([None, None, None, None, "limit_va", "limit_w", "continuous_load_factor"]))
    if kind == "continuous_load_factor":
        found[kind] = draw(st.sampled_from([1.25, 1.1]))
    elif kind is not None:
        found[kind] = draw(power)
    return found


@st.composite
def _outlets(draw: st.DrawFn, circuits: list[str]) -> tuple[tuple[Connector, ...], tuple[Station, ...]]:
    stations, connectors = [], []
    for k in range(draw(st.integers(1, 3))):
        units: Any = draw(st.sampled_from([("A",), ("A", "W"), ("W",)]))
        stations.append(
            Station(
                id=f"S{k}",
                circuit=draw(st.sampled_from(circuits)),
                ocpp_version=draw(st.sampled_from(["1.6", "2.0.1", "2.1"])),
                capabilities=Capabilities(rate_units=units),
                max_current_a=draw(st.sampled_from([None, None, 20.0, 32.0])),
            )
        )
        for evse in range(1, draw(st.integers(1, 2)) + 1):
            low = draw(st.sampled_from([0.0, 6.0, 6.0, 8.0]))
            high = draw(st.sampled_from([16.0, 16.0, 32.0, 32.0, 20.0, 8.0, 0.0]))
            fitting = [one for one in PILOTS if "A" in units and one[1] >= low]
            pilots = draw(st.sampled_from([None, None, None, *fitting]))
            direct = _direct(draw, units)
            connectors.append(
                Connector(
                    id=f"S{k}-{evse}",
                    station=f"S{k}",
                    evse_id=evse,
                    lines=draw(st.sampled_from(WIRINGS)),
                    min_current_a=low,
                    max_current_a=high,
                    allowed_currents_a=None if direct else pilots,
                    step_a=draw(st.sampled_from([0.1, 0.1, 0.5, 1.0])),
                    step_w=draw(st.sampled_from([10, 100])),
                    **direct,
                )
            )
    # A floor of 6 A on an outlet with a minimum of 8 A is an input error, so such floors are avoided.
    if any(connector.min_current_a > 0 for connector in connectors):
        connectors = [c.model_copy(update={"min_current_a": 6.0}) for c in connectors]
    return tuple(connectors), tuple(stations)


@st.composite
def _forecasts(draw: st.DrawFn, name: str, grid: TimeGrid) -> Forecast:
    step_s = draw(st.sampled_from([300, 900, 3600]))
    count = -(-grid.edges_s[-1] // step_s)
    amperes = st.sampled_from([0.0, 1.25, 2.0, 4.0, 12.0])
    value = st.one_of(amperes, st.tuples(amperes, amperes, amperes))
    expected = draw(st.lists(value, min_size=count, max_size=count))
    margin = draw(st.sampled_from([None, 0.0, 1.5, 6.0]))
    high = None if margin is None else tuple(_plus(level, margin) for level in expected)
    return Forecast(id=name, start=START, step_s=step_s, expected_a=tuple(expected), high_a=high)


def _plus(level: float | tuple[float, ...], margin: float) -> float | tuple[float, ...]:
    return tuple(part + margin for part in level) if isinstance(level, tuple) else level + margin


@st.composite
def _limits(draw: st.DrawFn, circuit: str, grid: TimeGrid) -> LimitSeries:
    step_s = draw(st.sampled_from([300, 900, 1000]))
    start_s = draw(st.integers(-1800, grid.edges_s[-1]))
    amperes = st.sampled_from([20.0, 13.7, 26.0, 32.0, 50.0, 8.0, 0.0])
    value: st.SearchStrategy[Any] = st.one_of(amperes, st.tuples(amperes, amperes, amperes))
    unit = draw(st.sampled_from(["limit_a", "limit_a", "limit_a", "limit_va", "limit_w"]))
    if unit != "limit_a":
        value = st.sampled_from([11_040.0, 5_000.0, 2_300.7, 0.0])
    values: dict[str, Any] = {unit: tuple(draw(st.lists(value, min_size=1, max_size=4)))}
    return LimitSeries(circuit=circuit, start=START + timedelta(seconds=start_s), step_s=step_s, **values)


@st.composite
def _tariffs(draw: st.DrawFn, grid: TimeGrid) -> Tariff:
    price = st.sampled_from([-0.05, 0.0, 0.1, 0.2, 0.25, 0.123456])
    if draw(st.booleans()):
        return Tariff(energy=draw(price))
    step_s = draw(st.sampled_from([900, 1000, 3600]))
    count = -(-grid.edges_s[-1] // step_s)
    values = draw(st.lists(price, min_size=count, max_size=count))
    return Tariff(energy=PriceSeries(start=START, step_s=step_s, per_kwh=tuple(values)))


@st.composite
def _sessions(
    draw: st.DrawFn, connectors: tuple[Connector, ...], stations: tuple[Station, ...], grid: TimeGrid, most: int
) -> tuple[Session, ...]:
    versions = {station.id: station.ocpp_version for station in stations}
    end_s = grid.edges_s[-1]
    sessions: list[Session] = []
    for connector in connectors:
        count = draw(st.sampled_from([1, 1, 2, 0]))
        cuts = _stays(draw, count, end_s)
        for k in range(count):
            if len(sessions) >= most:
                break
            arrival = START + timedelta(seconds=300 * cuts[2 * k])
            departure = START + timedelta(seconds=300 * cuts[2 * k + 1])
            running = k == 0 and draw(st.booleans())
            transaction = (1000 + len(sessions)) if versions[connector.station] == "1.6" else f"tx-{len(sessions)}"
            # From nothing to more than a window can take.
            hours = (departure - arrival) / timedelta(hours=1)
            share = draw(st.sampled_from([0.3, 0.6, 0.9, 0.1, 1.2, 0.0]))
            energy = float(round(share * hours * 230 * min(connector.max_current_a, 16.0)))
            sessions.append(
                Session(
                    id=f"car{len(sessions)}",
                    connector=connector.id,
                    arrival=arrival,
                    departure=departure,
                    energy_wh=energy,
                    milestones=_milestones(draw, arrival, departure, energy),
                    phases=draw(st.sampled_from([None, 1, 2, 3])),
                    max_current_a=draw(st.sampled_from([None, None, 10.0])) if connector.current_type == "AC" else None,
                    transaction_id=transaction if running else None,
                )
            )
    return tuple(draw(st.permutations(sessions)))


def _stays(draw: st.DrawFn, count: int, end_s: int) -> list[int]:
    """Return arrivals and departures in turn, in units of 300 s: mostly long stays within the grid."""
    last = end_s // 300
    if count == 1 and draw(st.sampled_from([True, True, False])):
        arrival = draw(st.integers(0, max(last // 3, 0)))
        return [arrival, max(last - draw(st.integers(0, last // 3)), arrival + 1)]
    return sorted(draw(st.sets(st.integers(-2, last + 4), min_size=2 * count, max_size=2 * count)))


def _milestones(draw: st.DrawFn, arrival: datetime, departure: datetime, energy: float) -> tuple[Milestone, ...]:
    if not draw(st.booleans()):
        return ()
    by = arrival + (departure - arrival) * draw(st.sampled_from([0.5, 0.75, 1.0]))
    share = draw(st.sampled_from([0.25, 0.5, 1.0]))
    return (Milestone(by=by, energy_wh=float(int(energy * share)), hard=draw(st.booleans())),)
