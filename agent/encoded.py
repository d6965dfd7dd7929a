"""The rules' states as they are written, each encoded only when it has changed since the last time; and read back. Pure."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec

from agent.model import Context, Rule

Written: TypeAlias = tuple[int, bytes]
"""(version, JSON)."""


class Encoded:
    """What was encoded last, by rule. A state's fields are replaced, never mutated in place: so an equal copy tells.

    `failures` counts, by name, what could not be read.
    """

    def __init__(self, failures: Counter[str]) -> None:
        self._failures = failures
        self._kept: dict[str, tuple[Any, Written]] = {}

    def of(self, rule: Rule) -> Written:
        if type(rule).snapshot is not Rule.snapshot:  # more than the state alone
            return rule.state_version, msgspec.json.encode(rule.snapshot())
        kept = self._kept.get(rule.name)
        if kept is None or kept[0] != rule.state:
            kept = self._kept[rule.name] = copy.copy(rule.state), (rule.state_version, msgspec.json.encode(rule.state))
        return kept[1]

    def take_up(self, rule: Rule, written: Written, ctx: Context) -> None:
        """The rule goes on from there; from where it begins anyway, when that cannot be read."""
        if type(rule).restore is Rule.restore and self.of(rule) == written:
            return  # as made: reading it would first resolve its type, a millisecond each
        fresh = rule.state
        if not self.read(rule.name, rule.state_version, partial(rule.restore, ctx=ctx), written):
            rule.state = fresh

    def read(self, name: str, version: int, restore: Callable[[bytes], None], written: Written) -> bool:
        """Whether `restore` could make something of it."""
        found, body = written
        try:
            if found != version:
                raise ValueError(f"version {found}, not {version}")
            restore(body)
        except Exception:  # noqa: BLE001 - what cannot be read must not keep the unit from starting
            self._failures[f"{name} state unreadable"] += 1
            return False
        return True
