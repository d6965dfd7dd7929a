"""moment: when a person may be told. Each case is a local time in Berlin; the pause after a trip is the person's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner
from agent.habits import Day, Habits
from agent.household import Driver
from agent.localtime import day_of
from agent.model import NS
from agent.prompts.moment import A_WEEK, AFTER_TRIP_MIN, DAYS_AHEAD, WEEK_NS, Moment, Person, capped, next_moment

BERLIN = ZoneInfo("Europe/Berlin")
LOW, HIGH = AFTER_TRIP_MIN


def utc(local: str) -> int:
    return round(datetime.fromisoformat(f"2026-{local}").replace(tzinfo=BERLIN).timestamp()) * NS


def at(utc_ns: int) -> str:
    return f"{datetime.fromtimestamp(utc_ns // NS, BERLIN):%m-%d %H:%M}"


def home_at(minute: int, driver: str = "ana") -> Habits:
    return Habits(days=tuple(Day(f"2026-10-{n:02}", 1000.0, 1, {driver: minute}) for n in range(1, 10)))


NOTHING = Habits()


def person(habits: Habits = NOTHING, unit: str = "unit-1", **profile: object) -> Person:
    return Person(Driver("ana", **profile), Owner(timezone="Europe/Berlin"), habits, unit)  # type: ignore[arg-type]


def moment(who: Person, now: str, parked: str | None = None, said: tuple[str, ...] = (), *, is_usual: bool = True) -> Moment:
    return next_moment(who, utc(now), utc(parked) if parked else 0, map(utc, said), is_usual=is_usual)


@pytest.mark.parametrize(
    ("now", "tell_at", "expected"),
    [
        ("10-26 08:30", "18:30", "10-26 18:30"),
        ("10-26 19:00", "18:30", "10-26 19:00"),  # past it: now
        ("10-26 22:00", "18:30", "10-27 18:30"),  # quiet: the next day's
        ("10-27 06:00", "18:30", "10-27 18:30"),
        ("10-27 06:00", "07:30", "10-27 07:30"),  # the minute in which the quiet hours end
        ("10-25 00:30", "08:15", "10-25 08:15"),
        ("03-28 23:00", "18:30", "03-29 18:30"),
    ],
)
def test_a_stated_time(now: str, tell_at: str, expected: str) -> None:
    found = moment(person(tell_at=tell_at), now, now)
    assert at(found.from_utc_ns) == expected


def test_a_stated_time_in_quiet_hours_is_the_morning_or_after_a_drive_by_day() -> None:
    assert "10-27 07:45" <= at(moment(person(tell_at="23:00"), "10-26 22:00").from_utc_ns) <= "10-27 09:30"
    by_day = moment(person(tell_at="23:00"), "10-26 14:10", "10-26 14:00")
    assert "10-26 14:15" <= at(by_day.from_utc_ns) <= "10-26 16:00"


def test_else_when_they_are_usually_home_after_the_latest_trip() -> None:
    who = person(home_at(17 * 60 + 40))
    pause_ns = who.pause_ns("2026-10-26")
    assert LOW * 60 * NS <= pause_ns <= HIGH * 60 * NS
    by_noon = moment(who, "10-26 12:00", "10-26 11:50")
    assert by_noon.from_utc_ns == utc("10-26 17:00") + pause_ns, "once past the hour of it"
    assert by_noon.waits == ("until they are usually home",)
    assert moment(who, "10-26 18:20", "10-26 18:10").from_utc_ns == utc("10-26 18:10") + pause_ns
    assert moment(who, "10-26 21:00", "10-26 17:00").waits == (), "it is past already"
    late = moment(who, "10-26 21:45", "10-26 21:40")
    assert late.from_utc_ns == utc("10-27 17:00") + who.pause_ns("2026-10-27"), "the next evening, not the morning"


def test_the_hour_is_the_persons_own_where_zones_differ_by_half_hours() -> None:
    who = person(home_at(18 * 60 + 20), timezone="Asia/Kolkata")
    zone = ZoneInfo("Asia/Kolkata")
    now_ns = round(datetime(2026, 10, 26, 9, tzinfo=zone).timestamp()) * NS
    found = datetime.fromtimestamp(next_moment(who, now_ns, now_ns, (), is_usual=True).from_utc_ns // NS, zone)
    assert found - datetime(2026, 10, 26, 18, tzinfo=zone) >= timedelta(minutes=LOW)


def test_while_nothing_is_known_of_them_it_is_the_early_evening() -> None:
    assert "10-26 18:15" <= at(moment(person(), "10-26 12:00", "10-26 11:00").from_utc_ns) <= "10-26 20:00"
    assert at(moment(person(home_at(600, "ben")), "10-26 12:00").from_utc_ns) == "10-26 12:00", "somebody's is better than none"


def test_whoever_comes_home_in_quiet_hours_is_told_by_day() -> None:
    who = person(home_at(23 * 60))
    assert "10-27 07:45" <= at(moment(who, "10-26 23:20", "10-26 23:10").from_utc_ns) <= "10-27 09:30"
    night = person(home_at(6 * 60))
    assert "10-27 07:30" <= at(moment(night, "10-27 06:20", "10-27 06:10").from_utc_ns) <= "10-27 09:30"


def test_units_people_and_days_differ() -> None:
    pauses = {person(unit=f"unit-{n}").pause_ns("2026-10-26") // (60 * NS) for n in range(100)}
    assert len(pauses) > 40
    assert person().pause_ns("2026-10-26") != person().pause_ns("2026-10-27")


def test_a_celebration_is_now_or_after_the_quiet_hours() -> None:
    assert at(moment(person(), "10-26 09:00", "10-26 08:50", is_usual=False).from_utc_ns) == "10-26 09:00"
    assert "10-27 07:45" <= at(moment(person(), "10-26 22:00", is_usual=False).from_utc_ns) <= "10-27 09:30"


def test_caps() -> None:
    who = person(tell_at="18:30")
    once = moment(who, "10-26 12:00", said=("10-26 08:00",))
    assert (at(once.from_utc_ns), once.longest) == ("10-27 18:30", "one a day is enough")
    twice = moment(who, "10-28 12:00", said=("10-26 18:30", "10-27 18:30"))
    assert (at(twice.from_utc_ns), twice.longest) == ("11-02 18:30", "two a week are enough")
    assert capped((utc("10-26 18:30"),), utc("10-27 00:00"), BERLIN) is None


def test_it_may_be_shown_until_the_quiet_hours() -> None:
    assert at(moment(person(), "10-26 19:00").until_utc_ns) == "10-26 21:30"
    none = moment(person(quiet_from="00:00", quiet_to="00:00", tell_at="20:00"), "10-26 12:00")
    assert at(none.until_utc_ns) == "10-27 08:00"


CLOCKS = st.integers(0, 1439).map(lambda n: f"{n // 60:02}:{n % 60:02}")
NOWS = st.integers(1_760_000_000, 1_860_000_000).map(lambda s: s * NS)


@settings(max_examples=300, deadline=None)
@given(
    NOWS,
    st.integers(0, 10**15),
    st.lists(st.integers(-30 * 86_400, 5 * 86_400), max_size=4),
    CLOCKS,
    CLOCKS,
    st.none() | CLOCKS,
    st.none() | st.integers(0, 1800),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.booleans(),
)
def test_whatever_their_day_is_like(
    now_ns: int, ago_ns: int, said_s: list[int], quiet_from: str, quiet_to: str, tell_at: str | None, usual: int | None,
    zone: str, is_usual: bool,
) -> None:  # fmt: skip
    who = person(
        Habits() if usual is None else home_at(usual), quiet_from=quiet_from, quiet_to=quiet_to, tell_at=tell_at, timezone=zone
    )
    said = tuple(now_ns + s * NS for s in said_s)
    found = next_moment(who, now_ns, now_ns - ago_ns, said, is_usual=is_usual)
    assert now_ns <= found.from_utc_ns <= now_ns + (DAYS_AHEAD + 15) * 86_400 * NS
    assert found.from_utc_ns < found.until_utc_ns
    assert who.quiet_until_ns(found.from_utc_ns) is None
    assert day_of(found.from_utc_ns, who.zone) not in {day_of(s, who.zone) for s in said}
    assert sum(abs(found.from_utc_ns - s) < WEEK_NS for s in said) < A_WEEK
    if found.from_utc_ns > now_ns:
        assert found.longest in found.waits
