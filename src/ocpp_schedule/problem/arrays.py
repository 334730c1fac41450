"""The compiled problem: integers only, every array read-only, every row named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.timegrid import TimeGrid

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Withheld:
    """What availability takes from a session (convention 21).

    Attributes:
        session: index.
        first, end: half-open range of slots.
        name: what it is, e.g. ``station CP1 (outage)``.
    """

    session: int
    first: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What the solver sees. S sessions, T slots, C connectors, N nodes, D demands, R = 3 N rows.

    A node is a circuit, or a station with a current limit of its own; a row is one line of one node
    (row ``3 n + k`` is line ``k`` of node ``n``).

    Attributes:
        grid: the slots.
        seconds: (T,) slot lengths [s].
        price_seconds: (T,) price x seconds, summed over the slot [1e-6 currency/kWh x s].
        session_ids: S names, sorted.
        session_connector: (S,) index into ``connector_ids``.
        first_slot, end_slot: (S,) half-open range of usable slots; empty is (0, 0).
        slot_owner: (C, T) the session whose window has the slot of the connector, or -1.
        min_steps, max_steps: (S,) smallest (0: none) and largest set-point [steps]; both 0 where it cannot charge.
        power_dw: (S,) expected power of one step [0.1 W].
        line_ua: (S, 3) current of one step on each line of the site [uA].
        cap_steps: (S, T) largest set-point in each slot: 0 outside the window and below a row in alarm.
        energy_units: (S,) ``energy_wh`` [0.1 J]; 0 for a session outside the grid.
        energy_cap_units: (S,) the same, rounded up to reachable sums [0.1 J].
        energy_most_units: (S,) most energy a session may end up with: the wish plus less than one slot (the longest
            of its window) at its minimum [0.1 J] (convention 6).
        demand_session: (D,) index of the session.
        demand_end: (D,) the demand counts the slots before this one.
        demand_units: (D,) wanted energy, rounded up to reachable sums [0.1 J].
        demand_wish_units: (D,) the same before rounding up.
        demand_hard: (D,) a must-have. The last demand of each session is its wanted energy.
        demand_milestone: (D,) index of the milestone in its session; -1 for the wish.
        connector_ids: C names, sorted.
        idle_floor_steps, end_floor_steps: (C,) [steps].
        floor_ua: (C, 3) current of the idle floor on each line [uA].
        connector_nodes: (N, C) bool, the connector hangs below the node.
        node_names: N names, e.g. ``circuit main`` or ``station CP1``.
        headroom_ua: (N, 3, T) limit minus highest base load [uA].
        alarm: (N, 3, T) bool, base load and idle floors alone exceed the limit.
        edge_guard_s: convention 4 [s].
        notices: what was left out and why.
        stages: what to optimise, in order.
        demand_unaffordable_units: (D,) what each demand is smaller by, for the session's highest price [0.1 J].
        withheld: what availability takes from sessions.
    """

    grid: TimeGrid
    seconds: Ints
    price_seconds: Ints
    session_ids: tuple[str, ...]
    session_connector: Ints
    first_slot: Ints
    end_slot: Ints
    slot_owner: Ints
    min_steps: Ints
    max_steps: Ints
    power_dw: Ints
    line_ua: Ints
    cap_steps: Ints
    energy_units: Ints
    energy_cap_units: Ints
    energy_most_units: Ints
    demand_session: Ints
    demand_end: Ints
    demand_units: Ints
    demand_wish_units: Ints
    demand_hard: Bools
    demand_milestone: Ints
    connector_ids: tuple[str, ...]
    idle_floor_steps: Ints
    end_floor_steps: Ints
    floor_ua: Ints
    connector_nodes: Bools
    node_names: tuple[str, ...]
    headroom_ua: Ints
    alarm: Bools
    edge_guard_s: int
    notices: tuple[str, ...]
    stages: tuple[StageSpec, ...]
    demand_unaffordable_units: Ints
    withheld: tuple[Withheld, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def sessions(self) -> int:
        """S."""
        return len(self.session_ids)

    @property
    def slots(self) -> int:
        """T."""
        return int(self.seconds.size)

    @property
    def wish_stages(self) -> int:
        """How many stages come first that count missing energy; 2 in the preset ``cheapest``."""
        kinds = [stage.kind for stage in self.stages]
        return next((at for at, kind in enumerate(kinds) if kind != "missing"), len(kinds))

    @property
    def free_ua(self) -> Ints:
        """(N, 3, T) headroom above the idle floors, at least 0 [uA]."""
        floors = self.connector_nodes.astype(np.int64) @ self.floor_ua
        return np.maximum(self.headroom_ua - floors[:, :, None], 0)

    def row_name(self, node: int, line: int) -> str:
        """Return the name of a row, e.g. ``circuit main L1``."""
        return f"{self.node_names[node]} L{line + 1}"
