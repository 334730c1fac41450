"""Peak charges seen by the referee: metering intervals by the clock, one maximum per billing period (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ocpp_schedule.units import ENERGY_UNITS_PER_WH, PRICE_UNITS_PER_CURRENCY, round_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.tariff import PeakCharge, Tariff
    from ocpp_schedule.timegrid import TimeGrid


@dataclass(slots=True)
class Period:
    """One maximum: of a peak charge, in one billing period.

    Attributes:
        peak: id of the charge.
        name: of the period, ``2026-01`` or ``grid``.
        price: per kW [1e-6 currency].
        floor_dw: the highest so far [0.1 W].
        net: measures import.
        intervals: by start, the slots of a metering interval, its length [s] and what it had metered before [0.1 J].
    """

    peak: str
    name: str
    price: int
    floor_dw: int
    net: bool
    intervals: dict[datetime, tuple[list[int], int, int]] = field(default_factory=dict)

    def highest_dw(self, units: Sequence[int]) -> int:
        """Return the highest mean power, each rounded up to 0.1 W, and at least the floor."""
        means = (
            -(-(before + sum(units[slot] for slot in slots)) // length)
            for slots, length, before in self.intervals.values()
        )
        return max([self.floor_dw, *means])


def peak_periods(tariff: Tariff, time_zone: str, grid: TimeGrid) -> tuple[Period, ...]:
    """Return every peak charge by billing period, with the metering intervals that count in it."""
    zone = ZoneInfo(time_zone)
    found: dict[tuple[str, str], Period] = {}
    for peak in tariff.peaks:
        for slot in range(grid.slots):
            _enter(found, peak, zone, grid, slot)
    return tuple(found.values())


def _enter(found: dict[tuple[str, str], Period], peak: PeakCharge, zone: ZoneInfo, grid: TimeGrid, slot: int) -> None:
    begin, end = grid.edge(slot), grid.edge(slot + 1)
    start = _interval_start(begin, zone, peak.interval_s)
    inside = [start]
    while inside[-1] + timedelta(seconds=peak.interval_s) < end:
        inside.append(inside[-1] + timedelta(seconds=peak.interval_s))
    if not any(_counts(peak, moment.astimezone(zone)) for moment in inside):
        return
    month = f"{start.astimezone(zone):%Y-%m}"
    name = month if peak.period == "month" else "grid"
    running = name in {"grid", f"{grid.start.astimezone(zone):%Y-%m}"}
    period = found.setdefault(
        (peak.id, name),
        Period(
            peak.id,
            name,
            round_up(peak.per_kw, PRICE_UNITS_PER_CURRENCY),
            round_up(peak.peak_so_far_w, 10) if running else 0,
            peak.measures == "import",
        ),
    )
    slots, length, before = period.intervals.get(start, ([], 0, 0))
    if not slots and start < grid.start:
        length = (grid.start - start) // timedelta(seconds=1)
        before = round_up(peak.open_interval_wh or 0.0, ENERGY_UNITS_PER_WH)
    period.intervals[start] = ([*slots, slot], length + (end - begin) // timedelta(seconds=1), before)


def _interval_start(moment: datetime, zone: ZoneInfo, interval_s: int) -> datetime:
    """Return the last full interval of the local clock before or at a moment."""
    local = moment.astimezone(zone)
    past = local.hour * 3600 + local.minute * 60 + local.second
    return (moment - timedelta(seconds=past % interval_s)).astimezone(UTC)


def _counts(peak: PeakCharge, local: datetime) -> bool:
    if peak.windows is None:
        return True
    minute = local.hour * 60 + local.minute
    for window in peak.windows:
        start = window.start.hour * 60 + window.start.minute
        end = (window.end.hour * 60 + window.end.minute) or 24 * 60
        length = end - start if end > start else end - start + 24 * 60
        since = (minute - start) % (24 * 60)
        if since >= length:
            continue
        day = local.date() - (timedelta(days=1) if since > minute else timedelta())
        if (window.weekdays is None or day.isoweekday() in window.weekdays) and (
            window.months is None or day.month in window.months
        ):
            return True
    return False
