"""Scenario, CSV and plan files: what comes in is bounded and checked, what goes out is whole or not there."""

from __future__ import annotations

from ocpp_schedule.files._archive import audit_file
from ocpp_schedule.files._chargers import known_chargers
from ocpp_schedule.files._examples import example_names, example_path
from ocpp_schedule.files._load import load_scenario, scenario_from_dict
from ocpp_schedule.files._output import MARKER, write_output
from ocpp_schedule.files._schema import scenario_schema

__all__ = [
    "MARKER",
    "audit_file",
    "example_names",
    "example_path",
    "known_chargers",
    "load_scenario",
    "scenario_from_dict",
    "scenario_schema",
    "write_output",
]
