"""Limits outside profiles as messages: ChangeConfiguration (1.6) and SetVariables (2.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from ocpp_schedule.model.site import OcppVersion
    from ocpp_schedule.profiles.model import Ceiling

CeilingAction = Literal["ChangeConfiguration", "SetVariables"]


def ceiling_request(station: str, ceiling: Ceiling, version: OcppVersion) -> tuple[CeilingAction, dict[str, Any]]:
    """Return action and payload of the request that writes a ceiling.

    OCPP 1.6 5.3, ChangeConfiguration; 2.x B05, SetVariables. The answer may be RebootRequired: then it acts only
    after a reboot.

    Raises:
        InputError: a variable of 2.x has no component.

    >>> from ocpp_schedule.profiles.model import Ceiling
    >>> ceiling_request("CP1", Ceiling("floor", "MaxCurrent", None, 0, 6, fixed=True), "1.6")
    ('ChangeConfiguration', {'key': 'MaxCurrent', 'value': '6'})
    """
    value = str(ceiling.value)
    if version == "1.6":
        return "ChangeConfiguration", {"key": ceiling.key, "value": value}
    if ceiling.component is None:
        what = f"limit_carrier {ceiling.key!r} has no component, OCPP {version} needs one; name it."
        raise InputError("OCPP messages", [InputProblem(f"station {station!r}", what)])
    component: dict[str, Any] = {"name": ceiling.component}
    if ceiling.evse_id:
        component["evse"] = {"id": ceiling.evse_id}
    variable = {"attributeValue": value, "component": component, "variable": {"name": ceiling.key}}
    return "SetVariables", {"setVariableData": [variable]}
