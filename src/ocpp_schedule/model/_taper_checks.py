"""Checks of a session's taper, on models or on raw data alike."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ocpp_schedule.model._raw import items, number, read

if TYPE_CHECKING:
    from collections.abc import Iterator


def taper_texts(session: object) -> Iterator[str]:
    """Yield what is inconsistent within a taper."""
    points = items(session, "taper")
    fields = []
    for index, point in enumerate(points):
        given = [name for name in ("energy_wh", "soc_percent") if read(point, name) is not None]
        if len(given) != 1:
            seen = "both" if given else "neither"
            yield f"taper[{index}] has {seen} of energy_wh and soc_percent; give one of them."
        fields.append(given[0] if len(given) == 1 else None)
    if len({field for field in fields if field}) > 1:
        yield "taper mixes energy_wh and soc_percent; give the same for all points."
    if "soc_percent" in fields and (read(session, "battery_wh") is None or read(session, "soc_percent") is None):
        yield "taper by soc_percent needs battery_wh and soc_percent of the session; add them, or give energy_wh."
    for index, (one, other) in enumerate(pairwise(points), start=1):
        for name in ("energy_wh", "soc_percent"):
            low, high = number(one, name), number(other, name)
            if low is not None and high is not None and high <= low:
                yield f"taper[{index}].{name}={high:g} is not above {low:g} of the point before; list them in order."
        before, after = number(one, "max_current_a"), number(other, "max_current_a")
        if before is not None and after is not None and after > before:
            yield f"taper[{index}].max_current_a={after:g} is above {before:g} of the point before; a taper only falls."
