"""Which prompts go together: a congratulation does not wait for the others, and they do not come early with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.events.concern import Concern
from agent.events.message import PromptReleased, PromptWithdrawn
from tests.sim.car import at, drive
from tests.sim.parked import DAY_S, OWNER, Scene, concern

AT_NIGHT = msgspec.structs.replace(OWNER, tell_at="23:00")


def party(name: str = "p1", **other: Any) -> Concern:
    values = {"mark": 100_000, "counts": "km", "reading_m": 1e8}
    fields = {"kind": "milestone", "says": "milestone", "urgency": "celebration", "subject": f"milestone {name}"}
    return concern(name, values=values, **fields | other)


def told(scene: Scene) -> list[tuple[str, str, list[str]]]:
    """(from when, urgency, what of) of each message."""
    starts = (start for start, _ in scene.windows)
    return [(s, m.urgency, sorted(p.rests_on[0] for p in m.parts)) for s, m in zip(starts, scene.of(PromptReleased), strict=True)]


def test_what_comes_due_with_a_milestone_waits_for_its_own_moment() -> None:
    scene = Scene()
    samples = drive(length_s=900)
    scene.live(s for s in samples if s[0] < at(300))
    scene.say(concern(), party())
    scene.live(s for s in samples if s[0] >= at(300)).until(1000)
    assert told(scene) == [("10-26 08:15", "celebration", ["p1"]), ("10-27 18:30", "usual", ["c1"])]
    assert scene.parts[1].held_by[-1] == "one a day is enough"


def test_one_message_when_that_moment_is_there() -> None:
    scene = Scene("2026-10-26 18:30")
    samples = drive(length_s=900)
    scene.live(s for s in samples if s[0] < at(300))
    scene.say(concern(), party())
    scene.live(s for s in samples if s[0] >= at(300)).until(1000)
    assert told(scene) == [("10-26 18:45", "usual", ["c1", "p1"])]


def test_it_goes_along_with_what_has_left_for_the_same_day() -> None:
    """There is no second message that day; alone it would be told on the next."""
    scene = Scene().parked().say(concern()).say(party())
    assert told(scene)[1:] == [("10-26 18:30", "usual", ["c1", "p1"])]
    scene.say(concern("c2", subject="other"))
    assert told(scene)[2:] == [("10-26 18:30", "usual", ["c1", "c2", "p1"])], "and it does not part again"
    assert len(scene.rule.state.said) == 1


def test_also_with_what_has_left_for_the_evening_of_the_coming_day() -> None:
    scene = Scene("2026-10-26 19:00").parked().say(concern("c0", subject="first"))
    scene.until(2000)
    scene.delivered().until(11 * 3600)
    scene.say(concern("c1")).say(party())
    assert told(scene) == [
        ("10-26 19:16", "usual", ["c0"]),
        ("10-27 18:30", "usual", ["c1"]),
        ("10-27 18:30", "usual", ["c1", "p1"]),
    ]


def test_a_congratulation_that_waits_for_the_morning_takes_nothing_along_then() -> None:
    scene = Scene("2026-10-26 22:00").parked().say(party()).say(concern())
    (start, *_), second = told(scene)
    assert "10-27 07:30" < start < "10-27 09:31"
    assert second == ("10-28 18:30", "usual", ["c1"])
    assert scene.of(PromptWithdrawn) == []


def test_but_what_would_be_told_at_that_very_moment_goes_with_it() -> None:
    """Somebody whose moment lies in their quiet hours is told some while after them."""
    scene = Scene("2026-10-26 22:00", owner=AT_NIGHT).parked().say(party()).say(concern())
    first, second = told(scene)
    assert second == (first[0], "usual", ["c1", "p1"])


def after_one_this_week(first: str, *said: Concern) -> Scene:
    scene = Scene().parked().say(party("p0") if first == "party" else concern("c0", subject="first"))
    scene.until(12 * 3600)
    scene.delivered().until(DAY_S + 4 * 3600)
    return scene.say(*said)


@pytest.mark.parametrize("first", ["party", "usual"])
def test_it_skips_the_evening_though_it_is_the_weeks_last_message(first: str) -> None:
    scene = after_one_this_week(first, party(), concern())
    assert told(scene)[1:] == [("10-27 12:00", "celebration", ["p1"])]
    assert scene.held[-1] == "two a week are enough"
    scene.delivered().until(9 * DAY_S)
    assert told(scene)[2] == ("11-02 18:30", "usual", ["c1"]), "seven days after the first"


@pytest.mark.parametrize("first", ["party", "usual"])
def test_but_not_where_a_fault_would_have_to_wait_until_next_week(first: str) -> None:
    fault = concern("f1", kind="fault", says="fault", values={"code": "P0301", "severity": "soon"}, subject="fault P0301")
    scene = after_one_this_week(first, party(), fault)
    assert told(scene)[1:] == [("10-27 18:30", "usual", ["f1", "p1"])]


def test_a_congratulation_that_was_put_off_by_days_goes_with_the_rest() -> None:
    """It may have been shown before the second drive, so it waits for the next morning; a service comes due meanwhile."""
    scene = Scene()
    scene.live(drive())
    scene.say(party()).until(1000)
    scene.live(drive(6000)).until(7000)
    assert told(scene)[1][0] > "10-27 07:30"
    scene.say(concern())
    assert told(scene)[2:] == [("10-27 18:30", "usual", ["c1", "p1"])]


def test_what_leaves_early_makes_no_message_forgotten_that_still_counts() -> None:
    scene = Scene().parked().say(party("p0"))
    scene.delivered().until(DAY_S)
    scene.say(concern("c0", subject="first")).until(2 * DAY_S)
    scene.delivered().say(party(), concern()).until(6.5 * DAY_S)
    expected = [("11-02 18:30", "usual", ["c1", "p1"])]
    assert told(scene)[2:] == expected
    scene.live(drive(6.51 * DAY_S)).until(6.6 * DAY_S)
    assert told(scene)[3:] == expected
