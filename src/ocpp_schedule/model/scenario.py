"""A scenario: everything that ``schedule()`` needs, in one value and in one file."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ocpp_schedule.model._base import Id, Model
from ocpp_schedule.model.availability import Availability
from ocpp_schedule.model.defaults import SessionDefaults
from ocpp_schedule.model.objective import Objective
from ocpp_schedule.model.series import Forecast, LimitSeries
from ocpp_schedule.model.session import Session
from ocpp_schedule.model.site import Site
from ocpp_schedule.model.tariff import Tariff
from ocpp_schedule.timegrid import TimeGrid

MAX_SESSIONS = 100_000
INPUTS = (
    "site",
    "sessions",
    "tariff",
    "grid",
    "limits",
    "forecasts",
    "availability",
    "session_defaults",
    "held",
    "objective",
)
"""Fields of a scenario that compiler and referee start from, by the names of their parameters."""
FORMAT_VERSION = 1
MAX_STEPS: Final = 10_000_000
"""100 kA in steps of 0.1 A are a million."""
Steps = Annotated[int, Field(strict=True, ge=0, le=MAX_STEPS)]


class Scenario(Model):
    """Site, sessions, tariff and grid, with limits and forecasts; ``format_version`` names the file format.

    The fields are what ``schedule()`` takes. References between them are checked there and by the loaders.

    >>> from datetime import UTC, datetime, timedelta
    >>> from ocpp_schedule.model.site import Circuit
    >>> grid = TimeGrid.regular(datetime(2026, 1, 15, tzinfo=UTC), timedelta(hours=1), 4)
    >>> day = Scenario(site=Site(id="home", circuits=[Circuit(id="main", limit_a=25)]), tariff=Tariff(energy=0.25),
    ...                grid=grid)
    >>> day.format_version, day.sessions, day.objective.name
    (1, (), 'cheapest')
    """

    format_version: Literal[1] = 1
    title: str = Field(default="", max_length=1000, description="what this is, where it comes from")
    site: Site
    sessions: tuple[Session, ...] = Field(default=(), max_length=MAX_SESSIONS)
    tariff: Tariff
    grid: TimeGrid
    limits: tuple[LimitSeries, ...] = Field(default=(), max_length=10_000)
    forecasts: tuple[Forecast, ...] = Field(default=(), max_length=10_000)
    objective: Objective = Objective()
    availability: tuple[Availability, ...] = Field(default=(), max_length=10_000)
    session_defaults: SessionDefaults | None = Field(
        default=None, description="what to assume of sessions without departure or energy; none: those are errors"
    )

    held: dict[Id, Steps] | None = Field(
        default=None,
        max_length=MAX_SESSIONS,
        description="a plan made again: steps by session that chargers hold in the first slot, which is under way; "
        "none: nothing is under way",
    )

    def inputs(self) -> dict[str, Any]:
        """Return what compiler and referee start from."""
        return {name: getattr(self, name) for name in INPUTS}
