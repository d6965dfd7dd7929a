"""The whole daemon in simulated time, on a real store: what is written when, and that a power cut is nothing special."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import Owner, Service
from agent.daemon import Daemon
from agent.io.store import Batch, Store, StoreError
from agent.model import NS, Sample, Setup, Wall
from agent.plan import Plan
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from hil.powercut.day import drive
from tests.sim.entries import name_driver, set_odometer
from tests.sim.recorder import Recorder, live_on

WALL = Wall(1_793_000_000 * NS, "recorded")  # 2026-10-26 07:33:20 UTC
FIRST_M = 99_990_000
SETUP = Setup(
    "unit-1",
    Vehicle("test car", ignition=Ignition("signal"), odometer=OdometerProfile(100.0)),
    Owner(timezone="Europe/Berlin", tell_at="18:30"),
    (Service("oil change", 15_000.0, 84_995.0),),
)
PLAN = Plan(vehicle="test car", messages=())
CHUNK_S = 2


def a_day() -> list[list[Sample]]:
    """Two drives, 100,000 km and the oil change in the first, in pieces of two seconds."""
    samples = [*drive(10, 900, FIRST_M), *drive(5000, 120, FIRST_M + 13_400)]
    pieces: dict[int, list[Sample]] = {}
    for sample in samples:
        pieces.setdefault(sample[0] // (CHUNK_S * NS), []).append(sample)
    return list(pieces.values())


def live(daemon: Daemon, day: list[list[Sample]], store: Store, start: int = 0) -> None:
    """The day from its piece `start` on, to the evening."""
    live_on(daemon, day, WALL, store, start)


def events(store: Store) -> list[tuple[Any, ...]]:
    rows = store.conn.execute("SELECT seq, id, kind, t_ns, utc_ns, body FROM events ORDER BY seq").fetchall()
    return [tuple(r) for r in rows]


def told(store: Store) -> list[tuple[Any, ...]]:
    """The events without their numbers; but for prompts, which a process that starts holds until it knows the ignition."""
    return [row[1:] for row in events(store) if not row[2].startswith("Prompt")]


def prompts(store: Store) -> list[tuple[Any, ...]]:
    return [tuple(r) for r in store.conn.execute("SELECT id, topic, text, state, raised_ns FROM prompts ORDER BY id")]


def test_a_cut_after_any_commit_equals_a_tidy_run(tmp_path: Path) -> None:
    day = a_day()
    tidy = Recorder(tmp_path / "keyoff.db", "unit-1")
    live(Daemon(SETUP, PLAN, tidy, "boot-1"), day, tidy)
    expected = told(tidy)
    kinds = [e[1] for e in expected]
    assert kinds.count("TripEnded") == kinds.count("ServiceDue") == 2
    assert kinds.count("MilestoneReached") == 1
    assert [row[3] for row in prompts(tidy)].count("released") == 1, "the milestone; the service waits for appointments"
    assert len(tidy.copies) > 60
    for at, folder in tidy.copies:
        store = Store(folder / "keyoff.db", "unit-1")
        live(Daemon(SETUP, PLAN, store, "boot-1"), day, store, at)
        assert told(store) == expected, f"cut before piece {at}"
        assert prompts(store) == prompts(tidy), f"cut before piece {at}"
        assert [tuple(r) for r in store.trips()] == [tuple(r) for r in tidy.trips()]
        trip = store.trips()[0]["id"]
        assert store.trace(trip) == tidy.trace(trip)
        store.close()


def test_no_more_than_ten_seconds_are_uncommitted_and_no_more_than_one_routine_commit_in_eight(tmp_path: Path) -> None:
    store = Recorder(tmp_path / "keyoff.db", "unit-1")
    live(Daemon(SETUP, PLAN, store, "boot-1"), a_day()[:300], store)
    at_s = [piece * CHUNK_S for piece, _ in store.copies]
    gaps = [b - a for a, b in pairwise(at_s)]
    assert max(gaps) <= 10
    assert sum(1 for g in gaps if g < 8) <= 6, "only what is urgent comes sooner"


def test_the_prompt_waits_for_appointments_for_a_day_and_its_times_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    live(daemon, a_day(), store)
    daemon.tick(26 * 3600 * NS, WALL)
    daemon.commit()
    (prompt,) = store.conn.execute("SELECT * FROM prompts WHERE state = 'released' AND kind = 'service'").fetchall()
    assert prompt["held_by"].split("; ")[0] == "the ignition is on"
    assert "waiting for appointments" in prompt["held_by"].split("; ")
    assert prompt["raised_utc_ns"] < store.trips()[0]["end_utc_ns"], "it came due in mid-drive"
    assert prompt["released_utc_ns"] == WALL.utc_ns(prompt["raised_ns"] + 86_400 * NS)
    assert prompt["not_before_utc_ns"] == 1_793_122_200 * NS, "18:30, with the congratulation that nobody had confirmed"
    assert prompt["not_after_utc_ns"] == 1_793_133_000 * NS, "21:30 in Berlin"
    assert "99,995\u00a0km" in prompt["text"]


def test_a_replay_into_the_same_store_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    live(Daemon(SETUP, PLAN, store, "boot-1"), a_day(), store)
    before = events(store)
    live(Daemon(SETUP, PLAN, store, "boot-1"), a_day(), store)
    assert events(store) == before


def test_a_full_disk_keeps_events_in_memory_and_writes_them_when_it_can(tmp_path: Path) -> None:
    class Full(Store):
        refuses = False

        def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
            if self.refuses:
                raise StoreError("the disk is full")
            return super().commit(batch, utc_ns)

    store = Full(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    day = a_day()
    store.refuses = True
    for piece in day[:200]:
        daemon.tick(piece[0][0], WALL)
        daemon.samples(piece)
    assert daemon.store_trouble == "the disk is full"
    assert events(store) == []
    store.refuses = False
    live(daemon, day, store, 200)
    assert [e[2] for e in events(store)].count("TripEnded") == 2
    assert daemon.store_trouble is None


def test_assigning_a_trip_moves_it_and_the_sums(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    live(daemon, a_day(), store)
    name_driver(daemon, "ana")
    last = store.trips()[-1]
    assert last["driver"] == "ana"
    month_end = 40 * 24 * 3600 * NS
    daemon.tick(month_end, WALL)
    daemon.commit()
    rows = store.conn.execute("SELECT body FROM events WHERE kind = 'DriverSummary'").fetchall()
    sums = {s["driver"]: s for s in (msgspec.json.decode(r["body"]) for r in rows)}
    assert set(sums) == {"ana", "unknown"}
    assert sums["ana"]["metrics"]["distance_m"] == pytest.approx(msgspec.json.decode(last["metrics"])["distance_m"])
    attributed = store.conn.execute("SELECT body FROM events WHERE kind = 'TripAttributed'").fetchone()
    assert msgspec.json.decode(attributed["body"])["before"] == "unknown"


def test_an_entered_odometer_is_rebased_and_raises_no_milestone(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    daemon.tick(0, WALL)
    set_odometer(daemon, 250_000_000.0)
    assert [e[2] for e in events(store)] == ["OdometerRebased", "ServiceDue"]


def test_trips_get_their_hours_when_the_clock_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    for piece in a_day():
        daemon.tick(piece[0][0], None)
        daemon.samples(piece)
    daemon.tick(6000 * NS, None)
    assert [t["start_utc_ns"] for t in store.trips()] == [None, None]
    frozen = store.waiting(1, ())[0]
    daemon.tick(7000 * NS, WALL)
    daemon.commit()
    assert [t["start_utc_ns"] - WALL.offset_ns for t in store.trips()] == [10 * NS, 5000 * NS], "in their order, with their hours"
    rows = store.conn.execute("SELECT id, kind, utc_ns, t_ns FROM events ORDER BY seq").fetchall()
    assert [r["kind"] for r in rows].count("ClockCorrected") == 1
    assert all(r["utc_ns"] == r["t_ns"] + WALL.offset_ns for r in rows if r["id"] != frozen.id)
    assert store.waiting(1, ())[0].id != "" and b'"time"' not in frozen.payload, "what was handed out keeps its bytes"
    daemon.tick(40 * 24 * 3600 * NS, WALL)
    daemon.commit()
    summary = store.conn.execute("SELECT body FROM events WHERE kind = 'DriverSummary'").fetchall()
    assert len(summary) == 1
    assert msgspec.json.decode(summary[0]["body"])["trips"] + msgspec.json.decode(summary[0]["body"])["short_moves"] == 2
