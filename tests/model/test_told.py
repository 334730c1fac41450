"""Steps that a station takes: coarser ones become the connectors' own, in the compiler as in the referee."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.check.cases import Case, hours, one_circuit, session
from tests.check.cases import outlet as bare
from tests.scenes import car, outlet, planned, priced, scene, yard

from ocpp_schedule import Capabilities, Site, Station, lint
from ocpp_schedule.check.pilots import as_sent
from ocpp_schedule.model.told import as_told


def station(step_a: float, **known: Any) -> Station:
    return Station(
        id="CP-A", circuit="main", ocpp_version="1.6", capabilities=Capabilities(limit_step_a=step_a, **known)
    )


def site(limit_a: float, **more: Any) -> Site:
    return yard(outlet("A", **more), stations=[station(limit_a)], edge_guard_s=0)


@given(
    st.sampled_from([0.1, 0.2, 0.25, 0.5, 1.0, 1.5, 4.0]),
    st.sampled_from([0.1, 0.3, 0.5, 1.0, 2.0]),
    st.sampled_from([None, (0.0, 6.0, 7.5, 8.0, 12.0, 16.0, 32.0)]),
)
def test_compiler_and_referee_derive_the_same_steps(limit_a: float, step_a: float, allowed: Any) -> None:
    given_ = site(limit_a, step_a=step_a, allowed_currents_a=allowed)
    [told], [sent] = as_told(given_).connectors, as_sent(given_).connectors
    assert (told.step_a, told.allowed_currents_a) == (sent.step_a, sent.allowed_currents_a)
    if allowed is None:
        assert round(told.step_a / step_a, 9).is_integer()
        assert round(told.step_a / limit_a, 9).is_integer()


def test_what_is_fine_is_left_alone() -> None:
    fine = site(0.1)
    assert as_told(fine) is fine
    assert as_sent(fine) is fine


def test_a_plan_in_whole_amperes() -> None:
    """9.2 kWh in four hours: 40 ampere-hours in whole amperes, though the connector could do tenths."""
    plan = planned(scene(site(1.0), [car("a", "A", 0, 4, 9150, phases=1)], priced(0.1, 0.3, 0.2, 0.4)))
    assert plan.setpoints.tolist() == [[25, 0, 15, 0]]
    assert plan.limits.tolist() == [[25.0, 0.0, 15.0, 0.0]]
    assert lint(plan.stacks(), {"CP-A": Capabilities(limit_step_a=1.0)}) == ()


@pytest.mark.parametrize(
    ("step_a", "more", "seen"),
    [
        pytest.param(
            5.0, {"allowed_currents_a": (0, 6, 8)}, "none of its allowed_currents_a is a multiple", id="pilots"
        ),
        pytest.param(40.0, {}, "takes steps of 40 A, and max_current_a=32 is less", id="step"),
    ],
)
def test_what_never_charges_is_an_input_error(step_a: float, more: dict[str, Any], seen: str) -> None:
    with pytest.raises(ValidationError, match=seen):
        site(step_a, **more)


def test_watts_have_no_step_in_amperes() -> None:
    assert yard(outlet("A"), stations=[station(40.0, rate_units=("W",))]).connectors[0].step_a == 0.1


def test_the_referee_counts_in_the_steps_of_the_station() -> None:
    """13 steps are 13 A, not 1.3 A: below the fuse; 26 are above it."""
    case = Case(
        site=one_circuit(bare("A"), stations=[station(1.0)]),
        sessions=(session("a", "A", 0, 4),),
        grid=hours(4),
        steps={"a": [13, 13, 13, 13]},
        floors={"A": (0, 6)},
    )
    assert case.review().ok
    over = replace(case, steps={"a": [13, 26, 13, 13]}).review()
    assert {one.kind for one in over.violations} == {"row", "edge"}


def test_watts_of_unknown_phases_lose_nothing_in_multiples_of_3_w() -> None:
    """Of three lines the third that is certain counts: 3.3 of 10 W, but 10 of 30 W."""
    loose = {"lines": ("L1", "L2", "L3"), "max_current_a": 16.0}
    stations = [Station(id="CP-A", circuit="main", ocpp_version="1.6", capabilities=Capabilities(rate_units=("W",)))]
    power = {}
    for step_w in (10, 30):
        place = yard(outlet("A", step_w=step_w, **loose), stations=stations, limit_a=60.0)
        plan = planned(scene(place, [car("a", "A", 0, 4, 4000)]))
        power[step_w] = int(plan.problem.power_dw[0]) / step_w
    assert power == {10: 3.3, 30: pytest.approx(10 / 3)}
