"""Profiles of many chargers with a loose bound; ``python -m benchmarks.wire`` compares with the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.ratios import table
from benchmarks.wire import VERSIONS, time_wire

if TYPE_CHECKING:
    from ocpp_schedule.model.site import OcppVersion

LOOSE = 3.0
"""How many times the target a shared machine may show."""


@pytest.mark.parametrize("version", [pytest.param(version, id=version) for version in VERSIONS])
@pytest.mark.parametrize("chargers", [pytest.param(100, marks=pytest.mark.smoke), 1000])
def test_wire_dicts_against_json(version: OcppVersion, chargers: int) -> None:
    ratios = time_wire(chargers, version, rounds=3)
    print(table(ratios))
    assert all(ratio.value <= LOOSE * ratio.target for ratio in ratios)
