"""What to optimise for, once safety and wishes are served."""

from __future__ import annotations

from typing import Literal, Self

from ocpp_schedule.model._base import Model


class Objective(Model):
    """The order of the stages (``docs/design.md``); so far: must-have, wanted energy, cost, tie-breaks.

    >>> Objective.cheapest().name
    'cheapest'
    """

    name: Literal["cheapest"] = "cheapest"

    @classmethod
    def cheapest(cls) -> Self:
        """Return the preset that serves every wish at the lowest energy cost."""
        return cls(name="cheapest")
