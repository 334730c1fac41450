"""The value of every stage, from the models and the set-points alone, against what a solution claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocpp_schedule.check.energy import Given, Wishes
    from ocpp_schedule.check.quantities import Cars
    from ocpp_schedule.check.report import Findings, Unit
    from ocpp_schedule.solution import Solution


def stage_values(cars: Cars, given: Given, wishes: Wishes, cost: int) -> dict[str, tuple[int, Unit]]:
    """Return the value of each stage by name, with its unit, in the order of the stages.

    Args:
        cars: the sessions.
        given: energy given.
        wishes: what they want and must have.
        cost: of the energy given [money units].
    """
    must = soft = 0
    for goal in wishes.milestones:
        if goal.hard:
            must += goal.missing_units
        else:
            soft += goal.missing_units
    short = sum(max(wishes.wanted[name] - got, 0) for name, got in zip(cars.ids, given.by_car, strict=True))
    return {"must_have": (must, "0.1 J"), "wanted": (soft + short, "0.1 J"), "cost": (cost, "money")}


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
