"""Updates of dynamic profiles (OCPP 2.1, K28 and K29)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocpp_schedule.profiles.full import FullProfile, ScheduleUpdate
    from ocpp_schedule.profiles.moment import Moment


def updated(profile: FullProfile, update: ScheduleUpdate, at: Moment) -> FullProfile:
    """Return a dynamic profile after an update: what it names is overwritten, the rest stays (K28.FR.06 to 09).

    Its life, the schedule's duration, counts from ``at`` again (K28.FR.13 to 15). A profile of another kind stays as
    it is: only dynamic ones are updated.
    """
    if profile.kind != "dynamic" or not profile.schedules or not profile.schedules[0].periods:
        return profile
    [schedule, *others] = profile.schedules
    [period, *later] = schedule.periods
    named = {name: value for name, value in update._asdict().items() if value is not None}
    changed = replace(schedule, periods=(period._replace(**named), *later))
    return replace(profile, schedules=(changed, *others), dyn_update_time=at)
