"""What a field table is made of: for every neutral field its name on the wire and how its value is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.model.site import OcppVersion

Form = Literal["integer", "number", "text", "boolean", "time", "json", "choice", "record", "one", "list"]
"""``json`` is carried unchanged; ``choice`` a value of a table; ``record`` one nested record, ``one`` a tuple of
exactly one that stands on the wire without brackets, ``list`` a tuple of nested records."""


class Field(NamedTuple):
    """One field: its name on the wire, its form, whether the schema demands it."""

    wire: str
    form: Form
    required: bool = False


@dataclass(frozen=True, slots=True)
class FieldTables:
    """The literal tables of one version, for all that its profiles can say.

    Attributes:
        version: whose they are.
        profile, schedule, period, limit_at_soc: neutral name to field, in the order of the wire.
        choices: for each field of form ``choice``, neutral value to wire value.
    """

    version: OcppVersion
    profile: Mapping[str, Field]
    schedule: Mapping[str, Field]
    period: Mapping[str, Field]
    limit_at_soc: Mapping[str, Field]
    choices: Mapping[str, Mapping[str, str]]


UNITS: Final = {"A": "A", "W": "W"}
RECURRENCIES: Final = {"daily": "Daily", "weekly": "Weekly"}
"""Two tables that no version changed."""
