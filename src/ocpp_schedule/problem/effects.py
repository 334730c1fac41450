"""What one step of a set-point does, per connector and session (convention 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    LINES,
    MICROAMPERES_PER_AMPERE,
    MICROAMPERES_PER_DECIAMPERE,
    MILLI_PER_UNIT,
    Line,
    Supply,
    ceil_div,
    exact,
    floor_div,
    round_down,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from ocpp_schedule.model._base import PerPhasesA
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Connector


@dataclass(frozen=True, slots=True)
class Effect:
    """Effects of one step of a connector for a car with a given number of phases.

    Attributes:
        load_units: on each channel: current on L1, L2, L3 of the site [uA], and the most power of all lines [mVA].
        power_dw: expected power into the car [0.1 W].
        min_steps: smallest non-zero set-point [steps].
        max_steps: largest [steps].
        pilots: 0 and the allowed set-points where some whole step between minimum and maximum is not one [steps];
            else empty.
        loss_dw: what the site delivers beside ``power_dw``: the losses of DC [0.1 W].
    """

    load_units: tuple[int, ...]
    power_dw: int
    min_steps: int
    max_steps: int
    pilots: tuple[int, ...] = ()
    loss_dw: int = 0


def current_range(connector: Connector, session: Session) -> tuple[float, float]:
    """Return the smallest and largest current of a car on a connector, safe for any number of phases it may use [A].

    >>> from datetime import UTC, datetime
    >>> from ocpp_schedule.model.session import Session
    >>> from ocpp_schedule.model.site import Connector
    >>> car = Session(id="a", connector="C", arrival=datetime(2026, 1, 15, tzinfo=UTC), min_current_a=(6, 6, 8))
    >>> current_range(Connector(id="C", station="S", max_current_a=16), car)
    (8.0, 16.0)
    """
    lines = len(connector.lines)
    counts = range(1, lines + 1) if session.phases is None else (min(session.phases, lines),)
    lows = [connector.min_current_a, *_by_phases(session.min_current_a, counts)]
    highs = [connector.max_current_a, *_by_phases(session.max_current_a, counts)]
    return max(lows), min(highs)


def _by_phases(given: PerPhasesA | None, counts: Sequence[int]) -> list[float]:
    """Return the currents given for numbers of phases."""
    if given is None:
        return []
    return [given[count - 1] for count in counts] if isinstance(given, tuple) else [given]


def takes_amperes(rate_units: tuple[str, ...], current_type: str = "AC") -> bool:
    """Tell whether an outlet is driven in A; in W only where it is DC, or the station takes nothing else."""
    return current_type == "AC" and "A" in rate_units


def effect(
    connector: Connector, supply: Supply, *, amperes: bool, phases: int | None, min_a: float, max_a: float
) -> Effect:
    """Return the effects of one step.

    Args:
        connector: the outlet.
        supply: voltages to neutral.
        amperes: the station takes A; else the step is ``step_w``.
        phases: of the car; None is unknown.
        min_a: smallest current of connector and car [A].
        max_a: largest [A].

    >>> from ocpp_schedule.model.site import Connector
    >>> outlet = Connector(id="C", station="S", max_current_a=16)
    >>> effect(outlet, Supply.from_nominal(230, 400), amperes=True, phases=1, min_a=6.0, max_a=16.0)
    Effect(load_units=(100000, 0, 0, 23000), power_dw=230, min_steps=60, max_steps=160, pilots=(), loss_dw=0)
    """
    if connector.current_type == "DC":
        return _dc_effect(
            connector.lines, connector.step_w, supply, connector.efficiency or 1.0, connector.max_power_w or 0.0, max_a
        )
    plain = _plain(connector, supply, phases, min_a, max_a, amperes=amperes)
    if connector.allowed_currents_a is None or not plain.max_steps:
        return plain
    usable = pilot_steps(connector.allowed_currents_a, plain.min_steps, plain.max_steps)
    if not usable:
        return replace(plain, min_steps=0, max_steps=0)
    gaps = usable[-1] - usable[0] + 1 > len(usable)
    return replace(plain, min_steps=usable[0], max_steps=usable[-1], pilots=(0, *usable) if gaps else ())


def _plain(
    connector: Connector, supply: Supply, phases: int | None, min_a: float, max_a: float, *, amperes: bool
) -> Effect:
    """Return the effects of one step where every step is allowed."""
    step_a = connector.setpoint_step_a if amperes else None
    if connector.connection == "wye":
        return _effect(connector.lines, step_a, connector.step_w, supply, phases, min_a, max_a)
    # A load between two lines is a one-phase load at the voltage between them, whose current flows on both.
    between = Supply(supply.between_v, supply.low_between_v, supply.high_between_v, supply.between_v)
    one = _effect(connector.lines[:1], step_a, connector.step_w, between, 1, min_a, max_a)
    current = max(one.load_units[: len(LINES)])
    on_lines = tuple(current if line in connector.lines else 0 for line in LINES)
    return replace(one, load_units=(*on_lines, *one.load_units[len(LINES) :]))


@lru_cache(maxsize=4096)  # a site has many outlets and few kinds of them, and exact arithmetic is slow
def _effect(
    wired: tuple[Line, ...],
    step_a: float | None,
    step_w: int,
    supply: Supply,
    phases: int | None,
    min_a: float,
    max_a: float,
) -> Effect:
    """Return the effects of one step by value; without ``step_a`` the step is ``step_w``."""
    used = len(wired) if phases is None else min(phases, len(wired))
    expected = 1 if phases is None else used
    on_line = dict.fromkeys(LINES, 0)
    if step_a is not None:
        step_da = round_down(step_a, DECIAMPERES_PER_AMPERE)
        for line in wired[:used]:
            on_line[line] = step_da * MICROAMPERES_PER_DECIAMPERE
        power_dw = expected * supply.voltage_v * step_da
        most_mva = used * supply.voltage_v * step_da * (MILLI_PER_UNIT // DECIAMPERES_PER_AMPERE)
        min_steps, max_steps = ceil_div(min_a, step_a), floor_div(max_a, step_a)
    else:
        for position, line in enumerate(wired[:used], start=1):
            share = position if phases is None else used
            on_line[line] = -(-step_w * MICROAMPERES_PER_AMPERE // (share * supply.low_voltage_v))
        power_dw = 10 * step_w // (used if phases is None else 1)
        most_mva = step_w * MILLI_PER_UNIT
        min_steps = ceil_div(min_a, step_w, used * supply.high_voltage_v)
        max_steps = floor_div(max_a, step_w, used * supply.voltage_v)
    loads = (on_line["L1"], on_line["L2"], on_line["L3"], most_mva)
    if max_steps < max(min_steps, 1):
        return Effect(loads, power_dw, 0, 0)
    return Effect(loads, power_dw, min_steps, max_steps)


@lru_cache(maxsize=4096)
def _dc_effect(
    wired: tuple[Line, ...], step_w: int, supply: Supply, efficiency: float, max_power_w: float, max_a: float
) -> Effect:
    """Return the effects of one step of a DC outlet, whose rectifier draws on all its lines alike (convention 14)."""
    lines, share = len(wired), exact(efficiency)
    current = _up(step_w * MICROAMPERES_PER_AMPERE / (share * lines * supply.low_voltage_v))
    loads = tuple(current if line in wired else 0 for line in LINES)
    drawn_w = exact(max_a) * lines * supply.voltage_v * share
    most = int(min(exact(max_power_w), drawn_w) // step_w)
    power_dw = 10 * step_w
    loss_dw = _up(power_dw / share) - power_dw
    return Effect((*loads, _up(step_w * MILLI_PER_UNIT / share)), power_dw, 0, most, loss_dw=loss_dw)


def _up(value: Fraction) -> int:
    return -int(-value // 1)


def idle_floor_steps(connector: Connector, supply: Supply, *, amperes: bool, floor_a: float) -> int:
    """Return the idle floor in steps, rounded down (convention 4)."""
    if connector.current_type == "DC":
        max_a = min(floor_a, connector.max_current_a)
        return effect(connector, supply, amperes=False, phases=None, min_a=0.0, max_a=max_a).max_steps
    allowed_a = min(floor_a, connector.max_current_a)
    if connector.allowed_currents_a is not None:
        return max((0, *pilot_steps(connector.allowed_currents_a, 0, floor_div(allowed_a, connector.setpoint_step_a))))
    if amperes:
        return floor_div(allowed_a, connector.step_a)
    if connector.connection == "delta":
        return floor_div(allowed_a, connector.step_w, supply.between_v)
    return floor_div(allowed_a, connector.step_w, len(connector.lines) * supply.voltage_v)


@lru_cache(maxsize=1024)  # a site has few kinds of chargers
def pilot_steps(allowed_a: tuple[float, ...], low: int, high: int) -> tuple[int, ...]:
    """Return the allowed set-points above 0 between ``low`` and ``high`` steps; a step is their common divisor.

    >>> pilot_steps((0.0, 8.0, 16.0, 24.0, 32.0), 0, 3)
    (1, 2, 3)
    >>> pilot_steps((0.0, 6.0, 10.0, 16.0), 0, 16)
    (3, 5, 8)
    """
    tenths = [round_down(one, DECIAMPERES_PER_AMPERE) for one in allowed_a]
    step = math.gcd(*tenths)
    return tuple(one // step for one in tenths if one and low <= one // step <= high)
