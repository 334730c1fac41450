"""What outlets share in whole pieces: modules, turns; in the slots and at the edges between them (convention 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ocpp_schedule.check.bookings import at_edges

if TYPE_CHECKING:
    import numpy.typing as npt

    from ocpp_schedule.check.bookings import Rows
    from ocpp_schedule.check.quantities import Outlets
    from ocpp_schedule.model.site import Site


@dataclass(frozen=True, slots=True)
class Shared:
    """What connectors share in whole pieces.

    Attributes:
        kind: which rule it is.
        noun, subject: whose it is.
        name: in the certificate, behind ``kind``.
        members: indices of connectors.
        pieces: how many there are.
        detail: what the finding says besides.
        steps_w: of the members, W of one step; empty where whoever is on takes one piece.
        piece_w: W of one piece.
    """

    kind: Literal["exclusive", "cabinet"]
    noun: Literal["station", "cabinet"]
    subject: str
    name: str
    members: tuple[int, ...]
    pieces: int
    detail: str
    steps_w: tuple[int, ...] = ()
    piece_w: int = 1

    def taken(self, steps: npt.NDArray[Any], members: list[int]) -> npt.NDArray[Any]:
        """Return the pieces that (members, ...) booked steps take together."""
        if self.steps_w:
            watts = dict(zip(self.members, self.steps_w, strict=True))
            per_step = np.array([watts[member] for member in members], dtype=np.int64)
            power = steps * per_step.reshape(-1, *(1,) * (steps.ndim - 1))
            modules: npt.NDArray[Any] = (-(-power // self.piece_w)).sum(axis=0)
            return modules
        taken: npt.NDArray[Any] = (steps > 0).astype(np.int64).sum(axis=0)
        return taken

    def least_taken(
        self, outlet: npt.NDArray[np.int64], maximum: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the pieces that one step takes at least, as a fraction, by outlet and highest set-point of cars.

        A car that needs no whole piece at its highest set-point takes one all the same.
        """
        step = np.ones_like(outlet)
        for member, watts in zip(self.members, self.steps_w, strict=False):
            step[outlet == member] = watts
        full = np.maximum(maximum, 1) * step
        return step, np.minimum(full, self.piece_w) if self.steps_w else full


def shared_of(site: Site, outlets: Outlets) -> tuple[Shared, ...]:
    """Return everything that is shared in whole pieces on a site."""
    index = {name: at for at, name in enumerate(outlets.ids)}
    models = dict(zip(outlets.ids, outlets.models, strict=True))
    cabinets = [
        Shared(
            "cabinet",
            "cabinet",
            cabinet.id,
            cabinet.id,
            tuple(index[name] for name in cabinet.connectors),
            cabinet.modules,
            f"modules of {cabinet.module_w} W",
            tuple(models[name].step_w for name in cabinet.connectors),
            cabinet.module_w,
        )
        for cabinet in site.cabinets
    ]
    return *cabinets, *(
        Shared(
            "exclusive",
            "station",
            station.id,
            f"{station.id} {number}",
            tuple(index[name] for name in group),
            1,
            f"outlets that are on, of {', '.join(map(repr, group))}",
        )
        for station in site.stations
        for number, group in enumerate(station.exclusive_groups)
    )


def judge_shared(shared: tuple[Shared, ...], rows: Rows, outlets: Outlets, guard_s: int) -> None:
    """Judge every slot and, with a guard, every edge."""
    bookings, order = rows.bookings, rows.layout.order
    steps = bookings.setpoints
    if not shared or not steps.size:
        return
    if bookings.starts.size < steps.shape[0]:  # the windows of one connector's sessions do not overlap
        steps = np.add.reduceat(steps, bookings.starts, axis=0)
    busy = order[bookings.places[bookings.starts]]
    steps = np.maximum(steps, outlets.idle_steps[busy, None])
    changing = at_edges(rows, 0, steps[:, None])[:, 0]
    place = {int(connector): at for at, connector in enumerate(busy.tolist())}
    for one in shared:
        moving = [member for member in one.members if member in place]
        still = [member for member in one.members if member not in place]
        here = [place[member] for member in moving]
        idle = int(one.taken(outlets.idle_steps[still], still))
        taken = one.taken(steps[here], moving) + idle
        allowed = np.full(taken.shape, one.pieces)
        # What is drawn in a slot under way cannot be undone: at its end it only must not get more.
        allowed[: rows.held_slots] = np.maximum(allowed[: rows.held_slots], taken[: rows.held_slots])
        for slot in np.flatnonzero(taken > allowed).tolist():
            _report(rows, one, one.kind, slot, int(taken[slot]))
        if guard_s:
            taken = one.taken(changing[here], moving) + idle
            for edge in np.flatnonzero(taken > allowed[:-1]).tolist():
                _report(rows, one, "edge", edge + 1, int(taken[edge]))


def _report(rows: Rows, one: Shared, kind: Literal["exclusive", "cabinet", "edge"], slot: int, seen: int) -> None:
    rows.findings.add(kind, one.noun, one.subject, seen, one.pieces, detail=one.detail, slot=slot)
