"""The rules of docs/conventions.md read word for word: plain Python, fractions, no shortcut, no numpy."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from ocpp_schedule.units import exact

if TYPE_CHECKING:
    from datetime import datetime

    from tests.check.cases import Case

    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Connector

CHANNELS = ("L1", "L2", "L3", "total")
VOLTS = {None: (230, 207, 253), "400Y/230": (230, 207, 253), "208Y/120": (120, 108, 132), "480Y/277": (277, 249, 305)}


class Literal:
    """One case with its set-points and flags, cell by cell."""

    def __init__(self, case: Case) -> None:
        self.case, self.site, self.grid = case, case.site, case.grid
        self.u, self.u_low, self.u_high = VOLTS[next(c.supply for c in self.site.circuits if c.parent is None)]
        self.stations = {s.id: s for s in self.site.stations}
        self.connectors = {c.id: c for c in self.site.connectors}
        self.circuits = {c.id: c for c in self.site.circuits}
        self.edges = [self.grid.start + timedelta(seconds=s) for s in self.grid.edges_s]
        self.seconds = [b - a for a, b in zip(self.grid.edges_s, self.grid.edges_s[1:], strict=False)]
        self.guard = self.site.edge_guard_s

    # convention 19
    def step_a(self, c: Connector) -> Fraction:
        if c.allowed_currents_a is None:
            return exact(c.step_a)
        divides = [k for k in range(1, 10_000) if all(exact(a) * 10 % k == 0 for a in c.allowed_currents_a)]
        return Fraction(max(divides), 10)

    def allowed(self, c: Connector, steps: int) -> bool:
        return c.allowed_currents_a is None or steps * self.step_a(c) in [exact(a) for a in c.allowed_currents_a]

    # convention 5
    def only_w(self, c: Connector) -> bool:
        return self.stations[c.station].capabilities.rate_units == ("W",)

    def load_units(self, c: Connector, line: str, phases: int | None) -> int:
        used = c.lines if phases is None else c.lines[: min(phases, len(c.lines))]
        if line == "total":  # convention 14 [mVA]
            return c.step_w * 1000 if self.only_w(c) else int(len(used) * self.u * exact(c.step_a) * 1000)
        if line not in used:
            return 0
        if not self.only_w(c):
            return int(self.step_a(c) * 10**6)
        share = used.index(line) + 1 if phases is None else len(used)
        return ceil(Fraction(c.step_w * 10**6, share * self.u_low))

    def power(self, c: Connector, phases: int | None) -> int:
        n = 1 if phases is None else min(phases, len(c.lines))
        if not self.only_w(c):
            return int(n * self.u * self.step_a(c) / Fraction(1, 10))
        return floor(Fraction(10 * c.step_w, len(c.lines))) if phases is None else 10 * c.step_w

    def range_steps(self, c: Connector, s: Session | None) -> tuple[int, int]:
        low, high, phases = exact(c.min_current_a), exact(c.max_current_a), None
        if s is not None:
            phases = s.phases
            low = max(low, exact(s.min_current_a or 0.0))
            high = high if s.max_current_a is None else min(high, exact(s.max_current_a))
        n = len(c.lines) if phases is None else min(phases, len(c.lines))
        if self.only_w(c):
            return ceil(low * n * self.u_high / c.step_w), floor(high * n * self.u / c.step_w)
        if c.allowed_currents_a is not None:
            usable = [exact(a) / self.step_a(c) for a in c.allowed_currents_a if a and low <= exact(a) <= high]
            return (int(usable[0]), int(usable[-1])) if usable else (1, 0)
        return ceil(low / self.step_a(c)), floor(high / self.step_a(c))

    # conventions 2 and 4
    def inside(self, s: Session, t: int) -> bool:
        return s.arrival <= self.edges[t] and self.edges[t + 1] <= s.departure

    def idle(self, c: Connector) -> int:
        low, high = self.range_steps(c, None)
        if self.only_w(c):
            steps = min(floor(exact(self.site.idle_floor_a) * len(c.lines) * self.u / c.step_w), high)
        else:
            steps = floor(exact(min(self.site.idle_floor_a, c.max_current_a)) / self.step_a(c))
            while not self.allowed(c, steps):
                steps -= 1
        if low > high:
            return 0
        return low if 0 < steps < low else steps

    def end(self, c: Connector) -> int:
        def minimum(other: Connector) -> int:
            low, high = self.range_steps(other, None)
            return low if low <= high else 0

        slots = range(self.grid.slots)
        fits = True
        for noun, name in self.rows():
            for line in (*c.lines, "total"):
                if c not in self.below(noun, name) or all(self.limit(noun, name, line, t) is None for t in slots):
                    continue
                need = sum(minimum(o) * self.load_units(o, line, None) for o in self.below(noun, name))
                limits = [limit for t in slots if (limit := self.limit(noun, name, line, t)) is not None]
                room = min(limits) - max(self.base(noun, name, line, t) for t in slots)
                fits = fits and need <= self.whole(noun, name, line, room)
        exclusive = any(c.id in group for station in self.site.stations for group in station.exclusive_groups)
        return max(minimum(c) if fits and not exclusive else 0, self.idle(c))

    def inside_group(self, name: str, c: Connector) -> bool:
        group = next(group for group in self.site.groups if group.id == name)
        named = c.id in group.connectors or c.station in group.stations
        return named or any(above in group.circuits for above in self.above(self.stations[c.station].circuit))

    def shared_faults(self) -> set[tuple[Any, ...]]:
        """Return (kind, station, slot, seen) of every exclusive group of which several outlets are on."""
        found: set[tuple[Any, ...]] = set()
        for station in self.site.stations:
            for group in station.exclusive_groups:
                members = [self.connectors[name] for name in group]
                for t in range(self.grid.slots):
                    on = sum(any(self.booked(c, line, t) for line in c.lines) for c in members)
                    if on > 1:
                        found.add(("exclusive", station.id, t, on))
                    if t and self.guard:
                        on = sum(any(self.at_edge(c, line, t) for line in c.lines) for c in members)
                        if on > 1:
                            found.add(("edge", station.id, t, on))
        return found

    def rows(self) -> list[tuple[str, str]]:
        capped = [("station", s.id) for s in self.site.stations if s.max_current_a is not None]
        return [("circuit", c.id) for c in self.site.circuits] + capped + [("group", g.id) for g in self.site.groups]

    def above(self, circuit: str | None) -> list[str]:
        return [] if circuit is None else [circuit, *self.above(self.circuits[circuit].parent)]

    def below(self, noun: str, name: str) -> list[Connector]:
        if noun == "group":
            return [c for c in self.site.connectors if self.inside_group(name, c)]
        if noun == "station":
            return [c for c in self.site.connectors if c.station == name]
        return [c for c in self.site.connectors if name in self.above(self.stations[c.station].circuit)]

    def touching(self, series: Any, values: Any, line: str, t: int) -> list[Fraction]:
        found = []
        for i, value in enumerate(values):
            start = series.start + i * timedelta(seconds=series.step_s)
            if start < self.edges[t + 1] and self.edges[t] < start + timedelta(seconds=series.step_s):
                found.append(exact(value[int(line[1]) - 1] if isinstance(value, tuple) else value))
        return found

    def limit(self, noun: str, name: str, line: str, t: int) -> Fraction | None:
        """Return the limit [A, VA]; None where there is none in any slot."""
        things: Any = {"station": self.stations, "circuit": self.circuits, "group": {g.id: g for g in self.site.groups}}
        thing = things[noun][name]
        over_time = [s for s in self.case.limits if noun == "circuit" and s.circuit == name]
        if line == "total":
            values = [
                exact(v) for v in (getattr(thing, "limit_va", None), getattr(thing, "limit_w", None)) if v is not None
            ]
            for series in over_time:
                values += self.touching(series, series.limit_va or series.limit_w or (), line, t)
        else:
            own = thing.max_current_a if noun == "station" else thing.limit_a
            values = [] if own is None else [exact(own[int(line[1]) - 1] if isinstance(own, tuple) else own)]
            for series in over_time:
                values += self.touching(series, series.limit_a or (), line, t)
        return min(values, default=None)

    def whole(self, noun: str, name: str, line: str, room: Fraction) -> int:
        weight = exact(self.circuits[name].continuous_load_factor) if noun == "circuit" else 1
        return floor(room * (10**3 if line == "total" else 10**6) / weight)

    def base(self, noun: str, name: str, line: str, t: int) -> Fraction:
        if line == "total":
            return self.u * sum((self.base(noun, name, one, t) for one in CHANNELS[:3]), Fraction(0))
        total = Fraction(0)
        for load in self.site.loads if noun != "station" else ():
            tops = next(g.circuits for g in self.site.groups if g.id == name) if noun == "group" else (name,)
            if any(top in self.above(load.circuit) for top in tops) and line in load.lines:
                (series,) = (f for f in self.case.forecasts if f.id == load.id)
                total += max(self.touching(series, series.high_a or series.expected_a, line, t))
        return total

    def headroom(self, noun: str, name: str, line: str, t: int) -> int:
        limit = self.limit(noun, name, line, t)
        return 10**15 if limit is None else self.whole(noun, name, line, limit - self.base(noun, name, line, t))

    def steps(self, s: Session, t: int) -> int:
        return self.case.steps[s.id][t] if self.inside(s, t) else 0

    def booked(self, c: Connector, line: str, t: int) -> int:
        current = self.idle(c) * self.load_units(c, line, None)
        for s in self.case.sessions:
            if s.connector == c.id:
                current = max(current, self.steps(s, t) * self.load_units(c, line, s.phases))
        return current

    def at_edge(self, c: Connector, line: str, t: int) -> int:
        old, new = self.booked(c, line, t - 1), self.booked(c, line, t)
        counted = max(old, new)
        for s in self.case.sessions:
            if s.connector == c.id and (s.id, t) in self.case.late and self.guard_steps(s, t, t - 1) > 0:
                counted = min(counted, old)
            if s.connector == c.id and (s.id, t - 1) in self.case.early and self.guard_steps(s, t - 1, t) > 0:
                counted = min(counted, new)
        return counted

    def guard_steps(self, s: Session, t: int, neighbour: int) -> int:
        """Return what the guard takes off in slot ``t``; 0 where a flag does not belong."""
        if not 0 <= neighbour < self.grid.slots or not self.inside(s, t) or not 0 < 2 * self.guard < self.seconds[t]:
            return 0
        beside = self.steps(s, neighbour) if self.inside(s, neighbour) else self.idle(self.connectors[s.connector])
        return max(0, self.steps(s, t) - beside)

    def faults(self) -> set[tuple[Any, ...]]:
        """Return (kind, subject, line, slot, seen, allowed) of every row, edge, alarm and flag fault."""
        found: set[tuple[Any, ...]] = set()
        for noun, name in self.rows():
            below = self.below(noun, name)
            for line in CHANNELS:
                floors = sum(self.idle(c) * self.load_units(c, line, None) for c in below)
                for t in range(self.grid.slots):
                    room = self.headroom(noun, name, line, t)
                    total = sum(self.booked(c, line, t) for c in below)
                    if total > max(room, floors):
                        found.add(("row", name, line, t, total, max(room, floors)))
                    for s in self.case.sessions if room < floors else ():
                        c = self.connectors[s.connector]
                        if c in below and self.load_units(c, line, s.phases) and self.steps(s, t) > 0:
                            found.add(("alarm_draw", s.id, line, t, self.steps(s, t), 0))
                    if t and self.guard:
                        room = max(floors, min(room, self.headroom(noun, name, line, t - 1)))
                        total = sum(self.at_edge(c, line, t) for c in below)
                        if total > room:
                            found.add(("edge", name, line, t, total, room))
        return found

    # convention 14
    def likely_units(self, c: Connector, line: str, phases: int | None) -> int:
        """Return the expected current of a step: an unknown car is on one phase."""
        used = c.lines[: 1 if phases is None else phases]
        if line not in used:
            return 0
        share = len(c.lines) if phases is None else len(used)
        return floor(Fraction(c.step_w * 10**6, share * self.u)) if self.only_w(c) else int(self.step_a(c) * 10**6)

    def likely_base(self, name: str, line: str, t: int) -> Fraction:
        """Return the mean of the expected base load [uA]."""
        total = Fraction(0)
        for load in self.site.loads:
            if name not in self.above(load.circuit) or line not in load.lines:
                continue
            (series,) = (f for f in self.case.forecasts if f.id == load.id)
            for i, value in enumerate(series.expected_a):
                start = series.start + i * timedelta(seconds=series.step_s)
                end = min(start + timedelta(seconds=series.step_s), self.edges[t + 1])
                length = max(0, (end - max(start, self.edges[t])) // timedelta(seconds=1))
                own = value[int(line[1]) - 1] if isinstance(value, tuple) else value
                total += Fraction(ceil(exact(own) * 10**6) * length, self.seconds[t])
        return total

    def unbalance_faults(self) -> set[tuple[Any, ...]]:
        found: set[tuple[Any, ...]] = set()
        for circuit in self.site.circuits:
            if circuit.unbalance_limit_a is None:
                continue
            below = self.below("circuit", circuit.id)
            cars = [(s, self.connectors[s.connector]) for s in self.case.sessions]
            for t in range(self.grid.slots):
                base = {line: self.likely_base(circuit.id, line, t) for line in CHANNELS[:3]}
                drawn = {
                    line: sum(self.steps(s, t) * self.likely_units(c, line, s.phases) for s, c in cars if c in below)
                    for line in CHANNELS[:3]
                }
                for one in CHANNELS[:3]:
                    for other in CHANNELS[:3]:
                        allowed = max(0, floor(exact(circuit.unbalance_limit_a) * 10**6 - base[one] + base[other]))
                        more = drawn[one] - drawn[other]
                        if more > allowed:
                            said = f"charging on {one} over {other}, as expected"
                            found.add((circuit.id, said, t, more, allowed))
        return found

    def bad_flags(self) -> set[tuple[str, int]]:
        sessions = {s.id: s for s in self.case.sessions}
        late = {(name, t) for name, t in self.case.late if not self.guard_steps(sessions[name], t, t - 1)}
        return late | {(name, t) for name, t in self.case.early if not self.guard_steps(sessions[name], t, t + 1)}

    def energy(self, s: Session, t: int) -> int:
        lost = self.guard_steps(s, t, t - 1) if (s.id, t) in self.case.late else 0
        lost += self.guard_steps(s, t, t + 1) if (s.id, t) in self.case.early else 0
        steps = self.steps(s, t) * self.seconds[t] - lost * self.guard
        return steps * self.power(self.connectors[s.connector], s.phases)

    def cost(self) -> int:
        total = Fraction(0)
        for t in range(self.grid.slots):
            units = sum(self.energy(s, t) for s in self.case.sessions)
            total += units * self.price_seconds(t) / self.seconds[t]
        return floor(total)

    def price_seconds(self, t: int) -> Fraction:
        energy = self.case.tariff.energy
        if isinstance(energy, float):
            return exact(energy) * 10**6 * self.seconds[t]
        total = Fraction(0)
        for i, price in enumerate(energy.per_kwh):
            start = energy.start + i * timedelta(seconds=energy.step_s)
            end = start + timedelta(seconds=energy.step_s)
            overlap = min(end, self.edges[t + 1]) - max(start, self.edges[t])
            total += exact(price) * 10**6 * max(0, overlap // timedelta(seconds=1))
        return total

    def in_grid(self, s: Session, by: datetime, wh: float) -> int:
        if s.arrival >= self.grid.end or s.departure <= self.grid.start:
            return 0
        low, high = self.range_steps(self.connectors[s.connector], s)
        rest = Fraction(max(0, (by - self.grid.end) // timedelta(microseconds=1)), 10**6)
        full = self.power(self.connectors[s.connector], s.phases) * high if low <= high else 0
        return ceil(max(Fraction(0), exact(wh) * 36_000 - full * rest))
