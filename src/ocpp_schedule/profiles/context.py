"""What a station has when a profile arrives, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.full import FullProfile, Installed
    from ocpp_schedule.profiles.station import Dialect

Status = Literal["Accepted", "Rejected", "CALLERROR"]
CONSTRAINT = "PropertyConstraintViolation"
LARGEST_INTEGER = 2**63 - 1


class Violation(NamedTuple):
    """A rule that a profile breaks.

    Attributes:
        requirement: its id in OCPP, or the section of the standard; None: good practice without an id.
        reason: reason code that a 2.x station gives; the OCPP-J error code where the status is CALLERROR.
        remedy: what to do.
        status: what a station answers.
    """

    requirement: str | None
    reason: str
    remedy: str
    status: Status = "Rejected"


@dataclass(frozen=True, slots=True)
class Context:
    """A station when a profile arrives.

    Attributes:
        version: OCPP version it speaks.
        dialect: whose reading.
        connector: where the profile is to go; 0: the whole station.
        transactions: running ones, EVSE to id (None: not known).
        installed: what it holds.
        values: capability values under their own names; what is absent forbids nothing.
        inside: the message that carries the profile, where it is not SetChargingProfile.
    """

    version: OcppVersion
    dialect: Dialect
    connector: int
    transactions: Mapping[int, int | str | None]
    installed: tuple[Installed, ...]
    values: Mapping[str, Any]
    inside: str | None

    @property
    def in_start(self) -> bool:
        """Whether the profile comes in a request to start a transaction."""
        return self.inside is not None and "StartTransaction" in self.inside

    def number(self, *names: str) -> int | None:
        """Return the first of these that is there as a whole number of at most 64 bits."""
        for name in names:
            value = self.values.get(name)
            if type(value) is int and abs(value) <= LARGEST_INTEGER:
                return value
        return None

    def lacks(self, *names: str) -> bool:
        """Tell whether one of these is said to be false."""
        return any(self.values.get(name) is False for name in names)

    def listed(self, *names: str) -> frozenset[str] | None:
        """Return the first of these that is there as a list, or as a text of values between commas."""
        for name in names:
            value = self.values.get(name)
            if type(value) is str:
                return frozenset(part.strip() for part in value.split(","))
            if isinstance(value, list | tuple | set | frozenset):
                return frozenset(part for part in value if type(part) is str)
        return None

    def others(self, profile: FullProfile) -> list[Installed]:
        """Return what stays beside the profile: all that it does not replace."""
        gone = set(replaced(profile, self))
        return [one for index, one in enumerate(self.installed) if index not in gone]


def replaced(profile: FullProfile, context: Context) -> tuple[int, ...]:
    """Return which of the installed profiles a new one replaces, by index.

    2.x: the same id, wherever it is installed (K01.FR.05). 1.6: also the same purpose and level on the same
    connector (1.6 3.13.2, 5.16.4).
    """
    return tuple(
        index
        for index, (evse, old) in enumerate(context.installed)
        if old.id == profile.id
        or (
            context.version == "1.6"
            and evse == context.connector
            and (old.purpose, old.stack_level) == (profile.purpose, profile.stack_level)
        )
    )


def overlapping(one: FullProfile, other: FullProfile) -> bool:
    """Tell whether there is an instant at which both are valid."""
    starts = [profile.valid_from.utc_s for profile in (one, other) if profile.valid_from is not None]
    ends = [profile.valid_to.utc_s for profile in (one, other) if profile.valid_to is not None]
    return not starts or not ends or max(starts) < min(ends)
