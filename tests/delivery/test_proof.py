"""The proof by hand: every kind of loss, and stacks that are unsafe on purpose."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenes import FLAT, worked_plan

from ocpp_schedule import Capabilities, Circuit, Connector, InputError, LimitCarrier, Session, Site, Station, TimeGrid
from ocpp_schedule import schedule as planned
from ocpp_schedule.check.scene import scene_of
from ocpp_schedule.delivery.messages import to_ocpp
from ocpp_schedule.delivery.proof.prove import prove
from ocpp_schedule.profiles.synthesis import build_stacks
from ocpp_schedule.testing.solutions import solution_by_hand

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocpp_schedule.delivery.proof.report import Proof

START = datetime(2026, 1, 15, tzinfo=UTC)
GRID = TimeGrid.regular(START, timedelta(hours=1), 3)
NO_DEFAULT = ("charging_station_max_profile", "tx_profile")
KEY = LimitCarrier(key="Max{evse}", highest=32, scope="connector")
Messages = list[dict[str, Any]]


def hour(count: float) -> datetime:
    return START + timedelta(hours=count)


class Yard:
    """Connector A (station CP1, taking what a test says) and B (CP2) on one line of 25 A; nothing is reserved.

    Car a is in transaction 7 on A for three hours: 16, 9, 0 A. Car b comes to B: 9, 16, 0 A.
    """

    def __init__(
        self,
        *,
        limit_a: float = 25.0,
        version: Any = "1.6",
        swap: bool = False,
        guarded: bool = True,
        sessions: bool = True,
        idle: int = 0,
        guard_s: int = 60,
        a: tuple[int, ...] = (160, 90, 0),
        max_current_a: float | None = None,
        **known: Any,
    ) -> None:
        first = Station(
            id="CP1",
            circuit="main",
            ocpp_version=version,
            capabilities=Capabilities(**known),
            max_current_a=max_current_a,
        )
        outlets = [
            Connector(id=n, station=s, lines=("L1",), max_current_a=32.0) for n, s in (("A", "CP1"), ("B", "CP2"))
        ]
        self.site = Site(
            id="yard",
            circuits=[Circuit(id="main", limit_a=limit_a)],
            stations=[first, Station(id="CP2", circuit="main", ocpp_version="2.1")],
            connectors=outlets,
            idle_floor_a=idle / 10,
            edge_guard_s=guard_s,
        )
        running = 7 if version == "1.6" else "seven"
        times = {"arrival": START, "departure": hour(3), "energy_wh": 1.0, "phases": 1}
        cars = [
            Session(id="a", connector="A", transaction_id=running, **times),
            Session(id="b", connector="B", **times),
        ]
        self.sessions = cars if sessions else []
        b = (90, 160, 0) if swap else (90, 90, 0)
        steps = {"a": list(a), "b": list(b)} if sessions else {}
        late = [("b", 1)] if swap and guarded else []
        self.solution = solution_by_hand(steps, {"A": (idle, idle), "B": (idle, idle)}, slots=3, late_raise=late)
        self.messages: Messages = []
        stacks = build_stacks(self.site, self.sessions, GRID, self.solution)  # type: ignore[arg-type] - they depart
        self.messages += to_ocpp(stacks)  # type: ignore[arg-type] - plain dicts

    def proof(self, clock_skew_s: int | None = None) -> Proof:
        scene = scene_of(self.site, self.sessions, FLAT, GRID)
        messages: Any = self.messages
        return prove(self.site, scene, self.solution, messages, clock_skew_s=clock_skew_s)

    def profile(self, station: str, purpose: str, level: int) -> dict[str, Any]:
        """Return the profile of a message, to be spoilt."""
        for message in self.messages:
            wire = message["payload"].get("csChargingProfiles") or message["payload"].get("chargingProfile", {})
            place = message["station"], wire.get("chargingProfilePurpose"), wire.get("stackLevel")
            if place == (station, purpose, level):
                return dict.__getitem__(
                    message["payload"],
                    "csChargingProfiles" if "connectorId" in message["payload"] else "chargingProfile",
                )
        raise AssertionError((station, purpose, level))


def schedule_of(profile: dict[str, Any]) -> dict[str, Any]:
    found: Any = profile["chargingSchedule"]
    return found[0] if isinstance(found, list) else found


def variants(proof: Proof, station: str = "CP1") -> list[str]:
    """Return in which variants a station is not guaranteed."""
    [own] = [one for one in proof.stations if one.station == station]
    return list(dict.fromkeys(gap.variant for gap in own.gaps))


def test_the_worked_example_is_proven() -> None:
    proof = worked_plan().prove()
    assert proof.holds
    shares = {one.name: round(one.share, 2) for one in proof.variants}
    # Slot 1: 16 + 9 of 25 A; without B's plan 16 + 6; without A's TxProfile 6 + 9; after the end 6 + 6.
    assert shares["as planned"] == 1.0
    assert shares["plan layer lost"] == 0.88
    assert shares["session profile lost"] == 0.6
    assert shares["after the end"] == shares["clock at 1970"] == 0.48
    assert str(proof).startswith("Proof holds: 2 of 2 stations guaranteed.\nMost of a limit in use: as planned 100%")


@pytest.mark.parametrize(
    ("known", "lost"),
    [
        pytest.param({}, [], id="full-stack"),
        pytest.param({"max_profiles": 2}, [], id="two-profiles"),
        pytest.param({"max_profiles": 1}, ["clock at 1970"], id="one-profile"),
        pytest.param({"stack_levels": (0,), "sessions": False}, [], id="one-profile-without-a-plan"),
        pytest.param({"purposes": NO_DEFAULT}, ["session profile lost", "plan layer lost", "between transactions",
                     "after a reboot", "clock at 1970"], id="no-default-profile"),
        pytest.param({"purposes": NO_DEFAULT, "limit_carrier": KEY}, [], id="a-key-instead"),
        pytest.param({"keeps_over_reboot": "none"}, ["after a reboot", "clock at 1970"], id="forgets-over-a-reboot"),
        pytest.param({"keeps_over_reboot": "last"}, ["after a reboot", "clock at 1970"], id="keeps-the-last"),
        pytest.param({"keeps_over_reboot": "last", "sessions": False}, [], id="keeps-the-last-and-has-one"),
        pytest.param({"keeps_over_reconnect": "none"}, ["link lost"], id="forgets-without-a-link"),
        pytest.param({"resend_after_resume": True}, ["after a pause"], id="forgets-at-0"),
        pytest.param({"resend_after_resume": True, "limit_a": 41.0}, [], id="forgets-at-0-with-room"),
        pytest.param({"kinds": ("relative",), "a": (0, 0, 0)}, [], id="relative-floor"),
        pytest.param({"pause": "min_current"}, ["session profile lost", "plan layer lost"], id="does-not-take-0"),
    ],
)  # fmt: skip
def test_each_loss(known: dict[str, Any], lost: list[str]) -> None:
    """With A at its 16 A, B's 9 A just fit; B's 16 A of the second hour are not planned here."""
    yard = Yard(**known)
    proof = yard.proof()
    found = variants(proof)
    if known.get("pause"):  # 6 A where 0 are planned: nothing of it exceeds 25 A
        lost = []
    assert found == lost, str(proof)
    assert proof.holds is (lost == [])
    assert variants(proof, "CP2") == []
    failed = {one.name for one in proof.variants if not one.holds}
    assert failed == ({*lost, "any of these"} if lost else set())


def test_a_charger_without_its_floor_is_no_matter_where_its_maximum_fits() -> None:
    assert not Yard(max_profiles=1).proof().holds
    assert Yard(max_profiles=1, limit_a=41.0).proof().holds
    assert not Yard(max_profiles=1, limit_a=40.9).proof().holds


def test_what_cannot_take_0_needs_its_minimum() -> None:
    """Third hour: B may not know that it is over; A is told 0 and gives 6 A."""
    short = Yard(pause="min_current", limit_a=25.0, a=(0, 160, 160), idle=0)
    assert short.proof().holds
    tight = Yard(pause="min_current", limit_a=14.9, a=(0, 0, 0))
    found = tight.proof()
    # B has 9 A in the first two hours, A is told 0 and gives 6: 15 of 14.9 A.
    assert [(one.line, one.seen, one.allowed, one.variant) for one in found.breaches] == [
        ("L1", 15.0, 14.9, "as planned"),
        ("L1", 15.0, 14.9, "clocks off"),
    ]


def test_a_key_that_is_lost_over_a_reboot() -> None:
    carrier = KEY.model_copy(update={"keeps_over_reboot": False})
    assert variants(Yard(purposes=NO_DEFAULT, limit_carrier=KEY, keeps_over_reboot="none").proof()) == []
    found = Yard(purposes=NO_DEFAULT, limit_carrier=carrier, a=(0, 0, 0), keeps_over_reboot="none").proof()
    assert variants(found) == ["after a reboot", "clock at 1970"]


def test_a_key_of_the_whole_station_bounds_the_sum() -> None:
    def proof(*, value: str, limit_a: float) -> Proof:
        site = Site(
            id="pair",
            circuits=[Circuit(id="main", limit_a=limit_a)],
            stations=[
                Station(
                    id="CP1",
                    circuit="main",
                    ocpp_version="2.0.1",
                    capabilities=Capabilities(
                        purposes=("tx_profile",), limit_carrier=LimitCarrier(key="Max", component="Limiter")
                    ),
                )
            ],
            connectors=[Connector(id=n, station="CP1", evse_id=k, max_current_a=16.0) for k, n in ((1, "A"), (2, "B"))],
        )
        plan = planned(site, [], FLAT, GRID)
        messages = plan.to_ocpp()
        assert [one["action"] for one in messages] == ["SetVariables"]
        messages[0]["payload"]["setVariableData"][0]["attributeValue"] = value
        return prove(site, scene_of(site, [], FLAT, GRID), plan.solution, messages)

    assert proof(value="0", limit_a=10.0).holds
    assert proof(value="10", limit_a=10.0).holds  # each may have 10 A, together no more
    assert not proof(value="11", limit_a=10.0).holds
    refused = proof(value="eleven", limit_a=10.0)
    assert "refuses 'eleven' for its key" in str(refused)


@pytest.mark.parametrize(
    ("skew_s", "guard_s", "holds"),
    [
        pytest.param(None, 60, True, id="half-the-guard"),
        pytest.param(30, 60, True, id="the-same-said"),
        pytest.param(31, 60, False, id="a-second-more"),
        pytest.param(600, 60, False, id="ten-minutes"),
        pytest.param(600, 1200, True, id="ten-minutes-within-a-larger-guard"),
        pytest.param(601, 1200, False, id="more-than-that"),
    ],
)
def test_clocks(skew_s: int | None, guard_s: int, holds: bool) -> None:
    """At 01:00 A falls from 16 to 9 A and B rises from 9 to 16, a guard later: 25 of 25 A."""
    proof = Yard(swap=True, guard_s=guard_s).proof(skew_s)
    assert proof.holds is holds, str(proof)
    if not holds:
        assert variants(proof) == variants(proof, "CP2") == ["clocks off"]
        [breach] = proof.breaches
        assert (breach.subject, breach.line, breach.seen, breach.allowed) == ("main", "L1", 32.0, 25.0)
        assert "edge_guard_s of at least" in str(proof)


@pytest.mark.parametrize(
    ("known", "holds"),
    [
        pytest.param({"clock_skew_s": 20}, True, id="better"),
        pytest.param({"clock_skew_s": 31}, False, id="worse"),
        pytest.param({"settle_s": 20}, True, id="slow-within-the-guard"),
        pytest.param({"settle_s": 20, "clock_skew_s": 30}, False, id="slow-and-off"),
    ],
)
def test_a_station_that_says_how_its_clock_is(known: dict[str, Any], holds: bool) -> None:
    assert Yard(swap=True, **known).proof().holds is holds


def spoil_nothing(yard: Yard) -> None:
    """Leave everything as it is."""


def no_end_floor(yard: Yard) -> None:
    schedule = schedule_of(yard.profile("CP1", "TxProfile", 1))
    del schedule["chargingSchedulePeriod"][1:]  # 16 A for ever


def runs_out(yard: Yard) -> None:
    yard.messages = [one for one in yard.messages if one["station"] == "CP2" or one["wave"]]
    schedule_of(yard.profile("CP1", "TxProfile", 1))["duration"] = 3600


def plan_above_the_floor(yard: Yard) -> None:
    above = deepcopy(next(one for one in yard.messages if one["station"] == "CP1" and one["wave"] == 0))
    above["payload"]["csChargingProfiles"]["chargingProfileId"] = 102
    above["payload"]["csChargingProfiles"]["stackLevel"] = 1
    schedule_of(above["payload"]["csChargingProfiles"])["chargingSchedulePeriod"][0]["limit"] = 16.1
    yard.messages.insert(1, above)


def relative_cap(yard: Yard) -> None:
    cap = deepcopy(next(one for one in yard.messages if one["station"] == "CP1" and one["wave"] == 0))
    profile = cap["payload"]["csChargingProfiles"]
    profile |= {
        "chargingProfileId": 4,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Relative",
    }
    del profile["chargingSchedule"]["startSchedule"]
    cap["payload"]["connectorId"] = 0
    yard.messages.append(cap)


def floor_too_high(yard: Yard) -> None:
    schedule_of(yard.profile("CP1", "TxDefaultProfile", 0))["chargingSchedulePeriod"][0]["limit"] = 16.1


def floor_not_sent(yard: Yard) -> None:
    yard.messages = [one for one in yard.messages if one["station"] == "CP2" or one["wave"]]


def more_than_planned(yard: Yard) -> None:
    schedule_of(yard.profile("CP1", "TxProfile", 1))["chargingSchedulePeriod"][1]["limit"] = 9.1


def less_than_planned(yard: Yard) -> None:
    schedule_of(yard.profile("CP1", "TxProfile", 1))["chargingSchedulePeriod"][0]["limit"] = 15.9


def of_another_transaction(yard: Yard) -> None:
    yard.profile("CP1", "TxProfile", 1)["transactionId"] = 8


def while_the_link_is_up(yard: Yard) -> None:
    yard.profile("CP2", "TxDefaultProfile", 1)["maxOfflineDuration"] = 60


def unreadable(yard: Yard) -> None:
    yard.profile("CP1", "TxProfile", 1)["stackLevel"] = "high"


@pytest.mark.parametrize(
    ("spoil", "station", "lost", "why"),
    [
        pytest.param(no_end_floor, "CP1", {"as planned"}, "session 'a' has 16 A at 2026-01-15T01", id="no-end-floor"),
        pytest.param(runs_out, "CP1", {"as planned", "between transactions"}, "no limit", id="duration-and-no-floor"),
        pytest.param(plan_above_the_floor, "CP1", {"session profile lost", "between transactions"},
                     "holds more than the plan", id="plan-above-the-floor"),
        pytest.param(relative_cap, "CP1", {"as planned"}, "is not Relative", id="relative-cap"),
        pytest.param(floor_too_high, "CP1", {"session profile lost", "clock at 1970"}, "holds more", id="high-floor"),
        pytest.param(floor_not_sent, "CP1", {"session profile lost", "clock at 1970"}, "no default", id="no-floor"),
        pytest.param(more_than_planned, "CP1", {"as planned"}, "planned are 9 A", id="above-the-plan"),
        pytest.param(less_than_planned, "CP1", {"as planned"}, "has 15.9 A at 2026-01-15T00:00", id="below-the-plan"),
        pytest.param(of_another_transaction, "CP1", {"as planned"}, "Transaction 7 runs", id="another-transaction"),
        pytest.param(while_the_link_is_up, "CP2", {"as planned"}, "ends while the link is down", id="link-down"),
        pytest.param(unreadable, "CP1", {"as planned"}, "cannot read a profile", id="unreadable"),
    ],
)  # fmt: skip
def test_what_is_planted_is_found(spoil: Callable[[Yard], None], station: str, lost: set[str], why: str) -> None:
    yard = Yard(limit_a=25.0)
    assert yard.proof().holds
    spoil(yard)
    proof = yard.proof()
    assert not proof.holds
    assert lost <= set(variants(proof, station)), str(proof)
    assert why in str(proof)
    named = {one.station for one in proof.not_guaranteed}
    assert named == {station} if not proof.breaches else station in named


def test_a_swap_without_a_guard_is_a_breach() -> None:
    proof = Yard(swap=True, guarded=False).proof()
    assert [(one.variant, one.seen, one.at) for one in proof.breaches] == [
        ("clocks off", 32.0, hour(1) - timedelta(seconds=30))
    ]


def test_after_the_end_a_raise_waits_for_the_others() -> None:
    """The last hour ends with A at 16 A; B rises to its end floor only when A has fallen to its own."""
    yard = Yard(a=(160, 160, 160), limit_a=25.0)
    messages = yard.messages
    assert yard.proof().holds
    # An end floor of 9.1 A on B from the end of the grid on, instead of a guard later.
    periods = schedule_of(yard.profile("CP2", "TxDefaultProfile", 1))["chargingSchedulePeriod"]
    periods[-1] |= {"startPeriod": 10_860, "limit": 9.1}
    proof = yard.proof()
    assert messages is yard.messages
    assert [(one.variant, one.seen, one.at) for one in proof.breaches] == [
        ("clocks off", 25.1, hour(3) - timedelta(seconds=30))
    ]


def test_a_txprofile_that_does_not_persist_with_a_plan_above() -> None:
    """2.1 keeps TxDefaultProfiles over a reboot, TxProfiles only if it says so."""
    yard = Yard(version="2.1")
    floor = next(one for one in yard.messages if one["station"] == "CP1" and one["wave"] == 0)
    above = deepcopy(floor)
    above["payload"]["chargingProfile"] |= {"id": 102, "stackLevel": 1}
    schedule_of(above["payload"]["chargingProfile"])["chargingSchedulePeriod"][0]["limit"] = 16.1
    yard.messages.insert(1, above)
    assert "after a reboot" in variants(yard.proof())


def test_sessions_that_nothing_can_carry_are_named() -> None:
    proof = Yard(kinds=("relative",)).proof()
    [gap] = next(one.gaps for one in proof.stations if one.station == "CP1")
    assert gap.variant == "as planned"
    assert gap.why == "session 'a' has 0 A at 2026-01-15T00:00:00Z, planned are 16 A"
    assert gap.mend == "nothing it takes carries a plan of running sessions on connector 'A'"


def test_what_the_station_does_not_take_is_refused() -> None:
    full = Yard()
    for known, told in (
        ({"purposes": NO_DEFAULT}, "purpose tx_default_profile, it takes"),
        ({"kinds": ("relative",)}, "kind absolute, it takes relative"),
        ({"stack_levels": (0,)}, "level 1, it takes 0"),
        ({"max_message_bytes": 200}, "bytes, it reads 200"),
        ({"max_periods": 1}, "1 fit"),
    ):
        other = Yard(**known, sessions=False)
        other.sessions, other.solution, other.messages = full.sessions, full.solution, full.messages
        assert told in str(other.proof()), known


def test_a_key_that_nobody_has_described() -> None:
    yard = Yard()
    yard.messages.append(
        {"station": "CP1", "version": "1.6", "action": "ChangeConfiguration", "payload": {"key": "Max", "value": "6"}}
    )
    assert "nothing says what its key 'Max' does" in str(yard.proof())


def test_assumptions_are_told() -> None:
    proof = Yard(
        max_profiles=2,
        settle_s=10,
        evidence={"max_profiles": "advertised", "settle_s": "verified"},
        limit_carrier=LimitCarrier(key="Max", needs_reboot=True),
        max_current_a=40.0,
    ).proof()
    told = next(one.assumptions for one in proof.stations if one.station == "CP1")
    assert told == (
        "clocks are right within 20 s, or at 1970, and a limit acts within 10 s",
        "the lowest default profile of each connector stays, except over a reboot as keeps_over_reboot says",
        "the key outside profiles bounds the current in every state",
        "the key outside profiles acts: the station has rebooted since it was written",
        "a changed default profile acts on the transaction that runs (1.6 errata 3.8)",
        "station 'CP1' is as it says or as assumed: max_profiles",
    )


def test_a_text_names_the_first_ten() -> None:
    stations = [
        Station(id=f"S{k:02}", circuit="main", ocpp_version="1.6", capabilities=Capabilities(kinds=("recurring",)))
        for k in range(12)
    ]
    site = Site(
        id="many",
        circuits=[Circuit(id="main", limit_a=16)],
        stations=stations,
        connectors=[Connector(id=f"C{k:02}", station=f"S{k:02}", max_current_a=16.0) for k in range(12)],
    )
    text = str(planned(site, [], FLAT, GRID).prove())
    assert "0 of 12 stations guaranteed" in text
    assert text.count("Not guaranteed: station") == 10
    assert "Not guaranteed: 14 more." in text  # as planned and with clocks off
    assert "nothing limits connector 'C00' to less than 16 A: it has no default profile" in text


def test_what_cannot_be_asked() -> None:
    yard = Yard()
    with pytest.raises(InputError, match="clock_skew_s: -1 cannot be"):
        yard.proof(-1)
    yard.messages[0]["station"] = "CP9"
    with pytest.raises(InputError, match="station 'CP9' does not exist in the site"):
        yard.proof()
