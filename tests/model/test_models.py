"""The models by themselves: frozen, strict, and the time grid over DST days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ocpp_schedule.model._base import REFERENCE_ERROR
from ocpp_schedule.model.availability import DailyHours, Derate, OpeningHours, Outage, Reservation
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.carriers import LimitCarrier
from ocpp_schedule.model.defaults import SessionDefaults
from ocpp_schedule.model.objective import Objective
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.series import Forecast, LimitSeries, PriceSeries
from ocpp_schedule.model.session import Milestone, Session, TaperPoint
from ocpp_schedule.model.site import Circuit, Connector, Load, Site, Station
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import MAX_SLOTS, TimeGrid, iso_utc, short_utc

START = datetime(2026, 1, 15, tzinfo=UTC)
SITE = {"id": "s", "circuits": [{"id": "main", "limit_a": 25}]}
GRID = {"start": START, "step_s": 3600, "slots": 4}
VALID: dict[type[BaseModel], dict[str, Any]] = {
    Capabilities: {},
    Circuit: {"id": "main", "limit_a": 25},
    Connector: {"id": "A", "station": "CP1", "max_current_a": 16},
    DailyHours: {"opens": "08:00", "closes": "18:00"},
    Derate: {"start": START, "end": START + timedelta(hours=1), "max_current_a": 6},
    Forecast: {"id": "hall", "start": START, "step_s": 60, "expected_a": [1, (1, 2, 3)]},
    LimitCarrier: {"key": "MaxCurrent"},
    LimitSeries: {"circuit": "main", "start": START, "step_s": 60, "limit_a": [1]},
    Load: {"id": "hall", "circuit": "main"},
    Milestone: {"by": START, "energy_wh": 1},
    Objective: {},
    OpeningHours: {"hours": [{"opens": "22:00", "closes": "06:00"}], "closed_on": ["2026-12-25"]},
    Outage: {"connector": "A", "start": START, "end": START + timedelta(hours=1)},
    PriceSeries: {"start": START, "step_s": 60, "per_kwh": [0.1]},
    Reservation: {"connector": "A", "start": START, "end": START + timedelta(hours=1)},
    Scenario: {"site": SITE, "tariff": {"energy": 0.2}, "grid": GRID},
    Session: {
        "id": "a",
        "connector": "A",
        "arrival": START,
        "departure": START + timedelta(hours=1),
        "energy_wh": 1,
    },
    SessionDefaults: {},
    Site: SITE,
    Station: {"id": "CP1", "circuit": "main", "ocpp_version": "1.6"},
    TaperPoint: {"energy_wh": 1000, "max_current_a": 16},
    Tariff: {"energy": 0.2},
    TimeGrid: GRID,
}
MODELS = [pytest.param(model, fields, id=model.__name__) for model, fields in VALID.items()]


@pytest.mark.parametrize(("model", "fields"), MODELS)
def test_is_frozen(model: type[BaseModel], fields: dict[str, Any]) -> None:
    value = model.model_validate(fields)
    name = next(iter(model.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, name, getattr(value, name))


@pytest.mark.parametrize(("model", "fields"), MODELS)
def test_refuses_unknown_fields(model: type[BaseModel], fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({**fields, "colour": "red"})


@pytest.mark.parametrize(("model", "fields"), MODELS)
def test_survives_json(model: type[BaseModel], fields: dict[str, Any]) -> None:
    value = model.model_validate(fields)
    assert model.model_validate_json(value.model_dump_json()) == value


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), "5", True, None, [], 10**400])
@pytest.mark.parametrize(
    ("model", "name"),
    [
        pytest.param(Circuit, "limit_a", id="limit_a"),
        pytest.param(Connector, "max_current_a", id="max_current_a"),
        pytest.param(Milestone, "energy_wh", id="energy_wh"),
        pytest.param(Tariff, "energy", id="energy"),
    ],
)
def test_takes_finite_numbers_only(model: type[BaseModel], name: str, bad: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**VALID[model], name: bad})


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(datetime(2026, 1, 15), id="naive"),  # noqa: DTZ001 - what is tested
        pytest.param("2026-01-15T00:00", id="naive-text"),
        pytest.param("2026-01-15", id="date"),
        pytest.param(1_768_435_200, id="seconds"),
        pytest.param(1_768_435_200.0, id="seconds-as-float"),
        pytest.param("1768435200", id="seconds-as-text"),
        pytest.param(datetime(1969, 12, 31, 23, tzinfo=UTC), id="before-1970"),
        pytest.param(datetime(2200, 1, 1, tzinfo=UTC), id="2200"),
    ],
)
@pytest.mark.parametrize(
    ("model", "name"),
    [
        pytest.param(Session, "arrival", id="arrival"),
        pytest.param(Milestone, "by", id="by"),
        pytest.param(TimeGrid, "start", id="grid"),
        pytest.param(PriceSeries, "start", id="prices"),
    ],
)
def test_takes_instants_only(model: type[BaseModel], name: str, bad: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**VALID[model], name: bad})


@pytest.mark.parametrize(
    ("model", "changes", "text"),
    [
        pytest.param(Session, {"departure": START}, "departure equals arrival", id="session"),
        pytest.param(Connector, {"min_current_a": 20.0}, "exceeds max_current_a", id="connector"),
        pytest.param(
            Site, {"loads": [{"id": "x", "circuit": "y"}]}, "loads[0] (x): circuit 'y' does not exist", id="site"
        ),
    ],
)
def test_constructors_run_the_same_checks_across_fields(
    model: type[BaseModel], changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({**VALID[model], **changes})
    [detail] = caught.value.errors()
    assert detail["type"] == REFERENCE_ERROR
    assert text in detail["msg"]


@pytest.mark.parametrize(
    ("day", "slots", "start", "end"),
    [
        pytest.param(date(2026, 3, 29), 92, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", id="spring"),
        pytest.param(date(2026, 10, 25), 100, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", id="autumn"),
        pytest.param(date(2026, 1, 15), 96, "2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z", id="plain"),
    ],
)
def test_a_local_day_has_its_real_length(day: date, slots: int, start: str, end: str) -> None:
    grid = TimeGrid.local_day(day, "Europe/Amsterdam")
    assert (grid.slots, iso_utc(grid.start), iso_utc(grid.end)) == (slots, start, end)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({**GRID, "step_s": 0}, "step_s=0; give the slot length", id="step-0"),
        pytest.param({**GRID, "step_s": True}, "step_s=True; give the slot length", id="step-bool"),
        pytest.param({**GRID, "slots": 0}, f"slots=0; give a whole number from 1 to {MAX_SLOTS}", id="no-slot"),
        pytest.param({**GRID, "slots": MAX_SLOTS + 1}, f"slots={MAX_SLOTS + 1}; give a whole", id="too-many"),
        pytest.param({"start": START, "edges_s": [1, 2]}, "edges_s starts at 1", id="first-edge"),
        pytest.param({"start": START, "edges_s": [0, 2, 2]}, "edges_s goes from 2 to 2", id="equal-edges"),
        pytest.param({**GRID, "step_s": 604_800, "slots": 10_000}, "ends after the year 2200", id="too-long"),
        pytest.param(
            {"start": START + timedelta(microseconds=1), "edges_s": [0, 1]}, "a fraction of a second", id="micro"
        ),
    ],
)
def test_a_wrong_grid_says_what_is_wrong(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TimeGrid.model_validate(fields)
    assert text in str(caught.value)


@pytest.mark.parametrize("step", [timedelta(0), timedelta(milliseconds=1500), timedelta(hours=-1)])
def test_a_regular_grid_needs_whole_seconds(step: timedelta) -> None:
    with pytest.raises(ValidationError, match="whole number of seconds"):
        TimeGrid.regular(START, step, 4)


def test_an_uneven_grid_keeps_its_edges() -> None:
    grid = TimeGrid(start=START, edges_s=(0, 900, 4500))
    assert (grid.slots, grid.shortest_s, grid.edge(2), grid.end) == (
        2,
        900,
        START + timedelta(seconds=4500),
        START + timedelta(seconds=4500),
    )
    assert grid.start_s == int(START.timestamp())


def test_a_year_of_quarters_is_a_grid() -> None:
    assert TimeGrid.regular(START, timedelta(minutes=15), 35_040).slots == 35_040


@pytest.mark.parametrize(("second", "text"), [(0, "2026-01-15T00:00Z"), (5, "2026-01-15T00:00:05Z")])
def test_short_times_show_seconds_only_where_there_are_some(second: int, text: str) -> None:
    assert short_utc(START + timedelta(seconds=second)) == text


def test_times_are_kept_in_utc() -> None:
    grid = TimeGrid.model_validate({**GRID, "start": "2026-01-15T01:00+01:00"})
    assert iso_utc(grid.start) == "2026-01-15T00:00:00Z"
