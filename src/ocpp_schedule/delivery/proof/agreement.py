"""Whether the stations do what was planned: composite schedules against set-points, instant by instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ocpp_schedule.delivery.proof.curves import FREE
from ocpp_schedule.delivery.proof.loads import NOBODY

if TYPE_CHECKING:
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.proof.judge import Judge
    from ocpp_schedule.profiles.periods import Ints
    from ocpp_schedule.solution import Solution

BLOCK: Final = 4_000_000


class Deviation(NamedTuple):
    """A session that its charger does not serve as planned.

    Attributes:
        session: row of the session.
        at_s: first instant, since 1970.
        found, planned: limits [millionths of A or W]; ``FREE``: none.
    """

    session: int
    at_s: int
    found: int
    planned: int


def deviations(scene: Scene, solution: Solution, judge: Judge) -> list[Deviation]:
    """Return by session the first instant at which its composite schedule is not its set-point.

    Less is right in the seconds of a guarded edge only, more is never right.
    """
    edges_s = judge.allowed.edges_s
    places = judge.places_s[(judge.places_s >= edges_s[0]) & (judge.places_s < edges_s[-1])]
    found: dict[int, Deviation] = {}
    size = max(1, BLOCK // max(len(judge.told), 1))
    for first in range(0, len(places), size):
        for one in _in_block(scene, solution, judge, places[first : first + size]):
            found.setdefault(one.session, one)
    return [found[session] for session in sorted(found)]


def _in_block(scene: Scene, solution: Solution, judge: Judge, times: Ints) -> list[Deviation]:
    sampler, edges_s = judge.sampler, judge.allowed.edges_s
    car = sampler.owners.at(times)
    outlet, column = np.nonzero(car != NOBODY)
    session = car[outlet, column]
    with_session, _ = sampler.packed.at(judge.told, times)
    without, _ = sampler.packed.at(judge.untold, times)
    seen = np.where(judge.running[session], with_session[outlet, column], without[outlet, column])
    slot = np.searchsorted(edges_s, times[column], side="right") - 1
    planned = solution.setpoints[session, slot] * sampler.outlet.step_micro[outlet]
    late = solution.late_raise[session, slot] & (times[column] < edges_s[slot] + scene.guard_s)
    early = solution.early_lowering[session, slot] & (times[column] >= edges_s[slot + 1] - scene.guard_s)
    wrong = (seen > planned) | ((seen < planned) & ~late & ~early)
    order = np.flatnonzero(wrong)
    order = order[np.lexsort((times[column[order]], session[order]))]
    return [
        Deviation(*parts)
        for parts in zip(
            session[order].tolist(),
            times[column[order]].tolist(),
            seen[order].tolist(),
            planned[order].tolist(),
            strict=True,
        )
    ]


def told(micro: int, unit: str) -> str:
    """Return a limit as text.

    >>> told(16_100_000, "A"), told(FREE, "A")
    ('16.1 A', 'no limit')
    """
    return "no limit" if micro >= FREE else f"{micro / 1_000_000:g} {unit}"
