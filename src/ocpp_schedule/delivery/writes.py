"""How often a station may be written to: a budget per day and a shortest time between two messages (flash wear)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ocpp_schedule.model.capabilities import Capabilities
    from ocpp_schedule.model.site import Station

Reason = Literal["dead_band", "writes", "interval", "room"]


class Refusal(NamedTuple):
    """Why a raise waits.

    Attributes:
        reason: a fixed word.
        text: what stands in the way.
        until: from when on it may be tried again; None: that is not known.
    """

    reason: Reason
    text: str
    until: datetime | None = None


class Writes:
    """What stations have been sent, and what they may still be sent.

    Attributes:
        now: the instant of the diff.
        sent: messages by station, in this diff.
    """

    def __init__(
        self,
        stations: Mapping[str, Station],
        now: datetime,
        used: Mapping[str, int],
        last: Mapping[str, datetime],
    ) -> None:
        problems = [*_used_problems(used, stations), *_last_problems(last, stations)]
        if problems:
            raise InputError("diff", problems)
        self.now = now
        self.sent: Counter[str] = Counter()
        self._stations = stations
        self._used, self._last = used, last

    def is_bounded(self, station: str) -> bool:
        """Tell whether a station takes only so many messages."""
        known = self._capabilities(station)
        return known.writes_per_day is not None or known.min_update_interval_s is not None

    def _capabilities(self, station: str) -> Capabilities:
        return self._stations[station].capabilities

    def note(self, station: str) -> None:
        """Count a message that is sent."""
        self.sent[station] += 1

    def refusal(self, station: str) -> Refusal | None:
        """Return why a station may not be sent one more message that raises; None: it may."""
        known = self._capabilities(station)
        spent = self._used.get(station, 0) + self.sent[station]
        if known.writes_per_day is not None and spent >= known.writes_per_day:
            return Refusal("writes", f"{spent} of {known.writes_per_day} messages of the day are spent")
        pause = known.min_update_interval_s
        if pause:
            last = self.now if self.sent[station] else self._last.get(station)
            if last is not None and last + timedelta(seconds=pause) > self.now:
                until = last + timedelta(seconds=pause)
                return Refusal("interval", f"takes one message in {pause} s", until)
        return None

    def beyond(self) -> dict[str, int]:
        """Return by station how many messages, all of them lowerings, go beyond the budget of the day."""
        found = {}
        for station, count in sorted(self.sent.items()):
            most = self._capabilities(station).writes_per_day
            over = 0 if most is None else self._used.get(station, 0) + count - most
            if over > 0:
                found[station] = min(over, count)
        return found


def _used_problems(used: Mapping[str, int], stations: Mapping[str, Station]) -> Iterator[InputProblem]:
    for name, count in used.items():
        where = f"writes_used[{name!r}]"
        if name not in stations:
            yield InputProblem(where, "the site has no such station.")
        elif type(count) is not int or count < 0:
            yield InputProblem(where, f"{count!r} is no number of messages; give a whole number from 0.")


def _last_problems(last: Mapping[str, datetime], stations: Mapping[str, Station]) -> Iterator[InputProblem]:
    for name, at in last.items():
        where = f"last_write[{name!r}]"
        if name not in stations:
            yield InputProblem(where, "the site has no such station.")
        elif not isinstance(at, datetime) or at.tzinfo is None:
            yield InputProblem(where, f"{at!r} is no aware datetime; give one.")
