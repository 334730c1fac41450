"""The stages of an objective in integers: what counts, in which order, and what a stage may leave to later ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ocpp_schedule.model.objective import Objective
from ocpp_schedule.problem.meter import DECIWATTS_PER_WATT
from ocpp_schedule.problem.series import price_seconds
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MONEY_UNITS_PER_CURRENCY, PRICE_UNITS_PER_CURRENCY, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocpp_schedule.model.objective import ObjectiveStage
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.demands import Demands
    from ocpp_schedule.problem.loads import Beside, SoftRows

StageKind = Literal["missing", "rate", "bill", "contract", "fair", "peak", "flat", "starts"]
"""``missing``: energy that demands miss; ``rate``: energy times a rate per slot, such as a price, and what missing
energy would have been worth; ``bill``: what the plan adds to the bill at the meter, whose import price is the rate;
``contract``: energy above soft limits; ``fair``: largest share that a demand misses; ``peak``: highest expected load
of a slot; ``flat``: energy above each of many levels; ``starts``: how often charging begins."""
SERVES: Final = ("missing", "contract", "fair")
"""Kinds of the stages that may come first: 0 is as good as can be, and what is wanted is chased at any price."""

PARTS_PER_MILLION: Final = 1_000_000
SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage; less is better, and a stage counts only among plans that are as good in those before.

    Attributes:
        name: of the stage, different from all others of the sequence.
        kind: how the value is computed.
        demands: (D,) bool, the demands whose missing energy is summed up (``missing``) or compared (``fair``).
        rate: (T,) rate x seconds of the slot (``rate``); prices are [1e-6 currency/kWh x s]. For ``peak`` and ``flat``
            only an order of the slots for repairs.
        delivered: the rate weighs what the site delivers, losses of DC included; else what cars get.
        lost: (D,) what a unit of missing energy counts (``rate``). The value of such a stage is
            ``floor(sum(energy x rate / seconds)) + sum(missing x lost)``, rounded once.
        allow_abs: what the stage may be worse for the sake of later ones, in its own unit.
        allow_ppm: the same relative to its value, in millionths; the two add up.
        enough: values up to this one are as good as any: what the best value, as far as it is known, may be worsened
            to; None where the stage leaves nothing.
        base: (T,) expected base load [0.1 J] (``peak``, ``flat``).
        level_dw: height of a level [0.1 W] (``flat``).
        soft: the rows (``contract``).
    """

    name: str
    kind: StageKind
    demands: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    rate: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    delivered: bool = True
    lost: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    allow_abs: int = 0
    allow_ppm: int = 0
    enough: float | None = None
    base: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    level_dw: int = 0
    soft: SoftRows | None = None

    def __post_init__(self) -> None:
        for array in (self.demands, self.rate, self.lost, self.base):
            array.setflags(write=False)

    def budget(self, value: float) -> float:
        """Return what later stages may make of a value that this stage has reached.

        >>> StageSpec("cost", "rate", allow_abs=5, allow_ppm=1000).budget(-10_000)
        -9985.0
        """
        return value + self.allow_abs + abs(value) * self.allow_ppm / PARTS_PER_MILLION


@dataclass(frozen=True, slots=True)
class _Input:
    """What stages are made of: tariff, (T + 1,) edges, (T,) prices, (S,) priorities and values, demands."""

    tariff: Tariff
    edges: Ints
    prices: Ints
    priority: Ints
    value: Ints
    valued: Bools
    demands: Demands

    @property
    def wishes(self) -> Bools:
        """(D,) the wish of each session, milestones left out."""
        wishes: Bools = self.demands.milestone < 0
        return wishes

    @property
    def seconds(self) -> Ints:
        """(T,) slot lengths [s]."""
        return np.diff(self.edges)


def compile_stages(
    objective: Objective | None,
    tariff: Tariff,
    demands: Demands,
    prices: Ints,
    beside: Beside,
    *,
    billed: bool = False,
) -> tuple[tuple[StageSpec, ...], Bools]:
    """Return the stages of an objective, and (D,) which demands count as missing where they are not met.

    Args:
        objective: the stages by kind; None: ``cheapest``.
        tariff: for emissions.
        demands: of the sessions.
        prices: (T,) price x seconds of each slot.
        beside: sessions and slots, loads and limits.
        billed: the cost is the bill at the meter, not just the energy of charging times its price.
    """
    sessions = beside.table.sessions
    given = _Input(
        tariff=tariff,
        edges=beside.edges,
        prices=prices,
        priority=np.array([session.priority for session in sessions], dtype=np.int64),
        value=np.array([_units(session.value_per_kwh or 0.0) for session in sessions], dtype=np.int64),
        valued=np.array([session.value_per_kwh is not None for session in sessions], dtype=np.bool_),
        demands=demands,
    )
    # Energy with a value competes with its price; what is not worth it is no shortfall. Must-haves stay must-haves.
    counted = demands.hard | ~given.valued[demands.session]
    stages: list[StageSpec] = []
    for together in groups((objective or Objective()).stages_with(soft=beside.any_soft)):
        choice = together[0]
        if choice.kind in DEMANDS_OF:
            stages += _by_class(together, given, counted)
        elif choice.kind in LOADS:
            stages.append(_loaded(choice, beside, demands.hard.size))
        elif choice.kind == "starts":
            stages.append(_spec(choice, "starts", lost=_nothing(given)))
        elif choice.kind == "energy":
            stages.append(_spec(choice, "energy", demands=given.wishes))
        else:
            lost = LOST_OF.get(choice.kind, _nothing)(given)
            spec = _spec(choice, choice.kind, rate=RATE_OF[choice.kind](given), lost=lost)
            stages.append(replace(spec, kind="bill") if billed and choice.kind == "cost" else spec)
    return tuple(stages), counted


def _units(price: float) -> int:
    return round(price * PRICE_UNITS_PER_CURRENCY)


def groups(sequence: Iterable[ObjectiveStage]) -> list[list[ObjectiveStage]]:
    """Return the stages, ``fair`` and ``wanted`` together where they follow each other: by priority, both in turn."""
    found: list[list[ObjectiveStage]] = []
    for stage in sequence:
        if found and {found[-1][0].kind, stage.kind} == {"fair", "wanted"}:
            found[-1].append(stage)
        else:
            found.append([stage])
    return found


def _by_class(choices: Sequence[ObjectiveStage], given: _Input, counted: Bools) -> list[StageSpec]:
    """Return the stages of each priority, the highest first; the name says the priority where there are several."""
    classes = sorted(set(given.priority.tolist()), reverse=True) or [0]
    own = given.priority[given.demands.session]
    return [
        _spec(
            choice,
            f"{choice.kind} {priority}" if len(classes) > 1 else choice.kind,
            demands=DEMANDS_OF[choice.kind](given) & counted & (own == priority),
        )
        for priority in classes
        for choice in choices
    ]


def _loaded(choice: ObjectiveStage, beside: Beside, demands: int) -> StageSpec:
    """Return a stage that looks at loads."""
    none = np.zeros(demands, dtype=np.bool_)
    if choice.kind == "contract":
        return _spec(choice, choice.kind, demands=none, soft=beside.soft_rows())
    base = beside.base_units()
    return _spec(
        choice, choice.kind, base=base, rate=base, level_dw=beside.level_dw(), lost=np.zeros(demands, dtype=np.int64)
    )


def _spec(choice: ObjectiveStage, name: str, **data: Any) -> StageSpec:
    unit = UNIT_OF[choice.kind]
    return StageSpec(
        name=name,
        kind=KIND_OF.get(choice.kind, "missing"),
        delivered=choice.kind not in BY_TIME,
        allow_abs=int(exact(choice.allow_abs) * unit // 1),
        allow_ppm=int(exact(choice.allow_rel) * PARTS_PER_MILLION // 1),
        **data,
    )


def _nothing(given: _Input) -> Ints:
    return np.zeros(given.wishes.size, dtype=np.int64)


def _worth(given: _Input) -> Ints:
    """Return what the wished energy is worth where it has a value."""
    worth: Ints = given.value[given.demands.session] * given.wishes
    return worth


def _late(given: _Input) -> Ints:
    """Return the length of the grid for every wish: what is missed counts as given after it."""
    late: Ints = (given.edges[-1] - given.edges[0]) * given.wishes
    return late


def _emissions(given: _Input) -> Ints:
    assert given.tariff.co2 is not None  # noqa: S101 - checked with the input, for the type checker
    return price_seconds(given.tariff.co2, given.edges)


DEMANDS_OF: Final[dict[str, Callable[[_Input], Bools]]] = {
    "must_have": lambda given: given.demands.hard,
    "fair": lambda given: given.wishes & (given.demands.wish > 0),
    "wanted": lambda given: ~given.demands.hard,
}
LOADS: Final = ("contract", "peak", "flat")
"""Kinds of stages that look at loads, not just at energy given."""
RATE_OF: Final[dict[str, Callable[[_Input], Ints]]] = {
    "quick": lambda given: (given.edges[:-1] - given.edges[0]) * given.seconds,
    "cost": lambda given: given.prices.copy(),
    "profit": lambda given: given.prices.copy(),
    "co2": _emissions,
    "finish": lambda given: (given.edges[1:] - given.edges[0]) * given.seconds,
}
LOST_OF: Final[dict[str, Callable[[_Input], Ints]]] = {"quick": _late, "cost": _worth, "profit": _worth}
BY_TIME: Final = ("quick", "finish")
"""Kinds about when cars get energy; all other rates are about what the site delivers for it (convention 14)."""
KIND_OF: Final[dict[str, StageKind]] = {
    **dict.fromkeys(RATE_OF, "rate"),
    "contract": "contract",
    "fair": "fair",
    "peak": "peak",
    "flat": "flat",
    "starts": "starts",
}
ENERGIES: Final = ("must_have", "wanted", "energy", "contract", "flat")
UNIT_OF: Final[dict[str, int]] = dict.fromkeys(ENERGIES, ENERGY_UNITS_PER_WH) | {
    "quick": ENERGY_UNITS_PER_WH * SECONDS_PER_HOUR,
    "finish": ENERGY_UNITS_PER_WH * SECONDS_PER_HOUR,
    "cost": MONEY_UNITS_PER_CURRENCY,
    "profit": MONEY_UNITS_PER_CURRENCY,
    "co2": MONEY_UNITS_PER_CURRENCY,
    "peak": DECIWATTS_PER_WATT,
    "starts": 1,
    "fair": PARTS_PER_MILLION,
}
"""By kind, what one unit of ``ObjectiveStage.allow_abs`` is inside; grams are counted like a currency."""
