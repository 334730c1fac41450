"""Further columns and rows behind those of set-points and wishes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.scenes import car, compiled, outlet, priced, scene, yard

from ocpp_schedule.solve.blocks import Block, extended
from ocpp_schedule.solve.program import Solver
from ocpp_schedule.solve.relaxation import relax
from ocpp_schedule.solve.stages import solve_stages

TWO = scene(yard(outlet("A", max_current_a=16)), [car("a", "A", 0, 2, 3680, phases=1)], priced(0.1, 0.2, 0.3, 0.3))


def with_peak(money_per_step: float) -> Block:
    """Return one column above every set-point of the two slots, which costs money."""
    width = relax(compiled(TWO)).program.cost.size
    rows = np.zeros((2, width + 1))
    rows[0, 0] = rows[1, 1] = 1.0
    rows[:, width] = -1.0
    return Block(
        name="peak",
        low=np.zeros(1),
        high=np.full(1, 500.0),
        matrix=csr_array(rows),
        row_low=np.full(2, -np.inf),
        row_high=np.zeros(2),
        goals={"cost": np.array([money_per_step])},
    )


STEP_HOUR = 23 * 36_000 * 100_000
"""Money units of 23 Wh at 0.1 per kWh."""


@pytest.mark.parametrize(
    ("price", "peak", "cost"),
    [
        pytest.param(0.1, 160.0, 160 + 0.1 * 160, id="cheap: all in the cheap hour"),
        pytest.param(0.9, 160.0, 160 + 0.9 * 160, id="cheaper than the second hour"),
        pytest.param(2.1, 80.0, 80 + 2 * 80 + 2.1 * 80, id="dearer: both hours alike"),
    ],
)
def test_a_block_takes_part_in_its_stage(price: float, peak: float, cost: float) -> None:
    problem = compiled(TWO)
    grown = extended(relax(problem), with_peak(price * STEP_HOUR))
    relaxed = solve_stages(problem, grown, Solver())
    assert relaxed is not None
    assert relaxed.values[grown.columns["peak"]].tolist() == pytest.approx([peak])
    assert relaxed.bounds.values[2] == pytest.approx(cost * STEP_HOUR, rel=1e-3)
    assert relaxed.duals is not None
    assert relaxed.duals[grown.rows["peak"]].size == 2


def test_a_block_may_carry_what_arcs_did() -> None:
    problem = compiled(TWO)
    base = relax(problem)
    carried = Block(
        "flat", np.zeros(1), np.ones(1), csr_array((0, 4)), np.zeros(0), np.zeros(0), arcs={"cost": np.zeros(2)}
    )
    grown = extended(base, carried)
    assert not grown.goals["cost"].coefficients.any()
    assert grown.program.cost[:2] == pytest.approx(base.tie[:2])
    assert grown.goals["wanted"].coefficients[:-1].tolist() == base.goals["wanted"].coefficients.tolist()
