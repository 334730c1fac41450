"""What one step of a connector does: currents, power, and the range of set-points (conventions 5, 14, 15)."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import NamedTuple

from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    LINES,
    MICROAMPERES_PER_AMPERE,
    MICROAMPERES_PER_DECIAMPERE,
    Line,
    Supply,
    exact,
    round_down,
    round_up,
)


class Effect(NamedTuple):
    """One step of a connector, for a car with known or unknown phases (convention 5).

    Attributes:
        load_units: current on L1, L2, L3 of the site [uA], and the most power of all lines together [mVA].
        power: into the car [0.1 W].
        draw: what the site delivers for it [0.1 W].
        minimum: smallest set-point other than 0 [steps].
        maximum: largest set-point [steps].
    """

    load_units: tuple[int, int, int, int]
    power: int
    draw: int
    minimum: int
    maximum: int


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


@lru_cache(maxsize=4096)
def effect(
    lines: tuple[Line, ...],
    step: float,
    supply: Supply,
    phases: int | None,
    min_a: float,
    max_a: float,
    *,
    only_w: bool,
    between: bool = False,
) -> Effect:
    """Return what one step does.

    Args:
        lines: of the connector, as wired.
        step: of the connector, A or, with ``only_w``, W.
        supply: its voltages.
        phases: of the car; None: unknown.
        min_a: the larger minimum of connector and session [A per line].
        max_a: the smaller maximum of connector and session [A per line].
        only_w: the station takes W only.
        between: the load lies between the two lines, not between each and neutral (convention 15).

    >>> from ocpp_schedule.units import SUPPLIES
    >>> effect(("L2", "L3", "L1"), 0.1, SUPPLIES["400Y/230"], 2, 6.0, 16.0, only_w=False)
    Effect(load_units=(0, 100000, 100000, 46000), power=460, draw=460, minimum=60, maximum=160)
    """
    used = [LINES.index(line) for line in (lines if phases is None or between else lines[:phases])]
    if between:  # one current at the voltage between the lines, which flows on both
        one = effect(
            lines[:1],
            step,
            Supply(supply.between_v, supply.low_between_v, supply.high_between_v, supply.between_v),
            1,
            min_a,
            max_a,
            only_w=only_w,
        )
        current = max(one.load_units[:3])
        first, second, third = (current if line in used else 0 for line in range(3))
        return one._replace(load_units=(first, second, third, one.load_units[3]))
    count = len(used)
    on_line = [0, 0, 0]
    if only_w:
        step_w = int(step)
        for rank, line in enumerate(used, start=1):
            sharing = rank if phases is None else count
            on_line[line] = _ceil(step_w * MICROAMPERES_PER_AMPERE, sharing * supply.low_voltage_v)
        power = 10 * step_w // (count if phases is None else 1)
        total = 1000 * step_w
        minimum = _ceil(round_up(min_a, count * supply.high_voltage_v), step_w)
        maximum = round_down(max_a, count * supply.voltage_v) // step_w
    else:
        step_da = round_down(step, DECIAMPERES_PER_AMPERE)
        for line in used:
            on_line[line] = step_da * MICROAMPERES_PER_DECIAMPERE
        power = (1 if phases is None else count) * supply.voltage_v * step_da
        total = 100 * count * supply.voltage_v * step_da
        minimum = _ceil(round_up(min_a, DECIAMPERES_PER_AMPERE), step_da)
        maximum = round_down(max_a, DECIAMPERES_PER_AMPERE) // step_da
    return Effect((on_line[0], on_line[1], on_line[2], total), power, power, minimum, maximum)


@lru_cache(maxsize=4096)
def dc_effect(
    lines: tuple[Line, ...], step_w: int, supply: Supply, max_power_w: float, efficiency: float, max_a: float
) -> Effect:
    """Return what one step of a DC outlet does: W into the car, drawn on all its lines alike (convention 14).

    Args:
        lines: of the connector.
        step_w: one step [W].
        supply: its voltages.
        max_power_w: most into the car [W].
        efficiency: power into the car by power drawn.
        max_a: most on each line [A].

    >>> from ocpp_schedule.units import SUPPLIES
    >>> dc_effect(("L1", "L2", "L3"), 1000, SUPPLIES["400Y/230"], 50_000.0, 0.95, 100.0)
    Effect(load_units=(1695059, 1695059, 1695059, 1052632), power=10000, draw=10527, minimum=0, maximum=50)
    """
    drawn_w = step_w / exact(efficiency)
    per_line = ceil(drawn_w * MICROAMPERES_PER_AMPERE / (len(lines) * supply.low_voltage_v))
    on_line = [per_line if line in lines else 0 for line in LINES]
    carried_w = exact(max_a) * len(lines) * supply.voltage_v * exact(efficiency)
    most = min(exact(max_power_w), carried_w) // step_w
    loads = (on_line[0], on_line[1], on_line[2], ceil(drawn_w * 1000))
    return Effect(loads, 10 * step_w, ceil(10 * drawn_w), 0, int(most))
