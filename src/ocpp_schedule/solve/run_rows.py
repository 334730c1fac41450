"""Pauses and on-times as rows of the integer program that small problems are solved with (convention 21)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ocpp_schedule.solve.patterns import ANY, is_steady

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solve.program import Program
    from ocpp_schedule.solve.relaxation import Relaxation


@dataclass(slots=True)
class _Rows:
    """Rows under construction, each with a lower bound."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    data: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)

    def add(self, entries: dict[int, float], low: float) -> None:
        """Add ``entries @ x >= low``."""
        self.row += [len(self.low)] * len(entries)
        self.column += list(entries)
        self.data += list(entries.values())
        self.low.append(low)


def with_run_rows(problem: Problem, relaxation: Relaxation, program: Program, on_at: int, start_at: int) -> Program:
    """Return the program with the rules of ``problem.runs``; new binary columns come last.

    For a session with a shortest on-time, ``done`` of a slot says that nothing is on from there to the end and the
    session is full: a run may only then be shorter.

    Args:
        problem: compiled arrays.
        relaxation: which set-point each of the first columns is.
        program: in whole steps.
        on_at: the first of the columns that say whether a set-point is on.
        start_at: the first of those that say whether it is the first of a run.
    """
    if problem.runs is None:
        return program
    rows, width = _Rows(), program.cost.size
    for session in np.flatnonzero(problem.runs.flagged).tolist():
        arcs = np.flatnonzero(relaxation.arc_session == session).tolist()
        if not arcs:
            continue
        if is_steady(problem, session):
            rows.add({on_at + arc: 1.0 for arc in arcs}, float(len(arcs)))
        if problem.runs.pauses[session] != ANY:
            rows.add({start_at + arc: -1.0 for arc in arcs}, -float(problem.runs.pauses[session] + 1))
        if problem.runs.on_s[session]:
            slots = {int(relaxation.arc_slot[arc]): arc for arc in arcs}
            _add_on_times(problem, session, slots, rows, (on_at, start_at, width))
            width += len(arcs)
    if not rows.low:
        return program
    new = width - program.cost.size
    empty = csr_array((program.matrix.shape[0], new))
    below = csr_array((rows.data, (rows.row, rows.column)), shape=(len(rows.low), width))
    return replace(
        program,
        cost=np.concatenate((program.cost, np.zeros(new))),
        low=np.concatenate((program.low, np.zeros(new))),
        high=np.concatenate((program.high, np.ones(new))),
        matrix=csr_array(vstack([hstack([program.matrix, empty]), below])),
        row_low=np.concatenate((program.row_low, rows.low)),
        row_high=np.concatenate((program.row_high, np.full(len(rows.low), np.inf))),
        integer=np.ones(width, dtype=np.bool_),
    )


def _add_on_times(
    problem: Problem, session: int, slots: dict[int, int], rows: _Rows, columns: tuple[int, int, int]
) -> None:
    """Add the rows of one session; ``slots`` are its set-points, ``columns`` where on, start and done begin."""
    assert problem.runs is not None  # noqa: S101 - checked by the caller, for the type checker
    on_at, _, done_at = columns
    order = sorted(slots)
    done = {slot: done_at + k for k, slot in enumerate(order)}
    for slot in order:
        rows.add({on_at + slots[slot]: -1.0, done[slot]: -1.0}, -1.0)  # on + done <= 1
    for one, other in pairwise(order):
        rows.add({done[other]: 1.0, done[one]: -1.0}, 0.0)
    _add_full(problem, session, slots, done[order[-1]], rows)
    for slot in order:
        _add_run(problem, session, slot, slots, done, rows, columns)


def _add_run(
    problem: Problem,
    session: int,
    first: int,
    slots: dict[int, int],
    done: dict[int, int],
    rows: _Rows,
    columns: tuple[int, int, int],
) -> None:
    """Add that a run which starts at ``first`` goes on for the shortest time, or ends a full session."""
    assert problem.runs is not None  # noqa: S101 - checked by the caller, for the type checker
    on_at, start_at, _ = columns
    start = start_at + slots[first]
    lasted, slot = 0, first
    while lasted < int(problem.runs.on_s[session]):
        if slot == problem.slots and problem.runs.open_end[session]:
            return
        if slot not in slots:
            # Nothing can be on here, so the run ends: only if the rest is done too, or there is no rest.
            later = [done[other] for other in done if other > slot]
            if later:
                rows.add({later[0]: 1.0, start: -1.0}, 0.0)
            else:
                _add_full(problem, session, slots, start, rows)
            return
        if slot > first:
            rows.add({on_at + slots[slot]: 1.0, done[slot]: 1.0, start: -1.0}, 0.0)
        lasted += int(problem.seconds[slot])
        slot += 1


def _add_full(problem: Problem, session: int, slots: dict[int, int], if_set: int, rows: _Rows) -> None:
    """Add that the session gets all it wants if the binary column ``if_set`` is 1."""
    assert problem.runs is not None  # noqa: S101 - checked by the caller, for the type checker
    energy = {slot: int(problem.power_dw[session]) * int(problem.seconds[slot]) for slot in slots}
    unit = int(np.gcd.reduce(list(energy.values())))
    full = -(-int(problem.runs.full_units[session]) // unit)
    rows.add({slots[slot]: float(energy[slot] // unit) for slot in slots} | {if_set: -float(full)}, 0.0)
