"""Referee, profiles, wire and delivery need neither solver nor tables nor the `ocpp` package."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.pages import ROOT
from tests.scenes import worked_plan

if TYPE_CHECKING:
    from pathlib import Path

BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

BLOCKED = {"ortools", "pandas", "scipy", "ocpp", "highspy"}


class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
        return None


sys.meta_path.insert(0, Blocker())
"""

WORKED = """
from dataclasses import replace

import numpy as np
from tests.scenes import hours, worked_sessions, worked_site, worked_tariff

from ocpp_schedule.check.referee import review
from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand

site, sessions, grid = worked_site(), worked_sessions(), hours(4)
by_hand = replace(
    solution_by_hand({"a": [0, 160, 80, 0], "b": [0, 90, 70, 0]}, {"A": (60, 60), "B": (60, 60)}, slots=4),
    energy_units=np.array([5520 * 36_000, 3680 * 36_000]),
    cost_units=1_265_000 * 36_000_000,
)
"""

REFEREE = """
report = review(site, sessions, worked_tariff(), grid, solution=by_hand)
assert report.ok, report.violations
assert report.missing_units == {"a": 0, "b": 0}
greedy = replace(by_hand, setpoints=np.array([[0, 160, 80, 0], [0, 100, 60, 0]]))
assert {v.kind for v in review(site, sessions, worked_tariff(), grid, solution=greedy).violations} >= {"row"}
"""

WIRE = """
stacks = build_stacks(site, sessions, grid, by_hand)
assert [stack.layers[0].name for stack in stacks] == ["idle_floor"] * 2
assert [stack.layers[1].name for stack in stacks] == ["session", "plan"]
messages = to_ocpp(stacks)
assert [message["version"] for message in messages] == ["1.6", "2.0.1", "2.0.1", "1.6"]
session = messages[3]["payload"]["csChargingProfiles"]["chargingSchedule"]
assert [period["limit"] for period in session["chargingSchedulePeriod"]] == [0.0, 16.0, 8.0, 0.0, 6.0]
[coming] = messages[2]["payload"]["chargingProfile"]["chargingSchedule"]
assert [period["limit"] for period in coming["chargingSchedulePeriod"]] == [6.0, 9.0, 7.0, 6.0]
assert len(to_ocpp(stacks[1:], version="2.1")) == 2
"""

NOTHING_LOADED = """
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}, "loaded all the same"
"""

ARCHIVE = """
import pathlib
from ocpp_schedule import Plan
from ocpp_schedule.cli import main

text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
plan = Plan.from_json(text)
report = plan.verify()
assert report.ok, report.violations
assert 0 < report.cost_bound_units <= report.cost_units == 1_265_000 * 36_000_000
assert plan.summary().startswith("Plan: 2 sessions")
assert main(["check", sys.argv[1], "--quiet"]) == 0
assert main(["check", sys.argv[2], "--quiet"]) == 1
"""

CHECK_ONLY = """
from ocpp_schedule.cli import main
assert main(["check", sys.argv[1], "--quiet"]) == 0
loaded = {name.split(".")[1] for name in sys.modules if name.startswith("ocpp_schedule.")}
assert not loaded & {"problem", "solve", "explain", "plan", "profiles", "delivery", "wire"}, loaded
"""

SOLVER_IS_BLOCKED = """
from ocpp_schedule import schedule
try:
    schedule(site, sessions, worked_tariff(), grid)
except ModuleNotFoundError as error:
    assert "is blocked" in str(error)
else:
    raise SystemExit("the solver ran: nothing was blocked")
"""


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(REFEREE + NOTHING_LOADED, id="referee"),
        pytest.param(WIRE + NOTHING_LOADED, id="profiles-wire-delivery"),
        pytest.param(SOLVER_IS_BLOCKED, id="the-block-works"),
    ],
)
def test_it_works_without_solver_tables_and_ocpp(what: str) -> None:
    run(BLOCKER + WORKED + what)


@pytest.mark.parametrize("what", [pytest.param(ARCHIVE, id="plan"), pytest.param(CHECK_ONLY, id="check-only")])
def test_an_archive_is_judged_without_solver_and_tables(what: str, tmp_path: Path) -> None:
    text = worked_plan().to_json()
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    (tmp_path / "false.json").write_text(text.replace('"a":[0,160,80,0]', '"a":[0,161,80,0]'), encoding="utf-8")
    run(BLOCKER + what + NOTHING_LOADED, str(tmp_path / "plan.json"), str(tmp_path / "false.json"))


def run(code: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter on a text of this file
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
