"""Proofs of shortfalls against every plan there is: what is called unavoidable is missing in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from tests.explain.exhaustive import least, missing
from tests.scenes import car, compiled, outlet, planned, priced, scene, yard
from tests.solve.test_oracle import tiny

from ocpp_schedule import Circuit, Station
from ocpp_schedule.explain import shortfalls as module
from ocpp_schedule.explain.proof import SCALE, Scale
from ocpp_schedule.explain.shortfalls import find_shortfalls, missing_energy, proofs_of
from ocpp_schedule.solve.tighten import tighten

if TYPE_CHECKING:
    from ocpp_schedule import Scenario
    from ocpp_schedule.explain.proof import Proof
    from ocpp_schedule.problem.arrays import Problem

TINY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def unavoidable(problem: Problem, proof: Proof) -> int:
    """Return what the demands of the proof miss together in the plan that is best for them [0.1 J]."""
    return int(least(problem, lambda energy: missing(problem, energy)[list(proof.demands)].sum()))


def held(problem: Problem) -> bool:
    """Tell whether the problem is small enough for every plan."""
    return bool(np.prod((problem.cap_steps + 1.0).prod(axis=1)) < 60_000)


@TINY
@given(scenario=tiny())
def test_what_is_proven_is_missing_in_every_plan(scenario: Scenario) -> None:
    plan = planned(scenario)
    assume(plan.shortfalls)
    problem = plan.problem
    assume(held(problem))
    for shortfall in plan.shortfalls:
        if shortfall.proof is None:
            assert not shortfall.proven
            continue
        proven = shortfall.proof.least_units
        assert 0 < proven <= unavoidable(problem, shortfall.proof)
        assert shortfall.possible_wh == pytest.approx(shortfall.wanted_wh - proven / 36_000)
        assert shortfall.missing_wh >= proven / 36_000


@TINY
@given(scenario=tiny())
def test_single_rows_prove_without_a_solver(scenario: Scenario) -> None:
    problem = compiled(scenario)
    assume(held(problem))
    tight = tighten(problem)
    nothing = np.zeros((problem.sessions, problem.slots), dtype=np.int64)
    wanted = missing_energy(problem, nothing)
    found = module._single_rows(tight, Scale(tight), wanted)
    members = [member for proof in found for member in proof.members]
    assert len(members) == len(set(members))
    for proof in found:
        assert 0 < proof.least_units <= unavoidable(problem, proof)
    if not found:  # then the linear program finds none by one row either
        assert all(len(proof.rows) > 1 for proof in proofs_of(tight, wanted))


@TINY
@given(scenario=tiny())
def test_any_weights_and_prices_prove_no_more_than_is_so(scenario: Scenario) -> None:
    problem = compiled(scenario)
    assume(held(problem))
    tight = tighten(problem)
    chance = np.random.default_rng(problem.sessions * 100 + problem.slots)
    weight = chance.random(problem.demand_session.size)
    weight /= np.maximum(np.bincount(problem.demand_session, weight, problem.sessions), 1.0)[problem.demand_session]
    for price in (0.0, 0.0005, 0.0023, 0.0069):
        for proof in Scale(tight).proofs(weight, np.full(problem.headroom_units.shape, price)):
            assert proof.least_units <= unavoidable(problem, proof)


def test_two_limits_where_one_alone_proves_less() -> None:
    """``a`` and ``b`` share panel p, ``c`` and ``d`` panel q: each panel is short by itself, and main by more."""
    site = yard(
        *(outlet(name) for name in "ABCD"),
        circuits=[
            Circuit(id="main", limit_a=63),
            Circuit(id="p", parent="main", limit_a=25),
            Circuit(id="q", parent="main", limit_a=20),
        ],
        stations=[
            Station(id=f"CP-{name}", circuit="p" if name in "AB" else "q", ocpp_version="1.6") for name in "ABCD"
        ],
    )
    cars = [car(name, name.upper(), 0, 1, 5000, phases=1) for name in "abcd"]
    assert [str(one) for one in planned(scene(site, cars)).shortfalls] == [
        "a, b: 4,250 Wh short (a, b share 00:00-01:00; 10,000 Wh wanted, circuit p L1 gives at most 5,750)",
        "c, d: 5,400 Wh short (c, d share 00:00-01:00; 10,000 Wh wanted, circuit q L1 gives at most 4,600)",
    ]


def test_several_rows_in_one_proof() -> None:
    """A three-phase car loses hour 0 to ``b`` on L1 and hour 1 to ``c`` on L2: no single row explains it."""
    site = yard(
        outlet("A", lines=("L1", "L2", "L3")), outlet("B"), outlet("C", lines=("L2",)), limit_a=20.0, edge_guard_s=0
    )
    cars = [
        car("a", "A", 0, 2, 13_800, phases=3),
        car("b", "B", 0, 1, 4600, phases=1),
        car("c", "C", 1, 2, 4600, phases=1),
    ]
    (shortfall,) = planned(scene(site, cars)).shortfalls
    assert shortfall.limits == ("circuit main L1", "circuit main L2")
    assert shortfall.sessions == ("a", "b", "c")
    assert shortfall.missing_wh == pytest.approx(2300 * 2 * 10 / 10)
    assert "circuit main L1 and circuit main L2 give at most 18,400" in str(shortfall)


def test_the_most_violated_set_leaves_out_who_could_have_all() -> None:
    """``c`` shares the row with ``a`` and ``b`` but has hours of its own: the proof is about the other two."""
    cars = [
        car("a", "A", 0, 1, 5000, phases=1),
        car("b", "B", 0, 1, 5000, phases=1),
        car("c", "C", 0, 4, 5000, phases=1),
    ]
    (shortfall,) = planned(scene(yard(outlet("A"), outlet("B"), outlet("C"), edge_guard_s=0), cars)).shortfalls
    assert shortfall.sessions == ("a", "b")
    assert (shortfall.possible_wh, shortfall.beyond_wh) == (5750.0, 0.0)


def test_weights_of_thirds_are_exact() -> None:
    assert SCALE % 3 == SCALE % 7 == SCALE % 100_000 == 0


def test_without_a_solver_the_text_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cars = [
        car("a", "A", 0, 1, 5000, phases=1),
        car("b", "B", 0, 1, 5000, phases=1),
        car("c", "C", 1, 2, 9000, phases=1),
    ]
    plan = planned(scene(yard(outlet("A"), outlet("B"), outlet("C", max_current_a=16), edge_guard_s=0), cars))
    told = [str(one) for one in plan.shortfalls]
    monkeypatch.setitem(__import__("sys").modules, "ocpp_schedule.solve.shortage", None)
    energy = plan.setpoints * plan.problem.power_dw[:, None] * plan.problem.seconds
    assert [str(one) for one in find_shortfalls(plan.problem, plan.setpoints, energy, "UTC")] == told
    assert len(told) == 2


def test_guard_losses_beyond_a_proof_are_told() -> None:
    cars = [car("a", "A", 0, 1, 6000, phases=1), car("b", "B", 1, 2, 6000, phases=1)]
    texts = [str(one) for one in planned(scene(yard(outlet("A"), outlet("B")), cars, priced(1, 2, 3, 4))).shortfalls]
    assert texts[1].endswith("circuit main L1 gives at most 5,750; 96 Wh more lost at guarded edges)")


def test_energy_that_only_a_guarded_edge_takes() -> None:
    cars = [car("a", "A", 0, 1, 5750, phases=1), car("b", "B", 1, 2, 5750, phases=1)]
    (only,) = planned(scene(yard(outlet("A"), outlet("B")), cars)).shortfalls
    assert (only.proven, only.cause, only.possible_wh) == (False, "guard", None)
    assert str(only) == "b: 96 Wh short (b has 01:00-02:00; 5,750 Wh wanted, all of it lost at guarded edges)"
