"""What a composite schedule needs to know of a station, beside its profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.profiles.moment import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.model.site import OcppVersion

Dialect = Literal["standard", "libocpp", "microocpp"]
DIALECTS: Final[tuple[Dialect, ...]] = ("standard", "libocpp", "microocpp")
NOMINAL_VOLTAGE_V: Final = 230
MAX_EVSES: Final = 10_000
LARGEST_VOLTAGE_V: Final = 100_000
MOST_PHASES: Final = 3


class Transaction(NamedTuple):
    """A running transaction: its id (None: any TxProfile is meant for it), its start in seconds since 1970."""

    id: int | str | None = None
    start_s: int | None = None


@dataclass(frozen=True, slots=True)
class StationState:
    """A station at the instant of a request.

    Attributes:
        num_evses: how many EVSEs it has.
        voltage_v: nominal, line to neutral (K01.FR.49); with direct current that of the output.
        direct_current: the EVSEs have no phases: what profiles say of them is ignored (K01.FR.44), and W is A times V.
        default_phases: where a result states none and A and W are converted.
        default_limit_a, default_limit_w: reported where no profile gives a limit; None: no limit.
        transactions: running ones by EVSE.
        assume_transactions: TxDefaultProfile and TxProfile count although no transaction runs.
        phases_become_3: AC periods without ``numberPhases`` get 3 at installation (2.x, K01.FR.49).
        offline_s: how long the link has been down; None: it is up.
        was_offline_s: the longest it has ever been down since the profiles were installed.
        priority_evses: where priority charging is activated.
        soc_percent: state of charge by EVSE.
        zone: for ``useLocalTime``.
        random_delays_s: by profile id, the delays drawn for the periods after the first.
    """

    num_evses: int = 1
    voltage_v: Fraction = Fraction(NOMINAL_VOLTAGE_V)
    direct_current: bool = False
    default_phases: int = MOST_PHASES
    default_limit_a: Decimal | None = None
    default_limit_w: Decimal | None = None
    transactions: Mapping[int, Transaction] = field(default_factory=dict)
    assume_transactions: bool = False
    phases_become_3: bool = False
    offline_s: int | None = None
    was_offline_s: int = 0
    priority_evses: frozenset[int] = frozenset()
    soc_percent: Mapping[int, Decimal] = field(default_factory=dict)
    zone: ZoneInfo | None = None
    random_delays_s: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def read_station(station: Mapping[str, Any], version: OcppVersion) -> StationState:
    """Return the state that a mapping describes.

    Args:
        station: the keys of ``KEYS``; what is absent has the value of a plain station.
        version: 2.x stations write three phases into periods that state none, 1.6 stations do not.

    Raises:
        InputError: an unknown key, or a value that cannot be.
    """
    if not isinstance(station, Mapping):
        what = f"{quoted(station)} is no description of a station; give an object with the keys that are known."
        raise InputError("composite schedule", [InputProblem("station", what)])
    problems: list[InputProblem] = []
    values: dict[str, Any] = {"phases_become_3": version != "1.6"}
    for key, raw in station.items():
        known = KEYS.get(key)
        if known is None:
            what = f"is not known; there are {', '.join(KEYS)}."
            problems.append(InputProblem(f"station[{quoted(key)}]", what))
            continue
        name, read, wanted = known
        try:
            values[name] = read(raw)
        except (ValueError, TypeError, AttributeError, KeyError, OSError, InvalidOperation):
            problems.append(InputProblem(f"station[{key!r}]", f"{quoted(raw)} cannot be; give {wanted}."))
    if values.get("direct_current"):
        values |= {"default_phases": 1, "phases_become_3": False}
        if "voltage_v" not in values:
            what = "is missing; with direct current give the voltage at which A and W are converted."
            problems.append(InputProblem("station['supply_voltage']", what))
    if problems:
        raise InputError("composite schedule", problems)
    return StationState(**values)


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(raw: Any) -> int:
        if type(raw) is not int or not low <= raw <= high:
            raise ValueError(raw)
        return raw

    return read


def _is_dc(raw: Any) -> bool:
    if raw not in ("AC", "DC"):
        raise ValueError(raw)
    return bool(raw == "DC")


def _flag(raw: Any) -> bool:
    if type(raw) is not bool:
        raise ValueError(raw)
    return raw


def _decimal(raw: Any) -> Decimal:
    if type(raw) not in {int, float, Decimal} or not (found := Decimal(str(raw))).is_finite():
        raise ValueError(raw)
    return found


def _voltage(raw: Any) -> Fraction:
    found = Fraction(_decimal(raw))
    if not 0 < found <= LARGEST_VOLTAGE_V:
        raise ValueError(raw)
    return found


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda raw: None if raw is None else read(raw)


def _by_number(read: Callable[[Any], Any]) -> Callable[[Any], dict[int, Any]]:
    return lambda raw: {int(number): read(value) for number, value in raw.items()}


def _transaction(raw: Any) -> Transaction:
    if unknown := raw.keys() - {"id", "start"}:
        raise ValueError(unknown)
    start, number = raw.get("start"), raw.get("id")
    found = None if start is None else read_moment(start)
    if (start is not None and found is None) or not isinstance(number, int | str | None):
        raise ValueError(raw)
    return Transaction(number, None if found is None else found.utc_s)


def _numbers(raw: Any) -> tuple[int, ...]:
    if type(raw) not in {list, tuple, set, frozenset}:
        raise ValueError(raw)
    return tuple(_seconds(part) for part in raw)


_seconds = _whole(0, 10**12)
_limit = _optional(_decimal)
KEYS: Final[dict[str, tuple[str, Callable[[Any], Any], str]]] = {
    "num_evses": ("num_evses", _whole(1, MAX_EVSES), f"1 to {MAX_EVSES}"),
    "supply_voltage": ("voltage_v", _voltage, "the nominal voltage from line to neutral [V]"),
    "evse_current_type": ("direct_current", _is_dc, "'AC' or 'DC'"),
    "default_number_phases": ("default_phases", _whole(1, MOST_PHASES), "1, 2 or 3"),
    "default_limit_A": ("default_limit_a", _limit, "a number [A] or None"),
    "default_limit_W": ("default_limit_w", _limit, "a number [W] or None"),
    "transactions": ("transactions", _by_number(_transaction), 'EVSE to {"id", "start"}'),
    "assume_transaction_on_every_evse": ("assume_transactions", _flag, "True or False"),
    "absent_numberPhases_becomes_3_at_install": ("phases_become_3", _flag, "True or False"),
    "offline_for_s": ("offline_s", _optional(_seconds), "seconds, or None"),
    "was_offline_for_s": ("was_offline_s", _seconds, "seconds"),
    "priority_charging": ("priority_evses", lambda raw: frozenset(_numbers(raw)), "a list of EVSEs"),
    "soc_percent": ("soc_percent", _by_number(_decimal), "EVSE to percent"),
    "time_zone": ("zone", ZoneInfo, "an IANA name"),
    "random_delays_s": ("random_delays_s", _by_number(_numbers), "profile id to a list of seconds"),
}
"""Key of the mapping: field of ``StationState``, how it is read, what is wanted."""
