"""Commands in the daemon, in simulated time on a real store: done once, whatever happens between the broker and the disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent.daemon import COMMANDS_PER_TICK, Daemon
from agent.events.fit import FitRule
from agent.events.odometer import Odometer
from agent.io.commands import Commands, load_key
from agent.io.store import Batch, Store, StoreError
from agent.io.uplink import UplinkState
from agent.model import NS, Wall
from hil.ca import Authority
from hil.cloud.command import Commander
from hil.powercut.day import drive
from tests.sim.parked import concern
from tests.test_daemon import PLAN, SETUP

START_NS = 1_793_000_000 * NS
WALL = Wall(START_NS, "synchronised")
UNIT = SETUP.unit
ANA = {"driver": {"id": "ana", "name": "Ana"}}


class Link:
    """An uplink that has nothing but commands."""

    def __init__(self) -> None:
        self.state = UplinkState()
        self.waiting: list[bytes] = []
        self.taken: list[bytes] = []

    def pump(self, now_ns: int) -> None:
        """The network is not here."""

    def commands(self, limit: int) -> list[bytes]:
        return self.waiting[:limit]

    def took(self, payload: bytes) -> None:
        self.waiting.remove(payload)
        self.taken.append(payload)


class Failing(Store):
    """A store that refuses when told to, and keeps a copy of its files as they are after each commit."""

    def __init__(self, path: Path, unit: str) -> None:
        super().__init__(path, unit)
        self.refuses = False
        self.cuts: list[Path] = []

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        if self.refuses:
            raise StoreError("the disk is full")
        new = super().commit(batch, utc_ns)
        self.cuts.append(self.path.parent / f"cut-{len(self.cuts)}")
        self.cuts[-1].mkdir()
        for end in ("", "-wal"):
            shutil.copyfile(f"{self.path}{end}", self.cuts[-1] / f"keyoff.db{end}")
        return new


class Unit:
    """A daemon, its store and its link; the key is in `folder`."""

    def __init__(self, folder: Path, state: Path | None = None, boot_id: str = "boot-1") -> None:
        keys = Authority(folder / "ca").command_key()
        self.sender = Commander(keys.private)
        self.store = Failing((state or folder) / "keyoff.db", UNIT)
        self.link = Link()
        self.daemon = Daemon(SETUP, PLAN, self.store, boot_id, self.link)
        self.daemon.commands = Commands(load_key(keys.public), UNIT)
        self.second = 0

    def sign(self, kind: str, data: dict[str, Any], jti: str = "c1", **claims: Any) -> bytes:
        return self.sender.sign(UNIT, kind, data, 86_400, now_s=START_NS // NS, jti=jti, **claims).encode()

    def hear(self, *payloads: bytes, wall: Wall | None = WALL) -> None:
        """They come, and a second goes by."""
        self.link.waiting += payloads
        self.second += 1
        self.daemon.tick(self.second * NS, wall)

    def told(self, kind: str) -> list[dict[str, Any]]:
        rows = self.store.conn.execute("SELECT body FROM events WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(r["body"]) for r in rows]

    @property
    def answers(self) -> list[tuple[str, ...]]:
        return [(a["command"], a["outcome"], a.get("why", "")) for a in self.told("CommandTaken")]

    @property
    def drivers(self) -> list[str]:
        return [d.id for d in self.daemon.engine.context(0).household.drivers]

    def drive(self) -> None:
        """Ana is known. Two trips, and the hour after them."""
        self.daemon.enter("DriverSaved", ANA, "ana")
        for start_s in (10, 1000):
            samples = list(drive(start_s, 90, 50_000_000 + start_s * 10))
            self.daemon.tick(samples[0][0], WALL)
            self.daemon.samples(samples)
            self.daemon.tick((start_s + 200) * NS, WALL)
        self.second = self.daemon.now_ns // NS + 3600
        self.hear()

    def drove(self) -> list[str]:
        return [r["driver"] for r in self.store.trips()]


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


# -- done --------------------------------------------------------------------------------------------


def test_it_is_done_answered_and_acknowledged_in_one_commit(unit: Unit) -> None:
    unit.hear()
    before = len(unit.store.cuts)
    payload = unit.sign("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True})
    unit.hear(unit.sign("DriverSaved", ANA, "c0"), payload)
    assert unit.drivers == ["ana"]
    assert unit.answers == [("c0", "done", ""), ("c1", "done", "")]
    assert unit.told("ConsentChanged") == [{"driver": "ana", "purpose": "report", "granted": True, "person": "ana"}]
    assert len(unit.store.cuts) == before + 2, "one each"
    assert unit.link.taken[-1] == payload and not unit.link.waiting


def test_what_a_profile_does_to_consents_is_told_for_the_profile_itself_never_leaves(unit: Unit) -> None:
    unit.hear(unit.sign("DriverSaved", {"driver": {"id": "ana", "consents": ["report", "compare"]}}, "c1"))
    unit.hear(unit.sign("DriverSaved", {"driver": {"id": "ana", "consents": ["compare", "fit"]}}, "c2"))
    unit.hear(unit.sign("DriverSaved", {"driver": {"id": "ana", "name": "Ana", "consents": ["compare", "fit"]}}, "c3"))
    unit.hear(unit.sign("DriverRemoved", {"driver": "ana"}, "c4"))
    assert [(e["purpose"], e["granted"]) for e in unit.told("ConsentChanged")] == [
        ("report", True),
        ("compare", True),
        ("report", False),
        ("fit", True),
        ("compare", False),
        ("fit", False),
    ]
    assert unit.drivers == [] and [outcome for _, outcome, _ in unit.answers] == ["done"] * 4


def test_of_an_appointment_that_was_kept_its_time_is_told_with_it(unit: Unit) -> None:
    unit.hear()
    unit.daemon.engine.raised([concern(bookable="oil")])
    slot = {"id": "s", "start": "2026-10-25T09:00+01:00", "end": "2026-10-25T10:00+01:00", "place": "w"}
    unit.hear(unit.sign("AppointmentChanged", {"bookable": "oil", "change": "moved", "slot": slot}))
    unit.hear(unit.sign("AppointmentChanged", {"bookable": "oil", "change": "kept"}, "c2"))
    assert unit.told("AppointmentChanged")[1] == {"bookable": "oil", "change": "kept", "slot": slot}


def test_a_repeat_gets_nothing_and_does_nothing(unit: Unit) -> None:
    payload = unit.sign("DriverSaved", ANA)
    unit.hear(payload)
    unit.hear(unit.sign("DriverRemoved", {"driver": "ana"}, "c2"))
    unit.hear(payload)
    unit.hear(unit.sign("DriverSaved", {"driver": {"id": "kim"}}, "c1"))  # another under the same id
    assert unit.drivers == []
    assert len(unit.answers) == 2
    assert len(unit.link.taken) == 4


def test_a_catalogue_of_cars_may_be_sent_and_a_match_may_not(unit: Unit) -> None:
    """What leaves as FitShared was worked out here and looked at: a unit signs nothing that it was told to say."""
    car = {"name": "a", "energy": "electric", "range_km": 300}
    unit.hear(unit.sign("FitCatalogueReceived", {"source": "s", "issued_utc_ns": START_NS, "cars": [car]}))
    catalogue = unit.daemon.engine.rule(FitRule).state.catalogue
    assert catalogue is not None and catalogue.cars[0].range_km == 300
    unit.hear(unit.sign("ConsentChanged", {"driver": "owner", "purpose": "fit", "granted": True}, "c2"))
    basis = {"first_day": "", "last_day": "", "days": 1, "days_driven": 1, "trips": 1, "distance_m": 1}
    unit.hear(unit.sign("FitShared", {"source": "s", "catalogue_utc_ns": 1, "basis": basis, "fits": []}, "c3"))
    assert [a[:2] for a in unit.answers] == [("c1", "done"), ("c2", "done"), ("c3", "refused")]
    assert "cannot be commanded" in unit.answers[-1][2] and unit.told("FitShared") == []


def test_the_odometer_may_be_told(unit: Unit) -> None:
    unit.hear(unit.sign("OdometerRead", {"reading_m": 84_210_000}))
    rule = next(r for r in unit.daemon.engine.rules if isinstance(r, Odometer))
    assert rule.reading() == {"reading_m": 84_210_000.0, "error_m": 500.0, "source": "entered"}
    assert unit.answers == [("c1", "done", "")]
    assert len(unit.told("OdometerRebased")) == 1


def test_a_trip_may_change_hands(unit: Unit) -> None:
    unit.drive()
    trip = unit.store.trips()[0]["id"]
    unit.hear(unit.sign("TripAttributed", {"trip_id": trip, "driver": "ana"}))
    assert unit.drove() == ["ana", "unknown"]
    assert unit.told("TripAttributed") == [{"trip_id": trip, "driver": "ana", "how": "household", "before": "unknown"}]
    assert unit.answers == [("c1", "done", "")]
    assert set(sums(unit)) == {"ana", "unknown"}


def sums(unit: Unit) -> dict[str, Any]:
    """The month's sums by driver."""
    months: dict[str, Any] = json.loads(unit.store.states()["driver_summary"][1])["months"]
    (month,) = months.values()
    drivers: dict[str, Any] = month["drivers"]
    return drivers


# -- refused and not believed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "claims", "why"),
    [
        ("DriverSaved", ANA, {"aud": "unit-2"}, "it is not for this unit"),
        ("DriverSaved", ANA, {"exp": START_NS // NS}, "it has expired"),
        ("DriverSaved", ANA, {"exp": START_NS // NS + 31 * 86_400}, "30 days ahead"),
        ("DriverSaved", ANA, {"nbf": 1}, "unknown field `nbf`"),
        ("DriverSaved", {"drivr": {}}, {}, "unknown key `drivr`: did you mean `driver`?"),
        ("TripEnded", {}, {}, "cannot be entered"),
        ("Nonsense", {}, {}, "unknown kind 'Nonsense'"),
        ("offer", {"text": "only today"}, {}, "not asked"),
        ("TripAttributed", {"trip_id": "t9", "driver": "unknown"}, {}, "there is no trip t9"),
        ("TripAttributed", {"trip_id": "t9", "driver": "ana"}, {}, "there is no driver 'ana' here; known: none"),
        ("DriverSaved", {"driver": {"id": "ana", "quiet_to": "7:99"}}, {}, "driver.quiet_to: it is no time of day"),
        ("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True}, {}, "there is no driver 'ana'"),
        ("PromptAnswered", {"prompt_id": "p9", "answer": "done"}, {}, "there is no prompt 'p9' here"),
    ],
)
def test_what_is_refused_is_told_once_and_stays_refused(
    unit: Unit, kind: str, data: dict[str, Any], claims: dict[str, Any], why: str
) -> None:
    payload = unit.sign(kind, data, **claims)
    unit.hear(payload)
    unit.hear(payload)
    ((command, outcome, told),) = unit.answers
    assert (command, outcome) == ("c1", "refused")
    assert why in told
    assert unit.drivers == []
    assert unit.store.has_taken("c1")
    assert len(unit.link.taken) == 2


def test_what_is_not_believed_is_counted_and_costs_no_commit(unit: Unit, tmp_path: Path) -> None:
    unit.hear()
    before = len(unit.store.cuts)
    stranger = Commander(Authority(tmp_path / "elsewhere").command_key().private)
    unit.hear(b"rubbish", stranger.sign(UNIT, "DriverSaved", ANA, now_s=START_NS // NS).encode())
    assert len(unit.store.cuts) == before
    assert unit.answers == []
    assert unit.daemon.counts() == {"commands not signed by the key": 2}
    assert len(unit.link.taken) == 2, "or the broker would send it for ever"


def test_nobody_commands_a_unit_without_a_key(unit: Unit) -> None:
    unit.daemon.commands = None
    unit.hear(unit.sign("DriverSaved", ANA))
    assert unit.answers == []


# -- once, whatever happens --------------------------------------------------------------------------


@pytest.mark.parametrize("wall", [None, Wall(START_NS, "unsure")])
def test_without_a_trusted_clock_it_waits(unit: Unit, wall: Wall | None) -> None:
    expired = unit.sign("DriverSaved", {"driver": {"id": "kim"}}, "c2", exp=START_NS // NS + 3)
    unit.hear(unit.sign("DriverSaved", ANA), expired, wall=wall)
    for _ in range(5):
        unit.hear(wall=wall)
    assert (unit.answers, unit.link.taken, unit.drivers) == ([], [], [])
    unit.hear()
    assert unit.answers == [("c1", "done", ""), ("c2", "refused", "it has expired")]


def test_a_power_cut_before_the_commit_makes_it_come_again(unit: Unit, tmp_path: Path) -> None:
    unit.daemon.commit()
    payload = unit.sign("DriverSaved", ANA)
    unit.store.refuses = True
    unit.hear(payload)
    assert unit.link.taken == [] and unit.answers == []
    again = Unit(tmp_path, unit.store.cuts[-1], "boot-2")
    again.hear(payload)
    assert (again.drivers, again.answers) == (["ana"], [("c1", "done", "")])


def test_a_power_cut_before_the_acknowledgement_makes_it_come_again_for_nothing(unit: Unit, tmp_path: Path) -> None:
    payload = unit.sign("DriverSaved", ANA)
    unit.hear(payload)
    again = Unit(tmp_path, unit.store.cuts[-1], "boot-2")
    assert again.drivers == ["ana"]
    again.hear(payload)
    assert again.answers == [("c1", "done", "")]
    assert again.link.taken == [payload]


def test_a_power_cut_at_any_commit_of_a_trip_that_moves(unit: Unit, tmp_path: Path) -> None:
    unit.drive()
    trip = unit.store.trips()[0]["id"]
    payload = unit.sign("TripAttributed", {"trip_id": trip, "driver": "ana"})
    unit.hear()
    unit.daemon.commit()
    before = len(unit.store.cuts) - 1
    unit.hear(payload)
    expected = (unit.drove(), sums(unit), unit.answers, unit.told("TripAttributed"))
    cuts = unit.store.cuts[before:]
    assert len(cuts) == 4
    for cut in cuts:
        again = Unit(tmp_path, cut)
        again.second = unit.second
        again.hear(payload)
        assert (again.drove(), sums(again), again.answers, again.told("TripAttributed")) == expected


def test_while_the_disk_refuses_nothing_is_acknowledged_and_afterwards_it_was_done_once(unit: Unit) -> None:
    unit.hear()
    unit.store.refuses = True
    first, second = unit.sign("DriverSaved", ANA), unit.sign("DriverSaved", {"driver": {"id": "kim"}}, "c2")
    unit.hear(first, second)
    for _ in range(30):
        unit.hear()
    assert unit.link.taken == []
    assert unit.drivers == ["ana"], "in memory: the second is not even looked at"
    assert [type(e).__name__ for e in unit.daemon.take()].count("DriverSaved") == 1
    unit.store.refuses = False
    for _ in range(30):
        unit.hear()
    assert unit.answers == [("c1", "done", ""), ("c2", "done", "")]
    assert unit.link.taken == [first, second]


def test_a_flood_does_not_hold_up_the_bus(unit: Unit) -> None:
    unit.hear(*(b"rubbish %d" % n for n in range(50)))
    assert len(unit.link.taken) == COMMANDS_PER_TICK
    unit.hear()
    unit.hear()
    assert len(unit.link.taken) == 50
