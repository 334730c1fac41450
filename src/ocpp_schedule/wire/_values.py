"""Single values: from JSON to neutral and back, exact, bounded, never raising."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ocpp_schedule.profiles.moment import Moment, read_moment

LARGEST_INTEGER: Final = 2**63 - 1
MAX_DIGITS: Final = 400
"""Every float fits; what has more digits before or after the point is an attack, no limit."""
MAX_TEXT: Final = 10_000
MAX_SHOWN: Final = 40
MAX_DEPTH: Final = 32
MAX_NODES: Final = 100_000
"""The largest lawful price schedule (1024 stacks of 8 rules of 4 rationals) has about 70,000 values."""


class Unreadable(NamedTuple):
    """Why a value cannot be read; ``code`` is the OCPP-J error that a station answers with."""

    what: str
    code: str = "TypeConstraintViolation"


def read_integer(value: object) -> int | Unreadable:
    """Return a whole number; JSON knows no difference between 60 and 60.0."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        return Unreadable(f"{shown(value)} is no whole number")
    if abs(value) > LARGEST_INTEGER:
        return Unreadable("a whole number beyond 64 bits", "PropertyConstraintViolation")
    return value


def read_number(value: object) -> Decimal | Unreadable:
    """Return the decimal that is written, never the binary fraction behind it."""
    if type(value) is float or type(value) is int or (type(value) is Decimal and not value.is_snan()):
        return read_decimal(value)
    return Unreadable(f"{shown(value)} is no number")


@lru_cache(maxsize=8192, typed=True)
def read_decimal(value: float | Decimal) -> Decimal | Unreadable:
    """Return the decimal of what is known to be a number."""
    if type(value) is int and abs(value) >= 10**MAX_DIGITS:
        return Unreadable("a number of more than 400 digits", "PropertyConstraintViolation")
    found = Decimal(repr(value)) if type(value) is float else Decimal(value)
    if not found.is_finite():
        return Unreadable(f"{shown(value)} is no finite number", "PropertyConstraintViolation")
    exponent = found.as_tuple().exponent
    if isinstance(exponent, int) and (exponent < -MAX_DIGITS or found.adjusted() > MAX_DIGITS):
        return Unreadable("a number of more than 400 digits", "PropertyConstraintViolation")
    return found


def read_decimals(values: list[float]) -> list[Decimal] | None:
    """Return the decimals of floats and integers; None where one of them cannot be read."""
    floats = [value for value in values if type(value) is float]
    if not all(map(math.isfinite, floats)):
        return None
    if len(floats) < len(values) and max(abs(value) for value in values if type(value) is int) > LARGEST_INTEGER:
        return None
    return list(map(Decimal, map(repr, values)))


@lru_cache(maxsize=8192)
def write_number(value: Decimal) -> float | int | Decimal:
    """Return what JSON writes: a float where its shortest text is this decimal, else the whole number or decimal."""
    near = float(value)
    if math.isfinite(near) and Decimal(repr(near)) == value:
        return near
    return int(value) if value == value.to_integral_value() else value


def read_text(value: object) -> str | Unreadable:
    """Return a text of a length that no lawful field exceeds."""
    if type(value) is not str:
        return Unreadable(f"{shown(value)} is no text")
    if len(value) > MAX_TEXT:
        return Unreadable(f"a text of {len(value)} characters", "PropertyConstraintViolation")
    return value


def read_boolean(value: object) -> bool | Unreadable:
    """Return true or false."""
    return value if type(value) is bool else Unreadable(f"{shown(value)} is neither true nor false")


def read_time(value: object) -> Moment | Unreadable:
    """Return an instant with its text."""
    found = read_moment(value) if type(value) is str else None
    return Unreadable(f"{shown(value)} is no instant like 2026-01-15T07:30:00Z") if found is None else found


def read_json(value: object) -> Any | Unreadable:
    """Return a copy of plain JSON values that are not interpreted."""
    if type(value) is not dict and type(value) is not list:
        return Unreadable(f"{shown(value)} is neither an object nor an array")
    left = [MAX_NODES]
    return _copied(value, MAX_DEPTH, left)


def _copied(value: Any, depth: int, left: list[int]) -> Any | Unreadable:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        return Unreadable("nested too deeply, or too large", "PropertyConstraintViolation")
    if value is None or type(value) in {bool, str}:
        return value
    if type(value) in {int, float, Decimal}:
        found = read_number(value)
        return found if isinstance(found, Unreadable) else value
    if type(value) is list or type(value) is dict:
        return _copied_inside(value, depth - 1, left)
    return Unreadable(f"{shown(value)} is no JSON value")


def _copied_inside(value: list[Any] | dict[Any, Any], depth: int, left: list[int]) -> Any | Unreadable:
    if len(value) > left[0]:
        return Unreadable("nested too deeply, or too large", "PropertyConstraintViolation")
    if isinstance(value, list):
        made = [_copied(part, depth, left) for part in value]
        return next((part for part in made if isinstance(part, Unreadable)), made)
    if not all(type(key) is str for key in value):
        return Unreadable("an object whose keys are no texts")
    held = {key: _copied(part, depth, left) for key, part in value.items()}
    return next((part for part in held.values() if isinstance(part, Unreadable)), held)


def shown(value: object) -> str:
    """Return a value for a message, short whatever it is."""
    if value is None or type(value) is bool:
        return "null" if value is None else str(value).lower()
    if type(value) is float:
        return repr(value)
    if type(value) is str:
        return repr(value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…")
    if type(value) is int and abs(value) <= LARGEST_INTEGER:
        return str(value)
    return f"a value of type {type(value).__name__}"
