"""Values over time: prices, base load forecasts, limits of the grid operator."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _forecast_checks as checks
from ocpp_schedule.model import _supply_checks as supplies
from ocpp_schedule.model._base import Id, PerLineA, RegularSeries, Watts, raise_references
from ocpp_schedule.timegrid import MAX_SLOTS

MAX_PRICE: Final = 1_000_000
"""Per kWh, either sign; the harmonised day-ahead limit in Europe is 4 EUR/kWh, so this leaves every currency room."""

PricePerKwh = Annotated[float, Field(strict=True, ge=-MAX_PRICE, le=MAX_PRICE)]


GramsPerKwh = Annotated[float, Field(strict=True, ge=0, le=MAX_PRICE)]


class PriceSeries(RegularSeries):
    """Energy prices over time [currency/kWh], taxes and levies included, negative allowed.

    >>> from datetime import datetime, UTC
    >>> PriceSeries(start=datetime(2026, 1, 15, tzinfo=UTC), step_s=3600, per_kwh=(0.40, 0.10)).per_kwh
    (0.4, 0.1)
    """

    per_kwh: tuple[PricePerKwh, ...] = Field(min_length=1, max_length=MAX_SLOTS, description="one price per interval")


class CarbonSeries(RegularSeries):
    """What a kWh from the grid emits over time [g CO2 per kWh].

    >>> from datetime import datetime, UTC
    >>> CarbonSeries(start=datetime(2026, 1, 15, tzinfo=UTC), step_s=3600, g_per_kwh=(410, 95)).g_per_kwh
    (410.0, 95.0)
    """

    g_per_kwh: tuple[GramsPerKwh, ...] = Field(min_length=1, max_length=MAX_SLOTS, description="one per interval")


class Forecast(RegularSeries):
    """What a load or a generator is expected to do, in A per line or in W in total; not in both.

    In A one value counts for every line of the load; three are L1, L2, L3. W are spread evenly over the lines
    of the load or generator. ``expected_a`` or ``expected_w`` is what is likely, and what the meter is planned
    with; ``high_a`` or ``high_w`` the most that hard limits must leave room for (a load without one: the expected
    value); ``firm_w`` what a generator gives for certain: only that gives room on hard limits. Of a load in W it is
    what it draws for certain: cars may give that much more below a limit on export (convention 26).

    >>> from datetime import datetime, UTC
    >>> Forecast(id="building", start=datetime(2026, 1, 15, tzinfo=UTC), step_s=3600,
    ...          expected_a=(4, (4, 5, 6)), high_a=(6, 8)).expected_a
    (4.0, (4.0, 5.0, 6.0))
    >>> Forecast(id="roof", start=datetime(2026, 1, 15, 12, tzinfo=UTC), step_s=3600,
    ...          expected_w=(5000, 4000), firm_w=(1000, 0)).firm_w
    (1000.0, 0.0)
    """

    id: Id = Field(description="id of the load or generator")
    expected_a: tuple[PerLineA, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    high_a: tuple[PerLineA, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    expected_w: tuple[Watts, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    high_w: tuple[Watts, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    firm_w: tuple[Watts, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.forecast_texts(self))
        return self


class LimitSeries(RegularSeries):
    """A limit on a circuit over time, from a grid operator or an energy manager.

    In one unit: A per line, or VA or W of all lines together. It comes on top of the circuit's own limits: the
    lowest holds. Outside the series only the circuit's own limits hold. A ``soft`` one is no physical limit: the
    stage ``contract`` counts the energy above it (convention 27).

    >>> from datetime import datetime, UTC
    >>> LimitSeries(circuit="main", start=datetime(2026, 1, 15, 17, tzinfo=UTC), step_s=3600,
    ...             limit_a=(16, 10), source="grid operator").limit_a
    (16.0, 10.0)
    """

    circuit: Id
    limit_a: tuple[PerLineA, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    limit_va: tuple[Watts, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    limit_w: tuple[Watts, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)
    source: str = Field(default="", max_length=200, description="who set it, for messages")
    soft: bool = Field(
        default=False,
        strict=True,
        description="a contract, no device: must-haves may go above it, wishes may not; what does is reported",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in supplies.limit_texts(self))
        return self
