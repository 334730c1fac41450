"""What importing the package may load: hard limits on ``sys.modules``, each in a fresh interpreter."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ocpp_schedule

HEAVY = ("ortools", "pandas", "scipy")
PACKAGE = "import ocpp_schedule"
NAMES = "from ocpp_schedule import Site, Session, Tariff, TimeGrid, schedule"


def _loaded(statement: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter holds after ``statement``."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        pytest.param(PACKAGE, (*HEAVY, "numpy", "pydantic"), id="the package"),
        # numpy takes as long to load as pydantic: with it the time budget of this line cannot be kept.
        pytest.param(NAMES, (*HEAVY, "numpy"), id="the five names"),
        pytest.param(f"{NAMES}\nfrom ocpp_schedule import *", HEAVY, id="every name"),
    ],
)
def test_what_an_import_does_not_load(statement: str, forbidden: tuple[str, ...]) -> None:
    assert not _loaded(statement) & set(forbidden)


@pytest.mark.parametrize("module", [*HEAVY, "numpy"])
def test_the_heavy_modules_are_seen_where_they_are_loaded(module: str) -> None:
    assert module in _loaded(f"import {module}"), "the tests above could not fail"


def test_the_command_line_starts_light() -> None:
    assert not _loaded("import ocpp_schedule.cli") & set(HEAVY)


def test_every_public_name_resolves() -> None:
    assert [name for name in ocpp_schedule.__all__ if getattr(ocpp_schedule, name, None) is None] == []


def test_public_names_are_sorted_and_unique() -> None:
    assert list(ocpp_schedule.__all__) == sorted(set(ocpp_schedule.__all__))


def test_public_names_are_those_that_type_checkers_see() -> None:
    """Compare with the imports under ``if TYPE_CHECKING``: the same names, out of the same modules."""
    [block] = [
        node
        for node in ast.parse(Path(ocpp_schedule.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    typed = {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert sorted(typed) == sorted(ocpp_schedule.__all__)
    for name, module in typed.items():
        assert getattr(ocpp_schedule, name) is getattr(sys.modules[module], name)


def test_dir_lists_the_public_names() -> None:
    assert set(ocpp_schedule.__all__) | {"__version__"} == set(dir(ocpp_schedule))


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = ocpp_schedule.Schedule
    assert "'Schedule'" in str(caught.value)
    assert all(name in str(caught.value) for name in ocpp_schedule.__all__)


def test_an_unknown_name_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="Schedule"):
        exec("from ocpp_schedule import Schedule")  # noqa: S102 - the statement a user writes
