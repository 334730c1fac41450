"""Everything that must hold across the parts of a scenario, found in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _availability_checks as available
from ocpp_schedule.model import _peak_checks as peaks
from ocpp_schedule.model import _references as references
from ocpp_schedule.model import _series_checks as series
from ocpp_schedule.model import _supply_checks as supplies
from ocpp_schedule.model._forecast_checks import forecast_texts, source_problems
from ocpp_schedule.model._objective_checks import objective_problems
from ocpp_schedule.model._raw import Item, items, place, read
from ocpp_schedule.model._storage_checks import storage_texts
from ocpp_schedule.model._v2g_checks import connector_v2g_problems, session_v2g_texts, stage_v2g_problems, v2g_texts
from ocpp_schedule.model.availability import KINDS
from ocpp_schedule.model.capabilities import capability_texts
from ocpp_schedule.model.defaults import SessionDefaults
from ocpp_schedule.model.objective import Objective
from ocpp_schedule.model.series import Forecast, LimitSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Site
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ocpp_schedule.model.scenario import Scenario


def numbered(name: str, things: Iterable[Any]) -> list[Item]:
    """Return the things with their places ``name[0]``, ``name[1]`` ..."""
    return [(f"{name}[{index}]", thing) for index, thing in enumerate(things)]


_SITE_TEXTS: Final[dict[str, Callable[[object], Iterator[str]]]] = {
    "circuits": supplies.circuit_texts,
    "groups": supplies.group_texts,
    "connectors": references.connector_texts,
    "storages": storage_texts,
}
"""By kind of object, what is inconsistent within one."""


def own_problems(
    site: object,
    sessions: list[Item],
    availability: Sequence[Item] = (),
    forecasts: Sequence[Item] = (),
    tariff: object = None,
) -> Iterator[InputProblem]:
    """Yield what constructors would refuse beyond single fields: needed on raw data only."""
    yield from references.site_problems(site, "site.")
    for name, texts_of in _SITE_TEXTS.items():
        for where, thing in numbered(f"site.{name}", items(site, name)):
            yield from (InputProblem(place(where, thing), text) for text in texts_of(thing))
    for where, station in numbered("site.stations", items(site, "stations")):
        texts = capability_texts(read(station, "capabilities"))
        yield from (InputProblem(f"{place(where, station)}.capabilities", text) for text in texts)
    for where, session in sessions:
        yield from (InputProblem(place(where, session), text) for text in references.session_texts(session))
        yield from (InputProblem(place(where, session), text) for text in session_v2g_texts(session))
        yield from (InputProblem(f"{place(where, session)}.v2g", text) for text in v2g_texts(read(session, "v2g")))
    for where, restriction in availability:
        yield from (InputProblem(where, text) for text in available.restriction_texts(restriction))
        for place_of, hours in numbered(f"{where}.hours", items(restriction, "hours")):
            yield from (InputProblem(place_of, text) for text in available.hours_texts(hours))
    for where, forecast in forecasts:
        yield from (InputProblem(place(where, forecast), text) for text in forecast_texts(forecast))
    for where, peak in numbered("tariff.peaks", items(tariff, "peaks")):
        yield from (InputProblem(place(where, peak), text) for text in peaks.peak_texts(peak))


def cross_problems(
    site: object,
    sessions: list[Item],
    tariff: object,
    grid: TimeGrid | None,
    limits: list[Item],
    forecasts: list[Item],
    availability: Sequence[Item] = (),
    session_defaults: object = None,
    objective: object = None,
) -> Iterator[InputProblem]:
    """Yield what is wrong between objects that are each right by themselves.

    Args:
        site: model or raw data, like the following.
        sessions: with their places.
        tariff: what the site pays.
        grid: None where it could not be read; checks against it are then left out.
        limits: with their places.
        forecasts: with their places.
        availability: with their places.
        session_defaults: what to assume of sessions that do not say; None: they must.
        objective: what to optimise for.
    """
    yield from references.session_problems(sessions, site)
    if session_defaults is None:
        yield from references.missing_problems(sessions)
    yield from available.availability_problems(availability, site, sessions)
    if grid is not None:
        yield from series.guard_problems(site, grid, "site.")
    yield from series.tariff_problems(tariff, grid, "tariff.")
    yield from peaks.peak_problems(tariff, grid, site, "tariff.")
    yield from source_problems(sessions, site)
    yield from series.value_problems(sessions)
    yield from objective_problems(objective, tariff, site, limits)
    yield from stage_v2g_problems(objective, limits, sessions)
    yield from connector_v2g_problems(numbered("site.connectors", items(site, "connectors")), site)
    yield from series.limit_problems(limits, site)
    yield from series.forecast_problems(forecasts, site, grid)


def scenario_problems(scenario: Scenario) -> Iterator[InputProblem]:
    """Yield what is wrong between the parts of a scenario whose parts are each right by themselves."""
    yield from cross_problems(
        scenario.site,
        numbered("sessions", scenario.sessions),
        scenario.tariff,
        scenario.grid,
        numbered("limits", scenario.limits),
        numbered("forecasts", scenario.forecasts),
        numbered("availability", scenario.availability),
        scenario.session_defaults,
        scenario.objective,
    )


def type_problems(scenario: Scenario) -> Iterator[InputProblem]:
    """Yield the parts that are no models, such as dicts; everything else is for models to check."""
    parts: list[tuple[str, object, type]] = [
        ("site", scenario.site, Site),
        ("tariff", scenario.tariff, Tariff),
        ("grid", scenario.grid, TimeGrid),
        ("objective", scenario.objective, Objective),
    ]
    lists: tuple[tuple[str, type], ...] = (("sessions", Session), ("limits", LimitSeries), ("forecasts", Forecast))
    for name, kind in lists:
        parts += [(where, thing, kind) for where, thing in numbered(name, getattr(scenario, name))]
    if scenario.session_defaults is not None:
        parts.append(("session_defaults", scenario.session_defaults, SessionDefaults))
    for where, restriction in numbered("availability", scenario.availability):
        if not isinstance(restriction, KINDS):
            names = " or ".join(kind.__name__ for kind in KINDS)
            yield InputProblem(where, f"is a {type(restriction).__name__}; build one of {names}.")
    for where, thing, kind in parts:
        if not isinstance(thing, kind):
            seen, wanted = type(thing).__name__, kind.__name__
            yield InputProblem(
                where, f"is a {seen}, not a {wanted}; build one: {wanted}(...) or {wanted}.model_validate({{...}})."
            )
