"""What no peer tests: cases written from the rules, each with its requirement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_schedule import InputError, composite_schedule

START = "2026-01-15T08:00:00Z"
RUNNING = {"transactions": {1: {"start": "2026-01-15T07:30:00Z"}}}


def profile(
    purpose: str = "TxDefaultProfile",
    *periods: Any,
    level: int = 0,
    number: int = 1,
    kind: str = "Absolute",
    unit: str = "A",
    evse: int = 1,
    schedule: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return an installed 2.1 profile; a period is (start, limit) or a dict."""
    written = [p if isinstance(p, dict) else {"startPeriod": p[0], "limit": p[1]} for p in periods or ((0, 16),)]
    inner: dict[str, Any] = {"id": number, "chargingRateUnit": unit, "chargingSchedulePeriod": written}
    if kind in {"Absolute", "Recurring"}:
        inner["startSchedule"] = START
    wire = {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [inner | (schedule or {})],
    }
    return {"connector": evse, "profile": wire | fields}


def composite(
    *profiles: dict[str, Any], station: dict[str, Any] | None = None, **request: Any
) -> list[tuple[Any, ...]]:
    asked = {"evse": 1, "start": START, "duration_s": 3600, "unit": "A", "version": "2.1"} | request
    found = composite_schedule(profiles, station=RUNNING | (station or {}), **asked)
    return [(period.start_s, period.limit) for period in found]


FALLBACK = profile("TxDefaultProfile", (0, 6), number=9)


@pytest.mark.parametrize(
    ("profiles", "station", "expected"),
    [
        pytest.param(
            [profile(level=1, schedule={"duration": 600}), FALLBACK], {}, [(0, 16), (600, 6)], id="3.2-duration"
        ),
        pytest.param([profile(level=1), FALLBACK], {"transactions": {}}, [(0, None)], id="3-no-transaction"),
        pytest.param(
            [profile("TxProfile", schedule={"duration": 600}), profile(level=5, number=2)],
            {},
            [(0, 16)],
            id="3-tx-gap-takes-the-default",
        ),
        pytest.param(
            [profile("TxProfile", (0, 20), transactionId="other"), FALLBACK],
            {"transactions": {1: {"id": "x"}}},
            [(0, 6)],
            id="3-other-transaction",
        ),
        pytest.param(
            [profile("PriorityCharging", (0, 32), kind="Relative", number=3), FALLBACK],
            {},
            [(0, 6)],
            id="3.3-priority-not-activated",
        ),
        pytest.param(
            [profile("PriorityCharging", (0, 32), kind="Relative", number=3), profile("TxProfile", (0, 10), number=2)],
            {"priority_charging": [1]},
            [(0, 32)],
            id="3.3-priority-takes-the-place-of-both",
        ),
        pytest.param(
            [
                profile("PriorityCharging", (0, 32), kind="Relative", number=3),
                profile("ChargingStationMaxProfile", (0, 20), number=2, evse=0),
            ],
            {"priority_charging": [1]},
            [(0, 20)],
            id="3.3-priority-keeps-to-the-maximum",
        ),
        pytest.param(
            [profile("LocalGeneration", (0, 3), (600, 4), number=3, evse=0), FALLBACK],
            {},
            [(0, 9), (600, 10)],
            id="3.3-local-generation-is-added",
        ),
        pytest.param(
            [
                profile("LocalGeneration", (0, 3), number=3, evse=0),
                profile("ChargingStationMaxProfile", (0, 5), number=2, evse=0),
                FALLBACK,
            ],
            {},
            [(0, 8)],
            id="3.3-local-generation-comes-after-the-caps",
        ),
        pytest.param(
            [profile("LocalGeneration", (0, 3), number=3, evse=0)], {}, [(0, None)], id="3.3-nothing-to-add-to"
        ),
        pytest.param(
            [profile("ChargingStationExternalConstraints", (0, 10), (900, 4), evse=0), FALLBACK],
            {},
            [(0, 6), (900, 4)],
            id="3.3-external",
        ),
        pytest.param([profile(kind="Dynamic", level=1), FALLBACK], {}, [(0, 16)], id="5.3-dynamic-without-end"),
        pytest.param(
            [
                profile(kind="Dynamic", level=1, schedule={"duration": 1200}, dynUpdateTime="2026-01-15T07:50:00Z"),
                FALLBACK,
            ],
            {},
            [(0, 16), (600, 6)],
            id="K28.FR.13-dynamic-runs-out",
        ),
        pytest.param(
            [
                profile(kind="Dynamic", level=1, schedule={"duration": 1200}, dynUpdateTime="2026-01-15T08:05:00Z"),
                FALLBACK,
            ],
            {},
            [(0, 16), (1500, 6)],
            id="K28.FR.15-an-update-revives-it",
        ),
        pytest.param(
            [profile("TxProfile", (0, 0), (300, 10), (600, 12), (900, 14), schedule={"randomizedDelay": 900})],
            {"random_delays_s": {1: [753, 123, 87]}},
            [(0, 0), (723, 12), (987, 14)],
            id="K01.FR.97-delays",
        ),
        pytest.param(
            [profile("TxProfile", (0, 0), (300, 10), schedule={"randomizedDelay": 100})],
            {"random_delays_s": {1: [999]}},
            [(0, 0), (400, 10)],
            id="K01.FR.97-never-more-than-allowed",
        ),
        pytest.param(
            [profile("TxProfile", (0, 0), (300, 10), schedule={"randomizedDelay": 900, "duration": 800}), FALLBACK],
            {"random_delays_s": {1: [600]}},
            [(0, 0), (800, 6)],
            id="K01.FR.97-delayed-beyond-the-duration",
        ),
        pytest.param([profile(schedule={"limitAtSoC": {"soc": 80, "limit": 8}})], {}, [(0, 16)], id="5.4-soc-unknown"),
        pytest.param(
            [profile(schedule={"limitAtSoC": {"soc": 80, "limit": 8}})],
            {"soc_percent": {1: 80}},
            [(0, 16)],
            id="5.4-soc-at-the-mark",
        ),
        pytest.param(
            [profile(schedule={"limitAtSoC": {"soc": 80, "limit": 8}})],
            {"soc_percent": {1: 80.5}},
            [(0, 8)],
            id="5.4-soc-above-the-mark",
        ),
        pytest.param([profile(level=1, maxOfflineDuration=0), FALLBACK], {}, [(0, 16)], id="Q11-online"),
        pytest.param(
            [profile(level=1, maxOfflineDuration=0), FALLBACK], {"offline_for_s": 0}, [(0, 6)], id="Q11-0-is-at-once"
        ),
        pytest.param(
            [profile(level=1, maxOfflineDuration=900), FALLBACK],
            {"offline_for_s": 300},
            [(0, 16), (600, 6)],
            id="Q11-runs-out-in-the-window",
        ),
        pytest.param(
            [profile(level=1, maxOfflineDuration=900), FALLBACK],
            {"was_offline_for_s": 5000},
            [(0, 16)],
            id="Q12-comes-back",
        ),
        pytest.param(
            [profile(level=1, maxOfflineDuration=900, invalidAfterOfflineDuration=True), FALLBACK],
            {"was_offline_for_s": 5000},
            [(0, 6)],
            id="Q12-gone-for-good",
        ),
        pytest.param(
            [profile("TxProfile", {"startPeriod": 0, "operationMode": "Idle"})],
            {},
            [(0, 0)],
            id="5.1-idle-gives-nothing",
        ),
        pytest.param(
            [profile(unit="W", schedule={"minChargingRate": 9000})], {}, [(0, 0)], id="4.4-minChargingRate-is-ignored"
        ),
        pytest.param([profile("TxDefaultProfile", (0, 6900), unit="W")], {}, [(0, 10)], id="K01.FR.49-three-phases"),
        pytest.param(
            [profile("TxDefaultProfile", {"startPeriod": 0, "limit": 6900, "numberPhases": 1}, unit="W")],
            {},
            [(0, 30)],
            id="K01.FR.49-one-phase",
        ),
        pytest.param([profile("TxDefaultProfile", (0, 7000), unit="W")], {}, [(0, 10.1)], id="4.2-quotients-are-cut"),
        pytest.param([profile("TxDefaultProfile", (0, 16.25))], {}, [(0, 16.25)], id="4.2-what-is-written-stays"),
        pytest.param(
            [
                profile(
                    "TxDefaultProfile", {"startPeriod": 0, "limit": 40_000, "numberPhases": 3}, (600, 20_000), unit="W"
                )
            ],
            {"evse_current_type": "DC", "supply_voltage": 400},
            [(0, 100), (600, 50)],
            id="K01.FR.44-dc-has-no-phases",
        ),
        pytest.param(
            [
                profile("TxProfile", {"startPeriod": 0, "limit": 20, "numberPhases": 3}),
                profile(
                    "ChargingStationMaxProfile", {"startPeriod": 0, "limit": 2300, "numberPhases": 1}, unit="W", evse=0
                ),
            ],
            {},
            [(0, 10)],
            id="K01.FR.140-lowest-phases",
        ),
        pytest.param([profile(evse=0, level=1), profile(number=2)], {}, [(0, 16)], id="3-0-against-n-by-level"),
        pytest.param(
            [profile("TxDefaultProfile", (0, 9), evse=0), profile(number=2)],
            {},
            [(0, 16)],
            id="3-equal-level-own-first",
        ),
        pytest.param([profile(validFrom="2026-01-15T08:10:00Z")], {}, [(0, None), (600, 16)], id="3-validFrom"),
        pytest.param(
            [profile(validTo="2026-01-15T08:10:00Z")], {}, [(0, 16), (600, None)], id="3-validTo-is-exclusive"
        ),
        pytest.param(
            [profile(validTo="2026-01-15T08:10:00Z")],
            {"default_limit_A": 48},
            [(0, 16), (600, 48)],
            id="9-gap-on-output",
        ),
        pytest.param(
            [profile(kind="Recurring", recurrencyKind="Daily", schedule={"startSchedule": "2026-01-16T07:30:00Z"})],
            {},
            [(0, 16)],
            id="3.1-recurs-before-its-start",
        ),
    ],
)
def test_rule(profiles: list[dict[str, Any]], station: dict[str, Any], expected: list[tuple[int, Any]]) -> None:
    assert composite(*profiles, station=station) == expected


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        pytest.param(
            True, "Europe/Amsterdam", [(0, None), (3600, 16), (5400, None)], id="local-time-follows-the-clock"
        ),
        pytest.param(False, "Europe/Amsterdam", [(0, None), (7200, 16), (9000, None)], id="utc-drifts-by-an-hour"),
        pytest.param(True, "America/New_York", [(0, None), (25_200, 16), (27_000, None)], id="west-of-utc"),
        pytest.param(True, "UTC", [(0, None), (10_800, 16), (12_600, None)], id="local-time-of-another-zone"),
    ],
)
def test_recurrences_across_a_change_of_clocks(local: bool, zone: str, expected: list[tuple[int, Any]]) -> None:
    """Every day at 8:00 local, told in winter; asked on the first day of summer time (2.1 useLocalTime)."""
    schedule = {"startSchedule": "2026-01-15T08:00:00+01:00", "duration": 1800, "useLocalTime": local}
    daily = profile(kind="Recurring", recurrencyKind="Daily", schedule=schedule)
    found = composite(daily, station={"time_zone": zone}, start="2026-03-29T05:00:00Z", duration_s=43_200)
    assert found == expected


def test_a_run_of_yesterday_reaches_into_today_west_of_utc() -> None:
    """22:00 in New York is 2:00 UTC of the next day: at 1:00 UTC the run of the day before yesterday still holds."""
    periods = (0, 6), (50_000, 16)
    schedule = {"startSchedule": "2026-01-15T22:00:00Z", "useLocalTime": True}
    daily = profile("TxDefaultProfile", *periods, kind="Recurring", recurrencyKind="Daily", schedule=schedule)
    found = composite(daily, station={"time_zone": "America/New_York"}, start="2026-02-01T01:00:00Z", duration_s=14_400)
    assert found == [(0, 16), (7200, 6)]


@pytest.mark.parametrize("dialect", ["libocpp", "microocpp"])
def test_peers_ignore_local_generation_and_priority(dialect: str) -> None:
    more = profile("LocalGeneration", (0, 3), number=3, evse=0)
    first = profile("PriorityCharging", (0, 32), kind="Relative", number=4)
    assert composite(FALLBACK, more, first, station={"priority_charging": [1]}, dialect=dialect) == [(0, 6)]


def test_offline_for_exactly_as_long_is_not_longer() -> None:
    kept = profile(level=1, maxOfflineDuration=900, invalidAfterOfflineDuration=True)
    assert composite(kept, FALLBACK, station={"was_offline_for_s": 900}) == [(0, 16)]


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        pytest.param("standard", [(0, 9.0)], id="standard"),
        pytest.param("libocpp", [(0, 9.0)], id="libocpp"),
        pytest.param("microocpp", [(0, 16.0)], id="microocpp"),
    ],
)
def test_defaults_of_station_and_evse(dialect: str, expected: list[tuple[int, Any]]) -> None:
    profiles = profile("TxDefaultProfile", (0, 9), evse=0, level=1), profile(number=2)
    assert composite(*profiles, dialect=dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        pytest.param("standard", [(0, 0.0), (600, 6.0)], id="standard"),
        pytest.param("microocpp", [(0, 5.0), (601, 6.0)], id="microocpp"),
    ],
)
def test_microocpp_raises_to_the_minimum_and_includes_the_end(dialect: str, expected: list[tuple[int, Any]]) -> None:
    pause = profile(
        "TxDefaultProfile", (0, 0), level=1, schedule={"minChargingRate": 5}, validTo="2026-01-15T08:10:00Z"
    )
    assert composite(pause, FALLBACK, dialect=dialect) == expected


def test_microocpp_does_not_convert() -> None:
    watts = profile("TxDefaultProfile", (0, 6900), unit="W")
    assert composite(watts, dialect="microocpp") == [(0, None)]
    assert composite(watts, dialect="microocpp", unit="W") == [(0, 6900)]


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [pytest.param("standard", [(0, 22.0)], id="standard"), pytest.param("microocpp", [(0, 25.0)], id="microocpp")],
)
def test_the_whole_station(dialect: str, expected: list[tuple[int, Any]]) -> None:
    profiles = profile("ChargingStationMaxProfile", (0, 25), evse=0), FALLBACK, profile(number=2, evse=2)
    station = {"num_evses": 2, "transactions": {1: {}, 2: {}}}
    assert composite(*profiles, station=station, evse=0, dialect=dialect) == expected


def test_an_evse_without_limit_counts_with_the_default() -> None:
    assert composite(FALLBACK, station={"num_evses": 2, "default_limit_A": 32}, evse=0) == [(0, 38)]
    assert composite(FALLBACK, station={"num_evses": 2}, evse=0) == [(0, None)]


def test_values_per_phase_and_set_points() -> None:
    lines = {"startPeriod": 0, "limit": 16, "limit_L2": 14, "limit_L3": 12, "numberPhases": 3}
    v2x = {"operationMode": "CentralSetpoint", "setpoint": -20, "dischargeLimit": -10, "setpointReactive": 2}
    cap = profile("ChargingStationMaxProfile", (0, 8970), unit="W", evse=0, number=2)
    [found] = composite_schedule(
        [profile("TxProfile", lines | v2x), cap],
        version="2.1",
        evse=1,
        start=START,
        duration_s=60,
        unit="A",
        station=RUNNING,
    )
    assert (found.limit, found.limit_l2, found.limit_l3) == (13.0, 13.0, 12.0)
    assert (found.setpoint, found.setpoint_l2, found.setpoint_l3) == (-10.0, -10.0, -10.0)
    assert (found.discharge_limit, found.setpoint_reactive) == (-10.0, 2.0)


@pytest.mark.parametrize(
    ("phases", "counted", "limit"),
    [
        pytest.param(2**62, 3, 10.0, id="more-than-there-are"),
        pytest.param(0, 3, 10.0, id="none"),
        pytest.param(-(2**62), 3, 10.0, id="negative"),
    ],
)
def test_impossible_phases_are_neither_trusted_nor_costly(phases: int, counted: int, limit: float) -> None:
    plain = {"startPeriod": 0, "limit": 6900, "numberPhases": phases}
    lines = {"startPeriod": 0, "limit": 2300, "limit_L2": 2300, "limit_L3": 2300, "numberPhases": phases}
    for period in (plain, lines):
        [found] = composite_schedule(
            [profile("TxProfile", period, unit="W")],
            version="2.1",
            evse=1,
            start=START,
            duration_s=60,
            unit="A",
            station=RUNNING,
        )
        assert (found.phases, found.limit) == (counted, limit)


def test_set_points_that_contradict_leave_nothing() -> None:
    v2x = {"startPeriod": 0, "operationMode": "CentralSetpoint"}
    outside = profile("ChargingStationExternalConstraints", v2x | {"setpoint": 5}, evse=0, number=2)
    [found] = composite_schedule(
        [profile("TxProfile", v2x | {"setpoint": -7}), outside],
        version="2.1",
        evse=1,
        start=START,
        duration_s=60,
        unit="A",
        station=RUNNING,
    )
    assert found.setpoint == 0


def test_a_datetime_is_a_start_too() -> None:
    assert composite(FALLBACK, start=datetime(2026, 1, 15, 8, tzinfo=UTC)) == composite(FALLBACK)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param({"version": "1.5"}, "version: '1.5' is not known; there are 1.6, 2.0.1, 2.1", id="version"),
        pytest.param({"unit": "kW"}, "unit: 'kW' is not known", id="unit"),
        pytest.param({"dialect": "mine"}, "dialect: 'mine' is not known", id="dialect"),
        pytest.param({"evse": -1}, "evse: -1 cannot be", id="negative-evse"),
        pytest.param({"evse": 2}, "evse: 2, but the station has 1", id="no-such-evse"),
        pytest.param({"duration_s": 0.5}, "duration_s: 0.5 cannot be", id="fraction"),
        pytest.param({"duration_s": 10**9}, "duration_s: 1000000000 cannot be", id="years"),
        pytest.param({"start": "noon"}, "start: 'noon' is no instant", id="no-instant"),
        pytest.param({"start": datetime(2026, 1, 15)}, "has no zone", id="naive"),  # noqa: DTZ001 - the point of it
        pytest.param({"station": {"volts": 230}}, r"station\['volts'\]: is not known; there are num_evses", id="key"),
        pytest.param({"station": {"supply_voltage": 0}}, r"supply_voltage'\]: 0 cannot be", id="voltage"),
        pytest.param({"station": {"supply_voltage": "230"}}, "'230' cannot be", id="voltage-text"),
        pytest.param({"station": {"evse_current_type": "AD"}}, "give 'AC' or 'DC'", id="current-type"),
        pytest.param({"station": {"evse_current_type": "DC"}}, r"supply_voltage'\]: is missing; with direct", id="dc"),
        pytest.param({"station": {"num_evses": 0}}, r"num_evses'\]: 0 cannot be; give 1 to", id="evses"),
        pytest.param({"station": {"transactions": {1: {"begin": 1}}}}, "give EVSE to", id="transaction-key"),
        pytest.param({"station": {"transactions": {1: {"start": "now"}}}}, "give EVSE to", id="transaction-start"),
        pytest.param({"station": {"time_zone": "Mars/Base"}}, "give an IANA name", id="zone"),
        pytest.param({"station": {"priority_charging": 1}}, "give a list of EVSEs", id="list"),
        pytest.param({"station": {"assume_transaction_on_every_evse": 1}}, "True or False", id="flag"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict[str, Any], seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        composite(FALLBACK, **change)


def test_every_profile_that_cannot_be_read_is_named() -> None:
    broken = {"connector": 1, "profile": {**FALLBACK["profile"], "stackLevel": "high"}}
    with pytest.raises(InputError) as caught:
        composite({"connector": -1}, broken, FALLBACK)
    assert [problem.where for problem in caught.value.problems] == ["profiles[0]", "profiles[1].stackLevel"]


def test_a_sum_over_two_lines_says_nothing_of_the_third() -> None:
    """Two EVSEs, one with two values on two phases, the other with three phases; the maximum has three values."""
    found = composite_schedule(
        [
            profile(
                "ChargingStationMaxProfile", {"startPeriod": 0, "limit": 40, "limit_L2": 20, "limit_L3": 30}, evse=0
            ),
            profile(
                "TxDefaultProfile", {"startPeriod": 0, "limit": 8, "limit_L2": 7, "limit_L3": 6, "numberPhases": 2}
            ),
            profile("TxDefaultProfile", {"startPeriod": 0, "limit": 16, "numberPhases": 3}, evse=2, number=2),
        ],
        version="2.1",
        evse=0,
        start=START,
        duration_s=60,
        unit="A",
        station=RUNNING | {"num_evses": 2, "assume_transaction_on_every_evse": True},
    )
    assert [(one.limit, one.limit_l2, one.limit_l3, one.phases) for one in found] == [(24, 20, 30, 3)]
