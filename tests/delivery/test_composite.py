"""The evaluator itself, on messages written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.testing.composite import limit_at

START = datetime(2026, 1, 15, tzinfo=UTC)


def message(number: int, level: int, *limits: tuple[int, float], evse: int = 1, **fields: Any) -> dict[str, Any]:
    duration = {"duration": fields.pop("duration")} if "duration" in fields else {}
    schedule = {
        "startSchedule": "2026-01-15T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in limits],
    }
    profile = {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule | duration,
    }
    payload = {"connectorId": evse, "csChargingProfiles": profile | fields}
    return {"station": "CP1", "version": "1.6", "action": "SetChargingProfile", "payload": payload}


def value(messages: list[dict[str, Any]], second: float, transaction: int | None = None) -> float | None:
    at = START + timedelta(seconds=second)
    found = limit_at(messages, station="CP1", evse_id=1, at=at, transaction_id=transaction)
    return None if found is None else found[0]


TX = {"chargingProfilePurpose": "TxProfile", "transactionId": 7}


@pytest.mark.parametrize(
    ("messages", "second", "transaction", "expected"),
    [
        pytest.param([], 0, None, None, id="nothing"),
        pytest.param([message(1, 0, (0, 6.0))], -1, None, None, id="before-the-start"),
        pytest.param([message(1, 0, (0, 6.0), (10, 7.0))], 9.5, None, 6.0, id="before-a-period"),
        pytest.param([message(1, 0, (0, 6.0), (10, 7.0))], 10, None, 7.0, id="at-a-period"),
        pytest.param([message(1, 0, (0, 6.0)), message(2, 1, (0, 9.0))], 0, None, 9.0, id="higher-level"),
        pytest.param([message(2, 1, (0, 9.0)), message(1, 0, (0, 6.0))], 0, None, 9.0, id="whatever-the-order"),
        pytest.param(
            [message(1, 0, (0, 6.0)), message(2, 1, (0, 9.0), duration=5)], 4, None, 9.0, id="within-duration"
        ),
        pytest.param([message(1, 0, (0, 6.0)), message(2, 1, (0, 9.0), duration=5)], 5, None, 6.0, id="after-duration"),
        pytest.param([message(1, 5, (0, 6.0)), message(2, 0, (0, 9.0), **TX)], 0, 7, 9.0, id="transaction"),
        pytest.param([message(1, 5, (0, 6.0)), message(2, 0, (0, 9.0), **TX)], 0, 8, 6.0, id="other-transaction"),
        pytest.param([message(1, 5, (0, 6.0)), message(2, 0, (0, 9.0), **TX)], 0, None, 6.0, id="no-transaction"),
        pytest.param([message(1, 0, (0, 6.0)), message(1, 3, (0, 9.0))], 0, None, 9.0, id="same-id-replaces"),
        pytest.param([message(1, 3, (0, 6.0)), message(1, 0, (0, 9.0))], 0, None, 9.0, id="same-id-replaces-higher"),
        pytest.param([message(1, 3, (0, 6.0)), message(2, 3, (0, 9.0))], 0, None, 9.0, id="same-level-replaces"),
        pytest.param([message(1, 0, (0, 6.0), evse=2)], 0, None, None, id="other-evse"),
        pytest.param([message(1, 0, (0, 6.0)) | {"station": "CP2"}], 0, None, None, id="other-station"),
    ],
)
def test_what_holds(
    messages: list[dict[str, Any]], second: float, transaction: int | None, expected: float | None
) -> None:
    assert value(messages, second, transaction) == expected


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        pytest.param(message(1, 0, (0, 6.0)) | {"action": "Reset"}, "action 'Reset'", id="action"),
        pytest.param(message(1, 0, (0, 6.0), validFrom="x"), "field 'validFrom'", id="field"),
        pytest.param(message(1, 0, (0, 6.0), chargingProfileKind="Relative"), "kind 'Relative'", id="kind"),
        pytest.param(
            message(1, 0, (0, 6.0), chargingProfilePurpose="ChargePointMaxProfile"),
            "purpose 'ChargePoint",
            id="purpose",
        ),
    ],
)
def test_what_is_beyond_it_is_refused(one: dict[str, Any], seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        value([one], 0)
