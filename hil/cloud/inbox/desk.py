"""What is shown to whom, and when. Pure: fed with verified events and with what was done; time is an argument.

A prompt is (unit, prompt id). It is shown at most once, whatever its revision; only the person's own `snoozed` asks for it again.

| a prompt is | when | becomes |
|---|---|---|
| | PromptReleased | queued |
| queued | TripStarted of its unit, later than its release | withheld |
| withheld, about safety | that trip ended: the unit releases those once | queued |
| queued | the time after `not_after` | lapsed |
| withheld, lapsed, over | a later PromptReleased, the unit's next try | queued |
| queued, withheld, lapsed | PromptWithdrawn, PromptExpired, ServiceDone of what it asks to book, PromptAnswered, stopped | over |
| queued, withheld, lapsed | NoticeMatched: what it tells of does not concern the car any more | over |
| queued | nothing below keeps it | shown, and the unit hears PromptDelivered |
| shown | PromptReleased again, or withdrawn for the ignition: the unit does not know yet | shown, PromptDelivered once more |
| shown | PromptWithdrawn for another reason, PromptExpired, ServiceDone, such a NoticeMatched | shown, crossed out, with why |
| shown | PromptAnswered `snoozed`, and later a PromptReleased | queued |

What keeps a prompt from being shown, the first that is true in this order: see `Wait`. "Later" is by the unit's own count
(epoch, seq) and never by a clock: clocks step, and events arrive in any order. Of a person's prompts that nothing keeps, those
about safety go at once and are counted apart; all others of all cars go together, as often as agent/prompts/moment.py allows
(the units keep the same caps, each for itself), a milestone included. If another car's are known to be due within GATHER_NS
they are waited for, as long as all can still be shown; a milestone waits for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal, TypeAlias

from agent.events.message import PromptReleased
from agent.household import Kind
from agent.localtime import MINUTE_NS
from agent.prompts.moment import Caps, capped
from agent.report.without import without
from hil.cloud.inbox.heard import Heard, Said, slot_of
from hil.cloud.inbox.people import Book, Person
from hil.cloud.inbox.prompt import Answered, Ended, Key, Place, Prompt, Release, Report, Sent, Showing, Shown, Trip

KINDS: tuple[Kind, ...] = ("fault", "notice", "service", "battery", "milestone", "report")  # the gravest first
GATHER_NS = 120 * MINUTE_NS  # units vary the same person's moment by 15 to 120 min
TAKEN_BACK = "the consent was taken back"
SPARE_NS = 5 * MINUTE_NS  # so much before the first can no longer be shown the waiting ends: a mail takes a while to leave

Wait: TypeAlias = Literal[
    "nobody in the address book",
    "it is over",
    "it was shown",
    "a trip began",  # until the unit releases it again, as it will
    "its time is over",  # as before
    "its time has not come",
    "its report is not here",
    "waiting for another car",
]


class Desk:
    """See the module's table. Deterministic: the same calls in the same order make the same desk."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.prompts: dict[Key, Prompt] = {}
        self.sent: dict[str, list[Sent]] = {}  # by person, in order
        self.reports: dict[Key, Report] = {}  # by unit and id
        self.not_understood = 0
        self.hears: dict[str, Callable[[Heard, Place], Iterator[Said] | None]] = {
            "PromptReleased": self._released,
            "PromptWithdrawn": self._withdrawn,
            "PromptExpired": self._expired,
            "ServiceDone": self._service_done,
            "NoticeMatched": self._notice_matched,
            "PromptAnswered": self._answered,
            "TripStarted": self._trip_started,
            "TripEnded": self._trip_ended,
            "ReportReady": self._report_ready,
            "ConsentChanged": self._consent_changed,
            "AppointmentChosen": self._appointment_chosen,
            "AppointmentChanged": self._appointment_changed,
        }
        self._epochs: dict[str, list[str]] = {}
        self._trips: dict[str, dict[str, Trip]] = {}
        self._started: dict[str, Place] = {}  # the latest TripStarted of a unit
        self._ended: dict[Key, Ended] = {}
        self._stopped: dict[tuple[str, str, str], Place | None] = {}  # unit, person, kind; None: the unit does not know yet
        self._taken_back: dict[tuple[str, str], Place] = {}  # unit, driver: the consent to reports
        self._granted: dict[tuple[str, str], Place] = {}  # likewise, given
        self._tried: dict[tuple[str, bool], frozenset[Key]] = {}  # a mail that may have left: the same again, or none

    # -- what the units say ------------------------------------------------------------------------

    def hear(self, event: Heard) -> list[Said]:
        """Take up an event; what has to be told to its unit because of it. What is no event of ours is counted."""
        hear = self.hears.get(event.kind)
        if hear is None:
            return []
        try:
            return list(hear(event, self._place(event)) or ())
        except (ValueError, KeyError, TypeError, AttributeError):
            self.not_understood += 1
            return []

    def _released(self, event: Heard, place: Place) -> Iterator[Said]:
        message = event.as_event(PromptReleased)
        for part in message.parts:
            key, release = (event.unit, part.prompt_id), Release(message, part, place)
            prompt = self.prompts.setdefault(key, Prompt(event.unit, self.book.find(event.unit, message.person), release))
            if prompt.release.place <= place:
                prompt.release = release
            prompt.ended = self._ended.get(key)
            if prompt.is_shown:
                yield _delivered(prompt)

    def _withdrawn(self, event: Heard, place: Place) -> Iterator[Said]:
        why = str(event.data["why"])
        prompt = self.prompts.get((event.unit, event.data["prompt_id"]))
        if prompt and prompt.is_shown and why == "the ignition came on":
            yield _delivered(prompt)
        else:
            self._end((event.unit, event.data["prompt_id"]), Ended(place, why))

    def _expired(self, event: Heard, place: Place) -> None:
        self._end((event.unit, event.data["prompt_id"]), Ended(place, str(event.data.get("why", "no longer true"))))

    def _service_done(self, event: Heard, place: Place) -> None:
        for prompt in self._of_unit(event.unit, bookable=event.data["item"]):
            if prompt.release.place < place:
                self._end(prompt.key, Ended(place, "done"))

    def _notice_matched(self, event: Heard, place: Place) -> None:
        """The unit withdraws what waits for an answer; what was answered is true no longer either."""
        if event.data["verdict"] != "does not":
            return
        for prompt in self._of_unit(event.unit):
            is_done = prompt.over == "remedied" or any(a.answer == "done" for a in prompt.answers)
            if prompt.release.part.topic == f"notice {event.data['notice']}" and prompt.release.place < place and not is_done:
                self._end(prompt.key, Ended(place, "no longer true"))

    def _answered(self, event: Heard, place: Place) -> None:
        prompt = self.prompts.get((event.unit, event.data["prompt_id"]))
        if prompt is None:
            return
        answer = Answered(str(event.data["answer"]), event.data.get("slot"), place)
        prompt.answers = [a for a in prompt.answers if a.place is not None or a[:2] != answer[:2]] + [answer]
        if answer.answer == "stopped":
            self._stopped[_stop_of(prompt)] = place
        if not prompt.is_shown:
            self._end(prompt.key, Ended(place, f"answered: {answer.answer}"))

    def _trip_started(self, event: Heard, place: Place) -> None:
        trip = self._trip(event)
        trip.started = place
        self._started[event.unit] = max(place, self._started.get(event.unit, place))
        trip.start_utc_ns = event.data.get("start_utc_ns", event.utc_ns)

    def _trip_ended(self, event: Heard, place: Place) -> None:
        trip = self._trip(event)
        trip.is_over, trip.end_utc_ns = True, event.data.get("end_utc_ns", event.utc_ns)

    def _report_ready(self, event: Heard, place: Place) -> None:
        driver = str(event.data["driver"])
        if not self._is_taken_back((event.unit, driver), place):
            self.reports[event.unit, event.id] = Report(place, driver, event.data)

    def _is_taken_back(self, whose: tuple[str, str], place: Place) -> bool:
        """What is of an epoch that was heard of only after the word's is taken for older, unless they agreed again since."""
        word = self._taken_back.get(whose)
        if word is None or (place > word and place[0] == word[0]):
            return False
        return place < word or self._granted.get(whose, word) <= word

    def _consent_changed(self, event: Heard, place: Place) -> None:
        """What rests on a consent that was taken back is forgotten, and not taken up when it comes late. What others' reports
        show by it goes from them; from those that come late the receiver has taken it."""
        purpose, whose = event.data["purpose"], (event.unit, str(event.data["driver"]))
        if event.data["granted"]:
            if purpose == "report":
                self._granted[whose] = max(place, self._granted.get(whose, place))
            return
        self._show_less(event, place)
        if purpose != "report":
            return
        self._taken_back[whose] = max(place, self._taken_back.get(whose, place))
        gone = {k for k, r in self.reports.items() if k[0] == event.unit and r.driver == event.data["driver"] and r.place < place}
        for key in gone:
            del self.reports[key]
        for prompt in self._of_unit(event.unit):
            if (event.unit, prompt.release.part.report) in gone:
                self._end(prompt.key, Ended(place, TAKEN_BACK))

    def _show_less(self, word: Heard, place: Place) -> None:
        said = str(word.data["driver"]), str(word.data["purpose"]), word.data.get("whom")
        for key, each in self.reports.items():
            if key[0] == word.unit and each.place < place:
                with suppress(KeyError, TypeError, AttributeError):  # emptied, or of another make
                    self.reports[key] = each._replace(data=each.data | {"body": without(each.data["body"], *said)})

    def _appointment_chosen(self, event: Heard, place: Place) -> None:
        if prompt := self.prompts.get((event.unit, event.data["prompt_id"])):
            for other in self._of_unit(event.unit, bookable=event.data["bookable"]):
                if other.is_dated and other is not prompt:
                    other.change = "replaced"
            prompt.appointment, prompt.change = slot_of(event.data["slot"]), None

    def _appointment_changed(self, event: Heard, place: Place) -> None:
        for prompt in self._of_unit(event.unit, bookable=event.data["bookable"]):
            if event.data["change"] == "cancelled":
                prompt.answers = [a._replace(place=place) if a.answer == "cancel" else a for a in prompt.answers]
            if prompt.is_dated:
                prompt.change = str(event.data["change"])
                prompt.appointment = slot_of(event.data["slot"]) if event.data.get("slot") else prompt.appointment

    # -- what is shown -----------------------------------------------------------------------------

    def due(self, now_ns: int) -> list[Showing]:
        """What is to be shown now. Ask again after `showed`; what is not shown stays."""
        return [showing for person in self.book.people.values() for showing in self._due_to(person, now_ns)]

    def trying(self, person: str, keys: list[Key], *, is_safety: bool) -> None:
        """A Showing is about to be sent. Until it was, or has to change, it goes again as it is."""
        self._tried[person, is_safety] = frozenset(keys)

    def showed(self, person: str, keys: list[Key], at_utc_ns: int, id: str, *, is_safety: bool) -> list[Said]:
        """It was, at that time; what to tell the units. Prompts that are not known (their events were lost) are left out."""
        self._tried.pop((person, is_safety), None)
        prompts = [self.prompts[key] for key in keys if key in self.prompts]
        for prompt in prompts:
            prompt.shown, prompt.times_shown = Shown(prompt.release, at_utc_ns), prompt.times_shown + 1
        pairs = tuple((p, p.shown) for p in prompts if p.shown)
        self.sent.setdefault(person, []).append(Sent(id, at_utc_ns, is_safety, pairs))
        return [_delivered(prompt) for prompt in prompts]

    def pressed(self, key: Key, answer: str, slot: str | None = None) -> None:
        """The person answered here; the unit will confirm it with PromptAnswered."""
        prompt = self.prompts[key]
        prompt.answers.append(Answered(answer, slot, None))
        if answer == "stopped":
            self._stopped[_stop_of(prompt)] = None

    def refused(self, key: Key, answer: str, slot: str | None = None) -> None:
        """The unit could not take what was pressed: it may be pressed again."""
        if prompt := self.prompts.get(key):
            prompt.answers = [a for a in prompt.answers if a != Answered(answer, slot, None)]
            if answer == "stopped" and self._stopped.get(_stop_of(prompt), prompt.release.place) is None:
                del self._stopped[_stop_of(prompt)]

    def not_cancelled(self, unit: str, bookable: str) -> None:
        """As `refused`, of `cancel`."""
        for prompt in self._of_unit(unit, bookable):
            prompt.answers = [a for a in prompt.answers if a != Answered("cancel", None, None)]

    def wait(self, prompt: Prompt, now_ns: int) -> Wait | None:
        """The first that keeps it from being shown; caps and other cars apart."""
        message = prompt.release.message
        if prompt.person is None:
            return "nobody in the address book"
        if prompt.over or self._is_stopped(prompt):
            return "it is over"
        if prompt.is_shown:
            return "it was shown"
        if self._is_withheld(prompt):
            return "a trip began"
        if message.not_after_utc_ns is not None and now_ns >= message.not_after_utc_ns:
            return "its time is over"
        if message.not_before_utc_ns is not None and now_ns < message.not_before_utc_ns:
            return "its time has not come"
        if prompt.release.part.report and (prompt.unit, prompt.release.part.report) not in self.reports:
            return "its report is not here"
        return None

    def held(self, now_ns: int) -> list[tuple[Prompt, Wait | Caps]]:
        """What is here, true and not shown, with what keeps it."""
        found = ((p, self.wait(p, now_ns) or self._capped(p, now_ns) or "waiting for another car") for p in self.prompts.values())
        return [(p, why) for p, why in found if why not in ("it is over", "it was shown")]

    def shown_while_driving(self) -> int:
        """How many mails were shown during a trip that was not known yet: the link was down.

        By the clocks of two machines; a trip that has no time is not counted.
        """
        return sum(any(self._drove(p, shown) for p, shown in sent.prompts) for all_ in self.sent.values() for sent in all_)

    def _due_to(self, person: Person, now_ns: int) -> Iterator[Showing]:
        cars = [*person.cars]
        of_person = [p for p in self.prompts.values() if p.person is person]
        of_person.sort(key=lambda p: (KINDS.index(p.release.part.kind), cars.index(p.unit), p.release.part.raised_ns, p.key))
        ready = [p for p in of_person if self.wait(p, now_ns) is None]
        safety = [p for p in ready if p.is_safety]
        if safety:
            yield self._as_tried(person, safety, is_safety=True)
        others = [p for p in ready if not p.is_safety]
        if not others or self._capped(others[0], now_ns):
            return
        coming = [p for p in of_person if self.wait(p, now_ns) == "its time has not come"]
        if not _waits_for(others, coming, now_ns):
            yield self._as_tried(person, others, is_safety=False)

    def _as_tried(self, person: Person, ready: list[Prompt], *, is_safety: bool) -> Showing:
        tried = self._tried.get((person.key, is_safety), frozenset())
        again = [p for p in ready if p.key in tried]
        return Showing(person, tuple(again if again and len(again) == len(tried) else ready), is_safety)

    def _capped(self, prompt: Prompt, now_ns: int) -> Caps | None:
        if prompt.person is None or prompt.is_safety:
            return None
        said = tuple(sent.at_utc_ns for sent in self.sent.get(prompt.person.key, ()) if not sent.is_safety)
        cap = capped(said, now_ns, prompt.person.zone)
        return cap and cap[0]

    # -- its memory --------------------------------------------------------------------------------

    def _place(self, event: Heard) -> Place:
        epochs = self._epochs.setdefault(event.unit, [])
        if event.epoch not in epochs:
            epochs.append(event.epoch)
        return epochs.index(event.epoch), event.seq

    def _end(self, key: Key, ended: Ended) -> None:
        """The latest word holds; but that the unit withdraws it, too, is no better reason than the person's own."""
        if key in self._ended and self._ended[key].why == TAKEN_BACK:
            ended = Ended(ended.place, TAKEN_BACK)
        if ended.place > self._ended.get(key, ended).place or key not in self._ended:
            self._ended[key] = ended
        if key in self.prompts:
            self.prompts[key].ended = self._ended[key]

    def _of_unit(self, unit: str, bookable: str | None = None) -> list[Prompt]:
        return [p for p in self.prompts.values() if p.unit == unit and bookable in (None, p.release.part.bookable)]

    def _trip(self, event: Heard) -> Trip:
        return self._trips.setdefault(event.unit, {}).setdefault(event.data["trip_id"], Trip())

    def _is_stopped(self, prompt: Prompt) -> bool:
        if (stop := _stop_of(prompt)) not in self._stopped or prompt.is_safety:
            return False  # what must not wait passes until the unit itself says no
        place = self._stopped[stop]
        return place is None or prompt.release.place < place

    def _is_withheld(self, prompt: Prompt) -> bool:
        if self._started.get(prompt.unit, prompt.release.place) <= prompt.release.place:
            return False
        trips = (t for t in self._trips[prompt.unit].values() if t.started and t.started > prompt.release.place)
        return not prompt.is_safety or any(not trip.is_over for trip in trips)

    def _drove(self, prompt: Prompt, shown: Shown) -> bool:
        return any(
            trip.started is not None
            and trip.start_utc_ns is not None
            and trip.started > shown.release.place
            and trip.start_utc_ns <= shown.at_utc_ns
            and (trip.end_utc_ns is None or shown.at_utc_ns < trip.end_utc_ns)
            for trip in self._trips.get(prompt.unit, {}).values()
        )


def _waits_for(ready: list[Prompt], coming: list[Prompt], now_ns: int) -> bool:
    """Whether so much more is about to be ready that one mail can carry it all."""
    since = [p.release.message.not_before_utc_ns for p in ready]
    if any(p.release.part.kind == "milestone" for p in ready) or None in since:
        return False
    ends = [p.release.message.not_after_utc_ns for p in ready if p.release.message.not_after_utc_ns is not None]
    until = min([min(s for s in since if s is not None) + GATHER_NS, *(end - SPARE_NS for end in ends)])
    return any(now_ns < (p.release.message.not_before_utc_ns or 0) <= until for p in coming)


def _delivered(prompt: Prompt) -> Said:
    assert prompt.shown is not None
    data = {"prompt_id": prompt.key[1], "revision": prompt.release.part.revision, "shown_utc_ns": prompt.shown.at_utc_ns}
    return Said(prompt.unit, "PromptDelivered", data)


def _stop_of(prompt: Prompt) -> tuple[str, str, str]:
    return prompt.unit, prompt.release.message.person, prompt.release.part.kind
