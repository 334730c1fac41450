"""What is to be done on one connector: which profiles are there, which are wanted, one message after the other.

Bookings (convention 25): a connector is booked with the highest that any of the profiles that may be there allows,
at least its idle floor; and with all that the outlet can give where no TxDefaultProfile is certain to hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from ocpp_schedule.delivery.timelines import EVER, SILENT, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocpp_schedule.delivery.held import Candidate
    from ocpp_schedule.profiles.model import Layer, ProfileStack

Ints = npt.NDArray[np.int64]
StepKind = Literal["set", "lower", "clear"]
RANK: Final = {"session": 0, "plan": 1}
"""Of two raises on one connector that of the running session goes first."""


@dataclass(slots=True, eq=False)
class Place:
    """One place in the stack of a connector.

    Attributes:
        candidates: what may be there.
        layer: what is wanted there; None: nothing.
        number: profile id.
        evse: where; 0: the whole station.
        ours: False: somebody else's, left alone.
        same: what is there is what is wanted.
        wanted: what is wanted over time; None where nothing is.
        held_load, wanted_load: (H, J) of what may be there now and of what is wanted [uA, mVA].
        held_certain, wanted_certain: a TxDefaultProfile that holds throughout.
        held_values, wanted_values: (3T + 1,) tenths.
    """

    candidates: tuple[Candidate, ...]
    layer: Layer | None
    number: int
    evse: int
    ours: bool
    same: bool = False
    wanted: Timeline | None = None
    held_load: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    wanted_load: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    held_certain: bool = False
    wanted_certain: bool = False
    held_values: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    wanted_values: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def series(self) -> list[Timeline]:
        """What the candidates allow."""
        return [one.series for one in self.candidates]

    @property
    def level(self) -> int:
        """Where it lies in the stack: what is cleared goes from the top."""
        levels = [one.profile.stack_level for one in self.candidates if one.profile is not None]
        return max(levels, default=0)


@dataclass(slots=True, eq=False)
class Step:
    """One message on a connector.

    Attributes:
        place: which place of the connector.
        kind: ``set`` what is wanted; ``lower``: what is wanted, no higher than what may be there; ``clear`` it.
        load: (H, J) of what it installs.
        certain: whether that is a TxDefaultProfile that holds throughout.
        content: of a ``lower``, what it installs.
        bottom: the profile without which the outlet is unbounded.
    """

    place: int
    kind: StepKind
    load: Ints
    certain: bool
    content: Timeline | None = None
    bottom: bool = False


@dataclass(slots=True, eq=False)
class Effect:
    """What a step does to the booking of its connector.

    Attributes:
        need: (H, J) how far it raises while it is not acknowledged.
        release: (H, J) how far it falls below that once it is.
        leans: it raises nothing only because of what raised before on the same connector.
    """

    need: Ints
    release: Ints
    leans: bool = False

    @property
    def raises(self) -> bool:
        """Whether it raises anything."""
        return bool(self.need.any())

    @property
    def frees(self) -> bool:
        """Whether its acknowledgment leaves room for others."""
        return bool(self.release.any())


class Chain:
    """The messages of one connector, and what is booked for it at each point.

    Attributes:
        stack: what is wanted.
        connector: index in ``Outlets``; -1: it draws on no row (profiles of the whole station).
        places: its places.
        steps: what is still to be done, in order.
        booked: (H, J) what it is booked with now.
        lowered: whether lowerings go first.
    """

    def __init__(self, stack: ProfileStack, connector: int, places: list[Place], idle: Ints, most: Ints) -> None:
        self.stack = stack
        self.connector = connector
        self.places = places
        self.steps: list[Step] = []
        self.lowered = False
        self._idle, self._most = idle, most
        self._load = [place.held_load for place in places]
        self._certain = [place.held_certain for place in places]
        self._lowest = list(self._load)
        self.booked = self._booking()
        self._effect: Effect | None = None

    def load_at(self, place: int) -> Ints:
        """Return (H, J) the highest that may be there now."""
        return self._load[place]

    @property
    def can_free(self) -> bool:
        """Whether something that lowers is still to be done."""
        return any(step.kind == "clear" or bool((step.load < self._load[step.place]).any()) for step in self.steps)

    @property
    def falls(self) -> Ints:
        """(H, J) how far what is still to be done lowers, all places together."""
        found = np.zeros_like(self.booked)
        for step in self.steps:
            found += np.maximum(self._load[step.place] - step.load, 0)
        return found

    def copy(self) -> Chain:
        """Return a chain that goes on by itself."""
        twin = object.__new__(Chain)
        twin.stack, twin.connector, twin.places = self.stack, self.connector, self.places
        twin.steps, twin.lowered = list(self.steps), self.lowered
        twin._idle, twin._most = self._idle, self._most
        twin._load, twin._certain = list(self._load), list(self._certain)
        twin._lowest = list(self._lowest)
        twin.booked, twin._effect = self.booked, self._effect
        return twin

    def _booking(self) -> Ints:
        if self.connector < 0:
            return self._idle
        if not any(self._certain):
            return self._most
        booked: Ints = np.maximum.reduce([self._idle, *self._load])
        return booked

    def _with(self, step: Step) -> tuple[Ints, Ints]:
        """Return what is booked once a step is sent, and once it is acknowledged."""
        load, certain = self._load[step.place], self._certain[step.place]
        self._load[step.place] = np.maximum(load, step.load)
        self._certain[step.place] = certain and step.certain
        sent = np.maximum(self._booking(), self.booked)
        self._load[step.place], self._certain[step.place] = step.load, step.certain
        done = self._booking()
        self._load[step.place], self._certain[step.place] = load, certain
        return sent, done

    @property
    def effect(self) -> Effect:
        """What the first step does."""
        if self._effect is None:
            step = self.steps[0]
            sent, done = self._with(step)
            leans = bool((step.load > np.maximum.reduce([self._idle, *self._lowest])).any())
            self._effect = Effect(sent - self.booked, sent - done, leans)
        return self._effect

    def advance(self) -> Step:
        """Take the first step as acknowledged, and return it."""
        step = self.steps.pop(0)
        self._load[step.place], self._certain[step.place] = step.load, step.certain
        self._lowest[step.place] = np.minimum(self._lowest[step.place], step.load)
        self.booked, self._effect = self._booking(), None
        return step

    def skip(self) -> Step:
        """Leave the first step out, and return it."""
        self._effect = None
        return self.steps.pop(0)

    def arrange(self) -> None:
        """Put the steps in order.

        First the TxDefaultProfile without which the outlet is unbounded, then what raises, so that a car goes on
        while one profile takes the place of another, then what lowers, at last what is removed, from the top down.
        """
        sets = [step for step in self.steps if step.kind != "clear"]
        if not any(self._certain):
            bottom = next((step for step in sets if step.certain), None)
            if bottom is not None:
                bottom.bottom = True
                sets = [bottom, *(step for step in sets if step is not bottom)]
        first, rest = (sets[:1], sets[1:]) if sets and sets[0].bottom else ([], sets)
        booked = self._after(first)
        raising = {id(step): bool((step.load > booked).any()) for step in rest}
        rest.sort(key=lambda step: (not raising[id(step)], RANK.get(self._name(step), len(RANK))))
        self.steps = [*first, *rest, *self._clears()]
        self._effect = None

    def _after(self, steps: Sequence[Step]) -> Ints:
        """Return what is booked once some steps are acknowledged."""
        twin = self.copy()
        twin.steps = list(steps)
        while twin.steps:
            twin.advance()
        return twin.booked

    def _name(self, step: Step) -> str:
        layer = self.places[step.place].layer
        return "" if layer is None else layer.name

    def _clears(self) -> list[Step]:
        found = [step for step in self.steps if step.kind == "clear"]
        return sorted(found, key=lambda step: -self.places[step.place].level)

    def splits(self) -> int:
        """Return how many messages more it takes to let lowerings go first."""
        return len(self.mixed())

    def _is_mixed(self, step: Step) -> bool:
        if step.kind != "set" or not self.places[step.place].candidates:
            return False
        return bool((step.load > self.booked).any() and (step.load < self._load[step.place]).any())

    def mixed(self) -> list[Step]:
        """Return the steps that raise and lower."""
        return [step for step in self.steps if self._is_mixed(step)]

    def raises_last(self) -> None:
        """Put what only raises last: there its turn may not come."""
        last = [step for step in self.steps if step.kind == "set" and not step.bottom and self._only_raises(step)]
        self.steps = [step for step in self.steps if step not in last] + last
        self._effect = None

    def _only_raises(self, step: Step) -> bool:
        return not (step.load < self._load[step.place]).any()

    def lower_first(self, lowered: dict[int, Step]) -> None:
        """Put what lowers before what raises; a message that does both is preceded by its lowering part.

        Args:
            lowered: by place, the lowering part.
        """
        sets = [step for step in self.steps if step.kind != "clear"]
        mixed = self.mixed()
        low = [step for step in sets if step not in mixed and not (step.load > self.booked).any()]
        raising = [step for step in sets if step not in low]
        self.steps = [*low, *(lowered[step.place] for step in mixed), *self._clears(), *raising]
        self.lowered = True
        self._effect = None


def covers(candidates: Sequence[Candidate], now_s: int) -> bool:
    """Tell whether a TxDefaultProfile is certain to hold from now on, whichever of the candidates is there."""
    if not any(one.state == "held" for one in candidates):
        return False
    return all(
        one.profile is not None and one.profile.purpose == "tx_default_profile" and holds(one.series, now_s)
        for one in candidates
    )


def holds(series: Timeline, now_s: int) -> bool:
    """Tell whether a series says something from now on, for ever."""
    begun = series.starts_s[0] == EVER or series.starts_s[0] <= now_s
    return series.exact and begun and SILENT not in series.tenths
