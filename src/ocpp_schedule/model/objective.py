"""What to optimise for, once safety and wishes are served: a sequence of stages (convention 16)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._base import Model, raise_references

StageChoice = Literal[
    "must_have",
    "contract",
    "fair",
    "wanted",
    "energy",
    "quick",
    "peak",
    "flat",
    "cost",
    "profit",
    "co2",
    "finish",
    "starts",
]
"""Kinds of stages (convention 16); less is better in each."""
PresetName = Literal["cheapest", "fastest", "greenest", "profit", "flattest", "fairest", "steady"]

MAX_STAGES: Final = 20
STEADY_SHARE: Final = 1e-3
"""Share of the cost that ``steady`` leaves to few starts: a block is not torn for a tenth of a cent per euro."""
PRESETS: Final[dict[PresetName, tuple[StageChoice, ...]]] = {
    "cheapest": ("must_have", "wanted", "cost"),
    "fastest": ("must_have", "wanted", "quick", "cost"),
    "greenest": ("must_have", "wanted", "co2", "cost"),
    "profit": ("must_have", "profit", "wanted"),
    "flattest": ("must_have", "wanted", "peak", "flat", "cost"),
    "fairest": ("must_have", "fair", "wanted", "cost"),
    "steady": ("must_have", "wanted", "cost", "starts"),
}
"""The stages of each preset, in order; where a limit is soft, ``contract`` comes after ``must_have``."""


class ObjectiveStage(Model):
    """One stage of an objective, and what it may leave to later ones.

    ``allow_abs`` is in the unit of the stage: Wh (``must_have``, ``wanted``, ``energy``, ``contract``, ``flat``), Wh
    times hours (``quick``, ``finish``), currency (``cost``, ``profit``), g (``co2``), W (``peak``), a share of the wish
    (``fair``), a number (``starts``). The two budgets add up.

    >>> ObjectiveStage(kind="cost", allow_rel=0.001).allow_abs
    0.0
    """

    kind: StageChoice
    allow_abs: Annotated[float, Field(strict=True, ge=0, le=1e9)] = Field(
        default=0.0, description="what later stages may worsen it by"
    )
    allow_rel: Annotated[float, Field(strict=True, ge=0, le=1)] = Field(
        default=0.0, description="the same, as a share of its value"
    )


class Objective(Model):
    """The stages in their order: a preset by its name, or stages of one's own.

    A stage counts only among plans that are as good in the stages before, less what those allow.

    >>> [stage.kind for stage in Objective.greenest().sequence]
    ['must_have', 'wanted', 'co2', 'cost']
    >>> Objective.of("energy").name
    'own'
    """

    name: PresetName | Literal["own"] = "cheapest"
    stages: tuple[ObjectiveStage, ...] | None = Field(default=None, min_length=1, max_length=MAX_STAGES)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in self._texts())
        return self

    def _texts(self) -> list[str]:
        if (self.name == "own") != (self.stages is not None):
            if self.stages is None:
                return ["name 'own' has no stages; list them, or name a preset."]
            return [f"stages are given beside the preset {self.name!r}; call it 'own', or leave the stages out."]
        kinds = [stage.kind for stage in self.stages or ()]
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        return [f"stage {kind!r} stands there twice; a stage that is reached stays so." for kind in twice]

    @property
    def sequence(self) -> tuple[ObjectiveStage, ...]:
        """The stages in their order."""
        if self.name == "own":
            return self.stages or ()
        left = STEADY_SHARE if self.name == "steady" else 0.0
        return tuple(
            ObjectiveStage(kind=kind, allow_rel=left if kind == "cost" else 0.0) for kind in PRESETS[self.name]
        )

    def stages_with(self, *, soft: bool) -> tuple[ObjectiveStage, ...]:
        """Return the stages in their order, where some limit is ``soft`` with that of a preset's contract.

        >>> [stage.kind for stage in Objective.cheapest().stages_with(soft=True)]
        ['must_have', 'contract', 'wanted', 'cost']
        """
        if self.name == "own" or not soft:
            return self.sequence
        first, *others = self.sequence
        return (first, ObjectiveStage(kind="contract"), *others)

    @classmethod
    def of(cls, *stages: StageChoice | ObjectiveStage) -> Self:
        """Return an objective of one's own, from kinds or from stages with budgets."""
        given = tuple(stage if isinstance(stage, ObjectiveStage) else ObjectiveStage(kind=stage) for stage in stages)
        return cls(name="own", stages=given)

    @classmethod
    def cheapest(cls) -> Self:
        """Return must-have, wanted energy, cost: every wish at the lowest energy cost."""
        return cls(name="cheapest")

    @classmethod
    def fastest(cls) -> Self:
        """Return must-have, wanted energy, quick, cost: every wish, and as early as possible."""
        return cls(name="fastest")

    @classmethod
    def greenest(cls) -> Self:
        """Return must-have, wanted energy, CO2, cost: every wish with the least emissions (needs ``Tariff.co2``)."""
        return cls(name="greenest")

    @classmethod
    def profit(cls) -> Self:
        """Return must-have, profit, wanted: beyond must-haves only energy that is worth its price."""
        return cls(name="profit")

    @classmethod
    def flattest(cls) -> Self:
        """Return must-have, wanted, peak, flat, cost: every wish, the highest load low, and the others even."""
        return cls(name="flattest")

    @classmethod
    def fairest(cls) -> Self:
        """Return must-have, fair, wanted, cost: nobody misses a larger share of the wish than need be."""
        return cls(name="fairest")

    @classmethod
    def steady(cls) -> Self:
        """Return must-have, wanted, cost, starts: cheap, and in few blocks, for which up to 0.1 % may be paid."""
        return cls(name="steady")
