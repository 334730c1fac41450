"""Groups across the tree as nodes: who is in them, whose base load they carry (convention 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools


def members_of(site: Site, outlets: Sequence[Connector], below: Bools, index: Mapping[str, int]) -> Bools:
    """Return (G, C) which connectors are in each group.

    Args:
        site: the topology.
        outlets: the connectors of the site in the order of the columns.
        below: (N, C) which connectors hang below each circuit; rows as in ``index``.
        index: row of each circuit.
    """
    station = np.array([outlet.station for outlet in outlets])
    name = np.array([outlet.id for outlet in outlets])
    members = np.zeros((len(site.groups), len(outlets)), dtype=np.bool_)
    for row, group in enumerate(site.groups):
        members[row] = np.isin(station, group.stations) | np.isin(name, group.connectors)
        for circuit in group.circuits:
            members[row] |= below[index[circuit]]
    return members


def counted_in(site: Site, above: Mapping[str, list[int]], *, first_group: int) -> dict[str, list[int]]:
    """Return by circuit the nodes that its base loads count for: those above it, and groups that name one of them."""
    names = list(above)
    counted = {}
    for circuit, path in above.items():
        own = {names[node] for node in path}
        groups = [first_group + row for row, group in enumerate(site.groups) if own.intersection(group.circuits)]
        counted[circuit] = [*path, *groups]
    return counted
