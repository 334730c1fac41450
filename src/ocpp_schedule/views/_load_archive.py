"""What an archive says of prices of loads, shares and soft limits. Absent where unused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocpp_schedule.solution import Certificate


def load_prices_to_dict(certificate: Certificate) -> dict[str, Any]:
    """Return prices of loads, shares and soft limits, where there are any."""
    found: dict[str, Any] = {}
    if certificate.load_prices:
        found["loads"] = {name: list(prices) for name, prices in sorted(certificate.load_prices.items())}
    if certificate.share_prices:
        found["shares"] = {name: dict(sorted(own.items())) for name, own in sorted(certificate.share_prices.items())}
    if certificate.soft_prices:
        found["soft"] = [
            {"circuit": circuit, "line": line, "prices": list(prices)}
            for (circuit, line), prices in sorted(certificate.soft_prices.items())
        ]
    return found


def load_prices(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``Certificate`` that ``load_prices_to_dict`` wrote.

    Raises:
        ValueError: they have another form.
    """
    soft = {}
    for one in data.get("soft", ()):
        if not isinstance(one["circuit"], str):
            raise ValueError("a soft limit of the certificate has no circuit")  # noqa: TRY004 - one error type for all
        (line,) = _whole([one["line"]])
        soft[one["circuit"], line] = tuple(_whole(one["prices"]))
    shares = data.get("shares", {})
    return {
        "load_prices": {name: tuple(_whole(prices)) for name, prices in data.get("loads", {}).items()},
        "share_prices": {name: dict(zip(own, _whole(own.values()), strict=True)) for name, own in shares.items()},
        "soft_prices": soft,
    }


def _whole(values: Iterable[Any]) -> list[int]:
    found = list(values)
    for value in found:
        if type(value) is not int:
            raise ValueError(f"{value!r:.60} is no whole number")
    return found
