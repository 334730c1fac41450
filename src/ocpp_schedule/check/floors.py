"""The two floors under every plan: idle floor and end floor (conventions 4 and 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.check.conductors import exceeded_conductors, tight_conductors
from ocpp_schedule.check.report import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.conductors import Conductor
    from ocpp_schedule.check.limits import Limits
    from ocpp_schedule.check.quantities import Outlets
    from ocpp_schedule.check.report import Findings, Kind
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.solution import Solution


def end_steps_of(
    outlets: Outlets, layout: Layout, room: npt.NDArray[np.int64], conductors: Sequence[Conductor] = ()
) -> npt.NDArray[np.int64]:
    """Return (connectors,) end floors [steps].

    Args:
        outlets: the connectors.
        layout: the rows.
        room: (rows, channels) lowest limit less highest base load of the grid [uA, mVA].
        conductors: those whose currents are sums of phasors.
    """
    minimum_units = (outlets.minimum_steps[:, None] * outlets.unknown_units)[layout.order]
    tight = layout.sums(minimum_units) > room
    wired = outlets.unknown_units > 0
    fits = np.ones(len(outlets.ids), dtype=np.bool_)
    for row, line in zip(*(axis.tolist() for axis in np.nonzero(tight)), strict=True):
        below = layout.order[layout.holds(row, np.arange(layout.order.size))]
        fits[below[wired[below, line]]] = False
    for one in tight_conductors(conductors, outlets, outlets.minimum_steps):
        fits[one.members[0]] = False
    return np.maximum(np.where(fits & ~outlets.exclusive, outlets.minimum_steps, 0), outlets.idle_steps)


def judge_floors(
    outlets: Outlets,
    layout: Layout,
    limits: Limits,
    solution: Solution,
    findings: Findings,
    conductors: Sequence[Conductor] = (),
) -> None:
    """Compare both floors with the derived ones, and hold the end floors against every row."""
    room = limits.tightest()
    derived: tuple[tuple[Kind, npt.NDArray[np.int64], npt.NDArray[np.int64]], ...] = (
        ("idle_floor", solution.idle_floor_steps, outlets.idle_steps),
        ("end_floor", solution.end_floor_steps, end_steps_of(outlets, layout, room, conductors)),
    )
    for kind, seen, own in derived:
        for at in np.flatnonzero(seen != own).tolist():
            findings.add(
                kind, "connector", outlets.ids[at], int(seen[at]), int(own[at]), unit="steps", relation="exactly"
            )
    # Steps out of all reason were just reported; cut off, they cannot overflow and still break every row.
    steps = np.clip(solution.end_floor_steps, 0, outlets.maximum_steps + 1)
    total = layout.sums((steps[:, None] * outlets.unknown_units)[layout.order])
    allowed = np.maximum(room, layout.sums(outlets.idle_units[layout.order]))
    for row, line in zip(*(axis.tolist() for axis in np.nonzero(total > allowed)), strict=True):
        noun, subject = layout.nouns[row], layout.subjects[row]
        seen_units, allowed_units = int(total[row, line]), int(allowed[row, line])
        findings.add(
            "end_floor",
            noun,
            subject,
            seen_units,
            allowed_units,
            unit=unit_of(line),
            detail="sum of the end floors",
            line=line,
        )
    for one, seen_ua, allowed_ua in exceeded_conductors(conductors, outlets, steps):
        findings.add(
            "end_floor",
            one.noun,
            one.subject,
            seen_ua,
            allowed_ua,
            unit="uA",
            detail="sum of the end floors",
            line=one.line,
        )
