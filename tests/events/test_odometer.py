"""odometer: each row of its table; neither distance nor a milestone from a reading that is none."""

from __future__ import annotations

import pytest

from agent.events.milestone import MilestoneReached
from agent.events.odometer import (
    AGREEING_READINGS,
    ENTRY_ERROR_M,
    INTEGRATION_ERROR,
    LASTING_READINGS,
    LASTING_S,
    DistanceUnaccounted,
    Odometer,
    OdometerAdvanced,
    OdometerRebased,
)
from agent.events.trip import TripEnded
from agent.model import Sample, Value
from agent.signals import ODOMETER
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from tests.sim.car import UTC_S, Bench, at, drive, every_second, readings, trapezoid, wall, without

COARSE = Vehicle("counts kilometres", ignition=Ignition("signal"), odometer=OdometerProfile(1000.0))
FINE = Vehicle("counts 100 m", ignition=Ignition("signal"), odometer=OdometerProfile(100.0))
START_M = 99_998_500.0  # the default drive passes 100,000 km
WRAP_M = 4_294_967_295.0  # 32 bits of metres


def rule(bench: Bench) -> Odometer:
    return next(r for r in bench.engine.rules if isinstance(r, Odometer))


def reading(bench: Bench) -> float:
    return rule(bench).state.reading_m


def shown(start_s: float, *values: Value) -> list[Sample]:
    """Odometer readings a second apart, the car standing."""
    return every_second(start_s, values, ODOMETER)


def standing(bench: Bench, start_s: float, *values: Value) -> Bench:
    """The same, with a speed of zero beside them."""
    return bench.live(sorted([*shown(start_s, *values), *every_second(start_s, [0.0] * len(values))], key=lambda s: s[0]))


def counted(bench: Bench) -> float:
    """The metres that the odometer told as driven."""
    return sum(e.reading_m - e.previous_m for e in bench.of(OdometerAdvanced) if e.previous_m is not None)


def said(bench: Bench) -> list[str]:
    return [type(e).__name__ for e in bench.events if isinstance(e, (OdometerRebased, DistanceUnaccounted, MilestoneReached))]


# -- what is taken -----------------------------------------------------------------------------------


def test_the_first_reading_is_taken_and_is_no_distance() -> None:
    bench = standing(Bench(COARSE), 0, 20_000_000)
    assert bench.of(OdometerAdvanced)[0].previous_m is None
    assert (reading(bench), counted(bench), said(bench)) == (20_000_000.0, 0, [])


@pytest.mark.parametrize(("car", "count_m"), [(COARSE, 1000.0), (FINE, 100.0), (FINE, 10.0)])
def test_it_goes_on_as_the_car_drives(car: Vehicle, count_m: float) -> None:
    bench = Bench(car).live(drive(odometer_m=20_000_000.0, count_m=count_m)).until(999)
    assert counted(bench) == 290 * 15 // count_m * count_m
    assert said(bench) == []
    assert not any(e.unseen for e in bench.of(OdometerAdvanced))


def test_a_reading_that_comes_once_a_minute_is_taken_at_once() -> None:
    polled = [s for s in drive(10, 900, odometer_m=20_000_000.0) if s[1] != ODOMETER or s[0] % at(60) == 0]
    bench = Bench(FINE).live(polled).until(9999)
    assert counted(bench) == pytest.approx(880 * 15, abs=800)
    assert (said(bench), [e.unseen for e in bench.of(OdometerAdvanced)].count(True)) == ([], 0)


@pytest.mark.parametrize("unknown", [None, "?", True])
def test_what_is_no_number_is_no_reading(unknown: Value) -> None:
    bench = standing(Bench(COARSE), 0, 20_000_000.0, unknown, None, 20_000_000.0)
    assert said(bench) == []
    assert counted(bench) == 0


# -- what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [0.0, 20_000_000.0 + 2000, 19_999_000.0, WRAP_M, 99_999_000.0])
@pytest.mark.parametrize("times", [1, 2, 9])
def test_wrong_frames_are_left_out(wrong: float, times: int) -> None:
    bench = standing(Bench(COARSE), 0, *[20_000_000.0] * 5, *[wrong] * times, *[20_000_000.0] * 40)
    assert (reading(bench), counted(bench), said(bench)) == (20_000_000.0, 0, [])


@pytest.mark.parametrize("times", [1, 2])
def test_and_also_after_a_night_in_which_the_car_might_have_come_that_far(times: int) -> None:
    bench = standing(Bench(COARSE), 0, *[99_990_000.0] * 5).until(40_000)
    standing(bench, 40_000, *[100_900_000.0] * times, *[99_990_000.0] * 60)
    assert (reading(bench), counted(bench), said(bench)) == (99_990_000.0, 0, [])


def test_wrong_frames_in_mid_drive_do_not_disturb_the_count() -> None:
    samples = [(t, s, 0.0 if s == ODOMETER and t % at(7) == 0 else v) for t, s, v in drive(odometer_m=START_M)]
    bench = Bench(FINE).live(samples).until(999)
    assert counted(bench) == pytest.approx(290 * 15, abs=200)
    assert said(bench) == ["MilestoneReached"]


def test_a_cluster_that_wakes_with_zero() -> None:
    bench = Bench(FINE).live(drive(odometer_m=START_M)).until(1000)
    bench.restart("boot-2", wall=None)
    bench.live(shown(5, *[0.0] * 20)).live(drive(30, odometer_m=START_M + 290 * 15)).until(1000)
    assert said(bench) == ["MilestoneReached"]
    assert counted(bench) == pytest.approx(2 * 290 * 15, abs=100)


def test_a_first_reading_of_zero_is_rebased_when_the_cluster_has_woken() -> None:
    bench = standing(Bench(FINE), 0, *[0.0] * 10, *[START_M] * 40)
    assert said(bench) == ["OdometerRebased"]
    assert (reading(bench), counted(bench)) == (START_M, 0)


@pytest.mark.parametrize(("before", "after"), [(150_000_000.0, 12_000_000.0), (12_000_000.0, 150_000_000.0), (WRAP_M, 0.0)])
def test_a_change_that_lasts_is_a_rebase_and_nothing_else(before: float, after: float) -> None:
    """A cluster swap to lower and to higher; a wrap."""
    bench = standing(Bench(FINE), 0, *[before] * 5, *[after] * (LASTING_S - 1))
    assert said(bench) == []
    standing(bench, 5 + LASTING_S - 1, *[after] * 10)
    assert said(bench) == ["OdometerRebased"]
    (event,) = bench.of(OdometerRebased)
    assert (event.from_m, event.to_m, event.why, event.t_ns) == (before, after, "lasting change", at(5 + LASTING_S))
    assert (reading(bench), counted(bench)) == (after, 0)


def test_it_counts_on_from_there() -> None:
    bench = standing(Bench(FINE), 0, *[150_000_000.0] * 5, *[START_M] * 40)
    bench.live(drive(100, odometer_m=START_M)).until(999)
    assert said(bench) == ["OdometerRebased", "MilestoneReached"]
    assert counted(bench) == pytest.approx(290 * 15, abs=100)


def test_a_wrap_in_mid_drive_makes_no_distance() -> None:
    """The counter passes 2³² counts of 0.1 km while driving and goes on from zero."""
    top = 4_294_967_296 * 100.0
    values = [m % top for m in readings(top - 1500.0, trapezoid(300))]
    samples = sorted([*drive(), *every_second(10, values, ODOMETER)], key=lambda s: s[0])
    bench = Bench(FINE).live(samples).until(999)
    assert said(bench) == ["OdometerRebased"]
    assert counted(bench) == pytest.approx(290 * 15 - 450, abs=300)


def test_lasting_takes_readings_and_not_only_time() -> None:
    bench = standing(Bench(FINE), 0, START_M, START_M)
    for n in range(LASTING_READINGS - 1):
        bench.live(shown(100 + 60 * n, 5_000.0))
    assert said(bench) == []
    assert said(bench.live(shown(700, 5_000.0))) == ["OdometerRebased"]


def test_readings_from_before_a_pause_bear_nothing_out() -> None:
    bench = standing(Bench(FINE), 0, START_M, START_M)
    for n in range(LASTING_READINGS - 1):
        bench.live(shown(100 + 10 * n, 5_000.0))
    assert said(bench.live(shown(4000, 5_000.0))) == []


def test_nor_do_readings_that_do_not_fit_bear_out_one_that_does() -> None:
    """A bus that repeats itself, and then the car's own, further on: nobody saw that way, and the mark in it counts."""
    bench = standing(Bench(FINE), 0, *[START_M] * 5, *[START_M - 1_000.0] * (LASTING_READINGS + 2))
    standing(bench, 60, *[START_M + 2_000.0] * AGREEING_READINGS)
    assert reading(bench) == START_M + 2_000.0
    assert sorted(said(bench)) == ["DistanceUnaccounted", "MilestoneReached"]


def test_readings_that_agree_with_nothing_never_last() -> None:
    bench = standing(Bench(FINE), 0, START_M, *[float(n * 7919 % 1000 * 1_000_000) for n in range(200)], START_M)
    assert (reading(bench), said(bench)) == (START_M, [])


# -- kilometres that nobody saw ----------------------------------------------------------------------


def parked_away(by_m: float, *, boot: bool, clock: bool, car: Vehicle = FINE) -> Bench:
    """A drive; the car comes to its next one `by_m` further on, ten hours later."""
    bench = Bench(car).live(drive(odometer_m=20_000_000.0)).until(1000)
    start_s = 40_000.0
    if boot:
        bench.restart("boot-2", wall=wall(UTC_S + 40_000, at_s=50) if clock else None)
        start_s = 50.0
    return bench.live(drive(start_s, odometer_m=20_000_000.0 + 290 * 15 + by_m)).until(start_s + 2000)


@pytest.mark.parametrize(("boot", "clock"), [(False, True), (True, True), (True, False)])
@pytest.mark.parametrize("by_m", [12_000.0, 300_000.0])
def test_distance_that_nobody_saw_is_its_own_event_and_in_no_trip(boot: bool, clock: bool, by_m: float) -> None:
    bench = parked_away(by_m, boot=boot, clock=clock)
    assert said(bench) == ["DistanceUnaccounted"]
    (event,) = bench.of(DistanceUnaccounted)
    assert event.unaccounted_m == pytest.approx(by_m, abs=150)
    assert event.to_m - event.from_m == pytest.approx(by_m, abs=600)
    assert [e.unseen for e in bench.of(OdometerAdvanced)].count(True) == 1
    assert [e.metrics["distance_m"] for e in bench.of(TripEnded)] == [pytest.approx(290 * 15)] * 2


def test_with_known_time_it_is_taken_as_soon_as_readings_agree() -> None:
    bench = standing(Bench(COARSE), 0, *[20_000_000.0] * 5).until(40_000)
    standing(bench, 40_000, *[20_300_000.0] * (AGREEING_READINGS - 1))
    assert reading(bench) == 20_000_000.0
    standing(bench, 40_000 + AGREEING_READINGS - 1, 20_300_000.0)
    assert reading(bench) == 20_300_000.0
    assert said(bench) == ["DistanceUnaccounted"]


def test_with_unknown_time_it_has_to_last() -> None:
    bench = standing(Bench(COARSE), 0, *[20_000_000.0] * 5).restart("boot-2", wall=None)
    standing(bench, 0, *[20_300_000.0] * LASTING_S)
    assert reading(bench) == 20_000_000.0
    assert said(standing(bench, LASTING_S, *[20_300_000.0] * 2)) == ["DistanceUnaccounted"]


def test_farther_than_a_car_comes_unseen_it_is_another_cluster() -> None:
    bench = standing(Bench(COARSE), 0, *[20_000_000.0] * 5).restart("boot-2", wall=None)
    assert said(standing(bench, 0, *[49_000_000.0] * 40)) == ["OdometerRebased"]


def test_with_known_time_it_is_not_when_the_time_allows_it() -> None:
    bench = standing(Bench(COARSE), 0, *[20_000_000.0] * 5).restart("boot-2", wall=wall(UTC_S + 2 * 365 * 86_400))
    assert said(standing(bench, 0, *[49_000_000.0] * 40)) == ["DistanceUnaccounted"]


def test_a_gap_in_mid_drive_is_found_when_the_bus_is_back() -> None:
    """A minute of silence at 54 km/h: 900 m, of which the count of 100 m makes what is above 300 m and 5 % worth telling."""
    bench = Bench(FINE).live(without(drive(10, 600, odometer_m=20_000_000.0), 200, 260)).until(5000)
    (event,) = bench.of(DistanceUnaccounted)
    assert event.unaccounted_m == pytest.approx(900, abs=120)
    assert bench.trip.metrics["distance_m"] == pytest.approx((590 - 61) * 15)


def test_what_the_speed_reads_too_low_is_not_unaccounted() -> None:
    """Speed 10 % below the odometer over 60 km: a matter of tyres, not of kilometres nobody saw."""
    speeds = trapezoid(4000)
    samples = [*every_second(10, [v * 0.9 for v in speeds]), *every_second(10, readings(2e7, speeds), ODOMETER)]
    assert said(Bench(FINE).live(sorted(samples, key=lambda s: s[0])).until(9999)) == []


@pytest.mark.parametrize("gap_s", [0, 8])
def test_nor_is_it_when_the_odometer_comes_every_ten_minutes(gap_s: int) -> None:
    """9 km between two readings, the speed 10 % too low; 3 % too low with some seconds missing."""
    speeds = trapezoid(4000)
    factor = 0.97 if gap_s else 0.9
    polled = [s for s in every_second(10, readings(2e7, speeds), ODOMETER) if s[0] % at(600) == 0]
    seen = without(every_second(10, [v * factor for v in speeds]), 1000, 1000 + gap_s)
    bench = Bench(FINE).live(sorted([*seen, *polled], key=lambda s: s[0])).until(9999)
    assert said(bench) == []
    assert counted(bench) > 40_000


def test_what_a_coarse_count_hides_is_not_unaccounted() -> None:
    assert said(Bench(COARSE).live(without(drive(10, 600, odometer_m=20_000_000.0, count_m=1000.0), 200, 230)).until(5000)) == []


def test_silence_of_the_odometer_alone_is_not_unseen() -> None:
    samples = without(drive(10, 900, odometer_m=START_M), 60, 240, ODOMETER)
    bench = Bench(FINE).live(samples).until(5000)
    assert said(bench) == ["MilestoneReached"]
    assert not any(e.unseen for e in bench.of(OdometerAdvanced))


# -- an entered reading ------------------------------------------------------------------------------


def enter(bench: Bench, t_s: float, reading_m: float, ref: str = "") -> Bench:
    """`ref`: its own, unless one is given."""
    bench.until(t_s)
    bench.events += bench.engine.raised(rule(bench).entered(bench.engine.context(at(t_s)), reading_m, ref or f"at {t_s}"))
    return bench


def test_an_entry_and_what_was_driven_since_is_an_estimate_with_its_error() -> None:
    bench = enter(Bench(FINE), 5, START_M).live(drive()).until(999)
    assert said(bench) == ["OdometerRebased", "MilestoneReached"]
    (rebased,) = bench.of(OdometerRebased)
    assert (rebased.from_m, rebased.to_m, rebased.why) == (None, START_M, "entered")
    last = bench.of(OdometerAdvanced)[-1]
    assert last.is_estimated
    assert last.reading_m == pytest.approx(START_M + 290 * 15)
    assert last.error_m == pytest.approx(ENTRY_ERROR_M + INTEGRATION_ERROR * 290 * 15)
    assert rule(bench).reading() == {"reading_m": last.reading_m, "error_m": last.error_m, "source": "entered"}


def test_an_entry_that_comes_again_does_not_take_back_what_was_driven_since() -> None:
    bench = enter(enter(Bench(FINE), 5, START_M, "r1").live(drive()), 999, START_M, "r1")
    assert len(bench.of(OdometerRebased)) == 1
    assert reading(bench) == pytest.approx(START_M + 290 * 15)
    enter(enter(bench, 1000, 50_000_000.0, "r2"), 1001, START_M, "r1")
    assert reading(bench) == 50_000_000.0, "nor what was entered since"


def test_an_entry_corrects_an_entry() -> None:
    bench = enter(enter(Bench(FINE), 5, START_M).live(drive()), 999, 50_000_000.0)
    assert reading(bench) == 50_000_000.0
    first, second = bench.of(OdometerRebased)
    assert second.from_m == pytest.approx(START_M + 290 * 15)
    assert second.to_m == 50_000_000.0
    assert first.id != second.id
    assert said(bench).count("MilestoneReached") == 1


@pytest.mark.parametrize("own_m", [START_M, START_M + 1000, START_M - 1000])
def test_the_cars_own_odometer_takes_its_place_at_once_when_it_agrees(own_m: float) -> None:
    bench = enter(Bench(FINE), 5, START_M)
    standing(bench, 10, own_m)
    assert said(bench) == ["OdometerRebased"], "the entry alone"
    assert rule(bench).reading() == {"reading_m": own_m, "error_m": 0.0, "source": "vehicle"}


def test_and_a_mark_between_the_estimate_and_the_reading_is_passed() -> None:
    bench = enter(Bench(FINE), 5, 99_999_500.0)
    assert said(standing(bench, 10, 100_000_000.0)) == ["OdometerRebased", "MilestoneReached"]


@pytest.mark.parametrize("own_m", [50_000_000.0, START_M + 50_000])
def test_when_it_does_not_agree_it_has_to_last(own_m: float) -> None:
    bench = enter(Bench(FINE), 5, START_M)
    standing(bench, 40_000, *[own_m] * 5, *[None] * 60)
    assert (said(bench), rule(bench).state.source) == (["OdometerRebased"], "entered"), "some frames"
    standing(bench, 41_000, *[own_m] * 40)
    assert said(bench) == ["OdometerRebased"] * 2
    assert bench.of(OdometerRebased)[1].why == "lasting change"
    assert rule(bench).reading() == {"reading_m": own_m, "error_m": 0.0, "source": "vehicle"}


def test_an_estimate_goes_on_over_a_reboot() -> None:
    bench = enter(Bench(FINE), 5, START_M).live(drive()).until(999).restart("boot-2", wall=None).live(drive()).until(999)
    assert reading(bench) == pytest.approx(START_M + 2 * 290 * 15)
    assert said(bench) == ["OdometerRebased", "MilestoneReached"]


def test_distance_before_any_reading_is_in_none() -> None:
    bench = Bench(FINE).live(drive()).until(999)
    assert rule(bench).reading() is None
    assert enter(bench, 1000, START_M).of(DistanceUnaccounted) == []
