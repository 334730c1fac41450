"""Lenient readers: one way to look at a model or at the raw data it is still to be made from.

Checks across objects must run while single fields are wrong, so they read what is there and
leave what is not (the field's own error reports that).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ocpp_schedule.timegrid import EARLIEST, LATEST

Item = tuple[str, Any]
"""Where an object stands (``sessions[0]`` or a file line), and the object."""


def read(thing: Any, name: str) -> Any:
    """Return a field of a model or of raw data; None where it is absent."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def items(thing: Any, name: str) -> list[Any]:
    """Return a list field; empty where it is absent or no list."""
    value = read(thing, name)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def text(thing: Any, name: str) -> str | None:
    """Return a text field; None where it is absent or no text."""
    value = read(thing, name)
    return value if isinstance(value, str) else None


def number(thing: Any, name: str) -> float | None:
    """Return a finite number; None otherwise."""
    value = read(thing, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def instant(thing: Any, name: str) -> datetime | None:
    """Return an aware datetime within the years we take, also from ISO 8601 text; None otherwise."""
    value = read(thing, name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return value if EARLIEST <= value < LATEST else None


def place(where: str, thing: Any) -> str:
    """Return ``where`` with the object's id in parentheses."""
    name = text(thing, "id")
    return f"{where} ({name})" if name is not None else where
