"""The command line: what goes where, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule import __version__, plan
from ocpp_schedule.cli import main
from ocpp_schedule.errors import MissingExtraError, PlanRejectedError
from ocpp_schedule.files import example_path

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "ocpp_schedule.cli"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def empty_day(tmp_path: Path) -> Path:
    """A scenario that is planned at once."""
    raw = json.loads(example_path("tight").read_text(encoding="utf-8"))
    raw |= {"sessions": [], "tariff": {"energy": 0.2}}
    path = tmp_path / "day.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path


def test_a_plan_with_all_wishes_met_ends_with_0_and_says_where_it_is(
    empty_day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(empty_day)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Plan: 0 sessions")
    assert out.endswith(f"6 OCPP messages, in the order to send: {tmp_path / 'ocpp-schedule-plan'}\n")
    assert err == ""
    assert (tmp_path / "ocpp-schedule-plan" / "plan.json").exists()


def test_a_shortfall_ends_with_1_and_json_is_alone_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "tight", "--json", "--out", "x"]) == 1
    out, err = capsys.readouterr()
    seen = json.loads(out)
    assert err == ""
    assert list(seen) == [
        "status", "mark", "cost", "messages", "expires_at", "folder", "shortfalls", "alarms", "notices",
    ]  # fmt: skip
    assert (seen["status"], seen["messages"], seen["folder"]) == ("partial", 12, str(tmp_path / "x"))
    assert "short" in seen["shortfalls"][0]


def test_quiet_prints_nothing(empty_day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(empty_day), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_cars_and_limits_are_explained_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "tight", "--explain", "--out", "x"]) == 1
    out = capsys.readouterr().out
    assert "\ncar1 at P1, " in out
    assert "\ncircuit main: 10 A more all the time " in out
    assert "Smallest remedies: main " in out


def test_one_version_can_be_asked_for_all(empty_day: Path, tmp_path: Path) -> None:
    assert main(["plan", str(empty_day), "--ocpp", "1.6", "--quiet"]) == 0
    files = sorted((tmp_path / "ocpp-schedule-plan").glob("0*.json"))
    assert {json.loads(file.read_text(encoding="utf-8"))["version"] for file in files} == {"1.6"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["plan", "gone.json"], "1 problem in gone.json\ngone.json: there is no such file", id="no-file"),
        pytest.param(["plan"], "Missing argument 'SCENARIO'", id="no-argument"),
        pytest.param(["plan", "x", "--ocpp", "3"], "'3' is not one of '1.6', '2.0.1', '2.1'", id="version"),
        pytest.param(["demo", "nix"], "there is no example 'nix'", id="no-example"),
        pytest.param(["fly"], "No such command 'fly'", id="no-command"),
        pytest.param(["demo", "tight", "--out", "."], "is the working folder", id="folder"),
        pytest.param([], "Usage: ocpp-schedule", id="nothing"),
    ],
)
def test_bad_input_ends_with_2_and_a_message(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert "Traceback" not in err


def test_bad_content_leaves_no_folder(empty_day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty_day.write_text("{}", encoding="utf-8")
    assert main(["plan", str(empty_day), "--json"]) == 2
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["day.json"]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        pytest.param(ZeroDivisionError("oops"), 3, "internal fault: ZeroDivisionError at test_cli.py:", id="ours"),
        pytest.param(PlanRejectedError(["main L1 slot 3"]), 3, "main L1 slot 3", id="rejected"),
        pytest.param(MissingExtraError("cli", "rich"), 2, "pip install 'ocpp-schedule[cli]'", id="extra"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="ctrl-c"),
    ],
)
def test_a_fault_has_its_code_and_a_short_message(
    empty_day: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    text: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(plan, "schedule", fail)
    assert main(["plan", str(empty_day)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert ("report" in err) == (code == 3)


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_the_extra_the_pip_line_is_told(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err.endswith("Run: pip install 'ocpp-schedule[cli]'\n")


def test_the_examples_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "workplace_day",
        "depot_night",
        "tight",
    ]


def test_schema_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_in_a_pipe_only_the_answer_is_printed(empty_day: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "plan", str(empty_day), "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "complete"


def test_a_reader_that_leaves_ends_the_program_quietly() -> None:
    with subprocess.Popen([*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def test_ids_that_the_terminal_cannot_show_are_escaped(empty_day: Path) -> None:
    raw = json.loads(empty_day.read_text(encoding="utf-8"))
    raw["site"]["connectors"][0]["station"] = "\u00c4\u4e2d"
    empty_day.write_text(json.dumps(raw), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "plan", str(empty_day)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 2
    assert r"station '\xc4\u4e2d' does not exist" in done.stderr


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys, ocpp_schedule.cli; print([m for m in ('click', 'rich', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout == "[]\n"
