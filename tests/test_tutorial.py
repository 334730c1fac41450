"""The tutorial does what it says: its Python, its messages, its files and its command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.pages import ROOT, Block, blocks, run

from ocpp_schedule.cli import main

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tutorial.md"


def run_all() -> tuple[dict[str, Any], list[tuple[Block, str, str]]]:
    """Return the names after the last block, and every Python block with what it prints and what the page says."""
    names: dict[str, Any] = {}
    every = blocks(PAGE)
    told = []
    for block, below in zip(every, [*every[1:], None], strict=True):
        if block.language == "python":
            assert below is not None
            assert below.language == "text", f"line {block.line}: no output follows"
            told.append((block, run(block, PAGE, names), below.text))
    return names, told


@pytest.fixture(scope="module")
def ran() -> tuple[dict[str, Any], list[tuple[Block, str, str]]]:
    return run_all()


def trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def test_python_blocks_print_what_the_page_shows(ran: tuple[dict[str, Any], list[tuple[Block, str, str]]]) -> None:
    assert len(ran[1]) == 6
    for block, printed, shown in ran[1]:
        assert trimmed(printed) == trimmed(shown), f"tutorial.md line {block.line}"


def test_the_messages_shown_are_those_of_the_plan(ran: tuple[dict[str, Any], list[tuple[Block, str, str]]]) -> None:
    payloads = [message["payload"] for message in ran[0]["messages"]]
    shown = [json.loads(block.text) for block in blocks(PAGE, "json") if block.file is None]
    assert shown == [payloads[3], payloads[2]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with the files of the page."""
    files = {block.file: block.text for block in blocks(PAGE) if block.file}
    assert sorted(files) == ["prices.csv", "scenario.json", "sessions.csv"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command() -> list[str]:
    [block] = blocks(PAGE, "sh")
    program, *arguments = block.text.split()
    assert program == "ocpp-schedule"
    return arguments


def shown_text(start: str) -> list[str]:
    [block] = [block for block in blocks(PAGE, "text") if block.text.startswith(start)]
    return trimmed(block.text)


def test_the_command_prints_and_writes_what_the_page_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command()) == 0
    printed = trimmed(capsys.readouterr().out.replace(str(folder.resolve()), "..."))
    assert printed == [*shown_text("Plan: "), "", *shown_text("The first message")]
    assert sorted(path.name for path in (folder / "plan").iterdir()) == shown_text("001_")


def test_the_files_give_the_plan_of_the_models(
    folder: Path, ran: tuple[dict[str, Any], list[tuple[Block, str, str]]]
) -> None:
    assert main([*command(), "--quiet"]) == 0
    assert json.loads((folder / "plan" / "plan.json").read_text(encoding="utf-8")) == json.loads(
        ran[0]["plan"].to_json()
    )


def test_two_hungry_cars_exit_with_1(folder: Path) -> None:
    rows = ["id,connector,arrival,departure,energy_wh,phases,transaction_id",
            "a,A,2026-01-15T01:00Z,2026-01-15T03:00Z,5520,1,1041",
            "b,B,2026-01-15T01:00Z,2026-01-15T03:00Z,7360,1,"]  # fmt: skip
    (folder / "sessions.csv").write_text("\n".join(rows), encoding="utf-8")
    assert main([*command(), "--quiet"]) == 1


def test_two_mistakes_are_told_in_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "sessions.csv"
    text = path.read_text(encoding="utf-8")
    wrong = text.replace("2026-01-15T04:00Z", "2026-01-14T22:00Z").replace("b,B,", "b,BB,")
    path.write_text(wrong, encoding="utf-8")
    assert main(command()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert trimmed(output.err) == shown_text("2 problems in scenario.json")
    assert not (folder / "plan").exists()
