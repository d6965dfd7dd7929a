"""prompt: held until a person can act on it, said once, withdrawn when it is no longer so (and tests/test_prompt_weeks.py)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.events.household import ConsentChanged, DriverSaved, PromptsStopped
from agent.events.message import (
    PromptAnswered,
    PromptDelivered,
    PromptExpired,
    PromptHeld,
    PromptReleased,
    PromptWithdrawn,
)
from agent.events.prompt import LATE_NS, SNOOZE_MAX_DAYS
from agent.model import NS, Wall
from agent.prompts.hold import HOLD_S
from agent.prompts.state import EARLY_NS, ENDED_KEPT
from tests.sim.car import at, drive, wall
from tests.sim.parked import ANA, DAY_S, Scene, concern, local, settled, utc_s

# -- held, and released ------------------------------------------------------------------------------


def test_it_leaves_early_and_says_when_it_may_be_shown() -> None:
    scene = Scene().parked().say(concern())
    (message,) = scene.of(PromptReleased)
    assert scene.windows == [("10-26 18:30", "10-26 21:30")]
    assert (message.person, message.driver, message.urgency, message.automatic) == ("owner", "owner", "usual", True)
    assert (message.released_ns, message.released_utc_ns) == (at(1000), scene.utc_ns)
    assert message.closing
    (part,) = message.parts
    assert (part.revision, part.topic, part.kind, part.report, part.rests_on) == (0, "report", "report", "c1", ["c1"])
    assert part.held_by == ["until the stated time"]
    assert part.title and part.text


def test_raised_in_mid_drive_it_is_held_until_ten_minutes_after_the_ignition_came_on() -> None:
    scene = Scene()
    scene.live(s for s in drive() if s[0] < at(100)).say(concern())  # type: ignore[attr-defined]
    scene.live(s for s in drive() if s[0] >= at(100)).until(10 + HOLD_S - 1)
    assert scene.held == ["the ignition is on", "the ignition came on less than ten minutes ago"]
    assert scene.of(PromptReleased) == []
    (message,) = scene.until(10 + HOLD_S).of(PromptReleased)
    assert message.t_ns == at(10 + HOLD_S)
    assert message.parts[0].held_by == [*scene.held, "until the stated time"]
    (held, _) = scene.of(PromptHeld)
    assert (held.prompt_id, held.topic, held.driver, held.leaves) == (message.parts[0].prompt_id, "report", "owner", False)


def test_a_unit_that_starts_does_not_know_the_ignition() -> None:
    scene = Scene().say(concern())
    scene.until(5)
    assert scene.held == ["the ignition is not known"]
    assert scene.until(5 + 110 + HOLD_S - 1).of(PromptReleased) == []
    assert len(scene.until(5 + 110 + HOLD_S).of(PromptReleased)) == 1, "silent, and ten minutes without an ignition"


@pytest.mark.parametrize("clock", [None, Wall(0, "unsure")])
def test_without_a_clock_to_be_trusted_it_stays_held(clock: Wall | None) -> None:
    scene = Scene(wall=clock).parked().say(concern())
    scene.until(30 * DAY_S)
    assert scene.held == ["no clock to be trusted"]
    scene.wall = wall(utc_s("2026-10-26 19:00"), at_s=30 * DAY_S)
    scene.until(30 * DAY_S + 1)
    assert scene.windows == [("10-26 19:00", "10-26 21:30")]
    assert scene.parts[0].raised_utc_ns == scene.wall.utc_ns(0), "known now"


def test_a_new_ignition_on_withdraws_it_and_holds_it_again() -> None:
    scene = Scene().parked().say(concern())
    scene.live(drive(2000))
    (gone,) = scene.of(PromptWithdrawn)
    assert (gone.t_ns, gone.why, gone.revision) == (at(2000), "the ignition came on", 0)
    assert scene.windows == [("10-26 18:30", "10-26 21:30")]
    scene.until(2000 + HOLD_S)
    assert [part.revision for part in scene.parts] == [0, 1]
    assert scene.windows[1] == scene.windows[0]
    assert len({m.id for m in scene.of(PromptReleased)}) == 2


def test_what_was_shown_is_not_withdrawn_by_it() -> None:
    scene = Scene().parked().say(concern()).delivered()
    scene.live(drive(2000)).until(9999)
    assert scene.of(PromptWithdrawn) == []
    assert len(scene.parts) == 1


def test_a_moment_further_away_than_two_days_is_waited_for_here() -> None:
    scene = Scene().parked().say(concern("c1")).delivered().say(concern("c2", subject="c2")).delivered()
    scene.say(concern("c3", subject="c3"))
    assert scene.windows[2:] == [] and scene.held == ["two a week are enough"]
    scene.until(7 * DAY_S)
    assert scene.windows[2] == ("11-02 18:30", "11-02 21:30")
    assert scene.of(PromptReleased)[2].released_utc_ns == at(utc_s("2026-11-02 18:30")) - EARLY_NS


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        ({"tell_at": "12:30", "quiet_from": "18:00"}, ("10-26 12:30", "10-26 18:00")),
        ({"tell_at": "18:30", "quiet_from": "18:00"}, ("10-26 09:", "10-26 18:00")),
        ({"tell_at": "18:30", "language": "de"}, ("10-26 18:30", "10-26 21:30")),
    ],
)
def test_hours_that_change_hold_also_for_what_has_left(hours: dict[str, Any], window: tuple[str, str]) -> None:
    scene = Scene().say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)).parked().say(concern())
    assert scene.windows == [("10-26 18:30", "10-26 21:30")]
    scene.say(DriverSaved(id="s2", t_ns=0, boot_id="", driver=msgspec.structs.replace(ANA, **hours)))
    assert [(m.language, [p.revision for p in m.parts]) for m in scene.of(PromptReleased)][1:] == [
        (hours.get("language", "en"), [1])
    ]
    (start, end) = scene.windows[1]
    assert start.startswith(window[0]) and end == window[1]
    assert len(scene.rule.state.said) == 1


def test_a_profile_that_stops_a_kind_ends_what_waits() -> None:
    scene = Scene().say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)).parked().say(concern())
    scene.say(DriverSaved(id="s2", t_ns=0, boot_id="", driver=msgspec.structs.replace(ANA, stopped=("report",))))
    assert [e.why for e in scene.of(PromptWithdrawn)] == ["stopped"]


def test_a_celebration_skips_the_preferred_hour_but_not_quiet_hours() -> None:
    party = {"kind": "milestone", "says": "milestone", "urgency": "celebration"}
    values = {"mark": 100_000, "counts": "km", "reading_m": 1e8}
    (message,) = Scene().parked().say(concern(values=values, **party)).of(PromptReleased)
    assert (message.not_before_utc_ns, message.urgency) == (message.released_utc_ns, "celebration")
    late = Scene("2026-10-26 22:00").parked().say(concern(values=values, **party))
    ((start, end),) = late.windows
    assert "10-27 07:30" < start < "10-27 09:31"
    assert end == "10-27 21:30"


# -- one message, and how often --------------------------------------------------------------------------


def test_ready_together_is_one_message() -> None:
    scene = Scene()
    scene.live(s for s in drive() if s[0] < at(100))
    scene.say(concern("c1"), concern("c2", subject="milestone", kind="milestone", says="milestone", values={
        "mark": 100_000, "counts": "km", "reading_m": 1e8}))  # fmt: skip
    scene.live(s for s in drive() if s[0] >= at(100)).until(1000)
    (message,) = scene.of(PromptReleased)
    assert [part.kind for part in message.parts] == ["milestone", "report"]


def test_what_left_and_cannot_have_been_shown_goes_along() -> None:
    scene = Scene().parked().say(concern("c1")).say(concern("c2", subject="other", t_ns=1))
    assert [[(p.topic, p.revision) for p in m.parts] for m in scene.of(PromptReleased)] == [
        [("report", 0)],
        [("report", 1), ("other", 0)],
    ]
    assert len(set(scene.windows)) == 1
    assert len(scene.rule.state.said) == 1, "the first never was a message"


def test_two_a_week() -> None:
    scene = Scene().parked()
    for day in range(1, 30):
        scene.say(concern(f"c{day}", subject=f"s{day}")).until(1000 + day * DAY_S)
        if (scene.of(PromptReleased)[-1].not_before_utc_ns or 0) < scene.utc_ns:
            scene.delivered()
    shown = sorted({m.not_before_utc_ns or 0 for m in scene.of(PromptReleased)})
    assert [local(t) for t in shown[:3]] == ["10-26 18:30", "10-27 18:30", "11-02 18:30"]
    assert all(b - a >= 7 * DAY_S * NS for a, b in zip(shown, shown[2:], strict=False))
    assert len(shown) >= 8
    assert "two a week are enough" in scene.held


def test_a_message_that_may_have_been_shown_counts_though_it_was_withdrawn() -> None:
    scene = Scene("2026-10-26 18:00").parked().say(concern())
    scene.until(2000)
    scene.live(drive(2100)).until(2100 + HOLD_S)
    assert scene.windows[0] == ("10-26 18:30", "10-26 21:30")
    scene.until(3 * DAY_S)
    assert scene.windows[1][0] == "10-27 18:30"


@pytest.mark.parametrize("what", ["settled", "done"])
def test_and_so_does_one_that_was_settled_later(what: str) -> None:
    scene = Scene("2026-10-26 18:00").parked().say(concern())
    scene.until(2000)
    scene.delivered()
    scene.say(settled()) if what == "settled" else scene.answered("done")
    scene.say(concern("c2", subject="other")).until(3 * DAY_S)
    assert [start for start, _ in scene.windows][:2] == ["10-26 18:30", "10-27 18:30"]


# -- never dropped ---------------------------------------------------------------------------------------


def test_what_nobody_told_to_be_shown_is_tried_again() -> None:
    scene = Scene().parked().say(concern())
    scene.until(20 * DAY_S)
    assert [start for start, _ in scene.windows] == ["10-26 18:30", "10-27 18:30", "10-29 18:30", "11-02 18:30", "11-10 18:30"]
    assert "it could not be shown in time" in scene.held
    (first, *_) = scene.of(PromptHeld)
    assert first.held_by == "it could not be shown in time"
    assert first.t_ns == at(utc_s("2026-10-26 21:30") - utc_s("2026-10-26 08:00")) + LATE_NS
    scene.delivered(revision=1).until(99 * DAY_S)
    assert len(scene.parts) == 5, "late, and by a revision before: it was shown all the same"


def test_one_that_turns_out_to_have_been_shown_counts_against_what_has_left() -> None:
    """Its confirmation came late, when another message was on its way for the same evening already."""
    scene = Scene().parked().say(concern("c1")).delivered().say(concern("c2", subject="c2"))
    scene.until(6 * DAY_S)
    scene.say(concern("c3", subject="c3"))
    assert scene.windows[-1][0] == "11-01 18:30"
    id = next(p.prompt_id for p in scene.parts if p.topic == "c2")
    shown_ns = at(utc_s("2026-10-27 18:30"))
    scene.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=id, revision=0, shown_utc_ns=shown_ns))
    assert [e.why for e in scene.of(PromptWithdrawn)] == ["superseded"]
    assert scene.windows[-1][0] == "11-02 18:30"
    assert [p.topic for p in scene.of(PromptReleased)[-1].parts] == ["c3"]


def test_and_so_does_one_that_was_snoozed_before_its_confirmation_came() -> None:
    scene = Scene().parked().say(concern("c1"))
    scene.until(1.5 * DAY_S)  # shown, and the link did not tell: it is tried again
    scene.delivered().answered("snoozed", days=1).say(concern("c2", subject="c2"))
    assert (scene.windows[-1][0], scene.of(PromptWithdrawn)) == ("10-28 18:30", [])
    id, shown_ns = scene.parts[0].prompt_id, at(utc_s("2026-10-26 18:30"))
    scene.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=id, revision=0, shown_utc_ns=shown_ns))
    assert [e.why for e in scene.of(PromptWithdrawn)] == ["superseded"]
    assert "two a week are enough" in scene.held


def test_who_answers_was_told_though_nobody_said_so() -> None:
    scene = Scene().parked().say(concern("c1")).delivered().say(concern("c2", subject="c2"))
    id = scene.parts[-1].prompt_id
    scene.until(6 * DAY_S)
    scene.say(concern("c3", subject="c3"))
    scene.say(PromptAnswered(id="a", t_ns=0, boot_id="", prompt_id=id, answer="done"))
    assert scene.windows[-1][0] == "11-02 18:30"


def test_a_message_that_was_withdrawn_and_shown_all_the_same_counts_once() -> None:
    scene = Scene("2026-10-26 18:00").parked().say(concern())
    scene.until(2000)
    scene.live(drive(2100)).until(2100 + HOLD_S)
    assert [part.revision for part in scene.parts] == [0, 1]
    scene.delivered(revision=0)
    assert len(scene.rule.state.said) == 1


def test_a_restart_neither_loses_nor_repeats_it() -> None:
    scene = Scene().parked().say(concern())
    scene.restart().until(3000)
    scene.restart("boot-2", wall=wall(utc_s("2026-10-26 09:00"))).until(3000)
    assert len(scene.parts) == 1
    scene.delivered().restart("boot-3", wall=wall(utc_s("2026-10-26 19:00"))).until(9 * DAY_S)
    assert len(scene.parts) == 1
    scene.say(concern())
    assert len(scene.parts) == 1, "the same concern again"


def test_a_clock_that_was_ahead_by_a_year_holds_nothing_for_a_year() -> None:
    scene = Scene("2027-10-26 08:00").parked().say(concern()).delivered().answered("snoozed", days=3)
    scene.say(concern("c2", subject="other"))
    scene.wall = wall(utc_s("2026-10-26 08:30"), at_s=1000)
    scene.until(20 * DAY_S)
    starts = [start for start, _ in scene.windows]
    assert len(starts) >= 3
    assert all(m.not_before_utc_ns < at(utc_s("2026-11-20 00:00")) for m in scene.of(PromptReleased)[-2:])  # type: ignore[operator]


# -- settled, answered --------------------------------------------------------------------------------------


def test_what_is_no_longer_true_is_withdrawn_or_never_said() -> None:
    said = Scene().parked().say(concern()).say(settled("remedied"))
    assert [(e.why, e.revision) for e in said.of(PromptWithdrawn)] == [("remedied", 0)]
    held = Scene(wall=None).parked().say(concern()).say(settled("no longer true"))
    assert [(e.why, e.topic) for e in held.of(PromptExpired)] == [("no longer true", "report")]
    for scene in (said, held):
        scene.wall = wall(utc_s("2026-10-27 08:00"), at_s=2000)
        assert scene.until(9 * DAY_S).of(PromptReleased) == scene.of(PromptReleased)[:1] or scene is held
    assert held.of(PromptReleased) == []


def test_a_report_is_not_told_of_once_its_consent_is_taken_back() -> None:
    def revoked(driver: str, granted: bool = False) -> ConsentChanged:
        return ConsentChanged(id=f"r {driver} {granted}", t_ns=0, boot_id="", driver=driver, purpose="report", granted=granted)

    scene = Scene().parked().say(concern(driver="owner"), concern("c2", kind="battery", subject="other"))
    assert scene.say(revoked("ben"), revoked("owner", True)).of(PromptWithdrawn) == []
    (gone,) = scene.say(revoked("owner")).of(PromptWithdrawn)
    scene.until(9 * DAY_S)
    (told,) = [part for part in scene.parts if part.kind == "report"]  # and never again
    assert (gone.prompt_id, gone.why) == (told.prompt_id, "no longer true")
    held = Scene(wall=None).parked().say(concern()).say(revoked("owner"))
    assert [e.topic for e in held.of(PromptExpired)] == ["report"]


def test_raised_again_it_replaces_what_waits() -> None:
    scene = Scene().parked().say(concern()).say(concern("c2"))
    assert [e.why for e in scene.of(PromptWithdrawn)] == ["superseded"]
    assert [part.rests_on for part in scene.parts] == [["c1"], ["c2"]]
    other = Scene().say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)).parked().say(concern(driver="ana"), concern("c2"))
    assert other.of(PromptWithdrawn) == [], "hers alone is another thing"


@pytest.mark.parametrize("answer", ["acknowledged", "booked", "done", "wrong"])
def test_an_answer_ends_it(answer: str) -> None:
    scene = Scene().parked().say(concern()).delivered().answered(answer)
    scene.until(30 * DAY_S)
    assert len(scene.parts) == 1
    assert scene.rule.state.prompts[0].how == answer


@pytest.mark.parametrize(("days", "again"), [(1, "10-27 18:30"), (7, "11-02 18:30"), (-3, "10-27 18:30")])
def test_snoozed_it_comes_again(days: int, again: str) -> None:
    scene = Scene().parked().say(concern()).delivered().answered("snoozed", days=days)
    assert scene.held[-1] == "snoozed"
    assert scene.until(20 * DAY_S).windows[1][0] == again  # type: ignore[attr-defined]
    scene.delivered(revision=0)
    assert scene.rule.state.prompts[0].phase != "delivered", "that it was shown before the snooze is no news"
    assert scene.delivered(revision=1).rule.state.prompts[0].phase == "delivered"


def test_a_snooze_has_an_end_that_can_be_written_down() -> None:
    scene = Scene().parked().say(concern()).answered("snoozed", days=2**62)
    assert scene.rule.state.prompts[0].until_utc_ns == scene.utc_ns + SNOOZE_MAX_DAYS * DAY_S * NS
    assert scene.restart().engine.states()["prompt"]


def test_a_snooze_without_a_clock_begins_when_there_is_one() -> None:
    scene = Scene().parked().say(concern()).delivered()
    scene.wall = Wall(0, "unsure")
    scene.until(2000).answered("snoozed", days=2)  # type: ignore[attr-defined]
    scene.until(3000)
    scene.wall = wall(utc_s("2026-10-26 09:00"), at_s=3000)
    scene.until(9 * DAY_S)
    assert scene.windows[1][0] == "10-28 18:30"


def test_stopped_stops_the_kind_even_from_an_old_message() -> None:
    scene = Scene().parked().say(concern()).delivered().answered("done").say(concern("c2", subject="other"))
    scene.say(PromptAnswered(id="s", t_ns=0, boot_id="", prompt_id=scene.parts[0].prompt_id, answer="stopped"))
    (stopped,) = scene.of(PromptsStopped)
    assert (stopped.driver, stopped.kind) == ("owner", "report")
    scene.say(concern("c3", subject="third")).until(9 * DAY_S)
    assert {p.concern.id: p.how for p in scene.rule.state.prompts} == {"c1": "done", "c2": "stopped"}
    assert [(u.topic, u.why) for u in scene.rule.state.unsaid] == [("third", "they want no prompts of this kind")]


def test_the_oldest_that_are_over_are_forgotten() -> None:
    scene = Scene(wall=None).parked()
    for n in range(ENDED_KEPT + 20):
        scene.say(concern(f"c{n}", subject=f"s{n}"), settled(subject=f"s{n}"))
    assert len(scene.rule.state.prompts) == ENDED_KEPT
    assert scene.rule.state.prompts[-1].concern.id == f"c{ENDED_KEPT + 19}"
