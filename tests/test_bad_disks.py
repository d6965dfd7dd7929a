"""The daemon when its store refuses: its loop goes on, memory stays bounded, what goes is told, and it heals by itself."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import daemon as daemon_module
from agent.daemon import RETRY_S, ROUTINE_S
from agent.events.health import HealthReported
from agent.events.trip import TripStarted
from agent.io.retention import Shed
from agent.io.store import Batch, Restored, Store, StoreError
from agent.io.store_error import Reason
from agent.io.uplink import Outgoing
from agent.model import NS
from hil.baddisk.unit import UNIT, Car


class Refusing(Store):
    """Refuses what it is told to: everything, or only reading for the uplink."""

    reason: Reason | None = None
    reading_only = False
    commits = 0
    to_shed: Shed | None = None

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        self.commits += 1
        if self.reason and not self.reading_only and (self.reason != "full" or batch.shed is None):
            raise StoreError("no", self.reason)
        return super().commit(batch, utc_ns)

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        if self.reason:
            raise StoreError("cannot be read", self.reason)
        return super().waiting(limit, excluding)

    def room(self) -> Shed | None:
        return self.to_shed

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        rows = self.conn.execute("SELECT body FROM events WHERE kind = ? ORDER BY seq", (kind,))
        return [msgspec.json.decode(row["body"]) for row in rows]


@pytest.fixture
def store(tmp_path: Path) -> Refusing:
    return Refusing(tmp_path / "keyoff.db", UNIT)


def test_it_tries_again_at_intervals_and_is_well_within_thirty_seconds(store: Refusing) -> None:
    car = Car(store)
    store.reason = "io"
    car.drive(120)
    asked = store.commits
    assert asked <= 430 / RETRY_S + 2, "not at every tick"
    assert car.daemon.store_trouble
    store.reason = None
    car.stand(RETRY_S + ROUTINE_S + 10)
    assert car.daemon.store_trouble is None
    assert len(store.trips()) == 1
    assert len(store.trace(store.trips()[0]["id"]).t_ns) == 120


def test_it_is_well_soon_though_it_is_parked(store: Refusing) -> None:
    car = Car(store)
    car.drive(20)
    store.reason, store.reading_only = "io", True
    car.stand(100)
    assert car.daemon.store_trouble == "cannot be read"
    store.reason = None
    car.stand(30)
    assert car.daemon.store_trouble is None


def test_events_in_memory_are_bounded_and_what_went_is_told(store: Refusing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "EVENTS_KEPT", 40)
    car = Car(store)
    car.drive(20)
    store.reason = "readonly"
    for n in range(200):
        kind, extra = (HealthReported, {"counts": {"late samples": 1}}) if n % 4 else (TripStarted, {"trip_id": f"t{n}"})
        car.daemon._heard([kind(id=str(n), t_ns=car.t_s * NS, boot_id="b", **extra)])
        car.stand(10)
        assert len(car.daemon._events) <= 45
    store.reason = None
    car.stand(30)
    started = {body["trip_id"] for body in store.bodies("TripStarted")} - {store.trips()[0]["id"]}
    reports = [body["counts"] for body in store.bodies("HealthReported")]
    told = {what: sum(r.get(what, 0) for r in reports) for what in ("late samples", "TripStarted given up")}
    assert told["late samples"] == 150, "a report that went is told again with the next"
    assert len(started) + told["TripStarted given up"] == 50
    assert "t196" in started
    assert "t0" not in started, "the oldest went"


def test_who_takes_no_events_does_not_fill_the_memory(store: Refusing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "RAISED_KEPT", 12)
    car = Car(store)
    for _ in range(4):
        car.drive(30)
    assert len(car.daemon.raised) == 12


def test_on_a_full_disk_rows_are_given_up_and_told_in_one_commit(store: Refusing) -> None:
    car = Car(store)
    car.far_side.is_there = False
    for _ in range(3):
        car.drive(30)
    first = store.trips()[0]["id"]
    store.to_shed = Shed(store.epoch, traces=(first,), rows=(1, 2), counts={"traces given up": 1}, voided={store.epoch: [(1, 2)]})
    store.reason = "full"
    car.drive(30)
    assert car.daemon.store_trouble is None
    assert store.trace(first).t_ns == []
    (voided,) = store.bodies("SequenceVoided")[:1]
    assert voided == {"epoch": store.epoch, "ranges": [[1, 2]], "why": "shed"}
    assert store.bodies("HealthReported")[0] == {"counts": {"traces given up": 1}}
    assert store.conn.execute("SELECT min(seq) FROM events").fetchone()[0] == 3


def test_a_shedding_planned_for_another_database_removes_nothing(store: Refusing) -> None:
    car = Car(store)
    car.drive(30)
    car.daemon.commit(Shed("another", rows=(1, 2), traces=(store.trips()[0]["id"],)))
    assert store.conn.execute("SELECT count(*) FROM events").fetchone()[0] == 2
    assert store.trace(store.trips()[0]["id"]).t_ns


def test_a_salvage_is_told_once(store: Refusing) -> None:
    car = Car(store)
    car.drive(30)
    noted = [Restored("old", [(3, 5)], {"database set aside, damaged": 1}), Restored(None, [], {"damaged rows left out": 2})]
    store.conn.execute("INSERT INTO meta VALUES ('restored', ?)", (msgspec.json.encode(noted).decode(),))
    store.close()
    again = Refusing(store.path, UNIT)
    car = Car(again, car.t_s, car.odometer_m)
    assert again.restored == noted
    car.stand(20)
    assert again.bodies("SequenceVoided") == [{"epoch": "old", "ranges": [[3, 5]], "why": "restored"}]
    assert again.bodies("HealthReported") == [{"counts": {"damaged rows left out": 2, "database set aside, damaged": 1}}]
    again.close()
    assert Store(store.path, UNIT).restored == []
