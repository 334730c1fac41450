"""Values over time: prices, base load forecasts, limits of the grid operator."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _supply_checks as supplies
from ocpp_schedule.model._base import Id, PerLineA, RegularSeries, Watts, raise_references
from ocpp_schedule.timegrid import MAX_SLOTS

MAX_PRICE: Final = 1_000_000
"""Per kWh, either sign; the harmonised day-ahead limit in Europe is 4 EUR/kWh, so this leaves every currency room."""

PricePerKwh = Annotated[float, Field(strict=True, ge=-MAX_PRICE, le=MAX_PRICE)]


class PriceSeries(RegularSeries):
    """Energy prices over time [currency/kWh], taxes and levies included, negative allowed.

    >>> from datetime import datetime, UTC
    >>> PriceSeries(start=datetime(2026, 1, 15, tzinfo=UTC), step_s=3600, per_kwh=(0.40, 0.10)).per_kwh
    (0.4, 0.1)
    """

    per_kwh: tuple[PricePerKwh, ...] = Field(min_length=1, max_length=MAX_SLOTS, description="one price per interval")


class Forecast(RegularSeries):
    """What a load is expected to draw, and the highest that hard limits must leave room for [A per line].

    One value counts for every line of the load; three are L1, L2, L3. Without ``high_a`` the
    expected value is used for limits too.

    >>> from datetime import datetime, UTC
    >>> Forecast(id="building", start=datetime(2026, 1, 15, tzinfo=UTC), step_s=3600,
    ...          expected_a=(4, (4, 5, 6)), high_a=(6, 8)).expected_a
    (4.0, (4.0, 5.0, 6.0))
    """

    id: Id = Field(description="id of the load")
    expected_a: tuple[PerLineA, ...] = Field(min_length=1, max_length=MAX_SLOTS)
    high_a: tuple[PerLineA, ...] | None = Field(default=None, min_length=1, max_length=MAX_SLOTS)


class LimitSeries(RegularSeries):
    """A limit on a circuit over time, from a grid operator or an energy manager.

    In one unit: A per line, or VA or W of all lines together. It comes on top of the circuit's own limits: the
    lowest holds. Outside the series only the circuit's own limits hold.

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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in supplies.limit_texts(self))
        return self
