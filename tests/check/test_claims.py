"""What an archive claims of itself is held against what follows from its models: each planted lie is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from tests.scenes import HOUR, START, car, outlet, planned, scene, worked_plan, yard

from ocpp_schedule.check.claims import audit
from ocpp_schedule.cli import main
from ocpp_schedule.testing.strategies import scenarios
from ocpp_schedule.views.archive import claims_of, read_archive, solution_from_dict
from ocpp_schedule.views.audit_text import LISTED, audit_data, audit_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ocpp_schedule import Plan, Scenario
    from ocpp_schedule.check.claims import Audit


def short_plan() -> Plan:
    """Return a plan that misses 400 Wh of a must-have and 1,320 Wh of a wish."""
    goal = {"by": START + HOUR, "energy_wh": 4080}
    cars = [car("a", "A", 0, 2, 4080, phases=1, milestones=[goal]), car("b", "B", 0, 1, 5000, phases=1)]
    return planned(scene(yard(outlet("A", max_current_a=16), outlet("B", max_current_a=16), limit_a=63), cars))


PLANS = {"worked": worked_plan(), "short": short_plan()}
TEXTS = {name: plan.to_json() for name, plan in PLANS.items()}


def judged(text: str) -> tuple[Audit, str]:
    scenario, data = read_archive(text)
    solution = solution_from_dict(scenario, data)
    found = audit(scenario, solution, claims_of(text))
    return found, audit_text(scenario, solution, found)


def changed(name: str, change: Callable[[dict[str, Any]], Any]) -> str:
    data = json.loads(TEXTS[name])
    change(data)
    return json.dumps(data)


def test_a_plan_that_says_the_truth() -> None:
    found, text = judged(TEXTS["worked"])
    assert found.ok
    assert (found.status, found.mark, found.energy_gap_units) == ("complete", "certified", 0)
    assert found.cost_gap == pytest.approx(PLANS["worked"].cost_gap)
    assert found.report.cost_bound_units == PLANS["worked"].verify().cost_bound_units
    assert text.splitlines()[1:5] == [
        "Status: complete (certified); method exact",
        "Limits: 1 row hold; fullest circuit main L1 at slot 1, 25.0 of 25.0 A",
        "Energy: 9.2 kWh of 9.2 kWh wanted; gap 0.0 Wh",
        f"Cost: 1.265 EUR; proven: no plan can cost less than 1.265 EUR, gap {100 * (found.cost_gap or 0):.4f} %",
    ]
    assert text.endswith("\n\nVerdict: every limit holds and every claim is true.")


def test_a_plan_with_shortfalls_says_the_truth_too() -> None:
    found, text = judged(TEXTS["short"])
    assert found.ok
    assert found.status == "partial"
    missing = {one.stage.name: one.stage.value for one in found.stages}
    assert (missing["must_have"], missing["wanted"]) == (400 * 36_000, 1320 * 36_000)
    assert "kWh wanted; gap " in text


def put(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of the value at ``place``, keys and indices parted by dots."""

    def change(data: dict[str, Any]) -> None:
        *path, last = (int(key) if key.isdigit() else key for key in place.split("."))
        at: Any = data
        for key in path:
            at = at[key]
        at[last] = value(at[last]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        pytest.param("worked", put("solution.setpoints.a.1", 161), "Violation: maximum: session 'a'", id="set-point"),
        pytest.param("worked", put("solution.setpoints.a.2", 79), "Violation: claimed_energy: ", id="one step less"),
        pytest.param("worked", put("solution.energy_units.a", 1), "Violation: claimed_energy: ", id="energy"),
        pytest.param("worked", put("solution.cost_units", 1), "Violation: claimed_cost: ", id="cost"),
        pytest.param(
            "worked",
            put("solution.stages.0.value", 7),
            "Violation: claimed_stage: plan 'must_have': 7 x 0.1 J",
            id="must-have",
        ),
        pytest.param("short", put("solution.stages.1.value", 0), "claimed_stage: plan 'wanted': 0 x", id="wish"),
        pytest.param(
            "worked",
            put("solution.stages.2.value", lambda value: value - 1),
            "claimed_stage: plan 'cost': 45539999999999 money units",
            id="cost of the stage",
        ),
        pytest.param(
            "worked",
            put("solution.stages.2.bound", lambda bound: bound + 1),
            "Claim: stage cost: nothing below",
            id="bound, one unit up",
        ),
        pytest.param(
            "worked",
            put("solution.stages.2.bound", lambda bound: bound - 1),
            "Claim: stage cost: nothing below",
            id="bound, one unit down",
        ),
        pytest.param("worked", put("solution.stages.2.bound", None), "nothing below None", id="no bound"),
        pytest.param(
            "worked",
            put("solution.stages.1.bound", 36_000.0),
            "Claim: stage wanted: nothing below 36000.0 is claimed, 0 is proven",
            id="a bound above the value",
        ),
        pytest.param(
            "worked",
            put("solution.certificates.cost.rows.0.prices.1", 0),
            "Claim: stage cost: nothing below",
            id="a price of the certificate",
        ),
        pytest.param("worked", put("solution.certificates", {}), "mark: 'certified' is claimed", id="no prices"),
        pytest.param("worked", put("solution.stages", []), "Claim: stages: none is claimed", id="no stages"),
        pytest.param("worked", put("solution.stages.0.name", "x"), "claimed_stage: plan 'stages': x, ", id="stage"),
        pytest.param("short", put("status", "complete"), "status: 'complete' is claimed, 'partial'", id="status"),
        pytest.param("short", put("mark", "bounded"), "Claim: mark: 'bounded' is claimed, 'certified'", id="mark"),
        pytest.param(
            "worked", put("scenario.site.circuits.0.limit_a", 24.9), "Violation: row: circuit 'main' L1", id="limit"
        ),
        pytest.param("worked", put("scenario.sessions.0.energy_wh", 6000.0), "Claim: status: 'complete'", id="wish up"),
        pytest.param(
            "worked", put("scenario.tariff.energy.per_kwh.1", 0.11), "Violation: claimed_cost", id="another price"
        ),
    ],
)
def test_a_planted_lie_is_found(name: str, change: Callable[[dict[str, Any]], None], told: str) -> None:
    found, text = judged(changed(name, change))
    assert not found.ok
    assert told in text
    assert "every claim is true" not in text
    assert audit_data(found)["ok"] is False


def test_many_faults_are_cut_in_the_text_and_whole_in_the_data() -> None:
    cars = [car(f"c{k:02}", f"C{k:02}", 0, 4, 3680, phases=1) for k in range(30)]
    plan = planned(scene(yard(*(outlet(f"C{k:02}") for k in range(30)), limit_a=630.0), cars))
    data = json.loads(plan.to_json())
    data["solution"]["setpoints"] = {c.id: [321] * 4 for c in cars}
    found, text = judged(json.dumps(data))
    count = len(found.report.violations) + len(found.faults)
    assert count > LISTED
    assert f"... and {count - LISTED} more" in text
    assert len(audit_data(found)["violations"]) == len(found.report.violations)
    assert text.endswith(f"{len(found.report.violations)} violations.")


@settings(max_examples=40, deadline=None)
@given(scenario=scenarios())
def test_every_plan_says_the_truth(scenario: Scenario) -> None:
    found, _ = judged(planned(scenario).to_json())
    assert found.ok, (found.report.violations, found.faults)


def saved(folder: Path, text: str) -> str:
    path = folder / "plan.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_ends_with_0_where_all_is_true(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", saved(tmp_path, TEXTS["worked"])]) == 0
    assert capsys.readouterr().out == judged(TEXTS["worked"])[1] + "\n"
    assert main(["check", str(tmp_path), "--quiet"]) == 0  # the folder will do
    assert capsys.readouterr() == ("", "")


def test_the_command_ends_with_1_where_something_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, changed("worked", put("solution.setpoints.a.1", 161)))
    assert main(["check", path, "--json"]) == 1
    seen = json.loads(capsys.readouterr().out)
    assert seen["violations"][0].startswith("maximum: session 'a', slot 1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("{}", "is no plan that to_json wrote", id="no plan"),
        pytest.param(changed("worked", lambda data: data.pop("mark")), "claims what no plan claims", id="no mark"),
        pytest.param(changed("worked", put("status", 7)), "7 is no text", id="a number for a status"),
        pytest.param(changed("worked", put("solution.setpoints.a", [1])), "no list of 4 set-points", id="cells"),
    ],
)
def test_the_command_ends_with_2_where_it_is_no_plan(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", saved(tmp_path, text)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_the_command_ends_with_2_where_there_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "there is no such file" in capsys.readouterr().err
