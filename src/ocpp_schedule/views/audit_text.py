"""The report of ``ocpp-schedule check`` as plain text and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from ocpp_schedule.units import energy_to_wh, money_to_currency

if TYPE_CHECKING:
    from ocpp_schedule.check.claims import Audit, StageAudit
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.solution import Solution

LISTED: Final = 50
"""Faults in the text; the data hold all."""
STAGE_TEXTS: Final = {
    "must_have": "must-haves missing",
    "contract": "above soft limits",
    "wanted": "wishes missing",
    "cost": "cost",
}


def audit_text(scenario: Scenario, solution: Solution, audit: Audit) -> str:
    """Return what was found, one subject a line; faults first."""
    zone, grid = ZoneInfo(scenario.site.time_zone), scenario.grid
    span = f"{grid.start.astimezone(zone):%Y-%m-%d %H:%M} to {grid.end.astimezone(zone):%Y-%m-%d %H:%M}"
    head = f"Archive: {len(solution.session_ids)} sessions, {grid.slots} slots, {span} ({scenario.site.time_zone})"
    if any(violation.kind == "shape" for violation in audit.report.violations):
        return "\n".join([head, *_faults(audit), "", "Verdict: this is no plan for the scenario beside it."])
    report = audit.report
    given, wanted = (energy_to_wh(sum(part.values())) / 1000 for part in (report.energy_units, report.wanted_units))
    lines = [
        head,
        *_faults(audit),
        f"Status: {audit.status} ({audit.mark}); method {solution.method}",
        f"Limits: {_limits(audit)}",
        *(f"A{str(alarm)[1:]}" for alarm in report.alarms),
        f"Energy: {given:,.1f} kWh of {wanted:,.1f} kWh wanted{_energy_gap(audit)}",
        f"Cost: {_money(report.cost_units, scenario)}{_cost_gap(audit, scenario)}",
        *(f"Stage {STAGE_TEXTS.get(one.stage.name, one.stage.name)}: {_stage(one)}" for one in audit.stages),
    ]
    return "\n".join([*lines, "", f"Verdict: {_verdict(audit)}"])


def audit_data(audit: Audit) -> dict[str, Any]:
    """Return what was found as JSON data: exact integers in 0.1 J and money units."""
    report = audit.report
    return {
        "ok": audit.ok,
        "violations": [str(violation) for violation in report.violations],
        "violations_omitted": report.omitted,
        "faults": list(audit.faults),
        "status": audit.status,
        "mark": audit.mark,
        "alarms": [str(alarm) for alarm in report.alarms],
        "cost_units": report.cost_units,
        "cost_bound_units": report.cost_bound_units,
        "cost_gap": audit.cost_gap,
        "energy_gap_units": audit.energy_gap_units,
        "stages": [
            {
                "name": one.stage.name,
                "value": one.stage.value,
                "claimed_bound": one.stage.bound,
                "proven_bound": one.proven,
            }
            for one in audit.stages
        ],
    }


def _faults(audit: Audit) -> list[str]:
    texts = [f"Violation: {violation}" for violation in audit.report.violations]
    texts += [f"Claim: {fault}" for fault in audit.faults]
    more = len(texts) - LISTED + audit.report.omitted
    return [*texts[:LISTED], *([f"... and {more} more"] if more > 0 else [])]


def _limits(audit: Audit) -> str:
    rows = len(audit.report.row_use)
    fullest = max(audit.report.row_use, key=lambda use: use.share, default=None)
    if fullest is None:
        return "no row carries a connector"
    held = "hold" if audit.report.ok else "judged"
    at = f"{fullest.noun} {fullest.subject} {fullest.line} at slot {fullest.slot}"
    used = f"{fullest.booked_units / 1e6:,.1f} of {fullest.headroom_units / 1e6:,.1f} A"
    return f"{rows} row{'' if rows == 1 else 's'} {held}; fullest {at}, {used}"


def _energy_gap(audit: Audit) -> str:
    gap = audit.energy_gap_units
    if gap is None:
        return "; how much of the rest is unavoidable is not known"
    proven = all(one.proven is not None or not one.stage.value for one in audit.stages if one.stage.name != "cost")
    return f"; gap {energy_to_wh(gap):,.1f} Wh" + ("" if proven else " (bound by the solver's word)")


def _cost_gap(audit: Audit, scenario: Scenario) -> str:
    if audit.cost_gap is None or audit.report.cost_bound_units is None:
        return "; no bound is proven"
    bound = _money(audit.report.cost_bound_units, scenario)
    return f"; proven: no plan can cost less than {bound}, gap {100 * audit.cost_gap:.4f} %"


def _money(units: int, scenario: Scenario) -> str:
    return f"{money_to_currency(units):,.3f} {scenario.tariff.currency}"


def _stage(one: StageAudit) -> str:
    if one.proven is not None:
        bound = f"at least {one.proven} (proven)"
    else:
        bound = "no bound" if one.stage.bound is None else f"at least {one.stage.bound:.0f} ({one.stage.mark})"
    return f"{one.stage.value}; {bound}"


def _verdict(audit: Audit) -> str:
    if audit.ok:
        return "every limit holds and every claim is true."
    counts = [
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in (
            (len(audit.report.violations) + audit.report.omitted, "violation"),
            (len(audit.faults), "false claim"),
        )
        if number
    ]
    return f"{' and '.join(counts)}."
