"""The composite schedule the slow way: one instant at a time, on wire dicts, by the letter of the rules.

It shares no code with ``profiles``. The numbers in brackets are the sections of the rules in docs/profiles.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

QUANTITIES: Final = ("limit", "dischargeLimit", "setpoint", "setpointReactive")
LINES: Final = ("", "_L2", "_L3")
DAYS: Final = {"Daily": 1, "Weekly": 7}
MAXIMA: Final = ("ChargePointMaxProfile", "ChargingStationMaxProfile")
ONE: Final = timedelta(seconds=1)


class BruteComposite:
    """The composite schedule of one request, at any instant.

    Args:
        profiles: ``{"connector", "profile"}`` items with wire dicts.
        station: as ``composite_schedule`` takes it.
        version: OCPP version of the profiles.
        start: of the request, whole seconds.
        unit: A or W.
        dialect: whose reading.
    """

    def __init__(
        self,
        profiles: Sequence[Mapping[str, Any]],
        station: Mapping[str, Any],
        *,
        version: str,
        start: datetime,
        unit: str,
        dialect: str = "standard",
    ) -> None:
        self.profiles = profiles
        self.station = station
        self.start = start
        self.unit = unit
        self.dialect = dialect
        self.volt = Fraction(str(station.get("supply_voltage", 230)))
        self.has_phases = station.get("evse_current_type") != "DC"
        self.assumed_phases = station.get("default_number_phases", 3) if self.has_phases else 1
        self.become_3 = self.has_phases and station.get("absent_numberPhases_becomes_3_at_install", version != "1.6")
        self.running = {int(evse): one for evse, one in station.get("transactions", {}).items()}
        self.rates: dict[tuple[int, int, int], dict[str, Any]] = {}
        self.known: dict[tuple[int, ...], dict[str, Any]] = {}

    def at(self, evse: int, second: int) -> dict[str, Any]:
        """Return what holds ``second`` seconds after the start: quantities by wire name, and ``phases``."""
        now = self.start + second * ONE
        spoken = self._spoken(evse, now)
        key = (evse, *map(id, spoken))
        if key not in self.known:  # the same rates, which ``self.rates`` keeps, come to the same at any instant
            self.known[key] = self._written(self._of_station(spoken) if evse == 0 else self._of_evse(spoken))
        return self.known[key]

    def _spoken(self, evse: int, now: datetime) -> list[dict[str, Any] | None]:
        """Return what is said now: maximum and local generation, then constraints and transaction of each EVSE."""
        whole = evse == 0
        evses: Iterable[int] = range(1, self.station.get("num_evses", 1) + 1) if whole else [evse]
        if whole and self.dialect == "microocpp":
            evses = ()
        generation = self._speaks(("LocalGeneration",), evse, now) if self.dialect == "standard" else None
        found = [self._speaks(MAXIMA, evse, now), generation]
        for one in evses:
            found.append(self._speaks(("ChargingStationExternalConstraints",), one, now))
            found.append(self._in_transaction(one, now))
        return found

    def _of_evse(self, spoken: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
        top, generation, *own = spoken
        return self._with_generation(self._together([top, *own]) or self._unlimited(), generation)

    def _of_station(self, spoken: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
        top, generation, *own = spoken
        parts = [top]
        if own:
            each = [self._together(own[k : k + 2]) or self._unlimited() for k in range(0, len(own), 2)]
            parts.append(self._added(each))
        return self._with_generation(self._together(parts) or self._unlimited(), generation)

    def _unlimited(self) -> dict[str, Any]:
        default = self.station.get(f"default_limit_{self.unit}")
        limit = None if default is None else Fraction(str(default))
        return {"unit": self.unit, "phases": None, "limit": [limit]}

    def _in_transaction(self, evse: int, now: datetime) -> dict[str, Any] | None:
        if evse not in self.running and not self.station.get("assume_transaction_on_every_evse", False):
            return None
        purposes = ["TxProfile", "TxDefaultProfile"]
        if self.dialect == "standard" and evse in self.station.get("priority_charging", ()):
            purposes.insert(0, "PriorityCharging")
        for purpose in purposes:
            found = self._speaks((purpose,), evse, now)
            if found is not None:
                return found
        return None

    def _speaks(self, purposes: Iterable[str], evse: int, now: datetime) -> dict[str, Any] | None:
        """Return what the highest level with a period says."""
        best: tuple[Any, dict[str, Any]] | None = None
        for place, item in enumerate(self.profiles):
            profile, where = item["profile"], item["connector"]
            if profile["chargingProfilePurpose"] not in purposes:
                continue
            if where != evse and (where != 0 or "TxProfile" in purposes):
                continue
            if "TxProfile" in purposes and not self._is_meant(profile, evse):
                continue
            found = self._rate(profile, evse, now)
            if found is None:
                continue
            rank = (
                self.dialect == "microocpp" and "TxDefaultProfile" in purposes and where != 0,
                profile["stackLevel"],
                where != 0,
                place,
            )
            if best is None or rank > best[0]:
                best = rank, found
        return None if best is None else best[1]

    def _is_meant(self, profile: Mapping[str, Any], evse: int) -> bool:
        ours, theirs = self.running.get(evse, {}).get("id"), profile.get("transactionId")
        return ours is None or theirs is None or ours == theirs

    def _rate(self, profile: Mapping[str, Any], evse: int, now: datetime) -> dict[str, Any] | None:
        """Return what a profile says now; None where it says nothing."""
        schedule = profile["chargingSchedule"]
        schedule = schedule[0] if isinstance(schedule, list) else schedule
        if not self._is_valid(profile, now):
            return None
        period = self._period(profile, schedule, evse, now)
        if period is None:
            return None
        key = (id(profile), id(period), evse)
        if key not in self.rates:
            self.rates[key] = self._asked(profile, schedule, period, evse)
        return self.rates[key]

    def _asked(
        self, profile: Mapping[str, Any], schedule: Mapping[str, Any], period: Mapping[str, Any], evse: int
    ) -> dict[str, Any]:
        """Return what a period asks for."""
        phases = 3 if self.become_3 else None
        if self.has_phases and period.get("numberPhases", 0) >= 1:
            phases = min(period["numberPhases"], 3)
        found: dict[str, Any] = {"unit": schedule["chargingRateUnit"], "phases": phases}
        for quantity in QUANTITIES:
            values = [period.get(quantity + line) for line in LINES]
            exact = [None if value is None else Fraction(str(value)) for value in values]
            found[quantity] = exact if exact[1:] != [None, None] else exact[:1]
        if period.get("operationMode") == "Idle" and "limit" not in period:
            found["limit"] = [Fraction(0)]
        least = schedule.get("minChargingRate")
        if self.dialect == "microocpp" and least is not None and found["limit"][0] is not None:
            found["limit"][0] = max(found["limit"][0], Fraction(str(least)))
        soc = self.station.get("soc_percent", {}).get(evse)
        capped = schedule.get("limitAtSoC")
        of_car = profile["chargingProfilePurpose"] in {"TxProfile", "TxDefaultProfile", "PriorityCharging"}
        if capped is not None and soc is not None and soc > capped["soc"] and of_car:
            found["cap"] = Fraction(str(capped["limit"]))
        return found

    def _is_valid(self, profile: Mapping[str, Any], now: datetime) -> bool:
        if "validFrom" in profile and now < _instant(profile["validFrom"]):
            return False
        if "validTo" in profile:
            end = _instant(profile["validTo"])
            if now > end or (now == end and self.dialect != "microocpp"):
                return False
        most = profile.get("maxOfflineDuration")
        if most is None:
            return True
        if profile.get("invalidAfterOfflineDuration") and self.station.get("was_offline_for_s", 0) > most:
            return False
        down = self.station.get("offline_for_s")
        return down is None or down + (now - self.start) // ONE < most

    def _period(
        self, profile: Mapping[str, Any], schedule: Mapping[str, Any], evse: int, now: datetime
    ) -> Mapping[str, Any] | None:
        periods: Sequence[Mapping[str, Any]] = schedule["chargingSchedulePeriod"]
        if profile["chargingProfileKind"] == "Dynamic":
            updated = _instant(profile["dynUpdateTime"]) if "dynUpdateTime" in profile else self.start
            over = "duration" in schedule and now >= updated + schedule["duration"] * ONE
            return None if over else periods[0]
        anchor = self._anchor(profile, schedule, evse, now)
        passed = (now - anchor) // ONE
        if "duration" in schedule and passed >= schedule["duration"]:
            return None
        delays = [0, *self.station.get("random_delays_s", {}).get(profile.get("id"), ())]
        found = None
        for index, period in enumerate(periods):
            delay = delays[index] if index < len(delays) else 0
            if period["startPeriod"] + min(delay, schedule.get("randomizedDelay", 0)) <= passed:
                found = period
        return found

    def _anchor(self, profile: Mapping[str, Any], schedule: Mapping[str, Any], evse: int, now: datetime) -> datetime:
        if profile["chargingProfileKind"] == "Relative":
            begun = self.running.get(evse, {}).get("start")
            return self.start if begun is None else _instant(begun)
        if "startSchedule" not in schedule:
            return self.start
        zone = self.station.get("time_zone") if schedule.get("useLocalTime") else None
        clock = _instant(schedule["startSchedule"])
        if zone is not None:
            clock = datetime.fromisoformat(schedule["startSchedule"]).replace(tzinfo=None, microsecond=0)
        place: Callable[[datetime], datetime] = (
            (lambda wall: wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) if zone is not None else _same
        )
        if profile["chargingProfileKind"] == "Absolute" or "recurrencyKind" not in profile:
            return place(clock)
        every = timedelta(days=DAYS[profile["recurrencyKind"]])
        count = (now - clock.replace(tzinfo=UTC)) // every + 2
        while place(clock + count * every) > now:
            count -= 1
        return place(clock + count * every)

    def _together(self, parts: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
        rates = [part for part in parts if part is not None]
        if self.dialect == "microocpp":
            rates = [rate for rate in rates if rate["unit"] == self.unit]
        if not rates:
            return None
        phases = min((rate["phases"] for rate in rates if rate["phases"] is not None), default=None)
        used = phases or self.assumed_phases
        lined = any(len(rate.get(quantity, [None])) > 1 for rate in rates for quantity in QUANTITIES)
        width = used if lined and used > 1 else 1
        cut = any(rate["unit"] != self.unit or rate.get("cut", False) for rate in rates)
        cut = cut or (width > 1 and any(rate["unit"] == "W" and len(rate["limit"]) == 1 for rate in rates))
        found: dict[str, Any] = {"unit": self.unit, "phases": phases, "cut": cut}
        for quantity, agree in zip(QUANTITIES, AGREE, strict=True):
            columns = [self._as_lines(rate.get(quantity, [None]), rate["unit"], used, width, agree) for rate in rates]
            if quantity == "limit":
                columns += [self._as_lines([r["cap"]], r["unit"], used, width, min) for r in rates if "cap" in r]
            found[quantity] = [_of_known(agree, line) for line in zip(*columns, strict=True)]
        for line, setpoint in enumerate(found["setpoint"]):
            if setpoint is not None:
                kept = [setpoint, *(v for v in (found["limit"][line],) if v is not None)]
                floor = found["dischargeLimit"][line]
                found["setpoint"][line] = min(kept) if floor is None else max(min(kept), floor)
        return _without_empty_lines(found)

    def _as_lines(
        self, values: list[Any], unit: str, used: int, width: int, agree: Callable[[list[Any]], Any]
    ) -> list[Any]:
        """Return a quantity in the unit asked for, as one value or one per phase."""
        if used == 1:
            values = [_of_known(agree, values)]
        if width == 1:
            found, factor = values[:1], self.volt * used
        else:
            per_line = (values + [None] * width)[:width] if len(values) > 1 else values * width
            share = used if len(values) == 1 and unit == "W" else 1
            found, factor = [None if value is None else value / share for value in per_line], self.volt
        if unit == self.unit:
            return found
        return [None if value is None else value * factor if unit == "A" else value / factor for value in found]

    def _added(self, rates: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the sum over EVSEs."""
        width = max(len(rate["limit"]) for rate in rates)
        phases = max((rate["phases"] for rate in rates if rate["phases"] is not None), default=None)
        uneven = width > 1 and self.unit == "W" and any(len(rate["limit"]) == 1 for rate in rates)
        found: dict[str, Any] = {"unit": self.unit, "phases": phases}
        found["cut"] = uneven or any(rate.get("cut", False) for rate in rates)
        for quantity in QUANTITIES:
            columns = []
            for rate in rates:
                used = rate["phases"] or self.assumed_phases
                values = rate.get(quantity, [None])
                if width > 1 and len(values) == 1:
                    share = used if self.unit == "W" else 1
                    values = [None if values[0] is None else values[0] / share] * width
                columns.append((values + [None] * width)[:width])
            sums = []
            for line in zip(*columns, strict=True):
                known = [value for value in line if value is not None]
                complete = len(known) == len(line) or quantity != "limit"
                sums.append(sum(known) if known and complete else None)
            found[quantity] = sums
        return _without_empty_lines(found)

    def _with_generation(self, rate: dict[str, Any], more: dict[str, Any] | None) -> dict[str, Any]:
        """Return a limit with local generation on top of it."""
        if more is None or rate["limit"][0] is None:
            return rate
        width = len(rate["limit"])
        used = rate["phases"] or self.assumed_phases
        extra = self._as_lines(more["limit"], more["unit"], used, width, lambda known: known[0])
        limit = [None if v is None else v + (e or 0) for v, e in zip(rate["limit"], extra, strict=True)]
        uneven = width > 1 and more["unit"] == "W" and len(more["limit"]) == 1
        return {**rate, "limit": limit, "cut": rate.get("cut", False) or more["unit"] != self.unit or uneven}

    def _written(self, rate: dict[str, Any]) -> dict[str, Any]:
        cut = rate.get("cut", False) and self.dialect != "libocpp"
        found: dict[str, Any] = {"phases": rate["phases"]}
        for quantity in QUANTITIES:
            for line, value in zip(LINES, [*rate.get(quantity, ()), None, None, None], strict=False):
                number = value
                if value is not None and cut:
                    number = Fraction(int(value * 10), 10)
                found[quantity + line] = None if number is None else float(number)
        return found


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.replace(microsecond=0)


def _without_empty_lines(rate: dict[str, Any]) -> dict[str, Any]:
    """Return a rate in which a quantity that no phase has is not one per phase."""
    return rate | {quantity: [None] for quantity in QUANTITIES if not any(v is not None for v in rate[quantity])}


def _same(instant: datetime) -> datetime:
    return instant


def _of_known(agree: Callable[[list[Any]], Any], values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return agree(known) if known else None


def _agreed(values: list[Any]) -> Any:
    """Return the least charging, or the least discharging; 0 between the two."""
    if all(value >= 0 for value in values):
        return min(values)
    return max(values) if all(value < 0 for value in values) else Fraction(0)


def _closest(values: list[Any]) -> Any:
    return min(values, key=abs)


AGREE: Final[tuple[Callable[[list[Any]], Any], ...]] = (min, max, _agreed, _closest)
"""How several values of each quantity agree, in the order of ``QUANTITIES``."""
