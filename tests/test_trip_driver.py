"""A trip's driver through the whole engine and the whole daemon: evidence, power cuts, the household's word, learning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import Owner
from agent.daemon import Daemon
from agent.events.driver_style import DriverStyle
from agent.events.household import ConsentChanged, DriverSaved
from agent.events.trip import TripEnded, TripStyled
from agent.household import Driver
from agent.io.store import Batch, Store
from agent.model import NS, Sample, Setup, Wall
from agent.plan import Plan
from agent.records import trip_row
from agent.signals import IGNITION, KEY_FOB, ODOMETER, PHONE_TAG, SEAT_MEMORY, SPEED
from agent.style import WHOLE
from agent.style.who import Learned
from hil.bench.drives import plan_of
from hil.vehicle import HOUSEHOLD, PlannedDrive, car, frames, play
from tests.sim.car import BY_ACTIVITY, BY_SIGNAL, OWNER, UTC_S, WALL, Bench, at, drive, wall, without
from tests.sim.recorder import Recorder, live_on

ANA = Driver("ana", key_fobs=("1",), seat_memories=("1",), phone_tags=("aa",))
BEN = Driver("ben", key_fobs=("2",), seat_memories=("2",))


def bench(*drivers: Driver, **setup: Any) -> Bench:
    made = Bench(**setup)
    for driver in drivers or (ANA, BEN):
        made.engine.raised([DriverSaved(id=f"saved {driver.id}", t_ns=0, boot_id="boot-1", driver=driver)])
    return made


def with_(samples: Iterable[Sample], *more: Sample) -> list[Sample]:
    return sorted([*samples, *more], key=lambda s: s[0])


def key(t_s: float, text: str, signal: str = KEY_FOB) -> Sample:
    return at(t_s), signal, text


def who(trip: TripEnded) -> tuple[str, str, float | None]:
    return trip.driver, trip.driver_how, trip.driver_sure


# -- evidence, in the engine ---------------------------------------------------------------------------


@pytest.mark.parametrize("car", [BY_SIGNAL, BY_ACTIVITY], ids=["signal", "activity"])
def test_a_tag_that_is_read_once_counts_for_the_whole_trip(car: Any) -> None:
    made = bench(vehicle=car)
    made.live(with_(drive(20, rpm=900), key(20.5, "1"))).until(5000)
    assert who(made.trip) == ("ana", "key fob", 0.95)
    (styled,) = made.of(TripStyled)
    assert (styled.trip_id, styled.driver, styled.said) == (made.trip.trip_id, "ana", {"key fob": "1"})
    assert made.kinds()[-1] != "TripStyled", "it stays on the unit"


@pytest.mark.parametrize("car", [BY_SIGNAL, BY_ACTIVITY], ids=["signal", "activity"])
def test_one_that_is_read_before_the_start_counts_too(car: Any) -> None:
    made = bench(vehicle=car)
    made.live(with_(drive(200, rpm=900), key(190, "1"))).until(5000)
    assert who(made.trip) == ("ana", "key fob", 0.95)
    assert bench().live(with_(drive(200), key(70, "1"))).until(5000).trip.driver == "unknown", "two minutes before: whose was it?"


def test_after_the_first_nothing_changes_until_the_ignition_goes_off() -> None:
    later = [key(30 + n, text, signal) for n, text in enumerate(("2", "1", "2")) for signal in (KEY_FOB, SEAT_MEMORY)]
    made = bench().live(with_(drive(20), key(20.5, "1"), key(20.5, "1", SEAT_MEMORY), *later)).until(999)
    assert who(made.trip) == ("ana", "key fob", 0.95)


def test_the_next_trip_has_its_own_driver() -> None:
    getting_out, getting_in = key(325, "1"), key(480, "2")
    made = bench()
    made.live(with_(drive(20), key(20.5, "1"), getting_out)).live(with_(drive(500), getting_in)).until(1500)
    assert [t.driver for t in made.of(TripEnded)] == ["ana", "ben"]
    made = bench().live(with_(drive(20), key(20.5, "1"))).live(drive(500)).until(1500)
    assert [who(t) for t in made.of(TripEnded)][1] == ("unknown", "unknown", None)


def test_a_short_stop_with_the_ignition_off_is_the_same_trip_and_driver() -> None:
    off_on: list[Sample] = [(at(100), IGNITION, "OFF"), key(105, "2"), (at(110), IGNITION, "ON"), key(111, "2")]
    made = bench().live(with_(drive(20), key(20.5, "1"), *off_on)).until(999)
    assert made.trip.driver == "ana"


def test_nobodys_key_is_nobody_and_the_default_is_told_as_one() -> None:
    assert who(bench().live(with_(drive(20), key(21, "7"))).until(999).trip) == ("unknown", "unknown", None)
    made = bench(owner=Owner(driver="cem")).live(with_(drive(20), key(21, "7"))).until(999)
    assert who(made.trip) == ("cem", "default", 0.6)


def test_a_key_that_two_have_tells_of_nobody_and_says_so() -> None:
    made = bench(ANA, msgspec.structs.replace(BEN, key_fobs=("1",))).live(with_(drive(20), key(21, "1"))).until(999)
    assert who(made.trip) == ("unknown", "key fob", None)


def test_who_is_entered_in_mid_trip_is_known_at_its_end() -> None:
    made = bench(BEN)
    made.live(s for s in with_(drive(20), key(21, "1")) if s[0] < at(100))
    made.engine.raised([DriverSaved(id="later", t_ns=at(100), boot_id="boot-1", driver=ANA)])
    made.live(s for s in drive(20) if s[0] >= at(100)).until(999)
    assert made.trip.driver == "ana"


# -- power cuts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [None, "2"])
def test_a_stitched_trip_keeps_what_was_heard_first(second: str | None) -> None:
    made = bench()
    made.live(s for s in with_(drive(10, 300), key(11, "1"), key(12, "2", SEAT_MEMORY)) if s[0] < at(99))
    made.restart("boot-2", wall=wall(UTC_S + 99 + 25, at_s=20))
    rest = with_(drive(20, 300), *([key(21, second)] if second else []), key(22, "aa", PHONE_TAG))
    made.live(rest).until(999)
    assert made.trip.pieces == 2
    assert (made.trip.driver, made.trip.driver_how) == ("ana", "key fob")
    (styled,) = made.of(TripStyled)
    assert styled.said == {"key fob": "1", "seat memory": "2", "phone tag": "aa"}


def test_a_trip_that_ends_with_the_power_has_the_driver_of_its_piece() -> None:
    made = bench()
    made.live(s for s in with_(drive(10, 300), key(11, "1")) if s[0] < at(99))
    made.restart("boot-2", wall=wall(UTC_S + 9000, at_s=20)).live(with_(drive(20, 300), key(21, "2"))).until(999)
    assert [(t.driver, t.ended_by) for t in made.of(TripEnded)] == [("ana", "power-loss"), ("ben", "ignition-off")]


def test_what_was_heard_before_the_power_came_back_is_not_of_this_drive() -> None:
    made = bench()
    made.live([key(5, "1")]).restart("boot-2").live(drive(20)).until(999)
    assert made.trip.driver == "unknown"


@pytest.mark.parametrize("cut_s", range(11, 330, 29))
def test_the_process_may_end_at_any_time(cut_s: int) -> None:
    samples = with_(drive(10, 310), key(8, "2"), key(11, "1"), key(40, "2"), key(50, "2", SEAT_MEMORY))
    tidy = bench().live(samples).until(999)
    made = bench().live(s for s in samples if s[0] < at(cut_s)).restart()
    made.live(s for s in samples if s[0] >= at(cut_s)).until(999)
    assert made.of(TripEnded) == tidy.of(TripEnded)
    assert made.of(TripStyled) == tidy.of(TripStyled)
    assert made.trip.driver == "ana"
    assert tidy.of(TripStyled)[0].features[WHOLE], "and there is something to learn"


# -- style -------------------------------------------------------------------------------------------------


def town(start_s: float, accel_ms2: float, cruise_kmh: float, noise: int, fob: str | None = None) -> list[Sample]:
    """Ten starts and stops; `noise` makes no two trips the same."""
    speeds = [0.0]
    for n in range(10):
        now_ms2 = accel_ms2 * (1 + 0.05 * ((n * 7 + noise * 3) % 5 - 2))
        top_ms = cruise_kmh / 3.6 * (1 + 0.02 * ((n + noise) % 5 - 2))
        up = [min(top_ms, k * now_ms2) for k in range(1, int(top_ms / now_ms2) + 2)]
        speeds += [*up, *[top_ms] * 25, *reversed(up[:-1]), 0.0, 0.0]
    on_off: list[Sample] = [(at(start_s), IGNITION, "ON"), (at(start_s + len(speeds)), IGNITION, "OFF")]
    told = [key(start_s + 1, fob)] if fob else []
    return with_([(at(start_s + n), SPEED, v * 3.6) for n, v in enumerate(speeds)], *on_off, *told)


CALM, BRISK, WILD = (0.9, 42.0), (1.7, 55.0), (4.5, 66.0)


def life(*trips: tuple[tuple[float, float], str | None]) -> Iterator[list[Sample]]:
    for n, ((accel_ms2, kmh), fob) in enumerate(trips):
        yield town(1000 + 2000 * n, accel_ms2, kmh, n, fob)


def test_a_driver_whose_key_is_not_told_is_known_by_style_and_a_guest_is_not() -> None:
    made = bench()
    known: list[tuple[tuple[float, float], str | None]] = [(CALM, "1"), (BRISK, "2")] * 8
    for samples in life(*known, (CALM, None), (BRISK, None), (WILD, None)):
        made.live(samples)
    trips = made.until(99_000).of(TripEnded)
    assert [t.driver_how for t in trips[:16]] == ["key fob"] * 16
    assert [(t.driver, t.driver_how) for t in trips[16:]] == [("ana", "style"), ("ben", "style"), ("unknown", "unknown")]
    assert all(0.9 <= (t.driver_sure or 0) <= 1 for t in trips[16:18])
    rule = next(r for r in made.engine.rules if isinstance(r, DriverStyle))
    assert {d: sums[0] for d, sums in rule.state.lent.windows[WHOLE].drivers.items()} == {"ana": 8, "ben": 8}, "not from guesses"


# -- the whole daemon --------------------------------------------------------------------------------------

SETUP = Setup("unit-1", BY_SIGNAL, OWNER)
PLAN = Plan(vehicle="test car", messages=())
BOOT_WALL = Wall(WALL.offset_ns, "recorded")


def a_day() -> list[list[Sample]]:
    """Ana's drive by key, Ben's, and one that nobody's key was in; in pieces of two seconds."""
    samples = [*town(10, *CALM, 0, "1"), *town(2000, *BRISK, 1, "2"), *without(town(4000, *CALM, 2), 0, 0)]
    pieces: dict[int, list[Sample]] = {}
    for sample in [*samples, *((at(t), ODOMETER, 5e6) for t in range(10, 4600, 30))]:
        pieces.setdefault(sample[0] // (2 * NS), []).append(sample)
    return [sorted(pieces[n], key=lambda s: s[0]) for n in sorted(pieces)]


def entered(store: Store) -> Daemon:
    daemon = Daemon(SETUP, PLAN, store, "boot-1")
    daemon.tick(NS, BOOT_WALL)
    for driver in (ANA, BEN):
        daemon.enter("DriverSaved", {"driver": msgspec.to_builtins(driver)}, f"r {driver.id}")
    return daemon


def live(daemon: Daemon, day: list[list[Sample]], store: Store, start: int = 0) -> Daemon:
    live_on(daemon, day, BOOT_WALL, store, start)
    return daemon


def kept(store: Store) -> list[tuple[Any, ...]]:
    return [(t["driver"], t["driver_how"], t["driver_sure"]) for t in store.trips()]


def sums(daemon: Daemon) -> dict[str, float]:
    """The month's metres by driver."""
    daemon.commit()
    months = msgspec.json.decode(daemon.store.states()["driver_summary"][1])["months"]
    (month,) = months.values()
    return {driver: each["sums"]["metrics"]["distance_m"] for driver, each in month["drivers"].items()}


def learned(daemon: Daemon) -> dict[str, float]:
    rule = next(r for r in daemon.engine.rules if isinstance(r, DriverStyle))
    return {d: each[0] for d, each in rule.state.lent.windows.get(WHOLE, Learned()).drivers.items()}


def test_a_cut_after_any_commit_equals_a_tidy_run(tmp_path: Path) -> None:
    day, tidy = a_day(), Recorder(tmp_path / "keyoff.db", "unit-1")
    whole = live(entered(tidy), day, tidy)
    assert kept(tidy) == [("ana", "key fob", 0.95), ("ben", "key fob", 0.95), ("unknown", "unknown", None)]
    assert len(tidy.copies) > 60
    for at_piece, folder in tidy.copies[2::21]:
        store = Store(folder / "keyoff.db", "unit-1")
        again = live(Daemon(SETUP, PLAN, store, "boot-1"), day, store, at_piece)
        assert kept(store) == kept(tidy), f"cut before piece {at_piece}"
        assert store.states()["driver_style"] == tidy.states()["driver_style"]
        assert learned(again) == learned(whole) == {"ana": 1, "ben": 1}
        store.close()


def test_this_was_ana_moves_the_trip_the_sums_and_what_was_learned_both_ways(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = live(entered(store), a_day(), store)
    before = sums(daemon)
    ids = [t["id"] for t in store.trips()]
    daemon.enter("TripAttributed", {"trip_id": ids[1], "driver": "ana"}, "c1")
    daemon.enter("TripAttributed", {"trip_id": ids[2], "driver": "ana"}, "c2")
    assert kept(store) == [("ana", "key fob", 0.95), ("ana", "household", 1.0), ("ana", "household", 1.0)]
    assert sums(daemon) == {"ana": pytest.approx(sum(before.values()))}
    assert learned(daemon) == {"ana": 3}
    daemon.enter("TripAttributed", {"trip_id": ids[1], "driver": "ben"}, "c3")
    daemon.enter("TripAttributed", {"trip_id": ids[2], "driver": "unknown"}, "c4")
    assert sums(daemon) == {d: pytest.approx(m) for d, m in before.items()}
    assert learned(daemon) == {"ana": 1, "ben": 1}
    bodies = [r["body"] for r in store.conn.execute("SELECT body FROM events WHERE kind = 'TripAttributed' ORDER BY seq")]
    assert [(e["driver"], e["before"], e["how"]) for e in map(msgspec.json.decode, bodies)] == [
        ("ana", "ben", "household"),
        ("ana", "unknown", "household"),
        ("ben", "ana", "household"),
        ("unknown", "ana", "household"),
    ]


def test_a_removed_drivers_trips_keep_the_id_and_their_style_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = live(entered(store), a_day(), store)
    daemon.enter("DriverRemoved", {"driver": "ben"}, "c1")
    assert [driver for driver, _, _ in kept(store)] == ["ana", "ben", "unknown"]
    assert learned(daemon) == {"ana": 1}


def test_no_routine_commit_carries_what_was_learned(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    daemon = live(entered(store), a_day(), store)
    daemon.enter("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True}, "c1")
    while_driving = [s for s in town(60_000, *CALM, 3, "1") if s[0] < at(60_100)]
    daemon.samples(while_driving)
    daemon.commit()
    assert "driver_style" not in store._routine.states
    assert len(store._routine.states["trip"][1]) < 5_000


def test_what_a_person_enters_does_not_move_what_was_learned_into_the_routine_row(tmp_path: Path) -> None:
    store = Store(tmp_path / "keyoff.db", "unit-1")
    store.commit(Batch(states={"driver_style": (1, b"[1]"), "trip": (1, b"[1]")}))
    store.commit(Batch(states={"driver_style": (1, b"[2]"), "trip": (1, b"[1]")}, quiet=False))
    store.commit(Batch(states={"driver_style": (1, b"[2]"), "trip": (1, b"[2]")}))
    assert set(store._routine.states) == {"trip"}
    store.close()


def test_a_row_says_how_the_driver_is_known() -> None:
    made = bench().live(with_(drive(20), key(21, "1"))).until(999)
    row = trip_row(made.trip)
    assert row is not None
    assert (row["driver"], row["driver_how"], row["driver_sure"]) == ("ana", "key fob", 0.95)


def test_a_consent_does_not_touch_what_a_key_means() -> None:
    made = bench()
    consent = ConsentChanged(id="c", t_ns=0, boot_id="boot-1", driver="ana", purpose="compare", granted=True)
    made.engine.raised([consent])
    assert made.live(with_(drive(20), key(21, "1"))).until(999).trip.driver == "ana"


# -- the simulated household ---------------------------------------------------------------------------------


def test_the_simulated_household_is_known_by_its_keys(tmp_path: Path) -> None:
    """Frames on the bus → DBC → decoder → engine: each trip is whose key it was, Kim's though nobody knows her name."""
    setup, plan = plan_of("sim_petrol")
    plans = [PlannedDrive(h * 3600 * NS, p.name, p.style, ("us06",), 1, p.key_fob) for h, p in enumerate(HOUSEHOLD.people, 1)]
    store = Store(tmp_path / "keyoff.db", "bench")
    daemon = Daemon(setup, plan, store, "boot-1")
    for driver in (Driver("alex", key_fobs=("1",)), Driver("robin", seat_memories=("2",))):
        daemon.enter("DriverSaved", {"driver": msgspec.to_builtins(driver)}, driver.id)
    for planned, driven in play(plans, car("sim_petrol")):
        for _, chunk in groupby(frames(driven, planned.start_utc_ns, max_frames_per_s=40), key=lambda f: f.t_ns // (2 * NS)):
            piece = list(chunk)
            daemon.tick(piece[0].t_ns, None)
            daemon.frames(piece)
    daemon.tick(9 * 3600 * NS, None)
    assert kept(store) == [("alex", "key fob", 0.95), ("robin", "seat memory", 0.9), ("unknown", "unknown", None)]
    rule = next(r for r in daemon.engine.rules if isinstance(r, DriverStyle))
    assert rule.state.said == {"key fob": "3", "seat memory": "3"}, "ready for: keyoff drivers bind kim --last-trip"
    store.close()
