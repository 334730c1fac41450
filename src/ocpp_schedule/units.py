"""Units, exact rounding and physical constants, each with its source (convention 1)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

MICROAMPERES_PER_AMPERE: Final = 1_000_000
DECIAMPERES_PER_AMPERE: Final = 10
"""OCPP limits carry one decimal (OCPP 1.6 and 2.0.1: ChargingSchedulePeriodType.limit)."""
MICROAMPERES_PER_DECIAMPERE: Final = 100_000
ENERGY_UNITS_PER_WH: Final = 36_000
"""0.1 J, which is 0.1 A at 1 V for 1 s."""
PRICE_UNITS_PER_CURRENCY: Final = 1_000_000
"""Day-ahead prices have two decimals per MWh, five per kWh; six leaves room for levies."""
MONEY_UNITS_PER_CURRENCY: Final = PRICE_UNITS_PER_CURRENCY * ENERGY_UNITS_PER_WH * 1000
"""Energy unit (0.1 J) x price unit (1e-6 per kWh): 1 kWh has 36e6 energy units."""
MIN_PILOT_CURRENT_A: Final = 6.0
"""The smallest current a control pilot can offer (IEC 61851-1:2017, annex A, table A.8)."""
EDGE_GUARD_S: Final = 60
"""Clock skew plus settling of charger and car: evcc starts its profiles 60 s in the past for the same reason."""
PLAN_LEAD_S: Final = 60
"""Plan layers start this long before the grid, so that a slow clock opens no gap."""

VOLTAGE_TOLERANCE_PERCENT: Final = 10
"""Supply voltage stays within 10 % of nominal (IEC 60038:2009, table 1; EN 50160)."""

SupplyName = Literal["400Y/230", "230IT", "208Y/120", "480Y/277", "240/120"]
Line = Literal["L1", "L2", "L3"]
LINES: Final[tuple[Line, Line, Line]] = ("L1", "L2", "L3")
Channel = Literal["L1", "L2", "L3", "total"]
CHANNELS: Final[tuple[Channel, ...]] = (*LINES, "total")
"""What the rows of a node are about: the current on each line, and the power on all of them together."""
TOTAL: Final = 3
"""Index of the total channel."""
MILLI_PER_UNIT: Final = 1000
"""Total rows are in mVA: 0.1 A at 230 V is 23,000 of them, so that both kinds of rows have values of one size."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What a grid connection offers.

    Attributes:
        voltage_v: nominal voltage from a line to neutral [V]; without a neutral to the star point that no load
            uses, rounded up.
        low_voltage_v: lowest voltage to neutral [V], rounded down.
        high_voltage_v: highest voltage to neutral [V], rounded up.
        between_v: nominal voltage between two lines [V].
        lines: which lines there are.
        neutral: loads can be connected from a line to neutral; without it every load is between lines.

    >>> SUPPLIES["400Y/230"]
    Supply(voltage_v=230, low_voltage_v=207, high_voltage_v=253, between_v=400, lines=('L1', 'L2', 'L3'), neutral=True)
    """

    voltage_v: int
    low_voltage_v: int
    high_voltage_v: int
    between_v: int
    lines: tuple[Line, ...] = LINES
    neutral: bool = True

    @classmethod
    def from_nominal(
        cls, voltage_v: int, between_v: int, *, lines: tuple[Line, ...] = LINES, neutral: bool = True
    ) -> Supply:
        """Return the supply with the tolerance of IEC 60038 around the nominal voltages [V].

        >>> Supply.from_nominal(277, 480).high_voltage_v
        305
        """
        return cls(voltage_v, lowest_v(voltage_v), highest_v(voltage_v), between_v, lines, neutral)

    @property
    def low_between_v(self) -> int:
        """Lowest voltage between two lines [V], rounded down."""
        return lowest_v(self.between_v)

    @property
    def high_between_v(self) -> int:
        """Highest voltage between two lines [V], rounded up."""
        return highest_v(self.between_v)


def lowest_v(nominal_v: int) -> int:
    """Return the lowest voltage that a nominal one may have [V], rounded down.

    >>> lowest_v(230)
    207
    """
    return nominal_v * (100 - VOLTAGE_TOLERANCE_PERCENT) // 100


def highest_v(nominal_v: int) -> int:
    """Return the highest voltage that a nominal one may have [V], rounded up.

    >>> highest_v(277)
    305
    """
    return -(-nominal_v * (100 + VOLTAGE_TOLERANCE_PERCENT) // 100)


SUPPLIES: Final[dict[SupplyName, Supply]] = {
    "400Y/230": Supply.from_nominal(230, 400),  # IEC 60038:2009, table 1
    # 230 V between lines, neutral not distributed (IEC 60038:2009, table 1; usual in Norway): 230 / sqrt(3) = 132.8
    "230IT": Supply.from_nominal(133, 230, neutral=False),
    "208Y/120": Supply.from_nominal(120, 208),  # ANSI C84.1, three-phase four-wire
    "480Y/277": Supply.from_nominal(277, 480),  # ANSI C84.1, three-phase four-wire
    "240/120": Supply.from_nominal(120, 240, lines=("L1", "L2")),  # ANSI C84.1, single-phase three-wire
}


def exact(value: float) -> Fraction:
    """Return the decimal that is written, not the binary fraction behind it.

    >>> exact(0.1) == Fraction(1, 10)
    True
    """
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def round_down(value: float, units_per: int) -> int:
    """Return ``value`` times ``units_per`` as an integer, rounded towards minus infinity.

    >>> round_down(16.1, DECIAMPERES_PER_AMPERE), round_down(16.19, DECIAMPERES_PER_AMPERE)
    (161, 161)
    """
    if float(value).is_integer():
        return int(value) * units_per
    scaled = exact(value) * units_per
    return scaled.numerator // scaled.denominator


def round_up(value: float, units_per: int) -> int:
    """Return ``value`` times ``units_per`` as an integer, rounded towards plus infinity.

    >>> round_up(6.0, DECIAMPERES_PER_AMPERE), round_up(6.01, DECIAMPERES_PER_AMPERE)
    (60, 61)
    """
    return -round_down(-value, units_per)


def is_multiple(value: float, unit: float) -> bool:
    """Tell whether ``value`` is a whole number of ``unit``, both read as decimals.

    >>> is_multiple(0.3, 0.1), is_multiple(0.25, 0.1)
    (True, False)
    """
    return (exact(value) / exact(unit)).denominator == 1


@lru_cache(maxsize=1024)  # a site has many outlets and few kinds of them
def floor_div(value: float, divisor: float, factor: int = 1) -> int:
    """Return ``floor(value * factor / divisor)`` on the written decimals.

    >>> floor_div(16.0, 0.1)
    160
    """
    return int(exact(value) * factor // exact(divisor))


@lru_cache(maxsize=1024)
def ceil_div(value: float, divisor: float, factor: int = 1) -> int:
    """Return ``ceil(value * factor / divisor)`` on the written decimals.

    >>> ceil_div(6.0, 10, 3 * 253)
    456
    """
    return -int(-exact(value) * factor // exact(divisor))


def money_to_currency(units: int) -> float:
    """Return an exact money integer as a float in the tariff's currency, for display.

    >>> money_to_currency(45_540_000_000_000)
    1.265
    """
    return units / MONEY_UNITS_PER_CURRENCY


def energy_to_wh(units: int) -> float:
    """Return energy units (0.1 J) as Wh, for display.

    >>> energy_to_wh(198_720_000)
    5520.0
    """
    return units / ENERGY_UNITS_PER_WH
