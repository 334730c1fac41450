"""What outlets share in whole pieces, and who has them: cabinets and outlets that take turns (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.pools import booked_steps

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem


def full_pieces(problem: Problem, setpoints: Ints, row: int, slot: int) -> list[tuple[str, set[str]]]:
    """Return what leaves a session not one step more in a slot, by name, each with the others that charge on it.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        row: index of the session.
        slot: index.
    """
    pools = problem.pools
    if pools is None:
        return []
    own = int(problem.session_connector[row])
    booked = booked_steps(problem, setpoints[:, slot : slot + 1])
    more = booked.copy()
    more[own] = max(int(setpoints[row, slot]) + 1, int(problem.min_steps[row]))
    found = []
    for pool in np.flatnonzero(pools.take[:, own]).tolist():
        if int(pools.pieces(pool, more).sum()) <= int(pools.count[pool]):
            continue
        members = pools.take[pool][problem.session_connector] > 0
        others = np.flatnonzero(members & (setpoints[:, slot] > 0)).tolist()
        found.append(
            (named(pools.nouns[pool], pools.names[pool]), {problem.session_ids[k] for k in others if k != row})
        )
    return found


def named(noun: str, name: str) -> str:
    """Return a pool in words.

    >>> named("cabinet", "K1"), named("exclusive", "CP1 0")
    ('cabinet K1', 'station CP1 (one outlet at a time)')
    """
    return f"station {name.rpartition(' ')[0]} (one outlet at a time)" if noun == "exclusive" else f"{noun} {name}"
