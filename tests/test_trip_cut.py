"""trip: a power cut in mid-drive, bridged or told as two, and a process that is back in place."""

from __future__ import annotations

import pytest

from agent.events.odometer import DistanceUnaccounted
from agent.events.trip import TripEnded, TripStarted, TripStyled
from agent.model import Sample
from agent.signals import IGNITION, ODOMETER
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from tests.events.test_trip import by_activity, ends, key, merged
from tests.sim.car import BY_ACTIVITY, UTC_S, WALL, Bench, at, drive, every_second, wall

CUT_S = 200
BOOT_S = 20  # the second boot's clock when it first hears the bus again


def cut(
    gap_s: float = 40, *, quality: str = "synchronised", odometer: bool = False, key: bool = True, count_m: float = 1000
) -> Bench:
    """The default drive of 600 s; at 200 s the unit loses power, and is back `gap_s` later in another boot."""
    car = Vehicle("car", ignition=Ignition("signal" if key else "activity"), odometer=OdometerProfile(count_m))
    samples = drive(10, 600, odometer_m=20_000_000.0 if odometer else None, key=key, count_m=count_m)
    bench = Bench(car, wall=wall(UTC_S, quality=quality)).live(s for s in samples if s[0] < at(CUT_S))
    bench.restart("boot-2", wall=wall(UTC_S + CUT_S - 1 + gap_s - BOOT_S, quality=quality))
    shift_ns = at(BOOT_S - (CUT_S - 1 + gap_s))
    rest = [(t + shift_ns, s, v) for t, s, v in samples if t >= at(CUT_S - 1 + gap_s)]
    again: list[Sample] = [(at(BOOT_S), IGNITION, "ON")] if key else []
    return bench.live(again + rest).until(5000)


@pytest.mark.parametrize("key", [True, False])
def test_a_cut_shorter_than_the_gap_is_bridged_by_trusted_clocks(key: bool) -> None:
    bench = cut(40, key=key)
    trip = bench.trip
    assert trip.pieces == 2
    assert (trip.trip_id, trip.start_boot_id, trip.boot_id) == (bench.of(TripStarted)[0].trip_id, "boot-1", "boot-2")
    assert trip.metrics["duration_s"] == (601 if key else 600)
    assert trip.metrics["distance_m"] == pytest.approx((590 - 40) * 15)
    assert trip.metrics["unobserved_s"] == pytest.approx(41 if key else 40, abs=0.1)
    assert trip.start_utc_ns == at(UTC_S + 10)


@pytest.mark.parametrize("key", [True, False])
def test_a_longer_cut_is_told_as_two(key: bool) -> None:
    bench = cut(200, key=key)
    first, second = bench.of(TripEnded)
    assert [type(e) for e in bench.events if isinstance(e, (TripStarted, TripEnded))] == [TripStarted, TripEnded] * 2
    assert (first.ended_by, first.boot_id, first.end_ns) == ("power-loss", "boot-1", at(CUT_S - 1))
    assert first.end_utc_ns == at(UTC_S + CUT_S - 1)
    assert (second.start_boot_id, second.start_ns, second.pieces) == ("boot-2", at(BOOT_S), 1)
    assert first.id != second.id


def test_without_trusted_clocks_an_odometer_that_agrees_bridges_it() -> None:
    trip = cut(40, quality="unsure", odometer=True).trip
    assert trip.pieces == 2
    assert trip.metrics["duration_s"] == 601 - 40, "the gap's length is not known"


def test_without_trusted_clocks_an_odometer_that_went_on_does_not() -> None:
    bench = cut(200, quality="unsure", odometer=True, count_m=100)
    assert [e.ended_by for e in bench.of(TripEnded)] == ["power-loss", "ignition-off"]
    (lost,) = bench.of(DistanceUnaccounted)
    assert lost.unaccounted_m == pytest.approx(200 * 15, abs=150)
    assert sum(e.metrics["distance_m"] for e in bench.of(TripEnded)) == pytest.approx((590 - 200) * 15)


def test_without_clock_and_odometer_it_is_told_as_two_a_minute_after_the_boot() -> None:
    bench = cut(40, quality="unsure")
    assert [e.ended_by for e in bench.of(TripEnded)] == ["power-loss", "ignition-off"]
    assert [type(e) for e in bench.events if isinstance(e, (TripStarted, TripEnded))] == [TripStarted, TripEnded] * 2
    assert bench.of(TripStarted)[1].t_ns == at(BOOT_S + 60)


def test_a_clock_that_comes_within_the_minute_decides() -> None:
    bench = Bench().live(s for s in drive(10, 600) if s[0] < at(CUT_S)).restart("boot-2", wall=None)
    again = drive(BOOT_S, 300)
    bench.live(s for s in again if s[0] < at(50))
    assert len(bench.of(TripStarted)) == 1
    bench.wall = wall(UTC_S + CUT_S + 30, at_s=BOOT_S)
    trip = bench.live(s for s in again if s[0] >= at(50)).until(5000).trip
    assert trip.pieces == 2


def test_a_clock_that_comes_later_undoes_a_wrong_guess() -> None:
    """Cut when nearly home, the odometer unchanged by one count: the next morning looks like the same drive."""
    car = Vehicle("car", ignition=Ignition("signal"), odometer=OdometerProfile(1000.0))
    evening = [s for s in drive(10, 600, odometer_m=20_000_000.0, count_m=1000.0) if s[0] < at(CUT_S)]
    bench = Bench(car).live(evening).restart("boot-2", wall=None)
    morning = drive(BOOT_S, 300, odometer_m=20_002_900.0, count_m=1000.0)
    bench.live(s for s in morning if s[0] < at(100))
    assert len(bench.of(TripStarted)) == 1
    bench.wall = wall(UTC_S + 30_000, at_s=BOOT_S)
    bench.live(s for s in morning if s[0] >= at(100)).until(5000)
    first, second = bench.of(TripEnded)
    assert (first.ended_by, first.pieces, second.ended_by, second.pieces) == ("power-loss", 1, "ignition-off", 1)
    assert second.metrics["duration_s"] == 301
    assert [e.trip_id for e in bench.of(TripStarted)] == [first.trip_id, second.trip_id]


def cranking(quality: str) -> Bench:
    """Ignition on, the battery sags while cranking, the unit boots anew 25 s later, the odometer as it was."""
    before = merged(key((10, "ON")), every_second(10, [0.0] * 4), every_second(10, [20_000_000.0] * 4, ODOMETER))
    bench = Bench(wall=wall(UTC_S, quality=quality)).live(before)
    bench.restart("boot-2", wall=wall(UTC_S + 13 + 25 - BOOT_S, quality=quality))
    return bench.live(drive(BOOT_S, odometer_m=20_000_000.0)).until(5000)


def test_a_brown_out_while_cranking_is_bridged_by_trusted_clocks_and_told_without() -> None:
    assert cranking("synchronised").trip.pieces == 2
    told = cranking("unsure")
    assert [(e.kind, e.ended_by) for e in told.of(TripEnded)] == [("short_move", "power-loss"), ("trip", "ignition-off")]


@pytest.mark.parametrize("quality", ["synchronised", "unsure"])
def test_two_cuts_in_a_row(quality: str) -> None:
    """Cranking twice. Nothing is lost: each piece is in exactly one trip, and each trip started once."""
    first = [s for s in drive(10, 300) if s[0] < at(100)]
    bench = Bench(wall=wall(UTC_S, quality=quality)).live(first)
    bench.restart("boot-2", wall=wall(UTC_S + 99 + 25 - BOOT_S, quality=quality))
    bench.live(s for s in drive(BOOT_S, 300) if s[0] < at(BOOT_S + 30))
    bench.restart("boot-3", wall=wall(UTC_S + 99 + 25 + 29 + 25 - BOOT_S, quality=quality))
    bench.live(drive(BOOT_S, 300)).until(5000)
    trips, starts = bench.of(TripEnded), bench.of(TripStarted)
    assert sum(e.metrics["distance_m"] for e in trips) == pytest.approx(15 * (84 + 24 + 290))
    assert sorted(e.trip_id for e in starts) == sorted({e.trip_id for e in trips})
    for trip in trips:
        said = [e for e in bench.events if getattr(e, "trip_id", "") == trip.trip_id]
        assert [type(e) for e in said] == [TripStarted, TripEnded, TripStyled]
    if quality == "synchronised":
        (trip,) = trips
        assert (trip.pieces, trip.start_boot_id, trip.boot_id) == (3, "boot-1", "boot-3")
        assert trip.metrics["duration_s"] == 89 + 25 + 29 + 25 + 301
    else:
        assert [e.ended_by for e in trips] == ["power-loss", "power-loss", "ignition-off"]
        assert [e.boot_id for e in trips] == ["boot-1", "boot-2", "boot-3"]


def test_a_piece_that_was_never_announced_is_when_it_goes_on() -> None:
    """The first boot has no clock, so the second cannot tell yet whether it goes on; the third goes on with the second."""
    bench = Bench(wall=None).live(s for s in drive(10, 300) if s[0] < at(100)).restart("boot-2", wall=WALL)
    bench.live(s for s in drive(BOOT_S, 300) if s[0] < at(BOOT_S + 30))
    bench.restart("boot-3", wall=wall(UTC_S + BOOT_S + 29 + 25, at_s=BOOT_S)).live(drive(BOOT_S, 300)).until(5000)
    said = [e for e in bench.events if isinstance(e, (TripStarted, TripEnded))]
    first, second = bench.of(TripEnded)
    assert [type(e) for e in said] == [TripStarted, TripEnded, TripStarted, TripEnded]
    assert said[2].trip_id == second.trip_id
    assert bench.of(TripStarted)[1].start_utc_ns == second.start_utc_ns == at(UTC_S + BOOT_S)
    assert (first.pieces, second.pieces) == (1, 2)


def test_a_cut_after_a_stitched_piece_ends_in_the_boot_it_was_cut_in() -> None:
    bench = Bench().live(s for s in drive(10, 300) if s[0] < at(100))
    bench.restart("boot-2", wall=wall(UTC_S + 99 + 25, at_s=BOOT_S))
    bench.live(s for s in drive(BOOT_S, 300) if s[0] < at(BOOT_S + 30))
    bench.restart("boot-3", wall=wall(UTC_S + 9000)).until(1).until(500)
    trip = bench.trip
    assert (trip.ended_by, trip.pieces, trip.start_boot_id, trip.boot_id) == ("power-loss", 2, "boot-1", "boot-2")
    assert (trip.end_ns, trip.end_utc_ns) == (at(BOOT_S + 29), at(UTC_S + 99 + 25 + 29))


def test_a_trip_cut_and_never_gone_on_with_is_told_a_minute_after_the_next_boot() -> None:
    bench = Bench().live(s for s in drive() if s[0] < at(100)).restart("boot-2", wall=None)
    bench.until(300)
    assert bench.kinds() == ["TripStarted"]
    bench.until(359)
    assert bench.kinds() == ["TripStarted"], "a minute of this boot, whenever its first word came"
    assert ends(bench.until(360)) == [(10, 99, "power-loss")]


def test_a_unit_that_lives_on_the_ignitions_power_tells_ignition_off() -> None:
    """The last it hears is ignition-off; then its power is gone. Next morning that is what it tells."""
    bench = Bench().live(drive()).restart("boot-2", wall=wall(UTC_S + 30_000, at_s=BOOT_S))
    bench.live(drive(BOOT_S)).until(5000)
    assert [(e.ended_by, e.pieces) for e in bench.of(TripEnded)] == [("ignition-off", 1)] * 2
    assert bench.of(TripEnded)[0].end_ns == at(311)


@pytest.mark.parametrize(("off_s", "trips"), [(25, 1), (35, 2)])
def test_and_off_and_on_again_is_still_ignored_below_thirty_seconds(off_s: float, trips: int) -> None:
    bench = Bench().live(drive()).restart("boot-2", wall=wall(UTC_S + 311 + off_s, at_s=BOOT_S))
    bench.live(drive(BOOT_S)).until(5000)
    assert len(bench.of(TripEnded)) == trips


def test_a_cut_while_parked_tells_nothing() -> None:
    bench = Bench().live(drive()).until(1000)
    assert bench.kinds() == ["TripStarted", "TripEnded"]
    bench.restart("boot-2", wall=None).until(500).live(drive(1000)).until(5000)
    assert bench.kinds() == ["TripStarted", "TripEnded"] * 2


def test_a_cut_while_waking_tells_nothing() -> None:
    bench = Bench(BY_ACTIVITY).live(every_second(0, [0.0] * 60)).restart("boot-2", wall=None).until(5000)
    assert bench.kinds() == []


@pytest.mark.parametrize("key", [True, False])
def test_a_process_that_is_back_in_five_seconds_goes_on_in_place(key: bool) -> None:
    car = Bench().setup.vehicle if key else BY_ACTIVITY
    samples = drive(rpm=900.0, key=key)
    bench = Bench(car).live(s for s in samples if s[0] < at(100)).restart()
    trip = bench.live(s for s in samples if s[0] >= at(105)).until(5000).trip
    assert (trip.pieces, trip.start_boot_id) == (1, "boot-1")
    assert trip.metrics["distance_m"] == pytest.approx((290 - 6) * 15)


def test_a_process_that_is_back_after_hours_ends_the_trip_where_it_was() -> None:
    bench = Bench(BY_ACTIVITY).live(by_activity()).restart().until(40_000)
    assert ends(bench) == [(10, 310, "silence")]


def test_a_clock_first_known_in_the_second_boot_does_not_date_the_first() -> None:
    bench = Bench(wall=None).live(s for s in drive() if s[0] < at(100)).restart("boot-2", wall=WALL)
    bench.live(drive(BOOT_S)).until(5000)
    first, second = bench.of(TripEnded)
    assert (first.start_utc_ns, first.end_utc_ns, first.clock) == (None, None, "none")
    assert second.start_utc_ns == at(UTC_S + BOOT_S)
