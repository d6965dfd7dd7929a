"""The far side of the demo: the inbox and its workshop in simulated time, and what the people do with what they are shown."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from agent.model import NS
from agent.prompts.slots import span_ns
from hil.broker import Broker
from hil.ca import CLOUD, Authority
from hil.cloud.command import Commander
from hil.cloud.inbox.heard import Said
from hil.cloud.inbox.inbox import Inbox
from hil.cloud.inbox.journal import Journal
from hil.cloud.inbox.links import Links, ToAnswer, secret
from hil.cloud.inbox.mail import Folder
from hil.cloud.inbox.people import read
from hil.cloud.inbox.prompt import Prompt
from hil.cloud.inbox.workshop import Workshop
from hil.demo.folder import START_UTC_NS, UNIT, ZONE, Protocol

READS_AFTER_NS = 20 * 60 * NS  # nobody opens a mail in the minute it comes
WORDS = "The brakes squeak a little on cold mornings."
DAY_NS = 86_400 * NS
CATALOGUE_UTC_NS = START_UTC_NS + 9 * DAY_NS

CATALOGUE = {
    "source": "the bench's maker",
    "issued_utc_ns": CATALOGUE_UTC_NS,
    "notices": [
        {
            "id": "BENCH-26-01",
            "kind": "recall",
            "title": "The fuel pump's plug may corrode",
            "published_day": "2026-08-11",
            "match": {"make": "Simulated", "model": "Petrol", "years": [2018, 2019]},
            "remedy": "A workshop replaces the plug; it takes half an hour.",
        },
        {
            "id": "BENCH-26-02",
            "kind": "software",
            "title": "New software for the gearbox",
            "published_day": "2026-08-10",
            "match": {"make": "Simulated", "model": "Petrol", "years": [2022]},
        },
    ],
}


class Town:
    """`sent`: the ids of the commands that went to the unit."""

    def __init__(self, folder: Path, authority: Authority, broker: Broker, protocol: Protocol) -> None:
        self.sent: set[str] = set()
        self.now_ns = START_UTC_NS
        self.journal = Journal(folder / "inbox.sqlite")
        self.workshop = Workshop("Bench Garage", ZoneInfo(ZONE))
        self._authority, self._broker, self._protocol = authority, broker, protocol
        self._commander = Commander(authority.command_key().private)
        self._answered: set[str] = set()
        self._told = False
        self.inbox = Inbox(
            events_file=folder / "events.sqlite",
            journal=self.journal,
            book=read(folder / "people.toml"),
            links=Links(secret(folder / "links.key"), "http://127.0.0.1:8880"),
            address="car@localhost",
            post=Folder(folder / "mails"),
            commands=self,
            workshop=self.workshop,
            tell=lambda _line: None,
        )

    def send(self, said: Said, id: str, expires_s: float) -> None:
        """A command as the bench sends it, dated in the demo's own time."""
        command = self._commander.sign(said.unit, said.kind, said.data, expires_s, now_s=self.now_ns / NS, jti=id)
        pair, ca = self._authority.client(CLOUD), self._authority.pair.certificate
        self._commander.send(command, said.unit, (self._broker.host, self._broker.port), ca, pair, self._protocol)
        self.sent.add(id)

    def turn(self, now_ns: int) -> None:
        """Show what is due, answer what was read, keep appointments, send."""
        self.now_ns = now_ns
        if now_ns >= CATALOGUE_UTC_NS and not self._told:
            self._told = True
            self._say(Said(UNIT, "CatalogueReceived", CATALOGUE))
        for prompt in list(self.inbox.desk.prompts.values()):
            self._read(prompt)
        for (unit, bookable), appointment in list(self.workshop.appointments.items()):
            if span_ns(appointment.slot)[1] <= now_ns:
                del self.workshop.appointments[unit, bookable]
                self._say(self.workshop.change(unit, bookable, "kept"), *done(unit, bookable))
        self.inbox.turn(now_ns)

    def _read(self, prompt: Prompt) -> None:
        part = prompt.release.part
        shown = prompt.shown
        if part.prompt_id in self._answered or shown is None or self.now_ns < shown.at_utc_ns + READS_AFTER_NS:
            return
        self._answered.add(part.prompt_id)
        slots = [slot for slot in part.slots if span_ns(slot)[0] > self.now_ns]
        if slots:
            self.inbox.press(ToAnswer(prompt.unit, part.prompt_id, "booked", slots[0].id), self.now_ns, WORDS)
        elif part.kind in ("notice", "service", "fault"):
            self.inbox.press(ToAnswer(prompt.unit, part.prompt_id, "acknowledged"), self.now_ns)

    def _say(self, *said: Said) -> None:
        self.journal.say(list(said), self.now_ns)
        self.journal.commit()


def done(unit: str, bookable: str) -> list[Said]:
    """What a workshop says when the work is done."""
    if bookable.startswith("BENCH-"):
        return [Said(unit, "NoticeSettled", {"notice": bookable, "progress": "remedied"})]
    return [Said(unit, "ServiceReported", {"item": bookable, "says": "done", "by": "workshop"})]
