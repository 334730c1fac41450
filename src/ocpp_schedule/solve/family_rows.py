"""Families of limits in the linear program: their rows, and the prices of these (``families`` says what they are)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocpp_schedule.solve import pool_rows, pools, unbalance, unbalance_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ocpp_schedule.problem.arrays import Floats, Problem
    from ocpp_schedule.solution import RowName
    from ocpp_schedule.solve.relaxation import Relaxation


@dataclass(frozen=True, slots=True)
class FamilyRows:
    """The rows of one family.

    Attributes:
        present: whether the problem has any.
        extended: the program with the family's rows behind it; they hold for every plan that fits.
        prices: of those rows, for the certificate, from duals in units of a stage; ``check.offers`` charges them.
    """

    present: Callable[[Problem], bool]
    extended: Callable[[Problem, Relaxation], Relaxation]
    prices: Callable[[Problem, Relaxation, Floats], Mapping[RowName, Floats]]


FAMILIES: Final = (
    FamilyRows(pools.present, pool_rows.extended, pool_rows.prices),
    FamilyRows(unbalance.present, unbalance_rows.extended, unbalance_rows.prices),
)


def with_families(problem: Problem, relaxation: Relaxation) -> Relaxation:
    """Return the program with the rows of all families behind it."""
    for family in FAMILIES:
        if family.present(problem):
            relaxation = family.extended(problem, relaxation)
    return relaxation


def family_prices(problem: Problem, relaxation: Relaxation, duals: Floats) -> dict[RowName, Floats]:
    """Return the (T,) prices of all families' rows, from duals in units of a stage."""
    found: dict[RowName, Floats] = {}
    for family in FAMILIES:
        if family.present(problem):
            found |= family.prices(problem, relaxation, duals)
    return found
