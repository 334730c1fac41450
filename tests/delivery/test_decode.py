"""``decode``: defective answers of stations, recorded dialogues, and comparison with what was wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pages import ROOT

from ocpp_schedule.delivery.composite import composite_schedule
from ocpp_schedule.delivery.decode import Deviation, decode
from ocpp_schedule.errors import InputError
from ocpp_schedule.profiles.composite import CompositePeriod

ASKED = "2026-01-15T08:00:00Z"
WANTED = (CompositePeriod(0, 16.0), CompositePeriod(600, 6.0), CompositePeriod(1800, 0.0))
FRAMES = ROOT.parent / "shared" / "frames"


def answer(periods: object, *, start: object = ASKED, unit: object = "A", duration: object = 3600) -> dict[str, Any]:
    return {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": start,
        "chargingSchedule": {"duration": duration, "chargingRateUnit": unit, "chargingSchedulePeriod": periods},
    }


def periods(*pairs: tuple[object, object]) -> list[dict[str, object]]:
    return [{"startPeriod": start, "limit": limit} for start, limit in pairs]


def decoded(payload: object, *, version: str = "1.6", unit: str = "A", wanted: Any = WANTED, **kwargs: Any) -> Any:
    return decode(payload, version=version, evse=1, asked_at=ASKED, duration_s=3600, unit=unit, wanted=wanted, **kwargs)


AS_WANTED = periods((0, 16), (600, 6), (1800, 0))


@pytest.mark.parametrize(
    ("payload", "verdict", "codes"),
    [
        pytest.param(answer(AS_WANTED), "equal", [], id="as wanted"),
        pytest.param(answer(periods((0, 16), (599, 6), (1799, 0))), "equal", [], id="a second early"),
        pytest.param(answer(periods((0, 16.0000004), (600, 5.95), (1800, 0))), "equal", [], id="float noise"),
        pytest.param(answer(periods((0, 16), (600, 5.8), (1800, 0))), "lower", [], id="lower"),
        pytest.param(answer(periods((0, 16), (600, 6.2), (1800, 0))), "higher", [], id="higher"),
        pytest.param(answer(periods((0, 10), (600, 7), (1800, 0))), "higher", [], id="higher outweighs lower"),
        pytest.param(answer(periods((0, 16), (600, 6), (1800, -1))), "higher", [], id="no limit is higher than any"),
        pytest.param(
            answer(AS_WANTED, start="2026-01-15T10:00:02Z"), "equal", ["local_time_tagged_z"], id="local time tagged Z"
        ),
        pytest.param(answer(AS_WANTED, start="2026-01-15T08:04:00Z"), "equal", ["clock_off"], id="clock 4 min fast"),
        pytest.param(answer(AS_WANTED, start="1970-01-01T00:00:00Z"), "equal", ["clock_off"], id="clock at 1970"),
        pytest.param(answer(AS_WANTED, start="soon"), "equal", ["no_instant"], id="start is no instant"),
        pytest.param(
            answer([*AS_WANTED, {"startPeriod": 1_006_632_455, "limit": 1e9}]),
            "equal",
            ["outside"],
            id="garbage period",
        ),
        pytest.param(answer([]), "unknown", ["no_periods"], id="empty list"),
        pytest.param(answer(None), "unknown", ["no_periods"], id="no list"),
        pytest.param(answer(AS_WANTED, unit="Wh"), "unknown", ["no_unit"], id="unknown unit"),
        pytest.param(answer(AS_WANTED[::-1]), "equal", ["unsorted"], id="unsorted"),
        pytest.param(answer([*AS_WANTED[:1], *AS_WANTED]), "equal", ["twice"], id="one start twice"),
        pytest.param(answer(periods((300, 16), (600, 6), (1800, 0))), "unknown", ["late_start"], id="nothing at first"),
        pytest.param(answer(AS_WANTED, duration=1199), "unknown", ["short", "outside"], id="shorter than asked"),
        pytest.param(answer(periods((0, 20)), duration=1199), "higher", ["short"], id="shorter, and higher"),
        pytest.param(answer(AS_WANTED, duration=3597), "equal", [], id="three seconds shorter"),
        pytest.param(answer(AS_WANTED, duration="x"), "equal", ["no_duration"], id="duration is no number"),
        pytest.param(
            answer(periods(("0", "16"), (600, 6), (1800, 0))), "equal", ["number_as_text"] * 2, id="numbers as text"
        ),
        pytest.param(answer(periods((0, None), (600, 6))), "higher", ["no_limit"], id="no limit given"),
        pytest.param(answer(periods((0, -3), (600, 6))), "higher", ["negative_limit"], id="negative limit"),
        pytest.param(answer([7, *AS_WANTED]), "equal", ["bad_period"], id="a period is no object"),
        pytest.param(answer(periods((0.5, 16)) + AS_WANTED), "equal", ["bad_period"], id="half a second"),
        pytest.param({"status": "Rejected"}, "refused", [], id="rejected"),
        pytest.param({"status": "Accepted"}, "unknown", [], id="accepted without a schedule"),
        pytest.param({"status": 7, "chargingSchedule": 5}, "unknown", ["no_status", "unreadable"], id="no schedule"),
        pytest.param("hello", "unreadable", ["unreadable"], id="a text"),
        pytest.param(None, "unreadable", ["unreadable"], id="null"),
    ],
)
def test_an_answer_is_read_and_judged(payload: object, verdict: str, codes: list[str]) -> None:
    found = decoded(payload)
    assert found.verdict == verdict
    assert sorted(finding.code for finding in found.findings) == sorted(codes)
    assert str(found).startswith(verdict)


def test_a_start_beside_another_is_noted() -> None:
    payload = answer(AS_WANTED, start="2026-01-15T08:00:00Z")
    payload["chargingSchedule"]["startSchedule"] = "2026-01-15T10:00:00Z"
    assert [finding.code for finding in decoded(payload).findings] == ["two_starts"]


def test_too_many_periods_are_cut_with_a_finding() -> None:
    found = decoded(answer(periods(*((k % 3600, 6) for k in range(10_001)))))
    assert "too_many_periods" in {finding.code for finding in found.findings}
    assert len(found.findings) <= 100


@pytest.mark.parametrize(
    ("unit", "limit", "phases", "shown"),
    [
        pytest.param("A", 11_040, 3, 16.0, id="W to A, three phases"),
        pytest.param("A", 3680, 1, 16.0, id="W to A, one phase"),
        pytest.param("W", 16, None, 11_040.0, id="A to W, phases by default"),
    ],
)
def test_another_unit_is_converted(unit: str, limit: float, phases: int | None, shown: float) -> None:
    entry = {"startPeriod": 0, "limit": limit} | ({} if phases is None else {"numberPhases": phases})
    payload = answer([entry], unit="W" if unit == "A" else "A")
    found = decoded(payload, unit=unit, wanted=[CompositePeriod(0, shown)])
    assert found.verdict == "equal"
    assert found.periods[0].limit == pytest.approx(shown)
    assert [finding.code for finding in found.findings] == ["other_unit"]


def test_limits_per_line_count_with_the_highest() -> None:
    payload = answer([{"startPeriod": 0, "limit": 6, "limit_L2": 16, "limit_L3": 6}])
    assert decoded(payload, wanted=[CompositePeriod(0, 6.0)]).deviations == (Deviation(0, 3600, 6.0, 16.0),)


def test_deviations_name_where_and_how_much() -> None:
    found = decoded(answer(periods((0, 16), (600, 8), (1200, 6), (1800, 0))))
    assert found.deviations == (Deviation(600, 1200, 6.0, 8.0),)
    assert "from 600 s on 8 A instead of 6 A" in str(found)


def report(*profiles: object, evse: object = 1) -> dict[str, object]:
    return {"requestId": 1, "chargingLimitSource": "CSO", "evseId": evse, "chargingProfile": list(profiles)}


def tx_default(limit: float, *, number: int = 1, **more: object) -> dict[str, object]:
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": periods((0, limit))}
    schedule["startSchedule"] = "2026-01-15T00:00:00Z"
    purpose = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    return {"id": number, "stackLevel": 0, **purpose, "chargingSchedule": [schedule], **more}


RUNNING = {"transactions": {1: {"id": "t", "start": None}}}


@pytest.mark.parametrize(
    ("reports", "verdict", "codes"),
    [
        pytest.param([report(tx_default(16))], "equal", [], id="as wanted"),
        pytest.param([report(tx_default(20))], "higher", [], id="higher"),
        pytest.param([report(tx_default(16), evse=0)], "equal", [], id="of the whole station"),
        pytest.param([report(tx_default(16, surprise=1))], "equal", [], id="an unknown field"),
        pytest.param([], "higher", [], id="nothing installed is no limit"),
        pytest.param([report(tx_default(16)), 5], "unknown", ["bad_profile"], id="a report is no object"),
        pytest.param([report(tx_default(16), {"id": 2})], "unknown", ["bad_profile"], id="a profile is unreadable"),
        pytest.param([report({"id": 2})], "unreadable", ["bad_profile"], id="nothing readable"),
        pytest.param([report(tx_default(16), evse="x")], "unreadable", ["bad_profile"], id="no EVSE"),
    ],
)
def test_reported_profiles_are_evaluated(reports: list[Any], verdict: str, codes: list[str]) -> None:
    found = decoded(reports, version="2.0.1", station=RUNNING, wanted=[CompositePeriod(0, 16.0)])
    assert found.verdict == verdict
    assert [finding.code for finding in found.findings] == codes


def test_an_evse_that_the_station_lacks() -> None:
    found = decode([], version="2.0.1", evse=3, asked_at=ASKED, duration_s=60, unit="A", wanted=WANTED)
    assert (found.verdict, found.findings[0].code) == ("unknown", "no_evse")


def test_what_we_send_comes_back_equal() -> None:
    profile = tx_default(16)
    wanted = composite_schedule(
        [{"connector": 1, "profile": profile}],
        version="2.0.1",
        evse=1,
        start=ASKED,
        duration_s=3600,
        unit="A",
        station=RUNNING,
    )
    assert decoded([report(profile)], version="2.0.1", station=RUNNING, wanted=wanted).verdict == "equal"


@pytest.mark.parametrize(
    ("argument", "value"), [("version", "3.0"), ("unit", "kW"), ("duration_s", -1), ("asked_at", "soon")]
)
def test_wrong_arguments_are_the_callers_fault(argument: str, value: object) -> None:
    arguments: dict[str, Any] = {"version": "1.6", "evse": 1, "asked_at": ASKED, "duration_s": 60, "unit": "A"}
    with pytest.raises(InputError, match=argument if argument != "asked_at" else "start"):
        decode({}, **(arguments | {argument: value}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "scheduleStart",
                    "chargingSchedule",
                    "schedule",
                    "duration",
                    "chargingRateUnit",
                    "chargingSchedulePeriod",
                    "startPeriod",
                    "limit",
                    "numberPhases",
                    "evseId",
                    "chargingProfile",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(payload=JSON, version=st.sampled_from(["1.6", "2.0.1", "2.1"]))
@settings(max_examples=300)
def test_nothing_in_an_answer_raises(payload: object, version: str) -> None:
    assert decoded(payload, version=version).verdict in {"unknown", "refused", "unreadable", "higher", "lower", "equal"}


@given(
    entries=st.lists(
        st.fixed_dictionaries(
            {"startPeriod": st.integers(-5, 4000) | st.floats() | st.text(max_size=3)},
            optional={"limit": st.floats() | st.integers() | st.none() | st.text(max_size=5), "numberPhases": JSON},
        ),
        max_size=6,
    )
)
@settings(max_examples=300)
def test_no_period_raises(entries: list[dict[str, object]]) -> None:
    found = decoded(answer(entries))
    starts = [period.start_s for period in found.periods]
    assert starts == sorted(set(starts))
    assert all(0 <= start < 3600 for start in starts)


def recorded(name: str) -> list[tuple[dict[str, Any], object]]:
    """Return requests for composite schedules with their answers, as they went over the wire."""
    asked: dict[str, dict[str, Any]] = {}
    found = []
    for line in (FRAMES / name).read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)["raw"]
        frame = json.loads(raw) if isinstance(raw, str) else raw
        if frame[0] == 2 and frame[2] == "GetCompositeSchedule":
            asked[frame[1]] = frame[3]
        elif frame[0] == 3 and frame[1] in asked:
            found.append((asked[frame[1]], frame[2]))
    return found


@pytest.mark.parametrize(
    ("name", "version", "verdicts"),
    [
        pytest.param("micro16.jsonl", "1.6", {"higher", "lower", "equal"}, id="MicroOcpp 1.6"),
        pytest.param("libocpp201.jsonl", "2.0.1", {"higher", "lower", "equal"}, id="libocpp 2.0.1"),
        pytest.param("sap16.jsonl", "1.6", {"higher", "lower", "equal", "refused", "unknown"}, id="SAP 1.6"),
        pytest.param("vcp201.jsonl", "2.0.1", {"unknown"}, id="virtual charge point 2.0.1"),
    ],
)
def test_recorded_answers_are_understood(name: str, version: str, verdicts: set[str]) -> None:
    if not FRAMES.is_dir():
        pytest.skip(f"no recorded dialogues at {FRAMES}")
    seen = recorded(name)
    assert len(seen) >= 9  # so many composite schedules stand in the shortest dialogue
    for request, reply in seen:
        inner = reply.get("chargingSchedule") or reply.get("schedule") or {} if isinstance(reply, dict) else {}
        start = inner.get("scheduleStart") or (reply.get("scheduleStart") if isinstance(reply, dict) else None)
        found = decode(
            reply,
            version=version,
            evse=request.get("connectorId", request.get("evseId")),
            asked_at=start or ASKED,
            duration_s=request["duration"],
            unit=request.get("chargingRateUnit", "W"),
            wanted=[CompositePeriod(0, 11_000.0), CompositePeriod(600, 7400.0), CompositePeriod(1800, 3700.0)],
            station={"num_evses": 2},
        )
        assert found.verdict in verdicts, str(found)


def test_the_recorded_plan_of_libocpp_is_equal_to_what_was_sent() -> None:
    if not FRAMES.is_dir():
        pytest.skip(f"no recorded dialogues at {FRAMES}")
    verdicts = [
        decode(
            reply,
            version="2.0.1",
            evse=1,
            asked_at=reply["schedule"]["scheduleStart"],
            duration_s=request["duration"],
            unit="W",
            wanted=[CompositePeriod(0, 11_000.0), CompositePeriod(600, 7400.0), CompositePeriod(1800, 3700.0)],
        ).verdict
        for request, reply in recorded("libocpp201.jsonl")
        if isinstance(reply, dict) and "schedule" in reply
    ]
    assert "equal" in verdicts


def test_an_answer_of_a_dc_station_is_converted_without_phases() -> None:
    answer = {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 3600,
            "scheduleStart": "2026-01-15T08:00:00Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 40_000, "numberPhases": 3}],
        },
    }
    found = decode(
        answer,
        version="2.0.1",
        evse=1,
        asked_at="2026-01-15T08:00:00Z",
        duration_s=3600,
        unit="A",
        station={"evse_current_type": "DC", "supply_voltage": 400},
    )
    assert [period.limit for period in found.periods] == [100.0]
