"""A plan as plain JSON data and back: scenario, solution, and what the plan claims of itself.

Reading needs models, solution and referee only, so that an archive can be checked where no solver is installed.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from ocpp_schedule.check.claims import Claims
from ocpp_schedule.errors import InputError, InputProblem
from ocpp_schedule.model.checks import scenario_problems
from ocpp_schedule.model.scenario import Scenario
from ocpp_schedule.solution import Certificate, Solution, Stage, StageMark, TangentPrice
from ocpp_schedule.views._load_archive import load_prices, load_prices_to_dict
from ocpp_schedule.views._meter_archive import meter_fields, meter_prices, meter_prices_to_dict, meter_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

PLAN_FORMAT_VERSION: Final = 1
WHERE: Final = "plan archive"
MAX_STEPS: Final = 1 << 40
"""Far above any set-point, far below where int64 products overflow."""


def write_archive(scenario: Scenario, solution: Solution, claims: Claims, proven: Mapping[str, int]) -> str:
    """Return scenario, solution and claims as JSON text; the same input gives the same bytes.

    Args:
        scenario: what was planned.
        solution: the plan.
        claims: status and mark.
        proven: by stage, the bound that the certificate proves; it stands in the archive instead of a solver's.
    """
    stages = tuple(replace(stage, bound=proven.get(stage.name, stage.bound)) for stage in solution.stages)
    data = {
        "format_version": PLAN_FORMAT_VERSION,
        "status": claims.status,
        "mark": claims.mark,
        "scenario": scenario.model_dump(mode="json"),
        "solution": solution_to_dict(replace(solution, stages=stages)),
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_archive(text: str) -> tuple[Scenario, dict[str, Any]]:
    """Return the scenario and the solution's data of an archive, references checked.

    Raises:
        InputError: the text is no archive, or its scenario is wrong.
    """
    try:
        data = json.loads(text)
        scenario = Scenario.model_validate(data["scenario"])
        version, solution = data["format_version"], dict(data["solution"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(WHERE, [InputProblem("", f"is no plan that to_json wrote: {error!r}")]) from error
    if type(version) is not int or version != PLAN_FORMAT_VERSION:
        raise InputError(WHERE, [InputProblem("format_version", f"{version!r} is not known; there is 1.")])
    problems = list(scenario_problems(scenario))
    if problems:
        raise InputError(WHERE, problems)
    return scenario, solution


def claims_of(text: str) -> Claims:
    """Return what an archive that ``read_archive`` has read claims of itself; nothing in it is believed.

    Raises:
        InputError: a claim has another form than ``write_archive`` gives it.
    """
    data = json.loads(text)
    try:
        return Claims(_text(data["status"]), _text(data["mark"]))
    except (KeyError, ValueError) as error:
        raise InputError(WHERE, [InputProblem("", f"claims what no plan claims: {error!r}")]) from error


def solution_to_dict(solution: Solution) -> dict[str, Any]:
    """Return the solution as JSON data: set-points by session id, guarded slots as lists of indices."""
    return {
        "setpoints": {name: row.tolist() for name, row in zip(solution.session_ids, solution.setpoints, strict=True)},
        "late_raise": _flags(solution.session_ids, solution.late_raise),
        "early_lowering": _flags(solution.session_ids, solution.early_lowering),
        "idle_floor_steps": dict(zip(solution.connector_ids, solution.idle_floor_steps.tolist(), strict=True)),
        "end_floor_steps": dict(zip(solution.connector_ids, solution.end_floor_steps.tolist(), strict=True)),
        "energy_units": dict(zip(solution.session_ids, solution.energy_units.tolist(), strict=True)),
        "cost_units": solution.cost_units,
        "stages": [
            {"name": stage.name, "value": stage.value, "bound": stage.bound, "mark": stage.mark}
            for stage in solution.stages
        ],
        "method": solution.method,
        "termination": solution.termination,
        "certificates": {name: _certificate_to_dict(one) for name, one in solution.certificates.items()},
        **meter_to_dict(solution),
    }


def _certificate_to_dict(certificate: Certificate) -> dict[str, Any]:
    rows = [
        {"noun": noun, "id": name, "line": line, "prices": list(prices)}
        for (noun, name, line), prices in sorted(certificate.row_prices.items())
    ]
    demands = [
        {"session": session, "milestone": milestone, "price": price}
        for (session, milestone), price in certificate.demand_prices.items()
    ]
    found: dict[str, Any] = {
        "rows": rows,
        "demands": demands,
        "caps": certificate.cap_prices,
        "stages": certificate.stage_prices,
        **meter_prices_to_dict(certificate),
        **load_prices_to_dict(certificate),
    }
    if certificate.tangent_prices:
        found["tangents"] = [price._asdict() for price in certificate.tangent_prices]
    return found if certificate.denominator == 1 else found | {"denominator": certificate.denominator}


def _certificate(data: Any) -> Certificate:
    """Return archived prices; whatever they are, the bound that they prove is none too high."""
    rows = {
        (_text(row["noun"]), _text(row["id"]), _whole([row["line"]])[0]): tuple(_whole(row["prices"]))
        for row in data["rows"]
    }
    demands = {
        (_text(one["session"]), None if one["milestone"] is None else _whole([one["milestone"]])[0]): _whole(
            [one["price"]]
        )[0]
        for one in data["demands"]
    }
    caps, stages = (
        {_text(name): _whole([price])[0] for name, price in data[part].items()} for part in ("caps", "stages")
    )
    (denominator,) = _whole([data.get("denominator", 1)])
    if denominator < 1:
        raise ValueError(f"denominator {denominator} of the certificate's prices")
    tangents = tuple(_tangent(one) for one in data.get("tangents", []))
    return Certificate(
        rows,
        demands,
        caps,
        denominator,
        stage_prices=stages,
        tangent_prices=tangents,
        **meter_prices(data),
        **load_prices(data),
    )


def _tangent(data: Mapping[str, Any]) -> TangentPrice:
    line = None if data["line"] is None else _whole([data["line"]])[0]
    numbers = _whole([data[name] for name in ("slot", "along", "across", "price")])
    return TangentPrice(_text(data["noun"]), _text(data["subject"]), line, *numbers)


def _flags(ids: tuple[str, ...], flags: Any) -> dict[str, list[int]]:
    return {name: np.flatnonzero(row).tolist() for name, row in zip(ids, flags, strict=True) if row.any()}


def solution_from_dict(scenario: Scenario, data: Mapping[str, Any], names: Sequence[str] | None = None) -> Solution:
    """Return the solution of archived data; nothing in it is believed before the referee has seen it.

    Args:
        scenario: what was planned.
        data: what ``solution_to_dict`` gave.
        names: of the stages that there must be; None where the referee is to judge that too.

    Raises:
        InputError: the data do not have the form of ``solution_to_dict`` for this scenario.
    """
    try:
        return _read(scenario, data, names)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise InputError(
            WHERE, [InputProblem("solution", f"does not belong to the scenario beside it: {error!r}")]
        ) from error


def _read(scenario: Scenario, data: Mapping[str, Any], names: Sequence[str] | None) -> Solution:
    session_ids = tuple(sorted(session.id for session in scenario.sessions))
    connector_ids = tuple(sorted(connector.id for connector in scenario.site.connectors))
    shape = (len(session_ids), scenario.grid.slots)
    rows = _named(data, "setpoints", session_ids)
    setpoints = _integers([step for row in rows for step in _row(row, shape[1])]).reshape(shape)
    if setpoints.size and (setpoints.min() < 0 or setpoints.max() > MAX_STEPS):
        raise ValueError(f"set-points from {setpoints.min()} to {setpoints.max()}")
    late, early = (_flagged(data[field], session_ids, shape) for field in ("late_raise", "early_lowering"))
    idle_floor = _integers(_named(data, "idle_floor_steps", connector_ids))
    end_floor = _integers(_named(data, "end_floor_steps", connector_ids))
    energy = _integers(_named(data, "energy_units", session_ids))
    (cost,) = _whole([data["cost_units"]])
    for array in (setpoints, late, early, idle_floor, end_floor, energy):
        array.setflags(write=False)
    return Solution(
        session_ids=session_ids,
        setpoints=setpoints,
        late_raise=late,
        early_lowering=early,
        connector_ids=connector_ids,
        idle_floor_steps=idle_floor,
        end_floor_steps=end_floor,
        energy_units=energy,
        cost_units=cost,
        stages=_stages(data["stages"], names),
        method=_text(data["method"]),
        termination=_text(data["termination"]),
        certificates={_text(name): _certificate(one) for name, one in data["certificates"].items()},
        **meter_fields(data, *_devices(scenario), shape[1]),
    )


def _devices(scenario: Scenario) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the ids of generators, of batteries and of sessions with ``v2g``, sorted."""
    site = scenario.site
    return (
        tuple(sorted(one.id for one in site.generators)),
        tuple(sorted(one.id for one in site.storages)),
        tuple(sorted(session.id for session in scenario.sessions if session.v2g is not None)),
    )


def _named(data: Mapping[str, Any], field: str, ids: tuple[str, ...]) -> list[Any]:
    """Return the values of ``ids``, of which there must be all and no others."""
    values = data[field]
    if set(values) != set(ids):
        raise ValueError(f"{field} names {sorted(values)[:3]} ..., the scenario has {sorted(ids)[:3]} ...")
    return [values[name] for name in ids]


def _row(values: Any, slots: int) -> list[Any]:
    if not isinstance(values, list) or len(values) != slots:
        raise ValueError(f"{values!r:.60} is no list of {slots} set-points")
    return values


def _whole(values: list[Any]) -> list[int]:
    """Return the values if all are whole numbers: numpy and ``int()`` would round and parse."""
    for value in values:
        if type(value) is not int:
            raise ValueError(f"{value!r:.60} is no whole number")
    return values


def _integers(values: list[Any]) -> npt.NDArray[np.int64]:
    return np.array(_whole(values), dtype=np.int64)


def _flagged(data: Mapping[str, Any], ids: tuple[str, ...], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    flags = np.zeros(shape, dtype=np.bool_)
    row = {name: index for index, name in enumerate(ids)}
    for name, slots in data.items():
        if slots and min(_whole(slots)) < 0:
            raise ValueError(f"slot {min(slots)} of {name}")
        flags[row[name], slots] = True
    return flags


def _stages(data: list[Any], names: Sequence[str] | None) -> tuple[Stage, ...]:
    """Return the stages; the referee judges their values."""
    if names is not None and [stage["name"] for stage in data] != list(names):
        raise ValueError(f"the stages are not {', '.join(names)}")
    _whole([stage["value"] for stage in data])
    for stage in data:
        bound, mark = stage["bound"], stage["mark"]
        if bound is not None and not (type(bound) in (int, float) and math.isfinite(bound)):
            raise ValueError(f"{bound!r:.60} is no bound")
        if mark not in get_args(StageMark):
            raise ValueError(f"{mark!r:.60} is no mark")
    return tuple(Stage(_text(stage["name"]), stage["value"], stage["bound"], stage["mark"]) for stage in data)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.60} is no text")  # noqa: TRY004 - one error type for all that is wrong here
    return value
