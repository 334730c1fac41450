"""Scenarios with one thing changed: a limit raised, a departure moved, wishes lowered."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, TOTAL, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from ocpp_schedule.model.scenario import Scenario

RAISED: Final[dict[str, tuple[str, str]]] = {
    "circuit": ("circuits", "limit_a"),
    "station": ("stations", "max_current_a"),
    "connector": ("connectors", "max_current_a"),
    "group": ("groups", "limit_a"),
}
"""Where the current limit of each kind of thing stands."""
TOTALS: Final = ("limit_va", "limit_w")
VA_PER_NOTCH: Final = 100
"""Limits in VA and W go up by so much at a time, limits in A by 0.1 A."""


def limit_of(scenario: Scenario, noun: str, name: str, channel: int) -> tuple[float, str] | None:
    """Return the limit on a channel of a circuit, station, connector or group, and its unit; None where it has none."""
    collection, field = RAISED[noun]
    thing = next(one for one in getattr(scenario.site, collection) if one.id == name)
    if channel >= TOTAL:
        given = [(limit, field[6:].upper()) for field in TOTALS if (limit := getattr(thing, field, None)) is not None]
        return min(given, default=None)
    value = getattr(thing, field)
    return None if value is None else (value[channel] if isinstance(value, tuple) else value, "A")


def has_series(scenario: Scenario, noun: str, name: str) -> bool:
    """Tell whether a limit series holds for the circuit, too."""
    return noun == "circuit" and any(series.circuit == name for series in scenario.limits)


def raised(scenario: Scenario, noun: str, name: str, channels: Collection[int], notches: int) -> Scenario:
    """Return the scenario with a limit raised; limit series on the circuit go up with it.

    Args:
        scenario: what was planned.
        noun: ``circuit``, ``station``, ``connector`` or ``group``.
        name: its id.
        channels: the lines to raise of a limit that is given per line (another one goes up on all lines), or the
            total, which raises the limits in VA and W.
        notches: by how much [0.1 A, or 100 VA or W].
    """
    total = any(channel >= TOTAL for channel in channels)
    more = Fraction(notches * VA_PER_NOTCH) if total else Fraction(notches, DECIAMPERES_PER_AMPERE)

    def up(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, tuple):
            return tuple(_plus(part, more) if line in channels else part for line, part in enumerate(value))
        return _plus(value, more)

    def lifted(thing: Any, fields: Collection[str]) -> Any:
        return thing.model_copy(update={field: up(getattr(thing, field)) for field in fields})

    def lifted_series(series: Any) -> Any:
        given = {field: getattr(series, field) for field in (TOTALS if total else ("limit_a",))}
        return series.model_copy(
            update={
                field: tuple(up(value) for value in values) for field, values in given.items() if values is not None
            }
        )

    collection, field = RAISED[noun]
    fields = TOTALS if total else (field,)
    things = tuple(lifted(one, fields) if one.id == name else one for one in getattr(scenario.site, collection))
    limits = tuple(
        lifted_series(series) if noun == "circuit" and series.circuit == name else series for series in scenario.limits
    )
    site = scenario.site.model_copy(update={collection: things})
    return scenario.model_copy(update={"site": site, "limits": limits})


def _plus(value: float, more: Fraction) -> float:
    return float(exact(value) + more)


def later(scenario: Scenario, name: str, until: datetime, milestone: int | None) -> Scenario:
    """Return the scenario with a session that stays until ``until``, or with a milestone moved there."""
    leaves = departure_of(scenario, name)

    def moved(session: Any) -> Any:
        if milestone is None:
            return session.model_copy(update={"departure": until})
        goals = tuple(
            goal.model_copy(update={"by": until}) if at == milestone else goal
            for at, goal in enumerate(session.milestones)
        )
        return session.model_copy(update={"milestones": goals, "departure": max(leaves, until)})

    sessions = tuple(moved(one) if one.id == name else one for one in scenario.sessions)
    return scenario.model_copy(update={"sessions": sessions})


def departure_of(scenario: Scenario, name: str) -> datetime:
    """Return when a session leaves; one that does not say so stays for the whole grid."""
    return next(session.departure for session in scenario.sessions if session.id == name) or scenario.grid.end


def stays_at_most(scenario: Scenario, name: str) -> datetime:
    """Return until when a session could stay: the grid's end, or before the next car at its connector."""
    own = next(session for session in scenario.sessions if session.id == name)
    leaves = departure_of(scenario, name)
    followers = [
        other.arrival
        for other in scenario.sessions
        if other.connector == own.connector and other.id != name and other.arrival >= leaves
    ]
    return min([scenario.grid.end, *followers])


def lowered(scenario: Scenario, less_wh: Mapping[str, float]) -> Scenario:
    """Return the scenario with lower wishes and milestones: what is to be had goes down by so much [Wh]."""

    def lower(session: Any) -> Any:
        less = exact(less_wh.get(session.id, 0.0))
        if not less:
            return session
        wish = max(float(exact(session.energy_wh) - less), 0.0)
        goals = tuple(
            goal.model_copy(update={"energy_wh": max(min(goal.energy_wh, float(exact(goal.energy_wh) - less)), 0.0)})
            for goal in session.milestones
        )
        return session.model_copy(update={"energy_wh": wish, "milestones": goals})

    return scenario.model_copy(update={"sessions": tuple(lower(session) for session in scenario.sessions)})


def minutes(span: timedelta) -> float:
    """Return a span in minutes."""
    return span / timedelta(minutes=1)
