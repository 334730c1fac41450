"""The objective of each stage on the columns of the linear program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.loads import LEVELS
from ocpp_schedule.problem.stages import PARTS_PER_MILLION
from ocpp_schedule.solve.delivered import weighed_dw
from ocpp_schedule.solve.values import LOADED

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.problem.stages import StageSpec


@dataclass(frozen=True, slots=True)
class Goal:
    """The objective of one stage on the columns of a relaxation.

    Attributes:
        coefficients: (n,) objective units per unit of each column.
        scale: objective units per unit of the stage; it brings the coefficients near 1.
        dearest: the highest price of energy among them, without sign [objective units per 0.1 J]; 0 for shortfalls.
        offset: what the stage's value has beside that of the columns, in its unit.
    """

    coefficients: Floats
    scale: float
    dearest: float = 0.0
    offset: float = 0.0


def stage_goals(
    problem: Problem, places: dict[str, slice], session: Ints, slot: Ints, short_units: Floats
) -> dict[str, Goal]:
    """Return the objective of every stage by name.

    Args:
        problem: compiled arrays.
        places: of the columns by block; ``arcs`` and ``short`` are there.
        session: (A,) of each arc.
        slot: (A,) of each arc.
        short_units: (D,) energy of one unit of each shortfall [0.1 J].
    """
    width = max(place.stop for place in places.values())
    goals = {}
    for stage in problem.stages:
        coefficients = np.zeros(width)
        if stage.kind == "missing":
            scale, dearest = 1.0 / float(short_units.mean()) if short_units.size else 1.0, 0.0
            coefficients[places["short"]] = np.where(stage.demands, short_units, 0.0) * scale
        elif stage.kind == "starts":
            scale, dearest = 1.0, 0.0  # no linear program knows it
        elif stage.kind in LOADED:
            scale = _load_scale(problem, stage, session)
            dearest = scale * (LEVELS if stage.kind == "flat" else 1.0 / float(problem.seconds.min()))
        else:
            scale, dearest = _rate_scale(problem, stage, session)
            if stage.kind == "bill" and problem.meter is not None:
                # A kWh more in one metering interval may raise every peak at once.
                dearest += scale * sum(one.per_dw / int(one.seconds.min()) for one in problem.meter.registers)
            money = weighed_dw(problem, stage)[session] * stage.rate[slot].astype(float)
            coefficients[places["arcs"]] = money * scale
            coefficients[places["short"]] = stage.lost * short_units * scale
        goals[stage.name] = Goal(coefficients, scale, dearest)
    return goals


def _load_scale(problem: Problem, stage: StageSpec, session: Ints) -> float:
    """Return the scale of a stage whose columns are its own (``load_rows``)."""
    if stage.kind == "fair":
        return 1.0 / PARTS_PER_MILLION
    energy = unit_energy(problem, session)
    return float(problem.seconds.mean()) / energy if stage.kind == "peak" else 1.0 / energy


def _rate_scale(problem: Problem, stage: StageSpec, session: Ints) -> tuple[float, float]:
    """Return scale and dearest price of a stage that weighs energy."""
    per_energy = np.abs(stage.rate / problem.seconds)
    level = float(per_energy.mean()) if per_energy.size else 0.0
    scale = 1.0 / ((level or 1.0) * unit_energy(problem, session))
    dearest = max(float(per_energy.max(initial=0.0) or 1.0), float(stage.lost.max(initial=0)))
    return scale, dearest * scale


def unit_energy(problem: Problem, session: Ints) -> float:
    """Return the mean energy of a step in a slot, over the arcs [0.1 J]: what coefficients are scaled by."""
    power = float(problem.power_dw[session].mean()) if session.size else 1.0
    return power * float(problem.seconds.mean())
