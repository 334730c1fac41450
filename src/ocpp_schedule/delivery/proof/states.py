"""The states that a charger may be in: which of its profiles are left, and how well its clock is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocpp_schedule.delivery.proof.received import Received
    from ocpp_schedule.delivery.proof.report import VariantName

Kept = frozenset[int]
"""Profiles of a station that are left, by their place in ``Received.profiles``."""
NOTHING: Final[Kept] = frozenset()


class State(NamedTuple):
    """What a connector may be left with.

    Attributes:
        kept: which profiles.
        in_1970: the clock has not been set.
        ceilings: whether the limits outside profiles are left.
    """

    kept: Kept
    in_1970: bool = False
    ceilings: bool = True


class Parts(NamedTuple):
    """The profiles that matter for one EVSE, by what they are there for.

    Attributes:
        every: all of them.
        session: TxProfiles.
        plans: TxDefaultProfiles above the lowest one.
    """

    every: Kept
    session: Kept
    plans: Kept


def parts_of(held: Received, evse: int) -> Parts:
    """Return what matters for an EVSE; the lowest default profile is the floor, whatever it holds."""
    found: dict[str, list[int]] = {}
    for at, one in enumerate(held.profiles):
        if one.evse in {0, evse}:
            found.setdefault(one.profile.purpose, []).append(at)
    defaults = found.get("tx_default_profile", [])
    defaults.sort(key=lambda at: (held.profiles[at].profile.stack_level, held.profiles[at].evse))
    session = frozenset(found.get("tx_profile", ()))
    return Parts(frozenset(at for own in found.values() for at in own), session, frozenset(defaults[1:]))


def states_of(held: Received, evse: int) -> dict[VariantName, tuple[State, ...]]:
    """Return the states of one EVSE by what happens; in each variant it may be in any of those named there.

    A TxProfile ends with its transaction, which nobody may hear of, so that wherever one is left it may also be gone.
    """
    every, session, plans = parts_of(held, evse)
    between = State(every - session)
    rebooted = tuple(_rebooted(held, every, session))
    found: dict[VariantName, tuple[State, ...]] = {
        "session profile lost": (between,),
        "plan layer lost": (State(every - plans), State(every - plans - session)),
        "between transactions": (between,),
        "after a reboot": rebooted,
        "clock at 1970": tuple(state._replace(in_1970=True) for state in rebooted),
    }
    known = held.station.capabilities
    if known.keeps_over_reconnect == "none":
        found["link lost"] = (State(NOTHING),)
    if known.resend_after_resume and _pauses(held, every):
        found["after a pause"] = (State(NOTHING),)
    return found


def _rebooted(held: Received, every: Kept, session: Kept) -> Iterator[State]:
    """Yield what may be left after a reboot (1.6 errata 3.37, K01.FR.27; 2.1 keeps TxProfiles only if it says so)."""
    known = held.station.capabilities
    carrier = known.limit_carrier
    ceilings = carrier is None or carrier.keeps_over_reboot
    if known.keeps_over_reboot == "all":
        yield State(every, ceilings=ceilings)
        yield State(every - session, ceilings=ceilings)
        return
    if known.keeps_over_reboot == "last":  # nobody knows which one came last
        for one in sorted(every):
            yield State(frozenset({one}), ceilings=ceilings)
            if one in session:
                yield State(NOTHING, ceilings=ceilings)
    if known.keeps_over_reboot == "none" or len(every) < len(held.profiles) or not every:
        yield State(NOTHING, ceilings=ceilings)


def _pauses(held: Received, every: Kept) -> bool:
    """Tell whether a limit of 0 comes up, after which the station might forget what it was told."""
    return any(not period.limit for at in every for period in held.profiles[at].profile.schedules[0].periods)
