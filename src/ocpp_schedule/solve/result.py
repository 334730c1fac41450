"""Comparing integer plans in the order of the stages, and turning one into a ``Solution``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.solution import Certificate, Solution, Stage, StageMark
from ocpp_schedule.solve.capacity import guarded
from ocpp_schedule.solve.edges import cost_units, with_held
from ocpp_schedule.solve.flows import actual, counted
from ocpp_schedule.solve.metering import metered
from ocpp_schedule.solve.values import stage_values

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.solve.stages import Bounds


@dataclass(frozen=True, slots=True)
class Candidate:
    """An integer plan with what it gives, guard losses counted.

    Attributes:
        setpoints: (S, T) steps.
        late, early: (S, T) guarded edges.
        energy_units: (S, T) [0.1 J].
        got_units: (S,) what counts for wishes: of cars that can give energy back, what is more in the battery [0.1 J].
        missing_units: (D,) missing energy of each demand, never negative [0.1 J].
        rank: value of each stage of the problem.
        order: the same, values that are good enough for later stages made equal; the lower plan is the better one.
        served: the first of these, of the stages that count missing energy.
    """

    setpoints: Ints
    late: Bools
    early: Bools
    energy_units: Ints
    got_units: Ints
    missing_units: Ints
    rank: tuple[int, ...]
    order: tuple[float, ...]
    served: tuple[float, ...]

    @property
    def missing(self) -> int:
        """All energy that wishes and milestones miss [0.1 J]."""
        return int(self.missing_units.sum())


def evaluate(problem: Problem, setpoints: Ints) -> Candidate:
    """Return the plan with its guarded edges, energies and stage values; no car is charged beyond its battery."""
    setpoints, late, early, energy = guarded(problem, setpoints)
    got = energy
    if problem.meter is not None and problem.meter.cars:
        got = counted(problem, actual(problem, problem.meter, energy), energy)
    given = np.concatenate((np.zeros((problem.sessions, 1), dtype=np.int64), np.cumsum(got, axis=1)), axis=1)
    missing = np.maximum(problem.demand_wish_units - given[problem.demand_session, problem.demand_end], 0)
    rank = stage_values(problem, setpoints, energy, missing)
    order = tuple(
        value if stage.enough is None else max(value, stage.enough)
        for stage, value in zip(problem.stages, rank, strict=True)
    )
    return Candidate(
        setpoints=setpoints,
        late=late,
        early=early,
        energy_units=energy,
        got_units=given[:, -1],
        missing_units=missing,
        rank=rank,
        order=order,
        served=order[: problem.wish_stages],
    )


def to_solution(
    problem: Problem,
    plan: Candidate,
    bounds: Bounds | None,
    *,
    method: str,
    mark: StageMark,
    termination: str,
    stats: dict[str, int | float],
    certificates: dict[str, Certificate] | None = None,
) -> Solution:
    """Return the plan as a ``Solution`` with read-only arrays."""
    arrays = (with_held(problem, plan.setpoints).astype(np.int64), plan.late, plan.early, plan.got_units)
    for array in arrays:
        array.setflags(write=False)
    values = bounds.values if bounds else (None,) * len(problem.stages)
    return Solution(
        session_ids=problem.session_ids,
        setpoints=arrays[0],
        late_raise=arrays[1],
        early_lowering=arrays[2],
        connector_ids=problem.connector_ids,
        idle_floor_steps=problem.idle_floor_steps,
        end_floor_steps=problem.end_floor_steps,
        energy_units=arrays[3],
        stages=tuple(
            _stage(stage.name, value, bound, mark)
            for stage, value, bound in zip(problem.stages, plan.rank, values, strict=True)
        ),
        method=method,
        termination=termination,
        stats=stats,
        certificates=certificates or {},
        **_at_meter(problem, plan),
    )


def _at_meter(problem: Problem, plan: Candidate) -> dict[str, Any]:
    """Return the fields of ``Solution`` that hold the cost; more of them where the meter is looked at."""
    if problem.meter is None:
        return {"cost_units": cost_units(problem, plan.energy_units)}
    at_meter = metered(problem, problem.meter, plan.energy_units)
    curtailed = at_meter.curtailed_dw
    curtailed.setflags(write=False)
    steps, given = at_meter.meter.storage_steps, at_meter.meter.discharge_steps
    for array in (steps, given):
        array.setflags(write=False)
    return {
        "discharge_ids": tuple(problem.session_ids[car.session] for car in problem.meter.cars),
        "discharge_steps": given if given.size else None,
        "storage_ids": tuple(battery.id for battery in problem.meter.batteries),
        "storage_steps": steps if steps.size else None,
        "generator_ids": problem.meter.generator_ids,
        "curtailed_dw": curtailed if curtailed.size else None,
        "cost_units": at_meter.cost_units,
        "cost_parts": at_meter.parts,
    }


def _stage(name: str, value: int, bound: float | None, mark: StageMark) -> Stage:
    """Return a stage; without a bound it is heuristic at best.

    Values are whole numbers, so a bound less than one above is rounding of floats: large amounts cancel at the meter.
    """
    if bound is not None and value < bound < value + 1:
        bound = float(value)
    return Stage(name, value, bound, "heuristic" if bound is None and mark == "bounded" else mark)
