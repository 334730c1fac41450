"""What an archive says of the meter: curtailment, parts of the cost, prices of the certificate. Absent where unused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.solution import Certificate, Solution

PARTS: Final = ("energy", "export", "peaks", "wear")
MOST_DW: Final = 1 << 40
"""Far above any generator, far below where int64 products overflow."""


def meter_to_dict(solution: Solution) -> dict[str, Any]:
    """Return curtailment by generator and the parts of the cost, where there are any."""
    found: dict[str, Any] = {}
    if solution.cost_parts:
        found["cost_parts"] = solution.cost_parts
    if solution.curtailed_dw is not None:
        rows = zip(solution.generator_ids, solution.curtailed_dw.tolist(), strict=True)
        found["curtailed_dw"] = dict(rows)
    if solution.storage_steps is not None:
        found["storage_steps"] = dict(zip(solution.storage_ids, solution.storage_steps.tolist(), strict=True))
    if solution.discharge_steps is not None:
        found["discharge_steps"] = dict(zip(solution.discharge_ids, solution.discharge_steps.tolist(), strict=True))
    return found


def meter_fields(
    data: Mapping[str, Any], generators: tuple[str, ...], storages: tuple[str, ...], givers: tuple[str, ...], slots: int
) -> dict[str, Any]:
    """Return the fields of ``Solution`` that ``meter_to_dict`` wrote.

    Raises:
        ValueError: they have another form.
    """
    found: dict[str, Any] = {}
    if "cost_parts" in data:
        if tuple(data["cost_parts"]) != PARTS:
            raise ValueError(f"the cost has the parts {list(data['cost_parts'])!r:.60}")
        found["cost_parts"] = dict(zip(PARTS, _whole(data["cost_parts"].values()), strict=True))
        found["generator_ids"] = generators
        found["storage_ids"] = storages
        found["discharge_ids"] = givers
    rows = (("curtailed_dw", generators), ("storage_steps", storages), ("discharge_steps", givers))
    for field, names in rows:
        if field in data:
            found[field] = _table(field, data[field], names, slots)
    return found


def _table(field: str, data: Mapping[str, Any], names: tuple[str, ...], slots: int) -> Any:
    rows = [_whole(data[name]) for name in names]
    if len(data) != len(names) or any(len(row) != slots for row in rows):
        raise ValueError(f"{field} does not name all of them with a value for each slot")
    if any(abs(value) > MOST_DW for row in rows for value in row):
        raise ValueError(f"{field} is beyond any device")
    table = np.array(rows, dtype=np.int64).reshape(len(names), slots)
    table.setflags(write=False)
    return table


def meter_prices_to_dict(certificate: Certificate) -> dict[str, Any]:
    """Return the prices at the meter, where there are any."""
    found: dict[str, Any] = {}
    if certificate.meter_prices:
        found["meter"] = list(certificate.meter_prices)
    if certificate.peak_prices:
        found["peaks"] = [
            {"peak": peak, "period": period, "prices": list(prices)}
            for (peak, period), prices in sorted(certificate.peak_prices.items())
        ]
    if certificate.storage_prices:
        found["storages"] = {name: list(prices) for name, prices in sorted(certificate.storage_prices.items())}
    if certificate.car_prices:
        found["cars"] = {name: list(prices) for name, prices in sorted(certificate.car_prices.items())}
    if certificate.surplus_prices:
        found["surplus"] = list(certificate.surplus_prices)
    if certificate.export_prices:
        found["exports"] = {name: list(prices) for name, prices in sorted(certificate.export_prices.items())}
    return found


def meter_prices(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``Certificate`` that ``meter_prices_to_dict`` wrote.

    Raises:
        ValueError: they have another form.
    """
    peaks = {}
    for one in data.get("peaks", ()):
        if not (isinstance(one["peak"], str) and isinstance(one["period"], str)):
            raise ValueError("a peak of the certificate has no name")  # noqa: TRY004 - one error type for all
        peaks[one["peak"], one["period"]] = tuple(_whole(one["prices"]))
    return {
        "meter_prices": tuple(_whole(data.get("meter", ()))),
        "peak_prices": peaks,
        "storage_prices": {name: tuple(_whole(prices)) for name, prices in data.get("storages", {}).items()},
        "car_prices": {name: tuple(_whole(prices)) for name, prices in data.get("cars", {}).items()},
        "surplus_prices": tuple(_whole(data.get("surplus", ()))),
        "export_prices": {name: tuple(_whole(prices)) for name, prices in data.get("exports", {}).items()},
    }


def _whole(values: Any) -> list[int]:
    found = list(values)
    for value in found:
        if type(value) is not int:
            raise ValueError(f"{value!r:.60} is no whole number")
    return found
