"""The page about chargers prints what it shows, and names every field of the capabilities."""

from __future__ import annotations

from typing import Any

from tests.pages import ROOT, blocks, run

from ocpp_schedule.model.capabilities import Capabilities

PAGE = ROOT / "docs" / "chargers.md"


def test_the_code_prints_what_the_page_shows() -> None:
    names: dict[str, Any] = {}
    code, shown = blocks(PAGE, "python"), blocks(PAGE, "text")
    assert len(code) == len(shown) == 2
    for block, output in zip(code, shown, strict=True):
        assert run(block, PAGE, names) == output.text


def test_every_capability_is_told() -> None:
    text = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    assert [name for name in Capabilities.model_fields if f"`{name}`" not in text] == []
