"""A charging session: who is where, when, and wants how much."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _references as references
from ocpp_schedule.model._base import Amperes, Id, Model, Percent, PerPhasesA, Seconds, WattHours, raise_references
from ocpp_schedule.model._v2g_checks import session_v2g_texts
from ocpp_schedule.model.series import PricePerKwh
from ocpp_schedule.model.v2g import V2g
from ocpp_schedule.timegrid import UtcDatetime

TransactionId = (
    Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    | Annotated[str, StringConstraints(strict=True, min_length=1, max_length=36)]
)
"""An integer in OCPP 1.6, a string of at most 36 characters in 2.x."""


class Milestone(Model):
    """Energy that must be in the car by a time [Wh, counted from arrival].

    A hard milestone is a must-have and comes before every wish of every session.

    >>> from datetime import datetime, UTC
    >>> Milestone(by=datetime(2026, 1, 15, 2, tzinfo=UTC), energy_wh=2300).hard
    True
    """

    by: UtcDatetime
    energy_wh: WattHours
    hard: bool = Field(default=True, strict=True)


class TaperPoint(Model):
    """What a car takes at most once it has got some energy, or once its battery is so full [A per line].

    >>> TaperPoint(soc_percent=80.0, max_current_a=16).max_current_a
    16.0
    """

    energy_wh: WattHours | None = Field(default=None, description="got since arrival; or give soc_percent")
    soc_percent: Percent | None = None
    max_current_a: Amperes


class Session(Model):
    """One car on one connector from arrival to departure.

    ``energy_wh`` is wanted by departure, counted from arrival; of a car that was there before the grid nothing is
    known yet, so all of it is wanted within the grid. ``phases`` is what the car uses;
    None is unknown: every line for limits, one phase for energy. ``source="surplus"``: together with all
    others like it, it gets at most what generation is expected to give beyond the expected base load.
    Wishes of a higher ``priority`` come first. Energy with a ``value_per_kwh`` is taken where it costs no more than
    that; the rest is no shortfall.

    Departure and energy may be unknown (None) where ``SessionDefaults`` say what to assume then (convention 21).
    ``soc_percent`` is the state of charge at arrival. In slots whose energy price is above ``max_price_per_kwh``
    the car gets nothing. Own currents may differ by the number of phases the car uses: three values are for one,
    two and three. ``max_pauses`` and ``min_on_s`` are for cars that do not resume well: a pause is a time at 0
    between two times of charging. ``taper`` forecasts what the car draws; limits still hold for the whole permission.
    With ``v2g`` the car may be discharged meanwhile, and ``energy_wh`` is what is in its battery more by departure.

    >>> from datetime import datetime, UTC
    >>> s = Session(id="a", connector="C1", arrival=datetime(2026, 1, 15, tzinfo=UTC),
    ...             departure=datetime(2026, 1, 15, 4, tzinfo=UTC), energy_wh=5520)
    >>> s.energy_wh
    5520.0
    """

    id: Id
    connector: Id
    arrival: UtcDatetime
    departure: UtcDatetime | None = None
    energy_wh: WattHours | None = None
    milestones: tuple[Milestone, ...] = Field(default=(), max_length=100)
    min_current_a: PerPhasesA | None = None
    max_current_a: PerPhasesA | None = None
    phases: Literal[1, 2, 3] | None = None
    source: Literal["any", "surplus"] = Field(
        default="any", description="surplus: only what generation is expected to give beyond the base load"
    )
    priority: int = Field(default=0, strict=True, ge=-1000, le=1000, description="higher comes first")
    value_per_kwh: PricePerKwh | None = Field(
        default=None, description="what a kWh is worth; None: wanted at any price"
    )
    transaction_id: TransactionId | None = Field(default=None, description="set while the session is running")
    battery_wh: WattHours | None = Field(default=None, description="what the battery holds")
    soc_percent: Percent | None = Field(default=None, description="state of charge at arrival")
    taper: tuple[TaperPoint, ...] = Field(
        default=(), max_length=100, description="what the car takes as it fills, straight between points, level outside"
    )
    max_pauses: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = Field(
        default=None, description="how often charging may pause; none: any number"
    )
    min_on_s: Seconds | None = Field(default=None, description="how long charging lasts at least, once begun")
    max_price_per_kwh: PricePerKwh | None = Field(default=None, description="no energy in dearer slots")
    v2g: V2g | None = Field(default=None, description="what may be taken out of the car; None: nothing")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        texts = (*references.session_texts(self), *session_v2g_texts(self))
        raise_references(InputProblem("", text) for text in texts)
        return self


class KnownSession(Session):
    """A session whose departure and energy are known: given, or assumed from ``SessionDefaults``.

    Only a type: what makes a session known is ``problem.known`` and, for the referee, ``check.known``.
    """

    departure: UtcDatetime
    energy_wh: WattHours
