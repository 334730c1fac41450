"""What of the power into a car counts for its wishes (convention 26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocpp_schedule.units import exact

if TYPE_CHECKING:
    from ocpp_schedule.model.session import Session


def kept_power(car: Session, power: int) -> int:
    """Return the power that counts for the wishes of a car: of one with ``v2g`` what gets into the battery [0.1 W]."""
    return power if car.v2g is None else int(power * exact(car.v2g.charge_efficiency) // 1)
