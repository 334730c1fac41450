"""Devices beside chargers and loads: generators, whose series come as forecasts with the same id, and batteries."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _storage_checks as checks
from ocpp_schedule.model._base import Id, Model, Percent, WattHours, Watts, raise_references
from ocpp_schedule.units import LINES, Line

MAX_PRICE = 1_000_000
"""Per kWh, as for energy."""
Efficiency = Annotated[float, Field(strict=True, ge=0.1, le=1)]
"""Share of the energy that arrives; below 0.1 it is a percentage misread."""


class Generator(Model):
    """A source on a circuit, such as PV; what it gives comes as a ``Forecast`` with the same id.

    Only the firm part of its forecast gives room on hard limits. ``curtailable``: the plan may lower it, down to the
    firm part, where exporting costs money or is limited.

    >>> Generator(id="roof", circuit="main").curtailable
    False
    """

    id: Id
    circuit: Id
    lines: tuple[Line, ...] = Field(default=LINES, min_length=1, max_length=3)
    curtailable: bool = Field(default=False, strict=True)


class Storage(Model):
    """A stationary battery on a circuit, set in whole steps of ``step_w`` per slot.

    Efficiencies are between the meter's side and what is stored, read as the decimals that are written. At the end
    of the grid there is at least ``end_soc_percent`` (None: as at the start; not more, for a limit might not allow
    it). ``wear_per_kwh`` is paid for energy that it gives [currency/kWh]. Charging counts on hard limits like base
    load; discharging gives no room on them.

    >>> Storage(id="cellar", circuit="main", capacity_wh=10_000, max_charge_w=5_000, max_discharge_w=5_000,
    ...         charge_efficiency=0.95, discharge_efficiency=0.95, soc_percent=50).step_w
    10
    """

    id: Id
    circuit: Id
    lines: tuple[Line, ...] = Field(default=LINES, min_length=1, max_length=3)
    capacity_wh: WattHours
    max_charge_w: Watts
    max_discharge_w: Watts
    charge_efficiency: Efficiency = 1.0
    discharge_efficiency: Efficiency = 1.0
    soc_percent: Percent = Field(description="at the start of the grid")
    min_soc_percent: Percent = 0.0
    end_soc_percent: Percent | None = Field(default=None, description="at least that at the end; None: as at the start")
    step_w: int = Field(default=10, strict=True, ge=1, le=100_000)
    wear_per_kwh: float = Field(default=0.0, strict=True, ge=0, le=MAX_PRICE, description="per kWh given")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.storage_texts(self))
        return self
