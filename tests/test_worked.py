"""Two cars, one fuse, four prices: every number of the case that is worked by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenes import START, car, hours, worked_plan, worked_sessions, worked_site, worked_tariff

from ocpp_schedule import InputError, load_scenario, schedule
from ocpp_schedule.solve.working import booked_units, row_sums
from ocpp_schedule.timegrid import iso_utc

if TYPE_CHECKING:
    from pathlib import Path

    from ocpp_schedule import Plan

STEPS = {"a": [0, 160, 80, 0], "b": [0, 90, 70, 0]}
FLOOR = 60  # 6 A in steps of 0.1 A


@pytest.fixture(scope="module")
def plan() -> Plan:
    return worked_plan()


@pytest.fixture(scope="module")
def short() -> Plan:
    """Return the plan of the shortfall: both cars have slots 1 and 2 only, ``b`` wants twice as much."""
    sessions = [
        car("a", "A", 1, 3, 5520, phases=1, transaction_id=1041),
        car("b", "B", 1, 3, 7360, phases=1),
    ]
    return schedule(worked_site(), sessions, worked_tariff(), hours(4))


def test_uncontrolled_charging_costs_2_024(plan: Plan) -> None:
    assert plan.uncontrolled.cost == 2.024 == pytest.approx(1.472 + 0.552)
    assert plan.uncontrolled.energy_wh == 9200.0
    assert plan.uncontrolled.peak_a == 32.0  # with nothing installed, on a 25 A fuse
    assert plan.uncontrolled.peak_w == 24 * 230  # slot 1: 8 A·h and 16 A·h


def test_optimum_costs_1_265(plan: Plan) -> None:
    assert plan.cost == 1.265 == pytest.approx(0.575 + 0.690)
    assert plan.solution.cost_units == 1_265_000 * 36_000_000  # exact: 1e-6 EUR, 36e6 energy units per kWh
    assert plan.report.cost_units == plan.solution.cost_units
    assert plan.cost_gap is not None
    assert plan.cost_gap <= 0.001


def test_optimum_saves_37_5_percent(plan: Plan) -> None:
    assert 1 - plan.cost / plan.uncontrolled.cost == pytest.approx(0.375, abs=1e-12)
    assert "Uncontrolled: 2.024 EUR, 37.5 % saved" in plan.summary()


def test_all_wishes_are_met(plan: Plan) -> None:
    assert plan.status == "complete"
    assert plan.energy_wh == {"a": 5520.0, "b": 3680.0}
    assert plan.energy_gap == 0.0
    assert plan.shortfalls == ()


def test_setpoints(plan: Plan) -> None:
    assert dict(zip(plan.session_ids, plan.setpoints.tolist(), strict=True)) == STEPS
    assert plan.limits.tolist() == [[0.0, 16.0, 8.0, 0.0], [0.0, 9.0, 7.0, 0.0]]
    assert plan.setpoints.sum(axis=0).tolist() == [0, 250, 150, 0]  # main: 25.0 of 25.0 A, 15.0 A


def test_twelve_splits_cost_the_same_and_the_tie_breaks_choose_one() -> None:
    splits = [
        ((0, a1, 240 - a1, 0), (0, 250 - a1, a1 - 90, 0))
        for a1 in range(161)
        if all(x == 0 or 60 <= x <= 160 for x in (a1, 240 - a1, 250 - a1, a1 - 90))
    ]
    assert len(splits) == 12
    calm = [(a, b) for a, b in splits if not any(x[2] > x[1] for x in (a, b))]
    assert len(calm) == 11
    assert ((0, 90, 150, 0), (0, 160, 0, 0)) not in calm
    assert max(calm) == (tuple(STEPS["a"]), tuple(STEPS["b"]))  # the lower id charges first


def test_hard_rows_with_the_idle_floor(plan: Plan) -> None:
    a, b = ([max(steps, FLOOR) for steps in STEPS[name]] for name in ("a", "b"))
    assert [x + y for x, y in zip(a, b, strict=True)] == [120, 250, 150, 120]
    sums = row_sums(plan.problem, booked_units(plan.problem, plan.setpoints))
    assert sums[0, 0].tolist() == [12_000_000, 25_000_000, 15_000_000, 12_000_000]
    (use,) = (use for use in plan.report.row_use if use.line == "L1")
    assert (use.slot, use.booked_units, use.headroom_units) == (1, 25_000_000, 25_000_000)


def test_both_edges_hold_without_guard(plan: Plan) -> None:
    a, b = ([max(steps, FLOOR) for steps in STEPS[name]] for name in ("a", "b"))
    edges = [max(a[t - 1], a[t]) + max(b[t - 1], b[t]) for t in (1, 2)]
    assert edges == [250, 250]
    assert not plan.solution.late_raise.any()
    assert not plan.solution.early_lowering.any()


def test_end_floor_is_6_a_on_both(plan: Plan) -> None:
    assert plan.solution.connector_ids == ("A", "B")
    assert plan.solution.end_floor_steps.tolist() == [FLOOR, FLOOR]
    assert plan.solution.idle_floor_steps.tolist() == [FLOOR, FLOOR]


SESSION_PLAN_OF_A: dict[str, Any] = {
    "connectorId": 1,
    "csChargingProfiles": {
        "chargingProfileId": 103,
        "transactionId": 1041,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-01-14T23:59:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 0.0, "numberPhases": 1},
                {"startPeriod": 3660, "limit": 16.0, "numberPhases": 1},
                {"startPeriod": 7260, "limit": 8.0, "numberPhases": 1},
                {"startPeriod": 10860, "limit": 0.0, "numberPhases": 1},
                {"startPeriod": 14460, "limit": 6.0, "numberPhases": 1},
            ],
        },
    },
}
COMING_PLAN_OF_B: dict[str, Any] = {
    "evseId": 1,
    "chargingProfile": {
        "id": 102,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 102,
                "startSchedule": "2026-01-14T23:59:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 6.0, "numberPhases": 1},
                    {"startPeriod": 3660, "limit": 9.0, "numberPhases": 1},
                    {"startPeriod": 7260, "limit": 7.0, "numberPhases": 1},
                    {"startPeriod": 10860, "limit": 6.0, "numberPhases": 1},
                ],
            }
        ],
    },
}
SIX_AMPERES = [{"startPeriod": 0, "limit": 6.0, "numberPhases": 1}]
FLOOR_OF_A: dict[str, Any] = {
    "connectorId": 1,
    "csChargingProfiles": {
        "chargingProfileId": 101,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "1970-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": SIX_AMPERES,
        },
    },
}
FLOOR_OF_B: dict[str, Any] = {
    "evseId": 1,
    "chargingProfile": {
        "id": 101,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 101,
                "startSchedule": "1970-01-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": SIX_AMPERES,
            }
        ],
    },
}


def test_to_ocpp_gives_these_four_payloads_and_no_other(plan: Plan) -> None:
    messages = plan.to_ocpp()
    assert [(m["station"], m["version"], m["action"]) for m in messages] == [
        ("CP1", "1.6", "SetChargingProfile"),
        ("CP2", "2.0.1", "SetChargingProfile"),
        ("CP2", "2.0.1", "SetChargingProfile"),
        ("CP1", "1.6", "SetChargingProfile"),
    ]
    assert [m["payload"] for m in messages] == [FLOOR_OF_A, FLOOR_OF_B, COMING_PLAN_OF_B, SESSION_PLAN_OF_A]


def test_both_floors_go_first(plan: Plan) -> None:
    assert [(m["wave"], m["lowers"]) for m in plan.to_ocpp()] == [(0, True), (0, True), (1, False), (1, False)]


def test_payloads_carry_floats_with_one_decimal(plan: Plan) -> None:
    text = json.dumps([m["payload"] for m in plan.to_ocpp()])
    assert '"limit": 16.0' in text
    assert '"limit": 16,' not in text


def test_shortfall_text(short: Plan) -> None:
    (shortfall,) = short.shortfalls
    assert str(shortfall).startswith(
        "a, b: 1,380 Wh short (a, b share 01:00-03:00; 12,880 Wh wanted, circuit main L1 gives at most 11,500)"
    )
    assert (shortfall.missing_wh, shortfall.wanted_wh, shortfall.possible_wh) == (1380.0, 12_880.0, 11_500.0)
    assert (shortfall.sessions, shortfall.limit, shortfall.proven) == (("a", "b"), "circuit main L1", True)


def test_shortfall_plan_is_partial_and_takes_what_main_gives(short: Plan) -> None:
    assert short.status == "partial"
    assert short.setpoints.sum(axis=0).tolist() == [0, 250, 250, 0]  # 25 A for 2 h: 50 of the 56 A·h
    assert sum(short.energy_wh.values()) == 11_500.0
    assert short.energy_gap == 0.0
    assert f"Short: {short.shortfalls[0]}" in short.summary()


def raw_scenario() -> dict[str, Any]:
    """Return the case as the JSON file would hold it."""
    dump: dict[str, Any] = worked_site().model_dump(mode="json", exclude_unset=True)
    return {
        "format_version": 1,
        "site": dump,
        "sessions": [s.model_dump(mode="json", exclude_unset=True) for s in worked_sessions()],
        "tariff": worked_tariff().model_dump(mode="json", exclude_unset=True),
        "grid": {"start": iso_utc(START), "step_s": 3600, "slots": 4},
    }


def load(raw: dict[str, Any], folder: Path) -> Any:
    (folder / "scenario.json").write_text(json.dumps(raw), encoding="utf-8")
    return load_scenario(folder / "scenario.json")


def test_the_file_gives_the_same_plan_as_the_models(plan: Plan, tmp_path: Path) -> None:
    scenario = load(raw_scenario(), tmp_path)
    again = schedule(scenario.site, scenario.sessions, scenario.tariff, scenario.grid)
    assert again.to_json() == plan.to_json()


def test_two_faults_one_message(tmp_path: Path) -> None:
    raw = raw_scenario()
    raw["sessions"][0]["departure"] = "2026-01-14T22:00Z"
    raw["sessions"][1]["connector"] = "BB"
    with pytest.raises(InputError) as caught:
        load(raw, tmp_path)
    assert str(caught.value) == (
        "2 problems in scenario.json\n"
        "sessions[0] (a): departure 2026-01-14T22:00Z is before arrival 2026-01-15T00:00Z. "
        "Swap them, or check the time zone.\n"
        "sessions[1] (b): connector 'BB' does not exist; the site has 'A', 'B'."
    )
