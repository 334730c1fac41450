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
MAX_SHOWN = 60
"""Characters of a value that a message repeats; a whole megabyte helps nobody."""
HUGE = 10**30
"""Integers from here on are described, not printed: Python itself refuses to print the longest."""


def read(thing: object, name: str) -> object:
    """Return a field of a model or of raw data; None where it is absent."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def items(thing: object, name: str) -> list[Any]:
    """Return a list field; empty where it is absent or no list."""
    value = read(thing, name)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def text(thing: object, name: str) -> str | None:
    """Return a text field; None where it is absent or no text."""
    value = thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)  # as ``read``, asked most often
    return value if isinstance(value, str) else None


def number(thing: object, name: str) -> float | None:
    """Return a finite number; None otherwise."""
    value = read(thing, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def instant(thing: object, name: str) -> datetime | None:
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


def shown(value: str) -> str:
    r"""Return a text as messages carry it: at most ``MAX_SHOWN`` characters, nothing a terminal would obey.

    >>> shown("C1"), shown("a\nb"), shown("x" * 200) == "x" * 60 + "..."
    ('C1', 'a\\nb', True)
    """
    cut = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "..."
    return cut if cut.isprintable() else repr(cut)[1:-1]


def quoted(value: object) -> str:
    """Return a value as messages quote it, shortened; containers by their size only.

    >>> quoted("BB"), quoted(1041), quoted([1, 2])
    ("'BB'", '1041', 'a list of 2')
    """
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "...")
    if isinstance(value, Mapping):
        return f"an object with {len(value)} field{'' if len(value) == 1 else 's'}"
    if isinstance(value, Sequence):
        return f"a list of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= HUGE:
        return f"a number of {value.bit_length() * 1233 // 4096 + 1} digits or so"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shown(repr(value))


def place(where: str, thing: object) -> str:
    """Return ``where`` with the object's id in parentheses."""
    name = text(thing, "id")
    return f"{where} ({shown(name)})" if name else where
