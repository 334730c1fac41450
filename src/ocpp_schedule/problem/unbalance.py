"""How different the expected currents of the lines may be (convention 14)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ocpp_schedule.problem.limits import watts_per_line
from ocpp_schedule.problem.series import epoch_s, integral, per_line_ua
from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    LINES,
    MICROAMPERES_PER_AMPERE,
    MICROAMPERES_PER_DECIAMPERE,
    TOTAL,
    exact,
    round_down,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocpp_schedule.model.series import Forecast
    from ocpp_schedule.model.session import KnownSession
    from ocpp_schedule.model.site import Connector, Site
    from ocpp_schedule.problem.arrays import Bools, Ints
    from ocpp_schedule.problem.rows import Nodes
    from ocpp_schedule.units import Supply


@dataclass(frozen=True, slots=True)
class Unbalance:
    """Limits on differences between lines. U circuits, P pairs of lines.

    With ``d`` the sum of set-points times ``per_step`` over the sessions inside, ``low <= d <= high`` holds in every
    slot. Both sides include 0: without charging the limit holds as far as charging has a part in it.

    Attributes:
        names: of the circuits.
        pairs: indices of the two lines.
        inside: (U, S) bool, the session charges at or below the circuit.
        per_step: (S, P) expected current on the first line less that on the second [uA].
        low, high: (U, P, T) what charging may differ by, base load taken off [uA].
        notices: where base load alone differs by more.
    """

    names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    inside: Bools
    per_step: Ints
    low: Ints
    high: Ints
    notices: tuple[str, ...]

    def differences(self, setpoints: Ints) -> Ints:
        """Return (U, P, T) by how much charging with (S, T) set-points differs between the lines of a pair [uA]."""
        parts = [self.inside.astype(np.int64) @ (setpoints * own[:, None]) for own in self.per_step.T]
        return np.stack(parts, axis=1)


def expected_units(connector: Connector, supply: Supply, *, amperes: bool, phases: int | None) -> tuple[int, int, int]:
    """Return the expected current of one step on L1, L2, L3 [uA], rounded down.

    A car of which the phases are unknown is expected on the first line, as its energy is on one phase.

    >>> from ocpp_schedule.model.site import Connector
    >>> from ocpp_schedule.units import SUPPLIES
    >>> expected_units(Connector(id="C", station="S", max_current_a=16), SUPPLIES["400Y/230"], amperes=True, phases=2)
    (100000, 100000, 0)
    """
    wired = connector.lines
    used = wired[: 1 if phases is None else phases]
    if connector.connection == "delta":  # between the only two lines there are, which it loads alike
        return 0, 0, 0
    if connector.current_type == "DC":
        drawn = connector.step_w * MICROAMPERES_PER_AMPERE / exact(connector.efficiency or 1.0)
        used, each = wired, int(drawn // (len(wired) * supply.voltage_v))
    elif amperes:
        each = round_down(connector.setpoint_step_a, DECIAMPERES_PER_AMPERE) * MICROAMPERES_PER_DECIAMPERE
    else:
        share = len(wired) if phases is None else len(used)
        each = connector.step_w * MICROAMPERES_PER_AMPERE // (share * supply.voltage_v)
    first, second, third = (each if line in used else 0 for line in LINES)
    return first, second, third


def compile_unbalance(
    site: Site,
    sessions: Sequence[KnownSession],
    places: Ints,
    outlets: Sequence[tuple[Connector, bool, Supply]],
    nodes: Nodes,
    forecasts: Iterable[Forecast],
    edges: Ints,
) -> Unbalance | None:
    """Return the limits on differences; None where the site has none.

    Args:
        site: topology.
        sessions: in the order of the rows.
        places: (S,) column of the connector of each.
        outlets: for each session a connector of the kind of its own, whether that takes A, and its supply.
        nodes: circuits come first, in the order of the site.
        forecasts: one for each load and generator, covering the grid.
        edges: (T + 1,) seconds since 1970.
    """
    limited = [at for at, circuit in enumerate(site.circuits) if circuit.unbalance_limit_a is not None]
    if not limited:
        return None
    supply, seconds = nodes.supply, np.diff(edges)
    pairs = tuple(combinations([LINES.index(line) for line in supply.lines], 2))
    expected = [
        expected_units(connector, supply, amperes=amperes, phases=session.phases)
        for session, (connector, amperes, _) in zip(sessions, outlets, strict=True)
    ]
    units = np.array(expected, dtype=np.int64).reshape(-1, 3)
    base = _base_units(site, limited, nodes, forecasts, edges)
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    differs = base[:, first] - base[:, second]
    most = np.array([round_down(site.circuits[at].unbalance_limit_a or 0.0, MICROAMPERES_PER_AMPERE) for at in limited])
    allowed = most[:, None, None] * seconds
    names = tuple(site.circuits[at].id for at in limited)
    found = Unbalance(
        names=names,
        pairs=pairs,
        inside=nodes.connectors[limited][:, places],
        per_step=units[:, first] - units[:, second],
        low=-(np.maximum(allowed + differs, 0) // seconds),
        high=np.maximum(allowed - differs, 0) // seconds,
        notices=_notices(names, pairs, (np.abs(differs) - allowed) / seconds),
    )
    for array in (found.inside, found.per_step, found.low, found.high):
        array.setflags(write=False)
    return found


def _base_units(site: Site, limited: Sequence[int], nodes: Nodes, forecasts: Iterable[Forecast], edges: Ints) -> Ints:
    """Return (U, 3, T) expected loads less generation at or below each circuit, over the slot [uA s]."""
    series_of = {forecast.id: forecast for forecast in forecasts}
    parents = {circuit.id: circuit.parent for circuit in site.circuits}
    total = np.zeros((len(limited), TOTAL, edges.size - 1), dtype=np.int64)
    row = {site.circuits[at].id: number for number, at in enumerate(limited)}
    for sign, things in ((1, site.loads), (-1, site.generators)):
        for thing in things:
            series = series_of[thing.id]
            own = _per_line(series, thing.lines, nodes.supply, edges, up=sign > 0)
            above: str | None = thing.circuit
            while above is not None:
                if above in row:
                    total[row[above]] += sign * own
                above = parents[above]
    return total


def _per_line(series: Forecast, lines: Sequence[str], supply: Supply, edges: Ints, *, up: bool) -> Ints:
    """Return (3, T) the expected current on each line over the slot [uA s], each interval in whole uA."""
    if series.expected_w is not None:
        values = watts_per_line(series.expected_w, lines, supply.voltage_v, up=up)[:TOTAL]
    else:
        values = per_line_ua(series.expected_a or (), up=True)
        values[[line not in lines for line in LINES]] = 0
    start = epoch_s(series.start)
    return np.array([integral(own, start, series.step_s, edges) for own in values.astype(np.int64)])


def _notices(names: Sequence[str], pairs: Sequence[tuple[int, int]], beyond: Ints) -> tuple[str, ...]:
    """Return what is to be said of each limit; ``beyond``: (U, P, T) what base load alone differs by too much [uA]."""
    told = [
        f"circuit {name}: the limit on the difference between lines counts what is expected to be drawn; "
        "a car that draws less can exceed it (not fail-safe)"
        for name in names
    ]
    for at, name in enumerate(names):
        for pair, (one, other) in enumerate(pairs):
            most = float(beyond[at, pair].max(initial=0)) / MICROAMPERES_PER_AMPERE
            if most > 0:
                told.append(
                    f"circuit {name}: base load alone differs between {LINES[one]} and {LINES[other]} by up to "
                    f"{most:,.1f} A more than allowed; charging adds nothing to it"
                )
    return tuple(told)
