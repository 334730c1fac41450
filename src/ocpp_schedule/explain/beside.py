"""Limits that are no rows of loads, and who else counts in them: cabinets, turns, differences (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.solve.pools import booked_steps
from ocpp_schedule.units import LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.problem.arrays import Ints, Problem


def full_beside(problem: Problem, setpoints: Ints, row: int, slot: int) -> Iterator[tuple[str, set[str]]]:
    """Yield what leaves a session not one step more in a slot, by name, each with the others that charge on it.

    Args:
        problem: compiled arrays.
        setpoints: (S, T) steps.
        row: index of the session.
        slot: index.
    """
    more = setpoints[:, slot : slot + 1].copy()
    more[row] = max(int(setpoints[row, slot]) + 1, int(problem.min_steps[row]))
    for name, counted in (*_full_pools(problem, more), *_uneven(problem, more, row, slot)):
        charging = set(np.flatnonzero(counted & (setpoints[:, slot] > 0)).tolist()) - {row}
        if counted[row]:
            yield name, {problem.session_ids[other] for other in charging}


def _full_pools(problem: Problem, setpoints: Ints) -> Iterator[tuple[str, Ints]]:
    """Yield the pools of which (S, 1) set-points take too much, with (S,) who is in them."""
    pools = problem.pools
    if pools is None:
        return
    booked = booked_steps(problem, np.repeat(setpoints, problem.slots, axis=1))[:, :1]
    for pool, (noun, name) in enumerate(zip(pools.nouns, pools.names, strict=True)):
        if int(pools.pieces(pool, booked).sum()) > int(pools.count[pool]):
            yield named(noun, name), pools.take[pool][problem.session_connector] > 0


def _uneven(problem: Problem, setpoints: Ints, row: int, slot: int) -> Iterator[tuple[str, Ints]]:
    """Yield the lines that (S, 1) set-points make too different for a session, with (S,) who is on the fuller one."""
    limits = problem.unbalance
    if limits is None:
        return
    differs = limits.differences(setpoints)[:, :, 0]
    for at, circuit in enumerate(limits.names):
        for pair, (one, other) in enumerate(limits.pairs):
            own = int(limits.per_step[row, pair])
            over = (
                differs[at, pair] > limits.high[at, pair, slot]
                if own > 0
                else differs[at, pair] < limits.low[at, pair, slot]
            )
            if own and over:
                lines = (one, other) if own > 0 else (other, one)
                fuller = limits.inside[at] & (limits.per_step[:, pair] * own > 0)
                yield f"circuit {circuit} {LINES[lines[0]]} over {LINES[lines[1]]}", fuller


def named(noun: str, name: str) -> str:
    """Return a pool in words.

    >>> named("cabinet", "K1"), named("exclusive", "CP1 0")
    ('cabinet K1', 'station CP1 (one outlet at a time)')
    """
    return f"station {name.rpartition(' ')[0]} (one outlet at a time)" if noun == "exclusive" else f"{noun} {name}"
