"""The report that a ReportReady carries: its page, and the figures that a mail shows of it."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.report.blocks import Figure
from agent.report.document import document
from agent.report.page import page as page_of
from agent.report.report import Report


def read(data: dict[str, Any]) -> Report | None:
    """The report of a ReportReady; None when it is of another make: then there is no page of it, and the mail goes without."""
    try:
        return msgspec.convert(data["body"], Report)
    except (ValueError, KeyError, TypeError):
        return None


def page(data: dict[str, Any]) -> str | None:
    """One self-contained HTML document."""
    report = read(data)
    return page_of(report) if report else None


def figures(data: dict[str, Any]) -> list[Figure]:
    """What is to be read first."""
    report = read(data)
    return document(report).figures if report else []
