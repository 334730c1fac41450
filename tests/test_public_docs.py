"""Every public name is explained, with an example that runs as a doctest."""

from __future__ import annotations

import doctest
import inspect
from typing import Any

import pytest

import ocpp_schedule

WITHOUT_EXAMPLE = {
    "Plan": "made by schedule(), whose example shows it; the tutorial shows the rest",
    "PlanRejectedError": "an exception for faults of ours: nothing in an example could raise it",
    "ScheduleError": "the base of the exceptions; those have the examples",
}


def public(name: str) -> Any:
    return getattr(ocpp_schedule, name)


@pytest.mark.parametrize("name", ocpp_schedule.__all__)
def test_a_public_name_is_explained_with_an_example(name: str) -> None:
    text = vars(public(name)).get("__doc__") if inspect.isclass(public(name)) else public(name).__doc__
    assert text, "its own docstring, not that of a base"
    assert bool(doctest.DocTestParser().get_examples(text)) == (name not in WITHOUT_EXAMPLE)


@pytest.mark.parametrize("name", ocpp_schedule.__all__)
def test_public_members_are_explained(name: str) -> None:
    thing = public(name)
    members = vars(thing).items() if inspect.isclass(thing) else ()
    functions = (classmethod, staticmethod, property)
    bare = [
        member
        for member, value in members
        if not member.startswith(("_", "model_"))
        and (inspect.isfunction(value) or isinstance(value, functions))
        and not (value.__doc__ or getattr(value, "__func__", value).__doc__)
    ]
    assert bare == []


def test_exceptions_to_the_rule_are_public_names() -> None:
    assert WITHOUT_EXAMPLE.keys() <= set(ocpp_schedule.__all__)


def test_all_is_sorted_and_complete() -> None:
    assert sorted(ocpp_schedule.__all__) == ocpp_schedule.__all__
    assert set(dir(ocpp_schedule)) == {*ocpp_schedule.__all__, "__version__"}
    assert set(ocpp_schedule._HOMES) == set(ocpp_schedule.__all__)
