"""appointment: slots are ranked by when this car stands, the choice goes out, and what nobody offers is given up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.config import Owner
from agent.entries.standing import standing
from agent.events.appointment import (
    ASK_S,
    BEST,
    MOVED_ASK_S,
    AppointmentChanged,
    AppointmentChosen,
    AppointmentMoved,
    AppointmentRule,
    MoveSettled,
    SlotsOffered,
    SlotsRanked,
)
from agent.events.fault import FaultCleared, FaultSet
from agent.events.household import DriverSaved
from agent.events.message import PromptExpired, PromptReleased
from agent.events.milestone import MilestoneReached
from agent.events.odometer import OdometerAdvanced
from agent.household import NO_BREAK, Driver
from agent.model import NS, Wall
from agent.prompts.slots import Slot
from agent.signals import ODOMETER
from tests.sim.car import every_second, wall
from tests.sim.parked import DAY_S, Scene, concern, settled, utc_s

ANA = Driver("ana", is_keeper=True, consents=("workshop",))


def slot(day: int, hour: int = 9, *, id: str = "", hours: int = 1) -> Slot:
    """In October, or further on; at the workshop's own time."""
    date = f"2026-10-{day:02}" if day <= 31 else f"2026-11-{day - 31:02}"
    return Slot(id or f"{day} {hour}", f"{date}T{hour:02}:00+01:00", f"{date}T{hour + hours:02}:00+01:00", "a workshop")


def offer(*slots: Slot, bookable: str = "oil") -> SlotsOffered:
    return SlotsOffered(id="o", t_ns=0, boot_id="", bookable=bookable, slots=list(slots))


def asked(**other: Any) -> Scene:
    return Scene().parked().say(concern(bookable="oil", **other))


def ranked(scene: Scene) -> list[list[str]]:
    return [[each.id for each in event.slots] for event in scene.of(SlotsRanked)]


def drives_at(scene: Scene, hour: int) -> None:
    """The car is usually driven in this hour of each day."""
    rule = next(r for r in scene.engine.rules if r.name == "habits")
    seen, driven = (10.0,) * 168, tuple(8.0 if n % 24 == hour else 0.0 for n in range(168))
    rule.state.lent = msgspec.structs.replace(rule.state.lent, seen_h=seen, driven_h=driven)
    scene.engine._lend()


def test_the_best_are_those_at_which_the_car_stands_and_then_the_earliest() -> None:
    scene = asked()
    drives_at(scene, 9)
    scene.say(offer(slot(28, 9), slot(29, 11), slot(27, 14), slot(30, 8), slot(28, 8, id="into nine", hours=2)))
    assert ranked(scene) == [["27 14", "29 11", "30 8", "into nine", "28 9"]]
    assert scene.of(SlotsRanked)[0].leaves is False


def test_the_hour_in_which_it_ends_counts_too() -> None:
    scene = asked()
    drives_at(scene, 9)
    into_nine = Slot("into nine", "2026-10-27T08:30+01:00", "2026-10-27T09:30+01:00", "w")
    until_nine = Slot("until nine", "2026-10-28T08:00+01:00", "2026-10-28T09:00+01:00", "w")
    assert ranked(scene.say(offer(into_nine, until_nine))) == [["until nine", "into nine"]]


def test_no_more_are_ranked_than_a_prompt_may_need() -> None:
    scene = asked()
    scene.say(offer(*(slot(27 + n // 10, 8 + n % 10) for n in range(20))))
    assert len(ranked(scene)[0]) == BEST


def test_slots_that_are_over_before_a_mail_is_read_or_cannot_be_read_are_none() -> None:
    bad = Slot("bad", "soon", "later", "w")
    backwards = Slot("back", "2026-10-29T09:00+01:00", "2026-10-29T08:00+01:00", "w")
    far = Slot("far", "9999-12-31T22:00-10:00", "9999-12-31T23:00-10:00", "w")
    assert ranked(asked().say(offer(slot(26, 17), bad, backwards, far))) == [[]]


def test_an_offer_that_was_there_before_is_ranked_at_once() -> None:
    scene = Scene().parked().say(offer(slot(28)), concern(bookable="oil"))
    assert ranked(scene)[-1] == ["28 9"]
    assert len(scene.of(PromptReleased)) == 1
    assert ranked(scene.say(concern("c2", bookable="oil", is_again=True)))[-1] == ["28 9"], "soon, and then due"
    scene.say(AppointmentChanged(id="c", t_ns=0, boot_id="", bookable="oil", change="missed"))
    scene.say(concern("c3", bookable="oil", is_again=True))
    assert scene.held[-1] == "waiting for appointments", "what was offered for a missed appointment is offered anew"


def test_without_an_offer_it_is_given_up_after_a_day() -> None:
    scene = asked()
    assert ranked(scene.until(1000 + ASK_S - 1)) == []  # type: ignore[arg-type]
    assert ranked(scene.until(1000 + ASK_S)) == [[]]  # type: ignore[arg-type]


def test_a_unit_that_is_on_for_minutes_a_day_gives_up_too() -> None:
    scene = asked()
    for n in range(1, 4):
        scene.restart(f"boot-{n + 1}", wall=wall(utc_s("2026-10-26 08:00") + n * 10 * 3600)).until(300)
    assert ranked(scene) == [[]]


def test_the_day_begins_when_a_clock_can_date_it() -> None:
    scene = Scene(wall=None).parked().say(concern(bookable="oil"))
    scene.restart("boot-2", wall=Wall(0, "unsure")).until(300)
    scene.wall = wall(utc_s("2026-10-27 08:00"), at_s=300)
    scene.until(301)
    scene.restart("boot-3", wall=wall(utc_s("2026-10-28 07:48"))).until(300)
    assert ranked(scene) == []
    assert ranked(scene.until(301 + 200)) == [[]]  # type: ignore[arg-type]


def booked(scene: Scene, slot_id: str, **other: Any) -> Scene:
    return scene.answered("booked", slot=slot_id, **other)


def test_the_choice_goes_out_with_facts_if_they_agreed() -> None:
    scene = Scene(owner=Owner(timezone="Europe/Berlin", tell_at="18:30", household="home")).say(
        DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)
    )
    scene.live(every_second(1, [84_100_000.0] * 3, ODOMETER))
    scene.parked().say(concern(bookable="oil"), offer(slot(28), slot(29)))
    booked(scene, "29 9", words=" It squeaks. ")
    (chosen,) = scene.of(AppointmentChosen)
    assert (chosen.bookable, chosen.slot, chosen.person, chosen.household) == ("oil", slot(29), "ana", "home")
    assert chosen.prompt_id == scene.parts[0].prompt_id
    assert chosen.facts == {"reading": "84,100 km", "asked": "oil", "words": "It squeaks."}
    owner = asked().say(offer(slot(28)))
    assert booked(owner, "28 9", words="It squeaks.").of(AppointmentChosen)[0].facts == {}, "nobody asked the owner"


@pytest.mark.parametrize(
    ("km", "is_estimated", "reading", "milestone"),
    [
        (100_000.4, False, "100,000 km", "100,000 km 2026-10-26"),
        (100_999.0, True, "about 100,999 km", "100,000 km 2026-10-26"),
        (101_001.0, False, "101,001 km", None),
        (20_000.0, False, "20,000 km", None),  # another cluster since
    ],
)
def test_what_is_told_at_the_counter_is_true(km: float, is_estimated: bool, reading: str, milestone: str | None) -> None:
    """An estimate says so, and what was passed long ago was not passed just now."""
    own = {"t_ns": 0, "boot_id": ""}
    scene = Scene().say(DriverSaved(id="s", driver=ANA, **own))  # type: ignore[arg-type]
    scene.parked().say(concern(bookable="oil"), offer(slot(28)))
    reached = {"mark": 100_000, "counts": "km", "reading_m": 100_000_000.0, "utc_ns": scene.utc_ns}
    scene.say(MilestoneReached(id="m", **own, **reached))  # type: ignore[arg-type]
    scene.say(OdometerAdvanced(id="", reading_m=km * 1000, is_estimated=is_estimated, **own))  # type: ignore[arg-type]
    (chosen,) = booked(scene, "28 9").of(AppointmentChosen)
    expected = {"reading": reading, "asked": "oil"} | ({"milestone": milestone} if milestone else {})
    assert chosen.facts == expected


def fault(ecu: str, kind: str = "stored", code: str = "P0420") -> tuple[FaultSet, FaultCleared]:
    own: dict[str, Any] = {"t_ns": 0, "boot_id": "", "code": code, "kind": kind, "ecu": ecu}
    return FaultSet(id="f", words="w", severity="soon", **own), FaultCleared(id="c", set_id="f", **own)


def test_one_ecu_that_clears_a_code_does_not_hide_anothers() -> None:
    scene = Scene().say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA)).parked()
    first, cleared = fault("7E8")
    pending, no_longer_pending = fault("7EA", "pending")
    other, _ = fault("7EA")
    lamp, lamp_off = fault("", "lamp", "MIL")
    scene.say(first, pending, other, lamp, cleared, no_longer_pending, lamp_off)
    scene.say(concern(bookable="oil"), offer(slot(28)))
    (chosen,) = booked(scene, "28 9").of(AppointmentChosen)
    assert chosen.facts["faults"] == "P0420 since 2026-10-26"


def test_a_slot_that_was_not_offered_is_no_choice() -> None:
    assert booked(asked().say(offer(slot(28))), "99").of(AppointmentChosen) == []
    assert asked().say(offer(slot(28))).answered("booked").of(AppointmentChosen) == []


@pytest.mark.parametrize(("change", "kept"), [("moved", 30), ("kept", None), ("cancelled", None), ("missed", None)])
def test_what_becomes_of_it(change: Any, kept: int | None) -> None:
    scene = booked(asked().say(offer(slot(28))), "28 9")
    new = slot(30) if change == "moved" else None
    scene.say(AppointmentChanged(id="c", t_ns=0, boot_id="", bookable="oil", change=change, slot=new))
    rule = next(r for r in scene.engine.rules if isinstance(r, AppointmentRule))
    assert rule.state.bookings["oil"].chosen == (slot(kept) if kept else None)
    assert scene.restart().engine.states()["appointment"]


def test_a_later_offer_replaces_an_earlier_one() -> None:
    scene = asked().say(offer(slot(28)), offer(slot(30)))
    assert ranked(scene) == [["28 9"], ["30 9"]]
    assert booked(scene, "28 9").of(AppointmentChosen) == []
    assert scene.utc_ns // NS < utc_s("2026-10-26 08:00") + DAY_S


@pytest.mark.parametrize("why", ["done", "remedied", "no longer true"])
def test_an_appointment_for_what_is_done_is_none_of_the_next_interval(why: Any) -> None:
    """Without a clock nobody knows that it is past."""
    scene = booked(asked().say(offer(slot(28))), "28 9").say(settled(why))
    is_over = why != "no longer true"
    assert (rule_of(scene).state.bookings["oil"].chosen is None) is is_over
    assert standing(scene.engine).is_booked("oil") is not is_over
    scene.wall = None
    scene.until(2000).say(concern("c2", bookable="oil"), offer(slot(30)))  # type: ignore[attr-defined]
    assert bool(rule_of(scene).state.bookings["oil"].chosen) is not is_over


# -- it was moved ------------------------------------------------------------------------------------


def change(change: Any, new: Slot | None = None, id: str = "c") -> AppointmentChanged:
    return AppointmentChanged(id=id, t_ns=0, boot_id="", bookable="oil", change=change, slot=new)


def moved(to: Slot, **other: Any) -> Scene:
    """From the 28th at nine."""
    scene = booked(asked(**other).say(offer(slot(28))), "28 9")
    return scene.say(change("moved", to))


def rule_of(scene: Scene) -> AppointmentRule:
    return next(r for r in scene.engine.rules if isinstance(r, AppointmentRule))


def test_a_moved_appointment_is_told_with_what_it_was_and_what_to_choose_instead() -> None:
    scene = moved(slot(27, 8), kind="service", subject="service oil", says="service_due", values={"item": "oil change"})
    assert scene.held[-1] == "waiting for appointments"
    scene.say(offer(slot(29), slot(30)))
    part = scene.parts[-1]
    assert (part.topic, part.kind, part.bookable, part.rests_on) == ("appointment oil", "service", "oil", ["c"])
    assert [each.id for each in part.slots] == ["29 9", "30 9"]
    text = part.text.replace(NO_BREAK, " ")
    assert part.title == "Appointment moved: oil change"
    assert "booked for Wednesday, 28 October 2026, 09:00. It was changed to Tuesday, 27 October 2026, 08:00, a workshop." in text
    assert scene.windows[-1][0] == "10-26 18:30", "held and counted as any other"


def test_another_time_is_chosen_once() -> None:
    scene = booked(moved(slot(30)).say(offer(slot(29), slot(31))), "29 9")
    assert [each.slot.id for each in scene.of(AppointmentChosen)] == ["28 9", "29 9"]
    assert rule_of(scene).state.bookings["oil"].moved == ""


def test_without_slots_it_is_told_all_the_same_and_soon() -> None:
    scene = moved(slot(30))
    told = len(scene.parts)
    scene.until(1000 + MOVED_ASK_S - 1)
    assert len(scene.parts) == told
    scene.until(1000 + MOVED_ASK_S)
    assert scene.parts[-1].slots == []


def test_a_concern_that_is_raised_anew_meanwhile_does_not_send_it_without() -> None:
    scene = moved(slot(30)).say(concern("c2", bookable="oil", is_again=True))
    assert ranked(scene) == [["28 9"]]
    scene.say(offer(slot(29)))
    assert [[each.id for each in part.slots] for part in scene.parts if part.topic == "appointment oil"] == [["29 9"]]


def test_who_was_told_hears_no_more_of_it_once_it_is_settled() -> None:
    for end in (change("kept"), change("cancelled"), change("missed"), change("moved", slot(28, id="as it was"), "c2")):
        scene = moved(slot(30)).say(offer(slot(31))).delivered().say(end)
        assert scene.rule.state.prompts[-1].phase == "over", end.change
    scene = moved(slot(30)).say(settled("done", "report"))
    assert scene.of(PromptExpired)[-1].topic == "appointment oil", "the service was done meanwhile"


def test_moved_twice_it_names_what_was_agreed() -> None:
    scene = moved(slot(30)).say(change("moved", slot(31), "c2"), offer(slot(29)))
    assert "28" in scene.parts[-1].text and "31" in scene.parts[-1].text and "30" not in scene.parts[-1].text
    assert [e.why for e in scene.of(PromptExpired)] == ["superseded"]


def test_what_it_was_may_not_be_known() -> None:
    scene = Scene().parked().say(change("moved", slot(30)), offer(slot(31)))
    assert "What it was before is not known here." in scene.parts[-1].text


def test_it_is_no_news_once_it_begins() -> None:
    scene = moved(slot(26, 20))
    begins_s = utc_s("2026-10-26 20:00") - utc_s("2026-10-26 08:00")
    assert scene.until(begins_s - 1).of(MoveSettled) == []
    assert [e.why for e in scene.until(begins_s).of(MoveSettled)] == ["no longer true"]


def test_the_same_time_under_another_id_is_no_move() -> None:
    assert moved(slot(28, id="renumbered")).of(AppointmentMoved) == []


def test_a_concern_that_is_raised_anew_forgets_no_appointment_that_is_to_come() -> None:
    scene = booked(asked().say(offer(slot(28))), "28 9").say(concern("c2", bookable="oil", is_again=True))
    assert rule_of(scene).state.bookings["oil"].chosen == slot(28)
    assert ranked(scene)[-1] == [], "there is nothing to choose"
    scene.until(3 * DAY_S)
    scene.say(concern("c3", bookable="oil", is_again=True))
    assert rule_of(scene).state.bookings["oil"].chosen is None, "it is past"
