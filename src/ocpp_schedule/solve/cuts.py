"""Tangents of the conductors' limits as rows of a linear program, added where its answer exceeds them (convention 15).

For every direction ``u`` the currents of a conductor keep ``sum of I max(0, Re(conj(u) z)) <= limit``. Each such row is
linear and cuts off no plan that the conductor allows, so that a program with any of them still bounds every plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array, vstack

from ocpp_schedule.problem.phasors import fan
from ocpp_schedule.solve.phasors import PhasorUse, TangentDuals
from ocpp_schedule.solve.program import Outcome, Program, Solver
from ocpp_schedule.solve.relaxation import ROW_SCALE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocpp_schedule.problem.arrays import Bools, Floats, Ints, Problem
    from ocpp_schedule.problem.phasors import Complexes, PhasorRows
    from ocpp_schedule.solve.program import SolverName
    from ocpp_schedule.solve.relaxation import Relaxation
    from ocpp_schedule.solve.stages import Relaxed

LINES: Final = 3
BLOCK: Final = "tangent"
"""Name of their rows in a relaxation."""
FAN_DEG: Final = 30.0
"""Distance of the first tangents of a row: what they leave over is at most 1 / cos 15 degrees, 3.5 % in one slot."""
AROUND_DEG: Final = (-5.0, 0.0, 5.0)
"""Tangents added around the farthest corner of a row that is exceeded: the next answer moves along the one at it."""
ROUNDS: Final = 1
"""How often the whole program is solved again with more tangents: what it is worth hardly changes after that."""
PART_ROUNDS: Final = 4
"""How often the slots that are still exceeded are then planned anew, all others as they are."""
PART_SLACK: Final = 1e-7
"""By which rows are wider there [0.1 A]: what is held fits them only to the solver's tolerance."""
LOST_SHARE: Final = 3e-4
"""Share of all energy that scaling the exceeded slots down may cost before more tangents are worth their time."""
EXCEEDED: Final = 1e-6
"""Share of a limit that the solver's tolerance is allowed."""
WHOLE_ROUNDS: Final = 12
"""Integer programs of all stages together; what is not settled then is left to rounding."""
WHOLE_FAN_DEG: Final = 4.0
"""Distance of their first tangents, which leave over 0.06 %: less than a step, as a rule."""
WHOLE_SCALE: Final = float(1 << 24)
"""Tangents of integer programs are in whole multiples of 2**-24, rounded outward."""
SMALLEST: Final = 1e-9
"""Smaller coefficients are dropped: GLOP gives up on cosines of 90 degrees."""
OUTWARD: Final = 1e-12
"""More than the error of double precision in a row; taken off the coefficients and added to the limit."""


@dataclass(frozen=True, slots=True)
class Tangents:
    """Rows ``sum of I max(0, Re(conj(u) z)) <= limit`` at a slot each.

    Attributes:
        row, slot: (M,) where.
        direction: (M,) complex, of length 1.
        matrix: (M, n) coefficients of the program's variables [0.1 A].
        high: (M,) [0.1 A].
    """

    row: Ints
    slot: Ints
    direction: Complexes
    matrix: csr_array
    high: Floats


class Conductors:
    """The phasor rows of a relaxation: what its values put on them, and their tangents."""

    def __init__(self, problem: Problem, phasors: PhasorRows, relaxation: Relaxation) -> None:
        self.phasors, self._problem, self._slots = phasors, problem, problem.slots
        self._arc_session, self._arc_slot = relaxation.arc_session, relaxation.arc_slot
        self._columns = relaxation.program.cost.size
        self._connector = problem.session_connector
        self._line_ua = problem.load_units[:, :LINES]
        self._floor_ua = problem.floor_units[:, :LINES]
        self._power = problem.power_dw[relaxation.arc_session] * problem.seconds[relaxation.arc_slot]
        shape = (problem.sessions, LINES, problem.slots)
        self._column_of = np.full(shape, -1, dtype=np.int64)
        self._column_of[relaxation.arc_session, :, relaxation.arc_slot] = relaxation.booking.column[:, :LINES]
        self._most = np.zeros((problem.sessions, problem.slots))
        self._most[relaxation.arc_session, relaxation.arc_slot] = relaxation.arc_cap
        self._members = [
            np.unique(phasors.entry_column[phasors.entry_row == row] // LINES) for row in range(len(phasors.names))
        ]
        self._weights = [self._row_weights(row) for row in range(len(phasors.names))]
        self._sessions = [np.flatnonzero(np.isin(self._connector, members)) for members in self._members]

    def _row_weights(self, row: int) -> Floats:
        """Return (D, m, 3) weights of the members of a row on their lines."""
        phasors, members = self.phasors, self._members[row]
        found = np.zeros((phasors.corners.shape[2], members.size, LINES))
        mine = np.flatnonzero(phasors.entry_row == row)
        column = phasors.entry_column[mine]
        place = (phasors.entry_direction[mine], np.searchsorted(members, column // LINES), column % LINES)
        np.add.at(found, place, phasors.entry_weight[mine] / phasors.scale[row])
        return found

    def sums_ua(self, setpoints: Floats) -> Floats:
        """Return (R, D, T) sums by direction of (S, T) set-points, real numbers, beside the idle floors [uA]."""
        currents = np.zeros((self._floor_ua.shape[0], LINES, self._slots))
        np.add.at(currents, self._connector, setpoints[:, None] * self._line_ua[:, :, None])
        currents = np.maximum(currents, self._floor_ua[:, :, None])
        found = np.zeros((len(self._members), self.phasors.corners.shape[2], self._slots))
        for row, (members, weights) in enumerate(zip(self._members, self._weights, strict=True)):
            found[row] = np.einsum("dml,mlt->dt", weights, currents[members])
        return found

    def farthest(self, setpoints: Floats) -> Complexes:
        """Return (R, T) the farthest corner of each row [uA]."""
        sums, phasors = self.sums_ua(setpoints), self.phasors
        best = np.zeros((sums.shape[0], sums.shape[2]), dtype=np.complex128)
        for corner in range(phasors.corners.shape[1]):
            value = np.einsum("rd,rdt->rt", phasors.corners[:, corner] * phasors.phase, sums)
            best = np.where(np.abs(value) > np.abs(best), value, best)
        return best

    def first(self, step_deg: float = FAN_DEG) -> Tangents:
        """Return tangents a few directions apart, wherever all cars together could exceed them."""
        sums = self.sums_ua(self._most)
        row, slot, direction = [], [], []
        for at, phase in enumerate(self.phasors.phase):
            angles = np.angle(phase[np.abs(phase) > 0], deg=True).round(9)
            for angle in fan(angles.tolist(), step_deg).tolist():
                u = complex(np.cos(np.radians(angle)), np.sin(np.radians(angle)))
                reach = np.maximum((np.conj(u) * phase).real, 0.0) @ sums[at]
                found = np.flatnonzero(reach > np.maximum(self.phasors.headroom_ua[at], 0))
                row.append(np.full(found.size, at))
                slot.append(found)
                direction.append(np.full(found.size, u))
        return self.at(*(np.concatenate(part) for part in (row, slot, direction)))

    def violated(self, values: Floats) -> Tangents | None:
        """Return tangents at the farthest corners that a program's values exceed; None where they are near enough."""
        setpoints = np.zeros((self._column_of.shape[0], self._slots))
        steps = values[: self._arc_session.size]
        setpoints[self._arc_session, self._arc_slot] = steps
        corner = self.farthest(setpoints)
        size, headroom = np.abs(corner), np.maximum(self.phasors.headroom_ua, 0)
        over = (size > headroom * (1 + EXCEEDED)) & ~self.phasors.alarm
        if not over.any():
            return None
        share = np.where(over, headroom / np.maximum(size, 1.0), 1.0).min(axis=0)
        energy = steps * self._power
        if float(energy @ (1.0 - share)[self._arc_slot]) <= LOST_SHARE * float(energy.sum()):
            return None
        row, slot = np.nonzero(over)
        turns = np.exp(1j * np.radians(AROUND_DEG))
        direction = np.outer(turns, corner[row, slot] / size[row, slot]).ravel()
        return self.at(np.tile(row, turns.size), np.tile(slot, turns.size), direction)

    def columns_at(self, slots: Ints) -> Bools:
        """Return (n,) the columns that are not set-points of other slots."""
        open_: Bools = np.ones(self._columns, dtype=np.bool_)
        open_[: self._arc_slot.size] = np.isin(self._arc_slot, slots)
        return open_

    def exceeded(self, values: Floats) -> Tangents | None:
        """Return tangents where whole set-points exceed a row, exactly; None where they all hold."""
        setpoints = np.zeros((self._column_of.shape[0], self._slots), dtype=np.int64)
        setpoints[self._arc_session, self._arc_slot] = values[: self._arc_session.size].astype(np.int64)
        over = PhasorUse(self._problem, setpoints).over()
        if not over.any():
            return None
        corner = self.farthest(setpoints.astype(np.float64))
        row, slot = np.nonzero(over)
        return self.at(row, slot, corner[row, slot] / np.abs(corner[row, slot]))

    def at(self, row: Ints, slot: Ints, direction: Complexes) -> Tangents:
        """Return tangents as rows of the program, in the order given but grouped by row."""
        turn = np.argsort(row, kind="stable")
        row, slot, direction = row[turn], slot[turn], direction[turn]
        at, column, data = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
        high = np.zeros(row.size)
        for index in np.unique(row).tolist():
            mine = np.flatnonzero(row == index)
            along = np.maximum((np.conj(direction[mine])[:, None] * self.phasors.phase[index]).real, 0.0)
            sessions, members = self._sessions[index], self._members[index]
            place = np.searchsorted(members, self._connector[sessions])
            reserved = np.einsum(
                "kd,dml,ml->k", along, self._weights[index], self._floor_ua[members].astype(np.float64)
            )
            high[mine] = self.phasors.headroom_ua[index, slot[mine]] - reserved
            for line in range(LINES):
                weight = self._weights[index][:, place, line]
                if not weight.any():
                    continue
                coefficient = (along @ weight) * (self._line_ua[sessions, line] / ROW_SCALE)
                where = self._column_of[sessions, line][:, slot[mine]].T
                some = (coefficient > SMALLEST) & (where >= 0)
                at.append(np.broadcast_to(mine[:, None], some.shape)[some])
                column.append(where[some])
                data.append(coefficient[some])
        entries = (np.concatenate(data) * (1 - OUTWARD), (np.concatenate(at), np.concatenate(column)))
        matrix = csr_array(entries, shape=(row.size, self._columns))
        high = np.maximum(high, 0.0) / ROW_SCALE * (1 + OUTWARD)
        used = np.flatnonzero(np.diff(matrix.indptr) > 0)
        return Tangents(row[used], slot[used], direction[used], csr_array(matrix[used]), high[used])


@dataclass(slots=True)
class CuttingSolver(Solver):
    """Runs programs of one relaxation with the tangents found so far, and finds more where a linear one needs them.

    Integer programs around a plan, whose columns are others, are run as they are: once ``settle`` has put the tangents
    into the relaxation, they have their share of them.

    Attributes:
        conductors: of the relaxation.
        inner: what solves; counts and traces are its own.
        whole_rounds: how many programs of whole set-points may still be solved.
        rounds: how often a linear program may be solved again with more tangents.
        part_rounds: how often the slots that are then still exceeded may be.
        enough: tells of the values of a linear program that more tangents would gain nothing; None: they might.
        pool: the tangents beside the relaxation; ``first`` ones to begin with.
        within: those that are rows of the relaxation.
        place: of these rows.
        whole_pool: the tangents of programs of whole set-points.
    """

    conductors: Conductors | None = None
    inner: Solver = field(default_factory=Solver)
    rounds: int = ROUNDS
    part_rounds: int = PART_ROUNDS
    whole_rounds: int = WHOLE_ROUNDS
    enough: Callable[[Floats], bool] | None = None
    pool: list[Tangents] = field(default_factory=list)
    within: list[Tangents] = field(default_factory=list)
    place: slice = field(default_factory=lambda: slice(0))
    whole_pool: list[Tangents] = field(default_factory=list)

    def run(self, program: Program, name: SolverName) -> Outcome:
        """Solve ``program`` with the named solver; the outcome's duals are those of its own rows."""
        assert self.conductors is not None  # noqa: S101 - always given; a dataclass's base has defaults
        if program.integer is not None and name == "scip":
            return self._once(program, name)
        if program.integer is not None:
            return self._whole(program, name, self.conductors)
        if not self.pool and not self.within:
            self.pool.append(self.conductors.first())
        return self._linear(program, name, self.conductors)

    def settle(self, relaxation: Relaxation, relaxed: Relaxed) -> tuple[Relaxation, Relaxed]:
        """Return the relaxation with the tangents found so far as rows, and its optimum with their duals."""
        height = relaxation.program.row_high.size
        self.within, self.pool = self.pool, []
        self.place = slice(height, height + sum(one.high.size for one in self.within))
        grown = replace(
            relaxation,
            program=with_tangents(relaxation.program, self.within),
            rows=relaxation.rows | {BLOCK: self.place},
        )
        if relaxed.duals is None or relaxed.cuts is None:
            return grown, replace(relaxed, duals=None)
        return grown, replace(relaxed, duals=np.concatenate((relaxed.duals[:height], relaxed.cuts.duals)))

    def _once(self, program: Program, name: SolverName) -> Outcome:
        outcome = self.inner.run(program, name)
        self.calls = self.inner.calls
        return outcome

    def _linear(self, program: Program, name: SolverName, conductors: Conductors) -> Outcome:
        outcome = self._once(with_tangents(program, self.pool), name)
        for _ in range(self.rounds):
            found = self._found(outcome.values, conductors)
            if found is None:
                break
            self.pool.append(found)
            again = self._once(with_tangents(program, self.pool), name)
            if again.values is None:  # a stage before was frozen at a value that these tangents do not allow
                self.pool.pop()
                break
            outcome = again
        else:
            if outcome.values is not None:
                outcome = replace(outcome, values=self._with_parts(program, name, outcome.values, conductors))
        if outcome.duals is None:
            return outcome
        rows = program.row_high.size
        known = [*self.within, *self.pool]
        cuts = TangentDuals(
            np.concatenate([tangents.row for tangents in known]),
            np.concatenate([tangents.slot for tangents in known]),
            np.concatenate([tangents.direction for tangents in known]),
            np.concatenate((outcome.duals[self.place], outcome.duals[rows:])),
        )
        return replace(outcome, duals=outcome.duals[:rows], cuts=cuts)

    def _found(self, values: Floats | None, conductors: Conductors) -> Tangents | None:
        """Return the tangents that a program's values call for; None where no more are needed."""
        found = None if values is None else conductors.violated(values)
        return None if found is None or values is None or (self.enough and self.enough(values)) else found

    def _with_parts(self, program: Program, name: SolverName, values: Floats, conductors: Conductors) -> Floats:
        """Return the values with the slots planned anew that exceed a conductor, the set-points of all others held.

        What is found in part is worth little less than the whole; bound and duals stay those of the whole program.
        """
        pool, slots = list(self.pool), np.zeros(0, dtype=np.int64)
        for _ in range(self.part_rounds):
            found = self._found(values, conductors)
            if found is None:
                break
            pool.append(found)
            slots = np.union1d(slots, found.slot)
            open_ = conductors.columns_at(slots)
            again = self._once(part_of(with_tangents(program, pool), open_, values), name)
            if again.values is None:
                break
            values = values.copy()
            values[open_] = again.values
        return values

    def _whole(self, program: Program, name: SolverName, conductors: Conductors) -> Outcome:
        """Solve an integer program of which the whole set-points must fit exactly."""
        if not self.whole_pool:
            self.whole_pool.append(conductors.first(WHOLE_FAN_DEG))
        outcome = Outcome("set-points exceed a conductor", None, float("nan"), optimal=False)
        while self.whole_rounds > 0:
            self.whole_rounds -= 1
            outcome = self._once(with_tangents(program, self.whole_pool, WHOLE_SCALE), name)
            found = None if outcome.values is None else conductors.exceeded(np.rint(outcome.values))
            if found is None:
                return outcome
            self.whole_pool.append(found)
        return replace(outcome, values=None, objective=float("nan"), optimal=False)


def with_tangents(program: Program, pool: Sequence[Tangents], scale: float | None = None) -> Program:
    """Return the program with tangents as further rows; with a ``scale`` in whole numbers, rounded outward.

    The columns of the relaxation come first in it.
    """
    if not pool:
        return program
    matrix = csr_array(vstack([tangents.matrix for tangents in pool]))
    high = np.concatenate([tangents.high for tangents in pool])
    if scale is not None:
        matrix.data, high = np.floor(matrix.data * scale), np.ceil(high * scale)
    wide = csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(high.size, program.cost.size))
    return replace(
        program,
        matrix=csr_array(vstack([program.matrix, wide])),
        row_low=np.concatenate((program.row_low, np.full(high.size, -np.inf))),
        row_high=np.concatenate((program.row_high, high)),
    )


def settled(solver: Solver, relaxation: Relaxation, relaxed: Relaxed) -> tuple[Relaxation, Relaxed]:
    """Return relaxation and optimum with the tangents of a ``CuttingSolver`` (``settle``), or as they are."""
    return solver.settle(relaxation, relaxed) if isinstance(solver, CuttingSolver) else (relaxation, relaxed)


def without_tangents(relaxation: Relaxation) -> Relaxation:
    """Return the relaxation without the tangents that were settled in it: their coefficients are no whole numbers."""
    if BLOCK not in relaxation.rows:
        return relaxation
    program, first = relaxation.program, relaxation.rows[BLOCK].start
    bare = replace(
        program,
        matrix=csr_array(program.matrix[:first]),
        row_low=program.row_low[:first],
        row_high=program.row_high[:first],
    )
    return replace(relaxation, program=bare, rows={name: at for name, at in relaxation.rows.items() if name != BLOCK})


def part_of(program: Program, open_: Bools, values: Floats) -> Program:
    """Return the linear program of the (n,) open columns alone, all others held at their ``values``."""
    free, held = np.flatnonzero(open_), np.flatnonzero(~open_)
    columns = program.matrix.tocsc()
    taken = columns[:, held] @ values[held]
    matrix = csr_array(columns[:, free])
    rows = np.flatnonzero(np.diff(matrix.indptr) > 0)
    return replace(
        program,
        cost=program.cost[free],
        low=program.low[free],
        high=program.high[free],
        matrix=csr_array(matrix[rows]),
        row_low=(program.row_low - taken)[rows] - PART_SLACK,
        row_high=(program.row_high - taken)[rows] + PART_SLACK,
    )
