"""The referee: judges a solution from the models alone, in exact arithmetic (convention 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from ocpp_schedule.check.bookings import Rows, alarms_of, book, judge_rows, safe_setpoints
from ocpp_schedule.check.conductors import judge_conductors
from ocpp_schedule.check.energy import Given, Wishes, cost_of, energy_given, wishes_of
from ocpp_schedule.check.floors import judge_floors
from ocpp_schedule.check.guards import guards_of
from ocpp_schedule.check.loads import MICROJOULES, excess_of
from ocpp_schedule.check.meter import judge_meter
from ocpp_schedule.check.never_zero import due_units
from ocpp_schedule.check.own import judge_own
from ocpp_schedule.check.periods import judge_periods, spread_s
from ocpp_schedule.check.pilots import allowed_text, not_allowed
from ocpp_schedule.check.pools import judge_shared
from ocpp_schedule.check.report import MAX_LISTED_PER_KIND, Findings, Kind, Report
from ocpp_schedule.check.runs import judge_runs, starts_of
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.check.stages import judge_stages, stage_values
from ocpp_schedule.check.storage import with_charging
from ocpp_schedule.check.taper import with_draws
from ocpp_schedule.check.unbalance import judge_unbalance
from ocpp_schedule.check.v2g import cars_that_give, taken_from_cars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.availability import Availability
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.objective import Objective
    from ocpp_schedule.model.series import Forecast, LimitSeries
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.model.tariff import Tariff
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.timegrid import TimeGrid

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def review(
    site: Site,
    sessions: Sequence[Session],
    tariff: Tariff,
    grid: TimeGrid,
    *,
    limits: Sequence[LimitSeries] = (),
    forecasts: Sequence[Forecast] = (),
    availability: Sequence[Availability] = (),
    session_defaults: SessionDefaults | None = None,
    held: Mapping[str, int] | None = None,
    objective: Objective | None = None,
    solution: Solution,
) -> Report:
    """Judge a solution: every limit, window, energy, floor, edge and the cost, derived again from the models.

    Args:
        site: topology.
        sessions: the cars, in any order.
        tariff: what energy costs.
        grid: the slots of the solution.
        limits: limits over time on circuits.
        forecasts: base loads; one for every load of the site.
        availability: what connectors may give when.
        session_defaults: what is assumed of sessions that do not say.
        held: by session, the steps its charger holds in the first slot, which is under way; None: none is.
        objective: what the stages of the solution claim to be; None: ``cheapest``.
        solution: what is judged.

    Returns:
        every violation, the alarms, and the referee's own energies, needs and cost.

    Raises:
        InputError: prices or base loads do not cover the grid, or a load has no forecast.

    A car that takes 10 A for an hour at 230 V and 0.25 per kWh:

    >>> from datetime import UTC, datetime, timedelta
    >>> import numpy as np
    >>> from ocpp_schedule.model.session import Session
    >>> from ocpp_schedule.model.site import Circuit, Connector, Site, Station
    >>> from ocpp_schedule.model.tariff import Tariff
    >>> from ocpp_schedule.solution import Solution
    >>> from ocpp_schedule.timegrid import TimeGrid
    >>> start = datetime(2026, 1, 15, tzinfo=UTC)
    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)])
    >>> car = Session(id="a", connector="A", arrival=start, departure=start + timedelta(hours=1),
    ...               energy_wh=2300, phases=1)
    >>> off = np.zeros((1, 1), dtype=np.bool_)
    >>> solution = Solution(("a",), np.array([[100]]), off, off, ("A",), np.array([0]), np.array([60]),
    ...                     np.array([82_800_000]), 20_700_000_000_000)
    >>> report = review(site, [car], Tariff(energy=0.25), TimeGrid.regular(start, timedelta(hours=1), 1),
    ...                 solution=solution)
    >>> report.ok, report.cost_units, report.row_use[0].share
    (True, 20700000000000, 0.4)
    """
    scene = scene_of(
        site,
        sessions,
        tariff,
        grid,
        limits=limits,
        forecasts=forecasts,
        availability=availability,
        session_defaults=session_defaults,
        held=held,
        objective=objective,
    )
    return judge(scene, solution)


def judge(scene: Scene, solution: Solution) -> Report:
    """Judge a solution as ``review`` does, from what was derived of the models before."""
    grid, outlets, cars, seconds, layout = scene.grid, scene.outlets, scene.cars, scene.seconds, scene.layout
    findings = Findings(grid)
    if not _shapes_fit(solution, cars, outlets, _devices(scene, solution), grid.slots, findings):
        return Report(findings.sorted(_KINDS))
    held_slots = int(scene.held is not None)
    whole = _judge_cells(safe_setpoints(solution.setpoints, cars, grid.edges_s[-1]), scene, findings)
    late, early = (
        guards_of(sort, flags, whole, cars, outlets, seconds, scene.guard_s, findings, first=held_slots)
        for sort, flags in _flags(solution)
    )
    bookings, limits = book(whole, cars, outlets, layout), scene.limits
    if scene.background is not None:
        limits = with_charging(scene.background.site, layout, limits, solution, findings, bookings.floor_units)
    rows = Rows(bookings, layout, limits, late, early, cars.ids, findings, {}, held_slots, scene.due)
    row_use = judge_rows(rows, grid.slots, scene.guard_s)
    setpoints = whole if scene.held is None else _open(whole)
    judge_shared(scene.shared, rows, outlets, scene.guard_s)
    judge_unbalance(scene.balances, setpoints, findings)
    turned = judge_conductors(scene, whole, (late, early), findings)
    judge_floors(outlets, layout, scene.limits, solution, findings, scene.conductors)
    given = energy_given(setpoints, cars, seconds, scene.guard_s, (late, early))
    if scene.tapers:
        given = with_draws(given, scene, (late, early), whole)
    cost, parts, given = _cost(scene, setpoints, given, solution, findings)
    wishes = wishes_of(scene, given)
    if scene.own is not None:
        judge_own(scene.own, setpoints, findings)
    judge_runs(scene, setpoints, given, wishes, findings)
    judge_periods(scene, whole, solution.end_floor_steps, (late, early), findings)
    _judge_energy(scene, given, findings)
    _judge_claims(solution, cars, given, cost, findings)
    _judge_parts(solution, parts, findings)
    excess = excess_of(scene, bookings)
    judge_stages(solution, stage_values(scene, given, wishes, cost, excess, starts_of(scene, whole)), findings)
    energy = dict(zip(cars.ids, given.by_car, strict=True))
    missing, forgone = _missed(wishes, given)
    return Report(
        violations=findings.sorted(_KINDS),
        alarms=alarms_of(rows, grid) + turned[1],
        energy_units=energy,
        wanted_units=wishes.wanted,
        must_units=dict.fromkeys(cars.ids, 0) | wishes.must,
        missing_units=missing,
        forgone_units=forgone,
        missing_must_units=dict.fromkeys(cars.ids, 0) | wishes.missing_must,
        milestones=wishes.milestones,
        cost_units=cost,
        cost_parts=parts,
        row_use=row_use + turned[0],
        unaffordable_units=wishes.unaffordable,
        untakeable_units=wishes.untakeable,
        excess_units={name: -(-units // MICROJOULES) for name, units in excess.items()},
        omitted=findings.omitted,
    )


def _judge_parts(solution: Solution, parts: dict[str, int], findings: Findings) -> None:
    if solution.cost_parts != parts:
        listed = [", ".join(f"{name} {units}" for name, units in one.items()) for one in (solution.cost_parts, parts)]
        findings.add("claimed_cost", "plan", "cost_parts", *listed, relation="exactly")


def _cost(
    scene: Scene, setpoints: npt.NDArray[Any], charged: Given, solution: Solution, findings: Findings
) -> tuple[int, dict[str, int], Given]:
    """Judge what is done at the meter; return the cost, its parts, and the energies that count for wishes."""
    if scene.background is None:
        return cost_of(charged.by_slot, scene.price_s, scene.seconds), {}, charged
    taken, given = None, charged
    if scene.gives:
        taken, given = taken_from_cars(scene, setpoints, charged, solution, findings)
    parts = judge_meter(scene.background, scene.cars, charged, solution, findings, taken)
    return parts.pop("total"), parts, given


def _open(setpoints: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the set-points without those of the slot under way, which counts for nothing but its end."""
    planned = setpoints.copy()
    planned[:, 0] = 0
    return planned


def _missed(wishes: Wishes, given: Given) -> tuple[dict[str, int], dict[str, int]]:
    """Return by session what its wish misses, and what of it is forgone because it is not worth its price."""
    pairs = zip(wishes.wanted.values(), given.by_car, strict=True)
    left = [wanted - got if wanted > got else 0 for wanted, got in pairs]  # max() takes three times as long
    missing = dict(zip(wishes.wanted, left, strict=True))
    forgone = {name: missing[name] for name in missing if name in wishes.valued and missing[name]}
    return missing | dict.fromkeys(forgone, 0), forgone


def _flags(solution: Solution) -> tuple[tuple[Any, npt.NDArray[np.bool_]], ...]:
    return ("late_raise", solution.late_raise), ("early_lowering", solution.early_lowering)


_Devices = list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]


def _devices(scene: Scene, solution: Solution) -> _Devices:
    """Return kind, field, claimed ids and own ids of the devices that a solution says anything of."""
    background = scene.background
    sources = () if background is None else tuple(sorted(background.generated))
    stores = () if background is None else tuple(battery.model.id for battery in background.batteries)
    found: _Devices = []
    if solution.curtailed_dw is not None:
        found.append(("generator", "curtailed_dw", solution.generator_ids, sources))
    if solution.storage_steps is not None:
        found.append(("storage", "storage_steps", solution.storage_ids, stores))
    if solution.discharge_steps is not None:
        own = tuple(scene.cars.ids[car.at] for car in cars_that_give(scene)) if scene.gives else ()
        found.append(("discharge", "discharge_steps", solution.discharge_ids, own))
    return found


def _shapes_fit(
    solution: Solution, cars: Cars, outlets: Outlets, devices: _Devices, slots: int, findings: Findings
) -> bool:
    """Report rows, shapes and types that do not belong to this input; tell whether there are none."""
    fit = True
    for field, seen_ids, ids in (
        ("session_ids", solution.session_ids, cars.ids),
        ("connector_ids", solution.connector_ids, outlets.ids),
        *((f"{kind}_ids", seen, own) for kind, _, seen, own in devices),
    ):
        if tuple(seen_ids) != ids:
            fit = False
            odd = next((pair for pair in zip(seen_ids, ids, strict=False) if pair[0] != pair[1]), None)
            seen = f"{len(seen_ids)} ids" + (f", first difference {odd[0]!r}" if odd else "")
            allowed = f"{len(ids)} ids, sorted" + (f", {odd[1]!r} in that place" if odd else "")
            findings.add("shape", "plan", field, seen, allowed, relation="exactly")
    by_car, by_cell, by_outlet = (len(cars.ids),), (len(cars.ids), slots), (len(outlets.ids),)
    for field, shape, dtype in (
        ("setpoints", by_cell, np.int64),
        ("late_raise", by_cell, np.bool_),
        ("early_lowering", by_cell, np.bool_),
        ("idle_floor_steps", by_outlet, np.int64),
        ("end_floor_steps", by_outlet, np.int64),
        ("energy_units", by_car, np.int64),
        *((field, (len(own), slots), np.int64) for _, field, _, own in devices),
    ):
        array = getattr(solution, field)
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
            fit = False
            seen = f"{getattr(array, 'dtype', type(array).__name__)} {getattr(array, 'shape', '')}".strip()
            findings.add("shape", "plan", field, seen, f"{np.dtype(dtype).name} {shape}", relation="exactly")
    if type(solution.cost_units) is not int:
        fit = False
        findings.add("shape", "plan", "cost_units", type(solution.cost_units).__name__, "int", relation="exactly")
    return fit


def _judge_cells(setpoints: npt.NDArray[Any], scene: Scene, findings: Findings) -> npt.NDArray[Any]:
    """Judge window, maximum, minimum and pilot of every set-point; return them with 0 outside the windows.

    In a slot under way a set-point is what the charger holds, whatever that is.
    """
    cars, outlets = scene.cars, scene.outlets
    slot = np.arange(setpoints.shape[1])
    inside = (slot >= cars.first[:, None]) & (slot < cars.last[:, None])
    used = setpoints != 0
    low, high = cars.minimum[:, None], cars.maximum[:, None]
    faults: list[tuple[Kind, npt.NDArray[np.bool_]]] = [
        ("window", used & ~inside),
        ("maximum", setpoints > high),
        ("minimum", used & (setpoints < low)),
    ]
    if outlets.discrete.any():
        within = used & (setpoints >= low) & (setpoints <= high)
        faults.append(("pilot", within & not_allowed(setpoints, cars, outlets)))
    if scene.held is not None:
        for s in np.flatnonzero(setpoints[:, 0] != scene.held)[:MAX_LISTED_PER_KIND].tolist():
            seen, held = int(setpoints[s, 0]), int(scene.held[s])
            findings.add("held", "session", cars.ids[s], seen, held, unit="steps", relation="exactly", slot=0)
        for _, wrong in faults:
            wrong[:, 0] = False
    for kind, wrong in faults:
        if not wrong.any():
            continue
        session, at = np.nonzero(wrong)
        for s, t in zip(session[:MAX_LISTED_PER_KIND].tolist(), at[:MAX_LISTED_PER_KIND].tolist(), strict=True):
            allowed: int | str = f"0 or at least {cars.minimum[s]} steps"
            if kind in ("window", "maximum"):
                allowed = int(cars.maximum[s]) if kind == "maximum" else 0
            elif kind == "pilot":
                allowed = allowed_text(outlets, int(cars.outlet[s]))
            relation: Any = {"window": "exactly", "maximum": "at most"}.get(kind, "")
            detail = _window_text(cars, s) if kind == "window" else ""
            seen = int(setpoints[s, t])
            findings.add(
                kind, "session", cars.ids[s], seen, allowed, unit="steps", relation=relation, detail=detail, slot=t
            )
        findings.skip(max(0, session.size - MAX_LISTED_PER_KIND))
    return setpoints if not (used & ~inside).any() else np.where(inside, setpoints, 0)


def _window_text(cars: Cars, session: int) -> str:
    first, last = int(cars.first[session]), int(cars.last[session])
    return f"its slots are {first} to {last - 1}" if last > first else "it has no whole slot"


def _judge_energy(scene: Scene, given: Given, findings: Findings) -> None:
    """A session may overshoot by less than one slot at its minimum, at least at one step (convention 6).

    At a station with few periods a step is as long as the session's window (convention 24).
    """
    cars, seconds = scene.cars, scene.seconds
    longest = int(seconds.max())
    even = longest == int(seconds.min())
    over = [at for at, (given_, wished) in enumerate(zip(given.by_car, cars.wished, strict=True)) if given_ > wished]
    if not over:
        return
    smallest, due = np.maximum(cars.minimum, 1).tolist(), due_units(scene.due, cars, scene.edges_s)
    whole_s = spread_s(scene.told, cars, scene.edges_s).tolist()
    for at in over:
        energy, wished = given.by_car[at], max(cars.wished[at], due[at])
        slot_s = longest if even else int(seconds[cars.first[at] : cars.last[at]].max(initial=0))
        ceiling = wished + max(smallest[at] * slot_s, whole_s[at]) * int(cars.power[at])
        if energy >= ceiling:
            findings.add("energy", "session", cars.ids[at], energy, ceiling, unit="0.1 J", relation="less than")


def _judge_claims(solution: Solution, cars: Cars, given: Given, cost: int, findings: Findings) -> None:
    claimed = solution.energy_units.tolist()
    if claimed != given.by_car:
        for name, seen, own in zip(cars.ids, claimed, given.by_car, strict=True):
            if seen != own:
                findings.add("claimed_energy", "session", name, seen, own, unit="0.1 J", relation="exactly")
    if solution.cost_units != cost:
        findings.add("claimed_cost", "plan", "cost_units", solution.cost_units, cost, unit="money", relation="exactly")
