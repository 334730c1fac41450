"""The page on explanations prints what it shows."""

from __future__ import annotations

from typing import Any

from tests.pages import ROOT, blocks, run

PAGE = ROOT / "docs" / "explain.md"


def test_python_blocks_print_what_the_page_shows() -> None:
    names: dict[str, Any] = {}
    every = blocks(PAGE)
    code, shown = every[::2], every[1::2]
    assert [block.language for block in every] == ["python", "text"] * 4
    for block, below in zip(code, shown, strict=True):
        printed = [line.rstrip() for line in run(block, PAGE, names).splitlines()]
        assert printed == below.text.splitlines(), f"explain.md line {block.line}"
