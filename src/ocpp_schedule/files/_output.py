"""A plan as a folder of files: all of it, or nothing."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKER: Final = "ocpp-schedule-output.json"
"""The file by which an output folder of ours is known; it lists all files beside it."""
_NAME_PART: Final = 40
_LAYERS: Final[dict[tuple[object, object], str]] = {
    ("TxDefaultProfile", 0): "idle_floor",
    ("TxDefaultProfile", 1): "coming_sessions",
    ("TxProfile", 1): "session",
}


class WritablePlan(Protocol):
    """What is written of a plan."""

    def to_json(self) -> str:
        """Return the plan as JSON text."""

    def summary(self) -> str:
        """Return the plan as plain text."""


def write_output(folder: str | os.PathLike[str], plan: WritablePlan, messages: Sequence[Mapping[str, Any]]) -> Path:
    """Write one JSON file per OCPP message, ``plan.json`` and ``summary.txt``, and return the folder.

    Everything goes to a new folder beside the target, which takes its place at the end. An earlier output is
    replaced; a folder that holds anything else is left alone.

    Args:
        folder: the target; missing parents are made.
        plan: what ``schedule()`` returned.
        messages: what ``plan.to_ocpp()`` returned, in the order to send.

    Raises:
        InputError: the target is a file, holds files that are not ours, or cannot be written. Nothing is changed.
    """
    target = Path(folder).resolve()
    _refuse_foreign(target)
    contents = _contents(plan, messages)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = _new_folder(target)
        try:
            for name, content in contents.items():
                (fresh / name).write_text(content, encoding="utf-8", newline="\n")
            _put_in_place(fresh, target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    except OSError as error:
        raise _refused(target, f"cannot be written ({error.strerror or error}); choose another folder.") from error
    return target


def _contents(plan: WritablePlan, messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    width = max(3, len(str(len(messages))))
    contents = {
        f"{number:0{width}}_{_message_name(message)}.json": json.dumps(message, indent=2, ensure_ascii=False) + "\n"
        for number, message in enumerate(messages, start=1)
    }
    contents["plan.json"] = plan.to_json().rstrip("\n") + "\n"
    contents["summary.txt"] = plan.summary().rstrip("\n") + "\n"
    marker = {"format_version": 1, "written_by": "ocpp-schedule", "files": sorted([*contents, MARKER])}
    return contents | {MARKER: json.dumps(marker, indent=2) + "\n"}


def _message_name(message: Mapping[str, Any]) -> str:
    """Return a file name that says station, outlet and layer, from safe characters only.

    >>> _message_name({"station": "CP/1", "action": "SetChargingProfile", "payload": {
    ...     "evseId": 2, "chargingProfile": {"chargingProfilePurpose": "TxProfile", "stackLevel": 1}}})
    'CP-1_2_session'
    >>> _message_name({"station": "CP1", "action": "ClearChargingProfile", "payload": {"chargingProfileId": 102}})
    'CP1_102_ClearChargingProfile'
    """
    payload = message.get("payload", {})
    profile = payload.get("chargingProfile") or payload.get("csChargingProfiles") or {}
    removed = payload.get("chargingProfileId", payload.get("id", ""))
    outlet = payload.get("evseId", payload.get("connectorId", removed))
    place = profile.get("chargingProfilePurpose", message.get("action", "")), profile.get("stackLevel", "")
    layer = _LAYERS.get(place, "_".join(map(str, place)).strip("_"))
    parts = (message.get("station", ""), outlet, layer)
    return "_".join(re.sub(r"[^A-Za-z0-9_-]+", "-", str(part))[:_NAME_PART] for part in parts)


def _refuse_foreign(target: Path) -> None:
    """Refuse a target whose replacement would lose something that is not ours."""
    try:
        if Path.cwd().is_relative_to(target):
            raise _refused(target, "is the working folder or above it; name a folder of its own.")
        if not target.exists():
            return
        if not target.is_dir():
            raise _refused(target, "is no folder; name a new one, or move the file away.")
        present = {entry.name for entry in target.iterdir()}
        foreign = sorted(present - _ours(target))
    except OSError as error:
        raise _refused(target, f"cannot be read ({error.strerror or error}); choose another folder.") from error
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise _refused(target, f"holds {foreign[0]!r}{more}, not written by ocpp-schedule; choose another folder.")


def _ours(target: Path) -> set[str]:
    try:
        marker = json.loads((target / MARKER).read_text(encoding="utf-8"))
        return set(marker["files"]) if marker["written_by"] == "ocpp-schedule" else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _new_folder(target: Path) -> Path:
    """Make an empty hidden folder beside the target; unlike ``mkdtemp`` it has the usual permissions."""
    folder = _free_sibling(target, "new")
    folder.mkdir()
    return folder


def _free_sibling(target: Path, kind: str) -> Path:
    stem = f".{target.name[:200]}.{kind}-{os.getpid()}"
    return next(path for number in itertools.count() if not (path := target.parent / f"{stem}-{number}").exists())


def _put_in_place(fresh: Path, target: Path) -> None:
    """Swap the fresh folder in; the old one comes back if that fails."""
    if not target.exists():
        fresh.rename(target)
        return
    old = _free_sibling(target, "old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refused(target: Path, what: str) -> InputError:
    return InputError(str(target), [InputProblem("", what)])
