"""A deadline: what is left of it, and the best plan in hand when it strikes.

The time comes from the caller's clock (convention 11); it is looked at before and after every program, whose own limit
is what is left. What strikes is told by an exception that does not leave ``ladder.solve``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocpp_schedule.problem.pieces import expressible
from ocpp_schedule.solve.edges import with_held

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.result import Candidate


class OutOfTime(Exception):  # noqa: N818 - no error, and nobody outside sees it
    """The deadline has struck."""


@dataclass(frozen=True, slots=True)
class InHand:
    """A plan that fits.

    Attributes:
        problem: what it is a plan of, batteries as it has them.
        plan: the plan.
        method: the rung of the ladder that it comes from.
    """

    problem: Problem
    plan: Candidate
    method: str


class Deadline:
    """When to stop, by a clock that the caller brings.

    Attributes:
        best: the best plan offered so far; None: none was.
    """

    def __init__(self, clock: Callable[[], float], until: float) -> None:
        self._clock, self._until = clock, until
        self.best: InHand | None = None
        self._asked: Problem | None = None

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            OutOfTime: none is.
        """
        left = self._until - self._clock()
        if left <= 0:
            raise OutOfTime
        return left

    def offer(self, problem: Problem, plan: Candidate | None, method: str = "linear") -> None:
        """Keep a plan if it is better in the first stage in which it differs from the one in hand.

        The first problem offered is the one asked; plans that its stations cannot be told are not kept (convention 24).
        """
        self._asked = self._asked or problem
        if plan is not None and not expressible(self._asked, with_held(problem, plan.setpoints), plan.late, plan.early):
            return
        if plan is not None and (self.best is None or plan.rank < self.best.plan.rank):
            self.best = InHand(problem, plan, method)
