"""JSON Schema of the scenario file, with the forms that only files have."""

from __future__ import annotations

from typing import Any

from ocpp_schedule.files import _csv
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.timegrid import MAX_SLOTS


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file.

    It says what each field may be; what must hold between fields, ``load_scenario`` checks.

    >>> scenario_schema()["title"]
    'Scenario'
    """
    schema = Scenario.model_json_schema()
    sessions = (
        f"CSV file beside the scenario, columns {', '.join(_csv.SESSION_REQUIRED)}; "
        f"optional {', '.join(_csv.SESSION_OPTIONAL)}"
    )
    _or(schema["properties"], "sessions", _csv_form(sessions))
    prices = f"CSV file beside the scenario, columns {', '.join(_csv.PRICE_COLUMNS)}"
    _or(schema["$defs"]["Tariff"]["properties"], "energy", _csv_form(prices, required=("step_s",), step_s=True))
    values = "CSV file beside the scenario, columns start and expected_a (or expected_a_l1, _l2, _l3) or expected_w"
    _or(schema["properties"]["forecasts"], "items", _csv_form(values, required=("id",), step_s=True))
    grid = schema["$defs"]["TimeGrid"]
    regular = {
        "type": "object",
        "description": "equal slots",
        "additionalProperties": False,
        "required": ["start", "step_s", "slots"],
        "properties": {
            "start": grid["properties"]["start"],
            "step_s": {"type": "integer", "minimum": 1},
            "slots": {"type": "integer", "minimum": 1, "maximum": MAX_SLOTS},
        },
    }
    schema["$defs"]["TimeGrid"] = {"title": "TimeGrid", "anyOf": [regular, grid]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _or(holder: dict[str, Any], name: str, form: dict[str, Any]) -> None:
    plain = holder[name]
    kept = {key: plain.pop(key) for key in ("default", "description", "title") if key in plain}
    holder[name] = {"anyOf": [*plain["anyOf"], form] if "anyOf" in plain else [plain, form], **kept}


def _csv_form(description: str, *, required: tuple[str, ...] = (), step_s: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {"csv": {"type": "string", "minLength": 1, "description": description}}
    if step_s:
        properties["step_s"] = {"type": "integer", "minimum": 1, "description": "length of each interval [s]"}
    if "id" in required:
        properties["id"] = {"type": "string", "minLength": 1, "maxLength": 100}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["csv", *required],
        "properties": properties,
    }
