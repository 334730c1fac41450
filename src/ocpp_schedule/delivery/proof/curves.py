"""What chargers allow over time in each of their states: composite schedules, laid side by side for numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.delivery.composite import LONGEST_S
from ocpp_schedule.profiles.composite import Request, evaluate
from ocpp_schedule.profiles.layers import unit_of
from ocpp_schedule.profiles.station import StationState, Transaction
from ocpp_schedule.timegrid import EARLIEST
from ocpp_schedule.units import MICROAMPERES_PER_AMPERE, PLAN_LEAD_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.delivery.proof.received import Received
    from ocpp_schedule.delivery.proof.states import State
    from ocpp_schedule.profiles.composite import CompositePeriod
    from ocpp_schedule.profiles.periods import Ints
    from ocpp_schedule.timegrid import TimeGrid


FREE: Final = 2**62
"""Stands for no limit: above every limit that inputs allow [millionths of A or W]."""
WEEK_S: Final = 8 * 86_400
"""Longer than any recurrence."""
ROUNDED: Final = MICROAMPERES_PER_AMPERE // 10
"""A converted composite is cut to one decimal; what was cut off counts as allowed."""
_KEY: Final = 2**34
"""Above every instant until the year 2500 [s since 1970]."""


@dataclass(slots=True)
class Curves:
    """Limits over time, one curve for each state that comes up, as parallel arrays of their periods.

    Attributes:
        start_s: when the windows begin, in seconds since 1970 by a charger's clock.
        end_s: when they end; from the last change on everything stays as it is.
    """

    start_s: int
    end_s: int
    _known: dict[tuple[int, State], int] = field(default_factory=dict)
    _connectors: list[int] = field(default_factory=list)
    _lengths: list[int] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _limits: list[float] = field(default_factory=list)
    _phases: list[int] = field(default_factory=list)
    _slack: list[int] = field(default_factory=list)
    _ceilings: list[int] = field(default_factory=list)

    def of(self, held: Received, evse: int, state: State, connector: int) -> int:
        """Return the number of the curve of one EVSE in a state, evaluated where it is new."""
        key = connector, state
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._add(held, evse, state)
            self._connectors.append(connector)
        return found

    def connectors(self) -> Ints:
        """Return (curves,) whose they are."""
        return np.array(self._connectors, dtype=np.int64)

    def _add(self, held: Received, evse: int, state: State) -> int:
        installed = [held.profiles[at] for at in sorted(state.kept)]
        units = {one.profile.schedules[0].unit for one in installed}
        unit = unit_of(held.evses[evse], held.station)
        ceilings = [held.ceilings[at] for at in (0, evse) if state.ceilings and at in held.ceilings]
        self._ceilings.append(min(ceilings, default=FREE))
        self._slack.append(ROUNDED if units - {unit} else 0)
        if not installed:
            return self._append([0], [np.inf], [0])
        known = held.station.capabilities
        station = StationState(  # a TxProfile that is left has its transaction running
            num_evses=max(held.evses),
            phases_become_3=held.station.ocpp_version != "1.6" and known.number_phases == "exact",
            transactions={evse: Transaction()},
        )
        window = (0, LONGEST_S) if state.in_1970 else (self.start_s, self.end_s - self.start_s)
        periods = evaluate(installed, station, Request(evse, *window, unit, "standard"))
        if state.in_1970:  # nobody knows when it began to count
            return self._append([0], [max(_limit(period) for period in periods)], [0])
        starts, phases = [one.start_s + self.start_s for one in periods], [one.phases or 0 for one in periods]
        starts[0] = 0
        return self._append(starts, [_limit(one) for one in periods], phases)

    def _append(self, starts: Sequence[int], limits: Sequence[float], phases: Sequence[int]) -> int:
        self._lengths.append(len(starts))
        self._starts += starts
        self._limits += limits
        self._phases += phases
        return len(self._lengths) - 1

    def changes(self) -> Ints:
        """Return the instants at which any curve changes, sorted."""
        return np.unique(np.array(self._starts, dtype=np.int64))

    def packed(self) -> Packed:
        """Return all curves as arrays."""
        owner = np.repeat(np.arange(len(self._lengths)), self._lengths)
        written = np.array(self._limits, dtype=np.float64)
        free = np.isinf(written)
        micro = np.rint(np.where(free, 0.0, written) * MICROAMPERES_PER_AMPERE).astype(np.int64)
        micro += np.array(self._slack, dtype=np.int64)[owner]
        micro = np.minimum(np.where(free, FREE, micro), np.array(self._ceilings, dtype=np.int64)[owner])
        return Packed(
            owner * _KEY + np.array(self._starts, dtype=np.int64), micro, np.array(self._phases, dtype=np.int64)
        )


@dataclass(frozen=True, slots=True)
class Packed:
    """Periods of all curves, by curve and start.

    Attributes:
        key: curve and start in one number.
        micro: limit [millionths of A or W].
        phases: as stated; 0: not at all.
    """

    key: Ints
    micro: Ints
    phases: Ints

    def at(self, curves: Ints, times_s: Ints) -> tuple[Ints, Ints]:
        """Return (curves, times) limit and phases of some curves at some instants."""
        found = np.searchsorted(self.key, (curves[:, None] * _KEY + times_s).ravel(), side="right") - 1
        shape = len(curves), len(times_s)
        return self.micro[found].reshape(shape), self.phases[found].reshape(shape)


def window_of(received: Iterable[Received], grid: TimeGrid, longest_skew_s: int) -> tuple[int, int]:
    """Return from when to when curves must be known: after it nothing changes any more."""
    start = since_1970(grid)
    last = start + grid.edges_s[-1]
    recurs = False
    for held in received:
        for one in held.profiles:
            profile, schedule = one.profile, one.profile.schedules[0]
            if schedule.start is not None and schedule.periods:
                last = max(last, schedule.start.utc_s + max(schedule.periods[-1].start_s, schedule.duration_s or 0))
            if profile.valid_to is not None:
                last = max(last, profile.valid_to.utc_s)
            if profile.valid_from is not None:
                last = max(last, profile.valid_from.utc_s)
            recurs |= profile.kind == "recurring"
    low = start - longest_skew_s - PLAN_LEAD_S
    high = last + 2 * longest_skew_s + PLAN_LEAD_S + WEEK_S * recurs
    return low, min(high, low + LONGEST_S)


def _limit(period: CompositePeriod) -> float:
    return np.inf if period.limit is None else period.limit


def since_1970(grid: TimeGrid) -> int:
    """Return the start of the grid in seconds since 1970."""
    return (grid.start - EARLIEST) // timedelta(seconds=1)
