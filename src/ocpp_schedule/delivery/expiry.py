"""When a message is too late (convention 25)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

from ocpp_schedule.timegrid import iso_utc

if TYPE_CHECKING:
    from datetime import datetime

    from ocpp_schedule.profiles.model import Layer, ProfileStack
    from ocpp_schedule.timegrid import TimeGrid


def expires_at(layer: Layer, stack: ProfileStack, grid: TimeGrid) -> str | None:
    """Return from when on a layer must not be sent any more, where nothing is known of what is installed.

    A floor or cap may always be sent. A plan raises first where it lies above the idle floor: at the end of that slot
    the plan has not happened as it was made. One that raises nothing is over with the grid.

    >>> from datetime import UTC, datetime
    >>> from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile, ChargingSchedule, Layer, ProfileStack
    >>> from ocpp_schedule.timegrid import TimeGrid
    >>> grid = TimeGrid.regular(datetime(2026, 1, 15, tzinfo=UTC), timedelta(hours=1), 4)
    >>> def layer(name, *periods):
    ...     times = ChargingSchedule(datetime(2026, 1, 14, 23, 59, tzinfo=UTC), "A", periods)
    ...     return Layer(name, (), ChargingProfile(1, "tx_default_profile", "absolute", 0, None, times))
    >>> floor = layer("idle_floor", ChargingPeriod(0, 60))
    >>> plan = layer("plan", ChargingPeriod(0, 0), ChargingPeriod(3660, 90))
    >>> stack = ProfileStack("CP1", "1.6", "A", 1, (floor, plan))
    >>> expires_at(floor, stack, grid), expires_at(plan, stack, grid)
    (None, '2026-01-15T02:00:00Z')
    """
    schedule = layer.profile.schedule
    if not layer.session_ids and layer.name not in {"plan", "session"}:
        return None
    floor = max(
        (
            period.limit_tenths
            for one in stack.layers
            if one.name == "idle_floor"
            for period in one.profile.schedule.periods
        ),
        default=0,
    )
    for period in schedule.periods:
        if period.limit_tenths > floor and schedule.start is not None:
            return iso_utc(end_of_slot(schedule.start + timedelta(seconds=period.start_s), grid))
    return iso_utc(grid.end)


def end_of_slot(at: datetime, grid: TimeGrid) -> datetime:
    """Return the end of the slot that holds an instant; before the grid that of the first, after it the grid's."""
    after_s = (at - grid.start) // timedelta(seconds=1)
    return grid.edge(min(max(bisect_right(grid.edges_s, after_s), 1), grid.slots))
