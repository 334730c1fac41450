"""The official schemas of charging profiles, and hypothesis strategies that walk them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import ocpp
import pytest
from hypothesis import strategies as st

SCHEMAS: Final = {
    "1.6": ("v16/schemas/SetChargingProfile.json", "csChargingProfiles"),
    "2.0.1": ("v201/schemas/SetChargingProfileRequest.json", "chargingProfile"),
    "2.1": ("v21/schemas/SetChargingProfileRequest.json", "chargingProfile"),
}
ANSWERS: Final = {
    "1.6": "v16/schemas/GetCompositeScheduleResponse.json",
    "2.0.1": "v201/schemas/GetCompositeScheduleResponse.json",
    "2.1": "v21/schemas/GetCompositeScheduleResponse.json",
}
VERSIONS = pytest.mark.parametrize("version", [pytest.param(version, id=version) for version in SCHEMAS])
TIMES: Final = (
    "2026-01-15T07:30:00Z",
    "2026-01-15T07:30:00.000Z",
    "2026-01-15T07:30:00.123456789+05:45",
    "2026-03-29T02:30:00-01:00",
    "1970-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2020-01-09T17:00:00",
)


def document(version: str) -> dict[str, Any]:
    return loaded(SCHEMAS[version][0])


def answer_schema(version: str) -> dict[str, Any]:
    """Return the schema of the answer to GetCompositeSchedule."""
    return loaded(ANSWERS[version])


@lru_cache
def loaded(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(ocpp.__file__).parent / path).read_text(encoding="utf-8-sig"))
    return found


def profile_schema(version: str) -> dict[str, Any]:
    """Return the schema of the ChargingProfile inside SetChargingProfile."""
    return resolved(document(version)["properties"][SCHEMAS[version][1]], version)


def resolved(node: dict[str, Any], version: str) -> dict[str, Any]:
    if "$ref" in node:
        target: dict[str, Any] = document(version)["definitions"][node["$ref"].rsplit("/", 1)[1]]
        return target
    return node


@lru_cache
def profiles(version: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for profiles that the schema of a version allows."""
    return walked(profile_schema(version), version)


def walked(node: dict[str, Any], version: str) -> st.SearchStrategy[Any]:
    node = resolved(node, version)
    if "enum" in node:
        return st.sampled_from(node["enum"])
    kind = node["type"]
    if kind == "object":
        return an_object(node, version)
    if kind == "array":
        fewest = node.get("minItems", 0)
        return st.lists(walked(node["items"], version), min_size=fewest, max_size=max(fewest, 2))
    return a_value(kind, node)


def a_value(kind: str, node: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "integer":
        return st.integers(int(node.get("minimum", -(2**40))), int(node.get("maximum", 2**40)))
    if kind == "number":
        return a_number(node)
    if kind == "boolean":
        return st.booleans()
    if node.get("format") == "date-time":
        return st.sampled_from(TIMES)
    return st.text(max_size=min(node.get("maxLength", 20), 20))


def a_number(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "multipleOf" in node:
        return st.integers(-(10**9), 10**9).map(lambda tenths: tenths / 10)
    floats = st.floats(max_value=node.get("maximum"), allow_nan=False, allow_infinity=False)
    return st.one_of(st.integers(-(10**6), int(node.get("maximum", 10**6))), floats)


def an_object(node: dict[str, Any], version: str) -> st.SearchStrategy[dict[str, Any]]:
    parts = {name: walked(part, version) for name, part in node.get("properties", {}).items()}
    required = set(node.get("required", ()))
    made = st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )
    if node.get("additionalProperties") is False:
        return made
    extra = st.dictionaries(
        st.text(max_size=5), st.one_of(st.none(), st.booleans(), st.integers(), st.lists(st.text()))
    )
    return st.tuples(extra, made).map(lambda pair: pair[0] | pair[1])
