"""A plan as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ocpp_schedule.problem.arrays import Floats, Problem

Frame: TypeAlias = pd.DataFrame


def plan_frame(
    problem: Problem, limits: Floats, units: tuple[str, ...], expected_w: Floats, given_w: Floats | None = None
) -> Frame:
    """Return one row per session and slot of its window.

    Args:
        problem: compiled arrays.
        limits: (S, T) set-points in the charger's unit.
        units: (S,) ``"A"`` or ``"W"``.
        expected_w: (S, T) expected mean power [W].
        given_w: (S, T) what cars give back [W]; None: no car can.

    Returns:
        Columns ``session``, ``connector``, ``start`` and ``end`` (UTC), ``limit``, ``unit``, ``expected_w``,
        ``energy_wh`` (both before losses at guarded edges), ``price_per_kwh``; and ``given_w`` where cars can give
        energy back.
    """
    slots = np.arange(problem.slots)
    inside = (slots >= problem.first_slot[:, None]) & (slots < problem.end_slot[:, None])
    session, slot = np.nonzero(inside)
    offsets = np.array(problem.grid.edges_s)
    start = pd.Timestamp(problem.grid.start)
    names = np.array(problem.session_ids, dtype=object)
    connectors = np.array(problem.connector_ids, dtype=object)
    price = problem.price_seconds / problem.seconds / 1e6
    return pd.DataFrame(
        {
            "session": names[session],
            "connector": connectors[problem.session_connector[session]],
            "start": start + pd.to_timedelta(offsets[slot], unit="s"),
            "end": start + pd.to_timedelta(offsets[slot + 1], unit="s"),
            "limit": limits[session, slot],
            "unit": np.array(units, dtype=object)[session],
            "expected_w": expected_w[session, slot],
            "energy_wh": expected_w[session, slot] * problem.seconds[slot] / 3600,
            "price_per_kwh": price[slot],
        }
        | ({} if given_w is None else {"given_w": given_w[session, slot]})
    )
