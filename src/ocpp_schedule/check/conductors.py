"""Conductors whose currents are sums of phasors: which there are, and whether a plan keeps to them (convention 15)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocpp_schedule.check.limits import UNLIMITED
from ocpp_schedule.check.phasors import Bundle, Surd, bundle_of
from ocpp_schedule.check.report import Alarm, RowUse
from ocpp_schedule.check.transformers import VOLTAGE_DEG, Part, Windings
from ocpp_schedule.units import LINES, MICROAMPERES_PER_AMPERE, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from ocpp_schedule.check.guards import Guards
    from ocpp_schedule.check.limits import Limits
    from ocpp_schedule.check.quantities import Cars, Outlets
    from ocpp_schedule.check.report import Findings, Kind, RowNoun
    from ocpp_schedule.check.rows import Layout
    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.timegrid import TimeGrid

BLOCK_SLOTS: Final = 1024
"""Slots judged at once."""
ONE: Final = Surd(Fraction(1))


@dataclass(frozen=True, slots=True)
class Conductor:
    """One conductor.

    Attributes:
        noun, subject, line: what it is; the line of a circuit or station.
        members: (currents,) index of the connector and of its line, of each current.
        bundle: how they add up.
        headroom: (slots,) what charging may take [uA].
        least: what the lowest limit leaves beside the highest base load [uA].
        base: (slots,) base load, and ``limit`` likewise, for the words of an alarm [uA].
    """

    noun: RowNoun
    subject: str
    line: int | None
    members: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    bundle: Bundle
    headroom: npt.NDArray[np.int64]
    least: int
    base: npt.NDArray[np.int64]
    limit: npt.NDArray[np.int64]

    def of(self, currents: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return (currents, n) of (connectors, channels, n)."""
        picked: npt.NDArray[Any] = currents[self.members]
        return picked


def conductors_of(
    site: Site, outlets: Outlets, layout: Layout, limits: Limits, slots: int
) -> tuple[tuple[Conductor, ...], Limits]:
    """Return the conductors, and the limits of all other rows.

    A circuit or station with a load between two lines or a transformer below it has conductors in place of lines,
    unless its lines are in opposite phase.
    """
    found: list[Conductor] = []
    rows: list[int] = []
    reach = _reach(site, outlets)
    if reach:
        circuit_of = {station.id: station.circuit for station in site.stations}
        for row, (noun, subject) in enumerate(zip(layout.nouns, layout.subjects, strict=True)):
            below = sorted(layout.order[layout.holds(row, np.arange(layout.order.size))].tolist())
            # A group is seen from where its members are: no transformer is on a site with groups.
            seen = {at: circuit_of[outlets.models[at].station] if noun == "group" else subject for at in below}
            if noun == "station":
                seen = dict.fromkeys(below, circuit_of[subject])
            if any(seen[at] in reach[at] for at in below):
                rows.append(row)
                on = {at: reach[at].get(seen[at], _plain(outlets.models[at])) for at in below}
                found += _lines_of(layout, limits, row, on, slots)
    index = {name: at for at, name in enumerate(outlets.ids)}
    for constraint in site.line_constraints:
        limit = np.full(slots, int(exact(constraint.limit_a) * MICROAMPERES_PER_AMPERE // 1), dtype=np.int64)
        terms = [(index[t.connector], exact(t.coefficient), exact(t.angle_deg)) for t in constraint.terms]
        connectors = sorted({at for at, weight, _ in terms if weight})
        place = {at: k for k, at in enumerate(connectors)}
        # A negative coefficient points the other way; the first wired line carries the most.
        turned = [(place[at], Surd(abs(w)), angle + (180 if w < 0 else 0)) for at, w, angle in terms if w]
        lines = [LINES.index(outlets.models[at].lines[0]) for at in connectors]
        members = (np.array(connectors, dtype=np.int64), np.array(lines, dtype=np.int64))
        bundle = bundle_of(turned, len(connectors))
        none = np.zeros(slots, dtype=np.int64)
        found.append(
            Conductor("line_constraint", constraint.id, None, members, bundle, limit, int(limit[0]), none, limit)
        )
    return tuple(found), _without_lines(limits, rows) if rows else limits


_Parts = list[tuple[int, Part]]
"""Parts of the currents of a connector, each with the line whose booked current it is."""


def _reach(site: Site, outlets: Outlets) -> list[dict[str, _Parts]]:
    """Return by connector and circuit above it the parts of its currents; where lines just add up there is none.

    Empty where all do: where no load lies between two of three lines and there is no transformer.
    """
    windings = Windings(site)
    between = [
        connector.connection == "delta" and len(supply.lines) == len(LINES)
        for connector, supply in zip(outlets.models, outlets.supplies, strict=True)
    ]
    if not windings.any and not any(between):
        return []
    circuit_of = {station.id: station.circuit for station in site.stations}
    found = []
    for connector, turned in zip(outlets.models, between, strict=True):
        own: dict[str, _Parts] = {}
        currents = _currents(connector)
        for circuit in windings.path(circuit_of[connector.station]):
            if turned:
                own[circuit.id] = [(line, part) for line, parts in currents for part in parts]
            currents = [(line, windings.up(circuit, parts)) for line, parts in currents]
            turned = turned or circuit.transformer is not None  # noqa: PLW2901 - from here on up
        found.append(own)
    return found


def _currents(connector: Connector) -> list[tuple[int, list[Part]]]:
    """Return the currents of a connector, each with the line it is booked on and its parts there.

    The voltage from L1 to L2 is 30 degrees ahead of L1's to neutral, and so are L2 to L3 and L3 to L1; the current
    comes back on the other line.
    """
    wired = [LINES.index(line) for line in connector.lines]
    if connector.connection == "wye":
        return [(line, [Part(line, ONE, VOLTAGE_DEG[line])]) for line in wired]
    first, second = wired if (wired[0] + 1) % len(LINES) == wired[1] else wired[::-1]
    angle = (VOLTAGE_DEG[first] + 30) % 360
    return [(first, [Part(first, ONE, angle), Part(second, ONE, (angle + 180) % 360)])]


def _plain(connector: Connector) -> _Parts:
    return [(line, part) for line, parts in _currents(connector) for part in parts]


def _lines_of(layout: Layout, limits: Limits, row: int, on: dict[int, _Parts], slots: int) -> Iterator[Conductor]:
    headroom = limits.headroom_in(0, slots)[row]
    tightest = limits.tightest()[row]
    for line in range(len(LINES)):
        if headroom[line].min() >= UNLIMITED // 2:
            continue
        parts = [(at, booked, part) for at, own in on.items() for booked, part in own if part.line == line]
        if not parts:
            continue
        turned = [(k, part.size, Fraction(part.angle - VOLTAGE_DEG[line])) for k, (_, _, part) in enumerate(parts)]
        known = [limits.at(row, line, slot) for slot in (range(slots) if row in limits.headroom else [0] * slots)]
        limit, base = np.array(known, dtype=np.int64).T
        yield Conductor(
            layout.nouns[row],
            layout.subjects[row],
            line,
            (np.array([at for at, _, _ in parts]), np.array([booked for _, booked, _ in parts])),
            bundle_of(turned, len(parts)),
            headroom[line],
            int(tightest[line]),
            base,
            limit,
        )


def _without_lines(limits: Limits, rows: list[int]) -> Limits:
    """Return the limits with no limit on the lines of ``rows``."""
    lines = len(LINES)
    fixed, fixed_headroom = limits.fixed.copy(), limits.fixed_headroom.copy()
    fixed[rows, :lines], fixed_headroom[rows, :lines] = UNLIMITED, UNLIMITED
    limit, base, headroom = dict(limits.limit), dict(limits.base), dict(limits.headroom)
    for known, value in ((limit, UNLIMITED), (base, 0), (headroom, UNLIMITED)):
        for row in rows:
            if row in known:
                known[row] = known[row].copy()
                known[row][:lines] = value
    return replace(limits, fixed=fixed, fixed_headroom=fixed_headroom, limit=limit, base=base, headroom=headroom)


def judge_conductors(
    scene: Scene, setpoints: npt.NDArray[Any], guards: tuple[Guards, Guards], findings: Findings
) -> tuple[tuple[RowUse, ...], tuple[Alarm, ...]]:
    """Judge every conductor of a scene (``Judge.judge``)."""
    held = int(scene.held is not None)
    judge = Judge(scene.conductors, scene.outlets, scene.cars, scene.grid, findings, held)
    return judge.judge(setpoints, guards, scene.guard_s)


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that judging conductors needs, and where the findings go.

    The first ``held_slots`` slots (none or one) are under way: what is drawn there is not for the plan to decide.
    """

    conductors: tuple[Conductor, ...]
    outlets: Outlets
    cars: Cars
    grid: TimeGrid
    findings: Findings
    held_slots: int = 0

    def judge(
        self, setpoints: npt.NDArray[Any], guards: tuple[Guards, Guards], guard_s: int
    ) -> tuple[tuple[RowUse, ...], tuple[Alarm, ...]]:
        """Judge every conductor in every slot and, with a guard, at every edge.

        Args:
            setpoints: (sessions, slots) steps, 0 outside the windows.
            guards: late raises and early lowerings that are in order.
            guard_s: the guard.

        Returns:
            how far each is used, and which are exceeded by base load and idle floors.
        """
        slots = setpoints.shape[1]
        uses: list[RowUse] = []
        alarms: list[Alarm] = []
        idle = self.outlets.idle_units[:, :, None]
        floors = [self._floor(one, idle) for one in self.conductors]
        most = [(-1.0, 0, 0)] * len(self.conductors)
        for first in range(0, slots, BLOCK_SLOTS):
            end = min(first + BLOCK_SLOTS, slots)
            before = max(first - 1, 0)  # the edge at the start of the block needs the slot before
            current = self._booked(setpoints[:, before:end])
            edges = _at_edges(current, before, guards, self.cars) if guard_s and end - before > 1 else None
            for at, one in enumerate(self.conductors):
                room = np.maximum(one.headroom[before:end], floors[at])
                own = one.of(current)
                start = max(first, self.held_slots)
                if start < end:
                    self._report(one, "row", own[:, start - before :], room[start - before :], start)
                    most[at] = max(most[at], _most(one, own[:, start - before :], start))
                if edges is not None:
                    lower = np.minimum(one.headroom[before : end - 1], one.headroom[before + 1 : end])
                    at_edge = np.maximum(lower, floors[at])
                    if before < self.held_slots:  # it cannot be undone: at its end it only must not get more
                        at_edge[0] = max(int(at_edge[0]), one.bundle.whole_up(own[:, 0]))
                    self._report(one, "edge", one.of(edges), at_edge, before + 1)
        for at, one in enumerate(self.conductors):
            _, _, slot = most[at]
            cell = one.of(self._booked(setpoints[:, slot : slot + 1]))[:, 0]
            line = None if one.line is None else LINES[one.line]
            uses.append(RowUse(one.noun, one.subject, line, slot, one.bundle.whole_up(cell), int(one.headroom[slot])))
            alarms += self._alarms(one, floors[at], setpoints)
        return tuple(uses), tuple(alarms)

    def _floor(self, one: Conductor, idle: npt.NDArray[Any]) -> int:
        """Return what the idle floors alone put on a conductor [uA], rounded up."""
        return one.bundle.whole_up(one.of(idle)[:, 0])

    def _booked(self, setpoints: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return (connectors, channels, slots) what every connector is booked with."""
        idle = self.outlets.idle_units[:, :, None]
        drawn = np.zeros((*idle.shape[:2], setpoints.shape[1]), dtype=setpoints.dtype)
        np.add.at(drawn, self.cars.outlet, setpoints[:, None] * self.cars.load_units[:, :, None])
        return np.maximum(drawn, idle)

    def _report(
        self, one: Conductor, kind: Kind, currents: npt.NDArray[Any], room: npt.NDArray[np.int64], first: int
    ) -> None:
        for slot in np.flatnonzero(one.bundle.exceeds(currents, room)).tolist():
            seen = one.bundle.whole_up(currents[:, slot])
            self.findings.add(
                kind, one.noun, one.subject, seen, int(room[slot]), unit="uA", line=one.line, slot=first + slot
            )

    def _alarms(self, one: Conductor, floor: int, setpoints: npt.NDArray[Any]) -> Iterator[Alarm]:
        """Report the sessions that are not 0 below an alarm, and yield each run of slots in alarm as one."""
        alarm = (one.headroom < floor) if floor else (one.headroom < 0)
        alarm[: self.held_slots] = False
        if not alarm.any():
            return
        connectors, lines = one.members
        on = {(c, k) for c, k in zip(connectors.tolist(), lines.tolist(), strict=True)}
        for car in np.flatnonzero(setpoints[:, alarm].any(axis=1)).tolist():
            outlet = int(self.cars.outlet[car])
            if not any((outlet, line) in on and self.cars.load_units[car, line] > 0 for line in range(len(LINES))):
                continue
            for slot in np.flatnonzero(alarm & (setpoints[car] > 0)).tolist():
                detail = f"on {one.noun} {one.subject!r}, which is in alarm"
                seen = int(setpoints[car, slot])
                self.findings.add(
                    "alarm_draw", "session", self.cars.ids[car], seen, 0, unit="steps", detail=detail, slot=slot
                )
        for first, end in np.flatnonzero(np.diff(alarm, prepend=False, append=False)).reshape(-1, 2).tolist():
            worst = first + int(one.headroom[first:end].argmin())
            yield Alarm(
                noun=one.noun,
                subject=one.subject,
                line=None if one.line is None else LINES[one.line],
                first_slot=first,
                end_slot=end,
                start=self.grid.edge(first),
                end=self.grid.edge(end),
                base_units=int(one.base[worst]),
                floor_units=floor,
                limit_units=int(one.limit[worst]),
            )


def _most(one: Conductor, currents: npt.NDArray[Any], first: int) -> tuple[float, int, int]:
    """Return the highest share of headroom in use in a block, minus its slot (the first of equals), and the slot."""
    room = np.maximum(one.headroom[first : first + currents.shape[1]], 1).astype(np.float64)
    share = one.bundle.magnitude(currents) / room
    slot = int(share.argmax())
    return float(share[slot]), -(first + slot), first + slot


def _at_edges(current: npt.NDArray[Any], first: int, guards: tuple[Guards, Guards], cars: Cars) -> npt.NDArray[Any]:
    """Return (connectors, channels, slots - 1) what every connector counts with at the edges inside a block."""
    old, new = current[:, :, :-1], current[:, :, 1:]
    counted: npt.NDArray[Any] = np.maximum(old, new)
    late, early = guards
    for sort, edge, side in ((late, late.slot - 1 - first, old), (early, early.slot - first, new)):
        here = (edge >= 0) & (edge < counted.shape[2])
        at = (cars.outlet[sort.session[here]], slice(None), edge[here])
        counted[at] = np.minimum(counted[at], side[at])
    return counted


def tight_conductors(
    conductors: Sequence[Conductor], outlets: Outlets, steps: npt.NDArray[np.int64]
) -> Iterator[Conductor]:
    """Yield the conductors that so many steps on every connector exceed at their tightest."""
    currents = (steps[:, None] * outlets.unknown_units)[:, :, None]
    for one in conductors:
        if one.bundle.exceeds(one.of(currents), np.array([one.least], dtype=object))[0]:
            yield one


def exceeded_conductors(
    conductors: Sequence[Conductor], outlets: Outlets, steps: npt.NDArray[np.int64]
) -> Iterator[tuple[Conductor, int, int]]:
    """Yield the conductors that so many steps exceed though idle floors alone do not, with what is seen and allowed."""
    currents = (steps[:, None] * outlets.unknown_units)[:, :, None]
    idle = outlets.idle_units[:, :, None]
    for one in tight_conductors(conductors, outlets, steps):
        allowed = max(one.least, one.bundle.whole_up(one.of(idle)[:, 0]))
        seen = one.bundle.whole_up(one.of(currents)[:, 0])
        if seen > allowed:
            yield one, seen, allowed
