"""Version-neutral charging profiles: the standard's fields in snake_case, units in the name.

A field that a profile does not use is None. A version that cannot carry a field that is set refuses it
(``wire``), so fields of a newer version may be added here without touching the older ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from operator import lt
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.model.layering import LayerName
    from ocpp_schedule.model.site import OcppVersion

Purpose = Literal[
    "tx_default_profile",
    "tx_profile",
    "charging_station_max_profile",
    "charging_station_external_constraints",
    "priority_charging",
    "local_generation",
]
Kind = Literal["absolute", "recurring", "relative", "dynamic"]

POSSIBLE_PHASES: Final = frozenset((None, 1, 2, 3))
ON_UTC: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class ChargingPeriod:
    """A limit from ``start_s`` until the next period starts.

    Attributes:
        start_s: seconds after the start of the schedule.
        limit_tenths: 0.1 A per phase, or 0.1 W over all phases, by the schedule's unit.
        phases: number of phases the limit is meant for (``numberPhases``), 1 to 3; None leaves it to the station.
        setpoint_tenths: what the car is to give back, negative, in the unit of the limit; None: nothing. OCPP 2.1.
    """

    start_s: int
    limit_tenths: int
    phases: int | None = None
    setpoint_tenths: int | None = None


@dataclass(frozen=True, slots=True)
class ChargingSchedule:
    """Limits over time.

    Attributes:
        start: instant of second 0, UTC, whole seconds; None in a relative profile, where the station says when.
        unit: A (per phase) or W (in total).
        periods: at least one.

    Invariants: the first period starts at 0 (K01.FR.31), starts increase strictly (K01.FR.35), limits are at
    least 0, phases 1 to 3.

    Raises:
        InputError: an invariant does not hold.

    >>> from datetime import UTC, datetime
    >>> ChargingSchedule(datetime(2026, 1, 15, tzinfo=UTC), "A", (ChargingPeriod(60, 160),))
    Traceback (most recent call last):
    ocpp_schedule.errors.InputError: 1 problem in charging schedule
    periods[0]: starts at 60 s; the first period starts at 0.
    """

    start: datetime | None
    unit: RateUnit
    periods: tuple[ChargingPeriod, ...]

    def __post_init__(self) -> None:
        """Raise where an invariant does not hold."""
        if not self._is_sound():
            raise InputError("charging schedule", self._problems())

    def _is_sound(self) -> bool:
        """Tell the usual case fast: plans have thousands of periods."""
        starts = [period.start_s for period in self.periods]
        return (
            (self.start is None or (self.start.utcoffset() == ON_UTC and not self.start.microsecond))
            and starts[:1] == [0]
            and all(map(lt, starts, starts[1:]))
            and min([period.limit_tenths for period in self.periods]) >= 0
            and {period.phases for period in self.periods} <= POSSIBLE_PHASES
        )

    def _problems(self) -> Iterator[InputProblem]:
        if self.start is not None and (self.start.utcoffset() != ON_UTC or self.start.microsecond):
            yield InputProblem("start", f"{self.start.isoformat()} is not in whole seconds UTC; convert it.")
        if not self.periods:
            yield InputProblem("periods", "there are none; give at least one.")
            return
        if self.periods[0].start_s != 0:
            yield InputProblem("periods[0]", f"starts at {self.periods[0].start_s} s; the first period starts at 0.")
        for index, (before, after) in enumerate(pairwise(self.periods), start=1):
            if after.start_s <= before.start_s:
                what = f"starts at {after.start_s} s, the one before at {before.start_s}; starts must increase."
                yield InputProblem(f"periods[{index}]", what)
        for index, period in enumerate(self.periods):
            if period.limit_tenths < 0:
                yield InputProblem(f"periods[{index}]", f"limit_tenths={period.limit_tenths}; a limit is at least 0.")
            if period.phases not in POSSIBLE_PHASES:
                yield InputProblem(f"periods[{index}]", f"phases={period.phases}; give 1, 2 or 3, or None.")


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """One profile as a station stores it.

    Attributes:
        id: unique within the station.
        purpose: what it limits.
        kind: how the start of the schedule is meant.
        stack_level: of two profiles of one purpose the higher level counts.
        transaction_id: the transaction of a ``tx_profile``; int in OCPP 1.6, str in 2.x.
        schedule: the limits.
    """

    id: int
    purpose: Purpose
    kind: Kind
    stack_level: int
    transaction_id: int | str | None
    schedule: ChargingSchedule


@dataclass(frozen=True, slots=True)
class Layer:
    """One profile of a stack, and why it is there.

    Attributes:
        name: its place in the stack.
        session_ids: the sessions it serves, sorted; none for floors and the cap.
        profile: what the station gets.
    """

    name: LayerName
    session_ids: tuple[str, ...]
    profile: ChargingProfile


class Ceiling(NamedTuple):
    """A limit that a station keeps outside profiles.

    Attributes:
        purpose: what it is there for: the idle floor of connectors, or the cap of the station.
        key: configuration key (1.6) or variable (2.x).
        component: of the variable.
        evse_id: which EVSE it bounds; 0: all together.
        value: what is written.
        fixed: it does not depend on the plan.
    """

    purpose: Literal["floor", "cap"]
    key: str
    component: str | None
    evse_id: int
    value: int
    fixed: bool


@dataclass(frozen=True, slots=True)
class ProfileStack:
    """All profiles of one connector, or those of the station as a whole, from the bottom.

    Attributes:
        station: id of the station.
        version: OCPP version the station speaks.
        connector: id of the connector; empty for the station as a whole.
        evse_id: its number within the station (2.x: EVSE, 1.6: connector); 0 for the station as a whole.
        layers: from the bottom.
        ceilings: limits outside profiles.
    """

    station: str
    version: OcppVersion
    connector: str
    evse_id: int
    layers: tuple[Layer, ...]
    ceilings: tuple[Ceiling, ...] = ()
