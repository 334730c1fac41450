"""The bundled records of known chargers, and files of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.files import known_chargers
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.chargers import known_capabilities

if TYPE_CHECKING:
    from pathlib import Path


def known(vendor: str, model: str, version: str = "1.6", firmware: str = "1.0") -> tuple[Capabilities, tuple[str, ...]]:
    return known_capabilities(
        Capabilities(), known_chargers(), vendor=vendor, model=model, firmware=firmware, version=version
    )


@pytest.mark.parametrize(
    ("vendor", "model", "expected"),
    [
        pytest.param("Huawei", "SCharger-22KT", {"rate_units": ("W",), "pause": "min_current"}, id="Huawei takes W"),
        pytest.param("go-e", "Gemini", {"rate_units": ("A",), "keeps_over_reconnect": "none"}, id="go-e takes A"),
        pytest.param("ABB", "Terra AC W22-T", {"stack_levels": (0,)}, id="ABB takes level 0"),
        pytest.param("EVBox", "Elvi", {"purposes": ("tx_default_profile", "tx_profile")}, id="EVBox has no maximum"),
        pytest.param("Wall Box Chargers", "Pulsar", {"stack_levels": (0,), "kinds": ("relative",)}, id="Wallbox"),
        pytest.param("Smappee", "EV Wall", {"limit_step_a": 1.0}, id="Smappee takes whole amperes"),
        pytest.param("EVSwitch", "x", {"settle_s": 60}, id="EVSwitch is slow"),
        pytest.param("Somebody", "Something", {"rate_units": ("A",)}, id="unknown"),
    ],
)
def test_known_chargers(vendor: str, model: str, expected: dict[str, object]) -> None:
    found, advice = known(vendor, model)
    assert {name: getattr(found, name) for name in expected} == expected
    assert advice


def test_a_pin_to_a_protocol_is_advice_for_that_protocol_only() -> None:
    assert "connect it with OCPP 1.6" in " ".join(known("FoxESS", "A022", "2.0.1")[1])
    assert "connect it with OCPP 1.6" not in " ".join(known("FoxESS", "A022", "1.6")[1])


def test_every_record_has_a_citation() -> None:
    records = known_chargers()
    assert len(records) >= 33
    assert all(record.citations for record in records)


def test_records_of_ones_own_win(tmp_path: Path) -> None:
    own = {"vendor": "ABB", "values": {"stack_levels": [0, 1]}, "citations": ["our own test bench"]}
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"format_version": 1, "chargers": [own]}), encoding="utf-8")
    found, _ = known_capabilities(
        Capabilities(), known_chargers(path), vendor="ABB", model="Terra AC", firmware="1", version="1.6"
    )
    assert found.stack_levels == (0, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param({"format_version": 2, "chargers": []}, "format_version", id="another format"),
        pytest.param({"format_version": 1, "chargers": [{"vendor": "x"}]}, r"chargers\[0\].citations", id="a field"),
        pytest.param({"format_version": 1, "chargers": [{}] * 10_001}, "at most 10000", id="too many"),
    ],
)
def test_files_that_cannot_be(data: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        known_chargers(path)


def test_a_repeated_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text('{"format_version": 1, "format_version": 1}', encoding="utf-8")
    with pytest.raises(InputError, match="more than once"):
        known_chargers(path)
