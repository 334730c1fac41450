"""Limits that are no rows of loads: each family keeps its own book of a plan under construction.

The rows of ``Problem`` (loads that add up below a node) are in ``working`` itself, for speed. Everything else is a
family, and to add one:

1. put what it needs to know into ``Problem`` (None where the site has none of it, so that it costs nothing);
2. write a module in ``solve`` with a class that has the methods of ``Use`` below, and the functions of ``Family``; name
   it in ``FAMILIES``;
3. write its rows of the program in a module of their own, and name them in ``family_rows``.

``WorkingPlan`` then asks it for room, tells it every change and shrinks plans into it; ``guard_edges`` lets it ask for
late raises; ``relax`` puts its rows behind the program's. The referee has its own view of it, in ``check``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ocpp_schedule.solve import phasors, pools, unbalance

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.problem.arrays import Bools, Ints, Problem


class Use(Protocol):
    """What a plan under construction uses of one family's limits, kept in step with its set-points."""

    def room(self, session: int, window: slice, setpoints: Ints) -> Ints:
        """Return the largest set-points that fit, slot by slot of the window.

        Args:
            session: index.
            window: its usable slots.
            setpoints: (W,) what it has there now.
        """
        ...

    def change(self, session: int, window: slice, before: Ints, after: Ints) -> None:
        """Take in new set-points of a session for its window."""
        ...

    def fits(self) -> bool:
        """Tell whether every limit of the family holds."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """One family of limits.

    Attributes:
        present: whether the problem has any.
        use: the book of a plan with these (S, T) set-points.
        shrunk: (S, T) set-points, lowered where they do not fit (0, or at least the minimum).
        late: given (S, T) set-points and the late raises and early lowerings so far, the late raises that the family
            needs besides; None where edges are no matter of the family.
        two_sided: whether lowering a set-point can break a limit.
    """

    present: Callable[[Problem], bool]
    use: Callable[[Problem, Ints], Use]
    shrunk: Callable[[Problem, Ints], Ints]
    late: Callable[[Problem, Ints, Bools, Bools], Bools] | None
    two_sided: bool = False


FAMILIES: Final = (
    Family(pools.present, pools.PoolUse, pools.shrunk, pools.late_raises),
    Family(phasors.present, phasors.PhasorUse, phasors.shrunk, None),
    Family(unbalance.present, unbalance.UnbalanceUse, unbalance.shrunk, None, two_sided=True),
)
"""Conductors of phasors see to their edges themselves, early lowerings included, and to their rows (``solve.cuts``)."""


def uses_of(problem: Problem, setpoints: Ints) -> list[Use]:
    """Return the books of all families that the problem has."""
    return [family.use(problem, setpoints) for family in FAMILIES if family.present(problem)]


def shrunk(problem: Problem, setpoints: Ints) -> Ints:
    """Return (S, T) set-points, lowered until they fit every family; the same array where they do."""
    for family in FAMILIES:
        if family.present(problem):
            setpoints = family.shrunk(problem, setpoints)
    return setpoints


def balanced(problem: Problem, setpoints: Ints) -> Ints:
    """Return (S, T) set-points that fit where lowering some may have broken a limit; the same array where they do."""
    for family in FAMILIES:
        if family.two_sided and family.present(problem):
            setpoints = family.shrunk(problem, setpoints)
    return setpoints


def guarded(problem: Problem, setpoints: Ints, late: Bools, early: Bools) -> Bools:
    """Return (S, T) late raises, with those that families need besides."""
    for family in FAMILIES:
        if family.late is not None and family.present(problem):
            late = late | family.late(problem, setpoints, late, early)
    return late
