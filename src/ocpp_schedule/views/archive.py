"""A solution as plain JSON data and back; the scenario travels beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.solution import Solution, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.problem.arrays import Problem

PLAN_FORMAT_VERSION: Final = 1
MAX_STEPS: Final = 1 << 40
"""Far above any set-point, far below where int64 products overflow."""


def solution_to_dict(solution: Solution) -> dict[str, Any]:
    """Return the solution as JSON data: set-points by session id, guarded slots as lists of indices."""
    return {
        "setpoints": {name: row.tolist() for name, row in zip(solution.session_ids, solution.setpoints, strict=True)},
        "late_raise": _flags(solution.session_ids, solution.late_raise),
        "early_lowering": _flags(solution.session_ids, solution.early_lowering),
        "idle_floor_steps": dict(zip(solution.connector_ids, solution.idle_floor_steps.tolist(), strict=True)),
        "end_floor_steps": dict(zip(solution.connector_ids, solution.end_floor_steps.tolist(), strict=True)),
        "energy_units": dict(zip(solution.session_ids, solution.energy_units.tolist(), strict=True)),
        "cost_units": solution.cost_units,
        "stages": [
            {"name": stage.name, "value": stage.value, "bound": stage.bound, "mark": stage.mark}
            for stage in solution.stages
        ],
        "method": solution.method,
        "termination": solution.termination,
    }


def _flags(ids: tuple[str, ...], flags: Any) -> dict[str, list[int]]:
    return {name: np.flatnonzero(row).tolist() for name, row in zip(ids, flags, strict=True) if row.any()}


def solution_from_dict(problem: Problem, data: Mapping[str, Any]) -> Solution:
    """Return the solution of archived data; nothing in it is believed before the referee has seen it.

    Raises:
        InputError: the data do not have the form of ``solution_to_dict`` for this problem.
    """
    try:
        return _read(problem, data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise InputError(
            "plan archive", [InputProblem("solution", f"does not belong to the scenario beside it: {error!r}")]
        ) from error


def _read(problem: Problem, data: Mapping[str, Any]) -> Solution:
    shape = (problem.sessions, problem.slots)
    setpoints = np.array([data["setpoints"][name] for name in problem.session_ids], dtype=np.int64).reshape(shape)
    if setpoints.size and (setpoints.min() < 0 or setpoints.max() > MAX_STEPS):
        raise ValueError(f"set-points from {setpoints.min()} to {setpoints.max()}")
    flags = []
    for field in ("late_raise", "early_lowering"):
        matrix = np.zeros(shape, dtype=np.bool_)
        for row, name in enumerate(problem.session_ids):
            matrix[row, np.array(data[field].get(name, []), dtype=np.int64)] = True
        flags.append(matrix)
    floors = [
        np.array([data[field][name] for name in problem.connector_ids], dtype=np.int64)
        for field in ("idle_floor_steps", "end_floor_steps")
    ]
    energy = np.array([data["energy_units"][name] for name in problem.session_ids], dtype=np.int64)
    for array in (setpoints, *flags, *floors, energy):
        array.setflags(write=False)
    return Solution(
        session_ids=problem.session_ids,
        setpoints=setpoints,
        late_raise=flags[0],
        early_lowering=flags[1],
        connector_ids=problem.connector_ids,
        idle_floor_steps=floors[0],
        end_floor_steps=floors[1],
        energy_units=energy,
        cost_units=int(data["cost_units"]),
        stages=tuple(Stage(s["name"], int(s["value"]), s["bound"], s["mark"]) for s in data["stages"]),
        method=str(data["method"]),
        termination=str(data["termination"]),
    )
