"""Rules that hold for the project as a whole: sizes, layers, licence, nothing left over."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from tests.pages import ROOT

import ocpp_schedule

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "src" / "ocpp_schedule"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
LONG: dict[str, str] = {}
"""Modules (``plan.py``) and functions (``plan.py:schedule``) that may be longer, each with its reason."""


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    assert project()["project"]["version"] == ocpp_schedule.__version__
    assert f"## {ocpp_schedule.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function without its docstring: what is explained well is not longer for it."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_modules_are_short() -> None:
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: n for name, n in lengths.items() if n > MAX_MODULE_LINES and name not in LONG} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{path.relative_to(PACKAGE).as_posix()}:{node.name}": body_lines(node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 100
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES and name not in LONG} == {}


def test_the_measure_counts_code_and_not_the_docstring() -> None:
    source = 'def f():\n    """One.\n\n    Two.\n    """\n    x = 1\n    return x\n'
    [function] = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 3


def layers() -> dict[str, bool]:
    """Return every module the layer contract names, and whether it may be absent."""
    [contract] = [one for one in project()["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    names = [name.strip() for line in contract["layers"] for name in line.split("|")]
    return {name.strip("()"): name.startswith("(") for name in names}


def test_every_layer_of_the_import_contract_exists() -> None:
    named = layers()
    assert [name for name, may_be_absent in named.items() if not may_be_absent and not module(name)] == []
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} - named.keys() == set()


def module(name: str) -> bool:
    return find_spec(f"ocpp_schedule.{name}") is not None


def test_modules_of_the_other_contracts_exist() -> None:
    ours = {
        name.removeprefix("ocpp_schedule.")
        for contract in project()["tool"]["importlinter"]["contracts"]
        for key in ("source_modules", "forbidden_modules", "allowed_importers", "modules")
        for name in contract.get(key, [])
        if name.startswith("ocpp_schedule.")
    }
    assert ours
    assert [name for name in sorted(ours) if not module(name)] == []


def test_the_design_page_names_every_layer_from_the_top() -> None:
    table = re.findall(
        r"^\| \d+ \| (.*?) \|", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    told = [name.removesuffix("/").removesuffix(".py") for cell in table for name in re.findall(r"`([\w./]+)`", cell)]
    assert told == [name for name, may_be_absent in layers().items() if not may_be_absent]


def test_the_licence_is_apache_2() -> None:
    assert project()["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert re.match(r"\s*Apache License\s+Version 2\.0, January 2004\s", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Licence: Apache-2.0" in (ROOT / "README.md").read_text(encoding="utf-8")


def texts() -> dict[str, str]:
    """Return the text files of the repository by name."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git repository here, so it is not known which files belong to the project")
    listed = subprocess.run(  # noqa: S603 - git, with fixed arguments
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    found = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            found[name] = data.decode("utf-8")
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


LEFT_OVER = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")  # written so that it does not find itself
MACHINE_PATH = re.compile(r"(?<![\w.~)\]}-])/(?:work|home|root|Users|tmp|mnt)/")


def test_nothing_is_left_to_do() -> None:
    assert hits(LEFT_OVER) == []


def test_no_path_of_a_machine_is_told() -> None:
    assert hits(MACHINE_PATH) == []


@pytest.mark.parametrize(
    ("before", "found"),
    [
        pytest.param("", True, id="absolute"),
        pytest.param("docs", False, id="relative"),
        pytest.param("https://example.org", False, id="address"),
    ],
)
def test_the_search_for_paths_finds_absolute_ones(before: str, *, found: bool) -> None:
    assert bool(MACHINE_PATH.search(f"see {before}{'/'}work/main")) is found


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in MODULES])
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
