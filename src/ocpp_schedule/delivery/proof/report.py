"""What a proof says: what holds, which stations it does not cover, why, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

VariantName = Literal[
    "as planned",
    "clocks off",
    "session profile lost",
    "plan layer lost",
    "between transactions",
    "after the end",
    "after a reboot",
    "clock at 1970",
    "link lost",
    "after a pause",
    "any of these",
]
"""What may happen to a charger.

as planned: nothing; clocks off: each clock within its bounds; session profile lost, plan layer lost: the profile is
gone, the lowest one stays; between transactions: the TxProfile has gone with its transaction, the next car begins;
after the end: nobody renews the plan; after a reboot: what does not persist is gone; clock at 1970: as after a reboot,
and the clock has not been set; link lost: as the station says it keeps profiles then; after a pause: of stations that
forget their limit at 0 A; any of these: every charger in the worst of all these states at each instant, whatever the
others do.
"""
SHOWN: Final = 10
"""Stations and breaches that a text names; the rest is counted."""


class Gap(NamedTuple):
    """Why a station is not guaranteed.

    Attributes:
        variant: what happens to it.
        why: what it may do then, or does wrong.
        mend: what would help.
    """

    variant: VariantName
    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.variant}: {self.why}; {self.mend}"


class Breach(NamedTuple):
    """A limit that is exceeded although every station does what its profiles say.

    Attributes:
        noun, subject: circuit or station, and its id.
        line: L1, L2, L3 or total.
        variant: ``as planned``, or ``clocks off``.
        at: first instant, UTC.
        seen, allowed: load and what the row allows [A, or VA for the total].
    """

    noun: str
    subject: str
    line: str
    variant: VariantName
    at: datetime
    seen: float
    allowed: float

    def __str__(self) -> str:
        unit = "VA" if self.line == "total" else "A"
        where = f"{self.noun} {self.subject!r} {self.line}"
        return f"{where}: {self.seen:g} of {self.allowed:g} {unit} at {self.at:%Y-%m-%dT%H:%M:%SZ} ({self.variant})"


class StationProof(NamedTuple):
    """One station.

    Attributes:
        station: its id.
        gaps: why it is not guaranteed; none: it is.
        assumptions: what that rests on.
    """

    station: str
    gaps: tuple[Gap, ...]
    assumptions: tuple[str, ...]


class VariantProof(NamedTuple):
    """One variant, all stations in it together.

    Attributes:
        name: which.
        holds: whether every row does.
        share: the largest part of a row's allowance in use; infinite where nothing is allowed and something is used.
    """

    name: VariantName
    holds: bool
    share: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proven of the messages of a plan.

    Attributes:
        stations: all of them, sorted by id.
        breaches: limits that are exceeded although all stations follow their profiles; at most one per row, line and
            variant.
        variants: what was evaluated, in order.
        assumptions: what the whole rests on, beside those of each station.
    """

    stations: tuple[StationProof, ...]
    breaches: tuple[Breach, ...]
    variants: tuple[VariantProof, ...]
    assumptions: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every limit holds in every variant, for any subset of silent chargers."""
        return not self.breaches and not self.not_guaranteed

    @property
    def not_guaranteed(self) -> tuple[StationProof, ...]:
        """The stations that the proof does not cover.

        With each of them doing what its profiles say, every limit holds for all others in any state, if there is no
        breach.
        """
        return tuple(station for station in self.stations if station.gaps)

    def __str__(self) -> str:
        """Return the result as text: what holds, who is not guaranteed and why, what it rests on."""
        count, named = len(self.stations), self.not_guaranteed
        verdict = "holds" if self.holds else "does not hold"
        lines = [f"Proof {verdict}: {count - len(named)} of {count} stations guaranteed."]
        for title, found in (("Breached", [str(one) for one in self.breaches]), ("Not guaranteed", _named(named))):
            lines += [f"{title}: {text}" for text in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"{title}: {len(found) - SHOWN} more.")
        shares = ", ".join(f"{one.name} {one.share:.0%}" for one in self.variants)
        lines.append(f"Most of a limit in use: {shares}.")
        rests = [*self.assumptions, *dict.fromkeys(text for station in self.stations for text in station.assumptions)]
        lines += [f"Assumed: {text}" for text in rests[:SHOWN]]
        if len(rests) > SHOWN:
            lines.append(f"Assumed: {len(rests) - SHOWN} more, by station.")
        return "\n".join(lines)


def _named(stations: tuple[StationProof, ...]) -> list[str]:
    return [f"station {one.station!r}, {gap}" for one in stations for gap in one.gaps]
