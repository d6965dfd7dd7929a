"""milestone: a round reading at the moment it is passed, exactly once for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner
from agent.events import milestone
from agent.events.concern import Concern
from agent.events.habits import HabitsRule
from agent.events.message import PromptReleased
from agent.events.milestone import EVERY, FIRST_MARKS, MilestoneAhead, MilestoneReached, highest_mark, next_mark
from agent.events.odometer import Odometer
from agent.events.trip import TripEnded, TripStarted
from agent.habits import Day, Habits
from agent.household import UNIT_M
from agent.model import NS, derive_id
from agent.signals import ODOMETER
from agent.stitch import GRACE_S
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from hil.bench import marks as marks_of
from tests.sim.car import BY_SIGNAL, UTC_S, Bench, at, drive, every_second, wall, without

KM = 1000.0
MILE = 1609.344
COARSE = Vehicle("counts kilometres", ignition=Ignition("signal"), odometer=OdometerProfile(1000.0))
BEFORE_M = 99_998_500.0  # 1.5 km before 100,000 km: the default drive passes it


def marks(bench: Bench) -> list[int]:
    return [e.mark for e in bench.of(MilestoneReached)]


@pytest.mark.parametrize("car", [BY_SIGNAL, COARSE])
def test_it_is_told_at_the_crossing_in_mid_trip(car: Vehicle) -> None:
    bench = Bench(car).live(drive(odometer_m=BEFORE_M, count_m=car.odometer.resolution_m)).until(999)
    (mark,) = bench.of(MilestoneReached)
    assert (mark.mark, mark.counts, mark.about, mark.unseen, mark.error_m) == (100_000, "km", False, False, 0.0)
    assert mark.reading_m == 100_000_000.0
    assert mark.t_ns == at(10 + 5 + 100), "1,500 m at 15 m/s, 75 m lost in starting"
    assert mark.utc_ns == at(UTC_S) + mark.t_ns
    assert [k for k in bench.kinds() if not k.startswith("Prompt")] == ["TripStarted", "MilestoneReached", "TripEnded"]
    assert mark.id == derive_id("unit-1", "MilestoneReached", 100_000, "km")


@pytest.mark.parametrize("first_m", [100_000_000.0, 100_000_100.0, 250_000_000.0])
def test_the_first_reading_ever_passes_none(first_m: float) -> None:
    assert marks(Bench().live(every_second(0, [first_m] * 60, ODOMETER))) == []


@pytest.mark.parametrize("before_m", [150_000_000.0, 12_000_000.0])
def test_nor_does_the_first_after_a_rebase(before_m: float) -> None:
    bench = Bench().live(every_second(0, [before_m] * 5 + [100_000_000.0] * 60, ODOMETER))
    assert "OdometerRebased" in bench.kinds()
    assert marks(bench) == []
    assert marks(bench.live(drive(100, odometer_m=100_000_000.0)).until(999)) == []


def test_standing_on_it_is_not_passing_it_again() -> None:
    bench = Bench().live(drive(odometer_m=99_996_000.0)).until(999)
    assert marks(bench) == [100_000], "100,000.3 km at the end"
    bench.restart().live(drive(2000, odometer_m=100_000_300.0)).until(9999)
    bench.restart("boot-2", wall=None).live(drive(2000, odometer_m=100_004_600.0)).until(9999)
    assert marks(bench) == [100_000]


def test_a_restart_between_crossing_and_trip_end_does_not_repeat_it() -> None:
    samples = drive(odometer_m=BEFORE_M)
    bench = Bench().live(s for s in samples if s[0] < at(120))
    assert marks(bench) == [100_000]
    assert marks(bench.restart().live(s for s in samples if s[0] >= at(120)).until(999)) == [100_000]


def test_the_same_samples_twice_tell_it_once() -> None:
    samples = drive(odometer_m=BEFORE_M)
    bench = Bench().live(samples).until(999).live(samples).until(1999)
    assert marks(bench) == [100_000]
    assert (len(bench.of(TripStarted)), len(bench.of(TripEnded))) == (1, 1)


def test_a_glitch_across_the_mark_tells_nothing_and_the_crossing_is_told_at_its_time() -> None:
    samples = [(t, s, 100_000_400.0 if s == ODOMETER and t == at(50) else v) for t, s, v in drive(odometer_m=BEFORE_M)]
    (mark,) = Bench().live(samples).until(999).of(MilestoneReached)
    assert mark.t_ns == at(115)


def test_a_cluster_swap_below_a_mark_once_told_does_not_tell_it_again() -> None:
    bench = Bench().live(drive(odometer_m=BEFORE_M)).until(999)
    bench.live(every_second(1000, [99_990_000.0] * 60, ODOMETER)).live(drive(1100, 900, odometer_m=99_990_000.0)).until(3000)
    assert bench.kinds().count("OdometerRebased") == 1
    assert marks(bench) == [100_000]


@pytest.mark.parametrize("car", [BY_SIGNAL, COARSE])
@pytest.mark.parametrize("boot", [True, False])
@pytest.mark.parametrize("by_m", [1_000.0, 15_000.0])
def test_a_mark_passed_while_nobody_looked_says_so(car: Vehicle, boot: bool, by_m: float) -> None:
    """Also when it was passed by a single count of a coarse odometer."""
    bench = Bench(car).live(every_second(0, [99_999_000.0] * 5, ODOMETER)).until(30_000)
    if boot:
        bench.restart("boot-2", wall=wall(UTC_S + 30_000, at_s=0))
    start_s = 20 if boot else 30_000
    (mark,) = bench.live(every_second(start_s, [99_999_000.0 + by_m] * 5, ODOMETER)).of(MilestoneReached)
    assert (mark.mark, mark.unseen) == (100_000, True)


def test_a_mark_passed_in_a_gap_of_the_drive_says_so() -> None:
    (mark,) = Bench().live(without(drive(odometer_m=BEFORE_M), 100, 140)).until(999).of(MilestoneReached)
    assert mark.unseen


def test_a_gap_before_it_does_not() -> None:
    (mark,) = Bench(COARSE).live(without(drive(odometer_m=BEFORE_M, count_m=KM), 60, 80)).until(999).of(MilestoneReached)
    assert not mark.unseen


def test_a_car_whose_speed_is_not_on_the_bus_is_looked_at_all_the_same() -> None:
    readings_m = [99_999_000.0 + n * 15 // 100 * 100 for n in range(100)]
    (mark,) = Bench().live(every_second(0, readings_m, ODOMETER)).of(MilestoneReached)
    assert not mark.unseen


def test_of_several_marks_passed_unseen_the_highest_is_told() -> None:
    bench = Bench().live(every_second(0, [9_000_000.0] * 5, ODOMETER)).restart("boot-2", wall=wall(UTC_S + 300 * 86_400))
    bench.live(every_second(0, [61_000_000.0] * 5, ODOMETER))
    assert [(e.mark, e.unseen) for e in bench.of(MilestoneReached)] == [(50_000, True)]


def test_miles() -> None:
    bench = Bench(owner=Owner(counts="mi")).live(drive(odometer_m=100_000 * MILE - 1500)).until(999)
    (mark,) = bench.of(MilestoneReached)
    assert (mark.mark, mark.counts) == (100_000, "mi")
    assert mark.reading_m >= 100_000 * MILE
    assert mark.id == derive_id("unit-1", "MilestoneReached", 100_000, "mi")
    assert marks(Bench(owner=Owner(counts="mi")).live(drive(odometer_m=BEFORE_M)).until(999)) == []


def test_from_an_estimate_it_says_about() -> None:
    bench = Bench().until(1)
    odometer = next(r for r in bench.engine.rules if isinstance(r, Odometer))
    bench.engine.raised(odometer.entered(bench.engine.context(NS), BEFORE_M, "r1"))
    (mark,) = bench.live(drive()).until(999).of(MilestoneReached)
    assert (mark.mark, mark.about) == (100_000, True)
    assert 500 < mark.error_m < 600


def test_without_a_clock_it_has_no_date() -> None:
    (mark,) = Bench(wall=None).live(drive(odometer_m=BEFORE_M)).until(999).of(MilestoneReached)
    assert mark.utc_ns is None


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        (9_999.9, 10_000, 10_000),
        (9_999, 9_999.9, None),
        (10_000, 10_001, None),
        (49_000, 50_000.5, 50_000),
        (9_000, 60_000, 50_000),
        (60_000, 99_999.9, None),
        (99_999, 100_000, 100_000),
        (99_999, 412_000, 400_000),
        (150_000, 199_999, None),
        (100_001, 99_999, None),
    ],
)
@pytest.mark.parametrize("unit_m", UNIT_M.values())
def test_marks(before: float, after: float, mark: int | None, unit_m: float) -> None:
    assert highest_mark(before * unit_m, after * unit_m, unit_m) == mark


@settings(deadline=None)
@given(st.floats(0, 2e9), st.floats(0, 2e6), st.sampled_from([KM, MILE]))
def test_a_mark_lies_in_between(before_m: float, way_m: float, unit_m: float) -> None:
    mark = highest_mark(before_m, before_m + way_m, unit_m)
    if mark is not None:
        assert mark in FIRST_MARKS or mark % EVERY == 0
        assert before_m < mark * unit_m <= before_m + way_m + 1e-3


# -- what is said of it ----------------------------------------------------------------------------------


def test_the_congratulation_leaves_when_the_key_trip_ends() -> None:
    bench = Bench().live(drive(length_s=900, odometer_m=BEFORE_M)).until(2000)
    (mark,), (concern,), (message,) = bench.of(MilestoneReached), bench.of(Concern), bench.of(PromptReleased)
    (trip,), (started,) = bench.of(TripEnded), bench.of(TripStarted)
    assert (concern.rests_on, concern.urgency, concern.kind) == ([mark.id], "celebration", "milestone")
    assert concern.trip_id == started.trip_id == trip.trip_id
    assert message.t_ns == at(10 + 901 + GRACE_S), "that it came on is ten minutes ago by then"
    assert message.not_before_utc_ns == message.released_utc_ns
    (part,) = message.parts
    assert "100,000\u00a0km" in part.title
    assert (part.raised_ns, part.raised_utc_ns) == (mark.t_ns, mark.utc_ns)


@pytest.mark.parametrize(("unseen", "says"), [(True, "milestone_unseen"), (False, "milestone")])
def test_what_was_not_seen_or_not_measured_is_said_so(unseen: bool, says: str) -> None:
    bench = Bench().live(every_second(0, [99_999_000.0] * 5, ODOMETER)).until(30_000)
    first_m = 100_001_000.0 if unseen else 99_999_000.0
    bench.live(drive(30_000, odometer_m=first_m)).until(40_000)
    assert [c.says for c in bench.of(Concern)] == [says]


def habits(bench: Bench, daily_m: float, trip_m: float) -> Bench:
    """For the last three months it was driven so far a day, in trips of such a length."""
    rule = next(r for r in bench.engine.rules if isinstance(r, HabitsRule))
    days = [(datetime(2026, 10, 26) - timedelta(days=n)).date().isoformat() for n in range(90)]
    rows = tuple(Day(day, daily_m, round(daily_m / trip_m)) for day in reversed(days))
    rule.state.lent = Habits(first_day=days[-1], last_day=days[0], days=rows)
    bench.engine._lend()
    return bench


def test_one_that_is_near_is_told_once_each_way() -> None:
    bench = habits(Bench().live(every_second(0, [99_900_000.0] * 3, ODOMETER)), 20_000.0, 10_000.0)
    bench.live(drive(10, odometer_m=99_900_000.0)).live(drive(2000, odometer_m=99_904_300.0)).until(3000)
    (ahead,) = bench.of(MilestoneAhead)
    assert (ahead.mark, ahead.counts, ahead.likely) == (100_000, "km", "within two weeks")
    assert ahead.left_m == pytest.approx(95_700, abs=200)
    assert ahead.days == pytest.approx(ahead.left_m / 20_000, rel=0.1)
    assert bench.restart("boot-2").until(20).of(MilestoneAhead) == [ahead]
    near = habits(Bench().live(every_second(0, [99_995_000.0] * 3, ODOMETER)), 20_000.0, 10_000.0)
    near.live(drive(10, odometer_m=99_995_000.0)).until(999)
    first = near.of(MilestoneAhead)[0]
    assert (first.likely, first.t_ns) == ("on this trip", at(10))


def test_one_that_another_cluster_comes_to_again_is_not() -> None:
    bench = Bench().live(drive(odometer_m=BEFORE_M)).until(999)
    bench.live(every_second(1000, [99_990_000.0] * 60, ODOMETER))
    habits(bench, 20_000.0, 10_000.0).live(drive(1100, 60, odometer_m=99_990_000.0)).until(3000)
    assert (marks(bench), bench.of(MilestoneAhead)) == ([100_000], [])


def test_one_that_is_far_or_at_an_unknown_pace_is_not() -> None:
    far = habits(Bench().live(every_second(0, [60_000_000.0] * 3, ODOMETER)), 20_000.0, 10_000.0)
    assert far.live(drive(odometer_m=60_000_000.0)).until(999).of(MilestoneAhead) == []
    unknown = Bench().live(drive(odometer_m=99_995_000.0)).until(999)
    assert unknown.of(MilestoneAhead) == []


@pytest.mark.parametrize(
    ("reading", "mark"), [(0, 1_000), (999.9, 1_000), (1_000, 10_000), (50_000, 100_000), (100_000, 200_000)]
)
def test_the_next_mark(reading: float, mark: int) -> None:
    assert next_mark(reading) == mark


def test_exactly_once_in_random_histories() -> None:
    """The bench does 10,000."""
    assert marks_of.faults(range(50_000, 50_200)) == []


def test_and_the_histories_find_what_is_told_twice_or_never(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = count()
    monkeypatch.setattr(milestone, "derive_id", lambda *about: f"{about} {next(counter)}")
    monkeypatch.setattr(milestone.Milestone, "restore", lambda *_, **__: None)
    assert any("told 2 times" in fault for _, fault in marks_of.faults(range(60)))
    monkeypatch.setattr(milestone, "highest_mark", lambda *_: None)
    assert any("told 0 times" in fault for _, fault in marks_of.faults(range(5)))
