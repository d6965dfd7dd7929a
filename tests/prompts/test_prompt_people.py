"""Prompts to several people, to nobody any more, with slots, and what cannot be said: agent/events/prompt.py."""

from __future__ import annotations

from agent.events.appointment import SlotsOffered
from agent.events.household import DriverRemoved, DriverSaved
from agent.events.message import (
    PromptDelivered,
    PromptExpired,
    PromptReleased,
    PromptWithdrawn,
)
from agent.household import Driver
from agent.prompts.slots import Slot
from agent.prompts.state import Said
from tests.sim.car import drive
from tests.sim.parked import ANA, DAY_S, Scene, concern, local, settled

# -- people, appointments --------------------------------------------------------------------------------------


def test_each_keeper_is_told_in_their_own_hours_and_whom_it_is_meant_for_alone() -> None:
    ben = Driver("ben", is_keeper=True, tell_at="12:00", person="ben-in-all-cars")
    saved = [DriverSaved(id=d.id, t_ns=0, boot_id="", driver=d) for d in (ANA, ben)]
    scene = Scene().parked().say(*saved).say(concern())
    assert [(m.driver, m.person, local(m.not_before_utc_ns)) for m in scene.of(PromptReleased)] == [
        ("ana", "ana", "10-26 18:30"),
        ("ben", "ben-in-all-cars", "10-26 12:00"),
    ]
    alone = Scene().parked().say(*saved).say(concern(driver="ben"))
    assert [m.driver for m in alone.of(PromptReleased)] == ["ben"]


def test_what_waits_for_somebody_who_has_gone_is_told_to_whoever_hears_now() -> None:
    saved = DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)
    scene = Scene().parked().say(saved).say(concern(), concern("p", driver="ana", subject="p"))
    scene.say(DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana"))
    assert [e.why for e in scene.of(PromptWithdrawn)] == ["superseded"] * 2
    last = scene.of(PromptReleased)[-1]
    assert (last.driver, [p.topic for p in last.parts]) == ("owner", ["report"]), "what was hers alone goes nowhere"
    scene.say(saved)
    assert scene.of(PromptReleased)[-1].driver == "ana"
    assert [(p.topic, p.revision) for p in scene.of(PromptReleased)[-1].parts] == [("report", 1)]


def test_a_recall_that_says_do_not_drive_reaches_the_owner_though_it_was_shown_to_who_has_gone() -> None:
    for urgency, told in (("safety", ["ana", "owner"]), ("usual", ["ana"])):
        scene = Scene().parked().say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA), concern(urgency=urgency)).delivered()
        scene.say(DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana")).until(2 * DAY_S)
        assert [m.driver for m in scene.of(PromptReleased)] == told
        assert scene.of(PromptWithdrawn) == [], "what she was shown stays said"
        if urgency == "safety":
            scene.say(settled())
            assert len({e.prompt_id for e in scene.of(PromptWithdrawn)}) == 2, "and is taken back from both when it is over"


def test_who_was_shown_it_before_it_went_to_somebody_else_is_not_told_again() -> None:
    """The link told so only after the prompt had moved."""
    scene = Scene().parked().say(concern(urgency="safety"))
    shown = scene.parts[0]
    scene.say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA))
    scene.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=shown.prompt_id, revision=0, shown_utc_ns=scene.utc_ns))
    scene.say(DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana")).until(2 * DAY_S)
    assert [m.driver for m in scene.of(PromptReleased)] == ["owner", "ana"]


def test_what_can_be_booked_waits_for_slots_and_carries_those_that_are_to_come() -> None:
    slots = [Slot(d, f"2026-{d}T08:00+01:00", f"2026-{d}T09:00+01:00", "a workshop") for d in ("10-27", "11-05")]
    scene = Scene().parked().say(concern(bookable="oil"))
    assert scene.held == ["waiting for appointments"]
    scene.say(SlotsOffered(id="o", t_ns=0, boot_id="", bookable="oil", slots=slots))
    assert [slot.id for slot in scene.parts[0].slots] == ["10-27", "11-05"]
    scene.delivered().answered("snoozed", days=3).until(9 * DAY_S)
    assert [slot.id for slot in scene.parts[1].slots] == ["11-05"]


def test_no_slots_after_a_day_it_goes_without() -> None:
    scene = Scene().parked().say(concern(bookable="oil"))
    scene.until(1000 + DAY_S - 1)
    assert scene.of(PromptReleased) == []
    assert scene.until(1000 + DAY_S).of(PromptReleased)[0].parts[0].slots == []


def test_what_cannot_be_said_is_an_event_and_counts_for_nothing() -> None:
    scene = Scene().parked().say(concern(values={"month": None}))
    assert scene.of(PromptReleased) == []
    assert [e.why for e in scene.of(PromptExpired)] == ["something in it is not known"]
    assert (scene.rule.state.said, [u.why for u in scene.rule.state.unsaid]) == ((), ["something in it is not known"])


def test_a_delivery_of_what_never_left_is_no_news() -> None:
    scene = Scene(wall=None).parked().say(concern())
    id = scene.rule.state.prompts[0].id
    scene.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=id, revision=0, shown_utc_ns=2**62))
    assert scene.rule.state.prompts[0].phase == "held"
    late = Scene().parked().say(concern())
    late.live(drive(2000))  # withdrawn before it could be shown
    late.say(PromptDelivered(id="d", t_ns=0, boot_id="", prompt_id=late.parts[0].prompt_id, revision=0, shown_utc_ns=2**62))
    assert late.rule.state.said == (Said("owner", late.utc_ns),), "not in the future"
