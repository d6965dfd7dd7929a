"""prompts: what the prompt rule remembers, and what counts as said."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.model import NS, Context, Wall
from agent.prompts.state import Parked, Prompt, PromptState, Said
from tests.sim.parked import concern

DAY_NS = 86_400 * NS
TRUSTED = Wall(1_000 * DAY_NS, "synchronised")
FAR_NS = DAY_NS


def prompt(id: str, window: tuple[int, int] | None = None, **other: Any) -> Prompt:
    return Prompt(id, concern(id), "ana", window_utc_ns=window, **other)


def state(*prompts: Prompt, said: tuple[Said, ...] = ()) -> PromptState:
    return PromptState(prompts=prompts, said=said)


def now(day: float) -> int:
    """t_ns of a day of the trusted clock."""
    return round((day - 1_000) * DAY_NS)


def window(day: float) -> tuple[int, int]:
    return round(day * DAY_NS), round((day + 0.1) * DAY_NS)


def test_a_message_that_cannot_have_been_shown_yet_does_not_count_once_it_is_taken_back() -> None:
    early = state(prompt("p", window(1_002), phase="released"), said=(Said("ana", 1_002 * DAY_NS),))
    early.drop(early.prompts[0], TRUSTED, now(1_001), phase="held")
    assert early.said == ()
    late = state(prompt("p", window(1_002), phase="released"), said=(Said("ana", 1_002 * DAY_NS),))
    late.drop(late.prompts[0], TRUSTED, now(1_002.05), phase="held")
    assert late.said == (Said("ana", 1_002 * DAY_NS),), "it may have been shown"
    blind = state(prompt("p", window(1_002), phase="released"), said=(Said("ana", 1_002 * DAY_NS),))
    blind.drop(blind.prompts[0], None, now(1_001), phase="held")
    assert len(blind.said) == 1, "nobody knows"


def test_nor_does_it_while_another_part_of_it_stands() -> None:
    both = state(
        prompt("p", window(1_002), phase="released"),
        prompt("q", window(1_002), phase="released"),
        said=(Said("ana", 1_002 * DAY_NS),),
    )
    both.drop(both.prompts[0], TRUSTED, now(1_001), phase="over")
    assert both.said
    both.drop(both.prompts[1], TRUSTED, now(1_001), phase="over")
    assert not both.said


def test_a_part_that_was_settled_after_it_could_be_shown_keeps_it_counted() -> None:
    both = state(
        prompt("p", window(1_002), phase="over", how="done"),
        prompt("q", window(1_002), phase="released"),
        said=(Said("ana", 1_002 * DAY_NS),),
    )
    both.unsay(both.change(both.prompts[1], phase="held"))
    assert len(both.said) == 1


def test_a_message_counts_once_and_for_a_week_also_for_one_that_leaves_early() -> None:
    kept = state()
    for day in (1_000, 1_000, 1_003, 1_009):
        kept.said_to("ana", day * DAY_NS)
    assert [s.utc_ns // DAY_NS for s in kept.said] == [1_000, 1_003, 1_009]
    kept.said_to("ana", 1_011 * DAY_NS)
    assert [s.utc_ns // DAY_NS for s in kept.said] == [1_003, 1_009, 1_011]


def test_a_clock_that_was_ahead_is_put_back_with_all_that_it_dated() -> None:
    waiting = prompt("w", until_utc_ns=1_405 * DAY_NS, misses=1)
    out = prompt("o", window(1_400.5), phase="released")
    ahead = state(waiting, out, said=(Said("ana", 1_400 * DAY_NS + DAY_NS // 2), Said("ben", 999 * DAY_NS)))
    ahead.seen_utc_ns = 1_400 * DAY_NS
    ahead.follow(TRUSTED, now(1_000), FAR_NS)
    assert ahead.prompts[0].until_utc_ns == 1_005 * DAY_NS
    assert ahead.prompts[1].phase == "held"
    assert ahead.said == (Said("ben", 999 * DAY_NS),)
    ahead.follow(Wall(0, "unsure"), 0, FAR_NS)
    assert ahead.seen_utc_ns == 1_000 * DAY_NS


def test_when_it_parked_is_dated_by_the_boot_that_saw_it() -> None:
    ctx = Context(at_ns := now(1_010), TRUSTED, "unit-1", "boot-2", None)
    there = 1_010 * DAY_NS
    for parked, utc_ns in [
        (None, 0),
        (Parked("boot-2", at_ns - NS, 5), there - NS),
        (Parked("boot-1", 5, there - 7), there - 7),
        (Parked("boot-1", 5, there + 7), there),
        (Parked("boot-1", 5), 0),
    ]:
        assert PromptState(parked=parked).parked_utc_ns(ctx, there) == utc_ns


def test_what_is_written_is_read_back() -> None:
    full = state(prompt("p", window(1_002), phase="released", slots=[], misses=2), said=(Said("ana", 5),))
    full.leave_unsaid(full.prompts[0], None, 0, "because")
    full.parked = Parked("boot-1", 5)
    assert msgspec.json.decode(msgspec.json.encode(full), type=PromptState) == full
