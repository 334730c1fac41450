"""Planning again while the day is under way: what ``schedule(now=, state=, previous=)`` does before it plans."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model.reopen import reopened
from ocpp_schedule.model.state import SessionState
from ocpp_schedule.pipeline import checked, compiled, solved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from ocpp_schedule.check.report import Report
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.pipeline import Time
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid


class Before(NamedTuple):
    """A plan made before.

    Attributes:
        problem: its arrays.
        setpoints: (sessions, slots) its steps.
    """

    problem: Problem
    setpoints: npt.NDArray[np.int64]


def replanned(
    scenario: Scenario,
    now: datetime | None,
    states: Sequence[SessionState],
    previous: tuple[Problem, npt.NDArray[np.int64]] | None,
    time: Time | None = None,
) -> tuple[Scenario, Problem, Solution, Report, Scene]:
    """Return what is left of a scenario, planned: the arguments of ``Plan``. Without the rest, all of it is left.

    Args:
        scenario: whole and checked.
        now: the instant of planning; None: nothing is under way.
        states: of running sessions.
        previous: arrays and set-points of the plan that chargers follow now; None: none.
        time: when the best plan so far is to be taken; None: as long as it takes.

    Raises:
        InputError: ``now`` or a state cannot be.
        PlanRejectedError: the referee faults the plan.
    """
    if previous is not None and not isinstance(previous, tuple):
        what = f"is {type(previous).__name__}; give the Plan that chargers follow."
        raise InputError("schedule()", [InputProblem("previous", what)])
    before = None if previous is None else Before(*previous)
    left, notices = opened(scenario, now, states, before)
    steps = None if before is None else partial(carried_over, before=before)
    return left, *solved(left, notices=notices, previous=steps, time=time)


def opened(
    scenario: Scenario, now: datetime | None, states: Sequence[SessionState], before: Before | None
) -> tuple[Scenario, tuple[str, ...]]:
    """Return what is left of a scenario at ``now``, and what to tell of it; without ``now`` the scenario itself.

    Args:
        scenario: whole and checked.
        now: the instant of planning; None: nothing is under way.
        states: of running sessions.
        before: the plan that chargers follow now.

    Raises:
        InputError: ``now`` or a state cannot be.
    """
    wrong = [
        InputProblem(f"state[{index}]", f"is {type(state).__name__}; give a SessionState.")
        for index, state in enumerate(states)
        if not isinstance(state, SessionState)
    ]
    if now is not None and (not isinstance(now, datetime) or now.tzinfo is None):
        wrong.append(InputProblem("now", f"{now!r} is no instant with a zone; give an aware datetime."))
    if now is None and states:
        wrong.append(InputProblem("now", "is missing; a state counts from an instant: give now."))
    if now is not None and scenario.site.storages:
        names = ", ".join(repr(storage.id) for storage in scenario.site.storages)
        what = f"cannot be planned again within a grid yet: {names}; give a grid that begins now, and their charge."
        wrong.append(InputProblem("site.storages", what))
    givers = [session.id for session in scenario.sessions if now is not None and session.v2g is not None]
    if givers:
        what = "give a grid that begins now, and the state of charge as it is."
        named = ", ".join(map(repr, givers))
        wrong.append(InputProblem("sessions", f"with v2g cannot be planned again within a grid yet: {named}; {what}"))
    if wrong:
        raise InputError("schedule()", wrong)
    if now is None:
        return scenario, ()
    from ocpp_schedule.problem.known import known_sessions  # noqa: PLC0415 - loads numpy

    known, assumed = known_sessions(scenario.sessions, scenario.session_defaults, scenario.grid.start)
    planned = {} if before is None else _at(before, now)
    problem = _arrays(scenario, known, states, planned, before)
    powers = {} if problem is None else dict(zip(problem.session_ids, problem.power_dw.tolist(), strict=True))
    curves = {} if problem is None else {problem.session_ids[at]: curve.drawn for at, curve in problem.tapers.items()}
    found = reopened(scenario, known, now, states, planned, powers, curves)
    unsupported = list(_unsupported(scenario, known, found.scenario.held or {}))
    if unsupported:
        raise InputError("schedule()", unsupported)
    return checked(found.scenario), assumed + found.notices


def _unsupported(
    scenario: Scenario, sessions: Sequence[KnownSession], held: Mapping[str, int]
) -> Iterator[InputProblem]:
    """Yield running sessions whose past would have to be known better than it is: never plan on a guess."""
    from ocpp_schedule.problem.runs import can_pause  # noqa: PLC0415 - loads numpy

    steady = {station.id for station in scenario.site.stations if not can_pause(station.capabilities)}
    stations = {connector.id: connector.station for connector in scenario.site.connectors}
    for index, session in enumerate(sessions):
        where = f"sessions[{index}] ({session.id})"
        what = "cannot be planned again within a grid yet; give a grid that begins now, and the session as it stands."
        bound = session.max_pauses is not None or session.min_on_s or stations[session.connector] in steady
        if held.get(session.id) and bound:
            yield InputProblem(where, f"charges, and must not pause (or not so soon): it {what}")


def _at(before: Before, now: datetime) -> dict[str, int]:
    """Return by session the steps that a plan gives in the slot under way, or just ended."""
    grid = before.problem.grid
    if not grid.start < now <= grid.end:
        return {}
    seconds = (now - grid.start).total_seconds()
    slot = max(bisect_right(grid.edges_s, seconds) - 1, 0)
    slot -= grid.edges_s[slot] == seconds
    return dict(zip(before.problem.session_ids, before.setpoints[:, slot].tolist(), strict=True))


def _arrays(
    scenario: Scenario,
    sessions: Sequence[KnownSession],
    states: Sequence[SessionState],
    planned: Mapping[str, int],
    before: Before | None,
) -> Problem | None:
    """Return arrays that know every session which may draw by the end of the slot under way; None where none may.

    Those of the plan before, unless it does not know them, or a taper was counted from another energy there.
    """
    names = {session.id for session in sessions}
    needed = names & (
        {state.session for state in states if state.setpoint_steps} | {name for name, steps in planned.items() if steps}
    )
    if not needed:
        return None
    tapered = any(session.taper for session in sessions if session.id in needed)
    problem = before.problem if before is not None and not tapered else None
    return problem if problem is not None and needed <= set(problem.session_ids) else compiled(scenario)


def carried_over(problem: Problem, before: Before) -> npt.NDArray[np.int64]:
    """Return (S, T) the steps of a plan made before, in the rows and slots of a new problem.

    -1 throughout for sessions that it did not have, or had on another connector or with other steps; 0 in slots
    that lie in none of its own.
    """
    import numpy as np  # noqa: PLC0415 - loads with the first plan

    old = before.problem
    steps = np.zeros((problem.sessions, problem.slots), dtype=np.int64)
    slots = np.array(_slots_in(problem.grid, old.grid), dtype=np.int64)
    inside = np.flatnonzero(slots >= 0)
    row = {name: at for at, name in enumerate(old.session_ids)}
    for at, name in enumerate(problem.session_ids):
        was = row.get(name)
        if was is None or not _same(problem, at, old, was):
            steps[at] = -1
        else:
            steps[at, inside] = before.setpoints[was, slots[inside]]
    return steps


def _slots_in(grid: TimeGrid, old: TimeGrid) -> list[int]:
    """Return for each slot the slot of an older grid that holds all of it; -1: none."""
    shift = grid.start_s - old.start_s
    found = []
    for begin, end in zip(grid.edges_s[:-1], grid.edges_s[1:], strict=True):
        place = bisect_right(old.edges_s, begin + shift) - 1
        fits = 0 <= place < old.slots and end + shift <= old.edges_s[place + 1]
        found.append(place if fits else -1)
    return found


def _same(problem: Problem, at: int, old: Problem, was: int) -> bool:
    """Tell whether a step of a session does the same, at the same place."""
    places = (new.connector_ids[int(new.session_connector[row])] for new, row in ((problem, at), (old, was)))
    same_place = len(set(places)) == 1
    return same_place and int(problem.power_dw[at]) == int(old.power_dw[was])
