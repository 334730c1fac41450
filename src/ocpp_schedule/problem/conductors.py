"""Which currents meet on which conductor, and at what angle (convention 15)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.limits import UNLIMITED
from ocpp_schedule.problem.phasors import PhasorRows, Term, compile_rows
from ocpp_schedule.problem.transformers import IDENTITY, LINE_DEG, Turn
from ocpp_schedule.units import LINES, MICROAMPERES_PER_AMPERE, exact, round_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.demands import Table
    from ocpp_schedule.problem.rows import Nodes

LEAD_DEG: Final = 30
"""A load between two lines draws in phase with the voltage between them, 30 degrees ahead of the one line's voltage to
the star point and 30 degrees behind the other's."""


@dataclass(frozen=True, slots=True)
class Conductors:
    """R conductors, before their currents are known.

    Attributes:
        names: R names.
        terms: what adds up on them.
        headroom_ua: (R, T) [uA].
        least_ua: (R,) what the lowest limit of the grid leaves beside the highest base load [uA].
    """

    names: tuple[str, ...]
    terms: tuple[Term, ...]
    headroom_ua: Ints
    least_ua: Ints

    def rows(self, floor_units: Ints, table: Table) -> PhasorRows:
        """Return the rows as integers, for the sessions of ``table`` and (C, K) idle floors."""
        lines = slice(len(LINES))
        floor_ua = floor_units[:, lines]
        most_ua = floor_ua.copy()
        np.maximum.at(most_ua, table.connector, table.max_steps[:, None] * table.load_units[:, lines])
        currents = np.concatenate((floor_ua.ravel(), table.load_units[:, lines].ravel()))
        return compile_rows(self.names, self.terms, self.headroom_ua, most_ua, floor_ua, currents)

    def exceeded_by(self, currents_units: Ints) -> Bools:
        """Return (C,) the connectors on a conductor that (C, K) currents of all of them exceed at its tightest."""
        currents_ua = currents_units[:, : len(LINES)]
        rows = compile_rows(self.names, self.terms, self.least_ua[:, None], currents_ua, currents_ua, currents_ua)
        blocked = np.zeros(currents_ua.shape[0], dtype=np.bool_)
        blocked[[term.connector for term in self.terms if term.weight and rows.alarm[term.row, 0]]] = True
        return blocked


def take_conductors(site: Site, connectors: Sequence[Connector], nodes: Nodes) -> tuple[Nodes, Conductors | None]:
    """Return the nodes without the lines that are sums of phasors, and those; None where there are none.

    Args:
        site: its line constraints.
        connectors: in the order of the columns.
        nodes: with the limits and base loads of all lines.
    """
    # On two lines in opposite phase the current of a load between them adds up like any other.
    between = np.array(
        [
            c.connection == "delta" and len(s.lines) == len(LINES)
            for c, s in zip(connectors, nodes.supplies, strict=True)
        ],
        dtype=np.bool_,
    )
    mixed = sorted(
        {*np.flatnonzero((nodes.connectors & between).any(axis=1)).tolist(), *(node for node, _ in nodes.turns)}
    )
    if not mixed and not site.line_constraints:
        return nodes, None
    slots = nodes.limit_units.shape[2]
    names: list[str] = []
    terms: list[Term] = []
    headroom: list[Ints] = []
    least: list[int] = []
    room = nodes.headroom(nodes.limit_units, nodes.base_units)
    lowest = nodes.headroom(nodes.limit_units.min(axis=2), nodes.base_units.max(axis=2))
    for node in mixed:
        for line in range(len(LINES)):
            if nodes.limit_units[node, line].min() >= UNLIMITED:
                continue
            own = [
                term
                for at in np.flatnonzero(nodes.connectors[node]).tolist()
                for term in _on_line(len(names), at, connectors[at], line, nodes.turns.get((node, at), IDENTITY))
            ]
            if own:
                names.append(f"{nodes.names[node]} {LINES[line]}")
                terms += own
                headroom.append(room[node, line])
                least.append(int(lowest[node, line]))
    place = {connector.id: at for at, connector in enumerate(connectors)}
    for constraint in site.line_constraints:
        for given in constraint.terms:
            at = place[given.connector]
            terms.append(_given(len(names), at, connectors[at], given.coefficient, given.angle_deg))
        names.append(f"line_constraint {constraint.id}")
        limit_ua = round_down(constraint.limit_a, MICROAMPERES_PER_AMPERE)
        headroom.append(np.full(slots, limit_ua, dtype=np.int64))
        least.append(limit_ua)
    limits = nodes.limit_units.copy()
    limits[mixed, : len(LINES)] = UNLIMITED
    found = Conductors(
        tuple(names), tuple(terms), np.array(headroom).reshape(-1, slots), np.array(least, dtype=np.int64)
    )
    return replace(nodes, limit_units=limits), found if names else None


def _on_line(row: int, at: int, connector: Connector, line: int, turn: Turn) -> Iterator[Term]:
    """Yield what a connector adds to a line of a circuit above it, angles from that line's voltage to neutral."""
    wired = [LINES.index(name) for name in connector.lines]
    factors = turn.matrix[line]
    parts = [(one, factors[one], LINE_DEG[one]) for one in wired]
    if connector.connection == "delta":
        # One current, out on the line whose voltage is ahead and back on the other.
        first, second = wired if (wired[1] - wired[0]) % len(LINES) == 1 else reversed(wired)
        parts = [(first, factors[first] - factors[second], LINE_DEG[first] + LEAD_DEG)]
    for one, factor, angle in parts:
        if factor:
            weight, root = turn.weight(factor)
            turned = angle + turn.lead_deg - LINE_DEG[line] + (180 if factor < 0 else 0)
            yield Term(row, at, one, weight, root, Fraction(turned))


def _given(row: int, at: int, connector: Connector, coefficient: float, angle_deg: float) -> Term:
    weight, turn = exact(coefficient), 0 if coefficient >= 0 else 180
    # The first wired line carries the most: where a station takes only W an unknown car may use that one alone.
    return Term(row, at, LINES.index(connector.lines[0]), abs(weight), 1, exact(angle_deg) + turn)


def outside_alarms(inside: Bools, table: Table, phasors: PhasorRows | None) -> Bools:
    """Return (S, T) ``inside`` without the slots in which a session could draw on a conductor in alarm."""
    if phasors is None or not phasors.alarm.any():
        return inside
    inside = inside.copy()
    for row in np.flatnonzero(phasors.alarm.any(axis=1)).tolist():
        columns = phasors.entry_column[phasors.entry_row == row]
        drawing = np.zeros((table.connector.max(initial=0) + 1, len(LINES)), dtype=np.bool_)
        known = columns[columns // len(LINES) < drawing.shape[0]]
        drawing[known // len(LINES), known % len(LINES)] = True
        hit = (drawing[table.connector] & (table.load_units[:, : len(LINES)] > 0)).any(axis=1)
        inside[np.ix_(hit, phasors.alarm[row])] = False
    return inside
