"""How far each stage of a plan is from the best there can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.check.claims import Mark
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution, Stage

MONEY: Final = ("cost", "profit")


@dataclass(frozen=True, slots=True)
class StageReview:
    """One stage of a plan, with the bound that stands beside it.

    Attributes:
        name: of the stage.
        value: of the plan, exact, in the stage's unit (convention 16).
        bound: no plan as good in the stages before has a lower value; None where nothing says so.
        mark: ``certified``: the bound is proven from the models, without a solver; the others:
            ``solution.StageMark``.
    """

    name: str
    value: int
    bound: float | None
    mark: Mark

    @property
    def gap(self) -> float | None:
        """What the plan may be off the best at most, in the stage's unit."""
        return None if self.bound is None else max(self.value - self.bound, 0.0)


def stage_reviews(solution: Solution, proven: Mapping[str, int]) -> tuple[StageReview, ...]:
    """Return the stages of a solution.

    Args:
        solution: with its claims.
        proven: bounds by stage that are proven (``check.claims.proven_bounds``).
    """
    return tuple(_review(stage, proven.get(stage.name)) for stage in solution.stages)


def _review(stage: Stage, proven: int | None) -> StageReview:
    if proven is None:
        return StageReview(stage.name, stage.value, stage.bound, stage.mark)
    return StageReview(stage.name, stage.value, proven, "certified")


def missing_gap_units(reviews: tuple[StageReview, ...], problem: Problem) -> float | None:
    """Return the missing energy above what is unavoidable, all stages of energy together; None without a bound."""
    counted = {stage.name for stage in problem.stages if stage.kind == "missing"} | {"energy"}
    gaps = [review.gap for review in reviews if review.name in counted]
    return None if any(gap is None for gap in gaps) else sum(gap or 0.0 for gap in gaps)


def money_review(reviews: tuple[StageReview, ...]) -> StageReview | None:
    """Return the stage of money, if there is one."""
    return next((review for review in reviews if review.name in MONEY), None)


def relative_cost_gap(review: StageReview | None, problem: Problem, solution: Solution) -> float | None:
    """Return the gap of the money stage relative to the gross value of the energy (its price without sign)."""
    if review is None or review.gap is None:
        return None
    per_slot = (solution.setpoints * problem.draw_dw[:, None]).sum(axis=0)
    gross = float((per_slot * np.abs(problem.price_seconds)).sum())
    return review.gap / gross if gross else 0.0
