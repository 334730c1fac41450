"""What is known of a running session when its plan is made again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ocpp_schedule.model._base import Id, Model, WattHours
from ocpp_schedule.timegrid import UtcDatetime


class SessionState(Model):
    """A session as it stands: what it has got, and what its charger holds.

    ``energy_wh`` of a session always counts from arrival; ``delivered_wh`` is the part of it that was measured up to
    ``measured_at``.

    >>> from datetime import UTC, datetime
    >>> seen = datetime(2026, 1, 15, 9, 58, tzinfo=UTC)
    >>> SessionState(session="van", delivered_wh=5200, measured_at=seen).delivered_wh
    5200.0
    """

    session: Id
    delivered_wh: WattHours = Field(description="measured since arrival")
    measured_at: UtcDatetime = Field(description="when; not after `now`")
    setpoint_steps: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None = Field(
        default=None, description="what its charger holds now; None: what the plan before says"
    )
