"""Peak charges as registers: metering intervals, windows and billing periods on the slots (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule.timegrid import metering_start_s
from ocpp_schedule.units import (
    ENERGY_UNITS_PER_WH,
    MONEY_UNITS_PER_CURRENCY,
    PRICE_UNITS_PER_CURRENCY,
    round_up,
)

if TYPE_CHECKING:
    from ocpp_schedule.model.tariff import PeakCharge, PeakWindow, Tariff
    from ocpp_schedule.problem.arrays import Ints

DAY_S = 86_400
DECIWATTS_PER_KW = 10_000
MONEY_PER_PRICE_AND_DECIWATT = MONEY_UNITS_PER_CURRENCY // PRICE_UNITS_PER_CURRENCY // DECIWATTS_PER_KW
"""Money units of one 0.1 W at one price unit (1e-6 currency) per kW; whole: 3,600,000."""


@dataclass(frozen=True, slots=True)
class Register:
    """One maximum that is charged: of a peak charge, within one billing period. K metering intervals.

    Attributes:
        peak: id of the peak charge.
        period: name of the billing period, e.g. ``2026-01``.
        per_dw: price of one 0.1 W [money units].
        floor_dw: the highest so far, rounded up: only what goes beyond is charged.
        net: measures import; else base load and charging.
        interval: (T,) the metering interval of each slot, or -1 where it does not count.
        seconds: (K,) time that each interval has within the grid, and of the first what has passed before.
        open_units: (K,) energy metered before the grid [0.1 J].
    """

    peak: str
    period: str
    per_dw: int
    floor_dw: int
    net: bool
    interval: Ints
    seconds: Ints
    open_units: Ints

    def mean_dw(self, units: Ints) -> Ints:
        """Return (K,) mean power of each interval for (T,) energies [0.1 W], rounded up."""
        inside = self.interval >= 0
        sums = self.open_units.copy()
        np.add.at(sums, self.interval[inside], units[inside])
        return -(-sums // self.seconds)

    def highest_dw(self, units: Ints) -> int:
        """Return the highest mean power, at least the highest so far [0.1 W]."""
        return max(self.floor_dw, int(self.mean_dw(units).max(initial=0)))


def registers_of(tariff: Tariff, time_zone: str, edges: Ints) -> tuple[Register, ...]:
    """Return the registers of all peak charges that have an interval within the grid."""
    zone = ZoneInfo(time_zone)
    return tuple(register for peak in tariff.peaks for register in _registers(peak, zone, edges.tolist()))


def _registers(peak: PeakCharge, zone: ZoneInfo, edges: list[int]) -> list[Register]:
    starts = [metering_start_s(edge, zone, peak.interval_s) for edge in edges[:-1]]
    by_period: dict[str, dict[int, list[int]]] = {}
    for slot, start in enumerate(starts):
        # A slot of several whole intervals has one mean power: it is an interval of its own.
        local = datetime.fromtimestamp(start, UTC).astimezone(zone)
        if _counts(peak, local, edges[slot + 1] - max(start, edges[slot])):
            period = f"{local:%Y-%m}" if peak.period == "month" else "grid"
            by_period.setdefault(period, {}).setdefault(start, []).append(slot)
    under_way = f"{datetime.fromtimestamp(edges[0], UTC).astimezone(zone):%Y-%m}"
    per_dw = round_up(peak.per_kw, PRICE_UNITS_PER_CURRENCY) * MONEY_PER_PRICE_AND_DECIWATT
    found = []
    for period, intervals in by_period.items():
        began = period in {"grid", under_way}
        interval = np.full(len(edges) - 1, -1, dtype=np.int64)
        seconds, metered = [], []
        for number, (start, slots) in enumerate(intervals.items()):
            interval[slots] = number
            opened = start < edges[0]
            seconds.append(edges[slots[-1] + 1] - (start if opened else edges[slots[0]]))
            metered.append(round_up(peak.open_interval_wh or 0.0, ENERGY_UNITS_PER_WH) if opened else 0)
        found.append(
            Register(
                peak=peak.id,
                period=period,
                per_dw=per_dw,
                floor_dw=round_up(peak.peak_so_far_w, 10) if began else 0,
                net=peak.measures == "import",
                interval=interval,
                seconds=np.array(seconds, dtype=np.int64),
                open_units=np.array(metered, dtype=np.int64),
            )
        )
    return found


def _counts(peak: PeakCharge, local: datetime, length_s: int) -> bool:
    """Tell whether a metering interval, or one of those in a longer slot, starts within a window."""
    if peak.windows is None:
        return True
    steps = range(0, max(length_s, 1), peak.interval_s)
    return any(
        _within(window, (local.astimezone(UTC) + timedelta(seconds=step)).astimezone(local.tzinfo))
        for step in steps
        for window in peak.windows
    )


def _within(window: PeakWindow, local: datetime) -> bool:
    """Tell whether a local time is in a window; one over midnight belongs to the day on which it starts."""
    at, start, end = (_second(value) for value in (local.time(), window.start, window.end))
    day, end = local.date(), end or DAY_S
    inside = start <= at < end if start < end else at >= start or at < end
    if inside and at < start:
        day -= timedelta(days=1)
    return (
        inside
        and (window.weekdays is None or day.isoweekday() in window.weekdays)
        and (window.months is None or day.month in window.months)
    )


def _second(value: time) -> int:
    return value.hour * 3600 + value.minute * 60 + value.second
