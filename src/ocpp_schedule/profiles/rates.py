"""What one period asks for, and what several ask for together: units, phases, set-points; exact throughout."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.profiles.full import FullPeriod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from decimal import Decimal

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.full import FullSchedule
    from ocpp_schedule.profiles.station import Dialect

MICRO: Final = 1_000_000
PHASES: Final = (1, 2, 3)
MICRO_PER_TENTH: Final = MICRO // 10
Exact = int | Fraction
"""Values are whole grains; what does not fit is a fraction of them, never rounded."""
Lines = tuple[Exact | None, ...]
"""One value for all phases together, or one for each of L1, L2, L3."""
NOTHING: Final[Lines] = (None,)
QUANTITIES: Final = ("limit", "discharge", "setpoint", "reactive")


class Rate(NamedTuple):
    """What is asked for at one time.

    Attributes:
        unit: A (per phase) or W (in total; per phase where a quantity has three values).
        phases: how many are stated; None: none.
        limit, discharge, setpoint, reactive: one value, or three.
        cap: a further limit over all phases together, from a state of charge on.
        changed: the numbers are no longer those that were written.
        simple: there is one limit and nothing else, as in nearly every period.
    """

    unit: RateUnit
    phases: int | None = None
    limit: Lines = NOTHING
    discharge: Lines = NOTHING
    setpoint: Lines = NOTHING
    reactive: Lines = NOTHING
    cap: Exact | None = None
    changed: bool = False
    simple: bool = False


class Rules(NamedTuple):
    """How rates are put together.

    Attributes:
        unit: of the result.
        voltage_v: line to neutral.
        default_phases: where none are stated.
        dialect: whose reading.
        grain: values are counted in millionths of a unit, divided by this.
    """

    unit: RateUnit
    voltage_v: Exact
    default_phases: int
    dialect: Dialect
    grain: int


def rules_for(unit: RateUnit, voltage_v: Fraction, default_phases: int, dialect: Dialect) -> Rules:
    """Return rules with a grain that makes every quotient by voltage and phases a whole number."""
    whole = voltage_v.denominator == 1
    grain = math.lcm(*PHASES) * voltage_v.numerator
    return Rules(unit, voltage_v.numerator if whole else voltage_v, default_phases, dialect, grain)


def micro(value: Decimal) -> Exact:
    """Return a decimal in millionths.

    >>> from decimal import Decimal
    >>> micro(Decimal("16.1")), micro(Decimal("0.00000025"))
    (16100000, Fraction(1, 4))
    """
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * MICRO, denominator)
    return Fraction(numerator * MICRO, denominator) if rest else whole


def as_float(value: Decimal) -> float:
    """Return the nearest float; 0 without a sign, and nothing beyond the largest.

    >>> from decimal import Decimal
    >>> as_float(Decimal("-0.0")), as_float(Decimal("1e350"))
    (0.0, 1.7976931348623157e+308)
    """
    return _bounded(float(value) + 0.0)


def _bounded(value: float) -> float:
    """Return a number that JSON can write: what lies beyond the largest float is cut to it."""
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)


def plain(value: Exact | None, grain: Exact, *, cut: bool) -> float | None:
    """Return grains as a number: as it is, or cut to one decimal towards 0.

    >>> plain(9_057_971, 1, cut=True), plain(-500_000, 1, cut=False)
    (9.0, -0.5)
    """
    if value is None:
        return None
    if cut:
        tenths = int(_size(value) // (MICRO_PER_TENTH * grain))
        return _divided(tenths if value >= 0 else -tenths, 10)
    return _divided(value, MICRO * grain)


def _divided(value: Exact, divisor: Exact) -> float:
    try:
        return float(value / divisor)
    except OverflowError:
        return _bounded(math.inf if value > 0 else -math.inf)


def rates_of(schedule: FullSchedule, rules: Rules, *, become_3: bool, soc_percent: Decimal | None) -> list[Rate]:
    """Return what every period of a schedule asks for.

    Args:
        schedule: which one.
        rules: MicroOcpp raises limits to ``minChargingRate``.
        become_3: a period that states no phases has 3 (K01.FR.49).
        soc_percent: of the car, for ``limitAtSoC``.
    """
    unit, grain, stated = schedule.unit, rules.grain, 3 if become_3 else None
    plain_only = schedule.limit_at_soc is None and (schedule.min_charging_rate is None or rules.dialect != "microocpp")
    return [
        simple(unit, _phases(period.phases, stated), micro(period.limit) * grain)
        if plain_only and period.limit is not None and period[3:] == _REST
        else _rate_of(schedule, period, rules, become_3=become_3, soc_percent=soc_percent)
        for period in schedule.periods
    ]


def _rate_of(
    schedule: FullSchedule, period: FullPeriod, rules: Rules, *, become_3: bool, soc_percent: Decimal | None
) -> Rate:
    """Return what any period asks for."""
    least = schedule.min_charging_rate if rules.dialect == "microocpp" else None
    limit = _quantity(rules.grain, period.limit, period.limit_l2, period.limit_l3)
    if period.operation_mode == "idle" and period.limit is None:
        limit = (0,)
    if least is not None and limit[0] is not None:
        limit = (max(limit[0], micro(least) * rules.grain), *limit[1:])
    soc = schedule.limit_at_soc
    above = soc is not None and soc_percent is not None and soc_percent > soc.soc_percent
    return Rate(
        schedule.unit,
        _phases(period.phases, 3 if become_3 else None),
        limit,
        _quantity(rules.grain, period.discharge_limit, period.discharge_limit_l2, period.discharge_limit_l3),
        _quantity(rules.grain, period.setpoint, period.setpoint_l2, period.setpoint_l3),
        _quantity(rules.grain, period.setpoint_reactive, period.setpoint_reactive_l2, period.setpoint_reactive_l3),
        micro(soc.limit) * rules.grain if above and soc is not None else None,
    )


def _phases(written: int | None, absent: int | None) -> int | None:
    """Return how many phases a period states: more than three are three, less than one is nothing."""
    return absent if written is None or written < 1 else min(written, PHASES[-1])


def simple(unit: RateUnit, phases: int | None, limit: Exact) -> Rate:
    """Return a rate that is one limit and nothing else; fast, for there are many."""
    return tuple.__new__(Rate, (unit, phases, (limit,), NOTHING, NOTHING, NOTHING, None, False, True))


def _least(rates: Sequence[Rate], rules: Rules) -> Rate | None:
    """Return what simple rates allow together; None where there are others among them."""
    phases, same = None, True
    for rate in rates:
        if not rate.simple:
            return None
        same = same and rate.unit == rules.unit
        if phases is None or (rate.phases is not None and rate.phases < phases):
            phases = rate.phases
    if same:
        return simple(rules.unit, phases, min([rate.limit[0] for rate in rates if rate.limit[0] is not None]))
    factor = rules.voltage_v * (phases or rules.default_phases)
    limit = min(
        [
            rate.limit[0] if rate.unit == rules.unit else converted(rate.limit[0], rate.unit, factor)
            for rate in rates
            if rate.limit[0] is not None
        ]
    )
    return Rate(rules.unit, phases, (limit,), changed=True)


def _quantity(grain: int, *parts: Decimal | None) -> Lines:
    if parts[1:] == (None, None):
        parts = parts[:1]
    return tuple(None if part is None else micro(part) * grain for part in parts)


_REST: Final = (None,) * (len(FullPeriod._fields) - 3)


def combine(rates: Sequence[Rate], rules: Rules) -> Rate | None:
    """Return what holds where all of these hold, in the unit of the rules; None where there are none.

    The lowest stated number of phases counts for all (K01.FR.140), also where A and W are converted. As soon as one
    rate states values per phase, a total in W is split evenly.
    """
    if rules.dialect == "microocpp":  # it reports each unit by itself
        rates = [rate for rate in rates if rate.unit == rules.unit]
    if not rates:
        return None
    found = _least(rates, rules)
    if found is not None:
        return found
    if len(rates) == 1 and rates[0].unit == rules.unit and not _has_lines(rates[0]):
        return _clamped(rates[0])
    stated = [rate.phases for rate in rates if rate.phases is not None]
    phases = min(stated, default=None)
    used = phases or rules.default_phases
    split = used > 1 and any(map(_has_lines, rates))
    width = used if split else 1
    if used == 1:
        rates = [_narrowed(rate) for rate in rates]
    changed = any(rate.changed or rate.unit != rules.unit for rate in rates) or (
        split and any(len(rate.limit) == 1 and rate.unit == "W" for rate in rates)
    )
    caps = [(rate, (rate.cap,)) for rate in rates if rate.cap is not None]

    def together(chosen: Callable[[Rate], Lines], pick: Callable[[Iterable[Exact]], Exact], *more: Lines) -> Lines:
        columns = [_in_unit(chosen(rate), rate, rules, used, width) for rate in rates]
        found = tuple(
            pick(known) if (known := [value for value in line if value is not None]) else None
            for line in zip(*columns, *more, strict=True)
        )
        return NOTHING if all(value is None for value in found) else found

    limits = [_in_unit(cap, rate, rules, used, width) for rate, cap in caps]
    return _clamped(
        Rate(
            rules.unit,
            phases,
            together(lambda rate: rate.limit, min, *limits),
            together(lambda rate: rate.discharge, max),
            together(lambda rate: rate.setpoint, _setpoint),
            together(lambda rate: rate.reactive, _nearest_zero),
            None,
            changed,
        )
    )


def _has_lines(rate: Rate) -> bool:
    return len(rate.limit) + len(rate.discharge) + len(rate.setpoint) + len(rate.reactive) > len(QUANTITIES)


def _in_unit(values: Lines, rate: Rate, rules: Rules, used: int, width: int) -> Lines:
    """Return a quantity in the unit of the rules: one value for ``width`` 1, else one per phase."""
    same = rate.unit == rules.unit
    if width == 1:
        value = values[0]
        return (value if same or value is None else converted(value, rate.unit, rules.voltage_v * used),)
    # A sum over EVSEs with two phases each says nothing of a third line.
    spread = values * width if len(values) == 1 else (*values, *NOTHING * width)[:width]
    if len(values) == 1 and rate.unit == "W":
        spread = tuple(None if value is None else _over(value, used) for value in spread)
    if same:
        return spread
    return tuple(None if value is None else converted(value, rate.unit, rules.voltage_v) for value in spread)


def _narrowed(rate: Rate) -> Rate:
    """Return a rate for one phase: of three values the lowest, for it is not said which phase it is (K01.FR.147)."""
    return rate._replace(
        limit=_picked(rate.limit, min),
        discharge=_picked(rate.discharge, max),
        setpoint=_picked(rate.setpoint, _setpoint),
        reactive=_picked(rate.reactive, _nearest_zero),
    )


def _picked(values: Lines, pick: Callable[[Iterable[Exact]], Exact]) -> Lines:
    known = [value for value in values if value is not None]
    return (pick(known),) if known else NOTHING


def converted(value: Exact, unit: RateUnit, voltage_v: Exact) -> Exact:
    """Return a value in the other of the two units, with volts over all its phases."""
    return value * voltage_v if unit == "A" else _over(value, voltage_v)


def _over(value: Exact, divisor: Exact) -> Exact:
    """Return an exact quotient, as an integer where it is one."""
    if isinstance(value, int) and isinstance(divisor, int) and value % divisor == 0:
        return value // divisor
    return Fraction(value) / divisor


def _setpoint(values: Iterable[Exact]) -> Exact:
    """Return what set-points agree on: the least charging, the least discharging; 0 where they contradict."""
    known = list(values)
    if min(known) >= 0:
        return min(known)
    return min(0, max(known))


def _nearest_zero(values: Iterable[Exact]) -> Exact:
    return min(values, key=_size)


def _size(value: Exact) -> Exact:
    return value if value >= 0 else -value


def _clamped(rate: Rate) -> Rate:
    """Return a rate whose set-point keeps to its limit and discharge limit, and whose limit keeps to its cap."""
    if rate.cap is not None:
        rate = rate._replace(
            limit=(rate.cap if rate.limit[0] is None else min(rate.limit[0], rate.cap),), cap=None, simple=False
        )
    if rate.setpoint == NOTHING:
        return rate
    width = len(rate.setpoint)
    limit, lowest = _spread(rate.limit, width), _spread(rate.discharge, width)
    made = []
    for value, most, least in zip(rate.setpoint, limit, lowest, strict=True):
        kept = value
        if kept is not None and most is not None:
            kept = min(kept, most)
        if kept is not None and least is not None:
            kept = max(kept, least)
        made.append(kept)
    return rate._replace(setpoint=tuple(made))


def _spread(values: Lines, width: int) -> Lines:
    return values if len(values) == width else (None,) * width


def raised(rate: Rate, more: Rate, rules: Rules) -> Rate:
    """Return a limit with local generation added after all caps (2.1, purpose LocalGeneration)."""
    if rate.limit[0] is None or (rules.dialect != "standard"):
        return rate
    used = rate.phases or rules.default_phases
    width = len(rate.limit)
    added = _in_unit(more.limit, more, rules, used, width)
    limit = tuple(None if old is None else old + (extra or 0) for old, extra in zip(rate.limit, added, strict=True))
    changed = rate.changed or more.unit != rules.unit or (width > 1 and more.unit == "W" and len(more.limit) == 1)
    return rate._replace(limit=limit, changed=changed, simple=rate.simple and not changed)


def summed(rates: Sequence[Rate], rules: Rules) -> Rate:
    """Return the sum over EVSEs, each in the unit of the rules; the highest number of phases counts."""
    phases = max((rate.phases for rate in rates if rate.phases is not None), default=None)
    width = max((len(rate.limit) for rate in rates), default=1)
    split = width > 1 and rules.unit == "W" and any(len(rate.limit) == 1 for rate in rates)

    def total(chosen: Callable[[Rate], Lines], *, whole: bool) -> Lines:
        columns = [_in_unit(chosen(rate), rate, rules, rate.phases or rules.default_phases, width) for rate in rates]
        columns = [column + (None,) * (width - len(column)) for column in columns]
        found = []
        for line in zip(*columns, strict=True):
            known = [value for value in line if value is not None]
            found.append(sum(known) if known and (len(known) == len(line) or not whole) else None)
        return NOTHING if all(value is None for value in found) else tuple(found)

    return Rate(
        rules.unit,
        phases,
        total(lambda rate: rate.limit, whole=True),
        total(lambda rate: rate.discharge, whole=False),
        total(lambda rate: rate.setpoint, whole=False),
        total(lambda rate: rate.reactive, whole=False),
        None,
        split or any(rate.changed for rate in rates),
    )
