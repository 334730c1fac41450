"""The shared conformance vectors, read in place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.pages import ROOT

FOLDER = ROOT.parent / "shared" / "vectors"


def cases(name: str) -> list[Any]:
    """Return the cases of a file as parameters; one that skips where the folder is absent."""
    path = FOLDER / name
    if not path.exists():
        skip = pytest.mark.skip(reason=f"no shared vectors here: {name} is read from ../shared/vectors")
        return [pytest.param(None, id="absent", marks=skip)]
    return [pytest.param(case, id=case["id"]) for case in json.loads(path.read_text(encoding="utf-8"))]
