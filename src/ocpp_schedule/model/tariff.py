"""What the site pays: energy in and out at the meter, and charges on the highest power."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _peak_checks as checks
from ocpp_schedule.model._base import Id, Model, WattHours, Watts, raise_references
from ocpp_schedule.model.series import MAX_PRICE, CarbonSeries, GramsPerKwh, PricePerKwh, PriceSeries

Weekday = Annotated[int, Field(strict=True, ge=1, le=7)]
"""Monday is 1, Sunday 7, as in ISO 8601."""
Month = Annotated[int, Field(strict=True, ge=1, le=12)]


class PeakWindow(Model):
    """Times in which a peak counts, in the site's time zone, from ``start`` until ``end`` of a day.

    ``end`` 00:00 is the end of the day; an ``end`` before the ``start`` goes over midnight, and the days are then
    those on which it starts.

    >>> from datetime import time
    >>> PeakWindow(start=time(16), end=time(21), weekdays=(1, 2, 3, 4, 5)).months is None
    True
    """

    start: time = time(0)
    end: time = time(0)
    weekdays: tuple[Weekday, ...] | None = Field(default=None, min_length=1, max_length=7, description="None: all")
    months: tuple[Month, ...] | None = Field(default=None, min_length=1, max_length=12, description="None: all")


class PeakCharge(Model):
    """A charge on the highest mean power of a metering interval [currency/kW].

    The mean over each interval of ``interval_s`` (300 where settlement is by five minutes), aligned to the clock in the
    site's time zone, is rounded up to 0.1 W; the highest one counts. What is paid is the increment over
    ``peak_so_far_w``, the highest of the period under way before the grid.

    ``measures``: ``import`` is what the meter takes from the grid, ``consumption`` base load and charging without
    anything taken off for generation. ``period``: a new maximum each civil month, or one for the whole grid.
    ``open_interval_wh``: what the interval under way at the start of the grid has metered so far; needed where the
    grid starts within one.

    >>> PeakCharge(id="network", per_kw=8.5, peak_so_far_w=41_000).interval_s
    900
    """

    id: Id
    per_kw: Annotated[float, Field(strict=True, ge=0, le=MAX_PRICE)] = Field(description="[currency/kW]")
    interval_s: Literal[300, 900, 1800, 3600] = 900
    measures: Literal["import", "consumption"] = "import"
    period: Literal["month", "grid"] = "month"
    windows: tuple[PeakWindow, ...] | None = Field(default=None, min_length=1, max_length=100, description="None: all")
    peak_so_far_w: Watts = 0.0
    open_interval_wh: WattHours | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.peak_texts(self))
        return self


class Tariff(Model):
    """What the site pays: a price for import, one for export, and charges on peaks; and what a kWh emits.

    Prices are a series, or one number for a flat price [currency/kWh]. ``export`` is what the site is paid for what
    it gives to the grid (it may be lower or higher than ``energy``, zero or negative).

    >>> Tariff(energy=0.25).currency, Tariff(energy=0.25).export
    ('EUR', 0.0)
    """

    currency: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")] = Field(
        default="EUR", description="ISO 4217"
    )
    energy: PriceSeries | PricePerKwh
    export: PriceSeries | PricePerKwh = 0.0
    peaks: tuple[PeakCharge, ...] = Field(default=(), max_length=100)
    co2: CarbonSeries | GramsPerKwh | None = Field(default=None, description="g CO2 per kWh; for the stage co2")
