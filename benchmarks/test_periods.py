"""Few periods on real days: limits exact, losses within their targets."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.periods import TARGETS, days, losses, row

TOLERATED_WH = 1000.0
"""Energy of a day that few periods may miss, where up to four cars share a profile."""


@pytest.mark.parametrize(
    ("day", "most"),
    [pytest.param(4, 16, marks=pytest.mark.smoke, id="smoke")]
    + [pytest.param(k, None, id=one["prices_of"]) for k, one in enumerate(days())],
)
def test_what_few_periods_cost(day: int, most: Any) -> None:
    for found in losses(days()[day], most=most):
        print(row(found))
        assert found.periods is None or found.most <= found.periods
        target = None if found.periods is None else TARGETS[found.periods]
        assert target is None or (found.loss <= target and found.missing_wh <= TOLERATED_WH)


def test_a_negative_price_day_is_among_them() -> None:
    assert min(min(day["per_kwh"]) for day in days()) < 0
