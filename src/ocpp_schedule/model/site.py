"""Topology of a site: circuits, stations, connectors, loads. No series."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model import _references as references
from ocpp_schedule.model import _supply_checks as supplies
from ocpp_schedule.model._base import Amperes, Id, Model, PerLineA, Seconds, Watts, raise_references
from ocpp_schedule.model.capabilities import Capabilities
from ocpp_schedule.model.devices import Generator, Storage
from ocpp_schedule.units import (
    DECIAMPERES_PER_AMPERE,
    EDGE_GUARD_S,
    LINES,
    MIN_PILOT_CURRENT_A,
    Line,
    SupplyName,
    round_down,
)

OcppVersion = Literal["1.6", "2.0.1", "2.1"]
CurrentType = Literal["AC", "DC"]
Connection = Literal["wye", "delta"]
VectorGroup = Literal["Dyn1", "Dyn5", "Dyn7", "Dyn11", "YNyn0"]
NO_WEIGHT: Final = 1.0


ExclusiveGroup = Annotated[tuple[Id, ...], Field(min_length=2, max_length=100)]


class Transformer(Model):
    """What feeds a circuit from the one above, between two three-phase supplies (convention 15).

    ``vector_group`` as on the rating plate (IEC 60076-1): winding above, winding below, clock number. ``ratio`` is the
    voltage between lines above over that below; None: as the two supplies say.

    >>> Transformer(vector_group="Dyn1", ratio=2.3).vector_group
    'Dyn1'
    """

    vector_group: VectorGroup = "Dyn11"
    ratio: Annotated[float, Field(strict=True, ge=0.001, le=1000)] | None = None


class Circuit(Model):
    """One protective device or cable: grid connection, panel, breaker, transformer.

    ``limit_a`` is what its device carries on each line [A]; one value, or L1, L2, L3. ``limit_va`` and ``limit_w``
    are about all lines together [VA, W]. At least one of the three is given; all that are given hold. The limits
    of a circuit with a ``transformer`` are those below it.

    >>> Circuit(id="panel", parent="main", limit_a=(32, 32, 25)).limit_a
    (32.0, 32.0, 25.0)
    >>> Circuit(id="contract", limit_va=50_000).limit_a is None
    True
    """

    id: Id
    parent: Id | None = Field(default=None, description="the circuit it hangs on; None: the grid connection")
    supply: SupplyName | None = Field(default=None, description="None: as the parent; the grid connection: 400Y/230")
    transformer: Transformer | None = Field(default=None, description="feeds the circuit from the one above")
    limit_a: PerLineA | None = Field(default=None, description="None: only the limits in VA and W count")
    limit_va: Watts | None = Field(default=None, description="apparent power of all lines together [VA]")
    limit_w: Watts | None = Field(default=None, description="power of all lines together [W]")
    continuous_load_factor: float = Field(
        default=NO_WEIGHT,
        strict=True,
        ge=1,
        le=10,
        description="what charging weighs in the limits of this circuit; 1.25 for a continuous load in the NEC",
    )
    unbalance_limit_a: Amperes | None = Field(
        default=None, description="how much the expected currents of two lines may differ; None: by anything"
    )
    export_limit_w: Watts | None = Field(
        default=None, description="most it may give upwards, as expected; None: no limit"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in supplies.circuit_texts(self))
        return self


class Station(Model):
    """A charging station: one OCPP link, one place in the circuits.

    ``max_current_a`` caps the sum of its connectors on each line [A]; None: no cap of its own. ``exclusive_groups``
    are outlets that share what only one of them can use, by id: in a slot at most one of a group gives anything.

    >>> Station(id="CP1", circuit="main", ocpp_version="2.0.1", max_current_a=32).capabilities.rate_units
    ('A',)
    """

    id: Id
    circuit: Id
    ocpp_version: OcppVersion
    capabilities: Capabilities = Capabilities()
    max_current_a: Amperes | None = None
    exclusive_groups: tuple[ExclusiveGroup, ...] = Field(
        default=(), max_length=100, description="connectors of which at most one gives anything in a slot"
    )


class Connector(Model):
    """One schedulable outlet: an EVSE in OCPP 2.x, a connector in 1.6.

    ``lines`` are the site's lines in the order in which they are wired to the outlet's L1, L2, L3;
    a one-phase car uses the first of them. With ``connection="delta"`` the load lies between the two lines named
    (208 V, 240 V, 230 V IT): its energy counts with the voltage between lines, its current on both (convention 15).
    ``allowed_currents_a`` begins with 0 and rises; what lies above ``max_current_a`` is not used, and a step is the
    greatest common divisor instead of ``step_a``.

    A DC outlet draws on all its lines alike; ``max_current_a`` is then what it draws at most on each, ``max_power_w``
    what it gives, and no current is too small for it.

    >>> Connector(id="C1", station="CP1", lines=("L2", "L3", "L1"), max_current_a=32).lines[0]
    'L2'
    """

    id: Id
    station: Id
    evse_id: int = Field(default=1, strict=True, ge=1, le=10_000, description="number within the station")
    lines: tuple[Line, ...] = Field(default=LINES, min_length=1, max_length=3)
    connection: Connection = Field(default="wye", description="wye: from lines to neutral; delta: between two lines")
    min_current_a: Amperes = Field(default=MIN_PILOT_CURRENT_A, description="below it only 0 A is possible")
    max_current_a: Amperes
    step_a: float = Field(default=0.1, strict=True, ge=0.1, le=100, description="a multiple of 0.1 A")
    allowed_currents_a: tuple[Amperes, ...] | None = Field(
        default=None,
        min_length=2,
        max_length=1_000,
        description="the only ones it can be told; a step is their divisor",
    )
    step_w: int = Field(default=10, strict=True, ge=1, le=100_000, description="used where set-points are in W")
    current_type: CurrentType = Field(default="AC", description="DC: set-points are W into the car")
    max_power_w: Watts | None = Field(default=None, description="DC: most into the car [W]")
    efficiency: Annotated[float, Field(strict=True, ge=0.5, le=1)] | None = Field(
        default=None, description="DC: power into the car by power drawn from the lines"
    )
    max_discharge_current_a: Amperes | None = Field(
        default=None, description="most it takes back out of a car, per line; None: nothing"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in references.connector_texts(self))
        return self

    @property
    def setpoint_step_a(self) -> float:
        """What one step of a set-point is [A]: ``step_a``, or the greatest common divisor of the allowed currents.

        >>> Connector(id="C1", station="CP1", max_current_a=32, allowed_currents_a=(0, 8, 16, 24, 32)).setpoint_step_a
        8.0
        """
        if self.allowed_currents_a is None:
            return self.step_a
        tenths = (round_down(one, DECIAMPERES_PER_AMPERE) for one in self.allowed_currents_a)
        return math.gcd(*tenths) / DECIAMPERES_PER_AMPERE


class Load(Model):
    """A consumer on a circuit that is not controlled; its series comes as a ``Forecast`` with the same id.

    >>> Load(id="building", circuit="main").lines
    ('L1', 'L2', 'L3')
    """

    id: Id
    circuit: Id
    lines: tuple[Line, ...] = Field(default=LINES, min_length=1, max_length=3)


class Cabinet(Model):
    """Power modules that DC outlets share: each takes whole modules for what it gives.

    >>> Cabinet(id="K1", module_w=30_000, modules=4, connectors=["D1", "D2"]).modules
    4
    """

    id: Id
    module_w: int = Field(strict=True, ge=1, le=10_000_000, description="power of one module [W]")
    modules: int = Field(strict=True, ge=1, le=10_000, description="how many there are")
    connectors: tuple[Id, ...] = Field(min_length=1, max_length=1_000)


class Group(Model):
    """A limit across the tree: of a tenant, of a contract, of whatever is counted together.

    ``circuits`` count with everything at or below them, base loads included; ``stations`` and ``connectors`` with what
    they charge. What is named in several ways counts once. Limits as in ``Circuit``.

    >>> Group(id="tenant", limit_w=11_000, stations=["CP1", "CP4"]).stations
    ('CP1', 'CP4')
    """

    id: Id
    circuits: tuple[Id, ...] = Field(default=(), max_length=10_000)
    stations: tuple[Id, ...] = Field(default=(), max_length=100_000)
    connectors: tuple[Id, ...] = Field(default=(), max_length=100_000)
    limit_a: PerLineA | None = None
    limit_va: Watts | None = Field(default=None, description="apparent power of all lines together [VA]")
    limit_w: Watts | None = Field(default=None, description="power of all lines together [W]")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in supplies.group_texts(self))
        return self


class LineTerm(Model):
    """What a connector's current puts on a constrained conductor: ``coefficient`` times the current, at ``angle_deg``.

    A negative coefficient is the same as an angle turned by 180 degrees.

    >>> LineTerm(connector="C1", coefficient=-1.0, angle_deg=150.0).coefficient
    -1.0
    """

    connector: Id
    coefficient: Annotated[float, Field(strict=True, ge=-1000, le=1000)]
    angle_deg: Annotated[float, Field(strict=True, ge=-360, le=360)] = 0.0


class LineConstraint(Model):
    """A conductor whose current is the sum of phasors; for sites that are given as a matrix (convention 15).

    The magnitude of the current stays within ``limit_a`` whichever of the cars draw less than they may. Base load on
    the conductor is to be taken off the limit beforehand.

    >>> LineConstraint(id="secondary A", limit_a=416.6, terms=[LineTerm(connector="C1", coefficient=1.0)]).limit_a
    416.6
    """

    id: Id
    limit_a: Amperes
    terms: tuple[LineTerm, ...] = Field(min_length=1, max_length=100_000)


class Site(Model):
    """Everything behind one grid connection.

    Invariants: ids are unique within their kind, every reference resolves, the circuits form one tree.

    ``idle_floor_a`` is what a car gets that plugs in while nobody answers [A per line]; it is reserved
    on every connector in every slot. ``edge_guard_s``: convention 4.

    >>> site = Site(id="home", circuits=[Circuit(id="main", limit_a=25)],
    ...             stations=[Station(id="CP1", circuit="main", ocpp_version="1.6")],
    ...             connectors=[Connector(id="A", station="CP1", max_current_a=16)])
    >>> site.idle_floor_a, site.edge_guard_s
    (0.0, 60)
    >>> Site(id="home", circuits=[Circuit(id="panel", parent="main", limit_a=25)])
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Site
      circuits[0] (panel): parent 'main' does not exist; the site has 'panel'. [type=...
    """

    id: Id
    time_zone: str = Field(default="UTC", strict=True, max_length=100, description="IANA name, for display")
    circuits: tuple[Circuit, ...] = Field(min_length=1, max_length=10_000)
    stations: tuple[Station, ...] = Field(default=(), max_length=100_000)
    connectors: tuple[Connector, ...] = Field(default=(), max_length=100_000)
    loads: tuple[Load, ...] = Field(default=(), max_length=10_000)
    generators: tuple[Generator, ...] = Field(default=(), max_length=10_000)
    storages: tuple[Storage, ...] = Field(default=(), max_length=1_000)
    cabinets: tuple[Cabinet, ...] = Field(default=(), max_length=10_000)
    groups: tuple[Group, ...] = Field(default=(), max_length=10_000)
    line_constraints: tuple[LineConstraint, ...] = Field(default=(), max_length=10_000)
    idle_floor_a: Amperes = 0.0
    edge_guard_s: Seconds = EDGE_GUARD_S

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(references.site_problems(self, ""))
        return self
