"""What loads beside charging mean for stages: expected power at the grid connection, and limits that are soft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.limits import UNLIMITED, lower_by_series
from ocpp_schedule.problem.meter import load_energy
from ocpp_schedule.problem.rows import compile_nodes
from ocpp_schedule.problem.transformers import supplies_of
from ocpp_schedule.units import MILLI_PER_UNIT, TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Ints
    from ocpp_schedule.problem.demands import Table
    from ocpp_schedule.problem.rows import Nodes

LEVELS: Final = 64
"""Steps between 0 and the highest power there could be, in which ``flat`` counts."""
MICROJOULES: Final = 100_000
"""Of one unit of energy (0.1 J)."""


@dataclass(frozen=True, slots=True)
class SoftRows:
    """Rows with a soft limit. Q rows, T slots.

    Attributes:
        node, channel: (Q,) of each.
        headroom_units: (Q, T) limit less highest base load [uA, mVA]; ``UNLIMITED`` where nothing is said.
        weight: (Q,) energy of one unit in a second, at the nominal voltage [uJ].
    """

    node: Ints
    channel: Ints
    headroom_units: Ints
    weight: Ints


@dataclass(frozen=True, slots=True)
class Beside:
    """The site beside the sessions; what stages need of it is computed when one asks."""

    site: Site
    limits: Sequence[LimitSeries]
    forecasts: Sequence[Forecast]
    outlets: Sequence[Connector]
    nodes: Nodes
    table: Table
    edges: Ints

    @property
    def any_soft(self) -> bool:
        """Whether some limit is soft."""
        return any(limit.soft for limit in self.limits)

    def base_units(self) -> Ints:
        """Return (T,) expected base load of the site [0.1 J] (convention 17)."""
        of = {forecast.id: forecast for forecast in self.forecasts}
        volts = {name: supply.voltage_v for name, supply in supplies_of(self.site).items()}
        loads = (load_energy(load, of[load.id], volts[load.circuit], self.edges) for load in self.site.loads)
        return sum(loads, np.zeros(self.edges.size - 1, dtype=np.int64))

    def level_dw(self) -> int:
        """Return the height of a level: a 64th of base load and all cars that are there at their most [0.1 W]."""
        slot, table = np.arange(self.edges.size - 1), self.table
        there = (slot >= table.first[:, None]) & (slot < table.end[:, None])
        highest = -(-self.base_units() // np.diff(self.edges)) + (table.max_steps * table.draw_dw) @ there
        return max(-(-int(highest.max(initial=0)) // LEVELS), 1)

    def soft_rows(self) -> SoftRows:
        """Return the rows of soft limits; where several are on one circuit the lowest counts."""
        given = [limit for limit in self.limits if limit.soft]
        hard = [limit.model_copy(update={"soft": False}) for limit in given]
        nodes = compile_nodes(self.site, self.outlets, hard, self.forecasts, self.edges)
        limit = np.full_like(nodes.limit_units, UNLIMITED)
        index = {circuit.id: at for at, circuit in enumerate(self.site.circuits)}
        for series in hard:
            lower_by_series(limit, series, index[series.circuit], self.edges)
        said = limit < UNLIMITED
        headroom = np.where(said, nodes.headroom(limit, nodes.base_units - nodes.firm_units), UNLIMITED)
        node, channel = np.nonzero(said.any(axis=2))
        weight = np.where(channel == TOTAL, MILLI_PER_UNIT, nodes.supply.voltage_v)
        return SoftRows(node, channel, headroom[node, channel], weight.astype(np.int64))
