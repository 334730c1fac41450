"""Solutions written by hand, to test what comes after the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solution import Solution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def solution_by_hand(
    setpoints: Mapping[str, Sequence[int]],
    floors: Mapping[str, tuple[int, int]],
    *,
    slots: int,
    late_raise: Iterable[tuple[str, int]] = (),
    early_lowering: Iterable[tuple[str, int]] = (),
) -> Solution:
    """Return a solution with the given set-points; energy and cost are left at 0.

    Args:
        setpoints: session id to steps per slot.
        floors: connector id to idle floor and end floor [steps].
        slots: number of slots of the grid.
        late_raise: (session id, slot) of raises that are written after the edge.
        early_lowering: (session id, slot) of lowerings that are written before the edge.

    Raises:
        ValueError: a row has not one value per slot.
        KeyError: a guarded edge names an unknown session.

    >>> solution_by_hand({"a": [0, 160]}, {"A": (0, 60)}, slots=2, late_raise=[("a", 1)]).late_raise.tolist()
    [[False, True]]
    """
    session_ids, connector_ids = tuple(sorted(setpoints)), tuple(sorted(floors))
    row = {name: index for index, name in enumerate(session_ids)}
    steps = np.zeros((len(session_ids), slots), dtype=np.int64)
    for name, values in setpoints.items():
        if len(values) != slots:
            raise ValueError(f"{name!r} has {len(values)} values; give one for each of the {slots} slots.")
        steps[row[name]] = values
    late, early = np.zeros(steps.shape, dtype=np.bool_), np.zeros(steps.shape, dtype=np.bool_)
    for flags, places in ((late, late_raise), (early, early_lowering)):
        for name, slot in places:
            flags[row[name], slot] = True
    idle, end = (np.array([floors[name][k] for name in connector_ids], dtype=np.int64) for k in (0, 1))
    for array in (steps, late, early, idle, end):
        array.setflags(write=False)
    return Solution(
        session_ids=session_ids,
        setpoints=steps,
        late_raise=late,
        early_lowering=early,
        connector_ids=connector_ids,
        idle_floor_steps=idle,
        end_floor_steps=end,
        energy_units=np.zeros(len(session_ids), dtype=np.int64),
        cost_units=0,
    )
