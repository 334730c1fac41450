"""JSON text to plain data, strictly: no repeated key is lost, no depth or digit count brings us down."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted, shown

MAX_PATHS: Final = 1_000
"""Repeated keys that are told by their place; the rest is only counted."""


def parse_json(text: str, name: str) -> tuple[dict[str, Any], list[InputProblem]]:
    """Return the top-level object, and a problem for each repeated key.

    ``NaN`` and ``Infinity`` come through as floats: the field that holds them refuses them by its path.

    Raises:
        InputError: the text is no JSON, too deeply nested, or no object.
    """
    repeated: list[tuple[dict[str, Any], str]] = []

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend((result, key) for key, count in counts.items() if count > 1)
        return result

    try:
        data = json.loads(text, object_pairs_hook=to_object)
    except json.JSONDecodeError as error:
        at = f"{name} line {error.lineno} column {error.colno}"
        what = "the file is empty" if not text.strip() else f"no valid JSON: {error.msg}"
        raise InputError(name, [InputProblem(at, f"{what}. Correct it there or just before.")]) from None
    except RecursionError:
        raise InputError(name, [InputProblem(name, "is nested too deeply; this is no scenario.")]) from None
    except ValueError as error:  # Python refuses to read integers of thousands of digits
        raise InputError(name, [InputProblem(name, f"has a number that is too long ({error}).")]) from None
    if not isinstance(data, dict):
        what = f"holds {quoted(data)}; a scenario is one JSON object {{...}}."
        raise InputError(name, [InputProblem(name, what)])
    return data, _repeated_problems(data, repeated)


def _repeated_problems(data: dict[str, Any], repeated: list[tuple[dict[str, Any], str]]) -> list[InputProblem]:
    """Find the objects with repeated keys again, to name their paths."""
    if not repeated:
        return []
    wanted: dict[int, list[str]] = {}
    for thing, key in repeated[:MAX_PATHS]:
        wanted.setdefault(id(thing), []).append(key)
    found: list[InputProblem] = []
    stack: list[tuple[str, Any]] = [("", data)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key in wanted.get(id(value), []):
                place = f"{path}.{shown(key)}".lstrip(".")
                found.append(InputProblem(place, "is given more than once in one object. Keep one of them."))
            stack += [(f"{path}.{shown(key)}".lstrip("."), child) for key, child in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    unnamed = len(repeated) - len(found)
    if unnamed:
        found.append(InputProblem("", f"{unnamed} more keys are given more than once. Keep one of each."))
    return found
