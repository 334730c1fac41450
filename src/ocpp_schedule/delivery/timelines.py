"""A profile as a step function of time: what it may allow from when on (convention 25)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.profiles.full import FullPeriod, FullProfile, FullSchedule
from ocpp_schedule.profiles.moment import moment
from ocpp_schedule.timegrid import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.model import ChargingPeriod, ChargingProfile

NO_LIMIT: Final = 10**9
"""Stands where nothing limits [0.1 A or 0.1 W]: above every limit that a charger knows."""
SILENT: Final = -1
"""Stands where a profile says nothing."""
EVER: Final = -(2**40)
"""Second from which a constant profile holds."""
NOISE: Final = Decimal("0.01")
"""How far ten times a limit may be from a whole number and count as it: float noise of a station."""
DECIMAL_SHIFT: Final = 10


class Timeline(NamedTuple):
    """What a profile allows: from ``starts_s[k]`` on ``tenths[k]``, the last for ever; before the first it is silent.

    Attributes:
        unit: of the limits.
        starts_s: increasing [s since 1970].
        tenths: 0.1 A or 0.1 W; ``NO_LIMIT`` where nothing limits, ``SILENT`` where it says nothing.
        phases: ``numberPhases`` by period.
        exact: True: it does exactly this; False: at most this, and it may fall silent at any time.
    """

    unit: RateUnit
    starts_s: tuple[int, ...]
    tenths: tuple[int, ...]
    phases: tuple[int | None, ...]
    exact: bool

    def at(self, second: int) -> int:
        """Return what holds at an instant [0.1 A or 0.1 W]."""
        place = bisect_right(self.starts_s, second) - 1
        return self.tenths[place] if place >= 0 else SILENT

    def phases_at(self, second: int) -> int | None:
        """Return the phases stated at an instant."""
        place = bisect_right(self.starts_s, second) - 1
        return self.phases[place] if place >= 0 else None

    def after(self, second: int) -> list[tuple[int, int, int | None]]:
        """Return what it says from an instant on: start, limit and phases, equal neighbours merged.

        A pause is a pause on any number of phases.

        >>> Timeline("A", (0, 60, 120), (100, 0, 0), (3, 1, 3), True).after(70)
        [(70, 0, None)]
        """
        first = max(bisect_right(self.starts_s, second) - 1, 0)
        found: list[tuple[int, int, int | None]] = []
        for start, tenths, phases in zip(self.starts_s[first:], self.tenths[first:], self.phases[first:], strict=True):
            stated = None if tenths <= 0 else phases
            if not found or found[-1][1:] != (tenths, stated):
                found.append((max(start, second), tenths, stated))
        return found


def unknown(unit: RateUnit) -> Timeline:
    """Return what counts for a profile that nobody can read."""
    return Timeline(unit, (EVER,), (NO_LIMIT,), (None,), exact=False)


def full(profile: ChargingProfile) -> FullProfile:
    """Return a profile of ours as one that may be installed."""
    schedule = profile.schedule
    periods = tuple(map(_whole_period, schedule.periods))
    start = None if schedule.start is None else moment(schedule.start)
    whole = FullSchedule(schedule.unit, periods, start=start)
    return FullProfile(profile.id, profile.stack_level, profile.purpose, profile.kind, (whole,), profile.transaction_id)


def _whole_period(one: ChargingPeriod) -> FullPeriod:
    """Return a period as ``wire`` writes it; where a car gives energy back (convention 26) with its set-point."""
    plain = FullPeriod(one.start_s, Decimal(one.limit_tenths) / DECIMAL_SHIFT, one.phases)
    if one.setpoint_tenths is None:
        return plain
    given = Decimal(one.setpoint_tenths) / DECIMAL_SHIFT
    return plain._replace(setpoint=given, discharge_limit=given, operation_mode="central_setpoint")


def planned(profile: ChargingProfile) -> Timeline:
    """Return a profile of ours over time; not exact where a car gives energy back, so that it is sent anew."""
    schedule = profile.schedule
    gives = any(period.setpoint_tenths is not None for period in schedule.periods)
    start_s = EVER if schedule.start is None else (schedule.start - EARLIEST) // timedelta(seconds=1)
    starts = tuple(start_s + period.start_s for period in schedule.periods)
    if len(starts) == 1 and (profile.kind == "relative" or start_s == 0):
        starts = (EVER,)
    return Timeline(
        schedule.unit,
        starts,
        tuple(period.limit_tenths for period in schedule.periods),
        tuple(period.phases for period in schedule.periods),
        exact=not gives
        and profile.kind in {"absolute", "relative"}
        and (len(starts) == 1 or profile.kind == "absolute"),
    )


def timeline(profile: FullProfile, now_s: int) -> Timeline:
    """Return what an installed profile allows from ``now_s`` on.

    Exact for what a plan is made of: absolute times, or one limit for ever, without an end. Of anything else
    (recurrences, durations, validity, delays, set-points) only the highest limit counts, all the time: it is either
    replaced or somebody else's.
    """
    schedule = profile.schedules[0] if profile.schedules else None
    if schedule is None or not schedule.periods or _over(profile, schedule, now_s):
        return Timeline("A" if schedule is None else schedule.unit, (EVER,), (SILENT,), (None,), exact=False)
    tenths = [_tenths(period) for period in schedule.periods]
    values = tuple(value for value, _ in tenths)
    if not _plain(profile, schedule, now_s):
        return Timeline(schedule.unit, (EVER,), (max(values),), (None,), exact=False)
    anchor_s = EVER if profile.kind == "relative" or schedule.start is None else schedule.start.utc_s
    if len(values) == 1 and anchor_s == 0:
        anchor_s = EVER
    starts = tuple(anchor_s + period.start_s for period in schedule.periods)
    phases = tuple(period.phases for period in schedule.periods)
    return Timeline(schedule.unit, starts, values, phases, exact=all(whole for _, whole in tenths))


def _over(profile: FullProfile, schedule: FullSchedule, now_s: int) -> bool:
    """Tell whether it will never speak again."""
    if profile.valid_to is not None and profile.valid_to.utc_s < now_s:
        return True
    ends = profile.kind == "absolute" and schedule.start is not None and not schedule.use_local_time
    if not ends or schedule.duration_s is None or schedule.start is None:
        return False
    return schedule.start.utc_s + schedule.duration_s <= now_s


def _plain(profile: FullProfile, schedule: FullSchedule, now_s: int) -> bool:
    """Tell whether its periods are all there is to it."""
    begun = profile.valid_from is None or profile.valid_from.utc_s <= now_s
    starts = [period.start_s for period in schedule.periods]
    timed = profile.kind == "absolute" and schedule.start is not None and not schedule.use_local_time
    constant = profile.kind == "relative" and len(starts) == 1
    return (
        begun
        and (timed or constant)
        and len(profile.schedules) == 1
        and not any(one is not None for one in (profile.valid_to, profile.max_offline_s, profile.recurrency))
        and not any(one is not None for one in (schedule.duration_s, schedule.min_charging_rate, schedule.limit_at_soc))
        and not schedule.randomized_delay_s
        and starts[0] == 0
        and all(map(int.__lt__, starts, starts[1:]))
        and all(not any(value is not None for value in period[3:-1]) for period in schedule.periods)
    )


def _tenths(period: FullPeriod) -> tuple[int, bool]:
    """Return the highest limit of a period in tenths, rounded up, and whether it is that number."""
    given = [value for value in (period.limit, period.limit_l2, period.limit_l3) if value is not None]
    if period.limit is None or not given:
        return NO_LIMIT, True
    highest = max(given) * DECIMAL_SHIFT
    if highest < 0 or highest >= NO_LIMIT:
        return NO_LIMIT, True
    near = round(highest)
    return (near, True) if abs(highest - near) <= NOISE else (ceil(highest), False)


def lower_of(wanted: Timeline, held: list[Timeline], otherwise: int, now_s: int) -> Timeline:
    """Return the lower of what is wanted and of what may be held, from ``now_s`` on.

    Args:
        wanted: of ours.
        held: candidates; where none of them says anything ``otherwise`` counts for them.
        otherwise: the idle floor [0.1 A or 0.1 W].
        now_s: what was before does not matter.

    >>> new, old = Timeline("A", (0, 60), (80, 160), (1, 3), True), Timeline("A", (0, 90), (100, 60), (3, 3), True)
    >>> lower_of(new, [old], 0, 30).after(30)
    [(30, 80, 1), (60, 100, 3), (90, 60, 3)]
    """
    instants = sorted({now_s, *_later(wanted, now_s), *(at for one in held for at in _later(one, now_s))})
    tenths, phases = [], []
    for at in instants:
        most = max((one.at(at) for one in held), default=SILENT)
        tenths.append(min(wanted.at(at), otherwise if most == SILENT else most))
        phases.append(wanted.phases_at(at))
    return Timeline(wanted.unit, tuple(instants), tuple(tenths), tuple(phases), exact=True)


def _later(one: Timeline, now_s: int) -> Iterator[int]:
    return (at for at in one.starts_s if at > now_s)


def shortened(periods: list[tuple[int, int, int | None]], most: int | None) -> list[tuple[int, int, int | None]]:
    """Return periods (start, limit, phases), at most so many, nowhere above what they were.

    Each time the two neighbours are put together that lose least.

    >>> shortened([(0, 100, 3), (60, 90, 3), (120, 0, 3)], 2)
    [(0, 90, 3), (120, 0, 3)]
    """
    kept = list(periods)
    while most is not None and len(kept) > most:
        ends = [*(start for start, _, _ in kept[1:]), kept[-1][0] + 1]
        losses = []
        for place in range(len(kept) - 1):
            one, other = kept[place], kept[place + 1]
            low = min(one[1], other[1])
            first_s, second_s = ends[place] - one[0], ends[place + 1] - other[0]
            losses.append((one[1] - low) * first_s + (other[1] - low) * second_s)
        place = losses.index(min(losses))
        one, other = kept[place], kept[place + 1]
        lower = one if one[1] <= other[1] else other
        kept[place : place + 2] = [(one[0], lower[1], lower[2])]
    return kept
