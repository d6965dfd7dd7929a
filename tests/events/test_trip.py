"""trip: each row of its table, and what must not split, merge or invent a trip."""

from __future__ import annotations

import pytest

from agent.config import Owner
from agent.events.trip import SHORT_M, STANDING_S, WAKING_S, TripEnded, TripStarted
from agent.model import NS, Sample, derive_id
from agent.signals import ENGINE_SPEED, IGNITION, SPEED
from agent.stitch import GRACE_S
from agent.vehicle import Ignition, TripProfile, Vehicle
from tests.sim.car import BY_ACTIVITY, UTC_S, WALL, Bench, at, drive, every_second, trapezoid, wall, without

GAP_S = BY_ACTIVITY.trip.gap_s


def key(*times: tuple[float, str]) -> list[Sample]:
    return [(at(t_s), IGNITION, word) for t_s, word in times]


def merged(*lists: list[Sample]) -> list[Sample]:
    return sorted((s for one in lists for s in one), key=lambda s: s[0])


def ends(bench: Bench) -> list[tuple[float, float, str]]:
    """(start, end, ended by) of each trip, in seconds."""
    return [(e.start_ns / NS, e.end_ns / NS, e.ended_by) for e in bench.of(TripEnded)]


# -- by the ignition's signal ------------------------------------------------------------------------


def test_from_ignition_on_to_off() -> None:
    bench = Bench().live(drive()).until(1000)
    trip = bench.trip
    assert ends(bench) == [(10, 311, "ignition-off")]
    assert (trip.kind, trip.pieces, trip.driver, trip.clock) == ("trip", 1, "unknown", "synchronised")
    assert (trip.start_utc_ns, trip.end_utc_ns) == (at(UTC_S + 10), at(UTC_S + 311))
    assert trip.metrics["distance_m"] == pytest.approx(290 * 15)
    assert trip.metrics["duration_s"] == 301
    assert trip.metrics["unobserved_s"] == pytest.approx(1.0)


def test_started_is_said_at_once_and_ended_when_the_grace_is_over() -> None:
    bench = Bench().live(drive()[:1])
    assert bench.kinds() == ["TripStarted"]
    bench.live(drive()[1:]).until(311 + GRACE_S - 0.1)
    assert bench.kinds() == ["TripStarted"]
    assert bench.until(311 + GRACE_S).kinds() == ["TripStarted", "TripEnded"]


def test_a_parked_cars_bus_is_no_trip() -> None:
    parked = merged(key((5, "OFF"), (50, "ACC"), (60, "LOCK")), every_second(0, [0.0] * 200, SPEED))
    assert Bench().live(parked).until(1000).finish().kinds() == []


@pytest.mark.parametrize(("off_s", "trips"), [(29.9, 1), (30.0, 2), (300.0, 2)])
def test_off_and_on_again_is_ignored_below_thirty_seconds(off_s: float, trips: int) -> None:
    words = key((10, "ON"), (111, "OFF"), (111 + off_s, "ON"), (400 + off_s, "OFF"))
    door: list[Sample] = [(at(120), "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", True)]
    samples = merged(words, drive(10, 100, key=False), door, drive(111 + off_s, 100, key=False))
    bench = Bench()
    bench.events = bench.engine.feed(samples)  # at once: nobody wakes it in between
    bench.until(2000)
    assert len(bench.of(TripEnded)) == len(bench.of(TripStarted)) == trips
    assert sum(e.metrics["distance_m"] for e in bench.of(TripEnded)) == pytest.approx(2 * 90 * 15)


def test_seconds_after_ignition_off_are_no_part_of_the_trip() -> None:
    rolling = every_second(312, [3.6] * 20)
    trip = Bench().live(merged(drive(), rolling)).until(1000).trip
    assert trip.metrics["distance_m"] == pytest.approx(290 * 15)
    assert trip.end_ns == at(311)


def test_and_they_are_when_it_comes_on_again() -> None:
    rolling = every_second(311, [3.6] * 10)
    trip = Bench().live(merged(drive(), rolling, key((325, "ON"), (400, "OFF")))).until(1000).trip
    assert trip.metrics["distance_m"] == pytest.approx(290 * 15 + 9.5, abs=0.6)
    assert trip.end_ns == at(400)


def test_standing_with_the_ignition_on_does_not_end_it() -> None:
    stop = every_second(321, [0.0] * 3000)
    samples = merged(key((10, "ON"), (4000, "OFF")), every_second(10, trapezoid(300)), stop, every_second(3400, trapezoid(300)))
    trip = Bench().live(samples).until(9000).trip
    assert trip.metrics["distance_m"] == pytest.approx(2 * 290 * 15)


def test_stop_start_and_a_hybrids_silent_engine_do_not_end_it() -> None:
    samples = merged(drive(10, 600), every_second(10, ([900.0] * 60 + [0.0] * 60) * 5, ENGINE_SPEED))
    assert Bench().live(samples).until(9000).trip.metrics["distance_m"] == pytest.approx(590 * 15)


@pytest.mark.parametrize("words", [["START", "ON"], ["ON", None, "ON"], ["ON", "START"], ["UNDEFINED"]])
def test_what_else_the_ignition_says_while_it_is_on_changes_nothing(words: list[str | None]) -> None:
    more: list[Sample] = [(at(20 + n), IGNITION, word) for n, word in enumerate(words)]
    assert ends(Bench().live(merged(drive(), more)).until(1000)) == [(10, 311, "ignition-off")]


def test_which_words_mean_on_is_the_profiles() -> None:
    car = Vehicle("car", ignition=Ignition("signal", on=("ACC",)))
    assert ends(Bench(car).live(merged(drive(key=False), key((5, "ON"), (10, "ACC"), (311, "OFF")))).until(999)) == [
        (10, 311, "ignition-off")
    ]


def test_a_bus_that_falls_silent_ends_it_and_the_next_ignition_on_is_news() -> None:
    silent = [s for s in drive() if s[2] != "OFF"]
    again = [s for s in drive(1000) if s[2] != "OFF"]
    bench = Bench().live(silent).until(900).live(again).until(3000)
    assert ends(bench) == [(10, 310, "silence"), (1000, 1300, "silence")]
    assert bench.kinds() == ["TripStarted", "TripEnded"] * 2


def test_any_signal_shows_that_the_bus_lives() -> None:
    door: list[Sample] = [(at(t), "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", False) for t in range(300, 900, 60)]
    samples = merged([s for s in drive() if s[2] != "OFF"], door, key((900, "OFF")))
    bench = Bench()
    bench.events = bench.engine.feed(samples)
    assert ends(bench.until(2000)) == [(10, 900, "ignition-off")]


def test_ignition_off_says_more_than_the_silence_after_it() -> None:
    car = Vehicle("car", ignition=Ignition("signal"), trip=TripProfile(gap_s=10.0))
    assert ends(Bench(car).live(drive()).until(1000)) == [(10, 311, "ignition-off")]


def test_yesterdays_last_second_is_no_part_of_todays_trip() -> None:
    """The bus falls silent in mid-second after ignition-off; the night passes in the same boot."""
    evening = [*drive(), (at(315.0), SPEED, 20.0), (at(315.7), SPEED, 20.0)]
    bench = Bench().live(evening).until(30_000).live(drive(30_000)).until(40_000)
    first, second = bench.of(TripEnded)
    assert second.metrics["distance_m"] == pytest.approx(first.metrics["distance_m"])
    assert second.metrics["speed_band_s"] == pytest.approx(first.metrics["speed_band_s"])


def test_what_was_before_ignition_on_is_no_part_of_the_trip() -> None:
    """Rolled to the road in neutral; the last second of it is closed after the ignition came on."""
    rolling: list[Sample] = [(at(t), SPEED, 10.0) for t in (5.0, 6.0, 6.7)]
    bench = Bench().live(merged(rolling, key((10, "ON"), (399, "OFF")), every_second(12, trapezoid(300)))).until(999)
    assert bench.trip.metrics["distance_m"] == pytest.approx(290 * 15)


# -- by activity -------------------------------------------------------------------------------------


def by_activity(start_s: float = 10, length_s: int = 300, rpm: float | None = 900.0) -> list[Sample]:
    return drive(start_s, length_s, rpm=rpm, key=False)


def test_without_an_ignition_signal_silence_ends_it_at_the_last_sample() -> None:
    bench = Bench(BY_ACTIVITY).live(by_activity()).until(310 + GAP_S - 0.1)
    assert bench.kinds() == ["TripStarted"]
    assert ends(bench.until(310 + GAP_S)) == [(10, 310, "silence")]
    assert bench.trip.metrics["distance_m"] == pytest.approx(290 * 15)
    assert bench.trip.metrics["duration_s"] == 300


@pytest.mark.parametrize(("gap_s", "trips"), [(5.0, 1), (76.0, 1), (109.0, 1), (111.0, 2), (149.0, 2)])
def test_a_gap_is_bridged_when_it_is_shorter_than_the_profiles(gap_s: float, trips: int) -> None:
    samples = without(by_activity(10, 600), 200, 200 + gap_s - 1)
    bench = Bench(BY_ACTIVITY).live(samples).until(2000)
    assert len(bench.of(TripEnded)) == len(bench.of(TripStarted)) == trips
    if trips == 2:
        assert ends(bench)[0] == (10, 199, "silence")
        assert ends(bench)[1][0] == 200 + gap_s - 1
    else:
        missing_s = gap_s if gap_s > 5 else 0
        assert bench.trip.metrics["unobserved_s"] == pytest.approx(missing_s)
        assert bench.trip.metrics["distance_m"] == pytest.approx((590 - missing_s) * 15), "nothing is guessed into it"


def test_a_gap_shorter_than_the_grids_own_ends_it_once() -> None:
    """The second under way still belongs to the trip that ends."""
    car = Vehicle("car", trip=TripProfile(gap_s=3.0))
    cut_off: list[Sample] = [(at(t), SPEED, 50.0) for t in (10.0, 11.0, 12.0, 12.9)]
    bench = Bench(car).live(cut_off).until(999)
    assert ends(bench) == [(10, 12.9, "silence")]
    assert bench.trip.metrics["distance_m"] == pytest.approx(2.9 * 50 / 3.6)


def test_key_on_belongs_to_the_trip_and_an_hour_of_radio_does_not() -> None:
    radio = merged(every_second(0, [0.0] * 3600), every_second(0, [0.0] * 3600, ENGINE_SPEED))
    bench = Bench(BY_ACTIVITY).live(merged(radio, by_activity(3600))).until(9000)
    assert 3600 - WAKING_S <= bench.trip.start_ns / NS <= 3600
    short = every_second(0, [0.0] * 40)
    assert ends(Bench(BY_ACTIVITY).live(merged(short, by_activity(40))).until(9000))[0][0] == 0


def test_an_engine_that_turns_starts_it_before_it_moves() -> None:
    warming = merged(every_second(0, [0.0] * 30), every_second(0, [1200.0] * 30, ENGINE_SPEED))
    bench = Bench(BY_ACTIVITY).live(warming)
    assert bench.kinds() == ["TripStarted"]
    assert bench.of(TripStarted)[0].start_utc_ns == at(UTC_S)


def test_an_electric_car_starts_it_by_moving() -> None:
    bench = Bench(BY_ACTIVITY).live(every_second(0, [0.0] * 30))
    assert bench.kinds() == []
    assert bench.live(every_second(30, [0.0, 5.0, 10.0])).kinds() == ["TripStarted"]


def test_a_parked_car_that_is_polled_for_a_day_is_no_trip() -> None:
    polled = merged(every_second(0, [0.0] * 20_000), every_second(0.1, [0.0] * 20_000, ENGINE_SPEED))
    assert Bench(BY_ACTIVITY).live(polled).until(90_000).finish().kinds() == []


def test_polling_after_the_drive_does_not_keep_the_trip_open() -> None:
    n = STANDING_S + 4000
    polled = merged(every_second(311, [0.0] * n), every_second(311.1, [0.0] * n, ENGINE_SPEED))
    bench = Bench(BY_ACTIVITY).live(merged(by_activity(), polled)).until(90_000)
    assert ends(bench) == [(10, 311, "ignition-off")]
    assert bench.trip.metrics["duration_s"] == 301
    assert sum(bench.trip.metrics["speed_band_s"].values()) == pytest.approx(301), "the standing after it is no part of it"


def test_polling_that_no_engine_control_unit_answers_does_not_either() -> None:
    """The engine is off, then its speed is unknown while the gateway still says 0 km/h."""
    polled = merged(every_second(311, [0.0] * 4000), every_second(311.1, [0.0] * 20, ENGINE_SPEED))
    assert ends(Bench(BY_ACTIVITY).live(merged(by_activity(), polled)).until(90_000)) == [(10, 311, "ignition-off")]


def test_a_bus_that_lives_without_speed_ends_it_too() -> None:
    other: list[Sample] = [(at(t), "Vehicle.LowVoltageBattery.CurrentVoltage", 12.6) for t in range(311, 5000, 10)]
    bench = Bench(BY_ACTIVITY).live(merged(by_activity(), other)).until(9000)
    assert ends(bench) == [(10, 310, "ignition-off")]


@pytest.mark.parametrize("stand_s", [609, STANDING_S - 5])
def test_standing_for_long_does_not_split_it(stand_s: int) -> None:
    stand = merged(every_second(311, [0.0] * stand_s), every_second(311, [0.0] * stand_s, ENGINE_SPEED))
    samples = merged(by_activity(), stand, by_activity(311 + stand_s))
    assert Bench(BY_ACTIVITY).live(samples).until(9000).trip.metrics["distance_m"] == pytest.approx(2 * 290 * 15)


def test_stop_start_in_traffic_does_not_split_it() -> None:
    revs = ([900.0] * 30 + [0.0] * 30) * 10
    samples = merged(drive(10, 600, key=False), every_second(10, revs, ENGINE_SPEED))
    assert Bench(BY_ACTIVITY).live(samples).until(9000).trip.metrics["distance_m"] == pytest.approx(590 * 15)


def test_a_standing_engine_then_silence_is_told_as_silence() -> None:
    stand = merged(every_second(311, [0.0] * 60), every_second(311, [0.0] * 60, ENGINE_SPEED))
    assert ends(Bench(BY_ACTIVITY).live(merged(by_activity(), stand)).until(9000)) == [(10, 370, "silence")]


def test_a_night_after_standing_is_in_no_trip() -> None:
    """Ended by standing while still polled, then silence in the same boot; in the morning engine speed comes before speed."""
    polled = merged(every_second(311.4, [0.0] * 1600), every_second(311.5, [0.0] * 1600, ENGINE_SPEED))
    morning = merged([(at(50_000), ENGINE_SPEED, 900.0)], by_activity(50_000.2))
    bench = Bench(BY_ACTIVITY).live(merged(by_activity(), polled)).until(40_000).live(morning).until(60_000)
    assert [start for start, _, _ in ends(bench)] == [10, 50_000.2]


def test_ignition_samples_mean_nothing_to_a_profile_that_does_not_trust_them() -> None:
    assert ends(Bench(BY_ACTIVITY).live(merged(by_activity(), key((5, "ON"), (100, "OFF")))).until(999)) == [(10, 310, "silence")]


# -- what it says ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length_s", "kind"), [(23, "short_move"), (24, "trip")])
def test_below_two_hundred_metres_it_is_a_short_move(length_s: int, kind: str) -> None:
    trip = Bench().live(drive(10, length_s)).until(999).trip
    assert (trip.metrics["distance_m"] < SHORT_M) == (kind == "short_move")
    assert trip.kind == kind


def test_a_recording_that_ends_in_mid_drive_says_so() -> None:
    assert ends(Bench(BY_ACTIVITY).live(by_activity()[:400]).finish()) == [(10, 209, "end-of-recording")]
    assert ends(Bench().live([s for s in drive() if s[2] != "OFF"]).finish()) == [(10, 310, "end-of-recording")]
    assert ends(Bench().live(drive()).finish()) == [(10, 311, "ignition-off")], "within the grace"
    assert Bench().finish().kinds() == []


def test_a_clock_that_comes_in_mid_drive_dates_the_trip_from_its_start() -> None:
    bench = Bench(wall=None).live(drive()[:200])
    assert bench.of(TripStarted)[0].start_utc_ns is None
    bench.wall = WALL
    trip = bench.live(drive()[200:]).until(999).trip
    assert (trip.start_utc_ns, trip.end_utc_ns) == (at(UTC_S + 10), at(UTC_S + 311))
    assert "night_s" in trip.metrics


def test_a_clock_that_never_comes_leaves_the_dates_out() -> None:
    trip = Bench(wall=None).live(drive()).until(999).trip
    assert (trip.start_utc_ns, trip.end_utc_ns, trip.clock) == (None, None, "none")
    assert "night_s" not in trip.metrics
    assert trip.metrics["duration_s"] == 301


def test_a_clock_that_jumps_in_mid_drive_changes_no_length() -> None:
    bench = Bench(wall=wall(UTC_S - 86_400, quality="unsure")).live(drive()[:200])
    bench.wall = WALL
    trip = bench.live(drive()[200:]).until(999).trip
    assert (trip.start_utc_ns, trip.clock) == (at(UTC_S + 10), "synchronised")
    assert trip.metrics["duration_s"] == 301
    assert bench.of(TripStarted)[0].start_utc_ns == at(UTC_S - 86_400 + 10), "what was known then"


def test_ids_come_from_unit_boot_and_start() -> None:
    trip = Bench().live(drive()).until(999).trip
    assert trip.trip_id == derive_id("unit-1", "trip", "boot-1", at(10))
    assert trip.id == derive_id("unit-1", "TripEnded", trip.trip_id)
    assert Bench().live(drive()).until(999).trip == trip
    assert Bench(boot_id="another").live(drive()).until(999).trip.id != trip.id


def test_the_driver_is_the_owners_default_and_stays_for_the_trip() -> None:
    assert Bench(owner=Owner(driver="ana")).live(drive()).until(999).trip.driver == "ana"
