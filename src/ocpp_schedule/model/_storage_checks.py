"""Checks of a battery by itself, on models or on raw data alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ocpp_schedule.model._raw import number

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DECIMALS = 6
"""Decimals of a price per kWh (convention 1)."""


def storage_texts(storage: object) -> Iterator[str]:
    """Yield what is inconsistent within one battery."""
    now, least, end = (number(storage, f"{name}soc_percent") for name in ("", "min_", "end_"))
    least = 0.0 if least is None else least
    if now is not None and now < least:
        yield f"soc_percent={now:g} is below min_soc_percent={least:g}; lower the minimum, or correct the state."
    if now is not None and end is not None and end > now:
        yield (
            f"end_soc_percent={end:g} is above soc_percent={now:g}: a limit on the site might not allow it. "
            "Lower it to the state at the start; a price makes it fuller where that pays."
        )
    if end is not None and end < least:
        yield f"end_soc_percent={end:g} is below min_soc_percent={least:g}; raise it."
    wear = number(storage, "wear_per_kwh")
    if wear is not None and not math.isclose(round(wear, MAX_DECIMALS), wear, rel_tol=1e-12, abs_tol=1e-12):
        yield f"wear_per_kwh={wear!r} has more than {MAX_DECIMALS} decimals. Round it."
