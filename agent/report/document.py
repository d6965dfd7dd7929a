"""Report → Document: headings, lines, tables and charts in the reader's language and units. Page and plain text come of it."""

from __future__ import annotations

from agent.report.about_car import car_sections, closing_sections
from agent.report.about_driving import driving_sections, figures
from agent.report.amounts import Amounts
from agent.report.blocks import Document
from agent.report.phrases import phrase
from agent.report.report import Report


def document(report: Report) -> Document:
    say = Amounts(report.language, report.counts, report.economy)
    day = say.day_and_year(report.made_day)
    made_day = report.made_day or ""
    lead = "lead undated" if not made_day else "lead" if made_day[:7] > report.month else "lead early"
    return Document(
        language=report.language,
        title=phrase("title", report.language, month=say.month(report.month)),
        lead=phrase(lead, report.language, vehicle=report.vehicle, day=day, timezone=report.timezone),
        figures=figures(report, say),
        sections=[*driving_sections(report, say), *car_sections(report, say), *closing_sections(report, say)],
        closing=phrase("closing", report.language),
        numbers=phrase("numbers", report.language),
    )
