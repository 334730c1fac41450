"""What connectors take whole pieces of: modules of a cabinet, the one turn of exclusive outlets (convention 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools, Ints

WHOLE: Final = 1 << 40
"""Size of a piece that no set-point exceeds: whoever is on takes exactly one."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Pools of equal pieces. P pools, C connectors.

    A connector booked with ``b`` steps takes ``ceil(b * take / size)`` pieces of each pool that it is in.

    Attributes:
        nouns, names: of each pool: ``cabinet`` and its id, or ``exclusive``, the station and the number of the group.
        take: (P, C) what one step takes; 0 where the connector is not in the pool.
        size: (P,) of one piece, in the unit of ``take``.
        count: (P,) pieces there are.
    """

    nouns: tuple[str, ...]
    names: tuple[str, ...]
    take: Ints
    size: Ints
    count: Ints

    def pieces(self, pool: int, booked: Ints) -> Ints:
        """Return (C, ...) pieces of a pool that connectors take with (C, ...) booked steps."""
        own = self.take[pool].reshape(-1, *(1,) * (booked.ndim - 1))
        taken: Ints = -(-booked * own // self.size[pool])
        return taken

    @property
    def exclusive(self) -> Bools:
        """(C,) who is in a pool of which only one piece can be had."""
        alone: Bools = (self.take[np.array(self.nouns) == "exclusive"] > 0).any(axis=0)
        return alone


def compile_pools(site: Site, connectors: Sequence[Connector], floor: Ints | None = None) -> Pools | None:
    """Return the pools of a site, connectors as columns; None where it has none.

    Args:
        site: with cabinets and exclusive groups.
        connectors: sorted by id.
        floor: (C,) what each of them keeps in every slot [steps]; None: nothing.

    Raises:
        InputError: what they keep together takes more pieces than there are.
    """
    index = {connector.id: place for place, connector in enumerate(connectors)}
    nouns, names, take, size, count = [], [], [], [], []
    for cabinet in site.cabinets:
        own = np.zeros(len(index), dtype=np.int64)
        for name in cabinet.connectors:
            own[index[name]] = connectors[index[name]].step_w
        nouns.append("cabinet")
        names.append(cabinet.id)
        take.append(own)
        size.append(cabinet.module_w)
        count.append(cabinet.modules)
    for station in site.stations:
        for number, group in enumerate(station.exclusive_groups):
            own = np.zeros(len(index), dtype=np.int64)
            own[[index[name] for name in group]] = 1
            nouns.append("exclusive")
            names.append(f"{station.id} {number}")
            take.append(own)
            size.append(WHOLE)
            count.append(1)
    if not nouns:
        return None
    found = Pools(tuple(nouns), tuple(names), np.array(take), np.array(size), np.array(count))
    for array in (found.take, found.size, found.count):
        array.setflags(write=False)
    problems = [] if floor is None else list(_too_few(found, floor))
    if problems:
        raise InputError("schedule()", problems)
    return found


def _too_few(pools: Pools, floor: Ints) -> Iterator[InputProblem]:
    """Yield pools that cannot hold (C,) floors, which outlets have that are never told 0."""
    for pool, (noun, name) in enumerate(zip(pools.nouns, pools.names, strict=True)):
        needed, most = int(pools.pieces(pool, floor).sum()), int(pools.count[pool])
        if needed > most:
            what = (
                f"gives {most} at once, and {needed} are kept in every slot by idle floors and by outlets that must "
                "never be told 0 (pause='min_current'). Lower the floor, or correct the capability."
            )
            yield InputProblem(f"{noun} {name!r}", what)
