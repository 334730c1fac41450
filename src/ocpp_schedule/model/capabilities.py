"""What a charging station really accepts, and how well that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._base import Model, Seconds, raise_references
from ocpp_schedule.model._raw import items, quoted, read
from ocpp_schedule.model.carriers import LimitCarrier, carrier_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RateUnit = Literal["A", "W"]
Evidence = Literal["assumed", "advertised", "verified", "denied"]
"""From weak to strong: nobody said so; the station says so; it was seen to hold; it was seen not to hold."""
ProfilePurpose = Literal["charging_station_max_profile", "tx_default_profile", "tx_profile"]
ProfileKind = Literal["absolute", "recurring", "relative", "dynamic"]
StackLevel = Annotated[int, Field(strict=True, ge=0, le=1_000)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]

STRENGTH: Final[dict[str, int]] = {"assumed": 0, "advertised": 1, "verified": 2, "denied": 2}


class Capabilities(Model):
    """What a station accepts. None: not known, and nothing is checked beyond what the OCPP version says.

    ``evidence`` tells for each field named in it how it is known; a field that is not named is as the user gave it.
    docs/chargers.md says what each field is for.

    >>> Capabilities(rate_units=("W",), max_periods=24).rate_units
    ('W',)
    >>> known = Capabilities(stack_levels=(0,), evidence={"stack_levels": "verified"})
    >>> known.with_values({"max_periods": 6}, "advertised").evidence
    {'stack_levels': 'verified', 'max_periods': 'advertised'}
    """

    rate_units: tuple[RateUnit, ...] = Field(default=("A",), min_length=1, max_length=2)
    max_periods: Count | None = Field(
        default=None, description="ChargingScheduleMaxPeriods (1.6), PeriodsPerSchedule (2.x)"
    )
    stack_levels: tuple[StackLevel, ...] | None = Field(
        default=None, min_length=1, max_length=100, description="levels it takes; None: 0 and 1"
    )
    max_profiles: Count | None = Field(default=None, description="most profiles installed on the station")
    max_message_bytes: Annotated[int, Field(strict=True, ge=200, le=10_000_000)] | None = Field(
        default=None, description="longest message it reads"
    )
    purposes: tuple[ProfilePurpose, ...] = Field(
        default=("charging_station_max_profile", "tx_default_profile", "tx_profile"), min_length=1, max_length=3
    )
    kinds: tuple[ProfileKind, ...] = Field(default=("absolute",), min_length=1, max_length=4)
    limit_step_a: float = Field(default=0.1, strict=True, ge=0.1, le=100, description="finest limit it takes [A]")
    number_phases: Literal["exact", "omit"] = Field(default="exact", description="how numberPhases is written")
    phase_switching: Literal["none", "number_phases", "by_power"] = "none"
    pause: Literal["zero_limit", "min_current", "stop_transaction"] = Field(
        default="zero_limit", description="how charging pauses; min_current: it is never told 0"
    )
    resume: Literal["profile", "remote_start", "none"] = Field(
        default="profile", description="what makes it charge again after a pause"
    )
    composite: Literal["both", "a_only", "w_only", "none"] = Field(
        default="both", description="units in which GetCompositeSchedule answers usefully"
    )
    keeps_over_reboot: Literal["all", "last", "none"] = "all"
    keeps_over_reconnect: Literal["all", "none"] = "all"
    resend_after_resume: bool = Field(default=False, strict=True, description="forgets its limit at 0 A")
    clock_skew_s: Seconds | None = Field(default=None, description="how far its clock may be off")
    settle_s: Seconds | None = Field(default=None, description="how long a new limit takes to act")
    min_update_interval_s: Seconds | None = None
    writes_per_day: Count | None = Field(default=None, description="profiles it may be sent in a day (flash wear)")
    limit_carrier: LimitCarrier | None = Field(default=None, description="key that bounds the current beside profiles")
    evidence: dict[str, Evidence] = Field(default={}, max_length=50)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in capability_texts(self))
        return self

    def with_values(self, values: Mapping[str, Any], evidence: Evidence | None = None) -> Self:
        """Return the capabilities with some fields replaced, each known by ``evidence``; None: as the user gave it.

        A weaker evidence does not replace a stronger one; what the user gave replaces everything.

        Raises:
            ValidationError: an unknown field, or a value that cannot be.
        """
        data = self.model_dump()
        noted = dict(self.evidence)
        for name, value in values.items():
            if evidence is None:
                noted.pop(name, None)
            elif name in noted and STRENGTH[noted[name]] > STRENGTH[evidence]:
                continue
            else:
                noted[name] = evidence
            data[name] = value
        return type(self).model_validate(data | {"evidence": noted})


def capability_texts(capabilities: object) -> Iterator[str]:
    """Yield what is inconsistent within the capabilities of one station, a model or raw data."""
    evidence = read(capabilities, "evidence")
    named = sorted(map(str, evidence)) if isinstance(evidence, dict) else []
    unknown = [name for name in named if name not in Capabilities.model_fields or name == "evidence"]
    if unknown:
        listed = ", ".join(quoted(name) for name in unknown)
        yield f"evidence names {listed}, which is no capability; name fields such as 'max_periods'."
    for name in ("rate_units", "stack_levels", "purposes", "kinds"):
        values = [value for value in items(capabilities, name) if isinstance(value, str | int)]
        if len(set(values)) < len(values):
            yield f"{name}={values} names a value twice; name each once."
    carrier = read(capabilities, "limit_carrier")
    if carrier is not None:
        yield from carrier_texts(carrier)
        units, unit = items(capabilities, "rate_units") or ["A"], read(carrier, "unit") or "A"
        if unit != ("A" if "A" in units else "W"):
            yield f"limit_carrier in {quoted(unit)}, plans in {'A' if 'A' in units else 'W'}; name rate_units to match."
