"""Checks of forecasts by themselves and against the site, on models or on raw data alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._raw import Item, items, place, quoted, read, text

if TYPE_CHECKING:
    from collections.abc import Iterator

FORECAST_KINDS = ("loads", "generators", "storages")
"""Devices beside stations: the ids differ among all of these, as forecasts name them."""
FIELDS = ("expected_a", "high_a", "expected_w", "high_w", "firm_w")


def expected_field(forecast: object) -> str:
    """Return the field with the expected values: in W where only those are given."""
    return "expected_w" if items(forecast, "expected_w") and not items(forecast, "expected_a") else "expected_a"


def forecast_texts(forecast: object) -> Iterator[str]:
    """Yield what is inconsistent within one forecast."""
    given = [name for name in FIELDS if read(forecast, name) is not None]
    in_a, in_w = ([name for name in given if name.endswith(unit)] for unit in ("_a", "_w"))
    if in_a and in_w:
        yield f"{in_a[0]} and {in_w[0]} are both given; a forecast is in A per line or in W in total. Drop one of them."
        return
    if "expected_a" not in given and "expected_w" not in given:
        if text(forecast, "id") is None:  # no forecast at all: its fields say so
            return
        yield "has no expected values; give expected_a (A per line) or expected_w (W in total)."
        return
    name = expected_field(forecast)
    expected = items(forecast, name)
    for other, word in (("high" + name[-2:], "below"), ("firm_w", "above")):
        values = items(forecast, other)
        if not values or not expected:
            continue
        if len(values) != len(expected):
            yield f"{other} has {len(values)} values, {name} {len(expected)}; give as many."
        yield from _order_texts(name, expected, other, values, word)


def _order_texts(name: str, expected: list[Any], other: str, values: list[Any], word: str) -> Iterator[str]:
    """Yield the first interval in which the highest is below the expected, or the firm above it."""
    for index, (likely, value) in enumerate(zip(expected, values, strict=False)):
        pairs = zip(_per_line(likely), _per_line(value), strict=True)
        if any(end < usual if word == "below" else end > usual for usual, end in pairs):
            what = "it is the highest. Raise it." if word == "below" else "it is what is certain. Lower it."
            yield f"{other}[{index}]={value!r} is {word} {name}[{index}]={likely!r}; {what}"
            return


def _per_line(value: Any) -> tuple[float, float, float]:
    """Return a value per line; zeros where it is none (its own error reports that)."""
    values = list(value) if isinstance(value, list | tuple) else [value] * 3
    numbers = [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else 0.0 for v in values]
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else (0.0, 0.0, 0.0)  # noqa: PLR2004 - three lines


def kind_problems(forecasts: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield fields that do not belong to what is forecast: high for generators, firm for loads, A for generators."""
    generators = {text(one, "id") for one in items(site, "generators")}
    loads = {text(one, "id") for one in items(site, "loads")}
    for where, forecast in forecasts:
        name = text(forecast, "id")
        if name in generators:
            for field in ("expected_a", "high_a", "high_w"):
                if read(forecast, field) is not None:
                    remedy = "give expected_w, and firm_w where some of it is certain."
                    yield InputProblem(
                        place(where, forecast), f"{field} does not belong to generator {quoted(name)}; {remedy}"
                    )
        elif name in loads and read(forecast, "firm_w") is not None and read(forecast, "expected_w") is None:
            yield InputProblem(
                place(where, forecast), f"firm_w of load {quoted(name)} needs expected_w, not A; give that, or drop it."
            )


def shared_names(kinds: dict[str, list[Item]]) -> Iterator[InputProblem]:
    """Yield objects of different kinds with one id where a forecast could mean either."""
    first: dict[str, tuple[str, str]] = {}
    for kind in FORECAST_KINDS:
        for where, thing in kinds[kind]:
            name = text(thing, "id")
            if name is None:
                continue
            other_kind, other = first.setdefault(name, (kind, where))
            if other_kind != kind:
                yield InputProblem(
                    place(where, thing), f"id {quoted(name)} is already used by {other}; give each its own."
                )


def source_problems(sessions: list[Item], site: object) -> Iterator[InputProblem]:
    """Yield sessions that wait for a surplus which no generator can give."""
    if items(site, "generators"):
        return
    for where, session in sessions:
        if text(session, "source") == "surplus":
            yield InputProblem(
                place(where, session), "source 'surplus' needs a generator; add one to the site, or drop the source."
            )
