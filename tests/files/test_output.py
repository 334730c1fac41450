"""The output folder: whole or not there, and nothing of anybody else is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.files import MARKER, write_output

if TYPE_CHECKING:
    from collections.abc import Callable


class FakePlan:
    def __init__(self, text: str = "{}") -> None:
        self.text = text

    def to_json(self) -> str:
        return self.text

    def summary(self) -> str:
        return "Plan: 1 session\nStatus: complete"


def profile(purpose: str, level: int) -> dict[str, Any]:
    return {"chargingProfilePurpose": purpose, "stackLevel": level}


MESSAGES = [
    {
        "station": "CP1",
        "version": "1.6",
        "action": "SetChargingProfile",
        "payload": {"connectorId": 1, "csChargingProfiles": profile("TxDefaultProfile", 0)},
    },
    {
        "station": "../Ö/CP 2",
        "version": "2.1",
        "action": "SetChargingProfile",
        "payload": {"evseId": 2, "chargingProfile": profile("TxProfile", 1)},
    },
    {
        "station": "x" * 100,
        "version": "2.1",
        "action": "SetChargingProfile",
        "payload": {"evseId": 1, "chargingProfile": profile("TxDefaultProfile", 1)},
    },
    {"station": "CP3", "version": "2.1", "action": "ClearChargingProfile", "payload": {}},
]
NAMES = [
    "001_CP1_1_idle_floor.json",
    "002_-CP-2_2_session.json",
    f"003_{'x' * 40}_1_coming_sessions.json",
    "004_CP3__ClearChargingProfile.json",
]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_every_message_is_a_file_in_order_with_a_safe_name(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "new" / "plan", FakePlan(), MESSAGES)
    files = content(folder)
    assert sorted(files) == sorted([*NAMES, "plan.json", "summary.txt", MARKER])
    assert [json.loads(files[name]) for name in NAMES] == MESSAGES
    assert files["plan.json"] == "{}\n"
    assert files["summary.txt"] == "Plan: 1 session\nStatus: complete\n"
    assert json.loads(files[MARKER])["files"] == sorted(files)
    assert names_in(tmp_path / "new") == ["plan"]


def test_a_thousand_messages_still_sort_by_name(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "plan", FakePlan(), [MESSAGES[0]] * 1000)
    names = [name for name in names_in(folder) if name[0].isdigit()]
    assert names[0].startswith("0001_")
    assert names[-1].startswith("1000_")


def test_an_earlier_output_is_replaced_whole(tmp_path: Path) -> None:
    write_output(tmp_path / "plan", FakePlan(), MESSAGES)
    folder = write_output(tmp_path / "plan", FakePlan('{"second": 1}'), MESSAGES[:1])
    assert sorted(content(folder)) == sorted([NAMES[0], "plan.json", "summary.txt", MARKER])
    assert names_in(tmp_path) == ["plan"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    assert "plan.json" in content(write_output(tmp_path / "plan", FakePlan(), []))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert write_output(tmp_path / "link", FakePlan(), []) == tmp_path / "real"
    assert (tmp_path / "link" / "plan.json").exists()
    assert (tmp_path / "link").is_symlink()


def foreign_folder(target: Path) -> None:
    target.mkdir()
    (target / "thesis.doc").write_text("years of work", encoding="utf-8")


def foreign_file_in_ours(target: Path) -> None:
    write_output(target, FakePlan(), MESSAGES)
    (target / "notes.txt").write_text("mine", encoding="utf-8")


def forged_marker(target: Path) -> None:
    target.mkdir()
    (target / MARKER).write_text("[]", encoding="utf-8")


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        pytest.param(foreign_folder, "holds 'thesis.doc', not written by ocpp-schedule", id="foreign-folder"),
        pytest.param(foreign_file_in_ours, "holds 'notes.txt', not written", id="foreign-file-in-ours"),
        pytest.param(forged_marker, f"holds '{MARKER}', not written", id="no-marker-of-ours"),
        pytest.param(lambda target: target.write_text("x"), "is no folder; name a new one", id="a-file"),
        pytest.param(lambda target: os.chdir(target.parent), None, id="beside-the-working-folder"),
    ],
)
def test_what_is_not_ours_is_left_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Path], object],
    text: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "plan"
    prepare(target)
    before = content(target) if target.is_dir() else None
    if text is None:
        write_output(target, FakePlan(), MESSAGES)
        return
    with pytest.raises(InputError, match=text):
        write_output(target, FakePlan(), MESSAGES)
    assert (content(target) if target.is_dir() else None) == before
    assert names_in(tmp_path) == ["plan"]


@pytest.mark.parametrize("name", [".", ".."])
def test_the_working_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(InputError, match="is the working folder or above it"):
        write_output(name, FakePlan(), MESSAGES)


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("failing", ["002", MARKER, "rename"])
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        pytest.param(OSError(28, "No space left on device"), InputError, id="disk-full"),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="interrupted"),
    ],
)
def test_a_write_that_fails_leaves_nothing_half_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    earlier: bool,
    failing: str,
    fault: BaseException,
    seen: type[BaseException],
) -> None:
    target = tmp_path / "plan"
    before = content(write_output(target, FakePlan(), MESSAGES[:1])) if earlier else None
    write_text, rename = Path.write_text, Path.rename

    def failing_write(self: Path, *args: Any, **options: Any) -> int:
        if failing in self.name:
            write_text(self, "half")
            raise fault
        return write_text(self, *args, **options)

    def failing_rename(self: Path, to: Path) -> Path:
        if failing == "rename" and ".new-" in self.name:
            raise fault
        return rename(self, to)

    monkeypatch.setattr(Path, "write_text", failing_write)
    monkeypatch.setattr(Path, "rename", failing_rename)
    with pytest.raises(seen):
        write_output(target, FakePlan(), MESSAGES)
    assert names_in(tmp_path) == (["plan"] if earlier else [])
    if earlier:
        assert content(target) == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot be written \(File exists\); choose another folder"):
        write_output(tmp_path / "file" / "plan", FakePlan(), MESSAGES)
