"""The questions that a plan answers about itself; each answer is computed when it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.units import energy_to_wh

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.explain.binding import Binding
    from ocpp_schedule.explain.remedies import Remedy
    from ocpp_schedule.explain.session import Explanation
    from ocpp_schedule.explain.shortfalls import Shortfall
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution

SUMMARY_ARCS = 500
"""Open set-points up to which a summary names remedies: above, their plans take longer than a text should."""
SUMMARY_SHORTFALLS = 3
"""Shortfalls whose remedies a summary names."""


class Answers:
    """What a plan says about itself: shortfalls, remedies, explanations, the worth of its limits.

    Attributes:
        scenario: what was planned.
        problem: the compiled arrays.
        solution: the raw result.
        report: the referee's report.
    """

    scenario: Scenario
    problem: Problem
    solution: Solution
    report: Report

    if TYPE_CHECKING:  # what the plan itself brings

        @cached_property
        def limits(self) -> npt.NDArray[np.float64]: ...  # noqa: D102 - of the plan

        @cached_property
        def _sessions(self) -> list[KnownSession]: ...

        @cached_property
        def _units(self) -> dict[str, str]: ...

        def _compile(self, scenario: Scenario) -> Problem: ...

        def _solve_again(self, scenario: Scenario) -> Report: ...

    @cached_property
    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Energy that is missing, with the limits that prove it (convention 20)."""
        from ocpp_schedule.explain.shortfalls import find_shortfalls  # noqa: PLC0415 - rarely needed

        zone = self.scenario.site.time_zone
        return find_shortfalls(self.problem, self.solution.setpoints, self._counted_units, zone)

    def remedies(self, shortfall: Shortfall) -> tuple[Remedy, ...]:
        """Return the smallest remedy of each kind for one of the plan's shortfalls, each planned again.

        Up to 20,000 open set-points (``explain.remedies.MOST_ARCS``); above, only what the cars would have to do
        without. The work is bounded and the answer always the same.
        """
        known = self._remedies
        if shortfall not in known:
            from ocpp_schedule.explain.remedies import Workshop  # noqa: PLC0415 - rarely needed

            scenario = self.scenario.model_copy(update={"sessions": tuple(self._sessions)})  # what was assumed is kept
            shop = Workshop(scenario, self.problem, self.report, self._compile, self._solve_again)
            known[shortfall] = shop.remedies(shortfall)
        return known[shortfall]

    @cached_property
    def _remedies(self) -> dict[Shortfall, tuple[Remedy, ...]]:
        return {}

    def explain(self, session: str) -> Explanation:
        """Return why a session gets what it gets; ``str()`` of it is the text.

        Args:
            session: its id.

        Raises:
            InputError: there is no such session; close matches are named.
        """
        from ocpp_schedule.explain.session import Look, explain_session  # noqa: PLC0415 - rarely needed

        ids = self.problem.session_ids
        if session not in ids:
            raise InputError(
                "explain()", [InputProblem(f"session {session!r}", f"does not exist; {_near(session, ids)}")]
            )
        row = ids.index(session)
        own = self._sessions[row]
        return explain_session(
            Look(
                problem=self.problem,
                solution=self.solution,
                row=row,
                energy_units=self._counted_units,
                given_back=self._given_back(row),
                permissions=self.limits[row],
                unit=self._units[own.connector],
                currency=self.scenario.tariff.currency,
                time_zone=self.scenario.site.time_zone,
                shortfalls=tuple(str(one) for one in self.shortfalls if session in one.sessions),
            )
        )

    def _given_back(self, row: int) -> npt.NDArray[np.int64] | None:
        """Return (T,) what a session gives back [0.1 J]; None where it gives nothing."""
        given = self.solution.discharge_steps
        name = self.solution.session_ids[row]
        if given is None or name not in self.solution.discharge_ids:
            return None
        units: npt.NDArray[np.int64] = given[self.solution.discharge_ids.index(name)] * self.problem.seconds
        return units * int(self.problem.power_dw[row]) if units.any() else None

    @cached_property
    def binding(self) -> Binding:
        """What one ampere more is worth, limit by limit and slot by slot: energy first, then money."""
        from ocpp_schedule.explain.binding import find_binding  # noqa: PLC0415 - rarely needed

        return find_binding(self.problem, self.scenario.tariff.currency, self.scenario.site.time_zone)

    @property
    def above_contract_wh(self) -> dict[str, float]:
        """Energy that may be drawn above a soft limit, by circuit with one [Wh] (convention 27)."""
        return {name: energy_to_wh(units) for name, units in self.report.excess_units.items()}

    @property
    def _short_lines(self) -> list[str]:
        """What is above soft limits and what is short, for a summary; with remedies where that takes no time."""
        from ocpp_schedule.explain.remedies import remedies_text  # noqa: PLC0415 - rarely needed

        small = int((self.problem.cap_steps > 0).sum()) <= SUMMARY_ARCS
        above = self.above_contract_wh.items()
        return [f"Contract: {wh:,.0f} Wh above the soft limit of circuit {name}" for name, wh in above if wh] + [
            f"Short: {one}. {remedies_text(self.remedies(one))}"
            if small and at < SUMMARY_SHORTFALLS
            else f"Short: {one}"
            for at, one in enumerate(self.shortfalls)
        ]

    @cached_property
    def _slot_energy_units(self) -> npt.NDArray[np.int64]:
        from ocpp_schedule.solve.edges import slot_energy_units  # noqa: PLC0415 - solve loads on first use

        solution = self.solution
        return slot_energy_units(self.problem, solution.setpoints, solution.late_raise, solution.early_lowering)

    @cached_property
    def _counted_units(self) -> npt.NDArray[np.int64]:
        """(S, T) energies that count for wishes: of cars that can give energy back, what is more in the battery."""
        meter, given = self.problem.meter, self.solution.discharge_steps
        if meter is None or given is None:
            return self._slot_energy_units
        from ocpp_schedule.solve.flows import counted  # noqa: PLC0415 - solve loads on first use

        at_work = meter.working(meter.storage_steps, self.problem.seconds, given)
        return counted(self.problem, at_work, self._slot_energy_units)


def _near(session: str, ids: tuple[str, ...]) -> str:
    """Return which sessions may have been meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - rarely needed

    if not ids:
        return "the plan has no sessions."
    if close := get_close_matches(session, ids, n=3):
        return f"did you mean {' or '.join(map(repr, close))}?"
    some = ids[:3]
    return f"the plan has {', '.join(map(repr, some))}{' and others' if len(ids) > len(some) else ''}."
