"""The compiled problem: integers only, every array read-only, every row named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ocpp_schedule.problem.stages import SERVES
from ocpp_schedule.units import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.problem.aims import Aims
    from ocpp_schedule.problem.meter import Meter
    from ocpp_schedule.problem.phasors import PhasorRows
    from ocpp_schedule.problem.pieces import Pieces
    from ocpp_schedule.problem.pools import Pools
    from ocpp_schedule.problem.stages import StageSpec
    from ocpp_schedule.problem.taper import Curve
    from ocpp_schedule.problem.unbalance import Unbalance
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
class RunRules:
    """How often sessions may pause, and how long they charge at least, once begun (convention 21).

    Attributes:
        flagged: (S,) bool, sessions with a rule.
        pauses: (S,) most pauses; -1: any number.
        on_s: (S,) shortest time of charging [s]; 0: none.
        open_end: (S,) bool, the session goes on after the grid, so charging that lasts to its end may go on too.
        full_units: (S,) energy at which the session is full, so that its last run may be short [0.1 J].
        steady: (S,) bool, it charges in every slot of its window: its station is never told 0 (convention 24);
            None: none is.
    """

    flagged: Bools
    pauses: Ints
    on_s: Ints
    open_end: Bools
    full_units: Ints
    steady: Bools | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What the solver sees. S sessions, T slots, C connectors, N nodes, D demands, K channels, R = K N rows.

    A node is a circuit, or a station with a current limit of its own. Each has K channels: the lines L1, L2, L3 and,
    where anything on the site limits the power of all lines together (K is then 4, else 3), the total. A row is one
    channel of one node (row ``K n + k`` is channel ``k`` of node ``n``). One unit of a row is 1 uA on a line and 1 mVA
    in total.

    Attributes:
        grid: the slots.
        seconds: (T,) slot lengths [s].
        price_seconds: (T,) price x seconds, summed over the slot [1e-6 currency/kWh x s].
        session_ids: S names, sorted.
        session_connector: (S,) index into ``connector_ids``.
        first_slot, end_slot: (S,) half-open range of usable slots; empty is (0, 0).
        slot_owner: (C, T) the session whose window has the slot of the connector, or -1.
        min_steps, max_steps: (S,) smallest (0: none) and largest set-point [steps]; both 0 where it cannot charge.
        power_dw: (S,) expected power of one step into the car [0.1 W].
        draw_dw: (S,) what the site delivers for it, losses included [0.1 W]; the same for AC.
        load_units: (S, K) what one step puts on each channel, at most [uA, mVA].
        cap_steps: (S, T) largest set-point in each slot: 0 outside the window and below a row in alarm.
        energy_units: (S,) ``energy_wh`` [0.1 J]; 0 for a session outside the grid.
        energy_most_units: (S,) most energy a session may end up with: the wish plus less than one slot (the longest
            of its window) at its minimum [0.1 J] (convention 6).
        demand_session: (D,) index of the session.
        demand_end: (D,) the demand counts the slots before this one.
        demand_units: (D,) wanted energy, rounded up to reachable sums [0.1 J].
        demand_wish_units: (D,) the same before rounding up.
        demand_hard: (D,) a must-have. The last demand of each session is its wanted energy.
        demand_counted: (D,) energy that is missed counts as missing; False for wishes of energy with a value, which
            is taken where it is worth its price.
        demand_milestone: (D,) index of the milestone in its session; -1 for the wish.
        connector_ids: C names, sorted.
        idle_floor_steps, end_floor_steps: (C,) [steps].
        floor_units: (C, K) what the idle floor puts on each channel [uA, mVA].
        connector_nodes: (N, C) bool, the connector hangs below the node.
        node_names: N names, e.g. ``circuit main`` or ``station CP1``.
        headroom_units: (N, K, T) limit minus highest base load [uA, mVA].
        alarm: (N, K, T) bool, base load and idle floors alone exceed the limit.
        pools: what connectors take whole pieces of; None where the site has nothing of the kind.
        unbalance: limits on differences between lines; None where the site has none.
        edge_guard_s: convention 4 [s].
        notices: what was left out and why.
        stages: what to optimise, in order.
        demand_unaffordable_units: (D,) what each demand is smaller by, for the session's highest price [0.1 J].
        withheld: what availability takes from sessions.
        runs: rules for pauses and on-times; None: there are none.
        tapers: by session with one, how its power falls.
        demand_untakeable_units: (D,) what each demand is smaller by, for the session's taper [0.1 J].
        meter: base load, generation and peaks; None where the bill is the energy of charging times its price.
        held_steps: (S,) what chargers hold in the first slot, which is under way and cannot be planned; None: the
            first slot can (convention 22).
        aims: loads that repairs keep to where they can; None: any.
        levels: by index of the session, its allowed set-points from 0 up [steps]: those of chargers that cannot take
            every step between minimum and maximum (convention 19).
        pieces: plan layers whose number of periods is limited; None: none is (convention 24).
        phasors: rows whose currents are sums of phasors; None where there are none.
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
    draw_dw: Ints
    load_units: Ints
    cap_steps: Ints
    energy_units: Ints
    energy_most_units: Ints
    demand_session: Ints
    demand_end: Ints
    demand_units: Ints
    demand_wish_units: Ints
    demand_hard: Bools
    demand_counted: Bools
    demand_milestone: Ints
    connector_ids: tuple[str, ...]
    idle_floor_steps: Ints
    end_floor_steps: Ints
    floor_units: Ints
    connector_nodes: Bools
    node_names: tuple[str, ...]
    headroom_units: Ints
    alarm: Bools
    pools: Pools | None
    unbalance: Unbalance | None
    edge_guard_s: int
    notices: tuple[str, ...]
    stages: tuple[StageSpec, ...]
    demand_unaffordable_units: Ints
    withheld: tuple[Withheld, ...] = ()
    runs: RunRules | None = None
    tapers: Mapping[int, Curve] = field(default_factory=dict)
    demand_untakeable_units: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    meter: Meter | None = None
    held_steps: Ints | None = None
    aims: Aims | None = None
    levels: Mapping[int, Ints] = field(default_factory=dict)
    pieces: Pieces | None = None
    phasors: PhasorRows | None = None

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
        """How many stages come first that count missing energy, or what is as good as none; 2 in ``cheapest``."""
        kinds = [stage.kind for stage in self.stages]
        return next((at for at, kind in enumerate(kinds) if kind not in SERVES), len(kinds))

    @property
    def chased(self) -> Bools:
        """(D,) demands that the first stages count: to be met at any price."""
        met = np.zeros(self.demand_session.size, dtype=np.bool_)
        for stage in self.stages[: self.wish_stages]:
            met |= stage.demands
        return met

    @property
    def free_units(self) -> Ints:
        """(N, K, T) headroom above the idle floors, at least 0 [uA, mVA]."""
        floors = self.connector_nodes.astype(np.int64) @ self.floor_units
        return np.maximum(self.headroom_units - floors[:, :, None], 0)

    @property
    def channels(self) -> int:
        """K."""
        return int(self.load_units.shape[1])

    def row_name(self, node: int, channel: int) -> str:
        """Return the name of a row, e.g. ``circuit main L1`` or ``circuit main total``."""
        return f"{self.node_names[node]} {CHANNELS[channel]}"
