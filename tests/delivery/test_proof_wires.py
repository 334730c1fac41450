"""The proof on conductors whose currents are sums of phasors (convention 15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenes import FLAT

from ocpp_schedule import Capabilities, Circuit, Connector, Session, Site, Station, TimeGrid
from ocpp_schedule import schedule as planned
from ocpp_schedule.model.site import LineConstraint, LineTerm

if TYPE_CHECKING:
    from ocpp_schedule.delivery.proof.report import Proof

START = datetime(2026, 1, 15, tzinfo=UTC)
GRID = TimeGrid.regular(START, timedelta(hours=1), 3)
PAIRS: tuple[tuple[Any, Any], ...] = (("L1", "L2"), ("L2", "L3"), ("L3", "L1"))


def yard(limit_a: float, *, constraint_a: float | None = None, **known: Any) -> Proof:
    """Prove three cars between two lines each, 32 A at most; S0 takes what a test says."""
    stations = [
        Station(id=f"S{k}", circuit="main", ocpp_version="1.6", capabilities=Capabilities(**known if k == 0 else {}))
        for k in range(3)
    ]
    connectors = [
        Connector(id=f"C{k}", station=f"S{k}", lines=pair, connection="delta", max_current_a=32.0)
        for k, pair in enumerate(PAIRS)
    ]
    terms = [LineTerm(connector="C0", coefficient=1.0), LineTerm(connector="C1", coefficient=-1.0, angle_deg=60.0)]
    wires = () if constraint_a is None else (LineConstraint(id="cable", limit_a=constraint_a, terms=terms),)
    site = Site(
        id="yard",
        circuits=[Circuit(id="main", supply="208Y/120", limit_a=limit_a)],
        stations=stations,
        connectors=connectors,
        line_constraints=wires,
    )
    cars = [
        Session(
            id=f"car{k}",
            connector=f"C{k}",
            arrival=START,
            departure=START + timedelta(hours=3),
            energy_wh=9000.0,
        )
        for k in range(3)
    ]
    return planned(site, cars, FLAT, GRID).prove()


def test_a_plan_between_lines_is_proven() -> None:
    proof = yard(40.0)
    assert proof.holds, str(proof)
    shares = {one.name: one.share for one in proof.variants}
    assert 0.9 < shares["clocks off"] <= 1.0


@pytest.mark.parametrize(
    ("limit_a", "constraint_a", "subject"),
    [pytest.param(30.0, None, "main", id="circuit"), pytest.param(200.0, 31.0, "cable", id="line-constraint")],
)
def test_a_charger_that_forgets_is_named(limit_a: float, constraint_a: float | None, subject: str) -> None:
    """32 A between L1 and L2 alone are more than the conductor carries."""
    assert yard(limit_a, constraint_a=constraint_a).holds
    proof = yard(limit_a, constraint_a=constraint_a, keeps_over_reboot="none")
    assert [one.station for one in proof.not_guaranteed] == ["S0"]
    assert [gap.variant for gap in proof.not_guaranteed[0].gaps] == ["after a reboot", "clock at 1970"]
    assert not proof.breaches
    bare = yard(limit_a, constraint_a=constraint_a, kinds=("recurring",))
    assert {(one.subject, one.variant) for one in bare.breaches} == {(subject, "as planned"), (subject, "clocks off")}
    assert subject in str(bare)


def test_where_phasors_part_there_is_room_that_sums_do_not_show() -> None:
    """20 A on each pair are 34.6 A on a line, not 40."""
    proof = yard(36.0)
    assert proof.holds, str(proof)
