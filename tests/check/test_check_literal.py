"""The numpy referee agrees with the rules read word for word, on small sites of every sort."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.check.cases import START, Case
from tests.check.literal import Literal

from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.series import Forecast, LimitSeries, PriceSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Circuit, Connector, Group, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid

WIRED = st.sampled_from([("L1",), ("L3",), ("L2", "L1"), ("L1", "L2", "L3"), ("L2", "L3", "L1")])
AMPS = st.one_of(st.sampled_from([0.0, 6.0, 10.0, 16.0, 20.05, 25.0, 40.0]), st.floats(0, 60))
PER_LINE = st.one_of(AMPS, st.tuples(AMPS, AMPS, AMPS))
POWER = st.one_of(st.sampled_from([0.0, 2000.0, 3680.5, 7360.0, 11_000.0]), st.floats(0, 20_000))
LIMITS = st.one_of(
    st.fixed_dictionaries({"limit_a": PER_LINE}),
    st.fixed_dictionaries({"limit_a": PER_LINE, "limit_va": POWER}),
    st.fixed_dictionaries({"limit_w": POWER, "limit_va": POWER}),
    st.fixed_dictionaries({"limit_a": PER_LINE, "continuous_load_factor": st.sampled_from([1.25, 1.0, 1.37])}),
    st.fixed_dictionaries({"limit_w": POWER, "continuous_load_factor": st.just(1.25)}),
)
SECONDS = st.sampled_from([100, 121, 300, 900])


@st.composite
def grids(draw: st.DrawFn) -> TimeGrid:
    edges = [0]
    for length in draw(st.lists(SECONDS, min_size=1, max_size=5)):
        edges.append(edges[-1] + length)
    return TimeGrid(start=START, edges_s=tuple(edges))


@st.composite
def series(draw: st.DrawFn, grid: TimeGrid, values: st.SearchStrategy[Any], *, cover: bool) -> dict[str, Any]:
    step = draw(st.sampled_from([70, 300, 450]))
    lead = draw(st.integers(0, 500)) if cover else draw(st.integers(-800, 500))
    length = grid.edges_s[-1] + lead
    count = -(-length // step) if cover else draw(st.integers(1, 5))
    given_values = tuple(draw(st.lists(values, min_size=count, max_size=count)))
    return {"start": START - timedelta(seconds=lead), "step_s": step, "values": given_values}


@st.composite
def sites(draw: st.DrawFn) -> Site:
    panels = draw(st.integers(0, 2))
    supply = draw(st.sampled_from([None, "208Y/120", "480Y/277"]))
    differs = st.sampled_from([None, None, None, 4.0, 10.05])
    circuits = [Circuit(id="main", supply=supply, unbalance_limit_a=draw(differs), **draw(LIMITS))]
    for i in range(panels):
        parent = draw(st.sampled_from(circuits)).id
        circuits.append(Circuit(id=f"P{i}", parent=parent, unbalance_limit_a=draw(differs), **draw(LIMITS)))
    stations = [
        Station(
            id=f"S{i}",
            circuit=draw(st.sampled_from(circuits)).id,
            ocpp_version="2.1",
            max_current_a=draw(st.none() | AMPS),
            capabilities=Capabilities(rate_units=draw(st.sampled_from([("A",), ("W",), ("A", "W")]))),
        )
        for i in range(draw(st.integers(1, 2)))
    ]
    connectors = []
    for i in range(draw(st.integers(1, 3))):
        low = draw(st.sampled_from([6.0, 6.01, 8.0]))
        connectors.append(
            Connector(
                id=f"C{i}",
                station=draw(st.sampled_from(stations)).id,
                evse_id=i + 1,
                lines=draw(WIRED),
                min_current_a=low,
                max_current_a=draw(st.sampled_from([0.0, 10.0, 16.09, 32.0])),
                step_a=draw(st.sampled_from([0.1, 0.3, 1.0])),
                step_w=draw(st.sampled_from([10, 7])),
            )
        )
    floor_a = draw(st.sampled_from([0.0, 8.0, 8.05]))
    if floor_a == 0:
        stations = [draw(exclusive(station, connectors)) for station in stations]
    loads = [
        Load(id=f"B{i}", circuit=draw(st.sampled_from(circuits)).id, lines=draw(WIRED))
        for i in range(draw(st.integers(0, 2)))
    ]
    return Site(
        id="s",
        circuits=draw(st.permutations(circuits)),
        stations=stations,
        connectors=draw(st.permutations(connectors)),
        loads=loads,
        groups=[
            draw(groups(f"G{i}", circuits, stations, connectors)) for i in range(draw(st.sampled_from([0, 0, 1, 2])))
        ],
        idle_floor_a=floor_a,
        edge_guard_s=draw(st.sampled_from([0, 1, 49, 60])),
    )


@st.composite
def exclusive(draw: st.DrawFn, station: Station, connectors: list[Connector]) -> Station:
    own = [c.id for c in connectors if c.station == station.id]
    groups = [tuple(draw(st.permutations(own)))] if len(own) > 1 and draw(st.booleans()) else []
    return station.model_copy(update={"exclusive_groups": tuple(groups)})


@st.composite
def groups(draw: st.DrawFn, name: str, *kinds: list[Any]) -> Group:
    some = [sorted({one.id for one in draw(st.lists(st.sampled_from(things), max_size=2))}) for things in kinds]
    if not any(some):
        some[2] = [kinds[2][0].id]
    limits = draw(LIMITS)
    limits.pop("continuous_load_factor", None)
    return Group(id=name, circuits=some[0], stations=some[1], connectors=some[2], **limits)


@st.composite
def cars(draw: st.DrawFn, site: Site, grid: TimeGrid) -> list[Session]:
    found = []
    for connector in site.connectors:
        at = -300
        for turn in range(draw(st.integers(0, 2))):
            arrival = draw(st.sampled_from([*(edge for edge in grid.edges_s if edge >= at), at, at + 50]))
            at = arrival + draw(st.sampled_from([150, 600, 1000, 4000]))
            part = timedelta(microseconds=draw(st.sampled_from([0, 0, 250_000])))
            found.append(
                Session(
                    id=f"{turn}-{connector.id}",
                    connector=connector.id,
                    arrival=START + timedelta(seconds=arrival),
                    departure=START + timedelta(seconds=at) - part,
                    energy_wh=draw(st.floats(0, 3000)),
                    phases=draw(st.sampled_from([None, 1, 2, 3])),
                    max_current_a=draw(st.sampled_from([None, 10.0])),
                    milestones=draw(
                        st.sampled_from([(), ({"by": START + timedelta(seconds=at) - part, "energy_wh": 0.0},)])
                    ),
                )
            )
    return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    grid, site = draw(grids()), draw(sites())
    sessions = draw(cars(site, grid))
    slots = range(grid.slots)
    steps = {s.id: [draw(st.sampled_from([0, 0, 60, 80, 100, 160, 400])) for _ in slots] for s in sessions}
    flags = st.lists(st.tuples(st.sampled_from([s.id for s in sessions]), st.sampled_from(slots)), max_size=4)
    base = []
    for load in site.loads:
        fields = draw(series(grid, PER_LINE, cover=True))
        base.append(Forecast(id=load.id, start=fields["start"], step_s=fields["step_s"], expected_a=fields["values"]))
    limits = []
    for circuit in draw(st.lists(st.sampled_from(site.circuits), max_size=2)):
        unit = draw(st.sampled_from(["limit_a", "limit_a", "limit_va", "limit_w"]))
        fields = draw(series(grid, PER_LINE if unit == "limit_a" else POWER, cover=False))
        values = {unit: fields["values"]}
        limits.append(LimitSeries(circuit=circuit.id, start=fields["start"], step_s=fields["step_s"], **values))
    fields = draw(series(grid, st.integers(-5_000_000, 5_000_000).map(lambda n: n / 1_000_000), cover=True))
    price = PriceSeries(start=fields["start"], step_s=fields["step_s"], per_kwh=fields["values"])
    return Case(
        site,
        tuple(draw(st.permutations(sessions))),
        grid,
        steps,
        tariff=Tariff(energy=draw(st.sampled_from([price, 0.123456]))),
        limits=tuple(limits),
        forecasts=tuple(base),
        late=tuple(draw(flags)) if sessions else (),
        early=tuple(draw(flags)) if sessions else (),
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_referee_agrees_with_the_rules_read_word_for_word(case: Case) -> None:
    literal = Literal(case)
    floors = {c.id: (literal.idle(c), literal.end(c)) for c in case.site.connectors}
    report = Case(**{name: getattr(case, name) for name in Case.__dataclass_fields__} | {"floors": floors}).review()
    assert {
        (v.kind, v.subject, v.slot, v.seen) for v in report.violations if v.noun == "station" and v.line is None
    } == literal.shared_faults()
    rows = {
        (v.kind, v.subject, v.line, v.slot, v.seen, v.allowed)
        for v in report.violations
        if v.kind in ("row", "edge", "alarm_draw") and v.line
    }
    for fault in rows:
        event(str(fault[0]))
    uneven = {(v.subject, v.detail, v.slot, v.seen, v.allowed) for v in report.violations if v.kind == "unbalance"}
    event(f"unbalance: {bool(uneven)}")
    assert uneven == literal.unbalance_faults()
    assert rows == literal.faults()
    assert {
        (v.subject, v.slot) for v in report.violations if v.noun == "session" and v.kind == "edge"
    } == literal.bad_flags()
    assert not [v for v in report.violations if v.noun == "connector"]  # both floors as derived word for word
    assert report.energy_units == {
        s.id: sum(literal.energy(s, t) for t in range(case.grid.slots)) for s in case.sessions
    }
    assert report.cost_units == literal.cost()
    assert report.wanted_units == {s.id: literal.in_grid(s, s.departure, s.energy_wh) for s in case.sessions}
