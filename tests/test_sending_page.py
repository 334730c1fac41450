"""The page about sending prints what it shows, and tells every reason and state."""

from __future__ import annotations

from typing import Any, get_args

from tests.pages import ROOT, blocks, run

from ocpp_schedule.delivery.held import HeldState
from ocpp_schedule.delivery.writes import Reason

PAGE = ROOT / "docs" / "sending.md"


def test_the_code_prints_what_the_page_shows() -> None:
    [code], [shown] = blocks(PAGE, "python"), blocks(PAGE, "text")
    names: dict[str, Any] = {}
    assert run(code, PAGE, names) == shown.text


def test_every_reason_and_state_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*get_args(Reason), *get_args(HeldState)) if f"`{name}`" not in text] == []
