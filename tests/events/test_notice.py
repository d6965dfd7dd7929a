"""notice: recalls and software joined to this car, said once, and settled."""

from __future__ import annotations

import msgspec

from agent import signals
from agent.config import CarConfig
from agent.engine import Engine
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern, ConcernSettled
from agent.events.message import PromptAnswered
from agent.events.notice import CatalogueReceived, NoticeMatched, NoticeSettled
from agent.model import NS, derive_id
from agent.notices import Match, Notice, NoticeKind, VinRange
from tests.sim.car import Bench, at

VIN = "JTMRJREV8HD123456"
RECALL = Notice("24V001", "recall", "Fuel pump may stop", "2026-01-02", Match([VinRange("JTM")]), "The pump is replaced.")
TOYOTA = CarConfig(make="Toyota", model="RAV4", year=2017, calibrations=("OLD",))


def bench(car: CarConfig = CarConfig()) -> Bench:  # noqa: B008 - it is frozen
    made = Bench()
    made.setup = made.setup._replace(car=car)
    made.engine = Engine(made.setup, "boot-1", {})
    return made.until(1)


def catalogue(*notices: Notice, issued_s: int = 1, complete: bool = False) -> CatalogueReceived:
    id = derive_id("unit-1", "CatalogueReceived", issued_s)
    return CatalogueReceived(
        id=id,
        t_ns=0,
        boot_id="boot-1",
        source="a test",
        issued_utc_ns=issued_s * NS,
        notices=list(notices),
        complete=complete,
    )


def hear(made: Bench, *events: object) -> Bench:
    made.events += made.engine.raised(events)  # type: ignore[arg-type]
    assert not made.engine.failures
    return made


def software(kind: NoticeKind = "software") -> Notice:
    return Notice("SW1", kind, "New engine software", "2026-02-03", Match(calibrations=["OLD"]), "Any dealer installs it.")


def answered(concern: Concern, answer: str) -> PromptAnswered:
    prompt_id = derive_id("unit-1", "prompt", concern.id, "owner")
    return PromptAnswered(id=prompt_id[::-1], t_ns=0, boot_id="boot-1", prompt_id=prompt_id, answer=answer)  # type: ignore[arg-type]


def test_a_recall_that_cannot_be_judged_says_so_and_is_judged_once_the_vin_is_heard() -> None:
    made = hear(bench(), catalogue(RECALL))
    (open_,) = made.of(NoticeMatched)
    assert (open_.verdict, open_.missing, made.of(Concern)[0].says) == ("cannot tell", ["vin"], "notice_cannot_tell")
    made.events += made.engine.feed([(at(2), signals.VIN, VIN), (at(3), signals.VIN, VIN)])
    assert [m.verdict for m in made.of(NoticeMatched)] == ["cannot tell", "applies"]
    first, second = made.of(Concern)
    assert first.subject == second.subject and first.id != second.id
    assert (second.says, second.bookable, second.urgency) == ("notice_recall", "24V001", "usual")
    assert second.rests_on == [made.of(NoticeMatched)[1].id]


def test_what_does_not_concern_this_car_raises_nothing() -> None:
    made = hear(bench(TOYOTA), catalogue(Notice("1", "recall", "t", "2026-01-01", Match(make="Honda"))))
    assert made.kinds() == [] and made.of(Concern) == []


def test_the_same_catalogue_again_says_nothing_again_also_after_a_restart() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    made.restart("boot-2").until(5)
    hear(made, catalogue(software(), issued_s=2))
    assert len(made.of(NoticeMatched)) == len(made.of(Concern)) == 1


def test_only_a_recall_is_told_when_the_unit_cannot_tell() -> None:
    made = hear(bench(), catalogue(software()))
    assert [m.verdict for m in made.of(NoticeMatched)] == ["cannot tell"]
    assert made.of(Concern) == []


def test_other_software_heard_on_the_bus_settles_it() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    assert made.of(Concern)[0].says == "notice_software"
    made.events += made.engine.feed([(at(2), signals.CALIBRATION_IDS, signals.of_ecu("7E8", ["NEW"]))])
    assert [(s.subject, s.why) for s in made.of(ConcernSettled)] == [("notice SW1", "no longer true")]


def test_a_do_not_drive_recall_may_pass_the_hold() -> None:
    notice = msgspec.structs.replace(RECALL, match=Match(make="Toyota"), do_not_drive=True)
    (concern,) = hear(bench(TOYOTA), catalogue(notice)).of(Concern)
    assert (concern.says, concern.urgency) == ("notice_recall_do_not_drive", "safety")


def test_done_is_remedied_for_good() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    hear(made, answered(made.of(Concern)[0], "done"))
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied"]
    hear(made, catalogue(software(), issued_s=2))
    assert len(made.of(Concern)) == 1


def test_a_missed_appointment_reopens_it() -> None:
    made = hear(bench(TOYOTA), catalogue(msgspec.structs.replace(RECALL, match=Match(make="Toyota"))))
    hear(made, answered(made.of(Concern)[0], "booked"))
    missed = AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="missed")
    hear(made, missed, missed)
    assert [c.is_again for c in made.of(Concern)] == [False, True], "once: the second finds it open"


def test_a_workshop_may_say_that_it_is_remedied() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    hear(made, NoticeSettled(id="b" * 32, t_ns=0, boot_id="boot-1", notice="SW1", progress="remedied"))
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied"]


def test_an_older_catalogue_undoes_nothing_and_a_complete_one_takes_back() -> None:
    made = hear(bench(TOYOTA), catalogue(software(), issued_s=5), catalogue(issued_s=4, complete=True))
    assert made.of(ConcernSettled) == []
    hear(made, catalogue(issued_s=6, complete=True))
    assert [s.why for s in made.of(ConcernSettled)] == ["no longer true"]
