"""What a document is made of. All texts are ready to be read; nothing here is escaped yet."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.household import Language


class Table(msgspec.Struct, frozen=True):
    """The first column names its row."""

    caption: str
    head: list[str]
    rows: list[list[str]]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """`values` None: not known. `texts`: each value as it is read. `alt` says the chart in a sentence, `table` in full."""

    kind: Literal["columns", "bars", "line"]
    title: str
    alt: str
    labels: list[str]
    values: list[float | None]
    texts: list[str]
    table: Table
    mark: int | None = None  # the value that the report is about
    most: float | None = None  # the end of the scale; None: the highest value


class Figure(msgspec.Struct, frozen=True):
    """A number large enough to be read first, with what it is held against."""

    label: str
    value: str
    notes: list[str] = []


Part: TypeAlias = str | Table | Chart
"""A string is a paragraph."""


class Section(msgspec.Struct, frozen=True):
    title: str
    parts: list[Part]


class Document(msgspec.Struct, frozen=True):
    language: Language
    title: str
    lead: str
    figures: list[Figure]
    sections: list[Section]
    closing: str
    numbers: str  # what opens a chart's table
