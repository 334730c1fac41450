"""``schedule()`` and ``Plan``: the thin public object that binds models, problem and solution."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Self

from ocpp_schedule.delivery.sending import Sending
from ocpp_schedule.explain.answers import Answers
from ocpp_schedule.model.objective import Objective
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.model.told import as_told
from ocpp_schedule.pipeline import accepted, checked, compiled, derived, listed, reviewed, solved, time_of
from ocpp_schedule.problem.effects import takes_amperes
from ocpp_schedule.problem.known import known_sessions
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, MONEY_UNITS_PER_CURRENCY, energy_to_wh, exact, money_to_currency
from ocpp_schedule.views.at_meter import AtMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import numpy.typing as npt

    from ocpp_schedule.check.claims import Mark, Status
    from ocpp_schedule.check.report import Alarm, Report
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import KnownSession, Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.state import SessionState
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.profiles.model import ProfileStack
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid
    from ocpp_schedule.views.baseline import Baseline
    from ocpp_schedule.views.frame import Frame
    from ocpp_schedule.views.gaps import StageReview


def schedule(
    site: Site,
    sessions: Iterable[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    objective: Objective | None = None,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    availability: Sequence[Availability] = (),
    session_defaults: SessionDefaults | None = None,
    now: datetime | None = None,
    state: Iterable[SessionState] | None = None,
    previous: Plan | None = None,
    deadline_s: float | None = None,
    clock: Callable[[], float] | None = None,
) -> Plan:
    """Return the best charging plan that the referee accepts; ``objective`` says what is best.

    Args:
        site: topology with limits.
        sessions: the cars, in any order.
        tariff: prices covering the grid.
        grid: the slots to plan.
        objective: what to optimise for; default ``Objective.cheapest()``.
        limits: further limits on circuits over time.
        forecasts: base load, one for each load of the site.
        availability: what connectors may give when: opening hours, reservations, outages, derates.
        session_defaults: what to assume of sessions without departure or energy; None: those are errors.
        now: planning again within the grid: the plan begins with the slot under way, which stands (convention 22).
        state: what running sessions have got, and what their chargers hold; needs ``now``.
        previous: the plan that chargers follow; gone on with where that loses next to nothing.
        deadline_s: seconds after which the best plan so far is returned, verified; at least the safe packing. It is
            looked at between programs of the solver, whose time limit it is; None: as long as it takes.
        clock: seconds of a clock that only goes on, such as ``time.monotonic``; needed with ``deadline_s``.

    Raises:
        InputError: everything that is wrong with the input, at once.
        PlanRejectedError: the referee faults the plan (a fault of ours); nothing is returned.

    >>> from datetime import UTC, datetime, timedelta
    >>> from ocpp_schedule import Circuit, Connector, Session, Site, Station, Tariff, TimeGrid
    >>> start = datetime(2026, 1, 15, tzinfo=UTC)
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)])
    >>> car = Session(id="a", connector="A", arrival=start, departure=start + timedelta(hours=2),
    ...               energy_wh=2300, phases=1)
    >>> plan = schedule(site, [car], Tariff(energy=0.25), TimeGrid.regular(start, timedelta(hours=1), 2))
    >>> plan.status, plan.setpoints.tolist(), round(plan.cost, 3)
    ('complete', [[100, 0]], 0.575)
    """
    until = time_of(deadline_s, clock)
    lists = listed(sessions=sessions, limits=limits, forecasts=forecasts, availability=availability)
    scenario = Scenario.model_construct(
        site=site,
        sessions=lists["sessions"],
        tariff=tariff,
        grid=grid,
        limits=lists["limits"],
        forecasts=lists["forecasts"],
        availability=lists["availability"],
        session_defaults=session_defaults,
        objective=objective or Objective.cheapest(),
    )
    from ocpp_schedule.replanning import replanned  # noqa: PLC0415 - loads with the first plan

    before = (previous.problem, previous.setpoints) if isinstance(previous, Plan) else previous
    return Plan(*replanned(checked(scenario), now, listed(state=state or ())["state"], before, until))


class Plan(Answers, AtMeter, Sending):
    """A verified plan. Every method is one call down; nothing is changed after construction.

    What it says about itself (shortfalls, remedies, explain, binding) stands in ``explain.answers``, what it does at
    the grid connection in ``views.at_meter``.

    Attributes:
        scenario: what was planned.
        problem: the compiled arrays.
        solution: the raw result.
        report: the referee's report at the time of planning.

    Invariants: the referee found no violation.
    """

    def __init__(
        self, scenario: Scenario, problem: Problem, solution: Solution, report: Report, scene: Scene | None = None
    ) -> None:
        self.scenario = scenario
        self.problem = problem
        self.solution = solution
        self.report = report
        self._scene = scene

    def __repr__(self) -> str:
        """Return one line."""
        size = f"{self.problem.sessions} sessions x {self.problem.slots} slots"
        return f"<Plan {self.status} ({self.mark}): {size}, cost {self.cost:.2f} {self.scenario.tariff.currency}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"

    @property
    def session_ids(self) -> tuple[str, ...]:
        """Rows of the arrays, sorted."""
        return self.solution.session_ids

    @property
    def setpoints(self) -> npt.NDArray[np.int64]:
        """(sessions, slots) permissions in integer steps of each connector, read-only."""
        return self.solution.setpoints

    @cached_property
    def limits(self) -> npt.NDArray[np.float64]:
        """(sessions, slots) permissions in the unit that each station takes: A per phase, or W in total."""
        from ocpp_schedule.views.figures import permissions  # noqa: PLC0415 - loads numpy

        connectors = {connector.id: connector for connector in as_told(self.scenario.site).connectors}
        outlets = [connectors[session.connector] for session in self._sessions]
        steps = [exact(one.setpoint_step_a if self._units[one.id] == "A" else one.step_w) for one in outlets]
        return permissions(self.setpoints, steps)

    @property
    def expected_w(self) -> npt.NDArray[np.float64]:
        """(sessions, slots) expected mean power into the cars [W], before losses at guarded edges."""
        from ocpp_schedule.views.figures import mean_power_w  # noqa: PLC0415 - loads numpy

        return mean_power_w(self.problem, self.setpoints)

    @property
    def peak_w(self) -> float:
        """Highest power that the site is expected to deliver in a slot, for all sessions together [W]."""
        from ocpp_schedule.views.figures import peak_power_w  # noqa: PLC0415 - loads numpy

        return peak_power_w(self.problem, self.expected_w)

    @property
    def energy_wh(self) -> dict[str, float]:
        """Expected energy by session [Wh], losses at guarded edges taken off; with ``v2g`` more in the battery."""
        return {name: energy_to_wh(units) for name, units in self.report.energy_units.items()}

    @property
    def overshoot_wh(self) -> dict[str, float]:
        """Energy above the wish by session [Wh], where there is some: the last step is a whole one (convention 6)."""
        wishes = zip(self.session_ids, self.problem.energy_units.tolist(), strict=True)
        given = self.report.energy_units
        return {name: energy_to_wh(given[name] - wish) for name, wish in wishes if given[name] > wish}

    @property
    def cost(self) -> float:
        """Cost of charging; with a meter to look at, what the plan adds to the bill (convention 17) [currency]."""
        return money_to_currency(self.solution.cost_units)

    @property
    def cost_parts(self) -> dict[str, float]:
        """The cost as energy, export, peaks and wear [currency]; empty where it is that of charging energy alone."""
        return {name: money_to_currency(units) for name, units in self.solution.cost_parts.items()}

    @cached_property
    def stages(self) -> tuple[StageReview, ...]:
        """The stages of the objective in order, each with its value, bound and mark (convention 16)."""
        from ocpp_schedule.views.gaps import stage_reviews  # noqa: PLC0415 - rarely needed

        return stage_reviews(self.solution, self._proven)

    @cached_property
    def _proven(self) -> dict[str, int]:
        """Bounds by stage, proven from the certificates' prices."""
        from ocpp_schedule.check.claims import proven_bounds  # noqa: PLC0415 - rarely needed

        return proven_bounds(self._scene or derived(self.scenario), self.solution)

    @property
    def bound(self) -> float | None:
        """No plan as good in the stages before can cost less [currency]; None where nothing says so.

        Where energy has a value, that is the cost with what missed energy would have been worth.
        """
        from ocpp_schedule.views.gaps import money_review  # noqa: PLC0415 - rarely needed

        review = money_review(self.stages)
        return None if review is None or review.bound is None else review.bound / MONEY_UNITS_PER_CURRENCY

    @property
    def cost_gap(self) -> float | None:
        """Gap of the money stage relative to the gross value of the energy (its price without sign)."""
        from ocpp_schedule.views.gaps import money_review, relative_cost_gap  # noqa: PLC0415 - rarely needed

        return relative_cost_gap(money_review(self.stages), self.problem, self.solution)

    @property
    def energy_gap(self) -> float | None:
        """Missing energy above what is unavoidable [Wh]; None where nothing bounds it."""
        from ocpp_schedule.views.gaps import missing_gap_units  # noqa: PLC0415 - rarely needed

        gap = missing_gap_units(self.stages, self.problem)
        return None if gap is None else gap / ENERGY_UNITS_PER_WH

    @property
    def status(self) -> Status:
        """``complete``: all wishes met; ``partial``: some energy is missing; ``alarm``: base load exceeds a limit."""
        from ocpp_schedule.check.claims import status_of  # noqa: PLC0415 - loads numpy

        return status_of(self.report)

    @property
    def mark(self) -> Mark:
        """How far the result is backed: the mark of the stage that is backed least (``StageReview.mark``)."""
        from ocpp_schedule.check.claims import mark_of  # noqa: PLC0415 - loads numpy

        return mark_of(self.solution, self._proven)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Rows that base load and idle floors exceed by themselves."""
        return self.report.alarms

    @property
    def notices(self) -> tuple[str, ...]:
        """What was left out of the plan, and why."""
        return self.problem.notices

    @cached_property
    def uncontrolled(self) -> Baseline:
        """Cost and peak of charging every wish without control (``views.baseline``)."""
        from ocpp_schedule.views.baseline import uncontrolled  # noqa: PLC0415 - rarely needed

        return uncontrolled(self.problem)

    def summary(self) -> str:
        """Return the plan as text."""
        from ocpp_schedule.views.exchange import exchange_lines  # noqa: PLC0415 - rarely needed
        from ocpp_schedule.views.text import summary  # noqa: PLC0415 - rarely needed

        notes = exchange_lines(self.scenario, self.solution, self._exchange) if self.solution.cost_parts else []
        notes += [*self._short_lines, *(f"A{str(a)[1:]}" for a in self.alarms)]
        notes += [f"Notice: {notice}" for notice in self.notices]
        if forgone := self.report.forgone_units:
            wh = sum(map(energy_to_wh, forgone.values()))
            notes.append(f"Not taken: {wh:,.0f} Wh that are worth less than their price ({', '.join(forgone)})")
        if over := self.overshoot_wh:
            most = max(over.values())
            notes.append(f"Overshoot: at most {most:,.0f} Wh ({len(over)} of {len(self.session_ids)}, last step)")
        return summary(
            self.problem,
            self.solution,
            self.report,
            status=f"{self.status} ({self.mark})",
            currency=self.scenario.tariff.currency,
            time_zone=self.scenario.site.time_zone,
            baseline=self.uncontrolled,
            bound=self.bound,
            peak_w=self.peak_w,
            lines=notes,
        )

    def to_frame(self) -> Frame:
        """Return one row per session and slot of its window (``views.frame.plan_frame``)."""
        from ocpp_schedule.views.frame import plan_frame  # noqa: PLC0415 - loads pandas

        units = self._units
        given_w = None if self.solution.discharge_steps is None else self.given_w
        of_session = tuple(units[session.connector] for session in self._sessions)
        return plan_frame(self.problem, self.limits, of_session, self.expected_w, given_w)

    def verify(self) -> Report:
        """Return a fresh report of the referee: violations, energies, cost, and the bounds it can prove."""
        return replace(reviewed(derived(self.scenario), self.solution), bounds=self._proven)

    def stacks(self, ids: Mapping[tuple[str, str], int] | None = None) -> tuple[ProfileStack, ...]:
        """Return the neutral profile stacks, one per connector.

        Args:
            ids: (connector id, layer) to profile id, where the defaults do not suit.
        """
        from ocpp_schedule.profiles.synthesis import build_stacks  # noqa: PLC0415 - not needed to plan

        return build_stacks(self.scenario.site, self._sessions, self.scenario.grid, self.solution, ids=ids)

    def to_json(self) -> str:
        """Return scenario and solution as JSON text; the same input gives the same bytes."""
        from ocpp_schedule.check.claims import Claims  # noqa: PLC0415 - loads numpy
        from ocpp_schedule.views.archive import write_archive  # noqa: PLC0415 - rarely needed

        return write_archive(self.scenario, self.solution, Claims(self.status, self.mark), self._proven)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read ``to_json`` back; the referee sees the plan again before it is returned.

        Raises:
            InputError: the text is no plan archive.
            PlanRejectedError: the archived set-points break a rule.
        """
        from ocpp_schedule.views.archive import read_archive, solution_from_dict  # noqa: PLC0415 - rarely needed

        scenario, solution_data = read_archive(text)
        problem = compiled(scenario)
        solution = solution_from_dict(scenario, solution_data, [stage.name for stage in problem.stages])
        scene = derived(scenario)
        return cls(scenario, problem, solution, accepted(scene, solution), scene)

    @cached_property
    def _sessions(self) -> list[KnownSession]:
        scenario = self.scenario
        known, _ = known_sessions(scenario.sessions, scenario.session_defaults, scenario.grid.start)
        return sorted(known, key=lambda session: session.id)

    @cached_property
    def _units(self) -> dict[str, str]:
        """Unit by connector id."""
        site = self.scenario.site
        units = {station.id: station.capabilities.rate_units for station in site.stations}
        return {one.id: "A" if takes_amperes(units[one.station], one.current_type) else "W" for one in site.connectors}

    def _compile(self, scenario: Scenario) -> Problem:
        return compiled(scenario)

    def _solve_again(self, scenario: Scenario) -> Report:
        return solved(checked(scenario))[2]
