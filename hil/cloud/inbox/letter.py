"""What stands in a mail and on the page, the same in both: parts, slots, buttons, states. No markup here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from agent.events.appointment import APPOINTMENT
from agent.events.message import Answer, Part
from agent.household import NO_BREAK, Kind, Language
from agent.localtime import local
from agent.prompts.slots import Slot
from agent.report.blocks import Figure
from hil.cloud.inbox.desk import Desk
from hil.cloud.inbox.frame import SETTLED, crossed_word, day_word, kind_word, place_word, slot_word, word
from hil.cloud.inbox.links import Links, Press, ToAnswer, ToCalendar, ToReport
from hil.cloud.inbox.people import Person
from hil.cloud.inbox.prompt import Key, Prompt, Release, Sent
from hil.cloud.inbox.report import figures

ANSWERS: dict[Kind, tuple[Answer, ...]] = {
    "service": ("done", "snoozed", "wrong"),
    "fault": ("acknowledged", "snoozed", "wrong"),
    "battery": ("acknowledged", "snoozed", "wrong"),
    "notice": ("acknowledged", "done", "snoozed", "wrong"),
    "milestone": ("wrong",),
    "report": ("wrong",),
}
MOVED_ANSWERS: tuple[Press, ...] = ("acknowledged", "cancel")  # beside the times to choose from
FINAL = {"acknowledged", "done", "wrong", "stopped", "booked", "cancel"}  # it is over on the unit then


class Button(NamedTuple):
    name: str
    label: str
    url: str
    note: str = ""


class PartView(NamedTuple):
    key: Key
    car: str
    title: str
    paragraphs: list[str]
    slots: list[Button]
    answers: list[Button]
    stop: Button
    report: Button | None
    figures: list[Figure]  # of the report
    calendar: Button | None
    states: list[str]
    is_crossed: bool


class LetterView(NamedTuple):
    id: str
    language: Language
    when: str
    parts: list[PartView]
    closings: list[str]
    is_safety: bool

    @property
    def cars(self) -> list[str]:
        return list(dict.fromkeys(part.car for part in self.parts))

    @property
    def sender(self) -> str:
        """The car, and that it is automatic; nobody else speaks."""
        return word(self.language, "your_car", car=self.cars[0]) if len(self.cars) == 1 else word(self.language, "your_cars")

    @property
    def subject(self) -> str:
        """With plain spaces: a header with others is written in code, which some filters take for spam."""
        first, more = self.parts[0].title.replace(NO_BREAK, " "), len(self.parts) - 1
        return word(self.language, "and_more", title=first, n=more) if more else first

    @property
    def preview(self) -> str:
        """What a list of mails shows behind the subject: how it goes on."""
        first, *others = self.parts
        return "; ".join(part.title for part in others) or next(iter(first.paragraphs), "")

    @property
    def stops(self) -> list[Button]:
        """How to stop each kind of each car, once."""
        return list({(b.label, part.car): b._replace(note=part.car) for part in self.parts for b in [part.stop]}.values())


class Writer:
    """Makes the views; `now_ns` dates the links."""

    def __init__(self, desk: Desk, links: Links) -> None:
        self.desk, self.links = desk, links

    def letter(
        self, person: Person, id: str, at_utc_ns: int, pairs: Iterable[tuple[Prompt, Release]], now_ns: int, *, is_safety: bool
    ) -> LetterView:
        pairs = list(pairs)
        language = pairs[0][1].message.language
        moment = local(at_utc_ns, person.zone)
        return LetterView(
            id=id,
            language=language,
            when=word(language, "shown_at", day=f"{day_word(moment, language)} {moment.year}", time=f"{moment:%H:%M}"),
            parts=[self._part(person, prompt, release, now_ns) for prompt, release in pairs],
            closings=list(dict.fromkeys(release.message.closing for _, release in pairs)),
            is_safety=is_safety,
        )

    def sent(self, person: Person, sent: Sent, now_ns: int) -> LetterView:
        """A letter that was shown, as things stand now."""
        pairs = [(prompt, shown.release) for prompt, shown in sent.prompts]
        return self.letter(person, sent.id, sent.at_utc_ns, pairs, now_ns, is_safety=sent.is_safety)

    def page(self, person: Person, now_ns: int) -> list[LetterView]:
        """All that was shown to a person, the newest first."""
        return [self.sent(person, sent, now_ns) for sent in reversed(self.desk.sent.get(person.key, [])) if sent.prompts]

    def _part(self, person: Person, prompt: Prompt, release: Release, now_ns: int) -> PartView:
        part, language = release.part, release.message.language
        is_open = prompt.crossed is None and not any(a.answer in FINAL for a in prompt.answers)
        report = self.desk.reports.get((prompt.unit, part.report or ""))
        read = figures(report.data) if report else []
        return PartView(
            key=prompt.key,
            car=person.cars[prompt.unit],
            title=part.title,
            paragraphs=[p for p in part.text.split("\n") if p.strip()],
            slots=[self._slot(prompt, slot, language, now_ns) for slot in (part.slots if is_open else [])],
            answers=[self._answer(prompt, each, language, now_ns) for each in (_answers(part) if is_open else ())],
            stop=self._answer(prompt, "stopped", language, now_ns),
            report=self._button("open_report", ToReport(prompt.unit, part.report or ""), language, now_ns) if read else None,
            figures=read,
            calendar=self._button("calendar", ToCalendar(*prompt.key), language, now_ns) if prompt.is_dated else None,
            states=list(states(prompt, language)),
            is_crossed=prompt.crossed is not None and prompt.crossed not in SETTLED,
        )

    def _slot(self, prompt: Prompt, slot: Slot, language: Language, now_ns: int) -> Button:
        url = self.links.url(ToAnswer(*prompt.key, "booked", slot.id), now_ns)
        return Button("booked", slot_word(slot, language), url, place_word(slot, language))

    def _answer(self, prompt: Prompt, answer: Press, language: Language, now_ns: int) -> Button:
        part = prompt.release.part
        name = "keep" if _is_move(part) and answer == "acknowledged" else answer
        return self._button(name, ToAnswer(*prompt.key, answer), language, now_ns, kind=kind_word(language, part.kind))

    def _button(self, name: str, aim: ToAnswer | ToCalendar | ToReport, language: Language, now_ns: int, **values: str) -> Button:
        return Button(name, word(language, name, **values), self.links.url(aim, now_ns))


def _is_move(part: Part) -> bool:
    """It says that an appointment was moved."""
    return part.topic.startswith(APPOINTMENT)


def _answers(part: Part) -> tuple[Press, ...]:
    return MOVED_ANSWERS if _is_move(part) else ANSWERS[part.kind]


def states(prompt: Prompt, language: Language) -> Iterable[str]:
    """What became of it, in the order of what was said."""
    kind = kind_word(language, prompt.release.part.kind)
    for answer in prompt.answers:
        how = "confirmed" if answer.place is not None else "on_its_way"
        yield f"{word(language, f'said_{answer.answer}', kind=kind)} {word(language, how)}"
    if prompt.appointment:
        yield word(
            language, "appointment", slot=f"{slot_word(prompt.appointment, language)}, {place_word(prompt.appointment, language)}"
        )
    if prompt.change:
        yield word(language, prompt.change)
    if prompt.crossed:
        yield crossed_word(language, prompt.crossed)


def find_slot(prompt: Prompt, id: str | None) -> Slot | None:
    """The slot of this id that was offered with it."""
    release = prompt.shown.release if prompt.shown else prompt.release
    return next((slot for slot in release.part.slots if slot.id == id), None)


def is_past(slot: Slot, now_ns: int) -> bool:
    return datetime.fromisoformat(slot.start).timestamp() * 1e9 <= now_ns
