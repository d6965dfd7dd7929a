"""A letter as a mail: text and HTML, an .ics file for each slot, the report as a file, one-click links; and how it leaves.

From the car, automatic: Auto-Submitted (RFC 3834) and Precedence keep other machines from answering; List-Unsubscribe with
List-Unsubscribe-Post (RFC 8058) lets the mail program stop them with one click. RFC 8058 wants https and DKIM there: on the
bench both end at loopback.

A mail leaves at least once. A crash between the server's yes and our commit repeats it, with the same Message-ID, by
which mail programs know it again; in a folder it is the same file.
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import textwrap
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple, Protocol

from jinja2 import Environment, FileSystemLoader, select_autoescape

from agent.household import NO_BREAK
from hil.cloud.inbox.calendar import ics
from hil.cloud.inbox.frame import word
from hil.cloud.inbox.letter import LetterView, Writer, find_slot
from hil.cloud.inbox.links import Links, ToPage, ToStop
from hil.cloud.inbox.prompt import Showing

TEMPLATES = Path(__file__).parent / "templates"
HEADERS = SMTP.clone(max_line_length=998)  # a signed link must not be folded; RFC 5322 allows 998
LINE = 76  # characters: what a terminal or a quote of it still shows whole (RFC 3676 names 78)
REPLY_S = 20.0  # a server on loopback that does not answer by then is not there


class Mail(NamedTuple):
    """`body`: what goes over the wire."""

    id: str
    sender: str
    to: str
    subject: str
    body: bytes


class Attachment(NamedTuple):
    name: str
    content: bytes
    type: str  # below text/
    params: dict[str, str] = {}


class Post(Protocol):
    """Where mails go. `send` raises OSError when it cannot (smtplib's errors are)."""

    def send(self, mail: Mail) -> None: ...


class Server:
    """An SMTP server, without TLS or a login: loopback only."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def send(self, mail: Mail) -> None:
        with smtplib.SMTP(self.host, self.port, timeout=REPLY_S) as smtp:
            smtp.sendmail(mail.sender, [mail.to], mail.body)


class Folder:
    """Mails as .eml files, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def send(self, mail: Mail) -> None:
        file = self.folder / f"{mail.id.strip('<>').partition('@')[0]}.eml"
        part = file.with_suffix(".part")
        with part.open("wb") as out:
            out.write(mail.body)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)


def templates() -> Environment:
    """Jinja2 with every value escaped in HTML."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
    )
    found.globals["word"] = word
    found.filters["wrapped"] = wrapped
    return found


def wrapped(text: str) -> str:
    """A paragraph of the text part; a link is never broken."""
    return textwrap.fill(text, LINE, break_long_words=False, break_on_hyphens=False)


class Mailer:
    """Writes mails. `address`: what stands behind the car's name."""

    def __init__(self, writer: Writer, links: Links, address: str) -> None:
        self.writer, self.links, self.address = writer, links, address
        self.templates = templates()

    def mail(self, showing: Showing, now_ns: int, attachments: list[Attachment]) -> Mail:
        """`attachments`: beside the slots'."""
        pairs = [(p, p.release) for p in showing.prompts]
        letter = self.writer.letter(showing.person, showing.id, now_ns, pairs, now_ns, is_safety=showing.is_safety)
        page_url = self.links.url(ToPage(showing.person.key), now_ns)
        stop_url = self.links.url(ToStop(tuple(showing.keys)), now_ns)
        message = self._headers(letter, showing.person.mail, now_ns, stop_url)
        values = {"letter": letter, "page_url": page_url, "stop_url": stop_url, "has_report": bool(attachments)}
        plain = self.templates.get_template("mail.txt").render(values).replace(NO_BREAK, " ")
        message.set_content(plain, cte="quoted-printable")
        message.add_alternative(self.templates.get_template("mail.html").render(values), subtype="html", cte="quoted-printable")
        for each in [*self._slots(showing, now_ns), *attachments]:
            message.add_attachment(
                each.content, maintype="text", subtype=each.type, filename=each.name, params={"charset": "utf-8"} | each.params
            )
        message["Content-Language"] = letter.language  # last: what makes a message multipart takes such headers into a part
        return Mail(message["Message-ID"], self.address, showing.person.mail, letter.subject, message.as_bytes(policy=HEADERS))

    def _headers(self, letter: LetterView, to: str, now_ns: int, stop_url: str) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(letter.sender, addr_spec=self.address)
        message["To"] = to
        message["Subject"] = letter.subject
        message["Date"] = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
        message["Message-ID"] = f"<{letter.id}@{self.address.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Precedence"] = "bulk"
        message["List-Unsubscribe"] = f"<{stop_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return message

    def _slots(self, showing: Showing, now_ns: int) -> list[Attachment]:
        made = []
        for prompt in showing.prompts:
            part = prompt.release.part
            for slot in part.slots:
                with contextlib.suppress(ValueError):  # a slot without a zone has no place in a calendar
                    body = ics(slot, part.title, part.text, uid=uid(prompt.key, slot.id), stamp_utc_ns=now_ns, is_chosen=False)
                    made.append(Attachment(f"{slot.start[:10]}-{slot.id}.ics", body, "calendar", {"method": "PUBLISH"}))
        return made


def chosen_ics(writer: Writer, unit: str, prompt_id: str, now_ns: int) -> bytes | None:
    """The appointment that was chosen, as a file; None: there is none."""
    prompt = writer.desk.prompts.get((unit, prompt_id))
    if prompt is None or prompt.appointment is None:
        return None
    part, slot = prompt.release.part, prompt.appointment
    first = next((a.slot for a in prompt.answers if a.answer == "booked" and a.slot), slot.id)
    return ics(
        slot,
        part.title,
        part.text,
        uid=uid(prompt.key, first),  # moved: the same entry, at another time
        stamp_utc_ns=now_ns,
        is_chosen=True,
        sequence=1 if find_slot(prompt, slot.id) else 2,
    )


def uid(key: tuple[str, str], slot: str) -> str:
    return f"{key[1]}-{slot}@{key[0]}.keyoff"
