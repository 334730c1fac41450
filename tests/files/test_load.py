"""What a right scenario becomes, and that everything wrong is told at once, in order, with its place."""
# ruff: noqa: E501 - a message of the tables stands in one piece

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocpp_schedule.errors import InputError
from ocpp_schedule.files import load_scenario, scenario_from_dict
from ocpp_schedule.model.series import PriceSeries

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Folder

WORKED = {
    "format_version": 1,
    "site": {
        "id": "s",
        "circuits": [{"id": "main", "limit_a": 25}],
        "stations": [{"id": "CP1", "circuit": "main", "ocpp_version": "1.6"}],
        "connectors": [
            {"id": "A", "station": "CP1", "max_current_a": 16},
            {"id": "B", "station": "CP1", "evse_id": 2, "max_current_a": 16},
        ],
    },
    "tariff": {"energy": 0.2},
    "grid": {"start": "2026-01-15T00:00Z", "step_s": 3600, "slots": 4},
}


def message(raw: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        scenario_from_dict(raw, "scenario.json")
    return str(caught.value)


def test_csv_files_become_sessions_prices_and_forecasts(folder: Folder) -> None:
    scenario = folder.load()
    first, second = scenario.sessions
    assert (first.id, first.energy_wh, first.phases, first.max_current_a) == ("a", 5520, 1, None)
    assert (second.arrival, second.energy_wh, second.phases) == (datetime(2026, 1, 15, 1, tzinfo=UTC), 3680.5, None)
    assert isinstance(scenario.tariff.energy, PriceSeries)
    assert scenario.tariff.energy.per_kwh == (0.4, -0.1, 0.2, 0.5)
    [hall] = scenario.forecasts
    assert (hall.step_s, hall.expected_a, hall.high_a) == (7200, ((1, 2, 3), (1, 2, 3)), (4, 4.5))


def test_a_transaction_id_has_the_type_of_its_station(folder: Folder) -> None:
    assert [session.transaction_id for session in folder.load().sessions] == [1041, "1042"]


def test_a_transaction_id_with_leading_zeros_is_not_repaired(folder: Folder) -> None:
    folder.files["sessions.csv"] = folder.files["sessions.csv"].replace("1041", "01041")
    assert "transaction_id '01041' has the wrong type for OCPP 1.6" in folder.refusal()[0]


def test_the_two_faults_worked_by_hand_come_out_word_for_word() -> None:
    sessions = [
        {"id": "a", "connector": "A", "arrival": "2026-01-15T00:00Z", "departure": "2026-01-14T22:00Z", "energy_wh": 1},
        {
            "id": "b",
            "connector": "BB",
            "arrival": "2026-01-15T01:00Z",
            "departure": "2026-01-15T03:00Z",
            "energy_wh": 1,
        },
    ]
    assert message({**WORKED, "sessions": sessions}) == (
        "2 problems in scenario.json\n"
        "sessions[0] (a): departure 2026-01-14T22:00Z is before arrival 2026-01-15T00:00Z. "
        "Swap them, or check the time zone.\n"
        "sessions[1] (b): connector 'BB' does not exist; the site has 'A', 'B'."
    )


def test_field_errors_and_references_are_told_together_in_the_order_of_the_file() -> None:
    raw = json.loads(json.dumps(WORKED))
    raw["site"]["connectors"][1] = {"id": "B", "station": "CP7", "max_curent_a": 16}
    raw["grid"]["slots"] = 0
    raw["tariff"]["energy"] = float("nan")
    raw["sessions"] = [{"id": "a", "connector": "Q", "arrival": "2026-01-15", "departure": 7, "energy_wh": -1}]
    assert message(raw).split("\n")[1:] == [
        "site.connectors[1] (B).max_current_a: is missing; add it.",
        "site.connectors[1] (B).max_curent_a: unknown field; did you mean 'max_current_a' or 'min_current_a'?",
        "site.connectors[1] (B): station 'CP7' does not exist; the site has 'CP1'.",
        "sessions[0] (a).arrival: '2026-01-15' has no time zone; append Z for UTC, or an offset like +01:00.",
        "sessions[0] (a).departure: 7 is a number, no time; write ISO 8601 with zone, like 2026-01-15T07:30:00+01:00.",
        "sessions[0] (a).energy_wh: -1 is below 0; give at least 0.",
        "sessions[0] (a): connector 'Q' does not exist; the site has 'A', 'B'.",
        "tariff.energy: nan is not a finite number; give one.",
        "grid: slots=0; give a whole number from 1 to 110000.",
    ]


FIELDS = [
    pytest.param("site.circuits.0.limit_a", "x", "'x' is not possible; give one number for every line, or a list of three (L1, L2, L3).", id="union-text"),
    pytest.param("site.circuits.0.limit_a", [1, 2], "a list of 2 is not possible; give one number for every line, or a list of three (L1, L2, L3).", id="union-length"),
    pytest.param("site.circuits.0.limit_a", -1, "-1 is below 0; give at least 0.", id="union-negative"),
    pytest.param("site.circuits.0.limit_a", 10**400, "a number of 401 digits or so is too large; check the unit.", id="union-huge"),
    pytest.param("site.circuits.0.limit_a", True, "true is not possible; give one number for every line, or a list of three (L1, L2, L3).", id="union-bool"),
    pytest.param("site.circuits.0.id", "", "is empty; give at least one character.", id="empty-id"),
    pytest.param("site.time_zone", 5, "5 is no text; put it in quotes.", id="text"),
    pytest.param("site.time_zone", "x" * 101, "'" + "x" * 60 + "...' has 101 characters; give at most 100.", id="long-text"),
    pytest.param("site.edge_guard_s", 0.5, "0.5 is no whole number; give one.", id="whole"),
    pytest.param("site.edge_guard_s", "60", "'60' is a text; write a number, without quotes and with a decimal point.", id="quoted-number"),
    pytest.param("site.edge_guard_s", None, "null is no number; give one.", id="null"),
    pytest.param("site.edge_guard_s", 10**9, "1000000000 is above 31622400, the most that is taken; check the unit.", id="too-large"),
    pytest.param("site.circuits", [], "has 0 items; give at least 1.", id="no-circuit"),
    pytest.param("site.connectors.0.lines", ["L1"] * 4, "has 4 items; give at most 3.", id="four-lines"),
    pytest.param("site.connectors", 3, "3 is no list; write [ ... ].", id="no-list"),
    pytest.param("site.connectors", {}, "an object with 0 fields is no list; write [ ... ].", id="object-for-list"),
    pytest.param("site", [], "a list of 0 is no object; write { ... }.", id="no-object"),
    pytest.param("format_version", 2, "2 is not possible; give 1.", id="format"),
    pytest.param("tariff.currency", "eur", "'eur' is no currency code; write ISO 4217, like 'EUR'.", id="currency"),
    pytest.param("site.id", "a\tb", r"'a\tb' has control characters (line break, tab); take them out.", id="control"),
    pytest.param("site.id", "\ud800", r"'\ud800' has characters that are no Unicode text; write it anew.", id="surrogate"),
    pytest.param("tariff.energy", {"start": "2026-01-15T00:00Z"}, "is missing; add it.", id="series-incomplete"),
    pytest.param("tariff.energy", "0.2", "'0.2' is not possible; give one price, a series with start, step_s and per_kwh, or a file with csv and step_s.", id="price-text"),
    pytest.param("grid.edges_s", [0, 0], "edges_s goes from 0 to 0; edges must increase strictly.", id="edges"),
    pytest.param("grid.start", "2026-02-30T00:00Z", "'2026-02-30T00:00Z' is no time (day value is outside expected range); write ISO 8601 with zone, like 2026-01-15T07:30:00+01:00.", id="no-day"),
    pytest.param("availability", [{"kind": "outage"}], "is missing; add it.", id="outage-without-times"),
    pytest.param("availability", [{"start": "2026-01-15T00:00Z"}], "has no kind; add one of opening_hours, reservation, outage, derate.", id="no-kind"),
    pytest.param("availability", [{"kind": "strike"}], "kind 'strike' is not known; give one of opening_hours, reservation, outage, derate.", id="wrong-kind"),
    pytest.param("availability", [{"kind": "outage", "start": "2026-01-15T00:00Z", "end": "2026-01-15T01:00Z", "ends": 1}], "unknown field; did you mean 'end'?", id="field-of-outage"),
    pytest.param("availability", [{"kind": "opening_hours", "hours": [{"opens": "8:00", "closes": "18:00"}]}], "'8:00' is no time of day; write it like '07:30' ('24:00' is the end of the day).", id="clock"),
    pytest.param("availability", [{"kind": "opening_hours", "hours": [{"opens": "08:00", "closes": "18:00"}], "closed_on": [5]}], "5 is no date; write it like 2026-12-25.", id="closed-on"),
    pytest.param("session_defaults", {"stay_s": 0}, "0 is below 1; give at least 1.", id="stay"),
    pytest.param("colour", 1, "unknown field; leave it out. Known here: format_version, title, site, sessions, tariff, grid, limits, forecasts, objective, availability, session_defaults, held.", id="unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "text"), FIELDS)
def test_a_field_error_says_what_was_seen_and_what_to_do(path: str, value: object, text: str) -> None:
    raw = json.loads(json.dumps(WORKED))
    raw["site"]["connectors"] = raw["site"]["connectors"][:1]
    *parents, last = path.split(".")
    holder = raw
    for key in parents:
        holder = holder[int(key)] if key.isdigit() else holder[key]
    holder[last] = value
    if last == "edges_s":
        del holder["step_s"], holder["slots"]
    lines = message(raw).split("\n")[1:]
    assert any(line.endswith(f": {text}") for line in lines)
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("raw", [None, 5, "x", []])
def test_only_a_mapping_is_a_scenario(raw: Any) -> None:
    assert "is no scenario; give a mapping" in message(raw)


def test_without_a_folder_no_file_can_be_named() -> None:
    assert message({**WORKED, "sessions": {"csv": "s.csv"}}) == (
        "1 problem in scenario.json\n"
        "sessions.csv: there is no folder to read it from; pass one, or give the values themselves."
    )


def test_what_only_the_models_can_read_is_checked_too() -> None:
    times = {"arrival": "2026-01-15T02:00Z", "departure": "2026-01-15t01:00z"}
    raw = {**WORKED, "sessions": [{"id": "a", "connector": "A", **times, "energy_wh": 1}]}
    assert "sessions[0] (a): departure 2026-01-15T01:00Z is before arrival 2026-01-15T02:00Z." in message(raw)


def test_the_raw_data_is_left_alone(folder: Folder) -> None:
    folder.load()
    before = json.dumps(folder.data)
    scenario_from_dict(folder.data, folder=folder.path)
    assert json.dumps(folder.data) == before


def test_models_inside_the_dict_are_taken_as_they_are() -> None:
    scenario = scenario_from_dict(WORKED)
    assert scenario_from_dict({**WORKED, "site": scenario.site}) == scenario


def test_a_path_may_be_text(folder: Folder) -> None:
    assert folder.load() == load_scenario(str(folder.path / "scenario.json"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PATHS = [("site",), ("site", "circuits"), ("site", "connectors"), ("tariff",), ("tariff", "energy"), ("grid",)]
PATHS += [("sessions",), ("forecasts",), ("limits",), ("objective",), ("site", "stations"), ("grid", "start")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PATHS), JSON, st.sampled_from(["a", "csv", "id", "start", "step_s"]))
def test_garbage_anywhere_is_an_input_error_or_right(
    tmp_path: Path, path: tuple[str, ...], junk: object, key: str
) -> None:
    for value in (junk, [junk], {key: junk}, [{key: junk}]):
        raw = json.loads(json.dumps(WORKED))
        holder = raw
        for name in path[:-1]:
            holder = holder[name]
        holder[path[-1]] = value
        try:
            scenario_from_dict(raw, folder=tmp_path)
        except InputError as error:
            assert error.problems  # noqa: PT017 - either outcome is right; a traceback is not
