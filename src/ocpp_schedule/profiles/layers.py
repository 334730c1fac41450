"""The profiles of a stack, one by one: constant ones, plans, and what is kept outside profiles."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ocpp_schedule.profiles.model import Ceiling, ChargingPeriod, ChargingProfile, ChargingSchedule, Layer
from ocpp_schedule.timegrid import EARLIEST
from ocpp_schedule.units import DECIAMPERES_PER_AMPERE, SUPPLIES, round_down

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocpp_schedule.model.capabilities import ProfileKind, RateUnit
    from ocpp_schedule.model.layering import Slot, StationLayers
    from ocpp_schedule.model.site import Connector, Site, Station
    from ocpp_schedule.profiles.belongs import PlanRow
    from ocpp_schedule.timegrid import TimeGrid

DECIWATTS_PER_WATT: Final = 10
TENTHS: Final = 10
BETWEEN_LINES: Final = 2
"""Lines of a load that is not connected to neutral."""


def unit_of(connector: Connector, station: Station) -> RateUnit:
    """Return the unit of a connector's limits: A wherever the station takes that, W for DC."""
    return "A" if connector.current_type == "AC" and "A" in station.capabilities.rate_units else "W"


def lines_told(station: Station, *connectors: Connector) -> int:
    """Return the number of lines as ``numberPhases`` tells it; 0: none is told, as for DC (K01.FR.44)."""
    omitted = station.capabilities.number_phases == "omit" or connectors[0].current_type == "DC"
    return 0 if omitted else max(map(line_count, connectors))


def constant_layer(slot: Slot, number: int, unit: RateUnit, tenths: int, phases: int) -> Layer:
    """Return a layer that never changes; ``phases`` 0: none stated."""
    schedule = _constant(slot.kind, unit, tenths, phases or None)
    return Layer(slot.name, (), ChargingProfile(number, slot.purpose, slot.kind, slot.level, None, schedule))


@lru_cache(maxsize=256)
def _constant(kind: ProfileKind, unit: RateUnit, tenths: int, phases: int | None) -> ChargingSchedule:
    """Return a schedule that never changes; the connectors of a site share a few.

    It starts in 1970, because a charger's clock may stand there; a relative one starts when the station says.
    """
    return ChargingSchedule(
        None if kind == "relative" else EARLIEST, unit, (ChargingPeriod(0, tenths, phases or None),)
    )


def plan_layer(
    row: PlanRow, periods: tuple[ChargingPeriod, ...], number: int, unit: RateUnit, grid: TimeGrid, lead_s: int
) -> Layer:
    """Return a layer with the plan of its sessions, which starts ``lead_s`` before the grid."""
    slot = row.slot
    schedule = ChargingSchedule(grid.start - timedelta(seconds=lead_s), unit, periods)
    transaction = row.sessions[0].transaction_id if slot.purpose == "tx_profile" else None
    profile = ChargingProfile(number, slot.purpose, slot.kind, slot.level, transaction, schedule)
    return Layer(slot.name, tuple(session.id for session in row.sessions), profile)


def cap_tenths(site: Site, station: Station, connectors: Sequence[Connector]) -> int:
    """Return ``max_current_a`` in tenths of the station's unit, rounded down; in W at the nominal voltage.

    A set-point never exceeds it: it draws at most ``max_current_a`` per line at the lowest voltage.
    """
    most_a = station.max_current_a or 0.0
    if unit_of(connectors[0], station) == "A":
        return round_down(most_a, DECIAMPERES_PER_AMPERE)
    root = next(circuit for circuit in site.circuits if circuit.parent is None)
    supply = SUPPLIES[root.supply or "400Y/230"]
    lines = len({line for connector in connectors for line in connector.lines})
    # Between two lines there is less than twice the voltage to neutral (convention 15).
    between = lines == BETWEEN_LINES and any(connector.connection == "delta" for connector in connectors)
    across_v = supply.between_v if between else lines * supply.voltage_v
    return round_down(most_a, across_v) * DECIWATTS_PER_WATT


def line_count(connector: Connector) -> int:
    """Return the most phases that a car can use; between two lines there is one."""
    return 1 if connector.connection == "delta" else len(connector.lines)


def ceilings_of(
    site: Site,
    station: Station,
    connectors: Sequence[Connector],
    layers: StationLayers,
    floors: Mapping[str, tuple[int, int]],
    peaks: Mapping[str, int],
) -> tuple[Ceiling, ...]:
    """Return what the station's key outside profiles is to hold.

    A ceiling bounds everything, the session's plan too. So where a connector has a plan above it, the ceiling is the
    plan's highest value: less would take what is planned, and less than the hardware's maximum is what is left then.

    Args:
        site: for voltages.
        station: whose key.
        connectors: of the station, by EVSE number.
        layers: what else it has.
        floors: idle floor (and end floor) by connector [tenths].
        peaks: highest limit of a connector's plans, where it has one [tenths].
    """
    carrier = station.capabilities.limit_carrier
    if carrier is None or layers.ceiling is None:
        return ()
    if layers.ceiling == "cap":
        value = carrier.written(cap_tenths(site, station, connectors) / TENTHS)
        return (Ceiling("cap", carrier.key, carrier.component, 0, value, fixed=True),)
    connectors = [one for one in connectors if unit_of(one, station) == carrier.unit]
    wanted = {one.id: max(floors[one.id][0], peaks.get(one.id, 0)) for one in connectors}
    fixed = {name: tenths == floors[name][0] for name, tenths in wanted.items()}
    if carrier.scope == "station":
        value = carrier.written(sum(wanted.values()) / TENTHS)
        return (Ceiling("floor", carrier.key, carrier.component, 0, value, fixed=all(fixed.values())),)
    return tuple(
        Ceiling(
            "floor",
            carrier.key_of(one.evse_id),
            carrier.component,
            one.evse_id,
            carrier.written(wanted[one.id] / TENTHS),
            fixed=fixed[one.id],
        )
        for one in connectors
        if one.id in layers.uncovered
    )
