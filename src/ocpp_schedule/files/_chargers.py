"""The bundled records of known chargers, and your own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.files._json import parse_json
from ocpp_schedule.files._text import Budget, read_text
from ocpp_schedule.model._raw import items, read
from ocpp_schedule.model.chargers import ChargerRecord

MAX_RECORDS: Final = 10_000
FORMAT_VERSION: Final = 1


def known_chargers(path: str | Path | None = None) -> tuple[ChargerRecord, ...]:
    """Return the bundled records, followed by those of a file of your own, which win.

    Args:
        path: a JSON file of the same form, docs/chargers.md; None: the bundled ones alone.

    Raises:
        InputError: the file cannot be read; everything that is wrong with it is named.

    >>> any(record.vendor == "Huawei*" for record in known_chargers())
    True
    """
    bundled = _read(Path(str(files("ocpp_schedule"))) / "chargers" / "known.json")
    return bundled if path is None else bundled + _read(Path(path))


def _read(path: Path) -> tuple[ChargerRecord, ...]:
    data, problems = parse_json(read_text(path, Budget()), path.name)
    if problems:
        raise InputError(path.name, problems)
    if read(data, "format_version") != FORMAT_VERSION:
        what = f"is no record of chargers with format_version {FORMAT_VERSION}."
        raise InputError(path.name, [InputProblem("format_version", what)])
    listed = items(data, "chargers")
    if len(listed) > MAX_RECORDS:
        raise InputError(path.name, [InputProblem("chargers", f"{len(listed)} records; at most {MAX_RECORDS}.")])
    try:
        return tuple(TypeAdapter(list[ChargerRecord]).validate_python(listed, strict=False))
    except ValidationError as error:
        problems = [
            InputProblem(f"chargers{_place(detail['loc'])}", detail["msg"])
            for detail in error.errors(include_url=False)
        ]
        raise InputError(path.name, problems) from None


def _place(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
