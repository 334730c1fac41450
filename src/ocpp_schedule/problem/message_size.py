"""How long a message gets at most, so that a limit in bytes becomes one in periods (convention 24)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ocpp_schedule.model.site import OcppVersion

FRAME: Final = '[2,"' + 36 * "x" + '","SetChargingProfile",]'
"""OCPP-J 4.2.1: a request is ``[2,"<id of at most 36>","<action>",<payload>]``."""
LONGEST_ID: Final = 2**31 - 1
"""Profile ids can be given; the longest fits 32 bits."""
SHELLS: Final[dict[OcppVersion, str]] = {
    "1.6": '{"connectorId":%d,"csChargingProfiles":{"chargingProfileId":%d,"transactionId":%s,"stackLevel":1000,'
    '"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":'
    '{"startSchedule":"2026-01-14T23:59:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[]}}}',
    "2.0.1": '{"evseId":%d,"chargingProfile":{"id":%d,"transactionId":%s,"stackLevel":1000,'
    '"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":'
    '[{"id":2147483647,"startSchedule":"2026-01-14T23:59:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[]}]}}',
}
"""A payload without periods, its fields as long as they get (``wire/``; a test compares)."""
PERIOD: Final = '{"startPeriod":%d,"limit":%.1f,"numberPhases":3},'
"""One period and the comma behind it."""


def most_periods(
    version: OcppVersion, most_bytes: int, *, evse_id: int, transaction_id: int | str | None, last_s: int, limit: float
) -> int:
    """Return how many periods fit a message for certain; 0 or less where not even one does.

    Args:
        version: OCPP version of the station.
        most_bytes: longest message it reads.
        evse_id: number of the connector.
        transaction_id: of a session plan; None: there is none.
        last_s: highest start of a period [s].
        limit: the largest limit [A or W].

    >>> most_periods("1.6", 4096, evse_id=1, transaction_id=None, last_s=86_460, limit=32.0)
    71
    """
    shell = SHELLS["1.6" if version == "1.6" else "2.0.1"]
    fixed = len(shell % (evse_id, LONGEST_ID, json.dumps(transaction_id))) + len(FRAME)
    return (most_bytes - fixed) // len(PERIOD % (last_s, limit))
