"""What the site pays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from ocpp_schedule.model._base import Model
from ocpp_schedule.model.series import PricePerKwh, PriceSeries


class Tariff(Model):
    """Energy price of the site: a series, or one number for a flat price [currency/kWh].

    >>> Tariff(energy=0.25).currency
    'EUR'
    """

    currency: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")] = Field(
        default="EUR", description="ISO 4217"
    )
    energy: PriceSeries | PricePerKwh
