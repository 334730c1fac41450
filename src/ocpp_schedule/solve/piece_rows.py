"""Few periods in programs: one binary for each new period of small problems; pieces held as one (convention 24)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ocpp_schedule.problem.pieces import PHASE_CODES, layer_codes
from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.edges import with_held
from ocpp_schedule.solve.patterns import least_steps
from ocpp_schedule.solve.pieces import at_seams, pieced_sessions
from ocpp_schedule.solve.relaxation import restrict

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints, Problem
    from ocpp_schedule.solve.program import Program
    from ocpp_schedule.solve.relaxation import Relaxation

Entries = dict[int, float]
_Held = tuple[Entries, int, int]
"""What stands in a period: set-points of the program, steps that are settled, and the number of phases."""


def with_piece_rows(problem: Problem, relaxation: Relaxation, program: Program) -> Program:
    """Return the integer program with the periods of every limited layer; new binary columns come last."""
    if problem.pieces is None:
        return program
    width = program.cost.size
    rows: list[tuple[Entries, float]] = []
    for layer, most in enumerate(problem.pieces.most.tolist()):
        held = _held(problem, relaxation, layer)
        counted: Entries = {}
        settled = 1 + at_seams(problem, layer)
        for before, after in pairwise(held):
            differences = _differences(before, after)
            if differences is None:
                settled += 1
            elif differences:
                rows += [(entries | {width: 1.0 * reach}, low) for entries, low, reach in differences]
                counted[width] = -1.0
                width += 1
        if counted:
            rows.append((counted, float(settled - most)))
    return _grown(program, rows, width)


def _held(problem: Problem, relaxation: Relaxation, layer: int) -> list[_Held]:
    """Return what a layer holds slot by slot, and after the grid."""
    pieces = problem.pieces
    assert pieces is not None  # noqa: S101 - checked by the caller, for the type checker
    arc = {
        (int(s), int(t)): k
        for k, (s, t) in enumerate(zip(relaxation.arc_session, relaxation.arc_slot, strict=True))
        if pieces.layer[s] == layer
    }
    nothing = np.zeros((problem.sessions, problem.slots), dtype=np.int64)
    codes = layer_codes(problem, with_held(problem, nothing))[layer].tolist()
    held: list[_Held] = [({}, code // PHASE_CODES, code % PHASE_CODES) for code in codes]
    for (session, slot), column in arc.items():
        held[slot] = ({column: float(relaxation.arc_cap[column])}, 0, int(pieces.phases[session]))
    return held


def _differences(before: _Held, after: _Held) -> list[tuple[Entries, float, float]] | None:
    """Return rows ``entries @ x + reach x new >= low`` that make ``new`` 1 where a period begins.

    None where one always does; empty where none ever does. Of a set-point in the program the entry is its largest
    value here, so that ``reach`` is large enough.
    """
    (own, settled, phases), (other, held, lines) = before, after
    if not own and not other:
        return [] if settled == held and (phases == lines or not settled) else None
    alike = phases == lines or (not own and not settled) or (not other and not held)
    if not alike and (settled or held):
        return None
    reach = max(*own.values(), *other.values(), float(settled), float(held), 1.0) if own or other else 1.0
    if not alike:  # only two pauses go on as one
        return [({column: -1.0}, 0.0, reach) for column in (*own, *other)]
    up: Entries = dict.fromkeys(own, 1.0) | dict.fromkeys(other, -1.0)
    down = {column: -value for column, value in up.items()}
    return [(up, float(held - settled), reach), (down, float(settled - held), reach)]


def _grown(program: Program, rows: list[tuple[Entries, float]], width: int) -> Program:
    """Return the program with rows ``entries @ x >= low`` and binaries up to ``width``."""
    if not rows:
        return program
    new = width - program.cost.size
    at = [number for number, (entries, _) in enumerate(rows) for _ in entries]
    column = [one for entries, _ in rows for one in entries]
    data = [value for entries, _ in rows for value in entries.values()]
    below = csr_array((data, (at, column)), shape=(len(rows), width))
    empty = csr_array((program.matrix.shape[0], new))
    return replace(
        program,
        cost=np.concatenate((program.cost, np.zeros(new))),
        low=np.concatenate((program.low, np.zeros(new))),
        high=np.concatenate((program.high, np.ones(new))),
        matrix=csr_array(vstack([hstack([program.matrix, empty]), below])),
        row_low=np.concatenate((program.row_low, [low for _, low in rows])),
        row_high=np.concatenate((program.row_high, np.full(len(rows), np.inf))),
        integer=np.ones(width, dtype=np.bool_),
    )


def held_in_pieces(problem: Problem, relaxation: Relaxation, setpoints: Ints) -> Relaxation:
    """Return the linear program with limited sessions held to the pieces of ``setpoints``: on, off, and all alike.

    Sessions with a taper stay as they are: of those the program knows draws, not permissions.
    """
    low, high = np.zeros_like(problem.cap_steps), problem.cap_steps.copy()
    least = least_steps(problem)
    own = [session for session in pieced_sessions(problem).tolist() if session not in problem.tapers]
    on = setpoints[own] > 0
    low[own] = np.where(on, np.minimum(least[own, None], problem.cap_steps[own]), 0)
    high[own] = np.where(on, problem.cap_steps[own], 0)
    held = restrict(relaxation, low, high)
    pairs = _pairs(problem, relaxation, setpoints, own)
    width = relaxation.program.cost.size
    number = np.repeat(np.arange(pairs.shape[0]), 2)
    nothing = np.zeros(0)
    return extended(
        held,
        Block(
            name="pieces",
            low=nothing,
            high=nothing,
            matrix=csr_array(
                (np.tile((1.0, -1.0), pairs.shape[0]), (number, pairs.ravel())), shape=(pairs.shape[0], width)
            ),
            row_low=np.zeros(pairs.shape[0]),
            row_high=np.zeros(pairs.shape[0]),
        ),
    )


def _pairs(problem: Problem, relaxation: Relaxation, setpoints: Ints, own: list[int]) -> Ints:
    """Return (n, 2) columns of neighbouring slots of one piece."""
    session, slot = relaxation.arc_session, relaxation.arc_slot
    limited = np.zeros(problem.sessions, dtype=np.bool_)
    limited[own] = True
    follows = np.flatnonzero(
        (session[1:] == session[:-1])
        & (slot[1:] == slot[:-1] + 1)
        & limited[session[1:]]
        & (setpoints[session[1:], slot[1:]] == setpoints[session[:-1], slot[:-1]])
        & (setpoints[session[1:], slot[1:]] > 0)
    )
    return np.column_stack((follows, follows + 1))


def alike_in_pieces(problem: Problem, setpoints: Ints, values: Floats) -> Floats:
    """Return (S, T) values with every piece of a limited session at the lowest of its slots: solvers miss by a hair."""
    result = values.copy()
    for session in pieced_sessions(problem).tolist():
        if session in problem.tapers:
            continue
        row = setpoints[session]
        starts = np.concatenate(([0], np.flatnonzero(np.diff(row)) + 1))
        lowest = np.minimum.reduceat(values[session], starts)
        result[session] = np.repeat(lowest, np.diff(np.append(starts, row.size)))
    return result
