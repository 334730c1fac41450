"""What the README promises is what CI runs; its code runs, its links lead somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.pages import DOCS, ROOT, blocks, run

if TYPE_CHECKING:
    from pathlib import Path

README = ROOT / "README.md"
EXAMPLE = ROOT / "examples" / "workplace_day.py"
LINKED = [*sorted(ROOT.glob("*.md")), *DOCS, *sorted((ROOT / "benchmarks").glob("*.md"))]


def ci_commands() -> list[str]:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "echo ", "set ", "cd "))]


def set_up_commands() -> tuple[str, str]:
    """Return the two commands of the README that set up everything: the main job and the test suite."""
    found = [block.text for block in blocks(README, "sh") if "venv" in block.text]
    assert len(found) == 2
    assert all(text.count("\n") == 1 for text in found), "each is one line, to be copied at once"
    [job] = [text for text in found if text.endswith("ocpp-schedule demo\n")]
    [suite] = [text for text in found if text.endswith("-m pytest\n")]
    return job.rstrip("\n"), suite.rstrip("\n")


def test_ci_runs_both_commands_to_the_letter_the_tests_first_and_the_demo_last() -> None:
    job, suite = set_up_commands()
    commands = ci_commands()
    assert (commands[0], commands[-1]) == (suite, job)
    assert len(commands) > 4  # linters, types and contracts between them


@pytest.mark.parametrize("index", [pytest.param(0, id="main-job"), pytest.param(1, id="test-suite")])
def test_a_command_needs_only_python_with_venv_and_pip(index: int) -> None:
    steps = set_up_commands()[index].split(" && ")
    assert steps[0] == "python3 -m venv .venv"
    assert all(step.startswith(".venv/bin/") for step in steps[1:])


def test_ci_stops_at_the_first_failure() -> None:
    assert "\nset -euo pipefail\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_code_is_the_example_file() -> None:
    [block] = blocks(README, "python")
    code = EXAMPLE.read_text(encoding="utf-8").split('"""', 2)[2]
    assert block.text.strip() == code.strip()
    assert 10 <= len(block.text.splitlines()) <= 15


def test_the_code_prints_cost_and_peak_against_uncontrolled_charging() -> None:
    [block] = blocks(README, "python")
    printed = run(block, README, {})
    numbers = dict(re.findall(r"^(cost|peak) (.*)$", printed, flags=re.MULTILINE))
    cost, uncontrolled_cost = map(float, re.findall(r"\d+\.\d+", numbers["cost"]))
    peak, uncontrolled_peak = map(float, re.findall(r"\d+\.\d+", numbers["peak"]))
    assert printed.startswith("complete: 38 cars, ")
    assert cost < uncontrolled_cost
    assert peak < uncontrolled_peak


def anchors(page: Path) -> set[str]:
    """Return the anchors that headings get when the page is shown."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in LINKED])
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_names_every_page_of_the_docs() -> None:
    named = {link.partition("#")[0] for link in links(README)}
    assert {page.relative_to(ROOT).as_posix() for page in DOCS} <= named


@pytest.mark.parametrize(
    ("page", "line", "code"),
    [
        pytest.param(page, block.line, block.text, id=f"{page.name}-line-{block.line}")
        for page in [README, *DOCS]
        for block in blocks(page, "python")
    ],
)
def test_python_in_the_pages_compiles(page: Path, line: int, code: str) -> None:
    assert compile("\n" * (line - 1) + code, str(page), "exec").co_names
