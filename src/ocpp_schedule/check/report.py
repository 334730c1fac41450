"""What the referee found: violations, alarms and the numbers it derived itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ocpp_schedule.timegrid import short_utc
from ocpp_schedule.units import CHANNELS, ENERGY_UNITS_PER_WH, TOTAL, Channel, money_to_currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ocpp_schedule.timegrid import TimeGrid

MAX_LISTED_PER_KIND: Final = 1000
"""A year of wrong slots must not become millions of objects; ``Report.omitted`` counts the rest."""

Kind = Literal[
    "shape",
    "window",
    "maximum",
    "minimum",
    "pilot",
    "energy",
    "surplus",
    "curtailment",
    "export",
    "storage",
    "discharge",
    "soc",
    "upwards",
    "row",
    "edge",
    "idle_floor",
    "end_floor",
    "claimed_energy",
    "claimed_cost",
    "claimed_stage",
    "alarm_draw",
    "exclusive",
    "cabinet",
    "unbalance",
    "availability",
    "price",
    "pause",
    "on_time",
    "held",
    "periods",
]
"""Which rule is broken.

shape: arrays do not belong to this input; window: current outside the session's slots; maximum, minimum, energy:
conventions 5 and 6; pilot: what the charger cannot be told (convention 19); surplus, curtailment, export, storage:
convention 17, as expected and not fail-safe; discharge, soc, upwards: convention 26; row: a line
of a circuit or station is overloaded; edge: overloaded while
set-points change, or a guard where none belongs (convention 4); idle_floor, end_floor: conventions 4 and 13;
claimed_energy, claimed_cost, claimed_stage: the plan's own number is wrong; alarm_draw: current below a row in alarm;
exclusive: several outlets of which one may give anything; cabinet: more modules than there are; unbalance: two lines
differ by too much, as expected and not fail-safe (convention 14);
availability: more than the connector may give then; price: current in a slot dearer than the session pays; pause: too
many pauses; on_time: charging lasts too short (convention 21); held: not what the charger holds in the slot under way
(convention 22); periods: a profile has more of them, or is a longer message, than its station takes (convention 24).
"""

Noun = Literal[
    "session",
    "connector",
    "circuit",
    "station",
    "group",
    "cabinet",
    "line_constraint",
    "generator",
    "storage",
    "plan",
]
RowNoun = Literal["circuit", "station", "group", "line_constraint"]
Unit = Literal["steps", "uA", "mVA", "0.1 J", "0.1 W", "1e-6", "money", ""]
"""``money`` is the unit of convention 1; empty where the values are text."""


def amperes(microamperes: int) -> str:
    """Return a current as an exact decimal.

    >>> amperes(25_100_000), amperes(20_000_000), amperes(-1)
    ('25.1 A', '20 A', '-0.000001 A')
    """
    text = f"{Decimal(int(microamperes)).scaleb(-6):f}"
    return f"{text.rstrip('0').rstrip('.')} A"


def voltamperes(milli: int) -> str:
    """Return an apparent power as an exact decimal.

    >>> voltamperes(11_040_500)
    '11040.5 VA'
    """
    text = f"{Decimal(int(milli)).scaleb(-3):f}"
    return f"{text.rstrip('0').rstrip('.')} VA"


def unit_of(channel: int) -> Literal["uA", "mVA"]:
    """Return the unit of a row of this channel."""
    return "mVA" if channel == TOTAL else "uA"


def row_text(value: int, line: Channel | None) -> str:
    """Return a value of a row in A, or of a total in VA."""
    return voltamperes(value) if line == CHANNELS[TOTAL] else amperes(value)


def _text(value: int | str, unit: Unit) -> str:
    if isinstance(value, str):
        return value
    if unit == "uA":
        return amperes(value)
    if unit == "mVA":
        return voltamperes(value)
    if unit == "0.1 J":
        return f"{value} x 0.1 J ({value / ENERGY_UNITS_PER_WH:.10g} Wh)"
    if unit == "money":
        return f"{value} money units ({money_to_currency(value):.10g})"
    return f"{value} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that the plan breaks at one place.

    Attributes:
        kind: the rule.
        noun: what ``subject`` is.
        subject: id of the session, connector, circuit or station; for ``plan`` the field of the solution.
        seen: what stands there, exact, in ``unit`` or as text.
        allowed: what may stand there, exact, in ``unit`` or as text.
        unit: of the numbers.
        relation: how ``allowed`` is meant.
        detail: what else belongs to the finding, e.g. the row in alarm; empty for nothing.
        line: the line of the row, or ``total``; None where the rule is not about a row.
        slot: index of the slot; of an edge the slot after it; None where the rule is not about a slot.
        start: start of the slot, UTC; of an edge its instant.

    >>> from datetime import datetime, UTC
    >>> print(Violation("row", "circuit", "main", 25_100_000, 25_000_000, unit="uA", line="L1", slot=1,
    ...                 start=datetime(2026, 1, 15, 1, tzinfo=UTC)))
    row: circuit 'main' L1, slot 1 (2026-01-15T01:00Z): 25.1 A; allowed: at most 25 A
    """

    kind: Kind
    noun: Noun
    subject: str
    seen: int | str
    allowed: int | str
    unit: Unit = ""
    relation: Literal["at most", "at least", "less than", "exactly", ""] = "at most"
    detail: str = ""
    line: Channel | None = None
    slot: int | None = None
    start: datetime | None = None

    def __str__(self) -> str:
        """Return one line: rule, place, what was seen, what is allowed."""
        return (
            f"{self.kind}: {self.noun} {self.subject!r}{_place(self.line, self.slot, self.start)}: "
            f"{_text(self.seen, self.unit)}{f' ({self.detail})' if self.detail else ''}; "
            f"allowed: {f'{self.relation} {_text(self.allowed, self.unit)}'.strip()}"
        )


def _place(line: Channel | None, slot: int | None, start: datetime | None) -> str:
    at = f" ({short_utc(start)})" if start is not None else ""
    return (f" {line}" if line else "") + (f", slot {slot}{at}" if slot is not None else "")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A run of slots in which base load and idle floors exceed a row, whatever the plan does (convention 4).

    The three loads are those of the slot where the row is exceeded most.

    Attributes:
        noun: ``circuit``, ``station``, ``group`` or ``line_constraint``.
        subject: its id.
        line: the line, or ``total``; None for a line constraint.
        first_slot: first slot of the run.
        end_slot: the slot after the last one.
        start: start of the run, UTC.
        end: end of the run (exclusive), UTC.
        base_units: highest base load at or below the row [uA, mVA], rounded up.
        floor_units: sum of the idle floors below the row, as they weigh there [uA, mVA].
        limit_units: the limit [uA, mVA], rounded down.
    """

    noun: RowNoun
    subject: str
    line: Channel | None
    first_slot: int
    end_slot: int
    start: datetime
    end: datetime
    base_units: int
    floor_units: int
    limit_units: int

    def __str__(self) -> str:
        """Return one line: row, time, loads, limit."""
        floor = f" and {row_text(self.floor_units, self.line)} of idle floors" if self.floor_units else ""
        where = f"{self.noun} {self.subject!r}{f' {self.line}' if self.line else ''}"
        return (
            f"alarm: {where}, {short_utc(self.start)} to {short_utc(self.end)}: "
            f"{row_text(self.base_units, self.line)} of base load{floor} exceed the limit of "
            f"{row_text(self.limit_units, self.line)}"
        )


class RowUse(NamedTuple):
    """The slot in which a row is used most.

    Attributes:
        noun: ``circuit``, ``station``, ``group`` or ``line_constraint``.
        subject: its id.
        line: the line, or ``total``; None for a line constraint.
        slot: the slot.
        booked_units: sum of what is booked [uA, mVA].
        headroom_units: limit less highest base load, by what charging weighs there [uA, mVA]; negative where base load
            exceeds the limit.
    """

    noun: RowNoun
    subject: str
    line: Channel | None
    slot: int
    booked_units: int
    headroom_units: int

    @property
    def share(self) -> float:
        """Booked load by headroom; infinite where there is no headroom but something is booked."""
        if self.headroom_units > 0:
            return self.booked_units / self.headroom_units
        return float("inf") if self.booked_units > self.headroom_units else 0.0


@dataclass(frozen=True, slots=True)
class MilestoneReview:
    """What a milestone needs within the grid, and what the plan has given by then.

    Attributes:
        session: id of the session.
        index: position in ``Session.milestones``.
        hard: a must-have.
        needed_units: energy needed from the grid's slots [0.1 J] (convention 8).
        energy_units: energy of the slots that end by then [0.1 J].
        counted: what is short counts as missing; False for wishes of energy with a value.
    """

    session: str
    index: int
    hard: bool
    needed_units: int
    energy_units: int
    counted: bool = True

    @property
    def missing_units(self) -> int:
        """Energy short at the milestone [0.1 J]."""
        return max(0, self.needed_units - self.energy_units)


@dataclass(frozen=True, slots=True)
class Report:
    """The referee's verdict. Every number is derived from the models and the set-points, none is copied.

    Where a ``shape`` is wrong nothing else can be judged: the mappings are then empty, the cost 0.

    Attributes:
        violations: broken rules, in the order of ``Kind``, then by place.
        alarms: rows exceeded by base load and idle floors; not the plan's fault.
        energy_units: by session id, energy given [0.1 J], guard losses taken off.
        wanted_units: by session id, energy wanted within the grid [0.1 J] (convention 8).
        must_units: by session id, the highest need of its hard milestones within the grid [0.1 J].
        missing_units: by session id, ``wanted_units`` not given [0.1 J]; 0 where the energy has a value.
        forgone_units: by session id, wished energy with a value that was not worth its price [0.1 J].
        missing_must_units: by session id, the highest shortage at one of its hard milestones [0.1 J].
        milestones: every milestone, by session id and position.
        cost_units: cost of the energy given in money units, rounded down once, at the end; with generation or peak
            charges what the plan adds to the bill of the site (convention 17).
        cost_parts: that cost as ``energy``, ``export`` and ``peaks``, each rounded down by itself; empty where the cost
            is that of charging energy alone.
        row_use: every row that has a connector on its line, at the slot where it is used most.
        bounds: by stage, what no plan as good in the stages before has a lower value than, proven from the prices of
            the plan's certificates (``check.claims``); empty where that was not asked for.
        unaffordable_units: by session id with any, the part of its wish that only slots above its highest price could
            give [0.1 J]; ``wanted_units`` is without it.
        untakeable_units: by session id with any, the part of its wish that its taper forbids in its time [0.1 J];
            ``wanted_units`` is without it.
        excess_units: by circuit with a soft limit, the energy that may be drawn above it [0.1 J], rounded up.
        omitted: violations found beyond ``MAX_LISTED_PER_KIND`` of a kind.
    """

    violations: tuple[Violation, ...]
    alarms: tuple[Alarm, ...] = ()
    energy_units: Mapping[str, int] = field(default_factory=dict)
    wanted_units: Mapping[str, int] = field(default_factory=dict)
    must_units: Mapping[str, int] = field(default_factory=dict)
    missing_units: Mapping[str, int] = field(default_factory=dict)
    missing_must_units: Mapping[str, int] = field(default_factory=dict)
    milestones: tuple[MilestoneReview, ...] = ()
    cost_units: int = 0
    cost_parts: Mapping[str, int] = field(default_factory=dict)
    row_use: tuple[RowUse, ...] = ()
    omitted: int = 0
    unaffordable_units: Mapping[str, int] = field(default_factory=dict)
    untakeable_units: Mapping[str, int] = field(default_factory=dict)
    forgone_units: Mapping[str, int] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)
    excess_units: Mapping[str, int] = field(default_factory=dict)

    @property
    def cost_bound_units(self) -> int | None:
        """What no plan costs less than that is as good in the stages before; None where that is not proven."""
        return self.bounds.get("cost", self.bounds.get("profit"))

    @property
    def missing(self) -> int:
        """All energy that wishes and milestones miss [0.1 J]."""
        return sum(self.missing_units.values()) + sum(goal.missing_units for goal in self.milestones if goal.counted)

    @property
    def ok(self) -> bool:
        """No rule is broken (alarms and shortfalls do not count)."""
        return not self.violations


class Findings:
    """Collects violations while a review runs."""

    def __init__(self, grid: TimeGrid) -> None:
        self._grid = grid
        self._by_kind: dict[Kind, list[Violation]] = {}
        self.omitted = 0

    def add(
        self,
        kind: Kind,
        noun: Noun,
        subject: str,
        seen: int | str,
        allowed: int | str,
        *,
        unit: Unit = "",
        relation: Literal["at most", "at least", "less than", "exactly", ""] = "at most",
        detail: str = "",
        line: int | None = None,
        slot: int | None = None,
    ) -> None:
        """Record one violation; ``line`` is the index of the channel."""
        listed = self._by_kind.setdefault(kind, [])
        if len(listed) >= MAX_LISTED_PER_KIND:
            self.omitted += 1
            return
        listed.append(
            Violation(
                kind=kind,
                noun=noun,
                subject=subject,
                seen=seen,
                allowed=allowed,
                unit=unit,
                relation=relation,
                detail=detail,
                line=None if line is None else CHANNELS[line],
                slot=slot,
                start=None if slot is None else self._grid.edge(slot),
            )
        )

    def skip(self, count: int) -> None:
        """Count ``count`` more violations without listing them."""
        self.omitted += count

    def sorted(self, kinds: Iterable[Kind]) -> tuple[Violation, ...]:
        """Return what was recorded, in the order of ``kinds``."""
        return tuple(violation for kind in kinds for violation in self._by_kind.get(kind, ()))
