"""The rules' states as they are written, each encoded only when it has changed since the last time. Pure."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from agent.model import Rule


class Encoded:
    """What was encoded last, by rule. A state's fields are replaced, never mutated in place: so an equal copy tells."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, tuple[int, bytes]]] = {}

    def is_as_made(self, rule: Rule, written: tuple[int, bytes]) -> bool:
        """Whether this is what the rule begins with anyway. Reading it would first resolve its type, a millisecond each."""
        return type(rule).restore is Rule.restore and self.of(rule) == written

    def of(self, rule: Rule) -> tuple[int, bytes]:
        """(version, JSON)."""
        if type(rule).snapshot is not Rule.snapshot:  # more than the state alone
            return rule.state_version, msgspec.json.encode(rule.snapshot())
        kept = self._kept.get(rule.name)
        if kept is None or kept[0] != rule.state:
            kept = self._kept[rule.name] = copy.copy(rule.state), (rule.state_version, msgspec.json.encode(rule.state))
        return kept[1]
