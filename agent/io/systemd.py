"""READY, WATCHDOG, STATUS to systemd over $NOTIFY_SOCKET (sd_notify(3)); without one, nothing happens."""

from __future__ import annotations

import os
import socket


class Notifier:
    """`watchdog_s`: half of WatchdogSec, how often `alive` has to be called; None when systemd does not watch."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        usec = os.environ.get("WATCHDOG_USEC")
        self.watchdog_s = int(usec) / 2e6 if usec and usec.isdigit() else None

    def ready(self) -> None:
        self._send("READY=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        self._send(f"STATUS={text}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
            try:
                s.sendto(text.encode(), address)
            except OSError:
                return  # a supervisor that went away must not stop the agent
