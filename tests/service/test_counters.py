"""What the car counts itself: noise is nothing, a jump is a service."""

from __future__ import annotations

from datetime import date

import pytest

from agent import signals
from agent.model import NS
from agent.service.counters import Counters, Heard, driven, read
from agent.service.forecast import Rate

DAY = "2026-11-22"
PACE = Rate(10_000.0, 30_000.0, 70_000.0)


def heard(**values: float) -> dict[str, float]:
    names = {"km": signals.DISTANCE_TO_SERVICE, "s": signals.TIME_TO_SERVICE, "oil": signals.OIL_LIFE}
    names |= {"due": signals.IS_SERVICE_DUE, "hours": signals.ENGINE_HOURS}
    return {names[name]: value for name, value in values.items()}


def test_wrong_frames_of_a_drive_are_nothing() -> None:
    each = Heard()
    for n, km in enumerate((5000, 0, 4999, 65535, 4999)):
        each.take(n * 2 * NS, signals.DISTANCE_TO_SERVICE, km)
    for n, percent in enumerate((None, 100, 100, 100, 100)):
        each.take(n * 2 * NS, signals.OIL_LIFE, percent)
    assert each.settled() == {signals.DISTANCE_TO_SERVICE: 4999}  # of the other one there were too few
    assert each.settled() == {}


def test_a_glitch_of_seconds_is_nothing() -> None:
    each = Heard()
    for tenth in range(300):
        each.take(tenth * NS // 10, signals.DISTANCE_TO_SERVICE, 300 if tenth < 265 else 65_535)  # for three and a half seconds
    assert each.settled() == {signals.DISTANCE_TO_SERVICE: 300}


def test_a_cluster_that_wakes_or_falls_asleep_says_nothing() -> None:
    each = Heard()
    each.ignition("on", 100 * NS)
    for s in range(100, 130):
        each.take(s * NS, signals.DISTANCE_TO_SERVICE, 0)
    assert each.settled() == {}
    for s in range(130, 140):
        each.take(s * NS, signals.DISTANCE_TO_SERVICE, 300)
    each.ignition("off", 140 * NS)
    for s in range(140, 200):
        each.take(s * NS, signals.DISTANCE_TO_SERVICE, 65_535)
    assert each.settled() == {signals.DISTANCE_TO_SERVICE: 300}
    each.ignition("unknown", 200 * NS)
    for s in range(200, 210):
        each.take(s * NS, signals.DISTANCE_TO_SERVICE, 299)
    assert each.settled() == {signals.DISTANCE_TO_SERVICE: 299}


def test_what_the_car_says_of_its_service() -> None:
    now, changes = read(Counters(), heard(km=4999, s=100 * 86_400, due=False), 20e6, DAY)
    assert (now.left_m, now.due_m, now.left_days, now.due_day) == (4_999_000, 24_999_000, 100, "2027-03-02")
    assert (now.is_due, changes, now.is_counting()) == (False, ["first heard"], True)


def test_no_day_without_a_clock_to_be_trusted() -> None:
    now, _ = read(Counters(), heard(s=100 * 86_400, oil=50), None, None)
    assert (now.left_days, now.due_day, now.due_m, now.oil_from, now.day) == (100, None, None, None, None)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (heard(km=300), heard(km=15_000), ["began anew"]),
        (heard(km=300), heard(km=900), []),  # reckoned anew after a gentle drive
        (heard(km=300, s=86_400), heard(km=299, s=86_400 * 365), ["began anew"]),
        (heard(due=True), heard(due=False), ["began anew"]),
        (heard(due=True, km=300), heard(due=False, km=300), []),  # its countdown knows better
        (heard(oil=12), heard(oil=100), ["oil changed"]),
        (heard(oil=12), heard(oil=22), []),
        (heard(due=False), heard(due=True), ["reminds"]),
        ({}, heard(due=True), ["reminds since an unknown day"]),
        (heard(km=300), {}, []),
    ],
)
def test_what_a_change_says(before: dict[str, float], after: dict[str, float], changes: list[str]) -> None:
    was, _ = read(Counters(), before, 20e6, DAY)
    assert read(was, after, 20e6, "2026-11-25")[1] == changes


def test_a_reminder_that_nobody_saw_start_is_not_learned_from() -> None:
    was, _ = read(Counters(), heard(due=False), 20e6, DAY)
    assert read(was, heard(due=True), 20e6, "2026-12-01")[1] == ["reminds since an unknown day"]
    assert read(was, heard(due=True), 20e6, None)[1] == ["reminds since an unknown day"]


def test_a_jump_that_is_taken_back() -> None:
    was, _ = read(Counters(), heard(km=300), 20e6, DAY)
    jumped, _ = read(was, heard(km=15_000), 20e6, DAY)
    assert read(jumped, heard(km=14_900), 20.1e6, "2026-11-25")[1] == []
    back, changes = read(jumped, heard(km=250), 20.1e6, "2026-11-25")
    assert changes == ["fell back"]
    assert read(back, heard(km=200), 20.1e6, "2026-11-26")[1] == []
    late, changes = read(jumped, heard(km=250), 40e6, "2027-06-01")  # it has counted down
    assert (changes, late.undo) == ([], None)


def test_without_a_clock_a_jump_is_taken_back_within_some_distance() -> None:
    was, _ = read(Counters(), heard(km=300), 20e6, None)
    jumped, changes = read(was, heard(km=15_000), 20e6, None)
    assert changes == ["began anew"]
    soon = driven(jumped, {"distance_m": 90_000.0})
    assert read(soon, heard(km=250), 20.1e6, None)[1] == ["fell back"]
    late = driven(jumped, {"distance_m": 14_000_000.0})  # it has counted down
    assert read(late, heard(km=250), 34e6, None)[1] == []


def test_engine_hours_go_with_the_way() -> None:
    counters = Counters()
    for _ in range(20):
        counters = driven(counters, {"engine_s": 1800.0, "distance_m": 30_000.0})
    counters = driven(driven(counters, {"distance_m": 5.0}), {"engine_s": 360.0})
    assert counters.engine_h == pytest.approx(10.1)
    rate = counters.engine_rate(PACE)
    assert rate is not None and rate[:3] == pytest.approx((1 / 6, 0.5, 7 / 6), rel=0.02)
    assert counters.engine_rate(None) is None and Counters().engine_rate(PACE) is None
    assert read(counters, heard(hours=1260.1), None, None)[0].engine_offset_h == pytest.approx(1250.0)


def test_oil_life_goes_as_it_was_seen_to_go() -> None:
    counters, _ = read(Counters(), heard(oil=90), None, "2026-10-01")
    counters, _ = read(counters, heard(oil=88), None, "2026-10-25")
    assert counters.oil_rate(date(2026, 10, 25), PACE) is None  # two points
    counters, _ = read(counters, heard(oil=70), None, "2026-11-10")
    rate = counters.oil_rate(date(2026, 11, 10), PACE)
    assert rate is not None and rate[:3] == pytest.approx((0.5 / 3, 0.5, 3.5 / 3))
    counters, _ = read(counters, heard(oil=100), None, "2026-11-11")
    assert counters.oil_from == (100, "2026-11-11")
