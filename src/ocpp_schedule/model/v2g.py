"""Cars that can give energy back: what of their battery is free for it, and what that costs."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _v2g_checks as checks
from ocpp_schedule.model._base import Amperes, Model, Percent, Watts, raise_references
from ocpp_schedule.model.devices import MAX_PRICE, Efficiency


class V2g(Model):
    """What a session allows to be taken out of its car (convention 26).

    The lower of the two limits on discharging counts; with neither it is what the connector takes. Efficiencies are
    between the connector and what is stored, read as the decimals that are written. The car is never discharged below
    ``min_soc_percent`` and never charged above ``max_soc_percent``. ``wear_per_kwh`` is paid for energy that it gives
    [currency/kWh].

    >>> V2g(max_discharge_w=7400, charge_efficiency=0.94, discharge_efficiency=0.94, min_soc_percent=30).max_soc_percent
    100.0
    """

    max_discharge_current_a: Amperes | None = Field(default=None, description="per line; None: as the connector")
    max_discharge_w: Watts | None = Field(default=None, description="all lines together; None: as the connector")
    charge_efficiency: Efficiency = 1.0
    discharge_efficiency: Efficiency = 1.0
    min_soc_percent: Percent = Field(default=0.0, description="the reserve: never discharged below it")
    max_soc_percent: Percent = Field(default=100.0, description="never charged above it")
    wear_per_kwh: float = Field(default=0.0, strict=True, ge=0, le=MAX_PRICE, description="per kWh given")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in checks.v2g_texts(self))
        return self
