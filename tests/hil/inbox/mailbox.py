"""A real mail server on loopback that keeps what it takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.hil.inbox.scene import parsed

HOST = "127.0.0.1"


class Mailbox:
    """An SMTP server's side."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 kept"

    @property
    def mails(self) -> list[EmailMessage]:
        return [parsed(e.content) for e in self.envelopes if isinstance(e.content, bytes)]


@contextmanager
def serving(mailbox: Mailbox) -> Iterator[int]:
    """While the block lasts; gives its port."""
    port = free_port()  # aiosmtpd needs to know it
    server = Controller(mailbox, hostname=HOST, port=port)
    server.start()
    try:
        yield port
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
