"""What makes no sense as things stand is refused, in words; what does is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.config import Owner, Service
from agent.entries.entering import Entry, EntryRefused, entry_of
from agent.entries.standing import SLOTS_MOST, WORDS_CHARS, check, dated, standing
from agent.events.appointment import CONCERNS_KEPT, AppointmentChanged, AppointmentChosen, SlotsOffered
from agent.events.household import DriverRemoved, DriverSaved
from agent.events.notice import CatalogueReceived, NoticeSettled
from agent.household import Driver
from agent.model import NS, Event
from agent.notices import Match, Notice
from agent.prompts.slots import Slot
from tests.sim.parked import Scene, concern

ANA = Driver("ana", is_keeper=True, key_fobs=("1",))
DAY_S = 86_400


def slot(day: int, id: str = "") -> Slot:
    return Slot(id or f"s{day}", f"2026-10-{day}T09:00+01:00", f"2026-10-{day}T10:00+01:00", "Garage Nord")


def offer(*slots: Slot) -> SlotsOffered:
    return SlotsOffered(id="o", t_ns=0, boot_id="", bookable="oil", slots=list(slots))


class Home(Scene):
    """Ana's car; for its oil she may choose between the 28th and the 29th."""

    def __init__(self) -> None:
        super().__init__()
        self.say(DriverSaved(id="s", t_ns=0, boot_id="", driver=ANA))
        self.parked().say(concern(bookable="oil"), offer(slot(28), slot(29)))

    @property
    def prompt_id(self) -> str:
        return str(self.parts[-1].prompt_id)

    def refusal(self, kind: str, **data: Any) -> str | None:
        """Why it is; None: it is taken."""
        ctx = self.engine.context(self.engine._t_ns)
        try:
            check(entry_of(kind, data, "c1", ctx), ctx, standing(self.engine))
        except EntryRefused as e:
            return str(e)
        return None

    def dated(self, entry: AppointmentChanged) -> Entry:
        return dated(entry, standing(self.engine), self.engine.context(self.engine._t_ns))

    def answer(self, answer: str, **more: Any) -> str | None:
        return self.refusal("PromptAnswered", prompt_id=self.prompt_id, answer=answer, **more)

    def enter(self, kind: str, **data: Any) -> Home:
        """As a command does it."""
        assert self.refusal(kind, **data) is None
        entry = entry_of(kind, data, f"r{len(self.events)}", self.engine.context(self.engine._t_ns))
        assert isinstance(entry, Event)
        self.say(entry)
        return self


@pytest.fixture
def home() -> Home:
    return Home()


BASIS = {"first_day": "2026-10-01", "last_day": "2026-10-26", "days": 26, "days_driven": 1, "trips": 1, "distance_m": 1.0}
SHARED = {"source": "s", "catalogue_utc_ns": 1, "basis": BASIS, "fits": []}


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (
            "DriverSaved",
            {"driver": {"id": "ben", "key_fobs": ["2", "1"]}},
            "a key fob of theirs is ana's: take it from them first",
        ),
        ("DriverSaved", {"driver": {"id": "ana", "key_fobs": ["1"]}}, None),
        ("DriverSaved", {"driver": {"id": "ben", "timezone": "Berlin"}}, "driver.timezone: it is no IANA time zone"),
        ("DriverRemoved", {"driver": "ben"}, "there is no driver 'ben' here; known: ana"),
        ("DriverRemoved", {"driver": "owner"}, "there is no driver 'owner'"),
        ("ConsentChanged", {"driver": "ben", "purpose": "report", "granted": True}, "there is no driver 'ben'"),
        ("ConsentChanged", {"driver": "owner", "purpose": "report", "granted": False}, None),
        ("ConsentChanged", {"driver": "ana", "purpose": "report", "granted": True, "whom": "kim"}, "whom: report names nobody"),
        ("FitShared", SHARED | {"driver": "ben"}, "ben did not agree to it"),
        ("TripAttributed", {"trip_id": "t", "driver": "anna"}, "there is no driver 'anna' here; known: ana"),
        ("TripAttributed", {"trip_id": "t", "driver": "unknown"}, None),
        ("PromptAnswered", {"prompt_id": "p9", "answer": "stopped"}, "there is no prompt 'p9' here"),
        ("PromptDelivered", {"prompt_id": "p9", "revision": 0, "shown_utc_ns": 1}, "there is no prompt 'p9' here"),
        ("SlotsOffered", {"bookable": "tyres", "slots": []}, "there is nothing called 'tyres' to book here"),
        ("AppointmentChanged", {"bookable": "tyres", "change": "kept"}, "there is nothing called 'tyres'"),
        ("AppointmentChanged", {"bookable": "oil", "change": "cancelled"}, "no appointment for 'oil' is known here"),
        ("AppointmentChanged", {"bookable": "oil", "change": "moved"}, "it does not say to when"),
        ("ServiceReported", {"item": "tyres", "says": "done"}, "there is no service 'tyres' here; known: none"),
        ("NoticeSettled", {"notice": "R1", "progress": "remedied"}, "there is no notice 'R1' here; known: none"),
    ],
)
def test_what_it_names_has_to_be_there(home: Home, kind: str, data: dict[str, Any], why: str | None) -> None:
    told = home.refusal(kind, **data)
    assert told == why if why is None else told is not None and why in told


def test_a_day_has_to_be_one() -> None:
    scene = Scene(services=(Service("oil", every_km=10_000, last_km=1),))
    ctx = scene.engine.context(0)
    for day, is_right in (("2026-02-30", False), ("2026-02-28", True)):
        entry = entry_of("ServiceReported", {"item": "oil", "says": "done", "day": day}, "c1", ctx)
        if is_right:
            check(entry, ctx, standing(scene.engine))
        else:
            with pytest.raises(EntryRefused, match="'2026-02-30' is no day"):
                check(entry, ctx, standing(scene.engine))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"start": "soon"}, "is no time; write RFC 3339"),
        ({"start": "2026-10-28T09:00"}, "is no time"),
        ({"end": "2026-10-28T08:00+01:00"}, "is no time"),
        ({"place": "x" * 201}, "a place has more than 200 characters"),
        ({"place": "Garage\r\nBcc: x@y"}, "cannot be shown"),
        ({"id": "s29"}, "'s29' is there more than once"),
        ({"place": "Værksted Søndergård"}, None),
    ],
)
def test_a_slot_has_to_be_one(home: Home, change: dict[str, str], why: str | None) -> None:
    plain = [msgspec.to_builtins(each) for each in (slot(28), slot(29))]
    told = home.refusal("SlotsOffered", bookable="oil", slots=[plain[0] | change, plain[1]])
    assert told == why if why is None else told is not None and why in told
    assert "too many" in str(home.refusal("SlotsOffered", bookable="oil", slots=[plain[0]] * (SLOTS_MOST + 1)))


def test_an_answer_is_bounded(home: Home) -> None:
    assert home.answer("snoozed", days=14) is None
    assert "days: 0 is none of 1 to 365" in str(home.answer("snoozed", days=0))
    assert "at most 1000" in str(home.answer("booked", slot="s28", words="ä" * (WORDS_CHARS + 1)))
    assert home.answer("booked", slot="s28", words="ä" * WORDS_CHARS) is None


def test_only_what_is_offered_and_still_to_come_can_be_chosen(home: Home) -> None:
    assert "slot: None is not" in str(home.answer("booked"))
    assert "'s30' is not, or no longer, one of the times" in str(home.answer("booked", slot="s30"))
    home.say(offer(slot(29)))
    assert "no longer" in str(home.answer("booked", slot="s28")), "a later offer replaces an earlier one"
    home.until(home.engine._t_ns / NS + 3 * DAY_S + 3600)
    assert "is past" in str(home.answer("booked", slot="s29"))


def test_one_appointment_at_a_time(home: Home) -> None:
    """Else the workshop would keep the first, and the unit would know the second."""
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="booked", slot="s28")
    assert "it is over already: booked" in str(home.answer("booked", slot="s29"))
    home.say(concern("c2", bookable="oil"))
    assert "chosen already" in str(home.answer("booked", slot="s29")), "it was raised anew, and the appointment stands"
    home.until(3 * DAY_S)
    home.say(concern("c3", bookable="oil"), offer(slot(31)))
    assert home.answer("booked", slot="s31") is None, "that one is past"


def test_who_is_told_that_it_was_moved_may_choose_again(home: Home) -> None:
    first = home.prompt_id
    home.enter("PromptAnswered", prompt_id=first, answer="booked", slot="s28")
    home.enter("AppointmentChanged", bookable="oil", change="moved", slot=msgspec.to_builtins(slot(27)))
    home.say(offer(slot(29), slot(30)))
    assert home.prompt_id != first
    assert "tell that it was kept" in str(home.answer("done"))
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="acknowledged")
    assert home.answer("booked", slot="s30") is None, "kept, and thought over"
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="booked", slot="s29")
    assert "chosen already" in str(home.answer("booked", slot="s30"))
    assert [each.slot.id for each in home.of(AppointmentChosen)] == ["s28", "s29"]


def test_an_appointment_that_was_kept_was_kept_at_its_time(home: Home) -> None:
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="booked", slot="s28").until(5 * DAY_S)
    kept = AppointmentChanged(id="k", t_ns=0, boot_id="", bookable="oil", change="kept")
    at_its_time = msgspec.structs.replace(kept, slot=slot(28))
    assert home.dated(kept) == at_its_time
    told = msgspec.structs.replace(kept, slot=slot(29))
    cancelled = msgspec.structs.replace(kept, change="cancelled")
    unknown = msgspec.structs.replace(kept, bookable="tyres")
    assert [home.dated(each) for each in (told, cancelled, unknown)] == [told, cancelled, unknown]
    home.say(at_its_time)
    assert home.dated(kept) == at_its_time, "said again, by somebody else"
    home.until(60 * DAY_S)
    assert home.dated(kept) == kept, "another, that nobody booked here"


def test_an_appointment_to_come_was_kept_at_another_time(home: Home) -> None:
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="booked", slot="s28")
    kept = AppointmentChanged(id="k", t_ns=0, boot_id="", bookable="oil", change="kept")
    assert home.dated(kept) == kept


def test_another_prompt_does_not_book_it_again(home: Home) -> None:
    """Two keepers have a prompt each."""
    home.say(DriverSaved(id="s2", t_ns=0, boot_id="", driver=Driver("ben", is_keeper=True)))
    home.say(concern("c2", bookable="oil", subject="other"), offer(slot(28), slot(29)))
    first, second = (part.prompt_id for part in home.parts[-2:])
    home.enter("PromptAnswered", prompt_id=first, answer="booked", slot="s28")
    why = home.refusal("PromptAnswered", prompt_id=second, answer="booked", slot="s29")
    assert why == "an appointment is chosen already, 2026-10-28T09:00+01:00: whoever gave it moves or cancels it"
    home.enter("AppointmentChanged", bookable="oil", change="cancelled")
    assert "no appointment for 'oil' is known here that could be missed" in str(
        home.refusal("AppointmentChanged", bookable="oil", change="missed")
    )
    home.say(offer(slot(29)))
    assert home.refusal("PromptAnswered", prompt_id=second, answer="booked", slot="s29") is None


def test_of_what_is_over_little_can_be_said(home: Home) -> None:
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="done")
    assert home.answer("booked", slot="s28") == home.answer("done") == home.answer("snoozed") == "it is over already: done"
    assert home.answer("stopped") is None
    other = Home()
    other.enter("PromptAnswered", prompt_id=other.prompt_id, answer="acknowledged")
    assert other.answer("booked", slot="s28") is None, "read, and thought over"
    assert other.answer("snoozed") == "it is over already: acknowledged"


def test_who_has_no_profile_any_more_answers_nothing(home: Home) -> None:
    home.delivered()
    home.say(DriverRemoved(id="r", t_ns=0, boot_id="", driver="ana"))
    assert home.answer("booked", slot="s28") == "it was for ana, who has no profile any more"


def test_a_slot_of_another_time_zone_is_judged_by_its_own(home: Home) -> None:
    far = Slot("far", "2026-10-27T00:30+14:00", "2026-10-27T01:30+14:00", "Kiritimati")  # the 26th, 11:30 in Berlin
    home.say(offer(far)).until(4 * 3600)
    assert "is past" in str(home.answer("booked", slot="far"))


def test_a_moved_appointment_is_known(home: Home) -> None:
    home.enter("PromptAnswered", prompt_id=home.prompt_id, answer="booked", slot="s28")
    home.enter("AppointmentChanged", bookable="oil", change="moved", slot=msgspec.to_builtins(slot(30)))
    assert home.refusal("AppointmentChanged", bookable="oil", change="cancelled") is None
    assert home.of(AppointmentChanged)[0].slot == slot(30)


def test_the_new_time_has_to_be_one(home: Home) -> None:
    backwards = {**msgspec.to_builtins(slot(30)), "end": "2026-10-30T08:00+01:00"}
    assert "is no time" in str(home.refusal("AppointmentChanged", bookable="oil", change="moved", slot=backwards))


def test_who_drives_by_default_needs_no_profile() -> None:
    scene = Scene(owner=Owner(driver="household"))
    ctx = scene.engine.context(0)
    for driver in ("household", "unknown"):
        check(entry_of("TripAttributed", {"trip_id": "t", "driver": driver}, "c1", ctx), ctx, standing(scene.engine))


@pytest.mark.parametrize("bookable", ["oil", "R1"])
def test_what_was_booked_by_telephone_can_be_cancelled(bookable: str) -> None:
    """A workshop says so of a service, a person of a recall; the unit has offered no time for either."""
    scene = Scene(services=(Service("oil", every_km=10_000, last_km=1),))
    cancelled = AppointmentChanged(id="c", t_ns=0, boot_id="", bookable=bookable, change="cancelled")
    notice = Notice(id="R1", kind="recall", title="Pump", published_day="2026-10-01", match=Match(profiles=["obd2"]))
    scene.say(CatalogueReceived(id="n", t_ns=0, boot_id="", source="s", issued_utc_ns=1, notices=[notice]))
    ctx = scene.engine.context(0)
    with pytest.raises(EntryRefused, match="no appointment for"):
        check(cancelled, ctx, standing(scene.engine))
    scene.say(
        AppointmentChanged(id="m", t_ns=0, boot_id="", bookable="oil", change="moved"),
        NoticeSettled(id="s", t_ns=0, boot_id="", notice="R1", progress="booked"),
    )
    check(cancelled, ctx, standing(scene.engine))


def test_a_notice_is_reopened_only_when_it_is_marked_remedied() -> None:
    scene = Scene()
    notice = Notice(id="R1", kind="recall", title="Pump", published_day="2026-10-01", match=Match(profiles=["obd2"]))
    scene.say(CatalogueReceived(id="n", t_ns=0, boot_id="", source="s", issued_utc_ns=1, notices=[notice]))
    ctx, opened = scene.engine.context(0), NoticeSettled(id="o", t_ns=0, boot_id="", notice="R1", progress="open")
    with pytest.raises(EntryRefused, match="'R1' is not marked remedied, so there is nothing to reopen: it is open"):
        check(opened, ctx, standing(scene.engine))
    scene.say(NoticeSettled(id="s", t_ns=0, boot_id="", notice="R1", progress="remedied"))
    check(opened, ctx, standing(scene.engine))
    with pytest.raises(EntryRefused, match="'R1' is remedied already; reopen it if it is not"):
        check(NoticeSettled(id="b", t_ns=0, boot_id="", notice="R1", progress="booked"), ctx, standing(scene.engine))


def test_what_a_prompt_of_long_ago_asked_to_book_is_not_booked_by_it(home: Home) -> None:
    for n in range(CONCERNS_KEPT):
        home.say(concern(f"d{n}", bookable="oil", subject=f"other {n}"))
    home.say(offer(slot(28)))
    first = home.parts[0].prompt_id
    assert "is not, or no longer" in str(home.refusal("PromptAnswered", prompt_id=first, answer="booked", slot="s28"))


def test_guardian_is_between_one_under_18_and_one_who_is_not(home: Home) -> None:
    for driver in (Driver("kim", of_age="2031-05-01"), Driver("lu", of_age="2033-05-01"), Driver("ben", of_age="2020-05-01")):
        home.enter("DriverSaved", driver=msgspec.to_builtins(driver))

    def of(driver: str, whom: str | None, granted: bool = True) -> str:
        return str(home.refusal("ConsentChanged", driver=driver, purpose="guardian", granted=granted, whom=whom))

    assert of("kim", "ana") == of("ana", "kim") == of("ben", "lu") == of("kim", None, granted=False) == "None"
    assert of("kim", None).startswith("guardian: it has to say with whom")
    assert of("kim", "eve").startswith("there is no driver 'eve' here")
    assert {of(*two).partition(" one has")[0] for two in (("kim", "lu"), ("kim", "kim"), ("ana", "ben"))} == {
        "guardian: of kim and lu",
        "guardian: of kim and kim",
        "guardian: of ana and ben",
    }


def test_without_a_clock_who_will_be_of_age_some_day_is_young(home: Home) -> None:
    home.enter("DriverSaved", driver={"id": "kim", "of_age": "2020-05-01"})
    data = {"driver": "kim", "purpose": "guardian", "granted": True, "whom": "ana"}
    assert str(home.refusal("ConsentChanged", **data)).startswith("guardian: of kim and ana")
    ctx = home.engine.context(home.engine._t_ns)._replace(wall=None)
    check(entry_of("ConsentChanged", data, "c1", ctx), ctx, standing(home.engine))


def test_a_profile_names_whom_a_consent_may(home: Home) -> None:
    kim = {"id": "kim", "of_age": "2031-05-01", "consents": ["guardian"]}
    assert "there is no driver 'eve'" in str(home.refusal("DriverSaved", driver=kim | {"guardian_with": ["ana", "eve"]}))
    assert "one of them is no id" in str(home.refusal("DriverSaved", driver=kim | {"guardian_with": ["A na"]}))
    home.enter("DriverSaved", driver=kim | {"guardian_with": ["ana"]})
    grown = kim | {"guardian_with": ["ana"], "of_age": "2020-05-01"}
    assert home.refusal("DriverSaved", driver=grown) is None, "what was agreed before is no obstacle when one comes of age"
    assert home.refusal("DriverSaved", driver=kim) is None, "a profile of before a consent named anybody"
