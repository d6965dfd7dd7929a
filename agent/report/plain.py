"""Document → plain text: for a terminal, and as the text part of a mail. Charts are told by their tables."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from agent.household import NO_BREAK
from agent.report.blocks import Chart, Document, Part, Section, Table

WIDTH = 96


def plain(document: Document) -> str:
    """Ends in a line break."""
    lines = [document.title, "=" * len(document.title), "", *wrap(document.lead, WIDTH), ""]
    if document.figures:
        width = max(len(f.label) for f in document.figures)
        lines += [f"{f.label:<{width}}  {f.value}" + (f"  ({'; '.join(f.notes)})" if f.notes else "") for f in document.figures]
        lines.append("")
    for section in document.sections:
        lines += section_lines(section)
    lines += wrap(document.closing, WIDTH)
    return "\n".join(lines).replace(NO_BREAK, " ") + "\n"


def section_lines(section: Section) -> list[str]:
    lines = [section.title, "-" * len(section.title)]
    for part in section.parts:
        first, *rest = _part(part)
        lines += [first, *rest] if first or lines[-1] else rest
    return [*lines, ""] if lines[-1] else lines


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, str):
        yield from wrap(part, WIDTH)
        return
    yield ""
    yield from table_lines(part.table if isinstance(part, Chart) else part)
    yield ""


def table_lines(table: Table) -> list[str]:
    """The first column left, the others right; a caption above."""
    widths = [max(len(row[n]) for row in [table.head, *table.rows]) for n in range(len(table.head))]
    rule = ["-" * width for width in widths]
    cells = (
        [each.ljust(w) if n == 0 else each.rjust(w) for n, (each, w) in enumerate(zip(row, widths, strict=True))]
        for row in [table.head, rule, *table.rows]
    )
    return [table.caption, *("  ".join(row).rstrip() for row in cells)]
