"""notice: recalls and software joined to this car, said once, and settled."""

from __future__ import annotations

import msgspec

from agent import signals
from agent.config import CarConfig
from agent.engine import Engine
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern, ConcernSettled
from agent.events.household import DriverSaved
from agent.events.message import PromptAnswered
from agent.events.notice import KEPT, CatalogueReceived, NoticeMatched, NoticeRule, NoticeSettled, NoticeState, Progress
from agent.household import Driver
from agent.model import NS, Wall, derive_id
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


def catalogue(*notices: Notice, issued_s: int = 1, complete: bool = False, source: str = "a test") -> CatalogueReceived:
    id = derive_id("unit-1", "CatalogueReceived", issued_s, source)
    return CatalogueReceived(
        id=id,
        t_ns=0,
        boot_id="boot-1",
        source=source,
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


def answered(concern: Concern, answer: str, driver: str = "owner") -> PromptAnswered:
    prompt_id = derive_id("unit-1", "prompt", concern.id, driver)
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
    assert len(made.of(Concern)) == 2, "once: the second finds it open"


def test_a_workshop_may_say_that_it_is_remedied() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    hear(made, NoticeSettled(id="b" * 32, t_ns=0, boot_id="boot-1", notice="SW1", progress="remedied"))
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied"]


def test_an_older_catalogue_undoes_nothing_and_a_complete_one_takes_back() -> None:
    made = hear(bench(TOYOTA), catalogue(software(), issued_s=5), catalogue(issued_s=4, complete=True))
    assert made.of(ConcernSettled) == []
    hear(made, catalogue(issued_s=6, complete=True))
    assert [s.why for s in made.of(ConcernSettled)] == ["no longer true"]


def toyota_recall(**more: object) -> Notice:
    return msgspec.structs.replace(RECALL, match=Match(make="Toyota"), **more)


def state_of(made: Bench) -> NoticeState:
    return made.engine.rule(NoticeRule).state


def test_each_source_has_its_own_last_word() -> None:
    made = hear(bench(TOYOTA), catalogue(software(), issued_s=50, source="the maker"))
    hear(made, catalogue(toyota_recall(), issued_s=20, source="an authority"))
    assert [m.notice for m in made.of(NoticeMatched)] == ["SW1", "24V001"]
    assert state_of(made).catalogues == {"the maker": 50 * NS, "an authority": 20 * NS}
    assert state_of(made).catalogue_utc_ns == 50 * NS


def test_a_catalogue_from_a_day_to_come_does_not_shut_out_what_is_made_until_then() -> None:
    made = bench(TOYOTA)
    made.events += made.engine.wake(at(2), Wall(1_700_000_000 * NS, "synchronised"))
    hear(made, catalogue(software(), issued_s=4_000_000_000))
    assert state_of(made).catalogue_utc_ns == 1_700_000_000 * NS + at(2)
    made.events += made.engine.wake(at(90), Wall(1_700_000_000 * NS, "synchronised"))
    hear(made, catalogue(toyota_recall(), issued_s=1_700_000_000 + 80))
    assert [m.notice for m in made.of(NoticeMatched)] == ["SW1", "24V001"]


def test_what_was_taken_back_and_returns_is_told_again_under_other_ids() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), catalogue(issued_s=2, complete=True))
    assert [s.why for s in made.of(ConcernSettled)] == ["no longer true"]
    made.restart("boot-2").until(5)
    hear(made, catalogue(toyota_recall(), issued_s=3, complete=True))
    assert [len({m.id for m in made.of(NoticeMatched)}), len({c.id for c in made.of(Concern)})] == [3, 2]


def test_what_was_remedied_stays_so_though_its_source_takes_it_back_for_a_while() -> None:
    made = hear(bench(TOYOTA), catalogue(software()))
    hear(made, answered(made.of(Concern)[0], "done"), catalogue(issued_s=2, complete=True), catalogue(software(), issued_s=3))
    assert len(made.of(Concern)) == 1 and [s.why for s in made.of(ConcernSettled)] == ["remedied"]


def test_another_source_takes_back_only_its_own() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), catalogue(issued_s=2, complete=True, source="another"))
    assert made.of(ConcernSettled) == []


def test_a_recall_that_comes_to_forbid_driving_is_told_though_it_was_booked() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    hear(made, answered(made.of(Concern)[0], "booked"), catalogue(toyota_recall(do_not_drive=True), issued_s=2))
    assert [(c.says, c.urgency) for c in made.of(Concern)][1:] == [("notice_recall_do_not_drive", "safety")]
    assert [m.do_not_drive for m in made.of(NoticeMatched)] == [False, True]


def test_another_wording_replaces_what_is_open_and_leaves_what_is_acknowledged() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), catalogue(toyota_recall(remedy="A cap."), issued_s=2))
    assert [c.values["remedy"] for c in made.of(Concern)] == ["The pump is replaced.", "A cap."]
    hear(made, answered(made.of(Concern)[1], "acknowledged"), catalogue(toyota_recall(remedy="Two caps."), issued_s=3))
    assert len(made.of(Concern)) == 2 and len(made.of(NoticeMatched)) == 3


def test_progress_by_answers_goes_forward_only() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    concern = made.of(Concern)[0]
    hear(made, answered(concern, "booked"), answered(concern, "acknowledged"))
    missed = AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="missed")
    assert len(hear(made, missed).of(Concern)) == 2


def test_what_is_booked_stays_so_when_it_turns_out_graver() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    hear(made, answered(made.of(Concern)[0], "booked"), catalogue(toyota_recall(do_not_drive=True), issued_s=2))
    assert [c.urgency for c in made.of(Concern)] == ["usual", "safety"]
    cancelled = AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="cancelled")
    assert len(hear(made, cancelled, cancelled).of(Concern)) == 3, "its appointment was known still"


def test_a_kept_appointment_remedies_it() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    kept = AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="kept")
    hear(made, answered(made.of(Concern)[0], "booked"), kept, kept)
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied"]


def test_the_vin_in_the_config_may_be_in_small_letters() -> None:
    made = hear(bench(CarConfig(vin=VIN.lower())), catalogue(RECALL))
    assert [m.verdict for m in made.of(NoticeMatched)] == ["applies"]


def test_software_of_one_control_unit_says_nothing_of_another() -> None:
    made = bench()
    made.events += made.engine.feed([(at(2), signals.CALIBRATION_IDS, signals.of_ecu("7E8", ["ENGINE-1"]))])
    hear(made, catalogue(msgspec.structs.replace(software(), kind="recall", match=Match(calibrations=["GEARBOX-1"]))))
    assert [(m.verdict, m.missing) for m in made.of(NoticeMatched)] == [("cannot tell", ["calibration"])]
    made.events += made.engine.feed([(at(3), signals.CALIBRATION_IDS, signals.of_ecu("7E9", ["GEARBOX-1"]))])
    assert made.of(NoticeMatched)[-1].verdict == "applies"
    made.events += made.engine.feed([(at(4), signals.CALIBRATION_IDS, signals.of_ecu("7E9", ["GEARBOX-2"]))])
    assert [s.why for s in made.of(ConcernSettled)] == ["no longer true"]


def test_of_too_many_those_about_other_cars_go_first() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    others = [Notice(f"H{n}", "recall", "t", "2026-01-01", Match(make="Honda")) for n in range(KEPT)]
    hear(made, catalogue(*others, issued_s=2), catalogue(*others, issued_s=3))
    assert len(state_of(made).known) == KEPT and "24V001" in state_of(made).known


def told(made: Bench) -> list[tuple[str, bool]]:
    return [(m.verdict, m.withdrawn) for m in made.of(NoticeMatched)]


def test_the_far_side_hears_that_its_source_has_taken_it_back() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), catalogue(issued_s=2, complete=True))
    assert told(made) == [("applies", False), ("does not", True)]
    assert made.of(NoticeMatched)[1].catalogue_utc_ns == 2 * NS
    hear(made, catalogue(issued_s=3, complete=True))
    assert len(told(made)) == 2, "once"
    hear(made, catalogue(toyota_recall(), issued_s=4), catalogue(issued_s=5, complete=True))
    assert told(made)[2:] == [("applies", False), ("does not", True)]
    assert len({m.id for m in made.of(NoticeMatched)}) == 4


def test_the_far_side_hears_that_the_cars_data_rule_it_out() -> None:
    made = hear(bench(), catalogue(RECALL))
    made.events += made.engine.feed([(at(2), signals.VIN, "WVWZZZ1KZAW000001")])
    assert told(made) == [("cannot tell", False), ("does not", False)]
    assert made.of(NoticeMatched)[1].missing == []
    hear(made, catalogue(issued_s=2, complete=True))
    assert len(told(made)) == 2, "it was told already"


def test_what_was_never_said_to_concern_the_car_is_not_said_to_be_over() -> None:
    made = hear(bench(TOYOTA), catalogue(Notice("1", "recall", "t", "2026-01-01", Match(make="Honda"))))
    hear(made, catalogue(issued_s=2, complete=True))
    assert told(made) == []


def test_an_appointment_for_what_is_over_may_be_cancelled_and_nothing_is_said() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    hear(made, answered(made.of(Concern)[0], "booked"), catalogue(issued_s=2, complete=True))
    hear(made, AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="cancelled"))
    assert len(made.of(Concern)) == 1
    assert state_of(made).known["24V001"].progress == "open"


def test_each_match_says_how_old_its_own_sources_word_is() -> None:
    made = hear(bench(TOYOTA), catalogue(software(), issued_s=50, source="the maker"))
    hear(made, catalogue(toyota_recall(), issued_s=20, source="an authority"))
    assert [m.catalogue_utc_ns for m in made.of(NoticeMatched)] == [50 * NS, 20 * NS]


def settled(progress: Progress, id: str, notice: str = "24V001") -> NoticeSettled:
    return NoticeSettled(id=id * 32, t_ns=0, boot_id="boot-1", notice=notice, progress=progress)


def test_what_was_not_remedied_after_all_is_raised_anew_here_and_at_the_far_side() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    hear(made, answered(made.of(Concern)[0], "done"), settled("open", "b"), settled("open", "c"))
    assert told(made) == [("applies", False), ("applies", False)]
    first, again = made.of(Concern)
    assert (again.subject, again.bookable) == (first.subject, "24V001")
    assert again.rests_on == [made.of(NoticeMatched)[1].id] != first.rests_on
    hear(made, catalogue(toyota_recall(), issued_s=2))
    assert len(told(made)) == 2, "and then it is as any other"
    hear(made, settled("remedied", "d"))
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied", "remedied"]
    assert len({s.id for s in made.of(ConcernSettled)}) == 2


def test_what_is_over_is_open_again_only_when_it_returns() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), settled("remedied", "b"), catalogue(issued_s=2, complete=True))
    hear(made, settled("open", "c"))
    assert len(made.of(Concern)) == 1
    hear(made, catalogue(toyota_recall(), issued_s=3))
    assert len(made.of(Concern)) == 2


def test_whom_its_prompt_moved_to_is_heard() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()))
    saved = DriverSaved(id="d" * 32, t_ns=0, boot_id="boot-1", driver=Driver("ana", is_keeper=True))
    hear(hear(made, saved), answered(made.of(Concern)[0], "booked", "ana"))
    assert state_of(made).known["24V001"].progress == "booked"
    hear(made, AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="cancelled"))
    assert len(made.of(Concern)) == 2
    hear(made, answered(made.of(Concern)[1], "done", "ana"))
    assert [s.why for s in made.of(ConcernSettled)] == ["remedied"]


def test_two_sources_with_the_same_notice_say_it_once() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall(), source="the maker"))
    for n in (2, 3):
        hear(made, catalogue(toyota_recall(title="Recall of the fuel pump"), issued_s=n, complete=True, source="an authority"))
        hear(made, catalogue(toyota_recall(), issued_s=n, complete=True, source="the maker"))
    assert len(made.of(NoticeMatched)) == len(made.of(Concern)) == 1
    hear(made, catalogue(issued_s=4, complete=True, source="an authority"))
    assert made.of(ConcernSettled) == [], "it was the maker's"
    hear(made, catalogue(issued_s=4, complete=True, source="the maker"))
    assert [s.why for s in made.of(ConcernSettled)] == ["no longer true"]
    hear(made, catalogue(toyota_recall(title="Recall of the fuel pump"), issued_s=5, source="an authority"))
    assert made.of(NoticeMatched)[-1].source == "an authority", "the maker's is out"


def test_of_two_sources_the_graver_word_is_heard() -> None:
    others = Notice("24V001", "recall", "Another car's", "2026-01-02", Match(make="Honda"), do_not_drive=True)
    made = hear(bench(TOYOTA), catalogue(others, source="the maker"), catalogue(toyota_recall(), source="an authority"))
    assert [(m.verdict, m.source) for m in made.of(NoticeMatched)] == [("applies", "an authority")]
    made = hear(bench(TOYOTA), catalogue(toyota_recall(), source="the maker"))
    for n in (2, 3):
        hear(made, catalogue(others, issued_s=n, source="a third"))
        hear(made, catalogue(toyota_recall(do_not_drive=True), issued_s=n, source="an authority"))
        hear(made, catalogue(toyota_recall(), issued_s=n, source="the maker"))
    assert [c.urgency for c in made.of(Concern)] == ["usual", "safety"]


def test_what_can_be_told_no_more_is_settled_and_told_anew_once_it_can() -> None:
    unsure = msgspec.structs.replace(software(), match=Match(calibrations=["OLD"], profiles=["unheard of"]))
    made = hear(bench(TOYOTA), catalogue(software()), catalogue(unsure, issued_s=2))
    assert told(made) == [("applies", False), ("cannot tell", False)]
    assert [(s.subject, s.why) for s in made.of(ConcernSettled)] == [("notice SW1", "no longer true")]
    hear(made, catalogue(software(), issued_s=3), catalogue(unsure, issued_s=4), catalogue(unsure, issued_s=5))
    assert [v for v, _ in told(made)[2:]] == ["applies", "cannot tell"]
    assert [len({e.id for e in made.of(kind)}) for kind in (NoticeMatched, Concern, ConcernSettled)] == [4, 2, 2]


def test_what_is_said_late_takes_nothing_back() -> None:
    made = hear(bench(TOYOTA), catalogue(toyota_recall()), settled("remedied", "b"), settled("booked", "c"))
    hear(made, AppointmentChanged(id="a" * 32, t_ns=0, boot_id="boot-1", bookable="24V001", change="moved"))
    assert state_of(made).known["24V001"].progress == "remedied"
    hear(made, settled("open", "d"), settled("booked", "e"), settled("acknowledged", "f"))
    assert state_of(made).known["24V001"].progress == "booked"
