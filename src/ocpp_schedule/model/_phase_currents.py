"""Currents of a car that differ by the number of phases it uses, read from models or raw data alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ocpp_schedule.model._raw import items, number, read

PHASES = (1, 2, 3)


def own_currents(session: object, name: str) -> tuple[float, float, float] | None:
    """Return a session's currents for one, two and three phases; None where there are none that can be read."""
    one = number(session, name)
    if one is not None:
        return one, one, one
    given = read(session, name)
    if not isinstance(given, Sequence) or isinstance(given, str):
        return None
    found = [float(v) for v in given if isinstance(v, int | float) and not isinstance(v, bool)]
    return (found[0], found[1], found[2]) if len(found) == len(given) == len(PHASES) else None


def crossing_texts(session: object) -> Iterator[str]:
    """Yield where a car's own minimum exceeds its own maximum."""
    lows, highs = own_currents(session, "min_current_a"), own_currents(session, "max_current_a")
    if lows is None or highs is None:
        return
    alike = len(set(lows)) == len(set(highs)) == 1
    for count, low, high in zip(PHASES, lows, highs, strict=True):
        if low > high:
            phases = "" if alike else f" with {count} phase{'' if count == 1 else 's'}"
            yield (
                f"min_current_a={low:g} exceeds max_current_a={high:g}{phases}: the car could never charge. "
                "Correct one of them."
            )
            return


def own_range(session: object, connector: object) -> tuple[float | None, float | None]:
    """Return the largest minimum and the smallest maximum over the numbers of phases a car may use on a connector."""
    lines = len(items(connector, "lines")) or len(PHASES)
    phases = number(session, "phases")
    counts = range(1, lines + 1) if phases is None else (min(int(phases), lines),)
    lows, highs = own_currents(session, "min_current_a"), own_currents(session, "max_current_a")
    possible = [count - 1 for count in counts if 1 <= count <= len(PHASES)]
    if not possible:
        return None, None
    return (
        None if lows is None else max(lows[at] for at in possible),
        None if highs is None else min(highs[at] for at in possible),
    )
