"""Weak duality for any stage: prices prove what no plan can go below that is as good in the stages before.

For any prices, paying for every row what it can pass, for every need what it asks and for every stage before what
it has reached gives a lower bound on the value of every plan (Lagrange; DESIGN 5). Wrong prices give a weak bound,
never a wrong one. Integers only. Where only the cost is to be bounded ``certificate`` does so faster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ocpp_schedule.check.loads import KINDS, Paid, pay
from ocpp_schedule.check.needs import Needs, needs_of
from ocpp_schedule.check.offers import most_units, seen_of
from ocpp_schedule.check.quantities import exact_dtype
from ocpp_schedule.check.rates import BY_TIME, NET, lost_of, rate_of
from ocpp_schedule.check.stages import BY_CLASS, COUNTS_MISSING, budget_of, names_of, stages_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.objective import ObjectiveStage
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.solution import Certificate


@dataclass(frozen=True, slots=True)
class Need:
    """Energy needed within the grid: of a car, before a slot, for a wish or a milestone.

    Attributes:
        car: row of the session.
        end: the slots before this one count.
        units: energy, rounded up by ``spare`` to what whole steps reach [0.1 J].
        spare: what was added.
        hard: a must-have.
        wish: the wish of the session; else a milestone.
        price: of the energy, in the certificate's unit.
        counted: the first stage before that counts what is missed, where there is one.
        worth: what a missed unit counts in the stage that the bound is for and those before, at their prices.
    """

    car: int
    end: int
    units: int
    spare: int
    hard: bool
    wish: bool
    price: int
    counted: str | None = None
    worth: int = 0


def proven_units(scene: Scene, target: str, certificate: Certificate, values: Mapping[str, int]) -> int:
    """Return what no plan has a lower value than in stage ``target`` that is as good in the stages before.

    Args:
        scene: what is planned, and the stages.
        target: name of the stage.
        certificate: prices; any prices give a valid bound, good ones a tight one.
        values: of the plan in hand, by stage; those of the stages before ``target`` are looked at.

    Variables are the energies given, as set-points without rounding: guard losses only take away, so every
    plan is one of them. Named rules that tighten: a set-point is 0 where its rows leave less than the minimum
    current beside the idle floors of the others; without guarded edges needs are rounded up to whole steps.
    """
    seen, cars, seconds = seen_of(scene, certificate), scene.cars, scene.seconds
    weight = _weighed(scene, target, certificate, values)
    caps, pressure = seen.caps, _slim(seen.pressure if weight.pressure is None else seen.pressure + weight.pressure)
    needs = [_counted(need, scene, weight) for need in _listed(needs_of(scene, certificate))]
    largest = max(int(np.abs(weight.slot).max(initial=0)) + int(np.abs(weight.time).max(initial=0)), 1)
    dearest = (
        largest * int(cars.draw.max(initial=1)) + int(pressure.max(initial=0)) + int(np.abs(seen.beside).max(initial=0))
    )
    kind = exact_dtype(4 * dearest)
    energy = cars.power[:, None] * seconds
    slope = cars.draw[:, None].astype(kind) * weight.slot.astype(kind) + seen.beside.astype(kind)
    slope += cars.power[:, None].astype(kind) * weight.time.astype(kind)
    offers = _Offers(slope, pressure.astype(kind), energy, caps, seen.covered)
    # Where something may be missed, no more than what a unit of the stage is worth is asked for it.
    most = {
        name: max(certificate.stage_prices.get(name, 0), 0) if budget else None
        for name, budget in weight.budgets.items()
    }
    needs = _repriced(needs, offers, most)
    # With all prices known, the type in which no sum of a car's slots can overflow.
    charged = max((_charged(needs, certificate)).values(), default=0) * int(energy.max(initial=1))
    spread = 1 + int(seconds.max()) // int(seconds.min())
    kind = exact_dtype(4 * spread * (dearest + charged) * max(int(caps.max(initial=1)), 1) * caps.shape[1])
    offers = _Offers(slope.astype(kind), pressure.astype(kind), energy.astype(kind), caps, offers.threshold)
    for need in needs:
        offers.slope[need.car, : need.end] -= need.price * offers.energy[need.car, : need.end]
    capped = _capped(scene, offers, certificate)
    covered = np.minimum(caps, offers.threshold[:, None])
    least = np.minimum(offers.slope, 0) * covered + np.minimum(offers.slope + offers.pressure, 0) * (caps - covered)
    asked = sum(need.price * need.units for need in needs)
    taken: int = sum(least.sum(axis=1).tolist())
    bound = asked + taken - seen.paid - _most_forgiven(needs, weight.budgets) - capped - weight.held + weight.constant
    # Missing energy is a whole number; what weighs energy is rounded down itself.
    whole = target in weight.prices and target not in weight.lost
    return -(-bound // certificate.denominator) if whole else bound // certificate.denominator


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A stage and those before it at their prices.

    Attributes:
        slot: rates on what the site delivers all together, x seconds.
        time: rates on what cars get, likewise.
        sequence: all stages with their names.
        names: by kind and priority, the stages that are one per priority.
        lost: by name, what missed energy counts, per session, for a stage that weighs energy.
        prices: by name, the price of each stage that is counted.
        budgets: by name, what the stages of missing energy before may miss [0.1 J].
        held: what the stages before are paid for their values.
        pressure: (cars, slots) what a step pays to soft limits; None: nothing.
        constant: what loads and limits come to by themselves.
        shares: by stage and car, what a missed unit of its wish counts.
    """

    slot: npt.NDArray[Any]
    time: npt.NDArray[Any]
    sequence: list[tuple[str, ObjectiveStage]]
    names: dict[str, dict[int, str]]
    lost: dict[str, list[int]]
    prices: dict[str, int]
    budgets: dict[str, int]
    held: int
    pressure: npt.NDArray[Any] | None
    constant: int
    shares: dict[str, dict[int, int]]


def _weighed(scene: Scene, target: str, certificate: Certificate, values: Mapping[str, int]) -> _Weighed:
    """Return the stages up to the target at their prices.

    A value is rounded down once, so what stands before it is below the next whole number.
    """
    budgets: dict[str, int] = {}
    prices: dict[str, int] = {}
    lost: dict[str, list[int]] = {}
    rates = {by_time: np.zeros(scene.grid.slots, dtype=object) for by_time in (False, True)}
    paid = Paid(rates[False])
    held = 0
    for name, stage in stages_of(scene):
        last = name == target
        price = certificate.denominator if last else max(certificate.stage_prices.get(name, 0), 0)
        if stage.kind in COUNTS_MISSING:
            if last:
                prices[name] = price
            else:
                budgets[name] = budget_of(stage, values[name])
        elif stage.kind == "starts":
            continue  # what it held would only raise the bound
        elif stage.kind in KINDS:
            if price:
                prices[name] = price
                pay(paid, stage.kind, name, price, scene, certificate, _able(scene, name))
                held += 0 if last else price * budget_of(stage, values[name])
        elif price and not (scene.background is not None and stage.kind in NET):  # a bill weighs more than charging
            prices[name] = price
            lost[name] = lost_of(stage.kind, scene)
            rates[stage.kind in BY_TIME] += np.array(rate_of(stage.kind, scene), dtype=object) * price
            held += 0 if last else price * (budget_of(stage, values[name]) + 1)
        if last:
            break
    slot, time = map(_slim, (rates[False], rates[True]))
    rest = paid.pressure, paid.constant, paid.shares
    return _Weighed(slot, time, stages_of(scene), names_of(scene), lost, prices, budgets, held, *rest)


def _able(scene: Scene, name: str) -> list[int]:
    """Return the cars whose wishes a stage of shares looks at."""
    names = names_of(scene)["fair"]
    return [
        at
        for at, (car, wanted) in enumerate(zip(scene.cars.models, scene.cars.wanted.tolist(), strict=True))
        if names[car.priority] == name and wanted and car.value_per_kwh is None
    ]


def _counted(need: Need, scene: Scene, weight: _Weighed) -> Need:
    """Return a need with who counts what it misses, and what that counts."""
    car = scene.cars.models[need.car]
    worth, counted = 0, None
    for name, stage in weight.sequence:
        own = stage.kind not in BY_CLASS or weight.names[stage.kind][car.priority] == name
        if name in weight.shares:
            worth += weight.shares[name].get(need.car, 0) * need.wish
        elif name in weight.lost:
            worth += weight.prices[name] * weight.lost[name][need.car] * need.wish
        elif own and _counts(stage.kind, need, car):
            if name in weight.prices:
                worth += weight.prices[name]
            elif name in weight.budgets and counted is None:
                counted = name
    # What a stage counts as missed it counts as it is, not as whole steps would reach it.
    if worth and not (counted is not None and weight.budgets[counted] == 0):
        need = replace(need, units=need.units - need.spare, spare=0)
    return replace(need, counted=counted, worth=worth)


def _slim(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers as int64 where they fit with room to spare."""
    fits = values.dtype != object or all(abs(value) < 1 << 62 for value in values.ravel().tolist())
    return values.astype(np.int64) if fits else values


def _charged(needs: list[Need], certificate: Certificate) -> dict[int, int]:
    """Return by car the sum of what its energy pays to needs, and the highest cap price besides."""
    cap = max(map(abs, certificate.cap_prices.values()), default=0)
    charged: dict[int, int] = {}
    for need in needs:
        charged[need.car] = charged.get(need.car, cap) + need.price
    return charged or {-1: cap}


@dataclass(frozen=True, slots=True)
class _Offers:
    """What energy costs each car in each slot, for given prices of the rows.

    Up to the idle floor a step pays no row, for the floor is booked anyway; above it pays ``pressure``.
    """

    slope: npt.NDArray[Any]
    pressure: npt.NDArray[Any]
    energy: npt.NDArray[Any]
    caps: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.int64]

    def price_at(self, car: int, end: int, units: int) -> int | None:
        """Return the price of the last of so much energy, cheapest first before slot ``end``; None beyond all of it."""
        open_ = np.flatnonzero(self.caps[car, :end])
        if not open_.size:
            return None
        unit, most = self.energy[car, open_], self.caps[car, open_]
        below = np.minimum(most, self.threshold[car])
        plain = self.slope[car, open_]
        dear = np.concatenate((plain // unit, (plain + self.pressure[car, open_]) // unit))
        order = np.argsort(dear.astype(np.float64), kind="stable")
        reach = np.cumsum(np.concatenate((below * unit, (most - below) * unit))[order])
        last = int(np.searchsorted(reach, units))
        return int(dear[order[last]]) if last < order.size else None


def _repriced(needs: list[Need], offers: _Offers, most: Mapping[str, int | None]) -> list[Need]:
    """Return the needs with the best price where a car has only one: that of the last energy it must take.

    ``most`` names the stages before that count what is missed, with the price above which missing it is better (None:
    none is).
    """
    per_car = np.bincount([need.car for need in needs], minlength=offers.caps.shape[0])
    found = []
    for need in needs:
        stage = 0 if need.counted is None else most[need.counted]
        cap = None if stage is None else stage + need.worth
        best = offers.price_at(need.car, need.end, need.units) if per_car[need.car] == 1 and cap != 0 else need.price
        if best is None:
            best = need.price if cap is None else cap
        found.append(replace(need, price=max(best if cap is None else min(best, cap), 0)))
    return found


def _capped(scene: Scene, offers: _Offers, certificate: Certificate) -> int:
    """Charge energy its cap price, in place; return what all caps together are worth (convention 6).

    Where the certificate names none it is what a car would earn on more than it may have: only where energy is worth
    more than it costs.
    """
    worth = 0
    eager = np.flatnonzero((offers.slope < 0).any(axis=1))
    for at, most in zip(eager.tolist(), most_units(scene, eager), strict=True):
        given = certificate.cap_prices.get(scene.cars.ids[at])
        price = -(offers.price_at(at, offers.caps.shape[1], most) or 0) if given is None else given
        if price > 0:
            offers.slope[at] += price * offers.energy[at]
            worth += price * most
    return worth


def _listed(needs: Needs) -> list[Need]:
    columns = (needs.car, needs.end, needs.units, needs.spare, needs.hard, needs.wish, needs.price)
    return [Need(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _counts(kind: str, need: Need, car: Session) -> bool:
    """Tell whether a kind of stage counts what a need misses, priorities apart."""
    if kind == "must_have":
        return need.hard
    if kind == "wanted":
        return not need.hard and car.value_per_kwh is None
    return kind == "energy" and need.wish


def _most_forgiven(needs: list[Need], budgets: Mapping[str, int]) -> int:
    """Return the most that missing energy can save: the dearest needs first, up to what each stage may miss.

    Args:
        needs: with their prices.
        budgets: by stage before, what may be missed there [0.1 J].
    """
    saved = sum(max(need.price - need.worth, 0) * need.units for need in needs if need.counted is None)
    for stage, missing in budgets.items():
        group = sorted((need for need in needs if need.counted == stage), key=lambda need: need.worth - need.price)
        # A need that was rounded up may be missed by the rounding besides.
        left = missing
        saved += sum(need.price * need.spare for need in group) if missing else 0
        for need in group:
            part = min(left, need.units)
            saved += part * max(need.price - need.worth, 0)
            left -= part
    return saved
