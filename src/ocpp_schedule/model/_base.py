"""What every input model has in common: frozen, no unknown field, no NaN, numbers that are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ocpp_schedule.timegrid import WholeSecond

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocpp_schedule.errors import InputProblem

REFERENCE_ERROR = "ocpp_schedule_references"
"""pydantic error type of our own checks across fields; loaders report those from the raw data instead."""

Id = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""1 to 100 printable characters."""
Amperes = Annotated[float, Field(strict=True, ge=0, le=100_000)]
"""Current [A]; above 100 kA is a unit error (the largest low-voltage breakers are rated 6.3 kA)."""
PerLineA = Amperes | tuple[Amperes, Amperes, Amperes]
"""One value for every line, or one each for L1, L2, L3 [A]."""
Watts = Annotated[float, Field(strict=True, ge=0, le=1_000_000_000)]
"""Power [W], or apparent power [VA]; above 1 GW is a unit error (a site behind one transformer has a few MVA)."""
PerPhasesA = Amperes | tuple[Amperes, Amperes, Amperes]
"""One value whatever the car uses, or one each for one, two and three phases [A per line]."""
WattHours = Annotated[float, Field(strict=True, ge=0, le=100_000_000)]
"""Energy [Wh]; above 100 MWh for one car is a unit error."""
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
"""Share of a battery [%]."""
Seconds = Annotated[int, Field(strict=True, ge=0, le=31_622_400)]
"""Whole seconds, at most a leap year."""


class Model(BaseModel):
    """Base of all inputs.

    Invariants: frozen; unknown fields, NaN and infinity are refused; numbers are not read from strings.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True, use_attribute_docstrings=False
    )


class RegularSeries(Model):
    """A run of equal intervals; subclasses hold the values, one per interval."""

    start: WholeSecond = Field(description="start of the first interval")
    step_s: int = Field(strict=True, ge=1, le=31_622_400, description="length of each interval [s]")


def raise_references(problems: Iterable[InputProblem]) -> None:
    """Raise one pydantic error with all ``problems``, if there are any."""
    texts = [str(problem) for problem in problems]
    if texts:
        raise PydanticCustomError(REFERENCE_ERROR, "{text}", {"text": "\n".join(texts)})
