"""A plan as text and as a frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from tests.scenes import (
    HOUR,
    START,
    car,
    hours,
    outlet,
    planned,
    priced,
    scene,
    worked_plan,
    yard,
)

from ocpp_schedule import Capabilities, Forecast, Load, Station, TimeGrid


def summary(site: Any, sessions: Any, *tariff: Any, **more: Any) -> list[str]:
    return planned(scene(site, sessions, *tariff, **more)).summary().splitlines()


def line(lines: list[str], head: str) -> str:
    (found,) = (text for text in lines if text.startswith(head))
    return found


def test_worked_example() -> None:
    lines = worked_plan().summary().splitlines()
    assert lines[0] == "Plan: 2 sessions, 4 slots, 2026-01-15 00:00 to 2026-01-15 04:00 (UTC)"
    assert lines[1].startswith("Status: complete (certified); method ")
    assert line(lines, "Energy") == "Energy: 9.2 kWh of 9.2 kWh wanted"
    assert line(lines, "Cost").startswith("Cost: 1.265 EUR (no plan can cost less than 1.26")
    assert line(lines, "Uncontrolled") == "Uncontrolled: 2.024 EUR, 37.5 % saved"
    assert line(lines, "Peak") == "Peak: 5.8 kW; uncontrolled 5.5 kW"
    assert line(lines, "Fullest") == "Fullest: circuit main L1, 25.0 of 25.0 A at 01:00"
    assert lines[-4:] == [
        "",
        "session  connector  wanted kWh  given kWh  set-points over the grid",
        "a        A                5.52       5.52  | @+ |",
        "b        B                3.68       3.68  | *= |",
    ]


ONE = yard(outlet("A", max_current_a=16))
LOADED = yard(outlet("A"), loads=[Load(id="hall", circuit="main", lines=("L1",))])
OVERLOAD = {"forecasts": (Forecast(id="hall", start=START, step_s=3600, expected_a=(30.0, 0.0, 0.0, 0.0)),)}


@pytest.mark.parametrize(
    ("site", "sessions", "series", "status", "note"),
    [
        pytest.param(ONE, [car("a", "A", 0, 4, 3680)], {}, "complete", None, id="complete"),
        pytest.param(ONE, [car("a", "A", 0, 1, 5000, phases=1)], {}, "partial", "Short: a: 1,320 Wh", id="partial"),
        pytest.param(
            LOADED,
            [car("a", "A", 0, 4, 1000, phases=1)],
            OVERLOAD,
            "alarm",
            "Alarm: circuit 'main' L1, 2026-01-15T00:00Z to 2026-01-15T01:00Z: 30 A of base load exceed",
            id="alarm",
        ),
        pytest.param(
            LOADED, [car("a", "A", 0, 1, 1000, phases=1)], OVERLOAD, "alarm", "Short: a: 1,000 Wh", id="alarm and short"
        ),
        pytest.param(
            ONE, [car("a", "A", 9, 10, 1000)], {}, "complete", "Notice: session a (2026-01-15T09:00Z to", id="notice"
        ),
        pytest.param(ONE, [], {}, "complete", "no sessions", id="no sessions"),
    ],
)
def test_status_and_notes(site: Any, sessions: Any, series: Any, status: str, note: str | None) -> None:
    lines = summary(site, sessions, **series)
    assert line(lines, "Status").startswith(f"Status: {status} (")
    notes = [text for text in lines if text.startswith(("Short", "Alarm", "Notice", "no sessions"))]
    if note is None:
        assert notes == []
    else:
        assert any(text.startswith(note) for text in notes), notes


@pytest.mark.parametrize(
    ("wh", "tariff", "expected"),
    [
        pytest.param(3680, priced(0.4, 0.1, 0.2, 0.5), "Uncontrolled: 1.472 EUR, 75.0 % saved", id="cheaper"),
        pytest.param(3680, priced(0.1, 0.4, 0.4, 0.5), "Uncontrolled: 0.368 EUR, 0.0 % saved", id="no cheaper"),
        pytest.param(3680, priced(-0.1, 0.4, 0.4, 0.5), "Uncontrolled: -0.368 EUR", id="no share of a negative cost"),
        pytest.param(0, priced(0.1, 0.4, 0.4, 0.5), "Uncontrolled: 0.000 EUR", id="nothing wanted"),
    ],
)
def test_comparison_with_uncontrolled(wh: float, tariff: Any, expected: str) -> None:
    assert line(summary(ONE, [car("a", "A", 0, 4, wh, phases=1)], tariff), "Uncontrolled") == expected


def test_costs_of_different_energies_are_not_compared() -> None:
    cars = [car(name, name.upper(), 0, 1, 4600, phases=1) for name in "ab"]
    lines = summary(yard(outlet("A"), outlet("B")), cars)
    assert line(lines, "Energy") == "Energy: 5.8 kWh of 9.2 kWh wanted"
    assert line(lines, "Uncontrolled") == "Uncontrolled: 2.300 EUR for 9.2 kWh"


def test_times_are_those_of_the_site() -> None:
    site = yard(outlet("A"), time_zone="America/New_York")
    lines = summary(site, [car("a", "A", 0, 4, 3680, phases=1)])
    assert lines[0].endswith("4 slots, 2026-01-14 19:00 to 2026-01-14 23:00 (America/New_York)")
    assert line(lines, "Fullest").endswith(" at 19:00")


@pytest.mark.parametrize(
    ("steps_a", "expected"),
    [
        pytest.param((0, 0, 0, 0), "|    |", id="nothing"),
        pytest.param((16, 16, 16, 16), "|@@@@|", id="all"),
        pytest.param((0, 16, 8, 6), "| @+=|", id="shades"),
    ],
)
def test_timeline(steps_a: tuple[int, ...], expected: str) -> None:
    """The limit of the circuit is what the car gets: it wants more than there is."""
    site = yard(outlet("A", max_current_a=16), limit_a=16.0, loads=[Load(id="hall", circuit="main")])
    base = tuple(16.0 - amperes for amperes in steps_a)
    series = (Forecast(id="hall", start=START, step_s=3600, expected_a=base),)
    lines = summary(site, [car("a", "A", 0, 4, 99_999, phases=1)], forecasts=series)
    assert lines[-1].endswith(expected)


def test_timeline_of_many_slots_shows_means() -> None:
    grid = TimeGrid.regular(START, HOUR / 4, 96)  # two slots a character
    site = yard(outlet("A", max_current_a=16))
    lines = summary(site, [car("a", "A", 0, 0.25, 920, phases=1)], grid=grid)
    assert lines[-1].endswith("|" + "+" + " " * 47 + "|")


def test_long_names_and_many_sessions() -> None:
    count = 65
    connectors = [outlet(f"connector-{k:02}") for k in range(count)]
    cars = [car(f"session-{k:02}", f"connector-{k:02}", 0, 1, 0) for k in range(count)]
    lines = summary(yard(*connectors), cars)
    assert lines[-1] == "... and 5 more"
    head = next(text for text in lines if text.startswith("session "))
    assert head.index("wanted kWh") == len("session-00  connector-00  ")


def test_html_is_escaped() -> None:
    site = yard(outlet("<b>&A"))
    html = planned(scene(site, [car("<script>'\"", "<b>&A", 0, 4, 1000)]))._repr_html_()
    assert html.startswith("<pre>Plan: ")
    assert html.endswith("</pre>")
    assert "<" not in html[5:-6]
    assert "&lt;script&gt;&#x27;&quot;" in html
    assert "&lt;b&gt;&amp;A" in html


def test_repr_is_one_line() -> None:
    assert repr(worked_plan()) == "<Plan complete (certified): 2 sessions x 4 slots, cost 1.26 EUR>"


# Frames.


def test_frame_of_the_worked_example() -> None:
    frame = worked_plan().to_frame()
    assert list(frame.columns) == [
        "session",
        "connector",
        "start",
        "end",
        "limit",
        "unit",
        "expected_w",
        "energy_wh",
        "price_per_kwh",
    ]
    assert frame["session"].tolist() == ["a"] * 4 + ["b"] * 2
    assert frame["connector"].tolist() == ["A"] * 4 + ["B"] * 2
    assert frame["start"].tolist() == [START + k * HOUR for k in (0, 1, 2, 3, 1, 2)]
    assert (frame["end"] - frame["start"]).tolist() == [HOUR] * 6
    assert frame["limit"].tolist() == [0.0, 16.0, 8.0, 0.0, 9.0, 7.0]
    assert frame["unit"].tolist() == ["A"] * 6
    assert frame["expected_w"].tolist() == [0.0, 3680.0, 1840.0, 0.0, 2070.0, 1610.0]
    assert frame["energy_wh"].tolist() == [0.0, 3680.0, 1840.0, 0.0, 2070.0, 1610.0]
    assert frame["price_per_kwh"].tolist() == [0.4, 0.1, 0.2, 0.5, 0.1, 0.2]


def check_types(frame: pd.DataFrame) -> None:
    for column in ("session", "connector", "unit"):
        assert pd.api.types.is_string_dtype(frame[column]) or frame[column].dtype == object
    for column in ("start", "end"):
        dtype = frame[column].dtype
        assert isinstance(dtype, pd.DatetimeTZDtype)
        assert str(dtype.tz) == "UTC"
    for column in ("limit", "expected_w", "energy_wh", "price_per_kwh"):
        assert frame[column].dtype == "float64"


@pytest.mark.parametrize(
    "sessions",
    [
        pytest.param([car("a", "A", 0, 4, 1000)], id="one session"),
        pytest.param([], id="no sessions"),
        pytest.param([car("a", "A", 9, 10, 1000)], id="a session outside the grid"),
    ],
)
def test_frame_types(sessions: Any) -> None:
    frame = planned(scene(yard(outlet("A")), sessions)).to_frame()
    check_types(frame)
    assert len(frame) == (4 if sessions and sessions[0].arrival == START else 0)


def test_frame_in_watts_with_uneven_slots() -> None:
    station = Station(id="CP-A", circuit="main", ocpp_version="2.1", capabilities=Capabilities(rate_units=("W",)))
    site = yard(outlet("A", lines=("L1", "L2", "L3"), max_current_a=16), stations=[station])
    grid = TimeGrid(start=START, edges_s=(0, 900, 4500))
    frame = planned(scene(site, [car("a", "A", 0, 4, 99_999, phases=3)], priced(0.2, 0.4), grid=grid)).to_frame()
    assert frame["unit"].tolist() == ["W", "W"]
    assert frame["limit"].tolist() == [11_040.0, 11_040.0]  # 3 x 16 A x 230 V, in steps of 10 W
    assert frame["expected_w"].tolist() == [11_040.0, 11_040.0]
    assert frame["energy_wh"].tolist() == [2760.0, 11_040.0]
    assert frame["price_per_kwh"].tolist() == pytest.approx([0.2, (2700 * 0.2 + 900 * 0.4) / 3600])


def test_limits_are_the_decimals_that_go_on_the_wire() -> None:
    """0.1 A steps print as they are written: 0.3, not 0.30000000000000004."""
    plan = planned(scene(yard(outlet("A", min_current_a=0)), [car("a", "A", 0, 1, 69, phases=1)], grid=hours(1)))
    assert plan.limits.tolist() == [[0.3]]
