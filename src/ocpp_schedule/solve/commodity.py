"""Recognising the flow class: every car loads every row above it alike, so that the tree of limits is a network.

With equal slots, one power of a step, no idle floors and no minimum current, a set-point is a flow in whole steps
from a car to a slot, through the circuits above it (DESIGN 5, method a; ``reference/optimisation.md`` A2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem


KNOWN: Final = frozenset(
    [
        "grid",
        "seconds",
        "price_seconds",
        "session_ids",
        "session_connector",
        "first_slot",
        "end_slot",
        "slot_owner",
        "min_steps",
        "max_steps",
        "power_dw",
        "draw_dw",
        "load_units",
        "cap_steps",
        "energy_units",
        "energy_most_units",
        "demand_session",
        "demand_end",
        "demand_units",
        "demand_wish_units",
        "demand_hard",
        "demand_counted",
        "demand_milestone",
        "demand_unaffordable_units",
        "connector_ids",
        "idle_floor_steps",
        "end_floor_steps",
        "floor_units",
        "connector_nodes",
        "node_names",
        "headroom_units",
        "alarm",
        "edge_guard_s",
        "notices",
        "stages",
        "withheld",
    ]
)
"""What of a problem the flow takes care of; a problem that says anything else is none."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The limits that can bind, as a tree in whole steps. C cars, L limits, T slots.

    Attributes:
        cars: (C,) the sessions that may charge, in the order of ``entry``, then of their ids.
        entry: (C,) the lowest limit above each car; L where there is none.
        parent: (L,) the next limit above; L at the top.
        room: (L, T) steps that fit.
        node, channel: (L, T) the row that leaves no more than that.
        step_units: (channels,) what a step puts on each channel [uA, mVA].
        unit: energy of a step in a slot [0.1 J].
        need: (C,) steps wanted.
        most: (C,) steps that a car may have (convention 6).
    """

    cars: Ints
    entry: Ints
    parent: Ints
    room: Ints
    node: Ints
    channel: Ints
    step_units: Ints
    unit: int
    need: Ints
    most: Ints


def recognise(problem: Problem) -> Tree | None:
    """Return the tree of limits of a problem of the flow class, or None for any other problem."""
    cars = np.flatnonzero((problem.cap_steps > 0).any(axis=1))
    if (
        not cars.size
        or not says_nothing_else(problem)
        or not _stages_are_flows(problem)
        or not _one_kind(problem, cars)
    ):
        return None
    limits = _limits(problem, cars)
    if limits is None:
        return None
    below, room, node, channel = limits
    car_below = below[:, problem.session_connector[cars]]
    close = np.flatnonzero(car_below @ problem.max_steps[cars] > room.min(axis=1))
    caps = problem.cap_steps[cars].astype(np.float64)
    kept = close[((car_below[close].astype(np.float64) @ caps) > room[close]).any(axis=1)]
    if problem.edge_guard_s and problem.slots > 1 and _guards_matter(problem, cars, below, room):
        return None
    below, room, node, channel = below[kept], room[kept], node[kept], channel[kept]
    parent = _parents(below)
    if parent is None:
        return None
    entry = _entries(below)[problem.session_connector[cars]]
    order = np.argsort(entry, kind="stable")
    cars, entry = cars[order], entry[order]
    unit = int(problem.power_dw[cars[0]] * problem.seconds[0])
    last = np.searchsorted(problem.demand_session, cars, side="right") - 1
    need = problem.demand_units[last] // unit
    most = np.maximum(problem.energy_most_units[cars] // unit, need)
    return Tree(cars, entry, parent, room, node, channel, problem.load_units[cars[0]], unit, need, most)


def says_nothing_else(problem: Problem) -> bool:
    """Tell whether the problem says nothing that is not known here, such as devices or rules of later versions."""
    others = [getattr(problem, field.name) for field in fields(problem) if field.name not in KNOWN]
    return not any(value.any() if isinstance(value, np.ndarray) else value for value in others)


def _one_kind(problem: Problem, cars: Ints) -> bool:
    """Tell whether a step is the same thing for all cars in all slots, and every whole step is allowed."""
    alike = all(bool((values[cars] == values[cars[0]]).all()) for values in (problem.power_dw, problem.load_units))
    even = bool((problem.seconds == problem.seconds[0]).all())
    plain = int(problem.min_steps[cars].max()) <= 1 and not problem.floor_units.any()
    wishes = problem.demand_session.size == problem.sessions and not problem.demand_hard.any()
    lossless = bool((problem.draw_dw == problem.power_dw).all())
    return alike and even and plain and wishes and lossless and int(problem.power_dw[cars[0]]) > 0


def _stages_are_flows(problem: Problem) -> bool:
    """Tell whether each stage counts steps not served, or steps by slot, and leaves nothing to later ones."""
    return all(
        stage.allow_abs == 0
        and stage.allow_ppm == 0
        and (stage.kind == "missing" or (stage.kind == "rate" and stage.rate.ndim == 1))
        for stage in problem.stages
    )


def _limits(problem: Problem, cars: Ints) -> tuple[Bools, Ints, Ints, Ints] | None:
    """Return the connectors below each limit, and (L, T) room, node and channel; nodes above the same are one."""
    per_step = problem.load_units[cars[0]]
    channels = np.flatnonzero(per_step > 0)
    if not channels.size:
        return None
    fits = problem.free_units[:, channels] // per_step[channels][None, :, None]
    tightest = fits.argmin(axis=1)
    room = np.take_along_axis(fits, tightest[:, None], axis=1)[:, 0]
    used = np.zeros(len(problem.connector_ids), dtype=np.bool_)
    used[problem.session_connector[cars]] = True
    below = problem.connector_nodes & used
    same: dict[bytes, list[int]] = {}
    for at in np.flatnonzero(below.any(axis=1)).tolist():
        same.setdefault(below[at].tobytes(), []).append(at)
    groups = list(same.values())
    slot = np.arange(problem.slots)
    chosen = np.array([np.array(group)[room[group].argmin(axis=0)] for group in groups], dtype=np.int64)
    chosen = chosen.reshape(len(groups), problem.slots)
    first = np.array([group[0] for group in groups], dtype=np.int64)
    return below[first], room[chosen, slot], chosen, channels[tightest[chosen, slot]]


def _guards_matter(problem: Problem, cars: Ints, below: Bools, room: Ints) -> bool:
    """Tell whether some edge could need a guard: every connector at the larger of two neighbouring slots."""
    caps = np.zeros((len(problem.connector_ids), problem.slots))
    for car, connector in zip(cars.tolist(), problem.session_connector[cars].tolist(), strict=True):
        caps[connector] += problem.cap_steps[car]
    edges = below.astype(np.float64) @ np.maximum(caps[:, :-1], caps[:, 1:])
    return bool((edges > np.minimum(room[:, :-1], room[:, 1:])).any())


def _parents(below: Bools) -> Ints | None:
    """Return the smallest other set that holds each set; None where two overlap without one holding the other."""
    limits = below.shape[0]
    sizes = below.sum(axis=1)
    shared = np.rint(below.astype(np.float32) @ below.T.astype(np.float32)).astype(np.int64)
    if ((shared > 0) & (shared != np.minimum(sizes[:, None], sizes[None, :]))).any():
        return None
    larger = (shared == sizes[:, None]) & (sizes[None, :] > sizes[:, None])
    ranked = np.where(larger, sizes[None, :], np.iinfo(np.int64).max)
    if not limits:
        return np.zeros(0, dtype=np.int64)
    parents: Ints = np.where(larger.any(axis=1), ranked.argmin(axis=1), limits)
    return parents


def _entries(below: Bools) -> Ints:
    """Return (connectors,) the smallest limit above each connector; L where there is none."""
    limits = below.shape[0]
    if not limits:
        return np.zeros(below.shape[1], dtype=np.int64)
    sizes = np.where(below, below.sum(axis=1)[:, None], np.iinfo(np.int64).max)
    entries: Ints = np.where(below.any(axis=0), sizes.argmin(axis=0), limits)
    return entries
