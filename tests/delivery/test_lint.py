"""What of a plan a charger cannot take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_schedule.delivery.lint import lint
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule, Layer, ProfileStack

START = datetime(2026, 1, 15, tzinfo=UTC)


def stack(*limits: int, unit: Any = "A", phases: tuple[int, ...] = (3,)) -> ProfileStack:
    """Return a stack of an idle floor and a session plan with these limits [0.1 A]."""
    periods = tuple(ChargingPeriod(900 * k, limit, phases[min(k, len(phases) - 1)]) for k, limit in enumerate(limits))
    floor = ChargingProfile(
        1, "tx_default_profile", "absolute", 0, None, ChargingSchedule(START, unit, (ChargingPeriod(0, 0, 3),))
    )
    plan = ChargingProfile(2, "tx_profile", "absolute", 1, 7, ChargingSchedule(START, unit, periods))
    return ProfileStack("CP1", "1.6", "A", 1, (Layer("idle_floor", (), floor), Layer("session", ("car",), plan)))


@pytest.mark.parametrize(
    ("given", "known", "broken"),
    [
        pytest.param(stack(160, 0, 60), Capabilities(), [], id="all is well"),
        pytest.param(stack(160), Capabilities(rate_units=("W",)), ["rate_units", "rate_units"], id="unit"),
        pytest.param(stack(160, 60, 160), Capabilities(max_periods=2), ["max_periods"], id="periods"),
        pytest.param(stack(160), Capabilities(stack_levels=(0,)), ["stack_levels"], id="levels"),
        pytest.param(stack(160), Capabilities(purposes=("tx_default_profile",)), ["purposes"], id="purpose"),
        pytest.param(stack(160), Capabilities(kinds=("relative",)), ["kinds", "kinds"], id="kind"),
        pytest.param(stack(165), Capabilities(limit_step_a=1.0), ["limit_step_a"], id="whole amperes"),
        pytest.param(stack(165), Capabilities(limit_step_a=0.5), [], id="half amperes"),
        pytest.param(stack(1605, unit="W"), Capabilities(rate_units=("W",), limit_step_a=1.0), [], id="W has no step"),
        pytest.param(stack(160, 0, 160), Capabilities(pause="min_current"), ["pause"], id="no pause"),
        pytest.param(stack(0, 160), Capabilities(pause="min_current"), [], id="a late start is no pause"),
        pytest.param(stack(*[160, 60] * 20), Capabilities(max_message_bytes=500), ["max_message_bytes"], id="bytes"),
        pytest.param(stack(160), Capabilities(max_profiles=1), ["max_profiles"], id="profiles"),
        pytest.param(
            stack(160, 60, phases=(3, 1)), Capabilities(number_phases="omit"), ["number_phases"], id="phases change"
        ),
    ],
)
def test_each_capability_has_its_misfit(given: ProfileStack, known: Capabilities, broken: list[str]) -> None:
    found = lint([given], {"CP1": known})
    assert [misfit.capability for misfit in found] == broken
    assert all("cannot be expressed on" in str(misfit) for misfit in found)


def test_the_evidence_stands_in_the_text() -> None:
    known = Capabilities().with_values({"max_periods": 1}, "advertised")
    assert str(lint([stack(160, 60)], {"CP1": known})[0]) == (
        "this plan cannot be expressed on connector 'A', session layer: "
        "2 periods, it takes 1; plan on a coarser grid (max_periods, advertised)"
    )


def test_stations_that_are_not_named_are_not_judged() -> None:
    assert lint([stack(165)], {"CP2": Capabilities(limit_step_a=1.0)}) == ()


def test_a_message_that_cannot_be_written_is_no_matter_of_bytes() -> None:
    odd = stack(160)
    text = replace(odd.layers[1].profile, transaction_id="text")
    broken = replace(odd, layers=(odd.layers[0], replace(odd.layers[1], profile=text)))
    known = {"CP1": Capabilities(max_message_bytes=395)}
    assert [misfit.layer for misfit in lint([odd], known)] == ["session"]
    assert lint([broken], known) == ()
