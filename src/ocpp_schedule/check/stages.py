"""The value of every stage, from models and set-points alone, against what a solution claims (convention 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.check.loads import KINDS, SHARES, fair_values, load_value
from ocpp_schedule.check.rates import UNIT_OF, weighed
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MONEY_UNITS_PER_CURRENCY, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocpp_schedule.check.energy import Given, Wishes
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.report import Findings, Unit
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.objective import ObjectiveStage
    from ocpp_schedule.solution import Solution


def class_names(kind: str, priorities: Iterable[int]) -> dict[int, str]:
    """Return the stage of each priority, the highest first; the name says the priority where there are several.

    >>> class_names("wanted", [0, 5, 0]), class_names("wanted", [])
    ({5: 'wanted 5', 0: 'wanted 0'}, {0: 'wanted'})
    """
    classes = sorted(set(priorities) or {0}, reverse=True)
    return {one: f"{kind} {one}" if len(classes) > 1 else kind for one in classes}


def names_of(scene: Scene) -> dict[str, dict[int, str]]:
    """Return by kind and priority the names of the stages that are one per priority."""
    priorities = [car.priority for car in scene.cars.models]
    return {kind: class_names(kind, priorities) for kind in BY_CLASS}


def stages_of(scene: Scene) -> list[tuple[str, ObjectiveStage]]:
    """Return the stages with their names, in order.

    Where shares and wishes follow each other both come for each priority in turn, the highest first.
    """
    names = names_of(scene)
    found: list[tuple[str, ObjectiveStage]] = []
    before: ObjectiveStage | None = None
    for stage in scene.objective.sequence:
        own = list(names[stage.kind].values()) if stage.kind in BY_CLASS else [stage.kind]
        if before is not None and {before.kind, stage.kind} == {"fair", "wanted"} and len(own) > 1:
            beside = [(name, before) for name in names[before.kind].values()]
            del found[-len(beside) :]
            found += [one for pair in zip(beside, [(name, stage) for name in own], strict=True) for one in pair]
            before = None
        else:
            found += [(name, stage) for name in own]
            before = stage
    return found


def stage_values(
    scene: Scene, given: Given, wishes: Wishes, cost: int, excess: Mapping[str, int], starts: list[int]
) -> dict[str, tuple[int, Unit]]:
    """Return the value of each stage by name, with its unit, in the order of the stages.

    Args:
        scene: sessions, tariff, slots and stages.
        given: energy given.
        wishes: what the sessions want and must have.
        cost: of the energy given, or what the plan adds to the bill at the meter [money units].
        excess: by circuit, energy above its soft limits [1e-6 J].
        starts: how often each session begins to charge.
    """
    left = [max(wishes.wanted[name] - got, 0) for name, got in zip(scene.cars.ids, given.by_car, strict=True)]
    derived: dict[str, tuple[int, Unit]] = {}
    for stage in scene.objective.sequence:
        if stage.kind == "fair":
            shares = fair_values(scene.cars, left, wishes.valued)
            names = class_names("fair", shares)
            derived |= {name: (shares.get(priority, 0), "1e-6") for priority, name in names.items()}
        elif stage.kind == "starts":
            derived["starts"] = sum(starts), ""
        elif stage.kind in KINDS:
            derived[stage.kind] = load_value(stage.kind, scene, given.by_slot, excess), LOAD_UNIT[stage.kind]
        elif stage.kind in BY_CLASS:
            missing = _missing(scene.cars, left, wishes, stage.kind)
            derived |= {name: (units, "0.1 J") for name, units in missing.items()}
        elif stage.kind == "energy":
            derived["energy"] = (sum(left), "0.1 J")
        else:
            derived[stage.kind] = (weighed(stage.kind, scene, given, left, cost), UNIT_OF.get(stage.kind, ""))
    return {name: derived[name] for name, _ in stages_of(scene)}


def budget_of(stage: ObjectiveStage, value: int) -> int:
    """Return what later stages may make of a value that a stage has reached."""
    allowed = exact(stage.allow_abs) * ALLOWED_UNIT[stage.kind] // 1
    return value + int(allowed) + abs(value) * int(exact(stage.allow_rel) * 1_000_000 // 1) // 1_000_000


def judge_stages(solution: Solution, derived: dict[str, tuple[int, Unit]], findings: Findings) -> None:
    """Compare the claimed stages with the derived ones; a solution without stages claims nothing."""
    if not solution.stages:
        return
    names = [stage.name for stage in solution.stages]
    if names != list(derived):
        findings.add("claimed_stage", "plan", "stages", ", ".join(names), ", ".join(derived), relation="exactly")
        return
    for stage in solution.stages:
        value, unit = derived[stage.name]
        if type(stage.value) is not int or stage.value != value:
            findings.add("claimed_stage", "plan", stage.name, stage.value, value, unit=unit, relation="exactly")


def _missing(cars: Cars, left: list[int], wishes: Wishes, kind: str) -> dict[str, int]:
    """Return the energy that must-haves or wishes miss, by the name of the stage; ``left`` is what wishes miss."""
    priority = {car.id: car.priority for car in cars.models}
    names = class_names(kind, priority.values())
    missing = dict.fromkeys(names.values(), 0)
    hard = kind == "must_have"
    for goal in wishes.milestones:
        if goal.hard == hard and goal.counted:
            missing[names[priority[goal.session]]] += goal.missing_units
    if not hard:
        for name, units in zip(cars.ids, left, strict=True):
            if name not in wishes.valued:
                missing[names[priority[name]]] += units
    return missing


BY_CLASS: Final = ("must_have", "fair", "wanted")
"""Kinds that are a stage of their own for each priority."""
COUNTS_MISSING: Final = ("must_have", "wanted", "energy")
"""Kinds whose value is missing energy."""
LEAST_IS_0: Final = (*COUNTS_MISSING, "fair", "contract", "starts")
"""Kinds that can be at 0, which nothing is better than."""
LOAD_UNIT: Final[dict[str, Unit]] = {"contract": "0.1 J", "peak": "0.1 W", "flat": "0.1 J"}
_WH_HOURS: Final = 3600 * ENERGY_UNITS_PER_WH
ALLOWED_UNIT: Final = {
    "must_have": ENERGY_UNITS_PER_WH,
    "wanted": ENERGY_UNITS_PER_WH,
    "energy": ENERGY_UNITS_PER_WH,
    "contract": ENERGY_UNITS_PER_WH,
    "flat": ENERGY_UNITS_PER_WH,
    "peak": 10,
    "starts": 1,
    "fair": SHARES,
    "quick": _WH_HOURS,
    "finish": _WH_HOURS,
    "cost": MONEY_UNITS_PER_CURRENCY,
    "profit": MONEY_UNITS_PER_CURRENCY,
    "co2": MONEY_UNITS_PER_CURRENCY,
}
"""By kind, what one unit of ``ObjectiveStage.allow_abs`` is inside; grams are counted like a currency."""
