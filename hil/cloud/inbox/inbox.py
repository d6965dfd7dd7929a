"""The inbox put together: hears the receiver's events, shows what is due, sends what is to be said to the units.

    receiver's file → desk, workshop → mail or page → journal → commands → unit → events → …

A turn does all there is to do. The page's clicks come from other threads: one lock.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from agent.localtime import MINUTE_NS
from hil.cloud.inbox.desk import Desk
from hil.cloud.inbox.heard import Heard, Said
from hil.cloud.inbox.journal import LASTS_NS, Act, Journal, Waiting, events
from hil.cloud.inbox.letter import LetterView, Writer, find_slot, is_past
from hil.cloud.inbox.links import Links, ToAnswer, ToStop
from hil.cloud.inbox.mail import Attachment, Mailer, Post
from hil.cloud.inbox.people import Book, Person
from hil.cloud.inbox.prompt import Prompt, Showing
from hil.cloud.inbox.report import page
from hil.cloud.inbox.workshop import Workshop

RETRY_NS = MINUTE_NS  # a mail server that is away comes back no sooner
SNOOZE_DAYS = 7
WORDS_KEPT = 500  # characters of the person's own words: it is a note, not a letter

Outcome: TypeAlias = Literal["sent", "already", "gone", "taken"]


class Commands(Protocol):
    """Signed commands to a unit (sending.py). `id` makes it work once. Raises OSError when it cannot be sent now."""

    def send(self, said: Said, id: str, expires_s: float) -> None: ...


class Inbox:
    """`tell` hears each line of what it does."""

    def __init__(
        self,
        *,
        events_file: Path,
        journal: Journal,
        book: Book,
        links: Links,
        address: str,
        post: Post,
        commands: Commands,
        workshop: Workshop | None = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.desk = Desk(book)
        self.links = links
        self.writer = Writer(self.desk, links)
        self.lock = threading.RLock()
        self._events_file, self._journal = events_file, journal
        self._mailer = Mailer(self.writer, links, address)
        self._post, self._commands, self._workshop = post, commands, workshop
        self._tell = tell
        self._not_before: dict[str, int] = {}  # mails that failed, by person
        self._take_up()

    # -- one turn ----------------------------------------------------------------------------------

    def turn(self, now_ns: int) -> None:
        """Hear, show, send. What fails outside is told and tried again in a later turn."""
        with self.lock:
            self._listen(now_ns)
            for showing in self.desk.due(now_ns):
                self._show(showing, now_ns)
            waiting = self._journal.waiting(now_ns)
        for each in waiting:  # without the lock: a broker may take its time
            if not self._send(each, now_ns):
                return

    def _listen(self, now_ns: int) -> None:
        fresh = events(self._events_file, self._journal.heard_n)
        for n, event in fresh:
            if event is not None:
                self._say_heard(event)
                self._journal.say(self._hear(event, now_ns), now_ns)
            self._journal.hear_to(n)
        if fresh:
            self._journal.commit()

    def _hear(self, event: Heard, now_ns: int) -> list[Said]:
        if event.kind == "CommandTaken":
            self._taken(event)
        answers = self._workshop.hear(event, now_ns) if self._workshop else []
        return self.desk.hear(event) + answers

    def _taken(self, event: Heard) -> None:
        said = self._journal.take(event.unit, str(event.data.get("command")), str(event.data.get("outcome")))
        if said and said.kind == "PromptAnswered" and event.data.get("outcome") != "done":
            self.desk.refused((event.unit, said.data["prompt_id"]), said.data["answer"], said.data.get("slot"))

        if said and said.kind == "AppointmentChanged" and event.data.get("outcome") != "done":
            self.desk.not_cancelled(event.unit, said.data["bookable"])

    def _say_heard(self, event: Heard) -> None:
        if event.kind in self.desk.hears:
            self._tell(f"{event.unit} says {event.kind} {event.data.get('why') or event.data.get('answer') or ''}".rstrip())
        if event.kind == "CommandTaken" and event.data.get("outcome") != "done":
            verb = "refuses" if event.data.get("outcome") == "refused" else "failed at"
            self._tell(f"{event.unit} {verb} {event.data.get('kind')}: {event.data.get('why')}")

    def _show(self, showing: Showing, now_ns: int) -> None:
        person = showing.person
        if showing.channel == "mail":
            if now_ns < self._not_before.get(person.key, 0):
                return
            self._note("trying", now_ns, {"person": person.key, "keys": showing.keys, "is_safety": showing.is_safety})
            self.desk.trying(person.key, showing.keys, is_safety=showing.is_safety)
            self._journal.commit()
            try:
                mail = self._mailer.mail(showing, now_ns, self._reports(showing.prompts))
                self._post.send(mail)
            except OSError as e:
                self._not_before[person.key] = now_ns + RETRY_NS
                self._tell(f"a mail to {person.id} could not be sent, the next try is in a minute: {e}")
                return
        body = {"person": person.key, "keys": showing.keys, "is_safety": showing.is_safety, "id": showing.id}
        self._note("showed", now_ns, body)
        self._journal.say(self.desk.showed(person.key, showing.keys, now_ns, showing.id, is_safety=showing.is_safety), now_ns)
        self._journal.commit()
        self._tell(f"shown to {person.id} by {showing.channel}: " + "; ".join(p.release.part.title for p in showing.prompts))

    def _send(self, waiting: Waiting, now_ns: int) -> bool:
        said = waiting.said
        try:
            self._commands.send(said, waiting.id, (waiting.utc_ns + LASTS_NS - now_ns) / 1e9)
        except OSError as e:
            self._tell(f"commands cannot be sent now: {e}")
            return False
        with self.lock:
            self._journal.sent(waiting.id, now_ns)
            self._journal.commit()
        self._tell(f"to {said.unit}: {said.kind} {said.data.get('answer') or said.data.get('change') or ''}".rstrip())
        return True

    # -- what people press -------------------------------------------------------------------------

    def press(self, aim: ToAnswer, now_ns: int, words: str = "") -> Outcome:
        """Answer as the link says. The same twice is one answer."""
        with self.lock:
            prompt = self.desk.prompts.get((aim.unit, aim.prompt_id))
            outcome = self.outcome(aim, now_ns)
            if outcome == "sent" and prompt is not None:
                self._answer(prompt, aim, now_ns, words)
            return outcome

    def outcome(self, aim: ToAnswer, now_ns: int) -> Outcome:
        """What pressing it now would come to."""
        prompt = self.desk.prompts.get((aim.unit, aim.prompt_id))
        if prompt is None:
            return "gone"
        said = [(a.answer, a.slot) for a in prompt.answers]
        if (aim.answer, aim.slot) in said and aim.answer != "snoozed":
            return "already"
        if aim.answer == "stopped":
            return "sent"  # whatever became of the rest
        if aim.answer == "snoozed" and said[-1:] == [("snoozed", None)]:
            return "already"
        slot = find_slot(prompt, aim.slot)
        if prompt.crossed or (aim.answer == "booked" and (slot is None or is_past(slot, now_ns))):
            return "gone"
        return "taken" if aim.answer == "booked" and any(answer == "booked" for answer, _ in said) else "sent"

    def stop(self, aim: ToStop, now_ns: int) -> None:
        """No more of the kinds of these prompts; those that are not known here are passed over."""
        for unit, prompt_id in aim.prompts:
            self.press(ToAnswer(unit, prompt_id, "stopped"), now_ns)

    def letters(self, person: Person, now_ns: int) -> list[LetterView]:
        with self.lock:
            return self.writer.page(person, now_ns)

    def report(self, unit: str, id: str) -> str | None:
        """The page of a report that is kept, as HTML."""
        with self.lock:
            kept = self.desk.reports.get((unit, id))
        return page(kept.data) if kept else None

    def _answer(self, prompt: Prompt, aim: ToAnswer, now_ns: int, words: str) -> None:
        kind, data = "PromptAnswered", dict[str, Any](prompt_id=aim.prompt_id, answer=aim.answer)
        if aim.answer == "cancel":
            kind, data = "AppointmentChanged", {"bookable": prompt.release.part.bookable, "change": "cancelled"}
        if aim.answer == "booked":
            data |= {"slot": aim.slot, "words": words.strip()[:WORDS_KEPT]}
        if aim.answer == "snoozed":
            data["days"] = SNOOZE_DAYS
        self._note("pressed", now_ns, {"unit": aim.unit, "prompt_id": aim.prompt_id, "answer": aim.answer, "slot": aim.slot})
        self.desk.pressed(prompt.key, aim.answer, aim.slot)
        self._journal.say([Said(aim.unit, kind, data)], now_ns)
        self._journal.commit()
        self._tell(f"answered by {prompt.release.message.person}: {prompt.release.part.title}: {aim.answer}")

    # -- its memory --------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """The desk and the workshop as they were: the events up to the last heard, with the acts between them.

        What was said then is in the outbox already.
        """
        acts = self._journal.acts()
        for n, event in events(self._events_file, 0, self._journal.heard_n):
            while acts and acts[0].after_n < n:
                self._do_again(acts.pop(0))
            if event is not None:
                self._hear(event, 0)
        for act in acts:
            self._do_again(act)

    def _do_again(self, act: Act) -> None:
        body = act.body
        match act.what:
            case "trying":
                self.desk.trying(body["person"], _keys(body), is_safety=body["is_safety"])
            case "showed":
                self.desk.showed(body["person"], _keys(body), act.utc_ns, body["id"], is_safety=body["is_safety"])
            case "pressed" if (body["unit"], body["prompt_id"]) in self.desk.prompts:
                self.desk.pressed((body["unit"], body["prompt_id"]), body["answer"], body["slot"])

    def _note(self, what: str, now_ns: int, body: dict[str, Any]) -> None:
        self._journal.note(what, now_ns, body)

    def _reports(self, prompts: tuple[Prompt, ...]) -> list[Attachment]:
        found = []
        for prompt in prompts:
            id = prompt.release.part.report
            html = self.report(prompt.unit, id) if id else None
            if html is not None:
                found.append(Attachment(f"{slug(prompt.release.part.title)}.html", html.encode(), "html"))
        return found


def _keys(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(unit, prompt_id) for unit, prompt_id in body["keys"]]


def slug(title: str) -> str:
    """A title as a file's name."""
    return "-".join(re.findall(r"\w+", title.lower())) or "report"
