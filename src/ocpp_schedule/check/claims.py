"""What a plan says of itself, held against what the referee derives: status, mark, stage values and bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ocpp_schedule.check.bookings import safe_setpoints
from ocpp_schedule.check.certificate import bound_units
from ocpp_schedule.check.duality import proven_units
from ocpp_schedule.check.rates import NET
from ocpp_schedule.check.referee import judge
from ocpp_schedule.check.runs import least_starts
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.check.stages import COUNTS_MISSING, LEAST_IS_0, budget_of, names_of, stages_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.objective import ObjectiveStage
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.solution import Solution, Stage

Status = Literal["complete", "partial", "alarm"]
Mark = Literal["certified", "bounded", "heuristic", "fallback"]
WORST_FIRST: Final[tuple[Mark, ...]] = ("fallback", "heuristic", "bounded", "certified")

BOUND_SLACK: Final = 1e-6
"""A solver's bound is a float; it may lie above the value by this share of the gross value, and no more."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an archived plan says of itself beside its solution.

    Attributes:
        status: ``complete``, ``partial`` or ``alarm``.
        mark: how far the result is said to be backed.
    """

    status: str
    mark: str


@dataclass(frozen=True, slots=True)
class StageAudit:
    """One stage: what was claimed, and what is proven.

    Attributes:
        stage: as claimed; where the value is not the one that follows from the set-points, the report says so.
        proven: the bound that follows without a solver; None where nothing is proven.
    """

    stage: Stage
    proven: int | None


@dataclass(frozen=True, slots=True)
class Audit:
    """An archived plan, judged from its models alone.

    Attributes:
        report: the referee's report, with the proven bound of the cost.
        stages: claimed against found, stage by stage.
        status: as it follows from the report.
        mark: as it follows from report and certificate.
        gross_units: price without sign times energy, what the cost gap is measured by [money units].
        faults: claims that do not hold, one line each.
    """

    report: Report
    stages: tuple[StageAudit, ...] = ()
    status: Status = "partial"
    mark: Mark = "heuristic"
    gross_units: int = 0
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """No rule is broken and every claim holds."""
        return self.report.ok and not self.faults

    @property
    def cost_gap(self) -> float | None:
        """Cost above its proven bound by gross value; None where nothing is proven."""
        if self.report.cost_bound_units is None:
            return None
        above = max(self.report.cost_units - self.report.cost_bound_units, 0)
        return above / self.gross_units if self.gross_units else 0.0

    @property
    def energy_gap_units(self) -> int | None:
        """Missing energy above its bound [0.1 J]; None where a stage has no bound.

        A proven bound counts first, then the solver's word; nothing missing needs neither.
        """
        gap = 0
        for one in self.stages:
            if one.stage.name.partition(" ")[0] not in COUNTS_MISSING or not one.stage.value:
                continue
            bound = one.stage.bound if one.proven is None else one.proven
            if bound is None:
                return None
            gap += max(one.stage.value - int(bound), 0)
        return gap


def status_of(report: Report) -> Status:
    """Return the status of a plan with this report."""
    if report.alarms:
        return "alarm"
    return "partial" if report.missing else "complete"


def mark_of(solution: Solution, proven: Mapping[str, int]) -> Mark:
    """Return how far a plan is backed: as its worst stage, and a stage is ``certified`` where its bound is proven."""
    marks: list[Mark] = ["certified" if stage.name in proven else stage.mark for stage in solution.stages]
    return min(marks, key=WORST_FIRST.index, default="heuristic")


def proven_bounds(scene: Scene, solution: Solution) -> dict[str, int]:
    """Return by stage what no plan can be below that is as good in the stages before; proven without a solver.

    Missing energy of 0 needs no proof. A stage without a certificate is left out.
    """
    values = {stage.name: stage.value for stage in solution.stages}
    found = {}
    sequence = stages_of(scene)
    if list(values) != [name for name, _ in sequence]:
        return {}
    for name, stage in sequence:
        if stage.kind in LEAST_IS_0 and values[name] == 0:
            found[name] = 0
        elif stage.kind == "starts":
            found[name] = _least_starts(scene, sequence, values)
        elif (certificate := solution.certificates.get(name)) is not None:
            plain = _plain(scene, sequence, name, values)
            if plain is None and (scene.background is None or stage.kind not in NET):
                found[name] = proven_units(scene, name, certificate, values)
            elif plain is not None:
                found[name] = bound_units(scene, certificate, must_units=plain[0], want_units=plain[1])
    return found


def _least_starts(scene: Scene, sequence: list[tuple[str, ObjectiveStage]], values: Mapping[str, int]) -> int:
    """Return how many sessions must charge at least, whose wishes stages before count: each begins once.

    Of sessions that charge in the slot under way nothing is known.
    """
    names = names_of(scene)["wanted"]
    held = [0] * len(scene.cars.ids) if scene.held is None else scene.held.tolist()
    least = 0
    for name, stage in sequence[: [kind.kind for _, kind in sequence].index("starts")]:
        if stage.kind != "wanted":
            continue
        wanted = [
            0 if car.value_per_kwh is not None or names[car.priority] != name or steps else units
            for car, units, steps in zip(scene.cars.models, scene.cars.wanted.tolist(), held, strict=True)
        ]
        least += least_starts(wanted, budget_of(stage, values[name]))
    return least


def _plain(
    scene: Scene, sequence: list[tuple[str, ObjectiveStage]], target: str, values: Mapping[str, int]
) -> tuple[int, int] | None:
    """Return what must-haves and wishes may miss where the target is the cost after these two and nothing else.

    Where something is missing the general proof is tighter: it knows what a missing unit is worth.
    """
    names = [name for name, _ in sequence]
    if names[: names.index(target) + 1] != ["must_have", "wanted", target] or target not in NET:
        return None
    if any(car.value_per_kwh is not None for car in scene.cars.models):
        return None
    missing = budget_of(sequence[0][1], values["must_have"]), budget_of(sequence[1][1], values["wanted"])
    return None if any(missing) and scene.background is None else missing


def audit(scenario: Scenario, solution: Solution, claims: Claims) -> Audit:
    """Derive everything that a plan claims again, from its models and set-points.

    Args:
        scenario: what was planned, references checked.
        solution: set-points, claimed values and certificate.
        claims: what else the plan says of itself.
    """
    scene = scene_of(**scenario.inputs())
    report = judge(scene, solution)
    if any(violation.kind == "shape" for violation in report.violations):
        return Audit(report)
    proven = proven_bounds(scene, solution)
    stages = tuple(StageAudit(stage, proven.get(stage.name)) for stage in solution.stages)
    gross = _gross_units(scene, solution)
    status, mark = status_of(report), mark_of(solution, proven)
    faults = [] if stages else ["stages: none is claimed"]
    faults += _wrong_bounds(stages, gross)
    faults += [
        f"{what}: {claimed!r} is claimed, {own!r} is found"
        for what, claimed, own in (("status", claims.status, status), ("mark", claims.mark, mark))
        if claimed != own
    ]
    return Audit(replace(report, bounds=proven), stages, status, mark, gross, tuple(faults))


def _wrong_bounds(stages: tuple[StageAudit, ...], gross: int) -> list[str]:
    """Return bounds that are not those proven here, to the unit; or, by a solver's word, above the value reached."""
    faults = []
    for one in stages:
        bound, name = one.stage.bound, one.stage.name
        if one.proven is not None:
            if bound != one.proven:
                faults.append(f"stage {name}: nothing below {bound} is claimed, {one.proven} is proven")
        elif bound is not None:
            value = one.stage.value
            if bound > value + max(gross if name in NET else 0, abs(value), 1) * BOUND_SLACK:
                faults.append(f"stage {name}: nothing below {bound} is claimed, the plan itself has {value}")
    return faults


def _gross_units(scene: Scene, solution: Solution) -> int:
    """Return the energy at prices without sign, before guard losses [money units]."""
    setpoints = safe_setpoints(solution.setpoints, scene.cars, scene.grid.edges_s[-1])
    power = (scene.cars.draw.astype(setpoints.dtype) @ setpoints).tolist()
    return sum(int(one) * abs(price) for one, price in zip(power, scene.price_s, strict=True))
