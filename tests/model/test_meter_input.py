"""What is wrong with forecasts in W, generators and peak charges is said, with what to do."""
# ruff: noqa: E501 - a row of the tables stands in one piece

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.model.test_references import GRID, car, said, site

from ocpp_schedule import Forecast, PeakCharge, PeakWindow, TimeGrid

START = datetime(2026, 1, 15, tzinfo=UTC)
SERIES = {"start": "2026-01-15T00:00Z", "step_s": 3600}


def forecast(name: str = "roof", **values: Any) -> dict[str, Any]:
    return {"id": name, **SERIES, **values}


FOUR = [1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({}, "has no expected values; give expected_a (A per line) or expected_w (W in total).", id="nothing"),
        pytest.param({"expected_a": FOUR, "high_w": FOUR}, "expected_a and high_w are both given; a forecast is in A per line or in W in total. Drop one of them.", id="both"),
        pytest.param({"expected_w": FOUR, "high_w": [1.0]}, "high_w has 1 values, expected_w 4; give as many.", id="lengths"),
        pytest.param({"expected_w": FOUR, "high_w": [2.0, 0.5, 2.0, 2.0]}, "high_w[1]=0.5 is below expected_w[1]=1.0; it is the highest. Raise it.", id="high"),
        pytest.param({"expected_w": FOUR, "firm_w": [1.0, 2.0, 0.0, 0.0]}, "firm_w[1]=2.0 is above expected_w[1]=1.0; it is what is certain. Lower it.", id="firm"),
    ],
)  # fmt: skip
def test_a_forecast_at_odds_with_itself(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as error:
        Forecast(id="roof", start=START, step_s=3600, **values)
    assert [one["msg"] for one in error.value.errors()] == [text]


@pytest.mark.parametrize(
    ("part", "forecasts", "lines"),
    [
        pytest.param({"generators": [{"id": "roof", "circuit": "attic"}]}, [forecast(expected_w=FOUR)],
            ["site.generators[0] (roof): circuit 'attic' does not exist; the site has 'main'."], id="unknown-circuit"),
        pytest.param({"generators": [{"id": "roof", "circuit": "main"}]}, [],
            ["site.generators[0] (roof): has no forecast; add one with this id (zeros are allowed)."], id="no-forecast"),
        pytest.param({"generators": [{"id": "roof", "circuit": "main"}]}, [forecast(expected_a=FOUR)],
            ["forecasts[0] (roof): expected_a does not belong to generator 'roof'; give expected_w, and firm_w where some of it is certain."], id="generator-in-a"),
        pytest.param({"loads": [{"id": "hall", "circuit": "main"}]}, [forecast("hall", firm_w=FOUR)],
            ["forecasts[0] (hall): has no expected values; give expected_a (A per line) or expected_w (W in total).",
             "forecasts[0] (hall): firm_w of load 'hall' needs expected_w, not A; give that, or drop it."], id="firm-load"),
        pytest.param({"loads": [{"id": "hall", "circuit": "main"}], "generators": [{"id": "hall", "circuit": "main"}]}, [forecast("hall", expected_w=FOUR)],
            ["site.generators[0]: id 'hall' is already used by site.loads[0]; give each its own."], id="one-id-twice"),
    ],
)  # fmt: skip
def test_generators_and_their_forecasts(part: dict[str, Any], forecasts: list[Any], lines: list[str]) -> None:
    found = said(site(**part), forecasts=forecasts)
    assert [line.replace(" (hall): id", ": id") for line in found] == lines


def test_waiting_for_a_surplus_that_cannot_be() -> None:
    assert said(site(), sessions=[car(source="surplus")]) == [
        "sessions[0] (a): source 'surplus' needs a generator; add one to the site, or drop the source."
    ]


def peak(**changes: Any) -> dict[str, Any]:
    return {"id": "p", "per_kw": 1.0, **changes}


@pytest.mark.parametrize(
    ("one", "text"),
    [
        pytest.param(peak(per_kw=0.1234567), "per_kw=0.1234567 has more than 6 decimals. Round it.", id="price"),
        pytest.param(peak(windows=[{"start": "16:10"}]), "windows[0].start=16:10:00 is no edge of a metering interval of 15 min. Move it to one, or correct interval_s.", id="window"),
    ],
)  # fmt: skip
def test_a_peak_at_odds_with_itself(one: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as error:
        PeakCharge.model_validate(one)
    assert [found["msg"] for found in error.value.errors()] == [text]
    raw = text.replace("16:10:00", "16:10")
    assert said(tariff={"energy": 0.2, "peaks": [one]}) == [f"tariff.peaks[0] (p): {raw}"]


def test_a_window_has_no_zone_of_its_own() -> None:
    with pytest.raises(ValidationError, match=r"has a time zone; windows are in the site's\. Leave it out"):
        PeakCharge(id="p", per_kw=1.0, windows=(PeakWindow(start=time(16, tzinfo=UTC)),))


def test_two_peaks_of_one_id() -> None:
    assert said(tariff={"energy": 0.2, "peaks": [peak(), peak()]}) == [
        "tariff.peaks[1] (p): id 'p' is already used by tariff.peaks[0]; give each its own."
    ]


@pytest.mark.parametrize(
    ("grid", "one", "text"),
    [
        pytest.param(TimeGrid.regular(START, timedelta(minutes=10), 6), peak(),
            "the slot from 2026-01-15T00:10Z lies across the edge of a metering interval of 15 min. Let slots start at full 15 min of the clock in UTC, with a length that divides 900 s or is a multiple of it.", id="across"),
        pytest.param(TimeGrid.regular(START + timedelta(minutes=5), timedelta(minutes=5), 6), peak(),
            "the grid starts 0:05:00 into a metering interval of 15 min. Give open_interval_wh, what it has metered so far, or start the grid with an interval.", id="under way"),
        pytest.param(GRID, peak(open_interval_wh=5.0),
            "open_interval_wh=5, but the grid starts with a metering interval; leave it out (what was metered before counts in peak_so_far_w).", id="not under way"),
    ],
)  # fmt: skip
def test_slots_and_metering_intervals_that_do_not_fit(grid: TimeGrid, one: dict[str, Any], text: str) -> None:
    prices = {"start": "2026-01-15T00:00Z", "step_s": 3600, "per_kwh": [0.2] * 24}
    assert said(tariff={"energy": prices, "peaks": [one]}, grid=grid) == [f"tariff.peaks[0] (p): {text}"]
    assert said(tariff={"energy": prices}, grid=grid) == []


@pytest.mark.parametrize("zone", ["Mars/Olympus", 5])
def test_an_unreadable_zone_is_left_to_its_own_error(zone: object) -> None:
    found = said(site(time_zone=zone), tariff={"energy": 0.2, "peaks": [peak()]})
    assert all("peaks" not in line for line in found)


def test_export_prices_cover_the_grid_and_are_not_too_fine() -> None:
    export = {"start": "2026-01-15T00:00Z", "step_s": 3600, "per_kwh": [0.1, 0.1234567]}
    assert said(tariff={"energy": 0.2, "export": export}) == [
        "tariff.export: prices end at 2026-01-15T02:00Z, the grid at 2026-01-15T04:00Z. Add the missing values.",
        "tariff.export.per_kwh[1]: 0.1234567 has more than 6 decimals. Round it.",
    ]
