"""The page about profiles prints what it shows, and names what there is."""

from __future__ import annotations

from typing import Any

from tests.pages import ROOT, blocks, run

from ocpp_schedule.profiles.station import DIALECTS, KEYS

PAGE = ROOT / "docs" / "profiles.md"


def test_the_code_prints_what_the_page_shows() -> None:
    names: dict[str, Any] = {}
    code, shown = blocks(PAGE, "python"), blocks(PAGE, "text")
    assert len(code) == len(shown) == 3
    for block, output in zip(code, shown, strict=True):
        assert run(block, PAGE, names) == output.text


def test_every_key_of_a_station_and_every_dialect_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*KEYS, *DIALECTS) if f"`{name}`" not in text] == []
