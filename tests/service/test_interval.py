"""One item's interval: its key, its limits, what is known of the car's reminder."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from agent.config import Service
from agent.household import Driver, Household
from agent.model import derive_id
from agent.service.backdating import Done
from agent.service.counters import Counters
from agent.service.forecast import Left, Rate
from agent.service.interval import (
    ASSUMED_DAYS,
    ASSUMED_M,
    How,
    Interval,
    Now,
    completed,
    corrected,
    first,
    following,
    is_same_service,
    lefts,
    prompts_of,
    shifted,
    stage,
    with_reminder,
)

TODAY = date(2026, 11, 22)
PACE = Rate(30_000.0, 30_000.0, 30_000.0)
NOW = Now(TODAY, 50e6, False, PACE, Counters())
BOTH = Service("service", 15_000, 40_000, 12, "2026-03-01")


def after(each: Interval, key: str, now: Now, how: How = "told") -> Interval:
    return following(each, key, Done(now.reading_m, now.today), now.counters, how, each.basis)


def left_by(by: str, service: Service = BOTH, each: Interval | None = None, now: Now = NOW) -> Left:
    return next(left for left in lefts(service, each or first(service), now) if left.by == by)


def test_what_is_left() -> None:
    assert (left_by("distance").amount, left_by("time").amount) == (5e6, 99)
    assert [left.by for left in lefts(BOTH, first(BOTH), NOW._replace(today=None))] == ["distance"]
    assert [left.by for left in lefts(BOTH, first(BOTH), NOW._replace(reading_m=None))] == ["time"]


def test_the_cars_own_countdown_counts_beside_the_limits() -> None:
    own = msgspec.structs.replace(BOTH, from_car=True)
    now = NOW._replace(counters=Counters(left_m=3e6, due_m=53e6, left_days=200, due_day="2027-06-10"))
    assert (left_by("distance", own, now=now).amount, left_by("time", own, now=now).amount) == (3e6, 99)
    assert left_by("distance", own, now=now._replace(reading_m=None)).amount == 3e6
    assert left_by("distance", now=now).amount == 5e6  # it is not about this item


@pytest.mark.parametrize(
    ("told_km", "told_days", "learned", "by_distance", "by_time"),
    [
        (None, None, {}, (ASSUMED_M, ASSUMED_DAYS), ASSUMED_DAYS),
        (1000.0, None, {}, (1e6, 0), ASSUMED_DAYS),
        (None, 14.0, {}, (0, 14), 14),
        (1000.0, 14.0, {}, (1e6, 14), 14),
        (None, None, {"learned_m": 2e6, "learned_days": 60.0}, (2e6, 60), 60),
        (None, None, {"learned_days": 20.0}, (ASSUMED_M, 20), 20),
        (1000.0, 14.0, {"learned_m": 5e5, "learned_days": 20.0}, (1e6, 20), 20),  # whichever is earlier
    ],
)
def test_when_the_cars_reminder_starts(
    told_km: float | None,
    told_days: float | None,
    learned: dict[str, float],
    by_distance: tuple[float, float],
    by_time: float,
) -> None:
    service = msgspec.structs.replace(BOTH, car_reminds_km_before=told_km, car_reminds_days_before=told_days)
    each = msgspec.structs.replace(first(service), **learned)
    left = left_by("distance", service, each)
    assert (left.reminds_at, left.reminds_days) == by_distance
    assert left_by("time", service, each).reminds_days == by_time


def test_a_reminder_is_learned_for_the_limit_that_caused_it() -> None:
    near = Now(TODAY, 54.2e6, False, PACE, Counters())  # 800 km, 27 days
    each = with_reminder(first(BOTH), lefts(BOTH, first(BOTH), near), 100_000.0)
    assert (each.learned_m, each.learned_days, each.reminded) == (900_000.0, 30.0, True)
    late = Now(date(2027, 2, 9), 50e6, False, PACE, Counters())
    each = with_reminder(first(BOTH), lefts(BOTH, first(BOTH), late), 0.0)
    assert (each.learned_m, each.learned_days) == (None, 20.0)
    assert with_reminder(first(BOTH), [], 0.0) == msgspec.structs.replace(first(BOTH), reminded=True)


@pytest.mark.parametrize(
    ("first_m", "reading_m", "wanted"),
    [
        (None, 53.4e6, None),  # nothing is known of how it is driven: not before the car itself may remind
        (None, 53.6e6, "soon"),
        (None, 55.0e6, "due"),
        (50_000.0, 50.5e6, None),
        (50_000.0, 51.5e6, "soon"),  # driven much so far
        (500_000.0, 50.5e6, None),  # a journey at first is no pace
        (300.0, 53.4e6, None),  # 10 km a month
        (300.0, 53.6e6, "soon"),
        (0.0, 53.4e6, None),
    ],
)
def test_before_there_is_a_pace_the_first_days_say_when_to_speak(first_m: float | None, reading_m: float, wanted: str) -> None:
    now = NOW._replace(pace=None, first_m=first_m, reading_m=reading_m)
    assert stage(lefts(BOTH, first(BOTH), now)) == wanted


def test_engine_hours_before_there_is_a_pace() -> None:
    hours = Service("service", every_engine_h=100.0)
    each, counters = Interval("k", (None, None, None), last_engine_h=0.0), Counters(engine_h=70.0, trips_h=1.0, trips_m=40_000.0)
    found = [stage(lefts(hours, each, NOW._replace(pace=None, counters=counters, first_m=m))) for m in (None, 500.0, 50_000.0)]
    assert found == [None, None, "soon"]


def test_two_words_about_one_service() -> None:
    done = after(first(BOTH), "65000000", NOW, "noticed")
    soon_after = NOW._replace(reading_m=50.4e6, today=date(2026, 11, 30))
    assert is_same_service(done, after(done, "k", soon_after))
    assert not is_same_service(done, after(done, "k", soon_after._replace(reading_m=52e6)))
    assert not is_same_service(done, after(done, "k", soon_after._replace(today=date(2027, 3, 1))))
    assert not is_same_service(msgspec.structs.replace(done, stage="soon"), after(done, "k", soon_after))
    nothing = Interval("k", done.basis)
    assert not is_same_service(nothing, nothing)


def test_what_starts_long_before_is_about_something_else() -> None:
    early = NOW._replace(reading_m=49.5e6)
    each = with_reminder(first(BOTH), [left_by("distance", now=early)], 0.0)  # 5,500 km before
    assert (each.reminded, each.learned_m, each.learned_days) == (True, None, None)
    each = with_reminder(first(BOTH), [left_by("time", now=NOW._replace(today=date(2026, 11, 20)))], 0.0)  # 101 days before
    assert each.learned_days is None
    slow = early._replace(reading_m=53e6, pace=Rate(5_000.0, 5_000.0, 5_000.0))
    each = with_reminder(first(BOTH), [left_by("distance", now=slow)], 0.0)  # 400 days of it
    assert (each.learned_m, each.learned_days) == (2e6, 90.0)


def test_the_units_own_reading_is_corrected_and_not_what_a_person_named() -> None:
    own, named = after(first(BOTH), "k", NOW), first(BOTH)
    assert shifted(own, 5e6, own_alone=True).last_m == 55e6
    assert shifted(named, 5e6, own_alone=True).last_m == 40e6


def test_what_is_told_better_of_the_same_service_keeps_what_is_known() -> None:
    each = after(first(BOTH), "k", NOW)
    better = after(each, "k", NOW._replace(reading_m=None, today=date(2026, 11, 10)))
    assert (corrected(each, better).last_m, corrected(each, better).last_day) == (50e6, "2026-11-10")
    undated = after(each, "k", NOW._replace(reading_m=49.9e6, today=None))
    assert (corrected(each, undated).last_m, corrected(each, undated).last_day) == (49.9e6, "2026-11-22")


def test_engine_hours_go_back_with_the_way() -> None:
    counters = Counters(engine_h=100.0, trips_h=10.0, trips_m=500_000.0)
    done = following(first(BOTH), "k", Done(49e6, TODAY, back_m=1e6), counters, "told", first(BOTH).basis)
    assert done.last_engine_h == 80.0


def test_a_reading_that_is_learned_later_is_put_back_to_the_day() -> None:
    without = NOW._replace(reading_m=None, counters=Counters(driven_m=1e6))
    done = after(first(BOTH), "k", without)
    assert done.last_m is None
    later = completed(done, NOW._replace(reading_m=80e6, counters=Counters(driven_m=4e6)))
    assert (later.last_m, later.is_about) == (77e6, True)


def test_another_cluster_moves_both_intervals_and_no_key() -> None:
    each = shifted(after(first(BOTH), "65000000", NOW), -49e6)
    assert each.before is not None
    assert (each.key, each.last_m, each.before.last_m) == ("65000000", 1e6, -9e6)


def test_a_prompt_is_known_by_whoever_heard_it() -> None:
    household = Household((Driver("ana"), Driver("ben", is_keeper=True)))
    assert derive_id("u", "prompt", "c1", "ben") in prompts_of("u", household, "c1")
    assert derive_id("u", "prompt", "c1", "owner") in prompts_of("u", household, "c1")
    assert derive_id("u", "prompt", "c2", "ben") not in prompts_of("u", household, "c1")
