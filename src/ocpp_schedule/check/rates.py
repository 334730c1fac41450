"""Rates that weigh energy: prices, emissions, time; one per kind of stage (convention 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.check.energy import cost_of
from ocpp_schedule.check.series import emission_seconds, value_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.check.energy import Given
    from ocpp_schedule.check.report import Unit
    from ocpp_schedule.check.scene import Scene


def rate_of(kind: str, scene: Scene) -> list[int]:
    """Return what a unit of energy counts in a kind of stage: per slot, rate x seconds."""
    return SLOT_RATE_OF[kind](scene)


def lost_of(kind: str, scene: Scene) -> list[int]:
    """Return, per session, what a unit of its wished energy counts when it is missed."""
    if kind == "quick":
        return [int(scene.edges_s[-1])] * len(scene.cars.ids)
    if kind in NET:
        return [0 if car.value_per_kwh is None else value_units(car.value_per_kwh) for car in scene.cars.models]
    return [0] * len(scene.cars.ids)


def weighed(kind: str, scene: Scene, given: Given, missing: list[int], cost: int) -> int:
    """Return the value of a stage that weighs energy, rounded down once.

    Args:
        kind: of the stage.
        scene: sessions, tariff and slots.
        given: energy given.
        missing: per session, what its wish misses [0.1 J].
        cost: what the plan costs [money units].
    """
    lost = sum(own * units for own, units in zip(lost_of(kind, scene), missing, strict=True) if own)
    units = given.into_cars if kind in BY_TIME else given.by_slot
    return (cost if kind in NET else cost_of(units, rate_of(kind, scene), scene.seconds)) + lost


def _quick(scene: Scene) -> list[int]:
    """Return the start of each slot, counted from the start of the grid."""
    return [start * length for start, length in zip(scene.edges_s.tolist()[:-1], scene.seconds.tolist(), strict=True)]


def _finish(scene: Scene) -> list[int]:
    """Return the end of each slot, counted from the start of the grid."""
    return [end * length for end, length in zip(scene.edges_s.tolist()[1:], scene.seconds.tolist(), strict=True)]


NET: Final = ("cost", "profit")
"""Stages in which energy with a value competes with its price: missing it counts what it is worth."""
BY_TIME: Final = ("quick", "finish")
"""Stages about when cars get energy; the others weigh what the site delivers for it."""
SLOT_RATE_OF: Final[dict[str, Callable[[Scene], list[int]]]] = {
    "quick": _quick,
    "cost": lambda scene: scene.price_s,
    "profit": lambda scene: scene.price_s,
    "co2": lambda scene: emission_seconds(scene.tariff, scene.grid, scene.edges_s),
    "finish": _finish,
}
UNIT_OF: Final[dict[str, Unit]] = {"energy": "0.1 J", "cost": "money", "profit": "money"}
