"""What pydantic refuses, in words: the path, the value seen, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel, ValidationError

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._base import REFERENCE_ERROR
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.model.availability import KINDS
from ocpp_schedule.model.scenario import Scenario

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from ocpp_schedule.files._places import Places, Tokens

_PER_LINE: Final = "one number for every line, or a list of three (L1, L2, L3)"
_PER_PHASES: Final = "one number, or a list of three (for one, two and three phases)"
_ALTERNATIVES: Final = {
    "limit_a": _PER_LINE,
    "expected_a": _PER_LINE,
    "high_a": _PER_LINE,
    "min_current_a": _PER_PHASES,
    "max_current_a": _PER_PHASES,
    "energy": "one price, a series with start, step_s and per_kwh, or a file with csv and step_s",
    "transaction_id": "an integer (OCPP 1.6), or a text of 1 to 36 characters (OCPP 2.x)",
}
"""Fields that take more than one form."""
_AVAILABILITY: Final = [str(kind.model_fields["kind"].default) for kind in KINDS]
_ISO: Final = "write ISO 8601 with zone, like 2026-01-15T07:30:00+01:00"


def field_problems(error: ValidationError, data: Mapping[str, Any], places: Places) -> Iterator[InputProblem]:
    """Yield what is wrong with single fields; checks across fields are left to the raw data.

    Args:
        error: what the model said.
        data: the scenario as plain data.
        places: where its parts come from.
    """
    unions: dict[Tokens, list[tuple[str, Tokens, ErrorDetails]]] = {}
    for detail in error.errors(include_url=False):
        path, branch, rest = _split(detail["loc"], data, missing=detail["type"] == "missing")
        if places.is_unread(path) or detail["type"] == REFERENCE_ERROR or _is_consequence(detail):
            continue
        if branch is None:
            yield _problem(path, _text(detail, path), data, places)
        else:
            unions.setdefault(path, []).append((branch, rest, detail))
    for path, group in unions.items():
        yield from _union_problems(path, group, data, places)


def _split(loc: Tokens, data: object, *, missing: bool) -> tuple[Tokens, str | None, Tokens]:
    """Split a pydantic location at the label of a union's branch: path before, label, path after."""
    value = data
    for position, token in enumerate(loc):
        if isinstance(value, Mapping) and token in value:
            value = value[str(token)]
        elif (
            isinstance(value, Sequence) and not isinstance(value, str) and isinstance(token, int) and token < len(value)
        ):
            value = value[token]
        elif missing and position == len(loc) - 1:
            break
        else:
            return loc[:position], str(token), loc[position + 1 :]
    return loc, None, ()


def _is_consequence(detail: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because its items are wrong."""
    seen = detail["input"]
    return (
        detail["type"] == "too_short"
        and isinstance(seen, Sequence)
        and len(seen) >= int(detail.get("ctx", {}).get("min_length", 0))
    )


def _union_problems(
    path: Tokens, group: list[tuple[str, Tokens, ErrorDetails]], data: Mapping[str, Any], places: Places
) -> Iterator[InputProblem]:
    """Yield what is wrong with the form that was meant, or name the forms where none was."""
    seen = _at(path, data)
    meant = [(rest, detail) for branch, rest, detail in group if _is_meant(branch, seen)]
    incomplete = isinstance(seen, Sequence) and any(detail["type"] in {"missing", "too_long"} for _, detail in meant)
    if not meant or incomplete:
        name = next(str(token) for token in reversed(path) if isinstance(token, str))
        forms = _ALTERNATIVES.get(name, "another form")
        yield _problem(path, f"{quoted(seen)} is not possible; give {forms}.", data, places)
        return
    for rest, detail in meant:
        yield _problem((*path, *rest), _text(detail, (*path, *rest)), data, places)


def _is_meant(branch: str, seen: object) -> bool:
    label = branch.removeprefix("constrained-")
    if isinstance(seen, bool) or seen is None:
        return False
    if isinstance(seen, str):
        return label == "str"
    if isinstance(seen, Mapping):
        return label[0].isupper() or label == seen.get("kind")
    if isinstance(seen, Sequence):
        return label.startswith("tuple")
    return label in {"float", "int"}


def _at(path: Tokens, data: Mapping[str, Any]) -> object:
    value: Any = data
    for token in path:
        value = value[token]
    return value


def _problem(path: Tokens, text: str, data: Mapping[str, Any], places: Places) -> InputProblem:
    where, column = places.where(path, data)
    return InputProblem(where or places.source, f"{column} {text}" if column else text)


def _text(detail: ErrorDetails, path: Tokens) -> str:
    kind, seen = detail["type"], detail["input"]
    if kind in _PLAIN:
        return f"{quoted(seen)} {_PLAIN[kind]}."
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{quoted(seen)} {words.format(detail.get('ctx', {}).get(name))}."
    if kind in _SPECIAL:
        return _SPECIAL[kind](detail, path)
    if kind.startswith(("datetime", "date_")):
        return f"{quoted(seen)} is no time ({detail['msg'].rpartition(', ')[2]}); {_ISO}."
    return f"{quoted(seen)} is not possible: {detail['msg']}."


_PLAIN: Final = {
    "finite_number": "is not a finite number; give one",
    "string_type": "is no text; put it in quotes",
    "string_unicode": "has characters that are no Unicode text; write it anew",
    "bool_type": "is neither true nor false; give one of them, without quotes",
    "tuple_type": "is no list; write [ ... ]",
    "model_type": "is no object; write { ... }",
    "model_attributes_type": "is no object; write { ... }",
    "dict_type": "is no object; write { ... }",
    "timezone_aware": "has no time zone; append Z for UTC, or an offset like +01:00",
}
_BOUNDS: Final = {
    "greater_than_equal": ("is below {0:.15g}; give at least {0:.15g}", "ge"),
    "less_than_equal": ("is above {0:.15g}, the most that is taken; check the unit", "le"),
    "literal_error": ("is not possible; give {0}", "expected"),
}


def _no_number(detail: ErrorDetails, _: Tokens) -> str:
    seen = detail["input"]
    if isinstance(seen, str):
        return f"{quoted(seen)} is a text; write a number, without quotes and with a decimal point."
    if isinstance(seen, int) and not isinstance(seen, bool):
        return f"{quoted(seen)} is too large; check the unit."
    if detail["type"] == "int_type" and isinstance(seen, float):
        return f"{quoted(seen)} is no whole number; give one."
    return f"{quoted(seen)} is no number; give one."


def _length(detail: ErrorDetails, _: Tokens) -> str:
    kind, seen, bounds = detail["type"], detail["input"], detail.get("ctx", {})
    least, most = bounds.get("min_length"), bounds.get("max_length")
    if kind == "string_too_short":
        return "is empty; give at least one character."
    if kind == "string_too_long":
        return f"{quoted(seen)} has {len(seen)} characters; give at most {most}."
    items = f"{len(seen)} item{'' if len(seen) == 1 else 's'}"
    return f"has {items}; give at {f'least {least}' if kind == 'too_short' else f'most {most}'}."


def _pattern(detail: ErrorDetails, path: Tokens) -> str:
    seen = quoted(detail["input"])
    if path[-1] in {"opens", "closes"}:
        return f"{seen} is no time of day; write it like '07:30' ('24:00' is the end of the day)."
    if path[-1] == "currency":
        return f"{seen} is no currency code; write ISO 4217, like 'EUR'."
    return f"{seen} has control characters (line break, tab); take them out."


def _own_words(detail: ErrorDetails, _: Tokens) -> str:
    words = detail["msg"].removeprefix("Value error, ")
    return words if words.endswith((".", "?")) else f"{words}."


def _unknown_field(detail: ErrorDetails, path: Tokens) -> str:
    known = list(_model_at(detail["loc"][:-1]).model_fields)
    known += ["step_s", "slots"] if path[0] == "grid" else []
    close = get_close_matches(str(path[-1]), known, n=2)
    if close:
        return f"unknown field; did you mean {' or '.join(map(repr, close))}?"
    return f"unknown field; leave it out. Known here: {', '.join(known)}."


def _model_at(path: Tokens) -> type[BaseModel]:
    """Return the model whose fields stand at a location of the scenario; labels of a union's branches choose."""
    model: type[BaseModel] = Scenario
    forms: list[type[BaseModel]] = []
    for token in path:
        if isinstance(token, str):
            info = model.model_fields.get(token)
            if info:
                forms = list(_models_in(info.annotation))
                model = next(iter(forms), model)
            else:
                model = next((form for form in forms if _kind_of(form) == token), model)
    return model


def _kind_of(model: type[BaseModel]) -> object:
    info = model.model_fields.get("kind")
    return info.default if info else None


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


_SPECIAL: Final[dict[str, Callable[[ErrorDetails, Tokens], str]]] = {
    "extra_forbidden": _unknown_field,
    "missing": lambda _detail, _path: "is missing; add it.",
    "float_type": _no_number,
    "int_type": _no_number,
    "too_short": _length,
    "too_long": _length,
    "string_too_short": _length,
    "string_too_long": _length,
    "string_pattern_mismatch": _pattern,
    "value_error": _own_words,
    "union_tag_not_found": lambda _detail, _path: f"has no kind; add one of {', '.join(_AVAILABILITY)}.",
    "union_tag_invalid": lambda detail, _path: (
        f"kind {quoted(detail['ctx']['tag'])} is not known; give one of {', '.join(_AVAILABILITY)}."
    ),
}
