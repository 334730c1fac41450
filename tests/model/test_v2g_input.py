"""What is wrong with cars that can give energy back is told at once, from models and from raw data alike."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ocpp_schedule import InputError, V2g, schedule
from ocpp_schedule.files import scenario_from_dict

OUTLET: dict[str, Any] = {"id": "A", "station": "S", "max_current_a": 16, "max_discharge_current_a": 16}
CAR: dict[str, Any] = {
    "id": "van", "connector": "A", "arrival": "2026-01-15T00:00:00Z", "departure": "2026-01-15T04:00:00Z",
    "energy_wh": 0, "phases": 3, "battery_wh": 40_000, "soc_percent": 50, "v2g": {"min_soc_percent": 20},
}  # fmt: skip


def scenario(
    car: dict[str, Any] | None = None, outlet: dict[str, Any] | None = None, station: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "format_version": 1,
        "site": {
            "id": "yard",
            "circuits": [{"id": "main", "limit_a": 40}],
            "stations": [{"id": "S", "circuit": "main", "ocpp_version": "2.1"} | (station or {})],
            "connectors": [OUTLET | (outlet or {})],
        },
        "sessions": [CAR | (car or {})],
        "tariff": {"energy": 0.3, "export": 0.1},
        "grid": {"start": "2026-01-15T00:00:00Z", "step_s": 3600, "slots": 4},
    }


def problems(data: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as caught:
        scenario_from_dict(data)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("car", "seen"),
    [
        pytest.param({"battery_wh": None}, "v2g needs battery_wh (how much the battery holds)", id="battery"),
        pytest.param({"soc_percent": None}, "v2g needs soc_percent (what is in it at arrival)", id="soc"),
        pytest.param({"phases": None}, "v2g needs phases (what it draws and gives on which line)", id="phases"),
        pytest.param({"max_pauses": 1}, "max_pauses does not go with v2g", id="pauses"),
        pytest.param({"min_on_s": 900}, "min_on_s does not go with v2g", id="on"),
        pytest.param({"max_price_per_kwh": 0.3}, "max_price_per_kwh does not go with v2g", id="price"),
        pytest.param({"taper": [{"energy_wh": 0, "max_current_a": 8}]}, "taper does not go with v2g", id="taper"),
        pytest.param({"source": "surplus"}, "source 'surplus' does not go with v2g", id="surplus"),
        pytest.param(
            {"energy_wh": 20_001}, "energy_wh=20001 is more than the 20000 Wh that the battery", id="too much"
        ),
        pytest.param(
            {"energy_wh": 8_001, "v2g": {"max_soc_percent": 70}}, "up to max_soc_percent=70; lower the wish", id="most"
        ),
        pytest.param(
            {"v2g": {"min_soc_percent": 60, "max_soc_percent": 55}},
            "min_soc_percent=60 is above max_soc_percent=55; swap them.",
            id="crossing",
        ),
        pytest.param(
            {"v2g": {"wear_per_kwh": 0.1234567}}, "wear_per_kwh=0.1234567 has more than 6 decimals", id="wear"
        ),
    ],
)
def test_a_session_that_cannot_be(car: dict[str, Any], seen: str) -> None:
    found = problems(scenario(car))
    assert any(seen in text and text.startswith("sessions[0] (van)") for text in found), found


@pytest.mark.parametrize(
    ("outlet", "station", "seen"),
    [
        pytest.param({}, {"ocpp_version": "1.6"}, "needs OCPP 2.1, but station 'S' speaks 1.6", id="1.6"),
        pytest.param({}, {"ocpp_version": "2.0.1"}, "needs OCPP 2.1, but station 'S' speaks 2.0.1", id="2.0.1"),
        pytest.param(
            {}, {"capabilities": {"pause": "min_current"}}, "a station that cannot pause and go on", id="pause"
        ),
        pytest.param({}, {"capabilities": {"max_periods": 12}}, "a station that takes 12 periods yet", id="periods"),
        pytest.param({}, {"capabilities": {"resume": "none"}}, "a station that cannot pause and go on", id="resume"),
        pytest.param(
            {"current_type": "DC", "max_power_w": 20_000, "efficiency": 0.95},
            {"capabilities": {"rate_units": ["W"]}},
            "does not go with a DC outlet yet",
            id="DC",
        ),
    ],
)
def test_a_connector_that_cannot_take_back(outlet: dict[str, Any], station: dict[str, Any], seen: str) -> None:
    found = problems(scenario(outlet=outlet, station=station))
    assert any(seen in text and text.startswith("site.connectors[0] (A)") for text in found), found


def test_outlets_that_take_turns_cannot_take_back() -> None:
    data = scenario(station={"exclusive_groups": [["A", "B"]]})
    data["site"]["connectors"].append({"id": "B", "station": "S", "evse_id": 2, "max_current_a": 16})
    assert any("does not go with an outlet that takes turns yet" in text for text in problems(data))


def test_sites_with_delta_outlets_cannot_take_back() -> None:
    data = scenario()
    data["site"]["connectors"].append(
        {"id": "D", "station": "S", "evse_id": 2, "max_current_a": 16, "lines": ["L1", "L2"], "connection": "delta"}
    )
    assert any("a site with line_constraints, transformers or delta outlets yet" in text for text in problems(data))


def test_sites_with_a_limit_on_unbalance_cannot_take_back() -> None:
    data = scenario()
    data["site"]["circuits"][0]["unbalance_limit_a"] = 20
    assert any("does not go with a site with an unbalance_limit_a yet" in text for text in problems(data))


def test_older_versions_do_where_nothing_is_ever_given() -> None:
    """A car that could give, at a connector that cannot take: only its state of charge counts."""
    data = scenario({"energy_wh": 20_000}, {"max_discharge_current_a": None}, {"ocpp_version": "1.6"})
    loaded = scenario_from_dict(data)
    plan = schedule(loaded.site, loaded.sessions, loaded.tariff, loaded.grid)
    assert plan.status == "complete"
    assert not plan.given_w.any()
    assert plan.to_ocpp()


def test_stages_of_a_bill_are_those_of_the_meter() -> None:
    data = scenario() | {"objective": {"name": "fastest"}}
    assert any("cars that give energy back" in text for text in problems(data))


def test_soft_limits_do_not_go_with_cars_that_give() -> None:
    limit = {"circuit": "main", "start": "2026-01-15T00:00:00Z", "step_s": 3600, "limit_a": [20] * 4, "soft": True}
    data = scenario() | {"limits": [limit]}
    assert any("a soft limit does not go with cars that give" in text for text in problems(data))


def test_the_model_by_itself() -> None:
    with pytest.raises(ValidationError, match="min_soc_percent=95 is above max_soc_percent=90"):
        V2g(min_soc_percent=95, max_soc_percent=90)
