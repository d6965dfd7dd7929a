"""Random weeks (hil/bench/weeks.py): some hundred here, ten thousand on the bench; and that the judge finds what is wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from agent.engine import Engine
from agent.events import prompt
from agent.events.appointment import AppointmentMoved, MoveSettled
from agent.events.concern import ConcernSettled
from agent.model import NS, Context, Event
from agent.prompts import hold, moment
from agent.prompts.moment import Person, next_moment
from agent.prompts.offer import Offer
from agent.prompts.state import Prompt, PromptState
from hil.bench import weeks
from hil.bench.week_plan import plan
from hil.bench.week_world import World

FIRST, IN_CI = 100_000, 300  # other weeks than the bench's


def test_in_random_weeks_nothing_is_said_too_early_too_often_twice_or_never() -> None:
    lived = weeks.live_many(range(FIRST, FIRST + IN_CI))
    assert lived.faults == []
    assert lived.counts["messages"] > 3 * IN_CI
    assert lived.counts["shown"] > 2 * IN_CI
    assert lived.counts["messages about safety"] > IN_CI // 3
    assert lived.counts["appointments moved"] > 10


def test_a_week_is_the_same_each_time() -> None:
    assert weeks.live(FIRST) == weeks.live(FIRST)
    assert plan(1) != plan(2)


def found(first: int = FIRST, count: int = 60) -> str:
    """What the judge finds in some weeks, as one text."""
    return "\n".join(fault for _, fault in weeks.live_many(range(first, first + count)).faults)


def test_it_finds_a_hold_that_is_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "HOLD_S", 300)
    assert "after it came on" in found()


def test_it_finds_one_more_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment, "A_DAY", 2)
    assert "more than one message a day" in found()


def test_it_finds_one_more_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment, "A_WEEK", 3)
    assert "more than two messages in seven days" in found()


def test_it_finds_a_quiet_hour_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment.Person, "quiet_until_ns", lambda *_: None)
    assert "quiet hours" in found()


def test_it_finds_an_ignition_that_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt.PromptRule, "_park_or_drive", lambda *_: ())
    monkeypatch.setattr(prompt, "hold", lambda _, ctx, __: (None, None) if ctx.wall else ("snoozed", None))
    text = found()
    assert "released while the ignition is on" in text
    assert "released while the ignition is not known" in text


def test_it_finds_a_unit_that_takes_its_own_absence_for_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def listens(engine: Engine, t_ns: int) -> None:
        engine._was_away, engine._t_ns = False, engine._t_ns if engine._t_ns >= 0 else t_ns

    monkeypatch.setattr(Engine, "_listen", listens)
    assert "released while the ignition is" in found()


def test_it_finds_what_comes_early_with_a_congratulation(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_one(state: PromptState, person: Person, driver: str, ready: list[Prompt], parked_ns: int, now_ns: int) -> list[Offer]:
        is_usual = all(p.concern.urgency == "usual" for p in ready)
        return [Offer(ready, next_moment(person, now_ns, parked_ns, (), is_usual=is_usual))]

    monkeypatch.setattr(prompt, "offers", as_one)
    assert "came early" in found()


def test_it_finds_a_prompt_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(state: PromptState, each: Prompt, **fields: object) -> Prompt:
        if fields.get("phase") == "held" and each.revision == 1:
            state.prompts = tuple(p for p in state.prompts if p.id != each.id)
        return change(state, each, **fields)

    change = PromptState.change
    monkeypatch.setattr(PromptState, "change", forgets)
    assert "lost:" in found()


def test_it_finds_what_is_said_again_and_what_is_not_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt.PromptRule, "_deliver", lambda *_: ())
    hears = tuple(kind for kind in prompt.PromptRule.hears if kind is not ConcernSettled)
    monkeypatch.setattr(prompt.PromptRule, "hears", hears)
    text = found()
    assert "released again though it was delivered" in text
    assert "though it was settled" in text
    assert "not withdrawn" in text


def test_it_finds_what_is_not_withdrawn_of_an_appointment(monkeypatch: pytest.MonkeyPatch) -> None:
    hears = tuple(kind for kind in prompt.PromptRule.hears if kind is not MoveSettled)
    monkeypatch.setattr(prompt.PromptRule, "hears", hears)
    assert "appointment" in (text := found(count=300))
    assert "is settled and not withdrawn" in text


def test_it_counts_an_appointment_of_which_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    untold, moved = "moved, settled before it was told", "appointments moved"
    counts = weeks.live_many(range(FIRST, FIRST + 100)).counts
    assert counts[untold] < counts[moved] / 2
    hears = tuple(kind for kind in prompt.PromptRule.hears if kind is not AppointmentMoved)
    monkeypatch.setattr(prompt.PromptRule, "hears", hears)
    counts = weeks.live_many(range(FIRST, FIRST + 100)).counts
    assert counts[untold] == counts[moved] > 0


def test_it_finds_a_rule_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(rule: prompt.PromptRule, ctx: Context, event: Event) -> tuple[Event, ...]:
        raise KeyError

    monkeypatch.setattr(prompt.PromptRule, "_answer", fails)
    assert "rule failed: prompt" in found(count=20)


def test_the_far_side_withholds_what_is_older_than_a_trip() -> None:
    """Of the weeks that CI lives, some have messages that would have been shown while driving."""
    world = World(plan(FIRST), FIRST)
    world.live()
    assert world.far.trip_n > 0
    assert world.now_ns > 60 * 86_400 * NS


def test_all_of_the_figures_are_told() -> None:
    faults = [(1, "1 day: released while the ignition is on: usual"), (2, "lost: x"), (3, "more than one message a day to ana")]
    told = weeks.figures_of(10, faults, Counter(messages=5), 1.0)
    assert tuple(f.name for f in told if f.target) == weeks.GROUP.figures
    assert [f.value for f in told if f.target] == [1, 0, 1, 0, 1]
    assert all(f.ok for f in weeks.figures_of(10, [], Counter(), 1.0))
