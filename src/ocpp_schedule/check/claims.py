"""What a plan says of itself, held against what the referee derives: status, mark, stage values and bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ocpp_schedule.check.bookings import safe_setpoints
from ocpp_schedule.check.certificate import bound_units
from ocpp_schedule.check.referee import judge
from ocpp_schedule.check.scene import scene_of

if TYPE_CHECKING:
    from ocpp_schedule.check.report import Report
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.solution import Solution, Stage

Status = Literal["complete", "partial", "alarm"]
Mark = Literal["certified", "bounded", "heuristic", "fallback"]

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
            if one.stage.name == "cost" or not one.stage.value:
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


def mark_of(solution: Solution, report: Report) -> Mark:
    """Return how far a plan is backed: ``certified`` where nothing is missing and prices prove the cost."""
    if report.missing or solution.certificate is None:
        return next((stage.mark for stage in solution.stages if stage.name == "cost"), "heuristic")
    return "certified"


def proven_bounds(scene: Scene, solution: Solution) -> dict[str, int]:
    """Return by stage what no plan can be below that is as good in the stages before; proven without a solver."""
    if solution.certificate is None:
        return {}
    missed = {stage.name: stage.value for stage in solution.stages}
    must, want = missed.get("must_have", 0), missed.get("wanted", 0)
    return {"cost": bound_units(scene, solution.certificate, must_units=must, want_units=want)}


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
    status, mark = status_of(report), mark_of(solution, report)
    faults = [] if stages else ["stages: none is claimed"]
    faults += _wrong_bounds(stages, gross)
    faults += [
        f"{what}: {claimed!r} is claimed, {own!r} is found"
        for what, claimed, own in (("status", claims.status, status), ("mark", claims.mark, mark))
        if claimed != own
    ]
    return Audit(replace(report, cost_bound_units=proven.get("cost")), stages, status, mark, gross, tuple(faults))


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
            if bound > value + max(gross if name == "cost" else 0, abs(value), 1) * BOUND_SLACK:
                faults.append(f"stage {name}: nothing below {bound} is claimed, the plan itself has {value}")
    return faults


def _gross_units(scene: Scene, solution: Solution) -> int:
    """Return the energy at prices without sign, before guard losses [money units]."""
    setpoints = safe_setpoints(solution.setpoints, scene.cars, scene.grid.edges_s[-1])
    power = (scene.cars.power.astype(setpoints.dtype) @ setpoints).tolist()
    return sum(int(one) * abs(price) for one, price in zip(power, scene.price_s, strict=True))
