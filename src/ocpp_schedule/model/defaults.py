"""What to assume of a car that did not say when it leaves or how much it wants (convention 21)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ocpp_schedule.model._base import Model, Percent, WattHours

STAY_S: Final = 10_800
"""Three of four cars stay longer: the lower quartile of 8,981 workplace sessions is 3.3 h (ACN-Data, Sep-Dec 2019)."""
ENERGY_WH: Final = 10_000.0
"""The median of those sessions is 9.98 kWh."""
OVERDUE_S: Final = 3600
"""A car that has outstayed may leave any time: full power for an hour, and no price to wait for."""
TARGET_PERCENT: Final = 80.0
"""What most makers recommend for daily use; fast charging slows down above."""


class SessionDefaults(Model):
    """What is assumed where a session has no ``departure`` or no ``energy_wh``; the plan says so in its notices.

    A car stays ``stay_s``, at least until its last milestone, at most until the next car of its connector. One
    that is still charging (it has a ``transaction_id``) stays at least ``overdue_s`` from the start of the grid.
    It wants what lifts its battery from ``soc_percent`` to ``target_percent``, where both are known, through
    ``efficiency``, in whole Wh; else ``energy_wh``; never less than a milestone.

    >>> SessionDefaults().stay_s, SessionDefaults(stay_s=7200).energy_wh
    (10800, 10000.0)
    """

    stay_s: Annotated[int, Field(strict=True, ge=1, le=31_622_400)] = STAY_S
    overdue_s: Annotated[int, Field(strict=True, ge=1, le=31_622_400)] = OVERDUE_S
    energy_wh: WattHours = ENERGY_WH
    target_percent: Percent = TARGET_PERCENT
    efficiency: Annotated[float, Field(strict=True, ge=0.5, le=1)] = Field(
        default=1.0, description="share of the energy that reaches the battery"
    )
