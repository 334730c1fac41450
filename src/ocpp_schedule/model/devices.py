"""Devices beside chargers and loads: generation. Their series come as forecasts with the same id."""

from __future__ import annotations

from pydantic import Field

from ocpp_schedule.model._base import Id, Model
from ocpp_schedule.units import LINES, Line


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
