"""Prices, limits and base loads onto the grid (convention 2)."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scenes import HOUR, MIDNIGHT_S, START

from ocpp_schedule import PriceSeries
from ocpp_schedule.problem.series import epoch_s, extreme_per_slot, per_line_ua, price_seconds, whole_units
from ocpp_schedule.units import round_down, round_up

SECOND = timedelta(seconds=1)


def edges(*offsets_s: int) -> Any:
    return np.array(offsets_s, dtype=np.int64) + MIDNIGHT_S


def series(*per_kwh: float, step_s: int = 3600, start_s: int = 0) -> PriceSeries:
    return PriceSeries(start=START + start_s * SECOND, step_s=step_s, per_kwh=per_kwh)


def test_midnight_in_seconds() -> None:
    assert epoch_s(START) == MIDNIGHT_S
    assert epoch_s(START - HOUR) == MIDNIGHT_S - 3600


@pytest.mark.parametrize(
    ("energy", "grid", "expected"),
    [
        pytest.param(series(0.40, 0.10), edges(0, 3600, 7200), [400_000 * 3600, 100_000 * 3600], id="slot by slot"),
        pytest.param(
            series(0.40, 0.10), edges(0, 1800, 3600, 5400), [720_000_000, 720_000_000, 180_000_000], id="coarser"
        ),
        pytest.param(
            series(0.1, 0.2, 0.3, 0.4, step_s=900),
            edges(0, 3600),
            [900 * (100_000 + 200_000 + 300_000 + 400_000)],
            id="finer",
        ),
        pytest.param(
            series(0.1, 0.2, 0.3, step_s=1000, start_s=-500),
            edges(0, 1000, 2400),
            [500 * 100_000 + 500 * 200_000, 500 * 200_000 + 900 * 300_000],
            id="unaligned",
        ),
        pytest.param(series(-0.05, 0.05), edges(1800, 5400), [0], id="negative and positive cancel"),
        pytest.param(series(-0.05), edges(0, 3600), [-50_000 * 3600], id="negative"),
        pytest.param(series(0.123456), edges(0, 3600), [123_456 * 3600], id="six decimals"),
        pytest.param(
            series(0.1, 0.2, 0.3, start_s=-3600), edges(0, 3600), [200_000 * 3600], id="starts before, ends after"
        ),
        pytest.param(0.25, edges(0, 900, 3600), [250_000 * 900, 250_000 * 2700], id="flat"),
        pytest.param(-0.05, edges(0, 900), [-50_000 * 900], id="flat and negative"),
        pytest.param(0.0, edges(0, 900), [0], id="free"),
        pytest.param(0.29, edges(0, 1), [290_000], id="0.29 is no binary fraction"),
    ],
)
def test_price_seconds(energy: PriceSeries | float, grid: Any, expected: list[int]) -> None:
    found = price_seconds(energy, grid)
    assert found.tolist() == expected
    assert found.dtype == np.int64


@st.composite
def covered(draw: st.DrawFn) -> tuple[PriceSeries, list[int]]:
    """A grid of seconds, and a series that covers it."""
    offsets = [0]
    for length in draw(st.lists(st.integers(1, 40), min_size=1, max_size=6)):
        offsets.append(offsets[-1] + length)
    step_s, before = draw(st.integers(1, 50)), draw(st.integers(0, 60))
    count = -(-(offsets[-1] + before) // step_s) + draw(st.integers(0, 2))
    micros = draw(st.lists(st.integers(-2_000_000, 2_000_000), min_size=count, max_size=count))
    return series(*[micro / 1_000_000 for micro in micros], step_s=step_s, start_s=-before), offsets


@given(covered())
def test_price_seconds_are_the_sum_over_every_second(case: tuple[PriceSeries, list[int]]) -> None:
    energy, offsets = case
    lead = round((START - energy.start) / SECOND)
    per_second = [round(energy.per_kwh[(lead + s) // energy.step_s] * 1_000_000) for s in range(offsets[-1])]
    slow = [sum(per_second[a:b]) for a, b in pairwise(offsets)]
    assert price_seconds(energy, edges(*offsets)).tolist() == slow


@pytest.mark.parametrize(
    ("amperes", "up", "expected"),
    [
        pytest.param([16.1], False, 16_100_000, id="16.1 is no binary fraction"),
        pytest.param([16.1], True, 16_100_000, id="16.1, up"),
        pytest.param([16.123_456_7], False, 16_123_456, id="a limit goes down"),
        pytest.param([16.123_456_1], True, 16_123_457, id="a load goes up"),
        pytest.param([0.000_000_4], False, 0, id="next to nothing, down"),
        pytest.param([0.000_000_4], True, 1, id="next to nothing, up"),
        pytest.param([100_000.0], False, 100_000_000_000, id="the largest"),
        pytest.param([99_999.9], True, 99_999_900_000, id="large and written"),
    ],
)
def test_per_line_ua(amperes: list[float], up: bool, expected: int) -> None:
    assert per_line_ua(amperes, up=up).tolist() == [[expected]] * 3


def test_per_line_ua_mixes_single_values_and_lines() -> None:
    found = per_line_ua([10.0, (1.0, 2.0, 3.0)], up=False)
    assert found.tolist() == [[10_000_000, 1_000_000], [10_000_000, 2_000_000], [10_000_000, 3_000_000]]


@st.composite
def partly_covered(draw: st.DrawFn) -> tuple[list[int], int, int, list[int]]:
    offsets = [0]
    for length in draw(st.lists(st.integers(1, 30), min_size=1, max_size=6)):
        offsets.append(offsets[-1] + length)
    values = draw(st.lists(st.integers(0, 99), min_size=1, max_size=6))
    return values, draw(st.integers(-80, 80)), draw(st.integers(1, 40)), offsets


@given(case=partly_covered(), highest=st.booleans())
def test_extreme_per_slot_is_the_extreme_of_what_touches(
    case: tuple[list[int], int, int, list[int]], highest: bool
) -> None:
    values, start_s, step_s, offsets = case
    outside = -1 if highest else 1000
    slow = []
    for begin, end in pairwise(offsets):
        touching = [
            value
            for k, value in enumerate(values)
            if any(begin <= s < end for s in range(start_s + k * step_s, start_s + (k + 1) * step_s))
        ]
        slow.append((max if highest else min)(touching, default=outside))
    found = extreme_per_slot(
        np.array([values, [2 * v for v in values], values], dtype=np.int64),
        MIDNIGHT_S + start_s,
        step_s,
        edges(*offsets),
        highest=highest,
        outside=outside,
    )
    assert found[0].tolist() == slow == found[2].tolist()
    assert found[1].tolist() == [2 * value if value != outside else outside for value in slow]


@given(
    st.one_of(
        st.floats(0, 1e5),
        st.integers(0, 10**8).map(lambda n: n / 1000),
        st.integers(0, 10**8).flatmap(lambda n: st.sampled_from([np.nextafter(n / 1000, 0.0), n / 1000 * 0.7 / 0.7])),
        st.floats(0, 1e-6),
    ),
    st.sampled_from([1_000_000, 36_000]),
    st.booleans(),
)
def test_values_are_the_decimals_that_are_written(value: float, units_per: int, up: bool) -> None:
    rounded = round_up if up else round_down
    assert whole_units(np.array([value]), units_per, up=up).tolist() == [rounded(float(value), units_per)]
