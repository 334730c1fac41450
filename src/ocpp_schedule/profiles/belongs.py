"""What is wrong with the parts that a stack is made from: whether they are those of one plan, and fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocpp_schedule.model.layering import Slot
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.profiles.model import ChargingPeriod
    from ocpp_schedule.profiles.periods import Bools, SessionRows
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid

MAX_PERIODS_2X: Final = 1024
"""OCPP 2.0.1 and 2.1, ChargingScheduleType: at most 1024 chargingSchedulePeriod."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan layer that is to be made: its connector, its place in the stack, and the sessions it carries."""

    connector: Connector
    slot: Slot
    sessions: tuple[KnownSession, ...]


def check_belongs(
    site: Site, sessions: Sequence[KnownSession], grid: TimeGrid, solution: Solution, *, has_slot: Bools
) -> None:
    """Raise ``InputError`` where site, sessions, grid and solution are not those of one plan."""
    names = {session.id for session in sessions}
    planned = set(solution.session_ids)
    connectors = {connector.id for connector in site.connectors}
    problems = [
        InputProblem(f"session {session.id!r}", f"connector {session.connector!r} does not exist in the site.")
        for session in sessions
        if session.connector not in connectors
    ]
    if len(names) < len(sessions):
        problems.append(InputProblem("sessions", "two have the same id; give each its own."))
    needed = {session.id for session, used in zip(sessions, has_slot.tolist(), strict=True) if used}
    for what, ids in (
        ("the solution does not know {}", needed - planned),
        ("the solution has {}, which is not given", planned - names),
        ("the solution does not know the connector {}", connectors - set(solution.connector_ids)),
    ):
        named = [
            InputProblem("solution", f"{what.format(repr(name))}; pass what it was made for.") for name in sorted(ids)
        ]
        problems.extend(named)
    if solution.setpoints.shape != (len(solution.session_ids), grid.slots):
        what = f"has set-points of shape {solution.setpoints.shape}, the grid {grid.slots} slots; pass its own grid."
        problems.append(InputProblem("solution", what))
    if problems:
        raise InputError("build_stacks", problems)


def check_overlap(rows: Sequence[PlanRow], served: SessionRows) -> None:
    """Raise ``InputError`` where two sessions of one layer claim the same slot."""
    order = np.lexsort((served.first_slot, served.layer))
    layer, first, end = served.layer[order], served.first_slot[order], served.end_slot[order]
    clash = np.flatnonzero((layer[1:] == layer[:-1]) & (first[1:] < end[:-1]))
    if clash.size:
        problems = []
        for index in clash.tolist():
            one, other = served.ids[int(order[index])], served.ids[int(order[index + 1])]
            where = f"connector {rows[int(layer[index])].connector.id!r}"
            problems.append(InputProblem(where, f"sessions {one!r} and {other!r} overlap; correct the times."))
        raise InputError("build_stacks", problems)


def check_guard(guard_s: int, grid: TimeGrid, served: SessionRows) -> None:
    """Raise ``InputError`` where the guards of one slot could meet (convention 4)."""
    guarded = bool(served.late_raise.any() or served.early_lowering.any())
    if guarded and grid.shortest_s <= 2 * guard_s:
        what = f"{guard_s} s twice fills the shortest slot of {grid.shortest_s} s; lengthen slots or shorten the guard."
        raise InputError("build_stacks", [InputProblem("site.edge_guard_s", what)])


def check_counts(
    rows: Sequence[PlanRow], periods: Sequence[tuple[ChargingPeriod, ...]], stations: Mapping[str, Station]
) -> None:
    """Raise ``InputError`` where a plan has more periods than its station takes."""
    problems = []
    for row, own in zip(rows, periods, strict=True):
        station = stations[row.connector.station]
        known = station.capabilities.max_periods
        allowed = [known] if known is not None else []
        allowed += [] if station.ocpp_version == "1.6" else [MAX_PERIODS_2X]
        if allowed and len(own) > min(allowed):
            what = (
                f"the {row.slot.name} layer needs {len(own)} periods, station {station.id!r} takes {min(allowed)}; "
                "plan on a coarser grid."
            )
            problems.append(InputProblem(f"connector {row.connector.id!r}", what))
    if problems:
        raise InputError("build_stacks", problems)
