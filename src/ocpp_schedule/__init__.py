"""Optimal, verified charging plans as OCPP ChargingProfiles."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocpp_schedule.delivery.composite import composite_schedule
    from ocpp_schedule.delivery.decode import decode
    from ocpp_schedule.delivery.diff import diff
    from ocpp_schedule.delivery.lint import lint
    from ocpp_schedule.delivery.validation import validate
    from ocpp_schedule.errors import InputError, InputProblem, MissingExtraError, PlanRejectedError, ScheduleError
    from ocpp_schedule.files import example_path, known_chargers, load_scenario
    from ocpp_schedule.model.advertised import from_configuration, from_device_model
    from ocpp_schedule.model.availability import DailyHours, Derate, OpeningHours, Outage, Reservation
    from ocpp_schedule.model.capabilities import Capabilities
    from ocpp_schedule.model.carriers import LimitCarrier
    from ocpp_schedule.model.chargers import known_capabilities
    from ocpp_schedule.model.defaults import SessionDefaults
    from ocpp_schedule.model.devices import Generator, Storage
    from ocpp_schedule.model.objective import Objective, ObjectiveStage
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.model.series import CarbonSeries, Forecast, LimitSeries, PriceSeries
    from ocpp_schedule.model.session import Milestone, Session, TaperPoint
    from ocpp_schedule.model.site import (
        Cabinet,
        Circuit,
        Connector,
        Group,
        LineConstraint,
        LineTerm,
        Load,
        Site,
        Station,
        Transformer,
    )
    from ocpp_schedule.model.state import SessionState
    from ocpp_schedule.model.tariff import PeakCharge, PeakWindow, Tariff
    from ocpp_schedule.model.v2g import V2g
    from ocpp_schedule.plan import Plan, schedule
    from ocpp_schedule.timegrid import TimeGrid

__version__ = "0.1.0"

_HOMES = {
    "Cabinet": "model.site",
    "Capabilities": "model.capabilities",
    "CarbonSeries": "model.series",
    "Circuit": "model.site",
    "Connector": "model.site",
    "DailyHours": "model.availability",
    "Derate": "model.availability",
    "Forecast": "model.series",
    "Generator": "model.devices",
    "Group": "model.site",
    "InputError": "errors",
    "InputProblem": "errors",
    "LimitCarrier": "model.carriers",
    "LimitSeries": "model.series",
    "LineConstraint": "model.site",
    "LineTerm": "model.site",
    "Load": "model.site",
    "Milestone": "model.session",
    "MissingExtraError": "errors",
    "Objective": "model.objective",
    "ObjectiveStage": "model.objective",
    "OpeningHours": "model.availability",
    "Outage": "model.availability",
    "PeakCharge": "model.tariff",
    "PeakWindow": "model.tariff",
    "Plan": "plan",
    "PlanRejectedError": "errors",
    "PriceSeries": "model.series",
    "Reservation": "model.availability",
    "Scenario": "model.scenario",
    "ScheduleError": "errors",
    "Session": "model.session",
    "SessionDefaults": "model.defaults",
    "SessionState": "model.state",
    "Site": "model.site",
    "Station": "model.site",
    "Storage": "model.devices",
    "TaperPoint": "model.session",
    "Tariff": "model.tariff",
    "TimeGrid": "timegrid",
    "Transformer": "model.site",
    "V2g": "model.v2g",
    "composite_schedule": "delivery.composite",
    "decode": "delivery.decode",
    "diff": "delivery.diff",
    "example_path": "files",
    "from_configuration": "model.advertised",
    "from_device_model": "model.advertised",
    "known_capabilities": "model.chargers",
    "known_chargers": "files",
    "lint": "delivery.lint",
    "load_scenario": "files",
    "schedule": "plan",
    "validate": "delivery.validation",
}

__all__ = [
    "Cabinet",
    "Capabilities",
    "CarbonSeries",
    "Circuit",
    "Connector",
    "DailyHours",
    "Derate",
    "Forecast",
    "Generator",
    "Group",
    "InputError",
    "InputProblem",
    "LimitCarrier",
    "LimitSeries",
    "LineConstraint",
    "LineTerm",
    "Load",
    "Milestone",
    "MissingExtraError",
    "Objective",
    "ObjectiveStage",
    "OpeningHours",
    "Outage",
    "PeakCharge",
    "PeakWindow",
    "Plan",
    "PlanRejectedError",
    "PriceSeries",
    "Reservation",
    "Scenario",
    "ScheduleError",
    "Session",
    "SessionDefaults",
    "SessionState",
    "Site",
    "Station",
    "Storage",
    "TaperPoint",
    "Tariff",
    "TimeGrid",
    "Transformer",
    "V2g",
    "composite_schedule",
    "decode",
    "diff",
    "example_path",
    "from_configuration",
    "from_device_model",
    "known_capabilities",
    "known_chargers",
    "lint",
    "load_scenario",
    "schedule",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package loads nothing heavy."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ocpp_schedule' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f"ocpp_schedule.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
