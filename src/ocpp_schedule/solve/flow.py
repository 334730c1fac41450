"""Min-cost flow for one commodity: optimal in whole steps, all stages in one run.

Every way to change a plan at no loss of balance gives up one slot, or one unserved step, for another: a cycle of the
network passes the sink once. So only the order of what slots and unserved steps cost counts, and their ranks serve as
costs: all stages at once, early finish among equals, far from the limits of 64 bits, and fewer scaling phases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.solve.commodity import recognise

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Ints, Problem
    from ocpp_schedule.solve.commodity import Tree

SAFE_COST: Final = 1 << 62
"""Sums of cost times flow, and scaled costs (cost times nodes), stay below; the solver itself checks as much."""


@dataclass(frozen=True, slots=True)
class Network:
    """Arcs and supplies as OR-Tools takes them: cars, then limits by slot, then the sink.

    Attributes:
        tail, head: (arcs,) nodes, int32.
        capacity, cost: (arcs,).
        supply: (nodes,).
        session, slot: of the first arcs, one per car and slot of its window.
        limits: where the arcs of the limits begin, limit by limit and slot by slot.
        unserved: where the arcs of unserved steps begin.
    """

    tail: Any
    head: Any
    capacity: Ints
    cost: Ints
    supply: Ints
    session: Ints
    slot: Ints
    limits: int
    unserved: int


@dataclass(frozen=True, slots=True)
class Flow:
    """An optimal flow.

    Attributes:
        tree: what it runs through.
        setpoints: (S, T) steps.
        load: (L, T) steps through each limit.
        short: (C,) steps not served.
        runs: of the solver.
    """

    tree: Tree
    setpoints: Ints
    load: Ints
    short: Ints
    runs: int = 1


def best_flow(problem: Problem) -> Flow | None:
    """Return a plan that is optimal in every stage; None where the problem is no flow or the solver claims no optimum.

    The first run takes every unserved step for equally bad. Where it serves all, that is exact; else what a step is
    short of may differ from car to car, because needs were rounded up, and a second run weighs each.
    """
    tree = recognise(problem)
    if tree is None:
        return None
    flow = _solved(problem, tree, weighed=not _wishes_first(problem))
    if flow is None or not flow.short.any():
        return flow
    flow = _solved(problem, tree, weighed=True)
    return None if flow is None else replace(flow, runs=2)


def _wishes_first(problem: Problem) -> bool:
    """Tell whether one stage counts all that is not served, all alike, and none before it anything else."""
    counting = [at for at, stage in enumerate(problem.stages) if stage.kind != "missing" or stage.demands.any()]
    return (
        bool(counting)
        and [problem.stages[at].kind for at in counting[:2]] != ["missing", "missing"]
        and problem.stages[counting[0]].kind == "missing"
        and bool(problem.stages[counting[0]].demands.all())
    )


def _solved(problem: Problem, tree: Tree, *, weighed: bool) -> Flow | None:
    network = network_of(problem, tree, weighed=weighed)
    flows = run_network(network)
    if flows is None:
        return None
    slots, cars = problem.slots, tree.cars.size
    setpoints = np.zeros((problem.sessions, slots), dtype=np.int64)
    setpoints.reshape(-1)[tree.cars[network.session] * slots + network.slot] = flows[: network.session.size]
    load = flows[network.limits : network.limits + tree.room.size].reshape(tree.room.shape)
    given = np.bincount(network.session, flows[: network.session.size], cars).astype(np.int64)
    return Flow(tree, setpoints, load, np.maximum(tree.need - given, 0))


def network_of(problem: Problem, tree: Tree, *, weighed: bool) -> Network:
    """Return the network: car to its lowest limit, limit to limit, and at the top to the sink, slot by slot.

    What a slot costs stands on the arcs of the cars: that solves a little faster than on the arcs to the sink.
    """
    slots, cars, limits = problem.slots, tree.cars.size, tree.parent.size
    sink = cars + limits * slots
    first, length = problem.first_slot[tree.cars], problem.end_slot[tree.cars] - problem.first_slot[tree.cars]
    session = np.repeat(np.arange(cars), length)
    begins = np.cumsum(length) - length
    slot = np.arange(session.size) - np.repeat(begins - first, length)
    enters = np.repeat(np.where(tree.entry < limits, cars + tree.entry * slots, -1), length)
    upward = np.where(tree.parent < limits, cars + tree.parent * slots, -1)[:, None]
    slot_rank, idle_rank, short_rank = _ranks(problem, tree, weighed=weighed)
    tails, heads, capacities, costs = [session], [np.where(enters >= 0, enters + slot, sink)], [], []
    capacities.append(problem.cap_steps.reshape(-1)[tree.cars[session] * slots + slot])
    costs.append(slot_rank[slot])
    tails.append(cars + np.arange(limits * slots))
    heads.append(np.where(upward >= 0, upward + np.arange(slots), sink).reshape(-1))
    capacities.append(tree.room.reshape(-1))
    costs.append(np.zeros(limits * slots, dtype=np.int64))
    spare = tree.most - tree.need if idle_rank is not None else np.zeros_like(tree.need)
    for rank, steps in zip(short_rank, _short_steps(tree, weighed=weighed), strict=True):
        tails.append(np.arange(cars))
        heads.append(np.full(cars, sink))
        capacities.append(steps)
        costs.append(rank)
    if idle_rank is not None:
        tails.append(np.arange(cars))
        heads.append(np.full(cars, sink))
        capacities.append(spare)
        costs.append(np.full(cars, idle_rank))
    supply = np.zeros(sink + 1, dtype=np.int64)
    supply[:cars] = tree.need + spare
    supply[sink] = -int(supply.sum())
    return Network(
        np.concatenate(tails).astype(np.int32),
        np.concatenate(heads).astype(np.int32),
        np.concatenate(capacities),
        np.concatenate(costs),
        supply,
        session,
        slot,
        session.size,
        session.size + limits * slots,
    )


def _first_weight(problem: Problem, tree: Tree) -> Ints:
    """Return (C,) what the first unserved step of each car is short of: its need may have been rounded up [0.1 J]."""
    last = np.searchsorted(problem.demand_session, tree.cars, side="right") - 1
    return tree.unit - (problem.demand_units - problem.demand_wish_units)[last]


def _short_steps(tree: Tree, *, weighed: bool) -> list[Ints]:
    """Return capacities of the arcs for unserved steps: the first step apart where weighed."""
    if not weighed:
        return [tree.need]
    return [np.minimum(tree.need, 1), np.maximum(tree.need - 1, 0)]


def _ranks(problem: Problem, tree: Tree, *, weighed: bool) -> tuple[Ints, int | None, list[Ints]]:
    """Return costs: (T,) of the slots, of a step above the need (None: never worth it), (C,) of unserved steps.

    They rank what the stages make of each, in order; earlier slots come first among equals.
    """
    slots = problem.slots
    # Rates count per unit of energy, unserved steps whole: where a stage has both, both count per step.
    both = any(stage.lost.any() for stage in problem.stages)
    power = int(problem.power_dw[tree.cars[0]]) if both else 1
    rates = [
        np.zeros(slots, dtype=np.int64) if stage.kind == "missing" else stage.rate * power for stage in problem.stages
    ]
    idle = np.zeros((len(rates), 1), dtype=np.int64)
    rated = np.array(rates, dtype=np.int64).reshape(len(rates), slots)
    entries = [rated]
    with_idle = bool((tree.most > tree.need).any()) and _gains(rated)
    if with_idle:
        entries.append(idle)
    if weighed:
        entries += [_short_values(problem, tree, weight) for weight in (_first_weight(problem, tree), tree.unit)]
    values = np.concatenate(entries, axis=1)
    # Among equals: steps not needed stay away, then the earlier slot; unserved steps are equals among themselves.
    tie = np.zeros(values.shape[1], dtype=np.int64)
    tie[:slots] = 1 + np.arange(slots)
    keys = np.concatenate((tie[None], values[::-1]))
    order = np.lexsort(keys)
    sorted_keys = keys[:, order]
    fresh = np.ones(order.size, dtype=np.int64)
    fresh[1:] = (sorted_keys[:, 1:] != sorted_keys[:, :-1]).any(axis=0)
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.cumsum(fresh) - 1
    idle_rank = int(rank[slots]) if with_idle else None
    if not weighed:
        return rank[:slots], idle_rank, [np.full(tree.cars.size, int(rank.max()) + 1)]
    short = rank[slots + with_idle :].reshape(2, tree.cars.size)
    return rank[:slots], idle_rank, [short[0], short[1]]


def _gains(rated: Ints) -> bool:
    """Tell whether a slot exists in which charging more than needed is worth it: its first rate of all is negative."""
    first = (rated != 0).argmax(axis=0)
    return bool((rated[first, np.arange(rated.shape[1])] < 0).any()) if rated.size else False


def _short_values(problem: Problem, tree: Tree, weight: Ints | int) -> Ints:
    """Return (stages, C) what an unserved step adds to each stage."""
    last = np.searchsorted(problem.demand_session, tree.cars, side="right") - 1
    rows = [
        np.where(stage.demands[last], weight, 0) if stage.kind == "missing" else stage.lost[last] * weight
        for stage in problem.stages
    ]
    return np.array(rows, dtype=np.int64).reshape(len(rows), last.size)


def run_network(network: Network) -> Ints | None:
    """Return the flow on every arc, or None where the solver claims no optimum; it is then never read."""
    from ortools.graph.python import min_cost_flow  # noqa: PLC0415 - loaded on first use

    nodes = network.supply.size
    if int(network.supply.sum()) != 0 or int(np.abs(network.cost).max(initial=0)) * nodes >= SAFE_COST // nodes:
        return None
    solver: Any = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(network.tail, network.head, network.capacity, network.cost)
    solver.set_nodes_supplies(np.arange(nodes, dtype=np.int32), network.supply)
    if solver.solve() != solver.OPTIMAL:
        return None
    return np.asarray(solver.flows(arcs), dtype=np.int64)
