"""Discrete pilots: set-points that only take certain values (convention 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.effects import Effect


def levels_of(found: Sequence[Effect], kind: Sequence[int]) -> dict[int, Ints]:
    """Return by session the allowed set-points, 0 included, of those that may not take every step in between."""
    tables = [np.array(one.pilots, dtype=np.int64) for one in found]
    for table in tables:
        table.setflags(write=False)
    if not any(table.size for table in tables):
        return {}
    return {session: tables[at] for session, at in enumerate(kind) if tables[at].size}


def lowered(values: Ints, levels: Mapping[int, Ints]) -> Ints:
    """Return (S, T) set-points with those of the sessions in ``levels`` rounded down to an allowed one.

    >>> lowered(np.array([[4, 7], [4, 7]]), {1: np.array([0, 3, 5, 8])}).tolist()
    [[4, 7], [3, 5]]
    """
    if not levels:
        return values
    result = values.copy()
    for session, table in levels.items():
        result[session] = table[np.searchsorted(table, values[session], side="right") - 1]
    return result
