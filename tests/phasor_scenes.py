"""Sites with phasor rows, and what their currents come to by trying every subset in 60 digits."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tests.scenes import START

from ocpp_schedule import Circuit, Connector, Session, Site, Station
from ocpp_schedule.model.site import LineConstraint, LineTerm

if TYPE_CHECKING:
    from collections.abc import Sequence

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
PAIRS = {"12": ("L1", "L2"), "23": ("L2", "L3"), "31": ("L3", "L1"), "21": ("L2", "L1")}


def cos_sin(angle_deg: Decimal) -> tuple[Decimal, Decimal]:
    """Return cosine and sine to more than 50 digits, by their series."""
    x = (angle_deg % 360) * PI / 180
    cosine, sine, term = Decimal(0), Decimal(0), Decimal(1)
    for k in range(120):
        if k % 2 == 0:
            cosine += term if k % 4 == 0 else -term
        else:
            sine += term if k % 4 == 1 else -term
        term = term * x / (k + 1)
    return cosine, sine


def farthest(terms: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Return the largest magnitude of a sum of some of the phasors, given as (length, angle in degrees)."""
    with localcontext() as context:
        context.prec = 60
        points = [(length * c, length * s) for length, angle in terms for c, s in [cos_sin(angle)]]
        best = Decimal(0)
        for size in range(len(points) + 1):
            for some in combinations(points, size):
                x, y = sum((p[0] for p in some), Decimal(0)), sum((p[1] for p in some), Decimal(0))
                best = max(best, (x * x + y * y).sqrt())
        return best


def between(name: str, pair: str, **more: Any) -> Connector:
    """Return a connector between two lines on a station of its own: 6 to 32 A."""
    fields: dict[str, Any] = {"lines": PAIRS[pair], "connection": "delta", "min_current_a": 0.0, "max_current_a": 32.0}
    return Connector(id=name, station=f"S{name}", **fields | more)


def to_neutral(name: str, *lines: str, **more: Any) -> Connector:
    fields: dict[str, Any] = {"lines": lines, "min_current_a": 0.0, "max_current_a": 32.0}
    return Connector(id=name, station=f"S{name}", **fields | more)


def site_of(*connectors: Connector, limit_a: Any = 100.0, supply: Any = "208Y/120", **more: Any) -> Site:
    fields: dict[str, Any] = {
        "id": "site",
        "circuits": [Circuit(id="main", supply=supply, limit_a=limit_a)],
        "stations": [
            Station(id=name, circuit="main", ocpp_version="1.6") for name in {c.station: 0 for c in connectors}
        ],
        "connectors": connectors,
        "edge_guard_s": 0,
    }
    return Site(**fields | more)


def matrix(name: str, limit_a: float, *terms: tuple[str, float, float]) -> LineConstraint:
    """Return a line constraint of (connector, coefficient, angle)."""
    return LineConstraint(
        id=name, limit_a=limit_a, terms=[LineTerm(connector=c, coefficient=w, angle_deg=a) for c, w, a in terms]
    )


def stay(connector: str, hours: float, wh: float, first: float = 0, **more: Any) -> Session:
    """Return a session of some hours from the start, named after its connector."""
    arrival = START + timedelta(hours=first)
    return Session(
        id=more.pop("id", f"car-{connector}"),
        connector=connector,
        arrival=arrival,
        departure=arrival + timedelta(hours=hours),
        energy_wh=wh,
        phases=more.pop("phases", 1),
        **more,
    )
