"""Rooms, repairs and tangents on phasor rows against brute force; small plans against exhaustive search."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import floor
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.phasor_scenes import between, farthest, matrix, site_of, to_neutral
from tests.scenes import START, compiled, refereed

from ocpp_schedule import Scenario, Session
from ocpp_schedule.check.certificate import proven_cost_units
from ocpp_schedule.model.series import PriceSeries
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.plan import schedule
from ocpp_schedule.problem.phasors import Term, compile_rows
from ocpp_schedule.solution import Certificate, TangentPrice
from ocpp_schedule.solve.cuts import Conductors, CuttingSolver
from ocpp_schedule.solve.ladder import solve
from ocpp_schedule.solve.phasors import booked_lines, largest_steps, shrunk
from ocpp_schedule.solve.program import Outcome, Program, Solver
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.working import WorkingPlan
from ocpp_schedule.timegrid import TimeGrid

SLOT = timedelta(minutes=15)
STEP_A = 8
VOLTS = {"wye": 120, "delta": 208}
PLACE = {"L1": Decimal(0), "L2": Decimal(-120), "L3": Decimal(120)}
AHEAD = {("L1", "L2"), ("L2", "L3"), ("L3", "L1")}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@st.composite
def tiny(draw: st.DrawFn) -> Scenario:
    """At most 3 cars on 3 slots, set-points of 0, 1 or 2 steps of 8 A; a line constraint or none."""
    slots = draw(st.integers(1, 3))
    connectors, sessions = [], []
    count = draw(st.integers(1, 3))
    for k in range(count):
        low = draw(st.sampled_from([0.0, 6.0, 16.0]))
        fields: dict[str, Any] = {"min_current_a": low, "max_current_a": 16.0, "step_a": 8.0}
        wired = draw(st.sampled_from(["12", "23", "31", "21", "L1", "L123"]))
        name = f"C{k}"
        if wired.startswith("L"):
            connectors.append(to_neutral(name, *(f"L{d}" for d in wired[1:]), **fields))
        else:
            connectors.append(between(name, wired, **fields))
        arrival = draw(st.integers(0, slots - 1))
        sessions.append(
            Session(
                id=f"s{k}",
                connector=name,
                arrival=START + SLOT * arrival,
                departure=START + SLOT * draw(st.integers(arrival + 1, slots)),
                energy_wh=float(draw(st.sampled_from([0, 208, 400, 416, 832, 1664]))),
                phases=draw(st.sampled_from([None, 1, 3])),
            )
        )
    amperes = st.sampled_from([8.0, 13.9, 16.0, 24.0, 27.7, 27.8, 32.0, 42.0, 56.0])
    constraints = []
    if draw(st.booleans()):
        angles = st.sampled_from([0.0, 30.0, -90.0, 150.0, 60.0, 47.5])
        weights = st.sampled_from([1.0, -1.0, 0.25, -0.5, 0.0])
        terms = [
            (c.id, draw(weights), draw(angles)) for c in connectors for _ in range(draw(st.sampled_from([1, 1, 2])))
        ]
        constraints.append(matrix("bus", draw(st.sampled_from([4.0, 6.93, 8.0, 12.0, 16.0])), *terms))
    prices = draw(st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.31]), min_size=slots, max_size=slots))
    return Scenario(
        site=site_of(*connectors, limit_a=(draw(amperes), draw(amperes), draw(amperes)), line_constraints=constraints),
        sessions=sessions,
        tariff=Tariff(energy=PriceSeries(start=START, step_s=900, per_kwh=prices)),
        grid=TimeGrid.regular(START, SLOT, slots),
    )


@lru_cache(maxsize=200_000)
def magnitude(terms: tuple[tuple[Decimal, Decimal], ...]) -> Decimal:
    return farthest(terms)


def used_lines(scenario: Scenario, car: int) -> tuple[str, ...]:
    session = scenario.sessions[car]
    connector = next(c for c in scenario.site.connectors if c.id == session.connector)
    if connector.connection == "delta" or session.phases is None:
        return connector.lines
    return connector.lines[: session.phases]


def on_line(scenario: Scenario, car: int, line: str) -> Decimal | None:
    """Return the angle of a car's current on a line to that line's voltage; None where it has none there."""
    lines = used_lines(scenario, car)
    if line not in lines:
        return None
    connector = next(c for c in scenario.site.connectors if c.id == scenario.sessions[car].connector)
    if connector.connection == "wye":
        return Decimal(0)
    other = next(name for name in lines if name != line)
    return Decimal(30 if (line, other) in AHEAD else -30)


def fits(scenario: Scenario, amperes: tuple[int, ...]) -> bool:
    """Tell whether so many amperes per car hold on every line and constraint, whichever of the cars stop."""
    site = scenario.site
    limits = site.circuits[0].limit_a
    assert isinstance(limits, tuple)
    drawing = [(car, Decimal(current)) for car, current in enumerate(amperes) if current]
    rows = [
        (limit, [(current, angle) for car, current in drawing if (angle := on_line(scenario, car, line)) is not None])
        for line, limit in zip(("L1", "L2", "L3"), limits, strict=True)
    ]
    for constraint in site.line_constraints:
        found = []
        for car, current in drawing:
            for term in constraint.terms:
                if term.connector == scenario.sessions[car].connector and term.coefficient:
                    turn = Decimal(str(term.angle_deg)) + (180 if term.coefficient < 0 else 0)
                    found.append((abs(Decimal(str(term.coefficient))) * current, turn % 360))
        rows.append((constraint.limit_a, found))
    return all(magnitude(tuple(sorted(own))) <= Decimal(str(limit)) + Decimal("1e-20") for limit, own in rows)


def best_by_exhaustion(scenario: Scenario) -> tuple[int, int, int]:
    """Return must-have shortfall, wish shortfall [0.1 J] and cost [1e-6 / kWh x 0.1 J] of the best plan there is."""
    slots = scenario.grid.slots
    energy = scenario.tariff.energy
    assert isinstance(energy, PriceSeries)
    prices = [round(price * 1_000_000) for price in energy.per_kwh]
    options = []
    for car, session in enumerate(scenario.sessions):
        connector = next(c for c in scenario.site.connectors if c.id == session.connector)
        drawn = 1 if session.phases is None or connector.connection == "delta" else len(used_lines(scenario, car))
        first, last = (session.arrival - START) // SLOT, (session.departure - START) // SLOT
        low = max(int(-(-connector.min_current_a // STEP_A)), 1)
        levels = [0, *(k for k in (1, 2) if k >= low)]
        step_units = drawn * VOLTS[connector.connection] * 10 * STEP_A * 900
        wish = floor(session.energy_wh * 36_000)
        found = []
        for steps in product(*[levels if first <= t < last else [0] for t in range(slots)]):
            units = [k * step_units for k in steps]
            if sum(units) > wish and sum(units) >= wish + low * step_units:
                continue
            cost = sum(u * p for u, p in zip(units, prices, strict=True))
            found.append((steps, max(0, wish - sum(units)), cost))
        options.append(found)
    best: tuple[int, int, int] | None = None
    for choice in product(*options):
        value = (0, sum(one[1] for one in choice), sum(one[2] for one in choice))
        if best is not None and value >= best:
            continue
        if all(fits(scenario, tuple(one[0][t] * STEP_A for one in choice)) for t in range(slots)):
            best = value
    assert best is not None
    return best


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(scenario=tiny())
def test_plan_equals_exhaustive_search(scenario: Scenario) -> None:
    plan = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    assert tuple(stage.value for stage in plan.solution.stages) == best_by_exhaustion(scenario)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(scenario=tiny())
def test_rounding_alone_keeps_every_row(scenario: Scenario) -> None:
    solution = solve(compiled(scenario), exact_arcs=0)
    assert refereed(scenario, solution).ok
    assert tuple(stage.value for stage in solution.stages) >= best_by_exhaustion(scenario)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(scenario=tiny(), data=st.data())
def test_prices_of_tangents_never_prove_too_much(scenario: Scenario, data: st.DataObject) -> None:
    must, want, cost = best_by_exhaustion(scenario)
    place = st.one_of(
        st.tuples(st.just("circuit"), st.just("main"), st.integers(-1, 3)),
        st.tuples(st.just("line_constraint"), st.sampled_from(["bus", "none"]), st.none()),
    )
    number = st.one_of(st.integers(-(1 << 20), 1 << 20), st.sampled_from([0, 1, 1 << 20, 1 << 70]))
    prices = data.draw(
        st.lists(
            st.builds(
                lambda at, slot, along, across, price: TangentPrice(*at, slot, along, across, price),
                place,
                st.integers(-1, 3),
                number,
                number,
                st.integers(-5, 4_000_000),
            ),
            max_size=6,
        )
    )
    needs = {(session.id, None): data.draw(st.integers(0, 900_000)) for session in scenario.sessions}
    bound = proven_cost_units(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        certificate=Certificate({}, needs, tangent_prices=tuple(prices)),
        must_units=must,
        want_units=want,
    )
    assert bound <= cost


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(scenario=tiny(), turn=st.floats(0, 360))
def test_no_tangent_cuts_off_a_plan_that_fits(scenario: Scenario, turn: float) -> None:
    problem = compiled(scenario)
    assume(problem.phasors is not None and problem.cap_steps.any())
    assert problem.phasors is not None
    relaxation = relax(problem)
    conductors = Conductors(problem, problem.phasors, relaxation)
    rows, slots = (axis.ravel() for axis in np.indices(problem.phasors.headroom_ua.shape))
    direction = np.full(rows.size, np.exp(1j * np.radians(turn)))
    tangents = [conductors.first(), conductors.at(rows, slots, direction)]
    row_of = {name: at for at, name in enumerate(problem.session_ids)}
    for slot in range(problem.slots):
        for steps in product(range(3), repeat=len(scenario.sessions)):
            if not fits(scenario, tuple(step * STEP_A for step in steps)):
                continue
            values = np.zeros(relaxation.program.cost.size)
            for session, step in zip(scenario.sessions, steps, strict=True):
                at = (relaxation.arc_session == row_of[session.id]) & (relaxation.arc_slot == slot)
                values[np.flatnonzero(at)] = step
            for one in tangents:
                assert (one.matrix @ values <= one.high).all()


TERMS = st.lists(
    st.tuples(st.sampled_from([0, 30, 60, 90, 150, 200, -30]), st.sampled_from([1, 2, 4]), st.integers(0, 60)),
    min_size=2,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(terms=TERMS, limit=st.integers(0, 200))
def test_the_room_is_the_largest_step_that_fits(terms: list[tuple[int, int, int]], limit: int) -> None:
    """The first current is looked for; the others stand as drawn."""
    own = [Term(0, k, 0, Fraction(1, weight), 1, Fraction(angle)) for k, (angle, weight, _) in enumerate(terms)]
    ones = np.full((len(own), 3), 1, dtype=np.int64)
    rows = compile_rows(["bus"], own, np.array([[limit]]), ones * 100, ones * 0, ones)
    booked = np.array([[[0], [0], [0]]] + [[[current], [0], [0]] for _, _, current in terms[1:]])
    per_step = rows.sums(np.array([[[1], [0], [0]]] + [[[0]] * 3] * (len(own) - 1)))[:, :, 0]
    found = int(largest_steps(rows.form, rows.corners, rows.sums(booked), per_step, rows.limit)[0])

    def reach(steps: int) -> Decimal:
        lengths = [steps, *(current for _, _, current in terms[1:])]
        return farthest([(Decimal(n) / w, Decimal(a)) for n, (a, w, _) in zip(lengths, terms, strict=True)])

    if found < 0:
        assert reach(0) > limit - Decimal("1e-5")
    else:
        assert reach(found) <= limit + Decimal("1e-20")
        assert reach(found + 1) > limit - Decimal("1e-5")


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(scenario=tiny(), data=st.data())
def test_shrinking_lowers_until_every_row_holds(scenario: Scenario, data: st.DataObject) -> None:
    problem = compiled(scenario)
    assume(problem.phasors is not None)
    assert problem.phasors is not None
    most = data.draw(st.integers(1, 2))
    setpoints = np.minimum(problem.cap_steps, most)
    result = shrunk(problem, setpoints)
    assert (result <= setpoints).all()
    assert WorkingPlan(problem, setpoints).fits() or not problem.phasors.headroom_ua.all()
    worst = problem.phasors.worst(problem.phasors.sums(booked_lines(problem, result)))
    assert ((worst <= problem.phasors.limit) | problem.phasors.alarm).all()
    if (problem.phasors.worst(problem.phasors.sums(booked_lines(problem, setpoints))) <= problem.phasors.limit).all():
        assert (result == setpoints).all()


def test_where_nothing_separates_the_integer_program_gives_up() -> None:
    """A solver that insists on set-points beyond a conductor is not believed."""
    site = site_of(between("A", "12"), between("B", "31"), limit_a=(10.0, 100.0, 100.0))
    scenario = Scenario(
        site=site,
        sessions=[
            Session(id="a", connector="A", arrival=START, departure=START + SLOT, energy_wh=900),
            Session(id="b", connector="B", arrival=START, departure=START + SLOT, energy_wh=900),
        ],
        tariff=Tariff(energy=0.1),
        grid=TimeGrid.regular(START, SLOT, 1),
    )
    problem = compiled(scenario)
    assert problem.phasors is not None
    relaxation = relax(problem)

    class Stubborn(Solver):
        def run(self, program: Program, name: Any) -> Outcome:
            assert name == "sat"
            return Outcome("OPTIMAL", np.full(program.cost.size, 320.0), 0.0, optimal=True)

    solver = CuttingSolver(conductors=Conductors(problem, problem.phasors, relaxation), inner=Stubborn())
    whole = replace(relaxation.program, integer=np.ones(relaxation.program.cost.size, dtype=np.bool_))
    assert solver.run(whole, "sat").values is None
