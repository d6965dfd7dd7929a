"""Links that only this desk can have made: a JWS (HS256) over what the link does, for whom, until when.

The link is the permission: there is no login and no cookie, so that no other site can press a button here (no CSRF), and
whoever has the mail can answer it. Nobody can make one for another prompt, answer or unit.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from agent.events.message import Answer
from agent.localtime import DAY_NS

ALGORITHM = "HS256"
ANSWER_DAYS = 45  # a long holiday and some; an older question has been asked anew
STOP_DAYS = 400  # whoever finds a mail of last year must still be able to stop them
PAGE_DAYS = 400  # the page is a bookmark

Press: TypeAlias = Literal[Answer, "cancel"]


class BadLink(Exception):
    """It is not ours, or was; the text says which, in words for the person."""


class ToAnswer(msgspec.Struct, frozen=True, tag="answer", omit_defaults=True):
    """Answer a prompt; with `booked` the slot's id; `cancel`: the appointment that it says was moved."""

    unit: str
    prompt_id: str
    answer: Press
    slot: str | None = None


class ToStop(msgspec.Struct, frozen=True, tag="stop"):
    """No more of what this mail is about: (unit, prompt id) of all its parts."""

    prompts: tuple[tuple[str, str], ...]


class ToPage(msgspec.Struct, frozen=True, tag="page"):
    """A person's page, by their key."""

    person: str


class ToReport(msgspec.Struct, frozen=True, tag="report"):
    unit: str
    report: str


class ToCalendar(msgspec.Struct, frozen=True, tag="calendar"):
    """The chosen appointment as a file."""

    unit: str
    prompt_id: str


Aim: TypeAlias = ToAnswer | ToStop | ToPage | ToReport | ToCalendar


class _Claim(msgspec.Struct, frozen=True):
    exp: int  # seconds since 1970, as in a JWT
    aim: Aim


class Links:
    """`secret`: 32 bytes. `base`: where the page is, as people reach it."""

    def __init__(self, secret: bytes, base: str) -> None:
        self._key = OctKey.import_key(secret)
        self.base = base.rstrip("/")

    def sign(self, aim: Aim, now_ns: int) -> str:
        days = STOP_DAYS if isinstance(aim, ToStop) else ANSWER_DAYS if isinstance(aim, ToAnswer) else PAGE_DAYS
        claim = _Claim((now_ns + days * DAY_NS) // 1_000_000_000, aim)
        return jws.serialize_compact({"alg": ALGORITHM}, msgspec.json.encode(claim), self._key, algorithms=[ALGORITHM])

    def read(self, token: str, now_ns: int) -> Aim:
        """What it is for; raises BadLink."""
        try:
            payload = jws.deserialize_compact(token, self._key, algorithms=[ALGORITHM]).payload
            claim = msgspec.json.decode(payload, type=_Claim)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise BadLink("not ours") from None
        if claim.exp * 1_000_000_000 <= now_ns:
            raise BadLink("too old")
        return claim.aim

    def url(self, aim: Aim, now_ns: int) -> str:
        path = {ToPage: "p", ToReport: "r", ToCalendar: "c"}.get(type(aim), "a")
        return f"{self.base}/{path}/{self.sign(aim, now_ns)}"


def secret(file: Path) -> bytes:
    """The key in `file`, made there (0600) if it is missing. Whoever reads it can answer for everyone."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(secrets.token_bytes(32))
    return file.read_bytes()
