"""Limits that a station keeps outside charging profiles: a configuration key (1.6) or variable (2.x) of the vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._base import Model, raise_references
from ocpp_schedule.model._raw import read
from ocpp_schedule.units import round_down

if TYPE_CHECKING:
    from collections.abc import Iterator

Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=50, pattern=r"^[\x20-\x7e]+$")]
"""OCPP 1.6 CiString50Type, 2.x identifierString[50]."""
EVSE_MARK: Final = "{evse}"
"""Stands in a key for the number of the EVSE."""


class LimitCarrier(Model):
    """A key of the vendor's that bounds the current whatever profiles say, kept by the station.

    Such keys are hardware ceilings: Wallbox ``chargingALimitConn1`` (connectorio-addons#155), IES ``PowerLimit``
    (OpenEMS). So a ceiling is all that is asked of one: it holds beside every profile, in every transaction.

    Written is the limit times ``per_unit``, rounded down, a whole number from ``lowest`` to ``highest``.

    >>> wallbox = LimitCarrier(key="chargingALimitConn{evse}", lowest=6, highest=32, scope="connector")
    >>> wallbox.written(16.9), wallbox.written(63), wallbox.written(0), wallbox.key_of(2)
    (16, 32, 6, 'chargingALimitConn2')
    """

    key: Name = Field(description="configuration key (1.6), variable (2.x); {evse} stands for the number of the EVSE")
    component: Name | None = Field(default=None, description="of the variable; needed in 2.x, unknown to 1.6")
    unit: Literal["A", "W"] = Field(default="A", description="A on each line, or W in total")
    per_unit: int = Field(default=1, strict=True, ge=1, le=1_000, description="10 where tenths are written")
    lowest: int = Field(default=0, strict=True, ge=0, le=10_000_000, description="least that can be written")
    highest: int = Field(default=10_000_000, strict=True, ge=1, le=10_000_000, description="most that can be written")
    scope: Literal["station", "connector"] = Field(
        default="station", description="what it bounds: all connectors together, or each by itself"
    )
    keeps_over_reboot: bool = Field(default=True, strict=True)
    needs_reboot: bool = Field(default=False, strict=True, description="a new value acts only after a reboot")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in carrier_texts(self))
        return self

    def written(self, limit: float) -> int:
        """Return what is written for a limit in A or W: rounded down, within what the key takes."""
        return min(max(round_down(limit, self.per_unit), self.lowest), self.highest)

    def key_of(self, evse_id: int) -> str:
        """Return the key of an EVSE."""
        return self.key.replace(EVSE_MARK, str(evse_id))


def carrier_texts(carrier: object) -> Iterator[str]:
    """Yield what is inconsistent within a carrier, a model or raw data."""
    low, high = read(carrier, "lowest"), read(carrier, "highest")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield f"limit_carrier: lowest={low} is above highest={high}; swap them."
    key = read(carrier, "key")
    marked = isinstance(key, str) and EVSE_MARK in key
    if marked and read(carrier, "scope") != "connector":
        yield f"limit_carrier: key {key!r} names an EVSE; give scope 'connector'."
