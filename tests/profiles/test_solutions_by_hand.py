"""The builder that the tests of profiles and messages rely on."""

from __future__ import annotations

import pytest

from ocpp_schedule.testing.solutions import solution_by_hand


def test_rows_and_flags_are_sorted_by_id_and_read_only() -> None:
    plan = solution_by_hand({"b": [1, 2], "a": [3, 4]}, {"B": (1, 2), "A": (3, 4)}, slots=2, early_lowering=[("b", 0)])
    assert plan.session_ids == ("a", "b")
    assert plan.setpoints.tolist() == [[3, 4], [1, 2]]
    assert plan.early_lowering.tolist() == [[False, False], [True, False]]
    assert (plan.idle_floor_steps.tolist(), plan.end_floor_steps.tolist()) == ([3, 1], [4, 2])
    with pytest.raises(ValueError, match="read-only"):
        plan.setpoints[0, 0] = 1


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' has 1 values; give one for each of the 2 slots"):
        solution_by_hand({"a": [1]}, {}, slots=2)


def test_a_flag_of_an_unknown_session_is_refused() -> None:
    with pytest.raises(KeyError, match="x"):
        solution_by_hand({"a": [1]}, {}, slots=1, late_raise=[("x", 0)])
