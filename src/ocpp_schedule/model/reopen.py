"""What is left of a scenario at an instant within it: the slots from the one under way on, and what is still wanted."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model._raw import quoted
from ocpp_schedule.model.taper_left import taper_left
from ocpp_schedule.timegrid import TimeGrid, short_utc
from ocpp_schedule.units import ENERGY_UNITS_PER_WH, energy_to_wh, round_down, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.state import SessionState

    Draw = Callable[[int, int, int], int]

MILLIWATT_HOURS: Final = 1000
"""What is left is written in whole mWh, rounded up: a need is never made smaller than it is."""
SECOND: Final = timedelta(seconds=1)
UNITS_PER_MWH: Final = ENERGY_UNITS_PER_WH // MILLIWATT_HOURS
NO_TAPERS: Final[Mapping[str, Draw]] = MappingProxyType({})


class Opened(NamedTuple):
    """The part of a scenario that can still be planned.

    Attributes:
        scenario: with the grid from the slot under way on, sessions that want what they still miss, and what
            chargers hold in that slot; nothing is held where the grid begins with now.
        notices: what was taken off, for the plan.
    """

    scenario: Scenario
    notices: tuple[str, ...]


def reopened(
    scenario: Scenario,
    sessions: Sequence[KnownSession],
    now: datetime,
    states: Iterable[SessionState],
    planned: Mapping[str, int],
    power_dw: Mapping[str, int],
    draws: Mapping[str, Draw] = NO_TAPERS,
) -> Opened:
    """Return what is left of a scenario at ``now``.

    Slots that began before ``now`` are past. The last of them, under way or just ended, is kept as the first slot of
    the new grid: its set-points stand, and raises at its end are guarded against them. What a session has measured,
    and what it will get until that slot ends, is taken off its wish and its milestones.

    Args:
        scenario: whole, its references checked.
        sessions: its sessions, departure and energy known.
        now: aware, within the grid.
        states: of running sessions, each at most once.
        planned: by session id, the steps that an earlier plan gives in the slot under way; a state's own count more.
        power_dw: by session id, the power of a step [0.1 W].
        draws: by session id with a taper, the energy that it draws [0.1 J], from what it has got [0.1 J], a
            permission [0.1 W] and a time [s].

    Raises:
        InputError: ``now`` is outside the grid, or a state is of no session, doubled, or from the future.
    """
    given = list(states)
    problems = list(_problems(scenario, now, given))
    if problems:
        raise InputError("schedule()", problems)
    place = bisect_left(scenario.grid.edges_s, (now - scenario.grid.start) / SECOND)
    first = max(place - 1, 0)
    grid = _from_slot(scenario.grid, first)
    known = {state.session: state for state in given}
    within = place > 0
    held = {
        session.id: _held(session, grid, known.get(session.id), planned.get(session.id, 0))
        for session in sessions
        if within
    }
    held = {name: steps for name, steps in held.items() if steps}
    until = grid.edge(1) if within else grid.start
    told = short_utc(until)
    left, notices = [], []
    for session in sessions:
        steps = held.get(session.id, 0)
        most_dw = steps * power_dw.get(session.id, 0)
        measured, coming = _had(known.get(session.id), most_dw, until, now, draws.get(session.id))
        rest = _less(session, measured + coming) if measured or coming else session
        left.append(rest)
        if steps or session.id in known:
            notices.append(_told(session, measured, coming, rest.energy_wh, told))
    changed = {"grid": grid, "sessions": tuple(left), "session_defaults": None, "held": held if within else None}
    return Opened(scenario.model_copy(update=changed), tuple(notices))


def _problems(scenario: Scenario, now: datetime, states: list[SessionState]) -> Iterator[InputProblem]:
    grid = scenario.grid
    if now.tzinfo is None:
        yield InputProblem("now", f"{now.isoformat()} has no zone; give an aware datetime.")
        return
    if not grid.start <= now < grid.end:
        window = f"{short_utc(grid.start)} to {short_utc(grid.end)}"
        yield InputProblem("now", f"{short_utc(now)} is outside the grid ({window}); give a grid that goes on.")
    names = {session.id for session in scenario.sessions}
    seen: set[str] = set()
    for index, state in enumerate(states):
        where = f"state[{index}] ({state.session})"
        if state.session not in names:
            yield InputProblem(where, f"there is no session {quoted(state.session)}; leave it out, or add the session.")
        if state.session in seen:
            yield InputProblem(where, "is given twice; keep the later one.")
        seen.add(state.session)
        if state.measured_at > now:
            what = f"measured_at {short_utc(state.measured_at)} is after now ({short_utc(now)}); correct a clock."
            yield InputProblem(where, what)


def _from_slot(grid: TimeGrid, first: int) -> TimeGrid:
    if first == 0:
        return grid
    base = grid.edges_s[first]
    return TimeGrid(start=grid.edge(first), edges_s=tuple(edge - base for edge in grid.edges_s[first:]))


def _held(session: KnownSession, grid: TimeGrid, state: SessionState | None, planned: int) -> int:
    """Return what a session's charger holds in the slot under way; nothing where the session is not there all of it."""
    if session.arrival > grid.start or session.departure < grid.edge(1):
        return 0
    return planned if state is None or state.setpoint_steps is None else state.setpoint_steps


def _had(
    state: SessionState | None, most_dw: int, until: datetime, now: datetime, draw: Draw | None
) -> tuple[int, int]:
    """Return what was measured, and what comes by the end of the slot under way [0.1 J].

    Between measuring and that end a car is expected to draw its set-point or its taper, as everywhere (convention 3).
    """
    measured = 0 if state is None else round_down(state.delivered_wh, ENERGY_UNITS_PER_WH)
    open_s = max((until - (now if state is None else state.measured_at)) // SECOND, 0)
    return measured, most_dw * open_s if draw is None else draw(measured, most_dw, open_s)


def _told(session: KnownSession, measured: int, coming: int, left_wh: float, until: str) -> str:
    return (
        f"session {session.id}: {energy_to_wh(measured):,.0f} Wh delivered, {energy_to_wh(coming):,.0f} Wh until "
        f"{until}; {left_wh:,.0f} Wh are left to plan"
    )


def _less(session: KnownSession, had: int) -> KnownSession:
    """Return the session with what it has taken off its wish, its milestones and its taper."""
    changed: dict[str, object] = {"energy_wh": _left(session.energy_wh, had)}
    if session.milestones:
        changed["milestones"] = tuple(
            goal.model_copy(update={"energy_wh": _left(goal.energy_wh, had)}) for goal in session.milestones
        )
    if session.taper:
        changed["taper"] = taper_left(session, had)
    return session.model_copy(update=changed)


def _left(wanted_wh: float, had: int) -> float:
    left = max(round_up(wanted_wh, ENERGY_UNITS_PER_WH) - had, 0)
    return -(-left // UNITS_PER_MWH) / MILLIWATT_HOURS
