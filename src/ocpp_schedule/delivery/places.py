"""From what a connector is to hold and what it may hold to its places, each with what is to be done (convention 25)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocpp_schedule.delivery.chains import Place, covers, holds
from ocpp_schedule.delivery.held import Candidate
from ocpp_schedule.delivery.timelines import EVER, NO_LIMIT, SILENT, Timeline, planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.delivery.held import HeldReader
    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.full import FullProfile
    from ocpp_schedule.profiles.model import ChargingProfile, ProfileStack

OF_CAR: Final = frozenset({"tx_default_profile", "tx_profile", "priority_charging"})
"""Purposes that let an outlet give something; of all others only ``local_generation`` does."""
THREE: Final = 3


def places_of(
    stack: ProfileStack,
    candidates: Iterable[Candidate],
    station: Sequence[Place],
    *,
    ours: frozenset[int],
    version: str,
    reader: HeldReader,
) -> list[Place]:
    """Return the places of one connector, from the bottom: what is wanted, what is to go, what is somebody else's.

    Args:
        stack: what is wanted.
        candidates: what its station may hold, for this connector or for all.
        station: places of the station as a whole, where it has some.
        ours: ids that we give on this station.
        version: OCPP version that is spoken with it.
        reader: takes what is odd.
    """
    left = [one for one in candidates if one.evse in {None, 0, stack.evse_id}]
    claimed = {id(one) for place in station for one in place.candidates}
    left = [one for one in left if id(one) not in claimed]
    made = []
    for layer in stack.layers:
        profile = layer.profile
        here = [one for one in left if one.number == profile.id]
        same_place = [one for one in left if one.number != profile.id and _is_place(one, stack.evse_id, profile)]
        number = profile.id
        if same_place and (version == "1.6" or not here):
            here += same_place
            number = next((one.number for one in same_place if one.number is not None), number)
            number = profile.id if version == "1.6" else number
        left = [one for one in left if one not in here]
        wanted = planned(profile)
        same = len(here) == 1 and here[0].state == "held" and here[0].evse == stack.evse_id
        same = same and _same(here[0], profile, number, wanted, reader.now_s, version)
        made.append(Place(tuple(here), layer, number, stack.evse_id, ours=True, same=same, wanted=wanted))
    return made + _others(left, stack, ours, reader) + _shared(station)


def _shared(station: Sequence[Place]) -> list[Place]:
    """Return what a connector shares with the others of its station: it counts, and is seen to once for all."""
    made = []
    for place in station:
        if place.layer is None or place.wanted is None or place.layer.profile.purpose != "tx_default_profile":
            continue
        wanted = Candidate(0, place.number, "sent", None, place.wanted)
        shared = Place((*place.candidates, wanted), None, place.number, 0, ours=False)
        shared.held_certain = place.held_certain
        made.append(shared)
    return made


def _others(left: list[Candidate], stack: ProfileStack, ours: frozenset[int], reader: HeldReader) -> list[Place]:
    """Return the places of what is not wanted."""
    made: dict[tuple[int | None, int | None], Place] = {}
    for index, one in enumerate(left):
        mine = one.number in ours and one.evse == stack.evse_id
        key = (one.evse, one.number) if mine else (None, -1 - index)
        if key in made:
            made[key].candidates += (one,)
            continue
        made[key] = Place((one,), None, one.number or 0, one.evse or 0, ours=mine)
        if not mine and one.profile is not None and not _only_caps(one.profile):
            where = f"profile {one.number} on connector {stack.connector!r}"
            reader.note(stack.station, where, "is none of ours; it is left alone and counts with all it allows")
    return [place for place in made.values() if any(_counts(one) for one in place.candidates) or place.ours]


def _only_caps(profile: FullProfile) -> bool:
    return profile.purpose not in OF_CAR and profile.purpose != "local_generation"


def _counts(one: Candidate) -> bool:
    """Tell whether it can let an outlet give anything."""
    return one.profile is None or not _only_caps(one.profile)


def _is_place(one: Candidate, evse: int, profile: ChargingProfile) -> bool:
    held = one.profile
    return (
        held is not None
        and one.evse == evse
        and (held.purpose, held.stack_level) == (profile.purpose, profile.stack_level)
    )


def _same(one: Candidate, profile: ChargingProfile, number: int, wanted: Timeline, now_s: int, version: str) -> bool:
    """Tell whether what is held does from now on what is wanted (series, not wording, are compared)."""
    held, series = one.profile, one.series
    if held is None or not (series.exact and wanted.exact) or series.unit != wanted.unit or held.id != number:
        return False
    meaning = (held.purpose, held.stack_level, held.transaction_id)
    if meaning != (profile.purpose, profile.stack_level, profile.transaction_id):
        return False
    if not _begun_alike(series, wanted, now_s):
        return False
    default = None if version == "1.6" else THREE  # a 2.x station writes 3 where none are stated (K01.FR.49)
    return [_stated(part, default) for part in series.after(now_s)] == [
        _stated(part, default) for part in wanted.after(now_s)
    ]


def _begun_alike(one: Timeline, other: Timeline, now_s: int) -> bool:
    first, second = (max(series.starts_s[0], now_s) for series in (one, other))
    return first == second and (one.starts_s[0] == EVER) == (other.starts_s[0] == EVER)


def _stated(part: tuple[int, int, int | None], default: int | None) -> tuple[int, int, int | None]:
    start, tenths, phases = part
    return start, tenths, default if phases is None and tenths > 0 else phases


def needless(place: Place, bottom: Place | None, now_s: int) -> bool:
    """Tell whether what is not wanted does just what lies below it, so that it may stay."""
    if bottom is None or bottom.wanted is None or len(place.candidates) != 1:
        return False
    (one,) = place.candidates
    constant = bottom.wanted.tenths[-1:] == bottom.wanted.tenths and one.state == "held"
    is_default = one.profile is not None and one.profile.purpose == "tx_default_profile"
    alike = [tenths for _, tenths, _ in one.series.after(now_s)] == list(bottom.wanted.tenths)
    return constant and is_default and holds(one.series, now_s) and alike


def counted(series: Timeline, purpose: str | None, unit: RateUnit) -> Timeline:
    """Return what counts in bookings: caps only lower, so they count nothing; what cannot be known counts with all.

    Args:
        series: of a profile.
        purpose: of it; None: unreadable.
        unit: that the station takes; a limit in the other one counts with all that the outlet can give.
    """
    if purpose is not None and purpose not in OF_CAR and purpose != "local_generation":
        return Timeline(unit, (EVER,), (SILENT,), (None,), exact=False)
    if series.unit == unit and purpose != "local_generation":
        return series
    limits = tuple(value if value <= 0 else NO_LIMIT for value in series.tenths)
    return series._replace(unit=unit, tenths=limits)


def judge_certainty(places: Sequence[Place], now_s: int) -> None:
    """Note of each place whether its TxDefaultProfiles are certain to hold, now and when all is done."""
    for place in places:
        if place.ours:
            place.held_certain = covers(place.candidates, now_s)
        if place.layer is not None and place.wanted is not None:
            is_default = place.layer.profile.purpose == "tx_default_profile"
            place.wanted_certain = is_default and holds(place.wanted, now_s)


def small_raise(place: Place, below: float, now_s: int) -> bool:
    """Tell whether all that a message would do is to raise limits, each by less than ``below`` [0.1 A or 0.1 W]."""
    if place.wanted is None or place.layer is None or len(place.candidates) != 1:
        return False
    (one,) = place.candidates
    held, profile = one.profile, place.layer.profile
    exact = one.series.exact and place.wanted.exact
    if held is None or one.state != "held" or not exact or one.series.unit != place.wanted.unit:
        return False
    if held.transaction_id != profile.transaction_id or held.purpose != profile.purpose:
        return False
    instants = {now_s, *(at for series in (one.series, place.wanted) for at in series.starts_s if at > now_s)}
    for at in instants:
        old, new = one.series.at(at), place.wanted.at(at)
        if SILENT in {old, new} or not 0 <= new - old < below:
            return False
        if old > 0 and one.series.phases_at(at) != place.wanted.phases_at(at):
            return False
    return True
