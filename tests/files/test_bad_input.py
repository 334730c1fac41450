"""The table of bad input: every case is an ``InputError`` with its place, or a plan that says what it is."""
# ruff: noqa: E501 - a message of the tables stands in one piece

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ocpp_schedule.errors import InputError
from ocpp_schedule.files import _text, load_scenario, scenario_from_dict
from ocpp_schedule.files._text import Budget, read_text
from ocpp_schedule.plan import schedule
from ocpp_schedule.timegrid import TimeGrid

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Folder
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.plan import Plan

ROW = "c,B,2026-01-15T03:00Z,2026-01-15T04:00Z,100"


def planned(scenario: Scenario) -> Plan:
    return schedule(
        scenario.site,
        scenario.sessions,
        scenario.tariff,
        scenario.grid,
        limits=scenario.limits,
        forecasts=scenario.forecasts,
        availability=scenario.availability,
        session_defaults=scenario.session_defaults,
    )


def sessions(*rows: str, header: str = "id,connector,arrival,departure,energy_wh") -> str:
    return "\n".join((header, *rows)) + "\n"


def prices(*rows: str, header: str = "start,per_kwh") -> str:
    return "\n".join((header, *(f"2026-01-15T{row}" for row in rows))) + "\n"


EXPECTED = (
    "expected id, connector, arrival, departure, energy_wh; "
    "optional min_current_a, max_current_a, phases, transaction_id, battery_wh, soc_percent, max_price_per_kwh."
)
CSV_CASES = [
    pytest.param("sessions.csv", "", [f"sessions.csv line 1: has no header. First line: {EXPECTED}"], id="empty-file"),
    pytest.param("prices.csv", "start,per_kwh\n",
        ["prices.csv line 1: has a header and no row; every interval of the grid needs one."], id="no-prices"),
    pytest.param("sessions.csv", sessions(header="id,connector,arival,departure,energy_wh,colour"),
        [("sessions.csv line 1: wrong columns: 'arrival' is missing, 'arival' is unknown (did you mean 'arrival'?), "
         f"'colour' is unknown. Seen id, connector, arival, departure, energy_wh, colour; {EXPECTED}")],
        id="wrong-columns"),
    pytest.param("sessions.csv", sessions(header="id,id,connector,arrival,departure,energy_wh"),
        [(f"sessions.csv line 1: wrong columns: 'id' is there 2 times. "
         f"Seen id, id, connector, arrival, departure, energy_wh; {EXPECTED}")], id="column-twice"),
    pytest.param("prices.csv", prices("00:00Z;0,40", header="start;per_kwh"),
        [("prices.csv line 1: is separated by semicolons ('start;per_kwh'); save it with commas. "
         "Columns: expected start, per_kwh.")], id="semicolons"),
    pytest.param("prices.csv", prices("00:00Z\t0.40", header="start\tper_kwh"),
        [(r"prices.csv line 1: is separated by tabs ('start\tper_kwh'); save it with commas. "
         "Columns: expected start, per_kwh.")], id="tabs"),
    pytest.param("sessions.csv", sessions('a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,"12,5"', ROW),
        ["sessions.csv line 2 (a): energy_wh '12,5' has a decimal comma; write 12.5."], id="decimal-comma-quoted"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,12,5", ROW),
        [("sessions.csv line 2 (a): has 6 fields, the header has 5: a decimal comma (write 12.5) "
         "or a comma within a text (put it in quotes).")], id="decimal-comma"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z"),
        [("sessions.csv line 2 (a): has 3 fields, the header has 5: fill in the missing values, "
         "or leave them empty between commas.")], id="short-row"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,12 kWh"),
        [("sessions.csv line 2 (a): energy_wh '12 kWh' is no number; write a number with a decimal point, "
         "without unit or thousands separator.")], id="unit"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,nan"),
        [("sessions.csv line 2 (a): energy_wh 'nan' is no number; write a number with a decimal point, "
         "without unit or thousands separator.")], id="nan"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,-5"),
        ["sessions.csv line 2 (a): energy_wh -5 is below 0; give at least 0."], id="negative"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,1e99"),
        ["sessions.csv line 2 (a): energy_wh 1e+99 is above 100000000, the most that is taken; check the unit."],
        id="huge"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,1e999"),
        ["sessions.csv line 2 (a): energy_wh inf is not a finite number; give one."], id="infinite"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,,"),
        ["sessions.csv line 2 (a): departure is missing; add it, or give session_defaults to assume one.",
         "sessions.csv line 2 (a): energy_wh is missing; add it, or give session_defaults to assume one."],
        id="empty-cells"),
    pytest.param("sessions.csv", sessions("a,,2026-01-15T00:00Z,2026-01-15T04:00Z,5"),
        ["sessions.csv line 2 (a): connector is empty; every session needs one."], id="empty-connector"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00,15.1.2026,5"),
        [("sessions.csv line 2 (a): arrival '2026-01-15T00:00' has no time zone; append Z for UTC, "
         "or an offset like +01:00."),
         ("sessions.csv line 2 (a): departure '15.1.2026' is no time; write ISO 8601 with zone, "
         "like 2026-01-15T07:30:00+01:00.")], id="naive-and-no-time"),
    pytest.param("sessions.csv", sessions("a,A,0001-01-01T00:00+14:00,2026-01-15T04:00Z,5"),
        ["sessions.csv line 2 (a): arrival '0001-01-01T00:00+14:00' is outside the years 1 to 9999; correct it."],
        id="before-all-time"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T02:00Z,2026-01-15T02:00Z,5"),
        [("sessions.csv line 2 (a): departure equals arrival (2026-01-15T02:00Z): a session needs time. "
         "Correct one of them, or leave it out.")], id="zero-length"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T01:00Z,5", "", "a,B,2026-01-15T00:00Z,2026-01-15T01:00Z,5"),
        ["sessions.csv line 4 (a): id 'a' is already used by sessions.csv line 2; give each its own."],
        id="duplicate-ids-with-an-empty-line"),
    pytest.param("sessions.csv", sessions("a,AA,2026-01-15T00:00Z,2026-01-15T01:00Z,5"),
        ["sessions.csv line 2 (a): connector 'AA' does not exist; the site has 'A', 'B'."], id="unknown-connector"),
    pytest.param("sessions.csv", sessions('a,"A,2026-01-15T00:00Z'),
        ["sessions.csv line 2: no valid CSV: unexpected end of data. Check the quotes."], id="open-quote"),
    pytest.param("sessions.csv", sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,5,1.5",
            header="id,connector,arrival,departure,energy_wh,phases"),
        ["sessions.csv line 2 (a): phases '1.5' is no number; write a whole number."], id="half-a-phase"),
    pytest.param("prices.csv", prices("00:00Z,0.4", "01:00Z,0.1", "03:00Z,0.5"),
        [("prices.csv line 4 (2026-01-15T03:00Z): leaves a gap: 1 row missing from 2026-01-15T02:00Z "
         "to 2026-01-15T03:00Z. Add them.")], id="price-gap"),
    pytest.param("prices.csv", prices("00:00Z,0.4", "01:00Z,0.1", "01:00Z,0.1", "02:00Z,0.2", "03:00Z,0.5"),
        ["prices.csv line 4 (2026-01-15T01:00Z): is 2026-01-15T01:00Z again, as line 3. Keep one of the two rows."],
        id="price-twice"),
    pytest.param("prices.csv", prices("03:00Z,0.4", "02:00Z,0.1"),
        [("prices.csv line 3 (2026-01-15T02:00Z): goes back to 2026-01-15T02:00Z after 2026-01-15T03:00Z. "
         "Sort the rows by time.")], id="newest-first"),
    pytest.param("prices.csv", prices("00:00Z,0.4", "00:30Z,0.1"),
        [("prices.csv line 3 (2026-01-15T00:30Z): is 2026-01-15T00:30Z, 1800 s after line 2; intervals are 3600 s. "
         "Correct the time, or step_s.")], id="half-hours"),
    pytest.param("prices.csv", prices("00:00Z,0.4", "01:00Z,0.1"),
        ["tariff.energy: prices end at 2026-01-15T02:00Z, the grid at 2026-01-15T04:00Z. Add the missing values."],
        id="prices-end-early"),
    pytest.param("prices.csv", prices("00:00Z,0.4", "01:00Z,0.1234567", "02:00Z,1e7", "03:00Z,1"),
        ["prices.csv line 3: per_kwh 0.1234567 has more than 6 decimals. Round it.",
         "prices.csv line 4: per_kwh 10000000.0 is above 1000000, the most that is taken; check the unit."],
        id="odd-prices"),
    pytest.param("prices.csv", prices("00:00Z,", "01:00Z,0.1", ",0.2", "03:00,1"),
        ["prices.csv line 2 (2026-01-15T00:00Z): per_kwh is empty; every interval needs one.",
         ("prices.csv line 4: start '2026-01-15T' is no time; write ISO 8601 with zone, "
         "like 2026-01-15T07:30:00+01:00."),
         "prices.csv line 5: start '2026-01-15T03:00' has no time zone; append Z for UTC, or an offset like +01:00."],
        id="empty-price"),
    pytest.param("hall.csv", "start,expected_a_l1,expected_a_l2\n2026-01-15T00:00Z,1,2\n",
        [("hall.csv line 1: wrong columns: 'expected_a_l3' is missing. Seen start, expected_a_l1, expected_a_l2; "
         "expected start, expected_a_l1, expected_a_l2, expected_a_l3.")], id="two-lines-of-three"),
    pytest.param("hall.csv", "start,expected_a\n2026-01-15T00:00Z,1\n",
        ["hall.csv line 2: the first two rows give no step; give step_s beside 'csv'."], id="forecast-of-one-row"),
    pytest.param("hall.csv", "start,expected_a\n2026-01-15T00:00Z,-1\n2026-01-15T02:00Z,1\n",
        ["hall.csv line 2: expected_a -1 is below 0; give at least 0."], id="negative-forecast"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "lines"), CSV_CASES)
def test_a_bad_csv_file_is_told_by_line(folder: Folder, name: str, text: str, lines: list[str]) -> None:
    folder.files[name] = text
    assert folder.refusal() == lines


def test_bom_crlf_blank_lines_and_spaces_are_no_fault(folder: Folder) -> None:
    plain = folder.load()
    for name, text in folder.files.items():
        folder.files[name] = "\ufeff" + text.replace(",", " , ").replace("\n", "\r\n") + "\r\n"
    folder.text = "\ufeff" + json.dumps(folder.data)
    assert folder.load() == plain


def test_columns_may_stand_in_any_order(folder: Folder) -> None:
    plain = folder.load()
    folder.files["prices.csv"] = "\n".join(",".join(row.split(",")[::-1]) for row in folder.files["prices.csv"].split())
    assert folder.load() == plain


REFERENCES = [
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("../sessions.csv", id="parent"),
    pytest.param("sub/../../x.csv", id="through-a-folder"),
    pytest.param("", id="empty"),
    pytest.param(".", id="the-folder"),
    pytest.param("a\0b", id="nul"),
    pytest.param(7, id="number"),
    pytest.param("link.csv", id="link"),
]


@pytest.mark.parametrize("name", REFERENCES)
def test_a_csv_outside_the_folder_is_not_read(folder: Folder, name: object) -> None:
    (folder.path / "link.csv").symlink_to("/etc/passwd")
    folder.data["sessions"] = {"csv": name}
    [line] = folder.refusal()
    assert line.startswith("sessions.csv: ")
    assert line.endswith("is no file in the scenario's folder; name one there or below.")


@pytest.mark.parametrize(
    ("part", "value", "lines"),
    [
        pytest.param("sessions", {"csv": "gone.csv"}, ["gone.csv: there is no such file in {folder}; check the path."], id="gone"),
        pytest.param("sessions", {"file": "x"}, ["sessions.file: unknown field; with 'csv' there can be csv.",
            "sessions.csv: null is no file in the scenario's folder; name one there or below."], id="no-csv"),
        pytest.param("tariff", {"energy": {"csv": "prices.csv"}},
            ["tariff.energy.step_s: is missing; give the seconds of one interval."], id="no-step"),
        pytest.param("tariff", {"energy": {"csv": "prices.csv", "step_s": 0}},
            ["tariff.energy.step_s: 0 is no step; give the seconds of one interval as a whole number, like 3600."], id="step-0"),
        pytest.param("forecasts", [{"id": "hall", "csv": "hall.csv", "step": 1}],
            ["forecasts[0] (hall).step: unknown field; with 'csv' there can be id, csv, step_s."], id="unknown-beside-csv"),
        pytest.param("forecasts", [{"csv": "hall.csv"}],
            ["site.loads[0] (hall): has no forecast; add one with this id (zeros are allowed).",
             "forecasts[0].id: is missing; add it."], id="forecast-without-id"),
    ],
)  # fmt: skip
def test_a_wrong_reference_to_a_csv_file_is_told(folder: Folder, part: str, value: object, lines: list[str]) -> None:
    folder.data[part] = value
    assert folder.refusal() == [line.replace("{folder}", str(folder.path)) for line in lines]


JSON_CASES = [
    pytest.param("", ["scenario.json line 1 column 1: the file is empty. Correct it there or just before."], id="empty"),
    pytest.param('{"a": 1,\n "b" 2}',
        ["scenario.json line 2 column 6: no valid JSON: Expecting ':' delimiter. Correct it there or just before."], id="syntax"),
    pytest.param("[1, 2]", ["scenario.json: holds a list of 2; a scenario is one JSON object {...}."], id="no-object"),
    pytest.param("[" * 200_000, ["scenario.json: is nested too deeply; this is no scenario."], id="nesting-bomb"),
    pytest.param('{"a":' * 200_000, ["scenario.json: is nested too deeply; this is no scenario."], id="object-bomb"),
    pytest.param(b'{"title": "\xff"}', ["scenario.json line 1: is not UTF-8 (byte 0xff); save it as UTF-8."], id="latin-1"),
    pytest.param(b'{"title":\n "a\0b"}',
        ["scenario.json line 2: has a NUL byte; this is no text file, or a damaged one."], id="nul"),
    pytest.param('{"title": "x"}'.encode("utf-16"), ["scenario.json: is UTF-16, not UTF-8; save it as UTF-8."], id="utf-16"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), JSON_CASES)
def test_a_file_that_is_no_scenario_is_told_by_line(folder: Folder, text: str | bytes, lines: list[str]) -> None:
    folder.text = text
    assert folder.refusal() == lines


def test_a_number_of_ten_thousand_digits_is_told(folder: Folder) -> None:
    folder.text = '{"a": ' + "9" * 10_000 + "}"
    [line] = folder.refusal()
    assert line.startswith("scenario.json: has a number that is too long")


def test_nan_and_infinity_are_told_by_path(folder: Folder) -> None:
    folder.data["site"]["circuits"][0]["limit_a"] = [float("nan"), 25, float("-inf")]
    assert folder.refusal() == [
        "site.circuits[0] (main).limit_a[0]: nan is not a finite number; give one.",
        "site.circuits[0] (main).limit_a[2]: -inf is not a finite number; give one.",
    ]


def test_repeated_keys_are_told_by_path(folder: Folder) -> None:
    folder.text = (
        json.dumps(folder.data)
        .replace('"id": "CP2"', '"id": "CP0", "id": "CP2"')
        .replace('"format_version"', '"title": {"a": 1, "a": 2}, "title": "x", "format_version"')
    )
    assert folder.refusal() == [
        "title: is given more than once in one object. Keep one of them.",
        "site.stations[1].id: is given more than once in one object. Keep one of them.",
        "1 more keys are given more than once. Keep one of each.",
    ]


def test_a_200_mb_file_is_refused_at_once(folder: Folder) -> None:
    folder.load()
    with (folder.path / "sessions.csv").open("r+b") as stream:
        stream.truncate(200_000_000)
    begun = time.perf_counter()
    with pytest.raises(InputError, match="is 200 MB, the most that is read is 50 MB") as caught:
        load_scenario(folder.path / "scenario.json")
    assert time.perf_counter() - begun < 0.5
    assert caught.value.problems[0].where == "sessions.csv"


def test_all_files_together_are_bounded(folder: Folder) -> None:
    folder.load()
    with pytest.raises(InputError, match="beyond 200 MB together"):
        read_text(folder.path / "prices.csv", Budget(left=10))


def test_a_file_that_grows_while_it_is_read_is_bounded_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.load()
    path = folder.path / "prices.csv"
    (folder.path / "small").write_bytes(b"x")
    info = (folder.path / "small").stat()
    monkeypatch.setattr(type(path), "stat", lambda _: info)
    monkeypatch.setattr(_text, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="is more, the most that is read is"):
        read_text(path, Budget())


def test_too_many_rows_are_one_problem(folder: Folder) -> None:
    folder.files["sessions.csv"] = sessions(*["x"] + [ROW] * 100_002)
    [line] = folder.refusal()
    assert line == "sessions.csv line 100003: is beyond the 100000 rows that are read at most. Split the file."


@pytest.mark.parametrize(
    ("make", "text"),
    [
        pytest.param(lambda path: path.mkdir(), "is no regular file; give the path of a file", id="folder"),
        pytest.param(lambda _: None, "there is no such file in", id="missing"),
    ],
)
def test_a_path_that_is_no_file_is_told(tmp_path: Path, make: Any, text: str) -> None:
    make(tmp_path / "x.json")
    with pytest.raises(InputError, match=text):
        load_scenario(tmp_path / "x.json")


def test_a_path_with_a_nul_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path / "a\0b")


def test_no_sessions_make_an_empty_plan(folder: Folder) -> None:
    folder.files["sessions.csv"] = sessions()
    plan = planned(folder.load())
    assert (plan.status, plan.cost, plan.setpoints.shape) == ("complete", 0, (0, 4))


@pytest.mark.parametrize("day", [pytest.param(date(2026, 3, 29), id="92"), pytest.param(date(2026, 10, 25), id="100")])
def test_a_day_of_another_length_is_planned(folder: Folder, day: date) -> None:
    grid = TimeGrid.local_day(day, "Europe/Amsterdam")
    folder.data["grid"] = {"start": grid.start.isoformat(), "step_s": 900, "slots": grid.slots}
    hours = [grid.start + timedelta(hours=number) for number in range(grid.slots // 4)]
    folder.files["prices.csv"] = "start,per_kwh\n" + "".join(f"{hour.isoformat()},0.2\n" for hour in hours)
    folder.files["hall.csv"] = "start,expected_a\n" + "".join(f"{hour.isoformat()},1\n" for hour in hours)
    stay = f"{grid.start.isoformat()},{grid.end.isoformat()}"
    folder.files["sessions.csv"] = sessions(f"a,A,{stay},{3680 * (grid.slots // 4)}")
    plan = planned(folder.load())
    assert (plan.status, plan.setpoints.shape) == ("complete", (1, grid.slots))
    assert (plan.setpoints == 160).all()


def test_base_load_above_the_limit_is_an_alarm_and_no_charging_there(folder: Folder) -> None:
    folder.files["hall.csv"] = folder.files["hall.csv"].replace("3,4\n", "3,40\n")
    folder.files["sessions.csv"] = sessions("a,A,2026-01-15T00:00Z,2026-01-15T04:00Z,1000")
    plan = planned(folder.load())
    assert plan.status == "alarm"
    assert plan.setpoints[0, :2].tolist() == [0, 0]
    assert plan.alarms


def test_a_year_is_a_grid(folder: Folder) -> None:
    folder.data["grid"] = {"start": "2026-01-01T00:00Z", "step_s": 900, "slots": 35_040}
    folder.data["tariff"] = {"energy": 0.2}
    folder.files["hall.csv"] = "start,expected_a\n2026-01-01T00:00Z,1\n2027-01-01T00:00Z,1\n"
    plan = planned(folder.load())
    assert (plan.status, plan.setpoints.shape) == ("complete", (2, 35_040))


def test_a_connector_of_0_a_gives_a_shortfall(folder: Folder) -> None:
    folder.data["site"]["connectors"][0]["max_current_a"] = 0
    plan = planned(folder.load())
    assert plan.status == "partial"
    assert [str(item)[:17] for item in plan.shortfalls] == ["a: 5,520 Wh short"]


def test_a_message_about_many_faults_stays_readable() -> None:
    with pytest.raises(InputError) as caught:
        scenario_from_dict({"sessions": [7] * 1000})
    assert str(caught.value).endswith("more")
    assert len(str(caught.value).split("\n")) == 52
    assert len(caught.value.problems) == 1003
