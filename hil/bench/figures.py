"""What a figure is: a measured value, and what it is to be held against."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

T = TypeVar("T")


class LeftOut(Exception):
    """A group cannot be measured here; the message says why and what to do."""


class Target(NamedTuple):
    """`low` to `high`, both included; `text` as it is printed, without blanks."""

    low: float
    high: float
    text: str


class Figure(NamedTuple):
    """One figure. `target` None: told for information, held against nothing."""

    name: str
    value: float
    unit: str
    target: Target | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.target is None or self.target.low <= self.value <= self.target.high

    @property
    def verdict(self) -> str:
        return "" if self.target is None else "ok" if self.ok else "short"

    @property
    def shown(self) -> str:
        """The value with up to seven digits, four behind the point."""
        return f"{round(self.value, 4):.7g}"

    def line(self) -> str:
        """FIGURE <name> <value> <unit> target <target> ok|short"""
        target = self.target.text if self.target else "-"
        return f"FIGURE {self.name} {self.shown} {self.unit} target {target} {self.verdict}".rstrip()


class Place(NamedTuple):
    """Where to measure: the folder of recorded drives, which may be absent, and an empty one to work in."""

    drives: Path
    folder: Path

    def recording(self, name: str) -> Path:
        """A file of the recorded drives. Raises LeftOut."""
        path = self.drives / name
        if not path.is_file():
            raise LeftOut(f"no recorded drives at {self.drives}: set KEYOFF_DRIVES")
        return path


class Group(NamedTuple):
    """Figures that are measured together. `figures`: the names of those with a target, so that none is missed."""

    name: str
    figures: tuple[str, ...]
    measure: Callable[[Place], list[Figure]]


def at_most(high: float) -> Target:
    return Target(float("-inf"), high, f"<={high:g}")


def at_least(low: float) -> Target:
    return Target(low, float("inf"), f">={low:g}")


def exactly(value: float) -> Target:
    return Target(value, value, f"={value:g}")


def between(low: float, high: float) -> Target:
    return Target(low, high, f"{low:g}..{high:g}")


def within(value: float, percent: float) -> Target:
    return Target(value * (1 - percent / 100), value * (1 + percent / 100), f"{value:.10g}+-{percent:g}%")


def rounded(value: float, digits: int) -> Target:
    """What is `value` when it is rounded to so many digits behind the point."""
    half = 0.5 * 10**-digits
    return Target(value - half, value + half, f"={value:.{digits}f}")


def progress(label: str, items: Sequence[T]) -> Iterator[T]:
    """The items, with a bar on standard error while they are worked through."""
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
