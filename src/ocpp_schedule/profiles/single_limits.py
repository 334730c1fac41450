"""The usual case of a composite schedule, fast: every period is one limit and nothing else.

What is found is what ``rates`` finds, in a third of the time; the tests compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Final

from ocpp_schedule.profiles.rates import MICRO_PER_TENTH, PHASES, Exact, as_float, micro, plain

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from ocpp_schedule.model.capabilities import RateUnit
    from ocpp_schedule.profiles.full import FullProfile, FullSchedule
    from ocpp_schedule.profiles.rates import Rules

Limit = tuple[float | None, int | None, Sequence[float | None]]
"""What one period allows: the limit as it is reported, None where its unit is not the one asked for; the phases that
are stated; the limit as it is reported beside one in another unit, with 1, 2 and 3 phases (None: not
needed)."""
Reported = tuple[float | None, int | None]
"""A limit as it is reported, and the phases beside it."""
_LARGEST_TENTHS: Final = 2**53
"""Up to here a quotient by ten needs no second thought."""


def single_limits(profiles: Iterable[FullProfile], rules: Rules, *, become_3: bool) -> dict[int, list[Limit]] | None:
    """Return the limits of each profile by its ``id()``; None where the profiles come to more than single limits.

    Args:
        profiles: all that may speak, in force or not.
        rules: of the answer; MicroOcpp has others.
        become_3: a period that states no phases has 3 (K01.FR.49).
    """
    held = list(profiles)
    if rules.dialect == "microocpp" or any(profile.purpose == "local_generation" for profile in held):
        return None
    schedules = {id(profile): profile.schedules[0] for profile in held if profile.schedules}
    columns = {key: _columns(schedule) for key, schedule in schedules.items()}
    phases = _phases({count for column in columns.values() if column for count in column[1]}, 3 if become_3 else None)
    nothing: Sequence[float | None] = ()
    mixed = any(schedule.unit != rules.unit for schedule in schedules.values())
    used = {rules.default_phases, *phases.values()}
    found: dict[int, list[Limit]] = {}
    for key, schedule in schedules.items():
        column = columns[key]
        if column is None:
            return None
        written, counts = column
        changed = _changed(written, schedule.unit, rules, used) if mixed else repeat(nothing)
        numbers = _numbers(written) if schedule.unit == rules.unit else repeat(None)
        found[key] = list(zip(numbers, map(phases.__getitem__, counts), changed, strict=False))
    return found


def _columns(schedule: FullSchedule) -> tuple[Sequence[Decimal], Sequence[int | None]] | None:
    """Return limits and phases of all periods; None where one of them says something else."""
    if schedule.limit_at_soc is not None:
        return None
    if not schedule.periods:
        return (), ()
    _, limits, counts, *rest = zip(*schedule.periods, strict=True)
    if set(map(type, limits)) != {Decimal} or rest != [(None,) * len(limits)] * len(rest):
        return None
    return limits, counts


def _phases(counts: Iterable[int | None], stated: int | None) -> dict[int | None, int | None]:
    """Return how many phases each ``numberPhases`` states: more than three are three, less than one is nothing."""
    return {count: stated if count is None or count < 1 else min(count, PHASES[-1]) for count in counts}


def _changed(
    written: Sequence[Decimal], unit: RateUnit, rules: Rules, used: Container[int | None]
) -> Iterable[Sequence[float | None]]:
    """Return limits as they are reported where a unit was converted, with 1, 2 and 3 phases.

    Cutting to one decimal keeps the order, so that the least of what is cut is what the least is cut to.
    """
    exact = list(map(micro, written))
    if unit == rules.unit:
        same = _reported(exact, 1, rules)
        return zip(same, same, same, strict=True)
    columns: list[Iterable[float | None]] = []
    for factor in [rules.voltage_v * count if count in used else None for count in PHASES]:
        if factor is None:
            columns.append(repeat(None))
        elif unit == "A":
            columns.append(_reported([value * factor for value in exact], 1, rules))
        else:
            columns.append(_reported(exact, factor, rules))
    return zip(*columns, strict=False)


def _reported(values: Sequence[Exact], divisor: Exact, rules: Rules) -> list[float | None]:
    cut = rules.dialect != "libocpp"
    tenth = MICRO_PER_TENTH * divisor
    if cut and min(values, default=0) >= 0 and max(values, default=0) < tenth * _LARGEST_TENTHS:
        return [value // tenth / 10 for value in values]
    return [plain(value, divisor, cut=cut) for value in values]


def _numbers(written: Sequence[Decimal]) -> list[float]:
    numbers = list(map(float, written))
    plain_ones = all(numbers) and all(map(math.isfinite, numbers))
    return numbers if plain_ones else list(map(as_float, written))


def least(held: Sequence[Limit | None], rules: Rules, default: Reported) -> Reported:
    """Return what several limits allow together; the lowest stated number of phases counts for all (K01.FR.140)."""
    lowest: float | None = None
    phases: int | None = None
    changed = False
    for limit in held:
        if limit is None:
            continue
        number, stated, _ = limit
        if phases is None or (stated is not None and stated < phases):
            phases = stated
        if number is None:
            changed = True
        elif lowest is None or number < lowest:
            lowest = number
    if changed:
        place = (phases or rules.default_phases) - 1
        lowest = None
        for limit in held:
            value = None if limit is None else limit[2][place]
            if value is not None and (lowest is None or value < lowest):
                lowest = value
    return default if lowest is None else (lowest, phases)
