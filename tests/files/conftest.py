"""A small scenario folder that each test may spoil in its own way."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.files import load_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from ocpp_schedule.model.scenario import Scenario

SCENARIO: dict[str, Any] = {
    "format_version": 1,
    "site": {
        "id": "home",
        "circuits": [{"id": "main", "limit_a": [25, 25, 25]}],
        "stations": [
            {"id": "CP1", "circuit": "main", "ocpp_version": "1.6"},
            {"id": "CP2", "circuit": "main", "ocpp_version": "2.0.1"},
        ],
        "connectors": [
            {"id": "A", "station": "CP1", "lines": ["L1"], "max_current_a": 16},
            {"id": "B", "station": "CP2", "lines": ["L1"], "max_current_a": 16},
        ],
        "loads": [{"id": "hall", "circuit": "main"}],
    },
    "sessions": {"csv": "sessions.csv"},
    "tariff": {"energy": {"csv": "prices.csv", "step_s": 3600}},
    "grid": {"start": "2026-01-15T00:00Z", "step_s": 3600, "slots": 4},
    "forecasts": [{"id": "hall", "csv": "hall.csv"}],
}
SESSIONS = """\
id,connector,arrival,departure,energy_wh,max_current_a,phases,transaction_id
a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,5520,,1,1041
b,B,2026-01-15T02:00+01:00,2026-01-15T03:00Z,3680.5,16,,1042
"""
PRICES = """\
start,per_kwh
2026-01-15T00:00Z,0.40
2026-01-15T01:00Z,-0.10
2026-01-15T02:00Z,.2
2026-01-15T03:00Z,5e-1
"""
HALL = """\
start,expected_a_l1,expected_a_l2,expected_a_l3,high_a
2026-01-15T00:00Z,1,2,3,4
2026-01-15T02:00Z,1,2,3,4.5
"""


class Folder:
    """A scenario and its files; whatever is not replaced is right."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = deepcopy(SCENARIO)
        self.files = {"sessions.csv": SESSIONS, "prices.csv": PRICES, "hall.csv": HALL}
        self.text: str | bytes | None = None

    def load(self) -> Scenario:
        for name, content in self.files.items():
            (self.path / name).write_text(content, encoding="utf-8", newline="")
        text = json.dumps(self.data) if self.text is None else self.text
        (self.path / "scenario.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_scenario(self.path / "scenario.json")

    def refusal(self) -> list[str]:
        """The lines of the message, the first (the count) checked and taken off."""
        with pytest.raises(InputError) as caught:
            self.load()
        first, *lines = str(caught.value).split("\n")
        count = len(lines)
        assert first == f"{count} problem{'' if count == 1 else 's'} in scenario.json"
        return lines


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
