"""Rules for pauses and on-times of sessions (convention 21)."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from ocpp_schedule.problem.arrays import RunRules

if TYPE_CHECKING:
    from ocpp_schedule.model.capabilities import Capabilities
    from ocpp_schedule.model.session import Session
    from ocpp_schedule.model.site import Site
    from ocpp_schedule.problem.arrays import Bools
    from ocpp_schedule.problem.demands import Demands, Table

ANY: Final = -1
_RULES: Final = attrgetter("max_pauses", "min_on_s")


def run_rules(site: Site, table: Table, demands: Demands, end_s: int, held: Bools | None = None) -> RunRules | None:
    """Return the rules, or None where no session has any.

    Args:
        site: some stations cannot pause.
        table: the sessions.
        demands: what they want.
        end_s: end of the grid, seconds since 1970.
        held: (S,) sessions that charge in every slot; None: none do.
    """
    steady = {station.id for station in site.stations if not can_pause(station.capabilities)}
    connectors = {one.id for one in site.connectors if one.station in steady} if steady else set()
    if not connectors and set(map(_RULES, table.sessions)) <= {(None, None)}:
        return None
    pauses = np.array([_pauses(session, connectors) for session in table.sessions], dtype=np.int64)
    on_s = np.array([session.min_on_s or 0 for session in table.sessions], dtype=np.int64)
    left_out = (demands.unaffordable + demands.untakeable)[demands.milestone < 0]
    return RunRules(
        flagged=(pauses != ANY) | (on_s > 0),
        pauses=pauses,
        on_s=on_s,
        open_end=table.departure_s > end_s,
        full_units=demands.energy - left_out,
        steady=held,
    )


def can_pause(capabilities: Capabilities) -> bool:
    """Tell whether a station can stop charging for a while and go on afterwards.

    >>> from ocpp_schedule.model.capabilities import Capabilities
    >>> can_pause(Capabilities()), can_pause(Capabilities(pause="min_current")), can_pause(Capabilities(resume="none"))
    (True, False, False)
    """
    return capabilities.pause == "zero_limit" and capabilities.resume != "none"


def _pauses(session: Session, steady: set[str]) -> int:
    if session.connector in steady:
        return 0
    return ANY if session.max_pauses is None else session.max_pauses
