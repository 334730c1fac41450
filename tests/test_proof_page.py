"""The page about stacks and their proof prints what it shows, and names every variant."""

from __future__ import annotations

from typing import Any

from tests.pages import ROOT, blocks, run

from ocpp_schedule.delivery.proof.naming import ORDER

PAGE = ROOT / "docs" / "proof.md"


def test_the_code_prints_what_the_page_shows() -> None:
    names: dict[str, Any] = {}
    code, shown = blocks(PAGE, "python"), blocks(PAGE, "text")
    assert len(code) == len(shown) == 2
    for block, output in zip(code, shown, strict=True):
        assert run(block, PAGE, names) == output.text


def test_every_variant_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in ORDER if name not in text] == []
