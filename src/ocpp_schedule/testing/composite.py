"""What a station does with the messages it got: slow, plain, without a line of the code that made them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PURPOSES: Final = ("TxProfile", "TxDefaultProfile")
"""In the order in which they count: a TxProfile overrules the default for its transaction (OCPP 1.6, 3.13.1)."""
UNDERSTOOD: Final = {
    "id",
    "chargingProfileId",
    "transactionId",
    "stackLevel",
    "chargingProfilePurpose",
    "chargingProfileKind",
    "chargingSchedule",
}


def limit_at(
    messages: Iterable[Mapping[str, Any]],
    *,
    station: str,
    evse_id: int,
    at: datetime,
    transaction_id: int | str | None = None,
) -> tuple[float, str, int | None] | None:
    """Return what holds on one EVSE at one instant.

    The highest stack level of the TxProfiles of the transaction that has a period at ``at``, else of the
    TxDefaultProfiles. Messages count as received in order: the same profile id, or the same purpose and level on
    the same EVSE, replaces what came before.

    Args:
        messages: SetChargingProfile messages as ``to_ocpp`` makes them, in any of the three versions.
        station: id of the station.
        evse_id: the EVSE (2.x) or connector (1.6).
        at: an aware instant.
        transaction_id: of the running transaction; None: none that a TxProfile names.

    Returns:
        Limit, unit and number of phases (None where absent); None where no profile says anything.

    Raises:
        InputError: a message is beyond this evaluator: another action, purpose, kind, or an unknown field.
    """
    installed: dict[tuple[int, str, int], dict[str, Any]] = {}
    for message in messages:
        if message["station"] != station:
            continue
        evse, profile = _profile(message)
        place = (evse, profile["chargingProfilePurpose"], profile["stackLevel"])
        installed = {key: old for key, old in installed.items() if _id(old) != _id(profile)}
        installed[place] = profile
    for purpose in PURPOSES:
        levels = sorted((key for key in installed if key[0] == evse_id and key[1] == purpose), reverse=True)
        for key in levels:
            profile = installed[key]
            if purpose == "TxProfile" and (transaction_id is None or profile.get("transactionId") != transaction_id):
                continue
            found = _period_at(profile, at)
            if found is not None:
                return found
    return None


def _profile(message: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return EVSE and profile of a message; refuse what this evaluator does not judge."""
    if message["action"] != "SetChargingProfile":
        raise _beyond(f"action {message['action']!r}")
    payload = message["payload"]
    in_16 = message["version"] == "1.6"
    profile = payload["csChargingProfiles" if in_16 else "chargingProfile"]
    unknown = sorted(set(profile) - UNDERSTOOD)
    if unknown:
        raise _beyond(f"field {unknown[0]!r}")
    if profile["chargingProfilePurpose"] not in PURPOSES:
        raise _beyond(f"purpose {profile['chargingProfilePurpose']!r}")
    if profile["chargingProfileKind"] != "Absolute":
        raise _beyond(f"kind {profile['chargingProfileKind']!r}")
    return payload["connectorId" if in_16 else "evseId"], profile


def _beyond(what: str) -> InputError:
    return InputError("composite", [InputProblem("message", f"{what} is not evaluated here.")])


def _id(profile: Mapping[str, Any]) -> int:
    number: int = profile["id"] if "id" in profile else profile["chargingProfileId"]
    return number


def _period_at(profile: Mapping[str, Any], at: datetime) -> tuple[float, str, int | None] | None:
    """Return the last period that has started, if any, and if the schedule is not over."""
    schedule = profile["chargingSchedule"]
    if isinstance(schedule, list):
        (schedule,) = schedule
    offset_s = (at - datetime.fromisoformat(schedule["startSchedule"])).total_seconds()
    if "duration" in schedule and offset_s >= schedule["duration"]:
        return None
    started = [period for period in schedule["chargingSchedulePeriod"] if period["startPeriod"] <= offset_s]
    if not started:
        return None
    last = max(started, key=lambda period: period["startPeriod"])
    return last["limit"], schedule["chargingRateUnit"], last.get("numberPhases")
