"""docs/scenario.md against the models and the loader: fields, defaults, bounds, examples, messages."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, get_args

import pytest
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo
from tests.pages import ROOT, blocks, section

import ocpp_schedule
from ocpp_schedule import InputError, load_scenario, schedule
from ocpp_schedule.cli import EXIT_BAD_INPUT, EXIT_FAULT, EXIT_INTERRUPTED
from ocpp_schedule.cli._commands import EXIT_DONE, EXIT_WISHES_MISSED, commands
from ocpp_schedule.errors import MAX_PROBLEMS_SHOWN
from ocpp_schedule.files import MARKER, _csv, _text, scenario_from_dict
from ocpp_schedule.files._output import _LAYERS
from ocpp_schedule.model import _base
from ocpp_schedule.model.scenario import MAX_SESSIONS
from ocpp_schedule.model.series import PricePerKwh
from ocpp_schedule.timegrid import MAX_SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "scenario.md"
TEXT = PAGE.read_text(encoding="utf-8")
MODELS: dict[str, type[BaseModel]] = {
    name: model
    for name in ocpp_schedule.__all__
    if isinstance(model := getattr(ocpp_schedule, name), type) and issubclass(model, BaseModel)
}


def fields(model: str) -> dict[str, list[str]]:
    """Return the cells behind each field name in a model's table."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section(PAGE, f"### {model}"), flags=re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in rows}


def bounds(part: object) -> Iterator[float]:
    """Yield every bound in a field's annotation, those of the kinds of values apart."""
    if part in {_base.Id, _base.Amperes, _base.PerLineA, _base.Watts, _base.WattHours, PricePerKwh}:
        return
    if isinstance(part, FieldInfo):
        for one in (part.annotation, *part.metadata):
            yield from bounds(one)
    elif isinstance(part, Ge | Le):
        yield float(str(part.ge if isinstance(part, Ge) else part.le))
    elif isinstance(part, MinLen | MaxLen):
        yield part.min_length if isinstance(part, MinLen) else part.max_length
    elif isinstance(part, StringConstraints):
        yield from (limit for limit in (part.min_length, part.max_length) if limit is not None)
    else:
        for one in (*get_args(part), *getattr(part, "__metadata__", ())):
            yield from bounds(one)


def has_number(text: str, number: float) -> bool:
    return re.search(rf"(?<![\d,.]){re.escape(f'{number:,.15g}')}(?!\d|[,.]\d)", text) is not None


def of_a_kind(takes: str) -> bool:
    """Tell whether the row names a kind of values, whose bounds stand in the table of kinds."""
    return re.match(r"(id|current|power|energy|per line)\b", takes) is not None


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_every_model_is_there_with_its_default(name: str) -> None:
    told = fields(name)
    assert sorted(told) == sorted(MODELS[name].model_fields)
    for field, info in MODELS[name].model_fields.items():
        default = info.get_default()
        if info.is_required():
            expected = "required"
        elif default is None:
            expected = "none"
        else:
            expected = "`{}`" if isinstance(default, BaseModel) else f"`{json.dumps(default, default=str)}`"
        assert told[field][1] == expected, f"{name}.{field}"


@pytest.mark.parametrize("name", MODELS)
def test_bounds_of_fields_are_told(name: str) -> None:
    told = fields(name)
    for field, info in MODELS[name].model_fields.items():
        if of_a_kind(told[field][0]):
            continue
        for bound in bounds(info):
            lower_by_nature = bound == 0 and "text" in told[field][0]
            assert lower_by_nature or has_number(told[field][0], bound), f"{name}.{field}: {bound}"


@pytest.mark.parametrize(
    ("kind", "alias"),
    [
        pytest.param("id", _base.Id, id="id"),
        pytest.param("current", _base.Amperes, id="current"),
        pytest.param("power", _base.Watts, id="power"),
        pytest.param("energy", _base.WattHours, id="energy"),
        pytest.param("price", PricePerKwh, id="price"),
    ],
)
def test_bounds_of_kinds_are_told(kind: str, alias: Any) -> None:
    [row] = re.findall(rf"^\| {kind} \| (.*) \|$", section(PAGE, "## Kinds of values"), flags=re.MULTILINE)
    found = [bound for mark in alias.__metadata__ for bound in bounds(mark)]
    assert len(found) == 2
    assert all(has_number(row, bound) for bound in found)


def test_sizes_are_told() -> None:
    sizes = section(PAGE, "## Sizes")
    assert f"| one file | {_text.MAX_FILE_BYTES // 10**6} MB |" in sizes
    assert f"together | {_text.MAX_TOTAL_BYTES // 10**6} MB |" in sizes
    assert f"| sessions | {MAX_SESSIONS:,} |" in sizes
    assert f"| {MAX_SLOTS:,} (" in sizes
    assert f"At most {MAX_PROBLEMS_SHOWN} problems are printed" in TEXT


def example() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(blocks(PAGE, "json")[0].text)
    return data


def write_csv_form(folder: Path, **changes: str) -> Path:
    """Write the example with the parts of the page that name CSV files, and those files."""
    data = example() | json.loads(blocks(PAGE, "json")[1].text)
    (folder / "scenario.json").write_text(json.dumps(data), encoding="utf-8")
    files = {block.file: block.text for block in blocks(PAGE, "csv") if block.file}
    for name, text in (files | changes).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "scenario.json"


def test_the_example_is_planned_and_sent() -> None:
    scenario = scenario_from_dict(example())
    plan = schedule(
        scenario.site, scenario.sessions, scenario.tariff, scenario.grid,
        limits=scenario.limits, forecasts=scenario.forecasts,
    )  # fmt: skip
    assert plan.status == "complete"
    assert len(plan.to_ocpp()) == 5  # three idle floors, one running and one coming session


def test_the_csv_form_holds_the_same_sessions(tmp_path: Path) -> None:
    scenario = load_scenario(write_csv_form(tmp_path))
    plain = scenario_from_dict(example())
    assert [s.id for s in scenario.sessions] == [s.id for s in plain.sessions]
    assert scenario.sessions[1] == plain.sessions[1]
    assert scenario.forecasts[0].expected_a == ((6.0, 8.0, 7.0), (4.0, 4.0, 4.0))
    assert scenario.forecasts[0].high_a == (11.0, 6.0)


def test_csv_columns_are_told() -> None:
    rows = dict(
        re.findall(
            r"^\| (sessions|prices|forecast) \| (.*) \|$", section(PAGE, "## CSV beside the file"), flags=re.MULTILINE
        )
    )
    required, optional = (re.findall(r"`(\w+)`", cell) for cell in rows["sessions"].split(" | "))
    assert (tuple(required), tuple(optional)) == (_csv.SESSION_REQUIRED, _csv.SESSION_OPTIONAL)
    assert tuple(re.findall(r"`(\w+)`", rows["prices"])) == _csv.PRICE_COLUMNS
    assert [name for name in re.findall(r"`(\w+)`", rows["forecast"]) if "_a" in name] == [
        f"{field}{line}" for field in ("expected_a", "high_a") for line in ("", "_l1", "_l2", "_l3")
    ]


def set_at(*path: Any, to: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        target: Any = data
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = to

    return change


JSON_MISTAKES = {
    "a text for a number": set_at("site", "circuits", 0, "limit_a", to="63 A"),
    "a misspelt field": set_at("site", "connectors", 0, "max_curent_a", to=16),
    "an unknown circuit": set_at("site", "circuits", 1, "parent", to="Main"),
    "circuits in a ring": set_at("site", "circuits", 0, "parent", to="panel"),
    "an idle floor that no charger can give": set_at("site", "idle_floor_a", to=4),
    "a time without zone": set_at("sessions", 0, "arrival", to="2026-01-15T16:30"),
    "two cars at once": set_at("sessions", 1, "connector", to="A1"),
    "a transaction id of the other version": set_at("sessions", 0, "transaction_id", to=1041),
    "a wrong unit": set_at("sessions", 0, "energy_wh", to=22e9),
    "prices that end early": set_at(
        "tariff", "energy", to={"start": "2026-01-15T15:00Z", "step_s": 3600, "per_kwh": [0.3, 0.2]}
    ),
    "a load without forecast": set_at("forecasts", to=[]),
    "slots too short for the guard": set_at("grid", "step_s", to=100),
}
CSV_MISTAKES = {
    "a decimal comma in CSV": ("sessions.csv", ",22000,", ',"22000,5",'),
    "semicolons in CSV": ("prices.csv", ",", ";"),
    "a gap in CSV": ("prices.csv", "2026-01-15T19:00:00+01:00,0.29\n", ""),
}


def promised() -> dict[str, str]:
    return dict(re.findall(r"^\| (.*?) \| `(.*)` \|$", section(PAGE, "## What bad input gets"), flags=re.MULTILINE))


def test_every_promised_message_is_tried() -> None:
    assert sorted(promised()) == sorted([*JSON_MISTAKES, *CSV_MISTAKES])


@pytest.mark.parametrize("mistake", JSON_MISTAKES)
def test_a_mistake_in_json_gets_the_promised_message(mistake: str) -> None:
    data = deepcopy(example())
    JSON_MISTAKES[mistake](data)
    with pytest.raises(InputError) as caught:
        scenario_from_dict(data, "scenario.json")
    assert promised()[mistake] in str(caught.value).split("\n")


@pytest.mark.parametrize("mistake", CSV_MISTAKES)
def test_a_mistake_in_csv_gets_the_promised_message(mistake: str, tmp_path: Path) -> None:
    name, old, new = CSV_MISTAKES[mistake]
    [right] = [block.text for block in blocks(PAGE, "csv") if block.file == name]
    assert old in right
    with pytest.raises(InputError) as caught:
        load_scenario(write_csv_form(tmp_path, **{name: right.replace(old, new)}))
    assert promised()[mistake] in str(caught.value).split("\n")


def test_output_files_are_told() -> None:
    folder = section(PAGE, "## Output folder")
    assert all(f"`{name}`" in folder for name in (*_LAYERS.values(), "plan.json", "summary.txt", MARKER))


def test_exit_codes_and_options_are_told() -> None:
    codes = re.findall(r"^\| (\d+) \|", section(PAGE, "## Exit codes"), flags=re.MULTILINE)
    known = [EXIT_DONE, EXIT_WISHES_MISSED, EXIT_BAD_INPUT, EXIT_FAULT, EXIT_INTERRUPTED]
    assert [int(code) for code in codes] == known
    options = [option for parameter in commands.commands["plan"].params for option in parameter.opts if "--" in option]
    assert len(options) == 5
    assert all(option in TEXT for option in options)
