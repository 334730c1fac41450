"""The bundled scenarios."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from ocpp_schedule.errors import InputError, InputProblem

_EXAMPLES: Final = {
    "workplace_day": "a workday at an office: 38 real sessions, 63 A, real day-ahead prices",
    "depot_night": "a night in a depot: 20 vans, full by 06:00",
    "tight": "an evening with six cars on 25 A: not every wish can be met",
}


def example_names() -> dict[str, str]:
    """Return the bundled scenarios, each with what it is.

    >>> list(example_names())
    ['workplace_day', 'depot_night', 'tight']
    """
    return dict(_EXAMPLES)


def example_path(name: str = "workplace_day") -> Path:
    """Return the scenario file of a bundled example.

    Raises:
        InputError: there is no such example.

    >>> example_path("tight").name
    'scenario.json'
    """
    if name not in _EXAMPLES:
        known = ", ".join(_EXAMPLES)
        raise InputError("the examples", [InputProblem("", f"there is no example {name!r}; there are {known}.")])
    return Path(str(files("ocpp_schedule"))) / "scenarios" / name / "scenario.json"
