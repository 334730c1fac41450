"""What a plan does at the meter: what is curtailed, and what the bill comes to (convention 17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.bill import bill_parts
from ocpp_schedule.solve.delivered import delivered_units
from ocpp_schedule.solve.flows import actual

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Bools, Ints, Problem
    from ocpp_schedule.problem.meter import Meter
    from ocpp_schedule.problem.registers import Register


@dataclass(frozen=True, slots=True)
class Metered:
    """A plan at the meter.

    Attributes:
        meter: with what batteries and cars do.
        curtailed_dw: (G, T) taken off each generator [0.1 W].
        net_units: (T,) energy through the meter, negative for export [0.1 J].
        cost_units: what the plan adds to the bill [money units], rounded down once.
        parts: the same as energy, export and peaks, each rounded down by itself.
    """

    meter: Meter
    curtailed_dw: Ints
    net_units: Ints
    cost_units: int
    parts: dict[str, int]


def metered(problem: Problem, meter: Meter, energy: Ints) -> Metered:
    """Return what (S, T) energies into the cars do at the meter, generation curtailed where that is due or pays."""
    meter = actual(problem, meter, energy)
    energy = delivered_units(problem, energy)
    curtailed = curtail(problem, meter, energy)
    charged = energy.sum(axis=0)
    net = meter.base_units + charged + curtailed.sum(axis=0) * problem.seconds
    prices = (meter.import_price, meter.export_price)
    used = meter.load_units + charged
    *parts, common = bill_parts(problem.seconds, prices, meter.registers, net, used)
    added = [mine - idle for mine, idle in zip(parts, meter.idle[:3], strict=True)]
    added.append(meter.wear_units(problem.seconds) * common)
    names = ("energy", "export", "peaks", "wear")
    return Metered(
        meter,
        curtailed,
        net,
        sum(added) // common,
        {name: value // common for name, value in zip(names, added, strict=True)},
    )


def curtail(problem: Problem, meter: Meter, energy: Ints) -> Ints:
    """Return (G, T) what is taken off the generators [0.1 W], for given energies delivered to charging.

    First what limits on export ask for, then, generators in the order of their ids, what pays: export that costs
    money, and all of it where import is paid for, as long as no peak rises.
    """
    taken = np.zeros_like(meter.curtailable_dw)
    if not meter.curtailable_dw.any():
        return taken
    seconds = problem.seconds
    for row in meter.exports:
        below = row.connectors[problem.session_connector]
        net = row.base_units + energy[below].sum(axis=0) + taken[row.generators].sum(axis=0) * seconds
        _take(meter, taken, np.maximum(-(-(row.least_units - net) // seconds), 0), row.generators)
    everyone = np.ones(len(meter.generator_ids), dtype=np.bool_)
    charged = energy.sum(axis=0)
    net = meter.base_units + charged + taken.sum(axis=0) * seconds
    to_zero = np.where(meter.export_price < 0, np.maximum(-net // seconds, 0), 0)
    _take(meter, taken, to_zero, everyone)
    net = meter.base_units + charged + taken.sum(axis=0) * seconds
    left = (meter.curtailable_dw - taken).sum(axis=0)
    full = net + left * seconds
    gain = _energy_bill(meter, net) - _energy_bill(meter, full)
    for slot in np.flatnonzero((gain > 0) & (left > 0)).tolist():
        most = min([int(left[slot]), *(_room_dw(r, net, slot, seconds) for r in meter.registers if r.net)])
        if most > 0:
            more = np.zeros_like(seconds)
            more[slot] = most
            trial = net + more * seconds
            if _energy_bill(meter, trial)[slot] < _energy_bill(meter, net)[slot]:
                _take(meter, taken, more, everyone)
                net = trial
    return taken


def _take(meter: Meter, taken: Ints, need: Ints, which: Bools) -> None:
    """Take (T,) powers off the generators in the order of their ids, as far as they go, in place."""
    need = need.copy()
    for row in np.flatnonzero(which).tolist():
        part = np.minimum(need, meter.curtailable_dw[row] - taken[row])
        taken[row] += part
        need -= part


def _energy_bill(meter: Meter, net: Ints) -> np.typing.NDArray[np.object_]:
    """Return (T,) import and export of each slot times its seconds, in whole numbers of any size."""
    units = net.astype(object)
    priced = np.where(net >= 0, units * meter.import_price.astype(object), units * meter.export_price.astype(object))
    result: np.typing.NDArray[np.object_] = priced
    return result


def _room_dw(register: Register, net: Ints, slot: int, seconds: Ints) -> int:
    """Return the power by which import may rise in a slot without a higher maximum [0.1 W]."""
    at = int(register.interval[slot])
    if at < 0:
        return 1 << 60
    taken = np.maximum(net, 0)
    inside = register.interval == at
    spare = register.highest_dw(taken) * int(register.seconds[at])
    spare -= int(register.open_units[at]) + int(taken[inside].sum())
    return (spare + max(-int(net[slot]), 0)) // int(seconds[slot])
