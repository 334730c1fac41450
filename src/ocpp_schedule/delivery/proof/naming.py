"""Which stations a proof does not cover, why, what would mend it, and what it rests on for the others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, get_args

from ocpp_schedule.delivery.proof.agreement import told
from ocpp_schedule.delivery.proof.report import Breach, Gap, Proof, StationProof, VariantName, VariantProof
from ocpp_schedule.delivery.proof.states import State, parts_of, states_of
from ocpp_schedule.timegrid import EARLIEST
from ocpp_schedule.units import MICROAMPERES_PER_AMPERE, MILLI_PER_UNIT, TOTAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocpp_schedule.delivery.proof.agreement import Deviation
    from ocpp_schedule.delivery.proof.judge import Result
    from ocpp_schedule.delivery.proof.prove import Bench
    from ocpp_schedule.delivery.proof.received import Received
    from ocpp_schedule.model.site import Connector

ORDER: Final[tuple[VariantName, ...]] = get_args(VariantName)
MORE_ROOM: Final = "or leave so much room on every row above it"
ON_SITE: Final = (
    "cars draw no more than they may, on the lines they are said to use",
    "a session's car is there in its slots, and no other one within guard and clock error of them",
    "stations hold no other profiles, and a TxProfile ends with its transaction",
    "base loads stay below their high forecasts; after the plan every row has its lowest limit and highest base load",
)


def proof_of(bench: Bench, result: Result, off_plan: Sequence[Deviation]) -> Proof:
    """Put everything found into words."""
    gaps: dict[str, dict[Gap, None]] = {station.id: {} for station in bench.site.stations}
    for station, gap in _gaps(bench, result, off_plan):
        gaps[station][gap] = None
    stations = tuple(
        StationProof(name, tuple(sorted(gaps[name], key=_rank)), tuple(_assumptions(bench, bench.received[name])))
        for name in sorted(gaps)
    )
    variants = tuple(
        VariantProof(name, name not in result.failed, result.share[name]) for name in ORDER if name in result.share
    )
    breaches = tuple(_breach(bench, result, key) for key in sorted(result.breaches, key=_place))
    return Proof(stations, breaches, variants, ON_SITE)


def _rank(gap: Gap) -> tuple[int, str]:
    return ORDER.index(gap.variant), gap.why


def _place(key: tuple[int, int, VariantName]) -> tuple[int, int, int]:
    return ORDER.index(key[2]), key[0], key[1]


def _breach(bench: Bench, result: Result, key: tuple[int, int, VariantName]) -> Breach:
    cell = result.breaches[key]
    per = MILLI_PER_UNIT if cell.channel == TOTAL else MICROAMPERES_PER_AMPERE
    return Breach(
        *bench.judge.allowed.named(cell.row, cell.channel),
        key[2],
        EARLIEST + timedelta(seconds=cell.at_s),
        cell.seen / per,
        cell.allowed / per,
    )


def _gaps(bench: Bench, result: Result, off_plan: Sequence[Deviation]) -> Iterator[tuple[str, Gap]]:
    models = bench.scene.outlets.models
    for name, held in bench.received.items():
        for why, mend in held.faults:
            yield name, Gap("as planned", why, mend)
    for one in off_plan:
        yield _off_plan(bench, one)
    for variant, connectors in result.moving.items():
        bare = {at for at in connectors if _is_bare(bench, models[at])}
        for at in sorted(bare or connectors):
            gap = _lost(bench, variant, models[at]) if bare else _moving(bench, variant, models[at])
            yield models[at].station, gap
    for variant, connectors in result.guilty.items():
        for at in sorted(connectors):
            yield models[at].station, _lost(bench, variant, models[at])


def _off_plan(bench: Bench, one: Deviation) -> tuple[str, Gap]:
    """Return why a session is not served as planned."""
    car = bench.scene.cars.models[one.session]
    connector = bench.scene.outlets.models[int(bench.scene.cars.outlet[one.session])]
    layers = bench.layers[connector.station]
    runs = car.transaction_id is not None
    carries = layers.running(connector.id) if runs else layers.coming(connector.id)
    unit = "W" if bench.scene.outlets.only_w[bench.scene.outlets.ids.index(connector.id)] else "A"
    when = EARLIEST + timedelta(seconds=one.at_s)
    seen = f"session {car.id!r} has {told(one.found, unit)} at {when:%Y-%m-%dT%H:%M:%SZ}"
    why = f"{seen}, planned are {told(one.planned, unit)}"
    if carries is None:
        kind = "running" if runs else "coming"
        mend = f"nothing it takes carries a plan of {kind} sessions on connector {connector.id!r}"
        mend += "" if runs else "; plan again once the transaction runs"
    else:
        mend = "send the profiles of this plan"
    return connector.station, Gap("as planned", why, mend)


def _moving(bench: Bench, variant: VariantName, connector: Connector) -> Gap:
    why = f"connector {connector.id!r} draws, as it is told, where a limit is exceeded"
    if variant == "clocks off":
        most = int(bench.clocks.behind.max() + bench.clocks.ahead.max())
        return Gap(variant, why, f"plan with edge_guard_s of at least {most}, and send the guarded edges")
    return Gap(variant, why, "send the profiles of a plan that the referee accepts")


def _is_bare(bench: Bench, connector: Connector) -> bool:
    """Tell whether nothing of what a connector is told lasts."""
    held = bench.received[connector.station]
    return not _limited(held, connector, State(parts_of(held, connector.evse_id).every))


def _lost(bench: Bench, variant: VariantName, connector: Connector) -> Gap:
    """Return what a connector may do when it has lost something, and what would help."""
    held = bench.received[connector.station]
    told_all = (State(parts_of(held, connector.evse_id).every),)
    states = states_of(held, connector.evse_id).get(variant, told_all)
    worst = next((state for state in states if not _limited(held, connector, state)), None)
    known = held.station.capabilities
    place = f"connector {connector.id!r}"
    if worst is None:
        more = "holds more than the plan in effect allows for"
        if known.pause != "zero_limit":
            more = f"may draw its minimum, because pause is {known.pause!r}"
        return Gap(
            variant, f"what is left on {place} {more}", "give the site an idle_floor_a of at least that, or less"
        )
    why = f"nothing limits {place} to less than {connector.max_current_a:g} A"
    if variant == "link lost":
        return Gap(variant, why, f"use a station that keeps its profiles without a link, {MORE_ROOM}")
    if variant == "after a pause":
        return Gap(variant, why, f"send its limits again after each pause, {MORE_ROOM}")
    if variant in {"after a reboot", "clock at 1970"} and known.keeps_over_reboot != "all":
        mend = "use a station that keeps its profiles over a reboot, or a limit_carrier that does"
        return Gap(variant, f"{why}: it keeps {known.keeps_over_reboot} of its profiles", f"{mend}, {MORE_ROOM}")
    if variant == "clock at 1970" and any(held.profiles[at].profile.purpose == DEFAULT for at in worst.kept):
        mend = "two stack levels and room for a floor below the plan (stack_levels, max_profiles), or a limit_carrier"
        return Gap(
            variant, f"{why} until its clock is set: its only default profile starts later", f"{mend}, {MORE_ROOM}"
        )
    mend = (
        "a station that takes a TxDefaultProfile on every connector (purposes, kinds, max_profiles), or a limit_carrier"
    )
    return Gap(variant, f"{why}: it has no default profile", f"{mend}, {MORE_ROOM}")


DEFAULT: Final = "tx_default_profile"


def _limited(held: Received, connector: Connector, state: State) -> bool:
    """Tell whether something that lasts is left of a connector's limits."""
    if state.ceilings and held.ceilings.keys() & {0, connector.evse_id}:
        return True
    kept = [held.profiles[at].profile for at in state.kept]
    lasting = [one for one in kept if one.purpose != "tx_profile"]
    if state.in_1970:
        lasting = [one for one in lasting if (start := one.schedules[0].start) is None or start.utc_s <= 0]
    return bool(lasting)


def _assumptions(bench: Bench, held: Received) -> Iterator[str]:
    """Yield what the proof rests on for one station."""
    station, known = held.station, held.station.capabilities
    at = next((at for at, one in enumerate(bench.scene.outlets.models) if one.station == station.id), None)
    if at is None:
        return
    ahead, behind = int(bench.clocks.ahead[at]), int(bench.clocks.behind[at])
    settles = f", and a limit acts within {behind - ahead} s" if behind > ahead else ""
    yield f"clocks are right within {ahead} s, or at 1970{settles}"
    if any(one.profile.purpose == DEFAULT for one in held.profiles):
        yield "the lowest default profile of each connector stays, except over a reboot as keeps_over_reboot says"
    if held.ceilings:
        yield "the key outside profiles bounds the current in every state"
        if known.limit_carrier is not None and known.limit_carrier.needs_reboot:
            yield "the key outside profiles acts: the station has rebooted since it was written"
    served = {car.connector for car in bench.scene.cars.models if car.transaction_id is not None}
    by_default = [one for one in held.evses.values() if one.id in served and not _has_session(bench, one)]
    if by_default:
        yield "a changed default profile acts on the transaction that runs (1.6 errata 3.8)"
    said = sorted(name for name, evidence in known.evidence.items() if evidence in {"assumed", "advertised"})
    if said:
        yield f"station {station.id!r} is as it says or as assumed: {', '.join(said)}"


def _has_session(bench: Bench, connector: Connector) -> bool:
    slot = bench.layers[connector.station].running(connector.id)
    return slot is not None and slot.purpose == "tx_profile"
