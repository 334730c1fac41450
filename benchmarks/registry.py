"""What is measured: specs with their sizes and phases, and the answers they must give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from ocpp_schedule import schedule
from ocpp_schedule.testing.generator import mixed_scenario

if TYPE_CHECKING:
    from ocpp_schedule import Plan, Scenario
    from ocpp_schedule.profiles.model import ProfileStack

Phase = Literal["compile", "solve", "check", "profiles", "serialise", "end_to_end"]
PHASES: Final[tuple[Phase, ...]] = ("compile", "solve", "check", "profiles", "serialise", "end_to_end")
SLOTS: Final = 96
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Size:
    """A number of cars, with the answers of ``mixed_scenario(sessions, 96, seed=1)``.

    Attributes:
        sessions: number of cars.
        energy_wh: what they want together.
        optimum: cost of the linear program without minimum current and guards [EUR]. Guards and minimum currents
            only restrict, so that no spec of this size can cost less.
        smoke: small enough for every CI run.
    """

    sessions: int
    energy_wh: int
    optimum: float
    smoke: bool


SIZES: Final = (
    Size(54, energy_wh=2_069_353, optimum=145.1022, smoke=True),
    Size(200, energy_wh=8_076_412, optimum=602.8301, smoke=False),
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A kind of problem.

    Attributes:
        name: in the ids of the benchmarks.
        shows: which cost it is there to show.
        edge_guard_s: of the site.
        min_current_a: of every connector.
        worst_gap: how far the cost may lie above ``Size.optimum``, relative.
        worst_missing: share of the wanted energy that may be missing.
        sizes: what it is run with.
        phases: what is measured.
    """

    name: str
    shows: str
    edge_guard_s: int
    min_current_a: float
    worst_gap: float
    worst_missing: float
    sizes: tuple[Size, ...] = SIZES
    phases: tuple[Phase, ...] = PHASES


SPECS: Final = (
    Spec("free", "the plain flow: linear program and rounding", 0, 0.0, worst_gap=0.001, worst_missing=0.0),
    Spec("guard", "edges with a guard of 60 s", 60, 0.0, worst_gap=0.003, worst_missing=0.0),
    Spec("minimum", "0 or at least 6 A", 0, 6.0, worst_gap=0.003, worst_missing=1e-4),
    Spec("guard_minimum", "guard and minimum current together", 60, 6.0, worst_gap=0.006, worst_missing=1e-4),
)


@dataclass(frozen=True)
class Case:
    """A spec at a size; what the phases before the measured one give is made once and kept."""

    spec: Spec
    size: Size

    @cached_property
    def scenario(self) -> Scenario:
        return mixed_scenario(
            self.size.sessions,
            SLOTS,
            SEED,
            edge_guard_s=self.spec.edge_guard_s,
            min_current_a=self.spec.min_current_a,
        )

    @cached_property
    def plan(self) -> Plan:
        scenario = self.scenario
        return schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)

    @cached_property
    def stacks(self) -> tuple[ProfileStack, ...]:
        return self.plan.stacks()

    def __str__(self) -> str:
        return f"{self.spec.name}-{self.size.sessions}x{SLOTS}"


CASES: Final = tuple(Case(spec, size) for spec in SPECS for size in spec.sizes)
