"""prompt: held while driving, released when a person can act on it, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Owner, Service
from agent.events.prompt import SETTLE_S, PromptHeld, PromptReleased, next_time_ns, service_text
from agent.events.service import ServiceDue
from agent.model import NS, Wall
from agent.signals import ODOMETER
from agent.stitch import GRACE_S
from tests.sim.car import Bench, at, drive, every_second, wall

BERLIN = ZoneInfo("Europe/Berlin")
OIL = (Service("oil change", 10_000, 10_001),)  # due at 20,001 km, in mid-drive
START_M = 20_000_000.0
OVER_S = 311 + GRACE_S  # when the default drive is known to be over


def utc_s(local: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()


def bench(local: str = "2026-10-26 08:30", tell_at: str | None = "18:30", *, zone: str = "Europe/Berlin") -> Bench:
    """The default drive began ten seconds after this local time; the service item came due in it."""
    owner = Owner(timezone=zone, tell_at=tell_at)
    made = Bench(owner=owner, services=OIL, wall=wall(utc_s(local, ZoneInfo(zone))))
    return made.live(drive(odometer_m=START_M))


def told(made: Bench, zone: ZoneInfo = BERLIN) -> list[str]:
    """When prompts were released, in local time."""
    times = [e.released_utc_ns for e in made.of(PromptReleased)]
    return [f"{datetime.fromtimestamp(t // NS, zone):%Y-%m-%d %H:%M:%S}" for t in times if t is not None]


def test_due_in_mid_drive_it_is_held_and_says_why() -> None:
    made = bench()
    (held,) = made.of(PromptHeld)
    (due,) = made.of(ServiceDue)
    assert (held.held_by, held.t_ns, held.raised_ns, held.topic) == ("a trip is under way", due.t_ns, due.t_ns, "oil change")
    assert held.raised_utc_ns == at(utc_s("2026-10-26 08:30")) + due.t_ns
    assert not held.leaves
    assert told(made) == []


def test_without_a_stated_time_it_is_released_when_the_trip_is_over() -> None:
    made = bench(tell_at=None).until(OVER_S - 1)
    assert told(made) == []
    (released,) = made.until(OVER_S).of(PromptReleased)
    (held,) = made.of(PromptHeld)
    assert (released.prompt_id, released.text, released.rests_on) == (held.prompt_id, held.text, [made.of(ServiceDue)[0].id])
    assert (released.raised_ns, released.held_ns, released.released_ns) == (held.raised_ns, held.raised_ns, at(OVER_S))
    assert (released.raised_utc_ns, released.held_utc_ns) == (held.raised_utc_ns, held.raised_utc_ns)
    assert released.released_utc_ns == at(utc_s("2026-10-26 08:30") + OVER_S)
    kinds = [k for k in made.kinds() if k.startswith(("Trip", "Prompt"))]
    assert kinds == ["TripStarted", "TripEnded", "PromptReleased"]


def test_a_recording_that_ends_releases_it_too() -> None:
    assert len(bench(tell_at=None).finish().of(PromptReleased)) == 1


@pytest.mark.parametrize(
    ("local", "tell_at", "expected"),
    [
        ("2026-10-26 08:30", "18:30", "2026-10-26 18:30:00"),
        ("2026-10-26 18:25", "18:30", "2026-10-26 18:30:41"),  # over after it: at once
        ("2026-10-26 22:00", "18:30", "2026-10-26 22:05:41"),
        ("2026-10-26 23:57", "18:30", "2026-10-27 18:30:00"),  # over after midnight: the new day's time
        ("2026-10-26 23:57", "00:00", "2026-10-27 00:02:41"),
        ("2026-10-26 08:30", "23:59", "2026-10-26 23:59:00"),
        ("2026-03-28 23:58", "18:30", "2026-03-29 18:30:00"),  # an hour shorter
        ("2026-10-24 23:58", "18:30", "2026-10-25 18:30:00"),  # an hour longer
        ("2026-03-29 01:30", "02:30", "2026-03-29 03:30:00"),  # a time that this day has not
        ("2026-10-25 01:30", "02:30", "2026-10-25 02:30:00"),  # one that it has twice
    ],
)
def test_with_a_stated_time_it_waits_for_it(local: str, tell_at: str, expected: str) -> None:
    made = bench(local, tell_at)
    for hour in range(1, 30):
        made.until(hour * 3600)
    assert told(made) == [expected]
    (released,) = made.of(PromptReleased)
    assert released.t_ns == released.released_ns


def test_the_time_is_the_owners() -> None:
    made = bench("2026-10-26 08:30", zone="Asia/Kolkata").until(86_400)
    assert told(made, ZoneInfo("Asia/Kolkata")) == ["2026-10-26 18:30:00"]


def test_a_trip_at_the_stated_time_holds_it_on() -> None:
    made = bench("2026-10-26 18:00").until(1000).live(drive(1700, odometer_m=START_M + 4350))
    assert told(made) == []
    assert told(made.until(9999)) == ["2026-10-26 18:33:51"], "1,700 + 301 + 30 s after 18:00"


def test_and_without_a_stated_time_an_off_and_on_again_does() -> None:
    made = bench(tell_at=None).until(330).live(drive(335, odometer_m=START_M + 4350))
    assert made.of(PromptReleased) == []
    assert made.until(9999).of(PromptReleased)[0].t_ns == at(335 + 301 + GRACE_S)


def test_it_is_never_released_while_a_trip_is_under_way() -> None:
    made = bench(tell_at=None)
    for n in range(5):
        made.until(1000 * n + 900).live(drive(1000 * n + 1000, odometer_m=START_M + 4350 * (n + 1)))
    made.until(99_999)
    driving = False
    for event in made.events:
        driving = {"TripStarted": True, "TripEnded": False}.get(type(event).__name__, driving)
        assert not (driving and isinstance(event, PromptReleased))


@pytest.mark.parametrize("clock", [None, Wall(0, "unsure")])
def test_with_a_stated_time_and_no_clock_to_be_trusted_it_stays_held(clock: Wall | None) -> None:
    owner = Owner(timezone="Europe/Berlin", tell_at="18:30")
    made = Bench(owner=owner, services=OIL, wall=clock).live(drive(odometer_m=START_M)).until(599_999)
    assert made.of(PromptReleased) == []
    made.wall = wall(utc_s("2026-10-26 17:00"), at_s=600_000)
    assert told(made.until(600_000)) == []
    assert told(made.until(700_000)) == ["2026-10-26 18:30:00"]
    (released,) = made.of(PromptReleased)
    assert released.raised_utc_ns == made.wall.utc_ns(released.raised_ns), "known now"


def test_without_a_stated_time_no_clock_is_needed() -> None:
    made = Bench(services=OIL, wall=None).live(drive(odometer_m=START_M)).until(999)
    (released,) = made.of(PromptReleased)
    assert (released.raised_utc_ns, released.released_utc_ns) == (None, None)
    assert "None" not in released.text


@pytest.mark.parametrize("boot_id", [None, "boot-2"])
def test_a_restart_between_does_not_lose_or_repeat_it(boot_id: str | None) -> None:
    made = bench("2026-10-26 08:30").until(1000)
    now_s = 20 if boot_id else 1000
    made.restart(boot_id, wall=wall(utc_s("2026-10-26 08:30") + 1000, at_s=now_s)).until(now_s)
    made.until(now_s + 3600).restart(wall=made.wall).until(now_s + 86_400)
    assert told(made) == ["2026-10-26 18:30:00"]
    assert made.of(PromptReleased)[0].raised_utc_ns == made.of(PromptHeld)[0].raised_utc_ns


def test_a_long_uptime_before_the_reboot_delays_nothing() -> None:
    owner = Owner(tell_at=None)
    made = Bench(owner=owner, services=OIL).live(drive(900_000, odometer_m=START_M)).restart("boot-2").until(5)
    made.until(5 + 60)
    assert [e.t_ns for e in made.of(PromptReleased)] == [at(65)], "when the cut trip was told"
    (released,) = made.of(PromptReleased)
    assert released.raised_utc_ns == made.of(PromptHeld)[0].raised_utc_ns


def test_what_comes_due_as_the_car_wakes_waits_for_a_trip_to_begin() -> None:
    """The odometer is heard before the ignition: nobody is told anything in the moment they get in."""
    waking = every_second(0, [30_000_000.0] * 10, ODOMETER)
    made = Bench(services=OIL).live(waking)
    (held,) = made.of(PromptHeld)
    assert held.held_by == "a trip may be about to begin"
    made.live(drive(20, odometer_m=30_000_000.0))
    assert made.of(PromptReleased) == []
    assert made.until(9999).of(PromptReleased)[0].t_ns == at(321 + GRACE_S)
    alone = Bench(services=OIL).live(waking).until(SETTLE_S - 1)
    assert alone.of(PromptReleased) == []
    assert alone.until(9999).of(PromptReleased)[0].t_ns == at(SETTLE_S)


def test_and_a_reboot_does_not_make_that_longer() -> None:
    made = Bench(services=OIL).live(every_second(900_000, [30_000_000.0] * 10, ODOMETER)).restart("boot-2").until(5)
    assert [e.t_ns for e in made.of(PromptReleased)] == [at(5)]


def test_two_items_are_two_prompts() -> None:
    services = (*OIL, Service("tyres", 10_000, 10_002))
    made = Bench(services=services).live(drive(odometer_m=START_M)).until(9999)
    assert [e.topic for e in made.of(PromptReleased)] == ["oil change", "tyres"]
    assert len({e.id for e in [*made.of(PromptHeld), *made.of(PromptReleased)]}) == 4


@pytest.mark.parametrize(("counts", "words"), [("km", "20,001 km"), ("mi", "12,428 mi")])
@pytest.mark.parametrize("about", [False, True])
def test_what_it_says(counts: str, words: str, about: bool) -> None:
    due = ServiceDue(id="", t_ns=0, boot_id="", item="oil change", due_m=20_001_000.0, reading_m=20_001_000.0, about=about)
    text = service_text(due, counts)
    assert text == (
        f"Your car has reached {'about ' if about else ''}{words}. Its next oil change was set for {words}. "
        "This is an automatic message from your car; no person wrote it."
    )


@settings(deadline=None)
@given(
    st.integers(0, 4_000_000_000),
    st.times(),
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "UTC"]),
)
def test_the_next_time_is_now_or_later_within_a_day_and_then_it_is_that_time(at_s: int, when: time, name: str) -> None:
    zone = ZoneInfo(name)
    when = when.replace(second=0, microsecond=0)
    found = next_time_ns(at_s * NS, when, zone)
    assert at_s * NS <= found <= (at_s + 25 * 3600) * NS
    assert next_time_ns(found, when, zone) == found, "and it is not put off again"
    local = datetime.fromtimestamp(found // NS, UTC).astimezone(zone)
    assert local.time() >= when


def test_times_are_in_order() -> None:
    (released,) = bench(tell_at=None).until(OVER_S).of(PromptReleased)
    for before, after in pairwise([released.raised_ns, released.held_ns, released.released_ns]):
        assert before <= after
