"""What a plan does at the grid connection, as arrays in W."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.problem.arrays import Problem
    from ocpp_schedule.solution import Solution
    from ocpp_schedule.views.exchange import ExchangeW


class AtMeter:
    """Expected exchange with the grid, generators and batteries (convention 17).

    Attributes:
        scenario: what was planned.
        problem: the compiled arrays.
        solution: the raw result.
    """

    scenario: Scenario
    problem: Problem
    solution: Solution

    @property
    def import_w(self) -> npt.NDArray[np.float64]:
        """(slots,) expected mean power from the grid [W]."""
        return self._exchange.import_w

    @property
    def export_w(self) -> npt.NDArray[np.float64]:
        """(slots,) expected mean power to the grid [W]."""
        return self._exchange.export_w

    @property
    def curtailed_w(self) -> npt.NDArray[np.float64]:
        """(generators, slots) power taken off each generator [W], rows by id."""
        return self._exchange.curtailed_w

    @property
    def storage_w(self) -> npt.NDArray[np.float64]:
        """(batteries, slots) power into each battery, negative for what it gives [W], rows by id."""
        return self._exchange.storage_w

    @property
    def given_w(self) -> npt.NDArray[np.float64]:
        """(sessions, slots) power that each car gives back [W]; its permission is 0 there."""
        return self._exchange.given_w

    @cached_property
    def _exchange(self) -> ExchangeW:
        from ocpp_schedule.views.exchange import exchange_of  # noqa: PLC0415 - rarely needed

        return exchange_of(self.scenario, self.problem, self.solution)
