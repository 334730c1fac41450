"""The bundled scenarios: they load, fit the schema, end as promised, and come from the data they name."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from ocpp_schedule import schedule
from ocpp_schedule.errors import InputError
from ocpp_schedule.files import example_names, example_path, load_scenario, scenario_from_dict, scenario_schema

if TYPE_CHECKING:
    from ocpp_schedule.plan import Plan

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
STATUS = {"workplace_day": "complete", "depot_night": "complete", "tight": "partial"}


@pytest.fixture(scope="module", params=list(STATUS))
def example(request: pytest.FixtureRequest) -> tuple[str, Plan]:
    day = load_scenario(example_path(request.param))
    return request.param, schedule(
        day.site, day.sessions, day.tariff, day.grid, limits=day.limits, forecasts=day.forecasts
    )


def test_every_example_has_a_promise() -> None:
    assert set(example_names()) == set(STATUS)


def test_an_example_ends_as_promised(example: tuple[str, Plan]) -> None:
    name, plan = example
    assert plan.status == STATUS[name]
    assert bool(plan.shortfalls) == (STATUS[name] == "partial")
    assert plan.notices == ()


def test_uncontrolled_charging_would_cost_more_and_peak_higher(example: tuple[str, Plan]) -> None:
    _, plan = example
    assert plan.cost < plan.uncontrolled.cost
    assert plan.peak_w < plan.uncontrolled.peak_w


def test_the_workplace_speaks_every_version_and_has_cars_of_every_kind() -> None:
    day = load_scenario(example_path("workplace_day"))
    assert {station.ocpp_version for station in day.site.stations} == {"1.6", "2.0.1", "2.1"}
    assert [s.id for s in day.site.stations if s.capabilities.rate_units == ("W",)] == ["CP04"]
    assert {connector.lines for connector in day.site.connectors} >= {("L1", "L2", "L3"), ("L2", "L3", "L1")}
    assert {session.phases for session in day.sessions} == {1, 2, 3, None}
    assert sum(session.transaction_id is not None for session in day.sessions) == 2
    assert 30 <= len(day.sessions) <= 50


def test_the_depot_is_full_at_six() -> None:
    night = load_scenario(example_path("depot_night"))
    assert len(night.sessions) == 20
    assert {session.departure.isoformat() for session in night.sessions} == {"2022-12-20T05:00:00+00:00"}


@pytest.mark.parametrize("name", list(STATUS))
def test_an_example_says_where_it_comes_from(name: str) -> None:
    text = (example_path(name).parent / "README.md").read_text(encoding="utf-8")
    assert "ENTSO-E" in text
    assert "Made up:" in text
    if name == "workplace_day":
        assert "CC BY 4.0" in text
        assert "moved by wall clock from 2019-10-03 in Los Angeles to 2022-10-06 in Amsterdam" in text


def test_the_script_of_the_first_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "workplace_day.py"))
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"cost +\d+\.\d\d EUR, uncontrolled +\d+\.\d\d", lines[1])
    assert re.fullmatch(r"peak +\d+\.\d kW,  uncontrolled +\d+\.\d", lines[2])
    assert re.fullmatch(r"\d+ messages; the last: [\d.]+ CP\d\d", lines[3])


def test_an_unknown_example_is_told() -> None:
    with pytest.raises(InputError, match="there is no example 'x'; there are workplace_day, depot_night, tight"):
        example_path("x")


def test_the_committed_files_are_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there; the scenarios cannot be built again")
    spec = importlib.util.spec_from_file_location("make_scenarios", ROOT / "examples" / "make_scenarios.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make_scenarios", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    made: dict[str, str] = module.build(DATA)
    folder = example_path().parents[1]
    committed = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }
    assert committed == made


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", list(STATUS))
def test_an_example_fits_the_schema(name: str, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(json.loads(example_path(name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", list(STATUS))
def test_a_scenario_without_csv_fits_the_schema_and_is_the_same(
    name: str, validator: jsonschema.Draft202012Validator
) -> None:
    loaded = load_scenario(example_path(name))
    plain = json.loads(loaded.model_dump_json())
    validator.validate(plain)
    assert scenario_from_dict(plain) == loaded


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(["sessions"], {"csv": "s.csv", "x": 1}, id="unknown-beside-csv"),
        pytest.param(["sessions"], {"csv": ""}, id="no-name"),
        pytest.param(["tariff", "energy"], {"csv": "p.csv"}, id="prices-without-step"),
        pytest.param(["forecasts"], [{"csv": "f.csv"}], id="forecast-without-id"),
        pytest.param(["grid", "slots"], 0, id="no-slot"),
        pytest.param(["site", "colour"], "red", id="unknown-field"),
    ],
)
def test_the_schema_refuses(path: list[str], value: Any, validator: jsonschema.Draft202012Validator) -> None:
    raw = json.loads(example_path().read_text(encoding="utf-8"))
    holder = raw
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    assert not validator.is_valid(raw)
