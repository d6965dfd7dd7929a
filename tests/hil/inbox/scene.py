"""An inbox with all around it that a test needs: a receiver's file, mails caught, commands caught, a clock to set."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from hil.cloud.inbox.heard import Heard, Said
from hil.cloud.inbox.inbox import Inbox
from hil.cloud.inbox.journal import Journal
from hil.cloud.inbox.links import Links
from hil.cloud.inbox.mail import Mail, Post
from hil.cloud.inbox.people import Book
from hil.cloud.inbox.workshop import Workshop
from tests.hil.inbox.cars import BERLIN, EVENING_NS, EventsFile, book

SECRET = bytes(range(32))
BASE = "http://127.0.0.1:8880"


class Caught:
    """A post that keeps mails, and fails when told to."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.error: OSError | None = None
        self.reply_is_lost = False  # an error, and the mail left all the same
        self.dies_after = False  # the mail leaves, and we hear nothing of it

    def send(self, mail: Mail) -> None:
        if not self.reply_is_lost and self.error:
            raise self.error
        self.mails.append(mail)
        if self.error:
            raise self.error
        if self.dies_after:
            raise RuntimeError("the power is gone")

    def messages(self) -> list[EmailMessage]:
        return [parsed(mail.body) for mail in self.mails]


class CaughtCommands:
    def __init__(self) -> None:
        self.sent: list[tuple[Said, str]] = []
        self.error: OSError | None = None

    def send(self, said: Said, id: str, expires_s: float) -> None:
        if self.error:
            raise self.error
        assert 0 < expires_s <= 30 * 86_400
        self.sent.append((said, id))

    def said(self, kind: str) -> list[Said]:
        return [said for said, _ in self.sent if said.kind == kind]


class Scene:
    """`now_ns` is the clock. `again()` is the same inbox after a restart."""

    def __init__(self, folder: Path, people: Book | None = None, base: str = BASE, post: Post | None = None) -> None:
        self.folder, self.people, self.base = folder, people or book(), base
        self.file = EventsFile(folder / "events.sqlite")
        self.post, self.commands = Caught(), CaughtCommands()
        self.outer_post = post
        self.told: list[str] = []
        self.now_ns = EVENING_NS
        self.links = Links(SECRET, base)
        self.inbox = self.again()

    def again(self) -> Inbox:
        self.inbox = Inbox(
            events_file=self.file.file,
            journal=Journal(self.folder / "inbox.sqlite"),
            book=self.people,
            links=self.links,
            address="car@bench.example",
            post=self.outer_post or self.post,
            commands=self.commands,
            workshop=Workshop("Bench Garage", BERLIN),
            tell=self.told.append,
        )
        return self.inbox

    def hear(self, *events: Heard) -> None:
        """They arrive, and the inbox takes its turn."""
        self.file.add(*events)
        self.turn()

    def turn(self, now_ns: int | None = None) -> None:
        self.now_ns = now_ns or self.now_ns
        self.inbox.turn(self.now_ns)

    def clock(self) -> int:
        return self.now_ns


def parsed(body: bytes) -> EmailMessage:
    message = email.message_from_bytes(body, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())
