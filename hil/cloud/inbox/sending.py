"""Signed commands through the bench's broker, with hil/cloud/command.py."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hil.ca import Pair
from hil.cloud.command import Commander
from hil.cloud.inbox.heard import Said


class ByBroker:
    """`key`: the command key; `pair`: this client's certificate."""

    def __init__(self, key: Path, address: tuple[str, int], ca: Path, pair: Pair, protocol: Literal["5", "3.1.1"] = "5") -> None:
        self._commander = Commander(key)
        self._address, self._ca, self._pair, self._protocol = address, ca, pair, protocol

    def send(self, said: Said, id: str, expires_s: float) -> None:
        """Raises OSError; ValueError for one that is larger than a unit takes."""
        command = self._commander.sign(said.unit, said.kind, said.data, expires_s, jti=id)
        self._commander.send(command, said.unit, self._address, self._ca, self._pair, self._protocol)
