"""The raw result of a solve: integers, nothing bound to models, nothing computed on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

StageMark = Literal["bounded", "heuristic", "fallback"]
"""bounded: a solver's bound stands beside the value; heuristic: no bound; fallback: the solver gave nothing."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Result of one stage of the optimisation.

    Attributes:
        name: of the stage, e.g. ``must_have``, ``wanted`` (0.1 J short) or ``cost`` (money units).
        value: value of the integer plan, exact.
        bound: no plan as good in the stages before has a lower value, says the linear relaxation; None where there
            is none.
        mark: how far the value is backed.
    """

    name: str
    value: int
    bound: float | None
    mark: StageMark


RowName = tuple[str, str, int]
"""Noun, id and channel of a row."""


class TangentPrice(NamedTuple):
    """Price of a tangent to the limit of a conductor whose current is a sum of phasors (convention 15).

    Attributes:
        noun: ``line_constraint``, ``circuit`` or ``station``.
        subject: its id.
        line: 0 to 2; None for a line constraint.
        slot: index of the slot.
        along, across: direction of the tangent, a pair of whole numbers of length 2**20.
        price: money units per uA.
    """

    noun: str
    subject: str
    line: int | None
    slot: int
    along: int
    across: int
    price: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """Prices that prove a bound on the value of a stage by weak duality (``check.certificate``).

    All are whole numbers, ``scale`` of them to one unit of the stage.

    Attributes:
        row_prices: by circuit, station or group, its id and channel (0 to 3): one price per slot, stage units per uA or
            mVA; by what is shared in pieces (``check.pools``), its name and 0: stage units per piece.
        demand_prices: by session id and milestone (None: the wish): stage units per 0.1 J. Of a session's only need
            the best price follows from those of the rows; the referee takes it, whatever stands here.
        cap_prices: by session id, of getting no more than convention 6 allows: stage units per 0.1 J. Only energy
            that is worth more than it costs gives any.
        denominator: what the prices of rows, needs and caps are divided by, so that a price of a step can be told
            per uA exactly.
        meter_prices: one per slot, what a unit more through the meter costs: price x seconds, as money of energy.
        peak_prices: by peak charge and billing period, one per metering interval: money units per 0.1 W of its mean.
        storage_prices: by battery, what stored energy is worth after each slot: money units per 0.1 J.
        car_prices: by session with ``v2g``, the same of its battery.
        surplus_prices: one per slot, of energy that waits for surplus, as ``meter_prices``.
        export_prices: by circuit with a limit on export, one per slot, as ``meter_prices``.
        stage_prices: by the name of a stage before, what one of its units is worth.
        load_prices: by the name of a stage that looks at loads, its own or one before, one per slot: stage units per
            0.1 J of load.
        share_prices: by the name of such a stage, one per session: stage units per 0.1 J that its wish misses.
        soft_prices: by circuit and line, one per slot: stage units per uA (mVA) above a soft limit.
        tangent_prices: of tangents to the limits of conductors.
    """

    row_prices: dict[RowName, tuple[int, ...]]
    demand_prices: dict[tuple[str, int | None], int]
    cap_prices: dict[str, int] = field(default_factory=dict)
    denominator: int = 1
    meter_prices: tuple[int, ...] = ()
    peak_prices: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    storage_prices: dict[str, tuple[int, ...]] = field(default_factory=dict)
    surplus_prices: tuple[int, ...] = ()
    export_prices: dict[str, tuple[int, ...]] = field(default_factory=dict)
    stage_prices: dict[str, int] = field(default_factory=dict)
    load_prices: dict[str, tuple[int, ...]] = field(default_factory=dict)
    share_prices: dict[str, dict[str, int]] = field(default_factory=dict)
    soft_prices: dict[tuple[str, int], tuple[int, ...]] = field(default_factory=dict)
    tangent_prices: tuple[TangentPrice, ...] = ()
    car_prices: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Solution:
    """Set-points in integer steps, with the guarded edges and the claimed values.

    Attributes:
        session_ids: rows of the arrays, sorted; sessions that touch no slot have a row of zeros.
        setpoints: (sessions, slots) int64, steps of the session's connector; 0 outside the window. Read-only.
        late_raise: (sessions, slots) bool: the set-point of this slot starts ``edge_guard_s`` after the slot
            (convention 4). Read-only.
        early_lowering: (sessions, slots) bool: the set-point of this slot ends ``edge_guard_s`` before the
            slot ends. Read-only.
        connector_ids: order of the two floors, sorted.
        idle_floor_steps: (connectors,) int64.
        end_floor_steps: (connectors,) int64.
        energy_units: (sessions,) int64, 0.1 J the set-points give, guard losses taken off; of sessions with ``v2g``
            what is more in the battery.
        cost_units: exact cost of that energy in money units.
        stages: results in the order of the stages.
        method: which rung of the ladder made the plan, e.g. ``linear``.
        termination: why the solver stopped, in words.
        stats: counts for the curious (no times).
        certificates: by the name of a stage, the prices behind its bound; stages without are missing.
        generator_ids: rows of ``curtailed_dw``, sorted.
        curtailed_dw: (generators, slots) int64, power taken off each generator [0.1 W], read-only; None where there
            is nothing to curtail.
        storage_ids: rows of ``storage_steps``, sorted.
        storage_steps: (batteries, slots) int64, steps of each battery, positive for charging, read-only; None where
            there is none.
        discharge_ids: rows of ``discharge_steps``, the sessions with ``v2g``, sorted.
        discharge_steps: (sessions with v2g, slots) int64, what each gives, in steps of its connector, read-only; None
            where there is none. Where one gives its set-point is 0.
        cost_parts: the cost as energy, export, peaks and wear [money units], each rounded down by itself; empty where
            the cost is that of charging energy alone.
    """

    session_ids: tuple[str, ...]
    setpoints: npt.NDArray[np.int64]
    late_raise: npt.NDArray[np.bool_]
    early_lowering: npt.NDArray[np.bool_]
    connector_ids: tuple[str, ...]
    idle_floor_steps: npt.NDArray[np.int64]
    end_floor_steps: npt.NDArray[np.int64]
    energy_units: npt.NDArray[np.int64]
    cost_units: int
    stages: tuple[Stage, ...] = ()
    method: str = ""
    termination: str = ""
    stats: dict[str, int | float] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    generator_ids: tuple[str, ...] = ()
    curtailed_dw: npt.NDArray[np.int64] | None = None
    storage_ids: tuple[str, ...] = ()
    storage_steps: npt.NDArray[np.int64] | None = None
    discharge_ids: tuple[str, ...] = ()
    discharge_steps: npt.NDArray[np.int64] | None = None
    cost_parts: dict[str, int] = field(default_factory=dict)
