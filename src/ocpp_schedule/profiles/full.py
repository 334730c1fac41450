"""Everything that a charging profile of OCPP 1.6, 2.0.1 or 2.1 can say, as seen on a station.

``model`` holds what this library plans, with its invariants. Here is what any station may hold or report: every
field of every version, lossless, nothing judged (``validation`` does that). A field that is absent is None.
Numbers are the decimals that were written. What a scheduler does not interpret (tariffs, price schedules, curves,
custom data) is carried unchanged as plain JSON values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.model import Kind, Purpose
    from ocpp_schedule.profiles.moment import Moment

Json = Any
Recurrency = Literal["daily", "weekly"]
OperationMode = Literal[
    "idle",
    "charging_only",
    "central_setpoint",
    "external_setpoint",
    "external_limits",
    "central_frequency",
    "local_frequency",
    "local_load_balancing",
]


class FullPeriod(NamedTuple):
    """One period: what holds from ``start_s`` until the next starts.

    Attributes:
        start_s: seconds after the start of the schedule.
        limit: A per phase or W in total; of phase L1 as soon as one of ``limit_l2``, ``limit_l3`` is there.
        phases: ``numberPhases``.
        limit_l2, limit_l3: of the other phases (2.1).
        phase_to_use: which phase, where one is used (2.x).
        discharge_limit, discharge_limit_l2, discharge_limit_l3: at most 0.
        setpoint, setpoint_l2, setpoint_l3: what to keep to; negative discharges.
        setpoint_reactive, setpoint_reactive_l2, setpoint_reactive_l3: reactive power, positive inductive.
        operation_mode: None counts as ``charging_only``.
        evse_sleep, preconditioning_request: as the standard names them.
        v2x_baseline, v2x_freq_watt_curve, v2x_signal_watt_curve: carried along, not interpreted.
        custom_data: carried along.
    """

    start_s: int
    limit: Decimal | None = None
    phases: int | None = None
    limit_l2: Decimal | None = None
    limit_l3: Decimal | None = None
    phase_to_use: int | None = None
    discharge_limit: Decimal | None = None
    discharge_limit_l2: Decimal | None = None
    discharge_limit_l3: Decimal | None = None
    setpoint: Decimal | None = None
    setpoint_l2: Decimal | None = None
    setpoint_l3: Decimal | None = None
    setpoint_reactive: Decimal | None = None
    setpoint_reactive_l2: Decimal | None = None
    setpoint_reactive_l3: Decimal | None = None
    operation_mode: OperationMode | None = None
    evse_sleep: bool | None = None
    preconditioning_request: bool | None = None
    v2x_baseline: Decimal | None = None
    v2x_freq_watt_curve: Json = None
    v2x_signal_watt_curve: Json = None
    custom_data: Json = None


class LimitAtSoc(NamedTuple):
    """A lower limit from a state of charge on (2.1)."""

    soc_percent: int
    limit: Decimal
    custom_data: Json = None


@dataclass(frozen=True, slots=True)
class FullSchedule:
    """Limits over time.

    Attributes:
        unit: A (per phase) or W (in total).
        periods: in the order of the wire.
        id: of the schedule (2.x).
        start: instant of second 0; None where the kind has no fixed start.
        duration_s: how long it runs.
        min_charging_rate: below it charging is inefficient.
        power_tolerance, signature_id, digest_value: of signed price data (2.1).
        limit_at_soc: a lower limit from a state of charge on.
        use_local_time: ``start`` is read as the station's local time.
        randomized_delay_s: most seconds that each period after the first may start late.
        sales_tariff, absolute_price_schedule, price_level_schedule: information for the car, carried along.
        custom_data: carried along.
    """

    unit: RateUnit
    periods: tuple[FullPeriod, ...]
    id: int | None = None
    start: Moment | None = None
    duration_s: int | None = None
    min_charging_rate: Decimal | None = None
    power_tolerance: Decimal | None = None
    signature_id: int | None = None
    digest_value: str | None = None
    limit_at_soc: LimitAtSoc | None = None
    use_local_time: bool | None = None
    randomized_delay_s: int | None = None
    sales_tariff: Json = None
    absolute_price_schedule: Json = None
    price_level_schedule: Json = None
    custom_data: Json = None


@dataclass(frozen=True, slots=True)
class FullProfile:
    """One profile.

    Attributes:
        id: unique within the station; external ones may be negative.
        stack_level: of two profiles of one purpose the higher level counts.
        purpose, kind: what it limits, and how its start is meant.
        schedules: one; up to three only where a car chooses (ISO 15118).
        transaction_id: int in OCPP 1.6, str in 2.x.
        recurrency: of recurring profiles.
        valid_from, valid_to: half-open.
        max_offline_s, invalid_after_offline: how long it holds without a link, and whether it comes back.
        dyn_update_interval_s, dyn_update_time: of dynamic profiles.
        price_schedule_signature, custom_data: carried along.
    """

    id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedules: tuple[FullSchedule, ...]
    transaction_id: int | str | None = None
    recurrency: Recurrency | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    max_offline_s: int | None = None
    invalid_after_offline: bool | None = None
    dyn_update_interval_s: int | None = None
    dyn_update_time: Moment | None = None
    price_schedule_signature: str | None = None
    custom_data: Json = None


class ScheduleUpdate(NamedTuple):
    """What UpdateDynamicSchedule and PullDynamicScheduleUpdate overwrite in a dynamic profile (2.1)."""

    limit: Decimal | None = None
    limit_l2: Decimal | None = None
    limit_l3: Decimal | None = None
    discharge_limit: Decimal | None = None
    discharge_limit_l2: Decimal | None = None
    discharge_limit_l3: Decimal | None = None
    setpoint: Decimal | None = None
    setpoint_l2: Decimal | None = None
    setpoint_l3: Decimal | None = None
    setpoint_reactive: Decimal | None = None
    setpoint_reactive_l2: Decimal | None = None
    setpoint_reactive_l3: Decimal | None = None
    custom_data: Json = None


class ReportedSchedule(NamedTuple):
    """A composite schedule as a 2.x station reports it, nothing judged; ``decode`` takes defective ones too.

    Attributes:
        evse: its number; 0: the whole station.
        duration_s: how far it speaks.
        start: instant of second 0.
        unit: A or W.
        periods: in the order of the wire.
        custom_data: carried along.
    """

    evse: int
    duration_s: int
    start: Moment
    unit: RateUnit
    periods: tuple[FullPeriod, ...]
    custom_data: Json = None


class Installed(NamedTuple):
    """A profile and where it is installed: EVSE (2.x) or connector (1.6), 0 for the whole station."""

    evse: int
    profile: FullProfile
