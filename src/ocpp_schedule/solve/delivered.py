"""What the site delivers for the energy that cars get: more, where outlets are DC (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.problem.stages import StageSpec


def weighed_dw(problem: Problem, stage: StageSpec) -> Ints:
    """Return (S,) the power of a step that a stage weighs: delivered by the site, or into the car [0.1 W]."""
    return problem.draw_dw if stage.delivered else problem.power_dw


def delivered_units(problem: Problem, energy: Ints) -> Ints:
    """Return what the site delivers for (S, T) energies into the cars, losses of DC outlets included [0.1 J].

    Whole steps give whole units; the last part of a step that a tapered car draws is rounded up.
    """
    if problem.draw_dw is problem.power_dw or (problem.draw_dw == problem.power_dw).all():
        return energy
    power, draw = np.maximum(problem.power_dw, 1)[:, None], problem.draw_dw[:, None]
    whole, rest = np.divmod(energy, power)
    delivered: Ints = whole * draw - (-rest * draw // power)
    return delivered
