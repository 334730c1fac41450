"""The stages of an objective in integers: what counts, in which order, and what a stage may leave to later ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.demands import Demands

StageKind = Literal["missing", "rate", "bill"]
"""``missing``: energy that demands miss; ``rate``: energy times a rate per slot, such as a price; ``bill``: what the
plan adds to the bill at the meter, whose import price is the rate."""

PARTS_PER_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage; less is better, and a stage counts only among plans that are as good in those before.

    Attributes:
        name: of the stage, different from all others of the sequence.
        kind: how the value is computed.
        demands: (D,) bool, the demands whose missing energy is summed up (``missing``).
        rate: (T,) or (S, T) rate x seconds of the slot (``rate``): the value is
            ``floor(sum(energy x rate / seconds))``, rounded once. Prices are [1e-6 currency/kWh x s].
        allow_abs: what the stage may be worse for the sake of later ones, in its own unit.
        allow_ppm: the same relative to its value, in millionths; the two add up.
    """

    name: str
    kind: StageKind
    demands: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    rate: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    allow_abs: int = 0
    allow_ppm: int = 0

    def __post_init__(self) -> None:
        for array in (self.demands, self.rate):
            array.setflags(write=False)

    def budget(self, value: float) -> float:
        """Return what later stages may make of a value that this stage has reached.

        >>> StageSpec("cost", "rate", allow_abs=5, allow_ppm=1000).budget(-10_000)
        -9985.0
        """
        return value + self.allow_abs + abs(value) * self.allow_ppm / PARTS_PER_MILLION


def compile_stages(demands: Demands, price_seconds: Ints, *, billed: bool) -> tuple[StageSpec, ...]:
    """Return the stages of the preset ``cheapest``: must-have energy, wanted energy, cost.

    Args:
        demands: of all sessions.
        price_seconds: (T,) price x seconds of each slot.
        billed: the cost is the bill at the meter, not just the energy of charging times its price.
    """
    return (
        StageSpec("must_have", "missing", demands=demands.hard.copy()),
        StageSpec("wanted", "missing", demands=~demands.hard),
        StageSpec("cost", "bill" if billed else "rate", rate=price_seconds.copy()),
    )
